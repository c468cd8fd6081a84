// Where things lie in a package's memory: the only thing traffic sees of the machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace cowosim::work {

/// What a region holds; the keys of results' capacity.used.
enum class Category : std::uint8_t { weights, kv, activations, other };
inline constexpr std::size_t kCategories = 4;
constexpr const char* name_of(Category category) {
  constexpr const char* names[kCategories] = {"weights", "kv", "activations", "other"};
  return names[static_cast<std::size_t>(category)];
}

struct Region {
  std::string name;
  Category category = Category::other;
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
};

/// Hands out regions of the package's address space one after the other, never overlapping, never freed.
/// A region that does not fit still gets an address, so that one call of `require_fit` can say how much everything needs.
class Placement {
 public:
  /// `capacity` in bytes: addresses are [0, capacity). Regions begin at multiples of `alignment` (a power of two; default: 4 KiB, more than any interleave granule).
  explicit Placement(std::uint64_t capacity, std::uint64_t alignment = 4096);

  /// The address of `bytes` (> 0) new bytes. Throws std::length_error beyond 2^62 bytes.
  std::uint64_t place(const std::string& name, Category category, std::uint64_t bytes);

  std::uint64_t capacity() const { return capacity_; }
  /// End of the last region, alignment gaps included.
  std::uint64_t used() const { return end_; }
  /// Sum of the regions of one category, without gaps.
  std::uint64_t used(Category category) const { return by_category_[static_cast<std::size_t>(category)]; }
  std::uint64_t free() const { return end_ < capacity_ ? capacity_ - end_ : 0; }
  /// Bytes that do not fit; 0 when everything does.
  std::uint64_t missing() const { return end_ > capacity_ ? end_ - capacity_ : 0; }
  /// Throws ConfigError, naming `what`, the bytes it needs by category, the capacity and how much is missing.
  void require_fit(const std::string& what) const;

  const std::deque<Region>& regions() const { return regions_; }
  /// The region that holds `address`; nullptr when none does.
  const Region* find(std::uint64_t address) const;

 private:
  std::uint64_t capacity_;
  std::uint64_t alignment_;
  std::uint64_t end_ = 0;
  std::array<std::uint64_t, kCategories> by_category_{};
  std::deque<Region> regions_;  // ascending addresses
};

}  // namespace cowosim::work
