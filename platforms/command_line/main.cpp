// The `cowosim` binary: one of many possible sc_mains around a package.
#include <fmt/core.h>

#include <cstdlib>
#include <exception>
#include <systemc>

#include "core/error.h"
#include "core/nearest.h"
#include "platforms/command_line/commands.h"
#include "platforms/command_line/options.h"
#include "platforms/version_info.h"

namespace cowosim::platforms::command_line {

std::string command_line;

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"run", "PLATFORM [WORKLOAD]", "simulate", run, true},
      {"validate", "FILE...", "check platform and workload files, simulate nothing", validate, false},
      {"list", "platforms|workloads|parameters [GLOB]", "what there is", list, false},
      {"show", "PLATFORM|WORKLOAD", "the resolved file and what follows from it", show, true},
      {"schema", "platform|workload", "JSON Schema for editors", schema, false},
      {"check", "TRACE --platform P", "DRAM commands of a trace against the protocol", check, false},
      {"diverge", "A B", "where and when two runs first differ", diverge, true},
      {"correlate", "PLATFORM REFERENCE.csv --map M", "against per-request measurements of somebody else", correlate,
       true},
  };
  return all;
}

namespace {

const Command* chosen = nullptr;
Arguments arguments;

int usage(FILE* out) {
  fmt::print(out, "usage: cowosim COMMAND [ARGUMENTS]\n\n");
  for (const Command& command : commands()) {
    fmt::print(out, "  {:<9} {:<40} {}\n", command.name, command.synopsis, command.summary);
  }
  fmt::print(out, "\n  cowosim COMMAND --help   the options of a command\n  cowosim --version        the version\n");
  return out == stdout ? kDone : kUsageError;
}

/// Runs the chosen command; what a user did wrong is exit code 2, what we did wrong is 1.
int guarded() {
  try {
    return chosen->function(arguments);
  } catch (const ConfigError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return kUsageError;
  } catch (const UsageError& error) {
    fmt::print(stderr, "cowosim {}: error: {}\n", chosen->name, error.what());
    return kUsageError;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cowosim {}: internal error: {}\n", chosen->name, error.what());
    return kInternalError;
  }
}

int start(int argc, char** argv) {
  if (argc < 2) return usage(stderr);
  const std::string name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") return usage(stdout);
  if (name == "--version") {
    fmt::print("cowosim {} ({}, SystemC {})\n", kVersion, kGitHash, sc_core::sc_version_string);
    return kDone;
  }
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    names.push_back(command.name);
    if (name == command.name) chosen = &command;
  }
  if (chosen == nullptr) {
    fmt::print(stderr, "cowosim: error: there is no command '{}'{} (see cowosim --help)\n", name,
               did_you_mean(name, names));
    return kUsageError;
  }
  for (int i = 0; i < argc; ++i) {
    if (i > 0) command_line += ' ';
    command_line += argv[i];
    if (i > 1) arguments.emplace_back(argv[i]);
  }
  return chosen->simulates ? sc_core::sc_elab_and_sim(argc, argv) : guarded();
}

}  // namespace
}  // namespace cowosim::platforms::command_line

int sc_main(int, char**) { return cowosim::platforms::command_line::guarded(); }

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);  // stdout is for results, stderr for messages
  return cowosim::platforms::command_line::start(argc, argv);
}
