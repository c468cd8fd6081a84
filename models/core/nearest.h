// "did you mean ...": the names nearest to what somebody typed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cowosim {

/// Edit distance with transpositions of neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidates that could have been meant, nearest first, at most `count`; empty when none is near.
std::vector<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates,
                                 std::size_t count = 3);

/// "; did you mean 'a' or 'b'?", or "" when nothing is near: to be appended to a message.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates, std::size_t count = 3);

/// "a, b, c" (at most `limit` of them, then "... (12 more)").
std::string enumerate(const std::vector<std::string>& names, std::size_t limit = 12);

}  // namespace cowosim
