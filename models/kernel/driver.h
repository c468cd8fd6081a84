// The one SC_THREAD that drives a package's engine.
#pragma once

#include <exception>
#include <functional>
#include <systemc>

#include "engine/engine.h"

namespace cowosim::kernel {

/// Femtoseconds since the start: what the kernel's time resolution makes of SystemC's time.
inline Time present() { return static_cast<Time>(sc_core::sc_time_stamp().value()); }
inline sc_core::sc_time sc_time_of(Time t) { return sc_core::sc_time::from_value(static_cast<std::uint64_t>(t)); }

/// Sleeps until the next window begins, runs it, and so on: SystemC is woken once a window at most, not once a transaction.
/// A package without gates runs windows that begin within kRunAhead in a row as long as nothing else is pending in SystemC. With
/// gates no window runs before SystemC's time has come to its beginning: a foreign call then never comes too late.
class Driver : public sc_core::sc_module {
 public:
  Driver(const sc_core::sc_module_name& name, engine::Engine& engine, bool gates);

  /// How far the engine may be ahead of SystemC's time: what is seen of a package between two calls of sc_start with a time.
  static constexpr Time kRunAhead = kMicrosecond;

  /// Notified when the run has ended, at its simulated end time.
  const sc_core::sc_event& ended() const { return ended_; }
  /// What a heart has thrown; the run is over then. SystemC would wrap it into a report.
  std::exception_ptr error() const { return error_; }

  // For those who stand at the engine's gates. Not from within a window.
  /// Something has been entered, closed, or has failed: the engine may be due earlier than it was.
  void wake();
  /// See engine::Engine::check_limits: foreign models may keep SystemC busy while no window is due.
  void check_limits();
  /// The simulation is over: no time will pass any more. See engine::Engine::stop.
  void stop(bool drain);
  /// Called once, when the run has ended: foreign calls that wait must return.
  std::function<void()> on_end;

 private:
  void drive();
  template <class Step>
  void guarded(Step&& step);
  void wait_until(Time t);
  void wait_for_outside();
  void end();

  engine::Engine& engine_;
  sc_core::sc_event ended_;
  sc_core::sc_event woken_;
  Time asleep_until_ = kNever;
  Time last_window_ = 0;
  bool idle_ = false;  ///< asleep because nothing is due
  bool gates_;
  std::exception_ptr error_;
};

}  // namespace cowosim::kernel
