#include "telemetry/histogram.h"

#include <algorithm>
#include <cmath>

namespace cowosim::telemetry {

void Histogram::find_bin(Time value) {
  const std::uint64_t picoseconds = static_cast<std::uint64_t>(value) / 1000;
  // Octave 0 is 0..63 ps, octave 1 is 64..127 ps: 1 ps a bin in both.
  const auto shift = static_cast<std::uint64_t>(57 - __builtin_clzll(picoseconds | kBins));
  const std::uint64_t bin = shift * kBins + (picoseconds >> shift);
  std::uint32_t* const bins = octaves_[bin / kBins].get();
  if (bins == nullptr) return find_new_bin(bin / kBins, value);
  last_ = value;
  last_bin_ = bins + bin % kBins;
  ++*last_bin_;
  if (value < min_) min_ = value;
  if (value > max_) max_ = value;
}

void Histogram::find_new_bin(std::size_t octave, Time value) {
  allocate(octave);
  find_bin(value);
}

void Histogram::allocate(std::size_t octave) { octaves_[octave] = std::make_unique<std::uint32_t[]>(kBins); }

void Histogram::merge(const Histogram& other) {
  for (std::size_t o = 0; o < kOctaves; ++o) {
    if (!other.octaves_[o]) continue;
    if (!octaves_[o]) allocate(o);
    for (std::uint64_t b = 0; b < kBins; ++b) octaves_[o][b] += other.octaves_[o][b];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Time Histogram::quantile_among(double q, std::uint64_t total) const {
  const std::uint64_t zeros = total - count_;
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total))));
  if (count_ == 0 || rank <= zeros) return 0;
  if (rank == zeros + 1) return min_;  // both ends are known exactly
  if (rank >= total) return max_;
  std::uint64_t seen = zeros;
  for (std::size_t o = 0; o < kOctaves; ++o) {
    if (!octaves_[o]) continue;
    for (std::uint64_t b = 0; b < kBins; ++b) {
      seen += octaves_[o][b];
      if (seen < rank) continue;
      const std::uint64_t width = o == 0 ? 1 : std::uint64_t{1} << (o - 1);  // picoseconds
      const std::uint64_t low = o == 0 ? b : (kBins + b) * width;
      const Time middle = static_cast<Time>(low * 1000 + width * 500);
      return std::clamp(middle, min_, max_);
    }
  }
  return max_;
}

}  // namespace cowosim::telemetry
