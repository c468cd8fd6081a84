// A network at flit precision: input-queued routers, virtual channels, credits, cycle by cycle, but only where something moves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fabric/flit/allocator.h"
#include "fabric/flit/flit_params.h"
#include "fabric/flit/time_wheel.h"
#include "fabric/network.h"
#include "fabric/routing/routes.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

/// A packet is ceil((header + data) / flit_bytes) flits, at least one. A head passes the stages routing, VC allocation, switch allocation, switch
/// traversal and link in each router, body flits the last three; a head behind a departed tail starts over in the cycle after it. A flit granted the switch at
/// cycle c arrives at c + switch_allocation + switch_traversal + link; its credit can be used upstream at c + 1 + link + credit_cycles. A link that is
/// narrower than a flit a cycle takes one each `flit time`; the rest of that time adds to the flit's way. Routers of different clocks: arrivals are
/// aligned to the receiver's next edge, and `crossing_cycles` of it follow. Requests and responses have `virtual_channels` VCs each.
///
/// Sources wait in front of their terminal, in queues without bound (one a virtual network; with quality of service one a stream). A lone packet of L flits
/// over H routers of one clock, links of one cycle, stages as in the reference router takes 5 H + 2 + (L - 1) cycles.
///
/// Blame: one matrix a router. What waits for a free VC waits for the stream that held the one it gets released; a lost allocation is charged to the winner; what waits for a
/// credit waits for the stream whose flit made room. The sum is that of all links' stalls.
class FlitNetwork final : public Network {
 public:
  /// Throws std::invalid_argument for what problems(topology) reports, and for what has no room in the state: more than 65535 slots
  /// of a buffer, 65536 VCs of a router, 2^28 of all, 2^30 flits in all buffers, 256 clocks, or a link on which more than 99.9 % of the
  /// flits arrive corrupted.
  /// `routes` are kept; whoever made them has checked Routes::problems.
  FlitNetwork(const Topology& topology, Routes routes, const RouterParams& router, const PacketFormat& format,
              const Qos& qos = {});

  int ports() const override { return static_cast<int>(terminals_.size()); }
  /// Credits on their way back move no transaction: without packets they are housekeeping.
  Time due() const override { return under_way_.size() == free_packets_.size() ? kNever : due_; }
  void advance(Time until) override { run(until); }
  void advance_from(Time, const Time& until) override { run(until); }
  void receive(const engine::Message& message) override;
  /// Switch allocation and traversal of the last flit, and the way out.
  Time output_pipeline(int port) const override;
  void statistics(StatVisitor& visit) const override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void check_idle(std::vector<std::string>& violations) const override;

  bool flit_precision() const override { return true; }
  std::vector<LinkCounters> links() const override;
  std::vector<RouterCounters> routers() const override;
  std::size_t blame_classes() const override { return blame_.size(); }
  std::string blame_class_name(std::size_t index) const override { return topology_.routers[index].name; }
  const telemetry::Blame& blame(std::size_t index) const override { return blame_[index]; }
  /// Exact for deterministic routings and buffers that cover the round trip; for adaptive ones the way their first choice takes.
  Time unloaded_latency(int source, int destination, std::uint32_t data_bytes) const override;

 private:
  using Cycle = std::int64_t;
  using Flit = std::uint32_t;  // number of its packet, and:
  static constexpr Flit kHead = 1;
  static constexpr Flit kTail = 2;
  static constexpr unsigned kPacketShift = 2;
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  /// On its way through the network, from entry to delivery.
  struct Packet {
    Heading heading;
    Handle handle;
    std::uint32_t next;  // in its source's queue
    std::uint32_t flits;
    Time entered;
    std::uint16_t count;  // of its message
    std::uint16_t hops;
    StreamId stream;
    engine::Phase phase;
    std::uint8_t network;  // virtual
  };

  enum class VcState : std::uint8_t { idle, wants_vc, active };
  /// An input VC, and the packet at its front.
  struct InputVc {
    Cycle eligible = 0;  // may ask from then on
    Cycle since = 0;     // has asked, in vain, since (for a VC or a credit)
    std::uint32_t packet = 0;
    std::uint32_t out = 0;       // number of the output VC it holds
    std::uint32_t allowed = 0;   // VCs it may take at out_port
    std::uint16_t out_port = 0;  // of its router
    std::uint16_t port = 0;      // it belongs to
    std::uint16_t begin = 0;     // in its ring
    std::uint16_t count = 0;
    VcState state = VcState::idle;
    bool starved = false;  // blocked, and a VC that is free has not enough room
    StreamId stream = 0;
    std::uint8_t vc = 0;
  };
  /// An output VC: the sender's view of an input VC.
  struct OutputVc {
    std::uint32_t holder = kNone;  // input VC
    std::uint16_t credits = 0;     // of its own buffer
    std::uint16_t borrowed = 0;    // slots of the shared buffer in use
  };
  /// What sends flits over a link: an output port of a router, or a terminal's way in.
  struct Sender {
    std::uint32_t first_vc = 0;  // its output VCs
    std::uint32_t to = 0;        // first input VC at the other end; the terminal where to_terminal
    std::uint32_t free_vcs = 0;  // bit v: nobody holds output VC v
    std::uint32_t shared_free = 0;
    Cycle pipeline = 0;       // from grant until the link takes the flit
    Cycle delay = 0;          // from grant to arrival, unless timed
    Cycle credit_return = 0;  // to_terminal: from arrival until the credit can be used
    bool to_terminal = false;
    bool timed = false;  // arrivals are computed in time: other clock, narrower than a flit, errors
    bool replaying = false;
    StreamId last_stream = 0;
    std::uint64_t flits = 0;
    std::uint64_t packets = 0;
    std::array<Cycle, kStalls> stalls{};
    // timed only
    std::uint8_t domain = 0;
    std::uint8_t to_domain = 0;
    Time flit_time = 0;
    Time degraded_flit_time = 0;
    Time degraded_at = kNever;
    Time replay_latency = 0;
    Time latency = 0;
    Time free_at = 0;             // the link has sent everything by then
    std::uint64_t corrupted = 0;  // of 2^64: a flit arrives corrupted
    std::uint64_t replays = 0;
    Time busy = 0;
  };
  struct InputPort {
    std::uint32_t credits_to = 0;  // output VC (of a sender) that feeds its VC 0
    Cycle credit_delay = 0;
    Time credit_latency = 0;  // across clocks
    std::uint8_t upstream_domain = 0;
    bool crosses = false;
    std::uint8_t next_vc = 0;  // round robin among the VCs that ask for one output
  };
  struct Router {
    std::uint32_t first_port = 0;
    std::uint32_t first_vc = 0;    // input VC
    std::uint32_t first_word = 0;  // of its masks
    std::uint16_t words = 0;
    std::uint16_t ports = 0;
    std::uint8_t domain = 0;
    std::uint32_t occupancy = 0;
    std::uint32_t peak_occupancy = 0;
    Cycle occupied = 0;  // sum of departures - sum of arrivals
    std::uint64_t flits = 0;
  };
  /// Packets in front of a terminal, of one virtual network (and stream).
  struct Queue {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t sent = 0;  // flits of the first packet
    std::uint8_t vc = 0;     // it goes into, once sent > 0
  };
  struct Terminal {
    std::uint32_t sender = 0;  // its way in
    std::uint32_t first_queue = 0;
    std::uint32_t queued = 0;  // packets
    std::uint16_t next_queue = 0;
    std::uint8_t domain = 0;
    std::array<std::uint8_t, 2> last_vc{};  // by virtual network
    StreamId last_credit = 0;
    StreamId waiting = 0;      // whose packet is blocked
    Cycle blocked_since = -1;  // -1: it is not
    Cycle wakes_at = 0;        // when a rate limit lets somebody go on, until then
    std::uint32_t router = 0;
  };
  struct FlitArrival {
    std::uint32_t vc;
    Flit flit;
  };
  /// Routers and terminals of one clock.
  struct Domain {
    Time period = 0;
    Cycle cycle = 0;  // the next to be handled
    TimeWheel<FlitArrival> flits;
    TimeWheel<std::uint32_t> credits;      // output VC | stream << kStreamShift
    TimeWheel<std::uint32_t> wakes;        // terminals whose streams have reached their rates
    std::vector<std::uint64_t> routers;    // bit: has something to allocate
    std::vector<std::uint64_t> terminals;  // bit: may have something to send
    bool busy = false;                     // any bit set
    Time due = kNever;
  };
  static constexpr unsigned kStreamShift = 28;
  static constexpr int kPriorities = 8;
  /// Who has had how much of a link: start-time fair queueing (Goyal, Vin and Cheng, ToN 1997), flit by flit. What a stream
  /// had counts by its weight. Whoever cannot send for a while, for want of a VC, catches up later, within kLag.
  struct Shares {
    static constexpr std::uint64_t kFlit = 1 << 20;    // of weight 1
    static constexpr std::uint64_t kLag = 16 * kFlit;  // assumption [4, 64 flits]: a few packets of others
    std::array<std::uint64_t, kMaxStreams> had{};
    std::array<std::uint64_t, kPriorities> now{};  // of whoever was last served, by priority; from kLag on
    std::uint64_t least(int priority) const { return now[static_cast<std::size_t>(priority)] - kLag; }
    static std::uint64_t flit(const Qos::Stream& stream) { return kFlit / static_cast<std::uint64_t>(stream.weight); }
  };

  void build_routers();
  void build_terminals();
  void connect(Sender& sender, const Channel& channel, int from_domain, int to_domain);
  InputPort feed(std::uint32_t sender, Time latency, int domain, int upstream_domain) const;
  void run(const Time& until);
  template <bool kQos>
  void run_cycle(Domain& domain);
  void refresh_due(Domain& domain);
  void wake(Domain& domain, std::vector<std::uint64_t>& mask, std::uint32_t index) {
    mask[index / 64] |= std::uint64_t{1} << (index % 64);
    domain.busy = true;
  }

  static bool any_bit(const std::vector<std::uint64_t>& mask, const Router& router) {
    std::uint64_t bits = mask[router.first_word];
    for (std::uint32_t w = 1; w < router.words; ++w) bits |= mask[router.first_word + w];
    return bits != 0;
  }
  void arrive(const FlitArrival& arrival, Cycle now);
  void start_head(std::uint32_t router, std::uint32_t local, Flit head, Cycle at);
  void choose_hop(std::uint32_t router, InputVc& vc);
  void return_credit(std::uint32_t event, Cycle now);
  void revive(Sender& sender, std::uint32_t holder, StreamId stream, Cycle now);
  void revive_port(Sender& sender, std::uint32_t vc, bool shared, StreamId stream, Cycle now);
  template <bool kQos>
  void inject(std::uint32_t terminal, Cycle now);
  template <bool kQos>
  void allocate_vcs(std::uint32_t index, Router& router, Cycle now);
  void charge_vc_losers(std::uint32_t index, const Router& router, const std::vector<Allocators::Match>& matches,
                        Cycle now);
  template <bool kQos>
  void allocate_switch(std::uint32_t index, Router& router, Cycle now);
  bool may_ask(std::uint32_t index, Router& router, InputVc& vc, std::uint32_t local, Cycle now);
  void blame_switch_losers(std::uint32_t index, const Router& router, Cycle now);
  void settle_switch_waits();
  void traverse(std::uint32_t index, Router& router, std::uint32_t local, Cycle now);
  std::uint32_t open_to(const Sender& sender, std::uint32_t vcs, std::uint32_t flits) const;
  void unblock(std::uint32_t index, Router& router, std::uint32_t port, std::uint32_t vcs, StreamId stream, Cycle at);
  void forward(Sender& sender, std::uint32_t vc, Flit flit, Domain& from, Cycle granted);
  void forward_timed(Sender& sender, std::uint32_t vc, Flit flit, Domain& from, Cycle granted);
  void eject(const Sender& sender, std::uint32_t vc, Flit flit, Domain& domain, Cycle now, Cycle arrival);
  Time send_over(Sender& sender, const Packet& packet, Time ready);
  std::uint16_t urgency_of(const Packet& packet, const Sender& sender, Time now) const;
  std::uint16_t urgency_of(const InputVc& vc, const Router& router, Time now) const {
    return urgency_of(under_way_[vc.packet], senders_[router.first_port + vc.out_port], now);
  }
  void count_share(const Sender& sender, StreamId stream);
  /// Of a VC that is held. With virtual cut-through the packet took all its credits with it.
  bool may_send(const Sender& sender, const OutputVc& vc) const {
    return vc.credits > 0 || sender.shared_free > 0 || cut_through_;
  }
  static void take_credits(Sender& sender, OutputVc& vc, std::uint32_t flits) {
    const std::uint32_t own = std::min<std::uint32_t>(vc.credits, flits);
    vc.credits = static_cast<std::uint16_t>(vc.credits - own);
    vc.borrowed = static_cast<std::uint16_t>(vc.borrowed + (flits - own));
    sender.shared_free -= flits - own;
  }
  static void take_credit(Sender& sender, OutputVc& vc) {
    if (vc.credits > 0) {
      --vc.credits;
    } else {
      ++vc.borrowed;
      --sender.shared_free;
    }
  }
  std::uint32_t room(const Sender& sender, const OutputVc& vc) const { return vc.credits + sender.shared_free; }
  void stall(Sender& sender, Stall why, std::uint32_t router, StreamId victim, StreamId holder, Cycle cycles) {
    sender.stalls[static_cast<std::size_t>(why)] += cycles;
    charge(router, victim, holder, cycles);
  }
  /// A wait for the switch that lasted until `now`; with several streams it has been charged as it passed.
  void end_switch_wait(std::uint32_t router, Sender& sender, const InputVc& vc, Cycle now) {
    if (now <= vc.since) return;
    sender.stalls[static_cast<std::size_t>(Stall::lost_switch)] += now - vc.since;
    if (!several_streams_) charge(router, vc.stream, vc.stream, now - vc.since);
  }
  void charge(std::uint32_t router, StreamId victim, StreamId holder, Cycle cycles) {
    blame_[router].charge(victim, holder, cycles * domains_[routers_[router].domain].period);
  }

  Topology topology_;
  Ports port_map_;
  Routes routes_;
  RouterParams params_;
  PacketFormat format_;
  Qos qos_;
  bool qos_on_ = false;
  bool cut_through_ = false;
  bool whole_packets_ = false;   // some VCs are given by their room, too
  std::uint32_t whole_vcs_ = 0;  // those of Routes::needs_whole_packet(), of both virtual networks
  bool adaptive_ = false;
  bool plain_switch_ = false;     // a ready VC may always ask for the switch
  bool several_streams_ = false;  // packets of more than one stream have entered
  StreamId stream_ = 0;           // of the last one that did
  std::uint64_t packets_entered_ = 0;
  std::uint32_t network_vcs_ = 0;  // of a virtual network
  unsigned vc_shift_ = 0;          // VCs of a port (both virtual networks) are numbered port << shift | vc
  std::uint32_t vc_mask_ = 0;
  std::uint64_t vcs_of_port_ = 0;     // a bit for each of its VCs
  std::uint32_t first_terminal_ = 0;  // sender of terminal 0
  std::uint32_t ring_size_ = 0;       // of an input VC's buffer, a power of two

  std::vector<Domain> domains_;
  std::vector<Router> routers_;
  std::vector<InputPort> inputs_;
  std::vector<Sender> senders_;  // output ports of all routers, then terminals' ways in
  std::vector<InputVc> input_vcs_;
  std::vector<OutputVc> output_vcs_;
  std::vector<std::uint32_t> router_of_vc_;  // of input VCs
  std::vector<Flit> rings_;
  std::vector<std::uint64_t> wants_vc_, blocked_, ready_;  // masks over the input VCs of each router
  std::vector<Terminal> terminals_;
  std::vector<Queue> queues_;
  std::uint32_t queues_per_terminal_ = 2;
  Allocators vc_allocators_, switch_allocators_;

  std::vector<Packet> under_way_;
  std::vector<std::uint32_t> free_packets_;

  // Quality of service
  std::vector<Shares> shares_;        // by sender
  std::vector<Time> next_injection_;  // [terminal][stream]: rate limit

  // Scratch of a router's step
  std::vector<std::uint16_t> candidates_;  // input VCs that asked for an output VC
  std::vector<std::uint16_t> chosen_;      // got one, and may ask for the switch in the next cycle
  struct SwitchWinner {
    std::uint16_t in, out, local;
  };
  std::vector<SwitchWinner> winners_;

  std::vector<telemetry::Blame> blame_;
  Time due_ = kNever;
};

}  // namespace cowosim::fabric
