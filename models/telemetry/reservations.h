// When a resource that serves one at a time is taken, and by whom: the schedule of a link, a lookup port, a set of credits.
#pragma once

#include <cstddef>
#include <vector>

#include "core/time.h"
#include "telemetry/blame.h"

namespace cowosim::telemetry {

/// Disjoint busy intervals in time order; neighbours of one holder that touch are one. Intervals are half-open, in femtoseconds.
/// Cheap where requests come nearly in order: the usual reservation touches only the last interval.
class Reservations {
 public:
  struct Busy {
    Time start;
    Time end;
    Holder holder;
  };

  /// Everything that ended at or before `horizon` is forgotten: no later call may ask about a time before it.
  void forget(Time horizon) {
    while (head_ < busy_.size() && busy_[head_].end <= horizon) ++head_;
    if (head_ == busy_.size()) {
      busy_.clear();
      head_ = 0;
    }
  }

  /// End of the last interval known, or 0.
  Time end() const { return busy_.empty() ? 0 : busy_.back().end; }
  bool empty() const { return busy_.empty(); }

  /// Takes the first gap of `duration` (> 0) at or after `ready` for `holder`; returns its start. The wait (start - ready) is charged
  /// to `blame`: to whoever holds each part of it, gaps too short to use to the holder after them.
  Time reserve(Time ready, Time duration, Holder holder, StreamId victim, Blame& blame) {
    if (busy_.empty() || ready >= busy_.back().end) {
      append(ready, ready + duration, holder);
      return ready;
    }
    return squeeze(ready, duration, holder, victim, blame);
  }

  /// The resource is taken in [start, end), start >= end(): appended without asking.
  void append(Time start, Time end, Holder holder) {
    if (!busy_.empty()) {
      Busy& last = busy_.back();
      if (last.end == start && last.holder == holder) {
        last.end = end;
        return;
      }
      if (busy_.size() == busy_.capacity()) compact();
    }
    busy_.push_back({start, end, holder});
  }

  /// Charges [from, to), to <= end(), to its holders without taking anything: all of it, gaps to the holder before them (the
  /// one at the beginning to the holder after it).
  void charge(Time from, Time to, StreamId victim, Blame& blame) const {
    for (std::size_t i = busy_.size(); i > head_ && from < to;) {
      const Busy& b = busy_[--i];
      if (b.start >= to) continue;
      const bool first = i == head_ || busy_[i - 1].end <= from;
      const Time begin = first || b.start < from ? from : b.start;
      blame.charge(victim, b.holder, to - begin);
      to = begin;
    }
  }

 private:
  Time squeeze(Time ready, Time duration, Holder holder, StreamId victim, Blame& blame);
  void compact();

  std::vector<Busy> busy_;  // [head_, size) is live
  std::size_t head_ = 0;
};

}  // namespace cowosim::telemetry
