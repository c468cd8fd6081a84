#include "engine/pool.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace cowosim::engine {
namespace {

TEST(Pool, HandlesNameTransactionsAndIdentitiesDependOnTheNameOnly) {
  Pools one, two;
  one.add("other");
  Pool& a = one.add("core_7");
  Pool& b = two.add("core_7");
  const Handle h = a.create();
  const Handle g = b.create();
  EXPECT_NE(h, g);
  EXPECT_EQ(one[h].identity, two[g].identity);
  EXPECT_EQ(one.live(), 1u);
  a.release(h);
  EXPECT_EQ(one.live(), 0u);
  const Handle again = a.create();
  EXPECT_EQ(again, h);
  EXPECT_EQ(one[again].number, 1u);
  EXPECT_NE(one[again].identity, two[g].identity);
  for (int i = 0; i < 1000; ++i) one[a.create()].address = static_cast<std::uint64_t>(i);
  EXPECT_EQ(one.live(), 1001u);
}

TEST(Pool, AFreshTransactionKnowsNothingOfTheOneBefore) {
  Pools pools;
  Pool& pool = pools.add("core_0");
  const Handle first = pool.create();
  Transaction& t = pools[first];
  t.address = t.fetch_address = 64;
  t.bytes = t.fetch_bytes = t.tag = 32;
  t.op = Op::write;
  t.stream = t.workload = 3;
  t.source = t.via = t.destination = 9;
  t.created = 5;
  t.stages.start(Stage::issue, 5);
  t.stages.enter(Stage::queue, 7);
  pool.release(first);
  const Pool::Fresh again = pool.fresh();
  ASSERT_EQ(again.handle, first);
  const Transaction& fresh = again.transaction;
  EXPECT_EQ(&fresh, &pools[first]);
  EXPECT_EQ(fresh.address + fresh.fetch_address + fresh.bytes + fresh.fetch_bytes + fresh.tag, 0u);
  EXPECT_EQ(fresh.op, Op::read);
  EXPECT_EQ(fresh.stream + fresh.workload + fresh.source + fresh.via + fresh.destination, 0);
  EXPECT_EQ(fresh.created, 0);
  again.transaction.stages.start(Stage::noc, 20);
  EXPECT_EQ(fresh.stages.visited(), 0u);
  for (std::size_t s = 0; s < kStages; ++s) EXPECT_EQ(fresh.stages[static_cast<Stage>(s)], 0);
}

TEST(Pool, HoldsSoManyAndNoMore) {
  Pools pools;
  Pool& pool = pools.add("core_0");
  std::vector<Handle> handles;
  for (std::uint32_t i = 0; i < Pool::kCapacity; ++i) handles.push_back(pool.create());
  EXPECT_EQ(pool.live(), Pool::kCapacity);
  EXPECT_THROW(pool.create(), std::length_error);
  pool.release(handles[77]);
  EXPECT_EQ(pool.live(), Pool::kCapacity - 1);
  EXPECT_EQ(pool.create(), handles[77]);
  EXPECT_EQ(pool.created(), Pool::kCapacity + 1u);
}

TEST(StageRecord, KnowsWhereTimeWasSpent) {
  StageRecord record;
  record.start(Stage::issue, 10);
  record.enter(Stage::queue, 10);
  record.enter(Stage::data, 25);
  record.enter(Stage::queue, 27);
  record.enter(Stage::queue, 30);
  EXPECT_EQ(record.visited(), 1u << static_cast<unsigned>(Stage::queue) | 1u << static_cast<unsigned>(Stage::data));
  EXPECT_EQ(record[Stage::queue], 18);
  EXPECT_EQ(record[Stage::data], 2);
}

}  // namespace
}  // namespace cowosim::engine
