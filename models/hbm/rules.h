// What the controller of a channel goes by: every parameter resolved once, as the integers that decisions are made of.
//
// Policies are data here. A scheduler, page policy, refresh scheme or drain policy is a few of these numbers; the places
// that read them are named beside each. A new policy is a new name in hbm_params.h and a row in rules.cpp, unless it needs a
// number that nobody reads yet.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/transaction.h"
#include "hbm/hbm_params.h"
#include "hbm/timing.h"

namespace cowosim::hbm {

/// Queues, and directions of the data bus.
enum Queue : std::uint8_t { kReads = 0, kWrites = 1 };

/// Far away, but safe to add to.
inline constexpr Half kNoEdge = INT64_MAX / 4;
inline constexpr Half kLongAgo = -(Half{1} << 40);

/// Largest transaction: an interleave granule of 512 bytes.
inline constexpr int kMaxAtoms = 16;
inline constexpr int kMaxBanks = 64;

struct Rules {
  /// Everything that is wrong with the parameters' combination; empty when a channel can be built.
  static std::vector<ParameterProblem> problems(const HbmParams& params);

  /// `channel`: its place in the package (stack x channels + channel), for staggered refresh. `streams`: how many
  /// StreamIds occur. `urgency[stream]`: steps behind the most urgent stream; empty: all alike.
  /// Throws std::invalid_argument with the first of `problems`.
  Rules(const HbmParams& params, int channel, int streams, const std::vector<int>& urgency);

  /// That a pseudo-channel holds at most: queued, or active.
  int accesses() const { return entries[0] + entries[1] + banks; }

  Timing timing;
  int bank_groups = 4;  ///< per SID
  int banks_per_group = 4;
  int banks = 16;                ///< of a pseudo-channel, all SIDs
  std::uint64_t group_mask = 0;  ///< the banks of group 0

  bool bulk = true;  ///< Channel::serve_hits

  // Queues (Channel::room) and write mode (PseudoChannel::mode_after).
  std::array<int, 2> entries{};
  bool shared_queues = false;
  int write_mode_off = 0;  ///< below this many writes, if something is to be read
  int write_mode_on = 0;   ///< above this many
  bool drain_in_order = false;

  // Scheduler (PseudoChannel::update_list, plan_columns, plan_rows).
  bool in_order = false;
  std::int32_t hit_cap = 0;    ///< 0: none
  std::vector<Half> handicap;  ///< by stream: an access counts as that much younger; empty: all alike

  // Page policy (PseudoChannel::review_page).
  bool close_pages = false;
  bool adaptive = false;
  Half page_timeout = 0;
  Half page_timeout_limit = 0;

  // Refresh (RefreshSchedule, PseudoChannel::choose_refresh).
  bool refresh = true;
  bool per_bank = false;
  bool strict = true;
  int postpone = 0;  ///< refreshes, all-bank or of any bank
  int pull_in = 0;
  int refreshes = 1;      ///< in tREFI: one of all banks, or one of each
  Half refresh_lead = 0;  ///< of this channel, where channels take turns
  int raaimt = 0;         ///< 0: no refresh management
  int raammt = 0;

  // Errors (Channel::judge_data). A read is wrong in one bit, or in more, with these chances out of 2^64.
  bool errors = false;
  bool sideband = false;
  bool on_die = false;
  std::uint64_t single_error = 0;
  std::uint64_t double_error = 0;
  int replays = 0;
  Half check_latency = 0;
};

}  // namespace cowosim::hbm
