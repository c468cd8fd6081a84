#include "fabric/routing/dependency_graph.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::fabric {

namespace {

/// Nodes are groups of VCs of a link: VCs of a group have the same edges, so that one stands for all.
class Graph {
 public:
  Graph(const Topology& topology, const Ports& ports, const RoutingRelation& routing)
      : topology_(topology),
        ports_(ports),
        routing_(routing),
        groups_(routing.groups.size()),
        edges_(topology.links.size() * groups_),
        reached_(edges_.size(), kNobody),
        passed_(edges_.size(), 0) {
    for (int link = 0; link < static_cast<int>(topology.links.size()); ++link) {
      for (const std::uint32_t group : routing.groups) {
        int vc = 0;
        while ((group >> vc & 1u) == 0) ++vc;
        channels_.push_back({link, vc});
      }
    }
    std::vector<int> one_of(topology.routers.size(), kNobody);  // the first terminal of each router
    for (std::size_t t = topology.terminals.size(); t-- > 0;) {
      one_of[static_cast<std::size_t>(topology.terminals[t].router)] = static_cast<int>(t);
    }
    for (const int terminal : one_of) {
      if (terminal != kNobody) terminals_.push_back(terminal);
    }
    for (const int destination : terminals_) walk(destination);
  }

  const VirtualChannel& channel(int node) const { return channels_[static_cast<std::size_t>(node)]; }

  /// A node on a cycle, or kNobody.
  int on_cycle() const {
    enum : char { kNew, kOpen, kClosed };
    std::vector<char> state(edges_.size(), kNew);
    struct Step {
      int node;
      std::size_t next;
    };
    std::vector<Step> path;
    for (std::size_t start = 0; start < edges_.size(); ++start) {
      if (state[start] != kNew) continue;
      path.push_back({static_cast<int>(start), 0});
      state[start] = kOpen;
      while (!path.empty()) {
        const std::vector<int>& next = edges_[static_cast<std::size_t>(path.back().node)];
        if (path.back().next == next.size()) {
          state[static_cast<std::size_t>(path.back().node)] = kClosed;
          path.pop_back();
          continue;
        }
        const int node = next[path.back().next++];
        if (state[static_cast<std::size_t>(node)] == kOpen) return node;
        if (state[static_cast<std::size_t>(node)] == kNew) {
          state[static_cast<std::size_t>(node)] = kOpen;
          path.push_back({node, 0});
        }
      }
    }
    return kNobody;
  }

  std::vector<int> shortest_cycle(int through) const {
    std::vector<int> before(edges_.size(), kNobody);
    std::vector<int> queue{through};
    for (std::size_t i = 0; before[static_cast<std::size_t>(through)] == kNobody; ++i) {
      for (const int node : edges_[static_cast<std::size_t>(queue[i])]) {
        if (before[static_cast<std::size_t>(node)] != kNobody) continue;
        before[static_cast<std::size_t>(node)] = queue[i];
        queue.push_back(node);
      }
    }
    std::vector<int> cycle;
    int node = through;
    do {
      cycle.push_back(node);
      node = before[static_cast<std::size_t>(node)];
    } while (node != through);
    std::reverse(cycle.begin(), cycle.end());
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
    return cycle;
  }

  static constexpr int kNobody = -1;

 private:
  /// All ways to one destination. An escape channel is left once, from every other channel that leads to the same ones.
  void walk(int destination) {
    destination_ = destination;
    origins_.clear();
    ++round_;
    for (const int source : terminals_) {
      leave(kNobody, topology_.terminals[static_cast<std::size_t>(source)].router, ports_.of_terminal(source),
            Routes::kFromTerminal);
    }
    follow(kNobody);
    for (std::size_t i = 0; i < origins_.size(); ++i) {
      ++round_;
      leave(origins_[i]);
      follow(origins_[i]);
    }
  }

  /// Over channels that are no escape, to the next ones that are.
  void follow(int origin) {
    while (!pending_.empty()) {
      const int node = pending_.back();
      pending_.pop_back();
      leave(origin, node);
    }
  }

  void leave(int node) { leave(node, node); }
  void leave(int origin, int node) {
    const VirtualChannel& held = channel(node);
    leave(origin, topology_.links[static_cast<std::size_t>(held.link)].to, ports_.of_link_in(held.link), held.vc);
  }
  void leave(int origin, int router, int in_port, int in_vc) {
    if (router == topology_.terminals[static_cast<std::size_t>(destination_)].router) return;
    hops_.clear();
    routing_.hops(router, in_port, in_vc, destination_, hops_);
    for (const Hop& hop : hops_) {
      const int link = ports_.at(router, hop.port).link_out;
      for (std::size_t g = 0; g < groups_; ++g) {
        const std::uint32_t group = routing_.groups[g];
        if ((hop.vcs & group) == 0) continue;
        if ((hop.vcs & group) != group) throw std::logic_error("a hop allows a part of a group of VCs");
        reach(origin, link * static_cast<int>(groups_) + static_cast<int>(g), (routing_.escape & group) != 0);
      }
    }
  }

  void reach(int origin, int node, bool escape) {
    const auto index = static_cast<std::size_t>(node);
    if (!escape) {
      if (passed_[index] == round_) return;
      passed_[index] = round_;
      pending_.push_back(node);
      return;
    }
    if (origin != kNobody) {
      std::vector<int>& known = edges_[static_cast<std::size_t>(origin)];
      if (std::find(known.begin(), known.end(), node) == known.end()) known.push_back(node);
    }
    if (reached_[index] == destination_) return;
    reached_[index] = destination_;
    origins_.push_back(node);
  }

  const Topology& topology_;
  const Ports& ports_;
  const RoutingRelation& routing_;
  std::size_t groups_;
  std::vector<VirtualChannel> channels_;  // by node
  std::vector<std::vector<int>> edges_;   // by node
  std::vector<int> terminals_;            // one a router
  int destination_ = kNobody;
  std::vector<int> reached_;  // the destination that a node was last reached for
  std::vector<int> origins_;  // escape channels reached for this one
  std::uint64_t round_ = 0;   // one an origin
  std::vector<std::uint64_t> passed_;
  std::vector<int> pending_;
  std::vector<Hop> hops_;
};

}  // namespace

std::vector<VirtualChannel> find_cycle(const Topology& topology, const Ports& ports, const RoutingRelation& routing) {
  const Graph graph(topology, ports, routing);
  std::vector<VirtualChannel> cycle;
  const int node = graph.on_cycle();
  if (node == Graph::kNobody) return cycle;
  for (const int each : graph.shortest_cycle(node)) cycle.push_back(graph.channel(each));
  return cycle;
}

std::string describe(const Topology& topology, const std::vector<VirtualChannel>& cycle) {
  std::string text;
  const auto add = [&](const VirtualChannel& channel) {
    text += topology.links[static_cast<std::size_t>(channel.link)].name + " vc " + std::to_string(channel.vc);
  };
  for (const VirtualChannel& channel : cycle) {
    add(channel);
    text += " -> ";
  }
  add(cycle.front());
  return text;
}

}  // namespace cowosim::fabric
