// A foreign initiator as a host: the ring of kernels and the registers through TLM.
#include "platforms/host_interface.h"
#include "support/foreign_models.h"

namespace cowosim {
namespace {

TEST(ForeignHost, LaunchesACopyByDoorbellSeesItsEndInMemoryAndReadsCounters) {
  Package package("package_0", test::platform("extends: h100_sxm5\nmemory: {data: sparse}\nforeign:\n"
                                              "  host: {at: off_package, crossing_latency: 400ns}\n"));
  std::uint64_t registers = 0;
  for (const auto& region : package.address_map().regions())
    if (region.kind == AddressRegion::Kind::registers) registers = region.first;
  std::uint64_t reads_seen = 0;
  test::Thread driver("driver", [&](test::Thread& self) {
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
  test::expect_clean(package);
  EXPECT_GT(reads_seen, 0u);
  const auto results = package.results();
  ASSERT_TRUE(results.workload.has_value());
  EXPECT_EQ(results.workload->operators.size(), 1u);
}

}  // namespace
}  // namespace cowosim
