// Entry points of cowosim-bench: its own main (libsystemc has one too; ours comes first), and the sc_main of its children.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <systemc>

#include "support/whole_run.h"

namespace {
const cowosim::RunOptions* current = nullptr;  // what the child is to simulate
int answer = -1;                               // where it says how many transactions that were
}  // namespace

std::optional<std::int64_t> cowosim::test::run_in_child(const RunOptions& options) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    current = &options;
    answer = ends[1];
    char name[] = "cowosim-bench";
    char* arguments[] = {name, nullptr};
    _exit(sc_core::sc_elab_and_sim(1, arguments));
  }
  close(ends[1]);
  std::int64_t transactions = 0;
  const bool answered = read(ends[0], &transactions, sizeof transactions) == static_cast<ssize_t>(sizeof transactions);
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  if (!answered || status != 0) return std::nullopt;
  return transactions;
}

int sc_main(int, char**) {
  cowosim::Package package("package_0", *current);
  sc_core::sc_start();
  const auto transactions = static_cast<std::int64_t>(package.results().transactions);
  return write(answer, &transactions, sizeof transactions) == static_cast<ssize_t>(sizeof transactions) ? 0 : 1;
}

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
