// A slice of a sectored, write-back cache in front of one memory channel.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/slice_map.h"
#include "core/parameter.h"
#include "engine/heart.h"
#include "telemetry/blame.h"
#include "telemetry/reservations.h"

namespace cowosim::compute {

/// Defaults: one of 80 slices of the 50 MB L2 of an NVIDIA H100.
struct CacheSliceParams {
  double frequency = 1.755e9;         // hertz
  std::int64_t capacity = 640 << 10;  // bytes
  int line_bytes = 128;
  int sector_bytes = 32;
  int ways = 16;
  std::string replacement = "lru";
  int bytes_per_cycle = 64;
  int cycles_per_request = 1;
  int miss_entries = 1024;
  int write_buffers = 32;
  std::int64_t hit_latency = 60'000'000;   // fs
  std::int64_t miss_latency = 20'000'000;  // fs
  std::int64_t fill_latency = 20'000'000;  // fs

  template <class Visitor>
  void visit(Visitor& v) {
    v("frequency", frequency, Unit::frequency, Range{1e6, 1e11}, "clock of the slice",
      "assumption [1.6 GHz, 1.98 GHz]: the boost clock of H100 class dies in cache measurements; the L2's own clock is "
      "not published");
    v("capacity", capacity, Unit::bytes, Range{1024, 1 << 30}, "data held by the slice, whole sets of lines",
      "50 MB (H100 data sheet) over 80 slices, one a memory channel; the number of slices is an assumption [80, 96]");
    v("line_bytes", line_bytes, Range{32, 1024}, "bytes under one tag, a power of two",
      "128 B: CUDA C++ programming guide, device memory accesses");
    v("sector_bytes", sector_bytes, Range{32, 1024},
      "bytes with one valid and one dirty bit, a power of two, 1 to 8 a line",
      "32 B: CUDA C++ programming guide, device memory accesses");
    v("ways", ways, Range{1, 64}, "associativity",
      "assumption [8, 32]: 16 ways found for A100 and older dies by microbenchmarks");
    v("replacement", replacement, std::vector<std::string>{"lru", "random"}, "which line of a set goes first",
      "assumption: not published; least recently used is the reference policy");
    v("bytes_per_cycle", bytes_per_cycle, Range{1, 4096}, "lookup and data throughput",
      "64 B/clock/slice: NVIDIA A100 white paper (2020), 5120 B/clock over 80 slices; H100 PCIe measures 6950-7120 "
      "GB/s of 8986");
    v("cycles_per_request", cycles_per_request, Range{1, 64}, "clocks a lookup takes at least",
      "assumption [1, 2]: one tag access a clock");
    v("miss_entries", miss_entries, Range{8, 65536},
      "lines with a fetch under way at most (MSHRs), half of them for far-homed lines",
      "assumption [256, 2048]: as many as keep the door of the memory busy at twice the loaded latency; not published");
    v("write_buffers", write_buffers, Range{1, 65536},
      "evicted pieces waiting for the memory at most; then lookups stop", "assumption [8, 64]: not published");
    v("hit_latency", hit_latency, Unit::time, Range{1, 1e12}, "from lookup to the answer's leaving",
      "assumption [40 ns, 80 ns]: the rest of the 142 ns near hit measured on H100 PCIe besides core and network");
    v("miss_latency", miss_latency, Unit::time, Range{1, 1e12}, "from lookup to the fetch's leaving",
      "assumption [10 ns, 40 ns]: tag lookup and miss queue; with HBM 391 ns measured on A100");
    v("fill_latency", fill_latency, Unit::time, Range{1, 1e12}, "from data in to the answer's leaving",
      "assumption [10 ns, 40 ns]: data pass through to the response queue; with HBM 391 ns measured on A100");
  }
};

/// Sectored, set-associative, write-back; allocates on fill, and on writes without fetching (a write covers whole sectors).
///
/// Ports: kNetwork (requests in, answers out; forwarded requests out, their answers in), kMemory (the home channel's door).
/// The slice is home of the addresses whose home terminal (SliceMap) is its own, and may be the near copy of others (far-homed).
///   read  all sectors here           answered after hit_latency
///         a sector missing           fetched (fetch_address, fetch_bytes: from the first to the last sector not here) after miss_latency:
///                                    home: from memory, one credit each; near: from the home slice; answered fill_latency after the data came
///         rest is under way          waits for those fills (merged), answered with the last of them; the wait is blamed on its owner
///   write home: kept here, answered (Phase::retire) after hit_latency
///         near: sent on to the home slice, whose retire goes straight to the source; sectors present here are updated (clean)
/// Evicted dirty sectors become writes of the slice's own, one a run of contiguous sectors, in the stream that wrote the line last.
/// Coherence: none beyond that. A write does not invalidate copies in other partitions' near slices (no data are modelled; the
/// invalidation traffic is missing).
///
/// Requests are looked up in order of arrival, one every max(cycles_per_request, bytes / bytes_per_cycle) clocks; the tag state they
/// meet is that of their arrival when the queue is open. With miss entries or write buffers used up lookups stop until one is free.
/// Home and near requests queue apart, and near misses may take half of the miss entries only: what waits for memory never waits for
/// what waits for another slice, so that slices cannot wait for each other in a circle.
/// Stages: Stage::l2 on arrival; Stage::queue while a fetch waits for a credit of the memory's door.
/// No events of its own: due() is kNever.
class CacheSlice final : public engine::Heart {
 public:
  enum Port : int { kNetwork, kMemory };

  /// `slices` must outlive the slice. `terminal` is the slice's in the network, `credits` the entries of the memory's door.
  /// Throws std::invalid_argument where sizes do not divide into each other.
  CacheSlice(const CacheSliceParams& params, const SliceMap& slices, std::uint16_t terminal, int credits);

  int ports() const override { return 2; }
  void start() override;
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visit) const override;
  void check_idle(std::vector<std::string>& violations) const override;

  /// What the slice adds to the latency of its outlets, at least.
  Time output_pipeline(int port) const override;

  struct Counters {
    std::uint64_t reads = 0;  ///< requests looked up
    std::uint64_t writes = 0;
    std::uint64_t home_requests = 0;  ///< come so far, reads and writes, for own addresses
    std::uint64_t near_requests = 0;  ///< the same, for far-homed addresses
    std::uint64_t read_bytes = 0;     ///< asked for
    std::uint64_t write_bytes = 0;
    std::uint64_t hits = 0;    ///< reads with all sectors here
    std::uint64_t misses = 0;  ///< reads that fetched
    std::uint64_t merges = 0;  ///< reads that waited for others' fills
    std::uint64_t sector_hits = 0;
    std::uint64_t sector_misses = 0;  ///< fetched
    std::uint64_t sector_merges = 0;
    std::uint64_t fetched_bytes = 0;  ///< from memory or home slice
    std::uint64_t evictions = 0;      ///< lines
    std::uint64_t writebacks = 0;     ///< transactions
    std::uint64_t writeback_bytes = 0;
    std::uint64_t kept_bytes = 0;         ///< written here, in whole sectors
    std::uint64_t overwritten_bytes = 0;  ///< written to sectors that were dirty already
    std::uint64_t forwarded_bytes = 0;    ///< written through to the home slice
    Time lookup_busy = 0;
    Time lookup_wait = 0;  ///< in the input queue
    Time merge_wait = 0;   ///< of merged reads beyond a hit
    Time credit_wait = 0;  ///< of fetches and writebacks for the memory's door
  };
  Counters counters() const;
  /// Written and not yet written back: kept_bytes = writeback_bytes + overwritten_bytes + dirty_bytes().
  std::uint64_t dirty_bytes() const;
  double peak_bandwidth() const;  ///< bytes per second of the data array

  const telemetry::Blame& lookup_blame() const { return lookup_blame_; }
  const telemetry::Blame& merge_blame() const { return merge_blame_; }
  const telemetry::Blame& credit_blame() const { return credit_blame_; }

 private:
  struct Line {
    std::uint8_t valid;  // sectors
    std::uint8_t dirty;
    StreamId writer;
    std::uint8_t newer;  // way used after this one, in a ring: the oldest comes after the newest
    std::uint8_t older;
  };
  struct Miss {  // one line of a fetch under way
    Handle owner;
    std::uint32_t line;
    std::uint32_t next;      // in the chain of its bucket, or of free entries
    std::uint32_t waiters;   // chain of nodes
    std::uint32_t in_bytes;  // of the owner's request as it came, kept with its first line
    std::uint64_t in_address;
    std::uint8_t sectors;
    bool near;
  };
  struct Waiter {
    Handle transaction;
    std::uint32_t fills;  // outstanding
    Time ready;           // a hit would be answered then
    std::uint32_t next;   // free chain
  };
  struct Node {
    std::uint32_t waiter;
    std::uint32_t next;
  };
  struct Queued {
    Handle transaction;
    std::uint16_t home_terminal;
    Time arrival;
  };
  struct Outgoing {
    Handle transaction;
    Time ready;  // from then on it waits for nothing but a credit
    Time since;  // queued
    bool writeback;
  };
  static constexpr std::uint32_t kNone = ~0u;
  static constexpr std::uint32_t kLargestRequest = 512;  // an interleave granule at most
  static constexpr std::uint32_t kMostLines = 16;        // of one request

  struct Input {
    std::vector<Queued> waiting;  // from `first`
    std::size_t first = 0;
    bool empty() const { return first == waiting.size(); }
  };
  enum Class : std::uint8_t { kHome, kNear };

  bool look_up(Handle handle, std::uint16_t home_terminal, Time arrival, Time now);
  bool read(Handle handle, Transaction& tx, std::uint16_t home_terminal, Time arrival, Time now);
  bool read_lines(Handle handle, Transaction& tx, std::uint16_t home_terminal, Time arrival, Time now);
  bool room_for(std::uint32_t lines, bool home) const {
    return misses_used_ + lines <= misses_.size() && (home || near_misses_ + lines <= misses_.size() / 2);
  }
  unsigned pending_sectors(std::uint32_t line) const;
  void fetch(Handle handle, Transaction& tx, std::uint16_t home_terminal, std::uint64_t begin, std::uint64_t end,
             Time start, Time now);
  void merge(Handle handle, const Transaction& tx, Time ready);
  void write(Handle handle, Transaction& tx, std::uint16_t home_terminal, Time arrival, Time now);
  void filled(Handle handle, Time t);
  void drain_input(Time t, telemetry::Holder holder) {
    for (Input& input : inputs_) {
      if (!input.empty()) drain(input, t, holder);
    }
  }
  void drain(Input& input, Time t, telemetry::Holder holder);
  Time take_lookup(const Transaction& tx, Time arrival, Time now);
  void answer(Handle handle, Transaction& tx, engine::Phase phase, Time leaves);
  std::uint32_t set_of(std::uint32_t line) const;
  std::uint32_t find(std::uint32_t set, std::uint32_t line) const;
  void use(std::uint32_t set, std::uint32_t index);
  std::uint32_t install(std::uint32_t line, std::uint32_t set, Time t, Time now);
  void write_back(std::uint32_t way, Time t, Time now);
  void to_memory(Handle handle, Time ready, Time now, bool writeback);
  void credit(unsigned count, Time t);
  std::uint8_t sector_mask(std::uint32_t line, std::uint64_t begin, std::uint64_t end) const;
  std::uint32_t bucket_of(std::uint32_t line) const { return (line * 0x9E3779B1u) >> bucket_shift_; }

  CacheSliceParams params_;
  Clock clock_;
  const SliceMap& slices_;
  std::uint16_t terminal_;
  std::uint32_t ways_;
  std::uint32_t sets_;
  int line_shift_;
  int sector_shift_;
  int bytes_per_cycle_shift_;  // -1: no power of two
  bool random_;

  std::vector<std::uint32_t> tags_;   // line number + 1, 0: empty; [set][way]
  std::vector<std::uint64_t> hints_;  // a byte of each tag, eight ways a word: [set][word]
  std::vector<Line> lines_;
  std::vector<std::uint8_t> newest_;  // way, per set
  std::uint32_t words_;               // per set
  std::uint64_t draws_;

  std::vector<Miss> misses_;
  std::uint32_t free_miss_ = 0;
  std::uint32_t misses_used_ = 0;
  std::uint32_t near_misses_ = 0;  // of these
  int bucket_shift_;
  std::vector<std::uint32_t> buckets_;
  std::vector<Waiter> waiters_;
  std::uint32_t free_waiter_ = kNone;
  std::uint32_t waiters_used_ = 0;
  std::vector<Node> nodes_;
  std::uint32_t free_node_ = kNone;

  Input inputs_[2];           // by Class: requests that cannot be looked up yet
  std::uint32_t queued_ = 0;  // in both
  telemetry::Reservations lookups_;

  std::vector<Outgoing> outgoing_;  // from first_outgoing_: waiting for a credit
  std::size_t first_outgoing_ = 0;
  std::uint32_t waiting_writebacks_ = 0;
  int credits_;
  int all_credits_;
  std::vector<StreamId> held_;  // ring: streams of the entries of the memory's door, in order
  std::uint32_t held_first_ = 0;
  std::uint32_t held_count_ = 0;
  telemetry::Reservations credit_holders_;
  Time credit_since_ = 0;

  std::uint64_t sectors_read_ = 0;
  Counters counters_;  // what follows from others is filled in by counters()
  telemetry::Blame lookup_blame_;
  telemetry::Blame merge_blame_;
  telemetry::Blame credit_blame_;
};

}  // namespace cowosim::compute
