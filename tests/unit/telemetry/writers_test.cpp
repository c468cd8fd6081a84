#include "telemetry/writers.h"
#include "telemetry/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <locale>
#include <sstream>

#include "sample.h"

namespace cowosim::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ResultsJson, TheSmallestRun) {
  Results r;
  r.run.platform = "reference/hbm3_6400";
  r.run.seed = 18446744073709551615ull;
  r.run.simulated = 1'234'567;
  r.run.host_seconds = 0.5;
  r.run.cpu_seconds = 0.25;
  r.transactions = 2;
  r.atoms = 4;
  r.bytes = 128;
  r.completion_hash = 0xabc;
  StreamStatistics s;
  for (const Time latency : {Time{48'000'000}, Time{50'500'000}}) {
    Transaction t;
    t.bytes = 64;
    t.stages.start(Stage::queue, 0);
    t.stages.enter(Stage::data, latency - 10'000'000);
    s.record(t, latency);
  }
  r.all = summarise("all", s);
  r.streams = {summarise("trace", s)};
  const std::string stages = R"("stages": {
XX  "queue": {
XX    "mean": 39.25,
XX    "p99": 40.5,
XX    "share": 0.7969543147208121
XX  },
XX  "data": {
XX    "mean": 10.0,
XX    "p99": 10.0,
XX    "share": 0.20304568527918782
XX  }
XX})";
  const std::string latency = R"("count": 2,
XX"mean": 49.25,
XX"min": 48.0,
XX"p50": 48.0,
XX"p90": 50.5,
XX"p99": 50.5,
XX"p999": 50.5,
XX"max": 50.5,
XX)" + stages;
  const auto indented = [](std::string text, int by) {
    for (std::size_t at = 0; (at = text.find("XX", at)) != std::string::npos;)
      text.replace(at, 2, std::string(by, ' '));
    return text;
  };
  EXPECT_EQ(results_json(r), R"({
  "schema": "cowosim-results/1",
  "platform": "reference/hbm3_6400",
  "status": "completed",
  "partial": false,
  "seed": 18446744073709551615,
  "simulated_ns": 1.234567,
  "host_seconds": 0.5,
  "cpu_seconds": 0.25,
  "transactions": 2,
  "atoms": 4,
  "bytes": 128,
  "transactions_per_host_second": 4.0,
  "transactions_per_cpu_second": 8.0,
  "completion_hash": "0000000000000abc",
  "latency_ns": {
    )" + indented(latency, 4) + R"(
  },
  "streams": {
    "trace": {
      "transactions": 2,
      "reads": 2,
      "writes": 0,
      "bytes": 128,
      "interval_ns": 50.5,
      "bandwidth_GBps": 2.5346534653465347,
      "latency_ns": {
        )" + indented(latency, 8) +
                                 R"(
      }
    }
  }
}
)");
}

TEST(ResultsJson, SectionsThatDoNotApplyAreAbsent) {
  const std::string json = results_json(Results{});
  for (const char* section : {"hbm", "fabric", "compute", "workload", "capacity", "foreign", "blame", "bottleneck"})
    EXPECT_THAT(json, Not(HasSubstr('"' + std::string(section) + '"')));
}

TEST(ResultsJson, ForeignModelsByNameAndRole) {
  Results results = sample::decode(true);
  results.run.simulated = 1000 * kNanosecond;
  results.foreign = {{"npu", true, 12, 3, 4, 0, 0, 0}, {"memory", false, 0, 0, 0, 5, 6, 7000}};
  const std::string json = results_json(results);
  EXPECT_THAT(json, HasSubstr("\"npu\": {\n      \"role\": \"initiator\",\n      \"requests\": 12,\n      "
                              "\"register_accesses\": 3,\n      \"loosely_timed_accesses\": 4\n"));
  EXPECT_THAT(json, HasSubstr("\"memory\": {\n      \"role\": \"target\",\n      \"reads\": 5,\n      \"writes\": 6,\n"
                              "      \"bytes\": 7000,\n      \"bandwidth_GBps\": 7.0\n"));
  EXPECT_THAT(summary(results), HasSubstr("npu made 12 requests, 3 of them of registers, and 4 loosely timed ones"));
}

TEST(ResultsJson, EverySectionHasTheContractsKeys) {
  const std::string json = results_json(sample::decode(true));
  for (const char* text :
       {"\"hbm\": {\n    \"bandwidth_GBps\": 1600.0,\n    \"peak_GBps\": 2000.0,\n    \"utilization\": 0.8,",
        "\"row_hit_rate\": 0.98",
        "\"loss\": {\n      \"refresh\": 0.07,\n      \"turnaround\": 0.01,\n      \"bank_conflict\": 0.02,\n      "
        "\"four_activate_window\": 0.005,\n      \"command_bus\": 0.003,\n      \"column_spacing\": 0.012,\n      "
        "\"idle\": 0.08\n    }",
        "\"name\": \"hbm_stack_1.channel_0\"",
        "\"packets\": 2000",
        "\"kind\": \"phy\"",
        "\"stall_fraction\": 0.1",
        "\"replays\": 0",
        "\"flops\": 2000000000",
        "\"mbu\": ",
        "\"wait_hbm_bandwidth\": 0.9090909090909091",
        "\"l2_hit_rate\": 0.1",
        "\"time_per_token_ns\": 30000000.0",
        "\"weight_bytes\": 69503041536",
        "\"extrapolated\": true",
        "\"layers_simulated\": 4",
        "\"floor_ns\": 14000000.0",
        "\"term\": \"refresh\",\n        \"ns\": 2100000.0",
        "\"term\": \"unexplained\",\n        \"ns\": 0.0",
        "\"bound_by\": \"hbm\"",
        "\"weights\": 70553706496",
        "\"free\": 8104116224",
        "\"aggressor\": \"prefill\"",
        "\"wait_ns\": 200000.0",
        "\"bottleneck\": {\n    \"bound_by\": \"hbm_bandwidth\"",
        "\"resource\": \"phy_bandwidth\""})
    EXPECT_THAT(json, HasSubstr(text));
}

TEST(ResultsJson, OfANetworkAlone) {
  Results r = sample::network();
  r.fabric->links.erase(r.fabric->links.begin() + 4);
  r.fabric->links.erase(r.fabric->links.begin(), r.fabric->links.begin() + 3);
  r.fabric->routers.resize(1);
  r.fabric->roll_up();
  const std::string json = results_json(r);
  EXPECT_THAT(json, HasSubstr(R"("streams": {},
  "fabric": {
    "precision": "flit",
    "packets": 2200,
    "measured_packets": 2000,
    "flits": 11000,
    "offered_flits_per_node_cycle": 0.34,
    "accepted_flits_per_node_cycle": 0.335,
    "latency_cycles": {
      "count": 2000,
      "mean": 24.5,
      "p50": 22.0,
      "p90": 31.0,
      "p95": 40.0,
      "p99": 55.0,
      "max": 90.0
    },
    "hops_mean": 1.75,
    "energy_pJ": 192000.0,
    "links": [
      {
        "name": "r2_r1",
        "kind": "mesh",
        "packets": 300,
        "flits": 1500,
        "bytes": 48000,
        "bandwidth_GBps": 4.8,
        "peak_GBps": 32.0,
        "lane_loss": {
          "after_ns": 5000.0,
          "peak_GBps": 16.0
        },
        "utilization": 0.2,
        "busy_fraction": 0.15,
        "stall_fraction": 0.025,
        "waiting_mean": 0.025,
        "stalls": {
          "no_credit": 0.0,
          "lost_vc_allocation": 0.0,
          "lost_switch_allocation": 0.0,
          "replay": 250.0
        },
        "replays": 12,
        "energy_pJ": 192000.0
      }
    ],
    "routers": [
      {
        "name": "r0",
        "flits": 9000,
        "flits_per_cycle": 0.9,
        "buffer_occupancy": {
          "mean": 4.5,
          "peak": 31,
          "slots": 96
        }
      }
    ]
  },
)"));
  for (const char* section : {"hbm", "compute", "workload"})
    EXPECT_THAT(json, Not(HasSubstr('"' + std::string(section) + '"')));
}

TEST(ResultsJson, WhatAPacketNetworkDoesNotCountIsAbsent) {
  const std::string json = results_json(sample::decode());
  EXPECT_THAT(json, HasSubstr("\"fabric\": {\n    \"precision\": \"packet\",\n    \"packets\": 2000,"));
  for (const char* absent :
       {"\"stalls\"", "\"lane_loss\"", "\"routers\"", "latency_cycles", "flits_per_node_cycle", "measured_packets"})
    EXPECT_THAT(json, Not(HasSubstr(absent)));
}

TEST(ResultsJson, EnergyByTermStackAndStream) {
  const std::string json = results_json(sample::with_energy(sample::decode(true)));
  for (const char* text :
       {"\"energy_pJ\": 8000000.0", "\"energy_pJ\": 4000000.0", "\"hbm_energy_pJ\": 2000000.0",
        "\"hbm_pJ_per_bit\": 2.0", "\"total_pJ\": 8000000.0",
        "\"interval_pJ\": [\n        6000000.0,\n        16000000.0\n      ]", "\"unattributed_pJ\": 4000000.0",
        "\"name\": \"io\",\n          \"pJ\": 4000000.0,\n          \"share\": 0.5,\n          \"count\": 2000000,\n"
        "          \"per\": \"bit\",\n          \"pJ_each\": 2.0,\n          \"source\": \"a paper\""})
    EXPECT_THAT(json, HasSubstr(text));
  EXPECT_THAT(results_json(sample::decode(true)), Not(HasSubstr("energy")));
}

TEST(ResultsJson, NamesOfUsersStayValidJson) {
  Results r;
  r.run.platform = "qu\"ote\n\xff";
  EXPECT_THAT(results_json(r), HasSubstr("\"platform\": \"qu\\\"ote\\n\xEF\xBF\xBD\""));
}

TEST(ResultsJson, PartialRunsAreMarked) {
  Results r;
  r.run.status = Status::interrupted;
  r.run.exit_code = 130;
  r.run.exit_reason = "SIGINT";
  EXPECT_THAT(results_json(r), HasSubstr("\"status\": \"interrupted\",\n  \"partial\": true"));
  EXPECT_THAT(
      run_json(r.run),
      HasSubstr(
          "\"status\": \"interrupted\",\n  \"partial\": true,\n  \"exit_code\": 130,\n  \"exit_reason\": \"SIGINT\""));
}

TEST(RunJson, HoldsWhatIdentifiesARun) {
  EXPECT_EQ(run_json(sample::decode().run), R"({
  "version": "0.1.0",
  "git_hash": "abc1234",
  "systemc_version": "2.3.4",
  "command_line": "cowosim run h100_sxm5 llama3_70b_decode",
  "platform": "h100_sxm5",
  "workload": "llama3_70b_decode",
  "seed": 1,
  "host": "host",
  "started": "2026-11-22T12:00:00Z",
  "status": "completed",
  "partial": false,
  "exit_code": 0,
  "exit_reason": "the workload is done",
  "threads": 2,
  "window_ns": 20.0,
  "simulated_ns": 1200000.0,
  "host_seconds": 12.5,
  "cpu_seconds": 25.0
}
)");
}

TEST(StatTable, OneRowAStatistic) {
  StatTable table;
  table.set_path("hbm_stack_0.channel_0");
  table("reads", "count", 12);
  table("busy", "ns", 1.5);
  table.set_path("odd,name");
  table("hit_rate", "ratio", 0.25);
  EXPECT_EQ(table.csv(),
            "path,stat,unit,value\n"
            "hbm_stack_0.channel_0,reads,count,12\n"
            "hbm_stack_0.channel_0,busy,ns,1.5\n"
            "\"odd,name\",hit_rate,ratio,0.25\n");
}

TEST(IntervalSeries, WritesWhatEachIntervalAdded) {
  std::ostringstream out;
  IntervalSeries series(out);
  const auto sample = [&](Time t, double reads, double other, double rate, bool baseline = false) {
    series.begin_sample(t, baseline);
    series.set_path("a");
    series("reads", "count", reads);
    series("rate", "ratio", rate);
    series.set_path("b");
    series("reads", "count", other);
  };
  sample(5 * kNanosecond, 100, 7, 0.9, true);  // warm-up: not written, not counted
  sample(10 * kNanosecond, 110, 7, 0.5);
  sample(20 * kNanosecond, 110, 9, 0.5);
  sample(25'500'000, 115, 9, 0.25);  // the last one is shorter
  EXPECT_EQ(out.str(),
            "time_ns,path,stat,unit,value\n"
            "10,a,reads,count,10\n"
            "10,a,rate,ratio,0.5\n"
            "20,a,rate,ratio,0.5\n"
            "20,b,reads,count,2\n"
            "25.5,a,reads,count,5\n"
            "25.5,a,rate,ratio,0.25\n");
}

TEST(IntervalSeries, WithoutBaselineCountsFromZero) {
  std::ostringstream out;
  IntervalSeries series(out);
  series.begin_sample(kNanosecond);
  series.set_path("a");
  series("reads", "count", 3);
  EXPECT_EQ(out.str(), "time_ns,path,stat,unit,value\n1,a,reads,count,3\n");
}

struct German : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Writers, DoNotDependOnTheLocale) {
  const auto everything = [] {
    const Results r = sample::decode(true);
    std::ostringstream series_out;
    IntervalSeries series(series_out);
    series.begin_sample(1234567 * kNanosecond);
    series("reads", "count", 1234567.5);
    StatTable table;
    table("reads", "count", 1234567.5);
    return results_json(r) + run_json(r.run) + table.csv() + series_out.str();
  };
  const std::string before = everything();
  const std::locale old = std::locale::global(std::locale(std::locale::classic(), new German));
  const std::string after = everything();
  std::locale::global(old);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace cowosim::telemetry
