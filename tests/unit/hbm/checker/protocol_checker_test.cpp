// Every rule: a short stream at the exact distance, about which nothing is said, and the same one half a clock or a clock
// too early, of which exactly this rule is named.
#include "hbm/checker/protocol_checker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "accuracy/hbm/reference_streams.h"

namespace cowosim::hbm {
namespace {

constexpr Half kCk = 2;
constexpr Half kRefi = 6240 * kCk;

/// HBM3 at 6.4 Gb/s, 2 pseudo-channels, 2 SIDs of 4 x 4 banks.
HbmParams params(const std::string& refresh = "none") {
  HbmParams p;
  p.stacks = p.channels = 1;
  p.sids = 2;
  p.controller.refresh = refresh;
  return p;
}

/// A stream of commands, each at an edge: `s.act(0, ...)`. Banks are {sid, bank group, bank}.
struct Place {
  int sid = 0, group = 0, bank = 0, pc = 0;
};
class Stream {
 public:
  explicit Stream(const HbmParams& p = params()) : Stream(protocol_rules(p), p) {}
  Stream(const ProtocolRules& rules, const HbmParams& p) : checker(rules, p, "channel_0") {}

  Stream& at(Half h, Command command, Place place, int row = -1, int column = -1) {
    CommandRecord c;
    c.time = h * checker.rules().half_period;
    c.pseudo_channel = static_cast<std::uint8_t>(place.pc);
    c.command = command;
    c.sid = static_cast<std::int16_t>(place.sid);
    c.bank_group = static_cast<std::int16_t>(place.group);
    c.bank = static_cast<std::int16_t>(place.bank);
    c.row = row;
    c.column = column;
    checker.check(c);
    return *this;
  }
  Stream& act(Half h, Place place, int row = 1) { return at(h, Command::activate, place, row); }
  Stream& pre(Half h, Place place) { return at(h, Command::precharge, place); }
  Stream& rd(Half h, Place place, int row = 1) { return at(h, Command::read, place, row, 0); }
  Stream& wr(Half h, Place place, int row = 1) { return at(h, Command::write, place, row, 0); }
  Stream& ref(Half h, Place place) { return at(h, Command::refresh_bank, place); }
  Stream& rfm(Half h, Place place) { return at(h, Command::refresh_management_bank, place); }
  /// For every bank of a SID, or of all.
  Stream& all(Half h, Command command, int sid = -1, int pc = 0) { return at(h, command, {sid, -1, -1, pc}); }
  Stream& pre_all(Half h) { return all(h, Command::precharge_all); }
  Stream& ref_all(Half h) { return all(h, Command::refresh_all); }
  Stream& rfm_all(Half h) { return all(h, Command::refresh_management_all); }

  std::vector<std::string> rules() const {
    std::vector<std::string> names;
    for (const Violation& v : checker.violations()) names.push_back(v.rule);
    return names;
  }

  ProtocolChecker checker;
};

using Names = std::vector<std::string>;
const Place kA{0, 0, 0}, kGroup{0, 0, 1}, kOther{0, 1, 0}, kThird{0, 2, 0}, kFourth{0, 3, 0}, kSid{1, 0, 0};

/// `stream(h)` must be silent at h = exact, and break only `rule` one step (a clock, for a precharge half of one) before.
template <class Make>
void expect_distance(const std::string& rule, Half exact, Make make, Half step = kCk) {
  Stream legal;
  make(legal, exact);
  EXPECT_EQ(legal.rules(), Names()) << rule << ": " << legal.checker.violations()[0].text;
  Stream broken;
  make(broken, exact - step);
  EXPECT_EQ(broken.rules(), Names{rule});
  ASSERT_FALSE(broken.checker.violations().empty()) << rule;
  const Violation& v = broken.checker.violations()[0];
  EXPECT_TRUE(v.has_earlier) << rule;
  EXPECT_EQ(v.actual, v.command.time - v.earlier.time) << v.text;
  EXPECT_LT(v.actual, v.needed) << v.text;
  EXPECT_LE(v.needed, v.actual + step * broken.checker.rules().half_period) << v.text;
}

TEST(Distance, RowToColumn) {
  expect_distance("tRCDRD", 32 * kCk, [](Stream& s, Half h) { s.act(0, kA).rd(h, kA); });  // 31.5 CK, rising edge
  expect_distance("tRCDWR", 16 * kCk, [](Stream& s, Half h) { s.act(0, kA).wr(h, kA); });
}

TEST(Distance, RowActiveAndRowCycle) {
  expect_distance(
      "tRAS", 46 * kCk, [](Stream& s, Half h) { s.act(0, kA).pre(h, kA); }, 1);
  expect_distance(
      "tRAS", 46 * kCk, [](Stream& s, Half h) { s.act(0, kA).pre_all(h); }, 1);
  expect_distance("tRC", 72 * kCk, [](Stream& s, Half h) { s.act(0, kA).pre(46 * kCk, kA).act(h, kA); });
  expect_distance("tRC", 74 * kCk, [](Stream& s, Half h) { s.act(2, kA).pre(47 * kCk, kA).ref(h, kA); });
  expect_distance("tRC", 74 * kCk, [](Stream& s, Half h) { s.act(2, kA).pre(47 * kCk, kA).ref_all(h); });
}

/// tRC hides tRP behind a short tRAS, so the row is left open for longer.
TEST(Distance, Precharge) {
  expect_distance("tRP", (100 + 25) * kCk, [](Stream& s, Half h) { s.act(0, kA).pre(100 * kCk, kA).act(h, kA); });
  expect_distance("tRP", (100 + 26) * kCk, [](Stream& s, Half h) { s.act(0, kA).pre(100 * kCk, kA).ref(h, kA); });
  expect_distance("tRP", (100 + 26) * kCk, [](Stream& s, Half h) { s.act(0, kA).pre(100 * kCk, kA).ref_all(h); });
  expect_distance("tRP", (100 + 25) * kCk, [](Stream& s, Half h) { s.act(0, kA).pre_all(100 * kCk).act(h, kA); });
  expect_distance("tRP", (100 + 26) * kCk, [](Stream& s, Half h) { s.act(0, kA).pre_all(100 * kCk).ref_all(h); });
  expect_distance("tRP", (100 + 26) * kCk, [](Stream& s, Half h) { s.act(0, kA).pre_all(100 * kCk).ref(h, kA); });
}

TEST(Distance, ColumnToPrecharge) {
  const Half rtp = 100 * kCk + 9 * kCk + 1;
  expect_distance(
      "tRTP", rtp, [](Stream& s, Half h) { s.act(0, kA).rd(100 * kCk, kA).pre(h, kA); }, 1);
  expect_distance(
      "tRTP", rtp, [](Stream& s, Half h) { s.act(0, kA).rd(100 * kCk, kA).pre_all(h); }, 1);
  const Half wr = 100 * kCk + (10 + 2 + 33) * kCk + 1;
  expect_distance(
      "tWR", wr, [](Stream& s, Half h) { s.act(0, kA).wr(100 * kCk, kA).pre(h, kA); }, 1);
  expect_distance(
      "tWR", wr, [](Stream& s, Half h) { s.act(0, kA).wr(100 * kCk, kA).pre_all(h); }, 1);
}

/// Two banks open since long ago.
Stream& open(Stream& s, Place first, Place second) { return s.act(0, first).act(10 * kCk, second); }
constexpr Half kT = 200 * kCk;

TEST(Distance, Columns) {
  expect_distance("tCCD_L", kT + 4 * kCk, [](Stream& s, Half h) { open(s, kA, kGroup).rd(kT, kA).rd(h, kGroup); });
  expect_distance("tCCD_L", kT + 4 * kCk, [](Stream& s, Half h) { open(s, kA, kGroup).wr(kT, kA).wr(h, kGroup); });
  expect_distance("tCCD_S", kT + 2 * kCk, [](Stream& s, Half h) { open(s, kA, kOther).rd(kT, kA).rd(h, kOther); });
  expect_distance("tCCD_S", kT + 2 * kCk, [](Stream& s, Half h) { open(s, kA, kOther).wr(kT, kA).wr(h, kOther); });
  expect_distance("tCCD_R", kT + 3 * kCk, [](Stream& s, Half h) { open(s, kA, kSid).rd(kT, kA).rd(h, kSid); });
  expect_distance("data bus", kT + 2 * kCk, [](Stream& s, Half h) { open(s, kA, kSid).wr(kT, kA).wr(h, kSid); });
}

TEST(Distance, Turnarounds) {
  expect_distance("tWTR_L", kT + 22 * kCk, [](Stream& s, Half h) { open(s, kA, kGroup).wr(kT, kA).rd(h, kGroup); });
  expect_distance("tWTR_S", kT + 19 * kCk, [](Stream& s, Half h) { open(s, kA, kOther).wr(kT, kA).rd(h, kOther); });
  expect_distance("tWTR_S", kT + 19 * kCk, [](Stream& s, Half h) { open(s, kA, kSid).wr(kT, kA).rd(h, kSid); });
  expect_distance("tRTW", kT + 20 * kCk, [](Stream& s, Half h) { open(s, kA, kOther).rd(kT, kA).wr(h, kOther); });
}

/// The data of a read ends RL + burst after it; only where tRTW is shorter than that does the data bus itself say no.
TEST(Distance, DataBusFromReadToWrite) {
  ProtocolRules rules = protocol_rules(params());
  for (ProtocolRule& rule : rules.distances)
    if (rule.name == std::string("tRTW")) rule.distance = kCk;
  for (const Half gap : {12 * kCk, 11 * kCk}) {
    Stream s(rules, params());
    open(s, kA, kOther).rd(kT, kA).wr(kT + gap, kOther);
    EXPECT_EQ(s.rules(), gap == 12 * kCk ? Names() : Names{"data bus"});
  }
}

TEST(Distance, Activates) {
  expect_distance("tRRD_S", 4 * kCk, [](Stream& s, Half h) { s.act(0, kA).act(h, kOther); });
  expect_distance("tRRD_L", 5 * kCk, [](Stream& s, Half h) { s.act(0, kA).act(h, kGroup); });
  expect_distance("tRRD_S", 5 * kCk, [](Stream& s, Half h) { s.act(0, kA).ref(h, kOther); });  // 1 CK longer than REF
  expect_distance("tFAW", 24 * kCk, [](Stream& s, Half h) {
    s.act(0, kA).act(4 * kCk, kOther).act(8 * kCk, kThird).act(12 * kCk, kFourth).act(h, kSid);
  });
}

TEST(Distance, ABankRefreshKeepsTheLongSpacingWhereTheGenerationSaysSo) {
  Generation g = *find_generation("hbm3");
  g.group_limits_bank_refresh = true;
  for (const Half gap : {6 * kCk, 5 * kCk}) {
    Stream s(protocol_rules(g, params()), params());
    s.act(0, kA).ref(gap, kGroup);
    EXPECT_EQ(s.rules(), gap == 6 * kCk ? Names() : Names{"tRRD_L"});
  }
}

TEST(Distance, Precharges) {
  expect_distance(
      "tPPD", kT + 2 * kCk, [](Stream& s, Half h) { open(s, kA, kOther).pre(kT, kA).pre(h, kOther); }, 1);
  expect_distance(
      "tPPD", kT + 2 * kCk, [](Stream& s, Half h) { open(s, kA, kOther).pre(kT, kA).pre_all(h); }, 1);
}

TEST(Distance, RefreshOfAllBanks) {
  const Half cycle = 560 * kCk;  // 350 ns of an 8 Gb channel
  expect_distance("tRFCab", cycle - kCk, [](Stream& s, Half h) { s.ref_all(0).act(h, kA); });
  expect_distance("tRFCab", cycle, [](Stream& s, Half h) { s.ref_all(0).ref_all(h); });
  expect_distance("tRFCab", cycle, [](Stream& s, Half h) { s.ref_all(0).ref(h, kA); });
  expect_distance(
      "tRFCab", cycle, [](Stream& s, Half h) { s.ref_all(0).pre_all(h); }, 1);
  expect_distance(
      "tRFCab", cycle, [](Stream& s, Half h) { s.ref_all(0).pre(h, kA); }, 1);
  expect_distance("tRFCab", cycle,
                  [](Stream& s, Half h) { s.all(0, Command::refresh_all, 1).all(h, Command::refresh_all, 1); });
  expect_distance("tRFMab", cycle - kCk, [](Stream& s, Half h) { s.rfm_all(0).act(h, kA); });
  expect_distance("tRFMab", cycle, [](Stream& s, Half h) { s.rfm_all(0).rfm_all(h); });
}

TEST(Distance, RefreshOfOneBank) {
  const Half cycle = 320 * kCk;
  expect_distance("tRFCpb", cycle - kCk, [](Stream& s, Half h) { s.ref(0, kA).act(h, kA); });
  expect_distance("tRFCpb", cycle, [](Stream& s, Half h) { s.ref(0, kA).ref_all(h); });
  expect_distance(
      "tRFCpb", cycle, [](Stream& s, Half h) { s.ref(0, kA).pre(h, kA); }, 1);
  expect_distance("tRFCpb", cycle, [](Stream& s, Half h) { s.ref(0, kA).rfm(h, kA); });
  expect_distance("tRFMpb", cycle - kCk, [](Stream& s, Half h) { s.rfm(0, kA).act(h, kA); });
  expect_distance("tRFMpb", cycle, [](Stream& s, Half h) { s.rfm(0, kA).rfm_all(h); });
  expect_distance("tRREFD", 8 * kCk, [](Stream& s, Half h) { s.ref(0, kA).ref(h, kGroup); });
  expect_distance("tRREFD", 8 * kCk, [](Stream& s, Half h) { s.ref(0, kA).ref(h, kSid); });
  expect_distance("tRREFD", 7 * kCk, [](Stream& s, Half h) { s.ref(0, kA).act(h, kGroup); });
}

TEST(Distance, OtherBanksGoOnDuringABankRefresh) {
  Stream s;
  s.act(0, kOther).ref(20 * kCk, kA).rd(40 * kCk, kOther).act(60 * kCk, kThird);
  EXPECT_EQ(s.rules(), Names());
}

TEST(Distance, OtherSidsGoOnDuringARefreshOfOne) {
  Stream s;
  s.all(0, Command::refresh_all, 1).act(20 * kCk, kA);
  EXPECT_EQ(s.rules(), Names());
}

TEST(Bus, RowCommandsShareOne) {
  const Place second{0, 0, 0, 1};
  expect_distance(
      "row bus", 3, [&](Stream& s, Half h) { s.act(0, kA).pre(h, second); }, 1);
  expect_distance(
      "row bus", 1, [&](Stream& s, Half h) { s.pre(0, kA).pre(h, second); }, 1);
  expect_distance("row bus", 4, [&](Stream& s, Half h) { s.act(0, kA).act(h, second); });
}

TEST(Bus, ColumnCommandsShareAnother) {
  const Place second{0, 0, 0, 1};
  expect_distance("column bus", kT + kCk, [&](Stream& s, Half h) { open(s, kA, second).rd(kT, kA).rd(h, second); });
  Stream both;
  open(both, kA, second).rd(kT, kA).pre(kT, second);
  EXPECT_EQ(both.rules(), Names()) << "a row and a column command at once";
}

TEST(Bus, TimeGoesForwardOnEach) {
  Stream s;
  s.act(100, kA).rd(300, kA).act(200, kOther);
  EXPECT_EQ(s.rules(), Names());
  s.act(198, kThird);
  EXPECT_EQ(s.rules(), Names{"time order"});
  s.rd(298, kA);
  EXPECT_EQ(s.rules(), (Names{"time order", "time order"}));
}

TEST(Edge, OnlyPrechargesMayFall) {
  Stream legal;
  legal.act(0, kA).rd(100, kA).pre(301, kA).pre_all(401).ref_all(500);
  EXPECT_EQ(legal.rules(), Names());
  EXPECT_EQ(Stream().act(1, kA).rules(), Names{"edge: ACT on a falling edge"});
  EXPECT_EQ(Stream().act(0, kA).rd(101, kA).rules(), Names{"edge: RD on a falling edge"});
  EXPECT_EQ(Stream().act(0, kA).wr(101, kA).rules(), Names{"edge: WR on a falling edge"});
  EXPECT_EQ(Stream().ref_all(1).rules(), Names{"edge: REFab on a falling edge"});
  EXPECT_EQ(Stream().ref(1, kA).rules(), Names{"edge: REFpb on a falling edge"});
  EXPECT_EQ(Stream().rfm(1, kA).rules(), Names{"edge: RFMpb on a falling edge"});
}

TEST(Edge, NothingMayFallWhereAPrechargeTakesAWholeClock) {
  Generation g = *find_generation("hbm3");
  g.falling_precharge = false;
  Stream s(protocol_rules(g, params()), params());
  s.act(0, kA).pre(301, kA);
  EXPECT_EQ(s.rules(), Names{"edge: PREpb on a falling edge"});
}

TEST(Edge, RoundedTimesNameTheNearestEdge) {
  const Time half = protocol_rules(params()).half_period;
  for (const Time off : {half / 4, half / 4 + 1}) {
    for (const Time sign : {-1, 1}) {
      Stream s;
      CommandRecord c;
      c.time = 1000 * half + sign * off;
      c.sid = c.bank_group = c.bank = 0;
      c.row = 1;
      s.checker.check(c);
      EXPECT_EQ(s.rules(), off == half / 4 ? Names() : Names{"clock: ACT between two edges"});
    }
  }
}

TEST(State, Activate) {
  EXPECT_EQ(Stream().act(0, kA).act(200, kA).rules(), Names{"ACT to an open bank"});
  EXPECT_EQ(Stream().act(0, kA).pre(100, kA).act(200, kA).rules(), Names());
  EXPECT_EQ(Stream().act(0, kA).pre_all(100).act(200, kA).rules(), Names());
}

TEST(State, Columns) {
  EXPECT_EQ(Stream().rd(0, kA).rules(), Names{"RD of a closed bank"});
  EXPECT_EQ(Stream().wr(0, kA).rules(), Names{"WR of a closed bank"});
  EXPECT_EQ(Stream().act(0, kA).rd(100, kA, 2).rules(), Names{"RD of another row than the open one"});
  EXPECT_EQ(Stream().act(0, kA).wr(100, kA, 2).rules(), Names{"WR of another row than the open one"});
  EXPECT_EQ(Stream().act(0, kA).rd(100, kA, -1).rules(), Names()) << "a trace without rows of column commands";
  EXPECT_EQ(Stream().act(0, kA).pre(100, kA).rd(200, kA).rules(), Names{"RD of a closed bank"});
  EXPECT_EQ(Stream().act(0, kA).pre_all(100).rd(200, kA).rules(), Names{"RD of a closed bank"});
}

TEST(State, Refresh) {
  EXPECT_EQ(Stream().act(0, kA).ref_all(200).rules(), Names{"REFab with an open bank"});
  EXPECT_EQ(Stream().act(0, kA).rfm_all(200).rules(), Names{"RFMab with an open bank"});
  EXPECT_EQ(Stream().act(0, kA).ref(200, kA).rules(), Names{"REFpb of an open bank"});
  EXPECT_EQ(Stream().act(0, kA).rfm(200, kA).rules(), Names{"RFMpb of an open bank"});
  EXPECT_EQ(Stream().act(0, kA).ref(200, kOther).rules(), Names());
  EXPECT_EQ(Stream().act(0, kA).all(200, Command::refresh_all, 1).rules(), Names()) << "of the other SID";
  EXPECT_EQ(Stream().act(0, kA).pre_all(100).ref_all(200).rules(), Names());
}

TEST(State, AStreamFromTheMiddleOfARun) {
  Stream s;
  s.checker.begin_at(0);
  s.rd(0, kA, 7).rd(10 * kCk, kA, 7).act(40 * kCk, kOther).ref(60 * kCk, kThird);
  EXPECT_EQ(s.rules(), Names());
  s.rd(80 * kCk, kA, 8);
  EXPECT_EQ(s.rules(), Names{"RD of another row than the open one"});
}

TEST(Range, EveryField) {
  EXPECT_EQ(Stream().act(0, {2, 0, 0}).rules(), Names{"SID out of range"});
  EXPECT_EQ(Stream().act(0, {0, 4, 0}).rules(), Names{"bank group out of range"});
  EXPECT_EQ(Stream().act(0, {0, 0, 4}).rules(), Names{"bank out of range"});
  EXPECT_EQ(Stream().act(0, {0, 0, -1}).rules(), Names{"bank out of range"});
  EXPECT_EQ(Stream().act(0, {-1, 0, 0}).rules(), Names{"SID out of range"});
  EXPECT_EQ(Stream().act(0, {0, 0, 0, 2}).rules(), Names{"pseudo-channel out of range"});
  EXPECT_EQ(Stream().act(0, kA, 16384).rules(), Names{"row out of range"});
  EXPECT_EQ(Stream().act(0, kA, -1).rules(), Names{"row out of range"});
  EXPECT_EQ(Stream().act(0, kA).at(100, Command::read, kA, 1, 32).rules(), Names{"column out of range"});
  EXPECT_EQ(Stream().act(0, {1, 3, 3, 1}, 16383).at(100, Command::read, {1, 3, 3, 1}, 16383, 31).rules(), Names());
  HbmParams one = params();
  one.sids = 1;
  EXPECT_EQ(Stream(one).act(0, {-1, 0, 0}).rules(), Names()) << "one SID need not be named";
}

// -------------------------------------------------------------------------------------------------------------- refresh

TEST(Refresh, EightMayBePostponed) {
  Stream legal(params("all_bank"));
  legal.ref_all(9 * kRefi).all(9 * kRefi - 4, Command::refresh_all, -1, 1);
  EXPECT_EQ(legal.rules(), Names{"time order"});  // the other pseudo-channel is refreshed below
  Stream late(params("all_bank"));
  late.all(9 * kRefi, Command::refresh_all, -1, 1).ref_all(9 * kRefi + 2);
  EXPECT_EQ(late.rules(), (Names{"refresh overdue", "refresh overdue"})) << "of two SIDs";
  Stream exact(params("all_bank"));
  exact.all(9 * kRefi - 2, Command::refresh_all, -1, 1).ref_all(9 * kRefi);
  EXPECT_EQ(exact.rules(), Names());
}

TEST(Refresh, ADebtIsPaidBackByMoreOfThem) {
  HbmParams p = params("all_bank");
  p.pseudo_channels = 1;
  Stream s(p);
  Half h = 9 * kRefi;
  for (int i = 0; i < 9; ++i) s.ref_all(h + 1200 * i);
  s.ref_all(18 * kRefi);
  EXPECT_EQ(s.rules(), Names());
  Stream poor(p);
  poor.ref_all(9 * kRefi).ref_all(10 * kRefi + 2);
  EXPECT_EQ(poor.rules(), (Names{"refresh overdue", "refresh overdue"}));
}

TEST(Refresh, OnlyEightAheadCount) {
  HbmParams p = params("all_bank");
  p.pseudo_channels = p.sids = 1;
  for (const Half late : {Half{0}, kCk}) {
    Stream s(p);
    for (int i = 0; i <= 26; ++i) s.ref_all(kRefi / 13 * i);  // 27 within 2 tREFI: 10 count
    s.ref_all(19 * kRefi + late);
    EXPECT_EQ(s.rules(), late == 0 ? Names() : Names{"refresh overdue"});
  }
}

TEST(Refresh, AnIdleEndIsNoExcuse) {
  HbmParams p = params("all_bank");
  p.pseudo_channels = p.sids = 1;
  const Time half = protocol_rules(p).half_period;
  Stream exact(p);
  exact.checker.finish(9 * kRefi * half);
  EXPECT_EQ(exact.rules(), Names());
  Stream late(p);
  late.checker.finish((10 * kRefi + 2) * half);
  late.checker.finish((20 * kRefi + 2) * half);
  EXPECT_EQ(late.rules(), (Names{"refresh overdue", "refresh overdue"}))
      << "once for each interval missed, and once said";
  Stream asked_for_none(params());
  asked_for_none.checker.finish(100 * kRefi * half);
  EXPECT_EQ(asked_for_none.rules(), Names());
}

/// REFpb of all banks of a SID in turn from edge h on; returns the edge after the last one.
Half refresh_round(Stream& s, Half h, int sid, int banks = 16) {
  for (int b = 0; b < banks; ++b, h += 20) s.ref(h, {sid, b / 4, b % 4});
  return h;
}

TEST(Refresh, BankByBankCountsAsMuch) {
  HbmParams p = params("per_bank");
  p.pseudo_channels = 1;
  Stream s(p);
  refresh_round(s, refresh_round(s, 9 * kRefi - 700, 0), 1);
  s.checker.finish(10 * kRefi * s.checker.rules().half_period);
  EXPECT_EQ(s.rules(), Names());
  Stream few(p);
  refresh_round(few, refresh_round(few, 9 * kRefi - 700, 0), 1, 15);
  few.checker.finish(10 * kRefi * s.checker.rules().half_period);
  EXPECT_EQ(few.rules(), Names{"refresh overdue"}) << "of SID 1";
}

TEST(Refresh, NoBankTwiceInARound) {
  Stream s;
  Half h = refresh_round(s, 0, 0, 15);
  s.ref(h + 700, {1, 0, 0});  // SIDs have rounds of their own
  s.ref(h + 800, {0, 3, 3}).ref(h + 900, {0, 3, 2});
  EXPECT_EQ(s.rules(), Names());
  Stream twice;
  h = refresh_round(twice, 0, 0, 15);
  twice.ref(h + 700, {0, 3, 2});
  EXPECT_EQ(twice.rules(), Names{"REFpb twice in a round"});
  Stream restarted;
  h = refresh_round(restarted, 0, 0, 15);
  restarted.ref_all(h + 700).ref(h + 2000, {0, 3, 2});
  EXPECT_EQ(restarted.rules(), Names()) << "REFab begins a new round";
}

TEST(Refresh, ActivatesWithoutManagementAreLimited) {
  ProtocolRules rules = protocol_rules(params());
  rules.raaimt = 2;
  rules.raammt = 4;
  const auto activates = [](Stream& s, Half h, int n) {
    for (int i = 0; i < n; ++i, h += 1000) s.act(h, kA).pre(h + 400, kA);
    return h;
  };
  Stream legal(rules, params());
  Half h = activates(legal, 0, 4);
  h = activates(legal.rfm(h, kA), h + 1200, 2);
  h = activates(legal.ref(h, kA), h + 1200, 2);
  h = activates(legal.ref_all(h), h + 1200, 2);
  h = activates(legal.rfm_all(h), h + 1200, 2);
  EXPECT_EQ(legal.rules(), Names());
  activates(legal, h, 1);
  EXPECT_EQ(legal.rules(), Names{"RAAMMT"});
}

// ------------------------------------------------------------------------------------------------------------ reporting

TEST(Report, OneReadableLine) {
  Stream s;
  s.act(10, {0, 1, 2}, 7).rd(40, {0, 1, 2}, 7);
  ASSERT_EQ(s.rules(), Names{"tRCDRD"});
  EXPECT_EQ(
      s.checker.violations()[0].text,
      "12.5 ns channel_0 pc 0: RD sid 0 bg 1 ba 2 row 7: tRCDRD: 31.5 CK (19.6875 ns) after ACT sid 0 bg 1 ba 2 at "
      "3.125 ns, only 15 CK");
  EXPECT_EQ(s.checker.violations()[0].needed, 19687500);
  EXPECT_EQ(s.checker.violations()[0].actual, 9375000);
}

TEST(Report, TheEarlierBankIsNamed) {
  Stream s;
  s.act(0, {1, 3, 2}).act(6, kA);
  EXPECT_EQ(
      s.checker.violations().at(0).text,
      "1.875 ns channel_0 pc 0: ACT sid 0 bg 0 ba 0 row 1: tRRD_S: 4 CK (2.5 ns) after ACT sid 1 bg 3 ba 2 at 0 ns, "
      "only 3 CK");
}

TEST(Report, AllAreCountedAHundredKept) {
  Stream s;
  for (Half h = 0; h < 1000; h += 4) s.rd(h, kA);
  EXPECT_GE(s.checker.violation_count(), 250u);
  EXPECT_EQ(s.checker.violations().size(), ProtocolChecker::kKept);
  EXPECT_EQ(s.checker.commands(), 250u);
}

TEST(Report, SeveralBrokenRulesAreAllNamed) {
  Stream s;
  s.act(0, kA).act(4 * kCk, kOther).rd(24 * kCk, kA).wr(25 * kCk, kOther);
  EXPECT_EQ(s.rules(), (Names{"tRCDRD", "tRTW"}));
}

TEST(Rules, AnUnknownGenerationIsAnError) {
  HbmParams p = params();
  p.generation = "hbm9";
  EXPECT_THROW(ProtocolChecker(p, "channel_0"), std::invalid_argument);
}

/// Each rule of the table has a stream above that breaks it; a rule nobody breaks would be a rule nobody has tried.
TEST(Rules, NamesOfTheTable) {
  std::vector<std::string> names;
  for (const ProtocolRule& rule : protocol_rules(params()).distances)
    if (std::find(names.begin(), names.end(), rule.name) == names.end()) names.push_back(rule.name);
  EXPECT_EQ(names, (Names{"tRCDRD", "tRCDWR", "tRAS",   "tRC",    "tRP",    "tRTP",     "tWR",    "tCCD_L",
                          "tCCD_S", "tCCD_R", "tWTR_L", "tWTR_S", "tRTW",   "data bus", "tRRD_L", "tRRD_S",
                          "tFAW",   "tPPD",   "tRFCab", "tRFMab", "tRFCpb", "tRFMpb",   "tRREFD"}));
}

}  // namespace
}  // namespace cowosim::hbm
