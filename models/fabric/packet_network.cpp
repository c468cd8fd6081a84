#include "fabric/packet_network.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace cowosim::fabric {

using engine::Phase;

namespace {
constexpr const char* kDirectionNames[2] = {"requests", "responses"};
constexpr std::uint32_t kInjection = 0;
constexpr std::uint32_t kEjection = 1;
constexpr std::uint32_t kFirstKind = 2;

void require(bool condition, const std::string& what) {
  if (!condition) throw std::invalid_argument("packet network: " + what);
}
}  // namespace

PacketTopology crossbar(const CrossbarParams& params, int partitions, const std::vector<CrossbarTerminal>& terminals) {
  require(partitions >= 1, "at least one partition");
  const auto rate = [&](int bytes_per_cycle) {
    return static_cast<std::int64_t>(params.frequency * static_cast<double>(bytes_per_cycle));
  };
  PacketTopology topology;
  topology.nodes = partitions;
  topology.kinds = {"crossing"};
  for (int from = 0; from < partitions; ++from) {
    for (int to = 0; to < partitions; ++to) {
      if (from != to) {
        topology.links.push_back({from, to, rate(params.crossing_bytes_per_cycle), params.crossing_latency, 0});
      }
    }
  }
  for (const CrossbarTerminal& terminal : terminals) {
    require(terminal.partition >= 0 && terminal.partition < partitions, terminal.name + ": no such partition");
    topology.terminals.push_back({terminal.name, terminal.partition,
                                  rate(terminal.slice ? params.slice_bytes_per_cycle : params.core_bytes_per_cycle),
                                  params.terminal_latency});
  }
  return topology;
}

PacketNetwork::PacketNetwork(const PacketTopology& topology, int header_bytes)
    : topology_(topology),
      header_bytes_(static_cast<std::uint32_t>(header_bytes)),
      kinds_(kFirstKind + topology.kinds.size()) {
  const int nodes = topology.nodes;
  const std::size_t terminals = topology.terminals.size();
  require(nodes >= 1 && terminals >= 1, "at least one node and one terminal");
  require(terminals < std::numeric_limits<std::uint16_t>::max(), "at most 65534 terminals");
  require(header_bytes >= 0, "header_bytes: at least 0");

  const auto add_lane = [&](std::int64_t bandwidth, Time latency, std::uint32_t kind, const std::string& name) {
    require(bandwidth > 0, name + ": a bandwidth above zero");
    require(latency >= 0, name + ": a latency of at least zero");
    Lane lane{};
    // Rounded up, so that a link is never faster than its bandwidth.
    lane.time_per_byte = static_cast<std::uint64_t>(transfer_time(std::int64_t{1} << kFraction, bandwidth));
    lane.latency = latency;
    lane.kind = kind;
    lanes_[kRequests].push_back(lane);
  };
  for (const auto kind : {kInjection, kEjection}) {
    for (const PacketTopology::Terminal& terminal : topology.terminals) {
      require(terminal.node >= 0 && terminal.node < nodes, "terminal " + terminal.name + ": no such node");
      add_lane(terminal.bandwidth, terminal.latency, kind, "terminal " + terminal.name);
      if (kind == kInjection) terminals_.push_back(static_cast<std::uint32_t>(terminal.node));
    }
  }
  for (const PacketTopology::Link& link : topology.links) {
    require(link.from_node >= 0 && link.from_node < nodes && link.to_node >= 0 && link.to_node < nodes,
            "a link: no such node");
    require(link.kind >= 0 && static_cast<std::size_t>(link.kind) < topology.kinds.size(), "a link: no such kind");
    add_lane(link.bandwidth, link.latency, kFirstKind + static_cast<std::uint32_t>(link.kind),
             "link " + std::to_string(link.from_node) + " to " + std::to_string(link.to_node));
  }
  lanes_[kResponses] = lanes_[kRequests];
  blame_.resize(2 * kinds_);

  // Shortest paths in hops, the lowest link index first where several are equally short.
  for (int from = 0; from < nodes; ++from) {
    std::vector<int> reached_by(static_cast<std::size_t>(nodes), -1);
    std::vector<int> frontier{from};
    std::vector<bool> reached(static_cast<std::size_t>(nodes), false);
    reached[static_cast<std::size_t>(from)] = true;
    while (!frontier.empty()) {
      std::vector<int> next;
      for (const int node : frontier) {
        for (std::size_t l = 0; l < topology.links.size(); ++l) {
          const PacketTopology::Link& link = topology.links[l];
          const auto to = static_cast<std::size_t>(link.to_node);
          if (link.from_node != node || reached[to]) continue;
          reached[to] = true;
          reached_by[to] = static_cast<int>(l);
          next.push_back(link.to_node);
        }
      }
      frontier = std::move(next);
    }
    for (int to = 0; to < nodes; ++to) {
      require(reached[static_cast<std::size_t>(to)],
              "no way from node " + std::to_string(from) + " to node " + std::to_string(to));
      std::vector<std::uint32_t> hops;
      for (int node = to; node != from;
           node = topology.links[static_cast<std::size_t>(reached_by[static_cast<std::size_t>(node)])].from_node) {
        hops.push_back(static_cast<std::uint32_t>(2 * terminals) +
                       static_cast<std::uint32_t>(reached_by[static_cast<std::size_t>(node)]));
      }
      routes_.push_back({static_cast<std::uint32_t>(hop_table_.size()), static_cast<std::uint32_t>(hops.size())});
      hop_table_.insert(hop_table_.end(), hops.rbegin(), hops.rend());
    }
  }

  output_pipeline_ = kNever;
  for (std::size_t source = 0; source < terminals; ++source) {
    for (std::size_t destination = 0; destination < terminals; ++destination) {
      if (source == destination && terminals > 1) continue;
      output_pipeline_ =
          std::min(output_pipeline_, unloaded_latency(static_cast<int>(source), static_cast<int>(destination), 0));
    }
  }
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
  std::uint64_t bytes = header_bytes_;
  Direction direction = kResponses;
  if (message.phase == Phase::request) {
    direction = kRequests;
    tx.stages.enter(Stage::noc, now);
    if (tx.op == Op::write) bytes += tx.fetch_bytes;
  } else {
    tx.stages.enter(Stage::return_path, now);
    if (tx.op == Op::read) bytes += tx.fetch_bytes;
  }

  const std::uint32_t source = message.port;
  const std::uint32_t destination = tx.destination;
  const std::uint32_t terminals = static_cast<std::uint32_t>(terminals_.size());
  if (destination >= terminals) throw std::logic_error(name() + ": a packet for a terminal that does not exist");
  Lane* const lanes = lanes_[direction].data();
  telemetry::Blame* const blame = &blame_[direction * kinds_];
  Time slowest = 0;
  Time ready = pass(lanes[source], now, now, bytes, stream, blame, slowest);
  const Route route =
      routes_[terminals_[source] * static_cast<std::uint32_t>(topology_.nodes) + terminals_[destination]];
  for (std::uint32_t i = 0; i < route.count; ++i) {
    ready = pass(lanes[hop_table_[route.first + i]], now, ready, bytes, stream, blame, slowest);
  }
  ready = pass(lanes[terminals + destination], now, ready, bytes, stream, blame, slowest);
  ++packets_;
  hops_ += route.count + 2;

  const Time arrival = ready + slowest;
  journal().add(tx, arrival);
  const int port = static_cast<int>(destination);
  send(port, message.phase, handle, arrival + latency(port), message.count);
}

Time PacketNetwork::unloaded_latency(int source, int destination, std::uint32_t data_bytes) const {
  const std::vector<Lane>& lanes = lanes_[kRequests];
  const auto terminals = static_cast<std::uint32_t>(terminals_.size());
  const auto from = static_cast<std::uint32_t>(source);
  const auto to = static_cast<std::uint32_t>(destination);
  Time sum = 0;
  Time slowest = 0;
  const auto hop = [&](const Lane& lane) {
    sum += lane.latency;
    slowest = std::max(slowest, duration(lane, header_bytes_ + data_bytes));
  };
  hop(lanes[from]);
  const Route route = routes_[terminals_[from] * static_cast<std::uint32_t>(topology_.nodes) + terminals_[to]];
  for (std::uint32_t i = 0; i < route.count; ++i) hop(lanes[hop_table_[route.first + i]]);
  hop(lanes[terminals + to]);
  return sum + slowest;
}

std::vector<PacketNetwork::LinkCounters> PacketNetwork::links() const {
  const std::size_t terminals = terminals_.size();
  std::vector<LinkCounters> all;
  for (const Direction direction : {kRequests, kResponses}) {
    for (std::size_t i = 0; i < lanes_[direction].size(); ++i) {
      const Lane& lane = lanes_[direction][i];
      LinkCounters link;
      link.name = std::string(kDirectionNames[direction]) + ".";
      if (i < 2 * terminals) {
        const PacketTopology::Terminal& terminal = topology_.terminals[i % terminals];
        link.name += terminal.name + (i < terminals ? ".in" : ".out");
        link.kind = i < terminals ? "injection" : "ejection";
        link.bandwidth = terminal.bandwidth;
      } else {
        const PacketTopology::Link& own = topology_.links[i - 2 * terminals];
        link.kind = topology_.kinds[static_cast<std::size_t>(own.kind)];
        link.name += link.kind + "_" + std::to_string(own.from_node) + "_" + std::to_string(own.to_node);
        link.bandwidth = own.bandwidth;
      }
      link.direction = direction;
      link.packets = lane.packets;
      link.bytes = lane.bytes;
      link.busy = duration(lane, lane.bytes);
      link.wait = lane.wait;
      link.peak_wait = lane.peak_wait;
      all.push_back(std::move(link));
    }
  }
  return all;
}

std::string PacketNetwork::blame_class_name(std::size_t index) const {
  const std::size_t kind = index % kinds_;
  return std::string(kDirectionNames[index / kinds_]) + "." +
         (kind == kInjection  ? "injection"
          : kind == kEjection ? "ejection"
                              : topology_.kinds[kind - kFirstKind]);
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
