#include "telemetry/run_directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace cowosim::telemetry {

namespace fs = std::filesystem;

namespace {

constexpr std::array kRunFiles{"run.json",         "config.yaml",  "results.json",   "hashes.csv",     "stats.csv",
                               "summary.txt",      "report.html",  "comparison.txt", "kpi.json",       "series.csv",
                               "transactions.csv", "commands.csv", "correlate.json", "correlate.html", "requests.csv"};
/// Traces are named after their kind, whatever the format.
constexpr std::array kRunSuffixes{".perfetto-trace", ".pftrace", ".vcd"};

bool is_run_file(const std::string& name) {
  if (std::find(kRunFiles.begin(), kRunFiles.end(), name) != kRunFiles.end()) return true;
  return std::any_of(kRunSuffixes.begin(), kRunSuffixes.end(), [&](const std::string& suffix) {
    return name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
  });
}

[[noreturn]] void fail(const fs::path& path, std::string message) {
  throw ConfigError(Diagnostic{path.string(), 0, 0, "", std::move(message)});
}

void write_whole(const fs::path& file, std::string_view content) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) fail(file, "cannot be written: is the disk full?");
}

fs::path hidden_sibling(const fs::path& path, const char* what) {
  return path.parent_path() / fmt::format(".{}.{}-{}", path.filename().string(), what, ::getpid());
}

}  // namespace

bool RunDirectory::holds_run(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory / "run.json", ignored) || fs::exists(directory / "results.json", ignored);
}

RunDirectory::RunDirectory(const fs::path& target, bool force) : force_(force) {
  if (target.empty()) fail("", "the run's directory has no name: give one with --out");
  target_ = fs::absolute(target).lexically_normal();
  if (!target_.has_filename()) target_ = target_.parent_path();  // "out/"
  std::error_code error;
  if (fs::is_symlink(target_, error))
    target_ = fs::weakly_canonical(target_, error);  // replace what it points to, not the link
  check_target();
  fs::create_directories(target_.parent_path(), error);
  if (error) fail(target_.parent_path(), "cannot be created: " + error.message());
  staging_ = hidden_sibling(target_, "partial");
  fs::remove_all(staging_, error);
  if (!fs::create_directory(staging_, error) || error) fail(staging_, "cannot be created: " + error.message());
}

RunDirectory::~RunDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(staging_, ignored);
}

void RunDirectory::check_target() const {
  std::error_code error;
  if (!fs::exists(target_, error)) return;
  if (!fs::is_directory(target_, error)) fail(target_, "exists and is not a directory: choose another --out");
  if (holds_run(target_)) {
    if (force_) return;
    fail(target_, "holds a run: choose another --out, or --force to replace it");
  }
  if (!fs::is_empty(target_, error))
    fail(target_, "is not empty and holds no run, so it is not replaced: choose another --out");
}

void RunDirectory::write(const std::string& name, std::string_view content) const {
  write_whole(staging_ / name, content);
}

fs::path RunDirectory::commit() {
  check_target();  // someone else may have written there meanwhile
  std::error_code error;
  const auto must = [&](const fs::path& what) {
    if (error) fail(what, "cannot be moved to its place: " + error.message());
  };
  if (!holds_run(target_)) {
    fs::rename(staging_, target_, error);  // replaces an empty directory
    must(staging_);
    committed_ = true;
    return target_;
  }
  const fs::path old = hidden_sibling(target_, "replaced");
  fs::remove_all(old, error);
  fs::rename(target_, old, error);
  must(target_);
  fs::rename(staging_, target_, error);
  if (error) {
    std::error_code ignored;
    fs::rename(old, target_, ignored);
    must(staging_);
  }
  committed_ = true;
  for (const fs::directory_entry& entry : fs::directory_iterator(old)) {
    const std::string name = entry.path().filename().string();
    if (is_run_file(name) || fs::exists(target_ / name)) continue;
    fs::rename(entry.path(), target_ / name, error);
    must(entry.path());
  }
  fs::remove_all(old, error);
  return target_;
}

void write_file_atomically(const fs::path& file, std::string_view content) {
  const fs::path absolute = fs::absolute(file);
  const fs::path temporary = hidden_sibling(absolute, "partial");
  std::error_code error;
  try {
    write_whole(temporary, content);
  } catch (...) {
    fs::remove(temporary, error);
    throw;
  }
  fs::rename(temporary, absolute, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail(file, "cannot be written: " + error.message());
  }
}

}  // namespace cowosim::telemetry
