// A network at flit precision: input-queued routers, virtual channels, credits, cycle by cycle, but only where something moves.
#pragma once

#include "fabric/flit_params.h"
#include "fabric/network.h"
#include "fabric/routes.h"
#include "fabric/topology.h"

namespace cowosim::fabric {

/// A packet is ceil((header + data) / flit_bytes) flits, at least one. Wherever a link is as wide as a flit, one a cycle passes. Zero load, one clock, links of one cycle, pipeline as in
/// the reference router: 5 H + 2 + (L - 1) cycles for H routers and L flits. In general a lone packet takes
///   align(now) + (1 + in) + sum over routers (routing + vc_allocation + switch_allocation + switch_traversal + link) + (L - 1) x slowest flit time.
class FlitNetwork final : public Network {
 public:
  /// Throws std::invalid_argument for what problems(topology) and Routes::problems report, and for a terminal's router without a clock.
  FlitNetwork(const Topology& topology, Routing routing, const RouterParams& router, const PacketFormat& format,
              const Qos& qos = {});
};

}  // namespace cowosim::fabric
