#include "hbm/checker/protocol_rules.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/transaction.h"

namespace cowosim::hbm {

namespace {

constexpr CommandSet kAct = set_of(Command::activate);
constexpr CommandSet kPre = set_of(Command::precharge);
constexpr CommandSet kPreAll = set_of(Command::precharge_all);
constexpr CommandSet kRead = set_of(Command::read);
constexpr CommandSet kWrite = set_of(Command::write);
constexpr CommandSet kRefAll = set_of(Command::refresh_all);
constexpr CommandSet kRefBank = set_of(Command::refresh_bank);
constexpr CommandSet kRfmAll = set_of(Command::refresh_management_all);
constexpr CommandSet kRfmBank = set_of(Command::refresh_management_bank);
constexpr CommandSet kAnyAll = kRefAll | kRfmAll;     // of every bank
constexpr CommandSet kAnyBank = kRefBank | kRfmBank;  // of one bank

/// Of the first density that holds `gigabits`; nothing where the standard has none.
TimingSpec cycle_of(const std::vector<RefreshCycle>& table, double gigabits) {
  for (const RefreshCycle& entry : table)
    if (gigabits <= entry.gigabits) return entry.rfc;
  return {0, 0};
}

/// Gigabits (2^30) that the standard's refresh cycle times go by.
double density_of(const Generation& g, const HbmParams& p) {
  const double bank = static_cast<double>(p.rows) * p.columns * kAtomBytes * 8 / (1 << 30);
  const double of_sid = bank * p.bank_groups * p.banks;  // of one pseudo-channel
  return g.density == DensityOf::pseudo_channel ? of_sid : of_sid * g.pseudo_channels * p.sids;
}

}  // namespace

ProtocolRules protocol_rules(const Generation& g, const HbmParams& params) {
  ProtocolRules rules;
  // Half a CK, rounded up: the clock of the channel that is watched, on whose edges its commands lie.
  rules.half_period = period_of(2 * params.data_rate / g.beats_per_clock);
  const SpeedGrade& s = g.grade(params.data_rate);
  const Time tck = s.clock > 0 && params.data_rate == s.data_rate ? s.clock : 2 * rules.half_period;
  const auto halves = [&](const TimingSpec& spec) { return 2 * std::max(spec.clocks, (spec.time + tck - 1) / tck); };

  rules.bus_time.fill(g.precharge_halves);
  rules.bus_time[static_cast<std::size_t>(Command::activate)] = g.activate_halves;
  rules.bus_time[static_cast<std::size_t>(Command::read)] = g.column_halves;
  rules.bus_time[static_cast<std::size_t>(Command::write)] = g.column_halves;
  // HBM3: row commands come on both edges, but only a precharge may start on the falling one.
  rules.rising_only = kAct | kRead | kWrite | kAnyAll | kAnyBank;
  if (!g.falling_precharge) rules.rising_only |= kPre | kPreAll;

  const Half burst = 2 * g.burst_beats / g.beats_per_clock;
  const Half rl = halves(s.rl), wl = halves(s.wl);
  const Half rc = halves(s.rc), ras = halves(s.ras), rp = halves(s.rp);
  const Half rtp = halves(s.rtp), wr = wl + burst + halves(s.wr);
  const Half ccd_short = halves(s.ccd_short), ccd_long = halves(s.ccd_long);
  const Half rrd_short = halves(s.rrd_short), rrd_long = halves(s.rrd_long);
  // JESD235 has no tRTW: the data of the write comes 2 CK behind that of the read (Ramulator 2.1, hbm2.py).
  const Half rtw = s.rtw.absent() ? rl + burst + 4 - wl : halves(s.rtw);
  const Half rfc_all = halves(cycle_of(g.rfc_all_bank, density_of(g, params)));
  const Half rfc_bank = halves(cycle_of(g.rfc_bank, density_of(g, params)));
  const CommandSet long_spaced = g.group_limits_bank_refresh ? kAct | kAnyBank : kAct;

  rules.distances = {
      // One bank: row and column.
      {"tRCDRD", kAct, kRead, Scope::bank, halves(s.rcd_read)},
      {"tRCDWR", kAct, kWrite, Scope::bank, halves(s.rcd_write)},
      {"tRAS", kAct, kPre, Scope::bank, ras},
      {"tRAS", kAct, kPreAll, Scope::sid, ras},
      {"tRC", kAct, kAct | kAnyBank, Scope::bank, rc},
      {"tRC", kAct, kAnyAll, Scope::sid, rc},
      {"tRP", kPre, kAct | kAnyBank, Scope::bank, rp},
      {"tRP", kPre, kAnyAll, Scope::sid, rp},
      {"tRP", kPreAll, kAct | kAnyBank | kAnyAll, Scope::sid, rp},
      {"tRTP", kRead, kPre, Scope::bank, rtp},
      {"tRTP", kRead, kPreAll, Scope::sid, rtp},
      {"tWR", kWrite, kPre, Scope::bank, wr},  // from the end of data
      {"tWR", kWrite, kPreAll, Scope::sid, wr},
      // Columns of a pseudo-channel.
      {"tCCD_L", kRead, kRead, Scope::bank_group, ccd_long},
      {"tCCD_L", kWrite, kWrite, Scope::bank_group, ccd_long},
      {"tCCD_S", kRead, kRead, Scope::sid, ccd_short},
      {"tCCD_S", kWrite, kWrite, Scope::sid, ccd_short},
      {"tCCD_R", kRead, kRead, Scope::other_sid, halves(s.ccd_sid)},
      {"tWTR_L", kWrite, kRead, Scope::bank_group, wl + burst + halves(s.wtr_long)},
      {"tWTR_S", kWrite, kRead, Scope::pseudo_channel, wl + burst + halves(s.wtr_short)},
      {"tRTW", kRead, kWrite, Scope::pseudo_channel, rtw},
      {"data bus", kRead, kRead, Scope::pseudo_channel, burst},
      {"data bus", kWrite, kWrite, Scope::pseudo_channel, burst},
      {"data bus", kRead, kWrite, Scope::pseudo_channel, rl + burst - wl},
      {"data bus", kWrite, kRead, Scope::pseudo_channel, wl + burst - rl},
      // Rows of a pseudo-channel. A refresh of one bank activates a row, so it counts for tRRD.
      {"tRRD_L", kAct, long_spaced, Scope::bank_group, rrd_long},
      {"tRRD_S", kAct, kAct | kAnyBank, Scope::pseudo_channel, rrd_short},
      {"tFAW", kAct, kAct, Scope::pseudo_channel, halves(s.faw), true},
      {"tPPD", kPre | kPreAll, kPre | kPreAll, Scope::pseudo_channel, halves(s.ppd)},
      // Refresh, and refresh management, which takes as long (Ramulator 2.1). Nothing reaches a bank meanwhile.
      {"tRFCab", kRefAll, kAct | kPre | kPreAll | kAnyBank | kAnyAll, Scope::sid, rfc_all},
      {"tRFMab", kRfmAll, kAct | kPre | kPreAll | kAnyBank | kAnyAll, Scope::sid, rfc_all},
      {"tRFCpb", kRefBank, kAct | kPre | kAnyBank, Scope::bank, rfc_bank},
      {"tRFCpb", kRefBank, kAnyAll, Scope::sid, rfc_bank},
      {"tRFMpb", kRfmBank, kAct | kPre | kAnyBank, Scope::bank, rfc_bank},
      {"tRFMpb", kRfmBank, kAnyAll, Scope::sid, rfc_bank},
      {"tRREFD", kAnyBank, kAct | kAnyBank, Scope::pseudo_channel, halves(s.rrefd)},
  };
  const double interval = static_cast<double>(g.refi.time) * refresh_factor(params.temperature);
  if (params.controller.refresh != "none")
    rules.refresh_interval = halves({static_cast<Time>(interval), g.refi.clocks});
  rules.postponed_intervals = kMaxPostponedRefreshes;
  if (params.controller.refresh_management) {
    rules.raaimt = params.controller.raaimt;
    rules.raammt = params.controller.raammt;
  }
  return rules;
}

ProtocolRules protocol_rules(const HbmParams& params) {
  const Generation* generation = find_generation(params.generation);
  if (generation == nullptr) throw std::invalid_argument("unknown HBM generation '" + params.generation + "'");
  return protocol_rules(*generation, params);
}

}  // namespace cowosim::hbm
