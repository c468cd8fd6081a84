// Package as a guest in somebody's SystemC program. One elaboration a process; ctest gives each test its own.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <systemc>
#include <vector>

#include "core/error.h"
#include "platforms/package.h"

namespace {

using cowosim::Package;
using cowosim::RunOptions;
using testing::HasSubstr;

RunOptions options(const std::string& platform, const std::string& workload, std::vector<std::string> settings) {
  RunOptions result;
  result.platform = platform;
  result.workloads = {{workload, workload}};
  result.settings = std::move(settings);
  result.check = true;
  return result;
}
RunOptions gpu() { return options("h100_sxm5", "stream", {"workload.footprint=256KiB"}); }
RunOptions channel() {
  return options("reference/hbm3_6400", "random_access", {"workload.footprint=1MiB", "workload.count=500"});
}

/// What a package gives when it has a process to itself. Call before anything of SystemC happens in this one.
std::uint64_t hash_alone(const RunOptions& run) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    Package package("alone", run);
    sc_core::sc_start();
    const std::uint64_t hash = package.completion_hash();
    _exit(write(ends[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
  }
  close(ends[1]);
  std::uint64_t hash = 0;
  EXPECT_EQ(read(ends[0], &hash, sizeof hash), static_cast<ssize_t>(sizeof hash));
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return hash;
}

/// A foreign model: a clocked method that notes when it runs.
class Edges : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Edges);
  explicit Edges(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_METHOD(note);
    sensitive << clock.pos();
    dont_initialize();
  }
  sc_core::sc_in<bool> clock{"clock"};
  std::vector<sc_core::sc_time> times;

 private:
  void note() { times.push_back(sc_core::sc_time_stamp()); }
};

/// Ends the simulation when every package has ended, at the same time.
class Stopper : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Stopper);
  Stopper(const sc_core::sc_module_name& name, std::vector<const Package*> packages)
      : sc_module(name), packages_(std::move(packages)) {
    SC_THREAD(wait_for_all);
  }

 private:
  void wait_for_all() {
    sc_core::sc_event_and_list all;
    for (const Package* package : packages_) all &= package->ended();
    wait(all);
    sc_core::sc_stop();
  }
  std::vector<const Package*> packages_;
};

TEST(Package, RunsToItsEndAndSaysWhatItMeasured) {
  Package package("package_0", gpu());
  EXPECT_EQ(package.status(), cowosim::engine::Status::running);
  sc_core::sc_start();
  EXPECT_EQ(package.status(), cowosim::engine::Status::completed);
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_NO_THROW(package.rethrow());
  const cowosim::telemetry::Results results = package.results();
  EXPECT_EQ(results.bytes, 256u << 10);
  EXPECT_EQ(results.completion_hash, package.completion_hash());
  EXPECT_EQ(cowosim::telemetry::broken_invariants(results), std::vector<std::string>());
}

TEST(Package, RunsAtFlitPrecision) {
  RunOptions run = gpu();
  run.settings.push_back("dies.*.network.precision=flit");
  Package package("package_0", run);
  sc_core::sc_start();
  EXPECT_EQ(package.status(), cowosim::engine::Status::completed);
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_NO_THROW(package.rethrow());
  EXPECT_EQ(package.results().bytes, 256u << 10);
}

TEST(Package, MemoryHoldsWhatWasLoadedAndWrittenAndNoTimeChanges) {
  const std::uint64_t without = hash_alone(channel());
  const std::string file = testing::TempDir() + "cowosim_memory_" + std::to_string(getpid()) + ".bin";
  std::ofstream(file) << "hello";
  RunOptions run = channel();
  run.settings.insert(run.settings.end(), {"memory.data=sparse", "memory.load=" + file + "@64KiB"});
  Package package("package_0", run);
  std::remove(file.c_str());
  ASSERT_NE(package.memory(), nullptr);
  EXPECT_EQ(package.memory()->capacity(), package.memory_map().capacity());
  package.memory()->write(5, reinterpret_cast<const unsigned char*>("x"), 1);
  sc_core::sc_start();
  EXPECT_EQ(package.completion_hash(), without);
  const Package& finished = package;
  std::string text(6, '?');
  finished.memory()->read(64 << 10, reinterpret_cast<unsigned char*>(text.data()), text.size());
  EXPECT_EQ(text, std::string("hello\0", 6));
  finished.memory()->read(0, reinterpret_cast<unsigned char*>(text.data()), text.size());
  EXPECT_EQ(text, std::string("\0\0\0\0\0x", 6));
  EXPECT_EQ(finished.memory()->pages(), 2u) << "traffic of our own models touches none";
}

TEST(Package, ZerosThatAreLoadedTakeNoMemory) {
  const std::string file = testing::TempDir() + "cowosim_zeros_" + std::to_string(getpid()) + ".bin";
  std::ofstream(file) << std::string(1 << 20, '\0') << "end";
  RunOptions run = channel();
  run.settings.insert(run.settings.end(), {"memory.data=sparse", "memory.load=" + file + "@0"});
  const Package package("package_0", run);
  std::remove(file.c_str());
  EXPECT_EQ(package.memory()->pages(), 1u) << "of its end";
}

TEST(Package, MemoryHoldsNothingUnlessAskedTo) {
  Package package("package_0", channel());
  EXPECT_EQ(package.memory(), nullptr);
}

TEST(Package, TwoInOneProcessGiveWhatEachGivesAlone) {
  const std::uint64_t gpu_alone = hash_alone(gpu());
  const std::uint64_t channel_alone = hash_alone(channel());
  Package package_0("package_0", gpu());
  Package package_1("package_1", channel());
  Package package_2("package_2", gpu());
  sc_core::sc_start();
  EXPECT_EQ(package_0.completion_hash(), gpu_alone);
  EXPECT_EQ(package_1.completion_hash(), channel_alone);
  EXPECT_EQ(package_2.completion_hash(), gpu_alone);
  EXPECT_NE(gpu_alone, channel_alone);
}

TEST(Package, AClockedMethodBesideItIsNotDisturbedAndDisturbsNothing) {
  const std::uint64_t alone = hash_alone(gpu());
  const sc_core::sc_time period(0.7, sc_core::SC_NS);
  sc_core::sc_clock clock("clock", period);
  Edges edges("edges");
  edges.clock(clock);
  Package package("package_0", gpu());
  Stopper stopper("stopper", {&package});
  sc_core::sc_start();
  EXPECT_EQ(package.completion_hash(), alone);
  ASSERT_GT(edges.times.size(), 1000u);
  for (std::size_t i = 0; i < edges.times.size(); ++i) {
    ASSERT_EQ(edges.times[i].value(), i * period.value()) << "edge " << i;
  }
  // The package ended when it says, not when the clock or a window happened to come by.
  const cowosim::Time end = package.results().run.simulated;
  EXPECT_EQ(sc_core::sc_time_stamp().value(), static_cast<std::uint64_t>(end));
  EXPECT_GE(edges.times.back() + period, sc_core::sc_time_stamp());
}

TEST(Package, MayBeRunInSteps) {
  const std::uint64_t alone = hash_alone(gpu());
  Package package("package_0", gpu());
  for (int i = 0; i < 10 && package.status() == cowosim::engine::Status::running; ++i) {
    sc_core::sc_start(sc_core::sc_time(333, sc_core::SC_NS));
  }
  EXPECT_EQ(package.status(), cowosim::engine::Status::completed);
  EXPECT_EQ(package.completion_hash(), alone);
}

TEST(Package, ObjectsAreFoundByTheirPlace) {
  Package package("package_0", gpu());
  for (const char* name : {"package_0.die_0.core_0", "package_0.die_0.slice_79", "package_0.die_0.network",
                           "package_0.hbm_stack_4.phy", "package_0.hbm_stack_3.channel_12"}) {
    EXPECT_NE(sc_core::sc_find_object(name), nullptr) << name;
  }
  EXPECT_EQ(sc_core::sc_find_object("package_0.hbm_stack_5"), nullptr);
}

TEST(Package, WhatIsWrongWithTheConfigurationIsThrownAtOnce) {
  RunOptions bad = gpu();
  bad.settings = {"hbm.stakcs=4", "workload.footprint=64"};
  try {
    Package package("package_0", bad);
    FAIL() << "a package was built from nonsense";
  } catch (const cowosim::ConfigError& error) {
    EXPECT_EQ(error.diagnostics().size(), 2u);
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'hbm.stacks'?"));
    EXPECT_THAT(error.what(), HasSubstr("has no unit"));
  }
}

TEST(Package, WhatIsWrongWithATraceIsThrownAfterwards) {
  const std::string file = testing::TempDir() + "/cowosim_package_test.csv";
  std::ofstream(file) << "time_ns,op,address,bytes\n10,R,0,32\n5,R,0,32\n";
  Package package("package_0", options("reference/hbm3_6400", "trace", {"workload.file=" + file}));
  sc_core::sc_start();
  EXPECT_THROW(package.rethrow(), cowosim::ConfigError);
  std::remove(file.c_str());
}

}  // namespace
