// The protocol of an HBM generation as data: what the checker holds a command stream against.
//
// Written from the rules of the standards, independently of how the channel schedules. The numbers come from the table in
// generation.h; which commands a number relates, and where, is stated here. Sources: JESD235D (HBM2), JESD238 (HBM3),
// JESD270-4 (HBM4) as quoted by the constraint tables of Ramulator 2.1 (CMU-SAFARI/ramulator2, commit c5b1c3a,
// python/ramulator/dram/hbm{2,3,4}.py). What those tables leave open is decided in protocol_rules.cpp, rule by rule.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.h"
#include "hbm/command.h"
#include "hbm/generation.h"
#include "hbm/hbm_params.h"

namespace cowosim::hbm {

/// A set of commands, one bit each.
using CommandSet = std::uint16_t;
constexpr CommandSet set_of(Command command) { return static_cast<CommandSet>(1u << static_cast<unsigned>(command)); }

/// Where the earlier command of a rule was, seen from the later one.
enum class Scope : std::uint8_t {
  bank,
  bank_group,      ///< of the same SID
  sid,             ///< of the same SID, or of any if the later command is for all of them
  other_sid,       ///< of another SID
  pseudo_channel,  ///< of any SID
};
inline constexpr std::size_t kScopes = 5;

/// "At least `distance` between a command of `before` in `scope` and a command of `after`."
struct ProtocolRule {
  const char* name;
  CommandSet before;
  CommandSet after;
  Scope scope;
  Half distance;        ///< as the standard gives it: between the ends of the two commands on their bus
  bool fourth = false;  ///< counts from the fourth last command of `before` (tFAW)
};

struct ProtocolRules {
  Time half_period = 0;                    ///< femtoseconds in half a CK
  std::array<Half, kCommands> bus_time{};  ///< occupancy of its command bus
  CommandSet rising_only = 0;              ///< must start on a rising edge of CK
  std::vector<ProtocolRule> distances;
  Half refresh_interval = 0;     ///< tREFI; 0: nobody asks for refreshes
  Half postponed_intervals = 0;  ///< refreshes that may be postponed, in tREFI
  int raaimt = 0;                ///< activates of a bank that a refresh or refresh management makes up for
  int raammt = 0;                ///< activates of a bank without either; 0: no limit

  /// A rule's distance between the *starts* of two commands: a longer first command adds its length.
  Half between_starts(const ProtocolRule& rule, Command before, Command after) const {
    return rule.distance + bus_time[static_cast<std::size_t>(before)] - bus_time[static_cast<std::size_t>(after)];
  }
};

/// Everything that is read from the generation's table is read here.
ProtocolRules protocol_rules(const Generation& generation, const HbmParams& params);
/// Of `params.generation`; throws std::invalid_argument if there is none of that name.
ProtocolRules protocol_rules(const HbmParams& params);

}  // namespace cowosim::hbm
