// A core as a module.
#pragma once

#include "compute/core.h"
#include "kernel/ports.h"

namespace cowosim::compute {

class CoreShell final : public kernel::Shell {
 public:
  CoreShell(const sc_core::sc_module_name& name, const CoreParams& params,
            const std::vector<const work::Program*>& programs, const SliceMap& slices, std::uint16_t terminal,
            int partition)
      : Shell(name),
        core_(params, programs, slices, terminal, partition),
        network("network", *this, Core::kNetwork),
        dispatcher("dispatcher", *this, Core::kDispatcher) {}

  Core& heart() override { return core_; }

 private:
  Core core_;

 public:
  kernel::InitiatorPort network;
  kernel::TargetPort dispatcher;
};

}  // namespace cowosim::compute
