#include "kernel/driver.h"

#include <algorithm>

namespace cowosim::kernel {

namespace {
/// How long nobody else in the process has anything to do, as far as SystemC knows, and at most kRunAhead.
Time alone_for() {
  if (sc_core::sc_pending_activity_at_current_time()) return 0;
  if (!sc_core::sc_pending_activity_at_future_time()) return Driver::kRunAhead;
  const std::uint64_t pending = sc_core::sc_time_to_pending_activity().value();
  return static_cast<Time>(std::min(pending, static_cast<std::uint64_t>(Driver::kRunAhead)));
}
}  // namespace

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
    const Time alone_until = here + alone_for();
    try {
      do {
        engine_.run_window();
      } while (engine_.status() == engine::Status::running &&
               std::max(engine_.next_due(), engine_.now()) < alone_until);
    } catch (...) {
      error_ = std::current_exception();
      break;
    }
  }
  sleep_until(engine_.now());
  ended_.notify(sc_core::SC_ZERO_TIME);
}

}  // namespace cowosim::kernel
