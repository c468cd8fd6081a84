// The table of workloads: what `list workloads`, `--set workload.x`, the schema and the builders share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/parameter.h"
#include "traffic/collective_traffic.h"
#include "traffic/model.h"
#include "traffic/patterns.h"
#include "traffic/request_stream.h"
#include "traffic/synthetic.h"
#include "traffic/trace_reader.h"
#include "work/placement.h"
#include "work/tile.h"

namespace cowosim::traffic {

struct TraceParams {
  std::string file;
  std::string format = "auto";
  std::int64_t max_outstanding = 0;
  Time think_time = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("file", file, "the trace: CSV, also .gz or .zst", "experiment");
    v("format", format, std::vector<std::string>{"auto", "csv"}, "auto: by the file's ending", "experiment");
    v("max_outstanding", max_outstanding, Range{0, 1 << 20},
      "requests that wait for their response at once; 0: unbounded", "experiment");
    v("think_time", think_time, Unit::time, Range{0, 1e12},
      "time between a response and the request that takes its place (with max_outstanding 1: dependent accesses)",
      "experiment");
  }
};

/// One kernel C[m,n] = A[m,k] x B[n,k]^T.
struct GemmParams {
  std::int64_t m = 4096;
  std::int64_t n = 4096;
  std::int64_t k = 4096;
  std::int64_t bytes_per_element = 2;
  std::int64_t tile_m = 0;
  std::int64_t tile_n = 0;
  std::int64_t tile_k = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("m", m, Range{1, 1 << 24}, "rows of A and C", "experiment");
    v("n", n, Range{1, 1 << 24}, "columns of C", "experiment");
    v("k", k, Range{1, 1 << 24}, "columns of A: the dimension summed over", "experiment");
    v("bytes_per_element", bytes_per_element, Range{1, 4}, "of A, B and C: 1: FP8, 2: bf16, 4: fp32", "experiment");
    v("tile_m", tile_m, Range{0, 1 << 24}, "rows of an output tile; 0: chosen by shape",
      "assumption [64, 256]: CUTLASS tile shapes");
    v("tile_n", tile_n, Range{0, 1 << 24}, "columns of an output tile; 0: chosen by shape",
      "assumption [64, 256]: CUTLASS tile shapes");
    v("tile_k", tile_k, Range{0, 1 << 24}, "length of a K panel; 0: chosen by shape",
      "assumption [32, 2048]: 64 KiB of operands a tile");
  }
};

using WorkloadParams =
    std::variant<TraceParams, StreamParams, RandomAccessParams, PointerChaseParams, LoadedLatencyParams, LoadParams,
                 GemmParams, DecodeParams, PrefillParams, SyntheticParams, CollectiveTrafficParams>;

/// One row of the table.
struct WorkloadInfo {
  std::string name;
  std::string doc;
  WorkloadParams defaults;
  std::string model;       ///< traffic/models/<model>.yaml, for model phases; else empty
  bool on_cores = true;    ///< can be a program for cores
  bool at_source = false;  ///< can be a request stream for a Source
  bool on_fabric =
      false;  ///< packets between a fabric's terminals: a Synthetic or a CollectiveTraffic, and nothing else
};

/// All workloads, by name.
const std::vector<WorkloadInfo>& workloads();
/// nullptr: no such workload.
const WorkloadInfo* find_workload(const std::string& name);

/// Visits the parameters of whichever kind it is.
template <class Visitor>
void visit(WorkloadParams& params, Visitor& visitor) {
  std::visit([&](auto& p) { p.visit(visitor); }, params);
}

/// What a workload runs side by side, each part on streams of its own; what the builders below build.
struct WorkloadPart {
  std::string name;         ///< of its stream
  WorkloadParams params;    ///< of no kind that has several parts
  bool background = false;  ///< ends with the others
  int first_core = 0;       ///< see work::Program
  int cores = 0;
};
/// loaded_latency: the chase, alone on core 0 and under the workload's `name`, and, where there is any, the load on all other cores as
/// `<name>_load`. Any other workload: itself. `peak_bandwidth`: of all HBM, bytes per second; `cores`: 0 without dies. Throws
/// ConfigError for a load without a core of its own.
std::vector<WorkloadPart> parts_of(const WorkloadParams& params, const std::string& name, std::int64_t peak_bandwidth,
                                   int cores);

/// The streams of a part: its own name, then those a trace names in its `stream` column (the trace is read through once for
/// that, and only then). Throws ConfigError with all errors of such a trace. `capacity`: bytes of memory.
std::vector<std::string> stream_names(const WorkloadParams& params, const std::string& name, std::uint64_t capacity);

/// What a builder needs besides the parameters.
struct WorkloadContext {
  std::string name;  ///< stream name
  StreamId stream = 0;
  std::uint64_t seed = 1;
  work::Placement* placement = nullptr;  ///< regions are placed here, also for patterns
};

/// The operators of a part of `workload` for cores. `model` is needed for model phases only. Throws ConfigError for bad parameters,
/// std::invalid_argument for a workload that cannot run on cores.
work::Program build_program(const std::string& workload, const WorkloadParams& params, const ModelParams* model,
                            const WorkloadContext& context);

/// The requests of a part of `workload` for a Source. Throws as above. A trace's reader is a TraceReader (stream names beyond the first).
std::unique_ptr<RequestStream> build_requests(const std::string& workload, const WorkloadParams& params,
                                              const WorkloadContext& context);

/// The packets of `synthetic`. Throws ConfigError for parameters that do not go together or with that fabric, and for a permutation file.
std::unique_ptr<Synthetic> build_synthetic(const SyntheticParams& params, const SyntheticContext& context);
/// The operations of `collective`. Throws ConfigError for parameters that do not go together with that fabric.
std::unique_ptr<CollectiveTraffic> build_collective(const CollectiveTrafficParams& params,
                                                    const CollectiveContext& context);

}  // namespace cowosim::traffic
