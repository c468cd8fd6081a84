// Where the commands of a channel, and the accesses they are for, go while somebody watches them: a trace, the protocol
// checker, a test.
#pragma once

#include <vector>

#include "hbm/command.h"
#include "telemetry/traces.h"

namespace cowosim::hbm {

class CommandSink {
 public:
  virtual ~CommandSink() = default;
  /// Called once per command. Each of the two command buses is in time order; a column command may come before a row
  /// command of an earlier time, but only where the protocol does not relate the two.
  virtual void command(const CommandRecord& record) = 0;
  /// Called once per access, in the order of acceptance, before any command on its behalf.
  virtual void accepted(const telemetry::AccessEvent& /*access*/) {}
};

/// Keeps them all.
class CommandList final : public CommandSink {
 public:
  void command(const CommandRecord& record) override { commands.push_back(record); }

  std::vector<CommandRecord> commands;
};

}  // namespace cowosim::hbm
