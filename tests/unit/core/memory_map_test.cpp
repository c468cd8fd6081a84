#include "core/memory_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "core/random.h"
#include "core/transaction.h"

namespace cowosim {
namespace {

MemoryGeometry stacks_of(int stacks) {
  MemoryGeometry g;
  g.stacks = stacks;
  g.channels = 16;
  g.pseudo_channels = 2;
  g.sids = 2;
  return g;
}

MemoryMapOptions hashed() {
  MemoryMapOptions o;
  o.fields = {"row", "sid", "bank", "column_high", "pseudo_channel", "bank_group", "column_low", "offset"};
  return o;
}

class Bijection : public testing::TestWithParam<std::tuple<int, int, bool, bool>> {};

TEST_P(Bijection, EncodeUndoesDecode) {
  const auto [stacks, granule, channel_hash, bank_hash] = GetParam();
  MemoryMapOptions o = hashed();
  o.granule = granule;
  o.channel_hash = channel_hash;
  o.bank_hash = bank_hash;
  const MemoryMap map(stacks_of(stacks), o);
  EXPECT_EQ(map.capacity(), (std::uint64_t{16} << 30) * static_cast<std::uint64_t>(stacks));
  SplitMix64 random(7);
  std::vector<std::uint64_t> addresses = {
      0, 31, 32, 511, 512, map.capacity() - 1, map.capacity() - 512, map.capacity() / 2};
  for (int i = 0; i < 20000; ++i) addresses.push_back(bounded(random.next(), map.capacity()));
  for (const std::uint64_t a : addresses) {
    const Location l = map.decode(a);
    ASSERT_LT(l.stack, stacks);
    ASSERT_LT(l.channel, 16);
    ASSERT_LT(l.pseudo_channel, 2);
    ASSERT_LT(l.sid, 2);
    ASSERT_LT(l.bank_group, 4);
    ASSERT_LT(l.bank, 4);
    ASSERT_LT(l.row, 16384u);
    ASSERT_LT(l.column, 32u);
    ASSERT_EQ(map.encode(l), a);
    ASSERT_EQ(map.channel_of(a), l.stack * 16u + l.channel);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bijection,
                         testing::Combine(testing::Values(1, 3, 5, 6, 8), testing::Values(64, 256, 512),
                                          testing::Bool(), testing::Bool()));

TEST(MemoryMap, EveryAddressOfASmallMemoryHasItsOwnPlace) {
  MemoryGeometry g;
  g.stacks = 5;
  g.channels = 3;
  g.pseudo_channels = 2;
  g.rows = 8;
  g.columns = 4;
  MemoryMapOptions o;
  o.fields = {"row", "bank", "column", "bank_group", "pseudo_channel", "offset"};
  o.granule = 64;
  const MemoryMap map(g, o);
  std::map<std::vector<unsigned>, std::uint64_t> seen;
  for (std::uint64_t a = 0; a < map.capacity(); a += kAtomBytes) {
    const Location l = map.decode(a);
    const auto [it, fresh] =
        seen.insert({{l.stack, l.channel, l.pseudo_channel, l.sid, l.bank_group, l.bank, l.row, l.column}, a});
    ASSERT_TRUE(fresh) << a << " and " << it->second;
  }
  EXPECT_EQ(seen.size() * kAtomBytes, map.capacity());
}

TEST(MemoryMap, AGranuleStaysInOneChannel) {
  const MemoryMap map(stacks_of(5), hashed());
  SplitMix64 random(3);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t first = bounded(random.next(), map.capacity()) & ~std::uint64_t{255};
    for (std::uint64_t a = first; a < first + 256; a += kAtomBytes) ASSERT_EQ(map.channel_of(a), map.channel_of(first));
  }
}

/// Largest over mean load of the channels for addresses 0, stride, 2 stride, ...
double imbalance(const MemoryMap& map, std::uint64_t stride) {
  std::vector<int> load(map.channels(), 0);
  const int n = 80 * 200;
  for (int i = 0; i < n; ++i) ++load[map.channel_of(static_cast<std::uint64_t>(i) * stride % map.capacity())];
  return *std::max_element(load.begin(), load.end()) * static_cast<double>(map.channels()) / n;
}

TEST(MemoryMap, StridesDoNotCamp) {
  MemoryMapOptions plain = hashed();
  plain.channel_hash = false;
  const MemoryMap map(stacks_of(5), hashed());
  const MemoryMap unhashed(stacks_of(5), plain);
  for (const std::uint64_t stride : {4096u, 5120u, 20480u, 65536u, 327680u})
    EXPECT_LT(imbalance(map, stride), 1.6) << stride;
  EXPECT_GT(imbalance(unhashed, 20480), 50)
      << "negative control: 80 granules of 256 bytes apart is always the same channel";
  EXPECT_DOUBLE_EQ(imbalance(map, 256), 1.0) << "a stream uses all channels alike";
}

TEST(MemoryMap, ReferencePlatformIsPlainFields) {
  MemoryGeometry g;  // one stack, channel, pseudo-channel; one SID
  MemoryMapOptions o;
  o.channel_hash = o.bank_hash = false;
  const MemoryMap map(g, o);
  EXPECT_EQ(map.capacity(), std::uint64_t{256} << 20);
  // row 14 | bank 2 | column 5 | bank group 2 | offset 5
  const Location l = map.decode((std::uint64_t{5} << 14) | (3u << 12) | (17u << 7) | (2u << 5) | 9u);
  EXPECT_EQ(l.row, 5u);
  EXPECT_EQ(l.bank, 3);
  EXPECT_EQ(l.column, 17u);
  EXPECT_EQ(l.bank_group, 2);
  EXPECT_EQ(l.offset, 9u);
}

TEST(MemoryMap, ContainsIsExact) {
  const MemoryMap map(stacks_of(5), hashed());
  EXPECT_TRUE(map.contains(map.capacity() - 32, 32));
  EXPECT_FALSE(map.contains(map.capacity() - 32, 33));
  EXPECT_FALSE(map.contains(map.capacity()));
  EXPECT_FALSE(map.contains(~std::uint64_t{0}, 32));
}

TEST(MemoryMap, ANumberThatIsNoPowerOfTwoMayComeFirst) {
  MemoryGeometry g = stacks_of(2);
  g.sids = 3;
  MemoryMapOptions o = hashed();
  EXPECT_EQ(MemoryMap::problems(g, o).front(),
            "address map: field 'sid' has 3 values; only the first field may have a number that is no power of two");
  o.fields = {"sid", "row", "bank", "column", "pseudo_channel", "bank_group", "offset"};
  const MemoryMap map(g, o);
  EXPECT_EQ(map.encode(map.decode(map.capacity() - 1)), map.capacity() - 1);
}

TEST(MemoryMap, SaysWhatIsWrong) {
  MemoryMapOptions o = hashed();
  o.fields = {"row", "sid", "bank", "colum", "pseudo_channel", "bank_group", "offset"};
  EXPECT_EQ(MemoryMap::problems(stacks_of(1), o).front(),
            "address map: unknown field 'colum', must be one of row, sid, bank, bank_group, pseudo_channel, column, "
            "column_high, "
            "column_low, offset");
  o.fields = {"row", "sid", "column", "pseudo_channel", "bank_group", "offset"};
  EXPECT_EQ(MemoryMap::problems(stacks_of(1), o).front(), "address map: field 'bank' is missing and has 4 values");
  o.fields = {"row", "sid", "bank", "bank", "column", "pseudo_channel", "bank_group", "offset"};
  EXPECT_EQ(MemoryMap::problems(stacks_of(1), o).front(), "address map: field 'bank' occurs twice");
  o.fields = {"offset", "row", "sid", "bank", "column", "pseudo_channel", "bank_group"};
  EXPECT_EQ(MemoryMap::problems(stacks_of(1), o).front(), "address map: the last field must be offset");
  o = hashed();
  o.granule = 96;
  EXPECT_EQ(MemoryMap::problems(stacks_of(1), o).front(),
            "interleave granule is 96 bytes, must be a power of two of at least 32");
  EXPECT_THROW(MemoryMap(stacks_of(1), o), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim
