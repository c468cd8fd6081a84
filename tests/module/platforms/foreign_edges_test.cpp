// Foreign models at the edges of a run: its end, its limits, its failures; and what payloads and grants leave behind.
#include "platforms/host_interface.h"
#include "support/foreign_models.h"

namespace cowosim::test {
namespace {

std::function<bool(AtRequest&)> one_read() {
  return [left = 1](AtRequest& request) mutable {
    request.data.resize(64);
    request.payload.set_command(tlm::TLM_READ_COMMAND);
    request.payload.set_address(0);
    return left-- > 0;
  };
}

TEST(ForeignEdges, AnEndRespMayBeTheLastThingARunWaitsFor) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n"));
  AtInitiator::Style style;
  style.ending = AtInitiator::Ending::updated;
  style.end_delay = ns(5000);
  const Payload* payload = nullptr;
  AtInitiator cpu(
      "cpu", style, one_read(), [&](AtRequest& request) { payload = &request.payload; },
      [&] { package.foreign_initiator("cpu").finish(); });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  expect_clean(package);
  EXPECT_LT(now_ns(), 6000) << "not only when patience has run out";
  ASSERT_NE(payload, nullptr);
  EXPECT_EQ(payload->get_ref_count(), 0);
}

TEST(ForeignEdges, AnEndRespOnItsWayAtALimitStillGivesItsPayloadBack) {
  RunOptions options = platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n");
  options.until = 2 * kMicrosecond;
  Package package("package_0", options);
  AtInitiator::Style style;
  style.ending = AtInitiator::Ending::updated;
  style.end_delay = ns(5000);
  const Payload* payload = nullptr;
  AtInitiator cpu("cpu", style, one_read(), [&](AtRequest& request) { payload = &request.payload; });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  EXPECT_EQ(package.status(), engine::Status::time_limit);
  ASSERT_NE(payload, nullptr);
  EXPECT_EQ(payload->get_ref_count(), 0);
}

const char* const kDevice =
    "extends: h100_sxm5\nforeign:\n  cpu: {at: die_0}\n"
    "  device: {role: target, at: die_0, base: 256GiB, size: 4KiB, response_delay: 5us}\n";

/// Answers after 10 ns and counts END_RESP.
class Patient : public sc_core::sc_module {
 public:
  explicit Patient(const sc_core::sc_module_name& name) : sc_module(name) {
    socket.register_nb_transport_fw(this, &Patient::forward);
    SC_HAS_PROCESS(Patient);
    SC_THREAD(answer);
  }
  tlm_utils::simple_target_socket<Patient> socket{"socket"};
  int ends = 0;

 private:
  tlm::tlm_sync_enum forward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) {
    if (phase == tlm::END_RESP) {
      ++ends;
      return tlm::TLM_COMPLETED;
    }
    queue_.notify(payload, ns(10));
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }
  void answer() {
    for (;; wait(queue_.get_event())) {
      while (Payload* payload = queue_.get_next_transaction()) {
        payload->set_response_status(tlm::TLM_OK_RESPONSE);
        tlm::tlm_phase phase = tlm::BEGIN_RESP;
        sc_core::sc_time delay;
        socket->nb_transport_bw(*payload, phase, delay);
      }
    }
  }
  tlm_utils::peq_with_get<Payload> queue_{"queue"};
};

TEST(ForeignEdges, ATargetThatHasAnsweredGetsItsEndRespAfterTheRun) {
  Package package("package_0", platform(kDevice));
  Patient device("device");
  package.initiator_socket("device").bind(device.socket);
  Thread cpu("cpu", [&](Thread& self) {
    unsigned char bytes[8] = {};
    EXPECT_EQ(self.read(256ull << 30, bytes, 8), tlm::TLM_OK_RESPONSE);
    package.foreign_initiator("cpu").finish();
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  expect_clean(package);
  EXPECT_EQ(device.ends, 1);
}

struct Mark : tlm::tlm_extension<Mark> {
  Mark() { ++alive; }
  ~Mark() override { --alive; }
  tlm::tlm_extension_base* clone() const override { return nullptr; }
  void copy_from(const tlm::tlm_extension_base&) override {}
  static int alive;
};
int Mark::alive = 0;

TEST(ForeignEdges, ExtensionsOfATransactionEndWithIt) {
  Package package("package_0", platform(kDevice, {"foreign.device.response_delay=0ns"}));
  AtTarget device("device", AtTarget::Style::two_phase, ns(7));
  int seen = 0;
  device.on_access = [&](const Payload& payload) {
    seen += payload.get_extension<Mark>() != nullptr;
    const_cast<Payload&>(payload).set_auto_extension(new Mark);
  };
  package.initiator_socket("device").bind(device.socket);
  Thread cpu("cpu", [&](Thread& self) {
    unsigned char bytes[8] = {};
    for (int i = 0; i < 200; ++i) self.read(256ull << 30, bytes, 8);
    EXPECT_EQ(device.accesses, 200u);
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_EQ(seen, 0) << "payloads are used again, extensions are not";
  EXPECT_EQ(Mark::alive, 0);
}

TEST(ForeignEdges, DirectAccessIsDeniedOnlyWhereItIs) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign:\n"
                                        "  cpu: {at: hbm, timing: loose}\n"));
  Thread cpu("cpu", [&](Thread& self) {
    Payload payload;
    payload.set_read();
    const auto ask = [&](std::uint64_t address, tlm::tlm_dmi& grant) {
      payload.set_address(address);
      return self.socket->get_direct_mem_ptr(payload, grant);
    };
    std::uint64_t end = 0;
    for (const AddressRegion& region : package.address_map().regions()) {
      tlm::tlm_dmi grant;
      const bool memory = region.kind == AddressRegion::Kind::memory;
      EXPECT_EQ(ask(region.first, grant), memory) << region.name;
      EXPECT_GE(grant.get_start_address(), region.first);
      EXPECT_LE(grant.get_end_address(), region.last());
      end = region.last();
    }
    tlm::tlm_dmi grant;
    EXPECT_FALSE(ask(end + 1, grant)) << "a hole";
    EXPECT_GT(grant.get_start_address(), end);
    package.set_loosely_timed(false);
    grant.init();
    EXPECT_FALSE(ask(0, grant));
    EXPECT_EQ(grant.get_start_address(), 0u);
    EXPECT_EQ(grant.get_end_address(), ~0ull) << "nowhere at all";
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
}

/// A clock goes on and on, and no window is due.
void limits(const RunOptions& options, bool interrupt, engine::Status expected) {
  Package package("package_0", options);
  const Neighbour neighbour("neighbour", package, 100);
  Thread cpu("cpu", [&](Thread& self) {
    unsigned char bytes[8] = {};
    self.read(0, bytes, 8);
    wait(ns(10'000));
    if (interrupt) package.interrupt();
  });
  cpu.socket.bind(package.target_socket("cpu"));
  for (int step = 0; step < 100'000 && package.status() == engine::Status::running; ++step) {
    sc_core::sc_start(ns(10'000));
    package.check_limits();
  }
  EXPECT_EQ(package.status(), expected);
  sc_core::sc_start(ns(100));  // and the driver says so
  EXPECT_EQ(sc_core::sc_get_status(), sc_core::SC_STOPPED);
}
TEST(ForeignEdges, InterruptsAreSeenWhileForeignModelsLetTimePass) {
  limits(platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n"), true, engine::Status::interrupted);
}
TEST(ForeignEdges, TheWallClockIsSeenWhileForeignModelsLetTimePass) {
  RunOptions options = platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n");
  options.wall_limit_seconds = 0.05;
  limits(options, false, engine::Status::wall_limit);
}

TEST(ForeignEdges, AfterAnErrorInsideAccessesAreAnswered) {
  const std::string trace = testing::TempDir() + "cowosim_" + std::to_string(getpid()) + "_trace.csv";
  std::ofstream(trace) << "time_ns,op,address,bytes\n0,R,0,64\n2000,R,999999999999999,64\n";
  Package package("package_0", platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n"
                                        "workloads: {bad: {workload: trace, file: " +
                                        trace + "}}\n"));
  int returned = 0;
  Thread cpu("cpu", [&](Thread& self) {
    for (; returned < 3; ++returned) {
      unsigned char bytes[8] = {};
      EXPECT_EQ(self.read(0, bytes, 8), tlm::TLM_GENERIC_ERROR_RESPONSE);
    }
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  EXPECT_THROW(package.rethrow(), std::exception);
  EXPECT_EQ(returned, 3);
}

/// One initiator far away asks for a word before another one rings the doorbell of the kernel that writes it, and is there when the
/// kernel has ended.
void far_reader(Time window) {
  RunOptions options = platform(
      "extends: h100_sxm5\nmemory: {data: sparse}\nforeign:\n"
      "  near: {at: die_0, crossing_latency: 50ns}\n  far: {at: off_package, crossing_latency: 20us}\n");
  options.window = window;
  Package package("package_0", options);
  std::uint64_t registers = 0;
  for (const auto& region : package.address_map().regions())
    if (region.kind == AddressRegion::Kind::registers) registers = region.first;
  constexpr std::uint64_t kFlag = 1 << 20;
  Thread near("near", [&](Thread& self) {
    host::Descriptor nop;
    nop.opcode = static_cast<std::uint8_t>(host::Opcode::nop);
    nop.flags = host::kNotify;
    nop.completion_address = kFlag;
    nop.completion_value = 1;
    unsigned char bytes[host::kDescriptorBytes];
    host::pack(nop, bytes);
    self.write(0, bytes, sizeof bytes);
    const auto write64 = [&](std::uint64_t offset, std::uint64_t value) {
      EXPECT_EQ(self.write(registers + offset, reinterpret_cast<unsigned char*>(&value), 8), tlm::TLM_OK_RESPONSE);
    };
    write64(host::ring_base, 0);
    write64(host::ring_entries, 8);
    wait(ns(10'000) - sc_core::sc_time_stamp());
    write64(host::tail, 1);  // ends at about 11 us
  });
  std::vector<unsigned> seen;
  Thread far("far", [&](Thread& self) {
    for (int i = 0; i < 20; ++i) {
      unsigned char bytes[8] = {};
      if (i == 0) wait(ns(5'000));
      self.read(kFlag, bytes, 8);  // there at 25 us
      seen.push_back(bytes[0]);
    }
  });
  near.socket.bind(package.target_socket("near"));
  far.socket.bind(package.target_socket("far"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_EQ(seen, std::vector<unsigned>(20, 1));
}
TEST(ForeignEdges, WhatWasCalledBeforeADoorbellSeesWhatItsKernelHasWritten) { far_reader(0); }
TEST(ForeignEdges, WhatWasCalledBeforeADoorbellSeesItInSmallWindows) { far_reader(3 * kNanosecond); }

TEST(ForeignEdges, WhatIsStillCrossingIsNobodysSilence) {
  Package package("package_0",
                  platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm, bandwidth: 1MB/s}\n"));
  Thread cpu("cpu", [&](Thread& self) {
    unsigned char bytes[4096] = {};
    for (int i = 0; i < 2; ++i) EXPECT_EQ(self.read(0, bytes, sizeof bytes), tlm::TLM_OK_RESPONSE);
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_GT(now_ns(), 4e6) << "longer than the stall limit";
}

/// One access is under way, one waits for its entry: both lose their process.
void kill(bool reset) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign:\n"
                                        "  cpu: {at: hbm, max_outstanding: 1}\n"));
  int begun = 0;
  Thread cpu("cpu", [&](Thread& self) {
    std::vector<sc_core::sc_process_handle> victims;
    for (unsigned char i = 1; i <= 2; ++i) {
      victims.push_back(sc_core::sc_spawn([&self, &begun, i] {
        if (++begun > 2) return;
        const auto bytes = std::make_unique<std::vector<unsigned char>>(4096, i);
        self.write(4096u * i, bytes->data(), 4096);
        ADD_FAILURE() << "not reached";
      }));
    }
    wait(ns(20));
    for (auto& victim : victims) reset ? victim.reset() : victim.kill();
    std::vector<unsigned char> bytes(64, 9);
    EXPECT_EQ(self.read(4096, bytes.data(), 64), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(bytes, std::vector<unsigned char>(64, 1)) << "it was under way";
    EXPECT_EQ(self.read(8192, bytes.data(), 64), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(bytes, std::vector<unsigned char>(64, 0)) << "it was not";
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_EQ(begun, reset ? 4 : 2);
}
TEST(ForeignEdges, KilledProcessesLeaveTheirAccessesBehind) { kill(false); }
TEST(ForeignEdges, ResetProcessesLeaveTheirAccessesBehind) { kill(true); }

/// What has run when the simulation is stopped amid a workload.
std::uint64_t stopped(Time window) {
  RunOptions options = platform("extends: h100_sxm5\nforeign:\n  cpu: {at: die_0}\n", {"workload.footprint=64MiB"});
  options.workloads = {{"stream", "stream"}};
  options.window = window;
  Package package("package_0", options);
  Thread cpu("cpu", [&](Thread& self) {
    unsigned char bytes[64];
    self.read(0, bytes, 64);
    wait(ns(2000) - sc_core::sc_time_stamp());
    sc_core::sc_stop();
  });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  EXPECT_EQ(package.status(), engine::Status::interrupted);
  EXPECT_EQ(package.progress().now, 3 * kMicrosecond);
  return package.completion_hash();
}
TEST(ForeignEdges, AStoppedRunDoesNotDependOnItsWindows) {
  const std::uint64_t other = alone([] { return stopped(3 * kNanosecond); });
  EXPECT_EQ(stopped(0), other);
}

}  // namespace
}  // namespace cowosim::test
