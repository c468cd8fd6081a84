#include "traffic/trace_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "core/nearest.h"

namespace cowosim::traffic {

namespace {

constexpr const char* kColumnNames[] = {"time_ns", "op", "address", "bytes", "stream", "id", "depends_on", "think_ns"};
constexpr const char* kHeaderHelp =
    "the header is `time_ns,op,address,bytes` and optionally `stream,id,depends_on,think_ns`";
constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kMaxLine = 1024 * 1024;
constexpr std::ptrdiff_t kMaxBytesDigits = 8;                 // more are not worth a shortcut
constexpr std::uint64_t kMaxNanoseconds = 9'000'000'000'000;  // 2.5 hours: what fits into Time

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The parsers below read up to the first character that is not theirs, and look at up to kLookAhead bytes behind it: `fill` keeps a
// stop and that much room behind the data. They return where they stopped, nullptr for something that is not such a number.
constexpr std::size_t kLookAhead = 8;

/// Up to 8 decimal digits at once, as bytes of one word; returns behind the last one.
[[gnu::always_inline]] inline const char* parse_8_digits(const char* p, std::uint64_t& value) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);  // the first character is the lowest byte
#endif
  word ^= 0x3030303030303030;  // digits are 0..9 now
  const std::uint64_t others = (word | (word + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0;
  const int digits = others == 0 ? 8 : __builtin_ctzll(others) / 8;
  if (digits == 0) {
    value = 0;
    return p;
  }
  word <<= 64 - 8 * digits;  // leading zeros
  word = word * 10 + (word >> 8);
  value =
      ((word & 0x000000FF000000FF) * 0x000F424000000064 + (word >> 16 & 0x000000FF000000FF) * 0x0000271000000001) >> 32;
  return p + digits;
}

[[gnu::always_inline]] inline const char* parse_digits(const char* p, std::uint64_t& value) {
  const char* const begin = p;
  p = parse_8_digits(p, value);
  if (p == begin + 8) {
    for (; is_digit(*p); ++p) value = value * 10 + static_cast<std::uint64_t>(*p - '0');
  }
  return p;
}

/// Decimal nanoseconds to femtoseconds, exactly; what is finer is rounded half up.
[[gnu::always_inline]] inline const char* parse_nanoseconds(const char* p, Time& time) {
  static constexpr std::uint64_t kScale[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  const char* const begin = p;
  std::uint64_t whole = 0;
  p = parse_digits(p, whole);
  if (p == begin || p - begin > 18 || whole > kMaxNanoseconds) return nullptr;
  std::uint64_t fraction = 0;
  if (*p == '.') {
    const char* const first = ++p;
    p = parse_8_digits(p, fraction);
    const std::ptrdiff_t digits = p - first;
    if (digits == 0) return nullptr;
    if (digits <= 6) {
      fraction *= kScale[digits];
    } else {
      if (digits == 8) fraction /= 10;
      fraction = (fraction + 5) / 10;
      while (is_digit(*p)) ++p;
    }
  }
  time = static_cast<Time>(whole) * kNanosecond + static_cast<Time>(fraction);
  return p;
}

struct NibbleTable {
  signed char value[256];  // -1: not a digit
  constexpr NibbleTable() : value() {
    for (int c = 0; c < 256; ++c) {
      value[c] = static_cast<signed char>(c >= '0' && c <= '9'   ? c - '0'
                                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                                 : -1);
    }
  }
};
constexpr NibbleTable kNibbles;

/// Decimal of up to 19 digits, or hexadecimal with 0x and up to 16.
[[gnu::always_inline]] inline const char* parse_short_unsigned(const char* p, std::uint64_t& value) {
  if (p[0] != '0' || (p[1] | 0x20) != 'x') {
    const char* const begin = p;
    p = parse_digits(p, value);
    return p == begin || p - begin > 19 ? nullptr : p;
  }
  const char* const begin = p += 2;
  std::uint64_t result = 0;
  for (std::int64_t nibble; (nibble = kNibbles.value[static_cast<unsigned char>(*p)]) >= 0; ++p)
    result = result << 4 | static_cast<std::uint64_t>(nibble);
  value = result;
  return p == begin || p - begin > 16 ? nullptr : p;
}

/// Decimal, or hexadecimal with 0x, below 2^64.
const char* parse_unsigned(const char* p, std::uint64_t& value) {
  if (const char* const end = parse_short_unsigned(p, value)) return end;
  const bool hexadecimal = p[0] == '0' && (p[1] | 0x20) == 'x';
  const char* const begin = hexadecimal ? p + 2 : p;
  const char* end = begin;
  while (hexadecimal ? kNibbles.value[static_cast<unsigned char>(*end)] >= 0 : is_digit(*end)) ++end;
  return std::from_chars(begin, end, value, hexadecimal ? 16 : 10).ec == std::errc{} ? end : nullptr;
}

std::string field_at(const char* p, const char* end) {
  const char* stop = p;
  while (stop != end && *stop != ',') ++stop;
  while (stop != p && is_blank(stop[-1])) --stop;
  std::string text(p, std::min(stop, p + 40));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  }
  return text;
}

std::string in_ns(Time t) {
  std::string text = fmt::format("{}.{:06}", t / kNanosecond, t % kNanosecond);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

TraceReader::TraceReader(TraceOptions options)
    : options_(std::move(options)), input_(options_.file, "trace"), streams_{options_.stream_name} {
  buffer_.resize(kChunk);
  read_header();
}

TraceReader::~TraceReader() = default;

bool TraceReader::fill() {
  if (input_ended_) return false;
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < kChunk / 2) buffer_.resize(buffer_.size() + kChunk);
  const std::size_t count =
      input_.read(buffer_.data() + end_, buffer_.size() - end_ - 1 - kLookAhead, line_number_ + 1);
  end_ += count;
  buffer_[end_] = '\0';  // stops the parsers behind a last line without an end
  if (count == 0) input_ended_ = true;
  return count > 0;
}

bool TraceReader::line(const char*& begin, const char*& end) {
  for (;;) {
    const char* const from = buffer_.data() + begin_;
    const void* newline = std::memchr(from, '\n', end_ - begin_);
    if (newline == nullptr) {
      if (end_ - begin_ > kMaxLine) {
        throw ConfigError(
            Diagnostic{options_.file, line_number_ + 1, 1, "", "the line is longer than 1 MiB; is this a trace?"});
      }
      if (fill()) continue;
      if (begin_ == end_) return false;
      begin = buffer_.data() + begin_;  // the last line has no end
      end = buffer_.data() + end_;
      begin_ = end_;
    } else {
      begin = from;
      end = static_cast<const char*>(newline);
      begin_ += static_cast<std::size_t>(end - begin) + 1;
    }
    ++line_number_;
    if (end != begin && end[-1] == '\r') --end;
    return true;
  }
}

Diagnostic TraceReader::at(const char* line_begin, const char* where, Column column, std::string message) const {
  return {options_.file, line_number_, static_cast<int>(where - line_begin) + 1,
          column == kColumns ? "" : kColumnNames[column], std::move(message)};
}

void TraceReader::read_header() {
  std::fill(std::begin(column_of_), std::end(column_of_), -1);
  const char* begin = nullptr;
  const char* end = nullptr;
  do {
    if (!line(begin, end)) {
      throw ConfigError(Diagnostic{options_.file, 1, 1, "", fmt::format("the trace is empty; {}", kHeaderHelp)});
    }
    if (line_number_ == 1 && end - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0)
      begin += 3;  // byte order mark
  } while (begin == end || *begin == '#');
  if (is_digit(*begin) || *begin == ',') {
    throw ConfigError(at(begin, begin, kColumns, fmt::format("the header is missing; {}", kHeaderHelp)));
  }
  std::vector<Diagnostic> errors;
  const std::vector<std::string> known(std::begin(kColumnNames), std::end(kColumnNames));
  for (const char* p = begin;; ++p) {
    while (p != end && is_blank(*p)) ++p;
    const std::string name = field_at(p, end);
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      errors.push_back(at(begin, p, kColumns,
                          fmt::format("unknown column `{}`: {}{}", name, kHeaderHelp, did_you_mean(name, known))));
    } else {
      const Column column = static_cast<Column>(found - known.begin());
      if (column_of_[column] >= 0)
        errors.push_back(at(begin, p, kColumns, fmt::format("column `{}` is there twice", name)));
      column_of_[column] = static_cast<int>(columns_.size());
      columns_.push_back(column);
    }
    while (p != end && *p != ',') ++p;
    if (p == end) break;
  }
  for (int column = kTime; column <= kBytes; ++column) {
    if (column_of_[column] < 0) {
      errors.push_back(
          at(begin, begin, kColumns, fmt::format("column `{}` is missing; {}", kColumnNames[column], kHeaderHelp)));
    }
  }
  if (column_of_[kDependsOn] >= 0 && column_of_[kId] < 0) {
    errors.push_back(
        at(begin, begin, kColumns, "column `depends_on` needs a column `id`: it names the id of an earlier line"));
  }
  if (column_of_[kThink] >= 0 && column_of_[kDependsOn] < 0) {
    errors.push_back(at(begin, begin, kColumns,
                        "column `think_ns` needs a column `depends_on`: it is the time after that one's response"));
  }
  if (!errors.empty()) throw ConfigError(std::move(errors));
  plain_ = columns_ == std::vector<Column>{kTime, kOp, kAddress, kBytes} && options_.capacity >= kMaxBytes;
}

bool TraceReader::knows(std::uint64_t id) const {
  auto range = std::upper_bound(
      id_ranges_.begin(), id_ranges_.end(), id,
      [](std::uint64_t value, const std::pair<std::uint64_t, std::uint64_t>& r) { return value < r.first; });
  if (range != id_ranges_.begin() && id <= std::prev(range)->second) return true;
  return !other_ids_.empty() && other_ids_.count(id) != 0;
}

bool TraceReader::remember(std::uint64_t id) {
  if (id_ranges_.empty() || id > id_ranges_.back().second) {
    if (!other_ids_.empty() && other_ids_.count(id) != 0) return false;
    if (!id_ranges_.empty() && id == id_ranges_.back().second + 1) {
      ++id_ranges_.back().second;
    } else {
      id_ranges_.emplace_back(id, id);
    }
    return true;
  }
  return !knows(id) && other_ids_.insert(id).second;
}

std::string TraceReader::unknown_dependency(std::uint64_t id) const {
  std::string message = fmt::format("no line before this one has id {}", id);
  // Worth a look at the rest of the file: only one line is wrong if two have changed places.
  TraceReader rest(options_);
  const char* begin = nullptr;
  const char* end = nullptr;
  while (rest.line(begin, end)) {
    int field = 0;
    const char* p = begin;
    while (p != end && field != column_of_[kId]) field += *p++ == ',' ? 1 : 0;
    while (p != end && is_blank(*p)) ++p;
    std::uint64_t value = 0;
    if (field != column_of_[kId] || parse_unsigned(p, value) == nullptr || value != id) continue;
    if (rest.line_number_ == line_number_) return message + "; a request cannot depend on itself";
    return message +
           fmt::format(": line {} has it, later; a request can only depend on an earlier one", rest.line_number_);
  }
  return message + " and none after it either; depends_on is the id of an earlier line";
}

std::size_t TraceReader::stream_index(const char* begin, const char* end) {
  const std::size_t length = static_cast<std::size_t>(end - begin);
  const auto same = [&](const std::string& name) {
    return name.size() == length && std::memcmp(name.data(), begin, length) == 0;
  };
  if (same(streams_[last_stream_])) return last_stream_;
  last_stream_ = static_cast<std::size_t>(std::find_if(streams_.begin(), streams_.end(), same) - streams_.begin());
  return last_stream_;
}

bool TraceReader::parse(const char* begin, const char* end, Request& request) {
  Request parsed;
  parsed.stream = options_.first_stream;
  const char* p = begin;
  const char* fields[kColumns];
  const std::size_t count = columns_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Column column = columns_[i];
    if (i != 0) {
      if (p == end) return fail(p, kColumns, Reason::too_few_fields);
      ++p;  // the comma
    }
    while (is_blank(*p)) ++p;
    const char* const field = p;
    fields[column] = field;
    const bool empty = p == end || *p == ',';
    const auto malformed = [&] { return fail(field, column, Reason::malformed); };
    switch (column) {
      case kTime:
        if (!empty && (p = parse_nanoseconds(p, parsed.time)) == nullptr) return malformed();
        break;
      case kOp:
        if ((*p | 0x20) == 'w') {
          parsed.op = Op::write;
        } else if ((*p | 0x20) != 'r') {
          return malformed();
        }
        ++p;
        if (p != end && *p != ',' && !is_blank(*p)) return malformed();
        break;
      case kAddress:
        if ((p = parse_unsigned(p, parsed.address)) == nullptr) return malformed();
        break;
      case kBytes: {
        std::uint64_t bytes = 0;
        if ((p = parse_unsigned(p, bytes)) == nullptr || bytes == 0 || bytes > kMaxBytes) return malformed();
        parsed.bytes = static_cast<std::uint32_t>(bytes);
        break;
      }
      case kStream:
        while (p != end && *p != ',' && !is_blank(*p)) ++p;
        if (p != field) {
          const std::size_t index = stream_index(field, p);
          if (index == streams_.size() && !add_stream(field, p)) return false;
          parsed.stream = static_cast<StreamId>(options_.first_stream + index);
        }
        break;
      case kId:
        if (!empty && ((p = parse_unsigned(p, parsed.id)) == nullptr || parsed.id == kNoId)) return malformed();
        break;
      case kDependsOn:
        if (!empty && ((p = parse_unsigned(p, parsed.depends_on)) == nullptr || parsed.depends_on == kNoId))
          return malformed();
        break;
      case kThink:
        if (!empty && ((p = parse_nanoseconds(p, parsed.think)) == nullptr || parsed.think > kMaxThink))
          return malformed();
        break;
      case kColumns:
        break;
    }
    while (is_blank(*p)) ++p;
    if (p != end && *p != ',') return fail(p, column, Reason::trailing);
  }
  if (p != end) return fail(p, kColumns, Reason::too_many_fields);

  request = parsed;
  if (parsed.address >= options_.capacity || parsed.bytes > options_.capacity - parsed.address) {
    return fail(fields[kAddress], kAddress, Reason::outside_memory);
  }
  if (parsed.time != kAsSoonAsPossible) {
    if (parsed.time < last_time_) return fail(fields[kTime], kTime, Reason::unsorted);
    last_time_ = parsed.time;
  }
  if (parsed.depends_on != kNoId) {
    if (!knows(parsed.depends_on)) {
      if (parsed.id != kNoId) remember(parsed.id);
      return fail(fields[kDependsOn], kDependsOn, Reason::unknown_dependency);
    }
  } else if (parsed.think != 0) {
    return fail(fields[kThink], kThink, Reason::think_alone);
  }
  if (parsed.id != kNoId && !remember(parsed.id)) return fail(fields[kId], kId, Reason::duplicate_id);
  ++requests_;
  bytes_ += parsed.bytes;
  return true;
}

bool TraceReader::add_stream(const char* begin, const char* end) {
  last_stream_ = 0;
  for (const char* c = begin; c != end; ++c) {
    if (!is_digit(*c) && !(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && *c != '_' && *c != '-') {
      return fail(begin, kStream, Reason::malformed);
    }
  }
  if (options_.first_stream + streams_.size() >= kMaxStreams) return fail(begin, kStream, Reason::too_many_streams);
  streams_.emplace_back(begin, end);
  last_stream_ = streams_.size() - 1;
  return true;
}

Diagnostic TraceReader::describe(const char* begin, const char* end, const Request& request) {
  const char* const where = failure_.where;
  const std::string text = field_at(where, end);
  const auto message = [&]() -> std::string {
    switch (failure_.reason) {
      case Reason::none:
        break;
      case Reason::malformed:
        switch (failure_.column) {
          case kTime:
            return fmt::format("`{}` is not a time: decimal nanoseconds from 0 to 9e12 such as 12.5, or empty", text);
          case kOp:
            return fmt::format("unknown operation `{}`: R or W", text);
          case kAddress:
            return fmt::format("`{}` is not an address: decimal or 0x... below 2^64", text);
          case kBytes:
            return fmt::format("`{}` is not a number of bytes: 1 to {}", text, kMaxBytes);
          case kStream:
            return fmt::format("`{}` is not a stream's name: letters, digits, _ and -", text);
          case kId:
          case kDependsOn:
            return fmt::format("`{}` is not an id: an unsigned integer below 2^64 - 1, or empty", text);
          case kThink:
            return fmt::format("`{}` is not a think time: decimal nanoseconds from 0 to {}, or empty", text,
                               kMaxThink / kNanosecond);
          case kColumns:
            break;
        }
        break;
      case Reason::trailing:
        return fmt::format("unexpected `{}` behind the value", text);
      case Reason::too_few_fields:
        return fmt::format("{} fields, but the header names {}", 1 + std::count(begin, end, ','), columns_.size());
      case Reason::too_many_fields:
        return fmt::format("more fields than the {} the header names", columns_.size());
      case Reason::outside_memory:
        return fmt::format("{} bytes at {:#x} lie outside memory, which ends at {:#x} ({} bytes)", request.bytes,
                           request.address, options_.capacity, options_.capacity);
      case Reason::unsorted:
        return fmt::format("{} ns is before the {} ns of an earlier line; times must not decrease", in_ns(request.time),
                           in_ns(last_time_));
      case Reason::unknown_dependency:
        return unknown_dependency(request.depends_on);
      case Reason::think_alone:
        return "think_ns without depends_on: it is the time after that request's response";
      case Reason::duplicate_id:
        return fmt::format("id {} is there twice; ids are unique", request.id);
      case Reason::too_many_streams:
        return fmt::format("`{}` is one stream too many: a run has at most {}", text, kMaxStreams);
    }
    return "malformed";
  };
  return at(begin, where, failure_.column, message());
}

[[gnu::always_inline]] inline bool TraceReader::read_plain(Request& request) {
  // No calls in here: everything fits into registers that need not be saved.
  const char* p = buffer_.data() + begin_;
  Time time = kAsSoonAsPossible;
  if (*p != ',') {
    p = parse_nanoseconds(p, time);
    if (p == nullptr || time < last_time_) return false;
  }
  const bool read = std::memcmp(p, ",R,", 3) == 0;
  if (!read && std::memcmp(p, ",W,", 3) != 0) return false;
  std::uint64_t address = 0;
  p = parse_short_unsigned(p + 3, address);
  if (p == nullptr || *p != ',') return false;
  const char* const first = ++p;
  std::uint64_t bytes = 0;
  for (unsigned digit; (digit = static_cast<unsigned char>(*p) - unsigned{'0'}) < 10; ++p) bytes = bytes * 10 + digit;
  if (*p != '\n' || p - first > kMaxBytesDigits || bytes - 1 >= kMaxBytes) return false;
  if (address > options_.capacity - bytes) return false;
  begin_ = static_cast<std::size_t>(p + 1 - buffer_.data());
  ++line_number_;
  ++requests_;
  if (time != kAsSoonAsPossible) last_time_ = time;
  bytes_ += bytes;
  request.time = time;
  request.address = address;
  request.bytes = static_cast<std::uint32_t>(bytes);
  request.op = read ? Op::read : Op::write;
  request.stream = options_.first_stream;
  request.id = request.depends_on = kNoId;
  request.think = 0;
  return true;
}

TraceReader::Outcome TraceReader::read_line(Request& request) {
  do {
    if (!line(line_begin_, line_end_)) return Outcome::end;
  } while (line_begin_ == line_end_ || *line_begin_ == '#');
  return parse(line_begin_, line_end_, request) ? Outcome::request : Outcome::error;
}

bool TraceReader::next(Request& request) { return (plain_ && read_plain(request)) || next_line(request); }

bool TraceReader::next_line(Request& request) {
  const Outcome outcome = read_line(request);
  if (outcome == Outcome::request) return true;
  if (outcome == Outcome::error) throw ConfigError(describe(line_begin_, line_end_, request));
  if (requests_ == 0) throw ConfigError(no_requests());
  return false;
}

Diagnostic TraceReader::no_requests() const {
  return {options_.file, line_number_, 1, "", "the trace has a header but no requests"};
}

void TraceReader::validate_all() {
  std::vector<Diagnostic> errors;
  Request request;
  for (Outcome outcome; errors.size() != kMaxErrors;) {
    if (plain_ && read_plain(request)) continue;
    if ((outcome = read_line(request)) == Outcome::end) break;
    if (outcome == Outcome::error) errors.push_back(describe(line_begin_, line_end_, request));
  }
  if (errors.empty() && requests_ == 0) errors.push_back(no_requests());
  if (!errors.empty()) throw ConfigError(std::move(errors));
}

}  // namespace cowosim::traffic
