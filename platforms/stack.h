// An HBM stack with its controllers and the PHY link to the die.
#pragma once

#include <systemc>

#include "fabric/link_shell.h"
#include "hbm/channel_shell.h"

namespace cowosim::platforms {

class Stack final : public sc_core::sc_module {
 public:
  /// `foreign`: a foreign model stands in place of the memory; only the PHY is ours.
  Stack(const sc_core::sc_module_name& name, const hbm::HbmParams& params, const fabric::LinkParams& link,
        const MemoryMap& map, int index, const hbm::ChannelContext& context, bool foreign)
      : sc_module(name),
        channel("channel", foreign ? 0 : static_cast<std::size_t>(params.channels),
                [&](const char* channel_name, std::size_t i) {
                  hbm::ChannelContext at = context;
                  at.index = index * params.channels + static_cast<int>(i);
                  return new hbm::ChannelShell(channel_name, hbm::with_fault_at(params, index, static_cast<int>(i)),
                                               map, at);
                }),
        phy("phy", link, params.channels, Stage::phy) {}

  sc_core::sc_vector<hbm::ChannelShell> channel;
  fabric::LinkShell phy;
};

}  // namespace cowosim::platforms
