// What a bridge has to do at which SystemC time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/driver.h"

namespace cowosim::kernel {

/// Items by time, then in the order they were added; one event, notified when the first is due. A process sensitive to it takes
/// what is due and calls `rearm`.
template <class Item>
class Agenda {
 public:
  explicit Agenda(const char* name) : due_(name) {}

  const sc_core::sc_event& due() const { return due_; }
  void add(Time t, const Item& item) {
    items_.push_back({t, sequence_++, item});
    std::push_heap(items_.begin(), items_.end(), later);
    rearm();
  }
  /// The first item whose time has come; false: none.
  bool take(Item& item) {
    if (items_.empty() || items_.front().time > present()) return false;
    std::pop_heap(items_.begin(), items_.end(), later);
    item = items_.back().item;
    items_.pop_back();
    return true;
  }
  void rearm() {
    if (items_.empty()) return;
    const Time first = items_.front().time;
    // A notification for now is a delta later: nobody is called from within his own call.
    due_.notify(first <= present() ? sc_core::SC_ZERO_TIME : sc_time_of(first - present()));
  }
  bool empty() const { return items_.empty(); }

 private:
  struct Entry {
    Time time;
    std::uint64_t sequence;
    Item item;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
  }
  std::vector<Entry> items_;  // a heap
  std::uint64_t sequence_ = 0;
  sc_core::sc_event due_;
};

}  // namespace cowosim::kernel
