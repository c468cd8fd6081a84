// Members, units and a network in one coupling.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/coupling.h"
#include "fabric/collective/collective_unit.h"
#include "fabric/flit/flit_network.h"
#include "fabric/packet_network.h"

namespace cowosim::fabric::test {

/// What a terminal is to send.
struct Order {
  Time at = 0;  ///< at the earliest
  int terminal = 0;
  int destination = 0;
  Op op = Op::write;
  std::uint32_t bytes = 32;
  int group = 0;
  std::uint64_t number =
      0;  ///< of collective operations: 0, 1, ... for each terminal, group and kind (multicast or not)
};

/// One heart for all terminals that are no unit's. Collective operations keep to `window` under way for each group and kind; what is
/// not collective (writes) does not wait. Takes whatever comes at once.
class Players final : public engine::Heart {
 public:
  struct Event {
    Time time;
    int terminal;
    Op op;
    int group;
    std::uint64_t number;
  };

  Players(int terminals, std::vector<Order> orders, int window)
      : terminals_(terminals), window_(static_cast<std::uint64_t>(window)) {
    std::stable_sort(orders.begin(), orders.end(), [](const Order& a, const Order& b) { return a.at < b.at; });
    for (const Order& order : orders) lanes_[lane_of(order.terminal, order.op, order.group)].waiting.push_back(order);
  }
  void start() override { pool_ = &own_pool(); }
  int ports() const override { return terminals_; }
  Time due() const override {
    Time due = kNever;
    for (const auto& [key, lane] : lanes_)
      if (lane.may_begin(window_)) due = std::min(due, std::max(lane.waiting.front().at, now_));
    return due;
  }
  void advance(Time until) override {
    for (Time next = due(); next < until; next = due()) {
      now_ = next;
      for (auto& [key, lane] : lanes_)
        while (lane.may_begin(window_) && lane.waiting.front().at <= now_) begin(lane);
    }
    now_ = std::max(now_, until);
  }
  void advance_from(Time now, const Time&) override { advance(now + 1); }
  void receive(const engine::Message& message) override {
    now_ = message.time;
    Transaction& tx = transaction(message.transaction);
    EXPECT_EQ(tx.destination, message.port);
    if (message.phase != engine::Phase::request) {
      ASSERT_EQ(message.phase, tx.op == Op::all_reduce ? engine::Phase::response : engine::Phase::retire);
      ended.push_back({message.time, message.port, tx.op, tx.group, tx.address});
      Lane& lane = lanes_[lane_of(message.port, tx.op, tx.group)];
      lane.ended.push_back(tx.address);
      for (auto at = lane.ended.begin(); at != lane.ended.end();) {
        at = *at == lane.oldest ? (++lane.oldest, lane.ended.erase(at), lane.ended.begin()) : at + 1;
      }
      finish(message.transaction, tx, message.time);
    } else if (tx.op == Op::write) {
      ++written;
      finish(message.transaction, tx, message.time);
    } else {
      delivered.push_back({message.time, message.port, tx.op, tx.group, tx.address});
      tx.destination = tx.source;
      if (!silent) send(message.port, engine::Phase::retire, message.transaction, message.time);
    }
  }
  void check_idle(std::vector<std::string>& violations) const override {
    for (const auto& [key, lane] : lanes_)
      if (!lane.waiting.empty()) violations.push_back("not everything has begun");
    if (pool_->live() > 0) violations.push_back(std::to_string(pool_->live()) + " have not ended");
  }

  std::vector<Event> delivered;  ///< copies, and sums for a root
  std::vector<Event> ended;      ///< own operations
  std::uint64_t written = 0;
  bool silent = false;  ///< does not answer what is delivered

 private:
  struct Lane {
    std::deque<Order> waiting;
    std::uint64_t oldest = 0;  // that has not ended
    std::vector<std::uint64_t> ended;
    bool may_begin(std::uint64_t window) const {
      return !waiting.empty() && (waiting.front().op == Op::write || waiting.front().number < oldest + window);
    }
  };
  static std::tuple<int, int, int> lane_of(int terminal, Op op, int group) {
    return {terminal, op == Op::write ? 0 : op == Op::multicast ? 1 : 2, group};
  }
  void begin(Lane& lane) {
    const Order order = lane.waiting.front();
    lane.waiting.pop_front();
    const auto [handle, tx] = pool_->fresh();
    tx.op = order.op;
    tx.address = tx.fetch_address = order.number;
    tx.bytes = tx.fetch_bytes = order.bytes;
    tx.group = static_cast<std::uint16_t>(order.group);
    tx.source = static_cast<std::uint16_t>(order.terminal);
    tx.destination = static_cast<std::uint16_t>(order.destination);
    tx.stream = order.op == Op::write ? 1 : 0;
    tx.created = order.at;
    tx.stages.start(Stage::issue, order.at);
    send(order.terminal, engine::Phase::request, handle, now_);
  }
  void finish(Handle handle, Transaction& tx, Time now) {
    tx.stages.enter(Stage::issue, now);
    Time sum = 0;
    for (std::size_t s = 0; s < kStages; ++s) sum += tx.stages[static_cast<Stage>(s)];
    EXPECT_EQ(sum, now - tx.created) << "stages add up";
    pool_->release(handle);
  }

  int terminals_;
  std::uint64_t window_;
  engine::Pool* pool_ = nullptr;
  std::map<std::tuple<int, int, int>, Lane> lanes_;
  Time now_ = 0;
};

struct CollectiveBench {
  static constexpr int kFlit = 32;
  struct Options {
    CollectiveParams params;
    RouterParams router;
    Routing routing = Routing::dimension_order;
    bool flits = true;  ///< else packet precision, with the router's pipeline
    int window = 0;     ///< 0: as the units allow
  };

  CollectiveBench(const Topology& bare, const std::vector<CollectiveGroup>& groups, const Options& options)
      : topology(bare), groups_(groups), options_(options) {
    players_count_ = static_cast<int>(topology.terminals.size());
    plan = plan_collectives(topology, groups, options.params, kFlit);
    PacketFormat format;
    format.flit_bytes = kFlit;
    format.requests = Stage::fabric;
    if (options.flits) {
      EXPECT_TRUE(Routes::problems(topology, options.routing, options.router.virtual_channels).empty());
      network = std::make_unique<FlitNetwork>(
          topology, Routes(topology, Ports(topology), options.routing, options.router.virtual_channels), options.router,
          format);
    } else {
      network = std::make_unique<PacketNetwork>(topology, format, &options.router);
    }
    for (const CollectivePlan::Unit& unit : plan.units)
      units.push_back(std::make_unique<CollectiveUnit>(options.params, unit));
  }

  /// Member i of the group (all of them for reductions, the root for multicasts) begins operation `number` at `at`.
  Order operation(Op op, std::size_t group, std::size_t member, std::uint64_t number, std::uint32_t bytes,
                  Time at = 0) const {
    return {at, groups_[group].members[member], plan.doors[group][member], op, bytes, static_cast<int>(group), number};
  }
  std::size_t root_of(std::size_t group) const {
    const auto& members = groups_[group].members;
    return static_cast<std::size_t>(std::find(members.begin(), members.end(), groups_[group].root) - members.begin());
  }
  /// One operation of all that take part in it, at once.
  std::vector<Order> all_of(Op op, std::size_t group, std::uint64_t number, std::uint32_t bytes, Time at = 0) const {
    std::vector<Order> orders;
    for (std::size_t m = 0; m < groups_[group].members.size(); ++m)
      if (op != Op::multicast || m == root_of(group)) orders.push_back(operation(op, group, m, number, bytes, at));
    return orders;
  }

  void prepare(std::vector<Order> orders) {
    players = std::make_unique<Players>(players_count_, std::move(orders),
                                        options_.window == 0 ? options_.params.operations : options_.window);
    coupling.add("players", *players);
    coupling.add("network", *network);
    for (std::size_t u = 0; u < units.size(); ++u) coupling.add(plan.units[u].name, *units[u]);
    for (int t = 0; t < players_count_; ++t) coupling.wire(*players, t, *network, t);
    for (std::size_t u = 0; u < units.size(); ++u)
      for (std::size_t p = 0; p < plan.units[u].terminals.size(); ++p)
        coupling.wire(*units[u], static_cast<int>(p), *network, plan.units[u].terminals[p]);
    coupling.set_pools(pools);
    coupling.for_each([](engine::Heart& heart) { heart.start(); });
  }
  void run(std::vector<Order> orders) {
    prepare(std::move(orders));
    coupling.advance(kMillisecond);
  }
  /// Nothing is left anywhere.
  void expect_idle() const {
    std::vector<std::string> violations;
    coupling.check_idle(violations);
    EXPECT_EQ(violations, std::vector<std::string>{});
    EXPECT_EQ(coupling.due(), kNever);
    EXPECT_EQ(pools.live(), 0u);
  }
  /// Flits that passed a link of the topology.
  std::uint64_t flits_over(int link) const {
    std::uint64_t bytes = 0;
    const std::string& name = topology.links[static_cast<std::size_t>(link)].name;
    for (const Network::LinkCounters& counters : network->links())
      if (counters.name == name || counters.name == "requests." + name || counters.name == "responses." + name)
        bytes += counters.bytes;
    return bytes / kFlit;
  }
  std::uint64_t flits_over_links() const {
    std::uint64_t flits = 0;
    for (std::size_t l = 0; l < topology.links.size(); ++l) flits += flits_over(static_cast<int>(l));
    return flits;
  }
  Time last_ended() const {
    Time last = 0;
    for (const Players::Event& event : players->ended) last = std::max(last, event.time);
    return last;
  }

  Topology topology;
  CollectivePlan plan;
  engine::Pools pools;
  std::unique_ptr<Network> network;
  std::vector<std::unique_ptr<CollectiveUnit>> units;
  std::unique_ptr<Players> players;
  engine::Coupling coupling;

 private:
  std::vector<CollectiveGroup> groups_;
  Options options_;
  int players_count_ = 0;
};

}  // namespace cowosim::fabric::test
