// The monitor between real modules: it passes everything on, knows the names of both sides, and its checker sees the
// faults.
#include "kernel/base_protocol_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <list>

namespace cowosim::kernel {
namespace {

using sc_core::SC_NS;
using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;
using testing::StartsWith;
using Payload = tlm::tlm_generic_payload;
using Rule = BaseProtocolChecker::Rule;

struct Pool : tlm::tlm_mm_interface {
  void free(Payload* gp) override { gp->reset(); }
};

/// Runs what it is given, over a socket of its own.
struct Cpu : sc_core::sc_module, tlm::tlm_bw_transport_if<> {
  SC_HAS_PROCESS(Cpu);
  Cpu(const sc_core::sc_module_name& name, std::function<void(Cpu&)> program)
      : sc_module(name), socket("socket"), program_(std::move(program)) {
    socket.bind(*this);
    SC_THREAD(run);
  }
  tlm::tlm_initiator_socket<32> socket;

  Payload& make(tlm::tlm_command command, sc_dt::uint64 address) {
    gp.set_command(command);
    gp.set_address(address);
    gp.set_data_ptr(data);
    gp.set_data_length(sizeof data);
    gp.set_streaming_width(sizeof data);
    gp.set_dmi_allowed(false);
    gp.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    return gp;
  }

  Pool pool;
  Payload gp{&pool};
  unsigned char data[4] = {};
  sc_core::sc_event answered;
  unsigned invalidated = 0;

 private:
  void run() { program_(*this); }
  tlm::tlm_sync_enum nb_transport_bw(Payload&, tlm::tlm_phase& phase, sc_time& delay) override {
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    answered.notify(delay);
    return tlm::TLM_COMPLETED;
  }
  void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override { ++invalidated; }

  std::function<void(Cpu&)> program_;
};

struct Memory : sc_core::sc_module, tlm::tlm_fw_transport_if<> {
  SC_HAS_PROCESS(Memory);
  explicit Memory(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.bind(*this);
    SC_THREAD(answer);
  }
  tlm::tlm_target_socket<32> socket;
  bool forgets_the_status = false;

 private:
  void execute(Payload& gp) {
    unsigned char* place = bytes_ + gp.get_address();
    if (gp.is_write()) std::memcpy(place, gp.get_data_ptr(), gp.get_data_length());
    if (gp.is_read()) std::memcpy(gp.get_data_ptr(), place, gp.get_data_length());
    if (!forgets_the_status) gp.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  void b_transport(Payload& gp, sc_time& delay) override {
    execute(gp);
    delay += sc_time(10, SC_NS);
  }
  tlm::tlm_sync_enum nb_transport_fw(Payload& gp, tlm::tlm_phase&, sc_time& delay) override {
    gp.acquire();
    pending_ = &gp;
    begun_.notify(delay + sc_time(10, SC_NS));
    return tlm::TLM_ACCEPTED;
  }
  void answer() {
    for (;;) {
      wait(begun_);
      execute(*pending_);
      tlm::tlm_phase phase = tlm::BEGIN_RESP;
      sc_time delay = SC_ZERO_TIME;
      socket->nb_transport_bw(*pending_, phase, delay);
      pending_->release();
    }
  }
  unsigned transport_dbg(Payload& gp) override {
    execute(gp);
    return gp.get_data_length();
  }
  bool get_direct_mem_ptr(Payload&, tlm::tlm_dmi& dmi) override {
    socket->invalidate_direct_mem_ptr(0, sizeof bytes_ - 1);
    dmi.allow_read_write();
    dmi.set_dmi_ptr(bytes_);
    dmi.set_end_address(sizeof bytes_ - 1);
    return true;
  }

  unsigned char bytes_[256] = {};
  Payload* pending_ = nullptr;
  sc_core::sc_event begun_;
};

void execute(Cpu& cpu, Payload& gp) {
  gp.acquire();
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_time delay = SC_ZERO_TIME;
  cpu.socket->nb_transport_fw(gp, phase, delay);
  wait(cpu.answered);
  gp.release();
}

TEST(BaseProtocolMonitor, PassesEverythingOn) {
  bool done = false;
  Cpu cpu("cpu", [&](Cpu& self) {
    std::memcpy(self.data, "abcd", 4);
    execute(self, self.make(tlm::TLM_WRITE_COMMAND, 8));
    EXPECT_EQ(sc_core::sc_time_stamp(), sc_time(10, SC_NS));

    std::memset(self.data, 0, 4);
    Payload& read = self.make(tlm::TLM_READ_COMMAND, 8);
    sc_time delay(1, SC_NS);
    read.acquire();
    self.socket->b_transport(read, delay);
    EXPECT_EQ(delay, sc_time(11, SC_NS));
    EXPECT_EQ(std::memcmp(self.data, "abcd", 4), 0);
    EXPECT_TRUE(read.is_response_ok());

    std::memset(self.data, 0, 4);
    EXPECT_EQ(self.socket->transport_dbg(self.make(tlm::TLM_READ_COMMAND, 8)), 4u);
    EXPECT_EQ(std::memcmp(self.data, "abcd", 4), 0);

    tlm::tlm_dmi dmi;
    EXPECT_TRUE(self.socket->get_direct_mem_ptr(self.make(tlm::TLM_READ_COMMAND, 8), dmi));
    EXPECT_EQ(std::memcmp(dmi.get_dmi_ptr() + 8, "abcd", 4), 0);
    EXPECT_EQ(self.invalidated, 1u);
    done = true;
  });
  BaseProtocolMonitor<32> monitor("monitor");
  Memory memory("memory");
  cpu.socket.bind(monitor.target_socket);
  monitor.initiator_socket.bind(memory.socket);
  sc_core::sc_start();
  EXPECT_TRUE(done);
  EXPECT_EQ(monitor.checker().violations(), 0u);
  EXPECT_EQ(monitor.checker().outstanding(), 0u);
}

TEST(BaseProtocolMonitor, NamesWhoIsWrong) {
  std::vector<std::string> messages;
  Cpu cpu("cpu", [](Cpu& self) {
    execute(self, self.make(tlm::TLM_READ_COMMAND, 0));
    execute(self, self.make(tlm::TLM_READ_COMMAND, 0));
  });
  BaseProtocolMonitor<32> monitor("monitor", [&](const std::string& text) { messages.push_back(text); });
  Memory memory("memory");
  memory.forgets_the_status = true;
  cpu.socket.bind(monitor.target_socket);
  monitor.initiator_socket.bind(memory.socket);
  sc_core::sc_start(15, SC_NS);
  memory.forgets_the_status = false;
  sc_core::sc_start();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages[0], StartsWith("memory.socket: response status not set (IEEE 1666-2011, 14.17 k): "));
}

TEST(BaseProtocolMonitor, KnowsBothNames) {
  std::vector<std::string> messages;
  Cpu cpu("cpu", [](Cpu& self) {
    Payload& gp = self.make(tlm::TLM_READ_COMMAND, 0);
    gp.set_streaming_width(0);
    execute(self, gp);
  });
  BaseProtocolMonitor<32> monitor("monitor", [&](const std::string& text) { messages.push_back(text); });
  Memory memory("memory");
  cpu.socket.bind(monitor.target_socket);
  monitor.initiator_socket.bind(memory.socket);
  sc_core::sc_start();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages[0], StartsWith("cpu.socket: streaming width (IEEE 1666-2011, 14.15 f): "));
  EXPECT_THAT(messages[0], testing::EndsWith("between cpu.socket and memory.socket"));
}

TEST(BaseProtocolMonitor, WarnsUnlessToldOtherwise) {
  Cpu cpu("cpu", [](Cpu& self) {
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_time delay = SC_ZERO_TIME;
    self.gp.acquire();
    self.socket->nb_transport_fw(self.gp, phase, delay);
  });
  BaseProtocolMonitor<32> monitor("monitor");
  Memory memory("memory");
  cpu.socket.bind(monitor.target_socket);
  monitor.initiator_socket.bind(memory.socket);
  EXPECT_NONFATAL_FAILURE(sc_core::sc_start(5, SC_NS), "/cowosim/base_protocol: cpu.socket: phase of the other side");
}

/// Accellera's convenience sockets, of which the target's turns nb_transport into b_transport by itself, and sockets
/// passed up a hierarchy.
struct SimpleCpu : sc_core::sc_module {
  SC_HAS_PROCESS(SimpleCpu);
  explicit SimpleCpu(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_nb_transport_bw(this, &SimpleCpu::backward);
    SC_THREAD(run);
  }
  tlm_utils::simple_initiator_socket<SimpleCpu> socket;
  int answers = 0;

 private:
  void run() {
    for (int i = 0; i < 5; ++i) {
      Payload* gp = new_payload();
      tlm::tlm_phase phase = tlm::BEGIN_REQ;
      sc_time delay = SC_ZERO_TIME;
      if (socket->nb_transport_fw(*gp, phase, delay) == tlm::TLM_ACCEPTED) wait(free_);
      wait(10, SC_NS);
    }
  }
  Payload* new_payload() {
    Payload& gp = payloads_.emplace_back();
    gp.set_mm(&pool_);
    gp.acquire();
    gp.set_read();
    gp.set_data_ptr(data_);
    gp.set_data_length(4);
    gp.set_streaming_width(4);
    return &gp;
  }
  tlm::tlm_sync_enum backward(Payload&, tlm::tlm_phase& phase, sc_time&) {
    free_.notify(SC_ZERO_TIME);
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    ++answers;
    return tlm::TLM_COMPLETED;
  }

  Pool pool_;
  std::list<Payload> payloads_;
  unsigned char data_[4] = {};
  sc_core::sc_event free_;
};

struct SimpleMemory : sc_core::sc_module {
  explicit SimpleMemory(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_b_transport(this, &SimpleMemory::blocking);
  }
  tlm_utils::simple_target_socket<SimpleMemory> socket;
  tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;

 private:
  void blocking(Payload& gp, sc_time& delay) {
    delay += sc_time(7, SC_NS);
    gp.set_response_status(status);
  }
};

struct Board : sc_core::sc_module {
  explicit Board(const sc_core::sc_module_name& name) : sc_module(name), socket("socket"), cpu("cpu") {
    cpu.socket.bind(socket);
  }
  tlm::tlm_initiator_socket<32> socket;
  SimpleCpu cpu;
};

struct Banks : sc_core::sc_module {
  explicit Banks(const sc_core::sc_module_name& name) : sc_module(name), socket("socket"), memory("memory") {
    socket.bind(memory.socket);
  }
  tlm::tlm_target_socket<32> socket;
  SimpleMemory memory;
};

TEST(BaseProtocolMonitor, ConvenienceSocketsAndHierarchies) {
  Board board("board");
  std::vector<std::string> messages;
  BaseProtocolMonitor<32> monitor("monitor", [&](const std::string& text) { messages.push_back(text); });
  Banks banks("banks");
  board.socket.bind(monitor.target_socket);
  monitor.initiator_socket.bind(banks.socket);
  sc_core::sc_start(30, SC_NS);
  EXPECT_TRUE(messages.empty()) << messages[0];
  banks.memory.status = tlm::TLM_INCOMPLETE_RESPONSE;
  sc_core::sc_start();
  EXPECT_EQ(board.cpu.answers, 5);
  ASSERT_FALSE(messages.empty());
  EXPECT_THAT(messages[0], StartsWith("banks.memory.socket: response status not set"));
  EXPECT_THAT(messages[0], testing::HasSubstr("between board.cpu.socket and banks.memory.socket"));
}

}  // namespace
}  // namespace cowosim::kernel
