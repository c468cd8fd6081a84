// A network from its parameters, at the precision they ask for.
#pragma once

#include <memory>

#include "fabric/fabric_params.h"
#include "fabric/flit/flit_params.h"
#include "fabric/network.h"

namespace cowosim::fabric {

/// Throws std::invalid_argument where problems(params) reports any but a circle of waiting channels: that check is the configuration's.
std::unique_ptr<Network> make_network(const FabricParams& params, const Qos& qos);
/// The same with a topology that has more than make_topology(params) gives it.
std::unique_ptr<Network> make_network(const FabricParams& params, const Topology& topology, const Qos& qos);

/// Quality of service by number of the stream. A problem for each name that no stream has.
std::vector<ParameterProblem> problems(const QosParams& params, const std::vector<std::string>& streams);
Qos by_stream(const QosParams& params, const std::vector<std::string>& streams);

}  // namespace cowosim::fabric
