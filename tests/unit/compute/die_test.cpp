// Cores, a network, slices in two partitions and memories in one closed loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "compute/cache_slice.h"
#include "compute/core.h"
#include "core/random.h"
#include "engine/coupling.h"
#include "fakes.h"

namespace cowosim::compute {
namespace {

using work::Tile;

struct DieOptions {
  int cores = 4;
  int channels = 4;
  int partitions = 2;
  bool cache_far = true;
  int door = 6;
  int miss_entries = 24;
  int write_buffers = 4;
  std::int64_t capacity = 16 << 10;
  Time service = 2 * kNanosecond;
};

class Die {
 public:
  Die(const DieOptions& o, const std::vector<const work::Program*>& programs,
      std::vector<std::pair<int, std::uint64_t>> tiles)
      : map(test::small_map(1, o.channels)),
        slices_map(map, 1, o.partitions, o.cache_far, static_cast<std::uint16_t>(o.cores)),
        network(o.cores + o.channels, 12 * kNanosecond),
        dispatcher(o.cores, std::move(tiles)) {
    CoreParams core_params;
    core_params.transaction_bytes = 128;
    core_params.max_outstanding_bytes = 4096;
    CacheSliceParams slice_params;
    slice_params.capacity = o.capacity;
    slice_params.miss_entries = o.miss_entries;
    slice_params.write_buffers = o.write_buffers;
    coupling.add("network", network);
    coupling.add("dispatcher", dispatcher);
    for (int i = 0; i < o.cores; ++i) {
      cores.push_back(std::make_unique<Core>(core_params, programs, slices_map, static_cast<std::uint16_t>(i),
                                             i * o.partitions / o.cores));
      coupling.add("core_" + std::to_string(i), *cores.back());
      coupling.wire(*cores.back(), Core::kNetwork, network, i);
      coupling.wire(dispatcher, i, *cores.back(), Core::kDispatcher);
    }
    for (int i = 0; i < o.channels; ++i) {
      slices.push_back(std::make_unique<CacheSlice>(slice_params, slices_map,
                                                    slices_map.terminal(static_cast<std::uint32_t>(i)), o.door));
      memories.push_back(std::make_unique<test::FakeMemory>(o.door, o.service, 40 * kNanosecond));
      coupling.add("slice_" + std::to_string(i), *slices.back());
      coupling.add("memory_" + std::to_string(i), *memories.back());
      coupling.wire(*slices.back(), CacheSlice::kNetwork, network, o.cores + i);
      coupling.wire(*slices.back(), CacheSlice::kMemory, *memories.back(), 0);
    }
    coupling.set_pools(pools);
    coupling.for_each([](engine::Heart& heart) { heart.start(); });
  }

  /// Runs to the end in steps drawn by `seed`; 0: in one go.
  void run(std::uint64_t seed) {
    SplitMix64 random(seed);
    while (coupling.due() != kNever) {
      const Time step = seed == 0 ? kMillisecond : 1 + static_cast<Time>(bounded(random.next(), 30 * kNanosecond));
      now += step;
      coupling.advance(now);
    }
    now = std::max(now, kMillisecond);
    coupling.advance(now);
  }
  std::vector<std::uint64_t> hashes() {
    std::vector<std::uint64_t> all;
    coupling.for_each([&](engine::Heart& heart) { all.push_back(heart.journal().hash() + heart.services().hash()); });
    return all;
  }

  engine::Pools pools;
  MemoryMap map;
  SliceMap slices_map;
  engine::Coupling coupling;
  test::FakeNetwork network;
  test::Dispatcher dispatcher;
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<std::unique_ptr<CacheSlice>> slices;
  std::vector<std::unique_ptr<test::FakeMemory>> memories;
  Time now = 0;
};

/// Reads shared by all tiles, own reads, compute, own stores.
std::unique_ptr<work::Program> mixed_program(StreamId stream, std::uint64_t base, int tiles) {
  std::vector<Tile> list;
  for (int i = 0; i < tiles; ++i) {
    Tile t;
    t.loads[0] = test::rows(base, 2048);
    t.loads[1] = test::rows(base + 0x10000 + static_cast<std::uint64_t>(i) * 4096, 4096);
    t.loads[2].pattern = work::Pattern::random;
    t.loads[2].base = base;
    t.loads[2].footprint = 1 << 17;
    t.loads[2].row_bytes = 96;
    t.loads[2].rows = 16;
    t.loads[2].first = static_cast<std::uint64_t>(i) * 16;
    t.loads[2].seed = 5;
    t.load_count = 3;
    t.flops = 4096 * 300;
    t.stores[0] = test::rows(base + 0x80000 + static_cast<std::uint64_t>(i) * 1024, 1024);
    t.store_count = 1;
    list.push_back(t);
  }
  return test::program_of(stream, std::move(list));
}

std::vector<std::pair<int, std::uint64_t>> all_tiles(const std::vector<const work::Program*>& programs) {
  std::vector<std::pair<int, std::uint64_t>> tiles;
  for (std::size_t p = 0; p < programs.size(); ++p) {
    for (std::uint64_t i = 0; i < programs[p]->operators[0]->tiles(); ++i) tiles.emplace_back(static_cast<int>(p), i);
  }
  return tiles;
}

Time sum_of(const telemetry::Blame& blame) {
  Time sum = 0;
  for (std::size_t v = 0; v < kMaxStreams; ++v) {
    for (std::size_t h = 0; h < telemetry::kHolders; ++h)
      sum += blame.wait(static_cast<StreamId>(v), static_cast<telemetry::Holder>(h));
  }
  return sum;
}

class DieTest : public ::testing::TestWithParam<DieOptions> {
 protected:
  DieTest()
      : first(mixed_program(0, 0, 40)), second(mixed_program(3, 0x200000, 24)), programs{first.get(), second.get()} {}
  std::unique_ptr<work::Program> first, second;
  std::vector<const work::Program*> programs;
};

TEST_P(DieTest, EverythingComesBackAndTheBooksAreRight) {
  Die die(GetParam(), programs, all_tiles(programs));
  die.run(0);
  EXPECT_EQ(die.dispatcher.done, 64u);
  EXPECT_EQ(die.pools.live(), 0u);
  std::vector<std::string> violations;
  die.coupling.check_idle(violations);
  for (const std::string& v : violations) ADD_FAILURE() << v;

  std::uint64_t reads = 0, writes = 0, read_bytes = 0, write_bytes = 0;
  for (const auto& core : die.cores) {
    const CoreActivity a = core->activity(die.now);
    EXPECT_EQ(a.sum(), die.now);
    EXPECT_EQ(a.wait_load_open, 0);
    for (const StreamId s : {0, 3}) {
      const telemetry::StreamStatistics& stream = *core->stream(s);
      reads += stream.reads;
      writes += stream.writes;
      read_bytes += stream.bytes;
      __int128 stages = 0;
      for (const telemetry::Histogram& stage : stream.stages) stages += stage.sum();
      EXPECT_TRUE(stages == stream.latency.sum());
    }
  }
  EXPECT_GT(reads, 64u * 60);
  std::uint64_t home = 0, near = 0, home_fetched = 0, merges = 0, writebacks = 0, home_reads = 0;
  for (std::size_t i = 0; i < die.slices.size(); ++i) {
    const CacheSlice::Counters c = die.slices[i]->counters();
    home += c.home_requests;
    near += c.near_requests;
    merges += c.merges;
    writebacks += c.writebacks;
    write_bytes += c.kept_bytes;
    home_fetched += die.memories[i]->read_bytes;
    home_reads += c.reads;
    EXPECT_EQ(die.memories[i]->written_bytes, c.writeback_bytes);
    EXPECT_EQ(die.memories[i]->overflows, 0);
    EXPECT_EQ(sum_of(die.slices[i]->lookup_blame()), c.lookup_wait);
    EXPECT_EQ(sum_of(die.slices[i]->merge_blame()), c.merge_wait);
    EXPECT_EQ(sum_of(die.slices[i]->credit_blame()), c.credit_wait);
    EXPECT_EQ(c.reads, c.hits + c.misses + c.merges);
  }
  EXPECT_EQ(writes * 128, write_bytes) << "each store is kept in exactly one home slice";
  EXPECT_GT(merges, 0u);
  EXPECT_GT(writebacks, 0u);
  if (GetParam().partitions > 1 && GetParam().cache_far) {
    EXPECT_GT(near, 0u);
  } else {
    EXPECT_EQ(near, 0u);
    EXPECT_EQ(home, reads + writes);
  }
}

TEST_P(DieTest, SlicingTimeChangesNothing) {
  Die whole(GetParam(), programs, all_tiles(programs));
  whole.run(0);
  for (const std::uint64_t seed : {11u, 12u}) {
    Die sliced(GetParam(), programs, all_tiles(programs));
    sliced.run(seed);
    EXPECT_EQ(sliced.hashes(), whole.hashes());
    EXPECT_EQ(sliced.dispatcher.last, whole.dispatcher.last);
    for (std::size_t i = 0; i < whole.cores.size(); ++i) {
      EXPECT_EQ(sliced.cores[i]->activity(kMillisecond).wait_load, whole.cores[i]->activity(kMillisecond).wait_load);
    }
  }
  // The comparison can fail: a memory a little slower gives other hashes.
  DieOptions slower = GetParam();
  slower.service += kPicosecond;
  Die other(slower, programs, all_tiles(programs));
  other.run(0);
  EXPECT_NE(other.hashes(), whole.hashes());
}

INSTANTIATE_TEST_SUITE_P(Shapes, DieTest,
                         ::testing::Values(DieOptions{}, DieOptions{4, 4, 2, false}, DieOptions{3, 5, 1, true},
                                           DieOptions{4, 6, 3, true, 2, 8, 1, 4 << 10, 10 * kNanosecond}));

}  // namespace
}  // namespace cowosim::compute
