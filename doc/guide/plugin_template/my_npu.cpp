#include "my_npu.h"

#include <sstream>

namespace {

/// What a run leaves in memory, byte by byte: another pattern for another seed.
unsigned char pattern(std::uint64_t seed, std::int64_t address) {
  return static_cast<unsigned char>(((static_cast<std::uint64_t>(address) ^ seed) * 0x9E3779B97F4A7C15u) >> 56);
}

}  // namespace

MyNpu::MyNpu(const sc_core::sc_module_name& name, const NpuParams& params, cowosim::plugin::Host& host)
    : sc_module(name), params_(params), host_(host), busy_lanes_(params.lanes) {
  for (int lane = 0; lane < params_.lanes; ++lane)
    sc_core::sc_spawn([this, lane] { run(lane); }, ("lane_" + std::to_string(lane)).c_str());
}

void MyNpu::run(int lane) {
  const sc_core::sc_time period(static_cast<double>(params_.period), sc_core::SC_FS);
  std::vector<unsigned char> data(static_cast<std::size_t>(params_.bytes));
  for (const tlm::tlm_command command : {tlm::TLM_WRITE_COMMAND, tlm::TLM_READ_COMMAND}) {
    for (std::int64_t at = lane * params_.bytes; at < params_.footprint; at += params_.lanes * params_.bytes) {
      if (!access(command, at, data)) return;
      wait(period);
    }
  }
  if (--busy_lanes_ == 0) host_.finish();
}

bool MyNpu::access(tlm::tlm_command command, std::int64_t offset, std::vector<unsigned char>& data) {
  const std::int64_t address = params_.base + offset;
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = command == tlm::TLM_WRITE_COMMAND ? pattern(host_.seed(), address + static_cast<std::int64_t>(i)) : 0;
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(static_cast<sc_dt::uint64>(address));
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
  sc_core::sc_time delay;
  socket->b_transport(payload, delay);
  wait(delay);

  std::ostringstream problem;
  if (payload.is_response_error()) {
    problem << "got " << payload.get_response_string() << " at address 0x" << std::hex << address;
  } else if (command == tlm::TLM_READ_COMMAND && params_.verify) {
    for (std::size_t i = 0; i < data.size() && problem.tellp() == 0; ++i) {
      const std::int64_t byte = address + static_cast<std::int64_t>(i);
      const int expected = pattern(host_.seed(), byte);
      if (data[i] != expected)
        problem << "read 0x" << std::hex << int(data[i]) << " at address 0x" << byte << ", but wrote 0x" << expected;
    }
  }
  if (problem.tellp() == 0) return true;
  host_.fail(problem.str());
  return false;
}
