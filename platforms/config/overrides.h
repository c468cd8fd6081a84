// `--set path=value` and `--set-file FILE`: values that win over files and defaults.
//
// A path is dotted; `*` in a segment stands for any characters but the dot ("hbm.stacks.*.height", "hbm.timing.t_r*").
// Of several that match a parameter the last one wins; --set wins over --set-file, whatever their order. A value that
// begins with [ or { is YAML (flow style), anything else is taken as it is. A file holds sections as usual; its keys
// may also be dotted paths with `*`. Overrides change parameters, they do not add entries: that is what `extends` is
// for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "platforms/config/value.h"

namespace cowosim::platforms::config {

class Overrides {
 public:
  /// One `--set` argument.
  void set(const std::string& argument, Diagnostics& diagnostics);
  /// One `--set-file` argument.
  void set_file(const std::string& file, Diagnostics& diagnostics);

  /// The value for a parameter, or null. Remembers that the path exists and which overrides reached it.
  const Value* find(const std::string& path);
  /// Overrides of what is below `path` count as used.
  void skip(const std::string& path);
  /// Reports each override that reached nothing, with the nearest path. Call once everything has been read.
  void finish(Diagnostics& diagnostics) const;
  /// Every path asked for so far.
  const std::vector<std::string>& known() const { return known_; }

 private:
  struct Entry {
    std::string pattern;
    Origin origin;  ///< of the path
    Value value;
    bool from_file = false;
    bool used = false;
  };
  void flatten(const std::string& prefix, const Origin& origin, const Value& value, bool from_file);
  std::vector<Entry> entries_;
  std::vector<std::string> known_;
  int sets_ = 0;
};

/// True when `pattern` (with `*` inside segments) covers the whole of `path`.
bool matches(std::string_view pattern, std::string_view path);

}  // namespace cowosim::platforms::config
