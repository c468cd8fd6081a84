#include "fabric/routing/dependency_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <utility>

#include "support/small_networks.h"

namespace cowosim::fabric {
namespace {

using test::connect;
using test::grid;
using test::random_network;
using test::ring;
using test::routers;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Routing kAll[] = {Routing::dimension_order, Routing::shortest_path,    Routing::up_down,
                            Routing::west_first,      Routing::minimal_adaptive, Routing::weighted_multipath};

std::string problem(const Topology& topology, Routing routing, int virtual_channels) {
  const auto found = Routes::problems(topology, routing, virtual_channels);
  EXPECT_LE(found.size(), 1u);
  return found.empty() ? "none" : found.front().parameter + ": " + found.front().message;
}

/// A routing to be changed by the test.
struct Planted {
  Planted(const Topology& t, Routing routing, int virtual_channels)
      : topology(t), ports(topology), routes(topology, ports, routing, virtual_channels) {
    relation.hops = [this](int router, int in_port, int in_vc, int destination, std::vector<Hop>& hops) {
      routes.ways(router, in_port, in_vc, destination, hops);
    };
    relation.groups = routes.groups();
    relation.escape = routes.escape();
  }
  std::vector<VirtualChannel> cycle() const { return find_cycle(topology, ports, relation); }

  Topology topology;
  Ports ports;
  Routes routes;
  RoutingRelation relation;
};

/// The same by brute force: every pair of terminals for itself, every VC for itself, only direct dependencies; channels that nothing leads to or
/// from are taken away until none is left or the rest is cycles.
bool has_cycle(const Planted& planted, int virtual_channels) {
  const Topology& t = planted.topology;
  const Ports& ports = planted.ports;
  std::set<std::pair<int, int>> edges;
  for (std::size_t source = 0; source < t.terminals.size(); ++source) {
    for (std::size_t destination = 0; destination < t.terminals.size(); ++destination) {
      struct State {
        int channel, router, in_port, in_vc;
      };
      std::vector<State> open = {
          {-1, t.terminals[source].router, ports.of_terminal(static_cast<int>(source)), Routes::kFromTerminal}};
      std::set<int> known;
      while (!open.empty()) {
        const State state = open.back();
        open.pop_back();
        std::vector<Hop> hops;
        planted.relation.hops(state.router, state.in_port, state.in_vc, static_cast<int>(destination), hops);
        for (const Hop& hop : hops) {
          const Ports::Port& port = ports.at(state.router, hop.port);
          if (port.link_out == Ports::kNone) continue;
          for (int vc = 0; vc < virtual_channels; ++vc) {
            if ((hop.vcs >> vc & 1u) == 0) continue;
            const int channel = port.link_out * virtual_channels + vc;
            const bool counts = (planted.relation.escape >> vc & 1u) != 0;
            if (counts && state.channel >= 0 &&
                (planted.relation.escape >> (state.channel % virtual_channels) & 1u) != 0) {
              edges.insert({state.channel, channel});
            }
            if (known.insert(channel).second) {
              open.push_back({channel, port.neighbour, ports.of_link_in(port.link_out), vc});
            }
          }
        }
      }
    }
  }
  for (std::size_t before = edges.size() + 1; edges.size() != before;) {
    before = edges.size();
    std::set<int> sources;
    for (const auto& edge : edges) sources.insert(edge.first);
    for (auto edge = edges.begin(); edge != edges.end();) {
      edge = sources.count(edge->second) == 0 ? edges.erase(edge) : std::next(edge);
    }
  }
  return !edges.empty();
}

TEST(DependencyGraph, AgreesWithBruteForce) {
  int with = 0;
  int without = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    const Topology topology = seed < 3 ? grid(3, 3, false) : seed < 6 ? grid(4, 3, true) : random_network(seed);
    const int virtual_channels = 2 + static_cast<int>(seed % 2);
    for (const Routing routing : kAll) {
      if (!Routes::problems(topology, routing, virtual_channels, false).empty()) continue;
      const Planted planted(topology, routing, virtual_channels);
      const bool expected = has_cycle(planted, virtual_channels);
      EXPECT_EQ(!planted.cycle().empty(), expected)
          << seed << " " << routing_names()[static_cast<std::size_t>(routing)];
      ++(expected ? with : without);
    }
  }
  EXPECT_GT(with, 20);
  EXPECT_GT(without, 20);
}

TEST(DependencyGraph, UpDownAndTheEscapeHaveNoCycleOnAnyTopology) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Topology topology = random_network(seed);
    EXPECT_EQ(problem(topology, Routing::up_down, 1), "none") << seed;
    EXPECT_EQ(problem(topology, Routing::minimal_adaptive, 2), "none") << seed;
  }
}

TEST(DependencyGraph, GridsHaveNoCycleWithTheirRoutings) {
  for (const auto& [columns, rows] : {std::pair{2, 2}, {3, 3}, {4, 4}, {5, 4}, {6, 6}, {8, 1}, {9, 1}, {2, 5}}) {
    EXPECT_EQ(problem(grid(columns, rows, false), Routing::dimension_order, 1), "none");
    EXPECT_EQ(problem(grid(columns, rows, false), Routing::west_first, 1), "none");
    EXPECT_EQ(problem(grid(columns, rows, false), Routing::minimal_adaptive, 2), "none");
    for (const int virtual_channels : {2, 3, 4}) {
      EXPECT_EQ(problem(grid(columns, rows, true), Routing::dimension_order, virtual_channels), "none");
      EXPECT_EQ(problem(grid(columns, rows, true), Routing::minimal_adaptive, virtual_channels), "none");
    }
  }
}

TEST(DependencyGraph, ShortestPathsAroundARingWaitInACircle) {
  EXPECT_EQ(
      problem(ring(5), Routing::shortest_path, 1),
      "routing: r0_r1 vc 0 -> r1_r2 vc 0 -> r2_r3 vc 0 -> r3_r4 vc 0 -> r4_r0 vc 0 -> r0_r1 vc 0 wait for each other "
      "in a "
      "circle: packets can block each other for ever; up_down has no such circle on any topology, dimension_order "
      "none on a mesh or torus, and minimal_adaptive always a way out of it");
  EXPECT_THAT(problem(ring(8), Routing::weighted_multipath, 4), HasSubstr("r7_r0 vc 0 -> r0_r1 vc 0"));
  // Ways of one hop only: nobody holds a link and asks for another one.
  EXPECT_EQ(problem(ring(3), Routing::shortest_path, 1), "none");
  // Two neighbouring terminals alone never go around.
  Topology two = ring(8);
  two.terminals.resize(2);
  EXPECT_EQ(problem(two, Routing::shortest_path, 1), "none");
  // No check, no cycle.
  EXPECT_TRUE(Routes::problems(ring(5), Routing::shortest_path, 1, false).empty());
}

TEST(DependencyGraph, ATorusWithoutDatelineHasACycle) {
  for (const int k : {4, 5}) {
    Planted torus(grid(k, k, true), Routing::dimension_order, 4);
    EXPECT_TRUE(torus.cycle().empty());
    const auto dateline = torus.relation.hops;
    torus.relation.hops = [&](int router, int in_port, int in_vc, int destination, std::vector<Hop>& hops) {
      dateline(router, in_port, in_vc, destination, hops);
      for (Hop& hop : hops) hop.vcs = 0b1111;
    };
    const auto cycle = torus.cycle();
    EXPECT_EQ(cycle.size(), static_cast<std::size_t>(k));
    EXPECT_THAT(describe(torus.topology, cycle), HasSubstr(" vc 0 -> "));
  }
}

TEST(DependencyGraph, AdaptiveWaysWithoutEscapeHaveACycle) {
  Planted mesh(grid(3, 3, false), Routing::minimal_adaptive, 3);
  EXPECT_TRUE(mesh.cycle().empty());
  const auto adaptive = mesh.relation.hops;
  mesh.relation.hops = [&](int router, int in_port, int in_vc, int destination, std::vector<Hop>& hops) {
    adaptive(router, in_port, in_vc, destination, hops);
    if (hops.size() > 1) hops.pop_back();
  };
  mesh.relation.escape = 0b111;
  const auto cycle = mesh.cycle();
  EXPECT_EQ(cycle.size(), 4u);  // the four turns around one square
  for (const VirtualChannel& channel : cycle) EXPECT_EQ(channel.vc, 1);
}

TEST(DependencyGraph, WestFirstWithTheForbiddenTurnsHasACycle) {
  Planted mesh(grid(3, 3, false), Routing::west_first, 1);
  EXPECT_TRUE(mesh.cycle().empty());
  const Routes adaptive(mesh.topology, mesh.ports, Routing::minimal_adaptive, 2);
  mesh.relation.hops = [&](int router, int in_port, int, int destination, std::vector<Hop>& hops) {
    adaptive.ways(router, in_port, Routes::kFromTerminal, destination, hops);
    for (Hop& hop : hops) hop.vcs = 1;
  };
  EXPECT_EQ(mesh.cycle().size(), 4u);
}

/// Packets around a ring that use the escape for every other link: no escape channel leads to another one directly.
TEST(DependencyGraph, EscapeChannelsDependOnEachOtherAcrossAdaptiveOnes) {
  const Topology topology = ring(4);
  const Ports ports(topology);
  RoutingRelation routing;
  routing.groups = {0b01, 0b10};
  routing.escape = 0b01;
  int farthest = 3;
  routing.hops = [&](int router, int, int in_vc, int destination, std::vector<Hop>& hops) {
    if ((destination - router + 4) % 4 > farthest) return;
    const int onward = router == 3 ? 6 : 2 * router;
    hops.push_back({in_vc == 0 ? 0b10u : 0b01u, static_cast<std::uint16_t>(ports.of_link_out(onward)), 0});
  };
  EXPECT_EQ(describe(topology, find_cycle(topology, ports, routing)), "r0_r1 vc 0 -> r2_r3 vc 0 -> r0_r1 vc 0");
  farthest = 2;  // no way is long enough to come to a second escape channel
  EXPECT_TRUE(find_cycle(topology, ports, routing).empty());
}

TEST(DependencyGraph, NamesAChannelOfEveryGroup) {
  // Layers exchanged at every link: twice around.
  const Topology topology = ring(3);
  const Ports ports(topology);
  RoutingRelation routing;
  routing.groups = {0b0011, 0b1100};
  routing.escape = 0b1111;
  routing.hops = [&](int router, int, int in_vc, int, std::vector<Hop>& hops) {
    for (const std::uint32_t vcs : {0b0011u, 0b1100u}) {
      if (in_vc < 0 || (vcs >> in_vc & 1u) == 0) {
        hops.push_back({vcs, static_cast<std::uint16_t>(ports.of_link_out(2 * router)), 0});
      }
    }
  };
  EXPECT_EQ(describe(topology, find_cycle(topology, ports, routing)),
            "r0_r1 vc 0 -> r1_r2 vc 2 -> r2_r0 vc 0 -> r0_r1 vc 2 -> r1_r2 vc 0 -> r2_r0 vc 2 -> r0_r1 vc 0");
}

TEST(DependencyGraph, SplittingAGroupIsAnError) {
  Planted torus(grid(4, 4, true), Routing::dimension_order, 4);
  torus.relation.groups = {0b1111};
  EXPECT_THROW(torus.cycle(), std::logic_error);
}

}  // namespace
}  // namespace cowosim::fabric
