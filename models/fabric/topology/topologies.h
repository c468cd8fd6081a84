// Regular networks by name, for either heart.
#pragma once

#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// Bytes per second of `bits` each `period`: rounded up, so that what needs n periods is never a femtosecond late for the edge.
std::int64_t bandwidth_of(int bits, Time period);
/// Wires of a clock: `bits` each `period`, `cycles` long.
Channel clocked_channel(int bits, Time period, int cycles = 1);

/// (De)serialisation joins flits and links where the width of one is a multiple of the other's, both in `unit`. Where not: what would be right; else "".
std::string width_problem(int width, int flit, const char* unit);

/// What the parts of a regular network have in common.
struct Parts {
  Time period = kNanosecond;  ///< of the one clock
  Channel link;
  Channel terminal;  ///< in and out alike
  int terminals_per_router = 1;
  double pitch = 0;  ///< mm, between neighbours of a grid; the routers of others are in a row
};
/// Those of the reference router: every channel a flit wide and one cycle long.
Parts reference_parts(int flit_bytes, Time period = kNanosecond, int terminals_per_router = 1);

/// Routers are "router_0", ...; terminals "terminal_0", ..., terminal t at router t / terminals_per_router. A grid's router x + columns * y has its ports in the
/// order +x, -x, +y, -y, those that there are, then its terminals. All throw std::invalid_argument for sizes below 1.
Topology mesh(int columns, int rows, const Parts& parts);
/// Each dimension closes to a ring, as a folded torus does: all links are alike. A dimension of size 2 has two links side by side between its routers, one of
/// which is the way round (a router's +x port leads to the other's -x port); one of size 1 has none.
Topology torus(int columns, int rows, const Parts& parts);
/// A torus of one row.
Topology ring(int routers, const Parts& parts);
/// One router, and `terminals` at it (`parts.terminals_per_router` does not count).
Topology crossbar(int terminals, const Parts& parts);
/// A link from each router to each other one; ports in the order of the others.
Topology fully_connected(int routers, const Parts& parts);

/// Names every link "<from>_<to>"; where that is taken (parallel links), "_2", "_3", ... follows.
void name_links(Topology& topology);

}  // namespace cowosim::fabric
