#include "fabric/make_network.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/nearest.h"
#include "fabric/flit/flit_network.h"
#include "fabric/packet_network.h"

namespace cowosim::fabric {

std::unique_ptr<Network> make_network(const FabricParams& params, const Qos& qos) {
  return make_network(params, make_topology(params), qos);
}

std::unique_ptr<Network> make_network(const FabricParams& params, const Topology& topology, const Qos& qos) {
  if (!params.flits()) return std::make_unique<PacketNetwork>(topology, params.format(), &params.router);
  Routes routes(topology, Ports(topology), params.routing_algorithm(), params.router.virtual_channels);
  return std::make_unique<FlitNetwork>(topology, std::move(routes), params.router, params.format(), qos);
}

std::vector<ParameterProblem> problems(const QosParams& params, const std::vector<std::string>& streams) {
  std::vector<ParameterProblem> found;
  for (const StreamQos& stream : params.streams) {
    if (std::find(streams.begin(), streams.end(), stream.name) == streams.end()) {
      found.push_back({"streams." + stream.name, fmt::format("this run has no stream '{}'{}; it has {}", stream.name,
                                                             did_you_mean(stream.name, streams), enumerate(streams))});
    }
  }
  return found;
}

Qos by_stream(const QosParams& params, const std::vector<std::string>& streams) {
  Qos qos;
  qos.age_limit = params.age_limit;
  if (params.streams.empty()) return qos;
  qos.streams.resize(streams.size());
  for (const StreamQos& stream : params.streams) {
    const auto at = std::find(streams.begin(), streams.end(), stream.name);
    if (at != streams.end())
      qos.streams[static_cast<std::size_t>(at - streams.begin())] = {stream.priority, stream.weight, stream.rate_limit};
  }
  return qos;
}

}  // namespace cowosim::fabric
