// From hearts to results: collects what every heart has counted and puts it into the contract's sections.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "engine/engine.h"
#include "fabric/link.h"
#include "hbm/channel.h"
#include "platforms/configuration.h"
#include "platforms/die.h"
#include "platforms/foreign_models.h"
#include "platforms/interposer.h"
#include "telemetry/results.h"
#include "traffic/crossing.h"
#include "traffic/dispatcher.h"
#include "traffic/source.h"
#include "work/placement.h"

namespace cowosim::platforms {

/// Borrowed views of a package's parts; valid while it lives.
struct Harvest {
  const Configuration& configuration;
  engine::Engine& engine;
  const work::Placement& placement;
  const MemoryMap& map;
  const std::vector<std::string>& streams;
  const std::vector<std::unique_ptr<work::Program>>& programs;
  const std::vector<traffic::Source*>& sources;
  const std::vector<hbm::Channel*>& channels;  ///< nullptr: a foreign model's
  Die* die;                                    ///< nullptr: none
  const Interposer* interposer;                ///< nullptr: none
  const ForeignModels& foreign;
  const traffic::Crossing* crossing;      ///< nullptr: none
  std::vector<fabric::Link*> links;       ///< HBM PHYs, by stack
  const traffic::Dispatcher* dispatcher;  ///< nullptr: none

  /// Everything measured up to the engine's time; RunInfo only as far as the simulation knows it.
  telemetry::Results results() const;

 private:
  void add_foreign(telemetry::Results& results) const;
  void add_streams(telemetry::Results& results) const;
  telemetry::HbmResult hbm() const;
  telemetry::EnergyBalance hbm_energy() const;
  telemetry::FabricResult fabric() const;
  void add_network(const fabric::Network& network, const std::string& prefix, telemetry::FabricResult& result) const;
  telemetry::WorkloadResult collective() const;
  void add_synthetic(telemetry::FabricResult& result) const;
  telemetry::ComputeResult compute() const;
  /// The one program that has anything to do; -1 if there are several or none. An open one that nobody has used is as none.
  int only_program() const;
  /// The precision most FLOP of this run are in: whose peak the die's use is compared with.
  work::Precision dominant_precision() const;
  telemetry::WorkloadResult workload(const telemetry::Results& results, std::size_t program) const;
  /// Those of a program that have ended, in order; without `bound_by`.
  std::vector<telemetry::OperatorResult> ended_operators(std::size_t program) const;
  telemetry::CapacityResult capacity() const;
  void add_blame(telemetry::Results& results) const;
};

}  // namespace cowosim::platforms
