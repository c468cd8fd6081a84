// Whole runs, elaboration included, in wall clock; each in a process of its own. For costs that do not depend on the machine
// see scripts/instructions.
#include <benchmark/benchmark.h>

#include "support/whole_run.h"

namespace {

void whole_run(benchmark::State& state, const char* platform, const char* workload, std::vector<std::string> settings) {
  cowosim::RunOptions options;
  options.platform = platform;
  options.workloads = {{workload, workload}};
  options.settings = std::move(settings);
  std::int64_t transactions = 0;
  for (auto _ : state) {
    const auto done = cowosim::test::run_in_child(options);
    if (!done) return state.SkipWithError("the run failed");
    transactions += *done;
  }
  state.SetItemsProcessed(transactions);
}
using Settings = std::vector<std::string>;
BENCHMARK_CAPTURE(whole_run, h100_stream, "h100_sxm5", "stream", Settings{"workload.footprint=4MiB"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_run, h100_pointer_chase, "h100_sxm5", "pointer_chase",
                  Settings{"workload.footprint=1GiB", "workload.count=5000"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_run, hbm3_channel, "reference/hbm3_6400", "random_access",
                  Settings{"workload.footprint=64MiB", "workload.count=20000"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
