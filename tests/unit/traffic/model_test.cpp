#include "traffic/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <stdexcept>

#include "core/error.h"
#include "traffic/workloads.h"

namespace cowosim::traffic {
namespace {

using ::testing::HasSubstr;

/// Fills a model from its file; every key of the file must be a parameter and the other way round.
struct FileVisitor {
  YAML::Node file;
  std::set<std::string> visited;
  void operator()(const char* name, std::string& value, const std::string&, const std::string&) {
    value = get(name).as<std::string>();
  }
  void operator()(const char* name, std::int64_t& value, Range range, const std::string&, const std::string&) {
    value = get(name).as<std::int64_t>();
    EXPECT_GE(static_cast<double>(value), range.min);
    EXPECT_LE(static_cast<double>(value), range.max);
  }
  void operator()(const char* name, double& value, Range, const std::string&, const std::string&) {
    value = get(name).as<double>();
  }
  void operator()(const char* name, bool& value, const std::string&, const std::string&) {
    value = get(name).as<bool>();
  }
  YAML::Node get(const char* name) {
    visited.insert(name);
    return file[name];
  }
};

ModelParams load(const std::string& name) {
  FileVisitor visitor{YAML::LoadFile(std::string(COWOSIM_SOURCE_DIR) + "/traffic/models/" + name + ".yaml"), {}};
  ModelParams model;
  model.visit(visitor);
  EXPECT_EQ(visitor.visited.size(), visitor.file.size()) << "a key of the file is not a parameter";
  EXPECT_EQ(model.name, name);
  return model;
}

constexpr std::uint64_t kH100Memory = std::uint64_t{80} << 30;

DecodeParams decode(const std::string& batch, std::int64_t context, std::int64_t layers = 1) {
  DecodeParams params;
  params.batch = batch;
  params.context = context;
  params.layers = layers;
  return params;
}

TEST(Model, ParameterCountsAreThePublishedOnes) {
  const ModelParams large = load("llama3_70b");
  EXPECT_EQ(large.parameters(), 70'553'706'496u);
  large.check();
  const ModelParams small = load("llama3_8b");
  EXPECT_EQ(small.parameters(), 8'030'261'248u);
  small.check();
}

TEST(Model, AWrongShapeIsCaughtByItsParameterCount) {
  ModelParams model = load("llama3_70b");
  model.ffn = 28'000;
  EXPECT_THROW(model.check(), ConfigError);
  model = load("llama3_70b");
  model.kv_heads = 7;
  model.published_parameters = 0;
  try {
    model.check();
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.diagnostics().at(0).message,
              "7 does not divide query_heads (64); every KV head serves the same number of query heads");
  }
}

TEST(Decode, Llama70bMovesExactlyItsBytes) {
  const ModelParams model = load("llama3_70b");
  for (const std::int64_t layers : {1, 3, 7, 80, 500}) {
    work::Placement placement(kH100Memory);
    const work::Program program = build_decode(model, decode("1", 4096, layers), placement);
    EXPECT_EQ(program.weight_bytes(), 69'503'041'536u) << layers;
    EXPECT_EQ(program.kv_read_bytes(), 327'680u * 4096) << layers;
    EXPECT_EQ(program.kv_write_bytes(), 327'680u) << layers;
    EXPECT_EQ(program.layers_simulated, std::min<std::int64_t>(layers, 80));
    EXPECT_EQ(program.extrapolated(), layers < 80);
    EXPECT_EQ(program.tokens, 1u);
    // Caches are asked for an eighth more than memory must give (activations, each for 16 rows of weights) and partial sums.
    EXPECT_LT(static_cast<double>(program.bytes()), 1.14 * (69.503e9 + 1.3425e9));
  }
}

TEST(Decode, BytesAreThoseOfTheTiles) {
  const ModelParams model = load("llama3_8b");
  work::Placement placement(kH100Memory);
  const work::Program program = build_decode(model, decode("3", 777), placement);
  for (const auto& op : program.operators) {
    std::uint64_t bytes = 0;
    std::uint64_t flops = 0;
    for (std::uint64_t i = 0; i < op->tiles(); ++i) {
      const work::Tile tile = op->tile(i);
      flops += tile.flops;
      const auto check = [&](const work::Access& access) {
        bytes += access.bytes();
        // Every access lies in one region.
        const std::uint64_t last = access.base + (access.rows - 1) * access.pitch + access.row_bytes - 1;
        const work::Region* region = placement.find(access.base);
        ASSERT_NE(region, nullptr) << op->name();
        ASSERT_EQ(placement.find(last), region) << op->name() << " leaves " << region->name;
      };
      for (int a = 0; a < tile.load_count; ++a) check(tile.loads.at(static_cast<std::size_t>(a)));
      for (int a = 0; a < tile.store_count; ++a) check(tile.stores.at(static_cast<std::size_t>(a)));
    }
    EXPECT_EQ(bytes, op->bytes) << op->name();
    EXPECT_EQ(flops, op->flops) << op->name();
  }
}

TEST(Decode, FlopsFollowTheFormula) {
  const ModelParams model = load("llama3_70b");
  work::Placement placement(kH100Memory);
  const work::Program program = build_decode(model, decode("2", 1000, 2), placement);
  std::uint64_t matrix = 0;
  for (const auto& op : program.operators) {
    if (op->kind() == "gemm" || (op->kind() == "attention" && op->name().find("combine") == std::string::npos))
      matrix += op->flops * op->repeats;
  }
  const std::uint64_t gains = (2 * 80 + 1) * 8192;
  EXPECT_EQ(matrix, std::uint64_t{4} * (70'553'706'496u - 128'256u * 8192 - gains) +
                        std::uint64_t{2} * 80 * 4 * 64 * 128 * 1000);
}

TEST(Decode, BatchScalesTheCacheNotTheWeights) {
  const ModelParams model = load("llama3_8b");
  work::Placement placement(kH100Memory);
  const work::Program program = build_decode(model, decode("32", 4096), placement);
  EXPECT_EQ(program.kv_read_bytes(), std::uint64_t{131'072} * 4096 * 32);
  EXPECT_EQ(program.kv_write_bytes(), 131'072u * 32);
  EXPECT_EQ(program.weight_bytes(), model.parameters() - 128'256u * 4096 + 32u * 4096);
  EXPECT_EQ(program.tokens, 32u);
}

TEST(Decode, SampledLayersStandForAll) {
  const ModelParams model = load("llama3_70b");
  work::Placement placement(kH100Memory);
  const work::Program program = build_decode(model, decode("1", 100, 3), placement);
  std::map<int, std::uint32_t> repeats;
  for (const auto& op : program.operators) {
    if (op->layer < 0) {
      EXPECT_EQ(op->repeats, op->name() == "lm_head" ? 16u : 1u)
          << op->name() << ": one of sixteen slices of the vocabulary";
    } else {
      EXPECT_TRUE(repeats.count(op->layer) == 0 || repeats[op->layer] == op->repeats);
      repeats[op->layer] = op->repeats;
    }
  }
  EXPECT_EQ(repeats, (std::map<int, std::uint32_t>{{0, 26}, {26, 27}, {53, 27}}));
  // With every layer simulated there is nothing to extrapolate: the head is whole.
  work::Placement whole(kH100Memory);
  for (const auto& op : build_decode(model, decode("1", 100, 80), whole).operators) EXPECT_EQ(op->repeats, 1u);
}

TEST(Decode, TheWholeModelIsPlaced) {
  const ModelParams model = load("llama3_70b");
  work::Placement placement(kH100Memory);
  build_decode(model, decode("1", 4096), placement);
  EXPECT_EQ(placement.used(work::Category::weights), model.parameters());
  EXPECT_EQ(placement.used(work::Category::kv), 327'680u * 4097);
}

TEST(Decode, MaxBatchIsTheLargestThatFits) {
  const ModelParams model = load("llama3_70b");
  work::Placement placement(kH100Memory);
  const work::Program program = build_decode(model, decode("max", 4096), placement);
  EXPECT_GE(program.batch, 9u);
  work::Placement again(kH100Memory);
  EXPECT_THROW(build_decode(model, decode(std::to_string(program.batch + 1), 4096), again), ConfigError);
}

TEST(Decode, SaysWhatDoesNotFit) {
  const ModelParams model = load("llama3_70b");
  work::Placement placement(kH100Memory);
  DecodeParams params = decode("1", 4096);
  params.weight_bytes_per_element = 2;
  try {
    build_decode(model, params, placement);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.diagnostics().at(0).message, HasSubstr("llama3_70b_decode with batch 1 and context 4096 needs"));
    EXPECT_THAT(error.diagnostics().at(0).message, HasSubstr("weights 141.107 GB, kv 1.343 GB"));
    EXPECT_THAT(error.diagnostics().at(0).message, HasSubstr("are missing"));
  }
}

TEST(Decode, BatchIsANumberOrMax) {
  const ModelParams model = load("llama3_8b");
  for (const char* batch : {"0", "-1", "many", "1.5", "", "65537"}) {
    work::Placement placement(kH100Memory);
    try {
      build_decode(model, decode(batch, 10), placement);
      FAIL() << batch;
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.diagnostics().at(0).path, "workload.batch");
      EXPECT_EQ(error.diagnostics().at(0).message,
                std::string("`") + batch + "` is neither a number from 1 to 65536 nor `max`");
    }
  }
}

TEST(Prefill, ReadsWeightsAndWritesTheCache) {
  const ModelParams model = load("llama3_8b");
  work::Placement placement(kH100Memory);
  PrefillParams params;
  params.tokens = 512;
  params.batch = 2;
  const work::Program program = build_prefill(model, params, placement);
  EXPECT_EQ(program.kv_write_bytes(), 131'072u * 512 * 2);
  EXPECT_EQ(program.kv_read_bytes(), 131'072u * 512 * 2);
  EXPECT_EQ(program.weight_bytes(), model.parameters() - 128'256u * 4096 + 1024u * 4096);
  EXPECT_EQ(program.tokens, 1024u);
  EXPECT_EQ(program.phase, "prefill");
  for (const auto& op : program.operators) {
    for (std::uint64_t i = 0; i < op->tiles(); i += 1 + op->tiles() / 997) {
      const work::Tile tile = op->tile(i);
      for (int a = 0; a < tile.load_count; ++a)
        ASSERT_NE(placement.find(tile.loads.at(static_cast<std::size_t>(a)).base), nullptr) << op->name();
    }
  }
}

// --- the table of workloads ---

TEST(Workloads, ContractNamesExist) {
  for (const char* name : {"trace", "stream", "random_access", "pointer_chase", "loaded_latency", "gemm", "synthetic",
                           "llama3_70b_decode", "llama3_70b_prefill", "llama3_8b_decode", "llama3_8b_prefill"}) {
    ASSERT_NE(find_workload(name), nullptr) << name;
    EXPECT_FALSE(find_workload(name)->doc.empty());
  }
  EXPECT_EQ(find_workload("llama4"), nullptr);
}

struct NameCollector {
  std::set<std::string> names;
  template <class... Rest>
  void operator()(const char* name, Rest&&...) {
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
  }
};

TEST(Workloads, ContractParametersExist) {
  const auto names_of = [](const char* workload) {
    WorkloadParams params = find_workload(workload)->defaults;
    NameCollector collector;
    visit(params, collector);
    return collector.names;
  };
  const auto expect = [&](const char* workload, std::initializer_list<const char*> names) {
    const std::set<std::string> have = names_of(workload);
    for (const char* name : names) EXPECT_EQ(have.count(name), 1u) << workload << "." << name;
  };
  expect("trace", {"file", "format", "max_outstanding", "think_time"});
  expect("stream", {"kind", "footprint"});
  expect("random_access", {"footprint", "read_fraction", "bytes", "rate"});
  expect("pointer_chase", {"footprint"});
  expect("loaded_latency", {"footprint", "load", "read_fraction"});
  expect("synthetic", {"pattern", "rate", "packet_flits", "warmup_cycles", "measure_cycles"});
  expect("collective", {"kind", "bytes", "chunk", "operations"});
  expect("gemm", {"m", "n", "k", "bytes_per_element"});
  expect("llama3_70b_decode", {"batch", "context", "weight_bytes_per_element", "kv_bytes_per_element", "layers"});
}

TEST(Workloads, EveryWorkloadBuildsWithItsDefaults) {
  for (const WorkloadInfo& info : workloads()) {
    ModelParams model;
    if (!info.model.empty()) model = load(info.model);
    work::Placement placement(kH100Memory);
    WorkloadContext context;
    context.name = "main";
    context.stream = 3;
    context.placement = &placement;
    for (const WorkloadPart& part : parts_of(info.defaults, "main", 1'000'000'000, 2)) {
      context.name = part.name;
      if (info.on_cores) {
        const work::Program program =
            build_program(info.name, part.params, info.model.empty() ? nullptr : &model, context);
        EXPECT_FALSE(program.operators.empty());
        EXPECT_EQ(program.stream, 3);
        EXPECT_EQ(program.name, part.name);
        EXPECT_EQ(program.workload, info.name);
      } else {
        EXPECT_THROW(build_program(info.name, part.params, nullptr, context), std::invalid_argument);
      }
      if (!info.at_source) {
        EXPECT_THROW(build_requests(info.name, part.params, context), std::invalid_argument);
      } else if (info.name == "trace") {
        EXPECT_THROW(build_requests(info.name, part.params, context), ConfigError) << "no file";
      } else {
        Request request;
        EXPECT_TRUE(build_requests(info.name, part.params, context)->next(request));
        EXPECT_EQ(request.stream, 3);
      }
    }
  }
}

TEST(Workloads, CollectiveIsBuiltForAFabric) {
  CollectiveContext context;
  context.nodes = 2;
  context.members = {{0, 2}, {1, 3}};
  context.slot_bytes = 1024;
  CollectiveTrafficParams params = std::get<CollectiveTrafficParams>(find_workload("collective")->defaults);
  EXPECT_EQ(build_collective(params, context)->ports(), 2);
  params.outstanding = 2;
  try {
    build_collective(params, context);
    FAIL() << "built";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "error: workload.outstanding: 2 chunks are more than the fabric's collective units have slots for: at "
                 "most 1");
  }
}

TEST(Workloads, SyntheticIsBuiltForAFabric) {
  SyntheticContext context;
  context.shape = {16, 4};
  const SyntheticParams defaults = std::get<SyntheticParams>(find_workload("synthetic")->defaults);
  EXPECT_EQ(build_synthetic(defaults, context)->ports(), 16);
  for (const WorkloadInfo& info : workloads())
    EXPECT_EQ(info.on_fabric, info.name == "synthetic" || info.name == "collective");

  SyntheticParams bad = defaults;
  bad.destinations.pattern = "transpose";
  bad.injection.injection = "bursty";
  bad.injection.burst_rate = 0.05;
  context.shape.columns = 8;
  try {
    build_synthetic(bad, context);
    FAIL() << "built";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "error: workload.pattern: 'transpose' needs a square grid, and there are 8 columns and 2 rows\n"
        "error: workload.burst_rate: 0.05 is less than rate (0.1), which is the average over bursts and pauses; give "
        "at least that");
  }
}

TEST(Workloads, LoadedLatencyIsAChaseAndALoad) {
  LoadedLatencyParams params;
  params.load = 0.25;
  params.read_fraction = 0.75;
  const auto parts = parts_of(params, "probe", 1'000'000'000, 8);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].name, "probe");
  EXPECT_TRUE(std::holds_alternative<PointerChaseParams>(parts[0].params));
  EXPECT_FALSE(parts[0].background);
  EXPECT_EQ(std::pair(parts[0].first_core, parts[0].cores), std::pair(0, 1));
  EXPECT_EQ(parts[1].name, "probe_load");
  EXPECT_TRUE(parts[1].background);
  EXPECT_EQ(std::pair(parts[1].first_core, parts[1].cores), std::pair(1, 0)) << "all the rest";
  const auto& load = std::get<LoadParams>(parts[1].params);
  EXPECT_EQ(load.accesses.rate, 250'000'000);
  EXPECT_EQ(load.accesses.read_fraction, 0.75);

  params.load = 0;
  EXPECT_EQ(parts_of(params, "probe", 1'000'000'000, 1).size(), 1u) << "nothing but the chase";
  params.load = 1;
  EXPECT_EQ(std::get<LoadParams>(parts_of(params, "probe", 1'000'000'000, 0)[1].params).accesses.rate, 0)
      << "as fast as the machine takes it";
  EXPECT_THROW(parts_of(params, "probe", 1'000'000'000, 1), ConfigError) << "one core cannot do both";
  EXPECT_EQ(parts_of(GemmParams{}, "probe", 1, 1).size(), 1u);
}

TEST(Workloads, WarmPointerChaseReadsItsFootprintFirstUnmeasured) {
  PointerChaseParams params;
  params.footprint = 1 << 20;
  params.warm = "yes";
  work::Placement placement(kH100Memory);
  WorkloadContext context;
  context.name = "chase";
  context.placement = &placement;
  const work::Program program = build_program("pointer_chase", params, nullptr, context);
  ASSERT_EQ(program.operators.size(), 2u);
  EXPECT_EQ(program.operators[0]->bytes, 1u << 20);
  EXPECT_FALSE(program.operators[0]->tile(0).measured);
  EXPECT_TRUE(program.operators[1]->tile(0).measured);
}

TEST(Workloads, BadParametersAreErrors) {
  work::Placement placement(1 << 20);
  WorkloadContext context;
  context.name = "main";
  context.placement = &placement;
  const auto message = [&](const char* workload, const WorkloadParams& params) -> std::string {
    try {
      build_program(workload, params, nullptr, context);
    } catch (const ConfigError& error) {
      return error.diagnostics().at(0).path + ": " + error.diagnostics().at(0).message;
    }
    return "";
  };
  StreamParams stream;
  stream.bytes = 96;
  EXPECT_EQ(message("stream", stream), "workload.bytes: 96 is not a power of two");
  RandomAccessParams random;
  random.bytes = 4096;
  random.footprint = 100;
  EXPECT_EQ(message("random_access", random), "workload.footprint: 100 bytes hold no block of 4096 bytes");
  LoadParams load;
  load.accesses.bytes = 96;
  EXPECT_EQ(message("loaded_latency", load), "workload.load_bytes: 96 is not a power of two");
  EXPECT_THAT(message("stream", StreamParams{}), HasSubstr("are missing")) << "64 MiB in a memory of 1 MiB";
}

}  // namespace
}  // namespace cowosim::traffic
