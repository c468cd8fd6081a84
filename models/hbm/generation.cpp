#include "hbm/generation.h"

#include <algorithm>
#include <cmath>

namespace cowosim::hbm {

namespace {

/// `clocks` of a data sheet column at `tck` as a time that holds at any clock.
constexpr TimingSpec at_least(Time time, std::int64_t clocks = 1) { return {time, clocks}; }
constexpr TimingSpec only(std::int64_t clocks) { return {0, clocks}; }

/// JESD238 values as Ramulator 2.1 (commit c5b1c3a, python/ramulator/dram/hbm3.py, preset HBM3_6400Mbps, quoting
/// JESD238 tables 4 and 84) gives them in CK of 0.625 ns; here the same as times: clocks x 0.625 ns.
constexpr Time kHbm3Clock = 625 * kPicosecond;

Generation hbm3() {
  Generation g{};
  g.name = "hbm3";
  g.bits = 32;                              // JESD238: 32 DQ per pseudo-channel
  g.beats_per_clock = 4;                    // JESD238: WDQS runs at twice CK, data on both its edges
  g.burst_beats = 8;                        // JESD238: BL8
  g.pseudo_channels = 2;                    // JESD238
  g.activate_halves = 3;                    // JESD238: ACT takes 1.5 CK on the row bus (rising, falling, rising edge)
  g.precharge_halves = 1;                   // JESD238: PRE, REF take half a CK
  g.column_halves = 2;                      // JESD238: RD, WR take 1 CK
  g.falling_precharge = true;               // JESD238: PRE may start on a falling edge
  g.rl = at_least(20 * kHbm3Clock);         // nCL 20
  g.wl = at_least(10 * kHbm3Clock);         // nCWL 10
  g.rcd_read = at_least(31 * kHbm3Clock);   // nRCDRD 31
  g.rcd_write = at_least(15 * kHbm3Clock);  // nRCDWR 15
  g.rp = at_least(26 * kHbm3Clock);         // nRP 26
  g.ras = at_least(45 * kHbm3Clock);        // nRAS 45
  g.rc = at_least(72 * kHbm3Clock);         // nRC 72
  g.ccd_short = only(2);                    // nCCDS 2: one burst
  g.ccd_long = at_least(2500 * kPicosecond, 4);  // nCCDL 4; JESD238B.01 table 93: max(4 nCK, 2.5 ns) (quoted by gem5)
  g.ccd_sid = only(3);                           // nCCDR 3: one CK of bubble between SIDs
  g.rrd_short = at_least(4 * kHbm3Clock, 2);     // nRRDS 4
  g.rrd_long = at_least(5 * kHbm3Clock, 2);      // nRRDL 5
  g.faw = at_least(24 * kHbm3Clock);             // nFAW 24
  g.wtr_short = at_least(7 * kHbm3Clock);        // nWTRS 7
  g.wtr_long = at_least(10 * kHbm3Clock);        // nWTRL 10
  g.rtw = at_least(20 * kHbm3Clock);             // nRTW 20
  g.rtp = at_least(9 * kHbm3Clock);              // nRTP 9
  g.wr = at_least(33 * kHbm3Clock);              // nWR 33
  g.ppd = only(2);                               // nPPD 2
  g.refi = at_least(3900 * kNanosecond);         // tREFI 3.9 us
  g.rfc_all_bank = {{4, at_least(260 * kNanosecond)},  // tRFCab, JESD238 table 84
                    {8, at_least(350 * kNanosecond)},
                    {16, at_least(450 * kNanosecond)},
                    {1e9, at_least(550 * kNanosecond)}};
  g.source = "JESD238 as quoted by Ramulator 2.1 (c5b1c3a), python/ramulator/dram/hbm3.py, HBM3_6400Mbps";
  return g;
}

}  // namespace

const std::vector<Generation>& generations() {
  static const std::vector<Generation> all = {hbm3()};
  return all;
}

const Generation* find_generation(const std::string& name) {
  for (const Generation& g : generations())
    if (name == g.name) return &g;
  return nullptr;
}

Time half_period_of(const Generation& g, double data_rate) { return period_of(data_rate / g.beats_per_clock * 2); }

std::int64_t clocks_of(const TimingSpec& spec, Time half_period) {
  const Time tck = 2 * half_period;
  return std::max(spec.clocks, (spec.time + tck - 1) / tck);
}

double Timing::peak_bytes_per_second() const {
  return 32.0 * 1e15 / (static_cast<double>(burst) * static_cast<double>(half_period));
}

Timing resolve(const Generation& g, double data_rate, double channel_gigabits) {
  Timing t;
  t.half_period = half_period_of(g, data_rate);
  const auto halves = [&](const TimingSpec& spec) { return 2 * clocks_of(spec, t.half_period); };
  const Half act = g.activate_halves;
  const Half pre = g.precharge_halves;
  const Half col = g.column_halves;

  t.activate_bus = act;
  t.precharge_bus = pre;
  t.column_bus = col;
  t.falling_precharge = g.falling_precharge;
  t.burst = 2 * g.burst_beats / g.beats_per_clock;
  t.read_latency = halves(g.rl);
  t.write_latency = halves(g.wl);

  t.activate_to_read = halves(g.rcd_read) + act - col;
  t.activate_to_write = halves(g.rcd_write) + act - col;
  t.activate_to_precharge = halves(g.ras) + act - pre;
  t.activate_to_activate = halves(g.rc);
  t.activate_to_refresh = halves(g.rc) + act - pre;
  t.activate_to_activate_short = halves(g.rrd_short);
  t.activate_to_activate_long = halves(g.rrd_long);
  t.four_activates = halves(g.faw);

  t.precharge_to_activate = halves(g.rp) + pre - act;
  t.precharge_to_refresh = halves(g.rp);
  t.precharge_to_precharge = halves(g.ppd);

  t.read_to_read_short = std::max(halves(g.ccd_short), t.burst);
  t.read_to_read_long = std::max(halves(g.ccd_long), t.burst);
  t.read_to_read_sid = std::max(halves(g.ccd_sid), t.burst);
  t.write_to_write_short = t.read_to_read_short;
  t.write_to_write_long = t.read_to_read_long;
  t.read_to_write = halves(g.rtw);
  t.write_to_read_short = t.write_latency + t.burst + halves(g.wtr_short);
  t.write_to_read_long = t.write_latency + t.burst + halves(g.wtr_long);
  t.read_to_precharge = halves(g.rtp) + col - pre;
  t.write_to_precharge = t.write_latency + t.burst + halves(g.wr) + col - pre;

  t.refresh_interval = halves(g.refi);
  for (const Generation::RefreshCycle& entry : g.rfc_all_bank)
    if (channel_gigabits <= entry.gigabits) {
      t.refresh_cycle = halves(entry.rfc);
      break;
    }
  t.refresh_to_activate = t.refresh_cycle + pre - act;
  t.refresh_to_precharge = t.refresh_cycle;
  return t;
}

}  // namespace cowosim::hbm
