// HBM generations as data: organisation, speed grades and their timings, each number with its source.
//
// A timing is a time with a minimum number of clocks, as standards write it ("max(4 nCK, 2.5 ns)"); hbm/timing.h resolves
// it for any data rate. What the sources disagree about, and what was chosen, is in the model card, section Generations.
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

  /// Neither: the standard has no such parameter, or it follows from others.
  bool absent() const { return time == 0 && clocks == 0; }
};

/// One column of a data sheet. Any other data rate takes the slowest grade that reaches it, and the fastest beyond all.
struct SpeedGrade {
  double data_rate;  ///< bits per second and pin
  /// tCK as the source counts clocks with it, where it is rounded; 0: the exact one.
  Time clock;
  TimingSpec rl, wl, rcd_read, rcd_write, rp, ras, rc, ccd_short, ccd_long;
  TimingSpec ccd_sid;  ///< between reads of different SIDs; absent: no constraint beyond the burst
  TimingSpec rrd_short, rrd_long, faw, wtr_short, wtr_long;
  TimingSpec rtw;  ///< absent: RL + burst + 2 CK - WL
  TimingSpec rtp, wr;
  TimingSpec ppd;  ///< absent: no constraint
  TimingSpec rrefd;
  const char* source;
};

/// A refresh cycle time by density: the first entry with density <= gigabits holds.
struct RefreshCycle {
  double gigabits;
  TimingSpec rfc;
};

/// What the densities of the refresh cycle times are counted over.
enum class DensityOf : std::uint8_t { pseudo_channel, channel };

/// What a generation is, independent of data rate and of how high a stack is.
struct Generation {
  const char* name;
  int bits;                        ///< data pins of a pseudo-channel
  int beats_per_clock;             ///< data beats per CK
  int burst_beats;                 ///< burst length; bits x burst_beats is 32 bytes in every generation
  int channels;                    ///< per stack
  int pseudo_channels;             ///< per channel
  int bank_groups;                 ///< per pseudo-channel and SID
  int banks;                       ///< per bank group
  int columns;                     ///< 32-byte accesses per row
  Half activate_halves;            ///< row-bus occupancy of ACT
  Half precharge_halves;           ///< of PRE, REF and RFM
  Half column_halves;              ///< column-bus occupancy of RD and WR
  bool falling_precharge;          ///< PRE may start on a falling edge of CK
  bool refresh_management;         ///< has RFMab, RFMpb
  bool group_limits_bank_refresh;  ///< tRRD_L holds between ACT and REFpb of one bank group
  TimingSpec refi;                 ///< up to 85 degrees Celsius
  DensityOf density;
  std::vector<RefreshCycle> rfc_all_bank;
  std::vector<RefreshCycle> rfc_bank;
  std::vector<SpeedGrade> grades;  ///< by data rate, ascending
  std::vector<int> heights;        ///< dies in a stack
  std::vector<int> die_gigabits;
  const char* source;

  int banks_of_sid() const { return bank_groups * banks; }
  /// The slowest grade that reaches `data_rate`; the fastest if none does.
  const SpeedGrade& grade(double data_rate) const;
};

/// The generations there are: hbm2, hbm2e, hbm3, hbm3e, hbm4.
const std::vector<Generation>& generations();
/// nullptr when there is none of that name.
const Generation* find_generation(const std::string& name);
std::vector<std::string> generation_names();

/// How many REFab may be outstanding (postponed), and how many may be done ahead (pulled in): AMD PG313, deficit mode of its
/// HBM controller: up to eight, issued later or in advance; DDR4 (JESD79-4) alike. Assumption [4, 8] for HBM3 and HBM4.
inline constexpr int kMaxPostponedRefreshes = 8;
inline constexpr int kMaxPulledInRefreshes = 8;

/// What tREFI shrinks by at a device temperature. The steps 1, 1/2 and 1/4 are those an HBM2 device asks for in its TEMP
/// field (Intel 683189, table 29); at which temperatures is not public: assumption, above 85 (JEDEC's extended range)
/// and 95 degrees Celsius [90, 100], for all generations. Longer than tREFI, which cool devices allow, is not used.
constexpr double refresh_factor(double celsius) { return celsius <= 85 ? 1.0 : celsius <= 95 ? 0.5 : 0.25; }
inline constexpr double kNormalTemperature = 85;

}  // namespace cowosim::hbm
