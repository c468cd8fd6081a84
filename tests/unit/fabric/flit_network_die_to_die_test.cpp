// Links between dies as the standards make them: errors, replays, lost lanes.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fabric/die_to_die.h"
#include "support/flit_bench.h"

namespace cowosim::fabric {
namespace {

using test::FlitBench;
using test::FlitSetup;
using test::kFlitBytes;

constexpr Time kCycle = 100 * kPicosecond;
const char* const kLink = "router_0_router_1";

/// Two dies, whose routers (320 GB/s) the link between them does not keep up with.
FlitSetup two_dies(const DieToDieParams& params) {
  Parts parts = reference_parts(kFlitBytes, kCycle);
  parts.link = channel_of(params, kFlitBytes);
  FlitSetup setup{mesh(2, 1, parts), Routing::dimension_order, {}, {}};
  setup.router.buffer_flits = 256;  // more than the round trip
  return setup;
}

DieToDieParams ucie(double bit_error_rate = 0) {
  DieToDieParams params("ucie_advanced");
  params.format = "flit_256";
  params.bit_error_rate = bit_error_rate;
  return params;
}

TEST(FlitNetworkDieToDie, EveryPacketArrivesOnceAndInOrder) {
  for (const double bit_error_rate : {1e-6, 1e-4, 1e-3}) {
    FlitSetup setup = two_dies(ucie(bit_error_rate));
    setup.router.virtual_channels = 1;
    FlitBench b(setup);
    std::vector<Handle> packets;
    for (int n = 0; n < 20'000; ++n) packets.push_back(b.send(0, 1, 1 + n % 7, 0));
    ASSERT_TRUE(b.finish());
    test::expect_settled(b);
    EXPECT_GT(test::link_named(b.network, kLink).replays, 0u);
    ASSERT_EQ(b.bench.sent.size(), packets.size());
    for (std::size_t i = 0; i < packets.size(); ++i) {
      ASSERT_EQ(b.bench.sent[i].transaction, packets[i]);
      ASSERT_GT(b.bench.sent[i].arrival, i == 0 ? 0 : b.bench.sent[i - 1].arrival);
    }
  }
}

TEST(FlitNetworkDieToDie, ErrorsCostWhatTheyShould) {
  struct Case {
    double bit_error_rate;
    int packets;
  };
  for (const Case c : {Case{1e-6, 40'000}, Case{1e-4, 10'000}, Case{1e-3, 2'000}}) {
    const FlitSetup setup = two_dies(ucie(c.bit_error_rate));
    const Channel& channel = setup.topology.links[0].channel;
    FlitBench b(setup);
    constexpr int kFlits = 5;
    for (int n = 0; n < c.packets; ++n) b.send(0, 1, kFlits, 0);
    ASSERT_TRUE(b.finish());
    test::expect_settled(b);
    EXPECT_EQ(b.bench.sent.size(), static_cast<std::size_t>(c.packets));

    // Each try is a draw of its own: a flit takes p / (1 - p) replays on average, with a variance of p / (1 - p)^2.
    const Network::LinkCounters link = test::link_named(b.network, kLink);
    const double p = corrupted_probability(channel.bit_error_rate, 8 * kFlitBytes);
    const double flits = static_cast<double>(link.flits);
    EXPECT_EQ(link.flits, static_cast<std::uint64_t>(c.packets * kFlits));
    EXPECT_GT(link.replays, 0u);
    EXPECT_NEAR(static_cast<double>(link.replays), flits * p / (1 - p), 4 * std::sqrt(flits * p) / (1 - p));
    EXPECT_DOUBLE_EQ(link.energy,
                     (flits + static_cast<double>(link.replays)) * 8 * kFlitBytes * channel.energy_per_bit);

    // A flit costs its time; a replay that again, and the way to find out. The first one begins in cycle 4, behind the last one
    // come traversal, wires and the way out.
    const Time flit_time = transfer_time(kFlitBytes, channel.bandwidth);
    const auto replays = static_cast<Time>(link.replays);
    EXPECT_EQ(link.busy, (static_cast<Time>(link.flits) + replays) * flit_time);
    const Time sent =
        4 * kCycle + static_cast<Time>(link.flits) * flit_time + replays * (flit_time + channel.replay_latency);
    EXPECT_EQ(b.bench.sent.back().arrival, Clock{kCycle}.align(sent + kCycle + channel.latency) + 3 * kCycle);
  }
}

/// Draws belong to flits: who else is on the way, and in which order things are advanced, does not matter.
TEST(FlitNetworkDieToDie, ErrorsAreRepeatable) {
  std::vector<std::uint64_t> replays;
  for (int run = 0; run < 2; ++run) {
    FlitBench b(two_dies(ucie(1e-4)));
    for (int n = 0; n < 500; ++n) {
      b.send(0, 1, 5, n * 10 * kCycle);
      if (run == 1) b.network.advance(b.network.due() + 1);
    }
    b.finish();
    replays.push_back(test::link_named(b.network, kLink).replays);
  }
  EXPECT_GT(replays[0], 0u);
  EXPECT_EQ(replays[0], replays[1]);
}

TEST(FlitNetworkDieToDie, WithoutErrorsNothingIsReplayed) {
  FlitBench b(two_dies(ucie()));
  for (int n = 0; n < 1000; ++n) b.send(0, 1, 5, 0);
  b.finish();
  EXPECT_EQ(test::link_named(b.network, kLink).replays, 0u);
  EXPECT_EQ(test::link_named(b.network, kLink).stalls[static_cast<std::size_t>(Stall::replay)], 0);
}

TEST(FlitNetworkDieToDie, LostLanesLeaveTheirShareOfTheBandwidth) {
  DieToDieParams params = ucie();
  params.lanes_lost = params.spare_lanes + params.width / 4;
  params.lost_at = kMicrosecond;
  const FlitSetup setup = two_dies(params);
  const Channel& channel = setup.topology.links[0].channel;
  ASSERT_LT(channel.degraded_bandwidth, channel.bandwidth);
  FlitBench b(setup);
  constexpr Time kEnd = 2 * kMicrosecond;
  for (int n = 0; n < 20'000; ++n) b.send(0, 1, 1, 0);
  b.network.advance(kEnd);
  std::int64_t before = 0, after = 0;
  constexpr Time kMargin = 20 * kNanosecond;  // on the way when it happens
  for (const auto& s : b.bench.sent) {
    if (s.arrival >= kMargin && s.arrival < params.lost_at) before += kFlitBytes;
    if (s.arrival >= params.lost_at + kMargin && s.arrival < kEnd) after += kFlitBytes;
  }
  const auto per_second = [](std::int64_t bytes, Time time) {
    return static_cast<double>(bytes) * static_cast<double>(kSecond) / static_cast<double>(time);
  };
  const double share = static_cast<double>(lanes_left(params)) / lanes(params);
  EXPECT_LT(share, 0.9);
  EXPECT_NEAR(per_second(before, params.lost_at - kMargin) / static_cast<double>(payload_bandwidth(params)), 1, 0.03);
  EXPECT_NEAR(per_second(after, kEnd - params.lost_at - kMargin) / static_cast<double>(payload_bandwidth(params)),
              share, 0.03 * share);
}

TEST(FlitNetworkDieToDie, ABadLinkRepeatsMostAndALinkThatCorruptsEverythingIsRefused) {
  Channel channel = clocked_channel(8 * kFlitBytes, kCycle);
  channel.bit_error_rate = 0.01;  // 92 % of the flits
  Parts parts = reference_parts(kFlitBytes, kCycle);
  parts.link = channel;
  FlitSetup setup{mesh(2, 1, parts), Routing::dimension_order, {}, {}};
  FlitBench b(setup);
  for (int n = 0; n < 200; ++n) b.send(0, 1, 1, 0);
  b.finish();
  const double p = corrupted_probability(channel.bit_error_rate, 8 * kFlitBytes);
  EXPECT_NEAR(static_cast<double>(test::link_named(b.network, kLink).replays), 200 * p / (1 - p),
              4 * std::sqrt(200 * p) / (1 - p));

  setup.topology.links[0].channel.bit_error_rate = 0.1;
  EXPECT_THROW(FlitBench{setup}, std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::fabric
