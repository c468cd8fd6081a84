#include "platforms/config/search_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "unit/config/support.h"

namespace cowosim::platforms::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string failure(const std::string& name, const SearchPath& search) {
  Diagnostics diagnostics;
  try {
    load(name, search, diagnostics);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(SearchPath, FindsByNameInOrder) {
  const TemporaryDirectory first, second;
  first.write("a.yaml", "x: 1\n");
  second.write("a.yaml", "x: 2\n");
  second.write("reference/b.yaml", "x: 3\n");
  second.write("notes.txt", "");
  const SearchPath search("platform", {first.path(), second.path(), second.path() / "missing"});
  EXPECT_THAT(search.names(), ElementsAre("a", "reference/b"));
  Diagnostics diagnostics;
  EXPECT_EQ(load("a", search, diagnostics).at("x")->text, "1");
  EXPECT_EQ(load("reference/b", search, diagnostics).at("x")->text, "3");
  EXPECT_EQ(load((second.path() / "a.yaml").string(), search, diagnostics).at("x")->text, "2");
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
}

TEST(SearchPath, UnknownNamesHaveNeighbours) {
  const TemporaryDirectory directory;
  directory.write("h100_sxm5.yaml", "x: 1\n");
  directory.write("reference/hbm3_6400.yaml", "x: 1\n");
  const SearchPath search("platform", {directory.path()});
  EXPECT_EQ(failure("h100_smx5", search), "error: 'h100_smx5' is not a known platform; did you mean 'h100_sxm5'?");
  EXPECT_EQ(failure("hbm3_6400", search),
            "error: 'hbm3_6400' is not a known platform; did you mean 'reference/hbm3_6400'?");
  EXPECT_EQ(failure("zebra", search),
            "error: 'zebra' is not a known platform; expected one of h100_sxm5, reference/hbm3_6400, or a .yaml file");
  EXPECT_EQ(failure("", search),
            "error: '' is not a known platform; expected one of h100_sxm5, reference/hbm3_6400, or a .yaml file");
  EXPECT_EQ(failure("zebra.yaml", search), "error: 'zebra.yaml' does not exist; expected the file of a platform");
  EXPECT_EQ(failure("zebra", SearchPath("workload", {})), "error: 'zebra' is not a known workload; none was found");
}

TEST(SearchPath, IncludeThenEnvironmentThenBuiltIn) {
  const TemporaryDirectory include, path, data;
  data.write("platforms/presets/a.yaml", "x: 1\n");
  setenv("COWOSIM_DATA", data.path().c_str(), 1);
  setenv("COWOSIM_PATH", (path.path().string() + "::/nowhere").c_str(), 1);
  const SearchPath search = SearchPath::standard("platform", {include.path().string()}, "platforms/presets");
  EXPECT_THAT(search.directories(),
              ElementsAre(include.path(), path.path(), "/nowhere", data.path() / "platforms/presets"));
  EXPECT_EQ(data_directory(), data.path());
  setenv("COWOSIM_DATA", "/nowhere", 1);
  EXPECT_THROW(data_directory(), ConfigError);
  unsetenv("COWOSIM_DATA");
  unsetenv("COWOSIM_PATH");
  EXPECT_EQ(data_directory({"/nowhere", "", data.path()}), data.path());
  EXPECT_EQ(data_directory({"/nowhere"}), std::nullopt);
}

TEST(Extends, OverlaysByNameAndByFile) {
  const TemporaryDirectory directory;
  directory.write("built_in/base.yaml", "a: 1\nb: {c: 2, d: 3}\n");
  directory.write("built_in/middle.yaml", "extends: base\nb: {c: 4}\n");
  const std::string top = directory.write("mine/top.yaml", "extends: ../mine/near.yaml\na: 9\n");
  directory.write("mine/near.yaml", "extends: middle\ne: 5\n");
  const SearchPath search("platform", {directory.path() / "built_in"});
  Diagnostics diagnostics;
  const Value tree = load(top, search, diagnostics);
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  EXPECT_EQ(to_yaml(tree), "a: 9\nb:\n  c: 4\n  d: 3\ne: 5\n");
  EXPECT_EQ(tree.at("b.d")->origin.file, (directory.path() / "built_in/base.yaml").string());
}

TEST(Extends, Errors) {
  const TemporaryDirectory directory;
  const std::string d = directory.path().string();
  directory.write("a.yaml", "extends: b\n");
  directory.write("b.yaml", "x: 1\nextends: a\n");
  directory.write("self.yaml", "extends: ./self.yaml\n");
  directory.write("list.yaml", "extends: [a, b]\n");
  directory.write("empty.yaml", "extends:\n");
  directory.write("typo.yaml", "extends: lisst\n");
  directory.write("gone.yaml", "extends: ./gone/x.yaml\n");
  directory.write("onto_broken.yaml", "extends: broken\n");
  directory.write("broken.yaml", "a: [\n");
  const SearchPath search("platform", {directory.path()});
  EXPECT_EQ(failure("a", search), d + "/b.yaml:2:10: error: extends: extends itself: a.yaml -> b.yaml -> a.yaml");
  EXPECT_EQ(failure("self", search), d + "/self.yaml:1:10: error: extends: extends itself: self.yaml -> self.yaml");
  EXPECT_EQ(failure("typo", search),
            d + "/typo.yaml:1:10: error: extends: 'lisst' is not a known platform; did you mean 'list'?");
  EXPECT_EQ(failure("gone", search), d + "/gone.yaml:1:10: error: extends: '" + quote(d + "/./gone/x.yaml").substr(1) +
                                         " does not exist; expected the file of a platform");
  EXPECT_EQ(failure("onto_broken", search).substr(0, d.size() + 12), d + "/broken.yaml");
  Diagnostics diagnostics;
  load("list", search, diagnostics);
  load("empty", search, diagnostics);
  EXPECT_THAT(
      lines_of(diagnostics),
      ElementsAre(d + "/list.yaml:1:10: error: extends: is a list; expected the name or file of what this extends",
                  d + "/empty.yaml:1:1: error: extends: is nothing; expected the name or file of what this extends"));
}

TEST(SetFile, IsLikeManySets) {
  const TemporaryDirectory directory;
  const std::string file =
      directory.write("s.yaml", "hbm:\n  queue_entries: 8\n  timing: {t_rcd: 20ns}\nlinks.*.from: die_7\n");
  Diagnostics diagnostics;
  Overrides overrides;
  overrides.set("hbm.queue_entries=9", diagnostics);
  overrides.set_file(file, diagnostics);
  PackageParams params;
  const Value tree = parse_yaml("links: {a: {}}\n", "p.yaml", diagnostics);
  const Value resolved = apply(params, tree, "", overrides, diagnostics);
  overrides.finish(diagnostics);
  EXPECT_THAT(lines_of(diagnostics), IsEmpty());
  EXPECT_EQ(params.hbm.queue_entries, 9);
  EXPECT_EQ(params.hbm.timing.t_rcd, 20 * kNanosecond);
  EXPECT_EQ(params.links[0].from, "die_7");
  EXPECT_EQ(to_string(resolved.at("hbm.timing.t_rcd")->origin), file + ":3:19");
}

}  // namespace
}  // namespace cowosim::platforms::config
