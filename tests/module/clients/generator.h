// An initiator of the Accellera examples with its traffic generator, joined as their initiator_top does it.
#pragma once

#include <traffic_generator.h>

#include <cstdint>
#include <systemc>
#include <utility>

namespace cowosim::clients {

/// Writes 16 words of 4 bytes from `first` on, each holding its address, and reads them back; the same from `second` on with
/// inverted words: 64 accesses, at most `outstanding` of them at a time.
/// `outstanding` has to be 2 at least: the generator takes a transaction for its own again when it has the response, and waits for
/// ever for another response if somebody on the way still holds the only one (a bridge does until END_RESP, which may be annotated).
template <class Initiator>
class Generator : public sc_core::sc_module {
 public:
  static constexpr unsigned kAccesses = 64;
  static constexpr unsigned kWords = 16;

  template <class... Delay>
  Generator(const sc_core::sc_module_name& name, std::uint64_t first, std::uint64_t second, unsigned outstanding,
            Delay... delay)
      : sc_module(name),
        traffic_("traffic", 101, first, second, outstanding),
        initiator_("initiator", 101, delay...),
        socket(initiator_.initiator_socket) {
    traffic_.request_out_port(requests_);
    initiator_.request_in_port(requests_);
    initiator_.response_out_port(responses_);
    traffic_.response_in_port(responses_);
  }

 private:
  traffic_generator traffic_;
  Initiator initiator_;
  sc_core::sc_fifo<tlm::tlm_generic_payload*> requests_, responses_;

 public:
  decltype(Initiator::initiator_socket)& socket;
};

}  // namespace cowosim::clients
