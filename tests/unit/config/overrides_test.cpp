#include "platforms/config/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cowosim::platforms::config {
namespace {

TEST(Glob, StarsStayInTheirSegment) {
  EXPECT_TRUE(matches("hbm.rate", "hbm.rate"));
  EXPECT_FALSE(matches("hbm.rate", "hbm.rates"));
  EXPECT_FALSE(matches("hbm.rates", "hbm.rate"));
  EXPECT_TRUE(matches("hbm.*", "hbm.rate"));
  EXPECT_FALSE(matches("hbm.*", "hbm.timing.rate"));
  EXPECT_FALSE(matches("*", "hbm.rate"));
  EXPECT_TRUE(matches("*.rate", "hbm.rate"));
  EXPECT_TRUE(matches("stacks.*.height", "stacks.hbm_0.height"));
  EXPECT_TRUE(matches("a.b*d*.c", "a.bxdydz.c"));
  EXPECT_FALSE(matches("a.b*d.c", "a.b.d.c"));
  EXPECT_TRUE(matches("*.t_r*", "timing.t_rcd"));
  EXPECT_TRUE(matches("**", "abc"));
  EXPECT_TRUE(matches("a*", "a"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("*a*b", "aab"));
}

TEST(Overrides, TheLastOneWins) {
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("hbm.rate=1", diagnostics);
  overrides.set("hbm.*=2", diagnostics);
  overrides.set("x=a=b", diagnostics);
  ASSERT_NE(overrides.find("hbm.rate"), nullptr);
  EXPECT_EQ(overrides.find("hbm.rate")->text, "2");
  EXPECT_EQ(to_string(overrides.find("hbm.rate")->origin), "--set:2:7");
  EXPECT_EQ(overrides.find("x")->text, "a=b");
  EXPECT_EQ(overrides.find("hbm.deep.rate"), nullptr);
  overrides.finish(diagnostics);
  EXPECT_TRUE(diagnostics.empty());
}

TEST(Overrides, FlowValues) {
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("map=[row, bank]", diagnostics);
  overrides.set("hbm={rate: 3, timing: {rcd: 2ns}}", diagnostics);
  ASSERT_NE(overrides.find("map"), nullptr);
  EXPECT_EQ(overrides.find("map")->items.size(), 2u);
  EXPECT_EQ(overrides.find("hbm.rate")->text, "3");
  EXPECT_EQ(overrides.find("hbm.timing.rcd")->text, "2ns");
  EXPECT_TRUE(diagnostics.empty());
}

std::string only(const Diagnostics& diagnostics) {
  EXPECT_EQ(diagnostics.list().size(), 1u);
  return diagnostics.empty() ? "" : to_string(diagnostics.list()[0]);
}

TEST(Overrides, WhatIsNoAssignment) {
  for (const char* text : {"hbm.rate", "=3", ""}) {
    Diagnostics diagnostics;
    Overrides overrides;
    overrides.set(text, diagnostics);
    EXPECT_EQ(only(diagnostics),
              std::string("--set:1:1: error: '") + text + "' is not an assignment; expected path=value");
  }
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("map=[row", diagnostics);
  EXPECT_EQ(only(diagnostics), "--set:1:5: error: map: not valid YAML: end of sequence flow not found");
}

TEST(Overrides, NoMatchNamesTheNearest) {
  Overrides overrides;
  Diagnostics diagnostics;
  overrides.set("hbm.raet=1", diagnostics);
  overrides.set("hbm.x*=1", diagnostics);
  overrides.set("hbm=1", diagnostics);
  overrides.set("core.rate=1", diagnostics);
  overrides.find("hbm.rate");
  overrides.find("hbm.size");
  overrides.finish(diagnostics);
  std::vector<std::string> lines;
  for (const Diagnostic& d : diagnostics.list()) lines.push_back(to_string(d));
  EXPECT_THAT(lines,
              ::testing::ElementsAre("--set:1:1: error: hbm.raet: no such parameter; did you mean 'hbm.rate'?",
                                     "--set:2:1: error: hbm.x*: matches no parameter",
                                     "--set:3:1: error: hbm: is a section; name a parameter in it, such as 'hbm.rate'",
                                     "--set:4:1: error: core.rate: no such parameter; did you mean 'hbm.rate'?"));
}

}  // namespace
}  // namespace cowosim::platforms::config
