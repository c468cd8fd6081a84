#include "engine/coupling.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::engine {

Coupling::Moment Coupling::next_of(const Member& member) {
  return std::min(arrival_at(member.inbox.first()), event_at(member.heart->due()));
}

void Coupling::play(std::size_t place) {
  Member* const first = earliest_[2 * place];
  Member* const second = earliest_[2 * place + 1];
  earliest_[place] = second->next < first->next ? second : first;
}

void Coupling::replay(Member& member, Moment next) {
  member.next = next;
  // Where a busy one has won is played again when it is no longer busy.
  for (std::size_t place = member.first_match; place > 0 && earliest_[place]->next != kBusy; place /= 2) play(place);
}

inline void Coupling::receive_now(Member& member, const Message& message) {
  member.next = kBusy;
  member.heart->receive(message);
  replay(member, next_of(member));
}

void Coupling::Wire::send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  if ((to_.reacts >> static_cast<unsigned>(phase) & 1) == 0) {
    if (Message* const room = to_.notes.append(arrival)) {
      *room = {arrival, 0, 0, transaction, to_port_, count, phase};
    } else {
      note(phase, transaction, arrival, count);
    }
  } else if (arrival_at(arrival) < coupling_.present_ends_ && to_.next >= coupling_.present_ends_) {
    pass(phase, transaction, arrival, count);  // not busy, and nothing comes before it
  } else {
    queue(phase, transaction, arrival, count);
  }
}

void Coupling::Wire::note(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  to_.notes.add({arrival, 0, 0, transaction, to_port_, count, phase});
}

void Coupling::Wire::pass(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  coupling_.receive_now(to_, {arrival, 0, 0, transaction, to_port_, count, phase});
  coupling_.horizon_ = std::min(coupling_.horizon_, static_cast<Time>(to_.next / 2));
}

void Coupling::Wire::queue(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  coupling_.horizon_ = std::min(coupling_.horizon_, arrival);
  to_.inbox.add({arrival, 0, 0, transaction, to_port_, count, phase});
  if (arrival_at(arrival) < to_.next) coupling_.replay(to_, arrival_at(arrival));
}

void Coupling::add(const std::string& name, Heart& member) {
  member.set_name(name);
  members_.emplace_back().heart = &member;
  earliest_.clear();
}

Coupling::Member& Coupling::member_of(const Heart& heart) {
  return *std::find_if(members_.begin(), members_.end(), [&](const Member& member) { return member.heart == &heart; });
}

void Coupling::wire(Heart& a, int a_port, Heart& b, int b_port) {
  const auto lay = [this](Heart& from, int from_port, Heart& to, int to_port) {
    from.bind(from_port, wires_.emplace_back(*this, member_of(to), to_port));
  };
  lay(a, a_port, b, b_port);
  lay(b, b_port, a, a_port);
}

Time Coupling::find_due() const {
  Moment next = kIdle;
  for (const Member& member : members_) next = std::min({next, next_of(member), arrival_at(member.notes.first())});
  return static_cast<Time>(next / 2);
}

void Coupling::begin_tournament() {
  std::size_t places = 1;
  while (places < members_.size()) places *= 2;
  earliest_.assign(2 * places, &nobody_);
  std::size_t place = places;
  for (Member& member : members_) {
    member.first_match = place / 2;
    member.next = next_of(member);
    for (const Phase phase : {Phase::request, Phase::response, Phase::retire, Phase::credit})
      member.reacts |= static_cast<unsigned>(member.heart->reacts(phase)) << static_cast<unsigned>(phase);
    earliest_[place++] = &member;
  }
  for (place = places; --place > 0;) play(place);
}

/// When something happens to anyone but the winner.
Time Coupling::rival_of(const Member& winner) const {
  Moment next = kIdle;
  for (std::size_t place = winner.first_match; place > 0; place /= 2)
    next = std::min(next, earliest_[2 * place + (earliest_[2 * place] == &winner)]->next);
  return static_cast<Time>(next / 2);
}

void Coupling::advance(Time until) {
  if (earliest_.empty()) begin_tournament();
  while (earliest_[1]->next < arrival_at(until)) {
    Member& member = *earliest_[1];
    present_ends_ = member.next | 1;
    if (member.next == present_ends_) {
      horizon_ = std::min({until, member.inbox.first(), rival_of(member)});
      member.next = kBusy;
      member.heart->advance_from(static_cast<Time>(present_ends_ / 2), horizon_);
      replay(member, next_of(member));
    } else {
      receive_now(member, member.inbox.take());
    }
  }
  present_ends_ = 0;
  for (Member& member : members_) {
    member.notes.take_until(until, [&](const Message& message) { member.heart->receive(message); });
    member.heart->advance(until);
  }
  due_ = find_due();
}

int Coupling::expose(Heart& member, int port) {
  exposed_.push_back({member_of(member), static_cast<std::uint16_t>(port)});
  return static_cast<int>(exposed_.size()) - 1;
}

void Coupling::receive(const Message& message) {
  Member& member = exposed_.at(message.port).member;
  Message inner = message;
  inner.port = exposed_[message.port].port;
  member.inbox.add(inner);
  if (earliest_.empty()) return;
  if (arrival_at(message.time) < member.next) replay(member, arrival_at(message.time));
  due_ = std::min(due_, message.time);
}

void Coupling::for_each(const std::function<void(Heart&)>& visit) {
  for (const Member& member : members_) member.heart->for_each(visit);
}

void Coupling::report_waits(std::vector<Wait>& waits) const {
  for (const Member& member : members_) member.heart->report_waits(waits);
}

void Coupling::check_idle(std::vector<std::string>& violations) const {
  for (const Member& member : members_) {
    std::vector<std::string> found;
    member.heart->check_idle(found);
    for (const std::string& violation : found) violations.push_back(member.heart->name() + ": " + violation);
  }
}

void Coupling::set_pools(Pools& pools) {
  Heart::set_pools(pools);
  for (const Member& member : members_) member.heart->set_pools(pools);
}

}  // namespace cowosim::engine
