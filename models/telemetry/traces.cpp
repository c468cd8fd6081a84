#include "telemetry/traces.h"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <iterator>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <tuple>

#include "core/error.h"
#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

constexpr const char* kHashHeader = "component,kind,epoch,begin_ns,end_ns,events,hash";
constexpr const char* kTransactionHeader = "time_ns,component,identity,number,op,address,bytes,stream";
constexpr const char* kCommandHeader = "time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column";

const char* name_of(HashKind kind) { return kind == HashKind::retire ? "retire" : "serve"; }
/// How a trace writes an Op.
constexpr const char* kOpLetters[kOps] = {"R", "W", "L", "MC", "RD", "AR"};
const char* letters_of(Op op) { return kOpLetters[static_cast<std::size_t>(op)]; }
Op op_of(const std::string& letters) {
  const auto found = std::find(std::begin(kOpLetters), std::end(kOpLetters), letters);
  if (found == std::end(kOpLetters))
    throw std::invalid_argument(fmt::format("op '{}' is none of {}", letters, fmt::join(kOpLetters, ", ")));
  return static_cast<Op>(found - std::begin(kOpLetters));
}

/// Index of one event: the order of the output is that of the members.
struct Key {
  Time time;
  std::uint32_t rank;
  std::uint32_t sequence;
  bool operator<(const Key& other) const {
    return std::tie(time, rank, sequence) < std::tie(other.time, other.rank, other.sequence);
  }
};

/// Calls `write(group, event)` for every event in order of time, then of the group's rank, then of recording.
template <class Group, class Before, class Write>
void merge(const std::vector<Group>& groups, Before before, Write write) {
  std::vector<std::uint32_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return before(groups[a], groups[b]); });
  std::vector<Key> keys;
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) {
    const auto& events = groups[order[rank]].events;
    for (std::uint32_t i = 0; i < events.size(); ++i) keys.push_back({events[i].time, rank, i});
  }
  std::sort(keys.begin(), keys.end());
  for (const Key& key : keys) {
    const Group& group = groups[order[key.rank]];
    write(group, group.events[key.sequence]);
  }
}

/// Reads a CSV with exactly this header and calls `row(fields)` for every line; whatever `row` throws gets file and line.
template <class Row>
void read_csv(std::istream& in, const std::string& name, const std::string& header, Row row) {
  std::string line;
  int number = 1;
  const auto fail = [&](const std::string& what) { throw ConfigError(Diagnostic{name, number, 0, "", what}); };
  const std::size_t columns = csv_split(header).size();
  if (!std::getline(in, line)) fail(fmt::format("is empty; the first line must be '{}'", header));
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line != header) fail(fmt::format("the first line is '{}', it must be '{}'", line, header));
  while (std::getline(in, line)) {
    ++number;
    if (line.empty() || line == "\r") continue;
    const std::vector<std::string> fields = csv_split(line);
    if (fields.size() != columns) fail(fmt::format("{} fields, there must be {}", fields.size(), columns));
    try {
      row(fields);
    } catch (const std::invalid_argument& problem) {
      fail(problem.what());
    }
  }
  if (in.bad()) fail("cannot be read further");
}

}  // namespace

std::uint64_t completion_hash(const HashTable& table) {
  std::uint64_t sum = 0;
  for (const HashRow& row : table)
    if (row.kind == HashKind::retire) sum += row.hash;
  return sum;
}

std::string hashes_csv(const HashTable& table) {
  std::vector<const HashRow*> rows;
  rows.reserve(table.size());
  for (const HashRow& row : table) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const HashRow* a, const HashRow* b) {
    return std::tie(a->epoch, a->component, a->kind) < std::tie(b->epoch, b->component, b->kind);
  });
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "{}\n", kHashHeader);
  for (const HashRow* row : rows)
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{}\n", csv_field(row->component), name_of(row->kind),
                   row->epoch, exact_ns(row->begin), exact_ns(row->end), row->events, hex64(row->hash));
  return fmt::to_string(text);
}

HashTable read_hashes(std::istream& in, const std::string& name) {
  HashTable table;
  read_csv(in, name, kHashHeader, [&](const std::vector<std::string>& fields) {
    HashRow row;
    row.component = fields[0];
    if (fields[1] != "retire" && fields[1] != "serve")
      throw std::invalid_argument(fmt::format("kind '{}' is neither retire nor serve", fields[1]));
    row.kind = fields[1] == "retire" ? HashKind::retire : HashKind::serve;
    row.epoch = parse_unsigned(fields[2]);
    row.begin = parse_ns(fields[3]);
    row.end = parse_ns(fields[4]);
    row.events = parse_unsigned(fields[5]);
    if (fields[6].size() != 16) throw std::invalid_argument(fmt::format("hash '{}' has not 16 digits", fields[6]));
    row.hash = parse_unsigned(fields[6], 16);
    table.push_back(std::move(row));
  });
  return table;
}

void write_transactions(std::ostream& out, const std::vector<ComponentEvents>& components,
                        const std::vector<std::string>& streams) {
  out << kTransactionHeader << '\n';
  const auto by_name = [](const ComponentEvents& a, const ComponentEvents& b) { return a.component < b.component; };
  merge(components, by_name, [&](const ComponentEvents& component, const TransactionEvent& e) {
    out << fmt::format("{},{},{},{},{},{:#x},{},{}\n", exact_ns(e.time), csv_field(component.component),
                       hex64(e.identity), e.number, letters_of(e.op), e.address, e.bytes,
                       e.stream < streams.size() ? csv_field(streams[e.stream]) : fmt::format("{}", e.stream));
  });
}

TransactionTable read_transactions(std::istream& in, const std::string& name) {
  TransactionTable table;
  read_csv(in, name, kTransactionHeader, [&](const std::vector<std::string>& fields) {
    TransactionRecord record;
    record.time = parse_ns(fields[0]);
    record.component = fields[1];
    record.identity = parse_unsigned(fields[2], 16);
    record.number = parse_unsigned(fields[3]);
    record.op = op_of(fields[4]);
    record.address = parse_unsigned(fields[5]);
    record.bytes = parse_unsigned(fields[6]);
    record.stream = fields[7];
    table.push_back(std::move(record));
  });
  return table;
}

void write_commands(std::ostream& out, const std::vector<ChannelCommands>& channels) {
  out << kCommandHeader << '\n';
  const auto by_index = [](const ChannelCommands& a, const ChannelCommands& b) {
    return std::tie(a.stack, a.channel) < std::tie(b.stack, b.channel);
  };
  const auto field = [](std::int64_t value) { return value < 0 ? std::string() : fmt::format("{}", value); };
  merge(channels, by_index, [&](const ChannelCommands& channel, const CommandEvent& e) {
    out << fmt::format("{},{},{},{},{},{},{},{},{},{}\n", exact_ns(e.time), channel.stack, channel.channel,
                       field(e.pseudo_channel), e.command, field(e.sid), field(e.bank_group), field(e.bank),
                       field(e.row), field(e.column));
  });
}

}  // namespace cowosim::telemetry
