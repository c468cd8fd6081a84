// A source as a module.
#pragma once

#include <memory>

#include "kernel/ports.h"
#include "traffic/source.h"

namespace cowosim::traffic {

class SourceShell final : public kernel::Shell {
 public:
  SourceShell(const sc_core::sc_module_name& name, const SourceParams& params, std::unique_ptr<RequestStream> stream,
              std::int64_t credits, Time wire)
      : Shell(name), source_(params, std::move(stream), credits), memory("memory", *this, 0, wire) {}

  Source& heart() override { return source_; }

 private:
  Source source_;

 public:
  kernel::InitiatorPort memory;
};

}  // namespace cowosim::traffic
