#include "platforms/interposer.h"

#include <stdexcept>

#include "core/error.h"
#include "traffic/workloads.h"

namespace cowosim::platforms {

namespace {

using traffic::CollectiveTrafficParams;
using traffic::SyntheticParams;

/// All terminals act together; all-reduces have no root.
fabric::CollectiveGroup group_of(const std::string& name, const CollectiveTrafficParams& params, int nodes) {
  fabric::CollectiveGroup group;
  group.name = name;
  for (int n = 0; n < nodes; ++n) group.members.push_back(n);
  if (!params.all_reduces()) {
    group.root = static_cast<int>(params.root);
  }
  return group;
}

void require_none(const std::string& path, const std::vector<ParameterProblem>& problems) {
  Diagnostics diagnostics;
  for (const ParameterProblem& problem : problems) diagnostics.add({}, path + problem.parameter, problem.message);
  diagnostics.throw_if_any();
}

}  // namespace

Interposer::Interposer(const fabric::FabricParams& params, const std::vector<std::string>& streams,
                       const std::vector<Source>& sources) {
  fabric::Topology topology = fabric::make_topology(params);
  nodes_ = static_cast<int>(topology.terminals.size());

  std::vector<fabric::CollectiveGroup> groups;
  for (const Source& source : sources) {
    if (const auto* collective = std::get_if<CollectiveTrafficParams>(&source.params))
      groups.push_back(group_of(source.name, *collective, nodes_));
  }
  if (!groups.empty()) {
    plan_ = fabric::plan_collectives(topology, groups, params.collectives, params.flit_bytes);
    // Units send from routers that had nothing to send before.
    if (params.flits())
      require_none("fabric.", fabric::Routes::problems(topology, params.routing_algorithm(),
                                                       params.router.virtual_channels, params.deadlock_check));
  }
  try {
    network_ = fabric::make_network(params, topology, fabric::by_stream(params.qos, streams));
  } catch (const std::invalid_argument& error) {  // beyond what a network holds
    throw ConfigError(Diagnostic{"", 0, 0, "fabric", error.what()});
  }
  for (const fabric::CollectivePlan::Unit& unit : plan_.units)
    units_.push_back(std::make_unique<fabric::CollectiveUnit>(params.collectives, unit));

  std::vector<int> owner(streams.size(), 0);
  std::size_t group = 0;
  for (const Source& source : sources) {
    owner[source.stream] = static_cast<int>(sources_.size());
    const std::string suffix = sources.size() == 1 ? "" : "_" + source.name;
    if (const auto* synthetic = std::get_if<SyntheticParams>(&source.params)) {
      traffic::SyntheticContext context;
      context.shape.nodes = nodes_;
      context.shape.columns = params.terminal_columns();
      context.period = period_of(params.frequency);
      context.flit_bytes = params.flit_bytes;
      context.header_bytes = params.header_bytes;
      context.stream = source.stream;
      context.seed = source.seed;
      synthetics_.push_back(traffic::build_synthetic(*synthetic, context));
      sources_.push_back(
          {"synthetic" + suffix, source.stream, synthetics_.back().get(), &synthetics_.back()->stream()});
    } else {
      traffic::CollectiveContext context;
      context.nodes = nodes_;
      for (int n = 0; n < nodes_; ++n) {
        const int door = plan_.doors[group][static_cast<std::size_t>(n)];
        context.members.push_back({static_cast<std::uint16_t>(n), static_cast<std::uint16_t>(door)});
      }
      context.group = static_cast<std::uint16_t>(group++);
      context.operations = params.collectives.operations;
      context.slot_bytes = params.collectives.slot_bytes;
      context.stream = source.stream;
      collectives_.push_back(traffic::build_collective(std::get<CollectiveTrafficParams>(source.params), context));
      sources_.push_back(
          {"collective" + suffix, source.stream, collectives_.back().get(), &collectives_.back()->stream()});
    }
  }
  if (sources_.size() > 1)
    fan_ = std::make_unique<traffic::Fan>(nodes_, static_cast<int>(sources_.size()), std::move(owner));
}

void Interposer::couple(engine::Coupling& coupling) {
  // What sources inject in a cycle is in front of the network in that cycle: they act first.
  for (const Named& source : sources_) coupling.add(source.name, *source.heart);
  if (fan_) coupling.add("fan", *fan_);
  for (std::size_t u = 0; u < units_.size(); ++u) coupling.add(plan_.units[u].name, *units_[u]);
  coupling.add("fabric", *network_);
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    for (int n = 0; n < nodes_; ++n) {
      if (fan_) {
        coupling.wire(*sources_[s].heart, n, *fan_, fan_->port_of(static_cast<int>(s), n));
      } else {
        coupling.wire(*sources_[s].heart, n, *network_, n);
      }
    }
  }
  for (int n = 0; fan_ && n < nodes_; ++n) coupling.wire(*fan_, fan_->port_of_terminal(n), *network_, n);
  for (std::size_t u = 0; u < units_.size(); ++u) {
    const std::vector<int>& terminals = plan_.units[u].terminals;
    for (std::size_t port = 0; port < terminals.size(); ++port)
      coupling.wire(*units_[u], static_cast<int>(port), *network_, terminals[port]);
  }
}

const telemetry::StreamStatistics* Interposer::stream(StreamId id) const {
  for (const Named& source : sources_)
    if (source.stream == id) return source.statistics;
  return nullptr;
}

}  // namespace cowosim::platforms
