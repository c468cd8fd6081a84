// A network as plain data: routers, the links between them, terminals. What both hearts (packet and flit) are built from.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "core/time.h"

namespace cowosim::fabric {

/// One direction of a physical connection.
struct Channel {
  std::int64_t bandwidth = 0;  ///< bytes per second of flits (payload of the link's own framing), > 0
  Time latency = 0;            ///< besides serialisation: wires, PHYs, adapters; >= 0
  double energy_per_bit = 0;   ///< pJ, of the bits of flits

  // Errors: a flit that arrives corrupted is replayed, with all that follows it (go-back-N).
  double bit_error_rate = 0;  ///< in [0, 1)
  Time replay_latency = 0;  ///< from the end of a corrupted flit to the start of its replay (CRC check, Nak, way back)

  // Lanes that fail during the run.
  Time degraded_at = kNever;
  std::int64_t degraded_bandwidth = 0;  ///< from then on; > 0 where degraded_at is set
};

/// Routers are numbered 0 to R-1, links 0 to L-1, terminals 0 to T-1: the order of the vectors. Ports of a router, in and out alike: its links in the order
/// of `links` (port p leads to the neighbour and back), then its terminals in the order of `terminals`.
struct Topology {
  struct Domain {
    std::string name;
    Time period = kNanosecond;  ///< of its clock, > 0
  };
  struct Router {
    std::string name;
    int domain = 0;
    double x = 0;  ///< mm, of its centre on the package
    double y = 0;
  };
  /// One direction; every link has a partner the other way, which carries its credits.
  struct Link {
    std::string name;  ///< "<from>_<to>", unique
    int from = 0;
    int to = 0;
    int reverse = 0;  ///< index of the partner
    int kind = 0;     ///< index into `kinds`
    Channel channel;
    int weight = 1;  ///< share of the traffic for weighted multipath, >= 0
  };
  struct Terminal {
    std::string name;
    int router = 0;
    Channel in;   ///< into the network
    Channel out;  ///< out of it
  };
  /// Regular networks keep their shape, which some routings need: router = x + columns * y.
  struct Grid {
    int columns = 0;  ///< 0: not a grid
    int rows = 0;
    bool wraps = false;  ///< torus
  };

  std::vector<Domain> domains = {Domain{"clock", kNanosecond}};
  std::vector<std::string> kinds;  ///< of `links`, e.g. "mesh", "d2d"; the terminals' are "injection" and "ejection"
  std::vector<Router> routers;
  std::vector<Link> links;
  std::vector<Terminal> terminals;
  Grid grid;
};

/// Names for what belongs to terminals; the topology's kinds come after them.
inline constexpr int kInjection = 0;
inline constexpr int kEjection = 1;
inline constexpr int kFirstKind = 2;

/// Ports by router, as Topology says. Costs O(links): made once by whoever needs it.
class Ports {
 public:
  static constexpr int kNone = -1;
  struct Port {
    int link_out = kNone;  ///< a link's index, or kNone at a terminal
    int link_in = kNone;
    int terminal = kNone;
    int neighbour = kNone;  ///< router at the other end, or kNone
  };

  /// Of a topology without problems() of its links and terminals.
  explicit Ports(const Topology& topology);

  int count(int router) const {
    return first_[static_cast<std::size_t>(router) + 1] - first_[static_cast<std::size_t>(router)];
  }
  /// Number of the router's port 0 among all ports of the network.
  int first(int router) const { return first_[static_cast<std::size_t>(router)]; }
  const Port& at(int router, int port) const { return ports_[static_cast<std::size_t>(first(router) + port)]; }
  int of_link_out(int link) const { return out_[static_cast<std::size_t>(link)]; }  ///< port number at its `from`
  int of_link_in(int link) const { return in_[static_cast<std::size_t>(link)]; }    ///< port number at its `to`
  int of_terminal(int terminal) const { return terminal_[static_cast<std::size_t>(terminal)]; }
  int total() const { return first_.back(); }

 private:
  std::vector<int> first_;
  std::vector<Port> ports_;
  std::vector<int> out_, in_, terminal_;
};

/// What is wrong with a topology, each with the name of the element ("links.a_b"): no router, no terminal or more than 65534 of them, a terminal or
/// link at no router, a link to itself or without partner, a bandwidth or period <= 0, other numbers outside what is said above, a name that is there
/// twice, routers that cannot reach each other (names those that cannot be reached). Costs O(elements) but for sorting names. Empty: it can be built.
std::vector<ParameterProblem> problems(const Topology& topology);

}  // namespace cowosim::fabric
