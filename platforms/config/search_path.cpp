#include "platforms/config/search_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "core/nearest.h"
#include "platforms/config/yaml.h"

namespace cowosim::platforms::config {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPresets = "platforms/presets";

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code) && !fs::is_directory(path, code);
}

bool holds_presets(const fs::path& directory) {
  std::error_code code;
  return fs::is_directory(directory / kPresets, code);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool ends_in(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Given as a path rather than by name.
bool is_path(const std::string& text) {
  return ends_in(text, ".yaml") || ends_in(text, ".yml") ||
         (!text.empty() && (text.front() == '/' || text.front() == '.'));
}

/// Reads the file and puts it on top of what it extends. `chain` is what led here, for cycles.
Value load_file(const fs::path& file, const SearchPath& search, std::vector<fs::path>& chain,
                Diagnostics& diagnostics) {
  Value tree = read_yaml(file, diagnostics);
  if (tree.kind == Value::Kind::null) diagnostics.throw_if_any();
  const auto it =
      std::find_if(tree.members.begin(), tree.members.end(), [](const Member& m) { return m.name == "extends"; });
  if (it == tree.members.end()) return tree;
  const Value extends = it->value;
  tree.members.erase(it);
  if (extends.kind != Value::Kind::scalar || extends.text.empty()) {
    diagnostics.add(extends.origin, "extends",
                    fmt::format("is {}; expected the name or file of what this extends",
                                extends.kind == Value::Kind::scalar ? "empty" : name_of(extends.kind)));
    return tree;
  }
  const auto base_file = search.find(extends.text, file.parent_path(), extends.origin, "extends", diagnostics);
  if (!base_file) diagnostics.throw_if_any();

  std::error_code code;
  chain.push_back(fs::weakly_canonical(file, code));
  const fs::path next = fs::weakly_canonical(*base_file, code);
  const auto loop = std::find(chain.begin(), chain.end(), next);
  if (loop != chain.end()) {
    std::string way;
    for (auto step = loop; step != chain.end(); ++step) way += step->filename().string() + " -> ";
    diagnostics.add(extends.origin, "extends", fmt::format("extends itself: {}{}", way, next.filename().string()));
    diagnostics.throw_if_any();
  }
  Value base = load_file(*base_file, search, chain, diagnostics);
  overlay(base, tree, "", diagnostics);
  return base;
}

}  // namespace

std::optional<fs::path> data_directory(const std::vector<fs::path>& candidates) {
  for (const fs::path& candidate : candidates) {
    if (!candidate.empty() && holds_presets(candidate)) return candidate;
  }
  return std::nullopt;
}

fs::path data_directory() {
  const std::string named = environment("COWOSIM_DATA");
  std::vector<fs::path> candidates;
  if (!named.empty()) {
    candidates.emplace_back(named);  // who names a directory means that one
  } else {
    std::error_code code;
    const fs::path executable = fs::read_symlink("/proc/self/exe", code);
    if (!code) candidates.push_back(executable.parent_path().parent_path() / "share" / "cowosim");
    // The source tree first: a developer's build must not read what an older version installed.
    candidates.emplace_back(COWOSIM_SOURCE_DIR);
    candidates.emplace_back(COWOSIM_INSTALL_DATA_DIR);
  }
  if (const auto found = data_directory(candidates)) return *found;
  std::string tried;
  for (const fs::path& candidate : candidates) tried += (tried.empty() ? "" : ", ") + candidate.string();
  throw ConfigError(Diagnostic{
      named.empty() ? "" : "COWOSIM_DATA", 0, 0, "",
      fmt::format("no data directory: none of {} holds {}; set COWOSIM_DATA to the one that does", tried, kPresets)});
}

SearchPath::SearchPath(std::string what, std::vector<fs::path> directories)
    : what_(std::move(what)), directories_(std::move(directories)) {}

std::vector<fs::path> include_directories(const std::vector<std::string>& include) {
  std::vector<fs::path> directories(include.begin(), include.end());
  std::istringstream list(environment("COWOSIM_PATH"));
  for (std::string directory; std::getline(list, directory, ':');) {
    if (!directory.empty()) directories.emplace_back(directory);
  }
  return directories;
}

SearchPath SearchPath::standard(std::string what, const std::vector<std::string>& include,
                                const std::string& built_in) {
  std::vector<fs::path> directories = include_directories(include);
  directories.push_back(data_directory() / built_in);
  return SearchPath(std::move(what), std::move(directories));
}

std::optional<fs::path> SearchPath::find(const std::string& name_or_file, const fs::path& from, const Origin& origin,
                                         const std::string& path, Diagnostics& diagnostics) const {
  if (is_path(name_or_file)) {
    std::vector<fs::path> places{from / name_or_file};
    if (name_or_file.front() != '/' && name_or_file.front() != '.') {
      for (const fs::path& directory : directories_) places.push_back(directory / name_or_file);
    }
    for (const fs::path& place : places) {
      if (is_file(place)) return place;
    }
    diagnostics.add(origin, path,
                    fmt::format("{} does not exist; expected the file of a {}", quote(places.front().string()), what_));
    return std::nullopt;
  }
  // A name with dots in its folders could leave the directories searched; no name needs that.
  if (!name_or_file.empty() && name_or_file.find("..") == std::string::npos) {
    for (const fs::path& directory : directories_) {
      for (const char* ending : {".yaml", ".yml"}) {
        const fs::path file = directory / (name_or_file + ending);
        if (is_file(file)) return file;
      }
    }
  }
  const std::vector<std::string> all = names();
  std::string hint = did_you_mean(name_or_file, all);
  if (hint.empty())
    hint = all.empty() ? "; none was found" : "; expected one of " + enumerate(all) + ", or a .yaml file";
  diagnostics.add(origin, path, fmt::format("{} is not a known {}{}", quote(name_or_file), what_, hint));
  return std::nullopt;
}

std::vector<std::string> SearchPath::names() const {
  std::set<std::string> found;
  for (const fs::path& directory : directories_) {
    std::error_code code;
    for (fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, code), end;
         !code && it != end; it.increment(code)) {
      if (it.depth() > 4)
        it.disable_recursion_pending();  // somebody's home directory as -I should not be walked to its end
      const fs::path& file = it->path();
      if ((file.extension() == ".yaml" || file.extension() == ".yml") && is_file(file)) {
        found.insert(file.lexically_relative(directory).replace_extension().generic_string());
      }
    }
  }
  return {found.begin(), found.end()};
}

Value load(const std::string& name_or_file, const SearchPath& search, Diagnostics& diagnostics) {
  const auto file = search.find(name_or_file, "", Origin{}, "", diagnostics);
  if (!file) diagnostics.throw_if_any();
  std::vector<fs::path> chain;
  return load_file(*file, search, chain, diagnostics);
}

}  // namespace cowosim::platforms::config
