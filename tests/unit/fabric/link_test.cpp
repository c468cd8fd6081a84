#include "fabric/link.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/parameter_visitor.h"
#include "core/random.h"
#include "support/heart_bench.h"

namespace cowosim::fabric {
namespace {

using engine::Phase;
using test::HeartBench;

LinkParams round_numbers() {
  LinkParams p;
  p.latency_down = 7 * kNanosecond;
  p.latency_up = 9 * kNanosecond;
  p.bandwidth = 32'000'000'000;  // 64 bytes in 2 ns
  p.energy_per_bit = 0.5;
  return p;
}
constexpr Time kData = 2 * kNanosecond;

TEST(Link, ALoneMessageTakesTheLatency) {
  Link link(round_numbers(), 2);
  HeartBench bench(link, kNanosecond);
  const Handle read = bench.make(Op::read, 0, 64, 0);
  const Handle write = bench.make(Op::write, 0, 64, 0);
  bench.deliver(2, Phase::request, read, 100 * kNanosecond);
  bench.deliver(2, Phase::request, write, 100 * kNanosecond);
  bench.deliver(3, Phase::response, read, 200 * kNanosecond);
  bench.deliver(3, Phase::retire, write, 200 * kNanosecond);
  bench.deliver(3, Phase::credit, kNoHandle, 300 * kNanosecond, 4);
  ASSERT_EQ(bench.sent.size(), 5u);
  for (const int i : {0, 1}) {
    EXPECT_EQ(bench.sent[i].port, 3);
    EXPECT_EQ(bench.sent[i].arrival, 108 * kNanosecond);
  }
  for (const int i : {2, 3}) {
    EXPECT_EQ(bench.sent[i].port, 2);
    EXPECT_EQ(bench.sent[i].arrival, 210 * kNanosecond);
  }
  EXPECT_EQ(bench.sent[4].phase, Phase::credit);
  EXPECT_EQ(bench.sent[4].count, 4);
  EXPECT_EQ(bench.sent[4].arrival, 310 * kNanosecond);
  EXPECT_EQ(bench.pools[read].stages.current(), Stage::phy);
  EXPECT_EQ(link.output_pipeline(2), 9 * kNanosecond);
  EXPECT_EQ(link.output_pipeline(3), 7 * kNanosecond);
  bench.release(read);
  bench.release(write);
  EXPECT_EQ(bench.pools.live(), 0u);
}

TEST(Link, DataNeverPassFasterThanTheBandwidth) {
  Link link(round_numbers(), 2);
  HeartBench bench(link);
  for (int i = 0; i < 10; ++i) bench.deliver(1, Phase::response, bench.make(Op::read, 0, 64, 0), 100 * kNanosecond);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench.sent[i].arrival, 109 * kNanosecond + i * kData);
  // The other channel and the other direction are free.
  bench.deliver(3, Phase::response, bench.make(Op::read, 0, 64, 0), 100 * kNanosecond);
  EXPECT_EQ(bench.sent.back().arrival, 109 * kNanosecond);
  const Handle write = bench.make(Op::write, 0, 64, 0);
  bench.deliver(0, Phase::request, write, 100 * kNanosecond);
  EXPECT_EQ(bench.sent.back().arrival, 107 * kNanosecond);
  EXPECT_EQ(link.counters(0, Link::kUp).bytes, 640u);
  EXPECT_EQ(link.counters(0, Link::kUp).busy, 10 * kData);
  EXPECT_EQ(link.counters(0, Link::kUp).wait, 45 * kData);
  EXPECT_EQ(link.counters(0, Link::kDown).bytes, 64u);
  EXPECT_EQ(link.counters(1, Link::kUp).wait, 0);
  EXPECT_DOUBLE_EQ(link.energy(), 12 * 64 * 8 * 0.5);
  bench.release(write);
  bench.release_all();
  EXPECT_EQ(bench.pools.live(), 0u);
}

TEST(Link, StreamAtItsRateDoesNotWait) {
  Link link(round_numbers(), 1);
  HeartBench bench(link);
  for (int i = 0; i < 100; ++i)
    bench.deliver(1, Phase::response, bench.make(Op::read, 0, 64, 0), 1000 * kNanosecond + i * kData);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bench.sent[i].arrival, 1009 * kNanosecond + i * kData);
  EXPECT_EQ(link.counters(0, Link::kUp).wait, 0);
  bench.release_all();
}

TEST(Link, BlameAddsUpToWaits) {
  Link link(round_numbers(), 3);
  HeartBench bench(link);
  SplitMix64 random(3);
  Time now = kMicrosecond;
  for (int i = 0; i < 5000; ++i) {
    now += static_cast<Time>(bounded(random.next(), 2'500'000));
    const auto channel = static_cast<int>(bounded(random.next(), 3));
    const auto bytes = static_cast<std::uint32_t>(32 * (1 + bounded(random.next(), 16)));
    const auto stream = static_cast<StreamId>(bounded(random.next(), 4));
    bench.deliver(2 * channel + 1, Phase::response, bench.make(Op::read, 0, bytes, 0, stream), now);
  }
  Time waits = 0, blamed = 0;
  for (int c = 0; c < 3; ++c) waits += link.counters(c, Link::kUp).wait;
  for (StreamId v = 0; v < 4; ++v) {
    for (StreamId h = 0; h < 4; ++h) blamed += link.blame().wait(v, h);
  }
  EXPECT_GT(waits, 0);
  EXPECT_EQ(blamed, waits);
  const test::StatValues stats(link);
  EXPECT_EQ(stats["up_messages"], 5000);
  EXPECT_EQ(stats["down_bytes"], 0);
  bench.release_all();
  EXPECT_EQ(bench.pools.live(), 0u);
}

TEST(Link, ParametersAreDescribed) {
  for (const ParameterInfo& info : describe(LinkParams())) EXPECT_FALSE(info.source.empty()) << info.path;
  EXPECT_THROW(Link(LinkParams(), 0), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::fabric
