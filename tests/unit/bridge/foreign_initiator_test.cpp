#include "bridge/foreign_initiator.h"

#include <stdexcept>

#include "core/random.h"
#include "unit/bridge/bench.h"

namespace cowosim::bridge {
namespace {

using test::Call;
using test::InitiatorBench;
using test::kNs;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kGigabyte = 1'000'000'000;

ForeignParams params() {
  ForeignParams result;
  result.name = "npu";
  result.crossing_latency = 50 * kNs;
  result.port_latency = 20 * kNs;
  result.bandwidth = 64 * kGigabyte;  // 64 bytes a nanosecond
  return result;
}
Call read(Time called, std::uint64_t address, std::uint32_t bytes = 64, int socket = 0) {
  return {called * kNs, socket, Op::read, address, bytes};
}
Call write(Time called, std::uint64_t address, std::uint32_t bytes = 64, int socket = 0) {
  return {called * kNs, socket, Op::write, address, bytes};
}
Time stage_ns(const InitiatorBench& bench, Stage stage) {
  return static_cast<Time>(bench.heart.stream().stages[static_cast<std::size_t>(stage)].sum() / kNs);
}

TEST(ForeignInitiator, AReadTakesTheCrossingThePortAndTheMemory) {
  InitiatorBench bench(params(), {});
  bench.run({read(100, 0x1000)});
  EXPECT_THAT(bench.arrivals(), ElementsAre(100 + 50 + 20));
  EXPECT_THAT(bench.latencies(), ElementsAre(50 + 20 + 30 + 10 + 50));
  EXPECT_EQ(stage_ns(bench, Stage::external), 50 + 50);
  EXPECT_EQ(stage_ns(bench, Stage::issue), 20);
  EXPECT_EQ(stage_ns(bench, Stage::queue), 1);
  EXPECT_EQ(stage_ns(bench, Stage::data), 29 + 10);
  EXPECT_EQ(bench.heart.journal().count(), 1u);
  bench.expect_idle();
}

TEST(ForeignInitiator, AWriteIsAnsweredWhenItIsAcceptedAndRetiresLater) {
  InitiatorBench bench(params(), {});
  bench.memory.access = [](const Transaction&) { return 400 * kNs; };
  bench.run({write(0, 0x1000)});
  EXPECT_THAT(bench.latencies(), ElementsAre(50 + 20 + 1 + 10 + 50));
  EXPECT_EQ(bench.heart.journal().last(), (50 + 20 + 400 + 10) * kNs) << "retirement, after the delivery";
  EXPECT_EQ(bench.heart.stream().writes, 1u);
  bench.expect_idle();
}

TEST(ForeignInitiator, ARetirementAloneStandsForBothAndTheDeliveryIsLater) {
  InitiatorBench bench(params(), {});
  bench.memory.posted = false;
  bench.run({write(0, 0x1000)});
  EXPECT_THAT(bench.latencies(), ElementsAre(50 + 20 + 30 + 10 + 50));
  EXPECT_EQ(bench.heart.journal().last(), 160 * kNs) << "delivery, after the retirement";
  bench.expect_idle();
}

TEST(ForeignInitiator, CutsAtGranulesAndAlignsToAtomsOutwards) {
  InitiatorContext context;
  context.granule = 128;
  InitiatorBench bench(params(), context);
  bench.run({read(0, 100, 200), write(1000, 8, 3)});
  ASSERT_EQ(bench.memory.seen.size(), 4u);
  EXPECT_EQ(bench.memory.seen[0].address, 96u);
  EXPECT_EQ(bench.memory.seen[0].bytes, 32u);
  EXPECT_EQ(bench.memory.seen[1].address, 128u);
  EXPECT_EQ(bench.memory.seen[1].bytes, 128u);
  EXPECT_EQ(bench.memory.seen[2].address, 256u);
  EXPECT_EQ(bench.memory.seen[2].bytes, 64u) << "byte 299 is in the atom that ends at 320";
  EXPECT_EQ(bench.memory.seen[3].address, 0u);
  EXPECT_EQ(bench.memory.seen[3].bytes, 32u);
  EXPECT_EQ(bench.heart.stream().transactions, 4u);
  EXPECT_EQ(bench.heart.stream().bytes, 32u + 128u + 64u + 32u);
  // The pieces of a request have its latency: delivered when the last is answered.
  EXPECT_THAT(bench.latencies(), ElementsAre(160, 131));
  EXPECT_EQ(bench.heart.stream().latency.max(), 160 * kNs);
  EXPECT_EQ(bench.heart.stream().latency.min(), 131 * kNs);
  bench.expect_idle();
}

TEST(ForeignInitiator, ARequestToADeviceIsNotWidened) {
  InitiatorBench bench(params(), {});
  Call call = read(0, 0x1002, 3);
  call.target = ForeignInitiator::Target::foreign;
  bench.run({call});
  ASSERT_EQ(bench.memory.seen.size(), 1u);
  EXPECT_EQ(bench.memory.seen[0].address, 0x1002u);
  EXPECT_EQ(bench.memory.seen[0].bytes, 3u);
  bench.expect_idle();
}

TEST(ForeignInitiator, EachPieceTakesACreditAndTheNextRequestWaits) {
  InitiatorContext context;
  context.granule = 64;
  context.credits = 2;
  InitiatorBench bench(params(), context);
  bench.memory.service = 25 * kNs;
  bench.run({read(0, 0, 256), read(0, 1024, 64)});
  // Two credits: pieces at 70; taken out at 95, 120 and 150; credits back 10 later; then 20 of port latency.
  EXPECT_THAT(bench.arrivals(), ElementsAre(70, 70, 125, 150, 180));
  bench.expect_idle();
}

TEST(ForeignInitiator, ANetworksTerminalTakesEverythingAndGivesNoCredit) {
  InitiatorBench bench(params(), {});  // context.credits: unbounded
  bench.run({read(0, 0), write(0, 512), read(0, 1024)});
  EXPECT_THAT(bench.arrivals(), ElementsAre(70, 70, 70));
  bench.expect_idle();
}

TEST(ForeignInitiator, WaitingForACreditIsIssue) {
  InitiatorContext context;
  context.credits = 1;
  InitiatorBench bench(params(), context);
  bench.memory.service = 100 * kNs;
  bench.run({read(0, 0), read(0, 512)});
  EXPECT_THAT(bench.arrivals(), ElementsAre(70, 200));  // 70 + 100 + 10 + 20
  EXPECT_EQ(stage_ns(bench, Stage::issue), 20 + 150);
  bench.expect_idle();
}

TEST(ForeignInitiator, WriteDataCrossAtTheBandwidthAndReadDataComeBackAtIt) {
  ForeignParams slow = params();
  slow.bandwidth = kGigabyte;  // a byte a nanosecond
  InitiatorContext context;
  context.granule = 512;
  {
    InitiatorBench bench(slow, context);
    bench.run({write(0, 0, 256), write(0, 512, 256), write(0, 1024, 256)});
    EXPECT_THAT(bench.arrivals(), ElementsAre(70, 70 + 256, 70 + 512)) << "a lone one is not held up";
    bench.expect_idle();
  }
  {
    InitiatorBench bench(slow, context);
    bench.run({read(0, 0, 256), read(0, 512, 256), read(0, 1024, 256), write(0, 0, 64)});
    EXPECT_THAT(bench.latencies()[0], 160);
    EXPECT_THAT(bench.latencies()[1], 160 + 256);
    EXPECT_THAT(bench.latencies()[2], 160 + 512);
    EXPECT_GE(bench.latencies()[3], 50 + 20 + 10 + 50);
    bench.expect_idle();
  }
  {
    slow.sockets = 3;  // each has a crossing of its own
    InitiatorBench bench(slow, context);
    bench.run({write(0, 0, 256, 0), write(0, 512, 256, 1), write(0, 1024, 256, 2)});
    EXPECT_THAT(bench.arrivals(), ElementsAre(70, 70, 70));
    bench.expect_idle();
  }
}

TEST(ForeignInitiator, ASocketIsInOrderAndSocketsTakeTurns) {
  ForeignParams two = params();
  two.sockets = 2;
  InitiatorContext context;
  context.credits = 1;
  InitiatorBench bench(two, context);
  bench.memory.service = 5 * kNs;
  std::vector<Call> calls;
  for (std::uint64_t i = 0; i < 4; ++i) {
    calls.push_back(read(0, 1024 * i, 32, 0));
    calls.push_back(read(0, 65536 + 1024 * i, 32, 1));
  }
  bench.run(calls);
  ASSERT_EQ(bench.memory.seen.size(), 8u);
  std::uint64_t next[2] = {0, 0};
  int from_first = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const bool second = bench.memory.seen[i].address >= 65536;
    EXPECT_EQ(bench.memory.seen[i].address, (second ? 65536 : 0) + 1024 * next[second]++) << "in order";
    if (i < 4) from_first += !second;
  }
  EXPECT_EQ(from_first, 2) << "neither starves";
  bench.expect_idle();
}

TEST(ForeignInitiator, DoorsOfManyChannelsHaveCreditsOfTheirOwn) {
  MemoryGeometry geometry;
  geometry.channels = 4;
  MemoryMapOptions options;
  options.channel_hash = false;
  const MemoryMap map(geometry, options);
  InitiatorContext context;
  context.map = &map;
  context.credits = 1;
  context.granule = 256;
  InitiatorBench bench(params(), context, 4);
  bench.memory.service = 200 * kNs;
  bench.run({read(0, 0, 1024)});
  std::vector<int> ports;
  for (const auto& seen : bench.memory.seen) {
    EXPECT_EQ(seen.arrival, 70 * kNs) << "a door does not wait for another";
    EXPECT_EQ(seen.port, static_cast<int>(map.channel_of(seen.address)));
    ports.push_back(seen.port);
  }
  EXPECT_THAT(ports, ElementsAre(0, 1, 2, 3));
  bench.expect_idle();
}

TEST(ForeignInitiator, RegistersAreAnsweredInHere) {
  InitiatorContext context;
  context.register_latency = 30 * kNs;
  InitiatorBench bench(params(), context);
  Call call = read(0, 0x9000'0000, 4);
  call.target = ForeignInitiator::Target::registers;
  bench.run({call, read(10, 0)});
  EXPECT_THAT(bench.latencies(), ElementsAre(130, 160));
  EXPECT_EQ(bench.heart.stream().transactions, 1u);
  bench.expect_idle();
}

TEST(ForeignInitiator, TheStageOfACrossingIsItsContexts) {
  InitiatorContext context;
  context.stage = Stage::off_package;
  InitiatorBench bench(params(), context);
  bench.run({read(0, 0)});
  EXPECT_EQ(stage_ns(bench, Stage::off_package), 100);
  EXPECT_EQ(stage_ns(bench, Stage::external), 0);
  bench.expect_idle();
}

TEST(ForeignInitiator, SaysWhatItWaitsFor) {
  InitiatorContext context;
  context.credits = 1;
  InitiatorBench bench(params(), context);
  bench.memory.access = [](const Transaction& tx) { return tx.address == 0 ? kNever / 4 : 30 * kNs; };
  bench.make(read(0, 0));
  bench.make(read(0, 64));
  for (int i = 0; i < 5; ++i) bench.engine.run_window();
  std::vector<engine::Wait> waits;
  bench.heart.report_waits(waits);
  ASSERT_FALSE(waits.empty());
  EXPECT_EQ(waits[0].waiter, "foreign");
  std::vector<std::string> broken;
  bench.heart.check_idle(broken);
  EXPECT_FALSE(broken.empty()) << "negative control: something is under way";
}

TEST(ForeignInitiator, AResponseThatIsNotAcknowledgedIsTheModelsFault) {
  InitiatorBench bench(params(), {});
  bench.make(read(0, 0));
  while (!bench.engine.waits_for_outside()) bench.engine.run_window();
  std::vector<engine::Wait> waits;
  bench.heart.report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_THAT(waits[0].waits_for, HasSubstr("npu"));
}

TEST(ForeignInitiator, GranulesArePowersOfTwo) {
  InitiatorContext context;
  context.granule = 100;
  EXPECT_THROW(ForeignInitiator(params(), context), std::invalid_argument);
  context.granule = 16;
  EXPECT_THROW(ForeignInitiator(params(), context), std::invalid_argument);
}

std::vector<Call> random_calls(std::uint64_t seed, int count, int sockets) {
  SplitMix64 random(seed);
  std::vector<Call> calls;
  Time now = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t address = bounded(random.next(), 1 << 20);
    const auto bytes = static_cast<std::uint32_t>(1 + bounded(random.next(), 700));
    const bool reads = bounded(random.next(), 2) == 0;
    const int socket = static_cast<int>(bounded(random.next(), static_cast<std::uint64_t>(sockets)));
    Call call = reads ? read(0, address, bytes, socket) : write(0, address, bytes, socket);
    call.called = now;
    const std::uint64_t kind = bounded(random.next(), 10);
    if (kind == 0) call.target = ForeignInitiator::Target::registers;
    if (kind == 1) call.target = ForeignInitiator::Target::foreign;
    calls.push_back(call);
    now += static_cast<Time>(bounded(random.next(), 30'000'000));
  }
  return calls;
}

struct Outcome {
  std::uint64_t hash;
  std::vector<Time> latencies;
  __int128 latency, issue;
  bool operator==(const Outcome& o) const {
    return hash == o.hash && latencies == o.latencies && latency == o.latency && issue == o.issue;
  }
};
Outcome run_random(std::uint64_t seed, Time window) {
  ForeignParams three = params();
  three.sockets = 3;
  three.bandwidth = 40 * kGigabyte;
  InitiatorContext context;
  context.credits = 6;
  context.register_latency = 3 * kNs;
  engine::Options options;
  options.window = window;
  InitiatorBench bench(three, context, 1, options);
  bench.memory.service = 7 * kNs;
  bench.memory.posted = seed % 2 == 0;
  bench.memory.access = [](const Transaction& tx) { return static_cast<Time>(20 + tx.identity % 200) * kNs; };
  bench.run(random_calls(seed, 2000, 3));
  bench.expect_idle();
  std::uint64_t bytes = 0;
  for (const auto& seen : bench.memory.seen) bytes += seen.bytes;
  EXPECT_EQ(bench.heart.stream().bytes, bytes) << "what was issued is what was recorded";
  return {bench.engine.completion_hash(), bench.latencies(), bench.heart.stream().latency.sum(),
          bench.heart.stream().stages[static_cast<std::size_t>(Stage::issue)].sum()};
}

TEST(ForeignInitiator, RandomCallsAreAllAnsweredWhateverTheWindow) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    const Outcome reference = run_random(seed, 0);
    EXPECT_THAT(reference.latencies, Each(testing::AllOf(testing::Ge(100), testing::Lt(1'000'000))));
    EXPECT_TRUE(run_random(seed, test::kWire / 2) == reference);
    EXPECT_TRUE(run_random(seed, test::kWire / 7) == reference);
  }
}

/// Sends nowhere, but keeps what was sent.
class Ledger final : public engine::Outlet {
 public:
  void send(engine::Phase, Handle, Time arrival, std::uint16_t) override { arrivals.push_back(arrival); }
  Time latency() const override { return kNs; }
  std::vector<Time> arrivals;
};

TEST(ForeignInitiator, AdvancingInSlicesIsAdvancingAtOnce) {
  std::vector<Time> at_once;
  for (const Time slice : {10'000 * kNs, 100 * kNs, 7 * kNs, kNs}) {
    ForeignParams two = params();
    two.sockets = 2;
    two.bandwidth = kGigabyte;
    engine::Pools pools;
    ForeignInitiator heart(two, {});
    Ledger gate, door;
    heart.set_name("npu");
    heart.set_pools(pools);
    heart.bind(0, gate);
    heart.bind(1, gate);
    heart.bind(2, door);
    heart.start();
    for (std::uint16_t i = 0; i < 30; ++i) {
      engine::Message message;
      message.time = 50 * kNs;
      message.port = i % 2;
      message.transaction = heart.open(i % 2, Op::write, 4096u * i, 100u + i, 0, ForeignInitiator::Target::memory);
      heart.receive(message);
    }
    for (Time t = slice; t <= 10'000 * kNs; t += slice) {
      EXPECT_TRUE(heart.due() == kNever || heart.due() >= t - slice);
      heart.advance(t);
    }
    ASSERT_GE(door.arrivals.size(), 30u);
    if (at_once.empty()) at_once = door.arrivals;
    EXPECT_EQ(door.arrivals, at_once) << slice;
  }
}

}  // namespace
}  // namespace cowosim::bridge
