// Hearts that are coupled in less than W live in one component and reach each other without any latency.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "engine/heart.h"
#include "engine/inbox.h"

namespace cowosim::engine {

/// A heart made of hearts. Wires between members take no time of their own: what a member sends for t arrives at t, before
/// any member's own events at t. What arrives somewhere at one instant does so in the order in which it was sent. Of the
/// members with events of their own at one instant the first one added acts, then what that caused for the same instant
/// arrives, and so on. What is sent for the present instant to a member that is not busy itself (acting or receiving) arrives
/// before `send` returns. A member runs on over several instants (`Heart::advance_from`) as long as nothing else is due, and
/// messages to which a member does not react are collected until the time they arrive at is settled. After the first `advance` members are reached through the coupling only.
/// A coupling's own ports are those of members that have been exposed: gates to the outside. What arrives there at t comes after
/// what members have sent earlier for t.
class Coupling final : public Heart {
 public:
  /// `member` must outlive the coupling; `name` is its hierarchical name below the package.
  void add(const std::string& name, Heart& member);
  /// Wires port `a_port` of `a` with port `b_port` of `b`, both ways; both have been added.
  void wire(Heart& a, int a_port, Heart& b, int b_port);

  /// Makes a member's port, which is not wired, one of the coupling's; its number. The outlet is the caller's to bind.
  int expose(Heart& member, int port);

  int ports() const override { return static_cast<int>(exposed_.size()); }
  // Cold: once a window at most, and the compiler is not to guess that members are couplings themselves.
  [[gnu::cold]] Time due() const override { return earliest_.empty() ? find_due() : due_; }
  void advance(Time until) override;
  [[gnu::cold]] void receive(const Message& message) override;
  void for_each(const std::function<void(Heart&)>& visit) override;
  void report_waits(std::vector<Wait>& waits) const override;
  void check_idle(std::vector<std::string>& violations) const override;
  void set_pools(Pools& pools) override;

 private:
  /// When something happens, arrivals before own events: 2t for an arrival at t, 2t + 1 for an event of a member's own.
  using Moment = std::uint64_t;
  static constexpr Moment kBusy = 0;  ///< of a member that is acting or receiving right now
  static constexpr Moment kIdle = ~Moment{0};
  static Moment arrival_at(Time t) { return 2 * static_cast<Moment>(t); }
  static Moment event_at(Time t) { return 2 * static_cast<Moment>(t) + 1; }

  struct Member {
    Moment next = kIdle;
    unsigned reacts = 0;  ///< bit p: to messages of phase p
    Heart* heart = nullptr;
    std::size_t first_match = 0;  ///< its place in the tournament
    Inbox inbox;
    Inbox notes;  ///< to which it does not react
  };

  /// One direction between two members.
  class Wire final : public Outlet {
   public:
    Wire(Coupling& coupling, Member& to, int to_port)
        : coupling_(coupling), to_(to), to_port_(static_cast<std::uint16_t>(to_port)) {}
    void send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) override;
    Time latency() const override { return 0; }

   private:
    // What `send` does apart from its quickest case, so that that one saves no registers.
    [[gnu::noinline]] void note(Phase phase, Handle transaction, Time arrival, std::uint16_t count);
    [[gnu::noinline]] void pass(Phase phase, Handle transaction, Time arrival, std::uint16_t count);
    [[gnu::noinline]] void queue(Phase phase, Handle transaction, Time arrival, std::uint16_t count);

    Coupling& coupling_;
    Member& to_;
    std::uint16_t to_port_;
  };

  Time find_due() const;
  Member& member_of(const Heart& heart);
  static Moment next_of(const Member& member);
  void begin_tournament();
  Time rival_of(const Member& winner) const;
  void receive_now(Member& member, const Message& message);
  void play(std::size_t place);
  void replay(Member& member, Moment next);

  struct Exposed {
    Member& member;
    std::uint16_t port;
  };

  std::deque<Member> members_;
  std::vector<Exposed> exposed_;
  std::deque<Wire> wires_;
  Member nobody_;  // in places without a member
  std::vector<Member*>
      earliest_;      // a tournament: [1] is the member with the earliest moment, the first one added among equals
  Time due_ = 0;      // since the last `advance`
  Time horizon_ = 0;  // how far the member that is acting may run on
  Moment present_ends_ = 0;  // arrivals below it are due now; 0 outside of `advance`
};

}  // namespace cowosim::engine
