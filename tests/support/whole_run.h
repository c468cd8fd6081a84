// A whole run in a process of its own: SystemC elaborates once a process.
#pragma once

#include <cstdint>
#include <optional>

#include "platforms/package.h"

namespace cowosim::test {

/// Transactions of the run, or nothing when it failed. Elaboration included.
std::optional<std::int64_t> run_in_child(const RunOptions& options);

}  // namespace cowosim::test
