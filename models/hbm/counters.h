// What a pseudo-channel has done: commands, bytes, and where the time of its data bus went.
#pragma once

#include <array>
#include <cstdint>

#include "core/time.h"
#include "core/transaction.h"
#include "telemetry/loss.h"

namespace cowosim::hbm {

using Loss = telemetry::HbmLoss;
using telemetry::name_of;
inline constexpr std::size_t kLosses = telemetry::kHbmLosses;

/// Where the time [0, end) of one data bus went, in femtoseconds: busy + all losses == end.
/// A burst is booked at its column command (all bursts of one direction are shifted alike, so nothing is lost by it).
struct LossAccount {
  Time busy = 0;
  std::array<Time, kLosses> loss{};
  Time operator[](Loss l) const { return loss[static_cast<std::size_t>(l)]; }
  Time total() const {
    Time sum = busy;
    for (const Time t : loss) sum += t;
    return sum;
  }
};

/// Plain counters of one pseudo-channel. Reads and writes are column commands (32 bytes each).
struct Counters {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t activates = 0;
  std::uint64_t precharges = 0;           ///< PREpb and PREab
  std::uint64_t refreshes = 0;            ///< REFab
  std::uint64_t bank_refreshes = 0;       ///< REFpb
  std::uint64_t refresh_managements = 0;  ///< RFMab and RFMpb
  std::uint64_t row_hits = 0;             ///< column commands that needed no ACT of their own
  std::uint64_t forwarded = 0;            ///< reads answered by a queued write, no column command
  std::uint64_t merged = 0;               ///< writes absorbed by a queued write, no column command
  std::uint64_t bytes() const { return (reads + writes) * kAtomBytes; }
};

/// Commands a pseudo-channel issued on behalf of one stream: what its energy is counted from.
struct Activity {
  std::uint64_t activates = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
};

}  // namespace cowosim::hbm
