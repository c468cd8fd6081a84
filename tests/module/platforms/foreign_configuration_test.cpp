// What a platform file, or the user's sc_main, can get wrong about foreign models.
#include "core/error.h"
#include "support/foreign_models.h"

namespace {

using namespace cowosim;
using namespace cowosim::test;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

std::string error_of(const std::string& text) {
  try {
    Package package("package_0", platform(text));
    return "none";
  } catch (const ConfigError& error) {
    return error.what();
  }
}
/// At this line and column of the file.
auto at(int line, int column) {
  return HasSubstr(".yaml:" + std::to_string(line) + ":" + std::to_string(column) + ": error: ");
}

const std::string kGpu = "extends: h100_sxm5\nforeign:\n";
const std::string kMemory = "extends: reference/hbm3_6400\nforeign:\n";

TEST(ForeignConfiguration, WhereAModelMayStand) {
  EXPECT_THAT(error_of(kGpu + "  npu: {role: initiator}\n"),
              AllOf(at(3, 8), HasSubstr("foreign.npu"), HasSubstr("at")));
  EXPECT_THAT(error_of(kGpu + "  npu: {at: die_0, in_place_of: die_0}\n"), AllOf(at(3, 8), HasSubstr("either")));
  EXPECT_THAT(error_of(kGpu + "  npu: {at: die_7}\n"), AllOf(at(3, 13), HasSubstr("'die_7'"), HasSubstr("die_0")));
  EXPECT_THAT(error_of(kGpu + "  npu: {in_place_of: die_1}\n"), AllOf(at(3, 22), HasSubstr("die_0")));
  EXPECT_THAT(error_of(kGpu + "  npu: {in_place_of: hbm_stack_0}\n"), AllOf(at(3, 22), HasSubstr("die_0")))
      << "an initiator is no memory";
  EXPECT_THAT(error_of(kGpu + "  dram: {role: target, in_place_of: die_0}\n"),
              AllOf(at(3, 37), HasSubstr("hbm_stack_")));
  EXPECT_THAT(error_of(kGpu + "  dram: {role: target, in_place_of: hbm_stack_5}\n"),
              AllOf(at(3, 37), HasSubstr("hbm_stack_4")));
  EXPECT_THAT(
      error_of(kGpu + "  a: {role: target, in_place_of: hbm_stack_1}\n  b: {role: target, in_place_of: hbm_stack_1}\n"),
      AllOf(at(4, 34), HasSubstr("hbm_stack_1")));
  EXPECT_THAT(error_of(kMemory + "  cpu: {at: die_0}\n"), AllOf(at(3, 13), HasSubstr("hbm")));
  EXPECT_THAT(error_of(kMemory + "  cpu: {at: off_package}\n"), AllOf(at(3, 13), HasSubstr("die")));
  EXPECT_THAT(error_of(kGpu + "  a: {in_place_of: die_0}\n  b: {at: die_0}\n"),
              AllOf(HasSubstr("foreign.b.at"), at(4, 11)));
  EXPECT_THAT(error_of("extends: reference/mesh\nforeign:\n  npu: {at: hbm}\n"), AllOf(at(3, 8), HasSubstr("fabric")));
}

TEST(ForeignConfiguration, RegionsOfTargets) {
  EXPECT_THAT(error_of(kGpu + "  device: {role: target, at: die_0}\n"),
              AllOf(HasSubstr("size"), HasSubstr("foreign.device")));
  EXPECT_THAT(error_of(kGpu + "  device: {role: target, at: die_0, base: 1GiB, size: 4KiB}\n"),
              AllOf(at(3, 43), HasSubstr("foreign.device.base"), HasSubstr("overlaps all")));
  EXPECT_THAT(error_of(kGpu + "  device: {role: target, at: die_0, base: 80GiB, size: 4KiB}\n"), "none");
  EXPECT_THAT(error_of(kGpu + "  a: {role: target, at: die_0, base: 256GiB, size: 4KiB}\n"
                              "  b: {role: target, at: die_0, base: 256GiB, size: 8KiB}\n"),
              AllOf(at(4, 38), HasSubstr("foreign.b.base"), HasSubstr("overlaps a")));
}

TEST(ForeignConfiguration, ACrossingIsNoQuickerThanTheWindow) {
  const std::string error = error_of(kGpu + "  npu: {at: die_0, crossing_latency: 2ns}\n");
  EXPECT_THAT(error, HasSubstr("npu"));
  EXPECT_THAT(error, HasSubstr("2 ns"));
  EXPECT_THAT(error, ContainsRegex("window of [0-9.]+ ns, which [a-z_0-9.]+ sets"));
}

TEST(ForeignConfiguration, AWorkloadNeedsItsCores) {
  RunOptions options = platform(kGpu + "  npu: {in_place_of: die_0}\n");
  options.workloads = {{"stream", "stream"}};
  try {
    Package package("package_0", options);
    FAIL() << "nothing thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("in place of die_0"));
  }
}

TEST(ForeignConfiguration, NamesAndNumbersOfSockets) {
  Package package("package_0", platform(kGpu + "  npu: {at: die_0, sockets: 2}\n"));
  const auto message = [](const std::function<void()>& body) {
    try {
      body();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(message([&] { package.target_socket("nup"); }), AllOf(HasSubstr("'nup'"), HasSubstr("npu")));
  EXPECT_THAT(message([&] { package.initiator_socket("npu"); }), HasSubstr("no foreign target"));
  EXPECT_THAT(message([&] { package.target_socket("npu", 2); }), AllOf(HasSubstr("npu"), HasSubstr("0 to 1")));
  EXPECT_THAT(message([&] { package.target_socket("npu", -1); }), HasSubstr("0 to 1"));
  EXPECT_EQ(message([&] { package.target_socket<64>("npu", 0); }), "none");
  EXPECT_THAT(message([&] { package.target_socket<32>("npu", 0); }), HasSubstr("another bus width"));
  EXPECT_EQ(&package.target_socket<64>("npu", 0), &package.target_socket<64>("npu", 0));
}

TEST(ForeignConfiguration, ASocketNobodyAskedForIsNamed) {
  Package package("package_0", platform(kGpu + "  npu: {at: die_0, sockets: 2}\n"));
  Thread thread("thread", [](Thread&) {});
  thread.socket.bind(package.target_socket("npu", 0));
  try {
    sc_core::sc_start();
    FAIL() << "nothing thrown";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("npu"), HasSubstr("socket 1")));
  }
}

TEST(ForeignConfiguration, ATargetNobodyBoundIsNamed) {
  Package package("package_0", platform(kGpu + "  dram: {role: target, in_place_of: hbm_stack_0}\n"));
  try {
    sc_core::sc_start();
    FAIL() << "nothing thrown";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("dram"), HasSubstr("socket 0")));
  }
}

}  // namespace
