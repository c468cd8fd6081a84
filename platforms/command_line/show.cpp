// `cowosim show`: the resolved file, and what follows from it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/nearest.h"
#include "core/units.h"
#include "platforms/command_line/options.h"
#include "platforms/config/search_path.h"
#include "platforms/config/yaml.h"
#include "platforms/configuration.h"

namespace cowosim::platforms::command_line {

namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

std::uint64_t parse_address(const std::string& text) {
  std::string error;
  const auto value = parse_integer(text, Unit::none, error);
  if (!value || *value < 0) throw UsageError("--decode: '" + text + "' is not an address (decimal or 0x...)");
  return static_cast<std::uint64_t>(*value);
}

/// The register that an address lies in; an empty name: reserved, or behind all.
RegisterInfo register_at(const Package& package, std::uint64_t offset) {
  for (const RegisterInfo& info : package.registers()) {
    if (offset - info.offset < 8) return info;
  }
  return {};
}

/// An address that is no memory's.
Json decode_other(const Package& package, const AddressRegion& region, std::uint64_t address, bool json) {
  const std::uint64_t offset = address - region.first;
  Json place = {{"address", address}, {"kind", name_of(region.kind)}, {"region", region.name}, {"offset", offset}};
  std::string what = package.describe(region);
  if (region.kind == AddressRegion::Kind::registers) {
    const RegisterInfo info = register_at(package, offset);
    if (!info.name.empty()) {
      place["register"] = info.name;
      place["unit"] = info.unit;
      what = fmt::format("{} ({})", info.name, info.unit);
    }
  }
  if (!json) fmt::print("{:#x}: region {}, offset {:#x}, {}\n", address, region.name, offset, what);
  return place;
}

/// Where an address lives, as text and JSON.
int decode(const Package& package, const std::vector<std::string>& addresses, bool json) {
  if (!package.has_memory()) throw UsageError("--decode: this platform is a fabric alone, without memory");
  const MemoryMap& map = package.memory_map();
  Json list = Json::array();
  for (const std::string& text : addresses) {
    const std::uint64_t address = parse_address(text);
    const AddressRegion* region = package.address_map().find(address);
    if (region == nullptr) throw UsageError("--decode: " + package.address_map().describe_hole(address));
    if (region->kind != AddressRegion::Kind::memory) {
      list.push_back(decode_other(package, *region, address, json));
      continue;
    }
    const Location at = map.decode(address);
    list.push_back({{"address", address},
                    {"kind", name_of(region->kind)},
                    {"region", region->name},
                    {"stack", at.stack},
                    {"channel", at.channel},
                    {"pseudo_channel", at.pseudo_channel},
                    {"sid", at.sid},
                    {"bank_group", at.bank_group},
                    {"bank", at.bank},
                    {"row", at.row},
                    {"column", at.column},
                    {"offset", at.offset}});
    if (!json) {
      fmt::print(
          "{:#x}: region {}, stack {}, channel {}, pseudo-channel {}, SID {}, bank group {}, bank {}, row {}, column "
          "{}, byte {}\n",
          address, region->name, at.stack, at.channel, at.pseudo_channel, at.sid, at.bank_group, at.bank, at.row,
          at.column, at.offset);
    }
  }
  if (json) fmt::print("{}\n", list.dump(2));
  return kDone;
}

Json regions_json(const MemoryMap& map) {
  Json list = Json::array();
  for (const MemoryMap::Region& region : map.regions()) {
    list.push_back({{"name", region.name},
                    {"first_address", region.first},
                    {"bytes", region.bytes},
                    {"stacks", region.stacks},
                    {"units", region.units}});
  }
  return list;
}

Json address_map_json(const Package& package) {
  Json list = Json::array();
  for (const AddressRegion& region : package.address_map().regions()) {
    list.push_back({{"name", region.name},
                    {"kind", name_of(region.kind)},
                    {"first", region.first},
                    {"last", region.last()},
                    {"bytes", region.bytes},
                    {"what", package.describe(region)}});
    for (const MemoryMap::Region& memory : package.memory_map().regions()) {
      if (memory.first == region.first && region.kind == AddressRegion::Kind::memory)
        list.back()["stacks"] = memory.stacks;
    }
  }
  return list;
}

void print_address_map(const Package& package) {
  fmt::print("# Regions of the address space; what lies in none is a hole\n");
  for (const AddressRegion& region : package.address_map().regions()) {
    fmt::print("#   {:<16} from {:#014x}, {:>10}, {}\n", region.name, region.first,
               format_quantity(static_cast<std::int64_t>(region.bytes), Unit::bytes), package.describe(region));
  }
}

int show_registers(const Package& package, bool json) {
  if (!package.has_memory()) throw UsageError("--registers: this platform is a fabric alone, without addresses");
  const std::vector<RegisterInfo> all = package.registers();
  if (!json) {
    fmt::print("{:<10} {:<8} {:<2} {}\n", "offset", "unit", "", "name");
    for (const RegisterInfo& info : all)
      fmt::print("{:#010x} {:<8} {:<2} {}\n", info.offset, info.unit, info.writable ? "rw" : "r", info.name);
    return kDone;
  }
  Json list = Json::array();
  for (const RegisterInfo& info : all)
    list.push_back({{"offset", info.offset}, {"name", info.name}, {"unit", info.unit}, {"writable", info.writable}});
  fmt::print("{}\n", list.dump(2));
  return kDone;
}

int show_workload(const traffic::WorkloadInfo& info, bool json) {
  if (json) {
    Json parameters = Json::object();
    for (const ParameterInfo& p : describe_workload(info.name).parameters) parameters[p.path] = p.default_value;
    fmt::print(
        "{}\n",
        Json({{"name", info.name}, {"doc", info.doc}, {"model", info.model}, {"parameters", parameters}}).dump(2));
    return kDone;
  }
  fmt::print("{}: {}\n", info.name, info.doc);
  if (!info.model.empty()) fmt::print("model file: traffic/models/{}.yaml\n", info.model);
  for (const ParameterInfo& p : describe_workload(info.name).parameters) {
    fmt::print("  {:<36} {:<12} {}\n", p.path, p.default_value, p.doc);
  }
  return kDone;
}

}  // namespace

int show(const Arguments& arguments) {
  Options visible("options");
  add_configuration_options(visible);
  visible.add_options()  //
      ("decode", po::value<std::vector<std::string>>()->composing()->value_name("ADDRESS"),
       "where an address lives (repeatable)")                                           //
      ("registers", "list the memory-mapped registers: offset, unit, name")             //
      ("origin", "say where each value comes from (file:line:column, --set, default)")  //
      ("json", "print as JSON");
  Options hidden;
  hidden.add_options()("what", po::value<std::string>());
  Positions positions;
  positions.add("what", 1);
  Variables variables;
  if (!parse(arguments, "show PLATFORM|WORKLOAD [OPTIONS]", visible, hidden, positions, variables)) return kDone;
  if (variables.count("what") == 0) throw UsageError("show what? (usage: cowosim show PLATFORM|WORKLOAD)");
  const std::string what = variables["what"].as<std::string>();
  const bool json = variables.count("json") > 0;
  if (const traffic::WorkloadInfo* info = traffic::find_workload(what)) {
    for (const char* option : {"set", "set-file", "decode", "origin", "registers"}) {
      if (variables.count(option) > 0)
        throw UsageError(fmt::format("--{} goes with a platform, and '{}' is a workload", option, what));
    }
    return show_workload(*info, json);
  }

  // An idle package: elaborated, so that windows and latencies are what a run would have, but never started.
  RunOptions options = configuration_from(variables, what);
  options.without_traffic = true;
  const Package package("package_0", options);
  if (variables.count("decode") > 0) return decode(package, variables["decode"].as<std::vector<std::string>>(), json);

  if (variables.count("registers") > 0) return show_registers(package, json);

  const Package::Facts facts = package.facts();
  if (json) {
    Json out;
    out["platform"] = what;
    for (const Package::Fact& fact : facts) out[fact.key] = fact.text.empty() ? Json(fact.value) : Json(fact.text);
    if (package.has_memory()) {
      out["regions"] = regions_json(package.memory_map());
      out["address_map"] = address_map_json(package);
    }
    out["config"] = Json::parse(config::to_json(package.resolved()));
    fmt::print("{}\n", out.dump(2));
    return kDone;
  }
  fmt::print("{}\n", config::to_yaml(package.resolved(), variables.count("origin") > 0));
  fmt::print("# What follows from it\n");
  for (const Package::Fact& fact : facts) fmt::print("#   {:<34} {}\n", fact.label, fact.readable);
  if (package.has_memory()) print_address_map(package);
  return kDone;
}

}  // namespace cowosim::platforms::command_line
