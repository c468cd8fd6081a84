#include "engine/inbox.h"

namespace cowosim::engine {

void Inbox::add(const Message& message) {
  if (end_ - begin_ > mask_) grow();
  std::uint32_t place = end_;
  if (begin_ == end_ || at(end_ - 1).time <= message.time) {
    ++end_;
  } else {  // whatever arrives no later moves one place forwards; the last one arrives later
    for (place = --begin_; at(place + 1).time <= message.time; ++place) at(place) = at(place + 1);
  }
  at(place) = message;
  first_ = at(begin_).time;
}

void Inbox::grow() {
  const std::uint32_t size = mask_ + 1;
  std::unique_ptr<Message[]> larger(new Message[2 * size]);
  for (std::uint32_t i = 0; i < size; ++i) larger[i] = at(begin_ + i);
  ring_ = std::move(larger);
  mask_ = 2 * size - 1;
  begin_ = 0;
  end_ = size;
}

}  // namespace cowosim::engine
