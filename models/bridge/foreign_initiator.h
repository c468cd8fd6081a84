// What a foreign initiator is inside the package: the heart behind its target sockets.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bridge/data_path.h"
#include "bridge/foreign_params.h"
#include "core/memory_map.h"
#include "core/router.h"
#include "engine/heart.h"
#include "telemetry/stream_statistics.h"

namespace cowosim::bridge {

/// Where the requests of a foreign initiator go.
struct InitiatorContext {
  StreamId stream = 0;
  std::int64_t granule = 256;      ///< a transaction crosses no multiple of it (power of two)
  Time register_latency = 0;       ///< of accesses that stay in the package's registers
  Stage stage = Stage::external;   ///< what a crossing's time is called: external, or off_package
  const MemoryMap* map = nullptr;  ///< doors of all channels, a port each; nullptr: one port
  const Router* router = nullptr;  ///< on a network: who asks for an address where
  std::uint16_t terminal = 0;      ///< on a network: its own
  std::int64_t credits = -1;       ///< of each door; -1: unbounded
};

/// Ports 0 .. sockets-1 are gates, one a socket; behind them the port of the network or the door (port `sockets`), or one for each
/// channel.
///
/// The outside opens a request (`open`) and enters it at its gate: Phase::request, its number as Message::transaction, at
/// the call's time + crossing_latency. A socket's requests are issued in the order of arrival, none before its data have crossed, as
/// transactions: cut at granules, aligned outwards to whole atoms (requests to foreign targets keep their bytes: a device's register is
/// not widened), each port_latency later at the other end. A transaction takes a credit of its door; the next one of the socket waits.
/// When all are answered the response crosses: Phase::response with the number, to the outside. When the foreign model has
/// it, the outside says so: `delivered`, and enters Phase::retire. That is the end of the latency: from the call to BEGIN_RESP.
///
/// Time: `stage` from the call to the arrival in here and from the last answer's arrival to the delivery; Stage::issue in here.
/// A write's response is its acceptance; the journal has each transaction at its retirement or delivery, whichever is later.
class ForeignInitiator final : public engine::Heart {
 public:
  /// `register_access`: answered in here, register_latency after its arrival, without any transaction.
  enum class Target : std::uint8_t { memory, foreign, registers };

  ForeignInitiator(const ForeignParams& params, const InitiatorContext& context);

  // The outside's side. Called between windows.
  /// A new request, made at `called` by socket `socket`; its number. bytes > 0.
  std::uint32_t open(int socket, Op op, std::uint64_t address, std::uint32_t bytes, Time called, Target target);
  /// Its response has been taken over by the foreign model at `t`; to be followed by Phase::retire at the gate.
  void delivered(std::uint32_t request, Time t) { requests_[request].delivered = t; }
  /// The request a transaction belongs to.
  std::uint32_t request_of(const Transaction& transaction) const { return transaction.tag & ~kAnswered; }

  void start() override;
  int ports() const override { return sockets_ + static_cast<int>(credits_.size()); }
  Time output_pipeline(int port) const override { return port < sockets_ ? 0 : params_.port_latency; }
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  bool owns(Handle handle) const { return pool_ == &pools().owner(handle); }
  std::uint64_t requests() const { return opened_; }
  std::uint64_t register_accesses() const { return register_accesses_; }
  const telemetry::StreamStatistics& stream() const { return *statistics_; }
  StreamId stream_id() const { return context_.stream; }

 private:
  static constexpr std::uint32_t kAnswered = 0x8000'0000;  // in a transaction's tag, over the request's number

  struct Request {
    std::uint64_t address = 0;  // of the next transaction
    std::uint64_t end = 0;
    Time called = 0;
    Time ready = 0;  // its data have crossed
    Time delivered = kNever;
    Time retired = 0;  // the last of its transactions
    std::uint64_t bytes = 0;
    std::uint32_t unanswered = 0;  // issued and not answered
    std::uint32_t unretired = 0;
    std::uint16_t socket = 0;
    Op op = Op::read;
    Target target = Target::memory;
    bool acknowledged = false;  // the outside says it was delivered
    std::vector<Handle> transactions;
  };
  struct Socket {
    DataPath in, out;
    std::deque<std::uint32_t> waiting;  // requests, in order of arrival
  };

  std::size_t door_of(std::uint64_t address) const {
    return context_.map == nullptr ? 0 : context_.map->channel_of(address);
  }
  bool issue(Request& request, std::uint32_t number, Time now);
  void update(Time now);
  void answered(std::uint32_t number, Time now);
  void respond(std::uint32_t number, Time now);
  void close(std::uint32_t number);

  ForeignParams params_;
  InitiatorContext context_;
  int sockets_;
  engine::Pool* pool_ = nullptr;
  std::vector<Socket> inputs_;
  bool bounded_;                       // whether doors have credits at all: a network's terminal takes everything
  std::vector<std::int64_t> credits_;  // of each door
  std::int64_t initial_credits_;
  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_requests_;
  Time due_ = kNever;
  int turn_ = 0;  // socket that issues first: they take turns
  std::unique_ptr<telemetry::StreamStatistics> statistics_;
  std::uint64_t opened_ = 0, closed_ = 0;
  std::uint64_t register_accesses_ = 0;
  std::uint64_t bytes_issued_ = 0, bytes_retired_ = 0;
};

}  // namespace cowosim::bridge
