// What both network hearts, packet and flit, have in common: behind one shell, read by one harvest.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/heart.h"
#include "telemetry/blame.h"
#include "telemetry/histogram.h"
#include "telemetry/loss.h"

namespace cowosim::fabric {

using Stall = telemetry::LinkStall;
inline constexpr std::size_t kStalls = telemetry::kLinkStalls;

/// How transactions become packets, and what their time in a network is called.
struct PacketFormat {
  int flit_bytes = 32;   ///< flit precision: what a link of the network's own width carries in a cycle
  int header_bytes = 0;  ///< of every packet, both directions
  Stage requests = Stage::noc;
  Stage responses = Stage::return_path;
};

/// Ports: one a terminal. Where to: Transaction::destination (a terminal), set by the sender of a request or response. Requests and responses
/// (response, retire) travel on virtual networks of their own. A packet is `header_bytes` and the data it carries (carries_data()): that of
/// write and collective requests, of read and all-reduce responses. Stages: those of the format, entered at arrival here.
class Network : public engine::Heart {
 public:
  enum Direction : std::uint8_t { kRequests, kResponses };
  static constexpr const char* kDirectionNames[2] = {"requests", "responses"};

  /// One direction of a link; at packet precision once per virtual network.
  struct LinkCounters {
    std::string
        name;  ///< "<from>_<to>", "<terminal>.in", "<terminal>.out"; packet precision: "requests." or "responses." before it
    std::string kind;            ///< "injection", "ejection" or the topology's
    std::int64_t bandwidth = 0;  ///< bytes per second
    std::uint64_t packets = 0;
    std::uint64_t flits = 0;  ///< 0 at packet precision
    std::uint64_t bytes = 0;
    Time busy = 0;       ///< carrying packets
    Time wait = 0;       ///< of packets for this link, summed over packets (flits: over VCs that have one to send)
    Time peak_wait = 0;  ///< packet precision only
    std::array<Time, kStalls> stalls{};  ///< parts of `wait`; flit precision only
    std::uint64_t replays = 0;
    double energy = 0;          ///< pJ
    Time degraded_at = kNever;  ///< lanes are lost from then on
    std::int64_t degraded_bandwidth = 0;
  };
  virtual std::vector<LinkCounters> links() const = 0;

  /// Buffers of a router; flit precision only.
  struct RouterCounters {
    std::string name;
    std::uint64_t flits = 0;           ///< passed through the switch
    std::uint64_t buffer_slots = 0;    ///< of all its input ports
    double occupancy_cycles = 0;       ///< sum over flits of the cycles spent in its buffers
    std::uint64_t peak_occupancy = 0;  ///< flits at once
    Time period = 0;
  };
  virtual std::vector<RouterCounters> routers() const { return {}; }

  /// Waiting per resource: {"requests.injection", matrix}, ... or per router. The sum is all links' `wait`.
  virtual std::size_t blame_classes() const = 0;
  virtual std::string blame_class_name(std::size_t index) const = 0;
  virtual const telemetry::Blame& blame(std::size_t index) const = 0;

  /// Time of a lone packet carrying `data_bytes` from terminal to terminal.
  virtual Time unloaded_latency(int source, int destination, std::uint32_t data_bytes) const = 0;

  virtual bool flit_precision() const { return false; }

  std::uint64_t packets() const { return packets_; }  ///< delivered or on their way (packet), delivered (flit)
  std::uint64_t hops() const { return hops_; }        ///< routers they passed, summed
  std::uint64_t flits() const { return flits_; }      ///< delivered; 0 at packet precision
  /// Entry to last flit out; flit precision only.
  const telemetry::Histogram& packet_latency() const { return latency_; }

 protected:
  std::uint64_t packets_ = 0;
  std::uint64_t hops_ = 0;
  std::uint64_t flits_ = 0;
  telemetry::Histogram latency_;
};

}  // namespace cowosim::fabric
