#include "traffic/crossing.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace cowosim::traffic {

using engine::Phase;

namespace {
/// The lowest set bit at or above `from`, else the lowest one; `bits` is not 0.
std::uint32_t next_bit(std::uint32_t bits, std::uint32_t from) {
  const std::uint32_t above = bits >> from << from;
  return static_cast<std::uint32_t>(__builtin_ctz(above != 0 ? above : bits));
}
}  // namespace

Crossing::Crossing(int sources, const MemoryMap& map, int door_entries) : map_(map), door_entries_(door_entries) {
  if (sources < 1 || sources > kMaxSources) {
    throw std::invalid_argument("a crossing joins 1 to " + std::to_string(kMaxSources) + " sources");
  }
  if (door_entries < 1) throw std::invalid_argument("a crossing needs doors with at least one entry");
  sources_.resize(static_cast<std::size_t>(sources));
  channels_.resize(map.channels());
  for (Downstream& channel : channels_) {
    channel.credits = door_entries;
    channel.held.resize(static_cast<std::size_t>(door_entries));
  }
}

void Crossing::receive(const engine::Message& message) {
  const std::size_t sources = sources_.size();
  if (message.port < sources) {
    if (message.phase != Phase::request) throw std::logic_error(name() + ": sources send requests only");
    request(message.port, message.transaction, message.time);
  } else if (message.phase == Phase::credit) {
    credit(channels_[message.port - sources], message.count, message.time);
    if (channels_[message.port - sources].waiting != 0) {
      list(static_cast<std::uint32_t>(message.port - sources), message.time);
    }
  } else {
    const Transaction& answered = transaction(message.transaction);
    if (message.phase == Phase::retire || answered.op == Op::read) ++finished_;
    const int source = answered.source;
    send(source, message.phase, message.transaction, message.time + latency(source));
  }
}

void Crossing::request(std::uint16_t source, Handle handle, Time t) {
  Upstream& from = sources_[source];
  if (from.count == kEntries) throw std::logic_error(name() + ": a source sent more requests than it has credits");
  Transaction& tx = transaction(handle);
  tx.source = source;
  std::uint32_t place = from.first + from.count++;
  if (place >= kEntries) place -= kEntries;
  from.queue[place] = {handle, map_.channel_of(tx.fetch_address)};
  ++requests_;
  if (from.count == 1) offer(source, t);
}

void Crossing::credit(Downstream& channel, unsigned count, Time t) {
  if (channel.held_count < count) throw std::logic_error(name() + ": more credits than a door has entries");
  // The entry that comes free first is what those that wait have waited for.
  if (channel.waiting != 0 && t > channel.blocked_since) {
    channel.holders.append(channel.blocked_since, t, channel.held[channel.held_first]);
    channel.blocked_since = t;
  }
  channel.held_first = (channel.held_first + count) % static_cast<std::uint32_t>(door_entries_);
  channel.held_count -= count;
  channel.credits += static_cast<int>(count);
}

void Crossing::offer(std::uint32_t source, Time t) {
  Upstream& from = sources_[source];
  from.first_since = t;
  const std::uint32_t index = from.queue[from.first].channel;
  Downstream& channel = channels_[index];
  if (channel.waiting == 0) {
    channel.blocked_since = t;
    channel.holders.forget(t);
  }
  channel.waiting |= 1u << source;
  if (channel.credits != 0) list(index, t);
}

void Crossing::list(std::uint32_t channel, Time t) {
  due_ = t;
  if (channels_[channel].listed) return;
  channels_[channel].listed = true;
  served_.push_back(channel);
}

void Crossing::advance(Time until) {
  if (due_ >= until) return;
  const Time t = due_;
  for (std::size_t i = 0; i < served_.size(); ++i) serve(served_[i], t);
  served_.clear();
  give_back(t);
  due_ = kNever;
}

void Crossing::serve(std::uint32_t index, Time t) {
  Downstream& channel = channels_[index];
  channel.listed = false;
  const std::uint32_t source = next_bit(channel.waiting, channel.turn);
  Upstream& from = sources_[source];
  const Handle handle = from.queue[from.first].handle;
  const Transaction& tx = transaction(handle);
  channel.waiting &= ~(1u << source);
  channel.turn = (source + 1) % static_cast<std::uint32_t>(sources_.size());
  if (t > from.first_since) charge(channel, from, tx.stream, t);

  --channel.credits;
  std::uint32_t place = channel.held_first + channel.held_count++;
  if (place >= channel.held.size()) place -= static_cast<std::uint32_t>(channel.held.size());
  channel.held[place] = tx.stream;
  ++forwarded_;
  journal().add(tx, t);
  const int port = port_of_channel(index);
  send(port, Phase::request, handle, t + latency(port));

  from.first = from.first + 1 == kEntries ? 0 : from.first + 1;
  --from.count;
  ++from.owed;
  if (from.count != 0) offer(source, t);
  if (channel.waiting != 0 && channel.credits != 0) list(index, t);
}

void Crossing::charge(Downstream& channel, const Upstream& source, StreamId victim, Time t) {
  channel.holders.charge(source.first_since, t, victim, blame_);
  credit_wait_ += t - source.first_since;
  Time horizon = t;
  for (std::uint32_t left = channel.waiting; left != 0; left &= left - 1)
    horizon = std::min(horizon, sources_[static_cast<std::size_t>(__builtin_ctz(left))].first_since);
  channel.holders.forget(horizon);
}

void Crossing::give_back(Time t) {
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    Upstream& source = sources_[s];
    if (source.owed == 0 || (source.owed < kCreditBatch && source.count != 0)) continue;
    const int port = static_cast<int>(s);
    send(port, Phase::credit, kNoHandle, t + latency(port), source.owed);
    source.owed = 0;
  }
}

void Crossing::report_waits(std::vector<engine::Wait>& waits) const {
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    const Upstream& source = sources_[s];
    if (source.count == 0) continue;
    waits.push_back({name() + " (source " + std::to_string(s) + ")",
                     "channel " + std::to_string(source.queue[source.first].channel),
                     std::to_string(source.count) + " requests, and no credit of that channel's door"});
  }
}

void Crossing::statistics(StatVisitor& visitor) const {
  visitor("requests", "count", static_cast<double>(requests_));
  visitor("forwarded", "count", static_cast<double>(forwarded_));
  visitor("finished", "count", static_cast<double>(finished_));
  visitor("credit_wait", "ns", to_ns(credit_wait_));
}

void Crossing::check_idle(std::vector<std::string>& broken) const {
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    if (sources_[s].count != 0 || sources_[s].owed != 0) {
      broken.push_back("source " + std::to_string(s) + ": " + std::to_string(sources_[s].count) + " requests and " +
                       std::to_string(sources_[s].owed) + " credits left");
    }
  }
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    if (channels_[c].credits != door_entries_) {
      broken.push_back("channel " + std::to_string(c) + ": " + std::to_string(channels_[c].credits) + " credits of " +
                       std::to_string(door_entries_));
    }
  }
  if (finished_ != requests_) {
    broken.push_back(std::to_string(finished_) + " requests finished instead of " + std::to_string(requests_));
  }
}

}  // namespace cowosim::traffic
