#include "kernel/ports.h"

#include <fmt/core.h>

#include <stdexcept>

namespace cowosim::kernel {

namespace {
void join(Port& from, Port& to, engine::Engine& engine, const std::string& root) {
  const std::string name = std::string(to.socket_name()).substr(root.size() + 1);
  if (from.shell().component == nullptr || to.shell().component == nullptr) {
    throw std::logic_error(name + ": connected before its components were added to the engine");
  }
  to.connection = &engine.connect(name, *from.shell().component, *to.shell().component, to.index(), from.lookahead());
}
}  // namespace

void connect(InitiatorPort& initiator, TargetPort& target, engine::Engine& engine, const std::string& root) {
  initiator.socket.bind(target.socket);
  join(initiator, target, engine, root);
  join(target, initiator, engine, root);
}

}  // namespace cowosim::kernel
