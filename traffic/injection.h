// When a node makes its packets: Bernoulli or in bursts, one draw a packet, integers only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "core/random.h"

namespace cowosim::traffic {

struct InjectionParams {
  double rate = 0.1;
  std::string injection = "bernoulli";
  double burst_length = 100;
  double burst_rate = 1;

  template <class Visitor>
  void visit(Visitor& v) {
    v("rate", rate, Range{0, 1},
      "flits that a node injects per cycle on average; with request_response those of requests and responses together",
      "experiment");
    v("injection", injection, std::vector<std::string>{"bernoulli", "bursty"},
      "bernoulli: every cycle with the same probability; bursty: only while a two-state Markov chain is on",
      "experiment");
    v("burst_length", burst_length, Range{1, 1e9}, "mean cycles of a burst, with injection: bursty",
      "assumption [10, 10000]: from one message to a phase of a program");
    v("burst_rate", burst_rate, Range{0, 1},
      "flits that a node injects per cycle during a burst, with injection: bursty; the pauses make the average `rate`",
      "assumption [rate, 1]: 1 is what a link carries");
  }
  bool bursty() const { return injection == "bursty"; }
  /// Mean cycles between bursts: bursts are the fraction rate / burst_rate of all cycles.
  double pause() const { return burst_length * (burst_rate - rate) / rate; }
};

/// Bursts that cannot have the average asked for: too slow, or with pauses of less than a cycle.
std::vector<ParameterProblem> problems(const InjectionParams& params);

/// Cycles until something happens that happens in a cycle with probability p, independently: geometric, from 1, mean 1 / p.
///
/// By inversion of one draw: the largest n with draw < 2^64 (1 - p)^n, found bit by bit with the powers (1 - p)^(2^k) in 64-bit fixed
/// point, each rounded down; no floating point but p itself. Probabilities are exact to about 2^-64 relative per cycle of the gap.
/// The draw's first byte tells most of it at once.
class Geometric {
 public:
  /// p in [0, 1]; 0: a gap of 2^40 cycles, which is past the end of any experiment.
  explicit Geometric(double p);

  std::uint64_t operator()(std::uint64_t draw) const { return descend(starts_[draw >> 56], draw).gap; }

 private:
  static constexpr std::size_t kMaxLevels = 40;
  struct Place {
    std::uint64_t tail;        // 2^64 P(not shorter than the gap)
    std::uint64_t gap : 56;    // which the draw's gap is not shorter than
    std::uint64_t levels : 8;  // bits by which it may be longer
  };
  Place descend(Place at, std::uint64_t draw) const {
    for (std::uint64_t k = at.levels; k-- > 0;) {
      const auto longer = static_cast<std::uint64_t>((static_cast<unsigned __int128>(at.tail) * survival_[k]) >> 64);
      if (draw >= longer) continue;
      at.gap += std::uint64_t{1} << k;
      at.tail = longer;
    }
    return at;
  }

  std::array<std::uint64_t, kMaxLevels> survival_{};  // 2^64 (1 - p)^(2^k)
  std::array<Place, 256> starts_;                     // by a draw's first byte
};

/// The times of one node's packets after the other, at most one a cycle. Bernoulli: each cycle holds one with probability
/// rate / flits. Bursty: a node is on or off; an on cycle is followed by an off one with probability 1 / burst_length, an off one by an on one with
/// 1 / pause(), and an on cycle holds a packet with probability burst_rate / flits. It starts in the stationary state.
class Injection {
 public:
  /// What is a node's own.
  struct Node {
    SplitMix64 random;
    std::uint64_t burst_end = 0;  ///< the first cycle that is off
  };

  /// `flits` >= 1: of a packet. `horizon`: cycles nobody asks about. Throws std::invalid_argument for what problems() reports.
  Injection(const InjectionParams& params, std::int64_t flits, std::uint64_t horizon);

  /// Draws the node's initial state; returns the cycle of its first packet.
  std::uint64_t first(Node& node) const;
  /// The cycle of the next packet after the one at `cycle`; anything from the horizon on means none.
  std::uint64_t next(Node& node, std::uint64_t cycle) const {
    const std::uint64_t candidate = cycle + gap_(node.random.next());
    return candidate < node.burst_end ? candidate : in_later_burst(node);
  }
  /// The node's time stood still for so many cycles.
  void delay(Node& node, std::uint64_t cycles) const {
    if (node.burst_end != kEndless) node.burst_end += cycles;
  }

 private:
  static constexpr std::uint64_t kEndless = ~std::uint64_t{0};
  std::uint64_t in_later_burst(Node& node) const;

  Geometric gap_;
  Geometric burst_;
  Geometric pause_;
  std::uint64_t on_threshold_ = 0;  // a draw of 63 bits below it: starts in a burst
  std::uint64_t horizon_;
  bool endless_;  // no pauses
};

}  // namespace cowosim::traffic
