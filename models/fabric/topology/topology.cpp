#include "fabric/topology/topology.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/nearest.h"

namespace cowosim::fabric {

namespace {

constexpr std::size_t kMostTerminals = 65534;  // Transaction::destination has 16 bits

std::size_t size(int n) { return static_cast<std::size_t>(n); }

class Checker {
 public:
  explicit Checker(const Topology& topology) : topology_(topology) {}

  std::vector<ParameterProblem> run() {
    const std::size_t routers = topology_.routers.size();
    if (routers == 0) found_.push_back({"routers", "a network needs at least one router"});
    if (topology_.terminals.empty()) found_.push_back({"terminals", "a network needs at least one terminal"});
    if (topology_.terminals.size() > kMostTerminals) {
      found_.push_back(
          {"terminals", fmt::format("are {}, must be at most {}", topology_.terminals.size(), kMostTerminals)});
    }
    for (const Topology::Domain& domain : topology_.domains)
      require(domain.period > 0, "clocks.", domain.name, "needs a period above zero");
    for (const Topology::Router& router : topology_.routers)
      require(within(router.domain, topology_.domains.size()), "routers.", router.name, "is in no clock domain");
    bool whole = routers > 0;  // every terminal is at a router, every link leads to another router and has a partner
    for (const Topology::Terminal& terminal : topology_.terminals) {
      whole = require(within(terminal.router, routers), "terminals.", terminal.name, "is at no router") && whole;
      check("terminals.", terminal.name, terminal.in);
      check("terminals.", terminal.name, terminal.out);
    }
    for (std::size_t l = 0; l < topology_.links.size(); ++l) whole = check_link(l) && whole;
    check_names("clocks.", topology_.domains);
    check_names("routers.", topology_.routers);
    check_names("links.", topology_.links);
    check_names("terminals.", topology_.terminals);
    const Topology::Grid& grid = topology_.grid;
    if (grid.columns != 0 && size(grid.columns) * size(grid.rows) != routers)
      found_.push_back({"routers", fmt::format("are {}, not {} x {}", routers, grid.columns, grid.rows)});
    if (whole) check_reach();
    return std::move(found_);
  }

 private:
  static bool within(int index, std::size_t count) { return index >= 0 && size(index) < count; }
  bool require(bool holds, const char* section, const std::string& name, const char* otherwise) {
    if (!holds) found_.push_back({section + name, otherwise});
    return holds;
  }

  void check(const char* section, const std::string& name, const Channel& channel) {
    require(channel.bandwidth > 0, section, name, "needs a bandwidth above zero");
    require(channel.latency >= 0, section, name, "needs a latency of at least zero");
    require(channel.bit_error_rate >= 0 && channel.bit_error_rate < 1, section, name,
            "needs a bit error rate of at least 0 and below 1");
    require(channel.replay_latency >= 0, section, name, "needs a latency of replays of at least zero");
    require(channel.degraded_at == kNever || channel.degraded_bandwidth > 0, section, name,
            "needs a bandwidth above zero for when lanes have failed");
  }

  bool check_link(std::size_t l) {
    constexpr const char* section = "links.";
    const Topology::Link& link = topology_.links[l];
    check(section, link.name, link.channel);
    require(within(link.kind, topology_.kinds.size()), section, link.name, "is of no kind");
    require(link.weight >= 0, section, link.name, "needs a weight of at least zero");
    const std::size_t routers = topology_.routers.size();
    if (!require(within(link.from, routers) && within(link.to, routers), section, link.name,
                 "does not lead from a router to a router") ||
        !require(link.from != link.to, section, link.name, "leads from a router to itself"))
      return false;
    if (within(link.reverse, topology_.links.size())) {
      const Topology::Link& partner = topology_.links[size(link.reverse)];
      if (partner.reverse == static_cast<int>(l) && partner.from == link.to && partner.to == link.from) return true;
    }
    found_.push_back({section + link.name,
                      fmt::format("is one-way: a partner from '{}' to '{}' must carry its credits",
                                  topology_.routers[size(link.to)].name, topology_.routers[size(link.from)].name)});
    return false;
  }

  template <class Element>
  void check_names(const char* section, const std::vector<Element>& elements) {
    std::vector<const std::string*> names;
    for (const Element& element : elements) names.push_back(&element.name);
    std::sort(names.begin(), names.end(), [](const std::string* a, const std::string* b) { return *a < *b; });
    for (std::size_t i = 1; i < names.size(); ++i) {
      require(*names[i] != *names[i - 1] || (i > 1 && *names[i] == *names[i - 2]), section, *names[i],
              "is there more than once: names must differ");
    }
  }

  /// Links go both ways: what router 0 reaches, reaches all others, too.
  void check_reach() {
    const std::size_t routers = topology_.routers.size();
    const Ports ports(topology_);
    std::vector<bool> reached(routers, false);
    std::vector<int> open = {0};
    reached[0] = true;
    while (!open.empty()) {
      const int router = open.back();
      open.pop_back();
      for (int p = 0; p < ports.count(router); ++p) {
        const int next = ports.at(router, p).neighbour;
        if (next == Ports::kNone || reached[size(next)]) continue;
        reached[size(next)] = true;
        open.push_back(next);
      }
    }
    std::vector<std::string> apart;
    for (std::size_t r = 0; r < routers; ++r)
      if (!reached[r]) apart.push_back(topology_.routers[r].name);
    if (apart.empty()) return;
    found_.push_back({"routers." + apart.front(),
                      fmt::format("is disconnected: no links lead from '{}' to {}; join them or leave them out",
                                  topology_.routers.front().name, enumerate(apart))});
  }

  const Topology& topology_;
  std::vector<ParameterProblem> found_;
};

}  // namespace

Ports::Ports(const Topology& topology)
    : first_(topology.routers.size() + 1, 0),
      out_(topology.links.size(), kNone),
      in_(topology.links.size(), kNone),
      terminal_(topology.terminals.size(), kNone) {
  for (const Topology::Link& link : topology.links) ++first_[size(link.from) + 1];
  for (const Topology::Terminal& terminal : topology.terminals) ++first_[size(terminal.router) + 1];
  for (std::size_t r = 1; r < first_.size(); ++r) first_[r] += first_[r - 1];
  ports_.resize(size(total()));
  std::vector<int> used(topology.routers.size(), 0);
  for (std::size_t l = 0; l < topology.links.size(); ++l) {
    const Topology::Link& link = topology.links[l];
    out_[l] = used[size(link.from)]++;
    in_[size(link.reverse)] = out_[l];
    ports_[size(first(link.from) + out_[l])] = {static_cast<int>(l), link.reverse, kNone, link.to};
  }
  for (std::size_t t = 0; t < topology.terminals.size(); ++t) {
    const int router = topology.terminals[t].router;
    terminal_[t] = used[size(router)]++;
    ports_[size(first(router) + terminal_[t])].terminal = static_cast<int>(t);
  }
}

std::vector<ParameterProblem> problems(const Topology& topology) { return Checker(topology).run(); }

}  // namespace cowosim::fabric
