// A link as a module: per channel a target socket upstream and an initiator socket downstream.
#pragma once

#include <memory>
#include <vector>

#include "fabric/link.h"
#include "kernel/ports.h"

namespace cowosim::fabric {

class LinkShell final : public kernel::Shell {
 public:
  LinkShell(const sc_core::sc_module_name& name, const LinkParams& params, int channels, Stage stage)
      : Shell(name), link_(params, channels, stage) {
    for (int i = 0; i < channels; ++i) {
      const std::string index = std::to_string(i);
      upstream.push_back(std::make_unique<kernel::TargetPort>(("upstream_" + index).c_str(), *this, 2 * i));
      downstream.push_back(std::make_unique<kernel::InitiatorPort>(("downstream_" + index).c_str(), *this, 2 * i + 1));
    }
  }

  Link& heart() override { return link_; }

 private:
  Link link_;

 public:
  std::vector<std::unique_ptr<kernel::TargetPort>> upstream;
  std::vector<std::unique_ptr<kernel::InitiatorPort>> downstream;
};

}  // namespace cowosim::fabric
