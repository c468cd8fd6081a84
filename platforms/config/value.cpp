#include "platforms/config/value.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace cowosim::platforms::config {

const Value* Value::find(std::string_view name) const {
  const auto it = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == name; });
  return it == members.end() ? nullptr : &it->value;
}

Value* Value::find(std::string_view name) { return const_cast<Value*>(static_cast<const Value*>(this)->find(name)); }

const Value* Value::at(std::string_view path) const {
  const Value* value = this;
  while (value != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view segment = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (value->kind == Kind::list) {
      std::size_t index = 0;
      const auto [end, code] = std::from_chars(segment.data(), segment.data() + segment.size(), index);
      if (code != std::errc() || end != segment.data() + segment.size() || index >= value->items.size()) return nullptr;
      value = &value->items[index];
    } else {
      value = value->find(segment);
    }
  }
  return value;
}

Value Value::scalar(std::string text, Origin origin, bool quoted) {
  Value value;
  value.kind = Kind::scalar;
  value.text = std::move(text);
  value.quoted = quoted;
  value.origin = std::move(origin);
  return value;
}

Value Value::map(Origin origin) {
  Value value;
  value.kind = Kind::map;
  value.origin = std::move(origin);
  return value;
}

Value Value::list(Origin origin) {
  Value value;
  value.kind = Kind::list;
  value.origin = std::move(origin);
  return value;
}

const char* name_of(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::null:
      return "nothing";
    case Value::Kind::scalar:
      return "a single value";
    case Value::Kind::list:
      return "a list";
    case Value::Kind::map:
      return "a section";
  }
  return "";
}

void overlay(Value& base, const Value& over, const std::string& path, Diagnostics& diagnostics) {
  if (base.kind != Value::Kind::map || over.kind != Value::Kind::map) {
    base = over;
    return;
  }
  base.origin = over.origin;
  for (const Member& member : over.members) {
    const std::string inner = path.empty() ? member.name : path + "." + member.name;
    const auto old =
        std::find_if(base.members.begin(), base.members.end(), [&](const Member& m) { return m.name == member.name; });
    if (member.value.removes) {
      if (old != base.members.end()) {
        base.members.erase(old);
      } else {
        diagnostics.add(member.value.origin, inner,
                        "null removes what the extended file holds, but that holds no such thing");
      }
    } else if (old == base.members.end()) {
      base.members.push_back(member);
    } else {
      old->origin = member.origin;
      overlay(old->value, member.value, inner, diagnostics);
    }
  }
}

}  // namespace cowosim::platforms::config
