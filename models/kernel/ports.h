// Sockets between components. A call only appends to the connection's outbox: no wake-up, no sc_time arithmetic, no report.
#pragma once

#include <systemc>
#include <tlm>

#include "engine/engine.h"
#include "kernel/protocol.h"

namespace cowosim::kernel {

class Port;

/// Anything that is elaborated into the engine: a module that shelters one heart.
class Shell : public sc_core::sc_module {
 public:
  explicit Shell(const sc_core::sc_module_name& name) : sc_module(name) {}
  virtual engine::Heart& heart() = 0;
  /// Set while the package elaborates; sockets connect components through it.
  engine::Component* component = nullptr;
};

/// Where a message left by one socket ends: the connection to the component behind the other one.
class Landing {
 public:
  engine::Connection* connection = nullptr;  ///< to the component behind this socket

 protected:
  tlm::tlm_sync_enum land(PackagePayload& payload, PackagePhase phase) {
    connection->append(phase, payload.transaction, payload.arrival, payload.count);
    return tlm::TLM_ACCEPTED;
  }
};

/// One port of a heart: a socket for both directions. Requests and credits for responses go forward, the rest backward; the
/// heart does not care. `wire` is the time between the two sides; hearts add their own output pipelines to it.
class Port : public engine::Outlet, public Landing {
 public:
  Port(Shell& shell, int index, Time wire) : shell_(shell), wire_(wire), index_(index) {
    shell.heart().bind(index, *this);
  }
  Time latency() const final { return wire_; }
  /// Least time from a decision of this side's heart to the arrival at the other: what windows rest on.
  Time lookahead() const { return wire_ + shell_.heart().output_pipeline(index_); }
  Shell& shell() const { return shell_; }
  int index() const { return index_; }
  virtual const char* socket_name() const = 0;

 protected:
  PackagePayload& load(Handle transaction, Time arrival, std::uint16_t count) {
    payload_.transaction = transaction;
    payload_.arrival = arrival;
    payload_.count = count;
    return payload_;
  }

 private:
  PackagePayload payload_;
  Shell& shell_;
  Time wire_;
  int index_;
};

class InitiatorPort final : public Port, public tlm::tlm_bw_transport_if<PackageProtocol> {
 public:
  using Socket = tlm::tlm_initiator_socket<kBusWidth, PackageProtocol>;
  InitiatorPort(const char* name, Shell& shell, int index, Time wire = 0) : Port(shell, index, wire), socket(name) {
    socket.bind(*this);
  }
  Socket socket;

  void send(engine::Phase phase, Handle transaction, Time arrival, std::uint16_t count) override {
    socket->nb_transport_fw(load(transaction, arrival, count), phase, zero_);
  }
  const char* socket_name() const override { return socket.name(); }
  tlm::tlm_sync_enum nb_transport_bw(PackagePayload& payload, PackagePhase& phase, sc_core::sc_time&) override {
    return land(payload, phase);
  }
  void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}

 private:
  sc_core::sc_time zero_;
};

class TargetPort final : public Port, public tlm::tlm_fw_transport_if<PackageProtocol> {
 public:
  // A port nobody uses in this run (the dispatcher's of a core that only a trace passes by) may stay unbound.
  using Socket = tlm::tlm_target_socket<kBusWidth, PackageProtocol, 1, sc_core::SC_ZERO_OR_MORE_BOUND>;
  TargetPort(const char* name, Shell& shell, int index, Time wire = 0) : Port(shell, index, wire), socket(name) {
    socket.bind(*this);
  }
  Socket socket;

  void send(engine::Phase phase, Handle transaction, Time arrival, std::uint16_t count) override {
    socket->nb_transport_bw(load(transaction, arrival, count), phase, zero_);
  }
  const char* socket_name() const override { return socket.name(); }
  tlm::tlm_sync_enum nb_transport_fw(PackagePayload& payload, PackagePhase& phase, sc_core::sc_time&) override {
    return land(payload, phase);
  }
  // The package's protocol is non-blocking only; bridges (base protocol) offer the rest.
  void b_transport(PackagePayload& payload, sc_core::sc_time&) override {
    payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
  }
  bool get_direct_mem_ptr(PackagePayload&, tlm::tlm_dmi&) override { return false; }
  unsigned int transport_dbg(PackagePayload&) override { return 0; }

 private:
  sc_core::sc_time zero_;
};

/// Joins two sockets and registers both directions with the engine. `root` is the package's name, cut off from connection names.
void connect(InitiatorPort& initiator, TargetPort& target, engine::Engine& engine, const std::string& root);

}  // namespace cowosim::kernel
