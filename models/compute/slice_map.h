// Which cache slice keeps an address, seen from where.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "core/memory_map.h"
#include "core/transaction.h"

namespace cowosim::compute {

/// Every memory channel has `slices_per_channel` home slices, picked by a hash of the granule. Slice index = global channel index x
/// slices_per_channel + pick; partition p holds the p-th equal share of the indices. With `cache_far` a partition keeps copies of
/// addresses whose home is in another one, in the slice of the same position (the mirror slice), as NVIDIA's A100 and H100 do.
/// Slices of channels that are masked are never asked; the mirror is then counted over those that are left, and a partition
/// without any asks home slices.
class SliceMap {
 public:
  /// `map` must outlive the slice map. Slice i is terminal `first_terminal` + i of the network. Throws std::invalid_argument when the
  /// slices do not divide evenly into `partitions`.
  SliceMap(const MemoryMap& map, int slices_per_channel, int partitions, bool cache_far, std::uint16_t first_terminal)
      : map_(map),
        per_channel_(static_cast<std::uint32_t>(slices_per_channel)),
        slices_(map.channels() * per_channel_),
        first_terminal_(first_terminal),
        cache_far_(cache_far && partitions > 1) {
    if (slices_per_channel < 1 || partitions < 1)
      throw std::invalid_argument("slice map: at least one slice a channel and one partition");
    const auto parts = static_cast<std::uint32_t>(partitions);
    if (slices_ % parts != 0)
      throw std::invalid_argument("slice map: the slices do not divide evenly into the partitions");
    per_partition_ = slices_ / parts;
    mirror(parts);
  }

  std::uint32_t slices() const { return slices_; }
  std::uint32_t partition_of(std::uint32_t slice) const { return slice / per_partition_; }
  /// The memory channel (global index) behind a slice.
  std::uint32_t channel_behind(std::uint32_t slice) const { return slice / per_channel_; }
  bool present(std::uint32_t slice) const { return map_.present_in(channel_behind(slice)) > 0; }
  std::uint32_t present_slices() const { return map_.present_channels() * per_channel_; }
  std::uint64_t capacity() const { return map_.capacity(); }
  bool cache_far() const { return cache_far_; }

  std::uint32_t home_slice(std::uint64_t address) const {
    const std::uint32_t channel = map_.channel_of(address);
    if (per_channel_ == 1) return channel;
    const std::uint64_t hash = (address / map_.granule() * 0x9E3779B97F4A7C15ull) >> 32;
    return channel * per_channel_ + static_cast<std::uint32_t>((hash * per_channel_) >> 32);
  }
  std::uint16_t home_terminal(std::uint64_t address) const { return terminal(home_slice(address)); }
  /// Addresses beyond memory that a terminal of its own answers, past all caches. Before anybody asks.
  void add_region(std::uint64_t first, std::uint64_t bytes, std::uint16_t terminal) {
    regions_.push_back({first, bytes, terminal});
  }
  /// Where a core of `partition` asks for the address first.
  std::uint16_t near_terminal(std::uint64_t address, std::uint32_t partition) const {
    if (address >= map_.capacity()) return beyond_memory(address);
    const std::uint32_t home = home_slice(address);
    return terminal(cache_far_ ? mirrors_[partition * slices_ + home] : home);
  }
  std::uint16_t terminal(std::uint32_t slice) const { return static_cast<std::uint16_t>(first_terminal_ + slice); }

 private:
  struct Region {
    std::uint64_t first, bytes;
    std::uint16_t terminal;
  };
  [[gnu::cold]] std::uint16_t beyond_memory(std::uint64_t address) const {
    for (const Region& region : regions_)
      if (address - region.first < region.bytes) return region.terminal;
    throw std::logic_error("slice map: a request for an address that nobody has");
  }
  void mirror(std::uint32_t partitions) {
    std::vector<std::vector<std::uint32_t>> left(partitions);  // slices, by partition
    std::vector<std::size_t> rank(slices());                   // among those of the own partition
    for (std::uint32_t slice = 0; slice < slices(); ++slice) {
      std::vector<std::uint32_t>& own = left[partition_of(slice)];
      rank[slice] = own.size();
      if (present(slice)) own.push_back(slice);
    }
    for (std::uint32_t p = 0; p < partitions; ++p) {
      for (std::uint32_t home = 0; home < slices(); ++home) {
        const bool stay = left[p].empty() || partition_of(home) == p;
        mirrors_.push_back(stay ? home : left[p][rank[home] % left[p].size()]);
      }
    }
  }

  const MemoryMap& map_;
  std::uint32_t per_channel_;
  std::uint32_t slices_;
  std::uint32_t per_partition_ = 1;
  std::uint16_t first_terminal_;
  bool cache_far_;
  std::vector<Region> regions_;
  std::vector<std::uint32_t> mirrors_;  // by partition and home slice
};

}  // namespace cowosim::compute
