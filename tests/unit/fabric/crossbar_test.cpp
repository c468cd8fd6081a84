#include "fabric/topology/crossbar.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <stdexcept>

#include "core/parameter_visitor.h"
#include "fabric/flit/flit_network.h"
#include "fabric/packet_network.h"

namespace cowosim::fabric {
namespace {

using testing::HasSubstr;

const std::vector<CrossbarTerminal> kTerminals = {
    {"core_0", 0, false}, {"slice_0", 0, true}, {"slice_1", 1, true}, {"core_1", 1, false}};

CrossbarParams flit_params() {
  CrossbarParams p;
  p.precision = "flit";
  return p;
}

TEST(Crossbar, FollowsItsParameters) {
  const CrossbarParams p;
  const Topology t = crossbar(p, 2, kTerminals);
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.routers.size(), 2u);
  ASSERT_EQ(t.links.size(), 2u);
  EXPECT_EQ(t.links[0].name, "crossing_0_1");
  EXPECT_EQ(t.terminals[0].in.bandwidth, static_cast<std::int64_t>(p.frequency * p.core_bytes_per_cycle));
  EXPECT_EQ(t.terminals[1].out.bandwidth, static_cast<std::int64_t>(p.frequency * p.slice_bytes_per_cycle));
  const PacketNetwork network(t, p.format());
  EXPECT_EQ(network.unloaded_latency(0, 2, 0) - network.unloaded_latency(0, 1, 0), p.crossing_latency);
  for (const ParameterInfo& info : describe(p)) {
    EXPECT_FALSE(info.source.empty()) << info.path;
    EXPECT_FALSE(info.doc.empty()) << info.path;
  }
}

TEST(Crossbar, EveryPairOfPartitionsIsJoined) {
  for (CrossbarParams p : {CrossbarParams(), flit_params()}) {
    for (int partitions = 1; partitions <= 4; ++partitions) {
      std::vector<CrossbarTerminal> terminals;
      for (int i = 0; i < partitions; ++i) terminals.push_back({"core_" + std::to_string(i), i, false});
      const Topology t = crossbar(p, partitions, terminals);
      EXPECT_TRUE(problems(t).empty()) << partitions;
      const int each = p.flits() ? 16 : 1;
      EXPECT_EQ(t.links.size(), static_cast<std::size_t>(partitions * (partitions - 1) * each));
    }
  }
}

TEST(Crossbar, FlitsCrossOnLinksSideBySide) {
  const CrossbarParams p = flit_params();
  const Topology t = crossbar(p, 2, kTerminals);
  ASSERT_EQ(t.links.size(), 32u);
  EXPECT_EQ(t.links[0].name, "crossing_0_1_0");
  EXPECT_EQ(t.links[31].name, "crossing_1_0_15");
  const Time cycle = t.domains[0].period;
  for (const Topology::Link& link : t.links) EXPECT_EQ(transfer_time(128, link.channel.bandwidth), cycle);
  EXPECT_EQ(transfer_time(128, t.terminals[0].in.bandwidth), 2 * cycle) << "a core's link is half a flit wide";
  EXPECT_EQ(transfer_time(128, t.terminals[1].out.bandwidth), cycle);
  EXPECT_EQ(p.format().flit_bytes, 128);
}

TEST(Crossbar, OneFlitTakesAsLongAtBothPrecisions) {
  struct Widths {
    int core, slice;
  };
  for (const Widths widths : {Widths{64, 128}, {32, 128}, {128, 128}, {128, 64}, {64, 64}, {32, 64}, {64, 32}}) {
    CrossbarParams p = flit_params();
    p.flit_bytes = 128;
    p.core_bytes_per_cycle = widths.core;
    p.slice_bytes_per_cycle = widths.slice;
    const Topology t = crossbar(p, 2, kTerminals);
    PacketFormat format = p.format();
    format.header_bytes = format.flit_bytes;
    const FlitNetwork flits(t, Routes(t, Ports(t), Routing::weighted_multipath, p.router.virtual_channels), p.router,
                            format);
    p.precision = "packet";
    const PacketNetwork packets(crossbar(p, 2, kTerminals), format);
    for (const auto& [from, to] : {std::pair{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}, {3, 2}, {2, 3}}) {
      EXPECT_LE(std::abs(flits.unloaded_latency(from, to, 0) - packets.unloaded_latency(from, to, 0)),
                t.domains[0].period)
          << widths.core << " " << widths.slice << ": " << from << " to " << to;
    }
  }
}

TEST(Crossbar, NoLatencyIsBelowACycle) {
  CrossbarParams p = flit_params();
  p.terminal_latency = 1000;
  p.crossing_latency = 0;
  const Topology t = crossbar(p, 2, kTerminals);
  EXPECT_EQ(t.links[0].channel.latency, t.domains[0].period);
  EXPECT_EQ(t.terminals[1].in.latency, t.domains[0].period);
  EXPECT_EQ(t.terminals[1].out.latency, t.domains[0].period);
}

TEST(Crossbar, WidthsThatAFlitDoesNotFitAreProblems) {
  CrossbarParams p = flit_params();
  EXPECT_TRUE(problems(p).empty());
  p.core_bytes_per_cycle = 48;
  p.slice_bytes_per_cycle = 200;
  p.crossing_bytes_per_cycle = 64;
  p.flit_bytes = 128;
  const std::vector<ParameterProblem> found = problems(p);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].parameter, "core_bytes_per_cycle");
  EXPECT_THAT(found[0].message, HasSubstr("48 bytes and a flit of 128 are an impossible width ratio"));
  EXPECT_THAT(found[0].message, HasSubstr("32 or 64 would be right"));
  EXPECT_EQ(found[1].parameter, "slice_bytes_per_cycle");
  EXPECT_THAT(found[1].message, HasSubstr("128 or 256 would be right"));
  EXPECT_EQ(found[2].parameter, "crossing_bytes_per_cycle");
  EXPECT_THROW(crossbar(p, 2, kTerminals), std::invalid_argument);
  p.precision = "packet";
  EXPECT_TRUE(problems(p).empty());
  EXPECT_NO_THROW(crossbar(p, 2, kTerminals));
}

TEST(Crossbar, RejectsPartitionsThatDoNotExist) {
  EXPECT_THROW(crossbar(CrossbarParams(), 2, {{"core_0", 2, false}}), std::invalid_argument);
  EXPECT_THROW(crossbar(CrossbarParams(), 0, {}), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::fabric
