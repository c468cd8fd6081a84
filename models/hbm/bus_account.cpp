#include "hbm/bus_account.h"

namespace cowosim::hbm {

using telemetry::Holder;

/// Nothing to do is idle, a refresh in the way is refresh; what remains is charged along the critical path of the access,
/// backwards: what held its column command, its ACT, its PRE, and last the latencies of row preparation, which otherwise
/// overlap with other accesses' data.
void BusAccount::book_gap(const Path& path, Half h, Loss column_cause, Half activate_latency,
                          const RefreshSpan& bank_refresh) {
  Half gap = h - booked_;
  const auto charge = [&](Half wait, Loss cause) {
    const Half part = std::min(gap, wait);
    if (part <= 0) return;
    lost_[static_cast<std::size_t>(cause)] += part;
    gap -= part;
  };
  const auto overlap = [&](const RefreshSpan& span) { return std::min(h, span.end) - std::max(h - gap, span.begin); };
  charge(busy_since_ - booked_, Loss::idle);
  charge(overlap(refresh_), Loss::refresh);
  charge(overlap(bank_refresh), Loss::refresh);
  if (path.activated == kLongAgo) {
    charge(h - path.accepted, column_cause);
  } else {
    charge(h - rising(path.activated + activate_latency), column_cause);
    const bool conflict = path.precharged != kLongAgo;
    // Nobody could activate.
    charge(std::min(path.activated, path.window) - (path.activated - gap), Loss::four_activate_window);
    charge(path.activated - (conflict ? rising(path.precharged + timing_.precharge_to_activate) : path.accepted),
           path.activate_cause);
    if (conflict) charge(path.precharged - path.accepted, path.precharge_cause);
  }
  charge(gap, Loss::bank_conflict);
}

LossAccount BusAccount::loss(Time end) const {
  LossAccount account;
  account.busy = timing_.edge(busy_);
  for (std::size_t i = 0; i < kLosses; ++i) account.loss[i] = timing_.edge(lost_[i]);
  const Time booked = timing_.edge(booked_);
  if (booked > end) {  // cut in the middle of a burst
    account.busy -= booked - end;
    return account;
  }
  Time x = booked;
  const auto until = [&](Time t, Loss cause) {
    const Time stop = std::min(t, end);
    if (stop <= x) return;
    account.loss[static_cast<std::size_t>(cause)] += stop - x;
    x = stop;
  };
  if (waiting_ == 0) {
    until(end, Loss::idle);
    return account;
  }
  // Something waits: what will end this gap is not decided yet.
  until(timing_.edge(busy_since_), Loss::idle);
  if (refresh_.end > booked_) {
    until(timing_.edge(refresh_.begin), Loss::bank_conflict);
    until(refresh_.end == kNoEdge ? kNever : timing_.edge(refresh_.end), Loss::refresh);
  }
  until(end, Loss::bank_conflict);
  return account;
}

void BusAccount::check(std::uint64_t bursts, const std::string& where, std::vector<std::string>& broken) const {
  if (static_cast<Half>(bursts) * timing_.burst != busy_)
    broken.push_back(where + "data bus busy time is not commands x burst");
  Half booked = busy_;
  for (const Half lost : lost_) booked += lost;
  if (booked != booked_) broken.push_back(where + "busy and lost time do not add up");
  Time blamed = 0;
  for (std::size_t v = 0; v < kMaxStreams; ++v)
    for (std::size_t h = 0; h < telemetry::kHolders; ++h)
      blamed += blame_.wait(static_cast<StreamId>(v), static_cast<Holder>(h));
  if (blamed != timing_.edge(waited_)) broken.push_back(where + "blame does not add up to the time waited");
}

}  // namespace cowosim::hbm
