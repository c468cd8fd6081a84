#include "platforms/register_block.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "platforms/host_queue.h"

namespace cowosim::platforms {

namespace {

/// How a statistic becomes an integer.
struct UnitRule {
  const char* statistic;
  const char* counter;
  double factor;
  host::CounterUnit code;
};
constexpr std::array<UnitRule, 7> kUnits = {{{"count", "count", 1, host::CounterUnit::count},
                                             {"B", "B", 1, host::CounterUnit::bytes},
                                             {"flop", "flop", 1, host::CounterUnit::flop},
                                             {"ns", "ps", 1e3, host::CounterUnit::picoseconds},
                                             {"pJ", "fJ", 1e3, host::CounterUnit::femtojoules},
                                             {"ratio", "1e-6", 1e6, host::CounterUnit::millionths},
                                             {"GB/s", "B/s", 1e9, host::CounterUnit::bytes_per_second}}};

std::size_t unit_of(const engine::Heart& heart, const char* statistic, const char* unit) {
  const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const UnitRule& rule) { return rule.statistic == std::string_view(unit); });
  if (found == kUnits.end())
    throw std::logic_error(heart.name() + "." + statistic + ": no register has the unit " + unit);
  return static_cast<std::size_t>(found - kUnits.begin());
}

/// Registers before the counters.
struct HeaderRegister {
  host::Register offset;
  const char* name;
  const char* unit;
  bool writable;
};
constexpr HeaderRegister kHeader[] = {
    {host::magic, "magic", "bits", false},
    {host::layout_version, "layout_version", "count", false},
    {host::counters, "counters", "count", false},
    {host::counters_offset, "counters_offset", "B", false},
    {host::names_offset, "names_offset", "B", false},
    {host::block_bytes, "block_bytes", "B", false},
    {host::time_fs, "time_fs", "fs", false},
    {host::features, "features", "bits", false},
    {host::ring_base, "ring_base", "address", true},
    {host::ring_entries, "ring_entries", "count", true},
    {host::tail, "tail", "count", true},
    {host::head, "head", "count", false},
    {host::status, "status", "bits", false},
    {host::error, "error", "bits", true},
    {host::error_descriptor, "error_descriptor", "count", false},
    {host::errors, "errors", "count", false},
    {host::kernels_launched, "kernels_launched", "count", false},
    {host::kernels_ended, "kernels_ended", "count", false},
};

bool is_writable(std::uint64_t offset) {
  return std::any_of(std::begin(kHeader), std::end(kHeader),
                     [&](const HeaderRegister& r) { return r.offset == offset && r.writable; });
}

constexpr std::uint64_t kWord = 8;

/// What a heart's statistics are called.
class Lister final : public StatVisitor {
 public:
  bool complete() const override { return true; }
  void operator()(const char* name, const char* unit, double) override { found.emplace_back(name, unit); }
  std::vector<std::pair<std::string, std::string>> found;
};

}  // namespace

/// Puts the values of one heart where its counters are.
class RegisterBlock::Sampler final : public StatVisitor {
 public:
  Sampler(const Source& source, std::vector<Counter>& counters) : source_(source), counters_(counters) {
    source.heart->statistics(*this);
    if (visited_ != source.order.size()) fail();
  }
  bool complete() const override { return true; }
  void operator()(const char* name, const char*, double value) override {
    if (visited_ == source_.order.size() || source_.statistics[visited_] != name) fail();
    Counter& counter = counters_[source_.order[visited_++]];
    counter.value = static_cast<std::uint64_t>(std::llround(value * kUnits[counter.unit].factor));
  }

 private:
  void fail() const {
    throw std::logic_error(source_.heart->name() + ": its statistics are others than when the registers were laid out");
  }
  const Source& source_;
  std::vector<Counter>& counters_;
  std::size_t visited_ = 0;
};

RegisterBlock::RegisterBlock(const std::vector<engine::Heart*>& hearts, HostQueue* queue) : queue_(queue) {
  std::vector<const engine::Heart*> sorted(hearts.begin(), hearts.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
  for (const engine::Heart* heart : sorted) {
    Lister lister;
    heart->statistics(lister);
    const auto& found = lister.found;
    std::vector<std::size_t> by_name(found.size());
    std::iota(by_name.begin(), by_name.end(), std::size_t{0});
    std::stable_sort(by_name.begin(), by_name.end(),
                     [&](std::size_t a, std::size_t b) { return found[a].first < found[b].first; });
    Source& source = sources_.emplace_back(Source{heart, counters_.size(), {}, {}});
    source.order.resize(found.size());
    for (const std::size_t visited : by_name) {
      source.order[visited] = counters_.size();
      counters_.push_back({heart->name() + "." + found[visited].first,
                           unit_of(*heart, found[visited].first.c_str(), found[visited].second.c_str())});
    }
    for (const auto& statistic : found) source.statistics.push_back(statistic.first);
  }
  name_counters();
}

void RegisterBlock::name_counters() {
  names_offset_ = host::kHeaderBytes + counters_.size() * kWord;
  names_.resize(counters_.size() * host::kNameEntryBytes);
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    const std::string& name = counters_[i].name;
    unsigned char* entry = names_.data() + i * host::kNameEntryBytes;
    host::store_little_endian(names_offset_ + names_.size(), entry, kWord);
    host::store_little_endian(static_cast<std::uint64_t>(kUnits[counters_[i].unit].code), entry + kWord, kWord);
    names_.insert(names_.end(), name.begin(), name.end());
    names_.push_back(0);
  }
  names_.resize((names_.size() + kWord - 1) / kWord * kWord);
}

bool RegisterBlock::fail(std::string why) {
  error_ = std::move(why);
  return false;
}

void RegisterBlock::sample(std::size_t first, std::size_t last) {
  auto source = std::upper_bound(sources_.begin(), sources_.end(), first,
                                 [](std::size_t counter, const Source& s) { return counter < s.first; });
  for (--source; source != sources_.end() && source->first <= last; ++source) Sampler(*source, counters_);
}

std::uint64_t RegisterBlock::header(std::uint64_t offset, Time now) const {
  switch (offset) {
    case host::magic:
      return host::kMagic;
    case host::layout_version:
      return host::kLayoutVersion;
    case host::counters:
      return counters_.size();
    case host::counters_offset:
      return host::kHeaderBytes;
    case host::names_offset:
      return names_offset_;
    case host::block_bytes:
      return bytes();
    case host::time_fs:
      return static_cast<std::uint64_t>(now);
    case host::features:
      return queue_ != nullptr ? host::kHasQueue : 0;
    default:
      return queue_ != nullptr ? queue_->read(offset) : 0;
  }
}

bool RegisterBlock::read(std::uint64_t offset, unsigned char* data, std::size_t length, Time now) {
  if (offset > bytes() || length > bytes() - offset) {
    return fail(fmt::format("{} bytes at offset 0x{:x} do not lie in the registers, which end at 0x{:x}", length,
                            offset, bytes()));
  }
  if (length == 0) return true;
  if (queue_ != nullptr) queue_->settle(now);
  const std::uint64_t end = offset + length;
  if (offset < names_offset_ && end > host::kHeaderBytes && !counters_.empty()) {
    sample((std::max(offset, host::kHeaderBytes) - host::kHeaderBytes) / kWord,
           (std::min(end, names_offset_) - 1 - host::kHeaderBytes) / kWord);
  }
  for (std::uint64_t at = offset; at < end;) {
    const std::uint64_t word = at / kWord * kWord;
    const std::uint64_t next = std::min(word + kWord, end);
    if (word >= names_offset_) {
      std::copy_n(names_.begin() + static_cast<std::ptrdiff_t>(at - names_offset_), end - at, data + (at - offset));
      return true;
    }
    std::array<unsigned char, kWord> bytes_of_word{};
    host::store_little_endian(
        word < host::kHeaderBytes ? header(word, now) : counters_[(word - host::kHeaderBytes) / kWord].value,
        bytes_of_word.data(), kWord);
    std::copy(bytes_of_word.begin() + static_cast<std::ptrdiff_t>(at - word),
              bytes_of_word.begin() + static_cast<std::ptrdiff_t>(next - word), data + (at - offset));
    at = next;
  }
  return true;
}

bool RegisterBlock::write(std::uint64_t offset, const unsigned char* data, std::size_t length, Time now) {
  if (offset > bytes() || length > bytes() - offset) {
    return fail(fmt::format("{} bytes at offset 0x{:x} do not lie in the registers, which end at 0x{:x}", length,
                            offset, bytes()));
  }
  const std::uint64_t end = offset + length;
  for (std::uint64_t word = offset / kWord * kWord; word < end; word += kWord) {
    if (!is_writable(word)) return fail(fmt::format("register 0x{:x} is read-only", word));
  }
  if (queue_ == nullptr) return fail("there are no cores that run a host's kernels");
  for (std::uint64_t word = offset / kWord * kWord; word < end; word += kWord) {
    std::array<unsigned char, kWord> value{};
    host::store_little_endian(queue_->read(word), value.data(), kWord);
    for (std::uint64_t at = std::max(word, offset); at < std::min(word + kWord, end); ++at)
      value[at - word] = data[at - offset];
    if (!queue_->write(word, host::load_little_endian(value.data(), kWord), now)) return fail(queue_->reason());
  }
  return true;
}

std::vector<RegisterInfo> RegisterBlock::list() const {
  std::vector<RegisterInfo> all;
  for (const HeaderRegister& r : kHeader) all.push_back({r.offset, r.name, r.unit, r.writable});
  for (std::size_t i = 0; i < counters_.size(); ++i)
    all.push_back({host::kHeaderBytes + i * kWord, counters_[i].name, kUnits[counters_[i].unit].counter, false});
  return all;
}

}  // namespace cowosim::platforms
