#include "traffic/crossing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "core/random.h"
#include "traffic/source.h"
#include "unit/traffic/harness.h"

namespace cowosim::traffic {
namespace {

using test::Loop;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Time kNs = kNanosecond;
constexpr int kDoor = 4;

MemoryMap map_of(int channels) {
  MemoryGeometry geometry;
  geometry.channels = channels;
  MemoryMapOptions options;
  options.channel_hash = false;  // granule g lies in channel g mod channels
  return MemoryMap(geometry, options);
}

/// `count` reads, writes where `write_every` says so, to channels that `channel_of` names; address / 4096 is the request's number.
class Requests final : public RequestStream {
 public:
  Requests(StreamId stream, std::uint64_t count, int channels, std::function<std::uint64_t(std::uint64_t)> channel_of,
           std::uint64_t write_every = 0)
      : stream_(stream),
        count_(count),
        channels_(channels),
        channel_of_(std::move(channel_of)),
        write_every_(write_every) {}
  bool next(Request& request) override {
    if (n_ == count_) return false;
    request = Request{};
    request.address = (n_ * static_cast<std::uint64_t>(channels_) + channel_of_(n_)) * 256;
    request.bytes = 32;
    request.op = write_every_ != 0 && n_ % write_every_ == 0 ? Op::write : Op::read;
    request.stream = stream_;
    ++n_;
    return true;
  }

 private:
  StreamId stream_;
  std::uint64_t count_;
  std::uint64_t n_ = 0;
  int channels_;
  std::function<std::uint64_t(std::uint64_t)> channel_of_;
  std::uint64_t write_every_;
};

/// A channel: serves one at a time, each `service(n)`; the entry of the door is free when service begins.
class Door final : public engine::Heart {
 public:
  struct Seen {
    Time time;
    StreamId stream;
    std::uint64_t address;
  };
  explicit Door(std::function<Time(std::uint64_t)> service) : service_(std::move(service)) {}
  int ports() const override { return 1; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override {
    Transaction& tx = transaction(message.transaction);
    tx.stages.enter(Stage::queue, message.time);
    seen.push_back({message.time, tx.stream, tx.address});
    const Time start = std::max(message.time, busy_);
    while (!begins_.empty() && begins_.front() <= message.time) begins_.pop_front();
    begins_.push_back(start);
    EXPECT_LE(begins_.size(), static_cast<std::size_t>(kDoor) + (start == message.time ? 1 : 0))
        << "entries of the door";
    busy_ = start + service_(seen.size() - 1);
    if (swallow) return;
    tx.stages.enter(Stage::data, start);
    send(0, engine::Phase::credit, kNoHandle, start, 1);
    send(0, engine::Phase::response, message.transaction, tx.op == Op::read ? busy_ : start);
    if (tx.op == Op::write) send(0, engine::Phase::retire, message.transaction, busy_);
  }
  std::vector<Seen> seen;
  bool swallow = false;

 private:
  std::function<Time(std::uint64_t)> service_;
  std::deque<Time> begins_;
  Time busy_ = 0;
};

struct Bench {
  Bench(int channels, std::vector<std::unique_ptr<RequestStream>> streams,
        std::function<Time(std::size_t, std::uint64_t)> service)
      : map(map_of(channels)), crossing(static_cast<int>(streams.size()), map, kDoor) {
    const auto add = [&](engine::Heart& heart, const std::string& name) {
      heart.set_name(name);
      heart.set_pools(pools);
      loop.add(heart);
    };
    for (auto& stream : streams) {
      sources.push_back(std::make_unique<Source>(SourceParams{}, std::move(stream), Crossing::kEntries));
      add(*sources.back(), "source_" + std::to_string(sources.size() - 1));
    }
    add(crossing, "crossing");
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
      doors.push_back(std::make_unique<Door>([=](std::uint64_t n) { return service(c, n); }));
      add(*doors.back(), "channel_" + std::to_string(c));
    }
    for (std::size_t s = 0; s < sources.size(); ++s) loop.connect(*sources[s], 0, crossing, static_cast<int>(s), 0);
    for (std::size_t c = 0; c < doors.size(); ++c) loop.connect(crossing, crossing.port_of_channel(c), *doors[c], 0, 0);
    for (auto& source : sources) source->start();
  }
  void expect_done() {
    for (auto& source : sources) {
      EXPECT_TRUE(source->finished());
      EXPECT_THAT(test::broken_rules(*source), IsEmpty());
    }
    EXPECT_THAT(test::broken_rules(crossing), IsEmpty());
    EXPECT_EQ(pools.live(), 0u);
  }
  Time blamed() const {
    Time sum = 0;
    for (std::size_t v = 0; v < kMaxStreams; ++v)
      for (std::size_t h = 0; h < telemetry::kHolders; ++h)
        sum += crossing.blame().wait(static_cast<StreamId>(v), static_cast<telemetry::Holder>(h));
    return sum;
  }
  std::vector<StreamId> order(std::size_t channel) const {
    std::vector<StreamId> streams;
    for (const auto& seen : doors[channel]->seen) streams.push_back(seen.stream);
    return streams;
  }
  engine::Pools pools;
  MemoryMap map;
  Crossing crossing;
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<Door>> doors;
  Loop loop;
};

std::vector<std::unique_ptr<RequestStream>> streams(std::unique_ptr<RequestStream> a,
                                                    std::unique_ptr<RequestStream> b = nullptr,
                                                    std::unique_ptr<RequestStream> c = nullptr) {
  std::vector<std::unique_ptr<RequestStream>> all;
  for (auto* stream : {&a, &b, &c})
    if (*stream) all.push_back(std::move(*stream));
  return all;
}
const auto kFirst = [](std::uint64_t) { return std::uint64_t{0}; };

TEST(Crossing, RequestsGoWhereTheMapSaysAtTheInstantTheyCome) {
  Bench bench(3, streams(std::make_unique<Requests>(0, 3, 3, [](std::uint64_t n) { return n; })),
              [](std::size_t, std::uint64_t) { return 10 * kNs; });
  bench.loop.run_coupled();
  for (std::size_t c = 0; c < 3; ++c) {
    ASSERT_EQ(bench.doors[c]->seen.size(), 1u);
    EXPECT_EQ(bench.doors[c]->seen[0].time, 0);
    EXPECT_EQ(bench.map.channel_of(bench.doors[c]->seen[0].address), c);
  }
  EXPECT_EQ(bench.crossing.credit_wait(), 0);
  EXPECT_EQ(bench.crossing.journal().count(), 3u);
  bench.expect_done();
}

TEST(Crossing, SaturatingSourcesGetEqualShares) {
  for (const std::size_t many : {2, 3}) {
    std::vector<std::unique_ptr<RequestStream>> all;
    for (std::size_t s = 0; s < many; ++s)
      all.push_back(std::make_unique<Requests>(static_cast<StreamId>(s), 300, 1, kFirst));
    Bench bench(1, std::move(all), [](std::size_t, std::uint64_t) { return 3 * kNs; });
    bench.loop.run_coupled();
    const std::vector<StreamId> order = bench.order(0);
    ASSERT_EQ(order.size(), 300 * many);
    for (std::size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i % many) << "in turn, from the first on";
    bench.expect_done();
  }
}

TEST(Crossing, ALoneRequestWaitsForOneTurnOnly) {
  // Two sources saturate; the third has one request that comes when the door is full and both queues are too.
  auto late = std::make_unique<Requests>(2, 1, 1, kFirst);
  Bench bench(1,
              streams(std::make_unique<Requests>(0, 100, 1, kFirst), std::make_unique<Requests>(1, 100, 1, kFirst),
                      std::move(late)),
              [](std::size_t, std::uint64_t) { return 5 * kNs; });
  bench.loop.run_coupled();
  const std::vector<StreamId> order = bench.order(0);
  EXPECT_LE(std::find(order.begin(), order.end(), StreamId{2}) - order.begin(), 2) << "not behind 16 others";
  bench.expect_done();
}

TEST(Crossing, AFullChannelHoldsUpItsSourceAndNoOther) {
  // Source 0: everything to the slow channel 0, its last one to channel 1; source 1: to channel 1.
  Bench bench(2,
              streams(std::make_unique<Requests>(0, 8, 2, [](std::uint64_t n) { return n == 7 ? 1 : 0; }),
                      std::make_unique<Requests>(1, 8, 2, [](std::uint64_t) { return 1; })),
              [](std::size_t c, std::uint64_t) { return c == 0 ? 1000 * kNs : 1 * kNs; });
  bench.loop.run_coupled();
  EXPECT_THAT(bench.order(1), ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 0));
  EXPECT_LT(bench.doors[1]->seen[7].time, 100 * kNs);
  EXPECT_EQ(bench.doors[1]->seen[8].time, 2000 * kNs)
      << "when the seventh of its source has left: its door holds one in service and four";
  EXPECT_EQ(bench.crossing.blame().wait(1, 0), 0) << "source 1 waits for itself";
  EXPECT_EQ(bench.crossing.blame().wait(0, 0), 2000 * kNs);
  bench.expect_done();
}

TEST(Crossing, NothingIsLostUnderRandomStalls) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<std::unique_ptr<RequestStream>> all;
    for (StreamId s = 0; s < 3; ++s) {
      all.push_back(std::make_unique<Requests>(
          s, 200, 4, [=](std::uint64_t n) { return mix(seed, 1000 * s + n) % 4; }, 2 + s));
    }
    Bench bench(4, std::move(all), [seed](std::size_t c, std::uint64_t n) {
      const std::uint64_t draw = mix(mix(seed, c), n);
      return static_cast<Time>(draw % 16 == 0 ? 500 : 1 + draw % 7) * kNs;
    });
    bench.loop.run_coupled();
    bench.expect_done();
    std::size_t all_seen = 0;
    for (StreamId s = 0; s < 3; ++s) {
      std::uint64_t seen_of_stream = 0;
      std::vector<std::pair<std::uint64_t, Time>> left;  // number of the request, when
      for (std::size_t c = 0; c < 4; ++c) {
        for (const auto& seen : bench.doors[c]->seen) {
          EXPECT_EQ(bench.map.channel_of(seen.address), c);
          if (seen.stream == s) left.emplace_back(seen.address / 1024, seen.time), ++seen_of_stream;
        }
      }
      EXPECT_EQ(seen_of_stream, 200u);
      std::sort(left.begin(), left.end());
      for (std::size_t i = 1; i < left.size(); ++i)
        ASSERT_GE(left[i].second, left[i - 1].second) << "order of the source";
      all_seen += seen_of_stream;
      const telemetry::StreamStatistics& stream = bench.sources[s]->stream(s);
      const __int128 stages =
          std::accumulate(stream.stages.begin(), stream.stages.end(), __int128{0},
                          [](__int128 sum, const telemetry::Histogram& stage) { return sum + stage.sum(); });
      EXPECT_TRUE(stages == stream.latency.sum());
    }
    EXPECT_EQ(bench.crossing.journal().count(), all_seen);
    EXPECT_GT(bench.crossing.credit_wait(), 0);
    EXPECT_EQ(bench.blamed(), bench.crossing.credit_wait()) << "every wait has an owner";
  }
}

TEST(Crossing, ReportsWhatIsStuck) {
  Bench bench(1, streams(std::make_unique<Requests>(0, 20, 1, kFirst)), [](std::size_t, std::uint64_t) { return kNs; });
  bench.doors[0]->swallow = true;
  bench.loop.run_coupled();
  std::vector<engine::Wait> waits;
  bench.crossing.report_waits(waits);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].waiter, "crossing (source 0)");
  EXPECT_EQ(waits[0].waits_for, "channel 0");
  EXPECT_EQ(waits[0].reason, "8 requests, and no credit of that channel's door");
  EXPECT_THAT(test::broken_rules(bench.crossing),
              ElementsAre("source 0: 8 requests and 0 credits left", "channel 0: 0 credits of 4",
                          "0 requests finished instead of 12"));
}

TEST(Crossing, RejectsBrokenProtocolAndImpossibleShapes) {
  const MemoryMap map = map_of(2);
  EXPECT_THROW(Crossing(0, map, 4), std::invalid_argument);
  EXPECT_THROW(Crossing(Crossing::kMaxSources + 1, map, 4), std::invalid_argument);
  EXPECT_THROW(Crossing(1, map, 0), std::invalid_argument);
  Bench bench(2, streams(std::make_unique<Requests>(0, 1, 2, kFirst)), [](std::size_t, std::uint64_t) { return kNs; });
  engine::Message message;
  message.phase = engine::Phase::credit;
  message.port = 1;
  message.count = 1;
  EXPECT_THROW(bench.crossing.receive(message), std::logic_error) << "nobody owes this credit";
  message.port = 0;
  EXPECT_THROW(bench.crossing.receive(message), std::logic_error) << "sources have no credits to give";
}

}  // namespace
}  // namespace cowosim::traffic
