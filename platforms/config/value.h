// A configuration as it was written: a tree of maps, lists and scalars that remembers where each node came from.
// Plain data; nothing of YAML or JSON in here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace cowosim::platforms::config {

struct Value;
struct Member;

struct Value {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;             ///< of a scalar
  bool quoted = false;          ///< scalar in quotes; in a resolved tree: everything but plain numbers and booleans
  bool removes = false;         ///< null spelled out ("null" or "~"): takes away what an extended file holds
  Origin origin;                ///< where the value begins
  std::vector<Value> items;     ///< of a list
  std::vector<Member> members;  ///< of a map, in the order written; names are unique

  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  /// By dotted path ("hbm.stacks.hbm_0.height", list items by index); null if there is none.
  const Value* at(std::string_view path) const;

  static Value scalar(std::string text, Origin origin = {}, bool quoted = false);
  static Value map(Origin origin = {});
  static Value list(Origin origin = {});
};

struct Member {
  std::string name;
  Origin origin;  ///< of the name
  Value value;
};

/// "a section", "a list", "a single value", "nothing": for messages.
const char* name_of(Value::Kind kind);

/// Puts `over` on top of `base`: maps are merged member by member, anything else replaces; an explicit null removes.
/// Removing what is not there is an error. `path` names the place for messages.
void overlay(Value& base, const Value& over, const std::string& path, Diagnostics& diagnostics);

}  // namespace cowosim::platforms::config
