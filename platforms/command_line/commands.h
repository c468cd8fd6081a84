// The subcommands of `cowosim`. Each takes its own arguments (without "cowosim NAME") and returns the exit code of the contract.
#pragma once

#include <string>
#include <vector>

#include "platforms/package.h"

namespace cowosim::platforms::command_line {

inline constexpr int kDone = 0;
inline constexpr int kInternalError = 1;
inline constexpr int kUsageError = 2;
inline constexpr int kInvariantBroken = 3;
inline constexpr int kStuck = 4;
inline constexpr int kWallLimit = 5;
inline constexpr int kDifferent = 6;
inline constexpr int kInterrupted = 130;

using Arguments = std::vector<std::string>;

int run(const Arguments& arguments);
int validate(const Arguments& arguments);
int list(const Arguments& arguments);
int show(const Arguments& arguments);
int schema(const Arguments& arguments);
int check(const Arguments& arguments);
int diverge(const Arguments& arguments);
int correlate(const Arguments& arguments);

/// Whether the command simulates: then it runs inside sc_main.
struct Command {
  const char* name;
  const char* synopsis;
  const char* summary;
  int (*function)(const Arguments&);
  bool simulates;
};
const std::vector<Command>& commands();

/// As typed, for run.json.
extern std::string command_line;

}  // namespace cowosim::platforms::command_line
