#include "traffic/collective_traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <tuple>

#include "core/parameter_visitor.h"
#include "engine/coupling.h"
#include "unit/traffic/harness.h"

namespace cowosim::traffic {
namespace {

using engine::Phase;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Time kNs = kNanosecond;
constexpr std::uint16_t kFirstDoor = 100;
constexpr std::uint16_t kGroup = 7;

/// All units in one: what needs everybody waits for everybody, and each way takes some time, never the same.
class FakeUnits final : public engine::Heart {
 public:
  FakeUnits(int nodes, int members) : nodes_(nodes), members_(members) {}
  void start() override { pool_ = &own_pool(); }
  int ports() const override { return nodes_; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override {
    Transaction& tx = transaction(message.transaction);
    tx.stages.enter(Stage::fabric, message.time);
    if (message.phase != Phase::request) return receive_answer(message, tx);
    EXPECT_EQ(tx.destination, kFirstDoor + message.port);
    EXPECT_EQ(tx.source, message.port);
    EXPECT_EQ(tx.group, kGroup);
    EXPECT_EQ(tx.stream, 2);
    if (lose) {
      lose = false;
      return;
    }
    bytes[tx.address].insert(tx.fetch_bytes);
    std::vector<Handle>& handles = under_way_[tx.address];
    handles.push_back(message.transaction);
    begun[message.port].push_back({message.time, tx.address});
    std::uint64_t& outstanding = outstanding_[message.port];
    most = std::max(most, ++outstanding);
    if (tx.op == Op::multicast) {
      answers_[tx.address] = members_ - 1;
      for (int m = 0; m < members_; ++m)
        if (m != message.port) copy(tx, m, message.time);
    } else if (handles.size() == static_cast<std::size_t>(members_)) {
      if (tx.op == Op::all_reduce) return end(tx.address, Phase::response, message.time);
      answers_[tx.address] = 1;
      copy(tx, root, message.time);
    }
  }

  struct Begun {
    Time time;
    std::uint64_t chunk;
  };
  std::map<int, std::vector<Begun>> begun;  // by port
  std::map<std::uint64_t, std::multiset<std::uint32_t>> bytes;
  std::uint64_t most = 0;  // of a member, at once
  int root = 0;
  bool lose = false;
  int stray = -1;  // the next copy goes there

 private:
  Time delay() { return 10 * kNs + static_cast<Time>(mix(++sent_) % 50) * kNs; }
  void copy(const Transaction& of, int member, Time now) {
    const auto [handle, own] = pool_->fresh();
    own.op = of.op;
    own.address = of.address;
    own.group = of.group;
    own.fetch_bytes = of.fetch_bytes;
    own.source = static_cast<std::uint16_t>(kFirstDoor + member);
    own.destination = static_cast<std::uint16_t>(member);
    own.stages.start(Stage::fabric, now);
    send(stray < 0 ? member : stray, Phase::request, handle, now + delay());
  }
  void receive_answer(const engine::Message& message, const Transaction& tx) {
    EXPECT_EQ(message.phase, Phase::retire);
    EXPECT_EQ(tx.destination, kFirstDoor + message.port);
    const std::uint64_t chunk = tx.address;
    pool_->release(message.transaction);
    if (--answers_[chunk] == 0) end(chunk, Phase::retire, message.time);
  }
  void end(std::uint64_t chunk, Phase phase, Time now) {
    for (const Handle handle : under_way_[chunk]) {
      Transaction& tx = transaction(handle);
      tx.destination = tx.source;
      --outstanding_[tx.source];
      send(tx.source, phase, handle, now + delay());
    }
    under_way_.erase(chunk);
  }

  int nodes_;
  int members_;
  engine::Pool* pool_ = nullptr;
  std::map<std::uint64_t, std::vector<Handle>> under_way_;
  std::map<std::uint64_t, int> answers_;
  std::map<int, std::uint64_t> outstanding_;
  std::uint64_t sent_ = 0;
};

CollectiveContext context_of(int members) {
  CollectiveContext context;
  context.nodes = members + 1;  // the last one is no member
  for (int m = 0; m < members; ++m)
    context.members.push_back({static_cast<std::uint16_t>(m), static_cast<std::uint16_t>(kFirstDoor + m)});
  context.group = kGroup;
  context.operations = 4;
  context.slot_bytes = 1024;
  context.stream = 2;
  return context;
}

struct Bench {
  explicit Bench(const CollectiveTrafficParams& params, int members = 5)
      : traffic(params, context_of(members)), units(members + 1, members) {
    units.root = static_cast<int>(params.root);
    coupling.add("traffic", traffic);
    coupling.add("units", units);
    for (int n = 0; n <= members; ++n) coupling.wire(traffic, n, units, n);
    coupling.set_pools(pools);
    coupling.for_each([](engine::Heart& heart) { heart.start(); });
  }
  Bench& run(Time step = kSecond) {
    for (Time t = step; t < kMillisecond; t += step) coupling.advance(t);
    coupling.advance(kSecond);
    return *this;
  }
  void expect_idle() const {
    EXPECT_THAT(test::broken_rules(traffic), IsEmpty());
    EXPECT_TRUE(traffic.finished());
    EXPECT_EQ(traffic.due(), kNever);
    EXPECT_EQ(pools.live(), 0u);
    std::vector<engine::Wait> waits;
    traffic.report_waits(waits);
    EXPECT_TRUE(waits.empty());
    __int128 stages = 0;
    for (const telemetry::Histogram& stage : traffic.stream().stages) stages += stage.sum();
    EXPECT_TRUE(stages == traffic.stream().latency.sum()) << "stages add up";
  }

  engine::Pools pools;
  CollectiveTraffic traffic;
  FakeUnits units;
  engine::Coupling coupling;
};

CollectiveTrafficParams of(const std::string& kind, std::int64_t bytes, std::int64_t operations = 3) {
  CollectiveTrafficParams params;
  params.kind = kind;
  params.bytes = bytes;
  params.chunk = 256;
  params.operations = operations;
  return params;
}

TEST(CollectiveTraffic, EveryKindSendsItsChunksOnce) {
  for (const std::string kind : {"broadcast", "reduce", "all_reduce"}) {
    for (const std::int64_t bytes : {1, 256, 1000, 5120}) {
      CollectiveTrafficParams params = of(kind, bytes);
      params.root = 3;
      Bench bench(params);
      bench.run().expect_idle();
      const auto chunks = static_cast<std::uint64_t>((bytes + 255) / 256);
      const std::size_t senders = kind == "broadcast" ? 1 : 5;
      ASSERT_EQ(bench.units.bytes.size(), 3 * chunks) << kind << " " << bytes;
      for (const auto& [chunk, sizes] : bench.units.bytes) {
        const bool last = chunk % chunks == chunks - 1;
        const auto size = static_cast<std::uint32_t>(last ? bytes - static_cast<std::int64_t>(chunks - 1) * 256 : 256);
        EXPECT_EQ(sizes.size(), senders);
        EXPECT_EQ(sizes.count(size), senders) << kind << " " << bytes << " chunk " << chunk;
      }
      EXPECT_EQ(bench.traffic.stream().transactions, 3 * chunks * senders);
      EXPECT_EQ(bench.traffic.stream().bytes, 3 * static_cast<std::uint64_t>(bytes) * senders);
      EXPECT_EQ(bench.units.begun.size(), senders) << "nobody else sends";
      EXPECT_EQ(bench.units.begun.count(3), 1u) << "the root does";
    }
  }
}

TEST(CollectiveTraffic, KeepsToItsWindow) {
  for (const std::int64_t outstanding : {0, 1, 3}) {
    for (const std::string kind : {"broadcast", "reduce", "all_reduce"}) {
      CollectiveTrafficParams params = of(kind, 256 * 40);
      params.outstanding = outstanding;
      Bench bench(params);
      bench.run().expect_idle();
      EXPECT_EQ(bench.units.most, outstanding == 0 ? 4u : static_cast<std::uint64_t>(outstanding)) << kind;
    }
  }
}

TEST(CollectiveTraffic, OneOperationAfterTheOther) {
  Bench bench(of("all_reduce", 2000, 4));
  bench.run().expect_idle();
  const auto& operations = bench.traffic.operations();
  ASSERT_EQ(operations.size(), 4u);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    EXPECT_EQ(operations[i].delivered, operations[i].end) << "the answer is the data";
    EXPECT_GT(operations[i].end, operations[i].start);
    EXPECT_EQ(operations[i].start, i == 0 ? 0 : operations[i - 1].end);
  }
  for (const auto& [port, begun] : bench.units.begun) {
    ASSERT_EQ(begun.size(), 32u);
    for (std::size_t n = 0; n < begun.size(); ++n) {
      EXPECT_EQ(begun[n].chunk, n) << "in order";
      EXPECT_GE(begun[n].time, operations[n / 8].start);
      EXPECT_LT(begun[n].time, operations[n / 8].end);
    }
  }
  const Time mean = operations[3].end / 4;
  EXPECT_EQ(bench.traffic.mean_time(), mean);
  EXPECT_DOUBLE_EQ(bench.traffic.algorithm_bandwidth(), 2000.0 * 1e15 / static_cast<double>(mean));
}

TEST(CollectiveTraffic, DataIsThereBeforeItsSendersKnow) {
  for (const std::string kind : {"broadcast", "reduce"}) {
    Bench bench(of(kind, 1000, 2));
    bench.run().expect_idle();
    for (const CollectiveTraffic::Operation& operation : bench.traffic.operations()) {
      EXPECT_GT(operation.delivered, operation.start);
      EXPECT_LT(operation.delivered, operation.end);
    }
    EXPECT_LT(bench.traffic.mean_delivery_time(), bench.traffic.mean_time());
  }
}

TEST(CollectiveTraffic, RunsTheSameInAnySlices) {
  const auto hash = [](Time step) {
    Bench bench(of("reduce", 10'000));
    bench.run(step).expect_idle();
    return std::tuple(bench.traffic.journal().hash(), bench.traffic.operations().back().end);
  };
  EXPECT_EQ(hash(3 * kNs + 1), hash(kSecond));
  EXPECT_EQ(hash(kMicrosecond), hash(kSecond));
}

TEST(CollectiveTraffic, WhatIsLostIsFound) {
  Bench bench(of("all_reduce", 1000));
  bench.units.lose = true;
  bench.run();
  EXPECT_FALSE(bench.traffic.finished());
  EXPECT_THAT(test::broken_rules(bench.traffic), Contains("traffic: operations ended: 0 instead of 3"));
  EXPECT_THAT(test::broken_rules(bench.traffic), Contains("traffic: chunks in the pool: 5 instead of 0"));
  std::vector<engine::Wait> waits;
  bench.traffic.report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].reason, "all_reduce 1 of 3: 5 chunks under way");
}

TEST(CollectiveTraffic, WhatComesElsewhereIsAnError) {
  Bench bench(of("broadcast", 1000));
  bench.units.stray = 2;
  try {
    bench.run();
    FAIL() << "nothing thrown";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("came to 2"));
  }
}

TEST(CollectiveTraffic, SaysWhatDoesNotFitTheFabric) {
  const auto said = [](const std::function<void(CollectiveTrafficParams&, CollectiveContext&)>& change) {
    CollectiveTrafficParams params = of("reduce", 1000);
    CollectiveContext context = context_of(5);
    change(params, context);
    std::string all;
    for (const ParameterProblem& problem : problems(params, context)) all += problem.parameter + ": " + problem.message;
    EXPECT_EQ(all.empty(), [&] {
      try {
        CollectiveTraffic(params, context);
        return true;
      } catch (const std::invalid_argument&) {
        return false;
      }
    }());
    return all;
  };
  EXPECT_EQ(said([](auto&, auto&) {}), "");
  EXPECT_EQ(said([](auto& p, auto&) { p.chunk = 1025; }),
            "chunk: 1025 bytes do not fit into a slot of the fabric's collective units: at most 1024");
  EXPECT_EQ(said([](auto& p, auto&) { p.outstanding = 5; }),
            "outstanding: 5 chunks are more than the fabric's collective units have slots for: at most 4");
  EXPECT_EQ(said([](auto& p, auto&) { p.root = 5; }), "root: member 5 does not exist: there are 5");
  EXPECT_EQ(said([](auto& p, auto&) { p.kind = "all_reduce", p.root = 5; }), "") << "it has none";
  EXPECT_THAT(said([](auto&, auto& c) { c.operations = 300'000; }),
              HasSubstr("outstanding: 300000 chunks of 5 members are more than 1048576 at once"));
  CollectiveContext context = context_of(5);
  context.nodes = 4;
  EXPECT_THROW(CollectiveTraffic(of("reduce", 1000), context), std::invalid_argument);
}

TEST(CollectiveTraffic, ParametersHaveTheirSources) {
  for (const ParameterInfo& info : describe(CollectiveTrafficParams())) EXPECT_FALSE(info.source.empty()) << info.path;
}

}  // namespace
}  // namespace cowosim::traffic
