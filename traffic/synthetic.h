// Synthetic packets at the terminals of a network, measured as network simulators do.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "engine/heart.h"
#include "telemetry/stream_statistics.h"
#include "traffic/cycle_histogram.h"
#include "traffic/injection.h"
#include "traffic/node_patterns.h"

namespace cowosim::traffic {

/// With request_response a transaction is a request of one flit (a header) and a response of response_flits: `rate` / (1 + response_flits)
/// transactions per node and cycle. Otherwise it is one packet: `rate` / packet_flits.
struct SyntheticParams {
  DestinationParams destinations;
  InjectionParams injection;
  std::int64_t packet_flits = 5;
  std::int64_t warmup_cycles = 10'000;
  std::int64_t measure_cycles = 20'000;
  bool request_response = false;
  std::int64_t response_flits = 5;
  Time service_time = 0;
  Time think_time = 0;
  std::int64_t max_outstanding = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    destinations.visit(v);
    injection.visit(v);
    v("packet_flits", packet_flits, Range{1, 4096}, "flits of a packet, without request_response",
      "assumption [1, 20]: a header and 128 bytes in flits of 32 bytes");
    v("warmup_cycles", warmup_cycles, Range{0, 1e9}, "cycles before the measuring window",
      "assumption [3 x mean latency, 1e5]: steady below saturation");
    v("measure_cycles", measure_cycles, Range{1, 1e9},
      "cycles of the measuring window: packets created in it are measured, and injection goes on until they have "
      "arrived, at most as long again",
      "assumption [1e4, 1e6]: mean within 1 % below saturation");
    v("request_response", request_response, "every packet asks for a response of its destination", "experiment");
    v("response_flits", response_flits, Range{1, 4096}, "flits of a response, with request_response",
      "assumption [1, 20]: as packet_flits");
    v("service_time", service_time, Unit::time, Range{0, 1e12},
      "from the arrival of a request to its response, with request_response", "experiment");
    v("think_time", think_time, Unit::time, Range{0, 1e12},
      "time between a response and the request that takes its place, with max_outstanding", "experiment");
    v("max_outstanding", max_outstanding, Range{0, 1 << 20},
      "requests of a node that wait for their response or think at once, with request_response; 0: unbounded",
      "experiment");
  }
  /// Flits of what carries a transaction's data, and of all its ways together.
  std::int64_t data_flits() const { return request_response ? response_flits : packet_flits; }
};

/// What the machine is, besides the workload's parameters.
struct SyntheticContext {
  NodeShape shape;            ///< nodes are the network's terminals
  Time period = kNanosecond;  ///< of the network's clock; cycle n begins at n x period
  std::int64_t flit_bytes = 32;
  std::int64_t header_bytes = 0;  ///< that the network adds to every packet
  StreamId stream = 0;
  std::uint64_t seed = 1;
  std::uint64_t most_alive = engine::Pool::kCapacity;  ///< transactions at once
};

/// What in the parameters does not go together, or not with a fabric of that shape: paths below the workload.
std::vector<ParameterProblem> problems(const SyntheticParams& params, const NodeShape& shape);

/// One heart for all nodes. Port n is node n's: wired to terminal n of a network, which takes everything at once (no credits: its source
/// queues are unbounded) and delivers a packet at the port of Transaction::destination when its last flit is there.
///
/// One way: a write request that carries packet_flits x flit_bytes and retires on delivery. With request_response: a read request that is
/// answered by its destination service_time after it came, with Transaction::destination set back; it retires on delivery of the response.
/// From creation to the network the time is Stage::issue (the wire), at the answering node Stage::external.
///
/// Injection. A node's packets leave on cycles, at most one a cycle, at the times of its own Injection with its own random numbers:
/// neither patterns nor other nodes nor the network change them, but by holding back. A packet is held back while its node
/// has max_outstanding requests (waiting or thinking), or while most_alive transactions are; the node's process stands still
/// meanwhile, and packets are created when they leave.
///
/// Measuring. Packets created in the window [warmup_cycles, warmup_cycles + measure_cycles) are measured. Once it is over and all of them
/// have arrived nothing more is injected after that moment, and in no case more than measure_cycles after the window. Then the network
/// drains. Offered and accepted are flits created and arrived (whole packets, at their last flit) in the window, per node and cycle;
/// with request_response a request offers its response's as well.
class Synthetic final : public engine::Heart {
 public:
  /// Throws std::invalid_argument for what problems() reports, ConfigError for the permutation file.
  Synthetic(const SyntheticParams& params, const SyntheticContext& context);

  void start() override;
  int ports() const override { return static_cast<int>(nodes_.size()); }
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  /// Everything injected and arrived.
  bool finished() const { return due_ == kNever && live() == 0; }
  const SyntheticParams& params() const { return params_; }
  StreamId stream_id() const { return context_.stream; }
  /// All packets, those outside of the window as well.
  const telemetry::StreamStatistics& stream() const { return stream_; }
  /// Of measured packets, creation to last flit in (of the response), in cycles, rounded up.
  const CycleHistogram& latency_cycles() const { return latency_; }
  std::uint64_t measured() const { return measured_; }
  /// Over the part of the window that had passed at `now`, headers included; 0 before it begins.
  double offered_flits_per_node_cycle(Time now = kNever) const {
    return per_node_cycle(measured_ * (data_flits_ + request_flits_), now);
  }
  double accepted_flits_per_node_cycle(Time now = kNever) const { return per_node_cycle(accepted_flits_, now); }
  bool same_window(const Synthetic& other) const {
    return window_begin_ == other.window_begin_ && window_end_ == other.window_end_;
  }
  /// Packets created later than drawn.
  std::uint64_t held_back() const { return held_back_; }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr unsigned kNodeBits = 16;
  static constexpr std::uint64_t kNoEvent = ~std::uint64_t{0};

  struct Node {
    Injection::Node injection;
    std::uint64_t drawn = 0;  // cycle of its next packet
    Time wire = 0;            // to the network
    std::uint32_t outstanding =
        0;  // requests that wait for their response, and responses it thinks about, where limited
    std::uint32_t thinks_first = kNone;
    std::uint32_t thinks_last = kNone;
    bool needs_response = false;  // before it can inject again
  };
  /// A response that a node thinks about, in its list by time.
  struct Thought {
    Time ends;
    std::uint32_t next;
  };

  void set_event(std::uint32_t index, std::uint64_t cycle) { set_key(index, cycle << kNodeBits | index); }
  void set_key(std::uint32_t index, std::uint64_t key);
  /// What is due next, given that everything up to `now` is known.
  void look_ahead(Time now);
  void inject(std::uint32_t index, Time now);
  /// False: the node's event is put off.
  bool may_inject(std::uint32_t index, Time now);
  void hold_back(std::uint32_t index);
  void wake(std::uint32_t index, Time at);
  [[gnu::noinline]] void answer(const engine::Message& message, Transaction& request);
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(const engine::Message& message) const;
  void complete(Handle handle, Transaction& packet, Time now);
  /// True: the node was held back.
  bool free_slot(std::uint32_t index, Time now);
  void begin_thought(Node& node, Time ends);
  void end_thought(Node& node);
  bool in_window(Time t) const {
    return static_cast<std::uint64_t>(t - window_begin_) < static_cast<std::uint64_t>(window_end_ - window_begin_);
  }
  std::uint64_t cycle_from(Time t) const { return static_cast<std::uint64_t>(clock_.index_at(t)); }
  std::uint64_t live() const { return pool_ == nullptr ? 0 : pool_->live(); }
  double per_node_cycle(std::uint64_t flits, Time now) const;

  SyntheticParams params_;
  SyntheticContext context_;
  NodePattern pattern_;
  Clock clock_;
  std::uint64_t measure_end_;    // cycle
  std::uint64_t end_;            // cycle: none is injected from here on
  std::uint64_t data_flits_;     // of the packet with data
  std::uint64_t request_flits_;  // of a request without; 0 where there is none
  Injection injection_;
  Time window_begin_;
  Time window_end_;
  bool closed_;  // nodes wait for responses
  std::uint32_t data_bytes_;
  engine::Pool* pool_ = nullptr;
  Time due_ = kNever;

  std::vector<Node> nodes_;
  /// A tournament: [1] is the earliest cycle << kNodeBits | node, the less of 2i and 2i + 1 is at i, the nodes' own are from first_key_ on.
  std::vector<std::uint64_t> keys_;
  std::size_t first_key_ = 1;
  std::vector<Thought> thoughts_;
  std::uint32_t free_thought_ = kNone;
  std::deque<std::uint32_t> without_room_;  // nodes held back by most_alive
  std::uint64_t waiting_ = 0;               // nodes without an event, held back by either

  std::uint64_t measured_ = 0;
  std::uint64_t measured_live_ = 0;
  std::uint64_t measured_last_ = 0;  // cycle in which the last of them arrived
  std::uint64_t accepted_flits_ = 0;
  std::uint64_t held_back_ = 0;
  std::uint64_t bytes_created_ = 0;
  std::uint64_t bytes_arrived_ = 0;
  CycleHistogram latency_;
  telemetry::StreamStatistics stream_;
};

}  // namespace cowosim::traffic
