#include "platforms/command_line/options.h"

#include <fmt/core.h>

#include <iostream>
#include <sstream>

#include "core/units.h"

namespace cowosim::platforms::command_line {

namespace po = boost::program_options;

bool parse(const Arguments& arguments, const std::string& synopsis, const Options& visible, const Options& hidden,
           const Positions& positions, Variables& variables) {
  Options all;
  all.add(visible).add(hidden);
  all.add_options()("help,h", "this help");
  try {
    const auto style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional(positions).style(style).run(), variables);
    if (variables.count("help") > 0) {
      std::ostringstream text;
      text << "usage: cowosim " << synopsis << "\n" << visible;
      fmt::print("{}", text.str());
      return false;
    }
    po::notify(variables);
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{} (usage: cowosim {})", error.what(), synopsis));
  }
  return true;
}

void add_configuration_options(Options& options) {
  const auto list = [] { return po::value<std::vector<std::string>>()->composing(); };
  options.add_options()                                                                                            //
      ("set,s", list()->value_name("PATH=VALUE"), "set a parameter (repeatable, last wins, * allowed in a path)")  //
      ("set-file", list()->value_name("FILE"), "set the parameters of a YAML file (--set wins)")                   //
      ("include,I", list()->value_name("DIR"), "look for files in DIR too (also COWOSIM_PATH)");
}

namespace {
std::vector<std::string> strings(const Variables& variables, const char* name) {
  return variables.count(name) > 0 ? variables[name].as<std::vector<std::string>>() : std::vector<std::string>();
}
}  // namespace

RunOptions configuration_from(const Variables& variables, const std::string& platform) {
  RunOptions options;
  options.platform = platform;
  options.settings = strings(variables, "set");
  options.settings_files = strings(variables, "set-file");
  options.include = strings(variables, "include");
  return options;
}

void add_plugin_option(Options& options) {
  options.add_options()("plugin", po::value<std::vector<std::string>>()->composing()->value_name("LIBRARY"),
                        "with the models of this plug-in (repeatable)");
}

std::vector<const PluginLibrary*> plugins_from(const Variables& variables) {
  std::vector<const PluginLibrary*> libraries;
  for (const std::string& name : strings(variables, "plugin")) {
    std::string error;
    const PluginLibrary* library = load_plugin(name, "", strings(variables, "include"), error);
    if (library == nullptr) throw UsageError("--plugin: " + error);
    libraries.push_back(library);
  }
  return libraries;
}

std::int64_t quantity(const std::string& option, const std::string& text, Unit unit) {
  std::string error;
  const auto value = parse_integer(text, unit, error);
  if (!value) throw UsageError(fmt::format("--{}: {}", option, error));
  if (*value <= 0) throw UsageError(fmt::format("--{}: '{}' is not above zero", option, text));
  return *value;
}

}  // namespace cowosim::platforms::command_line
