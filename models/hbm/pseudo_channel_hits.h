// The part of a pseudo-channel that serves streams: consecutive reads of open rows, in bulk. Included where it is inlined.
//
// Everything here is a special case of pseudo_channel.cpp with the same results (a test compares them): the oldest read is a
// hit and goes as soon as any could, nothing is owed or changing, and its bank's next read is a hit as well.
#pragma once

#include <algorithm>

#include "hbm/pseudo_channel.h"

namespace cowosim::hbm {

/// Index of the lowest set bit, which is cleared.
inline unsigned take_bit(std::uint64_t& mask) {
  const auto bit = static_cast<unsigned>(__builtin_ctzll(mask));
  mask &= mask - 1;
  return bit;
}

/// In a stream the oldest access is a hit, and ready as soon as any could be: nothing else needs a look.
inline bool PseudoChannel::plan_next_hit() {
  if (blocked_ != 0 || frozen_ || (rules_.in_order && active_mask_ != 0)) return false;
  const Queue queue = served();
  const Index oldest = oldest_[queue];
  if (oldest == kNone) return false;
  const unsigned bank = accesses_[oldest].bank;
  if (lists_[queue][bank].column != oldest) return false;
  const Half floor = std::max(column_floor(queue), std::min(same_sid_ready_[queue], other_sid_ready_[queue]));
  if (column_ready(queue, banks_[bank], floor) != floor) return false;
  for (std::uint64_t mask = active_mask_; mask != 0;) {  // active ones come first
    const Bank& b = banks_[take_bit(mask)];
    const auto of = static_cast<Queue>(b.active_queue);
    if (column_ready(of, b, column_floor(of)) <= floor) return false;
  }
  columns_stale_ = false;
  hit_planned_ = true;
  column_time_ = floor;
  column_access_ = oldest;
  return true;
}

/// Whether the command planned for h is such a read, is the only thing that can happen here at h, and changes no other plan.
inline bool PseudoChannel::next_is_hit_of_stream(Half h) const {
  if (!hit_planned_ || columns_stale_ || rows_stale_ || mode_stale_) return false;
  if (column_time_ != h || row_time_ <= h || refresh_time_ <= h || h != account_.booked()) return false;
  if (write_mode_ || next_write_mode_ || size_[kReads] < 2) return false;
  if (target_.chosen || schedule_.owed() > 0 || managed_ != 0) return false;
  const Access& a = accesses_[column_access_];
  if (row_access_ != kNone && row_bank_ == a.bank) return false;
  return a.younger == kNone || static_cast<std::int32_t>(accesses_[a.younger].row) == banks_[a.bank].open_row;
}

/// What RD at h means for everything that follows.
inline void PseudoChannel::after_read(Bank& b, Group& g, StreamId stream, Half h) {
  g.column_ready[kReads] = h + t_.read_to_read_long;
  same_sid_ready_[kReads] = h + t_.read_to_read_short;
  other_sid_ready_[kReads] = h + t_.read_to_read_sid;
  last_sid_[kReads] = b.sid;
  turn_[kWrites] = h + t_.read_to_write;
  b.precharge_ready = std::max(b.precharge_ready, h + t_.read_to_precharge);
  precharge_all_ready_ = std::max(precharge_all_ready_, h + t_.read_to_precharge);
  ++counters_.reads;
  ++activity_[stream].reads;
}

inline const PseudoChannel::Access& PseudoChannel::issue_hit(Half h) {
  const Index index = column_access_;
  Access& a = accesses_[index];
  const unsigned bank = a.bank;
  Bank& b = banks_[bank];
  Group& g = groups_[b.group];
  last_direction_ = kReads;
  buses_.column_free = h + t_.column_bus;
  after_read(b, g, a.stream, h);
  ++counters_.row_hits;
  account_.left();
  care_[bank].last_column = h;

  // Out of its queue and its bank, where it was the first.
  oldest_[kReads] = a.next;
  accesses_[a.next].previous = kNone;
  BankList& list = lists_[kReads][bank];
  list.head = list.column = a.younger;
  if (a.younger == kNone) {
    list.tail = kNone;
    queued_mask_[kReads] &= ~bit(bank);
    column_mask_[kReads] &= ~bit(bank);
  } else {
    accesses_[a.younger].older = kNone;
    list.column_order = accesses_[a.younger].order;
  }
  free_entry(kReads, h);
  free_accesses_.give(index);
  columns_stale_ = true;
  return a;
}

}  // namespace cowosim::hbm
