#include "hbm/checker/protocol_checker.h"

#include <algorithm>
#include <utility>

#include "telemetry/text.h"

namespace cowosim::hbm {

namespace {

constexpr std::size_t index(Command c) { return static_cast<std::size_t>(c); }
constexpr bool is_column(Command c) { return c == Command::read || c == Command::write; }
/// Commands that name no bank: for all of a SID, or of all SIDs.
constexpr CommandSet kWithoutBank =
    set_of(Command::precharge_all) | set_of(Command::refresh_all) | set_of(Command::refresh_management_all);
/// Refresh and refresh management.
constexpr CommandSet kManaging = set_of(Command::refresh_all) | set_of(Command::refresh_bank) |
                                 set_of(Command::refresh_management_all) | set_of(Command::refresh_management_bank);

constexpr bool inside(int value, int least, int end) { return value >= least && value < end; }

void append(std::string& text, const char* name, int value) {
  if (value >= 0) text += std::string(" ") + name + " " + std::to_string(value);
}

/// "ACT sid 0 bg 1 ba 2 row 7", as far as it is known.
std::string describe(const CommandRecord& c) {
  std::string text = name_of(c.command);
  append(text, "sid", c.sid);
  append(text, "bg", c.bank_group);
  append(text, "ba", c.bank);
  append(text, "row", c.row);
  return text;
}

}  // namespace

ProtocolChecker::ProtocolChecker(const HbmParams& params, std::string channel)
    : ProtocolChecker(protocol_rules(params), params, std::move(channel)) {}

ProtocolChecker::ProtocolChecker(ProtocolRules rules, const HbmParams& organisation, std::string channel)
    : rules_(std::move(rules)),
      channel_(std::move(channel)),
      sids_(organisation.sids),
      groups_(organisation.bank_groups),
      banks_per_group_(organisation.banks),
      rows_(organisation.rows),
      columns_(organisation.columns),
      banks_per_sid_(organisation.bank_groups * organisation.banks) {
  compile();
  pcs_.resize(static_cast<std::size_t>(organisation.pseudo_channels));
  for (PseudoChannel& pc : pcs_) {
    pc.sids.resize(static_cast<std::size_t>(sids_));
    pc.groups.resize(static_cast<std::size_t>(sids_ * groups_));
    pc.banks.resize(static_cast<std::size_t>(sids_ * banks_per_sid_));
    set_deadline(pc);
  }
}

template <class Visit>
void ProtocolChecker::for_sids(PseudoChannel& pc, const CommandRecord& c, Visit visit) {
  for (std::size_t s = 0; s < pc.sids.size(); ++s)
    if (c.sid < 0 || s == static_cast<std::size_t>(c.sid)) visit(pc.sids[s]);
}

template <class Visit>
void ProtocolChecker::for_banks(PseudoChannel& pc, const CommandRecord& c, Visit visit) {
  const auto per_sid = static_cast<std::size_t>(banks_per_sid_);
  const std::size_t first = c.sid < 0 ? 0 : static_cast<std::size_t>(c.sid) * per_sid;
  const std::size_t end = c.sid < 0 ? pc.banks.size() : first + per_sid;
  for (std::size_t b = first; b < end; ++b) visit(pc.banks[b]);
}

void ProtocolChecker::compile() {
  for (std::size_t after = 0; after < kCommands; ++after) {
    first_check_[after] = static_cast<std::uint16_t>(checks_.size());
    for (std::size_t r = 0; r < rules_.distances.size(); ++r) {
      const ProtocolRule& rule = rules_.distances[r];
      if ((rule.after >> after & 1) == 0 || (rule.scope == Scope::other_sid && sids_ == 1)) continue;
      for (std::size_t before = 0; before < kCommands; ++before) {
        if ((rule.before >> before & 1) == 0) continue;
        const Half distance = rules_.between_starts(rule, static_cast<Command>(before), static_cast<Command>(after));
        if (distance > 0)
          checks_.push_back({distance, static_cast<std::uint8_t>(rule.fourth ? kFourth : before), rule.scope,
                             static_cast<std::uint16_t>(r)});
      }
    }
  }
  first_check_[kCommands] = static_cast<std::uint16_t>(checks_.size());
}

void ProtocolChecker::begin_at(Time t) {
  begin_ = t / rules_.half_period;
  keep_rounds_ = false;  // where a round of REFpb began is not known
  for (PseudoChannel& pc : pcs_) {
    for (Bank& bank : pc.banks) bank.row = kUnknown;
    for (Sid& sid : pc.sids) sid.refreshes = rules_.postponed_intervals * banks_per_sid_;  // may all be ahead
    set_deadline(pc);
  }
}

inline bool ProtocolChecker::in_range(const CommandRecord& c, bool one_bank) const {
  const int needed = one_bank ? 0 : -1;
  return c.pseudo_channel < pcs_.size() && inside(c.sid, needed, sids_) && inside(c.bank_group, needed, groups_) &&
         inside(c.bank, needed, banks_per_group_) && inside(c.row, c.command == Command::activate ? 0 : -1, rows_) &&
         inside(c.column, -1, columns_);
}

void ProtocolChecker::check(const CommandRecord& record) {
  ++commands_;
  CommandRecord c = record;
  const CommandSet command = set_of(c.command);
  const bool one_bank = (command & kWithoutBank) == 0;
  if (one_bank && sids_ == 1 && c.sid < 0) c.sid = 0;  // a SID without bits need not be named
  if (!in_range(c, one_bank)) return report_range(c, one_bank);

  // Times that were rounded on their way still name an edge.
  const Half h = (c.time + rules_.half_period / 2) / rules_.half_period;
  if (c.time != h * rules_.half_period || ((h & 1) != 0 && (rules_.rising_only & command) != 0)) judge_clock(c, h);
  Bus& bus = buses_[is_column(c.command) ? 1 : 0];
  if (h < bus.free && !report_bus(c, h, bus)) return;
  bus = {c, h, h + rules_.bus_time[index(c.command)]};

  PseudoChannel& pc = pcs_[c.pseudo_channel];
  const auto sid = static_cast<std::size_t>(std::max<int>(c.sid, 0));
  const std::size_t group =
      one_bank ? sid * static_cast<std::size_t>(groups_) + static_cast<std::size_t>(c.bank_group) : 0;
  Bank& bank =
      pc.banks[one_bank ? group * static_cast<std::size_t>(banks_per_group_) + static_cast<std::size_t>(c.bank) : 0];
  const Last& of_sid = c.sid < 0 ? pc.last : pc.sids[sid].last;
  const Last* const scopes[kScopes] = {&bank.last, &pc.groups[group], &of_sid, &pc.sids[sid].others, &pc.last};
  const Check* const end = checks_.data() + first_check_[index(c.command) + 1];
  for (const Check* x = checks_.data() + first_check_[index(c.command)]; x != end; ++x) {
    const Half start = scopes[static_cast<std::size_t>(x->scope)]->at[x->slot];
    if (h - start < x->distance) broken(*x, c, start);
  }
  if (!broken_.empty()) report_broken(c, h);
  // The plain case of a column command needs no judge.
  if (!is_column(c.command) || bank.row < 0 || bank.row != c.row) judge_state(pc, c, bank);

  const std::size_t slot = index(c.command);
  pc.last.at[slot] = h;
  if (one_bank) {
    bank.last.at[slot] = h;
    pc.groups[group].at[slot] = h;
    pc.sids[sid].last.at[slot] = h;
  } else {
    for_sids(pc, c, [&](Sid& s) { s.last.at[slot] = h; });
  }
  if (is_column(c.command)) {
    for (std::size_t s = 0; s < pc.sids.size(); ++s)
      if (s != sid) pc.sids[s].others.at[slot] = h;
    return;
  }
  if (h > pc.deadline) overdue(pc, c.time, h);
  if (c.command == Command::activate) {
    pc.activates[pc.oldest] = h;
    pc.oldest = (pc.oldest + 1) % 4;
    pc.last.at[kFourth] = pc.activates[pc.oldest];
  } else if ((command & kManaging) != 0) {
    manage(pc, c, bank, h);
  }
}

void ProtocolChecker::finish(Time end) {
  if (finished_) return;
  finished_ = true;
  const Half h = end / rules_.half_period;
  for (PseudoChannel& pc : pcs_)
    while (h > pc.deadline) overdue(pc, end, h);
}

// --------------------------------------------------------------------------------------------------------------- rules

/// The field that is wrong first.
void ProtocolChecker::report_range(const CommandRecord& c, bool one_bank) {
  const int needed = one_bank ? 0 : -1;
  const struct {
    const char* name;
    int value, least, end;
  } fields[] = {{"pseudo-channel", c.pseudo_channel, 0, static_cast<int>(pcs_.size())},
                {"SID", c.sid, needed, sids_},
                {"bank group", c.bank_group, needed, groups_},
                {"bank", c.bank, needed, banks_per_group_},
                {"row", c.row, c.command == Command::activate ? 0 : -1, rows_},
                {"column", c.column, -1, columns_}};
  for (const auto& f : fields) {
    if (inside(f.value, f.least, f.end)) continue;
    return report(std::string(f.name) + " out of range", c,
                  f.value < 0 ? "there is none" : std::to_string(f.value) + " is not below " + std::to_string(f.end));
  }
}

void ProtocolChecker::judge_clock(const CommandRecord& c, Half h) {
  const Time edge = h * rules_.half_period;
  if (std::max(c.time - edge, edge - c.time) > rules_.half_period / 4)
    report(std::string("clock: ") + name_of(c.command) + " between two edges", c);
  else if ((h & 1) != 0 && (rules_.rising_only & set_of(c.command)) != 0)
    report(std::string("edge: ") + name_of(c.command) + " on a falling edge", c);
}

/// False: the command is out of order, and nothing further can be said about it.
bool ProtocolChecker::report_bus(const CommandRecord& c, Half h, const Bus& bus) {
  if (h < bus.start) {
    report("time order", c,
           "the bus had " + describe(bus.last) + " at " + telemetry::exact_ns(bus.last.time) + " ns before");
    return false;
  }
  broken_.push_back({is_column(c.command) ? "column bus" : "row bus", bus.last, bus.start, bus.free - bus.start});
  return true;
}

/// What the bank must be like, and what the command makes of it.
void ProtocolChecker::judge_state(PseudoChannel& pc, const CommandRecord& c, Bank& bank) {
  const char* const command = name_of(c.command);
  switch (c.command) {
    case Command::read:
    case Command::write:
      if (bank.row == kClosed)
        report(std::string(command) + " of a closed bank", c);
      else if (bank.row == kUnknown)
        bank.row = c.row < 0 ? kUnknown : c.row;
      else if (c.row >= 0 && c.row != bank.row)
        report(std::string(command) + " of another row than the open one", c,
               "row " + std::to_string(bank.row) + " is open");
      return;
    case Command::activate:
      if (bank.row >= 0) report("ACT to an open bank", c, "row " + std::to_string(bank.row) + " is open");
      if (rules_.raammt > 0 && ++bank.activates > rules_.raammt)
        report("RAAMMT", c,
               std::to_string(bank.activates) + " activates without refresh, at most " + std::to_string(rules_.raammt));
      bank.row = c.row;
      return;
    case Command::precharge:  // of a closed bank does nothing
      bank.row = kClosed;
      return;
    case Command::precharge_all:
      for_banks(pc, c, [](Bank& b) { b.row = kClosed; });
      return;
    case Command::refresh_bank:
    case Command::refresh_management_bank:
      if (bank.row >= 0)
        report(std::string(command) + " of an open bank", c, "row " + std::to_string(bank.row) + " is open");
      bank.row = kClosed;
      return;
    case Command::refresh_all:
    case Command::refresh_management_all: {
      int open = 0;
      for_banks(pc, c, [&](Bank& b) { open += b.row >= 0 ? 1 : 0; });
      if (open > 0) report(std::string(command) + " with an open bank", c, std::to_string(open) + " are open");
      for_banks(pc, c, [](Bank& b) { b.row = kClosed; });
      return;
    }
  }
}

/// Refresh and refresh management: rounds of REFpb, activates made up for, and when the next refresh is due.
void ProtocolChecker::manage(PseudoChannel& pc, const CommandRecord& c, Bank& bank, Half h) {
  const bool one_bank = (set_of(c.command) & kWithoutBank) == 0;
  const auto less = [&](Bank& b) { b.activates = std::max(0, b.activates - rules_.raaimt); };
  if (one_bank)
    less(bank);
  else
    for_banks(pc, c, less);
  if (c.command == Command::refresh_bank) {
    Sid& sid = pc.sids[static_cast<std::size_t>(c.sid)];
    if (bank.refreshed && keep_rounds_)
      report("REFpb twice in a round", c,
             std::to_string(banks_per_sid_ - sid.round) + " banks of the SID have not been refreshed since");
    if (!bank.refreshed) ++sid.round;
    bank.refreshed = true;
    count_refreshes(sid, 1, h);
  } else if (c.command == Command::refresh_all) {
    for_sids(pc, c, [&](Sid& sid) { sid.round = banks_per_sid_, count_refreshes(sid, banks_per_sid_, h); });
  }
  for_sids(pc, c, [&](Sid& sid) {
    if (sid.round < banks_per_sid_) return;
    sid.round = 0;
    for_banks(pc, c, [](Bank& b) { b.refreshed = false; });
  });
  set_deadline(pc);
}

/// More than what may be ahead does not count.
void ProtocolChecker::count_refreshes(Sid& sid, int banks, Half h) {
  if (rules_.refresh_interval == 0) return;
  const std::int64_t due = (h - begin_) * banks_per_sid_ / rules_.refresh_interval;
  sid.refreshes = std::min(sid.refreshes + banks, due + rules_.postponed_intervals * banks_per_sid_);
}

Half ProtocolChecker::deadline(const Sid& sid) const {
  const std::int64_t covered = sid.refreshes + (rules_.postponed_intervals + 1) * banks_per_sid_;
  return begin_ + covered * rules_.refresh_interval / banks_per_sid_;
}

void ProtocolChecker::set_deadline(PseudoChannel& pc) {
  pc.deadline = INT64_MAX;
  if (rules_.refresh_interval == 0) return;
  for (const Sid& sid : pc.sids) pc.deadline = std::min(pc.deadline, deadline(sid));
}

/// Said once for each interval that is missed.
void ProtocolChecker::overdue(PseudoChannel& pc, Time t, Half h) {
  for (std::size_t s = 0; s < pc.sids.size(); ++s) {
    Sid& sid = pc.sids[s];
    if (h <= deadline(sid)) continue;
    Violation v;
    v.rule = "refresh overdue";
    v.command.time = t;
    v.command.command = Command::refresh_all;
    v.command.pseudo_channel = static_cast<std::uint8_t>(&pc - pcs_.data());
    v.command.sid = static_cast<std::int16_t>(s);
    v.text = place(v.command) + "refresh overdue: sid " + std::to_string(s) + " had to be refreshed by " +
             nanoseconds(deadline(sid)) + " ns (at most " + std::to_string(rules_.postponed_intervals) + " tREFI of " +
             nanoseconds(rules_.refresh_interval) + " ns are postponed)";
    store(std::move(v));
    sid.refreshes += banks_per_sid_;
  }
  set_deadline(pc);
}

// ----------------------------------------------------------------------------------------------------------- reporting

void ProtocolChecker::broken(const Check& check, const CommandRecord& c, Half start) {
  Broken b;
  b.rule = rules_.distances[check.rule].name;
  b.start = start;
  b.needed = check.distance;
  b.earlier.time = start * rules_.half_period;
  b.earlier.pseudo_channel = c.pseudo_channel;
  b.earlier.command = check.slot == kFourth ? Command::activate : static_cast<Command>(check.slot);
  if ((set_of(b.earlier.command) & kWithoutBank) == 0) locate(b.earlier, start);
  broken_.push_back(b);
}

/// The bank that had this command then.
void ProtocolChecker::locate(CommandRecord& c, Half start) const {
  const std::vector<Bank>& banks = pcs_[c.pseudo_channel].banks;
  for (std::size_t b = 0; b < banks.size(); ++b) {
    if (banks[b].last.at[index(c.command)] != start) continue;
    const int group = static_cast<int>(b) / banks_per_group_;
    c.sid = static_cast<std::int16_t>(group / groups_);
    c.bank_group = static_cast<std::int16_t>(group % groups_);
    c.bank = static_cast<std::int16_t>(static_cast<int>(b) % banks_per_group_);
  }
}

/// Of the distances to one earlier command, the strictest; of equal ones, the first of the table.
void ProtocolChecker::report_broken(const CommandRecord& c, Half h) {
  for (const Broken& b : broken_) {
    const bool strictest = std::none_of(broken_.begin(), broken_.end(), [&](const Broken& other) {
      const bool same = other.start == b.start && other.earlier.command == b.earlier.command &&
                        other.earlier.pseudo_channel == b.earlier.pseudo_channel;
      return same && (other.needed > b.needed || (other.needed == b.needed && &other < &b));
    });
    if (!strictest) continue;
    Violation v;
    v.rule = b.rule;
    v.command = c;
    v.has_earlier = true;
    v.earlier = b.earlier;
    v.needed = b.needed * rules_.half_period;
    v.actual = (h - b.start) * rules_.half_period;
    v.text = place(c) + describe(c) + ": " + v.rule + ": " + clocks(b.needed) + " CK (" + nanoseconds(b.needed) +
             " ns) after " + describe(b.earlier) + " at " + nanoseconds(b.start) + " ns, only " + clocks(h - b.start) +
             " CK";
    store(std::move(v));
  }
  broken_.clear();
}

void ProtocolChecker::report(const std::string& rule, const CommandRecord& c, const std::string& detail) {
  Violation v;
  v.rule = rule;
  v.command = c;
  v.text = place(c) + describe(c) + ": " + rule + (detail.empty() ? "" : ": " + detail);
  store(std::move(v));
}

void ProtocolChecker::store(Violation violation) {
  ++violation_count_;
  if (violations_.size() < kKept) violations_.push_back(std::move(violation));
}

std::string ProtocolChecker::place(const CommandRecord& c) const {
  return telemetry::exact_ns(c.time) + " ns " + channel_ + " pc " + std::to_string(c.pseudo_channel) + ": ";
}

std::string ProtocolChecker::clocks(Half halves) const {
  return std::to_string(halves / 2) + (halves % 2 == 0 ? "" : ".5");
}

std::string ProtocolChecker::nanoseconds(Half halves) const { return telemetry::exact_ns(halves * rules_.half_period); }

}  // namespace cowosim::hbm
