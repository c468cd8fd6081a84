// Physical quantities as text: "48ns", "6.4Gb/s", "80GiB", "989TFLOP/s" <-> the base units of cowosim::Unit.
//
// Contract: parsing is exact. An integer quantity (time, bytes, bandwidth) that is not a whole number of base units is
// an error, never rounded; a floating one is the double nearest to the decimal that was written (one rounding, at the
// end). Formatting gives the shortest readable text that parses back to the very same value. Spellings are
// case-sensitive (B is a byte, b a bit; m is milli, M mega); prefixes k M G T P are powers of 1000 (SI), Ki Mi Gi Ti
// powers of 1024 (IEC 80000-13). One space between number and unit is allowed. Independent of the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/parameter.h"

namespace cowosim {

/// The dimension in words, with its article: "a time", "a bandwidth"; "a number" for Unit::none.
const char* dimension_of(Unit unit);
/// A well-formed quantity of that dimension: "48ns"; "32" for Unit::none.
const char* example_of(Unit unit);
/// "a time, such as 48ns": what an error message names as right.
std::string expected_of(Unit unit);
/// Every accepted unit of that dimension, smallest first: "fs", "ps", ...; empty for Unit::none.
std::vector<std::string> spellings_of(Unit unit);
/// Name of the base unit: "fs", "B/s"; empty for Unit::none.
const char* base_of(Unit unit);

/// Exact value in base units. Unit::none accepts decimal integers and 0x...; otherwise the unit is mandatory.
/// Without a value, `error` says what is wrong and what would be right.
std::optional<std::int64_t> parse_integer(std::string_view text, Unit unit, std::string& error);
/// The same for quantities held in a double (and plain numbers); finite values only.
std::optional<double> parse_number(std::string_view text, Unit unit, std::string& error);

/// Shortest readable text that parses back exactly: 1'830'000'000 Hz is "1.83GHz", 85'899'345'920 B "80GiB".
std::string format_quantity(std::int64_t value, Unit unit);
std::string format_quantity(double value, Unit unit);

/// Regular expression (ECMA 262) of what the parser accepts for a dimension, for JSON Schema.
std::string pattern_of(Unit unit);

}  // namespace cowosim
