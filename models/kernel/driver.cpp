#include "kernel/driver.h"

#include <algorithm>

namespace cowosim::kernel {

Driver::Driver(const sc_core::sc_module_name& name, engine::Engine& engine)
    : sc_module(name), engine_(engine), ended_("ended") {
  SC_HAS_PROCESS(Driver);
  SC_THREAD(drive);
}

void Driver::drive() {
  Time here = 0;  // SystemC time, in femtoseconds
  const auto sleep_until = [&](Time t) {
    if (t <= here) return;
    wait(sc_core::sc_time::from_value(static_cast<std::uint64_t>(t - here)));
    here = t;
  };
  while (engine_.status() == engine::Status::running) {
    const Time next = engine_.next_due();
    // With nothing due the engine only has to find out that it is done, or stuck: it says so without time passing.
    if (next != kNever) sleep_until(std::max(next, engine_.now()));
    try {
      engine_.run_window();
    } catch (...) {
      error_ = std::current_exception();
      break;
    }
  }
  sleep_until(engine_.now());
  ended_.notify(sc_core::SC_ZERO_TIME);
}

}  // namespace cowosim::kernel
