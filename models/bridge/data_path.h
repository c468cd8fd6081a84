// A crossing's data path in one direction.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time.h"

namespace cowosim::bridge {

/// A message stands for its last byte: it leaves when it came, or when its data have passed behind those before. So a lone one
/// is not held up, and data never pass faster than the bandwidth.
class DataPath {
 public:
  explicit DataPath(std::int64_t bandwidth) : bandwidth_(bandwidth) {}
  Time pass(std::uint64_t bytes, Time now) {
    if (bytes != 0) free_ = std::max(now, free_ + transfer_time(static_cast<std::int64_t>(bytes), bandwidth_));
    return std::max(now, free_);
  }

 private:
  std::int64_t bandwidth_;
  Time free_ = -kNever / 2;  // long before the beginning
};

}  // namespace cowosim::bridge
