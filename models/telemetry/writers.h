// The files of a run's directory that other tools read: run.json, results.json, stats.csv, series.csv.
//
// Keys and columns are pinned; times are written in ns, rates in GB/s (1e9), energies in pJ. Integers are written as
// integers, everything else as the shortest text that reads back as the same double, whatever the locale.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/statistics.h"
#include "core/time.h"
#include "telemetry/results.h"

namespace cowosim::telemetry {

inline constexpr const char* kResultsSchema = "cowosim-results/1";

std::string run_json(const RunInfo& run);
std::string results_json(const Results& results);

/// Collects every statistic of every component and writes `path,stat,unit,value`.
///
///   StatTable table;
///   for (heart) { table.set_path(heart.name()); heart.statistics(table); }
///   directory.write("stats.csv", table.csv());
class StatTable : public StatVisitor {
 public:
  void set_path(std::string path) { path_ = std::move(path); }
  void operator()(const char* name, const char* unit, double value) override;
  /// In the order of the visits.
  std::string csv() const { return text_; }

 private:
  std::string path_;
  std::string text_ = "path,stat,unit,value\n";
};

/// Writes `time_ns,path,stat,unit,value` at interval boundaries: for cumulative statistics what the interval added, for
/// ratios (unit "ratio") the value itself. time_ns is the end of the interval. Rows without change are left out.
///
///   IntervalSeries series(out);
///   series.begin_sample(start, true);              // the baseline, writes nothing; without one everything counts from zero
///   for (boundary) { series.begin_sample(boundary); for (heart) { series.set_path(name); heart.statistics(series); } }
class IntervalSeries : public StatVisitor {
 public:
  explicit IntervalSeries(std::ostream& out);
  void begin_sample(Time boundary, bool baseline = false);
  void set_path(std::string path) { path_ = std::move(path); }
  void operator()(const char* name, const char* unit, double value) override;

 private:
  std::ostream& out_;
  std::string path_;
  std::string time_ = "0";
  bool baseline_ = false;
  std::map<std::pair<std::string, std::string>, double> last_;
};

}  // namespace cowosim::telemetry
