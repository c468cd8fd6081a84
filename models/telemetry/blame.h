// Who made whom wait: a victim x holder matrix per resource.
#pragma once

#include <array>
#include <cstdint>

#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::telemetry {

/// Whoever can hold a resource: a stream (its StreamId), refresh, or timing (the device's own constraints).
using Holder = std::uint8_t;
inline constexpr Holder kRefresh = kMaxStreams;
inline constexpr Holder kTiming = kMaxStreams + 1;
inline constexpr std::size_t kHolders = kMaxStreams + 2;

/// Waiting time at one resource, by victim and holder. A stream that waits for itself is written as `self` in results.
class Blame {
 public:
  void charge(StreamId victim, Holder holder, Time wait) { wait_[victim][holder] += wait; }
  Time wait(StreamId victim, Holder holder) const { return wait_[victim][holder]; }
  void merge(const Blame& other) {
    for (std::size_t v = 0; v < kMaxStreams; ++v)
      for (std::size_t h = 0; h < kHolders; ++h) wait_[v][h] += other.wait_[v][h];
  }

 private:
  std::array<std::array<Time, kHolders>, kMaxStreams> wait_{};
};

}  // namespace cowosim::telemetry
