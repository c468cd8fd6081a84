// Which requests have been issued and which of them answered when, by the id a trace gave them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.h"
#include "core/transaction.h"
#include "traffic/request_stream.h"

namespace cowosim::traffic {

/// Open addressing with linear probing. An answered id is forgotten kMaxThink later, so the table stays as small as
/// what is in flight plus one think horizon. Allocates only when it grows.
class IdTable {
 public:
  IdTable() : entries_(64) {}

  /// The id is on its way.
  void insert(std::uint64_t id) {
    if (2 * (size_ + 1) > entries_.size()) grow();
    place({id, kNever});
    ++size_;
  }
  /// The id has been answered at `t` (ascending from call to call).
  void answer(std::uint64_t id, Time t) {
    if (Entry* entry = find(id)) entry->answered = t;
    answered_.push_back({id, t});
  }
  static constexpr Time kLongAgo = -kMaxThink;
  /// When `id` was answered; kNever while it waits; kLongAgo if it has been forgotten.
  Time answered(std::uint64_t id) const {
    const Entry* entry = const_cast<IdTable*>(this)->find(id);
    return entry == nullptr ? kLongAgo : entry->answered;
  }
  /// Forgets what was answered more than kMaxThink before `now`.
  void forget(Time now) {
    while (begin_ < answered_.size() && answered_[begin_].answered + kMaxThink < now) erase(answered_[begin_++].id);
    if (begin_ > 1024 && 2 * begin_ > answered_.size()) {
      answered_.erase(answered_.begin(), answered_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
  }
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t id = kNoId;
    Time answered = kNever;
  };
  std::size_t home(std::uint64_t id) const { return mix(id) & (entries_.size() - 1); }
  std::size_t after(std::size_t i) const { return (i + 1) & (entries_.size() - 1); }
  Entry* find(std::uint64_t id) {
    for (std::size_t i = home(id); entries_[i].id != kNoId; i = after(i)) {
      if (entries_[i].id == id) return &entries_[i];
    }
    return nullptr;
  }
  void place(const Entry& entry) {
    std::size_t i = home(entry.id);
    while (entries_[i].id != kNoId) i = after(i);
    entries_[i] = entry;
  }
  void erase(std::uint64_t id);
  void grow();

  std::vector<Entry> entries_;  // a power of two
  std::size_t size_ = 0;
  std::vector<Entry> answered_;  // in the order of answers, from begin_
  std::size_t begin_ = 0;
};

}  // namespace cowosim::traffic
