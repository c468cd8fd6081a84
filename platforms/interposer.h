// The fabric of a package on its own, under synthetic traffic: a network and its sources.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/coupling.h"
#include "fabric/make_network.h"
#include "traffic/fan.h"
#include "traffic/synthetic.h"

namespace cowosim::platforms {

class Interposer {
 public:
  struct Source {
    std::string name;  ///< of its stream
    StreamId stream;
    std::uint64_t seed;
    traffic::SyntheticParams params;
  };

  /// `streams`: all names of the run, by number. Throws ConfigError for permutation files; everything else was checked (configuration.h).
  Interposer(const fabric::FabricParams& params, const std::vector<std::string>& streams,
             const std::vector<Source>& sources);

  /// Adds and wires everything: "synthetic" (with several sources "synthetic_<stream>" and a fan), "fabric".
  void couple(engine::Coupling& coupling);

  const fabric::Network& network() const { return *network_; }
  const std::vector<std::unique_ptr<traffic::Synthetic>>& sources() const { return sources_; }

 private:
  std::unique_ptr<fabric::Network> network_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<traffic::Synthetic>> sources_;
  std::unique_ptr<traffic::Fan> fan_;
};

}  // namespace cowosim::platforms
