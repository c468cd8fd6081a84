#include "compute/cache_slice.h"

#include <algorithm>
#include <stdexcept>

#include "core/random.h"

namespace cowosim::compute {

using engine::Message;
using engine::Phase;

namespace {
constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101ull;
constexpr std::uint64_t hint_of(std::uint32_t line) { return (line * 0x85EBCA6Bu) >> 24; }
/// Bits of a byte, without a call where the machine has no instruction for it.
constexpr unsigned bits_of(unsigned mask) {
  mask -= mask >> 1 & 0x55;
  mask = (mask & 0x33) + (mask >> 2 & 0x33);
  return (mask + (mask >> 4)) & 0x0F;
}
int log2_exact(std::int64_t n) {
  for (int bits = 0; bits < 62; ++bits) {
    if (std::int64_t{1} << bits == n) return bits;
  }
  return -1;
}
void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(std::string("cache slice: ") + what);
}
}  // namespace

CacheSlice::CacheSlice(const CacheSliceParams& params, const SliceMap& slices, std::uint16_t terminal, int credits)
    : params_(params),
      clock_{period_of(params.frequency)},
      slices_(slices),
      terminal_(terminal),
      ways_(static_cast<std::uint32_t>(params.ways)),
      line_shift_(log2_exact(params.line_bytes)),
      sector_shift_(log2_exact(params.sector_bytes)),
      bytes_per_cycle_shift_(log2_exact(params.bytes_per_cycle)),
      random_(params.replacement == "random"),
      draws_(terminal),
      credits_(credits),
      all_credits_(credits) {
  require(line_shift_ >= 5 && sector_shift_ >= 5, "line_bytes and sector_bytes are powers of two of at least 32");
  require(line_shift_ >= sector_shift_ && line_shift_ - sector_shift_ <= 3, "a line has 1, 2, 4 or 8 sectors");
  require(params.ways >= 1 && params.ways <= 255 && params.capacity > 0 &&
              params.capacity % (std::int64_t{params.line_bytes} * params.ways) == 0,
          "capacity is a whole number of sets (line_bytes x ways)");
  require(slices.capacity() >> line_shift_ < kNone, "the memory has fewer than 2^32 - 1 lines");
  require(credits >= 1, "at least one credit for the memory's door");
  sets_ = static_cast<std::uint32_t>(params.capacity / params.line_bytes / params.ways);
  const std::size_t lines = std::size_t{sets_} * ways_;
  tags_.assign(lines, 0);
  lines_.assign(lines, Line{0, 0, 0, 0, 0});
  for (std::size_t i = 0; i < lines; ++i) {
    const auto way = static_cast<std::uint32_t>(i % ways_);
    lines_[i].newer = static_cast<std::uint8_t>(way + 1 == ways_ ? 0 : way + 1);
    lines_[i].older = static_cast<std::uint8_t>(way == 0 ? ways_ - 1 : way - 1);
  }
  newest_.assign(sets_, static_cast<std::uint8_t>(ways_ - 1));
  words_ = (ways_ + 7) / 8;
  hints_.assign(std::size_t{sets_} * words_, 0);

  const auto entries = static_cast<std::size_t>(params.miss_entries);
  require(entries >= 8 && entries * static_cast<std::size_t>(params.line_bytes) >= 2 * kLargestRequest,
          "miss_entries: at least 8, and half of them cover a request of 512 bytes");
  misses_.resize(entries);
  for (std::size_t i = 0; i < entries; ++i)
    misses_[i].next = i + 1 < entries ? static_cast<std::uint32_t>(i + 1) : kNone;
  int bits = 4;
  while ((std::size_t{1} << bits) < 2 * entries) ++bits;
  buckets_.assign(std::size_t{1} << bits, kNone);
  bucket_shift_ = 32 - bits;
  held_.resize(static_cast<std::size_t>(credits));
}

void CacheSlice::start() { own_pool(); }

Time CacheSlice::output_pipeline(int port) const {
  if (port == kMemory) return params_.miss_latency;
  return std::min({params_.hit_latency, params_.miss_latency, params_.fill_latency});
}

double CacheSlice::peak_bandwidth() const {
  return static_cast<double>(params_.bytes_per_cycle) * 1e15 / static_cast<double>(clock_.period);
}

void CacheSlice::receive(const Message& message) {
  const Handle handle = message.transaction;
  const Time t = message.time;
  switch (message.phase) {
    case Phase::request: {
      Transaction& tx = transaction(handle);
      tx.stages.enter(Stage::l2, t);
      const std::uint16_t home_terminal = slices_.home_terminal(tx.address);
      Input& input = inputs_[home_terminal == terminal_ ? kHome : kNear];
      counters_.near_requests += home_terminal != terminal_;
      if (!input.empty() || !look_up(handle, home_terminal, t, t)) {
        input.waiting.push_back({handle, home_terminal, t});
        ++queued_;
      }
      break;
    }
    case Phase::response: {
      Transaction& tx = transaction(handle);
      if (tx.op == Op::read) {
        tx.stages.enter(Stage::l2, t);
        const StreamId stream = tx.stream;  // the answer may be gone to its source below
        filled(handle, t);
        if (queued_ != 0) drain_input(t, stream);
      }
      // A write-back's acceptance: nothing to do, it is kept until it retires.
      break;
    }
    case Phase::retire: {
      Transaction& tx = transaction(handle);
      journal().add(tx, t);
      own_pool().release(handle);
      break;
    }
    case Phase::credit:
      credit(message.count, t);
      break;
  }
}

// ---- Lookup --------------------------------------------------------------------------------------------------------

inline std::uint32_t CacheSlice::set_of(std::uint32_t line) const {
  return static_cast<std::uint32_t>((std::uint64_t{line * 0x9E3779B1u} * sets_) >> 32);
}

inline std::uint32_t CacheSlice::find(std::uint32_t set, std::uint32_t line) const {
  const std::uint64_t* const hints = &hints_[std::size_t{set} * words_];
  const std::uint64_t pattern = kOnes * hint_of(line);
  for (std::uint32_t word = 0; word < words_; ++word) {
    const std::uint64_t difference = hints[word] ^ pattern;
    // High bits of the zero bytes; a byte above a zero byte may show up too, so the tag decides.
    for (std::uint64_t zero = (difference - kOnes) & ~difference & (kOnes << 7); zero != 0; zero &= zero - 1) {
      const std::uint32_t way = 8 * word + (static_cast<std::uint32_t>(__builtin_ctzll(zero)) >> 3);
      if (way >= ways_) break;
      const std::uint32_t index = set * ways_ + way;
      if (tags_[index] == line + 1) return index;
    }
  }
  return kNone;
}

/// Makes a line the newest of its set.
inline void CacheSlice::use(std::uint32_t set, std::uint32_t index) {
  const std::uint32_t base = set * ways_;
  const auto way = static_cast<std::uint8_t>(index - base);
  const std::uint8_t newest = newest_[set];
  if (way == newest) return;
  newest_[set] = way;
  Line* const lines = &lines_[base];
  const std::uint8_t oldest = lines[newest].newer;
  if (way == oldest) return;  // the ring turns
  Line& line = lines[way];
  lines[line.older].newer = line.newer;
  lines[line.newer].older = line.older;
  line.older = newest;
  line.newer = oldest;
  lines[newest].newer = way;
  lines[oldest].older = way;
}

/// The sectors of `line` inside [begin, end).
inline std::uint8_t CacheSlice::sector_mask(std::uint32_t line, std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t base = std::uint64_t{line} << line_shift_;
  const std::uint64_t top = base + (std::uint64_t{1} << line_shift_);
  const std::uint64_t from = (std::max(begin, base) - base) >> sector_shift_;
  const std::uint64_t to = (std::min(end, top) - base + (std::uint64_t{1} << sector_shift_) - 1) >> sector_shift_;
  return static_cast<std::uint8_t>((1u << to) - (1u << from));
}

/// Takes the lookup port for a request that came at `arrival`; returns the clock edge of its lookup.
inline Time CacheSlice::take_lookup(const Transaction& tx, Time arrival, Time now) {
  const std::uint32_t bytes = tx.fetch_bytes;
  const auto width = static_cast<std::uint32_t>(params_.bytes_per_cycle);
  const std::uint32_t data =
      bytes_per_cycle_shift_ >= 0 ? (bytes + width - 1) >> bytes_per_cycle_shift_ : (bytes + width - 1) / width;
  const Time length = clock_.period * std::max<Time>(data, params_.cycles_per_request);
  const Time ready = clock_.align(arrival);
  Time start = ready;
  Time horizon = arrival;  // nobody to come, and nobody queued, arrived earlier
  if (queued_ != 0) {
    for (const Input& input : inputs_) {
      if (!input.empty()) horizon = std::min(horizon, input.waiting[input.first].arrival);
    }
  }
  lookups_.forget(horizon);
  if (lookups_.end() > ready || now > arrival) {
    if (now > arrival) start = clock_.align(now);
    if (lookups_.end() > start) start = lookups_.end();
    lookups_.charge(ready, start, tx.stream, lookup_blame_);
    counters_.lookup_wait += start - ready;
  }
  lookups_.append(start, start + length, tx.stream);
  counters_.lookup_busy += length;
  return start;
}

/// False when the request has to wait for a miss entry or a write buffer.
bool CacheSlice::look_up(Handle handle, std::uint16_t home_terminal, Time arrival, Time now) {
  Transaction& tx = transaction(handle);
  if (waiting_writebacks_ >= static_cast<std::uint32_t>(params_.write_buffers)) return false;
  if (tx.op == Op::read) return read(handle, tx, home_terminal, arrival, now);
  write(handle, tx, home_terminal, arrival, now);
  return true;
}

/// Sectors of a line that fetches under way will bring.
inline unsigned CacheSlice::pending_sectors(std::uint32_t line) const {
  unsigned pending = 0;
  for (std::uint32_t m = buckets_[bucket_of(line)]; m != kNone; m = misses_[m].next) {
    if (misses_[m].line == line) pending |= misses_[m].sectors;
  }
  return pending;
}

bool CacheSlice::read(Handle handle, Transaction& tx, std::uint16_t home_terminal, Time arrival, Time now) {
  const std::uint64_t begin = tx.fetch_address;
  const auto line = static_cast<std::uint32_t>(begin >> line_shift_);
  const std::uint64_t base = std::uint64_t{line} << line_shift_;
  const std::uint64_t top = begin + tx.fetch_bytes - base;
  if (top > std::uint64_t{1} << line_shift_) return read_lines(handle, tx, home_terminal, arrival, now);

  // One line, the usual case.
  const unsigned from = static_cast<unsigned>(begin - base) >> sector_shift_;
  const unsigned to = static_cast<unsigned>(top + (std::uint64_t{1} << sector_shift_) - 1) >> sector_shift_;
  const std::uint32_t set = set_of(line);
  const std::uint32_t way = find(set, line);
  unsigned rest = (1u << to) - (1u << from);
  if (way != kNone) rest &= ~unsigned{lines_[way].valid};
  unsigned pending = 0;
  if (rest != 0) {
    pending = pending_sectors(line) & rest;
    if (pending != rest && !room_for(1, home_terminal == terminal_)) return false;
  }
  const Time start = take_lookup(tx, arrival, now);
  counters_.read_bytes += tx.fetch_bytes;
  sectors_read_ += to - from;
  if (way != kNone) use(set, way);
  if (rest == 0) {
    ++counters_.hits;
    answer(handle, tx, Phase::response, start + params_.hit_latency);
    return true;
  }
  if (pending != 0) counters_.sector_merges += bits_of(pending);
  if (pending == rest) {
    merge(handle, tx, start + params_.hit_latency);
    return true;
  }
  counters_.sector_misses += bits_of(rest & ~pending);
  const auto first = static_cast<unsigned>(__builtin_ctz(rest));
  const auto last = static_cast<unsigned>(32 - __builtin_clz(rest));
  fetch(handle, tx, home_terminal, base + (std::uint64_t{first} << sector_shift_),
        base + (std::uint64_t{last} << sector_shift_), start, now);
  return true;
}

bool CacheSlice::read_lines(Handle handle, Transaction& tx, std::uint16_t home_terminal, Time arrival, Time now) {
  const std::uint64_t begin = tx.fetch_address;
  const std::uint64_t end = begin + tx.fetch_bytes;
  const auto first = static_cast<std::uint32_t>(begin >> line_shift_);
  const std::uint32_t lines = static_cast<std::uint32_t>((end - 1) >> line_shift_) - first + 1;
  if (lines > kMostLines) throw std::logic_error(name() + ": a request of more than 16 lines");

  std::uint32_t ways[kMostLines];
  unsigned sectors = 0, absent_count = 0, under_way_count = 0;
  std::uint64_t fetch_begin = 0, fetch_end = 0;  // from the first to the last sector that is not here
  for (std::uint32_t i = 0; i < lines; ++i) {
    const std::uint32_t line = first + i;
    ways[i] = find(set_of(line), line);
    unsigned rest = sector_mask(line, begin, end);
    sectors += bits_of(rest);
    if (ways[i] != kNone) rest &= ~unsigned{lines_[ways[i]].valid};
    if (rest == 0) continue;
    const unsigned pending = pending_sectors(line) & rest;
    under_way_count += bits_of(pending);
    absent_count += bits_of(rest & ~pending);
    const std::uint64_t base = std::uint64_t{line} << line_shift_;
    if (fetch_end == 0) fetch_begin = base + (static_cast<std::uint64_t>(__builtin_ctz(rest)) << sector_shift_);
    fetch_end = base + (static_cast<std::uint64_t>(32 - __builtin_clz(rest)) << sector_shift_);
  }
  if (absent_count != 0) {
    const auto needed = static_cast<std::uint32_t>(((fetch_end - 1) >> line_shift_) - (fetch_begin >> line_shift_)) + 1;
    if (!room_for(needed, home_terminal == terminal_)) return false;
  }
  const Time start = take_lookup(tx, arrival, now);
  counters_.read_bytes += tx.fetch_bytes;
  sectors_read_ += sectors;
  counters_.sector_misses += absent_count;
  counters_.sector_merges += under_way_count;
  for (std::uint32_t i = 0; i < lines; ++i) {
    if (ways[i] != kNone) use(set_of(first + i), ways[i]);
  }
  if (absent_count != 0) {
    fetch(handle, tx, home_terminal, fetch_begin, fetch_end, start, now);
  } else if (under_way_count != 0) {
    merge(handle, tx, start + params_.hit_latency);
  } else {
    ++counters_.hits;
    answer(handle, tx, Phase::response, start + params_.hit_latency);
  }
  return true;
}

/// Asks memory or the home slice for [begin, end); there is room for its lines.
inline void CacheSlice::fetch(Handle handle, Transaction& tx, std::uint16_t home_terminal, std::uint64_t begin,
                              std::uint64_t end, Time start, Time now) {
  ++counters_.misses;
  const bool home = home_terminal == terminal_;
  const auto first = static_cast<std::uint32_t>(begin >> line_shift_);
  const auto last = static_cast<std::uint32_t>((end - 1) >> line_shift_);
  for (std::uint32_t line = first; line <= last; ++line) {
    const std::uint32_t m = free_miss_;
    Miss& miss = misses_[m];
    std::uint32_t& bucket = buckets_[bucket_of(line)];
    free_miss_ = miss.next;
    miss.owner = handle;
    miss.line = line;
    miss.next = bucket;
    miss.waiters = kNone;
    miss.in_address = tx.fetch_address;
    miss.in_bytes = tx.fetch_bytes;
    miss.sectors = sector_mask(line, begin, end);
    miss.near = !home;
    bucket = m;
  }
  misses_used_ += last - first + 1;
  tx.fetch_address = begin;
  tx.fetch_bytes = static_cast<std::uint32_t>(end - begin);
  counters_.fetched_bytes += tx.fetch_bytes;
  if (home) {
    to_memory(handle, start, now, false);
  } else {
    near_misses_ += last - first + 1;
    tx.destination = home_terminal;
    tx.via = terminal_;
    send(kNetwork, Phase::request, handle, start + params_.miss_latency + latency(kNetwork));
  }
}

/// Everything that is not here is on its way: waits for those fills. `ready`: a hit would be answered then.
void CacheSlice::merge(Handle handle, const Transaction& tx, Time ready) {
  ++counters_.merges;
  std::uint32_t w = free_waiter_;
  if (w == kNone) {
    w = static_cast<std::uint32_t>(waiters_.size());
    waiters_.emplace_back();
  } else {
    free_waiter_ = waiters_[w].next;
  }
  waiters_[w] = {handle, 0, ready, kNone};
  ++waiters_used_;
  const std::uint64_t begin = tx.fetch_address;
  const std::uint64_t end = begin + tx.fetch_bytes;
  const auto last = static_cast<std::uint32_t>((end - 1) >> line_shift_);
  for (auto line = static_cast<std::uint32_t>(begin >> line_shift_); line <= last; ++line) {
    unsigned rest = sector_mask(line, begin, end);
    const std::uint32_t way = find(set_of(line), line);
    if (way != kNone) rest &= ~unsigned{lines_[way].valid};
    for (std::uint32_t m = buckets_[bucket_of(line)]; m != kNone && rest != 0; m = misses_[m].next) {
      Miss& miss = misses_[m];
      if (miss.line != line || (miss.sectors & rest) == 0) continue;
      rest &= ~unsigned{miss.sectors};
      std::uint32_t n = free_node_;
      if (n == kNone) {
        n = static_cast<std::uint32_t>(nodes_.size());
        nodes_.emplace_back();
      } else {
        free_node_ = nodes_[n].next;
      }
      nodes_[n] = {w, miss.waiters};
      miss.waiters = n;
      ++waiters_[w].fills;
    }
  }
}

void CacheSlice::write(Handle handle, Transaction& tx, std::uint16_t home_terminal, Time arrival, Time now) {
  const bool home = home_terminal == terminal_;
  const std::uint64_t begin = tx.fetch_address;
  const std::uint64_t end = begin + tx.fetch_bytes;
  const Time start = take_lookup(tx, arrival, now);
  ++counters_.writes;
  counters_.write_bytes += tx.fetch_bytes;
  const auto last = static_cast<std::uint32_t>((end - 1) >> line_shift_);
  for (auto line = static_cast<std::uint32_t>(begin >> line_shift_); line <= last; ++line) {
    const std::uint32_t set = set_of(line);
    std::uint32_t way = find(set, line);
    if (!home) {
      // Written through; what this partition has of it is up to date again, and stays clean.
      if (way != kNone) use(set, way);
      continue;
    }
    if (way == kNone) way = install(line, set, start, now);
    const std::uint8_t sectors = sector_mask(line, begin, end);
    Line& kept = lines_[way];
    counters_.kept_bytes += std::uint64_t{bits_of(sectors)} << sector_shift_;
    counters_.overwritten_bytes += std::uint64_t{bits_of(kept.dirty & sectors)} << sector_shift_;
    kept.valid |= sectors;
    kept.dirty |= sectors;
    kept.writer = tx.stream;
    use(set, way);
  }
  if (home) {
    answer(handle, tx, Phase::retire, start + params_.hit_latency);
  } else {
    counters_.forwarded_bytes += tx.fetch_bytes;
    tx.destination = home_terminal;
    tx.via = tx.destination;  // the home slice answers the source itself
    send(kNetwork, Phase::request, handle, start + params_.miss_latency + latency(kNetwork));
  }
}

inline void CacheSlice::answer(Handle handle, Transaction& tx, Phase phase, Time leaves) {
  tx.destination = tx.via == terminal_ ? tx.source : tx.via;
  services().add(tx, leaves);
  send(kNetwork, phase, handle, leaves + latency(kNetwork));
}

// ---- Fill and eviction ---------------------------------------------------------------------------------------------

void CacheSlice::filled(Handle handle, Time t) {
  Transaction& tx = transaction(handle);
  const StreamId stream = tx.stream;
  const std::uint64_t begin = tx.fetch_address;
  const auto first = static_cast<std::uint32_t>(begin >> line_shift_);
  const auto last = static_cast<std::uint32_t>((begin + tx.fetch_bytes - 1) >> line_shift_);
  const Time leaves = t + params_.fill_latency;
  std::uint64_t in_address = 0;
  std::uint32_t in_bytes = 0;
  for (std::uint32_t line = first; line <= last; ++line) {
    std::uint32_t* link = &buckets_[bucket_of(line)];
    while (*link != kNone && (misses_[*link].line != line || misses_[*link].owner != handle))
      link = &misses_[*link].next;
    if (*link == kNone) throw std::logic_error(name() + ": data that nobody asked for");
    const std::uint32_t m = *link;
    Miss& miss = misses_[m];
    *link = miss.next;
    if (line == first) {
      in_address = miss.in_address;
      in_bytes = miss.in_bytes;
    }
    const std::uint32_t set = set_of(line);
    std::uint32_t way = find(set, line);
    if (way == kNone) way = install(line, set, t, t);
    lines_[way].valid |= miss.sectors;
    use(set, way);

    std::uint32_t n = miss.waiters;
    miss.next = free_miss_;
    free_miss_ = m;
    --misses_used_;
    near_misses_ -= miss.near;
    while (n != kNone) {
      const std::uint32_t w = nodes_[n].waiter;
      const std::uint32_t next = nodes_[n].next;
      nodes_[n].next = free_node_;
      free_node_ = n;
      n = next;
      Waiter& waiter = waiters_[w];
      if (--waiter.fills != 0) continue;
      Transaction& merged = transaction(waiter.transaction);
      const Time answered = std::max(leaves, waiter.ready);
      merge_blame_.charge(merged.stream, stream, answered - waiter.ready);
      counters_.merge_wait += answered - waiter.ready;
      answer(waiter.transaction, merged, Phase::response, answered);
      waiter.next = free_waiter_;
      free_waiter_ = w;
      --waiters_used_;
    }
  }
  tx.fetch_address = in_address;
  tx.fetch_bytes = in_bytes;
  answer(handle, tx, Phase::response, leaves);
}

/// An empty line under `line` in `set`: what was there before is gone, written back when dirty.
std::uint32_t CacheSlice::install(std::uint32_t line, std::uint32_t set, Time t, Time now) {
  const std::uint32_t base = set * ways_;
  // Lines never used are the oldest.
  std::uint32_t victim = base + lines_[base + newest_[set]].newer;
  if (tags_[victim] != 0) {
    if (random_) victim = base + static_cast<std::uint32_t>(bounded(mix(draws_, counters_.evictions), ways_));
    ++counters_.evictions;
    if (lines_[victim].dirty != 0) write_back(victim, t, now);
  }
  tags_[victim] = line + 1;
  lines_[victim].valid = lines_[victim].dirty = 0;
  const std::uint32_t way = victim - base;
  std::uint64_t& word = hints_[std::size_t{set} * words_ + way / 8];
  const unsigned shift = 8 * (way % 8);
  word = (word & ~(std::uint64_t{0xFF} << shift)) | hint_of(line) << shift;
  return victim;
}

void CacheSlice::write_back(std::uint32_t way, Time t, Time now) {
  const std::uint64_t base = std::uint64_t{tags_[way] - 1} << line_shift_;
  unsigned dirty = lines_[way].dirty;
  while (dirty != 0) {
    const int from = __builtin_ctz(dirty);
    const int count = __builtin_ctz(~(dirty >> from));
    dirty &= ~(((1u << count) - 1) << from);
    const Handle handle = own_pool().create();
    Transaction& tx = transaction(handle);
    tx.op = Op::write;
    tx.address = tx.fetch_address = base + (static_cast<std::uint64_t>(from) << sector_shift_);
    tx.bytes = tx.fetch_bytes = static_cast<std::uint32_t>(count) << sector_shift_;
    tx.stream = lines_[way].writer;
    tx.source = tx.via = tx.destination = terminal_;
    tx.created = t;
    tx.stages.start(Stage::l2, t);
    ++counters_.writebacks;
    counters_.writeback_bytes += tx.bytes;
    to_memory(handle, t, now, true);
  }
}

// ---- Memory's door -------------------------------------------------------------------------------------------------

/// Sends to memory, or lets wait for a credit. `ready` >= now: from then on the credit is what it waits for.
void CacheSlice::to_memory(Handle handle, Time ready, Time now, bool writeback) {
  if (credits_ > 0 && first_outgoing_ == outgoing_.size()) {
    --credits_;
    std::uint32_t slot = held_first_ + held_count_++;
    if (slot >= held_.size()) slot -= static_cast<std::uint32_t>(held_.size());
    held_[slot] = transaction(handle).stream;
    send(kMemory, Phase::request, handle, ready + params_.miss_latency + latency(kMemory));
    return;
  }
  if (first_outgoing_ == outgoing_.size()) {
    credit_since_ = now;
    credit_holders_.forget(now);
  }
  transaction(handle).stages.enter(Stage::queue, ready);
  outgoing_.push_back({handle, ready, now, writeback});
  if (writeback) ++waiting_writebacks_;
}

void CacheSlice::credit(unsigned count, Time t) {
  for (; count > 0; --count) {
    if (credits_ == all_credits_) throw std::logic_error(name() + ": more credits than the memory's door has entries");
    const StreamId holder = held_[held_first_];
    held_first_ = held_first_ + 1 == held_.size() ? 0 : held_first_ + 1;
    --held_count_;
    ++credits_;
    if (first_outgoing_ == outgoing_.size()) continue;

    // The entry that came free was what the first in the queue, and all behind it, waited for.
    if (t > credit_since_) {
      credit_holders_.append(credit_since_, t, holder);
      credit_since_ = t;
    }
    const Outgoing next = outgoing_[first_outgoing_++];
    if (first_outgoing_ == outgoing_.size()) {
      outgoing_.clear();
      first_outgoing_ = 0;
    } else if (first_outgoing_ >= 64 && 2 * first_outgoing_ >= outgoing_.size()) {
      outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(first_outgoing_));
      first_outgoing_ = 0;
    }
    Transaction& tx = transaction(next.transaction);
    const Time leaves = std::max(next.ready, t);
    credit_holders_.charge(next.ready, leaves, tx.stream, credit_blame_);
    counters_.credit_wait += leaves - next.ready;
    if (first_outgoing_ < outgoing_.size()) credit_holders_.forget(outgoing_[first_outgoing_].since);
    tx.stages.enter(Stage::l2, leaves);
    --credits_;
    std::uint32_t slot = held_first_ + held_count_++;
    if (slot >= held_.size()) slot -= static_cast<std::uint32_t>(held_.size());
    held_[slot] = tx.stream;
    send(kMemory, Phase::request, next.transaction, leaves + params_.miss_latency + latency(kMemory));
    if (next.writeback) {
      --waiting_writebacks_;
      drain_input(t, holder);
    }
  }
}

/// Something the first request of an input queue may have waited for is free since `t`, held by `holder` until then.
void CacheSlice::drain(Input& input, Time t, telemetry::Holder holder) {
  // For this queue the port stood still since the last lookup, or since the request came.
  const Time from = std::max(lookups_.end(), clock_.align(input.waiting[input.first].arrival));
  const Time to = clock_.align(t);
  if (from < to) lookups_.append(from, to, holder);
  while (!input.empty()) {
    const Queued next = input.waiting[input.first];
    if (!look_up(next.transaction, next.home_terminal, next.arrival, t)) break;
    ++input.first;
    --queued_;
  }
  if (input.empty()) {
    input.waiting.clear();
    input.first = 0;
  } else if (input.first >= 64 && 2 * input.first >= input.waiting.size()) {
    input.waiting.erase(input.waiting.begin(), input.waiting.begin() + static_cast<std::ptrdiff_t>(input.first));
    input.first = 0;
  }
}

// ---- Reports -------------------------------------------------------------------------------------------------------

CacheSlice::Counters CacheSlice::counters() const {
  Counters c = counters_;
  c.reads = c.hits + c.misses + c.merges;
  c.sector_hits = sectors_read_ - c.sector_misses - c.sector_merges;
  c.home_requests = c.reads + c.writes + queued_ - c.near_requests;
  return c;
}

std::uint64_t CacheSlice::dirty_bytes() const {
  std::uint64_t sectors = 0;
  for (const Line& line : lines_) sectors += bits_of(line.dirty);
  return sectors << sector_shift_;
}

void CacheSlice::report_waits(std::vector<engine::Wait>& waits) const {
  std::size_t input = 0;
  for (const Input& i : inputs_) input += i.waiting.size() - i.first;
  const std::size_t outgoing = outgoing_.size() - first_outgoing_;
  if (input > 0) {
    const bool writes = waiting_writebacks_ >= static_cast<std::uint32_t>(params_.write_buffers);
    waits.push_back({name() + ".input (" + std::to_string(input) + " requests)", name(),
                     writes ? "all write buffers are waiting for the memory" : "all miss entries are in use"});
  }
  if (outgoing > 0) {
    waits.push_back({name() + ".outgoing (" + std::to_string(outgoing) + " requests)", name() + " port memory",
                     "no credit: " + std::to_string(all_credits_) + " entries of the memory's door are taken"});
  }
  if (misses_used_ > 0) {
    waits.push_back(
        {name() + " (" + std::to_string(misses_used_) + " lines)", "memory or home slice", "data have not come"});
  }
}

void CacheSlice::statistics(StatVisitor& visit) const {
  const Counters c = counters();
  const auto count = [&](const char* what, std::uint64_t n) { visit(what, "count", static_cast<double>(n)); };
  const auto bytes = [&](const char* what, std::uint64_t n) { visit(what, "B", static_cast<double>(n)); };
  count("reads", c.reads);
  count("writes", c.writes);
  count("home_requests", c.home_requests);
  count("near_requests", c.near_requests);
  bytes("read_bytes", c.read_bytes);
  bytes("write_bytes", c.write_bytes);
  count("hits", c.hits);
  count("misses", c.misses);
  count("merges", c.merges);
  count("sector_hits", c.sector_hits);
  count("sector_misses", c.sector_misses);
  count("sector_merges", c.sector_merges);
  const std::uint64_t sectors = c.sector_hits + c.sector_misses + c.sector_merges;
  visit("hit_rate", "ratio", sectors == 0 ? 0.0 : static_cast<double>(c.sector_hits) / static_cast<double>(sectors));
  bytes("fetched_bytes", c.fetched_bytes);
  count("evictions", c.evictions);
  count("writebacks", c.writebacks);
  bytes("writeback_bytes", c.writeback_bytes);
  bytes("kept_bytes", c.kept_bytes);
  bytes("overwritten_bytes", c.overwritten_bytes);
  bytes("forwarded_bytes", c.forwarded_bytes);
  visit("lookup_busy", "ns", to_ns(c.lookup_busy));
  visit("lookup_wait", "ns", to_ns(c.lookup_wait));
  visit("merge_wait", "ns", to_ns(c.merge_wait));
  visit("credit_wait", "ns", to_ns(c.credit_wait));
}

void CacheSlice::check_idle(std::vector<std::string>& violations) const {
  const auto expect = [&](std::size_t found, std::size_t expected, const char* what) {
    if (found != expected) {
      violations.push_back(std::string(what) + ": " + std::to_string(found) + " instead of " +
                           std::to_string(expected));
    }
  };
  for (const Input& i : inputs_) expect(i.waiting.size() - i.first, 0, "requests in the input queue");
  expect(outgoing_.size() - first_outgoing_, 0, "requests waiting for a credit");
  expect(misses_used_, 0, "lines with a fetch under way");
  expect(waiters_used_, 0, "merged requests");
  expect(static_cast<std::size_t>(credits_), static_cast<std::size_t>(all_credits_), "credits of the memory's door");
  expect(counters_.kept_bytes, counters_.writeback_bytes + counters_.overwritten_bytes + dirty_bytes(),
         "bytes kept for writes");
}

}  // namespace cowosim::compute
