// What may not change a result, with foreign models on all sides of a package.
#include "support/foreign_models.h"
#include "support/user_memory.h"

namespace {

using namespace cowosim;
using namespace cowosim::test;

/// One run of an H100 with a workload on its cores, initiators at the die and off the package, a device, and a memory in place of
/// a stack.
struct Variant {
  Time window = 0;  // 0: W
  int threads = 1;
  bool shuffled = false;
  bool data = false;
  bool neighbour = false;
  double step_ns = 0;  // of sc_start; 0: all at once
  unsigned seed = 3;
};

struct World {
  explicit World(const Variant& run)
      : package("package_0", options_of(run)),
        device("device", AtTarget::Style::four_phase, ns(33)),
        memory("memory", ns(71)) {
    package.initiator_socket("device").bind(device.socket);
    package.initiator_socket("dram").bind(memory.socket);
    add("npu", 0, run, 400, 0, 1u << 22);
    add("npu", 1, run, 400, 0, 1u << 22);
    add("nic", 0, run, 60, 0, 1u << 22);
    add("cpu", 0, run, 60, 256ull << 30, 4096);
    // A thread that blocks, and thinks for as long as its last access took.
    thread = std::make_unique<Thread>("thread", [&, run](Thread& self) {
      SplitMix64 random(run.seed);
      for (int i = 0; i < 40; ++i) {
        unsigned char bytes[64] = {};
        const sc_core::sc_time before = sc_core::sc_time_stamp();
        const std::uint64_t address = bounded(random.next(), 1 << 20);
        self.access(i % 3 == 0 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address, bytes, 64, ns(i % 7));
        wait(sc_core::sc_time_stamp() - before);
      }
    });
    thread->socket.bind(package.target_socket("slow"));
    if (run.neighbour) edges = std::make_unique<sc_core::sc_clock>("edges", ns(0.7));
  }
  static RunOptions options_of(const Variant& run) {
    RunOptions options = platform(
        "extends: h100_sxm5\nforeign:\n"
        "  npu: {at: die_0, sockets: 2, max_outstanding: 48, accept_delay: 2ns}\n"
        "  nic: {at: off_package, crossing_latency: 200ns}\n"
        "  cpu: {at: die_0, crossing_latency: 60ns}\n"
        "  slow: {at: die_0}\n"
        "  device: {role: target, at: die_0, base: 256GiB, size: 4KiB, max_outstanding: 4, response_delay: 1ns}\n"
        "  dram: {role: target, in_place_of: hbm_stack_2, crossing_latency: 30ns}\n",
        {"workload.footprint=512KiB", "workload.kind=copy"});
    options.workloads = {{"stream", "stream"}};
    options.window = run.window;
    options.threads = run.threads;
    options.shuffle_construction = run.shuffled;
    if (run.data) options.settings.push_back("memory.data=sparse");
    return options;
  }
  void add(const std::string& name, int socket, const Variant& run, int count, std::uint64_t first,
           std::uint64_t size) {
    AtInitiator::Style style;
    style.outstanding = 40;
    style.ending = static_cast<AtInitiator::Ending>(initiators.size() % 3);
    style.end_delay = ns(initiators.size() % 2 == 0 ? 0 : 3);
    initiators.push_back(std::make_unique<AtInitiator>(
        (name + "_" + std::to_string(socket)).c_str(), style,
        [=, random = SplitMix64(run.seed + initiators.size()), made = 0](AtRequest& request) mutable {
          if (made++ == count) return false;
          const auto length = 1 + bounded(random.next(), size < 8192 ? 4 : 300);
          request.data.assign(length, static_cast<unsigned char>(made));
          request.payload.set_address(first + bounded(random.next(), size - length));
          request.payload.set_command(bounded(random.next(), 2) == 0 ? tlm::TLM_READ_COMMAND : tlm::TLM_WRITE_COMMAND);
          request.delay = ns(static_cast<double>(bounded(random.next(), 3)));
          return true;
        },
        // What comes when, too: times, and their order among all initiators.
        [this](AtRequest& request) {
          EXPECT_EQ(request.payload.get_response_status(), tlm::TLM_OK_RESPONSE);
          seen = mix(seen, sc_core::sc_time_stamp().value() ^ request.payload.get_address());
        }));
    initiators.back()->socket.bind(package.target_socket(name, socket));
  }
  std::uint64_t hash() const { return mix(package.completion_hash(), seen); }

  Package package;
  AtTarget device;
  UserMemory memory;
  std::vector<std::unique_ptr<AtInitiator>> initiators;
  std::unique_ptr<Thread> thread;
  std::unique_ptr<sc_core::sc_clock> edges;
  std::uint64_t seen = 0;
};

std::uint64_t run_once(const Variant& run) {
  World world(run);
  if (run.neighbour) {
    sc_core::sc_start(ns(60'000));
  } else if (run.step_ns != 0) {
    while (sc_core::sc_time_stamp() < ns(60'000)) sc_core::sc_start(ns(run.step_ns));
  } else {
    sc_core::sc_start();
  }
  world.package.stop();
  expect_clean(world.package);
  EXPECT_LT(world.package.results().run.simulated, 60'000 * kNanosecond) << "all of it, in every variant";
  return world.hash();
}
std::uint64_t hash_of(const Variant& run) {
  return alone([&] { return run_once(run); });
}
Time window() {
  return static_cast<Time>(
      alone([] { return static_cast<std::uint64_t>(World(Variant()).package.results().run.window); }));
}
template <class Change>
std::uint64_t changed(Change&& change) {
  Variant run;
  change(run);
  return hash_of(run);
}

TEST(ForeignInvariance, OfWindows) {
  const std::uint64_t reference = hash_of({});
  const Time whole = window();
  ASSERT_GT(whole, 0);
  for (const Time divisor : {2, 3, 7})
    EXPECT_EQ(changed([&](Variant& run) { run.window = whole / divisor; }), reference);
  EXPECT_NE(changed([](Variant& run) { run.seed = 4; }), reference) << "negative control";
}
TEST(ForeignInvariance, OfThreads) {
  const std::uint64_t reference = hash_of({});
  EXPECT_EQ(changed([](Variant& run) { run.threads = 2; }), reference);
  EXPECT_EQ(changed([](Variant& run) { run.threads = 3; }), reference);
}
TEST(ForeignInvariance, OfConstruction) {
  EXPECT_EQ(changed([](Variant& run) { run.shuffled = true; }), hash_of({}));
}
TEST(ForeignInvariance, OfData) {
  EXPECT_EQ(changed([](Variant& run) { run.data = true; }), hash_of({}));
}
TEST(ForeignInvariance, OfAClockedNeighbour) {
  EXPECT_EQ(changed([](Variant& run) { run.neighbour = true; }), hash_of({}));
}
TEST(ForeignInvariance, OfManyShortSimulations) {
  const std::uint64_t reference = hash_of({});
  EXPECT_EQ(changed([](Variant& run) { run.step_ns = 1000; }), reference);
  EXPECT_EQ(changed([](Variant& run) { run.step_ns = 3.3; }), reference);
}
TEST(ForeignInvariance, OfAllTogether) {
  const Time whole = window();
  EXPECT_EQ(changed([&](Variant& run) {
              run.window = whole / 5;
              run.threads = 2;
              run.shuffled = run.data = true;
              run.step_ns = 777;
            }),
            hash_of({}));
}

}  // namespace
