// The fabric of a package on its own: a network, what its terminals send each other, and the units that act inside it.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/coupling.h"
#include "fabric/collective/collective_unit.h"
#include "fabric/make_network.h"
#include "traffic/collective_traffic.h"
#include "traffic/fan.h"
#include "traffic/synthetic.h"

namespace cowosim::platforms {

class Interposer {
 public:
  struct Source {
    std::string name;  ///< of its stream
    StreamId stream;
    std::uint64_t seed;
    std::variant<traffic::SyntheticParams, traffic::CollectiveTrafficParams> params;
  };

  /// `streams`: all names of the run, by number. Throws ConfigError for sources that do not fit the fabric; quality of
  /// service was checked with the configuration.
  Interposer(const fabric::FabricParams& params, const std::vector<std::string>& streams,
             const std::vector<Source>& sources);

  /// Adds and wires everything: a heart for each source ("synthetic" or "collective", with several sources and the stream's name after
  /// it, and a fan), "fabric", and "unit_<router>" for collective operations.
  void couple(engine::Coupling& coupling);

  const fabric::Network& network() const { return *network_; }
  const std::vector<std::unique_ptr<traffic::Synthetic>>& synthetics() const { return synthetics_; }
  const std::vector<std::unique_ptr<traffic::CollectiveTraffic>>& collectives() const { return collectives_; }
  /// Of one stream; nullptr: it has no source here.
  const telemetry::StreamStatistics* stream(StreamId id) const;

 private:
  struct Named {
    std::string name;
    StreamId stream;
    engine::Heart* heart;
    const telemetry::StreamStatistics* statistics;
  };
  int nodes_ = 0;  ///< terminals that sources may use
  fabric::CollectivePlan plan_;
  std::unique_ptr<fabric::Network> network_;
  std::vector<std::unique_ptr<fabric::CollectiveUnit>> units_;
  std::vector<std::unique_ptr<traffic::Synthetic>> synthetics_;
  std::vector<std::unique_ptr<traffic::CollectiveTraffic>> collectives_;
  std::vector<Named> sources_;
  std::unique_ptr<traffic::Fan> fan_;
};

}  // namespace cowosim::platforms
