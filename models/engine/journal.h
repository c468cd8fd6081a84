// What a component leaves behind for comparing runs: one hash per epoch, and on request every event.
#pragma once

#include <cstdint>
#include <vector>

#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::engine {

/// The hash of a component is the sum mod 2^64 of mix(identity, time) over its events: a creator's events are the
/// retirements of its transactions, every other component's are the transactions it has finished with. A sum does not depend
/// on order, so neither threads nor windows show in it; a wrong time always does.
class Journal {
 public:
  struct Event {
    Time time;
    std::uint64_t identity;
    std::uint64_t number;
    std::uint64_t address;
    std::uint32_t bytes;
    Op op;
    StreamId stream;
  };

  explicit Journal(Time epoch = 10 * kMicrosecond) : epoch_(epoch), epoch_end_(epoch) {}
  void set_epoch(Time epoch) { epoch_ = epoch, epoch_begin_ = 0, epoch_end_ = epoch; }
  /// Keep events in [from, to) for a transaction trace.
  void trace(Time from, Time to) { trace_from_ = from, trace_to_ = to; }

  void add(const Transaction& transaction, Time t) {
    if (t < epoch_begin_ || t >= epoch_end_) select_epoch(t);
    hashes_[index_] += mix(transaction.identity, static_cast<std::uint64_t>(t));
    ++counts_[index_];
    if (t > last_) last_ = t;
    if (t >= trace_from_ && t < trace_to_) keep(transaction, t);
  }

  const std::vector<std::uint64_t>& hashes() const { return hashes_; }
  std::uint64_t hash() const;
  /// Events per epoch.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  std::uint64_t count() const;
  Time last() const { return last_; }
  const std::vector<Event>& events() const { return events_; }

 private:
  void select_epoch(Time t);
  void keep(const Transaction& transaction, Time t);

  Time epoch_;
  Time epoch_begin_ = 0;
  Time epoch_end_;
  std::size_t index_ = 0;
  std::vector<std::uint64_t> hashes_ = std::vector<std::uint64_t>(1, 0);
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(1, 0);
  Time last_ = 0;
  Time trace_from_ = kNever;
  Time trace_to_ = kNever;
  std::vector<Event> events_;
};

}  // namespace cowosim::engine
