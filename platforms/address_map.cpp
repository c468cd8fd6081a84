#include "platforms/address_map.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "core/units.h"

namespace cowosim::platforms {

namespace {

constexpr const char* kRegisters = "registers";

std::uint64_t as_address(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// As a file would have it, where a file can.
std::string behind(const AddressRegion& region) {
  const std::uint64_t next = region.last() + 1;
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return next > most ? fmt::format("0x{:x}", next) : format_quantity(static_cast<std::int64_t>(next), Unit::bytes);
}

/// Every region, and the path of its base; memory has none.
struct Placed {
  AddressRegion region;
  std::string path;
};

std::vector<Placed> regions_of(const PlatformParams& platform, const MemoryMap& memory) {
  std::vector<Placed> all;
  const auto add = [&](std::string path, const std::string& name, std::uint64_t first, std::uint64_t bytes,
                       AddressRegion::Kind kind, int index = 0) {
    Placed& placed = all.emplace_back();
    placed.path = std::move(path);
    placed.region.name = name;
    placed.region.first = first;
    placed.region.bytes = bytes;
    placed.region.kind = kind;
    placed.region.index = index;
  };
  for (const MemoryMap::Region& region : memory.regions())
    add("", region.name, region.first, region.bytes, AddressRegion::Kind::memory);
  add("registers.base", kRegisters, as_address(platform.registers.base), as_address(platform.registers.size),
      AddressRegion::Kind::registers);
  for (std::size_t i = 0; i < platform.foreign.size(); ++i) {
    const bridge::ForeignParams& foreign = platform.foreign[i];
    if (!has_region(foreign)) continue;
    add("foreign." + foreign.name + ".base", foreign.name, as_address(foreign.base), as_address(foreign.size),
        AddressRegion::Kind::foreign, static_cast<int>(i));
  }
  return all;
}

}  // namespace

bool has_region(const bridge::ForeignParams& foreign) { return !foreign.initiates() && foreign.in_place_of.empty(); }

std::vector<ParameterProblem> address_problems(const PlatformParams& platform, const MemoryMap& memory) {
  std::vector<ParameterProblem> problems;
  for (const bridge::ForeignParams& foreign : platform.foreign) {
    const std::string path = "foreign." + foreign.name;
    if (has_region(foreign)) {
      if (foreign.size == 0)
        problems.push_back({path + ".size", "must be above 0: a target answers at addresses of its own (base, size)"});
      continue;
    }
    const char* why =
        foreign.initiates() ? "an initiator has no addresses" : "what stands in place of something has its addresses";
    if (foreign.base != 0) problems.push_back({path + ".base", fmt::format("{}; leave it out", why)});
    if (foreign.size != 0) problems.push_back({path + ".size", fmt::format("{}; leave it out", why)});
  }

  const std::vector<Placed> all = regions_of(platform, memory);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const AddressRegion& region = all[i].region;
    if (region.bytes == 0) continue;
    for (std::size_t j = 0; j < i; ++j) {
      const AddressRegion& other = all[j].region;
      if (other.bytes == 0 || region.last() < other.first || other.last() < region.first) continue;
      problems.push_back(
          {all[i].path,
           fmt::format("0x{:x} to 0x{:x} overlaps {} (0x{:x} to 0x{:x}); expected a base from {} on", region.first,
                       region.last(), other.name, other.first, other.last(), behind(other))});
      break;
    }
  }
  return problems;
}

AddressMap make_address_map(const PlatformParams& platform, const MemoryMap& memory) {
  std::vector<AddressRegion> regions;
  for (Placed& placed : regions_of(platform, memory)) regions.push_back(std::move(placed.region));
  return AddressMap(std::move(regions));
}

std::string describe(const AddressRegion& region, const PlatformParams& platform, const MemoryMap& memory) {
  switch (region.kind) {
    case AddressRegion::Kind::memory:
      for (const MemoryMap::Region& of_memory : memory.regions()) {
        if (of_memory.first == region.first)
          return fmt::format("over {} {}s of stacks {}", of_memory.units, memory.options().interleave,
                             fmt::join(of_memory.stacks, ", "));
      }
      break;
    case AddressRegion::Kind::registers:
      return "counters and doorbell of the package";
    case AddressRegion::Kind::foreign: {
      const bridge::ForeignParams& foreign = platform.foreign.at(static_cast<std::size_t>(region.index));
      return foreign.at == "off_package" ? "foreign target off package" : "foreign target at " + foreign.at;
    }
  }
  return "";
}

}  // namespace cowosim::platforms
