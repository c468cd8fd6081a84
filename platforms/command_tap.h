// Where a package's channels send their commands and accesses while a trace or the protocol check wants them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hbm/checker/protocol_checker.h"
#include "hbm/command_sink.h"
#include "platforms/package.h"
#include "telemetry/traces.h"

namespace cowosim::platforms {

/// Of one channel: keeps what the trace asks for, and has every command checked as it comes.
class CommandTap final : public hbm::CommandSink {
 public:
  CommandTap(const RunOptions& options, const hbm::HbmParams& params, const std::string& channel);

  void command(const hbm::CommandRecord& record) override;
  void accepted(const telemetry::AccessEvent& access) override;
  const std::vector<telemetry::CommandEvent>& traced() const { return traced_; }
  const std::vector<telemetry::AccessEvent>& accesses() const { return accesses_; }
  /// nullptr without RunOptions::check.
  hbm::ProtocolChecker* checker() { return checker_ ? &*checker_ : nullptr; }

 private:
  RunOptions::Trace trace_;
  bool keep_accesses_;
  std::vector<telemetry::CommandEvent> traced_;
  std::vector<telemetry::AccessEvent> accesses_;
  std::optional<hbm::ProtocolChecker> checker_;
};
using CommandTaps = std::vector<std::unique_ptr<CommandTap>>;  ///< by stack x channels + channel

/// A command trace in the contract's form.
std::vector<telemetry::ChannelCommands> command_events(const CommandTaps& taps, int channels_per_stack);
/// What the controllers have accepted (RunOptions::trace_accesses).
std::vector<telemetry::ChannelAccesses> access_events(const CommandTaps& taps, int channels_per_stack);
/// How many commands the checkers have seen.
std::uint64_t checked_commands(const CommandTaps& taps);
/// What they found up to `end`, the end of the run: the first ones by time, then how many there are.
std::vector<std::string> protocol_violations(const CommandTaps& taps, Time end);

}  // namespace cowosim::platforms
