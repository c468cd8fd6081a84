// Where files are found by name: platforms, workloads, studies; and where the installed data lies.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "platforms/config/value.h"

namespace cowosim::platforms::config {

/// The directory that holds platforms/presets and traffic/models. First of these that does: $COWOSIM_DATA (set but
/// wrong: an error), ../share/cowosim beside the running executable, the source tree and the installation prefix known
/// at build time. Throws ConfigError that lists where it looked.
std::filesystem::path data_directory();
/// The same choice among given candidates: the first that holds platforms/presets.
std::optional<std::filesystem::path> data_directory(const std::vector<std::filesystem::path>& candidates);

/// What users name: `include` (-I, in order), then $COWOSIM_PATH (separated by ':').
std::vector<std::filesystem::path> include_directories(const std::vector<std::string>& include);

/// Directories searched for NAME.yaml, in order. NAME may have folders ("reference/hbm3_6400").
class SearchPath {
 public:
  /// `what` is for messages: "platform", "workload".
  SearchPath(std::string what, std::vector<std::filesystem::path> directories);

  /// include_directories, then `built_in` (relative to the data directory).
  static SearchPath standard(std::string what, const std::vector<std::string>& include, const std::string& built_in);

  /// A file given by path (it ends in .yaml or .yml, or begins with / or .; relative to `from`, then to the searched
  /// directories) or by name. When there is none, adds an error at `origin` with the nearest names.
  std::optional<std::filesystem::path> find(const std::string& name_or_file, const std::filesystem::path& from,
                                            const Origin& origin, const std::string& path,
                                            Diagnostics& diagnostics) const;
  /// Every name there is, sorted, without repetition; the first directory that has a name wins.
  std::vector<std::string> names() const;
  const std::vector<std::filesystem::path>& directories() const { return directories_; }

 private:
  std::string what_;
  std::vector<std::filesystem::path> directories_;
};

/// Reads a file (by name or path, see SearchPath::find) and everything it extends: `extends: NAME_OR_FILE` at the root
/// puts this file on top of that one. A file that ends up extending itself is an error. `extends` is not part of the
/// result. Throws ConfigError with everything collected so far when a file is not found or nothing of it is usable,
/// since every further error would only be a consequence.
Value load(const std::string& name_or_file, const SearchPath& search, Diagnostics& diagnostics);

}  // namespace cowosim::platforms::config
