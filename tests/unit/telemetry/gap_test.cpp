#include "telemetry/gap.h"

#include <gtest/gtest.h>

#include <numeric>

#include "telemetry/results.h"

namespace cowosim::telemetry {
namespace {

Time sum_of(const std::vector<GapTerm>& terms) {
  Time sum = 0;
  for (const GapTerm& term : terms) sum += term.time;
  return sum;
}

Time at(const std::vector<GapTerm>& terms, const std::string& key) {
  for (const GapTerm& term : terms)
    if (term.term == key) return term.time;
  ADD_FAILURE() << "no term " << key;
  return 0;
}

HbmCounters two_pseudo_channels() {
  HbmCounters c;
  c.bus_time = 2000;  // over 1000
  c.data_time = 1201;
  c[HbmLoss::refresh] = 100;
  c[HbmLoss::turnaround] = 60;
  c[HbmLoss::bank_conflict] = 139;
  c[HbmLoss::idle] = 500;
  return c;
}

TEST(Gap, WhatIsNotCountedIsUnexplained) {
  const FloorGap gap = explain_gap(1000, {{"weights", 500}, {"kv", 100}}, {{"refresh", 300}, {"turnaround", 50}});
  EXPECT_EQ(gap.floor, 600);
  EXPECT_EQ(gap.unexplained, 50);
  EXPECT_EQ(gap.floor + sum_of(gap.terms) + gap.unexplained, gap.measured);
  EXPECT_EQ(explain_gap(1000, {{"weights", 600}}, {{"refresh", 500}}).unexplained, -100);  // counted twice
}

TEST(Gap, ApportioningAddsUp) {
  EXPECT_EQ(apportion(10, {1, 1, 1}), (std::vector<Time>{4, 3, 3}));
  EXPECT_EQ(apportion(7, {0, 0}), (std::vector<Time>{7, 0}));
  EXPECT_EQ(apportion(100, {3, 0, 1}), (std::vector<Time>{75, 0, 25}));
  EXPECT_TRUE(apportion(7, {}).empty());
  const Time large = 5 * kSecond;  // products do not overflow
  EXPECT_EQ(apportion(large, {large, large}), (std::vector<Time>{large / 2, large / 2}));
}

TEST(Gap, HbmTermsTileTheInterval) {
  const Time floor = 550;
  const std::vector<GapTerm> terms = hbm_gap_terms(
      two_pseudo_channels(), 1000, floor, {{{"between_operators", 100}}, {{"launch", 2}, {"wait_noc", 1}}, ""});
  EXPECT_EQ(at(terms, "refresh"), 50);
  EXPECT_EQ(at(terms, "turnaround"), 30);
  EXPECT_EQ(at(terms, "between_operators"), 100);
  EXPECT_EQ(at(terms, "launch"), 100);  // 150 idle within operators, 2 : 1
  EXPECT_EQ(at(terms, "wait_noc"), 50);
  EXPECT_EQ(at(terms, "extra_traffic"), 601 - floor);  // 600.5 rounded
  EXPECT_NEAR(static_cast<double>(floor + sum_of(terms)), 1000.0, static_cast<double>(terms.size()));
}

TEST(Gap, IdleWithoutAnyCauseStaysIdle) {
  const std::vector<GapTerm> terms = hbm_gap_terms(two_pseudo_channels(), 1000, 600, {});
  EXPECT_EQ(at(terms, "idle"), 250);
}

TEST(Gap, CountedPausesNeverExceedTheIdleTime) {
  const std::vector<GapTerm> terms =
      hbm_gap_terms(two_pseudo_channels(), 1000, 600, {{{"between_operators", 300}, {"ramp_up", 100}}, {}, "idle"});
  EXPECT_EQ(at(terms, "between_operators"), 188);  // 250 shared 3 : 1
  EXPECT_EQ(at(terms, "ramp_up"), 62);
  EXPECT_EQ(at(terms, "idle"), 0);
}

TEST(Gap, OtherStreamsAreNamed) {
  const std::vector<GapTerm> terms = hbm_gap_terms(two_pseudo_channels(), 1000, 300, {}, {{"prefill", 400}});
  EXPECT_EQ(at(terms, "traffic_of_prefill"), 200);
  EXPECT_EQ(at(terms, "extra_traffic"), 101);
  EXPECT_EQ(label_of("traffic_of_pre_fill"), "traffic of pre_fill");
}

TEST(Gap, TrafficSavedByACacheIsNegative) {
  EXPECT_EQ(at(hbm_gap_terms(two_pseudo_channels(), 1000, 700, {}), "extra_traffic"), -99);
}

TEST(Gap, ALostTermShows) {
  // Negative control: losses that do not tile the bus time leave something unexplained.
  HbmCounters c = two_pseudo_channels();
  c[HbmLoss::bank_conflict] = 0;
  const FloorGap gap = explain_gap(1000, {{"weights", 550}}, hbm_gap_terms(c, 1000, 550, {}));
  EXPECT_NEAR(static_cast<double>(gap.unexplained), 69.5, 2.0);
}

TEST(Gap, ExtrapolationKeepsProportionsAndAddsUp) {
  const FloorGap part =
      explain_gap(1000, {{"weights", 700}}, {{"refresh", 200}, {"turnaround", 70}, {"extra_traffic", -10}});
  ASSERT_EQ(part.unexplained, 40);
  const FloorGap whole = extrapolate_gap(part, 10'007, {{"weights", 7000}, {"kv", 2}});
  EXPECT_EQ(whole.floor, 7002);
  EXPECT_EQ(whole.floor + sum_of(whole.terms) + whole.unexplained, 10'007);
  EXPECT_NEAR(static_cast<double>(at(whole.terms, "refresh")), 3005.0 * 200 / 300, 1.0);
  EXPECT_NEAR(static_cast<double>(at(whole.terms, "extra_traffic")), -3005.0 * 10 / 300, 1.0);
  EXPECT_NEAR(static_cast<double>(whole.unexplained), 3005.0 * 40 / 300, 1.0);
}

TEST(Gap, ExtrapolationOfNoGapExplainsNothing) {
  const FloorGap part = explain_gap(700, {{"weights", 700}}, {{"refresh", 10}, {"extra_traffic", -10}});
  EXPECT_EQ(extrapolate_gap(part, 8000, {{"weights", 7000}}).unexplained, 1000);
}

TEST(Gap, PausesBetweenOperators) {
  const auto op = [](Time start, Time end) {
    OperatorResult o;
    o.start = start;
    o.end = end;
    return o;
  };
  EXPECT_EQ(between_operators({op(10, 20), op(25, 40), op(30, 35), op(50, 60)}, 0, 70), 10 + 5 + 10 + 10);
  EXPECT_EQ(between_operators({}, 0, 70), 70);
  EXPECT_EQ(between_operators({op(0, 100)}, 10, 70), 0);
}

}  // namespace
}  // namespace cowosim::telemetry
