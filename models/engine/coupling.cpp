#include "engine/coupling.h"

#include <algorithm>

namespace cowosim::engine {

void Coupling::Wire::send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  const Message message{arrival, 0, sequence_++, transaction, to_port_, count, phase};
  if (first_ == under_way_.size()) {
    under_way_.clear();
    first_ = 0;
  }
  if (under_way_.empty() || under_way_.back().time <= arrival) {
    under_way_.push_back(message);
  } else {  // behind everything that arrives no later
    const auto later = [](Time t, const Message& m) { return t < m.time; };
    const auto begin = under_way_.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto place = std::upper_bound(begin, under_way_.end(), arrival, later);
    if (place == begin && first_ > 0) {
      under_way_[--first_] = message;
    } else {
      under_way_.insert(place, message);
    }
  }
  next_ = under_way_[first_].time;
}

Message Coupling::Wire::take() {
  const Message message = under_way_[first_++];
  if (first_ >= 256) {
    under_way_.erase(under_way_.begin(), under_way_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  next_ = first_ == under_way_.size() ? kNever : under_way_[first_].time;
  return message;
}

std::size_t Coupling::index_of(const Heart& member) const {
  return static_cast<std::size_t>(std::find(members_.begin(), members_.end(), &member) - members_.begin());
}

void Coupling::add(const std::string& name, Heart& member) {
  member.set_name(name);
  members_.push_back(&member);
}

void Coupling::wire(Heart& a, int a_port, Heart& b, int b_port) {
  wires_.push_back(std::make_unique<Wire>(index_of(b), b_port));
  a.bind(a_port, *wires_.back());
  wires_.push_back(std::make_unique<Wire>(index_of(a), a_port));
  b.bind(b_port, *wires_.back());
}

Time Coupling::due() const {
  Time due = kNever;
  for (const auto& wire : wires_) due = std::min(due, wire->next());
  for (const Heart* member : members_) due = std::min(due, member->due());
  return due;
}

void Coupling::advance(Time until) {
  due_.clear();
  for (const Heart* member : members_) due_.push_back(member->due());
  for (;;) {
    // What arrives comes first, lower wires before higher ones; then one member acts, and whatever it sent for this
    // instant comes first again.
    Time now = until;
    Wire* arrival = nullptr;
    for (const auto& wire : wires_) {
      if (wire->next() < now) now = wire->next(), arrival = wire.get();
    }
    std::size_t acts = members_.size();
    for (std::size_t i = 0; i < due_.size(); ++i) {
      if (due_[i] < now) now = due_[i], acts = i;
    }
    if (acts < members_.size()) {
      members_[acts]->advance(now + 1);
    } else if (arrival != nullptr) {
      acts = arrival->to();
      members_[acts]->receive(arrival->take());
    } else {
      break;
    }
    due_[acts] = members_[acts]->due();
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
