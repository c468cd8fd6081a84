#include "traffic/workloads.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "traffic/operators.h"

namespace cowosim::traffic {

namespace {

std::vector<WorkloadInfo> make_table() {
  std::vector<WorkloadInfo> table;
  const auto add = [&](const char* name, const char* doc, WorkloadParams defaults, bool on_cores, bool at_source,
                       const char* model = "") {
    table.push_back({name, doc, std::move(defaults), model, on_cores, at_source});
  };
  add("trace", "requests of a trace file, from a source without a core", TraceParams{}, false, true);
  add("stream", "STREAM kernels: read, write, copy, scale, add, triad", StreamParams{}, true, true);
  add("random_access", "independent random reads and writes", RandomAccessParams{}, true, true);
  add("pointer_chase", "dependent reads along a random cycle: unloaded latency", PointerChaseParams{}, true, true);
  add("loaded_latency", "a pointer chase under load: latency at a bandwidth", LoadedLatencyParams{}, true, true);
  add("gemm", "one matrix multiplication", GemmParams{}, true, false);
  add("synthetic", "packets between the terminals of a fabric: patterns, bursts, requests and responses",
      SyntheticParams{}, false, false);
  table.back().on_fabric = true;
  add("collective", "broadcast, reduce or all-reduce of all terminals of a fabric, inside the network",
      CollectiveTrafficParams{}, false, false);
  table.back().on_fabric = true;
  for (const char* model : {"llama3_70b", "llama3_8b"}) {
    add(fmt::format("{}_decode", model).c_str(), "one decode step: every sequence gets one token", DecodeParams{}, true,
        false, model);
    add(fmt::format("{}_prefill", model).c_str(), "one pass over the prompts", PrefillParams{}, true, false, model);
  }
  std::sort(table.begin(), table.end(), [](const WorkloadInfo& a, const WorkloadInfo& b) { return a.name < b.name; });
  return table;
}

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

[[noreturn]] void bad(const char* path, std::string message) {
  throw ConfigError(Diagnostic{"", 0, 0, path, std::move(message)});
}

void throw_if_any(const std::vector<ParameterProblem>& problems) {
  Diagnostics diagnostics;
  for (const ParameterProblem& problem : problems)
    diagnostics.add({}, "workload." + problem.parameter, problem.message);
  diagnostics.throw_if_any();
}

void require_power_of_two(std::int64_t bytes) {
  if ((bytes & (bytes - 1)) != 0) bad("workload.bytes", fmt::format("{} is not a power of two", bytes));
}
void require_block(std::int64_t footprint, std::int64_t bytes) {
  require_power_of_two(bytes);
  if (footprint < bytes) bad("workload.footprint", fmt::format("{} bytes hold no block of {} bytes", footprint, bytes));
}
/// load_bytes is at most its footprint by their ranges.
void require_load(const LoadParams& params) {
  const std::int64_t bytes = params.accesses.bytes;
  if ((bytes & (bytes - 1)) != 0) bad("workload.load_bytes", fmt::format("{} is not a power of two", bytes));
}
void require_arrays(const StreamParams& params) {
  require_power_of_two(params.bytes);
  if (params.array_bytes() == 0) {
    bad("workload.footprint", fmt::format("{} bytes hold no request of {} bytes in each of {} arrays", params.footprint,
                                          params.bytes, params.arrays()));
  }
}

std::uint64_t place_probe(const WorkloadContext& context, std::int64_t footprint) {
  const std::uint64_t base =
      context.placement->place(context.name + ".footprint", work::Category::other, unsigned_of(footprint));
  context.placement->require_fit(context.name);
  return base;
}

std::unique_ptr<Gemm> build_gemm(const GemmParams& params, const WorkloadContext& context) {
  const std::uint32_t e = static_cast<std::uint32_t>(params.bytes_per_element);
  GemmShape shape;
  shape.m = unsigned_of(params.m);
  shape.n = unsigned_of(params.n);
  shape.k = unsigned_of(params.k);
  work::Placement& placement = *context.placement;
  shape.a = {placement.place(context.name + ".a", work::Category::activations, shape.m * shape.k * e), e};
  shape.b = {placement.place(context.name + ".b", work::Category::weights, shape.n * shape.k * e), e};
  shape.c = {placement.place(context.name + ".c", work::Category::activations, shape.m * shape.n * e), e};
  placement.require_fit(context.name);
  GemmTiling tiling;
  tiling.tile_m = unsigned_of(params.tile_m);
  tiling.tile_n = unsigned_of(params.tile_n);
  tiling.tile_k = unsigned_of(params.tile_k);
  return std::make_unique<Gemm>("gemm", shape, tiling);
}

}  // namespace

const std::vector<WorkloadInfo>& workloads() {
  static const std::vector<WorkloadInfo> table = make_table();
  return table;
}

const WorkloadInfo* find_workload(const std::string& name) {
  for (const WorkloadInfo& info : workloads()) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

work::Program build_program(const std::string& workload, const WorkloadParams& params, const ModelParams* model,
                            const WorkloadContext& context) {
  work::Program program = std::visit(
      [&](const auto& p) {
        using Params = std::decay_t<decltype(p)>;
        work::Program built;
        if constexpr (std::is_same_v<Params, DecodeParams> || std::is_same_v<Params, PrefillParams>) {
          if (model == nullptr) throw std::invalid_argument(workload + " needs its model");
          if constexpr (std::is_same_v<Params, DecodeParams>) {
            built = build_decode(*model, p, *context.placement);
          } else {
            built = build_prefill(*model, p, *context.placement);
          }
        } else if constexpr (std::is_same_v<Params, GemmParams>) {
          built.operators.push_back(build_gemm(p, context));
        } else if constexpr (std::is_same_v<Params, StreamParams>) {
          require_arrays(p);
          built.operators.push_back(
              std::make_unique<StreamProbe>("stream_" + p.kind, p, place_probe(context, p.footprint)));
        } else if constexpr (std::is_same_v<Params, RandomAccessParams>) {
          require_block(p.footprint, p.bytes);
          built.operators.push_back(
              std::make_unique<RandomAccessProbe>("random_access", p, place_probe(context, p.footprint), context.seed));
        } else if constexpr (std::is_same_v<Params, LoadParams>) {
          require_load(p);
          built.operators.push_back(
              std::make_unique<LoadProbe>("load", p, place_probe(context, p.accesses.footprint), context.seed));
        } else if constexpr (std::is_same_v<Params, PointerChaseParams>) {
          require_block(p.footprint, p.bytes);
          const std::uint64_t base = place_probe(context, p.footprint);
          if (p.warms()) {  // one tile: the core that will chase, because each partition caches for its own cores
            StreamParams warm;
            warm.footprint = p.footprint;
            warm.bytes = p.bytes;
            built.operators.push_back(
                std::make_unique<StreamProbe>("warm_up", warm, base, static_cast<std::uint64_t>(p.footprint), false));
          }
          built.operators.push_back(std::make_unique<PointerChaseProbe>("pointer_chase", p, base, context.seed));
        } else {
          throw std::invalid_argument(workload + " does not run on cores");
        }
        return built;
      },
      params);
  program.name = context.name;
  program.workload = workload;
  program.stream = context.stream;
  return program;
}

std::vector<WorkloadPart> parts_of(const WorkloadParams& params, const std::string& name, std::int64_t peak_bandwidth,
                                   int cores) {
  const auto* loaded = std::get_if<LoadedLatencyParams>(&params);
  if (loaded == nullptr) return {{name, params}};
  std::vector<WorkloadPart> parts{{name, loaded->chase, false, 0, cores == 0 ? 0 : 1}};
  if (loaded->load == 0) return parts;
  if (cores == 1) bad("workload.load", "one core chases, the others load: there must be another one");
  parts.push_back({name + "_load", loaded->load_at(peak_bandwidth), true, cores == 0 ? 0 : 1, 0});
  return parts;
}

std::vector<std::string> stream_names(const WorkloadParams& params, const std::string& name, std::uint64_t capacity) {
  const auto* trace = std::get_if<TraceParams>(&params);
  if (trace == nullptr || trace->file.empty()) return {name};
  TraceOptions options;
  options.file = trace->file;
  options.capacity = capacity;
  options.stream_name = name;
  TraceReader reader(std::move(options));
  if (!reader.names_streams()) return {name};
  reader.validate_all();
  return reader.streams();
}

std::unique_ptr<RequestStream> build_requests(const std::string& workload, const WorkloadParams& params,
                                              const WorkloadContext& context) {
  return std::visit(
      [&](const auto& p) -> std::unique_ptr<RequestStream> {
        using Params = std::decay_t<decltype(p)>;
        if constexpr (std::is_same_v<Params, TraceParams>) {
          if (p.file.empty()) bad("workload.file", "a trace needs a file: --set workload.file=FILE");
          TraceOptions options;
          options.file = p.file;
          options.capacity = context.placement->capacity();
          options.first_stream = context.stream;
          options.stream_name = context.name;
          return std::make_unique<TraceReader>(std::move(options));
        } else if constexpr (std::is_same_v<Params, StreamParams>) {
          require_arrays(p);
          return std::make_unique<StreamPattern>(p, place_probe(context, p.footprint), context.stream);
        } else if constexpr (std::is_same_v<Params, RandomAccessParams>) {
          require_block(p.footprint, p.bytes);
          return std::make_unique<RandomAccessPattern>(p, place_probe(context, p.footprint), context.stream,
                                                       context.seed);
        } else if constexpr (std::is_same_v<Params, LoadParams>) {
          require_load(p);
          return std::make_unique<LoadPattern>(p, place_probe(context, p.accesses.footprint), context.stream,
                                               context.seed);
        } else if constexpr (std::is_same_v<Params, PointerChaseParams>) {
          require_block(p.footprint, p.bytes);
          return std::make_unique<PointerChasePattern>(p, place_probe(context, p.footprint), context.stream,
                                                       context.seed);
        } else {
          throw std::invalid_argument(workload + " is no stream of requests to memory");
        }
      },
      params);
}

std::unique_ptr<Synthetic> build_synthetic(const SyntheticParams& params, const SyntheticContext& context) {
  throw_if_any(problems(params, context.shape));
  return std::make_unique<Synthetic>(params, context);
}

std::unique_ptr<CollectiveTraffic> build_collective(const CollectiveTrafficParams& params,
                                                    const CollectiveContext& context) {
  throw_if_any(problems(params, context));
  return std::make_unique<CollectiveTraffic>(params, context);
}

}  // namespace cowosim::traffic
