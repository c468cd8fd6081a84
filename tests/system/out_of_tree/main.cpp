// Somebody else's SystemC program: a clocked module of their own and two packages in one process. libsystemc brings main.
#include <cinttypes>
#include <cstdio>
#include <systemc>

#include "platforms/package.h"

namespace {

// Built before sc_main runs: the packages need a resolution of 1 fs all the same.
const sc_core::sc_time kPeriod(1, sc_core::SC_NS);

/// A foreign model that knows nothing of packages and does something every clock.
class Counter : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Counter);
  sc_core::sc_in<bool> clock{"clock"};

  explicit Counter(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_METHOD(count);
    sensitive << clock.pos();
    dont_initialize();
  }
  std::uint64_t edges() const { return edges_; }

 private:
  void count() { ++edges_; }
  std::uint64_t edges_ = 0;
};

/// Stops the simulation when both packages are done: the clock alone would run for ever.
class Stopper : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Stopper);
  Stopper(const sc_core::sc_module_name& name, const cowosim::Package& a, const cowosim::Package& b)
      : sc_module(name), a_(a), b_(b) {
    SC_THREAD(wait_for_both);
  }

 private:
  void wait_for_both() {
    wait(a_.ended() & b_.ended());
    sc_core::sc_stop();
  }
  const cowosim::Package& a_;
  const cowosim::Package& b_;
};

void print(const cowosim::Package& package) {
  std::printf("%s %016" PRIx64 "\n", package.name(), package.completion_hash());
}

}  // namespace

int sc_main(int, char**) {
  cowosim::RunOptions gpu;
  gpu.platform = "h100_sxm5";
  gpu.workloads = {{"stream", "stream"}};
  gpu.settings = {"workload.footprint=1MiB"};
  cowosim::RunOptions channel;
  channel.platform = "reference/hbm3_6400";
  channel.workloads = {{"pointer_chase", "pointer_chase"}};
  channel.settings = {"workload.footprint=64KiB"};

  sc_core::sc_clock clock("clock", kPeriod);
  Counter counter("counter");
  counter.clock(clock);
  cowosim::Package package_0("package_0", gpu);
  cowosim::Package package_1("package_1", channel);
  Stopper stopper("stopper", package_0, package_1);
  sc_core::sc_start();

  print(package_0);
  print(package_1);
  std::printf("edges %" PRIu64 " at %s\n", counter.edges(), sc_core::sc_time_stamp().to_string().c_str());
  // One edge a period, from time 0 on: the packages neither held the clock up nor ran past it.
  const std::uint64_t expected = sc_core::sc_time_stamp().value() / kPeriod.value() + 1;
  return counter.edges() + 1 >= expected && counter.edges() <= expected ? 0 : 1;
}
