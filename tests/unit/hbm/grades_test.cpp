// The channel at every speed grade: closed forms from the clocks of the table, and the tick-by-tick second opinion.
#include <gtest/gtest.h>

#include "unit/hbm/bench.h"
#include "unit/hbm/columns.h"
#include "unit/hbm/tick_oracle.h"

namespace cowosim::hbm {
namespace {

HbmParams params_of(const Column& c) {
  const Generation& g = *find_generation(c.generation);
  HbmParams p = accuracy::reference_params();
  p.generation = c.generation;
  p.data_rate = c.data_rate;
  p.bank_groups = g.bank_groups;
  p.banks = g.banks;
  p.rows = gigabits_of(c.generation) > 4 ? 32768 : 16384;
  return p;
}

class Grades : public testing::TestWithParam<Column> {};

TEST_P(Grades, ClosedForms) {
  const Column& c = GetParam();
  HbmParams p = params_of(c);
  p.controller.refresh = "none";
  Bench b(p);
  const std::size_t closed = b.read(0, b.at(0, 0, 5));
  b.drain();
  const std::size_t hit = b.read(1000, b.at(0, 0, 5, 7));
  b.drain();
  const std::size_t conflict = b.read(2000, b.at(0, 0, 6));
  b.drain();
  // CK. ACT takes a clock more on the bus than RD and PRE of HBM2, and than PRE since HBM3; RD waits for a rising edge.
  const Half open_row = c.rl + kBurst;
  const Half closed_bank = c.rcd_read + 1 + open_row;
  const Half other_row = c.rp - 1 + closed_bank;
  EXPECT_EQ(b.latency_of(hit), 2 * open_row);
  EXPECT_EQ(b.latency_of(closed), 2 * closed_bank);
  EXPECT_EQ(b.latency_of(conflict), 2 * other_row);
  const Timing& t = b.channel.timing();
  EXPECT_EQ(t.hit(), 2 * open_row);
  EXPECT_EQ(t.closed(), 2 * closed_bank);
  EXPECT_EQ(t.conflict(), 2 * other_row);
}

TEST_P(Grades, AgreesWithTheOracle) {
  const HbmParams p = params_of(GetParam());
  const MemoryMap map = make_memory_map(p);
  for (const char* pattern : {"rand", "seqbg", "rnd256"}) {
    accuracy::StreamSpec spec;
    spec.pattern = pattern;
    spec.mix = 'm';
    spec.requests = 1500;
    Channel channel(p, map);
    accuracy::ZeroLatencySource source(channel, map, spec);
    source.run();
    accuracy::TickOracle oracle(channel.timing(), spec, map.geometry(), true);
    const std::vector<accuracy::Life> expected = oracle.run();
    ASSERT_EQ(source.lives.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(source.lives[i].accepted, expected[i].accepted) << pattern << " " << i;
      ASSERT_EQ(source.lives[i].done, expected[i].done) << pattern << " " << i;
    }
  }
}

TEST_P(Grades, RowCommandsKeepToTheirEdges) {
  Bench b(params_of(GetParam()));
  for (int i = 0; i < 40; ++i) b.read(2 * i, b.at(i % 2, i % 3, i));
  b.drain();
  b.channel.advance(3 * b.channel.timing().edge(b.channel.timing().refresh_interval));
  int falling = 0;
  for (const CommandRecord& r : b.commands) {
    const Half edge = r.time / b.channel.timing().half_period;
    const bool precharge = r.command == Command::precharge || r.command == Command::precharge_all;
    EXPECT_TRUE(edge % 2 == 0 || precharge) << name_of(r.command) << edge;
    falling += edge % 2;
  }
  EXPECT_TRUE(falling == 0 || b.channel.timing().row_step == 1);
}

INSTANTIATE_TEST_SUITE_P(Hbm, Grades, testing::ValuesIn(kColumns),
                         [](const auto& test) { return name_of(test.param); });

}  // namespace
}  // namespace cowosim::hbm
