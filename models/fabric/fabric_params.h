// What a platform file may say in its section `fabric`: a network by name, or router by router.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "fabric/collective/collective_unit.h"
#include "fabric/die_to_die/die_to_die.h"
#include "fabric/die_to_die/shoreline.h"
#include "fabric/flit/flit_params.h"
#include "fabric/network.h"
#include "fabric/routing/routes.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// A clock besides fabric.frequency.
struct FabricClock {
  std::string name;
  double frequency = 1e9;  // hertz

  template <class Visitor>
  void visit(Visitor& v) {
    v("frequency", frequency, Unit::frequency, Range{1e6, 1e11}, "of the clock", "experiment");
  }
};

struct FabricRouter {
  std::string name;
  double x = 0;  // mm
  double y = 0;
  std::string clock;
  std::string die;

  template <class Visitor>
  void visit(Visitor& v) {
    v("x", x, Unit::length, Range{-1000, 1000}, "of its centre on the package", "experiment");
    v("y", y, Unit::length, Range{-1000, 1000}, "of its centre on the package", "experiment");
    v("clock", clock, "one of `clocks`; empty: fabric.frequency", "experiment");
    v("die", die, "one of `dies`, the one it lies on; empty: none, it is on no die's edge", "the package's floor plan");
  }
};

/// What links are like where their own entries do not say otherwise: wires on a die, as in the reference router.
struct FabricWires {
  int width = 0;  // bits per cycle
  int cycles = 1;
  Time latency = 0;
  double length = 0;  // mm
  Time delay_per_mm = 0;
  double energy_per_bit = 0;  // pJ

  template <class Visitor>
  void visit(Visitor& v) {
    v("width", width, Range{0, 1 << 20},
      "bits that pass in a cycle of the link's clock, in each direction; a flit must be a multiple of it, or it one of "
      "a flit; 0: a flit",
      "reference router: BookSim2 (Jiang et al., ISPASS 2013), a flit a cycle");
    v("cycles", cycles, Range{1, 1000000}, "latency, in cycles of the link's clock", "reference router: BookSim2");
    v("latency", latency, Unit::time, Range{0, 1e12}, "latency as a time, instead of `cycles`; 0: in cycles",
      "experiment");
    v("length", length, Unit::length, Range{0, 1000},
      "of the wires; 0: from the positions of routers, |x| + |y| (wires run along the axes)", "experiment");
    v("delay_per_mm", delay_per_mm, Unit::time, Range{0, 1e9},
      "what each mm of length adds to the latency; 0: the latency holds all",
      "assumption [7 ps, 150 ps]: the speed of light in SiO2 to repeated wires of a logic die");
    v("energy_per_bit", energy_per_bit, Unit::energy_bit, Range{0, 1000}, "energy of a bit of a flit on its way",
      "assumption [0.01 pJ/bit, 0.06 pJ/bit] each mm: 0.2 pF/mm at 0.4 V to 0.75 V; 0: not counted");
  }
};

/// A link, or both directions of one. What is 0 or empty is as fabric.link says, or, of a link with die_to_die, as that
/// says: such a one has no clock, width, cycles, latency and energy_per_bit of its own.
struct FabricLink {
  std::string name;
  std::string from;
  std::string to;
  std::string direction = "both";
  std::string die_to_die;
  std::string clock;
  int width = 0;
  int cycles = 0;
  Time latency = 0;
  double length = 0;
  double energy_per_bit = 0;
  int weight = 1;
  std::string from_edge;
  std::string to_edge;

  template <class Visitor>
  void visit(Visitor& v) {
    v("from", from, "router", "experiment");
    v("to", to, "router", "experiment");
    v("direction", direction, std::vector<std::string>{"both", "forward"},
      "both: a link each way, alike; forward: only `from` to `to`, for ways that differ; the way back is another entry",
      "experiment");
    v("die_to_die", die_to_die,
      "one of `die_to_die`, which says what the link is like; empty: wires on a die. A router sends a flit a cycle at "
      "most, whatever the link could carry",
      "experiment");
    v("clock", clock, "one of `clocks`, of the wires; empty: that of the router that sends", "experiment");
    v("width", width, Range{0, 1 << 20}, "as link.width", "experiment");
    v("cycles", cycles, Range{0, 1000000}, "as link.cycles", "experiment");
    v("latency", latency, Unit::time, Range{0, 1e12}, "as link.latency: instead of `cycles`", "experiment");
    v("length", length, Unit::length, Range{0, 1000},
      "as link.length; with die_to_die, 0: that one's length, and if that is 0 too the distance of the dies, or of "
      "routers without dies",
      "experiment");
    v("energy_per_bit", energy_per_bit, Unit::energy_bit, Range{0, 1000}, "as link.energy_per_bit", "experiment");
    v("weight", weight, Range{0, 1000}, "share of the traffic among equal ways, for weighted_multipath", "experiment");
    const char* edge = "edge of the die it leaves, of a link with die_to_die; empty: the one that faces the other die";
    v("from_edge", from_edge, edge, "the package's floor plan");
    v("to_edge", to_edge, "as from_edge, at the other end", "the package's floor plan");
  }
};

/// What takes room on a die's edge without being a link of the network: the PHY of an HBM stack.
struct FabricPhy {
  std::string name;
  std::string die;
  std::string edge;
  std::string die_to_die;

  template <class Visitor>
  void visit(Visitor& v) {
    v("die", die, "one of `dies`", "the package's floor plan");
    v("edge", edge, "north, east, south or west", "the package's floor plan");
    v("die_to_die", die_to_die, "one of `die_to_die`, which says how many mm it takes", "experiment");
  }
};

/// Where something is connected. Its channels, in and out alike, have the clock of its router.
struct FabricTerminal {
  std::string name;
  std::string router;
  int width = 0;  // bits per cycle
  int cycles = 1;

  template <class Visitor>
  void visit(Visitor& v) {
    v("router", router, "where it is", "experiment");
    v("width", width, Range{0, 1 << 20}, "bits per cycle into the network and out of it; 0: a flit",
      "reference router: BookSim2, a flit a cycle");
    v("cycles", cycles, Range{1, 1000000}, "latency into the network and out of it", "reference router: BookSim2");
  }
};

/// Defaults: the reference router (`reference/mesh`).
struct FabricParams {
  std::string precision = "flit";
  std::string topology = "none";
  int k = 4;
  int columns = 0;
  int rows = 0;
  int nodes = 16;
  int terminals_per_router = 1;
  double frequency = 1e9;  // hertz
  int flit_bytes = 32;
  int header_bytes = 0;
  std::string routing = "auto";
  bool deadlock_check = true;
  RouterParams router;
  QosParams qos;
  CollectiveParams collectives;
  FabricWires link;
  std::vector<FabricClock> clocks;
  std::vector<FabricRouter> routers;
  std::vector<FabricLink> links;
  std::vector<FabricTerminal> terminals;
  std::vector<DieToDieParams> die_to_die;
  std::vector<DieOutline> dies;
  std::vector<FabricPhy> phys;

  bool present() const { return topology != "none"; }
  bool flits() const { return precision == "flit"; }
  /// Terminals in rows of so many, as a grid; 0: they are none.
  int terminal_columns() const {
    if (terminals_per_router != 1) return 0;
    if (topology == "mesh" || topology == "torus") return columns > 0 ? columns : k;
    return topology == "ring" ? nodes : 0;
  }
  int terminal_count() const;
  PacketFormat format() const { return {flit_bytes, header_bytes, Stage::fabric, Stage::return_path}; }
  /// What `routing` stands for. auto: dimension_order on mesh, torus and ring; shortest_path where each terminal is at most one link away
  /// (crossbar, fully_connected); up_down on custom networks.
  Routing routing_algorithm() const;

  static const std::vector<std::string>& topologies() {
    static const std::vector<std::string> names = {"none",  "mesh", "torus", "ring", "crossbar", "fully_connected",
                                                   "custom"};
    return names;
  }
  /// "auto", then routing_names().
  static const std::vector<std::string>& routings();

  template <class Visitor>
  void visit(Visitor& v) {
    const char* reference = "reference router: BookSim2 (Jiang et al., ISPASS 2013)";
    v("precision", precision, std::vector<std::string>{"flit", "packet"},
      "flit: virtual channels, credits, arbitration cycle by cycle; packet: fast, links without buffers", "experiment");
    v("topology", topology, topologies(),
      "of routers; none: there is no fabric; custom: the entries of routers, links and terminals", "experiment");
    v("k", k, Range{1, 64}, "routers of each side of a mesh or torus", "experiment");
    v("columns", columns, Range{0, 64}, "routers of a row of a mesh or torus; 0: k", "experiment");
    v("rows", rows, Range{0, 64}, "rows of a mesh or torus; 0: k", "experiment");
    v("nodes", nodes, Range{1, 1024}, "routers of a ring or of a fully connected network; terminals of a crossbar",
      "experiment");
    v("terminals_per_router", terminals_per_router, Range{1, 64}, "of all networks but custom ones and crossbars",
      reference);
    v("frequency", frequency, Unit::frequency, Range{1e6, 1e11}, "clock of what has no other one",
      "assumption [1 GHz, 2 GHz]: on-die networks; 1 GHz makes cycles nanoseconds");
    v("flit_bytes", flit_bytes, Range{1, 4096}, "of a flit: what a link of full width carries in a cycle",
      "assumption [16, 128]: a sector of 32 bytes");
    v("header_bytes", header_bytes, Range{0, 256}, "bytes a packet carries besides data", reference);
    v("routing", routing, routings(),
      "auto: dimension_order on mesh, torus and ring, shortest_path on crossbar and fully_connected, up_down on "
      "custom; "
      "precision packet takes the shortest path always",
      reference);
    v("deadlock_check", deadlock_check,
      "the channel dependency graph must have no cycle; false: a deadlock is found when it happens",
      "Dally and Seitz, IEEE Trans. Computers 1987");
    v.group("router", router, "every router; precision packet knows the pipeline alone");
    v.group("qos", qos, "who goes first, at flit precision");
    v.group("collectives", collectives, "units at routers that multicast and reduce, where a workload uses them");
    v.group("link", link, "every link, where its entry does not say otherwise");
    v.entries("clocks", clocks, "clocks of custom networks by name, besides `frequency`");
    v.entries("routers", routers, "routers of a custom network by name");
    v.entries("links", links, "links of a custom network by name; several between two routers may stand side by side");
    v.entries("terminals", terminals, "terminals of a custom network by name: what can send and receive");
    v.entries("die_to_die", die_to_die,
              "kinds of die-to-die links by name, all links of a kind alike; results group links by it");
    v.entries("dies", dies, "dies of a custom network by name; none: nothing is said about edges");
    v.entries("phys", phys, "what takes room on edges of dies besides links, by name: PHYs of HBM stacks");
  }
};

/// All that keeps a network from being built, with paths below the section ("links.a_b.to"): first what entries say, then what is wrong with the topology they make, then,
/// at flit precision, what Routes::problems() finds.
///
/// Where there are `dies`, every link that takes room on an edge joins routers on two of them, and no edge holds more than its length (shoreline.h). A module's
/// edge is that of both directions: a link of one direction takes half of it. Links that take none (shoreline 0mm: stacked dies) need no dies.
std::vector<ParameterProblem> problems(const FabricParams& params);

/// Of custom networks: domain 0 is "clock", that of `frequency`, then `clocks`; routers, links and terminals in the order of their entries, a link of both directions
/// `from` to `to` first. Links are called "<from>_<to>" (see name_links), their kind is "on_die" or the name of their die_to_die. Throws std::invalid_argument with the first of problems(), and for `none`.
Topology make_topology(const FabricParams& params);

}  // namespace cowosim::fabric
