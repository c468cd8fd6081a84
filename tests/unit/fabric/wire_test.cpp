#include "fabric/die_to_die/wire.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cowosim::fabric {
namespace {

double ps(Time t) { return static_cast<double>(t) / static_cast<double>(kPicosecond); }

TEST(Wire, TheWaveTakesSixAndAHalfToSevenPicosecondsPerMillimetre) {
  EXPECT_NEAR(ps(wave_time(1, 3.9)), 6.6, 0.05);
  EXPECT_NEAR(ps(wave_time(1, 4.2)), 6.8, 0.05);
  EXPECT_NEAR(ps(wave_time(10, 3.9)), 10 * ps(wave_time(1, 3.9)), 0.01);
  EXPECT_EQ(wave_time(299.792458, 1), kNanosecond);  // light
}

TEST(Wire, AFineWireIsChargedInTheSquareOfItsLength) {
  const WireKind& fine = *find_wire_kind("fine");
  const auto charge = [&](double mm) { return ps(charge_time(mm, fine.resistance, fine.capacitance)); };
  EXPECT_NEAR(charge(1), 4.18, 0.001);  // 0.38 x 55 x 0.2
  EXPECT_NEAR(charge(2), 17, 0.5);
  EXPECT_NEAR(charge(5), 105, 0.6);
  EXPECT_NEAR(charge(10), 420, 3);
  EXPECT_NEAR(charge(20), 4 * charge(10), 0.01);
  const WireKind& wide = *find_wire_kind("wide");
  EXPECT_NEAR(ps(charge_time(10, wide.resistance, wide.capacitance)), 42, 0.5);
}

TEST(Wire, TheLargerOfWaveAndChargeCounts) {
  const WireKind& fine = *find_wire_kind("fine");
  const WireKind& wide = *find_wire_kind("wide");
  const auto flight = [](const WireKind& kind, double mm) {
    return flight_time(mm, kind.resistance, kind.capacitance, 3.9);
  };
  EXPECT_EQ(flight(wide, 10), wave_time(10, 3.9));
  EXPECT_EQ(flight(fine, 1), wave_time(1, 3.9));
  EXPECT_EQ(flight(fine, 10), charge_time(10, fine.resistance, fine.capacitance));
  EXPECT_EQ(flight(fine, 0), 0);
}

// Ismail and Friedman (2000): with both totals R C, and the wave's time w, damping z = R C / (4 w), the delay is
// w (exp(-2.9 z^1.35) + 1.48 z).
TEST(Wire, TheLargerIsWithin18PercentOfTheClosedFormAndTheSumIsNot) {
  double worst = 0, worst_of_sum = 0;
  for (double mm = 0.1; mm <= 50; mm *= 1.1) {
    const WireKind& fine = *find_wire_kind("fine");
    const double wave = ps(wave_time(mm, 3.9));
    const double charge = ps(charge_time(mm, fine.resistance, fine.capacitance));
    const double damping = charge / 0.38 / (4 * wave);
    const double both = wave * (std::exp(-2.9 * std::pow(damping, 1.35)) + 1.48 * damping);
    const double larger = ps(flight_time(mm, fine.resistance, fine.capacitance, 3.9));
    EXPECT_GT(both / larger, 0.97) << mm;
    worst = std::max(worst, both / larger - 1);
    worst_of_sum = std::max(worst_of_sum, (wave + charge) / both - 1);
  }
  EXPECT_LT(worst, 0.18);
  EXPECT_GT(worst, 0.1);
  EXPECT_GT(worst_of_sum, 0.5);
  EXPECT_LT(worst_of_sum, 0.75);
}

TEST(Wire, KindsAreFoundByName) {
  for (const std::string& name : wire_kind_names()) EXPECT_EQ(find_wire_kind(name)->name, name);
  EXPECT_EQ(find_wire_kind("golden"), nullptr);
}

}  // namespace
}  // namespace cowosim::fabric
