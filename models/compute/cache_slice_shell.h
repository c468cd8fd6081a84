// A cache slice as a module.
#pragma once

#include "compute/cache_slice.h"
#include "kernel/ports.h"

namespace cowosim::compute {

class CacheSliceShell final : public kernel::Shell {
 public:
  CacheSliceShell(const sc_core::sc_module_name& name, const CacheSliceParams& params, const SliceMap& slices,
                  std::uint16_t terminal, int credits)
      : Shell(name),
        slice_(params, slices, terminal, credits),
        network("network", *this, CacheSlice::kNetwork),
        memory("memory", *this, CacheSlice::kMemory) {}

  CacheSlice& heart() override { return slice_; }

 private:
  CacheSlice slice_;

 public:
  kernel::InitiatorPort network;
  kernel::InitiatorPort memory;
};

}  // namespace cowosim::compute
