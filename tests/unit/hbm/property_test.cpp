// What holds for every channel and every stream of requests: random ones, thousands of them.
#include <gtest/gtest.h>

#include "unit/hbm/bench.h"
#include "unit/hbm/random_runs.h"

namespace cowosim::hbm {
namespace {

/// Offers a random stream as fast as the door's credits allow, and watches that time brings progress.
struct Run {
  Run(const HbmParams& p, Dice& dice, const ChannelContext& context, int requests)
      : bench(p, context),
        stream(dice, bench.map, bench.channel.timing().edge(bench.channel.timing().refresh_interval), context.streams) {
    const Timing& t = bench.channel.timing();
    patience = t.edge(4 * t.refresh_cycle) + 4 * kMicrosecond + p.controller.front_latency;
    for (int i = 0; i < requests; ++i) {
      const RandomRequest r = stream.next();
      Time arrival = now + r.gap;
      while (!stuck && bench.at_door() == bench.channel.door_entries()) move();
      arrival = std::max(arrival, now);
      while (!stuck && bench.channel.due() < arrival) move();
      if (stuck) return;
      if (bench.channel.outstanding() == 0) progressed = arrival;
      bench.request_at(now = arrival, r.op, r.address, r.bytes, r.stream);
    }
    while (!stuck && bench.channel.outstanding() > 0) move();
  }
  /// To the channel's next event.
  void move() {
    const std::uint64_t before = done();
    const Time due = bench.channel.due();
    stuck = due == kNever || due < now - 1 || due - progressed > patience;
    if (stuck) return;
    bench.channel.advance(now = due + 1);
    if (done() != before) progressed = now;
  }
  /// Grows with every transaction accepted and every access done.
  std::uint64_t done() const {
    std::uint64_t n = bench.channel.transactions() - bench.channel.outstanding() + bench.channel.transactions();
    for (int pc = 0; pc < bench.channel.pseudo_channels(); ++pc) {
      const Counters& c = bench.channel.counters(pc);
      n += c.reads + c.writes;
    }
    return n;
  }

  Bench bench;
  RandomRequests stream;
  Time now = 0;
  Time progressed = 0;
  Time patience;
  bool stuck = false;
};

void expect_answers(const Bench& b) {
  for (std::size_t i = 0; i < b.sent.size(); ++i) {
    const bool write = b.pools_at(i).op == Op::write;
    ASSERT_EQ(b.sent[i].responses, 1) << i;
    ASSERT_EQ(b.sent[i].retires, write ? 1 : 0) << i;
    ASSERT_GT(write ? b.sent[i].retire : b.sent[i].response, b.pools_at(i).created) << i;
  }
  EXPECT_EQ(b.at_door(), 0) << "credits";
}

/// Nobody waits for a column command longer than for the data.
void expect_waits(const Bench& b) {
  Time lives = 0, waited = 0;
  for (std::size_t i = 0; i < b.sent.size(); ++i)
    lives += std::max(b.sent[i].response, b.sent[i].retire) - b.pools_at(i).created;
  for (int pc = 0; pc < b.channel.pseudo_channels(); ++pc) waited += b.channel.waited(pc);
  EXPECT_LE(waited, lives);
}

void expect_accounts(const Bench& b, Time end) {
  for (int pc = 0; pc < b.channel.pseudo_channels(); ++pc) {
    const LossAccount a = b.channel.loss(pc, end);
    EXPECT_EQ(a.total(), end);
    for (const Time lost : a.loss) EXPECT_GE(lost, 0);
    const Counters& c = b.channel.counters(pc);
    EXPECT_EQ(a.busy, b.channel.timing().edge(static_cast<Half>(c.reads + c.writes) * b.channel.timing().burst));
  }
  EXPECT_EQ(b.broken(), std::vector<std::string>());
}

/// The number of refreshes issued by `end` is what has fallen due, but for those owed and those done ahead. One that must
/// not wait any more still waits for the accesses begun and for a refresh (management) under way.
void expect_refreshes(const Bench& b, const HbmParams& p, Time end) {
  const ControllerParams& c = p.controller;
  const bool hidden = c.refresh_policy == "hidden";
  const Half each = c.refresh == "per_bank" ? p.sids * p.bank_groups * p.banks : 1;
  const Timing& t = b.channel.timing();
  const Half pending = 2 * (t.activate_to_write + t.write_to_precharge + t.precharge_to_refresh + t.refresh_bank_cycle);
  const auto due_by = [&](Time time) { return std::max<Half>(0, time * each / t.edge(t.refresh_interval)); };
  for (int pc = 0; pc < b.channel.pseudo_channels(); ++pc) {
    const Counters& n = b.channel.counters(pc);
    const Half issued = static_cast<Half>(n.refreshes + n.bank_refreshes);
    EXPECT_GE(issued, due_by(end - t.edge(pending)) - (hidden ? c.refresh_postpone * each : 0));
    EXPECT_LE(issued, due_by(end) + (hidden ? c.refresh_pull_in * each : 0) + 1);
  }
}

void run(std::uint64_t seed) {
  Dice dice(seed);
  HbmParams p = random_device(dice);
  randomize_controller(dice, p);
  ChannelContext context;
  context.streams = dice.of(1, 3);
  context.index = dice.of(0, 15);
  if (dice.chance(30)) context.urgency = {dice.of(0, 2), dice.of(0, 2), dice.of(0, 2)};
  SCOPED_TRACE("seed " + std::to_string(seed) + ": " + describe(p));
  Run run(p, dice, context, dice.of(50, 250));
  Bench& b = run.bench;
  ASSERT_FALSE(run.stuck) << "at " << to_ns(run.now) << " ns";
  const Time last = run.now;
  for (const Bench::Sent& s : b.sent) run.now = std::max(run.now, std::max(s.response, s.retire));
  expect_answers(b);
  expect_waits(b);
  expect_accounts(b, run.now);
  expect_refreshes(b, p, last);
  const Time end = run.now + dice.of(0, 3) * b.channel.timing().edge(b.channel.timing().refresh_interval);
  b.channel.advance(end);
  expect_accounts(b, end);
  expect_refreshes(b, p, end);
  b.checker.finish(end);
  EXPECT_EQ(b.checker.violation_count(), 0u);
}

constexpr int kShards = 16;
constexpr int kSeeds = 2000;  // each

class Property : public testing::TestWithParam<int> {};

TEST_P(Property, HoldsForRandomChannelsAndStreams) {
  for (int i = 0; i < kSeeds; ++i) run(static_cast<std::uint64_t>(i * kShards + GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Shards, Property, testing::Range(0, kShards));

}  // namespace
}  // namespace cowosim::hbm
