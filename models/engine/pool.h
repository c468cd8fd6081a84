// Pools of transactions. Every creator owns one; a handle names a transaction in any of them.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "core/transaction.h"

namespace cowosim::engine {

/// Transactions of one creator. Only the creator's component allocates and frees; whoever holds a handle may access.
/// Slabs never move, so another thread may read a transaction it holds while the creator allocates.
class Pool {
 public:
  /// `name` is the creator's hierarchical name below the package: the root of its transactions' identities.
  Pool(std::uint32_t index, const std::string& name);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// A fresh transaction with number and identity set, the rest in its default state but for the stage record, which the
  /// creator starts. Throws std::length_error beyond kCapacity alive.
  struct Fresh {
    Handle handle;
    Transaction& transaction;
  };
  Fresh fresh() {
    if (free_count_ == 0) add_slab();
    const std::uint32_t slot = free_[--free_count_];
    Transaction& transaction = *new (&at(slot)) Transaction;
    transaction.number = created_++;
    transaction.identity = mix(seed_, transaction.number);
    return {base_ | slot, transaction};
  }
  Handle create() { return fresh().handle; }
  void release(Handle handle) { free_[free_count_++] = handle & kSlotMask; }
  Transaction& at(Handle handle) { return slabs_[(handle & kSlotMask) / kSlab][handle % kSlab]; }

  std::uint64_t created() const { return created_; }
  std::uint64_t live() const { return free_.size() - free_count_; }

  static constexpr std::uint32_t kSlotBits = 20;
  static constexpr std::uint32_t kCapacity = 1u << kSlotBits;
  static constexpr std::uint32_t kSlotMask = kCapacity - 1;

 private:
  static constexpr std::uint32_t kSlab = 256;
  void add_slab();

  std::uint32_t base_;  // pool index in the high bits
  std::uint64_t seed_;
  std::uint64_t created_ = 0;
  std::vector<std::uint32_t>
      free_;  // as long as there are slots; the first free_count_ are free, the last of them is next
  std::size_t free_count_ = 0;
  std::unique_ptr<std::unique_ptr<Transaction[]>[]> slabs_;
};

/// All pools of a package.
class Pools {
 public:
  Pool& add(const std::string& creator);
  Transaction& operator[](Handle handle) { return pools_[handle >> Pool::kSlotBits]->at(handle); }
  Pool& owner(Handle handle) { return *pools_[handle >> Pool::kSlotBits]; }
  std::uint64_t live() const;
  std::uint64_t created() const;

  static constexpr std::size_t kMaxPools = 1u << (32 - Pool::kSlotBits);

 private:
  std::vector<std::unique_ptr<Pool>> pools_;
};

}  // namespace cowosim::engine
