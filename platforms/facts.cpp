#include "platforms/facts.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "core/units.h"

namespace cowosim::platforms {

namespace {

/// The ways a lone read can go, and what they take without any contention.
struct Latencies {
  Time near_hit = 0;
  Time far_hit = 0;
  Time near_memory = 0;  ///< closed bank behind a home slice of the own partition
  Time far_memory = 0;
};

Latencies latencies_of(const PlatformParams& platform, const hbm::Channel& channel, const Die& die) {
  const DieParams& p = die.params();
  const auto& network = const_cast<Die&>(die).network.heart();
  const std::uint32_t bytes = kAtomBytes;
  const int core = 0;
  const int near_slice = p.cores;
  const int far_slice = p.cores + static_cast<int>(die.slices().slices()) - 1;
  const auto way = [&](int from, int to) {
    return network.unloaded_latency(from, to, 0) + network.unloaded_latency(to, from, bytes);
  };
  const Clock slice_clock{period_of(p.slice.frequency)};
  const Time lookup = p.slice.cycles_per_request * slice_clock.period;
  const Time ends = p.core.issue_latency + p.core.receive_latency;
  const Time memory = platform.phy.latency_down + platform.hbm.controller.front_latency + channel.closed_latency() +
                      platform.hbm.controller.return_latency + platform.phy.latency_up;
  const Time detour = p.slice.miss_latency + p.slice.fill_latency;

  Latencies latencies;
  latencies.near_hit = ends + way(core, near_slice) + lookup + p.slice.hit_latency;
  latencies.near_memory = ends + way(core, near_slice) + lookup + detour + memory;
  if (p.partitions == 1) return latencies;
  if (p.cache_far) {
    const Time crossing = way(near_slice, far_slice) + lookup + detour;
    latencies.far_hit = latencies.near_hit + crossing;
    latencies.far_memory = latencies.near_memory + crossing;
  } else {
    latencies.far_hit = ends + way(core, far_slice) + lookup + p.slice.hit_latency;
    latencies.far_memory = ends + way(core, far_slice) + lookup + detour + memory;
  }
  return latencies;
}

}  // namespace

Package::Facts facts(const PlatformParams& platform, const MemoryMap& map, const engine::Engine& engine,
                     const hbm::Channel& channel, const Die* die) {
  Package::Facts facts;
  const auto add = [&](const char* key, const char* label, double value, std::string readable) {
    facts.push_back({key, label, value, "", std::move(readable)});
  };
  const auto time = [&](const char* key, const char* label, Time t) {
    add(key, label, to_ns(t), fmt::format("{:.3f} ns", to_ns(t)));
  };

  const hbm::HbmParams& h = platform.hbm;
  const hbm::Timing& timing = channel.timing();
  const auto text = [&](const char* key, const char* label, const std::string& what) {
    facts.push_back({key, label, 0, what, what});
  };
  const auto bandwidth = [&](const char* key, const char* label, double value) {
    add(key, label, value * 1e-9, fmt::format("{:.1f} GB/s", value * 1e-9));
  };
  const auto bytes = [&](const char* key, const char* label, std::uint64_t value) {
    add(key, label, static_cast<double>(value), format_quantity(static_cast<std::int64_t>(value), Unit::bytes));
  };
  const auto share = [&](const char* key, const char* label, double value) {
    add(key, label, value,
        fmt::format("{:.1f} % of peak, {:.2f} GB/s a pseudo-channel", 100 * value,
                    value * timing.peak_bytes_per_second() * 1e-9));
  };

  const int pseudo_channels = map.present_pseudo_channels();
  const double peak = timing.peak_bytes_per_second() * pseudo_channels;
  bandwidth("hbm_peak_GBps", "HBM peak bandwidth", peak);
  bandwidth("stack_peak_GBps", "peak of a stack", channel.peak_bytes_per_second() * h.channels);
  bandwidth("pseudo_channel_peak_GBps", "peak of a pseudo-channel", timing.peak_bytes_per_second());
  bytes("capacity_bytes", "HBM capacity", map.capacity());
  bytes("stack_capacity_bytes", "capacity of a stack", map.capacity() / static_cast<std::uint64_t>(h.stacks));
  std::string channels =
      fmt::format("{} stacks x {} channels x {} pseudo-channels", h.stacks, h.channels, h.pseudo_channels);
  const int all = h.stacks * h.channels * h.pseudo_channels;
  if (pseudo_channels != all) channels += fmt::format(", {} of {} pseudo-channels masked", all - pseudo_channels, all);
  add("channels", "HBM channels", map.present_channels(), channels);
  text("stack_organisation", "a stack",
       fmt::format("{}, {}: {} channels x {} pseudo-channels x {} SIDs x {} bank groups x {} banks x {} rows x {} B",
                   h.generation, h.organisation, h.channels, h.pseudo_channels, h.sids, h.bank_groups, h.banks, h.rows,
                   h.columns * static_cast<int>(kAtomBytes)));
  add("data_rate_Gbps", "data rate of a pin", h.data_rate * 1e-9, fmt::format("{:g} Gb/s", h.data_rate * 1e-9));
  const hbm::SpeedGrade& grade = hbm::find_generation(h.generation)->grade(h.data_rate);
  text("timings_from", "timings from", fmt::format("the grade of {:g} Gb/s: {}", grade.data_rate * 1e-9, grade.source));
  time("hbm_clock_ns", "HBM clock period (rounded up)", timing.tck());
  time("hbm_hit_ns", "HBM read, open row", channel.hit_latency());
  time("hbm_closed_ns", "HBM read, closed bank", channel.closed_latency());
  time("hbm_conflict_ns", "HBM read, other row open", channel.conflict_latency());
  time("refresh_cycle_ns", "tRFC, all banks", timing.edge(timing.refresh_cycle));
  time("refresh_interval_ns", "tREFI", timing.edge(timing.refresh_interval));
  share("refresh_cap", "stream under all-bank refresh, at most", timing.refresh_cap());
  share("random_access_cap", "random 32-byte accesses, at most", timing.random_access_cap());
  if (die != nullptr) {
    const DieParams& p = die->params();
    auto& core = const_cast<Die*>(die)->core[0].heart();
    for (const auto& [precision, name, label] :
         {std::tuple{work::Precision::bf16, "peak_bf16_TFLOPs", "peak, bf16 dense"},
          std::tuple{work::Precision::fp8, "peak_fp8_TFLOPs", "peak, FP8 dense"}}) {
      const double flops = core.peak_flops(precision, true) * p.cores;
      add(name, label, flops * 1e-12, fmt::format("{:.1f} TFLOP/s", flops * 1e-12));
      if (precision == work::Precision::bf16) {
        add("ridge_bf16_flop_per_byte", "ridge point, bf16", flops / peak, fmt::format("{:.1f} FLOP/B", flops / peak));
      }
    }
    const double l2 = static_cast<double>(p.slice.capacity) * die->slices().present_slices();
    add("l2_bytes", "L2 capacity", l2, format_quantity(static_cast<std::int64_t>(l2), Unit::bytes));
    const Latencies latencies = latencies_of(platform, channel, *die);
    time("near_hit_ns", "unloaded read, near L2 hit", latencies.near_hit);
    if (latencies.far_hit > 0) time("far_hit_ns", "unloaded read, far L2 hit", latencies.far_hit);
    time("near_memory_ns", "unloaded read, HBM, near home", latencies.near_memory);
    if (latencies.far_memory > 0) time("far_memory_ns", "unloaded read, HBM, far home", latencies.far_memory);
  }
  time("window_ns", "W, the window", engine.lookahead());
  const std::string narrowest = engine.narrowest() == nullptr
                                    ? "nothing: one component"
                                    : engine.narrowest()->from().name() + " -> " + engine.narrowest()->name();
  text("window_set_by", "W is set by", narrowest);
  return facts;
}

Package::Facts facts_of_fabric(const PlatformParams& platform, const fabric::Network& network) {
  const fabric::FabricParams& params = platform.fabric;
  Package::Facts facts;
  const auto number = [&](const char* key, const char* label, double value, std::string readable) {
    facts.push_back({key, label, value, "", std::move(readable)});
  };
  const auto text = [&](const char* key, const char* label, const std::string& what) {
    facts.push_back({key, label, 0, what, what});
  };
  const double period = to_ns(period_of(params.frequency));
  const int terminals = network.ports();
  std::size_t between_routers = 0;
  for (const auto& link : network.links())
    between_routers += link.kind != "injection" && link.kind != "ejection" ? 1 : 0;

  text("fabric_topology", "topology", params.topology);
  text("fabric_precision", "precision", params.precision);
  text("fabric_routing", "routing", fabric::routing_names()[static_cast<std::size_t>(params.routing_algorithm())]);
  number("fabric_terminals", "terminals", terminals, std::to_string(terminals));
  number("fabric_links", "links between routers, each direction", static_cast<double>(between_routers),
         std::to_string(between_routers));
  number("fabric_clock_ns", "clock period (rounded up)", period, fmt::format("{:.3f} ns", period));

  // Alone, a flit from each terminal to each; of large networks every n-th pair.
  const std::int64_t pairs = static_cast<std::int64_t>(terminals) * terminals;
  std::int64_t step = std::max<std::int64_t>(1, pairs / 4096);
  while (std::gcd(step, static_cast<std::int64_t>(terminals)) != 1) ++step;  // or some destinations never come
  Time sum = 0, most = 0, least = kNever;
  std::int64_t counted = 0;
  for (std::int64_t pair = 0; pair < pairs; pair += step) {
    const Time t = network.unloaded_latency(static_cast<int>(pair / terminals), static_cast<int>(pair % terminals), 0);
    sum += t;
    most = std::max(most, t);
    least = std::min(least, t);
    ++counted;
  }
  const auto latency = [&](const char* key, const char* label, double ns) {
    number(key, label, ns, fmt::format("{:.3f} ns, {:.2f} cycles", ns, ns / period));
  };
  latency("unloaded_min_ns", "unloaded packet of one flit, least", to_ns(least));
  latency("unloaded_mean_ns", "unloaded packet of one flit, mean over pairs",
          to_ns(sum) / static_cast<double>(counted));
  latency("unloaded_max_ns", "unloaded packet of one flit, most", to_ns(most));
  return facts;
}

}  // namespace cowosim::platforms
