#include "engine/gate.h"

#include <fmt/core.h>

#include <stdexcept>

namespace cowosim::engine {

void Gate::send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) {
  if (arrival < inside_.window_end_) {
    throw std::logic_error(
        fmt::format("{}: a message from {} would be outside at {} ns, before the window's end at {} ns", name_,
                    inside_.name(), to_ns(arrival), to_ns(inside_.window_end_)));
  }
  leaving_.push_back({arrival, rank_, 0, transaction, port_, count, phase});
}

}  // namespace cowosim::engine
