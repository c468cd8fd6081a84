#include "platforms/foreign_models.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

#include "core/nearest.h"

namespace cowosim::platforms {

using Payload = tlm::tlm_generic_payload;

ForeignModels::ForeignModels(const AddressMap& addresses, const MemoryMap& map, SparseMemory* memory)
    : addresses_(addresses),
      map_(map),
      memory_(memory),
      stacks_(static_cast<std::size_t>(map.geometry().stacks), nullptr) {}

bridge::ForeignInitiatorShell& ForeignModels::add_initiator(const bridge::ForeignParams& params,
                                                            const bridge::InitiatorContext& context, bool coupled) {
  initiators_.push_back(
      std::make_unique<bridge::ForeignInitiatorShell>(("foreign_" + params.name).c_str(), params, context, coupled));
  return *initiators_.back();
}

bridge::ForeignTargetShell& ForeignModels::add_target(const bridge::ForeignParams& params,
                                                      const bridge::TargetContext& context, bool coupled) {
  targets_.push_back(
      std::make_unique<bridge::ForeignTargetShell>(("foreign_" + params.name).c_str(), params, context, coupled));
  if (context.map != nullptr) stacks_[static_cast<std::size_t>(context.stack)] = targets_.back().get();
  return *targets_.back();
}

bridge::ForeignTargetShell* ForeignModels::in_place_of(int stack) const {
  return stacks_[static_cast<std::size_t>(stack)];
}

namespace {
template <class Shells>
auto& named(const Shells& shells, const std::string& name, const char* role) {
  std::vector<std::string> names;
  for (const auto& shell : shells) {
    if (shell->params().name == name) return *shell;
    names.push_back(shell->params().name);
  }
  throw std::invalid_argument(fmt::format("the platform has no foreign {} '{}'{}; it has {}", role, name,
                                          did_you_mean(name, names), names.empty() ? "none" : enumerate(names)));
}
}  // namespace

bridge::ForeignInitiatorShell& ForeignModels::initiator(const std::string& name) const {
  return named(initiators_, name, "initiator");
}
bridge::ForeignTargetShell& ForeignModels::target(const std::string& name) const {
  return named(targets_, name, "target");
}

template <class BridgeShell>
void ForeignModels::open_gates(BridgeShell& shell, engine::Coupling* coupling, engine::Component* coupled,
                               bool keeps_running) {
  engine::Heart& heart = shell.heart();
  const int sockets = shell.params().sockets;
  const int first =
      keeps_running ? 0 : heart.ports() - sockets;  // an initiator's are its first ports, a target's its last
  std::vector<engine::Gate*> gates;
  for (int i = 0; i < sockets; ++i) {
    const std::string name = fmt::format("foreign_{}.socket_{}", shell.params().name, i);
    engine::Component& inside = coupling != nullptr ? *coupled : *shell.component;
    const int port = coupling != nullptr ? coupling->expose(heart, first + i) : first + i;
    gates.push_back(&engine_->open(name, inside, port, shell.params().crossing_latency, shell, keeps_running));
    heart.bind(first + i, *gates.back());
  }
  shell.attach(*engine_, std::move(gates), *driver_, *this, *calendar_);
}

void ForeignModels::open_gates(engine::Engine& engine, kernel::Driver& driver, engine::Coupling* coupling,
                               engine::Component* coupled) {
  engine_ = &engine;
  driver_ = &driver;
  if (!empty()) calendar_ = std::make_unique<kernel::Calendar>("calendar");
  for (const auto& shell : initiators_) open_gates(*shell, coupling, coupled, true);
  for (const auto& shell : targets_) open_gates(*shell, coupling, coupled, false);
}

void ForeignModels::end() {
  if (queue_ != nullptr) queue_->settle(engine_->now());
  for (const auto& shell : initiators_) shell->end();
}

void ForeignModels::set_loosely_timed(bool on) {
  for (const auto& shell : initiators_) shell->set_loosely_timed(on);
}

bool ForeignModels::needs_exact(const AddressRegion& region, const Payload& access) {
  if (region.kind == AddressRegion::Kind::registers) {
    if (access.is_write()) {
      ++register_writes_;
      engine_->make_exact();  // what was called before may arrive behind it
    }
    return true;
  }
  // A kernel's end changes memory: whoever looks must see it from that instant on, in whichever window it lies.
  return register_writes_ != 0 || (queue_ != nullptr && queue_->active());
}

bool ForeignModels::effect(const AddressRegion& region, Payload& access, Time t) {
  if (queue_ != nullptr && queue_->active() && engine_->now() == t) queue_->settle(t);
  if (region.kind == AddressRegion::Kind::registers) return access_registers(region, access, t);
  access.set_response_status(tlm::TLM_OK_RESPONSE);
  if (region.kind != AddressRegion::Kind::memory || memory_ == nullptr) return false;
  if (access.is_read()) {
    memory_->read(access.get_address(), access.get_data_ptr(), access.get_data_length(), access.get_byte_enable_ptr(),
                  access.get_byte_enable_length());
  } else {
    memory_->write(access.get_address(), access.get_data_ptr(), access.get_data_length(), access.get_byte_enable_ptr(),
                   access.get_byte_enable_length());
  }
  return false;
}

bool ForeignModels::access_registers(const AddressRegion& region, Payload& access, Time t) {
  const std::uint64_t offset = access.get_address() - region.first;
  const bool write = access.is_write();
  if (write) --register_writes_;
  if (access.get_byte_enable_ptr() != nullptr) {
    access.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return false;
  }
  const bool done = write ? registers_->write(offset, access.get_data_ptr(), access.get_data_length(), t)
                          : registers_->read(offset, access.get_data_ptr(), access.get_data_length(), t);
  access.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_COMMAND_ERROR_RESPONSE);
  return write;
}

unsigned ForeignModels::debug(Payload& access) {
  const AddressRegion* region = addresses_.find(access.get_address(), access.get_data_length());
  if (region == nullptr || access.get_command() == tlm::TLM_IGNORE_COMMAND) return 0;
  switch (region->kind) {
    case AddressRegion::Kind::memory:
      if (memory_ == nullptr) return 0;
      if (access.is_read()) {
        memory_->read(access.get_address(), access.get_data_ptr(), access.get_data_length());
      } else {
        memory_->write(access.get_address(), access.get_data_ptr(), access.get_data_length());
      }
      return access.get_data_length();
    case AddressRegion::Kind::foreign: {
      // The foreign model knows addresses from the beginning of its region on.
      const std::uint64_t address = access.get_address();
      access.set_address(address - region->first);
      const unsigned moved = target(region->name).debug(access);
      access.set_address(address);
      return moved;
    }
    case AddressRegion::Kind::registers: {
      const std::uint64_t offset = access.get_address() - region->first;
      const bool done =
          access.is_read() && registers_->read(offset, access.get_data_ptr(), access.get_data_length(), engine_->now());
      return done ? access.get_data_length() : 0;
    }
  }
  return 0;
}

bool ForeignModels::direct(const Payload& access, tlm::tlm_dmi& grant) {
  const AddressRegion* region = addresses_.find(access.get_address());
  if (memory_ == nullptr || region == nullptr || region->kind != AddressRegion::Kind::memory) return false;
  const SparseMemory::Page page = memory_->page_at(access.get_address());
  grant.set_start_address(page.first);
  grant.set_end_address(page.last);
  grant.set_dmi_ptr(page.bytes);
  grant.allow_read_write();
  return true;
}

Time ForeignModels::unloaded_latency(const AddressRegion& region, const Payload&) const {
  return region.kind == AddressRegion::Kind::memory ? unloaded_memory_ : 0;
}

/// Only what goes to a model outside of memory carries its bytes: memory's are in `memory_`, whatever caches lie in between.
kernel::TravellingBytes ForeignModels::travelling(Handle handle) {
  if (engine_->pools()[handle].address < map_.capacity()) return {};
  for (const auto& shell : initiators_)
    if (shell->owns(handle)) return shell->bytes_of(handle);
  return {};
}

void ForeignModels::read(std::uint64_t address, unsigned char* bytes, std::uint64_t length) {
  if (memory_ != nullptr) memory_->read(address, bytes, length);
}

void ForeignModels::broken(const std::string& violation) {
  engine_->fail(violation, {violation});
  driver_->wake();
}

void ForeignModels::fill(std::uint64_t first, unsigned char* bytes, std::uint64_t length) {
  if (!sc_core::sc_is_running()) return;
  const std::uint64_t granule = map_.granule();
  for (std::uint64_t at = first; at < first + length;) {
    const std::uint64_t end = std::min((at | (granule - 1)) + 1, first + length);
    const auto stack = map_.channel_of(at) / static_cast<unsigned>(map_.geometry().channels);
    if (bridge::ForeignTargetShell* shell = stacks_[stack]) {
      Payload payload;
      payload.set_read();
      payload.set_address(map_.in_stack(at));
      payload.set_data_ptr(bytes + (at - first));
      payload.set_data_length(static_cast<unsigned>(end - at));
      payload.set_streaming_width(static_cast<unsigned>(end - at));
      shell->debug(payload);
    }
    at = end;
  }
}

}  // namespace cowosim::platforms
