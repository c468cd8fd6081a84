// Histogram of whole cycles, exact in bounded memory.
#pragma once

#include <cstdint>
#include <vector>

namespace cowosim::traffic {

/// One bin a cycle while all values are below 2^20, at most 8 MiB; with larger ones pairs of bins are joined until they fit, so that a
/// bin's width is never more than 2^-19 of the largest value. Count, sum, min and max are exact whatever happens.
class CycleHistogram {
 public:
  void add(std::uint64_t cycles) {
    const std::uint64_t bin = cycles >> shift_;
    if (bin >= bins_.size()) return add_beyond(cycles);
    ++bins_[bin];
    account(cycles);
  }

  /// Where bins are wide, the others' entries count as the last value of theirs; sums stay exact.
  void merge(const CycleHistogram& other);
  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  /// The value below which the fraction `q` (0..1) of the entries lies (nearest rank; of a wide bin the last value). 0 without entries.
  std::uint64_t quantile(double q) const;

 private:
  static constexpr std::uint64_t kMaxBins = std::uint64_t{1} << 20;
  [[gnu::cold, gnu::noinline]] void add_beyond(std::uint64_t cycles);
  void account(std::uint64_t cycles) {
    ++count_;
    sum_ += cycles;
    if (cycles < min_) min_ = cycles;
    if (cycles > max_) max_ = cycles;
  }

  std::vector<std::uint64_t> bins_;
  unsigned shift_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace cowosim::traffic
