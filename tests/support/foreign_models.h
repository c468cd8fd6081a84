// Foreign models for tests: initiators and targets that keep to the base protocol in each of the ways it allows, platform files,
// and what every run has to fulfil.
#pragma once

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <tlm_utils/peq_with_get.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <systemc>
#include <vector>

#include "core/random.h"
#include "platforms/package.h"

namespace cowosim::test {

using Payload = tlm::tlm_generic_payload;

inline sc_core::sc_time ns(double t) { return {t, sc_core::SC_NS}; }
inline double now_ns() { return sc_core::sc_time_stamp() / ns(1); }

/// Options of a run on a platform file of this text, with the protocol checker of the HBM on.
inline RunOptions platform(const std::string& text, std::vector<std::string> settings = {}) {
  static int files = 0;
  const std::string path =
      testing::TempDir() + "cowosim_" + std::to_string(getpid()) + "_" + std::to_string(files++) + ".yaml";
  std::ofstream(path) << text;
  RunOptions options;
  options.platform = path;
  options.settings = std::move(settings);
  options.check = true;
  return options;
}

/// The run has completed, broken nothing, and every transaction's stages add up.
inline void expect_clean(const Package& package) {
  EXPECT_NO_THROW(package.rethrow());
  EXPECT_EQ(package.status(), engine::Status::completed) << package.reason();
  EXPECT_THAT(package.violations(), testing::IsEmpty());
  for (const engine::Wait& wait : package.waits())
    ADD_FAILURE() << wait.waiter << " waits for " << wait.waits_for << ": " << wait.reason;
  if (package.status() != engine::Status::completed) return;
  for (const auto& stream : package.results().streams) {
    __int128 sum = 0;
    for (const auto& stage : stream.stages) sum += stage.sum;
    EXPECT_TRUE(sum == stream.latency.sum) << "the stages of " << stream.name << " add up";
  }
}
inline const telemetry::StreamResult& stream_of(const telemetry::Results& results, const std::string& name) {
  for (const auto& stream : results.streams)
    if (stream.name == name) return stream;
  throw std::out_of_range("no stream " + name);
}
/// Mean over all transactions, in ns.
inline double stage_of(const telemetry::StreamResult& stream, Stage stage) {
  return static_cast<double>(stream.stages[static_cast<std::size_t>(stage)].sum) /
         static_cast<double>(stream.latency.count) / static_cast<double>(kNanosecond);
}

/// What `body` gives in a process of its own: SystemC elaborates once a process. Before anything of SystemC happens in this one.
inline std::uint64_t alone(const std::function<std::uint64_t()>& body) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    const std::uint64_t value = body();
    const bool good = !testing::Test::HasFailure() && write(ends[1], &value, sizeof value) == sizeof value;
    std::fflush(nullptr);
    _exit(good ? 0 : 1);
  }
  close(ends[1]);
  std::uint64_t value = 0;
  EXPECT_EQ(read(ends[0], &value, sizeof value), static_cast<ssize_t>(sizeof value));
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return value;
}

/// A thread with a socket.
class Thread : public sc_core::sc_module {
 public:
  Thread(const sc_core::sc_module_name& name, std::function<void(Thread&)> body)
      : sc_module(name), body_(std::move(body)) {
    socket.register_invalidate_direct_mem_ptr(this, &Thread::invalidate);
    SC_HAS_PROCESS(Thread);
    SC_THREAD(run);
  }
  tlm_utils::simple_initiator_socket<Thread> socket{"socket"};

  /// b_transport; waits for what is left of the delay. `enables` empty: all bytes.
  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, unsigned char* bytes,
                                  unsigned length, sc_core::sc_time delay = sc_core::SC_ZERO_TIME,
                                  std::vector<unsigned char> enables = {}) {
    Payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(bytes);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    if (!enables.empty()) {
      payload.set_byte_enable_ptr(enables.data());
      payload.set_byte_enable_length(static_cast<unsigned>(enables.size()));
    }
    socket->b_transport(payload, delay);
    wait(delay);
    return payload.get_response_status();
  }
  tlm::tlm_response_status read(std::uint64_t address, unsigned char* bytes, unsigned length) {
    return access(tlm::TLM_READ_COMMAND, address, bytes, length);
  }
  tlm::tlm_response_status write(std::uint64_t address, unsigned char* bytes, unsigned length) {
    return access(tlm::TLM_WRITE_COMMAND, address, bytes, length);
  }
  unsigned debug(tlm::tlm_command command, std::uint64_t address, unsigned char* bytes, unsigned length) {
    Payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(bytes);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    return socket->transport_dbg(payload);
  }

 private:
  virtual void invalidate(sc_dt::uint64, sc_dt::uint64) {}
  void run() { body_(*this); }
  std::function<void(Thread&)> body_;
};

/// A request of an AtInitiator, in a payload that is used again.
struct AtRequest {
  Payload payload;
  std::vector<unsigned char> data, enables, expected;
  sc_core::sc_time delay;  // annotated to BEGIN_REQ
  sc_core::sc_time sent;
};

/// Approximately timed: as many requests under way as it may, BEGIN_REQ after END_REQ.
class AtInitiator : public sc_core::sc_module, public tlm::tlm_mm_interface {
 public:
  enum class Ending { completed, updated, later };
  struct Style {
    Ending ending =
        Ending::completed;       ///< of BEGIN_RESP: TLM_COMPLETED, or END_RESP with the return, or END_RESP later
    sc_core::sc_time end_delay;  ///< annotated to `updated`, waited by `later`
    std::size_t outstanding = 16;
    sc_core::sc_time gap;  ///< between requests
  };
  /// `next` fills in a request (in the thread: it may wait), or returns false: that was all. `done` sees each response.
  AtInitiator(const sc_core::sc_module_name& name, const Style& style, std::function<bool(AtRequest&)> next,
              std::function<void(AtRequest&)> done, std::function<void()> finished = nullptr)
      : sc_module(name), style_(style), next_(std::move(next)), done_(std::move(done)), finished_(std::move(finished)) {
    socket.register_nb_transport_bw(this, &AtInitiator::backward);
    SC_HAS_PROCESS(AtInitiator);
    SC_THREAD(run);
    SC_THREAD(end_later);
  }
  ~AtInitiator() override {
    for (const auto& request : all_) request->payload.clear_extension<Owner>();
  }
  tlm_utils::simple_initiator_socket<AtInitiator> socket{"socket"};
  std::uint64_t responses = 0;
  std::size_t most_outstanding = 0;

  /// Until nothing is under way. In the thread.
  void drain() {
    while (under_way_ != 0) wait(response_);
  }
  void free(Payload* payload) override { free_.push_back(owner(*payload)); }

 private:
  struct Owner : tlm::tlm_extension<Owner> {
    tlm::tlm_extension_base* clone() const override { return nullptr; }
    void copy_from(const tlm::tlm_extension_base&) override {}
    void free() override {}
    AtRequest* request = nullptr;
  };
  static AtRequest* owner(Payload& payload) { return payload.get_extension<Owner>()->request; }

  AtRequest& take() {
    if (free_.empty()) {
      all_.push_back(std::make_unique<AtRequest>());
      owners_.push_back(std::make_unique<Owner>());
      owners_.back()->request = all_.back().get();
      all_.back()->payload.set_mm(this);
      all_.back()->payload.set_extension(owners_.back().get());
      free_.push_back(all_.back().get());
    }
    AtRequest& request = *free_.front();
    free_.pop_front();
    return request;
  }

  void run() {
    for (;;) {
      AtRequest& request = take();
      request.enables.clear();
      request.delay = sc_core::SC_ZERO_TIME;
      if (!next_(request)) break;
      Payload& payload = request.payload;
      payload.acquire();
      payload.set_data_ptr(request.data.data());
      payload.set_data_length(static_cast<unsigned>(request.data.size()));
      payload.set_streaming_width(static_cast<unsigned>(request.data.size()));
      payload.set_byte_enable_ptr(request.enables.empty() ? nullptr : request.enables.data());
      payload.set_byte_enable_length(static_cast<unsigned>(request.enables.size()));
      payload.set_dmi_allowed(false);
      payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
      while (under_way_ >= style_.outstanding) wait(response_);
      ++under_way_;
      most_outstanding = std::max(most_outstanding, under_way_);
      request.sent = sc_core::sc_time_stamp();
      requesting_ = &payload;
      tlm::tlm_phase phase = tlm::BEGIN_REQ;
      sc_core::sc_time delay = request.delay;
      const tlm::tlm_sync_enum status = socket->nb_transport_fw(payload, phase, delay);
      if (status == tlm::TLM_COMPLETED) {
        requesting_ = nullptr;
        complete(payload);
      } else if (status == tlm::TLM_UPDATED) {
        requesting_ = nullptr;  // END_REQ; the package has no BEGIN_RESP as quick as that
        EXPECT_EQ(phase, tlm::END_REQ);
      }
      while (requesting_ == &payload) wait(accepted_);
      if (style_.gap != sc_core::SC_ZERO_TIME) wait(style_.gap);
    }
    drain();
    if (finished_) finished_();
  }
  tlm::tlm_sync_enum backward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    if (requesting_ == &payload) {
      requesting_ = nullptr;
      accepted_.notify(sc_core::SC_ZERO_TIME);
    }
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    if (style_.ending == Ending::later) {
      ending_.notify(payload, style_.end_delay);
      return tlm::TLM_ACCEPTED;
    }
    complete(payload);
    delay += style_.end_delay;
    if (style_.ending == Ending::completed) return tlm::TLM_COMPLETED;
    phase = tlm::END_RESP;
    return tlm::TLM_UPDATED;
  }
  void end_later() {
    for (;; wait(ending_.get_event())) {
      while (Payload* payload = ending_.get_next_transaction()) {
        tlm::tlm_phase phase = tlm::END_RESP;
        sc_core::sc_time delay;
        payload->acquire();
        socket->nb_transport_fw(*payload, phase, delay);
        complete(*payload);
        payload->release();
      }
    }
  }
  void complete(Payload& payload) {
    ++responses;
    --under_way_;
    done_(*owner(payload));
    payload.release();
    response_.notify(sc_core::SC_ZERO_TIME);
  }

  Style style_;
  std::function<bool(AtRequest&)> next_;
  std::function<void(AtRequest&)> done_;
  std::function<void()> finished_;
  std::vector<std::unique_ptr<AtRequest>> all_;
  std::vector<std::unique_ptr<Owner>> owners_;
  std::deque<AtRequest*> free_;
  Payload* requesting_ = nullptr;
  std::size_t under_way_ = 0;
  sc_core::sc_event accepted_, response_;
  tlm_utils::peq_with_get<Payload> ending_{"ending"};
};

/// A target of bytes that answers in a given way.
class AtTarget : public sc_core::sc_module {
 public:
  enum class Style {
    one_phase,          ///< TLM_COMPLETED with BEGIN_REQ, its time annotated
    two_phase,          ///< END_REQ with the return, BEGIN_RESP later
    response_returned,  ///< BEGIN_RESP with the return, its time annotated
    response_only,      ///< TLM_ACCEPTED, then BEGIN_RESP, which stands for END_REQ
    four_phase          ///< TLM_ACCEPTED, END_REQ, BEGIN_RESP, and it waits for END_RESP
  };
  AtTarget(const sc_core::sc_module_name& name, Style style, sc_core::sc_time latency)
      : sc_module(name), style_(style), latency_(latency) {
    socket.register_nb_transport_fw(this, &AtTarget::forward);
    socket.register_transport_dbg(this, &AtTarget::move);
    SC_HAS_PROCESS(AtTarget);
    SC_THREAD(accept_later);
    SC_THREAD(answer_later);
  }
  tlm_utils::simple_target_socket<AtTarget> socket{"socket"};
  std::uint64_t accesses = 0;
  tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
  std::function<void(const Payload&)> on_access;

 private:
  unsigned move(Payload& payload) {
    for (unsigned i = 0; i < payload.get_data_length(); ++i) {
      const unsigned char* enables = payload.get_byte_enable_ptr();
      if (enables != nullptr && enables[i % payload.get_byte_enable_length()] == 0) continue;
      unsigned char& byte = bytes_[payload.get_address() + i];
      payload.is_read() ? payload.get_data_ptr()[i] = byte : byte = payload.get_data_ptr()[i];
    }
    return payload.get_data_length();
  }
  void serve(Payload& payload) {
    ++accesses;
    if (on_access) on_access(payload);
    move(payload);
    payload.set_response_status(status);
  }
  tlm::tlm_sync_enum forward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    if (phase == tlm::END_RESP) {
      EXPECT_EQ(responding_, &payload);
      responding_ = nullptr;
      ended_.notify(sc_core::SC_ZERO_TIME);
      return tlm::TLM_COMPLETED;
    }
    EXPECT_EQ(phase, tlm::BEGIN_REQ);
    EXPECT_FALSE(requesting_) << "BEGIN_REQ before END_REQ";
    switch (style_) {
      case Style::one_phase:
        serve(payload);
        delay += latency_;
        return tlm::TLM_COMPLETED;
      case Style::response_returned:
        // One response at a time: as long as END_RESP is out, the others come by the backward path.
        payload.acquire();
        if (responding_ != nullptr || !waiting_.empty()) break;
        payload.release();
        serve(payload);
        responding_ = &payload;
        delay += latency_;
        phase = tlm::BEGIN_RESP;
        return tlm::TLM_UPDATED;
      case Style::two_phase:
        payload.acquire();
        responses_.notify(payload, delay + latency_);
        phase = tlm::END_REQ;
        return tlm::TLM_UPDATED;
      case Style::response_only:
        payload.acquire();
        requesting_ = true;
        responses_.notify(payload, delay + latency_);
        return tlm::TLM_ACCEPTED;
      case Style::four_phase:
        payload.acquire();
        requesting_ = true;
        accepting_.notify(payload, delay + ns(3));
        return tlm::TLM_ACCEPTED;
    }
    responses_.notify(payload, delay + latency_);
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }
  void accept_later() {
    for (;; wait(accepting_.get_event())) {
      while (Payload* payload = accepting_.get_next_transaction()) {
        tlm::tlm_phase phase = tlm::END_REQ;
        sc_core::sc_time delay;
        requesting_ = false;
        socket->nb_transport_bw(*payload, phase, delay);
        responses_.notify(*payload, latency_);
      }
    }
  }
  void answer_later() {
    for (;; wait(responses_.get_event() | ended_)) {
      while (Payload* payload = responses_.get_next_transaction()) waiting_.push_back(payload);
      while (responding_ == nullptr && !waiting_.empty()) {
        Payload* payload = waiting_.front();
        waiting_.pop_front();
        serve(*payload);
        responding_ = payload;
        requesting_ = requesting_ && style_ != Style::response_only;
        tlm::tlm_phase phase = tlm::BEGIN_RESP;
        sc_core::sc_time delay;
        const tlm::tlm_sync_enum answer = socket->nb_transport_bw(*payload, phase, delay);
        if (answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP))
          responding_ = nullptr;
        payload->release();
      }
    }
  }

  Style style_;
  sc_core::sc_time latency_;
  std::map<std::uint64_t, unsigned char> bytes_;
  tlm_utils::peq_with_get<Payload> accepting_{"accepting"}, responses_{"responses"};
  std::deque<Payload*> waiting_;
  Payload* responding_ = nullptr;
  bool requesting_ = false;
  sc_core::sc_event ended_;
};

/// A clock that never stops, and ends the simulation when the package has ended: with it sc_start returns only if the run ends.
class Neighbour : public sc_core::sc_module {
 public:
  Neighbour(const sc_core::sc_module_name& name, const Package& package, double period_ns = 1)
      : sc_module(name), package_(package), clock_("clock", ns(period_ns)) {
    SC_HAS_PROCESS(Neighbour);
    SC_METHOD(tick);
    sensitive << clock_.posedge_event();
    dont_initialize();
    SC_THREAD(end);
  }
  std::uint64_t edges = 0;

 private:
  void tick() { ++edges; }
  void end() {
    wait(package_.ended());
    wait(ns(10));  // those who were told about it
    sc_core::sc_stop();
  }
  const Package& package_;
  sc_core::sc_clock clock_;
};

}  // namespace cowosim::test
