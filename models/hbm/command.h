// The DRAM commands of an HBM channel, and the record of one: what a command trace holds and the protocol checker reads.
#pragma once

#include <cstdint>

#include "core/time.h"

namespace cowosim::hbm {

enum class Command : std::uint8_t {
  activate,
  precharge,
  precharge_all,
  read,
  write,
  refresh_all,
  refresh_bank,
  refresh_management_all,
  refresh_management_bank
};
inline constexpr std::size_t kCommands = 9;

/// As standards and command traces write it.
constexpr const char* name_of(Command command) {
  constexpr const char* names[kCommands] = {"ACT", "PREpb", "PREab", "RD", "WR", "REFab", "REFpb", "RFMab", "RFMpb"};
  return names[static_cast<std::size_t>(command)];
}

/// One command on the channel's buses; `time` is the edge at which it starts. Fields a command does not have are -1.
struct CommandRecord {
  Time time = 0;
  std::uint8_t pseudo_channel = 0;
  Command command = Command::activate;
  std::int16_t sid = -1;
  std::int16_t bank_group = -1;
  std::int16_t bank = -1;
  std::int32_t row = -1;
  std::int32_t column = -1;
};

}  // namespace cowosim::hbm
