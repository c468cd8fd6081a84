#include "platforms/interposer.h"

namespace cowosim::platforms {

Interposer::Interposer(const fabric::FabricParams& params, const std::vector<std::string>& streams,
                       const std::vector<Source>& sources) {
  network_ = fabric::make_network(params, fabric::by_stream(params.qos, streams));

  std::vector<int> owner(streams.size(), 0);
  for (const Source& source : sources) {
    traffic::SyntheticContext context;
    context.shape.nodes = network_->ports();
    context.shape.columns = params.terminal_columns();
    context.period = period_of(params.frequency);
    context.flit_bytes = params.flit_bytes;
    context.stream = source.stream;
    context.seed = source.seed;
    owner[source.stream] = static_cast<int>(sources_.size());
    sources_.push_back(std::make_unique<traffic::Synthetic>(source.params, context));
    names_.push_back(sources.size() == 1 ? "synthetic" : "synthetic_" + source.name);
  }
  if (sources_.size() > 1)
    fan_ = std::make_unique<traffic::Fan>(network_->ports(), static_cast<int>(sources_.size()), std::move(owner));
}

void Interposer::couple(engine::Coupling& coupling) {
  // What sources inject in a cycle is in front of the network in that cycle: they act first.
  for (std::size_t s = 0; s < sources_.size(); ++s) coupling.add(names_[s], *sources_[s]);
  if (fan_) coupling.add("fan", *fan_);
  coupling.add("fabric", *network_);
  const int nodes = network_->ports();
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    for (int n = 0; n < nodes; ++n) {
      if (fan_) {
        coupling.wire(*sources_[s], n, *fan_, fan_->port_of(static_cast<int>(s), n));
      } else {
        coupling.wire(*sources_[s], n, *network_, n);
      }
    }
  }
  for (int n = 0; fan_ && n < nodes; ++n) coupling.wire(*fan_, fan_->port_of_terminal(n), *network_, n);
}

}  // namespace cowosim::platforms
