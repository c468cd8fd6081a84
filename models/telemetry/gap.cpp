#include "telemetry/gap.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "telemetry/results.h"

namespace cowosim::telemetry {

namespace {

Time total_of(const std::vector<GapTerm>& terms) {
  Time sum = 0;
  for (const GapTerm& term : terms) sum += term.time;
  return sum;
}

/// value x numerator / denominator, to the nearest.
Time scaled(Time value, Time numerator, Time denominator) {
  const __int128 product = static_cast<__int128>(value) * numerator;
  const __int128 half = denominator / 2;
  return static_cast<Time>((product >= 0 ? product + half : product - half) / denominator);
}

}  // namespace

FloorGap explain_gap(Time measured, std::vector<GapTerm> floor_terms, std::vector<GapTerm> terms) {
  FloorGap gap;
  gap.measured = measured;
  gap.floor = total_of(floor_terms);
  gap.unexplained = measured - gap.floor - total_of(terms);
  gap.floor_terms = std::move(floor_terms);
  gap.terms = std::move(terms);
  return gap;
}

FloorGap extrapolate_gap(const FloorGap& simulated, Time whole_measured, std::vector<GapTerm> whole_floor_terms) {
  FloorGap whole;
  whole.measured = whole_measured;
  whole.floor = total_of(whole_floor_terms);
  whole.floor_terms = std::move(whole_floor_terms);
  const Time small = simulated.measured - simulated.floor;
  const Time large = whole.measured - whole.floor;
  // Without a gap to take the proportions from there is nothing to scale: the whole gap stays unexplained, visibly.
  Time left = large;
  Time largest = 0;
  for (const GapTerm& term : simulated.terms) {
    const Time time = small == 0 ? 0 : scaled(term.time, large, small);
    whole.terms.push_back({term.term, time});
    left -= time;
    largest = std::max(largest, time < 0 ? -time : time);
  }
  // What the scaling itself rounded away (less than 1 fs a term) belongs to the largest term, not to `unexplained`.
  whole.unexplained = small == 0 ? large : scaled(simulated.unexplained, large, small);
  left -= whole.unexplained;
  if (left != 0) {
    for (GapTerm& term : whole.terms) {
      if (term.time != largest && term.time != -largest) continue;
      term.time += left;
      left = 0;
      break;
    }
    whole.unexplained += left;
  }
  return whole;
}

std::vector<Time> apportion(Time total, const std::vector<Time>& weights) {
  std::vector<Time> parts(weights.size(), 0);
  if (weights.empty()) return parts;
  const __int128 sum = std::accumulate(weights.begin(), weights.end(), __int128{0});
  if (sum == 0) {
    parts[0] = total;
    return parts;
  }
  std::vector<std::pair<__int128, std::size_t>> remainders;
  Time left = total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const __int128 product = static_cast<__int128>(total) * weights[i];
    parts[i] = static_cast<Time>(product / sum);
    left -= parts[i];
    remainders.emplace_back(product % sum, i);
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; left > 0; ++i, --left) ++parts[remainders[i].second];
  return parts;
}

std::vector<GapTerm> hbm_gap_terms(const HbmCounters& counters, Time interval, Time floor, const IdleCauses& causes,
                                   const std::vector<std::pair<std::string, Time>>& others) {
  std::vector<GapTerm> terms;
  if (counters.bus_time == 0) return terms;
  const auto wall = [&](Time bus) { return scaled(bus, interval, counters.bus_time); };

  for (std::size_t i = 0; i < kHbmLosses; ++i) {
    const auto loss = static_cast<HbmLoss>(i);
    if (loss != HbmLoss::idle) terms.push_back({name_of(loss), wall(counters[loss])});
  }

  Time idle = wall(counters[HbmLoss::idle]);
  std::vector<Time> counted;
  for (const GapTerm& cause : causes.counted) counted.push_back(std::max<Time>(cause.time, 0));
  // More counted than idle: part of it overlapped with data (posted writes draining), so all of it is scaled down.
  const Time sum = std::accumulate(counted.begin(), counted.end(), Time{0});
  if (sum > idle) counted = apportion(idle, counted);
  for (std::size_t i = 0; i < counted.size(); ++i) {
    terms.push_back({causes.counted[i].term, counted[i]});
    idle -= counted[i];
  }
  std::vector<Time> weights;
  for (const GapTerm& cause : causes.weights) weights.push_back(std::max<Time>(cause.time, 0));
  if (std::accumulate(weights.begin(), weights.end(), __int128{0}) == 0) {
    terms.push_back({causes.otherwise, idle});
  } else {
    const std::vector<Time> parts = apportion(idle, weights);
    for (std::size_t i = 0; i < parts.size(); ++i) terms.push_back({causes.weights[i].term, parts[i]});
  }

  Time extra = wall(counters.data_time) - floor;
  for (const auto& [stream, time] : others) {
    terms.push_back({"traffic_of_" + stream, wall(time)});
    extra -= terms.back().time;
  }
  terms.push_back({"extra_traffic", extra});
  return terms;
}

std::string label_of(const std::string& term) {
  static constexpr std::array<std::pair<const char*, const char*>, 28> kLabels{{
      {"refresh", "refresh"},
      {"turnaround", "read/write turnaround"},
      {"bank_conflict", "bank conflicts"},
      {"four_activate_window", "four-activate window"},
      {"command_bus", "command bus"},
      {"column_spacing", "column spacing"},
      {"idle", "HBM idle"},
      {"extra_traffic", "traffic beyond the floor"},
      {"cache", "cache and partition"},
      {"between_operators", "between operators"},
      {"ramp_up", "ramp-up of operators"},
      {"ramp_down", "ramp-down of operators"},
      {"imbalance", "imbalance between cores"},
      {"tile_quantisation", "tile quantisation"},
      {"wave_tail", "tail of the last wave"},
      {"launch", "launch of tiles"},
      {"dependency", "dependencies"},
      {"wait_l2", "waiting for the L2"},
      {"wait_noc", "waiting for the on-die network"},
      {"wait_hbm_bandwidth", "waiting for HBM bandwidth"},
      {"wait_hbm_latency", "waiting for HBM latency"},
      {"wait_d2d", "waiting for die-to-die links"},
      {"wait_collective", "waiting for collectives"},
      {"wait_off_package", "waiting for off-package"},
      {"no_work", "cores without work"},
      {"lost_vc_allocation", "lost VC allocation"},
      {"kv", "KV cache"},
      {"unexplained", "unexplained"},
  }};
  for (const auto& [key, label] : kLabels)
    if (term == key) return label;
  constexpr const char kOfStream[] = "traffic_of_";
  if (term.rfind(kOfStream, 0) == 0) return "traffic of " + term.substr(sizeof kOfStream - 1);
  std::string label = term;
  std::replace(label.begin(), label.end(), '_', ' ');
  return label;
}

}  // namespace cowosim::telemetry
