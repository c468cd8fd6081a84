// A memory of our own in place of an HBM stack: constant latency, one data bus.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <systemc>
#include <unordered_map>

class MyMemory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<MyMemory, 512> socket{"socket"};

  MyMemory(const sc_core::sc_module_name& name, sc_core::sc_time latency, sc_core::sc_time per_byte)
      : sc_module(name), latency_(latency), per_byte_(per_byte) {
    socket.register_b_transport(this, &MyMemory::b_transport);
    socket.register_transport_dbg(this, &MyMemory::transport_dbg);
  }
  std::uint64_t reads() const { return reads_; }

 private:
  using Payload = tlm::tlm_generic_payload;

  // Takes as long as the access waits for the bus, uses it, and comes back. It is the access that is delayed, not the
  // caller: the next one comes as soon as it is there.
  void b_transport(Payload& payload, sc_core::sc_time& delay) {
    const sc_core::sc_time now = sc_core::sc_time_stamp() + delay;
    bus_free_ = std::max(now, bus_free_) + per_byte_ * payload.get_data_length();
    delay += bus_free_ - now + latency_;
    reads_ += payload.is_read();
    transport_dbg(payload);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  unsigned transport_dbg(Payload& payload) {
    for (unsigned i = 0; i < payload.get_data_length(); ++i) {
      const std::uint64_t address = payload.get_address() + i;
      unsigned char& byte = pages_[address / kPage][address % kPage];
      if (payload.is_write()) byte = payload.get_data_ptr()[i];
      if (payload.is_read()) payload.get_data_ptr()[i] = byte;
    }
    return payload.get_data_length();
  }

  static constexpr std::uint64_t kPage = 4096;
  std::unordered_map<std::uint64_t, std::array<unsigned char, kPage>> pages_;  // zeros until written
  sc_core::sc_time latency_, per_byte_, bus_free_;
  std::uint64_t reads_ = 0;
};
