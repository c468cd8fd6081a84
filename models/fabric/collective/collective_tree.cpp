#include "fabric/collective/collective_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace cowosim::fabric {

namespace {

constexpr int kNone = CollectiveTree::kNone;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// Grows the tree of one group.
class Builder {
 public:
  Builder(const Topology& topology, const Ports& ports, const CollectiveGroup& group)
      : topology_(topology), ports_(ports), group_(group), wanted_(topology.routers.size(), false) {
    for (const int member : group.members) wanted_[size(topology.terminals[size(member)].router)] = true;
  }

  CollectiveTree run() {
    const int root = group_.root != CollectiveGroup::kNone ? topology_.terminals[size(group_.root)].router : middle();
    measure(root);
    return grow(root);
  }

 private:
  /// Of routers that are wanted: how far the farthest is, and all of them together.
  struct Reach {
    int farthest = 0;
    int sum = 0;
  };
  Reach measure(int root) {
    distance_.assign(topology_.routers.size(), kNone);
    order_.assign(1, root);
    distance_[size(root)] = 0;
    Reach reach;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const int at = order_[i];
      if (wanted_[size(at)]) {
        reach.farthest = distance_[size(at)];
        reach.sum += distance_[size(at)];
      }
      for_each_neighbour(at, [&](int next) {
        if (distance_[size(next)] != kNone) return;
        distance_[size(next)] = distance_[size(at)] + 1;
        order_.push_back(next);
      });
    }
    return reach;
  }

  int middle() {
    int best = 0;
    Reach least = measure(0);
    for (int router = 1; router < static_cast<int>(topology_.routers.size()); ++router) {
      const Reach reach = measure(router);
      if (std::pair(reach.farthest, reach.sum) >= std::pair(least.farthest, least.sum)) continue;
      least = reach;
      best = router;
    }
    return best;
  }

  template <class Visit>
  void for_each_neighbour(int router, Visit&& visit) const {
    for (int p = 0; p < ports_.count(router); ++p) {
      const int next = ports_.at(router, p).neighbour;
      if (next == Ports::kNone) break;  // terminals come last
      visit(next);
    }
  }
  template <class Visit>
  void for_each_parent(int router, Visit&& visit) const {
    for_each_neighbour(router, [&](int next) {
      if (distance_[size(next)] == distance_[size(router)] - 1) visit(next);
    });
  }

  /// Away from the root, which measure() began at: whoever is nearer is on the tree before.
  CollectiveTree grow(int root) {
    const std::size_t routers = topology_.routers.size();
    parent_.assign(routers, kNone);
    children_.assign(routers, 0);
    on_tree_.assign(routers, false);
    missing_.assign(routers, 0);
    known_.assign(routers, 0);
    on_tree_[size(root)] = true;
    std::vector<std::vector<int>> levels;
    for (const int router : order_) {
      levels.resize(size(distance_[size(router)]) + 1);
      levels.back().push_back(router);
    }
    for (std::vector<int>& level : levels) {
      std::sort(level.begin(), level.end());
      std::vector<std::pair<int, int>> here;  // ways on, router: whoever has no choice comes first
      ++now_;
      for (const int router : level)
        if (wanted_[size(router)] && !on_tree_[size(router)]) here.emplace_back(ways(router), router);
      std::sort(here.begin(), here.end());
      for (const auto& [ways, router] : here) join(router);
    }
    return collect(root, levels);
  }

  /// Links that are missing between a router and the tree.
  int missing(int router) {
    if (on_tree_[size(router)]) return 0;
    if (known_[size(router)] == now_) return missing_[size(router)];
    int least = std::numeric_limits<int>::max();
    for_each_parent(router, [&](int parent) { least = std::min(least, missing(parent) + 1); });
    known_[size(router)] = now_;
    return missing_[size(router)] = least;
  }
  int ways(int router) {
    const int least = missing(router);
    int count = 0;
    for_each_parent(router, [&](int parent) { count += missing(parent) + 1 == least ? 1 : 0; });
    return count;
  }
  /// How many that must still join could do it there.
  int customers(int router) const {
    int count = 0;
    for_each_neighbour(router, [&](int next) {
      if (wanted_[size(next)] && !on_tree_[size(next)] && distance_[size(next)] == distance_[size(router)] + 1) ++count;
    });
    return count;
  }

  void join(int router) {
    ++now_;
    while (!on_tree_[size(router)]) {
      std::tuple<int, int, int, int> best{std::numeric_limits<int>::max(), 0, 0, 0};
      for_each_parent(router, [&](int parent) {
        const int served = on_tree_[size(parent)] ? 0 : customers(parent);
        best = std::min(best, {missing(parent), -served, children_[size(parent)], parent});
      });
      on_tree_[size(router)] = true;
      const int parent = std::get<3>(best);
      parent_[size(router)] = parent;
      ++children_[size(parent)];
      router = parent;
    }
  }

  CollectiveTree collect(int root, const std::vector<std::vector<int>>& levels) const {
    CollectiveTree tree;
    std::vector<int> node_of(topology_.routers.size(), kNone);
    for (const std::vector<int>& level : levels) {
      for (const int router : level) {
        if (!on_tree_[size(router)]) continue;
        node_of[size(router)] = static_cast<int>(tree.nodes.size());
        CollectiveTree::Node& node = tree.nodes.emplace_back();
        node.router = router;
        node.depth = distance_[size(router)];
        if (router == root) continue;
        node.parent = node_of[size(parent_[size(router)])];
        for (int p = ports_.count(router); --p >= 0;) {  // the lowest link there and not back
          const Ports::Port& port = ports_.at(router, p);
          if (port.neighbour != parent_[size(router)]) continue;
          node.link = node.link == kNone ? port.link_in : std::min(node.link, port.link_in);
        }
      }
    }
    for (std::size_t n = tree.nodes.size(); --n > 0;) {
      CollectiveTree::Node& parent = tree.nodes[size(tree.nodes[n].parent)];
      parent.height = std::max(parent.height, tree.nodes[n].height + 1);
      parent.children.push_back(static_cast<int>(n));
    }
    for (CollectiveTree::Node& node : tree.nodes) {
      std::sort(node.children.begin(), node.children.end(), [&](int a, int b) {
        const int above = tree.nodes[size(a)].height - tree.nodes[size(b)].height;
        return above != 0 ? above > 0 : a < b;
      });
    }
    for (const int member : group_.members)
      tree.nodes[size(node_of[size(topology_.terminals[size(member)].router)])].members.push_back(member);
    return tree;
  }

  const Topology& topology_;
  const Ports& ports_;
  const CollectiveGroup& group_;
  std::vector<bool> wanted_;  // routers of members
  std::vector<int> distance_;
  std::vector<int> order_;  // routers as they were reached
  std::vector<int> parent_;
  std::vector<int> children_;  // how many
  std::vector<bool> on_tree_;
  std::vector<int> missing_;          // links to the tree, where known_ is now_
  std::vector<std::uint64_t> known_;  // the tree has not changed since
  std::uint64_t now_ = 0;
};

}  // namespace

std::vector<ParameterProblem> problems(const Topology& topology, const CollectiveGroup& group) {
  std::vector<ParameterProblem> found;
  if (group.members.empty()) found.push_back({"members", "are none: a group needs at least one"});
  std::set<int> seen;
  for (const int member : group.members) {
    if (member < 0 || size(member) >= topology.terminals.size()) {
      found.push_back(
          {"members", fmt::format("terminal {} does not exist: there are {}", member, topology.terminals.size())});
    } else if (!seen.insert(member).second) {
      found.push_back({"members", fmt::format("'{}' is there more than once", topology.terminals[size(member)].name)});
    }
  }
  if (group.root != CollectiveGroup::kNone && seen.count(group.root) == 0)
    found.push_back({"root", fmt::format("terminal {} is no member: the root must be one", group.root)});
  return found;
}

CollectiveTree collective_tree(const Topology& topology, const Ports& ports, const CollectiveGroup& group) {
  for (const ParameterProblem& problem : problems(topology, group))
    throw std::invalid_argument(fmt::format("group '{}': {} {}", group.name, problem.parameter, problem.message));
  return Builder(topology, ports, group).run();
}

}  // namespace cowosim::fabric
