// Where and when two runs first differ: the epoch and its components from two hash tables, then, from two transaction
// traces of that epoch, the first differing transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "telemetry/traces.h"

namespace cowosim::telemetry {

struct ComponentDifference {
  std::string component;
  HashKind kind = HashKind::serve;
  std::optional<HashRow> a;  ///< empty: this run has no such row
  std::optional<HashRow> b;
};
struct EpochDifference {
  std::uint64_t epoch = 0;
  Time begin = 0;  ///< of the epoch: the range to trace
  Time end = 0;
  std::vector<ComponentDifference> components;  ///< all that differ in this epoch, by name
};
/// The first epoch in which any component's events or hash differ, or only one run has a row. An epoch in which nothing
/// happened (no events, hash 0) is equal to a missing row. Throws std::invalid_argument where the two tables' epochs have different lengths.
std::optional<EpochDifference> first_difference(const HashTable& a, const HashTable& b);

struct TransactionDifference {
  Time time = 0;  ///< the earlier of the two, or the only one
  std::string component;
  std::string source;  ///< the creator's name, where its retirement is in the trace; else empty
  std::uint64_t identity = 0;
  std::uint64_t number = 0;  ///< n: it is the source's n-th transaction, from 0
  std::uint64_t address = 0;
  std::optional<TransactionRecord> a;  ///< empty: this run's trace does not have it
  std::optional<TransactionRecord> b;
};
/// The first transaction, by time, then component, then identity, that a component finished at different times, or differently,
/// or in one run only. `sources` are the names of the creators (kind retire in hashes.csv).
std::optional<TransactionDifference> first_difference(const TransactionTable& a, const TransactionTable& b,
                                                      const std::vector<std::string>& sources = {});

/// The components of kind retire.
std::vector<std::string> sources_of(const HashTable& table);

/// For people: the answer of `cowosim diverge`; `a` and `b` are the runs' names.
std::string describe(const EpochDifference& difference, const std::string& a, const std::string& b);
std::string describe(const TransactionDifference& difference, const std::string& a, const std::string& b);

}  // namespace cowosim::telemetry
