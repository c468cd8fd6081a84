#include "bridge/foreign_target_shell.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace cowosim::bridge {

using engine::Phase;
using kernel::present;
using kernel::sc_time_of;

namespace {
Time time_of(const sc_core::sc_time& t) { return static_cast<Time>(t.value()); }
}  // namespace

ForeignTargetShell::ForeignTargetShell(const sc_core::sc_module_name& name, const ForeignParams& params,
                                       const TargetContext& context, bool coupled)
    : Shell(name),
      params_(params),
      context_(context),
      heart_(params, context),
      manager_(*this),
      lines_(static_cast<std::size_t>(params.sockets)) {
  for (int i = 0; i < params.sockets; ++i) lines_[static_cast<std::size_t>(i)].exit = std::make_unique<Exit>(*this, i);
  for (int port = 0; port < heart_.upstream() && !coupled; ++port) {
    if (context.map == nullptr) {
      network.push_back(std::make_unique<kernel::InitiatorPort>("network", *this, port));
    } else {
      door.push_back(std::make_unique<kernel::TargetPort>(("door_" + std::to_string(port)).c_str(), *this, port));
    }
  }
  if (params.transport != "blocking") return;
  for (int i = 0; i < params.sockets; ++i) {
    lines_[static_cast<std::size_t>(i)].work = std::make_unique<sc_core::sc_event>();
    sc_core::sc_spawn([this, i] { serve(i); }, ("serve_" + std::to_string(i)).c_str());
  }
}

ForeignTargetShell::~ForeignTargetShell() {
  for (const auto& request : requests_) request->payload.clear_extension(request.get());
}

void ForeignTargetShell::attach(engine::Engine& engine, std::vector<engine::Gate*> gates, kernel::Driver& driver,
                                kernel::Contents& contents, kernel::Calendar& calendar) {
  agenda_.attach(calendar);
  calendar.add(name(), *this);
  engine_ = &engine;
  driver_ = &driver;
  contents_ = &contents;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    lines_[i].gate = gates[i];
    const std::string socket = name() + (".socket_" + std::to_string(i));
    lines_[i].checker = std::make_unique<kernel::BaseProtocolChecker>(
        socket, "foreign model " + params_.name, [this](const std::string& what) { contents_->broken(what); });
  }
}

// ---- Requests ------------------------------------------------------------------------------------------------------

void ForeignTargetShell::Manager::free(Payload* payload) {
  Request* request = nullptr;
  payload->get_extension(request);
  request->lent = false;
  payload->reset();  // extensions that were set for this transaction alone
  shell_.free_requests_.push_back(request);
}

ForeignTargetShell::Request& ForeignTargetShell::prepare(int index, Handle handle) {
  constexpr std::size_t kSpare = 64;
  while (free_requests_.size() < kSpare) {
    requests_.push_back(std::make_unique<Request>());
    Request* fresh = requests_.back().get();
    fresh->payload.set_mm(&manager_);
    fresh->payload.set_extension(fresh);
    free_requests_.push_back(fresh);
  }
  Request& request = *free_requests_.front();
  free_requests_.pop_front();
  const Transaction& tx = engine_->pools()[handle];
  Payload& payload = request.payload;
  const bool read = tx.op == Op::read;
  request.handle = handle;
  request.socket = index;
  request.sent = present();
  request.accepted = request.answered = false;
  request.lent = true;
  payload.acquire();
  payload.set_command(read ? tlm::TLM_READ_COMMAND : tlm::TLM_WRITE_COMMAND);
  payload.set_address(context_.map != nullptr ? context_.map->in_stack(tx.fetch_address)
                                              : tx.fetch_address - static_cast<std::uint64_t>(params_.base));
  payload.set_data_length(tx.fetch_bytes);
  payload.set_streaming_width(tx.fetch_bytes);
  payload.set_byte_enable_ptr(nullptr);
  payload.set_byte_enable_length(0);
  payload.set_dmi_allowed(false);
  payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  const kernel::TravellingBytes travelling = contents_->travelling(handle);
  request.bytes.assign(tx.fetch_bytes, 0);
  payload.set_data_ptr(request.bytes.data());
  if (travelling.payload == nullptr) {
    if (!read) contents_->read(tx.fetch_address, request.bytes.data(), tx.fetch_bytes);
    return request;
  }
  // Of reads, too: bytes that are not enabled must not change.
  std::memcpy(request.bytes.data(), travelling.payload->get_data_ptr() + travelling.offset, tx.fetch_bytes);
  if (const unsigned char* enables = travelling.payload->get_byte_enable_ptr()) {
    const unsigned period = travelling.payload->get_byte_enable_length();
    request.enables.resize(tx.fetch_bytes);
    for (std::size_t i = 0; i < request.enables.size(); ++i)
      request.enables[i] = enables[(travelling.offset + i) % period];
    payload.set_byte_enable_ptr(request.enables.data());
    payload.set_byte_enable_length(tx.fetch_bytes);
  }
  return request;
}

void ForeignTargetShell::leave(const engine::Message& message) {
  // Not by message.port: in a coupling that is the coupling's.
  const int socket = heart_.socket_of(engine_->pools()[message.transaction]);
  plan(message.time, Item::request, socket, message.transaction, nullptr);
}

void ForeignTargetShell::plan(Time t, Item::Kind kind, int socket, Handle handle, Request* of) {
  constexpr unsigned kKinds = 3;
  agenda_.add(t, static_cast<unsigned>(socket) * kKinds + kind, {kind, socket, handle, of});
}

void ForeignTargetShell::act() {
  Item item{};
  while (agenda_.take(item)) {
    if (ended() && item.kind != Item::end_response) continue;  // who has answered has its END_RESP
    Line& line = lines_[static_cast<std::size_t>(item.socket)];
    switch (item.kind) {
      case Item::request:
        line.waiting.push_back(item.handle);
        if (line.work) {
          line.work->notify(sc_core::SC_ZERO_TIME);
        } else {
          send_next(item.socket);
        }
        break;
      case Item::request_free:
        if (line.requesting == item.of) line.requesting = nullptr;
        send_next(item.socket);
        break;
      case Item::end_response:
        end_response(*item.of);
        break;
    }
  }
}

/// As long as the request channel is free.
void ForeignTargetShell::send_next(int index) {
  Line& line = lines_[static_cast<std::size_t>(index)];
  if (line.sending) return;  // a target that calls back from within: the loop goes on when it returns
  while (line.requesting == nullptr && !line.waiting.empty() && !ended()) {
    Request& request = prepare(index, line.waiting.front());
    line.waiting.pop_front();
    line.requesting = &request;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    line.checker->fw_begin(request.payload, phase, delay);
    line.sending = true;
    const tlm::tlm_sync_enum status = line.socket->peer().nb_transport_fw(request.payload, phase, delay);
    line.sending = false;
    line.checker->fw_end(request.payload, phase, delay, status);
    if (status == tlm::TLM_ACCEPTED || request.answered) continue;
    const Time t = present() + time_of(delay);
    if (t <= present()) {
      line.requesting = nullptr;
    } else {
      plan(t, Item::request_free, index, kNoHandle, &request);
    }
    if (status == tlm::TLM_UPDATED && phase == tlm::END_REQ) {
      accept(request, t);
    } else {  // an early completion, or BEGIN_RESP, which stands for END_REQ
      respond(request, t);
      if (status == tlm::TLM_UPDATED && phase == tlm::BEGIN_RESP) {
        plan(t + params_.response_delay, Item::end_response, index, kNoHandle, &request);
      } else {
        request.payload.release();
      }
    }
  }
}

/// END_REQ at `t`: the next request may go, and the package has room for one more.
void ForeignTargetShell::accept(Request& request, Time t) {
  if (request.accepted) return;
  request.accepted = true;
  Line& line = lines_[static_cast<std::size_t>(request.socket)];
  engine_->enter(*line.gate, Phase::credit, request.handle, t + params_.crossing_latency);
  driver_->wake();
}

/// BEGIN_RESP at `t`.
void ForeignTargetShell::respond(Request& request, Time t) {
  if (request.answered) return;  // twice: the checker has named it
  accept(request, t);
  request.answered = true;
  const Transaction& tx = engine_->pools()[request.handle];
  const tlm::tlm_response_status status = request.payload.get_response_status();
  const kernel::TravellingBytes travelling = contents_->travelling(request.handle);
  if (travelling.payload != nullptr) {
    if (travelling.payload->get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE || status != tlm::TLM_OK_RESPONSE)
      travelling.payload->set_response_status(status);
    if (tx.op == Op::read)
      std::memcpy(travelling.payload->get_data_ptr() + travelling.offset, request.bytes.data(), request.bytes.size());
  } else if (status != tlm::TLM_OK_RESPONSE) {
    contents_->broken(fmt::format("foreign model {} answers a {} of {} bytes at 0x{:x} (0x{:x} of the package) with {}",
                                  params_.name, name_of(tx.op), request.payload.get_data_length(),
                                  request.payload.get_address(), tx.fetch_address,
                                  request.payload.get_response_string()));
    return;
  }
  Line& line = lines_[static_cast<std::size_t>(request.socket)];
  engine_->enter(*line.gate, Phase::response, request.handle, t + params_.crossing_latency);
  driver_->wake();
}

void ForeignTargetShell::end_response(Request& request) {
  Line& line = lines_[static_cast<std::size_t>(request.socket)];
  tlm::tlm_phase phase = tlm::END_RESP;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  line.checker->fw_begin(request.payload, phase, delay);
  const tlm::tlm_sync_enum status = line.socket->peer().nb_transport_fw(request.payload, phase, delay);
  line.checker->fw_end(request.payload, phase, delay, status);
  request.payload.release();
}

tlm::tlm_sync_enum ForeignTargetShell::nb_transport_bw(int index, Payload& payload, tlm::tlm_phase& phase,
                                                       sc_core::sc_time& delay) {
  kernel::BaseProtocolChecker& checker = *lines_[static_cast<std::size_t>(index)].checker;
  checker.bw_begin(payload, phase, delay);
  Request* request = nullptr;
  payload.get_extension(request);
  tlm::tlm_sync_enum status = tlm::TLM_COMPLETED;  // of what is nobody's, or answered before: the checker has named it
  const bool known =
      request != nullptr && &request->payload == &payload && request->lent && !request->answered && !ended();
  if (known) status = answer(*request, phase, delay);
  checker.bw_end(payload, phase, delay, status);
  if (known && status == tlm::TLM_COMPLETED) payload.release();
  return status;
}

tlm::tlm_sync_enum ForeignTargetShell::answer(Request& request, tlm::tlm_phase& phase, const sc_core::sc_time& delay) {
  const Time t = present() + time_of(delay);
  const bool had_channel = lines_[static_cast<std::size_t>(request.socket)].requesting == &request;
  tlm::tlm_sync_enum status = tlm::TLM_ACCEPTED;
  if (phase == tlm::END_REQ) {
    accept(request, t);
  } else if (phase == tlm::BEGIN_RESP) {
    respond(request, t);
    if (params_.response_delay == 0) {
      phase = tlm::END_RESP;
      status = tlm::TLM_COMPLETED;
    } else {
      plan(t + params_.response_delay, Item::end_response, request.socket, kNoHandle, &request);
    }
  }
  // The next request does not go from within the target's own call.
  if (had_channel) plan(t, Item::request_free, request.socket, kNoHandle, &request);
  return status;
}

// ---- Blocking ------------------------------------------------------------------------------------------------------

void ForeignTargetShell::serve(int index) {
  Line& line = lines_[static_cast<std::size_t>(index)];
  for (;;) {
    while (line.waiting.empty() || ended()) wait(*line.work);
    Request& request = prepare(index, line.waiting.front());
    line.waiting.pop_front();
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    line.checker->b_begin(request.payload, delay);
    line.socket->peer().b_transport(request.payload, delay);
    line.checker->b_end(request.payload, delay);
    if (!ended()) respond(request, present() + time_of(delay));
    request.payload.release();
  }
}

unsigned ForeignTargetShell::debug(Payload& payload) {
  Line& line = lines_.front();
  line.checker->debug_begin(payload);
  const unsigned moved = line.socket->peer().transport_dbg(payload);
  line.checker->debug_end(payload, moved);
  return moved;
}

Time ForeignTargetShell::owes_since() const {
  Time since = kNever;
  for (const auto& request : requests_)
    if (request->lent && !request->answered) since = std::min(since, request->sent);
  return since;
}

void ForeignTargetShell::report_waits(std::vector<engine::Wait>& waits) const {
  for (const auto& request : requests_) {
    if (!request->lent || request->answered) continue;
    waits.push_back(
        {name(), fmt::format("{} of foreign model {}", request->accepted ? "BEGIN_RESP" : "END_REQ", params_.name),
         fmt::format("{} of {} bytes at 0x{:x}, sent at {} ns", request->payload.is_read() ? "read" : "write",
                     request->payload.get_data_length(), request->payload.get_address(), to_ns(request->sent))});
  }
}

}  // namespace cowosim::bridge
