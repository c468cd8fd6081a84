#include "core/address_map.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace cowosim {

const char* name_of(AddressRegion::Kind kind) {
  constexpr const char* names[] = {"memory", "registers", "foreign"};
  return names[static_cast<int>(kind)];
}

AddressMap::AddressMap(std::vector<AddressRegion> regions) : regions_(std::move(regions)) {
  std::sort(regions_.begin(), regions_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < regions_.size(); ++i) {
    const AddressRegion& region = regions_[i];
    if (region.bytes == 0) throw std::invalid_argument(region.name + ": a region without bytes");
    if (region.last() < region.first) throw std::invalid_argument(region.name + ": the region ends beyond 2^64");
    if (i > 0 && regions_[i - 1].last() >= region.first) {
      throw std::invalid_argument(fmt::format("{} (0x{:x} to 0x{:x}) overlaps {} (0x{:x} to 0x{:x})", region.name,
                                              region.first, region.last(), regions_[i - 1].name, regions_[i - 1].first,
                                              regions_[i - 1].last()));
    }
  }
}

const AddressRegion* AddressMap::find(std::uint64_t address, std::uint64_t bytes) const {
  if (bytes == 0) return nullptr;
  auto next = std::upper_bound(regions_.begin(), regions_.end(), address,
                               [](std::uint64_t a, const AddressRegion& region) { return a < region.first; });
  if (next == regions_.begin()) return nullptr;
  const AddressRegion& region = *--next;
  return address <= region.last() && bytes - 1 <= region.last() - address ? &region : nullptr;
}

std::string AddressMap::describe_hole(std::uint64_t address, std::uint64_t bytes) const {
  const std::string what =
      bytes <= 1 ? fmt::format("0x{:x}", address) : fmt::format("{} bytes at 0x{:x}", bytes, address);
  for (std::size_t i = 0; i < regions_.size(); ++i) {
    const AddressRegion& region = regions_[i];
    if (address > region.last()) continue;
    if (address >= region.first) return fmt::format("{} end beyond {} (0x{:x})", what, region.name, region.last());
    if (i == 0) return fmt::format("{} lies before {} (begins at 0x{:x})", what, region.name, region.first);
    return fmt::format("{} lies in the hole between {} (ends at 0x{:x}) and {} (begins at 0x{:x})", what,
                       regions_[i - 1].name, regions_[i - 1].last(), region.name, region.first);
  }
  if (regions_.empty()) return what + ": nothing has an address here";
  return fmt::format("{} lies behind {} (ends at 0x{:x})", what, regions_.back().name, regions_.back().last());
}

}  // namespace cowosim
