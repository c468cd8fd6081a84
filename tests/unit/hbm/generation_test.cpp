// Every speed grade against the clocks of its source, and everything that follows from them.
#include "hbm/generation.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "hbm/timing.h"
#include "unit/hbm/columns.h"

namespace cowosim::hbm {
namespace {

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
}

TEST_P(EveryGrade, IsNeverFasterThanItsPins) {
  const double peak = c.data_rate * g.bits / 8;
  EXPECT_LE(t.peak_bytes_per_second(), peak);
  EXPECT_GT(t.peak_bytes_per_second(), peak * 0.99999);
}

INSTANTIATE_TEST_SUITE_P(Generation, EveryGrade, testing::ValuesIn(kColumns),
                         [](const auto& test) { return name_of(test.param); });

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
                       {"hbm3", 4, 32, 350},
                       {"hbm3", 8, 16, 350},
                       {"hbm3", 16, 16, 450},
                       {"hbm3", 16, 64, 550},
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
  EXPECT_EQ(resolve(g, 6.4e9, 4, 16, 95).refresh_cycle, resolve(g, 6.4e9, 4, 16).refresh_cycle);
}

TEST(Generation, Caps) {
  struct Case {
    const char* generation;
    double data_rate, random, refresh;
  };
  // Random: 4 x 2 CK of burst in tFAW, or in 4 tRRD_S (HBM2). Refresh: measured by Ramulator 2.1 for saturated reads.
  for (const Case c : {Case{"hbm2", 2.0e9, 8.0 / 16, 0.9240}, {"hbm3", 6.4e9, 8.0 / 24, 0.9237}}) {
    const Timing t = resolve(*find_generation(c.generation), c.data_rate, gigabits_of(c.generation), 16);
    EXPECT_DOUBLE_EQ(t.random_access_cap(), c.random);
    EXPECT_NEAR(t.refresh_cap(), c.refresh, 0.002);
  }
}

TEST(Generation, PeakAt6400) {
  EXPECT_DOUBLE_EQ(resolve(*find_generation("hbm3"), 6.4e9, 4, 16).peak_bytes_per_second(), 25.6e9);
}

TEST(Generation, UnknownIsNull) { EXPECT_EQ(find_generation("hbm7"), nullptr); }

}  // namespace
}  // namespace cowosim::hbm
