// Base-protocol initiator sockets for a foreign target.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "bridge/foreign_target.h"
#include "bridge/socket_shell.h"
#include "engine/gate.h"
#include "kernel/agenda.h"
#include "kernel/base_protocol_checker.h"
#include "kernel/contents.h"
#include "kernel/ports.h"

namespace cowosim::bridge {

/// One initiator socket a crossing.
///  nonblocking  BEGIN_REQ one at a time, each after the END_REQ of the one before; any of the ways a target may answer is taken. END_RESP
///               with the return of the call, or response_delay later on the forward path.
///  blocking     a thread a socket calls b_transport; a returned delay is waited for by the request, not by the thread.
/// A response status other than OK goes back to the foreign initiator that asked a device; from memory in place of a stack, and for
/// anybody else, it ends the run.
class ForeignTargetShell final : public kernel::Shell, public engine::Outside, public kernel::Calendar::Client {
 public:
  using Payload = tlm::tlm_generic_payload;
  template <unsigned kWidth>
  using Socket = tlm::tlm_initiator_socket<kWidth>;

  /// `coupled`: its heart is a member of a coupling, which wires it; there are no ports then.
  ForeignTargetShell(const sc_core::sc_module_name& name, const ForeignParams& params, const TargetContext& context,
                     bool coupled);
  ~ForeignTargetShell() override;

  ForeignTarget& heart() override { return heart_; }
  const ForeignParams& params() const { return params_; }
  /// The rest of what it needs; before the simulation.
  void attach(engine::Engine& engine, std::vector<engine::Gate*> gates, kernel::Driver& driver,
              kernel::Contents& contents, kernel::Calendar& calendar);

  /// As ForeignInitiatorShell::socket.
  template <unsigned kWidth>
  Socket<kWidth>& socket(int index) {
    require_socket(params_, index);
    Line& line = lines_[static_cast<std::size_t>(index)];
    return socket_in<Socket<kWidth>, tlm::tlm_bw_transport_if<>>(line.socket, *this, params_, index, *line.exit);
  }

  /// transport_dbg of the foreign model, on socket 0: bytes moved.
  unsigned debug(Payload& payload);
  void leave(const engine::Message& message) override;
  Time owes_since() const override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void act() override;
  Time first() const override { return agenda_.first(); }

 private:
  struct Exit final : tlm::tlm_bw_transport_if<> {
    Exit(ForeignTargetShell& shell_, int index_) : shell(shell_), index(index_) {}
    tlm::tlm_sync_enum nb_transport_bw(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
      return shell.nb_transport_bw(index, payload, phase, delay);
    }
    void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}  // never asked for any
    ForeignTargetShell& shell;
    int index;
  };
  /// A request on its way through the foreign model, with a payload that is reused. Its bytes are its own: the foreign model may go
  /// on after the run has ended and whoever asked is gone.
  struct Request final : tlm::tlm_extension<Request> {
    tlm::tlm_extension_base* clone() const override { return nullptr; }
    void copy_from(const tlm::tlm_extension_base&) override {}
    void free() override {}  // the payload's, and with it the shell's
    Payload payload;
    std::vector<unsigned char> bytes;
    std::vector<unsigned char> enables;
    Handle handle = kNoHandle;
    Time sent = 0;
    int socket = 0;
    bool accepted = false;
    bool answered = false;
    bool lent = false;
  };
  class Manager final : public tlm::tlm_mm_interface {
   public:
    explicit Manager(ForeignTargetShell& shell) : shell_(shell) {}
    void free(Payload* payload) override;

   private:
    ForeignTargetShell& shell_;
  };
  struct Line {  // one socket's
    std::unique_ptr<AnySocket<tlm::tlm_fw_transport_if<>>> socket;
    std::unique_ptr<Exit> exit;
    std::unique_ptr<kernel::BaseProtocolChecker> checker;
    engine::Gate* gate = nullptr;
    std::deque<Handle> waiting;               // to be sent
    Request* requesting = nullptr;            // BEGIN_REQ sent, END_REQ not seen
    bool sending = false;                     // in a call
    std::unique_ptr<sc_core::sc_event> work;  // blocking: for the thread
  };
  struct Item {
    enum Kind : std::uint8_t { request, request_free, end_response } kind;
    int socket;
    Handle handle;
    Request* of;
  };

  void end_of_elaboration() override { require_bound(lines_, params_, "initiator_socket"); }
  tlm::tlm_sync_enum nb_transport_bw(int index, Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay);
  tlm::tlm_sync_enum answer(Request& request, tlm::tlm_phase& phase, const sc_core::sc_time& delay);
  bool ended() const { return engine_->status() != engine::Status::running; }

  Request& prepare(int index, Handle handle);
  void plan(Time t, Item::Kind kind, int socket, Handle handle, Request* of);
  void send_next(int index);
  void serve(int index);
  void accept(Request& request, Time t);
  void respond(Request& request, Time t);
  void end_response(Request& request);

  ForeignParams params_;
  TargetContext context_;
  ForeignTarget heart_;
  engine::Engine* engine_ = nullptr;
  kernel::Driver* driver_ = nullptr;
  kernel::Contents* contents_ = nullptr;
  Manager manager_;
  std::vector<Line> lines_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::deque<Request*> free_requests_;  // the longest free is used first: an answer too many still finds it free
  kernel::Agenda<Item> agenda_;

 public:
  /// The ports towards the package: the network's, or the doors of a stack's channels.
  std::vector<std::unique_ptr<kernel::InitiatorPort>> network;
  std::vector<std::unique_ptr<kernel::TargetPort>> door;
};

}  // namespace cowosim::bridge
