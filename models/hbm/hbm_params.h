// Parameters of the HBM of a package: organisation, address map, controller, planted faults.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "core/parameter.h"
#include "core/time.h"
#include "hbm/energy_params.h"
#include "hbm/organisation.h"
#include "hbm/timing.h"

namespace cowosim::hbm {

struct ControllerParams {
  int read_queue_entries = 32;
  int write_queue_entries = 32;
  std::string queues = "split";
  double write_high_watermark = 0.8;
  double write_low_watermark = 0.2;
  std::string drain = "watermarks";
  std::string scheduler = "fr_fcfs";
  int hit_cap = 4;
  std::vector<std::string> priority_streams;
  Time priority_age_limit = 500 * kNanosecond;
  std::string page_policy = "open";
  Time page_timeout = 100 * kNanosecond;
  std::string refresh = "all_bank";
  std::string refresh_policy = "strict";
  int refresh_postpone = 8;
  int refresh_pull_in = 0;
  bool refresh_stagger = false;
  bool refresh_management = false;
  int raaimt = 32;
  int raammt = 96;
  int door_entries = 32;
  int credit_batch = 1;
  Time front_latency = 0;
  Time return_latency = 0;
  bool bulk = true;

  template <class Visitor>
  void visit(Visitor& v) {
    v("read_queue_entries", read_queue_entries, Range{16, 1024},
      "entries (32-byte accesses) of a pseudo-channel's read queue; 16 hold the largest transaction",
      "assumption [16, 128]: 32 is the default of Ramulator 2.1 and of the reference measurements");
    v("write_queue_entries", write_queue_entries, Range{16, 1024},
      "entries (32-byte accesses) of a pseudo-channel's write queue",
      "assumption [16, 128]: 32 is the default of Ramulator 2.1 and of the reference measurements");
    v("queues", queues, std::vector<std::string>{"split", "shared"},
      "split: each pseudo-channel has its own entries; shared: the pseudo-channels of a channel share the sum of them",
      "assumption: undisclosed for products");
    v("write_high_watermark", write_high_watermark, Range{0, 1},
      "write mode begins when more than this fraction of the write queue is in use (or nothing is to be read)",
      "Ramulator 2.1, wr_high_watermark");
    v("write_low_watermark", write_low_watermark, Range{0, 1},
      "write mode ends when less than this fraction is in use and something is to be read",
      "Ramulator 2.1, wr_low_watermark");
    v("drain", drain, std::vector<std::string>{"watermarks", "in_order"},
      "watermarks: reads and writes are grouped, by the two watermarks; in_order: the queue with the oldest access is "
      "served",
      "Ramulator 2.1 (watermarks); simulators differ by 28 to 40 % on mixes because of this policy");
    v("scheduler", scheduler, std::vector<std::string>{"fr_fcfs", "fr_fcfs_cap", "fcfs"},
      "fr_fcfs: ready column accesses to open rows, then the oldest ready request; a row stays open while an older "
      "request hits it. fr_fcfs_cap: at most hit_cap accesses to an open row overtake an older one to another row. "
      "fcfs: a queue is served in order",
      "Rixner et al., ISCA 2000; Ramulator 2.1, FRFCFS-RowHit; cap: Mutlu and Moscibroda, MICRO 2007 (FR-FCFS+Cap)");
    v("hit_cap", hit_cap, Range{1, 1024}, "of fr_fcfs_cap", "Mutlu and Moscibroda, MICRO 2007: 4");
    v("priority_streams", priority_streams,
      "streams that are served before others, the most urgent one first; streams not named come last", "experiment");
    v("priority_age_limit", priority_age_limit, Unit::time, Range{0, 1e12},
      "an access this much older is served before one that is one step more urgent",
      "assumption [100 ns, 2 us]: keeps streams without priority from starving");
    v("page_policy", page_policy, std::vector<std::string>{"open", "closed", "timeout", "adaptive"},
      "when a row without waiting accesses is closed: never, at once, after page_timeout, after a time that doubles "
      "when the row was closed too early and halves when it was closed too late",
      "open page is the default of the reference measurements; adaptive: as in Intel's adaptive page closing (US "
      "patent "
      "7076617)");
    v("page_timeout", page_timeout, Unit::time, Range{0, 1e12}, "of timeout; adaptive starts from it",
      "assumption [50 ns, 500 ns]");
    v("refresh", refresh, std::vector<std::string>{"all_bank", "per_bank", "none"},
      "refresh scheme; none is for experiments only",
      "JESD238 REFab every tREFI, REFpb every tREFI / banks; both pseudo-channels of a channel at once (assumption: "
      "they share a door, apart they would stall each other twice)");
    v("refresh_policy", refresh_policy, std::vector<std::string>{"strict", "hidden"},
      "strict: a refresh is issued when it is due, banks in order, and until then only begun accesses go on. hidden: "
      "due "
      "refreshes wait, within refresh_postpone, until nothing waits for their bank (all_bank: for the pseudo-channel); "
      "only that bank stands still",
      "strict: Ramulator 2.1; hidden: Chang et al., HPCA 2014 (out-of-order per-bank refresh)");
    v("refresh_postpone", refresh_postpone, Range{0, kMaxPostponedRefreshes},
      "refreshes (per bank) that may be postponed; hidden only",
      "AMD PG313, HBM controller: up to 8; assumption [4, 8] for HBM3 and HBM4");
    v("refresh_pull_in", refresh_pull_in, Range{0, kMaxPulledInRefreshes},
      "refreshes (per bank) that may be issued ahead while a pseudo-channel is idle; hidden only",
      "AMD PG313, HBM controller: up to 8; assumption [4, 8] for HBM3 and HBM4");
    v("refresh_stagger", refresh_stagger,
      "channels refresh evenly spread over the interval instead of all at the same time",
      "assumption: spreads the current; products do, how is undisclosed");
    v("refresh_management", refresh_management,
      "RFM: a bank with raaimt activates since its last refresh gets an RFMpb, at the latest at raammt",
      "JESD238: HBM3 and later");
    v("raaimt", raaimt, Range{2, 4096}, "initial management threshold, activates; each REF or RFM takes as many off",
      "assumption [16, 128]: the device's mode register tells; DDR5 (JESD79-5): 32 to 80");
    v("raammt", raammt, Range{2, 65536}, "maximum management threshold: no bank gets more activates without management",
      "assumption: 3 x raaimt; DDR5 (JESD79-5): 3 to 6 times");
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
    v("bulk", bulk, "serve consecutive hits in bulk; results are the same without, only slower",
      "a switch for tests of that");
  }
};

/// Error correction on the way between cells and controller.
struct EccParams {
  std::string mode = "none";
  double bit_error_rate = 0;
  Time latency = 0;
  int replays = 3;

  template <class Visitor>
  void visit(Visitor& v) {
    v("mode", mode, std::vector<std::string>{"none", "on_die", "sideband"},
      "none: errors are counted as undetected. on_die: single errors are corrected in the device, transparently. "
      "sideband: "
      "the controller checks bits that travel beside the data: single errors are corrected, double errors are read "
      "again",
      "JESD238: on-die ECC; side-band ECC pins of HBM2 and later");
    v("bit_error_rate", bit_error_rate, Range{0, 1e-3}, "of a bit read, independent errors", "experiment");
    v("latency", latency, Unit::time, Range{0, 1e9}, "of checking a read in the controller; sideband only",
      "assumption [0 ns, 5 ns]: a syndrome and a correction of 256 bits take a few controller clocks");
    v("replays", replays, Range{0, 16}, "times an access is read again before its error counts as not correctable",
      "assumption [1, 3]");
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
  EccParams ecc;
  FaultParams fault;
  EnergyParams energy;
  std::string interleave = "channel";
  std::vector<std::string> hashes;
  std::vector<MemoryRegionParams> regions;
  std::vector<std::string> masked;
  std::string organisation = kCustom;
  double temperature = kNormalTemperature;

  /// A parameter that an organisation sets.
  struct Set {
    const char* name;
    int* value;
    int table;
  };
  std::array<Set, 6> set_by(const Generation& g, const Organisation& o) {
    return {{{"channels", &channels, g.channels},
             {"sids", &sids, o.sids},
             {"bank_groups", &bank_groups, g.bank_groups},
             {"banks", &banks, g.banks},
             {"rows", &rows, o.rows},
             {"columns", &columns, g.columns}}};
  }
  /// The table's values, where `organisation` names one of the generation's.
  void take_organisation() {
    const Generation* g = find_generation(generation);
    if (g == nullptr || organisation == kCustom) return;
    if (const auto o = find_organisation(*g, organisation))
      for (const Set& set : set_by(*g, *o)) *set.value = set.table;
  }

  template <class Visitor>
  void visit(Visitor& v) {
    v("generation", generation, generation_names(), "HBM generation: protocol and timing",
      "models/hbm/generation.cpp names the source of each number");
    v("data_rate", data_rate, Unit::data_rate, Range{1e8, 3.2e10}, "bits per second of a data pin",
      "speed grades in models/hbm/generation.cpp; any other rate takes the times of the next faster one");
    v("organisation", organisation, organisation_names(),
      "stack height and die density; sets channels, sids, bank_groups, banks, rows and columns, which custom leaves to "
      "the file",
      "models/hbm/generation.cpp: heights and densities by generation");
    take_organisation();  // defaults of what follows
    v("stacks", stacks, Range{1, 256}, "HBM stacks of the package", "data sheet of the package");
    v("channels", channels, Range{1, 64}, "channels per stack",
      "JESD235: 8 of 128 bit, JESD238: 16 of 64 bit, JESD270-4: 32 of 64 bit");
    v("pseudo_channels", pseudo_channels, Range{1, 2}, "pseudo-channels in use per channel",
      "JESD235: 2 of 64 bit, JESD238: 2 of 32 bit");
    v("sids", sids, Range{1, 4}, "stack IDs (ranks of dies)", "JESD238: one for each four dies of the stack");
    v("bank_groups", bank_groups, Range{1, 16}, "bank groups per pseudo-channel and SID",
      "JESD238: 4; HBM4 in Ramulator 2.1: 2");
    v("banks", banks, Range{1, 16}, "banks per bank group", "JESD238: 4; HBM4 in Ramulator 2.1: 8");
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
    v("temperature", temperature, Range{-40, 105},
      "degrees Celsius of the stacks: tREFI is halved above 85 and quartered above 95",
      "JEDEC extended temperature range; see refresh_factor in models/hbm/generation.h");
    v.group("controller", controller, "memory controller, one per channel");
    v.group("ecc", ecc, "error correction");
    v.group("fault", fault, "planted faults, for negative controls only");
    v("interleave", interleave, std::vector<std::string>{"channel", "pseudo_channel"},
      "what granules are interleaved over; with pseudo_channel that field of the address map counts for nothing",
      "assumption: undisclosed for GPUs");
    v("hashes", hashes,
      "XOR hashes of the address map, TARGET ^= SOURCE ^ SOURCE: bank_group[0] ^= row[0] ^ row[2]; a target is a field "
      "or bits of one, a source bits of a field or of the channel's address (address[20:21])",
      "as found by reverse engineering: DRAMA, Pessl et al., USENIX Security 2016; none: GPUs' are undisclosed");
    v.entries("regions", regions,
              "parts of the address space, in order, each with stacks of its own; none: one of all");
    v("masked", masked,
      "fused off: hbm_stack_S, hbm_stack_S.channel_C, hbm_stack_S.channel_C.pseudo_channel_P (the last with interleave "
      "pseudo_channel)",
      "data sheet of the package: products ship with less than the die has");
    v.group("energy", energy, "what commands, refresh and time cost; never changes when anything happens");
  }
};

inline MemoryGeometry geometry_of(const HbmParams& p) {
  return {p.stacks, p.channels, p.pseudo_channels, p.sids, p.bank_groups, p.banks, p.rows, p.columns};
}
inline MemoryMapOptions map_options_of(const HbmParams& p) {
  return {p.address_map, p.column_low_bits, p.interleave_granule, p.channel_hash, p.bank_hash, p.interleave, p.hashes,
          p.regions,     p.masked};
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
/// Timings of every channel; throws std::invalid_argument for an unknown generation or a density without tRFC.
inline Timing timing_of(const HbmParams& p) {
  const Generation* generation = find_generation(p.generation);
  if (generation == nullptr) throw std::invalid_argument("unknown HBM generation '" + p.generation + "'");
  return resolve(*generation, p.data_rate, channel_gigabits(p, generation->pseudo_channels),
                 p.sids * p.bank_groups * p.banks, p.temperature);
}

}  // namespace cowosim::hbm
