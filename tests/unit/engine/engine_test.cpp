#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ring.h"

namespace cowosim::engine {
namespace {

using test::DirectOutlet;
using test::Node;
using test::Ring;

struct Outcome {
  std::uint64_t hash;
  Time end;
  std::vector<std::vector<std::uint64_t>> epochs;
  bool operator==(const Outcome& o) const { return hash == o.hash && end == o.end && epochs == o.epochs; }
};

Outcome outcome(const Engine& engine) {
  Outcome result{engine.completion_hash(), engine.now(), {}};
  for (const Heart* heart : engine.hearts()) result.epochs.push_back(heart->journal().hashes());
  return result;
}

Outcome run_ring(Options options, bool reversed = false) {
  options.epoch = 100 * kNanosecond;
  Ring ring(options, 24, 200, 2, reversed);
  EXPECT_EQ(ring.run(), Status::completed) << ring.engine.reason();
  EXPECT_EQ(ring.engine.pools().live(), 0u);
  for (const auto& node : ring.nodes) EXPECT_EQ(node->arrived, 200);
  return outcome(ring.engine);
}

TEST(Engine, WindowIsTheSmallestLookahead) {
  Ring ring({}, 8, 1, 1);
  EXPECT_EQ(ring.engine.lookahead(), 5 * kNanosecond);
  EXPECT_EQ(ring.engine.narrowest()->name(), "node_0.in");
}

TEST(Engine, ResultsDoNotDependOnTheWindow) {
  const Outcome reference = run_ring({});
  for (const Time divisor : {2, 7}) {
    Options options;
    options.window = 5 * kNanosecond / divisor;
    EXPECT_EQ(run_ring(options), reference) << "W/" << divisor;
  }
}

TEST(Engine, ResultsDoNotDependOnThreads) {
  const Outcome reference = run_ring({});
  for (const int threads : {2, 3, 5}) {
    Options options;
    options.threads = threads;
    EXPECT_EQ(run_ring(options), reference) << threads << " threads";
  }
}

TEST(Engine, ResultsDoNotDependOnConstructionOrder) { EXPECT_EQ(run_ring({}, true), run_ring({})); }

TEST(Engine, IntervalsClipWindowsAndChangeNothing) {
  const Outcome reference = run_ring({});
  Options options;
  options.interval = 33 * kNanosecond;
  options.epoch = 100 * kNanosecond;
  Ring ring(options, 24, 200, 2);
  std::vector<Time> seen;
  ring.engine.on_interval = [&](Time t) {
    EXPECT_EQ(ring.engine.now(), t);
    seen.push_back(t);
  };
  EXPECT_EQ(ring.run(), Status::completed);
  ASSERT_GT(seen.size(), 10u);
  for (std::size_t i = 0; i + 1 < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<Time>(i + 1) * options.interval);
  EXPECT_EQ(seen.back(), ring.engine.now()) << "and what is left at the end";
  EXPECT_EQ(outcome(ring.engine), reference);
}

TEST(Engine, RunsEndOneWindowAfterTheLastRetirement) {
  Ring ring({}, 8, 10, 1);
  ring.run();
  Time last = 0;
  for (const Heart* heart : ring.engine.hearts()) last = std::max(last, heart->journal().last());
  EXPECT_EQ(ring.engine.now(), last + ring.engine.lookahead());
}

TEST(Engine, UntilEndsExactlyThere) {
  Options options;
  options.until = 123'456'789;
  Ring ring(options, 8, 1000, 1);
  EXPECT_EQ(ring.run(), Status::time_limit);
  EXPECT_EQ(ring.engine.now(), options.until);
}

TEST(Engine, DeadlockIsReportedAtOnceWithWhoWaits) {
  Ring ring({}, 8, 10, 1);
  ring.nodes[3]->swallow = std::make_unique<int>(5);
  EXPECT_EQ(ring.run(), Status::deadlock);
  EXPECT_THAT(ring.engine.reason(), testing::HasSubstr("outstanding and nothing due"));
  ASSERT_EQ(ring.engine.waits().size(), 1u);
  EXPECT_EQ(ring.engine.waits()[0].waiter, "node_3");
}

/// Always busy, never does anything.
class Spinner final : public Heart {
 public:
  int ports() const override { return 0; }
  Time due() const override { return next_; }
  void advance(Time until) override {
    while (next_ < until) next_ += kNanosecond;
  }
  void receive(const Message&) override {}

 private:
  Time next_ = 0;
};

TEST(Engine, WorkThatMovesNothingIsNoProgress) {
  Options options;
  options.stall_limit = 10 * kMicrosecond;
  Engine engine(options);
  Spinner spinner;
  engine.add("spinner", spinner);
  engine.elaborate();
  while (engine.status() == Status::running) engine.run_window();
  EXPECT_EQ(engine.status(), Status::no_progress);
  EXPECT_LE(engine.now(), 3 * options.stall_limit);
}

TEST(Engine, InterruptEndsAtTheNextBoundary) {
  Ring ring({}, 8, 1000, 1);
  ring.engine.run_window();
  ring.engine.interrupt();
  EXPECT_EQ(ring.run(), Status::interrupted);
}

/// Counts arrivals and complains at the end unless it got `expected`.
class Ledger final : public Heart {
 public:
  explicit Ledger(int expected) : expected_(expected) {}
  int ports() const override { return 1; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const Message& message) override { got_ += message.count; }
  void check_idle(std::vector<std::string>& violations) const override {
    if (got_ != expected_) violations.push_back("credits are missing");
  }

 private:
  int expected_;
  int got_ = 0;
};

/// Sends three credits that arrive long after everything has retired.
class Giver final : public Heart {
 public:
  int ports() const override { return 1; }
  Time due() const override { return sent_ ? kNever : 0; }
  void advance(Time until) override {
    if (!sent_ && until > 0) send(0, Phase::credit, kNoHandle, latency(0), 3), sent_ = true;
  }
  void receive(const Message&) override {}

 private:
  bool sent_ = false;
};

Status run_ledger(int expected, std::vector<std::string>* violations = nullptr) {
  Engine engine({});
  Giver giver;
  Ledger ledger(expected);
  Component& from = engine.add("giver", giver);
  Component& to = engine.add("ledger", ledger);
  DirectOutlet outlet(engine.connect("ledger.in", from, to, 0, kMicrosecond));
  giver.bind(0, outlet);
  engine.elaborate();
  while (engine.status() == Status::running) engine.run_window();
  if (violations) *violations = engine.violations();
  return engine.status();
}

TEST(Engine, CreditsUnderWayAreDeliveredBeforeTheFinalCheck) { EXPECT_EQ(run_ledger(3), Status::completed); }

TEST(Engine, AMissingCreditIsABrokenInvariant) {
  std::vector<std::string> violations;
  EXPECT_EQ(run_ledger(4, &violations), Status::broken);
  EXPECT_THAT(violations, testing::ElementsAre("ledger: credits are missing"));
}

TEST(Engine, ZeroLookaheadIsAnErrorThatNamesTheConnection) {
  Engine engine({});
  Ledger a(0), b(0);
  Component& from = engine.add("a", a);
  Component& to = engine.add("b", b);
  try {
    engine.connect("b.in", from, to, 0, 0);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("connection b.in from a"));
  }
}

TEST(Engine, AMessageIntoTheCurrentWindowIsRefused) {
  class Cheat final : public Heart {
   public:
    int ports() const override { return 1; }
    Time due() const override { return 0; }
    void advance(Time) override { send(0, Phase::credit, kNoHandle, 1); }
    void receive(const Message&) override {}
  } cheat;
  Engine engine({});
  Ledger ledger(0);
  Component& from = engine.add("cheat", cheat);
  Component& to = engine.add("ledger", ledger);
  DirectOutlet outlet(engine.connect("ledger.in", from, to, 0, kNanosecond));
  cheat.bind(0, outlet);
  engine.elaborate();
  EXPECT_THROW(engine.run_window(), std::logic_error);
}

TEST(Engine, AWindowLargerThanWIsRefused) {
  Options options;
  options.window = 6 * kNanosecond;
  EXPECT_THROW(Ring(options, 4, 1, 1), std::invalid_argument);
}

TEST(Journal, HashIsIndependentOfOrderAndSensitiveToTime) {
  Transaction x, y;
  x.identity = 1, y.identity = 2;
  Journal a(100), b(100), c(100);
  a.add(x, 50), a.add(y, 250);
  b.add(y, 250), b.add(x, 50);
  c.add(x, 51), c.add(y, 250);
  EXPECT_EQ(a.hashes(), b.hashes());
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_NE(a.hashes()[0], c.hashes()[0]);
  EXPECT_EQ(a.hashes()[2], c.hashes()[2]);
  EXPECT_EQ(a.hashes().size(), 3u);
}

}  // namespace
}  // namespace cowosim::engine
