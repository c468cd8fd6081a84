// Who goes first: priorities, weights, age and rates.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "support/flit_bench.h"

namespace cowosim::fabric {
namespace {

using test::FlitBench;
using test::FlitSetup;
using test::kFlitBytes;

constexpr Time kCycle = kNanosecond;
constexpr int kFlits = 5;

FlitSetup star(int terminals, const Qos& qos) {
  FlitSetup setup{crossbar(terminals, reference_parts(kFlitBytes, kCycle)), Routing::shortest_path, {}, qos};
  setup.router.virtual_channels = 8;
  return setup;
}

Qos priorities(std::vector<int> of_stream) {
  Qos qos;
  for (const int p : of_stream) qos.streams.push_back({p, 1, 0});
  return qos;
}

Qos weights(std::vector<int> of_stream) {
  Qos qos;
  for (const int w : of_stream) qos.streams.push_back({0, w, 0});
  return qos;
}

/// Flits that came out at `port` from `begin` to `end`, by stream.
std::map<StreamId, int> flits_out(const FlitBench& b, int port, Time begin, Time end) {
  std::map<StreamId, int> count;
  for (const auto& s : b.bench.sent) {
    if (s.port != port || s.arrival < begin || s.arrival >= end) continue;
    const Transaction& tx = const_cast<FlitBench&>(b).bench.pools[s.transaction];
    count[tx.stream] += static_cast<int>(tx.fetch_bytes) / kFlitBytes;
  }
  return count;
}

// ---- Priority -------------------------------------------------------------------------------------------------------

/// Latencies of a few packets from terminal 1 to 2, in cycles above their closed form, while terminal 0 floods terminal 2.
std::vector<Time> delays_in_a_flood(const Qos& qos) {
  FlitBench b(star(3, qos));
  for (int n = 0; n < 400; ++n) b.send(0, 2, kFlits, 0, 0);
  std::vector<std::pair<Handle, Time>> packets;
  for (int n = 0; n < 20; ++n) {
    const Time at = (200 + 61 * n) * kCycle;
    packets.emplace_back(b.send(1, 2, kFlits, at, 1), at);
  }
  EXPECT_TRUE(b.finish());
  test::expect_settled(b);
  std::vector<Time> delays;
  for (const auto& [packet, at] : packets)
    delays.push_back((b.arrival(packet) - at - b.network.unloaded_latency(1, 2, kFlits * kFlitBytes)) / kCycle);
  return delays;
}

TEST(FlitNetworkQos, HigherPriorityPasses) {
  // All it waits for is a VC at the output, where the flood may hold all of them: one of its packets ends soon.
  for (const Time delay : delays_in_a_flood(priorities({0, 1}))) EXPECT_LE(delay, kFlits);
  // As equals it takes turns, behind whom it should have passed it waits for gaps.
  const std::vector<Time> equal = delays_in_a_flood({});
  EXPECT_GT(*std::min_element(equal.begin(), equal.end()), 0);
  const std::vector<Time> lower = delays_in_a_flood(priorities({1, 0}));
  EXPECT_GT(*std::max_element(lower.begin(), lower.end()), *std::max_element(equal.begin(), equal.end()));
}

TEST(FlitNetworkQos, HigherPriorityTakesAll) {
  FlitBench b(star(3, priorities({2, 5})));
  for (int n = 0; n < 200; ++n) {
    b.send(0, 2, kFlits, 0, 0);
    b.send(1, 2, kFlits, 0, 1);
  }
  ASSERT_TRUE(b.finish());
  test::expect_settled(b);
  constexpr Time kHalf = 200 * kFlits * kCycle;
  // But for cycles in which it waits for a VC.
  EXPECT_EQ(flits_out(b, 2, 0, kHalf + 40 * kCycle)[1], 200 * kFlits);
  EXPECT_LE(flits_out(b, 2, 0, kHalf)[0], 30);
}

/// At a source, too: what has priority does not wait behind what has none.
TEST(FlitNetworkQos, PriorityPassesInFrontOfTheNetwork) {
  FlitBench b(star(2, priorities({0, 7})));
  for (int n = 0; n < 300; ++n) b.send(0, 1, kFlits, 0, 0);
  const Handle urgent = b.send(0, 1, kFlits, 100 * kCycle, 1);
  ASSERT_TRUE(b.finish());
  EXPECT_LE(b.arrival(urgent), (100 + 7 + 2 * kFlits) * kCycle);
}

// ---- Weights --------------------------------------------------------------------------------------------------------

TEST(FlitNetworkQos, WeightsShareASaturatedOutput) {
  for (const std::string& allocator : RouterParams::allocators()) {
    for (const int virtual_channels : {2, 4, 8})
      for (const std::vector<int>& weight : {std::vector<int>{3, 1}, {1, 1}, {1, 3}, {5, 2, 1}, {255, 85}}) {
        const int sources = static_cast<int>(weight.size());
        FlitSetup setup = star(sources + 1, weights(weight));
        setup.router.vc_allocator = setup.router.switch_allocator = allocator;
        setup.router.virtual_channels = virtual_channels;
        FlitBench b(setup);
        constexpr int kPackets = 2000;
        for (int n = 0; n < kPackets; ++n)
          for (int s = 0; s < sources; ++s) b.send(s, sources, kFlits, 0, static_cast<StreamId>(s));
        constexpr int kWindow = 8000;
        b.network.advance((kWindow + 1000) * kCycle);
        std::map<StreamId, int> flits = flits_out(b, sources, 1000 * kCycle, (kWindow + 1000) * kCycle);
        int sum = 0;
        for (const int w : weight) sum += w;
        for (int s = 0; s < sources; ++s) {
          const double share = static_cast<double>(weight[static_cast<std::size_t>(s)]) / sum;
          EXPECT_NEAR(flits[static_cast<StreamId>(s)], kWindow * share, 0.02 * kWindow)
              << allocator << ", " << virtual_channels << " VCs, stream " << s << " of " << sources << ", weight "
              << weight[static_cast<std::size_t>(s)];
        }
      }
  }
}

/// From one source they share its way in.
TEST(FlitNetworkQos, WeightsShareASource) {
  FlitBench b(star(2, weights({3, 1})));
  for (int n = 0; n < 1000; ++n)
    for (const StreamId s : {StreamId{0}, StreamId{1}}) b.send(0, 1, kFlits, 0, s);
  b.network.advance(4100 * kCycle);
  std::map<StreamId, int> flits = flits_out(b, 1, 100 * kCycle, 4100 * kCycle);
  EXPECT_NEAR(flits[0], 3000, 60);
  EXPECT_NEAR(flits[1], 1000, 60);
}

/// A share that is not used goes to the others.
TEST(FlitNetworkQos, WeightsAreNoLimits) {
  FlitBench b(star(3, weights({1, 200})));
  for (int n = 0; n < 200; ++n) b.send(0, 2, kFlits, 0, 0);
  ASSERT_TRUE(b.finish());
  EXPECT_LE(b.bench.sent.back().arrival, (200 * kFlits + 10) * kCycle);
}

// ---- Age ------------------------------------------------------------------------------------------------------------

TEST(FlitNetworkQos, AnAgeLimitBoundsTheWaitOfAStarvedStream) {
  const auto last_arrival = [](Time age_limit) {
    Qos qos = priorities({0, 7});
    qos.age_limit = age_limit;
    FlitBench b(star(3, qos));
    for (int n = 0; n < 2000; ++n) b.send(1, 2, kFlits, 0, 1);
    const Handle starved = b.send(0, 2, kFlits, 300 * kCycle, 0);
    EXPECT_TRUE(b.finish());
    test::expect_settled(b);
    return b.arrival(starved);
  };
  EXPECT_GT(last_arrival(0), 2000 * kFlits * kCycle);
  // The flood's own packets in front of the network are older still: those that are in the router share with it.
  const Time limited = last_arrival(400 * kCycle);
  EXPECT_GT(limited, (300 + 400) * kCycle);
  EXPECT_LT(limited, (300 + 400 + 7 + 3 * kFlits + 8 * kFlits) * kCycle);
}

// ---- Rate -----------------------------------------------------------------------------------------------------------

TEST(FlitNetworkQos, ARateLimitHoldsASourceToItsRate) {
  for (const double flits_per_cycle : {0.9, 0.5, 0.3, 0.07}) {
    for (const int flits : {1, kFlits, 16}) {
      Qos qos;
      qos.streams.push_back({0, 1, static_cast<std::int64_t>(flits_per_cycle * kFlitBytes * 1e9)});
      FlitBench b(star(3, qos));
      for (int n = 0; n < 40'000 / flits; ++n) b.send(0, 2, flits, 0, 0);
      b.network.advance(40'000 * kCycle);
      EXPECT_NEAR(flits_out(b, 2, 0, 40'000 * kCycle)[0] / 40'000.0, flits_per_cycle, 0.01 * flits_per_cycle) << flits;
    }
  }
}

/// Nobody else is held up: neither from the same source nor by a VC that a packet of the limited stream would keep.
TEST(FlitNetworkQos, ARateLimitIsTheStreamsOwn) {
  Qos qos;
  qos.streams.push_back({0, 1, kFlitBytes * 10'000'000LL});  // a flit every 100 cycles
  FlitSetup setup = star(3, qos);
  setup.router.virtual_channels = 1;
  FlitBench b(setup);
  for (int n = 0; n < 10; ++n) b.send(0, 2, kFlits, 0, 0);
  for (int n = 0; n < 100; ++n) b.send(0, 2, kFlits, 0, 1);
  ASSERT_TRUE(b.finish());
  test::expect_settled(b);
  std::map<StreamId, Time> last;
  for (const auto& s : b.bench.sent) last[b.bench.pools[s.transaction].stream] = s.arrival;
  EXPECT_LE(last[1], 110 * (kFlits + 3) * kCycle);
  EXPECT_GE(last[0], 9 * kFlits * 100 * kCycle);
  // The other terminal has a limit of its own.
  FlitBench two(star(3, qos));
  for (int n = 0; n < 4; ++n)
    for (const int from : {0, 1}) two.send(from, 2, 1, 0, 0);
  ASSERT_TRUE(two.finish());
  EXPECT_EQ(two.bench.sent.size(), 8u);
  EXPECT_LE(two.bench.sent.back().arrival, 320 * kCycle);
}

// ---- None of it -----------------------------------------------------------------------------------------------------

/// One stream, and an age that nothing reaches: the general allocators decide as the plain ones do.
TEST(FlitNetworkQos, WhatIsNeverUsedChangesNothing) {
  for (const std::string& allocator : RouterParams::allocators()) {
    for (const int iterations : {1, 2}) {
      std::vector<std::vector<Time>> arrivals;
      for (const bool with : {false, true}) {
        FlitSetup setup{mesh(4, 4, reference_parts(kFlitBytes, kCycle)), Routing::dimension_order, {}, {}};
        if (with) setup.qos.age_limit = kSecond;
        setup.router.vc_allocator = setup.router.switch_allocator = allocator;
        setup.router.iterations = iterations;
        FlitBench b(setup);
        SplitMix64 random(1);
        for (int n = 0; n < 3000; ++n) {
          const auto from = static_cast<int>(bounded(random.next(), 16));
          const auto to = static_cast<int>(bounded(random.next(), 16));
          b.send(from, to, kFlits, n / 2 * kCycle, 0);
        }
        ASSERT_TRUE(b.finish());
        test::expect_settled(b);
        arrivals.emplace_back();
        for (const auto& s : b.bench.sent) arrivals.back().push_back(s.arrival);
      }
      EXPECT_EQ(arrivals[0], arrivals[1]) << allocator;
    }
  }
}

}  // namespace
}  // namespace cowosim::fabric
