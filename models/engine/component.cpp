#include "engine/component.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace cowosim::engine {

Connection::Connection(std::string name, Component& from, Component& to, int to_port, Time lookahead)
    : name_(std::move(name)),
      from_(from),
      to_(to),
      lookahead_(lookahead),
      to_port_(static_cast<std::uint16_t>(to_port)) {}

void Connection::append(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  if (arrival < from_.window_end_) {
    throw std::logic_error(
        fmt::format("{}: a message from {} would arrive at {} ns, inside the window that ends at {} ns", name_,
                    from_.name(), to_ns(arrival), to_ns(from_.window_end_)));
  }
  if (outbox_.empty()) from_.written_.push_back(this);
  outbox_.push_back({arrival, rank_, sequence_++, transaction, to_port_, count, phase});
}

void Component::deliver(const std::vector<Message>& messages) {
  inbox_.insert(inbox_.end(), messages.begin(), messages.end());
  for (const Message& message : messages) earliest_arrival_ = std::min(earliest_arrival_, message.time);
}

void Component::run(Time until) {
  if (earliest_arrival_ < until) {
    batch_.clear();
    earliest_arrival_ = kNever;
    std::size_t kept = 0;
    for (const Message& message : inbox_) {
      if (message.time < until) {
        batch_.push_back(message);
      } else {
        earliest_arrival_ = std::min(earliest_arrival_, message.time);
        inbox_[kept++] = message;
      }
    }
    inbox_.resize(kept);
    std::sort(batch_.begin(), batch_.end(), [](const Message& a, const Message& b) {
      if (a.time != b.time) return a.time < b.time;
      if (a.rank != b.rank) return a.rank < b.rank;
      return a.sequence < b.sequence;
    });
    for (const Message& message : batch_) {
      if (heart_.due() < message.time) heart_.advance(message.time);
      heart_.receive(message);
    }
  }
  if (heart_.due() < until) heart_.advance(until);
}

}  // namespace cowosim::engine
