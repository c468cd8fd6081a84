// What a host reads and writes in the region of registers; no SystemC happens here.
#include "platforms/register_block.h"

#include <gmock/gmock.h>

#include <array>
#include <map>
#include <stdexcept>
#include <vector>

#include "core/random.h"

namespace cowosim::platforms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Counting final : public engine::Heart {
 public:
  explicit Counting(const char* name) { set_name(name); }
  int ports() const override { return 0; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message&) override {}
  void statistics(StatVisitor& visit) const override {
    ++visits;
    visit("reads", "count", reads);
    visit("busy", "ns", busy);
    if (reads > 0 || visit.complete()) visit("bytes", "B", 64 * reads);
    if (fickle) visit("more", "count", 1);
  }
  double reads = 0;
  double busy = 0;
  bool fickle = false;
  mutable int visits = 0;
};

class EveryUnit final : public engine::Heart {
 public:
  explicit EveryUnit(const char* name) { set_name(name); }
  int ports() const override { return 0; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message&) override {}
  void statistics(StatVisitor& visit) const override {
    visit("a", "count", 9007199254740991.0);
    visit("b", "B", 3);
    visit("c", "flop", 5e18);
    visit("d", "ns", 1234.5678);
    visit("e", "pJ", 0.0126);
    visit("f", "ratio", 0.6666666);
    visit("g", "GB/s", 3350.25);
    if (unknown) visit("h", "parsec", 1);
  }
  bool unknown = false;
};

std::uint64_t word(RegisterBlock& block, std::uint64_t offset, Time now = 0) {
  unsigned char bytes[8];
  EXPECT_TRUE(block.read(offset, bytes, 8, now)) << block.error();
  return host::load_little_endian(bytes, 8);
}

/// As a host finds its way that knows nothing but host_interface.h.
std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> look_up(RegisterBlock& block) {
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> found;
  EXPECT_EQ(word(block, host::magic), host::kMagic);
  EXPECT_EQ(word(block, host::layout_version), host::kLayoutVersion);
  const std::uint64_t count = word(block, host::counters);
  const std::uint64_t names = word(block, host::names_offset);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string name;
    for (std::uint64_t at = word(block, names + i * host::kNameEntryBytes);; ++at) {
      unsigned char c = 0;
      EXPECT_TRUE(block.read(at, &c, 1, 0));
      if (c == 0) break;
      name += static_cast<char>(c);
    }
    found[name] = {word(block, host::counters_offset) + 8 * i, word(block, names + i * host::kNameEntryBytes + 8)};
  }
  return found;
}

TEST(RegisterBlock, AHostFindsEveryCounterByItsName) {
  Counting b("hbm_stack_1.channel_0"), a("die_0.core_3");
  a.reads = 7;
  a.busy = 1.5;
  b.reads = 11;
  RegisterBlock block({&b, &a}, nullptr);
  const auto registers = look_up(block);
  ASSERT_EQ(registers.size(), 6u);
  const auto value = [&](const char* name) { return word(block, registers.at(name).first); };
  EXPECT_EQ(value("die_0.core_3.reads"), 7u);
  EXPECT_EQ(value("die_0.core_3.busy"), 1500u) << "picoseconds";
  EXPECT_EQ(registers.at("die_0.core_3.busy").second, static_cast<std::uint64_t>(host::CounterUnit::picoseconds));
  EXPECT_EQ(value("hbm_stack_1.channel_0.bytes"), 704u);
  a.reads = 8;
  EXPECT_EQ(value("die_0.core_3.reads"), 8u) << "as of now";
  EXPECT_EQ(value("die_0.core_3.bytes"), 512u);

  std::vector<std::string> names;
  for (const RegisterInfo& info : block.list())
    if (info.offset >= host::kHeaderBytes) names.push_back(info.name);
  EXPECT_THAT(names,
              ElementsAre("die_0.core_3.busy", "die_0.core_3.bytes", "die_0.core_3.reads", "hbm_stack_1.channel_0.busy",
                          "hbm_stack_1.channel_0.bytes", "hbm_stack_1.channel_0.reads"));
}

TEST(RegisterBlock, TheHeaderSaysWhereEverythingIs) {
  Counting a("a");
  RegisterBlock block({&a}, nullptr);
  unsigned char bytes[4];
  ASSERT_TRUE(block.read(host::magic, bytes, 4, 0));
  EXPECT_EQ(std::string(bytes, bytes + 4), "CWSM");
  EXPECT_EQ(word(block, host::block_bytes), block.bytes());
  EXPECT_EQ(word(block, host::names_offset), host::kHeaderBytes + 3 * 8);
  EXPECT_EQ(word(block, host::time_fs, 123456789), 123456789u);
  EXPECT_EQ(word(block, host::features), 0u) << "no queue";
  EXPECT_EQ(word(block, host::status), 0u);
  EXPECT_EQ(word(block, 0x40), 0u) << "reserved";
  EXPECT_EQ(block.bytes() % 8, 0u);
}

TEST(RegisterBlock, UnitsAreFixedPoint) {
  EveryUnit all("x");
  RegisterBlock block({&all}, nullptr);
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 0; i < 7; ++i) values.push_back(word(block, host::kHeaderBytes + 8 * i));
  EXPECT_THAT(values, ElementsAre(9007199254740991u, 3u, 5000000000000000000u, 1234568u, 13u, 666667u, 3350250000000u));
  all.unknown = true;
  EXPECT_THROW(RegisterBlock({&all}, nullptr), std::logic_error) << "a unit nobody has thought of";
}

TEST(RegisterBlock, ReadsOfAnyAlignmentAreTheSameBytes) {
  std::vector<std::unique_ptr<Counting>> hearts;
  std::vector<engine::Heart*> table;
  for (int i = 0; i < 5; ++i) {
    hearts.push_back(std::make_unique<Counting>(("heart_" + std::to_string(i)).c_str()));
    hearts.back()->reads = 1e9 * i + 12345;
    hearts.back()->busy = 77.25 * i;
    table.push_back(hearts.back().get());
  }
  RegisterBlock block(table, nullptr);
  std::vector<unsigned char> whole(block.bytes());
  ASSERT_TRUE(block.read(0, whole.data(), whole.size(), 99));
  SplitMix64 random(3);
  for (int i = 0; i < 20000; ++i) {
    // Mostly around the borders of header, counters and names.
    const std::uint64_t from = host::kHeaderBytes - 40;
    const std::uint64_t offset = from + bounded(random.next(), block.bytes() - from);
    std::vector<unsigned char> bytes(bounded(random.next(), std::min<std::uint64_t>(block.bytes() - offset, 60) + 1));
    ASSERT_TRUE(block.read(offset, bytes.data(), bytes.size(), 99));
    ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset))) << offset;
  }
  hearts[4]->visits = 0;
  word(block, host::kHeaderBytes);
  EXPECT_EQ(hearts[4]->visits, 0) << "only who is asked";
}

TEST(RegisterBlock, WhatIsBehindTheBlockIsAnError) {
  Counting a("a");
  RegisterBlock block({&a}, nullptr);
  unsigned char bytes[16] = {};
  EXPECT_TRUE(block.read(block.bytes() - 8, bytes, 8, 0));
  EXPECT_FALSE(block.read(block.bytes() - 8, bytes, 9, 0));
  EXPECT_THAT(block.error(), HasSubstr("9 bytes at offset 0x"));
  EXPECT_FALSE(block.read(block.bytes(), bytes, 1, 0));
  EXPECT_FALSE(block.read(~std::uint64_t{0}, bytes, 8, 0)) << "around the end";
  EXPECT_FALSE(block.write(block.bytes(), bytes, 8, 0));
}

TEST(RegisterBlock, NothingIsWritableWithoutAQueue) {
  Counting a("a");
  RegisterBlock block({&a}, nullptr);
  unsigned char bytes[8] = {1};
  EXPECT_FALSE(block.write(host::tail, bytes, 8, 0));
  EXPECT_EQ(block.error(), "there are no cores that run a host's kernels");
  EXPECT_FALSE(block.write(host::magic, bytes, 8, 0));
  EXPECT_EQ(block.error(), "register 0x0 is read-only");
  EXPECT_FALSE(block.write(host::kHeaderBytes + 8, bytes, 8, 0));
  EXPECT_FALSE(block.write(0x48, bytes, 8, 0)) << "reserved";
}

TEST(RegisterBlock, AHeartThatChangesItsStatisticsIsFoundOut) {
  Counting a("a");
  RegisterBlock block({&a}, nullptr);
  a.fickle = true;
  unsigned char bytes[8];
  EXPECT_THROW(block.read(host::kHeaderBytes, bytes, 8, 0), std::logic_error);
}

}  // namespace
}  // namespace cowosim::platforms
