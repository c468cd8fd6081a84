#include "core/address_map.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "core/random.h"

namespace cowosim {
namespace {

using Kind = AddressRegion::Kind;
constexpr std::uint64_t kTop = std::numeric_limits<std::uint64_t>::max();

AddressRegion region(const char* name, std::uint64_t first, std::uint64_t bytes, Kind kind = Kind::memory) {
  AddressRegion r;
  r.name = name;
  r.first = first;
  r.bytes = bytes;
  r.kind = kind;
  return r;
}

/// Given out of order: they are sorted.
AddressMap three() {
  return AddressMap({region("npu", 0x3000, 0x1000, Kind::foreign), region("hbm", 0, 0x1000),
                     region("regs", 0x1000, 0x10, Kind::registers)});
}

std::string why(std::vector<AddressRegion> regions) {
  try {
    const AddressMap map(std::move(regions));
  } catch (const std::invalid_argument& problem) {
    return problem.what();
  }
  return "";
}

TEST(AddressMap, FindsTheRegionFromItsFirstToItsLastByte) {
  const AddressMap map = three();
  ASSERT_EQ(map.regions().size(), 3u);
  EXPECT_EQ(map.regions()[1].name, "regs");
  EXPECT_EQ(map.find(0)->name, "hbm");
  EXPECT_EQ(map.find(0xfff)->name, "hbm");
  EXPECT_EQ(map.find(0x1000)->name, "regs") << "regions that touch";
  EXPECT_EQ(map.find(0x100f)->name, "regs");
  EXPECT_EQ(map.find(0x1010), nullptr);
  EXPECT_EQ(map.find(0x2fff), nullptr);
  EXPECT_EQ(map.find(0x3000)->kind, Kind::foreign);
  EXPECT_EQ(map.find(0x3fff)->name, "npu");
  EXPECT_EQ(map.find(0x4000), nullptr);
  EXPECT_EQ(map.find(kTop), nullptr);
}

TEST(AddressMap, AnAccessLiesInOneRegionAsAWhole) {
  const AddressMap map = three();
  EXPECT_NE(map.find(0, 0x1000), nullptr);
  EXPECT_EQ(map.find(0, 0x1001), nullptr) << "across two regions that touch";
  EXPECT_EQ(map.find(0xfff, 2), nullptr);
  EXPECT_EQ(map.find(0x100f, 2), nullptr) << "into a hole";
  EXPECT_EQ(map.find(0x2fff, 2), nullptr) << "out of a hole";
  EXPECT_EQ(map.find(0x10, kTop), nullptr) << "around the end of the address space";
  EXPECT_EQ(map.find(0, 0), nullptr) << "nothing lies nowhere";
}

TEST(AddressMap, AgreesWithLookingAtEveryRegion) {
  SplitMix64 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<AddressRegion> regions;
    std::uint64_t next = 0;
    for (int i = 0; i < 6; ++i) {
      next += bounded(random.next(), 3) * 16;
      const std::uint64_t bytes = 1 + bounded(random.next(), 40);
      regions.push_back(region(("r" + std::to_string(i)).c_str(), next, bytes));
      next += bytes;
    }
    const AddressMap map(regions);
    for (std::uint64_t address = 0; address < next + 4; ++address) {
      for (const std::uint64_t bytes : {1u, 2u, 8u, 33u}) {
        const AddressRegion* expected = nullptr;
        for (const AddressRegion& r : regions)
          if (address >= r.first && address + bytes <= r.first + r.bytes) expected = &r;
        const AddressRegion* found = map.find(address, bytes);
        ASSERT_EQ(found == nullptr, expected == nullptr) << address << " " << bytes;
        if (found != nullptr) {
          ASSERT_EQ(found->name, expected->name);
        }
      }
    }
  }
}

TEST(AddressMap, TheLastByteOfTheAddressSpaceIsOne) {
  const AddressMap map({region("top", kTop - 0xf, 0x10), region("bottom", 0, 1)});
  EXPECT_EQ(map.find(kTop)->name, "top");
  EXPECT_EQ(map.find(kTop)->last(), kTop);
  EXPECT_EQ(map.find(kTop - 7, 8)->name, "top");
  EXPECT_EQ(map.find(kTop - 7, 9), nullptr) << "wraps around to the bottom";
  EXPECT_EQ(map.find(kTop, 2), nullptr);
  EXPECT_EQ(why({region("top", kTop - 0xf, 0x11)}), "top: the region ends beyond 2^64");
}

TEST(AddressMap, RejectsWhatOverlapsOrIsEmpty) {
  EXPECT_EQ(why({region("a", 0, 0x10), region("b", 0x10, 0x10)}), "") << "touching is no overlap";
  EXPECT_EQ(why({region("a", 0, 0x11), region("b", 0x10, 0x10)}), "b (0x10 to 0x1f) overlaps a (0x0 to 0x10)");
  EXPECT_EQ(why({region("a", 0, 0x100), region("b", 0x10, 0x10)}), "b (0x10 to 0x1f) overlaps a (0x0 to 0xff)")
      << "inside";
  EXPECT_NE(why({region("a", 8, 8), region("b", 8, 8)}), "") << "the same place";
  EXPECT_EQ(why({region("a", 0x20, 0)}), "a: a region without bytes");
}

TEST(AddressMap, SaysWhichHole) {
  const AddressMap map = three();
  EXPECT_EQ(map.describe_hole(0x2000),
            "0x2000 lies in the hole between regs (ends at 0x100f) and npu (begins at 0x3000)");
  EXPECT_EQ(map.describe_hole(0x5000), "0x5000 lies behind npu (ends at 0x3fff)");
  EXPECT_EQ(map.describe_hole(0xff8, 16), "16 bytes at 0xff8 end beyond hbm (0xfff)");
  EXPECT_EQ(AddressMap({region("high", 0x100, 1)}).describe_hole(0x20), "0x20 lies before high (begins at 0x100)");
  EXPECT_EQ(AddressMap().describe_hole(0x20), "0x20: nothing has an address here");
  EXPECT_EQ(AddressMap().find(0x20), nullptr);
}

}  // namespace
}  // namespace cowosim
