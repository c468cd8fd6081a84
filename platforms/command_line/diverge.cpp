// `cowosim diverge`: where and when two runs first differ, down to the transaction.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "platforms/command_line/options.h"
#include "platforms/command_line/simulate.h"
#include "telemetry/diverge.h"

namespace cowosim::platforms::command_line {

namespace {

telemetry::HashTable read_hashes(const std::string& run) {
  const std::string file = run + "/hashes.csv";
  std::ifstream in(file);
  if (!in) throw UsageError(fmt::format("'{}' is no run's directory: it has no hashes.csv", run));
  return telemetry::read_hashes(in, file);
}

/// The run repeated from its config.yaml up to the end of the epoch, with that epoch's transactions traced.
RunOptions repeat(const std::string& run, const telemetry::EpochDifference& difference) {
  const std::string file = run + "/config.yaml";
  if (!std::filesystem::exists(file))
    throw UsageError(fmt::format("'{}' cannot be repeated: it has no config.yaml", run));
  RunOptions options;
  options.platform = std::filesystem::absolute(file).string();
  options.until = difference.end;
  options.trace_transactions = {true, difference.begin, difference.end};
  return options;
}

}  // namespace

int diverge(const Arguments& arguments) {
  Options visible("options");
  visible.add_options()("no-rerun", "stop at epoch and component; do not repeat the runs to find the transaction");
  Options hidden;
  hidden.add_options()("run", boost::program_options::value<std::vector<std::string>>());
  Positions positions;
  positions.add("run", -1);
  Variables variables;
  if (!parse(arguments, "diverge A B [OPTIONS]", visible, hidden, positions, variables)) return kDone;
  const auto runs =
      variables.count("run") > 0 ? variables["run"].as<std::vector<std::string>>() : std::vector<std::string>();
  if (runs.size() != 2) throw UsageError("diverge takes the directories of two runs (usage: cowosim diverge A B)");

  const telemetry::HashTable a = read_hashes(runs[0]);
  const telemetry::HashTable b = read_hashes(runs[1]);
  const auto difference = telemetry::first_difference(a, b);
  if (!difference) {
    fmt::print("The runs do not differ: {} hashes are equal, completion hash {:016x}.\n", a.size(),
               telemetry::completion_hash(a));
    return kDone;
  }
  fmt::print("{}", telemetry::describe(*difference, runs[0], runs[1]));
  if (variables.count("no-rerun") > 0) return kDifferent;

  // Both run side by side in this process, each as it ran before.
  Package package_a("package_0", repeat(runs[0], *difference));
  Package package_b("package_1", repeat(runs[1], *difference));
  simulate({&package_a, &package_b});
  package_a.rethrow();
  package_b.rethrow();
  const auto transaction =
      telemetry::first_difference(package_a.transactions(), package_b.transactions(), telemetry::sources_of(a));
  if (!transaction) {
    fmt::print(
        "Repeated from their config.yaml the runs do not differ in this epoch: they were made by different versions, "
        "or inputs "
        "outside config.yaml (trace files) have changed.\n");
    return kDifferent;
  }
  fmt::print("{}", telemetry::describe(*transaction, runs[0], runs[1]));
  return kDifferent;
}

}  // namespace cowosim::platforms::command_line
