// A package as one sc_module: put it into any sc_main, several per process, and call sc_start.
//
//   cowosim::RunOptions options;
//   options.platform = "h100_sxm5";
//   options.settings = {"workload.layers=1"};
//   cowosim::Package package("package_0", options);
//   sc_core::sc_start();
//   std::cout << package.results().all.latency.mean();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "bridge/foreign_initiator_shell.h"
#include "bridge/foreign_target_shell.h"
#include "core/address_map.h"
#include "core/memory_map.h"
#include "core/sparse_memory.h"
#include "core/time.h"
#include "engine/engine.h"
#include "platforms/config/value.h"
#include "platforms/register_block.h"
#include "telemetry/results.h"
#include "telemetry/traces.h"
#include "traffic/request_stream.h"

namespace cowosim {

/// What `cowosim run` can be told; see doc/guide/command_line.md. Defaults are the command line's.
struct RunOptions {
  struct Workload {
    std::string name;      ///< of the stream
    std::string workload;  ///< kind, or a workload file
    /// Of a `trace`: these, not its file's, in the order in which they are issued (their stream is set here).
    std::shared_ptr<const std::vector<traffic::Request>> requests = nullptr;
  };

  std::string platform;                     ///< name or file
  std::vector<Workload> workloads;          ///< empty: the platform's default one
  std::vector<std::string> settings;        ///< "path=value", as --set
  std::vector<std::string> settings_files;  ///< as --set-file
  std::vector<std::string> include;         ///< directories searched for files, as -I
  std::optional<std::uint64_t> seed;        ///< not given: the platform file's, else 1
  int threads = 1;
  Time window = 0;  ///< at most the platform's W; 0: W
  Time until = 0;   ///< simulated time limit (reaching it is success); 0: the platform file's, else none
  Time stall_limit = kMillisecond;
  Time stats_interval = 0;            ///< 0: no time series
  double wall_limit_seconds = 0;      ///< 0: none
  Time epoch = 0;                     ///< of hashes.csv; 0: the platform file's, else 10 us
  bool without_traffic = false;       ///< elaborate the platform only, for questions about it
  bool shuffle_construction = false;  ///< build components in another order (a result that changes is a bug)

  struct Trace {
    bool on = false;
    Time from = 0;
    Time to = kNever;
  };
  Trace trace_transactions;
  Trace trace_commands;
  bool trace_accesses = false;  ///< keep what memory controllers accept, for accesses()
  bool check = false;           ///< every HBM channel's commands go through the protocol checker; violations() tells
};

/// Throws ConfigError (core/error.h) with every error of platform, workload and options.
class Package : public sc_core::sc_module {
 public:
  Package(const sc_core::sc_module_name& name, const RunOptions& options);
  ~Package() override;

  /// Notified at the simulated end of the run, whatever its status.
  const sc_core::sc_event& ended() const;
  engine::Status status() const;
  /// Ends the run at the next window boundary. Async-signal-safe.
  void interrupt();
  /// Ends the run of a package with foreign initiators that have not said that they have finished. Without workloads what is under
  /// way goes on to its end, and the run is completed unless a foreign model owes an answer. Call when sc_start has returned and
  /// will not be called again; sc_stop does it by itself.
  void stop();

  /// Looks at interrupt() and the wall-clock limit. Every window does; foreign models may let time pass without any. Between two
  /// calls of sc_start.
  void check_limits();

  // Foreign models of the platform's section `foreign`, by name. Sockets are made when they are first asked for; every one must be
  // bound before the simulation starts. Throws std::invalid_argument for names and numbers there are not.
  /// For a foreign initiator's socket: package.target_socket("npu").
  template <unsigned kWidth = 32>
  tlm::tlm_target_socket<kWidth>& target_socket(const std::string& foreign, int index = 0) {
    return foreign_initiator(foreign).socket<kWidth>(index);
  }
  /// For a foreign target's socket.
  template <unsigned kWidth = 32>
  tlm::tlm_initiator_socket<kWidth>& initiator_socket(const std::string& foreign, int index = 0) {
    return foreign_target(foreign).socket<kWidth>(index);
  }
  /// Foreign models without a plug-in: their sockets are the caller's to bind.
  std::vector<std::string> unbound() const;
  bridge::ForeignInitiatorShell& foreign_initiator(const std::string& name);
  bridge::ForeignTargetShell& foreign_target(const std::string& name);
  /// Of all foreign initiators, from now on; see foreign.<name>.timing.
  void set_loosely_timed(bool on);

  /// Throws what went wrong inside the run (a malformed trace: ConfigError), if anything did. Call after sc_start.
  void rethrow() const;

  /// Sum mod 2^64 of mix(identity, retirement time) over every transaction: equal runs have equal hashes.
  std::uint64_t completion_hash() const;
  /// Everything measured; complete once the run has ended. `run` holds what the package knows of it (no command line, no host).
  telemetry::Results results() const;
  /// The resolved configuration, as in config.yaml: running that file again reproduces the run.
  const platforms::config::Value& resolved() const;
  const MemoryMap& memory_map() const;
  /// Who answers at which address; empty for a fabric alone.
  const AddressMap& address_map() const;
  /// One of its regions in words.
  std::string describe(const AddressRegion& region) const;
  /// Everything in the region `registers`, by offset.
  std::vector<platforms::RegisterInfo> registers() const;
  /// False for a fabric alone: its memory map is nobody's.
  bool has_memory() const;
  /// What memory holds, files of memory.load included; nullptr: no data (memory.data: none, or no memory).
  const SparseMemory* memory() const;
  SparseMemory* memory();
  /// The transactions traced (RunOptions::trace_transactions), ordered by (time, component, sequence).
  telemetry::TransactionTable transactions() const;
  /// The DRAM commands traced (RunOptions::trace_commands), by channel.
  std::vector<telemetry::ChannelCommands> commands() const;
  /// What memory controllers have accepted (RunOptions::trace_accesses), by channel.
  std::vector<telemetry::ChannelAccesses> accesses() const;

  /// Something that follows from the platform: a number (value) or a name (text).
  struct Fact {
    std::string key;  ///< with its unit: "window_ns"
    std::string label;
    double value;
    std::string text;
    std::string readable;
  };
  using Facts = std::vector<Fact>;
  Facts facts() const;
  /// "<platform>-<workload>-<hash8>"
  std::string default_directory() const;
  /// Throws telemetry::OutputError when a run could not be written there.
  static void require_writable(const std::string& directory, bool force);
  /// A file of the run's directory that only the caller knows.
  struct File {
    std::string name;
    std::string content;
  };
  /// Writes the run's directory (see doc/guide/results.md) and returns its path; nothing is left when it fails.
  std::string write(const std::string& directory, const telemetry::Results& results, bool force, bool report,
                    const std::vector<File>& extra = {}) const;

  /// For progress lines: simulated time so far, transactions created, and the fraction done if the workload knows it (else < 0).
  struct Progress {
    Time now;
    std::uint64_t transactions;
    double fraction;
  };
  Progress progress() const;
  /// Called a few times a second of wall time while the run goes on.
  void on_poll(std::function<void()> callback);

  /// Who waited for whom when the run got stuck; empty otherwise.
  const std::vector<engine::Wait>& waits() const;
  const std::string& reason() const;
  /// Broken rules of conservation and arithmetic, in words (exit code 3).
  std::vector<std::string> violations() const;

 private:
  void end_of_simulation() override;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cowosim
