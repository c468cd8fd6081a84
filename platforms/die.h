// A compute die, assembled from compute's cores and cache slices and fabric's network.
#pragma once

#include <memory>
#include <systemc>
#include <vector>

#include "compute/cache_slice_shell.h"
#include "compute/core_shell.h"
#include "compute/slice_map.h"
#include "core/router.h"
#include "fabric/network_shell.h"
#include "platforms/platform_params.h"

namespace cowosim::platforms {

/// Terminals of the network: the cores, then the slices, then `guests` (traffic sources without a core, foreign models), which are in
/// partition 0.
class Die final : public sc_core::sc_module {
 public:
  Die(const sc_core::sc_module_name& name, const DieParams& params, const MemoryMap& map,
      const std::vector<const work::Program*>& programs, int door_entries, const std::vector<std::string>& guests);

  const DieParams& params() const { return params_; }
  const compute::SliceMap& slices() const { return slices_; }
  /// Where guests send their requests.
  const Router& router() const { return router_; }
  /// Requests for these addresses go to a guest.
  void add_region(std::uint64_t first, std::uint64_t bytes, int guest) {
    slices_.add_region(first, bytes, static_cast<std::uint16_t>(guest_terminal(guest)));
  }
  int guest_terminal(int guest) const { return params_.cores + static_cast<int>(slices_.slices()) + guest; }

 private:
  struct NearRouter final : Router {
    explicit NearRouter(const compute::SliceMap& map) : slices(map) {}
    std::uint16_t destination(std::uint64_t address) const override { return slices.near_terminal(address, 0); }
    const compute::SliceMap& slices;
  };

  DieParams params_;
  compute::SliceMap slices_;
  NearRouter router_;

 public:
  sc_core::sc_vector<compute::CoreShell> core;
  sc_core::sc_vector<compute::CacheSliceShell> slice;
  fabric::NetworkShell network;
};

}  // namespace cowosim::platforms
