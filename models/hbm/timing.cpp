#include "hbm/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace cowosim::hbm {

namespace {

/// Bubble between data of a read and of a write where the standard gives no tRTW: JESD235 as quoted by Ramulator 2.1.
constexpr Half kTurnaroundClocks = 2;

}  // namespace

Time half_period_of(const Generation& g, double data_rate) { return period_of(data_rate / g.beats_per_clock * 2); }

std::int64_t clocks_of(const TimingSpec& spec, Time tck) { return std::max(spec.clocks, (spec.time + tck - 1) / tck); }

const TimingSpec& refresh_cycle_of(const std::vector<RefreshCycle>& table, double gigabits) {
  for (const RefreshCycle& entry : table)
    if (gigabits <= entry.gigabits) return entry.rfc;
  throw std::invalid_argument(fmt::format("no tRFC is defined for {} Gb, only up to {} Gb", gigabits,
                                          table.empty() ? 0 : table.back().gigabits));
}

double refresh_density(const Generation& g, double sid_gigabits, int banks_per_pseudo_channel) {
  if (g.density == DensityOf::pseudo_channel) return sid_gigabits / g.pseudo_channels;
  return sid_gigabits * banks_per_pseudo_channel / g.banks_of_sid();
}

double Timing::peak_bytes_per_second() const {
  return 32.0 * 1e15 / (static_cast<double>(burst) * static_cast<double>(half_period));
}

double Timing::random_access_cap() const {
  const Half four = std::max({four_activates, 4 * activate_to_activate_short, 4 * burst});
  return static_cast<double>(4 * burst) / static_cast<double>(four);
}

double Timing::refresh_cap() const {
  const Half closing = read_to_precharge + precharge_to_refresh;
  const Half opening = refresh_to_activate + rising(activate_to_read);
  return 1 - static_cast<double>(closing + opening - burst) / static_cast<double>(refresh_interval);
}

Timing resolve(const Generation& g, double data_rate, double sid_gigabits, int banks_per_pseudo_channel,
               double celsius) {
  Timing t;
  t.half_period = half_period_of(g, data_rate);
  const SpeedGrade& s = g.grade(data_rate);
  const Time tck = s.clock > 0 && data_rate == s.data_rate ? s.clock : t.tck();
  const auto halves = [&](const TimingSpec& spec) { return 2 * clocks_of(spec, tck); };
  const Half act = g.activate_halves;
  const Half pre = g.precharge_halves;
  const Half ref = g.precharge_halves;
  const Half col = g.column_halves;

  t.activate_bus = act;
  t.precharge_bus = pre;
  t.column_bus = col;
  t.falling_precharge = g.falling_precharge;
  t.row_step = g.falling_precharge ? 1 : 2;
  t.burst = 2 * g.burst_beats / g.beats_per_clock;
  t.read_latency = halves(s.rl);
  t.write_latency = halves(s.wl);

  t.activate_to_read = halves(s.rcd_read) + act - col;
  t.activate_to_write = halves(s.rcd_write) + act - col;
  t.activate_to_precharge = halves(s.ras) + act - pre;
  t.activate_to_activate = halves(s.rc);
  t.activate_to_refresh = halves(s.rc) + act - ref;
  t.activate_to_activate_short = halves(s.rrd_short);
  t.activate_to_activate_long = halves(s.rrd_long);
  t.four_activates = halves(s.faw);

  t.precharge_to_activate = halves(s.rp) + pre - act;
  t.precharge_to_refresh = halves(s.rp) + pre - ref;
  t.precharge_to_precharge = halves(s.ppd);

  t.read_to_read_short = std::max(halves(s.ccd_short), t.burst);
  t.read_to_read_long = std::max(halves(s.ccd_long), t.burst);
  t.read_to_read_sid = std::max(halves(s.ccd_sid), t.burst);
  t.write_to_write_short = t.read_to_read_short;
  t.write_to_write_long = t.read_to_read_long;
  t.read_to_write = s.rtw.absent() ? t.read_latency + t.burst + 2 * kTurnaroundClocks - t.write_latency : halves(s.rtw);
  t.write_to_read_short = t.write_latency + t.burst + halves(s.wtr_short);
  t.write_to_read_long = t.write_latency + t.burst + halves(s.wtr_long);
  t.read_to_precharge = halves(s.rtp) + col - pre;
  t.write_to_precharge = t.write_latency + t.burst + halves(s.wr) + col - pre;

  const double density = refresh_density(g, sid_gigabits, banks_per_pseudo_channel);
  const auto interval = static_cast<Time>(static_cast<double>(g.refi.time) * refresh_factor(celsius));
  t.refresh_cycle = halves(refresh_cycle_of(g.rfc_all_bank, density));
  t.refresh_interval = halves({interval, g.refi.clocks});
  t.refresh_to_activate = t.refresh_cycle + ref - act;
  t.refresh_to_precharge = t.refresh_cycle + ref - pre;

  t.refresh_bank_cycle = halves(refresh_cycle_of(g.rfc_bank, density));
  t.refresh_bank_to_activate = t.refresh_bank_cycle + ref - act;
  t.refresh_bank_to_refresh_bank = halves(s.rrefd);
  t.refresh_bank_to_activate_other = halves(s.rrefd) + ref - act;
  t.activate_to_refresh_bank = halves(s.rrd_short) + act - ref;
  const Half group = g.group_limits_bank_refresh ? halves(s.rrd_long) : 0;
  t.refresh_bank_to_activate_group = std::max(t.refresh_bank_to_activate_other, group + ref - act);
  t.activate_to_refresh_bank_group = std::max(t.activate_to_refresh_bank, group + act - ref);
  return t;
}

}  // namespace cowosim::hbm
