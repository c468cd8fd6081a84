// The microarchitecture of routers at flit precision, and who goes first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::fabric {

/// Defaults: the reference router of BookSim2's iq_router (Jiang et al., ISPASS 2013).
struct RouterParams {
  int virtual_channels = 4;
  int buffer_flits = 8;
  int shared_buffer_flits = 0;
  int routing_cycles = 1;
  int vc_allocation_cycles = 1;
  int switch_allocation_cycles = 1;
  int switch_traversal_cycles = 1;
  int credit_cycles = 1;
  int crossing_cycles = 2;
  std::string vc_allocator = "islip";
  std::string switch_allocator = "islip";
  int iterations = 1;
  std::string switching = "wormhole";

  /// Of a head through a router, without the link: 4 in the reference router.
  int pipeline_cycles() const {
    return routing_cycles + vc_allocation_cycles + switch_allocation_cycles + switch_traversal_cycles;
  }

  static const std::vector<std::string>& allocators() {
    static const std::vector<std::string> names = {"islip", "round_robin", "matrix"};
    return names;
  }

  template <class Visitor>
  void visit(Visitor& v) {
    const char* booksim = "reference router: BookSim2 iq_router (Jiang et al., ISPASS 2013)";
    v("virtual_channels", virtual_channels, Range{1, 16},
      "virtual channels of each virtual network (requests, responses) at each port", booksim);
    v("buffer_flits", buffer_flits, Range{1, 4096}, "flits that each virtual channel's own buffer holds", booksim);
    v("shared_buffer_flits", shared_buffer_flits, Range{0, 32768},
      "flits of a buffer that all virtual channels of an input port share",
      "assumption [0, 64]: shared buffers of switches, none in the reference router");
    v("routing_cycles", routing_cycles, Range{0, 64},
      "cycles of route computation; 0: looked ahead by the router before", booksim);
    v("vc_allocation_cycles", vc_allocation_cycles, Range{1, 64}, "cycles of virtual channel allocation", booksim);
    v("switch_allocation_cycles", switch_allocation_cycles, Range{1, 64}, "cycles of switch allocation", booksim);
    v("switch_traversal_cycles", switch_traversal_cycles, Range{0, 64}, "cycles through the switch", booksim);
    v("credit_cycles", credit_cycles, Range{0, 64}, "cycles until a credit that came back can be used", booksim);
    v("crossing_cycles", crossing_cycles, Range{0, 16},
      "cycles of the receiving clock that a flit or credit takes to cross from another clock",
      "assumption [1, 3]: two-flop synchroniser and FIFO; gem5 HeteroGarnet uses 1");
    v("vc_allocator", vc_allocator, allocators(),
      "islip: outputs grant, inputs accept; round_robin, matrix: inputs choose, outputs choose", booksim);
    v("switch_allocator", switch_allocator, allocators(), "as vc_allocator", booksim);
    v("iterations", iterations, Range{1, 16}, "iterations of islip", "McKeown, ToN 1999");
    v("switching", switching, std::vector<std::string>{"wormhole", "virtual_cut_through"},
      "virtual_cut_through: a packet enters a buffer only where all of it fits", "Dally and Towles, 2004");
  }
};

/// Who goes first, by stream; what is not named has priority 0, weight 1 and no limit.
struct StreamQos {
  std::string name;
  int priority = 0;
  int weight = 1;
  std::int64_t rate_limit = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("priority", priority, Range{0, 7}, "higher goes first wherever packets compete", "experiment");
    v("weight", weight, Range{1, 255}, "share of an output among streams of one priority (weighted, flit by flit)",
      "experiment");
    v("rate_limit", rate_limit, Unit::bandwidth, Range{0, 1e15},
      "what the stream may inject at each terminal; 0: no limit", "experiment");
  }
};

struct QosParams {
  std::vector<StreamQos> streams;
  Time age_limit = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v.entries("streams", streams, "quality of service by name of the stream");
    v("age_limit", age_limit, Unit::time, Range{0, 1e15},
      "a packet older than this goes before all that are younger; 0: none", "experiment");
  }
};

/// The same, by number of the stream.
struct Qos {
  struct Stream {
    int priority = 0;
    int weight = 1;
    std::int64_t rate_limit = 0;  ///< bytes per second; 0: none
  };
  std::vector<Stream> streams;  ///< by StreamId; empty: all alike
  Time age_limit = 0;
};

}  // namespace cowosim::fabric
