#include "fabric/topology/topologies.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <unordered_set>

namespace cowosim::fabric {

namespace {

/// Routers in a row or grid and their terminals; no links.
Topology routers(int columns, int rows, const Parts& parts, const char* kind) {
  if (columns < 1 || rows < 1) throw std::invalid_argument(std::string(kind) + ": at least one router");
  if (parts.terminals_per_router < 1) throw std::invalid_argument(std::string(kind) + ": at least one terminal");
  Topology topology;
  topology.domains = {{"clock", parts.period}};
  topology.kinds = {kind};
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      topology.routers.push_back({"router_" + std::to_string(x + columns * y), 0, x * parts.pitch, y * parts.pitch});
  for (int t = 0; t < columns * rows * parts.terminals_per_router; ++t) {
    topology.terminals.push_back(
        {"terminal_" + std::to_string(t), t / parts.terminals_per_router, parts.terminal, parts.terminal});
  }
  return topology;
}

Topology grid(int columns, int rows, bool wraps, const Parts& parts, const char* kind) {
  Topology topology = routers(columns, rows, parts, kind);
  topology.grid = {columns, rows, wraps};
  constexpr int kNone = -1;
  struct Step {
    int x, y;
  };
  constexpr std::array<Step, 4> kSteps = {{{1, 0}, {-1, 0}, {0, 1}, {0, -1}}};  // direction d ^ 1 is the way back
  const auto neighbour = [&](int router, Step step) {
    const int size = step.x != 0 ? columns : rows;
    const int from = step.x != 0 ? router % columns : router / columns;
    int to = from + step.x + step.y;
    if (to < 0 || to >= size) {
      if (!wraps || size == 1) return kNone;
      to = (to + size) % size;
    }
    return router + (to - from) * (step.x != 0 ? 1 : columns);
  };
  std::vector<std::array<int, 4>> link_of(topology.routers.size(), {kNone, kNone, kNone, kNone});
  for (int router = 0; router < columns * rows; ++router) {
    for (std::size_t d = 0; d < kSteps.size(); ++d) {
      const int to = neighbour(router, kSteps[d]);
      if (to == kNone) continue;
      link_of[static_cast<std::size_t>(router)][d] = static_cast<int>(topology.links.size());
      topology.links.push_back({"", router, to, 0, 0, parts.link});
    }
  }
  for (const auto& links : link_of) {
    for (std::size_t d = 0; d < kSteps.size(); ++d) {
      if (links[d] == kNone) continue;
      Topology::Link& link = topology.links[static_cast<std::size_t>(links[d])];
      link.reverse = link_of[static_cast<std::size_t>(link.to)][d ^ 1];
    }
  }
  name_links(topology);
  return topology;
}

}  // namespace

std::int64_t bandwidth_of(int bits, Time period) {
  const Time eighths = 8 * period;
  return static_cast<std::int64_t>((static_cast<__int128>(bits) * kSecond + eighths - 1) / eighths);
}

Channel clocked_channel(int bits, Time period, int cycles) {
  Channel channel;
  channel.bandwidth = bandwidth_of(bits, period);
  channel.latency = cycles * period;
  return channel;
}

std::string width_problem(int width, int flit, const char* unit) {
  if (flit % width == 0 || width % flit == 0) return "";
  int below = width;
  int above = width;
  const auto fits = [flit](int w) { return flit % w == 0 || w % flit == 0; };
  while (!fits(below)) --below;
  while (!fits(above)) ++above;
  return fmt::format(
      "{} {} and a flit of {} are an impossible width ratio: one must be a multiple of the other; {} or {} would be "
      "right",
      width, unit, flit, below, above);
}

Parts reference_parts(int flit_bytes, Time period, int terminals_per_router) {
  const Channel channel = clocked_channel(8 * flit_bytes, period);
  return {period, channel, channel, terminals_per_router, 0};
}

Topology mesh(int columns, int rows, const Parts& parts) { return grid(columns, rows, false, parts, "mesh"); }

Topology torus(int columns, int rows, const Parts& parts) { return grid(columns, rows, true, parts, "torus"); }

Topology ring(int routers, const Parts& parts) { return grid(routers, 1, true, parts, "ring"); }

Topology crossbar(int terminals, const Parts& parts) {
  Parts all = parts;
  all.terminals_per_router = terminals;
  return routers(1, 1, all, "crossbar");
}

Topology fully_connected(int count, const Parts& parts) {
  Topology topology = routers(count, 1, parts, "fully_connected");
  const auto link = [count](int from, int to) { return from * (count - 1) + (to < from ? to : to - 1); };
  for (int from = 0; from < count; ++from)
    for (int to = 0; to < count; ++to)
      if (from != to) topology.links.push_back({"", from, to, link(to, from), 0, parts.link});
  name_links(topology);
  return topology;
}

void name_links(Topology& topology) {
  std::unordered_set<std::string> taken;
  for (Topology::Link& link : topology.links) {
    const std::string name = topology.routers[static_cast<std::size_t>(link.from)].name + "_" +
                             topology.routers[static_cast<std::size_t>(link.to)].name;
    link.name = name;
    for (int n = 2; !taken.insert(link.name).second; ++n) link.name = name + "_" + std::to_string(n);
  }
}

}  // namespace cowosim::fabric
