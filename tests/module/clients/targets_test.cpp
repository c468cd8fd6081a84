// The Accellera examples' targets behind a package's sockets: in place of a stack, under the package's own traffic and under a
// foreign initiator with data, and as a region at a die.
//
// What is theirs, and not held against the bridge:
// - memory.cpp takes an access that ends with its last byte for one beyond it: memories here have a spare word.
// - at_target_*.cpp do not implement transport_dbg and say so in a warning; they move no bytes, as 11.3.1 of IEEE 1666-2011 has it for
//   a target that cannot. lt_*.cpp leave it to their socket, which does the same without a word.
// - at_target_1_phase.cpp returns TLM_COMPLETED without looking whether a response of its own is still without END_RESP. That stands
//   for a BEGIN_RESP and breaks 15.2.3 i; it comes to that only with an initiator that takes its time for END_RESP.
#include <at_target_1_phase.h>
#include <at_target_2_phase.h>
#include <at_target_4_phase.h>
#include <gmock/gmock.h>
#include <lt_dmi_target.h>
#include <lt_synch_target.h>
#include <lt_target.h>
#include <select_initiator.h>

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "module/clients/example_reports.h"
#include "module/clients/generator.h"
#include "module/clients/package_of.h"

namespace {

using cowosim::kNanosecond;
using cowosim::Package;
using cowosim::clients::ExampleReports;
using cowosim::clients::Generator;
using cowosim::clients::only_stream;
using cowosim::clients::platform_of;
using cowosim::engine::Status;

constexpr std::uint64_t kFootprint = 64 << 10;
constexpr double kAccept = 10, kRead = 50, kWrite = 30;  // ns

sc_core::sc_time ns(double t) { return {t, sc_core::SC_NS}; }

template <class Target>
std::unique_ptr<Target> memory_of(std::uint64_t bytes) {
  return std::make_unique<Target>("ram", 201, "memory_socket", bytes + 4, 4, ns(kAccept), ns(kRead), ns(kWrite));
}

template <class Target>
constexpr bool kIsBlocking = std::is_same_v<Target, lt_target> || std::is_same_v<Target, lt_synch_target> ||
                             std::is_same_v<Target, lt_dmi_target>;

/// The type of its reports.
template <class Target>
const char* const kFile = "";
template <>
const char* const kFile<at_target_1_phase> = "at_target_1_phase.cpp";
template <>
const char* const kFile<at_target_2_phase> = "at_target_2_phase.cpp";
template <>
const char* const kFile<at_target_4_phase> = "at_target_4_phase.cpp";

template <class Target>
std::string transport() {
  return kIsBlocking<Target> ? "transport: blocking" : "transport: nonblocking";
}

/// What a target's memory holds, read through its own b_transport, in no time. Not of lt_synch_target, which waits.
template <class Target>
std::uint32_t word_in(Target& target, std::uint64_t address) {
  std::uint32_t word = 0;
  tlm::tlm_generic_payload payload;
  payload.set_read();
  payload.set_address(address);
  payload.set_data_ptr(reinterpret_cast<unsigned char*>(&word));
  payload.set_data_length(4);
  payload.set_streaming_width(4);
  sc_core::sc_time delay;
  target.m_memory_socket.get_base_export()->b_transport(payload, delay);
  EXPECT_TRUE(payload.is_response_ok()) << payload.get_response_string();
  return word;
}

// ---- In place of a stack -------------------------------------------------------------------------------------------

/// Reads and writes of the package's own, in place of the only stack: all answered, in no less than the target's time.
template <class Target>
void under_package_traffic(const std::string& further = "") {
  ExampleReports reports;
  Package package("package_0",
                  platform_of("extends: reference/hbm3_6400\nforeign: {ram: {role: target, in_place_of: hbm_stack_0, "
                              "crossing_latency: 20ns, " +
                                  transport<Target>() + further + "}}\n",
                              "random_access",
                              {"own.footprint=64KiB", "own.read_fraction=0.5", "own.count=2000", "own.rate=1GB/s"}));
  const auto target = memory_of<Target>(kFootprint);
  package.initiator_socket("ram").bind(target->m_memory_socket);
  sc_core::sc_start();
  package.rethrow();
  EXPECT_EQ(package.status(), Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  const auto stream = only_stream(package, "own");
  EXPECT_EQ(stream.transactions, 2000u);
  EXPECT_GT(stream.reads, 800u);
  EXPECT_GT(stream.writes, 800u);
  const auto external = stream.stages[static_cast<std::size_t>(cowosim::Stage::external)];
  EXPECT_GT(static_cast<double>(external.sum) / 2000, (2 * 20 + kAccept) * kNanosecond);
}

TEST(TargetsInPlaceOfAStack, OnePhase) { under_package_traffic<at_target_1_phase>(); }
TEST(TargetsInPlaceOfAStack, TwoPhases) { under_package_traffic<at_target_2_phase>(); }
TEST(TargetsInPlaceOfAStack, FourPhases) { under_package_traffic<at_target_4_phase>(); }
TEST(TargetsInPlaceOfAStack, TwoPhasesWithALateEndOfTheResponse) {
  under_package_traffic<at_target_2_phase>(", response_delay: 3ns");
}
TEST(TargetsInPlaceOfAStack, FourPhasesWithALateEndOfTheResponse) {
  under_package_traffic<at_target_4_phase>(", response_delay: 3ns");
}
TEST(TargetsInPlaceOfAStack, LooselyTimed) { under_package_traffic<lt_target>(); }
TEST(TargetsInPlaceOfAStack, Synchronising) { under_package_traffic<lt_synch_target>(); }
TEST(TargetsInPlaceOfAStack, DirectMemory) { under_package_traffic<lt_dmi_target>(); }

/// at_target_1_phase completes a request early while an earlier response of its own still waits for its END_RESP.
TEST(TargetsInPlaceOfAStack, OnePhaseWithALateEndOfTheResponseIsNamed) {
  ExampleReports reports;
  Package package("package_0",
                  platform_of("extends: reference/hbm3_6400\nforeign: {ram: {role: target, in_place_of: hbm_stack_0, "
                              "response_delay: 3ns}}\n",
                              "random_access", {"own.footprint=64KiB", "own.count=2000", "own.rate=1GB/s"}));
  const auto target = memory_of<at_target_1_phase>(kFootprint);
  package.initiator_socket("ram").bind(target->m_memory_socket);
  sc_core::sc_start();
  EXPECT_EQ(package.status(), Status::broken);
  EXPECT_THAT(package.violations(), testing::Contains(testing::AllOf(testing::StartsWith("foreign model ram: "),
                                                                     testing::HasSubstr("15.2.3 i"))));
}

/// Memory that is smaller than what is asked of it says so, and the run ends with its name.
TEST(TargetsInPlaceOfAStack, TooSmallIsNamed) {
  ExampleReports reports;
  reports.expect_warning("memory.cpp", "address");
  Package package("package_0", platform_of("extends: reference/hbm3_6400\nforeign: {ram: {role: target, in_place_of: "
                                           "hbm_stack_0}}\n",
                                           "random_access", {"own.footprint=64KiB", "own.count=2000"}));
  const auto target = memory_of<at_target_2_phase>(kFootprint / 2);
  package.initiator_socket("ram").bind(target->m_memory_socket);
  sc_core::sc_start();
  EXPECT_EQ(package.status(), Status::broken);
  EXPECT_THAT(package.violations(),
              testing::Contains(testing::AllOf(testing::HasSubstr("foreign model ram answers"),
                                               testing::HasSubstr("TLM_ADDRESS_ERROR_RESPONSE"))));
}

/// A foreign initiator's bytes arrive in the target.
template <class Target>
void under_a_foreign_initiator() {
  ExampleReports reports;
  if (!kIsBlocking<Target>) reports.expect_warning(kFile<Target>, "DBG(debug) not implemented");
  Package package("package_0",
                  platform_of("extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign:\n  cpu: {at: hbm, "
                              "crossing_latency: 20ns}\n  ram: {role: target, in_place_of: hbm_stack_0, "
                              "crossing_latency: 20ns, " +
                              transport<Target>() + "}\n"));
  Generator<select_initiator> generator("generator", 0x100, 0x2000, 8, ns(7));
  const auto target = memory_of<Target>(kFootprint);
  generator.socket.bind(package.target_socket("cpu"));
  package.initiator_socket("ram").bind(target->m_memory_socket);
  sc_core::sc_start();
  package.stop();
  package.rethrow();
  EXPECT_EQ(package.status(), Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_EQ(reports.finished(), 1);
  EXPECT_EQ(only_stream(package, "cpu").transactions, generator.kAccesses);
  if constexpr (!std::is_same_v<Target, lt_synch_target>) {
    for (std::uint64_t i = 0; i < generator.kWords; ++i) {
      EXPECT_EQ(word_in(*target, 0x100 + 4 * i), static_cast<std::uint32_t>(0x100 + 4 * i));
      EXPECT_EQ(word_in(*target, 0x2000 + 4 * i), ~static_cast<std::uint32_t>(0x2000 + 4 * i));
    }
  }
}

TEST(TargetsInPlaceOfAStack, OnePhaseKeepsWhatWasWritten) { under_a_foreign_initiator<at_target_1_phase>(); }
TEST(TargetsInPlaceOfAStack, TwoPhasesKeepWhatWasWritten) { under_a_foreign_initiator<at_target_2_phase>(); }
TEST(TargetsInPlaceOfAStack, FourPhasesKeepWhatWasWritten) { under_a_foreign_initiator<at_target_4_phase>(); }
TEST(TargetsInPlaceOfAStack, LooselyTimedKeepsWhatWasWritten) { under_a_foreign_initiator<lt_target>(); }
TEST(TargetsInPlaceOfAStack, SynchronisingUnderAForeignInitiator) { under_a_foreign_initiator<lt_synch_target>(); }
TEST(TargetsInPlaceOfAStack, DirectMemoryKeepsWhatWasWritten) { under_a_foreign_initiator<lt_dmi_target>(); }

// ---- As a region at a die ------------------------------------------------------------------------------------------

/// A foreign initiator reaches it over the die's network; its bytes travel with the transactions, and come from nowhere else.
template <class Target>
void as_a_region() {
  constexpr std::uint64_t kBase = std::uint64_t{1} << 40;
  ExampleReports reports;
  Package package("package_0",
                  platform_of("extends: h100_sxm5\nforeign:\n  cpu: {at: die_0, crossing_latency: 50ns}\n  ram: {role: "
                              "target, at: die_0, base: 1TiB, size: 64KiB, crossing_latency: 50ns, " +
                              transport<Target>() + "}\n"));
  Generator<select_initiator> generator("generator", kBase + 0x100, kBase + 0x2000, 8, ns(7));
  const auto target = memory_of<Target>(kFootprint);
  generator.socket.bind(package.target_socket("cpu"));
  package.initiator_socket("ram").bind(target->m_memory_socket);
  sc_core::sc_start();
  package.stop();
  package.rethrow();
  EXPECT_EQ(package.status(), Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_EQ(reports.finished(), 1);
  const auto stream = only_stream(package, "cpu");
  EXPECT_EQ(stream.transactions, generator.kAccesses);
  EXPECT_GE(stream.latency.min, (4 * 50 + kAccept + kWrite) * kNanosecond);
  if constexpr (!std::is_same_v<Target, lt_synch_target>) {
    EXPECT_EQ(word_in(*target, 0x100 + 60), static_cast<std::uint32_t>(0x100 + 60));
    EXPECT_EQ(word_in(*target, 0x2000 + 60), ~static_cast<std::uint32_t>(0x2000 + 60));
  }
}

TEST(TargetsAtADie, OnePhase) { as_a_region<at_target_1_phase>(); }
TEST(TargetsAtADie, TwoPhases) { as_a_region<at_target_2_phase>(); }
TEST(TargetsAtADie, FourPhases) { as_a_region<at_target_4_phase>(); }
TEST(TargetsAtADie, LooselyTimed) { as_a_region<lt_target>(); }
TEST(TargetsAtADie, Synchronising) { as_a_region<lt_synch_target>(); }
TEST(TargetsAtADie, DirectMemory) { as_a_region<lt_dmi_target>(); }

}  // namespace
