#include "telemetry/histogram.h"

#include <algorithm>
#include <cmath>

namespace cowosim::telemetry {

void Histogram::allocate(int octave) {
  octaves_[static_cast<std::size_t>(octave)] = std::make_unique<std::uint32_t[]>(kBins);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t o = 0; o < kOctaves; ++o) {
    if (!other.octaves_[o]) continue;
    if (!octaves_[o]) allocate(static_cast<int>(o));
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
