// What a platform file may say.
#pragma once

#include <string>
#include <vector>

#include "compute/cache_slice.h"
#include "compute/core.h"
#include "core/parameter.h"
#include "fabric/fabric_params.h"
#include "fabric/link.h"
#include "fabric/topology/crossbar.h"
#include "hbm/hbm_params.h"
#include "platforms/foreign_entry.h"
#include "platforms/register_params.h"
#include "traffic/dispatcher.h"

namespace cowosim::platforms {

/// A compute die: cores and cache slices on one on-die network, one slice for each HBM channel of the package.
struct DieParams {
  std::string name;
  int cores = 1;
  int partitions = 2;
  bool cache_far = true;
  compute::CoreParams core;
  compute::CacheSliceParams slice;
  fabric::CrossbarParams network;

  template <class Visitor>
  void visit(Visitor& v) {
    v("cores", cores, Range{1, 1024}, "cores (SMs, CUs) in use", "data sheet of the die");
    v("partitions", partitions, Range{1, 2},
      "partitions of cores and cache slices; crossing from one to the other takes longer",
      "NVIDIA A100 white paper (2020): two L2 partitions; also measured on H100");
    v("cache_far", cache_far, "a partition keeps copies of what the other one's slices hold",
      "A100 pointer chase: 1 to 16 MB at near latency from every SM (gpu-benches gpu-latency), so far-homed lines are "
      "kept near");
    v.group("core", core, "one core");
    v.group("slice", slice, "one cache slice");
    v.group("network", network, "on-die network");
  }
};

/// What memory holds, and what is loaded into it before the run.
struct MemoryParams {
  std::string data = "none";
  std::vector<std::string> load;

  template <class Visitor>
  void visit(Visitor& v) {
    v("data", data, {"none", "sparse"},
      "sparse: bytes that foreign models write are kept and read back, in pages that exist once touched; timing is the "
      "same with none",
      "experiment");
    v("load", load,
      "files to load before the run: FILE@ADDRESS (binary), FILE (ELF, Intel HEX: addresses of their own)",
      "experiment");
  }
};

struct PlatformParams {
  std::string description;
  std::string default_workload;
  std::vector<DieParams> dies;
  hbm::HbmParams hbm;
  fabric::LinkParams phy;
  fabric::FabricParams fabric;
  MemoryParams memory;
  RegisterParams registers;
  std::vector<ForeignEntry> foreign;
  traffic::DispatcherParams dispatcher;

  /// The foreign model that stands in place of a die or stack; nullptr: none.
  const bridge::ForeignParams* in_place_of(const std::string& name) const {
    for (const bridge::ForeignParams& model : foreign)
      if (model.in_place_of == name) return &model;
    return nullptr;
  }
  /// Whether anything runs on compute dies of its own.
  bool has_cores() const { return !dies.empty() && in_place_of(dies.front().name) == nullptr; }
  bool has_foreign_initiators() const {
    for (const bridge::ForeignParams& model : foreign)
      if (model.initiates()) return true;
    return false;
  }

  template <class Visitor>
  void visit(Visitor& v) {
    v("description", description, "one line", "the file");
    v("default_workload", default_workload, "what `cowosim run` simulates when no workload is named", "the file");
    v.entries("dies", dies, "compute dies by name; none: traffic goes straight into the memory controller's door");
    v.group("hbm", hbm, "HBM stacks and their controllers");
    v.group("phy", phy, "HBM PHY link, one per stack, between cache slices and memory controllers");
    v.group("dispatcher", dispatcher, "hands out tiles to cores");
    v.group("memory", memory, "what memory holds");
    v.group("registers", registers, "memory-mapped counters, doorbell and kernels of a host");
    v.entries("foreign", foreign, "foreign TLM-2.0 models by name: where they meet the package");
    v.group("fabric", fabric, "interposer network, alone under synthetic traffic: routers, links, terminals");
  }
};

}  // namespace cowosim::platforms
