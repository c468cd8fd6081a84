// On-die network at packet precision: every packet reserves the links of its route the moment it enters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "engine/heart.h"
#include "telemetry/blame.h"
#include "telemetry/reservations.h"

namespace cowosim::fabric {

/// Nodes (hubs, routers), links between them, and terminals with one link in and one link out.
struct PacketTopology {
  struct Link {
    int from_node = 0;
    int to_node = 0;
    std::int64_t bandwidth = 0;  ///< bytes per second, > 0
    Time latency = 0;            ///< head in to head out, >= 0
    int kind = 0;                ///< index into `kinds`: links of a kind share a blame matrix
  };
  struct Terminal {
    std::string name;
    int node = 0;
    std::int64_t bandwidth = 0;  ///< of the link into the network and of the link out of it, each, bytes per second
    Time latency = 0;            ///< of each of the two
  };
  int nodes = 0;
  std::vector<std::string> kinds;  ///< of `links`; the terminals' links are "injection" and "ejection"
  std::vector<Link> links;
  std::vector<Terminal> terminals;
};

/// A GPU-like die: every terminal hangs on the hub of its partition, hubs are joined pairwise. Numbers: NVIDIA H100.
struct CrossbarParams {
  double frequency = 1.755e9;                  // hertz
  int header_bytes = 16;                       // of every packet, both directions
  int core_bytes_per_cycle = 64;               // core's link, each direction
  int slice_bytes_per_cycle = 128;             // slice's link, each direction
  int crossing_bytes_per_cycle = 2048;         // between two partitions, each direction
  std::int64_t terminal_latency = 8'000'000;   // fs
  std::int64_t crossing_latency = 10'000'000;  // fs

  template <class Visitor>
  void visit(Visitor& v) {
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
      "width of the crossing between two partitions, in each direction and virtual network",
      "assumption [1024, 5120]: A100 reads 4000 GB/s with far data mixed in where near data give 5400 GB/s "
      "(gpu-benches gpu-l2-cache)");
    v("terminal_latency", terminal_latency, Unit::time, Range{0, 1e12},
      "from a terminal to its hub, and from a hub to a terminal",
      "assumption [4 ns, 15 ns]: wires over half a reticle and two arbiters; with core and slice 142 ns near hit "
      "(measured, H100 PCIe)");
    v("crossing_latency", crossing_latency, Unit::time, Range{0, 1e12}, "from hub to hub across the partitions",
      "assumption [5 ns, 40 ns]: A100 measures 282-288 ns with far data mixed in against 146 ns near (gpu-benches "
      "gpu-latency)");
  }
};

/// One terminal of a crossbar die: a core or a cache slice, in partition `partition`.
struct CrossbarTerminal {
  std::string name;
  int partition = 0;
  bool slice = false;
};

/// Terminals keep their order: terminal i of the network is terminals[i]. Throws std::invalid_argument for a partition outside [0, partitions).
PacketTopology crossbar(const CrossbarParams& params, int partitions, const std::vector<CrossbarTerminal>& terminals);

/// Packet-level reservation. A packet reserves the links of its route in order, on entry: the head takes link i at
/// start_i = the first gap of the packet's own length at or after ready_i, ready_{i+1} = start_i + latency_i. Cut-through: the tail follows
/// the head by the packet's time on the slowest link, counted once, at the end. Alone on its way it takes
///   sum of latencies + max over links of (bytes / bandwidth).
/// Requests and responses (response, retire) use separate links (virtual networks), so that neither can block the other.
/// Bytes of a packet: header_bytes, + data (Transaction::fetch_bytes) for a write's request and a read's response.
/// Optimistic against a flit network: buffers are unbounded, so waiting packets block nobody behind them.
///
/// Ports: one a terminal. Where to: Transaction::destination, set by the sender of a request or response.
/// Stages: entered at arrival here, Stage::noc by requests, Stage::return_path by responses. No events of its own: due() is kNever.
class PacketNetwork final : public engine::Heart {
 public:
  /// Throws std::invalid_argument for an empty topology, a terminal or link at no node, a bandwidth <= 0 and nodes that cannot reach each other.
  PacketNetwork(const PacketTopology& topology, int header_bytes);

  int ports() const override { return static_cast<int>(terminals_.size()); }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override;
  void statistics(StatVisitor& visit) const override;

  /// Least time a message spends in here on its way out at a port: what the network adds to its outlets' latency.
  Time output_pipeline(int) const override { return output_pipeline_; }
  /// Time of a lone packet carrying `data_bytes` from terminal to terminal.
  Time unloaded_latency(int source, int destination, std::uint32_t data_bytes) const;

  enum Direction : std::uint8_t { kRequests, kResponses };
  struct LinkCounters {
    std::string name;  ///< "requests.<terminal>.in", "responses.<terminal>.out", "requests.<kind>_0_1"
    std::string kind;  ///< "injection", "ejection" or the topology's
    Direction direction = kRequests;
    std::int64_t bandwidth = 0;  ///< bytes per second
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    Time busy = 0;  ///< carrying packets
    Time wait = 0;  ///< of packets for this link
    Time peak_wait = 0;
  };
  std::vector<LinkCounters> links() const;
  /// Waiting per kind of link and direction: {"requests.injection", matrix}, ...
  std::size_t blame_classes() const { return blame_.size(); }
  std::string blame_class_name(std::size_t index) const;
  const telemetry::Blame& blame(std::size_t index) const { return blame_[index]; }
  std::uint64_t packets() const { return packets_; }
  std::uint64_t hops() const { return hops_; }

 private:
  struct Lane {  // one link in one direction of traffic
    telemetry::Reservations reservations;
    std::uint64_t time_per_byte;  // fs << kFraction, rounded up
    Time latency;
    std::uint32_t kind;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    Time wait = 0;
    Time peak_wait = 0;
  };
  struct Route {
    std::uint32_t first;
    std::uint32_t count;
  };
  static constexpr int kFraction = 16;

  Time pass(Lane& lane, Time now, Time ready, std::uint64_t bytes, StreamId stream, telemetry::Blame* blame,
            Time& slowest);
  static Time duration(const Lane& lane, std::uint64_t bytes) {
    return static_cast<Time>((static_cast<unsigned __int128>(bytes) * lane.time_per_byte + ((1u << kFraction) - 1)) >>
                             kFraction);
  }

  PacketTopology topology_;
  std::uint32_t header_bytes_;
  std::size_t kinds_;                     // injection, ejection, then the topology's
  std::vector<std::uint32_t> terminals_;  // node of each
  std::vector<Lane> lanes_[2];            // per direction: [in of terminal t] [out of terminal t] [links]
  std::vector<Route> routes_;             // [from node][to node] into hops_table_
  std::vector<std::uint32_t> hop_table_;  // indices into lanes_
  std::vector<telemetry::Blame> blame_;   // [direction][kind]
  Time output_pipeline_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t hops_ = 0;
};

}  // namespace cowosim::fabric
