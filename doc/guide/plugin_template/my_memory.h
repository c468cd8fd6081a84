// A target: a memory of constant latency that keeps what is written to it.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "platforms/plugin.h"

struct MemoryParams {
  cowosim::Time latency = 40 * cowosim::kNanosecond;
  std::int64_t first = 0;
  std::int64_t bytes = std::int64_t{1} << 30;

  template <class Visitor>
  void visit(Visitor& v) {
    using cowosim::Range;
    using cowosim::Unit;
    v("latency", latency, Unit::time, Range{0, 1e12}, "of an access", "data sheet of the memory");
    v("first", first, Unit::bytes, Range{0, 9.2e18}, "address of its first byte", "experiment");
    v("bytes", bytes, Unit::bytes, Range{1, 9.2e18}, "its capacity", "data sheet of the memory");
  }
};

class MyMemory : public sc_core::sc_module, public cowosim::plugin::Model {
 public:
  MyMemory(const sc_core::sc_module_name& name, const MemoryParams& params, cowosim::plugin::Host& host);
  void bind(cowosim::plugin::Ports& ports) override { ports.bind(socket); }

  tlm_utils::simple_target_socket<MyMemory, 512> socket{"socket"};

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& payload);
  void copy(tlm::tlm_generic_payload& payload);
  unsigned char& byte(std::uint64_t address);

  const MemoryParams& params_;
  std::unordered_map<std::uint64_t, std::vector<unsigned char>> pages_;  ///< those that were touched
};
