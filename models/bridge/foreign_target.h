// What a foreign target is inside the package: the heart in front of its initiator sockets.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bridge/data_path.h"
#include "bridge/foreign_params.h"
#include "core/memory_map.h"
#include "engine/heart.h"

namespace cowosim::bridge {

/// Who asks a foreign target.
struct TargetContext {
  Stage stage = Stage::external;   ///< what a crossing's time is called: external, or off_package
  const MemoryMap* map = nullptr;  ///< in place of a stack: its channels are the ports; nullptr: one port, of a network
  int stack = 0;
};

/// Ports 0 .. upstream-1: the doors of a stack's channels, or (port 0) the terminal of a network; behind them the gates, one a socket.
///
/// A request crosses (Phase::request with its handle, to the outside; write data at the socket's bandwidth), on socket (channel mod
/// sockets), on a network (4 KiB block of the address mod sockets). The outside enters Phase::credit with the handle once the foreign model
/// has accepted it (END_REQ): a door's credit goes back. It enters Phase::response with the handle once the foreign model has answered:
/// a read's response, a write's acceptance and retirement together, for no foreign model says that a write will not be lost before it
/// has answered (on a network the retirement stands for both, as a cache's). On a network requests wait in here for one of
/// max_outstanding entries; a door's entries are its credits.
///
/// Time in here and outside is `stage`, but for waiting for an entry: Stage::queue. The journal has each transaction at its
/// answer's leaving.
class ForeignTarget final : public engine::Heart {
 public:
  ForeignTarget(const ForeignParams& params, const TargetContext& context);

  int ports() const override { return upstream_ + params_.sockets; }
  int upstream() const { return upstream_; }
  /// The socket a request takes.
  int socket_of(const Transaction& tx) const;
  Time output_pipeline(int port) const override { return port < upstream_ ? params_.port_latency : 0; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  struct Counters {
    std::uint64_t reads = 0, writes = 0;
    std::uint64_t bytes = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Socket {
    DataPath down, up;
    std::deque<Handle> waiting;    // for an entry; on a network
    std::int64_t outstanding = 0;  // sent and not answered
  };
  bool on_network() const { return context_.map == nullptr; }
  int door_of(const Transaction& tx) const {
    return on_network() ? 0
                        : static_cast<int>(context_.map->channel_of(tx.fetch_address)) -
                              context_.stack * context_.map->geometry().channels;
  }
  void cross(Handle handle, Transaction& tx, int socket, Time now);
  void answer(Handle handle, Time now);

  ForeignParams params_;
  TargetContext context_;
  int upstream_;
  std::vector<Socket> sockets_;
  std::uint64_t accepted_ = 0;  // credits given back
  std::uint64_t outstanding_ = 0;
  Counters counters_;
};

}  // namespace cowosim::bridge
