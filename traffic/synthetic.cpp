#include "traffic/synthetic.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::traffic {

using engine::Phase;

namespace {
std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

const SyntheticContext& checked(const SyntheticContext& context) {
  if (context.shape.nodes < 1) throw std::invalid_argument("synthetic: at least one node");
  if (context.period < 1 || context.flit_bytes < 1 || context.most_alive < 1)
    throw std::invalid_argument("synthetic: a period, bytes of a flit and transactions alive, each at least 1");
  return context;
}

/// Of a packet that carries `bytes` of data: at least one.
std::uint64_t flits_of(const SyntheticContext& context, std::int64_t bytes) {
  return unsigned_of(
      std::max<std::int64_t>(1, (context.header_bytes + bytes + context.flit_bytes - 1) / context.flit_bytes));
}

}  // namespace

std::vector<ParameterProblem> problems(const SyntheticParams& params, const NodeShape& shape) {
  std::vector<ParameterProblem> found = problems(params.destinations, shape);
  for (ParameterProblem& problem : problems(params.injection)) found.push_back(std::move(problem));
  return found;
}

Synthetic::Synthetic(const SyntheticParams& params, const SyntheticContext& context)
    : params_(params),
      context_(checked(context)),
      pattern_(params.destinations, context.shape),
      clock_{context.period},
      measure_end_(unsigned_of(params.warmup_cycles + params.measure_cycles)),
      end_(measure_end_ + unsigned_of(params.measure_cycles)),
      data_flits_(flits_of(context, params.data_flits() * context.flit_bytes)),
      request_flits_(params.request_response ? flits_of(context, 0) : 0),
      injection_(params.injection, static_cast<std::int64_t>(data_flits_ + request_flits_), end_),
      window_begin_(clock_.edge(params.warmup_cycles)),
      window_end_(clock_.edge(params.warmup_cycles + params.measure_cycles)),
      closed_(params.request_response && params.max_outstanding != 0),
      data_bytes_(static_cast<std::uint32_t>(params.data_flits() * context.flit_bytes)) {
  const auto nodes = static_cast<std::uint32_t>(context.shape.nodes);
  while (first_key_ < nodes) first_key_ *= 2;
  keys_.assign(2 * first_key_, kNoEvent);
  for (std::uint32_t index = 0; index < nodes; ++index) {
    Node& node = nodes_.emplace_back(Node{{SplitMix64(mix(context.seed, index))}});
    node.drawn = injection_.first(node.injection);
    set_event(index, node.drawn);
  }
}

void Synthetic::start() {
  pool_ = &own_pool();
  for (std::size_t index = 0; index < nodes_.size(); ++index) nodes_[index].wire = latency(static_cast<int>(index));
  look_ahead(0);
}

inline void Synthetic::set_key(std::uint32_t index, std::uint64_t key) {
  std::uint64_t* const keys = keys_.data();
  std::size_t place = first_key_ + index;
  keys[place] = key;
  for (; place > 1; keys[place] = key) {
    key = std::min(key, keys[place ^ 1]);
    place /= 2;
  }
}

inline void Synthetic::look_ahead(Time now) {
  const std::uint64_t cycle = keys_[1] >> kNodeBits;
  // Whoever waits may still wake in the window.
  if (cycle >= measure_end_ && measured_live_ == 0 && (waiting_ == 0 || now >= window_end_))
    end_ = std::min(end_, std::max(measure_end_, measured_last_ + 1));
  due_ = cycle < end_ ? clock_.edge(static_cast<std::int64_t>(cycle)) : kNever;
}

void Synthetic::hold_back(std::uint32_t index) {
  set_key(index, kNoEvent);
  ++waiting_;
}

void Synthetic::wake(std::uint32_t index, Time at) {
  set_event(index, cycle_from(at));
  --waiting_;
}

void Synthetic::begin_thought(Node& node, Time ends) {
  std::uint32_t slot = free_thought_;
  if (slot == kNone) {
    slot = static_cast<std::uint32_t>(thoughts_.size());
    thoughts_.emplace_back();
  } else {
    free_thought_ = thoughts_[slot].next;
  }
  thoughts_[slot] = {ends, kNone};
  (node.thinks_first == kNone ? node.thinks_first : thoughts_[node.thinks_last].next) = slot;
  node.thinks_last = slot;
}

void Synthetic::end_thought(Node& node) {
  const std::uint32_t slot = node.thinks_first;
  node.thinks_first = thoughts_[slot].next;
  thoughts_[slot].next = free_thought_;
  free_thought_ = slot;
  --node.outstanding;
}

inline bool Synthetic::may_inject(std::uint32_t index, Time now) {
  Node& node = nodes_[index];
  if (closed_) {
    while (node.thinks_first != kNone && thoughts_[node.thinks_first].ends <= now) end_thought(node);
    if (node.outstanding == params_.max_outstanding) {
      if (node.thinks_first != kNone) {
        set_event(index, cycle_from(thoughts_[node.thinks_first].ends));
      } else {
        node.needs_response = true;
        hold_back(index);
      }
      return false;
    }
  }
  if (pool_->live() >= context_.most_alive) {
    without_room_.push_back(index);
    hold_back(index);
    return false;
  }
  if (closed_) ++node.outstanding;
  return true;
}

[[gnu::always_inline]] inline void Synthetic::inject(std::uint32_t index, Time now) {
  const std::uint64_t cycle = keys_[1] >> kNodeBits;
  if (!may_inject(index, now)) return look_ahead(now);
  Node& node = nodes_[index];
  if (cycle != node.drawn) {
    ++held_back_;
    injection_.delay(node.injection, cycle - node.drawn);
  }
  const auto [handle, packet] = pool_->fresh();
  const std::uint32_t destination = pattern_.destination(index, node.injection.random.next());
  packet.address = packet.fetch_address = std::uint64_t{index} << kNodeBits | destination;
  packet.bytes = packet.fetch_bytes = data_bytes_;
  packet.op = params_.request_response ? Op::read : Op::write;
  packet.stream = context_.stream;
  packet.source = static_cast<std::uint16_t>(index);
  packet.destination = static_cast<std::uint16_t>(destination);
  packet.created = now;
  packet.stages.start(Stage::issue, now);
  bytes_created_ += data_bytes_;
  if (in_window(now)) {
    ++measured_;
    ++measured_live_;
  }
  node.drawn = injection_.next(node.injection, cycle);
  set_event(index, node.drawn);
  look_ahead(now);
  send(static_cast<int>(index), Phase::request, handle, now + node.wire);
}

void Synthetic::advance(Time until) {
  while (due_ < until) {
    const Time now = due_;
    if (now >= window_end_) {  // another one may have been held back when this was looked ahead to
      look_ahead(now);
      if (due_ != now) continue;
    }
    inject(static_cast<std::uint32_t>(keys_[1] & ((1u << kNodeBits) - 1)), now);
  }
}

bool Synthetic::free_slot(std::uint32_t index, Time now) {
  Node& node = nodes_[index];
  const Time ends = now + params_.think_time;
  if (params_.think_time == 0) {
    --node.outstanding;
  } else {
    begin_thought(node, ends);
  }
  if (!node.needs_response) return false;
  node.needs_response = false;
  wake(index, ends);
  return true;
}

inline void Synthetic::complete(Handle handle, Transaction& packet, Time now) {
  stream_.record(packet, now);
  bytes_arrived_ += packet.bytes;
  bool changed = false;
  if (in_window(packet.created)) {
    latency_.add(cycle_from(now - packet.created));
    if (--measured_live_ == 0) {
      measured_last_ = unsigned_of(now / clock_.period);
      changed = true;
    }
  }
  journal().add(packet, now);
  const std::uint32_t source = packet.source;
  pool_->release(handle);
  if (!without_room_.empty()) {
    wake(without_room_.front(), now);
    without_room_.pop_front();
    changed = true;
  }
  if (closed_ && free_slot(source, now)) changed = true;
  if (changed) look_ahead(now);
}

void Synthetic::answer(const engine::Message& message, Transaction& request) {
  request.stages.enter(Stage::external, message.time);
  request.destination = request.source;
  send(message.port, Phase::response, message.transaction,
       message.time + params_.service_time + nodes_[message.port].wire);
}

void Synthetic::refuse(const engine::Message& message) const {
  const bool known = message.phase == Phase::request || (message.phase == Phase::response && params_.request_response);
  if (!known) throw std::logic_error(name() + ": neither a packet nor the response to a request");
  throw std::logic_error(name() + ": a packet for node " +
                         std::to_string(transaction(message.transaction).destination) + " came to node " +
                         std::to_string(message.port));
}

void Synthetic::receive(const engine::Message& message) {
  const bool request = message.phase == Phase::request;
  if (!request && (message.phase != Phase::response || !params_.request_response)) refuse(message);
  Transaction& packet = pool_->at(message.transaction);
  if (message.port != packet.destination) refuse(message);
  const bool header = request && params_.request_response;
  if (in_window(message.time)) accepted_flits_ += header ? request_flits_ : data_flits_;
  if (header) {
    answer(message, packet);
  } else {
    complete(message.transaction, packet, message.time);
  }
}

double Synthetic::per_node_cycle(std::uint64_t flits, Time now) const {
  const Time passed = std::min(now, window_end_) - window_begin_;
  if (passed <= 0) return 0;
  return static_cast<double>(flits) * static_cast<double>(clock_.period) /
         (static_cast<double>(nodes_.size()) * static_cast<double>(passed));
}

void Synthetic::report_waits(std::vector<engine::Wait>& waits) const {
  if (live() == 0) return;
  waits.push_back({name(), "the network", std::to_string(live()) + " packets or their responses have not arrived"});
  if (waiting_ != 0)
    waits.push_back({name(), "a packet's arrival", std::to_string(waiting_) + " nodes may have no more under way"});
}

void Synthetic::statistics(StatVisitor& visitor) const {
  visitor("packets_created", "count", static_cast<double>(pool_ == nullptr ? 0 : pool_->created()));
  visitor("packets_retired", "count", static_cast<double>(journal().count()));
  visitor("packets_measured", "count", static_cast<double>(measured_));
  visitor("packets_held_back", "count", static_cast<double>(held_back_));
  visitor("bytes_created", "B", static_cast<double>(bytes_created_));
  visitor("bytes_arrived", "B", static_cast<double>(bytes_arrived_));
  visitor("offered_flits", "count", static_cast<double>(measured_ * (data_flits_ + request_flits_)));
  visitor("accepted_flits", "count", static_cast<double>(accepted_flits_));
}

void Synthetic::check_idle(std::vector<std::string>& broken) const {
  const auto differ = [&](const char* what, std::uint64_t is, std::uint64_t should) {
    if (is != should)
      broken.push_back(name() + ": " + what + ": " + std::to_string(is) + " instead of " + std::to_string(should));
  };
  if (due_ != kNever) broken.push_back(name() + ": not all packets were injected");
  differ("packets retired", journal().count(), pool_ == nullptr ? 0 : pool_->created());
  differ("bytes arrived", bytes_arrived_, bytes_created_);
  differ("measured packets arrived", latency_.count(), measured_);
  differ("packets in the pool", live(), 0);
  std::uint64_t outstanding = 0;
  std::uint64_t thinking = 0;
  for (const Node& node : nodes_) {
    outstanding += node.outstanding;
    for (std::uint32_t slot = node.thinks_first; slot != kNone; slot = thoughts_[slot].next) ++thinking;
  }
  differ("requests outstanding", outstanding, thinking);
}

}  // namespace cowosim::traffic
