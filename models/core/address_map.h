// What answers at a package physical address: memory, registers, a foreign model, or nobody.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cowosim {

struct AddressRegion {
  enum class Kind : std::uint8_t {
    memory,     ///< HBM, also where foreign models stand in place of stacks; the memory map says which stack
    registers,  ///< counters and doorbells of the package
    foreign     ///< a foreign model at a die's or an off-package port
  };
  std::string name;
  std::uint64_t first = 0;
  std::uint64_t bytes = 0;  ///< > 0
  Kind kind = Kind::memory;
  int index = 0;  ///< of the foreign model, in the order of the platform file

  std::uint64_t last() const { return first + (bytes - 1); }
};
const char* name_of(AddressRegion::Kind kind);

/// Regions do not overlap; what lies in none of them is a hole, and an access that touches one is an error.
class AddressMap {
 public:
  AddressMap() = default;
  /// Throws std::invalid_argument naming the regions that overlap, are empty or end beyond 2^64.
  explicit AddressMap(std::vector<AddressRegion> regions);

  /// The region that holds all of [address, address + bytes); nullptr: there is none, or not all of it lies in one.
  const AddressRegion* find(std::uint64_t address, std::uint64_t bytes = 1) const;
  /// By address.
  const std::vector<AddressRegion>& regions() const { return regions_; }
  /// For messages: "0x... is in a hole between hbm (ends at 0x...) and registers (begins at 0x...)".
  std::string describe_hole(std::uint64_t address, std::uint64_t bytes = 1) const;

 private:
  std::vector<AddressRegion> regions_;  // by address
};

}  // namespace cowosim
