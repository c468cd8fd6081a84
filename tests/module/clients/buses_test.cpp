// A user's platform: the Accellera examples' buses between their initiators, a package and a memory of theirs.
//
// What is theirs, and not held against the bridge: SimpleBusAT takes any response of a target for the end of the request it is just
// sending there, and sends the next one. That breaks IEEE 1666-2011, 15.2.6 e, as soon as a target holds END_REQ back while it
// answers an earlier request, and the checker names it; a bridge that accepts at once never lets it come to that.
#include <at_initiator_explicit.h>
#include <at_target_2_phase.h>
#include <gmock/gmock.h>
#include <lt_dmi_initiator.h>
#include <lt_initiator.h>
#include <lt_target.h>
#include <select_initiator.h>

#include <cassert>
// They use assert and map without including them.
#include <map>
#include <string>

#include <SimpleBusAT.h>
#include <SimpleBusLT.h>

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

sc_core::sc_time ns(double t) { return {t, sc_core::SC_NS}; }

constexpr std::uint64_t kOther = 0x1000'0000;  // the bus's second target

std::string platform(const std::string& further) {
  return "extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign: {cpu: {at: hbm, crossing_latency: 20ns" +
         further + "}}\n";
}

/// Half of each generator's traffic is the package's.
template <class A, class B>
void check(Package& package, const ExampleReports& reports) {
  package.stop();
  package.rethrow();
  EXPECT_EQ(package.status(), Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_EQ(reports.finished(), 2);
  std::uint32_t word = 0;
  package.memory()->read(0x43c, reinterpret_cast<unsigned char*>(&word), 4);
  EXPECT_EQ(word, 0x43cu);
  EXPECT_EQ(package.foreign_initiator("cpu").loosely_timed_accesses() + only_stream(package, "cpu").transactions,
            std::uint64_t{Generator<A>::kAccesses / 2 + Generator<B>::kAccesses / 2});
}

TEST(Buses, ApproximatelyTimed) {
  ExampleReports reports;
  Package package("package_0", platform_of(platform("")));
  Generator<select_initiator> one("one", 0x0, kOther, 8, ns(7));
  Generator<at_initiator_explicit> two("two", 0x400, kOther + 0x400, 8, ns(9));
  at_target_2_phase memory("memory", 201, "memory_socket", 4096, 4, ns(10), ns(50), ns(30));
  SimpleBusAT<2, 2> bus("bus");
  one.socket.bind(bus.target_socket[0]);
  two.socket.bind(bus.target_socket[1]);
  bus.initiator_socket[0].bind(package.target_socket("cpu"));
  bus.initiator_socket[1].bind(memory.m_memory_socket);
  sc_core::sc_start();
  check<select_initiator, at_initiator_explicit>(package, reports);
}

TEST(Buses, LooselyTimedIntoAnApproximatelyTimedPackage) {
  ExampleReports reports;
  Package package("package_0", platform_of(platform("")));
  Generator<lt_initiator> one("one", 0x0, kOther, 2);
  Generator<lt_initiator> two("two", 0x400, kOther + 0x400, 2);
  lt_target memory("memory", 201, "memory_socket", 4096, 4, ns(10), ns(50), ns(30));
  SimpleBusLT<2, 2> bus("bus");
  one.socket.bind(bus.target_socket[0]);
  two.socket.bind(bus.target_socket[1]);
  bus.initiator_socket[0].bind(package.target_socket("cpu"));
  bus.initiator_socket[1].bind(memory.m_memory_socket);
  sc_core::sc_start();
  check<lt_initiator, lt_initiator>(package, reports);
}

TEST(Buses, TheBusThatForgetsARequestUnderBackPressureIsNamed) {
  ExampleReports reports;
  Package package("package_0", platform_of(platform(", max_outstanding: 2")));
  Generator<select_initiator> one("one", 0x0, 0x800, 8, ns(7));
  Generator<at_initiator_explicit> two("two", 0x400, 0xc00, 8, ns(9));
  SimpleBusAT<2, 1> bus("bus");
  one.socket.bind(bus.target_socket[0]);
  two.socket.bind(bus.target_socket[1]);
  bus.initiator_socket[0].bind(package.target_socket("cpu"));
  // The run ends, all that is under way is answered with an error, and a generator finds that.
  EXPECT_THROW(sc_core::sc_start(), sc_core::sc_report);
  EXPECT_EQ(package.status(), Status::broken);
  EXPECT_THAT(package.violations(), testing::Contains(testing::AllOf(testing::StartsWith("foreign model cpu: "),
                                                                     testing::HasSubstr("15.2.6 e"))));
}

}  // namespace
