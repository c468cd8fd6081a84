#include "traffic/synthetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>

#include "engine/coupling.h"
#include "support/heart_bench.h"
#include "unit/traffic/fake_network.h"
#include "unit/traffic/harness.h"

namespace cowosim::traffic {
namespace {

using engine::Phase;
using test::FakeNetwork;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr Time kCycle = 500'000;  // 2 GHz

SyntheticParams of(const std::string& pattern, double rate, std::int64_t flits = 5) {
  SyntheticParams params;
  params.destinations.pattern = pattern;
  params.injection.rate = rate;
  params.packet_flits = flits;
  params.warmup_cycles = 500;
  params.measure_cycles = 2'000;
  return params;
}

SyntheticContext grid(int k) {
  SyntheticContext context;
  context.shape = {k * k, k};
  context.period = kCycle;
  context.seed = 11;
  return context;
}

/// A Synthetic and a network without latency between them.
struct Bench {
  Bench(const SyntheticParams& params, const SyntheticContext& context, Time latency, Time flit_time = 0,
        bool network_first = false)
      : synthetic(params, context),
        network(context.shape.nodes, latency, flit_time, static_cast<std::uint32_t>(context.flit_bytes)) {
    if (network_first) coupling.add("network", network);
    coupling.add("synthetic", synthetic);
    if (!network_first) coupling.add("network", network);
    for (int n = 0; n < context.shape.nodes; ++n) coupling.wire(synthetic, n, network, n);
    coupling.set_pools(pools);
    synthetic.start();
  }
  /// To the end, `step` at a time.
  Bench& run(Time step = kNever / 4) {
    for (Time next = coupling.due(); next != kNever; next = coupling.due()) {
      until = step > kNever / 8 ? step : std::max(until, next / step * step) + step;
      coupling.advance(until);
    }
    return *this;
  }
  void expect_idle() const {
    EXPECT_THAT(test::broken_rules(synthetic), IsEmpty());
    EXPECT_TRUE(synthetic.finished());
    EXPECT_EQ(pools.live(), 0u);
    std::vector<engine::Wait> waits;
    synthetic.report_waits(waits);
    EXPECT_TRUE(waits.empty());
    __int128 stages = 0;
    for (const telemetry::Histogram& stage : synthetic.stream().stages) stages += stage.sum();
    EXPECT_TRUE(stages == synthetic.stream().latency.sum()) << "stages add up";
    EXPECT_EQ(synthetic.stream().transactions, pools.created());
  }
  std::vector<FakeNetwork::Seen> requests() const {
    std::vector<FakeNetwork::Seen> found;
    for (const FakeNetwork::Seen& seen : network.seen) {
      if (seen.phase == Phase::request) found.push_back(seen);
    }
    return found;
  }
  std::uint64_t hash() const { return synthetic.journal().hash(); }

  engine::Pools pools;
  Synthetic synthetic;
  FakeNetwork network;
  engine::Coupling coupling;
  Time until = 0;
};

TEST(Synthetic, PacketsAreWhatANetworkExpects) {
  SyntheticContext context = grid(4);
  context.stream = 3;
  context.flit_bytes = 16;
  Bench bench(of("bitcomp", 0.3), context, 20 * kCycle);
  bench.run().expect_idle();
  ASSERT_GT(bench.network.seen.size(), 1000u);
  for (const FakeNetwork::Seen& seen : bench.network.seen) {
    EXPECT_EQ(seen.entered % kCycle, 0) << "on a cycle";
    EXPECT_EQ(seen.entered, seen.created);
    EXPECT_EQ(seen.destination, 15 - seen.source);
    EXPECT_EQ(seen.bytes, 5u * 16);
    EXPECT_EQ(seen.op, Op::write);
    EXPECT_EQ(seen.phase, Phase::request);
  }
  EXPECT_EQ(bench.synthetic.stream().bytes, 80 * bench.pools.created());
  EXPECT_EQ(bench.synthetic.stream().stages[static_cast<std::size_t>(Stage::noc)].count(), bench.pools.created());
}

TEST(Synthetic, LatencyIsExact) {
  Bench bench(of("uniform", 0.2), grid(4), 37 * kCycle);
  bench.run().expect_idle();
  const CycleHistogram& latency = bench.synthetic.latency_cycles();
  EXPECT_EQ(latency.count(), bench.synthetic.measured());
  EXPECT_EQ(latency.mean(), 37);
  EXPECT_EQ(latency.quantile(0.5), 37u);
  EXPECT_EQ(latency.max(), 37u);
  Bench late(of("uniform", 0.2), grid(4), 36 * kCycle + 1);
  EXPECT_EQ(late.run().synthetic.latency_cycles().min(), 37u) << "begun cycles count";
}

TEST(Synthetic, MeasuresThePacketsOfTheWindow) {
  Bench bench(of("uniform", 0.4), grid(4), 50 * kCycle);
  bench.run().expect_idle();
  std::uint64_t created = 0;
  std::uint64_t arrived = 0;
  Time last_measured = 0;
  Time last_created = 0;
  for (const FakeNetwork::Seen& seen : bench.network.seen) {
    const bool measured = seen.created >= 500 * kCycle && seen.created < 2'500 * kCycle;
    created += measured;
    arrived += seen.delivered >= 500 * kCycle && seen.delivered < 2'500 * kCycle;
    if (measured) last_measured = std::max(last_measured, seen.delivered);
    last_created = std::max(last_created, seen.created);
  }
  EXPECT_EQ(bench.synthetic.measured(), created);
  EXPECT_DOUBLE_EQ(bench.synthetic.offered_flits_per_node_cycle(), static_cast<double>(5 * created) / (16 * 2'000));
  EXPECT_DOUBLE_EQ(bench.synthetic.accepted_flits_per_node_cycle(), static_cast<double>(5 * arrived) / (16 * 2'000));
  const double p = 0.4 / 5;
  EXPECT_NEAR(static_cast<double>(created), 32'000 * p, 5 * std::sqrt(32'000 * p * (1 - p)));
  EXPECT_GT(last_created, 2'500 * kCycle) << "injection goes on";
  EXPECT_LE(last_created, last_measured) << "until all measured ones have arrived";
  EXPECT_GT(last_created, last_measured - 10 * kCycle);
}

TEST(Synthetic, NothingIsInjectedBehindTheWindowOnceAllHaveArrived) {
  Bench bench(of("uniform", 0.4), grid(4), 0);
  bench.run().expect_idle();
  EXPECT_LT(bench.network.seen.back().created, 2'500 * kCycle);
  EXPECT_DOUBLE_EQ(bench.synthetic.accepted_flits_per_node_cycle(), bench.synthetic.offered_flits_per_node_cycle());
  EXPECT_EQ(bench.synthetic.held_back(), 0u);
}

TEST(Synthetic, SaturationEnds) {
  // Four hot nodes take a flit a cycle each: a quarter of a flit per node. Twice as much is offered.
  Bench bench(of("hotspot", 0.5), grid(4), 10 * kCycle, kCycle);
  bench.run().expect_idle();
  EXPECT_NEAR(bench.synthetic.offered_flits_per_node_cycle(), 0.5, 0.03);
  EXPECT_NEAR(bench.synthetic.accepted_flits_per_node_cycle(), 0.25, 0.001);
  const auto requests = bench.requests();
  EXPECT_LT(requests.back().created, 4'500 * kCycle) << "at most as long as the window behind it";
  EXPECT_GT(requests.back().created, 4'450 * kCycle);
  EXPECT_GT(bench.synthetic.latency_cycles().max(), 2'000u);
}

TEST(Synthetic, NothingToDo) {
  Bench bench(of("uniform", 0), grid(4), kCycle);
  EXPECT_EQ(bench.synthetic.due(), kNever);
  bench.run().expect_idle();
  EXPECT_EQ(bench.synthetic.latency_cycles().count(), 0u);
}

TEST(Synthetic, PatternsDoNotMoveInjection) {
  const auto times = [](const char* pattern) {
    Bench bench(of(pattern, 0.2), grid(4), 5 * kCycle);
    std::vector<std::pair<Time, std::uint32_t>> all;
    for (const FakeNetwork::Seen& seen : bench.run().network.seen) all.emplace_back(seen.created, seen.source);
    return all;
  };
  EXPECT_EQ(times("uniform"), times("bitcomp"));
}

TEST(Synthetic, NodesInjectInTheirOrder) {
  Bench bench(of("uniform", 1, 1), grid(4), 5 * kCycle);
  bench.run().expect_idle();
  for (std::size_t i = 0; i < bench.network.seen.size(); ++i) {
    ASSERT_EQ(bench.network.seen[i].source, i % 16);
    ASSERT_EQ(bench.network.seen[i].created, static_cast<Time>(i / 16) * kCycle) << "one packet per node and cycle";
  }
}

TEST(Synthetic, BurstyTrafficHasTheAverage) {
  SyntheticParams params = of("uniform", 0.2, 1);
  params.injection.injection = "bursty";
  params.injection.burst_length = 20;
  params.measure_cycles = 20'000;
  Bench bench(params, grid(4), 5 * kCycle);
  bench.run().expect_idle();
  EXPECT_NEAR(bench.synthetic.offered_flits_per_node_cycle(), 0.2, 0.02);
  std::uint64_t adjacent = 0;
  std::map<std::uint32_t, Time> last;
  for (const FakeNetwork::Seen& seen : bench.network.seen) {
    if (last.count(seen.source) != 0 && seen.created - last[seen.source] == kCycle) ++adjacent;
    last[seen.source] = seen.created;
  }
  EXPECT_NEAR(static_cast<double>(adjacent) / static_cast<double>(bench.network.seen.size()), 0.95, 0.01)
      << "a burst of 20 on average goes on with 19/20";
}

// --- requests and responses ---

SyntheticParams asking(double rate, std::int64_t max_outstanding = 0, Time think = 0) {
  SyntheticParams params = of("bitcomp", rate);
  params.request_response = true;
  params.response_flits = 3;
  params.service_time = 7 * kCycle;
  params.max_outstanding = max_outstanding;
  params.think_time = think;
  return params;
}

TEST(Synthetic, RequestsAreAnsweredByTheirDestination) {
  Bench bench(asking(0.4), grid(4), 10 * kCycle);
  bench.run().expect_idle();
  std::map<std::uint64_t, FakeNetwork::Seen> requests;
  std::size_t responses = 0;
  for (const FakeNetwork::Seen& seen : bench.network.seen) {
    EXPECT_EQ(seen.op, Op::read);
    EXPECT_EQ(seen.bytes, 3u * 32);
    if (seen.phase == Phase::request) {
      requests[seen.identity] = seen;
      continue;
    }
    ++responses;
    const FakeNetwork::Seen& request = requests.at(seen.identity);
    EXPECT_EQ(seen.source, request.destination);
    EXPECT_EQ(seen.destination, request.source);
    EXPECT_EQ(seen.entered, request.delivered + 7 * kCycle);
  }
  EXPECT_EQ(responses, requests.size());
  EXPECT_EQ(bench.synthetic.latency_cycles().mean(), 27);
  const telemetry::StreamStatistics& stream = bench.synthetic.stream();
  EXPECT_EQ(stream.reads, requests.size());
  EXPECT_EQ(stream.stages[static_cast<std::size_t>(Stage::external)].max(), 7 * kCycle);
  EXPECT_EQ(stream.stages[static_cast<std::size_t>(Stage::return_path)].max(), 10 * kCycle);
  EXPECT_NEAR(bench.synthetic.offered_flits_per_node_cycle(), 0.4, 0.03) << "both ways";
  EXPECT_NEAR(bench.synthetic.accepted_flits_per_node_cycle(), 0.4, 0.03);
}

TEST(Synthetic, AClosedLoopThinks) {
  // Round trip 27 cycles, 5 to think: one request every 32, since the next one has long been drawn.
  Bench bench(asking(1, 1, 5 * kCycle), grid(2), 10 * kCycle);
  bench.run().expect_idle();
  std::map<std::uint32_t, Time> last;
  for (const FakeNetwork::Seen& seen : bench.requests()) {
    if (last.count(seen.source) != 0) {
      ASSERT_EQ(seen.created - last[seen.source], 32 * kCycle);
    }
    last[seen.source] = seen.created;
  }
  EXPECT_EQ(bench.synthetic.held_back(), bench.pools.created() - 4);
}

TEST(Synthetic, NeverMoreThanMaxOutstanding) {
  for (const Time think : {Time{0}, 5 * kCycle}) {
    Bench bench(asking(1, 3, think), grid(4), 10 * kCycle, kCycle);
    bench.run().expect_idle();
    std::map<std::uint32_t, std::map<Time, int>> changes;  // a slot is taken from creation to response + think
    for (const FakeNetwork::Seen& seen : bench.network.seen) {
      if (seen.phase == Phase::request)
        ++changes[seen.source][seen.created];
      else
        --changes[seen.destination][seen.delivered + think];
    }
    for (const auto& [node, steps] : changes) {
      int outstanding = 0;
      int most = 0;
      for (const auto& [time, change] : steps) most = std::max(most, outstanding += change);
      EXPECT_EQ(most, 3) << node;
    }
  }
}

TEST(Synthetic, AClosedLoopThatHardlyEverWaitsIsOpen) {
  const SyntheticParams open = asking(0.2);
  SyntheticParams closed = asking(0.2, 1000, kCycle);
  Bench a(open, grid(4), 10 * kCycle);
  Bench b(closed, grid(4), 10 * kCycle);
  EXPECT_EQ(a.run().hash(), b.run().hash());
  EXPECT_EQ(b.synthetic.held_back(), 0u);
  b.expect_idle();
}

TEST(Synthetic, HoldsBackWhatDoesNotFit) {
  SyntheticContext context = grid(4);
  context.most_alive = 8;
  Bench bench(of("uniform", 1, 1), context, 10 * kCycle);
  bench.run().expect_idle();
  // 8 packets every 10 cycles.
  EXPECT_NEAR(bench.synthetic.offered_flits_per_node_cycle(), 0.05, 0.001);
  EXPECT_GT(bench.synthetic.held_back(), 1500u);
  std::map<Time, int> changes;
  std::map<std::uint32_t, int> by_source;
  for (const FakeNetwork::Seen& seen : bench.network.seen) {
    ++changes[seen.created];
    --changes[seen.delivered];
    ++by_source[seen.source];
  }
  int alive = 0;
  for (const auto& [time, change] : changes) EXPECT_LE(alive += change, 8);
  EXPECT_EQ(by_source.size(), 16u) << "in turns";
  EXPECT_NEAR(by_source[0], by_source[15], 2);
}

TEST(Synthetic, WhoWaitsInTheWarmUpIsMeasuredAfterwards) {
  // All wait for each other's room from the first cycle to beyond the warm-up.
  SyntheticParams params = of("uniform", 1, 1);
  params.warmup_cycles = 20;
  params.measure_cycles = 100;
  SyntheticContext context = grid(4);
  context.most_alive = 16;
  Bench bench(params, context, 30 * kCycle);
  bench.run().expect_idle();
  EXPECT_EQ(bench.synthetic.measured(), 48u) << "at 30, 60 and 90";
  EXPECT_EQ(bench.network.seen.back().created, 120 * kCycle) << "the last measured ones arrive there";
}

TEST(Synthetic, BurstsStandStillWhileTheyWait) {
  SyntheticParams params = asking(0.1, 1);
  params.response_flits = 1;
  params.injection.injection = "bursty";
  params.injection.burst_length = 10;
  params.measure_cycles = 40'000;
  Bench bench(params, grid(2), 10 * kCycle);
  bench.run().expect_idle();
  int follows = 0;
  int all = 0;
  std::map<std::uint32_t, Time> last;
  for (const FakeNetwork::Seen& seen : bench.requests()) {
    if (last.count(seen.source) != 0) {
      ++all;
      follows += seen.created - last[seen.source] == 27 * kCycle;  // a round trip
    }
    last[seen.source] = seen.created;
  }
  // A burst goes on with 0.9 a cycle and has a packet with 0.5: another one follows with x = 0.9 (0.5 + 0.5 x).
  EXPECT_GT(all, 3'000);
  EXPECT_NEAR(static_cast<double>(follows) / all, 0.45 / 0.55, 0.03);
}

TEST(Synthetic, NothingMeasuredAndSomeWaiting) {
  // Responses take longer than everything: who asked in the warm-up waits, who did not may have its first packet behind the window.
  int without = 0;
  int waiting = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SyntheticParams params = asking(0.02, 1);
    params.warmup_cycles = 100;
    params.measure_cycles = 20;
    SyntheticContext context = grid(4);
    context.seed = seed;
    Bench bench(params, context, 10'000 * kCycle);
    bench.run().expect_idle();
    if (bench.synthetic.measured() != 0) continue;
    ++without;
    for (const FakeNetwork::Seen& seen : bench.requests()) {
      EXPECT_LT(seen.created, 120 * kCycle) << "seed " << seed;
      waiting += seen.created < 100 * kCycle;
    }
  }
  EXPECT_GT(without, 5);
  EXPECT_GT(waiting, without);
}

// --- what may not show ---

std::vector<std::pair<SyntheticParams, SyntheticContext>> cases() {
  std::vector<std::pair<SyntheticParams, SyntheticContext>> all;
  const auto add = [&](SyntheticParams params, SyntheticContext context) {
    params.warmup_cycles = 50;
    params.measure_cycles = 200;
    all.emplace_back(params, context);
  };
  add(of("uniform", 0.4), grid(4));
  add(of("hotspot", 0.5), grid(4));
  SyntheticParams bursts = of("tornado", 0.2, 2);
  bursts.injection.injection = "bursty";
  bursts.injection.burst_length = 10;
  add(bursts, grid(4));
  add(asking(1, 2), grid(4));
  add(asking(0.7, 3, 3 * kCycle + 1), grid(3 + 1));
  SyntheticContext small = grid(4);
  small.most_alive = 7;
  add(of("uniform", 1, 1), small);
  add(asking(1, 2, kCycle), small);
  return all;
}

TEST(Synthetic, StepsDoNotShow) {
  std::vector<std::uint64_t> hashes;
  for (const auto& [params, context] : cases()) {
    Bench whole(params, context, 7 * kCycle, kCycle / 3);
    whole.run().expect_idle();
    for (const Time step : {100 * kCycle, kCycle, kCycle / 3 + 1}) {
      Bench stepped(params, context, 7 * kCycle, kCycle / 3);
      stepped.run(step).expect_idle();
      EXPECT_EQ(stepped.hash(), whole.hash()) << "case " << hashes.size() << ", step " << step;
      EXPECT_EQ(stepped.synthetic.held_back(), whole.synthetic.held_back());
    }
    SyntheticContext other = context;
    other.seed = 12;
    EXPECT_NE(Bench(params, other, 7 * kCycle, kCycle / 3).run().hash(), whole.hash());
    EXPECT_THAT(hashes, Not(Contains(whole.hash())));
    hashes.push_back(whole.hash());
  }
}

TEST(Synthetic, WindowsDoNotShow) {
  for (const auto& [params, context] : cases()) {
    std::vector<std::uint64_t> hashes;
    for (const Time window : {4 * kCycle, kCycle, kCycle / 3 + 1}) {
      engine::Pools pools;
      Synthetic synthetic(params, context);
      FakeNetwork network(16, 7 * kCycle, kCycle / 3);
      test::Loop loop;
      loop.add(synthetic);
      loop.add(network);
      for (int n = 0; n < 16; ++n) loop.connect(synthetic, n, network, n, 4 * kCycle);
      for (engine::Heart* heart : {static_cast<engine::Heart*>(&synthetic), static_cast<engine::Heart*>(&network)})
        heart->set_pools(pools);
      synthetic.set_name("synthetic");
      synthetic.start();
      loop.run(window);
      EXPECT_THAT(test::broken_rules(synthetic), IsEmpty());
      EXPECT_EQ(synthetic.stream().stages[static_cast<std::size_t>(Stage::issue)].min(), 4 * kCycle) << "the wire";
      hashes.push_back(synthetic.journal().hash());
    }
    EXPECT_EQ(hashes[1], hashes[0]);
    EXPECT_EQ(hashes[2], hashes[0]);
  }
}

TEST(Synthetic, WhoActsFirstDoesNotShow) {
  for (const auto& [params, context] : cases()) {
    if (context.most_alive < 100) continue;  // there it decides who comes first
    Bench a(params, context, 7 * kCycle, kCycle / 2);
    Bench b(params, context, 7 * kCycle, kCycle / 2, true);
    EXPECT_EQ(a.run().hash(), b.run().hash());
  }
}

// --- faults ---

TEST(Synthetic, ALostPacketIsFound) {
  Bench bench(of("uniform", 0.2), grid(4), 10 * kCycle);
  bench.network.swallow = 400;
  bench.run();
  EXPECT_FALSE(bench.synthetic.finished());
  EXPECT_THAT(test::broken_rules(bench.synthetic), Contains(HasSubstr("packets in the pool: 1 instead of 0")));
  EXPECT_THAT(test::broken_rules(bench.synthetic), Contains(HasSubstr("measured packets arrived")));
  std::vector<engine::Wait> waits;
  bench.synthetic.report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].waits_for, "the network");
  EXPECT_LT(bench.network.seen.back().created, 4'500 * kCycle) << "injection ends all the same";
}

TEST(Synthetic, ALostResponseHoldsItsNodeBack) {
  Bench bench(asking(1, 1), grid(4), 10 * kCycle);
  bench.network.swallow = 40;
  bench.run();
  std::vector<engine::Wait> waits;
  bench.synthetic.report_waits(waits);
  ASSERT_EQ(waits.size(), 2u);
  EXPECT_EQ(waits[1].reason, "1 nodes may have no more under way");
  EXPECT_THAT(test::broken_rules(bench.synthetic), Contains(HasSubstr("requests outstanding: 1 instead of 0")));
}

TEST(Synthetic, AMisdeliveredPacketIsFound) {
  Bench bench(of("bitcomp", 0.2), grid(4), 10 * kCycle);
  bench.network.misdeliver = 30;
  EXPECT_THROW(bench.run(), std::logic_error);
}

TEST(Synthetic, WhatItDoesNotUnderstand) {
  Synthetic synthetic(of("uniform", 1, 1), grid(4));
  test::HeartBench bench(synthetic);
  synthetic.advance(kCycle);
  ASSERT_EQ(bench.sent.size(), 16u);
  const test::HeartBench::Sent& first = bench.sent.front();
  EXPECT_THROW(bench.deliver(0, Phase::credit, kNoHandle, 1), std::logic_error);
  EXPECT_THROW(bench.deliver(0, Phase::response, first.transaction, 1), std::logic_error) << "nobody asked";
}

TEST(Synthetic, Statistics) {
  Bench bench(of("uniform", 0.2), grid(4), 10 * kCycle);
  bench.run();
  const test::StatValues stats(bench.synthetic);
  EXPECT_EQ(stats["packets_created"], static_cast<double>(bench.pools.created()));
  EXPECT_EQ(stats["packets_retired"], stats["packets_created"]);
  EXPECT_EQ(stats["packets_measured"], static_cast<double>(bench.synthetic.measured()));
  EXPECT_EQ(stats["bytes_arrived"], 160 * stats["packets_created"]);
  EXPECT_EQ(stats["packets_held_back"], 0);
  EXPECT_NEAR(stats["accepted_flits"] / stats["offered_flits"], 1, 0.02);
}

TEST(Synthetic, BadParametersAndContexts) {
  EXPECT_THROW(Synthetic(of("transpose", 0.1), SyntheticContext{{8, 4}}), std::invalid_argument);
  SyntheticParams params = of("hotspot", 0.5);
  params.destinations.hotspots = {"16"};
  params.injection.injection = "bursty";
  params.injection.burst_rate = 0.1;
  std::vector<std::string> paths;
  for (const ParameterProblem& problem : problems(params, {16, 4})) paths.push_back(problem.parameter);
  EXPECT_THAT(paths, ElementsAre("hotspots", "burst_rate"));
  EXPECT_THROW(Synthetic(of("uniform", 0.1), SyntheticContext{}), std::invalid_argument) << "no nodes";
  SyntheticContext still = grid(4);
  still.period = 0;
  EXPECT_THROW(Synthetic(of("uniform", 0.1), still), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::traffic
