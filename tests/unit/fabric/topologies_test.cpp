#include "fabric/topology/topologies.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace cowosim::fabric {
namespace {

/// Neighbours by port, -1 for terminals.
std::vector<int> neighbours(const Topology& topology, int router) {
  const Ports ports(topology);
  std::vector<int> all;
  for (int p = 0; p < ports.count(router); ++p) all.push_back(ports.at(router, p).neighbour);
  return all;
}
using Is = std::vector<int>;

TEST(Topologies, MeshHasItsPortsInOrder) {
  const Topology t = mesh(3, 2, reference_parts(32));
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.grid.columns, 3);
  EXPECT_EQ(t.grid.rows, 2);
  EXPECT_FALSE(t.grid.wraps);
  EXPECT_EQ(t.links.size(), 14u);
  EXPECT_EQ(neighbours(t, 0), (Is{1, 3, -1}));
  EXPECT_EQ(neighbours(t, 1), (Is{2, 0, 4, -1}));
  EXPECT_EQ(neighbours(t, 2), (Is{1, 5, -1}));
  EXPECT_EQ(neighbours(t, 3), (Is{4, 0, -1}));
  EXPECT_EQ(neighbours(t, 4), (Is{5, 3, 1, -1}));
  EXPECT_EQ(t.links[0].name, "router_0_router_1");
  EXPECT_EQ(t.terminals[4].name, "terminal_4");
  EXPECT_EQ(t.terminals[4].router, 4);
}

TEST(Topologies, TorusClosesEachDimension) {
  const Topology t = torus(4, 3, reference_parts(32));
  EXPECT_TRUE(problems(t).empty());
  EXPECT_TRUE(t.grid.wraps);
  EXPECT_EQ(t.links.size(), 48u);
  EXPECT_EQ(neighbours(t, 0), (Is{1, 3, 4, 8, -1}));
  EXPECT_EQ(neighbours(t, 11), (Is{8, 10, 3, 7, -1}));
}

TEST(Topologies, PortsOfATorusLeadToTheOppositePort) {
  for (const auto& [columns, rows] : {std::pair{4, 3}, {2, 3}, {2, 2}}) {
    const Topology t = torus(columns, rows, reference_parts(32));
    EXPECT_TRUE(problems(t).empty());
    const Ports ports(t);
    for (std::size_t l = 0; l < t.links.size(); ++l) {
      EXPECT_EQ(ports.of_link_in(static_cast<int>(l)), ports.of_link_out(static_cast<int>(l)) ^ 1) << t.links[l].name;
    }
  }
}

TEST(Topologies, TorusOfTwoHasLinksSideBySideAndOfOneNone) {
  const Topology two = torus(2, 1, reference_parts(32));
  EXPECT_TRUE(problems(two).empty());
  EXPECT_EQ(neighbours(two, 0), (Is{1, 1, -1}));
  EXPECT_EQ(two.links[0].name, "router_0_router_1");
  EXPECT_EQ(two.links[1].name, "router_0_router_1_2");
  EXPECT_EQ(two.links[0].reverse, 3) << "+x of one is -x of the other";
  EXPECT_EQ(two.links[1].reverse, 2);
  const Topology one = torus(1, 1, reference_parts(32));
  EXPECT_TRUE(problems(one).empty());
  EXPECT_TRUE(one.links.empty());
}

TEST(Topologies, RingIsATorusOfOneRow) {
  const Topology t = ring(5, reference_parts(32));
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.grid.columns, 5);
  EXPECT_EQ(t.grid.rows, 1);
  EXPECT_TRUE(t.grid.wraps);
  EXPECT_EQ(t.links.size(), 10u);
  EXPECT_EQ(neighbours(t, 0), (Is{1, 4, -1}));
  EXPECT_EQ(neighbours(t, 4), (Is{0, 3, -1}));
  EXPECT_EQ(t.kinds, std::vector<std::string>{"ring"});
}

TEST(Topologies, CrossbarIsOneRouter) {
  const Topology t = crossbar(7, reference_parts(32, kNanosecond, 3));
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.routers.size(), 1u);
  EXPECT_EQ(t.terminals.size(), 7u);
  EXPECT_TRUE(t.links.empty());
}

TEST(Topologies, FullyConnectedJoinsEachPair) {
  const Topology t = fully_connected(4, reference_parts(32));
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.links.size(), 12u);
  EXPECT_EQ(neighbours(t, 0), (Is{1, 2, 3, -1}));
  EXPECT_EQ(neighbours(t, 2), (Is{0, 1, 3, -1}));
  EXPECT_EQ(t.grid.columns, 0);
  EXPECT_TRUE(problems(fully_connected(1, reference_parts(32))).empty());
}

TEST(Topologies, SeveralTerminalsARouter) {
  const Topology t = mesh(2, 2, reference_parts(32, kNanosecond, 3));
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.terminals.size(), 12u);
  EXPECT_EQ(t.terminals[5].router, 1);
  EXPECT_EQ(neighbours(t, 0), (Is{1, 2, -1, -1, -1}));
}

TEST(Topologies, PartsAreAsGiven) {
  Parts parts = reference_parts(64, 2 * kNanosecond);
  parts.link = clocked_channel(256, 2 * kNanosecond, 3);
  parts.pitch = 1.5;
  const Topology t = mesh(3, 2, parts);
  EXPECT_EQ(t.domains[0].period, 2 * kNanosecond);
  EXPECT_EQ(t.links[0].channel.bandwidth, 16'000'000'000);
  EXPECT_EQ(t.links[0].channel.latency, 6 * kNanosecond);
  EXPECT_EQ(t.terminals[0].in.bandwidth, 32'000'000'000);
  EXPECT_EQ(t.terminals[0].out.latency, 2 * kNanosecond);
  EXPECT_EQ(t.routers[5].x, 3.0);
  EXPECT_EQ(t.routers[5].y, 1.5);
}

TEST(Topologies, BandwidthNeverMissesAnEdge) {
  for (const double frequency : {1e9, 1.755e9, 1.1e9, 2.333e9, 7e8}) {
    const Time period = period_of(frequency);
    for (const int bits : {8, 128, 256, 1024, 96}) {
      EXPECT_LE(transfer_time(3 * bits / 8, bandwidth_of(bits, period)), 3 * period) << frequency << " " << bits;
      EXPECT_GT(transfer_time(3 * bits / 8, bandwidth_of(bits, period) - 1), 3 * period) << frequency << " " << bits;
    }
  }
}

TEST(Topologies, NamesOfParallelLinksDiffer) {
  Topology t;
  t.kinds = {"wire"};
  t.routers = {{"a"}, {"a_b"}, {"b_c"}, {"c"}};  // a to b_c and a_b to c would have one name
  const Channel channel = clocked_channel(256, kNanosecond);
  t.terminals = {{"t", 0, channel, channel}};
  for (const auto& [from, to] : {std::pair{0, 2}, {1, 3}, {0, 2}, {2, 3}}) {
    const int next = static_cast<int>(t.links.size());
    t.links.push_back({"", from, to, next + 1, 0, channel});
    t.links.push_back({"", to, from, next, 0, channel});
  }
  EXPECT_FALSE(problems(t).empty());
  name_links(t);
  EXPECT_TRUE(problems(t).empty());
  EXPECT_EQ(t.links[0].name, "a_b_c");
  EXPECT_EQ(t.links[2].name, "a_b_c_2");
  EXPECT_EQ(t.links[4].name, "a_b_c_3");
}

TEST(Topologies, RejectSizesBelowOne) {
  EXPECT_THROW(mesh(0, 2, reference_parts(32)), std::invalid_argument);
  EXPECT_THROW(torus(2, -1, reference_parts(32)), std::invalid_argument);
  EXPECT_THROW(ring(0, reference_parts(32)), std::invalid_argument);
  EXPECT_THROW(fully_connected(0, reference_parts(32)), std::invalid_argument);
  EXPECT_THROW(crossbar(0, reference_parts(32)), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::fabric
