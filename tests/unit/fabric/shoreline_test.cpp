#include "fabric/die_to_die/shoreline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/parameter_visitor.h"
#include "fabric/die_to_die/die_to_die.h"

namespace cowosim::fabric {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DieOutline die(const char* name, double x, double y, double width = 10, double height = 20) {
  DieOutline outline;
  outline.name = name;
  outline.x = x;
  outline.y = y;
  outline.width = width;
  outline.height = height;
  return outline;
}

TEST(Shoreline, EdgesOfNeighboursFaceEachOther) {
  const DieOutline here = die("here", 0, 0);
  const auto expect = [&](const DieOutline& there, Edge from, Edge to, double distance) {
    const Facing sight = facing(here, there);
    ASSERT_TRUE(sight.faces) << there.name;
    EXPECT_EQ(sight.from, from) << there.name;
    EXPECT_EQ(sight.to, to) << there.name;
    EXPECT_DOUBLE_EQ(sight.distance, distance) << there.name;
    EXPECT_EQ(facing(there, here).from, to) << there.name;
  };
  expect(die("east", 10.5, 5), Edge::east, Edge::west, 0.5);
  expect(die("abutting", 10, 0), Edge::east, Edge::west, 0);
  expect(die("west", -12, -19), Edge::west, Edge::east, 2);
  expect(die("north", -9, 21), Edge::north, Edge::south, 1);
  expect(die("south", 9, -23), Edge::south, Edge::north, 3);
}

TEST(Shoreline, DiagonalAndOverlappingDiesDoNotFaceEachOther) {
  const DieOutline here = die("here", 0, 0);
  EXPECT_FALSE(facing(here, die("diagonal", 11, 22)).faces);
  EXPECT_DOUBLE_EQ(facing(here, die("diagonal", 11, 22)).distance, 3);
  EXPECT_DOUBLE_EQ(facing(die("diagonal", 11, 22), here).distance, 3);
  EXPECT_DOUBLE_EQ(facing(here, die("over", 5, 5)).distance, 0);
  EXPECT_FALSE(facing(here, die("corner", 10, 20)).faces);
  EXPECT_FALSE(facing(here, die("over", 5, 5)).faces);
  EXPECT_FALSE(facing(here, here).faces);
}

TEST(Shoreline, WhatFitsIsNoProblem) {
  const std::vector<DieOutline> dies = {die("a", 0, 0), die("b", 11, 0)};
  std::vector<EdgeUse> uses = {{"a_b", "a", "", "b", 19}, {"a_b", "b", "", "a", 19}, {"hbm_0", "a", "west", "", 20}};
  EXPECT_THAT(shoreline_problems(dies, uses), IsEmpty());
  uses.push_back({"hbm_1", "a", "east", "", 1});  // just full
  EXPECT_THAT(shoreline_problems(dies, uses), IsEmpty());
}

TEST(Shoreline, SumsOfModulesThatFillAnEdgeFit) {
  const std::vector<DieOutline> dies = {die("a", 0, 0, 1, 1)};
  std::vector<EdgeUse> uses(10, EdgeUse{"link", "a", "north", "", 0.1});  // their sum in doubles is not 1
  EXPECT_THAT(shoreline_problems(dies, uses), IsEmpty());
  uses.push_back({"one", "a", "north", "", 0.001});
  EXPECT_EQ(shoreline_problems(dies, uses).size(), 1u);
}

TEST(Shoreline, AnOverbookedEdgeSaysByWhomAndByHowMuch) {
  const std::vector<DieOutline> dies = {die("a", 0, 0), die("b", 11, 0)};
  DieToDieParams link("ucie_advanced");
  link.modules = 4;
  const DieToDieParams phy("hbm_phy");
  const auto wrong = shoreline_problems(dies, {{"a_b", "a", "", "b", shoreline_mm(link)},
                                               {"hbm_0", "a", "east", "", shoreline_mm(phy)},
                                               {"hbm_1", "a", "east", "", shoreline_mm(phy)},
                                               {"hbm_2", "a", "east", "", shoreline_mm(phy)},
                                               {"hbm_3", "a", "west", "", shoreline_mm(phy)}});
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(wrong[0].parameter, "dies.a");
  EXPECT_THAT(wrong[0].message, AllOf(HasSubstr("its east edge has 20 mm, and 25.555 mm are needed"),
                                      HasSubstr("a_b 1.55505 mm, hbm_0 8 mm, hbm_1 8 mm, hbm_2 8 mm"),
                                      HasSubstr("5.55505 mm must go to another edge")));
}

TEST(Shoreline, HorizontalEdgesAreAsLongAsTheDieIsWide) {
  const std::vector<DieOutline> dies = {die("a", 0, 0)};
  for (const char* edge : {"north", "south"}) {
    EXPECT_THAT(shoreline_problems(dies, {{"hbm", "a", edge, "", 10}}), IsEmpty()) << edge;
    EXPECT_EQ(shoreline_problems(dies, {{"hbm", "a", edge, "", 11}}).size(), 1u) << edge;
  }
  for (const char* edge : {"east", "west"}) {
    EXPECT_THAT(shoreline_problems(dies, {{"hbm", "a", edge, "", 20}}), IsEmpty()) << edge;
    EXPECT_EQ(shoreline_problems(dies, {{"hbm", "a", edge, "", 21}}).size(), 1u) << edge;
  }
}

TEST(Shoreline, WrongNamesAreReportedWithTheNearestOnes) {
  const std::vector<DieOutline> dies = {die("left", 0, 0), die("right", 11, 0), die("far", 30, 30)};
  const auto message = [&](const EdgeUse& use) {
    const auto wrong = shoreline_problems(dies, {use});
    EXPECT_EQ(wrong.size(), 1u);
    EXPECT_EQ(wrong.at(0).parameter, use.user);
    return wrong.at(0).message;
  };
  EXPECT_THAT(message({"links.l", "rigth", "east", "", 1}), HasSubstr("no die 'rigth'; did you mean 'right'?"));
  EXPECT_THAT(message({"links.l", "left", "", "rihgt", 1}), HasSubstr("no die 'rihgt'; did you mean 'right'?"));
  EXPECT_THAT(message({"links.l", "left", "esat", "", 1}), HasSubstr("no edge 'esat'; did you mean 'east'"));
  EXPECT_THAT(message({"links.l", "left", "", "far", 1}), HasSubstr("no edge of 'left' faces 'far'"));
}

TEST(Shoreline, ParametersAreDescribed) {
  for (const ParameterInfo& info : describe(DieOutline())) EXPECT_FALSE(info.source.empty()) << info.path;
}

}  // namespace
}  // namespace cowosim::fabric
