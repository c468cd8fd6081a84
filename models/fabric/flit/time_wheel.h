// What arrives in which cycle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cowosim::fabric {

/// Events by cycle. Near ones (within the wheel) cost a push; the few beyond it wait in a heap. Events of one cycle come in the order in which they were added.
template <class Event>
class TimeWheel {
 public:
  using Cycle = std::int64_t;
  static constexpr Cycle kNone = INT64_MAX;

  /// `span`: how many cycles ahead most events are.
  void set_span(Cycle span) {
    std::size_t size = 16;
    while (size < static_cast<std::size_t>(span) + 2 && size < 4096) size *= 2;
    slots_.resize(size);
    occupied_.assign((size + 63) / 64, 0);
  }

  /// For `cycle` > every cycle taken so far. `now`: the cycle being handled, or the next one.
  void add(Cycle cycle, Cycle now, Event event) {
    const bool behind = !far_.empty() && far_.front().cycle <= cycle;  // of one that has not come near yet
    if (cycle - now < static_cast<Cycle>(slots_.size()) && !behind) {
      place(cycle, event);
    } else {
      far_.push_back({cycle, order_++, event});
      std::push_heap(far_.begin(), far_.end(), later);
    }
  }

  /// Hands over what arrives in `now`; events for later cycles may be added meanwhile. Cycles without events may be left out.
  template <class Receiver>
  void take(Cycle now, Receiver&& receive) {
    while (!far_.empty() && far_.front().cycle - now < static_cast<Cycle>(slots_.size())) {
      place(far_.front().cycle, far_.front().event);
      std::pop_heap(far_.begin(), far_.end(), later);
      far_.pop_back();
    }
    const std::size_t index = slot_of(now);
    std::vector<Event>& slot = slots_[index];
    if (slot.empty()) return;
    for (const Event& event : slot) receive(event);
    slot.clear();
    occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  }

  /// The first cycle from `now` on with an event; kNone without any.
  Cycle first(Cycle now) const {
    const std::size_t words = occupied_.size();
    const std::size_t begin = slot_of(now);
    Cycle nearest = far_.empty() ? kNone : far_.front().cycle;
    for (std::size_t i = 0; i <= words; ++i) {
      const std::size_t w = (begin / 64 + i) % words;
      std::uint64_t bits = occupied_[w];
      if (i == 0) bits &= ~std::uint64_t{0} << (begin % 64);
      if (bits == 0) continue;
      const std::size_t index = w * 64 + static_cast<std::size_t>(__builtin_ctzll(bits));
      const Cycle cycle = now + static_cast<Cycle>((index - begin) & (slots_.size() - 1));
      return std::min(nearest, cycle);
    }
    return nearest;
  }

  /// Events under way.
  std::size_t size() const {
    std::size_t sum = far_.size();
    for (const std::vector<Event>& slot : slots_) sum += slot.size();
    return sum;
  }

 private:
  struct Far {
    Cycle cycle;
    std::uint64_t order;
    Event event;
  };
  static bool later(const Far& a, const Far& b) { return a.cycle != b.cycle ? a.cycle > b.cycle : a.order > b.order; }
  std::size_t slot_of(Cycle cycle) const { return static_cast<std::size_t>(cycle) & (slots_.size() - 1); }
  void place(Cycle cycle, Event event) {
    const std::size_t index = slot_of(cycle);
    slots_[index].push_back(event);
    occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
  }

  std::vector<std::vector<Event>> slots_;
  std::vector<std::uint64_t> occupied_;  // bit s: slot s is not empty
  std::vector<Far> far_;                 // a heap, the first on top
  std::uint64_t order_ = 0;
};

}  // namespace cowosim::fabric
