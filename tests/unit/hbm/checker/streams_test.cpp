// What the channel itself does under every kind of load keeps the protocol; and a command moved by a clock does not.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "accuracy/hbm/reference_streams.h"
#include "hbm/checker/protocol_checker.h"

namespace cowosim::hbm {
namespace {

using accuracy::StreamSpec;

struct Watched {
  Watched(const HbmParams& params, const StreamSpec& spec)
      : map(make_memory_map(params)), channel(params, map), checker(params, "channel"), source(channel, map, spec) {
    channel.trace_commands(&trace);
    checker_end = source.run();
    for (const CommandRecord& c : trace.commands) checker.check(c);
    checker.finish(checker_end);
  }
  MemoryMap map;
  Channel channel;
  CommandList trace;
  ProtocolChecker checker;
  accuracy::ZeroLatencySource source;
  Time checker_end = 0;
};

StreamSpec spec_of(const char* pattern, char mix, int load, std::uint64_t requests) {
  StreamSpec spec;
  spec.pattern = pattern;
  spec.mix = mix;
  spec.mode = load == 0 ? "sat" : "rate";
  spec.load = load;
  spec.requests = requests;
  return spec;
}

class Streams : public testing::TestWithParam<std::tuple<const char*, char, int, int>> {};

TEST_P(Streams, KeepTheProtocol) {
  const auto [pattern, mix, load, sids] = GetParam();
  HbmParams params = accuracy::reference_params();
  params.sids = sids;
  params.pseudo_channels = sids == 1 ? 1 : 2;
  if (params.pseudo_channels == 2) {
    params.address_map = {"row", "sid", "bank", "column", "pseudo_channel", "bank_group", "offset"};
    params.bank_hash = true;
  }
  Watched run(params, spec_of(pattern, mix, load, 20000));
  EXPECT_GE(run.checker.commands(), 20000u);
  EXPECT_EQ(run.checker.violation_count(), 0u) << run.checker.violations()[0].text;
}

INSTANTIATE_TEST_SUITE_P(Hbm3, Streams,
                         testing::Combine(testing::Values("seqbg", "seqco", "rand", "rnd256"),
                                          testing::Values('r', 'w', 'm'), testing::Values(0, 20),
                                          testing::Values(1, 2, 4)));

struct Scheme {
  const char* generation;
  double data_rate;
  const char* refresh;
  const char* policy;
};

class Schemes : public testing::TestWithParam<std::tuple<Scheme, const char*, char>> {};

TEST_P(Schemes, KeepTheProtocolOfEveryGeneration) {
  const auto [scheme, pattern, mix] = GetParam();
  HbmParams params = accuracy::reference_params();
  params.generation = scheme.generation;
  params.data_rate = scheme.data_rate;
  const Generation& g = *find_generation(scheme.generation);
  params.bank_groups = g.bank_groups;
  params.banks = g.banks;
  params.sids = 2;
  params.pseudo_channels = 2;
  params.address_map = {"row", "sid", "bank", "column", "pseudo_channel", "bank_group", "offset"};
  params.controller.refresh = scheme.refresh;
  params.controller.refresh_policy = scheme.policy;
  params.controller.refresh_postpone = 8;
  params.controller.refresh_pull_in = 8;
  params.controller.page_policy = "adaptive";
  params.controller.refresh_management = g.refresh_management;
  Watched run(params, spec_of(pattern, mix, 0, 20000));
  EXPECT_GE(run.checker.commands(), 20000u);
  EXPECT_EQ(run.checker.violation_count(), 0u) << run.checker.violations()[0].text;
}

INSTANTIATE_TEST_SUITE_P(
    Hbm, Schemes,
    testing::Combine(
        testing::Values(Scheme{"hbm2", 2.0e9, "all_bank", "strict"}, Scheme{"hbm2", 2.4e9, "per_bank", "strict"},
                        Scheme{"hbm2", 1.9e9, "per_bank", "hidden"}, Scheme{"hbm2e", 3.2e9, "all_bank", "hidden"},
                        Scheme{"hbm3", 5.23e9, "per_bank", "strict"}, Scheme{"hbm3", 6.4e9, "per_bank", "hidden"},
                        Scheme{"hbm3e", 9.6e9, "all_bank", "hidden"}, Scheme{"hbm3e", 8.0e9, "per_bank", "hidden"},
                        Scheme{"hbm4", 8.0e9, "all_bank", "strict"}, Scheme{"hbm4", 8.0e9, "per_bank", "strict"},
                        Scheme{"hbm4", 8.0e9, "per_bank", "hidden"}),
        testing::Values("seqbg", "rand", "rnd256"), testing::Values('r', 'm')));

/// Negative control of the tests above: the same stream with one kind of command a clock early.
TEST(Planted, AnEarlyCommandIsFound) {
  const HbmParams params = accuracy::reference_params();
  const auto found = [&](const char* pattern, char mix, Command command, Half early) {
    Watched run(params, spec_of(pattern, mix, 0, 2000));
    ProtocolChecker checker(params, "channel");
    int n = 0;
    for (CommandRecord c : run.trace.commands) {
      if (c.command == command && ++n == 100) c.time -= early * run.channel.timing().half_period;
      checker.check(c);
    }
    return checker.violations().empty() ? std::string("nothing") : checker.violations()[0].rule;
  };
  EXPECT_EQ(found("rand", 'r', Command::activate, 0), "nothing");
  EXPECT_EQ(found("rand", 'r', Command::activate, 2), "tRRD_S");
  EXPECT_EQ(found("seqbg", 'r', Command::read, 2), "tCCD_S");
  EXPECT_EQ(found("seqbg", 'r', Command::read, 1), "edge: RD on a falling edge");
}

}  // namespace
}  // namespace cowosim::hbm
