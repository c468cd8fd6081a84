// Flight time of a signal on a wire of the package.
//
// A wire is slowed by its inductance and capacitance (it is a transmission line: nothing arrives before the wave
// does) and by its resistance and capacitance (it is charged through itself). Lengths in mm, resistance in ohm/mm,
// capacitance in pF/mm, all >= 0; permittivity relative, >= 1. Times are rounded to a femtosecond. No errors:
// ranges are checked where parameters are. Grades of sources as in fabric/die_to_die/die_to_die.h.
#pragma once

#include <string>
#include <vector>

#include "core/time.h"

namespace cowosim::fabric {

/// A kind of wire by name; see wire.cpp for the sources.
struct WireKind {
  const char* name;
  double resistance;   ///< ohm/mm
  double capacitance;  ///< pF/mm
};
const std::vector<WireKind>& wire_kinds();
const WireKind* find_wire_kind(const std::string& name);  ///< null: there is none
const std::vector<std::string>& wire_kind_names();

/// The wave: length x sqrt(permittivity) / speed of light. 6.6 ps/mm at 3.9 (SiO2), 6.8 at 4.2.
Time wave_time(double length, double permittivity);
/// Half of the swing at the end of a distributed RC line: 0.38 r c length^2 (Sakurai, IEEE JSSC 1983 [M]).
Time charge_time(double length, double resistance, double capacitance);

/// The larger of the two, not their sum: the wave already charges the wire it runs along, so a line is either fast
/// enough for the wave to carry the edge or waits for the charge. The closed form for lines with both (Ismail and
/// Friedman, IEEE Trans. VLSI 2000 [M]) is within 3 % of it at both ends and at most 18 % above it in between; the
/// sum would be up to 70 % above that form.
Time flight_time(double length, double resistance, double capacitance, double permittivity);

}  // namespace cowosim::fabric
