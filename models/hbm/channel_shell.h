// An HBM channel with its controller as a module.
#pragma once

#include "hbm/channel.h"
#include "kernel/ports.h"

namespace cowosim::hbm {

class ChannelShell final : public kernel::Shell {
 public:
  ChannelShell(const sc_core::sc_module_name& name, const HbmParams& params, const MemoryMap& map,
               const ChannelContext& context)
      : Shell(name), channel_(params, map, context), door("door", *this, 0) {}

  Channel& heart() override { return channel_; }

 private:
  Channel channel_;

 public:
  kernel::TargetPort door;
};

}  // namespace cowosim::hbm
