#include "traffic/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "core/random.h"
#include "traffic/patterns.h"
#include "unit/traffic/harness.h"

namespace cowosim::traffic {
namespace {

using test::FakeMemory;
using test::Loop;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Time kNs = kNanosecond;

class ListStream final : public RequestStream {
 public:
  explicit ListStream(std::vector<Request> requests) : requests_(std::move(requests)) {}
  bool next(Request& request) override {
    if (at_ == requests_.size()) return false;
    request = requests_[at_++];
    return true;
  }
  bool has_dependencies() const override { return true; }

 private:
  std::vector<Request> requests_;
  std::size_t at_ = 0;
};

Request read(std::uint64_t address, Time time = kAsSoonAsPossible, std::uint32_t bytes = 64) {
  Request request;
  request.address = address;
  request.bytes = bytes;
  request.time = time;
  return request;
}
Request write(std::uint64_t address, Time time = kAsSoonAsPossible, std::uint32_t bytes = 64) {
  Request request = read(address, time, bytes);
  request.op = Op::write;
  return request;
}

struct Bench {
  Bench(const SourceParams& params, std::unique_ptr<RequestStream> stream, std::int64_t credits, Time service,
        Time access, Time latency)
      : source(params, std::move(stream), credits), memory(service, access) {
    source.set_name("source");
    memory.set_name("memory");
    source.set_pools(pools);
    memory.set_pools(pools);
    loop.add(source);
    loop.add(memory);
    loop.connect(source, 0, memory, 0, latency);
    source.start();
  }
  std::vector<Time> arrivals() const {
    std::vector<Time> times;
    for (const auto& seen : memory.seen) times.push_back(seen.arrival / kNs);
    return times;
  }
  void expect_idle() const {
    EXPECT_THAT(test::broken_rules(source), IsEmpty());
    EXPECT_TRUE(source.finished());
    EXPECT_EQ(pools.live(), 0u);
  }
  engine::Pools pools;
  Source source;
  FakeMemory memory;
  Loop loop;
};

std::unique_ptr<RequestStream> list(std::vector<Request> requests) {
  return std::make_unique<ListStream>(std::move(requests));
}

TEST(Source, TimedRequestsLeaveAtTheirTime) {
  Bench bench({}, list({read(0, 5 * kNs), read(64, 5 * kNs), read(128, 20 * kNs)}), -1, 1 * kNs, 10 * kNs, 2 * kNs);
  bench.loop.run(2 * kNs);
  EXPECT_THAT(bench.arrivals(), ElementsAre(7, 7, 22));
  EXPECT_EQ(bench.memory.seen[1].created, 5 * kNs);
  EXPECT_EQ(bench.memory.seen[1].issue, 2 * kNs) << "the wire";
  bench.expect_idle();
}

TEST(Source, WaitingForACreditIsIssue) {
  // Door of one entry; the credit comes back 1 ns there, 1 ns back after service has begun.
  Bench bench({}, list({read(0, 0), read(64, 0), read(128, 0)}), 1, 10 * kNs, 30 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  // Service begins at 1, 11, 21; the credits are back at 2 and 12.
  EXPECT_THAT(bench.arrivals(), ElementsAre(1, 3, 13));
  EXPECT_EQ(bench.memory.seen[2].created, 0);
  EXPECT_EQ(bench.memory.seen[2].issue, 13 * kNs);
  const telemetry::StreamStatistics& stream = bench.source.stream(0);
  EXPECT_EQ(stream.transactions, 3u);
  __int128 sum = 0;
  for (const telemetry::Histogram& stage : stream.stages) sum += stage.sum();
  EXPECT_TRUE(sum == stream.latency.sum()) << "stages add up";
  EXPECT_EQ(stream.latency.max(), (21 + 30 + 1) * kNs);
  bench.expect_idle();
}

TEST(Source, UntimedRequestsAreCreatedWhenTheyCanLeave) {
  Bench bench({}, list({read(0), read(64), read(128)}), 1, 10 * kNs, 30 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_THAT(bench.arrivals(), ElementsAre(1, 3, 13));
  EXPECT_EQ(bench.memory.seen[2].created, 12 * kNs);
  EXPECT_EQ(bench.memory.seen[2].issue, 1 * kNs);
  bench.expect_idle();
}

TEST(Source, MaxOutstandingAndThinkTime) {
  SourceParams params;
  params.max_outstanding = 1;
  params.think_time = 5 * kNs;
  Bench bench(params, list({read(0), read(64), read(128)}), -1, 1 * kNs, 10 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_THAT(bench.arrivals(), ElementsAre(1, 18, 35));  // 1 + 10 + 1, think 5, 1
  bench.expect_idle();
}

TEST(Source, TwoOutstandingThinkIndependently) {
  SourceParams params;
  params.max_outstanding = 2;
  params.think_time = 5 * kNs;
  Bench bench(params, list({read(0), read(64), read(128), read(192)}), -1, 3 * kNs, 10 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  // Service 1 and 4; responses 12 and 15; next ones leave at 17 and 20.
  EXPECT_THAT(bench.arrivals(), ElementsAre(1, 1, 18, 21));
  bench.expect_idle();
}

TEST(Source, DependenciesWaitForTheResponseAndThink) {
  Request a = read(0);
  a.id = 7;
  Request b = read(64);
  b.depends_on = 7;
  b.think = 3 * kNs;
  Request c = read(128);
  c.depends_on = 7;
  c.think = 50 * kNs;
  Request d = read(192, 2 * kNs);
  d.depends_on = 7;
  Bench bench({}, list({a, b, c, d}), -1, 1 * kNs, 10 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_THAT(bench.arrivals(), ElementsAre(1, 16, 63, 63));  // response at 12
  EXPECT_EQ(bench.memory.seen[3].created, 62 * kNs) << "in order: not before the request ahead of it has left";
  bench.expect_idle();
}

TEST(Source, SplitsAtGranulesAndAligns) {
  SourceParams params;
  params.granule = 64;
  params.max_outstanding = 1;
  Bench bench(params, list({read(100, kAsSoonAsPossible, 60), write(8, kAsSoonAsPossible, 8)}), -1, 4 * kNs, 10 * kNs,
              1 * kNs);
  bench.loop.run(1 * kNs);
  ASSERT_EQ(bench.memory.seen.size(), 3u);
  EXPECT_EQ(bench.memory.seen[0].address, 96u);
  EXPECT_EQ(bench.memory.seen[0].bytes, 32u);
  EXPECT_EQ(bench.memory.seen[1].address, 128u);
  EXPECT_EQ(bench.memory.seen[1].bytes, 32u);
  EXPECT_EQ(bench.memory.seen[2].address, 0u);
  EXPECT_EQ(bench.memory.seen[2].bytes, 32u);
  // Both pieces leave at 0; the second one's response is at 5 + 10 + 1.
  EXPECT_EQ(bench.memory.seen[2].arrival, 17 * kNs) << "one outstanding request: the last piece frees it";
  EXPECT_EQ(bench.source.requests(), 2u);
  EXPECT_EQ(bench.source.stream(0).transactions, 3u);
  bench.expect_idle();
}

TEST(Source, WritesAreAnsweredOnAcceptanceAndRetireLater) {
  SourceParams params;
  params.max_outstanding = 1;
  Bench bench(params, list({write(0), write(64)}), -1, 20 * kNs, 99 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_EQ(bench.source.stream(0).latency.min(), 2 * kNs);
  EXPECT_EQ(bench.source.stream(0).writes, 2u);
  EXPECT_EQ(bench.source.journal().last(), 42 * kNs);
  EXPECT_EQ(bench.source.journal().count(), 2u);
  bench.expect_idle();
}

TEST(Source, ARetirementAloneStandsForBoth) {
  SourceParams params;
  params.max_outstanding = 1;
  Bench bench(params, list({write(0), write(64)}), -1, 20 * kNs, 99 * kNs, 1 * kNs);
  bench.memory.retire_only = true;
  bench.loop.run(1 * kNs);
  EXPECT_EQ(bench.source.stream(0).transactions, 2u);
  EXPECT_EQ(bench.source.stream(0).latency.max(), 22 * kNs);
  bench.expect_idle();
}

TEST(Source, IssueIntervalPacesTransactions) {
  SourceParams params;
  params.issue_interval = 4 * kNs;
  params.granule = 64;
  Bench bench(params, list({read(0, kAsSoonAsPossible, 128), read(256)}), -1, 0, 10 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  EXPECT_THAT(bench.arrivals(), ElementsAre(1, 5, 9));
  bench.expect_idle();
}

TEST(Source, ZeroLatencyCouplingSendsAtTheInstantItBecomesPossible) {
  Bench bench({}, list({read(0), read(64), write(128), read(192)}), 1, 10 * kNs, 30 * kNs, 0);
  bench.loop.run_coupled();
  // The door's entry is free as soon as service begins: the next one arrives at that instant.
  EXPECT_THAT(bench.arrivals(), ElementsAre(0, 0, 10, 20));
  bench.expect_idle();
}

struct Outcome {
  std::uint64_t hash;
  std::uint64_t transactions;
  std::string latency;
  Time last;
  bool operator==(const Outcome& o) const {
    return hash == o.hash && transactions == o.transactions && latency == o.latency && last == o.last;
  }
  bool operator!=(const Outcome& o) const { return !(*this == o); }
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << o.hash << " " << o.transactions << " " << o.latency << " " << o.last;
}

Outcome run_random(Time window, std::uint64_t seed) {
  std::vector<Request> requests;
  SplitMix64 draw(seed);
  Time time = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Request request = draw.next() % 3 == 0 ? write(0) : read(0);
    request.address = draw.next() % 100'000;
    request.bytes = 1 + static_cast<std::uint32_t>(draw.next() % 700);
    time += static_cast<Time>(draw.next() % (20 * kNs));
    if (draw.next() % 2 == 0) request.time = time;
    request.id = i;
    if (i > 10 && draw.next() % 5 == 0) {
      request.depends_on = i - 1 - draw.next() % 10;
      request.think = static_cast<Time>(draw.next() % (30 * kNs));
    }
    request.stream = static_cast<StreamId>(draw.next() % 3);
    requests.push_back(request);
  }
  SourceParams params;
  params.max_outstanding = 9;
  params.think_time = 3 * kNs + 7;
  Bench bench(params, list(requests), 4, 5 * kNs + 13, 40 * kNs, 7 * kNs);
  bench.loop.run(window);
  bench.expect_idle();
  Outcome outcome{bench.source.journal().hash(), bench.source.journal().count(), "", bench.source.journal().last()};
  for (StreamId stream = 0; stream < 3; ++stream) {
    const auto& s = bench.source.stream(stream);
    outcome.latency +=
        std::to_string(s.transactions) + ":" + std::to_string(static_cast<std::int64_t>(s.latency.sum())) + ":" +
        std::to_string(s.latency.max()) + ":" + std::to_string(static_cast<std::int64_t>(s.stages[0].sum())) + " ";
  }
  return outcome;
}

TEST(Source, ResultsDoNotDependOnHowTimeIsSliced) {
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    const Outcome whole = run_random(7 * kNs, seed);
    EXPECT_EQ(run_random(7 * kNs / 2, seed), whole);
    EXPECT_EQ(run_random(kNs, seed), whole);
    EXPECT_EQ(run_random(7 * kNs / 7 * 3, seed), whole);
    EXPECT_NE(run_random(7 * kNs, seed + 100), whole) << "negative control: another stimulus";
  }
}

TEST(Source, ReportsWhatItWaitsFor) {
  SourceParams params;
  params.max_outstanding = 1;
  Bench bench(params, list({read(0), read(64)}), -1, 1 * kNs, 10 * kNs, 1 * kNs);
  bench.memory.swallow = true;
  bench.loop.run(1 * kNs);
  EXPECT_FALSE(bench.source.finished());
  EXPECT_EQ(bench.source.due(), kNever);
  std::vector<engine::Wait> waits;
  bench.source.report_waits(waits);
  ASSERT_EQ(waits.size(), 2u);
  EXPECT_EQ(waits[0].reason, "1 transactions not retired");
  EXPECT_EQ(waits[1].reason, "all 1 outstanding requests are in use");
  // Negative control of check_idle: everything it can see is wrong.
  EXPECT_THAT(test::broken_rules(bench.source),
              ElementsAre("source: not all requests were issued", "source: transactions retired: 0 instead of 1",
                          "source: bytes retired: 0 instead of 64", "source: requests answered: 0 instead of 1",
                          "source: transactions in the pool: 1 instead of 0"));
}

TEST(Source, ReportsMissingCreditsAndDependencies) {
  Bench door({}, list({read(0), read(64)}), 1, 1 * kNs, 10 * kNs, 1 * kNs);
  door.memory.swallow = true;
  door.loop.run(1 * kNs);
  std::vector<engine::Wait> waits;
  door.source.report_waits(waits);
  EXPECT_EQ(waits.at(1).reason, "no credit: the receiver's door is full");

  Request a = read(0);
  a.id = 3;
  Request b = read(64);
  b.depends_on = 3;
  Bench dependent({}, list({a, b}), -1, 1 * kNs, 10 * kNs, 1 * kNs);
  dependent.memory.swallow = true;
  dependent.loop.run(1 * kNs);
  waits.clear();
  dependent.source.report_waits(waits);
  EXPECT_EQ(waits.at(1).waits_for, "request 3");
}

TEST(Source, ABackgroundSourceEndsWithItsLeaders) {
  Bench leader({}, list({read(0, 50 * kNs), read(64, 100 * kNs)}), -1, 1 * kNs, 10 * kNs, 1 * kNs);
  LoadParams endless;
  endless.accesses.count = std::int64_t{1} << 40;
  endless.accesses.rate = 64'000'000'000;  // a request a nanosecond
  Source follower({}, std::make_unique<LoadPattern>(endless, 0, 0, 1), -1);
  FakeMemory memory(0, 5 * kNs);
  for (engine::Heart* heart : {static_cast<engine::Heart*>(&follower), static_cast<engine::Heart*>(&memory)}) {
    heart->set_name("follower");
    heart->set_pools(leader.pools);
    leader.loop.add(*heart);
  }
  leader.loop.connect(follower, 0, memory, 0, 1 * kNs);
  follower.end_with({&leader.source});
  follower.start();
  leader.loop.run(1 * kNs);
  leader.expect_idle();
  EXPECT_TRUE(follower.finished());
  EXPECT_THAT(test::broken_rules(follower), IsEmpty());
  // The leader's last response arrives 12 ns after its last request left at 100 ns.
  EXPECT_NEAR(static_cast<double>(follower.requests()), 112, 2);
}

TEST(Source, RejectsAGranuleThatIsNoPowerOfTwo) {
  SourceParams params;
  params.granule = 96;
  EXPECT_THROW(Source(params, list({}), -1), std::invalid_argument);
}

TEST(Source, EmptyStreamIsFinishedAtOnce) {
  Bench bench({}, list({}), 4, 1, 1, 1);
  EXPECT_EQ(bench.source.due(), kNever);
  bench.expect_idle();
}

TEST(IdTable, ForgetsWhatIsLongAnswered) {
  IdTable ids;
  for (std::uint64_t id = 0; id < 10'000; ++id) {
    ids.insert(id * 977);
    EXPECT_EQ(ids.answered(id * 977), kNever);
    ids.forget(static_cast<Time>(id) * kMicrosecond);
    ids.answer(id * 977, static_cast<Time>(id) * kMicrosecond);
  }
  EXPECT_LE(ids.size(), 1002u) << "one think horizon of 1 ms";
  EXPECT_EQ(ids.answered(9'999 * 977), 9'999 * kMicrosecond);
  EXPECT_EQ(ids.answered(9'500 * 977), 9'500 * kMicrosecond);
  EXPECT_EQ(ids.answered(5 * 977), IdTable::kLongAgo);
}

TEST(Patterns, StreamKernelsTouchEveryArrayInStep) {
  StreamParams params;
  params.kind = "triad";
  params.footprint = 3 * 512 + 100;
  params.bytes = 256;
  StreamPattern pattern(params, 4096, 2);
  std::vector<std::pair<std::uint64_t, Op>> seen;
  Request request;
  while (pattern.next(request)) {
    seen.emplace_back(request.address - 4096, request.op);
    EXPECT_EQ(request.stream, 2);
    EXPECT_EQ(request.bytes, 256u);
  }
  EXPECT_THAT(seen, ElementsAre(std::pair(0, Op::read), std::pair(512, Op::read), std::pair(1024, Op::write),
                                std::pair(256, Op::read), std::pair(768, Op::read), std::pair(1280, Op::write)));
}

TEST(Patterns, RandomAccessKeepsFootprintFractionAndRate) {
  RandomAccessParams params;
  params.footprint = 1 << 20;
  params.read_fraction = 0.75;
  params.bytes = 64;
  params.rate = 64'000'000'000;  // a request a nanosecond
  params.count = 20'000;
  RandomAccessPattern pattern(params, 1 << 30, 0, 5);
  Request request;
  Time last = 0;
  std::uint64_t count = 0;
  std::uint64_t reads = 0;
  while (pattern.next(request)) {
    EXPECT_GE(request.address, 1u << 30);
    EXPECT_LT(request.address, (1u << 30) + (1u << 20));
    EXPECT_EQ(request.address % 64, 0u);
    EXPECT_GE(request.time, last);
    EXPECT_EQ(request.time / kNs, static_cast<Time>(count)) << "one in every interval";
    last = request.time;
    reads += request.op == Op::read;
    ++count;
  }
  EXPECT_EQ(count, 20'000u);
  EXPECT_NEAR(static_cast<double>(reads) / 20'000, 0.75, 0.01);
}

TEST(Patterns, ASequentialLoadPassesThroughItsFootprintAgainAndAgain) {
  LoadParams params;
  params.accesses.footprint = 1000;  // three whole blocks
  params.accesses.bytes = 256;
  params.accesses.read_fraction = 0.5;
  params.accesses.rate = 256'000'000;  // a request a microsecond
  params.accesses.count = 3000;
  LoadPattern sequential(params, 4096, 7, 5);
  RandomAccessPattern drawn(params.accesses, 4096, 7, 5);
  params.pattern = "random";
  LoadPattern random(params, 4096, 7, 5);
  Request request, same, other;
  for (std::uint64_t i = 0; sequential.next(request); ++i) {
    ASSERT_EQ(request.address, 4096 + i % 3 * 256);
    ASSERT_TRUE(drawn.next(same) && random.next(other));
    EXPECT_EQ(request.op, same.op);
    EXPECT_EQ(request.time, same.time) << "same pace, same mix";
    EXPECT_EQ(request.time / kMicrosecond, static_cast<Time>(i));
    EXPECT_EQ(other.address, same.address);
    EXPECT_EQ(request.stream, 7);
  }
  EXPECT_FALSE(random.next(other) && random.next(other)) << "as long as the others";
}

TEST(Patterns, ExtremeReadFractionsAreExact) {
  for (const double fraction : {0.0, 1.0}) {
    RandomAccessParams params;
    params.read_fraction = fraction;
    params.count = 5000;
    RandomAccessPattern pattern(params, 0, 0, 1);
    Request request;
    while (pattern.next(request)) ASSERT_EQ(request.op, fraction == 1.0 ? Op::read : Op::write);
  }
}

TEST(Patterns, PointerChaseIsOneDependentChain) {
  PointerChaseParams params;
  params.footprint = 4096;
  params.count = 200;
  Bench bench({}, std::make_unique<PointerChasePattern>(params, 0, 0, 3), -1, 0, 10 * kNs, 1 * kNs);
  bench.loop.run(1 * kNs);
  ASSERT_EQ(bench.memory.seen.size(), 200u);
  for (std::size_t i = 1; i < 200; ++i)
    ASSERT_EQ(bench.memory.seen[i].arrival - bench.memory.seen[i - 1].arrival, 12 * kNs);
  for (std::size_t i = 64; i < 200; ++i)
    ASSERT_EQ(bench.memory.seen[i].address, bench.memory.seen[i - 64].address) << "laps";
  bench.expect_idle();
}

}  // namespace
}  // namespace cowosim::traffic
