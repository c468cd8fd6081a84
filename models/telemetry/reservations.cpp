#include "telemetry/reservations.h"

namespace cowosim::telemetry {

Time Reservations::squeeze(Time ready, Time duration, Holder holder, StreamId victim, Blame& blame) {
  std::size_t i = earlier_.size();  // the last interval ends after `ready`
  while (i > head_ && earlier_[i - 1].end > ready) --i;
  Time start = ready;
  for (; i <= earlier_.size(); ++i) {
    const Busy& b = at(i);
    if (b.start - start >= duration) break;
    blame.charge(victim, b.holder, b.end - start);
    start = b.end;
  }
  if (i > earlier_.size()) {
    append(start, start + duration, holder);
    return start;
  }
  // In front of interval i, possibly touching it, or the one before, or both.
  const Time end = start + duration;
  Busy& after = i == earlier_.size() ? last_ : earlier_[i];
  const bool joins_next = after.start == end && after.holder == holder;
  const bool joins_previous = i > head_ && earlier_[i - 1].end == start && earlier_[i - 1].holder == holder;
  const auto position = [&](std::size_t n) { return earlier_.begin() + static_cast<std::ptrdiff_t>(n); };
  if (joins_next && joins_previous) {
    after.start = earlier_[i - 1].start;
    earlier_.erase(position(i - 1));
  } else if (joins_next) {
    after.start = start;
  } else if (joins_previous) {
    earlier_[i - 1].end = end;
  } else if (i == head_ && head_ > 0) {
    earlier_[--head_] = {start, end, holder};
  } else {
    earlier_.insert(position(i), {start, end, holder});
  }
  return start;
}

void Reservations::compact() {
  if (head_ == 0) return;
  earlier_.erase(earlier_.begin(), earlier_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
}

}  // namespace cowosim::telemetry
