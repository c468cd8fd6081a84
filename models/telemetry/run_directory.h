// A run's directory appears whole or not at all. Errors are ConfigError (core/error.h) and name the path.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cowosim::telemetry {

/// Files are written into a hidden sibling of the target, which takes the target's name in `commit`. Without `commit` the
/// sibling is removed and the target is untouched.
class RunDirectory {
 public:
  /// Checks and creates the sibling (and missing parents). Throws ConfigError when the target is not a directory, when it
  /// holds a run and not `force`, or when it holds anything else (even with `force`: only runs are ever replaced).
  RunDirectory(const std::filesystem::path& target, bool force);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  ~RunDirectory();

  /// Where a file of this name is to be written now.
  std::filesystem::path path(const std::string& name) const { return staging_ / name; }
  /// Writes a whole file. Throws ConfigError (disk full, ...).
  void write(const std::string& name, std::string_view content) const;
  /// Gives everything its final place; returns it. Of a run that is replaced, files that no run writes are kept.
  std::filesystem::path commit();

  const std::filesystem::path& target() const { return target_; }
  static bool holds_run(const std::filesystem::path& directory);

 private:
  void check_target() const;

  std::filesystem::path target_;
  std::filesystem::path staging_;
  bool force_;
  bool committed_ = false;
};

/// Writes a whole file anywhere, by a temporary sibling and a rename. Throws ConfigError.
void write_file_atomically(const std::filesystem::path& file, std::string_view content);

}  // namespace cowosim::telemetry
