#include "bridge/foreign_initiator.h"

#include <fmt/core.h>

#include <stdexcept>

namespace cowosim::bridge {

using engine::Phase;

namespace {
constexpr std::uint64_t kAtomMask = kAtomBytes - 1;
}  // namespace

ForeignInitiator::ForeignInitiator(const ForeignParams& params, const InitiatorContext& context)
    : params_(params),
      context_(context),
      sockets_(params.sockets),
      inputs_(static_cast<std::size_t>(params.sockets),
              Socket{DataPath(params.bandwidth), DataPath(params.bandwidth), {}}),
      bounded_(context.credits >= 0),
      credits_(context.map == nullptr ? 1 : context.map->channels(), bounded_ ? context.credits : 1),
      initial_credits_(credits_.front()),
      statistics_(std::make_unique<telemetry::StreamStatistics>()) {
  if (context.granule < kAtomBytes || (context.granule & (context.granule - 1)) != 0)
    throw std::invalid_argument("a foreign initiator's granule is a power of two, at least one atom");
}

void ForeignInitiator::start() { pool_ = &own_pool(); }

std::uint32_t ForeignInitiator::open(int socket, Op op, std::uint64_t address, std::uint32_t bytes, Time called,
                                     Target target) {
  if (free_requests_.empty()) {
    free_requests_.push_back(static_cast<std::uint32_t>(requests_.size()));
    requests_.emplace_back();
  }
  const std::uint32_t number = free_requests_.back();
  free_requests_.pop_back();
  Request& request = requests_[number];
  std::vector<Handle> transactions = std::move(request.transactions);
  transactions.clear();
  request = {};
  request.transactions = std::move(transactions);
  const bool whole_atoms = target == Target::memory;
  request.address = whole_atoms ? address & ~kAtomMask : address;
  request.end = whole_atoms ? (address + bytes + kAtomMask) & ~kAtomMask : address + bytes;
  request.bytes = bytes;
  request.called = called;
  request.socket = static_cast<std::uint16_t>(socket);
  request.op = op;
  request.target = target;
  ++opened_;
  return number;
}

void ForeignInitiator::receive(const engine::Message& message) {
  const Time now = message.time;
  if (message.port < sockets_) {
    const std::uint32_t number = message.transaction;
    Request& request = requests_[number];
    if (message.phase == Phase::retire) {
      request.acknowledged = true;
      if (request.unretired == 0) close(number);
      return;
    }
    Socket& socket = inputs_[message.port];
    request.ready = socket.in.pass(request.op == Op::write ? request.bytes : 0, now);
    if (request.target == Target::registers) {
      ++register_accesses_;
      respond(number, request.ready + context_.register_latency);
      return;
    }
    socket.waiting.push_back(number);
    update(now);
    return;
  }
  switch (message.phase) {
    case Phase::credit:
      credits_[static_cast<std::size_t>(message.port - sockets_)] += message.count;
      update(now);
      break;
    case Phase::response:
    case Phase::retire: {
      Transaction& piece = transaction(message.transaction);
      const std::uint32_t number = request_of(piece);
      Request& request = requests_[number];
      const bool first = (piece.tag & kAnswered) == 0;
      piece.tag |= kAnswered;
      if (message.phase == Phase::retire || piece.op == Op::read) {
        --request.unretired;
        request.retired = std::max(request.retired, now);
      }
      if (first) {
        piece.stages.enter(context_.stage, now);
        answered(number, now);
      }
      if (request.unretired == 0 && request.acknowledged) close(number);
      break;
    }
    case Phase::request:
      throw std::logic_error(name() + ": a foreign initiator received a request");
  }
}

void ForeignInitiator::answered(std::uint32_t number, Time now) {
  Request& request = requests_[number];
  if (--request.unanswered == 0 && request.address == request.end) respond(number, now);
}

/// The last answer is here at `now`: the response crosses.
void ForeignInitiator::respond(std::uint32_t number, Time now) {
  const Request& request = requests_[number];
  Socket& socket = inputs_[request.socket];
  const bool data = request.op == Op::read && request.target != Target::registers;
  const Time leaves = socket.out.pass(data ? request.bytes : 0, now);
  send(request.socket, Phase::response, number, leaves + latency(request.socket));
}

/// Delivered and retired.
void ForeignInitiator::close(std::uint32_t number) {
  Request& request = requests_[number];
  const Time end = std::max(request.delivered, request.retired);
  for (const Handle handle : request.transactions) {
    Transaction& piece = transaction(handle);
    statistics_->record(piece, request.delivered);
    journal().add(piece, end);
    bytes_retired_ += piece.bytes;
    pool_->release(handle);
  }
  ++closed_;
  free_requests_.push_back(number);
}

/// As many transactions as doors have credits for; whether that was all.
bool ForeignInitiator::issue(Request& request, std::uint32_t number, Time now) {
  const auto granule = static_cast<std::uint64_t>(context_.granule);
  while (request.address != request.end) {
    const std::size_t door = door_of(request.address);
    if (credits_[door] == 0) return false;
    credits_[door] -= bounded_;
    const std::uint64_t end = std::min((request.address | (granule - 1)) + 1, request.end);
    const auto [handle, piece] = pool_->fresh();
    piece.address = piece.fetch_address = request.address;
    piece.bytes = piece.fetch_bytes = static_cast<std::uint32_t>(end - request.address);
    piece.op = request.op;
    piece.stream = context_.stream;
    piece.tag = number;
    piece.created = request.called;
    piece.stages.start(context_.stage, request.called);
    piece.stages.enter(Stage::issue, request.ready);
    if (context_.router != nullptr) {
      piece.source = context_.terminal;
      piece.destination = piece.via = context_.router->destination(request.address);
    }
    bytes_issued_ += piece.bytes;
    request.address = end;
    request.transactions.push_back(handle);
    ++request.unanswered;
    ++request.unretired;
    const int port = sockets_ + static_cast<int>(door);
    send(port, Phase::request, handle, now + params_.port_latency + latency(port));
  }
  return true;
}

void ForeignInitiator::update(Time now) {
  due_ = kNever;
  for (const Socket& socket : inputs_) {
    if (socket.waiting.empty()) continue;
    const Request& request = requests_[socket.waiting.front()];
    if (credits_[door_of(request.address)] != 0) due_ = std::min(due_, std::max(now, request.ready));
  }
}

void ForeignInitiator::advance(Time until) {
  while (due_ < until) {
    const Time now = due_;
    due_ = kNever;  // what is sent may cause arrivals before the next one is considered
    for (int i = 0; i < sockets_; ++i) {
      Socket& socket = inputs_[static_cast<std::size_t>((turn_ + i) % sockets_)];
      while (!socket.waiting.empty()) {
        const std::uint32_t number = socket.waiting.front();
        if (requests_[number].ready > now || !issue(requests_[number], number, now)) break;
        socket.waiting.pop_front();
      }
    }
    turn_ = (turn_ + 1) % sockets_;
    update(now);
  }
}

void ForeignInitiator::report_waits(std::vector<engine::Wait>& waits) const {
  std::size_t without_credit = 0, unanswered = 0;
  for (const Socket& socket : inputs_) without_credit += socket.waiting.size();
  for (const Request& request : requests_) unanswered += request.unanswered;
  if (without_credit != 0)
    waits.push_back({name(), "a credit", fmt::format("{} requests wait for room behind the port", without_credit)});
  if (unanswered != 0)
    waits.push_back({name(), "the memory system", fmt::format("{} transactions not answered", unanswered)});
  if (opened_ != closed_ && without_credit == 0 && unanswered == 0)
    waits.push_back({name(), "the foreign initiator " + params_.name,
                     fmt::format("{} requests are answered, or on their way to it", opened_ - closed_)});
}

void ForeignInitiator::statistics(StatVisitor& visitor) const {
  visitor("requests", "count", static_cast<double>(opened_));
  visitor("requests_delivered", "count", static_cast<double>(closed_));
  visitor("register_accesses", "count", static_cast<double>(register_accesses_));
  visitor("transactions_issued", "count", static_cast<double>(pool_ == nullptr ? 0 : pool_->created()));
  visitor("transactions_retired", "count", static_cast<double>(journal().count()));
  visitor("bytes_issued", "B", static_cast<double>(bytes_issued_));
  visitor("bytes_retired", "B", static_cast<double>(bytes_retired_));
}

void ForeignInitiator::check_idle(std::vector<std::string>& broken) const {
  if (opened_ != closed_) broken.push_back(fmt::format("{} requests not delivered", opened_ - closed_));
  if (bytes_issued_ != bytes_retired_)
    broken.push_back(fmt::format("{} bytes issued, {} retired", bytes_issued_, bytes_retired_));
  if (pool_ != nullptr && pool_->live() != 0)
    broken.push_back(fmt::format("{} transactions in the pool", pool_->live()));
  for (const std::int64_t credits : credits_)
    if (context_.credits >= 0 && credits != initial_credits_)  // a network gives none back
      broken.push_back(fmt::format("a door's credits: {} of {}", credits, initial_credits_));
}

}  // namespace cowosim::bridge
