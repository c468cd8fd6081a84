// Energy of HBM from what its channels have counted: nothing is added up while commands are issued.
//
//   activate, read, write, io   commands on behalf of a stream; a forwarded read or a merged write issued none: free
//   refresh                     REFab refreshes all banks of a pseudo-channel, REFpb one: rows / 8192 rows of each
//   background                  time of a pseudo-channel in use
//
// Figures: energy_params.h; where they come from and what is not modelled: the model card.
#pragma once

#include "hbm/counters.h"
#include "hbm/hbm_params.h"
#include "telemetry/energy.h"

namespace cowosim::hbm {

/// REF commands in a retention time of 32 ms, one every tREFI = 3.9 us (JESD235, JESD238): what each bank's rows are shared over.
inline constexpr int kRefreshCommands = 8192;

class EnergyModel {
 public:
  /// Throws std::invalid_argument when no figures are known of the generation.
  explicit EnergyModel(const HbmParams& params);

  /// Of commands issued for a stream, or for all of them.
  telemetry::EnergyAccount of(const Activity& activity) const;
  /// Of what no stream causes: refreshes, and `time` (fs, at least 0) of one pseudo-channel.
  telemetry::EnergyAccount upkeep(const Counters& counters, Time time) const;

 private:
  telemetry::EnergyTerm activate_;
  telemetry::EnergyTerm read_;
  telemetry::EnergyTerm write_;
  telemetry::EnergyTerm io_;
  telemetry::EnergyTerm refresh_;
  telemetry::EnergyTerm background_;
  std::uint64_t banks_;  ///< of a pseudo-channel: what a REFab refreshes
};

}  // namespace cowosim::hbm
