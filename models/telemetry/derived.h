// What summary and report both show: usage of peaks, blame by resource class, terms in order of size.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "telemetry/results.h"

namespace cowosim::telemetry {

struct UsageRow {
  std::string name;
  std::string achieved;  ///< with unit
  std::string peak;
  double fraction = 0;
};
/// HBM, L2 of each die, links by kind (their sum, and the busiest where it stands out), cores.
std::vector<UsageRow> usage_of(const Results& results);

struct BlameSum {
  std::string resource_class;
  std::string victim;
  std::string aggressor;
  Time wait = 0;
};
/// Rows of the same class, victim and aggressor together; largest first.
std::vector<BlameSum> aggregate(const std::vector<BlameRow>& rows);

/// Largest first, `unexplained` last; beyond `most` rows the smallest are one term "other terms".
std::vector<GapTerm> ordered_terms(const FloorGap& gap, std::size_t most);

/// A loss or useful part of a whole, as fraction, without those that round to 0.0 %.
struct Part {
  std::string name;  ///< label for people
  double fraction = 0;
};
std::vector<Part> parts_of(const HbmCounters& counters);
std::vector<Part> parts_of(const CoreCounters& counters);
/// What the waiting for a link, or for all of them, was for.
std::vector<Part> parts_of(const std::array<Time, kLinkStalls>& stalls);
/// Of all links that tell; zeros where none does.
std::array<Time, kLinkStalls> stalls_of(const FabricResult& fabric);

/// Largest utilization first, among equals the one most waited for.
std::vector<const LinkResult*> busiest(const FabricResult& fabric, std::size_t most);
/// Fullest buffers on average first.
std::vector<const RouterResult*> fullest(const FabricResult& fabric, std::size_t most);
/// What packet precision does not see; nothing at flit precision.
std::string precision_words(const FabricResult& fabric);
/// Nothing but networks was simulated: synthetic packets without memory and cores.
bool fabric_alone(const Results& results);

/// Shares of the energy, in the order of the terms; those of one name together.
std::vector<Part> parts_of(const EnergyAccount& account);
/// "3.84 pJ/bit [2.10, 6.20]"; nothing when nothing was moved.
std::string energy_per_bit(const Energy& energy, std::uint64_t bits);

const StreamResult* find_stream(const Results& results, const std::string& name);
/// "time per token", "time of the step", "time".
std::string measured_label(const WorkloadResult& workload);
double bytes_per_second(std::uint64_t bytes, Time interval);

}  // namespace cowosim::telemetry
