#include "compute/core.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::compute {

using engine::Message;
using engine::Phase;

Time CoreActivity::sum() const {
  Time total = computing + idle_no_tile + wait_load_open + wait_store;
  for (const Time t : wait_load) total += t;
  return total;
}

void CoreActivity::add(const CoreActivity& other) {
  computing += other.computing;
  idle_no_tile += other.idle_no_tile;
  for (std::size_t s = 0; s < kStages; ++s) wait_load[s] += other.wait_load[s];
  wait_load_open += other.wait_load_open;
  wait_store += other.wait_store;
  useful += other.useful;
  flops += other.flops;
  tiles += other.tiles;
}

Core::Core(const CoreParams& params, const std::vector<const work::Program*>& programs, const SliceMap& slices,
           std::uint16_t terminal, int partition)
    : params_(params),
      clock_{period_of(params.frequency)},
      slices_(slices),
      terminal_(terminal),
      partition_(partition) {
  const int bytes = params.transaction_bytes;
  if (bytes < static_cast<int>(kAtomBytes) || (bytes & (bytes - 1)) != 0) {
    throw std::invalid_argument("core: transaction_bytes is a power of two, at least " + std::to_string(kAtomBytes));
  }
  if (params.max_outstanding_bytes < bytes || params.max_outstanding < 1 || params.tile_slots < 1) {
    throw std::invalid_argument("core: at least one tile slot and one transaction in flight");
  }
  for (const work::Program* program : programs) programs_.push_back({program, {}, 0});
  slots_.resize(programs.size() * static_cast<std::size_t>(params.tile_slots));
  ready_.reserve(slots_.size());
  arrivals_.resize(64);
  flops_per_cycle_[0] = {static_cast<std::uint64_t>(params.vector_flops_fp8),
                         static_cast<std::uint64_t>(params.vector_flops_bf16),
                         static_cast<std::uint64_t>(params.vector_flops_fp32)};
  flops_per_cycle_[1] = {static_cast<std::uint64_t>(params.matrix_flops_fp8),
                         static_cast<std::uint64_t>(params.matrix_flops_bf16),
                         static_cast<std::uint64_t>(params.matrix_flops_fp32)};
  for (std::size_t engine = 0; engine < 2; ++engine) {
    const double efficiency = engine == 1 ? params.matrix_efficiency : params.vector_efficiency;
    for (std::size_t p = 0; p < 3; ++p) {
      effective_flops_per_cycle_[engine][p] = std::max<std::uint64_t>(
          1, static_cast<std::uint64_t>(static_cast<double>(flops_per_cycle_[engine][p]) * efficiency));
    }
  }
  for (const work::Program* program : programs) {
    if (!streams_[program->stream]) streams_[program->stream] = std::make_unique<telemetry::StreamStatistics>();
  }
}

void Core::start() { own_pool(); }

double Core::peak_flops(work::Precision precision, bool matrix) const {
  return static_cast<double>(flops_per_cycle_[matrix ? 1 : 0][static_cast<std::size_t>(precision)]) * 1e15 /
         static_cast<double>(clock_.period);
}

// ---- Time ----------------------------------------------------------------------------------------------------------

inline void Core::update_due() {
  Time due = std::min(issue_at_, compute_end_);
  if (arrivals_count_ != 0) due = std::min(due, arrivals_[first_arrival_].time);
  due_ = due;
}

void Core::advance(Time until) {
  while (due_ < until) {
    // At one instant: answers, then the compute engine, then issue.
    const Time t = due_;
    if (arrivals_count_ != 0 && arrivals_[first_arrival_].time == t) {
      const Arrival arrival = arrivals_[first_arrival_];
      first_arrival_ = (first_arrival_ + 1) & (arrivals_.size() - 1);
      --arrivals_count_;
      answered(arrival.transaction, arrival.phase, t);
    } else if (compute_end_ == t) {
      end_compute(t);
    } else {
      issue(t);
    }
    update_due();
  }
}

void Core::receive(const Message& message) {
  const Time t = message.time;
  if (message.port == kDispatcher) {
    launch(message.transaction, t);
  } else {
    if (message.phase == Phase::response || transaction(message.transaction).tag < kAccepted) {
      transaction(message.transaction).stages.enter(Stage::return_path, t);
    }
    if (params_.receive_latency == 0) {
      answered(message.transaction, message.phase, t);
    } else {
      if (arrivals_count_ == arrivals_.size()) {
        std::rotate(arrivals_.begin(), arrivals_.begin() + static_cast<std::ptrdiff_t>(first_arrival_),
                    arrivals_.end());
        first_arrival_ = 0;
        arrivals_.resize(2 * arrivals_.size());
      }
      arrivals_[(first_arrival_ + arrivals_count_++) & (arrivals_.size() - 1)] = {t + params_.receive_latency,
                                                                                  message.transaction, message.phase};
    }
  }
  update_due();
}

/// From `t` on the time belongs to what the core does now; what was before is counted, waits for loads when their cause is known.
inline void Core::update_condition(Time t) {
  const Condition now = computing_ != kNoSlot ? Condition::computing
                        : loading_ != 0       ? Condition::loading
                        : active_ != 0        ? Condition::storing
                                              : Condition::no_tile;
  if (now == condition_) return;
  const Time spent = t - condition_since_;
  switch (condition_) {
    case Condition::no_tile:
      activity_.idle_no_tile += spent;
      break;
    case Condition::loading:
      activity_.wait_load_open += spent;
      break;
    case Condition::storing:
      activity_.wait_store += spent;
      break;
    case Condition::computing:
      activity_.computing += spent;
      break;
  }
  condition_ = now;
  condition_since_ = t;
}

CoreActivity Core::activity(Time until) const {
  CoreActivity all = activity_;
  const Time open = until - condition_since_;
  switch (condition_) {
    case Condition::no_tile:
      all.idle_no_tile += open;
      break;
    case Condition::loading:
      all.wait_load_open += open;
      break;
    case Condition::storing:
      all.wait_store += open;
      break;
    case Condition::computing:
      all.computing += open;
      break;
  }
  return all;
}

// ---- Tiles ---------------------------------------------------------------------------------------------------------

void Core::launch(Handle handle, Time t) {
  const std::size_t workload = transaction(handle).workload;
  if (workload >= programs_.size()) throw std::logic_error(name() + ": a tile of a program that does not exist");
  const auto per_program = static_cast<std::uint32_t>(params_.tile_slots);
  const std::uint32_t first = static_cast<std::uint32_t>(workload) * per_program;
  for (std::uint32_t slot = first; slot < first + per_program; ++slot) {
    if (slots_[slot].state == State::free) {
      begin_tile(slot, handle, t);
      update_condition(t);
      update_issue(t);
      return;
    }
  }
  programs_[workload].waiting.push_back(handle);
}

void Core::begin_tile(std::uint32_t index, Handle handle, Time t) {
  const Transaction& launch = transaction(handle);
  const work::Program& program = *programs_[launch.workload].program;
  Slot& slot = slots_[index];
  slot.tile = program.operators[launch.tag]->tile(launch.address);
  slot.launch = handle;
  slot.order = started_++;
  slot.limit = slot.tile.max_outstanding == 0 ? ~0u : slot.tile.max_outstanding;
  slot.access = 0;
  slot.storing = false;
  slot.outstanding = 0;
  slot.cursor = work::Cursor();
  slot.dependent = false;
  next_slot_ = kNoSlot;
  ++active_;
  if (next_piece(slot)) {
    slot.state = State::loading;
    ++loading_;
  } else {
    loaded(index, t, nullptr);
  }
}

/// Finds the next piece of the slot's loads, or of its stores; false when there is none.
bool Core::next_piece(Slot& slot) {
  if (slot.cursor.next(slot.next_address, slot.next_bytes)) return true;
  const int count = slot.storing ? slot.tile.store_count : slot.tile.load_count;
  while (slot.access < count) {
    const work::Access& access = (slot.storing ? slot.tile.stores : slot.tile.loads)[slot.access++];
    slot.cursor = work::Cursor(access, static_cast<std::uint32_t>(params_.transaction_bytes));
    slot.dependent = access.pattern == work::Pattern::chase;
    if (slot.cursor.next(slot.next_address, slot.next_bytes)) return true;
  }
  slot.cursor = work::Cursor();
  slot.next_bytes = 0;
  return false;
}

/// All loads of the slot's tile are there; `last` was the last of them.
void Core::loaded(std::uint32_t index, Time t, const Transaction* last) {
  Slot& slot = slots_[index];
  if (slot.state == State::loading) --loading_;
  slot.state = State::ready;
  // A wait for loads ends here if the core was in one: it belongs to the stages of this load, in proportion.
  if (last != nullptr && condition_ == Condition::loading) {
    activity_.wait_load_open += t - condition_since_;
    condition_since_ = t;
  }
  if (last != nullptr && activity_.wait_load_open > 0) {
    const Time wait = activity_.wait_load_open;
    const Time whole = t - last->created;
    Time rest = wait;
    std::size_t largest = 0;
    for (std::size_t s = 0; s < kStages && whole > 0; ++s) {
      const Time spent = last->stages[static_cast<Stage>(s)];
      const auto share = static_cast<Time>(static_cast<__int128>(wait) * spent / whole);
      activity_.wait_load[s] += share;
      rest -= share;
      if (spent > last->stages[static_cast<Stage>(largest)]) largest = s;
    }
    activity_.wait_load[largest] += rest;
    activity_.wait_load_open = 0;
  }
  if (slot.tile.flops == 0) {
    begin_stores(index, t);
    return;
  }
  ready_.push_back(index);
  if (computing_ == kNoSlot) begin_compute(t);
}

void Core::begin_compute(Time t) {
  computing_ = ready_.front();
  ready_.erase(ready_.begin());  // a few entries at most
  Slot& slot = slots_[computing_];
  slot.state = State::computing;
  const std::size_t engine = slot.tile.matrix ? 1 : 0;
  const auto precision = static_cast<std::size_t>(slot.tile.precision);
  const std::uint64_t rate = effective_flops_per_cycle_[engine][precision];
  const auto cycles = static_cast<std::int64_t>((slot.tile.flops + rate - 1) / rate);
  compute_end_ = clock_.align(t) + cycles * clock_.period;
  activity_.flops += slot.tile.flops;
  activity_.useful += static_cast<Time>(static_cast<__int128>(slot.tile.flops) * clock_.period /
                                        static_cast<__int128>(flops_per_cycle_[engine][precision]));
}

void Core::end_compute(Time t) {
  const std::uint32_t index = computing_;
  computing_ = kNoSlot;
  compute_end_ = kNever;
  if (!ready_.empty()) begin_compute(t);
  begin_stores(index, t);
  update_condition(t);
  update_issue(t);
}

void Core::begin_stores(std::uint32_t index, Time t) {
  Slot& slot = slots_[index];
  slot.storing = true;
  slot.access = 0;
  slot.dependent = false;
  slot.state = State::storing;
  next_slot_ = kNoSlot;
  if (!next_piece(slot)) finish(index, t);
}

void Core::finish(std::uint32_t index, Time t) {
  Slot& slot = slots_[index];
  const Handle handle = slot.launch;
  slot.state = State::free;
  slot.launch = kNoHandle;
  --active_;
  ++activity_.tiles;
  Program& program = programs_[index / static_cast<std::uint32_t>(params_.tile_slots)];
  send(kDispatcher, Phase::response, handle, t + params_.completion_latency + latency(kDispatcher));
  if (program.first_waiting == program.waiting.size()) return;
  const Handle next = program.waiting[program.first_waiting++];
  if (program.first_waiting == program.waiting.size()) {
    program.waiting.clear();
    program.first_waiting = 0;
  }
  begin_tile(index, next, t);
}

// ---- Transactions --------------------------------------------------------------------------------------------------

/// The slot whose turn it is: the next program with something to issue, its oldest tile.
std::uint32_t Core::select() const {
  const auto per_program = static_cast<std::uint32_t>(params_.tile_slots);
  const auto programs = static_cast<std::uint32_t>(programs_.size());
  std::uint32_t program = turn_;
  for (std::uint32_t p = 0; p < programs; ++p) {
    std::uint32_t best = kNoSlot;
    for (std::uint32_t slot = program * per_program; slot < (program + 1) * per_program; ++slot) {
      if (may_issue(slots_[slot]) && (best == kNoSlot || slots_[slot].order < slots_[best].order)) best = slot;
    }
    if (best != kNoSlot) return best;
    if (++program == programs) program = 0;
  }
  return kNoSlot;
}

inline void Core::update_issue(Time t) {
  if (issue_at_ != kNever) return;
  if (outstanding_ >= static_cast<std::uint32_t>(params_.max_outstanding) ||
      outstanding_bytes_ + kAtomBytes > static_cast<std::uint64_t>(params_.max_outstanding_bytes)) {
    return;
  }
  const std::uint32_t slot = select();
  if (slot == kNoSlot) return;
  if (outstanding_bytes_ + slots_[slot].next_bytes > static_cast<std::uint64_t>(params_.max_outstanding_bytes)) return;
  next_slot_ = slot;
  issue_at_ = next_edge_ >= t ? next_edge_ : clock_.align(t);
}

void Core::issue(Time t) {
  // An older tile's stores, or another program's tile, may have come up since this was planned.
  issue_at_ = kNever;
  const std::uint32_t index = next_slot_ != kNoSlot ? next_slot_ : select();
  Slot& slot = slots_[index];
  if (outstanding_bytes_ + slot.next_bytes > static_cast<std::uint64_t>(params_.max_outstanding_bytes)) return;
  const Handle handle = own_pool().create();
  Transaction& tx = transaction(handle);
  const work::Program& program = *programs_[index / static_cast<std::uint32_t>(params_.tile_slots)].program;
  tx.address = tx.fetch_address = slot.next_address;
  tx.bytes = tx.fetch_bytes = slot.next_bytes;
  tx.op = slot.storing ? Op::write : Op::read;
  tx.stream = program.stream;
  tx.tag = index;
  tx.source = terminal_;
  tx.destination = tx.via = slices_.near_terminal(slot.next_address, static_cast<std::uint32_t>(partition_));
  tx.created = t;
  tx.stages.start(Stage::issue, t);
  ++slot.outstanding;
  ++outstanding_;
  outstanding_bytes_ += slot.next_bytes;

  const auto width = static_cast<std::uint32_t>(params_.issue_bytes_per_cycle);
  next_edge_ = t + clock_.period * static_cast<Time>((slot.next_bytes + width - 1) / width);
  turn_ = index / static_cast<std::uint32_t>(params_.tile_slots) + 1;
  if (turn_ == programs_.size()) turn_ = 0;
  next_piece(slot);
  send(kNetwork, Phase::request, handle, t + params_.issue_latency + latency(kNetwork));
  update_issue(t);
}

void Core::answered(Handle handle, Phase phase, Time t) {
  Transaction& tx = transaction(handle);
  const bool accepted_before = (tx.tag & kAccepted) != 0;
  const bool final = phase == Phase::retire || tx.op == Op::read;
  if (!accepted_before) {
    const std::uint32_t index = tx.tag;
    Slot& slot = slots_[index];
    if (slot.tile.measured) streams_[tx.stream]->record(tx, t);
    if (slot.outstanding-- == slot.limit || slot.dependent) next_slot_ = kNoSlot;
    --outstanding_;
    outstanding_bytes_ -= tx.bytes;
    if (slot.outstanding == 0 && slot.next_bytes == 0) {
      if (slot.storing) {
        finish(index, t);
      } else {
        loaded(index, t, &tx);
      }
      update_condition(t);
    }
    tx.tag |= kAccepted;
  }
  if (final) {
    journal().add(tx, t);
    own_pool().release(handle);
  }
  update_issue(t);
}

// ---- Reports -------------------------------------------------------------------------------------------------------

void Core::report_waits(std::vector<engine::Wait>& waits) const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.state == State::free || slot.outstanding == 0) continue;
    const work::Program& program = *programs_[i / static_cast<std::size_t>(params_.tile_slots)].program;
    waits.push_back({name() + " (tile of " + program.name + ")", "network",
                     std::to_string(slot.outstanding) + (slot.storing ? " stores" : " loads") + " without an answer"});
  }
  std::size_t queued = 0;
  for (const Program& program : programs_) queued += program.waiting.size() - program.first_waiting;
  if (queued > 0) waits.push_back({name() + " (" + std::to_string(queued) + " launches)", name(), "no free tile slot"});
}

void Core::statistics(StatVisitor& visit) const {
  // Open intervals are counted up to their last change, so that nothing depends on when this is asked.
  const CoreActivity& a = activity_;
  visit("tiles", "count", static_cast<double>(a.tiles));
  visit("flops", "flop", static_cast<double>(a.flops));
  visit("computing", "ns", to_ns(a.computing));
  visit("useful", "ns", to_ns(a.useful));
  visit("idle_no_tile", "ns", to_ns(a.idle_no_tile));
  visit("wait_store", "ns", to_ns(a.wait_store));
  for (std::size_t s = 0; s < kStages; ++s) {
    visit((std::string("wait_load_") + name_of(static_cast<Stage>(s))).c_str(), "ns", to_ns(a.wait_load[s]));
  }
  std::uint64_t transactions = 0, bytes = 0;
  for (const auto& stream : streams_) {
    if (!stream) continue;
    transactions += stream->transactions;
    bytes += stream->bytes;
  }
  visit("transactions", "count", static_cast<double>(transactions));
  visit("bytes", "B", static_cast<double>(bytes));
}

void Core::check_idle(std::vector<std::string>& violations) const {
  const auto expect_none = [&](std::uint64_t found, const char* what) {
    if (found != 0) violations.push_back(std::to_string(found) + " " + what);
  };
  expect_none(active_, "tiles active");
  expect_none(outstanding_, "transactions outstanding");
  expect_none(outstanding_bytes_, "bytes outstanding");
  for (const Program& program : programs_)
    expect_none(program.waiting.size() - program.first_waiting, "launches waiting");
  if (activity_.wait_load_open != 0) violations.push_back("waits for loads without a cause");
}

}  // namespace cowosim::compute
