#include "telemetry/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>

#include "core/error.h"

namespace cowosim::telemetry {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;

class RunDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / ("cowosim_" + std::to_string(::getpid()) + "_" +
                                              ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  static std::vector<std::string> names(const fs::path& directory) {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory)) found.insert(entry.path().filename().string());
    return {found.begin(), found.end()};
  }
  static std::string content(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  static void put(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  static std::string error_of(const fs::path& target, bool force) {
    try {
      RunDirectory directory(target, force);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
  static void make_run(const fs::path& target, const std::string& text, bool force = false) {
    RunDirectory directory(target, force);
    directory.write("run.json", text);
    directory.commit();
  }

  fs::path root_;
};

TEST_F(RunDirectoryTest, AppearsWholeAtCommit) {
  const fs::path target = root_ / "runs" / "one";
  RunDirectory directory(target, false);
  directory.write("run.json", "{}\n");
  std::ofstream(directory.path("stats.csv")) << "rows\n";
  EXPECT_FALSE(fs::exists(target));
  EXPECT_EQ(directory.commit(), target);
  EXPECT_THAT(names(root_ / "runs"), ElementsAre("one"));
  EXPECT_THAT(names(target), ElementsAre("run.json", "stats.csv"));
  EXPECT_EQ(content(target / "stats.csv"), "rows\n");
}

TEST_F(RunDirectoryTest, WithoutCommitNothingIsLeft) {
  {
    RunDirectory directory(root_ / "one", false);
    directory.write("run.json", "{}\n");
  }
  EXPECT_THAT(names(root_), IsEmpty());
}

TEST_F(RunDirectoryTest, ARunIsNotOverwritten) {
  make_run(root_ / "one", "first");
  EXPECT_THAT(error_of(root_ / "one", false),
              EndsWith("one: error: holds a run: choose another --out, or --force to replace it"));
  EXPECT_THAT(error_of(root_ / "one/", false),
              EndsWith("one: error: holds a run: choose another --out, or --force to replace it"));
  EXPECT_EQ(content(root_ / "one" / "run.json"), "first");
  EXPECT_THAT(names(root_), ElementsAre("one"));
}

TEST_F(RunDirectoryTest, ForceReplacesTheRunAndKeepsWhatIsNotOurs) {
  make_run(root_ / "one", "first");
  put(root_ / "one" / "report.html", "old");
  put(root_ / "one" / "notes.md", "mine");
  make_run(root_ / "one", "second", true);
  EXPECT_THAT(names(root_), ElementsAre("one"));
  EXPECT_THAT(names(root_ / "one"), ElementsAre("notes.md", "run.json"));
  EXPECT_EQ(content(root_ / "one" / "run.json"), "second");
  EXPECT_EQ(content(root_ / "one" / "notes.md"), "mine");
}

TEST_F(RunDirectoryTest, ForceWithoutCommitLeavesTheOldRun) {
  make_run(root_ / "one", "first");
  {
    RunDirectory directory(root_ / "one", true);
    directory.write("run.json", "second");
  }
  EXPECT_EQ(content(root_ / "one" / "run.json"), "first");
  EXPECT_THAT(names(root_), ElementsAre("one"));
}

TEST_F(RunDirectoryTest, OnlyRunsAreEverReplaced) {
  fs::create_directories(root_ / "precious");
  put(root_ / "precious" / "thesis.tex", "years");
  for (const bool force : {false, true})
    EXPECT_THAT(
        error_of(root_ / "precious", force),
        EndsWith("precious: error: is not empty and holds no run, so it is not replaced: choose another --out"));
  put(root_ / "file", "x");
  EXPECT_THAT(error_of(root_ / "file", true),
              EndsWith("file: error: exists and is not a directory: choose another --out"));
  EXPECT_EQ(error_of("", true), "error: the run's directory has no name: give one with --out");
  EXPECT_THAT(names(root_), ElementsAre("file", "precious"));
}

TEST_F(RunDirectoryTest, AnEmptyDirectoryIsUsed) {
  fs::create_directories(root_ / "empty");
  make_run(root_ / "empty", "first");
  EXPECT_EQ(content(root_ / "empty" / "run.json"), "first");
}

TEST_F(RunDirectoryTest, ARunThatAppearsMeanwhileIsNotOverwritten) {
  RunDirectory directory(root_ / "one", false);
  directory.write("run.json", "late");
  fs::create_directories(root_ / "one");
  put(root_ / "one" / "run.json", "early");
  EXPECT_THROW(directory.commit(), ConfigError);
  EXPECT_EQ(content(root_ / "one" / "run.json"), "early");
}

TEST_F(RunDirectoryTest, AParentThatIsAFileIsSaidSo) {
  put(root_ / "file", "x");
  EXPECT_THAT(error_of(root_ / "file" / "one", false), ::testing::HasSubstr("file: error: cannot be created: "));
}

TEST_F(RunDirectoryTest, AFileThatCannotBeWrittenIsAnError) {
  RunDirectory directory(root_ / "one", false);
  EXPECT_THROW(directory.write("no/such/folder.csv", "x"), ConfigError);
}

TEST_F(RunDirectoryTest, SingleFilesAreReplacedWhole) {
  put(root_ / "report.html", "old");
  write_file_atomically(root_ / "report.html", "new");
  EXPECT_EQ(content(root_ / "report.html"), "new");
  EXPECT_THAT(names(root_), ElementsAre("report.html"));
  EXPECT_THROW(write_file_atomically(root_ / "missing" / "report.html", "new"), ConfigError);
}

}  // namespace
}  // namespace cowosim::telemetry
