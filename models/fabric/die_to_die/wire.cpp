#include "fabric/die_to_die/wire.h"

#include <algorithm>
#include <cmath>

namespace cowosim::fabric {

namespace {

constexpr double kLight = 0.299792458;  // mm/ps
constexpr double kCharge = 0.38;        // of the product of both totals

Time picoseconds(double t) { return std::llround(t * static_cast<double>(kPicosecond)); }

}  // namespace

const std::vector<WireKind>& wire_kinds() {
  // Copper of 22 nOhm m. [D]: derived from width and thickness; 0.2 pF/mm is customary for all that are packed
  // closely.
  static const std::vector<WireKind> kinds = {
      {"fine", 55, 0.2},  // [D] 0.4 um wide, 1 um thick: silicon bridges (LSI of 0.4/0.4 um [M])
      {"wide", 5.5,
       0.2},  // [D] 2 um wide, 2 um thick: upper layers of interposers, RDL (2/2 um, TSMC's CoWoS-R page [P])
      // Assumption [0.05, 0.5] ohm/mm: 10 um wide, 15 um thick, traces of an organic substrate.
      {"substrate", 0.147, 0.2},
  };
  return kinds;
}

const WireKind* find_wire_kind(const std::string& name) {
  for (const WireKind& kind : wire_kinds())
    if (name == kind.name) return &kind;
  return nullptr;
}

const std::vector<std::string>& wire_kind_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const WireKind& kind : wire_kinds()) all.emplace_back(kind.name);
    return all;
  }();
  return names;
}

Time wave_time(double length, double permittivity) { return picoseconds(length * std::sqrt(permittivity) / kLight); }

Time charge_time(double length, double resistance, double capacitance) {
  return picoseconds(kCharge * resistance * capacitance * length * length);
}

Time flight_time(double length, double resistance, double capacitance, double permittivity) {
  return std::max(wave_time(length, permittivity), charge_time(length, resistance, capacitance));
}

}  // namespace cowosim::fabric
