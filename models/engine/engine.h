// Conservative windows: time advances in steps no longer than the smallest lookahead, and inside a step nobody can surprise
// anybody. The engine is itself a heart: it knows no SystemC; whoever drives it calls run_window() again and again.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/time.h"
#include "engine/component.h"
#include "engine/gate.h"
#include "engine/pool.h"

namespace cowosim::engine {

enum class Status {
  running,
  completed,
  time_limit,  ///< --until reached: success
  wall_limit,
  interrupted,
  deadlock,     ///< something outstanding and nothing due anywhere
  no_progress,  ///< work goes on but nothing has retired or moved for stall_limit
  broken        ///< an invariant failed at the end of the run
};
const char* name_of(Status status);

struct Options {
  int threads = 1;                  ///< >= 1
  Time window = 0;                  ///< at most the platform's W; 0: W itself
  Time until = kNever;              ///< simulated time limit
  Time stall_limit = kMillisecond;  ///< simulated time without any message before a run is called stuck
  Time epoch = 10 * kMicrosecond;   ///< of the hashes
  Time interval = kNever;           ///< `on_interval` is called at its multiples, everything advanced exactly to there
  double wall_limit_seconds = 0;    ///< 0: none
};

class Engine {
 public:
  explicit Engine(Options options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Pools& pools() { return pools_; }

  /// `name` is hierarchical, below the package, and unique. The heart must outlive the engine.
  Component& add(const std::string& name, Heart& heart);
  /// Throws std::invalid_argument naming the connection when the lookahead is not positive.
  Connection& connect(const std::string& name, Component& from, Component& to, int to_port, Time lookahead);
  /// A way between `inside`, at port `port` of its heart, and a foreign model, `latency` each way. The caller binds it to the
  /// heart that sends. `keeps_running`: what is outside may send of its own accord, so the run does not end before `close`.
  Gate& open(const std::string& name, Component& inside, int port, Time latency, Outside& outside, bool keeps_running);
  /// After the last add, connect and open, before the first window: fixes ranks (by name, so that construction order cannot show) and
  /// W. Throws std::invalid_argument when the asked window is larger than W.
  void elaborate();

  /// The platform's W: the smallest lookahead. Without connections there is nothing to synchronise and W is `kLonelyWindow`.
  Time lookahead() const { return lookahead_; }
  /// The connection that sets W; nullptr without connections.
  const Connection* narrowest() const { return narrowest_; }

  // Gates, from the outside. All of these between windows, in the driving thread.
  /// A message for the heart inside. `arrival` >= now(): the outside's present + the gate's latency always is. Returns when it is received.
  /// `exact`: at that instant every heart has been advanced to it, no further, when Outside::effect is called: counters can be read.
  void enter(Gate& gate, Phase phase, Handle transaction, Time arrival, bool exact = false);
  /// Everything that has been entered and has had no effect yet is exact from now on.
  void make_exact();
  /// Nothing more will be sent of its own accord; answers may still come.
  void close(Gate& gate);
  /// Nothing is due: only the outside, or a limit (next_due()), can go on.
  bool waits_for_outside() const;
  /// Whether the outside owes anything: something is under way in there.
  bool outside_owes() const;
  Time stall_limit() const { return options_.stall_limit; }
  /// When the last of what has left is outside: before, it is still crossing, and nobody out there can have answered it.
  Time last_outside() const { return last_outside_; }
  /// The outside has let too much time pass, or has ended: what is outstanding will never come. The reason says who is to blame.
  void give_up(const std::string& why);
  /// The simulation is over, at a moment nobody in here chose: what is due before `until` is still done, as long as nothing
  /// has to leave, and what is complete then completes.
  void stop(const std::string& why, Time until);
  /// The run cannot go on: a foreign model has broken the rules.
  void fail(const std::string& why, std::vector<std::string> violations);

  /// Runs one window: from the next moment anything is due (idle time is skipped) to at most W later. Returns the time up to
  /// which everything is settled. Call while status() == running.
  Time run_window();
  /// When the engine wants to run again: the next moment anything is due or a limit is reached; kNever: at once, to end the run.
  Time next_due() const {
    if (next_due_ == kNever && !waits_for_outside()) return kNever;
    return std::min(next_due_, std::min(options_.until, next_interval_));
  }
  Time now() const { return now_; }
  /// Ends the run if it has been interrupted or the wall clock has run out: every window looks at it, and whoever lets time pass while
  /// no window is due. Between windows.
  void check_limits();
  Status status() const { return status_; }
  /// Sentence on why the run ended, for people; for deadlocks the waits follow, one a line.
  const std::string& reason() const { return reason_; }
  const std::vector<Wait>& waits() const { return waits_; }
  const std::vector<std::string>& violations() const { return violations_; }

  /// Asks the run to end at the next boundary (signal handlers, limits). Async-signal-safe.
  void interrupt() { interrupted_.store(true, std::memory_order_relaxed); }
  /// Called at every multiple of Options::interval and at the end, with everything advanced exactly to that time.
  std::function<void(Time)> on_interval;
  /// Called now and then between windows (a few times a second of wall time at most): progress lines.
  std::function<void()> on_poll;

  const std::vector<std::unique_ptr<Component>>& components() const { return components_; }
  /// Every heart, ordered by name; those coupled in one component too. Valid after elaborate().
  const std::vector<Heart*>& hearts() const { return hearts_; }
  std::uint64_t windows() const { return windows_; }
  std::uint64_t messages() const { return messages_; }
  /// Sum mod 2^64 of mix(identity, retirement time) over all transactions.
  std::uint64_t completion_hash() const;

  static constexpr Time kLonelyWindow = 20 * kNanosecond;

 private:
  class Workers;

  void run_components(Time until);
  void exchange();
  void make_exact(Time t);
  void take_effect(Time until);
  void report_waits(std::vector<Wait>& waits) const;
  void advance_all(Time until);
  void refresh_due(std::size_t index);
  void find_next_due();
  void finish(Status status, std::string reason);
  bool end_if_idle();
  void sample(Time t);
  void check_movement();
  bool overdue() const;
  void complete();
  void poll();

  Options options_;
  Pools pools_;
  std::vector<std::unique_ptr<Component>> components_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Gate>> gates_;
  std::vector<std::pair<Message, Gate*>> entered_;  // a heap by (time, rank, sequence): no effect yet
  std::vector<Time> exact_;                         // a heap: instants to advance everyone to
  std::size_t open_gates_ = 0;
  Time last_outside_ = 0;
  std::vector<Heart*> hearts_;
  std::vector<Time> heart_due_;  // per component: own work
  std::vector<Time> due_;        // per component: own work or arrival
  std::vector<std::uint32_t> active_;
  std::unique_ptr<Workers> workers_;
  const Connection* narrowest_ = nullptr;
  Time lookahead_ = 0;
  Time window_ = 0;
  Time now_ = 0;
  Time next_due_ = 0;
  Time next_interval_ = kNever;
  Time sampled_ = 0;
  Time movement_checked_ = 0;
  std::uint64_t movement_ = 0;
  Status status_ = Status::running;
  std::string reason_;
  std::vector<Wait> waits_;
  std::vector<std::string> violations_;
  std::uint64_t windows_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t exchanged_ = 0;  // messages of the last window
  std::atomic<bool> interrupted_{false};
  double wall_start_ = 0;
  double wall_polled_ = 0;
};

}  // namespace cowosim::engine
