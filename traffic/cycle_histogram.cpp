#include "traffic/cycle_histogram.h"

#include <algorithm>
#include <cmath>

namespace cowosim::traffic {

void CycleHistogram::add_beyond(std::uint64_t cycles) {
  for (; cycles >> shift_ >= kMaxBins; ++shift_) {
    bins_.resize((bins_.size() + 1) / 2 * 2, 0);
    for (std::size_t i = 0; i < bins_.size() / 2; ++i) bins_[i] = bins_[2 * i] + bins_[2 * i + 1];
    bins_.resize(bins_.size() / 2);
  }
  std::uint64_t size = std::max<std::uint64_t>(bins_.size(), 256);
  while (size <= cycles >> shift_) size *= 2;
  bins_.resize(size, 0);
  ++bins_[cycles >> shift_];
  account(cycles);
}

void CycleHistogram::merge(const CycleHistogram& other) {
  const std::uint64_t count = count_ + other.count_;
  const std::uint64_t sum = sum_ + other.sum_;
  for (std::size_t bin = 0; bin < other.bins_.size(); ++bin) {
    if (other.bins_[bin] == 0) continue;
    const std::uint64_t value = std::min(((bin + 1) << other.shift_) - 1, other.max_);
    add(value);
    bins_[value >> shift_] += other.bins_[bin] - 1;
  }
  min_ = std::min(min_, other.min_);
  count_ = count;
  sum_ = sum;
}

std::uint64_t CycleHistogram::quantile(double q) const {
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    seen += bins_[bin];
    if (seen >= rank) return std::min(((bin + 1) << shift_) - 1, max_);
  }
  return max_;
}

}  // namespace cowosim::traffic
