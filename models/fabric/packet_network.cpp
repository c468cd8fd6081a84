#include "fabric/packet_network.h"

#include <limits>
#include <stdexcept>

namespace cowosim::fabric {

using engine::Phase;

PacketNetwork::PacketNetwork(const Topology& topology, const PacketFormat& format, const RouterParams* router)
    : topology_(topology), format_(format), kinds_(kFirstKind + topology.kinds.size()), blame_(2 * kinds_) {
  if (const std::vector<ParameterProblem> wrong = problems(topology); !wrong.empty())
    throw std::invalid_argument("packet network: " + wrong.front().parameter + ": " + wrong.front().message);
  if (format.header_bytes < 0) throw std::invalid_argument("packet network: header_bytes: at least 0");
  if (format.flit_bytes < 1) throw std::invalid_argument("packet network: flit_bytes: at least 1");
  header_bytes_ = static_cast<std::uint32_t>(format.header_bytes);
  if (router != nullptr) flit_bytes_ = static_cast<std::uint32_t>(format.flit_bytes);

  const auto domain_of = [&](int r) { return topology.routers[static_cast<std::size_t>(r)].domain; };
  // What a head takes through router `r` to its next link.
  const auto pipeline = [&](int r) {
    if (router == nullptr) return Time{0};
    return router->pipeline_cycles() * topology.domains[static_cast<std::size_t>(domain_of(r))].period;
  };
  const auto crossing = [&](int from, int to) {
    if (router == nullptr || domain_of(from) == domain_of(to)) return Time{0};
    return router->crossing_cycles * topology.domains[static_cast<std::size_t>(domain_of(to))].period;
  };
  const auto add_lane = [&](const Channel& channel, Time after, int kind, int leads_to) {
    Lane lane{};
    // Rounded up, so that a link is never faster than its bandwidth.
    lane.time_per_byte = static_cast<std::uint64_t>(transfer_time(std::int64_t{1} << kFraction, channel.bandwidth));
    lane.latency = channel.latency + after;
    lane.kind = static_cast<std::uint32_t>(kind);
    lane.router = static_cast<std::uint32_t>(leads_to);
    lanes_[kRequests].push_back(lane);
  };
  for (const Topology::Terminal& terminal : topology.terminals) {
    terminals_.push_back(static_cast<std::uint32_t>(terminal.router));
    add_lane(terminal.in, pipeline(terminal.router), kInjection, terminal.router);
  }
  for (const Topology::Terminal& terminal : topology.terminals) add_lane(terminal.out, 0, kEjection, terminal.router);
  for (const Topology::Link& link : topology.links)
    add_lane(link.channel, crossing(link.from, link.to) + pipeline(link.to), kFirstKind + link.kind, link.to);
  lanes_[kResponses] = lanes_[kRequests];

  find_routes();
  output_pipeline_ = least_latency();
}

void PacketNetwork::find_routes() {
  const Ports ports(topology_);
  const std::size_t routers = topology_.routers.size();
  const auto first_link = static_cast<std::uint32_t>(2 * terminals_.size());
  constexpr int kFar = std::numeric_limits<int>::max();
  next_.resize(routers * routers);
  std::vector<int> distance(routers);
  std::vector<int> order;
  for (std::size_t to = 0; to < routers; ++to) {
    distance.assign(routers, kFar);
    distance[to] = 0;
    order.assign(1, static_cast<int>(to));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int at = order[i];
      for (int p = 0; p < ports.count(at); ++p) {
        const Ports::Port& port = ports.at(at, p);
        if (port.neighbour == Ports::kNone) break;  // terminals come last
        int& neighbours = distance[static_cast<std::size_t>(port.neighbour)];
        if (neighbours != kFar) continue;
        neighbours = distance[static_cast<std::size_t>(at)] + 1;
        order.push_back(port.neighbour);
      }
    }
    for (std::size_t i = 1; i < order.size(); ++i) {
      const int at = order[i];
      int p = 0;
      while (distance[static_cast<std::size_t>(ports.at(at, p).neighbour)] !=
             distance[static_cast<std::size_t>(at)] - 1)
        ++p;
      next_[to * routers + static_cast<std::size_t>(at)] =
          first_link + static_cast<std::uint32_t>(ports.at(at, p).link_out);
    }
  }
}

/// Of all pairs of terminals, those of one terminal with itself included.
Time PacketNetwork::least_latency() const {
  const std::vector<Lane>& lanes = lanes_[kRequests];
  const std::size_t terminals = terminals_.size();
  Time least = kNever;
  Time link = kNever, in = kNever, out = kNever, slowest = kNever;  // the least of each
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    Time& of_kind = i < terminals ? in : i < 2 * terminals ? out : link;
    of_kind = std::min(of_kind, lanes[i].latency);
    if (i >= terminals) continue;
    slowest = std::min(slowest, duration(lanes[i], bytes_of(0)));
    least = std::min(least, unloaded_latency(static_cast<int>(i), static_cast<int>(i), 0));
  }
  if (least <= in + out + slowest) return least;  // as a rule: then no other pair has to be looked at
  for (std::size_t source = 0; source < terminals; ++source) {
    for (std::size_t destination = 0; destination < terminals; ++destination) {
      const Time passed = terminals_[source] == terminals_[destination] ? 0 : link;
      if (lanes[source].latency + passed + lanes[terminals + destination].latency + slowest >= least) continue;
      least = std::min(least, unloaded_latency(static_cast<int>(source), static_cast<int>(destination), 0));
    }
  }
  return least;
}

inline Time PacketNetwork::pass(Lane& lane, Time now, Time ready, std::uint64_t bytes, StreamId stream,
                                telemetry::Blame* blame, Time& slowest) {
  const Time length = duration(lane, bytes);
  Time start = ready;
  if (length > 0) {
    lane.reservations.forget(now);
    start = lane.reservations.reserve(ready, length, stream, stream, blame[lane.kind]);
    slowest = std::max(slowest, length);
  }
  ++lane.packets;
  lane.bytes += bytes;
  if (start != ready) {
    const Time wait = start - ready;
    lane.wait += wait;
    lane.peak_wait = std::max(lane.peak_wait, wait);
  }
  return start + lane.latency;
}

void PacketNetwork::receive(const engine::Message& message) {
  const Handle handle = message.transaction;
  Transaction& tx = transaction(handle);
  const Time now = message.time;
  const StreamId stream = tx.stream;
  const Direction direction = message.phase == Phase::request ? kRequests : kResponses;
  tx.stages.enter(direction == kRequests ? format_.requests : format_.responses, now);
  const std::uint64_t bytes = bytes_of(carries_data(tx.op, direction == kRequests) ? tx.fetch_bytes : 0);

  const std::uint32_t source = message.port;
  const std::uint32_t destination = tx.destination;
  const std::uint32_t terminals = static_cast<std::uint32_t>(terminals_.size());
  if (destination >= terminals) throw std::logic_error(name() + ": a packet for a terminal that does not exist");
  Lane* const lanes = lanes_[direction].data();
  telemetry::Blame* const blame = &blame_[direction * kinds_];
  Time slowest = 0;
  Time ready = pass(lanes[source], now, now, bytes, stream, blame, slowest);
  const std::uint32_t end = terminals_[destination];
  const std::uint32_t* const next = &next_[end * topology_.routers.size()];
  std::uint32_t passed = 1;  // routers
  for (std::uint32_t at = terminals_[source]; at != end; ++passed) {
    Lane& lane = lanes[next[at]];
    ready = pass(lane, now, ready, bytes, stream, blame, slowest);
    at = lane.router;
  }
  ready = pass(lanes[terminals + destination], now, ready, bytes, stream, blame, slowest);
  ++packets_;
  hops_ += passed;

  const Time arrival = ready + slowest;
  journal().add(tx, arrival);
  const int port = static_cast<int>(destination);
  send(port, message.phase, handle, arrival + latency(port), message.count);
}

Time PacketNetwork::unloaded_latency(int source, int destination, std::uint32_t data_bytes) const {
  const std::vector<Lane>& lanes = lanes_[kRequests];
  const std::uint64_t bytes = bytes_of(data_bytes);
  Time sum = 0;
  Time slowest = 0;
  const auto pass = [&](const Lane& lane) {
    sum += lane.latency;
    slowest = std::max(slowest, duration(lane, bytes));
  };
  const auto from = static_cast<std::size_t>(source);
  const auto to = static_cast<std::size_t>(destination);
  pass(lanes[from]);
  for (std::uint32_t at = terminals_[from]; at != terminals_[to];) {
    const Lane& lane = lanes[next_[terminals_[to] * topology_.routers.size() + at]];
    pass(lane);
    at = lane.router;
  }
  pass(lanes[terminals_.size() + to]);
  return sum + slowest;
}

std::vector<Network::LinkCounters> PacketNetwork::links() const {
  const std::size_t terminals = terminals_.size();
  std::vector<LinkCounters> all;
  for (const Direction direction : {kRequests, kResponses}) {
    for (std::size_t i = 0; i < lanes_[direction].size(); ++i) {
      const Lane& lane = lanes_[direction][i];
      LinkCounters link;
      link.name = std::string(kDirectionNames[direction]) + ".";
      const Channel* channel = nullptr;
      if (i < 2 * terminals) {
        const Topology::Terminal& terminal = topology_.terminals[i % terminals];
        const bool in = i < terminals;
        link.name += terminal.name + (in ? ".in" : ".out");
        channel = in ? &terminal.in : &terminal.out;
      } else {
        const Topology::Link& own = topology_.links[i - 2 * terminals];
        link.name += own.name;
        channel = &own.channel;
      }
      link.kind = kind_name(lane.kind);
      link.bandwidth = channel->bandwidth;
      link.packets = lane.packets;
      link.bytes = lane.bytes;
      link.busy = duration(lane, lane.bytes);
      link.wait = lane.wait;
      link.peak_wait = lane.peak_wait;
      link.energy = 8.0 * static_cast<double>(lane.bytes) * channel->energy_per_bit;
      all.push_back(std::move(link));
    }
  }
  return all;
}

std::string PacketNetwork::kind_name(std::size_t kind) const {
  return kind == kInjection ? "injection" : kind == kEjection ? "ejection" : topology_.kinds[kind - kFirstKind];
}

std::string PacketNetwork::blame_class_name(std::size_t index) const {
  return std::string(kDirectionNames[index / kinds_]) + "." + kind_name(index % kinds_);
}

void PacketNetwork::statistics(StatVisitor& visit) const {
  visit("packets", "count", static_cast<double>(packets_));
  visit("hops", "count", static_cast<double>(hops_));
  struct Sum {
    std::uint64_t bytes = 0;
    Time busy = 0, wait = 0, peak_wait = 0;
  };
  std::vector<Sum> sums(2 * kinds_);
  for (const Direction direction : {kRequests, kResponses}) {
    for (const Lane& lane : lanes_[direction]) {
      Sum& sum = sums[direction * kinds_ + lane.kind];
      sum.bytes += lane.bytes;
      sum.busy += duration(lane, lane.bytes);
      sum.wait += lane.wait;
      sum.peak_wait = std::max(sum.peak_wait, lane.peak_wait);
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::string prefix = blame_class_name(i);
    std::replace(prefix.begin(), prefix.end(), '.', '_');
    visit((prefix + "_bytes").c_str(), "B", static_cast<double>(sums[i].bytes));
    visit((prefix + "_busy").c_str(), "ns", to_ns(sums[i].busy));
    visit((prefix + "_wait").c_str(), "ns", to_ns(sums[i].wait));
    visit((prefix + "_peak_wait").c_str(), "ns", to_ns(sums[i].peak_wait));
  }
}

}  // namespace cowosim::fabric
