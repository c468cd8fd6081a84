// What the engine costs: a ring of components passing tokens around, without SystemC.
#include <benchmark/benchmark.h>

#include "unit/engine/ring.h"

namespace {

/// Arguments: components, worker threads. Counts messages a second.
void ring(benchmark::State& state) {
  const int size = static_cast<int>(state.range(0));
  cowosim::engine::Options options;
  options.threads = static_cast<int>(state.range(1));
  std::uint64_t messages = 0;
  for (auto _ : state) {
    state.PauseTiming();  // building it is not what is measured
    cowosim::engine::test::Ring world(options, size, /*tokens=*/20, /*rounds=*/4);
    state.ResumeTiming();
    world.run();
    messages += world.engine.messages();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
}
BENCHMARK(ring)->ArgNames({"components", "threads"})->Args({16, 1})->Args({256, 1})->Args({256, 2})->UseRealTime();

}  // namespace
