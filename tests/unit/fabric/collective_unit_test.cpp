#include "fabric/collective/collective_unit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

#include "core/parameter_visitor.h"
#include "core/random.h"
#include "fabric/topology/topologies.h"
#include "support/heart_bench.h"
#include "support/small_networks.h"
#include "unit/fabric/collective_bench.h"

namespace cowosim::fabric {
namespace {

using engine::Phase;
using test::CollectiveBench;
using test::Order;
using test::Players;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr Time kCycle = kNanosecond;
constexpr Op kCollective[] = {Op::multicast, Op::reduce, Op::all_reduce};

std::vector<int> up_to(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}
Topology small_mesh(int columns, int rows, int terminals_per_router = 1) {
  return mesh(columns, rows, reference_parts(CollectiveBench::kFlit, kCycle, terminals_per_router));
}

// ---- The plan -------------------------------------------------------------------------------------------------------

TEST(CollectivePlan, AppendsUnitsToTheTopology) {
  Topology topology = small_mesh(3, 1);
  CollectiveParams params;
  params.terminals = 2;
  const CollectivePlan plan = plan_collectives(topology, {{"all", {0, 1, 2}, 1}}, params, 32);
  EXPECT_TRUE(problems(topology).empty());
  std::vector<std::string> names;
  for (std::size_t t = 3; t < topology.terminals.size(); ++t) names.push_back(topology.terminals[t].name);
  EXPECT_THAT(names, ElementsAre("unit_router_0", "unit_router_0.1", "unit_router_1", "unit_router_1.1",
                                 "unit_router_2", "unit_router_2.1"));
  ASSERT_EQ(plan.units.size(), 3u);
  const CollectivePart& middle = plan.units[1].parts.at(0);
  EXPECT_THAT(plan.units[1].terminals, ElementsAre(5, 6));
  EXPECT_EQ(middle.parent.terminal, CollectivePeer::kNone);
  EXPECT_EQ(middle.root, 1);
  ASSERT_EQ(middle.children.size(), 2u);
  ASSERT_EQ(middle.members.size(), 1u);
  // Its neighbours in turn: units of routers 0 and 2, then terminal 1, which gets port 0 again.
  EXPECT_EQ(middle.children[0].name, "unit_router_0");
  EXPECT_EQ(middle.children[0].port, 0);
  EXPECT_EQ(middle.children[1].port, 1);
  EXPECT_EQ(middle.members[0].port, 0);
  EXPECT_EQ(middle.members[0].name, "terminal_1");
  EXPECT_EQ(plan.units[0].parts.at(0).parent.terminal, 5);
  EXPECT_EQ(plan.units[2].parts.at(0).parent.terminal, 6);
  EXPECT_THAT(plan.doors, ElementsAre(ElementsAre(4, 5, 8))) << "members come after parents";
}

TEST(CollectivePlan, UnitsServeSeveralGroups) {
  Topology topology = small_mesh(2, 2);
  const CollectivePlan plan = plan_collectives(topology, {{"row", {0, 1}}, {"column", {0, 2}}}, {}, 32);
  ASSERT_EQ(plan.units.size(), 3u) << "none at router 3";
  EXPECT_EQ(plan.units[0].parts.size(), 2u);
  EXPECT_EQ(plan.units[1].parts.at(0).name, "row");
  EXPECT_EQ(plan.units[2].parts.at(0).name, "column");
  EXPECT_THROW(plan_collectives(topology, {{"none", {}}}, {}, 32), std::invalid_argument);
}

TEST(CollectivePlan, ParametersHaveTheirSources) {
  for (const ParameterInfo& info : describe(CollectiveParams())) EXPECT_FALSE(info.source.empty()) << info.path;
}

// ---- Latency --------------------------------------------------------------------------------------------------------

// 8 flits; the reference router takes 5 H + 2 + 7 cycles: 14 between a terminal and the unit at its router, 19 between neighbours. A unit
// needs 2 cycles for the data and 8 more.
constexpr std::uint32_t kBytes = 256;
constexpr Time kAtRouter = 14 * kCycle;
constexpr Time kNextRouter = 19 * kCycle;
constexpr Time kPass = 2 * kCycle;
constexpr Time kLatency = 8 * kCycle;
constexpr Time kHeaderAtRouter = 7 * kCycle;
constexpr Time kHeaderNextRouter = 12 * kCycle;

CollectiveBench::Options precision(bool flits) {
  CollectiveBench::Options options;
  options.params.terminals = 8;  // one for each neighbour, so that nothing waits for a link
  options.params.bytes_per_cycle = 128;
  options.flits = flits;
  return options;
}

TEST(CollectiveUnit, BroadcastTakesItsClosedForm) {
  for (const bool flits : {true, false}) {
    for (const int root : {0, 5, 15}) {
      CollectiveBench bench(small_mesh(4, 4), {{"all", up_to(16), root}}, precision(flits));
      bench.run(bench.all_of(Op::multicast, 0, 0, kBytes));
      const CollectiveTree& tree = bench.plan.trees[0];
      std::map<int, Time> expected;
      for (const CollectiveTree::Node& node : tree.nodes)
        expected[node.members.at(0)] =
            kAtRouter + node.depth * kNextRouter + (node.depth + 1) * (kPass + kLatency) + kAtRouter;
      ASSERT_EQ(bench.players->delivered.size(), 15u);
      for (const Players::Event& event : bench.players->delivered)
        EXPECT_EQ(event.time, expected[event.terminal]) << "root " << root << " to " << event.terminal;
      // All of them have it: the farthest one's answer comes back through as many units.
      const Time back = kHeaderAtRouter + tree.depth() * (kLatency + kHeaderNextRouter) + kLatency + kHeaderAtRouter;
      ASSERT_EQ(bench.players->ended.size(), 1u);
      const Time farthest =
          kAtRouter + tree.depth() * kNextRouter + (tree.depth() + 1) * (kPass + kLatency) + kAtRouter;
      EXPECT_EQ(bench.players->ended[0].time, farthest + back);
      bench.expect_idle();
    }
  }
}

TEST(CollectiveUnit, AllReduceOfThreeInARow) {
  for (const bool flits : {true, false}) {
    CollectiveBench bench(small_mesh(3, 1), {{"all", up_to(3)}}, precision(flits));
    bench.run(bench.all_of(Op::all_reduce, 0, 0, kBytes));
    // Both neighbours' sums come at once to the middle, and pass one after the other.
    const Time sum = kAtRouter + kPass + kLatency + kNextRouter + 2 * kPass + kLatency;
    std::map<int, Time> ended;
    for (const Players::Event& event : bench.players->ended) ended[event.terminal] = event.time;
    EXPECT_EQ(ended[1], sum + kAtRouter);
    EXPECT_EQ(ended[0], sum + kNextRouter + kPass + kLatency + kAtRouter);
    EXPECT_EQ(ended[2], ended[0]);
    EXPECT_EQ(ended[2], 98 * kCycle);
    bench.expect_idle();
  }
}

/// When the sum of a node and all below it goes on.
Time sum_at(const CollectiveTree& tree, int node) {
  const CollectiveTree::Node& here = tree.nodes[static_cast<std::size_t>(node)];
  std::vector<Time> arrivals(here.members.size(), kAtRouter);
  for (const int child : here.children) arrivals.push_back(sum_at(tree, child) + kNextRouter);
  std::sort(arrivals.begin(), arrivals.end());
  Time free = 0;
  for (const Time arrival : arrivals) free = std::max(free, arrival) + kPass;
  return free + kLatency;
}

TEST(CollectiveUnit, ReductionsTakeTheirClosedForm) {
  for (const bool flits : {true, false}) {
    for (const int columns : {1, 4, 5}) {
      const int count = columns * 4;
      CollectiveBench bench(small_mesh(columns, 4), {{"all", up_to(count), count / 2}}, precision(flits));
      const CollectiveTree& tree = bench.plan.trees[0];
      std::vector<Order> orders = bench.all_of(Op::all_reduce, 0, 0, kBytes);
      const Time start = 10'000 * kCycle;  // the other one is long over
      for (const Order& order : bench.all_of(Op::reduce, 0, 1, kBytes, start)) orders.push_back(order);
      bench.run(std::move(orders));

      std::map<int, int> depth;
      for (const CollectiveTree::Node& node : tree.nodes) depth[node.members.at(0)] = node.depth;
      const Time sum = sum_at(tree, 0);
      for (const Players::Event& event : bench.players->ended) {
        if (event.op == Op::all_reduce) {
          EXPECT_EQ(event.time, sum + depth[event.terminal] * (kNextRouter + kPass + kLatency) + kAtRouter);
        } else {
          EXPECT_EQ(event.time, start + sum + kAtRouter + kHeaderAtRouter + kLatency +
                                    depth[event.terminal] * (kHeaderNextRouter + kLatency) + kHeaderAtRouter);
        }
      }
      EXPECT_EQ(bench.players->ended.size(), 2u * static_cast<std::size_t>(count));
      ASSERT_EQ(bench.players->delivered.size(), 1u) << "the sum, to the root";
      EXPECT_EQ(bench.players->delivered[0].terminal, count / 2);
      EXPECT_EQ(bench.players->delivered[0].time, start + sum + kAtRouter);
      bench.expect_idle();
    }
  }
}

TEST(CollectiveUnit, AReductionWaitsForTheSlowestMember) {
  constexpr Time kLate = 5000 * kCycle;
  for (const int late : {0, 5, 15}) {
    CollectiveBench bench(small_mesh(4, 4), {{"all", up_to(16)}}, precision(true));
    std::vector<Order> orders = bench.all_of(Op::all_reduce, 0, 0, kBytes);
    orders[static_cast<std::size_t>(late)].at = kLate;
    bench.run(std::move(orders));
    const CollectiveTree& tree = bench.plan.trees[0];
    std::map<int, int> depths;
    for (const CollectiveTree::Node& node : tree.nodes) depths[node.members.at(0)] = node.depth;
    const int depth = depths[late];
    // Everything else is there already: its contribution goes straight up, then down to all.
    const Time up = kAtRouter + depth * kNextRouter + (depth + 1) * (kPass + kLatency);
    ASSERT_EQ(bench.players->ended.size(), 16u);
    for (const Players::Event& event : bench.players->ended)
      EXPECT_EQ(event.time, kLate + up + depths[event.terminal] * (kNextRouter + kPass + kLatency) + kAtRouter);
    // On the late one's way all others wait: as many as there are children, its own unit's and each member above.
    double waited = 0;
    for (const auto& unit : bench.units) waited += cowosim::test::StatValues(*unit)["waiting_members"];
    int waiting = 0;
    for (std::size_t n = 0; n < tree.nodes.size(); ++n) {
      if (tree.nodes[n].members.at(0) != late) continue;
      for (int at = static_cast<int>(n); at != CollectiveTree::kNone;
           at = tree.nodes[static_cast<std::size_t>(at)].parent)
        waiting += static_cast<int>(tree.nodes[static_cast<std::size_t>(at)].children.size());
    }
    EXPECT_GT(waited, waiting * to_ns(kLate - 200 * kCycle));
    EXPECT_LT(waited, waiting * to_ns(kLate + 200 * kCycle));
    bench.expect_idle();
  }
}

TEST(CollectiveUnit, OneMemberIsAnsweredByItsUnit) {
  for (const Op op : kCollective) {
    CollectiveBench bench(small_mesh(2, 2), {{"one", {3}, 3}}, precision(true));
    bench.run(bench.all_of(op, 0, 0, kBytes));
    const Time there = kAtRouter + kPass + kLatency;
    const Time expected = op == Op::multicast    ? there + kHeaderAtRouter
                          : op == Op::all_reduce ? there + kAtRouter
                                                 : there + kAtRouter + kHeaderAtRouter + kLatency + kHeaderAtRouter;
    EXPECT_EQ(bench.last_ended(), expected) << name_of(op);
    bench.expect_idle();
  }
}

// ---- Bytes ----------------------------------------------------------------------------------------------------------

TEST(CollectiveUnit, EachLinkOfTheTreeCarriesTheDataOnce) {
  constexpr std::uint64_t kOperations = 7;
  constexpr std::uint64_t kFlits = kBytes / CollectiveBench::kFlit;
  for (const bool flits : {true, false}) {
    for (const Op op : kCollective) {
      CollectiveBench::Options options;
      options.flits = flits;
      CollectiveBench bench(small_mesh(4, 4), {{"some", {0, 3, 6, 10, 13}, 6}}, options);
      std::vector<Order> orders;
      for (std::uint64_t n = 0; n < kOperations; ++n)
        for (const Order& order : bench.all_of(op, 0, n, kBytes)) orders.push_back(order);
      bench.run(std::move(orders));
      std::map<int, std::uint64_t> expected;  // by link; a header is a flit
      for (const CollectiveTree::Node& node : bench.plan.trees[0].nodes) {
        if (node.parent == CollectiveTree::kNone) continue;
        expected[node.link] = kOperations * (op == Op::reduce ? 1 : kFlits);
        expected[bench.topology.links[static_cast<std::size_t>(node.link)].reverse] =
            kOperations * (op == Op::multicast ? 1 : kFlits);
      }
      for (std::size_t l = 0; l < bench.topology.links.size(); ++l)
        EXPECT_EQ(bench.flits_over(static_cast<int>(l)), expected[static_cast<int>(l)])
            << name_of(op) << " over " << bench.topology.links[l].name;
      bench.expect_idle();
    }
  }
}

TEST(CollectiveUnit, SavesWhatTheTreePredictsAgainstSingleCopies) {
  constexpr std::uint64_t kFlits = kBytes / CollectiveBench::kFlit;
  const std::vector<int> members = up_to(16);
  const auto hops = [](int a, int b) { return std::abs(a % 4 - b % 4) + std::abs(a / 4 - b / 4); };
  const auto single_copies = [&](const std::vector<int>& sources) {
    CollectiveBench bench(small_mesh(4, 4), {}, {});
    std::vector<Order> orders;
    std::uint64_t links = 0;
    for (const int from : sources) {
      for (const int to : members) {
        if (from != to) orders.push_back({0, from, to, Op::write, kBytes});
        links += static_cast<std::uint64_t>(hops(from, to));
      }
    }
    bench.run(std::move(orders));
    bench.expect_idle();
    EXPECT_EQ(bench.flits_over_links(), links * kFlits);
    return bench.flits_over_links();
  };
  const auto in_network = [&](Op op) {
    CollectiveBench bench(small_mesh(4, 4), {{"all", members, 5}}, {});
    bench.run(bench.all_of(op, 0, 0, kBytes));
    bench.expect_idle();
    return bench.flits_over_links();
  };
  constexpr std::uint64_t kLinks = 15;
  EXPECT_EQ(in_network(Op::multicast), kLinks * (kFlits + 1));
  EXPECT_EQ(single_copies({5}), 32 * kFlits) << "from (1, 1): 4 x 4 + 4 x 4 links";
  EXPECT_EQ(in_network(Op::all_reduce), 2 * kLinks * kFlits);
  EXPECT_EQ(single_copies(members), 640 * kFlits) << "everybody to everybody";
}

// ---- Anything -------------------------------------------------------------------------------------------------------

struct RandomRun {
  Topology topology;
  std::vector<CollectiveGroup> groups;
  CollectiveBench::Options options;
  std::uint64_t operations = 0;  // of each kind, for each group
  int writes = 0;                // besides, between any terminals
};

/// Operations in random sizes, begun at random times; checks everything that can be counted.
void expect_counts(const RandomRun& run, std::uint64_t seed) {
  SplitMix64 random(mix(seed, 99));
  const auto draw = [&](std::uint64_t bound) { return bounded(random.next(), bound); };
  CollectiveBench bench(run.topology, run.groups, run.options);
  std::vector<Order> orders;
  std::vector<std::vector<Op>> reductions(run.groups.size());
  for (std::size_t g = 0; g < run.groups.size(); ++g) {
    for (std::uint64_t n = 0; n < run.operations; ++n) {
      const Op op = draw(2) == 0 ? Op::reduce : Op::all_reduce;
      reductions[g].push_back(op);
      for (const Op kind : {Op::multicast, op}) {
        const auto bytes = static_cast<std::uint32_t>(32 * (1 + draw(16)));
        for (Order& order : bench.all_of(kind, g, n, bytes)) {
          order.at = static_cast<Time>(n * 200 + draw(400)) * kCycle;
          orders.push_back(order);
        }
      }
    }
  }
  // A terminal takes the operations of a lane in order, whatever times were drawn.
  std::map<std::tuple<int, int, bool>, Time> last;
  for (Order& order : orders) {
    Time& at = last[{order.terminal, order.group, order.op == Op::multicast}];
    at = order.at = std::max(at, order.at);
  }
  const auto terminals = run.topology.terminals.size();
  for (int i = 0; i < run.writes; ++i) {
    Order order;
    order.at = static_cast<Time>(draw(run.operations * 200)) * kCycle;
    order.terminal = static_cast<int>(draw(terminals));
    order.destination = static_cast<int>(draw(terminals));
    order.bytes = static_cast<std::uint32_t>(32 * (1 + draw(8)));
    orders.push_back(order);
  }
  const std::size_t all = orders.size();
  bench.run(std::move(orders));
  bench.expect_idle();

  const Players& players = *bench.players;
  EXPECT_EQ(players.ended.size() + players.written, all);
  EXPECT_EQ(players.written, static_cast<std::uint64_t>(run.writes));
  std::map<std::tuple<int, int, Op, std::uint64_t>, int> delivered, expected;
  std::uint64_t multicasts = 0, sums = 0;
  for (const Players::Event& event : players.delivered)
    ++delivered[{event.terminal, event.group, event.op, event.number}];
  for (std::size_t g = 0; g < run.groups.size(); ++g) {
    const CollectiveGroup& group = run.groups[g];
    const std::size_t nodes = bench.plan.trees[g].nodes.size();
    for (std::uint64_t n = 0; n < run.operations; ++n) {
      for (const int member : group.members)
        if (member != group.root) expected[{member, static_cast<int>(g), Op::multicast, n}] = 1;
      if (reductions[g][n] == Op::reduce) expected[{group.root, static_cast<int>(g), Op::reduce, n}] = 1;
    }
    multicasts += run.operations * nodes;
    sums += run.operations * nodes;
  }
  EXPECT_EQ(delivered, expected) << "seed " << seed;
  // Nobody ends a reduction before everybody has begun it is implied by these counts: each unit combined once.
  double seen_multicasts = 0, seen_sums = 0;
  for (const auto& unit : bench.units) {
    const cowosim::test::StatValues stats(*unit);
    seen_multicasts += stats["multicasts"];
    seen_sums += stats["reductions"];
    EXPECT_LE(stats["peak_slots"], 2.0 * run.options.params.operations * static_cast<double>(run.groups.size()));
  }
  EXPECT_EQ(seen_multicasts, static_cast<double>(multicasts));
  EXPECT_EQ(seen_sums, static_cast<double>(sums));
}

std::vector<CollectiveGroup> random_groups(const Topology& topology, SplitMix64& random, std::uint64_t most) {
  const auto terminals = topology.terminals.size();
  std::vector<CollectiveGroup> groups(1 + bounded(random.next(), most));
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].name = "group_" + std::to_string(g);
    for (std::size_t t = 0; t < terminals; ++t)
      if (bounded(random.next(), 3) > 0) groups[g].members.push_back(static_cast<int>(t));
    if (groups[g].members.empty()) groups[g].members.push_back(static_cast<int>(bounded(random.next(), terminals)));
    groups[g].root = groups[g].members[bounded(random.next(), groups[g].members.size())];
  }
  return groups;
}

TEST(CollectiveUnit, CountsHoldForRandomGroupsOnRandomNetworks) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SplitMix64 random(mix(seed, 3));
    RandomRun run;
    run.topology = test::random_network(seed);
    const Channel channel = clocked_channel(8 * CollectiveBench::kFlit, kCycle);
    for (Topology::Link& link : run.topology.links) link.channel = channel;
    name_links(run.topology);
    for (Topology::Terminal& terminal : run.topology.terminals) terminal.in = terminal.out = channel;
    run.groups = random_groups(run.topology, random, 4);
    run.options.flits = false;
    run.options.params.terminals = static_cast<int>(1 + bounded(random.next(), 5));
    run.options.params.operations = static_cast<int>(1 + bounded(random.next(), 4));
    run.options.params.latency_cycles = static_cast<int>(bounded(random.next(), 20));
    run.options.params.bytes_per_cycle = static_cast<int>(8 + bounded(random.next(), 200));
    run.operations = 12;
    run.writes = 50;
    expect_counts(run, seed);
  }
}

TEST(CollectiveUnit, NothingDeadlocksUnderLoad) {
  constexpr Routing kRoutings[] = {Routing::dimension_order, Routing::minimal_adaptive, Routing::up_down};
  for (std::uint64_t seed = 0; seed < 36; ++seed) {
    SplitMix64 random(mix(seed, 5));
    RandomRun run;
    const Parts parts = reference_parts(CollectiveBench::kFlit, kCycle, static_cast<int>(1 + seed % 2));
    run.topology = seed % 4 < 2 ? mesh(4, 3, parts) : torus(3, 3, parts);
    run.options.routing = kRoutings[seed % 3];
    run.options.router.virtual_channels = static_cast<int>(2 + bounded(random.next(), 2));
    run.options.router.buffer_flits = static_cast<int>(1 + bounded(random.next(), 8));
    if (seed % 5 == 0) {
      run.options.router.switching = "virtual_cut_through";
      run.options.router.buffer_flits = 16;  // the longest packet
    }
    run.options.params.terminals = static_cast<int>(1 + bounded(random.next(), 3));
    run.options.params.operations = static_cast<int>(1 + bounded(random.next(), 4));
    run.groups = random_groups(run.topology, random, 3);
    run.operations = 10;
    run.writes = 3000;  // 6 to 7 flits a cycle, for 2000 cycles: well above what the networks take
    expect_counts(run, seed);
  }
}

// ---- The rule -------------------------------------------------------------------------------------------------------

/// All-reduces and multicasts of a group as fast as the window allows, with members that are never quite together.
std::unique_ptr<CollectiveBench> busy_group(int operations, int window) {
  CollectiveBench::Options options;
  options.params.operations = operations;
  options.window = window;
  auto bench =
      std::make_unique<CollectiveBench>(small_mesh(4, 4), std::vector<CollectiveGroup>{{"all", up_to(16), 5}}, options);
  SplitMix64 random(static_cast<std::uint64_t>(operations));
  std::vector<Order> orders;
  for (std::uint64_t n = 0; n < 40; ++n) {
    for (const Op op : {Op::multicast, n % 3 == 0 ? Op::reduce : Op::all_reduce})
      for (Order& order : bench->all_of(op, 0, n, kBytes)) {
        order.at = static_cast<Time>(n * 10 + bounded(random.next(), 10)) * kCycle;
        orders.push_back(order);
      }
  }
  bench->prepare(std::move(orders));
  return bench;
}

TEST(CollectiveUnit, KeepsAsManyOperationsAsItHasSlots) {
  for (const int operations : {1, 2, 3, 8}) {
    auto bench = busy_group(operations, operations);
    bench->coupling.advance(kMillisecond);
    bench->expect_idle();
    double peak = 0;
    for (const auto& unit : bench->units) peak = std::max(peak, cowosim::test::StatValues(*unit)["peak_slots"]);
    EXPECT_EQ(peak, 2.0 * operations) << "all of them, multicasts and reductions";
  }
}

TEST(CollectiveUnit, AnOperationTooManyIsAnError) {
  for (const int operations : {1, 2, 3, 8}) {
    auto bench = busy_group(operations, operations + 1);
    try {
      bench->coupling.advance(kMillisecond);
      FAIL() << "nothing thrown";
    } catch (const std::logic_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("had ended: a source may have at most " + std::to_string(operations) +
                                          " operations of a group under way (operations)"));
    }
  }
}

// ---- One unit -------------------------------------------------------------------------------------------------------

/// The unit of router 1 in a row of three: units 3 and 5 beside it, terminals 1 and its own, 4, at its router.
struct LoneUnit {
  explicit LoneUnit(int root = 1, CollectiveParams params = one_terminal())
      : topology(small_mesh(3, 1)),
        plan(plan_collectives(topology, {{"all", {0, 1, 2}, root}}, params, 32)),
        unit(params, plan.units[1]),
        bench(unit, 0, "unit_router_1") {}
  static CollectiveParams one_terminal() {
    CollectiveParams params;
    params.terminals = 1;
    params.operations = 2;
    params.bytes_per_cycle = 128;
    return params;
  }
  Handle arrive(Op op, int from, std::uint64_t number, Time t = 0, std::uint32_t bytes = kBytes) {
    const Handle handle = bench.make(op, number, bytes, t);
    bench.pools[handle].source = static_cast<std::uint16_t>(from);
    bench.pools[handle].destination = 4;
    bench.deliver(0, Phase::request, handle, t);
    return handle;
  }
  std::string error(const std::function<void()>& act) const {
    try {
      act();
    } catch (const std::logic_error& found) {
      return found.what();
    }
    return "";
  }

  Topology topology;
  CollectivePlan plan;
  CollectiveUnit unit;
  cowosim::test::HeartBench bench;
};

TEST(CollectiveUnit, DataPassOneAfterTheOther) {
  LoneUnit u;
  u.arrive(Op::all_reduce, 3, 0, 100 * kCycle);
  u.arrive(Op::all_reduce, 5, 0, 101 * kCycle);
  EXPECT_TRUE(u.bench.sent.empty());
  u.arrive(Op::all_reduce, 1, 0, 101 * kCycle);
  ASSERT_EQ(u.bench.sent.size(), 3u);
  std::set<int> answered;
  for (const auto& sent : u.bench.sent) {
    EXPECT_EQ(sent.arrival, 106 * kCycle + kLatency) << "three times two cycles from 100 on";
    EXPECT_EQ(sent.phase, Phase::response);
    answered.insert(u.bench.pools[sent.transaction].destination);
  }
  EXPECT_THAT(answered, UnorderedElementsAre(1, 3, 5));
  const cowosim::test::StatValues stats(u.unit);
  EXPECT_EQ(stats["busy"], 6);
  EXPECT_EQ(stats["waiting_data"], 1 + 3);
  EXPECT_EQ(stats["waiting_members"], 1);
  EXPECT_EQ(stats["bytes_in"], 3.0 * kBytes);
  EXPECT_EQ(stats["bytes_out"], 3.0 * kBytes);
  EXPECT_EQ(u.bench.violations(), std::vector<std::string>{});
}

TEST(CollectiveUnit, RoundsUpToCyclesAndTakesWidthsThatDoNotDivide) {
  CollectiveParams params = LoneUnit::one_terminal();
  params.bytes_per_cycle = 100;
  params.latency_cycles = 0;
  LoneUnit u(1, params);
  u.arrive(Op::multicast, 1, 0, 0, 224);
  ASSERT_EQ(u.bench.sent.size(), 2u);
  for (const auto& sent : u.bench.sent) EXPECT_EQ(sent.arrival, 3 * kCycle);
  EXPECT_EQ(u.unit.output_pipeline(0), 0);
}

TEST(CollectiveUnit, SaysWhatBreaksTheRule) {
  struct Case {
    std::function<void(LoneUnit&)> act;
    const char* said;
  };
  const std::vector<Case> cases = {
      {[](LoneUnit& u) {
         u.arrive(Op::reduce, 3, 0);
         u.arrive(Op::reduce, 5, 2);
       },
       "unit_router_1: reduce 2 of group 'all' from terminal 5: it came before operation 0 had ended: a source may "
       "have at "
       "most 2 operations of a group under way (operations)"},
      {[](LoneUnit& u) {
         u.arrive(Op::multicast, 1, 1);
         u.arrive(Op::multicast, 1, 3);
       },
       "multicast 3 of group 'all' from terminal 1: it came before operation 1 had ended"},
      {[](LoneUnit& u) {
         u.arrive(Op::reduce, 3, 0);
         u.arrive(Op::reduce, 3, 0);
       },
       "it came twice"},
      {[](LoneUnit& u) {
         u.arrive(Op::multicast, 1, 0);
         u.arrive(Op::multicast, 1, 0);
       },
       "it came twice"},
      {[](LoneUnit& u) {
         u.arrive(Op::reduce, 3, 0);
         u.arrive(Op::all_reduce, 5, 0);
       },
       "all_reduce 0 of group 'all' from terminal 5: others call it reduce"},
      {[](LoneUnit& u) {
         u.arrive(Op::reduce, 3, 0);
         u.arrive(Op::reduce, 5, 0, 0, 64);
       },
       "it brings 64 bytes, others 256"},
      {[](LoneUnit& u) { u.arrive(Op::reduce, 3, 0, 0, 8192); },
       "8192 bytes are more than a slot holds, 4096 (slot_bytes)"},
      {[](LoneUnit& u) { u.arrive(Op::reduce, 2, 0); },
       "from terminal 2: it is neither a member here nor a unit below"},
      {[](LoneUnit& u) { u.arrive(Op::multicast, 3, 0); }, "only the group's root may multicast"},
      {[](LoneUnit& u) { u.arrive(Op::write, 3, 0); },
       "write 0 of group 'all' from terminal 3: it is no collective operation"},
      {[](LoneUnit& u) {
         const Handle handle = u.bench.make(Op::reduce, 0, 32, 0);
         u.bench.pools[handle].group = 1;
         u.bench.deliver(0, Phase::request, handle, 0);
       },
       "reduce of group 1, which has nothing to do here"},
      {[](LoneUnit& u) {
         u.arrive(Op::multicast, 1, 0);
         u.bench.deliver(0, Phase::response, u.bench.sent.at(0).transaction, kMicrosecond);
       },
       "it is answered in the wrong phase"},
  };
  for (const Case& c : cases) {
    LoneUnit u;
    EXPECT_THAT(u.error([&] { c.act(u); }), HasSubstr(c.said));
  }
  LoneUnit below(0);  // its parent is the unit of router 0
  EXPECT_THAT(below.error([&] { below.arrive(Op::multicast, 1, 0); }),
              HasSubstr("it does not come from the unit above"));
  LoneUnit rootless(CollectiveGroup::kNone);
  EXPECT_THAT(rootless.error([&] { rootless.arrive(Op::multicast, 1, 0); }),
              HasSubstr("only the group's root may multicast"));
  EXPECT_THAT(rootless.error([&] {
    for (const int from : {1, 3, 5}) rootless.arrive(Op::reduce, from, 0);
  }),
              HasSubstr("the group has no root to reduce to"));
}

TEST(CollectiveUnit, TellsWhomItWaitsFor) {
  LoneUnit u;
  u.arrive(Op::reduce, 3, 0);
  u.arrive(Op::multicast, 1, 0);
  const auto reasons = [&] {
    std::vector<engine::Wait> waits;
    u.unit.report_waits(waits);
    std::vector<std::string> all;
    for (const engine::Wait& wait : waits) all.push_back(wait.waits_for + ": " + wait.reason);
    return all;
  };
  EXPECT_THAT(reasons(), ElementsAre("units and members below: multicast 0 of group 'all' is with all but 2",
                                     "unit_router_2: reduce 0 of group 'all' lacks its contribution",
                                     "terminal_1: reduce 0 of group 'all' lacks its contribution"));
  EXPECT_THAT(u.bench.violations(), ElementsAre("unit_router_1: 2 operations have not ended",
                                                "unit_router_1: 2 operations came, 0 were answered",
                                                "unit_router_1: 2 of its own transactions have not been answered"));
  u.arrive(Op::reduce, 1, 0);
  u.arrive(Op::reduce, 5, 0);
  EXPECT_THAT(reasons(), testing::Contains("the group's root: reduce 0 of group 'all' has no answer yet"));
}

TEST(CollectiveUnit, AMemberThatDoesNotAnswerIsFound) {
  CollectiveBench bench(small_mesh(2, 2), {{"all", up_to(4), 0}}, {});
  bench.prepare(bench.all_of(Op::multicast, 0, 0, kBytes));
  bench.players->silent = true;
  bench.coupling.advance(kMillisecond);
  std::vector<std::string> violations;
  bench.coupling.check_idle(violations);
  EXPECT_THAT(violations, testing::Contains(HasSubstr("operations have not ended")));
  EXPECT_TRUE(bench.players->ended.empty());
}

TEST(CollectiveUnit, RunsTheSameInAnySlices) {
  const auto events = [](Time slice) {
    auto bench = busy_group(3, 3);
    for (Time t = slice; t < 20 * kMicrosecond; t += slice) bench->coupling.advance(t);
    bench->coupling.advance(kMillisecond);
    bench->expect_idle();
    std::vector<std::tuple<Time, int, Op, std::uint64_t>> all;
    for (const Players::Event& e : bench->players->ended) all.emplace_back(e.time, e.terminal, e.op, e.number);
    std::uint64_t hash = 0;
    for (const auto& unit : bench->units) hash += unit->journal().hash() + 3 * unit->services().hash();
    return std::pair(all, hash);
  };
  const auto whole = events(kMillisecond);
  EXPECT_FALSE(whole.first.empty());
  EXPECT_EQ(events(7 * kCycle + 11), whole);
  EXPECT_EQ(events(kMicrosecond), whole);
}

}  // namespace
}  // namespace cowosim::fabric
