// HBM generations as data: organisation and timing, each number with its source, and their resolution to half clocks.
//
// A timing is given in nanoseconds with a minimum number of clocks, as standards write it ("max(4 nCK, 2.5 ns)"), and
// is resolved for any data rate. The simulated clock is an integer: half a CK period, rounded up to a femtosecond, so
// that the modelled device is never faster than the real one; CK is two halves, edge n is at n x half, and every time
// inside the channel is a number of halves. Even edges are the rising edges of CK.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"

namespace cowosim::hbm {

/// Time in halves of a CK period: an absolute edge or a duration.
using Half = std::int64_t;

/// One timing parameter: resolved to max(clocks, ceil(time / tCK)) CK.
struct TimingSpec {
  Time time;            ///< femtoseconds, 0: only clocks count
  std::int64_t clocks;  ///< minimum, in CK
};

/// What a generation is, independent of data rate and of how high a stack is.
struct Generation {
  const char* name;
  int bits;                ///< data pins of a pseudo-channel
  int beats_per_clock;     ///< data beats per CK
  int burst_beats;         ///< burst length
  int pseudo_channels;     ///< per channel
  Half activate_halves;    ///< row-bus occupancy of ACT
  Half precharge_halves;   ///< of PRE and REF
  Half column_halves;      ///< column-bus occupancy of RD and WR
  bool falling_precharge;  ///< PRE may be issued on a falling edge of CK
  TimingSpec rl, wl, rcd_read, rcd_write, rp, ras, rc, ccd_short, ccd_long, ccd_sid, rrd_short, rrd_long, faw,
      wtr_short, wtr_long, rtw, rtp, wr, ppd, refi;
  /// All-bank refresh by density of a channel: the first entry with density <= gigabits holds.
  struct RefreshCycle {
    double gigabits;
    TimingSpec rfc;
  };
  std::vector<RefreshCycle> rfc_all_bank;
  const char* source;
};

/// The generations there are, by name ("hbm3").
const std::vector<Generation>& generations();
/// nullptr when there is none of that name.
const Generation* find_generation(const std::string& name);

/// Timings of one pseudo-channel in halves, ready for use: distance between the edges at which two commands *start*.
/// A constraint of the standard holds between the ends of two commands on their bus, so each is adjusted by
/// (halves of the first command) - (halves of the second): ACT (3 halves) to RD (2 halves) is 2 x tRCDRD + 1.
struct Timing {
  Half half_period = 0;                      ///< femtoseconds in a half (not a Half itself)
  Half burst = 0;                            ///< data bus occupancy
  Half read_latency = 0, write_latency = 0;  ///< command to first data
  Half activate_to_read = 0, activate_to_write = 0, activate_to_precharge = 0, activate_to_activate = 0;  // same bank
  Half activate_to_refresh = 0;
  Half activate_to_activate_short = 0, activate_to_activate_long = 0, four_activates = 0;
  Half precharge_to_activate = 0, precharge_to_refresh = 0, precharge_to_precharge = 0;
  Half read_to_read_short = 0, read_to_read_long = 0, read_to_read_sid = 0;
  Half write_to_write_short = 0, write_to_write_long = 0;
  Half read_to_write = 0, write_to_read_short = 0, write_to_read_long = 0;
  Half read_to_precharge = 0, write_to_precharge = 0;
  Half refresh_to_activate = 0, refresh_to_precharge = 0, refresh_cycle = 0, refresh_interval = 0;
  Half activate_bus = 0, precharge_bus = 0, column_bus = 0;
  bool falling_precharge = false;

  Time tck() const { return 2 * half_period; }
  /// Time of edge n.
  Time edge(Half n) const { return n * half_period; }
  /// First edge at or after t.
  Half index_at(Time t) const { return (t + half_period - 1) / half_period; }
  /// Peak of one pseudo-channel in bytes per second, from the rounded clock.
  double peak_bytes_per_second() const;
};

/// Half a CK period at `data_rate` bits per second and pin, rounded up to a femtosecond.
Time half_period_of(const Generation& generation, double data_rate);
/// CK of one parameter at a half period.
std::int64_t clocks_of(const TimingSpec& spec, Time half_period);
/// Everything resolved. `channel_gigabits` (density of a channel and SID, both pseudo-channels) selects tRFC.
Timing resolve(const Generation& generation, double data_rate, double channel_gigabits);

}  // namespace cowosim::hbm
