// Classes from DRAM commands, matching, statistics, divergence, and which stage is suspected of what.
#include "telemetry/correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/random.h"

namespace cowosim::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Time kClock = 625'000;

// ---- classes ----

CommandEvent command(Time clock, const char* name, int bank, std::int64_t row = -1, std::int64_t column = -1) {
  return {clock * kClock, name, 0, bank < 0 ? -1 : 0, bank < 0 ? -1 : 0, bank, row, column};
}
AccessEvent access(Time clock, std::uint64_t identity, int bank, std::uint32_t row, std::uint32_t column,
                   Op op = Op::read, bool queued = true) {
  Location at;
  at.bank = static_cast<std::uint8_t>(bank);
  at.row = row;
  at.column = column;
  return {clock * kClock, identity, op, queued, at};
}
DramLives lives(std::vector<CommandEvent> commands, std::vector<AccessEvent> accesses) {
  return dram_lives({{0, 0, std::move(commands)}}, {{0, 0, std::move(accesses)}}, {kClock, 416 * kClock, 100 * kClock});
}

TEST(DramLives, HitClosedAndConflict) {
  const DramLives all = lives({command(0, "ACT", 1, 7), command(31, "RD", 1, 7, 3), command(100, "RD", 1, 7, 4),
                               command(200, "PREpb", 1), command(225, "ACT", 1, 8), command(256, "RD", 1, 8, 4)},
                              {access(0, 10, 1, 7, 3), access(100, 11, 1, 7, 4), access(200, 12, 1, 8, 4)});
  EXPECT_EQ(all.at(10).what, RequestClass::closed);
  EXPECT_EQ(all.at(11).what, RequestClass::hit);
  EXPECT_EQ(all.at(12).what, RequestClass::conflict);
  for (const auto& [identity, life] : all) EXPECT_TRUE(life.undelayed) << identity;
  EXPECT_EQ(all.at(12).column, 256 * kClock);
  EXPECT_EQ(all.at(12).accepted, 200 * kClock);
}

TEST(DramLives, WhoWaitedForAnothersActivateIsNoHit) {
  const DramLives all = lives({command(0, "ACT", 1, 7), command(31, "RD", 1, 7, 3), command(35, "RD", 1, 7, 4)},
                              {access(0, 1, 1, 7, 3), access(10, 2, 1, 7, 4)});
  EXPECT_EQ(all.at(2).what, RequestClass::closed);
  EXPECT_FALSE(all.at(2).undelayed);
}

TEST(DramLives, ADelayedOneIsToldApart) {
  const DramLives all = lives({command(0, "ACT", 1, 7), command(31, "RD", 1, 7, 3), command(140, "RD", 1, 7, 4),
                               command(210, "ACT", 2, 7), command(250, "RD", 2, 7, 0)},
                              {access(0, 1, 1, 7, 3), access(100, 2, 1, 7, 4), access(200, 3, 2, 7, 0)});
  EXPECT_EQ(all.at(2).what, RequestClass::hit);
  EXPECT_FALSE(all.at(2).undelayed) << "it waited 40 clocks";
  EXPECT_EQ(all.at(3).what, RequestClass::closed);
  EXPECT_FALSE(all.at(3).undelayed) << "its ACT came late";
}

TEST(DramLives, RefreshOfAllBanksAndOfOne) {
  const DramLives all = lives({command(100, "REFab", -1), command(516, "ACT", 1, 7), command(547, "RD", 1, 7, 3),
                               command(1000, "REFpb", 2), command(1100, "ACT", 2, 7), command(1131, "RD", 2, 7, 3),
                               command(1200, "ACT", 3, 7), command(1231, "RD", 3, 7, 3)},
                              {access(90, 1, 1, 7, 3), access(1010, 2, 2, 7, 3), access(1200, 3, 3, 7, 3)});
  EXPECT_EQ(all.at(1).what, RequestClass::refresh);
  EXPECT_EQ(all.at(1).row, RequestClass::closed);
  EXPECT_EQ(all.at(2).what, RequestClass::refresh);
  EXPECT_EQ(all.at(3).what, RequestClass::closed) << "another bank, and long ago";
}

TEST(DramLives, TheFirstAfterATurnOfTheBus) {
  const DramLives all = lives({command(0, "ACT", 1, 7), command(31, "RD", 1, 7, 0), command(60, "WR", 1, 7, 1),
                               command(64, "WR", 1, 7, 2), command(90, "RD", 1, 7, 3)},
                              {access(0, 1, 1, 7, 0), access(50, 2, 1, 7, 1, Op::write),
                               access(50, 3, 1, 7, 2, Op::write), access(62, 4, 1, 7, 3)});
  EXPECT_EQ(all.at(2).what, RequestClass::turnaround);
  EXPECT_EQ(all.at(3).what, RequestClass::hit);
  EXPECT_EQ(all.at(4).what, RequestClass::turnaround);
  EXPECT_EQ(all.at(4).row, RequestClass::hit);
}

TEST(DramLives, OneOfSeveralAccessesDecidesAndSamePlacesKeepTheirOrder) {
  const DramLives all = lives(
      {command(0, "ACT", 1, 7), command(31, "RD", 1, 7, 0), command(35, "RD", 1, 7, 1), command(100, "RD", 1, 7, 0)},
      {access(0, 1, 1, 7, 0), access(0, 1, 1, 7, 1), access(100, 2, 1, 7, 0)});
  EXPECT_EQ(all.at(1).column, 35 * kClock);
  EXPECT_EQ(all.at(2).column, 100 * kClock);
  EXPECT_EQ(all.at(2).what, RequestClass::hit);
}

TEST(DramLives, AnsweredByAWaitingWrite) {
  const DramLives all = lives({}, {access(5, 1, 1, 7, 0, Op::read, false)});
  EXPECT_EQ(all.at(1).what, RequestClass::forwarded);
  EXPECT_EQ(all.at(1).accepted, 5 * kClock);
}

// ---- comparison ----

/// Requests 200 clocks apart, whose class and errors a test chooses.
struct Sides {
  std::vector<SimulatedRequest> ours;
  std::vector<MeasuredRequest> reference;
  Time now = 0;

  void add(RequestClass what, Time latency, Time error, Op op = Op::read, bool undelayed = true) {
    SimulatedRequest s;
    s.id = std::to_string(ours.size());
    s.address = 32 * ours.size();
    s.bytes = 32;
    s.op = op;
    s.begin = now;
    s.done = now + latency + error;
    s.dram.what = s.dram.row = what;
    s.dram.undelayed = undelayed;
    MeasuredRequest m;
    m.id = s.id;
    m.address = s.address;
    m.bytes = s.bytes;
    m.op = op;
    m.issue = now;
    m.done = now + latency;
    ours.push_back(s);
    reference.push_back(m);
    now += 200 * kClock;
  }
  /// Errors in clocks of `count` requests of each of the three states of a row, in turn.
  void mixture(int count, double hit, double closed, double conflict, Op op = Op::read) {
    const auto clocks = [](double c) { return static_cast<Time>(c * static_cast<double>(kClock)); };
    for (int i = 0; i < count; ++i) {
      add(RequestClass::hit, 22 * kClock, clocks(hit), op);
      add(RequestClass::closed, 54 * kClock, clocks(closed), op);
      add(RequestClass::conflict, 79 * kClock, clocks(conflict), op);
    }
  }
  Correlation compare() const {
    CorrelationOptions options;
    options.clock = kClock;
    return correlate(ours, reference, false, options);
  }
  std::vector<std::string> stages() const {
    std::vector<std::string> result;
    for (const Suspect& s : compare().suspects) result.push_back(s.stage);
    return result;
  }
};

TEST(Correlation, Statistics) {
  Sides sides;
  for (const Time error : {-3, 0, 1, 2, 10}) sides.add(RequestClass::hit, 100, error);
  const ErrorStatistics s = sides.compare().all;
  EXPECT_EQ(s.count, 5u);
  EXPECT_DOUBLE_EQ(s.mean, 2);
  EXPECT_DOUBLE_EQ(s.magnitude, 3.2);
  EXPECT_EQ(s.p50, 1);
  EXPECT_EQ(s.p95, 10);
  EXPECT_EQ(s.worst, 10);
  EXPECT_DOUBLE_EQ(s.relative(), 0.02);
}

TEST(Correlation, AgreementNamesNobody) {
  Sides sides;
  sides.mixture(50, 0, 0, 0);
  EXPECT_THAT(sides.stages(), IsEmpty());
  EXPECT_EQ(sides.compare().verdict, "The two agree: no stage is suspected.");
  Sides half;
  half.mixture(50, 0.5, 0.5, 0.5);  // half a clock is how exact references are
  EXPECT_THAT(half.stages(), IsEmpty());
}

TEST(Correlation, WhichStage) {
  const auto stages = [](double hit, double closed, double conflict) {
    Sides sides;
    sides.mixture(50, hit, closed, conflict);
    return sides.stages();
  };
  EXPECT_THAT(stages(0, 2, 2), ElementsAre("activation"));
  EXPECT_THAT(stages(0, -3, -3), ElementsAre("activation"));
  EXPECT_THAT(stages(0, 0, 2), ElementsAre("precharge"));
  EXPECT_THAT(stages(2, 2, 2), ElementsAre("fixed pipeline"));
  EXPECT_THAT(stages(5, 8, 10), ElementsAre("fixed pipeline", "activation", "precharge"));
  EXPECT_THAT(stages(2, 2, 0), ElementsAre("fixed pipeline", "precharge"));
}

TEST(Correlation, HowMuchAndOnHowMany) {
  Sides sides;
  sides.mixture(50, 0, 2, 2);
  const Correlation c = sides.compare();
  ASSERT_EQ(c.suspects.size(), 1u);
  EXPECT_EQ(c.suspects[0].parameter, "tRCDRD");
  EXPECT_DOUBLE_EQ(c.suspects[0].amount, 2.0 * kClock);
  EXPECT_EQ(c.suspects[0].support, 100u);
  EXPECT_THAT(c.verdict, HasSubstr("activation (tRCDRD), +2.0 CK on 100 requests"));
  EXPECT_DOUBLE_EQ(c.by_class[static_cast<std::size_t>(RequestClass::hit)].mean, 0);
  EXPECT_DOUBLE_EQ(c.by_class[static_cast<std::size_t>(RequestClass::closed)].mean, 2.0 * kClock);
}

TEST(Correlation, ReadsAndWritesApart) {
  Sides sides;
  sides.mixture(50, 0, 0, 0);
  sides.mixture(50, 0, 4, 4, Op::write);
  const Correlation c = sides.compare();
  ASSERT_EQ(c.suspects.size(), 1u);
  EXPECT_EQ(c.suspects[0].parameter, "tRCDWR");
}

TEST(Correlation, WithoutHitsAConstantHasTwoReadings) {
  Sides sides;
  for (int i = 0; i < 100; ++i)
    sides.add(i % 2 == 0 ? RequestClass::closed : RequestClass::conflict, 60 * kClock, 2 * kClock);
  EXPECT_THAT(sides.stages(), ElementsAre("activation or fixed pipeline"));
}

TEST(Correlation, RefreshAndTurnaround) {
  Sides refresh;
  refresh.mixture(50, 0, 0, 0);
  for (int i = 0; i < 12; ++i) refresh.add(RequestClass::refresh, 400 * kClock, 20 * kClock);
  EXPECT_THAT(refresh.stages(), ElementsAre("refresh"));
  Sides turn;
  turn.mixture(50, 0, 0, 0);
  for (int i = 0; i < 12; ++i) turn.add(RequestClass::turnaround, 60 * kClock, 3 * kClock);
  const Correlation c = turn.compare();
  ASSERT_EQ(c.suspects.size(), 1u);
  EXPECT_EQ(c.suspects[0].parameter, "tWTR");
}

/// Negative control: errors that follow no class name no stage, however large.
TEST(Correlation, NoiseNamesNobody) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SplitMix64 random(seed);
    Sides sides;
    for (int i = 0; i < 600; ++i) {
      const std::uint64_t kind = random.next();
      const std::uint64_t draw = random.next();
      const auto error = static_cast<Time>(bounded(draw, 60)) - 30;
      sides.add(static_cast<RequestClass>(kind % 3), 100 * kClock, error * kClock);
    }
    EXPECT_THAT(sides.stages(), IsEmpty()) << seed;
  }
}

/// A queue of saturated requests carries the first delay on and then mixes everything up: the first ones tell.
TEST(Correlation, TheOnsetOfASaturatedRun) {
  Sides sides;
  SplitMix64 random(3);
  for (int i = 0; i < 10; ++i) sides.add(RequestClass::hit, 80 * kClock, 0, Op::read, false);
  for (int i = 0; i < 12; ++i) sides.add(RequestClass::closed, 80 * kClock, 2 * kClock, Op::read, false);
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t draw = random.next();
    sides.add(RequestClass::conflict, 80 * kClock, (static_cast<Time>(bounded(draw, 60)) - 30) * kClock, Op::read,
              false);
  }
  const Correlation c = sides.compare();
  ASSERT_EQ(c.suspects.size(), 1u);
  EXPECT_EQ(c.suspects[0].stage, "activation");
  EXPECT_DOUBLE_EQ(c.suspects[0].amount, 2.0 * kClock);
}

TEST(Correlation, ErrorsThatGrowWithLoadAreThroughput) {
  Sides sides;
  for (int i = 0; i < 400; ++i) {
    const bool busy = i / 100 % 2 == 1;
    sides.add(RequestClass::conflict, 100 * kClock, busy ? (20 + i % 20) * kClock : 0, Op::read, false);
    if (busy) sides.now -= 150 * kClock;
  }
  EXPECT_THAT(sides.stages(), ElementsAre("throughput"));
}

TEST(Correlation, MatchesByIdAndCountsWhatIsMissing) {
  Sides sides;
  sides.mixture(20, 0, 0, 0);
  sides.reference.erase(sides.reference.begin() + 5);  // the monitor missed one
  sides.ours.erase(sides.ours.begin() + 10);           // (id 10)
  sides.reference[20].done = kNotMeasured;
  const Correlation c = sides.compare();
  EXPECT_EQ(c.unmatched_ours, std::vector<std::size_t>{5});
  ASSERT_EQ(c.unmatched_reference.size(), 1u);
  EXPECT_EQ(sides.reference[c.unmatched_reference[0]].id, "10");
  EXPECT_EQ(c.unanswered_reference, 1u);
  EXPECT_EQ(c.pairs.size(), 57u);
  for (const MatchedRequest& pair : c.pairs) EXPECT_EQ(pair.error(), 0);
}

TEST(Correlation, WithoutIdsByMasterAddressAndDirectionInOrder) {
  Sides sides;
  for (int i = 0; i < 6; ++i) sides.add(RequestClass::hit, 22 * kClock, 0, i % 3 == 2 ? Op::write : Op::read);
  for (auto& s : sides.ours) s.id.clear(), s.address = 64;
  for (auto& r : sides.reference) r.id.clear(), r.address = 64;
  sides.reference[0].master = "dma";  // a stranger
  const Correlation c = sides.compare();
  EXPECT_THAT(c.unmatched_reference, ElementsAre(0u));
  EXPECT_EQ(c.pairs.size(), 5u);
  EXPECT_EQ(c.unmatched_ours.size(), 1u);
  for (const MatchedRequest& pair : c.pairs) EXPECT_EQ(sides.ours[pair.ours].op, sides.reference[pair.reference].op);
}

TEST(Correlation, ReusedIdsAreNotMixedUp) {
  Sides sides;
  sides.mixture(10, 0, 0, 0);
  for (std::size_t i = 0; i < sides.ours.size(); ++i)
    sides.ours[i].id = sides.reference[i].id = std::to_string(i % 4);  // as on AXI
  sides.reference.erase(sides.reference.begin() + 8);
  const Correlation c = sides.compare();
  EXPECT_EQ(c.unmatched_ours, std::vector<std::size_t>{8});
  for (const MatchedRequest& pair : c.pairs) EXPECT_EQ(pair.error(), 0);
}

TEST(Correlation, DivergenceThatLasts) {
  Sides sides;
  const auto add = [&](int count, Time clocks) {
    for (int i = 0; i < count; ++i) sides.add(RequestClass::hit, 22 * kClock, clocks * kClock);
  };
  add(40, 0);
  add(31, 5);  // too short
  add(10, 0);
  EXPECT_FALSE(sides.compare().divergence);
  add(40, -5);
  add(1, 1);  // within the band
  const auto divergence = sides.compare().divergence;
  ASSERT_TRUE(divergence);
  EXPECT_EQ(divergence->pair, 81u);
  EXPECT_EQ(divergence->error, -5 * kClock);
  EXPECT_EQ(divergence->length, 40u);
}

TEST(Correlation, BandwidthCountsEveryByteOnBothSides) {
  Sides sides;
  sides.mixture(100, 0, 2, 90);
  const Correlation c = sides.compare();
  std::uint64_t ours = 0, reference = 0;
  for (const BandwidthPoint& p : c.bandwidth) {
    EXPECT_LT(p.begin, p.end);
    ours += p.our_bytes;
    reference += p.reference_bytes;
  }
  EXPECT_EQ(ours, 300u * 32);
  EXPECT_EQ(reference, 300u * 32);
  EXPECT_GT(c.reference_bandwidth, c.our_bandwidth);
}

TEST(Correlation, NothingToCompare) {
  Sides sides;
  sides.add(RequestClass::hit, 22 * kClock, 0);
  sides.reference[0].done = kNotMeasured;
  const Correlation c = sides.compare();
  EXPECT_EQ(c.verdict, "No request could be compared.");
  EXPECT_THAT(correlation_text(c, {"p", "r", "m"}), HasSubstr("1 without a latency in the reference"));
  EXPECT_THAT(correlation_html(c, {"p", "r", "m"}), HasSubstr("No request could be compared."));
}

TEST(Correlation, FilesSayTheSame) {
  Sides sides;
  sides.mixture(50, 0, 2, 2);
  sides.reference.pop_back();
  const Correlation c = sides.compare();
  const CorrelationTitle title{"platform", "<reference>", "map"};
  EXPECT_THAT(correlation_text(c, title), HasSubstr("149 requests compared; 1 only here"));
  const std::string csv = correlation_csv(c, sides.ours, sides.reference);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 151);
  EXPECT_THAT(csv, HasSubstr("\n0,1,,R,0x20,32,125,35,33.75,1.25,2.000,closed,closed,1,compared\n"));
  EXPECT_THAT(csv, HasSubstr(",ours_only\n"));
  EXPECT_THAT(correlation_json(c, title), HasSubstr("\"parameter\": \"tRCDRD\""));
  const std::string html = correlation_html(c, title);
  EXPECT_THAT(html, HasSubstr("platform against &lt;reference&gt;"));
  EXPECT_THAT(html, HasSubstr("<polyline"));
}

}  // namespace
}  // namespace cowosim::telemetry
