#include "traffic/node_patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/error.h"

namespace cowosim::traffic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DestinationParams named(const std::string& pattern, std::vector<std::string> hotspots = {}) {
  DestinationParams params;
  params.pattern = pattern;
  params.hotspots = std::move(hotspots);
  return params;
}

std::vector<std::uint32_t> all_of(const std::string& pattern, NodeShape shape) {
  const NodePattern made(named(pattern), shape);
  std::vector<std::uint32_t> destinations;
  for (std::uint32_t s = 0; s < static_cast<std::uint32_t>(shape.nodes); ++s) {
    destinations.push_back(made.destination(s, 0));
    EXPECT_EQ(made.destination(s, ~std::uint64_t{0}), destinations.back()) << pattern << " draws";
  }
  return destinations;
}

TEST(NodePattern, Bits) {
  EXPECT_THAT(all_of("bitcomp", {8, 0}), ElementsAre(7, 6, 5, 4, 3, 2, 1, 0));
  EXPECT_THAT(all_of("bitrev", {8, 0}), ElementsAre(0, 4, 2, 6, 1, 5, 3, 7));
  EXPECT_THAT(all_of("shuffle", {8, 0}), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  for (const char* pattern : {"bitcomp", "bitrev", "shuffle"})
    EXPECT_THAT(all_of(pattern, {1, 1}), ElementsAre(0)) << pattern;
  const std::vector<std::uint32_t> many = all_of("bitcomp", {4096, 64});
  for (std::uint32_t s = 0; s < 4096; ++s) EXPECT_EQ(many[s], ~s & 4095u);
}

TEST(NodePattern, Grids) {
  EXPECT_THAT(all_of("transpose", {9, 3}), ElementsAre(0, 3, 6, 1, 4, 7, 2, 5, 8));
  EXPECT_THAT(all_of("neighbor", {6, 3}), ElementsAre(4, 5, 3, 1, 2, 0));
  EXPECT_THAT(all_of("tornado", {5, 5}), ElementsAre(2, 3, 4, 0, 1)) << "x + 2 mod 5; one row stays";
  const std::vector<std::uint32_t> even = all_of("tornado", {64, 8});  // + 3 in each dimension
  for (std::uint32_t s = 0; s < 64; ++s) EXPECT_EQ(even[s], (s % 8 + 3) % 8 + 8 * ((s / 8 + 3) % 8));
}

std::vector<double> drawn(const NodePattern& pattern, std::uint32_t source, int nodes, int draws) {
  std::vector<double> counts(static_cast<std::size_t>(nodes), 0);
  SplitMix64 random(source + 1);
  for (int i = 0; i < draws; ++i) ++counts[pattern.destination(source, random.next())];
  return counts;
}

TEST(NodePattern, UniformIncludesItself) {
  constexpr int kDraws = 64'000;
  for (const std::uint32_t source : {0u, 7u, 15u}) {
    const std::vector<double> counts = drawn(NodePattern(named("uniform"), {16, 4}), source, 16, kDraws);
    double chi_square = 0;
    for (const double count : counts) chi_square += (count - kDraws / 16.) * (count - kDraws / 16.) / (kDraws / 16.);
    EXPECT_LT(chi_square, 44.3) << "15 degrees of freedom, probability 1e-4";
  }
}

std::vector<int> hot_nodes(NodeShape shape, std::vector<std::string> names = {}) {
  const std::vector<double> counts =
      drawn(NodePattern(named("hotspot", std::move(names)), shape), 1, shape.nodes, 20'000);
  std::vector<int> hot;
  for (std::size_t n = 0; n < counts.size(); ++n) {
    if (counts[n] > 0) hot.push_back(static_cast<int>(n));
  }
  for (const int n : hot) {
    const double share = 20'000. / static_cast<double>(hot.size());
    EXPECT_NEAR(counts[static_cast<std::size_t>(n)], share, 5 * std::sqrt(share)) << n;
  }
  return hot;
}

TEST(NodePattern, HotNodesShareEverything) {
  EXPECT_THAT(hot_nodes({16, 4}), ElementsAre(0, 3, 12, 15));
  EXPECT_THAT(hot_nodes({64, 8}), ElementsAre(0, 7, 16, 23, 40, 47, 56, 63));
  EXPECT_THAT(hot_nodes({4, 2}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(hot_nodes({9, 3}), ElementsAre(0, 2, 6, 8));
  EXPECT_THAT(hot_nodes({4, 4}), ElementsAre(0, 3)) << "one row";
  EXPECT_THAT(hot_nodes({3, 1}), ElementsAre(0, 2)) << "one column has one edge";
  EXPECT_THAT(hot_nodes({16, 0}, {"5", "6"}), ElementsAre(5, 6));
  EXPECT_THAT(hot_nodes({16, 4}, {"9"}), ElementsAre(9));
}

std::vector<std::string> complaints(const DestinationParams& params, NodeShape shape) {
  std::vector<std::string> texts;
  for (const ParameterProblem& problem : problems(params, shape))
    texts.push_back(problem.parameter + ": " + problem.message);
  if (!texts.empty()) {
    EXPECT_THROW(NodePattern(params, shape), std::invalid_argument) << texts.front();
  }
  return texts;
}

TEST(NodePattern, WhatAShapeDoesNotHave) {
  for (const char* pattern : {"bitcomp", "bitrev", "shuffle"}) {
    EXPECT_THAT(complaints(named(pattern), {12, 4}),
                ElementsAre(std::string("pattern: '") + pattern + "' needs a power of two of nodes, and there are 12"));
  }
  EXPECT_THAT(complaints(named("transpose"), {8, 4}),
              ElementsAre("pattern: 'transpose' needs a square grid, and there are 4 columns and 2 rows"));
  EXPECT_THAT(complaints(named("transpose"), {16, 0}),
              ElementsAre("pattern: 'transpose' needs a square grid, and this fabric is none"));
  EXPECT_THAT(complaints(named("tornado"), {16, 0}),
              ElementsAre("pattern: 'tornado' needs a grid, and this fabric is none"));
  EXPECT_THAT(complaints(named("hotspot", {"3", "16", "x", "3"}), {16, 4}),
              ElementsAre("hotspots: there is no node 16; nodes are 0 to 15",
                          "hotspots: 'x' is not the number of a node; nodes are 0 to 15",
                          "hotspots: node 3 is named twice; hot nodes get equal shares"));
  EXPECT_THAT(complaints(named("hotspot"), {16, 0}),
              ElementsAre("hotspots: name the hot nodes: this fabric is no grid, so there are no usual ones"));
  EXPECT_THAT(complaints(named("permutation"), {16, 4}),
              ElementsAre("permutation_file: a permutation needs a file: --set workload.permutation_file=FILE"));
  EXPECT_THAT(complaints(named("tornada"), {16, 4}), ElementsAre(HasSubstr("did you mean 'tornado'?")));
  for (const char* pattern : {"uniform", "transpose", "bitcomp", "bitrev", "shuffle", "tornado", "neighbor", "hotspot"})
    EXPECT_THAT(complaints(named(pattern), {16, 4}), IsEmpty()) << pattern;
  EXPECT_THROW(NodePattern(named("uniform"), {0, 0}), std::invalid_argument);
  EXPECT_THROW(NodePattern(named("uniform"), {65535, 0}), std::invalid_argument);
  EXPECT_THROW(NodePattern(named("uniform"), {10, 4}), std::invalid_argument);
}

class Permutation : public ::testing::Test {
 protected:
  Permutation()
      : file_(::testing::TempDir() + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".txt") {}
  ~Permutation() override { std::filesystem::remove(file_); }
  std::vector<std::uint16_t> read(const std::string& text, int nodes = 4) {
    std::ofstream(file_) << text;
    return read_permutation(file_, nodes);
  }
  /// Its errors without the file's name, one per line.
  std::string errors(const std::string& text, int nodes = 4) {
    try {
      read(text, nodes);
    } catch (const ConfigError& error) {
      std::string what = error.what();
      for (std::size_t at = 0; (at = what.find(file_ + ":", at)) != std::string::npos;)
        what.erase(at, file_.size() + 1);
      return what;
    }
    return "no error";
  }
  std::string file_;
};

TEST_F(Permutation, BothForms) {
  EXPECT_THAT(read("# a ring\n0 1\n\n2\t3  # any order\n1 2\r\n  3 0"), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(read("3\n2\n1\n0\n"), ElementsAre(3, 2, 1, 0));
  DestinationParams params = named("permutation");
  params.permutation_file = file_;
  EXPECT_EQ(NodePattern(params, {4, 0}).destination(1, 99), 2u);
}

TEST_F(Permutation, EveryErrorHasItsPlace) {
  EXPECT_EQ(errors("0 1\n1 4\n2 x\n-1 3\n"),
            "2:3: error: destination: there is no node 4; nodes are 0 to 3\n"
            "3:3: error: destination: 'x' is not the number of a node; nodes are 0 to 3\n"
            "4:1: error: source: '-1' is not the number of a node; nodes are 0 to 3");
  EXPECT_EQ(
      errors("0 1\n1 1\n 0 2\n"),
      "2:3: error: destination: node 1 is already a destination in line 1; in a permutation each node is one once\n"
      "3:2: error: source: node 0 is already a source in line 1; each node is one once");
  EXPECT_EQ(errors("0 1\n# note\n2\n"), "3:1: error: one number here, but two in line 1; all lines have one form");
  EXPECT_EQ(errors("1\n2 3\n"), "2:1: error: two numbers here, but one in line 1; all lines have one form");
  EXPECT_EQ(errors("0 1 2\n"), "1:5: error: a line has `source destination`, or the destination alone");
  EXPECT_EQ(errors("1\n0\n3\n2\n0\n"),
            "5:1: error: a destination for node 4, and there is no node 4; nodes are 0 to 3");
}

TEST_F(Permutation, EveryNodeHasOne) {
  EXPECT_THAT(errors("0 1\n3 0\n"), HasSubstr("error: no destination for node 1, 2; each of the 4 nodes has one"));
  EXPECT_THAT(errors("# nothing\n"), HasSubstr("no destination for node 0, 1, 2, 3"));
  EXPECT_THROW(read_permutation(file_ + ".not_there", 4), ConfigError);
}

TEST_F(Permutation, ManyErrorsEnd) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "x y\n";
  const std::string found = errors(text);
  EXPECT_EQ(std::count(found.begin(), found.end(), '\n') + 1, 20);
}

}  // namespace
}  // namespace cowosim::traffic
