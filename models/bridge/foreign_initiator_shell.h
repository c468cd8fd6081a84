// Base-protocol target sockets for a foreign initiator.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "bridge/foreign_initiator.h"
#include "bridge/socket_shell.h"
#include "engine/gate.h"
#include "kernel/agenda.h"
#include "kernel/base_protocol_checker.h"
#include "kernel/contents.h"
#include "kernel/ports.h"

namespace cowosim::bridge {

/// One target socket a crossing. A request is made when the call says so (present + delay); what it reads and writes takes effect, in
/// the order of time over all initiators, when it enters the package; its response comes after what the package takes for it.
///  b_transport  returns then, with no time left over.
///  AT           END_REQ as soon as one of max_outstanding entries is free (with the return of the call, or accept_delay later on the
///               backward path); BEGIN_RESP one at a time, each after the END_RESP of the one before.
///  transport_dbg, and errors (TLM_ADDRESS_ERROR_RESPONSE: a hole; TLM_BURST_ERROR_RESPONSE: streaming width below the length, or more
///               than kLongest bytes) at once. After the end of the run everything is TLM_GENERIC_ERROR_RESPONSE.
///  loosely timed: nothing is simulated: accesses take effect at the call and add the unloaded latency; memory.data can be had by DMI.
class ForeignInitiatorShell final : public kernel::Shell, public engine::Outside, public kernel::Calendar::Client {
 public:
  using Payload = tlm::tlm_generic_payload;
  template <unsigned kWidth>
  using Socket = tlm::tlm_target_socket<kWidth>;
  static constexpr unsigned kLongest = 1u << 24;

  /// `coupled`: its heart is a member of a coupling, which wires it; there are no ports then.
  ForeignInitiatorShell(const sc_core::sc_module_name& name, const ForeignParams& params,
                        const InitiatorContext& context, bool coupled);
  ~ForeignInitiatorShell() override;

  ForeignInitiator& heart() override { return heart_; }
  const ForeignParams& params() const { return params_; }
  /// The rest of what it needs; before the simulation.
  void attach(engine::Engine& engine, std::vector<engine::Gate*> gates, kernel::Driver& driver,
              kernel::Contents& contents, kernel::Calendar& calendar);

  /// The socket of a bus of kWidth bits, made when it is first asked for: during elaboration, always the same width.
  /// Throws std::invalid_argument for a number there is not, or another width.
  template <unsigned kWidth>
  Socket<kWidth>& socket(int index) {
    require_socket(params_, index);
    Line& line = lines_[static_cast<std::size_t>(index)];
    return socket_in<Socket<kWidth>, tlm::tlm_fw_transport_if<>>(line.socket, *this, params_, index, *line.entry);
  }

  /// The foreign model will send nothing more of its own accord: the run need not wait for it.
  void finish();
  /// Changes how accesses are timed from now on; direct pointers are invalidated when it ends.
  void set_loosely_timed(bool on);
  /// The run has ended: whoever waits is answered with an error.
  void end();
  bool owns(Handle handle) const { return heart_.owns(handle); }
  /// Of one of its transactions to a foreign target.
  kernel::TravellingBytes bytes_of(Handle handle) const;

  std::uint64_t loosely_timed_accesses() const { return loose_; }

  void leave(const engine::Message& message) override;
  bool effect(const engine::Message& message) override;
  bool under_way() const override;
  Time owes_since() const override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void act() override;
  Time first() const override { return agenda_.first(); }

 private:
  /// The calls of one socket.
  struct Entry final : tlm::tlm_fw_transport_if<> {
    Entry(ForeignInitiatorShell& shell_, int index_) : shell(shell_), index(index_) {}
    void b_transport(Payload& payload, sc_core::sc_time& delay) override { shell.b_transport(index, payload, delay); }
    tlm::tlm_sync_enum nb_transport_fw(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
      return shell.nb_transport_fw(index, payload, phase, delay);
    }
    bool get_direct_mem_ptr(Payload& payload, tlm::tlm_dmi& dmi) override {
      return shell.get_direct_mem_ptr(index, payload, dmi);
    }
    unsigned transport_dbg(Payload& payload) override { return shell.transport_dbg(index, payload); }
    ForeignInitiatorShell& shell;
    int index;
  };
  /// In place of a payload whose process was killed or reset within b_transport: the request is under way all the same.
  struct Orphan {
    Payload payload;
    std::vector<unsigned char> bytes, enables;
  };
  /// An access from its call to its end.
  struct Access {
    Payload* payload = nullptr;
    const AddressRegion* region = nullptr;
    Time called = 0;
    Time delivered = 0;
    std::uint64_t use = 0;  // of this object: items of earlier ones are void
    int socket = 0;
    bool blocking = false;
    bool held = false;      // a reference of ours keeps the payload
    bool accepted = false;  // END_REQ is sent, or BEGIN_RESP instead
    bool done = false;
    std::uint32_t request = 0;
    std::unique_ptr<sc_core::sc_event> woken;  // blocking
    std::unique_ptr<Orphan> orphan;            // blocking, and nobody waits any more
  };
  struct Line {  // one socket's
    std::unique_ptr<AnySocket<tlm::tlm_bw_transport_if<>>> socket;
    std::unique_ptr<Entry> entry;
    std::unique_ptr<kernel::BaseProtocolChecker> checker;
    engine::Gate* gate = nullptr;
    std::deque<Access*> waiting;    // for an entry of max_outstanding
    std::deque<Access*> responses;  // for the response channel
    Access* responding = nullptr;   // BEGIN_RESP sent
    bool draining = false;          // END_RESP is due at a time to come
    std::int64_t outstanding = 0;
  };
  struct Item {
    enum Kind : std::uint8_t { end_request, response, end_response, next_response } kind;
    Access* access;  // of next_response: none
    std::uint64_t use;
    int socket;
  };

  void b_transport(int index, Payload& payload, sc_core::sc_time& delay);
  tlm::tlm_sync_enum nb_transport_fw(int index, Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay);
  bool get_direct_mem_ptr(int index, Payload& payload, tlm::tlm_dmi& dmi);
  unsigned transport_dbg(int index, Payload& payload);
  tlm::tlm_sync_enum forward(int index, Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay);

  void end_of_elaboration() override { require_bound(lines_, params_, "target_socket"); }
  /// False: it ends here, its response status says why.
  bool admissible(Payload& payload, const AddressRegion*& region) const;
  /// Only memory, and not while somebody else's kernels change it at instants of their own.
  bool is_loose(const AddressRegion& region, const Payload& payload) const {
    return loosely_timed_ && region.kind == AddressRegion::Kind::memory && !contents_->needs_exact(region, payload);
  }
  void loosely_timed(Payload& payload, const AddressRegion& region, sc_core::sc_time& delay);
  Access* take_access(Payload& payload, const AddressRegion& region, int socket, Time called, bool blocking);
  void release(Access* access);
  void abandon(Access* access);
  bool ended() const { return over_ || engine_->status() != engine::Status::running; }  // or a heart has thrown
  void enter(Access& access, Time t);
  void leave_line(Line& line);
  void plan(Time t, Item::Kind kind, Access& access);
  void end_request(Access& access);
  void respond(Line& line);
  void deliver(Access& access);
  void finish_response(Line& line);

  ForeignParams params_;
  ForeignInitiator heart_;
  engine::Engine* engine_ = nullptr;
  kernel::Driver* driver_ = nullptr;
  kernel::Contents* contents_ = nullptr;
  std::vector<Line> lines_;
  std::vector<std::unique_ptr<Access>> accesses_;
  std::vector<Access*> free_accesses_;
  std::vector<Access*> by_request_;
  kernel::Agenda<Item> agenda_;
  bool loosely_timed_ = false;
  bool over_ = false;  // the run has ended, and everybody has been told
  std::uint64_t loose_ = 0;

 public:
  /// The ports towards the package: the network's, or one for each channel.
  std::vector<std::unique_ptr<kernel::InitiatorPort>> memory;
};

}  // namespace cowosim::bridge
