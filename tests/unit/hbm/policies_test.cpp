// What each policy of the controller does, in cases small enough to work out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "unit/hbm/bench.h"

namespace cowosim::hbm {
namespace {

using Edges = std::vector<Half>;

/// Edges of a kind of command, of one bank (-1: of any).
Edges edges_of(const Bench& b, Command command, int bank_group = -1, int bank = -1) {
  Edges edges;
  for (const CommandRecord& r : b.commands)
    if (r.command == command && (bank_group < 0 || (r.bank_group == bank_group && r.bank == bank)))
      edges.push_back(r.time / b.channel.timing().half_period);
  return edges;
}

/// Rows, or directions, of the column commands from edge h on, in order.
std::vector<int> rows_read(const Bench& b, Half h) {
  std::vector<int> rows;
  for (const CommandRecord& r : b.commands)
    if (r.command == Command::read && r.time >= b.channel.timing().edge(h)) rows.push_back(r.row);
  return rows;
}
std::string columns(const Bench& b, Half h) {
  std::string s;
  for (const CommandRecord& r : b.commands)
    if ((r.command == Command::read || r.command == Command::write) && r.time >= b.channel.timing().edge(h))
      s += r.command == Command::read ? 'r' : 'w';
  return s;
}

void advance_to(Bench& b, Half h) { b.channel.advance(b.channel.timing().edge(h)); }

HbmParams two_pseudo_channels() {
  HbmParams p = no_refresh();
  p.pseudo_channels = 2;
  p.address_map = {"row", "sid", "bank", "column", "bank_group", "pseudo_channel", "offset"};
  return p;
}

// ----------------------------------------------------------------------------------------------------------- scheduler

/// A read of a closed bank, and behind it one of an open row: which data comes first.
std::pair<Time, Time> miss_before_hit(const std::string& scheduler) {
  HbmParams p = no_refresh();
  p.controller.scheduler = scheduler;
  Bench b(p);
  b.read(0, b.at(1, 0, 1));
  b.drain();
  const std::size_t miss = b.read(1000, b.at(0, 0, 5));
  const std::size_t hit = b.read(1000, b.at(1, 0, 1, 1));
  b.drain();
  return {b.sent[miss].response, b.sent[hit].response};
}

TEST(Scheduler, FrFcfsServesAHitFirst) {
  const auto [miss, hit] = miss_before_hit("fr_fcfs");
  EXPECT_LT(hit, miss);
}

TEST(Scheduler, FcfsKeepsTheOrder) {
  const auto [miss, hit] = miss_before_hit("fcfs");
  EXPECT_GT(hit, miss);
}

std::vector<int> rows_with(const std::string& scheduler, int cap, int hits) {
  HbmParams p = no_refresh();
  p.controller.scheduler = scheduler;
  p.controller.hit_cap = cap;
  Bench b(p);
  b.read(0, b.at(0, 0, 1));
  b.drain();
  b.read(1000, b.at(0, 0, 2));
  for (int i = 1; i <= hits; ++i) b.read(1000, b.at(0, 0, 1, i));
  b.drain();
  return rows_read(b, 1000);
}

TEST(Scheduler, HitCapBoundsOvertaking) {
  EXPECT_EQ(rows_with("fr_fcfs", 2, 4), (std::vector<int>{1, 1, 1, 1, 2}));
  EXPECT_EQ(rows_with("fr_fcfs_cap", 2, 4), (std::vector<int>{1, 1, 2, 1, 1}));
  EXPECT_EQ(rows_with("fr_fcfs_cap", 3, 4), (std::vector<int>{1, 1, 1, 2, 1}));
}

std::string drained(const std::string& drain) {
  HbmParams p = no_refresh();
  p.controller.drain = drain;
  Bench b(p);
  for (int i = 0; i < 4; ++i) b.read(0, b.at(i, 0, 1));
  b.drain();
  for (int i = 0; i < 4; ++i) b.request(1000, i % 2 == 0 ? Op::write : Op::read, b.at(i, 0, 1, 7));
  b.drain();
  return columns(b, 1000);
}

TEST(Drain, InOrderFollowsTheOldest) {
  EXPECT_EQ(drained("watermarks"), "rrww");
  EXPECT_EQ(drained("in_order"), "wrwr");
}

TEST(Drain, AnEmptyWriteQueueEndsWriteModeWhateverTheWatermark) {
  HbmParams p = no_refresh();
  p.controller.write_low_watermark = 0;
  Bench b(p);
  b.write(0, b.at(0, 0, 1));
  const std::size_t read = b.read(10, b.at(1, 0, 1));
  b.drain();
  EXPECT_GE(b.sent[read].response, 0);
}

TEST(Queues, SharedOnesCanAllBeUsedByOnePseudoChannel) {
  for (const char* queues : {"split", "shared"}) {
    HbmParams p = two_pseudo_channels();
    p.controller.queues = queues;
    p.controller.door_entries = 128;
    Bench b(p);
    for (int i = 0; i < 100; ++i) b.read(0, b.at(0, 0, i));
    EXPECT_EQ(b.credits, p.controller.queues == "shared" ? 64 : 32);
    b.read(0, b.at(0, 0, 1, 0, 0, 1));
    b.drain();
    EXPECT_EQ(b.credits, 101);
  }
}

// --------------------------------------------------------------------------------------------------------- page policy

HbmParams paged(const std::string& policy, Time timeout = 100 * kNanosecond) {
  HbmParams p = no_refresh();
  p.controller.page_policy = policy;
  p.controller.page_timeout = timeout;
  return p;
}

/// Edge of the PRE after one read at 0, whose RD is at 64; -1: there is none.
Half closed_at(const HbmParams& p) {
  Bench b(p);
  b.read(0, b.at(0, 0, 1));
  b.drain();
  advance_to(b, 20000);
  return b.edge_of(Command::precharge);
}

TEST(PagePolicy, ClosesAtOnceAfterATimeOrNever) {
  const Half ras = 2 * 45 + 2;  // ACT to PRE: a clock for the longer ACT
  const Half rd = 64;
  EXPECT_EQ(closed_at(paged("open")), -1);
  EXPECT_EQ(closed_at(paged("closed")), ras) << "tRTP ends before";
  EXPECT_EQ(closed_at(paged("timeout")), rd + 320);
  EXPECT_EQ(closed_at(paged("adaptive")), rd + 320);
  EXPECT_EQ(closed_at(paged("timeout", 5 * kNanosecond)), ras);
}

TEST(PagePolicy, ARowThatIsWaitedForStaysOpen) {
  Bench b(paged("closed"));
  for (int i = 0; i < 20; ++i) b.read(0, b.at(0, 0, 1, i));
  b.drain();
  EXPECT_EQ(b.channel.counters(0).activates, 1u);
  EXPECT_EQ(b.edge_of(Command::precharge), -1) << "not before the last one";
  advance_to(b, 20000);
  EXPECT_EQ(b.edge_of(Command::precharge), b.edge_of(Command::read, 19) + b.channel.timing().read_to_precharge);
}

TEST(PagePolicy, AdaptiveClosesEarlierAfterAConflictAndLaterAfterAReopening) {
  Bench late(paged("adaptive"));
  late.read(0, late.at(0, 0, 1));
  late.read(200, late.at(0, 0, 2));  // before 64 + 320: the row was closed too late
  late.drain();
  advance_to(late, 20000);
  EXPECT_EQ(late.edge_of(Command::precharge, 1), late.edge_of(Command::read, 1) + 160);

  Bench early(paged("adaptive"));
  early.read(0, early.at(0, 0, 1));
  early.read(1000, early.at(0, 0, 1));  // the row that was closed
  early.drain();
  advance_to(early, 20000);
  EXPECT_EQ(early.edge_of(Command::precharge, 1), early.edge_of(Command::read, 1) + 640);

  Bench right(paged("adaptive"));
  right.read(0, right.at(0, 0, 1));
  right.read(1000, right.at(0, 0, 2));
  right.drain();
  advance_to(right, 20000);
  EXPECT_EQ(right.edge_of(Command::precharge, 1), right.edge_of(Command::read, 1) + 320);
}

// ---------------------------------------------------------------------------------------------------------- priorities

TEST(Priority, TheUrgentStreamGoesFirst) {
  Bench b(no_refresh(), {2, 0, {0, 1}});
  for (int i = 0; i < 6; ++i) b.request(0, Op::read, b.at(0, 0, i), 32, 1);
  b.request(0, Op::read, b.at(0, 0, 100), 32, 0);
  b.drain();
  EXPECT_EQ(rows_read(b, 0), (std::vector<int>{100, 0, 1, 2, 3, 4, 5}));
}

TEST(Priority, TheUrgentStreamGoesFirstAmongBanks) {
  // Both rows are open; the first RD takes the bus until 1004, and both others could have the next slot.
  Bench b(no_refresh(), {2, 0, {0, 1}});
  for (int i = 0; i < 3; ++i) b.read(0, b.at(i, 0, i));
  b.drain();
  b.request(1000, Op::read, b.at(0, 0, 0, 1), 32, 1);
  advance_to(b, 1001);
  b.request(1001, Op::read, b.at(1, 0, 1, 1), 32, 1);
  b.request(1002, Op::read, b.at(2, 0, 2, 1), 32, 0);
  b.drain();
  EXPECT_EQ(rows_read(b, 1000), (std::vector<int>{0, 2, 1}));
}

TEST(Priority, AgeKeepsOthersFromStarving) {
  HbmParams p = no_refresh();
  p.controller.priority_age_limit = 500 * kNanosecond;  // 1600 halves
  Bench b(p, {2, 0, {0, 1}});
  const Half every = 100;  // one bank serves less
  b.request(0, Op::read, b.at(0, 0, 0), 32, 0);
  const std::size_t victim = b.request(2, Op::read, b.at(0, 0, 9999), 32, 1);
  for (int i = 1; i < 40; ++i) b.request(i * every, Op::read, b.at(0, 0, i), 32, 0);
  b.drain();
  int before = 0;
  for (std::size_t i = 0; i < b.sent.size(); ++i) before += i != victim && b.sent[i].response < b.sent[victim].response;
  EXPECT_EQ(before, 17) << "those of edges 0, 100, ..., 1600";
}

// ------------------------------------------------------------------------------------------------------------- refresh

HbmParams refreshed(const std::string& scheme, const std::string& policy, int postpone = 8, int pull_in = 0) {
  HbmParams p = accuracy::reference_params();
  p.controller.refresh = scheme;
  p.controller.refresh_policy = policy;
  p.controller.refresh_postpone = postpone;
  p.controller.refresh_pull_in = pull_in;
  return p;
}
constexpr Half kInterval = 2 * 6240;  // HBM3 at 6.4 Gb/s, in halves
constexpr int kBanks = 16;

/// One bank that always has somebody waiting, until edge `end`.
void keep_busy(Bench& b, const Location& l, Half from, Half end) {
  Location next = l;
  for (Half h = from; h < end; h += 50) {
    advance_to(b, h);
    while (b.at_door() < 4) {
      next.row = (next.row + 1) % 16384;
      b.read(h, next);
    }
  }
}

TEST(Refresh, StrictPerBankGoesInOrder) {
  Bench b(refreshed("per_bank", "strict"));
  advance_to(b, 3 * kInterval);
  std::vector<int> order;
  for (const CommandRecord& r : b.commands)
    if (r.command == Command::refresh_bank) order.push_back(r.bank_group * 4 + r.bank);
  ASSERT_GE(order.size(), 3u * kBanks - 1);
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<int>(i % kBanks));
  EXPECT_EQ(b.edge_of(Command::refresh_bank, kBanks) - b.edge_of(Command::refresh_bank, 0), kInterval);
}

TEST(Refresh, HiddenSparesABankUntilItMustNot) {
  Bench b(refreshed("per_bank", "hidden", 1));
  keep_busy(b, b.at(0, 0, 0), 0, 3 * kInterval);
  b.drain();
  const Edges first = edges_of(b, Command::refresh_bank, 0, 0);
  ASSERT_FALSE(first.empty());
  // The 15 others as they fall due; then 16 may be owed.
  const Half forced = (2 * kBanks - 1) * kInterval / kBanks;
  EXPECT_GE(first[0], forced - 1);
  EXPECT_LE(first[0], forced + 300) << "the access begun, PRE, tRP";
  EXPECT_EQ(b.edge_of(Command::refresh_bank, kBanks - 1), first[0]) << "once each before one twice";
}

TEST(Refresh, HiddenAllBankWaitsAsLongAsItMay) {
  for (const int postpone : {1, 3, 8}) {
    Bench b(refreshed("all_bank", "hidden", postpone));
    keep_busy(b, b.at(0, 0, 0), 0, (postpone + 1) * kInterval);
    const Half first = b.edge_of(Command::refresh_all);
    EXPECT_GE(first, postpone * kInterval - 1);
    EXPECT_LE(first, postpone * kInterval + 300);
  }
}

TEST(Refresh, IdlenessIsUsedToWorkAhead) {
  Bench b(refreshed("all_bank", "hidden", 8, 4));
  b.read(0, b.at(0, 0, 1));
  b.drain();
  advance_to(b, kInterval - 10);
  EXPECT_EQ(edges_of(b, Command::refresh_all).size(), 4u);
  EXPECT_GE(b.edge_of(Command::refresh_all), 64 + 2 * 416) << "after a rest of tRFC";
  advance_to(b, 10 * kInterval + 2000);
  EXPECT_EQ(edges_of(b, Command::refresh_all).size(), 14u) << "never more than four ahead";
}

TEST(Refresh, NobodyWaitsForARefreshThatIsNotDue) {
  Bench b(refreshed("all_bank", "hidden", 8, 4));
  b.read(0, b.at(0, 0, 1));
  b.drain();
  keep_busy(b, b.at(0, 0, 2), 200, 4000);  // begins within the rest
  EXPECT_EQ(b.edge_of(Command::refresh_all), -1);
  b.drain();
}

TEST(Refresh, ChannelsTakeTurns) {
  HbmParams p = refreshed("all_bank", "strict");
  p.channels = 4;
  p.controller.refresh_stagger = true;
  for (const int channel : {0, 1, 3, 6}) {
    Bench b(p, {1, channel, {}});
    advance_to(b, 2 * kInterval + 2);
    EXPECT_EQ(b.edge_of(Command::refresh_all), kInterval - channel % 4 * kInterval / 4);
    EXPECT_EQ(b.edge_of(Command::refresh_all, 1), 2 * kInterval - channel % 4 * kInterval / 4);
  }
}

TEST(Refresh, HeatShortensTheInterval) {
  for (const auto& [celsius, share] : {std::pair{85, 1}, {90, 2}, {100, 4}}) {
    HbmParams p = refreshed("all_bank", "strict");
    p.temperature = celsius;
    Bench b(p);
    advance_to(b, 5 * kInterval);
    EXPECT_EQ(b.edge_of(Command::refresh_all, 1) - b.edge_of(Command::refresh_all), kInterval / share);
  }
}

HbmParams managed(int raaimt, int raammt) {
  HbmParams p = no_refresh();
  p.controller.refresh_management = true;
  p.controller.raaimt = raaimt;
  p.controller.raammt = raammt;
  return p;
}

TEST(RefreshManagement, ComesAtTheFirstThresholdWhenTheBankIsIdle) {
  Bench b(managed(4, 12));
  for (int i = 0; i < 8; ++i) {
    b.read(2000 * i, b.at(1, 2, i));
    b.drain();
    advance_to(b, 2000 * i + 1500);
    EXPECT_EQ(edges_of(b, Command::refresh_management_bank, 1, 2).size(), static_cast<std::size_t>((i + 1) / 4));
  }
}

TEST(RefreshManagement, ComesAtTheSecondThresholdAtTheLatest) {
  Bench b(managed(4, 10));
  keep_busy(b, b.at(1, 2, 0), 0, 6000);
  const Half managed = b.edge_of(Command::refresh_management_bank);
  const Edges activates = edges_of(b, Command::activate, 1, 2);
  EXPECT_EQ(std::count_if(activates.begin(), activates.end(), [&](Half h) { return h < managed; }), 10);
  b.drain();
}

/// Conflicts in four banks of each of so many bank groups, until edge `end`.
void conflicts(Bench& b, int bank_groups, Half end) {
  for (int i = 0; i * 30 < end; ++i) {
    advance_to(b, i * 30);
    if (b.at_door() < 4) b.read(i * 30, b.at(i % bank_groups, i / bank_groups % 4, i / 4));
  }
  b.drain();
}

TEST(RefreshManagement, TheSecondThresholdHoldsForManyBanksAtOnce) {
  Bench b(managed(2, 8));  // whose checker counts
  conflicts(b, 4, 40000);
  EXPECT_GT(b.channel.counters(0).refresh_managements, 20u);
}

TEST(RefreshManagement, DoesNotKeepRefreshWaiting) {
  HbmParams p = managed(2, 40);  // every other activate asks for management
  p.controller.refresh = "per_bank";
  Bench b(p);
  conflicts(b, 4, 2 * kInterval);
  EXPECT_GE(b.channel.counters(0).bank_refreshes, 2u * kBanks - 3);
}

// ---------------------------------------------------------------------------------------------------- error correction

HbmParams erring(const std::string& mode, double rate, int replays = 3) {
  HbmParams p = no_refresh();
  p.ecc.mode = mode;
  p.ecc.bit_error_rate = rate;
  p.ecc.replays = replays;
  return p;
}

/// Reads one after the other, all of one open row and pseudo-channel.
void read_alone(Bench& b, int reads, std::uint32_t bytes = 32) {
  for (int i = 0; i < reads; ++i) {
    b.request(1000 * i, Op::read, b.at(0, 0, 1), bytes);
    b.drain();
  }
}

TEST(Ecc, OnDieIsTransparent) {
  Bench none(erring("none", 0)), on_die(erring("on_die", 1e-3));
  read_alone(none, 200);
  read_alone(on_die, 200);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(on_die.sent[i].response, none.sent[i].response);
  EXPECT_GT(on_die.channel.errors()->corrected, 20u);
  EXPECT_EQ(none.channel.errors(), nullptr);
}

TEST(Ecc, SidebandTakesItsTime) {
  HbmParams p = erring("sideband", 0);
  p.ecc.latency = 5 * kNanosecond;
  Bench b(p);
  const std::size_t closed = b.read(0, b.at(0, 0, 1));
  b.drain();
  const std::size_t hit = b.read(1000, b.at(0, 0, 1));
  b.drain();
  EXPECT_EQ(b.latency_of(closed), 108 + 16);
  EXPECT_EQ(b.latency_of(hit), 44 + 16);
  EXPECT_EQ(b.channel.hit_latency(), b.channel.timing().edge(44 + 16));
}

TEST(Ecc, AReplayReadsAgain) {
  Bench b(erring("sideband", 1e-3, 16));
  read_alone(b, 1000);
  const auto replayed = static_cast<std::size_t>(b.channel.errors()->replayed);
  EXPECT_GT(replayed, 10u);
  EXPECT_EQ(edges_of(b, Command::read).size(), 1000 + replayed);
  EXPECT_EQ(b.channel.activity(0, 0).reads, 1000 + replayed);
  std::size_t again = 0;
  for (std::size_t i = 1; i < 1000; ++i) {
    EXPECT_EQ(b.latency_of(i) % 44, 0) << "a hit each time";
    again += static_cast<std::size_t>(b.latency_of(i) / 44 - 1);
  }
  EXPECT_EQ(again, replayed);
  EXPECT_EQ(b.channel.errors()->uncorrected, 0u);
}

TEST(Ecc, AReplayedReadWaitsOnce) {
  Bench b(erring("sideband", 1e-3, 16));
  read_alone(b, 1000);
  Time waited = 0;
  for (std::size_t i = 0; i < 1000; ++i) waited += b.sent[i].response - b.pools_at(i).created;
  EXPECT_EQ(b.channel.waited(0), waited - 1000 * b.channel.hit_latency());
}

/// Five standard deviations around n x p.
void expect_about(double n, double p, std::uint64_t count) {
  EXPECT_NEAR(static_cast<double>(count), n * p, 5 * std::sqrt(n * p * (1 - p)));
}

TEST(Ecc, ErrorsComeAtTheirRate) {
  constexpr int kReads = 20000;
  const double single = 256 * 1e-3, twice = 256 * 255 / 2 * 1e-6;
  Bench b(erring("sideband", 1e-3, 1));
  read_alone(b, kReads);
  const telemetry::HbmErrors& e = *b.channel.errors();
  expect_about(kReads, twice, e.replayed);
  expect_about(kReads, twice * twice, e.uncorrected);
  expect_about(kReads * (1 + twice), single - twice, e.corrected);
  EXPECT_EQ(e.undetected, 0u);

  Bench unseen(erring("none", 1e-3));
  read_alone(unseen, kReads);
  expect_about(kReads, single, unseen.channel.errors()->undetected);
  Bench on_die(erring("on_die", 1e-3));
  read_alone(on_die, kReads);
  expect_about(kReads, twice, on_die.channel.errors()->undetected);
}

TEST(Ecc, PseudoChannelsErrApart) {
  HbmParams p = two_pseudo_channels();
  p.ecc = erring("sideband", 1e-3, 1).ecc;
  Bench b(p);
  int one = 0, both = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t first = b.channel.counters(0).reads, second = b.channel.counters(1).reads;
    b.request(1000 * i, Op::read, b.at(0, 0, 1), 64);
    b.drain();
    const bool again = b.channel.counters(0).reads > first + 1, other = b.channel.counters(1).reads > second + 1;
    one += again != other;
    both += again && other;
  }
  EXPECT_GT(one, 50);
  EXPECT_LT(both, 12) << "0.0326 x 0.0326 x 2000 are 2";
}

// ----------------------------------------------------------------------------------------------------- pseudo-channels

TEST(PseudoChannels, ASaturatedOneDelaysTheOtherByOneSlot) {
  Bench b(two_pseudo_channels());
  for (const int pc : {0, 1})
    for (int group = 0; group < 4; ++group) b.read(0, b.at(group, 0, 1, 0, 0, pc));
  b.drain();
  int flood = 0;
  std::vector<std::size_t> probes;
  for (Half h = 1000; h < 9000; h += 2) {
    advance_to(b, h);
    const auto reads = static_cast<int>(b.channel.counters(0).reads) - 4;
    for (; flood - reads < 24; ++flood) b.read(h, b.at(flood % 4, 0, 1, flood / 4 % 32));
    if (h % 100 == 0) probes.push_back(b.read(h, b.at(static_cast<int>(h / 100) % 4, 0, 1, 5, 0, 1)));
  }
  b.drain();
  EXPECT_GE(b.channel.counters(0).reads, 1990u) << "a burst every two clocks";
  for (const std::size_t probe : probes) EXPECT_LE(b.latency_of(probe), 44 + 2);
}

// ------------------------------------------------------------------------------------------------------- unloaded reads

class Unloaded : public testing::TestWithParam<std::string> {};

/// On both pseudo-channels and the first and last SID; the clocks themselves are compared in grades_test.cpp.
TEST_P(Unloaded, LatenciesAreTheClosedForms) {
  const Generation& g = *find_generation(GetParam());
  HbmParams p = two_pseudo_channels();
  p.generation = g.name;
  p.data_rate = g.grades.back().data_rate;
  p.bank_groups = g.bank_groups;
  p.banks = g.banks;
  p.sids = 2;
  p.ecc.mode = "sideband";
  p.ecc.latency = 2 * kNanosecond;
  p.controller.front_latency = 3 * kNanosecond;
  p.controller.return_latency = 7 * kNanosecond;
  Bench b(p);
  const Timing& t = b.channel.timing();
  const Time fixed = t.edge(t.index_at(3 * kNanosecond) + t.index_at(2 * kNanosecond)) + 7 * kNanosecond;
  Half h = 0;
  const auto latency = [&](const Location& l) {
    h += 2000;
    const std::size_t i = b.read(h, l);
    b.drain();
    // Commands wait for the rising edge behind the front pipeline.
    return b.sent[i].response - b.pools_at(i).created - fixed - t.edge(t.index_at(3 * kNanosecond) % 2);
  };
  for (const int pc : {0, 1})
    for (const int sid : {0, 1}) {
      EXPECT_EQ(latency(b.at(1, 3, 5, 0, sid, pc)), t.edge(t.closed()));
      EXPECT_EQ(latency(b.at(1, 3, 5, 9, sid, pc)), t.edge(t.hit()));
      EXPECT_EQ(latency(b.at(1, 3, 6, 9, sid, pc)), t.edge(rising(t.precharge_to_activate) + t.closed()));
    }
  EXPECT_EQ(b.channel.closed_latency(), t.edge(t.closed() + t.index_at(2 * kNanosecond)));
  EXPECT_EQ(b.channel.conflict_latency(), t.edge(t.conflict() + t.index_at(2 * kNanosecond)));
}

INSTANTIATE_TEST_SUITE_P(Hbm, Unloaded, testing::ValuesIn(generation_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace cowosim::hbm
