// A bridge's base-protocol socket of whatever bus width its foreign model has.
#pragma once

#include <fmt/core.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <systemc>

#include "bridge/foreign_params.h"
#include "kernel/hierarchy.h"

namespace cowosim::bridge {

/// What a bridge calls (Theirs: the interface of the model bound to it), whatever the width.
template <class Theirs>
class AnySocket {
 public:
  virtual ~AnySocket() = default;
  virtual Theirs& peer() = 0;
};

template <class Socket, class Ours, class Theirs>
class SocketOf final : public AnySocket<Theirs> {
 public:
  SocketOf(const char* name, Ours& ours) : socket(name) { socket.bind(ours); }
  Theirs& peer() override { return *socket.operator->(); }
  Socket socket;
};

/// Socket number `index` of a foreign model, kept in `place`; made below `owner` when it is first asked for, during elaboration, with
/// `ours` behind it. Throws std::invalid_argument where there is one of another width.
template <class Socket, class Ours, class Theirs>
Socket& socket_in(std::unique_ptr<AnySocket<Theirs>>& place, sc_core::sc_module& owner, const ForeignParams& params,
                  int index, Ours& ours) {
  using Typed = SocketOf<Socket, Ours, Theirs>;
  if (!place) {
    const kernel::HierarchyScope scope(owner);
    place = std::make_unique<Typed>(("socket_" + std::to_string(index)).c_str(), ours);
  }
  if (auto* typed = dynamic_cast<Typed*>(place.get())) return typed->socket;
  throw std::invalid_argument(
      fmt::format("foreign.{}: socket {} was asked for with another bus width before", params.name, index));
}

/// Throws std::invalid_argument that says which sockets there are.
inline void require_socket(const ForeignParams& params, int index) {
  if (index >= 0 && index < params.sockets) return;
  throw std::invalid_argument(fmt::format("foreign.{0} has sockets 0 to {1} (foreign.{0}.sockets), not {2}",
                                          params.name, params.sockets - 1, index));
}

/// Throws std::invalid_argument for a socket that nobody has asked for; `accessor` of the package gives it.
template <class Lines>
void require_bound(const Lines& lines, const ForeignParams& params, const char* accessor) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].socket) continue;
    throw std::invalid_argument(
        fmt::format("foreign.{0}: nothing is bound to socket {1}: bind Package::{2}(\"{0}\", {1}), or give it a plugin",
                    params.name, i, accessor));
  }
}

}  // namespace cowosim::bridge
