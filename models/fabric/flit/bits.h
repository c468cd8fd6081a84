// Sets of small numbers as bit masks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cowosim::fabric {

/// Calls visit(64 x word + i) for every bit i of `bits`, from the lowest.
template <class Visit>
void for_each_bit(std::uint64_t bits, std::size_t word, Visit&& visit) {
  for (; bits != 0; bits &= bits - 1)
    visit(static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))));
}

inline bool has_bit(const std::vector<std::uint64_t>& mask, std::uint32_t first_word, std::uint32_t bit) {
  return (mask[first_word + bit / 64] >> (bit % 64) & 1) != 0;
}
inline void set_bit(std::vector<std::uint64_t>& mask, std::uint32_t first_word, std::uint32_t bit) {
  mask[first_word + bit / 64] |= std::uint64_t{1} << (bit % 64);
}
inline void clear_bit(std::vector<std::uint64_t>& mask, std::uint32_t first_word, std::uint32_t bit) {
  mask[first_word + bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
}

}  // namespace cowosim::fabric
