// Parameters of the HBM of a package: organisation, address map, controller, planted faults.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "core/parameter.h"
#include "core/time.h"

namespace cowosim::hbm {

struct ControllerParams {
  int read_queue_entries = 32;
  int write_queue_entries = 32;
  double write_high_watermark = 0.8;
  double write_low_watermark = 0.2;
  std::string scheduler = "fr_fcfs";
  std::string page_policy = "open";
  std::string refresh = "all_bank";
  int door_entries = 32;
  int credit_batch = 1;
  Time front_latency = 0;
  Time return_latency = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("read_queue_entries", read_queue_entries, Range{16, 1024},
      "entries (32-byte accesses) of a pseudo-channel's read queue; 16 hold the largest transaction",
      "assumption [16, 128]: 32 is the default of Ramulator 2.1 and of the reference measurements");
    v("write_queue_entries", write_queue_entries, Range{16, 1024},
      "entries (32-byte accesses) of a pseudo-channel's write queue",
      "assumption [16, 128]: 32 is the default of Ramulator 2.1 and of the reference measurements");
    v("write_high_watermark", write_high_watermark, Range{0, 1},
      "write mode begins when more than this fraction of the write queue is in use (or nothing is to be read)",
      "Ramulator 2.1, wr_high_watermark");
    v("write_low_watermark", write_low_watermark, Range{0, 1},
      "write mode ends when less than this fraction is in use and something is to be read",
      "Ramulator 2.1, wr_low_watermark");
    v("scheduler", scheduler, std::vector<std::string>{"fr_fcfs"},
      "fr_fcfs: ready column accesses to open rows, then the oldest ready request; a row stays open while an older "
      "request hits it",
      "Rixner et al., ISCA 2000; Ramulator 2.1, FRFCFS-RowHit");
    v("page_policy", page_policy, std::vector<std::string>{"open"}, "what happens to a row after its last access",
      "assumption: open page is the default of the reference measurements");
    v("refresh", refresh, std::vector<std::string>{"all_bank", "none"}, "refresh scheme; none is for experiments only",
      "JESD238 REFab every tREFI; both pseudo-channels of a channel at once (assumption: they share a door, apart they "
      "would stall each other twice)");
    v("door_entries", door_entries, Range{1, 4096},
      "transactions the door holds; its credits must cover the round trip to the sender",
      "assumption [16, 64]: a link of 50 ns round trip at 50 GB/s holds 40 transactions of 64 bytes");
    v("credit_batch", credit_batch, Range{1, 1024},
      "credits of the door are given back this many at a time, or when it is empty; well below door_entries",
      "assumption [1, 16]: credits are coalesced on every credited link (PCIe, UCIe, CXL flow control)");
    v("front_latency", front_latency, Unit::time, Range{0, 1e12}, "pipeline from arrival at the door to the queues",
      "assumption [0 ns, 20 ns]: command path of controller; 0 in the reference measurements");
    v("return_latency", return_latency, Unit::time, Range{0, 1e12},
      "pipeline from the end of data to the response's departure",
      "assumption [0 ns, 20 ns]: data path of PHY and controller; 0 in the reference measurements");
  }
};

/// Planted faults: negative controls for comparing and deadlock tools. Off by default.
struct FaultParams {
  int stack = 0;
  int channel = 0;
  int pseudo_channel = 0;
  int extra_rcd_read = 0;
  std::int64_t drop_response_after = -1;

  template <class Visitor>
  void visit(Visitor& v) {
    v("stack", stack, Range{0, 255}, "stack that has the planted faults", "negative control");
    v("channel", channel, Range{0, 63}, "channel of that stack that has them", "negative control");
    v("pseudo_channel", pseudo_channel, Range{0, 1}, "pseudo-channel that has the planted timing fault",
      "negative control");
    v("extra_rcd_read", extra_rcd_read, Range{-8, 1000}, "clocks added to tRCDRD there; below 0 breaks the protocol",
      "negative control");
    v("drop_response_after", drop_response_after, Unit::none, Range{-1, 1e15},
      "swallow the response that follows this many (once per channel); -1: none", "negative control");
  }
};

struct HbmParams {
  std::string generation = "hbm3";
  double data_rate = 6.4e9;
  int stacks = 1;
  int channels = 16;
  int pseudo_channels = 2;
  int sids = 1;
  int bank_groups = 4;
  int banks = 4;
  int rows = 16384;
  int columns = 32;
  std::vector<std::string> address_map = {"row", "sid", "bank", "column", "bank_group", "offset"};
  int column_low_bits = 1;
  std::int64_t interleave_granule = 256;
  bool channel_hash = true;
  bool bank_hash = true;
  ControllerParams controller;
  FaultParams fault;

  template <class Visitor>
  void visit(Visitor& v) {
    v("generation", generation, std::vector<std::string>{"hbm3"}, "HBM generation: protocol and timing",
      "models/hbm/generation.cpp names the source of each number");
    v("data_rate", data_rate, Unit::data_rate, Range{1e8, 3.2e10}, "bits per second of a data pin",
      "JESD238: up to 6.4 Gb/s");
    v("stacks", stacks, Range{1, 256}, "HBM stacks of the package", "data sheet of the package");
    v("channels", channels, Range{1, 64}, "channels per stack", "JESD238: 16 channels of 64 bit");
    v("pseudo_channels", pseudo_channels, Range{1, 2}, "pseudo-channels in use per channel", "JESD238: 2 of 32 bit");
    v("sids", sids, Range{1, 4}, "stack IDs (ranks of dies)", "JESD238: 1, 2, 4 for 4-, 8-, 16-high stacks");
    v("bank_groups", bank_groups, Range{1, 16}, "bank groups per pseudo-channel and SID", "JESD238: 4");
    v("banks", banks, Range{1, 16}, "banks per bank group", "JESD238: 4");
    v("rows", rows, Range{1, 1048576}, "rows per bank", "JESD238: 8192 to 32768 by density");
    v("columns", columns, Range{1, 4096}, "32-byte accesses per row", "JESD238: 1 KiB page per pseudo-channel");
    v("address_map", address_map,
      "fields of a channel's address, most significant first: row, sid, bank, bank_group, pseudo_channel, column (or "
      "column_high "
      "and column_low), offset",
      "assumption: bank groups lowest, so that neighbouring accesses are tCCD_S apart");
    v("column_low_bits", column_low_bits, Range{0, 12}, "bits of column_low where the column is split", "assumption");
    v("interleave_granule", interleave_granule, Unit::bytes, Range{32, 4096}, "bytes that stay together in one channel",
      "assumption [64, 512]: undisclosed for GPUs");
    v("channel_hash", channel_hash, "rotate the channels by a hash, so that strides do not camp",
      "assumption: every GPU hashes its channels, how is undisclosed");
    v("bank_hash", bank_hash, "XOR bank, bank group and pseudo-channel with row bits", "Zhang, Zhu, Zhang, MICRO 2000");
    v.group("controller", controller, "memory controller, one per channel");
    v.group("fault", fault, "planted faults, for negative controls only");
  }
};

inline MemoryGeometry geometry_of(const HbmParams& p) {
  return {p.stacks, p.channels, p.pseudo_channels, p.sids, p.bank_groups, p.banks, p.rows, p.columns};
}
inline MemoryMapOptions map_options_of(const HbmParams& p) {
  return {p.address_map, p.column_low_bits, p.interleave_granule, p.channel_hash, p.bank_hash};
}
/// The package's memory map; throws std::invalid_argument (MemoryMap::problems tells all that is wrong).
inline MemoryMap make_memory_map(const HbmParams& p) { return MemoryMap(geometry_of(p), map_options_of(p)); }
/// The parameters as channel `channel` of stack `stack` sees them: planted faults are taken out everywhere but at
/// their place.
inline HbmParams with_fault_at(HbmParams p, int stack, int channel) {
  if (stack != p.fault.stack || channel != p.fault.channel) p.fault = FaultParams();
  return p;
}
/// Gigabits (2^30) of one channel and SID of the device, both pseudo-channels: what the standard's tRFC goes by.
inline double channel_gigabits(const HbmParams& p, int device_pseudo_channels) {
  return static_cast<double>(p.rows) * p.columns * 32 * 8 * p.banks * p.bank_groups * device_pseudo_channels /
         (1 << 30);
}

}  // namespace cowosim::hbm
