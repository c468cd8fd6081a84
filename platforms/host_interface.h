// What a host model needs to drive a package through its registers; doc/guide/registers.md in C++. Needs nothing else of cowosim.
//
// Registers are 64 bits, little-endian, at multiples of 8 from the base of the region `registers`. Descriptors are 64 bytes in memory.
#pragma once

#include <cstdint>

namespace cowosim::host {

/// Of the layout below. A host refuses what it does not know.
inline constexpr std::uint64_t kMagic = 0x4D535743;  ///< the bytes "CWSM"
inline constexpr std::uint64_t kLayoutVersion = 1;

/// Offsets of registers. All but those of the ring are read-only.
enum Register : std::uint64_t {
  magic = 0x00,
  layout_version = 0x08,
  counters = 0x10,         ///< how many
  counters_offset = 0x18,  ///< of the first; counter i follows at 8 x i
  names_offset = 0x20,     ///< of the name table: an entry of kNameEntryBytes a counter, then the texts
  block_bytes = 0x28,      ///< of everything; what follows in the region is an error
  time_fs = 0x30,          ///< simulated time of the access, femtoseconds
  features = 0x38,         ///< kHasQueue

  ring_base = 0x80,     ///< writable while idle: address of descriptor 0, a multiple of kDescriptorBytes
  ring_entries = 0x88,  ///< writable while idle: descriptors in the ring
  tail = 0x90,    ///< the doorbell. Writable: descriptors handed over so far; number n lies in entry n mod ring_entries
  head = 0x98,    ///< descriptors finished so far: launched ones whose kernel has ended, and bad ones
  status = 0xA0,  ///< kEnabled | kBusy | kFailed
  error = 0xA8,   ///< the first Error since it was cleared; any write clears it and kFailed
  error_descriptor = 0xB0,  ///< number of the descriptor it is about; of a refused doorbell: the tail that was written
  errors = 0xB8,            ///< bad descriptors and refused writes so far
  kernels_launched = 0xC0,
  kernels_ended = 0xC8
};
inline constexpr std::uint64_t kHeaderBytes = 0x1000;  ///< registers above; the rest of it reads as zero
inline constexpr std::uint64_t kFirstWritable = ring_base;

// Bits of `features`.
inline constexpr std::uint64_t kHasQueue = 1;  ///< there are cores that run kernels
// Bits of `status`.
inline constexpr std::uint64_t kEnabled = 1;  ///< kernels can be launched: there is a queue, and memory holds data
inline constexpr std::uint64_t kBusy = 2;     ///< head is behind tail
inline constexpr std::uint64_t kFailed = 4;   ///< `error` says why

/// An entry of the name table: offset of the name (zero-terminated) in the block, then its unit; 64 bits each.
inline constexpr std::uint64_t kNameEntryBytes = 16;
enum class CounterUnit : std::uint64_t {
  count = 1,
  bytes = 2,
  flop = 3,
  picoseconds = 4,
  femtojoules = 5,
  millionths = 6,  ///< of a ratio
  bytes_per_second = 7
};

enum class Error : std::uint64_t {
  none = 0,
  // of writes, which are refused
  no_data = 1,         ///< memory.data is none: there are no descriptors to read
  ring_busy = 2,       ///< base or entries written while the queue is at work
  ring_base = 3,       ///< not a multiple of kDescriptorBytes
  ring_entries = 4,    ///< 0, or more than the package takes (registers.ring_entries)
  ring_address = 5,    ///< the ring does not lie in memory
  tail_backwards = 6,  ///< less than before
  tail_overflow = 7,   ///< more descriptors than the ring has entries: some were overwritten before they were finished
  // of descriptors, which are skipped
  opcode = 16,         ///< none of Opcode, or a flag that does not exist
  length = 17,         ///< 0 bytes
  source = 18,         ///< (part of) what is read does not lie in memory; gemm: A
  destination = 19,    ///< (part of) what is written does not lie in memory; gemm: C
  second = 20,         ///< gemm: B does not lie in memory
  overlap = 21,        ///< a copy onto itself
  dimensions = 22,     ///< gemm: m, n or k is 0, or 2 m n k does not fit 63 bits
  element_bytes = 23,  ///< gemm: not 1, 2 or 4
  completion = 24      ///< completion_address is no multiple of 8, or does not lie in memory
};

/// 0 is none, so that a ring that nobody has filled is an error.
enum class Opcode : std::uint8_t {
  nop = 1,   ///< an empty kernel: ends after those before it
  copy = 2,  ///< `bytes` from `source` to `destination`
  gemm = 3,  ///< C[m,n] = A[m,k] x B[n,k] transposed, at destination, source, second. Its time only: C keeps its bytes
  load = 4,  ///< `bytes` at `source` are read by the cores
  fill = 5   ///< `bytes` at `destination` become `second`, its 8 bytes again and again
};

// Flags of a descriptor.
inline constexpr std::uint8_t kNotify =
    1;  ///< when the kernel has ended, `completion_value` is written to `completion_address`

inline constexpr std::uint64_t kDescriptorBytes = 64;

/// In the order, and at the offsets, at which its fields lie in memory (little-endian, no gaps).
struct Descriptor {
  std::uint8_t opcode = 0;               // 0
  std::uint8_t flags = 0;                // 1
  std::uint16_t element_bytes = 0;       // 2: gemm: of A, B and C
  std::uint32_t m = 0;                   // 4
  std::uint32_t n = 0;                   // 8
  std::uint32_t k = 0;                   // 12
  std::uint64_t source = 0;              // 16
  std::uint64_t destination = 0;         // 24
  std::uint64_t second = 0;              // 32: gemm: B; fill: the pattern
  std::uint64_t bytes = 0;               // 40: copy, load, fill
  std::uint64_t completion_address = 0;  // 48
  std::uint64_t completion_value = 0;    // 56
};
static_assert(sizeof(Descriptor) == kDescriptorBytes, "the layout above has no gaps");

inline void store_little_endian(std::uint64_t value, unsigned char* bytes, unsigned count) {
  for (unsigned i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
}
inline std::uint64_t load_little_endian(const unsigned char* bytes, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  return value;
}

/// The kDescriptorBytes as they lie in memory, on a machine of any byte order.
inline void pack(const Descriptor& d, unsigned char* bytes) {
  store_little_endian(d.opcode, bytes, 1);
  store_little_endian(d.flags, bytes + 1, 1);
  store_little_endian(d.element_bytes, bytes + 2, 2);
  store_little_endian(d.m, bytes + 4, 4);
  store_little_endian(d.n, bytes + 8, 4);
  store_little_endian(d.k, bytes + 12, 4);
  store_little_endian(d.source, bytes + 16, 8);
  store_little_endian(d.destination, bytes + 24, 8);
  store_little_endian(d.second, bytes + 32, 8);
  store_little_endian(d.bytes, bytes + 40, 8);
  store_little_endian(d.completion_address, bytes + 48, 8);
  store_little_endian(d.completion_value, bytes + 56, 8);
}
inline Descriptor unpack(const unsigned char* bytes) {
  Descriptor d;
  d.opcode = bytes[0];
  d.flags = bytes[1];
  d.element_bytes = static_cast<std::uint16_t>(load_little_endian(bytes + 2, 2));
  d.m = static_cast<std::uint32_t>(load_little_endian(bytes + 4, 4));
  d.n = static_cast<std::uint32_t>(load_little_endian(bytes + 8, 4));
  d.k = static_cast<std::uint32_t>(load_little_endian(bytes + 12, 4));
  d.source = load_little_endian(bytes + 16, 8);
  d.destination = load_little_endian(bytes + 24, 8);
  d.second = load_little_endian(bytes + 32, 8);
  d.bytes = load_little_endian(bytes + 40, 8);
  d.completion_address = load_little_endian(bytes + 48, 8);
  d.completion_value = load_little_endian(bytes + 56, 8);
  return d;
}

}  // namespace cowosim::host
