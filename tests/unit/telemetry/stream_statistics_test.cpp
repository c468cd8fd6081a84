#include "telemetry/stream_statistics.h"

#include <gtest/gtest.h>

#include "telemetry/blame.h"

namespace cowosim::telemetry {
namespace {

Transaction transaction(Op op, Time created, Time issue, Time data) {
  Transaction t;
  t.op = op;
  t.bytes = 64;
  t.created = created;
  t.stages.start(Stage::issue, created);
  t.stages.enter(Stage::data, created + issue);
  t.stages.enter(Stage::return_path, created + issue + data);
  return t;
}

TEST(StreamStatistics, StagesAddUpToTheLatencyExactly) {
  StreamStatistics s;
  Transaction read = transaction(Op::read, 100, 7, 11);
  Transaction write = transaction(Op::write, 50, 0, 13);
  s.record(read, 100 + 7 + 11 + 5);
  s.record(write, 50 + 13);
  EXPECT_EQ(s.transactions, 2u);
  EXPECT_EQ(s.reads, 1u);
  EXPECT_EQ(s.writes, 1u);
  EXPECT_EQ(s.bytes, 128u);
  EXPECT_EQ(s.first_created, 50);
  EXPECT_EQ(s.last_response, 123);
  EXPECT_EQ(static_cast<Time>(s.latency.sum()), 23 + 13);
  __int128 sum = 0;
  for (const Histogram& stage : s.stages) sum += stage.sum();
  EXPECT_EQ(sum, s.latency.sum());
  EXPECT_EQ(static_cast<Time>(s.stages[static_cast<std::size_t>(Stage::return_path)].sum()), 5);
  EXPECT_EQ(s.stages[static_cast<std::size_t>(Stage::return_path)].count(), 1u);  // only those that spent time there
}

TEST(StreamStatistics, CollectiveOperationsBringData) {
  StreamStatistics s;
  for (const Op op : {Op::multicast, Op::reduce, Op::all_reduce}) {
    Transaction t = transaction(op, 0, 1, 2);
    s.record(t, 3);
  }
  EXPECT_EQ(s.writes, 3u);
  EXPECT_EQ(s.reads, 0u);
}

TEST(StreamStatistics, MergingEqualsRecordingEverything) {
  StreamStatistics whole;
  StreamStatistics parts[2];
  for (int i = 0; i < 20; ++i) {
    const Time created = i * 1000;
    for (StreamStatistics* s : {&whole, &parts[i % 2]}) {
      Transaction t = transaction(i % 3 == 0 ? Op::write : Op::read, created, i, 2 * i);
      s->record(t, created + 4 * i);
    }
  }
  parts[0].merge(parts[1]);
  EXPECT_EQ(parts[0].transactions, whole.transactions);
  EXPECT_EQ(parts[0].reads, whole.reads);
  EXPECT_EQ(parts[0].writes, whole.writes);
  EXPECT_EQ(parts[0].bytes, whole.bytes);
  EXPECT_EQ(parts[0].first_created, whole.first_created);
  EXPECT_EQ(parts[0].last_response, whole.last_response);
  EXPECT_EQ(parts[0].latency.sum(), whole.latency.sum());
  for (std::size_t s = 0; s < kStages; ++s) EXPECT_EQ(parts[0].stages[s].sum(), whole.stages[s].sum());
}

TEST(Blame, ChargesAndMerges) {
  Blame a;
  Blame b;
  a.charge(0, 1, 5);
  a.charge(0, 1, 6);
  b.charge(0, 1, 7);
  b.charge(2, kRefresh, 8);
  a.merge(b);
  EXPECT_EQ(a.wait(0, 1), 18);
  EXPECT_EQ(a.wait(2, kRefresh), 8);
  EXPECT_EQ(a.wait(1, 0), 0);
}

}  // namespace
}  // namespace cowosim::telemetry
