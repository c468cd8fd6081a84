// The one SC_THREAD that drives a package's engine.
#pragma once

#include <exception>
#include <systemc>

#include "engine/engine.h"

namespace cowosim::kernel {

/// Sleeps until the next window begins, runs it, and so on: SystemC is woken once a window at most, not once a transaction.
/// As long as nothing else is pending in SystemC, windows that begin within kRunAhead follow each other without sleep.
class Driver : public sc_core::sc_module {
 public:
  Driver(const sc_core::sc_module_name& name, engine::Engine& engine);

  /// How far the engine may be ahead of SystemC's time: what is seen of a package between two calls of sc_start with a time.
  static constexpr Time kRunAhead = kMicrosecond;

  /// Notified when the run has ended, at its simulated end time.
  const sc_core::sc_event& ended() const { return ended_; }
  /// What a heart has thrown; the run is over then. SystemC would wrap it into a report.
  std::exception_ptr error() const { return error_; }

 private:
  void drive();

  engine::Engine& engine_;
  sc_core::sc_event ended_;
  std::exception_ptr error_;
};

}  // namespace cowosim::kernel
