// Foreign models around a package: initiators, memories, blocking and non-blocking.
#include <gmock/gmock.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <systemc>
#include <vector>

#include "platforms/host_interface.h"
#include "platforms/package.h"

namespace {

using cowosim::Package;
using cowosim::RunOptions;
using cowosim::Time;
using Payload = tlm::tlm_generic_payload;

RunOptions options_of(const std::string& platform, std::vector<std::string> settings = {}) {
  RunOptions options;
  options.platform = platform;
  options.settings = std::move(settings);
  options.check = true;
  return options;
}

/// Writes a platform file that the test names.
std::string file_of(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name + ".yaml";
  std::ofstream(path) << text;
  return path;
}

/// Runs a function in a thread, with a socket.
class Driver : public sc_core::sc_module {
 public:
  Driver(const sc_core::sc_module_name& name, std::function<void(Driver&)> body)
      : sc_module(name), body_(std::move(body)) {
    SC_HAS_PROCESS(Driver);
    SC_THREAD(run);
  }
  tlm_utils::simple_initiator_socket<Driver> socket{"socket"};

  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, unsigned char* bytes,
                                  unsigned length, sc_core::sc_time delay = sc_core::SC_ZERO_TIME) {
    Payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(bytes);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    socket->b_transport(payload, delay);
    wait(delay);
    return payload.get_response_status();
  }

 private:
  void run() { body_(*this); }
  std::function<void(Driver&)> body_;
};

TEST(Foreign, AnInitiatorAtTheDoorsReadsWhatItWroteAndTakesItsTime) {
  const std::string file = file_of("doors",
                                   "extends: reference/hbm3_6400\nmemory: {data: sparse}\nforeign:\n  cpu: {at: hbm, "
                                   "crossing_latency: 20ns, port_latency: 5ns}\n");
  Package package("package_0", options_of(file));
  std::vector<double> latencies;
  Driver driver("driver", [&](Driver& self) {
    unsigned char out[64], in[64] = {};
    for (int i = 0; i < 64; ++i) out[i] = static_cast<unsigned char>(i + 1);
    EXPECT_EQ(self.access(tlm::TLM_WRITE_COMMAND, 0x1230, out, 64), tlm::TLM_OK_RESPONSE);
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    EXPECT_EQ(self.access(tlm::TLM_READ_COMMAND, 0x1230, in, 64), tlm::TLM_OK_RESPONSE);
    latencies.push_back((sc_core::sc_time_stamp() - before) / sc_core::sc_time(1, sc_core::SC_NS));
    EXPECT_EQ(std::memcmp(in, out, 64), 0);
    EXPECT_EQ(self.access(tlm::TLM_READ_COMMAND, 1ull << 40, in, 4), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  });
  driver.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  EXPECT_EQ(package.status(), cowosim::engine::Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  ASSERT_EQ(latencies.size(), 1u);
  EXPECT_GT(latencies[0], 2 * 20 + 5 + 13.75);
  const auto results = package.results();
  EXPECT_EQ(results.streams.at(0).name, "cpu");
  EXPECT_EQ(results.streams.at(0).transactions, 2u);
  EXPECT_GT(results.hbm->stacks.at(0).channels.at(0).counters.reads, 0u);
}

TEST(Foreign, AHostsKernelsRunAndTheirEndIsSeenInMemory) {
  namespace host = cowosim::host;
  const std::string file = file_of("host",
                                   "extends: h100_sxm5\nmemory: {data: sparse}\nforeign:\n"
                                   "  host: {at: off_package, crossing_latency: 400ns}\n");
  Package package("package_0", options_of(file));
  std::uint64_t registers = 0;
  for (const auto& region : package.address_map().regions())
    if (region.kind == cowosim::AddressRegion::Kind::registers) registers = region.first;
  std::uint64_t reads_seen = 0;
  Driver driver("driver", [&](Driver& self) {
    const auto write64 = [&](std::uint64_t address, std::uint64_t value) {
      EXPECT_EQ(self.access(tlm::TLM_WRITE_COMMAND, address, reinterpret_cast<unsigned char*>(&value), 8),
                tlm::TLM_OK_RESPONSE);
    };
    const auto read64 = [&](std::uint64_t address) {
      std::uint64_t value = 0;
      EXPECT_EQ(self.access(tlm::TLM_READ_COMMAND, address, reinterpret_cast<unsigned char*>(&value), 8),
                tlm::TLM_OK_RESPONSE);
      return value;
    };
    constexpr std::uint64_t kRing = 1 << 20, kSource = 2 << 20, kDestination = 4 << 20, kFlag = 6 << 20;
    constexpr std::uint64_t kBytes = 64 << 10;
    std::vector<unsigned char> data(kBytes), back(kBytes);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(i * 7 + (i >> 8));
    for (std::size_t i = 0; i < kBytes; i += 4096)
      self.access(tlm::TLM_WRITE_COMMAND, kSource + i, data.data() + i, 4096);
    host::Descriptor copy;
    copy.opcode = static_cast<std::uint8_t>(host::Opcode::copy);
    copy.flags = host::kNotify;
    copy.source = kSource;
    copy.destination = kDestination;
    copy.bytes = kBytes;
    copy.completion_address = kFlag;
    copy.completion_value = 42;
    unsigned char bytes[host::kDescriptorBytes];
    host::pack(copy, bytes);
    self.access(tlm::TLM_WRITE_COMMAND, kRing, bytes, sizeof bytes);
    write64(registers + host::ring_base, kRing);
    write64(registers + host::ring_entries, 16);
    EXPECT_EQ(read64(registers + host::tail), 0u);
    write64(registers + host::tail, 1);
    int polls = 0;
    while (read64(kFlag) != 42 && polls < 1000) ++polls;
    EXPECT_GT(polls, 0);
    EXPECT_LT(polls, 1000);
    EXPECT_EQ(read64(registers + host::head), 1u);
    for (std::size_t i = 0; i < kBytes; i += 4096)
      self.access(tlm::TLM_READ_COMMAND, kDestination + i, back.data() + i, 4096);
    EXPECT_EQ(back, data);
    for (const auto& info : package.registers())
      if (info.name.find("pseudo_channel_0_reads") != std::string::npos) reads_seen += read64(registers + info.offset);
    package.foreign_initiator("host").finish();
  });
  driver.socket.bind(package.target_socket("host"));
  sc_core::sc_start();
  EXPECT_EQ(package.status(), cowosim::engine::Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  EXPECT_GT(reads_seen, 0u);
  const auto results = package.results();
  ASSERT_TRUE(results.workload.has_value());
  EXPECT_EQ(results.workload->operators.size(), 1u);
}

}  // namespace
