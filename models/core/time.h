// Simulated time: integer femtoseconds, everywhere. No SystemC here.
#pragma once

#include <cstdint>
#include <limits>

namespace cowosim {

/// Femtoseconds since the start of the simulation (2.5 hours fit), or a duration.
using Time = std::int64_t;

inline constexpr Time kPicosecond = 1'000;
inline constexpr Time kNanosecond = 1'000'000;
inline constexpr Time kMicrosecond = 1'000'000'000;
inline constexpr Time kMillisecond = 1'000'000'000'000;
inline constexpr Time kSecond = 1'000'000'000'000'000;

/// "No such moment": later than everything.
inline constexpr Time kNever = std::numeric_limits<Time>::max();

/// Period of a clock of `hertz`, rounded up to a femtosecond: a modelled clock is never faster than the real one.
constexpr Time period_of(double hertz) {
  const double exact = 1e15 / hertz;
  const Time truncated = static_cast<Time>(exact);
  return static_cast<double>(truncated) < exact ? truncated + 1 : truncated;
}

/// A clock: edge n is at n x period, so that edges never drift.
struct Clock {
  Time period = kNanosecond;

  constexpr Time edge(std::int64_t n) const { return n * period; }
  /// Index of the first edge at or after `t` (t >= 0).
  constexpr std::int64_t index_at(Time t) const { return (t + period - 1) / period; }
  /// The first edge at or after `t`.
  constexpr Time align(Time t) const { return index_at(t) * period; }
};

/// Time to move `bytes` at `bytes_per_second`, rounded up to a femtosecond.
constexpr Time transfer_time(std::int64_t bytes, std::int64_t bytes_per_second) {
  return static_cast<Time>((static_cast<__int128>(bytes) * kSecond + bytes_per_second - 1) / bytes_per_second);
}

constexpr double to_ns(Time t) { return static_cast<double>(t) / static_cast<double>(kNanosecond); }

}  // namespace cowosim
