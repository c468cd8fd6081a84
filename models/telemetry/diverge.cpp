#include "telemetry/diverge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>
#include <unordered_map>

#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

using EpochKey = std::tuple<std::uint64_t, std::string, HashKind>;

std::map<EpochKey, const HashRow*> index_of(const HashTable& table) {
  std::map<EpochKey, const HashRow*> index;
  for (const HashRow& row : table)
    if (row.events != 0 || row.hash != 0) index[{row.epoch, row.component, row.kind}] = &row;
  return index;
}

/// (component, identity, n-th event of this identity there): the same event in both runs.
using EventKey = std::tuple<std::string, std::uint64_t, std::uint32_t>;

std::map<EventKey, const TransactionRecord*> index_of(const TransactionTable& table) {
  std::vector<const TransactionRecord*> rows;
  for (const TransactionRecord& row : table) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const auto* x, const auto* y) { return x->time < y->time; });
  std::map<EventKey, const TransactionRecord*> index;
  std::map<std::pair<std::string, std::uint64_t>, std::uint32_t> seen;
  for (const TransactionRecord* row : rows)
    index[{row->component, row->identity, seen[{row->component, row->identity}]++}] = row;
  return index;
}

bool same(const TransactionRecord& x, const TransactionRecord& y) {
  return x.time == y.time && x.number == y.number && x.op == y.op && x.address == y.address && x.bytes == y.bytes &&
         x.stream == y.stream;
}

}  // namespace

std::optional<EpochDifference> first_difference(const HashTable& a, const HashTable& b) {
  const auto in_a = index_of(a);
  const auto in_b = index_of(b);
  std::optional<EpochDifference> difference;
  const auto note = [&](const EpochKey& key, const HashRow* x, const HashRow* y) {
    const auto& [epoch, component, kind] = key;
    if (difference && difference->epoch < epoch) return;
    const HashRow& row = x != nullptr ? *x : *y;
    if (!difference || difference->epoch > epoch) difference = EpochDifference{epoch, row.begin, row.end, {}};
    // The last epoch is cut off where a run ends, which need not be the same place.
    difference->end = std::max({difference->end, x != nullptr ? x->end : 0, y != nullptr ? y->end : 0});
    ComponentDifference entry{component, kind, {}, {}};
    if (x != nullptr) entry.a = *x;
    if (y != nullptr) entry.b = *y;
    difference->components.push_back(std::move(entry));
  };
  for (const auto& [key, x] : in_a) {
    const auto found = in_b.find(key);
    const HashRow* y = found == in_b.end() ? nullptr : found->second;
    if (y != nullptr && x->begin != y->begin)
      throw std::invalid_argument(fmt::format(
          "epoch {} begins at {} ns in one run and at {} ns in the other: only runs with equal epochs can be compared",
          x->epoch, exact_ns(x->begin), exact_ns(y->begin)));
    if (y == nullptr || x->hash != y->hash || x->events != y->events) note(key, x, y);
  }
  for (const auto& [key, y] : in_b)
    if (in_a.find(key) == in_a.end()) note(key, nullptr, y);
  if (difference)
    std::sort(difference->components.begin(), difference->components.end(), [](const auto& x, const auto& y) {
      return std::tie(x.component, x.kind) < std::tie(y.component, y.kind);
    });
  return difference;
}

std::optional<TransactionDifference> first_difference(const TransactionTable& a, const TransactionTable& b,
                                                      const std::vector<std::string>& sources) {
  const auto in_a = index_of(a);
  const auto in_b = index_of(b);
  std::optional<TransactionDifference> first;
  const auto note = [&](const TransactionRecord* x, const TransactionRecord* y) {
    const TransactionRecord& row = x == nullptr ? *y : y == nullptr ? *x : x->time <= y->time ? *x : *y;
    if (first &&
        std::tie(first->time, first->component, first->identity) <= std::tie(row.time, row.component, row.identity))
      return;
    first = TransactionDifference{row.time, row.component, "", row.identity, row.number, row.address, {}, {}};
    if (x != nullptr) first->a = *x;
    if (y != nullptr) first->b = *y;
  };
  for (const auto& [key, x] : in_a) {
    const auto found = in_b.find(key);
    if (found == in_b.end()) {
      note(x, nullptr);
    } else if (!same(*x, *found->second)) {
      note(x, found->second);
    }
  }
  for (const auto& [key, y] : in_b)
    if (in_a.find(key) == in_a.end()) note(nullptr, y);
  if (first) {  // the last of its events at a creator is its retirement (a cache also serves others' transactions)
    Time last = -1;
    for (const TransactionTable* table : {&a, &b})
      for (const TransactionRecord& row : *table)
        if (row.time > last && row.identity == first->identity &&
            std::find(sources.begin(), sources.end(), row.component) != sources.end()) {
          first->source = row.component;
          last = row.time;
        }
  }
  return first;
}

std::vector<std::string> sources_of(const HashTable& table) {
  std::vector<std::string> sources;
  for (const HashRow& row : table)
    if (row.kind == HashKind::retire) sources.push_back(row.component);
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return sources;
}

std::string describe(const EpochDifference& difference, const std::string& a, const std::string& b) {
  std::string text = fmt::format("first difference in epoch {} [{} ns, {} ns): {} component{}\n", difference.epoch,
                                 exact_ns(difference.begin), exact_ns(difference.end), difference.components.size(),
                                 difference.components.size() == 1 ? "" : "s");
  const auto side = [](const std::optional<HashRow>& row) {
    return row ? fmt::format("{} events, hash {}", row->events, hex64(row->hash)) : std::string("nothing");
  };
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < difference.components.size() && i < kShown; ++i) {
    const ComponentDifference& entry = difference.components[i];
    text += fmt::format("  {} ({})\n    {}: {}\n    {}: {}\n", entry.component,
                        entry.kind == HashKind::retire ? "retire" : "serve", a, side(entry.a), b, side(entry.b));
  }
  if (difference.components.size() > kShown)
    text += fmt::format("  and {} more\n", difference.components.size() - kShown);
  return text;
}

std::string describe(const TransactionDifference& difference, const std::string& a, const std::string& b) {
  const std::string who =
      difference.source.empty()
          ? fmt::format("transaction {} (number {} of its source)", hex64(difference.identity), difference.number)
          : fmt::format("transaction {} of {}", difference.number, difference.source);
  std::string text = fmt::format("first differing transaction: {}, address {:#x}, at {}\n", who, difference.address,
                                 difference.component);
  const auto side = [&](const std::string& run, const std::optional<TransactionRecord>& row) {
    if (!row) return fmt::format("  {}: not there\n", run);
    return fmt::format("  {}: {} ns, {} {} bytes at {:#x}, stream {}\n", run, exact_ns(row->time), name_of(row->op),
                       row->bytes, row->address, row->stream);
  };
  text += side(a, difference.a) + side(b, difference.b);
  if (difference.a && difference.b && difference.a->time != difference.b->time)
    text += fmt::format("  {} is {} ns {}\n", b, exact_ns(std::abs(difference.b->time - difference.a->time)),
                        difference.b->time > difference.a->time ? "later" : "earlier");
  return text;
}

}  // namespace cowosim::telemetry
