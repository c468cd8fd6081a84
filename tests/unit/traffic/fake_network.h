// A stand-in for a network between the terminals of a Synthetic.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/heart.h"

namespace cowosim::test {

/// A packet takes `latency`, then its flits leave one by one, `flit_time` each, in the order of arrival here; 0: all at once.
class FakeNetwork final : public engine::Heart {
 public:
  struct Seen {
    Time entered;
    Time delivered;  // the last flit
    Time created;
    std::uint32_t source;
    std::uint32_t destination;
    std::uint32_t bytes;
    Op op;
    engine::Phase phase;
    std::uint64_t identity;
  };
  FakeNetwork(int terminals, Time latency, Time flit_time = 0, std::uint32_t flit_bytes = 32)
      : free_(static_cast<std::size_t>(terminals), 0),
        latency_(latency),
        flit_time_(flit_time),
        flit_bytes_(flit_bytes) {}

  int ports() const override { return static_cast<int>(free_.size()); }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override {
    Transaction& packet = transaction(message.transaction);
    const bool request = message.phase == engine::Phase::request;
    packet.stages.enter(request ? Stage::noc : Stage::return_path, message.time);
    const bool carries = request == (packet.op == Op::write);
    const Time flits = carries ? (packet.fetch_bytes + flit_bytes_ - 1) / flit_bytes_ : 1;
    Time& free = free_[packet.destination];
    const Time delivered = free = std::max(message.time + latency_, free) + flits * flit_time_;
    seen.push_back({message.time, delivered, packet.created, message.port, packet.destination, packet.fetch_bytes,
                    packet.op, message.phase, packet.identity});
    if (seen.size() == swallow) return;
    const int port = seen.size() == misdeliver ? (packet.destination + 1) % ports() : packet.destination;
    send(port, message.phase, message.transaction, delivered + latency(port));
  }

  std::vector<Seen> seen;
  std::size_t swallow = 0;     // the packet that is lost, from 1
  std::size_t misdeliver = 0;  // the packet that comes out next door

 private:
  std::vector<Time> free_;
  Time latency_;
  Time flit_time_;
  std::uint32_t flit_bytes_;
};

}  // namespace cowosim::test
