#include "engine/engine.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>

namespace cowosim::engine {

namespace {
double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
// A window is shared among threads only where there is enough in it: waking others costs more than a few messages save.
constexpr std::size_t kSerialBelow = 12;             // due components
constexpr std::uint64_t kSerialBelowMessages = 400;  // of the window before
constexpr int kSpins = 4000;
}  // namespace

const char* name_of(Status status) {
  switch (status) {
    case Status::running:
      return "running";
    case Status::completed:
      return "completed";
    case Status::time_limit:
      return "time_limit";
    case Status::wall_limit:
      return "wall_limit";
    case Status::interrupted:
      return "interrupted";
    case Status::deadlock:
      return "deadlock";
    case Status::no_progress:
      return "no_progress";
    case Status::broken:
      return "broken";
  }
  return "?";
}

/// Threads that help to run the components of a window. They spin briefly for the next window, then sleep.
class Engine::Workers {
 public:
  Workers(Engine& engine, int count) : engine_(engine) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~Workers() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  /// Runs all active components up to `until`, on all threads, and returns when the last is done.
  void run(Time until) {
    until_ = until;
    next_.store(0, std::memory_order_relaxed);
    busy_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    if (sleepers_.load(std::memory_order_acquire) > 0) wake_.notify_all();
    work();
    for (int spin = 0; busy_.load(std::memory_order_acquire) != 0; ++spin) {
      if (spin >= kSpins) std::this_thread::yield();
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void serve() {
    std::uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen; ++spin) {
      }
      if (generation_.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1, std::memory_order_acq_rel);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
        sleepers_.fetch_sub(1, std::memory_order_acq_rel);
      }
      seen = generation_.load(std::memory_order_acquire);
      if (stop_) return;
      work();
      busy_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  void work() {
    try {
      const std::size_t count = engine_.active_.size();
      for (std::size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) {
        engine_.components_[engine_.active_[i]]->run(until_);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  Engine& engine_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::size_t> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<int> sleepers_{0};
  std::exception_ptr error_;
  Time until_ = 0;
  bool stop_ = false;
};

Engine::Engine(Options options) : options_(options) {
  if (options_.threads < 1) throw std::invalid_argument("threads: at least 1");
}

Engine::~Engine() = default;

Component& Engine::add(const std::string& name, Heart& heart) {
  heart.set_name(name);
  heart.set_pools(pools_);
  components_.push_back(std::make_unique<Component>(name, heart));
  return *components_.back();
}

Connection& Engine::connect(const std::string& name, Component& from, Component& to, int to_port, Time lookahead) {
  if (lookahead <= 0) {
    throw std::invalid_argument(
        fmt::format("connection {} from {}: its latency is zero, but components need a latency > 0 "
                    "between them (give the link or the sender's pipeline a latency)",
                    name, from.name()));
  }
  connections_.push_back(std::make_unique<Connection>(name, from, to, to_port, lookahead));
  return *connections_.back();
}

Gate& Engine::open(const std::string& name, Component& inside, int port, Time latency, Outside& outside,
                   bool keeps_running) {
  gates_.emplace_back(new Gate(name, inside, port, latency, outside));
  Gate& gate = *gates_.back();
  gate.open_ = keeps_running;
  open_gates_ += keeps_running;
  return gate;
}

void Engine::elaborate() {
  // Names, not construction order, decide every order below.
  std::sort(connections_.begin(), connections_.end(), [](const auto& a, const auto& b) { return a->name_ < b->name_; });
  std::sort(gates_.begin(), gates_.end(), [](const auto& a, const auto& b) { return a->name_ < b->name_; });
  std::vector<std::pair<const std::string*, std::uint32_t*>> ranks;
  for (const auto& connection : connections_) {
    ranks.emplace_back(&connection->name_, &connection->rank_);
    if (narrowest_ == nullptr || connection->lookahead_ < narrowest_->lookahead_) narrowest_ = connection.get();
  }
  for (const auto& gate : gates_) ranks.emplace_back(&gate->name_, &gate->rank_);
  std::sort(ranks.begin(), ranks.end(), [](const auto& a, const auto& b) { return *a.first < *b.first; });
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (i > 0 && *ranks[i - 1].first == *ranks[i].first)
      throw std::invalid_argument("two connections are called " + *ranks[i].first);
    *ranks[i].second = static_cast<std::uint32_t>(i);
  }
  lookahead_ = narrowest_ == nullptr ? kLonelyWindow : narrowest_->lookahead_;
  if (narrowest_ == nullptr)
    for (const auto& gate : gates_) lookahead_ = std::min(lookahead_, gate->latency_);
  if (options_.window < 0 || options_.window > lookahead_) {
    throw std::invalid_argument(fmt::format("window: {} ns is outside (0, {} ns]: the platform's W is set by {}",
                                            to_ns(options_.window), to_ns(lookahead_),
                                            narrowest_ == nullptr ? "default" : narrowest_->name_));
  }
  window_ = options_.window == 0 ? lookahead_ : options_.window;
  for (const auto& gate : gates_) {
    if (gate->latency_ < window_) {
      throw std::invalid_argument(fmt::format(
          "{}: its crossing takes {} ns, less than the window of {} ns{}; give it at least that, or the run a "
          "smaller --window",
          gate->name_, to_ns(gate->latency_), to_ns(window_),
          narrowest_ == nullptr ? "" : ", which " + narrowest_->name_ + " sets"));
    }
  }

  // The busiest first, so that no thread starts a long component last: who has most connections (networks), then by name.
  std::vector<std::pair<int, Component*>> degree;
  for (const auto& component : components_) {
    const auto touches = [&](const auto& c) { return &c->to_ == component.get(); };
    degree.emplace_back(-static_cast<int>(std::count_if(connections_.begin(), connections_.end(), touches)),
                        component.get());
  }
  std::vector<std::size_t> order(components_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (degree[a].first != degree[b].first) return degree[a].first < degree[b].first;
    return components_[a]->name() < components_[b]->name();
  });
  std::vector<std::unique_ptr<Component>> sorted;
  for (const std::size_t i : order) sorted.push_back(std::move(components_[i]));
  components_ = std::move(sorted);

  for (const auto& component : components_) {
    component->heart().for_each([&](Heart& heart) {
      heart.journal().set_epoch(options_.epoch);
      heart.services().set_epoch(options_.epoch);
      hearts_.push_back(&heart);
    });
  }
  std::sort(hearts_.begin(), hearts_.end(), [](const Heart* a, const Heart* b) { return a->name() < b->name(); });
  for (Heart* heart : hearts_) heart->start();
  for (std::size_t i = 0; i < components_.size(); ++i) components_[i]->index_ = static_cast<std::uint32_t>(i);
  heart_due_.assign(components_.size(), kNever);
  due_.assign(components_.size(), kNever);
  for (std::size_t i = 0; i < components_.size(); ++i) refresh_due(i);
  find_next_due();
  next_interval_ = options_.interval == kNever ? kNever : options_.interval;
  if (options_.threads > 1) workers_ = std::make_unique<Workers>(*this, options_.threads - 1);
  wall_start_ = wall_polled_ = wall_seconds();
}

void Engine::refresh_due(std::size_t index) {
  heart_due_[index] = components_[index]->heart_.due();
  due_[index] = std::min(heart_due_[index], components_[index]->earliest_arrival_);
}

void Engine::find_next_due() {
  next_due_ = kNever;
  for (const Time due : due_) next_due_ = std::min(next_due_, due);
}

namespace {
/// For heaps whose first is the earliest.
struct Later {
  bool operator()(const std::pair<Message, Gate*>& a, const std::pair<Message, Gate*>& b) const {
    if (a.first.time != b.first.time) return a.first.time > b.first.time;
    if (a.first.rank != b.first.rank) return a.first.rank > b.first.rank;
    return a.first.sequence > b.first.sequence;
  }
};
}  // namespace

void Engine::enter(Gate& gate, Phase phase, Handle transaction, Time arrival, bool exact) {
  if (arrival < now_) {
    throw std::logic_error(fmt::format("{}: a message enters at {} ns, but everything is settled up to {} ns",
                                       gate.name_, to_ns(arrival), to_ns(now_)));
  }
  const Message message{arrival, gate.rank_, gate.sequence_++, transaction, gate.port_, 1, phase};
  gate.inside_.deliver({message});
  due_[gate.inside_.index_] = std::min(due_[gate.inside_.index_], arrival);
  next_due_ = std::min(next_due_, arrival);
  entered_.emplace_back(message, &gate);
  std::push_heap(entered_.begin(), entered_.end(), Later());
  if (exact) make_exact(arrival);
  ++messages_;
}

void Engine::make_exact() {
  for (const auto& entered : entered_) make_exact(entered.first.time);
}

void Engine::make_exact(Time t) {
  exact_.push_back(t);
  std::push_heap(exact_.begin(), exact_.end(), std::greater<>());
}

/// Of everything that is received in the window that ends at `until`.
void Engine::take_effect(Time until) {
  bool changed = false;
  while (!entered_.empty() && entered_.front().first.time < until) {
    std::pop_heap(entered_.begin(), entered_.end(), Later());
    const auto [message, gate] = entered_.back();
    entered_.pop_back();
    changed |= gate->outside_.effect(message);
  }
  if (!changed) return;
  for (std::size_t i = 0; i < components_.size(); ++i) refresh_due(i);
  find_next_due();
}

void Engine::close(Gate& gate) {
  open_gates_ -= gate.open_;
  gate.open_ = false;
}

bool Engine::outside_owes() const {
  if (gates_.empty()) return false;
  return pools_.live() > 0 ||
         std::any_of(gates_.begin(), gates_.end(), [](const auto& gate) { return gate->outside_.under_way(); });
}

bool Engine::waits_for_outside() const {
  return next_due_ == kNever && status_ == Status::running && (open_gates_ > 0 || outside_owes());
}

void Engine::report_waits(std::vector<Wait>& waits) const {
  for (const auto& component : components_) component->heart_.report_waits(waits);
  const Outside* last = nullptr;  // one that has several gates, next to each other by their names, reports once
  for (const auto& gate : gates_) {
    if (&gate->outside_ != last) gate->outside_.report_waits(waits);
    last = &gate->outside_;
  }
}

bool Engine::overdue() const {
  return std::any_of(gates_.begin(), gates_.end(), [this](const auto& gate) {
    const Time since = gate->outside_.owes_since();
    return since != kNever && now_ - since > options_.stall_limit;
  });
}

void Engine::give_up(const std::string& why) {
  std::string blamed;
  Time since = kNever;  // who has owed something for longest; where nobody knows since when, the first by name
  for (const auto& gate : gates_) {
    const Time owes = gate->outside_.owes_since();
    if (!blamed.empty() && owes >= since) continue;
    std::vector<Wait> outside;
    gate->outside_.report_waits(outside);
    if (outside.empty()) continue;
    blamed = "; " + outside.front().waiter + " waits for " + outside.front().waits_for;
    since = owes;
  }
  report_waits(waits_);
  finish(Status::deadlock, why + blamed);
}

void Engine::stop(const std::string& why, Time until) {
  if (status_ != Status::running) return;
  for (const auto& gate : gates_) close(*gate);
  // No window reaches beyond: what is seen of an interrupted run must not depend on where its windows lie.
  const Time limit = std::exchange(options_.until, std::min(options_.until, until));
  while (status_ == Status::running && next_due_ < until && now_ < until) run_window();
  options_.until = limit;
  if (status_ == Status::running && next_due_ == kNever && !outside_owes()) end_if_idle();
  if (status_ != Status::running) return;
  if (now_ < until && until != kNever) advance_all(until);
  report_waits(waits_);
  finish(Status::interrupted, why);
}

void Engine::fail(const std::string& why, std::vector<std::string> violations) {
  if (status_ != Status::running) return;
  report_waits(waits_);
  advance_all(now_);
  violations_ = std::move(violations);
  finish(Status::broken, why);
}

void Engine::check_limits() {
  if (status_ != Status::running) return;
  if (interrupted_.load(std::memory_order_relaxed)) return finish(Status::interrupted, "interrupted");
  poll();
}

Time Engine::run_window() {
  if (interrupted_.load(std::memory_order_relaxed)) {
    finish(Status::interrupted, "interrupted");
    return now_;
  }
  if (waits_for_outside()) {
    if (std::min(options_.until, next_interval_) == kNever) return now_;
  } else if (end_if_idle()) {
    return now_;
  }

  const Time begin = std::max(now_, next_due_);
  if (!exact_.empty() && begin >= exact_.front() && exact_.front() < std::min(options_.until, next_interval_)) {
    advance_all(exact_.front());
    while (!exact_.empty() && exact_.front() <= now_) {
      std::pop_heap(exact_.begin(), exact_.end(), std::greater<>());
      exact_.pop_back();
    }
    return now_;
  }
  if (begin >= next_interval_ && next_interval_ < options_.until) {
    const Time boundary = next_interval_;
    advance_all(boundary);
    next_interval_ += options_.interval;
    sample(boundary);
    return now_;
  }
  if (begin >= options_.until) {
    advance_all(options_.until);
    finish(Status::time_limit, "the simulated time limit was reached");
    return now_;
  }
  Time end = std::min({begin + window_, options_.until, next_interval_});
  if (!exact_.empty()) end = std::min(end, exact_.front());
  if (!entered_.empty()) take_effect(end);
  run_components(end);
  now_ = end;
  ++windows_;
  exchange();
  if (now_ - movement_checked_ > options_.stall_limit) check_movement();
  if (windows_ % 256 == 0) poll();
  return now_;
}

void Engine::run_components(Time until) {
  active_.clear();
  for (std::size_t i = 0; i < due_.size(); ++i) {
    if (due_[i] < until) {
      active_.push_back(static_cast<std::uint32_t>(i));
      components_[i]->window_end_ = until;
    }
  }
  if (workers_ && active_.size() >= kSerialBelow && exchanged_ >= kSerialBelowMessages) {
    workers_->run(until);
  } else {
    for (const std::uint32_t i : active_) components_[i]->run(until);
  }
}

void Engine::exchange() {
  const std::uint64_t before = messages_;
  for (const std::uint32_t i : active_) refresh_due(i);
  for (const std::uint32_t i : active_) {
    std::vector<Connection*>& written = components_[i]->written_;
    for (Connection* connection : written) {
      Component& to = connection->to_;
      messages_ += connection->outbox_.size();
      to.deliver(connection->outbox_);
      connection->outbox_.clear();
      due_[to.index_] = std::min(due_[to.index_], to.earliest_arrival_);
    }
    written.clear();
  }
  exchanged_ = messages_ - before;
  find_next_due();
  for (const auto& gate : gates_) {
    messages_ += gate->leaving_.size();
    for (const Message& message : gate->leaving_) {
      last_outside_ = std::max(last_outside_, message.time);
      gate->outside_.leave(message);
    }
    gate->leaving_.clear();
  }
}

void Engine::advance_all(Time until) {
  // One window at a time up to `until`, then everyone exactly to it, due or not: housekeeping catches up.
  while (next_due_ < until) {
    const Time end = std::min(std::max(now_, next_due_) + window_, until);
    if (!entered_.empty()) take_effect(end);
    run_components(end);
    now_ = end;
    ++windows_;
    exchange();
  }
  active_.clear();
  for (std::size_t i = 0; i < components_.size(); ++i) {
    components_[i]->window_end_ = until;
    components_[i]->heart_.advance(until);
    active_.push_back(static_cast<std::uint32_t>(i));
  }
  now_ = until;
  exchange();
}

void Engine::sample(Time t) {
  if (next_interval_ == kNever || t == sampled_) return;
  sampled_ = t;
  if (on_interval) on_interval(t);
}

bool Engine::end_if_idle() {
  for (const Time due : heart_due_) {
    if (due != kNever) return false;
  }
  if (pools_.live() == 0) {
    std::vector<Wait> waits;
    report_waits(waits);
    if (waits.empty() && open_gates_ == 0) {
      complete();
      return true;
    }
  }
  if (next_due_ != kNever) return false;  // messages under way will bring work
  report_waits(waits_);
  finish(Status::deadlock,
         fmt::format("deadlock: {} transactions outstanding and nothing due anywhere", pools_.live()));
  return true;
}

void Engine::check_movement() {
  if (overdue())
    return give_up(fmt::format("no answer for more than {} ns, while others went on", to_ns(options_.stall_limit)));
  std::uint64_t movement = messages_ + pools_.created();
  for (const Heart* heart : hearts_) movement += heart->journal().count() + heart->services().count();
  if (movement == movement_) {
    report_waits(waits_);
    finish(Status::no_progress,
           fmt::format("no progress: nothing has moved since {} ns although work is due", to_ns(movement_checked_)));
  }
  movement_ = movement;
  movement_checked_ = now_;
}

void Engine::complete() {
  Time last = 0;
  for (const Heart* heart : hearts_) {
    if (heart->creates_transactions()) last = std::max(last, heart->journal().last());
  }
  const Time end = std::min(std::max(now_, last + lookahead_), options_.until);
  while (next_interval_ <= end) {
    advance_all(next_interval_);
    sample(next_interval_);
    next_interval_ += options_.interval;
  }
  advance_all(end);
  finish(Status::completed, "completed");
  // What is still under way is credit only: hand it over, so that "credits restored" can be checked.
  for (const auto& component : components_) component->run(kNever);
  for (const auto& component : components_) {
    std::vector<std::string> found;
    component->heart_.check_idle(found);
    for (const std::string& violation : found) violations_.push_back(component->name() + ": " + violation);
  }
  if (pools_.live() != 0) violations_.push_back(fmt::format("{} transactions were never retired", pools_.live()));
  if (!violations_.empty()) finish(Status::broken, "an invariant is broken: " + violations_.front());
}

void Engine::finish(Status status, std::string reason) {
  if (status != Status::completed && status != Status::broken) advance_all(now_);  // everyone exactly to here
  if (status != Status::broken) sample(now_);                                      // what the last boundary left
  status_ = status;
  reason_ = std::move(reason);
}

void Engine::poll() {
  const double wall = wall_seconds();
  if (options_.wall_limit_seconds > 0 && wall - wall_start_ > options_.wall_limit_seconds) {
    finish(Status::wall_limit, "the wall-clock limit was reached");
  }
  if (on_poll && wall - wall_polled_ > 0.25) {
    wall_polled_ = wall;
    on_poll();
  }
}

std::uint64_t Engine::completion_hash() const {
  std::uint64_t sum = 0;
  for (const Heart* heart : hearts_) {
    if (heart->creates_transactions()) sum += heart->journal().hash();
  }
  return sum;
}

}  // namespace cowosim::engine
