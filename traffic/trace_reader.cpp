#include "traffic/trace_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/nearest.h"

namespace cowosim::traffic {

namespace {

constexpr const char* kColumnNames[] = {"time_ns", "op", "address", "bytes", "stream", "id", "depends_on", "think_ns"};
constexpr const char* kHeaderHelp =
    "the header is `time_ns,op,address,bytes` and optionally `stream,id,depends_on,think_ns`";
constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kMaxLine = 1024 * 1024;
constexpr std::uint64_t kMaxNanoseconds = 9'000'000'000'000;  // 2.5 hours: what fits into Time

bool ends_with(const std::string& text, const char* ending) {
  const std::size_t length = std::strlen(ending);
  return text.size() >= length && text.compare(text.size() - length, length, ending) == 0;
}

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Decimal nanoseconds to femtoseconds, exactly; what is finer is rounded half up. False: not such a number.
bool parse_nanoseconds(const char*& p, const char* end, Time& time) {
  std::uint64_t whole = 0;
  const char* const begin = p;
  for (; p != end && is_digit(*p); ++p) {
    if (whole > kMaxNanoseconds) return false;
    whole = whole * 10 + static_cast<std::uint64_t>(*p - '0');
  }
  if (p == begin || whole > kMaxNanoseconds) return false;
  std::int64_t fraction = 0;
  if (p != end && *p == '.') {
    ++p;
    std::int64_t scale = kNanosecond / 10;
    const char* const first = p;
    for (; p != end && is_digit(*p); ++p) {
      const int digit = *p - '0';
      if (scale != 0) {
        fraction += digit * scale;
        scale /= 10;
      } else if (p == first + 6 && digit >= 5) {
        ++fraction;
      }
    }
    if (p == first) return false;
  }
  time = static_cast<Time>(whole) * kNanosecond + fraction;
  return true;
}

/// Decimal, or hexadecimal with 0x.
bool parse_unsigned(const char*& p, const char* end, std::uint64_t& value) {
  const bool hexadecimal = end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x';
  const std::from_chars_result result =
      hexadecimal ? std::from_chars(p + 2, end, value, 16) : std::from_chars(p, end, value, 10);
  if (result.ec != std::errc{}) return false;
  p = result.ptr;
  return true;
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

struct TraceReader::Input {
  boost::iostreams::filtering_istreambuf stream;
  std::ifstream file;
};

TraceReader::TraceReader(TraceOptions options)
    : options_(std::move(options)), input_(std::make_unique<Input>()), streams_{options_.stream_name} {
  input_->file.open(options_.file, std::ios::binary);
  // A directory opens and then cannot be read.
  if (!input_->file || (input_->file.peek(), input_->file.bad())) {
    throw ConfigError(Diagnostic{options_.file, 0, 0, "", fmt::format("cannot read the trace: {}", std::strerror(errno))});
  }
  input_->file.clear();
  if (ends_with(options_.file, ".gz")) {
    input_->stream.push(boost::iostreams::gzip_decompressor());
  } else if (ends_with(options_.file, ".zst")) {
    input_->stream.push(boost::iostreams::zstd_decompressor());
  }
  input_->stream.push(input_->file);
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
  std::streamsize count = 0;
  try {
    count = input_->stream.sgetn(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
  } catch (const std::ios_base::failure& failure) {  // gzip_error and zstd_error are failures
    throw ConfigError(Diagnostic{options_.file, line_number_ + 1, 1, "",
                                 fmt::format("cannot decompress the trace ({}); it must be what its ending says", failure.what())});
  }
  end_ += static_cast<std::size_t>(std::max<std::streamsize>(count, 0));
  if (count <= 0) input_ended_ = true;
  return count > 0;
}

bool TraceReader::line(const char*& begin, const char*& end) {
  for (;;) {
    const char* const from = buffer_.data() + begin_;
    const void* newline = std::memchr(from, '\n', end_ - begin_);
    if (newline == nullptr) {
      if (end_ - begin_ > kMaxLine) {
        throw ConfigError(Diagnostic{options_.file, line_number_ + 1, 1, "", "the line is longer than 1 MiB; is this a trace?"});
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
    if (line_number_ == 1 && end - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0) begin += 3;  // byte order mark
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
      errors.push_back(
          at(begin, p, kColumns, fmt::format("unknown column `{}`{}; {}", name, did_you_mean(name, known), kHeaderHelp)));
    } else {
      const Column column = static_cast<Column>(found - known.begin());
      if (column_of_[column] >= 0) errors.push_back(at(begin, p, kColumns, fmt::format("column `{}` is there twice", name)));
      column_of_[column] = static_cast<int>(columns_.size());
      columns_.push_back(column);
    }
    while (p != end && *p != ',') ++p;
    if (p == end) break;
  }
  for (int column = kTime; column <= kBytes; ++column) {
    if (column_of_[column] < 0) {
      errors.push_back(at(begin, begin, kColumns, fmt::format("column `{}` is missing; {}", kColumnNames[column], kHeaderHelp)));
    }
  }
  if (column_of_[kDependsOn] >= 0 && column_of_[kId] < 0) {
    errors.push_back(at(begin, begin, kColumns, "column `depends_on` needs a column `id`: it names the id of an earlier line"));
  }
  if (column_of_[kThink] >= 0 && column_of_[kDependsOn] < 0) {
    errors.push_back(at(begin, begin, kColumns, "column `think_ns` needs a column `depends_on`: it is the time after that one's response"));
  }
  if (!errors.empty()) throw ConfigError(std::move(errors));
}

bool TraceReader::knows(std::uint64_t id) const {
  auto range = std::upper_bound(id_ranges_.begin(), id_ranges_.end(), id,
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

Diagnostic TraceReader::unknown_dependency(const char* line_begin, const char* where, std::uint64_t id) {
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
    if (field != column_of_[kId] || !parse_unsigned(p, end, value) || value != id) continue;
    message += rest.line_number_ == line_number_ ? "; a request cannot depend on itself"
                                                 : fmt::format(": line {} has it, later; a request can only depend on an earlier one",
                                                               rest.line_number_);
    return at(line_begin, where, kDependsOn, message);
  }
  return at(line_begin, where, kDependsOn, message + " and none after it either; depends_on is the id of an earlier line");
}

bool TraceReader::parse(const char* begin, const char* end, Request& request, Diagnostic& error) {
  request = Request{};
  request.stream = options_.first_stream;
  const char* p = begin;
  const char* fields[kColumns] = {};
  const auto fail = [&](const char* where, Column column, std::string message) {
    error = at(begin, where, column, std::move(message));
    return false;
  };
  const std::size_t count = columns_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Column column = columns_[i];
    if (i != 0) {
      if (p == end) return fail(p, kColumns, fmt::format("{} fields, but the header names {}", i, count));
      ++p;  // the comma
    }
    while (p != end && is_blank(*p)) ++p;
    const char* const field = p;
    fields[column] = field;
    const bool empty = p == end || *p == ',';
    switch (column) {
      case kTime:
        if (empty) break;
        if (!parse_nanoseconds(p, end, request.time)) {
          return fail(field, column, fmt::format("`{}` is not a time: decimal nanoseconds from 0 to 9e12 such as 12.5, or empty",
                                                 field_at(field, end)));
        }
        break;
      case kOp: {
        const char op = empty ? '\0' : static_cast<char>(*p | 0x20);
        if (op == 'r' || op == 'w') ++p;
        if ((op != 'r' && op != 'w') || (p != end && *p != ',' && !is_blank(*p))) {
          return fail(field, column, fmt::format("unknown operation `{}`: R or W", field_at(field, end)));
        }
        request.op = op == 'r' ? Op::read : Op::write;
        break;
      }
      case kAddress:
        if (!parse_unsigned(p, end, request.address)) {
          return fail(field, column, fmt::format("`{}` is not an address: decimal or 0x... below 2^64", field_at(field, end)));
        }
        break;
      case kBytes: {
        const std::from_chars_result result = std::from_chars(p, end, request.bytes);
        if (result.ec != std::errc{} || request.bytes == 0 || request.bytes > kMaxBytes) {
          return fail(field, column, fmt::format("`{}` is not a number of bytes: 1 to {}", field_at(field, end), kMaxBytes));
        }
        p = result.ptr;
        break;
      }
      case kStream: {
        while (p != end && *p != ',' && !is_blank(*p)) ++p;
        const std::size_t length = static_cast<std::size_t>(p - field);
        if (length == 0) break;
        const auto same = [&](const std::string& name) {
          return name.size() == length && std::memcmp(name.data(), field, length) == 0;
        };
        if (!same(streams_[last_stream_])) {
          last_stream_ = static_cast<std::size_t>(std::find_if(streams_.begin(), streams_.end(), same) - streams_.begin());
          if (last_stream_ == streams_.size()) {
            last_stream_ = 0;
            for (const char* c = field; c != p; ++c) {
              if (is_digit(*c) || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' || *c == '-') continue;
              return fail(c, column, fmt::format("`{}` is not a stream's name: letters, digits, _ and -", field_at(field, end)));
            }
            if (options_.first_stream + streams_.size() >= kMaxStreams) {
              return fail(field, column, fmt::format("`{}` is one stream too many: a run has at most {}", field_at(field, end), kMaxStreams));
            }
            streams_.emplace_back(field, p);
            last_stream_ = streams_.size() - 1;
          }
        }
        request.stream = static_cast<StreamId>(options_.first_stream + last_stream_);
        break;
      }
      case kId:
      case kDependsOn: {
        if (empty) break;
        std::uint64_t& id = column == kId ? request.id : request.depends_on;
        if (!parse_unsigned(p, end, id) || id == kNoId) {
          return fail(field, column, fmt::format("`{}` is not an id: an unsigned integer below 2^64 - 1, or empty", field_at(field, end)));
        }
        break;
      }
      case kThink:
        if (empty) break;
        if (!parse_nanoseconds(p, end, request.think) || request.think > kMaxThink) {
          return fail(field, column, fmt::format("`{}` is not a think time: decimal nanoseconds from 0 to {}, or empty",
                                                 field_at(field, end), kMaxThink / kNanosecond));
        }
        break;
      case kColumns:
        break;
    }
    while (p != end && is_blank(*p)) ++p;
    if (p != end && *p != ',') {
      return fail(p, column, fmt::format("`{}`: unexpected `{}` behind the value", field_at(field, end), field_at(p, end)));
    }
  }
  if (p != end) return fail(p, kColumns, fmt::format("more fields than the {} the header names", count));

  if (request.address >= options_.capacity || request.bytes > options_.capacity - request.address) {
    return fail(fields[kAddress], kAddress,
                fmt::format("{} bytes at {:#x} lie outside memory, which ends at {:#x} ({} bytes)", request.bytes, request.address,
                            options_.capacity, options_.capacity));
  }
  if (request.time != kAsSoonAsPossible) {
    if (request.time < last_time_) {
      return fail(fields[kTime], kTime, fmt::format("{} ns is before the {} ns of an earlier line; times must not decrease",
                                                    in_ns(request.time), in_ns(last_time_)));
    }
    last_time_ = request.time;
  }
  if (request.depends_on != kNoId) {
    if (!knows(request.depends_on)) {
      error = unknown_dependency(begin, fields[kDependsOn], request.depends_on);
      if (request.id != kNoId) remember(request.id);
      return false;
    }
  } else if (request.think != 0) {
    return fail(fields[kThink], kThink, "think_ns without depends_on: it is the time after that request's response");
  }
  if (request.id != kNoId && !remember(request.id)) {
    return fail(fields[kId], kId, fmt::format("id {} is there twice; ids are unique", request.id));
  }
  ++requests_;
  bytes_ += request.bytes;
  return true;
}

bool TraceReader::next_or_error(Request& request, Diagnostic& error) {
  const char* begin = nullptr;
  const char* end = nullptr;
  for (;;) {
    if (!line(begin, end)) {
      if (requests_ == 0) error = {options_.file, line_number_, 1, "", "the trace has a header but no requests"};
      return false;
    }
    if (begin == end || *begin == '#') continue;
    return parse(begin, end, request, error);
  }
}

bool TraceReader::next(Request& request) {
  Diagnostic error;
  if (next_or_error(request, error)) return true;
  if (!error.message.empty()) throw ConfigError(std::move(error));
  return false;
}

void TraceReader::validate_all() {
  std::vector<Diagnostic> errors;
  Request request;
  for (;;) {
    Diagnostic error;
    if (next_or_error(request, error)) continue;
    if (error.message.empty()) break;
    const bool at_end = begin_ == end_ && input_ended_;
    if (!at_end || errors.empty()) errors.push_back(std::move(error));
    if (at_end || errors.size() == kMaxErrors) break;
  }
  if (!errors.empty()) throw ConfigError(std::move(errors));
}

}  // namespace cowosim::traffic
