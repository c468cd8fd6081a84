#include "telemetry/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "telemetry/derived.h"
#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

template <std::size_t n>
Time total_of(const std::array<Time, n>& times) {
  return std::accumulate(times.begin(), times.end(), Time{0});
}

double seconds(Time t) { return static_cast<double>(t) / static_cast<double>(kSecond); }

double share(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

bool stalled(const LinkResult& link) { return link.stalls && total_of(*link.stalls) > 0; }

LinkStall largest_stall(const LinkResult& link) {
  return static_cast<LinkStall>(std::max_element(link.stalls->begin(), link.stalls->end()) - link.stalls->begin());
}

/// What most of the waiting for a link is; nothing where that is not known.
std::string stall_words(const LinkResult& link) {
  if (!stalled(link)) return "";
  const LinkStall largest = largest_stall(link);
  const Time part = (*link.stalls)[static_cast<std::size_t>(largest)];
  return fmt::format("; the waiting for it is mostly {} ({:.1f} %)", label_of(name_of(largest)),
                     100 * share(static_cast<double>(part), static_cast<double>(total_of(*link.stalls))));
}

/// Of a network that accepts less than it is offered; else nothing. Packets under way at both ends of the measured cycles
/// do not make 5 % in any run that is long against its latencies.
std::string acceptance_words(const FabricResult& fabric) {
  constexpr double kAccepted = 0.95;
  if (!fabric.offered_flits_per_node_cycle || !fabric.accepted_flits_per_node_cycle) return "";
  const double offered = *fabric.offered_flits_per_node_cycle;
  const double accepted = *fabric.accepted_flits_per_node_cycle;
  if (accepted >= kAccepted * offered) return "";
  return fmt::format("; {:.3f} of {:.3f} flits offered per node and cycle are accepted", accepted, offered);
}

}  // namespace

const char* name_of(Status status) {
  static constexpr const char* kNames[] = {"completed", "time_limit", "wall_limit", "interrupted", "deadlock"};
  return kNames[static_cast<std::size_t>(status)];
}

const char* name_of(FabricPrecision precision) { return precision == FabricPrecision::packet ? "packet" : "flit"; }

LatencySummary summarise(const Histogram& histogram) {
  LatencySummary summary;
  summary.count = histogram.count();
  summary.sum = histogram.sum();
  summary.min = histogram.min();
  summary.p50 = histogram.quantile(0.5);
  summary.p90 = histogram.quantile(0.9);
  summary.p99 = histogram.quantile(0.99);
  summary.p999 = histogram.quantile(0.999);
  summary.max = histogram.max();
  return summary;
}

StreamResult summarise(const std::string& name, const StreamStatistics& statistics) {
  StreamResult result;
  result.name = name;
  result.transactions = statistics.transactions;
  result.reads = statistics.reads;
  result.writes = statistics.writes;
  result.bytes = statistics.bytes;
  result.interval = statistics.transactions == 0 ? 0 : statistics.last_response - statistics.first_created;
  result.latency = summarise(statistics.latency);
  for (std::size_t s = 0; s < kStages; ++s) {
    result.stages[s].sum = statistics.stages[s].sum();
    result.stages[s].p99 = statistics.stages[s].quantile_among(0.99, statistics.latency.count());
  }
  return result;
}

void HbmCounters::add(const HbmCounters& other) {
  reads += other.reads;
  writes += other.writes;
  activates += other.activates;
  precharges += other.precharges;
  refreshes += other.refreshes;
  bank_refreshes += other.bank_refreshes;
  refresh_managements += other.refresh_managements;
  row_hits += other.row_hits;
  row_misses += other.row_misses;
  bytes += other.bytes;
  peak_bytes_per_second += other.peak_bytes_per_second;
  bus_time += other.bus_time;
  data_time += other.data_time;
  for (std::size_t i = 0; i < kHbmLosses; ++i) loss[i] += other.loss[i];
  if (other.energy_pj) energy_pj = energy_pj.value_or(0) + *other.energy_pj;
  if (!other.errors) return;
  if (!errors) errors.emplace();
  errors->add(*other.errors);
}

void HbmResult::roll_up() {
  counters = {};
  for (HbmStackResult& stack : stacks) {
    stack.counters = {};
    for (const HbmChannelResult& channel : stack.channels) stack.counters.add(channel.counters);
    counters.add(stack.counters);
  }
  if (!energy) return;
  for (HbmStackResult& stack : stacks)
    for (const auto& [name, account] : energy->owners)
      if (name == stack.name) stack.counters.energy_pj = account.total().value;
  counters.energy_pj = energy->total().total().value;
}

double LinkResult::capacity(Time interval) const {
  if (!lane_loss) return peak_bytes_per_second * seconds(interval);
  return peak_bytes_per_second * seconds(lane_loss->after) +
         lane_loss->peak_bytes_per_second * seconds(interval - lane_loss->after);
}

double LinkResult::utilization(Time interval) const { return share(static_cast<double>(bytes), capacity(interval)); }

double LinkResult::waiting(Time interval) const {
  return share(static_cast<double>(wait), static_cast<double>(interval));
}

double LinkResult::stall_fraction(Time interval) const { return std::min(waiting(interval), 1.0); }

CycleSummary summarise_cycles(const Histogram& histogram, Time period) {
  const double cycle = static_cast<double>(period);
  const auto quantile = [&](double q) { return static_cast<double>(histogram.quantile(q)) / cycle; };
  CycleSummary summary;
  if (histogram.count() == 0) return summary;
  summary.count = histogram.count();
  summary.mean = static_cast<double>(histogram.sum()) / static_cast<double>(histogram.count()) / cycle;
  summary.p50 = quantile(0.5);
  summary.p90 = quantile(0.9);
  summary.p95 = quantile(0.95);
  summary.p99 = quantile(0.99);
  summary.max = static_cast<double>(histogram.max()) / cycle;
  return summary;
}

void FabricResult::roll_up() {
  energy_pj.reset();
  for (const LinkResult& link : links)
    if (link.energy_pj) energy_pj = energy_pj.value_or(0) + *link.energy_pj;
}

void CoreCounters::add(const CoreCounters& other) {
  flops += other.flops;
  peak_flops_per_second += other.peak_flops_per_second;
  core_time += other.core_time;
  useful_time += other.useful_time;
  for (std::size_t i = 0; i < kCoreLosses; ++i) loss[i] += other.loss[i];
}

void ComputeResult::roll_up() {
  cores = {};
  for (const DieResult& die : dies) cores.add(die.cores);
}

Time between_operators(const std::vector<OperatorResult>& operators, Time begin, Time end) {
  std::vector<std::pair<Time, Time>> busy;
  for (const OperatorResult& op : operators) busy.emplace_back(std::max(op.start, begin), std::min(op.end, end));
  std::sort(busy.begin(), busy.end());
  Time pause = 0;
  Time covered = begin;
  for (const auto& [from, to] : busy) {
    if (from > covered) pause += from - covered;
    covered = std::max(covered, to);
  }
  return pause + std::max<Time>(end - covered, 0);
}

void append_blame(std::vector<BlameRow>& rows, const std::string& resource, const std::string& resource_class,
                  const Blame& blame, const std::vector<std::string>& streams) {
  for (std::size_t v = 0; v < streams.size() && v < kMaxStreams; ++v) {
    for (std::size_t h = 0; h < kHolders; ++h) {
      const Time wait = blame.wait(static_cast<StreamId>(v), static_cast<Holder>(h));
      if (wait == 0) continue;
      const std::string aggressor = h == kRefresh        ? "refresh"
                                    : h == kTiming       ? "timing"
                                    : h == v             ? "self"
                                    : h < streams.size() ? streams[h]
                                                         : fmt::format("stream {}", h);
      rows.push_back({resource, resource_class, streams[v], aggressor, wait});
    }
  }
}

Bottleneck find_bottleneck(const Results& results) {
  Bottleneck bottleneck;
  auto& ranking = bottleneck.ranking;
  std::map<std::string, std::string> sentences;

  if (results.hbm && results.hbm->counters.bus_time > 0) {
    const HbmCounters& c = results.hbm->counters;
    const double bus = static_cast<double>(c.bus_time);
    const double moving = static_cast<double>(c.data_time) / bus;
    const double idle = static_cast<double>(c[HbmLoss::idle]) / bus;
    ranking.emplace_back("hbm_bandwidth", 1.0 - idle);
    std::size_t worst = 0;
    for (std::size_t i = 1; i < static_cast<std::size_t>(HbmLoss::idle); ++i)
      if (c.loss[i] > c.loss[worst]) worst = i;
    sentences["hbm_bandwidth"] = fmt::format(
        "the HBM's data buses move data {:.1f} % of the time and are held up by the DRAM's own rules for another "
        "{:.1f} % "
        "(most by {}); {:.1f} % is idle.",
        moving * 100, (1 - idle - moving) * 100, label_of(name_of(static_cast<HbmLoss>(worst))), idle * 100);
  }
  if (results.compute) {
    const ComputeResult& compute = *results.compute;
    const double used =
        share(static_cast<double>(compute.cores.useful_time), static_cast<double>(compute.cores.core_time));
    ranking.emplace_back("compute", used);
    sentences["compute"] = fmt::format("the cores compute {:.1f} % of the time.", used * 100);
    double bytes = 0;
    double peak = 0;
    for (const DieResult& die : compute.dies) {
      if (!die.l2) continue;
      bytes += static_cast<double>(die.l2->bytes);
      peak += die.l2->peak_bytes_per_second * seconds(compute.interval);
    }
    if (peak > 0) {
      ranking.emplace_back("l2_bandwidth", bytes / peak);
      sentences["l2_bandwidth"] = fmt::format("the cache answers at {:.1f} % of its peak.", bytes / peak * 100);
    }
  }
  if (results.fabric) {
    std::map<std::string, std::pair<double, const LinkResult*>> busiest_of;
    for (const LinkResult& link : results.fabric->links) {
      const double used = link.utilization(results.fabric->interval);
      auto& entry = busiest_of[link.kind];
      if (entry.second == nullptr || used > entry.first) entry = {used, &link};
    }
    for (const auto& [kind, entry] : busiest_of) {
      const std::string name = kind + "_bandwidth";
      ranking.emplace_back(name, entry.first);
      sentences[name] =
          fmt::format("the busiest {} link, {}, carries {:.1f} % of its peak{}{}.", kind, entry.second->name,
                      entry.first * 100, stall_words(*entry.second), acceptance_words(*results.fabric));
    }
  }
  std::stable_sort(ranking.begin(), ranking.end(), [](const auto& a, const auto& b) { return a.second > b.second; });

  // Below this nothing is near its limit and the time is that of the way itself. A memory held up by its own rules while
  // nothing queues (one dependent access after the other to busy banks) is no limit to bandwidth either.
  constexpr double kSaturated = 0.6;
  constexpr double kMoving = 0.5;
  constexpr double kQueued = 0.05;
  bool saturated = !ranking.empty() && ranking.front().second >= kSaturated;
  if (saturated && ranking.front().first == "hbm_bandwidth" && results.all.latency.sum > 0) {
    const double queued = static_cast<double>(results.all.stages[static_cast<std::size_t>(Stage::queue)].sum) /
                          static_cast<double>(results.all.latency.sum);
    const HbmCounters& c = results.hbm->counters;
    saturated = queued >= kQueued || static_cast<double>(c.data_time) >= kMoving * static_cast<double>(c.bus_time);
  }
  if (saturated) {
    bottleneck.bound_by = ranking.front().first;
    bottleneck.explanation = "Bound by " + bottleneck.bound_by + ": " + sentences[bottleneck.bound_by];
    return bottleneck;
  }
  if (results.fabric && !acceptance_words(*results.fabric).empty()) {
    const std::vector<const LinkResult*> links = busiest(*results.fabric, results.fabric->links.size());
    const auto wanted =
        std::max_element(links.begin(), links.end(), [](const auto* a, const auto* b) { return a->wait < b->wait; });
    if (wanted != links.end()) {
      const LinkResult& link = **wanted;
      bottleneck.bound_by = link.kind + "_" + (stalled(link) ? name_of(largest_stall(link)) : "bandwidth");
      bottleneck.explanation =
          fmt::format("Bound by {}: the link most waited for, {}, carries {:.1f} % of its peak{}{}.",
                      bottleneck.bound_by, link.name, link.utilization(results.fabric->interval) * 100,
                      stall_words(link), acceptance_words(*results.fabric));
      return bottleneck;
    }
  }
  bottleneck.bound_by = "latency";
  std::string most;
  if (!ranking.empty())
    most = fmt::format("no resource is saturated (busiest: {}, {:.1f} %)", ranking.front().first,
                       ranking.front().second * 100);
  const LatencySummary& latency = results.all.latency;
  if (fabric_alone(results) && results.fabric->latency_cycles) {
    const FabricResult& fabric = *results.fabric;
    most += fmt::format("{}a packet takes {:.1f} cycles on average{}", most.empty() ? "" : "; ",
                        fabric.latency_cycles->mean,
                        fabric.hops_mean ? fmt::format(" over {:.2f} hops", *fabric.hops_mean) : "");
    const std::vector<const LinkResult*> links = busiest(fabric, 1);
    if (!links.empty()) most += fmt::format("; the busiest link is {}{}", links[0]->name, stall_words(*links[0]));
  } else if (latency.count > 0 && latency.sum > 0) {
    std::size_t largest = 0;
    for (std::size_t s = 1; s < kStages; ++s)
      if (results.all.stages[s].sum > results.all.stages[largest].sum) largest = s;
    most += fmt::format("{}a transaction takes {} on average, {:.1f} % of it in stage '{}'", most.empty() ? "" : "; ",
                        human_time(latency.mean()),
                        100 * static_cast<double>(results.all.stages[largest].sum) / static_cast<double>(latency.sum),
                        name_of(static_cast<Stage>(largest)));
  }
  if (results.compute && results.compute->cores.core_time > 0) {
    const CoreCounters& cores = results.compute->cores;
    const auto worst = std::max_element(cores.loss.begin(), cores.loss.end());
    if (*worst > 0)
      most += fmt::format("; the cores lose most to {} ({:.1f} %)",
                          label_of(name_of(static_cast<CoreLoss>(worst - cores.loss.begin()))),
                          100 * static_cast<double>(*worst) / static_cast<double>(cores.core_time));
  }
  bottleneck.explanation = "Bound by latency: " + (most.empty() ? std::string("nothing was measured") : most) + ".";
  return bottleneck;
}

std::vector<std::string> broken_invariants(const Results& results, const Tolerances& tolerances) {
  std::vector<std::string> broken;
  const auto report = [&](std::string text) { broken.push_back(std::move(text)); };
  const auto ns = [](__int128 t) { return exact_ns(static_cast<Time>(t)); };

  const auto check_stream = [&](const StreamResult& stream) {
    __int128 sum = 0;
    for (const StageSummary& stage : stream.stages) sum += stage.sum;
    if (sum != stream.latency.sum)
      report(fmt::format("stream {}: the stages add up to {} ns, the latencies to {} ns", stream.name, ns(sum),
                         ns(stream.latency.sum)));
    if (stream.latency.count != stream.transactions)
      report(fmt::format("stream {}: {} latencies of {} transactions", stream.name, stream.latency.count,
                         stream.transactions));
    if (stream.reads + stream.writes != stream.transactions)
      report(fmt::format("stream {}: {} reads and {} writes are not {} transactions", stream.name, stream.reads,
                         stream.writes, stream.transactions));
  };
  check_stream(results.all);
  std::uint64_t transactions = 0;
  std::uint64_t bytes = 0;
  for (const StreamResult& stream : results.streams) {
    check_stream(stream);
    transactions += stream.transactions;
    bytes += stream.bytes;
  }
  if (!results.streams.empty() && (transactions != results.all.transactions || bytes != results.all.bytes))
    report(fmt::format("the streams have {} transactions of {} bytes, the whole has {} of {}", transactions, bytes,
                       results.all.transactions, results.all.bytes));

  const auto check_peak = [&](const std::string& what, double moved, double peak, Time interval) {
    const double most = peak * seconds(interval);
    if (moved > most * (1 + tolerances.peak_rounding))
      report(fmt::format("{}: {} achieved exceeds the peak of {}", what, human_rate(share(moved, seconds(interval))),
                         human_rate(peak)));
  };

  if (results.hbm) {
    const HbmResult& hbm = *results.hbm;
    const auto check_counters = [&](const std::string& what, const HbmCounters& c) {
      const Time sum = c.data_time + total_of(c.loss);
      if (sum != c.bus_time)
        report(fmt::format("{}: data and losses add up to {} ns of {} ns", what, exact_ns(sum), exact_ns(c.bus_time)));
      for (std::size_t i = 0; i < kHbmLosses; ++i)
        if (c.loss[i] < 0) report(fmt::format("{}: loss {} is negative", what, name_of(static_cast<HbmLoss>(i))));
      if (c.row_hits + c.row_misses > c.reads + c.writes)
        report(fmt::format("{}: {} row hits and misses of {} column commands", what, c.row_hits + c.row_misses,
                           c.reads + c.writes));
      check_peak(what, static_cast<double>(c.bytes), c.peak_bytes_per_second, hbm.interval);
    };
    HbmResult rolled = hbm;
    rolled.roll_up();
    const auto same = [](const HbmCounters& a, const HbmCounters& b) {
      return a.bytes == b.bytes && a.bus_time == b.bus_time && a.data_time == b.data_time && a.reads == b.reads &&
             a.writes == b.writes;
    };
    if (!hbm.stacks.empty() && !same(rolled.counters, hbm.counters))
      report("hbm: the stacks do not add up to the whole");
    check_counters("hbm", hbm.counters);
    for (std::size_t s = 0; s < hbm.stacks.size(); ++s) {
      const HbmStackResult& stack = hbm.stacks[s];
      if (!stack.channels.empty() && !same(rolled.stacks[s].counters, stack.counters))
        report(stack.name + ": the channels do not add up to the stack");
      check_counters(stack.name, stack.counters);
      for (const HbmChannelResult& channel : stack.channels) check_counters(channel.name, channel.counters);
    }
    if (!hbm.data_time_by_stream.empty()) {
      Time sum = 0;
      for (const auto& [stream, time] : hbm.data_time_by_stream) sum += time;
      if (sum != hbm.counters.data_time)
        report(fmt::format("hbm: the streams' data time adds up to {} ns of {} ns", exact_ns(sum),
                           exact_ns(hbm.counters.data_time)));
    }
    if (hbm.energy)
      for (const std::string& difference : hbm.energy->broken()) report("hbm: " + difference);
  }

  if (results.fabric) {
    const FabricResult& fabric = *results.fabric;
    double energy = 0;
    for (const LinkResult& link : fabric.links) {
      check_peak(link.name, static_cast<double>(link.bytes),
                 share(link.capacity(fabric.interval), seconds(fabric.interval)), fabric.interval);
      if (link.lane_loss && (link.lane_loss->after < 0 || link.lane_loss->after > fabric.interval))
        report(fmt::format("{}: lanes are lost after {} ns of {} ns", link.name, exact_ns(link.lane_loss->after),
                           exact_ns(fabric.interval)));
      if (link.lane_loss && link.lane_loss->peak_bytes_per_second > link.peak_bytes_per_second)
        report(link.name + ": more is left than there was before lanes were lost");
      if (link.wait < 0) report(link.name + ": the waiting is negative");
      if (link.stalls) {
        if (total_of(*link.stalls) != link.wait)
          report(fmt::format("{}: the stalls add up to {} ns of {} ns waited", link.name,
                             exact_ns(total_of(*link.stalls)), exact_ns(link.wait)));
        for (std::size_t i = 0; i < kLinkStalls; ++i)
          if ((*link.stalls)[i] < 0)
            report(fmt::format("{}: stall {} is negative", link.name, name_of(static_cast<LinkStall>(i))));
      }
      energy += link.energy_pj.value_or(0);
    }
    const double whole = fabric.energy_pj.value_or(0);
    if (std::abs(energy - whole) > tolerances.sum_rounding * std::max(std::abs(energy), std::abs(whole)))
      report(fmt::format("fabric: the links' energies add up to {} pJ of {} pJ", exact_number(energy),
                         exact_number(whole)));
    for (const RouterResult& router : fabric.routers) {
      if (router.peak_occupancy > router.buffer_slots)
        report(fmt::format("{}: {} flits in buffers of {}", router.name, router.peak_occupancy, router.buffer_slots));
      if (router.mean_occupancy > static_cast<double>(router.peak_occupancy) * (1 + tolerances.sum_rounding))
        report(fmt::format("{}: {} flits in its buffers on average are more than the {} there were at once",
                           router.name, exact_number(router.mean_occupancy), router.peak_occupancy));
    }
    const std::uint64_t measured = fabric.measured_packets.value_or(fabric.packets);
    if (fabric.latency_cycles && fabric.latency_cycles->count != measured)
      report(fmt::format("fabric: {} latencies of {} packets", fabric.latency_cycles->count, measured));
    if (measured > fabric.packets) report(fmt::format("fabric: {} packets measured of {}", measured, fabric.packets));
  }

  if (results.compute) {
    const ComputeResult& compute = *results.compute;
    const auto check_cores = [&](const std::string& what, const CoreCounters& c) {
      const Time sum = c.useful_time + total_of(c.loss);
      if (sum != c.core_time)
        report(fmt::format("{}: computing and losses add up to {} ns of {} ns", what, exact_ns(sum),
                           exact_ns(c.core_time)));
      for (std::size_t i = 0; i < kCoreLosses; ++i)
        if (c.loss[i] < 0) report(fmt::format("{}: loss {} is negative", what, name_of(static_cast<CoreLoss>(i))));
    };
    check_cores("compute", compute.cores);
    for (const DieResult& die : compute.dies) {
      check_cores(die.name, die.cores);
      if (die.l2)
        check_peak(die.name + ".l2", static_cast<double>(die.l2->bytes), die.l2->peak_bytes_per_second,
                   compute.interval);
    }
  }

  if (results.workload && results.workload->gap) {
    const FloorGap& gap = *results.workload->gap;
    Time sum = gap.floor + gap.unexplained;
    for (const GapTerm& term : gap.terms) sum += term.time;
    if (sum != gap.measured || gap.measured != results.workload->measured)
      report(fmt::format("workload: floor and gap add up to {} ns, measured are {} ns", exact_ns(sum),
                         exact_ns(results.workload->measured)));
    Time floor = 0;
    for (const GapTerm& term : gap.floor_terms) floor += term.time;
    if (floor != gap.floor)
      report(fmt::format("workload: the floor's terms add up to {} ns of {} ns", exact_ns(floor), exact_ns(gap.floor)));
    if (gap.measured < gap.floor)
      report(fmt::format("workload: {} ns measured are less than the floor of {} ns", exact_ns(gap.measured),
                         exact_ns(gap.floor)));
    if (std::abs(static_cast<double>(gap.unexplained)) > tolerances.unexplained * static_cast<double>(gap.measured))
      report(fmt::format("workload: {} ns of {} ns are unexplained, more than {:.1f} %", exact_ns(gap.unexplained),
                         exact_ns(gap.measured), tolerances.unexplained * 100));
  }

  if (results.capacity) {
    std::uint64_t used = 0;
    for (const auto& [what, size] : results.capacity->used) used += size;
    if (used > results.capacity->bytes)
      report(fmt::format("capacity: {} bytes used of {}", used, results.capacity->bytes));
  }
  return broken;
}

}  // namespace cowosim::telemetry
