// Where a packet may go next: built once from the topology, asked by the flit heart for every head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "fabric/topology.h"

namespace cowosim::fabric {

enum class Routing : std::uint8_t {
  dimension_order,   ///< X then Y; on a torus with dateline: half of the VCs before it, half after (grids only)
  shortest_path,     ///< fewest hops, lowest link first among equals
  up_down,           ///< never up again after down, seen from a spanning tree: any topology, no cycles
  west_first,        ///< adaptive among minimal ways but for packets that go west (mesh only)
  minimal_adaptive,  ///< any minimal way; the first VC of a network is the escape, routed by dimension order or up_down
  weighted_multipath  ///< among the shortest paths by the weights of their links, by hash of the flow: flows stay in order
};

/// VCs of one virtual network are numbered 0 to n-1 here; the heart adds the network's offset.
struct Hop {
  std::uint16_t port = 0;           ///< output port of the router
  std::uint16_t straight = kTurns;  ///< arrived on this port: keeps to the layer of the VC it is in (dateline)
  std::uint32_t vcs = 0;            ///< bit v: may take VC v; never empty
  std::uint8_t rank = 0;            ///< higher ones are only for when lower ones have no free VC
  static constexpr std::uint16_t kTurns = 0xFFFF;
};

/// A packet on its way, as far as routing is concerned.
struct Heading {
  std::uint16_t destination = 0;  ///< terminal
  std::uint64_t flow = 0;         ///< hash: ties and multipath are drawn from it, never from a counter
};

class Routes {
 public:
  struct Choice {
    const Hop* first;
    std::uint32_t count;  ///< >= 1; several only where `adaptive`
  };

  /// `virtual_channels` of each virtual network, 1 to 32. Throws std::invalid_argument where problems() would report any.
  Routes(const Topology& topology, const Ports& ports, Routing routing, int virtual_channels);

  /// Ways on from `router`, for a packet that came in on `in_port`. At the router of its destination: the terminal's port, all VCs.
  Choice next(int router, int in_port, const Heading& heading) const;
  /// Of a torus: VCs of the layer of `vc` (all where there are no layers).
  std::uint32_t layer(int vc) const { return layers_[static_cast<std::size_t>(vc)]; }
  bool adaptive() const { return adaptive_; }
  /// Routers passed from terminal to terminal (both ends included), for deterministic and minimal routings.
  int hops(int source, int destination) const;
  /// Whether packets of a flow can overtake each other (adaptive ways do).
  bool in_order() const { return !adaptive_; }

  /// What a topology lacks for a routing (not a grid, too few VCs), and the cycle if its channel dependency graph has one: the channels in
  /// order, "a_b vc 0 -> b_c vc 0 -> ... -> a_b vc 0". With minimal_adaptive the escape VCs' extended graph is checked (Duato, TPDS 1993).
  static std::vector<ParameterProblem> problems(const Topology& topology, Routing routing, int virtual_channels,
                                                bool check_cycles = true);

 private:
  bool adaptive_ = false;
  std::vector<std::uint32_t> layers_;
};

/// The choices of a parameter, in the order of Routing: "dimension_order", ...
const std::vector<std::string>& routing_names();

}  // namespace cowosim::fabric
