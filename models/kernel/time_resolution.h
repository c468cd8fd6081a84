// The SystemC time resolution of a process that holds a package is 1 fs.
#pragma once

namespace cowosim::kernel {

/// Set by a static object before anyone's static sc_time is built (init_priority). Verified here, when a package is constructed.
/// Throws std::runtime_error that says what to do when someone else chose another resolution.
void require_femtoseconds();

}  // namespace cowosim::kernel
