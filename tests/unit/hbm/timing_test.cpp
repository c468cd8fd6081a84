// Each constraint of the table: issue, then look when the next command comes. Times in halves of a CK at 6.4 Gb/s.
#include <gtest/gtest.h>

#include "unit/hbm/bench.h"

namespace cowosim::hbm {
namespace {

constexpr Half kCk = 2;

TEST(ClosedForm, ClosedBankHitAndConflict) {
  Bench b(no_refresh());
  const std::size_t closed = b.read(0, b.at(0, 0, 5));
  b.drain();
  const std::size_t hit = b.read(1000, b.at(0, 0, 5, 7));
  b.drain();
  const std::size_t conflict = b.read(2000, b.at(0, 0, 6));
  b.drain();
  EXPECT_EQ(b.latency_of(closed), 54 * kCk);
  EXPECT_EQ(b.latency_of(hit), 22 * kCk);
  EXPECT_EQ(b.latency_of(conflict), 79 * kCk);
  EXPECT_EQ(b.channel.closed_latency(), b.channel.timing().edge(54 * kCk));
  EXPECT_EQ(b.channel.hit_latency(), b.channel.timing().edge(22 * kCk));
  EXPECT_EQ(b.channel.conflict_latency(), b.channel.timing().edge(79 * kCk));
}

TEST(Timing, RowToColumn) {
  Bench r(no_refresh());
  r.read(0, r.at(0, 0, 1));
  r.drain();
  EXPECT_EQ(r.edge_of(Command::read) - r.edge_of(Command::activate), 32 * kCk);  // tRCDRD 31 + 1
  Bench w(no_refresh());
  w.write(0, w.at(0, 0, 1));
  w.drain();
  EXPECT_EQ(w.edge_of(Command::write) - w.edge_of(Command::activate), 16 * kCk);  // tRCDWR 15 + 1
}

TEST(Timing, RowCycle) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  b.read(0, b.at(0, 0, 2));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::precharge) - b.edge_of(Command::activate), 46 * kCk);    // tRAS 45 + 1
  EXPECT_EQ(b.edge_of(Command::activate, 1) - b.edge_of(Command::activate), 72 * kCk);  // tRC
}

TEST(Timing, PrechargeToActivate) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  b.drain();
  b.read(1000, b.at(0, 0, 2));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::precharge), 1000);
  EXPECT_EQ(b.edge_of(Command::activate, 1), 1000 + 25 * kCk);  // tRP 26 - 1
}

TEST(Timing, PrechargeOnAFallingEdgeActivateOnARisingOne) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  b.drain();
  b.read(1001, b.at(0, 0, 2));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::precharge), 1001);
  EXPECT_EQ(b.edge_of(Command::activate, 1), 1052);
}

TEST(Timing, ReadAndWriteToPrecharge) {
  Bench r(no_refresh());
  r.read(0, r.at(0, 0, 1));
  r.drain();
  r.read(1000, r.at(0, 0, 1, 3));
  r.read(1000, r.at(0, 0, 2));
  r.drain();
  EXPECT_EQ(r.edge_of(Command::read, 1), 1000);
  EXPECT_EQ(r.edge_of(Command::precharge), 1000 + 2 * 9 + 1);  // tRTP 9, RD takes half a CK more than PRE
  Bench w(no_refresh());
  w.write(0, w.at(0, 0, 1));
  w.write(0, w.at(0, 0, 2));
  w.drain();
  EXPECT_EQ(w.edge_of(Command::precharge) - w.edge_of(Command::write), 2 * (10 + 2 + 33) + 1);  // WL + burst + tWR
}

TEST(Timing, ColumnSpacing) {
  HbmParams p = no_refresh();
  p.sids = 2;
  struct Case {
    int group, sid;
    Half gap;
  };
  for (const Case c : {Case{1, 0, 2 * kCk}, Case{0, 0, 4 * kCk}, Case{0, 1, 3 * kCk}}) {  // tCCD_S, tCCD_L, tCCD_R
    for (const Op op : {Op::read, Op::write}) {
      Bench b(p);
      b.request(0, op, b.at(0, 0, 1));
      b.drain();
      b.request(1000, op, b.at(c.group, 1, 1, 0, c.sid));
      b.drain();
      b.request(2000, op, b.at(0, 0, 1, 1));
      b.request(2000, op, b.at(c.group, 1, 1, 1, c.sid));
      b.drain();
      const Command command = op == Op::read ? Command::read : Command::write;
      const Half expected = op == Op::write && c.sid == 1 ? 2 * kCk : c.gap;  // tCCD_R is between reads
      EXPECT_EQ(b.edge_of(command, 3) - b.edge_of(command, 2), expected) << c.group << c.sid;
    }
  }
}

TEST(Timing, ActivateSpacing) {
  Bench s(no_refresh());
  s.read(0, s.at(0, 0, 1));
  s.read(0, s.at(1, 0, 1));
  s.drain();
  EXPECT_EQ(s.edge_of(Command::activate, 1), 4 * kCk);  // tRRD_S
  Bench l(no_refresh());
  l.read(0, l.at(0, 0, 1));
  l.read(0, l.at(0, 1, 1));
  l.drain();
  EXPECT_EQ(l.edge_of(Command::activate, 1), 5 * kCk);  // tRRD_L
}

TEST(Timing, FourActivateWindow) {
  Bench b(no_refresh());
  for (int i = 0; i < 6; ++i) b.read(0, b.at(i % 4, i / 4, 1));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::activate, 3), 12 * kCk);
  EXPECT_EQ(b.edge_of(Command::activate, 4), 24 * kCk);  // tFAW after the first
  EXPECT_EQ(b.edge_of(Command::activate, 5), (24 + 4) * kCk);
}

TEST(Timing, WriteToRead) {
  for (const int group : {0, 1}) {
    Bench b(no_refresh());
    b.read(0, b.at(0, 0, 1));
    b.read(0, b.at(group, 1, 1));
    b.drain();
    b.write(1000, b.at(0, 0, 1, 5));
    b.read(1001, b.at(group, 1, 1, 5));
    b.drain();
    EXPECT_EQ(b.edge_of(Command::write), 1000);
    EXPECT_EQ(b.edge_of(Command::read, 2) - 1000,
              2 * (10 + 2 + (group == 0 ? 10 : 7)));  // WL + burst + tWTR_L / tWTR_S
  }
}

TEST(Timing, ReadToWrite) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  b.drain();
  b.read(1000, b.at(0, 0, 1, 1));
  b.write(1000, b.at(0, 0, 1, 2));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::write) - b.edge_of(Command::read, 1), 20 * kCk);  // tRTW
}

TEST(Timing, PrechargeToPrecharge) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  b.read(0, b.at(1, 0, 1));
  b.drain();
  b.read(1000, b.at(0, 0, 2));
  b.read(1000, b.at(1, 0, 2));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::precharge, 1) - b.edge_of(Command::precharge), 2 * kCk);  // tPPD
}

TEST(Timing, ActivateHoldsTheRowBusForOneAndAHalfClocks) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  b.drain();
  b.read(1000, b.at(1, 0, 1));  // ACT
  b.read(1000, b.at(0, 0, 2));  // PRE
  b.drain();
  EXPECT_EQ(b.edge_of(Command::activate, 1), 1000);
  EXPECT_EQ(b.edge_of(Command::precharge), 1003);
}

TEST(Timing, RefreshClosesEverythingAndBlocks) {
  Bench b(accuracy::reference_params());
  const Half due = 6240 * kCk - 1;  // the falling edge before tREFI
  b.read(due - 1 - 64, b.at(0, 0, 1));
  b.read(due + 1, b.at(0, 0, 1, 4));
  b.drain();
  const Half read = b.edge_of(Command::read);
  const Half precharge = b.edge_of(Command::precharge_all);
  const Half refresh = b.edge_of(Command::refresh_all);
  const Half act = b.edge_of(Command::activate);
  EXPECT_EQ(read, due - 1);
  EXPECT_EQ(precharge, std::max(read + 19, act + 92));
  EXPECT_EQ(refresh, std::max(precharge + 26 * kCk, act + 146));    // tRP; tRC + 1
  EXPECT_EQ(b.edge_of(Command::activate, 1), refresh + 415 * kCk);  // tRFC 416 - 1
}

TEST(Timing, RefreshEveryInterval) {
  Bench b(accuracy::reference_params());
  b.channel.advance(b.channel.timing().edge(5 * 6240 * kCk));
  EXPECT_EQ(b.edge_of(Command::refresh_all, 0), 6240 * kCk);
  EXPECT_EQ(b.edge_of(Command::refresh_all, 3), 4 * 6240 * kCk);
  EXPECT_EQ(b.channel.counters(0).refreshes, 4u);
  EXPECT_EQ(b.channel.due(), kNever) << "refresh of an idle channel is housekeeping";
}

TEST(Timing, TheColumnBusIsSharedByThePseudoChannels) {
  HbmParams p = no_refresh();
  p.pseudo_channels = 2;
  p.address_map = {"row", "sid", "bank", "column", "pseudo_channel", "bank_group", "offset"};
  Bench b(p);
  b.read(0, b.at(0, 0, 1, 0, 0, 0));
  b.read(0, b.at(0, 0, 1, 0, 0, 1));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::activate, 1), 4) << "1.5 CK on the row bus, then a rising edge";
  b.read(1000, b.at(0, 0, 1, 1, 0, 0));
  b.read(1000, b.at(0, 0, 1, 1, 0, 1));
  b.drain();
  EXPECT_EQ(b.edge_of(Command::read, 2), 1000);
  EXPECT_EQ(b.edge_of(Command::read, 3), 1002);
}

}  // namespace
}  // namespace cowosim::hbm
