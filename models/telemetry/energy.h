// Energy of any room: counted activity times a coefficient, term by term.
//
// A room says what it counts and what one count costs (EnergyTerm). An account holds the terms of one owner (a stack, a
// link) or of one stream; its energy is a sum of terms, never "the rest". A balance has both views, counted apart:
// every owner's terms, and every stream's plus what no stream caused (refresh, background). broken() compares them
// count by count, so that nothing is charged twice or to nobody.
//
//   EnergyAccount stack;
//   stack.add(term.times(counters.activates));
//   balance.owners.emplace_back("hbm_stack_0", stack);
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/statistics.h"

namespace cowosim::telemetry {

/// Picojoules, and between what they may lie: low <= value <= high. The interval is that of the coefficients, all at
/// their low or all at their high end.
struct Energy {
  double value = 0;
  double low = 0;
  double high = 0;

  Energy& operator+=(const Energy& other);
  friend Energy operator*(double factor, const Energy& e) {
    return {factor * e.value, factor * e.low, factor * e.high};
  }
  bool operator==(const Energy& other) const { return value == other.value && low == other.low && high == other.high; }
};

struct EnergyTerm {
  std::string name;         ///< snake_case, of the activity: "activate", "background"
  std::string per;          ///< what is counted: "activate", "bit", "fs"
  Energy each;              ///< pJ of one count
  std::string source;       ///< of `each`
  std::uint64_t count = 0;  ///< integers, so that sums are exact

  EnergyTerm times(std::uint64_t counted) const { return {name, per, each, source, counted}; }
  Energy energy() const { return static_cast<double>(count) * each; }
};

class EnergyAccount {
 public:
  /// Counts of the same thing at the same price are added up; another price is another term.
  void add(const EnergyTerm& term);
  void add(const EnergyAccount& other);
  /// In the order they came.
  const std::vector<EnergyTerm>& terms() const { return terms_; }
  Energy total() const;
  /// Of the terms of that name.
  std::uint64_t count(const std::string& name) const;
  /// "energy_<name>" in pJ, for stats.csv.
  void statistics(StatVisitor& visit) const;

 private:
  std::vector<EnergyTerm> terms_;
};

struct EnergyBalance {
  using Row = std::pair<std::string, EnergyAccount>;
  std::vector<Row> owners;  ///< who spent it: stacks, links
  std::vector<Row> streams;
  EnergyAccount unattributed;  ///< what no stream caused

  EnergyAccount total() const;  ///< of the owners
  /// Terms whose counts differ between the owners and streams + unattributed, in words.
  std::vector<std::string> broken() const;
};

}  // namespace cowosim::telemetry
