// How much a link carries: its bandwidth, or what its buffers let it.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/flit_bench.h"

namespace cowosim::fabric {
namespace {

using test::FlitBench;
using test::FlitSetup;
using test::kFlitBytes;

constexpr Time kCycle = kNanosecond;
const char* const kLink = "router_0_router_1";

/// Two routers; channels between them as given.
FlitSetup two_routers(const Channel& link) {
  Parts parts = reference_parts(kFlitBytes, kCycle);
  parts.link = link;
  return {mesh(2, 1, parts), Routing::dimension_order, {}, {}};
}

Channel narrow(Time flit_time) {
  Channel channel = clocked_channel(8 * kFlitBytes, kCycle);
  channel.bandwidth = bandwidth_of(8 * kFlitBytes, flit_time);
  return channel;
}

TEST(FlitNetworkThroughput, ASaturatedLinkCarriesItsBandwidth) {
  // Half cycles a flit; a wider link takes one a cycle all the same.
  for (const int half_cycles : {1, 2, 3, 4, 5, 8}) {
    for (const int flits : {1, 5}) {
      FlitSetup setup = two_routers(narrow(half_cycles * kCycle / 2));
      FlitBench b(setup);
      constexpr int kPackets = 400;
      for (int n = 0; n < kPackets; ++n) b.send(0, 1, flits, 0);
      ASSERT_TRUE(b.finish());
      test::expect_settled(b);
      const Network::LinkCounters link = test::link_named(b.network, kLink);
      const Time flit_time = std::max(2, half_cycles) * kCycle / 2;
      EXPECT_EQ(link.flits, static_cast<std::uint64_t>(kPackets * flits));
      EXPECT_EQ(link.busy, kPackets * flits * flit_time);
      EXPECT_EQ(link.bandwidth, bandwidth_of(8 * kFlitBytes, flit_time));
      // The first flit is on it in cycle 4 and from then on it never pauses. Traversal, wire and the way out come behind it, for
      // a head routing and a VC, too.
      const Time all = 4 * kCycle + kPackets * flits * flit_time;
      const int behind = 2 + (flits == 1 ? 2 : 0) + 3;
      const Time expected = Clock{kCycle}.align(all) + behind * kCycle;
      // Where the source is no faster than the link, nobody catches up with what allocation loses once in a while.
      const Time lost = half_cycles <= 2 ? 2 * kCycle : 0;
      EXPECT_GE(b.bench.sent.back().arrival, expected) << half_cycles << " " << flits;
      EXPECT_LE(b.bench.sent.back().arrival, expected + lost) << half_cycles << " " << flits;
    }
  }
}

/// Cycles that the last flits of a long packet need, `more` flits of it.
Time cycles_for(const FlitSetup& setup, int flits, int more) {
  Time arrival[2];
  for (const int i : {0, 1}) {
    FlitBench b(setup);
    const Handle packet = b.send(0, 1, flits + i * more, 0);
    EXPECT_TRUE(b.finish());
    test::expect_settled(b);
    arrival[i] = b.arrival(packet);
  }
  return (arrival[1] - arrival[0]) / kCycle;
}

TEST(FlitNetworkThroughput, SmallBuffersCarryTheirSizeARoundTrip) {
  for (const int link_cycles : {1, 3, 5}) {
    for (const int credit_cycles : {0, 1, 3}) {
      for (const int switch_cycles : {1, 2}) {
        for (const int slots : {1, 2, 3, 4, 6, 9, 40}) {
          for (const bool shared : {false, true}) {
            FlitSetup setup = two_routers(clocked_channel(8 * kFlitBytes, kCycle, link_cycles));
            setup.router.virtual_channels = 1;
            setup.router.buffer_flits = shared ? 1 : slots;
            setup.router.shared_buffer_flits = shared ? slots - 1 : 0;
            setup.router.credit_cycles = credit_cycles;
            setup.router.switch_allocation_cycles = switch_cycles;
            // Over the switch and the link, out of the buffer in the same cycle, back over the link.
            const int round_trip = switch_cycles + 1 + link_cycles + 1 + link_cycles + credit_cycles;
            constexpr int kRounds = 10;
            const Time cycles = cycles_for(setup, 10 * slots, kRounds * slots);
            EXPECT_EQ(cycles, kRounds * std::max(slots, round_trip))
                << slots << (shared ? " shared" : " own") << " slots, round trip " << round_trip;
          }
        }
      }
    }
  }
}

/// From clock to clock flits and credits cross, each way.
TEST(FlitNetworkThroughput, ACrossingLengthensTheRoundTrip) {
  for (const int crossing_cycles : {0, 1, 4}) {
    for (const int credit_cycles : {0, 2}) {
      for (const int slots : {1, 3, 5}) {
        FlitSetup setup = two_routers(clocked_channel(8 * kFlitBytes, kCycle, 2));
        setup.topology.domains.push_back({"other", kCycle});
        setup.topology.routers[1].domain = 1;
        setup.router.virtual_channels = 1;
        setup.router.buffer_flits = slots;
        setup.router.crossing_cycles = crossing_cycles;
        setup.router.credit_cycles = credit_cycles;
        const int round_trip = 1 + 1 + 2 + crossing_cycles + 1 + 2 + crossing_cycles + credit_cycles;
        EXPECT_EQ(cycles_for(setup, 10 * slots, 10 * slots), 10 * std::max(slots, round_trip))
            << slots << " slots, " << crossing_cycles << " cycles to cross, " << credit_cycles << " of credits";
      }
    }
  }
}

/// Slots of its own go first; what others may use is left to them as long as possible.
TEST(FlitNetworkThroughput, SharedSlotsGoToWhoeverNeedsThem) {
  FlitSetup setup = two_routers(clocked_channel(8 * kFlitBytes, kCycle, 3));  // a round trip of 10
  setup.router.buffer_flits = 2;
  setup.router.shared_buffer_flits = 8;
  // One packet alone has them all.
  EXPECT_EQ(cycles_for(setup, 100, 100), 100);
  // Two in different VCs (from one terminal, which takes turns) have two each and share the rest.
  FlitBench b(setup);
  b.send(0, 1, 400, 0);
  b.send(0, 1, 400, 0, 0, engine::Phase::response);
  ASSERT_TRUE(b.finish());
  test::expect_settled(b);
  EXPECT_LE(b.bench.sent.back().arrival, (800 + 30) * kCycle);
  EXPECT_GE(b.network.routers()[1].peak_occupancy, 2u);
}

/// A link that loses lanes at some time.
TEST(FlitNetworkThroughput, ADegradedLinkCarriesWhatIsLeft) {
  Channel link = clocked_channel(8 * kFlitBytes, kCycle);
  link.degraded_at = 500 * kCycle;
  link.degraded_bandwidth = link.bandwidth / 4;
  FlitBench b(two_routers(link));
  constexpr int kPackets = 200;
  for (int n = 0; n < kPackets; ++n) b.send(0, 1, 5, 0);
  ASSERT_TRUE(b.finish());
  test::expect_settled(b);
  // The first flit is on the link in cycle 4; 496 follow at one a cycle, the rest at four.
  const Network::LinkCounters counters = test::link_named(b.network, kLink);
  EXPECT_EQ(counters.busy, (496 + (1000 - 496) * 4) * kCycle);
  EXPECT_NEAR(static_cast<double>(b.bench.sent.back().arrival), static_cast<double>((4 + 496 + 504 * 4 + 7) * kCycle),
              static_cast<double>(2 * kCycle));
}

}  // namespace
}  // namespace cowosim::fabric
