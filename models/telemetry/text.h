// Numbers as text: exact and stable for files, readable for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace cowosim::telemetry {

// -- for files: locale-independent, no digit lost
/// Nanoseconds, exactly: "12.345678", "7", "-0.5".
std::string exact_ns(Time t);
/// Shortest text that reads back as the same double; integral values below 2^53 without exponent or point.
std::string exact_number(double value);
std::string hex64(std::uint64_t value);  ///< 16 digits, no prefix
/// A CSV field, quoted (RFC 4180) where it must be.
std::string csv_field(std::string_view text);
/// The fields of one CSV line (RFC 4180 quoting).
std::vector<std::string> csv_split(std::string_view line);
/// Inverse of exact_ns. Throws std::invalid_argument.
Time parse_ns(std::string_view text);
/// Decimal, or hexadecimal with 0x. Throws std::invalid_argument.
std::uint64_t parse_unsigned(std::string_view text, int base = 0);

// -- for people
std::string human_time(double femtoseconds);       ///< "812.3 ns", "12.34 us", "24.21 ms"
std::string human_bytes(double bytes);             ///< "69.50 GB" (1e9)
std::string human_rate(double bytes_per_second);   ///< "2912.0 GB/s"
std::string human_flops(double flops_per_second);  ///< "989.4 TFLOP/s"
std::string human_energy(double picojoules);       ///< "812.3 nJ", "12.34 uJ"
std::string human_count(std::uint64_t value);      ///< "1,234,567"
std::string human_signed(std::int64_t value);      ///< "-1,234"
std::string human_percent(double fraction);        ///< "85.7 %"
std::string bar(double fraction, int width);       ///< "#####", rounded, at least one '#' for anything visible
/// `values` in units of `unit`, each rounded, adding up exactly to `total` units (largest remainder).
std::vector<std::int64_t> rounded_to_sum(const std::vector<Time>& values, Time unit, std::int64_t total);

}  // namespace cowosim::telemetry
