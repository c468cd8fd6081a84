// The Accellera examples' initiators in front of a package that keeps data. They compare what they read with what they wrote.
#include <at_initiator_annotated.h>
#include <at_initiator_explicit.h>
#include <gmock/gmock.h>
#include <lt_dmi_initiator.h>
#include <lt_initiator.h>
#include <lt_td_initiator.h>
#include <select_initiator.h>

#include <string>

#include "module/clients/example_reports.h"
#include "module/clients/generator.h"
#include "module/clients/package_of.h"

namespace {

using cowosim::Package;
using cowosim::clients::ExampleReports;
using cowosim::clients::Generator;
using cowosim::clients::only_stream;
using cowosim::clients::platform_of;
using cowosim::engine::Status;

const sc_core::sc_time kEndResponse(7, sc_core::SC_NS);  // as in their own tops

constexpr std::uint64_t kFirst = 0x1000;
constexpr std::uint64_t kSecond = 0x20000;

const std::string kMemory = "extends: reference/hbm3_6400\nmemory: {data: sparse}\n";
const std::string kAtMemory = kMemory + "foreign: {cpu: {at: hbm, crossing_latency: 20ns, port_latency: 5ns}}\n";
const std::string kAtDie =
    "extends: h100_sxm5\nmemory: {data: sparse}\nforeign: {cpu: {at: die_0, crossing_latency: 50ns}}\n";

/// Runs the traffic through foreign.cpu to its end: every access has gone through the package, and memory holds what was written.
template <class Initiator, class... Delay>
void drive(const std::string& platform, unsigned outstanding, double shortest_ns, Delay... delay) {
  ExampleReports reports;
  Package package("package_0", platform_of(platform));
  Generator<Initiator> generator("generator", kFirst, kSecond, outstanding, delay...);
  generator.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  package.rethrow();
  EXPECT_EQ(package.status(), Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_EQ(reports.finished(), 1);

  const auto stream = only_stream(package, "cpu");
  EXPECT_EQ(stream.transactions, generator.kAccesses);
  EXPECT_EQ(stream.reads, generator.kAccesses / 2);
  EXPECT_EQ(stream.writes, generator.kAccesses / 2);
  EXPECT_GE(stream.latency.min, shortest_ns * cowosim::kNanosecond);
  for (std::uint64_t i = 0; i < generator.kWords; ++i) {
    std::uint32_t word = 0;
    package.memory()->read(kFirst + 4 * i, reinterpret_cast<unsigned char*>(&word), 4);
    EXPECT_EQ(word, static_cast<std::uint32_t>(kFirst + 4 * i));
    package.memory()->read(kSecond + 4 * i, reinterpret_cast<unsigned char*>(&word), 4);
    EXPECT_EQ(word, ~static_cast<std::uint32_t>(kSecond + 4 * i));
  }
}

constexpr double kCrossings = 2 * 20;     // of kAtMemory; a write's response is its acceptance
constexpr double kDieCrossings = 2 * 50;  // of kAtDie

TEST(Initiators, SelectAtMemory) { drive<select_initiator>(kAtMemory, 8, kCrossings, kEndResponse); }
TEST(Initiators, SelectAtDie) { drive<select_initiator>(kAtDie, 8, kDieCrossings, kEndResponse); }
TEST(Initiators, ExplicitAtMemory) { drive<at_initiator_explicit>(kAtMemory, 8, kCrossings, kEndResponse); }
TEST(Initiators, ExplicitAtDie) { drive<at_initiator_explicit>(kAtDie, 8, kDieCrossings, kEndResponse); }
TEST(Initiators, AnnotatedAtMemory) { drive<at_initiator_annotated>(kAtMemory, 8, kCrossings, kEndResponse); }
TEST(Initiators, AnnotatedAtDie) { drive<at_initiator_annotated>(kAtDie, 8, kDieCrossings, kEndResponse); }
TEST(Initiators, LooselyTimedAtMemory) { drive<lt_initiator>(kAtMemory, 2, kCrossings); }
TEST(Initiators, LooselyTimedAtDie) { drive<lt_initiator>(kAtDie, 2, kDieCrossings); }
TEST(Initiators, TemporallyDecoupledAtMemory) { drive<lt_td_initiator>(kAtMemory, 2, kCrossings); }
TEST(Initiators, TemporallyDecoupledAtDie) { drive<lt_td_initiator>(kAtDie, 2, kDieCrossings); }
/// Direct memory is refused: timing is approximate.
TEST(Initiators, DirectMemoryAtMemory) { drive<lt_dmi_initiator>(kAtMemory, 2, kCrossings); }
TEST(Initiators, DirectMemoryAtDie) { drive<lt_dmi_initiator>(kAtDie, 2, kDieCrossings); }

/// END_REQ on the backward path, and later than the next request would like to go.
TEST(Initiators, FourPhasesUnderBackPressure) {
  drive<at_initiator_explicit>(kMemory +
                                   "foreign: {cpu: {at: hbm, crossing_latency: 20ns, port_latency: 5ns, "
                                   "accept_delay: 3ns, max_outstanding: 2}}\n",
                               8, kCrossings, kEndResponse);
}
TEST(Initiators, SelectedPhasesUnderBackPressure) {
  drive<select_initiator>(kMemory +
                              "foreign: {cpu: {at: hbm, crossing_latency: 20ns, port_latency: 5ns, "
                              "accept_delay: 3ns, max_outstanding: 2}}\n",
                          8, kCrossings, kEndResponse);
}

/// In a declared loosely-timed mode the first access gets a pointer, and the others of its page use it.
TEST(Initiators, DirectMemoryIsUsedWhereItIsGranted) {
  ExampleReports reports;
  Package package("package_0",
                  platform_of(kMemory + "foreign: {cpu: {at: hbm, crossing_latency: 20ns, timing: loose}}\n"));
  Generator<lt_dmi_initiator> generator("generator", kFirst, kSecond, 2);
  generator.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  EXPECT_EQ(package.status(), Status::completed) << package.reason();
  EXPECT_EQ(reports.finished(), 1);
  EXPECT_EQ(package.foreign_initiator("cpu").loosely_timed_accesses(), 2u);  // one for each page
  std::uint32_t word = 0;
  package.memory()->read(kSecond + 60, reinterpret_cast<unsigned char*>(&word), 4);
  EXPECT_EQ(word, ~static_cast<std::uint32_t>(kSecond + 60));
}

/// The generators see what they claim to see: with no bytes kept, reads return nothing that was written.
TEST(Initiators, TheGeneratorFindsWrongData) {
  ExampleReports reports;
  Package package("package_0", platform_of("extends: reference/hbm3_6400\nforeign: {cpu: {at: hbm}}\n"));
  Generator<select_initiator> generator("generator", kFirst, kSecond, 8, kEndResponse);
  generator.socket.bind(package.target_socket("cpu"));
  try {
    sc_core::sc_start();
    FAIL() << "nothing was found";
  } catch (const sc_core::sc_report& report) {
    EXPECT_STREQ(report.get_msg_type(), "traffic_generator.cpp");
    EXPECT_THAT(report.get_msg(), testing::HasSubstr("Memory read data ERROR"));
  }
  EXPECT_EQ(reports.finished(), 0);
}

}  // namespace
