#include "platforms/command_tap.h"

#include <fmt/core.h>

#include <algorithm>

namespace cowosim::platforms {

namespace {

/// How many violations are told.
constexpr std::size_t kTold = 20;

}  // namespace

CommandTap::CommandTap(const RunOptions& options, const hbm::HbmParams& params, const std::string& channel)
    : trace_(options.trace_commands), keep_accesses_(options.trace_accesses) {
  if (options.check) checker_.emplace(params, channel);
}

void CommandTap::command(const hbm::CommandRecord& c) {
  if (checker_) checker_->check(c);
  if (!trace_.on || c.time < trace_.from || c.time >= trace_.to) return;
  traced_.push_back({c.time, hbm::name_of(c.command), c.pseudo_channel, c.sid, c.bank_group, c.bank, c.row, c.column});
}

void CommandTap::accepted(const telemetry::AccessEvent& access) {
  if (keep_accesses_) accesses_.push_back(access);
}

std::vector<telemetry::ChannelCommands> command_events(const CommandTaps& taps, int channels_per_stack) {
  std::vector<telemetry::ChannelCommands> result;
  for (std::size_t i = 0; i < taps.size(); ++i)
    result.push_back(
        {static_cast<int>(i) / channels_per_stack, static_cast<int>(i) % channels_per_stack, taps[i]->traced()});
  return result;
}

std::vector<telemetry::ChannelAccesses> access_events(const CommandTaps& taps, int channels_per_stack) {
  std::vector<telemetry::ChannelAccesses> result;
  for (std::size_t i = 0; i < taps.size(); ++i)
    result.push_back(
        {static_cast<int>(i) / channels_per_stack, static_cast<int>(i) % channels_per_stack, taps[i]->accesses()});
  return result;
}

std::uint64_t checked_commands(const CommandTaps& taps) {
  std::uint64_t sum = 0;
  for (const auto& tap : taps)
    if (tap->checker() != nullptr) sum += tap->checker()->commands();
  return sum;
}

std::vector<std::string> protocol_violations(const CommandTaps& taps, Time end) {
  std::vector<const hbm::Violation*> found;
  std::uint64_t count = 0;
  for (const auto& tap : taps) {
    hbm::ProtocolChecker* const checker = tap->checker();
    if (checker == nullptr) continue;
    checker->finish(end);
    count += checker->violation_count();
    for (const hbm::Violation& v : checker->violations()) found.push_back(&v);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const hbm::Violation* a, const hbm::Violation* b) { return a->command.time < b->command.time; });
  if (found.size() > kTold) found.resize(kTold);
  std::vector<std::string> told;
  for (const hbm::Violation* v : found) told.push_back("DRAM protocol: " + v->text);
  if (count > found.size())
    told.push_back(fmt::format("DRAM protocol: {} violations in all, the first {} are named", count, found.size()));
  return told;
}

}  // namespace cowosim::platforms
