#include "telemetry/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "sample.h"
#include "telemetry/derived.h"

namespace cowosim::telemetry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Results, SummariseKeepsSumsExact) {
  const StreamResult s = sample::stream("decode", 100, 1000);
  EXPECT_EQ(s.latency.count, 100u);
  EXPECT_EQ(static_cast<Time>(s.latency.sum), 100'000);
  EXPECT_EQ(s.latency.mean(), 1000);
  EXPECT_EQ(s.interval, 99 * kNanosecond + 1000);
  EXPECT_EQ(static_cast<Time>(s.stages[static_cast<std::size_t>(Stage::queue)].sum), 30'000);
  EXPECT_EQ(s.stages[static_cast<std::size_t>(Stage::queue)].p99, 300);
  EXPECT_EQ(s.stages[static_cast<std::size_t>(Stage::d2d)].p99, 0);
}

TEST(Results, AStreamWithoutTransactionsHasNoInterval) {
  const StreamResult s = summarise("idle", StreamStatistics{});
  EXPECT_EQ(s.interval, 0);
  EXPECT_EQ(s.latency.mean(), 0);
}

TEST(Results, HbmRollsUp) {
  const Results r = sample::decode();
  EXPECT_EQ(r.hbm->counters.bus_time, 2 * 1200 * kMicrosecond);
  EXPECT_EQ(r.hbm->counters.reads, 2000u);
  EXPECT_EQ(r.hbm->counters.peak_bytes_per_second, 2e12);
  EXPECT_FALSE(r.hbm->counters.energy_pj.has_value());
  HbmCounters c;
  HbmCounters with_energy;
  with_energy.energy_pj = 2.5;
  c.add(with_energy);
  c.add(HbmCounters{});
  EXPECT_EQ(c.energy_pj, 2.5);
}

TEST(Results, EnergyOfStacksAndOfAllIsThatOfTheBalance) {
  const Results r = sample::with_energy(sample::decode(true));
  EXPECT_THAT(broken_invariants(r), IsEmpty());
  EXPECT_DOUBLE_EQ(r.hbm->stacks[0].counters.energy_pj.value(), 4e6);
  EXPECT_DOUBLE_EQ(r.hbm->counters.energy_pj.value(), 8e6);
}

TEST(Results, BlameNamesStreams) {
  Blame blame;
  blame.charge(0, 0, 10);
  blame.charge(0, 1, 20);
  blame.charge(1, kRefresh, 30);
  blame.charge(1, kTiming, 40);
  std::vector<BlameRow> rows;
  append_blame(rows, "channel_0", "HBM bank", blame, {"decode", "prefill"});
  std::vector<std::string> text;
  for (const BlameRow& row : rows) text.push_back(row.victim + " < " + row.aggressor + " " + std::to_string(row.wait));
  EXPECT_THAT(text,
              ElementsAre("decode < self 10", "decode < prefill 20", "prefill < refresh 30", "prefill < timing 40"));
}

TEST(Results, TheSampleBreaksNothing) {
  EXPECT_THAT(broken_invariants(sample::decode()), IsEmpty());
  EXPECT_THAT(broken_invariants(sample::decode(true)), IsEmpty());
  EXPECT_THAT(broken_invariants(sample::network()), IsEmpty());
  EXPECT_THAT(broken_invariants(Results{}), IsEmpty());
}

TEST(Results, EveryBrokenRuleIsFound) {
  struct Case {
    std::function<void(Results&)> breaks;
    const char* message;
  };
  const std::vector<Case> cases{
      {[](Results& r) { r.all.stages[2].sum += 1; },
       "stream all: the stages add up to 600000.000001 ns, the latencies to 600000 ns"},
      {[](Results& r) { r.streams[0].latency.sum += 1; }, "stream decode: the stages add up"},
      {[](Results& r) { ++r.all.latency.count; }, "stream all: 1001 latencies of 1000 transactions"},
      {[](Results& r) { ++r.all.reads; }, "stream all: 751 reads and 250 writes are not 1000 transactions"},
      {[](Results& r) { r.streams[0].bytes -= 64; },
       "the streams have 1000 transactions of 63936 bytes, the whole has 1000 of 64000"},
      {[](Results& r) { r.hbm->stacks[0].channels[0].counters[HbmLoss::idle] += 1; },
       "hbm_stack_0.channel_0: data and losses add up to 1200000.000001 ns of 1200000 ns"},
      {[](Results& r) { r.hbm->stacks[1].counters.data_time -= 1; },
       "hbm_stack_1: the channels do not add up to the stack"},
      {[](Results& r) { r.hbm->counters.reads += 1; }, "hbm: the stacks do not add up to the whole"},
      {[](Results& r) {
         r.hbm->counters[HbmLoss::idle] -= kMillisecond;
         r.hbm->counters[HbmLoss::refresh] += kMillisecond;
       },
       "hbm: loss idle is negative"},
      {[](Results& r) { r.hbm->counters.row_hits = 5000; }, "hbm: 5040 row hits and misses of 2020 column commands"},
      {[](Results& r) {
         r.hbm->stacks[0].channels[0].counters.bytes = 1'200'100'000;
         r.hbm->roll_up();
       },
       "hbm_stack_0.channel_0: 1000.1 GB/s achieved exceeds the peak of 1000.0 GB/s"},
      {[](Results& r) { r.hbm->data_time_by_stream[0].second += 1; }, "hbm: the streams' data time adds up to"},
      {[](Results& r) { r.hbm->energy->streams.clear(); }, "hbm: energy of io: 1000000 counted by owner, 0 by stream"},
      {[](Results& r) { r.fabric->links[0].bytes *= 10; },
       "phy_0: 3333.3 GB/s achieved exceeds the peak of 1000.0 GB/s"},
      {[](Results& r) { r.compute->cores[CoreLoss::launch] += 1; }, "compute: computing and losses add up to"},
      {[](Results& r) { r.compute->dies[0].cores.useful_time -= 1; }, "die_0: computing and losses add up to"},
      {[](Results& r) { r.compute->dies[0].l2->bytes *= 10; },
       "die_0.l2: 8333.3 GB/s achieved exceeds the peak of 5500.0 GB/s"},
      {[](Results& r) { r.workload->gap->terms[0].time += 1; },
       "workload: floor and gap add up to 24000000.000001 ns, measured are 24000000 ns"},
      {[](Results& r) { r.workload->measured += 1; },
       "workload: floor and gap add up to 24000000 ns, measured are 24000000.000001 ns"},
      {[](Results& r) { r.workload->gap->floor_terms[0].time -= 1; }, "workload: the floor's terms add up to"},
      {[](Results& r) {
         r.workload->gap->terms[0].time -= kMillisecond;
         r.workload->gap->unexplained += kMillisecond;
       },
       "are unexplained, more than 1.0 %"},
      {[](Results& r) {
         *r.workload->gap = explain_gap(r.workload->measured, {{"weights", r.workload->measured + 1}}, {});
       },
       "workload: 24000000 ns measured are less than the floor of 24000000.000001 ns"},
      {[](Results& r) { r.capacity->used[0].second = 80'000'000'000; },
       "capacity: 81342177280 bytes used of 80000000000"},
  };
  for (const Case& c : cases) {
    Results r = sample::with_energy(sample::decode());
    c.breaks(r);
    EXPECT_THAT(broken_invariants(r), ::testing::Contains(HasSubstr(c.message)));
  }
}

TEST(Results, EveryBrokenRuleOfANetworkIsFound) {
  struct Case {
    std::function<void(FabricResult&)> breaks;
    const char* message;
  };
  const std::vector<Case> cases{
      {[](FabricResult& f) { f.links[2].bytes = 320'001; }, "r1_r2: 32.0 GB/s achieved exceeds the peak of 32.0 GB/s"},
      // Half of the time at 32, half at 16 GB/s: what would be fine with all lanes is too much.
      {[](FabricResult& f) { f.links[3].bytes = 250'000; }, "r2_r1: 25.0 GB/s achieved exceeds the peak of 24.0 GB/s"},
      {[](FabricResult& f) { f.links[3].lane_loss->after = f.interval + 1; },
       "r2_r1: lanes are lost after 10000.000001 ns of 10000 ns"},
      {[](FabricResult& f) { f.links[3].lane_loss->after = -1; }, "r2_r1: lanes are lost after -0.000001 ns"},
      {[](FabricResult& f) { f.links[3].lane_loss->peak_bytes_per_second = 33e9; },
       "r2_r1: more is left than there was before lanes were lost"},
      {[](FabricResult& f) { f.links[2].wait += 1; }, "r1_r2: the stalls add up to 12000 ns of 12000.000001 ns waited"},
      {[](FabricResult& f) { (*f.links[4].stalls)[3] = 7; }, "t2.out: the stalls add up to 0.000007 ns of 0 ns waited"},
      {[](FabricResult& f) {
         (*f.links[4].stalls)[0] = -kNanosecond;
         (*f.links[4].stalls)[1] = kNanosecond;
       },
       "t2.out: stall no_credit is negative"},
      {[](FabricResult& f) {
         f.links[0].stalls.reset();
         f.links[0].wait = -1;
       },
       "t0.in: the waiting is negative"},
      {[](FabricResult& f) { *f.energy_pj *= 1 + 1e-8; }, "fabric: the links' energies add up to 2688000 pJ of"},
      {[](FabricResult& f) { f.energy_pj.reset(); }, "fabric: the links' energies add up to 2688000 pJ of 0 pJ"},
      {[](FabricResult& f) { f.latency_cycles->count = 1999; }, "fabric: 1999 latencies of 2000 packets"},
      {[](FabricResult& f) { f.measured_packets.reset(); }, "fabric: 2000 latencies of 2200 packets"},
      {[](FabricResult& f) { f.packets = 1999; }, "fabric: 2000 packets measured of 1999"},
      {[](FabricResult& f) { f.routers[1].peak_occupancy = 97; }, "r1: 97 flits in buffers of 96"},
      {[](FabricResult& f) { f.routers[2].mean_occupancy = 8.5; },
       "r2: 8.5 flits in its buffers on average are more than the 8 there were at once"},
  };
  for (const Case& c : cases) {
    Results r = sample::network();
    c.breaks(*r.fabric);
    EXPECT_THAT(broken_invariants(r), ElementsAre(HasSubstr(c.message)));
  }
}

TEST(Results, RoundingOfSumsAndRatesBreaksNothing) {
  Results r = sample::network();
  *r.fabric->energy_pj *= 1 + 1e-12;
  r.fabric->links[2].bytes = 320'000;  // exactly its peak
  r.fabric->routers[1].mean_occupancy = 96 * (1 + 1e-12);
  EXPECT_THAT(broken_invariants(r), IsEmpty());
}

TEST(Results, LinksByWhatTheyCouldHaveDone) {
  const FabricResult fabric = *sample::network().fabric;
  const Time interval = fabric.interval;
  const LinkResult& crowded = fabric.links[2];
  EXPECT_DOUBLE_EQ(crowded.utilization(interval), 0.55);
  EXPECT_DOUBLE_EQ(crowded.waiting(interval), 1.2);  // VCs at once
  EXPECT_EQ(crowded.stall_fraction(interval), 1);    // a fraction all the same
  const LinkResult& narrowed = fabric.links[3];
  EXPECT_DOUBLE_EQ(narrowed.capacity(interval), 240'000);
  EXPECT_DOUBLE_EQ(narrowed.utilization(interval), 0.2);
  EXPECT_DOUBLE_EQ(narrowed.stall_fraction(interval), 0.025);
  EXPECT_EQ(LinkResult{}.utilization(0), 0);
  EXPECT_EQ(LinkResult{}.waiting(0), 0);
}

TEST(Results, EnergyOfTheFabricIsThatOfItsLinks) {
  FabricResult fabric = *sample::network().fabric;
  EXPECT_DOUBLE_EQ(fabric.energy_pj.value(), 21'000 * 32 * 8 * 0.5);
  for (LinkResult& link : fabric.links) link.energy_pj.reset();
  fabric.roll_up();
  EXPECT_FALSE(fabric.energy_pj.has_value());
}

TEST(Results, BusiestAndFullestFirst) {
  const FabricResult fabric = *sample::network().fabric;
  std::vector<std::string> names;
  for (const LinkResult* link : busiest(fabric, 4)) names.push_back(link->name);
  EXPECT_THAT(names, ElementsAre("r1_r2", "r0_r1", "t2.out", "t0.in"));  // of equals the one waited for
  EXPECT_EQ(busiest(fabric, 9).size(), 5u);
  names.clear();
  for (const RouterResult* router : fullest(fabric, 2)) names.push_back(router->name);
  EXPECT_THAT(names, ElementsAre("r1", "r0"));
}

TEST(Results, LatenciesInCycles) {
  Histogram histogram;
  for (int cycles = 1; cycles <= 20; ++cycles) histogram.add(cycles * 2 * kNanosecond);
  const CycleSummary c = summarise_cycles(histogram, 2 * kNanosecond);
  EXPECT_EQ(c.count, 20u);
  EXPECT_DOUBLE_EQ(c.mean, 10.5);
  EXPECT_NEAR(c.p50, 10, 0.1);
  EXPECT_NEAR(c.p90, 18, 0.2);
  EXPECT_NEAR(c.p95, 19, 0.2);
  EXPECT_NEAR(c.p99, 20, 0.2);
  EXPECT_EQ(c.max, 20);
  EXPECT_EQ(summarise_cycles(Histogram(), kNanosecond).count, 0u);
}

TEST(Results, BottleneckOfANetworkIsItsBusiestLink) {
  Results r = sample::network();
  r.fabric->links[2].bytes = 256'000;
  const Bottleneck b = find_bottleneck(r);
  EXPECT_EQ(b.bound_by, "mesh_bandwidth");
  EXPECT_EQ(b.explanation,
            "Bound by mesh_bandwidth: the busiest mesh link, r1_r2, carries 80.0 % of its peak; the waiting for it is "
            "mostly no credit (75.0 %).");
  ASSERT_EQ(b.ranking.size(), 3u);
  EXPECT_EQ(b.ranking[1].first, "ejection_bandwidth");
}

TEST(Results, BottleneckOfANetworkThatAcceptsTooLittle) {
  Results r = sample::network();
  r.fabric->offered_flits_per_node_cycle = 0.5;
  Bottleneck b = find_bottleneck(r);
  EXPECT_EQ(b.bound_by, "mesh_no_credit");
  EXPECT_EQ(b.explanation,
            "Bound by mesh_no_credit: the link most waited for, r1_r2, carries 55.0 % of its peak; the waiting for it "
            "is mostly no credit (75.0 %); 0.335 of 0.500 flits offered per node and cycle are accepted.");
  std::swap((*r.fabric->links[2].stalls)[0], (*r.fabric->links[2].stalls)[1]);
  EXPECT_EQ(find_bottleneck(r).bound_by, "mesh_lost_vc_allocation");
  for (LinkResult& link : r.fabric->links) link.stalls.reset();
  b = find_bottleneck(r);
  EXPECT_EQ(b.bound_by, "mesh_bandwidth");
  EXPECT_THAT(b.explanation, HasSubstr("the link most waited for, r1_r2, carries 55.0 % of its peak; 0.335 of 0.500"));
  r.fabric->offered_flits_per_node_cycle = 0.35;  // 96 % accepted
  EXPECT_EQ(find_bottleneck(r).bound_by, "latency");
}

TEST(Results, BottleneckOfANetworkWithLittleToDoIsLatency) {
  const Bottleneck b = find_bottleneck(sample::network());
  EXPECT_EQ(b.bound_by, "latency");
  EXPECT_EQ(b.explanation,
            "Bound by latency: no resource is saturated (busiest: mesh_bandwidth, 55.0 %); a packet takes 24.5 cycles "
            "on average over 1.75 hops; the busiest link is r1_r2; the waiting for it is mostly no credit (75.0 %).");
}

TEST(Results, BottleneckOfASaturatedMemory) {
  const Bottleneck b = find_bottleneck(sample::decode());
  EXPECT_EQ(b.bound_by, "hbm_bandwidth");
  EXPECT_EQ(b.explanation,
            "Bound by hbm_bandwidth: the HBM's data buses move data 80.0 % of the time and are held up by the DRAM's "
            "own rules for "
            "another 12.0 % (most by refresh); 8.0 % is idle.");
  ASSERT_EQ(b.ranking.size(), 5u);
  EXPECT_EQ(b.ranking[0].first, "hbm_bandwidth");
  EXPECT_NEAR(b.ranking[0].second, 0.92, 1e-12);
  EXPECT_EQ(b.ranking[1].first, "phy_bandwidth");
  EXPECT_NEAR(b.ranking[1].second, 0.5, 1e-12);
}

TEST(Results, BottleneckOfDependentAccessIsLatency) {
  Results r = sample::decode();
  HbmCounters& c = r.hbm->counters;  // held up by row preparation, hardly any data, nothing queued
  c[HbmLoss::bank_conflict] = c.data_time + c[HbmLoss::bank_conflict] - c.bus_time / 20;
  c.data_time = c.bus_time / 20;
  r.all.stages[static_cast<std::size_t>(Stage::bank)].sum += r.all.stages[static_cast<std::size_t>(Stage::queue)].sum;
  r.all.stages[static_cast<std::size_t>(Stage::queue)].sum = 0;
  const Bottleneck b = find_bottleneck(r);
  EXPECT_EQ(b.bound_by, "latency");
  EXPECT_THAT(b.explanation, HasSubstr("a transaction takes 600.0 ns on average, 40.0 % of it in stage 'bank'"));
}

TEST(Results, BottleneckOfNothingIsSaidSo) {
  EXPECT_EQ(find_bottleneck(Results{}).explanation, "Bound by latency: nothing was measured.");
}

TEST(Results, TimePerToken) {
  WorkloadResult w;
  w.measured = 100;
  EXPECT_EQ(w.time_per_token(), 0);
  w.tokens = 8;  // decode of a batch of 8: everyone gets a token after one step
  w.users = 8;
  EXPECT_EQ(w.time_per_token(), 100);
  w.tokens = 80;  // prefill of 8 prompts of 10
  EXPECT_EQ(w.time_per_token(), 10);
}

TEST(Results, PartialIsWhatEndedEarly) {
  EXPECT_FALSE(is_partial(Status::completed));
  EXPECT_FALSE(is_partial(Status::time_limit));
  EXPECT_TRUE(is_partial(Status::wall_limit));
  EXPECT_TRUE(is_partial(Status::interrupted));
  EXPECT_TRUE(is_partial(Status::deadlock));
}

}  // namespace
}  // namespace cowosim::telemetry
