#include "telemetry/energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace cowosim::telemetry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

EnergyTerm activate(std::uint64_t count) { return {"activate", "activate", {900, 400, 1000}, "a paper", count}; }
EnergyTerm read(std::uint64_t bits) { return {"read", "bit", {2.5, 1.5, 4}, "a paper", bits}; }
EnergyTerm background(std::uint64_t fs) { return {"background", "fs", {1e-3, 1e-3, 2e-3}, "a data sheet", fs}; }

EnergyAccount account(const std::vector<EnergyTerm>& terms) {
  EnergyAccount result;
  for (const EnergyTerm& term : terms) result.add(term);
  return result;
}

/// Two stacks and two streams that have used both; background is nobody's.
EnergyBalance balance() {
  EnergyBalance b;
  b.owners = {{"stack_0", account({activate(3), read(256), background(1000)})},
              {"stack_1", account({activate(1), read(512), background(1000)})}};
  b.streams = {{"decode", account({activate(2), read(700)})}, {"prefill", account({activate(2), read(68)})}};
  b.unattributed = account({background(2000)});
  return b;
}

TEST(Energy, IsCountTimesCoefficientSummed) {
  const EnergyAccount a = account({activate(2), read(100), background(500)});
  EXPECT_DOUBLE_EQ(a.total().value, 2 * 900 + 100 * 2.5 + 0.5);
  EXPECT_DOUBLE_EQ(a.total().low, 2 * 400 + 100 * 1.5 + 0.5);
  EXPECT_DOUBLE_EQ(a.total().high, 2 * 1000 + 100 * 4 + 1.0);
  EXPECT_EQ(account({}).total().value, 0);
}

TEST(Energy, CountsOfOnePriceAddUpAndAnotherPriceIsAnotherTerm) {
  EnergyTerm dear = activate(1);
  dear.each = {1800, 800, 2000};
  const EnergyAccount a = account({activate(2), dear, activate(3)});
  ASSERT_EQ(a.terms().size(), 2u);
  EXPECT_EQ(a.terms()[0].count, 5u);
  EXPECT_EQ(a.count("activate"), 6u);
  EXPECT_DOUBLE_EQ(a.total().value, 5 * 900 + 1800);
}

TEST(Energy, StatisticsNameTheTerms) {
  struct Visitor : StatVisitor {
    std::vector<std::string> seen;
    void operator()(const char* name, const char* unit, double value) override {
      seen.push_back(std::string(name) + " " + unit + " " + std::to_string(value));
    }
  } visitor;
  account({activate(2), read(4)}).statistics(visitor);
  EXPECT_THAT(visitor.seen, ElementsAre("energy_activate pJ 1800.000000", "energy_read pJ 10.000000"));
}

TEST(EnergyBalance, OwnersAndStreamsAgree) {
  EXPECT_THAT(balance().broken(), IsEmpty());
  EXPECT_DOUBLE_EQ(balance().total().total().value, 4 * 900 + 768 * 2.5 + 2);
  EXPECT_THAT(EnergyBalance().broken(), IsEmpty());
}

TEST(EnergyBalance, EveryMissingOrDoubleCountIsFound) {
  struct Case {
    std::function<void(EnergyBalance&)> breaks;
    const char* message;
  };
  const std::vector<Case> cases{
      {[](EnergyBalance& b) { b.streams[0].second.add(activate(1)); },
       "energy of activate: 4 counted by owner, 5 by stream and without one (per activate)"},
      {[](EnergyBalance& b) { b.streams.pop_back(); }, "energy of read: 768 counted by owner, 700 by stream"},
      {[](EnergyBalance& b) { b.owners[1].second.add(read(1)); }, "energy of read: 769 counted by owner, 768"},
      {[](EnergyBalance& b) { b.unattributed = {}; }, "energy of background: 2000 counted by owner, 0 by stream"},
      {[](EnergyBalance& b) {
         b.unattributed.add({"refresh", "bank", {1, 1, 1}, "", 7});
       },
       "energy of refresh: 0 counted by owner, 7 by stream"},
      {[](EnergyBalance& b) {  // the same count at another price is not the same energy
         b.streams[1].second = account({{"activate", "activate", {901, 400, 1000}, "", 2}, read(68)});
       },
       "energy of activate: 4 counted by owner, 2 by stream"},
  };
  for (const Case& c : cases) {
    EnergyBalance b = balance();
    c.breaks(b);
    EXPECT_THAT(b.broken(), ::testing::Contains(HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace cowosim::telemetry
