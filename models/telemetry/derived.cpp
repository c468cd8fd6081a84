#include "telemetry/derived.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

void add_part(std::vector<Part>& parts, std::string name, Time part, Time whole) {
  const double fraction = static_cast<double>(part) / static_cast<double>(whole);
  if (fraction >= 0.0005) parts.push_back({std::move(name), fraction});
}

/// Largest first.
template <std::size_t n, class Loss>
std::vector<Part> parts(const std::array<Time, n>& loss, Time whole, Loss) {
  std::vector<Part> result;
  if (whole <= 0) return result;
  for (std::size_t i = 0; i < n; ++i) add_part(result, label_of(name_of(static_cast<Loss>(i))), loss[i], whole);
  std::stable_sort(result.begin(), result.end(), [](const Part& a, const Part& b) { return a.fraction > b.fraction; });
  return result;
}

template <std::size_t n, class Loss>
std::vector<Part> parts(const char* useful_name, Time useful, const std::array<Time, n>& loss, Time whole, Loss kind) {
  std::vector<Part> result;
  if (whole <= 0) return result;
  add_part(result, useful_name, useful, whole);
  const std::vector<Part> losses = parts(loss, whole, kind);
  result.insert(result.end(), losses.begin(), losses.end());
  return result;
}

}  // namespace

double bytes_per_second(std::uint64_t bytes, Time interval) {
  return interval > 0 ? static_cast<double>(bytes) / (static_cast<double>(interval) / static_cast<double>(kSecond))
                      : 0.0;
}

std::vector<UsageRow> usage_of(const Results& results) {
  std::vector<UsageRow> rows;
  const auto add_rate = [&](const std::string& name, double achieved, double peak) {
    if (peak > 0) rows.push_back({name, human_rate(achieved), human_rate(peak), achieved / peak});
  };
  if (results.hbm) {
    const HbmResult& hbm = *results.hbm;
    const std::size_t stacks = hbm.stacks.size();
    add_rate(stacks > 1 ? fmt::format("HBM ({} stacks)", stacks) : std::string("HBM"),
             bytes_per_second(hbm.counters.bytes, hbm.interval), hbm.counters.peak_bytes_per_second);
  }
  if (results.compute) {
    // Up to two dies by name, more of them together.
    std::vector<std::pair<std::string, CacheResult>> caches;
    CacheResult sum;
    for (const DieResult& die : results.compute->dies) {
      if (!die.l2) continue;
      caches.emplace_back("L2 of " + die.name, *die.l2);
      sum.bytes += die.l2->bytes;
      sum.peak_bytes_per_second += die.l2->peak_bytes_per_second;
      sum.hits += die.l2->hits;
      sum.misses += die.l2->misses;
    }
    if (caches.size() > 2) caches = {{fmt::format("L2 of {} dies", caches.size()), sum}};
    for (const auto& [name, l2] : caches) {
      const double asked = static_cast<double>(l2.hits + l2.misses);
      const std::string hits =
          asked == 0 ? std::string() : fmt::format(", {} hits", human_percent(static_cast<double>(l2.hits) / asked));
      add_rate(name + hits, bytes_per_second(l2.bytes, results.compute->interval), l2.peak_bytes_per_second);
    }
  }
  if (results.fabric) {
    struct Sum {
      std::size_t links = 0;
      double achieved = 0;
      double peak = 0;
      double most = 0;
    };
    std::map<std::string, Sum> kinds;
    for (const LinkResult& link : results.fabric->links) {
      Sum& sum = kinds[link.kind];
      ++sum.links;
      sum.achieved += bytes_per_second(link.bytes, results.fabric->interval);
      sum.peak += link.peak_bytes_per_second;
      sum.most = std::max(sum.most, link.utilization(results.fabric->interval));
    }
    for (const auto& [kind, sum] : kinds)
      add_rate(sum.links == 1 ? fmt::format("{} link", kind)
                              : fmt::format("{} links ({}, busiest {})", kind, sum.links, human_percent(sum.most)),
               sum.achieved, sum.peak);
  }
  if (results.compute && results.compute->cores.core_time > 0) {
    const CoreCounters& cores = results.compute->cores;
    const double seconds = static_cast<double>(results.compute->interval) / static_cast<double>(kSecond);
    rows.push_back({"cores", human_flops(seconds > 0 ? cores.flops / seconds : 0),
                    human_flops(cores.peak_flops_per_second),
                    static_cast<double>(cores.useful_time) / static_cast<double>(cores.core_time)});
  }
  return rows;
}

std::vector<BlameSum> aggregate(const std::vector<BlameRow>& rows) {
  std::map<std::tuple<std::string, std::string, std::string>, Time> sums;
  for (const BlameRow& row : rows) sums[{row.resource_class, row.victim, row.aggressor}] += row.wait;
  std::vector<BlameSum> result;
  for (const auto& [key, wait] : sums) result.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), wait});
  std::stable_sort(result.begin(), result.end(), [](const BlameSum& a, const BlameSum& b) { return a.wait > b.wait; });
  return result;
}

std::vector<GapTerm> ordered_terms(const FloorGap& gap, std::size_t most) {
  const auto magnitude = [](Time t) { return t < 0 ? -t : t; };
  std::vector<GapTerm> terms;
  for (const GapTerm& term : gap.terms)
    if (term.time != 0) terms.push_back(term);
  std::stable_sort(terms.begin(), terms.end(), [](const GapTerm& a, const GapTerm& b) { return a.time > b.time; });
  while (terms.size() + 1 > most && terms.size() > 1) {
    // Drop the smallest by magnitude, one more than too many, into one row.
    GapTerm other{"other_terms", 0};
    while (terms.size() + 2 > most && !terms.empty()) {
      const auto smallest = std::min_element(terms.begin(), terms.end(), [&](const GapTerm& a, const GapTerm& b) {
        return magnitude(a.time) < magnitude(b.time);
      });
      other.time += smallest->time;
      terms.erase(smallest);
    }
    terms.push_back(other);
    break;
  }
  terms.push_back({"unexplained", gap.unexplained});
  return terms;
}

std::vector<Part> parts_of(const HbmCounters& c) { return parts("data", c.data_time, c.loss, c.bus_time, HbmLoss{}); }
std::vector<Part> parts_of(const CoreCounters& c) {
  return parts("computing", c.useful_time, c.loss, c.core_time, CoreLoss{});
}

std::vector<Part> parts_of(const std::array<Time, kLinkStalls>& stalls) {
  return parts(stalls, std::accumulate(stalls.begin(), stalls.end(), Time{0}), LinkStall{});
}

std::array<Time, kLinkStalls> stalls_of(const FabricResult& fabric) {
  std::array<Time, kLinkStalls> sum{};
  for (const LinkResult& link : fabric.links)
    for (std::size_t i = 0; link.stalls && i < kLinkStalls; ++i) sum[i] += (*link.stalls)[i];
  return sum;
}

std::vector<const LinkResult*> busiest(const FabricResult& fabric, std::size_t most) {
  std::vector<const LinkResult*> links;
  for (const LinkResult& link : fabric.links) links.push_back(&link);
  std::stable_sort(links.begin(), links.end(), [&](const auto* a, const auto* b) {
    return std::pair(a->utilization(fabric.interval), a->wait) > std::pair(b->utilization(fabric.interval), b->wait);
  });
  links.resize(std::min(links.size(), most));
  return links;
}

std::vector<const RouterResult*> fullest(const FabricResult& fabric, std::size_t most) {
  std::vector<const RouterResult*> routers;
  for (const RouterResult& router : fabric.routers) routers.push_back(&router);
  std::stable_sort(routers.begin(), routers.end(), [](const auto* a, const auto* b) {
    return a->mean_occupancy * static_cast<double>(b->buffer_slots) >
           b->mean_occupancy * static_cast<double>(a->buffer_slots);
  });
  routers.resize(std::min(routers.size(), most));
  return routers;
}

std::string precision_words(const FabricResult& fabric) {
  if (fabric.precision != FabricPrecision::packet) return "";
  // Mean latency against a flit network, uniform traffic on a mesh: models/fabric/README.md.
  return "Packet precision is optimistic under load: latencies 5 % low at half of saturation, up to 22 % at 90 %.";
}

bool fabric_alone(const Results& results) { return results.fabric && !results.hbm && !results.compute; }

std::vector<Part> parts_of(const EnergyAccount& account) {
  const double whole = account.total().value;
  std::vector<Part> parts;
  for (const EnergyTerm& term : account.terms()) {
    const double share = whole > 0 ? term.energy().value / whole : 0.0;
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& p) { return p.name == term.name; });
    if (found != parts.end()) {
      found->fraction += share;
    } else {
      parts.push_back({term.name, share});
    }
  }
  parts.erase(std::remove_if(parts.begin(), parts.end(), [](const Part& p) { return p.fraction < 0.0005; }),
              parts.end());
  return parts;
}

std::string energy_per_bit(const Energy& energy, std::uint64_t bits) {
  if (bits == 0) return "";
  const double n = static_cast<double>(bits);
  return fmt::format("{:.2f} pJ/bit [{:.2f}, {:.2f}]", energy.value / n, energy.low / n, energy.high / n);
}

const StreamResult* find_stream(const Results& results, const std::string& name) {
  for (const StreamResult& stream : results.streams)
    if (stream.name == name) return &stream;
  return nullptr;
}

std::string measured_label(const WorkloadResult& workload) {
  if (workload.phase == "decode" && workload.tokens > 0) return "time per token";
  return workload.tokens > 0 ? "time of the step" : "time";
}

}  // namespace cowosim::telemetry
