// Where the time of one data bus went, and who waited for whom: losses and holding times of a pseudo-channel.
//
// Loss: each gap is booked when the column command that ends it is decided, at command time. Busy time and every loss are
// counted on their own; their sum is compared with the time.
// Blame: cumulative holding times of the bus. A burst belongs to its stream; a gap to refresh while one was in the way,
// else to timing. A waiter takes the difference between entry and exit.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "hbm/counters.h"
#include "hbm/rules.h"
#include "telemetry/blame.h"

namespace cowosim::hbm {

/// The life of an access up to its column command, as edges.
struct Path {
  Half accepted = 0;
  Half precharged = kLongAgo;  ///< PRE on its behalf
  Half activated = kLongAgo;   ///< ACT on its behalf
  Half window = kLongAgo;      ///< until when tRRD, tFAW forbade that ACT
  Loss precharge_cause = Loss::bank_conflict;
  Loss activate_cause = Loss::bank_conflict;
};

/// A refresh is in the way in [begin, end).
struct RefreshSpan {
  Half begin = kLongAgo;
  Half end = kLongAgo;
};

class BusAccount {
 public:
  BusAccount(const Timing& timing, int streams)
      : timing_(timing), holders_(static_cast<std::size_t>(streams) + 2), held_(holders_, 0) {}

  /// An access was queued at h; one got its column command.
  void arrived(Half h) {
    if (waiting_++ == 0) busy_since_ = h;
  }
  void left() { --waiting_; }
  int waiting() const { return waiting_; }

  /// The bus has been idle since `booked()`; a column command at h ends that. `activate_latency`: ACT to this command.
  /// `refresh`: that of the access's bank; the pseudo-channel's own is known.
  void book_gap(const Path& path, Half h, Loss column_cause, Half activate_latency, const RefreshSpan& refresh);
  /// The burst of a column command at h.
  void book_burst(Half h, StreamId stream) {
    booked_ = h + timing_.burst;
    busy_ += timing_.burst;
    held_[stream] += timing_.burst;
    held_until_ = booked_;
    holder_ = stream;
  }
  Half booked() const { return booked_; }

  /// A refresh of the whole pseudo-channel: from now on, and until (kNoEdge: not known yet).
  void refresh_from(Half h) {
    hold_until(h);
    refresh_ = {h, kNoEdge};
  }
  void refresh_until(Half h) { refresh_.end = h; }
  const RefreshSpan& refresh() const { return refresh_; }

  // Blame.
  std::size_t holders() const { return holders_; }
  /// Nobody's data was on the bus in [held_until, h).
  void hold_until(Half h) { hold_until(h, refresh_); }
  void hold_until(Half h, const RefreshSpan& refresh) {
    if (h <= held_until_) return;
    const Half begin = std::max(held_until_, refresh.begin);
    const Half end = std::min(h, refresh.end);
    const Half refreshing = end > begin ? end - begin : 0;
    held_[holders_ - 2] += refreshing;
    held_[holders_ - 1] += h - held_until_ - refreshing;
    held_until_ = h;
  }
  /// Holding times so far, for one who begins to wait at h. The rest of a burst under way is still to be waited for.
  void snapshot(Half h, Half* entry) {
    hold_until(h);
    for (std::size_t i = 0; i < holders_; ++i) entry[i] = held_[i];
    if (held_until_ > h) entry[holder_] -= held_until_ - h;
  }
  /// The wait since `entry` ends; `wait` is what it adds up to.
  void charge(const Half* entry, StreamId victim, Half wait);
  const telemetry::Blame& blame() const { return blame_; }
  Time waited() const { return timing_.edge(waited_); }
  Time data_time(StreamId stream) const { return timing_.edge(held_[stream]); }

  /// `end` not before the last decision but for the burst under way.
  LossAccount loss(Time end) const;
  /// Busy time is `bursts` x burst, and with the losses the time booked; blame adds up to the time waited.
  void check(std::uint64_t bursts, const std::string& where, std::vector<std::string>& broken) const;

 private:
  const Timing& timing_;
  Half booked_ = 0;  ///< the bus is accounted for up to here
  Half busy_ = 0;
  std::array<Half, kLosses> lost_{};
  int waiting_ = 0;
  Half busy_since_ = 0;  ///< waiting is > 0 since
  RefreshSpan refresh_;
  std::size_t holders_;
  std::vector<Half> held_;  ///< per stream, then refresh, then timing: cumulative up to held_until
  Half held_until_ = 0;
  StreamId holder_ = 0;  ///< who holds the bus when held_until lies in the future
  Half waited_ = 0;
  telemetry::Blame blame_;
};

}  // namespace cowosim::hbm
