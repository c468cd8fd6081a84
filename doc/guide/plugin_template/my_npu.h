// An initiator: writes a footprint, reads it back, and compares if told to.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "platforms/plugin.h"

struct NpuParams {
  int lanes = 8;
  cowosim::Time period = cowosim::kNanosecond;
  std::int64_t base = 0;
  std::int64_t footprint = 64 * 1024;
  std::int64_t bytes = 64;
  bool verify = false;

  template <class Visitor>
  void visit(Visitor& v) {
    using cowosim::Range;
    using cowosim::Unit;
    v("lanes", lanes, Range{1, 1024}, "accesses under way at once, one a lane", "data sheet of the NPU");
    v("period", period, Unit::time, Range{1, 1e12}, "of the clock: a lane issues at most once in it",
      "data sheet of the NPU");
    v("base", base, Unit::bytes, Range{0, 9.2e18}, "first address", "experiment");
    v("footprint", footprint, Unit::bytes, Range{1, 9.2e18}, "written once, then read once", "experiment");
    v("bytes", bytes, Unit::bytes, Range{1, 4096}, "of an access", "data sheet of the NPU");
    v("verify", verify, "what is read must be what was written (needs memory.data: sparse)", "experiment");
  }

  std::vector<cowosim::ParameterProblem> problems() const {
    if (footprint % bytes == 0) return {};
    return {{"footprint", "must be a multiple of bytes (" + std::to_string(bytes) + "B)"}};
  }
};

class MyNpu : public sc_core::sc_module, public cowosim::plugin::Model {
 public:
  MyNpu(const sc_core::sc_module_name& name, const NpuParams& params, cowosim::plugin::Host& host);
  void bind(cowosim::plugin::Ports& ports) override { ports.bind(socket); }

  tlm_utils::simple_initiator_socket<MyNpu, 512> socket{"socket"};

 private:
  void run(int lane);
  bool access(tlm::tlm_command command, std::int64_t offset, std::vector<unsigned char>& data);

  const NpuParams& params_;
  cowosim::plugin::Host& host_;
  int busy_lanes_;
};
