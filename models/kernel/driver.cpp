#include "kernel/driver.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

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

Driver::Driver(const sc_core::sc_module_name& name, engine::Engine& engine, bool gates)
    : sc_module(name), engine_(engine), ended_("ended"), woken_("woken"), gates_(gates) {
  SC_HAS_PROCESS(Driver);
  SC_THREAD(drive);
}

/// Or until somebody wakes us.
void Driver::wait_until(Time t) {
  if (t <= present()) return;
  asleep_until_ = t;
  if (t == kNever) {
    wait(woken_);
  } else {
    wait(sc_time_of(t - present()), woken_);
  }
  asleep_until_ = 0;
}

void Driver::wake() {
  if (asleep_until_ == 0) return;
  if (idle_ || engine_.status() != engine::Status::running || engine_.next_due() < asleep_until_)
    woken_.notify(sc_core::SC_ZERO_TIME);
}

/// What hearts throw ends the run; what SystemC throws to unwind this thread passes.
template <class Step>
void Driver::guarded(Step&& step) {
  try {
    step();
  } catch (...) {
    error_ = std::current_exception();
  }
}

/// Nothing is due: until a limit of the run's, or until a foreign model has owed something for too long.
void Driver::wait_for_outside() {
  const Time limit = engine_.next_due();
  const Time quiet_since = std::max(last_window_, engine_.last_outside());
  const bool bounded = engine_.outside_owes() && engine_.stall_limit() < kNever - quiet_since;
  const Time patience = bounded ? std::max(quiet_since + engine_.stall_limit(), present()) : kNever;
  idle_ = true;
  wait_until(std::min(limit, patience));
  idle_ = false;
  if (engine_.status() != engine::Status::running || !engine_.waits_for_outside()) return;
  guarded([&] {
    if (present() >= limit && limit < patience) {
      engine_.run_window();
    } else if (present() >= patience && engine_.outside_owes()) {
      engine_.give_up(
          fmt::format("no answer: nothing has come from outside for {} ns although something is outstanding",
                      to_ns(engine_.stall_limit())));
    }
  });
}

void Driver::drive() {
  while (engine_.status() == engine::Status::running && !error_) {
    if (engine_.waits_for_outside()) {
      wait_for_outside();
      continue;
    }
    const Time next = engine_.next_due();
    // With nothing due the engine only has to find out that it is done, or stuck: it says so without time passing.
    const Time begin = next == kNever ? present() : std::max(next, engine_.now());
    if (present() < begin) {
      wait_until(begin);
      if (gates_) continue;  // who woke us may have changed what is due
    }
    const Time alone_until = gates_ ? 0 : present() + alone_for();
    guarded([&] {
      do {
        engine_.run_window();
      } while (engine_.status() == engine::Status::running &&
               std::max(engine_.next_due(), engine_.now()) < alone_until);
    });
    last_window_ = present();
  }
  while (present() < engine_.now()) wait_until(engine_.now());
  end();
  ended_.notify(sc_core::SC_ZERO_TIME);
}

void Driver::check_limits() {
  if (!error_) guarded([&] { engine_.check_limits(); });
  wake();
}

void Driver::stop(bool drain) {
  if (engine_.status() == engine::Status::running && !error_)
    guarded([&] {
      engine_.stop("the simulation ended with transactions under way", drain ? kNever : present() + kRunAhead);
    });
  end();
  wake();  // should the simulation go on, the end is announced
}

void Driver::end() {
  if (on_end) std::exchange(on_end, nullptr)();
}

}  // namespace cowosim::kernel
