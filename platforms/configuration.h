// From a run's options to everything resolved: the platform, its workloads, and where each value came from.
#pragma once

#include <string>
#include <vector>

#include "core/parameter_visitor.h"
#include "platforms/config/value.h"
#include "platforms/package.h"
#include "platforms/platform_params.h"
#include "platforms/plugin_loader.h"
#include "traffic/workloads.h"

namespace cowosim::platforms {

/// One workload of a run. Which parameters it has depends on its kind; visiting reads the kind first.
struct WorkloadChoice {
  std::string name;  ///< of the stream
  std::string kind;  ///< in traffic's table
  bool background = false;
  traffic::WorkloadParams params;
  traffic::ModelParams model;  ///< of model phases, from traffic/models

  template <class Visitor>
  void visit(Visitor& v) {
    const std::string before = kind;
    v("workload", kind, "kind of workload, see `cowosim list workloads`", "experiment");
    v("background", background, "starts over until every other workload is done, instead of running once",
      "experiment");
    if (const traffic::WorkloadInfo* info = traffic::find_workload(kind)) {
      if (kind != before) params = info->defaults;
      traffic::visit(params, v);
    }
  }
};

/// Options of a run that can change its result.
struct RunParams {
  std::int64_t seed = 1;
  Time until = 0;
  Time epoch = 10 * kMicrosecond;

  template <class Visitor>
  void visit(Visitor& v) {
    v("seed", seed, Range{0, 9.2e18}, "seed of every random stream", "experiment");
    v("until", until, Unit::time, Range{0, 9e18}, "simulated time limit; 0: none", "experiment");
    v("epoch", epoch, Unit::time, Range{1e6, 9e18}, "length of an epoch in hashes.csv", "experiment");
  }
};

/// Everything a run is made of; what config.yaml holds. A platform file may hold the last two sections as well.
struct Configuration {
  std::string platform_name;
  PlatformParams platform;
  std::vector<WorkloadChoice> workloads;
  RunParams run;
  config::Value resolved;

  template <class Visitor>
  void visit(Visitor& v) {
    platform.visit(v);
    v.entries("workloads", workloads, "workloads by the name of their stream; several run at once");
    v.group("run", run, "options of the run");
  }

  /// Eight hex digits over everything that can change a result.
  std::string hash8() const;
  /// "llama3_70b_decode", or "decode+prefill".
  std::string workload_name() const;
};

/// Throws ConfigError with all errors of the platform, the workloads and the settings.
Configuration configure(const RunOptions& options);
/// The errors of a platform or workload file, as `validate` wants them; returns what the file is ("platform", "workload").
std::string validate_file(const std::string& file, const std::vector<std::string>& include, Diagnostics& diagnostics);

/// Every parameter of a platform file; workloads with those of all kinds, foreign models with those of the plug-ins.
Description describe_platform(const std::vector<const PluginLibrary*>& plugins = {});
/// The parameters of one kind of workload, with the prefix "workload".
Description describe_workload(const std::string& kind);
/// Of a workload file: those of all kinds together, without a prefix; one that kinds take differently is there several times. Which of
/// them a kind has, `validate` knows.
Description describe_any_workload();

}  // namespace cowosim::platforms
