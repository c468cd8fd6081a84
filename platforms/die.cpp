#include "platforms/die.h"

#include "fabric/flit/flit_network.h"
#include "fabric/packet_network.h"

namespace cowosim::platforms {

namespace {

int partition_of_core(const DieParams& params, int core) { return core * params.partitions / params.cores; }

std::unique_ptr<fabric::Network> network_of(const DieParams& params, const compute::SliceMap& slices,
                                            const std::vector<std::string>& guests) {
  std::vector<fabric::CrossbarTerminal> terminals;
  for (int i = 0; i < params.cores; ++i)
    terminals.push_back({"core_" + std::to_string(i), partition_of_core(params, i), false});
  for (std::uint32_t i = 0; i < slices.slices(); ++i) {
    terminals.push_back({"slice_" + std::to_string(i), static_cast<int>(slices.partition_of(i)), true});
  }
  for (const std::string& guest : guests) terminals.push_back({guest, 0, false});
  const fabric::Topology topology = fabric::crossbar(params.network, params.partitions, terminals);
  if (!params.network.flits()) return std::make_unique<fabric::PacketNetwork>(topology, params.network.format());
  // The crossing's links side by side share its traffic by flow.
  fabric::Routes routes(topology, fabric::Ports(topology), fabric::Routing::weighted_multipath,
                        params.network.router.virtual_channels);
  return std::make_unique<fabric::FlitNetwork>(topology, std::move(routes), params.network.router,
                                               params.network.format());
}

}  // namespace

Die::Die(const sc_core::sc_module_name& name, const DieParams& params, const MemoryMap& map,
         const std::vector<const work::Program*>& programs, int door_entries, const std::vector<std::string>& guests)
    : sc_module(name),
      params_(params),
      slices_(map, 1, params.partitions, params.cache_far, static_cast<std::uint16_t>(params.cores)),
      router_(slices_),
      core("core", static_cast<std::size_t>(params.cores),
           [&](const char* core_name, std::size_t i) {
             const int index = static_cast<int>(i);
             return new compute::CoreShell(core_name, params_.core, programs, slices_, static_cast<std::uint16_t>(i),
                                           partition_of_core(params_, index));
           }),
      slice("slice", slices_.slices(),
            [&](const char* slice_name, std::size_t i) {
              return new compute::CacheSliceShell(slice_name, params_.slice, slices_,
                                                  slices_.terminal(static_cast<std::uint32_t>(i)), door_entries);
            }),
      network("network", network_of(params_, slices_, guests)) {}

}  // namespace cowosim::platforms
