// The dispatcher as a module: one initiator socket a core.
#pragma once

#include <memory>
#include <vector>

#include "kernel/ports.h"
#include "traffic/dispatcher.h"

namespace cowosim::traffic {

class DispatcherShell final : public kernel::Shell {
 public:
  DispatcherShell(const sc_core::sc_module_name& name, const DispatcherParams& params, int core_count,
                  std::vector<const work::Program*> programs)
      : Shell(name), dispatcher_(params, core_count, std::move(programs)) {
    for (int i = 0; i < core_count; ++i) {
      cores.push_back(std::make_unique<kernel::InitiatorPort>(("core_" + std::to_string(i)).c_str(), *this, i));
    }
  }

  Dispatcher& heart() override { return dispatcher_; }

 private:
  Dispatcher dispatcher_;

 public:
  std::vector<std::unique_ptr<kernel::InitiatorPort>> cores;
};

}  // namespace cowosim::traffic
