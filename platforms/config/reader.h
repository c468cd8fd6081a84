// Fills parameter structs from a configuration tree, with every check, and keeps the resolved configuration.
//
// A Reader is the visitor (core/parameter_visitor.h) that a struct's visit() or the caller feeds with what a file may
// hold:
//
//   Diagnostics diagnostics;
//   Overrides overrides;                                     // --set, --set-file
//   Value tree = load("h100_sxm5", SearchPath::standard("platform", include, "platforms/presets"), diagnostics);
//   Reader r(tree, "", overrides, diagnostics);
//   r("description", description, "one line", "");           // single values, sections and entries in any order
//   r.group("hbm", hbm_params, "memory");
//   r.entries("links", links, "die-to-die links by name");
//   const Value resolved = r.finish();                       // reports unknown keys
//   overrides.finish(diagnostics);                           // reports --set that reached nothing
//   diagnostics.throw_if_any();
//
// Reported: unknown keys (with the nearest name), wrong kinds and types, missing or wrong units, values out of range,
// empty values. A parameter with an error keeps its default, so that reading goes on.
#pragma once

#include <memory>
#include <string>

#include "core/error.h"
#include "core/parameter_visitor.h"
#include "platforms/config/overrides.h"
#include "platforms/config/value.h"

namespace cowosim::platforms::config {

class Reader final : public ParameterVisitor {
 public:
  /// `prefix` ("" or "workload") begins every path in messages and for overrides. All arguments must outlive the
  /// reader.
  Reader(const Value& root, const std::string& prefix, Overrides& overrides, Diagnostics& diagnostics);
  ~Reader() override;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Reports what nobody asked for and returns the resolved tree: every parameter in canonical form with its origin
  /// (file:line:column, --set, or default). Written with to_yaml it reads back as the same configuration. Call once,
  /// at the end.
  Value finish();

  /// An error of meaning ("must be a multiple of ..."), reported where the parameter `path` (with prefix) was written.
  /// The path may be of a parameter or a section visited so far.
  void error(const std::string& path, const std::string& message);
  /// Where what has been read so far for `path` (with prefix) was written; for a default: the innermost section that was.
  Origin origin(const std::string& path) const;
  /// What stands at `path` (in a section visited so far) cannot be judged, for a reason that has been reported: neither
  /// it nor settings of anything in it are unknown.
  void skip(const std::string& path);

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
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads one struct that is the whole of a tree.
template <class Params>
Value apply(Params& params, const Value& tree, const std::string& prefix, Overrides& overrides,
            Diagnostics& diagnostics) {
  Reader reader(tree, prefix, overrides, diagnostics);
  params.visit(static_cast<ParameterVisitor&>(reader));
  return reader.finish();
}

/// Where the value at `path` (relative to the tree's root) was written; the innermost section that was, if the value
/// is a default.
Origin origin_of(const Value& tree, const std::string& path);

}  // namespace cowosim::platforms::config
