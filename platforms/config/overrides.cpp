#include "platforms/config/overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/nearest.h"
#include "platforms/config/yaml.h"

namespace cowosim::platforms::config {

bool matches(std::string_view pattern, std::string_view path) {
  // Iterative, with one point to return to: the last '*' met. A star never crosses a dot.
  constexpr auto kNone = std::string_view::npos;
  std::size_t p = 0, t = 0, star = kNone, resume = 0;
  while (t < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == path[t]) {
      if (path[t] == '.') star = kNone;  // the segment is settled: nothing before it needs trying again
      ++p;
      ++t;
    } else if (star != kNone && path[resume] != '.') {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

void Overrides::flatten(const std::string& prefix, const Origin& origin, const Value& value, bool from_file) {
  if (value.kind == Value::Kind::map) {
    for (const Member& member : value.members) {
      flatten(prefix.empty() ? member.name : prefix + "." + member.name, member.origin, member.value, from_file);
    }
    return;
  }
  entries_.push_back({prefix, origin, value, from_file, false});
}

void Overrides::set(const std::string& argument, Diagnostics& diagnostics) {
  const Origin origin{"--set", ++sets_, 1};
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    diagnostics.add(origin, "", fmt::format("{} is not an assignment; expected path=value", quote(argument)));
    return;
  }
  const std::string path = argument.substr(0, equals);
  const std::string text = argument.substr(equals + 1);
  Origin at = origin;
  at.column = static_cast<int>(equals) + 2;
  if (!text.empty() && (text.front() == '[' || text.front() == '{')) {
    Diagnostics found;
    const Value value = parse_flow(text, at, found);
    for (const Diagnostic& d : found.list()) diagnostics.add({origin.file, origin.line, d.column, path, d.message});
    if (found.empty()) {
      flatten(path, origin, value, false);
    }
  } else {
    flatten(path, origin, Value::scalar(text, at), false);
  }
}

void Overrides::set_file(const std::string& file, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.list().size();
  const Value root = read_yaml(file, diagnostics);
  if (diagnostics.list().size() == before) flatten("", Origin{file, 1, 1}, root, true);
}

const Value* Overrides::find(const std::string& path) {
  known_.push_back(path);
  const Value* from_set = nullptr;
  const Value* from_file = nullptr;
  for (Entry& entry : entries_) {
    if (!matches(entry.pattern, path)) continue;
    entry.used = true;
    (entry.from_file ? from_file : from_set) = &entry.value;
  }
  return from_set != nullptr ? from_set : from_file;
}

void Overrides::skip(const std::string& path) {
  const auto segments = std::count(path.begin(), path.end(), '.') + 1;
  for (Entry& entry : entries_) {
    std::size_t end = 0;
    for (auto i = segments; i > 0 && end < entry.pattern.size(); --i)
      end = std::min(entry.pattern.find('.', end + 1), entry.pattern.size());
    entry.used |= matches(std::string_view(entry.pattern).substr(0, end), path);
  }
}

void Overrides::finish(Diagnostics& diagnostics) const {
  for (const Entry& entry : entries_) {
    if (entry.used) continue;
    const std::string section = entry.pattern + ".";
    const auto inside = std::find_if(known_.begin(), known_.end(), [&](const std::string& path) {
      return path.compare(0, section.size(), section) == 0;
    });
    if (inside != known_.end()) {
      diagnostics.add(entry.origin, entry.pattern,
                      fmt::format("is a section; name a parameter in it, such as {}", quote(*inside)));
    } else {
      const char* what = entry.pattern.find('*') == std::string::npos ? "no such parameter" : "matches no parameter";
      diagnostics.add(entry.origin, entry.pattern, what + did_you_mean(entry.pattern, known_));
    }
  }
}

}  // namespace cowosim::platforms::config
