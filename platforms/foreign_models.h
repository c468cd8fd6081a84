// The foreign models of a package: their bridges, and what lies behind the addresses they ask for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bridge/foreign_initiator_shell.h"
#include "bridge/foreign_target_shell.h"
#include "core/address_map.h"
#include "core/memory_map.h"
#include "core/sparse_memory.h"
#include "engine/coupling.h"
#include "kernel/contents.h"
#include "platforms/host_queue.h"
#include "platforms/register_block.h"

namespace cowosim::platforms {

/// Made in the package's constructor, as its children ("foreign_<name>").
class ForeignModels final : public kernel::Contents {
 public:
  /// All must outlive it. `memory` null: no bytes are kept.
  ForeignModels(const AddressMap& addresses, const MemoryMap& map, SparseMemory* memory);

  bool empty() const { return initiators_.empty() && targets_.empty(); }
  const std::vector<std::unique_ptr<bridge::ForeignInitiatorShell>>& initiators() const { return initiators_; }
  const std::vector<std::unique_ptr<bridge::ForeignTargetShell>>& targets() const { return targets_; }
  bridge::ForeignInitiatorShell& add_initiator(const bridge::ForeignParams& params,
                                               const bridge::InitiatorContext& context, bool coupled);
  bridge::ForeignTargetShell& add_target(const bridge::ForeignParams& params, const bridge::TargetContext& context,
                                         bool coupled);
  /// The target in place of a stack; nullptr: it is an HBM stack.
  bridge::ForeignTargetShell* in_place_of(int stack) const;

  /// Throws std::invalid_argument that says which names there are.
  bridge::ForeignInitiatorShell& initiator(const std::string& name) const;
  bridge::ForeignTargetShell& target(const std::string& name) const;

  /// Opens the gates and attaches the sockets, once the hearts have their components and before the engine elaborates. With a
  /// coupling the hearts are its members, and `coupled` is its component.
  void open_gates(engine::Engine& engine, kernel::Driver& driver, engine::Coupling* coupling,
                  engine::Component* coupled);
  /// The region `registers`, and a host's kernels; nullptr: there are none.
  void set_registers(RegisterBlock* block, HostQueue* queue) { registers_ = block, queue_ = queue; }
  /// Of a read of memory: what loosely timed accesses take.
  void set_unloaded_latency(Time t) { unloaded_memory_ = t; }
  /// The run has ended: foreign calls return.
  void end();
  void set_loosely_timed(bool on);

  // kernel::Contents
  const AddressMap& address_map() const override { return addresses_; }
  bool needs_exact(const AddressRegion& region, const tlm::tlm_generic_payload& access) override;
  bool effect(const AddressRegion& region, tlm::tlm_generic_payload& access, Time t) override;
  unsigned debug(tlm::tlm_generic_payload& access) override;
  bool direct(const tlm::tlm_generic_payload& access, tlm::tlm_dmi& grant) override;
  Time unloaded_latency(const AddressRegion& region, const tlm::tlm_generic_payload& access) const override;
  kernel::TravellingBytes travelling(Handle handle) override;
  void read(std::uint64_t address, unsigned char* bytes, std::uint64_t length) override;
  void broken(const std::string& violation) override;

  /// What memories in place of stacks hold in a page that is touched for the first time; before the simulation nobody can ask them.
  void fill(std::uint64_t first, unsigned char* bytes, std::uint64_t length);

 private:
  bool access_registers(const AddressRegion& region, tlm::tlm_generic_payload& access, Time t);
  template <class BridgeShell>
  void open_gates(BridgeShell& shell, engine::Coupling* coupling, engine::Component* coupled, bool keeps_running);

  const AddressMap& addresses_;
  const MemoryMap& map_;
  SparseMemory* memory_;
  engine::Engine* engine_ = nullptr;
  kernel::Driver* driver_ = nullptr;
  RegisterBlock* registers_ = nullptr;
  HostQueue* queue_ = nullptr;
  std::uint64_t register_writes_ = 0;  // called and not in effect: kernels may come of them
  std::unique_ptr<kernel::Calendar> calendar_;
  Time unloaded_memory_ = 0;
  std::vector<std::unique_ptr<bridge::ForeignInitiatorShell>> initiators_;
  std::vector<std::unique_ptr<bridge::ForeignTargetShell>> targets_;
  std::vector<bridge::ForeignTargetShell*> stacks_;  // by stack; nullptr: HBM
};

}  // namespace cowosim::platforms
