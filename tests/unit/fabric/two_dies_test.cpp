// From the entries of a platform file to flits that cross from one die to another.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/time.h"
#include "fabric/fabric_params.h"
#include "fabric/flit/flit_network.h"
#include "support/heart_bench.h"

namespace cowosim::fabric {
namespace {

using engine::Phase;
using test::HeartBench;

constexpr int kFlitBytes = 256;

/// Two dies of 2 x 2 routers at 1 GHz, 1 mm apart; their lower rows meet over one module of UCIe advanced at 32 GT/s:
/// west_1 - east_0. Terminal 4 d + r is at router r of die d.
FabricParams two_dies() {
  FabricParams p;
  p.topology = "custom";
  p.flit_bytes = kFlitBytes;
  DieToDieParams ucie("ucie_advanced");
  ucie.name = "ucie";
  p.die_to_die = {ucie};
  for (const std::string die : {"west", "east"}) {
    DieOutline outline;
    outline.name = die;
    outline.x = die == "west" ? 0 : 11;
    outline.width = outline.height = 10;
    p.dies.push_back(outline);
    for (int r = 0; r < 4; ++r) {
      const std::string name = die + "_" + std::to_string(r);
      p.routers.push_back({name, outline.x + 2.5 + 5 * (r % 2), 2.5 + 5.0 * (r / 2), "", die});
      p.terminals.push_back({"t_" + name, name});
    }
    for (const auto& [from, to] : {std::pair{"_0", "_1"}, {"_0", "_2"}, {"_1", "_3"}, {"_2", "_3"}}) {
      FabricLink wires;
      wires.from = die + from;
      wires.to = die + to;
      wires.name = wires.from + to;
      p.links.push_back(wires);
    }
  }
  FabricLink bridge;
  bridge.name = "bridge";
  bridge.from = "west_1";
  bridge.to = "east_0";
  bridge.die_to_die = "ucie";
  p.links.push_back(bridge);
  return p;
}

FlitNetwork network_of(const FabricParams& p) {
  const Topology topology = make_topology(p);
  const Ports ports(topology);
  return FlitNetwork(topology, Routes(topology, ports, p.routing_algorithm(), p.router.virtual_channels), p.router,
                     p.format());
}

Handle write(HeartBench& bench, int from, int to, int flits) {
  const Handle handle = bench.make(Op::write, 0, static_cast<std::uint32_t>(flits * kFlitBytes), 0);
  bench.pools[handle].destination = static_cast<std::uint16_t>(to);
  bench.deliver(from, Phase::request, handle, 0);
  return handle;
}

Network::LinkCounters bridge_of(const FlitNetwork& network) {
  const auto links = network.links();
  return *std::find_if(links.begin(), links.end(), [](const auto& link) { return link.name == "west_1_east_0"; });
}

TEST(TwoDies, UnloadedLatencyIsTheSumOfTheWay) {
  FabricParams p = two_dies();
  p.router.buffer_flits = 16;  // a VC's own: covers the way of its credits back over the bridge
  ASSERT_TRUE(problems(p).empty());
  // A flit of 256 bytes at 236 GB/s: 1084746 fs. Through the link: 2 ns of PHYs and adapters and 6588 fs of light on
  // 1 mm; the CRC's 256 bytes at 256 GB/s are there before the flit's last bit.
  constexpr Time kFlit = 1'084'746;
  constexpr Time kThrough = 2'006'588;
  const auto cycles_across = [](int flits) {  // of the last one: switch traversal, serialisation, the link
    return (kNanosecond + flits * kFlit + kThrough + kNanosecond - 1) / kNanosecond;
  };
  struct Case {
    int from, to, before, after;  // routers in front of west_1, and from east_0 on
  };
  for (const Case& c : {Case{1, 4, 0, 1}, {0, 5, 1, 2}, {2, 7, 2, 3}}) {
    for (const int flits : {1, 5, 20, 60}) {
      // To the router 2 cycles, 5 in each router with the link behind it, 2 of route and VC at the bridge.
      const Time granted = 2 + 5 * c.before + 2;
      // Flits follow the head in the cycles after it, or come late from the bridge and then need 3 a router.
      const Time head = granted + cycles_across(1) + 5 * c.after;
      const Time late = granted + cycles_across(flits) + 3 * c.after;
      const Time expected = std::max(head + flits - 1, late) * kNanosecond;
      FlitNetwork network = network_of(p);
      EXPECT_EQ(network.unloaded_latency(c.from, c.to, static_cast<std::uint32_t>(flits * kFlitBytes)), expected)
          << c.from << " to " << c.to << ", " << flits << " flits";
      HeartBench bench(network);
      const Handle handle = write(bench, c.from, c.to, flits);
      network.advance(kMicrosecond);
      ASSERT_EQ(bench.sent.size(), 1u);
      EXPECT_EQ(bench.sent[0].arrival, expected) << c.from << " to " << c.to << ", " << flits << " flits";
      bench.release(handle);
    }
  }
}

TEST(TwoDies, WithinADieTheBridgeIsNotSeen) {
  const FlitNetwork network = network_of(two_dies());
  EXPECT_EQ(network.unloaded_latency(0, 3, kFlitBytes), (5 * 3 + 2) * kNanosecond);
}

/// Bytes per second over the bridge while all of one die send to the other.
double saturated(const FabricParams& p) {
  FlitNetwork network = network_of(p);
  HeartBench bench(network);
  constexpr int kPackets = 1000;  // each terminal: 20 us of the bridge
  std::vector<Handle> handles;
  for (int i = 0; i < kPackets; ++i) {
    for (int from = 0; from < 4; ++from) handles.push_back(write(bench, from, 4 + (from + i) % 4, 5));
  }
  constexpr Time kFrom = 2 * kMicrosecond, kTo = 12 * kMicrosecond;
  network.advance(kFrom);
  const std::uint64_t before = bridge_of(network).bytes;
  network.advance(kTo);
  const std::uint64_t after = bridge_of(network).bytes;
  network.advance(kMillisecond);
  EXPECT_EQ(bench.sent.size(), handles.size());
  EXPECT_EQ(bridge_of(network).bytes, handles.size() * 5 * kFlitBytes);
  EXPECT_TRUE(bench.violations().empty());
  for (const Handle handle : handles) bench.release(handle);
  return static_cast<double>(after - before) * static_cast<double>(kSecond) / static_cast<double>(kTo - kFrom);
}

TEST(TwoDies, SaturatedBridgesCarryTheirPayloadBandwidth) {
  FabricParams p = two_dies();
  EXPECT_NEAR(saturated(p), 236e9, 2.36e9);
  p.die_to_die[0].data_rate = 16e9;
  p.die_to_die[0].take_defaults();
  EXPECT_NEAR(saturated(p), 118e9, 1.18e9);
}

TEST(TwoDies, BridgesThatLostLanesCarryWhatIsLeft) {
  FabricParams p = two_dies();
  p.die_to_die[0].lanes_lost = p.die_to_die[0].spare_lanes + 16;
  p.die_to_die[0].lost_at = kMicrosecond;
  EXPECT_NEAR(saturated(p), 177e9, 1.77e9) << "48 of 64 lanes";
  const Network::LinkCounters bridge = bridge_of(network_of(p));
  EXPECT_EQ(bridge.kind, "ucie");
  EXPECT_EQ(bridge.bandwidth, 236'000'000'000);
  EXPECT_EQ(bridge.degraded_at, kMicrosecond);
  EXPECT_EQ(bridge.degraded_bandwidth, 177'000'000'000);
  EXPECT_EQ(bridge_of(network_of(two_dies())).degraded_at, kNever);
}

}  // namespace
}  // namespace cowosim::fabric
