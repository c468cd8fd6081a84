// Hearts that are coupled in less than W live in one component and reach each other without any latency.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/heart.h"

namespace cowosim::engine {

/// A heart made of hearts. Wires between members take no time of their own: what a member sends for t arrives at t, before
/// the receiver's next own event at t. At one instant members act in the order they were added. The coupling has no ports
/// of its own (reference platforms, test benches).
class Coupling final : public Heart {
 public:
  /// `member` must outlive the coupling; `name` is its hierarchical name below the package.
  void add(const std::string& name, Heart& member);
  /// Wires port `a_port` of `a` with port `b_port` of `b`, both ways; both have been added.
  void wire(Heart& a, int a_port, Heart& b, int b_port);

  int ports() const override { return 0; }
  Time due() const override;
  void advance(Time until) override;
  void receive(const Message&) override {}
  void for_each(const std::function<void(Heart&)>& visit) override;
  void report_waits(std::vector<Wait>& waits) const override;
  void check_idle(std::vector<std::string>& violations) const override;
  void set_pools(Pools& pools) override;

 private:
  /// One direction between two members. What is under way lies in order of arrival: nearly always a message is the last one.
  class Wire final : public Outlet {
   public:
    Wire(std::vector<Time>& moments, std::size_t index, std::size_t to, int to_port)
        : moments_(moments), index_(index), to_(to), to_port_(static_cast<std::uint16_t>(to_port)) {}
    void send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) override;
    Time latency() const override { return 0; }

    std::size_t to() const { return to_; }
    Message take();

   private:
    std::vector<Time>& moments_;
    std::size_t index_;
    std::size_t to_;
    std::vector<Message> under_way_;  // from first_
    std::size_t first_ = 0;
    std::uint32_t sequence_ = 0;
    std::uint16_t to_port_;
  };
  std::size_t index_of(const Heart& member) const;

  std::vector<Heart*> members_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::vector<Time> moments_;  // next arrival of each wire, then next own event of each member
};

}  // namespace cowosim::engine
