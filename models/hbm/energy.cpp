#include "hbm/energy.h"

#include <cmath>
#include <stdexcept>

#include "core/units.h"

namespace cowosim::hbm {

namespace {

using telemetry::Energy;
using telemetry::EnergyTerm;

constexpr std::uint64_t kAtomBits = kAtomBytes * 8;

// Core supply in volts: JESD235 (HBM2, HBM2E), JESD238 (HBM3), JESD270-4 (HBM4, VDDC). Energy of a charged wire goes with its square.
constexpr double kHbm2Supply = 1.2;
constexpr double kHbm3Supply = 1.1;
constexpr double kHbm4Supply = 1.05;
constexpr double squared_ratio(double supply) { return supply * supply / (kHbm2Supply * kHbm2Supply); }

/// To three digits: no derived figure is better than that.
double rounded(double value) {
  const double step = std::pow(10.0, 2 - std::floor(std::log10(value)));
  return std::round(value * step) / step;
}
EnergyFigure scaled(const EnergyFigure& figure, double factor, const std::string& source) {
  return {rounded(figure.value * factor), rounded(figure.low * factor), rounded(figure.high * factor), source};
}
EnergyFigure up_to(EnergyFigure figure, double high, const std::string& source) {
  return {figure.value, figure.low, high, figure.source + "; high end: " + source};
}

/// What the sources are called below.
constexpr const char* kFineGrained = "O'Connor et al., Fine-Grained DRAM, MICRO 2017, table 3";
constexpr const char* kMeasured = "HBM2 chips measured at 1.2 Gb/s, CMU-SAFARI/HBM-Power (318d3d1)";
constexpr const char* kCurrents = "IDD of DRAMsim3's HBM2_8Gb_x128.ini (2981759) by Micron TN-40-07";
constexpr const char* kH200 = "H200 measured, CMU-SAFARI/HBM-Power (c8381f7)";

EnergyFigures hbm2() {
  return {
      "hbm2",
      {909, 414, 948, std::string(kFineGrained) + "; low end: " + kCurrents + "; high end: " + kMeasured},
      {2.68, 1.51, 4.17,
       std::string(kFineGrained) +
           ", 1.51 before + 1.17 after the global sense amplifiers; low end: without the latter, no bit "
           "toggles; high end: random data, " +
           kMeasured},
      {2.68, 1.15, 4.17, std::string("as read (table 3 does not distinguish); low end: no bit toggles, ") + kMeasured},
      {0.80, 0.30, 1.60,
       std::string(kFineGrained) +
           ", half the bits toggle; low end: their applications, section 2; high end: all toggle"},
      {475, 342, 909,
       std::string(kCurrents) + ": 61 nJ for 64 rows of 2 KiB; low end: " + kMeasured + "; high end: a full activate"},
      {0.028, 0.014, 0.033,
       std::string("assumption [14 mW, 33 mW]: between precharged and active standby, ") + kCurrents +
           "; low end: " + kMeasured},
      2.0e9};
}

EnergyFigures hbm2e() {
  EnergyFigures figures = hbm2();
  figures.generation = "hbm2e";
  const std::string as = "assumption, its interval: as HBM2, the supply is the same 1.2 V";
  for (const auto figure : {&EnergyFigures::activate, &EnergyFigures::read, &EnergyFigures::write, &EnergyFigures::io,
                            &EnergyFigures::refresh_row})
    (figures.*figure).source = as;
  figures.background = scaled(figures.background, 3.2 / 2.0, "assumption, its interval: as HBM2, with the clock");
  figures.data_rate = 3.2e9;
  return figures;
}

EnergyFigures hbm3(const char* name) {
  const EnergyFigures old = hbm2();
  const double factor = squared_ratio(kHbm3Supply);
  const std::string as = "assumption, its interval: HBM2 x (1.1 V / 1.2 V)^2, JESD238";
  const std::string extrapolated = "extrapolated from HBM2 chips, CMU-SAFARI/HBM-Power HBM3E_6400MTs";
  return {name,
          up_to(scaled(old.activate, factor, as), 1716, extrapolated),
          up_to(scaled(old.read, factor, as), 4.47, std::string("random reads of an ") + kH200),
          up_to(scaled(old.write, factor, as), 4.47, "as read"),
          {0.58, 0.29, 0.80,
           "assumption [0.29, 0.8] pJ/bit: 0.29 at the host (Chae et al., JSSC 59(1), 2024) and as much at the other "
           "end; signals of 0.4 V (JESD238)"},
          up_to(scaled(old.refresh_row, factor, as), 1100, extrapolated),
          {0.180, 0.078, 0.234,
           std::string("median of three idle H200 less refresh, over 192 pseudo-channels; high end: the largest; ") +
               kH200 + "; low end: " + extrapolated},
          6.25e9};  // H200 data sheet: 4.8 TB/s over six stacks of 1024 pins
}

EnergyFigures hbm4() {
  const EnergyFigures old = hbm3("");
  const double factor = squared_ratio(kHbm4Supply) / squared_ratio(kHbm3Supply);
  const std::string as = "assumption, its interval: HBM3 x (1.05 V / 1.1 V)^2, JESD270-4";
  EnergyFigure io = old.io;
  io.source = "assumption [0.29, 0.8] pJ/bit: as HBM3";
  return {"hbm4",
          up_to(scaled(old.activate, factor, as), 2028, "extrapolated, CMU-SAFARI/HBM-Power HBM4_8000MTs"),
          scaled(old.read, factor, as),
          scaled(old.write, factor, as),
          io,
          scaled(old.refresh_row, factor, as),
          scaled(old.background, factor * 8.0 / 6.25, as + ", with the clock"),
          8.0e9};
}

/// The user's value is what it is; else the figure.
EnergyTerm term(const char* name, const char* per, double value, const char* parameter, const EnergyFigure& figure,
                double factor) {
  if (value > 0) return {name, per, factor * Energy{value, value, value}, std::string("hbm.energy.") + parameter, 0};
  return {name, per, factor * Energy{figure.value, figure.low, figure.high}, figure.source, 0};
}

}  // namespace

const std::vector<EnergyFigures>& energy_figures() {
  static const std::vector<EnergyFigures> all = {hbm2(), hbm2e(), hbm3("hbm3"), hbm3("hbm3e"), hbm4()};
  return all;
}

const EnergyFigures* find_energy_figures(const std::string& generation) {
  for (const EnergyFigures& figures : energy_figures())
    if (generation == figures.generation) return &figures;
  return nullptr;
}

std::string published(EnergyFigure EnergyFigures::*figure, Unit unit) {
  std::string text;
  std::string names;
  const std::vector<EnergyFigures>& all = energy_figures();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const EnergyFigure& f = all[i].*figure;
    names += (names.empty() ? "" : ", ") + std::string(all[i].generation);
    if (i + 1 < all.size() && f.value == (all[i + 1].*figure).value && f.source == (all[i + 1].*figure).source)
      continue;
    text += (text.empty() ? "" : ". ") + names + " " + format_quantity(f.value, unit) + " [" +
            format_quantity(f.low, unit) + ", " + format_quantity(f.high, unit) + "]: " + f.source;
    names.clear();
  }
  return text;
}

EnergyModel::EnergyModel(const HbmParams& params)
    : banks_(static_cast<std::uint64_t>(params.sids * params.bank_groups * params.banks)) {
  const EnergyFigures* figures = find_energy_figures(params.generation);
  if (figures == nullptr)
    throw std::invalid_argument("no energy figures of HBM generation '" + params.generation + "'");
  const EnergyParams& own = params.energy;
  constexpr double kWattFemtosecond = 1e-3;                                    // pJ
  const double row = params.columns * static_cast<double>(kAtomBytes) / 1024;  // figures are of 1 KiB
  activate_ = term("activate", "activate", own.activate, "activate", figures->activate, row);
  read_ = term("read", "bit", own.read, "read", figures->read, 1);
  write_ = term("write", "bit", own.write, "write", figures->write, 1);
  io_ = term("io", "bit", own.io, "io", figures->io, 1);
  refresh_ = term("refresh", "bank", own.refresh_row, "refresh_row", figures->refresh_row,
                  row * params.rows / kRefreshCommands);
  background_ = term("background", "fs", own.background, "background", figures->background,
                     kWattFemtosecond * (own.background > 0 ? 1 : params.data_rate / figures->data_rate));
}

telemetry::EnergyAccount EnergyModel::of(const Activity& activity) const {
  telemetry::EnergyAccount account;
  account.add(activate_.times(activity.activates));
  account.add(read_.times(activity.reads * kAtomBits));
  account.add(write_.times(activity.writes * kAtomBits));
  account.add(io_.times((activity.reads + activity.writes) * kAtomBits));
  return account;
}

telemetry::EnergyAccount EnergyModel::upkeep(const Counters& counters, Time time) const {
  telemetry::EnergyAccount account;
  // An RFM refreshes the neighbours of a row or two, in about the time of a REFpb: taken as one.
  account.add(refresh_.times(counters.refreshes * banks_ + counters.bank_refreshes + counters.refresh_managements));
  account.add(background_.times(static_cast<std::uint64_t>(time)));
  return account;
}

}  // namespace cowosim::hbm
