// Timings of a channel, ready for use: a generation's speed grade resolved to half clocks at a data rate.
//
// The simulated clock is an integer: half a CK period, rounded up to a femtosecond, so that the modelled device is never
// faster than the real one; CK is two halves, edge n is at n x half, and every time inside the channel is a number of
// halves. Even edges are the rising edges of CK.
#pragma once

#include "core/time.h"
#include "hbm/generation.h"

namespace cowosim::hbm {

/// Distance between the edges at which two commands *start*, in halves. A constraint of the standard holds between the
/// ends of two commands on their bus, so each is adjusted by (halves of the first command) - (halves of the second):
/// ACT (3 halves) to RD (2 halves) is 2 x tRCDRD + 1.
/// First rising edge at or after h.
constexpr Half rising(Half h) { return (h + 1) & ~Half{1}; }

struct Timing {
  Half half_period = 0;                      ///< femtoseconds in a half (not a Half itself)
  Half burst = 0;                            ///< data bus occupancy
  Half read_latency = 0, write_latency = 0;  ///< command to first data
  Half activate_to_read = 0, activate_to_write = 0, activate_to_precharge = 0, activate_to_activate = 0;  // same bank
  Half activate_to_refresh = 0;  ///< same bank: REFpb and RFMpb too
  Half activate_to_activate_short = 0, activate_to_activate_long = 0, four_activates = 0;
  Half precharge_to_activate = 0;
  Half precharge_to_refresh = 0;  ///< REFpb and RFMpb of the same bank too
  Half precharge_to_precharge = 0;
  Half read_to_read_short = 0, read_to_read_long = 0, read_to_read_sid = 0;
  Half write_to_write_short = 0, write_to_write_long = 0;
  Half read_to_write = 0, write_to_read_short = 0, write_to_read_long = 0;
  Half read_to_precharge = 0, write_to_precharge = 0;
  Half refresh_to_activate = 0, refresh_to_precharge = 0, refresh_cycle = 0, refresh_interval = 0;
  Half activate_bus = 0, precharge_bus = 0, column_bus = 0;
  bool falling_precharge = false;

  // Per-bank refresh (REFpb) and refresh management (RFMab, RFMpb). RFMpb is spaced like REFpb.
  Half refresh_bank_cycle = 0;              ///< REFpb to the next REFpb or REFab that touches the bank
  Half refresh_bank_to_activate = 0;        ///< of the same bank
  Half refresh_bank_to_refresh_bank = 0;    ///< of another bank
  Half refresh_bank_to_activate_other = 0;  ///< of another bank
  Half refresh_bank_to_activate_group = 0;  ///< of another bank of the same bank group
  Half activate_to_refresh_bank = 0;        ///< of another bank
  Half activate_to_refresh_bank_group = 0;  ///< of another bank of the same bank group
  Half row_step = 1;  ///< between edges that row commands may start on: 2 where only rising ones count

  Time tck() const { return 2 * half_period; }
  /// Time of edge n.
  Time edge(Half n) const { return n * half_period; }
  /// First edge at or after t.
  Half index_at(Time t) const { return (t + half_period - 1) / half_period; }
  /// Peak of one pseudo-channel in bytes per second, from the rounded clock.
  double peak_bytes_per_second() const;

  /// Unloaded reads, from acceptance to the end of data: the row is open; the bank is closed; another row is open.
  Half hit() const { return read_latency + burst; }
  Half closed() const { return rising(activate_to_read) + hit(); }
  Half conflict() const { return rising(precharge_to_activate) + closed(); }
  /// Share of the peak that random 32-byte accesses reach at most: four of them in tFAW, or in 4 tRRD_S.
  double random_access_cap() const;
  /// Share of the peak that a stream reaches at most when all banks are refreshed at once: from the last read before a
  /// REFab to the first one after it the bus carries one burst.
  double refresh_cap() const;
};

/// Half a CK period at `data_rate` bits per second and pin, rounded up to a femtosecond.
Time half_period_of(const Generation& generation, double data_rate);
/// CK of one parameter at the clock period `tck`.
std::int64_t clocks_of(const TimingSpec& spec, Time tck);
/// The refresh cycle time of a density; throws std::invalid_argument when the standard defines none.
const TimingSpec& refresh_cycle_of(const std::vector<RefreshCycle>& table, double gigabits);
/// Gigabits (2^30) that the generation's refresh cycle times go by. `sid_gigabits`: of one channel and SID, both
/// pseudo-channels; `banks_per_pseudo_channel`: over all SIDs.
double refresh_density(const Generation& generation, double sid_gigabits, int banks_per_pseudo_channel);
/// Everything resolved; arguments as for refresh_density. Throws std::invalid_argument when the density has no tRFC.
Timing resolve(const Generation& generation, double data_rate, double sid_gigabits, int banks_per_pseudo_channel,
               double celsius = kNormalTemperature);

}  // namespace cowosim::hbm
