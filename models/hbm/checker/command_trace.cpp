#include "hbm/checker/command_trace.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "core/nearest.h"
#include "telemetry/text.h"

namespace cowosim::hbm {

namespace {

constexpr std::size_t kChunk = 64 * 1024;
constexpr std::size_t kMaxLine = 4096;
constexpr Time kMaxTime = 9'000'000'000'000 * kNanosecond;
constexpr int kMaxPlace = std::numeric_limits<std::int16_t>::max();
constexpr int kMaxCell = std::numeric_limits<std::int32_t>::max();
constexpr const char* kFields[] = {"time_ns",    "stack", "channel", "pseudo_channel", "command", "sid",
                                   "bank_group", "bank",  "row",     "column"};
constexpr int kFieldCount = 10;
constexpr const char* kHeader = "time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column";

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool find_command(std::string_view name, Command& command) {
  for (std::size_t c = 0; c < kCommands; ++c) {
    if (name != name_of(static_cast<Command>(c))) continue;
    command = static_cast<Command>(c);
    return true;
  }
  return false;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < kCommands; ++c) names.emplace_back(name_of(static_cast<Command>(c)));
  return names;
}

}  // namespace

CommandTrace::CommandTrace(const std::string& file, int stacks, int channels)
    : file_(file), input_(file, "command trace"), stacks_(stacks), channels_(channels), buffer_(kChunk) {
  read_header();
}

bool CommandTrace::line(std::string_view& text) {
  for (;;) {
    const char* const from = buffer_.data() + begin_;
    const void* const newline = std::memchr(from, '\n', end_ - begin_);
    if (newline == nullptr) {
      if (end_ - begin_ > kMaxLine)
        throw ConfigError(
            Diagnostic{file_, line_number_ + 1, 1, "", "the line is longer than 4 KiB; is this a trace?"});
      std::memmove(buffer_.data(), from, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
      const std::size_t count = input_.read(buffer_.data() + end_, buffer_.size() - end_, line_number_ + 1);
      end_ += count;
      if (count > 0) continue;
      if (end_ == 0) return false;
    }
    const std::size_t length =
        newline == nullptr ? end_ : static_cast<std::size_t>(static_cast<const char*>(newline) - from);
    line_ = text = {buffer_.data() + begin_, length};  // the last line may have no end
    begin_ = std::min(begin_ + length + 1, end_);
    ++line_number_;
    return true;
  }
}

void CommandTrace::read_header() {
  std::string_view text;
  do {
    if (!line(text))
      throw ConfigError(
          Diagnostic{file_, 1, 1, "", std::string("the command trace is empty; its header is ") + kHeader});
    text = trimmed(text);
  } while (text.empty() || text.front() == '#');
  if (text != kHeader) fail(text, "", "the header is " + quote(text) + ", it must be " + kHeader);
}

void CommandTrace::fail(std::string_view where, const char* name, const std::string& message) const {
  const int column = static_cast<int>(where.data() - line_.data()) + 1;
  throw ConfigError(Diagnostic{file_, line_number_, column, name, message});
}

std::string_view CommandTrace::field(std::string_view& rest, int index) {
  if (rest.data() == nullptr)
    fail(line_, "", std::to_string(index) + " fields, there must be " + std::to_string(kFieldCount));
  const std::size_t comma = rest.find(',');
  const std::string_view text = trimmed(rest.substr(0, comma));
  rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  return text;
}

Time CommandTrace::time(std::string_view text) const {
  std::string_view exact = text;
  Time rounding = 0;
  const std::size_t point = text.find('.');
  const bool all_digits = text.find_first_not_of("0123456789.") == std::string_view::npos;
  if (point != std::string_view::npos && text.size() > point + 7) {
    exact = text.substr(0, point + 7);
    rounding = text[point + 7] >= '5' ? 1 : 0;
  }
  Time t = -1;
  try {
    if (all_digits && text.find('.', point + 1) == std::string_view::npos) t = telemetry::parse_ns(exact) + rounding;
  } catch (const std::invalid_argument&) {
  }
  if (t < 0 || t > kMaxTime) fail(text, kFields[0], quote(text) + " is not a time: decimal nanoseconds from 0 to 9e12");
  return t;
}

int CommandTrace::number(std::string_view text, const char* name, int least, int most) const {
  int value = -1;
  const char* const end = text.data() + text.size();
  const auto result = text.empty() ? std::from_chars_result{end, {}} : std::from_chars(text.data(), end, value);
  if (result.ec == std::errc{} && result.ptr == end && value >= least && value <= most) return value;
  fail(text, name,
       quote(text) + " is not a number from 0 to " + std::to_string(most) + (least < 0 ? ", -1 or empty" : ""));
}

bool CommandTrace::next(TracedCommand& command) {
  std::string_view rest;
  do {
    if (!line(rest)) return false;
    rest = trimmed(rest);
  } while (rest.empty() || rest.front() == '#');

  std::string_view fields[kFieldCount];
  for (int i = 0; i < kFieldCount; ++i) fields[i] = field(rest, i);
  if (rest.data() != nullptr) fail(rest, "", "more than the " + std::to_string(kFieldCount) + " fields of the header");
  const auto place = [&](int i, int least, int most) { return number(fields[i], kFields[i], least, most); };

  CommandRecord& c = command.record;
  command.line = line_number_;
  c.time = time(fields[0]);
  command.stack = place(1, 0, stacks_ - 1);
  command.channel = place(2, 0, channels_ - 1);
  c.pseudo_channel = static_cast<std::uint8_t>(place(3, 0, 255));
  if (!find_command(fields[4], c.command))
    fail(fields[4], kFields[4],
         "there is no command " + quote(fields[4]) + did_you_mean(fields[4], command_names()) + " (there are " +
             enumerate(command_names()) + ")");
  c.sid = static_cast<std::int16_t>(place(5, -1, kMaxPlace));
  c.bank_group = static_cast<std::int16_t>(place(6, -1, kMaxPlace));
  c.bank = static_cast<std::int16_t>(place(7, -1, kMaxPlace));
  c.row = place(8, -1, kMaxCell);
  c.column = place(9, -1, kMaxCell);
  return true;
}

}  // namespace cowosim::hbm
