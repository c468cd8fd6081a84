// What follows from a platform: peaks, capacity, ridge point, windows, unloaded latencies. For `cowosim show` and for tests.
#pragma once

#include <string>
#include <vector>

#include "core/memory_map.h"
#include "engine/engine.h"
#include "hbm/channel.h"
#include "platforms/die.h"
#include "platforms/package.h"

namespace cowosim::platforms {

/// `die` may be nullptr. Latencies are closed forms: sums of the pipelines a lone read of one core's transaction passes.
Package::Facts facts(const PlatformParams& platform, const MemoryMap& map, const engine::Engine& engine,
                     const hbm::Channel& channel, const Die* die);
/// Of a fabric alone.
Package::Facts facts_of_fabric(const PlatformParams& platform, const fabric::Network& network);

}  // namespace cowosim::platforms
