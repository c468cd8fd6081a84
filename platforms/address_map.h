// The package's address map: who answers at which physical address.
//
// In this order, each region where its section says: the regions of the memory map (kind memory), the registers
// (kind registers), targets at a die or off package (kind foreign). A target in place of a stack answers at that stack's
// share of memory and has no region of its own. A fabric alone has no addresses.
#pragma once

#include <string>
#include <vector>

#include "core/address_map.h"
#include "core/memory_map.h"
#include "platforms/platform_params.h"

namespace cowosim::platforms {

/// Whether a foreign model answers at a region of its own.
bool has_region(const bridge::ForeignParams& foreign);

/// What is wrong with bases and sizes, by path ("registers.base", "foreign.npu.size"); empty when a map can be built.
std::vector<ParameterProblem> address_problems(const PlatformParams& platform, const MemoryMap& memory);
/// Throws std::invalid_argument where there are problems.
AddressMap make_address_map(const PlatformParams& platform, const MemoryMap& memory);

/// A region in words: "over 16 channels of stacks 0, 1", "foreign model at die_0".
std::string describe(const AddressRegion& region, const PlatformParams& platform, const MemoryMap& memory);

}  // namespace cowosim::platforms
