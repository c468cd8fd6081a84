#include "hbm/checker/protocol_rules.h"

#include <algorithm>
#include <stdexcept>
#include <string>

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

/// JESD238 as quoted by Ramulator 2.1 (hbm3.py, HBM3_6400Mbps): nRFCpb 320 CK of 0.625 ns, nRREFD 8 CK (its comment says
/// max(3 nCK, 8 ns), which is not what it uses).
constexpr TimingSpec kRefreshBankCycle = {200 * kNanosecond, 1};
constexpr TimingSpec kRefreshToRefresh = {0, 8};

TimingSpec refresh_cycle(const Generation& g, double gigabits) {
  for (const Generation::RefreshCycle& entry : g.rfc_all_bank)
    if (gigabits <= entry.gigabits) return entry.rfc;
  return {0, 0};
}

}  // namespace

ProtocolRules protocol_rules(const Generation& g, const HbmParams& params) {
  ProtocolRules rules;
  rules.half_period = half_period_of(g, params.data_rate);
  const Time tck = 2 * rules.half_period;
  const auto halves = [&](const TimingSpec& spec) { return 2 * std::max(spec.clocks, (spec.time + tck - 1) / tck); };

  rules.bus_time.fill(g.precharge_halves);
  rules.bus_time[static_cast<std::size_t>(Command::activate)] = g.activate_halves;
  rules.bus_time[static_cast<std::size_t>(Command::read)] = g.column_halves;
  rules.bus_time[static_cast<std::size_t>(Command::write)] = g.column_halves;
  // HBM3: row commands come on both edges, but only a precharge may start on the falling one.
  rules.rising_only = kAct | kRead | kWrite | kAnyAll | kAnyBank;
  if (!g.falling_precharge) rules.rising_only |= kPre | kPreAll;

  const Half burst = 2 * g.burst_beats / g.beats_per_clock;
  const Half rl = halves(g.rl);
  const Half wl = halves(g.wl);
  const Half rc = halves(g.rc), ras = halves(g.ras), rp = halves(g.rp);
  const Half rtp = halves(g.rtp), wr = wl + burst + halves(g.wr);
  const Half ccd_short = halves(g.ccd_short), ccd_long = halves(g.ccd_long);
  const Half rrd_short = halves(g.rrd_short), rrd_long = halves(g.rrd_long);
  const Half rfc_all = halves(refresh_cycle(g, channel_gigabits(params, g.pseudo_channels)));
  const Half rfc_bank = halves(kRefreshBankCycle), rrefd = halves(kRefreshToRefresh);
  // Only the table of HBM4 asks a bank refresh to keep tRRD_L from activates of its group.
  const CommandSet long_spaced = std::string(g.name) == "hbm4" ? kAct | kAnyBank : kAct;

  rules.distances = {
      // One bank: row and column.
      {"tRCDRD", kAct, kRead, Scope::bank, halves(g.rcd_read)},
      {"tRCDWR", kAct, kWrite, Scope::bank, halves(g.rcd_write)},
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
      {"tCCD_R", kRead, kRead, Scope::other_sid, halves(g.ccd_sid)},
      {"tWTR_L", kWrite, kRead, Scope::bank_group, wl + burst + halves(g.wtr_long)},
      {"tWTR_S", kWrite, kRead, Scope::pseudo_channel, wl + burst + halves(g.wtr_short)},
      {"tRTW", kRead, kWrite, Scope::pseudo_channel, halves(g.rtw)},
      {"data bus", kRead, kRead, Scope::pseudo_channel, burst},
      {"data bus", kWrite, kWrite, Scope::pseudo_channel, burst},
      {"data bus", kRead, kWrite, Scope::pseudo_channel, rl + burst - wl},
      {"data bus", kWrite, kRead, Scope::pseudo_channel, wl + burst - rl},
      // Rows of a pseudo-channel. A refresh of one bank activates a row, so it counts for tRRD.
      {"tRRD_L", kAct, long_spaced, Scope::bank_group, rrd_long},
      {"tRRD_S", kAct, kAct | kAnyBank, Scope::pseudo_channel, rrd_short},
      {"tFAW", kAct, kAct, Scope::pseudo_channel, halves(g.faw), true},
      {"tPPD", kPre | kPreAll, kPre | kPreAll, Scope::pseudo_channel, halves(g.ppd)},
      // Refresh, and refresh management, which takes as long (Ramulator 2.1). Nothing reaches a bank meanwhile.
      {"tRFCab", kRefAll, kAct | kPre | kPreAll | kAnyBank | kAnyAll, Scope::sid, rfc_all},
      {"tRFMab", kRfmAll, kAct | kPre | kPreAll | kAnyBank | kAnyAll, Scope::sid, rfc_all},
      {"tRFCpb", kRefBank, kAct | kPre | kAnyBank, Scope::bank, rfc_bank},
      {"tRFCpb", kRefBank, kAnyAll, Scope::sid, rfc_bank},
      {"tRFMpb", kRfmBank, kAct | kPre | kAnyBank, Scope::bank, rfc_bank},
      {"tRFMpb", kRfmBank, kAnyAll, Scope::sid, rfc_bank},
      {"tRREFD", kAnyBank, kAct | kAnyBank, Scope::pseudo_channel, rrefd},
  };
  if (params.controller.refresh != "none") rules.refresh_interval = halves(g.refi);
  return rules;
}

ProtocolRules protocol_rules(const HbmParams& params) {
  const Generation* generation = find_generation(params.generation);
  if (generation == nullptr) throw std::invalid_argument("unknown HBM generation '" + params.generation + "'");
  return protocol_rules(*generation, params);
}

}  // namespace cowosim::hbm
