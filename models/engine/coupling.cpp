#include "engine/coupling.h"

#include <algorithm>

namespace cowosim::engine {

namespace {
// For std::push_heap, whose top is the largest: "later" sinks.
constexpr auto later = [](const auto& a, const auto& b) {
  if (a.message.time != b.message.time) return a.message.time > b.message.time;
  if (a.message.rank != b.message.rank) return a.message.rank > b.message.rank;
  return a.message.sequence > b.message.sequence;
};
}  // namespace

void Coupling::Wire::send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  coupling_.pending_.push_back({{arrival, rank_, sequence_++, transaction, to_port_, count, phase}, &to_});
  std::push_heap(coupling_.pending_.begin(), coupling_.pending_.end(), later);
}

void Coupling::add(const std::string& name, Heart& member) {
  member.set_name(name);
  members_.push_back(&member);
}

void Coupling::wire(Heart& a, int a_port, Heart& b, int b_port) {
  wires_.push_back(std::make_unique<Wire>(*this, b, b_port, static_cast<std::uint32_t>(wires_.size())));
  a.bind(a_port, *wires_.back());
  wires_.push_back(std::make_unique<Wire>(*this, a, a_port, static_cast<std::uint32_t>(wires_.size())));
  b.bind(b_port, *wires_.back());
}

Time Coupling::due() const {
  Time due = pending_.empty() ? kNever : pending_.front().message.time;
  for (const Heart* member : members_) due = std::min(due, member->due());
  return due;
}

void Coupling::advance(Time until) {
  for (;;) {
    // What arrives comes first; then one member acts, and whatever it sent for this instant comes first again.
    Time now = pending_.empty() ? kNever : pending_.front().message.time;
    Heart* next = nullptr;
    for (Heart* member : members_) {
      const Time due = member->due();
      if (due < now) {
        now = due;
        next = member;
      }
    }
    if (now >= until) break;
    if (next != nullptr) {
      next->advance(now + 1);
      continue;
    }
    const Pending arrival = pending_.front();
    std::pop_heap(pending_.begin(), pending_.end(), later);
    pending_.pop_back();
    arrival.to->receive(arrival.message);
  }
  for (Heart* member : members_) member->advance(until);
}

void Coupling::for_each(const std::function<void(Heart&)>& visit) {
  for (Heart* member : members_) member->for_each(visit);
}

void Coupling::report_waits(std::vector<Wait>& waits) const {
  for (const Heart* member : members_) member->report_waits(waits);
}

void Coupling::check_idle(std::vector<std::string>& violations) const {
  for (const Heart* member : members_) {
    std::vector<std::string> found;
    member->check_idle(found);
    for (const std::string& violation : found) violations.push_back(member->name() + ": " + violation);
  }
}

void Coupling::set_pools(Pools& pools) {
  Heart::set_pools(pools);
  for (Heart* member : members_) member->set_pools(pools);
}

}  // namespace cowosim::engine
