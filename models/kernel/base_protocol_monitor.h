// A module to put between any two modules with base-protocol sockets: passes every call on as it is and checks it.
//
//   BaseProtocolMonitor<32> monitor{"monitor"};
//   cpu.socket.bind(monitor.target_socket);
//   monitor.initiator_socket.bind(memory.socket);
//
// A transparent component (IEEE 1666-2011, 15.2.5 k to m): no time, no change of any argument. What is found is a
// SystemC warning of type /cowosim/base_protocol, unless the constructor is given another report. Names of the two
// sides are looked up when elaboration ends; where a socket hides its module (multi_passthrough sockets do), it is
// "whoever is bound to" the monitor's own socket.
#pragma once

#include "kernel/base_protocol_checker.h"

namespace cowosim::kernel {

/// Hierarchical names of the sockets on both sides, once bound: the ports that call `interface`, the export that is
/// bound to it. Empty if there is none to be seen. Of several (sockets passed up a hierarchy), the innermost.
std::string calling_socket(const tlm::tlm_fw_transport_if<>& interface);
std::string called_socket(const tlm::tlm_fw_transport_if<>& interface);

/// The report of BaseProtocolMonitor: a SystemC warning.
void report_base_protocol(const std::string& message);

template <unsigned BUSWIDTH = 32>
class BaseProtocolMonitor : public sc_core::sc_module,
                            private tlm::tlm_fw_transport_if<>,
                            private tlm::tlm_bw_transport_if<> {
 public:
  tlm::tlm_target_socket<BUSWIDTH> target_socket;        ///< to the initiator
  tlm::tlm_initiator_socket<BUSWIDTH> initiator_socket;  ///< to the target

  explicit BaseProtocolMonitor(const sc_core::sc_module_name& name,
                               BaseProtocolChecker::Report report = report_base_protocol)
      : sc_module(name),
        target_socket("target_socket"),
        initiator_socket("initiator_socket"),
        checker_(std::string("whoever is bound to ") + target_socket.name(),
                 std::string("whoever is bound to ") + initiator_socket.name(), std::move(report)) {
    target_socket.bind(*this);
    initiator_socket.bind(*this);
  }

  BaseProtocolChecker& checker() { return checker_; }

 private:
  using Payload = tlm::tlm_generic_payload;

  void end_of_elaboration() override {
    if (std::string name = calling_socket(*this); !name.empty()) checker_.set_initiator(name);
    if (std::string name = called_socket(*initiator_socket.operator->()); !name.empty()) checker_.set_target(name);
  }

  tlm::tlm_sync_enum nb_transport_fw(Payload& gp, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
    checker_.fw_begin(gp, phase, delay);
    const tlm::tlm_sync_enum status = initiator_socket->nb_transport_fw(gp, phase, delay);
    checker_.fw_end(gp, phase, delay, status);
    return status;
  }
  tlm::tlm_sync_enum nb_transport_bw(Payload& gp, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
    checker_.bw_begin(gp, phase, delay);
    const tlm::tlm_sync_enum status = target_socket->nb_transport_bw(gp, phase, delay);
    checker_.bw_end(gp, phase, delay, status);
    return status;
  }
  void b_transport(Payload& gp, sc_core::sc_time& delay) override {
    checker_.b_begin(gp, delay);
    initiator_socket->b_transport(gp, delay);
    checker_.b_end(gp, delay);
  }
  unsigned transport_dbg(Payload& gp) override {
    checker_.debug_begin(gp);
    const unsigned count = initiator_socket->transport_dbg(gp);
    checker_.debug_end(gp, count);
    return count;
  }
  bool get_direct_mem_ptr(Payload& gp, tlm::tlm_dmi& dmi) override {
    checker_.dmi_begin(gp, dmi);
    const bool granted = initiator_socket->get_direct_mem_ptr(gp, dmi);
    checker_.dmi_end(gp, dmi, granted);
    return granted;
  }
  void invalidate_direct_mem_ptr(sc_dt::uint64 start, sc_dt::uint64 end) override {
    checker_.invalidate(start, end);
    target_socket->invalidate_direct_mem_ptr(start, end);
  }

  BaseProtocolChecker checker_;
};

}  // namespace cowosim::kernel
