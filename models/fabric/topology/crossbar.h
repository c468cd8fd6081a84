// The network of a GPU-like die, as a topology for either heart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "fabric/flit/flit_params.h"
#include "fabric/network.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// Every terminal hangs on the hub of its partition, hubs are joined pairwise. Numbers: NVIDIA H100.
struct CrossbarParams {
  std::string precision = "packet";
  double frequency = 1.755e9;                  // hertz
  int header_bytes = 16;                       // of every packet, both directions
  int core_bytes_per_cycle = 64;               // core's link, each direction
  int slice_bytes_per_cycle = 128;             // slice's link, each direction
  int crossing_bytes_per_cycle = 2048;         // between two partitions, each direction
  std::int64_t terminal_latency = 8'000'000;   // fs
  std::int64_t crossing_latency = 10'000'000;  // fs
  int flit_bytes = 0;
  RouterParams router = hub();

  /// The reference router with buffers that cover the round trip of credits over the latencies above, about 35 cycles.
  static RouterParams hub() {
    RouterParams params;
    params.buffer_flits = 32;
    return params;
  }
  bool flits() const { return precision == "flit"; }
  /// flit_bytes, or its default.
  int width_of_flit() const { return flit_bytes > 0 ? flit_bytes : slice_bytes_per_cycle; }
  PacketFormat format() const { return {width_of_flit(), header_bytes}; }

  template <class Visitor>
  void visit(Visitor& v) {
    v("precision", precision, std::vector<std::string>{"packet", "flit"},
      "packet: fast, links without buffers; flit: virtual channels, credits, arbitration cycle by cycle", "experiment");
    v("frequency", frequency, Unit::frequency, Range{1e6, 1e11}, "clock of the network",
      "assumption [1.6 GHz, 1.98 GHz]: the boost clock of H100 class dies in cache measurements; the crossbar's own "
      "clock is not published");
    v("header_bytes", header_bytes, Range{0, 256}, "bytes a packet carries besides data, in each direction",
      "assumption [8, 32]: address, size, source and check bits of a request");
    v("core_bytes_per_cycle", core_bytes_per_cycle, Range{1, 65536}, "width of a core's link, in each direction",
      "64 B/clock/SM between L2 and SM: NVIDIA A100 white paper (2020), carried over to H100");
    v("slice_bytes_per_cycle", slice_bytes_per_cycle, Range{1, 65536},
      "width of a cache slice's link, in each direction",
      "assumption [64, 128]: no narrower than a slice's 64 B/clock (A100 white paper, 5120 B/clock over 80 slices) and "
      "headers");
    v("crossing_bytes_per_cycle", crossing_bytes_per_cycle, Range{1, 1 << 20},
      "width of the crossing between two partitions, in each direction; at packet precision for requests and for "
      "responses each",
      "assumption [1024, 5120]: A100 reads 4000 GB/s with far data mixed in where near data give 5400 GB/s "
      "(gpu-benches gpu-l2-cache)");
    v("terminal_latency", terminal_latency, Unit::time, Range{0, 1e12},
      "from a terminal to its hub, and from a hub to a terminal",
      "assumption [4 ns, 15 ns]: wires over half a reticle and two arbiters; with core and slice 142 ns near hit "
      "(measured, H100 PCIe)");
    v("crossing_latency", crossing_latency, Unit::time, Range{0, 1e12}, "from hub to hub across the partitions",
      "assumption [5 ns, 40 ns]: A100 measures 282-288 ns with far data mixed in against 146 ns near (gpu-benches "
      "gpu-latency)");
    v("flit_bytes", flit_bytes, Range{0, 65536}, "of a flit, at flit precision; 0: as wide as a slice's link",
      "assumption [32, 128]: a sector, a cache line; not published");
    v.group("router", router, "hubs, at flit precision");
  }
};

/// One terminal of a crossbar die: a core or a cache slice, in partition `partition`.
struct CrossbarTerminal {
  std::string name;
  int partition = 0;
  bool slice = false;
};

/// At flit precision, widths that a flit does not fit: terminals' must divide it or be a multiple of it, the crossing's must be a multiple. Empty at packet precision.
std::vector<ParameterProblem> problems(const CrossbarParams& params);

/// Terminals keep their order: terminal i of the network is terminals[i]. Throws std::invalid_argument for a partition outside [0, partitions) and
/// for the first of problems().
///
/// At packet precision the crossing between two hubs is one link each way, "crossing_0_1". At flit precision it is as many links side by side as it is
/// flits wide ("crossing_0_1_0", ...), one flit a cycle each: a routing that spreads flows over them is needed (weighted_multipath, minimal_adaptive).
/// Requests and responses share these links then. Their latencies are whole cycles: what the parameters say, to the nearest, without the hubs' pipelines and
/// without the serialisation that narrow terminals add anyway, so that a lone packet of one flit takes as long at both precisions, to a cycle, for terminals
/// no wider than a flit and but from core to core. No latency is below a cycle: where the parameters leave less than that, flit precision takes longer.
Topology crossbar(const CrossbarParams& params, int partitions, const std::vector<CrossbarTerminal>& terminals);

}  // namespace cowosim::fabric
