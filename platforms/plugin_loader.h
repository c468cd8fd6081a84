// Finds and loads plug-ins (platforms/plugin.h), and reads the parameters that they describe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "platforms/config/reader.h"
#include "platforms/foreign_entry.h"
#include "platforms/plugin.h"

namespace cowosim::platforms {

/// A loaded library. It stays loaded until the process ends: models and type names may be used at any time.
struct PluginLibrary {
  std::filesystem::path file;  ///< absolute
  std::vector<const plugin::Type*> types;

  const plugin::Type* find(const std::string& type) const;
  std::vector<std::string> type_names() const;
};

/// Loads a library, or returns it when it is loaded. `name` is a file: beginning with / or ., as it stands (relative to
/// `from`); else relative to `from`, the directories of `include` and COWOSIM_PATH; without any / also where the
/// dynamic loader looks (LD_LIBRARY_PATH, /etc/ld.so.conf). Null with an `error` when there is none, it cannot be
/// loaded, or it was built for something else than this binary; the last is found out before any of its code runs,
/// unless the dynamic loader found it.
const PluginLibrary* load_plugin(const std::string& name, const std::filesystem::path& from,
                                 const std::vector<std::string>& include, std::string& error);

/// Loads the plug-ins of the entries just read from `foreign`, makes `plugin` absolute, and reads `parameters`. What is
/// wrong is reported at `foreign.<name>.plugin`, `.type`, `.role` and `.parameters`.
void read_plugins(std::vector<ForeignEntry>& entries, const std::vector<std::string>& include, config::Reader& reader);

/// The parameters of a plug-in's type, in a platform file: "foreign.*.parameters.<name>".
Description describe_plugin(const plugin::Type& type);

}  // namespace cowosim::platforms
