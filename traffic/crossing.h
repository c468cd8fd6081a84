// Joins sources and memory channels without latency, where no die and no network lies between them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/memory_map.h"
#include "engine/heart.h"
#include "telemetry/blame.h"
#include "telemetry/reservations.h"

namespace cowosim::traffic {

/// Ports 0 .. sources-1 lead to the sources, sources .. sources+channels-1 to the channels (stack x channels + channel).
///
/// A request waits in its source's queue of kEntries and leaves, in the order of that source, at the instant its channel's
/// door has a credit: one full channel holds up what its source has asked of others meanwhile (an in-order source; a memory's
/// real front would reorder). Sources whose first requests want the same channel take turns: whoever was served last comes last.
/// Whatever can leave at an instant leaves at it, but after all arrivals of the instant, so that no order of arrival wins.
/// Answers go back to their source at once. A source has kEntries credits; they return kCreditBatch at a time or when its queue is
/// empty, so it never runs dry for them.
///
/// Time in here stays Stage::issue: the request has not reached the memory. Waiting as the first of its queue is charged to the
/// streams whose requests held the door. The journal has one event per request: its leaving.
///
/// Transaction::source is the source's port from here on. The memory map decides by fetch_address; a request lies in one channel.
class Crossing final : public engine::Heart {
 public:
  /// Requests of one source in here at most. Depth buys nothing without latency; 8 lets credits travel four at a time.
  static constexpr int kEntries = 8;
  static constexpr int kCreditBatch = 4;
  static constexpr int kMaxSources = 32;

  /// `door_entries`: credits of each channel. `map` must outlive the crossing; its channels are the ports. Throws
  /// std::invalid_argument for fewer than one or more than kMaxSources sources.
  Crossing(int sources, const MemoryMap& map, int door_entries);

  int ports() const override { return static_cast<int>(sources_.size() + channels_.size()); }
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  int port_of_channel(std::size_t channel) const { return static_cast<int>(sources_.size() + channel); }
  /// Waits of the first requests of the queues for a credit, all channels; they add up to credit_wait().
  const telemetry::Blame& blame() const { return blame_; }
  Time credit_wait() const { return credit_wait_; }

 private:
  struct Queued {
    Handle handle;
    std::uint32_t channel;
  };
  struct Upstream {
    std::array<Queued, kEntries> queue;  // ring
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint16_t owed = 0;  // credits not given back yet
    Time first_since = 0;    // when the first request became it
  };
  struct Downstream {
    int credits = 0;
    std::uint32_t waiting = 0;   // bit s: the first request of source s wants this channel
    std::uint32_t turn = 0;      // source that is asked first
    bool listed = false;         // in served_
    std::vector<StreamId> held;  // ring: streams of the entries of the door, in order
    std::uint32_t held_first = 0;
    std::uint32_t held_count = 0;
    Time blocked_since = 0;  // up to here `holders` knows who held the door
    telemetry::Reservations holders;
  };

  void request(std::uint16_t source, Handle handle, Time t);
  void credit(Downstream& channel, unsigned count, Time t);
  /// The first request of the source's queue is a new one.
  void offer(std::uint32_t source, Time t);
  /// Lets one request into the channel, whose turn it is.
  void serve(std::uint32_t channel, Time t);
  void charge(Downstream& channel, const Upstream& source, StreamId victim, Time t);
  void list(std::uint32_t channel, Time t);
  void give_back(Time t);

  const MemoryMap& map_;
  std::vector<Upstream> sources_;
  std::vector<Downstream> channels_;
  int door_entries_;
  std::vector<std::uint32_t> served_;  // channels with a credit and a request for it, in turn
  Time due_ = kNever;

  std::uint64_t requests_ = 0;
  std::uint64_t forwarded_ = 0;
  std::uint64_t finished_ = 0;  // read answered, write retired
  Time credit_wait_ = 0;
  telemetry::Blame blame_;
};

}  // namespace cowosim::traffic
