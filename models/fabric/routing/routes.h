// Where a packet may go next: built once from the topology, asked by the flit heart for every head.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

enum class Routing : std::uint8_t {
  dimension_order,   ///< X then Y; on a torus with dateline: half of the VCs before it, half after (grids only)
  shortest_path,     ///< fewest hops, lowest link first among equals
  up_down,           ///< never up again after down, seen from a spanning tree: any topology, no cycles
  west_first,        ///< adaptive among minimal ways but for packets that go west (mesh only)
  minimal_adaptive,  ///< any minimal way; the first VC of a network is the escape, routed by dimension order or up_down
  weighted_multipath  ///< among the shortest paths by the weights of their links, by hash of the flow: flows keep to one
};

/// A way on. VCs of one virtual network are numbered 0 to n-1 here; the heart adds the network's offset.
struct Hop {
  std::uint32_t vcs = 0;   ///< bit v: may take VC v; never empty
  std::uint16_t port = 0;  ///< output port of the router
  std::uint16_t rank = 0;  ///< higher ones are only for when lower ones have no free VC
};
inline bool operator==(const Hop& a, const Hop& b) { return a.vcs == b.vcs && a.port == b.port && a.rank == b.rank; }

/// A packet on its way, as far as routing is concerned.
struct Heading {
  std::uint16_t destination = 0;  ///< terminal
  std::uint64_t flow = 0;         ///< hash of source, destination and virtual network: multipath is drawn from it
  std::uint64_t packet = 0;       ///< hash of the packet itself: the two ways of a torus that are equally long
};

class Routes {
 public:
  static constexpr int kMaxChoices = 8;
  static constexpr int kFromTerminal = -1;  ///< the `in_vc` of what a terminal injects, whatever VC it waits in

  /// `virtual_channels` of each virtual network, 1 to 32. Throws std::invalid_argument where problems() would report anything but a cycle.
  Routes(const Topology& topology, const Ports& ports, Routing routing, int virtual_channels);

  /// Ways on from `router` for a packet that came in on `in_port` in VC `in_vc`, written to `out` (room for kMaxChoices) in order of rank,
  /// which begins at 0; how many: 1, or more where adaptive(). At the router of its destination: the terminal's port, all VCs.
  int next(int router, int in_port, int in_vc, const Heading& heading, Hop* out) const {
    const Target target = targets_[heading.destination];
    if (target.router == router) {
      *out = {all_, target.port, 0};
      return 1;
    }
    if (mesh_) {
      *out = {all_, x_then_y(places_[static_cast<std::size_t>(router)], target), 0};
      return 1;
    }
    return elsewhere(router, in_port, in_vc, target, method_ == Method::dimension_order ? heading.packet : heading.flow,
                     out);
  }
  /// Appends all that next() answers for any flow (and what it leaves out where a router has more minimal ways than kMaxChoices).
  void ways(int router, int in_port, int in_vc, int destination, std::vector<Hop>& out) const;

  bool adaptive() const { return adaptive_; }
  /// Whether packets of a flow take one way. Those in different VCs of it may overtake each other all the same.
  bool in_order() const { return !adaptive_; }
  /// Routers passed from terminal to terminal (both ends included); with adaptive routings by a minimal way.
  int hops(int source, int destination) const;

  /// VCs in which a circle of packets may form that only the escape VC dissolves (minimal_adaptive: all others; else none). That argument needs
  /// every head at the front of its buffer: such a VC may be given to a packet only while its buffer is empty (Duato, TPDS 1993,
  /// assumption 4) or has room for the whole packet (Ma, Enright Jerger and Wang, HPCA 2012).
  std::uint32_t needs_whole_packet() const { return all_ & ~escape_; }
  /// VCs whose dependencies must be free of cycles: the escape of minimal_adaptive, else all.
  std::uint32_t escape() const { return escape_; }
  /// The VCs in groups: those of a group lead to the same ways, and a hop allows all of them or none.
  const std::vector<std::uint32_t>& groups() const { return groups_; }

  /// What a topology without problems(topology) lacks for a routing (not a grid, too few VCs), and the cycle if its channel dependency graph has
  /// one: the channels in order, "a_b vc 0 -> b_c vc 0 -> ... -> a_b vc 0".
  static std::vector<ParameterProblem> problems(const Topology& topology, Routing routing, int virtual_channels,
                                                bool check_cycles = true);

 private:
  enum class Method : std::uint8_t {
    dimension_order,
    table,
    up_down,
    west_first,
    adaptive_grid,
    adaptive_table,
    multipath
  };
  enum Direction : std::uint8_t { kEast, kWest, kNorth, kSouth };  // x + 1, x - 1, y + 1, y - 1
  static constexpr std::uint16_t kNoPort = 0xFFFF;
  struct Target {  // of a terminal
    std::uint16_t router;
    std::uint16_t port;
    std::array<std::uint16_t, 2> at;  // x, y on grids
  };
  struct Place {  // of a router on a grid
    std::array<std::uint16_t, 2> at;
    std::array<std::uint16_t, 4> port;  // by Direction
  };
  struct PortEnd {  // where a port leads
    std::uint16_t router;
    std::uint16_t port;
    bool down;  // away from the root; so came up what comes in here
  };
  struct Candidate {
    std::uint64_t up_to;  // sum of the weights up to this one
    std::uint16_t port;
  };
  struct Set {  // ways of equal length
    std::uint32_t first;
    std::uint32_t count;
  };

  Routes() = default;
  std::vector<ParameterProblem> build(const Topology& topology, const Ports& ports, Routing routing,
                                      int virtual_channels);
  std::string lay_out(const Topology& topology, const Ports& ports);
  std::string build_up_down(const Topology& topology, const Ports& ports);
  std::string build_table(const Topology& topology, const Ports& ports);
  std::string build_sets(const Topology& topology, const Ports& ports, bool weighted);

  static std::uint16_t x_then_y(const Place& place, Target target) {
    if (target.at[0] != place.at[0]) return place.port[target.at[0] > place.at[0] ? kEast : kWest];
    return place.port[target.at[1] > place.at[1] ? kNorth : kSouth];
  }
  int elsewhere(int router, int in_port, int in_vc, Target target, std::uint64_t flow, Hop* out) const;
  int minimal_or_escape(int router, int in_port, int in_vc, Target target, std::uint64_t flow, Hop* out) const;
  std::uint16_t by_weight(int router, Target target, std::uint64_t flow) const;
  Hop by_dimension(int router, int in_port, int in_vc, Target target, std::uint64_t flow) const;
  int minimal_on_grid(const Place& place, Target target, std::uint32_t vcs, Hop* out) const;
  std::uint16_t escape_port(int router, int in_port, int in_vc, Target target) const;
  std::uint16_t up_down_port(int router, bool went_down, Target target) const {
    return up_down_[2 * pair(router, target.router) + (went_down ? 1 : 0)];
  }
  Set set_of(int router, Target target) const {
    return sets_[first_set_[static_cast<std::size_t>(router)] + set_[pair(router, target.router)]];
  }
  std::size_t pair(int router, int destination) const {
    return static_cast<std::size_t>(router) * routers_ + static_cast<std::size_t>(destination);
  }
  const PortEnd& end(int router, int port) const {
    return ends_[first_port_[static_cast<std::size_t>(router)] + static_cast<std::size_t>(port)];
  }

  Method method_ = Method::dimension_order;
  bool mesh_ = false;  // and dimension order: next() answers itself
  bool adaptive_ = false;
  std::uint32_t all_ = 0;
  std::uint32_t escape_ = 0;
  std::vector<std::uint32_t> groups_;  // on a torus: [before the dateline] [after it]
  int lower_ = 0;                      // VCs before the dateline
  std::vector<Target> targets_;        // by terminal
  std::vector<Place> places_;          // by router, on grids
  std::array<int, 2> size_{};          // of the grid
  std::array<bool, 2> wraps_{};
  std::size_t routers_ = 0;
  std::vector<std::uint32_t> first_port_;  // by router, into ends_
  std::vector<PortEnd> ends_;              // by port of the network
  std::vector<std::uint16_t> table_;       // port by pair(), shortest_path
  std::vector<std::uint16_t> up_down_;     // port by pair() and whether the packet went down already
  std::vector<std::uint16_t> set_;         // by pair(), counted from first_set_ of the router
  std::vector<std::uint32_t> first_set_;   // by router, into sets_
  std::vector<Set> sets_;
  std::vector<Candidate> candidates_;
};

/// The choices of a parameter, in the order of Routing: "dimension_order", ...
const std::vector<std::string>& routing_names();

}  // namespace cowosim::fabric
