#include "platforms/command_line/simulate.h"

#include <fmt/core.h>

#include <algorithm>

#include "platforms/command_line/options.h"

namespace cowosim::platforms::command_line {

namespace {

/// Plug-ins may have clocks, which would go on for ever.
class Stopper : public sc_core::sc_module {
 public:
  Stopper(const sc_core::sc_module_name& name, const std::vector<Package*>& packages)
      : sc_module(name), packages_(packages) {
    SC_HAS_PROCESS(Stopper);
    SC_THREAD(wait_for_end);
  }

 private:
  void wait_for_end() {
    for (const Package* package : packages_)
      if (package->status() == engine::Status::running) wait(package->ended());
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO,
                                            sc_core::SC_DO_NOTHING);  // "stopped by user"
    sc_core::sc_stop();
  }
  const std::vector<Package*>& packages_;
};

}  // namespace

void simulate(const std::vector<Package*>& packages) {
  for (const Package* package : packages) {
    for (const std::string& name : package->unbound())
      throw UsageError(
          fmt::format("foreign.{0}: nobody to be it; give foreign.{0}.plugin, or run the platform in a SystemC "
                      "program of your own (doc/guide/virtual_platform.md)",
                      name));
  }
  const Stopper stopper("stopper", packages);
  // In steps: foreign models may let time pass without the package, and its limits hold all the same.
  const sc_core::sc_time step(10, sc_core::SC_US);
  do {
    sc_core::sc_start(std::max(step, sc_core::sc_time_to_pending_activity()));
    for (Package* package : packages) package->check_limits();
  } while (sc_core::sc_get_status() == sc_core::SC_PAUSED && sc_core::sc_pending_activity());
  for (Package* package : packages) package->stop();
}

int exit_code(engine::Status status) {
  switch (status) {
    case engine::Status::completed:
    case engine::Status::time_limit:
      return kDone;
    case engine::Status::wall_limit:
      return kWallLimit;
    case engine::Status::interrupted:
      return kInterrupted;
    case engine::Status::deadlock:
    case engine::Status::no_progress:
      return kStuck;
    case engine::Status::broken:
      return kInvariantBroken;
    case engine::Status::running:
      break;
  }
  return kInternalError;
}

}  // namespace cowosim::platforms::command_line
