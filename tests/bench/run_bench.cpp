// Whole runs, elaboration included, in seconds of wall clock. A process elaborates SystemC once, so every iteration is a child
// of its own. For costs that do not depend on the machine see scripts/instructions.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemc>

#include "platforms/package.h"

namespace {

struct Case {
  const char* platform;
  const char* workload;
  std::vector<std::string> settings;
};
const Case* current = nullptr;  // what the child is to simulate
int answer = -1;                // where it says how many transactions that were

void whole_run(benchmark::State& state, const Case& run) {
  std::int64_t transactions = 0;
  for (auto _ : state) {
    int ends[2];
    if (pipe(ends) != 0) return state.SkipWithError("no pipe");
    const pid_t child = fork();
    if (child == 0) {
      current = &run;
      answer = ends[1];
      char name[] = "cowosim-bench";
      char* arguments[] = {name, nullptr};
      _exit(sc_core::sc_elab_and_sim(1, arguments));
    }
    close(ends[1]);
    std::int64_t count = 0;
    const bool answered = read(ends[0], &count, sizeof count) == static_cast<ssize_t>(sizeof count);
    close(ends[0]);
    int status = -1;
    waitpid(child, &status, 0);
    if (!answered || status != 0) return state.SkipWithError("the run failed");
    transactions += count;
  }
  state.SetItemsProcessed(transactions);
}
const Case kStream{"h100_sxm5", "stream", {"workload.footprint=4MiB"}};
const Case kChase{"h100_sxm5", "pointer_chase", {"workload.footprint=1GiB", "workload.count=5000"}};
const Case kChannel{"reference/hbm3_6400", "random_access", {"workload.footprint=64MiB", "workload.count=20000"}};
BENCHMARK_CAPTURE(whole_run, h100_stream, kStream)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_run, h100_pointer_chase, kChase)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_run, hbm3_channel, kChannel)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

int sc_main(int, char**) {
  cowosim::RunOptions options;
  options.platform = current->platform;
  options.workloads = {{current->workload, current->workload}};
  options.settings = current->settings;
  cowosim::Package package("package_0", options);
  sc_core::sc_start();
  const auto count = static_cast<std::int64_t>(package.results().transactions);
  return write(answer, &count, sizeof count) == static_cast<ssize_t>(sizeof count) ? 0 : 1;
}

// libsystemc has a main too; ours comes first.
int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
