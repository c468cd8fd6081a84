#include "platforms/plugin_loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/nearest.h"
#include "platforms/config/search_path.h"

namespace cowosim::platforms {

namespace fs = std::filesystem;

namespace {

/// Held by every binary of cowosim: what a plug-in's text must be equal to.
constexpr std::string_view kAbi = COWOSIM_PLUGIN_ABI;
constexpr std::size_t kAbiParts = 4;
using AbiParts = std::array<std::string, kAbiParts>;

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

/// interface, SystemC, C++ and standard library, as COWOSIM_PLUGIN_ABI puts them together; missing ones are empty.
AbiParts parts_of(std::string_view abi) {
  AbiParts parts;
  abi.remove_prefix(sizeof(COWOSIM_PLUGIN_ABI_HEAD) - 1);
  for (std::string& part : parts) {
    const std::size_t end = std::min(abi.find("; "), abi.size());
    part = abi.substr(0, end);
    abi.remove_prefix(std::min(end + 2, abi.size()));
  }
  return parts;
}

/// The text in a library's file; none: it is no plug-in. Read piece by piece: a file may be of any size.
std::optional<std::string> abi_in(const fs::path& file) {
  constexpr std::size_t kPiece = 1u << 20;
  constexpr std::size_t kLongest = 1024;
  std::ifstream in(file, std::ios::binary);
  std::string bytes(SELFMAG, '\0');
  if (!in.read(bytes.data(), SELFMAG) || bytes != ELFMAG) return std::nullopt;
  while (in) {
    bytes.erase(0, bytes.size() - std::min(bytes.size(), kLongest));  // the text may lie across two pieces
    const std::size_t kept = bytes.size();
    bytes.resize(kept + kPiece);
    in.read(bytes.data() + kept, kPiece);
    bytes.resize(kept + static_cast<std::size_t>(in.gcount()));
    const std::size_t at = bytes.find(COWOSIM_PLUGIN_ABI_HEAD);
    if (at == std::string::npos || (in && bytes.size() - at < kLongest)) continue;
    return bytes.substr(at, std::min(bytes.find('\0', at) - at, kLongest));
  }
  return std::nullopt;
}

/// Whether the file, which is ELF, ends before its segments do. The dynamic loader would map them all the same, and touching what is not
/// there ends the process (SIGBUS).
bool is_cut_off(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code code;
  const std::uintmax_t size = fs::file_size(file, code);
  ElfW(Ehdr) header;
  if (code || !in.read(reinterpret_cast<char*>(&header), sizeof header)) return true;
  // Another class has headers of another size; the dynamic loader has words for it.
  if (header.e_phentsize != sizeof(ElfW(Phdr))) return false;
  in.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    if (!in.read(reinterpret_cast<char*>(&segment), sizeof segment)) return true;
    if (segment.p_type == PT_LOAD && (segment.p_offset > size || segment.p_filesz > size - segment.p_offset))
      return true;
  }
  return false;
}

/// What does not fit, and what to do; empty if all does.
std::string misfit(const std::string& abi) {
  if (abi == kAbi) return "";
  const AbiParts its = parts_of(abi);
  const AbiParts ours = parts_of(kAbi);
  const std::array<const char*, kAbiParts> advice = {
      "build it against the headers of this cowosim (platforms/plugin.h)",
      "build it and cowosim against the same SystemC",
      "build it with that standard (CMAKE_CXX_STANDARD)",
      "build it with the same standard library and its settings",
  };
  for (std::size_t i = 0; i < kAbiParts; ++i) {
    if (its[i] != ours[i]) return fmt::format("was built for {}, but this is {}: {}", its[i], ours[i], advice[i]);
  }
  return fmt::format("was built for {}, which this cowosim does not know", quote(abi));
}

const char* loader_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error";
}

std::string unloadable(const std::string& problem) {
  return fmt::format("cannot be loaded: {}; what a plug-in needs besides SystemC it must link itself", problem);
}

/// By canonical path. Never destroyed, as the libraries are never unloaded.
std::map<fs::path, PluginLibrary>& loaded() {
  static auto& libraries = *new std::map<fs::path, PluginLibrary>;
  return libraries;
}

/// `file`: absolute; `handle`: what the dynamic loader has opened already, while searching.
const PluginLibrary* load_file(const fs::path& file, void* handle, std::string& error) {
  std::error_code code;
  const fs::path key = fs::canonical(file, code);
  if (const auto known = loaded().find(key); known != loaded().end()) return &known->second;

  const std::optional<std::string> abi = abi_in(file);
  if (!abi) {
    error = fmt::format("'{}' is no plug-in of cowosim: nothing in it comes from COWOSIM_PLUGIN (platforms/plugin.h)",
                        file.string());
    return nullptr;
  }
  if (const std::string problem = misfit(*abi); !problem.empty()) {
    error = fmt::format("'{}' {}", file.string(), problem);
    return nullptr;
  }
  if (is_cut_off(file)) {
    error = fmt::format("'{}' is cut off: it ends before its segments do; build or copy it again", file.string());
    return nullptr;
  }
  if (handle == nullptr) handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    error = unloadable(loader_error());
    return nullptr;
  }
  const auto entry = reinterpret_cast<plugin::EntryPoint>(dlsym(handle, plugin::kEntryPoint));
  if (entry == nullptr) {
    error = fmt::format(
        "'{}' hides its entry point {}: COWOSIM_PLUGIN stands outside of namespaces, and no linker script may hide it",
        file.string(), plugin::kEntryPoint);
    return nullptr;
  }
  const plugin::Library& library = *entry();
  return &loaded().emplace(key, PluginLibrary{file, {library.types, library.types + library.type_count}}).first->second;
}

/// Names of shared libraries in directories, for hints.
std::vector<std::string> libraries_in(const std::vector<fs::path>& directories) {
  std::vector<std::string> names;
  for (const fs::path& directory : directories) {
    std::error_code code;
    for (fs::directory_iterator it(directory.empty() ? "." : directory, code), end; !code && it != end;
         it.increment(code)) {
      if (it->path().extension() == ".so") names.push_back(it->path().filename().string());
    }
  }
  return names;
}

/// The parameters of entries whose plug-in is loaded, where the file has them.
struct ForeignParameters {
  struct Entry {
    const std::string& name;
    plugin::Parameters& values;
    void visit(ParameterVisitor& v) { v.group(ForeignEntry::kParameters, values, ForeignEntry::kParametersDoc); }
  };
  std::vector<Entry> entries;
  void visit(ParameterVisitor& v) {
    for (Entry& entry : entries) v.group(entry.name.c_str(), entry, "");
  }
};

/// Finds the entry's library and type; false when something is wrong with them.
bool find_type(ForeignEntry& entry, const std::string& path, const std::vector<std::string>& include,
               config::Reader& reader) {
  if (entry.plugin.empty()) {
    if (!entry.type.empty())
      reader.error(path + ".type",
                   fmt::format("{} is a plug-in's model; name its library: plugin: FILE.so", quote(entry.type)));
    return false;
  }
  // A file means what lies beside it; --set means where it was typed.
  const fs::path from = fs::path(reader.origin(path + ".plugin").file).parent_path();
  std::string error;
  const PluginLibrary* library = load_plugin(entry.plugin, from, include, error);
  if (library == nullptr) {
    reader.error(path + ".plugin", error);
    return false;
  }
  entry.plugin = library->file.string();
  entry.model = library->find(entry.type);
  if (entry.model == nullptr) {
    const std::vector<std::string> names = library->type_names();
    reader.error(path + ".type", entry.type.empty()
                                     ? fmt::format("is empty; the plug-in has {}", enumerate(names))
                                     : fmt::format("the plug-in has no model {}{}; it has {}", quote(entry.type),
                                                   did_you_mean(entry.type, names), enumerate(names)));
    return false;
  }
  if (entry.role != name_of(entry.model->role())) {
    reader.error(path + ".role", fmt::format("is {}, but the plug-in's {} is not; expected {}", entry.role, entry.type,
                                             name_of(entry.model->role())));
  }
  return true;
}

}  // namespace

const plugin::Type* PluginLibrary::find(const std::string& type) const {
  const auto found = std::find_if(types.begin(), types.end(), [&](const plugin::Type* t) { return t->name() == type; });
  return found != types.end() ? *found : nullptr;
}

std::vector<std::string> PluginLibrary::type_names() const {
  std::vector<std::string> names;
  for (const plugin::Type* type : types) names.emplace_back(type->name());
  return names;
}

const PluginLibrary* load_plugin(const std::string& name, const fs::path& from, const std::vector<std::string>& include,
                                 std::string& error) {
  std::vector<fs::path> directories{from};
  if (name.empty() || (name.front() != '/' && name.front() != '.')) {
    for (const fs::path& directory : config::include_directories(include)) directories.push_back(directory);
  }
  for (const fs::path& directory : directories) {
    if (is_file(directory / name)) return load_file(fs::absolute(directory / name).lexically_normal(), nullptr, error);
  }
  if (name.find('/') == std::string::npos) {
    if (void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      link_map* map = nullptr;
      dlinfo(handle, RTLD_DI_LINKMAP, &map);
      return load_file(map->l_name, handle, error);
    }
    const std::string problem = loader_error();
    if (problem.find("No such file") == std::string::npos) {
      error = unloadable(problem);
      return nullptr;
    }
  }
  std::string looked;
  for (const fs::path& directory : directories)
    looked +=
        fmt::format("{}'{}'", looked.empty() ? "; looked in " : ", ", directory.empty() ? "." : directory.string());
  const std::string hint = did_you_mean(name, libraries_in(directories), 1);
  error = fmt::format("{} does not exist{}", quote(name), hint.empty() ? looked : hint);
  return nullptr;
}

void read_plugins(std::vector<ForeignEntry>& entries, const std::vector<std::string>& include, config::Reader& reader) {
  ForeignParameters parameters;
  for (ForeignEntry& entry : entries) {
    const std::string path = "foreign." + entry.name;
    if (find_type(entry, path, include, reader)) {
      entry.values = PluginValues(entry.model->parameters());
      parameters.entries.push_back({entry.name, *entry.values.get()});
    } else if (!entry.plugin.empty() || !entry.type.empty()) {
      reader.skip(path + "." + ForeignEntry::kParameters);
    }
  }
  if (parameters.entries.empty()) return;
  static_cast<ParameterVisitor&>(reader).group("foreign", parameters, "");
  for (const ForeignEntry& entry : entries) {
    if (entry.values.get() == nullptr) continue;
    for (const ParameterProblem& problem : entry.values.get()->problems())
      reader.error(fmt::format("foreign.{}.{}.{}", entry.name, ForeignEntry::kParameters, problem.parameter),
                   problem.message);
  }
}

Description describe_plugin(const plugin::Type& type) {
  const std::unique_ptr<plugin::Parameters> values = type.parameters();
  DescribingVisitor visitor("foreign.*");
  static_cast<ParameterVisitor&>(visitor).group(ForeignEntry::kParameters, *values, ForeignEntry::kParametersDoc);
  return visitor.description();
}

}  // namespace cowosim::platforms
