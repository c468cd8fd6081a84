// A foreign model: a TLM-2.0 module that is not ours, and where it meets the package.
#pragma once

#include <cstdint>
#include <string>

#include "core/parameter.h"
#include "core/time.h"

namespace cowosim::bridge {

/// An entry of the platform's section `foreign`. The module itself comes from the user's sc_main (Package::initiator_socket,
/// Package::target_socket) or from a plug-in.
struct ForeignParams {
  std::string name;
  std::string role = "initiator";
  std::string at;           ///< a die, "off_package", "hbm"; or empty
  std::string in_place_of;  ///< a die or hbm_stack_<n>; or empty
  Time crossing_latency = 50 * kNanosecond;
  std::int64_t bandwidth = 128'000'000'000;  // bytes per second
  Time port_latency = 25 * kNanosecond;
  int sockets = 1;
  std::int64_t max_outstanding = 64;
  Time accept_delay = 0;
  Time response_delay = 0;
  std::string transport = "nonblocking";
  std::string timing = "approximate";
  std::int64_t base = 0;
  std::int64_t size = 0;
  std::string plugin;
  std::string type;

  bool initiates() const { return role == "initiator"; }

  template <class Visitor>
  void visit(Visitor& v) {
    v("role", role, {"initiator", "target"}, "what the model is: an initiator sends requests, a target answers them",
      "TLM-2.0 (IEEE 1666-2011, clause 9)");
    v("at", at,
      "where it meets the package: a die (port on that die's network), off_package (a link of the first die to the "
      "outside), or hbm (the memory controllers' doors of a package without dies)",
      "the file");
    v("in_place_of", in_place_of,
      "what it stands in place of: a die (an initiator, in front of the HBM PHYs) or a stack, hbm_stack_<n> (a target)",
      "the file");
    v("crossing_latency", crossing_latency, Unit::time, Range{1, 1e12},
      "from the model's socket into the package, and the same back; at least the platform's W (cowosim show)",
      "assumption [10 ns, 1 us]: bus bridge and clock crossing; off package: SerDes and protocol");
    v("bandwidth", bandwidth, Unit::bandwidth, Range{1e6, 1e14}, "of a socket's crossing, in each direction",
      "assumption [16 GB/s, 1 TB/s]: 64 bytes a clock at 2 GHz");
    v("port_latency", port_latency, Unit::time, Range{1, 1e12},
      "between the crossing and the die's network, the HBM PHY or the doors", "assumption [10 ns, 40 ns]: as a core's");
    v("sockets", sockets, Range{1, 64}, "sockets side by side, each with its own crossing", "experiment");
    v("max_outstanding", max_outstanding, Range{1, 65536},
      "a socket's requests without response: END_REQ (b_transport: the start) of the next one waits. In place of a "
      "stack "
      "hbm.controller.door_entries hold instead: requests of a channel before END_REQ",
      "assumption [16, 256]: outstanding transactions of an AXI port");
    v("accept_delay", accept_delay, Unit::time, Range{0, 1e12},
      "initiators: from BEGIN_REQ to END_REQ on the backward path; 0: END_REQ with the return of the call",
      "experiment");
    v("response_delay", response_delay, Unit::time, Range{0, 1e12},
      "targets: from BEGIN_RESP to END_RESP on the forward path; 0: END_RESP with the return of the call",
      "experiment");
    v("transport", transport, {"nonblocking", "blocking"}, "targets: how they are called", "TLM-2.0 coding styles");
    v("timing", timing, {"approximate", "loose"},
      "initiators: approximate: every access takes its time in the package; loose: accesses are not simulated but take "
      "the unloaded latency, and memory.data may be reached by DMI. Package::set_loosely_timed changes it during a run",
      "TLM-2.0 coding styles");
    v("base", base, Unit::bytes, Range{0, 9.2e18}, "targets at a die or off package: first address of their region",
      "the file");
    v("size", size, Unit::bytes, Range{0, 9.2e18}, "targets at a die or off package: bytes of their region",
      "the file");
    v("plugin", plugin, "shared library the model comes from; none: the user's sc_main binds it", "the file");
    v("type", type, "which of the plug-in's models", "the file");
  }
};

}  // namespace cowosim::bridge
