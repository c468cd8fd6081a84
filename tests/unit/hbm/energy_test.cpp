#include "hbm/energy.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/parameter_visitor.h"
#include "hbm/generation.h"

namespace cowosim::hbm {
namespace {

using telemetry::Energy;
using telemetry::EnergyAccount;

HbmParams params(const char* generation, double data_rate, int rows = 16384) {
  HbmParams p;
  p.generation = generation;
  p.data_rate = data_rate;
  p.rows = rows;
  return p;
}

constexpr double kBits = 256;  // of an access
constexpr std::uint64_t kAccesses = 1 << 20;

/// Energy of a stream of `accesses` with an ACT for every `per_row` of them.
Energy commands(const EnergyModel& model, std::uint64_t accesses, std::uint64_t per_row) {
  return model.of(Activity{accesses / per_row, accesses, 0}).total();
}

/// Energy of one pseudo-channel of `pins` streaming full rows at its peak, refresh and background included, per bit.
double streaming(const HbmParams& p, int pins) {
  const EnergyModel model(p);
  const double seconds = kAccesses * kBits / (pins * p.data_rate);
  Counters counters;
  counters.refreshes = static_cast<std::uint64_t>(seconds / 3.9e-6);
  EnergyAccount all = model.of(Activity{kAccesses / 32, kAccesses, 0});
  all.add(model.upkeep(counters, static_cast<Time>(seconds * 1e15)));
  return all.total().value / (kAccesses * kBits);
}

TEST(HbmEnergy, ClosedFormOfAHandCountedStream) {
  HbmParams p = params("hbm2", 2e9);
  p.energy = {900, 2, 3, 0.5, 100, 0.02};
  p.sids = 2;
  const EnergyModel model(p);
  EXPECT_DOUBLE_EQ(model.of(Activity{5, 7, 11}).total().value,
                   5 * 900 + 7 * 256 * 2.0 + 11 * 256 * 3.0 + 18 * 256 * 0.5);
  Counters counters;
  counters.refreshes = 2;       // of 32 banks
  counters.bank_refreshes = 3;  // of one
  counters.refresh_managements = 1;
  // A bank's 16384 rows take 8192 refreshes: two rows each. 20 mW for 10 us are 200 nJ.
  EXPECT_DOUBLE_EQ(model.upkeep(counters, 10 * kMicrosecond).total().value, (2 * 32 + 3 + 1) * 2 * 100 + 200e3);
  EXPECT_DOUBLE_EQ(model.upkeep(Counters(), 0).total().value, 0);
}

TEST(HbmEnergy, ForwardedAndMergedAccessesAreFree) {
  const EnergyModel model(params("hbm3", 6.4e9));
  Counters counters;
  counters.forwarded = 1000;
  counters.merged = 1000;
  EXPECT_EQ(model.upkeep(counters, 0).total().value, 0);
}

TEST(HbmEnergy, APageOfHalfTheSizeCostsHalfAnActivate) {
  HbmParams p = params("hbm2", 2e9);
  const double whole = EnergyModel(p).of(Activity{1, 0, 0}).total().value;
  p.columns = 16;
  EXPECT_DOUBLE_EQ(EnergyModel(p).of(Activity{1, 0, 0}).total().value, whole / 2);
}

// O'Connor et al., MICRO 2017: table 3 gives 1.51 + 1.17 + 0.80 pJ/bit and 909 pJ per ACT; the device in all is about 3.9 pJ/bit
// (3.92 in section 2, 3.97 in section 1). A stream of full rows has almost no activates, so it may be a tenth below.
TEST(HbmEnergy, FullRowsOfHbm2CostWhatIsPublished) {
  const EnergyModel model(params("hbm2", 2e9));
  EXPECT_NEAR(commands(model, kAccesses, 32).value / (kAccesses * kBits), 3.48 + 909.0 / 8192, 1e-9);
  const double all = streaming(params("hbm2", 2e9), 64);
  EXPECT_GT(all, 3.92 * 0.9);
  EXPECT_LT(all, 3.97);
}

TEST(HbmEnergy, RandomAccessesCostTheirActivatesMore) {
  const EnergyModel model(params("hbm2", 2e9));
  const double difference = commands(model, kAccesses, 1).value - commands(model, kAccesses, 32).value;
  EXPECT_DOUBLE_EQ(difference, (kAccesses - kAccesses / 32) * 909.0);
}

TEST(HbmEnergy, BackgroundGoesWithTheClock) {
  const double at_full = EnergyModel(params("hbm3", 6.25e9)).upkeep(Counters(), kMicrosecond).total().value;
  const double at_half = EnergyModel(params("hbm3", 3.125e9)).upkeep(Counters(), kMicrosecond).total().value;
  EXPECT_DOUBLE_EQ(at_full, 180e3);  // 180 mW for 1 us
  EXPECT_DOUBLE_EQ(at_half, at_full / 2);
  HbmParams own = params("hbm3", 3.125e9);
  own.energy.background = 0.18;
  EXPECT_DOUBLE_EQ(EnergyModel(own).upkeep(Counters(), kMicrosecond).total().value, at_full)
      << "the user's is what it is";
}

// Three idle H200, six HBM3E stacks: 34.8, 35.6 and 45.0 W (CMU-SAFARI/HBM-Power, data/HBM3E_measurements.csv).
TEST(HbmEnergy, AnIdleH200DrawsWhatWasMeasured) {
  HbmParams p = params("hbm3e", 6.25e9);
  p.sids = 2;
  Counters counters;
  counters.refreshes = 1000;
  const EnergyAccount idle = EnergyModel(p).upkeep(counters, 1000 * 3900 * kNanosecond);
  const double watts = idle.total().value * 1e-12 / 3.9e-3 * 192;
  EXPECT_GT(watts, 34.7);
  EXPECT_LT(watts, 45.0);
}

// The same GPUs read random data, four accesses per ACT, with 210 W above idle at 4.52 TB/s: 5.80 pJ/bit. Known gap: the figures
// derived from O'Connor et al. are 38 % below; the high ends of the intervals cover it. The day this fails, close the gap in the card.
TEST(HbmEnergy, KnownGapAnH200ReadingRandomDataTakesMore) {
  constexpr double kMeasured = 5.80;
  const Energy per_bit = (1 / (kAccesses * kBits)) * commands(EnergyModel(params("hbm3e", 6.25e9)), kAccesses, 4);
  EXPECT_NEAR(per_bit.value / kMeasured, 0.62, 0.01);
  EXPECT_GT(per_bit.high, kMeasured);
}

TEST(HbmEnergy, NewerGenerationsCostNoMorePerBit) {
  const double hbm2 = streaming(params("hbm2", 2e9), 64);
  const double hbm3 = streaming(params("hbm3", 6.4e9), 32);
  const double hbm4 = streaming(params("hbm4", 8e9), 32);
  EXPECT_LT(hbm3, 1.02 * hbm2);
  EXPECT_LT(hbm4, hbm3);
}

TEST(HbmEnergy, EveryFigureLiesInItsIntervalAndHasASource) {
  for (const EnergyFigures& figures : energy_figures()) {
    for (const auto figure : {&EnergyFigures::activate, &EnergyFigures::read, &EnergyFigures::write, &EnergyFigures::io,
                              &EnergyFigures::refresh_row, &EnergyFigures::background}) {
      const EnergyFigure& f = figures.*figure;
      EXPECT_GT(f.low, 0) << figures.generation;
      EXPECT_LE(f.low, f.value) << figures.generation << " " << f.source;
      EXPECT_LE(f.value, f.high) << figures.generation << " " << f.source;
      EXPECT_GT(f.source.size(), 10u) << figures.generation;
    }
  }
}

TEST(HbmEnergy, EveryGenerationHasFigures) {
  for (const Generation& g : generations()) EXPECT_NE(find_energy_figures(g.name), nullptr) << g.name;
  EXPECT_EQ(find_energy_figures("ddr3"), nullptr);
  EXPECT_THROW(EnergyModel(params("ddr3", 1e9)), std::invalid_argument);
}

TEST(HbmEnergy, ParametersSayWhatTheGenerationsAre) {
  const std::vector<ParameterInfo> all = describe(EnergyParams(), "hbm.energy");
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0].path, "hbm.energy.activate");
  EXPECT_NE(all[0].source.find("hbm2 909pJ [414pJ, 948pJ]: O'Connor"), std::string::npos) << all[0].source;
  EXPECT_NE(all[5].source.find("hbm3, hbm3e 180mW [78mW, 234mW]"), std::string::npos) << all[5].source;
}

}  // namespace
}  // namespace cowosim::hbm
