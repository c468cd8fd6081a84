// Who passes data on to whom when terminals act together: a tree over the routers of a network.
#pragma once

#include <string>
#include <vector>

#include "core/parameter.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// Terminals that act together.
struct CollectiveGroup {
  static constexpr int kNone = -1;
  std::string name;
  std::vector<int> members;  ///< terminals, each once
  int root = kNone;          ///< the member that multicasts and that gets what is reduced; kNone: all-reduce only
};

/// A shortest-path tree, in hops, that holds the routers of all members.
struct CollectiveTree {
  static constexpr int kNone = -1;
  struct Node {
    int router = 0;
    int parent = kNone;         ///< index of a node
    int link = kNone;           ///< of the topology, from the parent: the lowest of those that lead there
    int depth = 0;              ///< links from the root
    int height = 0;             ///< links to the farthest node below
    std::vector<int> children;  ///< indices of nodes: by height, the highest first, then by router
    std::vector<int> members;   ///< terminals at this router, in the order of the group
  };
  std::vector<Node> nodes;  ///< the root first, parents before children: by depth, then by router

  int depth() const { return nodes.front().height; }
  int links() const { return static_cast<int>(nodes.size()) - 1; }
};

/// What is wrong with a group, "members" or "root": no member, no such terminal, one twice, a root that is none of them.
std::vector<ParameterProblem> problems(const Topology& topology, const CollectiveGroup& group);

/// The tree of a group. It begins at the router of the group's root; without one, at the router from which the farthest member is nearest, among
/// those from which all are nearest together, among those the lowest. Every router is as near to the root as the network allows. Members
/// join from the nearest to the farthest, with as few new links as are needed then, by routers that serve most others and have fewest
/// children: few links, though not always the fewest (that is Steiner's problem). Costs O(routers x links) to find where to begin and O(members x
/// links) at most to join. Throws std::invalid_argument for the first of problems(topology, group); the topology has none of its own.
CollectiveTree collective_tree(const Topology& topology, const Ports& ports, const CollectiveGroup& group);

}  // namespace cowosim::fabric
