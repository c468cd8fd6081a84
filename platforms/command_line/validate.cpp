// `cowosim validate`: every error of every file, nothing simulated.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "platforms/command_line/options.h"
#include "platforms/configuration.h"

namespace cowosim::platforms::command_line {

namespace po = boost::program_options;

int validate(const Arguments& arguments) {
  Options visible("options");
  visible.add_options()  //
      ("include,I", po::value<std::vector<std::string>>()->composing()->value_name("DIR"),
       "look for files in DIR too")  //
      ("json", "print the result as JSON");
  Options hidden;
  hidden.add_options()("file", po::value<std::vector<std::string>>());
  Positions positions;
  positions.add("file", -1);
  Variables variables;
  if (!parse(arguments, "validate FILE... [OPTIONS]", visible, hidden, positions, variables)) return kDone;
  if (variables.count("file") == 0) throw UsageError("which file? (usage: cowosim validate FILE...)");
  const auto include =
      variables.count("include") > 0 ? variables["include"].as<std::vector<std::string>>() : std::vector<std::string>();

  bool good = true;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const std::string& file : variables["file"].as<std::vector<std::string>>()) {
    Diagnostics diagnostics;
    const std::string kind = validate_file(file, include, diagnostics);
    good = good && diagnostics.empty();
    nlohmann::ordered_json errors = nlohmann::ordered_json::array();
    for (const Diagnostic& d : diagnostics.list()) {
      fmt::print(stderr, "{}\n", to_string(d));
      errors.push_back(
          {{"file", d.file}, {"line", d.line}, {"column", d.column}, {"path", d.path}, {"message", d.message}});
    }
    json.push_back({{"file", file}, {"kind", kind}, {"valid", diagnostics.empty()}, {"errors", errors}});
    if (variables.count("json") == 0 && diagnostics.empty()) fmt::print("{}: valid {}\n", file, kind);
  }
  if (variables.count("json") > 0) fmt::print("{}\n", json.dump(2));
  return good ? kDone : kUsageError;
}

}  // namespace cowosim::platforms::command_line
