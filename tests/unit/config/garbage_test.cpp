// Whatever a file holds, reading it ends with values or with errors that have a place: never with a crash, a hang or
// another exception.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/random.h"
#include "platforms/config/schema.h"
#include "platforms/config/search_path.h"
#include "unit/config/support.h"

namespace cowosim::platforms::config {
namespace {

constexpr const char* kSeeds[] = {
    "description: two stacks\ncapacity: 96GB\nhbm:\n  queue_entries: 64\n  page_policy: closed\n  address_map: [bank, "
    "row]\n"
    "  timing: {t_rcd: 15ns, rate: 5.23Gb/s}\nlinks:\n  left: {from: die_0, bandwidth: 2TB/s}\n  right:\n    enabled: "
    "false\n"
    "steps:\n  - share: 0.25\n  - {}\n",
    "a: &x [1, \"two\", 'three']\nb: *x\n? {c: d}\n: |\n  literal\n  text\n<<: >-\n  folded\n!tag e: !!int 3\n---\nf: "
    "~\n...\n",
};
const std::string kAlphabet = "{}[]:,-?&*!|>%@`\"'#~ \n\t\r\\ab0.5ns\xC3\xA4\x01<=";

std::string mutate(std::string text, SplitMix64& random) {
  const std::uint64_t changes = 1 + bounded(random.next(), 8);
  for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = bounded(random.next(), text.size());
    const std::size_t length = 1 + bounded(random.next(), 12);
    switch (bounded(random.next(), 6)) {
      case 0:
        text[at] = kAlphabet[bounded(random.next(), kAlphabet.size())];
        break;
      case 1:
        text.insert(at, 1, kAlphabet[bounded(random.next(), kAlphabet.size())]);
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(bounded(random.next(), text.size()), length));
        break;
      case 4:
        text.insert(at, std::string(length * 10, kAlphabet[bounded(random.next(), kAlphabet.size())]));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

void read_all_ways(const std::string& text) {
  SCOPED_TRACE(text);
  const Reading reading(text);
  for (const std::string& error : reading.errors) {
    ASSERT_EQ(error.find('\n'), std::string::npos) << error;
    ASSERT_EQ(error.compare(0, 7, "p.yaml:"), 0) << error;
    ASSERT_NE(error.find(": error: "), std::string::npos) << error;
  }
  // What was understood can be written and reads back as the same.
  const Reading again(to_yaml(reading.resolved, true));
  ASSERT_TRUE(again.errors.empty()) << again.errors[0];
  ASSERT_EQ(to_yaml(again.resolved), to_yaml(reading.resolved));
  // So can a tree as it is, whatever it holds.
  Diagnostics diagnostics;
  const Value tree = parse_yaml(text, "p.yaml", diagnostics);
  if (tree.kind != Value::Kind::map) return;
  Diagnostics second;
  const Value back = parse_yaml(to_yaml(tree), "q.yaml", second);
  ASSERT_TRUE(second.empty()) << to_string(second.list()[0]) << "\n" << to_yaml(tree);
  ASSERT_EQ(to_yaml(back), to_yaml(tree));
  to_json(tree);
}

TEST(Garbage, MutatedFilesNeverCrash) {
  SplitMix64 random(4);
  for (int i = 0; i < 6'000; ++i) {
    read_all_ways(mutate(kSeeds[bounded(random.next(), 2)], random));
    if (HasFatalFailure()) return;
  }
}

TEST(Garbage, RandomTextNeverCrashes) {
  SplitMix64 random(5);
  for (int i = 0; i < 6'000; ++i) {
    std::string text;
    const std::uint64_t length = bounded(random.next(), 80);
    for (std::uint64_t k = 0; k < length; ++k) text += kAlphabet[bounded(random.next(), kAlphabet.size())];
    read_all_ways(text);
    if (HasFatalFailure()) return;
  }
}

TEST(Garbage, RandomBytesNeverCrash) {
  SplitMix64 random(6);
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    const std::uint64_t length = bounded(random.next(), 200);
    for (std::uint64_t k = 0; k < length; ++k) text += static_cast<char>(random.next());
    read_all_ways(text);
    if (HasFatalFailure()) return;
  }
}

TEST(Garbage, DeepAndWideFilesEnd) {
  for (const char* piece :
       {"[", "{", "- ", "? ", "{a: ", "[[a,", "a: [", "&a ", "!", "\"", "'", "| ", "%", "- - ", "a: {b: ", "]", "}"}) {
    std::string text = "k: ";
    while (text.size() < 20'000) text += piece;
    Diagnostics diagnostics;
    parse_yaml(text, "p.yaml", diagnostics);
    EXPECT_FALSE(diagnostics.empty() && std::string(piece) != "| ") << piece;
  }
}

TEST(Garbage, OverridesNeverCrash) {
  SplitMix64 random(7);
  for (int i = 0; i < 5'000; ++i) {
    const std::string set = mutate(i % 2 == 0 ? "hbm.timing.t_rcd=[a, {b: 15ns}]" : "links.*.from=\"x\"", random);
    const Reading reading("links: {a: {}}\n", {set});
    for (const std::string& error : reading.errors) ASSERT_EQ(error.compare(0, 7, "--set:1"), 0) << error;
  }
}

}  // namespace
}  // namespace cowosim::platforms::config
