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
  p.routers = {{"d0", 0, 0, "", ""}, {"bridge", 10, 2, "io", ""}, {"d1", 20, 0, "", ""}};
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

DieOutline die(const std::string& name, double x, double y) {
  DieOutline made;
  made.name = name;
  made.x = x;
  made.y = y;
  made.width = 10;
  made.height = 20;
  return made;
}

DieToDieParams kind(const std::string& name, const std::string& standard) {
  DieToDieParams made(standard);
  made.name = name;
  return made;
}

FabricLink crossing(const std::string& from, const std::string& to, const std::string& die_to_die) {
  FabricLink made = link(from, to);
  made.die_to_die = die_to_die;
  return made;
}

/// Two dies 0.5 mm apart, a UCIe bridge between them, an HBM stack at the outer edge of each.
FabricParams two_dies() {
  FabricParams p = named("custom");
  p.dies = {die("left", 0, 0), die("right", 10.5, 0)};
  p.die_to_die = {kind("ucie", "ucie_advanced"), kind("hbm", "hbm_phy")};
  p.routers = {{"a", 5, 10, "", "left"}, {"b", 15.5, 10, "", "right"}};
  p.links = {crossing("a", "b", "ucie")};
  p.phys = {{"hbm_0", "left", "west", "hbm"}, {"hbm_1", "right", "east", "hbm"}};
  p.terminals = {{"cores_0", "a"}, {"cores_1", "b"}};
  return p;
}

TEST(FabricParams, BridgesBetweenDiesAreAsTheirKindSays) {
  FabricParams p = two_dies();
  EXPECT_TRUE(problems(p).empty());
  Topology t = make_topology(p);
  ASSERT_EQ(t.kinds.size(), 3u);
  EXPECT_EQ(t.kinds[1], "ucie");
  ASSERT_EQ(t.links.size(), 2u);
  for (const Topology::Link& l : t.links) {
    const Channel whole = channel_of(p.die_to_die[0], p.flit_bytes);
    EXPECT_EQ(l.kind, 1);
    EXPECT_EQ(l.channel.bandwidth, 236'000'000'000) << "236 of 256 bytes, 64 lanes, 32 GT/s";
    EXPECT_EQ(l.channel.latency, whole.latency);
    EXPECT_EQ(l.channel.energy_per_bit, whole.energy_per_bit);
    EXPECT_EQ(l.channel.bit_error_rate, whole.bit_error_rate);
    EXPECT_EQ(l.channel.replay_latency, whole.replay_latency);
    EXPECT_EQ(l.channel.degraded_at, kNever);
  }
  p.die_to_die[0].lanes_lost = 4 + 16;
  p.die_to_die[0].lost_at = kMicrosecond;
  t = make_topology(p);
  EXPECT_EQ(t.links[1].channel.degraded_at, kMicrosecond);
  EXPECT_EQ(t.links[1].channel.degraded_bandwidth, 177'000'000'000) << "48 of 64 lanes";
}

TEST(FabricParams, BridgesAreAsLongAsTheLinkTheirKindOrTheDistanceSays) {
  FabricParams p = two_dies();
  p.die_to_die[0].crossing_latency = 0;
  const auto flight = [&] { return make_topology(p).links[0].channel.latency - p.die_to_die[0].latency; };
  const DieToDieParams& ucie = p.die_to_die[0];
  const auto expected = [&](double length) {
    return flight_time(length, ucie.resistance, ucie.capacitance, ucie.permittivity) +
           check_latency(ucie, p.flit_bytes);
  };
  ASSERT_LT(expected(0.5), expected(1));
  EXPECT_EQ(flight(), expected(1)) << "of the kind";
  p.links[0].length = 2;
  EXPECT_EQ(flight(), expected(2)) << "its own";
  p.links[0].length = 0;
  p.die_to_die[0].length = 0;
  EXPECT_EQ(flight(), expected(0.5)) << "from edge to edge";
  p.link.length = 1.5;
  EXPECT_EQ(flight(), expected(0.5)) << "that of wires on a die is none of its business";
  p.dies.clear();
  p.phys.clear();
  p.routers = {{"a", 5, 10, "", ""}, {"b", 6, 10.25, "", ""}};
  EXPECT_EQ(flight(), expected(1.25)) << "without dies from router to router";
}

/// Four I/O dies in two rows, 1.5 TB/s to the east and west, 1.2 TB/s to the north and south.
FabricParams io_dies() {
  FabricParams p = named("custom");
  p.dies = {die("sw", 0, 0), die("se", 11, 0), die("nw", 0, 21), die("ne", 11, 21)};
  p.die_to_die = {kind("if_x", "infinity_fabric"), kind("if_y", "infinity_fabric")};
  p.die_to_die[1].bandwidth = 1'200'000'000'000;
  p.die_to_die[1].take_defaults();
  for (const DieOutline& d : p.dies) {
    p.routers.push_back({"at_" + d.name, d.x + 5, d.y + 10, "", d.name});
    p.terminals.push_back({"t_" + d.name, "at_" + d.name});
  }
  p.links = {crossing("at_sw", "at_se", "if_x"), crossing("at_nw", "at_ne", "if_x"), crossing("at_sw", "at_nw", "if_y"),
             crossing("at_se", "at_ne", "if_y")};
  return p;
}

TEST(FabricParams, DiesInTwoRowsHaveBridgesOfTwoKinds) {
  FabricParams p = io_dies();
  EXPECT_TRUE(problems(p).empty());
  const Topology t = make_topology(p);
  ASSERT_EQ(t.links.size(), 8u);
  for (std::size_t l = 0; l < t.links.size(); ++l) {
    EXPECT_EQ(t.kinds[static_cast<std::size_t>(t.links[l].kind)], l < 4 ? "if_x" : "if_y") << l;
    EXPECT_EQ(t.links[l].channel.bandwidth, l < 4 ? 1'500'000'000'000 : 1'200'000'000'000) << l;
  }
  EXPECT_GT(shoreline_mm(p.die_to_die[0]), shoreline_mm(p.die_to_die[1]));
  // 2 mm of the northern edge are left: a bridge of 1.2 TB/s fits there, one of 1.5 TB/s does not.
  p.phys = {{"hbm_0", "sw", "north", "hbm"}};
  p.die_to_die.push_back(kind("hbm", "hbm_phy"));
  EXPECT_TRUE(problems(p).empty()) << "8 mm and 1.82 mm on 10 mm";
  p.links[2].die_to_die = "if_x";
  const std::vector<ParameterProblem> found = problems(p);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].parameter, "dies.sw");
  EXPECT_THAT(found[0].message, HasSubstr("its north edge has 10 mm, and 10.2779 mm are needed there"));
  EXPECT_THAT(found[0].message, HasSubstr("(links.at_sw_at_nw 2.2779 mm, phys.hbm_0 8 mm)"));
}

TEST(FabricParams, StackedDiesHaveLinksThatTakeNoEdge) {
  FabricParams p = two_dies();
  p.dies.push_back(die("base", 0, 0));
  p.routers.push_back({"under", 5, 10, "", "base"});
  p.die_to_die.push_back(kind("bond", "generic"));
  p.die_to_die.back().bandwidth = 1'000'000'000'000;
  p.links.push_back(crossing("a", "under", "bond"));
  EXPECT_TRUE(problems(p).empty());
  p.routers.back().die = "";
  EXPECT_TRUE(problems(p).empty());
  p.links.back().to_edge = "up";
  EXPECT_EQ(problems(p).size(), 1u);
  p.links.back().to_edge = "";
  p.links.back().die_to_die = "ucie";
  EXPECT_EQ(problems(p).size(), 1u) << "a bridge leaves over an edge";
}

TEST(FabricParams, DirectionsOfAModuleShareItsEdge) {
  FabricParams p = two_dies();
  p.die_to_die[0].shoreline = 20;
  EXPECT_TRUE(problems(p).empty());
  FabricLink there = p.links[0], back = p.links[0];
  there.direction = back.direction = "forward";
  std::swap(back.from, back.to);
  back.name = "back";
  p.links = {there, back};
  EXPECT_TRUE(problems(p).empty());
  p.links.push_back(crossing("a", "b", "ucie"));
  EXPECT_EQ(problems(p).size(), 2u) << "40 mm on 20 mm, on both sides";
}

TEST(FabricParams, EdgesMayBeNamed) {
  FabricParams p = two_dies();
  p.links[0].from_edge = "west";
  p.die_to_die[0].shoreline = 13;
  const std::vector<ParameterProblem> found = problems(p);
  ASSERT_EQ(found.size(), 1u) << "the eastern edge of the right die is free";
  EXPECT_EQ(found[0].parameter, "dies.left");
  EXPECT_THAT(found[0].message, HasSubstr("its west edge has 20 mm, and 21 mm are needed"));
  p.links[0].from_edge = "north";
  EXPECT_EQ(problems(p).size(), 1u) << "13 mm on 10 mm";
  p.die_to_die[0].shoreline = 9;
  EXPECT_TRUE(problems(p).empty());
  // Dies that lie diagonally face each other nowhere.
  p.dies[1].y = 20.5;
  p.routers[1].y = 30;
  p.links[0].from_edge = "";
  EXPECT_EQ(problems(p).size(), 2u);
  p.links[0].from_edge = "north";
  p.links[0].to_edge = "south";
  EXPECT_TRUE(problems(p).empty());
  p.dies[1].y = 20.6;
  EXPECT_EQ(problems(p).size(), 1u) << "1 mm does not reach 0.5 mm to the east and 0.6 mm to the north";
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
      {[](FabricParams& p) { p.links[0].die_to_die = "ucie"; }, "links.d0_bridge.die_to_die",
       "there is no die-to-die link 'ucie'; there are none"},
      {[](FabricParams& p) { p.links[0].from_edge = "east"; }, "links.d0_bridge.from_edge", "leave it out"},
      {[](FabricParams& p) { p.links[0].to_edge = "east"; }, "links.d0_bridge.to_edge", "leave it out"},
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

TEST(FabricParams, FaultsOfDiesAndWhatJoinsThemAreFound) {
  EXPECT_TRUE(problems(two_dies()).empty());
  const std::vector<Fault> faults = {
      {[](FabricParams& p) { p.links[0].die_to_die = "uice"; }, "links.a_b.die_to_die",
       "there is no die-to-die link 'uice'; did you mean 'ucie'?; there are ucie, hbm"},
      {[](FabricParams& p) { p.links[0].die_to_die = ""; }, "links.a_b.die_to_die",
       "'a' is on die 'left' and 'b' on 'right', which needs one; there are ucie, hbm"},
      {[](FabricParams& p) { p.links[0].width = 128; }, "links.a_b.width", "die_to_die 'ucie' says it; leave it out"},
      {[](FabricParams& p) {
         p.clocks = {{"io", 2e9}};
         p.links[0].clock = "io";
       },
       "links.a_b.clock", "leave it out"},
      {[](FabricParams& p) { p.links[0].cycles = 2; }, "links.a_b.cycles", "leave it out"},
      {[](FabricParams& p) { p.links[0].latency = 1; }, "links.a_b.latency", "leave it out"},
      {[](FabricParams& p) { p.links[0].energy_per_bit = 1; }, "links.a_b.energy_per_bit", "leave it out"},
      {[](FabricParams& p) { p.links[0].length = 0.4; }, "links.a_b.length",
       "0.4 mm is less than the 0.5 mm between 'left' and 'right'"},
      {[](FabricParams& p) { p.die_to_die[0].length = 0.4; }, "links.a_b.length", "or die_to_die 'ucie'"},
      {[](FabricParams& p) { p.links[0].length = 3; }, "links.a_b.length", "ucie_advanced reaches 2mm, not 3mm"},
      {[](FabricParams& p) { p.die_to_die[0].length = 3; }, "die_to_die.ucie.length", "reaches 2mm"},
      {[](FabricParams& p) { p.die_to_die[1].data_rate = 0; }, "die_to_die.hbm.bandwidth", "needs bandwidth"},
      {[](FabricParams& p) { p.die_to_die[0].name = p.links[0].die_to_die = "on_die"; }, "die_to_die.on_die",
       "another name"},
      {[](FabricParams& p) { p.routers[1].die = ""; }, "links.a_b.to",
       "takes 0.388762 mm of an edge, and 'b' is on no die: routers.b.die would be right, one of left, right"},
      {[](FabricParams& p) { p.routers[0].die = "lfet"; }, "routers.a.die",
       "there is no die 'lfet'; did you mean 'left'?; there are left, right"},
      {[](FabricParams& p) { p.routers[0].x = 10.4; }, "routers.a.die",
       "'left' reaches from x 0 mm to 10 mm and from y 0 mm to 20 mm, and the router is at 10.4 mm, 10 mm"},
      {[](FabricParams& p) { p.routers[1].y = -1; }, "routers.b.die", "the router is at 15.5 mm, -1 mm"},
      {[](FabricParams& p) {
         p.routers[1].die = "left";
         p.routers[1].x = 6;
       },
       "links.a_b.die_to_die", "on one die, 'left'"},
      {[](FabricParams& p) { p.links[0].from_edge = "esat"; }, "links.a_b.from_edge", "did you mean 'east'"},
      {[](FabricParams& p) { p.links[0].to_edge = "wets"; }, "links.a_b.to_edge", "did you mean 'west'"},
      {[](FabricParams& p) { p.phys[0].die = "middle"; }, "phys.hbm_0.die", "there is no die 'middle'"},
      {[](FabricParams& p) { p.phys[0].edge = ""; }, "phys.hbm_0.edge",
       "names no edge; there are north, east, south, west"},
      {[](FabricParams& p) { p.phys[0].die_to_die = "hmb"; }, "phys.hbm_0.die_to_die", "did you mean 'hbm'"},
      {[](FabricParams& p) {
         p.phys[0].edge = "east";
         p.die_to_die[1].modules = 40;
       },
       "dies.left",
       "its east edge has 20 mm, and 20.3888 mm are needed there (links.a_b 0.388762 mm, phys.hbm_0 20 mm)"},
  };
  for (const Fault& fault : faults) expect_found(two_dies(), fault);
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
      {[](FabricParams& p) { p.die_to_die.emplace_back(); }, "die_to_die", "custom"},
      {[](FabricParams& p) { p.dies.emplace_back(); }, "dies", "custom"},
      {[](FabricParams& p) { p.phys.emplace_back(); }, "phys", "custom"},
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
    p.routers.push_back({name, 0, 0, "", ""});
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
  p = two_dies();
  p.links[0].width = 7;
  p.links[0].length = 0.1;
  p.routers[0].x = -1;
  p.phys[0].edge = "up";
  p.die_to_die[1].shoreline = 3;
  EXPECT_EQ(problems(p).size(), 5u) << "and hbm_1, 48 mm on 20 mm";
  const std::vector<ParameterProblem> of_nothing = problems(named("custom"));
  EXPECT_EQ(of_nothing.size(), 2u);
}

}  // namespace
}  // namespace cowosim::fabric
