#include "traffic/dispatcher.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::traffic {

namespace {
void require_tiles(const work::Program& program, const work::Operator& op) {
  if (op.tiles() == 0)
    throw std::invalid_argument("operator " + op.name() + " of program " + program.name + " has no tiles");
}
}  // namespace

Dispatcher::Dispatcher(const DispatcherParams& params, int cores, std::vector<const work::Program*> programs)
    : params_(params), cores_(cores), programs_(std::move(programs)) {
  if (cores <= 0) throw std::invalid_argument("a dispatcher needs cores");
  if (programs_.size() > 255) throw std::invalid_argument("a dispatcher runs at most 255 programs");
  states_.resize(programs_.size());
  bool background = programs_.empty();
  for (std::size_t p = 0; p < programs_.size(); ++p) {
    const work::Program& program = *programs_[p];
    if (program.operators.empty() && !program.open)
      throw std::invalid_argument("program " + program.name + " has no operators");
    for (const auto& op : program.operators) require_tiles(program, *op);
    if (program.open && program.background)
      throw std::invalid_argument("program " + program.name + " is open: it cannot be a background one");
    if (program.background) background = true;
    if (!program.background && !program.open) ++foreground_left_;
    State& state = states_[p];
    state.active = !program.open;
    if (!program.open) {
      state.pass.resize(program.operators.size());
      state.records.resize(program.operators.size());
    }
    state.first_core = program.first_core;
    state.cores = program.cores == 0 ? cores - program.first_core : program.cores;
    if (state.first_core < 0 || state.cores < 1 || state.first_core + state.cores > cores) {
      throw std::invalid_argument("program " + program.name + " runs on cores that are not there");
    }
    state.free.resize(static_cast<std::size_t>(state.cores) * static_cast<std::size_t>(params.tiles_per_core));
  }
  if (foreground_left_ == 0 && background)
    throw std::invalid_argument("all programs are background ones: the run would never end");
}

void Dispatcher::start() {
  pool_ = &own_pool();
  for (std::size_t p = 0; p < states_.size(); ++p) {
    if (!programs_[p]->open) {
      begin_operator(p, 0, params_.launch_overhead);
    } else {
      while (states_[p].pass.size() < programs_[p]->operators.size()) enqueue(p, params_.launch_overhead);
    }
  }
  update(0);
}

void Dispatcher::appended(std::size_t program, Time not_before) {
  const work::Program& to = *programs_.at(program);
  const State& state = states_[program];
  if (!to.open) throw std::invalid_argument("program " + to.name + " is not open");
  if (to.operators.size() != state.pass.size() + 1)
    throw std::invalid_argument("program " + to.name + ": operators are appended one at a time");
  require_tiles(to, *to.operators.back());
  enqueue(program, not_before);
  if (state.starts != kNever) due_ = std::min(due_, state.starts);
}

void Dispatcher::enqueue(std::size_t program, Time not_before) {
  State& state = states_[program];
  const std::size_t op = state.pass.size();
  state.pass.emplace_back();
  state.records.emplace_back();
  state.not_before.push_back(not_before);
  ++open_left_;
  if (state.active) return;
  state.active = true;
  begin_operator(program, op,
                 state.end == kNever ? not_before : std::max(not_before, state.end + params_.launch_overhead));
}

void Dispatcher::begin_operator(std::size_t program, std::size_t op, Time start) {
  State& state = states_[program];
  state.op = op;
  state.tiles = programs_[program]->operators[op]->tiles();
  state.launched = state.answered = 0;
  state.starts = start;
  state.interval = programs_[program]->operators[op]->interval;
  state.free_begin = 0;
  state.free_count = state.free.size();
  for (std::size_t i = 0; i < state.free.size(); ++i)
    state.free[i] = state.first_core + static_cast<int>(i % static_cast<std::size_t>(state.cores));
}

void Dispatcher::update(Time now) {
  due_ = kNever;
  for (const State& state : states_) {
    if (state.starts != kNever) {
      due_ = std::min(due_, std::max(now, state.starts));
    } else if (can_launch(state)) {
      due_ = std::min(due_, std::max(now, state.paced));
    }
  }
}

void Dispatcher::advance(Time until) {
  while (due_ < until) {
    const Time now = due_;
    for (State& state : states_) {
      if (state.starts > now) continue;
      state.starts = kNever;
      state.paced = now;
      state.pass[state.op] = {now, kNever};
    }
    // One tile per program in turn. `turn_` moves with every launch, so that no program is always first.
    for (std::size_t idle = 0; idle < states_.size();) {
      const std::size_t program = turn_;
      turn_ = turn_ + 1 == states_.size() ? 0 : turn_ + 1;
      if (can_launch_at(states_[program], now)) {
        launch(program, now);
        idle = 0;
      } else {
        ++idle;
      }
    }
    update(now);
  }
}

void Dispatcher::launch(std::size_t program, Time now) {
  State& state = states_[program];
  const int core = state.free[state.free_begin];
  state.free_begin = state.free_begin + 1 == state.free.size() ? 0 : state.free_begin + 1;
  --state.free_count;
  const Handle handle = pool_->create();
  Transaction& tile = transaction(handle);
  tile.op = Op::launch;
  tile.address = state.launched++;
  state.paced += state.interval;
  tile.tag = static_cast<std::uint32_t>(state.op);
  tile.workload = static_cast<std::uint8_t>(program);
  tile.stream = programs_[program]->stream;
  tile.created = now;
  tile.stages.start(Stage::issue, now);
  ++outstanding_;
  ++launches_;
  send(core, engine::Phase::request, handle, now + std::max(params_.launch_latency, latency(core)));
}

void Dispatcher::receive(const engine::Message& message) {
  if (message.phase == engine::Phase::credit) return;
  if (message.phase != engine::Phase::response)
    throw std::logic_error(name() + ": a dispatcher receives responses only");
  Transaction& tile = transaction(message.transaction);
  const std::size_t program = tile.workload;
  State& state = states_[program];
  tile.stages.enter(tile.stages.current(), message.time);
  journal().add(tile, message.time);
  pool_->release(message.transaction);
  --outstanding_;
  ++state.tiles_done;
  std::size_t slot = state.free_begin + state.free_count++;
  if (slot >= state.free.size()) slot -= state.free.size();
  state.free[slot] = message.port;
  if (++state.answered == state.tiles) {
    finish_operator(program, message.time);
    update(message.time);
  } else if (can_launch(state)) {
    due_ = std::min(due_, std::max(message.time, state.paced));
  }
}

void Dispatcher::finish_operator(std::size_t program, Time now) {
  State& state = states_[program];
  const bool background = programs_[program]->background;
  state.pass[state.op].end = now;
  if (!background) state.records[state.op] = state.pass[state.op];
  if (!state.active) return;  // a background program that has been told to stop
  const bool open = programs_[program]->open;
  if (open) {
    --open_left_;
    state.end = now;
  }
  if (state.op + 1 < state.pass.size()) {
    const Time start = now + params_.launch_overhead;
    begin_operator(program, state.op + 1, open ? std::max(start, state.not_before[state.op + 1]) : start);
    return;
  }
  if (open) {
    state.active = false;
    return;
  }
  ++state.passes;
  state.end = now;
  state.records = state.pass;
  if (background) {
    begin_operator(program, 0, now + params_.launch_overhead);
    return;
  }
  state.active = false;
  if (--foreground_left_ != 0) return;
  for (std::size_t p = 0; p < states_.size(); ++p) {
    if (programs_[p]->open) continue;
    states_[p].active = false;
    states_[p].starts = kNever;
  }
}

void Dispatcher::report_waits(std::vector<engine::Wait>& waits) const {
  for (std::size_t p = 0; p < states_.size(); ++p) {
    const State& state = states_[p];
    if (state.launched == state.answered) continue;
    waits.push_back({name(), "the cores",
                     "operator " + programs_[p]->operators[state.op]->name() + " of " + programs_[p]->name + ": " +
                         std::to_string(state.launched - state.answered) + " tiles launched and not answered"});
  }
}

void Dispatcher::statistics(StatVisitor& visitor) const {
  visitor("launches", "count", static_cast<double>(launches_));
  visitor("tiles_outstanding", "count", static_cast<double>(outstanding_));
}

void Dispatcher::check_idle(std::vector<std::string>& broken) const {
  for (std::size_t p = 0; p < states_.size(); ++p) {
    const State& state = states_[p];
    if (programs_[p]->open ? state.active : !programs_[p]->background && state.passes != 1)
      broken.push_back(name() + ": program " + programs_[p]->name + " has not ended");
    if (state.launched != state.answered) {
      broken.push_back(name() + ": program " + programs_[p]->name + ": " +
                       std::to_string(state.launched - state.answered) + " tiles launched and not answered");
    }
  }
  if (pool_ != nullptr && pool_->live() != 0)
    broken.push_back(name() + ": " + std::to_string(pool_->live()) + " launches in the pool");
}

}  // namespace cowosim::traffic
