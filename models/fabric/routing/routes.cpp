#include "fabric/routing/routes.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "core/random.h"
#include "fabric/routing/dependency_graph.h"

namespace cowosim::fabric {

namespace {

constexpr int kUnreached = -1;
constexpr std::size_t kMaxNumbered = 0xFFFF;  // 16 bits, less one value for none

/// Hops from every router to `destination`, over links of a weight above zero only if `weighted`.
std::vector<int> distances(const Topology& topology, const Ports& ports, int destination, bool weighted) {
  std::vector<int> distance(topology.routers.size(), kUnreached);
  std::vector<int> queue{destination};
  distance[static_cast<std::size_t>(destination)] = 0;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const int router = queue[i];
    for (int port = 0; port < ports.count(router); ++port) {
      const int link = ports.at(router, port).link_in;
      if (link == Ports::kNone || (weighted && topology.links[static_cast<std::size_t>(link)].weight == 0)) continue;
      const int from = topology.links[static_cast<std::size_t>(link)].from;
      int& own = distance[static_cast<std::size_t>(from)];
      if (own != kUnreached) continue;
      own = distance[static_cast<std::size_t>(router)] + 1;
      queue.push_back(from);
    }
  }
  return distance;
}

/// Ports of `router` that lead one hop nearer, in order.
std::vector<std::uint16_t> nearer(const Topology& topology, const Ports& ports, int router,
                                  const std::vector<int>& distance, bool weighted) {
  std::vector<std::uint16_t> found;
  for (int port = 0; port < ports.count(router); ++port) {
    const int link = ports.at(router, port).link_out;
    if (link == Ports::kNone || (weighted && topology.links[static_cast<std::size_t>(link)].weight == 0)) continue;
    const int to = topology.links[static_cast<std::size_t>(link)].to;
    if (distance[static_cast<std::size_t>(to)] == distance[static_cast<std::size_t>(router)] - 1) {
      found.push_back(static_cast<std::uint16_t>(port));
    }
  }
  return found;
}

std::string no_way(const Topology& topology, std::size_t from, std::size_t to) {
  return "no way from '" + topology.routers[from].name + "' to '" + topology.routers[to].name + "'";
}

}  // namespace

const std::vector<std::string>& routing_names() {
  static const std::vector<std::string> names = {"dimension_order", "shortest_path",    "up_down",
                                                 "west_first",      "minimal_adaptive", "weighted_multipath"};
  return names;
}

Routes::Routes(const Topology& topology, const Ports& ports, Routing routing, int virtual_channels) {
  if (const std::vector<ParameterProblem> wrong = build(topology, ports, routing, virtual_channels); !wrong.empty()) {
    throw std::invalid_argument(wrong.front().parameter + ": " + wrong.front().message);
  }
}

std::vector<ParameterProblem> Routes::problems(const Topology& topology, Routing routing, int virtual_channels,
                                               bool check_cycles) {
  const Ports ports(topology);
  Routes routes;
  std::vector<ParameterProblem> found = routes.build(topology, ports, routing, virtual_channels);
  if (!found.empty() || !check_cycles) return found;
  const RoutingRelation relation = {[&](int router, int in_port, int in_vc, int destination, std::vector<Hop>& hops) {
                                      routes.ways(router, in_port, in_vc, destination, hops);
                                    },
                                    routes.groups(), routes.escape()};
  if (const std::vector<VirtualChannel> cycle = find_cycle(topology, ports, relation); !cycle.empty()) {
    found.push_back({"routing", describe(topology, cycle) +
                                    " wait for each other in a circle: packets can block each other for ever; up_down "
                                    "has no such circle on any topology, dimension_order none on a mesh or torus, and "
                                    "minimal_adaptive always a way out of it"});
  }
  return found;
}

std::vector<ParameterProblem> Routes::build(const Topology& topology, const Ports& ports, Routing routing,
                                            int virtual_channels) {
  const std::string& name = routing_names()[static_cast<std::size_t>(routing)];
  const std::string number = std::to_string(virtual_channels);
  if (virtual_channels < 1 || virtual_channels > 32) {
    return {{"router.virtual_channels", number + " must be 1 to 32 of each virtual network"}};
  }
  routers_ = topology.routers.size();
  int most_ports = 0;
  for (int router = 0; router < static_cast<int>(routers_); ++router) {
    most_ports = std::max(most_ports, ports.count(router));
  }
  if (std::max({routers_, topology.terminals.size(), static_cast<std::size_t>(most_ports)}) > kMaxNumbered) {
    return {{"routing", std::to_string(routers_) + " routers, " + std::to_string(topology.terminals.size()) +
                            " terminals, " + std::to_string(most_ports) +
                            " ports at one router: must each be at most " + std::to_string(kMaxNumbered)}};
  }

  all_ = static_cast<std::uint32_t>((std::uint64_t{1} << virtual_channels) - 1);
  escape_ = all_;
  groups_ = {all_};
  const std::string no_grid = lay_out(topology, ports);
  const bool wraps = wraps_[0] || wraps_[1];
  adaptive_ = routing == Routing::west_first || routing == Routing::minimal_adaptive;

  for (int router = 0; router < static_cast<int>(routers_); ++router) {
    first_port_.push_back(static_cast<std::uint32_t>(ends_.size()));
    for (int port = 0; port < ports.count(router); ++port) {
      const Ports::Port& own = ports.at(router, port);
      if (own.link_out == Ports::kNone) {
        ends_.push_back({kNoPort, kNoPort, false});
      } else {
        ends_.push_back({static_cast<std::uint16_t>(own.neighbour),
                         static_cast<std::uint16_t>(ports.of_link_in(own.link_out)), false});
      }
    }
  }
  for (std::size_t t = 0; t < topology.terminals.size(); ++t) {
    const int router = topology.terminals[t].router;
    Target target{
        static_cast<std::uint16_t>(router), static_cast<std::uint16_t>(ports.of_terminal(static_cast<int>(t))), {}};
    if (no_grid.empty()) target.at = places_[static_cast<std::size_t>(router)].at;
    targets_.push_back(target);
  }

  const auto not_routed = [&](const std::string& why) {
    return std::vector<ParameterProblem>{{"routing", name + ": " + why}};
  };
  const auto few_channels = [&](const std::string& why) {
    return std::vector<ParameterProblem>{
        {"router.virtual_channels", number + " is too few for " + name + ", must be 2 or more: " + why}};
  };
  std::string wrong;
  switch (routing) {
    case Routing::dimension_order:
      if (!no_grid.empty()) {
        return not_routed(no_grid + "; it needs a mesh or torus, up_down and shortest_path take any topology");
      }
      method_ = Method::dimension_order;
      mesh_ = !wraps;
      if (wraps) {
        if (virtual_channels < 2) return few_channels("on a torus one half is for packets that cross the dateline");
        lower_ = virtual_channels - virtual_channels / 2;
        const auto before = static_cast<std::uint32_t>((std::uint64_t{1} << lower_) - 1);
        groups_ = {before, all_ & ~before};
      }
      break;
    case Routing::shortest_path:
      method_ = Method::table;
      wrong = build_table(topology, ports);
      break;
    case Routing::up_down:
      method_ = Method::up_down;
      wrong = build_up_down(topology, ports);
      break;
    case Routing::west_first:
      if (!no_grid.empty()) {
        return not_routed(no_grid + "; it needs a mesh, minimal_adaptive takes any topology");
      }
      if (wraps) {
        return not_routed("its turns leave circles around a torus; it needs a mesh, dimension_order takes a torus");
      }
      method_ = Method::west_first;
      break;
    case Routing::minimal_adaptive:
      if (virtual_channels < 2) return few_channels("the first one is the escape");
      escape_ = 1;
      groups_ = {escape_, all_ & ~escape_};
      method_ = no_grid.empty() ? Method::adaptive_grid : Method::adaptive_table;
      if (!no_grid.empty()) wrong = build_sets(topology, ports, false);
      if (wrong.empty() && (!no_grid.empty() || wraps)) wrong = build_up_down(topology, ports);
      break;
    case Routing::weighted_multipath:
      method_ = Method::multipath;
      wrong = build_sets(topology, ports, true);
      break;
  }
  if (!wrong.empty()) return not_routed(wrong);
  return {};
}

/// Fills places_, size_ and wraps_, or says why the topology is no grid.
std::string Routes::lay_out(const Topology& topology, const Ports& ports) {
  const Topology::Grid& grid = topology.grid;
  if (grid.columns < 1 || grid.rows < 1) return "the topology is no grid";
  const std::string shape = std::to_string(grid.columns) + " x " + std::to_string(grid.rows) + " grid";
  if (static_cast<std::size_t>(grid.columns) * static_cast<std::size_t>(grid.rows) != routers_) {
    return "a " + shape + " does not hold " + std::to_string(routers_) + " routers";
  }
  size_ = {grid.columns, grid.rows};
  for (int router = 0; router < static_cast<int>(routers_); ++router) {
    places_.push_back(
        {{static_cast<std::uint16_t>(router % grid.columns), static_cast<std::uint16_t>(router / grid.columns)},
         {kNoPort, kNoPort, kNoPort, kNoPort}});
  }
  wraps_ = {grid.wraps && grid.columns > 2, grid.wraps && grid.rows > 2};

  // A pair of links takes the first free direction that it fits, inside before around: in a torus of two columns the first pair of two
  // neighbours is the one inside.
  const auto fits = [&](const Place& from, const Place& to, int direction, bool around) {
    const auto d = static_cast<std::size_t>(direction / 2);
    if (from.at[1 - d] != to.at[1 - d]) return false;
    const bool forward = direction % 2 == 0;
    const int low = forward ? from.at[d] : to.at[d];
    const int high = forward ? to.at[d] : from.at[d];
    return around ? size_[d] > 1 && low == size_[d] - 1 && high == 0 : high == low + 1;
  };
  for (std::size_t i = 0; i < topology.links.size(); ++i) {
    const Topology::Link& link = topology.links[i];
    if (link.reverse < static_cast<int>(i)) continue;
    Place& from = places_[static_cast<std::size_t>(link.from)];
    Place& to = places_[static_cast<std::size_t>(link.to)];
    bool placed = false;
    for (int way = 0; way < 8 && !placed; ++way) {
      const int direction = way % 4;
      const bool around = way >= 4;
      std::uint16_t& out = from.port[static_cast<std::size_t>(direction)];
      std::uint16_t& back = to.port[static_cast<std::size_t>(direction ^ 1)];
      if ((around && !grid.wraps) || !fits(from, to, direction, around) || out != kNoPort || back != kNoPort) continue;
      out = static_cast<std::uint16_t>(ports.of_link_out(static_cast<int>(i)));
      back = static_cast<std::uint16_t>(ports.of_link_in(static_cast<int>(i)));
      if (around) wraps_[static_cast<std::size_t>(direction / 2)] = true;
      placed = true;
    }
    if (!placed) return "link '" + link.name + "' has no place in a " + shape;
  }
  for (const Place& place : places_) {
    for (int direction = 0; direction < 4; ++direction) {
      const auto d = static_cast<std::size_t>(direction / 2);
      const int edge = direction % 2 == 0 ? size_[d] - 1 : 0;
      if ((place.at[d] == edge && !wraps_[d]) || place.port[static_cast<std::size_t>(direction)] != kNoPort) continue;
      constexpr const char* kSides[] = {"x + 1", "x - 1", "y + 1", "y - 1"};
      return "router '" + topology.routers[static_cast<std::size_t>(&place - places_.data())].name +
             "' has no link to " + kSides[direction] + " of the " + shape;
    }
  }
  return {};
}

std::string Routes::build_table(const Topology& topology, const Ports& ports) {
  table_.assign(routers_ * routers_, kNoPort);
  for (std::size_t destination = 0; destination < routers_; ++destination) {
    const std::vector<int> distance = distances(topology, ports, static_cast<int>(destination), false);
    for (std::size_t router = 0; router < routers_; ++router) {
      if (router == destination) continue;
      const std::vector<std::uint16_t> found = nearer(topology, ports, static_cast<int>(router), distance, false);
      if (found.empty()) return no_way(topology, router, destination);
      table_[router * routers_ + destination] = found.front();
    }
  }
  return {};
}

std::string Routes::build_sets(const Topology& topology, const Ports& ports, bool weighted) {
  set_.assign(routers_ * routers_, 0);
  std::vector<std::map<std::vector<std::uint16_t>, std::uint16_t>> known(routers_);
  for (std::size_t destination = 0; destination < routers_; ++destination) {
    const std::vector<int> distance = distances(topology, ports, static_cast<int>(destination), weighted);
    for (std::size_t router = 0; router < routers_; ++router) {
      if (router == destination) continue;
      std::vector<std::uint16_t> found = nearer(topology, ports, static_cast<int>(router), distance, weighted);
      if (found.empty()) {
        return no_way(topology, router, destination) + (weighted ? " over links of a weight above zero" : "");
      }
      auto& own = known[router];
      const auto index = static_cast<std::uint16_t>(own.size());
      set_[router * routers_ + destination] = own.try_emplace(std::move(found), index).first->second;
    }
  }
  for (std::size_t router = 0; router < routers_; ++router) {
    first_set_.push_back(static_cast<std::uint32_t>(sets_.size()));
    sets_.resize(sets_.size() + known[router].size());
    for (const auto& [members, index] : known[router]) {
      sets_[first_set_.back() + index] = {static_cast<std::uint32_t>(candidates_.size()),
                                          static_cast<std::uint32_t>(members.size())};
      std::uint64_t sum = 0;
      for (const std::uint16_t port : members) {
        const int link = ports.at(static_cast<int>(router), port).link_out;
        sum += static_cast<std::uint64_t>(topology.links[static_cast<std::size_t>(link)].weight);
        candidates_.push_back({sum, port});
      }
    }
  }
  return {};
}

/// Autonet's up*/down* (Schroeder et al., IEEE JSAC 1991): levels by breadth-first search from a root, the router with most links, the lowest one
/// among equals; up is to a lower level, or to a lower number on one level. No cycle of channels is without a turn from down to up.
std::string Routes::build_up_down(const Topology& topology, const Ports& ports) {
  std::vector<int> links(routers_, 0);
  for (const Topology::Link& link : topology.links) ++links[static_cast<std::size_t>(link.from)];
  const int root = static_cast<int>(std::max_element(links.begin(), links.end()) - links.begin());
  const std::vector<int> level = distances(topology, ports, root, false);
  for (std::size_t router = 0; router < routers_; ++router) {
    if (level[router] == kUnreached) return no_way(topology, router, static_cast<std::size_t>(root));
    for (int port = 0; port < ports.count(static_cast<int>(router)); ++port) {
      PortEnd& to = ends_[first_port_[router] + static_cast<std::size_t>(port)];
      if (to.router == kNoPort) continue;
      const int here = level[router];
      const int there = level[to.router];
      to.down = there > here || (there == here && to.router > router);
    }
  }

  // Backwards from each destination over (router, whether the packet went down): what came by an up link has not.
  up_down_.assign(2 * routers_ * routers_, kNoPort);
  std::vector<std::size_t> queue;
  for (std::size_t destination = 0; destination < routers_; ++destination) {
    std::vector<int> distance(2 * routers_, kUnreached);
    queue = {2 * destination, 2 * destination + 1};
    distance[queue[0]] = distance[queue[1]] = 0;
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const int router = static_cast<int>(queue[i] / 2);
      const bool went_down = queue[i] % 2 == 1;
      for (int port = 0; port < ports.count(router); ++port) {
        const PortEnd& back = end(router, port);
        if (back.router == kNoPort || back.down == went_down) continue;  // up from `router` is down to it
        for (std::size_t before = 0; before <= (went_down ? 1u : 0u); ++before) {
          const std::size_t state = 2u * back.router + before;
          if (distance[state] != kUnreached) continue;
          distance[state] = distance[queue[i]] + 1;
          queue.push_back(state);
        }
      }
    }
    for (std::size_t state = 0; state < 2 * routers_; ++state) {
      const int router = static_cast<int>(state / 2);
      if (distance[state] <= 0) continue;
      for (int port = 0; port < ports.count(router); ++port) {
        const PortEnd& to = end(router, port);
        if (to.router == kNoPort || (state % 2 == 1 && !to.down)) continue;
        if (distance[2u * to.router + (to.down ? 1 : 0)] != distance[state] - 1) continue;
        up_down_[2 * pair(router, static_cast<int>(destination)) + state % 2] = static_cast<std::uint16_t>(port);
        break;
      }
    }
  }
  return {};
}

Hop Routes::by_dimension(int router, int in_port, int in_vc, Target target, std::uint64_t flow) const {
  const Place& place = places_[static_cast<std::size_t>(router)];
  const std::size_t d = target.at[0] != place.at[0] ? 0 : 1;
  const std::uint16_t plus = place.port[2 * d];
  const std::uint16_t minus = place.port[2 * d + 1];
  const int from = place.at[d];
  const int to = target.at[d];
  if (!wraps_[d]) return {all_, to > from ? plus : minus, 0};
  if (in_port == plus || in_port == minus) {
    return {groups_[in_vc < lower_ ? 0 : 1], in_port == plus ? minus : plus, 0};
  }
  const int twice = 2 * (to - from + (to < from ? size_[d] : 0));
  const bool backwards = twice > size_[d] || (twice == size_[d] && (flow >> d & 1) != 0);
  return {groups_[from > to ? 1 : 0], backwards ? minus : plus, 0};
}

int Routes::minimal_on_grid(const Place& place, Target target, std::uint32_t vcs, Hop* out) const {
  int count = 0;
  for (std::size_t d = 0; d < 2; ++d) {
    const int from = place.at[d];
    const int to = target.at[d];
    if (from == to) continue;
    // Where the way around is as long, both are minimal.
    const int twice = wraps_[d] ? 2 * (to - from + (to < from ? size_[d] : 0)) : 0;
    const bool plus = wraps_[d] ? twice <= size_[d] : to > from;
    const bool minus = wraps_[d] ? twice >= size_[d] : to < from;
    if (plus) out[count++] = {vcs, place.port[2 * d], 0};
    if (minus) out[count++] = {vcs, place.port[2 * d + 1], 0};
  }
  return count;
}

std::uint16_t Routes::escape_port(int router, int in_port, int in_vc, Target target) const {
  if (up_down_.empty()) return x_then_y(places_[static_cast<std::size_t>(router)], target);
  // Only a packet that came by an escape channel has begun its way up and down.
  return up_down_port(router, in_vc == 0 && !end(router, in_port).down, target);
}

int Routes::minimal_or_escape(int router, int in_port, int in_vc, Target target, std::uint64_t flow, Hop* out) const {
  int count = 0;
  if (in_vc != 0) {  // else it is in the escape, and stays there
    const std::uint32_t vcs = all_ & ~escape_;
    if (method_ == Method::adaptive_grid) {
      count = minimal_on_grid(places_[static_cast<std::size_t>(router)], target, vcs, out);
    } else {
      const Set set = set_of(router, target);
      count = static_cast<int>(std::min<std::uint32_t>(set.count, kMaxChoices - 1));
      std::uint32_t at = 0;
      if (set.count > kMaxChoices - 1) {
        at = static_cast<std::uint32_t>(bounded(mix(flow, static_cast<std::uint64_t>(router)), set.count));
      }
      for (int i = 0; i < count; ++i) {
        out[i] = {vcs, candidates_[set.first + at].port, 0};
        if (++at == set.count) at = 0;
      }
    }
  }
  out[count] = {escape_, escape_port(router, in_port, in_vc, target), static_cast<std::uint16_t>(count > 0 ? 1 : 0)};
  return count + 1;
}

std::uint16_t Routes::by_weight(int router, Target target, std::uint64_t flow) const {
  const Set set = set_of(router, target);
  const Candidate* candidate = &candidates_[set.first];
  if (set.count > 1) {
    const std::uint64_t draw = bounded(mix(flow, static_cast<std::uint64_t>(router)), candidate[set.count - 1].up_to);
    while (candidate->up_to <= draw) ++candidate;
  }
  return candidate->port;
}

int Routes::elsewhere(int router, int in_port, int in_vc, Target target, std::uint64_t flow, Hop* out) const {
  switch (method_) {
    case Method::dimension_order:
      *out = by_dimension(router, in_port, in_vc, target, flow);
      break;
    case Method::table:
      *out = {all_, table_[pair(router, target.router)], 0};
      break;
    case Method::up_down:
      *out = {all_, up_down_port(router, in_vc != kFromTerminal && !end(router, in_port).down, target), 0};
      break;
    case Method::west_first: {
      const Place& place = places_[static_cast<std::size_t>(router)];
      if (target.at[0] >= place.at[0]) return minimal_on_grid(place, target, all_, out);
      *out = {all_, place.port[kWest], 0};
      break;
    }
    case Method::adaptive_grid:
    case Method::adaptive_table:
      return minimal_or_escape(router, in_port, in_vc, target, flow, out);
    case Method::multipath:
      *out = {all_, by_weight(router, target, flow), 0};
      break;
  }
  return 1;
}

void Routes::ways(int router, int in_port, int in_vc, int destination, std::vector<Hop>& out) const {
  const Target target = targets_[static_cast<std::size_t>(destination)];
  const bool adaptive_set = method_ == Method::adaptive_table && in_vc != 0;
  if (target.router != router && (adaptive_set || method_ == Method::multipath)) {
    const Set set = set_of(router, target);
    for (std::uint32_t i = 0; i < set.count; ++i) out.push_back({groups_.back(), candidates_[set.first + i].port, 0});
    if (adaptive_set) out.push_back({escape_, escape_port(router, in_port, in_vc, target), 1});
    return;
  }
  Hop choices[kMaxChoices];
  Heading heading{static_cast<std::uint16_t>(destination), 0, 0};
  const int count = next(router, in_port, in_vc, heading, choices);
  out.insert(out.end(), choices, choices + count);
  if (method_ == Method::dimension_order && !mesh_) {
    heading.packet = 3;  // the two bits it draws from
    next(router, in_port, in_vc, heading, choices);
    if (!(choices[0] == out.back())) out.push_back(choices[0]);
  }
}

int Routes::hops(int source, int destination) const {
  const Target& from = targets_[static_cast<std::size_t>(source)];
  const Target& to = targets_[static_cast<std::size_t>(destination)];
  int router = from.router;
  int in_port = from.port;
  int in_vc = kFromTerminal;
  int count = 1;
  for (; router != to.router; ++count) {
    Hop choices[kMaxChoices];
    next(router, in_port, in_vc, {static_cast<std::uint16_t>(destination), 0, 0}, choices);
    const PortEnd& there = end(router, choices[0].port);
    router = there.router;
    in_port = there.port;
    for (in_vc = 0; (choices[0].vcs >> in_vc & 1u) == 0;) ++in_vc;
  }
  return count;
}

}  // namespace cowosim::fabric
