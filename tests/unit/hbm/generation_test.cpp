// Every speed grade against the clocks of its source, and everything that follows from them. The tables hold clocks (CK)
// as sources print them, or, for derived grades, ceil(ns x clock) worked out apart from the code.
#include "hbm/generation.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "hbm/timing.h"

namespace cowosim::hbm {
namespace {

struct Column {
  const char* generation;
  double data_rate;
  Half rl, wl, rcd_read, rcd_write, rp, ras, rc, ccd_short, ccd_long, ccd_sid, rrd_short, rrd_long, faw, wtr_short,
      wtr_long, rtw, rtp, wr, ppd, refi, rfc, rfc_bank, rrefd, refi_bank;
};

/// 16 banks, smallest density of the reference organisations; 0: no constraint. tRTW of HBM2 is CL + BL + 2 - CWL.
const Column kColumns[] = {
    // Ramulator 2.1 (c5b1c3a): HBM2_2000Mbps, HBM2_2400Mbps (with HBM2_4Gb), HBM3_6400Mbps (HBM3_4Gb), HBM4_8000Mbps
    // (HBM4_32Gb_4Hi), and HBM4_16000Mbps, which is no grade here but the times of the fastest. Its HBM2 spreads REFpb
    // over both pseudo-channels (122, 147 CK), this model over the 16 banks of one.
    {"hbm2", 2.0e9, 14, 5, 14, 12, 14, 34, 48, 2, 4, 0, 4, 4, 15, 6, 8, 13, 5, 16, 0, 3900, 260, 160, 8, 244},
    {"hbm2", 2.4e9, 17, 6, 17, 14, 17, 40, 57, 2, 4, 0, 5, 5, 19, 8, 10, 15, 6, 19, 0, 4682, 313, 193, 10, 293},
    {"hbm3", 6.4e9, 20, 10, 31, 15, 26, 45, 72, 2, 4, 3, 4, 5, 24, 7, 10, 20, 9, 33, 2, 6240, 416, 320, 8, 390},
    {"hbm4", 8.0e9, 20, 10, 39, 19, 33, 57, 90, 2, 4, 2, 5, 7, 30, 9, 13, 25, 12, 42, 2, 7800, 800, 560, 16, 488},
    {"hbm4", 16.0e9, 40, 20, 78, 38, 66, 114, 180,   2,    4,    2,  10,
     14,     60,     18, 26, 50, 24, 84, 2,   15600, 1600, 1120, 32, 975},
    // Derived.
    {"hbm2e", 3.2e9, 23, 8, 23, 20, 23, 55, 77, 2, 4, 0, 7, 7, 24, 10, 13, 19, 8, 26, 0, 6240, 416, 256, 13, 390},
    {"hbm2e", 3.6e9, 26, 9, 26, 22, 26, 62, 87, 2, 5, 0, 8, 8, 27, 11, 15, 21, 9, 29, 0, 7020, 468, 288, 15, 439},
    {"hbm3", 5.2e9, 17, 9, 26, 13, 22, 37, 59, 2, 4, 3, 4, 5, 20, 6, 9, 17, 8, 27, 2, 5070, 338, 260, 11, 317},
    {"hbm3", 5.6e9, 18, 9, 28, 14, 23, 40, 63, 2, 4, 3, 4, 5, 21, 7, 9, 18, 8, 29, 2, 5460, 364, 280, 12, 342},
    {"hbm3e", 8.0e9, 25, 13, 39, 19, 33, 57, 90, 2, 5, 3, 5, 7, 30, 9, 13, 25, 12, 42, 2, 7800, 520, 400, 16, 488},
    {"hbm3e", 9.2e9, 29, 15, 45, 22, 38, 65, 104, 2, 6, 3, 6, 8, 35, 11, 15, 29, 13, 48, 2, 8970, 598, 460, 19, 561},
    {"hbm3e", 9.6e9, 30, 15, 47, 23, 39, 68, 108, 2, 6, 3, 6, 8, 36, 11, 15, 30, 14, 50, 2, 9360, 624, 480, 20, 585},
    {"hbm4", 10.0e9, 25, 13, 49, 24, 42, 72, 113, 2, 4, 2, 7, 9, 38, 12, 17, 32, 15, 53, 2, 9750, 1000, 700, 20, 610},
    {"hbm4", 11.0e9, 28, 14, 54, 27, 46, 79, 124, 2, 4, 2, 7, 10, 42, 13, 18, 35, 17, 58, 2, 10725, 1100, 770, 22, 671},
};

constexpr Half kBurst = 2;  // CK, of every generation: 4 beats of 2 a clock, 8 of 4
double gigabits_of(const std::string& generation) { return generation.rfind("hbm2", 0) == 0 ? 8 : 4; }

class EveryGrade : public testing::TestWithParam<Column> {
 protected:
  EveryGrade()
      : c(GetParam()), g(*find_generation(c.generation)), t(resolve(g, c.data_rate, gigabits_of(c.generation), 16)) {}
  const Column c;
  const Generation& g;
  const Timing t;
};

TEST_P(EveryGrade, ResolvesToTheClocksOfItsSource) {
  // Lengths on the bus: HBM2's ACT 2 CK and 1 CK for all others; since HBM3 ACT 1.5, PRE and REF 0.5, RD and WR 1 CK.
  const bool hbm2 = std::string(c.generation).rfind("hbm2", 0) == 0;
  const Half act = hbm2 ? 4 : 3;
  const Half row = hbm2 ? 2 : 1;
  EXPECT_EQ(t.activate_bus, act);
  EXPECT_EQ(t.precharge_bus, row);
  EXPECT_EQ(t.column_bus, 2);
  EXPECT_EQ(t.falling_precharge, !hbm2);
  EXPECT_EQ(t.row_step, hbm2 ? 2 : 1);
  EXPECT_EQ(t.burst, 2 * kBurst);
  EXPECT_EQ(t.read_latency, 2 * c.rl);
  EXPECT_EQ(t.write_latency, 2 * c.wl);
  EXPECT_EQ(t.activate_to_read, 2 * c.rcd_read + act - 2);
  EXPECT_EQ(t.activate_to_write, 2 * c.rcd_write + act - 2);
  EXPECT_EQ(t.activate_to_precharge, 2 * c.ras + act - row);
  EXPECT_EQ(t.activate_to_activate, 2 * c.rc);
  EXPECT_EQ(t.activate_to_refresh, 2 * c.rc + act - row);
  EXPECT_EQ(t.activate_to_activate_short, 2 * c.rrd_short);
  EXPECT_EQ(t.activate_to_activate_long, 2 * c.rrd_long);
  EXPECT_EQ(t.four_activates, 2 * c.faw);
  EXPECT_EQ(t.precharge_to_activate, 2 * c.rp + row - act);
  EXPECT_EQ(t.precharge_to_refresh, 2 * c.rp);
  EXPECT_EQ(t.precharge_to_precharge, 2 * c.ppd);
  EXPECT_EQ(t.read_to_read_short, 2 * c.ccd_short);
  EXPECT_EQ(t.read_to_read_long, 2 * c.ccd_long);
  EXPECT_EQ(t.read_to_read_sid, 2 * std::max(c.ccd_sid, kBurst));
  EXPECT_EQ(t.write_to_write_short, 2 * c.ccd_short);
  EXPECT_EQ(t.write_to_write_long, 2 * c.ccd_long);
  EXPECT_EQ(t.read_to_write, 2 * c.rtw);
  EXPECT_EQ(t.write_to_read_short, 2 * (c.wl + kBurst + c.wtr_short));
  EXPECT_EQ(t.write_to_read_long, 2 * (c.wl + kBurst + c.wtr_long));
  EXPECT_EQ(t.read_to_precharge, 2 * c.rtp + 2 - row);
  EXPECT_EQ(t.write_to_precharge, 2 * (c.wl + kBurst + c.wr) + 2 - row);
  EXPECT_EQ(t.refresh_interval, 2 * c.refi);
  EXPECT_EQ(t.refresh_cycle, 2 * c.rfc);
  EXPECT_EQ(t.refresh_to_activate, 2 * c.rfc + row - act);
  EXPECT_EQ(t.refresh_to_precharge, 2 * c.rfc);
  EXPECT_EQ(t.refresh_bank_cycle, 2 * c.rfc_bank);
  EXPECT_EQ(t.refresh_bank_to_activate, 2 * c.rfc_bank + row - act);
  EXPECT_EQ(t.refresh_bank_to_refresh_bank, 2 * c.rrefd);
  EXPECT_EQ(t.refresh_bank_to_activate_other, 2 * c.rrefd + row - act);
  EXPECT_EQ(t.refresh_bank_to_activate_group, 2 * c.rrefd + row - act) << "tRRD_L is shorter everywhere";
  EXPECT_EQ(t.activate_to_refresh_bank, 2 * c.rrd_short + act - row);
  const bool hbm4 = std::string(c.generation) == "hbm4";
  EXPECT_EQ(t.activate_to_refresh_bank_group, 2 * (hbm4 ? c.rrd_long : c.rrd_short) + act - row);
  EXPECT_EQ(t.refresh_bank_interval, 2 * c.refi_bank);
  EXPECT_EQ(t.has_refresh_management, !hbm2);
  EXPECT_EQ(t.refresh_management_cycle, 2 * c.rfc);
  EXPECT_EQ(t.refresh_management_bank_to_activate, 2 * c.rfc_bank + row - act);
}

TEST_P(EveryGrade, IsNeverFasterThanItsPins) {
  const double peak = c.data_rate * g.bits / 8;
  EXPECT_LE(t.peak_bytes_per_second(), peak);
  EXPECT_GT(t.peak_bytes_per_second(), peak * 0.99999);
}

INSTANTIATE_TEST_SUITE_P(Generation, EveryGrade, testing::ValuesIn(kColumns), [](const auto& test) {
  return std::string(test.param.generation) + "_" + std::to_string(static_cast<int>(test.param.data_rate / 1e6));
});

TEST(Generation, TheTableHoldsEveryGrade) {
  std::map<std::string, int> missing;
  for (const Generation& g : generations())
    for (const SpeedGrade& s : g.grades) ++missing[std::string(g.name) + std::to_string(s.data_rate)];
  for (const Column& c : kColumns) missing.erase(std::string(c.generation) + std::to_string(c.data_rate));
  EXPECT_TRUE(missing.empty()) << missing.begin()->first;
}

TEST(Generation, NamesAndGradesAreInOrder) {
  EXPECT_EQ(generation_names(), (std::vector<std::string>{"hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4"}));
  for (const Generation& g : generations()) {
    EXPECT_EQ(g.bits * g.burst_beats, 32 * 8) << g.name;
    EXPECT_STRNE(g.source, "");
    for (std::size_t i = 0; i < g.grades.size(); ++i) {
      EXPECT_STRNE(g.grades[i].source, "");
      EXPECT_GT(g.grades[i].data_rate, i == 0 ? 0 : g.grades[i - 1].data_rate) << g.name;
    }
  }
}

TEST(Generation, AnyDataRateTakesTheSlowestGradeThatReachesIt) {
  const Generation& g = *find_generation("hbm2");
  EXPECT_EQ(g.grade(1.0e9).data_rate, 2.0e9);
  EXPECT_EQ(g.grade(2.0e9).data_rate, 2.0e9);
  EXPECT_EQ(g.grade(2.1e9).data_rate, 2.4e9);
  EXPECT_EQ(g.grade(9.9e9).data_rate, 2.4e9);
}

TEST(Generation, SlowerPinsKeepNanosecondsAndNeverGetFaster) {
  const Generation& g = *find_generation("hbm3");
  const double rate = 5.23e9;
  const SpeedGrade& s = g.grade(rate);
  const Time half = half_period_of(g, rate);
  EXPECT_EQ(half, 382410);  // 1e15 / (2 x 1.3075e9) = 382409.18, rounded up
  for (const TimingSpec* spec : {&s.rl, &s.rp, &s.ras, &s.rc, &s.faw, &s.wr, &g.refi})
    EXPECT_GE(clocks_of(*spec, 2 * half) * 2 * half, spec->time);
  EXPECT_EQ(clocks_of(s.rl, 2 * half), 17);
  EXPECT_EQ(clocks_of(s.ccd_short, 2 * half), 2) << "counted in clocks";
  EXPECT_EQ(clocks_of(s.ccd_long, 2 * half), 4);
}

TEST(Generation, RefreshCycleGoesByTheDensityOfEachStandard) {
  struct Case {
    const char* generation;
    double sid_gigabits;
    int banks;
    double nanoseconds;
  };
  for (const Case c : {Case{"hbm2", 2, 16, 110},
                       {"hbm2", 4, 16, 160},
                       {"hbm2", 8, 16, 260},
                       {"hbm2", 8, 32, 260},
                       {"hbm2", 16, 16, 350},
                       {"hbm2", 32, 16, 450},
                       {"hbm3", 2, 16, 260},
                       {"hbm3", 4, 32, 260},
                       {"hbm3", 8, 16, 350},
                       {"hbm3", 16, 64, 450},
                       {"hbm3", 17, 16, 550},
                       {"hbm4", 4, 16, 400},
                       {"hbm4", 4, 32, 450},
                       {"hbm4", 4, 48, 530},
                       {"hbm4", 4, 64, 530}}) {
    const Generation& g = *find_generation(c.generation);
    const Timing t = resolve(g, 8.0e9, c.sid_gigabits, c.banks);  // both clocks divide the times: 0.25, 0.5 ns
    EXPECT_EQ(t.edge(t.refresh_cycle), static_cast<Time>(c.nanoseconds * 1e6)) << c.generation << c.sid_gigabits;
  }
  EXPECT_THROW(resolve(*find_generation("hbm4"), 8.0e9, 8, 64), std::invalid_argument) << "32 Gb of channel";
}

TEST(Generation, BankRefreshIntervalCoversTheBanksOfAllSids) {
  const Generation& g = *find_generation("hbm3");
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16).refresh_bank_interval, 2 * 390);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 32).refresh_bank_interval, 2 * 195);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 48).refresh_bank_interval, 2 * 130);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 64).refresh_bank_interval, 2 * 98);  // 97.5, rounded up
}

TEST(Generation, HotMemoryRefreshesMoreOften) {
  const Generation& g = *find_generation("hbm3");
  EXPECT_EQ(refresh_factor(20), 1);
  EXPECT_EQ(refresh_factor(85), 1);
  EXPECT_EQ(refresh_factor(85.5), 0.5);
  EXPECT_EQ(refresh_factor(95), 0.5);
  EXPECT_EQ(refresh_factor(96), 0.25);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16, 85).refresh_interval, 2 * 6240);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16, 95).refresh_interval, 2 * 3120);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16, 105).refresh_interval, 2 * 1560);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16, 95).refresh_bank_interval, 2 * 195);
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16, 95).refresh_cycle, resolve(g, 6.4e9, 4, 16).refresh_cycle);
}

TEST(Generation, PeakAt6400) {
  EXPECT_DOUBLE_EQ(resolve(*find_generation("hbm3"), 6.4e9, 4, 16).peak_bytes_per_second(), 25.6e9);
}

TEST(Generation, UnknownIsNull) { EXPECT_EQ(find_generation("hbm7"), nullptr); }

}  // namespace
}  // namespace cowosim::hbm
