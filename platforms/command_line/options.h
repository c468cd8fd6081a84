// Options several commands share, on Boost.Program_options.
#pragma once

#include <boost/program_options.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "platforms/command_line/commands.h"
#include "platforms/plugin_loader.h"

namespace cowosim::platforms::command_line {

/// What a user did wrong on the command line: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Variables = boost::program_options::variables_map;
using Options = boost::program_options::options_description;
using Positions = boost::program_options::positional_options_description;

/// Parses; prints help and returns false on --help; throws UsageError with what is wrong.
bool parse(const Arguments& arguments, const std::string& synopsis, const Options& visible, const Options& hidden,
           const Positions& positions, Variables& variables);

/// -s, --set-file, -I: what configures a platform and its workloads.
void add_configuration_options(Options& options);
/// The platform and workload, and what add_configuration_options added.
RunOptions configuration_from(const Variables& variables, const std::string& platform);

/// --plugin, for what is described without a platform file.
void add_plugin_option(Options& options);
/// The libraries that --plugin names, loaded; found as from a platform file in the current directory. Throws UsageError.
std::vector<const PluginLibrary*> plugins_from(const Variables& variables);

/// A quantity given to an option, e.g. "48ns" to --until.
std::int64_t quantity(const std::string& option, const std::string& text, Unit unit);

}  // namespace cowosim::platforms::command_line
