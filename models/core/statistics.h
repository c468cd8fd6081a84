// How a heart shows its numbers to whoever writes them down.
#pragma once

#include <cstdint>

namespace cowosim {

/// Called once per statistic. `name` is snake_case and unique within the heart; `unit` is one of
/// "count", "B", "ns", "pJ", "flop", "GB/s", "ratio". Values are cumulative since the start unless the unit is "ratio" or "GB/s".
class StatVisitor {
 public:
  virtual ~StatVisitor() = default;
  virtual void operator()(const char* name, const char* unit, double value) = 0;
  /// Asks for every statistic, always the same ones in the same order. Otherwise a heart may leave out what nothing has used.
  virtual bool complete() const { return false; }
};

}  // namespace cowosim
