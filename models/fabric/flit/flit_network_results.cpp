// What a flit network says of itself: closed forms, counters, who waits for whom, whether all is back in its place.
#include <algorithm>
#include <utility>

#include "fabric/flit/bits.h"
#include "fabric/flit/flit_network.h"

namespace cowosim::fabric {

Time FlitNetwork::output_pipeline(int port) const {
  const int router = topology_.terminals[static_cast<std::size_t>(port)].router;
  const Sender& out = senders_[static_cast<std::size_t>(port_map_.first(router) + port_map_.of_terminal(port))];
  return out.pipeline * domains_[out.domain].period + out.latency;
}

/// One packet alone: every flit at every hop, without credits (buffers that cover the round trip never run out of them).
Time FlitNetwork::unloaded_latency(int source, int destination, std::uint32_t data_bytes) const {
  const auto bytes = static_cast<std::uint32_t>(format_.header_bytes) + data_bytes;
  const auto flit_bytes = static_cast<std::uint32_t>(format_.flit_bytes);
  std::vector<Cycle> at(std::max(1u, (bytes + flit_bytes - 1) / flit_bytes));  // of each flit, where the packet is
  for (std::size_t i = 0; i < at.size(); ++i) at[i] = static_cast<Cycle>(i);
  Heading heading;
  heading.destination = static_cast<std::uint16_t>(destination);
  heading.flow = mix(static_cast<std::uint64_t>(source), static_cast<std::uint64_t>(destination) * 2);

  const auto cross = [&](const Sender& sender) {
    const Time period = domains_[sender.domain].period;
    const Clock receiver{domains_[sender.to_domain].period};
    Time free_at = 0;
    for (Cycle& cycle : at) {
      const Time sent = std::max(cycle * period, free_at) + sender.flit_time;
      free_at = sent;
      cycle = receiver.index_at(sent + (sender.pipeline - 1) * period + sender.latency) +
              (sender.to_domain != sender.domain ? params_.crossing_cycles : 0);
    }
  };
  const auto from = static_cast<std::size_t>(source);
  const Sender* sender = &senders_[terminals_[from].sender];
  cross(*sender);
  int router = topology_.terminals[from].router;
  int in_port = port_map_.of_terminal(source);
  int in_vc = Routes::kFromTerminal;
  for (;;) {
    Hop hops[Routes::kMaxChoices];
    routes_.next(router, in_port, in_vc, heading, hops);
    const Ports::Port& out = port_map_.at(router, hops[0].port);
    sender = &senders_[static_cast<std::size_t>(port_map_.first(router) + hops[0].port)];
    at[0] += params_.routing_cycles + params_.vc_allocation_cycles;
    for (std::size_t i = 1; i < at.size(); ++i) at[i] = std::max(at[i], at[i - 1] + 1);
    cross(*sender);
    if (sender->to_terminal) return at.back() * domains_[sender->to_domain].period;
    in_vc = __builtin_ctz(hops[0].vcs);
    in_port = port_map_.of_link_in(out.link_out);
    router = out.neighbour;
  }
}

std::vector<Network::LinkCounters> FlitNetwork::links() const {
  std::vector<LinkCounters> all;
  const auto add = [&](const Sender& sender, const std::string& link_name, const std::string& kind,
                       const Channel& channel) {
    const Time period = domains_[sender.domain].period;
    LinkCounters& link = all.emplace_back();
    link.name = link_name;
    link.kind = kind;
    // A router passes a flit a cycle, on either side, whatever the link could carry.
    const Time slower = std::max(period, domains_[sender.to_domain].period);
    const auto whole_flits = static_cast<std::int64_t>(static_cast<__int128>(format_.flit_bytes) * kSecond / slower);
    link.bandwidth = sender.flit_time <= slower ? std::min(channel.bandwidth, whole_flits) : channel.bandwidth;
    link.packets = sender.packets;
    link.flits = sender.flits;
    link.bytes = sender.flits * static_cast<std::uint64_t>(format_.flit_bytes);
    link.busy = sender.timed ? sender.busy : static_cast<Time>(sender.flits) * sender.flit_time;
    for (std::size_t s = 0; s < kStalls; ++s) {
      link.stalls[s] = sender.stalls[s] * period;
      link.wait += link.stalls[s];
    }
    link.replays = sender.replays;
    link.energy =
        8.0 * static_cast<double>((sender.flits + sender.replays) * static_cast<std::uint64_t>(format_.flit_bytes)) *
        channel.energy_per_bit;
    link.degraded_at = channel.degraded_at;
    if (link.degraded_at != kNever) link.degraded_bandwidth = std::min(channel.degraded_bandwidth, link.bandwidth);
  };
  for (std::size_t l = 0; l < topology_.links.size(); ++l) {
    const Topology::Link& link = topology_.links[l];
    add(senders_[static_cast<std::size_t>(port_map_.first(link.from) + port_map_.of_link_out(static_cast<int>(l)))],
        link.name, topology_.kinds[static_cast<std::size_t>(link.kind)], link.channel);
  }
  for (std::size_t t = 0; t < terminals_.size(); ++t) {
    const Topology::Terminal& terminal = topology_.terminals[t];
    add(senders_[terminals_[t].sender], terminal.name + ".in", "injection", terminal.in);
    add(senders_[static_cast<std::size_t>(port_map_.first(terminal.router) +
                                          port_map_.of_terminal(static_cast<int>(t)))],
        terminal.name + ".out", "ejection", terminal.out);
  }
  return all;
}

std::vector<Network::RouterCounters> FlitNetwork::routers() const {
  std::vector<RouterCounters> all;
  for (std::size_t r = 0; r < routers_.size(); ++r) {
    const Router& router = routers_[r];
    const Domain& domain = domains_[router.domain];
    RouterCounters& counters = all.emplace_back();
    counters.name = topology_.routers[r].name;
    counters.flits = router.flits;
    counters.buffer_slots = router.ports * (2 * network_vcs_ * static_cast<std::uint64_t>(params_.buffer_flits) +
                                            static_cast<std::uint64_t>(params_.shared_buffer_flits));
    counters.occupancy_cycles =
        static_cast<double>(router.occupied + static_cast<Cycle>(router.occupancy) * domain.cycle);
    counters.peak_occupancy = router.peak_occupancy;
    counters.period = domain.period;
  }
  return all;
}

void FlitNetwork::statistics(StatVisitor& visit) const {
  visit("packets", "count", static_cast<double>(packets_));
  visit("flits", "count", static_cast<double>(flits_));
  visit("hops", "count", static_cast<double>(hops_));
  const auto put = [&](const std::string& stat, const char* unit, double value) { visit(stat.c_str(), unit, value); };
  // What nothing has used has nothing to say: a large idle network writes nothing.
  for (const LinkCounters& link : links()) {
    if (link.flits == 0 && link.wait == 0 && !visit.complete()) continue;
    const std::string prefix = "link." + link.name + ".";
    put(prefix + "flits", "count", static_cast<double>(link.flits));
    put(prefix + "bytes", "B", static_cast<double>(link.bytes));
    put(prefix + "busy", "ns", to_ns(link.busy));
    for (std::size_t s = 0; s < kStalls; ++s)
      put(prefix + "stall_" + telemetry::name_of(static_cast<Stall>(s)), "ns", to_ns(link.stalls[s]));
    if (link.replays > 0 || visit.complete()) put(prefix + "replays", "count", static_cast<double>(link.replays));
  }
  for (const RouterCounters& router : routers()) {
    if (router.flits == 0 && router.peak_occupancy == 0 && !visit.complete()) continue;
    const std::string prefix = "router." + router.name + ".";
    put(prefix + "flits", "count", static_cast<double>(router.flits));
    put(prefix + "buffered", "ns", router.occupancy_cycles * to_ns(router.period));
  }
}

void FlitNetwork::report_waits(std::vector<engine::Wait>& waits) const {
  const auto vc_name = [&](std::uint32_t number) {
    const std::uint32_t index = router_of_vc_[number];
    const InputVc& vc = input_vcs_[number];
    const Ports::Port& port = port_map_.at(static_cast<int>(index), vc.port);
    const std::string from = port.terminal != Ports::kNone
                                 ? topology_.terminals[static_cast<std::size_t>(port.terminal)].name
                                 : topology_.routers[static_cast<std::size_t>(port.neighbour)].name;
    return name() + " " + topology_.routers[index].name + " from " + from + " vc " + std::to_string(vc.vc);
  };
  const auto next_name = [&](const Sender& sender, std::uint32_t vc) {
    return sender.to_terminal ? topology_.terminals[sender.to].name : vc_name(sender.to + vc);
  };
  for (std::uint32_t i = 0; i < input_vcs_.size(); ++i) {
    const InputVc& vc = input_vcs_[i];
    if (vc.count == 0) continue;
    const Router& router = routers_[router_of_vc_[i]];
    const Sender& sender = senders_[router.first_port + vc.out_port];
    if (vc.state == VcState::active) {
      waits.push_back({vc_name(i), next_name(sender, vc.out & vc_mask_), "no credit for its buffer"});
      continue;
    }
    for_each_bit(vc.allowed, 0, [&](std::uint32_t v) {
      const std::uint32_t holder = output_vcs_[sender.first_vc + v].holder;
      if (holder != kNone) {
        waits.push_back({vc_name(i), vc_name(holder), "holds the VC towards " + next_name(sender, v)});
      } else {
        waits.push_back({vc_name(i), next_name(sender, v), "no room for the whole packet in its buffer"});
      }
    });
  }
  for (std::size_t t = 0; t < terminals_.size(); ++t) {
    if (terminals_[t].queued == 0) continue;
    const Sender& sender = senders_[terminals_[t].sender];
    waits.push_back({name() + " " + topology_.terminals[t].name, next_name(sender, 0),
                     std::to_string(terminals_[t].queued) + " packets in front of the network"});
  }
}

void FlitNetwork::check_idle(std::vector<std::string>& violations) const {
  const auto broken = [&](std::string what) { violations.push_back(name() + ": " + std::move(what)); };
  const std::size_t left = under_way_.size() - free_packets_.size();
  if (left > 0) broken(std::to_string(left) + " packets have not arrived");
  std::uint64_t in_buffers = 0;
  for (const Router& router : routers_) in_buffers += router.occupancy;
  if (in_buffers > 0) broken(std::to_string(in_buffers) + " flits are still in buffers");
  std::uint64_t injected = 0, ejected = 0;
  std::size_t missing = 0, held = 0;
  for (std::size_t s = 0; s < senders_.size(); ++s) {
    const Sender& sender = senders_[s];
    if (s >= first_terminal_) injected += sender.flits;
    if (sender.to_terminal) ejected += sender.flits;
    missing += static_cast<std::size_t>(params_.shared_buffer_flits) - sender.shared_free;
    for (std::uint32_t v = 0; v <= vc_mask_; ++v) {
      const OutputVc& vc = output_vcs_[sender.first_vc + v];
      missing += static_cast<std::size_t>(params_.buffer_flits) - vc.credits;
      held += vc.holder != kNone ? 1 : 0;
    }
  }
  if (injected != ejected)
    broken(std::to_string(injected) + " flits went in, " + std::to_string(ejected) + " came out");
  if (flits_ != ejected)
    broken(std::to_string(flits_) + " flits were delivered, " + std::to_string(ejected) + " came out");
  if (held > 0) broken(std::to_string(held) + " VCs are still held");
  // Credits of the last flits may still be on their way.
  std::size_t returning = 0;
  for (const Domain& domain : domains_) returning += domain.credits.size();
  if (missing != returning)
    broken(std::to_string(missing) + " credits are missing, " + std::to_string(returning) + " on their way");
}

}  // namespace cowosim::fabric
