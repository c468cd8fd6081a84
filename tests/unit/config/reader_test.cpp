#include "platforms/config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/config/support.h"

namespace cowosim::platforms::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kGood = R"(description: two stacks
capacity: 96GB
hbm:
  queue_entries: 64
  page_policy: closed
  address_map: [bank, row, column]
  timing: {t_rcd: 15ns, rate: 5.23Gb/s}
links:
  left: {from: die_0, bandwidth: 2TB/s}
  right: {enabled: false}
steps:
  - share: 0.25
  - {}
)";

TEST(Reader, FillsEverything) {
  const Reading r(kGood);
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_EQ(r.params.description, "two stacks");
  EXPECT_EQ(r.params.capacity, 96'000'000'000);
  EXPECT_EQ(r.params.hbm.queue_entries, 64);
  EXPECT_EQ(r.params.hbm.page_policy, "closed");
  EXPECT_THAT(r.params.hbm.address_map, ElementsAre("bank", "row", "column"));
  EXPECT_EQ(r.params.hbm.timing.t_rcd, 15 * kNanosecond);
  EXPECT_EQ(r.params.hbm.timing.rate, 5.23e9);
  ASSERT_EQ(r.params.links.size(), 2u);
  EXPECT_EQ(r.params.links[0].name, "left");
  EXPECT_EQ(r.params.links[0].from, "die_0");
  EXPECT_EQ(r.params.links[0].bandwidth, 2'000'000'000'000);
  EXPECT_FALSE(r.params.links[1].enabled);
  ASSERT_EQ(r.params.steps.size(), 2u);
  EXPECT_EQ(r.params.steps[0].share, 0.25);
  EXPECT_EQ(r.params.steps[1].share, 0.5);
}

TEST(Reader, WhatIsNotWrittenKeepsItsDefault) {
  const Reading r("hbm:\n  queue_entries: 64\n");
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_EQ(r.params.hbm.timing.t_rcd, 14 * kNanosecond);
  EXPECT_EQ(r.params.description, "a package");
}

TEST(Reader, ListsMayBeWrittenAsWords) {
  const Reading r("hbm:\n  address_map: column  row bank\n");
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_THAT(r.params.hbm.address_map, ElementsAre("column", "row", "bank"));
}

TEST(Reader, ResolvedWithOrigins) {
  const Reading r("hbm:\n  queue_entries: 64\nlinks:\n  left: {}\n", {"hbm.timing.t_rcd=15ns"});
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_EQ(to_yaml(r.resolved, true),
            "description: a package  # default\n"
            "capacity: 80GiB  # default\n"
            "hbm:\n"
            "  queue_entries: 64  # p.yaml:2:18\n"
            "  page_policy: open  # default\n"
            "  address_map: [row, bank, column]  # default\n"
            "  timing:\n"
            "    t_rcd: 15ns  # --set:1:18\n"
            "    rate: 6.4Gb/s  # default\n"
            "links:\n"
            "  left:\n"
            "    from: \"\"  # default\n"
            "    bandwidth: 1TB/s  # default\n"
            "    enabled: true  # default\n"
            "steps: []  # default\n");
}

TEST(Reader, ItemsOfAListRememberWhereTheyWereWritten) {
  const Reading list("hbm:\n  address_map:\n    - row\n    - bank\n");
  EXPECT_EQ(to_string(list.resolved.at("hbm.address_map.1")->origin), "p.yaml:4:7");
  const Reading words("hbm:\n  address_map: row bank\n");
  EXPECT_EQ(to_string(words.resolved.at("hbm.address_map.1")->origin), "p.yaml:2:16");
  const Reading set("hbm:\n  address_map: [row, bank]\n", {"hbm.address_map=column"});
  EXPECT_EQ(to_string(set.resolved.at("hbm.address_map.0")->origin), "--set:1:17");
}

TEST(Reader, TheResolvedFileReproducesItself) {
  const Reading first(kGood, {"hbm.queue_entries=17", "links.*.bandwidth=3GB/s"});
  EXPECT_THAT(first.errors, IsEmpty());
  for (const bool origins : {false, true}) {
    const Reading second(to_yaml(first.resolved, origins));
    EXPECT_THAT(second.errors, IsEmpty());
    EXPECT_EQ(to_yaml(second.resolved), to_yaml(first.resolved));
    EXPECT_EQ(second.params.hbm.queue_entries, 17);
    EXPECT_EQ(second.params.links[1].bandwidth, 3'000'000'000);
  }
}

std::vector<std::string> errors_in(const std::string& text) { return Reading(text).errors; }

TEST(Reader, UnknownKeys) {
  EXPECT_THAT(errors_in("hbm:\n  queue_entires: 64\n"),
              ElementsAre("p.yaml:2:3: error: hbm.queue_entires: unknown key; did you mean 'queue_entries'?"));
  EXPECT_THAT(errors_in("hmb: {}\n"), ElementsAre("p.yaml:1:1: error: hmb: unknown key; did you mean 'hbm'?"));
  EXPECT_THAT(errors_in("t_rcd: 15ns\n"),
              ElementsAre("p.yaml:1:1: error: t_rcd: unknown key; did you mean 'hbm.timing.t_rcd'?"));
  EXPECT_THAT(
      errors_in("hbm:\n  zebra: 1\n"),
      ElementsAre("p.yaml:2:3: error: hbm.zebra: unknown key; expected one of queue_entries, page_policy, address_map, "
                  "timing"));
  EXPECT_THAT(errors_in("links:\n  left: {form: a}\nsteps:\n  - shaer: 1\n"),
              ElementsAre("p.yaml:2:10: error: links.left.form: unknown key; did you mean 'from'?",
                          "p.yaml:4:5: error: steps.0.shaer: unknown key; did you mean 'share'?"));
}

TEST(Reader, WrongTypes) {
  EXPECT_THAT(
      errors_in("hbm: {queue_entries: many}\n"),
      ElementsAre("p.yaml:1:22: error: hbm.queue_entries: 'many' is not an integer; expected an integer, such as 32"));
  EXPECT_THAT(
      errors_in("hbm: {queue_entries: 1.5}\n"),
      ElementsAre(
          "p.yaml:1:22: error: hbm.queue_entries: '1.5' is not a whole number; expected an integer, such as 32"));
  EXPECT_THAT(errors_in("hbm: {queue_entries: '32'}\n"),
              ElementsAre("p.yaml:1:22: error: hbm.queue_entries: '32' is in quotes; expected an integer, such as 32"));
  EXPECT_THAT(errors_in("hbm: {queue_entries: [1]}\n"),
              ElementsAre("p.yaml:1:22: error: hbm.queue_entries: is a list; expected an integer, such as 32"));
  EXPECT_THAT(errors_in("hbm: {queue_entries: {a: 1}}\n"),
              ElementsAre("p.yaml:1:22: error: hbm.queue_entries: is a section; expected an integer, such as 32"));
  EXPECT_THAT(errors_in("hbm:\n  queue_entries:\n  page_policy: open\n"),
              ElementsAre("p.yaml:2:3: error: hbm.queue_entries: has no value; expected an integer, such as 32"));
  EXPECT_THAT(errors_in("links: {a: {enabled: yes}}\n"),
              ElementsAre("p.yaml:1:22: error: links.a.enabled: 'yes' is not a boolean; expected true or false"));
  EXPECT_THAT(
      errors_in("hbm: {page_policy: opne}\n"),
      ElementsAre(
          "p.yaml:1:20: error: hbm.page_policy: 'opne' is not a choice; did you mean 'open'? expected one of open, "
          "closed"));
  EXPECT_THAT(
      errors_in("hbm: {page_policy: zebra}\n"),
      ElementsAre("p.yaml:1:20: error: hbm.page_policy: 'zebra' is not a choice; expected one of open, closed"));
  EXPECT_THAT(errors_in("hbm: {address_map: {a: 1}}\n"),
              ElementsAre("p.yaml:1:20: error: hbm.address_map: is a section; expected a list, such as [a, b]"));
  EXPECT_THAT(errors_in("hbm: {address_map: [a, [b]]}\n"),
              ElementsAre("p.yaml:1:20: error: hbm.address_map: holds a list; expected a list, such as [a, b]"));
  EXPECT_THAT(errors_in("description: [a]\n"),
              ElementsAre("p.yaml:1:14: error: description: is a list; expected a text"));
  EXPECT_THAT(errors_in("steps: [{share: x}]\n"),
              ElementsAre("p.yaml:1:17: error: steps.0.share: 'x' is not a number; expected a number, such as 0.5"));
}

TEST(Reader, WrongUnits) {
  EXPECT_THAT(errors_in("hbm: {timing: {t_rcd: 15}}\n"),
              ElementsAre("p.yaml:1:23: error: hbm.timing.t_rcd: '15' has no unit; expected a time, such as 48ns"));
  EXPECT_THAT(
      errors_in("hbm: {timing: {rate: 6.4GB/s}}\n"),
      ElementsAre(
          "p.yaml:1:22: error: hbm.timing.rate: '6.4GB/s' is a bandwidth; expected a data rate, such as 6.4Gb/s"));
}

TEST(Reader, OutOfRange) {
  EXPECT_THAT(errors_in("hbm: {queue_entries: 0}\n"),
              ElementsAre("p.yaml:1:22: error: hbm.queue_entries: '0' is out of range; expected 1 to 4096"));
  EXPECT_THAT(errors_in("hbm: {timing: {t_rcd: 2us}}\n"),
              ElementsAre("p.yaml:1:23: error: hbm.timing.t_rcd: '2us' is out of range; expected 1ns to 1us"));
  EXPECT_THAT(errors_in("capacity: -1GB\n"),
              ElementsAre("p.yaml:1:11: error: capacity: '-1GB' is out of range; expected at least 1B"));
  EXPECT_THAT(errors_in("steps: [{share: 1.01}]\n"),
              ElementsAre("p.yaml:1:17: error: steps.0.share: '1.01' is out of range; expected 0 to 1"));
  EXPECT_THAT(errors_in("hbm: {queue_entries: 99999999999}\n"),
              ElementsAre("p.yaml:1:22: error: hbm.queue_entries: '99999999999' is out of range; expected 1 to 4096"));
}

TEST(Reader, WrongShapes) {
  EXPECT_THAT(errors_in("hbm: 3\n"), ElementsAre("p.yaml:1:6: error: hbm: is a single value; expected a section"));
  EXPECT_THAT(errors_in("hbm:\ncapacity: 1GB\n"),
              ElementsAre("p.yaml:1:1: error: hbm: has no value; expected a section"));
  EXPECT_THAT(errors_in("links: [a]\n"),
              ElementsAre("p.yaml:1:8: error: links: is a list; expected a section of named entries"));
  EXPECT_THAT(errors_in("links: {a: 3}\n"),
              ElementsAre("p.yaml:1:12: error: links.a: is a single value; expected a section"));
  EXPECT_THAT(
      errors_in("links: {a.b: {}}\n"),
      ElementsAre(
          "p.yaml:1:9: error: links: 'a.b' cannot be a name; expected one without dots, stars, brackets and spaces"));
  EXPECT_THAT(errors_in("steps: {a: 1}\n"),
              ElementsAre("p.yaml:1:8: error: steps: is a section; expected a list of sections"));
  EXPECT_THAT(errors_in("steps: [1]\n"),
              ElementsAre("p.yaml:1:9: error: steps.0: is a single value; expected a section"));
}

TEST(Reader, AllErrorsAtOnceInOrder) {
  EXPECT_THAT(
      errors_in("hbm:\n  zebra: 1\n  queue_entries: 0\n  queue_entries: 1\ncapacity: 3\nhmb: 1\n"),
      ElementsAre("p.yaml:2:3: error: hbm.zebra: unknown key; expected one of queue_entries, page_policy, address_map, "
                  "timing",
                  "p.yaml:3:18: error: hbm.queue_entries: '0' is out of range; expected 1 to 4096",
                  "p.yaml:4:3: error: hbm.queue_entries: is given twice, first in line 3; keep one",
                  "p.yaml:5:11: error: capacity: '3' has no unit; expected a number of bytes, such as 80GiB",
                  "p.yaml:6:1: error: hmb: unknown key; did you mean 'hbm'?"));
}

TEST(Reader, AnErrorLeavesTheDefault) {
  const Reading r("hbm: {queue_entries: 0}\n");
  EXPECT_EQ(r.params.hbm.queue_entries, 32);
}

TEST(Reader, OverridesAreCheckedToo) {
  EXPECT_THAT(Reading("hbm: {}\n", {"hbm.queue_entries=0", "hbm.timing.rate=5", "links.*.from=x"}).errors,
              ElementsAre("--set:1:19: error: hbm.queue_entries: '0' is out of range; expected 1 to 4096",
                          "--set:2:17: error: hbm.timing.rate: '5' has no unit; expected a data rate, such as 6.4Gb/s",
                          "--set:3:1: error: links.*.from: matches no parameter"));
}

TEST(Reader, OverridesReachEntriesListsAndDefaults) {
  const Reading r("links: {a: {}, b: {}}\nsteps: [{}, {}]\n",
                  {"links.*.from=die_1", "links.b.from=die_2", "steps.1.share=0.75", "hbm.address_map=[bank, row]",
                   "hbm.timing.t_rcd=20ns", "hbm.queue_entries=1", "hbm.queue_entries=2"});
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_EQ(r.params.links[0].from, "die_1");
  EXPECT_EQ(r.params.links[1].from, "die_2");
  EXPECT_EQ(r.params.steps[0].share, 0.5);
  EXPECT_EQ(r.params.steps[1].share, 0.75);
  EXPECT_THAT(r.params.hbm.address_map, ElementsAre("bank", "row"));
  EXPECT_EQ(r.params.hbm.timing.t_rcd, 20 * kNanosecond);
  EXPECT_EQ(r.params.hbm.queue_entries, 2);
}

TEST(Reader, EntriesGivenByDefaultStayAndCanBeRemoved) {
  PackageParams defaults;
  defaults.links.resize(2);
  defaults.links[0].name = "a";
  defaults.links[0].from = "here";
  defaults.links[1].name = "b";
  defaults.steps.resize(1);
  defaults.steps[0].share = 0.125;
  const Reading r("links: {c: {}, a: {enabled: false}, b: null}\n", {}, defaults);
  EXPECT_THAT(r.errors, IsEmpty());
  ASSERT_EQ(r.params.links.size(), 2u);
  EXPECT_EQ(r.params.links[0].name, "a");
  EXPECT_EQ(r.params.links[0].from, "here");
  EXPECT_FALSE(r.params.links[0].enabled);
  EXPECT_EQ(r.params.links[1].name, "c");
  ASSERT_EQ(r.params.steps.size(), 1u);
  EXPECT_EQ(r.params.steps[0].share, 0.125);
}

TEST(Reader, ErrorsOfMeaningPointToTheValue) {
  Diagnostics diagnostics;
  Overrides overrides;
  const Value tree = parse_yaml("hbm:\n  queue_entries: 6\n", "p.yaml", diagnostics);
  PackageParams params;
  Reader reader(tree, "package", overrides, diagnostics);
  params.visit(static_cast<ParameterVisitor&>(reader));
  reader.error("package.hbm.queue_entries", "6 is not a multiple of 4");
  reader.error("package.hbm.timing.rate",
               "is above what the generation allows");  // a default: the section that was written
  reader.error("package.capacity", "is not the sum of the stacks");
  reader.finish();
  EXPECT_THAT(lines_of(diagnostics),
              ElementsAre("p.yaml:1:1: error: package.capacity: is not the sum of the stacks",
                          "p.yaml:2:3: error: package.hbm.timing.rate: is above what the generation allows",
                          "p.yaml:2:18: error: package.hbm.queue_entries: 6 is not a multiple of 4"));
}

TEST(Reader, PrefixesSeparatePlatformAndWorkload) {
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("workload.share=0.25", diagnostics);
  overrides.set("hbm.queue_entries=8", diagnostics);
  const Value platform = parse_yaml("hbm: {}\n", "p.yaml", diagnostics);
  const Value workload = parse_yaml("shear: 1\n", "w.yaml", diagnostics);
  PackageParams package;
  StepParams step;
  apply(package, platform, "", overrides, diagnostics);
  apply(step, workload, "workload", overrides, diagnostics);
  overrides.finish(diagnostics);
  EXPECT_THAT(lines_of(diagnostics),
              ElementsAre("w.yaml:1:1: error: workload.shear: unknown key; did you mean 'share'?"));
  EXPECT_EQ(step.share, 0.25);
  EXPECT_EQ(package.hbm.queue_entries, 8);
}

TEST(Reader, ASectionMayBeContinued) {
  Diagnostics diagnostics;
  Overrides overrides;
  const Value tree = parse_yaml("hbm: {queue_entries: 8, share: 0.25}\n", "p.yaml", diagnostics);
  Reader reader(tree, "", overrides, diagnostics);
  MemoryParams memory;
  StepParams step;
  reader.group("hbm", memory, "");
  reader.group("hbm", step, "");
  const Value resolved = reader.finish();
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  EXPECT_EQ(step.share, 0.25);
  EXPECT_EQ(resolved.members.size(), 1u);
  EXPECT_EQ(resolved.at("hbm.share")->text, "0.25");
}

TEST(Reader, WhatIsSkippedIsNotUnknown) {
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("hbm.own.lanes=4", diagnostics);
  overrides.set("*.own.deep.rate=4", diagnostics);
  overrides.set("hbm.lanes=4", diagnostics);
  const Value tree = parse_yaml("hbm: {own: {lanes: 8}, other: {lanes: 8}}\n", "p.yaml", diagnostics);
  Reader reader(tree, "", overrides, diagnostics);
  MemoryParams memory;
  reader.group("hbm", memory, "");
  reader.skip("hbm.own");
  reader.finish();
  overrides.finish(diagnostics);
  EXPECT_THAT(lines_of(diagnostics), ElementsAre(testing::HasSubstr("p.yaml:1:24: error: hbm.other: unknown key"),
                                                 testing::HasSubstr("--set:3:1: error: hbm.lanes: no such parameter")));
}

TEST(Reader, KnowsWhereThingsWereWritten) {
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("workload.hbm.page_policy=closed", diagnostics);
  const Value tree = parse_yaml("hbm: {queue_entries: 8}\n", "p.yaml", diagnostics);
  Reader reader(tree, "workload", overrides, diagnostics);
  MemoryParams memory;
  reader.group("hbm", memory, "");
  EXPECT_EQ(to_string(reader.origin("workload.hbm.queue_entries")), "p.yaml:1:22");
  EXPECT_EQ(to_string(reader.origin("workload.hbm.page_policy")), "--set:1:26");
  EXPECT_EQ(to_string(reader.origin("workload.hbm.timing.rate")), "p.yaml:1:6");  // a default: the section around it
}

}  // namespace
}  // namespace cowosim::platforms::config
