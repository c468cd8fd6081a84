// Hands the tiles of programs to cores, as a GPU's work distributor does.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parameter.h"
#include "engine/heart.h"
#include "work/tile.h"

namespace cowosim::traffic {

struct DispatcherParams {
  Time launch_latency = 100 * kNanosecond;
  Time launch_overhead = 500 * kNanosecond;
  std::int64_t tiles_per_core = 2;

  template <class Visitor>
  void visit(Visitor& v) {
    v("launch_latency", launch_latency, Unit::time, Range{0, 1e12},
      "from the dispatcher's decision to the tile's arrival at the core",
      "assumption [20 ns, 500 ns]: crossing of the die plus start of a thread block");
    v("launch_overhead", launch_overhead, Unit::time, Range{0, 1e12},
      "between the end of an operator's last tile and the first launch of the next, and before the first one",
      "assumption [300 ns, 2 us]: dependent kernels of one CUDA graph, the next one launched early (programmatic "
      "dependent launch)");
    v("tiles_per_core", tiles_per_core, Range{1, 64},
      "tiles of one program a core holds at most (2: the next one loads while one computes)",
      "assumption [1, 4]: thread blocks per SM of memory-bound kernels with double buffering");
  }
};

/// Ports 0 .. cores-1: port i is core i. A launch is Transaction{op = launch, address = index of the tile, tag = index of the operator,
/// workload = index of the program, stream = the program's}; the core answers it with Phase::response on the same port.
///
/// The operators of a program run one after the other: the next one starts launch_overhead after the last tile's response. The
/// first wave goes round robin over the cores, tiles_per_core deep; later tiles go to whichever core answers. Several programs run
/// at once, each on its own range of cores; at one instant their launches alternate. An operator with an `interval` is paced: its tile i
/// waits for first launch + i x interval, and for a core, so that what it falls behind it makes up for. A background program starts over until every other one is done; then
/// it launches nothing more and what it has launched drains. An open program runs what is appended to it, and does not hold the
/// end of the others back; it counts as ended while its queue is empty.
class Dispatcher final : public engine::Heart {
 public:
  /// One operator of a program, timed. A background program keeps the times of its latest complete pass.
  struct OperatorRecord {
    Time start = kNever;  ///< first launch
    Time end = kNever;    ///< last response; kNever: not finished
  };

  /// `programs` must outlive the dispatcher and be immutable, but for what `appended` says. Throws std::invalid_argument without cores, for an
  /// empty program that is not open, for an operator without tiles, for a range of cores that is empty or not there, and for background
  /// programs that nothing ends.
  Dispatcher(const DispatcherParams& params, int cores, std::vector<const work::Program*> programs);

  /// Call once name and pools are set.
  void start() override;

  int ports() const override { return cores_; }
  Time output_pipeline(int) const override { return params_.launch_latency; }
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  /// One more operator stands at the end of that open program: it starts at `not_before`, or launch_overhead after the end of the one
  /// before it if that is later. Call between windows, `not_before` not in the past of the last `advance`; due() may come closer. Throws
  /// std::invalid_argument for a program that is not open and an operator without tiles.
  void appended(std::size_t program, Time not_before);

  /// Every foreground program has ended, open ones have run what they were given, and nothing is launched.
  bool finished() const { return foreground_left_ == 0 && open_left_ == 0 && outstanding_ == 0; }
  const std::vector<OperatorRecord>& operators(std::size_t program) const { return states_[program].records; }
  /// End of the program's last operator; kNever before. Background: end of its latest complete pass.
  Time end(std::size_t program) const { return states_[program].end; }
  /// Complete passes through the program.
  std::uint64_t passes(std::size_t program) const { return states_[program].passes; }
  /// Tiles answered, over all passes.
  std::uint64_t tiles_done(std::size_t program) const { return states_[program].tiles_done; }
  std::size_t programs() const { return programs_.size(); }

 private:
  struct State {
    std::size_t op = 0;          // running or starting
    std::uint64_t tiles = 0;     // of it
    std::uint64_t launched = 0;  // of it
    std::uint64_t answered = 0;  // of it
    Time starts = kNever;        // when it will launch its first wave; kNever once it has
    Time paced = 0;              // no launch before
    Time interval = 0;           // of the running operator
    int first_core = 0;
    int cores = 0;
    bool active = true;            // open: an operator is running or starting
    std::vector<Time> not_before;  // open: of each operator
    std::vector<int> free;         // ring: cores with room, in the order of their answers; one entry per unit of room
    std::size_t free_begin = 0;
    std::size_t free_count = 0;
    std::vector<OperatorRecord> pass;
    std::vector<OperatorRecord> records;
    Time end = kNever;
    std::uint64_t passes = 0;
    std::uint64_t tiles_done = 0;
  };

  void begin_operator(std::size_t program, std::size_t op, Time start);
  void enqueue(std::size_t program, Time not_before);
  void finish_operator(std::size_t program, Time now);
  static bool can_launch(const State& state) {
    return state.active && state.starts == kNever && state.free_count != 0 && state.launched < state.tiles;
  }
  static bool can_launch_at(const State& state, Time now) { return can_launch(state) && state.paced <= now; }
  void launch(std::size_t program, Time now);
  void update(Time now);

  DispatcherParams params_;
  int cores_;
  std::vector<const work::Program*> programs_;
  std::vector<State> states_;
  engine::Pool* pool_ = nullptr;
  std::size_t foreground_left_ = 0;
  std::uint64_t open_left_ = 0;  // operators of open programs that have not ended
  std::uint64_t outstanding_ = 0;
  std::uint64_t launches_ = 0;
  std::size_t turn_ = 0;  // round robin
  Time due_ = kNever;
};

}  // namespace cowosim::traffic
