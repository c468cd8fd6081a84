#include "kernel/time_resolution.h"

#include <stdexcept>
#include <systemc>

namespace cowosim::kernel {

namespace {
struct ResolutionSetter {
  ResolutionSetter() {
    try {
      sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
    } catch (const sc_core::sc_report&) {
      // Someone was first: require_femtoseconds() tells whether that matters.
    }
  }
};
// 101 is the first priority an application may use: before every static sc_time of ordinary priority.
[[gnu::init_priority(101)]] ResolutionSetter resolution_setter;
}  // namespace

void require_femtoseconds() {
  if (sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_FS)) return;
  throw std::runtime_error(
      "the SystemC time resolution is " + sc_core::sc_get_time_resolution().to_string() +
      ", but a package needs 1 fs. Remove calls of sc_set_time_resolution, and static sc_time objects with an "
      "init_priority "
      "below 102, from this program: cowosim sets the resolution itself before ordinary static objects are built.");
}

}  // namespace cowosim::kernel
