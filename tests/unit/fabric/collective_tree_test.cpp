#include "fabric/collective/collective_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include "core/random.h"
#include "fabric/topology/topologies.h"
#include "support/small_networks.h"

namespace cowosim::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

std::vector<int> up_to(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

CollectiveTree tree_of(const Topology& topology, std::vector<int> members, int root = CollectiveGroup::kNone) {
  return collective_tree(topology, Ports(topology), {"all", std::move(members), root});
}

std::vector<int> routers_of(const CollectiveTree& tree) {
  std::vector<int> routers;
  for (const CollectiveTree::Node& node : tree.nodes) routers.push_back(node.router);
  return routers;
}

std::vector<int> distances(const Topology& topology, int from) {
  std::vector<int> d(topology.routers.size(), std::numeric_limits<int>::max() / 2);
  d[static_cast<std::size_t>(from)] = 0;
  for (std::size_t round = 0; round < d.size(); ++round)
    for (const Topology::Link& link : topology.links)
      d[static_cast<std::size_t>(link.to)] =
          std::min(d[static_cast<std::size_t>(link.to)], d[static_cast<std::size_t>(link.from)] + 1);
  return d;
}

/// All that holds for any tree of the group, whatever its shape.
void expect_sound(const Topology& topology, const CollectiveGroup& group, const CollectiveTree& tree) {
  const std::vector<int> d = distances(topology, tree.nodes.front().router);
  std::vector<int> members;
  std::vector<bool> seen(topology.routers.size(), false);
  for (std::size_t n = 0; n < tree.nodes.size(); ++n) {
    const CollectiveTree::Node& node = tree.nodes[n];
    EXPECT_FALSE(seen[static_cast<std::size_t>(node.router)]) << "twice on the tree";
    seen[static_cast<std::size_t>(node.router)] = true;
    EXPECT_EQ(node.depth, d[static_cast<std::size_t>(node.router)]) << "not on a shortest path";
    EXPECT_FALSE(node.children.empty() && node.members.empty()) << "a leaf without members";
    if (n == 0) {
      EXPECT_EQ(node.parent, CollectiveTree::kNone);
      EXPECT_EQ(node.link, CollectiveTree::kNone);
    } else {
      ASSERT_GE(node.parent, 0);
      ASSERT_LT(static_cast<std::size_t>(node.parent), n);
      const CollectiveTree::Node& parent = tree.nodes[static_cast<std::size_t>(node.parent)];
      EXPECT_EQ(std::count(parent.children.begin(), parent.children.end(), static_cast<int>(n)), 1);
      const Topology::Link& link = topology.links[static_cast<std::size_t>(node.link)];
      EXPECT_EQ(link.from, parent.router);
      EXPECT_EQ(link.to, node.router);
      EXPECT_TRUE(std::none_of(topology.links.begin(), topology.links.begin() + node.link, [&](const auto& other) {
        return other.from == link.from && other.to == link.to;
      })) << "not the lowest link";
    }
    int height = 0;
    int last = std::numeric_limits<int>::max();
    for (const int child : node.children) {
      const int below = tree.nodes[static_cast<std::size_t>(child)].height;
      EXPECT_LE(below, last) << "children by height";
      last = below;
      height = std::max(height, below + 1);
    }
    EXPECT_EQ(node.height, height);
    for (const int member : node.members) {
      EXPECT_EQ(topology.terminals[static_cast<std::size_t>(member)].router, node.router);
      members.push_back(member);
    }
  }
  EXPECT_THAT(members, UnorderedElementsAreArray(group.members));
}

TEST(CollectiveTree, SpansAMeshFromItsMiddle) {
  const Topology topology = mesh(8, 8, reference_parts(32));
  const CollectiveGroup group{"all", up_to(64)};
  const CollectiveTree tree = tree_of(topology, group.members);
  expect_sound(topology, group, tree);
  EXPECT_EQ(tree.nodes.front().router, 27) << "(3, 3), the lowest of the four in the middle";
  EXPECT_EQ(tree.depth(), 8);
  EXPECT_EQ(tree.links(), 63);
  for (const CollectiveTree::Node& node : tree.nodes)
    EXPECT_LE(node.children.size(), node.parent < 0 ? 4u : 2u) << "even";
}

TEST(CollectiveTree, BeginsAtTheGroupsRoot) {
  const Topology topology = mesh(4, 4, reference_parts(32, kNanosecond, 2));
  const CollectiveGroup group{"some", {31, 0, 1, 17}, 0};
  const CollectiveTree tree = tree_of(topology, group.members, group.root);
  expect_sound(topology, group, tree);
  EXPECT_EQ(tree.nodes.front().router, 0);
  EXPECT_THAT(tree.nodes.front().members, ElementsAre(0, 1));
  EXPECT_EQ(tree.depth(), 6);
  EXPECT_EQ(tree.links(), 6) << "terminal 17 is at router 8, on one of the shortest ways to router 15";
}

TEST(CollectiveTree, SharesRouters) {
  const Topology topology = test::grid(4, 4, false);
  // (1, 1) is on the tree, so (2, 1) hangs on it, not on (2, 0).
  EXPECT_EQ(tree_of(topology, {0, 5, 6}, 0).links(), 3);
  // (2, 0) needs (1, 0), which serves (1, 1) as well; (0, 1) would serve one.
  EXPECT_THAT(routers_of(tree_of(topology, {0, 2, 5}, 0)), ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(routers_of(tree_of(topology, {0, 8, 5}, 0)), ElementsAre(0, 4, 5, 8));
}

TEST(CollectiveTree, OneMemberIsOneRouter) {
  const Topology topology = test::grid(3, 3, false);
  const CollectiveTree tree = tree_of(topology, {5});
  EXPECT_THAT(routers_of(tree), ElementsAre(5));
  EXPECT_EQ(tree.depth(), 0);
  EXPECT_EQ(tree.links(), 0);
}

TEST(CollectiveTree, HoldsOnRandomNetworks) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Topology topology = test::random_network(seed);
    SplitMix64 random(mix(seed, 7));
    CollectiveGroup group;
    for (int t = 0; t < static_cast<int>(topology.terminals.size()); ++t)
      if (bounded(random.next(), 3) > 0) group.members.push_back(t);
    if (group.members.empty()) group.members.push_back(0);
    const Ports ports(topology);
    const CollectiveTree best = collective_tree(topology, ports, group);
    expect_sound(topology, group, best);

    std::pair<int, int> least{std::numeric_limits<int>::max(), 0};  // farthest member's router, all of them
    int from = -1;
    std::set<int> wanted;
    for (const int member : group.members) wanted.insert(topology.terminals[static_cast<std::size_t>(member)].router);
    for (int root = 0; root < static_cast<int>(topology.routers.size()); ++root) {
      const std::vector<int> d = distances(topology, root);
      std::pair<int, int> reach{0, 0};
      for (const int router : wanted) {
        reach.first = std::max(reach.first, d[static_cast<std::size_t>(router)]);
        reach.second += d[static_cast<std::size_t>(router)];
      }
      if (reach < least) from = root;
      least = std::min(least, reach);
    }
    EXPECT_EQ(best.nodes.front().router, from) << "seed " << seed;
    EXPECT_EQ(best.depth(), least.first);
    EXPECT_LE(best.links(), least.second);
    EXPECT_GE(best.links(), static_cast<int>(wanted.size()) - 1);
    for (const int member : group.members) {
      CollectiveGroup rooted = group;
      rooted.root = member;
      const CollectiveTree tree = collective_tree(topology, ports, rooted);
      expect_sound(topology, rooted, tree);
      EXPECT_EQ(tree.nodes.front().router, topology.terminals[static_cast<std::size_t>(member)].router);
    }

    CollectiveGroup reversed = group;
    std::reverse(reversed.members.begin(), reversed.members.end());
    EXPECT_EQ(routers_of(collective_tree(topology, ports, reversed)), routers_of(best)) << "order of members";
  }
}

TEST(CollectiveTree, SaysWhatIsWrongWithAGroup) {
  const Topology topology = test::grid(2, 2, false);
  const auto said = [&](const CollectiveGroup& group) {
    std::string all;
    for (const ParameterProblem& problem : problems(topology, group))
      all += problem.parameter + " " + problem.message + "\n";
    return all;
  };
  EXPECT_THAT(said({"g", {0, 3}, 3}), IsEmpty());
  EXPECT_EQ(said({"g", {}}), "members are none: a group needs at least one\n");
  EXPECT_EQ(said({"g", {0, 4}}), "members terminal 4 does not exist: there are 4\n");
  EXPECT_EQ(said({"g", {1, 2, 1}}), "members 't1' is there more than once\n");
  EXPECT_EQ(said({"g", {1, 2}, 0}), "root terminal 0 is no member: the root must be one\n");
  try {
    tree_of(topology, {1, 1});
    FAIL() << "nothing thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("group 'all': members 't1' is there more than once"));
  }
}

}  // namespace
}  // namespace cowosim::fabric
