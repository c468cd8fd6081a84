// A packet network as a module: one target socket a terminal.
#pragma once

#include <memory>
#include <vector>

#include "fabric/packet_network.h"
#include "kernel/ports.h"

namespace cowosim::fabric {

class PacketNetworkShell final : public kernel::Shell {
 public:
  PacketNetworkShell(const sc_core::sc_module_name& name, const PacketTopology& topology, int header_bytes)
      : Shell(name), network_(topology, header_bytes) {
    for (int i = 0; i < network_.ports(); ++i) {
      terminals.push_back(std::make_unique<kernel::TargetPort>(("terminal_" + std::to_string(i)).c_str(), *this, i));
    }
  }

  PacketNetwork& heart() override { return network_; }

 private:
  PacketNetwork network_;

 public:
  std::vector<std::unique_ptr<kernel::TargetPort>> terminals;
};

}  // namespace cowosim::fabric
