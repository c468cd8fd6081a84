#include "work/tile.h"

#include <stdexcept>

#include "core/random.h"

namespace cowosim::work {

Permutation::Permutation(std::uint64_t n, std::uint64_t seed) : n_(n) {
  if (n == 0) throw std::invalid_argument("a permutation needs at least one element");
  int bits = 0;
  while (bits < 64 && (std::uint64_t{1} << bits) < n) ++bits;
  mask_ = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  shift_ = bits / 2 + 1;  // so that the upper half reaches the lower one; a shift by >= 1 of k bits is invertible
  SplitMix64 draw(seed);
  for (int round = 0; round < kRounds; ++round) {
    multiplier_[round] = draw.next() | 1;
    addend_[round] = draw.next();
  }
}

Cursor::Cursor(const Access& access, std::uint32_t granule) : access_(access), granule_(granule) {
  if (granule < kAtomBytes || (granule & (granule - 1)) != 0) {
    throw std::invalid_argument("a cursor's granule is a power of two, at least one atom");
  }
  if (access_.pattern == Pattern::linear) {
    if (access_.pitch == access_.row_bytes && access_.rows > 1) {
      access_.row_bytes *= access_.rows;
      access_.rows = 1;
    }
    return;
  }
  if (access_.rows == 0) return;
  if (access_.row_bytes == 0 || access_.footprint < access_.row_bytes) {
    throw std::invalid_argument("the footprint of a random or chased access holds no block");
  }
  access_.footprint /= access_.row_bytes;  // from here on in blocks
  if (access_.pattern == Pattern::chase) {
    permutation_ = Permutation(access_.footprint, access_.seed);
    access_.first %= access_.footprint;
  }
}

bool Cursor::start_row() {
  if (row_ == access_.rows || access_.row_bytes == 0) return false;
  std::uint64_t offset = 0;
  switch (access_.pattern) {
    case Pattern::linear:
      offset = row_ * access_.pitch;
      break;
    case Pattern::random:
      offset = bounded(mix(access_.seed, access_.first + row_), access_.footprint) * access_.row_bytes;
      break;
    case Pattern::chase:
      offset = permutation_(access_.first) * access_.row_bytes;
      if (++access_.first == access_.footprint) access_.first = 0;
      break;
  }
  ++row_;
  at_ = access_.base + offset;
  end_ = at_ + access_.row_bytes;
  return true;
}

}  // namespace cowosim::work
