#include "compute/cache_slice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <stdexcept>

#include "core/parameter_visitor.h"
#include "core/random.h"
#include "fakes.h"
#include "support/heart_bench.h"

namespace cowosim::compute {
namespace {

using engine::Phase;
using test::HeartBench;

constexpr int kNet = CacheSlice::kNetwork;
constexpr int kMem = CacheSlice::kMemory;
constexpr Time kCycle = kNanosecond;
constexpr Time kHit = 50 * kNanosecond;
constexpr Time kMiss = 20 * kNanosecond;
constexpr Time kFill = 10 * kNanosecond;
constexpr std::uint16_t kCoreTerminal = 9;

CacheSliceParams small(int ways = 8, int sets = 1) {
  CacheSliceParams p;
  p.frequency = 1e9;
  p.ways = ways;
  p.capacity = std::int64_t{128} * ways * sets;
  p.hit_latency = kHit;
  p.miss_latency = kMiss;
  p.fill_latency = kFill;
  return p;
}

/// One slice, home of everything, on the bench.
struct OneSlice {
  explicit OneSlice(const CacheSliceParams& params, int credits = 64)
      : map(test::small_map(1, 1)), slices(map, 1, 1, true, 0), slice(params, slices, 0, credits), bench(slice) {}

  Handle request(Op op, std::uint64_t address, std::uint32_t bytes, Time t, StreamId stream = 0) {
    const Handle handle = bench.make(op, address, bytes, t, stream);
    Transaction& tx = bench.pools[handle];
    tx.source = kCoreTerminal;
    tx.via = tx.destination = 0;
    bench.deliver(kNet, Phase::request, handle, t);
    return handle;
  }
  /// Answers everything that memory was sent, `latency` after it came, credits included.
  void serve(Time latency) {
    while (served < bench.sent.size()) {
      const HeartBench::Sent s = bench.sent[served++];
      if (s.port != kMem) continue;
      bench.deliver(kMem, Phase::credit, kNoHandle, s.arrival);
      bench.deliver(kMem, bench.pools[s.transaction].op == Op::read ? Phase::response : Phase::retire, s.transaction,
                    s.arrival + latency);
    }
  }

  MemoryMap map;
  SliceMap slices;
  CacheSlice slice;
  HeartBench bench;
  std::size_t served = 0;
};

TEST(CacheSlice, MissHitAndFillLatenciesAreClosedForm) {
  OneSlice s(small());
  const Handle miss = s.request(Op::read, 0, 64, 100'500'000, 1);  // half a cycle off the edge
  ASSERT_EQ(s.bench.sent.size(), 1u);
  EXPECT_EQ(s.bench.sent[0].port, kMem);
  EXPECT_EQ(s.bench.sent[0].arrival, 101 * kNanosecond + kMiss);
  EXPECT_EQ(s.bench.pools[miss].fetch_bytes, 64u);
  s.bench.deliver(kMem, Phase::credit, kNoHandle, 150 * kNanosecond);
  s.bench.deliver(kMem, Phase::response, miss, 200 * kNanosecond);
  ASSERT_EQ(s.bench.sent.size(), 2u);
  EXPECT_EQ(s.bench.sent[1].port, kNet);
  EXPECT_EQ(s.bench.sent[1].arrival, 200 * kNanosecond + kFill);
  EXPECT_EQ(s.bench.pools[miss].destination, kCoreTerminal);

  const Handle hit = s.request(Op::read, 32, 32, 300 * kNanosecond);
  EXPECT_EQ(s.bench.sent.back().arrival, 300 * kNanosecond + kHit);
  EXPECT_EQ(s.bench.sent.back().phase, Phase::response);
  EXPECT_EQ(s.bench.pools[hit].stages.current(), Stage::l2);

  const Handle write = s.request(Op::write, 64, 64, 400 * kNanosecond);
  EXPECT_EQ(s.bench.sent.back().phase, Phase::retire);
  EXPECT_EQ(s.bench.sent.back().arrival, 400 * kNanosecond + kHit);
  EXPECT_EQ(s.bench.pools[write].destination, kCoreTerminal);
  EXPECT_EQ(s.slice.counters().hits, 1u);
  EXPECT_EQ(s.slice.counters().misses, 1u);
  EXPECT_EQ(s.slice.dirty_bytes(), 64u);
  EXPECT_TRUE(s.bench.violations().empty());
  s.bench.release_all();
  EXPECT_EQ(s.bench.pools.live(), 0u);
}

TEST(CacheSlice, OnlyMissingSectorsAreFetched) {
  OneSlice s(small());
  s.request(Op::read, 32, 32, 0);
  s.serve(100 * kNanosecond);
  // Sectors 0, 2, 3 of line 0 are missing, and all of line 1: from the first to the last of them.
  const Handle wide = s.request(Op::read, 0, 256, 500 * kNanosecond);
  EXPECT_EQ(s.bench.pools[wide].fetch_address, 0u);
  EXPECT_EQ(s.bench.pools[wide].fetch_bytes, 256u);
  s.serve(100 * kNanosecond);
  EXPECT_EQ(s.bench.pools[wide].fetch_bytes, 256u);
  s.request(Op::write, 256, 96, 800 * kNanosecond);
  const Handle tail = s.request(Op::read, 256, 128, 900 * kNanosecond);
  EXPECT_EQ(s.bench.pools[tail].fetch_address, 256u + 96u);
  EXPECT_EQ(s.bench.pools[tail].fetch_bytes, 32u);
  s.serve(100 * kNanosecond);
  EXPECT_EQ(s.bench.pools[tail].fetch_address, 256u) << "the answer carries what was asked for";
  EXPECT_EQ(s.bench.pools[tail].fetch_bytes, 128u);
  EXPECT_EQ(s.slice.counters().sector_hits, 1u + 3u);
  EXPECT_EQ(s.slice.counters().sector_misses, 1u + 7u + 1u);
  EXPECT_EQ(s.slice.counters().fetched_bytes, 32u + 256u + 32u);
  EXPECT_TRUE(s.bench.violations().empty());
  s.bench.release_all();
  EXPECT_EQ(s.bench.pools.live(), 0u);
}

TEST(CacheSlice, RequestsForDataUnderWayWaitForThem) {
  OneSlice s(small());
  const Handle first = s.request(Op::read, 0, 64, 0, 1);
  const Handle second = s.request(Op::read, 64, 64, 10 * kNanosecond, 2);
  const Handle both = s.request(Op::read, 0, 128, 20 * kNanosecond, 3);
  ASSERT_EQ(s.bench.sent.size(), 2u) << "the third asks nobody";
  const Time first_arrival = 300 * kNanosecond, second_arrival = 400 * kNanosecond;
  s.bench.deliver(kMem, Phase::credit, kNoHandle, first_arrival, 2);
  s.bench.deliver(kMem, Phase::response, first, first_arrival);
  ASSERT_EQ(s.bench.sent.size(), 3u);
  s.bench.deliver(kMem, Phase::response, second, second_arrival);
  ASSERT_EQ(s.bench.sent.size(), 5u);
  const auto answer = std::find_if(s.bench.sent.begin() + 2, s.bench.sent.end(),
                                   [&](const HeartBench::Sent& m) { return m.transaction == both; });
  ASSERT_NE(answer, s.bench.sent.end());
  EXPECT_EQ(answer->arrival, second_arrival + kFill);
  const Time wait = second_arrival + kFill - (20 * kNanosecond + kHit);
  EXPECT_EQ(s.slice.counters().merge_wait, wait);
  EXPECT_EQ(s.slice.merge_blame().wait(3, 2), wait);
  EXPECT_EQ(s.slice.merge_blame().wait(3, 1), 0);
  EXPECT_EQ(s.slice.counters().merges, 1u);
  EXPECT_EQ(s.slice.counters().sector_merges, 4u);
  EXPECT_EQ(s.slice.counters().fetched_bytes, 128u);
  EXPECT_TRUE(s.bench.violations().empty());
  s.bench.release_all();
  EXPECT_EQ(s.bench.pools.live(), 0u);
}

TEST(CacheSlice, DirtyVictimsAreWrittenBack) {
  OneSlice s(small(2));
  s.request(Op::write, 0, 32, 0, 4);
  s.request(Op::write, 64, 64, 0, 4);  // sectors 0, 2, 3 of line 0
  s.request(Op::write, 128, 128, 0, 5);
  const std::size_t before = s.bench.sent.size();
  s.request(Op::write, 256, 128, 100 * kNanosecond, 6);  // evicts line 0
  std::vector<HeartBench::Sent> evicted;
  for (std::size_t i = before; i < s.bench.sent.size(); ++i) {
    if (s.bench.sent[i].port == kMem) evicted.push_back(s.bench.sent[i]);
  }
  ASSERT_EQ(evicted.size(), 2u);
  const Transaction& low = s.bench.pools[evicted[0].transaction];
  const Transaction& high = s.bench.pools[evicted[1].transaction];
  EXPECT_EQ(low.address, 0u);
  EXPECT_EQ(low.bytes, 32u);
  EXPECT_EQ(high.address, 64u);
  EXPECT_EQ(high.bytes, 64u);
  EXPECT_EQ(low.op, Op::write);
  EXPECT_EQ(low.stream, 4);
  EXPECT_EQ(evicted[0].arrival, 100 * kNanosecond + kMiss);
  EXPECT_EQ(s.slice.counters().writebacks, 2u);
  EXPECT_EQ(s.slice.counters().writeback_bytes, 96u);
  EXPECT_EQ(s.slice.dirty_bytes(), 256u);
  EXPECT_FALSE(s.bench.violations().empty()) << "two credits are out";
  s.served = before;
  s.serve(50 * kNanosecond);
  EXPECT_TRUE(s.bench.violations().empty());
  s.bench.release_all();
  EXPECT_EQ(s.bench.pools.live(), 0u);
}

/// Lines in order of use, sectors in sets: nothing shared with the slice.
class ReferenceCache {
 public:
  explicit ReferenceCache(std::size_t lines) : lines_(lines) {}
  struct Entry {
    std::uint64_t line;
    std::set<int> valid, dirty;
  };
  /// Missing sectors of a read.
  int read(std::uint64_t address, std::uint32_t bytes) {
    int missing = 0;
    for_each_line(address, bytes, [&](std::uint64_t line, int from, int to) {
      const auto e = find(line);
      for (int i = from; i < to; ++i) missing += e == order_.end() || e->valid.count(i) == 0;
      if (e != order_.end()) order_.splice(order_.begin(), order_, e);
    });
    if (missing != 0) {
      for_each_line(address, bytes, [&](std::uint64_t line, int from, int to) {
        auto e = find(line);
        // Lines all of whose sectors are here are not part of the fetch unless they lie inside it; touching keeps the order.
        bool all = e != order_.end();
        for (int i = from; i < to && all; ++i) all = e->valid.count(i) != 0;
        if (all) return;
        e = touch(line);
        for (int i = from; i < to; ++i) e->valid.insert(i);
      });
    }
    return missing;
  }
  void write(std::uint64_t address, std::uint32_t bytes) {
    for_each_line(address, bytes, [&](std::uint64_t line, int from, int to) {
      const auto e = touch(line);
      for (int i = from; i < to; ++i) {
        e->valid.insert(i);
        overwritten += 32 * e->dirty.count(i);
        e->dirty.insert(i);
      }
    });
  }
  std::uint64_t evictions = 0, writeback_bytes = 0, overwritten = 0;
  std::uint64_t dirty_bytes() const {
    std::uint64_t sum = 0;
    for (const Entry& e : order_) sum += 32 * e.dirty.size();
    return sum;
  }

 private:
  template <class F>
  void for_each_line(std::uint64_t address, std::uint32_t bytes, F f) {
    for (std::uint64_t a = address; a < address + bytes;) {
      const std::uint64_t line = a / 128;
      const std::uint64_t end = std::min<std::uint64_t>(address + bytes, (line + 1) * 128);
      f(line, static_cast<int>(a % 128 / 32), static_cast<int>((end - 1) % 128 / 32 + 1));
      a = end;
    }
  }
  std::list<Entry>::iterator find(std::uint64_t line) {
    return std::find_if(order_.begin(), order_.end(), [&](const Entry& e) { return e.line == line; });
  }
  std::list<Entry>::iterator touch(std::uint64_t line) {
    const auto e = find(line);
    if (e != order_.end()) {
      order_.splice(order_.begin(), order_, e);
    } else {
      if (order_.size() == lines_) {
        ++evictions;
        writeback_bytes += 32 * order_.back().dirty.size();
        order_.pop_back();
      }
      order_.push_front({line, {}, {}});
    }
    return order_.begin();
  }
  std::size_t lines_;
  std::list<Entry> order_;
};

TEST(CacheSlice, SectorsAndReplacementAgainstAReference) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    OneSlice s(small(16));
    ReferenceCache reference(16);
    SplitMix64 random(seed);
    std::uint64_t missing = 0, reads = 0, writes = 0;
    Time now = 0;
    for (int i = 0; i < 3000; ++i) {
      now += kMicrosecond;
      const std::uint64_t address = 32 * bounded(random.next(), 4 * 24);
      const std::uint64_t room = 256 - address % 256;
      const auto bytes =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(room, 32 * (1 + bounded(random.next(), 4))));
      if (bounded(random.next(), 3) == 0) {
        s.request(Op::write, address, bytes, now);
        reference.write(address, bytes);
        writes += bytes;
      } else {
        s.request(Op::read, address, bytes, now);
        missing += static_cast<std::uint64_t>(reference.read(address, bytes));
        reads += bytes;
      }
      s.serve(100 * kNanosecond);
      ASSERT_EQ(s.slice.counters().sector_misses, missing) << "seed " << seed << " request " << i;
      ASSERT_EQ(s.slice.counters().evictions, reference.evictions) << "seed " << seed << " request " << i;
      ASSERT_EQ(s.slice.counters().writeback_bytes, reference.writeback_bytes);
    }
    EXPECT_GT(missing, 0u);
    EXPECT_GT(reference.evictions, 0u);
    EXPECT_EQ(s.slice.dirty_bytes(), reference.dirty_bytes());
    EXPECT_EQ(s.slice.counters().overwritten_bytes, reference.overwritten);
    EXPECT_EQ(s.slice.counters().read_bytes, reads);
    EXPECT_EQ(s.slice.counters().write_bytes, writes);
    EXPECT_EQ(writes, reference.writeback_bytes + reference.overwritten + reference.dirty_bytes());
    EXPECT_TRUE(s.bench.violations().empty());
    s.bench.release_all();
    EXPECT_EQ(s.bench.pools.live(), 0u);
  }
}

TEST(CacheSlice, AFootprintThatFitsHitsInAnySetCount) {
  // Sets need not be a power of two; three quarters of the capacity, hashed over 40 sets of 16 ways.
  OneSlice s(small(16, 40));
  const std::uint64_t lines = 16 * 40 * 3 / 4;
  Time now = 0;
  for (int pass = 0; pass < 3; ++pass) {
    for (std::uint64_t line = 0; line < lines; ++line) {
      now += 10 * kNanosecond;
      s.request(Op::read, line * 128, 128, now);
      s.serve(0);
    }
  }
  const auto c = s.slice.counters();
  EXPECT_EQ(c.reads, 3 * lines);
  EXPECT_GT(static_cast<double>(c.hits), 1.9 * static_cast<double>(lines)) << "at most a few sets overflow";
  s.bench.release_all();
}

TEST(CacheSlice, LookupsAreLimitedToTheirBandwidth) {
  CacheSliceParams p = small(8, 8);
  p.bytes_per_cycle = 64;
  OneSlice s(p);
  s.request(Op::write, 0, 256, 0, 1);
  const std::size_t before = s.bench.sent.size();
  const Time start = kMicrosecond;
  for (int i = 0; i < 32; ++i) s.request(Op::read, 0, 128, start, static_cast<StreamId>(i % 2));
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(s.bench.sent[before + static_cast<std::size_t>(i)].arrival, start + i * 2 * kCycle + kHit);
  }
  const Time waits = 2 * kCycle * 32 * 31 / 2;
  EXPECT_EQ(s.slice.counters().lookup_wait, waits);
  Time blamed = 0;
  for (const StreamId v : {0, 1}) {
    for (const StreamId h : {0, 1}) blamed += s.slice.lookup_blame().wait(v, h);
  }
  EXPECT_EQ(blamed, waits);
  EXPECT_EQ(s.slice.lookup_blame().wait(1, 0), 2 * kCycle * 16 * 17 / 2);
  s.bench.release_all();
}

TEST(CacheSlice, FetchesWaitForCreditsInOrder) {
  OneSlice s(small(8, 8), 2);
  for (int i = 0; i < 4; ++i) s.request(Op::read, static_cast<std::uint64_t>(i) * 256, 64, 0, static_cast<StreamId>(i));
  ASSERT_EQ(s.bench.sent.size(), 2u);
  std::vector<engine::Wait> waits;
  s.slice.report_waits(waits);
  ASSERT_FALSE(waits.empty());
  EXPECT_NE(waits[0].reason.find("no credit"), std::string::npos);
  s.bench.deliver(kMem, Phase::credit, kNoHandle, 100 * kNanosecond);
  ASSERT_EQ(s.bench.sent.size(), 3u);
  EXPECT_EQ(s.bench.sent[2].arrival, 100 * kNanosecond + kMiss);
  const Transaction& third = s.bench.pools[s.bench.sent[2].transaction];
  EXPECT_EQ(third.stream, 2);
  EXPECT_EQ(third.stages[Stage::queue], 98 * kNanosecond);
  EXPECT_EQ(third.stages[Stage::l2], 2 * kNanosecond);
  s.bench.deliver(kMem, Phase::credit, kNoHandle, 150 * kNanosecond);
  EXPECT_EQ(s.slice.credit_blame().wait(2, 0), 98 * kNanosecond) << "the first entry to come free was stream 0's";
  EXPECT_EQ(s.slice.credit_blame().wait(3, 0), 97 * kNanosecond);
  EXPECT_EQ(s.slice.credit_blame().wait(3, 1), 50 * kNanosecond);
  EXPECT_EQ(s.slice.counters().credit_wait, (98 + 97 + 50) * kNanosecond);
  s.bench.deliver(kMem, Phase::credit, kNoHandle, 160 * kNanosecond, 2);
  for (std::size_t i = 0; i < 4; ++i) {
    const Handle handle = s.bench.sent[i].transaction;
    s.bench.deliver(kMem, Phase::response, handle, 500 * kNanosecond);
  }
  EXPECT_TRUE(s.bench.violations().empty());
  EXPECT_THROW(s.bench.deliver(kMem, Phase::credit, kNoHandle, 600 * kNanosecond), std::logic_error);
  s.bench.release_all();
  EXPECT_EQ(s.bench.pools.live(), 0u);
}

TEST(CacheSlice, LookupsStopWithoutMissEntries) {
  CacheSliceParams p = small(8, 8);
  p.miss_entries = 8;
  OneSlice s(p);
  std::vector<Handle> handles;
  for (int i = 0; i < 10; ++i)
    handles.push_back(s.request(Op::read, static_cast<std::uint64_t>(i) * 256, 64, 0, static_cast<StreamId>(i)));
  EXPECT_EQ(s.bench.sent.size(), 8u);
  s.bench.deliver(kMem, Phase::credit, kNoHandle, 50 * kNanosecond, 8);
  s.bench.deliver(kMem, Phase::response, handles[3], 100 * kNanosecond);
  ASSERT_EQ(s.bench.sent.size(), 10u);
  EXPECT_EQ(s.bench.sent[9].transaction, handles[8]);
  EXPECT_EQ(s.bench.sent[9].arrival, 100 * kNanosecond + kMiss);
  s.bench.deliver(kMem, Phase::response, handles[0], 130 * kNanosecond);
  EXPECT_EQ(s.bench.sent[11].transaction, handles[9]);
  // Eight lookups of a cycle each came before; then the port stood still until streams 3 and 0 freed an entry.
  EXPECT_EQ(s.slice.lookup_blame().wait(8, 3), 1 * kNanosecond + 92 * kNanosecond);
  EXPECT_EQ(s.slice.lookup_blame().wait(9, 3), 1 * kNanosecond + 92 * kNanosecond);
  EXPECT_EQ(s.slice.lookup_blame().wait(9, 8), 1 * kNanosecond);
  EXPECT_EQ(s.slice.lookup_blame().wait(9, 0), 1 * kNanosecond + 29 * kNanosecond);
  Time blamed = 0;
  for (StreamId v = 0; v < 10; ++v) {
    for (StreamId h = 0; h < 10; ++h) blamed += s.slice.lookup_blame().wait(v, h);
  }
  EXPECT_EQ(blamed, s.slice.counters().lookup_wait);
  s.bench.deliver(kMem, Phase::credit, kNoHandle, 200 * kNanosecond, 2);
  for (int i = 1; i < 10; ++i) {
    if (i != 3) s.bench.deliver(kMem, Phase::response, handles[static_cast<std::size_t>(i)], 300 * kNanosecond);
  }
  EXPECT_TRUE(s.bench.violations().empty());
  s.bench.release_all();
  EXPECT_EQ(s.bench.pools.live(), 0u);
}

TEST(CacheSlice, NearSliceGoesThroughTheHomeSlice) {
  const MemoryMap map = test::small_map(1, 2);
  const SliceMap slices(map, 1, 2, true, 0);
  std::uint64_t far = 0;
  while (slices.home_terminal(far) != 1) far += 256;
  CacheSlice near(small(), slices, 0, 4);
  HeartBench bench(near);
  const auto request = [&](Op op, Time t) {
    const Handle handle = bench.make(op, far, 64, t);
    bench.pools[handle].source = kCoreTerminal;
    bench.pools[handle].via = bench.pools[handle].destination = slices.near_terminal(far, 0);
    bench.deliver(kNet, Phase::request, handle, t);
    return handle;
  };
  const Handle read = request(Op::read, 0);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].port, kNet);
  EXPECT_EQ(bench.sent[0].arrival, kMiss);
  EXPECT_EQ(bench.pools[read].destination, 1);
  EXPECT_EQ(bench.pools[read].via, 0);
  bench.deliver(kNet, Phase::response, read, 300 * kNanosecond);
  EXPECT_EQ(bench.sent.back().arrival, 300 * kNanosecond + kFill);
  EXPECT_EQ(bench.pools[read].destination, kCoreTerminal);
  const Handle again = request(Op::read, 400 * kNanosecond);
  EXPECT_EQ(bench.sent.back().arrival, 400 * kNanosecond + kHit) << "a copy of it is here now";
  const Handle write = request(Op::write, 500 * kNanosecond);
  EXPECT_EQ(bench.sent.back().phase, Phase::request);
  EXPECT_EQ(bench.pools[write].destination, 1);
  EXPECT_EQ(near.dirty_bytes(), 0u);
  EXPECT_EQ(near.counters().near_requests, 3u);
  EXPECT_EQ(near.counters().forwarded_bytes, 64u);

  // The home slice keeps the write and answers the core itself; a read goes back to the near slice.
  CacheSlice home(small(), slices, 1, 4);
  HeartBench home_bench(home);
  const Handle forwarded = home_bench.make(Op::write, far, 64, 0);
  home_bench.pools[forwarded].source = kCoreTerminal;
  home_bench.pools[forwarded].via = bench.pools[write].via;
  home_bench.deliver(kNet, Phase::request, forwarded, 0);
  EXPECT_EQ(home_bench.pools[forwarded].destination, kCoreTerminal);
  EXPECT_EQ(home_bench.sent.back().phase, Phase::retire);
  const Handle asked = home_bench.make(Op::read, far, 64, 10);
  home_bench.pools[asked].source = kCoreTerminal;
  home_bench.pools[asked].via = 0;
  home_bench.deliver(kNet, Phase::request, asked, 10 * kNanosecond);
  EXPECT_EQ(home_bench.pools[asked].destination, 0);
  EXPECT_EQ(home.counters().home_requests, 2u);
  bench.release(write);
  bench.release(again);
  bench.release(read);
  home_bench.release_all();
  EXPECT_EQ(bench.pools.live() + home_bench.pools.live(), 0u);
  EXPECT_TRUE(bench.violations().empty());
  EXPECT_TRUE(home_bench.violations().empty());
}

TEST(CacheSlice, RejectsSizesThatDoNotFit) {
  CacheSliceParams p = small();
  p.capacity += 128;
  EXPECT_THROW(OneSlice{p}, std::invalid_argument);
  p = small();
  p.line_bytes = 96;
  EXPECT_THROW(OneSlice{p}, std::invalid_argument);
  p = small();
  p.sector_bytes = 8;
  EXPECT_THROW(OneSlice{p}, std::invalid_argument);
  EXPECT_THROW(OneSlice(small(), 0), std::invalid_argument);
  for (const ParameterInfo& info : describe(CacheSliceParams())) EXPECT_FALSE(info.source.empty()) << info.path;
}

TEST(CacheSlice, DataNobodyAskedForIsAnError) {
  OneSlice s(small());
  const Handle handle = s.bench.make(Op::read, 0, 64, 0);
  EXPECT_THROW(s.bench.deliver(kMem, Phase::response, handle, kNanosecond), std::logic_error);
  s.bench.release(handle);
}

}  // namespace
}  // namespace cowosim::compute
