#include "platforms/configuration.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "core/address_map.h"
#include "core/nearest.h"
#include "core/units.h"
#include "fabric/make_network.h"
#include "hbm/rules.h"
#include "platforms/address_map.h"
#include "platforms/config/memory_image.h"
#include "platforms/config/reader.h"
#include "platforms/config/search_path.h"
#include "platforms/config/yaml.h"

namespace cowosim::platforms {

namespace {

using config::Value;

config::SearchPath platform_path(const std::vector<std::string>& include) {
  return config::SearchPath::standard("platform", include, "platforms/presets");
}

bool is_file(const std::string& name) {
  const auto ends = [&](const char* ending) {
    const std::string e = ending;
    return name.size() >= e.size() && name.compare(name.size() - e.size(), e.size(), e) == 0;
  };
  return ends(".yaml") || ends(".yml");
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const traffic::WorkloadInfo& info : traffic::workloads()) names.push_back(info.name);
  return names;
}

/// With a foreign initiator a run need not have any workload: the default one runs when it is asked for.
bool brings_traffic(const Value& root) {
  const Value* foreign = root.find("foreign");
  if (foreign == nullptr) return false;
  for (const config::Member& model : foreign->members) {
    const Value* role = model.value.find("role");
    if (role == nullptr || role->text == "initiator") return true;
  }
  return false;
}

/// The section that a workload of the command line stands for: a kind, or a file whose `workload` names the kind.
Value workload_section(const std::string& workload, const Origin& origin, const RunOptions& options,
                       Diagnostics& diagnostics) {
  if (is_file(workload)) {
    return config::load(workload, config::SearchPath::standard("workload", options.include, "traffic/workloads"),
                        diagnostics);
  }
  Value section = Value::map(origin);
  section.members.push_back({"workload", origin, Value::scalar(workload, origin)});
  return section;
}

void put(Value& map, const std::string& name, Value value) {
  if (Value* present = map.find(name)) {
    *present = std::move(value);
  } else {
    map.members.push_back({name, value.origin, std::move(value)});
  }
}

/// `workload.x` means the only workload's x, `<name>.x` that one's: both are short for `workloads.<name>.x`.
std::string full_path(const std::string& setting, const std::vector<std::string>& names) {
  const std::string first = setting.substr(0, setting.find_first_of(".="));
  const std::string rest = setting.substr(first.size());
  if (first == "workload" && names.size() == 1) return "workloads." + names.front() + rest;
  if (std::find(names.begin(), names.end(), first) != names.end()) return "workloads." + setting;
  return setting;
}

void check_workloads(Configuration& configuration, config::Reader& reader) {
  for (WorkloadChoice& choice : configuration.workloads) {
    const std::string path = "workloads." + choice.name;
    const traffic::WorkloadInfo* info = traffic::find_workload(choice.kind);
    if (info == nullptr) {
      reader.error(path + ".workload",
                   fmt::format("there is no workload '{}'{}; there are {}", choice.kind,
                               did_you_mean(choice.kind, workload_names()), enumerate(workload_names())));
      continue;
    }
    if (info->on_fabric != configuration.platform.fabric.present()) {
      reader.error(
          path + ".workload",
          info->on_fabric
              ? fmt::format("'{}' runs between the terminals of a fabric, and this platform has none (fabric.topology)",
                            choice.kind)
              : fmt::format("'{}' asks for memory, and this platform is a fabric alone: run 'synthetic'", choice.kind));
    } else if (!configuration.platform.dies.empty() && !configuration.platform.has_cores()) {
      reader.error(path + ".workload", fmt::format("a foreign model stands in place of {}: nobody is left to run '{}'",
                                                   configuration.platform.dies.front().name, choice.kind));
    } else if (!info->on_fabric && configuration.platform.dies.empty() && !info->at_source) {
      reader.error(path + ".workload",
                   fmt::format("'{}' runs on compute dies, and this platform has none", choice.kind));
    }
    if (choice.background && (configuration.platform.dies.empty() || !info->on_cores)) {
      reader.error(path + ".background",
                   fmt::format("'{}' comes from a source here, not from cores: it cannot start over", choice.kind));
    }
  }
  if (configuration.workloads.size() > kMaxStreams) {
    reader.error("workloads", fmt::format("{} workloads, but at most {} streams run at once",
                                          configuration.workloads.size(), kMaxStreams));
  }
  if (!configuration.workloads.empty() && std::all_of(configuration.workloads.begin(), configuration.workloads.end(),
                                                      [](const auto& w) { return w.background; })) {
    reader.error("workloads", "all workloads are background ones: nothing would ever end; let at least one run once");
  }
}

/// A named organisation leaves nothing to the file; what was read after it may only repeat the table.
void check_stack(hbm::HbmParams hbm, config::Reader& reader) {
  const hbm::Generation& generation = *hbm::find_generation(hbm.generation);
  if (hbm.organisation != hbm::kCustom) {
    const auto organisation = hbm::find_organisation(generation, hbm.organisation);
    if (!organisation) {
      reader.error("hbm.organisation", fmt::format("{} has no '{}'; it has {}", generation.name, hbm.organisation,
                                                   enumerate(hbm::organisation_names(generation), 20)));
      return;
    }
    for (const auto& [name, value, table] : hbm.set_by(generation, *organisation)) {
      if (*value != table)
        reader.error(std::string("hbm.") + name,
                     fmt::format("is {}, but hbm.organisation '{}' of {} has {}; leave one of the two out", *value,
                                 hbm.organisation, generation.name, table));
    }
  }
  try {
    hbm::timing_of(hbm);
  } catch (const std::invalid_argument& problem) {
    reader.error("hbm.rows", fmt::format("{}: {}", generation.name, problem.what()));
  }
}

/// `bytes`: of the largest packet, header included.
void check_cut_through(const fabric::RouterParams& router, std::int64_t bytes, std::int64_t flit_bytes,
                       const std::string& what, const std::string& path, config::Reader& reader) {
  const std::int64_t flits = (bytes + flit_bytes - 1) / flit_bytes;
  if (router.switching != "virtual_cut_through" || flits <= router.buffer_flits + router.shared_buffer_flits) return;
  reader.error(
      path + ".buffer_flits",
      fmt::format("virtual_cut_through: {} have {} flits and never fit; give at least {}, or shared_buffer_flits", what,
                  flits, flits));
}

/// What goes through the fabric must fit it: its shape, its buffers, the streams it knows. Each check is of one that is right in itself.
void check_traffic(const Configuration& configuration, config::Reader& reader) {
  const fabric::FabricParams& fabric = configuration.platform.fabric;
  const traffic::NodeShape shape{fabric.terminal_count(), fabric.terminal_columns()};
  std::vector<std::string> streams;
  for (const WorkloadChoice& choice : configuration.workloads) {
    streams.push_back(choice.name);
    if (shape.nodes == 0) continue;
    const std::string path = "workloads." + choice.name + ".";
    std::int64_t bytes = fabric.header_bytes;
    if (const auto* synthetic = std::get_if<traffic::SyntheticParams>(&choice.params)) {
      for (const ParameterProblem& problem : traffic::problems(*synthetic, shape))
        reader.error(path + problem.parameter, problem.message);
      bytes += synthetic->data_flits() * fabric.flit_bytes;
    } else if (const auto* collective = std::get_if<traffic::CollectiveTrafficParams>(&choice.params)) {
      if (!collective->all_reduces() && collective->root >= shape.nodes)
        reader.error(path + "root", fmt::format("there are terminals 0 to {}", shape.nodes - 1));
      bytes += collective->chunk;
    } else {
      continue;
    }
    if (fabric.flits())
      check_cut_through(fabric.router, bytes, fabric.flit_bytes, "packets of " + choice.name, "fabric.router", reader);
  }
  if (streams.empty()) return;  // a platform alone says nothing about its streams
  for (const ParameterProblem& problem : fabric::problems(fabric.qos, streams))
    reader.error("fabric.qos." + problem.parameter, problem.message);
}

void check_fabric(const PlatformParams& platform, config::Reader& reader) {
  for (const ParameterProblem& problem : fabric::problems(platform.fabric))
    reader.error("fabric." + problem.parameter, problem.message);
  if (!platform.dies.empty())
    reader.error("fabric.topology", "a fabric between dies is not modelled yet: give dies or a fabric, not both");
}

/// Each where it can be: an initiator at a die, off package, at the doors or in place of a die, a target at a die, off package or in
/// place of a stack.
void check_foreign(const PlatformParams& platform, config::Reader& reader) {
  std::vector<std::string> dies, stacks, taken;
  std::vector<std::string> modules = {"driver", "dispatcher", "calendar"};  // the package's own children
  for (const DieParams& die : platform.dies) dies.push_back(die.name);
  for (int s = 0; s < platform.hbm.stacks; ++s) stacks.push_back("hbm_stack_" + std::to_string(s));
  modules.insert(modules.end(), dies.begin(), dies.end());
  modules.insert(modules.end(), stacks.begin(), stacks.end());
  for (const bridge::ForeignParams& model : platform.foreign) {
    const std::string path = "foreign." + model.name;
    if (std::find(modules.begin(), modules.end(), model.name) != modules.end())
      reader.error(path, "the package has a module of this name; give the foreign model another one");
    const auto known = [&](const char* parameter, const std::string& name, const std::vector<std::string>& names) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return;
      reader.error(path + "." + parameter,
                   fmt::format("'{}' is none{}; {}", name, did_you_mean(name, names),
                               names.empty() ? "this platform has none of them" : "there are " + enumerate(names, 20)));
    };
    if (platform.fabric.present()) {
      reader.error(path, "a fabric alone has no place for foreign models");
    } else if (model.at.empty() == model.in_place_of.empty()) {
      reader.error(path, "where is it? give either `at` (a die, off_package, hbm) or `in_place_of` (a die, a stack)");
    } else if (!model.in_place_of.empty()) {
      known("in_place_of", model.in_place_of, model.initiates() ? dies : stacks);
      if (std::find(taken.begin(), taken.end(), model.in_place_of) != taken.end())
        reader.error(path + ".in_place_of",
                     fmt::format("another one stands in place of {} already", model.in_place_of));
      taken.push_back(model.in_place_of);
    } else if (model.at == "off_package") {
      if (!platform.has_cores())
        reader.error(path + ".at", "the link off the package ends at a die, and no die of its own is left here");
    } else if (model.initiates() && dies.empty()) {
      if (model.at != "hbm")
        reader.error(path + ".at", fmt::format("'{}': without dies an initiator is at hbm", model.at));
    } else {
      std::vector<std::string> places = dies;
      places.push_back("off_package");
      known("at", model.at, places);
      if (!dies.empty() && model.at == dies.front() && !platform.has_cores())
        reader.error(path + ".at", fmt::format("a foreign model stands in place of {}: there is no network", model.at));
    }
    if (model.initiates() && !model.in_place_of.empty() &&
        std::count_if(platform.foreign.begin(), platform.foreign.end(), [](const auto& m) { return m.initiates(); }) >
            1)
      reader.error(path + ".in_place_of", "it has the PHYs to itself: no other foreign initiator has a place then");
  }
}

void check_platform(const PlatformParams& platform, const Value& root, const Diagnostics& diagnostics,
                    config::Reader& reader) {
  if (!platform.default_workload.empty() && traffic::find_workload(platform.default_workload) == nullptr) {
    reader.error("default_workload",
                 fmt::format("there is no workload '{}'{}; there are {}", platform.default_workload,
                             did_you_mean(platform.default_workload, workload_names()), enumerate(workload_names())));
  }
  check_foreign(platform, reader);
  if (platform.fabric.present()) return check_fabric(platform, reader);  // alone: there is no memory
  if (root.find("hbm") == nullptr && platform.dies.empty()) {
    if (!diagnostics.empty()) return;  // it may be empty because of them
    const std::vector<std::string>& names = fabric::FabricParams::topologies();
    reader.error("fabric.topology",
                 fmt::format("none, and no hbm: the platform is empty; give memory, or a fabric ({})",
                             enumerate({names.begin() + 1, names.end()})));
    return;
  }
  check_stack(platform.hbm, reader);
  const std::vector<ParameterProblem> of_memory =
      MemoryMap::problems(hbm::geometry_of(platform.hbm), hbm::map_options_of(platform.hbm));
  for (const ParameterProblem& problem : of_memory) reader.error("hbm." + problem.parameter, problem.message);
  if (of_memory.empty()) {
    for (const ParameterProblem& problem : address_problems(platform, hbm::make_memory_map(platform.hbm)))
      reader.error(problem.parameter, problem.message);
  }
  for (const ParameterProblem& problem : hbm::Rules::problems(platform.hbm))
    reader.error("hbm." + problem.parameter, problem.message);
  if (2 * platform.hbm.controller.credit_batch > std::max(platform.hbm.controller.door_entries, 2)) {
    reader.error("hbm.controller.credit_batch", "must be at most half of door_entries, or the door runs dry");
  }
  if (platform.dies.size() > 1) reader.error("dies", "several dies are not modelled yet; give one");
  for (const DieParams& die : platform.dies) {
    const std::string path = "dies." + die.name;
    if (die.core.transaction_bytes > platform.hbm.interleave_granule) {
      reader.error(path + ".core.transaction_bytes",
                   fmt::format("{} is more than hbm.interleave_granule ({} B): a transaction must stay in "
                               "one channel",
                               die.core.transaction_bytes, platform.hbm.interleave_granule));
    }
    if (die.core.max_outstanding_bytes < die.core.transaction_bytes) {
      reader.error(path + ".core.max_outstanding_bytes", "must hold at least one transaction (core.transaction_bytes)");
    }
    for (const ParameterProblem& problem : fabric::problems(die.network))
      reader.error(path + ".network." + problem.parameter, problem.message);
    if (die.network.flits())
      check_cut_through(die.network.router, platform.hbm.interleave_granule + die.network.header_bytes,
                        die.network.width_of_flit(), "packets of hbm.interleave_granule", path + ".network.router",
                        reader);
    if (platform.hbm.stacks * platform.hbm.channels % die.partitions != 0) {
      reader.error(path + ".partitions", "must divide the number of cache slices (hbm.stacks x hbm.channels)");
    }
  }
}

/// Finds the files of memory.load, too; they are absolute afterwards.
void check_memory(PlatformParams& platform, const std::vector<std::string>& include, config::Reader& reader) {
  MemoryParams& memory = platform.memory;
  const bool sparse = memory.data == "sparse";
  if (platform.fabric.present() && (sparse || !memory.load.empty())) {
    reader.error(sparse ? "memory.data" : "memory.load",
                 "this platform is a fabric alone and has no memory; leave it out");
    return;
  }
  if (!sparse && !memory.load.empty())
    reader.error("memory.load", "memory that holds no data takes none; set memory.data: sparse, or load nothing");
  for (const ParameterProblem& problem :
       config::resolve_memory_images(memory.load, platform_path(include).directories()))
    reader.error("memory." + problem.parameter, problem.message);
}

/// Files are written absolutely: config.yaml must mean the same wherever it is run again.
void resolve_files(Configuration& configuration) {
  std::vector<Value>& images = configuration.resolved.find("memory")->find("load")->items;
  for (std::size_t i = 0; i < images.size(); ++i) images[i].text = configuration.platform.memory.load[i];
  for (const ForeignEntry& entry : configuration.platform.foreign) {
    if (entry.plugin.empty()) continue;
    configuration.resolved.find("foreign")->find(entry.name)->find("plugin")->text = entry.plugin;
  }
  Value* section = configuration.resolved.find("workloads");
  const auto resolve = [&](const WorkloadChoice& choice, const char* parameter, const std::string& file) {
    if (file.empty()) return;
    if (Value* workload = section->find(choice.name)) {
      if (Value* value = workload->find(parameter)) value->text = std::filesystem::absolute(file).string();
    }
  };
  for (const WorkloadChoice& choice : configuration.workloads) {
    if (const auto* trace = std::get_if<traffic::TraceParams>(&choice.params)) resolve(choice, "file", trace->file);
    if (const auto* synthetic = std::get_if<traffic::SyntheticParams>(&choice.params))
      resolve(choice, "permutation_file", synthetic->destinations.permutation_file);
  }
}

/// Model files of the phases that need one.
void read_models(Configuration& configuration, const RunOptions& options, Diagnostics& diagnostics) {
  const auto search = config::SearchPath::standard("model", options.include, "traffic/models");
  for (WorkloadChoice& choice : configuration.workloads) {
    const traffic::WorkloadInfo* info = traffic::find_workload(choice.kind);
    if (info == nullptr || info->model.empty()) continue;
    config::Overrides none;
    const Value tree = config::load(info->model, search, diagnostics);
    config::apply(choice.model, tree, "", none, diagnostics);
    if (diagnostics.empty()) choice.model.check();
  }
}

}  // namespace

Configuration configure(const RunOptions& options) {
  Diagnostics diagnostics;
  Configuration configuration;
  configuration.platform_name = options.platform;
  Value root = config::load(options.platform, platform_path(options.include), diagnostics);
  diagnostics.throw_if_any();

  const Origin command_line{"command line", 0, 0};
  if (!options.workloads.empty()) {
    Value section = Value::map(command_line);
    for (const RunOptions::Workload& workload : options.workloads) {
      std::string name = workload.name;
      if (name.empty()) name = is_file(workload.workload) ? "workload" : workload.workload;
      if (root.find(name) != nullptr || name == "run") {
        diagnostics.add(command_line, name, "a section of platform files has this name; give the workload another one");
      }
      if (section.find(name) != nullptr)
        diagnostics.add(command_line, name, "two workloads have this name; give each its own with -w NAME=WORKLOAD");
      put(section, name, workload_section(workload.workload, command_line, options, diagnostics));
    }
    put(root, "workloads", std::move(section));
  } else if (root.find("workloads") == nullptr && !options.without_traffic && !brings_traffic(root)) {
    const Value* preferred = root.find("default_workload");
    if (preferred == nullptr || preferred->text.empty()) {
      diagnostics.add(command_line, "",
                      fmt::format("which workload? '{}' names no default_workload; there are {}", options.platform,
                                  enumerate(workload_names())));
    } else {
      Value section = Value::map(preferred->origin);
      put(section, preferred->text, workload_section(preferred->text, preferred->origin, options, diagnostics));
      put(root, "workloads", std::move(section));
    }
  }
  diagnostics.throw_if_any();

  std::vector<std::string> names;
  if (const Value* section = root.find("workloads")) {
    for (const config::Member& member : section->members) names.push_back(member.name);
  }
  config::Overrides overrides;
  for (const std::string& file : options.settings_files) overrides.set_file(file, diagnostics);
  for (const std::string& setting : options.settings) overrides.set(full_path(setting, names), diagnostics);

  if (options.seed) overrides.set(fmt::format("run.seed={}", *options.seed), diagnostics);
  if (options.until > 0)
    overrides.set(fmt::format("run.until={}", format_quantity(options.until, Unit::time)), diagnostics);
  if (options.epoch > 0)
    overrides.set(fmt::format("run.epoch={}", format_quantity(options.epoch, Unit::time)), diagnostics);

  config::Reader reader(root, "", overrides, diagnostics);
  configuration.visit(static_cast<ParameterVisitor&>(reader));
  read_plugins(configuration.platform.foreign, options.include, reader);
  check_platform(configuration.platform, root, diagnostics, reader);
  check_memory(configuration.platform, options.include, reader);
  check_workloads(configuration, reader);
  if (configuration.platform.fabric.present()) check_traffic(configuration, reader);
  configuration.resolved = reader.finish();
  resolve_files(configuration);
  overrides.finish(diagnostics);
  read_models(configuration, options, diagnostics);
  diagnostics.throw_if_any();
  return configuration;
}

std::string validate_file(const std::string& file, const std::vector<std::string>& include, Diagnostics& diagnostics) {
  Value root = config::load(file, platform_path(include), diagnostics);
  if (!diagnostics.empty()) return "file";
  config::Overrides none;
  if (root.find("workload") != nullptr) {
    WorkloadChoice choice;
    config::Reader reader(root, "", none, diagnostics);
    choice.visit(static_cast<ParameterVisitor&>(reader));
    if (traffic::find_workload(choice.kind) == nullptr) {
      reader.error("workload", fmt::format("there is no workload '{}'{}; there are {}", choice.kind,
                                           did_you_mean(choice.kind, workload_names()), enumerate(workload_names())));
    }
    reader.finish();
    return "workload";
  }
  Configuration configuration;
  config::Reader reader(root, "", none, diagnostics);
  configuration.visit(static_cast<ParameterVisitor&>(reader));
  read_plugins(configuration.platform.foreign, include, reader);
  check_platform(configuration.platform, root, diagnostics, reader);
  check_memory(configuration.platform, include, reader);
  check_workloads(configuration, reader);
  if (configuration.platform.fabric.present()) check_traffic(configuration, reader);
  reader.finish();
  return "platform";
}

std::string Configuration::hash8() const {
  std::uint32_t hash = 2166136261u;  // FNV-1a, 32 bit
  for (const unsigned char c : config::to_yaml(resolved)) hash = (hash ^ c) * 16777619u;
  return fmt::format("{:08x}", hash);
}

std::string Configuration::workload_name() const {
  std::string name;
  for (const WorkloadChoice& choice : workloads) name += (name.empty() ? "" : "+") + choice.name;
  if (!name.empty()) return name;
  for (const bridge::ForeignParams& model : platform.foreign)
    if (model.initiates()) name += (name.empty() ? "" : "+") + model.name;
  return name;
}

namespace {

Description describe_kind(const std::string& kind, const std::string& prefix) {
  WorkloadChoice choice;
  choice.kind = kind;
  choice.params = traffic::find_workload(kind)->defaults;
  return describe_all(choice, prefix);
}

Description describe_kinds(const std::string& prefix) {
  Description all;
  for (const traffic::WorkloadInfo& info : traffic::workloads()) {
    for (ParameterInfo& parameter : describe_kind(info.name, prefix).parameters) {
      const auto same = [&](const ParameterInfo& other) {
        return other.path == parameter.path && other.type == parameter.type && other.unit == parameter.unit &&
               other.choices == parameter.choices;
      };
      if (std::any_of(all.parameters.begin(), all.parameters.end(), same)) continue;
      all.parameters.push_back(std::move(parameter));
    }
  }
  ParameterInfo& kind = all.parameters.front();
  kind.type = "choice";
  kind.choices = workload_names();
  kind.default_value.clear();
  return all;
}

}  // namespace

Description describe_platform(const std::vector<const PluginLibrary*>& plugins) {
  Description description = describe_all(Configuration());
  description.sections.push_back(
      {fmt::format("foreign.*.{}", ForeignEntry::kParameters), SectionInfo::Kind::open, ForeignEntry::kParametersDoc});
  auto& parameters = description.parameters;
  const auto of_workloads = [](const ParameterInfo& p) { return p.path.rfind("workloads.", 0) == 0; };
  parameters.erase(std::remove_if(parameters.begin(), parameters.end(), of_workloads), parameters.end());
  for (ParameterInfo& parameter : describe_kinds("workloads.*").parameters) parameters.push_back(std::move(parameter));
  for (const PluginLibrary* library : plugins) {
    for (const plugin::Type* type : library->types) {
      Description own = describe_plugin(*type);
      std::move(own.parameters.begin(), own.parameters.end(), std::back_inserter(description.parameters));
      // Without the first one, `parameters` itself: it stays open for other plug-ins.
      std::move(own.sections.begin() + 1, own.sections.end(), std::back_inserter(description.sections));
    }
  }
  return description;
}

Description describe_workload(const std::string& kind) { return describe_kind(kind, "workload"); }

Description describe_any_workload() { return describe_kinds(""); }

}  // namespace cowosim::platforms
