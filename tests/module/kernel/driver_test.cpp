#include "kernel/driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <systemc>
#include <vector>

namespace cowosim::kernel {
namespace {

constexpr Time kPeriod = 100 * kNanosecond;

/// Acts every 100 ns, 100 times, and notes how far SystemC is then.
class Metronome final : public engine::Heart {
 public:
  int ports() const override { return 0; }
  Time due() const override { return seen.size() == 100 ? kNever : kPeriod * static_cast<Time>(seen.size()); }
  void advance(Time until) override {
    while (due() < until) seen.push_back(static_cast<Time>(sc_core::sc_time_stamp().value()));
  }
  void receive(const engine::Message&) override {}
  std::vector<Time> seen;
};

struct Neighbour : sc_core::sc_module {
  explicit Neighbour(sc_core::sc_module_name) {
    SC_HAS_PROCESS(Neighbour);
    SC_THREAD(live);
  }
  void live() {
    for (int i = 0; i < 70; ++i) wait(sc_core::sc_time(130, sc_core::SC_NS));
  }
};

struct Played {
  engine::Engine engine{engine::Options{}};
  Metronome metronome;
  Driver driver;
  explicit Played(const char* name)
      : driver((engine.add("metronome", metronome), engine.elaborate(), name), engine, false) {}
};

TEST(Driver, RunsAheadOfSystemCOnlyWhileNobodyElseHasAnythingToDo) {
  Played alone("alone");
  sc_core::sc_start();
  ASSERT_EQ(alone.metronome.seen.size(), 100u);
  Time furthest = 0;
  for (std::size_t i = 0; i < 100; ++i)
    furthest = std::max(furthest, static_cast<Time>(i) * kPeriod - alone.metronome.seen[i]);
  EXPECT_EQ(furthest, Driver::kRunAhead - kPeriod);
  EXPECT_EQ(sc_core::sc_time_stamp().value(), static_cast<std::uint64_t>(alone.engine.now()));
}

TEST(Driver, DoesNotBeginAWindowBehindANeighboursNextActivity) {
  Played run("run");
  Neighbour neighbour("neighbour");
  sc_core::sc_start();
  ASSERT_EQ(run.metronome.seen.size(), 100u);
  const Time pace = 130 * kNanosecond;
  for (std::size_t i = 0; i < 90; ++i) {  // the neighbour lives until 9100 ns
    const Time here = run.metronome.seen[i];
    EXPECT_LE(static_cast<Time>(i) * kPeriod, std::max(here, (here + pace) / pace * pace)) << i;
  }
}

}  // namespace
}  // namespace cowosim::kernel
