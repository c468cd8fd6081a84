// What memory holds: bytes by package physical address, 0 to capacity - 1. Bytes only: time is the models' business.
//
// Memory comes in pages of kPageBytes that exist once touched: written (with more than zeros), handed out, or, where
// there is a `fill`, read. A page never moves and lives as long as the memory, so that a pointer into it may be given away (DMI).
// Untouched bytes are zero, or what `fill` says. Reading and writing give the same whatever has been touched before.
//
// Byte enables are TLM-2.0's (IEEE 1666-2011, 14.13): byte i of the data is enabled if enables[i % enable_length] is
// 0xff; a disabled byte changes neither memory nor data. Without a pointer all are enabled.
//
// Errors: bytes outside throw std::out_of_range before anything is changed; enables without a length throw
// std::invalid_argument. Not for several threads at once, reads included: they may create a page.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cowosim {

class SparseMemory {
 public:
  /// Room for a DMI grant worth asking for, and little beside a single touched byte.
  static constexpr std::uint64_t kPageBytes = 1u << 16;
  /// The table of a memory of this size takes 4 MiB when all of it is in use.
  static constexpr std::uint64_t kLargest = std::uint64_t{1} << 48;

  /// Content of `length` bytes from `first` on, put into `bytes`, which hold zeros. May not touch this memory. What it throws goes
  /// to whoever touched the page, which then does not exist.
  using Fill = std::function<void(std::uint64_t first, unsigned char* bytes, std::uint64_t length)>;

  /// Throws std::invalid_argument for a capacity of 0 or beyond kLargest.
  explicit SparseMemory(std::uint64_t capacity, Fill fill = nullptr);
  SparseMemory(const SparseMemory&) = delete;
  SparseMemory& operator=(const SparseMemory&) = delete;

  std::uint64_t capacity() const { return capacity_; }
  bool contains(std::uint64_t address, std::uint64_t length) const {
    return address <= capacity_ && length <= capacity_ - address;
  }
  /// For messages about what it does not contain.
  std::string describe_outside(std::uint64_t address, std::uint64_t length) const;

  void read(std::uint64_t address, unsigned char* data, std::uint64_t length) const;
  void read(std::uint64_t address, unsigned char* data, std::uint64_t length, const unsigned char* enables,
            std::uint64_t enable_length) const;
  void write(std::uint64_t address, const unsigned char* data, std::uint64_t length);
  void write(std::uint64_t address, const unsigned char* data, std::uint64_t length, const unsigned char* enables,
             std::uint64_t enable_length);
  /// Zeros; creates no page that would hold nothing else.
  void clear(std::uint64_t address, std::uint64_t length);

  /// Addresses first to last; bytes[0] is that of first. The last page ends with the memory.
  struct Page {
    std::uint64_t first;
    std::uint64_t last;
    unsigned char* bytes;
  };
  /// The page that holds an address; created if need be.
  Page page_at(std::uint64_t address);

  std::uint64_t pages() const { return pages_; }
  std::uint64_t resident_bytes() const { return resident_bytes_; }
  /// Every page there is, as visit(const Page&), by address.
  template <class Visit>
  void for_each_page(Visit&& visit) const {
    for (std::uint64_t leaf = 0; leaf < leaves_.size(); ++leaf) {
      for (std::uint64_t i = 0; leaves_[leaf] != nullptr && i < kLeafPages; ++i) {
        const std::uint64_t number = leaf * kLeafPages + i;
        if (unsigned char* bytes = leaves_[leaf][i].get()) visit(Page{first_of(number), last_of(number), bytes});
      }
    }
  }

 private:
  static constexpr std::uint64_t kLeafPages = 1u << 13;  // 512 MiB a leaf
  using Bytes = std::unique_ptr<unsigned char[]>;

  std::uint64_t first_of(std::uint64_t number) const { return number * kPageBytes; }
  std::uint64_t last_of(std::uint64_t number) const {
    return capacity_ - first_of(number) < kPageBytes ? capacity_ - 1 : first_of(number) + (kPageBytes - 1);
  }
  void require(std::uint64_t address, std::uint64_t length) const;
  /// Null where there is none.
  unsigned char* find(std::uint64_t number) const {
    const std::uint64_t leaf = number / kLeafPages;
    if (leaf >= leaves_.size() || leaves_[leaf] == nullptr) return nullptr;
    return leaves_[leaf][number % kLeafPages].get();
  }
  unsigned char* create(std::uint64_t number) const;
  /// Calls each(address, offset, length) for the part of every page in turn; offset counts from `address`.
  template <class Each>
  static void split(std::uint64_t address, std::uint64_t length, Each&& each);

  std::uint64_t capacity_;
  Fill fill_;
  // Creating a page does not change what memory holds, so reading may do it.
  mutable std::vector<std::unique_ptr<Bytes[]>> leaves_;
  mutable std::uint64_t pages_ = 0;
  mutable std::uint64_t resident_bytes_ = 0;
};

}  // namespace cowosim
