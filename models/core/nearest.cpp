#include "core/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "core/error.h"

namespace cowosim {

namespace {

constexpr std::size_t kLongestName = 200;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view last_segment(std::string_view path) { return path.substr(path.rfind('.') + 1); }

/// How far `candidate` is from what was typed, or npos when it cannot have been meant.
std::size_t distance(std::string_view name, std::string_view candidate) {
  constexpr auto kFar = std::string_view::npos;
  if (name.empty() || candidate.empty() || name.size() > kLongestName || candidate.size() > kLongestName) return kFar;
  const std::string a = lower(name);
  const std::string b = lower(candidate);
  const std::size_t allowed = std::max<std::size_t>(1, std::min<std::size_t>(4, (a.size() + 1) / 3));
  const std::size_t edits = edit_distance(a, b);
  if (edits <= allowed && edits < std::min(a.size(), b.size())) return edits;
  if (a.size() >= 3 && b.find(a) != std::string::npos) return allowed + 1;
  // The right name in the wrong section.
  const std::string_view tail_a = last_segment(a);
  const std::string_view tail_b = last_segment(b);
  if (tail_a.size() != a.size() || tail_b.size() != b.size()) {
    if (tail_a.size() >= 3 && tail_a == tail_b) return allowed + 2 + edits;
  }
  return kFar;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::vector<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates, std::size_t count) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& candidate : candidates) {
    const std::size_t d = distance(name, candidate);
    if (d != std::string_view::npos) ranked.emplace_back(d, candidate);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (const auto& [d, candidate] : ranked) {
    if (out.size() == count) break;
    if (std::find(out.begin(), out.end(), candidate) == out.end()) out.push_back(candidate);
  }
  return out;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates, std::size_t count) {
  const std::vector<std::string> names = nearest(name, candidates, count);
  if (names.empty()) return "";
  std::string out = "; did you mean ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += quote(names[i]);
  }
  return out + "?";
}

std::string enumerate(const std::vector<std::string>& names, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == limit) return out + fmt::format(" ... ({} more)", names.size() - limit);
    if (i > 0) out += ", ";
    out += names[i];
  }
  return out;
}

}  // namespace cowosim
