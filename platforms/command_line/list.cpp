// `cowosim list`: platforms, workloads, parameters, types of plug-ins; one per line.
#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/units.h"
#include "platforms/command_line/options.h"
#include "platforms/config/search_path.h"
#include "platforms/configuration.h"

namespace cowosim::platforms::command_line {

namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

/// One line of a list: its name, what follows it, and the same as JSON.
struct Row {
  std::string name;
  std::string text;
  Json json;
};

std::vector<Row> platforms(const std::vector<std::string>& include) {
  std::vector<Row> rows;
  const auto search = config::SearchPath::standard("platform", include, "platforms/presets");
  for (const std::string& name : search.names()) {
    Diagnostics ignored;
    const config::Value tree = config::load(name, search, ignored);
    const config::Value* description = tree.find("description");
    const std::string text = description == nullptr ? "" : description->text;
    rows.push_back({name, text, {{"name", name}, {"description", text}}});
  }
  return rows;
}

std::vector<Row> workloads() {
  std::vector<Row> rows;
  for (const traffic::WorkloadInfo& info : traffic::workloads()) {
    rows.push_back({info.name, info.doc, {{"name", info.name}, {"doc", info.doc}, {"model", info.model}}});
  }
  return rows;
}

std::vector<Row> parameters(const std::vector<const PluginLibrary*>& plugins) {
  std::vector<Row> rows;
  const auto add = [&](const ParameterInfo& p, const std::string& path) {
    const bool number = p.type == "integer" || p.type == "number";
    std::string range;
    if (number) range = format_range(p.unit, p.range, p.type == "integer");
    for (const std::string& choice : p.choices) range += (range.empty() ? "" : "|") + choice;
    const std::string unit = p.unit == Unit::none ? "" : dimension_of(p.unit);
    rows.push_back({path,
                    fmt::format("{}{}{}, default {}; {} [{}]", unit.empty() ? p.type : unit, range.empty() ? "" : ", ",
                                range, p.default_value.empty() ? "none" : p.default_value, p.doc, p.source),
                    {{"path", path},
                     {"type", p.type},
                     {"unit", unit},
                     {"range", range},
                     {"default", p.default_value},
                     {"doc", p.doc},
                     {"source", p.source}}});
  };
  for (const ParameterInfo& p : describe_platform().parameters) {
    if (p.path.rfind("workloads.", 0) != 0) add(p, p.path);
  }
  for (const PluginLibrary* library : plugins) {
    for (const plugin::Type* type : library->types)
      for (const ParameterInfo& p : describe_plugin(*type).parameters)
        add(p, fmt::format("{}: {}", type->name(), p.path));
  }
  for (const traffic::WorkloadInfo& info : traffic::workloads()) {
    for (const ParameterInfo& p : describe_workload(info.name).parameters) add(p, info.name + ": " + p.path);
  }
  return rows;
}

std::vector<Row> types(const std::vector<const PluginLibrary*>& plugins) {
  std::vector<Row> rows;
  for (const PluginLibrary* library : plugins) {
    for (const plugin::Type* type : library->types) {
      const char* role = name_of(type->role());
      rows.push_back(
          {type->name(),
           fmt::format("{}: {}", role, type->doc()),
           {{"name", type->name()}, {"role", role}, {"doc", type->doc()}, {"library", library->file.string()}}});
    }
  }
  return rows;
}

}  // namespace

int list(const Arguments& arguments) {
  Options visible("options");
  visible.add_options()  //
      ("include,I", po::value<std::vector<std::string>>()->composing()->value_name("DIR"),
       "look for files in DIR too")  //
      ("json", "print as JSON");
  add_plugin_option(visible);
  Options hidden;
  hidden.add_options()("what", po::value<std::string>())("glob", po::value<std::string>());
  Positions positions;
  positions.add("what", 1).add("glob", 1);
  Variables variables;
  const std::string synopsis = "list platforms|workloads|parameters|types [GLOB] [OPTIONS]";
  if (!parse(arguments, synopsis, visible, hidden, positions, variables)) return kDone;
  const std::string what = variables.count("what") > 0 ? variables["what"].as<std::string>() : "";
  const auto include =
      variables.count("include") > 0 ? variables["include"].as<std::vector<std::string>>() : std::vector<std::string>();

  std::vector<Row> rows;
  if (what == "platforms") {
    rows = platforms(include);
  } else if (what == "workloads") {
    rows = workloads();
  } else if (what == "parameters") {
    rows = parameters(plugins_from(variables));
  } else if (what == "types") {
    if (variables.count("plugin") == 0) throw UsageError("list types: of which plug-in? --plugin LIBRARY");
    rows = types(plugins_from(variables));
  } else {
    throw UsageError(fmt::format(
        "list what? '{}' is none of platforms, workloads, parameters, types (usage: cowosim {})", what, synopsis));
  }
  if (variables.count("glob") > 0) {
    // A * covers anything here, dots too: `list parameters '*refresh*'`.
    const std::string glob = variables["glob"].as<std::string>();
    const auto covers = [&](const Row& row) { return fnmatch(glob.c_str(), row.name.c_str(), 0) == 0; };
    rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const Row& row) { return !covers(row); }), rows.end());
    if (rows.empty()) throw UsageError(fmt::format("no {} match '{}'", what, glob));
  }
  if (variables.count("json") > 0) {
    Json json = Json::array();
    for (const Row& row : rows) json.push_back(row.json);
    fmt::print("{}\n", json.dump(2));
    return kDone;
  }
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  for (const Row& row : rows) fmt::print("{:<{}}  {}\n", row.name, width, row.text);
  return kDone;
}

}  // namespace cowosim::platforms::command_line
