// memory_tester.sv behind its pins, with a TLM-2.0 initiator socket.
//
// A request that moves at a rising edge is a BEGIN_REQ at that edge; request_ready is low until its END_REQ. A BEGIN_RESP raises
// response_valid; with the edge that moves the response goes its END_RESP. No two transactions share any state but the pins.
#pragma once

#include <Vmemory_tester.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

namespace cowosim::clients {

class PinsToTlm : public sc_core::sc_module, private tlm::tlm_bw_transport_if<>, private tlm::tlm_mm_interface {
 public:
  using Payload = tlm::tlm_generic_payload;

  sc_core::sc_in<bool> clock{"clock"};
  tlm::tlm_initiator_socket<> socket{"socket"};
  std::function<void()> on_done;  ///< once, at the first edge at which `done` is high

  PinsToTlm(const sc_core::sc_module_name& name, unsigned words, unsigned outstanding, unsigned mask)
      : sc_module(name) {
    socket.bind(*this);
    rtl_.clock(clock);
    rtl_.reset(reset_);
    rtl_.words(words_);
    rtl_.outstanding(outstanding_);
    rtl_.mask(mask_);
    rtl_.request_valid(request_valid_);
    rtl_.request_ready(request_ready_);
    rtl_.request_write(request_write_);
    rtl_.request_tag(request_tag_);
    rtl_.request_address(request_address_);
    rtl_.request_data(request_data_);
    rtl_.response_valid(response_valid_);
    rtl_.response_ready(response_ready_);
    rtl_.response_tag(response_tag_);
    rtl_.response_error(response_error_);
    rtl_.response_data(response_data_);
    rtl_.done(done);
    rtl_.pass(pass);
    rtl_.cycles(cycles);
    rtl_.mismatches(mismatches);
    rtl_.read_least(read_least);
    rtl_.read_most(read_most);
    rtl_.latency_sum(latency_sum);
    words_.write(words);
    outstanding_.write(outstanding);
    mask_.write(mask);
    reset_.write(true);
    SC_HAS_PROCESS(PinsToTlm);
    SC_METHOD(act);
    sensitive << clock.pos() << answered_;
    dont_initialize();
  }
  ~PinsToTlm() override { rtl_.final(); }

  /// Plants an error: bit 0 of the data of the n-th response, from 0, is inverted.
  void corrupt(int n) { corrupt_ = n; }

 private:
  static constexpr int kResetCycles = 4;

  struct Word {
    Payload payload;
    std::array<unsigned char, 4> bytes{};
    unsigned tag = 0;
  };

  /// At an edge all pins are as they were before it; what is written shows after it.
  void act() {
    if (clock.posedge()) {
      if (request_valid_.read() && request_ready_.read()) send(take());
      if (response_valid_.read() && response_ready_.read()) end_response();
      if (edges_++ == kResetCycles) reset_.write(false);
      if (done.read() && on_done) std::exchange(on_done, nullptr)();
    }
    request_ready_.write(requesting_ == nullptr);
    response_valid_.write(response_ != nullptr);
    if (response_ == nullptr) return;
    std::uint32_t data = 0;
    std::memcpy(&data, response_->bytes.data(), 4);
    response_data_.write(responses_ == corrupt_ ? data ^ 1 : data);
    response_tag_.write(response_->tag);
    response_error_.write(!response_->payload.is_response_ok());
  }

  Word& take() {
    if (free_.empty()) {
      made_.push_back(std::make_unique<Word>());
      made_.back()->payload.set_mm(this);
      free_.push_back(made_.back().get());
    }
    Word& word = *free_.back();
    free_.pop_back();
    word.tag = request_tag_.read();
    const std::uint32_t data = request_write_.read() ? request_data_.read() : 0;
    std::memcpy(word.bytes.data(), &data, 4);
    Payload& payload = word.payload;
    payload.acquire();
    payload.set_command(request_write_.read() ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload.set_address(request_address_.read());
    payload.set_data_ptr(word.bytes.data());
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    return word;
  }

  void send(Word& word) {
    requesting_ = &word;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay;
    const tlm::tlm_sync_enum status = socket->nb_transport_fw(word.payload, phase, delay);
    if (status == tlm::TLM_COMPLETED) SC_REPORT_FATAL("pins_to_tlm", "an early completion: there are no pins for it");
    if (status == tlm::TLM_UPDATED) requesting_ = nullptr;
  }

  void end_response() {
    Word& word = *std::exchange(response_, nullptr);
    ++responses_;
    tlm::tlm_phase phase = tlm::END_RESP;
    sc_core::sc_time delay;
    socket->nb_transport_fw(word.payload, phase, delay);
    word.payload.release();
  }

  tlm::tlm_sync_enum nb_transport_bw(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) override {
    Word& word = word_of(payload);
    if (requesting_ == &word) requesting_ = nullptr;  // END_REQ, or what implies it
    if (phase == tlm::BEGIN_RESP) response_ = &word;
    answered_.notify(sc_core::SC_ZERO_TIME);
    return tlm::TLM_ACCEPTED;
  }
  void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}
  void free(Payload* payload) override { free_.push_back(&word_of(*payload)); }
  Word& word_of(const Payload& payload) {
    for (const auto& word : made_)
      if (&word->payload == &payload) return *word;
    SC_REPORT_FATAL("pins_to_tlm", "somebody else's transaction");
    std::abort();
  }

  Vmemory_tester rtl_{"rtl"};
  sc_core::sc_signal<bool> reset_, request_valid_, request_ready_, request_write_;
  sc_core::sc_signal<bool> response_valid_, response_ready_, response_error_;
  sc_core::sc_signal<std::uint32_t> words_, outstanding_, mask_, request_tag_, request_address_, request_data_;
  sc_core::sc_signal<std::uint32_t> response_tag_, response_data_;
  sc_core::sc_event answered_;
  std::vector<std::unique_ptr<Word>> made_;
  std::vector<Word*> free_;
  Word* requesting_ = nullptr;
  Word* response_ = nullptr;
  int edges_ = 0;
  int responses_ = 0;
  int corrupt_ = -1;

 public:
  /// What the RTL has found.
  sc_core::sc_signal<bool> done, pass;
  sc_core::sc_signal<std::uint32_t> cycles, mismatches, read_least, read_most, latency_sum;
};

}  // namespace cowosim::clients
