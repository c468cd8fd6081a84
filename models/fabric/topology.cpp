#include "fabric/topology.h"

namespace cowosim::fabric {

Ports::Ports(const Topology& topology) {
  const std::size_t routers = topology.routers.size();
  std::vector<std::vector<Port>> all(routers);
  out_.resize(topology.links.size());
  in_.resize(topology.links.size());
  for (std::size_t i = 0; i < topology.links.size(); ++i) {
    const Topology::Link& link = topology.links[i];
    std::vector<Port>& own = all[static_cast<std::size_t>(link.from)];
    out_[i] = static_cast<int>(own.size());
    in_[static_cast<std::size_t>(link.reverse)] = out_[i];
    own.push_back({static_cast<int>(i), link.reverse, kNone, link.to});
  }
  for (std::size_t i = 0; i < topology.terminals.size(); ++i) {
    std::vector<Port>& own = all[static_cast<std::size_t>(topology.terminals[i].router)];
    terminal_.push_back(static_cast<int>(own.size()));
    own.push_back({kNone, kNone, static_cast<int>(i), kNone});
  }
  first_.push_back(0);
  for (const std::vector<Port>& own : all) {
    ports_.insert(ports_.end(), own.begin(), own.end());
    first_.push_back(static_cast<int>(ports_.size()));
  }
}

}  // namespace cowosim::fabric
