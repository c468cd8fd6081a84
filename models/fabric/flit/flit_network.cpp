#include "fabric/flit/flit_network.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/transaction.h"
#include "fabric/flit/bits.h"

namespace cowosim::fabric {

using engine::Phase;

namespace {

constexpr std::uint32_t kOfTerminal = 0xFFFF'FFFE;  // holder of an output VC in front of a router

}  // namespace

// ---- Time -----------------------------------------------------------------------------------------------------------

void FlitNetwork::run(const Time& until) {
  while (due_ < until) {
    Domain* next = &domains_.front();
    for (Domain& domain : domains_) {
      if (domain.due < next->due) next = &domain;
    }
    if (qos_on_) {
      run_cycle<true>(*next);
    } else {
      run_cycle<false>(*next);
    }
    refresh_due(*next);
  }
}

void FlitNetwork::refresh_due(Domain& domain) {
  Cycle cycle = domain.cycle;
  if (!domain.busy)
    cycle = std::min({domain.flits.first(cycle), domain.credits.first(cycle), domain.wakes.first(cycle)});
  domain.due = cycle == TimeWheel<FlitArrival>::kNone ? kNever : cycle * domain.period;
  due_ = kNever;
  for (const Domain& d : domains_) due_ = std::min(due_, d.due);
}

template <bool kQos>
void FlitNetwork::run_cycle(Domain& domain) {
  const Cycle now = domain.due / domain.period;
  domain.cycle = now;
  domain.flits.take(now, [&](const FlitArrival& arrival) { arrive(arrival, now); });
  domain.credits.take(now, [&](std::uint32_t event) { return_credit(event, now); });
  if (kQos) domain.wakes.take(now, [&](std::uint32_t terminal) { wake(domain, domain.terminals, terminal); });
  domain.busy = false;
  for (std::size_t w = 0; w < domain.terminals.size(); ++w) {
    const std::uint64_t active = std::exchange(domain.terminals[w], 0);
    for_each_bit(active, w, [&](std::uint32_t terminal) { inject<kQos>(terminal, now); });
  }
  for (std::size_t w = 0; w < domain.routers.size(); ++w) {
    for_each_bit(domain.routers[w], w, [&](std::uint32_t index) {
      Router& router = routers_[index];
      // Both decide on what they found at the beginning of the cycle: a VC given now asks for the switch in the next one.
      chosen_.clear();
      if (any_bit(wants_vc_, router)) allocate_vcs<kQos>(index, router, now);
      if (any_bit(ready_, router)) allocate_switch<kQos>(index, router, now);
      for (const std::uint16_t local : chosen_) set_bit(ready_, router.first_word, local);
      if (!any_bit(wants_vc_, router) && !any_bit(ready_, router)) clear_bit(domain.routers, 0, index);
    });
    domain.busy |= domain.routers[w] != 0;
  }
  for (const std::uint64_t word : domain.terminals) domain.busy |= word != 0;
  domain.cycle = now + 1;
}

// ---- Sources --------------------------------------------------------------------------------------------------------

void FlitNetwork::receive(const engine::Message& message) {
  if (due_ < message.time) run(message.time);  // credits that came back while there were no packets
  Transaction& tx = transaction(message.transaction);
  const bool request = message.phase == Phase::request;
  tx.stages.enter(request ? format_.requests : format_.responses, message.time);
  std::uint32_t bytes = static_cast<std::uint32_t>(format_.header_bytes);
  if (carries_data(tx.op, request)) bytes += tx.fetch_bytes;
  if (tx.destination >= terminals_.size())
    throw std::logic_error(name() + ": a packet for a terminal that does not exist");

  std::uint32_t number = static_cast<std::uint32_t>(under_way_.size());
  if (free_packets_.empty()) {
    under_way_.emplace_back();
  } else {
    number = free_packets_.back();
    free_packets_.pop_back();
  }
  const auto flit_bytes = static_cast<std::uint32_t>(format_.flit_bytes);
  Packet& packet = under_way_[number];
  packet.network = request ? kRequests : kResponses;
  packet.heading.destination = tx.destination;
  packet.heading.flow = mix(message.port, std::uint64_t{tx.destination} * 2 + packet.network);
  packet.heading.packet = tx.identity;
  packet.handle = message.transaction;
  packet.next = kNone;
  packet.flits = std::max(1u, (bytes + flit_bytes - 1) / flit_bytes);
  if (cut_through_ && packet.flits > static_cast<std::uint32_t>(params_.buffer_flits + params_.shared_buffer_flits)) {
    throw std::invalid_argument(name() + ": a packet of " + std::to_string(packet.flits) +
                                " flits fits in no buffer (" +
                                std::to_string(params_.buffer_flits + params_.shared_buffer_flits) +
                                " flits): virtual_cut_through needs room for the whole packet");
  }
  packet.entered = message.time;
  packet.count = message.count;
  packet.hops = 0;
  packet.stream = tx.stream;
  packet.phase = message.phase;

  if (!several_streams_ && packets_entered_ > 0 && tx.stream != stream_) {
    settle_switch_waits();
    several_streams_ = true;
  }
  stream_ = tx.stream;
  ++packets_entered_;

  Terminal& terminal = terminals_[message.port];
  const std::uint32_t streams = queues_per_terminal_ / 2;
  Queue& queue =
      queues_[terminal.first_queue + packet.network * streams + std::min<std::uint32_t>(tx.stream, streams - 1)];
  if (queue.first == kNone) {
    queue.first = number;
  } else {
    under_way_[queue.last].next = number;
  }
  queue.last = number;
  ++terminal.queued;
  Domain& domain = domains_[terminal.domain];
  // Everything before now has been handled, so an idle network goes on from here.
  domain.cycle = std::max(domain.cycle, Clock{domain.period}.index_at(message.time));
  wake(domain, domain.terminals, message.port);
  domain.due = std::min(domain.due, domain.cycle * domain.period);
  due_ = std::min(due_, domain.due);
}

template <bool kQos>
void FlitNetwork::inject(std::uint32_t index, Cycle now) {
  Terminal& terminal = terminals_[index];
  if (terminal.queued == 0) return;
  Domain& domain = domains_[terminal.domain];
  Sender& sender = senders_[terminal.sender];

  Queue* chosen = nullptr;
  std::uint32_t chosen_index = 0;
  std::uint32_t chosen_vc = 0;
  std::uint16_t chosen_urgency = 0;
  const Packet* blocked = nullptr;
  Time limited_until = kNever;
  for (std::uint32_t i = 1; i <= queues_per_terminal_; ++i) {
    std::uint32_t q = terminal.next_queue + i;
    if (q >= queues_per_terminal_) q -= queues_per_terminal_;
    Queue& queue = queues_[terminal.first_queue + q];
    if (queue.first == kNone) continue;
    const Packet& packet = under_way_[queue.first];
    // A packet that has begun goes on: others may wait for its VC.
    if (kQos && queue.sent == 0 && next_injection_[index * kMaxStreams + packet.stream] > now * domain.period) {
      limited_until = std::min(limited_until, next_injection_[index * kMaxStreams + packet.stream]);
      continue;
    }
    const std::uint32_t base = packet.network * network_vcs_;
    std::uint32_t vc = kNone;
    if (queue.sent > 0) {
      if (may_send(sender, output_vcs_[sender.first_vc + queue.vc])) vc = queue.vc;
    } else {
      for (std::uint32_t k = 1; k <= network_vcs_ && vc == kNone; ++k) {
        std::uint32_t v = terminal.last_vc[packet.network] + k;
        if (v >= network_vcs_) v -= network_vcs_;
        const std::uint32_t needs = cut_through_ ? packet.flits : 1;
        if ((sender.free_vcs >> (base + v) & 1) != 0 && room(sender, output_vcs_[sender.first_vc + base + v]) >= needs)
          vc = base + v;
      }
    }
    if (vc == kNone) {
      if (blocked == nullptr) blocked = &packet;
      continue;
    }
    const std::uint16_t urgency = kQos ? urgency_of(packet, sender, now * domain.period) : 0;
    if (chosen != nullptr && urgency >= chosen_urgency) continue;
    chosen = &queue;
    chosen_index = q;
    chosen_vc = vc;
    chosen_urgency = urgency;
    if (!kQos) break;
  }
  if (chosen == nullptr) {
    if (blocked != nullptr && terminal.blocked_since < 0) {
      terminal.blocked_since = now;
      terminal.waiting = blocked->stream;
    }
    if (kQos && limited_until != kNever) {
      const Cycle at = Clock{domain.period}.index_at(limited_until);
      if (terminal.wakes_at <= now || at < terminal.wakes_at) {
        terminal.wakes_at = at;
        domain.wakes.add(at, now, index);
      }
    }
    return;
  }
  if (terminal.blocked_since >= 0) {
    stall(sender, Stall::no_credit, terminal.router, terminal.waiting, terminal.last_credit,
          now - terminal.blocked_since);
    terminal.blocked_since = -1;
  }

  const std::uint32_t number = chosen->first;
  Packet& packet = under_way_[number];
  if (sender.timed && sender.free_at >= (now + 1) * domain.period) {
    stall(sender, sender.replaying ? Stall::replay : Stall::lost_switch, terminal.router, packet.stream,
          sender.last_stream, 1);
    wake(domain, domain.terminals, index);
    return;
  }
  Flit flit = number << kPacketShift;
  if (chosen->sent == 0) {
    flit |= kHead;
    chosen->vc = static_cast<std::uint8_t>(chosen_vc);
    terminal.last_vc[packet.network] = static_cast<std::uint8_t>(chosen_vc - packet.network * network_vcs_);
    output_vcs_[sender.first_vc + chosen_vc].holder = kOfTerminal;
    sender.free_vcs &= ~(1u << chosen_vc);
    if (cut_through_) take_credits(sender, output_vcs_[sender.first_vc + chosen_vc], packet.flits);
    ++sender.packets;
    const std::int64_t limit = kQos ? qos_.streams[packet.stream].rate_limit : 0;
    if (limit > 0) {
      Time& next = next_injection_[index * kMaxStreams + packet.stream];
      next = std::max(next, (now - 1) * domain.period) +
             transfer_time(static_cast<std::int64_t>(packet.flits) * format_.flit_bytes, limit);
    }
  }
  ++chosen->sent;
  if (chosen->sent == packet.flits) {
    flit |= kTail;
    output_vcs_[sender.first_vc + chosen_vc].holder = kNone;
    sender.free_vcs |= 1u << chosen_vc;
    chosen->first = packet.next;
    chosen->sent = 0;
    --terminal.queued;
  }
  terminal.next_queue = static_cast<std::uint16_t>(chosen_index);
  if (kQos) count_share(sender, packet.stream);
  sender.last_stream = packet.stream;
  ++sender.flits;
  if (!cut_through_) take_credit(sender, output_vcs_[sender.first_vc + chosen_vc]);
  if (terminal.queued > 0) wake(domain, domain.terminals, index);
  forward(sender, chosen_vc, flit, domain, now);
}

// ---- Links ----------------------------------------------------------------------------------------------------------

inline void FlitNetwork::forward(Sender& sender, std::uint32_t vc, Flit flit, Domain& from, Cycle granted) {
  if (sender.timed) {
    forward_timed(sender, vc, flit, from, granted);
  } else if (sender.to_terminal) {
    eject(sender, vc, flit, from, granted, granted + sender.delay);
  } else {
    from.flits.add(granted + sender.delay, granted, {sender.to + vc, flit});
  }
}

void FlitNetwork::forward_timed(Sender& sender, std::uint32_t vc, Flit flit, Domain& from, Cycle granted) {
  // The link takes the flit within the cycle it was granted for, or when it has finished the one before.
  const Time ready = std::max(granted * from.period, sender.free_at);
  const Time sent = send_over(sender, under_way_[flit >> kPacketShift], ready);
  // A cycle of serialisation is the link stage itself.
  const Time arrival = sent + (sender.pipeline - 1) * from.period + sender.latency;
  Domain& to = domains_[sender.to_domain];
  Cycle cycle = Clock{to.period}.index_at(arrival);
  if (sender.to_domain != sender.domain) cycle += params_.crossing_cycles;
  if (sender.to_terminal) {
    eject(sender, vc, flit, from, granted, cycle);
    return;
  }
  to.flits.add(cycle, to.cycle, {sender.to + vc, flit});
  if (sender.to_domain != sender.domain) to.due = std::min(to.due, cycle * to.period);
}

/// Sends a flit from `ready` on, again and again until it arrives intact; returns when the link has sent it whole.
Time FlitNetwork::send_over(Sender& sender, const Packet& packet, Time ready) {
  sender.replaying = false;
  Time start = ready;
  for (std::uint64_t attempt = 0;; ++attempt) {
    const Time flit_time = start >= sender.degraded_at ? sender.degraded_flit_time : sender.flit_time;
    const Time end = start + flit_time;
    sender.busy += flit_time;
    if (sender.corrupted == 0 ||
        mix(mix(packet.heading.packet, sender.flits), mix(sender.first_vc, attempt)) >= sender.corrupted) {
      sender.free_at = end;
      return end;
    }
    ++sender.replays;
    sender.replaying = true;
    start = end + sender.replay_latency;
  }
}

/// At the other end of the link a terminal takes what comes at once, and sends the credit back.
void FlitNetwork::eject(const Sender& sender, std::uint32_t vc, Flit flit, Domain& domain, Cycle now, Cycle arrival) {
  const std::uint32_t number = flit >> kPacketShift;
  Packet& packet = under_way_[number];
  domain.credits.add(arrival + sender.credit_return, now,
                     (sender.first_vc + vc) | static_cast<std::uint32_t>(packet.stream) << kStreamShift);
  if ((flit & kTail) == 0) return;
  const Time at = arrival * domain.period;
  ++packets_;
  flits_ += packet.flits;
  hops_ += packet.hops;
  latency_.add(at - packet.entered);
  journal().add(transaction(packet.handle), at);
  const int port = static_cast<int>(sender.to);
  const Phase phase = packet.phase;
  const Handle handle = packet.handle;
  const std::uint16_t count = packet.count;
  free_packets_.push_back(number);
  send(port, phase, handle, at + latency(port), count);
}

// ---- Input VCs ------------------------------------------------------------------------------------------------------

inline void FlitNetwork::arrive(const FlitArrival& arrival, Cycle now) {
  const std::uint32_t index = router_of_vc_[arrival.vc];
  Router& router = routers_[index];
  InputVc& vc = input_vcs_[arrival.vc];
  rings_[arrival.vc * ring_size_ + ((vc.begin + vc.count) & (ring_size_ - 1))] = arrival.flit;
  ++vc.count;
  router.occupied -= now;
  router.peak_occupancy = std::max(router.peak_occupancy, ++router.occupancy);
  const std::uint32_t local = arrival.vc - router.first_vc;
  if (vc.state == VcState::idle) {
    start_head(index, local, arrival.flit, now);
  } else if (vc.state == VcState::active && vc.count == 1) {
    vc.since = now;
    if (may_send(senders_[router.first_port + vc.out_port], output_vcs_[vc.out])) {
      set_bit(ready_, router.first_word, local);
      wake(domains_[router.domain], domains_[router.domain].routers, index);
    }
  }
}

/// A head comes to the front of its VC: its stages begin in cycle `at`.
void FlitNetwork::start_head(std::uint32_t index, std::uint32_t local, Flit head, Cycle at) {
  Router& router = routers_[index];
  InputVc& vc = input_vcs_[router.first_vc + local];
  vc.state = VcState::wants_vc;
  vc.packet = head >> kPacketShift;
  vc.stream = under_way_[vc.packet].stream;
  vc.eligible = vc.since = at + params_.routing_cycles;
  choose_hop(index, vc);
  set_bit(wants_vc_, router.first_word, local);
  wake(domains_[router.domain], domains_[router.domain].routers, index);
}

/// The route: of several ways the one of the lowest rank with a free VC, among these the one with most room.
void FlitNetwork::choose_hop(std::uint32_t index, InputVc& vc) {
  const Packet& packet = under_way_[vc.packet];
  const unsigned base = packet.network * network_vcs_;
  const bool from_terminal = inputs_[routers_[index].first_port + vc.port].credits_to >> vc_shift_ >= first_terminal_;
  const int in_vc = from_terminal ? Routes::kFromTerminal : static_cast<int>(vc.vc - base);
  if (!adaptive_) {
    Hop hop;
    routes_.next(static_cast<int>(index), vc.port, in_vc, packet.heading, &hop);
    vc.out_port = hop.port;
    vc.allowed = hop.vcs << base;
    return;
  }
  Hop hops[Routes::kMaxChoices];
  const int count = routes_.next(static_cast<int>(index), vc.port, in_vc, packet.heading, hops);
  const Hop* best = hops;
  std::uint64_t best_score = 0;
  for (const Hop* hop = hops; hop != hops + count; ++hop) {
    const Sender& sender = senders_[routers_[index].first_port + hop->port];
    const std::uint32_t free = open_to(sender, sender.free_vcs & hop->vcs << base, packet.flits);
    std::uint64_t free_room = 0;
    for (std::uint32_t v = 0; v <= vc_mask_; ++v)
      if ((free >> v & 1) != 0) free_room += 1u + room(sender, output_vcs_[sender.first_vc + v]);
    const std::uint64_t score = free == 0 ? 0 : (std::uint64_t{0xFF} - hop->rank) << 32 | free_room;
    if (score > best_score) {
      best_score = score;
      best = hop;
    }
  }
  vc.out_port = best->port;
  vc.allowed = best->vcs << base;
}

/// Those of `vcs` that may be given to a packet of `flits` as far as room is concerned: with virtual cut-through all of it must
/// fit; where a head must not stand behind another packet (Routes::needs_whole_packet), it must fit, or find the buffer empty.
/// Shared slots do not count for that: others may take them meanwhile.
std::uint32_t FlitNetwork::open_to(const Sender& sender, std::uint32_t vcs, std::uint32_t flits) const {
  std::uint32_t open = vcs;
  const std::uint32_t careful = cut_through_ ? ~0u : sender.to_terminal ? 0u : whole_vcs_;
  for_each_bit(vcs & careful, 0, [&](std::uint32_t v) {
    const OutputVc& vc = output_vcs_[sender.first_vc + v];
    const bool fits = cut_through_ ? room(sender, vc) >= flits
                                   : vc.credits >= flits || (vc.credits == params_.buffer_flits && vc.borrowed == 0);
    if (!fits) open &= ~(1u << v);
  });
  return open;
}

void FlitNetwork::return_credit(std::uint32_t event, Cycle now) {
  const std::uint32_t number = event & ((1u << kStreamShift) - 1);
  const auto stream = static_cast<StreamId>(event >> kStreamShift);
  OutputVc& output = output_vcs_[number];
  Sender& sender = senders_[number >> vc_shift_];
  const bool shared = output.borrowed > 0;
  if (shared) {
    --output.borrowed;
    ++sender.shared_free;
  } else {
    ++output.credits;
  }
  if (number >> vc_shift_ >= first_terminal_) {
    const std::uint32_t t = (number >> vc_shift_) - first_terminal_;
    Terminal& terminal = terminals_[t];
    terminal.last_credit = stream;
    if (terminal.queued > 0) wake(domains_[terminal.domain], domains_[terminal.domain].terminals, t);
    return;
  }
  if (!shared && !whole_packets_) {
    revive(sender, output.holder, stream, now);
  } else {
    revive_port(sender, number, shared, stream, now);
  }
}

/// The input VC that holds an output VC has a credit: if it waited for that, it may ask for the switch.
inline void FlitNetwork::revive(Sender& sender, std::uint32_t holder, StreamId stream, Cycle now) {
  if (holder == kNone) return;
  InputVc& vc = input_vcs_[holder];
  const std::uint32_t index = router_of_vc_[holder];
  Router& router = routers_[index];
  const std::uint32_t local = holder - router.first_vc;
  if (vc.count == 0 || has_bit(ready_, router.first_word, local)) return;
  set_bit(ready_, router.first_word, local);
  wake(domains_[router.domain], domains_[router.domain].routers, index);
  if (now > vc.since) {
    stall(sender, Stall::no_credit, index, vc.stream, stream, now - vc.since);
    vc.since = now;
  }
}

/// A credit that others than the holder of its VC may use, too: all of the port if it is of a shared slot, and whoever waits for
/// room for a whole packet.
void FlitNetwork::revive_port(Sender& sender, std::uint32_t number, bool shared, StreamId stream, Cycle now) {
  const std::uint32_t v = number & vc_mask_;
  for (std::uint32_t u = shared ? 0 : v; u <= (shared ? vc_mask_ : v); ++u)
    revive(sender, output_vcs_[sender.first_vc + u].holder, stream, now);
  if (!whole_packets_) return;
  const std::uint32_t index = router_of_vc_[number];
  Router& router = routers_[index];
  unblock(index, router, (number >> vc_shift_) - router.first_port, shared ? ~0u : 1u << v, stream, now);
}

// ---- Allocation -----------------------------------------------------------------------------------------------------

template <bool kQos>
void FlitNetwork::allocate_vcs(std::uint32_t index, Router& router, Cycle now) {
  vc_allocators_.begin(index, !kQos);
  candidates_.clear();
  const Time time = now * domains_[router.domain].period;
  for (std::uint32_t w = 0; w < router.words; ++w) {
    for_each_bit(wants_vc_[router.first_word + w], w, [&](std::uint32_t local) {
      InputVc& vc = input_vcs_[router.first_vc + local];
      if (vc.eligible > now) return;
      if (adaptive_) choose_hop(index, vc);
      Sender& sender = senders_[router.first_port + vc.out_port];
      std::uint32_t free = sender.free_vcs & vc.allowed;
      if (whole_packets_) {
        vc.starved = free != 0;
        free = open_to(sender, free, under_way_[vc.packet].flits);
      }
      if (free == 0) {
        clear_bit(wants_vc_, router.first_word, local);
        set_bit(blocked_, router.first_word, local);
        return;
      }
      const std::uint16_t urgency = kQos ? urgency_of(vc, router, time) : 0;
      candidates_.push_back(static_cast<std::uint16_t>(local));
      vc_allocators_.request(local, static_cast<std::uint32_t>(vc.out_port) << vc_shift_, free, urgency);
    });
  }
  if (candidates_.empty()) return;
  const auto& matches = vc_allocators_.allocate();
  std::size_t given = 0;
  for (const Allocators::Match& match : matches) {
    InputVc& vc = input_vcs_[router.first_vc + match.row];
    Sender& sender = senders_[router.first_port + vc.out_port];
    if (cut_through_) {
      OutputVc& output = output_vcs_[router.first_vc + match.column];
      const std::uint32_t flits = under_way_[vc.packet].flits;
      if (room(sender, output) < flits) continue;  // a match before it took the shared slots
      take_credits(sender, output, flits);
    }
    ++given;
    vc.out = router.first_vc + match.column;
    vc.state = VcState::active;
    vc.eligible = now + params_.vc_allocation_cycles;
    OutputVc& output = output_vcs_[vc.out];
    output.holder = router.first_vc + match.row;
    sender.free_vcs &= ~(1u << (match.column & vc_mask_));
    clear_bit(wants_vc_, router.first_word, match.row);
    vc.since = vc.eligible;
    if (may_send(sender, output)) chosen_.push_back(match.row);
  }
  if (given < candidates_.size()) charge_vc_losers(index, router, matches, now);
}

/// Whoever asked for a free VC and got none waits for a winner at the same output; where there is none (its grants went to
/// somebody who took a VC elsewhere), for the first one of all.
void FlitNetwork::charge_vc_losers(std::uint32_t index, const Router& router,
                                   const std::vector<Allocators::Match>& matches, Cycle now) {
  for (const std::uint16_t loser : candidates_) {
    if (!has_bit(wants_vc_, router.first_word, loser)) continue;
    InputVc& vc = input_vcs_[router.first_vc + loser];
    std::uint32_t winner = matches.front().row;
    for (const Allocators::Match& match : matches)
      if (match.column >> vc_shift_ == vc.out_port && match.row != loser) winner = match.row;
    stall(senders_[router.first_port + vc.out_port], Stall::lost_vc, index, vc.stream,
          input_vcs_[router.first_vc + winner].stream, 1);
    vc.since = now + 1;
  }
}

template <bool kQos>
void FlitNetwork::allocate_switch(std::uint32_t index, Router& router, Cycle now) {
  const Time period = domains_[router.domain].period;
  switch_allocators_.begin(index, !kQos);
  for (std::uint32_t w = 0; w < router.words; ++w) {
    for_each_bit(ready_[router.first_word + w], w, [&](std::uint32_t local) {
      InputVc& vc = input_vcs_[router.first_vc + local];
      if (plain_switch_ || may_ask(index, router, vc, local, now))
        switch_allocators_.request(local >> vc_shift_, vc.out_port, 1,
                                   kQos ? urgency_of(vc, router, now * period) : std::uint16_t{0});
    });
  }
  if (!switch_allocators_.any()) return;
  winners_.clear();
  for (const Allocators::Match& match : switch_allocators_.allocate()) {
    // Of the input's VCs that ask for this output: the most urgent, then round robin.
    InputPort& input = inputs_[router.first_port + match.row];
    const std::uint32_t first = static_cast<std::uint32_t>(match.row) << vc_shift_;
    const std::uint64_t of_input = ready_[router.first_word + first / 64] >> (first % 64) & vcs_of_port_;
    std::uint32_t best = kNone;
    std::uint32_t chosen = 0;
    for_each_bit(of_input, 0, [&](std::uint32_t v) {
      const InputVc& vc = input_vcs_[router.first_vc + first + v];
      if (vc.out_port != match.column || vc.eligible > now) return;
      std::uint32_t key = (v - input.next_vc) & vc_mask_;
      if (kQos) key |= std::uint32_t{urgency_of(vc, router, now * period)} << 8;
      if (key < best) {
        best = key;
        chosen = v;
      }
    });
    input.next_vc = static_cast<std::uint8_t>((chosen + 1) & vc_mask_);
    winners_.push_back({match.row, match.column, static_cast<std::uint16_t>(first + chosen)});
  }
  if (several_streams_) blame_switch_losers(index, router, now);
  for (const SwitchWinner& winner : winners_) {
    if (kQos) count_share(senders_[router.first_port + winner.out], input_vcs_[router.first_vc + winner.local].stream);
    traverse(index, router, winner.local, now);
  }
}

/// What keeps a VC with a flit and a credit from asking for the switch, where that can be (not plain_switch_).
bool FlitNetwork::may_ask(std::uint32_t index, Router& router, InputVc& vc, std::uint32_t local, Cycle now) {
  if (vc.eligible > now) return false;
  Sender& sender = senders_[router.first_port + vc.out_port];
  if (!may_send(sender,
                output_vcs_[vc.out])) {  // another VC took the last shared slot: from now on it waits for a credit
    clear_bit(ready_, router.first_word, local);
    end_switch_wait(index, sender, vc, now);
    vc.since = now;
    return false;
  }
  if (!sender.timed || sender.free_at < (now + 1) * domains_[router.domain].period) return true;
  if (sender.replaying) {
    stall(sender, Stall::replay, index, vc.stream, sender.last_stream, 1);
    ++vc.since;  // the rest of its wait is the switch's
  } else if (several_streams_) {
    charge(index, vc.stream, sender.last_stream, 1);
  }
  return false;
}

/// Whoever asked for the switch and did not get it waits for the winner of its output, else for that of its input, else for the first one. How long, its link knows when it wins.
void FlitNetwork::blame_switch_losers(std::uint32_t index, const Router& router, Cycle now) {
  for (std::uint32_t w = 0; w < router.words; ++w) {
    for_each_bit(ready_[router.first_word + w], w, [&](std::uint32_t local) {
      const InputVc& vc = input_vcs_[router.first_vc + local];
      const Sender& sender = senders_[router.first_port + vc.out_port];
      if (vc.eligible > now || (sender.timed && sender.free_at >= (now + 1) * domains_[router.domain].period)) return;
      const SwitchWinner* holder = nullptr;
      for (const SwitchWinner& winner : winners_) {
        if (winner.local == local) return;
        if (winner.out == vc.out_port || (winner.in == vc.port && (holder == nullptr || holder->out != vc.out_port)))
          holder = &winner;
      }
      if (holder == nullptr) holder = &winners_.front();
      charge(index, vc.stream, input_vcs_[router.first_vc + holder->local].stream, 1);
    });
  }
}

/// While there is one stream, waits for the switch are charged when they end; with the second one they are charged as they pass.
void FlitNetwork::settle_switch_waits() {
  for (std::uint32_t i = 0; i < input_vcs_.size(); ++i) {
    const std::uint32_t index = router_of_vc_[i];
    const Router& router = routers_[index];
    const InputVc& vc = input_vcs_[i];
    const Cycle now = domains_[router.domain].cycle;
    if (has_bit(ready_, router.first_word, i - router.first_vc) && now > vc.since)
      charge(index, vc.stream, vc.stream, now - vc.since);
  }
}

/// One flit through the switch and onto its link.
void FlitNetwork::traverse(std::uint32_t index, Router& router, std::uint32_t local, Cycle now) {
  const std::uint32_t number = router.first_vc + local;
  InputVc& vc = input_vcs_[number];
  Domain& domain = domains_[router.domain];
  Sender& sender = senders_[router.first_port + vc.out_port];
  OutputVc& output = output_vcs_[vc.out];
  const Flit flit = rings_[number * ring_size_ + vc.begin];
  vc.begin = static_cast<std::uint16_t>((vc.begin + 1u) & (ring_size_ - 1));
  --vc.count;
  --router.occupancy;
  router.occupied += now;
  ++router.flits;
  end_switch_wait(index, sender, vc, now);
  vc.since = now + 1;  // of the next flit
  if (!cut_through_) take_credit(sender, output);
  ++sender.flits;
  sender.last_stream = vc.stream;
  if ((flit & kHead) != 0) {
    ++under_way_[vc.packet].hops;
    ++sender.packets;
  }

  const InputPort& input = inputs_[router.first_port + vc.port];
  const std::uint32_t credit = (input.credits_to + vc.vc) | static_cast<std::uint32_t>(vc.stream) << kStreamShift;
  if (!input.crosses) {
    domain.credits.add(now + input.credit_delay, now, credit);
  } else {
    Domain& upstream = domains_[input.upstream_domain];
    const Time sent = (now + 1) * domain.period + input.credit_latency;
    const Cycle cycle = Clock{upstream.period}.index_at(sent) + params_.crossing_cycles + params_.credit_cycles;
    upstream.credits.add(cycle, upstream.cycle, credit);
    upstream.due = std::min(upstream.due, cycle * upstream.period);
  }

  const std::uint32_t out_vc = vc.out & vc_mask_;
  if ((flit & kTail) != 0) {
    output.holder = kNone;
    sender.free_vcs |= 1u << out_vc;
    clear_bit(ready_, router.first_word, local);
    if (any_bit(blocked_, router)) unblock(index, router, vc.out_port, 1u << out_vc, vc.stream, now + 1);
    vc.state = VcState::idle;
    if (vc.count > 0) start_head(index, local, rings_[number * ring_size_ + vc.begin], now + 1);
  } else if (vc.count == 0) {
    clear_bit(ready_, router.first_word, local);
  } else if (!may_send(sender, output)) {
    clear_bit(ready_, router.first_word, local);
  }
  forward(sender, out_vc, flit, domain, now);
}

/// Some of `vcs` of an output port are free again, or have room for more, which `stream` made: who waits for that may ask for
/// one in cycle `at`. With several ways on any port may be the right one.
void FlitNetwork::unblock(std::uint32_t index, Router& router, std::uint32_t port, std::uint32_t vcs, StreamId stream,
                          Cycle at) {
  for (std::uint32_t w = 0; w < router.words; ++w) {
    for_each_bit(blocked_[router.first_word + w], w, [&](std::uint32_t local) {
      InputVc& vc = input_vcs_[router.first_vc + local];
      if (!adaptive_ && (vc.out_port != port || (vc.allowed & vcs) == 0)) return;
      clear_bit(blocked_, router.first_word, local);
      set_bit(wants_vc_, router.first_word, local);
      wake(domains_[router.domain], domains_[router.domain].routers, index);
      stall(senders_[router.first_port + vc.out_port], vc.starved ? Stall::no_credit : Stall::lost_vc, index, vc.stream,
            stream, at - vc.since);
      vc.since = at;
    });
  }
}

// ---- Quality of service ---------------------------------------------------------------------------------------------

/// Aged first, then by priority, then who has had the least of this link, by its weight.
std::uint16_t FlitNetwork::urgency_of(const Packet& packet, const Sender& sender, Time now) const {
  constexpr int kHighest = kPriorities - 1;
  constexpr unsigned kLevels = 12;  // bits
  constexpr unsigned kCoarse = 13;  // bits of a share that do not matter for who is next
  static_assert((Shares::kLag + Shares::kFlit) >> kCoarse < (1u << kLevels));
  if (qos_.age_limit > 0 && now - packet.entered > qos_.age_limit) return 0;
  const int priority = qos_.streams[packet.stream].priority;
  const Shares& shares = shares_[static_cast<std::size_t>(&sender - senders_.data())];
  const std::uint64_t had = shares.had[packet.stream];
  const std::uint64_t least = shares.least(priority);
  const std::uint64_t level = had > least ? (had - least) >> kCoarse : 0;
  return static_cast<std::uint16_t>(1 + (static_cast<unsigned>(kHighest - priority) << kLevels | level));
}

void FlitNetwork::count_share(const Sender& sender, StreamId stream) {
  const Qos::Stream& of = qos_.streams[stream];
  Shares& shares = shares_[static_cast<std::size_t>(&sender - senders_.data())];
  const std::uint64_t start = std::max(shares.had[stream], shares.least(of.priority));
  shares.had[stream] = start + Shares::flit(of);
  std::uint64_t& now = shares.now[static_cast<std::size_t>(of.priority)];
  now = std::max(now, start);
}

}  // namespace cowosim::fabric
