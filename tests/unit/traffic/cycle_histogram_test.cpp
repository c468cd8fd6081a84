#include "traffic/cycle_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"

namespace cowosim::traffic {
namespace {

TEST(CycleHistogram, IsExactBelowAMillion) {
  CycleHistogram histogram;
  std::vector<std::uint64_t> values;
  SplitMix64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random.next() % (i % 2 == 0 ? 100 : 1'000'000));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const std::uint64_t value : values) sum += static_cast<double>(value);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_DOUBLE_EQ(histogram.mean(), sum / 20'000);
  for (const double q : {0.0, 0.01, 0.5, 0.95, 0.99, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * 20'000)));
    EXPECT_EQ(histogram.quantile(q), values[rank - 1]) << q;
  }
}

TEST(CycleHistogram, LargeValuesWidenTheBins) {
  CycleHistogram histogram;
  histogram.add(5);
  histogram.add(1'000);
  histogram.add(std::uint64_t{1} << 30);
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.sum(), 1'005 + (std::uint64_t{1} << 30));
  EXPECT_EQ(histogram.min(), 5u);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), 1'000, 2'048);
  EXPECT_EQ(histogram.quantile(1), std::uint64_t{1} << 30);
  CycleHistogram small;  // fewer values than bins are joined
  small.add(1);
  small.add(std::uint64_t{1} << 40);
  EXPECT_EQ(small.quantile(1), std::uint64_t{1} << 40);
  EXPECT_LT(small.quantile(0.5), std::uint64_t{1} << 21) << "the small value is still there";
}

TEST(CycleHistogram, Empty) {
  const CycleHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.mean(), 0);
}

}  // namespace
}  // namespace cowosim::traffic
