// Watches the commands of one channel and says where they break the protocol of their generation.
//
// A reader of the command stream of its own: it shares the record of a command and the table of a generation with the
// channel, and no code. It keeps when each kind of command was last seen by each bank, bank group, SID and
// pseudo-channel, and which rows are open; a command costs a handful of integer comparisons and no allocation.
//
// What it knows besides the distances of protocol_rules.h:
//   state    ACT needs a closed bank, RD and WR the open row, refresh and refresh management closed banks
//   buses    row and column commands are shared by the pseudo-channels; time goes forward on each
//   edges    every command starts on an edge of CK, on the rising one unless it may start on both
//   ranges   pseudo-channel, SID, bank group, bank, row and column lie inside the organisation
//   refresh  at most 8 tREFI postponed (at most as many ahead count), and with REFpb every bank of a SID once before any twice
//   RAA      no more activates of a bank than RAAMMT without refresh or refresh management
// Of several distances broken between the same two commands only the one that asks for most is reported.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "hbm/checker/protocol_rules.h"
#include "hbm/command_sink.h"

namespace cowosim::hbm {

struct Violation {
  std::string rule;       ///< "tRCDRD", "ACT to an open bank"
  CommandRecord command;  ///< the one that breaks it
  bool has_earlier = false;
  CommandRecord earlier;        ///< the one it is too close to; its place as far as it is known
  Time needed = 0, actual = 0;  ///< between their starts
  std::string
      text;  ///< "12.5 ns channel_0 pc 0: RD sid 0 bg 1 ba 2 row 7: tRCDRD: 31.5 CK (...) after ACT at ..., only 30 CK"
};

class ProtocolChecker final : public CommandSink {
 public:
  /// How many violations are kept; all are counted.
  static constexpr std::size_t kKept = 100;

  /// `channel` is for messages. Throws std::invalid_argument for a generation there is none of.
  ProtocolChecker(const HbmParams& params, std::string channel);
  ProtocolChecker(ProtocolRules rules, const HbmParams& organisation, std::string channel);

  /// The stream begins in the middle of a run, at t: which rows are open is learnt from it. Before the first command.
  void begin_at(Time t);
  void check(const CommandRecord& record);
  void command(const CommandRecord& record) override { check(record); }
  /// Nothing comes any more, and time went on to `end`: refreshes still owed.
  void finish(Time end);

  /// The first kKept, in the order in which they were found.
  const std::vector<Violation>& violations() const { return violations_; }
  std::uint64_t violation_count() const { return violation_count_; }
  std::uint64_t commands() const { return commands_; }
  const ProtocolRules& rules() const { return rules_; }

 private:
  static constexpr Half kLongAgo = -(Half{1} << 40);
  static constexpr std::size_t kFourth = kCommands;  ///< slot of the fourth last ACT
  static constexpr std::int32_t kClosed = -1;
  static constexpr std::int32_t kUnknown = -2;

  /// When each kind of command came last.
  struct Last {
    std::array<Half, kCommands + 1> at;
    Last() { at.fill(kLongAgo); }
  };
  struct Bank {
    Last last;
    std::int32_t row = kClosed;
    int activates = 0;       ///< without refresh (RAA)
    bool refreshed = false;  ///< in this round of REFpb
  };
  struct Sid {
    Last last;
    Last others;                 ///< column commands of the other SIDs
    int round = 0;               ///< banks refreshed in this round of REFpb
    std::int64_t refreshes = 0;  ///< of single banks, counted for the debt
  };
  struct PseudoChannel {
    Last last;
    std::vector<Sid> sids;
    std::vector<Last> groups;
    std::vector<Bank> banks;
    std::array<Half, 4> activates{kLongAgo, kLongAgo, kLongAgo, kLongAgo};
    unsigned oldest = 0;
    Half deadline = 0;  ///< of the next refresh of any SID
  };
  struct Bus {
    CommandRecord last;
    Half start = kLongAgo;
    Half free = kLongAgo;
  };
  /// A rule, resolved for one later command.
  struct Check {
    Half distance;  ///< between starts
    std::uint8_t slot;
    Scope scope;
    std::uint16_t rule;
  };
  /// A distance that is broken, before it is known whether it is the strictest one.
  struct Broken {
    const char* rule;
    CommandRecord earlier;
    Half start;
    Half needed;
  };

  void compile();
  template <class Visit>
  void for_sids(PseudoChannel& pc, const CommandRecord& c, Visit visit);
  template <class Visit>
  void for_banks(PseudoChannel& pc, const CommandRecord& c, Visit visit);

  bool in_range(const CommandRecord& c, bool one_bank) const;
  void report_range(const CommandRecord& c, bool one_bank);
  void judge_clock(const CommandRecord& c, Half h);
  bool report_bus(const CommandRecord& c, Half h, const Bus& bus);
  void judge_state(PseudoChannel& pc, const CommandRecord& c, Bank& bank);
  void manage(PseudoChannel& pc, const CommandRecord& c, Bank& bank, Half h);
  void count_refreshes(Sid& sid, int banks, Half h);
  Half deadline(const Sid& sid) const;
  void set_deadline(PseudoChannel& pc);
  void overdue(PseudoChannel& pc, Time t, Half h);

  void broken(const Check& check, const CommandRecord& c, Half start);
  void locate(CommandRecord& c, Half start) const;
  void report_broken(const CommandRecord& c, Half h);
  void report(const std::string& rule, const CommandRecord& c, const std::string& detail = {});
  void store(Violation violation);
  std::string place(const CommandRecord& c) const;
  std::string clocks(Half halves) const;
  std::string nanoseconds(Half halves) const;

  ProtocolRules rules_;
  std::string channel_;
  int sids_, groups_, banks_per_group_, rows_, columns_;
  int banks_per_sid_;
  bool keep_rounds_ = true;
  Half begin_ = 0;
  bool finished_ = false;

  std::vector<Check> checks_;
  std::array<std::uint16_t, kCommands + 1> first_check_{};  ///< of each command; the last one: how many there are
  std::vector<PseudoChannel> pcs_;
  std::array<Bus, 2> buses_;  ///< row, column
  std::vector<Broken> broken_;

  std::vector<Violation> violations_;
  std::uint64_t violation_count_ = 0;
  std::uint64_t commands_ = 0;
};

}  // namespace cowosim::hbm
