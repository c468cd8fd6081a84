#include "my_memory.h"

namespace {
constexpr std::uint64_t kPage = 4096;
}

MyMemory::MyMemory(const sc_core::sc_module_name& name, const MemoryParams& params, cowosim::plugin::Host&)
    : sc_module(name), params_(params) {
  socket.register_b_transport(this, &MyMemory::b_transport);
  socket.register_transport_dbg(this, &MyMemory::transport_dbg);
}

void MyMemory::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  delay += sc_core::sc_time(static_cast<double>(params_.latency), sc_core::SC_FS);
  copy(payload);
}

unsigned MyMemory::transport_dbg(tlm::tlm_generic_payload& payload) {
  copy(payload);
  return payload.is_response_ok() ? payload.get_data_length() : 0;
}

void MyMemory::copy(tlm::tlm_generic_payload& payload) {
  const std::uint64_t at = payload.get_address() - static_cast<std::uint64_t>(params_.first);
  const std::uint64_t capacity = static_cast<std::uint64_t>(params_.bytes);
  const unsigned length = payload.get_data_length();
  if (at >= capacity || length > capacity - at) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (payload.get_streaming_width() < length) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  const unsigned char* enables = payload.get_byte_enable_ptr();
  for (unsigned i = 0; i < length; ++i) {
    if (enables != nullptr && enables[i % payload.get_byte_enable_length()] != TLM_BYTE_ENABLED) continue;
    unsigned char& theirs = payload.get_data_ptr()[i];
    if (payload.is_write()) byte(at + i) = theirs;
    if (payload.is_read()) theirs = byte(at + i);
  }
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

unsigned char& MyMemory::byte(std::uint64_t address) {
  std::vector<unsigned char>& page = pages_[address / kPage];
  page.resize(kPage);
  return page[address % kPage];
}
