// The tests' own safety net (support/sc_main.cpp): a SystemC warning fails the test in which it is given.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <systemc>

namespace {

TEST(Reports, AWarningFailsATest) {
  EXPECT_NONFATAL_FAILURE(SC_REPORT_WARNING("/cowosim/test", "a planted warning"), "a planted warning");
}

TEST(Reports, AnErrorThrows) { EXPECT_THROW(SC_REPORT_ERROR("/cowosim/test", "a planted error"), sc_core::sc_report); }

}  // namespace
