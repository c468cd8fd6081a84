// What must hold whatever the network and the traffic: hundreds of both, drawn at random.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/random.h"
#include "support/flit_bench.h"
#include "support/small_networks.h"

namespace cowosim::fabric {
namespace {

using engine::Phase;
using test::FlitBench;
using test::FlitSetup;

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  int below(int bound) { return static_cast<int>(bounded(random_.next(), static_cast<std::uint64_t>(bound))); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<int>(choices.size()))];
  }

 private:
  SplitMix64 random_;
};

/// Channels of any width and length, clocks of any period.
void fill(Topology& topology, Draw& draw) {
  topology.domains.clear();
  const int domains = draw.one_in(3) ? 2 + draw.below(2) : 1;
  for (int d = 0; d < domains; ++d)
    topology.domains.push_back({"clock_" + std::to_string(d), 500 + (domains > 1 ? draw.below(1000) : 0)});
  for (Topology::Router& router : topology.routers) router.domain = draw.below(domains);
  const bool some_narrow = draw.one_in(2);
  const bool some_broken = draw.one_in(4);
  const auto channel = [&](int router) {
    const Time period =
        topology.domains[static_cast<std::size_t>(topology.routers[static_cast<std::size_t>(router)].domain)].period;
    Channel c = clocked_channel(8 * test::kFlitBytes, period, draw.below(4));
    if (some_narrow && draw.one_in(3)) c.bandwidth = c.bandwidth * 2 / (3 + draw.below(5));
    if (some_broken && draw.one_in(3)) {
      c.bit_error_rate = 1e-4;
      c.replay_latency = draw.below(20'000);
    }
    if (draw.one_in(8)) {
      c.degraded_at = draw.below(200'000);
      c.degraded_bandwidth = c.bandwidth / 2;
    }
    return c;
  };
  name_links(topology);
  for (Topology::Link& link : topology.links) link.channel = channel(link.from);
  for (Topology::Terminal& terminal : topology.terminals) {
    terminal.in = channel(terminal.router);
    terminal.out = channel(terminal.router);
  }
}

FlitSetup random_setup(std::uint64_t seed) {
  Draw draw(mix(seed, 1));
  FlitSetup setup;
  const bool grid = draw.one_in(2);
  const bool wraps = draw.one_in(2);
  if (grid) {
    setup.topology = test::grid(1 + draw.below(4), 2 + draw.below(3), wraps);
  } else {
    setup.topology = test::random_network(seed);
  }
  fill(setup.topology, draw);

  RouterParams& r = setup.router;
  r.virtual_channels = draw.of({1, 1, 2, 3, 4, 8, 16});
  r.buffer_flits = draw.of({1, 2, 3, 4, 8, 16});
  r.shared_buffer_flits = draw.of({0, 0, 1, 2, 7, 24});
  r.routing_cycles = draw.below(4);
  r.vc_allocation_cycles = 1 + draw.below(3) * draw.below(2);
  r.switch_allocation_cycles = 1 + draw.below(3);
  r.switch_traversal_cycles = draw.below(3);
  r.credit_cycles = draw.below(4);
  r.crossing_cycles = draw.below(3);
  r.vc_allocator = RouterParams::allocators()[static_cast<std::size_t>(draw.below(3))];
  r.switch_allocator = RouterParams::allocators()[static_cast<std::size_t>(draw.below(3))];
  r.iterations = 1 + draw.below(3);
  r.switching = draw.one_in(3) ? "virtual_cut_through" : "wormhole";
  if (r.switching == "virtual_cut_through") r.buffer_flits = std::max(r.buffer_flits, 9);

  std::vector<Routing> possible;
  for (const Routing routing : {Routing::dimension_order, Routing::shortest_path, Routing::up_down, Routing::west_first,
                                Routing::minimal_adaptive, Routing::weighted_multipath}) {
    if (Routes::problems(setup.topology, routing, r.virtual_channels).empty()) possible.push_back(routing);
  }
  setup.routing = possible.at(static_cast<std::size_t>(draw.below(static_cast<int>(possible.size()))));

  if (draw.one_in(3)) {
    // Fewer than there are streams: what is not named counts, too.
    for (int s = draw.below(4); s > 0; --s)
      setup.qos.streams.push_back({draw.below(8), 1 + draw.below(4), draw.one_in(3) ? 20'000'000'000'000 : 0});
    if (draw.one_in(2)) setup.qos.age_limit = 50'000;
  }
  return setup;
}

struct Packet {
  int from, to, flits;
  Time at;
  StreamId stream;
  Phase phase;
};

std::vector<Packet> random_traffic(std::uint64_t seed, const FlitSetup& setup) {
  Draw draw(mix(seed, 2));
  const int terminals = static_cast<int>(setup.topology.terminals.size());
  const int longest = setup.router.switching == "virtual_cut_through" ? 9 : draw.of({1, 5, 20});
  const int gap = draw.of({10, 100, 1000});
  std::vector<Packet> packets;
  Time at = 0;
  for (int n = 0; n < 400; ++n) {
    at += draw.below(gap);
    if (draw.one_in(50)) at += 1'000'000;  // everything has come to rest
    packets.push_back({draw.below(terminals), draw.below(terminals), 1 + draw.below(longest), at,
                       static_cast<StreamId>(draw.below(5)),
                       draw.of({Phase::request, Phase::response, Phase::retire})});
  }
  return packets;
}

enum class Steps { whole, instants, random };

struct Outcome {
  std::vector<Time> arrivals;
  std::vector<std::uint64_t> counters;
};

/// Runs it and checks what must hold of any run.
Outcome run(const FlitSetup& setup, const std::vector<Packet>& packets, Steps steps) {
  FlitBench b(setup);
  SplitMix64 random(3);
  const auto advance_to = [&](Time until) {
    while (b.network.due() < until) {
      Time next = until;
      if (steps == Steps::instants) next = b.network.due() + 1;
      if (steps == Steps::random)
        next = std::min(until, b.network.due() + 1 + static_cast<Time>(bounded(random.next(), 5000)));
      const Time due = b.network.due();
      const std::size_t sent = b.bench.sent.size();
      b.network.advance(next);
      ASSERT_GT(b.network.due(), due);
      for (std::size_t i = sent; i < b.bench.sent.size(); ++i)
        ASSERT_GE(b.bench.sent[i].arrival, due + b.network.output_pipeline(b.bench.sent[i].port));
    }
  };
  std::vector<Handle> handles;
  for (const Packet& p : packets) {
    advance_to(p.at);
    handles.push_back(b.send(p.from, p.to, p.flits, p.at, p.stream, p.phase));
  }
  constexpr Time kLimit = 1'000'000'000;
  advance_to(kLimit);

  Outcome outcome;
  outcome.arrivals.assign(packets.size(), -1);
  EXPECT_EQ(b.bench.sent.size(), packets.size());
  for (const auto& s : b.bench.sent) {
    const auto i = static_cast<std::size_t>(std::find(handles.begin(), handles.end(), s.transaction) - handles.begin());
    EXPECT_EQ(outcome.arrivals.at(i), -1) << "packet " << i << " arrives twice";
    outcome.arrivals[i] = s.arrival;
    EXPECT_EQ(s.port, packets[i].to);
    EXPECT_EQ(s.phase, packets[i].phase);
    EXPECT_GT(s.arrival, packets[i].at);
  }
  test::expect_settled(b);

  if (setup.routes().in_order() && setup.router.virtual_channels == 1) {
    std::map<std::tuple<int, int, bool, StreamId>, Time> last;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const Packet& p = packets[i];
      const StreamId queue = setup.qos.streams.empty() ? StreamId{0} : p.stream;
      Time& before = last[{p.from, p.to, p.phase == Phase::request, queue}];
      EXPECT_GT(outcome.arrivals[i], before) << "packet " << i << " overtakes";
      before = outcome.arrivals[i];
    }
  }
  std::uint64_t flits = 0;
  for (const Packet& p : packets) flits += static_cast<std::uint64_t>(p.flits);
  EXPECT_EQ(b.network.flits(), flits);
  EXPECT_EQ(b.network.packets(), packets.size());
  for (const Network::LinkCounters& link : b.network.links()) {
    EXPECT_EQ(link.bytes, link.flits * test::kFlitBytes);
    outcome.counters.insert(outcome.counters.end(),
                            {link.packets, link.flits, link.replays, static_cast<std::uint64_t>(link.busy)});
    for (const Time stall : link.stalls) {
      EXPECT_GE(stall, 0);
      outcome.counters.push_back(static_cast<std::uint64_t>(stall));
    }
  }
  for (const Network::RouterCounters& router : b.network.routers()) {
    outcome.counters.push_back(router.peak_occupancy);
    outcome.counters.push_back(static_cast<std::uint64_t>(router.occupancy_cycles));
  }
  return outcome;
}

std::string describe(std::uint64_t seed, const FlitSetup& s) {
  return "seed " + std::to_string(seed) + ": " + routing_names()[static_cast<std::size_t>(s.routing)] + " " +
         s.router.switching + ", " + std::to_string(s.router.virtual_channels) + " VCs, buffers " +
         std::to_string(s.router.buffer_flits) + " + " + std::to_string(s.router.shared_buffer_flits) + ", " +
         s.router.vc_allocator + " " + s.router.switch_allocator + ", " + std::to_string(s.topology.domains.size()) +
         " clocks, " + std::to_string(s.qos.streams.size()) + " streams";
}

class FlitNetworkProperties : public testing::TestWithParam<int> {
 protected:
  /// Each case draws seeds of its own.
  template <class Check>
  void for_seeds(Check&& check) {
    constexpr std::uint64_t kSeeds = 40;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const std::uint64_t own = static_cast<std::uint64_t>(GetParam()) * kSeeds + seed;
      const FlitSetup setup = random_setup(own);
      SCOPED_TRACE(describe(own, setup));
      check(setup, random_traffic(own, setup));
      if (HasFailure()) return;
    }
  }
};

TEST_P(FlitNetworkProperties, EverythingArrivesOnceHoweverItIsAdvanced) {
  for_seeds([](const FlitSetup& setup, const std::vector<Packet>& packets) {
    const Outcome whole = run(setup, packets, Steps::whole);
    for (const Steps steps : {Steps::instants, Steps::random}) {
      const Outcome other = run(setup, packets, steps);
      EXPECT_EQ(other.arrivals, whole.arrivals);
      EXPECT_EQ(other.counters, whole.counters);
    }
  });
}

/// Streams are bookkeeping, unless they are told apart.
TEST_P(FlitNetworkProperties, StreamsWithoutQualityOfServiceChangeNothing) {
  for_seeds([](FlitSetup setup, std::vector<Packet> packets) {
    setup.qos = {};
    const Outcome several = run(setup, packets, Steps::whole);
    // The second one enters late: everything that waits then has been waiting for itself.
    for (std::size_t i = 0; i < packets.size(); ++i) packets[i].stream = i > packets.size() / 2 ? i % 2 : 0;
    const Outcome late = run(setup, packets, Steps::whole);
    for (Packet& p : packets) p.stream = 0;
    const Outcome one = run(setup, packets, Steps::whole);
    EXPECT_EQ(one.arrivals, several.arrivals);
    EXPECT_EQ(one.counters, several.counters);
    EXPECT_EQ(one.arrivals, late.arrivals);
    EXPECT_EQ(one.counters, late.counters);
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, FlitNetworkProperties, testing::Range(0, 10));

}  // namespace
}  // namespace cowosim::fabric
