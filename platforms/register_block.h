// Every counter of a package as memory-mapped registers: what answers in the region `registers`. Plain C++.
// Layout: doc/guide/registers.md, platforms/host_interface.h.
//
// Counters are the statistics of all hearts, ordered by heart, then by statistic: fixed for a package. Integers where the statistic
// is one (count, B, flop), else fixed point: ns in picoseconds, pJ in femtojoules, ratios in millionths, GB/s in B/s.
//
// Contract: `now` is the time of the access, and the engine has been advanced exactly to it; between windows. Errors are the caller's
// to turn into a response; nothing throws but std::logic_error, for a heart whose statistics are not always the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "engine/heart.h"
#include "platforms/host_interface.h"

namespace cowosim::platforms {

class HostQueue;

struct RegisterInfo {
  std::uint64_t offset;
  std::string name;  ///< counters: "hbm_stack_0.channel_3.pseudo_channel_0_reads"
  std::string unit;  ///< "count", "B", "flop", "ps", "fJ", "1e-6", "B/s"; "fs", "address", "bits"
  bool writable;
};

class RegisterBlock {
 public:
  /// `queue` null: nobody here runs a host's kernels; its registers read as zero. Both must outlive the block.
  RegisterBlock(const std::vector<engine::Heart*>& hearts, HostQueue* queue);

  /// Of everything: header, counters, names. The region may be larger; there, accesses are errors.
  std::uint64_t bytes() const { return names_offset_ + names_.size(); }
  std::uint64_t counters() const { return counters_.size(); }

  /// Any alignment and length; all bytes are of one moment. False: not all of it lies in the block.
  bool read(std::uint64_t offset, unsigned char* data, std::size_t length, Time now);
  /// Any alignment and length within the writable registers; those it touches take over their bytes by rising offset, the others keep
  /// theirs. False: nothing there is writable, or a register has refused its value (those before it have taken theirs); error() says why.
  bool write(std::uint64_t offset, const unsigned char* data, std::size_t length, Time now);
  /// Why the last access failed, in words.
  const std::string& error() const { return error_; }

  /// All registers by offset, without the reserved ones.
  std::vector<RegisterInfo> list() const;

 private:
  struct Counter {
    std::string name;
    std::size_t unit;         // in the table of units
    std::uint64_t value = 0;  // as of the last sample
  };
  struct Source {
    const engine::Heart* heart;
    std::size_t first;                    // of its counters
    std::vector<std::size_t> order;       // statistic as it is visited -> counter
    std::vector<std::string> statistics;  // as visited
  };
  class Sampler;

  bool fail(std::string why);
  void name_counters();
  void sample(std::size_t first, std::size_t last);
  std::uint64_t header(std::uint64_t offset, Time now) const;

  HostQueue* queue_;
  std::vector<Source> sources_;
  std::vector<Counter> counters_;
  std::uint64_t names_offset_ = 0;
  std::vector<unsigned char> names_;
  std::string error_;
};

}  // namespace cowosim::platforms
