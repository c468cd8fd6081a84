// What lies behind the package's addresses, as bridges need it: bytes, registers, foreign models.
#pragma once

#include <cstdint>
#include <string>
#include <tlm>

#include "core/address_map.h"
#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::kernel {

/// The bytes that a transaction carries itself: those of a foreign initiator's payload, from `offset` on. nullptr: it carries none.
struct TravellingBytes {
  tlm::tlm_generic_payload* payload = nullptr;
  std::uint64_t offset = 0;
};

/// Implemented by the package. Called between windows.
class Contents {
 public:
  virtual ~Contents() = default;

  virtual const AddressMap& address_map() const = 0;
  /// Whether counters have to be read at exactly the instant at which this access takes effect. Asked when it is called.
  virtual bool needs_exact(const AddressRegion& region, const tlm::tlm_generic_payload& access) = 0;
  /// The access takes effect, at `t`: bytes move, the response status is set. Not for foreign models: they do it themselves. True:
  /// hearts were changed.
  virtual bool effect(const AddressRegion& region, tlm::tlm_generic_payload& access, Time t) = 0;
  /// transport_dbg: bytes moved at once, without any time or side effect.
  virtual unsigned debug(tlm::tlm_generic_payload& access) = 0;
  /// Grants direct access where bytes are kept here.
  virtual bool direct(const tlm::tlm_generic_payload& access, tlm::tlm_dmi& grant) = 0;
  /// What an access takes without any contention, the crossing left out.
  virtual Time unloaded_latency(const AddressRegion& region, const tlm::tlm_generic_payload& access) const = 0;
  /// Of a transaction under way.
  virtual TravellingBytes travelling(Handle handle) = 0;
  /// What memory holds; zeros where no bytes are kept.
  virtual void read(std::uint64_t address, unsigned char* bytes, std::uint64_t length) = 0;
  /// A foreign model has broken the rules: the run ends, and says so.
  virtual void broken(const std::string& violation) = 0;
};

}  // namespace cowosim::kernel
