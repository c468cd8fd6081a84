#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/nearest.h"

namespace cowosim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Error, OneLineEach) {
  EXPECT_EQ(to_string(Diagnostic{"a.yaml", 3, 7, "hbm.rate", "wrong; expected right"}),
            "a.yaml:3:7: error: hbm.rate: wrong; expected right");
  EXPECT_EQ(to_string(Diagnostic{"a.yaml", 0, 0, "", "no such file"}), "a.yaml: error: no such file");
  EXPECT_EQ(to_string(Diagnostic{"", 0, 0, "", "'x' is not a known platform"}), "error: 'x' is not a known platform");
  EXPECT_EQ(to_string(Diagnostic{"a\nb", 1, 1, "p\tq", "x\x01y\n"}), "a\\nb:1:1: error: p\\tq: x\\x01y\\n");
}

TEST(Error, OriginsAreReadable) {
  EXPECT_EQ(to_string(Origin{"a.yaml", 3, 7}), "a.yaml:3:7");
  EXPECT_EQ(to_string(Origin{"--set", 2, 10}), "--set:2:10");
  EXPECT_EQ(to_string(Origin{}), "default");
}

TEST(Error, CarriesAllDiagnosticsInOrder) {
  Diagnostics diagnostics;
  EXPECT_NO_THROW(diagnostics.throw_if_any());
  diagnostics.add({"b.yaml", 9, 1, "", "third"});
  diagnostics.add({"a.yaml", 1, 1, "", "fourth"});
  diagnostics.add({"b.yaml", 2, 5, "", "second"});
  diagnostics.add({"b.yaml", 2, 1, "", "first"});
  try {
    diagnostics.throw_if_any();
    FAIL() << "nothing thrown";
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.diagnostics().size(), 4u);
    EXPECT_STREQ(
        e.what(),
        "b.yaml:2:1: error: first\nb.yaml:2:5: error: second\nb.yaml:9:1: error: third\na.yaml:1:1: error: fourth");
  }
}

TEST(Error, QuotesAreShortAndPrintable) {
  EXPECT_EQ(quote("48ns"), "'48ns'");
  EXPECT_EQ(quote("a\nb"), "'a\\nb'");
  EXPECT_EQ(quote(std::string(100, 'x')), "'" + std::string(60, 'x') + "...'");
  EXPECT_EQ(quote(std::string(59, 'x') + "\xC3\xA4" + "tail"), "'" + std::string(59, 'x') + "...'");
}

TEST(Nearest, EditDistance) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("raed", "read"), 1u);  // neighbours swapped
  EXPECT_EQ(edit_distance("read", "read"), 0u);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> names{"read_queue_entries", "write_queue_entries", "page_policy", "h100_sxm5",
                                       "h200_sxm"};
  EXPECT_THAT(nearest("read_quee_entries", names), ElementsAre("read_queue_entries"));
  EXPECT_THAT(nearest("Page_Policy", names), ElementsAre("page_policy"));
  EXPECT_THAT(nearest("h100", names), ElementsAre("h100_sxm5"));
  EXPECT_THAT(nearest("zzz", names), IsEmpty());
  EXPECT_THAT(nearest("", names), IsEmpty());
  EXPECT_THAT(nearest("queue.height", {"hbm.height", "hbm.width"}), ElementsAre("hbm.height"));
}

TEST(Nearest, Words) {
  EXPECT_EQ(did_you_mean("opne", {"open", "closed"}), "; did you mean 'open'?");
  EXPECT_EQ(did_you_mean("zzz", {"open", "closed"}), "");
  EXPECT_EQ(did_you_mean("hbm_9", {"hbm_0", "hbm_1", "hbm_2", "hbm_3"}), "; did you mean 'hbm_0', 'hbm_1' or 'hbm_2'?");
  EXPECT_EQ(enumerate({"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(enumerate({"a", "b", "c"}, 2), "a, b ... (1 more)");
}

}  // namespace
}  // namespace cowosim
