#include "telemetry/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace cowosim::telemetry {

std::string exact_ns(Time t) {
  const bool negative = t < 0;
  const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(t) : static_cast<std::uint64_t>(t);
  std::string text = fmt::format("{}{}.{:06}", negative ? "-" : "", magnitude / 1'000'000, magnitude % 1'000'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string exact_number(double value) {
  if (value == std::trunc(value) && std::abs(value) < 9007199254740992.0)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

std::string hex64(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::vector<std::string> csv_split(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

Time parse_ns(std::string_view text) {
  const auto bad = [&] { throw std::invalid_argument(fmt::format("'{}' is not a time in ns", text)); };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  const std::size_t point = rest.find('.');
  const std::string_view whole = rest.substr(0, point);
  std::string fraction(point == std::string_view::npos ? std::string_view{} : rest.substr(point + 1));
  if (whole.empty() || fraction.size() > 6 || (point != std::string_view::npos && fraction.empty())) bad();
  fraction.resize(6, '0');
  Time nanoseconds = 0;
  Time femtoseconds = 0;
  const auto read = [&](std::string_view digits, Time& value) {
    if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) bad();
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc{}) bad();
  };
  read(whole, nanoseconds);
  read(fraction, femtoseconds);
  if (nanoseconds > (kNever - femtoseconds) / kNanosecond) bad();
  const Time t = nanoseconds * kNanosecond + femtoseconds;
  return negative ? -t : t;
}

std::uint64_t parse_unsigned(std::string_view text, int base) {
  std::string_view digits = text;
  if (base == 0) {
    base = 10;
    if (digits.substr(0, 2) == "0x" || digits.substr(0, 2) == "0X") {
      base = 16;
      digits.remove_prefix(2);
    }
  }
  std::uint64_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || result.ec != std::errc{} || result.ptr != digits.data() + digits.size())
    throw std::invalid_argument(fmt::format("'{}' is not {}", text, base == 16 ? "a hexadecimal number" : "a number"));
  return value;
}

namespace {

/// Four digits in the first of four units, each 1000 of the one before, in which there are at most three before the point.
std::string four_digits(double value, const std::array<const char*, 4>& units) {
  std::size_t unit = 0;
  for (; unit + 1 < units.size() && std::abs(value) >= 999.95; ++unit) value /= 1e3;
  const double size = std::abs(value);
  return fmt::format("{:.{}f} {}", value, size < 9.9995 ? 3 : size < 99.995 ? 2 : 1, units[unit]);
}

}  // namespace

std::string human_time(double femtoseconds) { return four_digits(femtoseconds / 1e6, {"ns", "us", "ms", "s"}); }
std::string human_energy(double picojoules) { return four_digits(picojoules / 1e3, {"nJ", "uJ", "mJ", "J"}); }

std::string human_bytes(double bytes) {
  const double magnitude = std::abs(bytes);
  if (magnitude < 1e3) return fmt::format("{:.0f} B", bytes);
  if (magnitude < 999.995e3) return fmt::format("{:.2f} kB", bytes / 1e3);
  if (magnitude < 999.995e6) return fmt::format("{:.2f} MB", bytes / 1e6);
  if (magnitude < 999.995e9) return fmt::format("{:.2f} GB", bytes / 1e9);
  return fmt::format("{:.2f} TB", bytes / 1e12);
}

std::string human_rate(double bytes_per_second) {
  return fmt::format("{:.{}f} GB/s", bytes_per_second / 1e9, std::abs(bytes_per_second) < 9.9995e9 ? 3 : 1);
}

std::string human_flops(double flops_per_second) {
  return fmt::format("{:.{}f} TFLOP/s", flops_per_second / 1e12, std::abs(flops_per_second) < 9.9995e12 ? 3 : 1);
}

std::string human_count(std::uint64_t value) {
  std::string digits = fmt::format("{}", value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string human_signed(std::int64_t value) {
  return value < 0 ? "-" + human_count(0 - static_cast<std::uint64_t>(value))
                   : human_count(static_cast<std::uint64_t>(value));
}

std::string human_percent(double fraction) { return fmt::format("{:.1f} %", fraction * 100); }

std::string bar(double fraction, int width) {
  const double clamped = std::clamp(fraction, 0.0, 1.0);
  int length = static_cast<int>(std::lround(clamped * width));
  if (length == 0 && clamped >= 0.0005) length = 1;
  return std::string(static_cast<std::size_t>(length), '#');
}

std::vector<std::int64_t> rounded_to_sum(const std::vector<Time>& values, Time unit, std::int64_t total) {
  std::vector<std::int64_t> rounded(values.size());
  std::vector<Time> remainder(values.size());
  std::int64_t missing = total;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::int64_t quotient = values[i] / unit;
    if (quotient * unit > values[i]) --quotient;  // floor, also of negative values
    rounded[i] = quotient;
    remainder[i] = values[i] - quotient * unit;
    missing -= quotient;
  }
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  if (order.empty()) return rounded;
  const std::int64_t each = missing / static_cast<std::int64_t>(order.size());  // far off: everyone gets the same first
  for (std::int64_t& value : rounded) value += each;
  missing -= each * static_cast<std::int64_t>(order.size());
  for (std::size_t i = 0; missing > 0; i = (i + 1) % order.size(), --missing) ++rounded[order[i]];
  for (std::size_t i = order.size() - 1; missing < 0; i = i == 0 ? order.size() - 1 : i - 1, ++missing)
    --rounded[order[i]];
  return rounded;
}

}  // namespace cowosim::telemetry
