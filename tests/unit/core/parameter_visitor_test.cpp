#include "core/parameter_visitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/time.h"

namespace cowosim {
namespace {

struct InnerParams {
  Time latency = 48 * kNanosecond;
  double clock = 1.83e9;

  template <class Visitor>
  void visit(Visitor& v) {
    v("latency", latency, Unit::time, {0, 1e12}, "how long", "data sheet");
    v("clock", clock, Unit::frequency, Range{1e6, 1e11}, "how fast", "data sheet");
  }
};

struct NamedParams {
  std::string name;
  int height = 8;

  template <class Visitor>
  void visit(Visitor& v) {
    v("height", height, {1, 16}, "dies", "JESD238");
  }
};

struct OuterParams {
  int entries = 32;
  std::int64_t seed = 1;
  double ratio = 0.5;
  bool enabled = true;
  std::string policy = "open";
  std::string title = "a package";
  std::vector<std::string> order{"row", "bank"};
  InnerParams inner;
  std::vector<NamedParams> stacks;
  std::vector<InnerParams> steps;

  template <class Visitor>
  void visit(Visitor& v) {
    v("entries", entries, {1, 4096}, "queue", "assumption [16, 128]: typical");
    v("seed", seed, {0, 9.3e18}, "seed", "");
    v("ratio", ratio, {0, 1}, "share", "");
    v("enabled", enabled, "on or off", "");
    v("policy", policy, {"open", "closed"}, "page policy", "");
    v("title", title, "in words", "");
    v("order", order, "of fields", "");
    v.group("inner", inner, "an inner section");
    v.entries("stacks", stacks, "by name");
    v.list("steps", steps, "in order");
  }
};

TEST(Describe, ListsEveryParameterOnce) {
  const auto list = describe(OuterParams(), "package");
  std::vector<std::string> lines;
  for (const ParameterInfo& p : list) {
    lines.push_back(p.path + " " + p.type + " " + p.default_value + " [" +
                    format_range(p.unit, p.range, p.type == "integer") + "]");
  }
  EXPECT_THAT(lines,
              ::testing::ElementsAre(
                  "package.entries integer 32 [1 to 4096]", "package.seed integer 1 [at least 0]",
                  "package.ratio number 0.5 [0 to 1]", "package.enabled boolean true [0 to 1]",
                  "package.policy choice open [0 to 0]", "package.title string a package [0 to 0]",
                  "package.order list row bank [0 to 0]", "package.inner.latency integer 48ns [0fs to 1ms]",
                  "package.inner.clock number 1.83GHz [1MHz to 100GHz]", "package.stacks.*.height integer 8 [1 to 16]",
                  "package.steps.[].latency integer 48ns [0fs to 1ms]",
                  "package.steps.[].clock number 1.83GHz [1MHz to 100GHz]"));
  EXPECT_EQ(list[0].source, "assumption [16, 128]: typical");
  EXPECT_EQ(list[0].doc, "queue");
  EXPECT_THAT(list[4].choices, ::testing::ElementsAre("open", "closed"));
}

TEST(Describe, ListsSections) {
  const Description description = describe_all(OuterParams());
  ASSERT_EQ(description.sections.size(), 3u);
  EXPECT_EQ(description.sections[0].path, "inner");
  EXPECT_EQ(description.sections[0].doc, "an inner section");
  EXPECT_EQ(description.sections[1].kind, SectionInfo::Kind::entries);
  EXPECT_EQ(description.sections[2].kind, SectionInfo::Kind::list);
}

TEST(Describe, DefaultsAreTheValuesGiven) {
  OuterParams params;
  params.entries = 64;
  EXPECT_EQ(describe(params)[0].default_value, "64");
  EXPECT_EQ(describe(params)[0].path, "entries");
  EXPECT_TRUE(params.stacks.empty());
}

TEST(Range, InWords) {
  EXPECT_EQ(format_range(Unit::time, {1e6, 1e12}, true), "1ns to 1ms");
  EXPECT_EQ(format_range(Unit::none, {1, 9.3e18}, true), "at least 1");
  EXPECT_EQ(format_range(Unit::none, {-9.3e18, 5}, true), "at most 5");
  EXPECT_EQ(format_range(Unit::none, {0, 1e308 * 10}, false), "at least 0");
}

}  // namespace
}  // namespace cowosim
