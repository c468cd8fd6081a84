#include "platforms/harvest.h"

#include <algorithm>
#include <array>

#include "hbm/energy.h"

namespace cowosim::platforms {

namespace {

telemetry::Status status_of(engine::Status status) {
  switch (status) {
    case engine::Status::time_limit:
      return telemetry::Status::time_limit;
    case engine::Status::wall_limit:
      return telemetry::Status::wall_limit;
    case engine::Status::interrupted:
      return telemetry::Status::interrupted;
    case engine::Status::deadlock:
    case engine::Status::no_progress:
      return telemetry::Status::deadlock;
    default:
      return telemetry::Status::completed;
  }
}

std::string stack_name(std::size_t stack) { return "hbm_stack_" + std::to_string(stack); }

/// `index`: of the channel in the map, which knows what of it is masked.
telemetry::HbmCounters counters_of(const hbm::Channel& channel, const MemoryMap& map, std::size_t index, Time end) {
  telemetry::HbmCounters sum;
  const int stack = static_cast<int>(index) / map.geometry().channels;
  sum.peak_bytes_per_second =
      channel.peak_bytes_per_second() / channel.pseudo_channels() * map.present_in(static_cast<std::uint32_t>(index));
  for (int pc = 0; pc < channel.pseudo_channels(); ++pc) {
    if (!map.present(stack, static_cast<int>(index) % map.geometry().channels, pc)) continue;
    const hbm::Counters& counters = channel.counters(pc);
    const hbm::LossAccount account = channel.loss(pc, end);
    sum.reads += counters.reads;
    sum.writes += counters.writes;
    sum.activates += counters.activates;
    sum.precharges += counters.precharges;
    sum.refreshes += counters.refreshes + counters.bank_refreshes;
    sum.bank_refreshes += counters.bank_refreshes;
    sum.refresh_managements += counters.refresh_managements;
    sum.row_hits += counters.row_hits;
    sum.row_misses += counters.reads + counters.writes - counters.row_hits;
    sum.bytes += counters.bytes();
    sum.bus_time += end;
    sum.data_time += account.busy;
    for (std::size_t l = 0; l < hbm::kLosses; ++l) sum.loss[l] += account.loss[l];
  }
  if (channel.errors() != nullptr) sum.errors = *channel.errors();
  return sum;
}

/// The core losses that a wait for a load falls under, by the stage the load spent the time in.
telemetry::CoreLoss loss_of(Stage stage) {
  switch (stage) {
    case Stage::issue:
    case Stage::noc:
    case Stage::return_path:
    case Stage::fabric:
      return telemetry::CoreLoss::wait_noc;
    case Stage::l2:
    case Stage::mem_cache:
      return telemetry::CoreLoss::wait_l2;
    case Stage::d2d:
      return telemetry::CoreLoss::wait_d2d;
    case Stage::queue:
      return telemetry::CoreLoss::wait_hbm_bandwidth;
    case Stage::phy:
    case Stage::bank:
    case Stage::data:
      return telemetry::CoreLoss::wait_hbm_latency;
    case Stage::off_package:
    case Stage::external:
      return telemetry::CoreLoss::wait_off_package;
  }
  return telemetry::CoreLoss::no_work;
}

}  // namespace

telemetry::Results Harvest::results() const {
  telemetry::Results results;
  results.run.platform = configuration.platform_name;
  results.run.workload = configuration.workload_name();
  results.run.seed = static_cast<std::uint64_t>(configuration.run.seed);
  results.run.status = status_of(engine.status());
  results.run.exit_reason = engine.reason();
  results.run.simulated = engine.now();
  results.completion_hash = engine.completion_hash();

  add_streams(results);
  if (std::any_of(channels.begin(), channels.end(), [](const hbm::Channel* c) { return c != nullptr; }))
    results.hbm = hbm();
  if (die != nullptr || interposer != nullptr) results.fabric = fabric();
  if (die != nullptr) results.compute = compute();
  for (std::size_t p = 0; p < programs.size(); ++p) {
    if (programs[p]->background || programs[p]->operators.empty()) continue;
    results.workload = workload(results, p);
    break;
  }
  if (interposer != nullptr && !interposer->collectives().empty()) results.workload = collective();
  if (!programs.empty()) results.capacity = capacity();
  add_foreign(results);
  add_blame(results);
  if (engine.now() > 0) results.bottleneck = telemetry::find_bottleneck(results);
  return results;
}

void Harvest::add_foreign(telemetry::Results& results) const {
  for (const auto& shell : foreign.initiators()) {
    telemetry::ForeignResult& row = results.foreign.emplace_back();
    row.name = shell->params().name;
    row.initiator = true;
    row.requests = shell->heart().requests();
    row.register_accesses = shell->heart().register_accesses();
    row.loosely_timed = shell->loosely_timed_accesses();
  }
  for (const auto& shell : foreign.targets()) {
    telemetry::ForeignResult& row = results.foreign.emplace_back();
    const bridge::ForeignTarget::Counters& counters = shell->heart().counters();
    row.name = shell->params().name;
    row.reads = counters.reads;
    row.writes = counters.writes;
    row.bytes = counters.bytes;
  }
}

void Harvest::add_streams(telemetry::Results& results) const {
  telemetry::StreamStatistics all;
  for (std::size_t s = 0; s < streams.size(); ++s) {
    const auto id = static_cast<StreamId>(s);
    telemetry::StreamStatistics sum;
    for (const traffic::Source* source : sources) sum.merge(source->stream(id));
    if (interposer != nullptr && interposer->stream(id) != nullptr) sum.merge(*interposer->stream(id));
    for (const auto& shell : foreign.initiators())
      if (shell->heart().stream_id() == id) sum.merge(shell->heart().stream());
    if (die != nullptr) {
      for (const compute::CoreShell& core : die->core) {
        if (const auto* of_core = const_cast<compute::CoreShell&>(core).heart().stream(id)) sum.merge(*of_core);
      }
    }
    results.streams.push_back(telemetry::summarise(streams[s], sum));
    all.merge(sum);
  }
  results.all = telemetry::summarise("all", all);
  results.transactions = all.transactions;
  results.bytes = all.bytes;
  results.atoms = all.bytes / kAtomBytes;
}

telemetry::HbmResult Harvest::hbm() const {
  telemetry::HbmResult result;
  result.interval = engine.now();
  telemetry::Histogram latency;
  const auto per_stack = static_cast<std::size_t>(configuration.platform.hbm.channels);
  for (std::size_t first = 0; first < channels.size(); first += per_stack) {
    telemetry::HbmStackResult stack;
    stack.name = stack_name(first / per_stack);
    telemetry::Histogram of_stack;
    for (std::size_t c = first; c < std::min(first + per_stack, channels.size()); ++c) {
      if (channels[c] == nullptr || map.present_in(static_cast<std::uint32_t>(c)) == 0) continue;
      stack.channels.push_back({"channel_" + std::to_string(c - first), counters_of(*channels[c], map, c, engine.now()),
                                telemetry::summarise(channels[c]->read_latency())});
      of_stack.merge(channels[c]->read_latency());
    }
    if (stack.channels.empty()) continue;
    stack.latency = telemetry::summarise(of_stack);
    latency.merge(of_stack);
    result.stacks.push_back(std::move(stack));
  }
  result.latency = telemetry::summarise(latency);
  result.energy = hbm_energy();
  result.roll_up();
  for (std::size_t s = 0; s < streams.size(); ++s) {
    Time data = 0;
    for (const hbm::Channel* channel : channels) {
      if (channel == nullptr) continue;
      for (int pc = 0; pc < channel->pseudo_channels(); ++pc) data += channel->data_time(pc, static_cast<StreamId>(s));
    }
    result.data_time_by_stream.emplace_back(streams[s], data);
  }
  return result;
}

telemetry::EnergyBalance Harvest::hbm_energy() const {
  const hbm::EnergyModel model(configuration.platform.hbm);
  telemetry::EnergyBalance balance;
  const auto per_stack = static_cast<std::size_t>(configuration.platform.hbm.channels);
  for (std::size_t first = 0; first < channels.size(); first += per_stack)
    balance.owners.emplace_back(stack_name(first / per_stack), telemetry::EnergyAccount());
  for (const std::string& stream : streams) balance.streams.emplace_back(stream, telemetry::EnergyAccount());
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (channels[c] == nullptr) continue;
    telemetry::EnergyAccount& stack = balance.owners[c / per_stack].second;
    for (int pc = 0; pc < channels[c]->pseudo_channels(); ++pc) {
      if (!map.present(static_cast<int>(c / per_stack), static_cast<int>(c % per_stack), pc)) continue;
      const hbm::Counters& counters = channels[c]->counters(pc);
      const telemetry::EnergyAccount upkeep = model.upkeep(counters, engine.now());
      stack.add(model.of({counters.activates, counters.reads, counters.writes}));
      stack.add(upkeep);
      balance.unattributed.add(upkeep);
      for (std::size_t s = 0; s < streams.size(); ++s)
        balance.streams[s].second.add(model.of(channels[c]->activity(pc, static_cast<StreamId>(s))));
    }
  }
  return balance;
}

void Harvest::add_network(const fabric::Network& network, const std::string& prefix,
                          telemetry::FabricResult& result) const {
  result.packets = network.packets();
  result.flits = network.flits();
  result.precision = network.flit_precision() ? telemetry::FabricPrecision::flit : telemetry::FabricPrecision::packet;
  if (network.packets() > 0)
    result.hops_mean = static_cast<double>(network.hops()) / static_cast<double>(network.packets());
  for (const fabric::Network::LinkCounters& link : network.links()) {
    telemetry::LinkResult& row = result.links.emplace_back();
    row.name = network.name() + "." + link.name;
    row.kind = prefix + link.kind;
    row.bytes = link.bytes;
    row.peak_bytes_per_second = static_cast<double>(link.bandwidth);
    row.busy = link.busy;
    row.wait = link.wait;
    row.packets = link.packets;
    if (link.energy > 0) row.energy_pj = link.energy;
    if (link.degraded_at < result.interval)
      row.lane_loss = telemetry::LaneLoss{link.degraded_at, static_cast<double>(link.degraded_bandwidth)};
    if (!network.flit_precision()) continue;
    row.flits = link.flits;
    row.stalls = link.stalls;
    row.replays = link.replays;
  }
  for (const fabric::Network::RouterCounters& router : network.routers()) {
    const double mean = result.interval == 0 ? 0.0
                                             : router.occupancy_cycles * static_cast<double>(router.period) /
                                                   static_cast<double>(result.interval);
    result.routers.push_back({network.name() + "." + router.name, router.flits, router.period, router.buffer_slots,
                              mean, router.peak_occupancy});
  }
}

/// What the sources measured: packets created in their windows. Rates add up where all have one window, otherwise there is none of the
/// whole.
void Harvest::add_synthetic(telemetry::FabricResult& result) const {
  const auto& synthetics = interposer->synthetics();
  if (synthetics.empty()) return;
  traffic::CycleHistogram latency;
  std::uint64_t measured = 0;
  double offered = 0, accepted = 0;
  bool one_window = true;
  for (const auto& source : synthetics) {
    latency.merge(source->latency_cycles());
    measured += source->measured();
    offered += source->offered_flits_per_node_cycle(engine.now());
    accepted += source->accepted_flits_per_node_cycle(engine.now());
    one_window &= source->same_window(*synthetics.front());
  }
  // Of a completed run all that were created in the window, counted there: a check of the latencies.
  result.measured_packets = engine.status() == engine::Status::completed ? measured : latency.count();
  if (one_window && offered > 0) {
    result.offered_flits_per_node_cycle = offered;
    result.accepted_flits_per_node_cycle = accepted;
  }
  if (latency.count() == 0) return;
  const auto at = [&](double q) { return static_cast<double>(latency.quantile(q)); };
  result.latency_cycles = telemetry::CycleSummary{
      latency.count(), latency.mean(), at(0.5), at(0.9), at(0.95), at(0.99), static_cast<double>(latency.max())};
}

/// Each collective operation as an operator, of all workloads that have any.
telemetry::WorkloadResult Harvest::collective() const {
  telemetry::WorkloadResult result;
  result.name = "collective";
  result.phase = "collective";
  for (const auto& source : interposer->collectives()) {
    if (result.stream.empty()) result.stream = streams[source->stream_id()];
    for (const traffic::CollectiveTraffic::Operation& operation : source->operations()) {
      telemetry::OperatorResult& row = result.operators.emplace_back();
      row.name = streams[source->stream_id()] + "_" + std::to_string(result.operators.size() - 1);
      row.kind = source->params().kind;
      row.start = operation.start;
      row.end = operation.end;
      row.bytes = static_cast<std::uint64_t>(source->params().bytes);
      result.measured = std::max(result.measured, operation.end);
    }
  }
  return result;
}

telemetry::FabricResult Harvest::fabric() const {
  telemetry::FabricResult result;
  result.interval = engine.now();
  if (interposer != nullptr) {
    add_network(interposer->network(), "", result);
    add_synthetic(result);
    result.roll_up();
    return result;
  }
  const fabric::Network& network = die->network.heart();
  add_network(network, "noc ", result);
  if (network.flit_precision() && network.packets() > 0) {
    result.measured_packets = network.packet_latency().count();
    result.latency_cycles = telemetry::summarise_cycles(
        network.packet_latency(), period_of(configuration.platform.dies.front().network.frequency));
  }
  const int lanes = configuration.platform.hbm.channels;
  for (std::size_t s = 0; s < links.size(); ++s) {
    const fabric::Link* link = links[s];
    for (int lane = 0; lane < lanes; ++lane) {
      if (map.present_in(static_cast<std::uint32_t>(static_cast<int>(s) * lanes + lane)) == 0) continue;
      const auto add = [&](const char* direction, const fabric::Link::Counters& counters) {
        telemetry::LinkResult& row = result.links.emplace_back();
        row.name = link->name() + "." + direction + "_" + std::to_string(lane);
        row.kind = std::string("phy ") + direction;
        row.bytes = counters.bytes;
        row.peak_bytes_per_second = static_cast<double>(link->bandwidth());
        row.busy = counters.busy;
        row.wait = counters.wait;
        row.energy_pj = 8.0 * static_cast<double>(counters.bytes) * configuration.platform.phy.energy_per_bit;
      };
      add("down", link->counters(lane, fabric::Link::kDown));
      add("up", link->counters(lane, fabric::Link::kUp));
    }
  }
  result.roll_up();
  return result;
}

int Harvest::only_program() const {
  int only = -1;
  for (std::size_t p = 0; p < programs.size(); ++p) {
    if (programs[p]->operators.empty()) continue;
    if (only >= 0) return -1;
    only = static_cast<int>(p);
  }
  return only;
}

work::Precision Harvest::dominant_precision() const {
  std::array<std::uint64_t, 3> flops{};
  for (const auto& program : programs) {
    for (const auto& op : program->operators)
      flops[static_cast<std::size_t>(op->tile(0).precision)] += op->flops * op->repeats;
  }
  const auto most = std::max_element(flops.begin(), flops.end());
  return *most == 0 ? work::Precision::bf16 : static_cast<work::Precision>(most - flops.begin());
}

telemetry::ComputeResult Harvest::compute() const {
  telemetry::ComputeResult result;
  result.interval = engine.now();
  telemetry::DieResult& of_die = result.dies.emplace_back();
  of_die.name = configuration.platform.dies.front().name;

  // Cores without a tile: between two operators the dispatcher has nothing to launch; the rest is a wave's tail.
  compute::CoreActivity sum;
  for (compute::CoreShell& core : die->core) sum.add(core.heart().activity(engine.now()));
  Time between_operators = 0;
  telemetry::CoreLoss between = telemetry::CoreLoss::launch;
  if (const int only = only_program(); only >= 0) {
    const std::vector<telemetry::OperatorResult> ended = ended_operators(static_cast<std::size_t>(only));
    between_operators = telemetry::between_operators(ended, 0, ended.empty() ? 0 : ended.back().end);
    // What a host launches when it likes: it had nothing to do here until then.
    if (programs[static_cast<std::size_t>(only)]->open) between = telemetry::CoreLoss::no_work;
  }
  telemetry::CoreCounters& cores = of_die.cores;
  cores.core_time = engine.now() * static_cast<Time>(die->core.size());
  cores.flops = static_cast<double>(sum.flops);
  cores.useful_time = sum.useful;
  cores[telemetry::CoreLoss::tile_quantisation] = sum.computing - sum.useful;
  cores[between] = std::min(between_operators * static_cast<Time>(die->core.size()), sum.idle_no_tile);
  cores[telemetry::CoreLoss::imbalance] = sum.idle_no_tile - cores[between];
  for (std::size_t s = 0; s < kStages; ++s) cores[loss_of(static_cast<Stage>(s))] += sum.wait_load[s];
  cores[telemetry::CoreLoss::wait_hbm_latency] += sum.wait_load_open;
  cores[telemetry::CoreLoss::wait_l2] += sum.wait_store;
  cores.peak_flops_per_second =
      die->core[0].heart().peak_flops(dominant_precision(), true) * static_cast<double>(die->core.size());

  telemetry::CacheResult cache;
  for (std::uint32_t s = 0; s < die->slices().slices(); ++s) {
    if (!die->slices().present(s)) continue;
    compute::CacheSliceShell& slice = die->slice[s];
    const auto& counters = slice.heart().counters();
    cache.bytes += counters.read_bytes + counters.write_bytes;
    cache.hits += counters.sector_hits;
    cache.misses += counters.sector_misses + counters.sector_merges;
    cache.peak_bytes_per_second += slice.heart().peak_bandwidth();
  }
  of_die.l2 = cache;
  result.roll_up();
  return result;
}

std::vector<telemetry::OperatorResult> Harvest::ended_operators(std::size_t p) const {
  std::vector<telemetry::OperatorResult> rows;
  const auto& records = dispatcher->operators(p);
  for (std::size_t i = 0; i < records.size() && records[i].end != kNever; ++i) {
    const work::Operator& op = *programs[p]->operators[i];
    telemetry::OperatorResult& row = rows.emplace_back();
    row.name = op.name();
    row.kind = op.kind();
    row.start = records[i].start;
    row.end = records[i].end;
    row.flops = op.flops;
    row.bytes = op.bytes;
    row.repeats = op.repeats;
  }
  return rows;
}

telemetry::WorkloadResult Harvest::workload(const telemetry::Results& results, std::size_t p) const {
  const work::Program& program = *programs[p];
  telemetry::WorkloadResult result;
  result.name = program.workload;
  result.stream = program.name;
  result.phase = !program.phase.empty() ? program.phase : program.workload == "gemm" ? "kernel" : "memory";
  result.model = program.model;
  result.users = std::max<std::uint64_t>(program.batch, 1);
  result.tokens = program.tokens;

  // An operator's share of the step: from the end of the one before it, so that the shares tile the time. Sampled layers
  // count as often as they stand for.
  result.operators = ended_operators(p);
  const bool complete = result.operators.size() == program.operators.size();
  if (!results.hbm) {  // all of memory is foreign: nobody knows what it could have done
    if (complete && !result.operators.empty()) result.measured = result.operators.back().end;
    return result;
  }
  Time before = 0;
  __int128 whole = 0;
  std::uint64_t simulated_weights = 0, simulated_kv = 0, simulated_bytes = 0;
  for (std::size_t i = 0; i < result.operators.size(); ++i) {
    const work::Operator& op = *program.operators[i];
    telemetry::OperatorResult& row = result.operators[i];
    const double seconds = static_cast<double>(row.end - row.start) * 1e-15;
    // What an operator must move: its weights and KV cache; a probe's own data.
    const bool moves = op.kind() == "probe" || op.kind() == "transfer";
    const std::uint64_t memory = moves ? op.bytes : op.weight_bytes + op.kv_bytes();
    const double hbm_share = static_cast<double>(memory) / seconds / results.hbm->counters.peak_bytes_per_second;
    const double core_share = static_cast<double>(op.flops) / seconds / results.compute->cores.peak_flops_per_second;
    row.bound_by = std::max(hbm_share, core_share) < 0.5 ? "latency" : hbm_share >= core_share ? "hbm" : "compute";
    whole += static_cast<__int128>(row.end - before) * op.repeats;
    before = row.end;
    simulated_weights += op.weight_bytes;
    simulated_kv += op.kv_bytes();
    simulated_bytes += op.bytes;
  }
  result.measured = static_cast<Time>(whole);
  result.weight_bytes = program.weight_bytes();
  result.kv_bytes = program.kv_read_bytes() + program.kv_write_bytes();
  const bool sampled = program.extrapolated();
  if (sampled) result.extrapolated = telemetry::Extrapolation{program.layers_simulated, program.layers, before};
  if (!complete) {  // nobody has seen the end of this step
    result.measured = 0;
    result.tokens = 0;
    result.extrapolated.reset();
    return result;
  }

  const double peak = results.hbm->counters.peak_bytes_per_second;
  const auto at_peak = [&](std::uint64_t bytes) { return static_cast<Time>(static_cast<double>(bytes) / peak * 1e15); };
  std::vector<telemetry::GapTerm> floor, whole_floor;
  const auto add_floor = [&](const char* term, std::uint64_t simulated, std::uint64_t of_whole) {
    if (of_whole == 0) return;
    floor.push_back({term, at_peak(simulated)});
    whole_floor.push_back({term, at_peak(of_whole)});
  };
  if (result.phase == "decode") {
    add_floor("weights", simulated_weights, result.weight_bytes);
    add_floor("kv", simulated_kv, result.kv_bytes);
  } else if (result.name == "stream") {
    add_floor("data", simulated_bytes, simulated_bytes);
  } else {
    return result;  // not bound by a floor of bytes
  }
  Time floor_time = 0;
  for (const auto& term : floor) floor_time += term.time;
  if (floor_time > before) return result;  // caches kept what the floor counts as memory traffic
  // The HBM was counted to the end of the run. Where that is much later (other workloads went on), it explains them instead.
  if (results.hbm->interval - before > before / 20) return result;

  telemetry::IdleCauses causes;
  const bool alone = only_program() >= 0;
  if (alone) causes.counted.push_back({"between_operators", telemetry::between_operators(result.operators, 0, before)});
  if (alone) {  // core time is counted per core, not per program: with several it would tell of the others
    const telemetry::CoreCounters& cores = results.compute->cores;
    causes.weights = {{"imbalance", cores[telemetry::CoreLoss::imbalance]},
                      {"network", cores[telemetry::CoreLoss::wait_noc]},
                      {"cache_and_partition", cores[telemetry::CoreLoss::wait_l2]},
                      {"memory_latency",
                       cores[telemetry::CoreLoss::wait_hbm_latency] + cores[telemetry::CoreLoss::wait_hbm_bandwidth]},
                      {"compute", cores.useful_time + cores[telemetry::CoreLoss::tile_quantisation]}};
  }
  std::vector<std::pair<std::string, Time>> others;
  for (const auto& [stream, data] : results.hbm->data_time_by_stream) {
    if (stream != program.name) others.emplace_back(stream, data);
  }
  std::vector<telemetry::GapTerm> terms =
      telemetry::hbm_gap_terms(results.hbm->counters, results.hbm->interval, floor_time, causes, others);
  // The HBM was counted to the end of the run, a little (with a background stream: its last tiles) after the last operator.
  terms.push_back({"run_out", before - results.hbm->interval});
  const telemetry::FloorGap simulated_gap = telemetry::explain_gap(before, floor, terms);
  result.gap = sampled ? telemetry::extrapolate_gap(simulated_gap, result.measured, whole_floor) : simulated_gap;
  return result;
}

telemetry::CapacityResult Harvest::capacity() const {
  telemetry::CapacityResult result;
  result.bytes = map.capacity();
  for (std::size_t c = 0; c < work::kCategories; ++c) {
    const auto category = static_cast<work::Category>(c);
    if (placement.used(category) > 0) result.used.emplace_back(work::name_of(category), placement.used(category));
  }
  return result;
}

void Harvest::add_blame(telemetry::Results& results) const {
  const auto per_stack = static_cast<std::size_t>(configuration.platform.hbm.channels);
  for (std::size_t first = 0; first < channels.size(); first += per_stack) {
    telemetry::Blame stack;
    for (std::size_t c = first; c < std::min(first + per_stack, channels.size()); ++c) {
      if (channels[c] == nullptr) continue;
      for (int pc = 0; pc < channels[c]->pseudo_channels(); ++pc) stack.merge(channels[c]->blame(pc));
    }
    telemetry::append_blame(results.blame, stack_name(first / per_stack), "hbm", stack, streams);
  }
  for (const fabric::Link* link : links)
    telemetry::append_blame(results.blame, link->name(), "phy", link->blame(), streams);
  if (crossing != nullptr) telemetry::append_blame(results.blame, crossing->name(), "hbm", crossing->blame(), streams);
  const auto add_network_blame = [&](const fabric::Network& network, const char* resource_class) {
    for (std::size_t i = 0; i < network.blame_classes(); ++i) {
      telemetry::append_blame(results.blame, network.name() + "." + network.blame_class_name(i), resource_class,
                              network.blame(i), streams);
    }
  };
  if (interposer != nullptr) add_network_blame(interposer->network(), "fabric");
  if (die == nullptr) return;
  add_network_blame(die->network.heart(), "noc");
  std::array<telemetry::Blame, 3> cache;
  for (compute::CacheSliceShell& slice : die->slice) {
    cache[0].merge(slice.heart().lookup_blame());
    cache[1].merge(slice.heart().merge_blame());
    cache[2].merge(slice.heart().credit_blame());
  }
  const std::string die_name = configuration.platform.dies.front().name;
  const char* names[] = {".l2.lookup", ".l2.fill", ".l2.memory_credit"};
  for (std::size_t i = 0; i < cache.size(); ++i)
    telemetry::append_blame(results.blame, die_name + names[i], "l2", cache[i], streams);
}

}  // namespace cowosim::platforms
