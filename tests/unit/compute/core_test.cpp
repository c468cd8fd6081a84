#include "compute/core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "core/parameter_visitor.h"
#include "core/random.h"
#include "fakes.h"
#include "support/heart_bench.h"

namespace cowosim::compute {
namespace {

using engine::Phase;
using test::HeartBench;
using work::Tile;

constexpr int kNet = Core::kNetwork;
constexpr int kDisp = Core::kDispatcher;
constexpr Time kCycle = kNanosecond;
constexpr Time kIssue = 20 * kNanosecond;
constexpr Time kReceive = 15 * kNanosecond;
constexpr Time kCompletion = 5 * kNanosecond;

CoreParams round_numbers() {
  CoreParams p;
  p.frequency = 1e9;
  p.matrix_efficiency = 0.5;
  p.vector_efficiency = 1;
  p.issue_latency = kIssue;
  p.receive_latency = kReceive;
  p.completion_latency = kCompletion;
  return p;
}

Tile load_tile(std::uint64_t base, std::uint64_t bytes) {
  Tile t;
  t.loads[0] = test::rows(base, bytes);
  t.load_count = 1;
  return t;
}

/// One core on the bench, its programs' operators given as tiles.
struct OneCore {
  OneCore(const CoreParams& params, std::vector<std::vector<Tile>> programs_tiles)
      : map(test::small_map(1, 1)), slices(map, 1, 1, true, 3) {
    for (std::size_t i = 0; i < programs_tiles.size(); ++i) {
      owned.push_back(test::program_of(static_cast<StreamId>(i), std::move(programs_tiles[i])));
      programs.push_back(owned.back().get());
    }
    core = std::make_unique<Core>(params, programs, slices, 1, 0);
    bench = std::make_unique<HeartBench>(*core);
  }
  Handle launch(int program, std::uint64_t tile, Time t) {
    const Handle handle = bench->make(Op::launch, tile, 0, t);
    bench->pools[handle].workload = static_cast<std::uint8_t>(program);
    bench->deliver(kDisp, Phase::request, handle, t);
    return handle;
  }
  /// Requests sent and not looked at yet.
  std::vector<HeartBench::Sent> requests() {
    std::vector<HeartBench::Sent> found;
    for (; seen < bench->sent.size(); ++seen) {
      if (bench->sent[seen].port == kNet) found.push_back(bench->sent[seen]);
    }
    return found;
  }
  void answer(const HeartBench::Sent& s, Phase phase, Time t) { bench->deliver(kNet, phase, s.transaction, t); }
  Time completed(Handle handle) const {
    for (const auto& s : bench->sent) {
      if (s.port == kDisp && s.transaction == handle) return s.arrival;
    }
    return -1;
  }

  MemoryMap map;
  SliceMap slices;
  std::vector<std::unique_ptr<work::Program>> owned;
  std::vector<const work::Program*> programs;
  std::unique_ptr<Core> core;
  std::unique_ptr<HeartBench> bench;
  std::size_t seen = 0;
};

TEST(Core, LoadComputeStoreTakeWhatTheyShould) {
  CoreParams p = round_numbers();
  Tile tile = load_tile(0, 256);
  tile.flops = 4096 * 10;  // 20 cycles at half of 4096 a cycle
  tile.stores[0] = test::rows(4096, 128);
  tile.store_count = 1;
  OneCore c(p, {{tile}});
  const Handle launch = c.launch(0, 0, 500'000);  // half a cycle after an edge
  EXPECT_EQ(c.core->due(), kCycle);
  c.core->advance(kMicrosecond);
  auto loads = c.requests();
  ASSERT_EQ(loads.size(), 2u);
  EXPECT_EQ(loads[0].arrival, 1 * kCycle + kIssue);
  EXPECT_EQ(loads[1].arrival, 3 * kCycle + kIssue) << "128 bytes through a 64-byte port";
  const Transaction& tx = c.bench->pools[loads[0].transaction];
  EXPECT_EQ(tx.op, Op::read);
  EXPECT_EQ(tx.created, kCycle);
  EXPECT_EQ(tx.source, 1);
  EXPECT_EQ(tx.destination, 3);
  EXPECT_EQ(tx.via, 3);
  c.answer(loads[0], Phase::response, kMicrosecond);
  c.answer(loads[1], Phase::response, kMicrosecond + 100);
  c.core->advance(2 * kMicrosecond);
  const auto stores = c.requests();
  ASSERT_EQ(stores.size(), 1u);
  const Time there = kMicrosecond + 100 + kReceive;
  const Time computed = (there / kCycle + 1) * kCycle + 20 * kCycle;
  EXPECT_EQ(stores[0].arrival, computed + kIssue);
  EXPECT_EQ(c.completed(launch), -1);
  c.answer(stores[0], Phase::response, 2 * kMicrosecond);
  c.core->advance(2 * kMicrosecond + kReceive + 1);
  EXPECT_EQ(c.completed(launch), 2 * kMicrosecond + kReceive + kCompletion) << "posted: done when accepted";
  EXPECT_EQ(c.bench->pools.live(), 2u) << "the store is kept until it retires";
  c.answer(stores[0], Phase::retire, 3 * kMicrosecond);
  c.core->advance(4 * kMicrosecond);
  const CoreActivity a = c.core->activity(4 * kMicrosecond);
  EXPECT_EQ(a.sum(), 4 * kMicrosecond);
  EXPECT_EQ(a.computing, computed - there);
  EXPECT_EQ(a.useful, 10 * kCycle);
  EXPECT_EQ(a.wait_store, 2 * kMicrosecond + kReceive - computed);
  EXPECT_EQ(a.idle_no_tile, 500'000 + 4 * kMicrosecond - (2 * kMicrosecond + kReceive));
  EXPECT_EQ(c.core->stream(0)->transactions, 3u);
  EXPECT_EQ(c.core->stream(0)->bytes, 384u);
  EXPECT_TRUE(c.bench->violations().empty());
  c.bench->release(launch);
  EXPECT_EQ(c.bench->pools.live(), 0u);
}

TEST(Core, RetireAloneStandsForAcceptanceToo) {
  Tile tile;
  tile.stores[0] = test::rows(0, 128);
  tile.store_count = 1;
  OneCore c(round_numbers(), {{tile}});
  const Handle launch = c.launch(0, 0, 0);
  c.core->advance(kMicrosecond);
  c.answer(c.requests()[0], Phase::retire, kMicrosecond);
  c.core->advance(2 * kMicrosecond);
  EXPECT_EQ(c.completed(launch), kMicrosecond + kReceive + kCompletion);
  EXPECT_EQ(c.core->stream(0)->writes, 1u);
  c.bench->release(launch);
  EXPECT_EQ(c.bench->pools.live(), 0u);
}

TEST(Core, TransactionsCrossNoBoundary) {
  CoreParams p = round_numbers();
  p.transaction_bytes = 64;
  OneCore c(p, {{load_tile(1000, 200)}});
  const Handle launch = c.launch(0, 0, 0);
  c.core->advance(kMicrosecond);
  const auto loads = c.requests();
  std::uint64_t at = 992;
  for (const auto& s : loads) {
    const Transaction& tx = c.bench->pools[s.transaction];
    EXPECT_EQ(tx.address, at);
    EXPECT_EQ(tx.address / 64, (tx.address + tx.bytes - 1) / 64);
    EXPECT_EQ(tx.bytes % kAtomBytes, 0u);
    at = tx.address + tx.bytes;
  }
  EXPECT_EQ(at, 1216u);
  for (const auto& s : loads) c.answer(s, Phase::response, kMicrosecond);
  c.core->advance(2 * kMicrosecond);
  c.bench->release(launch);
  EXPECT_EQ(c.bench->pools.live(), 0u);
}

TEST(Core, OutstandingIsBounded) {
  for (const bool by_bytes : {false, true}) {
    CoreParams p = round_numbers();
    if (by_bytes) {
      p.max_outstanding_bytes = 4 * 128;
    } else {
      p.max_outstanding = 4;
    }
    OneCore c(p, {{load_tile(0, 16 * 128)}});
    const Handle launch = c.launch(0, 0, 0);
    c.core->advance(kMicrosecond);
    auto sent = c.requests();
    ASSERT_EQ(sent.size(), 4u);
    std::size_t answered = 0;
    for (Time t = kMicrosecond; answered < 16; t += kMicrosecond) {
      c.answer(sent[answered++], Phase::response, t);
      c.core->advance(t + kMicrosecond);
      const auto more = c.requests();
      EXPECT_EQ(more.size(), answered <= 12 ? 1u : 0u);
      for (const auto& m : more) EXPECT_EQ(m.arrival, t + kReceive + kIssue);
      sent.insert(sent.end(), more.begin(), more.end());
    }
    EXPECT_GT(c.completed(launch), 0);
    EXPECT_TRUE(c.bench->violations().empty());
    c.bench->release(launch);
    EXPECT_EQ(c.bench->pools.live(), 0u);
  }
}

TEST(Core, ATileMayRestrictItself) {
  Tile limited = load_tile(0, 8 * 128);
  limited.max_outstanding = 3;
  Tile chase;
  chase.loads[0].row_bytes = 32;
  chase.loads[0].rows = 5;
  chase.loads[0].footprint = 4096;
  chase.loads[0].pattern = work::Pattern::chase;
  chase.load_count = 1;
  for (const auto& [tile, bound] : {std::pair<Tile, std::size_t>{limited, 3}, {chase, 1}}) {
    OneCore c(round_numbers(), {{tile}});
    const Handle launch = c.launch(0, 0, 0);
    Time t = kMicrosecond;
    for (int guard = 0; c.completed(launch) < 0 && guard < 100; ++guard) {
      c.core->advance(t);
      const auto sent = c.requests();
      EXPECT_LE(sent.size(), bound);
      for (const auto& s : sent) c.answer(s, Phase::response, t);
      t += kMicrosecond;
    }
    EXPECT_GT(c.completed(launch), 0);
    c.bench->release(launch);
    EXPECT_EQ(c.bench->pools.live(), 0u);
  }
}

TEST(Core, TheNextTileLoadsWhileOneComputes) {
  Tile tile = load_tile(0, 128);
  tile.flops = 2048 * 1000;  // 1 us
  OneCore c(round_numbers(), {{tile, tile, tile}});
  std::vector<Handle> launches;
  for (std::uint64_t i = 0; i < 3; ++i) launches.push_back(c.launch(0, i, 0));
  c.core->advance(100 * kNanosecond);
  const auto first = c.requests();
  ASSERT_EQ(first.size(), 2u) << "two slots";
  for (const auto& s : first) c.answer(s, Phase::response, 200 * kNanosecond);
  const Time start = 200 * kNanosecond + kReceive;
  c.core->advance(start + kMicrosecond + kCycle);
  const auto third = c.requests();
  ASSERT_EQ(third.size(), 1u) << "the third loads as soon as the first is done";
  EXPECT_EQ(third[0].arrival, start + kMicrosecond + kIssue);
  c.answer(third[0], Phase::response, start + kMicrosecond + 100 * kNanosecond);
  c.core->advance(10 * kMicrosecond);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(c.completed(launches[i]), start + static_cast<Time>(i + 1) * kMicrosecond + kCompletion);
    c.bench->release(launches[i]);
  }
  const CoreActivity a = c.core->activity(10 * kMicrosecond);
  EXPECT_EQ(a.computing, 3 * kMicrosecond);
  EXPECT_EQ(a.sum(), 10 * kMicrosecond);
  EXPECT_EQ(c.bench->pools.live(), 0u);
}

TEST(Core, ProgramsTakeTurns) {
  CoreParams p = round_numbers();
  p.issue_bytes_per_cycle = 128;
  OneCore c(p, {{load_tile(0, 128 * 50), load_tile(1 << 16, 128 * 50)}, {load_tile(1 << 18, 128 * 20)}});
  std::vector<Handle> launches = {c.launch(0, 0, 0), c.launch(0, 1, 0), c.launch(1, 0, 0)};
  c.core->advance(40 * kCycle);
  const auto sent = c.requests();
  ASSERT_EQ(sent.size(), 40u);
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(c.bench->pools[sent[i].transaction].stream, i % 2);
  c.core->advance(kMicrosecond);
  auto rest = c.requests();
  rest.insert(rest.begin(), sent.begin(), sent.end());
  EXPECT_EQ(rest.size(), 120u);
  for (const auto& s : rest) c.answer(s, Phase::response, 2 * kMicrosecond);
  c.core->advance(3 * kMicrosecond);
  for (const Handle l : launches) {
    EXPECT_GT(c.completed(l), 0);
    c.bench->release(l);
  }
  EXPECT_EQ(c.bench->pools.live(), 0u);
}

TEST(Core, WaitsForLoadsBelongToTheStagesOfTheLastOne) {
  OneCore c(round_numbers(), {{load_tile(0, 128)}});
  const Handle launch = c.launch(0, 0, 0);
  c.core->advance(kMicrosecond);
  const auto load = c.requests()[0];
  StageRecord& stages = c.bench->pools[load.transaction].stages;
  stages.enter(Stage::noc, kIssue);
  stages.enter(Stage::queue, 100 * kNanosecond);
  stages.enter(Stage::bank, 700 * kNanosecond);
  stages.enter(Stage::return_path, 900 * kNanosecond);
  c.answer(load, Phase::response, kMicrosecond - kReceive);
  c.core->advance(kMicrosecond + 1);
  const CoreActivity a = c.core->activity(kMicrosecond);
  EXPECT_EQ(a.wait_load[static_cast<std::size_t>(Stage::issue)], kIssue);
  EXPECT_EQ(a.wait_load[static_cast<std::size_t>(Stage::noc)], 80 * kNanosecond);
  EXPECT_EQ(a.wait_load[static_cast<std::size_t>(Stage::queue)], 600 * kNanosecond);
  EXPECT_EQ(a.wait_load[static_cast<std::size_t>(Stage::bank)], 200 * kNanosecond);
  EXPECT_EQ(a.wait_load[static_cast<std::size_t>(Stage::return_path)], 100 * kNanosecond);
  EXPECT_EQ(a.wait_load_open, 0);
  EXPECT_EQ(a.sum(), kMicrosecond);
  c.bench->release(launch);
  EXPECT_EQ(c.bench->pools.live(), 0u);
}

TEST(Core, ReportsWhatItWaitsFor) {
  OneCore c(round_numbers(), {{load_tile(0, 128)}});
  const Handle launch = c.launch(0, 0, 0);
  c.core->advance(kMicrosecond);
  EXPECT_EQ(c.core->due(), kNever);
  std::vector<engine::Wait> waits;
  c.core->report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_NE(waits[0].reason.find("1 loads without an answer"), std::string::npos);
  EXPECT_FALSE(c.bench->violations().empty());
  c.answer(c.requests()[0], Phase::response, kMicrosecond);
  c.core->advance(2 * kMicrosecond);
  EXPECT_TRUE(c.bench->violations().empty());
  c.bench->release(launch);
}

TEST(Core, EmptyTilesAndParameters) {
  OneCore c(round_numbers(), {std::vector<Tile>(5)});
  std::vector<Handle> launches;
  for (std::uint64_t i = 0; i < 5; ++i) launches.push_back(c.launch(0, i, kMicrosecond));
  for (const Handle l : launches) {
    EXPECT_EQ(c.completed(l), kMicrosecond + kCompletion);
    c.bench->release(l);
  }
  EXPECT_EQ(c.bench->pools.live(), 0u);
  CoreParams p;
  EXPECT_NEAR(c.core->peak_flops(work::Precision::bf16, true), 4096e9, 1e6);
  p.transaction_bytes = 96;
  EXPECT_THROW(OneCore(p, {{}}), std::invalid_argument);
  for (const ParameterInfo& info : describe(CoreParams())) EXPECT_FALSE(info.source.empty()) << info.path;
}

}  // namespace
}  // namespace cowosim::compute
