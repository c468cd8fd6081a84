#include "traffic/injection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace cowosim::traffic {
namespace {

using ::testing::IsEmpty;

constexpr std::uint64_t kSeed = 7;

TEST(Geometric, ByOneHalfCountsLeadingZeros) {
  const Geometric gap(0.5);
  SplitMix64 random(kSeed);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t draw = random.next() >> (i % 30);
    EXPECT_EQ(gap(draw), 1 + static_cast<std::uint64_t>(__builtin_clzll(draw)));
  }
}

TEST(Geometric, IsTheInverseOfItsDistribution) {
  for (const double p : {0.9, 0.072, 0.013, 1e-5}) {
    const Geometric gap(p);
    SplitMix64 random(kSeed);
    for (int i = 0; i < 50'000; ++i) {
      const std::uint64_t draw = random.next();
      const long double u = (static_cast<long double>(draw) + 0.5L) / 18446744073709551616.0L;
      const auto expected =
          1 + static_cast<std::uint64_t>(std::floor(std::log(u) / std::log1p(-static_cast<long double>(p))));
      ASSERT_EQ(gap(draw), expected) << "p " << p << ", draw " << draw;
    }
  }
}

TEST(Geometric, MeanVarianceAndShape) {
  constexpr int kDraws = 400'000;
  for (const double p : {0.5, 0.072, 0.002}) {
    const Geometric gap(p);
    SplitMix64 random(kSeed);
    constexpr std::size_t kBins = 16;  // the last one holds all the rest
    std::array<double, kBins> seen{};
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double value = static_cast<double>(gap(random.next()));
      sum += value;
      squares += value * value;
      ++seen[std::min(static_cast<std::size_t>(value) - 1, kBins - 1)];
    }
    const double mean = sum / kDraws;
    const double variance = (1 - p) / (p * p);
    EXPECT_NEAR(mean, 1 / p, 5 * std::sqrt(variance / kDraws)) << p;
    // Fourth central moment of a geometric distribution: variance^2 (9 + p^2 / (1 - p)).
    EXPECT_NEAR(squares / kDraws - mean * mean, variance, 5 * variance * std::sqrt((8 + p * p / (1 - p)) / kDraws))
        << p;
    double chi_square = 0;
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const double survives = std::pow(1 - p, static_cast<double>(bin));
      const double expected = kDraws * (bin + 1 < kBins ? survives * p : survives);
      chi_square += (seen[bin] - expected) * (seen[bin] - expected) / expected;
    }
    EXPECT_LT(chi_square, 44.3) << p << ": 15 degrees of freedom, probability 1e-4";
  }
}

TEST(Geometric, CertainAndImpossible) {
  const Geometric always(1);
  const Geometric never(0);
  SplitMix64 random(kSeed);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t draw = random.next();
    EXPECT_EQ(always(draw), 1u);
    EXPECT_GE(never(draw), std::uint64_t{1} << 39);
  }
  EXPECT_EQ(always(0), 1u);
}

/// The cycles in which a node has a packet, as 0 and 1.
std::vector<char> cycles_of(const Injection& injection, std::uint64_t node_seed, std::uint64_t cycles) {
  std::vector<char> has(cycles, 0);
  Injection::Node node{SplitMix64(mix(kSeed, node_seed))};
  for (std::uint64_t cycle = injection.first(node); cycle < cycles; cycle = injection.next(node, cycle)) {
    EXPECT_EQ(has[cycle], 0) << "two packets in a cycle";
    has[cycle] = 1;
  }
  return has;
}

constexpr std::uint64_t kCycles = 50'000;
constexpr std::uint64_t kNodes = 64;

TEST(Injection, BernoulliHasItsRateAndNoMemory) {
  InjectionParams params;
  params.rate = 0.36;
  const double p = 0.36 / 5;
  const Injection injection(params, 5, kCycles);
  double packets = 0;
  double neighbours = 0;  // a packet in the next cycle as well
  for (std::uint64_t n = 0; n < kNodes; ++n) {
    const std::vector<char> has = cycles_of(injection, n, kCycles);
    for (std::uint64_t c = 0; c < kCycles; ++c) {
      packets += has[c];
      if (c > 0) neighbours += has[c] & has[c - 1];
    }
  }
  constexpr double kTrials = static_cast<double>(kNodes * kCycles);
  EXPECT_NEAR(packets / kTrials, p, 5 * std::sqrt(p * (1 - p) / kTrials));
  EXPECT_NEAR(neighbours / kTrials, p * p, 5 * std::sqrt(3 * p * p / kTrials));
}

TEST(Injection, NodesAreIndependent) {
  InjectionParams params;
  params.rate = 0.2;
  const Injection injection(params, 1, kCycles);
  const std::vector<char> zero = cycles_of(injection, 0, kCycles);
  for (std::uint64_t n = 1; n < 16; ++n) {
    const std::vector<char> other = cycles_of(injection, n, kCycles);
    double together = 0;
    for (std::uint64_t c = 0; c < kCycles; ++c) together += zero[c] & other[c];
    const double p = 0.2 * 0.2;
    EXPECT_NEAR(together, kCycles * p, 5 * std::sqrt(kCycles * p * (1 - p))) << n;
  }
}

TEST(Injection, EveryCycle) {
  InjectionParams params;
  params.rate = 1;
  Injection::Node node{SplitMix64(kSeed)};
  const Injection injection(params, 1, kCycles);
  EXPECT_EQ(injection.first(node), 0u);
  EXPECT_EQ(injection.next(node, 0), 1u);
  EXPECT_EQ(injection.next(node, 1), 2u);
}

TEST(Injection, NothingAtRateZero) {
  for (const char* kind : {"bernoulli", "bursty"}) {
    InjectionParams params;
    params.rate = 0;
    params.injection = kind;
    Injection::Node node{SplitMix64(kSeed)};
    EXPECT_GE(Injection(params, 5, kCycles).first(node), kCycles) << kind;
  }
}

InjectionParams bursty(double rate, double burst_rate, double burst_length) {
  InjectionParams params;
  params.injection = "bursty";
  params.rate = rate;
  params.burst_rate = burst_rate;
  params.burst_length = burst_length;
  return params;
}

TEST(Injection, BurstsHaveTheAverageAndTheMemoryOfTheirChain) {
  const InjectionParams params = bursty(0.1, 0.5, 50);
  EXPECT_DOUBLE_EQ(params.pause(), 200);
  const Injection injection(params, 1, kCycles);
  constexpr std::size_t kLag = 10;
  double packets = 0;
  double pairs = 0;
  for (std::uint64_t n = 0; n < kNodes; ++n) {
    const std::vector<char> has = cycles_of(injection, n, kCycles);
    for (std::uint64_t c = 0; c < kCycles; ++c) packets += has[c];
    for (std::uint64_t c = kLag; c < kCycles; ++c) pairs += has[c] & has[c - kLag];
  }
  // Interrupted Bernoulli process, on with probability f: covariance at lag k is burst_rate^2 f (1 - f) (1 - 1/50 - 1/200)^k.
  const double f = 0.2;
  const double correlation = 1 - 1 / 50. - 1 / 200.;
  constexpr double kTrials = static_cast<double>(kNodes * kCycles);
  const double variance_of_mean = 0.25 * f * (1 - f) * (1 + correlation) / (1 - correlation) / kTrials;
  EXPECT_NEAR(packets / kTrials, 0.1, 5 * std::sqrt(variance_of_mean));
  const double expected = 0.25 * f * (1 - f) * std::pow(correlation, kLag);
  const double covariance = pairs / static_cast<double>(kNodes * (kCycles - kLag)) - 0.01;
  EXPECT_NEAR(covariance, expected, 0.05 * expected);
  EXPECT_GT(covariance, 0.02) << "a Bernoulli process has none";
}

TEST(Injection, BurstsBeginStationary) {
  const Injection injection(bursty(0.1, 0.5, 50), 1, kCycles);
  constexpr int kSamples = 100'000;
  int first = 0;
  int third = 0;
  for (int n = 0; n < kSamples; ++n) {
    const std::vector<char> has = cycles_of(injection, static_cast<std::uint64_t>(n), 3);
    first += has[0];
    third += has[2];
  }
  EXPECT_NEAR(first, kSamples * 0.1, 5 * std::sqrt(kSamples * 0.09));
  EXPECT_NEAR(third, kSamples * 0.1, 5 * std::sqrt(kSamples * 0.09));
}

TEST(Injection, BurstsWithoutPausesAreBernoulli) {
  InjectionParams params = bursty(0.5, 0.5, 3);
  const Injection bursts(params, 1, kCycles);
  params.injection = "bernoulli";
  EXPECT_EQ(cycles_of(bursts, 1, 1000), cycles_of(Injection(params, 1, kCycles), 1, 1000));
}

TEST(Injection, TimeThatStandsStillMovesTheBurst) {
  const Injection injection(bursty(0.1, 1, 50), 1, kCycles);
  Injection::Node moved{SplitMix64(kSeed)};
  std::uint64_t cycle = injection.first(moved);
  Injection::Node still = moved;
  injection.delay(moved, 1000);
  for (int i = 0; i < 200; ++i) {  // many bursts
    const std::uint64_t here = injection.next(still, cycle);
    ASSERT_EQ(injection.next(moved, cycle + 1000), here + 1000);
    cycle = here;
  }
}

TEST(Injection, BurstsThatCannotHaveTheAverage) {
  const auto complaint = [](const InjectionParams& params) {
    const std::vector<ParameterProblem> found = problems(params);
    return found.empty() ? "" : found.at(0).parameter + ": " + found.at(0).message;
  };
  EXPECT_EQ(complaint(bursty(0.2, 0.1, 50)),
            "burst_rate: 0.1 is less than rate (0.2), which is the average over bursts and pauses; give at least that");
  EXPECT_EQ(complaint(bursty(0.75, 1, 2)),
            "burst_length: with bursts of 2 cycles the pauses would last 0.667 cycles on average, and a pause is at "
            "least one; "
            "give at least 3");
  EXPECT_EQ(complaint(bursty(0.75, 1, 3)), "");
  InjectionParams bernoulli = bursty(0.2, 0.1, 50);
  bernoulli.injection = "bernoulli";
  EXPECT_THAT(problems(bernoulli), IsEmpty()) << "no bursts, nothing to complain about";
  EXPECT_THROW(Injection(bursty(0.2, 0.1, 50), 1, 1), std::invalid_argument);
  EXPECT_THROW(Injection(InjectionParams{}, 0, 1), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::traffic
