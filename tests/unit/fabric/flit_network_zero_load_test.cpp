// A packet alone: what it takes, in closed form, and that an empty network does nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/random.h"
#include "support/flit_bench.h"
#include "support/small_networks.h"

namespace cowosim::fabric {
namespace {

using test::FlitBench;
using test::FlitSetup;

constexpr Time kCycle = kNanosecond;
const std::vector<int> kLengths = {1, 2, 5, 9, 40};

/// Buffers that cover every round trip here.
RouterParams roomy(RouterParams router = {}) {
  router.buffer_flits = 64;
  return router;
}

Parts parts(int terminal_cycles, int link_cycles) {
  Parts p = reference_parts(test::kFlitBytes, kCycle);
  p.terminal = clocked_channel(8 * test::kFlitBytes, kCycle, terminal_cycles);
  p.link = clocked_channel(8 * test::kFlitBytes, kCycle, link_cycles);
  return p;
}

/// Sends packets of every length between every pair, one at a time, and compares.
void expect_closed_form(const FlitSetup& setup, int terminal_cycles, int link_cycles) {
  FlitBench b(setup);
  const Routes routes = setup.routes();
  const RouterParams& r = setup.router;
  const int router_cycles =
      r.routing_cycles + r.vc_allocation_cycles + r.switch_allocation_cycles + r.switch_traversal_cycles;
  Time now = 0;
  const int terminals = b.network.ports();
  for (int from = 0; from < terminals; ++from) {
    for (int to = 0; to < terminals; ++to) {
      const int routers = routes.hops(from, to);
      for (const int flits : kLengths) {
        const int cycles = 1 + 2 * terminal_cycles + routers * router_cycles + (routers - 1) * link_cycles + flits - 1;
        const Handle packet = b.send(from, to, flits, now);
        ASSERT_TRUE(b.finish());
        ASSERT_EQ(b.arrival(packet) - now, cycles * kCycle) << from << " to " << to << ", " << flits << " flits";
        ASSERT_EQ(b.network.unloaded_latency(from, to, static_cast<std::uint32_t>(flits * test::kFlitBytes)),
                  cycles * kCycle);
        now += (cycles + 100) * kCycle;
      }
    }
  }
  test::expect_settled(b);
  EXPECT_EQ(test::wait_of_links(b.network), 0);
}

TEST(FlitNetworkZeroLoad, EveryTopologyPairAndLength) {
  const Parts reference = reference_parts(test::kFlitBytes, kCycle);
  expect_closed_form({mesh(4, 3, reference), Routing::dimension_order, roomy(), {}}, 1, 1);
  expect_closed_form({torus(5, 4, reference), Routing::dimension_order, roomy(), {}}, 1, 1);
  expect_closed_form({torus(2, 3, reference), Routing::minimal_adaptive, roomy(), {}}, 1, 1);
  expect_closed_form({ring(7, reference), Routing::shortest_path, roomy(), {}}, 1, 1);
  expect_closed_form({crossbar(9, reference), Routing::shortest_path, roomy(), {}}, 1, 1);
  expect_closed_form({fully_connected(6, reference), Routing::up_down, roomy(), {}}, 1, 1);
  Parts concentrated = reference;
  concentrated.terminals_per_router = 3;
  expect_closed_form({mesh(2, 2, concentrated), Routing::west_first, roomy(), {}}, 1, 1);
}

/// 5 H + 2 + (L - 1) cycles, as the header says, with the reference router's own buffers.
TEST(FlitNetworkZeroLoad, ReferenceRouter) {
  const FlitSetup setup{mesh(8, 8, reference_parts(test::kFlitBytes)), Routing::dimension_order, {}, {}};
  FlitBench b(setup);
  const Handle packet = b.send(0, 63, 40, 0);
  b.finish();
  EXPECT_EQ(b.arrival(packet), (5 * 15 + 2 + 39) * kNanosecond);
}

TEST(FlitNetworkZeroLoad, EveryStage) {
  RouterParams r = roomy();
  for (r.routing_cycles = 0; r.routing_cycles <= 3; ++r.routing_cycles)
    for (r.vc_allocation_cycles = 1; r.vc_allocation_cycles <= 3; ++r.vc_allocation_cycles)
      for (r.switch_allocation_cycles = 1; r.switch_allocation_cycles <= 3; ++r.switch_allocation_cycles)
        for (r.switch_traversal_cycles = 0; r.switch_traversal_cycles <= 2; ++r.switch_traversal_cycles)
          for (r.credit_cycles = 0; r.credit_cycles <= 3; ++r.credit_cycles)
            expect_closed_form({mesh(3, 1, parts(1, 1)), Routing::dimension_order, r, {}}, 1, 1);
}

TEST(FlitNetworkZeroLoad, LinksOfSeveralCycles) {
  for (const int terminal : {0, 1, 3})
    for (const int link : {0, 2, 5})
      expect_closed_form({mesh(3, 2, parts(terminal, link)), Routing::dimension_order, roomy(), {}}, terminal, link);
}

TEST(FlitNetworkZeroLoad, KindsOfRoutersDoNotMatterAlone) {
  for (const std::string& allocator : RouterParams::allocators()) {
    for (const char* const switching : {"wormhole", "virtual_cut_through"}) {
      RouterParams r = roomy();
      r.vc_allocator = r.switch_allocator = allocator;
      r.iterations = 2;
      r.switching = switching;
      expect_closed_form({mesh(3, 2, parts(1, 1)), Routing::dimension_order, r, {}}, 1, 1);
      r.buffer_flits = 4;
      r.shared_buffer_flits = 60;
      expect_closed_form({mesh(3, 2, parts(1, 1)), Routing::dimension_order, r, {}}, 1, 1);
    }
  }
}

// ---- Links narrower than a flit a cycle -----------------------------------------------------------------------------

Channel narrow(Time flit_time, int cycles = 1) {
  Channel channel = clocked_channel(8 * test::kFlitBytes, kCycle, cycles);
  channel.bandwidth = bandwidth_of(8 * test::kFlitBytes, flit_time);
  return channel;
}

/// Three routers in a row; the link from 0 to 1 takes `half_cycles` / 2 for a flit.
TEST(FlitNetworkZeroLoad, ANarrowLink) {
  for (const int half_cycles : {2, 4, 5, 7, 8}) {
    Topology topology = mesh(3, 1, parts(1, 1));
    for (Topology::Link& link : topology.links)
      if (link.name == "router_0_router_1") link.channel = narrow(half_cycles * kCycle / 2);
    for (const int flits : kLengths) {
      FlitBench b({topology, Routing::dimension_order, roomy(), {}});
      const Handle packet = b.send(0, 2, flits, 0);
      b.finish();
      // Either the head is last on its way, and the others have caught up behind it while it was routed; or the link is, and
      // what comes last finds routes and VCs of the two routers behind it given.
      const int on_link_head = (half_cycles + 1) / 2;
      const int on_link_all = (flits * half_cycles + 1) / 2;
      const int cycles = 5 * 3 + 2 - 1 + std::max(on_link_head + flits - 1, on_link_all - 2 * 2);
      EXPECT_EQ(b.arrival(packet), cycles * kCycle) << half_cycles << "/2 cycles, " << flits;
      EXPECT_EQ(b.network.unloaded_latency(0, 2, static_cast<std::uint32_t>(flits * test::kFlitBytes)),
                b.arrival(packet));
      test::expect_settled(b);
      const Network::LinkCounters link = test::link_named(b.network, "router_0_router_1");
      EXPECT_EQ(link.busy, flits * half_cycles * kCycle / 2);
    }
  }
}

/// All channels alike: each adds the rest of a flit's time once, the flits follow each other at it.
TEST(FlitNetworkZeroLoad, NarrowEverywhere) {
  for (const int n : {2, 4}) {
    Parts p = parts(1, 1);
    p.terminal = p.link = narrow(n * kCycle, 2);
    const FlitSetup setup{mesh(3, 3, p), Routing::dimension_order, roomy(), {}};
    FlitBench b(setup);
    Time now = 0;
    for (int to = 0; to < 9; ++to) {
      for (const int flits : kLengths) {
        const int routers = setup.routes().hops(0, to);
        const int cycles = 1 + 2 + routers * (4 + 2) + (routers + 1) * (n - 1) + (flits - 1) * n;
        const Handle packet = b.send(0, to, flits, now);
        b.finish();
        ASSERT_EQ(b.arrival(packet) - now, cycles * kCycle) << to << " " << flits << " " << n;
        ASSERT_EQ(b.network.unloaded_latency(0, to, static_cast<std::uint32_t>(flits * test::kFlitBytes)),
                  cycles * kCycle);
        now += (cycles + 100) * kCycle;
      }
    }
    test::expect_settled(b);
  }
}

// ---- Several clocks -------------------------------------------------------------------------------------------------

/// Five routers in a row, each of its own clock, two terminals at each end one.
Topology clocked_row(const std::vector<Time>& periods, Time flit_time, Time latency) {
  Topology topology = test::routers(static_cast<int>(periods.size()), static_cast<int>(periods.size()));
  topology.domains.clear();
  for (std::size_t i = 0; i < periods.size(); ++i) {
    topology.domains.push_back({"clock_" + std::to_string(i), periods[i]});
    topology.routers[i].domain = static_cast<int>(i);
    topology.terminals[i].in = topology.terminals[i].out = clocked_channel(8 * test::kFlitBytes, periods[i]);
    if (i == 0) continue;
    test::connect(topology, static_cast<int>(i) - 1, static_cast<int>(i));
  }
  for (Topology::Link& link : topology.links) {
    link.channel.bandwidth = bandwidth_of(8 * test::kFlitBytes, flit_time);
    link.channel.latency = latency;
  }
  return topology;
}

TEST(FlitNetworkZeroLoad, SeveralClocks) {
  const std::vector<Time> periods = {1000, 700, 1300, 1300, 400};
  constexpr Time kAligned = 1000 * 7 * 13 * 4;  // a multiple of all periods
  for (const Time flit_time : {400, 1000, 2500}) {
    for (const Time latency : {0, 1000, 3333}) {
      for (const int crossing : {0, 2}) {
        FlitSetup setup{clocked_row(periods, flit_time, latency), Routing::shortest_path, roomy(), {}};
        setup.router.crossing_cycles = crossing;
        FlitBench b(setup);
        SplitMix64 random(5);
        Time now = 0;
        for (int from = 0; from < 5; ++from) {
          for (int to = 0; to < 5; ++to) {
            for (const int flits : kLengths) {
              const Time expected =
                  b.network.unloaded_latency(from, to, static_cast<std::uint32_t>(flits * test::kFlitBytes));
              // Each edge that is waited for costs less than a period, aligned or not.
              Time slack = periods[static_cast<std::size_t>(from)];
              for (int i = from; i != to; i += to > from ? 1 : -1)
                slack +=
                    periods[static_cast<std::size_t>(to > from ? i + 1 : i - 1)] + periods[static_cast<std::size_t>(i)];
              for (const bool aligned : {true, false}) {
                now = (now / kAligned + 1) * kAligned;
                if (!aligned) now += static_cast<Time>(bounded(random.next(), kAligned));
                const Handle packet = b.send(from, to, flits, now);
                ASSERT_TRUE(b.finish());
                const Time measured = b.arrival(packet) - now;
                if (aligned) {
                  ASSERT_EQ(measured, expected) << from << " to " << to << ", " << flits;
                } else {
                  ASSERT_LT(measured, expected + slack) << from << " to " << to << ", " << flits;
                  ASSERT_GT(measured, expected - slack) << from << " to " << to << ", " << flits;
                }
                now += measured + 1'000'000;
              }
            }
          }
        }
        test::expect_settled(b);
      }
    }
  }
}

TEST(FlitNetworkZeroLoad, ACrossingByHand) {
  FlitSetup setup{clocked_row({1000, 700}, 1000, 1000), Routing::shortest_path, {}, {}};
  FlitBench b(setup);
  const Handle packet = b.send(0, 1, 1, 0);
  b.finish();
  // In at 2000, routing, VC, switch at 4000, link, traversal and wire until 7000, which is edge 10 over there; two cycles to
  // cross, five to get out.
  EXPECT_EQ(b.arrival(packet), (10 + 2 + 5) * 700);
}

// ---- Nothing to do --------------------------------------------------------------------------------------------------

TEST(FlitNetworkZeroLoad, AnIdleNetworkIsNeverDue) {
  FlitBench b({mesh(32, 32, reference_parts(test::kFlitBytes)), Routing::dimension_order, {}, {}});
  EXPECT_EQ(b.network.due(), kNever);
  b.network.advance(kSecond);  // would take for ever cycle by cycle
  EXPECT_EQ(b.network.due(), kNever);
  test::expect_settled(b);
  std::vector<std::string> stats;
  struct Names final : StatVisitor {
    void operator()(const char* name, const char*, double value) override {
      if (value != 0) names.push_back(name);
    }
    std::vector<std::string> names;
  } names;
  b.network.statistics(names);
  EXPECT_TRUE(names.names.empty());

  // And it goes on from wherever time is then.
  const Handle packet = b.send(0, 1023, 5, kSecond + 1);
  EXPECT_EQ(b.network.due(), kSecond + kNanosecond);
  b.finish(2 * kSecond);
  EXPECT_EQ(b.arrival(packet), kSecond + kNanosecond + (5 * 63 + 2 + 4) * kNanosecond);
  test::expect_settled(b);
}

TEST(FlitNetworkZeroLoad, CompleteStatisticsAreAlwaysTheSameOnes) {
  struct Names final : StatVisitor {
    explicit Names(bool all) : complete_(all) {}
    void operator()(const char* name, const char*, double) override { names.push_back(name); }
    bool complete() const override { return complete_; }
    bool complete_;
    std::vector<std::string> names;
  };
  FlitBench b({mesh(4, 4, reference_parts(test::kFlitBytes)), Routing::dimension_order, {}, {}});
  const auto names = [&](bool all) {
    Names visitor(all);
    b.network.statistics(visitor);
    return visitor.names;
  };
  const std::vector<std::string> idle = names(true);
  EXPECT_EQ(names(false).size(), 3u) << "what nothing has used says nothing";
  b.send(0, 5, 4, 0);
  b.finish();
  EXPECT_GT(names(false).size(), 3u);
  EXPECT_EQ(names(true), idle);
  EXPECT_GT(idle.size(), 16u * 8u);
}

/// However long a flit is on its way, only the cycles in which something happens to it are handled.
TEST(FlitNetworkZeroLoad, DueIsWhereSomethingMoves) {
  for (const int cycles : {1000, 5000, 100'000}) {
    FlitBench b({ring(4, parts(1, cycles)), Routing::shortest_path, {}, {}});
    const Handle packet = b.send(0, 1, 1, 0);
    int steps = 0;
    for (; b.network.due() != kNever; ++steps) b.network.advance(b.network.due() + 1);
    EXPECT_EQ(b.arrival(packet), (5 * 2 + 2 + cycles - 1) * kCycle);
    EXPECT_LT(steps, 15);
    test::expect_settled(b);
  }
}

}  // namespace
}  // namespace cowosim::fabric
