#include "hbm/channel.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "unit/hbm/bench.h"
#include "unit/hbm/tick_oracle.h"

namespace cowosim::hbm {
namespace {

using accuracy::Life;
using accuracy::reference_params;
using accuracy::StreamSpec;
using accuracy::TickOracle;
using accuracy::ZeroLatencySource;

StreamSpec stream(const std::string& pattern, char mix, const std::string& mode, int load, std::uint64_t n,
                  std::uint64_t seed = 1) {
  StreamSpec s;
  s.pattern = pattern;
  s.mix = mix;
  s.mode = mode;
  s.load = load;
  s.requests = n;
  s.seed = seed;
  return s;
}

struct Simulation {
  explicit Simulation(const StreamSpec& spec, const HbmParams& p = reference_params(), Time slice = 0)
      : params(p), map(make_memory_map(params)), channel(params, map), source(channel, map, spec) {
    end = source.run(slice);
  }
  std::vector<std::string> broken() const {
    std::vector<std::string> b;
    channel.check_idle(b);
    return b;
  }
  HbmParams params;
  MemoryMap map;
  Channel channel;
  ZeroLatencySource source;
  Time end;
};

// ------------------------------------------------------------------------------------------- against a tick-by-tick
// model

class AgainstOracle : public testing::TestWithParam<std::tuple<const char*, char, int, int>> {};

TEST_P(AgainstOracle, EveryAcceptanceAndCompletionIsTheSame) {
  const auto [pattern, mix, load, seed] = GetParam();
  const StreamSpec spec =
      stream(pattern, mix, load == 0 ? "sat" : "rate", load, 2500, static_cast<std::uint64_t>(seed));
  HbmParams p = reference_params();
  p.controller.door_entries = 64;
  p.sids = seed % 2 == 0 ? 2 : 1;
  Simulation run(spec, p);
  TickOracle oracle(run.channel.timing(), spec, run.map.geometry(), true);
  const std::vector<Life> expected = oracle.run();
  ASSERT_EQ(run.source.lives.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(run.source.lives[i].accepted, expected[i].accepted) << i;
    ASSERT_EQ(run.source.lives[i].done, expected[i].done) << i;
  }
  EXPECT_TRUE(run.broken().empty());
  EXPECT_EQ(run.channel.loss(0, run.end).total(), run.end);
}

INSTANTIATE_TEST_SUITE_P(Streams, AgainstOracle,
                         testing::Combine(testing::Values("rand", "seqbg", "seqco", "rnd256"),
                                          testing::Values('r', 'm', 'w'), testing::Values(0, 15, 35, 80),
                                          testing::Values(1, 2, 3)));

TEST(Oracle, NegativeControl) {
  const StreamSpec spec = stream("rand", 'm', "sat", 0, 500);
  HbmParams p = reference_params();
  Simulation same(spec, p);
  p.fault.extra_rcd_read = 1;
  Simulation late(spec, p);
  TickOracle oracle(resolve(*find_generation("hbm3"), 6.4e9, 4, 16), spec, same.map.geometry(), true);
  const std::vector<Life> expected = oracle.run();
  int differ_same = 0;
  int differ_late = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    differ_same += same.source.lives[i].done != expected[i].done;
    differ_late += late.source.lives[i].done != expected[i].done;
  }
  EXPECT_EQ(differ_same, 0);
  EXPECT_GT(differ_late, 100);
}

// ------------------------------------------------------------------------------------------------------------- slicing

TEST(Channel, ResultsDoNotDependOnHowTimeIsSliced) {
  for (const char* pattern : {"rand", "seqbg", "rnd256"}) {
    const StreamSpec spec = stream(pattern, 'm', "rate", 30, 3000);
    Simulation whole(spec);
    for (const Time slice : {Time{312500}, Time{1'000'000}, Time{77'777'777}}) {
      Simulation sliced(spec, reference_params(), slice);
      EXPECT_EQ(sliced.source.hash, whole.source.hash);
      EXPECT_EQ(sliced.channel.journal().hash(), whole.channel.journal().hash());
      const LossAccount a = sliced.channel.loss(0, whole.end);
      const LossAccount b = whole.channel.loss(0, whole.end);
      EXPECT_EQ(a.busy, b.busy);
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(sliced.channel.blame(0).wait(0, telemetry::kRefresh),
                whole.channel.blame(0).wait(0, telemetry::kRefresh));
      EXPECT_EQ(sliced.channel.waited(0), whole.channel.waited(0));
    }
  }
}

TEST(Channel, AnIdleChannelCatchesUpWithRefreshes) {
  Bench asked(reference_params());
  for (Time t = 0; t < 50 * kMicrosecond; t += 100 * kNanosecond) asked.channel.advance(t);
  Bench woken(reference_params());
  Half h = 50 * kMicrosecond / asked.channel.timing().half_period;
  h &= ~Half{1};
  asked.read(h, asked.at(0, 0, 1));
  asked.drain();
  engine::Message m;  // straight to receive: nobody advanced it
  m.time = woken.channel.timing().edge(h);
  const Handle handle = woken.pools.owner(asked.sent[0].handle).create();
  m.transaction = handle;
  woken.pools[handle].fetch_address = woken.map.encode(woken.at(0, 0, 1));
  woken.pools[handle].fetch_bytes = 32;
  woken.pools[handle].created = m.time;
  woken.sent.push_back({handle});
  woken.channel.receive(m);
  woken.drain();
  EXPECT_EQ(woken.sent[0].response, asked.sent[0].response);
  EXPECT_EQ(woken.channel.counters(0).refreshes, asked.channel.counters(0).refreshes);
  EXPECT_EQ(woken.channel.counters(0).refreshes, 12u);
}

TEST(Channel, DueIsNotInThePastAndEveryDueMovesTime) {
  HbmParams p = reference_params();
  const MemoryMap map = make_memory_map(p);
  Bench b(p);
  SplitMix64 random(5);
  Time last = 0;
  Half h = 0;
  for (int i = 0; i < 200; ++i) {
    h += static_cast<Half>(bounded(random.next(), 40));
    const int row = static_cast<int>(bounded(random.next(), 64));
    while (b.channel.due() < b.channel.timing().edge(h)) {
      ASSERT_GE(b.channel.due(), last);
      last = b.channel.due();
      b.channel.advance(last + 1);
    }
    if (i - static_cast<int>(b.accepted.size()) < b.channel.door_entries()) b.read(h, b.at(row % 4, row / 4 % 4, row));
  }
  b.drain();
  for (const Bench::Sent& s : b.sent) EXPECT_GE(s.response, 0);
}

// ------------------------------------------------------------------------------------------------------ door and
// lifetime

TEST(Door, AcceptsInOrderAndReturnsEveryCredit) {
  Bench b(reference_params());
  for (int i = 0; i < 32; ++i) b.write(0, b.at(0, 0, i + 1));
  EXPECT_EQ(b.credits, 32) << "room for all in the write queue";
  for (int i = 0; i < 4; ++i) b.write(0, b.at(0, 0, 100 + i));
  b.read(0, b.at(1, 0, 1));
  EXPECT_EQ(b.credits, 32) << "the read stands behind writes that have no room";
  b.drain();
  EXPECT_EQ(b.credits, 37);
  EXPECT_TRUE(std::is_sorted(b.accepted.begin(), b.accepted.end()));
  EXPECT_EQ(b.accepted[32], b.edge_of(Command::activate) + 1) << "an entry freed at an edge is usable at the next";
}

TEST(Door, RefusesMoreThanItsCredits) {
  HbmParams p = reference_params();
  p.controller.door_entries = 2;
  Bench b(p);
  for (int i = 0; i < 34; ++i) b.write(0, b.at(0, 0, i + 1));
  EXPECT_THROW(b.write(0, b.at(0, 0, 99)), std::logic_error);
}

TEST(Door, FrontLatencyDelaysAcceptance) {
  HbmParams p = no_refresh();
  p.controller.front_latency = 5 * kNanosecond;
  p.controller.return_latency = 3125 * kPicosecond;
  Bench b(p);
  const std::size_t i = b.read(0, b.at(0, 0, 1));
  b.drain();
  EXPECT_EQ(b.sent[i].response, 5 * kNanosecond + b.channel.closed_latency() + 3125 * kPicosecond);
  EXPECT_EQ(b.accepted[0], 16 + 10) << "the credit goes through the return pipeline too";
}

TEST(Lifetime, StagesAddUp) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  const std::size_t i = b.read(0, b.at(0, 0, 2));
  b.drain();
  Transaction x = b.pools_at(i);
  x.stages.enter(Stage::return_path, b.sent[i].response);
  const Timing& t = b.channel.timing();
  EXPECT_EQ(x.stages[Stage::queue], t.edge(92)) << "until the precharge on its behalf";
  EXPECT_EQ(x.stages[Stage::bank], t.edge(144 + 64 - 92));
  EXPECT_EQ(x.stages[Stage::data], t.edge(44));
  EXPECT_EQ(x.stages[Stage::phy], 0);
  EXPECT_EQ(x.stages[Stage::queue] + x.stages[Stage::bank] + x.stages[Stage::data], b.sent[i].response);
}

TEST(Lifetime, WritesArePosted) {
  Bench b(no_refresh());
  const std::size_t i = b.write(10, b.at(0, 0, 1));
  b.drain();
  EXPECT_EQ(b.sent[i].response, b.channel.timing().edge(10));
  EXPECT_EQ(b.sent[i].retire, b.channel.timing().edge(b.edge_of(Command::write) + 20 + 4));  // WL, burst
}

TEST(Lifetime, AWholeTransactionIsAnsweredOnce) {
  Bench b(no_refresh());
  const std::size_t i = b.request(0, Op::read, b.at(0, 0, 1), 128);
  b.drain();
  EXPECT_EQ(b.channel.counters(0).reads, 4u);
  EXPECT_EQ(b.channel.read_latency().count(), 1u);
  EXPECT_EQ(b.credits, 1);
  EXPECT_EQ(b.sent[i].response, b.channel.timing().edge(b.edge_of(Command::read, 3) + 44));
}

TEST(Lifetime, ReadsOfQueuedWritesAreForwardedAndWritesMerged) {
  Bench b(no_refresh());
  b.write(0, b.at(0, 0, 1));
  b.write(0, b.at(0, 0, 2, 5));
  const std::size_t again = b.write(0, b.at(0, 0, 2, 5));
  const std::size_t read = b.read(0, b.at(0, 0, 2, 5));
  const std::size_t other = b.read(0, b.at(0, 0, 2, 6));
  b.drain();
  EXPECT_EQ(b.channel.counters(0).merged, 1u);
  EXPECT_EQ(b.channel.counters(0).forwarded, 1u);
  EXPECT_EQ(b.latency_of(read), 1);
  EXPECT_GT(b.latency_of(other), 44);
  EXPECT_EQ(b.sent[again].retire, b.channel.timing().edge(1));
  std::vector<std::string> broken;
  b.channel.check_idle(broken);
  EXPECT_TRUE(broken.empty());
}

TEST(Lifetime, ConservationHasANegativeControl) {
  Bench b(no_refresh());
  b.read(0, b.at(0, 0, 1));
  std::vector<std::string> broken;
  b.channel.check_idle(broken);
  EXPECT_FALSE(broken.empty());
  std::vector<engine::Wait> waits;
  b.channel.report_waits(waits);
  EXPECT_EQ(waits.size(), 1u);
  b.drain();
  broken.clear();
  b.channel.check_idle(broken);
  EXPECT_TRUE(broken.empty());
}

TEST(Fault, ADroppedResponseNeverArrives) {
  HbmParams p = no_refresh();
  p.fault.drop_response_after = 1;
  Bench b(p);
  for (int i = 0; i < 3; ++i) b.read(0, b.at(i, 0, 1));
  b.drain();
  EXPECT_GE(b.sent[0].response, 0);
  EXPECT_EQ(b.sent[1].response, -1);
  EXPECT_GE(b.sent[2].response, 0);
  EXPECT_EQ(b.channel.due(), kNever);
}

TEST(Channel, RejectsNonsense) {
  HbmParams p = reference_params();
  const MemoryMap map = make_memory_map(p);
  p.generation = "hbm9";
  EXPECT_THROW(Channel(p, map), std::invalid_argument);
  p = reference_params();
  p.controller.read_queue_entries = 8;
  EXPECT_THROW(Channel(p, map), std::invalid_argument);
  p = reference_params();
  p.sids = 2;
  EXPECT_THROW(Channel(p, map), std::invalid_argument) << "the map has one SID";
}

// ----------------------------------------------------------------------------------------------------- pseudo-channels

HbmParams two_pseudo_channels() {
  HbmParams p = reference_params();
  p.pseudo_channels = 2;
  p.address_map = {"row", "sid", "bank", "column", "pseudo_channel", "bank_group", "offset"};
  p.controller.door_entries = 128;
  return p;
}

TEST(PseudoChannels, TogetherReachTwiceTheBandwidth) {
  HbmParams p = two_pseudo_channels();
  p.controller.refresh = "none";

  Bench b(p, 1);
  int sent = 0;
  Half h = 0;
  while (sent < 4000) {
    b.channel.advance(b.channel.timing().edge(h));
    while (sent < 4000 && sent - static_cast<int>(b.accepted.size()) < b.channel.door_entries()) {
      const int i = sent / 2;
      b.read(h, b.at(i % 4, i / 128 % 4, i / 512, i / 4 % 32, 0, sent % 2));
      ++sent;
    }
    h += 2;
  }
  b.drain();
  for (const int pc : {0, 1}) EXPECT_EQ(b.channel.counters(pc).reads, 2000u);
  const Half last = std::max(b.edge_of(Command::read, 3999), Half{0});
  EXPECT_LT(last, 2000 * 4 * 1.02) << "each of them at its own data bus's limit";
}

TEST(PseudoChannels, NeitherStarves) {
  // Pseudo-channel 0 has endless row hits that could take every column slot of its own; 1 gets one access at a time.
  HbmParams p = two_pseudo_channels();
  p.controller.refresh = "none";
  Bench b(p);
  int first = 0;
  std::size_t probe = b.read(0, b.at(0, 0, 1, 0, 0, 1));
  int probes = 1;
  Half longest = 0;
  for (Half h = 2; h < 20000; h += 2) {
    b.channel.advance(b.channel.timing().edge(h));
    while (static_cast<int>(b.sent.size()) - static_cast<int>(b.accepted.size()) < 32) {
      b.read(h, b.at(first % 4, 0, 1, first / 4 % 32, 0, 0));
      ++first;
    }
    if (b.sent[probe].response >= 0 && b.sent[probe].response < b.channel.timing().edge(h)) {
      longest = std::max(longest, b.latency_of(probe));
      probe = b.read(h, b.at(0, 0, 1, ++probes % 32, 0, 1));
    }
  }
  b.drain();
  EXPECT_GT(probes, 100);
  EXPECT_GT(b.channel.counters(0).reads, 4500u) << "and it costs the other one nothing";
}

TEST(PseudoChannels, AFaultInOneMovesOnlyThatOne) {
  HbmParams p = two_pseudo_channels();
  const auto responses = [](const HbmParams& params) {
    Bench b(params);
    b.read(0, b.at(0, 0, 1, 0, 0, 0));
    b.read(100, b.at(0, 0, 1, 0, 0, 1));
    b.drain();
    return std::pair(b.sent[0].response, b.sent[1].response);
  };
  const auto good = responses(p);
  p.fault.pseudo_channel = 1;
  p.fault.extra_rcd_read = 1;
  const auto bad = responses(p);
  EXPECT_EQ(good.first, bad.first);
  EXPECT_EQ(bad.second - good.second, 625000) << "one clock";
}

// ---------------------------------------------------------------------------------------------------------------- loss

double share(const Simulation& run, Loss loss) {
  return static_cast<double>(run.channel.loss(0, run.end)[loss]) / static_cast<double>(run.end);
}

TEST(Loss, AddsUpAtAnyEnd) {
  Simulation run(stream("rand", 'm', "rate", 25, 3000));
  for (const Time end : {run.end, run.end + 1, run.end + 3 * kMicrosecond + 7}) {
    run.channel.advance(end);
    EXPECT_EQ(run.channel.loss(0, end).total(), end);
  }
  Bench b(reference_params());
  for (int i = 0; i < 20; ++i) b.read(0, b.at(i % 4, 0, i));
  for (Time t = 1; t < 300 * kNanosecond; t += 1'234'567) {
    b.channel.advance(t);
    ASSERT_EQ(b.channel.loss(0, t).total(), t) << t;
  }
  b.drain();
}

TEST(Loss, PlantedCausesMoveTheirOwnTerm) {
  HbmParams off = no_refresh();
  const Simulation base(stream("seqbg", 'r', "sat", 0, 20000));
  const Simulation calm(stream("seqbg", 'r', "sat", 0, 5000), off);
  EXPECT_GT(share(base, Loss::refresh), 0.06);
  EXPECT_EQ(share(calm, Loss::refresh), 0.0);
  EXPECT_LT(share(calm, Loss::turnaround) + share(calm, Loss::column_spacing), 0.001);

  const Simulation mixed(stream("seqbg", 'm', "sat", 0, 5000), off);
  EXPECT_EQ(share(calm, Loss::turnaround), 0.0);
  EXPECT_GT(share(mixed, Loss::turnaround), 0.15);

  const Simulation random(stream("rand", 'r', "sat", 0, 5000), off);
  EXPECT_GT(share(random, Loss::four_activate_window), 0.55);
  EXPECT_LT(share(random, Loss::bank_conflict), 0.1);

  const Simulation spaced(stream("seqco", 'r', "sat", 0, 5000), off);
  EXPECT_GT(share(spaced, Loss::column_spacing), 0.14);

  const Simulation slow(stream("seqbg", 'r', "rate", 20, 5000), off);
  EXPECT_GT(share(slow, Loss::idle), 0.7);
}

TEST(Loss, ConflictsInOneBank) {
  Bench b(no_refresh());
  for (int i = 0; i < 30; ++i) b.read(0, b.at(0, 0, i));
  b.drain();
  const Time end = b.channel.timing().edge(b.edge_of(Command::read, 29) + 4);
  const LossAccount a = b.channel.loss(0, end);
  EXPECT_EQ(a.total(), end);
  EXPECT_GT(static_cast<double>(a[Loss::bank_conflict]), 0.85 * static_cast<double>(end));
}

// --------------------------------------------------------------------------------------------------------------- blame

TEST(Blame, WaitIsChargedToWhoHeldTheBus) {
  Bench b(no_refresh(), 2);
  b.read(0, b.at(0, 0, 1));  // opens the row
  b.drain();
  const Time before = b.channel.waited(0);
  for (int i = 1; i <= 10; ++i) b.request(1000, Op::read, b.at(0, 0, 1, i), 32, 1);  // stream 1 first
  b.request(1000, Op::read, b.at(0, 0, 1, 20), 32, 0);                               // then stream 0, the victim
  b.drain();
  const telemetry::Blame& blame = b.channel.blame(0);
  const Timing& t = b.channel.timing();
  EXPECT_EQ(blame.wait(0, 1), t.edge(10 * 4)) << "ten bursts of stream 1";
  EXPECT_EQ(blame.wait(0, telemetry::kTiming), t.edge(64 + 10 * 4)) << "its first tRCD, then tCCD_L - tCCD_S per burst";
  EXPECT_EQ(blame.wait(0, telemetry::kRefresh), 0);
  Time sum = 0;
  for (StreamId v = 0; v < 2; ++v)
    for (telemetry::Holder h = 0; h < telemetry::kHolders; ++h) sum += blame.wait(v, h);
  EXPECT_EQ(sum, b.channel.waited(0));
  EXPECT_EQ(before, t.edge(64));
}

TEST(Blame, RefreshIsBlamed) {
  Bench b(reference_params());
  const Half due = 6240 * 2 - 1;
  b.read(due + 1, b.at(0, 0, 1));
  b.drain();
  const Timing& t = b.channel.timing();
  EXPECT_EQ(b.channel.blame(0).wait(0, telemetry::kRefresh), t.edge(830)) << "REF at the same edge, tRFC";
  EXPECT_EQ(b.channel.blame(0).wait(0, telemetry::kTiming), t.edge(64));
}

TEST(Blame, AlwaysAddsUp) {
  for (const char* pattern : {"rand", "seqbg", "rnd256"}) {
    const Simulation run(stream(pattern, 'm', "sat", 0, 5000));
    EXPECT_TRUE(run.broken().empty()) << "check_idle compares blame with the time waited";
    EXPECT_GT(run.channel.waited(0), 0);
  }
}

}  // namespace
}  // namespace cowosim::hbm
