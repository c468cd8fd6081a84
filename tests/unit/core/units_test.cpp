#include "core/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <string>

#include "core/random.h"
#include "core/time.h"

namespace cowosim {
namespace {

std::int64_t integer(const std::string& text, Unit unit) {
  std::string error;
  const auto value = parse_integer(text, unit, error);
  EXPECT_TRUE(value.has_value()) << error;
  return value.value_or(-1);
}

double number(const std::string& text, Unit unit) {
  std::string error;
  const auto value = parse_number(text, unit, error);
  EXPECT_TRUE(value.has_value()) << error;
  return value.value_or(-1);
}

std::string integer_error(const std::string& text, Unit unit) {
  std::string error;
  EXPECT_FALSE(parse_integer(text, unit, error).has_value()) << text;
  return error;
}

std::string number_error(const std::string& text, Unit unit) {
  std::string error;
  EXPECT_FALSE(parse_number(text, unit, error).has_value()) << text;
  return error;
}

TEST(Units, ParsesTheQuantitiesOfThePresets) {
  EXPECT_EQ(integer("48ns", Unit::time), 48 * kNanosecond);
  EXPECT_EQ(integer("3.9us", Unit::time), 3'900 * kNanosecond);
  EXPECT_EQ(number("6.4Gb/s", Unit::data_rate), 6.4e9);
  EXPECT_EQ(integer("3.35TB/s", Unit::bandwidth), 3'350'000'000'000);
  EXPECT_EQ(integer("80GiB", Unit::bytes), std::int64_t{80} << 30);
  EXPECT_EQ(integer("80GB", Unit::bytes), 80'000'000'000);
  EXPECT_EQ(integer("512B", Unit::bytes), 512);
  EXPECT_EQ(number("1.83GHz", Unit::frequency), 1.83e9);
  EXPECT_EQ(number("989TFLOP/s", Unit::flops), 989e12);
  EXPECT_EQ(number("5pJ/bit", Unit::energy_bit), 5.0);
  EXPECT_EQ(number("1.5mm", Unit::length), 1.5);
  EXPECT_EQ(number("24.5W", Unit::power), 24.5);
  EXPECT_EQ(number("120nJ", Unit::energy), 120e3);
}

TEST(Units, DecimalsAreExact) {
  EXPECT_EQ(integer("0.1ns", Unit::time), 100'000);
  EXPECT_EQ(integer("0.000001ns", Unit::time), 1);
  EXPECT_EQ(integer("1e-6ns", Unit::time), 1);
  EXPECT_EQ(integer("9007.199254740993s", Unit::time), 9'007'199'254'740'993'000);  // 2^53 + 1: no double in between
  EXPECT_EQ(integer("9223372036854775807fs", Unit::time), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(integer("-9223372036854775808fs", Unit::time), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(integer("0.5KiB", Unit::bytes), 512);
  EXPECT_EQ(integer("0.0009765625KiB", Unit::bytes), 1);
  EXPECT_EQ(integer("2.5GiB", Unit::bytes), 2'684'354'560);
  // One rounding at the end: 0.3 * 1e9 in doubles would be another number than the nearest one to 0.3e9.
  EXPECT_EQ(number("0.3GHz", Unit::frequency), 3e8);
  EXPECT_EQ(number("0.7THz", Unit::frequency), 7e11);
  EXPECT_EQ(number("1.1um", Unit::length), 1.1e-3);
  EXPECT_EQ(number("0.1fJ", Unit::energy), 1e-4);
}

TEST(Units, AcceptsOneSpaceSignsAndExponents) {
  EXPECT_EQ(integer("48 ns", Unit::time), 48 * kNanosecond);
  EXPECT_EQ(integer("+48ns", Unit::time), 48 * kNanosecond);
  EXPECT_EQ(integer("-48ns", Unit::time), -48 * kNanosecond);
  EXPECT_EQ(integer("4.8e1ns", Unit::time), 48 * kNanosecond);
  EXPECT_EQ(integer(".5ns", Unit::time), 500 * kPicosecond);
  EXPECT_EQ(integer("5.ns", Unit::time), 5 * kNanosecond);
  EXPECT_EQ(integer("0ns", Unit::time), 0);
  EXPECT_EQ(integer("0e99999s", Unit::time), 0);
}

TEST(Units, PlainNumbers) {
  EXPECT_EQ(integer("42", Unit::none), 42);
  EXPECT_EQ(integer("-7", Unit::none), -7);
  EXPECT_EQ(integer("0x1F", Unit::none), 31);
  EXPECT_EQ(integer("1e3", Unit::none), 1000);
  EXPECT_EQ(number("0.85", Unit::none), 0.85);
  EXPECT_EQ(integer_error("1.5", Unit::none), "'1.5' is not a whole number; expected an integer, such as 32");
  EXPECT_EQ(integer_error("many", Unit::none), "'many' is not an integer; expected an integer, such as 32");
  EXPECT_EQ(integer_error("", Unit::none), "'' is not an integer; expected an integer, such as 32");
  EXPECT_EQ(integer_error("12 ", Unit::none), "'12 ' is not an integer; expected an integer, such as 32");
  EXPECT_EQ(integer_error("0x", Unit::none), "'0x' is not an integer; expected an integer, such as 32");
  EXPECT_EQ(integer_error("0x-1", Unit::none), "'0x-1' is not an integer; expected an integer, such as 32");
  EXPECT_EQ(integer_error("0xFFFFFFFFFFFFFFFF", Unit::none),
            "'0xFFFFFFFFFFFFFFFF' is too large; at most 9223372036854775807 can be held");
  EXPECT_EQ(integer_error("48ns", Unit::none), "'48ns' has a unit; expected an integer, such as 32");
  EXPECT_EQ(number_error("0.5x", Unit::none), "'0.5x' is not a number; expected a number, such as 0.5");
  EXPECT_EQ(number_error("inf", Unit::none), "'inf' is not a number; expected a number, such as 0.5");
  EXPECT_EQ(number_error("nan", Unit::none), "'nan' is not a number; expected a number, such as 0.5");
  EXPECT_EQ(number_error("1e999", Unit::none), "'1e999' cannot be held as a number; expected a number, such as 0.5");
}

TEST(Units, ErrorsNameWhatWouldBeRight) {
  EXPECT_EQ(integer_error("48", Unit::time), "'48' has no unit; expected a time, such as 48ns");
  EXPECT_EQ(integer_error("48 ", Unit::time), "'48 ' has no unit; expected a time, such as 48ns");
  EXPECT_EQ(integer_error("0", Unit::bytes), "'0' has no unit; expected a number of bytes, such as 80GiB");
  EXPECT_EQ(integer_error("48nss", Unit::time),
            "'48nss' has the unknown unit 'nss'; expected a time, such as 48ns (fs, ps, ns, us, ms, s)");
  EXPECT_EQ(number_error("2GHZ", Unit::frequency),
            "'2GHZ' has the unknown unit 'GHZ'; expected a frequency, such as 1.83GHz (Hz, kHz, MHz, GHz, THz)");
  EXPECT_EQ(integer_error("48GHz", Unit::time), "'48GHz' is a frequency; expected a time, such as 48ns");
  EXPECT_EQ(integer_error("6.4Gb/s", Unit::bandwidth),
            "'6.4Gb/s' is a data rate; expected a bandwidth, such as 3.35TB/s");
  EXPECT_EQ(number_error("5pJ", Unit::energy_bit), "'5pJ' is an energy; expected an energy per bit, such as 5pJ/bit");
  EXPECT_EQ(number_error("5GB", Unit::flops),
            "'5GB' is a number of bytes; expected a compute rate, such as 989TFLOP/s");
  EXPECT_EQ(number_error("wide", Unit::length), "'wide' is not a quantity; expected a length, such as 1.5mm");
  EXPECT_EQ(integer_error("0.1fs", Unit::time), "'0.1fs' is not a whole number of fs, the resolution of a time");
  EXPECT_EQ(integer_error("0.3KiB", Unit::bytes),
            "'0.3KiB' is not a whole number of B, the resolution of a number of bytes");
  EXPECT_EQ(integer_error("1e-99999s", Unit::time),
            "'1e-99999s' is not a whole number of fs, the resolution of a time");
  EXPECT_EQ(integer_error("9224s", Unit::time), "'9224s' is too large; at most 9223.372036854775807s can be held");
  EXPECT_EQ(integer_error("9224PB", Unit::bytes), "'9224PB' is too large; at most 9223.372036854775807PB can be held");
}

TEST(Units, FormatsTheShortestReadableForm) {
  EXPECT_EQ(format_quantity(48 * kNanosecond, Unit::time), "48ns");
  EXPECT_EQ(format_quantity(3'900 * kNanosecond, Unit::time), "3.9us");
  EXPECT_EQ(format_quantity(std::int64_t{100'000}, Unit::time), "100ps");
  EXPECT_EQ(format_quantity(std::int64_t{382'410}, Unit::time), "382.41ps");
  EXPECT_EQ(format_quantity(std::int64_t{0}, Unit::time), "0fs");
  EXPECT_EQ(format_quantity(-48 * kNanosecond, Unit::time), "-48ns");
  EXPECT_EQ(format_quantity(std::int64_t{80} << 30, Unit::bytes), "80GiB");
  EXPECT_EQ(format_quantity(std::int64_t{80'000'000'000}, Unit::bytes), "80GB");
  EXPECT_EQ(format_quantity(std::int64_t{1024}, Unit::bytes), "1KiB");
  EXPECT_EQ(format_quantity(std::int64_t{512}, Unit::bytes), "512B");
  EXPECT_EQ(format_quantity(std::int64_t{3'350'000'000'000}, Unit::bandwidth), "3.35TB/s");
  EXPECT_EQ(format_quantity(1.83e9, Unit::frequency), "1.83GHz");
  EXPECT_EQ(format_quantity(6.4e9, Unit::data_rate), "6.4Gb/s");
  EXPECT_EQ(format_quantity(989e12, Unit::flops), "989TFLOP/s");
  EXPECT_EQ(format_quantity(1979e12, Unit::flops), "1979TFLOP/s");
  EXPECT_EQ(format_quantity(5.0, Unit::energy_bit), "5pJ/bit");
  EXPECT_EQ(format_quantity(1.5, Unit::length), "1.5mm");
  EXPECT_EQ(format_quantity(0.18, Unit::power), "180mW");
  EXPECT_EQ(format_quantity(0.85, Unit::none), "0.85");
  EXPECT_EQ(format_quantity(std::int64_t{42}, Unit::none), "42");
}

constexpr Unit kIntegerUnits[] = {Unit::none, Unit::time, Unit::bytes, Unit::bandwidth};
constexpr Unit kNumberUnits[] = {Unit::none,   Unit::frequency,  Unit::data_rate, Unit::flops,
                                 Unit::energy, Unit::energy_bit, Unit::length,    Unit::power};

TEST(Units, EveryIntegerSurvivesTheRoundTrip) {
  SplitMix64 random(1);
  for (const Unit unit : kIntegerUnits) {
    const std::regex pattern(pattern_of(unit));
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t bits = random.next() >> bounded(random.next(), 64);
      auto value = static_cast<std::int64_t>(bits);
      if (i % 3 == 0) value = value / 1000 * 1000;
      if (i % 5 == 0) value = value / 1'000'000 * 1'000'000;
      const std::string text = format_quantity(value, unit);
      ASSERT_EQ(integer(text, unit), value) << text;
      if (unit != Unit::none && i % 100 == 0) {
        ASSERT_TRUE(std::regex_match(text, pattern)) << text;
      }
    }
  }
}

TEST(Units, EveryNumberSurvivesTheRoundTrip) {
  SplitMix64 random(2);
  for (const Unit unit : kNumberUnits) {
    for (int i = 0; i < 20'000; ++i) {
      const auto mantissa = static_cast<double>(random.next() >> bounded(random.next(), 64));
      const double value = mantissa * std::pow(10.0, static_cast<int>(bounded(random.next(), 60)) - 30);
      const std::string text = format_quantity(value, unit);
      ASSERT_EQ(number(text, unit), value) << text;
    }
  }
}

TEST(Units, EveryDimensionIsComplete) {
  for (int u = 0; u <= static_cast<int>(Unit::power); ++u) {
    const auto unit = static_cast<Unit>(u);
    std::string error;
    EXPECT_TRUE(parse_number(example_of(unit), unit, error).has_value()) << error;
    if (unit == Unit::none) continue;
    EXPECT_STRNE(base_of(unit), "");
    EXPECT_EQ(number(std::string("1") + base_of(unit), unit), 1.0);
    // Spellings are unique over all dimensions: a unit says what it measures.
    for (const std::string& spelling : spellings_of(unit)) {
      for (int o = 1; o <= static_cast<int>(Unit::power); ++o) {
        if (o == u) continue;
        for (const std::string& other : spellings_of(static_cast<Unit>(o))) EXPECT_NE(spelling, other);
      }
    }
  }
}

TEST(Units, GarbageIsAnErrorAndNothingElse) {
  SplitMix64 random(3);
  const std::string alphabet = "0123456789.+-eExnsGB/ \xC2\xB5\n\0";
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    const std::uint64_t length = bounded(random.next(), 24);
    for (std::uint64_t k = 0; k < length; ++k) text += alphabet[bounded(random.next(), alphabet.size())];
    for (const Unit unit : {Unit::none, Unit::time, Unit::bytes}) {
      std::string error;
      if (!parse_integer(text, unit, error)) {
        ASSERT_FALSE(error.empty());
      }
      error.clear();
      const auto value = parse_number(text, unit, error);
      ASSERT_TRUE(value ? std::isfinite(*value) : !error.empty());
    }
  }
}

}  // namespace
}  // namespace cowosim
