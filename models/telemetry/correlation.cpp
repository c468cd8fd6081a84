#include "telemetry/correlation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace cowosim::telemetry {

namespace {

constexpr Time kNone = kNotMeasured;
/// Undelayed requests of a class that make an offset.
constexpr std::size_t kLeastSupport = 3;
/// Offsets below this share of a clock are none: references count in whole or half clocks.
constexpr double kSignificant = 0.75;
/// Share of all requests at one error that looks like a fixed delay.
constexpr double kConstant = 0.95;
/// First differing requests that are all off by the same.
constexpr std::uint64_t kLeastOnset = 8;

// ------------------------------------------------------------------------------------------------ lives in the DRAM

/// One access on its way through a bank, with the distances that tell whether it was delayed.
struct Service {
  std::uint64_t identity;
  Op op;
  Time accepted;
  Time column;
  Time precharge = kNone;  ///< on its behalf
  Time activate = kNone;
  Time refresh = kNone;   ///< that it waited for
  Time opposite = kNone;  ///< last column command of the other direction, where this is the first of its own
  RequestClass row = RequestClass::hit;
  bool others_activate = false;  ///< waited for the ACT of an older request
};

/// Follows the commands of one channel.
class Channel {
 public:
  Channel(const DramTimes& times, std::vector<Service>& services, DramLives& lives)
      : times_(times), services_(services), lives_(lives) {}

  void follow(const std::vector<CommandEvent>& traced, const std::vector<AccessEvent>& accesses) {
    std::vector<CommandEvent> commands = traced;
    std::stable_sort(commands.begin(), commands.end(),
                     [](const CommandEvent& a, const CommandEvent& b) { return a.time < b.time; });
    std::size_t next = 0;
    for (const CommandEvent& command : commands) {
      for (; next < accesses.size() && accesses[next].time <= command.time; ++next) accept(accesses[next]);
      if (command.command == "RD" || command.command == "WR") {
        column(command);
      } else {
        row(command);
      }
    }
    for (; next < accesses.size(); ++next) accept(accesses[next]);
  }

 private:
  using BankKey = std::tuple<int, int, int, int>;  ///< pseudo-channel, SID, bank group, bank
  struct Bank {
    bool open = false;
    Time activate = kNone;
    Time first_column = kNone;  ///< since then
    Time precharge = kNone;
    Time refresh = kNone;
  };
  struct PseudoChannel {
    Op last = Op::read;
    std::array<Time, 2> column{kNone, kNone};  ///< the last one of each direction
    std::map<int, Time> refresh;               ///< of all banks, by SID
  };
  struct Waiting {
    std::uint64_t identity;
    Time accepted;
  };
  using Place = std::tuple<BankKey, std::int64_t, std::int64_t, Op>;  ///< row, column

  void accept(const AccessEvent& access) {
    DramLife& life = lives_[access.identity];
    if (life.accepted == kNone) life.accepted = access.time;
    if (!access.queued) {
      if (life.column == kNone) life.row = life.what = RequestClass::forwarded;
      return;
    }
    const Location& at = access.where;
    waiting_[{{at.pseudo_channel, at.sid, at.bank_group, at.bank}, at.row, at.column, access.op}].push_back(
        {access.identity, access.time});
  }

  void row(const CommandEvent& c) {
    const bool refreshes = c.command.substr(0, 3) == "REF" || c.command.substr(0, 3) == "RFM";
    const BankKey key{c.pseudo_channel, c.sid, c.bank_group, c.bank};
    if (c.command == "ACT") {
      Bank& bank = banks_[key];
      bank.open = true;
      bank.activate = c.time;
      bank.first_column = kNone;
    } else if (c.command == "PREpb") {
      close(banks_[key], c.time);
    } else if (c.command == "PREab") {
      for (auto& [place, bank] : banks_)
        if (concerns(c, place)) close(bank, c.time);
    } else if (refreshes && c.bank >= 0) {
      banks_[key].refresh = c.time;
    } else if (refreshes) {
      pseudo_channels_[c.pseudo_channel].refresh[c.sid] = c.time;
    }
  }
  static bool concerns(const CommandEvent& c, const BankKey& place) {
    return std::get<0>(place) == c.pseudo_channel && (c.sid < 0 || std::get<1>(place) == c.sid);
  }
  static void close(Bank& bank, Time t) {
    if (bank.open) bank.precharge = t;
    bank.open = false;
  }

  /// The refresh that an access accepted then had to wait for.
  Time refresh_before(const CommandEvent& c, const Bank& bank, Time accepted) const {
    Time latest = kNone;
    const auto consider = [&](Time refresh, Time length) {
      if (refresh != kNone && accepted < refresh + length) latest = std::max(latest, refresh);
    };
    consider(bank.refresh, times_.refresh_bank);
    const auto pc = pseudo_channels_.find(c.pseudo_channel);
    if (pc == pseudo_channels_.end()) return latest;
    for (const int sid : {-1, c.sid}) {
      const auto found = pc->second.refresh.find(sid);
      if (found != pc->second.refresh.end()) consider(found->second, times_.refresh_all);
    }
    return latest;
  }

  void column(const CommandEvent& c) {
    const Op op = c.command == "WR" ? Op::write : Op::read;
    const BankKey key{c.pseudo_channel, c.sid, c.bank_group, c.bank};
    Bank& bank = banks_[key];
    PseudoChannel& pc = pseudo_channels_[c.pseudo_channel];
    const Op other = op == Op::write ? Op::read : Op::write;
    const Time opposite = pc.last == op ? kNone : pc.column[static_cast<std::size_t>(other)];
    const auto found = waiting_.find({key, c.row, c.column, op});
    if (found != waiting_.end() && !found->second.empty()) {
      const Waiting access = found->second.front();
      found->second.pop_front();
      if (found->second.empty()) waiting_.erase(found);
      Service service{access.identity, op, access.accepted, c.time};
      service.opposite = opposite;
      service.refresh = refresh_before(c, bank, access.accepted);
      if (bank.first_column == kNone || access.accepted < bank.first_column) {
        const bool precharged = bank.precharge != kNone && bank.precharge >= access.accepted;
        service.row = precharged ? RequestClass::conflict : RequestClass::closed;
        service.precharge = precharged ? bank.precharge : kNone;
        service.activate = bank.activate;
        service.others_activate = bank.first_column != kNone || bank.activate < access.accepted;
      }
      services_.push_back(service);
    }
    if (bank.first_column == kNone) bank.first_column = c.time;
    pc.last = op;
    pc.column[static_cast<std::size_t>(op)] = c.time;
  }

  const DramTimes& times_;
  std::vector<Service>& services_;
  DramLives& lives_;
  std::map<BankKey, Bank> banks_;
  std::map<int, PseudoChannel> pseudo_channels_;
  std::map<Place, std::deque<Waiting>> waiting_;
};

/// Shortest distance of each kind that occurs: what the timing of the device leaves, without any queue.
struct Shortest {
  std::array<Time, 2> activate_to_column{kNever, kNever};
  std::array<Time, 2> turn{kNever, kNever};
  Time precharge_to_activate = kNever;
  Time refresh_to_activate = kNever;

  explicit Shortest(const std::vector<Service>& services) {
    const auto shorten = [](Time& shortest, Time from, Time to) {
      if (from != kNone && to != kNone && to >= from) shortest = std::min(shortest, to - from);
    };
    for (const Service& s : services) {
      const auto op = static_cast<std::size_t>(s.op);
      if (!s.others_activate) shorten(activate_to_column[op], s.activate, s.column);
      shorten(turn[op], s.opposite, s.column);
      shorten(precharge_to_activate, s.precharge, s.activate);
      if (s.refresh != kNone && s.activate > s.refresh) shorten(refresh_to_activate, s.refresh, s.activate);
    }
  }

  bool undelayed(const Service& s, RequestClass what, Time slack) const {
    const auto op = static_cast<std::size_t>(s.op);
    const auto near = [&](Time from, Time to, Time shortest) {
      return from != kNone && to != kNone && to - from <= shortest + slack;
    };
    const bool opened = !s.others_activate && near(s.activate, s.column, activate_to_column[op]);
    switch (what) {
      case RequestClass::hit:
        return near(s.accepted, s.column, 0);
      case RequestClass::closed:
        return opened && near(s.accepted, s.activate, 0);
      case RequestClass::conflict:
        return opened && near(s.accepted, s.precharge, 0) && near(s.precharge, s.activate, precharge_to_activate);
      case RequestClass::refresh:
        return opened && near(s.refresh, s.activate, refresh_to_activate);
      case RequestClass::turnaround:
        return near(s.opposite, s.column, turn[op]);
      case RequestClass::forwarded:
      case RequestClass::elsewhere:
        break;
    }
    return false;
  }
};

// ------------------------------------------------------------------------------------------------------- statistics

template <class T>
T ranked(std::vector<T>& values, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// ---------------------------------------------------------------------------------------------------------- matching

template <class Request>
bool ids_are_unique(const std::vector<Request>& requests) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  return std::all_of(requests.begin(), requests.end(),
                     [&](const Request& r) { return !r.id.empty() && seen.emplace(r.master, r.id).second; });
}

using Key = std::tuple<std::string_view, std::string_view, std::uint64_t, Op>;
template <class Request>
Key key_of(const Request& r, bool by_id) {
  return by_id ? Key{r.master, r.id, 0, Op::read} : Key{r.master, r.id, r.address, r.op};
}

std::string in_clocks(double time, Time clock) { return fmt::format("{:+.1f} CK", time / static_cast<double>(clock)); }

// --------------------------------------------------------------------------------------------------------- suspicion

/// Errors of a direction, by class, and what they say about stages.
class Suspicion {
 public:
  Suspicion(Correlation& correlation, const std::vector<SimulatedRequest>& ours, const CorrelationOptions& options)
      : c_(correlation),
        ours_(ours),
        clock_(static_cast<double>(options.clock)),
        significant_(kSignificant * static_cast<double>(std::max(options.clock, options.resolution))) {}

  void examine() {
    for (const Op op : {Op::read, Op::write}) {
      collect(op);
      const std::size_t known = c_.suspects.size();
      if (!judge(op) && c_.suspects.size() == known) onset(op);
    }
    std::stable_sort(c_.suspects.begin(), c_.suspects.end(),
                     [](const Suspect& a, const Suspect& b) { return std::abs(a.amount) > std::abs(b.amount); });
    throughput();  // a consequence more often than a cause: last
    conclude();
  }

 private:
  const SimulatedRequest& of(const MatchedRequest& pair) const { return ours_[pair.ours]; }
  bool is(double amount) const { return std::abs(amount) >= significant_; }

  void collect(Op op) {
    for (std::size_t k = 0; k < kRequestClasses; ++k) {
      const auto what = static_cast<RequestClass>(k);
      std::vector<MatchedRequest> members;
      std::vector<double> errors;
      for (const MatchedRequest& pair : c_.pairs) {
        const SimulatedRequest& r = of(pair);
        if (r.op != op || r.dram.what != what) continue;
        members.push_back(pair);
        if (r.dram.undelayed) errors.push_back(static_cast<double>(pair.error()));
      }
      if (members.empty()) continue;
      ClassResult result;
      result.what = what;
      result.op = op;
      result.errors = statistics_of(members);
      result.undelayed = errors.size();
      if (!errors.empty()) {
        const double median = ranked(errors, 0.5);
        result.agreeing = static_cast<std::uint64_t>(
            std::count_if(errors.begin(), errors.end(), [&](double e) { return std::abs(e - median) <= clock_; }));
        if (result.agreeing >= kLeastSupport && 2 * result.agreeing >= result.undelayed) result.offset = median;
      }
      c_.classes.push_back(result);
    }
  }

  const ClassResult* find(Op op, RequestClass what) const {
    for (const ClassResult& result : c_.classes)
      if (result.op == op && result.what == what && result.offset) return &result;
    return nullptr;
  }

  void suspect(std::string stage, std::string parameter, double amount, std::uint64_t support, std::string because) {
    c_.suspects.push_back({std::move(stage), std::move(parameter), amount, support, std::move(because)});
  }

  std::string offset(const ClassResult& result) const {
    return fmt::format("{} {}s {}", name_of(result.what), name_of(result.op), in_clocks(*result.offset, c_.clock));
  }

  /// Share of all requests of this direction whose error is `amount`.
  double constant(Op op, double amount) const {
    std::uint64_t all = 0, same = 0;
    for (const MatchedRequest& pair : c_.pairs) {
      if (of(pair).op != op) continue;
      ++all;
      same += std::abs(static_cast<double>(pair.error()) - amount) <= 0.5 * clock_;
    }
    return all == 0 ? 0 : static_cast<double>(same) / static_cast<double>(all);
  }

  static std::string activation_of(Op op) { return op == Op::read ? "tRCDRD" : "tRCDWR"; }
  static std::string pipeline_of(Op op) {
    return op == Op::read ? "front_latency, RL, return_latency" : "front_latency, WL, done.write of the map";
  }

  /// True: all requests of this direction are alike, and nothing more is to be said.
  bool judge(Op op) {
    const bool read = op == Op::read;
    const std::string activation = activation_of(op);
    const std::string pipeline = pipeline_of(op);
    if (all_alike(op, activation, pipeline)) return true;
    const ClassResult* const hit = find(op, RequestClass::hit);
    const ClassResult* const closed = find(op, RequestClass::closed);
    const ClassResult* const conflict = find(op, RequestClass::conflict);
    double fixed = 0;
    if (hit != nullptr) {
      fixed = *hit->offset;
      if (is(fixed)) suspect("fixed pipeline", pipeline, fixed, hit->agreeing, offset(*hit));
    }
    double opened = fixed;  // of requests that need an ACT
    if (closed != nullptr) {
      opened = *closed->offset;
      if (is(opened - fixed)) opens(op, *closed, hit, opened - fixed);
    }
    if (conflict != nullptr) {
      const double rest = *conflict->offset - opened;
      if (closed == nullptr && is(rest)) {
        suspect(hit == nullptr ? "fixed pipeline, activation or precharge" : "activation or precharge",
                hit == nullptr ? pipeline + ", " + activation + " or tRP" : activation + " or tRP", rest,
                conflict->agreeing, offset(*conflict) + "; no undelayed request to a closed bank tells them apart");
      } else if (is(rest)) {
        suspect("precharge", "tRP", rest, conflict->agreeing, offset(*conflict) + " against " + offset(*closed));
      }
      if (closed == nullptr) opened = *conflict->offset;
    }
    const bool based = hit != nullptr || closed != nullptr || conflict != nullptr;
    const std::string or_fixed = based ? "" : " or fixed pipeline";
    if (const ClassResult* const refresh = find(op, RequestClass::refresh)) {
      const double rest = *refresh->offset - opened;
      if (is(rest))
        suspect("refresh" + or_fixed, "tRFC", rest, refresh->agreeing,
                offset(*refresh) + (closed != nullptr ? " against " + offset(*closed) : ""));
    }
    if (const ClassResult* const turnaround = find(op, RequestClass::turnaround)) {
      const double rest = *turnaround->offset - fixed;
      if (is(rest) && (hit != nullptr || is(*turnaround->offset - opened)))
        suspect("turnaround" + or_fixed, read ? "tWTR" : "tRTW", rest, turnaround->agreeing,
                offset(*turnaround) + (hit != nullptr ? " against " + offset(*hit) : ""));
    }
    return false;
  }

  /// Every request of a direction off by the same: a fixed delay, unless all of them needed an activation.
  bool all_alike(Op op, const std::string& activation, const std::string& pipeline) {
    std::vector<double> errors;
    std::uint64_t without_activation = 0;
    for (const MatchedRequest& pair : c_.pairs) {
      if (of(pair).op != op) continue;
      errors.push_back(static_cast<double>(pair.error()));
      const DramLife& dram = of(pair).dram;  // after a turn of the bus its end decides, not the ACT's
      without_activation += dram.row == RequestClass::hit || (dram.what == RequestClass::turnaround && dram.undelayed);
    }
    if (errors.size() < kLeastSupport) return false;
    const double median = ranked(errors, 0.5);
    const double share = constant(op, median);
    if (share < kConstant) return false;
    if (!is(median)) return true;
    const std::string because =
        fmt::format("{:.1f} % of all {}s are off by {}", 100 * share, name_of(op), in_clocks(median, c_.clock));
    const auto support = static_cast<std::uint64_t>(std::llround(share * static_cast<double>(errors.size())));
    if (without_activation >= kLeastSupport) {
      suspect("fixed pipeline", pipeline, median, support, because + ", whatever they met");
    } else {
      suspect("activation or fixed pipeline", activation + ", or " + pipeline, median, support,
              because + "; none of them hit an open row, which would tell the two apart");
    }
    return true;
  }

  /// What closed banks are off by beyond open rows.
  void opens(Op op, const ClassResult& closed, const ClassResult* hit, double amount) {
    const std::string activation = activation_of(op);
    const ClassResult* const conflict = find(op, RequestClass::conflict);
    std::string because = offset(closed);
    std::uint64_t support = closed.agreeing;
    if (conflict != nullptr && !is(*conflict->offset - *closed.offset)) {
      because += ", " + offset(*conflict);
      support += conflict->agreeing;
    }
    if (hit != nullptr) {
      suspect("activation", activation, amount, support, because + ", " + offset(*hit));
      return;
    }
    // A fixed delay would move every request alike (all_alike).
    suspect(
        "activation", activation, amount, support,
        because + fmt::format("; no undelayed request hit an open row, but only {:.1f} % of all requests are off by "
                              "that, where a fixed delay would move all alike",
                              100 * constant(op, amount)));
  }

  /// Where queues carry every delay on, the first requests that differ still show it alone: in the order of completion, up
  /// to the first one that is off by something else.
  void onset(Op op) {
    std::vector<const MatchedRequest*> order;
    for (const MatchedRequest& pair : c_.pairs)
      if (of(pair).op == op) order.push_back(&pair);
    std::stable_sort(order.begin(), order.end(),
                     [&](const MatchedRequest* a, const MatchedRequest* b) { return of(*a).done < of(*b).done; });
    struct Group {
      std::uint64_t off = 0, even = 0;
      bool is_off() const { return off >= kLeastSupport && off >= even; }
      bool is_even() const { return even >= kLeastSupport && even > off; }
    };
    std::array<Group, kRequestClasses> groups{};
    double amount = 0;
    std::uint64_t off = 0, even = 0;
    for (const MatchedRequest* pair : order) {
      const auto error = static_cast<double>(pair->error());
      if (amount == 0 && is(error)) amount = error;
      Group& group = groups[static_cast<std::size_t>(of(*pair).dram.row)];
      if (std::abs(error) <= 0.5 * clock_) {
        ++group.even, ++even;
      } else if (amount != 0 && std::abs(error - amount) <= 0.5 * clock_) {
        ++group.off, ++off;
      } else {
        break;
      }
    }
    if (off < kLeastOnset) return;
    const Group& hit = groups[static_cast<std::size_t>(RequestClass::hit)];
    const Group& closed = groups[static_cast<std::size_t>(RequestClass::closed)];
    const Group& conflict = groups[static_cast<std::size_t>(RequestClass::conflict)];
    const std::string activation = activation_of(op);
    const std::string pipeline = pipeline_of(op);
    const std::string because = fmt::format(
        "the first {} {}s that differ are all off by that ({} hit, {} closed, {} conflict); {} up to there agree", off,
        name_of(op), hit.off, closed.off, conflict.off, even);
    if (closed.is_off() || (conflict.is_off() && !closed.is_even())) {
      const bool alone = hit.is_even();
      suspect(alone ? "activation" : "activation or fixed pipeline",
              alone ? activation : activation + ", or " + pipeline, amount, off, because);
    } else if (conflict.is_off()) {
      suspect("precharge", "tRP", amount, off, because);
    } else if (hit.is_off()) {
      suspect("fixed pipeline", pipeline, amount, off, because);
    }
  }

  /// Whether the error grows where there is more to do, beyond what the stages explain.
  void throughput() {
    std::vector<double> rest;  // errors less what their class is off by
    for (const MatchedRequest& pair : c_.pairs) {
      const ClassResult* const known = find(of(pair).op, of(pair).dram.what);
      rest.push_back(static_cast<double>(pair.error()) - (known != nullptr ? *known->offset : 0));
    }
    constexpr std::size_t kLeast = 40;
    if (rest.size() < kLeast) return;
    std::vector<std::pair<double, double>> by_load;  // bytes in the interval of its completion, error
    for (std::size_t i = 0; i < rest.size(); ++i) by_load.emplace_back(load_[c_.pairs[i].reference], rest[i]);
    std::sort(by_load.begin(), by_load.end());
    const auto third = static_cast<std::ptrdiff_t>(by_load.size() / 3);
    std::vector<double> low, high;
    for (auto i = by_load.begin(); i != by_load.begin() + third; ++i) low.push_back(i->second);
    for (auto i = by_load.end() - third; i != by_load.end(); ++i) high.push_back(i->second);
    const double lightly = ranked(low, 0.5);
    const double busily = ranked(high, 0.5);
    const double ratio = c_.reference_bandwidth == 0 ? 1 : c_.our_bandwidth / c_.reference_bandwidth;
    const double growth = busily - lightly;
    const bool more_load = by_load[by_load.size() - static_cast<std::size_t>(third)].first >
                           1.2 * by_load[static_cast<std::size_t>(third) - 1].first;
    if (more_load && std::abs(growth) >= std::max(2 * clock_, 0.05 * c_.all.reference_mean))
      suspect("throughput", "bandwidth under load", growth, static_cast<std::uint64_t>(third),
              fmt::format("median error {} in the busiest third, {} in the least busy one", in_clocks(busily, c_.clock),
                          in_clocks(lightly, c_.clock)));
    else if (std::abs(ratio - 1) >= 0.02)
      suspect("throughput", "bandwidth under load", c_.all.mean, c_.all.count,
              fmt::format("our bandwidth is {:+.1f} % of the reference's over the whole run", 100 * (ratio - 1)));
  }

  void conclude() {
    if (c_.pairs.empty()) {
      c_.verdict = "No request could be compared.";
    } else if (!c_.suspects.empty()) {
      const Suspect& first = c_.suspects.front();
      c_.verdict = fmt::format("Suspected: {} ({}), {} on {} requests.", first.stage, first.parameter,
                               in_clocks(first.amount, c_.clock), first.support);
    } else if (std::abs(c_.all.mean) < significant_ && c_.all.magnitude < significant_) {
      c_.verdict = c_.divergence ? "The two agree on the average, but part for a while: no stage is suspected."
                                 : "The two agree: no stage is suspected.";
    } else {
      c_.verdict = "No stage is suspected: the errors are of no one class.";
    }
  }

 public:
  /// Bytes the reference completed around each of its requests.
  std::vector<double> load_;

 private:
  Correlation& c_;
  const std::vector<SimulatedRequest>& ours_;
  double clock_;
  double significant_;
};

}  // namespace

DramLives dram_lives(const std::vector<ChannelCommands>& commands, const std::vector<ChannelAccesses>& accesses,
                     const DramTimes& times) {
  DramLives lives;
  std::vector<Service> services;
  for (std::size_t i = 0; i < accesses.size(); ++i)
    Channel(times, services, lives).follow(commands.at(i).events, accesses[i].events);
  const Shortest shortest(services);
  for (const Service& s : services) {
    DramLife& life = lives[s.identity];
    if (life.column != kNone && life.column > s.column) continue;  // its last access decides
    life.column = s.column;
    life.row = s.row;
    life.what = s.refresh != kNone ? RequestClass::refresh : s.opposite != kNone ? RequestClass::turnaround : s.row;
    life.undelayed = shortest.undelayed(s, life.what, times.clock);
  }
  return lives;
}

ErrorStatistics statistics_of(const std::vector<MatchedRequest>& pairs) {
  ErrorStatistics s;
  if (pairs.empty()) return s;
  std::vector<Time> errors, magnitudes;
  __int128 sum = 0, absolute = 0, ours = 0, reference = 0;
  for (const MatchedRequest& pair : pairs) {
    const Time error = pair.error();
    errors.push_back(error);
    magnitudes.push_back(std::abs(error));
    sum += error;
    absolute += std::abs(error);
    ours += pair.our_latency;
    reference += pair.reference_latency;
    if (std::abs(error) > std::abs(s.worst)) s.worst = error;
  }
  s.count = pairs.size();
  const auto mean = [&](__int128 total) { return static_cast<double>(total) / static_cast<double>(pairs.size()); };
  s.mean = mean(sum);
  s.magnitude = mean(absolute);
  s.our_mean = mean(ours);
  s.reference_mean = mean(reference);
  s.p50 = ranked(errors, 0.5);
  s.p95 = ranked(magnitudes, 0.95);
  return s;
}

Correlation correlate(const std::vector<SimulatedRequest>& ours, const std::vector<MeasuredRequest>& reference,
                      bool from_acceptance, const CorrelationOptions& options) {
  Correlation c;
  c.clock = options.clock;
  const auto begin_of = [&](const MeasuredRequest& r) { return from_acceptance ? r.accepted : r.issue; };

  const bool by_id = ids_are_unique(ours) && ids_are_unique(reference);
  std::map<Key, std::deque<std::size_t>> open;
  for (std::size_t i = 0; i < ours.size(); ++i) open[key_of(ours[i], by_id)].push_back(i);
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const auto found = open.find(key_of(reference[i], by_id));
    if (found == open.end() || found->second.empty()) {
      c.unmatched_reference.push_back(i);
      continue;
    }
    const std::size_t mine = found->second.front();
    found->second.pop_front();
    const bool answered = ours[mine].begin != kNotMeasured && ours[mine].done != kNotMeasured;
    const bool measured = begin_of(reference[i]) != kNotMeasured && reference[i].done != kNotMeasured;
    c.unanswered_ours += !answered;
    c.unanswered_reference += !measured;
    if (!answered || !measured) {
      c.unanswered.emplace_back(mine, i);
      continue;
    }
    c.pairs.push_back({mine, i, ours[mine].done - ours[mine].begin, reference[i].done - begin_of(reference[i])});
  }
  for (const auto& [key, left] : open) c.unmatched_ours.insert(c.unmatched_ours.end(), left.begin(), left.end());
  std::sort(c.unmatched_ours.begin(), c.unmatched_ours.end());
  std::stable_sort(c.pairs.begin(), c.pairs.end(), [&](const MatchedRequest& a, const MatchedRequest& b) {
    return begin_of(reference[a.reference]) < begin_of(reference[b.reference]);
  });

  c.all = statistics_of(c.pairs);
  for (std::size_t k = 0; k < kRequestClasses; ++k) {
    std::vector<MatchedRequest> members;
    for (const MatchedRequest& pair : c.pairs)
      if (ours[pair.ours].dram.what == static_cast<RequestClass>(k)) members.push_back(pair);
    c.by_class[k] = statistics_of(members);
  }

  // Bandwidth: bytes of the pairs by completion, in equal intervals over both runs.
  Suspicion suspicion(c, ours, options);
  if (!c.pairs.empty()) {
    Time first = kNever, our_last = 0, reference_last = 0, our_first = kNever;
    std::uint64_t bytes = 0;
    for (const MatchedRequest& pair : c.pairs) {
      first = std::min(first, begin_of(reference[pair.reference]));
      our_first = std::min(our_first, ours[pair.ours].begin);
      our_last = std::max(our_last, ours[pair.ours].done);
      reference_last = std::max(reference_last, reference[pair.reference].done);
      bytes += ours[pair.ours].bytes;
    }
    const auto rate = [&](Time span) {
      return span <= 0 ? 0.0 : static_cast<double>(bytes) / (static_cast<double>(span) / static_cast<double>(kSecond));
    };
    c.our_bandwidth = rate(our_last - our_first);
    c.reference_bandwidth = rate(reference_last - first);
    const Time begin = std::min(first, our_first);
    const Time span = std::max<Time>(std::max(our_last, reference_last) - begin + 1, options.points);
    const auto points = static_cast<Time>(std::max(options.points, 1));
    const auto bounds = [&](Time i) { return begin + static_cast<Time>(static_cast<__int128>(span) * i / points); };
    for (Time i = 0; i < points; ++i) c.bandwidth.push_back({bounds(i), bounds(i + 1)});
    const auto at = [&](Time t) -> BandwidthPoint& {
      auto i = static_cast<std::size_t>(
          std::clamp<Time>(static_cast<Time>(static_cast<__int128>(t - begin) * points / span), 0, points - 1));
      while (i + 1 < c.bandwidth.size() && t >= c.bandwidth[i].end) ++i;
      while (i > 0 && t < c.bandwidth[i].begin) --i;
      return c.bandwidth[i];
    };
    for (const MatchedRequest& pair : c.pairs) {
      at(ours[pair.ours].done).our_bytes += ours[pair.ours].bytes;
      at(reference[pair.reference].done).reference_bytes += ours[pair.ours].bytes;
    }
    suspicion.load_.resize(reference.size());
    for (const MatchedRequest& pair : c.pairs)
      suspicion.load_[pair.reference] = static_cast<double>(at(reference[pair.reference].done).reference_bytes);
  }

  // Divergence.
  c.band = options.divergence.band > 0 ? options.divergence.band : std::max(options.clock, options.resolution);
  c.band_requests = options.divergence.requests;
  std::size_t outside = 0;
  for (std::size_t i = 0; i < c.pairs.size(); ++i) {
    outside = std::abs(c.pairs[i].error()) > c.band ? outside + 1 : 0;
    if (c.divergence && outside == 0) break;
    if (c.divergence) {
      ++c.divergence->length;
    } else if (outside == static_cast<std::size_t>(c.band_requests)) {
      const std::size_t start = i + 1 - outside;
      c.divergence = Divergence{start, c.pairs[start].error(), outside};
    }
  }

  suspicion.examine();
  return c;
}

}  // namespace cowosim::telemetry
