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

Handle Pool::create() {
  std::uint32_t slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    if (slots_ == kCapacity) throw std::length_error("a component has more than a million transactions alive");
    slot = slots_++;
    if (slot % kSlab == 0) slabs_[slot / kSlab].reset(new Transaction[kSlab]);
  }
  ++live_;
  Transaction& transaction = slabs_[slot / kSlab][slot % kSlab];
  transaction = Transaction{};
  transaction.number = created_++;
  transaction.identity = mix(seed_, transaction.number);
  return base_ | slot;
}

void Pool::release(Handle handle) {
  free_.push_back(handle & kSlotMask);
  --live_;
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
