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
  moments_[index_] = under_way_[first_].time;
}

Message Coupling::Wire::take() {
  const Message message = under_way_[first_++];
  if (first_ >= 256) {
    under_way_.erase(under_way_.begin(), under_way_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  moments_[index_] = first_ == under_way_.size() ? kNever : under_way_[first_].time;
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
  const auto lay = [this](Heart& from, int from_port, Heart& to, int to_port) {
    wires_.push_back(std::make_unique<Wire>(moments_, wires_.size(), index_of(to), to_port));
    moments_.push_back(kNever);
    from.bind(from_port, *wires_.back());
  };
  lay(a, a_port, b, b_port);
  lay(b, b_port, a, a_port);
}

Time Coupling::due() const {
  Time due = kNever;
  for (std::size_t i = 0; i < wires_.size(); ++i) due = std::min(due, moments_[i]);
  for (const Heart* member : members_) due = std::min(due, member->due());
  return due;
}

void Coupling::advance(Time until) {
  const std::size_t wires = wires_.size();
  moments_.resize(wires);
  for (const Heart* member : members_) moments_.push_back(member->due());
  for (;;) {
    // The first of the earliest: what arrives comes first, then one member acts, and whatever it sent for this instant
    // comes first again.
    Time now = until;
    std::size_t next = moments_.size();
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      if (moments_[i] < now) now = moments_[i], next = i;
    }
    if (next == moments_.size()) break;
    std::size_t acts = next - wires;
    if (next < wires) {
      acts = wires_[next]->to();
      members_[acts]->receive(wires_[next]->take());
    } else {
      members_[acts]->advance(now + 1);
    }
    moments_[wires + acts] = members_[acts]->due();  // changes only when it acts or receives
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
