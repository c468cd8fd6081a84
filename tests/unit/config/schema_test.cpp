#include "platforms/config/schema.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/config/support.h"

namespace cowosim::platforms::config {
namespace {

/// What is expected of a path in the schema, read back with this room's own YAML reader (JSON is YAML).
class Schema : public ::testing::Test {
 protected:
  Schema() {
    Diagnostics diagnostics;
    text_ = json_schema(describe_all(PackageParams()), "platform", true);
    root_ = parse_yaml(text_, "schema.json", diagnostics);
    EXPECT_TRUE(diagnostics.empty()) << lines_of(diagnostics)[0];
  }
  std::string at(const std::string& path) const {
    const Value* value = root_.at(path);
    return value != nullptr ? value->text : "absent";
  }
  std::string text_;
  Value root_;
};

TEST_F(Schema, IsStrict) {
  EXPECT_NE(text_.find("\"$schema\": \"https://json-schema.org/draft/2020-12/schema\""), std::string::npos);
  EXPECT_EQ(at("additionalProperties"), "false");
  EXPECT_EQ(at("properties.hbm.additionalProperties"), "false");
  EXPECT_EQ(at("properties.hbm.properties.timing.additionalProperties"), "false");
  EXPECT_EQ(at("properties.links.additionalProperties.additionalProperties"), "false");
  EXPECT_EQ(at("properties.steps.items.additionalProperties"), "false");
  EXPECT_EQ(at("properties.extends.type"), "string");
}

TEST_F(Schema, DescribesParameters) {
  EXPECT_EQ(at("properties.hbm.properties.queue_entries.type"), "integer");
  EXPECT_EQ(at("properties.hbm.properties.queue_entries.minimum"), "1");
  EXPECT_EQ(at("properties.hbm.properties.queue_entries.maximum"), "4096");
  EXPECT_EQ(at("properties.hbm.properties.queue_entries.default"), "32");
  EXPECT_EQ(at("properties.hbm.properties.queue_entries.description"),
            "entries\nSource: assumption [16, 128]: typical");
  EXPECT_EQ(at("properties.hbm.properties.page_policy.enum.1"), "closed");
  EXPECT_EQ(at("properties.hbm.properties.timing.properties.t_rcd.default"), "14ns");
  EXPECT_EQ(at("properties.hbm.properties.timing.properties.t_rcd.pattern"),
            R"(^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? ?(fs|ps|ns|us|ms|s)$)");
  EXPECT_EQ(at("properties.hbm.properties.timing.properties.t_rcd.description"),
            "activate to column command (a time, 1ns to 1us)\nSource: JESD238");
  EXPECT_EQ(at("properties.links.additionalProperties.properties.enabled.type"), "boolean");
  EXPECT_EQ(at("properties.links.description"), "links by name");
  EXPECT_EQ(at("properties.steps.type"), "array");
  EXPECT_EQ(at("properties.steps.items.properties.share.maximum"), "1.0");
}

TEST_F(Schema, WhatComesSeveralTimesMayBeAnyOfThem) {
  Description description;
  const auto add = [&](const char* type, Range range) {
    ParameterInfo info;
    info.path = "rate";
    info.type = type;
    info.range = range;
    info.doc = type;
    description.parameters.push_back(info);
  };
  add("integer", {1, 2});
  add("number", {3, 4});
  add("boolean", {0, 1});
  Diagnostics diagnostics;
  root_ = parse_yaml(json_schema(description, "any", false), "schema.json", diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(at("properties.rate.anyOf.0.maximum"), "2");
  EXPECT_EQ(at("properties.rate.anyOf.1.maximum"), "4.0");
  EXPECT_EQ(at("properties.rate.anyOf.2.type"), "boolean");
  EXPECT_EQ(at("properties.rate.type"), "absent");
}

TEST_F(Schema, AnOpenSectionMayHoldMoreThanIsKnown) {
  Description description;
  description.sections.push_back({"foreign.*.own", SectionInfo::Kind::open, "somebody else's"});
  ParameterInfo lanes;
  lanes.path = "foreign.*.own.lanes";
  lanes.type = "integer";
  description.parameters.push_back(lanes);
  Diagnostics diagnostics;
  root_ = parse_yaml(json_schema(description, "any", false), "schema.json", diagnostics);
  const std::string entry = "properties.foreign.additionalProperties.";
  EXPECT_EQ(at(entry + "additionalProperties"), "false");
  EXPECT_EQ(at(entry + "properties.own.additionalProperties"), "true");
  EXPECT_EQ(at(entry + "properties.own.description"), "somebody else's");
  EXPECT_EQ(at(entry + "properties.own.properties.lanes.type"), "integer");
}

}  // namespace
}  // namespace cowosim::platforms::config
