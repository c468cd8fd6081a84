#include "telemetry/writers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

using Json = nlohmann::ordered_json;

double seconds(Time t) { return static_cast<double>(t) / static_cast<double>(kSecond); }
double fraction(double part, double whole) { return whole > 0 ? part / whole : 0.0; }
double fraction(Time part, Time whole) { return fraction(static_cast<double>(part), static_cast<double>(whole)); }
double gigabytes_per_second(double bytes, Time interval) {
  return interval > 0 ? bytes / seconds(interval) / 1e9 : 0.0;
}

Json latency_json(const LatencySummary& latency) {
  Json json;
  json["count"] = latency.count;
  json["mean"] = latency.mean() / 1e6;
  json["min"] = to_ns(latency.min);
  json["p50"] = to_ns(latency.p50);
  json["p90"] = to_ns(latency.p90);
  json["p99"] = to_ns(latency.p99);
  json["p999"] = to_ns(latency.p999);
  json["max"] = to_ns(latency.max);
  return json;
}

Json latency_json(const StreamResult& stream) {
  Json json = latency_json(stream.latency);
  Json stages = Json::object();
  const double count = static_cast<double>(stream.latency.count);
  for (std::size_t s = 0; s < kStages; ++s) {
    const StageSummary& stage = stream.stages[s];
    if (stage.sum == 0) continue;
    Json& entry = stages[name_of(static_cast<Stage>(s))];
    entry["mean"] = static_cast<double>(stage.sum) / count / 1e6;
    entry["p99"] = to_ns(stage.p99);
    entry["share"] = fraction(static_cast<double>(stage.sum), static_cast<double>(stream.latency.sum));
  }
  json["stages"] = std::move(stages);
  return json;
}

double per_bit(double pj, std::uint64_t bytes) { return fraction(pj, 8 * static_cast<double>(bytes)); }

Json energy_json(const HbmResult& hbm) {
  const EnergyAccount account = hbm.energy->total();
  const Energy total = account.total();
  Json json;
  json["total_pJ"] = total.value;
  json["interval_pJ"] = {total.low, total.high};
  if (hbm.counters.bytes > 0) {
    json["pJ_per_bit"] = per_bit(total.value, hbm.counters.bytes);
    json["pJ_per_bit_interval"] = {per_bit(total.low, hbm.counters.bytes), per_bit(total.high, hbm.counters.bytes)};
  }
  json["power_W"] = fraction(total.value * 1e-12, seconds(hbm.interval));
  json["unattributed_pJ"] = hbm.energy->unattributed.total().value;
  json["terms"] = Json::array();
  for (const EnergyTerm& term : account.terms()) {
    const double pj = term.energy().value;
    json["terms"].push_back({{"name", term.name},
                             {"pJ", pj},
                             {"share", fraction(pj, total.value)},
                             {"count", term.count},
                             {"per", term.per},
                             {"pJ_each", term.each.value},
                             {"source", term.source}});
  }
  return json;
}

/// Of what its commands cost; refresh and background are nobody's.
void add_stream_energy(Json& json, const HbmResult& hbm) {
  for (const auto& [stream, account] : hbm.energy->streams) {
    const double pj = account.total().value;
    json[stream]["hbm_energy_pJ"] = pj;
    const std::uint64_t bits = account.count("io");
    if (bits > 0) json[stream]["hbm_pJ_per_bit"] = pj / static_cast<double>(bits);
  }
}

Json stream_json(const StreamResult& stream) {
  Json json;
  json["transactions"] = stream.transactions;
  json["reads"] = stream.reads;
  json["writes"] = stream.writes;
  json["bytes"] = stream.bytes;
  json["interval_ns"] = to_ns(stream.interval);
  json["bandwidth_GBps"] = gigabytes_per_second(static_cast<double>(stream.bytes), stream.interval);
  json["latency_ns"] = latency_json(stream);
  return json;
}

void add_hbm_counters(Json& json, const HbmCounters& c, Time interval, const LatencySummary* latency) {
  json["bandwidth_GBps"] = gigabytes_per_second(static_cast<double>(c.bytes), interval);
  json["peak_GBps"] = c.peak_bytes_per_second / 1e9;
  json["utilization"] = fraction(c.data_time, c.bus_time);
  json["bytes"] = c.bytes;
  json["reads"] = c.reads;
  json["writes"] = c.writes;
  json["activates"] = c.activates;
  json["precharges"] = c.precharges;
  json["refreshes"] = c.refreshes;
  if (c.bank_refreshes > 0) json["bank_refreshes"] = c.bank_refreshes;
  if (c.refresh_managements > 0) json["refresh_managements"] = c.refresh_managements;
  if (c.row_hits + c.row_misses > 0)
    json["row_hit_rate"] = fraction(static_cast<double>(c.row_hits), static_cast<double>(c.row_hits + c.row_misses));
  if (latency != nullptr) json["latency_ns"] = latency_json(*latency);
  for (std::size_t i = 0; i < kHbmLosses; ++i)
    json["loss"][name_of(static_cast<HbmLoss>(i))] = fraction(c.loss[i], c.bus_time);
  if (c.energy_pj) json["energy_pJ"] = *c.energy_pj;
  if (c.errors)
    json["errors"] = {{"corrected", c.errors->corrected},
                      {"replayed", c.errors->replayed},
                      {"uncorrected", c.errors->uncorrected},
                      {"undetected", c.errors->undetected}};
}

Json hbm_json(const HbmResult& hbm) {
  const auto pointer = [](const std::optional<LatencySummary>& latency) { return latency ? &*latency : nullptr; };
  Json json;
  add_hbm_counters(json, hbm.counters, hbm.interval, &hbm.latency);
  for (const auto& [stream, time] : hbm.data_time_by_stream)
    json["utilization_by_stream"][stream] = fraction(time, hbm.counters.bus_time);
  if (hbm.energy) json["energy"] = energy_json(hbm);
  json["stacks"] = Json::array();
  for (const HbmStackResult& stack : hbm.stacks) {
    Json entry;
    entry["name"] = stack.name;
    add_hbm_counters(entry, stack.counters, hbm.interval, pointer(stack.latency));
    entry["channels"] = Json::array();
    for (const HbmChannelResult& channel : stack.channels) {
      Json inner;
      inner["name"] = channel.name;
      add_hbm_counters(inner, channel.counters, hbm.interval, pointer(channel.latency));
      entry["channels"].push_back(std::move(inner));
    }
    json["stacks"].push_back(std::move(entry));
  }
  return json;
}

Json fabric_json(const FabricResult& fabric) {
  Json json;
  json["precision"] = name_of(fabric.precision);
  json["packets"] = fabric.packets;
  if (fabric.measured_packets) json["measured_packets"] = *fabric.measured_packets;
  json["flits"] = fabric.flits;
  if (fabric.offered_flits_per_node_cycle) json["offered_flits_per_node_cycle"] = *fabric.offered_flits_per_node_cycle;
  if (fabric.accepted_flits_per_node_cycle)
    json["accepted_flits_per_node_cycle"] = *fabric.accepted_flits_per_node_cycle;
  if (fabric.latency_cycles) {
    const CycleSummary& c = *fabric.latency_cycles;
    Json& latency = json["latency_cycles"];
    latency["count"] = c.count;
    latency["mean"] = c.mean;
    latency["p50"] = c.p50;
    latency["p90"] = c.p90;
    latency["p95"] = c.p95;
    latency["p99"] = c.p99;
    latency["max"] = c.max;
  }
  if (fabric.hops_mean) json["hops_mean"] = *fabric.hops_mean;
  if (fabric.energy_pj) json["energy_pJ"] = *fabric.energy_pj;
  json["links"] = Json::array();
  for (const LinkResult& link : fabric.links) {
    Json entry;
    entry["name"] = link.name;
    entry["kind"] = link.kind;
    if (link.packets) entry["packets"] = *link.packets;
    if (link.flits) entry["flits"] = *link.flits;
    entry["bytes"] = link.bytes;
    entry["bandwidth_GBps"] = gigabytes_per_second(static_cast<double>(link.bytes), fabric.interval);
    entry["peak_GBps"] = link.peak_bytes_per_second / 1e9;
    if (link.lane_loss)
      entry["lane_loss"] = {{"after_ns", to_ns(link.lane_loss->after)},
                            {"peak_GBps", link.lane_loss->peak_bytes_per_second / 1e9}};
    entry["utilization"] = link.utilization(fabric.interval);
    entry["busy_fraction"] = fraction(link.busy, fabric.interval);
    entry["stall_fraction"] = link.stall_fraction(fabric.interval);
    entry["waiting_mean"] = link.waiting(fabric.interval);
    for (std::size_t i = 0; link.stalls && i < kLinkStalls; ++i)
      entry["stalls"][name_of(static_cast<LinkStall>(i))] = to_ns((*link.stalls)[i]);
    entry["replays"] = link.replays;
    if (link.energy_pj) entry["energy_pJ"] = *link.energy_pj;
    json["links"].push_back(std::move(entry));
  }
  for (const RouterResult& router : fabric.routers) {
    Json entry;
    entry["name"] = router.name;
    entry["flits"] = router.flits;
    entry["flits_per_cycle"] = fraction(static_cast<double>(router.flits) * static_cast<double>(router.period),
                                        static_cast<double>(fabric.interval));
    entry["buffer_occupancy"] = {
        {"mean", router.mean_occupancy}, {"peak", router.peak_occupancy}, {"slots", router.buffer_slots}};
    json["routers"].push_back(std::move(entry));
  }
  return json;
}

Json loss_json(const CoreCounters& cores) {
  Json json;
  for (std::size_t i = 0; i < kCoreLosses; ++i)
    json[name_of(static_cast<CoreLoss>(i))] = fraction(cores.loss[i], cores.core_time);
  return json;
}

/// FLOP are whole numbers, and beyond 2^53 written as such as well.
Json flop_json(double flops) {
  return flops >= 0 && flops < 1.8e19 ? Json(static_cast<std::uint64_t>(flops)) : Json(flops);
}

Json compute_json(const Results& results) {
  const ComputeResult& compute = *results.compute;
  Json json;
  json["flops"] = flop_json(compute.cores.flops);
  json["peak_flops"] = compute.cores.peak_flops_per_second;
  json["utilization"] = fraction(compute.cores.useful_time, compute.cores.core_time);
  if (results.workload && results.hbm && results.workload->measured > 0 && results.workload->weight_bytes > 0) {
    // Model bandwidth utilisation: what the model needs to read once, over what the memory could have moved meanwhile.
    const double needed = static_cast<double>(results.workload->weight_bytes + results.workload->kv_bytes);
    json["mbu"] = fraction(needed / seconds(results.workload->measured), results.hbm->counters.peak_bytes_per_second);
  }
  json["loss"] = loss_json(compute.cores);
  json["dies"] = Json::array();
  for (const DieResult& die : compute.dies) {
    Json entry;
    entry["name"] = die.name;
    entry["flops"] = flop_json(die.cores.flops);
    entry["peak_flops"] = die.cores.peak_flops_per_second;
    entry["utilization"] = fraction(die.cores.useful_time, die.cores.core_time);
    entry["loss"] = loss_json(die.cores);
    if (die.l2) {
      const double bandwidth = gigabytes_per_second(static_cast<double>(die.l2->bytes), compute.interval);
      entry["l2_hit_rate"] =
          fraction(static_cast<double>(die.l2->hits), static_cast<double>(die.l2->hits + die.l2->misses));
      entry["l2_bandwidth_GBps"] = bandwidth;
      entry["l2_peak_GBps"] = die.l2->peak_bytes_per_second / 1e9;
      entry["l2_utilization"] = fraction(bandwidth, die.l2->peak_bytes_per_second / 1e9);
    }
    json["dies"].push_back(std::move(entry));
  }
  return json;
}

Json terms_json(const std::vector<GapTerm>& terms) {
  Json json = Json::array();
  for (const GapTerm& term : terms) json.push_back({{"term", term.term}, {"ns", to_ns(term.time)}});
  return json;
}

Json workload_json(const WorkloadResult& workload) {
  Json json;
  json["name"] = workload.name;
  json["stream"] = workload.stream;
  if (!workload.model.empty()) json["model"] = workload.model;
  json["phase"] = workload.phase;
  if (workload.measured > 0) json["measured_ns"] = to_ns(workload.measured);
  if (workload.tokens > 0) {
    const double step = seconds(workload.measured);
    const double tokens = static_cast<double>(workload.tokens);
    json["tokens"] = workload.tokens;
    json["users"] = workload.users;
    json["time_per_token_ns"] = workload.time_per_token() / 1e6;
    json["tokens_per_second_per_user"] = fraction(tokens / static_cast<double>(workload.users), step);
    json["tokens_per_second"] = fraction(tokens, step);
    json["weight_bytes"] = workload.weight_bytes;
    json["kv_bytes"] = workload.kv_bytes;
  }
  json["extrapolated"] = workload.extrapolated.has_value();
  if (workload.extrapolated) {
    json["layers_simulated"] = workload.extrapolated->layers_simulated;
    json["layers"] = workload.extrapolated->layers;
    json["simulated_part_ns"] = to_ns(workload.extrapolated->simulated);
  }
  if (workload.gap) {
    std::vector<GapTerm> terms = workload.gap->terms;
    terms.push_back({"unexplained", workload.gap->unexplained});
    json["floor_ns"] = to_ns(workload.gap->floor);
    json["floor"] = terms_json(workload.gap->floor_terms);
    json["floor_gap"] = terms_json(terms);
  }
  json["operators"] = Json::array();
  for (const OperatorResult& op : workload.operators) {
    Json entry;
    entry["name"] = op.name;
    entry["kind"] = op.kind;
    entry["start_ns"] = to_ns(op.start);
    entry["end_ns"] = to_ns(op.end);
    entry["flops"] = op.flops;
    entry["bytes"] = op.bytes;
    entry["bound_by"] = op.bound_by;
    entry["repeats"] = op.repeats;
    json["operators"].push_back(std::move(entry));
  }
  return json;
}

std::string dump(const Json& json) {
  // Names come from users' files: whatever they hold, the result stays valid JSON.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string run_json(const RunInfo& run) {
  Json json;
  json["version"] = run.version;
  json["git_hash"] = run.git_hash;
  json["systemc_version"] = run.systemc_version;
  json["command_line"] = run.command_line;
  json["platform"] = run.platform;
  json["workload"] = run.workload;
  json["seed"] = run.seed;
  json["host"] = run.host;
  json["started"] = run.started;
  json["status"] = name_of(run.status);
  json["partial"] = is_partial(run.status);
  json["exit_code"] = run.exit_code;
  json["exit_reason"] = run.exit_reason;
  if (run.checked_commands) json["checked_commands"] = *run.checked_commands;
  json["threads"] = run.threads;
  json["window_ns"] = to_ns(run.window);
  json["simulated_ns"] = to_ns(run.simulated);
  json["host_seconds"] = run.host_seconds;
  json["cpu_seconds"] = run.cpu_seconds;
  if (run.peak_resident_bytes > 0) json["peak_resident_bytes"] = run.peak_resident_bytes;
  return dump(json);
}

std::string results_json(const Results& results) {
  const RunInfo& run = results.run;
  Json json;
  json["schema"] = kResultsSchema;
  json["platform"] = run.platform;
  json["status"] = name_of(run.status);
  json["partial"] = is_partial(run.status);
  json["seed"] = run.seed;
  json["simulated_ns"] = to_ns(run.simulated);
  json["host_seconds"] = run.host_seconds;
  json["cpu_seconds"] = run.cpu_seconds;
  json["transactions"] = results.transactions;
  json["atoms"] = results.atoms;
  json["bytes"] = results.bytes;
  json["transactions_per_host_second"] = fraction(static_cast<double>(results.transactions), run.host_seconds);
  json["transactions_per_cpu_second"] = fraction(static_cast<double>(results.transactions), run.cpu_seconds);
  json["completion_hash"] = hex64(results.completion_hash);
  json["latency_ns"] = latency_json(results.all);
  json["streams"] = Json::object();
  for (const StreamResult& stream : results.streams) json["streams"][stream.name] = stream_json(stream);
  if (results.hbm && results.hbm->energy) add_stream_energy(json["streams"], *results.hbm);
  if (results.hbm) json["hbm"] = hbm_json(*results.hbm);
  if (results.fabric) json["fabric"] = fabric_json(*results.fabric);
  if (results.compute) json["compute"] = compute_json(results);
  if (results.workload) json["workload"] = workload_json(*results.workload);
  if (results.capacity) {
    std::uint64_t used = 0;
    Json& capacity = json["capacity"];
    capacity["bytes"] = results.capacity->bytes;
    capacity["used"] = Json::object();
    for (const auto& [what, size] : results.capacity->used) {
      capacity["used"][what] = size;
      used += size;
    }
    capacity["free"] = static_cast<std::int64_t>(results.capacity->bytes) - static_cast<std::int64_t>(used);
  }
  for (const ForeignResult& model : results.foreign) {
    Json& entry = json["foreign"][model.name];
    entry["role"] = model.initiator ? "initiator" : "target";
    if (model.initiator) {
      entry["requests"] = model.requests;
      entry["register_accesses"] = model.register_accesses;
      entry["loosely_timed_accesses"] = model.loosely_timed;
    } else {
      entry["reads"] = model.reads;
      entry["writes"] = model.writes;
      entry["bytes"] = model.bytes;
      entry["bandwidth_GBps"] = fraction(static_cast<double>(model.bytes), to_ns(run.simulated));
    }
  }
  if (!results.blame.empty()) {
    json["blame"] = Json::array();
    for (const BlameRow& row : results.blame)
      json["blame"].push_back({{"resource", row.resource},
                               {"class", row.resource_class},
                               {"victim", row.victim},
                               {"aggressor", row.aggressor},
                               {"wait_ns", to_ns(row.wait)}});
  }
  if (results.bottleneck) {
    Json& bottleneck = json["bottleneck"];
    bottleneck["bound_by"] = results.bottleneck->bound_by;
    bottleneck["explanation"] = results.bottleneck->explanation;
    bottleneck["ranking"] = Json::array();
    for (const auto& [resource, share] : results.bottleneck->ranking)
      bottleneck["ranking"].push_back({{"resource", resource}, {"share", share}});
  }
  return dump(json);
}

void StatTable::operator()(const char* name, const char* unit, double value) {
  text_ += fmt::format("{},{},{},{}\n", csv_field(path_), name, unit, exact_number(value));
}

IntervalSeries::IntervalSeries(std::ostream& out) : out_(out) { out_ << "time_ns,path,stat,unit,value\n"; }

void IntervalSeries::begin_sample(Time boundary, bool baseline) {
  time_ = exact_ns(boundary);
  baseline_ = baseline;
}

void IntervalSeries::operator()(const char* name, const char* unit, double value) {
  double written = value;
  if (std::string_view(unit) != "ratio") {
    double& last = last_[{path_, name}];
    written = value - last;
    last = value;
    if (written == 0) return;
  }
  if (!baseline_) out_ << fmt::format("{},{},{},{},{}\n", time_, csv_field(path_), name, unit, exact_number(written));
}

}  // namespace cowosim::telemetry
