// RTL drives a package at its clock, through pins. It checks its data itself and counts its own latencies in its own cycles.
#include <gmock/gmock.h>

#include <string>

#include "module/clients/package_of.h"
#include "module/clients/rtl/pins_to_tlm.h"

namespace {

using cowosim::kNanosecond;
using cowosim::Package;
using cowosim::clients::only_stream;
using cowosim::clients::PinsToTlm;
using cowosim::clients::platform_of;
using cowosim::engine::Status;

constexpr double kPeriod = 1.25;  // ns

std::string at_memory(const std::string& further = "") {
  return "extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign: {rtl: {at: hbm, crossing_latency: 20ns, "
         "port_latency: 5ns" +
         further + "}}\n";
}

/// Runs the RTL until the package has ended; the RTL says when it has nothing more to ask for.
struct Bench {
  Package package;
  sc_core::sc_clock clock{"clock", sc_core::sc_time(kPeriod, sc_core::SC_NS)};
  PinsToTlm tester;

  Bench(const std::string& platform, unsigned words, unsigned outstanding, unsigned mask)
      : package("package_0", platform_of(platform)), tester("tester", words, outstanding, mask) {
    tester.clock(clock);
    tester.socket.bind(package.target_socket("rtl"));
    tester.on_done = [this] { package.foreign_initiator("rtl").finish(); };
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&package.ended());
    sc_core::sc_spawn([] { sc_core::sc_stop(); }, "end", &options);
  }
  void run() {
    sc_core::sc_start(sc_core::sc_time(10, sc_core::SC_MS));
    package.rethrow();
    EXPECT_EQ(sc_core::sc_get_status(), sc_core::SC_STOPPED) << "the package has not ended";
    EXPECT_TRUE(tester.done.read());
  }
};

double fact(const Package& package, const std::string& key) {
  for (const auto& fact : package.facts())
    if (fact.key == key) return fact.value;
  ADD_FAILURE() << "no fact " << key;
  return 0;
}

/// All data were right; what the RTL has counted is what the package has measured, each access rounded up to the edge after it.
void check(const Bench& bench, unsigned words) {
  const PinsToTlm& tester = bench.tester;
  EXPECT_EQ(bench.package.status(), Status::completed) << bench.package.reason();
  EXPECT_THAT(bench.package.violations(), testing::IsEmpty());
  EXPECT_TRUE(tester.pass.read());
  EXPECT_EQ(tester.mismatches.read(), 0u);
  const auto stream = only_stream(bench.package, "rtl");
  EXPECT_EQ(stream.reads, words);
  EXPECT_EQ(stream.writes, words);
  const double measured = static_cast<double>(stream.latency.sum) / kNanosecond;
  const double counted = tester.latency_sum.read() * kPeriod;
  EXPECT_GT(counted, measured);
  EXPECT_LE(counted, measured + 2 * words * kPeriod);
}

/// The ways into memory and back, without anybody else, in cycles.
double unloaded(const Package& package, const std::string& key) { return (2 * 20 + 5 + fact(package, key)) / kPeriod; }

TEST(MemoryTester, OneAtATimeItSeesTheLatencyOfARowHit) {
  Bench bench(at_memory(), 500, 1, 0);
  bench.run();
  check(bench, 500);
  EXPECT_NEAR(bench.tester.read_least.read(), unloaded(bench.package, "hbm_hit_ns"), 1.0);
}

TEST(MemoryTester, OneAtATimeItSeesTheLatencyOfAClosedRow) {
  Bench bench(at_memory(), 500, 1, 0x3ff);
  bench.run();
  check(bench, 500);
  EXPECT_NEAR(bench.tester.read_least.read(), unloaded(bench.package, "hbm_closed_ns"), 1.0);
  EXPECT_LE(bench.tester.read_most.read(),
            unloaded(bench.package, "hbm_conflict_ns") + fact(bench.package, "refresh_cycle_ns") / kPeriod + 1);
}

/// Requests wait for request_ready, which is low from BEGIN_REQ to END_REQ; responses come in any order.
TEST(MemoryTester, ManyAtATimeUnderBackPressure) {
  Bench bench(at_memory(", max_outstanding: 4, accept_delay: 2ns"), 2000, 15, 0x3ff);
  bench.run();
  check(bench, 2000);
  EXPECT_LT(bench.tester.cycles.read(), 2 * 2000 * unloaded(bench.package, "hbm_closed_ns") / 2);
}

TEST(MemoryTester, AtADieOfAGpu) {
  Bench bench("extends: h100_sxm5\nmemory: {data: sparse}\nforeign: {rtl: {at: die_0, crossing_latency: 50ns}}\n", 1000,
              8, 0x3fff);
  bench.run();
  check(bench, 1000);
  EXPECT_GE(bench.tester.read_least.read(), 2 * 50 / kPeriod);
}

TEST(MemoryTester, ItFindsOneWrongBit) {
  Bench bench(at_memory(), 100, 4, 0);
  bench.tester.corrupt(150);
  bench.run();
  EXPECT_FALSE(bench.tester.pass.read());
  EXPECT_EQ(bench.tester.mismatches.read(), 1u);
}

}  // namespace
