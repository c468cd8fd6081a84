// One HBM channel with its controller: two pseudo-channels behind one door and shared command buses.
//
// Port 0 carries everything: Phase::request in; Phase::credit (one per transaction leaving the door, given back credit_batch at a time or when the door is empty), Phase::response
// and Phase::retire out, all of them return_latency + the outlet's latency after their cause. An outlet must not call back
// within `send`. Time is femtoseconds outside, whole halves of a CK (`Half`) inside: decisions fall on clock edges.
//
// Life of a transaction (fetch_address, fetch_bytes: whole 32-byte accesses, all in this channel):
//  door    Arrival: Stage::queue. The door is an in-order FIFO of door_entries transactions. The first one leaves as a
//          whole, on a clock edge, when every pseudo-channel it touches has entries for all its accesses: acceptance.
//          An entry freed at an edge can be used from the next edge on.
//  queues  Per pseudo-channel, reads and writes apart, one entry per access. The entry is free from the access's ACT on
//          (it then waits as its bank's active access), or from its column command on if the row was open.
//  reads   Stage::bank from the first PRE or ACT on its behalf, Stage::data from its last column command, Stage::phy from
//          the end of its data, which is when the response is caused.
//  writes  Posted: the response is caused by acceptance (Stage::phy; the record is not touched afterwards), the retire
//  by the end of its last data. A read of 32 bytes that a queued write holds is answered from the queue; a write to
//  such bytes is merged.
//
// The journal has one event per transaction: its end of data.
//
// Errors: the constructor throws std::invalid_argument (unknown generation, inconsistent parameters). Addresses must
// lie inside the memory map: the sender checks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "engine/heart.h"
#include "hbm/command.h"
#include "hbm/counters.h"
#include "hbm/hbm_params.h"
#include "hbm/pseudo_channel.h"
#include "hbm/rules.h"
#include "telemetry/hbm_errors.h"
#include "telemetry/histogram.h"

namespace cowosim::hbm {

/// What a channel is told beside the parameters.
struct ChannelContext {
  int streams = 1;           ///< StreamIds that occur: 0..streams-1
  int index = 0;             ///< its place in the package: stack x channels + channel
  std::vector<int> urgency;  ///< by stream: steps behind the most urgent one; empty: all alike
};

class Channel final : public engine::Heart {
 public:
  /// `map` must outlive the channel; only its fields below the channel matter here.
  Channel(const HbmParams& params, const MemoryMap& map, const ChannelContext& context);
  Channel(const HbmParams& params, const MemoryMap& map, int streams = 1)
      : Channel(params, map, ChannelContext{streams, 0, {}}) {}

  int ports() const override { return 1; }
  Time output_pipeline(int) const override { return return_latency_; }
  /// The next own event while a transaction is in the door, the queues or a bank: a command, an acceptance, the start
  /// of a refresh.
  Time due() const override { return outstanding_ == 0 || next_ == kNoEdge ? kNever : rules_.timing.edge(next_); }
  void advance(Time until) override { advance_from(until - 1, until); }
  void advance_from(Time now, const Time& until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& v) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  // What follows from the parameters.
  const Timing& timing() const { return rules_.timing; }
  int pseudo_channels() const { return static_cast<int>(pcs_.size()); }
  int door_entries() const { return static_cast<int>(door_.size()); }
  /// Bytes per second of all pseudo-channels in use, from the rounded clock.
  double peak_bytes_per_second() const {
    return rules_.timing.peak_bytes_per_second() * static_cast<double>(pcs_.size());
  }
  /// Unloaded read latency from acceptance to the end of data: open row, closed bank, other row open.
  Time hit_latency() const;
  Time closed_latency() const;
  Time conflict_latency() const;

  // Telemetry; valid for all that was advanced.
  const Counters& counters(int pc) const { return at(pc).counters(); }
  /// `end` at most the time advanced to, and not before the last decision.
  LossAccount loss(int pc, Time end) const { return at(pc).account().loss(end); }
  const telemetry::Blame& blame(int pc) const { return at(pc).account().blame(); }
  /// Total wait of transactions from arrival at the door to their last column command, kept with the pseudo-channel that
  /// had it: what `blame` adds up to.
  Time waited(int pc) const { return at(pc).account().waited(); }
  /// Time the data bus of a pseudo-channel transferred for one stream.
  Time data_time(int pc, StreamId stream) const { return at(pc).account().data_time(stream); }
  /// Commands a pseudo-channel issued on behalf of one stream.
  const Activity& activity(int pc, StreamId stream) const { return at(pc).activity(stream); }
  /// nullptr: reads have no errors here (ecc.bit_error_rate 0).
  const telemetry::HbmErrors* errors() const { return rules_.errors ? &errors_ : nullptr; }
  /// Reads: acceptance to the end of data, per transaction.
  const telemetry::Histogram& read_latency() const { return read_latency_; }
  std::uint64_t transactions() const { return transactions_; }
  std::uint64_t outstanding() const { return outstanding_; }

  /// Every command from now on goes to `sink` (nullptr: off, at no cost), which must outlive it.
  void trace_commands(CommandSink* sink) { buses_.trace = sink; }

 private:
  /// One transaction, from the door to its last data.
  struct Job {
    Handle handle = kNoHandle;
    Half arrived = 0;  ///< at the door
    Half ready = 0;    ///< to leave it
    Half accepted = 0;
    Half end = 0;  ///< of data, of the accesses done so far
    Half last_column = 0;
    std::uint16_t remaining = 0;
    bool begun = false;  ///< first PRE or ACT has been issued
    bool write = false;
  };

  /// The transaction at the head of the door, decoded once.
  struct Front {
    bool known = false;
    Queue queue = kReads;
    StreamId stream = 0;
    std::uint16_t atoms = 0;
    std::array<int, 2> needed{};  ///< entries per pseudo-channel
    std::array<Location, kMaxAtoms> where;
  };

  /// An access whose data came wrong, to be read again.
  struct Replay {
    Half when;
    std::uint8_t pc;
    PseudoChannel::Access access;
  };

  const PseudoChannel& at(int pc) const { return pcs_[static_cast<std::size_t>(pc)]; }
  Half* snapshot(Index job, std::size_t pc) { return snapshots_.data() + (job * pcs_.size() + pc) * holders_; }

  /// How far to go: up to `last`, unless a message that was sent has brought `until` closer.
  struct Span {
    const Time& until;
    const Time asked;
    const Half last;
    bool holds(Half h) const { return h <= last && until == asked; }
  };
  template <std::size_t kPcs>
  void run(const Span& span);
  template <std::size_t kPcs>
  void step(Half h);
  template <std::size_t kPcs>
  void serve_hits(const Span& span);
  template <std::size_t kPcs>
  void plan_next();
  void plan_next();
  void issue_column(PseudoChannel& pc, std::size_t p, Half h);
  void issue_row(PseudoChannel& pc, Half h);
  void data_follows(PseudoChannel& pc, std::size_t p, const PseudoChannel::Access& access, Half h);
  void accept(Half h);
  void decode_front(Handle handle);
  bool room(Half h);
  void admit(Half h);
  /// The door's first one may go on when its queue gets room at h.
  void look_for_room(const PseudoChannel& pc, Half h) {
    if (front_.known && door_time_ == kNoEdge && pc.freed_at(front_.queue, h)) door_time_ = h + 1;
  }
  bool judge_data(const PseudoChannel::Access& access, std::size_t pc, Half end);
  void replay(Half h);
  /// From a cause to its arrival at the other end of the wire, which is known once there is one.
  Time way_out() {
    if (way_out_ < 0) way_out_ = return_latency_ + latency(0);
    return way_out_;
  }
  void finish(Job& job);
  void respond(Handle handle, Time t);

  const MemoryMap& map_;
  const Rules rules_;
  Time front_latency_;
  Time return_latency_;
  Time way_out_ = -1;
  std::uint16_t credit_batch_;
  std::int64_t drop_response_after_;

  Buses buses_;
  std::vector<PseudoChannel> pcs_;
  Half next_ = kNoEdge;
  std::size_t last_column_ = 1;  ///< pseudo-channel that won the column bus last
  std::size_t last_row_ = 1;

  std::vector<Index> door_;  ///< ring of jobs
  std::size_t door_first_ = 0;
  std::size_t door_count_ = 0;
  Half door_time_ = kNoEdge;  ///< edge at which the first one may leave
  Half accepted_at_ = 0;      ///< edge of the last acceptance
  Front front_;
  std::uint16_t credits_owed_ = 0;
  std::vector<Job> jobs_;
  FreeList free_jobs_;
  std::size_t holders_ = 0;
  std::vector<Half> snapshots_;  ///< per job, pseudo-channel and holder: at arrival
  std::vector<Replay> replays_;  ///< by time

  std::uint64_t sequence_ = 0;  ///< of accesses accepted
  std::uint64_t outstanding_ = 0;
  std::uint64_t transactions_ = 0;
  std::int64_t responses_ = 0;
  Time advanced_ = 0;
  telemetry::HbmErrors errors_;
  telemetry::Histogram read_latency_;
};

}  // namespace cowosim::hbm
