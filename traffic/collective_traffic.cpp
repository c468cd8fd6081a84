#include "traffic/collective_traffic.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace cowosim::traffic {

using engine::Phase;

namespace {

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

const CollectiveContext& checked(const CollectiveTrafficParams& params, const CollectiveContext& context) {
  for (const ParameterProblem& problem : problems(params, context))
    throw std::invalid_argument(fmt::format("collective: {}: {}", problem.parameter, problem.message));
  for (const CollectiveContext::Member& member : context.members)
    if (member.terminal >= context.nodes) throw std::invalid_argument("collective: a member is at no node");
  return context;
}

}  // namespace

std::vector<ParameterProblem> problems(const CollectiveTrafficParams& params, const CollectiveContext& context) {
  std::vector<ParameterProblem> found;
  const auto members = static_cast<std::int64_t>(context.members.size());
  const std::int64_t window = params.outstanding == 0 ? context.operations : params.outstanding;
  if (params.chunk > context.slot_bytes) {
    found.push_back(
        {"chunk", fmt::format("{} bytes do not fit into a slot of the fabric's collective units: at most {}",
                              params.chunk, context.slot_bytes)});
  }
  if (params.outstanding > context.operations) {
    found.push_back({"outstanding", fmt::format("{} chunks are more than the fabric's collective units have slots for: "
                                                "at most {}",
                                                params.outstanding, context.operations)});
  }
  if (members * window > engine::Pool::kCapacity) {
    found.push_back({"outstanding", fmt::format("{} chunks of {} members are more than {} at once", window, members,
                                                engine::Pool::kCapacity)});
  }
  if (!params.all_reduces() && params.root >= members)
    found.push_back({"root", fmt::format("member {} does not exist: there are {}", params.root, members)});
  return found;
}

CollectiveTraffic::CollectiveTraffic(const CollectiveTrafficParams& params, const CollectiveContext& context)
    : params_(params),
      context_(checked(params, context)),
      op_(params.broadcasts()    ? Op::multicast
          : params.all_reduces() ? Op::all_reduce
                                 : Op::reduce),
      window_(unsigned_of(params.outstanding == 0 ? context.operations : params.outstanding)),
      chunks_(unsigned_of((params.bytes + params.chunk - 1) / params.chunk)),
      last_bytes_(static_cast<std::uint32_t>(params.bytes - static_cast<std::int64_t>(chunks_ - 1) * params.chunk)),
      sender_of_(static_cast<std::size_t>(context.nodes), kNone) {
  for (std::uint32_t member = 0; member < context_.members.size(); ++member) {
    if (params_.broadcasts() && member != params_.root) continue;
    sender_of_[context_.members[member].terminal] = static_cast<std::uint32_t>(senders_.size());
    senders_.push_back({member});
  }
  marks_.assign(senders_.size() * window_, 0);
  ended_.reserve(static_cast<std::size_t>(params_.operations));
}

void CollectiveTraffic::advance(Time until) {
  while (due_ < until) begin_operation(due_);
}

void CollectiveTraffic::begin_operation(Time now) {
  due_ = kNever;
  ++begun_;
  left_ = senders_.size() * chunks_;
  present_ = {now, now, now};
  for (std::uint32_t s = 0; s < senders_.size(); ++s) send_chunks(s, now);
}

void CollectiveTraffic::send_chunks(std::uint32_t index, Time now) {
  const std::uint64_t end = begun_ * chunks_;
  for (;;) {
    Sender& sender = senders_[index];
    if (sender.next == end || sender.next == sender.oldest + window_) return;
    const CollectiveContext::Member& member = context_.members[sender.member];
    const auto [handle, chunk] = pool_->fresh();
    chunk.op = op_;
    chunk.address = chunk.fetch_address = sender.next++;
    chunk.bytes = chunk.fetch_bytes = sender.next == end ? last_bytes_ : static_cast<std::uint32_t>(params_.chunk);
    chunk.stream = context_.stream;
    chunk.group = context_.group;
    chunk.source = member.terminal;
    chunk.destination = member.door;
    chunk.tag = index;
    chunk.created = now;
    chunk.stages.start(Stage::issue, now);
    bytes_created_ += chunk.bytes;
    const int port = member.terminal;
    send(port, Phase::request, handle, now + latency(port));
  }
}

void CollectiveTraffic::receive(const engine::Message& message) {
  if (message.phase == Phase::request) {
    take(message);
  } else if (message.phase == (params_.all_reduces() ? Phase::response : Phase::retire)) {
    finish_chunk(message);
  } else {
    throw std::logic_error(name() + ": neither data nor the end of a chunk");
  }
}

void CollectiveTraffic::take(const engine::Message& message) {
  Transaction& tx = transaction(message.transaction);
  if (tx.op != op_ || tx.group != context_.group || tx.destination != message.port || params_.all_reduces()) {
    throw std::logic_error(fmt::format("{}: {} of group {} for terminal {} came to {}", name(), name_of(tx.op),
                                       tx.group, tx.destination, message.port));
  }
  deliver(message.time);
  tx.destination = tx.source;
  const int port = message.port;
  send(port, Phase::retire, message.transaction, message.time + latency(port));
}

void CollectiveTraffic::finish_chunk(const engine::Message& message) {
  const Time now = message.time;
  Transaction& chunk = pool_->at(message.transaction);
  if (chunk.source != message.port)
    throw std::logic_error(
        fmt::format("{}: the end of a chunk of terminal {} came to {}", name(), chunk.source, message.port));
  const std::uint32_t index = chunk.tag;
  has_ended(index, chunk.address) = 1;
  if (params_.all_reduces()) deliver(now);
  bytes_ended_ += chunk.bytes;
  stream_.record(chunk, now);
  journal().add(chunk, now);
  pool_->release(message.transaction);
  Sender& sender = senders_[index];
  for (; sender.oldest < sender.next && has_ended(index, sender.oldest) != 0; ++sender.oldest)
    has_ended(index, sender.oldest) = 0;
  if (--left_ > 0) return send_chunks(index, now);
  present_.end = now;
  ended_.push_back(present_);
  if (!finished()) due_ = now;
}

Time CollectiveTraffic::mean(Time Operation::*what) const {
  if (ended_.empty()) return 0;
  __int128 sum = 0;
  for (const Operation& operation : ended_) sum += operation.*what - operation.start;
  return static_cast<Time>(sum / static_cast<__int128>(ended_.size()));
}

double CollectiveTraffic::algorithm_bandwidth() const {
  const Time time = mean_time();
  return time == 0 ? 0 : static_cast<double>(params_.bytes) * static_cast<double>(kSecond) / static_cast<double>(time);
}

void CollectiveTraffic::report_waits(std::vector<engine::Wait>& waits) const {
  if (pool_ == nullptr || pool_->live() == 0) return;
  waits.push_back(
      {name(), "the network's units",
       fmt::format("{} {} of {}: {} chunks under way", params_.kind, begun_, params_.operations, pool_->live())});
}

void CollectiveTraffic::statistics(StatVisitor& visitor) const {
  visitor("operations", "count", static_cast<double>(ended_.size()));
  visitor("chunks_created", "count", static_cast<double>(pool_ == nullptr ? 0 : pool_->created()));
  visitor("chunks_ended", "count", static_cast<double>(journal().count()));
  visitor("chunks_delivered", "count", static_cast<double>(delivered_));
  visitor("bytes_created", "B", static_cast<double>(bytes_created_));
  visitor("bytes_ended", "B", static_cast<double>(bytes_ended_));
  visitor("mean_time", "ns", to_ns(mean_time()));
  visitor("mean_delivery_time", "ns", to_ns(mean_delivery_time()));
  visitor("algorithm_bandwidth", "GB/s", algorithm_bandwidth() / 1e9);
}

void CollectiveTraffic::check_idle(std::vector<std::string>& broken) const {
  const auto differ = [&](const char* what, std::uint64_t is, std::uint64_t should) {
    if (is != should) broken.push_back(fmt::format("{}: {}: {} instead of {}", name(), what, is, should));
  };
  const std::uint64_t operations = unsigned_of(params_.operations);
  differ("operations ended", ended_.size(), operations);
  differ("chunks ended", journal().count(), operations * chunks_ * senders_.size());
  differ("chunks delivered", delivered_, operations * chunks_ * receivers());
  differ("bytes ended", bytes_ended_, bytes_created_);
  differ("chunks in the pool", pool_ == nullptr ? 0 : pool_->live(), 0);
}

}  // namespace cowosim::traffic
