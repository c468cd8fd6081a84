// What a request costs in the HBM channel's heart alone: a source without latency around it, the streams of the reference.
#include <benchmark/benchmark.h>

#include "accuracy/hbm/reference_streams.h"
#include "hbm/channel.h"

namespace {

void channel(benchmark::State& state, const char* pattern, char mix) {
  const cowosim::hbm::HbmParams params = cowosim::accuracy::reference_params();
  const cowosim::MemoryMap map = cowosim::hbm::make_memory_map(params);
  cowosim::accuracy::StreamSpec spec;
  spec.pattern = pattern;
  spec.mix = mix;
  spec.requests = 20000;
  for (auto _ : state) {
    cowosim::hbm::Channel heart(params, map, 1);
    cowosim::accuracy::ZeroLatencySource source(heart, map, spec, /*keep_lives=*/false);
    benchmark::DoNotOptimize(source.run());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(spec.requests));
}
BENCHMARK_CAPTURE(channel, sequential_reads, "seqbg", 'r');
BENCHMARK_CAPTURE(channel, sequential_mix, "seqbg", 'm');
BENCHMARK_CAPTURE(channel, random_reads, "rand", 'r');
BENCHMARK_CAPTURE(channel, random_mix, "rand", 'm');

}  // namespace
