// Foreign initiators around a package, and devices in it.
#include "support/foreign_models.h"

namespace {

using namespace cowosim;
using namespace cowosim::test;
using testing::HasSubstr;

TEST(Foreign, AnInitiatorAtTheDoorsReadsWhatItWroteAndTakesItsTime) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign:\n"
                                        "  cpu: {at: hbm, crossing_latency: 20ns, port_latency: 5ns}\n"));
  std::vector<double> latencies;
  Thread thread("thread", [&](Thread& self) {
    unsigned char out[64], in[64] = {};
    for (int i = 0; i < 64; ++i) out[i] = static_cast<unsigned char>(i + 1);
    EXPECT_EQ(self.write(0x1230, out, 64), tlm::TLM_OK_RESPONSE);
    const double before = now_ns();
    EXPECT_EQ(self.read(0x1230, in, 64), tlm::TLM_OK_RESPONSE);
    latencies.push_back(now_ns() - before);
    EXPECT_EQ(std::memcmp(in, out, 64), 0);
    EXPECT_EQ(self.read(1ull << 40, in, 4), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(now_ns(), before + latencies[0]) << "a hole takes no time";
  });
  thread.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  ASSERT_EQ(latencies.size(), 1u);
  EXPECT_GT(latencies[0], 2 * 20 + 5 + 13.75);
  const auto results = package.results();
  EXPECT_EQ(results.streams.at(0).name, "cpu");
  EXPECT_EQ(results.streams.at(0).transactions, 2u);
  EXPECT_GT(results.hbm->stacks.at(0).channels.at(0).counters.reads, 0u);
}

/// Reads `count` blocks of 512 bytes in order, from `first` on.
std::function<bool(AtRequest&)> sequence(std::uint64_t first, std::uint64_t count, tlm::tlm_command command) {
  return [=, i = std::uint64_t{0}](AtRequest& request) mutable {
    if (i == count) return false;
    request.data.resize(512);
    request.payload.set_command(command);
    request.payload.set_address(first + 512 * i++);
    return true;
  };
}
void expect_ok(AtRequest& request) { EXPECT_EQ(request.payload.get_response_status(), tlm::TLM_OK_RESPONSE); }

TEST(Foreign, AnInitiatorInPlaceOfADieHasTheBandwidthOfAllStacks) {
  Package package("package_0", platform("extends: h100_sxm5\nforeign:\n  npu: {in_place_of: die_0, sockets: 4, "
                                        "bandwidth: 1TB/s, max_outstanding: 4096}\n"));
  EXPECT_FALSE(package.results().compute) << "there is no die";
  AtInitiator::Style style;
  style.outstanding = 4096;
  std::vector<std::unique_ptr<AtInitiator>> npus;
  for (int i = 0; i < 4; ++i) {
    const auto command = i == 3 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND;
    npus.push_back(std::make_unique<AtInitiator>(("npu_" + std::to_string(i)).c_str(), style,
                                                 sequence((1ull << 20) * static_cast<unsigned>(i) * 8, 8192, command),
                                                 expect_ok));
    npus.back()->socket.bind(package.target_socket("npu", i));
  }
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  const telemetry::Results results = package.results();
  const auto& stream = stream_of(results, "npu");
  EXPECT_EQ(stream.bytes, 4u * 8192u * 512u);
  EXPECT_EQ(stream.writes, 8192u);
  // 16 MiB in this time, against a peak of 3.35 TB/s: beyond what four of the five stacks can do.
  const double bandwidth = static_cast<double>(stream.bytes) / to_ns(stream.interval);
  EXPECT_GT(bandwidth, 0.5 * 3347) << "GB/s";
  EXPECT_LT(bandwidth, 3348);
  ASSERT_TRUE(results.hbm);
  for (const auto& stack : results.hbm->stacks)
    for (const auto& channel : stack.channels) EXPECT_GT(channel.counters.reads, 0u) << stack.name << channel.name;
  EXPECT_GE(stage_of(stream, Stage::external), 100);
  EXPECT_GT(stage_of(stream, Stage::phy), 0);
}

TEST(Foreign, InPlaceOfADieOneSocketIsBoundByItsBandwidth) {
  Package package("package_0", platform("extends: h100_sxm5\nforeign:\n  npu: {in_place_of: die_0, "
                                        "bandwidth: 100GB/s, max_outstanding: 1024}\n"));
  AtInitiator::Style style;
  style.outstanding = 1024;
  AtInitiator npu("npu", style, sequence(0, 8192, tlm::TLM_READ_COMMAND), expect_ok);
  npu.socket.bind(package.target_socket("npu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  const auto results = package.results();
  const auto& stream = stream_of(results, "npu");
  EXPECT_NEAR(static_cast<double>(stream.bytes) / to_ns(stream.interval), 100, 2);
}

TEST(Foreign, BesideAWorkloadTheForeignStreamIsNamedAsAggressor) {
  RunOptions options = platform(
      "extends: h100_sxm5\nforeign:\n"
      "  npu: {at: die_0, sockets: 2, bandwidth: 400GB/s, max_outstanding: 512}\n"
      "  nic: {at: off_package, crossing_latency: 400ns, bandwidth: 50GB/s}\n",
      {"workload.footprint=4MiB"});
  options.workloads = {{"stream", "stream"}};
  Package package("package_0", options);
  AtInitiator::Style style;
  style.outstanding = 512;
  const auto finish = [&](const char* name) { return [&package, name] { package.foreign_initiator(name).finish(); }; };
  AtInitiator npu_0("npu_0", style, sequence(1ull << 30, 4096, tlm::TLM_READ_COMMAND), expect_ok);
  AtInitiator npu_1("npu_1", style, sequence(1ull << 31, 4096, tlm::TLM_WRITE_COMMAND), expect_ok, finish("npu"));
  AtInitiator nic("nic", {}, sequence(3ull << 30, 64, tlm::TLM_READ_COMMAND), expect_ok, finish("nic"));
  npu_0.socket.bind(package.target_socket("npu", 0));
  npu_1.socket.bind(package.target_socket("npu", 1));
  nic.socket.bind(package.target_socket("nic"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  const telemetry::Results results = package.results();
  double by_npu = 0, of_npu = 0;
  for (const auto& row : results.blame) {
    if (row.victim == "stream" && row.aggressor == "npu") by_npu += to_ns(row.wait);
    if (row.victim == "npu" && row.aggressor == "stream") of_npu += to_ns(row.wait);
  }
  EXPECT_GT(by_npu, 0);
  EXPECT_GT(of_npu, 0);
  EXPECT_GE(stage_of(stream_of(results, "nic"), Stage::off_package), 800);
  EXPECT_EQ(stage_of(stream_of(results, "nic"), Stage::external), 0);
  EXPECT_GE(stage_of(stream_of(results, "npu"), Stage::external), 100);
  EXPECT_EQ(stage_of(stream_of(results, "stream"), Stage::external), 0);
  EXPECT_EQ(stream_of(results, "stream").bytes, 4u << 20);
}

TEST(Foreign, FinishedInitiatorsLetTheRunEnd) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n"));
  Thread thread("thread", [&](Thread& self) {
    unsigned char bytes[8] = {};
    self.write(64, bytes, 8);
    package.foreign_initiator("cpu").finish();
  });
  thread.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  expect_clean(package);  // without stop()
}

TEST(Foreign, StoppingTheSimulationEndsTheRunCleanly) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n"));
  Thread thread("thread", [&](Thread& self) {
    unsigned char bytes[8] = {};
    self.write(64, bytes, 8);
    sc_core::sc_stop();  // with the acknowledgement still on its way, and the write in its queue
  });
  thread.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  expect_clean(package);
}

/// Four-byte registers; says what it has seen.
class Device : public sc_core::sc_module {
 public:
  explicit Device(const sc_core::sc_module_name& name) : sc_module(name) {
    socket.register_b_transport(this, &Device::b_transport);
    socket.register_transport_dbg(this, &Device::debug);
  }
  tlm_utils::simple_target_socket<Device> socket{"socket"};
  struct Seen {
    bool read;
    std::uint64_t address;
    unsigned length;
    std::vector<unsigned char> enables;
  };
  std::vector<Seen> seen;
  std::uint32_t registers[16] = {};

 private:
  void b_transport(Payload& payload, sc_core::sc_time& delay) {
    const unsigned char* enables = payload.get_byte_enable_ptr();
    seen.push_back({payload.is_read(), payload.get_address(), payload.get_data_length(), {}});
    if (enables != nullptr) seen.back().enables.assign(enables, enables + payload.get_byte_enable_length());
    delay += ns(15);
    if (payload.get_address() + payload.get_data_length() > sizeof registers) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    unsigned char* const bytes = reinterpret_cast<unsigned char*>(registers) + payload.get_address();
    for (unsigned i = 0; i < payload.get_data_length(); ++i) {
      if (enables != nullptr && enables[i % payload.get_byte_enable_length()] == 0) continue;
      payload.is_read() ? payload.get_data_ptr()[i] = bytes[i] : bytes[i] = payload.get_data_ptr()[i];
    }
  }
  unsigned debug(Payload& payload) {
    std::memcpy(payload.get_data_ptr(), reinterpret_cast<unsigned char*>(registers) + payload.get_address(),
                payload.get_data_length());
    return payload.get_data_length();
  }
};

void a_device_at_a_die(const std::string& transport, const std::string& at) {
  Package package("package_0", platform("extends: h100_sxm5\nmemory: {data: sparse}\nforeign:\n  cpu: {at: die_0}\n"
                                        "  device: {role: target, at: " +
                                        at + ", base: 256GiB, size: 4KiB, transport: " + transport + "}\n"));
  constexpr std::uint64_t kBase = 256ull << 30;
  Device device("device");
  package.initiator_socket("device").bind(device.socket);
  Thread thread("thread", [&](Thread& self) {
    std::uint32_t value = 0xCAFE1234, back = 0;
    auto* const out = reinterpret_cast<unsigned char*>(&value);
    auto* const in = reinterpret_cast<unsigned char*>(&back);
    const double before = now_ns();
    EXPECT_EQ(self.write(kBase + 8, out, 4), tlm::TLM_OK_RESPONSE);
    EXPECT_GT(now_ns() - before, 4 * 50 + 15) << "two crossings there and back";
    EXPECT_EQ(device.registers[2], 0xCAFE1234u);
    EXPECT_EQ(self.read(kBase + 8, in, 4), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(back, 0xCAFE1234u);
    // Byte enables, the second and third byte: both ways.
    value = 0xFFFFFFFF;
    EXPECT_EQ(self.access(tlm::TLM_WRITE_COMMAND, kBase + 8, out, 4, {}, {0, 0xff, 0xff, 0}), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(device.registers[2], 0xCAFFFF34u);
    back = 0x11111111;
    EXPECT_EQ(self.access(tlm::TLM_READ_COMMAND, kBase + 8, in, 4, {}, {0xff, 0}), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(back, 0x11FF1134u) << "disabled bytes do not change";
    EXPECT_EQ(self.read(kBase + 0x100, in, 4), tlm::TLM_ADDRESS_ERROR_RESPONSE) << "the device's own answer";
    EXPECT_EQ(self.read(kBase + 0x1000, in, 4), tlm::TLM_ADDRESS_ERROR_RESPONSE) << "the hole behind it";
    EXPECT_EQ(self.debug(tlm::TLM_READ_COMMAND, kBase + 8, in, 4), 4u);
    EXPECT_EQ(back, 0xCAFFFF34u);
  });
  thread.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  ASSERT_EQ(device.seen.size(), 5u);
  for (const auto& seen : device.seen) EXPECT_EQ(seen.length, 4u);
  EXPECT_EQ(device.seen[0].address, 8u) << "from the beginning of its region";
  EXPECT_FALSE(device.seen[0].read);
  EXPECT_TRUE(device.seen[1].read);
  EXPECT_THAT(device.seen[0].enables, testing::IsEmpty());
  EXPECT_THAT(device.seen[2].enables, testing::ElementsAre(0, 0xff, 0xff, 0));
  EXPECT_THAT(device.seen[3].enables, testing::ElementsAre(0xff, 0, 0xff, 0));
  EXPECT_EQ(device.seen[4].address, 0x100u);
  const auto results = package.results();
  const Stage stage = at == "off_package" ? Stage::off_package : Stage::external;
  EXPECT_GE(stage_of(stream_of(results, "cpu"), stage), 100);
}
TEST(Foreign, ADeviceAtADieBlocking) { a_device_at_a_die("blocking", "die_0"); }
TEST(Foreign, ADeviceAtADieNonBlocking) { a_device_at_a_die("nonblocking", "die_0"); }
TEST(Foreign, ADeviceOffThePackage) { a_device_at_a_die("blocking", "off_package"); }

TEST(Foreign, WritesToADeviceArriveInOrder) {
  Package package("package_0", platform("extends: h100_sxm5\nforeign:\n  cpu: {at: die_0}\n  device: {role: target, "
                                        "at: die_0, base: 256GiB, size: 4KiB, max_outstanding: 3}\n"));
  AtTarget device("device", AtTarget::Style::four_phase, ns(7));
  std::vector<unsigned> order;
  device.on_access = [&](const Payload& payload) { order.push_back(*payload.get_data_ptr()); };
  package.initiator_socket("device").bind(device.socket);
  unsigned i = 0;
  AtInitiator cpu(
      "cpu", {},
      [&](AtRequest& request) {
        if (i == 200) return false;
        request.data.assign(4, static_cast<unsigned char>(i++));
        request.payload.set_write();
        request.payload.set_address((256ull << 30) + 16);
        return true;
      },
      expect_ok);
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  ASSERT_EQ(order.size(), 200u);
  for (unsigned k = 0; k < 200; ++k) EXPECT_EQ(order[k], k);
}

TEST(Foreign, AnnotatedDelaysCountFromTheirTime) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm}\n"));
  Thread thread("thread", [&](Thread& self) {
    unsigned char bytes[32] = {};
    wait(ns(10'000));
    const double first = now_ns();
    self.read(0, bytes, 32);
    const double plain = now_ns() - first;
    wait(ns(10'000) - ns(plain));  // at the same distance from refresh
    const double second = now_ns();
    EXPECT_EQ(self.access(tlm::TLM_READ_COMMAND, 32, bytes, 32, ns(300)), tlm::TLM_OK_RESPONSE);
    EXPECT_NEAR(now_ns() - second, 300 + plain, 60);
    EXPECT_GE(now_ns() - second, 300 + 100);
  });
  thread.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_LT(package.results().streams.at(0).latency.max, 300 * kNanosecond)
      << "the latency is from the annotated time on";
}

/// Every way to end a response and END_REQ's delay, with few entries: back-pressure on both channels.
void styles(AtInitiator::Ending ending, double end_delay, const std::string& more) {
  Package package("package_0", platform("extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign:\n"
                                        "  cpu: {at: hbm, max_outstanding: 4" +
                                        more + "}\n"));
  AtInitiator::Style style;
  style.ending = ending;
  style.end_delay = ns(end_delay);
  AtInitiator cpu("cpu", style, sequence(0, 500, tlm::TLM_READ_COMMAND), expect_ok);
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_EQ(cpu.responses, 500u);
  EXPECT_GE(cpu.most_outstanding, 5u) << "the fifth BEGIN_REQ has no END_REQ yet";
}
TEST(Foreign, EndsResponsesWithTlmCompleted) { styles(AtInitiator::Ending::completed, 0, ""); }
TEST(Foreign, EndsResponsesWithAnAnnotatedTlmCompleted) { styles(AtInitiator::Ending::completed, 30, ""); }
TEST(Foreign, EndsResponsesWithTheReturn) { styles(AtInitiator::Ending::updated, 0, ""); }
TEST(Foreign, EndsResponsesWithAnAnnotatedReturn) { styles(AtInitiator::Ending::updated, 30, ""); }
TEST(Foreign, EndsResponsesLater) { styles(AtInitiator::Ending::later, 25, ""); }
TEST(Foreign, EndsResponsesADeltaLater) { styles(AtInitiator::Ending::later, 0, ""); }
TEST(Foreign, AcceptsRequestsLater) { styles(AtInitiator::Ending::later, 5, ", accept_delay: 12ns"); }
TEST(Foreign, AcceptsRequestsAfterTheirResponses) {
  // accept_delay beyond the latency: BEGIN_RESP stands for END_REQ, and none follows it.
  Package package("package_0",
                  platform("extends: reference/hbm3_6400\nforeign:\n  cpu: {at: hbm, accept_delay: 900ns}\n"));
  AtInitiator cpu("cpu", {}, sequence(0, 50, tlm::TLM_READ_COMMAND), expect_ok);
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_EQ(cpu.responses, 50u);
  EXPECT_EQ(cpu.most_outstanding, 1u);
}

}  // namespace
