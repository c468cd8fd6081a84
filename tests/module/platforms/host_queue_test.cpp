// A host's kernels on a real dispatcher and cores that only take time; no SystemC happens here.
#include "platforms/host_queue.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "platforms/register_block.h"
#include "unit/traffic/harness.h"

namespace cowosim::platforms {
namespace {

using host::Descriptor;
using host::Error;
using host::Opcode;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Time kNs = kNanosecond;
constexpr std::uint64_t kMemory = 1 << 20;  // two regions of half of it
constexpr std::uint64_t kRegisters = 1 << 24;
constexpr std::uint64_t kRing = 0x10000;
constexpr std::uint64_t kFlag = 0x20000;

AddressMap small_map() {
  std::vector<AddressRegion> regions(3);
  regions[0].name = "near";
  regions[0].bytes = kMemory / 2;
  regions[1].name = "far";
  regions[1].first = kMemory / 2;
  regions[1].bytes = kMemory / 2;
  regions[2].name = "registers";
  regions[2].first = kRegisters;
  regions[2].bytes = 1 << 16;
  regions[2].kind = AddressRegion::Kind::registers;
  return AddressMap(regions);
}

traffic::DispatcherParams dispatcher_params() {
  traffic::DispatcherParams params;
  params.launch_latency = 5 * kNs;
  params.launch_overhead = 100 * kNs;
  return params;
}

/// A tile takes 10 ns: an operator of one tile 16 ns with launch and answer.
struct Bench {
  explicit Bench(bool data = true, Time slice = 1 * kNs)
      : map(small_map()), memory(kMemory), dispatcher(dispatcher_params(), 2, {open(program)}), window(slice) {
    params.fetch_latency = 50 * kNs;
    params.ring_entries = 16;
    dispatcher.set_name("dispatcher");
    dispatcher.set_pools(pools);
    loop.add(dispatcher);
    for (int i = 0; i < 2; ++i) {
      cores.push_back(std::make_unique<test::FakeCore>([](std::uint64_t) { return 10 * kNs; }));
      cores.back()->set_pools(pools);
      loop.add(*cores.back());
    }
    for (int i = 0; i < 2; ++i) loop.connect(dispatcher, i, *cores[static_cast<std::size_t>(i)], 0, 1 * kNs);
    dispatcher.start();
    queue = std::make_unique<HostQueue>(params, map, data ? &memory : nullptr, program, dispatcher, 0);
    block = std::make_unique<RegisterBlock>(std::vector<engine::Heart*>{&dispatcher}, queue.get());
  }
  static const work::Program* open(work::Program& program) {
    program.name = "host";
    program.open = true;
    return &program;
  }

  void run_to(Time t) {
    loop.run(window, t);
    now = t;
  }
  bool write(std::uint64_t offset, std::uint64_t value) {
    unsigned char bytes[8];
    host::store_little_endian(value, bytes, 8);
    return block->write(offset, bytes, 8, now);
  }
  std::uint64_t read(std::uint64_t offset) {
    unsigned char bytes[8];
    EXPECT_TRUE(block->read(offset, bytes, 8, now));
    return host::load_little_endian(bytes, 8);
  }
  void make_ring(std::uint64_t base, std::uint64_t entries) {
    ASSERT_TRUE(write(host::ring_base, base));
    ASSERT_TRUE(write(host::ring_entries, entries));
  }
  void put(std::uint64_t number, const Descriptor& descriptor) {
    unsigned char bytes[host::kDescriptorBytes];
    host::pack(descriptor, bytes);
    memory.write(read(host::ring_base) + number % read(host::ring_entries) * host::kDescriptorBytes, bytes,
                 sizeof bytes);
  }
  std::uint64_t word(std::uint64_t address) const {
    unsigned char bytes[8];
    memory.read(address, bytes, 8);
    return host::load_little_endian(bytes, 8);
  }
  void set_word(std::uint64_t address, std::uint64_t value) {
    unsigned char bytes[8];
    host::store_little_endian(value, bytes, 8);
    memory.write(address, bytes, 8);
  }
  Error error() { return static_cast<Error>(read(host::error)); }
  void expect_done() {
    run_to(kMillisecond);
    EXPECT_EQ(read(host::head), read(host::tail));
    EXPECT_EQ(read(host::status) & host::kBusy, 0u);
    EXPECT_FALSE(queue->active());
    EXPECT_TRUE(dispatcher.finished());
    EXPECT_THAT(test::broken_rules(dispatcher), IsEmpty());
    EXPECT_EQ(pools.live(), 0u);
  }

  engine::Pools pools;
  RegisterParams params;
  AddressMap map;
  SparseMemory memory;
  work::Program program;
  traffic::Dispatcher dispatcher;
  std::vector<std::unique_ptr<test::FakeCore>> cores;
  test::Loop loop;
  std::unique_ptr<HostQueue> queue;
  std::unique_ptr<RegisterBlock> block;
  Time window;
  Time now = 0;
};

Descriptor kernel(Opcode opcode, std::uint64_t value = 0) {
  Descriptor d;
  d.opcode = static_cast<std::uint8_t>(opcode);
  if (value != 0) {
    d.flags = host::kNotify;
    d.completion_address = kFlag;
    d.completion_value = value;
  }
  return d;
}
Descriptor copy(std::uint64_t from, std::uint64_t to, std::uint64_t bytes, std::uint64_t value = 0) {
  Descriptor d = kernel(Opcode::copy, value);
  d.source = from;
  d.destination = to;
  d.bytes = bytes;
  return d;
}
Descriptor gemm(std::uint32_t m, std::uint32_t n, std::uint32_t k) {
  Descriptor d = kernel(Opcode::gemm);
  d.m = m;
  d.n = n;
  d.k = k;
  d.element_bytes = 2;
  d.source = 0;
  d.second = 0x40000;
  d.destination = 0x80000;
  return d;
}

TEST(HostInterface, ADescriptorIsTheBytesOfTheGuide) {
  Descriptor d;
  d.opcode = 3;
  d.flags = 1;
  d.element_bytes = 0x0302;
  d.m = 0x07060504;
  d.n = 0x0b0a0908;
  d.k = 0x0f0e0d0c;
  d.source = 0x1716151413121110;
  d.destination = 0x1f1e1d1c1b1a1918;
  d.second = 0x2726252423222120;
  d.bytes = 0x2f2e2d2c2b2a2928;
  d.completion_address = 0x3736353433323130;
  d.completion_value = 0x3f3e3d3c3b3a3938;
  unsigned char bytes[host::kDescriptorBytes];
  host::pack(d, bytes);
  EXPECT_EQ(bytes[0], 3);
  EXPECT_EQ(bytes[1], 1);
  for (unsigned i = 2; i < host::kDescriptorBytes; ++i) EXPECT_EQ(bytes[i], i);
  unsigned char again[host::kDescriptorBytes];
  host::pack(host::unpack(bytes), again);
  EXPECT_TRUE(std::equal(bytes, bytes + host::kDescriptorBytes, again));
}

TEST(HostQueue, ACopyMovesItsBytesWhenItEndsAndSaysSo) {
  Bench b;
  b.make_ring(kRing, 4);
  EXPECT_EQ(b.read(host::features), host::kHasQueue);
  EXPECT_EQ(b.read(host::status), host::kEnabled);
  b.run_to(1000 * kNs);
  b.set_word(0x101, 0x1122334455667788);
  b.put(0, copy(0x101, 0x7fff9, 8, 42));  // unaligned, and across two regions of memory
  ASSERT_TRUE(b.write(host::tail, 1));
  EXPECT_EQ(b.read(host::status), host::kEnabled | host::kBusy);
  EXPECT_EQ(b.read(host::kernels_launched), 1u);
  b.set_word(0x101, 0x99);  // while it runs: it reads what is there when it ends

  // fetch_latency 50, launch 5, compute 10, answer 1.
  b.run_to(1066 * kNs);
  EXPECT_EQ(b.read(host::head), 0u) << "at its very end nobody knows yet";
  EXPECT_EQ(b.word(kFlag), 0u);
  b.run_to(1066 * kNs + 1);
  EXPECT_EQ(b.word(kFlag), 0u) << "nobody has asked";
  EXPECT_EQ(b.read(host::head), 1u);
  EXPECT_EQ(b.word(kFlag), 42u);
  EXPECT_EQ(b.word(0x7fff9), 0x99u);
  EXPECT_EQ(b.read(host::status), host::kEnabled);
  EXPECT_EQ(b.read(host::kernels_ended), 1u);
  EXPECT_EQ(b.error(), Error::none);
  b.expect_done();
}

TEST(HostQueue, MemoryThatNobodyHasWrittenCostsNothingWhenItIsMoved) {
  Bench b;
  b.make_ring(kRing, 4);
  b.put(0, copy(0x40000, 0x80000, 0x40000));
  Descriptor zeros = kernel(Opcode::fill);
  zeros.destination = 0x40000;
  zeros.bytes = 0x40000;
  b.put(1, zeros);
  const std::uint64_t pages = b.memory.pages();
  ASSERT_TRUE(b.write(host::tail, 2));
  b.expect_done();
  EXPECT_EQ(b.read(host::kernels_ended), 2u);
  EXPECT_EQ(b.memory.pages(), pages);
}

TEST(HostQueue, KernelsRunInOrderAndEachCompletesOnItsOwn) {
  Bench b;
  b.make_ring(kRing, 8);
  b.set_word(0x1000, 7);
  b.put(0, copy(0x1000, 0x2000, 64, 1));
  b.put(1, copy(0x2000, 0x3000, 64, 2));  // of what the first one has brought
  b.put(2, kernel(Opcode::nop, 3));
  ASSERT_TRUE(b.write(host::tail, 3));
  const auto& records = b.dispatcher.operators(0);
  b.run_to(67 * kNs);
  EXPECT_EQ(b.read(host::head), 1u);
  EXPECT_EQ(b.word(kFlag), 1u);
  EXPECT_EQ(b.word(0x2000), 7u);
  EXPECT_EQ(b.word(0x3000), 0u);
  b.expect_done();
  EXPECT_EQ(b.word(0x3000), 7u);
  EXPECT_EQ(b.word(kFlag), 3u);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].start, 50 * kNs);
  EXPECT_EQ(records[1].start, 166 * kNs) << "launch_overhead after the end of the one before";
  EXPECT_EQ(records[2].start, 282 * kNs);
  EXPECT_EQ(b.program.operators[0]->name(), "copy_0");
  EXPECT_EQ(b.program.operators[2]->name(), "nop_2");
  EXPECT_EQ(b.program.operators[0]->bytes, 128u);
}

TEST(HostQueue, EveryOpcodeIsAnOperatorOfItsShape) {
  Bench b;
  b.make_ring(kRing, 8);
  Descriptor load = kernel(Opcode::load);
  load.source = 0x40000;
  load.bytes = 100'000;
  Descriptor fill = kernel(Opcode::fill);
  fill.destination = 0x40003;
  fill.bytes = 70'001;
  fill.second = 0x0807060504030201;
  b.put(0, load);
  b.put(1, fill);
  b.put(2, gemm(64, 128, 256));
  ASSERT_TRUE(b.write(host::tail, 3));
  b.expect_done();
  const auto& ops = b.program.operators;
  EXPECT_EQ(ops[0]->bytes, 100'000u);
  EXPECT_EQ(ops[0]->tile(0).store_count, 0);
  EXPECT_EQ(ops[1]->bytes, 70'001u);
  EXPECT_EQ(ops[1]->tile(0).load_count, 0);
  EXPECT_EQ(ops[2]->kind(), "gemm");
  EXPECT_EQ(ops[2]->flops, 2u * 64 * 128 * 256);
  for (std::uint64_t i = 0; i < fill.bytes; ++i) {
    unsigned char c = 0;
    b.memory.read(fill.destination + i, &c, 1);
    ASSERT_EQ(c, i % 8 + 1) << i;
  }
  unsigned char beyond = 1;
  b.memory.read(fill.destination + fill.bytes, &beyond, 1);
  EXPECT_EQ(beyond, 0);
  EXPECT_EQ(b.dispatcher.tiles_done(0), ops[0]->tiles() + ops[1]->tiles() + ops[2]->tiles());
}

TEST(HostQueue, TheRingWrapsAroundAgainAndAgain) {
  Bench b;
  b.make_ring(kRing, 3);
  std::uint64_t expected = 0;
  for (std::uint64_t number = 0; number < 20; ++number) {
    b.put(number, copy(0x1000, 0x2000 + 8 * number, 8));
    b.set_word(0x1000, number + 1);
    ASSERT_TRUE(b.write(host::tail, number + 1));
    b.run_to(b.now + 1000 * kNs);
    expected += 1;
    EXPECT_EQ(b.read(host::head), expected);
    EXPECT_EQ(b.word(0x2000 + 8 * number), number + 1);
  }
  b.expect_done();
}

TEST(HostQueue, AFullRingTakesNoMore) {
  Bench b;
  b.make_ring(kRing, 3);
  for (std::uint64_t number = 0; number < 3; ++number) b.put(number, kernel(Opcode::nop));
  ASSERT_TRUE(b.write(host::tail, 3)) << "head = tail - entries is full, and legal";
  EXPECT_FALSE(b.write(host::tail, 4));
  EXPECT_EQ(b.error(), Error::tail_overflow);
  EXPECT_EQ(b.read(host::error_descriptor), 4u);
  EXPECT_EQ(b.block->error(), "doorbell: tail 4 is more than 3 entries ahead of head 0");
  EXPECT_EQ(b.read(host::tail), 3u) << "refused: nothing has changed";
  EXPECT_FALSE(b.write(host::tail, ~std::uint64_t{0}));
  EXPECT_FALSE(b.write(host::tail, 2)) << "backwards";
  EXPECT_EQ(b.error(), Error::tail_overflow) << "the first error stays";
  EXPECT_EQ(b.read(host::errors), 3u);
  b.run_to(67 * kNs);
  b.put(3, kernel(Opcode::nop));
  EXPECT_TRUE(b.write(host::tail, 4)) << "one has ended";
  EXPECT_TRUE(b.write(host::error, 0));
  EXPECT_EQ(b.error(), Error::none);
  EXPECT_EQ(b.read(host::status) & host::kFailed, 0u);
  EXPECT_FALSE(b.write(host::tail, 3));
  EXPECT_EQ(b.error(), Error::tail_backwards);
  b.expect_done();
  EXPECT_EQ(b.read(host::head), 4u);
}

TEST(HostQueue, ABadRingIsRefused) {
  Bench b;
  EXPECT_FALSE(b.write(host::tail, 1));
  EXPECT_EQ(b.error(), Error::ring_entries) << "there is none yet";
  ASSERT_TRUE(b.write(host::error, 1));
  EXPECT_FALSE(b.write(host::ring_base, kRing + 32));
  EXPECT_EQ(b.error(), Error::ring_base);
  EXPECT_EQ(b.block->error(), "ring_base: 0x10020 is no multiple of 64");
  EXPECT_EQ(b.read(host::ring_base), 0u);
  ASSERT_TRUE(b.write(host::error, 1));
  EXPECT_FALSE(b.write(host::ring_entries, 0));
  EXPECT_FALSE(b.write(host::ring_entries, 17)) << "more than registers.ring_entries";
  EXPECT_EQ(b.error(), Error::ring_entries);
  for (const std::uint64_t base : {kMemory - 64, kMemory, kRegisters, std::uint64_t{1} << 40, ~std::uint64_t{63}}) {
    b.make_ring(base, 2);
    ASSERT_TRUE(b.write(host::error, 1));
    EXPECT_FALSE(b.write(host::tail, 1)) << base;
    EXPECT_EQ(b.error(), Error::ring_address);
    EXPECT_THAT(b.block->error(), HasSubstr("the ring does not lie in memory: "));
  }
  b.make_ring(kMemory - 64, 1);
  b.put(0, kernel(Opcode::nop));
  EXPECT_TRUE(b.write(host::tail, 1)) << "the last 64 bytes";
  EXPECT_FALSE(b.write(host::ring_base, kRing));
  EXPECT_FALSE(b.write(host::ring_entries, 2));
  EXPECT_EQ(b.error(), Error::ring_address);
  ASSERT_TRUE(b.write(host::error, 1));
  EXPECT_FALSE(b.write(host::ring_base, kRing));
  EXPECT_EQ(b.error(), Error::ring_busy);
  b.run_to(kMillisecond / 2);
  EXPECT_TRUE(b.write(host::ring_base, kRing)) << "idle again";
  EXPECT_EQ(b.read(host::tail), 0u) << "a new ring counts from zero";
  b.expect_done();
}

TEST(HostQueue, WithoutDataTheDoorbellIsRefused) {
  Bench b(false);
  EXPECT_EQ(b.read(host::features), host::kHasQueue);
  EXPECT_EQ(b.read(host::status), 0u) << "not enabled";
  b.make_ring(kRing, 2);
  EXPECT_FALSE(b.write(host::tail, 1));
  EXPECT_EQ(b.error(), Error::no_data);
  EXPECT_EQ(b.block->error(), "doorbell: descriptors are read from memory, and memory.data is none; set it to sparse");
  EXPECT_EQ(b.dispatcher.due(), kNever);
  b.expect_done();
}

struct BadOne {
  const char* what;
  Error error;
  Descriptor descriptor;
  const char* words;
};

std::vector<BadOne> bad_ones() {
  std::vector<BadOne> all;
  const auto add = [&](const char* what, Error error, Descriptor d, const char* words,
                       const std::function<void(Descriptor&)>& spoil) {
    spoil(d);
    all.push_back({what, error, d, words});
  };
  const Descriptor good = copy(0x1000, 0x2000, 64, 9);
  add("zeros", Error::opcode, {}, "opcode 0 does not exist", [](Descriptor&) {});
  add("an opcode", Error::opcode, good, "opcode 6 does not exist", [](Descriptor& d) { d.opcode = 6; });
  add("a flag", Error::opcode, good, "flags 0x3", [](Descriptor& d) { d.flags = 3; });
  add("no bytes", Error::length, good, "0 bytes", [](Descriptor& d) { d.bytes = 0; });
  add("a source in a hole", Error::source, good, "source: 0x200000 lies in the hole between far (ends at 0xfffff)",
      [](Descriptor& d) { d.source = 0x200000; });
  add("a source that ends in a hole", Error::source, good, "source: 0x100000 lies in the hole",
      [](Descriptor& d) { d.source = kMemory - 63; });
  add("a source around the end", Error::source, good, "end beyond 2^64",
      [](Descriptor& d) { d.source = ~std::uint64_t{0}; });
  add("an endless copy", Error::source, good, "end beyond 2^64", [](Descriptor& d) { d.bytes = ~std::uint64_t{0}; });
  add("a destination in registers", Error::destination, good, "destination: 0x1000000 lies in registers",
      [](Descriptor& d) { d.destination = kRegisters; });
  add("an overlap", Error::overlap, good, "overlap", [](Descriptor& d) { d.destination = d.source + 63; });
  add("an overlap the other way", Error::overlap, good, "overlap",
      [](Descriptor& d) { d.destination = d.source - 63; });
  add("a completion in a hole", Error::completion, good, "completion address: 0x100000 lies in the hole",
      [](Descriptor& d) { d.completion_address = kMemory; });
  add("a completion in registers", Error::completion, good, "completion address: 0x1000090 lies in registers",
      [](Descriptor& d) { d.completion_address = kRegisters + host::tail; });
  add("an unaligned completion", Error::completion, good, "no multiple of 8",
      [](Descriptor& d) { d.completion_address = kFlag + 4; });
  add("no rows", Error::dimensions, gemm(64, 64, 64), "0 x 64 x 64", [](Descriptor& d) { d.m = 0; });
  add("no depth", Error::dimensions, gemm(64, 64, 64), "64 x 64 x 0", [](Descriptor& d) { d.k = 0; });
  add("endless dimensions", Error::dimensions, gemm(~0u, ~0u, ~0u), "too many FLOP", [](Descriptor&) {});
  add("elements of 3 bytes", Error::element_bytes, gemm(64, 64, 64), "3 bytes per element",
      [](Descriptor& d) { d.element_bytes = 3; });
  add("A in a hole", Error::source, gemm(64, 64, 64), "A: ", [](Descriptor& d) { d.source = kMemory - 1; });
  add("B in a hole", Error::second, gemm(64, 64, 64), "B: ", [](Descriptor& d) { d.second = kMemory; });
  add("C in a hole", Error::destination, gemm(64, 64, 64), "C: ", [](Descriptor& d) { d.destination = kMemory; });
  add("an A larger than memory", Error::source, gemm(1 << 20, 1, 1 << 12), "A: ", [](Descriptor&) {});
  return all;
}

TEST(HostQueue, BadDescriptorsAreSkippedAndNamed) {
  for (const BadOne& bad : bad_ones()) {
    SCOPED_TRACE(bad.what);
    Bench b;
    b.make_ring(kRing, 4);
    b.set_word(0x1000, 5);
    b.put(0, copy(0x1000, 0x3000, 8));
    b.put(1, bad.descriptor);
    b.put(2, copy(0x1000, 0x4000, 8, 77));
    EXPECT_TRUE(b.write(host::tail, 3)) << "the doorbell itself is good";
    EXPECT_EQ(b.error(), bad.error);
    EXPECT_EQ(b.read(host::error_descriptor), 1u);
    EXPECT_EQ(b.read(host::errors), 1u);
    EXPECT_NE(b.read(host::status) & host::kFailed, 0u);
    EXPECT_THAT(b.queue->reason(), HasSubstr("descriptor 1: "));
    EXPECT_THAT(b.queue->reason(), HasSubstr(bad.words));
    EXPECT_EQ(b.read(host::head), 0u) << "it waits for those before it";
    b.run_to(67 * kNs);
    EXPECT_EQ(b.read(host::head), 2u);
    b.expect_done();
    EXPECT_EQ(b.word(0x3000), 5u);
    EXPECT_EQ(b.word(0x4000), 5u) << "the one behind it runs";
    EXPECT_EQ(b.word(kFlag), 77u) << "what is skipped does not complete";
    EXPECT_EQ(b.read(host::kernels_launched), 2u);
    EXPECT_EQ(b.read(host::kernels_ended), 2u);
  }
}

TEST(HostQueue, NothingButBadOnesIsFinishedAtOnce) {
  Bench b;
  b.make_ring(kRing, 4);
  EXPECT_TRUE(b.write(host::tail, 4));
  EXPECT_EQ(b.read(host::head), 4u);
  EXPECT_EQ(b.read(host::errors), 4u);
  EXPECT_EQ(b.dispatcher.due(), kNever);
  b.expect_done();
}

TEST(HostQueue, RubbishNeverThrows) {
  SplitMix64 random(11);
  for (int round = 0; round < 30; ++round) {
    Bench b;
    b.make_ring(kRing, 16);
    for (int i = 0; i < 40; ++i) {
      unsigned char bytes[16 * host::kDescriptorBytes];
      for (unsigned char& c : bytes) c = static_cast<unsigned char>(random.next());
      // Half of them nearly right: small numbers.
      for (std::size_t d = 0; d < 16; d += 2) {
        Descriptor small;
        small.opcode = static_cast<std::uint8_t>(bounded(random.next(), 7));
        small.flags = static_cast<std::uint8_t>(bounded(random.next(), 3));
        small.element_bytes = static_cast<std::uint16_t>(bounded(random.next(), 5));
        small.m = static_cast<std::uint32_t>(bounded(random.next(), 100));
        small.n = static_cast<std::uint32_t>(bounded(random.next(), 100));
        small.k = static_cast<std::uint32_t>(bounded(random.next(), 100));
        for (std::uint64_t* field : {&small.source, &small.destination, &small.second, &small.completion_address})
          *field = bounded(random.next(), 2 * kMemory) & ~std::uint64_t{7};
        small.bytes = bounded(random.next(), 1000);
        host::pack(small, bytes + d * host::kDescriptorBytes);
      }
      b.memory.write(kRing, bytes, sizeof bytes);
      const std::uint64_t offset = host::kFirstWritable + bounded(random.next(), 64);
      unsigned char value[16];
      host::store_little_endian(random.next(), value, 8);
      host::store_little_endian(bounded(random.next(), 5), value + 8, 8);
      const std::size_t length = 1 + bounded(random.next(), 16);
      b.block->write(offset, value, length, b.now);  // whatever that does
      const std::uint64_t tail = b.read(host::tail);
      b.write(host::tail, tail + bounded(random.next(), 6));
      b.run_to(b.now + static_cast<Time>(bounded(random.next(), 500 * kNs)));
    }
    b.expect_done();
  }
}

TEST(HostQueue, PartsOfRegistersKeepTheOthersBytes) {
  Bench b;
  const unsigned char high[] = {0x12, 0, 0, 0};
  const unsigned char low[] = {0x40, 0, 0x01, 0};
  EXPECT_TRUE(b.block->write(host::ring_base + 4, high, 4, 0));
  EXPECT_TRUE(b.block->write(host::ring_base, low, 4, 0));
  EXPECT_EQ(b.read(host::ring_base), 0x12'0001'0040u);

  // Base, entries and doorbell as one burst, in this order.
  unsigned char burst[24];
  host::store_little_endian(kRing, burst, 8);
  host::store_little_endian(2, burst + 8, 8);
  host::store_little_endian(1, burst + 16, 8);
  ASSERT_TRUE(b.write(host::ring_base, kRing));
  ASSERT_TRUE(b.write(host::ring_entries, 1));
  b.put(0, kernel(Opcode::nop, 5));
  EXPECT_TRUE(b.block->write(host::ring_base, burst, 24, 0)) << b.block->error();
  EXPECT_EQ(b.read(host::tail), 1u);
  EXPECT_FALSE(b.block->write(host::tail, burst, 16, 0)) << "the second half is the head, which is read-only";
  EXPECT_EQ(b.block->error(), "register 0x98 is read-only");
  b.expect_done();
  EXPECT_EQ(b.word(kFlag), 5u);
}

/// When the host sees what does not depend on how finely time is cut.
TEST(HostQueue, ResultsDoNotDependOnHowTimeIsSliced) {
  const auto run = [](Time window, Time asked) {
    Bench b(true, window);
    b.make_ring(kRing, 16);
    std::vector<std::uint64_t> seen;
    std::uint64_t number = 0;
    for (int i = 0; i < 12; ++i) {
      b.run_to(i * 97 * kNs + asked);
      b.put(number, copy(0x1000, 0x2000 + 8 * number, 8, number + 1));
      b.set_word(0x1000, static_cast<std::uint64_t>(i));
      if (b.write(host::tail, number + 1)) ++number;
      seen.push_back(b.read(host::head));
      seen.push_back(b.word(kFlag));
    }
    b.expect_done();
    seen.push_back(b.dispatcher.journal().hash());
    for (std::uint64_t n = 0; n < number; ++n) seen.push_back(b.word(0x2000 + 8 * n));
    return seen;
  };
  const auto whole = run(1 * kNs, 3 * kNs);
  EXPECT_EQ(run(1 * kNs / 2, 3 * kNs), whole);
  EXPECT_EQ(run(1 * kNs / 7, 3 * kNs), whole);
  EXPECT_NE(run(1 * kNs, 4 * kNs), whole) << "negative control: asked a nanosecond later";
}

}  // namespace
}  // namespace cowosim::platforms
