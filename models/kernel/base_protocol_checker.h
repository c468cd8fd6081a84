// placeholder until the checker is merged
#pragma once
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
namespace cowosim::kernel {
class BaseProtocolChecker {
 public:
  using Payload = tlm::tlm_generic_payload;
  BaseProtocolChecker(std::string, std::string, std::function<void(const std::string&)>) {}
  void fw_begin(Payload&, const tlm::tlm_phase&, const sc_core::sc_time&) {}
  void fw_end(Payload&, const tlm::tlm_phase&, const sc_core::sc_time&, tlm::tlm_sync_enum) {}
  void bw_begin(Payload&, const tlm::tlm_phase&, const sc_core::sc_time&) {}
  void bw_end(Payload&, const tlm::tlm_phase&, const sc_core::sc_time&, tlm::tlm_sync_enum) {}
  void b_begin(Payload&, const sc_core::sc_time&) {}
  void b_end(Payload&, const sc_core::sc_time&) {}
  void debug_begin(Payload&) {}
  void debug_end(Payload&, unsigned) {}
  void dmi_begin(Payload&) {}
  void dmi_end(Payload&, bool, const tlm::tlm_dmi&) {}
  void invalidate(sc_dt::uint64, sc_dt::uint64) {}
};
}  // namespace cowosim::kernel
