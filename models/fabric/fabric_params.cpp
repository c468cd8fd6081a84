#include "fabric/fabric_params.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "core/nearest.h"
#include "fabric/topology/topologies.h"

namespace cowosim::fabric {

namespace {

constexpr int kNone = -1;
constexpr const char* kOnDie = "on_die";  // kind of links that are wires

std::string millimetres(double length) { return fmt::format("{:.6g} mm", length); }

/// Names of entries, and what they stand for.
class Names {
 public:
  explicit Names(const std::vector<std::string>& names) {
    for (const std::string& name : names) index_.emplace(name, static_cast<int>(index_.size()));
  }
  template <class Entry>
  explicit Names(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) index_.emplace(entry.name, static_cast<int>(index_.size()));
  }
  bool has(const std::string& name) const { return index_.count(name) != 0; }
  int operator[](const std::string& name) const { return index_.at(name); }
  std::vector<std::string> all() const {
    std::vector<std::string> names(index_.size());
    for (const auto& [name, index] : index_) names[static_cast<std::size_t>(index)] = name;
    return names;
  }

 private:
  std::map<std::string, int> index_;
};

class Builder {
 public:
  explicit Builder(const FabricParams& params)
      : params_(params),
        custom_(params.topology == "custom"),
        clocks_(params.clocks),
        routers_(params.routers),
        die_to_die_(params.die_to_die),
        dies_(params.dies),
        edges_(edge_names()),
        partners_(partners(params.links)) {}

  /// What keeps build() from being called.
  std::vector<ParameterProblem> check();
  Topology build() const { return custom_ ? custom() : regular(); }

 private:
  static std::vector<int> partners(const std::vector<FabricLink>& links);

  void add(std::string path, std::string message) { found_.push_back({std::move(path), std::move(message)}); }
  bool check_name(const std::string& path, const char* what, const std::string& name, const Names& names);
  void check_clock(const std::string& path, const std::string& clock) {
    if (!clock.empty()) check_name(path + ".clock", "clock", clock, clocks_);
  }
  void check_width(const std::string& path, int width);
  void check_regular();
  void check_custom();
  void check_die_to_die(const DieToDieParams& entry);
  void check_place(const FabricRouter& entry);
  void check_phy(const FabricPhy& phy);
  void check_link(const FabricLink& link, int partner);
  void check_wires(const FabricLink& link);
  void check_crossing(const FabricLink& link, const DieToDieParams& crossing);
  void check_length(const FabricLink& link, const DieToDieParams& crossing);
  void use_edge(const FabricLink& link, bool leaving, double needed);

  Topology regular() const;
  Topology custom() const;
  const FabricRouter& router(const std::string& name) const {
    return params_.routers[static_cast<std::size_t>(routers_[name])];
  }
  int domain_of(const std::string& clock) const { return clock.empty() ? 0 : 1 + clocks_[clock]; }
  Time period(int domain) const {
    return period_of(domain == 0 ? params_.frequency : params_.clocks[static_cast<std::size_t>(domain - 1)].frequency);
  }
  const DieToDieParams* crossing_of(const FabricLink& link) const {
    return die_to_die_.has(link.die_to_die)
               ? &params_.die_to_die[static_cast<std::size_t>(die_to_die_[link.die_to_die])]
               : nullptr;
  }
  const DieOutline* die_of(const std::string& router_name) const {
    const std::string& die = router(router_name).die;
    return dies_.has(die) ? &params_.dies[static_cast<std::size_t>(dies_[die])] : nullptr;
  }
  double distance(const FabricLink& link) const;
  double length_of(const FabricLink& link) const;
  DieToDieParams at_its_length(const FabricLink& link, const DieToDieParams& crossing) const;
  Channel wires(const FabricLink& link, double length, Time period) const;
  Channel channel_of(const FabricLink& link, const std::string& sender) const;

  const FabricParams& params_;
  bool custom_;
  Names clocks_, routers_, die_to_die_, dies_, edges_;
  std::vector<int> partners_;
  std::vector<EdgeUse> edge_uses_;
  std::vector<ParameterProblem> found_;
};

/// Of links of one direction: the index of the one that is the way back, or kNone. The n-th one from a to b belongs to the n-th one from b to a.
std::vector<int> Builder::partners(const std::vector<FabricLink>& links) {
  std::map<std::pair<std::string, std::string>, std::vector<int>> ways;
  for (std::size_t l = 0; l < links.size(); ++l)
    if (links[l].direction == "forward") ways[{links[l].from, links[l].to}].push_back(static_cast<int>(l));
  std::vector<int> found(links.size(), kNone);
  for (const auto& [ends, there] : ways) {
    const auto back = ways.find({ends.second, ends.first});
    if (back == ways.end()) continue;
    for (std::size_t n = 0; n < std::min(there.size(), back->second.size()); ++n)
      found[static_cast<std::size_t>(there[n])] = back->second[n];
  }
  return found;
}

std::vector<ParameterProblem> Builder::check() {
  check_width("link", params_.link.width);
  if (custom_) {
    check_custom();
  } else {
    check_regular();
  }
  return std::move(found_);
}

bool Builder::check_name(const std::string& path, const char* what, const std::string& name, const Names& names) {
  if (names.has(name)) return true;
  const std::vector<std::string> all = names.all();
  const std::string right = all.empty() ? "there are none" : "there are " + enumerate(all);
  if (name.empty()) {
    add(path, fmt::format("names no {}; {}", what, right));
  } else {
    add(path, fmt::format("there is no {} '{}'{}; {}", what, name, did_you_mean(name, all), right));
  }
  return false;
}

void Builder::check_width(const std::string& path, int width) {
  if (width == 0) return;
  if (std::string problem = width_problem(width, 8 * params_.flit_bytes, "bits"); !problem.empty())
    add(path + ".width", std::move(problem));
}

void Builder::check_regular() {
  const auto only_custom = [&](const char* section, bool empty) {
    if (empty) return;
    add(section,
        fmt::format("belongs to custom networks, but topology is '{}': leave one of the two out", params_.topology));
  };
  only_custom("clocks", params_.clocks.empty());
  only_custom("routers", params_.routers.empty());
  only_custom("links", params_.links.empty());
  only_custom("terminals", params_.terminals.empty());
  only_custom("die_to_die", params_.die_to_die.empty());
  only_custom("dies", params_.dies.empty());
  only_custom("phys", params_.phys.empty());
  constexpr int kMostJoined = 256;  // each with each: 65,280 links
  if (params_.topology == "fully_connected" && params_.nodes > kMostJoined)
    add("nodes",
        fmt::format("{} routers, but at most {} can all be joined with each other", params_.nodes, kMostJoined));
  const bool crossbar = params_.topology == "crossbar";
  if (crossbar && params_.terminals_per_router != 1)
    add("terminals_per_router", "a crossbar is one router with as many terminals as `nodes`; leave it out");
  if (!crossbar && params_.link.delay_per_mm > 0 && params_.link.length == 0)
    add("link.length", "link.delay_per_mm needs the length of links: must be above 0mm");
}

void Builder::check_custom() {
  if (params_.routers.empty()) add("routers", "a custom network needs at least one router");
  if (params_.terminals.empty()) add("terminals", "a custom network needs at least one terminal");
  for (const DieToDieParams& entry : params_.die_to_die) check_die_to_die(entry);
  for (const FabricRouter& entry : params_.routers) {
    check_clock("routers." + entry.name, entry.clock);
    check_place(entry);
  }
  for (std::size_t l = 0; l < params_.links.size(); ++l) check_link(params_.links[l], partners_[l]);
  for (const FabricTerminal& terminal : params_.terminals) {
    const std::string path = "terminals." + terminal.name;
    check_name(path + ".router", "router", terminal.router, routers_);
    check_width(path, terminal.width);
  }
  for (const FabricPhy& phy : params_.phys) check_phy(phy);
  for (ParameterProblem& problem : shoreline_problems(params_.dies, edge_uses_)) found_.push_back(std::move(problem));
}

void Builder::check_die_to_die(const DieToDieParams& entry) {
  const std::string path = "die_to_die." + entry.name;
  if (entry.name == kOnDie || entry.name == "injection" || entry.name == "ejection")
    add(path, "is what results call other links; another name would be right");
  for (const ParameterProblem& problem : fabric::problems(entry)) add(path + "." + problem.parameter, problem.message);
}

void Builder::check_place(const FabricRouter& entry) {
  const std::string path = "routers." + entry.name + ".die";
  if (entry.die.empty() || !check_name(path, "die", entry.die, dies_)) return;
  const DieOutline& die = *die_of(entry.name);
  const double east = die.x + die.width;
  const double north = die.y + die.height;
  const auto between = [](double value, double low, double high) {
    return value >= low - kLengthRounding && value <= high + kLengthRounding;
  };
  if (between(entry.x, die.x, east) && between(entry.y, die.y, north)) return;
  add(path, fmt::format("'{}' reaches from x {} to {} and from y {} to {}, and the router is at {}, {}", die.name,
                        millimetres(die.x), millimetres(east), millimetres(die.y), millimetres(north),
                        millimetres(entry.x), millimetres(entry.y)));
}

void Builder::check_phy(const FabricPhy& phy) {
  const std::string path = "phys." + phy.name;
  const bool named = check_name(path + ".die_to_die", "die-to-die link", phy.die_to_die, die_to_die_);
  const bool placed = check_name(path + ".die", "die", phy.die, dies_);
  if (!check_name(path + ".edge", "edge", phy.edge, edges_) || !named || !placed) return;
  const DieToDieParams& kind = params_.die_to_die[static_cast<std::size_t>(die_to_die_[phy.die_to_die])];
  edge_uses_.push_back({path, phy.die, phy.edge, "", shoreline_mm(kind)});
}

void Builder::check_link(const FabricLink& link, int partner) {
  const std::string path = "links." + link.name;
  const bool leaves = check_name(path + ".from", "router", link.from, routers_);
  const bool arrives = check_name(path + ".to", "router", link.to, routers_);
  const bool wires = link.die_to_die.empty();
  const DieToDieParams* crossing = crossing_of(link);
  if (wires) {
    check_clock(path, link.clock);
    check_width(path, link.width);
  } else {
    check_name(path + ".die_to_die", "die-to-die link", link.die_to_die, die_to_die_);
  }
  const auto leave_out = [&](bool given, const char* parameter, const std::string& why) {
    if (given) add(path + "." + parameter, why + "; leave it out");
  };
  const std::string said = fmt::format("die_to_die '{}' says it", link.die_to_die);
  leave_out(!wires && !link.clock.empty(), "clock", said);
  leave_out(!wires && link.width > 0, "width", said);
  leave_out(!wires && link.cycles > 0, "cycles", said);
  leave_out(!wires && link.latency > 0, "latency", said);
  leave_out(!wires && link.energy_per_bit > 0, "energy_per_bit", said);
  leave_out(wires && !link.from_edge.empty(), "from_edge", "only links with die_to_die leave over an edge");
  leave_out(wires && !link.to_edge.empty(), "to_edge", "only links with die_to_die arrive over an edge");
  if (!leaves || !arrives) return;
  if (link.from == link.to) {
    add(path + ".to", fmt::format("leads from '{}' to itself; another router would be right", link.from));
    return;
  }
  if (link.direction == "forward" && partner == kNone) {
    add(path, fmt::format("is one-way: credits need a way back; `direction: both` would be right, or another forward "
                          "link from '{}' to '{}'",
                          link.to, link.from));
  }
  if (wires) check_wires(link);
  if (crossing != nullptr) check_crossing(link, *crossing);
}

void Builder::check_wires(const FabricLink& link) {
  const std::string path = "links." + link.name;
  const DieOutline* from = die_of(link.from);
  const DieOutline* to = die_of(link.to);
  if (from != nullptr && to != nullptr && from != to) {
    add(path + ".die_to_die",
        fmt::format("'{}' is on die '{}' and '{}' on '{}', which needs one; there are {}", link.from, from->name,
                    link.to, to->name, die_to_die_.all().empty() ? "none" : enumerate(die_to_die_.all())));
    return;
  }
  if (params_.link.delay_per_mm > 0 && length_of(link) == 0) {
    add(path + ".length",
        fmt::format("link.delay_per_mm needs it, and '{}' and '{}' are at the same place; give it, or "
                    "their positions (x, y)",
                    link.from, link.to));
  }
}

/// A link with die_to_die between two routers.
void Builder::check_crossing(const FabricLink& link, const DieToDieParams& crossing) {
  const DieOutline* from = die_of(link.from);
  if (from != nullptr && from == die_of(link.to)) {
    add("links." + link.name + ".die_to_die",
        fmt::format("'{}' and '{}' are on one die, '{}'; leave it out", link.from, link.to, from->name));
    return;
  }
  check_length(link, crossing);
  const double needed = shoreline_mm(crossing) * (link.direction == "both" ? 1 : 0.5);
  use_edge(link, true, needed);
  use_edge(link, false, needed);
}

void Builder::check_length(const FabricLink& link, const DieToDieParams& crossing) {
  const std::string path = "links." + link.name;
  const DieToDieParams whole = at_its_length(link, crossing);
  if (die_of(link.from) != nullptr && die_of(link.to) != nullptr && whole.length + kLengthRounding < distance(link)) {
    add(path + ".length",
        fmt::format("{} is less than the {} between '{}' and '{}'; give the link, or die_to_die '{}', what it has, or "
                    "move the dies",
                    millimetres(whole.length), millimetres(distance(link)), router(link.from).die, router(link.to).die,
                    crossing.name));
  }
  if (!fabric::problems(crossing).empty()) return;  // told with its own path
  for (const ParameterProblem& problem : fabric::problems(whole)) add(path + "." + problem.parameter, problem.message);
}

void Builder::use_edge(const FabricLink& link, bool leaving, double needed) {
  const std::string path = "links." + link.name;
  const std::string& here = leaving ? link.from : link.to;
  const std::string& there = leaving ? link.to : link.from;
  const std::string& edge = leaving ? link.from_edge : link.to_edge;
  const char* end = leaving ? "from" : "to";
  if (!edge.empty() && !check_name(fmt::format("{}.{}_edge", path, end), "edge", edge, edges_)) return;
  if (params_.dies.empty() || needed == 0) return;
  if (router(here).die.empty()) {
    add(fmt::format("{}.{}", path, end),
        fmt::format("takes {} of an edge, and '{}' is on no die: routers.{}.die would be right, one of {}",
                    millimetres(needed), here, here, enumerate(dies_.all())));
    return;
  }
  if (die_of(here) == nullptr || (edge.empty() && die_of(there) == nullptr)) return;  // told with the routers
  edge_uses_.push_back({path, router(here).die, edge, router(there).die, needed});
}

Topology Builder::regular() const {
  Parts parts = reference_parts(params_.flit_bytes, period(0), params_.terminals_per_router);
  parts.link = wires(FabricLink(), params_.link.length, parts.period);
  parts.pitch = params_.link.length;
  const int columns = params_.columns > 0 ? params_.columns : params_.k;
  const int rows = params_.rows > 0 ? params_.rows : params_.k;
  if (params_.topology == "mesh") return mesh(columns, rows, parts);
  if (params_.topology == "torus") return torus(columns, rows, parts);
  if (params_.topology == "ring") return ring(params_.nodes, parts);
  if (params_.topology == "crossbar") return crossbar(params_.nodes, parts);
  return fully_connected(params_.nodes, parts);
}

Topology Builder::custom() const {
  Topology topology;
  topology.domains = {{"clock", period(0)}};
  for (const FabricClock& clock : params_.clocks) topology.domains.push_back({clock.name, period_of(clock.frequency)});
  topology.kinds = {kOnDie};
  for (const DieToDieParams& entry : params_.die_to_die) topology.kinds.push_back(entry.name);
  for (const FabricRouter& entry : params_.routers)
    topology.routers.push_back({entry.name, domain_of(entry.clock), entry.x, entry.y});
  std::vector<int> first;  // by entry: the index of its link, of both directions the one forward
  for (const FabricLink& link : params_.links) {
    const int from = routers_[link.from];
    const int to = routers_[link.to];
    const int index = static_cast<int>(topology.links.size());
    const int kind = link.die_to_die.empty() ? 0 : 1 + die_to_die_[link.die_to_die];
    first.push_back(index);
    topology.links.push_back({"", from, to, index + 1, kind, channel_of(link, link.from), link.weight});
    if (link.direction == "both")
      topology.links.push_back({"", to, from, index, kind, channel_of(link, link.to), link.weight});
  }
  for (std::size_t l = 0; l < first.size(); ++l) {
    if (partners_[l] == kNone) continue;
    topology.links[static_cast<std::size_t>(first[l])].reverse = first[static_cast<std::size_t>(partners_[l])];
  }
  name_links(topology);
  for (const FabricTerminal& terminal : params_.terminals) {
    const int width = terminal.width > 0 ? terminal.width : 8 * params_.flit_bytes;
    const Channel channel = clocked_channel(width, period(domain_of(router(terminal.router).clock)), terminal.cycles);
    topology.terminals.push_back({terminal.name, routers_[terminal.router], channel, channel});
  }
  return topology;
}

/// mm along the axes, from die to die where both ends are on one, else from router to router; 0: nothing says.
double Builder::distance(const FabricLink& link) const {
  const DieOutline* from = die_of(link.from);
  const DieOutline* to = die_of(link.to);
  if (from != nullptr && to != nullptr && from != to) return facing(*from, *to).distance;
  const FabricRouter& a = router(link.from);
  const FabricRouter& b = router(link.to);
  return std::abs(a.x - b.x) + std::abs(a.y - b.y);
}

/// Of wires on a die, mm; 0: nothing says.
double Builder::length_of(const FabricLink& link) const {
  if (link.length > 0) return link.length;
  return params_.link.length > 0 ? params_.link.length : distance(link);
}

DieToDieParams Builder::at_its_length(const FabricLink& link, const DieToDieParams& crossing) const {
  DieToDieParams whole = crossing;
  if (link.length > 0) whole.length = link.length;
  if (whole.length == 0) whole.length = distance(link);
  return whole;
}

/// Wires on a die. What `link` leaves open is as params_.link says.
Channel Builder::wires(const FabricLink& link, double length, Time cycle) const {
  const FabricWires& all = params_.link;
  const int width = link.width > 0 ? link.width : all.width > 0 ? all.width : 8 * params_.flit_bytes;
  Channel channel = clocked_channel(width, cycle, link.cycles > 0 ? link.cycles : all.cycles);
  if (link.latency > 0) {
    channel.latency = link.latency;
  } else if (link.cycles == 0 && all.latency > 0) {
    channel.latency = all.latency;
  }
  channel.latency += static_cast<Time>(std::ceil(length * static_cast<double>(all.delay_per_mm)));
  channel.energy_per_bit = link.energy_per_bit > 0 ? link.energy_per_bit : all.energy_per_bit;
  return channel;
}

/// One direction.
Channel Builder::channel_of(const FabricLink& link, const std::string& sender) const {
  if (const DieToDieParams* crossing = crossing_of(link))
    return fabric::channel_of(at_its_length(link, *crossing), params_.flit_bytes);
  const std::string& clock = link.clock.empty() ? router(sender).clock : link.clock;
  return wires(link, length_of(link), period(domain_of(clock)));
}

/// All but what a routing needs; the topology where there are none.
std::vector<ParameterProblem> build(const FabricParams& params, Topology& topology) {
  Builder builder(params);
  std::vector<ParameterProblem> found = builder.check();
  if (!found.empty()) return found;
  topology = builder.build();
  return problems(topology);
}

}  // namespace

const std::vector<std::string>& FabricParams::routings() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"auto"};
    all.insert(all.end(), routing_names().begin(), routing_names().end());
    return all;
  }();
  return names;
}

int FabricParams::terminal_count() const {
  if (topology == "none") return 0;
  if (topology == "custom") return static_cast<int>(terminals.size());
  if (topology == "crossbar") return nodes;
  if (topology == "ring" || topology == "fully_connected") return nodes * terminals_per_router;
  return (columns > 0 ? columns : k) * (rows > 0 ? rows : k) * terminals_per_router;
}

Routing FabricParams::routing_algorithm() const {
  if (routing == "auto") {
    if (topology == "custom") return Routing::up_down;
    return topology == "crossbar" || topology == "fully_connected" ? Routing::shortest_path : Routing::dimension_order;
  }
  const std::vector<std::string>& names = routing_names();
  return static_cast<Routing>(std::find(names.begin(), names.end(), routing) - names.begin());
}

std::vector<ParameterProblem> problems(const FabricParams& params) {
  if (!params.present()) return {};
  Topology topology;
  std::vector<ParameterProblem> found = build(params, topology);
  if (!found.empty() || !params.flits()) return found;
  return Routes::problems(topology, params.routing_algorithm(), params.router.virtual_channels, params.deadlock_check);
}

Topology make_topology(const FabricParams& params) {
  if (!params.present()) throw std::invalid_argument("fabric.topology: none");
  Topology topology;
  if (const std::vector<ParameterProblem> wrong = build(params, topology); !wrong.empty())
    throw std::invalid_argument("fabric." + wrong.front().parameter + ": " + wrong.front().message);
  return topology;
}

}  // namespace cowosim::fabric
