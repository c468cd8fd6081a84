#include "telemetry/reservations.h"

namespace cowosim::telemetry {

Time Reservations::squeeze(Time ready, Time duration, Holder holder, StreamId victim, Blame& blame) {
  std::size_t i = busy_.size();
  while (i > head_ && busy_[i - 1].end > ready) --i;  // the first interval that ends after `ready`
  Time start = ready;
  for (; i < busy_.size(); ++i) {
    const Busy& b = busy_[i];
    if (b.start - start >= duration) break;
    blame.charge(victim, b.holder, b.end - start);
    start = b.end;
  }
  if (i == busy_.size()) {
    append(start, start + duration, holder);
    return start;
  }
  // In front of interval i, possibly touching it, or the one before, or both.
  const Time end = start + duration;
  const bool joins_next = busy_[i].start == end && busy_[i].holder == holder;
  const bool joins_previous = i > head_ && busy_[i - 1].end == start && busy_[i - 1].holder == holder;
  if (joins_next && joins_previous) {
    busy_[i - 1].end = busy_[i].end;
    busy_.erase(busy_.begin() + static_cast<std::ptrdiff_t>(i));
  } else if (joins_next) {
    busy_[i].start = start;
  } else if (joins_previous) {
    busy_[i - 1].end = end;
  } else if (i == head_ && head_ > 0) {
    busy_[--head_] = {start, end, holder};
  } else {
    busy_.insert(busy_.begin() + static_cast<std::ptrdiff_t>(i), {start, end, holder});
  }
  return start;
}

void Reservations::compact() {
  if (head_ == 0) return;
  busy_.erase(busy_.begin(), busy_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
}

}  // namespace cowosim::telemetry
