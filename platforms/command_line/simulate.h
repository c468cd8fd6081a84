// A simulation from its beginning to its end, as every command that simulates wants it.
#pragma once

#include <vector>

#include "platforms/package.h"

namespace cowosim::platforms::command_line {

/// Simulates until all packages have ended, also where plug-ins would go on for ever; once a process. Throws UsageError
/// for a foreign model that nobody is; what went wrong in a package is in its rethrow() and status().
void simulate(const std::vector<Package*>& packages);

/// What the command exits with when a package has ended like that.
int exit_code(engine::Status status);

}  // namespace cowosim::platforms::command_line
