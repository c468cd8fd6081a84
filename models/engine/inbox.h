// What is under way to a heart, in order of arrival.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/heart.h"

namespace cowosim::engine {

/// A sorted ring: nearly always a message is the last to arrive, or one of the first. Equal times stay in the order of `add`.
/// Times never lie before those already taken.
class Inbox {
 public:
  /// Time of the first arrival; kNever when nothing is under way.
  Time first() const { return first_; }

  void add(const Message& message);
  /// Room for a message behind all others, if there are any and it arrives no earlier; otherwise nullptr: use `add`.
  Message* append(Time time) {
    const bool simple = end_ - begin_ - 1 < mask_ && at(end_ - 1).time <= time;
    return simple ? &at(end_++) : nullptr;
  }

  /// Hands over everything that arrives before `until`; nothing may be added meanwhile.
  template <class Receiver>
  void take_until(Time until, Receiver&& receive) {
    while (first_ < until) {
      receive(static_cast<const Message&>(at(begin_++)));
      first_ = begin_ == end_ ? kNever : at(begin_).time;
    }
  }

  /// The first arrival; something is under way.
  Message take() {
    const Message message = at(begin_++);
    first_ = begin_ == end_ ? kNever : at(begin_).time;
    return message;
  }

 private:
  static constexpr std::uint32_t kInitial = 16;
  Message& at(std::uint32_t i) { return ring_[i & mask_]; }
  void grow();

  std::unique_ptr<Message[]> ring_{new Message[kInitial]};
  std::uint32_t mask_ = kInitial - 1;  // of a power of two
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  Time first_ = kNever;
};

}  // namespace cowosim::engine
