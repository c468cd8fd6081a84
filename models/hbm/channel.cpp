#include "hbm/channel.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cowosim::hbm {

using engine::Phase;
using telemetry::Holder;

namespace {

/// Largest transaction: an interleave granule of 512 bytes.
constexpr std::size_t kMaxAtoms = 16;

/// Index of the lowest set bit, which is cleared.
inline unsigned take_bit(std::uint64_t& mask) {
  const auto bit = static_cast<unsigned>(__builtin_ctzll(mask));
  mask &= mask - 1;
  return bit;
}

inline std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }

/// Bucket of a write in the filter that tells most reads at once that no queued write holds their bytes.
inline std::size_t bucket(unsigned bank, std::uint32_t row, std::uint32_t column) {
  return (row * 37u + column * 5u + bank * 67u) & 255u;
}

}  // namespace

Channel::Channel(const HbmParams& params, const MemoryMap& map, int streams) : map_(map) {
  const Generation* generation = find_generation(params.generation);
  if (generation == nullptr) throw std::invalid_argument("unknown HBM generation '" + params.generation + "'");
  const int banks = params.sids * params.bank_groups * params.banks;
  if (banks > kMaxBanks)
    throw std::invalid_argument("a pseudo-channel has " + std::to_string(banks) + " banks, at most 64");
  if (params.sids > 4) throw std::invalid_argument("a channel has more than 4 SIDs");
  if (params.pseudo_channels < 1 || params.pseudo_channels > generation->pseudo_channels)
    throw std::invalid_argument(params.generation + " has " + std::to_string(generation->pseudo_channels) +
                                " pseudo-channels per channel");
  if (map.geometry().pseudo_channels != params.pseudo_channels || map.geometry().sids != params.sids ||
      map.geometry().bank_groups != params.bank_groups || map.geometry().banks != params.banks)
    throw std::invalid_argument("memory map and channel disagree about pseudo-channels, SIDs or banks");
  const ControllerParams& c = params.controller;
  const int largest = static_cast<int>(kMaxAtoms);
  if (c.read_queue_entries < largest || c.write_queue_entries < largest)
    throw std::invalid_argument("read and write queue need at least 16 entries: one transaction of 512 bytes");
  if (c.door_entries < 1) throw std::invalid_argument("the door needs at least 1 entry");
  if (streams < 1 || streams > static_cast<int>(kMaxStreams)) throw std::invalid_argument("a run has 1..16 streams");
  if (c.write_low_watermark > c.write_high_watermark)
    throw std::invalid_argument("write_low_watermark lies above write_high_watermark");

  timing_ = resolve(*generation, params.data_rate, channel_gigabits(params, generation->pseudo_channels));
  entries_ = {c.read_queue_entries, c.write_queue_entries};
  watermark_ = {static_cast<int>(std::ceil(c.write_low_watermark * c.write_queue_entries)),
                static_cast<int>(std::floor(c.write_high_watermark * c.write_queue_entries))};
  banks_per_group_ = static_cast<unsigned>(params.banks);
  holders_ = static_cast<std::size_t>(streams) + 2;
  group_mask_ = (std::uint64_t{1} << params.banks) - 1;
  credit_batch_ = static_cast<std::uint16_t>(c.credit_batch);
  refresh_ = c.refresh != "none";
  front_latency_ = c.front_latency;
  return_latency_ = c.return_latency;
  drop_response_after_ = params.fault.drop_response_after;

  const std::size_t accesses = static_cast<std::size_t>(c.read_queue_entries + c.write_queue_entries + banks);
  pcs_.resize(static_cast<std::size_t>(params.pseudo_channels));
  for (std::size_t p = 0; p < pcs_.size(); ++p) {
    PseudoChannel& pc = pcs_[p];
    for (int b = 0; b < banks; ++b) {
      pc.banks[static_cast<std::size_t>(b)].group = static_cast<std::uint8_t>(b / params.banks);
      pc.banks[static_cast<std::size_t>(b)].group_shift = static_cast<std::uint8_t>(b / params.banks * params.banks);
      pc.banks[static_cast<std::size_t>(b)].sid = static_cast<std::uint8_t>(b / params.banks / params.bank_groups);
    }
    pc.activate_to_read = timing_.activate_to_read;
    if (static_cast<int>(p) == params.fault.pseudo_channel) pc.activate_to_read += 2 * params.fault.extra_rcd_read;
    pc.accesses.resize(accesses);
    for (std::size_t i = accesses; i-- > 0;) pc.free_accesses.push_back(static_cast<Index>(i));
    pc.held.assign(holders_, 0);
    pc.activity.resize(static_cast<std::size_t>(streams));
    // Due on the falling edge before n x tREFI, which a precharge-all may already use. Both pseudo-channels at once:
    // they share the door, so that one waits for the other anyway.
    if (refresh_) pc.next_refresh = timing_.refresh_interval - 1;
    pc.mode_stale = true;
    plan(pc);
  }
  door_.resize(static_cast<std::size_t>(c.door_entries));
  const std::size_t jobs = accesses * pcs_.size();
  jobs_.resize(jobs);
  for (PseudoChannel& pc : pcs_)
    pc.held_at_entry.assign(jobs * holders_, 0), pc.held_at_door.assign(door_.size() * holders_, 0);
  for (std::size_t i = jobs; i-- > 0;) free_jobs_.push_back(static_cast<Index>(i));
  plan_next();
}

Time Channel::hit_latency() const { return timing_.edge(timing_.read_latency + timing_.burst); }
Time Channel::closed_latency() const {
  return timing_.edge(rising(timing_.activate_to_read) + timing_.read_latency + timing_.burst);
}
Time Channel::conflict_latency() const {
  return timing_.edge(rising(timing_.precharge_to_activate) + rising(timing_.activate_to_read) + timing_.read_latency +
                      timing_.burst);
}

// ---------------------------------------------------------------------------------------------------------------- time

void Channel::advance(Time until) {
  if (until <= 0) return;
  const Half last = (until - 1) / timing_.half_period;
  while (next_ <= last) step(next_);
  advanced_ = until;
}

void Channel::step(Half h) {
  now_ = h;
  for (PseudoChannel& pc : pcs_)
    if (pc.next_refresh <= h) begin_refresh(pc, h);
  if (door_time_ <= h) accept(h);
  for (PseudoChannel& pc : pcs_) {
    plan(pc);
    set_mode(pc, h);
  }

  const bool two = pcs_.size() == 2;
  // The column bus, then the row bus; when both pseudo-channels want one, the one that did not have it last.
  const auto winner = [&](bool first, bool second, unsigned last) {
    return first && second ? 1 - last : first ? 0u : 1u;
  };
  {
    const bool first = pcs_[0].column_time <= h;
    const bool second = two && pcs_[1].column_time <= h;
    if (first || second) {
      const unsigned w = winner(first, second, last_column_);
      PseudoChannel& pc = pcs_[w];
      issue_column(pc, h);
      last_column_ = w;
      if (two && pcs_[1 - w].column_time < column_bus_free_) pcs_[1 - w].columns_stale = true;
      plan(pc);
      set_mode(pc, h);
    }
  }
  {
    const bool first = pcs_[0].row_time <= h;
    const bool second = two && pcs_[1].row_time <= h;
    if (first || second) {
      const unsigned w = winner(first, second, last_row_);
      issue_row(pcs_[w], h);
      last_row_ = w;
      if (two && pcs_[1 - w].row_time < row_bus_free_) pcs_[1 - w].rows_stale = true;
    }
  }
  now_ = h + 1;  // edge h is decided; what still arrives at its time is decided from the next edge on
  // What comes into an entry freed at h does so at h + 1, whatever arrives until then: it stands behind it in the door.
  if (door_time_ == h + 1) accept(h + 1);
  for (PseudoChannel& pc : pcs_) plan(pc);
  plan_next();
}

void Channel::plan_next() {
  Half next = door_time_;
  for (const PseudoChannel& pc : pcs_) {
    next = std::min(next, std::min(pc.column_time, pc.row_time));
    if (!pc.refresh_pending) next = std::min(next, pc.next_refresh);
  }
  next_ = next;
}

// ---------------------------------------------------------------------------------------------------------------- door

void Channel::receive(const engine::Message& message) {
  while (next_ != kNoEdge && timing_.edge(next_) < message.time) step(next_);  // housekeeping of an idle channel
  if (message.time > advanced_) advanced_ = message.time;
  if (message.phase != Phase::request) throw std::logic_error(name() + ": an HBM channel receives requests only");
  if (door_count_ == door_.size()) throw std::logic_error(name() + ": a request arrived without a credit for the door");
  transaction(message.transaction).stages.enter(Stage::queue, message.time);
  ++outstanding_;
  const Half ready = timing_.index_at(message.time + front_latency_);
  std::size_t slot = door_first_ + door_count_;
  if (slot >= door_.size()) slot -= door_.size();
  door_[slot] = {message.transaction, ready, timing_.index_at(message.time)};
  for (PseudoChannel& pc : pcs_) begin_wait(pc, slot, door_[slot].arrived);
  if (++door_count_ > 1) return;
  if (timing_.edge(ready) != message.time || ready < accepted_at_) {
    door_time_ = std::max(ready, accepted_at_);
  } else {
    if (ready > now_) now_ = ready;
    accept(ready);
    for (PseudoChannel& pc : pcs_) plan(pc);
  }
  plan_next();
}

void Channel::decode_front(Handle handle) {
  const Transaction& t = transaction(handle);
  const std::uint64_t first = t.fetch_address / kAtomBytes;
  const std::uint64_t atoms = (t.fetch_address + t.fetch_bytes - 1) / kAtomBytes - first + 1;
  if (t.fetch_bytes == 0 || atoms > kMaxAtoms)
    throw std::logic_error(name() + ": a transaction asks memory for " + std::to_string(t.fetch_bytes) +
                           " bytes, not 1..512");
  front_.known = true;
  front_.queue = t.op == Op::write ? kWrites : kReads;
  front_.atoms = static_cast<std::uint16_t>(atoms);
  front_.needed = {0, 0};
  for (std::size_t i = 0; i < atoms; ++i) {
    front_.where[i] = map_.decode((first + i) * kAtomBytes);
    ++front_.needed[front_.where[i].pseudo_channel];
  }
}

/// Lets transactions out of the door at edge h, in order, while there is room for all their accesses.
void Channel::accept(Half h) {
  while (door_count_ > 0) {
    const Waiting waiting = door_[door_first_];
    if (waiting.ready > h) {
      door_time_ = waiting.ready;
      return;
    }
    if (!front_.known) decode_front(waiting.handle);
    const Queue queue = front_.queue;
    for (std::size_t p = 0; p < pcs_.size(); ++p) {
      const PseudoChannel& pc = pcs_[p];
      const int freed_now = pc.freed_edge == h ? pc.freed[queue] : 0;
      if (front_.needed[p] > 0 && pc.size[queue] + freed_now + front_.needed[p] > entries_[queue]) {
        door_time_ = freed_now > 0 ? h + 1 : kNoEdge;  // otherwise until an entry is freed
        return;
      }
    }
    front_.known = false;
    accepted_at_ = h;
    const std::size_t slot = door_first_;
    if (++door_first_ == door_.size()) door_first_ = 0;
    --door_count_;
    const Time now = timing_.edge(h);
    if (++credits_owed_ == credit_batch_ || door_count_ == 0) {
      send(0, Phase::credit, kNoHandle, now + return_latency_ + latency(0), credits_owed_);
      credits_owed_ = 0;
    }
    ++transactions_;
    const Index j = free_jobs_.back();
    free_jobs_.pop_back();
    Job& job = jobs_[j];
    job = {waiting.handle, waiting.arrived, h, h, h, front_.atoms, false, queue == kWrites};
    Transaction& t = transaction(waiting.handle);
    const StreamId stream = t.stream < holders_ - 2 ? t.stream : static_cast<StreamId>(holders_ - 3);
    if (queue == kWrites) {
      t.stages.enter(Stage::phy, now);
      respond(waiting.handle, now);
    }
    for (std::size_t p = 0; p < pcs_.size(); ++p) {
      if (front_.needed[p] == 0) continue;
      const auto at_door = pcs_[p].held_at_door.begin() + static_cast<std::ptrdiff_t>(slot * holders_);
      std::copy_n(at_door, holders_, pcs_[p].held_at_entry.begin() + static_cast<std::ptrdiff_t>(j * holders_));
    }
    for (std::size_t i = 0; i < front_.atoms; ++i)
      enqueue(pcs_[front_.where[i].pseudo_channel], front_.where[i], j, stream, queue, h);
    if (job.remaining == 0) finish(job);
  }
  door_time_ = kNoEdge;
}

void Channel::enqueue(PseudoChannel& pc, const Location& location, Index job, StreamId stream, Queue queue, Half h) {
  const MemoryGeometry& g = map_.geometry();
  const unsigned bank =
      static_cast<unsigned>((location.sid * g.bank_groups + location.bank_group) * g.banks + location.bank);
  std::uint16_t& writes_here = pc.write_filter[bucket(bank, location.row, location.column)];
  if (writes_here != 0) {
    Index w = pc.lists[kWrites][bank].head;
    while (w != kNone && (pc.accesses[w].row != location.row || pc.accesses[w].column != location.column))
      w = pc.accesses[w].next;
    if (w == kNone && queue == kReads && pc.banks[bank].active != kNone) {
      const Access& active = pc.accesses[pc.banks[bank].active];
      if (active.queue == kWrites && active.row == location.row && active.column == location.column)
        w = pc.banks[bank].active;
    }
    if (w != kNone) {  // the bytes are here already
      ++(queue == kReads ? pc.counters.forwarded : pc.counters.merged);
      Job& done = jobs_[job];
      --done.remaining;
      done.end = std::max(done.end, h + 1);
      return;
    }
  }
  commit_mode(pc, std::max(h, now_));
  const Index index = pc.free_accesses.back();
  pc.free_accesses.pop_back();
  Access& a = pc.accesses[index];
  a.order = order_++;
  a.accepted = h;
  a.precharged = kLongAgo;
  a.activated = kLongAgo;
  a.row = location.row;
  a.column = location.column;
  a.job = job;
  a.bank = static_cast<std::uint8_t>(bank);
  a.queue = queue;
  a.stream = stream;
  if (queue == kWrites) ++writes_here;
  ++pc.size[queue];
  size_changed(pc, std::max(h, now_));
  if (pc.waiting++ == 0) pc.busy_since = h;

  // The youngest of its bank: it gets a command only if there was none to give, or if it is the first one to the open
  // row.
  BankList& list = pc.lists[queue][bank];
  a.next = kNone;
  a.previous = list.tail;
  if (list.tail != kNone) {
    pc.accesses[list.tail].next = index;
    list.tail = index;
    if (list.column != kNone || pc.banks[bank].open_row != static_cast<std::int32_t>(a.row)) return;
  } else {
    list.head = list.tail = index;
  }
  const Index row_before = list.row;
  update_list(pc, queue, bank);
  if (pc.refresh_pending || queue != (pc.next_write_mode ? kWrites : kReads)) return;
  if (list.column == index) consider_column(pc, index);
  if (list.row == index) consider_row(pc, index);
  if (row_before != kNone && list.row == kNone && pc.row_access == row_before) pc.rows_stale = true;
}

// ---------------------------------------------------------------------------------------------------- queues and
// planning

/// Finds the accesses of a bank that can get the next column and row command.
void Channel::update_list(PseudoChannel& pc, Queue queue, unsigned bank) {
  BankList& list = pc.lists[queue][bank];
  const Bank& b = pc.banks[bank];
  list.column = list.row = kNone;
  if (list.head != kNone) {
    const Access& head = pc.accesses[list.head];
    if (b.open_row < 0) {
      list.row = list.head;
    } else if (static_cast<std::int32_t>(head.row) == b.open_row) {
      list.column = list.head;  // and the row stays open for it
    } else {
      Index hit = head.next;
      while (hit != kNone && static_cast<std::int32_t>(pc.accesses[hit].row) != b.open_row) hit = pc.accesses[hit].next;
      list.column = hit;
      // A younger hit does not keep the row open; one accepted at the same edge does.
      if (b.active == kNone && (hit == kNone || pc.accesses[hit].accepted != head.accepted)) list.row = list.head;
    }
  }
  const std::uint64_t mask = bit(bank);
  if (list.column != kNone) {
    list.column_order = pc.accesses[list.column].order;
    pc.column_mask[queue] |= mask;
  } else {
    pc.column_mask[queue] &= ~mask;
  }
  if (list.row != kNone) {
    list.row_order = pc.accesses[list.row].order;
    pc.row_mask[queue] |= mask;
  } else {
    pc.row_mask[queue] &= ~mask;
  }
}

/// The same for both queues, after the bank's state has changed; an empty list has nothing to find.
inline void Channel::update_lists(PseudoChannel& pc, unsigned bank) {
  if (pc.lists[kReads][bank].head != kNone) update_list(pc, kReads, bank);
  if (pc.lists[kWrites][bank].head != kNone) update_list(pc, kWrites, bank);
}

void Channel::unlink(PseudoChannel& pc, Access& a) {
  BankList& list = pc.lists[a.queue][a.bank];
  (a.previous != kNone ? pc.accesses[a.previous].next : list.head) = a.next;
  (a.next != kNone ? pc.accesses[a.next].previous : list.tail) = a.previous;
}

/// Edge from which a column command is allowed in a bank whose row is open or opening. `floor`: bus and turnaround.
/// All are rising edges: so is every column command, their distances are whole clocks, and tRCD is rounded up at ACT.
inline Half Channel::column_ready(const PseudoChannel& pc, Queue queue, const Bank& b, Half floor) {
  const Half bank = std::max(b.column_ready[queue], pc.groups[b.group].column_ready[queue]);
  return std::max(bank, std::max(floor, pc.spacing[queue][b.sid]));
}

/// The same for its ACT or PRE.
Half Channel::row_ready(const PseudoChannel& pc, const Access& a) const {
  const Bank& b = pc.banks[a.bank];
  if (b.open_row < 0)
    return rising(
        std::max(std::max(row_floor(), b.activate_ready), std::max(pc.activate_spacing, pc.activate_after_refresh)));
  const Half t = std::max(std::max(row_floor(), b.precharge_ready), pc.precharge_spacing);
  return timing_.falling_precharge ? t : rising(t);
}

/// The new candidate `index` (not an active access) against the planned command.
void Channel::consider_column(PseudoChannel& pc, Index index) {
  if (pc.columns_stale) return;
  const Access& a = pc.accesses[index];
  const auto queue = static_cast<Queue>(a.queue);
  const Half t =
      column_ready(pc, queue, pc.banks[a.bank], std::max(rising(std::max(column_bus_free_, now_)), pc.turn[queue]));
  if (t < pc.column_time) {  // at the same edge the older and the active ones win, and this is the youngest
    pc.column_time = t;
    pc.column_access = index;
  }
}

void Channel::consider_active(PseudoChannel& pc, Index index) {
  if (pc.columns_stale) return;
  const Access& a = pc.accesses[index];
  const auto queue = static_cast<Queue>(a.queue);
  const Half t =
      column_ready(pc, queue, pc.banks[a.bank], std::max(rising(std::max(column_bus_free_, now_)), pc.turn[queue]));
  if (t > pc.column_time) return;
  if (t == pc.column_time) {
    const Access& planned = pc.accesses[pc.column_access];
    const bool active = pc.banks[planned.bank].active == pc.column_access;
    if (active && planned.accepted <= a.accepted) return;  // older, or as old and activated before
  }
  pc.column_time = t;
  pc.column_access = index;
}

void Channel::consider_row(PseudoChannel& pc, Index index) {
  if (pc.rows_stale) return;
  const Access& a = pc.accesses[index];
  const Half t = row_ready(pc, a);
  if (t < pc.row_time || (t == pc.row_time && a.order < pc.accesses[pc.row_access].order)) {
    pc.row_time = t;
    pc.row_access = index;
    pc.row_command = pc.banks[a.bank].open_row < 0 ? Command::activate : Command::precharge;
  }
}

bool Channel::mode_after(const PseudoChannel& pc) const {
  if (pc.write_mode) return !(pc.size[kWrites] < watermark_[0] && pc.size[kReads] != 0);
  return pc.size[kWrites] > watermark_[1] || pc.size[kReads] == 0;
}

/// What was decided for an earlier edge is done when something changes at edge h.
void Channel::commit_mode(PseudoChannel& pc, Half h) {
  if (pc.mode_edge >= h || pc.refresh_pending) return;
  if (pc.mode_stale) pc.next_write_mode = mode_after(pc), pc.columns_stale = pc.rows_stale = true;
  pc.write_mode = pc.next_write_mode;
}

void Channel::plan(PseudoChannel& pc) {
  if (pc.mode_stale && !pc.refresh_pending) {
    const bool mode = mode_after(pc);
    if (mode != pc.next_write_mode) pc.columns_stale = pc.rows_stale = true;
    pc.next_write_mode = mode;
    pc.mode_stale = false;
  }
  if (pc.columns_stale) plan_columns(pc);
  if (pc.rows_stale) plan_rows(pc);
}

/// The earliest edge at which a column command can be issued, and the access that gets it: active ones first, then the
/// oldest.
void Channel::plan_columns(PseudoChannel& pc) {
  pc.columns_stale = false;
  Half best = kNoEdge;
  Index winner = kNone;
  const Half bus = rising(std::max(column_bus_free_, now_));
  const std::array<Half, 2> floor{std::max(bus, pc.turn[kReads]), std::max(bus, pc.turn[kWrites])};
  for (std::uint64_t mask = pc.active_mask; mask != 0;) {
    const Bank& b = pc.banks[take_bit(mask)];
    const Half t = column_ready(pc, static_cast<Queue>(b.active_queue), b, floor[b.active_queue]);
    if (t > best) continue;
    if (t == best) {  // the older one; equally old ones in the order of their ACT
      const Access& a = pc.accesses[b.active];
      const Access& w = pc.accesses[winner];
      if (a.accepted > w.accepted || (a.accepted == w.accepted && a.activated > w.activated)) continue;
    }
    best = t;
    winner = b.active;
  }
  const Queue queue = pc.next_write_mode ? kWrites : kReads;
  std::uint64_t mask = pc.column_mask[queue];
  if (mask != 0 && !pc.refresh_pending) {
    const Half active_best = best;
    std::uint64_t winner_order = 0;
    do {
      // A bank group at a time: where the group is not ready in time, none of its banks is.
      const Bank& first = pc.banks[static_cast<unsigned>(__builtin_ctzll(mask))];
      std::uint64_t in_group = mask & group_mask_ << first.group_shift;
      mask ^= in_group;
      const Half group =
          std::max(std::max(pc.groups[first.group].column_ready[queue], pc.spacing[queue][first.sid]), floor[queue]);
      if (group > best || group >= active_best) continue;
      do {
        const unsigned bank = take_bit(in_group);
        const Half t = std::max(group, pc.banks[bank].column_ready[queue]);
        if (t > best || t >= active_best) continue;
        const BankList& list = pc.lists[queue][bank];
        if (t == best && list.column_order > winner_order) continue;
        best = t;
        winner = list.column;
        winner_order = list.column_order;
      } while (in_group != 0);
    } while (mask != 0);
  }
  pc.column_time = best;
  pc.column_access = winner;
}

/// The same for row commands. A pending refresh comes first: it waits for the active accesses, then closes all banks.
void Channel::plan_rows(PseudoChannel& pc) {
  pc.rows_stale = false;
  pc.row_time = kNoEdge;
  pc.row_access = kNone;
  if (pc.refresh_pending) {
    if (pc.active_mask != 0) return;
    if (pc.open_mask != 0) {
      const Half t = std::max({row_floor(), pc.precharge_all_ready, pc.precharge_spacing});
      pc.row_time = timing_.falling_precharge ? t : rising(t);
      pc.row_command = Command::precharge_all;
    } else {
      pc.row_time = rising(std::max(row_floor(), pc.refresh_ready));
      pc.row_command = Command::refresh_all;
    }
    return;
  }
  const Queue queue = pc.next_write_mode ? kWrites : kReads;
  Half best = kNoEdge;
  Index winner = kNone;
  std::uint64_t winner_order = 0;
  const auto consider = [&](Half t, unsigned bank) {
    if (t > best) return;
    const BankList& list = pc.lists[queue][bank];
    if (t == best && list.row_order > winner_order) return;
    best = t;
    winner = list.row;
    winner_order = list.row_order;
  };
  const Half activate_floor = rising(std::max(std::max(row_floor(), pc.activate_spacing), pc.activate_after_refresh));
  for (std::uint64_t mask = pc.row_mask[queue] & ~pc.open_mask; mask != 0;) {
    const unsigned bank = take_bit(mask);
    consider(std::max(activate_floor, pc.banks[bank].activate_ready), bank);
  }
  Half precharge_floor = std::max(row_floor(), pc.precharge_spacing);
  if (!timing_.falling_precharge)
    precharge_floor = rising(precharge_floor);  // all other times are on rising edges then
  for (std::uint64_t mask = pc.row_mask[queue] & pc.open_mask; mask != 0;) {
    const unsigned bank = take_bit(mask);
    consider(std::max(precharge_floor, pc.banks[bank].precharge_ready), bank);
  }
  if (winner == kNone) return;
  pc.row_time = best;
  pc.row_access = winner;
  pc.row_command = pc.open_mask & bit(pc.accesses[winner].bank) ? Command::precharge : Command::activate;
}

/// Edge h decides with the mode that the queues' sizes ask for.
void Channel::set_mode(PseudoChannel& pc, Half h) {
  if (pc.refresh_pending || pc.write_mode == pc.next_write_mode) return;
  pc.write_mode = pc.next_write_mode;
  pc.mode_since = h;
}

void Channel::begin_refresh(PseudoChannel& pc, Half h) {
  commit_mode(pc, h);
  hold_until(pc, h);
  pc.refresh_pending = true;
  pc.refresh_begin = h;
  pc.refresh_end = kNoEdge;
  pc.next_refresh += timing_.refresh_interval;
  pc.columns_stale = pc.rows_stale = true;
}

// ------------------------------------------------------------------------------------------------------------ commands

void Channel::record(const PseudoChannel& pc, Command command, const Access* access, Half h) {
  CommandRecord r;
  r.time = timing_.edge(h);
  r.pseudo_channel = static_cast<std::uint8_t>(&pc - pcs_.data());
  r.command = command;
  if (access != nullptr) {
    const MemoryGeometry& g = map_.geometry();
    const int group = access->bank / g.banks;
    r.sid = static_cast<std::int16_t>(group / g.bank_groups);
    r.bank_group = static_cast<std::int16_t>(group % g.bank_groups);
    r.bank = static_cast<std::int16_t>(access->bank % g.banks);
    r.row = command == Command::precharge ? pc.banks[access->bank].open_row : static_cast<std::int32_t>(access->row);
    if (command == Command::read || command == Command::write) r.column = static_cast<std::int32_t>(access->column);
  }
  trace_->command(r);
}

void Channel::issue_column(PseudoChannel& pc, Half h) {
  const Index index = pc.column_access;
  Access& a = pc.accesses[index];
  Bank& b = pc.banks[a.bank];
  Group& g = pc.groups[b.group];
  const bool write = a.queue == kWrites;

  if (h > pc.booked) {
    // Which constraint let go last?
    const Half turn = write ? pc.turn[kWrites] : std::max(pc.turn[kReads], g.read_turn);
    const Half spacing = std::max(g.column_ready[a.queue], pc.spacing[a.queue][b.sid]);
    Loss cause = a.queue != pc.last_direction ? Loss::turnaround : Loss::command_bus;
    Half limit = h - 2;
    if (column_bus_free_ > limit) limit = column_bus_free_, cause = Loss::command_bus;
    if (spacing > limit) limit = spacing, cause = Loss::column_spacing;
    if (turn >= limit) cause = Loss::turnaround;  // g.column_ready holds tWTR_L as well
    book(pc, a, h, cause);
  }
  pc.booked = h + timing_.burst;
  pc.busy += timing_.burst;
  pc.last_direction = static_cast<Queue>(a.queue);

  hold_until(pc, h);
  if (jobs_[a.job].remaining == 1) end_wait(pc, a, h);
  pc.held[a.stream] += timing_.burst;
  pc.held_until = h + timing_.burst;
  pc.holder = a.stream;
  --pc.waiting;

  column_bus_free_ = h + timing_.column_bus;
  Half end;
  if (write) {
    g.column_ready[kWrites] = h + timing_.write_to_write_long;
    pc.spacing[kWrites].fill(h + timing_.write_to_write_short);
    pc.turn[kReads] = h + timing_.write_to_read_short;
    g.read_turn = h + timing_.write_to_read_long;
    g.column_ready[kReads] = std::max(g.column_ready[kReads], g.read_turn);
    b.precharge_ready = std::max(b.precharge_ready, h + timing_.write_to_precharge);
    pc.precharge_all_ready = std::max(pc.precharge_all_ready, h + timing_.write_to_precharge);
    end = h + timing_.write_latency + timing_.burst;
    ++pc.counters.writes;
    ++pc.activity[a.stream].writes;
    --pc.write_filter[bucket(a.bank, a.row, a.column)];
  } else {
    g.column_ready[kReads] = h + timing_.read_to_read_long;
    pc.spacing[kReads].fill(h + timing_.read_to_read_sid);
    pc.spacing[kReads][b.sid] = h + timing_.read_to_read_short;
    pc.turn[kWrites] = h + timing_.read_to_write;
    b.precharge_ready = std::max(b.precharge_ready, h + timing_.read_to_precharge);
    pc.precharge_all_ready = std::max(pc.precharge_all_ready, h + timing_.read_to_precharge);
    end = h + timing_.read_latency + timing_.burst;
    ++pc.counters.reads;
    ++pc.activity[a.stream].reads;
  }
  if (a.activated == kLongAgo) ++pc.counters.row_hits;
  if (trace_ != nullptr) record(pc, write ? Command::write : Command::read, &a, h);

  const unsigned bank = a.bank;
  const Queue planned = pc.next_write_mode ? kWrites : kReads;
  pc.columns_stale = true;
  if (b.active == index) {
    b.active = kNone;
    pc.active_mask &= ~bit(bank);
    update_lists(pc, bank);
  } else {
    const auto queue = static_cast<Queue>(a.queue);
    unlink(pc, a);
    --pc.size[queue];
    freed(pc, queue, h);
    size_changed(pc, h);
    update_list(pc, queue, bank);
  }
  if (pc.refresh_pending) {
    pc.rows_stale = true;
  } else if (pc.row_access != kNone && pc.accesses[pc.row_access].bank == bank) {
    pc.rows_stale = true;
  } else if (pc.lists[planned][bank].row != kNone) {
    consider_row(pc, pc.lists[planned][bank].row);
  }

  Job& job = jobs_[a.job];
  pc.free_accesses.push_back(index);
  job.last_column = h;
  job.end = std::max(job.end, end);
  if (--job.remaining == 0) finish(job);
}

void Channel::freed(PseudoChannel& pc, Queue queue, Half h) {
  if (pc.freed_edge != h) pc.freed_edge = h, pc.freed = {0, 0};
  ++pc.freed[queue];
  if (door_count_ > 0) door_time_ = std::min(door_time_, std::max(h + 1, door_[door_first_].ready));
}

void Channel::issue_row(PseudoChannel& pc, Half h) {
  pc.rows_stale = true;
  switch (pc.row_command) {
    case Command::activate:
      return activate(pc, pc.row_access, h);
    case Command::precharge:
      return precharge(pc, pc.row_access, h);
    case Command::precharge_all:
      return precharge_all(pc, h);
    default:
      return refresh(pc, h);
  }
}

void Channel::begin_bank_stage(const Access& access, Half h) {
  Job& job = jobs_[access.job];
  if (job.begun) return;
  job.begun = true;
  if (!job.write) transaction(job.handle).stages.enter(Stage::bank, timing_.edge(h));
}

void Channel::activate(PseudoChannel& pc, Index index, Half h) {
  Access& a = pc.accesses[index];
  Bank& b = pc.banks[a.bank];
  Group& g = pc.groups[b.group];
  begin_bank_stage(a, h);

  Half limit = h - 2;
  a.activate_cause = Loss::command_bus;
  if (pc.mode_since > limit) limit = pc.mode_since, a.activate_cause = Loss::turnaround;
  if (row_bus_free_ > limit) limit = row_bus_free_, a.activate_cause = Loss::command_bus;
  a.window = std::max(g.activate_ready, pc.activate_spacing);
  if (a.window > limit) limit = a.window, a.activate_cause = Loss::four_activate_window;
  if (b.activate_ready > limit) limit = b.activate_ready, a.activate_cause = Loss::bank_conflict;
  if (pc.activate_after_refresh > limit) a.activate_cause = Loss::refresh;

  row_bus_free_ = h + timing_.activate_bus;
  b.open_row = static_cast<std::int32_t>(a.row);
  b.active = index;
  b.active_queue = a.queue;
  b.column_ready = {rising(h + pc.activate_to_read), rising(h + timing_.activate_to_write)};
  b.precharge_ready = h + timing_.activate_to_precharge;
  g.activate_ready = h + timing_.activate_to_activate_long;
  const unsigned first = a.bank - a.bank % banks_per_group_;
  for (unsigned n = first; n < first + banks_per_group_; ++n)
    pc.banks[n].activate_ready = std::max(pc.banks[n].activate_ready, g.activate_ready);
  b.activate_ready = rising(h + timing_.activate_to_activate);
  pc.activates[pc.activate_index] = h;
  pc.activate_index = (pc.activate_index + 1) % 4;
  pc.activate_spacing =
      std::max(h + timing_.activate_to_activate_short, pc.activates[pc.activate_index] + timing_.four_activates);
  pc.precharge_all_ready = std::max(pc.precharge_all_ready, b.precharge_ready);
  pc.refresh_ready = std::max(pc.refresh_ready, h + timing_.activate_to_refresh);
  pc.open_mask |= bit(a.bank);
  pc.active_mask |= bit(a.bank);
  a.activated = h;
  ++pc.counters.activates;
  ++pc.activity[a.stream].activates;
  if (trace_ != nullptr) record(pc, Command::activate, &a, h);

  const auto queue = static_cast<Queue>(a.queue);
  unlink(pc, a);
  --pc.size[queue];
  freed(pc, queue, h);
  size_changed(pc, h + 1);
  update_list(pc, queue, a.bank);  // may be empty now
  const Queue other = queue == kReads ? kWrites : kReads;
  if (pc.lists[other][a.bank].head != kNone) update_list(pc, other, a.bank);
  // The new active access is the only new column candidate, but for older ones to the same row.
  if ((pc.column_mask[kReads] | pc.column_mask[kWrites]) & bit(a.bank))
    pc.columns_stale = true;
  else
    consider_active(pc, index);
}

void Channel::precharge(PseudoChannel& pc, Index index, Half h) {
  Access& a = pc.accesses[index];
  Bank& b = pc.banks[a.bank];
  begin_bank_stage(a, h);
  if (trace_ != nullptr) record(pc, Command::precharge, &a, h);
  a.precharge_cause = std::max(row_bus_free_, pc.precharge_spacing) > std::max(h - 1, b.precharge_ready)
                          ? Loss::command_bus
                          : Loss::bank_conflict;
  a.precharged = h;
  row_bus_free_ = h + timing_.precharge_bus;
  b.open_row = -1;
  b.activate_ready = std::max(b.activate_ready, rising(h + timing_.precharge_to_activate));
  pc.precharge_spacing = h + timing_.precharge_to_precharge;
  pc.refresh_ready = std::max(pc.refresh_ready, h + timing_.precharge_to_refresh);
  pc.open_mask &= ~bit(a.bank);
  ++pc.counters.precharges;
  if ((pc.column_mask[kReads] | pc.column_mask[kWrites]) & bit(a.bank)) pc.columns_stale = true;
  update_lists(pc, a.bank);
}

void Channel::precharge_all(PseudoChannel& pc, Half h) {
  row_bus_free_ = h + timing_.precharge_bus;
  pc.precharge_spacing = h + timing_.precharge_to_precharge;
  pc.refresh_ready = std::max(pc.refresh_ready, h + timing_.precharge_to_refresh);
  for (std::uint64_t mask = pc.open_mask; mask != 0;) {
    const unsigned bank = take_bit(mask);
    Bank& b = pc.banks[bank];
    b.open_row = -1;
    b.activate_ready = std::max(b.activate_ready, rising(h + timing_.precharge_to_activate));
    update_lists(pc, bank);
  }
  pc.open_mask = 0;
  ++pc.counters.precharges;
  if (trace_ != nullptr) record(pc, Command::precharge_all, nullptr, h);
}

void Channel::refresh(PseudoChannel& pc, Half h) {
  row_bus_free_ = h + timing_.precharge_bus;
  pc.activate_after_refresh = h + timing_.refresh_to_activate;
  pc.refresh_end = pc.activate_after_refresh;
  pc.precharge_all_ready = std::max(pc.precharge_all_ready, h + timing_.refresh_to_precharge);
  pc.refresh_ready = std::max(pc.refresh_ready, h + timing_.refresh_cycle);
  pc.refresh_pending = false;
  pc.columns_stale = true;
  size_changed(pc, h + 1);
  ++pc.counters.refreshes;
  if (trace_ != nullptr) record(pc, Command::refresh_all, nullptr, h);
}

void Channel::finish(Job& job) {
  const Handle handle = job.handle;
  const Time end = timing_.edge(job.end);
  Transaction& t = transaction(handle);
  journal().add(t, end);
  if (job.write) {
    send(0, Phase::retire, handle, end + return_latency_ + latency(0));
  } else {
    t.stages.enter(Stage::data, timing_.edge(job.last_column));
    t.stages.enter(Stage::phy, end);
    read_latency_.add(end - timing_.edge(job.accepted));
    respond(handle, end);
  }
  job.handle = kNoHandle;
  free_jobs_.push_back(static_cast<Index>(&job - jobs_.data()));
  --outstanding_;
}

void Channel::respond(Handle handle, Time t) {
  if (responses_++ == drop_response_after_) return;
  send(0, Phase::response, handle, t + return_latency_ + latency(0));
}

// ---------------------------------------------------------------------------------------------------------- accounting

/// Whoever is at the door from now on waits; which pseudo-channels for, decoding will tell.
void Channel::begin_wait(PseudoChannel& pc, std::size_t slot, Half h) {
  hold_until(pc, h);
  Half* entry = &pc.held_at_door[slot * holders_];
  for (std::size_t i = 0; i < holders_; ++i) entry[i] = pc.held[i];
  if (pc.held_until > h)
    entry[pc.holder] -= pc.held_until - h;  // the rest of the burst under way is still to be waited for
}

/// The last column command of a transaction: who held the bus since it came to the door?
void Channel::end_wait(PseudoChannel& pc, const Access& a, Half h) {
  const Half* entry = &pc.held_at_entry[a.job * holders_];
  const std::size_t streams = holders_ - 2;
  for (std::size_t i = 0; i < holders_; ++i) {
    const Half wait = pc.held[i] - entry[i];
    if (wait == 0) continue;
    const auto holder = static_cast<Holder>(i < streams ? i : telemetry::kRefresh + (i - streams));
    pc.blame.charge(a.stream, holder, wait * timing_.half_period);
  }
  pc.waited += h - jobs_[a.job].arrived;
}

/// Nobody's data was on the bus in [held_until, h): refresh or timing.
void Channel::hold_until(PseudoChannel& pc, Half h) {
  if (h <= pc.held_until) return;
  const Half begin = std::max(pc.held_until, pc.refresh_begin);
  const Half end = std::min(h, pc.refresh_end);
  const Half refreshing = end > begin ? end - begin : 0;
  pc.held[holders_ - 2] += refreshing;
  pc.held[holders_ - 1] += h - pc.held_until - refreshing;
  pc.held_until = h;
}

/// The bus was idle in [booked, h), a gap that the column command of `a` ends. Nothing to do is idle, a refresh in the
/// way is refresh; what remains is charged along the critical path of `a`, backwards: what held its column command,
/// its ACT, its PRE, and last the latencies of row preparation, which otherwise overlap with other accesses' data.
void Channel::book(PseudoChannel& pc, const Access& a, Half h, Loss column_cause) {
  Half gap = h - pc.booked;
  const auto charge = [&](Half wait, Loss cause) {
    const Half part = std::min(gap, wait);
    if (part <= 0) return;
    pc.lost[static_cast<std::size_t>(cause)] += part;
    gap -= part;
  };
  charge(pc.busy_since - pc.booked, Loss::idle);
  charge(std::min(h, pc.refresh_end) - std::max(h - gap, pc.refresh_begin), Loss::refresh);
  if (a.activated == kLongAgo) {
    charge(h - a.accepted, column_cause);
  } else {
    const Half activate_latency = a.queue == kReads ? pc.activate_to_read : timing_.activate_to_write;
    charge(h - rising(a.activated + activate_latency), column_cause);
    const bool conflict = a.precharged != kLongAgo;
    charge(std::min(a.activated, a.window) - (a.activated - gap), Loss::four_activate_window);  // nobody could activate
    charge(a.activated - (conflict ? rising(a.precharged + timing_.precharge_to_activate) : a.accepted),
           a.activate_cause);
    if (conflict) charge(a.precharged - a.accepted, a.precharge_cause);
  }
  charge(gap, Loss::bank_conflict);
}

LossAccount Channel::loss(int pseudo_channel, Time end) const {
  const PseudoChannel& pc = pcs_[static_cast<std::size_t>(pseudo_channel)];
  LossAccount account;
  account.busy = timing_.edge(pc.busy);
  for (std::size_t i = 0; i < kLosses; ++i) account.loss[i] = timing_.edge(pc.lost[i]);
  const Time booked = timing_.edge(pc.booked);
  if (booked > end) {  // cut in the middle of a burst
    account.busy -= booked - end;
    return account;
  }
  Time x = booked;
  const auto until = [&](Time t, Loss cause) {
    const Time stop = std::min(t, end);
    if (stop <= x) return;
    account.loss[static_cast<std::size_t>(cause)] += stop - x;
    x = stop;
  };
  if (pc.waiting == 0) {
    until(end, Loss::idle);
    return account;
  }
  // Something waits: what will end this gap is not decided yet.
  until(timing_.edge(pc.busy_since), Loss::idle);
  if (pc.refresh_end > pc.booked) {
    until(timing_.edge(pc.refresh_begin), Loss::bank_conflict);
    until(pc.refresh_end == kNoEdge ? kNever : timing_.edge(pc.refresh_end), Loss::refresh);
  }
  until(end, Loss::bank_conflict);
  return account;
}

void Channel::report_waits(std::vector<engine::Wait>& waits) const {
  if (door_count_ > 0)
    waits.push_back(
        {name() + ".door", name() + ".queues", std::to_string(door_count_) + " transactions wait for queue entries"});
  for (std::size_t p = 0; p < pcs_.size(); ++p)
    if (pcs_[p].waiting > 0)
      waits.push_back({name() + ".pseudo_channel_" + std::to_string(p), name() + ".banks",
                       std::to_string(pcs_[p].waiting) + " accesses wait for their column command"});
}

void Channel::check_idle(std::vector<std::string>& broken) const {
  if (outstanding_ != 0)
    broken.push_back(name() + ": " + std::to_string(outstanding_) + " transactions are outstanding");
  if (door_count_ != 0) broken.push_back(name() + ": " + std::to_string(door_count_) + " transactions are in the door");
  if (free_jobs_.size() != jobs_.size())
    broken.push_back(name() + ": " + std::to_string(jobs_.size() - free_jobs_.size()) +
                     " transactions have not finished");
  for (std::size_t p = 0; p < pcs_.size(); ++p) {
    const PseudoChannel& pc = pcs_[p];
    const std::string where = name() + ", pseudo-channel " + std::to_string(p) + ": ";
    if (pc.waiting != 0 || pc.size[kReads] != 0 || pc.size[kWrites] != 0 || pc.active_mask != 0 ||
        pc.free_accesses.size() != pc.accesses.size())
      broken.push_back(where + "accesses are left in queues or banks");
    if (static_cast<Half>(pc.counters.reads + pc.counters.writes) * timing_.burst != pc.busy)
      broken.push_back(where + "data bus busy time is not commands x burst");
    Half booked = pc.busy;
    for (const Half lost : pc.lost) booked += lost;
    if (booked != pc.booked) broken.push_back(where + "busy and lost time do not add up");
    Time blamed = 0;
    for (std::size_t v = 0; v < kMaxStreams; ++v)
      for (std::size_t h = 0; h < telemetry::kHolders; ++h)
        blamed += pc.blame.wait(static_cast<StreamId>(v), static_cast<Holder>(h));
    if (blamed != pc.waited * timing_.half_period) broken.push_back(where + "blame does not add up to the time waited");
  }
}

void Channel::statistics(StatVisitor& v) const {
  static constexpr const char* kNames[2][17] = {
      {"pseudo_channel_0_reads", "pseudo_channel_0_writes", "pseudo_channel_0_bytes", "pseudo_channel_0_activates",
       "pseudo_channel_0_precharges", "pseudo_channel_0_refreshes", "pseudo_channel_0_row_hits",
       "pseudo_channel_0_forwarded", "pseudo_channel_0_merged", "pseudo_channel_0_data_busy",
       "pseudo_channel_0_loss_refresh", "pseudo_channel_0_loss_turnaround", "pseudo_channel_0_loss_bank_conflict",
       "pseudo_channel_0_loss_four_activate_window", "pseudo_channel_0_loss_command_bus",
       "pseudo_channel_0_loss_column_spacing", "pseudo_channel_0_loss_idle"},
      {"pseudo_channel_1_reads", "pseudo_channel_1_writes", "pseudo_channel_1_bytes", "pseudo_channel_1_activates",
       "pseudo_channel_1_precharges", "pseudo_channel_1_refreshes", "pseudo_channel_1_row_hits",
       "pseudo_channel_1_forwarded", "pseudo_channel_1_merged", "pseudo_channel_1_data_busy",
       "pseudo_channel_1_loss_refresh", "pseudo_channel_1_loss_turnaround", "pseudo_channel_1_loss_bank_conflict",
       "pseudo_channel_1_loss_four_activate_window", "pseudo_channel_1_loss_command_bus",
       "pseudo_channel_1_loss_column_spacing", "pseudo_channel_1_loss_idle"}};
  v("transactions", "count", static_cast<double>(transactions_));
  v("read_latency_sum", "ns", static_cast<double>(read_latency_.sum()) / static_cast<double>(kNanosecond));
  v("read_latency_count", "count", static_cast<double>(read_latency_.count()));
  for (std::size_t p = 0; p < pcs_.size(); ++p) {
    const Counters c = counters(static_cast<int>(p));
    const LossAccount account = loss(static_cast<int>(p), advanced_);
    const std::uint64_t counts[9] = {c.reads,     c.writes,   c.bytes(),   c.activates, c.precharges,
                                     c.refreshes, c.row_hits, c.forwarded, c.merged};
    for (std::size_t i = 0; i < 9; ++i) v(kNames[p][i], i == 2 ? "B" : "count", static_cast<double>(counts[i]));
    v(kNames[p][9], "ns", to_ns(account.busy));
    for (std::size_t i = 0; i < kLosses; ++i) v(kNames[p][10 + i], "ns", to_ns(account.loss[i]));
  }
}

}  // namespace cowosim::hbm
