#include "core/sparse_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace cowosim {

namespace {

/// Calls each(offset, length) for every run of enabled bytes.
template <class Each>
void for_each_enabled(const unsigned char* enables, std::uint64_t enable_length, std::uint64_t length, Each&& each) {
  if (enable_length == 0) throw std::invalid_argument("byte enables without a length");
  std::uint64_t at = 0;  // in the enables; a division a byte would cost more than the copying
  std::uint64_t begin = 0;
  bool open = false;
  for (std::uint64_t i = 0; i < length; ++i) {
    const bool enabled = enables[at] == 0xff;
    if (++at == enable_length) at = 0;
    if (enabled == open) continue;
    if (open) each(begin, i - begin);
    begin = i;
    open = enabled;
  }
  if (open) each(begin, length - begin);
}

/// Equal to itself one byte on, and zero there: faster than looking at each.
bool all_zero(const unsigned char* data, std::uint64_t length) {
  return data[0] == 0 && std::memcmp(data, data + 1, length - 1) == 0;
}

}  // namespace

SparseMemory::SparseMemory(std::uint64_t capacity, Fill fill) : capacity_(capacity), fill_(std::move(fill)) {
  if (capacity == 0 || capacity > kLargest)
    throw std::invalid_argument(fmt::format("a memory of {} bytes; must have 1 to {}", capacity, kLargest));
}

std::string SparseMemory::describe_outside(std::uint64_t address, std::uint64_t length) const {
  return fmt::format("{} bytes at {:#x} lie outside memory, which ends at {:#x} ({} bytes)", length, address, capacity_,
                     capacity_);
}

void SparseMemory::require(std::uint64_t address, std::uint64_t length) const {
  if (!contains(address, length)) throw std::out_of_range(describe_outside(address, length));
}

template <class Each>
void SparseMemory::split(std::uint64_t address, std::uint64_t length, Each&& each) {
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t here = address + done;
    const std::uint64_t part = std::min(length - done, kPageBytes - here % kPageBytes);
    each(here, done, part);
    done += part;
  }
}

unsigned char* SparseMemory::create(std::uint64_t number) const {
  const std::uint64_t leaf = number / kLeafPages;
  const std::uint64_t first = first_of(number);
  const std::uint64_t length = last_of(number) - first + 1;
  auto bytes = std::make_unique<unsigned char[]>(length);
  if (fill_) fill_(first, bytes.get(), length);
  if (leaf >= leaves_.size()) leaves_.resize(leaf + 1);
  if (leaves_[leaf] == nullptr) leaves_[leaf] = std::make_unique<Bytes[]>(kLeafPages);
  Bytes& slot = leaves_[leaf][number % kLeafPages];
  slot = std::move(bytes);
  ++pages_;
  resident_bytes_ += length;
  return slot.get();
}

void SparseMemory::read(std::uint64_t address, unsigned char* data, std::uint64_t length) const {
  require(address, length);
  split(address, length, [&](std::uint64_t here, std::uint64_t done, std::uint64_t part) {
    const unsigned char* page = find(here / kPageBytes);
    if (page == nullptr && fill_) page = create(here / kPageBytes);
    if (page != nullptr) {
      std::memcpy(data + done, page + here % kPageBytes, part);
    } else {
      std::memset(data + done, 0, part);
    }
  });
}

void SparseMemory::write(std::uint64_t address, const unsigned char* data, std::uint64_t length) {
  require(address, length);
  split(address, length, [&](std::uint64_t here, std::uint64_t done, std::uint64_t part) {
    unsigned char* page = find(here / kPageBytes);
    if (page == nullptr) {
      if (!fill_ && all_zero(data + done, part)) return;
      page = create(here / kPageBytes);
    }
    std::memcpy(page + here % kPageBytes, data + done, part);
  });
}

void SparseMemory::read(std::uint64_t address, unsigned char* data, std::uint64_t length, const unsigned char* enables,
                        std::uint64_t enable_length) const {
  if (enables == nullptr) return read(address, data, length);
  require(address, length);
  for_each_enabled(enables, enable_length, length,
                   [&](std::uint64_t offset, std::uint64_t run) { read(address + offset, data + offset, run); });
}

void SparseMemory::write(std::uint64_t address, const unsigned char* data, std::uint64_t length,
                         const unsigned char* enables, std::uint64_t enable_length) {
  if (enables == nullptr) return write(address, data, length);
  require(address, length);
  for_each_enabled(enables, enable_length, length,
                   [&](std::uint64_t offset, std::uint64_t run) { write(address + offset, data + offset, run); });
}

void SparseMemory::clear(std::uint64_t address, std::uint64_t length) {
  require(address, length);
  split(address, length, [&](std::uint64_t here, std::uint64_t, std::uint64_t part) {
    unsigned char* page = find(here / kPageBytes);
    if (page == nullptr && fill_) page = create(here / kPageBytes);
    if (page != nullptr) std::memset(page + here % kPageBytes, 0, part);
  });
}

SparseMemory::Page SparseMemory::page_at(std::uint64_t address) {
  require(address, 1);
  const std::uint64_t number = address / kPageBytes;
  unsigned char* bytes = find(number);
  if (bytes == nullptr) bytes = create(number);
  return {first_of(number), last_of(number), bytes};
}

}  // namespace cowosim
