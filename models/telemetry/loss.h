// Why a resource moved nothing: the closed lists of losses that, with what was useful, add up to all of its time; of links the
// reasons that add up to the waiting for them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cowosim::telemetry {

/// Why a pseudo-channel's data bus moved no data.
enum class HbmLoss : std::uint8_t {
  refresh,               ///< refresh blocks, and getting ready for it
  turnaround,            ///< between reads and writes
  bank_conflict,         ///< row preparation: precharge, activate
  four_activate_window,  ///< rate of activates: tFAW, tRRD
  command_bus,           ///< row or column command bus taken
  column_spacing,        ///< tCCD_L, tCCD_R
  idle                   ///< nothing to do
};
inline constexpr std::size_t kHbmLosses = 7;

/// Contract name, as written in results.
constexpr const char* name_of(HbmLoss loss) {
  constexpr const char* names[kHbmLosses] = {"refresh",     "turnaround",     "bank_conflict", "four_activate_window",
                                             "command_bus", "column_spacing", "idle"};
  return names[static_cast<std::size_t>(loss)];
}

/// Core time not spent computing at peak.
enum class CoreLoss : std::uint8_t {
  tile_quantisation,
  wave_tail,
  launch,
  dependency,
  imbalance,
  wait_l2,
  wait_noc,
  wait_hbm_bandwidth,
  wait_hbm_latency,
  wait_d2d,
  wait_collective,
  wait_off_package,
  no_work
};
inline constexpr std::size_t kCoreLosses = 13;

/// Contract name, as written in results.
constexpr const char* name_of(CoreLoss loss) {
  constexpr const char* names[kCoreLosses] = {"tile_quantisation",
                                              "wave_tail",
                                              "launch",
                                              "dependency",
                                              "imbalance",
                                              "wait_l2",
                                              "wait_noc",
                                              "wait_hbm_bandwidth",
                                              "wait_hbm_latency",
                                              "wait_d2d",
                                              "wait_collective",
                                              "wait_off_package",
                                              "no_work"};
  return names[static_cast<std::size_t>(loss)];
}

/// Why a link did not take in a cycle what wanted it.
enum class LinkStall : std::uint8_t {
  no_credit,    ///< no buffer free downstream
  lost_vc,      ///< VC allocation: every allowed VC is held by another packet, or another one won it
  lost_switch,  ///< switch allocation: another VC of the input or another input won, or the link is still serialising
  replay        ///< the link repeats what was corrupted
};
inline constexpr std::size_t kLinkStalls = 4;

/// Contract name, as written in results.
constexpr const char* name_of(LinkStall stall) {
  constexpr const char* names[kLinkStalls] = {"no_credit", "lost_vc_allocation", "lost_switch_allocation", "replay"};
  return names[static_cast<std::size_t>(stall)];
}

}  // namespace cowosim::telemetry
