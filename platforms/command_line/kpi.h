// --kpi: a number of results.json against a bound.
#pragma once

#include <string>
#include <vector>

namespace cowosim::platforms::command_line {

/// "PATH OP NUMBER": PATH is a dotted path of results.json (list items by index), OP one of < <= > >= == !=, NUMBER in the
/// path's own unit. Example: "hbm.utilization >= 0.88".
class Kpi {
 public:
  /// Throws UsageError for anything else.
  explicit Kpi(const std::string& expression);

  struct Outcome {
    std::string expression;
    bool found = false;  ///< whether the path leads to a number
    double value = 0;
    bool passed = false;
  };
  /// `results` is the text of a results.json.
  Outcome check(const std::string& results) const;

 private:
  std::string expression_;
  std::string path_;
  std::string op_;
  double bound_ = 0;
};

/// kpi.json: [{"kpi", "value", "passed"}].
std::string kpi_json(const std::vector<Kpi::Outcome>& outcomes);

}  // namespace cowosim::platforms::command_line
