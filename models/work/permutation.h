// A pseudo-random order of n things that is computed, not stored.
#pragma once

#include <cstdint>

namespace cowosim::work {

/// A bijection of [0, n), n >= 1, chosen by `seed`: rounds of odd multiplications and xor-shifts on k bits, 2^(k-1) < n <= 2^k, each of
/// them invertible, and cycle walking (Black, Rogaway, CT-RSA 2002) back into [0, n): fewer than two rounds on average.
/// Visiting permutation(0), permutation(1), ... permutation(n - 1) and starting over is one cycle through all n:
/// the order in which a pointer chase walks its footprint. Any place in it costs the same to find.
class Permutation {
 public:
  Permutation() = default;
  Permutation(std::uint64_t n, std::uint64_t seed);

  std::uint64_t size() const { return n_; }
  /// Which of the n comes at place `i`, i < n.
  std::uint64_t operator()(std::uint64_t i) const {
    do {
      for (int round = 0; round < kRounds; ++round) {
        i = (i * multiplier_[round] + addend_[round]) & mask_;
        i ^= i >> shift_;
      }
    } while (i >= n_);
    return i;
  }

 private:
  static constexpr int kRounds = 3;
  std::uint64_t n_ = 1;
  std::uint64_t mask_ = 0;
  std::uint64_t multiplier_[kRounds] = {1, 1, 1};
  std::uint64_t addend_[kRounds] = {};
  int shift_ = 1;
};

}  // namespace cowosim::work
