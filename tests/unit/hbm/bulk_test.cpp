// Serving hits in bulk and slicing time differently changes no result.
#include <gtest/gtest.h>

#include <map>

#include "unit/hbm/bench.h"
#include "unit/hbm/random_runs.h"

namespace cowosim::hbm {
namespace {

using accuracy::StreamSpec;
using accuracy::ZeroLatencySource;

/// Everything a channel tells, by name.
using Results = std::map<std::string, std::vector<std::uint64_t>>;

void add_channel(Results& r, const Channel& channel, int streams, Time end) {
  const auto put = [&](const std::string& name, auto value) { r[name].push_back(static_cast<std::uint64_t>(value)); };
  put("journal", channel.journal().hash());
  put("transactions", channel.transactions());
  put("read latency", channel.read_latency().sum());
  for (int pc = 0; pc < channel.pseudo_channels(); ++pc) {
    const Counters& c = channel.counters(pc);
    for (const std::uint64_t n : {c.reads, c.writes, c.activates, c.precharges, c.refreshes, c.bank_refreshes,
                                  c.refresh_managements, c.row_hits, c.forwarded, c.merged})
      put("counters", n);
    const LossAccount a = channel.loss(pc, end);
    put("loss", a.busy);
    for (const Time lost : a.loss) put("loss", lost);
    put("waited", channel.waited(pc));
    for (int s = 0; s < streams; ++s) {
      const auto stream = static_cast<StreamId>(s);
      put("data time", channel.data_time(pc, stream));
      put("activates", channel.activity(pc, stream).activates);
      for (std::size_t h = 0; h < telemetry::kHolders; ++h)
        put("blame", channel.blame(pc).wait(stream, static_cast<telemetry::Holder>(h)));
    }
  }
}

void expect_same(const Results& a, const Results& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, values] : a) EXPECT_EQ(values, b.at(name)) << name;
}

// ------------------------------------------------------------------------------------- the streams of the measurements

Results of_stream(HbmParams p, const StreamSpec& spec, bool bulk, Time slice = 0) {
  p.controller.bulk = bulk;
  const MemoryMap map = make_memory_map(p);
  Channel channel(p, map);
  ZeroLatencySource source(channel, map, spec);
  const Time end = source.run(slice);
  Results r;
  for (const accuracy::Life& life : source.lives)
    r["lives"].insert(r["lives"].end(),
                      {static_cast<std::uint64_t>(life.accepted), static_cast<std::uint64_t>(life.done)});
  r["hash"].push_back(source.hash);
  add_channel(r, channel, 1, end);
  return r;
}

class BulkStreams : public testing::TestWithParam<std::tuple<const char*, char, int, const char*>> {};

TEST_P(BulkStreams, AreTheSameWithoutBulkAndHoweverSliced) {
  const auto [pattern, mix, load, refresh] = GetParam();
  StreamSpec spec;
  spec.pattern = pattern;
  spec.mix = mix;
  spec.mode = load == 0 ? "sat" : "rate";
  spec.load = load;
  spec.requests = 3000;
  HbmParams p = accuracy::reference_params();
  p.sids = 2;
  p.controller.door_entries = load == 0 ? 32 : 64;
  p.controller.refresh = refresh;
  p.controller.refresh_policy = p.controller.refresh == "per_bank" ? "hidden" : "strict";
  const Results expected = of_stream(p, spec, false);
  expect_same(expected, of_stream(p, spec, true));
  expect_same(expected, of_stream(p, spec, true, 777 * kPicosecond));
  expect_same(expected, of_stream(p, spec, false, 50 * kNanosecond));
}

INSTANTIATE_TEST_SUITE_P(Hbm, BulkStreams,
                         testing::Combine(testing::Values("seqbg", "seqco", "rnd256", "rand"),
                                          testing::Values('r', 'm', 'w'), testing::Values(0, 30, 70, 95),
                                          testing::Values("all_bank", "per_bank")));

// ------------------------------------------------------------------------------- random channels under random streams

/// As fast as the door allows, behind a wire; time in steps of at most `slice`, as far as the credits allow.
Results of_random(const HbmParams& p, Dice dice, int streams, int requests, Time slice) {
  Bench b(p, streams);
  b.channel.trace_commands(nullptr);  // which would switch bulk off
  const Timing& t = b.channel.timing();
  RandomRequests stream(dice, b.map, t.edge(t.refresh_interval), streams);
  Time now = 0;
  const auto door = static_cast<std::size_t>(b.channel.door_entries());
  for (std::size_t i = 0; i < static_cast<std::size_t>(requests); ++i) {
    const RandomRequest r = stream.next();
    Time arrival = now + r.gap;
    while (i >= door && b.credited.size() <= i - door) b.channel.advance(now = b.channel.due() + 1);
    if (i >= door) arrival = std::max(arrival, b.credited[i - door] + kNanosecond);
    for (; now + slice < arrival; now += slice) b.channel.advance(now + slice);
    b.request_at(now = arrival, r.op, r.address, r.bytes, r.stream);
  }
  while (b.channel.outstanding() > 0) b.channel.advance(now += slice);
  Time end = 0;
  for (const Bench::Sent& s : b.sent) end = std::max(end, std::max(s.response, s.retire));
  b.channel.advance(end += 2 * kMillisecond);  // beyond any slice
  Results result;
  for (const Bench::Sent& s : b.sent)
    result["lives"].insert(result["lives"].end(),
                           {static_cast<std::uint64_t>(s.response), static_cast<std::uint64_t>(s.retire)});
  add_channel(result, b.channel, streams, end);
  return result;
}

class BulkRandom : public testing::TestWithParam<int> {};

TEST_P(BulkRandom, IsTheSameWithoutBulkAndHoweverSliced) {
  for (int i = 0; i < 60; ++i) {
    const auto seed = static_cast<std::uint64_t>(1000 * GetParam() + i);
    Dice dice(seed);
    HbmParams p = random_device(dice);
    randomize_controller(dice, p);
    if (dice.chance(80)) {  // what bulk is for
      p.controller.scheduler = "fr_fcfs";
      p.controller.page_policy = "open";
      p.controller.drain = "watermarks";
      p.ecc.bit_error_rate = 0;
    }
    const int streams = dice.of(1, 3);
    const int requests = dice.of(100, 400);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + describe(p));
    p.controller.bulk = false;
    const Results expected = of_random(p, dice, streams, requests, kMicrosecond);
    p.controller.bulk = true;
    for (const Time slice : {kMillisecond, 10 * kNanosecond, 313 * kPicosecond})
      expect_same(expected, of_random(p, dice, streams, requests, slice));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, BulkRandom, testing::Range(0, 8));

}  // namespace
}  // namespace cowosim::hbm
