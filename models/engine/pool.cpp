#include "engine/pool.h"

#include <stdexcept>

namespace cowosim::engine {

namespace {
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325ull;  // FNV-1a, 64 bit
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001B3ull;
  return hash;
}
}  // namespace

Pool::Pool(std::uint32_t index, const std::string& name)
    : base_(index << kSlotBits), seed_(hash_of(name)), slabs_(new std::unique_ptr<Transaction[]>[kCapacity / kSlab]) {}

void Pool::add_slab() {
  const std::size_t slots = free_.size();
  if (slots == kCapacity) throw std::length_error("a component has more than a million transactions alive");
  slabs_[slots / kSlab].reset(new Transaction[kSlab]());
  free_.resize(slots + kSlab);
  for (free_count_ = 0; free_count_ < kSlab; ++free_count_)
    free_[free_count_] = static_cast<std::uint32_t>(slots + kSlab - 1 - free_count_);
}

Pool& Pools::add(const std::string& creator) {
  if (pools_.size() == kMaxPools) throw std::length_error("a package has more than 4096 creators of transactions");
  pools_.push_back(std::make_unique<Pool>(static_cast<std::uint32_t>(pools_.size()), creator));
  return *pools_.back();
}

std::uint64_t Pools::live() const {
  std::uint64_t sum = 0;
  for (const auto& pool : pools_) sum += pool->live();
  return sum;
}

std::uint64_t Pools::created() const {
  std::uint64_t sum = 0;
  for (const auto& pool : pools_) sum += pool->created();
  return sum;
}

}  // namespace cowosim::engine
