#include "telemetry/text.h"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "core/random.h"

namespace cowosim::telemetry {
namespace {

TEST(Text, TimesAreExactAndReadBack) {
  EXPECT_EQ(exact_ns(0), "0");
  EXPECT_EQ(exact_ns(kNanosecond), "1");
  EXPECT_EQ(exact_ns(12'345'678), "12.345678");
  EXPECT_EQ(exact_ns(500'000), "0.5");
  EXPECT_EQ(exact_ns(1), "0.000001");
  EXPECT_EQ(exact_ns(-1'500'000), "-1.5");
  EXPECT_EQ(exact_ns(kNever), "9223372036854.775807");
  for (const Time t : {Time{0}, Time{1}, -Time{1'500'000}, Time{12'345'678}, kNever})
    EXPECT_EQ(parse_ns(exact_ns(t)), t);
  for (const char* bad : {"", "-", "1.", ".5", "1.0000000", "1e3", "1 ", "x", "99999999999999999999", "9223372036855"})
    EXPECT_THROW(parse_ns(bad), std::invalid_argument) << bad;
}

TEST(Text, NumbersAreShortestAndReadBack) {
  EXPECT_EQ(exact_number(5), "5");
  EXPECT_EQ(exact_number(-3), "-3");
  EXPECT_EQ(exact_number(0.1), "0.1");
  EXPECT_EQ(exact_number(1e15), "1000000000000000");
  EXPECT_EQ(exact_number(1.0 / 3), "0.3333333333333333");
  SplitMix64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const double value = static_cast<double>(random.next()) / 1e12;
    EXPECT_EQ(std::stod(exact_number(value)), value);
  }
}

TEST(Text, UnsignedNumbers) {
  EXPECT_EQ(parse_unsigned("42"), 42u);
  EXPECT_EQ(parse_unsigned("0x2A"), 42u);
  EXPECT_EQ(parse_unsigned("ffffffffffffffff", 16), ~std::uint64_t{0});
  for (const char* bad : {"", "0x", "-1", "4 2", "1.5", "99999999999999999999"})
    EXPECT_THROW(parse_unsigned(bad), std::invalid_argument) << bad;
}

TEST(Text, CsvFieldsReadBack) {
  EXPECT_EQ(csv_field("plain.name_0"), "plain.name_0");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_split(csv_field("a,\"b\"") + ",," + csv_field("c") + "\r"),
            (std::vector<std::string>{"a,\"b\"", "", "c"}));
}

TEST(Text, ForPeople) {
  EXPECT_EQ(human_time(812.34e6), "812.3 ns");
  EXPECT_EQ(human_time(1.5e6), "1.500 ns");
  EXPECT_EQ(human_time(24.213e12), "24.21 ms");
  EXPECT_EQ(human_energy(812.34e3), "812.3 nJ");
  EXPECT_EQ(human_energy(2.186e9), "2.186 mJ");
  EXPECT_EQ(human_time(999.96e6), "1.000 us");
  EXPECT_EQ(human_time(-2e9), "-2.000 us");
  EXPECT_EQ(human_bytes(69'503'041'536.0), "69.50 GB");
  EXPECT_EQ(human_bytes(64), "64 B");
  EXPECT_EQ(human_rate(3.35e12), "3350.0 GB/s");
  EXPECT_EQ(human_flops(989.4e12), "989.4 TFLOP/s");
  EXPECT_EQ(human_count(1234567), "1,234,567");
  EXPECT_EQ(human_count(123), "123");
  EXPECT_EQ(human_signed(-1234), "-1,234");
  EXPECT_EQ(human_percent(0.8567), "85.7 %");
  EXPECT_EQ(bar(0.5, 10), "#####");
  EXPECT_EQ(bar(0.001, 10), "#");
  EXPECT_EQ(bar(0, 10), "");
  EXPECT_EQ(bar(7, 10), "##########");
  EXPECT_EQ(bar(-1, 10), "");
}

TEST(Text, RoundedValuesAddUp) {
  EXPECT_EQ(rounded_to_sum({1'400'000, 1'400'000, 1'200'000}, kNanosecond, 4), (std::vector<std::int64_t>{2, 1, 1}));
  EXPECT_EQ(rounded_to_sum({-1'500'000, 3'500'000}, kNanosecond, 2), (std::vector<std::int64_t>{-1, 3}));
  EXPECT_TRUE(rounded_to_sum({}, kNanosecond, 0).empty());
  SplitMix64 random(2);
  for (int i = 0; i < 200; ++i) {
    std::vector<Time> values(1 + bounded(random.next(), 12));
    for (Time& v : values) v = static_cast<Time>(bounded(random.next(), kMicrosecond)) - 200 * kNanosecond;
    const Time sum = std::accumulate(values.begin(), values.end(), Time{0});
    const std::int64_t total = sum / kNanosecond + static_cast<std::int64_t>(bounded(random.next(), 2));
    const std::vector<std::int64_t> rounded = rounded_to_sum(values, kNanosecond, total);
    EXPECT_EQ(std::accumulate(rounded.begin(), rounded.end(), std::int64_t{0}), total);
    for (std::size_t k = 0; k < values.size(); ++k)
      EXPECT_LE(std::abs(rounded[k] * kNanosecond - values[k]), 2 * kNanosecond);
  }
}

}  // namespace
}  // namespace cowosim::telemetry
