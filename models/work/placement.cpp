#include "work/placement.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

#include "core/error.h"

namespace cowosim::work {

Placement::Placement(std::uint64_t capacity, std::uint64_t alignment) : capacity_(capacity), alignment_(alignment) {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0)
    throw std::invalid_argument("an alignment is a power of two");
}

std::uint64_t Placement::place(const std::string& name, Category category, std::uint64_t bytes) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 62;
  if (bytes == 0) throw std::invalid_argument("region " + name + " is empty");
  const std::uint64_t base = (end_ + alignment_ - 1) & ~(alignment_ - 1);
  if (bytes > kLimit || base > kLimit - bytes)
    throw std::length_error("region " + name + " is larger than any address space");
  end_ = base + bytes;
  by_category_[static_cast<std::size_t>(category)] += bytes;
  regions_.push_back({name, category, base, bytes});
  return base;
}

void Placement::require_fit(const std::string& what) const {
  if (missing() == 0) return;
  std::string parts;
  for (std::size_t c = 0; c < kCategories; ++c) {
    if (by_category_[c] == 0) continue;
    parts += fmt::format("{}{} {:.3f} GB", parts.empty() ? "" : ", ", name_of(static_cast<Category>(c)),
                         by_category_[c] / 1e9);
  }
  throw ConfigError(
      Diagnostic{"", 0, 0, "workload",
                 fmt::format("{} needs {} bytes ({}) but the package has {}: {} bytes ({:.3f} GB) are missing", what,
                             end_, parts, capacity_, missing(), missing() / 1e9)});
}

const Region* Placement::find(std::uint64_t address) const {
  auto after = std::upper_bound(regions_.begin(), regions_.end(), address,
                                [](std::uint64_t a, const Region& region) { return a < region.base; });
  if (after == regions_.begin()) return nullptr;
  --after;
  return address - after->base < after->bytes ? &*after : nullptr;
}

}  // namespace cowosim::work
