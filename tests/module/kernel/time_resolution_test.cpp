// A process that holds a package counts in femtoseconds, whoever else lives in it.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <systemc>

#include "kernel/time_resolution.h"

namespace {

constexpr const char* kOtherResolution = "COWOSIM_TEST_OTHER_RESOLUTION";

/// A program that insists on its own resolution before everybody else. Only on demand: in the child of the death test.
struct Insists {
  Insists() {
    if (std::getenv(kOtherResolution) != nullptr) sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
  }
};
[[gnu::init_priority(101)]] Insists insists;

// Built before sc_main, by somebody who never heard of resolutions.
const sc_core::sc_time kSomeonesPeriod(1, sc_core::SC_NS);

TEST(TimeResolution, IsAFemtosecondBeforeStaticTimesAreBuilt) {
  EXPECT_NO_THROW(cowosim::kernel::require_femtoseconds());
  EXPECT_EQ(sc_core::sc_get_time_resolution(), sc_core::sc_time(1, sc_core::SC_FS));
  EXPECT_EQ(kSomeonesPeriod.value(), 1'000'000u);
}

TEST(TimeResolutionDeathTest, AnotherOneIsAnErrorThatSaysWhatToDo) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // runs this program again, static objects included
  setenv(kOtherResolution, "1", 1);
  EXPECT_EXIT(
      {
        try {
          cowosim::kernel::require_femtoseconds();
        } catch (const std::runtime_error& error) {
          std::fputs(error.what(), stderr);
          std::exit(7);
        }
        std::exit(0);
      },
      testing::ExitedWithCode(7),
      "the SystemC time resolution is 1 ps, but a package needs 1 fs. Remove calls of sc_set_time_resolution");
}

}  // namespace
