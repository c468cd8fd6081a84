// Random numbers: integer, seeded, one draw a statement, tied to events and never to how often something is called.
#pragma once

#include <cstdint>

#include "core/transaction.h"

namespace cowosim {

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): the whole state is one word.
class SplitMix64 {
 public:
  explicit constexpr SplitMix64(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ull;
    return mix(state_);
  }

 private:
  std::uint64_t state_;
};

/// Uniform in [0, bound) from one 64-bit draw, without a division (Lemire, TOMACS 2019; bias < 2^-32 for bounds < 2^32).
constexpr std::uint64_t bounded(std::uint64_t draw, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(draw) * bound) >> 64);
}

}  // namespace cowosim
