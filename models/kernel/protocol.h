// The package's own TLM-2.0 protocol: traits, payload, and why a base-protocol socket cannot be bound to it by mistake.
#pragma once

#include <tlm>

#include "engine/heart.h"

namespace cowosim::kernel {

/// Phases are the engine's: request, response, retire, credit.
using PackagePhase = engine::Phase;

/// A generic payload that carries a handle. The transaction itself lives in its creator's pool and belongs to one component at
/// a time; the payload belongs to the sending socket and is reused for every call, because the receiver keeps only the handle.
class PackagePayload : public tlm::tlm_generic_payload {
 public:
  Handle transaction = kNoHandle;
  Time arrival = 0;  ///< absolute, femtoseconds: the timing annotation, in the package's own integer time
  std::uint16_t count = 0;
};

/// Protocol traits class (IEEE 1666-2011, 14.2): sockets with other traits do not compile against these.
struct PackageProtocol {
  using tlm_payload_type = PackagePayload;
  using tlm_phase_type = PackagePhase;
};

/// One atom a beat.
inline constexpr unsigned kBusWidth = kAtomBytes * 8;

}  // namespace cowosim::kernel
