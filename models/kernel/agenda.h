// What bridges have to do at which SystemC time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/driver.h"

namespace cowosim::kernel {

/// Calls the bridges of a package, by name, when any of them has something to do. Whether events were notified early or late
/// (which depends on windows) decides in which order SystemC runs processes at one time; so all calls come from one process,
/// and a delta later than what others have notified for that time.
class Calendar final : public sc_core::sc_module {
 public:
  class Client {
   public:
    virtual ~Client() = default;
    /// Does what is due.
    virtual void act() = 0;
    /// When something is due next; kNever: nothing.
    virtual Time first() const = 0;
  };

  explicit Calendar(const sc_core::sc_module_name& name) : sc_module(name), due_("due") {
    SC_HAS_PROCESS(Calendar);
    SC_METHOD(ring);
    sensitive << due_;
    dont_initialize();
  }
  /// Clients act in the order of `name`.
  void add(const std::string& name, Client& client) {
    clients_.emplace_back(name, &client);
    std::sort(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  /// A client has something to do at `t`. Now is a delta later: nobody is called from within his own call.
  void at(Time t) { due_.notify(t <= present() ? sc_core::SC_ZERO_TIME : sc_time_of(t - present())); }

 private:
  void ring() {
    if (settled_ != present()) {
      settled_ = present();
      due_.notify(sc_core::SC_ZERO_TIME);
      return;
    }
    Time next = kNever;
    for (const auto& [name, client] : clients_) client->act();
    for (const auto& [name, client] : clients_) next = std::min(next, client->first());
    if (next != kNever) at(next);
  }

  sc_core::sc_event due_;
  std::vector<std::pair<std::string, Client*>> clients_;
  Time settled_ = -1;
};

/// A bridge's items by time, then by `key`, then in the order they were added.
template <class Item>
class Agenda {
 public:
  void attach(Calendar& calendar) { calendar_ = &calendar; }
  void add(Time t, std::uint32_t key, const Item& item) {
    items_.push_back({t, sequence_++, key, item});
    std::push_heap(items_.begin(), items_.end(), later);
    calendar_->at(t);
  }
  /// The first item whose time has come; false: none.
  bool take(Item& item) {
    if (items_.empty() || items_.front().time > present()) return false;
    std::pop_heap(items_.begin(), items_.end(), later);
    item = items_.back().item;
    items_.pop_back();
    return true;
  }
  Time first() const { return items_.empty() ? kNever : items_.front().time; }

 private:
  struct Entry {
    Time time;
    std::uint64_t sequence;
    std::uint32_t key;
    Item item;
  };
  static bool later(const Entry& a, const Entry& b) {
    if (a.time != b.time) return a.time > b.time;
    return a.key != b.key ? a.key > b.key : a.sequence > b.sequence;
  }
  std::vector<Entry> items_;  // a heap
  std::uint64_t sequence_ = 0;
  Calendar* calendar_ = nullptr;
};

}  // namespace cowosim::kernel
