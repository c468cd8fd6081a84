#include "engine/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "core/random.h"
#include "engine/coupling.h"
#include "unit/engine/ring.h"

namespace cowosim::engine {
namespace {

using test::DirectOutlet;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Time kNs = kNanosecond;
constexpr Time kLatency = 40 * kNs;

/// Behind gates (ports 0 .. gates-1). A request becomes a transaction that is answered `work` later through the gate it came by,
/// and, where there is a friend (last port), one that goes there and back first. Phase::retire ends it. Every nanosecond it
/// has advanced over is counted, so that one can see how far it has come.
class Inside final : public Heart {
 public:
  Inside(int gates, bool friendly, Time work) : gates_(gates), friendly_(friendly), work_(work) {}
  int ports() const override { return gates_ + friendly_; }
  void start() override { own_pool(); }
  Time due() const override { return events_.empty() ? kNever : events_.begin()->first; }
  void advance(Time until) override {
    while (!events_.empty() && events_.begin()->first < until) {
      const auto [t, what] = *events_.begin();
      events_.erase(events_.begin());
      send(what.first, Phase::response, what.second, t + latency(what.first));
    }
    settled = std::max(settled, until);
  }
  void receive(const Message& message) override {
    const Time t = message.time;
    diary.emplace_back(t, message.port, message.transaction, message.phase);
    if (message.port == gates_) {  // back from the friend
      Transaction& tx = transaction(message.transaction);
      events_.emplace(t + work_, std::make_pair(static_cast<int>(tx.source), tx.tag));
      return;
    }
    if (message.phase == Phase::retire) {
      const auto of = alive_.find({message.port, message.transaction});
      journal().add(transaction(of->second), t);
      own_pool().release(of->second);
      alive_.erase(of);
      return;
    }
    const Handle handle = own_pool().create();
    Transaction& tx = transaction(handle);
    tx.created = t;
    tx.tag = message.transaction;
    tx.source = message.port;
    alive_[{message.port, message.transaction}] = handle;
    if (swallow) return;
    if (friendly_) {
      send(gates_, Phase::request, handle, t + latency(gates_));
    } else {
      events_.emplace(t + work_, std::make_pair(static_cast<int>(message.port), message.transaction));
    }
  }
  void report_waits(std::vector<Wait>& waits) const override {
    if (!alive_.empty()) waits.push_back({name(), "the outside", std::to_string(alive_.size()) + " alive"});
  }
  void check_idle(std::vector<std::string>& broken) const override {
    if (!alive_.empty()) broken.push_back("alive");
  }
  bool swallow = false;
  Time settled = 0;
  std::vector<std::tuple<Time, std::uint16_t, Handle, Phase>> diary;

 private:
  int gates_;
  bool friendly_;
  Time work_;
  std::multimap<Time, std::pair<int, Handle>> events_;
  std::map<std::pair<int, Handle>, Handle> alive_;
};

/// Sends back what it gets, a time later that depends on the transaction.
class Friend final : public Heart {
 public:
  int ports() const override { return 1; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const Message& message) override {
    const Transaction& tx = transaction(message.transaction);
    journal().add(tx, message.time);
    send(0, Phase::response, message.transaction,
         message.time + static_cast<Time>(tx.identity % 17) * kNs + latency(0));
  }
};

class FakeOutside final : public Outside {
 public:
  void leave(const Message& message) override { left.push_back(message); }
  bool effect(const Message& message) override {
    effects.push_back(message);
    return on_effect && on_effect(message);
  }
  bool under_way() const override { return busy; }
  Time owes_since() const override { return owes; }
  void report_waits(std::vector<Wait>& waits) const override {
    if (busy) waits.push_back({"the gate", "a model called npu", "planted"});
  }
  std::vector<Message> left, effects;
  std::function<bool(const Message&)> on_effect;
  bool busy = false;
  Time owes = kNever;
};

struct Bench {
  explicit Bench(Options options = {}, int gates = 1, Time latency = kLatency, Time work = 10 * kNs)
      : engine(options), inside(gates, false, work) {
    component = &engine.add("inside", inside);
    for (int i = 0; i < gates; ++i) {
      gate.push_back(&engine.open("gate_" + std::to_string(i), *component, i, latency, outside, true));
      inside.bind(i, *gate.back());
    }
  }
  void run() {
    while (engine.status() == Status::running && !engine.waits_for_outside()) engine.run_window();
  }
  /// As a foreign model would: each response is acknowledged when it is there.
  void acknowledge() {
    for (; acknowledged < outside.left.size(); ++acknowledged) {
      const Message& message = outside.left[acknowledged];
      engine.enter(*gate[message.port], Phase::retire, message.transaction, message.time + kLatency);
    }
  }
  FakeOutside outside;
  Engine engine;
  Inside inside;
  Component* component;
  std::vector<Gate*> gate;
  std::size_t acknowledged = 0;
};

TEST(Gate, WhatEntersIsReceivedAndWhatLeavesIsThereAtItsTime) {
  Bench bench;
  bench.engine.elaborate();
  EXPECT_EQ(bench.engine.lookahead(), Engine::kLonelyWindow);
  EXPECT_TRUE(bench.engine.waits_for_outside());
  EXPECT_FALSE(bench.engine.outside_owes());
  bench.engine.enter(*bench.gate[0], Phase::request, 7, 123 * kNs);
  EXPECT_EQ(bench.engine.next_due(), 123 * kNs);
  EXPECT_FALSE(bench.engine.waits_for_outside());
  bench.run();
  ASSERT_EQ(bench.outside.left.size(), 1u);
  EXPECT_EQ(bench.outside.left[0].time, (123 + 10 + 40) * kNs);
  EXPECT_EQ(bench.outside.left[0].transaction, 7u);
  EXPECT_EQ(bench.outside.left[0].phase, Phase::response);
  EXPECT_TRUE(bench.engine.outside_owes()) << "the acknowledgement";
  bench.acknowledge();
  bench.run();
  EXPECT_EQ(bench.engine.status(), Status::running) << "the gate is open";
  bench.engine.close(*bench.gate[0]);
  bench.engine.close(*bench.gate[0]);
  EXPECT_FALSE(bench.engine.waits_for_outside());
  bench.engine.run_window();
  EXPECT_EQ(bench.engine.status(), Status::completed);
  EXPECT_THAT(bench.engine.violations(), IsEmpty());
}

TEST(Gate, EffectsAreInOrderOfTimeThenRankThenSequenceWhateverTheOrderOfEntering) {
  using Key = std::tuple<Time, int, Handle>;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Bench bench({}, 3);
    bench.engine.elaborate();
    std::vector<Key> planned;  // of one gate and time the handles go up
    SplitMix64 random(seed);
    std::map<std::pair<int, Time>, std::vector<std::size_t>> order;
    for (Handle i = 0; i < 300; ++i) {
      const auto gate = static_cast<int>(bounded(random.next(), 3));
      const Time t = static_cast<Time>(50 + bounded(random.next(), 40)) * kNs;
      planned.emplace_back(t, gate, i);
    }
    // Entered in any order of times and gates: of one gate at one time, in the order of the handles.
    std::vector<Key> entering = planned;
    for (std::size_t i = entering.size(); i > 1; --i) std::swap(entering[i - 1], entering[bounded(random.next(), i)]);
    std::map<std::pair<Time, int>, std::vector<Handle>> of_gate;
    for (const auto& [t, gate, handle] : planned) of_gate[{t, gate}].push_back(handle);
    std::map<std::pair<Time, int>, std::size_t> next;
    for (const auto& [t, gate, handle] : entering) {
      const std::pair<Time, int> at{t, gate};
      bench.engine.enter(*bench.gate[static_cast<std::size_t>(gate)], Phase::request, of_gate[at][next[at]++], t);
    }
    bench.run();
    std::sort(planned.begin(), planned.end());
    std::vector<Key> effects, received;
    for (const Message& message : bench.outside.effects)
      effects.emplace_back(message.time, message.port, message.transaction);
    for (const auto& [t, port, handle, phase] : bench.inside.diary) received.emplace_back(t, port, handle);
    EXPECT_EQ(effects, planned);
    EXPECT_EQ(received, planned);
  }
}

TEST(Gate, AtAnExactInstantEveryoneHasBeenAdvancedToItAndNoFurther) {
  for (const Time window : {Time{0}, 7 * kNs, 3 * kNs}) {
    Options options;
    options.window = window;
    Bench bench(options, 2);
    bench.engine.elaborate();
    std::vector<std::pair<Time, Time>> seen;  // time of the effect, how far the heart was
    bench.outside.on_effect = [&](const Message& message) {
      if (message.port == 1) seen.emplace_back(message.time / kNs, bench.inside.settled / kNs);
      return false;
    };
    for (Handle i = 0; i < 40; ++i)
      bench.engine.enter(*bench.gate[0], Phase::request, i, (50 + 3 * static_cast<Time>(i)) * kNs);
    for (const Time t : {61, 62, 62, 90, 200})
      bench.engine.enter(*bench.gate[1], Phase::request, static_cast<Handle>(t + static_cast<Time>(seen.size())),
                         t * kNs, true);
    bench.run();
    EXPECT_THAT(seen,
                ElementsAre(std::pair<Time, Time>{61, 61}, std::pair<Time, Time>{62, 62}, std::pair<Time, Time>{62, 62},
                            std::pair<Time, Time>{90, 90}, std::pair<Time, Time>{200, 200}));
  }
}

TEST(Gate, AnExactInstantMayBeThatOfAnInterval) {
  Options options;
  options.interval = 50 * kNs;
  Bench bench(options);
  bench.engine.elaborate();
  std::vector<Time> samples, effects;
  bench.engine.on_interval = [&](Time t) { samples.push_back(t / kNs); };
  bench.outside.on_effect = [&](const Message& message) {
    effects.push_back(message.time / kNs);
    EXPECT_GE(bench.inside.settled, message.time);
    return false;
  };
  for (const Time t : {49, 50, 100, 101})
    bench.engine.enter(*bench.gate[0], Phase::request, static_cast<Handle>(t), t * kNs, true);
  for (int i = 0; i < 20; ++i) bench.engine.run_window();
  EXPECT_THAT(effects, ElementsAre(49, 50, 100, 101));
  ASSERT_GE(samples.size(), 3u);
  EXPECT_EQ(samples[0], 50);
  EXPECT_EQ(samples[1], 100);
  EXPECT_EQ(samples[2], 150);
}

TEST(Gate, AnEffectMayGiveTheHeartSomethingToDoInTheVeryWindow) {
  Bench bench({}, 2);
  bench.engine.elaborate();
  bench.outside.on_effect = [&](const Message& message) {
    if (message.transaction != 1) return false;
    // A doorbell: work for the heart from the same instant on.
    Message planted;
    planted.time = message.time;
    planted.port = 1;
    planted.transaction = 9;
    bench.inside.receive(planted);
    return true;
  };
  bench.engine.enter(*bench.gate[0], Phase::request, 1, 60 * kNs, true);
  bench.run();
  ASSERT_EQ(bench.outside.left.size(), 2u);
  EXPECT_EQ(bench.outside.left[0].time, 110 * kNs);
  EXPECT_EQ(bench.outside.left[1].time, 110 * kNs);
}

TEST(Gate, ALatencyBelowTheWindowIsRefusedByName) {
  Bench bench({}, 1, 15 * kNs);
  bench.engine.elaborate();
  EXPECT_EQ(bench.engine.lookahead(), 15 * kNs) << "a lonely component's window follows its gates";

  Engine engine{Options{}};
  Inside a(1, true, kNs);
  Friend b;
  FakeOutside outside;
  Component& first = engine.add("a", a);
  Component& second = engine.add("b", b);
  engine.connect("b.in", first, second, 0, 20 * kNs);
  engine.connect("a.in", second, first, 1, 20 * kNs);
  engine.open("npu.socket_0", first, 0, 19 * kNs, outside, true);
  try {
    engine.elaborate();
    FAIL() << "nothing thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("npu.socket_0"));
    EXPECT_THAT(error.what(), HasSubstr("19 ns"));
    EXPECT_THAT(error.what(), HasSubstr("20 ns, which a.in sets"));
  }
}

TEST(Gate, TheSameLatencyWillDoWithASmallerWindow) {
  Options options;
  options.window = 10 * kNs;
  Engine engine(options);
  Inside a(1, true, kNs);
  Friend b;
  FakeOutside outside;
  Component& first = engine.add("a", a);
  Component& second = engine.add("b", b);
  engine.connect("b.in", first, second, 0, 20 * kNs);
  engine.connect("a.in", second, first, 1, 20 * kNs);
  engine.open("npu.socket_0", first, 0, 19 * kNs, outside, true);
  EXPECT_NO_THROW(engine.elaborate());
}

TEST(Gate, NamesAreUniqueAmongGatesAndConnections) {
  Bench bench;
  bench.engine.open("gate_0", *bench.component, 1, kLatency, bench.outside, true);
  EXPECT_THROW(bench.engine.elaborate(), std::invalid_argument);
}

TEST(Gate, TheSettledPastCannotBeEntered) {
  Bench bench;
  bench.engine.elaborate();
  bench.engine.enter(*bench.gate[0], Phase::request, 1, 100 * kNs);
  bench.run();
  EXPECT_GE(bench.engine.now(), 110 * kNs);
  EXPECT_THROW(bench.engine.enter(*bench.gate[0], Phase::request, 2, 99 * kNs), std::logic_error);
}

TEST(Gate, WithoutGatesThatKeepItRunningTheRunEndsWhenTheOutsideOwesNothing) {
  Engine engine{Options{}};
  Inside inside(1, false, 10 * kNs);
  FakeOutside outside;
  Component& component = engine.add("inside", inside);
  inside.bind(0, engine.open("gate", component, 0, kLatency, outside, false));
  engine.elaborate();
  outside.busy = true;
  EXPECT_TRUE(engine.waits_for_outside()) << "something is under way in there";
  outside.busy = false;
  EXPECT_FALSE(engine.waits_for_outside());
  engine.run_window();
  EXPECT_EQ(engine.status(), Status::completed);
}

TEST(Gate, GivingUpNamesWhoOwes) {
  Bench bench;
  bench.engine.elaborate();
  bench.inside.swallow = true;
  bench.outside.busy = true;
  bench.engine.enter(*bench.gate[0], Phase::request, 1, 100 * kNs);
  bench.run();
  EXPECT_TRUE(bench.engine.outside_owes());
  bench.engine.give_up("no answer");
  EXPECT_EQ(bench.engine.status(), Status::deadlock);
  EXPECT_THAT(bench.engine.reason(), HasSubstr("a model called npu"));
  ASSERT_EQ(bench.engine.waits().size(), 2u);
  EXPECT_EQ(bench.engine.waits()[0].waiter, "inside");
  EXPECT_EQ(bench.engine.waits()[1].waits_for, "a model called npu");
}

TEST(Gate, GivingUpBlamesWhoHasBeenSilentForLongest) {
  struct Model final : Outside {
    Model(std::string name_, Time owes_) : name(std::move(name_)), owes(owes_) {}
    void leave(const Message&) override {}
    Time owes_since() const override { return owes; }
    void report_waits(std::vector<Wait>& waits) const override { waits.push_back({"the gate", name, "planted"}); }
    std::string name;
    Time owes;
  };
  Model busy("busy", 900 * kNs), unknown("unknown", kNever), silent("silent", 100 * kNs), late("late", 500 * kNs);
  Engine engine{Options{}};
  Inside inside(4, false, kNs);
  Component& component = engine.add("inside", inside);
  int port = 0;
  for (Model* model : {&unknown, &busy, &silent, &late}) {
    inside.bind(port, engine.open("gate_" + std::to_string(port), component, port, kLatency, *model, true));
    ++port;
  }
  engine.elaborate();
  engine.give_up("no answer");
  EXPECT_THAT(engine.reason(), HasSubstr("waits for silent"));
  EXPECT_EQ(engine.waits().size(), 4u) << "all of them are listed";
}

TEST(Gate, LimitsAreLookedAtWhileNoWindowIsDue) {
  Bench bench;
  bench.engine.elaborate();
  bench.engine.check_limits();
  EXPECT_EQ(bench.engine.status(), Status::running);
  bench.engine.interrupt();
  bench.engine.check_limits();
  EXPECT_EQ(bench.engine.status(), Status::interrupted);
}

TEST(Gate, WhatHasBeenEnteredCanBeMadeExactAfterwards) {
  for (const bool exact : {false, true}) {
    Bench bench({}, 2);
    Time settled = 0;
    bench.engine.elaborate();
    bench.outside.on_effect = [&](const Message& message) {
      if (message.transaction == 2) settled = bench.engine.now();
      return false;
    };
    bench.engine.enter(*bench.gate[0], Phase::request, 1, 100 * kNs);
    bench.engine.enter(*bench.gate[1], Phase::request, 2, 111 * kNs);
    if (exact) bench.engine.make_exact();
    bench.run();
    EXPECT_EQ(settled == 111 * kNs, exact) << to_ns(settled);
  }
}

TEST(Gate, ASilentModelIsFoundWhileOthersGoOn) {
  Options options;
  options.stall_limit = 1 * kMicrosecond;
  for (const bool silent : {true, false}) {
    Bench bench(options);
    bench.engine.elaborate();
    bench.outside.busy = silent;
    bench.outside.owes = silent ? 500 * kNs : kNever;
    for (Handle i = 0; i < 100 && bench.engine.status() == Status::running; ++i) {
      bench.engine.enter(*bench.gate[0], Phase::request, i, std::max(bench.engine.now(), i * 100 * kNs));
      bench.run();
      bench.acknowledge();
    }
    EXPECT_EQ(bench.engine.status(), silent ? Status::deadlock : Status::running);
    if (!silent) continue;
    EXPECT_THAT(bench.engine.reason(), HasSubstr("npu"));
    EXPECT_LE(bench.engine.now(), 4 * kMicrosecond);
  }
}

TEST(Gate, StoppingCompletesWhatOnlyHasToBePutAway) {
  for (const bool delivered : {true, false}) {
    Bench bench;
    bench.engine.elaborate();
    bench.engine.enter(*bench.gate[0], Phase::request, 1, 100 * kNs);
    bench.run();
    if (delivered) bench.acknowledge();  // and the message is still under way
    bench.engine.stop("stopped", bench.engine.now() + kMicrosecond);
    EXPECT_EQ(bench.engine.status(), delivered ? Status::completed : Status::interrupted);
    EXPECT_EQ(bench.engine.reason(), delivered ? "completed" : "stopped");
    const Status before = bench.engine.status();
    bench.engine.stop("again", kNever);
    EXPECT_EQ(bench.engine.status(), before);
  }
}

TEST(Gate, StoppingHasItsGraceAndNoMore) {
  Bench bench({}, 1, kLatency, 10 * kMicrosecond);
  bench.engine.elaborate();
  bench.engine.enter(*bench.gate[0], Phase::request, 1, 100 * kNs);
  for (int i = 0; i < 3; ++i) bench.engine.run_window();
  const Time now = bench.engine.now();
  bench.engine.stop("stopped", now + kMicrosecond);
  EXPECT_EQ(bench.engine.status(), Status::interrupted);
  EXPECT_EQ(bench.engine.now(), now + kMicrosecond) << "wherever windows end";
  EXPECT_EQ(bench.inside.settled, now + kMicrosecond);
  EXPECT_FALSE(bench.engine.waits().empty());
}

TEST(Gate, AFailureEndsTheRunAndSaysWhy) {
  Bench bench;
  bench.engine.elaborate();
  bench.engine.enter(*bench.gate[0], Phase::request, 1, 100 * kNs);
  bench.engine.run_window();
  bench.engine.fail("a rule was broken", {"npu did it"});
  EXPECT_EQ(bench.engine.status(), Status::broken);
  EXPECT_EQ(bench.engine.reason(), "a rule was broken");
  EXPECT_THAT(bench.engine.violations(), ElementsAre("npu did it"));
  bench.engine.fail("another", {"somebody else"});
  EXPECT_THAT(bench.engine.violations(), ElementsAre("npu did it")) << "the first one is the cause";
}

TEST(Gate, LimitsHoldWhileTheOutsideIsAwaited) {
  Options options;
  options.until = 300 * kNs;
  options.interval = 100 * kNs;
  Bench bench(options);
  bench.engine.elaborate();
  std::vector<Time> samples;
  bench.engine.on_interval = [&](Time t) { samples.push_back(t / kNs); };
  EXPECT_TRUE(bench.engine.waits_for_outside());
  EXPECT_EQ(bench.engine.next_due(), 100 * kNs);
  while (bench.engine.status() == Status::running) bench.engine.run_window();
  EXPECT_EQ(bench.engine.status(), Status::time_limit);
  EXPECT_THAT(samples, ElementsAre(100, 200, 300));
}

/// Many gates, each with a heart behind it and a friend behind that, driven as an outside world would: by time, some of it in
/// answer to what comes out.
struct Outcome {
  std::uint64_t hash;
  std::vector<std::tuple<Time, std::string, Handle>> left;
  std::vector<std::tuple<Time, std::uint32_t, Handle>> effects;
  bool operator==(const Outcome& o) const { return hash == o.hash && left == o.left && effects == o.effects; }
};

Outcome run_many(Time window, int threads, bool reversed) {
  constexpr int kHearts = 16;
  struct World final : Outside {
    World(std::string name_, Outcome& outcome_) : name(std::move(name_)), outcome(outcome_) {}
    void leave(const Message& message) override {
      outcome.left.emplace_back(message.time, name, message.transaction);
      todo.emplace(message.time, message.transaction);
    }
    bool effect(const Message& message) override {
      outcome.effects.emplace_back(message.time, message.rank, message.transaction);
      return false;
    }
    std::string name;
    Outcome& outcome;
    std::multimap<Time, Handle> todo;
    Gate* gate = nullptr;
    Handle next = 100;
  };
  Options options;
  options.window = window;
  options.threads = threads;
  Engine engine(options);
  Outcome outcome{};
  std::vector<std::unique_ptr<Inside>> hearts;
  std::vector<std::unique_ptr<Friend>> friends;
  std::vector<std::unique_ptr<World>> worlds;
  std::vector<std::unique_ptr<DirectOutlet>> outlets;
  for (int k = 0; k < kHearts; ++k) {
    const std::string number = std::to_string(100 + (reversed ? kHearts - 1 - k : k));
    hearts.push_back(std::make_unique<Inside>(1, true, 3 * kNs));
    friends.push_back(std::make_unique<Friend>());
    Component& heart = engine.add("heart_" + number, *hearts.back());
    Component& fellow = engine.add("friend_" + number, *friends.back());
    outlets.push_back(std::make_unique<DirectOutlet>(
        engine.connect("friend_" + number + ".in", heart, fellow, 0, (21 + k % 3) * kNs)));
    hearts.back()->bind(1, *outlets.back());
    outlets.push_back(
        std::make_unique<DirectOutlet>(engine.connect("heart_" + number + ".in", fellow, heart, 1, 21 * kNs)));
    friends.back()->bind(0, *outlets.back());
    worlds.push_back(std::make_unique<World>(number, outcome));
    worlds.back()->gate = &engine.open("gate_" + number, heart, 0, 30 * kNs, *worlds.back(), true);
    hearts.back()->bind(0, *worlds.back()->gate);
  }
  engine.elaborate();
  for (const auto& world : worlds)
    for (Handle i = 0; i < 40; ++i)
      engine.enter(*world->gate, Phase::request, i, 30 * kNs + static_cast<Time>(i * 7 % 13) * kNs);
  // The clock of the outside world: no window begins before its time has come.
  for (Time present = 0; engine.status() == Status::running;) {
    Time next = kNever;
    for (const auto& world : worlds)
      if (!world->todo.empty()) next = std::min(next, world->todo.begin()->first);
    if (!engine.waits_for_outside() && std::max(engine.next_due(), engine.now()) <= next) {
      present = std::max(present, std::min(engine.next_due(), next));
      engine.run_window();
      continue;
    }
    if (next == kNever) {
      for (const auto& world : worlds) engine.close(*world->gate);
      continue;
    }
    present = next;
    for (const auto& world : worlds) {
      while (!world->todo.empty() && world->todo.begin()->first <= present) {
        const Handle handle = world->todo.begin()->second;
        world->todo.erase(world->todo.begin());
        engine.enter(*world->gate, Phase::retire, handle, present + 30 * kNs);
        if (world->next < 300) engine.enter(*world->gate, Phase::request, world->next++, present + 31 * kNs);
      }
    }
  }
  EXPECT_EQ(engine.status(), Status::completed);
  EXPECT_THAT(engine.violations(), IsEmpty());
  outcome.hash = engine.completion_hash();
  std::sort(outcome.left.begin(), outcome.left.end());
  std::sort(outcome.effects.begin(), outcome.effects.end());
  return outcome;
}

TEST(Gate, NothingDependsOnWindowsThreadsOrConstruction) {
  const Outcome reference = run_many(0, 1, false);
  EXPECT_EQ(reference.left.size(), 16u * 240u);
  EXPECT_EQ(reference.effects.size(), 2u * 16u * 240u);
  constexpr Time kW = 21 * kNs;
  for (const Time window : {kW, kW / 2, kW / 7})
    for (const int threads : {1, 2, 3}) EXPECT_TRUE(run_many(window, threads, false) == reference) << window << threads;
  EXPECT_EQ(run_many(0, 1, true).hash, run_many(kW / 7, 3, true).hash);
  EXPECT_NE(reference.hash, 0u);
}

TEST(Gate, ACouplingsMembersHavePortsToTheOutside) {
  // Two members of one coupling, each with a gate, and a wire between them.
  class Echo final : public Heart {
   public:
    int ports() const override { return 2; }  // 0: gate, 1: wire
    Time due() const override { return kNever; }
    void advance(Time) override {}
    void receive(const Message& message) override {
      diary.emplace_back(message.time / kNs, message.port);
      const int to = message.port == 0 ? 1 : 0;
      send(to, Phase::request, message.transaction, message.time + latency(to) + (to == 1 ? 5 * kNs : 0));
    }
    std::vector<std::pair<Time, int>> diary;
  };
  for (const Time window : {20 * kNs, 3 * kNs}) {
    Options options;
    options.window = window;
    Engine engine(options);
    Echo a, b;
    Coupling coupling;
    coupling.add("a", a);
    coupling.add("b", b);
    coupling.wire(a, 1, b, 1);
    FakeOutside left, right;
    Component& component = engine.add("coupling", coupling);
    const int at_a = coupling.expose(a, 0);
    const int at_b = coupling.expose(b, 0);
    EXPECT_EQ(coupling.ports(), 2);
    Gate& gate_a = engine.open("a.gate", component, at_a, kLatency, left, true);
    Gate& gate_b = engine.open("b.gate", component, at_b, kLatency, right, true);
    a.bind(0, gate_a);
    b.bind(0, gate_b);
    engine.elaborate();
    engine.enter(gate_a, Phase::request, 1, 100 * kNs);
    engine.enter(gate_b, Phase::request, 2, 101 * kNs);
    // At 105 ns both a message from a, sent before, and one from outside arrive at b: the sent one first.
    engine.enter(gate_b, Phase::request, 3, 105 * kNs);
    while (!engine.waits_for_outside()) engine.run_window();
    EXPECT_THAT(b.diary,
                ElementsAre(std::pair<Time, int>{101, 0}, std::pair<Time, int>{105, 1}, std::pair<Time, int>{105, 0}));
    EXPECT_THAT(a.diary,
                ElementsAre(std::pair<Time, int>{100, 0}, std::pair<Time, int>{106, 1}, std::pair<Time, int>{110, 1}));
    ASSERT_EQ(right.left.size(), 1u);
    EXPECT_EQ(right.left[0].time, 145 * kNs);
    EXPECT_EQ(right.left[0].transaction, 1u);
    ASSERT_EQ(left.left.size(), 2u);
    EXPECT_EQ(left.left[0].transaction, 2u);
    EXPECT_EQ(left.left[1].time, 150 * kNs);
    engine.close(gate_a);
    engine.close(gate_b);
    engine.run_window();
    EXPECT_EQ(engine.status(), Status::completed);
  }
}

TEST(Gate, AMessageThatLeavesTooEarlyIsAMistakeThatIsNamed) {
  class Hasty final : public Heart {
   public:
    int ports() const override { return 1; }
    Time due() const override { return kNever; }
    void advance(Time) override {}
    void receive(const Message& message) override { send(0, Phase::response, 0, message.time); }
  };
  Engine engine{Options{}};
  Hasty hasty;
  FakeOutside outside;
  Component& component = engine.add("hasty", hasty);
  Gate& gate = engine.open("the_gate", component, 0, kLatency, outside, true);
  hasty.bind(0, gate);
  engine.elaborate();
  engine.enter(gate, Phase::request, 0, 50 * kNs);
  try {
    engine.run_window();
    FAIL() << "nothing thrown";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the_gate"));
  }
}

}  // namespace
}  // namespace cowosim::engine
