// Several workloads at the same terminals of a network.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/heart.h"

namespace cowosim::traffic {

/// Joins sources of `nodes` ports each with one network of as many terminals: what a source sends at node n enters the network's terminal n at
/// the same moment, what is delivered there goes to the source its stream belongs to. Takes no time.
///
/// Ports: s x nodes + n is node n of source s; behind them, sources x nodes + n is terminal n. Own events: none.
class Fan final : public engine::Heart {
 public:
  /// `owner[stream]` is the source that a stream belongs to. Throws std::invalid_argument without sources or nodes.
  Fan(int nodes, int sources, std::vector<int> owner);

  int ports() const override { return (sources_ + 1) * nodes_; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override;
  int port_of(int source, int node) const { return source * nodes_ + node; }
  int port_of_terminal(int node) const { return sources_ * nodes_ + node; }

 private:
  int nodes_;
  int sources_;
  std::vector<int> owner_;
};

}  // namespace cowosim::traffic
