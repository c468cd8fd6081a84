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
#include "hbm/command_sink.h"
#include "hbm/counters.h"
#include "hbm/generation.h"
#include "hbm/hbm_params.h"
#include "telemetry/blame.h"
#include "telemetry/histogram.h"

namespace cowosim::hbm {

class Channel final : public engine::Heart {
 public:
  /// `map` must outlive the channel; only its fields below the channel matter here. `streams`: how many StreamIds
  /// occur (0..n-1).
  Channel(const HbmParams& params, const MemoryMap& map, int streams = 1);

  int ports() const override { return 1; }
  Time output_pipeline(int) const override { return return_latency_; }
  /// The next own event while a transaction is in the door, the queues or a bank: a command, an acceptance, the start
  /// of a refresh.
  Time due() const override { return outstanding_ == 0 || next_ == kNoEdge ? kNever : timing_.edge(next_); }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& v) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  // What follows from the parameters.
  const Timing& timing() const { return timing_; }
  int pseudo_channels() const { return static_cast<int>(pcs_.size()); }
  int door_entries() const { return static_cast<int>(door_.size()); }
  /// Bytes per second of all pseudo-channels in use, from the rounded clock.
  double peak_bytes_per_second() const { return timing_.peak_bytes_per_second() * static_cast<double>(pcs_.size()); }
  /// Unloaded read latency from acceptance to the end of data: open row, closed bank, other row open.
  Time hit_latency() const;
  Time closed_latency() const;
  Time conflict_latency() const;
  /// Least time from an arrival to the read response's departure (without the outlet's latency): lookahead of
  /// responses.
  Time response_pipeline() const { return front_latency_ + hit_latency() + return_latency_; }

  // Telemetry; valid for all that was advanced.
  const Counters& counters(int pseudo_channel) const { return pcs_[static_cast<std::size_t>(pseudo_channel)].counters; }
  /// `end` at most the time advanced to, and not before the last decision.
  LossAccount loss(int pseudo_channel, Time end) const;
  const telemetry::Blame& blame(int pseudo_channel) const {
    return pcs_[static_cast<std::size_t>(pseudo_channel)].blame;
  }
  /// Total wait of transactions from arrival at the door to their last column command, kept with the pseudo-channel that had it: what `blame` adds
  /// up to.
  Time waited(int pseudo_channel) const {
    return pcs_[static_cast<std::size_t>(pseudo_channel)].waited * timing_.half_period;
  }
  /// Time the data bus of a pseudo-channel transferred for one stream.
  Time data_time(int pseudo_channel, StreamId stream) const {
    return pcs_[static_cast<std::size_t>(pseudo_channel)].held[stream] * timing_.half_period;
  }
  /// Commands a pseudo-channel issued on behalf of one stream.
  const Activity& activity(int pseudo_channel, StreamId stream) const {
    return pcs_[static_cast<std::size_t>(pseudo_channel)].activity[stream];
  }
  /// Reads: acceptance to the end of data, per transaction.
  const telemetry::Histogram& read_latency() const { return read_latency_; }
  std::uint64_t transactions() const { return transactions_; }
  std::uint64_t outstanding() const { return outstanding_; }

  /// Every command from now on goes to `sink` (nullptr: off, at no cost), which must outlive the channel or the tracing.
  void trace_commands(CommandSink* sink) { trace_ = sink; }

 private:
  using Index = std::uint16_t;
  static constexpr Index kNone = 0xFFFF;
  static constexpr Half kNoEdge = INT64_MAX / 4;
  static constexpr Half kLongAgo = -(Half{1} << 40);
  static constexpr int kMaxBanks = 64;
  enum Queue : std::uint8_t { kReads = 0, kWrites = 1 };

  /// One 32-byte access: waiting in a queue, or active (its row is open or opening for it).
  struct Access {
    std::uint64_t order = 0;  ///< of acceptance
    Half accepted = 0;
    Half precharged = kLongAgo;  ///< PRE on its behalf
    Half activated = kLongAgo;   ///< ACT on its behalf
    Half window = kLongAgo;      ///< until when tRRD, tFAW forbade that ACT
    std::uint32_t row = 0;
    std::uint32_t column = 0;
    Index next = kNone;  ///< in its bank's list, by age
    Index previous = kNone;
    Index job = 0;
    std::uint8_t bank = 0;
    std::uint8_t queue = kReads;
    StreamId stream = 0;
    Loss precharge_cause = Loss::bank_conflict;
    Loss activate_cause = Loss::bank_conflict;
  };

  /// One transaction past the door.
  struct Job {
    Handle handle = kNoHandle;
    Half arrived = 0;  ///< at the door
    Half accepted = 0;
    Half end = 0;  ///< of data, of the accesses done so far
    Half last_column = 0;
    std::uint16_t remaining = 0;
    bool begun = false;  ///< first PRE or ACT has been issued
    bool write = false;
  };

  struct Bank {
    Half activate_ready = kLongAgo;  ///< rising edge; tRC, tRP, and tRRD_L of its group
    Half precharge_ready = kLongAgo;
    std::array<Half, 2> column_ready{kLongAgo, kLongAgo};  ///< of reads, of writes: tRCD
    std::int32_t open_row = -1;
    Index active = kNone;          ///< the access its row was opened for, until its column command
    std::uint8_t group = 0;        ///< sid x bank groups + bank group
    std::uint8_t group_shift = 0;  ///< of its group's first bank in masks
    std::uint8_t sid = 0;
    std::uint8_t active_queue = kReads;
  };

  /// A bank's part of one queue: accesses by age, and the only ones that can get the next command.
  struct BankList {
    Index head = kNone;
    Index tail = kNone;
    Index column = kNone;            ///< oldest access to the open row
    Index row = kNone;               ///< oldest access that needs ACT, or PRE where that is allowed
    std::uint64_t column_order = 0;  ///< their orders
    std::uint64_t row_order = 0;
  };

  struct Group {
    Half activate_ready = kLongAgo;                        ///< tRRD_L
    std::array<Half, 2> column_ready{kLongAgo, kLongAgo};  ///< of reads, of writes: tCCD_L, tWTR_L
    Half read_turn = kLongAgo;                             ///< tWTR_L alone
  };

  struct PseudoChannel {
    std::array<Bank, kMaxBanks> banks;
    std::array<Group, kMaxBanks> groups;
    std::array<std::array<BankList, kMaxBanks>, 2> lists;
    std::array<std::uint64_t, 2> column_mask{};  ///< banks with a `column` access, per queue
    std::array<std::uint64_t, 2> row_mask{};     ///< banks with a `row` access
    std::uint64_t active_mask = 0;
    std::uint64_t open_mask = 0;
    std::array<int, 2> size{};
    std::array<int, 2> freed{};  ///< entries freed at freed_edge: usable from the next edge on
    Half freed_edge = -1;
    int waiting = 0;  ///< accesses accepted, no column command yet

    /// tCCD_S / tCCD_R of reads, of writes, by SID.
    std::array<std::array<Half, 4>, 2> spacing{
        {{kLongAgo, kLongAgo, kLongAgo, kLongAgo}, {kLongAgo, kLongAgo, kLongAgo, kLongAgo}}};
    std::array<Half, 2> turn{kLongAgo, kLongAgo};  ///< tWTR_S for reads, tRTW for writes
    Half activate_spacing = kLongAgo;              ///< tRRD_S, tFAW
    Half activate_after_refresh = kLongAgo;
    Half precharge_spacing = kLongAgo;  ///< tPPD
    Half precharge_all_ready = kLongAgo;
    Half refresh_ready = kLongAgo;
    std::array<Half, 4> activates{kLongAgo, kLongAgo, kLongAgo, kLongAgo};
    unsigned activate_index = 0;

    // The next command of each bus, and when.
    Half column_time = kNoEdge;
    Half row_time = kNoEdge;
    Index column_access = kNone;
    Index row_access = kNone;
    Command row_command = Command::activate;
    bool columns_stale = false;
    bool rows_stale = false;

    bool write_mode = false;       ///< as of the last edge decided
    bool next_write_mode = false;  ///< as it will be decided at mode_edge
    bool mode_stale = false;
    Half mode_edge = 0;

    bool refresh_pending = false;
    Half next_refresh = kNoEdge;
    Half refresh_begin = kLongAgo;  ///< last refresh blocks in [begin, end); end is kNoEdge until REF is issued
    Half refresh_end = kLongAgo;

    Half activate_to_read = 0;  ///< timing_'s, plus a planted fault
    std::vector<Access> accesses;
    std::vector<Index> free_accesses;
    std::array<std::uint16_t, 256> write_filter{};  ///< queued and active writes by a hash of the address

    // Accounting.
    Counters counters;
    std::vector<Activity> activity;  ///< by stream
    Half booked = 0;                 ///< the data bus is accounted for up to here
    Half busy = 0;
    std::array<Half, kLosses> lost{};
    Half busy_since = 0;  ///< waiting is > 0 since
    Queue last_direction = kReads;
    Half mode_since = kLongAgo;  ///< edge of the last change of write mode
    std::vector<Half> held;      ///< per stream, then refresh, then timing: cumulative up to held_until
    Half held_until = 0;
    StreamId holder = 0;              ///< who holds the bus when held_until lies in the future
    std::vector<Half> held_at_door;   ///< per door entry x holders, at arrival
    std::vector<Half> held_at_entry;  ///< the same per job, past the door
    Half waited = 0;
    telemetry::Blame blame;
  };

  struct Waiting {
    Handle handle;
    Half ready;
    Half arrived;
  };

  /// The transaction at the head of the door, decoded once.
  struct Front {
    bool known = false;
    Queue queue = kReads;
    std::uint16_t atoms = 0;
    std::array<int, 2> needed{};  ///< entries per pseudo-channel
    std::array<Location, 16> where;
  };

  void step(Half h);
  void accept(Half h);
  void decode_front(Handle handle);
  void enqueue(PseudoChannel& pc, const Location& location, Index job, StreamId stream, Queue queue, Half h);
  void begin_wait(PseudoChannel& pc, std::size_t slot, Half h);
  void end_wait(PseudoChannel& pc, const Access& a, Half h);
  void hold_until(PseudoChannel& pc, Half h);
  void finish(Job& job);
  void respond(Handle handle, Time t);

  void commit_mode(PseudoChannel& pc, Half h);
  void size_changed(PseudoChannel& pc, Half h) {
    pc.mode_stale = true;
    if (h > pc.mode_edge) pc.mode_edge = h;
  }
  bool mode_after(const PseudoChannel& pc) const;
  void set_mode(PseudoChannel& pc, Half h);
  void begin_refresh(PseudoChannel& pc, Half h);

  void update_list(PseudoChannel& pc, Queue queue, unsigned bank);
  void update_lists(PseudoChannel& pc, unsigned bank);
  void unlink(PseudoChannel& pc, Access& access);
  void freed(PseudoChannel& pc, Queue queue, Half h);
  static Half column_ready(const PseudoChannel& pc, Queue queue, const Bank& bank, Half floor);
  Half row_ready(const PseudoChannel& pc, const Access& access) const;
  void consider_column(PseudoChannel& pc, Index index);
  void consider_active(PseudoChannel& pc, Index index);
  void consider_row(PseudoChannel& pc, Index index);
  void plan(PseudoChannel& pc);
  void plan_columns(PseudoChannel& pc);
  void plan_rows(PseudoChannel& pc);
  void plan_next();

  void issue_column(PseudoChannel& pc, Half h);
  void issue_row(PseudoChannel& pc, Half h);
  void activate(PseudoChannel& pc, Index index, Half h);
  void precharge(PseudoChannel& pc, Index index, Half h);
  void precharge_all(PseudoChannel& pc, Half h);
  void refresh(PseudoChannel& pc, Half h);
  void begin_bank_stage(const Access& access, Half h);
  void book(PseudoChannel& pc, const Access& access, Half h, Loss column_cause);
  void record(const PseudoChannel& pc, Command command, const Access* access, Half h);

  static Half rising(Half h) { return (h + 1) & ~Half{1}; }
  Half row_floor() const { return row_bus_free_ > now_ ? row_bus_free_ : now_; }

  const MemoryMap& map_;
  Timing timing_;
  std::vector<PseudoChannel> pcs_;
  std::array<int, 2> entries_{};
  std::array<int, 2> watermark_{};  ///< write mode on when size > [1], off when size < [0]
  std::size_t holders_ = 3;
  std::uint16_t credit_batch_ = 1;
  std::uint16_t credits_owed_ = 0;
  std::uint64_t group_mask_ = 0;  ///< the banks of group 0
  unsigned banks_per_group_ = 4;
  bool refresh_ = true;
  Time front_latency_ = 0;
  Time return_latency_ = 0;
  std::int64_t drop_response_after_ = -1;

  Half now_ = 0;
  Half next_ = kNoEdge;
  Half column_bus_free_ = 0;
  Half row_bus_free_ = 0;
  unsigned last_column_ = 1;  ///< pseudo-channel that won the column bus last
  unsigned last_row_ = 1;

  std::vector<Waiting> door_;  ///< ring
  std::size_t door_first_ = 0;
  std::size_t door_count_ = 0;
  Half door_time_ = kNoEdge;  ///< edge at which the first one may leave
  Half accepted_at_ = 0;      ///< edge of the last acceptance
  Front front_;
  std::vector<Job> jobs_;
  std::vector<Index> free_jobs_;

  std::uint64_t order_ = 0;
  std::uint64_t outstanding_ = 0;
  std::uint64_t transactions_ = 0;
  std::int64_t responses_ = 0;
  Time advanced_ = 0;
  telemetry::Histogram read_latency_;
  CommandSink* trace_ = nullptr;
};

}  // namespace cowosim::hbm
