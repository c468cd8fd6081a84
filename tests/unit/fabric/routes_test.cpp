#include "fabric/routing/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "core/random.h"
#include "support/small_networks.h"

namespace cowosim::fabric {
namespace {

using test::connect;
using test::grid;
using test::random_network;
using test::ring;
using test::routers;
using ::testing::HasSubstr;

constexpr Routing kAll[] = {Routing::dimension_order, Routing::shortest_path,    Routing::up_down,
                            Routing::west_first,      Routing::minimal_adaptive, Routing::weighted_multipath};
constexpr Routing kAnyTopology[] = {Routing::shortest_path, Routing::up_down, Routing::minimal_adaptive,
                                    Routing::weighted_multipath};

std::string name_of(Routing routing) { return routing_names()[static_cast<std::size_t>(routing)]; }

std::vector<std::vector<int>> distances(const Topology& topology) {
  const std::size_t n = topology.routers.size();
  std::vector<std::vector<int>> d(n, std::vector<int>(n, 1 << 20));
  for (std::size_t i = 0; i < n; ++i) d[i][i] = 0;
  for (const Topology::Link& link : topology.links) {
    d[static_cast<std::size_t>(link.from)][static_cast<std::size_t>(link.to)] = 1;
  }
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) d[i][j] = std::min(d[i][j], d[i][k] + d[k][j]);
    }
  }
  return d;
}

/// A topology, its routes, and packets that walk them.
struct Walker {
  Walker(Topology t, Routing routing, int virtual_channels)
      : topology(std::move(t)),
        ports(topology),
        routes(topology, ports, routing, virtual_channels),
        all(static_cast<std::uint32_t>((std::uint64_t{1} << virtual_channels) - 1)) {}

  int router_of(int terminal) const { return topology.terminals[static_cast<std::size_t>(terminal)].router; }

  /// The links of a packet that takes any of its choices and VCs at random; `kept`: the first choice only.
  std::vector<int> walk(int source, int destination, std::uint64_t flow, std::uint64_t seed, bool kept = false) const {
    SplitMix64 random(seed);
    std::vector<int> path;
    int router = router_of(source);
    int in_port = ports.of_terminal(source);
    int in_vc = Routes::kFromTerminal;
    const Heading heading{static_cast<std::uint16_t>(destination), flow, flow};
    for (;;) {
      Hop hops[Routes::kMaxChoices];
      const int count = routes.next(router, in_port, in_vc, heading, hops);
      EXPECT_GE(count, 1);
      EXPECT_LE(count, Routes::kMaxChoices);
      EXPECT_TRUE(count == 1 || routes.adaptive());
      EXPECT_EQ(hops[0].rank, 0);
      for (int i = 0; i < count; ++i) {
        EXPECT_NE(hops[i].vcs, 0u);
        EXPECT_EQ(hops[i].vcs & ~all, 0u);
        EXPECT_GE(hops[i].rank, i > 0 ? hops[i - 1].rank : 0);
      }
      const Hop hop = hops[kept ? 0 : bounded(random.next(), static_cast<std::uint64_t>(count))];
      const Ports::Port& port = ports.at(router, hop.port);
      if (port.terminal != Ports::kNone) {
        EXPECT_EQ(port.terminal, destination);
        EXPECT_EQ(hop.vcs, all);
        return path;
      }
      path.push_back(port.link_out);
      if (path.size() > 2 * topology.links.size() + topology.routers.size()) {
        ADD_FAILURE() << "from " << source << " to " << destination << " without end";
        return path;
      }
      router = port.neighbour;
      in_port = ports.of_link_in(port.link_out);
      do {
        in_vc = static_cast<int>(bounded(random.next(), 32));
      } while ((hop.vcs >> in_vc & 1u) == 0);
    }
  }

  Topology topology;
  Ports ports;
  Routes routes;
  std::uint32_t all;
};

void every_pair_arrives(const Topology& topology, Routing routing, int virtual_channels, const std::string& what) {
  SCOPED_TRACE(name_of(routing) + " on " + what);
  const Walker walker(topology, routing, virtual_channels);
  const auto distance = distances(topology);
  const int terminals = static_cast<int>(topology.terminals.size());
  for (int source = 0; source < terminals; ++source) {
    for (int destination = 0; destination < terminals; ++destination) {
      const int least = distance[static_cast<std::size_t>(walker.router_of(source))]
                                [static_cast<std::size_t>(walker.router_of(destination))];
      const int hops = walker.routes.hops(source, destination);
      if (routing == Routing::up_down) {
        EXPECT_GE(hops, least + 1);
      } else {
        EXPECT_EQ(hops, least + 1);
      }
      for (std::uint64_t flow = 0; flow < 4; ++flow) {
        const auto links = static_cast<int>(walker.walk(source, destination, flow, mix(flow, 7)).size());
        // An escape on a topology that is no mesh is up and down, which may be longer.
        if (routing == Routing::minimal_adaptive) {
          EXPECT_GE(links + 1, hops);
          EXPECT_EQ(static_cast<int>(walker.walk(source, destination, flow, 0, true).size()) + 1, hops);
        } else {
          EXPECT_EQ(links + 1, hops);
        }
      }
    }
  }
}

TEST(Routes, EveryPairArrivesOnGrids) {
  for (const Routing routing : kAll) {
    for (const int k : {2, 3, 4, 5, 6}) {
      every_pair_arrives(grid(k, k, false), routing, 4, "a mesh of " + std::to_string(k));
      if (routing != Routing::west_first) {
        every_pair_arrives(grid(k, k, true), routing, 4, "a torus of " + std::to_string(k));
      }
    }
    every_pair_arrives(grid(5, 2, false), routing, 3, "a 5 x 2 mesh");
    every_pair_arrives(grid(1, 6, false), routing, 2, "a column");
    every_pair_arrives(grid(1, 1, false), routing, 2, "one router");
    if (routing != Routing::west_first) {
      every_pair_arrives(grid(6, 2, true), routing, 3, "a 6 x 2 torus");
      every_pair_arrives(grid(7, 1, true), routing, 2, "a ring as a grid");
    }
  }
}

TEST(Routes, EveryPairArrivesOnAnyTopology) {
  for (const Routing routing : kAnyTopology) {
    for (const int n : {2, 3, 4, 7, 8}) every_pair_arrives(ring(n), routing, 2, "a ring of " + std::to_string(n));
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      every_pair_arrives(random_network(seed), routing, 2 + static_cast<int>(seed % 3),
                         "random network " + std::to_string(seed));
    }
  }
}

TEST(Routes, DimensionOrderIsXThenY) {
  const Walker walker(grid(5, 4, false), Routing::dimension_order, 2);
  for (int source = 0; source < 20; ++source) {
    for (int destination = 0; destination < 20; ++destination) {
      int x = source % 5;
      int y = source / 5;
      for (const int link : walker.walk(source, destination, 1, 1)) {
        if (x != destination % 5) {
          x += x < destination % 5 ? 1 : -1;
        } else {
          y += y < destination / 5 ? 1 : -1;
        }
        EXPECT_EQ(walker.topology.links[static_cast<std::size_t>(link)].to, x + 5 * y);
      }
      EXPECT_EQ(x + 5 * y, destination);
    }
  }
}

/// Every turn and every straight step on a torus, against the rule written down once more.
void check_dateline(int columns, int rows, int virtual_channels) {
  SCOPED_TRACE(std::to_string(columns) + " x " + std::to_string(rows) + ", " + std::to_string(virtual_channels));
  const Walker walker(grid(columns, rows, true), Routing::dimension_order, virtual_channels);
  const int upper = virtual_channels / 2;
  const std::uint32_t after = walker.all & ~((1u << (virtual_channels - upper)) - 1);
  const std::uint32_t before = walker.all & ~after;
  const int size[] = {columns, rows};
  int halves = 0;
  for (int router = 0; router < columns * rows; ++router) {
    for (int destination = 0; destination < columns * rows; ++destination) {
      if (router == destination) continue;
      const int here[] = {router % columns, router / columns};
      const int there[] = {destination % columns, destination / columns};
      const int d = here[0] != there[0] ? 0 : 1;
      const int forward = (there[d] - here[d] + size[d]) % size[d];
      for (const std::uint64_t flow : {0u, 1u, 2u, 3u}) {
        bool plus = forward < size[d] - forward;
        if (forward == size[d] - forward) {
          plus = (flow >> d & 1u) == 0;
          ++halves;
        }
        int expected[] = {here[0], here[1]};
        expected[d] = (here[d] + (plus ? 1 : size[d] - 1)) % size[d];
        for (int in = 0; in < walker.ports.count(router); ++in) {
          const Ports::Port& port = walker.ports.at(router, in);
          const bool injected = port.terminal != Ports::kNone;
          // Packets in y do not come back to x.
          if (!injected && d == 0 && port.neighbour / columns != here[1]) continue;
          const bool straight = !injected && (d == 0) == (port.neighbour / columns == here[1]);
          for (int vc = 0; vc < virtual_channels; ++vc) {
            Hop hop;
            ASSERT_EQ(walker.routes.next(router, in, injected ? Routes::kFromTerminal : vc,
                                         {static_cast<std::uint16_t>(destination), flow, flow}, &hop),
                      1);
            const Ports::Port& out = walker.ports.at(router, hop.port);
            if (straight) {
              EXPECT_EQ(hop.vcs, (before >> vc & 1u) != 0 ? before : after);
              EXPECT_EQ(out.neighbour == port.neighbour, size[d] == 2);
              EXPECT_NE(hop.port, in);
            } else {
              EXPECT_EQ(hop.vcs, here[d] > there[d] ? after : before);
              EXPECT_EQ(out.neighbour, expected[0] + columns * expected[1]);
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(halves > 0, columns % 2 == 0 || rows % 2 == 0);
}

TEST(Routes, TorusPacketsKeepTheirSideOfTheDateline) {
  for (const int virtual_channels : {2, 3, 4, 8}) {
    check_dateline(4, 4, virtual_channels);
    check_dateline(5, 5, virtual_channels);
    check_dateline(4, 3, virtual_channels);
    check_dateline(2, 6, virtual_channels);
  }
}

TEST(Routes, TwoColumnsOfATorusUseBothPairsOfLinks) {
  const Walker walker(grid(2, 1, true), Routing::dimension_order, 2);
  ASSERT_EQ(walker.topology.links.size(), 4u);
  std::set<int> used;
  for (const std::uint64_t flow : {0u, 1u}) {
    for (const int source : {0, 1}) used.insert(walker.walk(source, 1 - source, flow, 0).front());
  }
  EXPECT_EQ(used.size(), 4u);
  // One pair alone is no torus, whatever the file says: no dateline.
  Topology one = routers(2, 2);
  connect(one, 0, 1);
  one.grid = {2, 1, true};
  EXPECT_EQ(Routes::problems(one, Routing::dimension_order, 1).size(), 0u);
  every_pair_arrives(one, Routing::dimension_order, 1, "two routers");
}

TEST(Routes, ShortestPathTakesTheLowestLink) {
  Topology t = routers(4, 4);  // 0 to 3 by 2 or by 1, the links by 2 first; two pairs from 0 to 2
  connect(t, 2, 3);
  connect(t, 0, 2);
  connect(t, 0, 2);
  connect(t, 0, 1);
  connect(t, 1, 3);
  const Walker walker(t, Routing::shortest_path, 1);
  EXPECT_EQ(walker.walk(0, 3, 12345, 0), (std::vector<int>{2, 0}));
  EXPECT_EQ(walker.walk(3, 0, 12345, 0), (std::vector<int>{1, 3}));
}

TEST(Routes, UpDownIsTheShortestWayUpAndThenDown) {
  int detours = 0;
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const Walker walker(random_network(seed), Routing::up_down, 1);
    const Topology& t = walker.topology;
    const std::size_t n = t.routers.size();
    std::vector<int> links(n, 0);
    for (const Topology::Link& link : t.links) ++links[static_cast<std::size_t>(link.from)];
    const auto root = static_cast<std::size_t>(std::max_element(links.begin(), links.end()) - links.begin());
    const auto distance = distances(t);
    const auto up = [&](const Topology::Link& link) {
      const auto from = static_cast<std::size_t>(link.from);
      const auto to = static_cast<std::size_t>(link.to);
      return std::make_pair(distance[root][to], to) < std::make_pair(distance[root][from], from);
    };
    for (int source = 0; source < static_cast<int>(t.terminals.size()); ++source) {
      // Least hops to (router, whether down already), relaxed until nothing changes.
      std::vector<std::array<int, 2>> least(n, {1 << 20, 1 << 20});
      least[static_cast<std::size_t>(walker.router_of(source))][0] = 0;
      for (bool changed = true; changed;) {
        changed = false;
        for (const Topology::Link& link : t.links) {
          const auto& from = least[static_cast<std::size_t>(link.from)];
          auto& to = least[static_cast<std::size_t>(link.to)];
          int& own = to[up(link) ? 0 : 1];
          const int through = 1 + (up(link) ? from[0] : std::min(from[0], from[1]));
          if (through < own) {
            own = through;
            changed = true;
          }
        }
      }
      for (int destination = 0; destination < static_cast<int>(t.terminals.size()); ++destination) {
        const auto& to = least[static_cast<std::size_t>(walker.router_of(destination))];
        const std::vector<int> path = walker.walk(source, destination, 5, 5);
        EXPECT_EQ(static_cast<int>(path.size()), std::min(to[0], to[1]));
        bool down = false;
        for (const int link : path) {
          const bool goes_up = up(t.links[static_cast<std::size_t>(link)]);
          EXPECT_FALSE(down && goes_up);
          down = !goes_up;
        }
        if (static_cast<int>(path.size()) > distance[static_cast<std::size_t>(walker.router_of(source))]
                                                    [static_cast<std::size_t>(walker.router_of(destination))]) {
          ++detours;
        }
      }
    }
  }
  EXPECT_GT(detours, 0);
}

TEST(Routes, WestFirstTurnsIntoNothingThatIsWest) {
  const Walker walker(grid(5, 5, false), Routing::west_first, 2);
  std::size_t ways = 0;
  for (int source = 0; source < 25; ++source) {
    for (int destination = 0; destination < 25; ++destination) {
      std::set<std::vector<int>> paths;
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const std::vector<int> path = walker.walk(source, destination, 0, seed);
        paths.insert(path);
        bool turned = false;
        for (const int link : path) {
          const Topology::Link& l = walker.topology.links[static_cast<std::size_t>(link)];
          EXPECT_FALSE(turned && l.to == l.from - 1);
          turned = turned || l.to != l.from - 1;
        }
      }
      if (destination % 5 < source % 5) {
        EXPECT_EQ(paths.size(), 1u);
      }
      ways = std::max(ways, paths.size());
    }
  }
  EXPECT_GT(ways, 10u);
}

TEST(Routes, MinimalAdaptiveOffersEveryMinimalWayAndTheEscape) {
  const Walker mesh(grid(4, 4, false), Routing::minimal_adaptive, 4);
  Hop hops[Routes::kMaxChoices];
  const Heading to_10{10, 0, 0};  // (2, 2)
  const auto neighbour = [](const Walker& walker, int router, const Hop& hop) {
    return walker.ports.at(router, hop.port).neighbour;
  };
  ASSERT_EQ(mesh.routes.next(5, mesh.ports.of_terminal(5), Routes::kFromTerminal, to_10, hops), 3);
  EXPECT_EQ(neighbour(mesh, 5, hops[0]), 6);
  EXPECT_EQ(neighbour(mesh, 5, hops[1]), 9);
  EXPECT_EQ(neighbour(mesh, 5, hops[2]), 6);
  for (const int i : {0, 1}) {
    EXPECT_EQ(hops[i].vcs, 0b1110u);
    EXPECT_EQ(hops[i].rank, 0);
  }
  EXPECT_EQ(hops[2].vcs, 1u);
  EXPECT_EQ(hops[2].rank, 1);
  // From an adaptive channel the same; what is in the escape stays there.
  const int from_west = mesh.routes.next(5, 0, 2, to_10, hops);
  EXPECT_EQ(from_west, 3);
  ASSERT_EQ(mesh.routes.next(5, 0, 0, to_10, hops), 1);
  EXPECT_EQ(hops[0].vcs, 1u);
  EXPECT_EQ(hops[0].rank, 0);
  EXPECT_EQ(mesh.routes.needs_whole_packet(), 0b1110u);
  EXPECT_EQ(Walker(grid(4, 4, false), Routing::west_first, 4).routes.needs_whole_packet(), 0u);

  const Walker torus(grid(4, 4, true), Routing::minimal_adaptive, 2);
  ASSERT_EQ(torus.routes.next(0, torus.ports.of_terminal(0), Routes::kFromTerminal, to_10, hops), 5);
  std::set<int> neighbours;
  for (int i = 0; i < 4; ++i) neighbours.insert(neighbour(torus, 0, hops[i]));
  EXPECT_EQ(neighbours, (std::set<int>{1, 3, 4, 12}));
}

TEST(Routes, MoreMinimalWaysThanChoicesAreSharedByTheFlows) {
  Topology t = routers(14, 14);
  for (int middle = 2; middle < 14; ++middle) {
    connect(t, 0, middle);
    connect(t, middle, 1);
  }
  const Walker walker(t, Routing::minimal_adaptive, 2);
  std::map<int, int> taken;
  Hop hops[Routes::kMaxChoices];
  for (std::uint64_t flow = 0; flow < 200; ++flow) {
    const int count = walker.routes.next(0, walker.ports.of_terminal(0), Routes::kFromTerminal, {1, flow, flow}, hops);
    ASSERT_EQ(count, Routes::kMaxChoices);
    std::set<int> ports;
    for (int i = 0; i + 1 < count; ++i) {
      ports.insert(hops[i].port);
      ++taken[hops[i].port];
    }
    EXPECT_EQ(ports.size(), 7u);
    EXPECT_EQ(hops[count - 1].vcs, 1u);
  }
  EXPECT_EQ(taken.size(), 12u);
  std::vector<Hop> all;
  walker.routes.ways(0, walker.ports.of_terminal(0), Routes::kFromTerminal, 1, all);
  EXPECT_EQ(all.size(), 13u);
}

TEST(Routes, WeightsGiveTheShares) {
  Topology t = routers(5, 5);  // 0 to 4 by 1, 2 or 3
  for (const int middle : {1, 2, 3}) {
    connect(t, 0, middle, middle);
    connect(t, middle, 4);
  }
  const Walker walker(t, Routing::weighted_multipath, 1);
  constexpr int kFlows = 60000;
  std::map<int, int> flows;
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) ++flows[walker.walk(0, 4, flow, 0).front()];
  for (const int middle : {1, 2, 3}) {
    const double share = middle / 6.0;
    const double deviation = std::sqrt(kFlows * share * (1 - share));
    EXPECT_NEAR(flows[4 * (middle - 1)], kFlows * share, 4 * deviation) << middle;
  }
  // Back, where all weigh the same.
  flows.clear();
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) ++flows[walker.walk(4, 0, flow, 0).front()];
  EXPECT_EQ(flows.size(), 3u);
  for (const auto& [link, count] : flows) EXPECT_NEAR(count, kFlows / 3, 4 * std::sqrt(kFlows * 2 / 9.0)) << link;
}

TEST(Routes, ChoicesAtTwoRoutersAreIndependent) {
  Topology t = routers(7, 7);  // 0 to 3 by 1 or 2, 3 to 6 by 4 or 5
  for (const int first : {0, 3}) {
    for (const int middle : {first + 1, first + 2}) {
      connect(t, first, middle);
      connect(t, middle, first + 3);
    }
  }
  const Walker walker(t, Routing::weighted_multipath, 1);
  std::map<std::vector<int>, int> paths;
  constexpr int kFlows = 8000;
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) ++paths[walker.walk(0, 6, flow, 0)];
  ASSERT_EQ(paths.size(), 4u);
  for (const auto& each : paths) EXPECT_NEAR(each.second, kFlows / 4, 4 * std::sqrt(kFlows * 3 / 16.0));
}

TEST(Routes, NothingTakesALinkWithoutWeight) {
  Topology t = routers(3, 3);
  connect(t, 0, 1, 0);
  connect(t, 0, 2);
  connect(t, 2, 1);
  const Walker walker(t, Routing::weighted_multipath, 1);
  EXPECT_EQ(walker.walk(0, 1, 1, 0), (std::vector<int>{2, 4}));
  EXPECT_EQ(walker.walk(1, 0, 1, 0), (std::vector<int>{1}));
}

TEST(Routes, AFlowStaysOnOneWayWhateverItsChannels) {
  for (const Routing routing : kAll) {
    std::vector<Topology> topologies = {grid(4, 4, false)};
    if (routing != Routing::west_first) topologies.push_back(grid(4, 4, true));
    if (routing == Routing::weighted_multipath || routing == Routing::shortest_path || routing == Routing::up_down) {
      topologies.push_back(random_network(3));
    }
    std::size_t most = 1;
    for (const Topology& topology : topologies) {
      const Walker walker(topology, routing, 4);
      EXPECT_EQ(walker.routes.in_order(), !walker.routes.adaptive());
      for (int source = 0; source < static_cast<int>(topology.terminals.size()); ++source) {
        for (int destination = 0; destination < static_cast<int>(topology.terminals.size()); ++destination) {
          std::set<std::vector<int>> paths;
          for (std::uint64_t seed = 0; seed < 6; ++seed) paths.insert(walker.walk(source, destination, 99, seed));
          most = std::max(most, paths.size());
        }
      }
    }
    const bool adaptive = routing == Routing::west_first || routing == Routing::minimal_adaptive;
    EXPECT_EQ(most > 1, adaptive) << name_of(routing);
  }
}

TEST(Routes, WaysAreWhatAllFlowsTogetherMayTake) {
  std::vector<Topology> topologies = {grid(4, 4, true), grid(3, 3, false), grid(5, 4, true)};
  for (std::uint64_t seed = 0; seed < 10; ++seed) topologies.push_back(random_network(seed));
  for (const Topology& topology : topologies) {
    for (const Routing routing : kAll) {
      if (!Routes::problems(topology, routing, 2, false).empty()) continue;
      const Walker walker(topology, routing, 2);
      const auto key = [](const Hop& hop) { return std::make_tuple(hop.port, hop.vcs, hop.rank); };
      for (int destination = 0; destination < static_cast<int>(topology.terminals.size()); ++destination) {
        // From terminals, and from where some packet may be.
        std::set<std::tuple<int, int, int>> states;
        for (int t = 0; t < static_cast<int>(topology.terminals.size()); ++t) {
          states.insert({walker.router_of(t), walker.ports.of_terminal(t), Routes::kFromTerminal});
        }
        std::vector<std::tuple<int, int, int>> open(states.begin(), states.end());
        while (!open.empty()) {
          const auto [router, in_port, in_vc] = open.back();
          open.pop_back();
          std::vector<Hop> ways;
          walker.routes.ways(router, in_port, in_vc, destination, ways);
          std::set<std::tuple<int, std::uint32_t, int>> all, seen;
          for (const Hop& hop : ways) all.insert(key(hop));
          EXPECT_EQ(all.size(), ways.size());
          for (std::uint64_t flow = 0; flow < 128; ++flow) {
            Hop hops[Routes::kMaxChoices];
            const int count = walker.routes.next(router, in_port, in_vc,
                                                 {static_cast<std::uint16_t>(destination), mix(flow), mix(flow)}, hops);
            for (int i = 0; i < count; ++i) seen.insert(key(hops[i]));
          }
          EXPECT_EQ(all, seen) << name_of(routing);
          for (const Hop& hop : ways) {
            const Ports::Port& port = walker.ports.at(router, hop.port);
            if (port.link_out == Ports::kNone) continue;
            for (int vc = 0; vc < 2; ++vc) {
              const std::tuple<int, int, int> next = {port.neighbour, walker.ports.of_link_in(port.link_out), vc};
              if ((hop.vcs >> vc & 1u) != 0 && states.insert(next).second) open.push_back(next);
            }
          }
        }
      }
    }
  }
}

TEST(Routes, SayWhatATopologyLacks) {
  const auto problem = [](const Topology& topology, Routing routing, int virtual_channels) {
    const auto found = Routes::problems(topology, routing, virtual_channels, false);
    if (found.empty()) return std::string("none");
    EXPECT_THROW(Routes(topology, Ports(topology), routing, virtual_channels), std::invalid_argument);
    EXPECT_EQ(found.size(), 1u);
    return found.front().parameter + ": " + found.front().message;
  };
  EXPECT_EQ(problem(grid(4, 4, false), Routing::dimension_order, 1), "none");
  EXPECT_EQ(
      problem(ring(5), Routing::dimension_order, 4),
      "routing: dimension_order: the topology is no grid; it needs a mesh or torus, up_down and shortest_path take "
      "any topology");
  EXPECT_EQ(problem(ring(5), Routing::west_first, 4),
            "routing: west_first: the topology is no grid; it needs a mesh, minimal_adaptive takes any topology");
  EXPECT_THAT(problem(grid(4, 4, true), Routing::west_first, 4), HasSubstr("routing: west_first: its turns leave"));
  EXPECT_EQ(problem(grid(4, 4, true), Routing::dimension_order, 1),
            "router.virtual_channels: 1 is too few for dimension_order, must be 2 or more: on a torus one half is for "
            "packets that cross the dateline");
  EXPECT_EQ(
      problem(grid(4, 4, false), Routing::minimal_adaptive, 1),
      "router.virtual_channels: 1 is too few for minimal_adaptive, must be 2 or more: the first one is the escape");
  for (const int n : {0, 33}) {
    EXPECT_THAT(problem(ring(4), Routing::up_down, n), HasSubstr("router.virtual_channels: " + std::to_string(n)));
  }

  Topology t = grid(3, 3, false);
  t.grid.rows = 2;
  EXPECT_THAT(problem(t, Routing::dimension_order, 2), HasSubstr("a 3 x 2 grid does not hold 9 routers"));
  t = grid(3, 3, false);
  connect(t, 0, 8);
  EXPECT_THAT(problem(t, Routing::dimension_order, 2), HasSubstr("link 'r0_r8' has no place in a 3 x 3 grid"));
  t = grid(3, 3, false);
  connect(t, 0, 1);
  EXPECT_THAT(problem(t, Routing::west_first, 2), HasSubstr("link 'r0_r1' has no place"));
  t = grid(3, 3, false);
  t.grid.wraps = true;
  EXPECT_THAT(problem(t, Routing::dimension_order, 2), HasSubstr("router 'r0' has no link to x - 1 of the 3 x 3 grid"));

  t = routers(3, 3);
  connect(t, 0, 1);
  EXPECT_EQ(problem(t, Routing::shortest_path, 1), "routing: shortest_path: no way from 'r2' to 'r0'");
  EXPECT_EQ(problem(t, Routing::up_down, 1), "routing: up_down: no way from 'r2' to 'r0'");
  connect(t, 1, 2, 0);
  EXPECT_EQ(problem(t, Routing::weighted_multipath, 1),
            "routing: weighted_multipath: no way from 'r0' to 'r2' over links of a weight above zero");
  EXPECT_THAT(problem(routers(65536, 1), Routing::shortest_path, 1), HasSubstr("must each be at most 65535"));
}

TEST(Routes, NamesAreInOrder) {
  EXPECT_EQ(routing_names().size(), std::size(kAll));
  EXPECT_EQ(name_of(Routing::dimension_order), "dimension_order");
  EXPECT_EQ(name_of(Routing::up_down), "up_down");
  EXPECT_EQ(name_of(Routing::minimal_adaptive), "minimal_adaptive");
  EXPECT_EQ(name_of(Routing::weighted_multipath), "weighted_multipath");
}

}  // namespace
}  // namespace cowosim::fabric
