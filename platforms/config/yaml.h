// The strict YAML reader, and the writers of resolved configurations.
//
// Accepted is YAML 1.2 without what makes configuration surprising: one document, whose root is a map, keys are plain
// strings, no duplicate keys, no anchors, aliases, merge keys (`<<`) or tags (use `extends:` to share), at most
// kMaxFileBytes of valid UTF-8 text and kMaxDepth levels. What is wrong is reported with file:line:column, all of it
// at once; text that is no YAML at all by its first error only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.h"
#include "platforms/config/value.h"

namespace cowosim::platforms::config {

inline constexpr std::size_t kMaxFileBytes = 8u << 20;
inline constexpr int kMaxDepth = 64;

/// Root map of a YAML text; null (with diagnostics) when nothing of it is usable. `file` is what messages call it.
Value parse_yaml(std::string_view text, const std::string& file, Diagnostics& diagnostics);
/// The same for a file.
Value read_yaml(const std::filesystem::path& file, Diagnostics& diagnostics);
/// One value in YAML's flow style ("[a, b]", "{x: 1}"), as it stands in a command line option at `origin`.
Value parse_flow(std::string_view text, const Origin& origin, Diagnostics& diagnostics);

/// YAML that reads back as the same tree. With `origins`, every value is followed by a comment that says where it came
/// from.
std::string to_yaml(const Value& value, bool origins = false);
/// The same tree as JSON (indented by two): resolved numbers and booleans as such, quantities as strings with their
/// unit.
std::string to_json(const Value& value);

}  // namespace cowosim::platforms::config
