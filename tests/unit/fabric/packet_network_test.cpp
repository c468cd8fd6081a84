#include "fabric/packet_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "core/parameter_visitor.h"
#include "core/random.h"
#include "support/heart_bench.h"

namespace cowosim::fabric {
namespace {

using engine::Phase;
using test::HeartBench;

// Round numbers: 1 byte takes 10 ps on a terminal's link, 5 ps on the crossing.
constexpr std::int64_t kTerminalRate = 100'000'000'000;
constexpr std::int64_t kCrossingRate = 200'000'000'000;
constexpr Time kTerminalLatency = 8 * kNanosecond;
constexpr Time kCrossingLatency = 12 * kNanosecond;
constexpr int kHeader = 16;

/// `per_side` terminals on each of two nodes.
PacketTopology two_sides(int per_side) {
  PacketTopology t;
  t.nodes = 2;
  t.kinds = {"crossing"};
  t.links = {{0, 1, kCrossingRate, kCrossingLatency, 0}, {1, 0, kCrossingRate, kCrossingLatency, 0}};
  for (int i = 0; i < 2 * per_side; ++i) {
    t.terminals.push_back({"t" + std::to_string(i), i / per_side, kTerminalRate, kTerminalLatency});
  }
  return t;
}

void send(HeartBench& bench, int from, int to, Phase phase, Handle handle, Time t) {
  bench.pools[handle].destination = static_cast<std::uint16_t>(to);
  bench.deliver(from, phase, handle, t);
}

Time all_blame(const PacketNetwork& network) {
  Time sum = 0;
  for (std::size_t c = 0; c < network.blame_classes(); ++c) {
    for (std::size_t v = 0; v < kMaxStreams; ++v) {
      for (std::size_t h = 0; h < telemetry::kHolders; ++h) {
        sum += network.blame(c).wait(static_cast<StreamId>(v), static_cast<telemetry::Holder>(h));
      }
    }
  }
  return sum;
}

Time all_waits(const PacketNetwork& network) {
  Time sum = 0;
  for (const auto& link : network.links()) sum += link.wait;
  return sum;
}

TEST(PacketNetwork, UnloadedLatencyIsClosedForm) {
  for (const bool far : {false, true}) {
    for (const std::uint32_t data : {32u, 64u, 512u}) {
      for (const bool write : {false, true}) {
        for (const bool response : {false, true}) {
          PacketNetwork network(two_sides(2), kHeader);
          HeartBench bench(network, 3 * kNanosecond);
          const Handle handle = bench.make(write ? Op::write : Op::read, 0, data, 0);
          send(bench, 0, far ? 2 : 1, response ? Phase::response : Phase::request, handle, 100 * kNanosecond);
          const bool carries = write != response;  // write requests and read responses
          const Time bytes = kHeader + (carries ? data : 0);
          const Time expected = 2 * kTerminalLatency + (far ? kCrossingLatency : 0) + bytes * 10'000;
          ASSERT_EQ(bench.sent.size(), 1u);
          EXPECT_EQ(bench.sent[0].arrival, 100 * kNanosecond + expected + 3 * kNanosecond);
          EXPECT_EQ(bench.sent[0].port, far ? 2 : 1);
          EXPECT_EQ(network.unloaded_latency(0, far ? 2 : 1, carries ? data : 0), expected);
          const Transaction& tx = bench.pools[handle];
          EXPECT_EQ(tx.stages.current(), response ? Stage::return_path : Stage::noc);
          EXPECT_EQ(tx.stages[Stage::issue], 100 * kNanosecond);
          bench.release(handle);
          EXPECT_EQ(bench.pools.live(), 0u);
        }
      }
    }
  }
}

TEST(PacketNetwork, LeastDelayHoldsForEveryPair) {
  PacketNetwork network(two_sides(3), kHeader);
  Time least = kNever;
  for (int a = 0; a < 6; ++a) {
    for (int b = 0; b < 6; ++b) {
      if (a != b) least = std::min(least, network.unloaded_latency(a, b, 0));
    }
  }
  EXPECT_EQ(network.output_pipeline(0), least);
}

TEST(PacketNetwork, InjectionLinkLimitsOneSource) {
  PacketNetwork network(two_sides(2), kHeader);
  HeartBench bench(network);
  constexpr int kPackets = 50;
  for (int i = 0; i < kPackets; ++i) send(bench, 0, i % 3 + 1, Phase::response, bench.make(Op::read, 0, 64, 0), 0);
  Time last = 0;
  for (const auto& s : bench.sent) last = std::max(last, s.arrival);
  const Time each = (kHeader + 64) * 10'000;
  // The last packet (to terminal 2, across) starts after 49 others on the injection link and meets nobody after it.
  EXPECT_EQ(last, (kPackets - 1) * each + network.unloaded_latency(0, 2, 64));
  const auto links = network.links();
  const auto in = std::find_if(links.begin(), links.end(), [](const auto& l) { return l.name == "responses.t0.in"; });
  ASSERT_NE(in, links.end());
  EXPECT_EQ(in->bytes, kPackets * 80u);
  EXPECT_EQ(in->busy, kPackets * each);
  EXPECT_EQ(in->wait, each * kPackets * (kPackets - 1) / 2);
  EXPECT_EQ(in->peak_wait, each * (kPackets - 1));
  bench.release_all();
  EXPECT_EQ(bench.pools.live(), 0u);
}

TEST(PacketNetwork, EjectionLinkLimitsManySources) {
  PacketNetwork network(two_sides(4), kHeader);
  HeartBench bench(network);
  constexpr int kRounds = 20;
  for (int i = 0; i < kRounds; ++i) {
    for (int source = 1; source < 4; ++source) {
      send(bench, source, 0, Phase::response, bench.make(Op::read, 0, 64, 0), 0);
    }
  }
  std::vector<Time> arrivals;
  for (const auto& s : bench.sent) arrivals.push_back(s.arrival);
  std::sort(arrivals.begin(), arrivals.end());
  const Time each = (kHeader + 64) * 10'000;
  EXPECT_EQ(arrivals.front(), network.unloaded_latency(1, 0, 64));
  for (std::size_t i = 1; i < arrivals.size(); ++i) EXPECT_EQ(arrivals[i] - arrivals[i - 1], each);
  bench.release_all();
}

TEST(PacketNetwork, ALateReservationLeavesItsGapToOthers) {
  PacketNetwork network(two_sides(2), kHeader);
  HeartBench bench(network);
  // Terminal 1 is sent a packet that must first wait 20 packets long at terminal 0's injection link ...
  for (int i = 0; i < 20; ++i) send(bench, 0, 2, Phase::response, bench.make(Op::read, 0, 512, 0), 0);
  send(bench, 0, 1, Phase::response, bench.make(Op::read, 0, 512, 0), 0);
  // ... and one from terminal 2 that meets nobody before it.
  send(bench, 2, 1, Phase::response, bench.make(Op::read, 0, 512, 0), 0);
  EXPECT_EQ(bench.sent.back().arrival, network.unloaded_latency(2, 1, 512));
  bench.release_all();
}

TEST(PacketNetwork, RequestsAndResponsesDoNotMeet) {
  PacketNetwork network(two_sides(2), kHeader);
  HeartBench bench(network);
  for (int i = 0; i < 100; ++i) send(bench, 0, 1, Phase::response, bench.make(Op::read, 0, 512, 0), 0);
  const Handle request = bench.make(Op::read, 0, 64, 0);
  send(bench, 0, 1, Phase::request, request, 0);
  EXPECT_EQ(bench.sent.back().arrival, network.unloaded_latency(0, 1, 0));
  bench.release(request);
  bench.release_all();
  EXPECT_EQ(bench.pools.live(), 0u);
}

TEST(PacketNetwork, WaitIsBlamedOnWhoeverIsAhead) {
  PacketNetwork network(two_sides(2), kHeader);
  HeartBench bench(network);
  const Time each = (kHeader + 64) * 10'000;
  send(bench, 0, 1, Phase::response, bench.make(Op::read, 0, 64, 0, 1), 0);
  send(bench, 0, 1, Phase::response, bench.make(Op::read, 0, 64, 0, 1), 0);
  send(bench, 0, 1, Phase::response, bench.make(Op::read, 0, 64, 0, 2), each / 2);
  std::size_t injection = network.blame_classes();
  for (std::size_t c = 0; c < network.blame_classes(); ++c) {
    if (network.blame_class_name(c) == "responses.injection") injection = c;
  }
  ASSERT_LT(injection, network.blame_classes());
  EXPECT_EQ(network.blame(injection).wait(1, 1), each);
  EXPECT_EQ(network.blame(injection).wait(2, 1), 2 * each - each / 2);
  EXPECT_EQ(network.blame(injection).wait(1, 2), 0);
  bench.release_all();
}

TEST(PacketNetwork, RandomTrafficKeepsItsBooks) {
  PacketNetwork network(two_sides(4), kHeader);
  HeartBench bench(network);
  SplitMix64 random(7);
  Time now = 0;
  std::uint64_t hops = 0;
  std::vector<Time> entered, least;
  for (int i = 0; i < 5000; ++i) {
    now += static_cast<Time>(bounded(random.next(), 200'000));
    const auto from = static_cast<int>(bounded(random.next(), 8));
    const auto to = static_cast<int>(bounded(random.next(), 8));
    const auto bytes = static_cast<std::uint32_t>(32 * (1 + bounded(random.next(), 16)));
    const auto stream = static_cast<StreamId>(bounded(random.next(), 3));
    const Handle handle = bench.make(Op::read, 0, bytes, now, stream);
    send(bench, from, to, Phase::response, handle, now);
    EXPECT_GE(bench.sent.back().arrival, now + network.unloaded_latency(from, to, bytes));
    hops += from / 4 == to / 4 ? 2 : 3;
    Transaction& tx = bench.pools[handle];
    tx.stages.enter(Stage::return_path, bench.sent.back().arrival);
    EXPECT_EQ(tx.stages[Stage::return_path], bench.sent.back().arrival - now);
  }
  EXPECT_EQ(network.packets(), 5000u);
  EXPECT_EQ(network.hops(), hops);
  EXPECT_GT(all_waits(network), 0);
  EXPECT_EQ(all_blame(network), all_waits(network));
  Time end = 0;
  for (const auto& s : bench.sent) end = std::max(end, s.arrival);
  for (const auto& link : network.links()) {
    EXPECT_LE(link.busy, end) << link.name;
    EXPECT_GE(link.busy, transfer_time(static_cast<std::int64_t>(link.bytes), link.bandwidth)) << link.name;
  }
  EXPECT_EQ(network.due(), kNever);
  bench.release_all();
  EXPECT_EQ(bench.pools.live(), 0u);
}

TEST(PacketNetwork, ShortestPathOverSeveralNodes) {
  PacketTopology t;  // 0 -> 1 -> 2 -> 3 and a shortcut 0 -> 3 that is slower but shorter
  t.nodes = 4;
  t.kinds = {"chain", "shortcut"};
  for (int i = 0; i < 3; ++i) {
    t.links.push_back({i, i + 1, kTerminalRate, kNanosecond, 0});
    t.links.push_back({i + 1, i, kTerminalRate, kNanosecond, 0});
  }
  t.links.push_back({0, 3, kTerminalRate / 10, 50 * kNanosecond, 1});
  for (int i = 0; i < 4; ++i) t.terminals.push_back({"t" + std::to_string(i), i, kTerminalRate, 0});
  PacketNetwork network(t, 10);
  EXPECT_EQ(network.unloaded_latency(0, 2, 0), 2 * kNanosecond + 10 * 10'000);
  EXPECT_EQ(network.unloaded_latency(0, 3, 0), 50 * kNanosecond + 10 * 100'000) << "the slowest link counts, once";
  EXPECT_EQ(network.unloaded_latency(3, 0, 0), 3 * kNanosecond + 10 * 10'000);
}

TEST(PacketNetwork, RejectsWhatCannotWork) {
  EXPECT_THROW(PacketNetwork(PacketTopology(), kHeader), std::invalid_argument);
  PacketTopology apart = two_sides(1);
  apart.links.pop_back();
  EXPECT_THROW(PacketNetwork(apart, kHeader), std::invalid_argument);
  PacketTopology nowhere = two_sides(1);
  nowhere.terminals[0].node = 2;
  EXPECT_THROW(PacketNetwork(nowhere, kHeader), std::invalid_argument);
  PacketTopology still = two_sides(1);
  still.links[0].bandwidth = 0;
  EXPECT_THROW(PacketNetwork(still, kHeader), std::invalid_argument);
  EXPECT_THROW(crossbar(CrossbarParams(), 2, {{"core_0", 2, false}}), std::invalid_argument);
  EXPECT_NO_THROW(PacketNetwork(two_sides(1), kHeader));
}

TEST(PacketNetwork, CrossbarFollowsItsParameters) {
  CrossbarParams p;
  const PacketTopology t = crossbar(p, 2, {{"core_0", 0, false}, {"slice_0", 0, true}, {"slice_1", 1, true}});
  EXPECT_EQ(t.nodes, 2);
  EXPECT_EQ(t.links.size(), 2u);
  EXPECT_EQ(t.terminals[0].bandwidth, static_cast<std::int64_t>(p.frequency * p.core_bytes_per_cycle));
  EXPECT_EQ(t.terminals[1].bandwidth, static_cast<std::int64_t>(p.frequency * p.slice_bytes_per_cycle));
  PacketNetwork network(t, p.header_bytes);
  EXPECT_EQ(network.unloaded_latency(0, 2, 0) - network.unloaded_latency(0, 1, 0), p.crossing_latency);
  for (const ParameterInfo& info : describe(p)) {
    EXPECT_FALSE(info.source.empty()) << info.path;
    EXPECT_FALSE(info.doc.empty()) << info.path;
  }
}

}  // namespace
}  // namespace cowosim::fabric
