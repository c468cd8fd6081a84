// A small, internally consistent Results: a decode step on one die, two stacks of one channel each, two streams.
#pragma once

#include "telemetry/results.h"

namespace cowosim::telemetry::sample {

inline StreamResult stream(const std::string& name, std::uint64_t transactions, Time mean) {
  StreamStatistics statistics;
  for (std::uint64_t i = 0; i < transactions; ++i) {
    Transaction t;
    t.bytes = 64;
    t.op = i % 4 == 3 ? Op::write : Op::read;
    t.created = static_cast<Time>(i) * kNanosecond;
    t.stages.start(Stage::issue, t.created);
    t.stages.enter(Stage::noc, t.created + mean / 10);
    t.stages.enter(Stage::l2, t.created + mean * 3 / 10);
    t.stages.enter(Stage::queue, t.created + mean * 4 / 10);
    t.stages.enter(Stage::bank, t.created + mean * 7 / 10);
    t.stages.enter(Stage::data, t.created + mean * 8 / 10);
    t.stages.enter(Stage::return_path, t.created + mean * 9 / 10);
    statistics.record(t, t.created + mean);
  }
  return summarise(name, statistics);
}

/// Bus time of one pseudo-channel-like unit over `interval`: 80 % data, 20 % losses, exactly adding up.
inline HbmCounters counters(Time interval) {
  HbmCounters c;
  c.reads = 1000;
  c.writes = 10;
  c.activates = 20;
  c.precharges = 19;
  c.refreshes = 5;
  c.row_hits = 990;
  c.row_misses = 20;
  c.peak_bytes_per_second = 1e12;
  c.bus_time = interval;
  c.data_time = interval / 10 * 8;
  c.bytes = static_cast<std::uint64_t>(static_cast<double>(c.data_time) / 1e15 * 1e12);
  c[HbmLoss::refresh] = interval / 100 * 7;
  c[HbmLoss::turnaround] = interval / 100 * 1;
  c[HbmLoss::bank_conflict] = interval / 100 * 2;
  c[HbmLoss::four_activate_window] = interval / 1000 * 5;
  c[HbmLoss::command_bus] = interval / 1000 * 3;
  c[HbmLoss::column_spacing] = interval / 1000 * 12;
  c[HbmLoss::idle] = interval / 100 * 8;
  return c;
}

inline Results decode(bool contended = false) {
  Results r;
  const Time interval = contended ? 1500 * kMicrosecond : 1200 * kMicrosecond;
  r.run.version = "0.1.0";
  r.run.git_hash = "abc1234";
  r.run.systemc_version = "2.3.4";
  r.run.command_line = "cowosim run h100_sxm5 llama3_70b_decode";
  r.run.platform = "h100_sxm5";
  r.run.workload = "llama3_70b_decode";
  r.run.host = "host";
  r.run.started = "2026-11-22T12:00:00Z";
  r.run.seed = 1;
  r.run.exit_reason = "the workload is done";
  r.run.window = 20 * kNanosecond;
  r.run.simulated = interval;
  r.run.host_seconds = 12.5;
  r.run.cpu_seconds = 25;
  r.run.threads = 2;

  r.streams.push_back(stream("decode", 1000, contended ? 900 * kNanosecond : 600 * kNanosecond));
  if (contended) r.streams.push_back(stream("prefill", 500, 1500 * kNanosecond));
  r.all = r.streams[0];
  r.all.name = "all";
  if (contended) {
    const StreamResult& other = r.streams[1];
    r.all.transactions += other.transactions;
    r.all.reads += other.reads;
    r.all.writes += other.writes;
    r.all.bytes += other.bytes;
    r.all.latency.count += other.latency.count;
    r.all.latency.sum += other.latency.sum;
    for (std::size_t s = 0; s < kStages; ++s) r.all.stages[s].sum += other.stages[s].sum;
  }
  r.transactions = r.all.transactions;
  r.atoms = r.transactions * 2;
  r.bytes = r.all.bytes;
  r.completion_hash = 0x0123456789abcdefull;

  HbmResult hbm;
  hbm.interval = interval;
  hbm.latency = r.all.latency;
  for (int s = 0; s < 2; ++s) {
    const std::string name = "hbm_stack_" + std::to_string(s);
    hbm.stacks.push_back({name, {}, {}, {{name + ".channel_0", counters(interval), {}}}});
  }
  hbm.roll_up();
  const Time data = hbm.counters.data_time;
  hbm.data_time_by_stream = {{"decode", contended ? data / 4 * 3 : data}};
  if (contended) hbm.data_time_by_stream.emplace_back("prefill", data - data / 4 * 3);
  r.hbm = hbm;

  FabricResult fabric;
  fabric.interval = interval;
  fabric.packets = 2000;
  fabric.flits = 6000;
  fabric.links = {{"phy_0", "phy", 400'000'000, 1e12, interval / 2, interval / 10, 0},
                  {"phy_1", "phy", 600'000'000, 1e12, interval / 2, interval / 10, 0},
                  {"die_0.noc", "noc", 1'000'000'000, 5.5e12, interval / 5, 0, 0}};
  r.fabric = fabric;

  ComputeResult compute;
  compute.interval = interval;
  DieResult die;
  die.name = "die_0";
  die.cores.flops = 2e9;
  die.cores.peak_flops_per_second = 989e12;
  die.cores.core_time = interval * 132;
  die.cores.useful_time = interval;
  die.cores[CoreLoss::wait_hbm_bandwidth] = interval * 120;
  die.cores[CoreLoss::launch] = interval * 8;
  die.cores[CoreLoss::imbalance] = interval * 3;
  die.l2 = CacheResult{1'000'000'000, 5.5e12, 100, 900};
  compute.dies.push_back(die);
  compute.roll_up();
  r.compute = compute;

  WorkloadResult w;
  w.name = "llama3_70b_decode";
  w.stream = "decode";
  w.model = "llama3_70b";
  w.phase = "decode";
  w.tokens = 1;
  w.weight_bytes = 69'503'041'536;
  w.kv_bytes = 1'342'177'280;
  const Time floor = 700 * kMicrosecond;
  IdleCauses causes;
  causes.counted = {{"between_operators", 30 * kMicrosecond}, {"ramp_up", 20 * kMicrosecond}};
  causes.weights = {{"launch", 8}, {"imbalance", 3}};
  std::vector<std::pair<std::string, Time>> others(hbm.data_time_by_stream.begin() + 1, hbm.data_time_by_stream.end());
  FloorGap part = explain_gap(interval, {{"weights", floor / 100 * 98}, {"kv", floor - floor / 100 * 98}},
                              hbm_gap_terms(hbm.counters, interval, floor, causes, others));
  w.measured = interval * 20;
  w.gap = extrapolate_gap(part, w.measured,
                          {{"weights", floor / 100 * 98 * 20}, {"kv", floor * 20 - floor / 100 * 98 * 20}});
  w.extrapolated = Extrapolation{4, 80, interval};
  w.operators = {{"layer_0.qkv", "gemm", 0, 300 * kMicrosecond, 1000, 2000, "hbm", 20},
                 {"layer_0.attention", "attention", 310 * kMicrosecond, 500 * kMicrosecond, 100, 200, "latency", 20},
                 {"layer_0.mlp", "gemm", 505 * kMicrosecond, interval, 3000, 6000, "hbm", 20}};
  r.workload = w;

  r.capacity = CapacityResult{80'000'000'000, {{"weights", 70'553'706'496}, {"kv", 1'342'177'280}}};
  r.blame = {{"hbm_stack_0.channel_0", "HBM bank", "decode", "timing", 60 * kMicrosecond},
             {"hbm_stack_1.channel_0", "HBM bank", "decode", "timing", 40 * kMicrosecond},
             {"hbm_stack_0.channel_0", "HBM data bus", "decode", "self", 80 * kMicrosecond},
             {"hbm_stack_0.channel_0", "HBM refresh", "decode", "refresh", 5 * kMicrosecond}};
  if (contended) {
    r.blame.push_back({"hbm_stack_0.channel_0", "HBM data bus", "decode", "prefill", 200 * kMicrosecond});
    r.blame.push_back({"die_0.noc", "noc", "decode", "prefill", 20 * kMicrosecond});
    r.blame.push_back({"die_0.noc", "noc", "prefill", "decode", 10 * kMicrosecond});
  }
  r.bottleneck = find_bottleneck(r);
  return r;
}

/// A network alone, consistent: synthetic packets of 5 flits of 32 bytes on a row of three routers at 1 GHz for 10 us. The
/// middle link to the right is the busiest; replays and lost lanes are on the one back.
inline Results network() {
  Results r;
  r.run.platform = "reference/mesh";
  r.run.workload = "synthetic";
  r.run.exit_reason = "the workload is done";
  r.run.simulated = 12 * kMicrosecond;
  r.run.host_seconds = 1;
  r.run.cpu_seconds = 1;

  FabricResult fabric;
  fabric.interval = 10 * kMicrosecond;
  fabric.precision = FabricPrecision::flit;
  fabric.packets = 2200;
  fabric.measured_packets = 2000;
  fabric.flits = 11'000;
  fabric.offered_flits_per_node_cycle = 0.34;
  fabric.accepted_flits_per_node_cycle = 0.335;
  fabric.latency_cycles = CycleSummary{2000, 24.5, 22, 31, 40, 55, 90};
  fabric.hops_mean = 1.75;
  const auto link = [&](const std::string& name, const std::string& kind, std::uint64_t flits, std::array<Time, 4> ns) {
    LinkResult& l = fabric.links.emplace_back();
    l.name = name;
    l.kind = kind;
    l.packets = flits / 5;
    l.flits = flits;
    l.bytes = flits * 32;
    l.peak_bytes_per_second = 32e9;
    l.busy = static_cast<Time>(flits) * kNanosecond;
    for (Time& stall : ns) l.wait += stall *= kNanosecond;
    l.stalls = ns;
    l.energy_pj = static_cast<double>(l.bytes) * 8 * 0.5;
  };
  link("t0.in", "injection", 4000, {0, 200, 600, 0});
  link("r0_r1", "mesh", 5000, {3000, 500, 1500, 0});
  link("r1_r2", "mesh", 5500, {9000, 1000, 2000, 0});
  link("r2_r1", "mesh", 1500, {0, 0, 0, 250});
  link("t2.out", "ejection", 5000, {0, 0, 0, 0});
  fabric.links[3].replays = 12;
  fabric.links[3].lane_loss = LaneLoss{5 * kMicrosecond, 16e9};
  fabric.routers = {{"r0", 9000, kNanosecond, 96, 4.5, 31},
                    {"r1", 10'500, kNanosecond, 96, 30.25, 96},
                    {"r2", 7000, kNanosecond, 64, 0.5, 8}};
  fabric.roll_up();
  r.fabric = fabric;
  r.bottleneck = find_bottleneck(r);
  return r;
}

/// Energy of the two stacks: 1 uJ of commands of every stream in each, 2 uJ of background in each.
inline Results with_energy(Results r) {
  const EnergyTerm io{"io", "bit", {2, 1, 4}, "a paper", 500'000};
  const EnergyTerm background{"background", "fs", {1e-3, 1e-3, 2e-3}, "a data sheet", 2'000'000'000};
  EnergyBalance balance;
  for (const HbmStackResult& stack : r.hbm->stacks) {
    EnergyAccount& account = balance.owners.emplace_back(stack.name, EnergyAccount()).second;
    for (std::size_t s = 0; s < r.streams.size(); ++s) account.add(io);
    account.add(background);
    balance.unattributed.add(background);
  }
  for (const StreamResult& stream : r.streams)
    balance.streams.emplace_back(stream.name, EnergyAccount()).second.add(io.times(2 * io.count));
  r.hbm->energy = balance;
  r.hbm->roll_up();
  return r;
}

}  // namespace cowosim::telemetry::sample
