#include "fabric/topology/crossbar.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "fabric/topology/topologies.h"

namespace cowosim::fabric {

namespace {

/// Both directions of a terminal.
struct Ends {
  Channel in, out;
};

struct CrossbarParts {
  Ends core, slice;
  Channel crossing;
  int crossings = 1;  ///< side by side
};

CrossbarParts packet_parts(const CrossbarParams& params) {
  const auto channel = [&](int bytes_per_cycle, Time latency) {
    Channel made;
    made.bandwidth = static_cast<std::int64_t>(params.frequency * static_cast<double>(bytes_per_cycle));
    made.latency = latency;
    return made;
  };
  const Channel core = channel(params.core_bytes_per_cycle, params.terminal_latency);
  const Channel slice = channel(params.slice_bytes_per_cycle, params.terminal_latency);
  return {{core, core}, {slice, slice}, channel(params.crossing_bytes_per_cycle, params.crossing_latency), 1};
}

CrossbarParts flit_parts(const CrossbarParams& params) {
  const Time cycle = period_of(params.frequency);
  const int flit_bytes = params.width_of_flit();
  const auto cycles_of = [cycle](Time time) { return (2 * time + cycle) / (2 * cycle); };  // to the nearest
  const Time pipeline = params.router.pipeline_cycles();
  const Time both_ends = std::max<Time>(cycles_of(2 * params.terminal_latency) - pipeline, 0);
  // A narrow link adds what a flit takes on it beyond a cycle; on packets only the slowest does. Between slices half of it goes at each
  // end; between a core and a slice the core's end makes good for the rest.
  const auto beyond_cycle = [&](int bytes_per_cycle) { return Time{std::max(flit_bytes / bytes_per_cycle - 1, 0)}; };
  const Time slice = beyond_cycle(params.slice_bytes_per_cycle);
  const Time core = beyond_cycle(params.core_bytes_per_cycle);
  const Time core_too_much = core - std::max(core, slice);
  const auto channel = [&](int bytes_per_cycle, Time cycles) {
    return clocked_channel(8 * bytes_per_cycle, cycle, static_cast<int>(std::max<Time>(cycles, 1)));
  };
  const Time in = both_ends / 2;
  const Time out = both_ends - in;
  CrossbarParts parts;
  parts.slice.in = channel(params.slice_bytes_per_cycle, in - slice / 2);
  parts.slice.out = channel(params.slice_bytes_per_cycle, out - (slice - slice / 2));
  parts.core.in = channel(params.core_bytes_per_cycle, in - core_too_much - slice / 2);
  parts.core.out = channel(params.core_bytes_per_cycle, out - core_too_much - (slice - slice / 2));
  parts.crossing = channel(flit_bytes, cycles_of(params.crossing_latency) - pipeline);
  parts.crossings = params.crossing_bytes_per_cycle / flit_bytes;
  return parts;
}

}  // namespace

std::vector<ParameterProblem> problems(const CrossbarParams& params) {
  std::vector<ParameterProblem> found;
  if (!params.flits()) return found;
  const auto check = [&](const char* parameter, int bytes_per_cycle) {
    const std::string problem = width_problem(bytes_per_cycle, params.width_of_flit(), "bytes");
    if (!problem.empty()) found.push_back({parameter, problem});
    return problem.empty();
  };
  check("core_bytes_per_cycle", params.core_bytes_per_cycle);
  check("slice_bytes_per_cycle", params.slice_bytes_per_cycle);
  if (check("crossing_bytes_per_cycle", params.crossing_bytes_per_cycle) &&
      params.crossing_bytes_per_cycle < params.width_of_flit()) {
    found.push_back(
        {"crossing_bytes_per_cycle", fmt::format("{} are less than a flit of {}: a multiple of it would be right",
                                                 params.crossing_bytes_per_cycle, params.width_of_flit())});
  }
  return found;
}

Topology crossbar(const CrossbarParams& params, int partitions, const std::vector<CrossbarTerminal>& terminals) {
  if (partitions < 1) throw std::invalid_argument("crossbar: at least one partition");
  if (const std::vector<ParameterProblem> wrong = problems(params); !wrong.empty())
    throw std::invalid_argument("crossbar: " + wrong.front().parameter + ": " + wrong.front().message);
  const CrossbarParts parts = params.flits() ? flit_parts(params) : packet_parts(params);
  Topology topology;
  topology.domains = {{"network", period_of(params.frequency)}};
  topology.kinds = {"crossing"};
  for (int hub = 0; hub < partitions; ++hub) topology.routers.push_back({"hub_" + std::to_string(hub)});
  const auto link = [&](int from, int to, int n) {  // index
    return (from * (partitions - 1) + (to < from ? to : to - 1)) * parts.crossings + n;
  };
  for (int from = 0; from < partitions; ++from) {
    for (int to = 0; to < partitions; ++to) {
      for (int n = 0; from != to && n < parts.crossings; ++n) {
        std::string name = fmt::format("crossing_{}_{}", from, to);
        if (params.flits()) name += fmt::format("_{}", n);
        topology.links.push_back({std::move(name), from, to, link(to, from, n), 0, parts.crossing});
      }
    }
  }
  for (const CrossbarTerminal& terminal : terminals) {
    if (terminal.partition < 0 || terminal.partition >= partitions)
      throw std::invalid_argument("crossbar: " + terminal.name + ": no such partition");
    const Ends& ends = terminal.slice ? parts.slice : parts.core;
    topology.terminals.push_back({terminal.name, terminal.partition, ends.in, ends.out});
  }
  return topology;
}

}  // namespace cowosim::fabric
