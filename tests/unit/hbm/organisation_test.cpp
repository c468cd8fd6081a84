#include "hbm/organisation.h"

#include <gtest/gtest.h>

#include "hbm/hbm_params.h"

namespace cowosim::hbm {
namespace {

struct Product {
  const char* generation;
  const char* organisation;
  int sids, rows;
  std::int64_t gibibytes;
};

TEST(Organisation, OfProductsAndStandards) {
  for (const Product p : {Product{"hbm2", "4hi_8gb", 1, 16384, 4},  // Samsung Aquabolt, V100
                          {"hbm2", "8hi_8gb", 2, 16384, 8},         // Samsung Aquabolt
                          {"hbm2", "12hi_16gb", 3, 32768, 24},      // JESD235B's largest
                          {"hbm2e", "4hi_16gb", 1, 32768, 8},       // Intel 773264
                          {"hbm2e", "8hi_16gb", 2, 32768, 16},      // Samsung Flashbolt, Intel 773264
                          {"hbm3", "4hi_8gb", 1, 8192, 4},          // JESD238's smallest
                          {"hbm3", "8hi_8gb", 2, 8192, 8},          // rows: Ramulator 2.1, HBM3_8Gb_8hi
                          {"hbm3", "8hi_16gb", 2, 16384, 16},       // H100; rows: Ramulator 2.1, HBM3_16Gb_8hi
                          {"hbm3", "12hi_16gb", 3, 16384, 24},      // SK hynix, 2023
                          {"hbm3", "16hi_32gb", 4, 32768, 64},      // JESD238's largest; Ramulator 2.1, HBM3_32Gb_16hi
                          {"hbm3e", "8hi_24gb", 2, 24576, 24},      // Micron, H200
                          {"hbm3e", "12hi_24gb", 3, 24576, 36},     // Micron
                          {"hbm4", "4hi_32gb", 1, 16384, 16},       // rows: Ramulator 2.1, HBM4_32Gb_4Hi
                          {"hbm4", "12hi_24gb", 3, 12288, 36},      // Micron, 2025
                          {"hbm4", "16hi_32gb", 4, 16384, 64}}) {   // JESD270-4's largest
    const auto o = find_organisation(*find_generation(p.generation), p.organisation);
    ASSERT_TRUE(o) << p.generation << p.organisation;
    EXPECT_EQ(o->sids, p.sids) << p.generation << p.organisation;
    EXPECT_EQ(o->rows, p.rows) << p.generation << p.organisation;
    EXPECT_EQ(o->bytes, p.gibibytes << 30) << p.generation << p.organisation;
  }
  EXPECT_FALSE(find_organisation(*find_generation("hbm2e"), "16hi_32gb"));
}

TEST(Organisation, EachHasARefreshCycleAndFitsTheChannel) {
  for (const Generation& g : generations())
    for (const Organisation& o : organisations(g)) {
      HbmParams p;
      p.generation = g.name;
      p.organisation = o.name;
      p.take_organisation();
      EXPECT_LE(p.sids * p.bank_groups * p.banks, 64) << g.name << o.name;
      EXPECT_NO_THROW(timing_of(p)) << g.name << o.name;
      const double gigabits = channel_gigabits(p, g.pseudo_channels) * p.sids * p.channels;
      EXPECT_EQ(gigabits, static_cast<double>(o.bytes) * 8 / (1 << 30)) << g.name << o.name;
    }
}

TEST(Organisation, CustomAndUnknownOnesChangeNothing) {
  for (const char* name : {"custom", "8hi_3gb"}) {
    HbmParams p;
    p.rows = 77;
    p.organisation = name;
    p.take_organisation();
    EXPECT_EQ(p.rows, 77);
  }
}

}  // namespace
}  // namespace cowosim::hbm
