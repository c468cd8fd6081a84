// When a pseudo-channel owes refreshes, and which banks have had theirs: counts only, no commands.
//
// Every interval one refresh falls due. When `postpone` are owed the next one is forced: issuing it takes a while, and one more
// would be too many. Up to `pull_in` may be issued before they are due. Per-bank refreshes go in rounds: each bank once before
// any bank twice.
#pragma once

#include <cstdint>

#include "hbm/rules.h"

namespace cowosim::hbm {

class RefreshSchedule {
 public:
  explicit RefreshSchedule(const Rules& rules)
      : rules_(rules),
        due_(rules.refresh ? edge_of(1) : kNoEdge),
        all_(rules.banks == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << rules.banks) - 1),
        round_(all_) {}

  /// The edge at which the next one falls due.
  Half due() const { return due_; }
  void fall_due() {
    due_ = edge_of(++fallen_due_ + 1);
    ++owed_;
  }
  /// Due and not issued; below 0: issued ahead.
  int owed() const { return owed_; }
  bool forced() const { return owed_ > 0 && owed_ >= rules_.postpone; }
  /// Forced ones do not keep up with what falls due.
  bool overdue() const { return owed_ > rules_.postpone + 4; }
  bool may_pull_in() const { return -owed_ < rules_.pull_in; }

  /// Banks that have not had their refresh of this round.
  std::uint64_t round() const { return round_; }
  unsigned first_of_round() const { return static_cast<unsigned>(__builtin_ctzll(round_)); }
  void issued_all() { --owed_; }
  void issued(unsigned bank) {
    --owed_;
    round_ &= ~(std::uint64_t{1} << bank);
    if (round_ == 0) round_ = all_;
  }

 private:
  /// The n-th falls due on the edge before its time, which a precharge may already use. Not n x interval: a per-bank interval
  /// is no whole number of clocks.
  Half edge_of(std::int64_t n) const {
    return (n * rules_.timing.refresh_interval / rules_.refreshes & ~Half{1}) - rules_.timing.row_step -
           rules_.refresh_lead;
  }

  const Rules& rules_;
  std::int64_t fallen_due_ = 0;
  Half due_;
  int owed_ = 0;
  std::uint64_t all_;
  std::uint64_t round_;
};

}  // namespace cowosim::hbm
