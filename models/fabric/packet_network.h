// A network at packet precision: every packet reserves the links of its route the moment it enters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fabric/flit/flit_params.h"
#include "fabric/network.h"
#include "fabric/topology/topology.h"
#include "telemetry/reservations.h"

namespace cowosim::fabric {

/// Packet-level reservation. A packet reserves the links of its route in order, on entry: the head takes link i at
/// start_i = the first gap of the packet's own length at or after ready_i, ready_{i+1} = start_i + latency_i. Cut-through: the tail follows
/// the head by the packet's time on the slowest link, counted once, at the end. Alone on its way it takes
///   sum of latencies + max over links of (bytes / bandwidth).
/// Requests and responses (response, retire) use separate links (virtual networks), so that neither can block the other.
/// Routes are shortest paths in hops, from each router over the lowest link that is on one: dimension order on a mesh.
/// Optimistic against a flit network: buffers are unbounded, so waiting packets block nobody behind them; links replay nothing and lose no lanes.
/// No events of its own: due() is kNever.
class PacketNetwork final : public Network {
 public:
  /// Without `router`, routers take no time. With one, latency_i holds its pipeline, in cycles of the domain of the router that link i leads to, and what
  /// crossing into that domain takes; packets are whole flits of the format. Where a flit passes each link in a cycle, a lone packet then takes as long as at
  /// flit precision. Throws std::invalid_argument for the first of problems(topology) and for a header below 0 or flits below 1 byte.
  PacketNetwork(const Topology& topology, const PacketFormat& format, const RouterParams* router = nullptr);

  int ports() const override { return static_cast<int>(terminals_.size()); }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override;
  void statistics(StatVisitor& visit) const override;

  /// Least time a message spends in here on its way out at a port: what the network adds to its outlets' latency.
  Time output_pipeline(int) const override { return output_pipeline_; }
  Time unloaded_latency(int source, int destination, std::uint32_t data_bytes) const override;

  std::vector<LinkCounters> links() const override;
  /// Waiting per kind of link and direction: {"requests.injection", matrix}, ...
  std::size_t blame_classes() const override { return blame_.size(); }
  std::string blame_class_name(std::size_t index) const override;
  const telemetry::Blame& blame(std::size_t index) const override { return blame_[index]; }

 private:
  struct Lane {  // one link in one direction of traffic
    telemetry::Reservations reservations;
    std::uint64_t time_per_byte;  // fs << kFraction, rounded up
    Time latency;                 // to the next link
    std::uint32_t kind;
    std::uint32_t router;  // it leads to; of terminals the one they are at
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    Time wait = 0;
    Time peak_wait = 0;
  };
  static constexpr int kFraction = 16;

  void find_routes();
  Time least_latency() const;
  std::string kind_name(std::size_t kind) const;
  Time pass(Lane& lane, Time now, Time ready, std::uint64_t bytes, StreamId stream, telemetry::Blame* blame,
            Time& slowest);
  static Time duration(const Lane& lane, std::uint64_t bytes) {
    return static_cast<Time>((static_cast<unsigned __int128>(bytes) * lane.time_per_byte + ((1u << kFraction) - 1)) >>
                             kFraction);
  }
  std::uint64_t bytes_of(std::uint32_t data_bytes) const {
    const std::uint64_t bytes = std::uint64_t{header_bytes_} + data_bytes;
    return flit_bytes_ == 0 ? bytes : std::max<std::uint64_t>((bytes + flit_bytes_ - 1) / flit_bytes_, 1) * flit_bytes_;
  }

  Topology topology_;
  PacketFormat format_;
  std::uint32_t header_bytes_ = 0;
  std::uint32_t flit_bytes_ = 0;          // packets are multiples of it; 0: as long as they are
  std::size_t kinds_;                     // injection, ejection, then the topology's
  std::vector<std::uint32_t> terminals_;  // router of each
  std::vector<Lane> lanes_[2];            // per direction: [in of terminal t] [out of terminal t] [links]
  std::vector<std::uint32_t> next_;       // [to router][at router]: index into lanes_ of the next link
  std::vector<telemetry::Blame> blame_;   // [direction][kind]
  Time output_pipeline_ = 0;
};

}  // namespace cowosim::fabric
