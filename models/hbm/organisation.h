// What stacks of a generation there are: how high, of which dies, and the SIDs and rows that follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hbm/generation.h"

namespace cowosim::hbm {

/// One stack. Four dies hold all channels once and answer to one SID (JESD238: 1, 2, 4 SIDs for 4-, 8-, 16-high; HBM2
/// alike, in pseudo-channel mode); a row is 1 KiB in every generation, so the rows follow from the density.
struct Organisation {
  std::string name;  ///< "8hi_16gb": eight dies of 16 Gb
  int sids;
  int rows;            ///< per bank
  std::int64_t bytes;  ///< of the stack
};

inline constexpr int kDiesPerSid = 4;
/// The parameters describe the stack themselves.
inline constexpr const char* kCustom = "custom";

std::vector<Organisation> organisations(const Generation& generation);
std::optional<Organisation> find_organisation(const Generation& generation, const std::string& name);
/// Of one generation; of all, each once, after "custom".
std::vector<std::string> organisation_names(const Generation& generation);
std::vector<std::string> organisation_names();

}  // namespace cowosim::hbm
