// One pseudo-channel: its queues, banks, data bus and refreshes, and the choice of its next column and row command.
//
// It never ticks: for each command bus it keeps the earliest edge at which it wants the bus and what for, and recomputes that
// only when something it depends on has changed (`plan`). The channel owns time and the buses and says go.
//
// Choice at an edge, column bus: first the *active* accesses (a row was opened for them), oldest first, then accesses of the
// queue being served to open rows, oldest first. Row bus: a refresh, then the oldest access whose ACT or PRE is ready, then
// closing rows nobody waits for. Which accesses are candidates is the scheduler's (rules.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "hbm/bus_account.h"
#include "hbm/command_sink.h"
#include "hbm/counters.h"
#include "hbm/refresh_schedule.h"
#include "hbm/rules.h"

namespace cowosim::hbm {

/// Index of an access or a job.
using Index = std::uint16_t;
inline constexpr Index kNone = 0xFFFF;

/// The free ones of a table's entries.
class FreeList {
 public:
  explicit FreeList(std::size_t entries) : free_(entries), count_(entries) {
    for (std::size_t i = 0; i < entries; ++i) free_[i] = static_cast<Index>(entries - 1 - i);
  }
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == free_.size(); }
  std::size_t taken() const { return free_.size() - count_; }
  Index take() { return free_[--count_]; }
  void give(Index index) { free_[count_++] = index; }
  /// One more entry, taken already.
  void grow() { free_.push_back(kNone); }

 private:
  std::vector<Index> free_;
  std::size_t count_;
};

/// What the pseudo-channels of a channel share.
struct Buses {
  Half now = 0;  ///< the first edge that is not decided yet
  Half column_free = 0;
  Half row_free = 0;
  CommandSink* trace = nullptr;
};

class PseudoChannel {
 public:
  /// One 32-byte access: waiting in a queue, or active (its row is open or opening for it).
  struct Access {
    std::uint64_t order = 0;  ///< of service: acceptance, shifted by priority
    Path path;
    std::uint32_t row = 0;
    std::uint32_t column = 0;
    Index younger = kNone;  ///< in its bank's list
    Index older = kNone;
    Index next = kNone;  ///< in its queue
    Index previous = kNone;
    Index job = 0;
    std::uint8_t bank = 0;
    std::uint8_t queue = kReads;
    StreamId stream = 0;
    std::uint8_t attempt = 0;  ///< how often it has been read in vain
  };

  PseudoChannel(const Rules& rules, Buses& buses, int index, int streams, int extra_rcd_read);

  // Time. Edges are decided in order; `next` is when this pseudo-channel wants to be looked at.
  Half next() const { return std::min(std::min(column_time_, row_time_), refresh_time_); }
  Half refresh_time() const { return refresh_time_; }
  void refresh_tick(Half h);
  bool wants_column(Half h) const { return column_time_ <= h; }
  bool wants_row(Half h) const { return row_time_ <= h; }
  /// The other pseudo-channel took a command bus.
  void column_bus_taken() { columns_stale_ |= column_time_ < buses_.column_free; }
  void row_bus_taken() { rows_stale_ |= row_time_ < buses_.row_free; }
  void plan() {
    if (mode_stale_ | columns_stale_ | rows_stale_) replan();
  }
  /// Edge h decides with the mode that the queues' sizes ask for.
  void settle_mode(Half h) {
    if (frozen_ || write_mode_ == next_write_mode_) return;
    write_mode_ = next_write_mode_;
    mode_since_ = h;
  }

  // Queues.
  int used(Queue queue, Half h) const { return size_[queue] + (freed_edge_ == h ? freed_[queue] : 0); }
  bool freed_at(Queue queue, Half h) const { return freed_edge_ == h && freed_[queue] > 0; }
  /// False: a queued write holds the bytes already.
  bool enqueue(const Location& location, Index job, StreamId stream, Queue queue, std::uint64_t sequence, Half h);
  /// A read that must be done again, as old as it was.
  void requeue(const Access& access, Half h);

  // Hits in bulk (pseudo_channel_hits.h): what `issue_column` and `plan` do, for the read of a stream.
  bool hit_planned() const { return hit_planned_; }
  bool next_is_hit_of_stream(Half h) const;
  const Access& issue_hit(Half h);
  /// `plan`, when it is likely that the next command is such a read too.
  void plan_stream() {
    if (mode_stale_ || rows_stale_ || !columns_stale_ || !plan_next_hit()) plan();
  }

  /// The planned commands. The access stays valid until the next call of a non-const member.
  const Access& issue_column(Half h);
  /// The access it was for; nullptr: for none.
  const Access* issue_row(Half h);

  // Accounting.
  BusAccount& account() { return account_; }
  const BusAccount& account() const { return account_; }
  const Counters& counters() const { return counters_; }
  const Activity& activity(StreamId stream) const { return activity_[stream]; }
  int waiting() const { return account_.waiting(); }
  void check_idle(const std::string& where, std::vector<std::string>& broken) const;

 private:
  struct Bank {
    Half activate_ready = kLongAgo;  ///< rising edge; tRC, tRP, tRFCpb, and tRRD_L of its group
    Half precharge_ready = kLongAgo;
    std::array<Half, 2> column_ready{kLongAgo, kLongAgo};  ///< of reads, of writes: tRCD
    std::int32_t open_row = -1;
    Index active = kNone;          ///< the access its row was opened for, until its column command
    std::uint8_t group = 0;        ///< sid x bank groups + bank group
    std::uint8_t group_shift = 0;  ///< of its group's first bank in masks
    std::uint8_t sid = 0;
    std::uint8_t active_queue = kReads;
    std::int32_t overtaken = 0;  ///< hits that overtook an older access since the row was opened
  };

  /// What refresh, refresh management and page policy ask of a bank; out of the way of scheduling.
  struct BankCare {
    Half refresh_ready = kLongAgo;  ///< tRC, tRP, tRFCpb
    Half last_column = kLongAgo;
    Half timeout = 0;
    std::int32_t closed_row = -1;  ///< by the page policy
    std::int32_t activates = 0;    ///< rolling accumulated activates (RAA)
    RefreshSpan refresh;
  };

  /// A bank's part of one queue: accesses by order, and the only ones that can get the next command.
  struct BankList {
    Index head = kNone;
    Index tail = kNone;
    Index column = kNone;  ///< first access to the open row
    Index row = kNone;     ///< first access that needs ACT, or PRE where that is allowed
    std::uint64_t column_order = 0;
    std::uint64_t row_order = 0;
  };

  struct Group {
    std::array<Half, 2> column_ready{kLongAgo, kLongAgo};  ///< of reads, of writes: tCCD_L, tWTR_L
    Half read_turn = kLongAgo;                             ///< tWTR_L alone
    Half activate_ready = kLongAgo;                        ///< tRRD_L
    Half refresh_ready = kLongAgo;                         ///< REFpb after ACT
  };

  /// A refresh under way, from its choice to its command.
  struct Target {
    bool chosen = false;
    bool all = false;
    bool management = false;
    std::uint8_t bank = 0;
  };

  /// How a row command came about.
  enum class For : std::uint8_t { access, refresh, page };

  static std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
  unsigned bank_of(const Location& l) const {
    return static_cast<unsigned>((l.sid * rules_.bank_groups + l.bank_group) * rules_.banks_per_group + l.bank);
  }
  std::uint16_t& writes_at(unsigned bank, std::uint32_t row, std::uint32_t column) {
    return write_filter_[(row * 37u + column * 5u + bank * 67u) & 255u];
  }
  bool queued_write_holds(unsigned bank, const Location& location, Queue queue) const;
  Index new_access();
  void insert(Index index, Access& access, Half h);
  void append(Index index, Access& access);
  void insert_by_order(Index index, Access& access);
  void unlink(Access& access);
  void update_list(Queue queue, unsigned bank);
  void next_in_bank(Queue queue, unsigned bank);
  void update_lists(unsigned bank);
  void bank_closed(unsigned bank);
  void review_page(unsigned bank);
  void free_entry(Queue queue, Half h);
  /// Reading goes on whatever the sizes are, as long as there is something to read and not too much to write.
  void size_changed(Half h) {
    if (!write_mode_ && !next_write_mode_ && size_[kReads] != 0 && size_[kWrites] <= rules_.write_mode_on &&
        !rules_.drain_in_order)
      return;
    mode_stale_ = true;
    if (h > mode_edge_) mode_edge_ = h;
  }
  bool mode_after() const;
  void commit_mode(Half h);

  Queue served() const { return next_write_mode_ ? kWrites : kReads; }
  Half row_floor() const { return std::max(buses_.row_free, buses_.now); }
  Half column_floor(Queue queue) const {
    return std::max(rising(std::max(buses_.column_free, buses_.now)), turn_[queue]);
  }
  Half column_ready(Queue queue, const Bank& bank, Half floor) const {
    const Half own = std::max(bank.column_ready[queue], groups_[bank.group].column_ready[queue]);
    return std::max(own, std::max(floor, spacing(queue, bank.sid)));
  }
  /// tCCD_S, or tCCD_R from another SID.
  Half spacing(Queue queue, std::uint8_t sid) const {
    return sid == last_sid_[queue] ? same_sid_ready_[queue] : other_sid_ready_[queue];
  }
  Half precharge_edge(Half t) const { return rules_.timing.falling_precharge ? t : rising(t); }
  Half row_ready(const Access& access) const;
  /// The last edge for an ACT that does not push a planned REFpb or RFMpb out of its place: one after the other would, for
  /// ever.
  Half activate_limit() const {
    if (row_for_ != For::refresh || !target_.chosen || row_time_ == kNoEdge) return kNoEdge;
    const bool bank = row_command_ == Command::refresh_bank || row_command_ == Command::refresh_management_bank;
    return bank ? row_time_ - t_.activate_to_refresh_bank : kNoEdge;
  }
  void consider_column(Index index);
  void consider_active(Index index);
  void consider_row(Index index);
  void replan();
  bool plan_next_hit();
  void plan_columns();
  void plan_rows();
  void plan_refresh_command();
  void plan_page_close();

  void choose_refresh();
  std::uint64_t busy_banks() const { return queued_mask_[kReads] | queued_mask_[kWrites] | active_mask_; }
  int quiet_bank() const;
  void aim(unsigned bank, bool management);
  void aim_at_all();
  void plan_refresh_time();

  void after_read(Bank& bank, Group& group, StreamId stream, Half h);
  void activate(Index index, Half h);
  void precharge(unsigned bank, Half h);
  void precharge_for(Index index, Half h);
  void precharge_all(Half h);
  void refresh_all(Half h);
  void refresh_bank(Half h);
  void record(Command command, int bank, std::int32_t row, std::int32_t column, Half h);
  Loss column_cause(const Access& access, Half h) const;

  const Rules& rules_;
  const Timing& t_;
  Buses& buses_;
  std::uint8_t index_;
  Half activate_to_read_;  ///< the timing's, plus a planted fault

  // The next command of each bus, and when.
  Half column_time_ = kNoEdge;
  Half row_time_ = kNoEdge;
  Half refresh_time_ = kNoEdge;
  Index column_access_ = kNone;
  Index row_access_ = kNone;
  Command row_command_ = Command::activate;
  For row_for_ = For::access;
  std::uint8_t row_bank_ = 0;
  bool columns_stale_ = false;
  bool rows_stale_ = false;
  bool hit_planned_ = false;  ///< by plan_next_hit

  // Write mode: as of the last edge decided, and as it will be decided at mode_edge.
  bool write_mode_ = false;
  bool next_write_mode_ = false;
  bool mode_stale_ = true;
  bool frozen_ = false;  ///< a refresh of everything, or a strict one: only active accesses go on
  Half mode_edge_ = 0;
  Half mode_since_ = kLongAgo;  ///< edge of the last change

  // Banks as bits.
  std::array<std::uint64_t, 2> column_mask_{};  ///< with a `column` access, per queue
  std::array<std::uint64_t, 2> row_mask_{};     ///< with a `row` access
  std::array<std::uint64_t, 2> queued_mask_{};  ///< with any
  std::uint64_t active_mask_ = 0;
  std::uint64_t open_mask_ = 0;
  std::uint64_t blocked_ = 0;     ///< a refresh wants them: queued accesses get nothing
  std::uint64_t close_mask_ = 0;  ///< open for nobody, by the page policy
  std::uint64_t managed_ = 0;     ///< with at least raaimt activates

  std::array<int, 2> size_{};
  std::array<int, 2> freed_{};  ///< entries freed at freed_edge: usable from the next edge on
  Half freed_edge_ = -1;
  std::array<Index, 2> oldest_{kNone, kNone};
  std::array<Index, 2> youngest_{kNone, kNone};

  std::array<Half, 2> same_sid_ready_{kLongAgo, kLongAgo};   ///< tCCD_S of reads, of writes
  std::array<Half, 2> other_sid_ready_{kLongAgo, kLongAgo};  ///< tCCD_R
  std::array<std::uint8_t, 2> last_sid_{};
  int writes_held_ = 0;                           ///< queued or active
  std::array<Half, 2> turn_{kLongAgo, kLongAgo};  ///< tWTR_S for reads, tRTW for writes
  Half activate_spacing_ = kLongAgo;              ///< tRRD_S, tFAW
  Half activate_after_refresh_ = kLongAgo;
  Half precharge_spacing_ = kLongAgo;  ///< tPPD
  Half precharge_all_ready_ = kLongAgo;
  Half refresh_ready_ = kLongAgo;       ///< REFab
  Half bank_refresh_ready_ = kLongAgo;  ///< REFpb of any bank: tRREFD, tRRD_S, tRFC
  std::array<Half, 4> activates_{kLongAgo, kLongAgo, kLongAgo, kLongAgo};
  unsigned activate_index_ = 0;

  RefreshSchedule schedule_;
  Target target_;
  Half idle_since_ = 0;
  Queue last_direction_ = kReads;

  std::array<Bank, kMaxBanks> banks_;
  std::array<Group, kMaxBanks> groups_;
  std::array<std::array<BankList, kMaxBanks>, 2> lists_;
  std::vector<BankCare> care_;
  std::vector<Access> accesses_;
  FreeList free_accesses_;
  std::array<std::uint16_t, 256> write_filter_{};  ///< queued and active writes by a hash of the address

  Counters counters_;
  std::vector<Activity> activity_;  ///< by stream
  BusAccount account_;
};

}  // namespace cowosim::hbm
