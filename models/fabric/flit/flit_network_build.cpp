// A flit network from its description: numbering, paths, buffers.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "fabric/die_to_die/die_to_die.h"
#include "fabric/flit/flit_network.h"

namespace cowosim::fabric {

namespace {

std::uint32_t power_of_two(std::uint32_t at_least) {
  std::uint32_t p = 1;
  while (p < at_least) p *= 2;
  return p;
}

// What numbers in the state have room for.
constexpr int kMostSlots = 0xFFFF;
constexpr int kMostVcs = 0x10000;  // of a router
constexpr std::size_t kMostDomains = 256;
constexpr std::uint64_t kMostFlits = std::uint64_t{1} << 30;  // 4 GiB
constexpr double kMostCorrupted = 0.999;                      // of flits: a link on which more are sends for ever

void require(bool condition, const std::string& what) {
  if (!condition) throw std::invalid_argument("flit network: " + what);
}

}  // namespace

FlitNetwork::FlitNetwork(const Topology& topology, Routes routes, const RouterParams& router,
                         const PacketFormat& format, const Qos& qos)
    : topology_(topology),
      port_map_(topology),
      routes_(std::move(routes)),
      params_(router),
      format_(format),
      qos_(qos),
      qos_on_(!qos.streams.empty() || qos.age_limit > 0),
      cut_through_(router.switching == "virtual_cut_through"),
      adaptive_(routes_.adaptive()),
      network_vcs_(static_cast<std::uint32_t>(router.virtual_channels)),
      vc_allocators_(Allocators::kind_of(router.vc_allocator), router.iterations),
      switch_allocators_(Allocators::kind_of(router.switch_allocator), router.iterations) {
  for (const ParameterProblem& problem : problems(topology)) require(false, problem.parameter + ": " + problem.message);
  require(router.virtual_channels >= 1 && router.virtual_channels <= 16, "1 to 16 virtual channels");
  require(router.buffer_flits >= 1 && router.shared_buffer_flits >= 0 &&
              router.buffer_flits + router.shared_buffer_flits <= kMostSlots,
          "buffers of 1 to " + std::to_string(kMostSlots) + " flits, shared slots included");
  const auto ports = static_cast<std::uint64_t>(port_map_.total()) + topology.terminals.size();
  require(ports * power_of_two(2 * network_vcs_) <= std::uint64_t{1} << kStreamShift,
          "at most " + std::to_string(1u << kStreamShift) + " virtual channels");
  require(ports * power_of_two(2 * network_vcs_) *
                  power_of_two(static_cast<std::uint32_t>(router.buffer_flits + router.shared_buffer_flits)) <=
              kMostFlits,
          "buffers of all virtual channels hold at most " + std::to_string(kMostFlits) + " flits");
  require(topology.domains.size() <= kMostDomains, "at most " + std::to_string(kMostDomains) + " clocks");
  require(format.flit_bytes > 0 && format.header_bytes >= 0, "flit_bytes above 0, header_bytes of at least 0");
  const std::uint32_t vcs = power_of_two(2 * network_vcs_);
  vc_mask_ = vcs - 1;
  while ((1u << vc_shift_) < vcs) ++vc_shift_;
  vcs_of_port_ = (std::uint64_t{1} << vcs) - 1;
  whole_vcs_ = routes_.needs_whole_packet() | routes_.needs_whole_packet() << network_vcs_;
  whole_packets_ = cut_through_ || whole_vcs_ != 0;
  ring_size_ = power_of_two(static_cast<std::uint32_t>(router.buffer_flits + router.shared_buffer_flits));
  for (const Qos::Stream& stream : qos.streams) {
    require(stream.priority >= 0 && stream.priority < kPriorities && stream.weight >= 1 && stream.rate_limit >= 0,
            "priorities of 0 to " + std::to_string(kPriorities - 1) + ", weights of 1 or more, rates of 0 or more");
  }
  require(qos.streams.size() <= kMaxStreams,
          "quality of service for at most " + std::to_string(kMaxStreams) + " streams");
  if (!qos.streams.empty())  // those without a name share a queue
    queues_per_terminal_ = 2 * static_cast<std::uint32_t>(std::min(qos.streams.size() + 1, kMaxStreams));

  for (const Topology::Domain& domain : topology.domains) {
    Domain& d = domains_.emplace_back();
    d.period = domain.period;
    d.routers.assign((topology.routers.size() + 63) / 64, 0);
    d.terminals.assign((topology.terminals.size() + 63) / 64, 0);
  }
  plain_switch_ = router.vc_allocation_cycles == 1 && router.shared_buffer_flits == 0;
  build_routers();
  build_terminals();

  Cycle span = 1;
  for (const Sender& sender : senders_) span = std::max(span, sender.delay + sender.credit_return);
  for (const InputPort& input : inputs_) span = std::max(span, input.credit_delay);
  for (Domain& domain : domains_) {
    domain.flits.set_span(span);
    domain.credits.set_span(span);
    domain.wakes.set_span(1);
  }
  blame_.resize(routers_.size());
}

void FlitNetwork::build_routers() {
  const auto total = static_cast<std::size_t>(port_map_.total());
  first_terminal_ = static_cast<std::uint32_t>(total);
  senders_.resize(total + topology_.terminals.size());
  inputs_.resize(total);
  input_vcs_.resize(total << vc_shift_);
  router_of_vc_.resize(input_vcs_.size());
  output_vcs_.resize(senders_.size() << vc_shift_);
  rings_.resize(input_vcs_.size() * ring_size_);
  for (OutputVc& vc : output_vcs_) vc.credits = static_cast<std::uint16_t>(params_.buffer_flits);
  for (std::size_t s = 0; s < senders_.size(); ++s) {
    Sender& sender = senders_[s];
    sender.first_vc = static_cast<std::uint32_t>(s << vc_shift_);
    sender.free_vcs = static_cast<std::uint32_t>((std::uint64_t{1} << (2 * network_vcs_)) - 1);
    sender.shared_free = static_cast<std::uint32_t>(params_.shared_buffer_flits);
    sender.pipeline = s < total ? params_.switch_allocation_cycles + params_.switch_traversal_cycles : 1;
  }

  std::uint32_t words = 0;
  for (std::size_t r = 0; r < topology_.routers.size(); ++r) {
    const int index = static_cast<int>(r);
    const int ports = port_map_.count(index);
    const int domain = topology_.routers[r].domain;
    Router& router = routers_.emplace_back();
    router.first_port = static_cast<std::uint32_t>(port_map_.first(index));
    router.first_vc = router.first_port << vc_shift_;
    router.ports = static_cast<std::uint16_t>(ports);
    router.domain = static_cast<std::uint8_t>(domain);
    router.first_word = words;
    router.words = static_cast<std::uint16_t>(((static_cast<unsigned>(ports) << vc_shift_) + 63) / 64);
    words += router.words;
    const int vcs = ports << vc_shift_;
    if (vcs > kMostVcs)
      require(false, "router '" + topology_.routers[r].name + "' has " + std::to_string(ports) +
                         " ports, with these virtual channels at most " + std::to_string(kMostVcs >> vc_shift_));
    vc_allocators_.add(vcs, vcs);
    switch_allocators_.add(ports, ports);

    for (int p = 0; p < ports; ++p) {
      const Ports::Port& port = port_map_.at(index, p);
      const std::uint32_t number = router.first_port + static_cast<std::uint32_t>(p);
      for (std::uint32_t v = 0; v <= vc_mask_; ++v) {
        InputVc& vc = input_vcs_[(number << vc_shift_) + v];
        vc.port = static_cast<std::uint16_t>(p);
        vc.vc = static_cast<std::uint8_t>(v);
        router_of_vc_[(number << vc_shift_) + v] = static_cast<std::uint32_t>(r);
      }
      Sender& sender = senders_[number];
      if (port.terminal != Ports::kNone) {
        const auto t = static_cast<std::size_t>(port.terminal);
        sender.to_terminal = true;
        sender.to = static_cast<std::uint32_t>(t);
        connect(sender, topology_.terminals[t].out, domain, domain);
        inputs_[number] = feed(first_terminal_ + sender.to, topology_.terminals[t].in.latency, domain, domain);
        continue;
      }
      const auto out = static_cast<std::size_t>(port.link_out);
      const int neighbour = port.neighbour;
      const int to_domain = topology_.routers[static_cast<std::size_t>(neighbour)].domain;
      sender.to = static_cast<std::uint32_t>(port_map_.first(neighbour) + port_map_.of_link_in(port.link_out))
                  << vc_shift_;
      connect(sender, topology_.links[out].channel, domain, to_domain);
      // Credits for what arrives here go back to whoever sends over link_in.
      const auto upstream =
          static_cast<std::uint32_t>(port_map_.first(neighbour) + port_map_.of_link_out(port.link_in));
      inputs_[number] = feed(upstream, topology_.links[out].channel.latency, domain, to_domain);
    }
  }
  wants_vc_.resize(words);
  blocked_.resize(words);
  ready_.resize(words);
}

void FlitNetwork::build_terminals() {
  for (std::size_t t = 0; t < topology_.terminals.size(); ++t) {
    const Topology::Terminal& from = topology_.terminals[t];
    const int domain = topology_.routers[static_cast<std::size_t>(from.router)].domain;
    Terminal& terminal = terminals_.emplace_back();
    terminal.sender = first_terminal_ + static_cast<std::uint32_t>(t);
    terminal.first_queue = static_cast<std::uint32_t>(t) * queues_per_terminal_;
    terminal.domain = static_cast<std::uint8_t>(domain);
    terminal.router = static_cast<std::uint32_t>(from.router);
    terminal.last_vc = {static_cast<std::uint8_t>(network_vcs_ - 1), static_cast<std::uint8_t>(network_vcs_ - 1)};
    Sender& sender = senders_[terminal.sender];
    sender.to = static_cast<std::uint32_t>(port_map_.first(from.router) + port_map_.of_terminal(static_cast<int>(t)))
                << vc_shift_;
    connect(sender, from.in, domain, domain);
  }
  queues_.resize(terminals_.size() * queues_per_terminal_);
  if (qos_on_) {
    qos_.streams.resize(kMaxStreams);  // what is not named is as the default
    Shares alike;                      // as if everybody had just been served
    alike.now.fill(Shares::kLag);
    for (std::size_t s = 0; s < kMaxStreams; ++s) alike.had[s] = Shares::kLag + Shares::flit(qos_.streams[s]);
    shares_.assign(senders_.size(), alike);
    next_injection_.assign(terminals_.size() * kMaxStreams, 0);
  }
}

/// The path of flits: constant in cycles wherever it can be.
void FlitNetwork::connect(Sender& sender, const Channel& channel, int from_domain, int to_domain) {
  const Time period = topology_.domains[static_cast<std::size_t>(from_domain)].period;
  const auto flit_time = [&](std::int64_t bandwidth) {
    const Time exact = transfer_time(format_.flit_bytes, bandwidth);
    return exact <= period + 1 ? period : exact;  // a flit a cycle, up to rounding: never more
  };
  sender.domain = static_cast<std::uint8_t>(from_domain);
  sender.to_domain = static_cast<std::uint8_t>(to_domain);
  sender.flit_time = flit_time(channel.bandwidth);
  sender.degraded_at = channel.degraded_at;
  sender.degraded_flit_time = channel.degraded_at == kNever ? sender.flit_time : flit_time(channel.degraded_bandwidth);
  sender.replay_latency = channel.replay_latency;
  sender.latency = channel.latency;
  const double corrupted = corrupted_probability(channel.bit_error_rate, 8 * format_.flit_bytes);
  if (corrupted > kMostCorrupted)
    require(false, "a bit error rate of " + std::to_string(channel.bit_error_rate) + " corrupts every flit of " +
                       std::to_string(format_.flit_bytes) + " bytes");
  sender.corrupted = static_cast<std::uint64_t>(std::ldexp(corrupted, 64));
  sender.timed = from_domain != to_domain || sender.flit_time > period || sender.degraded_flit_time > period ||
                 sender.corrupted != 0;
  plain_switch_ &= !sender.timed;
  const Cycle latency = Clock{period}.index_at(channel.latency);
  sender.delay = sender.pipeline + latency;
  sender.credit_return = 1 + latency + params_.credit_cycles;
}

/// The path of credits from an input port back to `sender`, over a channel of `latency`.
FlitNetwork::InputPort FlitNetwork::feed(std::uint32_t sender, Time latency, int domain, int upstream_domain) const {
  const Cycle processing = sender >= first_terminal_ ? 0 : params_.credit_cycles;
  InputPort input;
  input.credits_to = sender << vc_shift_;
  input.upstream_domain = static_cast<std::uint8_t>(upstream_domain);
  input.crosses = domain != upstream_domain;
  input.credit_latency = latency;
  input.credit_delay =
      1 + Clock{topology_.domains[static_cast<std::size_t>(domain)].period}.index_at(latency) + processing;
  return input;
}

}  // namespace cowosim::fabric
