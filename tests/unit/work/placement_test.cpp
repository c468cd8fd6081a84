#include "work/placement.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/error.h"

namespace cowosim::work {
namespace {

TEST(Placement, RegionsAreAlignedAndDisjoint) {
  Placement placement(1 << 20);
  EXPECT_EQ(placement.place("a", Category::weights, 100), 0u);
  EXPECT_EQ(placement.place("b", Category::kv, 5000), 4096u);
  EXPECT_EQ(placement.place("c", Category::weights, 1), 12288u);
  EXPECT_EQ(placement.used(Category::weights), 101u);
  EXPECT_EQ(placement.used(Category::kv), 5000u);
  EXPECT_EQ(placement.used(), 12289u);
  EXPECT_EQ(placement.free(), (1u << 20) - 12289u);
  placement.require_fit("all of it");
}

TEST(Placement, FindsTheRegionOfAnAddress) {
  Placement placement(1 << 20);
  placement.place("a", Category::weights, 100);
  placement.place("b", Category::kv, 100);
  EXPECT_EQ(placement.find(99)->name, "a");
  EXPECT_EQ(placement.find(100), nullptr);
  EXPECT_EQ(placement.find(4096)->name, "b");
  EXPECT_EQ(placement.find(1 << 19), nullptr);
}

TEST(Placement, ExactlyFullFits) {
  Placement placement(8192);
  placement.place("a", Category::weights, 4096);
  placement.place("b", Category::weights, 4096);
  EXPECT_EQ(placement.free(), 0u);
  EXPECT_EQ(placement.missing(), 0u);
  placement.require_fit("two pages");
}

TEST(Placement, SaysHowMuchIsMissing) {
  Placement placement(8192);
  placement.place("a", Category::weights, 8000);
  placement.place("b", Category::kv, 1'000'000'000);
  EXPECT_EQ(placement.missing(), 1'000'000'000u);
  EXPECT_EQ(placement.free(), 0u);
  try {
    placement.require_fit("the model");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.diagnostics().at(0).message,
              "the model needs 1000008192 bytes (weights 0.000 GB, kv 1.000 GB) but the package has 8192: 1000000000 "
              "bytes (1.000 GB) "
              "are missing");
  }
}

TEST(Placement, RejectsNonsense) {
  EXPECT_THROW(Placement(1, 3), std::invalid_argument);
  Placement placement(1 << 20);
  EXPECT_THROW(placement.place("empty", Category::other, 0), std::invalid_argument);
  EXPECT_THROW(placement.place("huge", Category::other, ~std::uint64_t{0}), std::length_error);
}

}  // namespace
}  // namespace cowosim::work
