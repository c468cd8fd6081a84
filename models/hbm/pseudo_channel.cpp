#include "hbm/pseudo_channel.h"

#include <algorithm>

#include "hbm/pseudo_channel_hits.h"

namespace cowosim::hbm {

PseudoChannel::PseudoChannel(const Rules& rules, Buses& buses, int index, int streams, int extra_rcd_read)
    : rules_(rules),
      t_(rules.timing),
      buses_(buses),
      index_(static_cast<std::uint8_t>(index)),
      activate_to_read_(rules.timing.activate_to_read + 2 * extra_rcd_read),
      schedule_(rules),
      care_(static_cast<std::size_t>(rules.banks)),
      accesses_(static_cast<std::size_t>(rules.accesses())),
      free_accesses_(accesses_.size()),
      activity_(static_cast<std::size_t>(streams)),
      account_(rules.timing, streams) {
  for (int b = 0; b < rules.banks; ++b) {
    Bank& bank = banks_[static_cast<std::size_t>(b)];
    bank.group = static_cast<std::uint8_t>(b / rules.banks_per_group);
    bank.group_shift = static_cast<std::uint8_t>(bank.group * rules.banks_per_group);
    bank.sid = static_cast<std::uint8_t>(bank.group / rules.bank_groups);
    care_[static_cast<std::size_t>(b)].timeout = rules.page_timeout;
  }
  plan_refresh_time();
  plan();
}

// -------------------------------------------------------------------------------------------------------------- queues

bool PseudoChannel::queued_write_holds(unsigned bank, const Location& location, Queue queue) const {
  const auto same = [&](Index i) { return accesses_[i].row == location.row && accesses_[i].column == location.column; };
  for (Index w = lists_[kWrites][bank].head; w != kNone; w = accesses_[w].younger)
    if (same(w)) return true;
  const Index active = banks_[bank].active;
  return queue == kReads && active != kNone && accesses_[active].queue == kWrites && same(active);
}

inline Index PseudoChannel::new_access() {
  if (!free_accesses_.empty()) return free_accesses_.take();
  accesses_.emplace_back();  // only accesses that are read again can be more than there are entries
  free_accesses_.grow();
  return static_cast<Index>(accesses_.size() - 1);
}

inline void PseudoChannel::append(Index index, Access& a) {
  const Index youngest = youngest_[a.queue];
  a.previous = youngest;
  a.next = a.younger = kNone;
  (youngest == kNone ? oldest_[a.queue] : accesses_[youngest].next) = index;
  youngest_[a.queue] = index;
  BankList& list = lists_[a.queue][a.bank];
  a.older = list.tail;
  (list.tail == kNone ? list.head : accesses_[list.tail].younger) = index;
  list.tail = index;
}

inline void PseudoChannel::insert(Index index, Access& a, Half h) {
  const auto queue = static_cast<Queue>(a.queue);
  const Half visible = std::max(h, buses_.now);
  commit_mode(visible);
  ++size_[queue];
  size_changed(visible);
  account_.arrived(h);

  const Index youngest = youngest_[queue];
  if (youngest == kNone || accesses_[youngest].order < a.order) {
    append(index, a);
  } else {
    insert_by_order(index, a);
  }
  BankList& list = lists_[queue][a.bank];
  queued_mask_[queue] |= bit(a.bank);
  if (a.next != kNone) columns_stale_ = rows_stale_ = true;  // before others that may be planned

  // Not the first of its bank: it gets a command only if it is the first one to the open row (or came in between).
  if (a.older != kNone && a.younger == kNone &&
      (list.column != kNone || banks_[a.bank].open_row != static_cast<std::int32_t>(a.row)))
    return;
  const Index row_before = list.row;
  update_list(queue, a.bank);
  if (rules_.close_pages) review_page(a.bank);
  if (frozen_ || queue != served()) return;
  if (list.column == index) consider_column(index);
  if (list.row == index) consider_row(index);
  if (row_before != kNone && list.row == kNone && row_access_ == row_before) rows_stale_ = true;
}

bool PseudoChannel::enqueue(const Location& location, Index job, StreamId stream, Queue queue, std::uint64_t sequence,
                            Half h) {
  const unsigned bank = bank_of(location);
  if (writes_held_ != 0 && writes_at(bank, location.row, location.column) != 0 &&
      queued_write_holds(bank, location, queue)) {
    ++(queue == kReads ? counters_.forwarded : counters_.merged);
    return false;
  }
  if (queue == kWrites) ++writes_held_, ++writes_at(bank, location.row, location.column);
  const Index index = new_access();
  Access& a = accesses_[index];
  // With priorities the order is a date: of acceptance, and later by the handicap.
  a.order = rules_.handicap.empty()
                ? sequence
                : static_cast<std::uint64_t>(h + rules_.handicap[stream]) << 24 | (sequence & 0xFF'FFFF);
  a.path = {};
  a.path.accepted = h;
  a.row = location.row;
  a.column = location.column;
  a.job = job;
  a.bank = static_cast<std::uint8_t>(bank);
  a.queue = queue;
  a.stream = stream;
  a.attempt = 0;
  insert(index, a, h);
  return true;
}

void PseudoChannel::requeue(const Access& access, Half h) {
  const Index index = new_access();
  Access& a = accesses_[index];
  a = access;
  a.path = {};
  a.path.accepted = h;
  ++a.attempt;
  insert(index, a, h);
}

/// Only priorities and repeated reads put an access before another one.
void PseudoChannel::insert_by_order(Index index, Access& a) {
  Index before = youngest_[a.queue];
  while (before != kNone && accesses_[before].order > a.order) before = accesses_[before].previous;
  a.previous = before;
  a.next = before == kNone ? oldest_[a.queue] : accesses_[before].next;
  (before == kNone ? oldest_[a.queue] : accesses_[before].next) = index;
  (a.next == kNone ? youngest_[a.queue] : accesses_[a.next].previous) = index;

  BankList& list = lists_[a.queue][a.bank];
  before = list.tail;
  while (before != kNone && accesses_[before].order > a.order) before = accesses_[before].older;
  a.older = before;
  a.younger = before == kNone ? list.head : accesses_[before].younger;
  (before == kNone ? list.head : accesses_[before].younger) = index;
  (a.younger == kNone ? list.tail : accesses_[a.younger].older) = index;
}

inline void PseudoChannel::unlink(Access& a) {
  const std::uint8_t queue = a.queue;
  BankList& list = lists_[queue][a.bank];
  (a.older != kNone ? accesses_[a.older].younger : list.head) = a.younger;
  (a.younger != kNone ? accesses_[a.younger].older : list.tail) = a.older;
  (a.previous != kNone ? accesses_[a.previous].next : oldest_[queue]) = a.next;
  (a.next != kNone ? accesses_[a.next].previous : youngest_[queue]) = a.previous;
  if (list.head == kNone) queued_mask_[queue] &= ~bit(a.bank);
  if (rules_.in_order) columns_stale_ = rows_stale_ = true;  // the next one is the oldest now
}

/// Finds the accesses of a bank that can get the next column and row command.
void PseudoChannel::update_list(Queue queue, unsigned bank) {
  BankList& list = lists_[queue][bank];
  const Bank& b = banks_[bank];
  list.column = list.row = kNone;
  if (list.head != kNone) {
    const Access& head = accesses_[list.head];
    if (b.open_row < 0) {
      list.row = list.head;
    } else if (static_cast<std::int32_t>(head.row) == b.open_row) {
      list.column = list.head;  // and the row stays open for it
    } else {
      Index hit = head.younger;
      if (rules_.in_order || (rules_.hit_cap > 0 && b.overtaken >= rules_.hit_cap)) hit = kNone;
      while (hit != kNone && static_cast<std::int32_t>(accesses_[hit].row) != b.open_row) hit = accesses_[hit].younger;
      list.column = hit;
      // A younger hit does not keep the row open; one accepted at the same edge does.
      if (b.active == kNone && (hit == kNone || accesses_[hit].path.accepted > head.path.accepted))
        list.row = list.head;
    }
  }
  const std::uint64_t mask = bit(bank);
  if (list.column != kNone) {
    list.column_order = accesses_[list.column].order;
    column_mask_[queue] |= mask;
  } else {
    column_mask_[queue] &= ~mask;
  }
  if (list.row != kNone) {
    list.row_order = accesses_[list.row].order;
    row_mask_[queue] |= mask;
  } else {
    row_mask_[queue] &= ~mask;
  }
}

/// The same after the first hit has left: the next one, if it is the next of the bank.
inline void PseudoChannel::next_in_bank(Queue queue, unsigned bank) {
  BankList& list = lists_[queue][bank];
  if (list.head == kNone || static_cast<std::int32_t>(accesses_[list.head].row) != banks_[bank].open_row)
    return update_list(queue, bank);
  list.column = list.head;
  list.column_order = accesses_[list.head].order;
  list.row = kNone;
  row_mask_[queue] &= ~bit(bank);
}

/// The same for both queues, after the bank's state has changed; an empty list has nothing to find.
inline void PseudoChannel::update_lists(unsigned bank) {
  if (queued_mask_[kReads] & bit(bank)) update_list(kReads, bank);
  if (queued_mask_[kWrites] & bit(bank)) update_list(kWrites, bank);
}

/// The same after the bank was closed: the first one of each list needs ACT.
inline void PseudoChannel::bank_closed(unsigned bank) {
  const std::uint64_t mask = bit(bank);
  for (const Queue queue : {kReads, kWrites}) {
    if ((queued_mask_[queue] & mask) == 0) continue;
    BankList& list = lists_[queue][bank];
    list.column = kNone;
    list.row = list.head;
    list.row_order = accesses_[list.head].order;
    column_mask_[queue] &= ~mask;
    row_mask_[queue] |= mask;
  }
}

/// Whether the page policy wants the bank's row closed: open, and nobody has a use for it.
void PseudoChannel::review_page(unsigned bank) {
  const std::uint64_t mask = bit(bank);
  const bool wanted = (open_mask_ & mask) != 0 && (active_mask_ & mask) == 0 &&
                      ((column_mask_[kReads] | column_mask_[kWrites]) & mask) == 0;
  const std::uint64_t before = close_mask_;
  close_mask_ = wanted ? close_mask_ | mask : close_mask_ & ~mask;
  if (close_mask_ != before) rows_stale_ = true;
}

void PseudoChannel::free_entry(Queue queue, Half h) {
  --size_[queue];
  if (freed_edge_ != h) freed_edge_ = h, freed_ = {0, 0};
  ++freed_[queue];
}

bool PseudoChannel::mode_after() const {
  if (rules_.drain_in_order) {
    if (oldest_[kReads] == kNone || oldest_[kWrites] == kNone) return oldest_[kReads] == kNone;
    return accesses_[oldest_[kWrites]].order < accesses_[oldest_[kReads]].order;
  }
  if (write_mode_) return !(size_[kWrites] < rules_.write_mode_off && size_[kReads] != 0);
  return size_[kWrites] > rules_.write_mode_on || size_[kReads] == 0;
}

/// What was decided for an earlier edge is done when something changes at edge h.
void PseudoChannel::commit_mode(Half h) {
  if (mode_edge_ >= h || frozen_) return;
  if (mode_stale_) next_write_mode_ = mode_after(), columns_stale_ = rows_stale_ = true;
  write_mode_ = next_write_mode_;
}

// ------------------------------------------------------------------------------------------------------------ planning

/// Edge of the access's ACT or PRE.
Half PseudoChannel::row_ready(const Access& a) const {
  const Bank& b = banks_[a.bank];
  if (b.open_row < 0)
    return rising(
        std::max(std::max(row_floor(), b.activate_ready), std::max(activate_spacing_, activate_after_refresh_)));
  return precharge_edge(std::max(std::max(row_floor(), b.precharge_ready), precharge_spacing_));
}

/// The new candidate `index` (not an active access) against the planned command.
void PseudoChannel::consider_column(Index index) {
  if (columns_stale_) return;
  const Access& a = accesses_[index];
  if (blocked_ & bit(a.bank)) return;
  if (rules_.in_order && (oldest_[a.queue] != index || active_mask_ != 0)) return;
  const auto queue = static_cast<Queue>(a.queue);
  const Half t = column_ready(queue, banks_[a.bank], column_floor(queue));
  if (t < column_time_) {  // at the same edge the older and the active ones win, and this is the youngest
    column_time_ = t;
    column_access_ = index;
    hit_planned_ = false;
  }
}

void PseudoChannel::consider_active(Index index) {
  if (columns_stale_) return;
  const Access& a = accesses_[index];
  const auto queue = static_cast<Queue>(a.queue);
  const Half t = column_ready(queue, banks_[a.bank], column_floor(queue));
  if (t > column_time_) return;
  if (t == column_time_) {
    const Access& planned = accesses_[column_access_];
    const bool active = banks_[planned.bank].active == column_access_;
    if (active && planned.path.accepted <= a.path.accepted) return;  // older, or as old and activated before
  }
  column_time_ = t;
  column_access_ = index;
  hit_planned_ = false;
}

void PseudoChannel::consider_row(Index index) {
  if (rows_stale_) return;
  const Access& a = accesses_[index];
  if (blocked_ & bit(a.bank)) return;
  if (rules_.in_order && oldest_[a.queue] != index) return;
  const Half t = row_ready(a);
  const bool opens = banks_[a.bank].open_row < 0;
  if (t > row_time_ || (opens && t > activate_limit())) return;
  if (t == row_time_ &&
      (row_for_ == For::refresh || (row_for_ == For::access && a.order >= accesses_[row_access_].order)))
    return;
  row_time_ = t;
  row_access_ = index;
  row_bank_ = a.bank;
  row_for_ = For::access;
  row_command_ = opens ? Command::activate : Command::precharge;
}

void PseudoChannel::replan() {
  if (mode_stale_ && !frozen_) {
    const bool mode = mode_after();
    if (mode != next_write_mode_) columns_stale_ = rows_stale_ = true;
    next_write_mode_ = mode;
    mode_stale_ = false;
  }
  if (!target_.chosen && (schedule_.owed() > 0 || managed_ != 0)) choose_refresh();
  if (columns_stale_ && !plan_next_hit()) plan_columns();
  if (rows_stale_) plan_rows();
}

/// The earliest edge at which a column command can be issued, and the access that gets it.
void PseudoChannel::plan_columns() {
  columns_stale_ = hit_planned_ = false;
  Half best = kNoEdge;
  Index winner = kNone;
  if (active_mask_ != 0) {
    const std::array<Half, 2> floor{column_floor(kReads), column_floor(kWrites)};
    std::uint64_t mask = active_mask_;
    do {
      const Bank& b = banks_[take_bit(mask)];
      const Half t = column_ready(static_cast<Queue>(b.active_queue), b, floor[b.active_queue]);
      if (rules_.in_order) {  // the one that was activated first, whenever it is ready
        if (winner != kNone && accesses_[winner].path.activated < accesses_[b.active].path.activated) continue;
      } else if (t > best) {
        continue;
      } else if (t == best) {  // the older one; equally old ones in the order of their ACT
        const Path& a = accesses_[b.active].path;
        const Path& w = accesses_[winner].path;
        if (a.accepted > w.accepted || (a.accepted == w.accepted && a.activated > w.activated)) continue;
      }
      best = t;
      winner = b.active;
    } while (mask != 0);
  }
  const Queue queue = served();
  std::uint64_t mask = frozen_ ? 0 : column_mask_[queue] & ~blocked_;
  if (mask != 0) {
    const Half floor = column_floor(queue);
    const Half active_best = best;
    if (rules_.in_order) {
      const unsigned first = accesses_[oldest_[queue]].bank;
      if (active_mask_ != 0) mask = 0;
      mask &= lists_[queue][first].column == oldest_[queue] ? bit(first) : 0;
    }
    std::uint64_t winner_order = 0;
    while (mask != 0) {
      // A bank group at a time: where the group is not ready in time, none of its banks is.
      const Bank& b = banks_[static_cast<unsigned>(__builtin_ctzll(mask))];
      std::uint64_t in_group = mask & rules_.group_mask << b.group_shift;
      mask ^= in_group;
      const Half group = std::max(std::max(groups_[b.group].column_ready[queue], spacing(queue, b.sid)), floor);
      if (group > best || group >= active_best) continue;
      do {
        const unsigned bank = take_bit(in_group);
        const Half t = std::max(group, banks_[bank].column_ready[queue]);
        if (t > best || t >= active_best) continue;
        const BankList& list = lists_[queue][bank];
        if (t == best && list.column_order > winner_order) continue;
        best = t;
        winner = list.column;
        winner_order = list.column_order;
      } while (in_group != 0);
    }
  }
  column_time_ = best;
  column_access_ = winner;
}

/// The same for row commands.
void PseudoChannel::plan_rows() {
  rows_stale_ = false;
  row_time_ = kNoEdge;
  row_access_ = kNone;
  if (target_.chosen) plan_refresh_command();
  if (frozen_) return;
  const Queue queue = served();
  std::uint64_t candidates = row_mask_[queue] & ~blocked_;
  if (rules_.in_order && candidates != 0) {
    const unsigned first = accesses_[oldest_[queue]].bank;
    candidates &= lists_[queue][first].row == oldest_[queue] ? bit(first) : 0;
  }
  Half best = row_time_;
  const BankList* winner = nullptr;
  const BankList* const lists = lists_[queue].data();
  const auto consider = [&](Half t, unsigned bank) {
    const BankList& list = lists[bank];
    if (t > best || (t == best && (winner == nullptr || list.row_order > winner->row_order))) return;
    best = t;
    winner = &list;
  };
  if (std::uint64_t mask = candidates & ~open_mask_; mask != 0) {
    const Half floor = rising(std::max(std::max(row_floor(), activate_spacing_), activate_after_refresh_));
    const Half latest = activate_limit();
    if (floor <= std::min(best, latest)) {
      do {
        const unsigned bank = take_bit(mask);
        const Half t = std::max(floor, banks_[bank].activate_ready);
        if (t <= latest) consider(t, bank);
      } while (mask != 0);
    }
  }
  if (std::uint64_t mask = candidates & open_mask_; mask != 0) {
    const Half floor = std::max(row_floor(), precharge_spacing_);
    const bool falling = t_.falling_precharge;
    do {
      const unsigned bank = take_bit(mask);
      const Half t = std::max(floor, banks_[bank].precharge_ready);
      consider(falling ? t : rising(t), bank);
    } while (mask != 0);
  }
  if (winner != nullptr) {
    row_time_ = best;
    row_access_ = winner->row;
    row_bank_ = static_cast<std::uint8_t>(winner - lists);
    row_for_ = For::access;
    row_command_ = open_mask_ & bit(row_bank_) ? Command::precharge : Command::activate;
  }
  if (close_mask_ != 0) plan_page_close();
}

/// Closing a row for nobody waits behind whatever somebody waits for.
void PseudoChannel::plan_page_close() {
  const Half floor = std::max(row_floor(), precharge_spacing_);
  for (std::uint64_t mask = close_mask_ & ~blocked_; mask != 0;) {
    const unsigned bank = take_bit(mask);
    const BankCare& care = care_[bank];
    const Half t =
        precharge_edge(std::max(std::max(floor, banks_[bank].precharge_ready), care.last_column + care.timeout));
    if (t >= row_time_) continue;
    row_time_ = t;
    row_access_ = kNone;
    row_bank_ = static_cast<std::uint8_t>(bank);
    row_for_ = For::page;
    row_command_ = Command::precharge;
  }
}

// ------------------------------------------------------------------------------------------------------------- refresh

/// A refresh falls due at h, or an idle pseudo-channel issues one ahead.
void PseudoChannel::refresh_tick(Half h) {
  commit_mode(h);
  const bool due = schedule_.due() <= h;
  if (due) schedule_.fall_due();
  if (!target_.chosen) {
    if (schedule_.owed() > 0 || managed_ != 0) {
      choose_refresh();
    } else if (!due && account_.waiting() == 0) {  // ahead
      if (rules_.per_bank) {
        if (const int bank = quiet_bank(); bank >= 0) aim(static_cast<unsigned>(bank), false);
      } else {
        aim_at_all();
      }
    }
  }
  plan_refresh_time();
}

/// The next edge at which refresh needs a look: the next one falls due, or idleness has lasted long enough to work ahead.
void PseudoChannel::plan_refresh_time() {
  refresh_time_ = schedule_.due();
  if (rules_.pull_in == 0 || target_.chosen || account_.waiting() > 0 || !schedule_.may_pull_in()) return;
  const Half rest = rules_.per_bank ? t_.refresh_bank_cycle : t_.refresh_cycle;
  refresh_time_ = std::min(refresh_time_, std::max(buses_.now, rising(idle_since_ + rest)));
}

/// Something is owed. Strict: now, banks in order, and everything but begun accesses waits for it. Hidden: a bank nobody
/// waits for, if there is one; else, when no more may be postponed, the first of the round.
void PseudoChannel::choose_refresh() {
  const bool must = schedule_.owed() > 0 && (rules_.strict || schedule_.forced());
  if (managed_ != 0 && !must) {  // activates go on to cause management: refresh must not wait for it for ever
    for (std::uint64_t mask = managed_ & blocked_; mask != 0;) {
      const unsigned bank = take_bit(mask);
      if (care_[bank].activates >= rules_.raammt) return aim(bank, true);
    }
    const std::uint64_t quiet = managed_ & ~busy_banks();
    if (quiet != 0) return aim(static_cast<unsigned>(__builtin_ctzll(quiet)), true);
  }
  if (schedule_.owed() <= 0) return;
  if (!rules_.per_bank) {
    if (rules_.strict || schedule_.forced() || account_.waiting() == 0) aim_at_all();
    return;
  }
  if (rules_.strict) {
    aim(schedule_.first_of_round(), false);
    frozen_ = columns_stale_ = true;
    account_.refresh_from(buses_.now);
    return;
  }
  const int bank = quiet_bank();
  if (bank >= 0) {
    aim(static_cast<unsigned>(bank), false);
  } else if (schedule_.forced()) {
    aim(schedule_.first_of_round(), false);
  }
  if (target_.chosen && schedule_.overdue()) {  // one beside the other work is too slow: stand still, as strict does
    frozen_ = columns_stale_ = true;
    account_.refresh_from(buses_.now);
  }
}

/// The bank of this round that will be wanted last: of those nobody waits for and that have rested for tRC, the one a
/// stream has left last. -1: there is none.
int PseudoChannel::quiet_bank() const {
  const Half left = buses_.now - t_.activate_to_activate;
  int best = -1;
  for (std::uint64_t mask = schedule_.round() & ~busy_banks(); mask != 0;) {
    const unsigned bank = take_bit(mask);
    const Half last = care_[bank].last_column;
    if (last <= left && (best < 0 || last > care_[static_cast<unsigned>(best)].last_column))
      best = static_cast<int>(bank);
  }
  return best;
}

void PseudoChannel::aim(unsigned bank, bool management) {
  target_ = {true, false, management, static_cast<std::uint8_t>(bank)};
  blocked_ |= bit(bank);
  care_[bank].refresh = {buses_.now, kNoEdge};
  rows_stale_ = true;
  if ((column_mask_[kReads] | column_mask_[kWrites]) & bit(bank)) columns_stale_ = true;
}

void PseudoChannel::aim_at_all() {
  target_ = {true, true, false, 0};
  frozen_ = true;
  account_.refresh_from(buses_.now);
  columns_stale_ = rows_stale_ = true;
}

/// It waits for active accesses, closes what is open, and refreshes.
void PseudoChannel::plan_refresh_command() {
  const std::uint64_t banks = target_.all ? ~std::uint64_t{0} : bit(target_.bank);
  if (active_mask_ & banks) return;
  row_for_ = For::refresh;
  row_bank_ = target_.bank;
  if (target_.all) {
    if (open_mask_ != 0) {
      row_time_ = precharge_edge(std::max({row_floor(), precharge_all_ready_, precharge_spacing_}));
      row_command_ = Command::precharge_all;
    } else {
      row_time_ = rising(std::max(row_floor(), refresh_ready_));
      row_command_ = Command::refresh_all;
    }
    return;
  }
  const Bank& b = banks_[target_.bank];
  if (b.open_row >= 0) {
    row_time_ = precharge_edge(std::max({row_floor(), b.precharge_ready, precharge_spacing_}));
    row_command_ = Command::precharge;
  } else {
    row_time_ = rising(std::max(
        {row_floor(), care_[target_.bank].refresh_ready, bank_refresh_ready_, groups_[b.group].refresh_ready}));
    row_command_ = target_.management ? Command::refresh_management_bank : Command::refresh_bank;
  }
}

// ------------------------------------------------------------------------------------------------------------ commands

void PseudoChannel::record(Command command, int bank, std::int32_t row, std::int32_t column, Half h) {
  CommandRecord r;
  r.time = t_.edge(h);
  r.pseudo_channel = index_;
  r.command = command;
  if (bank >= 0) {
    const int group = bank / rules_.banks_per_group;
    r.sid = static_cast<std::int16_t>(group / rules_.bank_groups);
    r.bank_group = static_cast<std::int16_t>(group % rules_.bank_groups);
    r.bank = static_cast<std::int16_t>(bank % rules_.banks_per_group);
    r.row = row;
    r.column = column;
  }
  buses_.trace->command(r);
}

/// Which constraint let a column command go last?
Loss PseudoChannel::column_cause(const Access& a, Half h) const {
  const Bank& b = banks_[a.bank];
  const Group& g = groups_[b.group];
  const Half turn = a.queue == kWrites ? turn_[kWrites] : std::max(turn_[kReads], g.read_turn);
  const Half spacing = std::max(g.column_ready[a.queue], this->spacing(static_cast<Queue>(a.queue), b.sid));
  Loss cause = a.queue != last_direction_ ? Loss::turnaround : Loss::command_bus;
  Half limit = h - 2;
  if (buses_.column_free > limit) limit = buses_.column_free, cause = Loss::command_bus;
  if (spacing > limit) limit = spacing, cause = Loss::column_spacing;
  if (turn >= limit) cause = Loss::turnaround;  // g.column_ready holds tWTR_L as well
  return cause;
}

const PseudoChannel::Access& PseudoChannel::issue_column(Half h) {
  const Index index = column_access_;
  Access& a = accesses_[index];
  const unsigned bank = a.bank;
  Bank& b = banks_[bank];
  Group& g = groups_[b.group];
  const bool write = a.queue == kWrites;

  const RefreshSpan& bank_refresh = care_[bank].refresh;
  if (h > account_.booked())
    account_.book_gap(a.path, h, column_cause(a, h), write ? t_.activate_to_write : activate_to_read_, bank_refresh);
  account_.hold_until(h, bank_refresh.end > account_.refresh().end ? bank_refresh : account_.refresh());
  last_direction_ = static_cast<Queue>(a.queue);

  buses_.column_free = h + t_.column_bus;
  if (write) {
    g.column_ready[kWrites] = h + t_.write_to_write_long;
    same_sid_ready_[kWrites] = other_sid_ready_[kWrites] = h + t_.write_to_write_short;
    turn_[kReads] = h + t_.write_to_read_short;
    g.read_turn = h + t_.write_to_read_long;
    g.column_ready[kReads] = std::max(g.column_ready[kReads], g.read_turn);
    b.precharge_ready = std::max(b.precharge_ready, h + t_.write_to_precharge);
    precharge_all_ready_ = std::max(precharge_all_ready_, h + t_.write_to_precharge);
    ++counters_.writes;
    ++activity_[a.stream].writes;
    --writes_held_, --writes_at(bank, a.row, a.column);
  } else {
    after_read(b, g, a.stream, h);
  }
  if (a.path.activated == kLongAgo) ++counters_.row_hits;
  if (buses_.trace != nullptr)
    record(write ? Command::write : Command::read, static_cast<int>(bank), static_cast<std::int32_t>(a.row),
           static_cast<std::int32_t>(a.column), h);
  account_.left();

  columns_stale_ = true;
  care_[bank].last_column = h;
  if (b.active == index) {
    b.active = kNone;
    active_mask_ &= ~bit(bank);
    update_lists(bank);
  } else {
    const auto queue = static_cast<Queue>(a.queue);
    if (a.older != kNone) ++b.overtaken;
    unlink(a);
    free_entry(queue, h);
    size_changed(h);
    next_in_bank(queue, bank);
    if (rules_.hit_cap > 0 && b.overtaken >= rules_.hit_cap) update_lists(bank);  // the other queue's hits wait as well
  }
  if (rules_.close_pages) review_page(bank);
  if (target_.chosen || (row_access_ != kNone && row_bank_ == bank)) {
    rows_stale_ = true;
  } else if (const Index row = lists_[served()][bank].row; row != kNone) {
    consider_row(row);
  }
  if (account_.waiting() == 0) {
    idle_since_ = h;
    plan_refresh_time();
  }
  free_accesses_.give(index);
  return a;
}

const PseudoChannel::Access* PseudoChannel::issue_row(Half h) {
  rows_stale_ = true;
  const Index index = row_for_ == For::access ? row_access_ : kNone;
  switch (row_command_) {
    case Command::activate:
      activate(index, h);
      break;
    case Command::precharge:
      index != kNone ? precharge_for(index, h) : precharge(row_bank_, h);
      break;
    case Command::precharge_all:
      precharge_all(h);
      break;
    case Command::refresh_all:
      refresh_all(h);
      break;
    default:
      refresh_bank(h);
  }
  return index == kNone ? nullptr : &accesses_[index];
}

void PseudoChannel::activate(Index index, Half h) {
  Access& a = accesses_[index];
  Bank& b = banks_[a.bank];
  Group& g = groups_[b.group];

  Half limit = h - 2;
  Path& path = a.path;
  path.activate_cause = rules_.in_order ? Loss::bank_conflict : Loss::command_bus;  // behind older ones, or on the bus
  if (mode_since_ > limit) limit = mode_since_, path.activate_cause = Loss::turnaround;
  if (buses_.row_free > limit) limit = buses_.row_free, path.activate_cause = Loss::command_bus;
  path.window = std::max(g.activate_ready, activate_spacing_);
  if (path.window > limit) limit = path.window, path.activate_cause = Loss::four_activate_window;
  if (b.activate_ready > limit) limit = b.activate_ready, path.activate_cause = Loss::bank_conflict;
  if (activate_after_refresh_ > limit) path.activate_cause = Loss::refresh;
  path.activated = h;

  buses_.row_free = h + t_.activate_bus;
  b.open_row = static_cast<std::int32_t>(a.row);
  b.active = index;
  b.active_queue = a.queue;
  b.overtaken = 0;
  b.column_ready = {rising(h + activate_to_read_), rising(h + t_.activate_to_write)};
  b.precharge_ready = h + t_.activate_to_precharge;
  g.activate_ready = h + t_.activate_to_activate_long;
  g.refresh_ready = h + t_.activate_to_refresh_bank_group;
  for (Bank *n = &banks_[b.group_shift], *const end = n + rules_.banks_per_group; n != end; ++n)
    n->activate_ready = std::max(n->activate_ready, g.activate_ready);
  b.activate_ready = rising(h + t_.activate_to_activate);
  activates_[activate_index_] = h;
  activate_index_ = (activate_index_ + 1) % 4;
  activate_spacing_ = std::max(h + t_.activate_to_activate_short, activates_[activate_index_] + t_.four_activates);
  precharge_all_ready_ = std::max(precharge_all_ready_, b.precharge_ready);
  refresh_ready_ = std::max(refresh_ready_, h + t_.activate_to_refresh);
  bank_refresh_ready_ = std::max(bank_refresh_ready_, h + t_.activate_to_refresh_bank);
  open_mask_ |= bit(a.bank);
  active_mask_ |= bit(a.bank);
  ++counters_.activates;
  ++activity_[a.stream].activates;
  BankCare& care = care_[a.bank];
  care.refresh_ready = h + t_.activate_to_refresh;
  if (rules_.raaimt != 0 && ++care.activates >= rules_.raaimt) managed_ |= bit(a.bank);
  if (rules_.raaimt != 0 && care.activates >= rules_.raammt) {  // whatever refresh is under way elsewhere
    blocked_ |= bit(a.bank);
    columns_stale_ = true;
  }
  if (rules_.adaptive && care.closed_row == b.open_row)  // closed too early
    care.timeout = std::min(2 * std::max<Half>(care.timeout, 2), rules_.page_timeout_limit);
  if (buses_.trace != nullptr) record(Command::activate, a.bank, b.open_row, -1, h);

  const auto queue = static_cast<Queue>(a.queue);
  unlink(a);
  free_entry(queue, h);
  size_changed(h + 1);
  update_list(queue, a.bank);  // may be empty now
  const Queue other = queue == kReads ? kWrites : kReads;
  if (queued_mask_[other] & bit(a.bank)) update_list(other, a.bank);
  if (rules_.close_pages) review_page(a.bank);
  // The new active access is the only new column candidate, but for older ones to the same row.
  if (rules_.in_order || ((column_mask_[kReads] | column_mask_[kWrites]) & bit(a.bank)) != 0)
    columns_stale_ = true;
  else
    consider_active(index);
}

/// PRE of a bank, for whatever reason.
void PseudoChannel::precharge(unsigned bank, Half h) {
  Bank& b = banks_[bank];
  BankCare& care = care_[bank];
  if (buses_.trace != nullptr) record(Command::precharge, static_cast<int>(bank), b.open_row, -1, h);
  care.closed_row = row_for_ == For::page ? b.open_row : -1;
  buses_.row_free = h + t_.precharge_bus;
  b.open_row = -1;
  b.activate_ready = std::max(b.activate_ready, rising(h + t_.precharge_to_activate));
  care.refresh_ready = std::max(care.refresh_ready, h + t_.precharge_to_refresh);
  precharge_spacing_ = h + t_.precharge_to_precharge;
  refresh_ready_ = std::max(refresh_ready_, h + t_.precharge_to_refresh);
  open_mask_ &= ~bit(bank);
  close_mask_ &= ~bit(bank);
  ++counters_.precharges;
  if ((column_mask_[kReads] | column_mask_[kWrites]) & bit(bank)) columns_stale_ = true;
  bank_closed(bank);
}

void PseudoChannel::precharge_for(Index index, Half h) {
  Access& a = accesses_[index];
  a.path.precharge_cause =
      std::max(buses_.row_free, precharge_spacing_) > std::max(h - 1, banks_[a.bank].precharge_ready)
          ? Loss::command_bus
          : Loss::bank_conflict;
  a.path.precharged = h;
  BankCare& care = care_[a.bank];
  if (rules_.adaptive) care.timeout /= 2;  // closed too late
  precharge(a.bank, h);
}

void PseudoChannel::precharge_all(Half h) {
  buses_.row_free = h + t_.precharge_bus;
  precharge_spacing_ = h + t_.precharge_to_precharge;
  refresh_ready_ = std::max(refresh_ready_, h + t_.precharge_to_refresh);
  for (std::uint64_t mask = open_mask_; mask != 0;) {
    const unsigned bank = take_bit(mask);
    Bank& b = banks_[bank];
    b.open_row = -1;
    b.activate_ready = std::max(b.activate_ready, rising(h + t_.precharge_to_activate));
    care_[bank].refresh_ready = std::max(care_[bank].refresh_ready, h + t_.precharge_to_refresh);
    care_[bank].closed_row = -1;
    bank_closed(bank);
  }
  open_mask_ = close_mask_ = 0;
  ++counters_.precharges;
  if (buses_.trace != nullptr) record(Command::precharge_all, -1, -1, -1, h);
}

void PseudoChannel::refresh_all(Half h) {
  buses_.row_free = h + t_.precharge_bus;
  activate_after_refresh_ = std::max(activate_after_refresh_, h + t_.refresh_to_activate);
  account_.refresh_until(h + t_.refresh_to_activate);
  precharge_all_ready_ = std::max(precharge_all_ready_, h + t_.refresh_to_precharge);
  refresh_ready_ = std::max(refresh_ready_, h + t_.refresh_cycle);
  bank_refresh_ready_ = std::max(bank_refresh_ready_, h + t_.refresh_cycle);
  for (std::size_t b = 0; b < care_.size(); ++b) {
    care_[b].activates = std::max(0, care_[b].activates - rules_.raaimt);
    if (care_[b].activates < rules_.raaimt) managed_ &= ~bit(static_cast<unsigned>(b));
  }
  blocked_ = 0;  // by too many activates; there is no other target
  target_ = {};
  frozen_ = false;
  columns_stale_ = true;
  size_changed(h + 1);
  schedule_.issued_all();
  ++counters_.refreshes;
  if (buses_.trace != nullptr) record(Command::refresh_all, -1, -1, -1, h);
  idle_since_ = std::max(idle_since_, h);
  plan_refresh_time();
}

/// REFpb or RFMpb.
void PseudoChannel::refresh_bank(Half h) {
  const unsigned bank = target_.bank;
  const Bank& b = banks_[bank];
  BankCare& care = care_[bank];
  buses_.row_free = h + t_.precharge_bus;
  activate_after_refresh_ = std::max(activate_after_refresh_, h + t_.refresh_bank_to_activate_other);
  for (unsigned n = b.group_shift; n < b.group_shift + static_cast<unsigned>(rules_.banks_per_group); ++n)
    banks_[n].activate_ready = std::max(banks_[n].activate_ready, rising(h + t_.refresh_bank_to_activate_group));
  banks_[bank].activate_ready = std::max(b.activate_ready, rising(h + t_.refresh_bank_to_activate));
  care.refresh_ready = std::max(care.refresh_ready, h + t_.refresh_bank_cycle);
  care.refresh.end = h + t_.refresh_bank_to_activate;
  bank_refresh_ready_ = std::max(bank_refresh_ready_, h + t_.refresh_bank_to_refresh_bank);
  refresh_ready_ = std::max(refresh_ready_, h + t_.refresh_bank_cycle);
  care.activates = std::max(0, care.activates - rules_.raaimt);
  if (care.activates < rules_.raaimt) managed_ &= ~bit(bank);
  if (target_.management) {
    ++counters_.refresh_managements;
  } else {
    schedule_.issued(bank);
    ++counters_.bank_refreshes;
  }
  if (frozen_) {
    frozen_ = false;
    account_.refresh_until(h);
    size_changed(h + 1);
  }
  blocked_ &= ~bit(bank);
  columns_stale_ = true;
  const Command command = target_.management ? Command::refresh_management_bank : Command::refresh_bank;
  target_ = {};
  if (buses_.trace != nullptr) record(command, static_cast<int>(bank), -1, -1, h);
  idle_since_ = std::max(idle_since_, h);
  plan_refresh_time();
}

void PseudoChannel::check_idle(const std::string& where, std::vector<std::string>& broken) const {
  if (account_.waiting() != 0 || size_[kReads] != 0 || size_[kWrites] != 0 || active_mask_ != 0 ||
      !free_accesses_.full())
    broken.push_back(where + "accesses are left in queues or banks");
  account_.check(counters_.reads + counters_.writes, where, broken);
}

}  // namespace cowosim::hbm
