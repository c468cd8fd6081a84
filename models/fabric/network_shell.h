// A network as a module, at either precision: one target socket a terminal.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "fabric/network.h"
#include "kernel/ports.h"

namespace cowosim::fabric {

class NetworkShell final : public kernel::Shell {
 public:
  NetworkShell(const sc_core::sc_module_name& name, std::unique_ptr<Network> network)
      : Shell(name), network_(std::move(network)) {
    for (int i = 0; i < network_->ports(); ++i) {
      terminals.push_back(std::make_unique<kernel::TargetPort>(("terminal_" + std::to_string(i)).c_str(), *this, i));
    }
  }

  Network& heart() override { return *network_; }

 private:
  std::unique_ptr<Network> network_;

 public:
  std::vector<std::unique_ptr<kernel::TargetPort>> terminals;
};

}  // namespace cowosim::fabric
