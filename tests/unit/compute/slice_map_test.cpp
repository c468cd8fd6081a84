#include "compute/slice_map.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes.h"

namespace cowosim::compute {
namespace {

TEST(SliceMap, HomeIsBehindTheAddressesChannel) {
  const MemoryMap map = test::small_map(5, 16);
  for (const int per_channel : {1, 2, 3}) {
    const SliceMap slices(map, per_channel, 1, true, 7);
    std::vector<int> hits(slices.slices());
    for (std::uint64_t a = 0; a < 4'000'000; a += 256) {
      const std::uint32_t home = slices.home_slice(a);
      ASSERT_LT(home, slices.slices());
      ASSERT_EQ(slices.channel_behind(home), map.channel_of(a));
      ASSERT_EQ(slices.home_slice(a + 255), home) << "a granule lives in one slice";
      ASSERT_EQ(slices.home_terminal(a), 7 + home);
      ++hits[home];
    }
    const double mean = 4'000'000 / 256.0 / slices.slices();
    for (const int h : hits) EXPECT_NEAR(h, mean, 0.5 * mean);
  }
}

TEST(SliceMap, NearSliceIsTheMirrorInTheOwnPartition) {
  const MemoryMap map = test::small_map(5, 16);
  const SliceMap slices(map, 1, 2, true, 0);
  for (std::uint64_t a = 0; a < 1'000'000; a += 256) {
    const std::uint32_t home = slices.home_slice(a);
    for (const std::uint32_t p : {0u, 1u}) {
      const std::uint32_t near = slices.near_terminal(a, p);
      ASSERT_EQ(slices.partition_of(near), p);
      ASSERT_EQ(near % 40, home % 40);
      ASSERT_TRUE(slices.partition_of(home) != p || near == home);
    }
  }
  const SliceMap direct(map, 1, 2, false, 0);
  for (std::uint64_t a = 0; a < 100'000; a += 256) ASSERT_EQ(direct.near_terminal(a, 1), direct.home_terminal(a));
}

TEST(SliceMap, NobodyAsksSlicesOfMaskedChannels) {
  MemoryGeometry g;
  g.stacks = 2;
  g.channels = 4;
  g.rows = 64;
  const auto asked = [&](const std::vector<std::string>& masked) {
    MemoryMapOptions o;
    o.masked = masked;
    const MemoryMap map(g, o);
    const SliceMap slices(map, 1, 2, true, 0);
    std::vector<std::set<std::uint32_t>> by_partition(2);
    for (std::uint64_t a = 0; a < map.capacity(); a += 256) {
      for (const std::uint32_t p : {0u, 1u}) {
        const std::uint32_t near = slices.near_terminal(a, p);
        EXPECT_TRUE(slices.present(near));
        EXPECT_TRUE(slices.partition_of(slices.home_slice(a)) != p || near == slices.home_slice(a));
        by_partition[p].insert(near);
      }
    }
    return by_partition;
  };
  using Slices = std::set<std::uint32_t>;
  EXPECT_EQ(asked({"hbm_stack_0.channel_1"}), (std::vector<Slices>{{0, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(asked({"hbm_stack_0.channel_1", "hbm_stack_1.channel_0"}), (std::vector<Slices>{{0, 2, 3}, {5, 6, 7}}));
  EXPECT_EQ(asked({"hbm_stack_1"}), (std::vector<Slices>{{0, 1, 2, 3}, {0, 1, 2, 3}})) << "no slice there: the home's";
}

TEST(SliceMap, RejectsUnevenPartitions) {
  const MemoryMap map = test::small_map(1, 5);
  EXPECT_THROW(SliceMap(map, 1, 2, true, 0), std::invalid_argument);
  EXPECT_THROW(SliceMap(map, 0, 1, true, 0), std::invalid_argument);
  EXPECT_NO_THROW(SliceMap(map, 2, 2, true, 0));
}

}  // namespace
}  // namespace cowosim::compute
