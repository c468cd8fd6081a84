// From the floor (what the workload's bytes or FLOPs take at peak) to the measured time, term by term.
//
// Every term is counted on its own; only `unexplained` is a difference, and it is there to be looked at: broken_invariants()
// fails when it is not small. All times are integers, so floor + terms + unexplained = measured holds exactly.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/time.h"

namespace cowosim::telemetry {

struct HbmCounters;

struct GapTerm {
  std::string term;  ///< snake_case key: "refresh", "turnaround", "between_operators", ...
  Time time = 0;     ///< may be negative: traffic that the floor counts and a cache saved
};

struct FloorGap {
  Time measured = 0;
  Time floor = 0;
  std::vector<GapTerm> floor_terms;  ///< what the floor is made of ("weights", "kv"); add up to floor
  std::vector<GapTerm> terms;        ///< without `unexplained`
  Time unexplained = 0;              ///< measured - floor - terms
};

/// `terms` counted independently; `unexplained` is what they leave.
FloorGap explain_gap(Time measured, std::vector<GapTerm> floor_terms, std::vector<GapTerm> terms);

/// A gap of the simulated part scaled to the whole: the whole floor is known exactly, the whole gap is shared out in the
/// proportions of the simulated one (`unexplained` included), exactly adding up.
FloorGap extrapolate_gap(const FloorGap& simulated, Time whole_measured, std::vector<GapTerm> whole_floor_terms);

/// `total` shared out in proportion to `weights` (>= 0), largest remainder first, adding up exactly. All weights zero: the
/// first gets everything.
std::vector<Time> apportion(Time total, const std::vector<Time>& weights);

/// What was counted while the HBM was idle, as wall-clock time or as weights.
struct IdleCauses {
  /// Wall-clock time in which no request could be there, counted by the dispatcher: "between_operators" (from the last
  /// completion of one operator to the first request of the next), "ramp_up", ... Taken as they are while they fit into the idle time.
  std::vector<GapTerm> counted;
  /// The rest of the idle time is shared in proportion to these: core time lost, by cause ("imbalance", "wait_noc", "cache", ...).
  std::vector<GapTerm> weights;
  std::string otherwise = "idle";  ///< the term that takes the rest when there are no weights
};

/// HBM's share of the gap over `interval`: every loss term averaged over the pseudo-channels, the idle term split by `causes`,
/// and data time beyond `floor` (the floor's time at HBM's peak) as "extra_traffic", of which `others` (data-bus time of
/// other streams, summed over pseudo-channels, by name) is listed apart as "traffic_of_<stream>".
/// Where the HBM's counters tile its bus time, floor + terms = interval up to 1 fs a term.
std::vector<GapTerm> hbm_gap_terms(const HbmCounters& counters, Time interval, Time floor, const IdleCauses& causes,
                                   const std::vector<std::pair<std::string, Time>>& others = {});

/// A term's name for people: "read/write turnaround" for "turnaround". Unknown keys read as themselves, with spaces.
std::string label_of(const std::string& term);

}  // namespace cowosim::telemetry
