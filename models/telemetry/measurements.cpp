#include "telemetry/measurements.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/nearest.h"
#include "telemetry/input_file.h"
#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

constexpr std::size_t kMaxLine = 1u << 20;
constexpr std::uint64_t kMaxBytes = 1u << 20;
constexpr Time kMaxTime = 9'000'000'000'000 * kNanosecond;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// A count of time as femtoseconds: period = numerator / denominator.
struct Count {
  std::int64_t numerator = 1;
  std::int64_t denominator = 1;

  /// Decimal, exact up to the rounding (half up) to a femtosecond.
  std::optional<Time> time(std::string_view text) const {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    unsigned __int128 digits = 0;
    unsigned __int128 scale = 1;
    bool point = false;
    int count = 0;
    for (const char c : text) {
      if (c == '.' && !point) {
        point = true;
      } else if (c >= '0' && c <= '9') {
        if (++count > 18 && !point) return std::nullopt;
        if (count > 18) continue;  // beyond what a femtosecond can tell
        digits = digits * 10 + static_cast<unsigned>(c - '0');
        if (point) scale *= 10;
      } else {
        return std::nullopt;
      }
    }
    if (count == 0) return std::nullopt;
    const unsigned __int128 whole = scale * static_cast<unsigned __int128>(denominator);
    const unsigned __int128 value = (digits * static_cast<unsigned __int128>(numerator) + whole / 2) / whole;
    if (value > static_cast<unsigned __int128>(kMaxTime)) return std::nullopt;
    return negative ? -static_cast<Time>(value) : static_cast<Time>(value);
  }
};

Count count_of(const MeasurementTime& time) {
  if (time.period != 0) return {time.period, 1};
  if (time.frequency != 0) return {kSecond, std::llround(time.frequency)};
  const std::map<std::string, Time> units{
      {"fs", 1}, {"ps", kPicosecond}, {"ns", kNanosecond}, {"us", kMicrosecond}, {"ms", kMillisecond}, {"s", kSecond}};
  return {units.at(time.unit), 1};
}

/// Lines of a file, without their ends.
class Lines {
 public:
  explicit Lines(const std::string& file) : file_(file), input_(file, "reference") {}

  bool next(std::string_view& line) {
    for (;;) {
      const std::size_t newline = buffer_.find('\n', begin_);
      if (newline != std::string::npos || (ended_ && begin_ < buffer_.size())) {
        const std::size_t end = std::min(newline, buffer_.size());
        line = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = std::min(end + 1, buffer_.size());
        ++number_;
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        return true;
      }
      if (ended_) return false;
      if (buffer_.size() - begin_ > kMaxLine)
        throw ConfigError(Diagnostic{file_, number_ + 1, 1, "", "the line is longer than 1 MiB; is this a CSV file?"});
      buffer_.erase(0, begin_);
      begin_ = 0;
      const std::size_t held = buffer_.size();
      buffer_.resize(held + kChunk);
      const std::size_t count = input_.read(buffer_.data() + held, kChunk, number_ + 1);
      buffer_.resize(held + count);
      ended_ = count == 0;
    }
  }
  int number() const { return number_; }

 private:
  static constexpr std::size_t kChunk = 256 * 1024;
  std::string file_;
  InputFile input_;
  std::string buffer_;
  std::size_t begin_ = 0;
  bool ended_ = false;
  int number_ = 0;
};

class MeasurementReader {
 public:
  MeasurementReader(const std::string& file, const MeasurementMap& how, const MemoryMap& map)
      : file_(file), how_(how), map_(map), count_(count_of(how.time)), lines_(file) {
    for (const std::string& word : how.op.read) ops_[lower(word)] = Op::read;
    for (const std::string& word : how.op.write) ops_[lower(word)] = Op::write;
    separator_ = how.separator == "comma"       ? ','
                 : how.separator == "semicolon" ? ';'
                 : how.separator == "tab"       ? '\t'
                                                : ' ';
  }

  Measurements read() {
    read_header();
    Measurements result;
    while (errors_.size() < kMaxMeasurementErrors && lines_.next(line_)) {
      const std::string_view text = trimmed(line_);
      if (text.empty() || text.front() == '#') continue;
      split();
      if (fields_.size() != width_) {
        fail(line_.substr(0, 1), "", fmt::format("{} fields, but the header names {}", fields_.size(), width_));
        continue;
      }
      if (!counts()) {
        ++result.filtered;
        continue;
      }
      MeasuredRequest request;
      request.line = lines_.number();
      if (row(request)) result.requests.push_back(std::move(request));
    }
    if (errors_.empty() && result.requests.empty())
      errors_.push_back(
          {file_, lines_.number(), 1, "",
           result.filtered > 0 ? "no row is left by the filters" : "the file has a header but no requests"});
    if (!errors_.empty()) throw ConfigError(std::move(errors_));
    place_origin(result.requests);
    return result;
  }

 private:
  /// Index of a column that may be absent.
  using Column = int;
  static constexpr Column kAbsent = -1;

  bool fail(std::string_view where, const std::string& path, const std::string& message) {
    const int column = where.data() == nullptr ? 1 : static_cast<int>(where.data() - line_.data()) + 1;
    errors_.push_back({file_, lines_.number(), column, path, message});
    return false;
  }

  /// The fields of line_, without blanks around them and without their quotes.
  void split() {
    fields_.clear();
    const bool runs = separator_ == ' ';  // any number of blanks
    std::string_view rest = runs ? trimmed(line_) : line_;
    for (;;) {
      std::size_t end = 0;
      while (end < rest.size() && rest[end] != separator_ && is_blank(rest[end])) ++end;
      if (end < rest.size() && rest[end] == '"') {
        end = rest.find('"', end + 1);
        while (end != std::string_view::npos && end + 1 < rest.size() && rest[end + 1] == '"')
          end = rest.find('"', end + 2);
      }
      const auto at_separator = [&](char c) { return c == separator_ || (runs && c == '\t'); };
      end = std::min(end, rest.size());
      while (end < rest.size() && !at_separator(rest[end])) ++end;
      std::string_view field = trimmed(rest.substr(0, end));
      if (field.size() > 1 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
      fields_.push_back(field);
      if (end == rest.size()) return;
      rest.remove_prefix(end + 1);
      while (runs && !rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    }
  }

  void read_header() {
    do {
      if (!lines_.next(line_))
        throw ConfigError(Diagnostic{file_, 1, 1, "", "the file is empty; its first line names the columns"});
      if (lines_.number() == 1 && line_.substr(0, 3) == "\xEF\xBB\xBF") line_.remove_prefix(3);  // byte order mark
    } while (trimmed(line_).empty() || trimmed(line_).front() == '#');
    split();
    width_ = fields_.size();
    std::vector<std::string> names(fields_.begin(), fields_.end());
    const auto find = [&](const std::string& path, const std::string& name) -> Column {
      if (name.empty()) return kAbsent;
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) {
        fail(line_.substr(0, 1), path,
             fmt::format("there is no column {}{}; the file has {}", quote(name), did_you_mean(name, names),
                         enumerate(names, 30)));
        return kAbsent;
      }
      if (std::find(found + 1, names.end(), name) != names.end())
        fail(fields_[static_cast<std::size_t>(found - names.begin())], path,
             fmt::format("column {} is there twice", quote(name)));
      return static_cast<Column>(found - names.begin());
    };
    const MeasurementColumns& c = how_.columns;
    issue_ = find("columns.issue", c.issue);
    accepted_ = find("columns.accepted", c.accepted);
    done_ = find("columns.done", c.done);
    op_ = find("columns.op", c.op);
    address_ = find("columns.address", c.address);
    id_ = find("columns.id", c.id);
    master_ = find("columns.master", c.master);
    bytes_ = find("columns.bytes", c.bytes);
    beats_ = find("columns.beats", c.beats);
    log2_size_ = find("columns.log2_size", c.log2_size);
    const MemoryGeometry& g = map_.geometry();
    const auto place = [&](const char* key, const std::string& name, int count) {
      if (!name.empty()) places_.push_back({key, find(std::string("columns.") + key, name), count});
    };
    place("stack", c.stack, g.stacks);
    place("channel", c.channel, g.channels);
    place("pseudo_channel", c.pseudo_channel, g.pseudo_channels);
    place("sid", c.sid, g.sids);
    place("bank_group", c.bank_group, g.bank_groups);
    place("bank", c.bank, g.banks);
    place("row", c.row, g.rows);
    place("column", c.column, g.columns);
    for (std::size_t i = 0; i < how_.filters.size(); ++i)
      filters_.push_back(find(fmt::format("filters.{}.column", i), how_.filters[i].column));
    if (!errors_.empty()) throw ConfigError(std::move(errors_));
  }

  bool counts() const {
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      const std::vector<std::string>& values = how_.filters[i].values;
      if (std::find(values.begin(), values.end(), field(filters_[i])) == values.end()) return false;
    }
    return true;
  }

  std::string_view field(Column column) const { return fields_[static_cast<std::size_t>(column)]; }

  bool time(Column column, const char* name, Time& result) {
    if (column == kAbsent || field(column).empty()) return true;
    const auto value = count_.time(field(column));
    if (!value)
      return fail(field(column), name,
                  quote(field(column)) + " is not a time: a decimal number such as 12.5, at most 2.5 hours");
    const bool relative = how_.time.origin == "first";
    if (relative) first_ = std::min(first_, *value), last_ = std::max(last_, *value);
    const __int128 begin = relative ? first_ : 0, end = relative ? last_ : *value;
    const __int128 latest = end - begin + how_.time.shift;
    if (latest < -kMaxTime || latest > kMaxTime)
      return fail(field(column), name,
                  fmt::format("{} is more than 2.5 hours from {}, with time.shift of the map", quote(field(column)),
                              relative ? "another time of the file" : "time 0"));
    if (latest < 0)
      return fail(field(column), name,
                  fmt::format("{} ns is before time 0: see time.shift and time.origin of the map",
                              exact_ns(static_cast<Time>(latest))));
    result = *value;
    return true;
  }

  bool number(Column column, const char* name, std::uint64_t most, bool hexadecimal, std::uint64_t& result) {
    const std::string_view text = field(column);
    const bool prefix = text.substr(0, 2) == "0x" || text.substr(0, 2) == "0X";
    try {
      result = parse_unsigned(text, hexadecimal && !prefix ? 16 : 0);
      if (result <= most) return true;
    } catch (const std::invalid_argument&) {
    }
    return fail(text, name,
                fmt::format("{} is not a number from 0 to {}{}", quote(text), most,
                            hexadecimal ? ", hexadecimal" : ", decimal or 0x..."));
  }

  bool length(MeasuredRequest& request) {
    std::uint64_t bytes = static_cast<std::uint64_t>(how_.bytes);
    Column where = bytes_;
    if (bytes_ != kAbsent) {
      if (!number(bytes_, "bytes", kMaxBytes, false, bytes)) return false;
    } else if (log2_size_ != kAbsent) {
      std::uint64_t shift = 0, beats = 0;
      where = log2_size_;
      if (!number(log2_size_, "log2_size", 20, false, shift)) return false;
      if (beats_ != kAbsent && !number(beats_, "beats", 65535, false, beats)) return false;
      bytes = (beats + 1) << shift;
    }
    if (bytes == 0 || bytes > kMaxBytes)
      return fail(field(where), "bytes", fmt::format("{} bytes, not 1 to {}", bytes, kMaxBytes));
    request.bytes = static_cast<std::uint32_t>(bytes);
    return true;
  }

  bool address(MeasuredRequest& request) {
    if (address_ == kAbsent) return location(request);
    std::uint64_t value = 0;
    if (!number(address_, "address", ~std::uint64_t{0}, how_.address.radix == "hex", value)) return false;
    const std::uint64_t local = value - static_cast<std::uint64_t>(how_.address.offset);  // modulo 2^64, both ways
    if (!map_.contains(local, request.bytes))
      return fail(
          field(address_), "address",
          fmt::format("{} bytes at {:#x} (less the offset: {:#x}) lie outside memory, which has {:#x} bytes; see "
                      "address.offset of the map",
                      request.bytes, value, local, map_.capacity()));
    request.address = local;
    return true;
  }

  bool location(MeasuredRequest& request) {
    std::uint64_t values[8] = {};
    static constexpr const char* kNames[] = {"stack", "channel", "pseudo_channel", "sid", "bank_group",
                                             "bank",  "row",     "column"};
    for (const Place& place : places_) {
      const auto index = static_cast<std::size_t>(
          std::find(std::begin(kNames), std::end(kNames), std::string_view(place.key)) - std::begin(kNames));
      if (!number(place.column, place.key, static_cast<std::uint64_t>(place.count - 1), false, values[index]))
        return false;
    }
    Location at;
    at.stack = static_cast<std::uint16_t>(values[0]);
    at.channel = static_cast<std::uint16_t>(values[1]);
    at.pseudo_channel = static_cast<std::uint8_t>(values[2]);
    at.sid = static_cast<std::uint8_t>(values[3]);
    at.bank_group = static_cast<std::uint8_t>(values[4]);
    at.bank = static_cast<std::uint8_t>(values[5]);
    at.row = static_cast<std::uint32_t>(values[6]);
    at.column = static_cast<std::uint32_t>(values[7]);
    if (!map_.present(at.stack, at.channel, at.pseudo_channel))
      return fail(field(places_.front().column), "channel", "is masked on this platform: nothing reaches it");
    request.address = map_.encode(at);
    if (!map_.contains(request.address, request.bytes))
      return fail(field(places_.front().column), "bytes",
                  fmt::format("{} bytes there reach beyond the end of memory", request.bytes));
    return true;
  }

  bool row(MeasuredRequest& request) {
    if (op_ == kAbsent) {
      request.op = how_.op.only == "write" ? Op::write : Op::read;
    } else {
      const auto found = ops_.find(lower(field(op_)));
      if (found == ops_.end())
        return fail(field(op_), "op",
                    fmt::format("{} is neither a read ({}) nor a write ({}); see op.read and op.write of the map",
                                quote(field(op_)), fmt::join(how_.op.read, ", "), fmt::join(how_.op.write, ", ")));
      request.op = found->second;
    }
    if (!time(issue_, "issue", request.issue) || !time(accepted_, "accepted", request.accepted) ||
        !time(done_, "done", request.done))
      return false;
    if (!length(request) || !address(request)) return false;
    const Time begin = how_.from_acceptance() ? request.accepted : request.issue;
    if (begin != kNotMeasured && request.done != kNotMeasured && request.done < begin)
      return fail(field(done_), "done",
                  fmt::format("{} is before the {} ({}) of this request", field(done_),
                              how_.from_acceptance() ? "acceptance" : "issue",
                              field(how_.from_acceptance() ? accepted_ : issue_)));
    if (how_.replay.issue == "at_time" && request.issue == kNotMeasured)
      return fail(field(issue_), "issue",
                  "no time of issue; without one requests can only be replayed with replay.issue: as_soon_as_possible");
    if (id_ != kAbsent) request.id = std::string(field(id_));
    if (master_ != kAbsent) request.master = std::string(field(master_));
    return true;
  }

  void place_origin(std::vector<MeasuredRequest>& requests) const {
    const Time origin = how_.time.origin == "first" ? first_ : 0;
    for (MeasuredRequest& request : requests)
      for (Time* t : {&request.issue, &request.accepted, &request.done})
        if (*t != kNotMeasured) *t = *t - origin + how_.time.shift;
  }

  struct Place {
    const char* key;
    Column column;
    int count;
  };

  const std::string& file_;
  const MeasurementMap& how_;
  const MemoryMap& map_;
  Count count_;
  Lines lines_;
  char separator_;
  std::map<std::string, Op> ops_;
  std::string_view line_;
  std::vector<std::string_view> fields_;
  std::size_t width_ = 0;
  Column issue_, accepted_, done_, op_, address_, id_, master_, bytes_, beats_, log2_size_;
  std::vector<Place> places_;
  std::vector<Column> filters_;
  Time first_ = kNever;  // of all times, where that is the origin
  Time last_ = kNotMeasured;
  std::vector<Diagnostic> errors_;
};

}  // namespace

Time MeasurementMap::resolution() const {
  if (time.period != 0) return time.period;
  return time.frequency != 0 ? period_of(time.frequency) : 0;
}

std::vector<ParameterProblem> MeasurementMap::problems() const {
  std::vector<ParameterProblem> found;
  const int clocks = (time.period != 0) + (time.frequency != 0) + (time.unit != "none");
  if (clocks != 1)
    found.push_back(
        {"time", fmt::format("{} of period, frequency and unit; give one: what a count of time is", clocks)});
  if (time.frequency != 0 && time.frequency < 1) found.push_back({"time.frequency", "is below 1 Hz"});
  if (time.origin == "first" && time.shift < 0)
    found.push_back({"time.shift", "is below 0: the first time would be, too"});
  if (columns.done.empty()) found.push_back({"columns.done", "is not named; it says when a request was answered"});
  if (replay.issue == "at_time" && columns.issue.empty())
    found.push_back(
        {"columns.issue", "is not named; only with replay.issue: as_soon_as_possible requests need no time of issue"});
  if (from_acceptance() && columns.accepted.empty())
    found.push_back({"replay.latency", "'accepted' needs columns.accepted"});
  if (!from_acceptance() && columns.issue.empty())
    found.push_back(
        {"replay.latency", "latencies count from issue or acceptance: name columns.issue or columns.accepted"});
  if (columns.op.empty() == (op.only == "none"))
    found.push_back({"columns.op", columns.op.empty() ? "is not named; without it op.only says what all requests are"
                                                      : "is named, so op.only must be none"});
  const std::string* places[] = {&columns.stack, &columns.channel,    &columns.pseudo_channel,
                                 &columns.sid,   &columns.bank_group, &columns.bank,
                                 &columns.row,   &columns.column};
  const bool placed =
      std::any_of(std::begin(places), std::end(places), [](const auto* name) { return !name->empty(); });
  if (placed == !columns.address.empty())
    found.push_back({"columns.address", placed
                                            ? "and columns of a place (stack ... column) are both named; give one"
                                            : "is not named; give it, or the columns of a place (stack ... column)"});
  if (!columns.bytes.empty() && !columns.log2_size.empty())
    found.push_back({"columns.bytes", "and columns.log2_size are both named; give one"});
  if (!columns.beats.empty() && columns.log2_size.empty())
    found.push_back({"columns.beats", "needs columns.log2_size: beats of how many bytes?"});
  for (const std::string& word : op.write) {
    const auto same = [&](const std::string& other) { return lower(other) == lower(word); };
    if (std::any_of(op.read.begin(), op.read.end(), same))
      found.push_back({"op.write", quote(word) + " is in op.read as well"});
  }
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (filters[i].column.empty()) found.push_back({fmt::format("filters.{}.column", i), "is not named"});
    if (filters[i].values.empty())
      found.push_back({fmt::format("filters.{}.values", i), "holds nothing: no row would count"});
  }
  return found;
}

Measurements read_measurements(const std::string& file, const MeasurementMap& how, const MemoryMap& map) {
  return MeasurementReader(file, how, map).read();
}

}  // namespace cowosim::telemetry
