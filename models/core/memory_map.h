// Where a byte lives: package physical address <-> {stack, channel, pseudo-channel, SID, bank group, bank, row,
// column}.
//
// Two steps, both one-to-one:
//  (a) interleaving: granule g = address / granule; with C = stacks x channels, q = g / C, the channel is
//      (g + rotation(q)) mod C, where rotation is a hash of q, so that no power-of-two stride camps on a few channels.
//      C may be any number (5 stacks x 16 channels = 80).
//  (b) fields: the channel-local address (q x granule + offset in the granule) is cut into a list of fields, from most
//      to least significant. Every field but the first must have a power of two of values.
//
// Addresses are bytes from 0 to capacity() - 1; asking for an address beyond is the caller's error (use `contains`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

struct MemoryMapOptions {
  /// Fields of the channel-local address, most significant first: row, sid, bank, bank_group, pseudo_channel, column,
  /// offset
  /// (the kAtomBytes of one access, always last). `column` may be split into `column_high` and `column_low`;
  /// column_low_bits says how many bits the low part has. A field with one value has no bits and may be left out.
  std::vector<std::string> fields = {"row", "sid", "bank", "column", "bank_group", "offset"};
  int column_low_bits = 1;
  /// Bytes that stay together in one channel: a power of two, 64..512 with several channels.
  std::int64_t granule = 256;
  /// Rotate the channels by a hash of the granule's quotient.
  bool channel_hash = true;
  /// XOR {pseudo_channel, bank_group, bank} with folded row bits (permutation-based interleaving, Zhang, Zhu, Zhang,
  /// MICRO 2000).
  bool bank_hash = true;
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
  /// Everything that is wrong with a geometry and its options, one sentence each; empty when a map can be built.
  static std::vector<std::string> problems(const MemoryGeometry& geometry, const MemoryMapOptions& options);

  /// Throws std::invalid_argument with the first of `problems`.
  MemoryMap(const MemoryGeometry& geometry, const MemoryMapOptions& options);

  const MemoryGeometry& geometry() const { return geometry_; }
  const MemoryMapOptions& options() const { return options_; }
  /// Bytes in all stacks together.
  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t granule() const { return std::uint64_t{1} << granule_shift_; }
  bool contains(std::uint64_t address, std::uint64_t bytes = 1) const {
    return address < capacity_ && bytes <= capacity_ - address;
  }
  /// Number of channels in the package, and the index (stack x channels + channel) that an address belongs to.
  std::uint32_t channels() const { return channels_; }
  std::uint32_t channel_of(std::uint64_t address) const {
    if (channels_ == 1) return 0;
    const std::uint64_t granule = address >> granule_shift_;
    const std::uint64_t quotient = granule / channels_;
    return rotate(static_cast<std::uint32_t>(granule - quotient * channels_), quotient);
  }

  Location decode(std::uint64_t address) const {
    Location location;
    std::uint64_t local = address;
    if (channels_ != 1) {
      const std::uint64_t granule = address >> granule_shift_;
      const std::uint64_t quotient = granule / channels_;
      const std::uint32_t channel = rotate(static_cast<std::uint32_t>(granule - quotient * channels_), quotient);
      location.stack = static_cast<std::uint16_t>(channel / channels_per_stack_);
      location.channel = static_cast<std::uint16_t>(channel % channels_per_stack_);
      local = (quotient << granule_shift_) | (address & granule_mask_);
    }
    location.offset = static_cast<std::uint32_t>(local) & offset_mask_;
    location.row = row_.of(local);
    location.column = column_low_.of(local) | column_high_.of(local) << column_shift_;
    std::uint32_t index = bank_.of(local) | bank_group_.of(local) << bank_group_shift_ |
                          pseudo_channel_.of(local) << pseudo_channel_shift_;
    if (options_.bank_hash) index ^= fold(location.row);
    location.bank = static_cast<std::uint8_t>(index & bank_.mask);
    location.bank_group = static_cast<std::uint8_t>(index >> bank_group_shift_ & bank_group_.mask);
    location.pseudo_channel = static_cast<std::uint8_t>(index >> pseudo_channel_shift_);
    location.sid = static_cast<std::uint8_t>(sid_.of(local));
    return location;
  }

  /// The inverse: encode(decode(a)) == a for every a that the map contains.
  std::uint64_t encode(const Location& location) const;

 private:
  struct Field {
    std::uint32_t shift = 0;
    std::uint32_t mask = 0;
    std::uint32_t of(std::uint64_t local) const { return static_cast<std::uint32_t>(local >> shift) & mask; }
  };

  /// Multiplicative hash of the quotient, scaled to [0, channels).
  std::uint32_t rotation(std::uint64_t quotient) const {
    const std::uint64_t hash = (quotient * 0x9E3779B97F4A7C15ull) >> 32;
    return static_cast<std::uint32_t>((hash * channels_) >> 32);
  }
  std::uint32_t rotate(std::uint32_t remainder, std::uint64_t quotient) const {
    if (!options_.channel_hash) return remainder;
    const std::uint32_t sum = remainder + rotation(quotient);
    return sum < channels_ ? sum : sum - channels_;
  }
  std::uint32_t fold(std::uint32_t row) const {
    std::uint32_t folded = 0;
    for (; row != 0 && index_bits_ != 0; row >>= index_bits_) folded ^= row;
    return folded & index_mask_;
  }

  MemoryGeometry geometry_;
  MemoryMapOptions options_;
  std::uint64_t capacity_ = 0;
  std::uint64_t granule_mask_ = 0;
  std::uint32_t granule_shift_ = 0;
  std::uint32_t channels_ = 1;
  std::uint32_t channels_per_stack_ = 1;
  std::uint32_t offset_mask_ = 0;
  std::uint32_t column_shift_ = 0;
  std::uint32_t bank_group_shift_ = 0;  // in the packed {pseudo_channel, bank_group, bank}
  std::uint32_t pseudo_channel_shift_ = 0;
  std::uint32_t index_bits_ = 0;
  std::uint32_t index_mask_ = 0;
  Field row_, sid_, bank_, bank_group_, pseudo_channel_, column_low_, column_high_;
};

}  // namespace cowosim
