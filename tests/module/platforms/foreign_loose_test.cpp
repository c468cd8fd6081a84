// Loosely timed initiators: unloaded latency, direct memory; and back.
#include "support/foreign_models.h"

namespace {

using namespace cowosim;
using namespace cowosim::test;

/// A thread that asks for direct memory, too.
class Loose : public Thread {
 public:
  Loose(const sc_core::sc_module_name& name, std::function<void(Loose&)> body)
      : Thread(name, [this, body](Thread&) { body(*this); }) {}
  bool direct(std::uint64_t address, tlm::tlm_dmi& dmi) {
    Payload payload;
    payload.set_read();
    payload.set_address(address);
    dmi.init();
    return socket->get_direct_mem_ptr(payload, dmi);
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> invalidated;
  bool asks_again = false;
  bool granted_again = false;

 private:
  void invalidate(sc_dt::uint64 first, sc_dt::uint64 last) override {
    invalidated.emplace_back(first, last);
    tlm::tlm_dmi dmi;
    if (asks_again) granted_again = direct(0, dmi);
  }
};

const char* const kAtDie = "extends: h100_sxm5\nforeign:\n  cpu: {at: die_0, crossing_latency: 60ns";

void run(Package& package, Loose& loose) {
  loose.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
}

TEST(ForeignLoose, AccessesTakeTheUnloadedLatencyAndMoveBytes) {
  Package package("package_0", platform(std::string(kAtDie) + ", timing: loose}\nmemory: {data: sparse}\n"));
  double near_memory = 0;
  for (const auto& fact : package.facts())
    if (fact.key == "near_memory_ns") near_memory = fact.value;
  ASSERT_GT(near_memory, 100);
  Loose loose("loose", [&](Loose& self) {
    unsigned char out[300], in[300] = {};
    for (int i = 0; i < 300; ++i) out[i] = static_cast<unsigned char>(i);
    for (const auto command : {tlm::TLM_WRITE_COMMAND, tlm::TLM_READ_COMMAND}) {
      Payload payload;
      payload.set_command(command);
      payload.set_address(12345);
      payload.set_data_ptr(command == tlm::TLM_READ_COMMAND ? in : out);
      payload.set_data_length(300);
      payload.set_streaming_width(300);
      sc_core::sc_time delay = ns(7);
      self.socket->b_transport(payload, delay);
      EXPECT_EQ(now_ns(), 0) << "no time passes";
      EXPECT_NEAR(delay / ns(1), 7 + 2 * 60 + near_memory, 1e-3) << "it is added up";
      EXPECT_EQ(payload.get_response_status(), tlm::TLM_OK_RESPONSE);
      EXPECT_TRUE(payload.is_dmi_allowed());
    }
    EXPECT_EQ(std::memcmp(in, out, 300), 0);
  });
  run(package, loose);
  EXPECT_EQ(package.results().transactions, 0u) << "nothing is simulated";
  EXPECT_EQ(package.foreign_initiator("cpu").loosely_timed_accesses(), 2u);
}

TEST(ForeignLoose, DirectMemoryIsTheMemory) {
  Package package("package_0", platform(std::string(kAtDie) + ", timing: loose}\nmemory: {data: sparse}\n"));
  Loose loose("loose", [&](Loose& self) {
    tlm::tlm_dmi dmi;
    ASSERT_TRUE(self.direct(100'000, dmi));
    EXPECT_LE(dmi.get_start_address(), 100'000u);
    EXPECT_GE(dmi.get_end_address(), 100'000u);
    EXPECT_TRUE(dmi.is_read_write_allowed());
    EXPECT_GT(dmi.get_read_latency(), ns(120));
    dmi.get_dmi_ptr()[100'000 - dmi.get_start_address()] = 0x5A;
    unsigned char byte = 0;
    EXPECT_EQ(self.read(100'000, &byte, 1), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(byte, 0x5A);
    byte = 0x33;
    EXPECT_EQ(self.write(100'000, &byte, 1), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(dmi.get_dmi_ptr()[100'000 - dmi.get_start_address()], 0x33);
    EXPECT_FALSE(self.direct(1ull << 50, dmi)) << "a hole";
  });
  run(package, loose);
}

TEST(ForeignLoose, NoDirectMemoryWithoutData) {
  Package package("package_0", platform(std::string(kAtDie) + ", timing: loose}\n"));
  Loose loose("loose", [&](Loose& self) {
    tlm::tlm_dmi dmi;
    EXPECT_FALSE(self.direct(0, dmi));
    EXPECT_EQ(dmi.get_dmi_ptr(), nullptr);
    unsigned char byte = 0;
    EXPECT_EQ(self.read(0, &byte, 1), tlm::TLM_OK_RESPONSE);
  });
  run(package, loose);
}

TEST(ForeignLoose, NoDirectMemoryWhileTimeIsApproximate) {
  Package package("package_0", platform(std::string(kAtDie) + "}\nmemory: {data: sparse}\n"));
  Loose loose("loose", [&](Loose& self) {
    tlm::tlm_dmi dmi;
    EXPECT_FALSE(self.direct(0, dmi));
    EXPECT_EQ(dmi.get_dmi_ptr(), nullptr);
    Payload payload;
    unsigned char byte = 0;
    payload.set_read();
    payload.set_address(0);
    payload.set_data_ptr(&byte);
    payload.set_data_length(1);
    payload.set_streaming_width(1);
    sc_core::sc_time delay;
    self.socket->b_transport(payload, delay);
    EXPECT_FALSE(payload.is_dmi_allowed());
  });
  run(package, loose);
}

TEST(ForeignLoose, TheModeChangesDuringARunAndDirectMemoryIsTakenBack) {
  Package package("package_0", platform(std::string(kAtDie) + "}\nmemory: {data: sparse}\n"));
  Loose loose("loose", [&](Loose& self) {
    unsigned char bytes[64] = {};
    tlm::tlm_dmi dmi;
    self.asks_again = true;
    const double first = now_ns();
    EXPECT_EQ(self.read(0, bytes, 64), tlm::TLM_OK_RESPONSE);
    const double timed = now_ns() - first;
    package.set_loosely_timed(true);
    EXPECT_TRUE(self.invalidated.empty());
    ASSERT_TRUE(self.direct(0, dmi));
    dmi.get_dmi_ptr()[3] = 9;
    package.set_loosely_timed(false);
    ASSERT_EQ(self.invalidated.size(), 1u);
    EXPECT_EQ(self.invalidated[0].first, 0u);
    EXPECT_GE(self.invalidated[0].second, package.memory_map().capacity() - 1);
    EXPECT_FALSE(self.granted_again) << "not even to who asks while it is taken back";
    EXPECT_FALSE(self.direct(0, dmi));
    const double second = now_ns();
    EXPECT_EQ(self.read(64 << 10, bytes, 64), tlm::TLM_OK_RESPONSE);
    EXPECT_GT(now_ns() - second, 0.7 * timed) << "time again";
    EXPECT_EQ(self.read(0, bytes, 64), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(bytes[3], 9);
    package.set_loosely_timed(false);
    EXPECT_EQ(self.invalidated.size(), 1u) << "there is nothing to take back";
  });
  run(package, loose);
  EXPECT_EQ(package.results().transactions, 3u);
}

TEST(ForeignLoose, NonBlockingAccessesCompleteAtOnce) {
  Package package("package_0", platform(std::string(kAtDie) + ", timing: loose}\nmemory: {data: sparse}\n"));
  int made = 0;
  AtInitiator cpu(
      "cpu", {},
      [&](AtRequest& request) {
        if (made++ == 10) return false;
        request.data.assign(32, 1);
        request.payload.set_write();
        request.payload.set_address(64u * static_cast<unsigned>(made));
        return true;
      },
      [](AtRequest& request) { EXPECT_EQ(request.payload.get_response_status(), tlm::TLM_OK_RESPONSE); });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  EXPECT_EQ(now_ns(), 0);
  package.stop();
  expect_clean(package);
  EXPECT_EQ(cpu.responses, 10u);
}

/// transport_dbg sees bytes at once, in each mode, and takes no time.
void debug(const std::string& timing, const std::string& data, bool keeps) {
  Package package("package_0",
                  platform(std::string(kAtDie) + ", timing: " + timing + "}\nmemory: {data: " + data + "}\n"));
  Loose loose("loose", [&](Loose& self) {
    unsigned char out[5] = {1, 2, 3, 4, 5}, in[5] = {};
    wait(ns(100));
    EXPECT_EQ(self.debug(tlm::TLM_WRITE_COMMAND, 777, out, 5), keeps ? 5u : 0u);
    EXPECT_EQ(self.debug(tlm::TLM_READ_COMMAND, 777, in, 5), keeps ? 5u : 0u);
    EXPECT_EQ(std::memcmp(in, out, 5) == 0, keeps);
    EXPECT_EQ(self.debug(tlm::TLM_READ_COMMAND, 1ull << 50, in, 5), 0u) << "a hole";
    EXPECT_EQ(now_ns(), 100);
    unsigned char timed[5] = {};
    EXPECT_EQ(self.read(777, timed, 5), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(std::memcmp(timed, out, 5) == 0, keeps);
  });
  run(package, loose);
}
TEST(ForeignLoose, DebugApproximatelyTimed) { debug("approximate", "sparse", true); }
TEST(ForeignLoose, DebugLooselyTimed) { debug("loose", "sparse", true); }
TEST(ForeignLoose, DebugWithoutData) { debug("approximate", "none", false); }

}  // namespace
