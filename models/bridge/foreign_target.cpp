#include "bridge/foreign_target.h"

#include <fmt/core.h>

#include <stdexcept>

namespace cowosim::bridge {

using engine::Phase;

ForeignTarget::ForeignTarget(const ForeignParams& params, const TargetContext& context)
    : params_(params),
      context_(context),
      upstream_(context.map == nullptr ? 1 : context.map->geometry().channels),
      sockets_(static_cast<std::size_t>(params.sockets),
               Socket{DataPath(params.bandwidth), DataPath(params.bandwidth), {}}) {}

int ForeignTarget::socket_of(const Transaction& tx) const {
  constexpr unsigned kBlockShift = 12;
  const std::uint64_t lane = on_network() ? tx.fetch_address >> kBlockShift : static_cast<std::uint64_t>(door_of(tx));
  return static_cast<int>(lane % static_cast<std::uint64_t>(params_.sockets));
}

void ForeignTarget::receive(const engine::Message& message) {
  const Handle handle = message.transaction;
  const Time now = message.time;
  switch (message.phase) {
    case Phase::request: {
      Transaction& tx = transaction(handle);
      const int index = socket_of(tx);
      Socket& socket = sockets_[static_cast<std::size_t>(index)];
      ++outstanding_;
      if (on_network() && socket.outstanding == params_.max_outstanding) {
        tx.stages.enter(Stage::queue, now);
        socket.waiting.push_back(handle);
      } else {
        cross(handle, tx, index, now);
      }
      break;
    }
    case Phase::credit: {
      const int door = door_of(transaction(handle));
      ++accepted_;
      if (!on_network()) send(door, Phase::credit, kNoHandle, now + params_.port_latency + latency(door));
      break;
    }
    case Phase::response:
      answer(handle, now);
      break;
    case Phase::retire:
      throw std::logic_error(name() + ": a foreign target received a retirement");
  }
}

void ForeignTarget::cross(Handle handle, Transaction& tx, int index, Time now) {
  Socket& socket = sockets_[static_cast<std::size_t>(index)];
  ++socket.outstanding;
  tx.stages.enter(context_.stage, now);
  const Time leaves = socket.down.pass(tx.op == Op::write ? tx.fetch_bytes : 0, now);
  const int port = upstream_ + index;
  send(port, Phase::request, handle, leaves + latency(port));
}

void ForeignTarget::answer(Handle handle, Time now) {
  Transaction& tx = transaction(handle);
  const int index = socket_of(tx);
  Socket& socket = sockets_[static_cast<std::size_t>(index)];
  --socket.outstanding;
  --outstanding_;
  const bool read = tx.op == Op::read;
  ++(read ? counters_.reads : counters_.writes);
  counters_.bytes += tx.fetch_bytes;
  const Time leaves = socket.up.pass(read ? tx.fetch_bytes : 0, now);
  journal().add(tx, leaves);
  const int door = door_of(tx);
  if (on_network()) tx.destination = tx.source;
  const Time arrives = leaves + params_.port_latency + latency(door);
  if (read || !on_network()) send(door, Phase::response, handle, arrives);
  if (!read) send(door, Phase::retire, handle, arrives);
  if (socket.waiting.empty()) return;
  const Handle next = socket.waiting.front();
  socket.waiting.pop_front();
  cross(next, transaction(next), index, now);
}

void ForeignTarget::report_waits(std::vector<engine::Wait>& waits) const {
  if (outstanding_ != 0)
    waits.push_back(
        {name(), "the foreign target " + params_.name, fmt::format("{} requests not answered", outstanding_)});
}

void ForeignTarget::statistics(StatVisitor& visitor) const {
  visitor("reads", "count", static_cast<double>(counters_.reads));
  visitor("writes", "count", static_cast<double>(counters_.writes));
  visitor("bytes", "B", static_cast<double>(counters_.bytes));
}

void ForeignTarget::check_idle(std::vector<std::string>& broken) const {
  if (outstanding_ != 0) broken.push_back(fmt::format("{} requests not answered", outstanding_));
  const std::uint64_t answered = counters_.reads + counters_.writes;
  if (accepted_ != answered) broken.push_back(fmt::format("{} requests accepted, {} answered", accepted_, answered));
}

}  // namespace cowosim::bridge
