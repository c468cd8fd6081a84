#include "traffic/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "unit/traffic/harness.h"

namespace cowosim::traffic {
namespace {

using test::FakeCore;
using test::Loop;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Time kNs = kNanosecond;

class FakeOperator final : public work::Operator {
 public:
  explicit FakeOperator(std::uint64_t tiles) : Operator("fake", "probe"), tiles_(tiles) {}
  std::uint64_t tiles() const override { return tiles_; }
  work::Tile tile(std::uint64_t) const override { return {}; }

 private:
  std::uint64_t tiles_;
};

work::Program program(std::vector<std::uint64_t> tiles, StreamId stream = 0, bool background = false) {
  work::Program result;
  result.name = "program_" + std::to_string(stream);
  result.stream = stream;
  result.background = background;
  for (const std::uint64_t count : tiles) result.operators.push_back(std::make_unique<FakeOperator>(count));
  return result;
}

struct Bench {
  Bench(const DispatcherParams& params, int core_count, std::vector<const work::Program*> programs,
        std::function<Time(std::uint64_t)> duration, Time latency)
      : dispatcher(params, core_count, std::move(programs)) {
    dispatcher.set_name("dispatcher");
    dispatcher.set_pools(pools);
    loop.add(dispatcher);
    for (int i = 0; i < core_count; ++i) {
      cores.push_back(std::make_unique<FakeCore>(duration));
      cores.back()->set_name("core_" + std::to_string(i));
      cores.back()->set_pools(pools);
      loop.add(*cores.back());
    }
    for (int i = 0; i < core_count; ++i) loop.connect(dispatcher, i, *cores[static_cast<std::size_t>(i)], 0, latency);
    dispatcher.start();
  }
  std::vector<std::uint64_t> tiles_of(std::size_t core) const {
    std::vector<std::uint64_t> tiles;
    for (const auto& seen : cores[core]->seen) tiles.push_back(seen.tile);
    return tiles;
  }
  void expect_done() const {
    EXPECT_TRUE(dispatcher.finished());
    EXPECT_THAT(test::broken_rules(dispatcher), IsEmpty());
    EXPECT_EQ(pools.live(), 0u);
  }
  engine::Pools pools;
  Dispatcher dispatcher;
  std::vector<std::unique_ptr<FakeCore>> cores;
  Loop loop;
};

DispatcherParams quick() {
  DispatcherParams params;
  params.launch_latency = 5 * kNs;
  params.launch_overhead = 100 * kNs;
  params.tiles_per_core = 2;
  return params;
}

TEST(Dispatcher, FirstWaveRoundRobinThenWhoeverAnswers) {
  const work::Program p = program({10});
  // Tile 1 takes long: core 1 holds it and gets nothing new.
  Bench bench(
      quick(), 2, {&p}, [](std::uint64_t tile) { return tile == 1 ? 1000 * kNs : 10 * kNs; }, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_THAT(bench.tiles_of(0), ElementsAre(0, 2, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(bench.tiles_of(1), ElementsAre(1, 3));
  EXPECT_EQ(bench.cores[0]->seen[0].arrival, 105 * kNs) << "overhead, then launch latency";
  EXPECT_LE(bench.cores[0]->most_held, 2u);
  EXPECT_EQ(bench.dispatcher.tiles_done(0), 10u);
  bench.expect_done();
}

TEST(Dispatcher, OperatorsRunOneAfterTheOther) {
  const work::Program p = program({3, 1, 2}, 4);
  Bench bench(
      quick(), 4, {&p}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  bench.loop.run(1 * kNs);
  const auto& records = bench.dispatcher.operators(0);
  ASSERT_EQ(records.size(), 3u);
  // launch 5, compute 10, response 1; overhead 100 in front.
  EXPECT_EQ(records[0].start, 100 * kNs);
  EXPECT_EQ(records[0].end, 116 * kNs);
  EXPECT_EQ(records[1].start, 216 * kNs);
  EXPECT_EQ(records[1].end, 232 * kNs);
  EXPECT_EQ(records[2].start, 332 * kNs);
  EXPECT_EQ(records[2].end, 348 * kNs);
  EXPECT_EQ(bench.dispatcher.end(0), 348 * kNs);
  EXPECT_EQ(bench.cores[0]->seen.back().op, 2u);
  EXPECT_EQ(bench.cores[0]->seen.back().stream, 4);
  EXPECT_EQ(bench.dispatcher.journal().count(), 6u);
  bench.expect_done();
}

TEST(Dispatcher, TheWireIsTheLeastLaunchLatency) {
  DispatcherParams params = quick();
  params.launch_latency = 0;
  const work::Program p = program({1});
  Bench bench(
      params, 1, {&p}, [](std::uint64_t) { return 10 * kNs; }, 7 * kNs);
  bench.loop.run(7 * kNs);
  EXPECT_EQ(bench.cores[0]->seen[0].arrival, 107 * kNs);
  bench.expect_done();
}

TEST(Dispatcher, ProgramsAlternateAndHaveTheirOwnRoom) {
  const work::Program a = program({4}, 0);
  const work::Program b = program({4}, 1);
  Bench bench(
      quick(), 1, {&a, &b}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  bench.loop.run(1 * kNs);
  std::vector<int> order;
  for (const auto& seen : bench.cores[0]->seen) order.push_back(seen.program);
  EXPECT_THAT(order, ElementsAre(0, 1, 0, 1, 0, 1, 0, 1));
  EXPECT_LE(bench.cores[0]->most_held, 4u);
  bench.expect_done();
}

TEST(Dispatcher, ABackgroundProgramRunsUntilTheOthersAreDone) {
  const work::Program foreground = program({20, 20}, 0);
  const work::Program background = program({3, 1}, 1, true);
  Bench bench(
      quick(), 2, {&foreground, &background}, [](std::uint64_t) { return 50 * kNs; }, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_GT(bench.dispatcher.passes(1), 1u);
  EXPECT_EQ(bench.dispatcher.passes(0), 1u);
  EXPECT_LT(bench.dispatcher.end(1), bench.dispatcher.end(0));
  EXPECT_GE(bench.dispatcher.tiles_done(1), 4 * bench.dispatcher.passes(1));
  bench.expect_done();
}

TEST(Dispatcher, ProgramsKeepToTheirCores) {
  work::Program chase = program({1}, 0);
  chase.cores = 1;
  work::Program load = program({60}, 1);
  load.first_core = 1;
  Bench bench(
      quick(), 4, {&chase, &load}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  bench.loop.run(1 * kNs);
  for (std::size_t core = 0; core < 4; ++core) {
    EXPECT_FALSE(bench.cores[core]->seen.empty());
    for (const auto& seen : bench.cores[core]->seen) EXPECT_EQ(seen.program, core == 0 ? 0 : 1);
  }
  bench.expect_done();
}

TEST(Dispatcher, APacedOperatorLaunchesAtItsPaceAndCatchesUp) {
  work::Program paced = program({6});
  paced.operators[0]->interval = 30 * kNs;
  // Tile 1 takes as long as five intervals: one core, one tile at a time.
  DispatcherParams params = quick();
  params.tiles_per_core = 1;
  Bench bench(
      params, 1, {&paced}, [](std::uint64_t tile) { return (tile == 1 ? 75 : 5) * kNs; }, 1 * kNs);
  bench.loop.run(1 * kNs);
  std::vector<Time> arrivals;
  for (const auto& seen : bench.cores[0]->seen) arrivals.push_back(seen.arrival / kNs);
  // Launched at 100, 130; then when the core is free (135 + 75 + 1, 11 ns each) until the schedule 100 + 30 i is ahead again.
  EXPECT_THAT(arrivals, ElementsAre(105, 135, 216, 227, 238, 255));
  bench.expect_done();
}

struct Outcome {
  std::uint64_t hash;
  std::vector<Time> times;
  bool operator==(const Outcome& o) const { return hash == o.hash && times == o.times; }
  bool operator!=(const Outcome& o) const { return !(*this == o); }
};

Outcome run_mix(Time window, std::uint64_t seed) {
  const work::Program a = program({100, 1, 37}, 0);
  work::Program b = program({64, 64}, 1);
  b.first_core = 3;
  const work::Program c = program({13}, 2, true);
  b.operators[0]->interval = 11 * kNs;
  Bench bench(
      quick(), 7, {&a, &b, &c}, [seed](std::uint64_t tile) { return static_cast<Time>(mix(seed, tile) % (40 * kNs)); },
      3 * kNs);
  bench.loop.run(window);
  bench.expect_done();
  Outcome outcome{bench.dispatcher.journal().hash(), {}};
  for (std::size_t p = 0; p < 3; ++p) {
    for (const auto& record : bench.dispatcher.operators(p)) {
      outcome.times.push_back(record.start);
      outcome.times.push_back(record.end);
    }
    outcome.times.push_back(static_cast<Time>(bench.dispatcher.tiles_done(p)));
  }
  return outcome;
}

TEST(Dispatcher, ResultsDoNotDependOnHowTimeIsSliced) {
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    const Outcome whole = run_mix(3 * kNs, seed);
    EXPECT_EQ(run_mix(3 * kNs / 2, seed), whole);
    EXPECT_EQ(run_mix(3 * kNs / 7, seed), whole);
    EXPECT_NE(run_mix(3 * kNs, seed + 50), whole) << "negative control: other durations";
  }
}

TEST(Dispatcher, ReportsTilesThatNobodyAnswers) {
  const work::Program p = program({5});
  Bench bench(
      quick(), 1, {&p}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  bench.cores[0]->swallow = true;
  bench.loop.run(1 * kNs);
  EXPECT_FALSE(bench.dispatcher.finished());
  std::vector<engine::Wait> waits;
  bench.dispatcher.report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].reason, "operator fake of program_0: 2 tiles launched and not answered");
  EXPECT_THAT(test::broken_rules(bench.dispatcher),
              ElementsAre("dispatcher: program program_0 has not ended",
                          "dispatcher: program program_0: 2 tiles launched and not answered",
                          "dispatcher: 2 launches in the pool"));
}

work::Program open_program(StreamId stream) {
  work::Program result = program({}, stream);
  result.open = true;
  return result;
}
void append(Bench& bench, work::Program& program, std::size_t index, std::uint64_t tiles, Time not_before) {
  program.operators.push_back(std::make_unique<FakeOperator>(tiles));
  bench.dispatcher.appended(index, not_before);
}

TEST(Dispatcher, AnOpenProgramRunsWhatIsAppendedInOrder) {
  work::Program host = open_program(0);
  Bench bench(
      quick(), 2, {&host}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  EXPECT_TRUE(bench.dispatcher.finished()) << "nothing to do is done";
  EXPECT_EQ(bench.dispatcher.due(), kNever);
  bench.loop.run(1 * kNs, 1000 * kNs);

  append(bench, host, 0, 3, 1250 * kNs);
  append(bench, host, 0, 1, 1250 * kNs);
  EXPECT_EQ(bench.dispatcher.due(), 1250 * kNs) << "the first does not wait for launch_overhead";
  EXPECT_FALSE(bench.dispatcher.finished());
  bench.loop.run(1 * kNs, 1300 * kNs);
  append(bench, host, 0, 1, 1400 * kNs);  // the second is still to come
  append(bench, host, 0, 1, 9000 * kNs);  // later than the end of the one before
  bench.loop.run(1 * kNs);
  // launch 5, compute 10 (three tiles on two cores: 20), response 1; then 100 to the next.
  const auto& records = bench.dispatcher.operators(0);
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].start, 1250 * kNs);
  EXPECT_EQ(records[0].end, 1276 * kNs);
  EXPECT_EQ(records[1].start, 1376 * kNs);
  EXPECT_EQ(records[1].end, 1392 * kNs);
  EXPECT_EQ(records[2].start, 1492 * kNs);
  EXPECT_EQ(records[3].start, 9000 * kNs);
  EXPECT_EQ(bench.dispatcher.end(0), 9016 * kNs);
  EXPECT_EQ(bench.cores[0]->seen.back().op, 3u);
  bench.expect_done();

  // Idle again, and asked again: the queue was empty for long, so only the time of asking counts.
  append(bench, host, 0, 1, 20000 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_EQ(records[4].start, 20000 * kNs);
  append(bench, host, 0, 1, 20020 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_EQ(records[5].start, 20116 * kNs) << "launch_overhead after the end of the one before, at 20016";
  bench.expect_done();
}

TEST(Dispatcher, WhatAnOpenProgramBeginsWithRunsFirst) {
  work::Program host = program({2, 1}, 0);
  host.open = true;
  Bench bench(
      quick(), 2, {&host}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  append(bench, host, 0, 1, 0);
  bench.loop.run(1 * kNs);
  const auto& records = bench.dispatcher.operators(0);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].start, 100 * kNs) << "launch_overhead, as of any program";
  EXPECT_EQ(records[1].start, 216 * kNs);
  EXPECT_EQ(records[2].start, 332 * kNs);
  bench.expect_done();
}

TEST(Dispatcher, AnOpenProgramHoldsNobodyBackAndIsNotEndedByOthers) {
  const work::Program foreground = program({4}, 0);
  const work::Program background = program({3}, 1, true);
  work::Program host = open_program(2);
  Bench bench(
      quick(), 2, {&foreground, &background, &host}, [](std::uint64_t) { return 50 * kNs; }, 1 * kNs);
  append(bench, host, 2, 40, 110 * kNs);
  append(bench, host, 2, 1, 110 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_EQ(bench.dispatcher.passes(0), 1u);
  EXPECT_GT(bench.dispatcher.end(2), bench.dispatcher.end(0)) << "goes on when the foreground has ended";
  EXPECT_EQ(bench.dispatcher.tiles_done(2), 41u);
  bench.expect_done();
}

TEST(Dispatcher, AnIdleOpenProgramChangesNothing) {
  const auto run = [](bool with_host) {
    const work::Program a = program({20, 3}, 0);
    const work::Program b = program({17}, 1);
    const work::Program host = open_program(2);
    std::vector<const work::Program*> programs{&a, &b};
    if (with_host) programs.push_back(&host);
    Bench bench(
        quick(), 3, programs, [](std::uint64_t tile) { return static_cast<Time>(mix(9, tile) % (40 * kNs)); }, 3 * kNs);
    bench.loop.run(3 * kNs);
    bench.expect_done();
    return bench.dispatcher.journal().hash();
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Dispatcher, AppendedOperatorsDoNotDependOnHowTimeIsSliced) {
  const auto run = [](Time window, Time asked) {
    const work::Program a = program({100, 30}, 0);
    work::Program host = open_program(1);
    Bench bench(
        quick(), 5, {&a, &host}, [](std::uint64_t tile) { return static_cast<Time>(mix(3, tile) % (40 * kNs)); },
        3 * kNs);
    for (int i = 0; i < 6; ++i) {
      const Time t = i * 333 * kNs + asked;
      bench.loop.run(window, t);
      append(bench, host, 1, 7, t + 20 * kNs);
    }
    bench.loop.run(window);
    bench.expect_done();
    Outcome outcome{bench.dispatcher.journal().hash(), {}};
    for (const auto& record : bench.dispatcher.operators(1)) {
      outcome.times.push_back(record.start);
      outcome.times.push_back(record.end);
    }
    return outcome;
  };
  const Outcome whole = run(3 * kNs, 7 * kNs);
  EXPECT_EQ(run(3 * kNs / 2, 7 * kNs), whole);
  EXPECT_EQ(run(3 * kNs / 7, 7 * kNs), whole);
  EXPECT_NE(run(3 * kNs, 8 * kNs), whole) << "negative control: asked a nanosecond later";
}

TEST(Dispatcher, AnOpenProgramThatIsNotAnsweredHasNotEnded) {
  work::Program host = open_program(0);
  Bench bench(
      quick(), 1, {&host}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  bench.cores[0]->swallow = true;
  append(bench, host, 0, 1, 10 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_FALSE(bench.dispatcher.finished());
  EXPECT_THAT(test::broken_rules(bench.dispatcher),
              ElementsAre("dispatcher: program program_0 has not ended",
                          "dispatcher: program program_0: 1 tiles launched and not answered",
                          "dispatcher: 1 launches in the pool"));
}

TEST(Dispatcher, RejectsWhatCannotBeAppended) {
  const work::Program closed = program({1}, 0);
  work::Program host = open_program(1);
  Bench bench(
      quick(), 1, {&closed, &host}, [](std::uint64_t) { return 10 * kNs; }, 1 * kNs);
  EXPECT_THROW(bench.dispatcher.appended(0, 0), std::invalid_argument) << "not open";
  EXPECT_THROW(bench.dispatcher.appended(1, 0), std::invalid_argument) << "nothing was appended";
  EXPECT_THROW(append(bench, host, 1, 0, 0), std::invalid_argument) << "no tiles";
  work::Program both = open_program(0);
  both.background = true;
  EXPECT_THROW(Dispatcher(quick(), 1, {&closed, &both}), std::invalid_argument);
  const work::Program background = program({1}, 0, true);
  EXPECT_THROW(Dispatcher(quick(), 1, {&background, &host}), std::invalid_argument) << "nothing would end the first";
}

TEST(Dispatcher, RejectsWhatCannotEndOrStart) {
  const work::Program empty = program({});
  const work::Program no_tiles = program({0});
  const work::Program background = program({1}, 0, true);
  const work::Program good = program({1});
  EXPECT_THROW(Dispatcher(quick(), 1, {&empty}), std::invalid_argument);
  EXPECT_THROW(Dispatcher(quick(), 1, {&no_tiles}), std::invalid_argument);
  EXPECT_THROW(Dispatcher(quick(), 1, {&background}), std::invalid_argument);
  EXPECT_THROW(Dispatcher(quick(), 0, {&good}), std::invalid_argument);
  work::Program elsewhere = program({1});
  elsewhere.first_core = 1;
  EXPECT_THROW(Dispatcher(quick(), 1, {&elsewhere}), std::invalid_argument);
  elsewhere.cores = 2;
  EXPECT_THROW(Dispatcher(quick(), 2, {&elsewhere}), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::traffic
