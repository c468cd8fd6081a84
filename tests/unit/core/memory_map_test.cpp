#include "core/memory_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>
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

/// Some addresses, edges first: of the memory and of its regions.
std::vector<std::uint64_t> samples(const MemoryMap& map, int count, std::uint64_t seed) {
  std::set<std::uint64_t> edges = {31, 32, 511, 512, map.capacity() / 2};
  for (const MemoryMap::Region& region : map.regions()) {
    for (const std::uint64_t edge : {region.first, region.first + region.bytes}) {
      for (const std::int64_t off : {-513, -512, -33, -32, -1, 0, 1, 32})
        edges.insert(edge + static_cast<std::uint64_t>(off));
    }
  }
  std::vector<std::uint64_t> result;
  for (const std::uint64_t edge : edges)
    if (map.contains(edge)) result.push_back(edge);
  SplitMix64 random(seed);
  for (int i = 0; i < count; ++i) result.push_back(bounded(random.next(), map.capacity()));
  return result;
}

/// Inside the geometry, not masked, and back to the address.
void expect_sound(const MemoryMap& map, std::uint64_t a) {
  const MemoryGeometry& g = map.geometry();
  const Location l = map.decode(a);
  ASSERT_LT(l.stack, g.stacks);
  ASSERT_LT(l.channel, g.channels);
  ASSERT_LT(l.pseudo_channel, g.pseudo_channels);
  ASSERT_LT(l.sid, g.sids);
  ASSERT_LT(l.bank_group, g.bank_groups);
  ASSERT_LT(l.bank, g.banks);
  ASSERT_LT(l.row, static_cast<std::uint32_t>(g.rows));
  ASSERT_LT(l.column, static_cast<std::uint32_t>(g.columns));
  ASSERT_EQ(l.offset, a % kAtomBytes);
  ASSERT_TRUE(map.present(l.stack, l.channel, l.pseudo_channel));
  ASSERT_EQ(map.encode(l), a);
  ASSERT_EQ(map.channel_of(a), static_cast<std::uint32_t>(l.stack * g.channels + l.channel));
}

auto key_of(const Location& l) {
  return std::tuple(l.stack, l.channel, l.pseudo_channel, l.sid, l.bank_group, l.bank, l.row, l.column);
}

/// Every access of every present pseudo-channel is hit by exactly one address.
void expect_onto(const MemoryMap& map) {
  const MemoryGeometry& g = map.geometry();
  std::set<decltype(key_of(Location()))> seen;
  for (std::uint64_t a = 0; a < map.capacity(); a += kAtomBytes)
    ASSERT_TRUE(seen.insert(key_of(map.decode(a))).second) << a;
  const std::size_t per_pseudo_channel = static_cast<std::size_t>(g.sids) *
                                         static_cast<std::size_t>(g.bank_groups * g.banks) *
                                         static_cast<std::size_t>(g.rows) * static_cast<std::size_t>(g.columns);
  EXPECT_EQ(seen.size(), per_pseudo_channel * static_cast<std::size_t>(map.present_pseudo_channels()));
  EXPECT_EQ(seen.size() * kAtomBytes, map.capacity());
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
  for (const std::uint64_t a : samples(map, 20000, 7)) ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
}

INSTANTIATE_TEST_SUITE_P(All, Bijection,
                         testing::Combine(testing::Values(1, 3, 5, 6, 8), testing::Values(64, 256, 512),
                                          testing::Bool(), testing::Bool()));

/// The built-in hashes and plain fields as the header describes them, by division and loops.
Location by_the_book(const MemoryGeometry& g, const MemoryMapOptions& o, std::uint64_t address) {
  const auto granule = static_cast<std::uint64_t>(o.granule);
  const auto channels = static_cast<std::uint64_t>(g.stacks * g.channels);
  const std::uint64_t q = address / granule / channels;
  const std::uint64_t rotation = ((q * 0x9E3779B97F4A7C15ull >> 32) * channels) >> 32;
  const std::uint64_t channel = (address / granule % channels + (o.channel_hash ? rotation : 0)) % channels;
  std::uint64_t local = q * granule + address % granule;
  std::map<std::string, std::uint64_t> field;
  const std::map<std::string, int> values = {{"row", g.rows},
                                             {"sid", g.sids},
                                             {"bank", g.banks},
                                             {"bank_group", g.bank_groups},
                                             {"pseudo_channel", g.pseudo_channels},
                                             {"column", g.columns},
                                             {"column_low", 1 << o.column_low_bits},
                                             {"column_high", g.columns >> o.column_low_bits},
                                             {"offset", 32}};
  for (auto name = o.fields.rbegin(); name != o.fields.rend(); ++name) {
    const auto n = static_cast<std::uint64_t>(values.at(*name));
    field[*name] = local % n;
    local /= n;
  }
  const auto banks = static_cast<std::uint64_t>(g.banks), groups = static_cast<std::uint64_t>(g.bank_groups);
  const std::uint64_t indices = banks * groups * static_cast<std::uint64_t>(g.pseudo_channels);
  std::uint64_t index = field["bank"] + banks * (field["bank_group"] + groups * field["pseudo_channel"]);
  if (o.bank_hash && indices > 1)
    for (std::uint64_t row = field["row"]; row != 0; row /= indices) index ^= row % indices;
  Location l;
  l.stack = static_cast<std::uint16_t>(channel / static_cast<std::uint64_t>(g.channels));
  l.channel = static_cast<std::uint16_t>(channel % static_cast<std::uint64_t>(g.channels));
  l.pseudo_channel = static_cast<std::uint8_t>(index / banks / groups);
  l.bank_group = static_cast<std::uint8_t>(index / banks % groups);
  l.bank = static_cast<std::uint8_t>(index % banks);
  l.sid = static_cast<std::uint8_t>(field["sid"]);
  l.row = static_cast<std::uint32_t>(field["row"]);
  l.column = static_cast<std::uint32_t>(field["column"] + field["column_low"] +
                                        (field["column_high"] << static_cast<unsigned>(o.column_low_bits)));
  l.offset = static_cast<std::uint32_t>(field["offset"]);
  return l;
}

// ------------------------------------------------------------------------------------------------- random geometries

struct Case {
  MemoryGeometry geometry;
  MemoryMapOptions options;
};

/// Small enough to be enumerated, and anything in it: numbers that are no powers of two, orders, hashes, regions, masks.
Case random_case(std::uint64_t seed) {
  SplitMix64 random(seed);
  const auto draw = [&](std::uint64_t n) { return static_cast<int>(bounded(random.next(), n)); };
  const auto pick = [&](std::vector<int> from) { return from[static_cast<std::size_t>(draw(from.size()))]; };
  Case c;
  MemoryGeometry& g = c.geometry;
  MemoryMapOptions& o = c.options;
  o.channel_hash = draw(2) == 0;
  o.bank_hash = draw(2) == 0;
  o.interleave = draw(2) == 0 ? "channel" : "pseudo_channel";
  g.stacks = 1 + draw(4);
  g.channels = 1 + draw(5);
  g.pseudo_channels = 1 + draw(2);
  g.sids = 1 + draw(4);
  g.bank_groups = o.bank_hash ? pick({1, 2, 4}) : pick({1, 2, 3, 4});
  g.banks = o.bank_hash ? pick({1, 2, 4}) : pick({1, 2, 3, 4});
  g.rows = pick({16, 24, 7, 32});
  g.columns = pick({8, 12, 16});
  o.column_low_bits = draw(3);
  o.fields = {"row", "sid", "bank", "bank_group", "pseudo_channel"};
  if (draw(2) == 0) {
    o.fields.push_back("column");
  } else {
    o.fields.insert(o.fields.end(), {"column_high", "column_low"});
  }
  for (std::size_t i = o.fields.size(); i > 1; --i)
    std::swap(o.fields[i - 1], o.fields[static_cast<std::size_t>(draw(i))]);
  o.fields.push_back("offset");
  o.granule = 32 << draw(4);  // 12 x 7 accesses and more: a multiple of 4, at least

  const std::vector<std::string> names = {"row", "sid", "bank", "bank_group", "column", "column_low", "address"};
  const auto a_bit = [&] {
    const std::string& name = names[static_cast<std::size_t>(draw(names.size()))];
    return name + "[" + std::to_string(name == "address" ? 5 + draw(8) : draw(4)) + "]";
  };
  for (int i = draw(12); i > 0; --i) {
    o.hashes.push_back(a_bit() + " ^= " + a_bit() + (draw(2) == 0 ? " ^ " + a_bit() : ""));
    if (!MemoryMap::problems(g, o).empty() && MemoryMap::problems(g, o).front().parameter == "hashes")
      o.hashes.pop_back();
  }
  for (int i = draw(3); i > 0; --i) {
    std::string unit = "hbm_stack_" + std::to_string(draw(static_cast<std::uint64_t>(g.stacks)));
    if (draw(4) > 0) unit += ".channel_" + std::to_string(draw(static_cast<std::uint64_t>(g.channels)));
    if (unit.find(".channel_") != std::string::npos && o.interleave == "pseudo_channel" && draw(2) == 0)
      unit += ".pseudo_channel_" + std::to_string(draw(static_cast<std::uint64_t>(g.pseudo_channels)));
    o.masked.push_back(unit);
  }
  if (draw(2) == 0 && MemoryMap::problems(g, o).empty()) {  // half of everything, then two parts of the rest
    const MemoryMap::Region all = MemoryMap(g, o).regions().front();
    const std::uint64_t step = static_cast<std::uint64_t>(o.granule) * all.units;
    if (all.bytes / step > 1) o.regions.push_back({"common", {}, std::to_string(all.bytes / step / 2 * step) + "B"});
    std::vector<std::string> low, high;
    for (const int stack : all.stacks) (high.size() <= low.size() ? high : low).push_back(std::to_string(stack));
    if (!low.empty()) o.regions.push_back({"low", low, "rest"});
    o.regions.push_back({"high", high, "rest"});
  }
  return c;
}

TEST(MemoryMap, RandomMapsAreOneToOne) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 2500; ++seed) {
    const Case c = random_case(seed);
    const auto wrong = MemoryMap::problems(c.geometry, c.options);
    if (!wrong.empty()) {  // only what chance can do: everything masked, or units that are no multiple of the granule
      ASSERT_TRUE(wrong[0].parameter == "masked" || wrong[0].parameter == "interleave_granule" ||
                  wrong[0].parameter == "column_low_bits")
          << seed << ": " << wrong[0].parameter << ": " << wrong[0].message;
      continue;
    }
    const MemoryMap map(c.geometry, c.options);
    ++seen["maps"];
    seen["hashes"] += !c.options.hashes.empty();
    seen["masked"] +=
        map.present_pseudo_channels() < c.geometry.stacks * c.geometry.channels * c.geometry.pseudo_channels;
    seen["regions"] += map.regions().size() > 2;
    SCOPED_TRACE(seed);
    for (const std::uint64_t a : samples(map, 100, seed)) ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
    if (map.capacity() / kAtomBytes < 8000) {
      ++seen["enumerated"];
      ASSERT_NO_FATAL_FAILURE(expect_onto(map));
    }
    if (c.options.hashes.empty() && c.options.masked.empty() && c.options.regions.empty() &&
        (c.options.interleave == "channel" || c.geometry.pseudo_channels == 1)) {
      ++seen["by the book"];
      for (const std::uint64_t a : samples(map, 100, seed))
        ASSERT_EQ(key_of(map.decode(a)), key_of(by_the_book(c.geometry, c.options, a))) << a;
    }
  }
  for (const auto& [what, least] : std::map<std::string, int>{{"maps", 1500},
                                                              {"hashes", 500},
                                                              {"masked", 500},
                                                              {"regions", 200},
                                                              {"enumerated", 300},
                                                              {"by the book", 20}})
    EXPECT_GT(seen[what], least) << what;
}

TEST(MemoryMap, TheH100sMapIsByTheBook) {
  const MemoryGeometry g = stacks_of(5);
  MemoryMapOptions o;
  o.fields = {"row", "sid", "bank", "column_high", "bank_group", "pseudo_channel", "column_low", "offset"};
  o.granule = 512;
  const MemoryMap map(g, o);
  for (const std::uint64_t a : samples(map, 20000, 11)) {
    const Location expected = by_the_book(g, o, a);
    ASSERT_TRUE(map.decode(a) == expected) << a;
  }
}

TEST(MemoryMap, TwelveHighStacksOf24GbDies) {
  MemoryGeometry g = stacks_of(8);
  g.sids = 3;
  g.rows = 24576;
  for (const std::vector<std::string>& fields :
       {std::vector<std::string>{"row", "sid", "bank", "column", "pseudo_channel", "bank_group", "offset"},
        std::vector<std::string>{"sid", "row", "bank", "column", "pseudo_channel", "bank_group", "offset"},
        std::vector<std::string>{"bank", "column", "sid", "pseudo_channel", "row", "bank_group", "offset"}}) {
    MemoryMapOptions o = hashed();
    o.fields = fields;
    o.hashes = {"bank_group ^= row[3:4] ^ row[13:14]"};
    const MemoryMap map(g, o);
    EXPECT_EQ(map.capacity(), std::uint64_t{8 * 36} << 30);
    for (const std::uint64_t a : samples(map, 5000, 5)) ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
  }
}

// ---------------------------------------------------------------------------------------------------------- interleaving

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

TEST(MemoryMap, GranulesMayAlternateBetweenPseudoChannels) {
  MemoryMapOptions o = hashed();
  o.interleave = "pseudo_channel";
  o.channel_hash = false;
  const MemoryMap map(stacks_of(2), o);
  for (std::uint64_t g = 0; g < 1000; ++g) {
    const Location l = map.decode(g * 256 + 128);
    EXPECT_EQ(l.pseudo_channel, g % 2);
    EXPECT_EQ(l.stack * 16 + l.channel, g / 2 % 32);
  }
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

// ---------------------------------------------------------------------------------------------------------------- hashes

TEST(MemoryMap, HashesDoWhatTheySay) {
  MemoryGeometry g;
  MemoryMapOptions o;  // row 14 bits at 14 | bank 2 at 12 | column 5 at 7 | bank group 2 at 5 | offset 5
  o.bank_hash = false;
  o.hashes = {"bank_group ^= row[0:1] ^ row[4:5]", "bank[1]^=column[0] ^ address[20]", "bank[0] ^= bank_group[1]"};
  const MemoryMap map(g, o);
  const auto bits = [](std::uint64_t value, int low, int count) { return value >> low & ((1u << count) - 1); };
  for (const std::uint64_t a : samples(map, 5000, 3)) {
    const Location l = map.decode(a);
    ASSERT_EQ(l.bank_group, bits(a, 5, 2) ^ bits(a, 14, 2) ^ bits(a, 18, 2));
    ASSERT_EQ(l.bank >> 1, bits(a, 13, 1) ^ bits(a, 7, 1) ^ bits(a, 20, 1));
    ASSERT_EQ(l.bank & 1, bits(a, 12, 1) ^ bits(a, 6, 1)) << "of the bank group before its own hash";
    ASSERT_EQ(l.row, a >> 14);
    ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
  }
  std::reverse(o.hashes.begin(), o.hashes.end());
  const MemoryMap reversed(g, o);
  for (const std::uint64_t a : samples(map, 100, 4)) ASSERT_TRUE(map.decode(a) == reversed.decode(a));
}

std::string complaint(const MemoryGeometry& g, const MemoryMapOptions& o) {
  const auto all = MemoryMap::problems(g, o);
  return all.empty() ? "" : all.front().parameter + ": " + all.front().message;
}

TEST(MemoryMap, HashesMustBeInvertible) {
  const auto with = [](std::vector<std::string> hashes) {
    MemoryMapOptions o = hashed();
    o.hashes = std::move(hashes);
    return complaint(stacks_of(1), o);
  };
  const std::string why = "; take sources that no hash changes, such as row bits";
  EXPECT_EQ(
      with({"bank[0] ^= row[0]", "row[0] ^= bank[0]"}),
      "hashes: 'bank[0] ^= row[0]', 'row[0] ^= bank[0]' would put two addresses at one place: bank[0] ^ row[0] would "
      "always be 0" +
          why);
  EXPECT_EQ(
      with({"bank[0] ^= row[0]", "bank[1] ^= address[5]", "bank_group[0] ^= bank[1]", "bank[1] ^= bank_group[0]"}),
      "hashes: 'bank[1] ^= address[5]', 'bank_group[0] ^= bank[1]', 'bank[1] ^= bank_group[0]' would put two addresses "
      "at one place: column_low[0] ^ bank_group[0] ^ bank[1] would always be 0" +
          why);
  EXPECT_EQ(with({"bank ^= bank_group", "bank_group ^= bank"}).substr(0, 64),
            "hashes: 'bank ^= bank_group', 'bank_group ^= bank' would put two");
  // A cycle alone is no harm: this one can be undone.
  EXPECT_EQ(with({"bank[0] ^= bank[1]", "bank[1] ^= bank[0] ^ bank_group[0]", "bank_group[0] ^= bank[1]"}), "");
}

TEST(MemoryMap, SaysWhatIsWrongWithAHash) {
  const auto with = [](const std::string& hash) {
    MemoryGeometry g = stacks_of(1);
    g.sids = 3;
    MemoryMapOptions o = hashed();
    o.hashes = {"bank[0] ^= row[0]", hash};
    const std::string all = complaint(g, o), begin = "hashes: '" + hash + "': ";
    return all.compare(0, begin.size(), begin) == 0 ? all.substr(begin.size()) : all;
  };
  const std::string form = "; write TARGET ^= SOURCE ^ SOURCE, such as bank_group[0] ^= row[0] ^ row[2]";
  const std::string there = "; there are column_low, bank_group, pseudo_channel, column_high, bank, sid, row";
  EXPECT_EQ(with("bank[0]"), "expected '^=' at its end" + form);
  EXPECT_EQ(with("bank[0] = row[0]"), "expected '^=' before '= row[0]'" + form);
  EXPECT_EQ(with("bank[0] ^= "), "expected a field at its end" + form);
  EXPECT_EQ(with("bank[0] ^= row[0] row[1]"), "expected nothing more before 'row[1]'" + form);
  EXPECT_EQ(with("bank[0] ^= row[x]"), "expected the number of a bit before 'x]'" + form);
  EXPECT_EQ(with("bank[0] ^= address"), "expected '[': the numbers of its bits at its end" + form);
  EXPECT_EQ(with("bank[0 ^= row[0]"), "expected ']' before '^= row[0]'" + form);
  EXPECT_EQ(with("bnak[0] ^= row[0]"), "there is no target 'bnak'; did you mean 'bank'?" + there);
  EXPECT_EQ(with("bank[0] ^= rwo[0]"), "there is no source 'rwo'; did you mean 'row'?" + there + ", address");
  EXPECT_EQ(with("bank[0] ^= column[0]").substr(0, 31), "there is no source 'column'; di");
  EXPECT_EQ(with("bank[2] ^= row[0]"), "there is no bank[2]; its bits are 0..1");
  EXPECT_EQ(with("bank ^= row[0:2]"), "row gives 3 bits, and the target has 2; give as many");
  EXPECT_EQ(with("bank ^= row[1:0]"), "row[1:0] is empty; the lowest bit comes first");
  EXPECT_EQ(with("bank[0] ^= row[1] ^ row[1]"), "row[1] is in bank[0] already, and twice cancels; name it once");
  EXPECT_EQ(with("bank[0] ^= bank[0]"), "bank[0] is in bank[0] already, and twice cancels; name it once");
  EXPECT_EQ(with("bank ^= row[0:1]"), "row[0] is in bank[0] already, and twice cancels; name it once");
  EXPECT_EQ(with("sid[0] ^= row[1]"), "sid cannot be a target: 3 values are no power of two");
  EXPECT_EQ(with("bank[0] ^= address[4]"), "address[4] is in the offset; the lowest bit to use is address[5]");
  EXPECT_EQ(with("bank[0] ^= address[20]"),
            "address[20] is in or above sid, whose 3 values are no bits; use bits of fields instead");
}

// --------------------------------------------------------------------------------------------------------------- regions

MemoryMapOptions numa() {
  MemoryMapOptions o = hashed();
  o.regions = {{"near", {"0..1"}, "32GiB"}, {"far", {"2", "3"}, "rest"}};
  return o;
}

TEST(MemoryMap, RegionsHaveStacksOfTheirOwn) {
  const MemoryMap map(stacks_of(4), numa());
  EXPECT_EQ(map.capacity(), std::uint64_t{64} << 30);
  const auto regions = map.regions();
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[1].name, "far");
  EXPECT_EQ(regions[1].first, std::uint64_t{32} << 30);
  EXPECT_EQ(regions[1].bytes, std::uint64_t{32} << 30);
  EXPECT_EQ(regions[1].stacks, (std::vector<int>{2, 3}));
  EXPECT_EQ(regions[1].units, 32u);
  std::vector<int> hits(64);
  for (const std::uint64_t a : samples(map, 20000, 9)) {
    ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
    const bool near = a < std::uint64_t{32} << 30;
    ASSERT_EQ(map.region_of(a), near ? "near" : "far");
    ASSERT_EQ(map.decode(a).stack / 2, near ? 0 : 1);
    ++hits[map.channel_of(a)];
  }
  EXPECT_GT(*std::min_element(hits.begin(), hits.end()), 200) << "spread over all channels";
}

TEST(MemoryMap, RegionsMayShareStacks) {
  MemoryMapOptions o = hashed();
  o.regions = {{"a", {"0"}, "4GiB"}, {"b", {"1"}, "4GiB"}, {"everywhere", {}, "rest"}};
  const MemoryMap map(stacks_of(2), o);
  EXPECT_EQ(map.regions()[2].bytes, std::uint64_t{24} << 30);
  for (const std::uint64_t a : samples(map, 20000, 9)) ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
}

TEST(MemoryMap, SaysWhatIsWrongWithRegions) {
  const auto with = [](std::vector<MemoryRegionParams> regions, std::vector<std::string> masked = {}) {
    MemoryMapOptions o = hashed();
    o.regions = std::move(regions);
    o.masked = std::move(masked);
    return complaint(stacks_of(4), o);
  };
  EXPECT_EQ(with({{"a", {"0..1"}, "32GiB"}, {"b", {"1..3"}, "rest"}}),
            "regions.b.size: stack 1 has 0B left in each channel, stack 2 1GiB; `rest` needs the same in all: give a "
            "size, or other stacks");
  EXPECT_EQ(with({{"a", {"0..1"}, "32GiB"}, {"b", {"1..3"}, "24GiB"}}),
            "regions.b.size: regions overlap: 24GiB takes 512MiB of each channel, but 0B are left of those of stack 1");
  EXPECT_EQ(with({{"a", {}, "rest"}, {"b", {"1"}, "rest"}}),
            "regions.b.size: regions overlap: those before it have left nothing of its stacks");
  EXPECT_EQ(with({{"a", {"0..1"}, "rest"}, {"b", {"3"}, "rest"}}),
            "regions: leave a hole: 1GiB of each channel of stack 2 are in none; give them to one (size: rest)");
  EXPECT_EQ(with({{"a", {}, "16GiB"}}),
            "regions: leave a hole: 768MiB of each channel of stack 0 are in none; give them to one (size: rest)");
  EXPECT_EQ(
      with({{"a", {"0..2"}, "16GiB"}, {"b", {}, "rest"}}),
      "regions.a.size: 16GiB is no multiple of 12KiB, a granule of each of its 48 units; 16777212KiB would be right");
  EXPECT_EQ(with({{"a", {}, "0GiB"}}).substr(0, 35), "regions.a.size: 0GiB is no multiple");
  EXPECT_EQ(with({{"a", {}, "all"}}).substr(0, 22), "regions.a.size: 'all' ");
  EXPECT_EQ(with({{"a", {"4"}, "rest"}}), "regions.a.stacks: there is no stack 4; must be 0..3");
  EXPECT_EQ(with({{"a", {"0..x"}, "rest"}}),
            "regions.a.stacks: '0..x' is no stack; write numbers or ranges, such as 0..3");
  EXPECT_EQ(with({{"a", {"3..1"}, "rest"}}), "regions.a.stacks: '3..1' is empty; the lower stack comes first");
  EXPECT_EQ(with({{"a", {"0..2", "1"}, "rest"}}), "regions.a.stacks: stack 1 is named twice");
  EXPECT_EQ(with({{"a", {"2"}, "rest"}, {"b", {}, "rest"}}, {"hbm_stack_2"}),
            "regions.a.stacks: all of these stacks are masked");
}

// ---------------------------------------------------------------------------------------------------------------- masks

TEST(MemoryMap, NothingReachesWhatIsMasked) {
  MemoryMapOptions o = hashed();
  o.masked = {"hbm_stack_2", "hbm_stack_0.channel_3", "hbm_stack_4.channel_15.pseudo_channel_0",
              "hbm_stack_4.channel_15.pseudo_channel_1"};
  const MemoryMap map(stacks_of(5), o);
  EXPECT_EQ(map.present_channels(), 62u);
  EXPECT_EQ(map.present_pseudo_channels(), 124);
  EXPECT_EQ(map.capacity(), std::uint64_t{62} << 30);
  EXPECT_FALSE(map.present(2, 7, 0));
  EXPECT_FALSE(map.present(0, 3, 1));
  EXPECT_TRUE(map.present(0, 4, 1));
  EXPECT_EQ(map.present_in(79), 0);
  EXPECT_EQ(map.regions()[0].stacks, (std::vector<int>{0, 1, 3, 4}));
  std::vector<int> hits(80);
  for (const std::uint64_t a : samples(map, 62000, 9)) {
    ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
    ++hits[map.channel_of(a)];
  }
  for (std::uint32_t c = 0; c < 80; ++c) EXPECT_NEAR(hits[c], map.present_in(c) > 0 ? 1000 : 0, 200) << c;
  Location gone;
  gone.stack = 2;
  EXPECT_THROW(map.encode(gone), std::out_of_range);
}

TEST(MemoryMap, APseudoChannelMayBeMasked) {
  MemoryMapOptions o = hashed();
  o.interleave = "pseudo_channel";
  o.masked = {"hbm_stack_0.channel_3.pseudo_channel_1"};
  const MemoryMap map(stacks_of(1), o);
  EXPECT_EQ(map.present_in(3), 1);
  EXPECT_EQ(map.capacity(), std::uint64_t{31} << 29);
  for (const std::uint64_t a : samples(map, 20000, 9)) ASSERT_NO_FATAL_FAILURE(expect_sound(map, a));
  o.interleave = "channel";
  EXPECT_EQ(complaint(stacks_of(1), o),
            "masked: hbm_stack_0.channel_3 keeps one of its pseudo-channels; that needs interleave: pseudo_channel");
}

TEST(MemoryMap, SaysWhatIsWrongWithMasks) {
  const auto with = [](std::vector<std::string> masked) {
    MemoryMapOptions o = hashed();
    o.masked = std::move(masked);
    return complaint(stacks_of(2), o);
  };
  const std::string form =
      "' is no unit; write hbm_stack_S, hbm_stack_S.channel_C or "
      "hbm_stack_S.channel_C.pseudo_channel_P";
  for (const char* bad : {"stack_0", "hbm_stack_", "hbm_stack_-1", "hbm_stack_0.", "hbm_stack_0.pseudo_channel_0", "",
                          "hbm_stack_0.channel_0.pseudo_channel_0.pseudo_channel_0", "hbm_stack_0x"})
    EXPECT_EQ(with({bad}), "masked: '" + std::string(bad) + form);
  EXPECT_EQ(with({"hbm_stack_2"}), "masked: there is no 'hbm_stack_2'; hbm_stack_2 must be hbm_stack_0..hbm_stack_1");
  EXPECT_EQ(with({"hbm_stack_0.channel_16"}),
            "masked: there is no 'hbm_stack_0.channel_16'; channel_16 must be channel_0..channel_15");
  EXPECT_EQ(with({"hbm_stack_0", "hbm_stack_1"}), "masked: nothing is left; leave at least one pseudo-channel");
}

// ------------------------------------------------------------------------------------------------------------- all the rest

TEST(MemoryMap, SaysWhatIsWrong) {
  const auto with = [](std::vector<std::string> fields) {
    MemoryMapOptions o = hashed();
    o.fields = std::move(fields);
    return complaint(stacks_of(1), o);
  };
  EXPECT_EQ(with({"row", "sid", "bank", "colum", "pseudo_channel", "bank_group", "offset"}),
            "address_map: unknown field 'colum'; did you mean 'column', 'column_high' or 'column_low'?; must be one of "
            "row, sid, bank, bank_group, "
            "pseudo_channel, column, column_high, column_low, offset");
  EXPECT_EQ(with({"row", "sid", "column", "pseudo_channel", "bank_group", "offset"}),
            "address_map: field 'bank' is missing and has 4 values");
  EXPECT_EQ(with({"row", "sid", "bank", "bank", "column", "pseudo_channel", "bank_group", "offset"}),
            "address_map: field 'bank' occurs twice");
  EXPECT_EQ(with({"offset", "row", "sid", "bank", "column", "pseudo_channel", "bank_group"}),
            "address_map: the last field must be offset");
  EXPECT_EQ(with({"row", "sid", "bank", "column_low", "pseudo_channel", "bank_group", "offset"}),
            "address_map: column is given either whole or as column_high and column_low");
  MemoryMapOptions o = hashed();
  o.granule = 96;
  EXPECT_EQ(complaint(stacks_of(1), o), "interleave_granule: is 96 bytes, must be a power of two of at least 32");
  EXPECT_THROW(MemoryMap(stacks_of(1), o), std::invalid_argument);
  o = hashed();
  o.column_low_bits = 6;
  EXPECT_EQ(complaint(stacks_of(1), o),
            "column_low_bits: is 6, but 32 columns are no multiple of 2 to the power of that");
  MemoryGeometry g = stacks_of(1);
  g.banks = 3;
  EXPECT_EQ(complaint(g, hashed()),
            "bank_hash: needs powers of two of banks, bank groups and pseudo-channels; must be false");
  g = stacks_of(1);
  g.rows = 0;
  EXPECT_EQ(complaint(g, hashed()), "rows: is 0, must be 1..1048576");
  g.rows = 1 << 20;
  g.columns = 1 << 12;
  EXPECT_EQ(complaint(g, hashed()), "rows: a channel's address has 43 bits, must have at most 37");
}

}  // namespace
}  // namespace cowosim
