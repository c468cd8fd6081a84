#include "bridge/foreign_target.h"

#include <stdexcept>

#include "core/random.h"
#include "unit/bridge/bench.h"

namespace cowosim::bridge {
namespace {

using test::kNs;
using test::kWire;
using test::Wire;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kGigabyte = 1'000'000'000;

ForeignParams params() {
  ForeignParams result;
  result.name = "dram";
  result.role = "target";
  result.crossing_latency = 50 * kNs;
  result.port_latency = 20 * kNs;
  result.bandwidth = 64 * kGigabyte;
  return result;
}

/// Asks at given times, through one port for each door, and keeps to its doors' credits.
class Asker final : public engine::Heart {
 public:
  struct Ask {
    Time time;
    int door;
    Op op;
    std::uint64_t address;
    std::uint32_t bytes;
  };
  Asker(std::vector<Ask> asks, int doors, std::int64_t credits)
      : credits_of(static_cast<std::size_t>(doors), credits), asks_(std::move(asks)) {}
  int ports() const override { return static_cast<int>(credits_of.size()); }
  void start() override { own_pool(); }
  Time due() const override {
    if (next_ == asks_.size() || credits_of[static_cast<std::size_t>(asks_[next_].door)] == 0) return kNever;
    return std::max(asks_[next_].time, present_);
  }
  void advance(Time until) override {
    while (due() < until) {
      const Ask& ask = asks_[next_];
      const Time now = due();
      present_ = now;
      --credits_of[static_cast<std::size_t>(ask.door)];
      const Handle handle = own_pool().create();
      Transaction& tx = transaction(handle);
      tx.address = tx.fetch_address = ask.address;
      tx.bytes = tx.fetch_bytes = ask.bytes;
      tx.op = ask.op;
      tx.tag = static_cast<std::uint32_t>(next_++);
      tx.source = 77;
      tx.created = ask.time;
      tx.stages.start(Stage::issue, ask.time);
      send(ask.door, engine::Phase::request, handle, now + kWire);
    }
    present_ = std::max(present_, until);
  }
  void receive(const engine::Message& message) override {
    present_ = std::max(present_, message.time);
    if (message.phase == engine::Phase::credit) {
      credits_of[message.port] += message.count;
      return;
    }
    Transaction& tx = transaction(message.transaction);
    if (message.phase == engine::Phase::response) answered.push_back({message.time, static_cast<int>(tx.tag)});
    if (message.phase == engine::Phase::retire && tx.op == Op::write)
      retired.push_back({message.time, static_cast<int>(tx.tag)});
    if (message.phase == engine::Phase::response && tx.op == Op::write) return;
    statistics_.record(tx, message.time);
    journal().add(tx, message.time);
    destinations.push_back(tx.destination);
    own_pool().release(message.transaction);
  }
  struct Event {
    Time time;
    int ask;
    bool operator==(const Event& o) const { return time == o.time && ask == o.ask; }
  };
  std::vector<Event> answered, retired;
  std::vector<int> destinations;
  std::vector<std::int64_t> credits_of;
  telemetry::StreamStatistics statistics_;

 private:
  std::vector<Ask> asks_;
  std::size_t next_ = 0;
  Time present_ = 0;
};

/// A foreign target that accepts after `accept` and answers after `service`, by the transaction.
struct Bench final : engine::Outside {
  Bench(const ForeignParams& params_, const TargetContext& context, std::vector<Asker::Ask> asks,
        engine::Options options = {}, std::int64_t credits = 1 << 20)
      : params(params_), engine(options), heart(params, context), asker(std::move(asks), heart.upstream(), credits) {
    engine::Component& in = engine.add("foreign", heart);
    engine::Component& out = engine.add("asker", asker);
    for (int i = 0; i < heart.upstream(); ++i) {
      const std::string number = std::to_string(100 + i);
      lay("asker.in_" + number, in, out, i, heart, i);
      lay("foreign.in_" + number, out, in, i, asker, i);
    }
    for (int i = 0; i < params.sockets; ++i) {
      const int port = heart.upstream() + i;
      gates.push_back(
          &engine.open("foreign.socket_" + std::to_string(i), in, port, params.crossing_latency, *this, false));
      heart.bind(port, *gates.back());
    }
    engine.elaborate();
  }
  void lay(const std::string& name, engine::Component& from, engine::Component& to, int to_port, engine::Heart& heart_,
           int port) {
    wires.push_back(std::make_unique<Wire>(engine.connect(name, from, to, to_port, kWire)));
    heart_.bind(port, *wires.back());
  }
  void leave(const engine::Message& message) override {
    sent.push_back(message);
    outstanding = std::max(outstanding, sent.size() - answers);
    if (swallow) return;
    const Transaction& tx = engine.pools()[message.transaction];
    todo.emplace(message.time + accept(tx), std::make_pair(engine::Phase::credit, message));
    todo.emplace(message.time + accept(tx) + service(tx), std::make_pair(engine::Phase::response, message));
  }
  void run() {
    while (engine.status() == engine::Status::running) {
      const Time outside = todo.empty() ? kNever : todo.begin()->first;
      if (!engine.waits_for_outside() && engine.next_due() <= outside) {
        engine.run_window();
      } else if (outside == kNever) {
        break;
      } else {
        const auto [phase, message] = todo.begin()->second;
        todo.erase(todo.begin());
        answers += phase == engine::Phase::response;
        engine.enter(*gates[static_cast<std::size_t>(message.port - heart.upstream())], phase, message.transaction,
                     outside + params.crossing_latency);
      }
    }
  }
  std::vector<Time> sent_ns() const {
    std::vector<Time> all;
    for (const auto& message : sent) all.push_back(message.time / kNs);
    return all;
  }
  void expect_idle() const {
    EXPECT_EQ(engine.status(), engine::Status::completed) << engine.reason();
    EXPECT_THAT(engine.violations(), IsEmpty());
    __int128 sum = 0;
    for (const telemetry::Histogram& stage : asker.statistics_.stages) sum += stage.sum();
    EXPECT_TRUE(sum == asker.statistics_.latency.sum()) << "stages add up";
  }

  ForeignParams params;
  engine::Engine engine;
  ForeignTarget heart;
  Asker asker;
  std::vector<std::unique_ptr<Wire>> wires;
  std::vector<engine::Gate*> gates;
  std::multimap<Time, std::pair<engine::Phase, engine::Message>> todo;
  std::vector<engine::Message> sent;
  std::size_t answers = 0, outstanding = 0;
  std::function<Time(const Transaction&)> accept = [](const Transaction&) { return 0; };
  std::function<Time(const Transaction&)> service = [](const Transaction&) { return 100 * kNs; };
  bool swallow = false;
};

MemoryMap four_channels() {
  MemoryGeometry geometry;
  geometry.stacks = 2;
  geometry.channels = 4;
  MemoryMapOptions options;
  options.channel_hash = false;
  return MemoryMap(geometry, options);
}

TEST(ForeignTarget, OnANetworkAReadCrossesIsAnsweredAndGoesHome) {
  Bench bench(params(), {}, {{0, 0, Op::read, 0x1000, 4}});
  bench.run();
  EXPECT_THAT(bench.sent_ns(), ElementsAre(10 + 50));
  ASSERT_EQ(bench.asker.answered.size(), 1u);
  EXPECT_EQ(bench.asker.answered[0].time, (10 + 50 + 100 + 50 + 20) * kNs);
  EXPECT_THAT(bench.asker.destinations, ElementsAre(77)) << "back to its source";
  const auto& stages = bench.asker.statistics_.stages;
  EXPECT_TRUE(stages[static_cast<std::size_t>(Stage::external)].sum() == 220 * kNs);
  EXPECT_EQ(bench.heart.counters().reads, 1u);
  EXPECT_EQ(bench.heart.counters().bytes, 4u);
  EXPECT_EQ(bench.heart.journal().count(), 1u);
  bench.expect_idle();
}

TEST(ForeignTarget, OnANetworkAWriteHasOneAnswer) {
  Bench bench(params(), {}, {{0, 0, Op::write, 0x1000, 4}});
  bench.run();
  EXPECT_THAT(bench.asker.answered, IsEmpty());
  ASSERT_EQ(bench.asker.retired.size(), 1u);
  EXPECT_EQ(bench.asker.retired[0].time, 230 * kNs);
  bench.expect_idle();
}

TEST(ForeignTarget, InPlaceOfAStackAWriteIsAcceptedAndRetiredTogether) {
  const MemoryMap map = four_channels();
  Bench bench(params(), {Stage::external, &map, 0}, {{0, 0, Op::write, 0, 64}});
  bench.run();
  EXPECT_THAT(bench.asker.answered, ElementsAre(Asker::Event{230 * kNs, 0}));
  EXPECT_THAT(bench.asker.retired, ElementsAre(Asker::Event{230 * kNs, 0}));
  bench.expect_idle();
}

TEST(ForeignTarget, ADoorsCreditComesBackWithTheAcceptance) {
  const MemoryMap map = four_channels();
  // Door 0 of two credits: the third request leaves when the first one's acceptance is back.
  Bench bench(params(), {Stage::external, &map, 0},
              {{0, 0, Op::read, 0, 64}, {0, 0, Op::read, 2048, 64}, {0, 0, Op::read, 4096, 64}}, {}, 2);
  bench.accept = [](const Transaction&) { return 30 * kNs; };
  bench.service = [](const Transaction&) { return 1000 * kNs; };
  bench.run();
  // 60 + 30 accepted, 50 back through the crossing, 20 of the port; then the wire and the crossing again.
  EXPECT_THAT(bench.sent_ns(), ElementsAre(60, 60, 60 + 30 + 50 + 20 + 10 + 50));
  EXPECT_THAT(bench.asker.credits_of, ElementsAre(2, 2, 2, 2));
  bench.expect_idle();
}

TEST(ForeignTarget, OnANetworkRequestsWaitForAnEntryInTheQueue) {
  ForeignParams narrow = params();
  narrow.max_outstanding = 2;
  std::vector<Asker::Ask> asks;
  for (std::uint64_t i = 0; i < 6; ++i) asks.push_back({0, 0, Op::read, 64 * i, 64});
  Bench bench(narrow, {}, asks);
  bench.run();
  EXPECT_EQ(bench.outstanding, 2u);
  EXPECT_THAT(bench.sent_ns(), ElementsAre(60, 60, 260, 260, 460, 460)) << "50 + 100 + 50 each";
  EXPECT_TRUE(bench.asker.statistics_.stages[static_cast<std::size_t>(Stage::queue)].sum() ==
              (2 * 200 + 2 * 400) * kNs);
  bench.expect_idle();
}

TEST(ForeignTarget, DataCrossAtTheBandwidthInBothDirections) {
  ForeignParams slow = params();
  slow.bandwidth = kGigabyte;
  Bench writes(slow, {}, {{0, 0, Op::write, 0, 128}, {0, 0, Op::write, 128, 128}, {0, 0, Op::read, 256, 128}});
  writes.run();
  EXPECT_THAT(writes.sent_ns(), ElementsAre(60, 60 + 128, 60 + 128)) << "a read follows what went before it";
  writes.expect_idle();

  Bench reads(slow, {}, {{0, 0, Op::read, 0, 128}, {0, 0, Op::read, 128, 128}});
  reads.run();
  EXPECT_THAT(reads.sent_ns(), ElementsAre(60, 60));
  ASSERT_EQ(reads.asker.answered.size(), 2u);
  EXPECT_EQ(reads.asker.answered[1].time - reads.asker.answered[0].time, 128 * kNs);
  reads.expect_idle();
}

TEST(ForeignTarget, SocketsShareByChannelOrByBlock) {
  const MemoryMap map = four_channels();
  ForeignParams two = params();
  two.sockets = 2;
  std::vector<Asker::Ask> asks;
  for (std::uint64_t address = 0; asks.size() < 4; address += map.granule())
    if (map.channel_of(address) >= 4)
      asks.push_back({0, static_cast<int>(map.channel_of(address)) - 4, Op::read, address, 32});
  Bench stack(two, {Stage::external, &map, 1}, asks);
  stack.run();
  for (const auto& message : stack.sent) EXPECT_GE(message.port, 4);
  EXPECT_EQ(std::count_if(stack.sent.begin(), stack.sent.end(), [](const auto& m) { return m.port == 4; }), 2);
  stack.expect_idle();

  Bench network(two, {}, {{0, 0, Op::read, 0, 32}, {0, 0, Op::read, 4096, 32}, {0, 0, Op::read, 4100, 4}});
  network.run();
  ASSERT_EQ(network.sent.size(), 3u);
  std::vector<int> ports;
  for (const auto& message : network.sent) ports.push_back(message.port);
  std::sort(ports.begin(), ports.end());
  EXPECT_THAT(ports, ElementsAre(1, 2, 2));
  network.expect_idle();
}

TEST(ForeignTarget, SaysWhoDoesNotAnswer) {
  Bench bench(params(), {}, {{0, 0, Op::read, 0x1000, 4}});
  bench.swallow = true;
  bench.run();
  EXPECT_EQ(bench.engine.status(), engine::Status::running);
  EXPECT_TRUE(bench.engine.outside_owes());
  std::vector<engine::Wait> waits;
  bench.heart.report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_THAT(waits[0].waits_for, HasSubstr("dram"));
  std::vector<std::string> broken;
  bench.heart.check_idle(broken);
  EXPECT_FALSE(broken.empty()) << "negative control";
}

struct Outcome {
  std::uint64_t hash;
  std::vector<Time> sent;
  bool operator==(const Outcome& o) const { return hash == o.hash && sent == o.sent; }
};
Outcome run_random(std::uint64_t seed, Time window, bool in_place) {
  const MemoryMap map = four_channels();
  ForeignParams two = params();
  two.sockets = 2;
  two.max_outstanding = 8;
  two.bandwidth = 20 * kGigabyte;
  SplitMix64 random(seed);
  std::vector<Asker::Ask> asks;
  Time now = 0;
  while (asks.size() < 1500) {
    const std::uint64_t address = bounded(random.next(), map.capacity()) / 32 * 32;
    const bool read = bounded(random.next(), 2) == 0;
    now += static_cast<Time>(bounded(random.next(), 12'000'000));
    const int channel = static_cast<int>(map.channel_of(address));
    if (in_place && channel >= 4) continue;
    asks.push_back({now, in_place ? channel : 0, read ? Op::read : Op::write, address, 32});
  }
  engine::Options options;
  options.window = window;
  Bench bench(two, in_place ? TargetContext{Stage::external, &map, 0} : TargetContext{}, asks, options, 6);
  if (!in_place) bench.asker.credits_of[0] = 1 << 20;
  bench.accept = [](const Transaction& tx) { return static_cast<Time>(tx.identity % 40) * kNs; };
  bench.service = [](const Transaction& tx) { return static_cast<Time>(tx.identity / 64 % 300) * kNs; };
  bench.run();
  bench.expect_idle();
  EXPECT_EQ(bench.heart.counters().reads + bench.heart.counters().writes, 1500u);
  Outcome outcome{bench.engine.completion_hash(), bench.sent_ns()};
  std::sort(outcome.sent.begin(), outcome.sent.end());
  return outcome;
}

TEST(ForeignTarget, RandomRequestsAreAllAnsweredWhateverTheWindow) {
  for (const bool in_place : {true, false}) {
    for (const std::uint64_t seed : {1u, 2u}) {
      const Outcome reference = run_random(seed, 0, in_place);
      EXPECT_TRUE(run_random(seed, kWire / 2, in_place) == reference);
      EXPECT_TRUE(run_random(seed, kWire / 7, in_place) == reference);
    }
  }
}

}  // namespace
}  // namespace cowosim::bridge
