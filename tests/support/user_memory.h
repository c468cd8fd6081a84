// A memory as a user would write it: what replaces an HBM stack. At most 60 lines, which a test counts.
#pragma once

#include <tlm_utils/peq_with_get.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <map>
#include <systemc>

/// Sparse bytes, a fixed latency, one answer at a time; b_transport, AT with four phases, transport_dbg.
class UserMemory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<UserMemory> socket{"socket"};
  SC_HAS_PROCESS(UserMemory);
  UserMemory(const sc_core::sc_module_name& name, sc_core::sc_time latency) : sc_module(name), latency_(latency) {
    socket.register_b_transport(this, &UserMemory::b_transport);
    socket.register_nb_transport_fw(this, &UserMemory::nb_transport_fw);
    socket.register_transport_dbg(this, &UserMemory::access);
    SC_THREAD(answer);
  }
  std::uint64_t accesses = 0;

 private:
  unsigned access(tlm::tlm_generic_payload& payload) {
    for (unsigned i = 0; i < payload.get_data_length(); ++i) {
      const unsigned char* enables = payload.get_byte_enable_ptr();
      if (enables != nullptr && enables[i % payload.get_byte_enable_length()] == 0) continue;
      unsigned char& byte = bytes_[payload.get_address() + i];
      payload.is_read() ? payload.get_data_ptr()[i] = byte : byte = payload.get_data_ptr()[i];
    }
    return payload.get_data_length();
  }
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    ++accesses;
    access(payload);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    delay += latency_;
  }
  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& t) {
    if (phase == tlm::END_RESP) return tlm::TLM_COMPLETED;
    payload.acquire();
    queue_.notify(payload, t + latency_);
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }
  void answer() {
    for (;; wait(queue_.get_event())) {
      while (tlm::tlm_generic_payload* payload = queue_.get_next_transaction()) {
        sc_core::sc_time delay, none;
        b_transport(*payload, none);
        tlm::tlm_phase phase = tlm::BEGIN_RESP;
        socket->nb_transport_bw(*payload, phase, delay);
        payload->release();
      }
    }
  }
  sc_core::sc_time latency_;
  std::map<std::uint64_t, unsigned char> bytes_;
  tlm_utils::peq_with_get<tlm::tlm_generic_payload> queue_{"queue"};
};
