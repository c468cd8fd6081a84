// What a network takes and refuses, and what it counts.
#include "fabric/flit_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "support/flit_bench.h"
#include "support/small_networks.h"

namespace cowosim::fabric {
namespace {

using engine::Phase;
using test::FlitBench;
using test::FlitSetup;
using test::kFlitBytes;
using testing::HasSubstr;

constexpr Time kCycle = kNanosecond;

std::string refusal(const FlitSetup& setup) {
  try {
    FlitBench b(setup);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(FlitNetwork, RefusesWhatItCannotHold) {
  const FlitSetup good{mesh(2, 2, reference_parts(kFlitBytes)), Routing::up_down, {}, {}};
  EXPECT_EQ(refusal(good), "");

  FlitSetup bad = good;
  bad.topology.links[0].reverse = 5;
  EXPECT_THAT(refusal(bad), HasSubstr("one-way"));

  bad = good;
  bad.router.buffer_flits = 0;
  EXPECT_THAT(refusal(bad), HasSubstr("buffers of 1 to 65535"));
  bad.router.buffer_flits = 1;
  bad.router.shared_buffer_flits = 65535;
  EXPECT_THAT(refusal(bad), HasSubstr("buffers of 1 to 65535"));

  bad = good;
  bad.router.virtual_channels = 17;
  EXPECT_THAT(refusal(bad), HasSubstr("1 to 16 virtual channels"));

  bad = {crossbar(2049, reference_parts(kFlitBytes)), Routing::shortest_path, {}, {}};
  bad.router.virtual_channels = 16;
  bad.router.buffer_flits = 1;
  EXPECT_THAT(refusal(bad), HasSubstr("2049 ports, with these virtual channels at most 2048"));

  bad = good;
  bad.topology.domains.assign(257, {"", kNanosecond});
  for (std::size_t d = 0; d < 257; ++d) bad.topology.domains[d].name = std::to_string(d);
  EXPECT_THAT(refusal(bad), HasSubstr("at most 256 clocks"));

  bad = good;
  bad.format.flit_bytes = 0;
  EXPECT_THAT(refusal(bad), HasSubstr("flit_bytes above 0"));

  bad = good;
  bad.qos.streams.resize(17);
  EXPECT_THAT(refusal(bad), HasSubstr("at most 16 streams"));
  for (const Qos::Stream& stream :
       {Qos::Stream{8, 1, 0}, Qos::Stream{-1, 1, 0}, Qos::Stream{0, 0, 0}, Qos::Stream{0, 1, -1}}) {
    bad.qos.streams = {stream};
    EXPECT_THAT(refusal(bad), HasSubstr("priorities of 0 to 7, weights of 1 or more, rates of 0 or more"));
  }
}

/// The largest there are: buffers to the last slot.
TEST(FlitNetwork, LargeBuffersKeepCount) {
  for (const int own : {1, 4096}) {
    FlitSetup setup{crossbar(2, reference_parts(kFlitBytes)), Routing::shortest_path, {}, {}};
    setup.router.virtual_channels = 1;
    setup.router.buffer_flits = own;
    setup.router.shared_buffer_flits = 65535 - own;
    // Out goes a flit every three cycles: all of the buffer fills.
    setup.topology.terminals[1].out.bandwidth = bandwidth_of(8 * kFlitBytes, 3 * kCycle);
    FlitBench b(setup);
    const Handle packet = b.send(0, 1, 110'000, 0);
    EXPECT_TRUE(b.finish());
    EXPECT_EQ(b.network.routers()[0].peak_occupancy, 65535u);
    EXPECT_EQ(b.arrival(packet), b.network.unloaded_latency(0, 1, 110'000 * kFlitBytes));
    test::expect_settled(b);
  }
}

TEST(FlitNetwork, APacketForNobodyIsAnError) {
  FlitBench b({crossbar(2, reference_parts(kFlitBytes)), Routing::shortest_path, {}, {}});
  EXPECT_THROW(b.send(0, 2, 1, 0), std::logic_error);
}

TEST(FlitNetwork, CutThroughNeedsRoomForThePacket) {
  FlitSetup setup{crossbar(2, reference_parts(kFlitBytes)), Routing::shortest_path, {}, {}};
  setup.router.switching = "virtual_cut_through";
  setup.router.buffer_flits = 4;
  setup.router.shared_buffer_flits = 2;
  FlitBench b(setup);
  b.send(0, 1, 6, 0);
  EXPECT_TRUE(b.finish());
  test::expect_settled(b);
  try {
    b.send(0, 1, 7, kMicrosecond);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(
        e.what(),
        "net: a packet of 7 flits fits in no buffer (6 flits): virtual_cut_through needs room for the whole packet");
  }
}

/// Header and data, in whole flits; requests carry what is written, responses what is read.
TEST(FlitNetwork, PacketsOfTransactions) {
  FlitSetup setup{crossbar(2, reference_parts(kFlitBytes)), Routing::shortest_path, {}, {}};
  struct Case {
    Op op;
    Phase phase;
    int header;
    std::uint32_t bytes;
    std::uint64_t flits;
  };
  for (const Case& c : {Case{Op::write, Phase::request, 16, 64, 3}, Case{Op::write, Phase::response, 16, 64, 1},
                        Case{Op::write, Phase::retire, 0, 64, 1}, Case{Op::read, Phase::request, 16, 64, 1},
                        Case{Op::read, Phase::response, 0, 64, 2}, Case{Op::read, Phase::response, 1, 64, 3},
                        Case{Op::read, Phase::response, 32, 32, 2}, Case{Op::read, Phase::request, 40, 32, 2}}) {
    setup.format.header_bytes = c.header;
    FlitBench b(setup);
    const Handle packet = b.bench.make(c.op, 0, c.bytes, 0, 3);
    Transaction& tx = b.bench.pools[packet];
    tx.destination = 1;
    b.bench.deliver(0, c.phase, packet, 10 * kCycle, 7);
    EXPECT_EQ(tx.stages.current(), c.phase == Phase::request ? Stage::noc : Stage::return_path);
    EXPECT_EQ(tx.stages[Stage::issue], 10 * kCycle);
    ASSERT_TRUE(b.finish());
    ASSERT_EQ(b.bench.sent.size(), 1u);
    EXPECT_EQ(b.bench.sent[0].port, 1);
    EXPECT_EQ(b.bench.sent[0].phase, c.phase);
    EXPECT_EQ(b.bench.sent[0].count, 7);
    EXPECT_EQ(b.network.flits(), c.flits);
    const bool carries = (c.phase == Phase::request) == (c.op == Op::write);
    EXPECT_EQ(b.bench.sent[0].arrival - 10 * kCycle, b.network.unloaded_latency(0, 1, carries ? c.bytes : 0));
    EXPECT_EQ(b.network.journal().count(), 1u);
    test::expect_settled(b);
  }
}

/// Responses have VCs of their own: requests that are stuck do not hold them up.
TEST(FlitNetwork, VirtualNetworksDoNotBlockEachOther) {
  FlitSetup setup{mesh(2, 1, reference_parts(kFlitBytes)), Routing::dimension_order, {}, {}};
  setup.router.virtual_channels = 1;
  setup.router.buffer_flits = 2;
  FlitBench b(setup);
  for (int n = 0; n < 5; ++n) b.send(0, 1, 100, 0);
  const Handle response = b.send(0, 1, 1, 20 * kCycle, 0, Phase::response);
  ASSERT_TRUE(b.finish());
  EXPECT_LT(b.arrival(response), (20 + 2 * b.network.unloaded_latency(0, 1, kFlitBytes) / kCycle) * kCycle);
  test::expect_settled(b);
}

/// Three routers in a row, one packet of four flits from end to end.
TEST(FlitNetwork, Counters) {
  Parts parts = reference_parts(kFlitBytes);
  parts.link.energy_per_bit = 0.5;
  FlitBench b({mesh(3, 1, parts), Routing::dimension_order, {}, {}});
  b.send(0, 2, 4, 0);
  ASSERT_TRUE(b.finish());
  EXPECT_EQ(b.network.packets(), 1u);
  EXPECT_EQ(b.network.flits(), 4u);
  EXPECT_EQ(b.network.hops(), 3u);
  EXPECT_EQ(b.network.packet_latency().count(), 1u);
  const Network::LinkCounters link = test::link_named(b.network, "router_1_router_2");
  EXPECT_EQ(link.kind, "mesh");
  EXPECT_EQ(link.packets, 1u);
  EXPECT_EQ(link.flits, 4u);
  EXPECT_EQ(link.bytes, 4u * kFlitBytes);
  EXPECT_EQ(link.busy, 4 * kCycle);
  EXPECT_EQ(link.bandwidth, bandwidth_of(8 * kFlitBytes, kCycle));
  EXPECT_DOUBLE_EQ(link.energy, 4 * 8 * kFlitBytes * 0.5);
  EXPECT_EQ(test::link_named(b.network, "router_2_router_1").flits, 0u);
  EXPECT_EQ(b.network.links().size(), 4u + 2 * 3);
  for (const Network::RouterCounters& router : b.network.routers()) {
    EXPECT_EQ(router.flits, 4u);
    EXPECT_EQ(router.buffer_slots, (router.name == "router_1" ? 3u : 2u) * 2 * 4 * 8);
    // The head stays for routing and VC allocation, two cycles; the others wait behind it as long.
    EXPECT_EQ(router.occupancy_cycles, 4 * 2);
    EXPECT_EQ(router.peak_occupancy, 2u + 1u);
    EXPECT_EQ(router.period, kCycle);
  }
  EXPECT_EQ(b.network.blame_classes(), 3u);
  EXPECT_EQ(b.network.blame_class_name(1), "router_1");
  const cowosim::test::StatValues stats(b.network);
  EXPECT_EQ(stats["packets"], 1);
  EXPECT_EQ(stats["link.router_0_router_1.flits"], 4);
  EXPECT_EQ(stats["link.router_0_router_1.stall_no_credit"], 0);
  EXPECT_EQ(stats["link.router_1_router_0.flits"], -1);  // nothing was there
  EXPECT_EQ(stats["router.router_2.buffered"], 8);
}

}  // namespace
}  // namespace cowosim::fabric
