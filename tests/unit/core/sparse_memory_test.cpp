// Memory against a map of single bytes: whatever is touched in whatever order, both hold the same.
#include "core/sparse_memory.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/random.h"

namespace cowosim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Data = std::vector<unsigned char>;

constexpr std::uint64_t kPage = SparseMemory::kPageBytes;

/// Content of memory that was never written, other than zero.
unsigned char grown(std::uint64_t address) { return static_cast<unsigned char>(mix(7, address)); }

/// The same memory byte by byte.
struct Model {
  bool filled;
  std::map<std::uint64_t, unsigned char> bytes;

  unsigned char at(std::uint64_t address) const {
    const auto it = bytes.find(address);
    return it != bytes.end() ? it->second : filled ? grown(address) : 0;
  }
};

struct Draw {
  SplitMix64 random;
  explicit Draw(std::uint64_t seed) : random(seed) {}
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t draw = random.next();
    return bounded(draw, bound);
  }
  Data data(std::uint64_t length) {
    Data all;
    for (std::uint64_t i = 0; i < length; ++i) all.push_back(static_cast<unsigned char>(below(256)));
    return all;
  }
};

SparseMemory::Fill grow() {
  return [](std::uint64_t first, unsigned char* bytes, std::uint64_t length) {
    for (std::uint64_t i = 0; i < length; ++i) bytes[i] = grown(first + i);
  };
}

void agree(std::uint64_t seed, bool filled) {
  // The end of a page that ends a leaf of the table, a whole page, and the last one, which is not whole.
  const std::uint64_t capacity = (1u << 29) + kPage + 777;
  const std::uint64_t base = (1u << 29) - 200;
  SparseMemory memory(capacity, filled ? grow() : SparseMemory::Fill());
  Model model{filled, {}};
  Draw draw(seed);
  std::map<std::uint64_t, unsigned char*> granted;
  for (int step = 0; step < 3000; ++step) {
    // Near the borders of pages half of the time, so that they are crossed.
    const std::uint64_t span = capacity - base;
    std::uint64_t address = base + draw.below(span);
    if (draw.below(2) == 0) address = std::min(capacity - 1, (address / kPage + 1) * kPage - 1 - draw.below(64));
    const std::uint64_t longest = draw.below(100) == 0 ? 2 * kPage : 128;
    const std::uint64_t length = std::min(draw.below(longest), capacity - address);
    const bool masked = draw.below(2) == 0;
    Data enables;
    for (std::uint64_t i = 1 + draw.below(40); i > 0; --i) enables.push_back(draw.below(2) == 0 ? 0xff : 0x00);
    const auto enabled = [&](std::uint64_t i) { return !masked || enables[i % enables.size()] == 0xff; };
    const unsigned char* pointer = masked ? enables.data() : nullptr;
    Data data = draw.data(length);
    const std::uint64_t what = draw.below(100);
    if (what < 45) {
      memory.write(address, data.data(), length, pointer, enables.size());
      for (std::uint64_t i = 0; i < length; ++i)
        if (enabled(i)) model.bytes[address + i] = data[i];
    } else if (what < 90) {
      Data expected = data;
      for (std::uint64_t i = 0; i < length; ++i)
        if (enabled(i)) expected[i] = model.at(address + i);
      memory.read(address, data.data(), length, pointer, enables.size());
      ASSERT_EQ(data, expected) << "seed " << seed << ", step " << step;
    } else if (what < 95) {
      memory.clear(address, length);
      for (std::uint64_t i = 0; i < length; ++i) model.bytes[address + i] = 0;
    } else {
      const SparseMemory::Page page = memory.page_at(address);
      ASSERT_TRUE(page.first <= address && address <= page.last);
      ASSERT_EQ(page.first % kPage, 0u);
      ASSERT_EQ(page.last, std::min(page.first + kPage, capacity) - 1);
      ASSERT_EQ(granted.emplace(page.first, page.bytes).first->second, page.bytes) << "the page has moved";
      // Who holds the page writes past us.
      page.bytes[address - page.first] = static_cast<unsigned char>(step);
      model.bytes[address] = static_cast<unsigned char>(step);
    }
  }
  std::uint64_t pages = 0, bytes = 0, before = 0;
  memory.for_each_page([&](const SparseMemory::Page& page) {
    ASSERT_TRUE(pages == 0 || page.first > before) << "not by address";
    before = page.first;
    ++pages;
    bytes += page.last - page.first + 1;
    for (std::uint64_t a = page.first; a <= page.last; ++a) ASSERT_EQ(page.bytes[a - page.first], model.at(a)) << a;
  });
  EXPECT_EQ(pages, memory.pages());
  EXPECT_EQ(bytes, memory.resident_bytes());
  EXPECT_EQ(pages, 3u) << "every page from base to the end";
}

TEST(SparseMemory, HoldsWhatAMapOfBytesHolds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) agree(seed, false);
}

TEST(SparseMemory, HoldsWhatAMapOfBytesHoldsWhereUntouchedBytesAreNotZero) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) agree(seed, true);
}

TEST(SparseMemory, PagesExistOnceTouched) {
  SparseMemory memory(SparseMemory::kLargest);
  Data data(100, 1);
  memory.read(SparseMemory::kLargest - 100, data.data(), 100);
  EXPECT_EQ(data, Data(100, 0));
  memory.clear(0, 10 * kPage);
  EXPECT_EQ(memory.pages(), 0u) << "reading and clearing need no page";
  const unsigned char byte = 9;
  memory.write(SparseMemory::kLargest - 1, &byte, 1);
  EXPECT_EQ(memory.pages(), 1u);
  memory.write(3 * kPage - 1, data.data(), 100);
  EXPECT_EQ(memory.pages(), 1u) << "zeros need no page";
  data[0] = data[99] = 1;
  memory.write(3 * kPage - 1, data.data(), 100);
  EXPECT_EQ(memory.pages(), 3u);
  EXPECT_EQ(memory.resident_bytes(), 3 * kPage);
  memory.write(3 * kPage - 1, data.data() + 1, 98);
  memory.read(3 * kPage - 1, data.data(), 1);
  EXPECT_EQ(data[0], 0) << "zeros over something else";
  EXPECT_EQ(memory.page_at(SparseMemory::kLargest - 1).bytes[kPage - 1], 9);
  EXPECT_EQ(memory.pages(), 3u) << "that page was there";
  memory.page_at(5 * kPage);
  EXPECT_EQ(memory.pages(), 4u);
}

TEST(SparseMemory, ContentIsFetchedOncePerPageAndForTheTouchedOnesOnly) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> fetched;
  SparseMemory memory(3 * kPage + 10, [&](std::uint64_t first, unsigned char* bytes, std::uint64_t length) {
    fetched.emplace_back(first, length);
    std::fill_n(bytes, length, static_cast<unsigned char>(5));
  });
  Data data(4);
  memory.read(3 * kPage, data.data(), 4);
  EXPECT_EQ(data, Data(4, 5));
  memory.read(3 * kPage + 2, data.data(), 4);
  memory.write(kPage, data.data(), 4);
  memory.clear(kPage, 1);
  memory.page_at(kPage);
  EXPECT_THAT(fetched, ElementsAre(std::pair(3 * kPage, std::uint64_t{10}), std::pair(kPage, kPage)));
  EXPECT_EQ(memory.page_at(kPage).bytes[0], 0) << "cleared, not fetched again";
}

TEST(SparseMemory, APageWhoseContentCannotBeFetchedDoesNotExist) {
  bool broken = true;
  SparseMemory memory(kPage, [&](std::uint64_t, unsigned char* bytes, std::uint64_t) {
    bytes[1] = 8;
    if (broken) throw std::runtime_error("no answer");
  });
  Data data(2);
  EXPECT_THROW(memory.read(0, data.data(), 2), std::runtime_error);
  EXPECT_EQ(memory.pages(), 0u);
  broken = false;
  memory.read(0, data.data(), 2);
  EXPECT_EQ(data, (Data{0, 8}));
}

TEST(SparseMemory, OutsideIsAnErrorBeforeAnythingChanges) {
  SparseMemory memory(2 * kPage + 5);
  Data data(10, 3);
  const std::uint64_t end = memory.capacity();
  for (const auto& [address, length] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {end - 5, 6}, {end, 1}, {end + 1, 0}, {~std::uint64_t{0}, 1}, {~std::uint64_t{0}, 2}, {kPage, ~0ull}}) {
    const Data enables{0xff};
    EXPECT_THROW(memory.write(address, data.data(), length), std::out_of_range);
    EXPECT_THROW(memory.write(address, data.data(), length, enables.data(), 1), std::out_of_range);
    EXPECT_THROW(memory.read(address, data.data(), length), std::out_of_range);
    EXPECT_THROW(memory.read(address, data.data(), length, enables.data(), 1), std::out_of_range);
    EXPECT_THROW(memory.clear(address, length), std::out_of_range);
  }
  EXPECT_THROW(memory.page_at(end), std::out_of_range);
  EXPECT_EQ(memory.pages(), 0u);
  EXPECT_EQ(data, Data(10, 3));
  try {
    memory.read(end, data.data(), 4);
    FAIL();
  } catch (const std::out_of_range& error) {
    EXPECT_THAT(error.what(), HasSubstr("4 bytes at 0x20005 lie outside memory, which ends at 0x20005 (131077 bytes)"));
  }
  memory.write(end, data.data(), 0);  // nothing, at the end, is inside
  memory.write(end - 10, data.data(), 10);
  EXPECT_EQ(memory.page_at(end - 1).bytes[4], 3);
}

TEST(SparseMemory, EnablesWithoutLengthAndMemoriesOfNoSizeAreErrors) {
  SparseMemory memory(kPage);
  Data data(4, 3);
  EXPECT_THROW(memory.write(0, data.data(), 4, data.data(), 0), std::invalid_argument);
  EXPECT_THROW(memory.read(0, data.data(), 4, data.data(), 0), std::invalid_argument);
  EXPECT_THROW(SparseMemory(0), std::invalid_argument);
  EXPECT_THROW(SparseMemory(SparseMemory::kLargest + 1), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim
