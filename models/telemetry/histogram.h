// Log-linear histogram of times, bin error <= 1 %.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/time.h"

namespace cowosim::telemetry {

/// Values >= 0 in femtoseconds, kept as picoseconds: 64 linear bins per octave (a bin is at most 1.6 % wide, its middle at
/// most 0.8 % off). Octaves are allocated when first hit, so an empty histogram is small. Count, sum, min and max are exact.
class Histogram {
 public:
  Histogram() = default;
  Histogram(Histogram&&) = default;
  Histogram& operator=(Histogram&&) = default;

  void add(Time value) {
    ++count_;
    sum_ += static_cast<std::uint64_t>(value);
    if (value == last_)
      ++*last_bin_;
    else
      find_bin(value);
  }

  void merge(const Histogram& other);
  std::uint64_t count() const { return count_; }
  Time min() const { return count_ == 0 ? 0 : min_; }
  Time max() const { return max_; }
  __int128 sum() const { return sum_; }
  double mean() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  /// The value below which the fraction `q` (0..1) of the entries lies (nearest rank: the middle of its
  /// bin, the first and the last rank exactly).
  Time quantile(double q) const { return quantile_among(q, count_); }
  /// The same among `total` >= count() values, of which those that were not added are zero.
  Time quantile_among(double q, std::uint64_t total) const;

 private:
  static constexpr std::uint64_t kBins = 64;
  static constexpr std::size_t kOctaves = 59;
  void find_bin(Time value);  // and counts there
  [[gnu::cold, gnu::noinline]] void find_new_bin(std::size_t octave, Time value);
  void allocate(std::size_t octave);

  std::array<std::unique_ptr<std::uint32_t[]>, kOctaves> octaves_{};
  std::uint64_t count_ = 0;
  __int128 sum_ = 0;
  Time min_ = kNever;
  Time max_ = 0;
  Time last_ = -1;  // many times are always the same: the last one's bin is known
  std::uint32_t* last_bin_ = nullptr;
};

}  // namespace cowosim::telemetry
