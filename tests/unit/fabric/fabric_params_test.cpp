#include "fabric/fabric_params.h"

#include <gmock/gmock.h>

#include <functional>
#include <stdexcept>

#include "core/parameter_visitor.h"

namespace cowosim::fabric {
namespace {

using testing::HasSubstr;

FabricParams named(const std::string& topology) {
  FabricParams p;
  p.topology = topology;
  return p;
}

FabricLink link(const std::string& from, const std::string& to) {
  FabricLink made;
  made.name = from + "_" + to;
  made.from = from;
  made.to = to;
  return made;
}

/// Two dies on a package and a bridge between them: d0 - bridge - d1.
FabricParams package() {
  FabricParams p = named("custom");
  p.clocks = {{"io", 2e9}};
  p.routers = {{"d0", 0, 0, ""}, {"bridge", 10, 2, "io"}, {"d1", 20, 0, ""}};
  p.links = {link("d0", "bridge"), link("bridge", "d1")};
  p.terminals = {{"cores_0", "d0"}, {"cores_1", "d1"}};
  return p;
}

TEST(FabricParams, AreDescribed) {
  FabricParams p = package();
  const std::vector<ParameterInfo> all = describe(p);
  EXPECT_GT(all.size(), 50u);
  for (const ParameterInfo& info : all) {
    EXPECT_FALSE(info.source.empty()) << info.path;
    EXPECT_FALSE(info.doc.empty()) << info.path;
  }
}

TEST(FabricParams, NoneIsNoNetworkAndNoProblem) {
  FabricParams p;
  EXPECT_FALSE(p.present());
  EXPECT_TRUE(problems(p).empty());
  EXPECT_THROW(make_topology(p), std::invalid_argument);
}

TEST(FabricParams, RegularNetworksByName) {
  struct Case {
    const char* name;
    std::size_t routers, links, terminals;
    Routing routing;
  };
  for (const Case& c : {Case{"mesh", 16, 48, 16, Routing::dimension_order},
                        {"torus", 16, 64, 16, Routing::dimension_order},
                        {"ring", 16, 32, 16, Routing::dimension_order},
                        {"crossbar", 1, 0, 16, Routing::shortest_path},
                        {"fully_connected", 16, 240, 16, Routing::shortest_path}}) {
    const FabricParams p = named(c.name);
    EXPECT_TRUE(problems(p).empty()) << c.name;
    const Topology t = make_topology(p);
    EXPECT_EQ(t.routers.size(), c.routers) << c.name;
    EXPECT_EQ(t.links.size(), c.links) << c.name;
    EXPECT_EQ(t.terminals.size(), c.terminals) << c.name;
    EXPECT_EQ(t.kinds.front(), c.name);
    EXPECT_EQ(p.routing_algorithm(), c.routing) << c.name;
  }
}

TEST(FabricParams, RowsAndColumnsReplaceK) {
  FabricParams p = named("mesh");
  p.k = 3;
  EXPECT_EQ(make_topology(p).routers.size(), 9u);
  p.columns = 5;
  EXPECT_EQ(make_topology(p).routers.size(), 15u);
  EXPECT_EQ(make_topology(p).grid.columns, 5);
  p.rows = 2;
  EXPECT_EQ(make_topology(p).routers.size(), 10u);
  p.terminals_per_router = 3;
  EXPECT_EQ(make_topology(p).terminals.size(), 30u);
}

TEST(FabricParams, LinksOfRegularNetworksAreAsLinkSays) {
  FabricParams p = named("mesh");
  p.frequency = 2e9;
  p.flit_bytes = 16;
  p.link.width = 64;
  p.link.cycles = 3;
  p.link.length = 1.5;
  p.link.delay_per_mm = 100 * kPicosecond;
  p.link.energy_per_bit = 0.1;
  const Topology t = make_topology(p);
  EXPECT_EQ(t.domains[0].period, kNanosecond / 2);
  EXPECT_EQ(t.links[0].channel.bandwidth, 16'000'000'000) << "64 bits each 0.5 ns";
  EXPECT_EQ(t.links[0].channel.latency, 1650 * kPicosecond);
  EXPECT_EQ(t.links[0].channel.energy_per_bit, 0.1);
  EXPECT_EQ(t.terminals[0].in.bandwidth, 32'000'000'000) << "a flit";
  EXPECT_EQ(t.terminals[0].out.latency, kNanosecond / 2);
  EXPECT_EQ(t.routers[5].x, 1.5);
  p.link.latency = 4 * kNanosecond;
  EXPECT_EQ(make_topology(p).links[0].channel.latency, 4150 * kPicosecond) << "instead of cycles";
}

TEST(FabricParams, AnyRoutingByItsName) {
  FabricParams p = named("mesh");
  for (std::size_t i = 0; i < routing_names().size(); ++i) {
    p.routing = routing_names()[i];
    EXPECT_EQ(p.routing_algorithm(), static_cast<Routing>(i));
  }
  EXPECT_EQ(FabricParams::routings().size(), routing_names().size() + 1);
  EXPECT_EQ(named("custom").routing_algorithm(), Routing::up_down);
}

TEST(FabricParams, CustomNetworksAreAsTheirEntriesSay) {
  const FabricParams p = package();
  EXPECT_TRUE(problems(p).empty());
  const Topology t = make_topology(p);
  ASSERT_EQ(t.domains.size(), 2u);
  EXPECT_EQ(t.domains[1].name, "io");
  EXPECT_EQ(t.domains[1].period, kNanosecond / 2);
  ASSERT_EQ(t.routers.size(), 3u);
  EXPECT_EQ(t.routers[1].name, "bridge");
  EXPECT_EQ(t.routers[1].domain, 1);
  EXPECT_EQ(t.routers[1].y, 2);
  ASSERT_EQ(t.links.size(), 4u);
  EXPECT_EQ(t.links[0].name, "d0_bridge");
  EXPECT_EQ(t.links[1].name, "bridge_d0");
  EXPECT_EQ(t.links[0].reverse, 1);
  EXPECT_EQ(t.links[0].channel.bandwidth, 32'000'000'000) << "a flit a cycle of the sender";
  EXPECT_EQ(t.links[1].channel.bandwidth, 64'000'000'000);
  EXPECT_EQ(t.links[1].channel.latency, kNanosecond / 2);
  ASSERT_EQ(t.terminals.size(), 2u);
  EXPECT_EQ(t.terminals[1].router, 2);
  EXPECT_EQ(t.grid.columns, 0);
}

TEST(FabricParams, LinksHaveWidthsClocksAndLengthsOfTheirOwn) {
  FabricParams p = package();
  p.link.delay_per_mm = 7 * kPicosecond;
  p.link.cycles = 2;
  p.links[0].clock = "io";
  p.links[0].width = 512;
  p.links[0].cycles = 5;
  p.links[0].weight = 3;
  p.links[1].width = 64;
  p.links[1].latency = 3 * kNanosecond;
  p.links[1].length = 4;
  p.links[1].energy_per_bit = 0.3;
  p.terminals[0].width = 128;
  p.terminals[0].cycles = 4;
  EXPECT_TRUE(problems(p).empty());
  Topology t = make_topology(p);
  EXPECT_EQ(t.links[0].channel.bandwidth, 128'000'000'000) << "64 bytes each 0.5 ns";
  EXPECT_EQ(t.links[0].channel.latency, 5 * kNanosecond / 2 + 12 * 7 * kPicosecond) << "10 mm across and 2 mm up";
  EXPECT_EQ(t.links[0].weight, 3);
  EXPECT_EQ(t.links[1].weight, 3);
  EXPECT_EQ(t.links[2].channel.bandwidth, 16'000'000'000) << "8 bytes each 0.5 ns of the bridge";
  EXPECT_EQ(t.links[3].channel.bandwidth, 8'000'000'000);
  EXPECT_EQ(t.links[2].channel.latency, 3 * kNanosecond + 4 * 7 * kPicosecond);
  EXPECT_EQ(t.links[2].channel.energy_per_bit, 0.3);
  EXPECT_EQ(t.terminals[0].in.bandwidth, 16'000'000'000);
  EXPECT_EQ(t.terminals[0].out.latency, 4 * kNanosecond);
  p.link.latency = kNanosecond;
  p.links[1].latency = 0;
  t = make_topology(p);
  EXPECT_EQ(t.links[0].channel.latency, 5 * kNanosecond / 2 + 84 * kPicosecond) << "its own cycles win";
  EXPECT_EQ(t.links[2].channel.latency, kNanosecond + 28 * kPicosecond);
}

TEST(FabricParams, ForwardLinksFindTheirWayBack) {
  FabricParams p = package();
  p.links = {link("d0", "bridge"), link("bridge", "d1"), link("bridge", "d0"), link("d1", "bridge")};
  for (FabricLink& l : p.links) l.direction = "forward";
  p.links[2].width = 64;
  EXPECT_TRUE(problems(p).empty());
  const Topology t = make_topology(p);
  ASSERT_EQ(t.links.size(), 4u);
  EXPECT_EQ(t.links[0].reverse, 2);
  EXPECT_EQ(t.links[3].reverse, 1);
  EXPECT_NE(t.links[0].channel.bandwidth, t.links[2].channel.bandwidth);
}

TEST(FabricParams, ParallelLinksAndRoutersWithoutTerminalsAreRight) {
  FabricParams p = package();
  FabricLink second = link("bridge", "d0");
  second.name = "again";
  p.links.push_back(second);
  EXPECT_TRUE(problems(p).empty());
  const Topology t = make_topology(p);
  EXPECT_EQ(t.links[4].name, "bridge_d0_2");
  EXPECT_EQ(t.links[5].name, "d0_bridge_2");
}

struct Fault {
  std::function<void(FabricParams&)> plant;
  const char* where;
  const char* what;
};

void expect_found(FabricParams p, const Fault& fault) {
  fault.plant(p);
  const std::vector<ParameterProblem> found = problems(p);
  ASSERT_EQ(found.size(), 1u) << fault.where << " " << fault.what;
  EXPECT_EQ(found[0].parameter, fault.where);
  EXPECT_THAT(found[0].message, HasSubstr(fault.what));
}

TEST(FabricParams, FaultsOfCustomNetworksAreFound) {
  const std::vector<Fault> faults = {
      {[](FabricParams& p) { p.links[0].to = "bridg"; }, "links.d0_bridge.to",
       "there is no router 'bridg'; did you mean 'bridge'?; there are d0, bridge, d1"},
      {[](FabricParams& p) { p.links[0].from = ""; }, "links.d0_bridge.from", "names no router"},
      {[](FabricParams& p) { p.links[0].clock = "oi"; }, "links.d0_bridge.clock", "there is no clock 'oi'"},
      {[](FabricParams& p) { p.links[0].die_to_die = "ucie"; }, "links.d0_bridge.die_to_die", "'ucie'"},
      {[](FabricParams& p) { p.links[0].width = 96; }, "links.d0_bridge.width", "64 or 128 would be right"},
      {[](FabricParams& p) { p.links[0].width = 384; }, "links.d0_bridge.width",
       "384 bits and a flit of 256 are an impossible width ratio: one must be a multiple of the other; 256 or 512"},
      {[](FabricParams& p) { p.link.width = 257; }, "link.width", "256 or 512 would be right"},
      {[](FabricParams& p) { p.terminals[0].width = 100; }, "terminals.cores_0.width", "64 or 128 would be right"},
      {[](FabricParams& p) { p.links.push_back(link("d1", "d1")); }, "links.d1_d1.to", "to itself"},
      {[](FabricParams& p) { p.links[0].direction = "forward"; }, "links.d0_bridge",
       "one-way: credits need a way back; `direction: both` would be right, or another forward link from 'bridge' to "
       "'d0'"},
      {[](FabricParams& p) { p.routers[0].clock = "iO"; }, "routers.d0.clock", "did you mean 'io'?"},
      {[](FabricParams& p) { p.terminals[1].router = "d2"; }, "terminals.cores_1.router", "there is no router 'd2'"},
      {[](FabricParams& p) { p.terminals.clear(); }, "terminals", "at least one"},
      {[](FabricParams& p) { p.links.pop_back(); }, "routers.d1", "disconnected: no links lead from 'd0' to d1"},
      {[](FabricParams& p) { p.clocks[0].name = p.routers[1].clock = "clock"; }, "clocks.clock", "more than once"},
      {[](FabricParams& p) {
         p.link.delay_per_mm = kPicosecond;
         p.routers[1].x = p.routers[1].y = 0;
       },
       "links.d0_bridge.length", "'d0' and 'bridge' are at the same place"},
      {[](FabricParams& p) { p.routing = "dimension_order"; }, "routing", "grid"},
  };
  for (const Fault& fault : faults) expect_found(package(), fault);
}

TEST(FabricParams, FaultsOfRegularNetworksAreFound) {
  const std::vector<Fault> faults = {
      {[](FabricParams& p) { p.link.width = 96; }, "link.width", "64 or 128 would be right"},
      {[](FabricParams& p) { p.link.delay_per_mm = 1; }, "link.length", "above 0mm"},
      {[](FabricParams& p) {
         p.clocks = {{"io", 2e9}};
       },
       "clocks", "topology is 'torus'"},
      {[](FabricParams& p) { p.routers = package().routers; }, "routers", "custom"},
      {[](FabricParams& p) { p.links = package().links; }, "links", "custom"},
      {[](FabricParams& p) { p.terminals = package().terminals; }, "terminals", "custom"},
      {[](FabricParams& p) { p.router.virtual_channels = 1; }, "router.virtual_channels", "too few"},
      {[](FabricParams& p) {
         p.k = 64;
         p.terminals_per_router = 64;
       },
       "terminals", "at most 65534"},
      {[](FabricParams& p) {
         p.topology = "crossbar";
         p.terminals_per_router = 2;
       },
       "terminals_per_router", "leave it out"},
  };
  for (const Fault& fault : faults) expect_found(named("torus"), fault);
}

TEST(FabricParams, DependenciesAreLookedAtOnlyIfAskedFor) {
  FabricParams p = named("custom");
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    p.routers.push_back({name, 0, 0, ""});
    p.terminals.push_back({std::string("at_") + name, name});
  }
  for (const auto& [from, to] : {std::pair{"a", "b"}, {"b", "c"}, {"c", "d"}, {"d", "e"}, {"e", "a"}})
    p.links.push_back(link(from, to));
  p.routing = "shortest_path";
  const std::vector<ParameterProblem> found = problems(p);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].parameter, "routing");
  EXPECT_THAT(found[0].message, HasSubstr("a_b vc 0 -> "));
  p.deadlock_check = false;
  EXPECT_TRUE(problems(p).empty());
  p.deadlock_check = true;
  p.precision = "packet";
  EXPECT_TRUE(problems(p).empty()) << "packets wait for no buffers";
}

TEST(FabricParams, AllProblemsAtOnce) {
  FabricParams p = package();
  p.links[0].to = "x";
  p.links[0].width = 7;
  p.links[1].from = "y";
  p.routers[0].clock = "z";
  p.terminals[0].router = "w";
  const std::vector<ParameterProblem> found = problems(p);
  EXPECT_EQ(found.size(), 5u);
  EXPECT_THROW(make_topology(p), std::invalid_argument);
  const std::vector<ParameterProblem> of_nothing = problems(named("custom"));
  EXPECT_EQ(of_nothing.size(), 2u);
}

}  // namespace
}  // namespace cowosim::fabric
