// What the tests of the configuration reader share: two sections, named entries and a list, as a platform file has
// them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/parameter_visitor.h"
#include "core/time.h"
#include "platforms/config/reader.h"
#include "platforms/config/yaml.h"

namespace cowosim::platforms::config {

struct TimingParams {
  Time t_rcd = 14 * kNanosecond;
  double rate = 6.4e9;

  template <class Visitor>
  void visit(Visitor& v) {
    v("t_rcd", t_rcd, Unit::time, Range{1e6, 1e9}, "activate to column command", "JESD238");
    v("rate", rate, Unit::data_rate, Range{1e8, 3.2e10}, "of a pin", "JESD238");
  }
};

struct MemoryParams {
  int queue_entries = 32;
  std::string page_policy = "open";
  std::vector<std::string> address_map{"row", "bank", "column"};
  TimingParams timing;

  template <class Visitor>
  void visit(Visitor& v) {
    v("queue_entries", queue_entries, Range{1, 4096}, "entries", "assumption [16, 128]: typical");
    v("page_policy", page_policy, std::vector<std::string>{"open", "closed"}, "after an access", "");
    v("address_map", address_map, "fields, most significant first", "");
    v.group("timing", timing, "constraints");
  }
};

struct LinkParams {
  std::string name;
  std::string from;
  std::int64_t bandwidth = 1'000'000'000'000;
  bool enabled = true;

  template <class Visitor>
  void visit(Visitor& v) {
    v("from", from, "where it begins", "");
    v("bandwidth", bandwidth, Unit::bandwidth, Range{1e9, 1e15}, "of each direction", "");
    v("enabled", enabled, "in use", "");
  }
};

struct StepParams {
  double share = 0.5;

  template <class Visitor>
  void visit(Visitor& v) {
    v("share", share, Range{0, 1}, "of the whole", "");
  }
};

struct PackageParams {
  std::string description = "a package";
  std::int64_t capacity = std::int64_t{80} << 30;
  MemoryParams hbm;
  std::vector<LinkParams> links;
  std::vector<StepParams> steps;

  template <class Visitor>
  void visit(Visitor& v) {
    v("description", description, "in words", "");
    v("capacity", capacity, Unit::bytes, Range{1, 9.3e18}, "of all memory", "");
    v.group("hbm", hbm, "memory");
    v.entries("links", links, "links by name");
    v.list("steps", steps, "steps in order");
  }
};

inline std::vector<std::string> lines_of(const Diagnostics& diagnostics) {
  std::vector<std::string> out;
  if (diagnostics.empty()) return out;
  const ConfigError sorted(diagnostics.list());
  for (const Diagnostic& d : sorted.diagnostics()) out.push_back(to_string(d));
  return out;
}

/// One reading of a text, with `--set` arguments.
struct Reading {
  explicit Reading(const std::string& text, const std::vector<std::string>& sets = {},
                   const PackageParams& defaults = {})
      : params(defaults) {
    Diagnostics diagnostics;
    Overrides overrides;
    for (const std::string& set : sets) overrides.set(set, diagnostics);
    const Value tree = parse_yaml(text, "p.yaml", diagnostics);
    resolved = apply(params, tree, "", overrides, diagnostics);
    overrides.finish(diagnostics);
    errors = lines_of(diagnostics);
  }

  PackageParams params;
  Value resolved;
  std::vector<std::string> errors;
};

/// A directory of one's own that is gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "cowosim-config-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() {
    std::error_code code;
    std::filesystem::remove_all(path_, code);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace cowosim::platforms::config
