// Why something waits and for whom: planted, with exact numbers.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "support/flit_bench.h"

namespace cowosim::fabric {
namespace {

using test::FlitBench;
using test::FlitSetup;
using test::kFlitBytes;

constexpr Time kCycle = kNanosecond;
constexpr StreamId kA = 1;
constexpr StreamId kB = 2;

FlitSetup star(int terminals, int virtual_channels, int buffer) {
  FlitSetup setup{crossbar(terminals, reference_parts(kFlitBytes, kCycle)), Routing::shortest_path, {}, {}};
  setup.router.virtual_channels = virtual_channels;
  setup.router.buffer_flits = buffer;
  setup.router.iterations = 4;
  return setup;
}

using Stalls = std::array<Time, kStalls>;  // cycles, in the order of Stall
Stalls stalls(const FlitBench& b, const std::string& link) {
  Stalls all = test::link_named(b.network, link).stalls;
  for (Time& t : all) t /= kCycle;
  return all;
}
/// Everything that waits at all waits at these links.
void expect_only(const FlitBench& b, const std::vector<std::pair<std::string, Stalls>>& links) {
  Time sum = 0;
  for (const auto& [link, expected] : links) {
    EXPECT_EQ(stalls(b, link), expected) << link;
    for (const Time t : expected) sum += t;
  }
  EXPECT_EQ(test::wait_of_links(b.network), sum * kCycle);
  test::expect_settled(b);
}
Time blame(const FlitBench& b, StreamId victim, StreamId holder) {
  return test::blame_between(b.network, victim, holder) / kCycle;
}

// ---- No credit ------------------------------------------------------------------------------------------------------

TEST(FlitNetworkStalls, NoCredit) {
  Parts parts = reference_parts(kFlitBytes, kCycle);
  parts.link = clocked_channel(8 * kFlitBytes, kCycle, 5);
  FlitSetup setup{mesh(2, 1, parts), Routing::dimension_order, {}, {}};
  setup.router.virtual_channels = 1;
  setup.router.buffer_flits = 4;
  FlitBench b(setup);
  b.send(0, 1, 12, 0, kA);
  ASSERT_TRUE(b.finish());
  // A round trip of 14: four flits in cycles 4 to 7, the head is two cycles later at the other end, credits are there in cycle 20
  // instead of 8; the next four until 23, credits in 34 instead of 24.
  // In front: four flits until cycle 3, the first credit in 6 instead of 4; flit 4 leaves in 20, its credit is there in 22 instead of
  // 10.
  expect_only(b, {{"router_0_router_1", {12 + 10, 0, 0, 0}}, {"terminal_0.in", {2 + 12, 0, 0, 0}}});
  EXPECT_EQ(blame(b, kA, kA), 36);
}

/// A waits for the buffer that B fills.
TEST(FlitNetworkStalls, NoCreditIsBlamedOnWhoeverMadeRoom) {
  FlitSetup setup{mesh(2, 1, reference_parts(kFlitBytes, kCycle)), Routing::dimension_order, {}, {}};
  setup.router.virtual_channels = 1;
  setup.router.buffer_flits = 4;
  setup.topology.terminals[1].out.bandwidth = bandwidth_of(8 * kFlitBytes, 10 * kCycle);
  FlitBench b(setup);
  b.send(0, 1, 4, 0, kB);
  b.send(0, 1, 1, 0, kA);
  ASSERT_TRUE(b.finish());
  // B's flits fill router 1 and leave it in cycles 9, 19, 29 and 39. A's flit enters behind them, two cycles late for want of B's
  // first credit; it follows B's tail (out in 7) with a VC of its own in 9, and asks for the switch in 10: the credit of what left
  // in 9 is back in 12. In router 1 it may ask from 42 on, and B's tail is on the link until 49.
  expect_only(
      b,
      {{"terminal_0.in", {2, 0, 0, 0}}, {"router_0_router_1", {2, 0, 0, 0}}, {"terminal_1.out", {0, 0, 3 * 9 + 7, 0}}});
  EXPECT_EQ(blame(b, kB, kB), 3 * 9);
  EXPECT_EQ(blame(b, kA, kB), 2 + 2 + 7);
}

/// With virtual cut-through room for all of it is what a packet waits for.
TEST(FlitNetworkStalls, NoRoomForTheWholePacketIsNoCredit) {
  FlitSetup setup{mesh(2, 1, reference_parts(kFlitBytes, kCycle)), Routing::dimension_order, {}, {}};
  setup.router.virtual_channels = 2;
  setup.router.buffer_flits = 5;
  setup.router.switching = "virtual_cut_through";
  FlitBench b(setup);
  for (int n = 0; n < 6; ++n) b.send(0, 1, 4, 0, kA);
  ASSERT_TRUE(b.finish());
  const Stalls between = stalls(b, "router_0_router_1");
  EXPECT_GT(between[static_cast<std::size_t>(Stall::no_credit)], 0);
  EXPECT_EQ(between[static_cast<std::size_t>(Stall::lost_vc)], 0);
  test::expect_settled(b);
}

// ---- VC allocation --------------------------------------------------------------------------------------------------

TEST(FlitNetworkStalls, LostVcIsBlamedOnTheHolder) {
  FlitBench b(star(3, 1, 16));
  b.send(0, 2, 10, 0, kA);
  b.send(1, 2, 10, kCycle, kB);
  ASSERT_TRUE(b.finish());
  // A gets the VC in cycle 3 and sends from 4 to 13; B asks from 4 on and gets it in 14.
  expect_only(b, {{"terminal_2.out", {0, 10, 0, 0}}});
  EXPECT_EQ(blame(b, kB, kA), 10);
}

TEST(FlitNetworkStalls, LostVcIsBlamedOnTheWinner) {
  FlitBench b(star(3, 1, 16));
  b.send(0, 2, 10, 0, kA);
  b.send(1, 2, 10, 0, kB);
  ASSERT_TRUE(b.finish());
  // Both ask in cycle 3: A wins; B loses that allocation, then waits until A's tail has gone in 13.
  expect_only(b, {{"terminal_2.out", {0, 1 + 10, 0, 0}}});
  EXPECT_EQ(blame(b, kB, kA), 11);
}

// ---- Switch allocation ----------------------------------------------------------------------------------------------

TEST(FlitNetworkStalls, LostSwitchIsBlamedOnTheWinner) {
  for (const bool announced : {true, false}) {
    FlitBench b(star(3, 2, 16));
    // Unless there have been two streams before, they are told apart from the second one's entry on.
    if (announced) {
      b.send(0, 0, 1, 0, kA);
      b.send(1, 1, 1, 0, kB);
    }
    constexpr Time kStart = 100 * kCycle;
    b.send(0, 2, 10, kStart, kA);
    b.send(1, 2, 10, kStart, kB);
    ASSERT_TRUE(b.finish());
    // A VC each in cycle 3, twenty flits in turns from 4 to 23: each flit of B waits for one of A, and the other way round but for
    // the first.
    expect_only(b, {{"terminal_2.out", {0, 0, 19, 0}}});
    EXPECT_EQ(blame(b, kB, kA), 10);
    EXPECT_EQ(blame(b, kA, kB), 9);
  }
}

/// Waits that began while there was one stream only were its own.
TEST(FlitNetworkStalls, ALateStreamIsNotBlamedForWhatWasBefore) {
  FlitBench b(star(4, 2, 16));
  b.send(0, 2, 10, 0, kA);
  b.send(1, 2, 10, 0, kA);
  b.send(3, 3, 1, 12 * kCycle, kB);
  ASSERT_TRUE(b.finish());
  expect_only(b, {{"terminal_2.out", {0, 0, 19, 0}}});
  EXPECT_EQ(blame(b, kA, kA), 19);
}

TEST(FlitNetworkStalls, ASerialisingLinkIsALostSwitch) {
  FlitSetup setup = star(3, 2, 16);
  setup.topology.terminals[2].out.bandwidth = bandwidth_of(8 * kFlitBytes, 2 * kCycle);
  FlitBench b(setup);
  b.send(0, 2, 10, 0, kA);
  ASSERT_TRUE(b.finish());
  expect_only(b, {{"terminal_2.out", {0, 0, 9, 0}}});
  EXPECT_EQ(blame(b, kA, kA), 9);
}

/// In front of the network, too, and for whoever is on the link.
TEST(FlitNetworkStalls, ASourceWaitsForItsLink) {
  FlitSetup setup = star(3, 2, 16);
  setup.topology.terminals[0].in.bandwidth = bandwidth_of(8 * kFlitBytes, 10 * kCycle);
  FlitBench b(setup);
  b.send(0, 2, 1, 0, kA);
  b.send(0, 2, 1, 0, kB);
  ASSERT_TRUE(b.finish());
  expect_only(b, {{"terminal_0.in", {0, 0, 9, 0}}});
  EXPECT_EQ(blame(b, kB, kA), 9);
}

// ---- Replay ---------------------------------------------------------------------------------------------------------

TEST(FlitNetworkStalls, Replay) {
  FlitSetup setup = star(3, 2, 64);
  Channel& out = setup.topology.terminals[2].out;
  out.bit_error_rate = 0.002;  // 40 % of the flits
  out.replay_latency = 6 * kCycle;
  const auto run = [&](int flits, std::uint64_t& replays) {
    FlitBench b(setup);
    b.send(0, 2, flits, 0, kA);
    EXPECT_TRUE(b.finish());
    test::expect_settled(b);
    replays = test::link_named(b.network, "terminal_2.out").replays;
    return stalls(b, "terminal_2.out");
  };
  std::uint64_t before = 0, all = 0;
  run(39, before);
  const Stalls waits = run(40, all);
  // Each replay takes a cycle and six; behind the last flit nobody waits.
  EXPECT_GT(before, 10u);
  EXPECT_EQ(waits, (Stalls{0, 0, 0, static_cast<Time>(before) * 7}));
}

TEST(FlitNetworkStalls, ReplayIsBlamedOnWhoeverIsOnTheLink) {
  FlitSetup setup = star(3, 2, 64);
  Channel& in = setup.topology.terminals[0].in;
  in.bit_error_rate = 0.002;
  in.replay_latency = 6 * kCycle;
  FlitBench b(setup);
  // One flit each, so that A and B take turns.
  for (int n = 0; n < 50; ++n) {
    b.send(0, 1, 1, 10'000 * n * kCycle, kA);
    b.send(0, 2, 1, 10'000 * n * kCycle, kB);
  }
  ASSERT_TRUE(b.finish());
  test::expect_settled(b);
  const Stalls waits = stalls(b, "terminal_0.in");
  EXPECT_GT(waits[static_cast<std::size_t>(Stall::replay)], 0);
  EXPECT_EQ(waits, (Stalls{0, 0, 0, blame(b, kB, kA)}));
}

}  // namespace
}  // namespace cowosim::fabric
