// Packets that wait for each other: that it is seen, said, and does not happen where a routing promises it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/random.h"
#include "support/flit_bench.h"

namespace cowosim::fabric {
namespace {

using test::FlitBench;
using test::FlitSetup;
using test::kFlitBytes;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// Whoever is waited for by name until somebody comes again: the circle, or nothing.
std::vector<std::string> circle_of(const std::vector<engine::Wait>& waits) {
  std::map<std::string, std::vector<std::string>> next;
  for (const engine::Wait& wait : waits) next[wait.waiter].push_back(wait.waits_for);
  for (const auto& [start, unused] : next) {
    std::vector<std::string> path = {start};
    while (true) {
      const auto found = next.find(path.back());
      if (found == next.end()) break;
      const std::string& to = found->second.front();
      const auto seen = std::find(path.begin(), path.end(), to);
      if (seen != path.end()) return {seen, path.end()};
      path.push_back(to);
    }
  }
  return {};
}

/// Five routers in a ring, everybody sends to the next but one: each packet holds a link that another one wants.
FlitSetup circle(const std::string& switching) {
  FlitSetup setup{ring(5, reference_parts(kFlitBytes)), Routing::shortest_path, {}, {}};
  setup.router.virtual_channels = 1;
  setup.router.buffer_flits = 4;
  setup.router.switching = switching;
  return setup;
}

TEST(FlitNetworkDeadlock, ACircleStallsAndIsNamed) {
  for (const char* const switching : {"wormhole", "virtual_cut_through"}) {
    const FlitSetup setup = circle(switching);
    ASSERT_FALSE(Routes::problems(setup.topology, setup.routing, 1).empty());
    FlitBench b(setup);
    const bool whole = setup.router.switching == "virtual_cut_through";
    // Long packets reach over several routers; short ones fill the buffers.
    for (int n = 0; n < 10; ++n)
      for (int from = 0; from < 5; ++from) b.send(from, (from + 2) % 5, whole ? 4 : 20, 0);
    ASSERT_TRUE(b.finish()) << "is due for ever";
    EXPECT_LT(b.bench.sent.size(), 50u);
    EXPECT_THAT(b.bench.violations(), Contains(HasSubstr("packets have not arrived")));

    std::vector<engine::Wait> waits;
    b.network.report_waits(waits);
    std::vector<std::string> names = circle_of(waits);
    std::sort(names.begin(), names.end());
    std::vector<std::string> expected;
    for (int r = 0; r < 5; ++r) {
      expected.push_back("net router_" + std::to_string(r) + " from router_" + std::to_string((r + 4) % 5) + " vc 0");
      // A packet that came halfway stands behind the VC of the one that enters there.
      if (!whole)
        expected.push_back("net router_" + std::to_string(r) + " from terminal_" + std::to_string(r) + " vc 0");
    }
    EXPECT_EQ(names, expected) << switching;
    const std::string reason = whole ? "no room for the whole packet" : "holds the VC towards";
    const auto of_circle =
        std::find_if(waits.begin(), waits.end(), [&](const engine::Wait& w) { return w.waiter == expected[0]; });
    ASSERT_NE(of_circle, waits.end());
    EXPECT_THAT(of_circle->reason, HasSubstr(reason));
    // And who waits in front.
    const auto source =
        std::find_if(waits.begin(), waits.end(), [](const engine::Wait& w) { return w.waiter == "net terminal_0"; });
    ASSERT_NE(source, waits.end());
    EXPECT_EQ(source->waits_for, "net router_0 from terminal_0 vc 0");
  }
}

/// The same load, with a routing that has no circle.
TEST(FlitNetworkDeadlock, UpDownHasNone) {
  for (const char* const switching : {"wormhole", "virtual_cut_through"}) {
    FlitSetup setup = circle(switching);
    setup.routing = Routing::up_down;
    FlitBench b(setup);
    for (int n = 0; n < 10; ++n)
      for (int from = 0; from < 5; ++from) b.send(from, (from + 2) % 5, 4, 0);
    ASSERT_TRUE(b.finish());
    EXPECT_EQ(b.bench.sent.size(), 50u);
    test::expect_settled(b);
  }
}

/// Minimal adaptive routing has circles and an escape from them, as long as heads get to the front of their buffers: without
/// Routes::needs_whole_packet() nearly all of these stall.
TEST(FlitNetworkDeadlock, TheEscapeChannelDissolvesCircles) {
  const Parts parts = reference_parts(kFlitBytes);
  for (const bool of_ring : {true, false}) {
    FlitSetup setup{of_ring ? ring(6, parts) : torus(5, 5, parts), Routing::minimal_adaptive, {}, {}};
    setup.router.virtual_channels = 2;
    const int routers = of_ring ? 6 : 25;
    for (const int buffer : {2, 3, 4, 6, 7}) {
      for (const int flits : {1, buffer, buffer + 3}) {
        for (const int shared : {0, 4}) {
          setup.router.buffer_flits = buffer;
          setup.router.shared_buffer_flits = shared;
          FlitBench b(setup);
          const int packets = 200 * routers;
          for (int n = 0; n < packets; ++n) b.send(n % routers, (n + (of_ring ? 2 : 12)) % routers, flits, 0);
          ASSERT_TRUE(b.finish());
          ASSERT_EQ(b.bench.sent.size(), static_cast<std::size_t>(packets))
              << routers << " routers, buffers of " << buffer << " + " << shared << ", packets of " << flits;
          test::expect_settled(b);
        }
      }
    }
  }
}

/// Other topologies, lengths and loads, and virtual cut-through.
TEST(FlitNetworkDeadlock, MinimalAdaptiveNeverStalls) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SplitMix64 random(mix(seed, 9));
    const auto draw = [&](int bound) {
      return static_cast<int>(bounded(random.next(), static_cast<std::uint64_t>(bound)));
    };
    const Parts parts = reference_parts(kFlitBytes);
    FlitSetup setup{seed % 4 == 0   ? ring(6, parts)
                    : seed % 4 == 1 ? mesh(4, 4, parts)
                                    : torus(4, 4, parts),
                    Routing::minimal_adaptive,
                    {},
                    {}};
    if (seed % 4 == 3) setup.topology.grid = {};  // by tables, escape up and down
    setup.router.virtual_channels = 2 + draw(2);
    setup.router.buffer_flits = 2 + draw(7);
    setup.router.shared_buffer_flits = seed % 3 == 0 ? 4 : 0;
    setup.router.switching = seed % 5 == 0 ? "virtual_cut_through" : "wormhole";
    const int longest = setup.router.switching == "wormhole" ? 12 : setup.router.buffer_flits;
    const int terminals = static_cast<int>(setup.topology.terminals.size());
    FlitBench b(setup);
    constexpr int kPackets = 2000;
    for (int n = 0; n < kPackets; ++n) b.send(draw(terminals), draw(terminals), 1 + draw(longest), 0);
    ASSERT_TRUE(b.finish()) << seed;
    ASSERT_EQ(b.bench.sent.size(), static_cast<std::size_t>(kPackets)) << seed;
    test::expect_settled(b);
  }
}

// ---- Idle or not ----------------------------------------------------------------------------------------------------

/// A run that is read at every cycle: each rule is broken at some time, none before it and none in the end.
TEST(FlitNetworkDeadlock, EveryRuleOfAnIdleNetworkIsBrokenOnTheWay) {
  FlitBench b({mesh(3, 1, reference_parts(kFlitBytes)), Routing::dimension_order, {}, {}});
  EXPECT_THAT(b.bench.violations(), IsEmpty());
  b.send(0, 2, 6, 0);
  EXPECT_THAT(b.bench.violations(), testing::ElementsAre("net: 1 packets have not arrived"));
  std::set<std::string> seen;
  while (b.network.due() != kNever) {
    for (const std::string& violation : b.bench.violations()) {
      // Without the numbers.
      std::string rule;
      std::copy_if(violation.begin(), violation.end(), std::back_inserter(rule),
                   [](char c) { return c < '0' || c > '9'; });
      seen.insert(rule);
    }
    b.network.advance(b.network.due() + 1);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"net:  packets have not arrived", "net:  flits are still in buffers",
                                         "net:  flits went in,  came out", "net:  flits were delivered,  came out",
                                         "net:  VCs are still held", "net:  credits are missing,  on their way"}));
  test::expect_settled(b);
}

/// With exact numbers: stopped in the middle.
TEST(FlitNetworkDeadlock, AnIncompleteRunIsCounted) {
  FlitBench b({mesh(2, 1, reference_parts(kFlitBytes)), Routing::dimension_order, {}, {}});
  b.send(0, 1, 6, 0);
  b.network.advance(10 * kNanosecond);  // cycles 0 to 9
  // Six flits in; flits 0 to 5 were granted in cycles 4 to 9 and arrive in 7 to 12: 0, 1 and 2 are there, the head's VC comes in 8,
  // its way out in 9.
  EXPECT_THAT(b.bench.violations(), testing::UnorderedElementsAre(
                                        "net: 1 packets have not arrived", "net: 2 flits are still in buffers",
                                        "net: 6 flits went in, 1 came out", "net: 0 flits were delivered, 1 came out",
                                        "net: 1 VCs are still held", "net: 9 credits are missing, 4 on their way"));
}

}  // namespace
}  // namespace cowosim::fabric
