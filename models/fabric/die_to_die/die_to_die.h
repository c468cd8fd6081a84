// Die-to-die links: what a standard, its data rate, its framing and its wires make of a link of the network
// (Channel).
//
// Sources are graded: [P] a standard, a vendor or an abstract, as seen; [S] press, courses, blogs; [M] a published
// document from memory, verify before quoting; [D] arithmetic. Everything here happens before a simulation begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "core/time.h"
#include "fabric/die_to_die/wire.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// How a link frames what it carries.
struct FlitFormat {
  const char* name;
  int bytes;        ///< of a flit of the link
  int payload;      ///< of them for flits of the network
  int check_bytes;  ///< that one CRC covers: they must be there before any goes on; 0: no CRC, nothing is ever replayed
};
const std::vector<FlitFormat>& flit_formats();
const FlitFormat* find_flit_format(const std::string& name);  ///< null: there is none
const std::vector<std::string>& flit_format_names();

/// What links there are, without numbers of one link.
const std::vector<std::string>& die_to_die_standards();

/// One die-to-die link, both directions alike. Entry of the platform file's section fabric.die_to_die.
///
/// `standard` sets everything; `data_rate`, `width`, `bandwidth` and `wire` set what hangs on them. Whatever is
/// written wins over that, because visit() takes these defaults as soon as it has read what they come from.
struct DieToDieParams {
  std::string name;
  std::string standard;
  double data_rate = 0;  // bits per second of a lane
  int width = 1;
  int modules = 1;
  std::int64_t bandwidth = 0;
  std::string wire = "wide";
  std::string format = "raw";
  Time latency = 0;
  Time crossing_latency = 0;
  double length = 0;       // mm
  double resistance = 0;   // ohm/mm
  double capacitance = 0;  // pF/mm
  double permittivity = 3.9;
  double bit_error_rate = 0;
  double energy_per_bit = 0;  // pJ
  double shoreline = 0;       // mm
  int spare_lanes = 0;
  int lanes_lost = 0;
  Time lost_at = 0;
  std::string degrade = "proportional";

  /// All defaults of a standard; of an unknown one those above, see problems().
  explicit DieToDieParams(const std::string& standard_name = "ucie_advanced");
  /// What hangs on standard, data_rate, width, bandwidth and wire: resistance, capacitance, bit_error_rate,
  /// energy_per_bit, shoreline, spare_lanes.
  void take_defaults();

  static const std::vector<std::string>& degrades() {
    static const std::vector<std::string> names = {"proportional", "half"};
    return names;
  }

  template <class Visitor>
  void visit(Visitor& v) {
    const std::string standard_before = standard;
    v("standard", standard, die_to_die_standards(),
      "kind of link; sets all that follows. generic: a plain wire, nothing but what is given",
      "UCIe 1.0 to 3.0; hbm_phy: JESD238, the same numbers as the section phy; nv_hbi, infinity_fabric: links of "
      "NVIDIA "
      "Blackwell and AMD MI300 as far as they are public");
    if (standard != standard_before) {
      DieToDieParams defaults(standard);
      defaults.name = name;
      *this = defaults;
    }

    const DieToDieParams before = *this;
    v("data_rate", data_rate, Unit::data_rate, Range{0, 1e12},
      "of one lane; 0: not known, `bandwidth` is given instead",
      "UCIe: 4, 8, 12, 16, 24 and 32 GT/s ([P] Das Sharma, Hot Interconnects 2025), from 3.0 on 48 and 64 GT/s ([S]); "
      "hbm_phy: pin rate of H100 SXM5");
    v("width", width, Range{1, 1048576}, "data lanes of a module in each direction",
      "UCIe: x16 standard, x64 advanced package ([S]), x32 from 1.1 on ([P] UCIe 1.1); hbm_phy: 64 pins of a channel "
      "(JESD238); lanes of nv_hbi and infinity_fabric are not public: 1");
    v("modules", modules, Range{1, 256}, "modules side by side; of hbm_phy channels",
      "UCIe: 1, 2 or 4 ([S]); hbm_phy: 16 channels (JESD238)");
    v("bandwidth", bandwidth, Unit::bandwidth, Range{0, 1e15},
      "of all modules in one direction, without framing, where lanes and data rate are not known; 0: they are",
      "nv_hbi: 10 TB/s both ways ([S] NVIDIA, Hot Chips 2024); infinity_fabric: 3.0 TB/s both ways between two IODs of "
      "MI300X along one axis, 2.4 along the other ([S] AMD, VLSI 2024; [M] half of it each way), 5.5 TB/s in MI350 "
      "([S])");
    v("wire", wire, wire_kind_names(),
      "fine: silicon bridge; wide: upper interposer layers, RDL; substrate: organic package; sets resistance and "
      "capacitance",
      "models/fabric/die_to_die/wire.cpp; assumption: UCIe advanced, nv_hbi and infinity_fabric run on bridges");
    if (data_rate != before.data_rate || width != before.width || bandwidth != before.bandwidth || wire != before.wire)
      take_defaults();

    v("format", format, flit_format_names(),
      "framing: raw has none, and no CRC; the others carry 64 of 68 or 236 of 256 bytes; flit_256 checks all 256 "
      "before "
      "it passes any on, flit_256_latency_optimised each half alone",
      "UCIe: 64 B, 2 B header, 2 B CRC ([S]); 236 of 256 B ([S], as PCIe 6); halves with their own CRC ([S]), their "
      "payload is an assumption [232 B, 250 B]: as the standard flit's");
    v("latency", latency, Unit::time, Range{0, 1e12},
      "through adapter and PHY of both sides, without wires and framing; of hbm_phy with wires",
      "UCIe: 2 ns ([S], channel excluded; [P] Das Sharma 2025 calls 2 ns the round trip); nv_hbi, infinity_fabric: "
      "assumption [1 ns, 10 ns]: not public, half of the 5 ns round trip of a 40 Gb/s PHY ([P] Cadence); hbm_phy: see "
      "phy.latency_down");
    v("crossing_latency", crossing_latency, Unit::time, Range{0, 1e12},
      "of clock crossings besides those that routers count (crossing_cycles)",
      "assumption [0 ns, 2 ns]: up to two cycles of the link's own clock; in UCIe's 2 ns as far as known");
    v("length", length, Unit::length, Range{0, 1000}, "of the wires",
      "assumption: advanced [0.1 mm, 2 mm], standard [10 mm, 25 mm], bridges [0.5 mm, 2 mm]; 0: in `latency`, and of a "
      "network's link "
      "the distance of its dies");
    v("resistance", resistance, Range{0, 1e6}, "of a wire, ohm/mm",
      "set by wire, see models/fabric/die_to_die/wire.cpp");
    v("capacitance", capacitance, Range{0, 1e3}, "of a wire, pF/mm",
      "set by wire, see models/fabric/die_to_die/wire.cpp");
    v("permittivity", permittivity, Range{1, 20}, "relative, of what is around the wires",
      "[D] 3.9 to 4.2: SiO2 and polymers");
    v("bit_error_rate", bit_error_rate, Range{0, 1e-3}, "of a bit on a lane, before retry; independent errors",
      "UCIe: 1e-27 up to 8 GT/s ([S]), 1e-15 above ([P] MathWorks, quoting table 1-1 of the specification), 1e-12 at "
      "64 "
      "GT/s ([S]); 48 GT/s: assumption [1e-15, 1e-12]; others: not public, 0");
    v("energy_per_bit", energy_per_bit, Unit::energy_bit, Range{0, 1000},
      "of a bit on the lanes; bits of framing cost it too",
      "UCIe: standard 0.5 pJ up to 16 GT/s, 0.6 above; advanced 0.25 and 0.3 ([P] Das Sharma 2025; 48 and 64 GT/s: "
      "assumption, as 32); nv_hbi, infinity_fabric: assumption [0.2 pJ, 0.6 pJ]: bridges take 0.25 ([S] EMIB-T, ECTC "
      "2025); hbm_phy: see phy.energy_per_bit");
    v("shoreline", shoreline, Unit::length, Range{0, 1000}, "die edge that a module takes; the same at every data rate",
      "UCIe: bandwidth of both directions at 32 GT/s over the density: advanced 512 GB/s / 1317 GB/s/mm ([S], 45 um "
      "bumps; x32: assumption [0.19 mm, 0.39 mm]: as x64), standard 128 / 224 ([P] Das Sharma 2025); nv_hbi, "
      "infinity_fabric: assumption [1, 4 times]: as dense as UCIe advanced; hbm_phy: assumption [6 mm, 11 mm] a stack: "
      "three fit on 33 mm of edge, the reticle's");
    v("spare_lanes", spare_lanes, Range{0, 1048576}, "of a module in each direction: they replace lost ones",
      "UCIe advanced: two for each 32 lanes ([P] UCIe 1.1, 4.3.1), standard: none; others: not public, 0");
    v("lanes_lost", lanes_lost, Range{0, 1048576}, "lanes of one module, in each direction, that fail at lost_at",
      "experiment");
    v("lost_at", lost_at, Unit::time, Range{0, 9e18}, "when they do", "experiment");
    v("degrade", degrade, degrades(),
      "what is left of a module that lost more than its spare lanes. proportional: the other lanes; half: half of its "
      "lanes if the lost ones fit into the other half, else nothing",
      "half: UCIe standard package, x16 to x8 ([M] UCIe 1.1); proportional: assumption, the best a link could do");
  }
};

/// Combinations that cannot be, with paths below the link's own section. What follows is for parameters without any.
std::vector<ParameterProblem> problems(const DieToDieParams& params);

/// Bytes per second of one direction, framing included: modules x width x data_rate / 8, or `bandwidth`.
std::int64_t raw_bandwidth(const DieToDieParams& params);
/// The share of the format's payload: 64/68 = 94.1 %, 236/256 = 92.2 %.
double efficiency(const FlitFormat& format);
/// Bytes per second for flits of the network: raw bandwidth x efficiency, rounded down.
std::int64_t payload_bandwidth(const DieToDieParams& params);
/// How much later than its own last bit a flit of the network goes on because all that its CRC covers must be there
/// first: the worst case, the first flit in it; flits stay in order and apart, so that all wait as long.
Time check_latency(const DieToDieParams& params, int flit_bytes);
/// A way through the link without serialisation: latency + crossing_latency + flight_time + check_latency.
Time one_way_latency(const DieToDieParams& params, int flit_bytes);
/// From the end of a corrupted flit at its sender to the start of its replay there: a way to the receiver, who
/// finds the error, and one back for the Nak, which is a flit: 2 x one_way_latency + the time of a flit. 0 without
/// CRC.
Time replay_latency(const DieToDieParams& params, int flit_bytes);
/// Lanes in use, of all modules, before and after lanes_lost. Other modules than the one that loses lanes go on as
/// before (assumption: UCIe may narrow them all [M]).
int lanes(const DieToDieParams& params);
int lanes_left(const DieToDieParams& params);
/// mm of die edge of all modules.
double shoreline_mm(const DieToDieParams& params);

/// One direction, for flits of `flit_bytes`. Energy and error rate are of a payload bit: those of the bits of
/// framing that it brings along are counted with it. Without CRC errors are not modelled: the rate is 0. Throws
/// std::invalid_argument with the first of problems().
Channel channel_of(const DieToDieParams& params, int flit_bytes);

/// Probability that any of `bits` is wrong: 1 - (1 - rate)^bits, exact for rates far below an epsilon.
double corrupted_probability(double bit_error_rate, int bits);

}  // namespace cowosim::fabric
