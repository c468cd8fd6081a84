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
    if (last_.end <= horizon) {
      head_ = 0;
      earlier_.clear();
      last_ = {0, 0, 0};
    } else if (head_ < earlier_.size() && earlier_[head_].end <= horizon) {
      while (head_ < earlier_.size() && earlier_[head_].end <= horizon) ++head_;
      if (head_ == earlier_.size()) {
        head_ = 0;
        earlier_.clear();
      }
    }
  }

  /// End of the last interval known, or 0.
  Time end() const { return last_.end; }
  bool empty() const { return last_.end == 0; }

  /// Takes the first gap of `duration` (> 0) at or after `ready` for `holder`; returns its start. The wait (start - ready) is charged
  /// to `blame`: to whoever holds each part of it, gaps too short to use to the holder after them.
  Time reserve(Time ready, Time duration, Holder holder, StreamId victim, Blame& blame) {
    if (ready >= last_.end) {
      append(ready, ready + duration, holder);
      return ready;
    }
    return squeeze(ready, duration, holder, victim, blame);
  }

  /// The resource is taken in [start, end), end > start >= end(): appended without asking.
  void append(Time start, Time end, Holder holder) {
    if (last_.end == start && last_.holder == holder && last_.end != 0) {
      last_.end = end;
      return;
    }
    if (last_.end != 0) {
      if (earlier_.size() == earlier_.capacity()) compact();
      earlier_.push_back(last_);
    }
    last_ = {start, end, holder};
  }

  /// Charges [from, to), to <= end(), to its holders without taking anything: all of it, gaps to the holder before them (the
  /// one at the beginning to the holder after it).
  void charge(Time from, Time to, StreamId victim, Blame& blame) const {
    for (std::size_t i = earlier_.size() + 1; i > head_ && from < to;) {
      const Busy& b = at(--i);
      if (b.start >= to) continue;
      const bool first = i == head_ || earlier_[i - 1].end <= from;
      const Time begin = first || b.start < from ? from : b.start;
      blame.charge(victim, b.holder, to - begin);
      to = begin;
    }
  }

 private:
  const Busy& at(std::size_t i) const { return i == earlier_.size() ? last_ : earlier_[i]; }
  Time squeeze(Time ready, Time duration, Holder holder, StreamId victim, Blame& blame);
  void compact();

  Busy last_{0, 0, 0};         // nothing known: end 0
  std::vector<Busy> earlier_;  // [head_, size) is live; empty when nothing is known
  std::size_t head_ = 0;
};

}  // namespace cowosim::telemetry
