// Whether packets can wait for each other in a circle: the channel dependency graph of a routing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fabric/routing/routes.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// One VC of one link. One virtual network stands for all: they are copies of each other with VCs of their own, no packet changes from one to
/// another, and terminals, where a request turns into a response, take responses whatever becomes of their own requests.
struct VirtualChannel {
  int link = 0;
  int vc = 0;
};
inline bool operator==(const VirtualChannel& a, const VirtualChannel& b) { return a.link == b.link && a.vc == b.vc; }

/// A routing as the check sees it. Terminals of one router must be treated alike, as sources and as destinations.
struct RoutingRelation {
  /// Appends all hops that a packet to the terminal `destination` may be given, whatever its flow.
  std::function<void(int router, int in_port, int in_vc, int destination, std::vector<Hop>& hops)> hops;
  std::vector<std::uint32_t> groups;  ///< of VCs, as Routes::groups()
  std::uint32_t escape = 0;           ///< VCs that must be free of cycles, whole groups; all of them: every way counts
};

/// Channels each of which waits for the next and the last for the first, as few as there are through one of them, lowest link first; empty: no
/// packets can block each other for ever. A channel waits for another where a packet from some terminal to another may hold the one
/// and ask for the other next (Dally and Seitz, IEEE ToC 1987); among escape channels also where it asks for the other after a way over
/// channels that are not (Duato, TPDS 1993: extended channel dependency graph). Terminals always take what reaches them: no channel waits for
/// one. Costs O(routers x links x groups), not the square of anything: ways to one destination are walked once, wherever they come from.
/// Throws std::logic_error for a hop that splits a group of VCs.
std::vector<VirtualChannel> find_cycle(const Topology& topology, const Ports& ports, const RoutingRelation& routing);

/// "a_b vc 0 -> b_c vc 0 -> a_b vc 0".
std::string describe(const Topology& topology, const std::vector<VirtualChannel>& cycle);

}  // namespace cowosim::fabric
