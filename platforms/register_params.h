// Where the package's registers are, and how fast.
#pragma once

#include <cstdint>

#include "core/parameter.h"
#include "core/time.h"

namespace cowosim::platforms {

/// The region of doc/guide/registers.md: counters, doorbell. Its content begins at `base`; what follows it up to `size` reads as an error.
struct RegisterParams {
  std::int64_t base = std::int64_t{1} << 44;
  std::int64_t size = std::int64_t{16} << 20;
  Time latency = 100 * kNanosecond;
  Time fetch_latency = 500 * kNanosecond;
  int ring_entries = 65536;

  template <class Visitor>
  void visit(Visitor& v) {
    v("base", base, Unit::bytes, Range{0, 9.2e18}, "first address",
      "assumption [end of memory, 2^63]: 16 TiB, above what 256 stacks hold");
    v("size", size, Unit::bytes, Range{4096, 1LL << 40}, "bytes of the region",
      "assumption [1 MiB, 64 MiB]: NVIDIA GPUs show theirs in 16 MiB (PCI BAR 0)");
    v("latency", latency, Unit::time, Range{0, 1e12}, "of an access inside the package",
      "assumption [50 ns, 1 us]: a control network is narrow and slower than the data's; not published");
    v("fetch_latency", fetch_latency, Unit::time, Range{0, 1e12},
      "from the doorbell to the first launch of an idle queue: reading and decoding the descriptor",
      "assumption [200 ns, 5 us]: two dependent memory reads and a front end; not published");
    v("ring_entries", ring_entries, Range{1, 1 << 20}, "descriptors that a host's ring may have at most",
      "assumption [1024, 65536]: what NVMe allows a queue (NVM Express base specification, CAP.MQES)");
  }
};

}  // namespace cowosim::platforms
