#include "bridge/foreign_initiator_shell.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace cowosim::bridge {

using engine::Phase;
using kernel::present;
using kernel::sc_time_of;

namespace {
Time time_of(const sc_core::sc_time& t) { return static_cast<Time>(t.value()); }
}  // namespace

ForeignInitiatorShell::ForeignInitiatorShell(const sc_core::sc_module_name& name, const ForeignParams& params,
                                             const InitiatorContext& context, bool coupled)
    : Shell(name),
      params_(params),
      heart_(params, context),
      lines_(static_cast<std::size_t>(params.sockets)),
      loosely_timed_(params.timing == "loose") {
  for (int i = 0; i < params.sockets; ++i)
    lines_[static_cast<std::size_t>(i)].entry = std::make_unique<Entry>(*this, i);
  for (int port = params.sockets; port < heart_.ports() && !coupled; ++port) {
    const std::string socket = context.map == nullptr ? "memory" : "memory_" + std::to_string(port - params.sockets);
    memory.push_back(std::make_unique<kernel::InitiatorPort>(socket.c_str(), *this, port));
  }
}

ForeignInitiatorShell::~ForeignInitiatorShell() = default;

void ForeignInitiatorShell::attach(engine::Engine& engine, std::vector<engine::Gate*> gates, kernel::Driver& driver,
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
        "foreign model " + params_.name, socket, [this](const std::string& what) { contents_->broken(what); });
  }
}

void ForeignInitiatorShell::finish() {
  for (Line& line : lines_) engine_->close(*line.gate);
  driver_->wake();
}

void ForeignInitiatorShell::set_loosely_timed(bool on) {
  if (loosely_timed_ && !on) {
    loosely_timed_ = false;  // first: who is told may ask again
    for (Line& line : lines_) {
      if (!line.socket) continue;
      line.checker->invalidate(0, ~sc_dt::uint64{0});
      line.socket->peer().invalidate_direct_mem_ptr(0, ~sc_dt::uint64{0});
    }
  }
  loosely_timed_ = on;
}

kernel::TravellingBytes ForeignInitiatorShell::bytes_of(Handle handle) const {
  const Transaction& piece = engine_->pools()[handle];
  const Access& access = *by_request_[heart_.request_of(piece)];
  return {access.payload, piece.address - access.payload->get_address()};
}

// ---- Accesses ------------------------------------------------------------------------------------------------------

ForeignInitiatorShell::Access* ForeignInitiatorShell::take_access(Payload& payload, const AddressRegion& region,
                                                                  int socket, Time called, bool blocking) {
  if (free_accesses_.empty()) {
    accesses_.push_back(std::make_unique<Access>());
    free_accesses_.push_back(accesses_.back().get());
  }
  Access* access = free_accesses_.back();
  free_accesses_.pop_back();
  access->payload = &payload;
  access->region = &region;
  access->called = called;
  access->socket = socket;
  access->blocking = blocking;
  access->accepted = access->done = false;
  ++access->use;
  access->orphan.reset();
  if (blocking && !access->woken) access->woken = std::make_unique<sc_core::sc_event>();
  access->held = !blocking && payload.has_mm();
  if (access->held) payload.acquire();
  return access;
}

void ForeignInitiatorShell::release(Access* access) {
  Payload* const payload = std::exchange(access->payload, nullptr);
  free_accesses_.push_back(access);
  if (access->held) payload->release();
}

/// Who waits is being unwound.
void ForeignInitiatorShell::abandon(Access* access) {
  std::deque<Access*>& waiting = lines_[static_cast<std::size_t>(access->socket)].waiting;
  const auto place = std::find(waiting.begin(), waiting.end(), access);
  const bool entered = place == waiting.end();
  if (!entered) waiting.erase(place);
  if (!entered || access->done) return release(access);
  const Payload& payload = *access->payload;
  access->orphan = std::make_unique<Orphan>();
  Orphan& orphan = *access->orphan;
  orphan.bytes.assign(payload.get_data_ptr(), payload.get_data_ptr() + payload.get_data_length());
  orphan.payload.set_command(payload.get_command());
  orphan.payload.set_address(payload.get_address());
  orphan.payload.set_data_ptr(orphan.bytes.data());
  orphan.payload.set_data_length(payload.get_data_length());
  orphan.payload.set_streaming_width(payload.get_streaming_width());
  orphan.payload.set_response_status(payload.get_response_status());
  if (const unsigned char* enables = payload.get_byte_enable_ptr()) {
    orphan.enables.assign(enables, enables + payload.get_byte_enable_length());
    orphan.payload.set_byte_enable_ptr(orphan.enables.data());
    orphan.payload.set_byte_enable_length(payload.get_byte_enable_length());
  }
  access->payload = &orphan.payload;
}

bool ForeignInitiatorShell::admissible(Payload& payload, const AddressRegion*& region) const {
  payload.set_dmi_allowed(false);
  if (ended()) {
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    return false;
  }
  if (payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return false;
  }
  region = contents_->address_map().find(payload.get_address(), payload.get_data_length());
  if (region == nullptr) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return false;
  }
  if (payload.get_streaming_width() < payload.get_data_length() || payload.get_data_length() > kLongest) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return false;
  }
  return true;
}

void ForeignInitiatorShell::loosely_timed(Payload& payload, const AddressRegion& region, sc_core::sc_time& delay) {
  ++loose_;
  payload.set_dmi_allowed(region.kind == AddressRegion::Kind::memory);
  contents_->effect(region, payload, present());
  delay += sc_time_of(2 * params_.crossing_latency + contents_->unloaded_latency(region, payload));
}

/// The request enters at `t`, or when `t` has come.
void ForeignInitiatorShell::enter(Access& access, Time t) {
  const Payload& payload = *access.payload;
  using Kind = AddressRegion::Kind;
  using Target = ForeignInitiator::Target;
  const Target target = access.region->kind == Kind::memory    ? Target::memory
                        : access.region->kind == Kind::foreign ? Target::foreign
                                                               : Target::registers;
  access.request = heart_.open(access.socket, payload.is_read() ? Op::read : Op::write, payload.get_address(),
                               payload.get_data_length(), access.called, target);
  if (by_request_.size() <= access.request) by_request_.resize(access.request + 1, nullptr);
  by_request_[access.request] = &access;
  Line& line = lines_[static_cast<std::size_t>(access.socket)];
  ++line.outstanding;
  engine_->enter(*line.gate, Phase::request, access.request, t + params_.crossing_latency,
                 contents_->needs_exact(*access.region, payload));
  driver_->wake();
}

bool ForeignInitiatorShell::effect(const engine::Message& message) {
  if (message.phase != Phase::request) return false;
  Access& access = *by_request_[message.transaction];
  if (access.payload == nullptr || access.region->kind == AddressRegion::Kind::foreign) return false;
  return contents_->effect(*access.region, *access.payload, message.time);
}

void ForeignInitiatorShell::leave(const engine::Message& message) {
  plan(message.time, Item::response, *by_request_[message.transaction]);
}

/// Of one socket at one time: END_REQ before responses, whoever came first.
void ForeignInitiatorShell::plan(Time t, Item::Kind kind, Access& access) {
  constexpr unsigned kKinds = 4;
  agenda_.add(t, static_cast<unsigned>(access.socket) * kKinds + kind, {kind, &access, access.use, access.socket});
}

/// The foreign model has its response at present.
void ForeignInitiatorShell::deliver(Access& access) {
  Line& line = lines_[static_cast<std::size_t>(access.socket)];
  Payload& payload = *access.payload;
  if (payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE) payload.set_response_status(tlm::TLM_OK_RESPONSE);
  access.done = access.accepted = true;
  access.delivered = present();
  if (ended()) return;
  heart_.delivered(access.request, present());
  engine_->enter(*line.gate, Phase::retire, access.request, present() + params_.crossing_latency);
  driver_->wake();
}

/// An entry is free again: the next one in line has it.
void ForeignInitiatorShell::leave_line(Line& line) {
  --line.outstanding;
  driver_->wake();  // END_RESP may be all that the run waited for
  if (line.waiting.empty() || ended()) return;
  Access* const next = line.waiting.front();
  line.waiting.pop_front();
  const Time t = std::max(present(), next->called);
  enter(*next, t);
  if (!next->blocking) plan(t + params_.accept_delay, Item::end_request, *next);
}

// ---- Blocking ------------------------------------------------------------------------------------------------------

void ForeignInitiatorShell::b_transport(int index, Payload& payload, sc_core::sc_time& delay) {
  Line& line = lines_[static_cast<std::size_t>(index)];
  line.checker->b_begin(payload, delay);
  const AddressRegion* region = nullptr;
  if (admissible(payload, region)) {
    if (is_loose(*region, payload)) {
      loosely_timed(payload, *region, delay);
    } else {
      Access* const access = take_access(payload, *region, index, present() + time_of(delay), true);
      if (line.outstanding < params_.max_outstanding && line.waiting.empty()) {
        enter(*access, access->called);
      } else {
        line.waiting.push_back(access);
      }
      try {
        while (!access->done) wait(*access->woken);
      } catch (...) {  // killed, or reset
        abandon(access);
        payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
        line.checker->b_end(payload, delay);
        throw;
      }
      delay = sc_core::SC_ZERO_TIME;
      release(access);
    }
  } else if (ended() && sc_core::sc_get_current_process_handle().proc_kind() == sc_core::SC_THREAD_PROC_) {
    wait(sc_time_of(2 * params_.crossing_latency));  // or one that asks again and again would hold time itself
  }
  line.checker->b_end(payload, delay);
}

// ---- Approximately timed -------------------------------------------------------------------------------------------

tlm::tlm_sync_enum ForeignInitiatorShell::nb_transport_fw(int index, Payload& payload, tlm::tlm_phase& phase,
                                                          sc_core::sc_time& delay) {
  kernel::BaseProtocolChecker& checker = *lines_[static_cast<std::size_t>(index)].checker;
  checker.fw_begin(payload, phase, delay);
  const tlm::tlm_sync_enum status = forward(index, payload, phase, delay);
  checker.fw_end(payload, phase, delay, status);
  return status;
}

tlm::tlm_sync_enum ForeignInitiatorShell::forward(int index, Payload& payload, tlm::tlm_phase& phase,
                                                  sc_core::sc_time& delay) {
  Line& line = lines_[static_cast<std::size_t>(index)];
  if (phase == tlm::END_RESP) {
    if (line.responding != nullptr && line.responding->payload == &payload && !line.draining) {
      if (delay == sc_core::SC_ZERO_TIME) {
        // The next response does not come from within the foreign model's own call.
        plan(present(), Item::next_response, *line.responding);
        finish_response(line);
      } else {
        line.draining = true;
        plan(present() + time_of(delay), Item::end_response, *line.responding);
      }
    }
    return tlm::TLM_COMPLETED;
  }
  if (phase != tlm::BEGIN_REQ)
    return tlm::TLM_ACCEPTED;  // ignorable phases of somebody's own; others the checker has named
  const AddressRegion* region = nullptr;
  if (!admissible(payload, region)) return tlm::TLM_COMPLETED;
  if (is_loose(*region, payload)) {
    loosely_timed(payload, *region, delay);
    return tlm::TLM_COMPLETED;
  }
  Access* const access = take_access(payload, *region, index, present() + time_of(delay), false);
  if (line.outstanding >= params_.max_outstanding || !line.waiting.empty()) {
    line.waiting.push_back(access);
    return tlm::TLM_ACCEPTED;
  }
  enter(*access, access->called);
  if (params_.accept_delay != 0) {
    plan(access->called + params_.accept_delay, Item::end_request, *access);
    return tlm::TLM_ACCEPTED;
  }
  access->accepted = true;
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

void ForeignInitiatorShell::end_request(Access& access) {
  Line& line = lines_[static_cast<std::size_t>(access.socket)];
  access.accepted = true;
  tlm::tlm_phase phase = tlm::END_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  Payload& payload = *access.payload;
  line.checker->bw_begin(payload, phase, delay);
  const tlm::tlm_sync_enum status = line.socket->peer().nb_transport_bw(payload, phase, delay);
  line.checker->bw_end(payload, phase, delay, status);
}

void ForeignInitiatorShell::act() {
  Item item{};
  while (agenda_.take(item)) {
    if (over_ && item.kind != Item::end_response) continue;  // that one gives a payload back
    Line& line = lines_[static_cast<std::size_t>(item.socket)];
    if (item.kind == Item::next_response) {
      respond(line);
      continue;
    }
    Access& access = *item.access;
    if (access.payload == nullptr || access.use != item.use) continue;
    switch (item.kind) {
      case Item::end_request:
        if (!access.accepted) end_request(access);
        break;
      case Item::response:
        if (access.blocking) {
          deliver(access);
          access.woken->notify(sc_core::SC_ZERO_TIME);
          leave_line(line);
          if (access.orphan) release(&access);
        } else {
          line.responses.push_back(&access);
          respond(line);
        }
        break;
      case Item::end_response:
        finish_response(line);
        respond(line);
        break;
      case Item::next_response:
        break;
    }
  }
}

/// The next response, when the response channel is free.
void ForeignInitiatorShell::respond(Line& line) {
  while (line.responding == nullptr && !line.responses.empty()) {
    Access* const access = line.responses.front();
    line.responses.pop_front();
    line.responding = access;
    deliver(*access);
    Payload& payload = *access->payload;
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    line.checker->bw_begin(payload, phase, delay);
    const tlm::tlm_sync_enum status = line.socket->peer().nb_transport_bw(payload, phase, delay);
    line.checker->bw_end(payload, phase, delay, status);
    if (line.responding != access) continue;  // END_RESP came from within the call
    if (status == tlm::TLM_COMPLETED || (status == tlm::TLM_UPDATED && phase == tlm::END_RESP)) {
      if (delay == sc_core::SC_ZERO_TIME) {
        line.responding = nullptr;
        release(access);
        leave_line(line);
      } else {
        line.draining = true;
        plan(present() + time_of(delay), Item::end_response, *access);
      }
    }
  }
}

void ForeignInitiatorShell::finish_response(Line& line) {
  Access* const access = line.responding;
  line.responding = nullptr;
  line.draining = false;
  release(access);
  leave_line(line);
}

unsigned ForeignInitiatorShell::transport_dbg(int index, Payload& payload) {
  Line& line = lines_[static_cast<std::size_t>(index)];
  line.checker->debug_begin(payload);
  const unsigned moved = contents_->debug(payload);
  line.checker->debug_end(payload, moved);
  return moved;
}

bool ForeignInitiatorShell::get_direct_mem_ptr(int index, Payload& payload, tlm::tlm_dmi& dmi) {
  Line& line = lines_[static_cast<std::size_t>(index)];
  line.checker->dmi_begin(payload, dmi);
  const bool loose = loosely_timed_ && !ended();
  const bool granted = loose && contents_->direct(payload, dmi);
  const std::uint64_t address = payload.get_address();
  const AddressRegion* const region = contents_->address_map().find(address);
  if (granted) {
    const sc_core::sc_time latency =
        sc_time_of(2 * params_.crossing_latency + contents_->unloaded_latency(*region, payload));
    dmi.set_read_latency(latency);
    dmi.set_write_latency(latency);
  } else if (loose) {  // elsewhere it may be granted
    dmi.set_start_address(region == nullptr ? address : region->first);
    dmi.set_end_address(region == nullptr ? address : region->last());
  } else {
    dmi.set_start_address(0);
    dmi.set_end_address(~sc_dt::uint64{0});
  }
  line.checker->dmi_end(payload, dmi, granted);
  return granted;
}

// ---- Ends ----------------------------------------------------------------------------------------------------------

void ForeignInitiatorShell::end() {
  over_ = true;
  for (Line& line : lines_) {
    line.waiting.clear();
    line.responses.clear();
  }
  for (const auto& access : accesses_) {
    if (access->payload == nullptr || access->done) continue;
    access->done = true;
    // What is not managed may be gone, if its owner has broken the rules.
    if (access->blocking || access->held) access->payload->set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    if (access->blocking) {
      access->woken->notify(sc_core::SC_ZERO_TIME);
    } else {
      release(access.get());
    }
  }
}

bool ForeignInitiatorShell::under_way() const {
  return std::any_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.outstanding != 0; });
}

/// END_RESP; all else is the package's to do.
Time ForeignInitiatorShell::owes_since() const {
  Time since = kNever;
  for (const Line& line : lines_)
    if (line.responding != nullptr && !line.draining) since = std::min(since, line.responding->delivered);
  return since;
}

void ForeignInitiatorShell::report_waits(std::vector<engine::Wait>& waits) const {
  for (const Line& line : lines_) {
    if (line.responding == nullptr || line.draining) continue;
    waits.push_back(
        {name(), "END_RESP of foreign model " + params_.name,
         fmt::format("it has had the response to {} 0x{:x} since {} ns; {} more responses wait behind it",
                     line.responding->payload->is_read() ? "read" : "write", line.responding->payload->get_address(),
                     to_ns(line.responding->delivered), line.responses.size())});
  }
}

}  // namespace cowosim::bridge
