// What a flit-hop costs in the network's heart, with the synthetic source around it; and what an idle network costs.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/coupling.h"
#include "engine/engine.h"
#include "fabric/make_network.h"
#include "traffic/synthetic.h"

namespace {

using namespace cowosim;

/// A k x k mesh under uniform traffic.
struct Mesh {
  Mesh(std::string prefix, int k, double rate, int flits, int cycles) : name(std::move(prefix)) {
    params.topology = "mesh";
    params.k = k;
    network = fabric::make_network(params, {});
    traffic::SyntheticParams load;
    load.injection.rate = rate;
    load.packet_flits = flits;
    load.warmup_cycles = 0;
    load.measure_cycles = cycles;
    traffic::SyntheticContext context;
    context.shape = {k * k, k};
    source = std::make_unique<traffic::Synthetic>(load, context);
  }
  void couple(engine::Coupling& coupling) {
    coupling.add(name + "source", *source);
    coupling.add(name + "network", *network);
    for (int n = 0; n < network->ports(); ++n) coupling.wire(*source, n, *network, n);
  }

  std::string name;
  fabric::FabricParams params;
  std::unique_ptr<fabric::Network> network;
  std::unique_ptr<traffic::Synthetic> source;
};

void run(engine::Coupling& coupling) {
  engine::Engine engine{engine::Options{}};
  engine.add("direct", coupling);
  engine.elaborate();
  while (engine.status() == engine::Status::running) engine.run_window();
}

/// Items are flit-hops: flits times routers passed. Construction is outside of what is timed.
void mesh(benchmark::State& state, int k, double rate, int flits) {
  const int cycles = 1'000'000 / (k * k);
  std::uint64_t hops = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Mesh busy("", k, rate, flits, cycles);
    engine::Coupling coupling;
    busy.couple(coupling);
    state.ResumeTiming();
    run(coupling);
    hops += busy.network->hops() * static_cast<std::uint64_t>(flits);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(hops));
}
BENCHMARK_CAPTURE(mesh, 4x4_half, 4, 0.3625, 5);
BENCHMARK_CAPTURE(mesh, 8x8_half, 8, 0.2, 5);
BENCHMARK_CAPTURE(mesh, 8x8_nine_tenths, 8, 0.36, 5);
BENCHMARK_CAPTURE(mesh, 32x32_half, 32, 0.05, 5);
BENCHMARK_CAPTURE(mesh, 4x4_half_one_flit, 4, 0.375, 1);

/// A busy 4 x 4 mesh, without and with an idle 32 x 32 one beside it; construction and destruction are outside of what is timed.
void beside(benchmark::State& state, bool idle) {
  std::uint64_t hops = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto busy = std::make_unique<Mesh>("busy_", 4, 0.3625, 5, 100'000);
    auto other = std::make_unique<Mesh>("idle_", 32, 0.0, 5, 1);
    auto coupling = std::make_unique<engine::Coupling>();
    busy->couple(*coupling);
    if (idle) other->couple(*coupling);
    state.ResumeTiming();
    run(*coupling);
    state.PauseTiming();
    hops += busy->network->hops() * 5;
    coupling.reset();
    other.reset();
    busy.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(hops));
}
BENCHMARK_CAPTURE(beside, nothing, false);
BENCHMARK_CAPTURE(beside, idle_32x32, true);

}  // namespace
