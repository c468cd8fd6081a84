#include "fabric/die_to_die/shoreline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/nearest.h"

namespace cowosim::fabric {

namespace {

std::vector<std::string> names_of(const std::vector<DieOutline>& dies) {
  std::vector<std::string> names;
  for (const DieOutline& die : dies) names.push_back(die.name);
  return names;
}

std::size_t index_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

const std::vector<std::string>& edge_names() {
  static const std::vector<std::string> names = {"north", "east", "south", "west"};
  return names;
}

Facing facing(const DieOutline& from, const DieOutline& to) {
  const double east = to.x - (from.x + from.width);  // gaps; negative where they share that stretch
  const double west = from.x - (to.x + to.width);
  const double north = to.y - (from.y + from.height);
  const double south = from.y - (to.y + to.height);
  const bool same_rows = north < 0 && south < 0;
  const bool same_columns = east < 0 && west < 0;
  const double distance = std::max({0.0, east, west}) + std::max({0.0, north, south});
  if (same_rows && east >= 0) return {true, Edge::east, Edge::west, distance};
  if (same_rows && west >= 0) return {true, Edge::west, Edge::east, distance};
  if (same_columns && north >= 0) return {true, Edge::north, Edge::south, distance};
  if (same_columns && south >= 0) return {true, Edge::south, Edge::north, distance};
  return {false, Edge::north, Edge::south, distance};
}

std::vector<ParameterProblem> shoreline_problems(const std::vector<DieOutline>& dies,
                                                 const std::vector<EdgeUse>& uses) {
  std::vector<ParameterProblem> found;
  const std::vector<std::string> names = names_of(dies);
  struct Row {
    double millimetres = 0;
    std::vector<std::string> users;
  };
  std::vector<std::array<Row, kEdges>> rows(dies.size());

  for (const EdgeUse& use : uses) {
    const auto wrong = [&](std::string message) { found.push_back({use.user, std::move(message)}); };
    const auto no_die = [&](const std::string& name) {
      wrong(fmt::format("there is no die '{}'{}; there are {}", name, did_you_mean(name, names), enumerate(names)));
    };
    const std::size_t die = index_of(names, use.die);
    if (die == names.size()) {
      no_die(use.die);
      continue;
    }
    std::size_t edge = index_of(edge_names(), use.edge);
    if (use.edge.empty()) {
      const std::size_t other = index_of(names, use.towards);
      if (other == names.size()) {
        no_die(use.towards);
        continue;
      }
      const Facing sight = facing(dies[die], dies[other]);
      if (!sight.faces) {
        wrong(fmt::format("no edge of '{}' faces '{}': they overlap or lie diagonally; name the edge, one of {}",
                          use.die, use.towards, enumerate(edge_names())));
        continue;
      }
      edge = static_cast<std::size_t>(sight.from);
    } else if (edge == kEdges) {
      wrong(fmt::format("a die has no edge '{}'{}; it has {}", use.edge, did_you_mean(use.edge, edge_names()),
                        enumerate(edge_names())));
      continue;
    }
    Row& row = rows[die][edge];
    row.millimetres += use.millimetres;
    row.users.push_back(fmt::format("{} {:.6g} mm", use.user, use.millimetres));
  }

  for (std::size_t d = 0; d < dies.size(); ++d) {
    for (std::size_t e = 0; e < kEdges; ++e) {
      const Row& row = rows[d][e];
      const double length = dies[d].length_of(static_cast<Edge>(e));
      if (row.millimetres <= length + kLengthRounding) continue;
      found.push_back(
          {"dies." + dies[d].name,
           fmt::format("its {} edge has {:.6g} mm, and {:.6g} mm are needed there ({}); {:.6g} mm must go to another "
                       "edge, or have fewer or denser modules",
                       edge_names()[e], length, row.millimetres, enumerate(row.users), row.millimetres - length)});
    }
  }
  return found;
}

}  // namespace cowosim::fabric
