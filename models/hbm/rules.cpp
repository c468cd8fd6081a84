#include "hbm/rules.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "hbm/generation.h"

namespace cowosim::hbm {

namespace {

std::uint64_t chance(double probability) {
  return probability >= 1 ? UINT64_MAX : static_cast<std::uint64_t>(probability * 18446744073709551616.0);
}

}  // namespace

std::vector<ParameterProblem> Rules::problems(const HbmParams& params) {
  std::vector<ParameterProblem> found;
  const auto require = [&](bool holds, const char* parameter, std::string otherwise) {
    if (!holds) found.push_back({parameter, std::move(otherwise)});
  };
  const auto number = [](int n) { return std::to_string(n); };
  const ControllerParams& c = params.controller;
  const Generation* generation = find_generation(params.generation);
  if (generation == nullptr) return {{"generation", "unknown HBM generation '" + params.generation + "'"}};
  const int banks = params.sids * params.bank_groups * params.banks;
  require(banks <= kMaxBanks, "banks",
          "sids x bank_groups x banks are " + number(banks) + " banks of a pseudo-channel, must be at most " +
              number(kMaxBanks));
  require(params.pseudo_channels >= 1 && params.pseudo_channels <= generation->pseudo_channels, "pseudo_channels",
          params.generation + " has " + number(generation->pseudo_channels) + " pseudo-channels per channel");
  require(c.read_queue_entries >= kMaxAtoms, "controller.read_queue_entries",
          "must be at least 16: one transaction of 512 bytes");
  require(c.write_queue_entries >= kMaxAtoms, "controller.write_queue_entries",
          "must be at least 16: one transaction of 512 bytes");
  require(c.door_entries >= 1, "controller.door_entries", "must be at least 1");
  require(c.write_low_watermark <= c.write_high_watermark, "controller.write_low_watermark",
          "lies above write_high_watermark, must be at most as high");
  if (c.refresh_management) {
    require(generation->refresh_management, "controller.refresh_management",
            params.generation + " has no refresh management (RFM), must be false");
    require(c.raaimt < c.raammt, "controller.raaimt",
            number(c.raaimt) + " must lie below raammt (" + number(c.raammt) + ")");
  }
  return found;
}

Rules::Rules(const HbmParams& params, int channel, int streams, const std::vector<int>& urgency)
    : bank_groups(params.bank_groups),
      banks_per_group(params.banks),
      banks(params.sids * params.bank_groups * params.banks),
      group_mask((std::uint64_t{1} << params.banks) - 1) {
  if (const std::vector<ParameterProblem> wrong = problems(params); !wrong.empty())
    throw std::invalid_argument(wrong.front().parameter + ": " + wrong.front().message);
  if (streams < 1 || streams > static_cast<int>(kMaxStreams)) throw std::invalid_argument("a run has 1..16 streams");
  const ControllerParams& c = params.controller;

  timing = timing_of(params);
  const auto halves = [&](Time t) { return timing.index_at(t); };
  const auto whole_clocks = [&](Time t) { return rising(halves(t)); };

  shared_queues = c.queues == "shared";
  const int share = shared_queues ? params.pseudo_channels : 1;
  entries = {c.read_queue_entries * share, c.write_queue_entries * share};
  // An empty queue ends write mode whatever the watermark.
  write_mode_off = std::max(1, static_cast<int>(std::ceil(c.write_low_watermark * c.write_queue_entries)));
  write_mode_on = static_cast<int>(std::floor(c.write_high_watermark * c.write_queue_entries));
  drain_in_order = c.drain == "in_order";

  in_order = c.scheduler == "fcfs";
  hit_cap = c.scheduler == "fr_fcfs_cap" ? c.hit_cap : 0;
  if (std::any_of(urgency.begin(), urgency.end(), [](int steps) { return steps != 0; })) {
    handicap.assign(static_cast<std::size_t>(streams), 0);
    for (std::size_t s = 0; s < handicap.size() && s < urgency.size(); ++s)
      handicap[s] = urgency[s] * halves(c.priority_age_limit);
  }

  close_pages = c.page_policy != "open";
  adaptive = c.page_policy == "adaptive";
  page_timeout = c.page_policy == "closed" ? 0 : whole_clocks(c.page_timeout);
  page_timeout_limit = 64 * std::max<Half>(page_timeout, 2);

  refresh = c.refresh != "none";
  per_bank = c.refresh == "per_bank";
  strict = c.refresh_policy == "strict";
  // Both pseudo-channels of a channel at once: they share the door, so that one waits for the other anyway.
  refreshes = per_bank ? banks : 1;
  postpone = strict ? 0 : c.refresh_postpone * refreshes;
  pull_in = strict ? 0 : c.refresh_pull_in * refreshes;
  if (c.refresh_stagger)
    refresh_lead = timing.refresh_interval / refreshes * (channel % params.channels) / params.channels & ~Half{1};
  if (c.refresh_management) {
    raaimt = c.raaimt;
    raammt = c.raammt;
  }

  const EccParams& e = params.ecc;
  errors = e.bit_error_rate > 0;
  sideband = e.mode == "sideband";
  on_die = e.mode == "on_die";
  const double bits = 8.0 * kAtomBytes;
  double_error = chance(bits * (bits - 1) / 2 * e.bit_error_rate * e.bit_error_rate);
  single_error = chance(bits * e.bit_error_rate);
  replays = e.replays;
  check_latency = sideband ? halves(e.latency) : 0;
  // Streams, where nothing asks for a second look at each access.
  bulk = c.bulk && !close_pages && !in_order && hit_cap == 0 && handicap.empty() && !drain_in_order && !errors;
}

}  // namespace cowosim::hbm
