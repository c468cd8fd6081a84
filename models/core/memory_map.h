// Where a byte lives: package physical address <-> {stack, channel, pseudo-channel, SID, bank group, bank, row,
// column}.
//
// Three steps, each one-to-one:
//  (a) regions: the address space is cut into regions, each interleaved over stacks of its own (one region over all
//      stacks, unless told otherwise). A region takes an equal share of every unit of its stacks. A unit is a channel
//      or, with `interleave` pseudo_channel, a pseudo-channel. Masked units are in no region: nothing reaches them.
//  (b) interleaving: granule g of a region with C units, q = g / C: the unit is (g + rotation(q)) mod C, where rotation
//      is a hash of q, so that no power-of-two stride camps on a few units. C may be any number (80 - 3 = 77).
//  (c) fields: the address in the unit is cut into a list of fields, from most to least significant. A field may have
//      any number of values (3 SIDs, 24576 rows); those with a power of two of values are bits. Then XOR hashes apply,
//      first the listed ones, then the built-in bank hash.
//
// Hashes (`MemoryMapOptions::hashes`), each "TARGET ^= SOURCE ^ SOURCE ...": a target is a field of the address map or
// bits of it, a source is bits of a field or of the address in the unit; all are equally many bits, the lowest first:
//   bank_group[0] ^= row[0] ^ row[2]
//   bank_group ^= row[0:1] ^ row[4:5]
//   bank ^= address[20:21]
// as reverse engineering finds them (DRAMA, Pessl et al., USENIX Security 2016). Sources are what the address says,
// before any hash; so the order of the entries does not matter; several for one target add up, and all must be invertible over GF(2).
//
// Addresses are bytes from 0 to capacity() - 1; asking for an address beyond is the caller's error (use `contains`).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"

namespace cowosim {

/// How many of each there are; `channels` per stack, everything below per its parent.
struct MemoryGeometry {
  int stacks = 1;
  int channels = 1;
  int pseudo_channels = 1;
  int sids = 1;
  int bank_groups = 4;
  int banks = 4;     ///< per bank group
  int rows = 16384;  ///< per bank
  int columns = 32;  ///< accesses of kAtomBytes per row
};

/// A part of the address space with stacks of its own. Regions follow each other in the order in which they are given.
struct MemoryRegionParams {
  std::string name;
  std::vector<std::string> stacks;
  std::string size = "rest";

  template <class Visitor>
  void visit(Visitor& v) {
    v("stacks", stacks, "stacks it is interleaved over: numbers and ranges (0..3); none: all of them",
      "experiment: NUMA policy of the package");
    v("size", size, "bytes (16GiB), the same from each of its units; or `rest`: what regions before it have left there",
      "experiment: NUMA policy of the package");
  }
};

struct MemoryMapOptions {
  /// Fields of a unit's address, most significant first: row, sid, bank, bank_group, pseudo_channel, column, offset
  /// (the kAtomBytes of one access, always last). `column` may be split into `column_high` and `column_low`;
  /// column_low_bits says how many bits the low part has. A field with one value has no bits and may be left out.
  std::vector<std::string> fields = {"row", "sid", "bank", "column", "bank_group", "offset"};
  int column_low_bits = 1;
  /// Bytes that stay together in one unit: a power of two, 64..512 with several units.
  std::int64_t granule = 256;
  /// Rotate the units by a hash of the granule's quotient.
  bool channel_hash = true;
  /// XOR {pseudo_channel, bank_group, bank} with folded row bits (permutation-based interleaving, Zhang, Zhu, Zhang,
  /// MICRO 2000).
  bool bank_hash = true;
  /// "channel" or "pseudo_channel": what granules are interleaved over. With pseudo_channel the field of that name
  /// counts for nothing.
  std::string interleave = "channel";
  std::vector<std::string> hashes;
  std::vector<MemoryRegionParams> regions;  ///< none: one over everything
  /// Fused off: hbm_stack_S, hbm_stack_S.channel_C, hbm_stack_S.channel_C.pseudo_channel_P. A single pseudo-channel
  /// needs interleave: pseudo_channel, for all units must be equally large.
  std::vector<std::string> masked;
};

struct Location {
  std::uint16_t stack = 0;
  std::uint16_t channel = 0;  ///< in the stack
  std::uint8_t pseudo_channel = 0;
  std::uint8_t sid = 0;
  std::uint8_t bank_group = 0;
  std::uint8_t bank = 0;  ///< in the bank group
  std::uint32_t row = 0;
  std::uint32_t column = 0;  ///< in accesses of kAtomBytes
  std::uint32_t offset = 0;  ///< byte in the access

  bool operator==(const Location& o) const {
    return stack == o.stack && channel == o.channel && pseudo_channel == o.pseudo_channel && sid == o.sid &&
           bank_group == o.bank_group && bank == o.bank && row == o.row && column == o.column && offset == o.offset;
  }
};

class MemoryMap {
 public:
  /// What is wrong with a geometry and its options; empty when a map can be built.
  static std::vector<ParameterProblem> problems(const MemoryGeometry& geometry, const MemoryMapOptions& options);

  /// Throws std::invalid_argument with the first of `problems`.
  MemoryMap(const MemoryGeometry& geometry, const MemoryMapOptions& options);

  const MemoryGeometry& geometry() const { return geometry_; }
  const MemoryMapOptions& options() const { return options_; }
  /// Bytes in all stacks together, masked units left out.
  std::uint64_t capacity() const { return ranges_.back().end; }
  std::uint64_t granule() const { return granule_mask_ + 1; }
  bool contains(std::uint64_t address, std::uint64_t bytes = 1) const {
    return address < capacity() && bytes <= capacity() - address;
  }
  /// Number of channels in the package, masked ones included, and the index (stack x channels + channel) that an
  /// address belongs to.
  std::uint32_t channels() const { return static_cast<std::uint32_t>(geometry_.stacks * geometry_.channels); }
  std::uint32_t channel_of(std::uint64_t address) const { return place(address).unit->channel_index; }

  /// Whether addresses can reach it: it is not masked. Indices within the geometry.
  bool present(int stack, int channel, int pseudo_channel) const {
    return present_[static_cast<std::size_t>((stack * geometry_.channels + channel) * geometry_.pseudo_channels +
                                             pseudo_channel)];
  }
  /// Pseudo-channels left of a channel (index as in channel_of); of all.
  int present_in(std::uint32_t channel) const;
  int present_pseudo_channels() const;
  /// Channels of which anything is left.
  std::uint32_t present_channels() const;

  struct Region {
    std::string name;
    std::uint64_t first;
    std::uint64_t bytes;
    std::vector<int> stacks;  ///< those with units in it
    std::uint32_t units;
  };
  std::vector<Region> regions() const;
  const std::string& region_of(std::uint64_t address) const { return range_of(address).name; }

  /// The address among the bytes of its own stack, 0 .. bytes of a stack - 1: unit by unit, contiguous inside a granule. What a
  /// memory that stands in place of the stack is asked for.
  std::uint64_t in_stack(std::uint64_t address) const {
    const Place at = place(address);
    const bool pseudo = options_.interleave == "pseudo_channel";
    const std::uint64_t unit =
        pseudo ? std::uint64_t{at.unit->channel} * static_cast<unsigned>(geometry_.pseudo_channels) +
                     static_cast<std::uint8_t>(at.unit->packed >> kPseudoChannelAt)
               : at.unit->channel;
    return unit * unit_bytes_ + at.local;
  }
  std::uint64_t stack_bytes() const {
    const bool pseudo = options_.interleave == "pseudo_channel";
    return unit_bytes_ * static_cast<unsigned>(geometry_.channels * (pseudo ? geometry_.pseudo_channels : 1));
  }

  Location decode(std::uint64_t address) const {
    const Place at = place(address);
    std::uint64_t local = at.local;
    for (const Digit& digit : digits_) local = digit.spread(local);
    const auto look_up = [&](std::size_t i) {
      return tables_[i][local >> (kAtomShift + i * kTableShift) & (kTableSize - 1)];
    };
    const std::uint64_t packed = at.unit->packed ^ look_up(0) ^ look_up(1) ^ look_up(2) ^ look_up(3);
    Location location;
    location.stack = at.unit->stack;
    location.channel = at.unit->channel;
    location.pseudo_channel = static_cast<std::uint8_t>(packed >> kPseudoChannelAt);
    location.sid = static_cast<std::uint8_t>(packed >> kSidAt);
    location.bank_group = static_cast<std::uint8_t>(packed >> kBankGroupAt);
    location.bank = static_cast<std::uint8_t>(packed >> kBankAt);
    location.row = static_cast<std::uint32_t>(packed >> kRowAt) & ((1u << (kColumnAt - kRowAt)) - 1);
    location.column = static_cast<std::uint32_t>(packed >> kColumnAt);
    location.offset = static_cast<std::uint32_t>(local) & ((1u << kAtomShift) - 1);
    return location;
  }

  /// The inverse: encode(decode(a)) == a for every a that the map contains. The location's unit must be present.
  std::uint64_t encode(const Location& location) const;

 private:
  // A location below the unit as one word, so that fields and hashes together are one linear map over GF(2), and
  // decoding is the XOR of a table entry for each byte of the local address, however many hashes there are.
  static constexpr unsigned kPseudoChannelAt = 0, kSidAt = 8, kBankGroupAt = 16, kBankAt = 24, kRowAt = 32,
                            kColumnAt = 52;
  static constexpr unsigned kAtomShift = 5;  // kAtomBytes
  static constexpr unsigned kTableShift = 8, kTables = 4, kTableSize = 1u << kTableShift;
  static constexpr unsigned kLocalBits = kTables * kTableShift;  // above the offset

  struct Slot {            // a unit's place in a region
    std::uint64_t base;    // of the region's share in the unit
    std::uint64_t packed;  // the pseudo-channel, where that is the unit
    std::uint16_t stack;
    std::uint16_t channel;
    std::uint32_t channel_index;
  };
  struct Range {
    std::uint64_t first, end;
    std::uint64_t reciprocal;  // 2^64 / units, rounded up
    std::uint32_t first_unit, count;
    std::uint64_t share;  // bytes of each unit
    std::string name;
  };
  struct Place {
    const Slot* unit;
    std::uint64_t local;
  };
  /// A field, not the first, whose number of values is no power of two: spread out to whole bits, so that what follows
  /// sees bits only.
  struct Digit {
    unsigned shift, bits;
    std::uint64_t values;
    std::uint64_t spread(std::uint64_t local) const {
      const std::uint64_t above = local >> shift;
      const std::uint64_t rest = above / values;
      return (rest << bits | (above - rest * values)) << shift | (local & ((std::uint64_t{1} << shift) - 1));
    }
    std::uint64_t squeeze(std::uint64_t local) const {
      const std::uint64_t above = local >> shift;
      return ((above >> bits) * values + (above & ((std::uint64_t{1} << bits) - 1))) << shift |
             (local & ((std::uint64_t{1} << shift) - 1));
    }
  };

  MemoryMap() = default;
  std::vector<ParameterProblem> configure();
  MemoryGeometry unit_geometry() const;
  void mask(std::vector<ParameterProblem>& problems);
  void lay_out(std::vector<ParameterProblem>& problems);
  void divide(std::vector<ParameterProblem>& problems);
  std::vector<Slot> all_units() const;

  const Range& range_of(std::uint64_t address) const {
    const Range* range = ranges_.data();
    while (address >= range->end) ++range;
    return *range;
  }
  /// Multiplicative hash of the quotient, scaled to [0, units); 0 without channel_hash.
  std::uint32_t rotation(std::uint64_t quotient, std::uint32_t units) const {
    const std::uint64_t hash = (quotient * rotation_factor_) >> 32;
    return static_cast<std::uint32_t>((hash * units) >> 32);
  }
  Place place(std::uint64_t address) const {
    const Range& range = range_of(address);
    const std::uint64_t within = address - range.first;
    const Slot* unit = units_.data() + range.first_unit;
    if (range.count == 1) return {unit, unit->base + within};
    // granule x reciprocal / 2^64 is exact while granule x count < 2^64: limits in `problems` see to it.
    const std::uint64_t granule = within >> granule_shift_;
    const auto quotient = static_cast<std::uint64_t>(static_cast<unsigned __int128>(granule) * range.reciprocal >> 64);
    std::uint32_t index = static_cast<std::uint32_t>(granule - quotient * range.count);
    index += rotation(quotient, range.count);
    if (index >= range.count) index -= range.count;
    unit += index;
    return {unit, unit->base + (quotient << granule_shift_ | (within & granule_mask_))};
  }

  MemoryGeometry geometry_;
  MemoryMapOptions options_;
  std::uint64_t granule_mask_ = 0;
  std::uint64_t rotation_factor_ = 0;
  std::uint32_t granule_shift_ = 0;
  std::vector<Range> ranges_;
  std::vector<Slot> units_;  // of all regions, in order
  std::vector<Digit> digits_;
  std::array<std::array<std::uint64_t, kTableSize>, kTables> tables_{};
  std::array<std::uint64_t, kLocalBits> inverse_{};  // the bits of a packed location whose XOR is this local bit
  std::uint64_t unit_bytes_ = 0;
  std::vector<bool> present_;  // by pseudo-channel
};

}  // namespace cowosim
