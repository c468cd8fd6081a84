#include "hbm/channel.h"

#include <algorithm>
#include <stdexcept>

#include "hbm/pseudo_channel_hits.h"

namespace cowosim::hbm {

using engine::Phase;

Channel::Channel(const HbmParams& params, const MemoryMap& map, const ChannelContext& context)
    : map_(map),
      rules_(params, context.index, context.streams, context.urgency),
      front_latency_(params.controller.front_latency),
      return_latency_(params.controller.return_latency),
      credit_batch_(static_cast<std::uint16_t>(params.controller.credit_batch)),
      drop_response_after_(params.fault.drop_response_after),
      door_(static_cast<std::size_t>(params.controller.door_entries)),
      jobs_(door_.size() + static_cast<std::size_t>(params.pseudo_channels * rules_.accesses())),
      free_jobs_(jobs_.size()) {
  const MemoryGeometry& g = map.geometry();
  if (g.pseudo_channels != params.pseudo_channels || g.sids != params.sids || g.bank_groups != params.bank_groups ||
      g.banks != params.banks)
    throw std::invalid_argument("memory map and channel disagree about pseudo-channels, SIDs or banks");
  const auto pcs = static_cast<std::size_t>(params.pseudo_channels);
  pcs_.reserve(pcs);
  for (int p = 0; p < params.pseudo_channels; ++p)
    pcs_.emplace_back(rules_, buses_, p, context.streams,
                      p == params.fault.pseudo_channel ? params.fault.extra_rcd_read : 0);
  holders_ = pcs_.front().account().holders();
  snapshots_.resize(jobs_.size() * pcs * holders_);
  plan_next();
}

Time Channel::hit_latency() const { return timing().edge(timing().hit() + rules_.check_latency); }
Time Channel::closed_latency() const { return timing().edge(timing().closed() + rules_.check_latency); }
Time Channel::conflict_latency() const { return timing().edge(timing().conflict() + rules_.check_latency); }

// ---------------------------------------------------------------------------------------------------------------- time

void Channel::advance_from(Time now, const Time& until) {
  if (now < 0) return;
  const Span span{until, until, (std::max(now + 1, until) - 1) / timing().half_period};
  if (next_ <= span.last) pcs_.size() == 1 ? run<1>(span) : run<2>(span);
  advanced_ = std::max(now + 1, until);
}

template <std::size_t kPcs>
void Channel::run(const Span& span) {
  const bool bulk = rules_.bulk && buses_.trace == nullptr;
  do {
    if (bulk && (pcs_[0].hit_planned() || pcs_[kPcs - 1].hit_planned())) serve_hits<kPcs>(span);
    if (span.holds(next_)) step<kPcs>(next_);
  } while (span.holds(next_));
}

/// Consecutive reads of open rows, as long as nothing else happens at their edges or, by what they let in from the door,
/// right behind them.
template <std::size_t kPcs>
inline void Channel::serve_hits(const Span& span) {
  PseudoChannel* const pcs = pcs_.data();
  while (span.holds(next_) && door_time_ > next_) {
    const Half h = next_;
    const std::size_t p = kPcs == 2 && pcs[kPcs - 1].next() == h;
    PseudoChannel& pc = pcs[p];
    if ((kPcs == 2 && pcs[1 - p].next() <= h) || !pc.next_is_hit_of_stream(h)) return;
    last_column_ = p;
    if (kPcs == 2) pcs[1 - p].settle_mode(h);
    data_follows(pc, p, pc.issue_hit(h), h);
    buses_.now = h + 1;
    look_for_room(pc, h);
    if (door_time_ == h + 1) accept(h + 1);  // before a refresh that falls due there, as in a step
    pc.plan_stream();
    if (kPcs == 2) {
      pcs[1 - p].column_bus_taken();
      pcs[1 - p].plan();
    }
    plan_next<kPcs>();
  }
}

template <std::size_t kPcs>
inline void Channel::step(Half h) {
  PseudoChannel* const pc = pcs_.data();
  buses_.now = h;
  for (std::size_t p = 0; p < kPcs; ++p)
    if (pc[p].refresh_time() <= h) pc[p].refresh_tick(h);
  if (!replays_.empty() && replays_.front().when <= h) replay(h);
  if (door_time_ <= h) accept(h);
  for (std::size_t p = 0; p < kPcs; ++p) {
    pc[p].plan();
    pc[p].settle_mode(h);
  }
  // The column bus, then the row bus; when both pseudo-channels want one, the one that did not have it last.
  const auto winner = [&](bool first, bool second, std::size_t last) -> std::size_t {
    return first && second ? 1 - last : second;
  };
  bool first = pc[0].wants_column(h);
  bool second = kPcs == 2 && pc[kPcs - 1].wants_column(h);
  if (first || second) {
    last_column_ = winner(first, second, last_column_);
    issue_column(pc[last_column_], last_column_, h);
    if (kPcs == 2) pc[1 - last_column_].column_bus_taken();
  }
  first = pc[0].wants_row(h);
  second = kPcs == 2 && pc[kPcs - 1].wants_row(h);
  if (first || second) {
    last_row_ = winner(first, second, last_row_);
    issue_row(pc[last_row_], h);
    if (kPcs == 2) pc[1 - last_row_].row_bus_taken();
  }
  buses_.now = h + 1;  // edge h is decided; what still arrives at its time is decided from the next edge on
  // What comes into an entry freed at h does so at h + 1, whatever arrives until then: it stands behind it in the door.
  if (door_time_ == h + 1) accept(h + 1);
  for (std::size_t p = 0; p < kPcs; ++p) pc[p].plan();
  plan_next<kPcs>();
}

template <std::size_t kPcs>
inline void Channel::plan_next() {
  Half next = door_time_;
  for (std::size_t p = 0; p < kPcs; ++p) next = std::min(next, pcs_[p].next());
  if (!replays_.empty()) next = std::min(next, replays_.front().when);
  next_ = next;
}

void Channel::plan_next() { pcs_.size() == 1 ? plan_next<1>() : plan_next<2>(); }

/// The data of a column command at h: who waited, whose it is, and when it ends.
inline void Channel::data_follows(PseudoChannel& pc, std::size_t p, const PseudoChannel::Access& access, Half h) {
  Job& job = jobs_[access.job];
  const Timing& t = timing();
  const Half end = h + (job.write ? t.write_latency : t.read_latency + rules_.check_latency) + t.burst;
  const bool good = !rules_.errors || job.write || judge_data(access, p, end);
  if (good && job.remaining == 1) pc.account().charge(snapshot(access.job, p), access.stream, h - job.arrived);
  pc.account().book_burst(h, access.stream);
  if (!good) return;
  job.last_column = h;
  job.end = std::max(job.end, end);
  if (--job.remaining == 0) finish(job);
}

inline void Channel::issue_column(PseudoChannel& pc, std::size_t p, Half h) {
  data_follows(pc, p, pc.issue_column(h), h);
  look_for_room(pc, h);
  pc.plan();
  pc.settle_mode(h);
}

inline void Channel::issue_row(PseudoChannel& pc, Half h) {
  const PseudoChannel::Access* access = pc.issue_row(h);
  look_for_room(pc, h);
  if (access == nullptr) return;
  Job& job = jobs_[access->job];
  if (job.begun) return;
  job.begun = true;
  if (!job.write) transaction(job.handle).stages.enter(Stage::bank, timing().edge(h));
}

// ---------------------------------------------------------------------------------------------------------------- door

void Channel::receive(const engine::Message& message) {
  if (next_ != kNoEdge && timing().edge(next_) < message.time)
    advance(message.time);  // housekeeping of an idle channel
  if (message.time > advanced_) advanced_ = message.time;
  if (message.phase != Phase::request) throw std::logic_error(name() + ": an HBM channel receives requests only");
  if (door_count_ == door_.size()) throw std::logic_error(name() + ": a request arrived without a credit for the door");
  Transaction& t = transaction(message.transaction);
  t.stages.enter(Stage::queue, message.time);
  ++outstanding_;
  const Half arrived = timing().index_at(message.time);
  const Half ready = front_latency_ == 0 ? arrived : timing().index_at(message.time + front_latency_);
  if (free_jobs_.empty()) {  // reads that are done again hold their jobs longer
    jobs_.emplace_back();
    snapshots_.resize(jobs_.size() * pcs_.size() * holders_);
    free_jobs_.grow();
    free_jobs_.give(static_cast<Index>(jobs_.size() - 1));
  }
  const Index j = free_jobs_.take();
  jobs_[j] = {message.transaction, arrived, ready, 0, 0, 0, 0, false, t.op == Op::write};
  // Whoever is at the door waits; for which pseudo-channels, decoding will tell.
  for (std::size_t p = 0; p < pcs_.size(); ++p) pcs_[p].account().snapshot(arrived, snapshot(j, p));
  std::size_t slot = door_first_ + door_count_;
  if (slot >= door_.size()) slot -= door_.size();
  door_[slot] = j;
  if (++door_count_ > 1) return;
  if (timing().edge(ready) != message.time || ready < accepted_at_) {
    door_time_ = std::max(ready, accepted_at_);
  } else {
    if (ready > buses_.now) buses_.now = ready;
    accept(ready);
    for (PseudoChannel& pc : pcs_) pc.plan();
  }
  plan_next();
}

inline void Channel::decode_front(Handle handle) {
  const Transaction& t = transaction(handle);
  front_.stream = t.stream;
  const std::uint64_t first = t.fetch_address / kAtomBytes;
  const std::uint64_t atoms = (t.fetch_address + t.fetch_bytes - 1) / kAtomBytes - first + 1;
  if (t.fetch_bytes == 0 || atoms > kMaxAtoms)
    throw std::logic_error(name() + ": a transaction asks memory for " + std::to_string(t.fetch_bytes) +
                           " bytes, not 1..512");
  front_.known = true;
  front_.queue = t.op == Op::write ? kWrites : kReads;
  front_.atoms = static_cast<std::uint16_t>(atoms);
  front_.needed = {0, 0};
  std::size_t i = 0;
  do {
    front_.where[i] = map_.decode((first + i) * kAtomBytes);
    ++front_.needed[front_.where[i].pseudo_channel];
  } while (++i < atoms);
}

/// Whether every queue the front needs has entries for it at edge h; an entry freed at h counts from h + 1 on.
inline bool Channel::room(Half h) {
  const Queue queue = front_.queue;
  const int entries = rules_.entries[queue];
  if (pcs_.size() == 1 && pcs_[0].used(queue, h) + front_.atoms <= entries) return true;
  bool fits = true;
  int used = 0;
  for (std::size_t p = 0; p < pcs_.size(); ++p) {
    used += pcs_[p].used(queue, h);
    if (rules_.shared_queues) continue;
    fits &= front_.needed[p] == 0 || used + front_.needed[p] <= entries;
    used = 0;
  }
  if (rules_.shared_queues) fits = used + front_.atoms <= entries;
  if (fits) return true;
  door_time_ = kNoEdge;  // until an entry is freed
  for (const PseudoChannel& pc : pcs_)
    if (pc.freed_at(queue, h)) door_time_ = h + 1;
  return false;
}

inline void Channel::admit(Half h) {
  front_.known = false;
  accepted_at_ = h;
  const Index j = door_[door_first_];
  if (++door_first_ == door_.size()) door_first_ = 0;
  --door_count_;
  const Time now = timing().edge(h);
  if (++credits_owed_ == credit_batch_ || door_count_ == 0) {
    send(0, Phase::credit, kNoHandle, now + way_out(), credits_owed_);
    credits_owed_ = 0;
  }
  ++transactions_;
  Job& job = jobs_[j];
  job.accepted = job.end = job.last_column = h;
  job.remaining = front_.atoms;
  if (job.write) {
    transaction(job.handle).stages.enter(Stage::phy, now);
    respond(job.handle, now);
  }
  std::size_t i = 0;
  do {
    const Location& where = front_.where[i];
    const bool queued = pcs_[where.pseudo_channel].enqueue(where, j, front_.stream, front_.queue, sequence_++, h);
    if (buses_.trace != nullptr) {
      const Transaction& t = transaction(job.handle);
      buses_.trace->accepted({now, t.identity, t.op, queued, where});
    }
    if (queued) continue;
    --job.remaining;  // a queued write has the bytes
    job.end = std::max(job.end, h + 1);
  } while (++i < front_.atoms);
  if (job.remaining == 0) finish(job);
}

/// Lets transactions out of the door at edge h, in order, while there is room for all their accesses.
void Channel::accept(Half h) {
  while (door_count_ > 0) {
    const Job& job = jobs_[door_[door_first_]];
    if (job.ready > h) {
      door_time_ = job.ready;
      return;
    }
    if (!front_.known) decode_front(job.handle);
    if (!room(h)) return;
    admit(h);
  }
  door_time_ = kNoEdge;
}

// ---------------------------------------------------------------------------------------------------------------- data

/// Whether the data of a read is good, or as good as it gets. Errors are a function of the transaction, the access and the
/// attempt, so that they are the same in every run.
bool Channel::judge_data(const PseudoChannel::Access& a, std::size_t pc, Half end) {
  const Transaction& t = transaction(jobs_[a.job].handle);
  const std::uint64_t draw = mix(t.identity, (std::uint64_t{pc} << 63 | std::uint64_t{a.row} << 32 |
                                              std::uint64_t{a.column} << 16 | std::uint64_t{a.bank} << 8 | a.attempt));
  if (draw >= rules_.single_error) return true;
  if (draw >= rules_.double_error) {  // a single bit
    ++(rules_.on_die || rules_.sideband ? errors_.corrected : errors_.undetected);
    return true;
  }
  if (!rules_.sideband) {
    ++errors_.undetected;
    return true;
  }
  if (a.attempt == rules_.replays) {
    ++errors_.uncorrected;
    return true;
  }
  ++errors_.replayed;
  replays_.push_back({rising(end), static_cast<std::uint8_t>(pc), a});
  return false;
}

void Channel::replay(Half h) {
  std::size_t n = 0;
  for (; n < replays_.size() && replays_[n].when <= h; ++n) pcs_[replays_[n].pc].requeue(replays_[n].access, h);
  replays_.erase(replays_.begin(), replays_.begin() + static_cast<std::ptrdiff_t>(n));
}

void Channel::finish(Job& job) {
  const Handle handle = job.handle;
  const Time end = timing().edge(job.end);
  Transaction& t = transaction(handle);
  journal().add(t, end);
  if (job.write) {
    send(0, Phase::retire, handle, end + way_out());
  } else {
    t.stages.enter(Stage::data, timing().edge(job.last_column));
    t.stages.enter(Stage::phy, end);
    read_latency_.add(end - timing().edge(job.accepted));
    respond(handle, end);
  }
  job.handle = kNoHandle;
  free_jobs_.give(static_cast<Index>(&job - jobs_.data()));
  --outstanding_;
}

void Channel::respond(Handle handle, Time t) {
  if (responses_++ == drop_response_after_) return;
  send(0, Phase::response, handle, t + way_out());
}

// ---------------------------------------------------------------------------------------------------------- accounting

void Channel::report_waits(std::vector<engine::Wait>& waits) const {
  if (door_count_ > 0)
    waits.push_back(
        {name() + ".door", name() + ".queues", std::to_string(door_count_) + " transactions wait for queue entries"});
  for (std::size_t p = 0; p < pcs_.size(); ++p)
    if (pcs_[p].waiting() > 0)
      waits.push_back({name() + ".pseudo_channel_" + std::to_string(p), name() + ".banks",
                       std::to_string(pcs_[p].waiting()) + " accesses wait for their column command"});
}

void Channel::check_idle(std::vector<std::string>& broken) const {
  if (outstanding_ != 0)
    broken.push_back(name() + ": " + std::to_string(outstanding_) + " transactions are outstanding");
  if (door_count_ != 0) broken.push_back(name() + ": " + std::to_string(door_count_) + " transactions are in the door");
  if (!replays_.empty()) broken.push_back(name() + ": accesses are left to be read again");
  if (!free_jobs_.full())
    broken.push_back(name() + ": " + std::to_string(free_jobs_.taken()) + " transactions have not finished");
  for (std::size_t p = 0; p < pcs_.size(); ++p)
    pcs_[p].check_idle(name() + ", pseudo-channel " + std::to_string(p) + ": ", broken);
}

void Channel::statistics(StatVisitor& v) const {
  static constexpr std::size_t kCounts = 11;
  static constexpr const char* kNames[kCounts] = {"reads",      "writes",    "bytes",          "activates",
                                                  "precharges", "refreshes", "bank_refreshes", "refresh_managements",
                                                  "row_hits",   "forwarded", "merged"};
  // A visitor keeps the pointers: the names are made once.
  static const auto* const names = [] {
    auto* all = new std::array<std::vector<std::string>, 2>;
    for (std::size_t p = 0; p < all->size(); ++p) {
      const std::string prefix = "pseudo_channel_" + std::to_string(p) + "_";
      for (const char* count : kNames) (*all)[p].push_back(prefix + count);
      (*all)[p].push_back(prefix + "data_busy");
      for (std::size_t i = 0; i < kLosses; ++i) (*all)[p].push_back(prefix + "loss_" + name_of(static_cast<Loss>(i)));
    }
    return all;
  }();
  v("transactions", "count", static_cast<double>(transactions_));
  v("read_latency_sum", "ns", static_cast<double>(read_latency_.sum()) / static_cast<double>(kNanosecond));
  v("read_latency_count", "count", static_cast<double>(read_latency_.count()));
  if (rules_.errors) {
    v("errors_corrected", "count", static_cast<double>(errors_.corrected));
    v("errors_replayed", "count", static_cast<double>(errors_.replayed));
    v("errors_uncorrected", "count", static_cast<double>(errors_.uncorrected));
    v("errors_undetected", "count", static_cast<double>(errors_.undetected));
  }
  for (std::size_t p = 0; p < pcs_.size(); ++p) {
    const Counters& c = pcs_[p].counters();
    const LossAccount account = loss(static_cast<int>(p), advanced_);
    const std::uint64_t counts[kCounts] = {c.reads,      c.writes,    c.bytes(),        c.activates,
                                           c.precharges, c.refreshes, c.bank_refreshes, c.refresh_managements,
                                           c.row_hits,   c.forwarded, c.merged};
    const std::vector<std::string>& name = (*names)[p];
    for (std::size_t i = 0; i < kCounts; ++i)
      v(name[i].c_str(), i == 2 ? "B" : "count", static_cast<double>(counts[i]));
    v(name[kCounts].c_str(), "ns", to_ns(account.busy));
    for (std::size_t i = 0; i < kLosses; ++i) v(name[kCounts + 1 + i].c_str(), "ns", to_ns(account.loss[i]));
  }
}

}  // namespace cowosim::hbm
