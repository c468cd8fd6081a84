// What travels through a package: a transaction, and the record of where its time went.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/time.h"

namespace cowosim {

/// Bytes of one HBM column access per pseudo-channel (BL8 x 32 bit, BL4 x 64 bit); every transaction is a multiple of it.
inline constexpr std::uint32_t kAtomBytes = 32;

/// Where a transaction spends time. Closed: stages add up to the latency exactly, so nothing may be outside.
enum class Stage : std::uint8_t {
  issue,        ///< at the source, waiting to leave it (source queue, outstanding limit, issue pipeline)
  noc,          ///< on-die network, towards memory
  l2,           ///< cache slice: lookup, hit pipeline, waiting for a fill that another transaction asked for
  mem_cache,    ///< memory-side cache
  d2d,          ///< die-to-die link
  fabric,       ///< interposer network
  phy,          ///< HBM PHY, both directions
  queue,        ///< memory controller: door and request queue, until the first command on its behalf
  bank,         ///< precharge and activate on its behalf, until its (last) column command
  data,         ///< from the (last) column command to the end of data
  return_path,  ///< on the way back to the source: network and source's receive pipeline ("return")
  off_package,  ///< outside the package
  external      ///< in a foreign model
};
inline constexpr std::size_t kStages = 13;

/// Contract name of a stage, as written in results.
constexpr const char* name_of(Stage stage) {
  constexpr const char* names[kStages] = {"issue", "noc",  "l2",   "mem_cache", "d2d",         "fabric",  "phy",
                                          "queue", "bank", "data", "return",    "off_package", "external"};
  return names[static_cast<std::size_t>(stage)];
}

/// Time per stage. The owner changes only through `enter`, so the stages add up to (last entry - creation). `start` comes first.
class StageRecord {
 public:
  void start(Stage stage, Time t) {
    constexpr std::size_t kHalf = kStages / 2;  // by halves, in wide stores: the whole would be a slow `rep stos`
    std::memset(spent_.data(), 0, kHalf * sizeof(Time));
    std::memset(spent_.data() + kHalf, 0, (kStages - kHalf) * sizeof(Time));
    visited_ = 0;
    current_ = stage;
    entered_ = t;
  }
  /// From `t` on the time belongs to `stage`. t may lie in the future (a pipeline whose end is known); never goes back.
  void enter(Stage stage, Time t) {
    spent_[static_cast<std::size_t>(current_)] += t - entered_;
    visited_ |= static_cast<std::uint16_t>(static_cast<unsigned>(t != entered_) << static_cast<unsigned>(current_));
    current_ = stage;
    entered_ = t;
  }
  Time operator[](Stage stage) const { return spent_[static_cast<std::size_t>(stage)]; }
  Stage current() const { return current_; }
  /// Bit s: time was spent in stage s.
  unsigned visited() const { return visited_; }
  Time entered() const { return entered_; }

 private:
  std::array<Time, kStages> spent_;  // not initialised: a pool makes many records that are started at once
  Time entered_ = 0;
  std::uint16_t visited_ = 0;
  Stage current_ = Stage::issue;
};

enum class Op : std::uint8_t {
  read,
  write,
  launch,  ///< not a memory access: a tile for a core (address = index of the tile)
  // Not memory accesses either, but operation number `address` of Transaction::group:
  multicast,  ///< data for every member; retired when all of them have it
  reduce,     ///< a contribution to what the group's root gets; retired when it has it
  all_reduce  ///< a contribution to what every member gets: the response brings it
};
inline constexpr std::size_t kOps = 6;
constexpr const char* name_of(Op op) {
  constexpr const char* names[kOps] = {"read", "write", "launch", "multicast", "reduce", "all_reduce"};
  return names[static_cast<std::size_t>(op)];
}

/// Whether a transaction's request (else its response) brings its data along: Transaction::fetch_bytes of them.
constexpr bool carries_data(Op op, bool request) {
  constexpr auto bit = [](Op o) { return 1u << static_cast<unsigned>(o); };
  constexpr unsigned requests = bit(Op::write) | bit(Op::multicast) | bit(Op::reduce) | bit(Op::all_reduce);
  constexpr unsigned responses = bit(Op::read) | bit(Op::all_reduce);
  return ((request ? requests : responses) >> static_cast<unsigned>(op) & 1) != 0;
}

/// Named traffic class: index into the run's stream table.
using StreamId = std::uint8_t;
inline constexpr std::size_t kMaxStreams = 16;

/// Names a transaction: pool of its creator (high 12 bits) and slot in it. Stable while the transaction lives.
using Handle = std::uint32_t;
inline constexpr Handle kNoHandle = 0xFFFF'FFFF;

struct Transaction {
  std::uint64_t address = 0;  ///< package physical address of the first byte
  std::uint32_t bytes = 0;    ///< 1..n whole atoms inside one interleave granule
  Op op = Op::read;
  StreamId stream = 0;
  std::uint8_t workload = 0;        ///< which program a launch belongs to
  std::uint64_t fetch_address = 0;  ///< what memory is asked for: the part a cache does not hold (whole without caches)
  std::uint32_t fetch_bytes = 0;
  std::uint32_t tag = 0;          ///< the creator's own: which slot, tile or entry this belongs to
  std::uint16_t source = 0;       ///< network terminal of the requester, for the way back
  std::uint16_t via = 0;          ///< network terminal of the near cache slice that forwarded it to its home slice
  std::uint16_t destination = 0;  ///< network terminal its next leg goes to; set by whoever sends into a network
  std::uint16_t group = 0;        ///< of a collective operation: number of its group
  std::uint64_t identity = 0;     ///< hash of (creator's name, n): equal in every run, whatever the threads or windows
  std::uint64_t number = 0;       ///< n: this is its creator's n-th transaction, from 0
  Time created = 0;
  StageRecord stages;
};

/// The finaliser of splitmix64: a bijection on 64 bits that mixes well (Steele, Lea, Flood, OOPSLA 2014).
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return mix(a + 0x9E3779B97F4A7C15ull * (b + 1)); }

}  // namespace cowosim
