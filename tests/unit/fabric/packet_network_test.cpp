#include "fabric/packet_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "core/random.h"
#include "fabric/flit/flit_network.h"
#include "fabric/topology/topologies.h"
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

Channel channel(std::int64_t bandwidth, Time latency) {
  Channel made;
  made.bandwidth = bandwidth;
  made.latency = latency;
  return made;
}

PacketFormat header(int bytes) {
  PacketFormat format;
  format.header_bytes = bytes;
  return format;
}

/// `per_side` terminals on each of two routers.
Topology two_sides(int per_side) {
  Topology t;
  t.kinds = {"crossing"};
  t.routers = {{"left"}, {"right"}};
  t.links = {{"crossing_0_1", 0, 1, 1, 0, channel(kCrossingRate, kCrossingLatency)},
             {"crossing_1_0", 1, 0, 0, 0, channel(kCrossingRate, kCrossingLatency)}};
  const Channel end = channel(kTerminalRate, kTerminalLatency);
  for (int i = 0; i < 2 * per_side; ++i) t.terminals.push_back({"t" + std::to_string(i), i / per_side, end, end});
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
      for (const Op op : {Op::read, Op::write, Op::multicast, Op::reduce, Op::all_reduce}) {
        for (const bool response : {false, true}) {
          PacketNetwork network(two_sides(2), header(kHeader));
          HeartBench bench(network, 3 * kNanosecond);
          const Handle handle = bench.make(op, 0, data, 0);
          send(bench, 0, far ? 2 : 1, response ? Phase::response : Phase::request, handle, 100 * kNanosecond);
          const bool carries = op == Op::all_reduce || (op == Op::read) == response;
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
  PacketNetwork network(two_sides(3), header(kHeader));
  Time least = kNever;
  for (int a = 0; a < 6; ++a) {
    for (int b = 0; b < 6; ++b) {
      if (a != b) least = std::min(least, network.unloaded_latency(a, b, 0));
    }
  }
  EXPECT_EQ(network.output_pipeline(0), least);
}

TEST(PacketNetwork, InjectionLinkLimitsOneSource) {
  PacketNetwork network(two_sides(2), header(kHeader));
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
  PacketNetwork network(two_sides(4), header(kHeader));
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
  PacketNetwork network(two_sides(2), header(kHeader));
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
  PacketNetwork network(two_sides(2), header(kHeader));
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
  PacketNetwork network(two_sides(2), header(kHeader));
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
  PacketNetwork network(two_sides(4), header(kHeader));
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
    hops += from / 4 == to / 4 ? 1 : 2;
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

TEST(PacketNetwork, ShortestPathOverSeveralRouters) {
  Topology t;  // 0 - 1 - 2 - 3 and a shortcut 0 - 3 that is slower but shorter
  t.kinds = {"chain", "shortcut"};
  for (int i = 0; i < 4; ++i) t.routers.push_back({"r" + std::to_string(i)});
  const auto join = [&](int from, int to, int kind, const Channel& forward, const Channel& back) {
    const int next = static_cast<int>(t.links.size());
    t.links.push_back({"", from, to, next + 1, kind, forward});
    t.links.push_back({"", to, from, next, kind, back});
  };
  const Channel hop = channel(kTerminalRate, kNanosecond);
  for (int i = 0; i < 3; ++i) join(i, i + 1, 0, hop, hop);
  join(0, 3, 1, channel(kTerminalRate / 10, 50 * kNanosecond), channel(kTerminalRate, 2 * kNanosecond));
  name_links(t);
  for (int i = 0; i < 4; ++i)
    t.terminals.push_back({"t" + std::to_string(i), i, channel(kTerminalRate, 0), channel(kTerminalRate, 0)});
  PacketNetwork network(t, header(10));
  EXPECT_EQ(network.unloaded_latency(0, 2, 0), 2 * kNanosecond + 10 * 10'000);
  EXPECT_EQ(network.unloaded_latency(0, 3, 0), 50 * kNanosecond + 10 * 100'000) << "the slowest link counts, once";
  EXPECT_EQ(network.unloaded_latency(3, 0, 0), 2 * kNanosecond + 10 * 10'000);
}

TEST(PacketNetwork, MeshRoutesInDimensionOrder) {
  PacketNetwork network(mesh(3, 3, reference_parts(32)), header(32));
  HeartBench bench(network);
  const Handle handle = bench.make(Op::read, 0, 32, 0);
  send(bench, 0, 8, Phase::request, handle, 0);
  std::vector<std::string> passed;
  for (const auto& link : network.links())
    if (link.packets > 0) passed.push_back(link.name);
  EXPECT_EQ(passed, (std::vector<std::string>{"requests.terminal_0.in", "requests.terminal_8.out",
                                              "requests.router_0_router_1", "requests.router_1_router_2",
                                              "requests.router_2_router_5", "requests.router_5_router_8"}));
  bench.release(handle);
}

TEST(PacketNetwork, WithPipelinesALonePacketTakesWhatFlitsTake) {
  constexpr int kFlit = 32;
  for (const double frequency : {1e9, 1.755e9}) {
    const Time cycle = period_of(frequency);
    for (const int header_bytes : {0, 8, kFlit}) {
      const RouterParams router;
      PacketFormat format = header(header_bytes);
      format.flit_bytes = kFlit;
      const Topology topology = mesh(8, 8, reference_parts(kFlit, cycle));
      PacketNetwork network(topology, format, &router);
      const FlitNetwork same_in_flits(
          topology, Routes(topology, Ports(topology), Routing::dimension_order, router.virtual_channels), router,
          format);
      EXPECT_EQ(network.output_pipeline(0), (5 + 2) * cycle) << "to oneself, one flit";
      for (int from = 0; from < 64; ++from) {
        for (int to = 0; to < 64; ++to) {
          for (const std::uint32_t data : {0u, 32u, 128u}) {
            const int routers = std::abs(from % 8 - to % 8) + std::abs(from / 8 - to / 8) + 1;
            const int flits = std::max((header_bytes + static_cast<int>(data) + kFlit - 1) / kFlit, 1);
            ASSERT_EQ(network.unloaded_latency(from, to, data), (5 * routers + 2 + (flits - 1)) * cycle)
                << from << " " << to << " " << data;
            ASSERT_EQ(network.unloaded_latency(from, to, data), same_in_flits.unloaded_latency(from, to, data));
          }
        }
      }
      HeartBench bench(network);
      const Handle handle = bench.make(Op::read, 0, 128, 0);
      send(bench, 0, 63, Phase::response, handle, 0);
      EXPECT_EQ(bench.sent.back().arrival, network.unloaded_latency(0, 63, 128));
      bench.release(handle);
    }
  }
}

TEST(PacketNetwork, PipelinesAndCrossingsAreInTheirClocks) {
  Topology t = mesh(3, 1, reference_parts(32));
  t.domains.push_back({"slow", 2 * kNanosecond});
  t.routers[1].domain = 1;
  RouterParams router;
  router.routing_cycles = 3;
  router.crossing_cycles = 5;
  PacketNetwork network(t, header(32), &router);
  // In, two links and out of a cycle each; pipelines of 6 cycles; into the slow clock and out of it 5 of the receiver's; one flit.
  EXPECT_EQ(network.unloaded_latency(0, 2, 0), (4 + 6 + 2 * 6 + 6 + 2 * 5 + 5 + 1) * kNanosecond);
  EXPECT_EQ(network.unloaded_latency(0, 0, 0), (2 + 6 + 1) * kNanosecond);
}

TEST(PacketNetwork, TheLeastLatencyMayBeOfAnyPair) {
  // Terminals that are quick into the network are slow out of it, and the other way round: none is quick to itself.
  Topology t = two_sides(1);
  t.terminals[0].out.latency = 100 * kNanosecond;
  t.terminals[1].in.latency = 100 * kNanosecond;
  PacketNetwork network(t, header(kHeader));
  EXPECT_EQ(network.output_pipeline(0), network.unloaded_latency(0, 1, 0));
  EXPECT_LT(network.output_pipeline(0), network.unloaded_latency(0, 0, 0));
}

TEST(PacketNetwork, ThousandRoutersAreJoinedAtOnce) {
  PacketNetwork network(torus(32, 32, reference_parts(32)), header(32));
  EXPECT_EQ(network.unloaded_latency(0, 16 + 32 * 16, 0), (2 + 32 + 1) * kNanosecond) << "half way round in both";
  EXPECT_EQ(network.unloaded_latency(5, 5 + 32 * 31, 0), (2 + 1 + 1) * kNanosecond) << "the short way round";
}

TEST(PacketNetwork, StagesAndEnergyAreThoseGiven) {
  Topology t = two_sides(1);
  t.links[0].channel.energy_per_bit = 0.5;
  PacketFormat format = header(kHeader);
  format.requests = Stage::fabric;
  format.responses = Stage::d2d;
  PacketNetwork network(t, format);
  HeartBench bench(network);
  const Handle handle = bench.make(Op::write, 0, 64, 0);
  send(bench, 0, 1, Phase::request, handle, 0);
  EXPECT_EQ(bench.pools[handle].stages.current(), Stage::fabric);
  send(bench, 1, 0, Phase::response, handle, bench.sent.back().arrival);
  EXPECT_EQ(bench.pools[handle].stages.current(), Stage::d2d);
  double energy = 0;
  for (const auto& link : network.links()) {
    energy += link.energy;
    if (link.name == "requests.crossing_0_1") {
      EXPECT_EQ(link.energy, 0.5 * 8 * (kHeader + 64));
    }
  }
  EXPECT_EQ(energy, 0.5 * 8 * (kHeader + 64)) << "responses take the other link";
  bench.release(handle);
}

TEST(PacketNetwork, RejectsWhatCannotWork) {
  EXPECT_THROW(PacketNetwork(Topology(), header(kHeader)), std::invalid_argument);
  Topology apart = two_sides(1);
  apart.links.pop_back();
  EXPECT_THROW(PacketNetwork(apart, header(kHeader)), std::invalid_argument);
  Topology nowhere = two_sides(1);
  nowhere.terminals[0].router = 2;
  EXPECT_THROW(PacketNetwork(nowhere, header(kHeader)), std::invalid_argument);
  Topology still = two_sides(1);
  still.links[0].channel.bandwidth = 0;
  EXPECT_THROW(PacketNetwork(still, header(kHeader)), std::invalid_argument);
  EXPECT_THROW(PacketNetwork(two_sides(1), header(-1)), std::invalid_argument);
  PacketFormat format;
  format.flit_bytes = 0;
  EXPECT_THROW(PacketNetwork(two_sides(1), format), std::invalid_argument);
  EXPECT_NO_THROW(PacketNetwork(two_sides(1), header(kHeader)));
}

}  // namespace
}  // namespace cowosim::fabric
