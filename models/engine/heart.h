// The contract between a heart (plain C++ that decides) and whatever advances it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/statistics.h"
#include "core/time.h"
#include "core/transaction.h"
#include "engine/journal.h"
#include "engine/pool.h"

namespace cowosim::engine {

/// Phases of the package's own protocol (the engine's side of kernel's TLM phases).
enum class Phase : std::uint8_t {
  request,
  response,  ///< read: data is here. write: accepted (posted). launch: the tile is done. all_reduce: the result is here.
             ///< Final for all but writes.
  retire,  ///< write: its data has reached the memory or cache that keeps it; the creator may free it. Where acceptance
           ///< and retirement coincide (a cache keeps the data) only this is sent and stands for both, as it always is
           ///< for multicast and reduce.
  credit   ///< `count` units of buffer space are free again at the receiver of requests; carries no transaction
};

/// One arrival. `port` is the receiving heart's own port index.
struct Message {
  Time time = 0;           ///< of arrival
  std::uint32_t rank = 0;  ///< of the connection, by hierarchical name: orders simultaneous arrivals
  std::uint32_t sequence = 0;
  Handle transaction = kNoHandle;
  std::uint16_t port = 0;
  std::uint16_t count = 0;
  Phase phase = Phase::request;
};

/// Where the messages of one port leave. Implemented by sockets (between components) and by local wires (inside one).
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// `arrival` is when the message reaches the other side: at least the connection's lookahead after now.
  virtual void send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) = 0;
  /// Least time a message takes on this connection; the sender adds its own pipeline to it.
  virtual Time latency() const = 0;
};

/// "waiter waits for what, because": a line of a deadlock report.
struct Wait {
  std::string waiter;
  std::string waits_for;
  std::string reason;
};

class Heart {
 public:
  Heart() = default;
  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;
  virtual ~Heart() = default;

  /// Number of ports this heart has; ports are numbered from 0.
  virtual int ports() const = 0;
  /// Time of the next own event that is work (moves a transaction); kNever when there is none. Never in the past of the
  /// last `advance`. Housekeeping (refresh, sampling) is not reported: it is caught up inside `advance` and `receive`.
  virtual Time due() const = 0;
  /// Handles every own event strictly before `until`, work and housekeeping.
  virtual void advance(Time until) = 0;
  /// Own events from `now` on, where the next one is: all those at `now`, and of the following ones before `until` as many
  /// instants as is convenient, each one whole. `until` comes closer when a message that was sent causes something earlier.
  virtual void advance_from(Time now, const Time& until) {
    static_cast<void>(until);
    advance(now + 1);
  }
  /// One arrival at message.time. Own work before that time has been advanced; arrivals come ordered by (time, rank, sequence).
  virtual void receive(const Message& message) = 0;
  /// Whether arrivals of a phase can change what this heart does, or what others read from it while it runs. Those that cannot
  /// (they are only counted) may be received later than own events that follow them. Fixed from `start` on.
  virtual bool reacts(Phase) const { return true; }
  /// Least time any message spends in here on its way out at `port` (fixed pipelines); with the wire it is the lookahead.
  virtual Time output_pipeline(int) const { return 0; }
  /// For the deadlock report: who waits here, and for whom.
  virtual void report_waits(std::vector<Wait>&) const {}
  /// Every cumulative statistic of this heart, for stats.csv and time series.
  virtual void statistics(StatVisitor&) const {}
  /// At the end of a completed run: each broken conservation rule (something outstanding, a credit missing) in words.
  virtual void check_idle(std::vector<std::string>&) const {}

  /// Called once when everything is wired, before the first window. Creators of transactions make their pool here.
  virtual void start() {}
  /// Visits the hearts this one is made of: itself, unless it couples several.
  virtual void for_each(const std::function<void(Heart&)>& visit) { visit(*this); }

  // Wiring, done once by the assembly before anything runs.
  void set_name(std::string name) { name_ = std::move(name); }
  virtual void set_pools(Pools& pools) { pools_ = &pools; }
  void bind(int port, Outlet& outlet) {
    if (outlets_.size() <= static_cast<std::size_t>(port)) outlets_.resize(static_cast<std::size_t>(port) + 1, nullptr);
    outlets_[static_cast<std::size_t>(port)] = &outlet;
  }

  /// Hierarchical name below the package: "hbm_stack_3.channel_12".
  const std::string& name() const { return name_; }
  /// Whether the journal's events are retirements of its own transactions (creators) or services to others'.
  bool creates_transactions() const { return own_pool_ != nullptr; }
  Journal& journal() { return journal_; }
  const Journal& journal() const { return journal_; }
  /// Of a creator that also serves others' transactions (a cache that writes back): what it has served. Empty otherwise.
  Journal& services() { return services_; }
  const Journal& services() const { return services_; }

 protected:
  void send(int port, Phase phase, Handle transaction, Time arrival, std::uint16_t count = 1) {
    outlets_[static_cast<std::size_t>(port)]->send(phase, transaction, arrival, count);
  }
  Time latency(int port) const { return outlets_[static_cast<std::size_t>(port)]->latency(); }
  Transaction& transaction(Handle handle) const { return (*pools_)[handle]; }
  Pools& pools() const { return *pools_; }
  /// The pool of a heart that creates transactions: call it in start(), and everything else may follow.
  Pool& own_pool() {
    if (own_pool_ == nullptr) own_pool_ = &pools_->add(name_);
    return *own_pool_;
  }

 private:
  std::string name_;
  Pools* pools_ = nullptr;
  Pool* own_pool_ = nullptr;
  std::vector<Outlet*> outlets_;
  Journal journal_;
  Journal services_;
};

}  // namespace cowosim::engine
