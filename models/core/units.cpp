#include "core/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <system_error>

#include "core/error.h"

namespace cowosim {

namespace {

/// One spelling: base units in it = 10^exponent * 2^shift.
struct Spelling {
  const char* text;
  int exponent;
  int shift;
};

struct Dimension {
  Unit unit;
  const char* name;
  const char* example;
  std::vector<Spelling> spellings;  // smallest first
};

const std::array<Dimension, 11>& dimensions() {
  static const std::array<Dimension, 11> table = {{
      {Unit::none, "a number", "32", {}},
      {Unit::time,
       "a time",
       "48ns",
       {{"fs", 0, 0}, {"ps", 3, 0}, {"ns", 6, 0}, {"us", 9, 0}, {"ms", 12, 0}, {"s", 15, 0}}},
      {Unit::frequency,
       "a frequency",
       "1.83GHz",
       {{"Hz", 0, 0}, {"kHz", 3, 0}, {"MHz", 6, 0}, {"GHz", 9, 0}, {"THz", 12, 0}}},
      {Unit::bytes,
       "a number of bytes",
       "80GiB",
       {{"B", 0, 0},
        {"kB", 3, 0},
        {"KiB", 0, 10},
        {"MB", 6, 0},
        {"MiB", 0, 20},
        {"GB", 9, 0},
        {"GiB", 0, 30},
        {"TB", 12, 0},
        {"TiB", 0, 40},
        {"PB", 15, 0}}},
      {Unit::bandwidth,
       "a bandwidth",
       "3.35TB/s",
       {{"B/s", 0, 0},
        {"kB/s", 3, 0},
        {"KiB/s", 0, 10},
        {"MB/s", 6, 0},
        {"MiB/s", 0, 20},
        {"GB/s", 9, 0},
        {"GiB/s", 0, 30},
        {"TB/s", 12, 0},
        {"TiB/s", 0, 40},
        {"PB/s", 15, 0}}},
      {Unit::data_rate,
       "a data rate",
       "6.4Gb/s",
       {{"b/s", 0, 0}, {"kb/s", 3, 0}, {"Mb/s", 6, 0}, {"Gb/s", 9, 0}, {"Tb/s", 12, 0}}},
      {Unit::flops,
       "a compute rate",
       "989TFLOP/s",
       {{"FLOP/s", 0, 0},
        {"kFLOP/s", 3, 0},
        {"MFLOP/s", 6, 0},
        {"GFLOP/s", 9, 0},
        {"TFLOP/s", 12, 0},
        {"PFLOP/s", 15, 0}}},
      {Unit::energy,
       "an energy",
       "120pJ",
       {{"fJ", -3, 0}, {"pJ", 0, 0}, {"nJ", 3, 0}, {"uJ", 6, 0}, {"mJ", 9, 0}, {"J", 12, 0}}},
      {Unit::energy_bit, "an energy per bit", "5pJ/bit", {{"fJ/bit", -3, 0}, {"pJ/bit", 0, 0}, {"nJ/bit", 3, 0}}},
      {Unit::length, "a length", "1.5mm", {{"nm", -6, 0}, {"um", -3, 0}, {"mm", 0, 0}, {"cm", 1, 0}}},
      {Unit::power, "a power", "180mW", {{"uW", -6, 0}, {"mW", -3, 0}, {"W", 0, 0}, {"kW", 3, 0}}},
  }};
  return table;
}

const Dimension& dimension(Unit unit) { return dimensions()[static_cast<std::size_t>(unit)]; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A decimal as written: (negative) digits x 10^exponent, without leading or trailing zeros; zero has no digits.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

constexpr int kExponentLimit = 100'000;

void trim(Decimal& d) {
  const std::size_t first = d.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    d.digits.clear();
    d.exponent = 0;
    return;
  }
  d.digits.erase(0, first);
  while (d.digits.back() == '0') {
    d.digits.pop_back();
    ++d.exponent;
  }
}

/// Reads a decimal at the beginning of `text` and moves past it; false if there is none.
bool take_decimal(std::string_view& text, Decimal& d) {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) d.negative = text[i++] == '-';
  bool any = false;
  for (; i < text.size() && is_digit(text[i]); ++i, any = true) d.digits += text[i];
  if (i < text.size() && text[i] == '.') {
    ++i;
    for (; i < text.size() && is_digit(text[i]); ++i, any = true) {
      d.digits += text[i];
      --d.exponent;
    }
  }
  if (!any) return false;
  // An exponent only if digits follow, so that a unit may begin with e or E.
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t k = i + 1;
    bool negative = false;
    if (k < text.size() && (text[k] == '+' || text[k] == '-')) negative = text[k++] == '-';
    if (k < text.size() && is_digit(text[k])) {
      int exponent = 0;
      for (; k < text.size() && is_digit(text[k]); ++k) {
        if (exponent < kExponentLimit) exponent = exponent * 10 + (text[k] - '0');
      }
      d.exponent += negative ? -exponent : exponent;
      i = k;
    }
  }
  trim(d);
  text.remove_prefix(i);
  return true;
}

std::string expected(Unit unit, bool integer) {
  if (unit == Unit::none) return integer ? "an integer, such as 32" : "a number, such as 0.5";
  return expected_of(unit);
}

std::string wrong(std::string_view text, std::string_view what, Unit unit, bool integer) {
  return fmt::format("{} {}; expected {}", quote(text), what, expected(unit, integer));
}

/// Splits text into decimal and spelling, or says what is wrong.
bool split(std::string_view text, Unit unit, bool integer, Decimal& d, Spelling& spelling, std::string& error) {
  constexpr std::size_t kLongest = 100;
  std::string_view rest = text;
  if (text.size() > kLongest || !take_decimal(rest, d)) {
    const char* what = unit != Unit::none ? "is not a quantity" : integer ? "is not an integer" : "is not a number";
    error = wrong(text, what, unit, integer);
    return false;
  }
  const bool spaced = !rest.empty() && rest.front() == ' ';
  if (spaced) rest.remove_prefix(1);
  spelling = {"", 0, 0};
  if (rest.empty() && unit == Unit::none && !spaced) return true;
  if (rest.empty() && unit != Unit::none) {
    error = wrong(text, "has no unit", unit, integer);
    return false;
  }
  for (const Spelling& s : dimension(unit).spellings) {
    if (rest == s.text) {
      spelling = s;
      return true;
    }
  }
  for (const Dimension& other : dimensions()) {
    for (const Spelling& s : other.spellings) {
      if (rest != s.text) continue;
      error = wrong(text, unit == Unit::none ? "has a unit" : fmt::format("is {}", other.name), unit, integer);
      return false;
    }
  }
  if (unit == Unit::none) {
    error = wrong(text, integer ? "is not an integer" : "is not a number", unit, integer);
    return false;
  }
  std::string known;
  for (const Spelling& s : dimension(unit).spellings) known += (known.empty() ? "" : ", ") + std::string(s.text);
  error = fmt::format("{} has the unknown unit {}; expected {} ({})", quote(text), quote(rest), expected(unit, integer),
                      known);
  return false;
}

/// digits x 10^exponent in plain notation, or with an exponent where zeros would hide it.
std::string plain(const std::string& digits, int exponent) {
  if (digits.empty()) return "0";
  const int count = static_cast<int>(digits.size());
  if (exponent > 20 || exponent < -30) return fmt::format("{}e{}", digits, exponent);
  if (exponent >= 0) return digits + std::string(static_cast<std::size_t>(exponent), '0');
  if (-exponent < count) {
    const std::size_t point = static_cast<std::size_t>(count + exponent);
    return digits.substr(0, point) + "." + digits.substr(point);
  }
  return "0." + std::string(static_cast<std::size_t>(-exponent - count), '0') + digits;
}

/// Shortest of the texts offered; long whole parts and leading zeros count extra, the larger unit wins a tie.
class Shortest {
 public:
  void offer(std::string mantissa, const char* unit) {
    const std::size_t whole = std::min(mantissa.find('.'), mantissa.size());
    std::size_t cost = mantissa.size() + std::string_view(unit).size();
    if (whole > 4) cost += 2;
    if (mantissa.front() == '0') cost += 1;
    if (cost > cost_) return;
    cost_ = cost;
    text_ = std::move(mantissa) + unit;
  }
  const std::string& text() const { return text_; }

 private:
  std::size_t cost_ = std::numeric_limits<std::size_t>::max();
  std::string text_;
};

std::string format_decimal(const Decimal& d, Unit unit, std::uint64_t magnitude) {
  const std::string sign = d.negative ? "-" : "";
  if (d.digits.empty()) return "0" + std::string(base_of(unit));
  Shortest shortest;
  for (const Spelling& s : dimension(unit).spellings) {
    if (s.shift == 0) {
      shortest.offer(plain(d.digits, d.exponent - s.exponent), s.text);
    } else if (magnitude != 0 && magnitude % (std::uint64_t{1} << s.shift) == 0) {
      shortest.offer(std::to_string(magnitude >> s.shift), s.text);
    }
  }
  return sign + shortest.text();
}

}  // namespace

const char* dimension_of(Unit unit) { return dimension(unit).name; }
const char* example_of(Unit unit) { return dimension(unit).example; }
std::string expected_of(Unit unit) { return fmt::format("{}, such as {}", dimension_of(unit), example_of(unit)); }

std::vector<std::string> spellings_of(Unit unit) {
  std::vector<std::string> out;
  for (const Spelling& s : dimension(unit).spellings) out.emplace_back(s.text);
  return out;
}

const char* base_of(Unit unit) {
  for (const Spelling& s : dimension(unit).spellings) {
    if (s.exponent == 0 && s.shift == 0) return s.text;
  }
  return "";
}

std::optional<std::int64_t> parse_integer(std::string_view text, Unit unit, std::string& error) {
  const auto too_large = [&] {
    error = fmt::format("{} is too large; at most {} can be held", quote(text),
                        format_quantity(std::numeric_limits<std::int64_t>::max(), unit));
    return std::nullopt;
  };
  if (unit == Unit::none && text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    if (code == std::errc::result_out_of_range) return too_large();
    if (code == std::errc() && end == text.data() + text.size() && text[2] != '-') return value;
    error = wrong(text, "is not an integer", unit, true);
    return std::nullopt;
  }
  Decimal d;
  Spelling s{"", 0, 0};
  if (!split(text, unit, true, d, s, error)) return std::nullopt;
  if (d.digits.empty()) return 0;
  const auto not_whole = [&] {
    if (unit == Unit::none) {
      error = wrong(text, "is not a whole number", unit, true);
    } else {
      error = fmt::format("{} is not a whole number of {}, the resolution of {}", quote(text), base_of(unit),
                          dimension_of(unit));
    }
    return std::nullopt;
  };
  int exponent = d.exponent + s.exponent;
  if (static_cast<int>(d.digits.size()) + exponent > 20) return too_large();
  if (d.digits.size() > 38) return not_whole();  // no multiple of 10^-18 has so many below 10^20
  unsigned __int128 value = 0;
  for (const char c : d.digits) value = value * 10 + static_cast<unsigned>(c - '0');
  constexpr unsigned __int128 kLimit = static_cast<unsigned __int128>(1) << 63;
  int shift = s.shift;
  for (; exponent > 0; --exponent) {
    value *= 10;
    if (value > kLimit) return too_large();
  }
  for (; exponent < 0; ++exponent) {
    if (value % 5 != 0) return not_whole();
    value /= 5;
    --shift;
  }
  for (; shift < 0; ++shift) {
    if (value % 2 != 0) return not_whole();
    value /= 2;
  }
  for (; shift > 0; --shift) {
    value *= 2;
    if (value > kLimit) return too_large();
  }
  if (value > kLimit - (d.negative ? 0 : 1)) return too_large();
  const auto magnitude = static_cast<std::uint64_t>(value);
  return static_cast<std::int64_t>(d.negative ? 0 - magnitude : magnitude);
}

std::optional<double> parse_number(std::string_view text, Unit unit, std::string& error) {
  Decimal d;
  Spelling s{"", 0, 0};
  if (!split(text, unit, false, d, s, error)) return std::nullopt;
  if (d.digits.empty()) return 0.0;
  const std::string scaled = fmt::format("{}{}e{}", d.negative ? "-" : "", d.digits, d.exponent + s.exponent);
  double value = 0;
  const auto [end, code] = std::from_chars(scaled.data(), scaled.data() + scaled.size(), value);
  if (code != std::errc() || end != scaled.data() + scaled.size()) {
    error = wrong(text, "cannot be held as a number", unit, false);
    return std::nullopt;
  }
  // A binary prefix scales by a power of two, which does not round.
  for (int i = 0; i < s.shift; ++i) value *= 2;
  return value;
}

std::string format_quantity(std::int64_t value, Unit unit) {
  if (unit == Unit::none) return std::to_string(value);
  Decimal d;
  d.negative = value < 0;
  const std::uint64_t magnitude =
      d.negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  d.digits = std::to_string(magnitude);
  trim(d);
  return format_decimal(d, unit, magnitude);
}

std::string format_quantity(double value, Unit unit) {
  if (unit == Unit::none) return fmt::format("{}", value);
  std::array<char, 64> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  Decimal d;
  if (!take_decimal(text, d)) return std::string(text) + base_of(unit);  // inf, nan: parameters never hold them
  return format_decimal(d, unit, 0);
}

std::string pattern_of(Unit unit) {
  std::string units;
  for (const Spelling& s : dimension(unit).spellings) units += (units.empty() ? "" : "|") + std::string(s.text);
  return R"(^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? ?()" + units + ")$";
}

}  // namespace cowosim
