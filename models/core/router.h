// Who asks for an address where: what a requester on a network knows of the machine.
#pragma once

#include <cstdint>

namespace cowosim {

class Router {
 public:
  virtual ~Router() = default;
  /// Network terminal that a request for `address` goes to.
  virtual std::uint16_t destination(std::uint64_t address) const = 0;
};

}  // namespace cowosim
