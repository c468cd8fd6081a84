// A flit network on the bench: packets in by number of flits, when each one came out, and what must hold in the end.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fabric/flit/flit_network.h"
#include "fabric/topology/topologies.h"
#include "support/heart_bench.h"

namespace cowosim::fabric::test {

inline constexpr int kFlitBytes = 32;

/// All that makes a network.
struct FlitSetup {
  Topology topology;
  Routing routing = Routing::shortest_path;
  RouterParams router;
  Qos qos;
  PacketFormat format = {kFlitBytes, 0, Stage::noc, Stage::return_path};

  Routes routes() const { return Routes(topology, Ports(topology), routing, router.virtual_channels); }
};

class FlitBench {
 public:
  explicit FlitBench(const FlitSetup& setup)
      : network(setup.topology, setup.routes(), setup.router, setup.format, setup.qos),
        bench(network, 0, "net"),
        flit_bytes_(static_cast<std::uint32_t>(setup.format.flit_bytes)) {}

  /// A packet enters at `at`, once all before that has been handled; returns its transaction.
  Handle send(int from, int to, int flits, Time at, StreamId stream = 0, engine::Phase phase = engine::Phase::request) {
    const bool request = phase == engine::Phase::request;
    const Handle handle =
        bench.make(request ? Op::write : Op::read, 0, static_cast<std::uint32_t>(flits) * flit_bytes_, at, stream);
    bench.pools[handle].destination = static_cast<std::uint16_t>(to);
    bench.deliver(from, phase, handle, at);
    return handle;
  }
  /// Until nothing is due, credits included; returns whether that ever happened.
  bool finish(Time limit = kSecond) {
    while (network.due() < limit) network.advance(network.due() + 1);
    return network.due() == kNever;
  }
  /// When a packet came out; -1 if it did not.
  Time arrival(Handle handle) const {
    for (const auto& s : bench.sent)
      if (s.transaction == handle) return s.arrival;
    return -1;
  }

  FlitNetwork network;
  cowosim::test::HeartBench bench;

 private:
  std::uint32_t flit_bytes_;
};

inline Network::LinkCounters link_named(const Network& network, const std::string& name) {
  for (const Network::LinkCounters& link : network.links())
    if (link.name == name) return link;
  ADD_FAILURE() << "no link " << name;
  return {};
}

inline Time wait_of_links(const Network& network) {
  Time sum = 0;
  for (const Network::LinkCounters& link : network.links()) sum += link.wait;
  return sum;
}

inline Time blame_between(const Network& network, StreamId victim, StreamId holder) {
  Time sum = 0;
  for (std::size_t c = 0; c < network.blame_classes(); ++c) sum += network.blame(c).wait(victim, holder);
  return sum;
}

inline Time all_blame(const Network& network) {
  Time sum = 0;
  for (std::size_t victim = 0; victim < kMaxStreams; ++victim)
    for (std::size_t holder = 0; holder < kMaxStreams; ++holder)
      sum += blame_between(network, static_cast<StreamId>(victim), static_cast<StreamId>(holder));
  return sum;
}

/// What every network must satisfy once all its packets have arrived and nothing is due any more.
inline void expect_settled(const FlitBench& b) {
  EXPECT_EQ(b.network.due(), kNever);
  EXPECT_THAT(b.bench.violations(), testing::IsEmpty());
  std::vector<engine::Wait> waits;
  b.network.report_waits(waits);
  EXPECT_TRUE(waits.empty());
  EXPECT_EQ(all_blame(b.network), wait_of_links(b.network));
  std::uint64_t in = 0, out = 0;
  for (const Network::LinkCounters& link : b.network.links()) {
    if (link.kind == "injection") in += link.flits;
    if (link.kind == "ejection") out += link.flits;
  }
  EXPECT_EQ(in, b.network.flits());
  EXPECT_EQ(out, b.network.flits());
  for (const Network::RouterCounters& router : b.network.routers()) {
    EXPECT_LE(router.peak_occupancy, router.buffer_slots) << router.name;
    EXPECT_EQ(router.flits == 0, router.peak_occupancy == 0) << router.name;
  }
}

}  // namespace cowosim::fabric::test
