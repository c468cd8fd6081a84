#include "platforms/config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/config/support.h"

namespace cowosim::platforms::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> errors_in(const std::string& text) {
  Diagnostics diagnostics;
  parse_yaml(text, "p.yaml", diagnostics);
  return lines_of(diagnostics);
}

TEST(Yaml, EveryNodeKnowsItsPlace) {
  Diagnostics diagnostics;
  const Value root = parse_yaml("a: 1\nb:\n  c: [x, \"y\"]\n  d:\n    - e: 5ns\n", "p.yaml", diagnostics);
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  ASSERT_EQ(root.kind, Value::Kind::map);
  EXPECT_EQ(to_string(root.at("a")->origin), "p.yaml:1:4");
  EXPECT_EQ(root.at("a")->text, "1");
  EXPECT_EQ(to_string(root.members[1].origin), "p.yaml:2:1");
  EXPECT_EQ(to_string(root.at("b.c")->origin), "p.yaml:3:6");
  EXPECT_EQ(to_string(root.at("b.c.1")->origin), "p.yaml:3:10");
  EXPECT_TRUE(root.at("b.c.1")->quoted);
  EXPECT_FALSE(root.at("b.c.0")->quoted);
  EXPECT_EQ(to_string(root.at("b.d.0.e")->origin), "p.yaml:5:10");
  EXPECT_EQ(root.at("b.d.1.e"), nullptr);
  EXPECT_EQ(root.at("b.c.x"), nullptr);
  EXPECT_EQ(root.at("a.c"), nullptr);
}

TEST(Yaml, DuplicateKeys) {
  EXPECT_THAT(errors_in("a: 1\nb: 2\na: 3\n"),
              ElementsAre("p.yaml:3:1: error: a: is given twice, first in line 1; keep one"));
  EXPECT_THAT(errors_in("h:\n  t: {x: 1, x: 2}\n"),
              ElementsAre("p.yaml:2:13: error: h.t.x: is given twice, first in line 2; keep one"));
  EXPECT_THAT(errors_in("h:\n  - x: 1\n    x: 2\n"),
              ElementsAre("p.yaml:3:5: error: h.0.x: is given twice, first in line 2; keep one"));
  EXPECT_THAT(errors_in("a: 1\n\"a\": 3\n"),
              ElementsAre("p.yaml:2:1: error: a: is given twice, first in line 1; keep one"));
}

TEST(Yaml, WhatIsNotAccepted) {
  EXPECT_THAT(
      errors_in("a: &x 1\nb: *x\n"),
      ElementsAre("p.yaml:1:4: error: a: anchors ('&name') are not accepted; write the value out, or share it between "
                  "files with 'extends:'",
                  "p.yaml:2:4: error: b: aliases ('*name') are not accepted; write the value out, or share it between "
                  "files with 'extends:'"));
  EXPECT_THAT(
      errors_in("b:\n  <<: {a: 1}\n"),
      ElementsAre("p.yaml:2:3: error: b.<<: merge keys ('<<') are not accepted; write the values out, or share them "
                  "between files with 'extends:'"));
  EXPECT_THAT(errors_in("a: !!str 1\n"),
              ElementsAre("p.yaml:1:4: error: a: tags ('!name') are not accepted; leave it out"));
  EXPECT_THAT(errors_in("? [a, b]\n: 1\n"), ElementsAre("p.yaml:1:3: error: a list cannot be a key; expected a name"));
  EXPECT_THAT(errors_in("? {a: b}\n: 1\nc: 2\n"),
              ElementsAre("p.yaml:1:3: error: a section cannot be a key; expected a name"));
  EXPECT_THAT(errors_in("~: 1\n"), ElementsAre("p.yaml:1:1: error: a key is missing before ':'"));
  EXPECT_THAT(errors_in("\"\": 1\n"), ElementsAre("p.yaml:1:1: error: an empty key; expected a name"));
  EXPECT_THAT(errors_in("a: 1\n---\nb: 2\n"),
              ElementsAre("p.yaml:2:1: error: holds more than one YAML document; expected one"));
}

TEST(Yaml, WhatIsNoConfiguration) {
  EXPECT_THAT(errors_in(""), ElementsAre("p.yaml:1:1: error: is empty; expected 'name: value' lines"));
  EXPECT_THAT(errors_in("# nothing\n\n"), ElementsAre("p.yaml:1:1: error: is empty; expected 'name: value' lines"));
  EXPECT_THAT(errors_in("---\n"), ElementsAre("p.yaml:1:1: error: is empty; expected 'name: value' lines"));
  EXPECT_THAT(errors_in("- a\n- b\n"),
              ElementsAre("p.yaml:1:1: error: holds a list as a whole; expected 'name: value' lines"));
  EXPECT_THAT(errors_in("\nhello\n"),
              ElementsAre("p.yaml:2:1: error: holds a single value as a whole; expected 'name: value' lines"));
  EXPECT_THAT(errors_in(std::string("a: 1\nb: \x7f"
                                    "ELF")),
              ElementsAre("p.yaml:2:4: error: byte 0x7f is a control character; expected YAML in UTF-8"));
  EXPECT_THAT(errors_in(std::string("a\0b", 3)),
              ElementsAre("p.yaml:1:2: error: byte 0x00 is a control character; expected YAML in UTF-8"));
  EXPECT_THAT(errors_in("\xff\xfe"
                        "a"),
              ElementsAre("p.yaml:1:1: error: byte 0xff is not valid UTF-8; expected YAML in UTF-8"));
  EXPECT_THAT(errors_in("a: \xc3"),
              ElementsAre("p.yaml:1:4: error: byte 0xc3 is not valid UTF-8; expected YAML in UTF-8"));
  EXPECT_THAT(errors_in(std::string(kMaxFileBytes + 1, '#')),
              ElementsAre("p.yaml:1:1: error: is larger than 8MiB, the largest configuration file accepted"));
  EXPECT_THAT(errors_in("a: " + std::string(70, '[') + std::string(70, ']')),
              ElementsAre("p.yaml:1:67: error: not valid YAML: nested deeper than 64 levels"));
}

TEST(Yaml, SyntaxErrorsHaveAPlace) {
  const auto error = [](const std::string& text) {
    const std::vector<std::string> lines = errors_in(text);
    EXPECT_EQ(lines.size(), 1u);
    return lines.empty() ? "" : lines[0];
  };
  EXPECT_EQ(
      error("a: 1\n b: 2\n"),
      "p.yaml:2:3: error: not valid YAML: illegal map value; check the indentation, and quote texts that hold ': '");
  EXPECT_EQ(
      error("a: b: c\n"),
      "p.yaml:1:5: error: not valid YAML: illegal map value; check the indentation, and quote texts that hold ': '");
  EXPECT_EQ(error("a:\n\tb: 1\n"),
            "p.yaml:2:3: error: not valid YAML: illegal map value; tabs cannot indent, use spaces");
  EXPECT_EQ(error("a: [1, 2\nb: 3\n"), "p.yaml:2:2: error: not valid YAML: end of sequence flow not found");
  EXPECT_EQ(error("a: {x: 1\n"), "p.yaml:2:1: error: not valid YAML: end of map flow not found");
  EXPECT_EQ(error("a: @x\n"),
            "p.yaml:1:4: error: not valid YAML: unknown token; quote texts that begin with a special character");
  EXPECT_EQ(error("a: \"x\nb: 2\n"), "p.yaml:1:4: error: not valid YAML: the quote opened here is never closed");
  EXPECT_EQ(error("a: 'it''s\n"), "p.yaml:1:4: error: not valid YAML: the quote opened here is never closed");
  EXPECT_EQ(error("\"a: 1\n"), "p.yaml:1:1: error: not valid YAML: the quote opened here is never closed");
  EXPECT_EQ(error("a: \"x\\\"\n"), "p.yaml:1:4: error: not valid YAML: the quote opened here is never closed");
  EXPECT_THAT(errors_in("a: \"x\\\"\\\\\"\nb: 'it''s'\nc: \"two\n  lines\"\n"), IsEmpty());
}

TEST(Yaml, FilesThatCannotBeRead) {
  const TemporaryDirectory directory;
  Diagnostics diagnostics;
  EXPECT_EQ(read_yaml(directory.path() / "none.yaml", diagnostics).kind, Value::Kind::null);
  read_yaml(directory.path(), diagnostics);
  EXPECT_THAT(lines_of(diagnostics),
              ElementsAre((directory.path() / "none.yaml").string() + ": error: no such file",
                          directory.path().string() + ": error: is a directory; expected a YAML file"));
  Diagnostics endless;
  read_yaml("/dev/zero", endless);
  EXPECT_THAT(lines_of(endless),
              ElementsAre("/dev/zero:1:1: error: is larger than 8MiB, the largest configuration file accepted"));
  Diagnostics empty;
  read_yaml("/dev/null", empty);
  EXPECT_THAT(lines_of(empty), ElementsAre("/dev/null:1:1: error: is empty; expected 'name: value' lines"));
}

TEST(Yaml, ByteOrderMarkAndCarriageReturns) {
  Diagnostics diagnostics;
  const Value root = parse_yaml(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: text\r\n",
      "p.yaml", diagnostics);
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  EXPECT_EQ(root.at("b")->text, "text");
}

TEST(Yaml, NullsSpelledOutRemove) {
  Diagnostics diagnostics;
  const Value root =
      parse_yaml("a:\nb: ~\nc: null\nd: {e: null, f: , g: null}\nh:\nnull_like: 1\ni:\n  null\nj: nullable\n", "p.yaml",
                 diagnostics);
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  EXPECT_FALSE(root.at("a")->removes);
  EXPECT_TRUE(root.at("b")->removes);
  EXPECT_TRUE(root.at("c")->removes);
  EXPECT_TRUE(root.at("d.e")->removes);
  EXPECT_FALSE(root.at("d.f")->removes);
  EXPECT_TRUE(root.at("d.g")->removes);
  EXPECT_FALSE(root.at("h")->removes);
  EXPECT_TRUE(root.at("i")->removes);
  EXPECT_EQ(root.at("j")->text, "nullable");
}

TEST(Overlay, MapsMergeTheRestReplaces) {
  Diagnostics diagnostics;
  Value base = parse_yaml("a: 1\nb: {c: 2, d: 3}\nl: [1, 2]\ng: {h: 1}\n", "base.yaml", diagnostics);
  const Value over = parse_yaml("b: {d: 4, e: 5}\nl: [9]\ng: null\n", "over.yaml", diagnostics);
  overlay(base, over, "", diagnostics);
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  EXPECT_EQ(to_yaml(base, true),
            "a: 1  # base.yaml:1:4\nb:\n  c: 2  # base.yaml:2:8\n  d: 4  # over.yaml:1:8\n  e: 5  # over.yaml:1:14\n"
            "l: [9]  # over.yaml:2:4\n");
}

TEST(Overlay, NothingToRemove) {
  Diagnostics diagnostics;
  Value base = parse_yaml("a: {b: 1}\n", "base.yaml", diagnostics);
  overlay(base, parse_yaml("a: {c: null}\n", "over.yaml", diagnostics), "", diagnostics);
  EXPECT_THAT(
      lines_of(diagnostics),
      ElementsAre(
          "over.yaml:1:8: error: a.c: null removes what the extended file holds, but that holds no such thing"));
}

TEST(Writer, WhatIsWrittenReadsBack) {
  Value root = Value::map();
  const std::vector<std::string> texts{
      "plain",  "two words", "48ns",   "1",    "0x1F", "1e3", "true",       "yes", "null", "~",
      "",       " lead",     "trail ", "a: b", "a #b", "- x", "[a]",        "{a}", "'q'",  "\"q\"",
      "a\\b",   "new\nline", "tab\t",  "\x01", "*x",   "&x",  "!x",         "%x",  "@x",   "`x",
      "--- x",  "...",       "a,b",    "-",    "-5",   "?",   "? x",        ":",   "ä",    ".inf",
      "../a b", "x=3 (y)",   "=",      "<<",   "|",    ">",   "2026-11-22", "+",   "-a",   "NaN"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    root.members.push_back({"k" + std::to_string(i), Origin(), Value::scalar(texts[i], {}, true)});
    root.members.push_back({texts[i] + "key", Origin(), Value::scalar("1")});
  }
  Value list = Value::list();
  for (const std::string& text : texts) list.items.push_back(Value::scalar(text, {}, true));
  root.members.push_back({"list", Origin(), list});
  for (const bool origins : {false, true}) {
    Diagnostics diagnostics;
    const std::string text = to_yaml(root, origins);
    const Value back = parse_yaml(text, "p.yaml", diagnostics);
    ASSERT_THAT(lines_of(diagnostics), IsEmpty()) << text;
    ASSERT_EQ(back.members.size(), root.members.size());
    for (std::size_t i = 0; i < root.members.size(); ++i) {
      EXPECT_EQ(back.members[i].name, root.members[i].name);
      EXPECT_EQ(back.members[i].value.text, root.members[i].value.text);
    }
    ASSERT_EQ(back.members.back().value.items.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(back.members.back().value.items[i].text, texts[i]);
  }
}

TEST(Writer, NestedListsAndEmptySections) {
  Diagnostics diagnostics;
  const std::string text = "a: {}\nb: []\nc:\n  -\n    x: 1\n    y: [p, q]\n  - {}\nd: null\n";
  EXPECT_EQ(to_yaml(parse_yaml(text, "p.yaml", diagnostics)), text);
  EXPECT_EQ(to_yaml(Value::map()), "{}\n");
}

TEST(Writer, Json) {
  Diagnostics diagnostics;
  const Value root =
      parse_yaml("a: 1\nb: 0.5\nc: true\nd: 48ns\ne: '1'\nf: [x, 2]\ng: {h: ~}\n", "p.yaml", diagnostics);
  EXPECT_EQ(to_json(root),
            "{\n  \"a\": 1,\n  \"b\": 0.5,\n  \"c\": true,\n  \"d\": \"48ns\",\n  \"e\": \"1\",\n  \"f\": [\n    "
            "\"x\",\n    2\n  "
            "],\n  \"g\": {\n    \"h\": null\n  }\n}\n");
}

}  // namespace
}  // namespace cowosim::platforms::config
