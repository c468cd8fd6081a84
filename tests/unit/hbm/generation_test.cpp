#include "hbm/generation.h"

#include <gtest/gtest.h>

namespace cowosim::hbm {
namespace {

const Generation& hbm3() { return *find_generation("hbm3"); }

TEST(Generation, Hbm3At6400GivesTheTable) {
  const Generation& g = hbm3();
  const Time half = half_period_of(g, 6.4e9);
  EXPECT_EQ(half, 312500);
  const auto ck = [&](const TimingSpec& spec) { return clocks_of(spec, half); };
  EXPECT_EQ(ck(g.rl), 20);
  EXPECT_EQ(ck(g.wl), 10);
  EXPECT_EQ(ck(g.rcd_read), 31);
  EXPECT_EQ(ck(g.rcd_write), 15);
  EXPECT_EQ(ck(g.rp), 26);
  EXPECT_EQ(ck(g.ras), 45);
  EXPECT_EQ(ck(g.rc), 72);
  EXPECT_EQ(ck(g.ccd_short), 2);
  EXPECT_EQ(ck(g.ccd_long), 4);
  EXPECT_EQ(ck(g.ccd_sid), 3);
  EXPECT_EQ(ck(g.rrd_short), 4);
  EXPECT_EQ(ck(g.rrd_long), 5);
  EXPECT_EQ(ck(g.faw), 24);
  EXPECT_EQ(ck(g.wtr_short), 7);
  EXPECT_EQ(ck(g.wtr_long), 10);
  EXPECT_EQ(ck(g.rtw), 20);
  EXPECT_EQ(ck(g.rtp), 9);
  EXPECT_EQ(ck(g.wr), 33);
  EXPECT_EQ(ck(g.ppd), 2);
  EXPECT_EQ(ck(g.refi), 6240);
  EXPECT_EQ(resolve(g, 6.4e9, 4).refresh_cycle, 2 * 416);
  EXPECT_EQ(resolve(g, 6.4e9, 8).refresh_cycle, 2 * 560);
}

TEST(Generation, CommandsOfDifferentLengthAreAdjusted) {
  const Timing t = resolve(hbm3(), 6.4e9, 4);
  EXPECT_EQ(t.activate_to_read, 2 * 31 + 1);  // next rising edge: 32 CK
  EXPECT_EQ(t.activate_to_write, 2 * 15 + 1);
  EXPECT_EQ(t.activate_to_precharge, 2 * 46);
  EXPECT_EQ(t.precharge_to_activate, 2 * 25);
  EXPECT_EQ(t.refresh_to_activate, 2 * 415);
  EXPECT_EQ(t.activate_to_activate, 2 * 72);
}

TEST(Generation, SlowerPinsKeepNanosecondsAndNeverGetFaster) {
  const Generation& g = hbm3();
  const double rate = 5.23e9;
  const Time half = half_period_of(g, rate);
  EXPECT_EQ(half, 382410);  // 1e15 / (2 x 1.3075e9) = 382409.18, rounded up
  for (const TimingSpec* spec : {&g.rl, &g.rp, &g.ras, &g.rc, &g.faw, &g.wr, &g.refi})
    EXPECT_GE(clocks_of(*spec, half) * 2 * half, spec->time);
  EXPECT_EQ(clocks_of(g.rl, half), 17);
  EXPECT_EQ(clocks_of(g.ccd_short, half), 2) << "counted in clocks";
  EXPECT_EQ(clocks_of(g.ccd_long, half), 4);
  const Timing t = resolve(g, rate, 8);
  EXPECT_LE(t.peak_bytes_per_second(), rate * g.bits / 8);
  EXPECT_GT(t.peak_bytes_per_second(), rate * g.bits / 8 * 0.99999);
}

TEST(Generation, PeakAt6400) { EXPECT_DOUBLE_EQ(resolve(hbm3(), 6.4e9, 4).peak_bytes_per_second(), 25.6e9); }

TEST(Generation, UnknownIsNull) { EXPECT_EQ(find_generation("hbm7"), nullptr); }

}  // namespace
}  // namespace cowosim::hbm
