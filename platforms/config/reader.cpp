#include "platforms/config/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/nearest.h"
#include "core/units.h"

namespace cowosim::platforms::config {

namespace {

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

/// What a parameter should look like, for messages.
std::string expected(const ParameterVisitor::Field& field, const ParameterVisitor::Reference& reference) {
  if (field.choices != nullptr) return (field.choices->size() == 1 ? "" : "one of ") + enumerate(*field.choices);
  if (field.unit != Unit::none) return expected_of(field.unit);
  switch (reference.index()) {
    case 0:
    case 1:
      return "an integer, such as " + format_value(field.unit, reference);
    case 2:
      return "a number, such as " + format_value(field.unit, reference);
    case 3:
      return "true or false";
    case 4:
      return "a text";
    default:
      return "a list, such as [a, b]";
  }
}

/// Converts a configuration value to a parameter's. Returns what is wrong, or nothing.
class Converter {
 public:
  Converter(const ParameterVisitor::Field& field, const ParameterVisitor::Reference& reference, const Value& value)
      : field_(field), reference_(reference), value_(value) {}

  std::string convert() {
    return std::visit([this](auto* target) { return this->to(*target); }, reference_);
  }

 private:
  std::string wrong(const std::string& what) const { return what + "; expected " + expected(field_, reference_); }

  /// Anything but a scalar is wrong for anything but a list.
  std::string not_scalar() const {
    if (value_.kind == Value::Kind::scalar) return "";
    return wrong(value_.kind == Value::Kind::null ? "has no value" : fmt::format("is {}", name_of(value_.kind)));
  }
  std::string quoted_number() const {
    return value_.quoted && field_.unit == Unit::none ? wrong(quote(value_.text) + " is in quotes") : "";
  }
  std::string out_of_range(bool integer) const {
    return fmt::format("{} is out of range; expected {}", quote(value_.text),
                       format_range(field_.unit, field_.range, integer));
  }

  template <class T>
  std::string to(T& target) const {
    if constexpr (!std::is_same_v<T, std::vector<std::string>>) {
      if (const std::string error = not_scalar(); !error.empty()) return error;
    }
    if constexpr (std::is_same_v<T, bool>) {
      if (value_.quoted || (value_.text != "true" && value_.text != "false")) {
        return wrong(quote(value_.text) + (value_.quoted ? " is in quotes" : " is not a boolean"));
      }
      target = value_.text == "true";
    } else if constexpr (std::is_integral_v<T>) {
      return to_integer(target);
    } else if constexpr (std::is_same_v<T, double>) {
      return to_number(target);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return to_text(target);
    } else {
      return to_list(target);
    }
    return "";
  }

  template <class T>
  std::string to_integer(T& target) const {
    if (const std::string error = quoted_number(); !error.empty()) return error;
    std::string error;
    const auto parsed = parse_integer(value_.text, field_.unit, error);
    if (!parsed) return error;
    // The bounds as integers, so that nothing is rounded in comparing.
    const auto bound = [](double b) {
      using Limits = std::numeric_limits<std::int64_t>;
      return b >= 9.2233720368547758e18    ? Limits::max()
             : b <= -9.2233720368547758e18 ? Limits::min()
                                           : static_cast<std::int64_t>(b);
    };
    if (*parsed < bound(std::ceil(field_.range.min)) || *parsed > bound(std::floor(field_.range.max)))
      return out_of_range(true);
    if (*parsed < std::numeric_limits<T>::min() || *parsed > std::numeric_limits<T>::max()) {
      return fmt::format("{} is out of range; expected at most {}", quote(value_.text), std::numeric_limits<T>::max());
    }
    target = static_cast<T>(*parsed);
    return "";
  }

  std::string to_number(double& target) const {
    if (const std::string error = quoted_number(); !error.empty()) return error;
    std::string error;
    const auto parsed = parse_number(value_.text, field_.unit, error);
    if (!parsed) return error;
    if (*parsed < field_.range.min || *parsed > field_.range.max) return out_of_range(false);
    target = *parsed;
    return "";
  }

  std::string to_text(std::string& target) const {
    if (field_.choices != nullptr) {
      const auto& choices = *field_.choices;
      if (std::find(choices.begin(), choices.end(), value_.text) == choices.end()) {
        const std::string hint = did_you_mean(value_.text, choices, 1);
        return fmt::format("{} is not a choice{} expected {}", quote(value_.text), hint.empty() ? ";" : hint,
                           expected(field_, reference_));
      }
    }
    target = value_.text;
    return "";
  }

  std::string to_list(std::vector<std::string>& target) const {
    std::vector<std::string> items;
    if (value_.kind == Value::Kind::scalar) {
      std::istringstream words(value_.text);
      for (std::string word; words >> word;) items.push_back(word);
    } else if (value_.kind == Value::Kind::list) {
      for (const Value& item : value_.items) {
        if (item.kind != Value::Kind::scalar) return wrong(fmt::format("holds {}", name_of(item.kind)));
        items.push_back(item.text);
      }
    } else {
      return wrong(value_.kind == Value::Kind::null ? "has no value" : fmt::format("is {}", name_of(value_.kind)));
    }
    target = std::move(items);
    return "";
  }

  const ParameterVisitor::Field& field_;
  const ParameterVisitor::Reference& reference_;
  const Value& value_;
};

}  // namespace

Origin origin_of(const Value& tree, const std::string& path) {
  Origin best = tree.origin;
  for (std::size_t end = 0; end <= path.size();) {
    end = std::min(path.find('.', end + 1), path.size());
    const Value* value = tree.at(std::string_view(path).substr(0, end));
    if (value == nullptr) break;
    if (!value->origin.is_default()) best = value->origin;
    if (end == path.size()) break;
  }
  return best;
}

struct Reader::State {
  enum class Kind { section, entries, entry, list, item };
  struct Frame {
    Kind kind;
    std::string path;   ///< with prefix
    const Value* node;  ///< what the file holds here; null if nothing, or something of the wrong kind
    Value* resolved;    ///< its place in the resolved tree; ancestors do not grow while it is open
  };

  struct Section {
    Value::Kind shape;
    std::vector<std::string> names;  ///< asked for in it
  };

  State(const Value& tree, std::string start, Overrides& sets, Diagnostics& found)
      : root(tree), prefix(std::move(start)), overrides(sets), diagnostics(found) {
    resolved = Value::map(root.origin);
    frames.push_back({Kind::section, prefix, root.kind == Value::Kind::map ? &root : nullptr, &resolved});
    section_at(prefix, Value::Kind::map);
  }

  Frame& top() { return frames.back(); }

  Section& section_at(const std::string& path, Value::Kind shape) {
    return known.emplace(path, Section{shape, {}}).first->second;
  }

  /// The file's value of a name in the open section. Whoever asks makes the name known.
  const Value* lookup(const std::string& name) {
    std::vector<std::string>& names = known.at(top().path).names;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return top().node != nullptr ? top().node->find(name) : nullptr;
  }

  Value& place(const std::string& name, Value fresh) {
    if (Value* old = top().resolved->find(name)) return *old;
    top().resolved->members.push_back({name, fresh.origin, std::move(fresh)});
    return top().resolved->members.back().value;
  }

  /// Opens a named section; reports it when the file holds something else there.
  void open(Kind kind, const std::string& name, Value::Kind shape, const char* expectation) {
    const Value* node = lookup(name);
    const std::string path = join(top().path, name);
    if (node != nullptr && node->kind != shape && !(kind == Kind::entry && node->removes)) {
      // A section opened twice is reported once.
      if (known.count(path) == 0) {
        diagnostics.add(node->origin, path,
                        node->kind == Value::Kind::null
                            ? fmt::format("has no value; expected {}", expectation)
                            : fmt::format("is {}; expected {}", name_of(node->kind), expectation));
      }
      node = nullptr;
    }
    const Origin origin = node != nullptr ? node->origin : Origin();
    Value& resolved_here = place(name, shape == Value::Kind::list ? Value::list(origin) : Value::map(origin));
    section_at(path, shape);
    frames.push_back({kind, path, node, &resolved_here});
  }

  /// Reports the members nobody asked for, in `node` at `path` and below.
  void report_unknown(const Value& node, const std::string& path) {
    const auto section = known.find(path);
    if (section == known.end() || node.kind != section->second.shape) return;
    if (node.kind == Value::Kind::list) {
      for (std::size_t i = 0; i < node.items.size(); ++i) report_unknown(node.items[i], join(path, std::to_string(i)));
      return;
    }
    for (const Member& member : node.members) {
      const std::string inner = join(path, member.name);
      const std::vector<std::string>& names = section->second.names;
      if (std::find(names.begin(), names.end(), member.name) != names.end()) {
        report_unknown(member.value, inner);
        continue;
      }
      std::string hint = did_you_mean(member.name, names);
      if (hint.empty()) hint = elsewhere(member.name);
      if (hint.empty()) hint = names.empty() ? "; nothing is expected here" : "; expected one of " + enumerate(names);
      diagnostics.add(member.origin, inner, "unknown key" + hint);
    }
  }

  /// The same name in other sections: what was written may only be in the wrong place.
  std::string elsewhere(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& [path, section] : known) {
      if (std::find(section.names.begin(), section.names.end(), name) != section.names.end())
        found.push_back(quote(join(path, name)));
    }
    if (found.empty()) return "";
    return "; did you mean " + enumerate(found, 2) + "?";
  }

  const Value& root;
  std::string prefix;
  Overrides& overrides;
  Diagnostics& diagnostics;
  Value resolved;
  std::vector<Frame> frames;
  std::map<std::string, Section> known;  ///< by path
};

Reader::Reader(const Value& root, const std::string& prefix, Overrides& overrides, Diagnostics& diagnostics)
    : state_(std::make_unique<State>(root, prefix, overrides, diagnostics)) {}

Reader::~Reader() = default;

Value Reader::finish() {
  state_->report_unknown(state_->root, state_->prefix);
  return std::move(state_->resolved);
}

void Reader::error(const std::string& path, const std::string& message) {
  state_->diagnostics.add(origin(path), path, message);
}

Origin Reader::origin(const std::string& path) const {
  std::string inner = path;
  if (!state_->prefix.empty() && inner.compare(0, state_->prefix.size(), state_->prefix) == 0) {
    inner.erase(0, std::min(state_->prefix.size() + 1, inner.size()));
  }
  return origin_of(state_->resolved, inner);
}

void Reader::skip(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  state_->known.at(path.substr(0, dot)).names.push_back(path.substr(dot + 1));
  state_->overrides.skip(path);
}

void Reader::value(const Field& field, const Reference& reference) {
  State& s = *state_;
  const std::string path = join(s.top().path, field.name);
  Origin origin;
  const std::vector<Value>* items = nullptr;  // of a list written as one: where each is from
  const auto take = [&](const Value* value) {
    if (value == nullptr) return;
    const std::string problem = Converter(field, reference, *value).convert();
    if (problem.empty()) {
      origin = value->origin;
      items = value->kind == Value::Kind::list ? &value->items : nullptr;
    } else {
      s.diagnostics.add(value->origin, path, problem);
    }
  };
  take(s.lookup(field.name));
  take(s.overrides.find(path));

  Value& resolved = s.place(field.name, Value());
  if (const auto* list = std::get_if<std::vector<std::string>*>(&reference)) {
    resolved = Value::list(origin);
    for (std::size_t i = 0; i < (*list)->size(); ++i)
      resolved.items.push_back(Value::scalar((**list)[i], items != nullptr ? (*items)[i].origin : origin, true));
  } else {
    const bool plain = field.unit == Unit::none && reference.index() <= 3;  // numbers and booleans
    resolved = Value::scalar(format_value(field.unit, reference), origin, !plain);
  }
}

void Reader::begin_group(const std::string& name, const std::string&) {
  state_->open(State::Kind::section, name, Value::Kind::map, "a section");
}

std::vector<std::string> Reader::begin_entries(const std::string& name, const std::vector<std::string>& present,
                                               const std::string&) {
  State& s = *state_;
  s.open(State::Kind::entries, name, Value::Kind::map, "a section of named entries");
  std::vector<std::string> names = present;
  if (s.top().node != nullptr) {
    for (const Member& member : s.top().node->members) {
      const auto old = std::find(names.begin(), names.end(), member.name);
      if (member.name.find_first_of(".*[] \t\n") != std::string::npos) {
        s.diagnostics.add(member.origin, s.top().path,
                          fmt::format("{} cannot be a name; expected one without dots, stars, brackets and spaces",
                                      quote(member.name)));
        s.lookup(member.name);
      } else if (member.value.removes && old != names.end()) {
        names.erase(old);
        s.lookup(member.name);
      } else if (old == names.end()) {
        names.push_back(member.name);
      }
    }
  }
  return names;
}

void Reader::begin_entry(const std::string& name) {
  state_->open(State::Kind::entry, name, Value::Kind::map, "a section");
}

std::size_t Reader::begin_list(const std::string& name, std::size_t present, bool& keep, const std::string&) {
  State& s = *state_;
  s.open(State::Kind::list, name, Value::Kind::list, "a list of sections");
  keep = s.top().node == nullptr;
  const std::size_t count = keep ? present : s.top().node->items.size();
  s.top().resolved->items.assign(count, Value::map());
  return count;
}

void Reader::begin_item(std::size_t index) {
  State& s = *state_;
  const State::Frame list = s.top();
  const std::string path = join(list.path, std::to_string(index));
  const Value* node = list.node != nullptr ? &list.node->items[index] : nullptr;
  if (node != nullptr && node->kind != Value::Kind::map) {
    s.diagnostics.add(node->origin, path, fmt::format("is {}; expected a section", name_of(node->kind)));
    node = nullptr;
  }
  Value& resolved = list.resolved->items[index];
  if (node != nullptr) resolved.origin = node->origin;
  s.section_at(path, Value::Kind::map);
  s.frames.push_back({State::Kind::item, path, node, &resolved});
}

void Reader::end() { state_->frames.pop_back(); }

}  // namespace cowosim::platforms::config
