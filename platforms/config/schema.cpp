#include "platforms/config/schema.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/units.h"

namespace cowosim::platforms::config {

namespace {

using Json = nlohmann::ordered_json;

Json object() { return Json{{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}}; }

/// The schema node that holds `path`'s last segment; creates what is missing on the way.
Json& node_at(Json& root, std::string_view path) {
  Json* node = &root;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string segment(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (segment == "*") {
      // Named entries: any name, one shape. An entry that is null removes the extended file's.
      if (!(*node)["additionalProperties"].is_object()) {
        node->erase("properties");
        (*node)["propertyNames"] = {{"pattern", R"(^[^.*\[\] \t\n]+$)"}};
        (*node)["additionalProperties"] = object();
        (*node)["additionalProperties"]["type"] = {"object", "null"};
      }
      node = &(*node)["additionalProperties"];
    } else if (segment == "[]") {
      if (!node->contains("items")) {
        node->erase("properties");
        node->erase("additionalProperties");
        (*node)["type"] = "array";
        (*node)["items"] = object();
      }
      node = &(*node)["items"];
    } else {
      Json& properties = (*node)["properties"];
      if (!properties.contains(segment)) properties[segment] = object();
      node = &properties[segment];
    }
  }
  return *node;
}

Json words(const std::string& text) {
  Json out = Json::array();
  std::istringstream stream(text);
  for (std::string word; stream >> word;) out.push_back(word);
  return out;
}

Json parameter(const ParameterInfo& info) {
  Json out;
  std::string ignored;
  if (info.unit != Unit::none) {
    out["type"] = "string";
    out["pattern"] = pattern_of(info.unit);
    out["default"] = info.default_value;
  } else if (info.type == "integer" || info.type == "number") {
    const bool integer = info.type == "integer";
    out["type"] = info.type;
    constexpr double kLargest = 9.2e18;
    const auto bound = [&](double b) { return integer ? Json(static_cast<std::int64_t>(b)) : Json(b); };
    if (info.range.min > (integer ? -kLargest : -std::numeric_limits<double>::max()))
      out["minimum"] = bound(info.range.min);
    if (info.range.max < (integer ? kLargest : std::numeric_limits<double>::max()))
      out["maximum"] = bound(info.range.max);
    if (integer) {
      if (const auto value = parse_integer(info.default_value, Unit::none, ignored)) out["default"] = *value;
    } else if (const auto value = parse_number(info.default_value, Unit::none, ignored)) {
      out["default"] = *value;
    }
  } else if (info.type == "boolean") {
    out["type"] = "boolean";
    out["default"] = info.default_value == "true";
  } else if (info.type == "choice") {
    out["enum"] = info.choices;
    out["default"] = info.default_value;
  } else if (info.type == "list") {
    out["type"] = {"array", "string"};
    out["items"] = {{"type", {"string", "number", "boolean"}}};
    out["default"] = words(info.default_value);
  } else {
    out["type"] = {"string", "number", "boolean"};
    out["default"] = info.default_value;
  }
  std::string description = info.doc;
  if (info.unit != Unit::none) {
    description += " (" + std::string(dimension_of(info.unit)) + ", " +
                   format_range(info.unit, info.range, info.type == "integer") + ")";
  }
  if (!info.source.empty()) description += "\nSource: " + info.source;
  out["description"] = description;
  return out;
}

}  // namespace

std::string json_schema(const Description& description, const std::string& title, bool extends) {
  Json root = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  root.update(object());
  if (extends) {
    root["properties"]["extends"] = {{"type", "string"},
                                     {"description", "name or file of what this file is laid over"}};
  }
  for (const SectionInfo& section : description.sections) {
    Json& node = node_at(root, section.path);
    if (!section.doc.empty()) node["description"] = section.doc;
    if (section.kind == SectionInfo::Kind::open) node["additionalProperties"] = true;
    if (section.kind == SectionInfo::Kind::entries) node_at(root, section.path + ".*");
    if (section.kind == SectionInfo::Kind::list) node_at(root, section.path + ".[]");
  }
  for (const ParameterInfo& info : description.parameters) {
    Json& node = node_at(root, info.path);
    if (node.contains("anyOf")) {
      node["anyOf"].push_back(parameter(info));
    } else if (node.contains("description")) {  // of a workload: another kind means something else by the name
      node = Json{{"anyOf", Json::array({node, parameter(info)})}};
    } else {
      node = parameter(info);
    }
  }
  return root.dump(2) + "\n";
}

}  // namespace cowosim::platforms::config
