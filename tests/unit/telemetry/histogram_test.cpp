#include "telemetry/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/random.h"

namespace cowosim::telemetry {
namespace {

TEST(Histogram, EmptySaysZero) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.min(), 0);
  EXPECT_EQ(h.max(), 0);
  EXPECT_EQ(h.mean(), 0);
  EXPECT_EQ(h.quantile(0.5), 0);
  EXPECT_EQ(h.quantile_among(0.99, 100), 0);
}

TEST(Histogram, CountSumAndExtremesAreExact) {
  Histogram h;
  for (const Time t : {7 * kNanosecond + 1, Time{3}, 5 * kSecond}) h.add(t);
  EXPECT_EQ(h.count(), 3u);
  EXPECT_EQ(static_cast<Time>(h.sum()), 7 * kNanosecond + 4 + 5 * kSecond);
  EXPECT_EQ(h.min(), 3);
  EXPECT_EQ(h.max(), 5 * kSecond);
}

TEST(Histogram, CountsRepetitionsLikeAnythingElse) {
  // In runs and alternating: the same entries, so the same histogram.
  Histogram runs, alternating, merged, other;
  for (int i = 0; i < 1000; ++i) runs.add(5 * kNanosecond);
  for (int i = 0; i < 500; ++i) runs.add(80 * kNanosecond);
  for (int i = 0; i < 1500; ++i) alternating.add(i % 3 == 0 ? 80 * kNanosecond : 5 * kNanosecond);
  for (int i = 0; i < 1500; ++i) (i % 2 == 0 ? merged : other).add(i % 3 == 0 ? 80 * kNanosecond : 5 * kNanosecond);
  merged.merge(other);
  for (const Histogram* h : {&alternating, &merged}) {
    EXPECT_EQ(h->count(), runs.count());
    EXPECT_EQ(h->sum(), runs.sum());
    for (const double q : {0.1, 0.666, 0.667, 0.9}) EXPECT_EQ(h->quantile(q), runs.quantile(q)) << q;
  }
  EXPECT_EQ(runs.count(), 1500u);
}

TEST(Histogram, ASingleValueIsEveryQuantile) {
  for (const Time t : {Time{0}, Time{999}, 63 * kPicosecond, 64 * kPicosecond, 48 * kNanosecond, 2 * kSecond}) {
    Histogram h;
    h.add(t);
    for (const double q : {0.0, 0.5, 0.99, 1.0}) EXPECT_EQ(h.quantile(q), t);
  }
}

TEST(Histogram, BinErrorIsAtMostOnePercent) {
  // Neighbours far below and above keep the clamp out of the way; every octave, first and last bins.
  for (Time t = 64 * kPicosecond; t < kMillisecond; t += std::max<Time>(t / 131, 1)) {
    Histogram h;
    h.add(0);
    h.add(t);
    h.add(kSecond);
    EXPECT_NEAR(static_cast<double>(h.quantile(0.5)), static_cast<double>(t), 0.01 * static_cast<double>(t)) << t;
  }
}

TEST(Histogram, QuantilesAreNearestRank) {
  Histogram h;
  for (Time i = 1; i <= 100; ++i) h.add(i * kNanosecond);
  const auto near = [&](double q, Time expected) {
    EXPECT_NEAR(to_ns(h.quantile(q)), to_ns(expected), 0.01 * to_ns(expected)) << q;
  };
  near(0.01, 1 * kNanosecond);
  near(0.5, 50 * kNanosecond);
  near(0.9, 90 * kNanosecond);
  near(0.99, 99 * kNanosecond);
  near(1.0, 100 * kNanosecond);
}

TEST(Histogram, QuantileAmongCountsTheMissingAsZero) {
  Histogram h;
  for (int i = 0; i < 10; ++i) h.add(100 * kNanosecond);
  EXPECT_EQ(h.quantile_among(0.90, 100), 0);  // 90 of 100 are zero
  EXPECT_EQ(h.quantile_among(0.91, 100), 100 * kNanosecond);
  EXPECT_EQ(h.quantile_among(0.5, 10), h.quantile(0.5));
}

TEST(Histogram, MergingEqualsAddingEverything) {
  Histogram whole;
  Histogram parts[2];
  SplitMix64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Time t = static_cast<Time>(bounded(random.next(), 5 * kMicrosecond));
    whole.add(t);
    parts[i % 2].add(t);
  }
  parts[0].merge(parts[1]);
  EXPECT_EQ(parts[0].count(), whole.count());
  EXPECT_EQ(parts[0].sum(), whole.sum());
  EXPECT_EQ(parts[0].min(), whole.min());
  EXPECT_EQ(parts[0].max(), whole.max());
  for (double q = 0; q <= 1; q += 0.01) EXPECT_EQ(parts[0].quantile(q), whole.quantile(q));
}

}  // namespace
}  // namespace cowosim::telemetry
