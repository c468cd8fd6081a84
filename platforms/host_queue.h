// Kernels that a host launches: a ring of descriptors in memory, a doorbell, and an open program that the dispatcher runs.
// Plain C++. What a host sees of it: doc/guide/registers.md, platforms/host_interface.h.
//
// Contract: every call with a time `t` is made between windows, with the engine advanced exactly to t; times never go back.
// Nothing a host writes throws: bad writes are refused, bad descriptors skipped, and the error registers say so.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>

#include "core/address_map.h"
#include "core/sparse_memory.h"
#include "platforms/host_interface.h"
#include "platforms/register_params.h"
#include "traffic/dispatcher.h"

namespace cowosim::platforms {

class HostQueue {
 public:
  /// `program`, open, is number `index` of the dispatcher's. `memory` null: memory holds no data, so that every doorbell is refused.
  /// All must outlive the queue.
  HostQueue(const RegisterParams& params, const AddressMap& map, SparseMemory* memory, work::Program& program,
            traffic::Dispatcher& dispatcher, std::size_t index);

  /// Registers by their offset, host::ring_base to host::kernels_ended. As of the last call with a time.
  std::uint64_t read(std::uint64_t offset) const;
  /// False: refused (a register that is read-only among them), nothing has changed but the error registers; reason() says why.
  bool write(std::uint64_t offset, std::uint64_t value, Time t);

  /// Descriptors up to number `tail` are there: takes over those that are new, as their bytes are at t. The first starts fetch_latency
  /// later, or launch_overhead after the end of the kernel before it. False: refused. Kernels are due from now on: the
  /// dispatcher's due() may have come closer.
  bool doorbell(std::uint64_t tail, Time t);
  /// Completes the kernels that have ended at or before t, in order: moves the bytes of copies, writes completions, advances the
  /// head. Call before anybody looks at memory or registers at t, or changes them.
  void settle(Time t);
  /// Launched, or skipped, and not settled.
  bool active() const { return !pending_.empty(); }

  bool enabled() const { return memory_ != nullptr; }
  /// Of the last write that was refused or descriptor that was skipped: what is wrong, in words.
  const std::string& reason() const { return reason_; }

 private:
  static constexpr std::size_t kSkipped = std::numeric_limits<std::size_t>::max();
  struct Pending {
    std::size_t op;  // in the program; kSkipped
    host::Descriptor descriptor;
  };

  bool refuse(host::Error error, std::uint64_t what, std::string reason);
  bool set_ring(std::uint64_t& member, std::uint64_t value);
  /// Empty: all of it lies in memory. Otherwise in words why not.
  std::string outside(std::uint64_t address, std::uint64_t bytes) const;
  host::Error problem_of(const host::Descriptor& descriptor, std::string& words) const;
  host::Error problem_of_gemm(const host::Descriptor& descriptor, std::string& words) const;
  void launch(const host::Descriptor& descriptor, Time t);
  void complete(const host::Descriptor& descriptor);

  RegisterParams params_;
  const AddressMap& map_;
  SparseMemory* memory_;
  work::Program& program_;
  traffic::Dispatcher& dispatcher_;
  std::size_t index_;
  std::deque<Pending> pending_;  // descriptors head_ to tail_ - 1
  std::uint64_t base_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t head_ = 0;
  std::uint64_t launched_ = 0;
  std::uint64_t ended_ = 0;
  host::Error error_ = host::Error::none;
  std::uint64_t error_descriptor_ = 0;
  std::uint64_t errors_ = 0;
  std::string reason_;
};

}  // namespace cowosim::platforms
