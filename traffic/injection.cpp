#include "traffic/injection.h"

#include <fmt/core.h>

#include <cmath>
#include <stdexcept>

namespace cowosim::traffic {

namespace {

/// 2^64 (1 - p), the one place where a probability becomes an integer.
std::uint64_t survival_of(double p) {
  if (p >= 1) return 0;
  const auto happens = static_cast<std::uint64_t>(std::ldexp(p, 64));
  return happens == 0 ? ~std::uint64_t{0} : 0 - happens;
}

bool pauses(const InjectionParams& params) {
  return params.bursty() && params.rate > 0 && params.burst_rate != params.rate;
}

const InjectionParams& checked(const InjectionParams& params, std::int64_t flits) {
  if (flits < 1) throw std::invalid_argument("injection: a packet has at least one flit");
  for (const ParameterProblem& problem : problems(params))
    throw std::invalid_argument("injection: " + problem.parameter + ": " + problem.message);
  return params;
}

}  // namespace

std::vector<ParameterProblem> problems(const InjectionParams& params) {
  if (!pauses(params)) return {};
  if (params.burst_rate < params.rate) {
    return {{"burst_rate",
             fmt::format("{} is less than rate ({}), which is the average over bursts and pauses; give at least that",
                         params.burst_rate, params.rate)}};
  }
  if (params.pause() < 1) {
    const double least = std::ceil(1000 * params.burst_length / params.pause()) / 1000;
    return {{"burst_length",
             fmt::format("with bursts of {} cycles the pauses would last {:.3g} cycles on average, and a pause "
                         "is at least one; give at least {}",
                         params.burst_length, params.pause(), least)}};
  }
  return {};
}

Geometric::Geometric(double p) {
  std::uint64_t survival = survival_of(p);
  std::size_t levels = 0;
  for (; levels < kMaxLevels && survival != 0; ++levels) {
    survival_[levels] = survival;
    survival = static_cast<std::uint64_t>((static_cast<unsigned __int128>(survival) * survival) >> 64);
  }
  const Place all{~std::uint64_t{0}, 1, levels};
  for (std::size_t byte = 0; byte < starts_.size(); ++byte) {
    const std::uint64_t least_draw = std::uint64_t{byte} << 56;
    const std::uint64_t longest = descend(all, least_draw).gap;
    starts_[byte] = descend(all, least_draw | (~std::uint64_t{0} >> 8));
    starts_[byte].levels = 0;
    while ((longest - starts_[byte].gap) >> starts_[byte].levels != 0) ++starts_[byte].levels;
  }
}

Injection::Injection(const InjectionParams& params, std::int64_t flits, std::uint64_t horizon)
    : gap_((pauses(checked(params, flits)) ? params.burst_rate : params.rate) / static_cast<double>(flits)),
      burst_(1 / params.burst_length),
      pause_(pauses(params) ? 1 / params.pause() : 1),
      horizon_(horizon),
      endless_(!pauses(params)) {
  if (!endless_) on_threshold_ = static_cast<std::uint64_t>(std::ldexp(params.rate / params.burst_rate, 63));
}

std::uint64_t Injection::first(Node& node) const {
  node.burst_end = kEndless;
  if (!endless_) {
    const bool on = node.random.next() >> 1 < on_threshold_;
    node.burst_end = on ? burst_(node.random.next()) : 0;  // how long a chain has been in a state does not matter
  }
  return next(node, ~std::uint64_t{0});  // the cycle before the first one
}

std::uint64_t Injection::in_later_burst(Node& node) const {
  while (node.burst_end < horizon_) {
    const std::uint64_t begin = node.burst_end + pause_(node.random.next());
    node.burst_end = begin + burst_(node.random.next());
    const std::uint64_t candidate = begin - 1 + gap_(node.random.next());
    if (candidate < node.burst_end) return candidate;
  }
  return horizon_;
}

}  // namespace cowosim::traffic
