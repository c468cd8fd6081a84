// `cowosim schema`: JSON Schema for editors, made from the descriptions of the parameters.
#include <fmt/core.h>

#include "platforms/command_line/options.h"
#include "platforms/config/schema.h"
#include "platforms/configuration.h"

namespace cowosim::platforms::command_line {

namespace po = boost::program_options;

int schema(const Arguments& arguments) {
  Options visible("options");
  visible.add_options()  //
      ("include,I", po::value<std::vector<std::string>>()->composing()->value_name("DIR"),
       "look for plug-ins in DIR too");
  add_plugin_option(visible);
  Options hidden;
  hidden.add_options()("what", po::value<std::string>());
  Positions positions;
  positions.add("what", 1);
  Variables variables;
  if (!parse(arguments, "schema platform|workload [OPTIONS]", visible, hidden, positions, variables)) return kDone;
  const std::string what = variables.count("what") > 0 ? variables["what"].as<std::string>() : "";
  if (what == "platform") {
    fmt::print("{}\n", config::json_schema(describe_platform(plugins_from(variables)), "cowosim platform", true));
  } else if (what == "workload") {
    fmt::print("{}\n", config::json_schema(describe_any_workload(), "cowosim workload", true));
  } else {
    throw UsageError(fmt::format("schema of what? '{}' is none of platform, workload", what));
  }
  return kDone;
}

}  // namespace cowosim::platforms::command_line
