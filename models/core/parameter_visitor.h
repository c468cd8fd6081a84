// The visitors' side of core/parameter.h: one abstract visitor that every XParams::visit is instantiated with, so that
// a reader, a writer or a lister is one virtual function and a few brackets, and costs no template per struct.
//
// Besides values and groups, a visited struct may hold repeated sub-structs:
//   v.entries("stacks", stacks, "HBM stacks by name");   // std::vector<P>, P has `std::string name` and visit()
//   v.list("phases", phases, "what runs, in order");     // std::vector<P>, P has visit()
// In files, entries are a map from name to section, so that overlays and paths ("stacks.hbm_0.height") reach each by
// name; a list is a list of sections, addressed by index ("phases.0.share").
// Names are snake_case without dots. Defaults are what the struct holds before it is visited.
//
// Plug-ins call ParameterVisitor across libraries: with its virtual functions platforms/plugin.h changes its interface.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/parameter.h"

namespace cowosim {

class ParameterVisitor {
 public:
  using Choices = std::vector<std::string>;
  /// What a parameter is, besides its value; valid during the call only.
  struct Field {
    const char* name;
    Unit unit;
    Range range;
    const Choices* choices;  ///< null unless the value is one of a closed set
    const std::string& doc;
    const std::string& source;
  };
  using Reference = std::variant<int*, std::int64_t*, double*, bool*, std::string*, std::vector<std::string>*>;

  virtual ~ParameterVisitor() = default;

  using Text = std::string;
  void operator()(const char* name, int& v, Range r, const Text& doc, const Text& source) {
    value({name, Unit::none, r, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, std::int64_t& v, Range r, const Text& doc, const Text& source) {
    value({name, Unit::none, r, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, double& v, Range r, const Text& doc, const Text& source) {
    value({name, Unit::none, r, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, std::int64_t& v, Unit unit, Range r, const Text& doc, const Text& source) {
    value({name, unit, r, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, double& v, Unit unit, Range r, const Text& doc, const Text& source) {
    value({name, unit, r, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, bool& v, const Text& doc, const Text& source) {
    value({name, Unit::none, {0, 1}, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, std::string& v, const Choices& choices, const Text& doc, const Text& source) {
    value({name, Unit::none, {0, 0}, &choices, doc, source}, &v);
  }
  void operator()(const char* name, std::string& v, const Text& doc, const Text& source) {
    value({name, Unit::none, {0, 0}, nullptr, doc, source}, &v);
  }
  void operator()(const char* name, std::vector<std::string>& v, const Text& doc, const Text& source) {
    value({name, Unit::none, {0, 0}, nullptr, doc, source}, &v);
  }

  /// A sub-section. Calling it again with the same name continues the same section.
  template <class Params>
  void group(const char* name, Params& params, const Text& doc) {
    begin_group(name, doc);
    params.visit(*this);
    end();
  }

  /// Named entries. What is new is appended in file order, what exists keeps its place, what was removed is erased.
  template <class Params>
  void entries(const char* name, std::vector<Params>& list, const Text& doc) {
    const Params fresh = Params();
    std::vector<std::string> names;
    for (const Params& entry : list) names.push_back(entry.name);
    names = begin_entries(name, names, doc);
    std::vector<Params> result;
    for (const std::string& key : names) {
      const auto old = std::find_if(list.begin(), list.end(), [&](const Params& entry) { return entry.name == key; });
      Params entry = old != list.end() ? *old : fresh;
      entry.name = key;
      begin_entry(key);
      entry.visit(*this);
      end();
      result.push_back(std::move(entry));
    }
    list = std::move(result);
    end();
  }

  /// Entries by index. A list in a file replaces the whole default.
  template <class Params>
  void list(const char* name, std::vector<Params>& list, const Text& doc) {
    bool keep = false;
    const std::size_t count = begin_list(name, list.size(), keep, doc);
    std::vector<Params> result;
    for (std::size_t i = 0; i < count; ++i) {
      Params entry = keep && i < list.size() ? list[i] : Params();
      begin_item(i);
      entry.visit(*this);
      end();
      result.push_back(std::move(entry));
    }
    list = std::move(result);
    end();
  }

 protected:
  virtual void value(const Field& field, const Reference& reference) = 0;
  virtual void begin_group(const std::string& name, const std::string& doc) = 0;
  /// Returns the names to visit, in order.
  virtual std::vector<std::string> begin_entries(const std::string& name, const std::vector<std::string>& present,
                                                 const std::string& doc) = 0;
  virtual void begin_entry(const std::string& name) = 0;
  /// Returns how many items to visit; sets `keep` when the present ones are visited rather than fresh ones.
  virtual std::size_t begin_list(const std::string& name, std::size_t present, bool& keep, const std::string& doc) = 0;
  virtual void begin_item(std::size_t index) = 0;
  /// Closes the innermost group, entries, entry, list or item.
  virtual void end() = 0;
};

/// The value as a file would hold it ("48ns", "true", "row sid bank": lists separated by spaces).
std::string format_value(Unit unit, const ParameterVisitor::Reference& reference);
/// "integer", "number", "boolean", "string", "choice" or "list".
const char* type_of(const ParameterVisitor::Field& field, const ParameterVisitor::Reference& reference);
/// The range in the unit of the parameter: "1ns to 1ms", "at least 1", "at most 64".
std::string format_range(Unit unit, Range range, bool integer);

/// A section of a described struct.
struct SectionInfo {
  enum class Kind : std::uint8_t {
    group,
    entries,
    list,
    open  ///< may hold more than is described here
  };
  std::string path;
  Kind kind = Kind::group;
  std::string doc;
};

/// Everything a struct can hold. An entry's name is written "*" in paths, an item's index "[]".
struct Description {
  std::vector<ParameterInfo> parameters;
  std::vector<SectionInfo> sections;
};

/// Lists what it visits.
class DescribingVisitor final : public ParameterVisitor {
 public:
  explicit DescribingVisitor(std::string prefix = "");
  const Description& description() const { return description_; }

 protected:
  void value(const Field& field, const Reference& reference) override;
  void begin_group(const std::string& name, const std::string& doc) override;
  std::vector<std::string> begin_entries(const std::string& name, const std::vector<std::string>& present,
                                         const std::string& doc) override;
  void begin_entry(const std::string& name) override;
  std::size_t begin_list(const std::string& name, std::size_t present, bool& keep, const std::string& doc) override;
  void begin_item(std::size_t index) override;
  void end() override;

 private:
  std::string join(const std::string& name) const;
  void open(const std::string& name, SectionInfo::Kind kind, const std::string& doc);
  std::vector<std::string> paths_;  ///< of the open sections
  Description description_;
};

/// Description of `params` as they are now: their values are the defaults. Paths start with `prefix` (without a dot),
/// if any.
template <class Params>
Description describe_all(Params params, const std::string& prefix = "") {
  DescribingVisitor visitor(prefix);
  params.visit(static_cast<ParameterVisitor&>(visitor));
  return visitor.description();
}

template <class Params>
std::vector<ParameterInfo> describe(const Params& params, const std::string& prefix = "") {
  return describe_all(params, prefix).parameters;
}

}  // namespace cowosim
