// Read accesses whose data came wrong: counted by the memory channels, reported in results.
#pragma once

#include <cstdint>

namespace cowosim::telemetry {

struct HbmErrors {
  std::uint64_t corrected = 0;    ///< a single bit, by on-die ECC or the controller
  std::uint64_t replayed = 0;     ///< more bits, and read again
  std::uint64_t uncorrected = 0;  ///< more bits, and known to be wrong
  std::uint64_t undetected = 0;   ///< nobody looked, or nobody could tell

  void add(const HbmErrors& other) {
    corrected += other.corrected;
    replayed += other.replayed;
    uncorrected += other.uncorrected;
    undetected += other.undetected;
  }
};

}  // namespace cowosim::telemetry
