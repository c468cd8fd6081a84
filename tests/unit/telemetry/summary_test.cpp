#include "telemetry/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sample.h"
#include "telemetry/report.h"

namespace cowosim::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

/// The number that ends at column `end` of a table's row, in its last digit's units; 0 where there is none.
std::int64_t value_before(const std::string& line, std::size_t end) {
  std::string digits;
  for (std::size_t i = std::min(end, line.size()); i > 0 && line[i - 1] != ' '; --i)
    if (line[i - 1] != ',' && line[i - 1] != '.') digits.insert(digits.begin(), line[i - 1]);
  return digits.empty() ? 0 : std::stoll(digits);
}

TEST(Summary, ReadsLikeAnAnswer) {
  EXPECT_EQ(
      summary(sample::decode()),
      R"(llama3_70b_decode on h100_sxm5: 24.00 ms per token, 41.7 tokens/s; the floor is 14.00 ms, so it runs at 58.3 %
  of what is possible.
Bound by hbm_bandwidth: the HBM's data buses move data 80.0 % of the time and are held up by the DRAM's own
  rules for another 12.0 % (most by refresh); 8.0 % is idle.
Extrapolated: 4 of 80 layers were simulated (1.200 ms); the others are taken to last as long as those, what
  comes once was simulated once.

Time per token, from its floor up                         ns  % of gap
  floor (weights 13.72 ms + KV cache 280.0 us)    14,000,000
  + traffic beyond the floor                       5,200,000    52.0 %  ############
  + refresh                                        1,680,000    16.8 %  ####
  + launch of tiles                                  669,091     6.7 %  ##
  + between operators                                600,000     6.0 %  #
  + bank conflicts                                   480,000     4.8 %  #
  + ramp-up of operators                             400,000     4.0 %  #
  + column spacing                                   288,000     2.9 %  #
  + imbalance between cores                          250,909     2.5 %  #
  + read/write turnaround                            240,000     2.4 %  #
  + other terms                                      192,000     1.9 %  #
  + unexplained                                            0     0.0 %
  = measured                                      24,000,000  the gap is 10,000,000 ns, 41.7 % of it

How much of each peak                  achieved            peak        %
  HBM (2 stacks)                    1600.0 GB/s     2000.0 GB/s   80.0 %  ###################
  L2 of die_0, 10.0 % hits           833.3 GB/s     5500.0 GB/s   15.2 %  ####
  noc link                           833.3 GB/s     5500.0 GB/s   15.2 %  ####
  phy links (2, busiest 50.0 %)      833.3 GB/s     2000.0 GB/s   41.7 %  ##########
  cores                           1.667 TFLOP/s   989.0 TFLOP/s    0.8 %  #

HBM data bus: data 80.0 %, HBM idle 8.0 %, refresh 7.0 %, bank conflicts 2.0 %, column spacing 1.2 %,
  read/write turnaround 1.0 %, four-activate window 0.5 %, command bus 0.3 %
Core time: computing 0.8 %, waiting for HBM bandwidth 90.9 %, launch of tiles 6.1 %, imbalance between cores
  2.3 %
Packet precision is optimistic under load: latencies 5 % low at half of saturation, up to 22 % at 90 %.

Latency of a transaction by stage: mean 600.0 ns, p50 600.0 ns, p99 600.0 ns, max 600.0 ns
  issue           60.00 ns mean    60.00 ns p99   10.0 %  ##
  noc             120.0 ns mean    120.0 ns p99   20.0 %  #####
  l2              60.00 ns mean    60.00 ns p99   10.0 %  ##
  queue           180.0 ns mean    180.0 ns p99   30.0 %  #######
  bank            60.00 ns mean    60.00 ns p99   10.0 %  ##
  data            60.00 ns mean    60.00 ns p99   10.0 %  ##
  return          60.00 ns mean    60.00 ns p99   10.0 %  ##

Who waited for whom (mean per transaction of the waiting stream, share of its latency)
  decode waited for DRAM timing at HBM bank    100.0 ns   16.7 %
  decode waited for itself at HBM data bus     80.00 ns   13.3 %
  decode waited for refresh at HBM refresh     5.000 ns    0.8 %

Memory: 71.90 GB of 80.00 GB used (89.9 %): weights 70.55 GB, kv 1.34 GB.
Simulated 1.200 ms in 12.5 s of wall clock, 25.0 s of CPU on 2 threads: 1,000 transactions, 40 per CPU second.
Completion hash 0123456789abcdef.
)");
}

TEST(Summary, EnergyIsOneLine) {
  Results r = sample::with_energy(sample::decode());
  // 4 uJ of background and 2 uJ of 1,000,000 bits, in 1.2 ms.
  r.hbm->counters.bytes = 125'000;
  EXPECT_THAT(summary(r), HasSubstr("HBM energy: 6.000 uJ, 6.00 pJ/bit [5.00, 12.00] (io 33.3 %, background 66.7 %), "
                                    "0.00 W per stack\n"));
  r.hbm->counters.bytes = 0;
  EXPECT_THAT(summary(r), HasSubstr("HBM energy: 6.000 uJ (io 33.3 %, background 66.7 %), 0.00 W per stack\n"));
  EXPECT_THAT(report_html(r), HasSubstr("<h2>HBM energy</h2>"));
  EXPECT_THAT(report_html(sample::decode()), Not(HasSubstr("HBM energy")));
}

TEST(Summary, PrintedTermsAddUpExactly) {
  // Terms that all round the wrong way, above and below the switch to ps.
  for (const Time unit : {kNanosecond, kPicosecond}) {
    Results r = sample::decode();
    std::vector<GapTerm> terms;
    for (int i = 0; i < 9; ++i) terms.push_back({"term_" + std::to_string(i), 50 * unit + unit / 2 - 1});
    terms.push_back({"saved", -20 * unit - unit / 3});
    Time sum = 0;
    for (const GapTerm& term : terms) sum += term.time;
    const Time floor = 8'000'000 * unit + unit / 2 - 7;
    r.workload->measured = floor + sum;
    r.workload->gap = explain_gap(floor + sum, {{"weights", floor}}, terms);
    std::int64_t total = 0;
    std::int64_t measured = -1;
    std::int64_t tenths = 0;
    std::size_t end = 0;
    for (const std::string& line : lines(summary(r))) {
      if (const std::size_t header = line.find("ns  % of gap"); header != std::string::npos) end = header + 2;
      if (line.rfind("  floor", 0) == 0 || line.rfind("  + ", 0) == 0) total += value_before(line, end);
      if (line.rfind("  = measured", 0) == 0) measured = value_before(line, end);
      if (line.rfind("  + ", 0) == 0) tenths += value_before(line, line.find(" %"));
    }
    EXPECT_EQ(total, measured);
    EXPECT_EQ(tenths, 1000);
  }
}

TEST(Summary, FitsOnAPage) {
  // The most that can be: every stage, every loss, many terms, streams, links and rows of blame.
  Results r = sample::with_energy(sample::decode(true));
  r.run.status = Status::interrupted;
  r.run.exit_reason = "SIGINT";
  for (StageSummary& stage : r.all.stages) stage.sum += 1000;
  for (int i = 0; i < 12; ++i) {
    r.workload->gap->terms.push_back({"some_other_term_" + std::to_string(i), 1000});
    r.workload->gap->measured += 1000;
    r.blame.push_back({"x", "class " + std::to_string(i), "decode", "prefill", 1000});
    r.streams.push_back(sample::stream("stream_" + std::to_string(i), 5, 1000));
  }
  for (const char* kind : {"d2d", "fabric"}) r.fabric->links.push_back({kind, kind, 1000, 1e12, 0, 0, 0});
  for (Time& loss : r.compute->cores.loss) loss += kMillisecond;
  const auto fits = [&] {
    const std::vector<std::string> text = lines(summary(r));
    EXPECT_LE(text.size(), 60u);
    for (const std::string& line : text) EXPECT_LE(line.size(), 120u) << line;
  };
  fits();
  r.fabric = sample::network().fabric;
  for (int i = 0; i < 300; ++i) r.fabric->links.push_back(r.fabric->links[static_cast<std::size_t>(i % 5)]);
  fits();
  EXPECT_THAT(summary(sample::decode(true)), HasSubstr("for whom"));
}

TEST(Summary, OfANetworkAlone) {
  EXPECT_EQ(
      summary(sample::network()),
      R"(synthetic on reference/mesh: 2,200 packets in 10.00 us, 0.335 flits per node and cycle of 0.340 offered, 24.5
  cycles from creation to the last flit (p99 55.0).
Bound by latency: no resource is saturated (busiest: mesh_bandwidth, 55.0 %); a packet takes 24.5 cycles on
  average over 1.75 hops; the busiest link is r1_r2; the waiting for it is mostly no credit (75.0 %).

How much of each peak                   achieved            peak        %
  ejection link                        16.0 GB/s       32.0 GB/s   50.0 %  ############
  injection link                       12.8 GB/s       32.0 GB/s   40.0 %  ##########
  mesh links (3, busiest 55.0 %)       38.4 GB/s       96.0 GB/s   40.0 %  ##########

Networks at flit precision: 2,200 packets, 11,000 flits, 1.75 hops on average; latency mean 24.5, p50 22.0,
  p99 55.0, max 90.0 cycles; energy of the links 2.688 uJ; 12 replays; 1 link lost lanes.
Waiting for links: no credit 66.5 %, lost switch allocation 22.7 %, lost VC allocation 9.4 %, replay 1.4 %
Busiest links                  used   waiting   replays  mostly for
  r1_r2 (mesh)               55.0 %      1.20         0  no credit 75.0 %
  r0_r1 (mesh)               50.0 %      0.50         0  no credit 60.0 %
  t2.out (ejection)          50.0 %      0.00         0
  t0.in (injection)          40.0 %      0.08         0  lost switch allocation 75.0 %
  r2_r1 (mesh)               20.0 %      0.03        12  replay 100.0 %
Fullest of 3 routers: r1, on average 30.2 flits in buffers of 96, at most 96.

Simulated 12.00 us in 1.0 s of wall clock, 1.0 s of CPU on 1 thread: 2,200 packets, 2,200 per CPU second.
Completion hash 0000000000000000.
)");
}

TEST(Summary, OfHundredsOfLinksShowsTheBusiest) {
  Results r = sample::network();
  for (int i = 0; i < 300; ++i) r.fabric->links.push_back(r.fabric->links[3]);
  const std::string text = summary(r);
  EXPECT_THAT(text, HasSubstr("  mesh links (303, busiest 55.0 %)"));
  EXPECT_THAT(text, HasSubstr("  r2_r1 (mesh)               20.0 %      0.03        12  replay 100.0 %\n"
                              "  and 297 less used ones in results.json\n"));
  EXPECT_THAT(report_html(r), HasSubstr("and 285 less used ones in results.json"));
}

TEST(Summary, APacketNetworkAloneSaysBoth) {
  Results r = sample::network();
  r.fabric->precision = FabricPrecision::packet;
  r.fabric->routers.clear();
  r.fabric->flits = 0;
  for (LinkResult& link : r.fabric->links) link.stalls.reset();
  r.bottleneck = find_bottleneck(r);
  EXPECT_THAT(summary(r), HasSubstr("Networks at packet precision: 2,200 packets, 1.75 hops on average;"));
  EXPECT_THAT(summary(r), HasSubstr("optimistic under load"));
  EXPECT_THAT(summary(r), Not(HasSubstr("credit")));
  EXPECT_THAT(summary(sample::network()), Not(HasSubstr("optimistic")));
}

TEST(Summary, PartialRunsSayItFirst) {
  Results r = sample::decode();
  r.run.status = Status::wall_limit;
  r.run.exit_reason.clear();
  EXPECT_THAT(summary(r),
              StartsWith("PARTIAL RESULTS: the run ended early at 1.200 ms (wall_limit); everything below covers"));
  r.run.status = Status::time_limit;
  EXPECT_THAT(summary(r), StartsWith("llama3_70b_decode on h100_sxm5"));
}

TEST(Summary, WhatDoesNotApplyIsAbsent) {
  Results r = sample::decode();
  r.workload.reset();
  r.compute.reset();
  r.fabric.reset();
  r.capacity.reset();
  r.blame.clear();
  r.run.workload = "stream";
  const std::string text = summary(r);
  EXPECT_THAT(
      text,
      StartsWith(
          "stream on h100_sxm5: 40.0 GB/s (2.0 % of the HBM's peak), 600.0 ns from request to response (p99 600.0 "
          "ns),\n  64.00 kB in 1.599 us.\n"));
  for (const char* absent : {"floor", "Core time", "Memory", "waited", "Streams", "Extrapolated", "nan", "inf"})
    EXPECT_THAT(text, Not(HasSubstr(absent)));
}

TEST(Summary, OfNothingIsStillReadable) {
  const std::string text = summary(Results{});
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, HasSubstr("Completion hash 0000000000000000."));
}

TEST(Headline, OfEachKindOfWorkload) {
  Results r = sample::decode();
  r.workload->tokens = 8;
  r.workload->users = 8;
  EXPECT_THAT(headline(r),
              HasSubstr("24.00 ms per token, 41.7 tokens/s per user, 333.3 tokens/s for 8 users; the floor"));
  r.workload->phase = "prefill";
  r.workload->tokens = 2048;
  EXPECT_THAT(headline(r), HasSubstr("2,048 tokens in 24.00 ms, 85333.3 tokens/s; the floor"));
  r.workload->phase = "kernel";
  r.workload->tokens = 0;
  r.workload->name = "gemm";
  r.workload->gap.reset();
  r.workload->measured = 100 * kMicrosecond;
  r.workload->operators = {{"gemm", "gemm", 0, 100 * kMicrosecond, 50'000'000'000ull, 0, "compute", 1}};
  EXPECT_EQ(headline(r), "gemm on h100_sxm5: 100.0 us, 500.0 TFLOP/s.");
}

TEST(Comparison, SaysWhatTheOtherStreamCosts) {
  const std::string text = comparison(sample::decode(), sample::decode(true), "decode");
  EXPECT_THAT(text, StartsWith("What prefill costs decode: time per token goes from 24.00 ms to 30.00 ms, 1.25 times "
                               "as long (+6.000 ms). Its\n"
                               "  bandwidth goes from 40.0 GB/s to 33.7 GB/s, prefill takes 16.0 GB/s.\n"));
  EXPECT_THAT(
      text,
      HasSubstr("  + traffic of prefill                               0     6,000,000     6,000,000   100.0 %\n"));
  EXPECT_THAT(text, HasSubstr("  = latency                                      600.0         900.0         300.0\n"));
  EXPECT_THAT(text, HasSubstr("  HBM data bus: for prefill                             200.0 ns        22.2 %\n"));
  EXPECT_THAT(text, HasSubstr("  HBM bank: for DRAM timing                             100.0 ns      100.0 ns\n"));
  // What others waited for is not the victim's.
  EXPECT_THAT(text, Not(HasSubstr("for decode\n")));
}

TEST(Comparison, CostsAddUpAsPrinted) {
  const std::vector<std::string> text = lines(comparison(sample::decode(), sample::decode(true), "decode"));
  std::int64_t cost = 0;
  std::int64_t measured = 0;
  for (const std::string& line : text) {
    if (line.rfind("  + ", 0) == 0) cost += value_before(line, 82);
    if (line.rfind("  = measured", 0) == 0) measured = value_before(line, 82);
  }
  EXPECT_EQ(cost, measured);
  EXPECT_EQ(measured, 6'000'000);
}

TEST(Comparison, OfStreamsWithoutAWorkload) {
  Results alone = sample::decode();
  Results both = sample::decode(true);
  alone.workload.reset();
  both.workload.reset();
  EXPECT_THAT(comparison(alone, both, "decode"),
              StartsWith("What prefill costs decode: the mean latency goes from 600.0 ns to 900.0 ns, 1.50 times"));
  EXPECT_EQ(comparison(alone, both, "other"), "There is no stream other in the run alone.\n");
}

TEST(Report, IsOneSelfContainedPage) {
  const std::string html = report_html(sample::decode(true));
  EXPECT_THAT(html, StartsWith("<!doctype html>"));
  EXPECT_THAT(html, HasSubstr("</html>"));
  for (const char* foreign : {"<script", "http:", "https:", "src=", "@import", "url("})
    EXPECT_THAT(html, Not(HasSubstr(foreign)));
  for (const char* part :
       {"Where the time goes", "How much of each peak", "Latency by stage", "What the HBM", "What the cores did",
        "Who waited for whom", "Operators", "Streams", "Fabric", "href=\"config.yaml\"", "layer_0.mlp"})
    EXPECT_THAT(html, HasSubstr(part));
}

TEST(Report, OfANetworkAlone) {
  const std::string html = report_html(sample::network());
  for (const char* part : {"<h2>Fabric</h2>", "mean 24.5, p50 22.0, p90 31.0, p95 40.0, p99 55.0, max 90.0",
                           "r1_r2: 55.0 % of 32.0 GB/s", "<th>lost VC allocation</th>",
                           "background:rgba(213,94,0,0.09)\">0.05</td>",  // VCs without a VC downstream for r0_r1
                           "4.800 GB/s (16.0 GB/s left after 5.000 us)", "<td>r1</td><td>96</td>",
                           "background:rgba(213,94,0,0.80)\">96</td>", "flits per node and cycle"})
    EXPECT_THAT(html, HasSubstr(part));
  for (const char* absent : {"HBM", "cores", "optimistic", "Streams", "nan", "inf"})
    EXPECT_THAT(html, Not(HasSubstr(absent)));
  const std::string packet = report_html(sample::decode());
  EXPECT_THAT(packet, HasSubstr("Packet precision is optimistic under load"));
  EXPECT_THAT(packet, Not(HasSubstr("VC allocation")));
}

TEST(Report, EscapesNames) {
  Results r = sample::decode();
  r.run.command_line = "cowosim run '<b>&\"x\"'";
  r.workload->operators[0].name = "<script>";
  const std::string html = report_html(r);
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;&amp;&quot;x&quot;"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(Report, WhatDoesNotApplyIsAbsent) {
  const std::string html = report_html(Results{});
  for (const char* absent : {"<svg", "<table", "nan", "Partial"}) EXPECT_THAT(html, Not(HasSubstr(absent)));
  Results r;
  r.run.status = Status::deadlock;
  EXPECT_THAT(report_html(r), HasSubstr("Partial results."));
}

}  // namespace
}  // namespace cowosim::telemetry
