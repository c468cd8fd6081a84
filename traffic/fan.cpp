#include "traffic/fan.h"

#include <stdexcept>
#include <utility>

namespace cowosim::traffic {

Fan::Fan(int nodes, int sources, std::vector<int> owner) : nodes_(nodes), sources_(sources), owner_(std::move(owner)) {
  if (nodes < 1 || sources < 1) throw std::invalid_argument("fan: at least one source and one node");
  if (ports() > 0xFFFF) throw std::invalid_argument("fan: more than 65535 ports");
}

void Fan::receive(const engine::Message& message) {
  const int node = message.port % nodes_;
  const bool from_network = message.port / nodes_ == sources_;
  const int to = from_network ? port_of(owner_[transaction(message.transaction).stream], node) : port_of_terminal(node);
  send(to, message.phase, message.transaction, message.time + latency(to), message.count);
}

}  // namespace cowosim::traffic
