// A core (SM, CU, tensor core): runs tiles, not instructions.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "compute/slice_map.h"
#include "core/parameter.h"
#include "engine/heart.h"
#include "telemetry/stream_statistics.h"
#include "work/tile.h"

namespace cowosim::compute {

/// Defaults: a streaming multiprocessor of an NVIDIA H100 SXM5.
struct CoreParams {
  double frequency = 1.83e9;    // hertz
  int matrix_flops_fp8 = 8192;  // per cycle, dense
  int matrix_flops_bf16 = 4096;
  int matrix_flops_fp32 = 2048;
  int vector_flops_fp8 = 256;
  int vector_flops_bf16 = 512;
  int vector_flops_fp32 = 256;
  double matrix_efficiency = 0.85;
  double vector_efficiency = 0.85;
  int tile_slots = 2;
  int transaction_bytes = 128;
  int issue_bytes_per_cycle = 64;
  int max_outstanding = 1024;
  std::int64_t max_outstanding_bytes = 32768;
  std::int64_t issue_latency = 25'000'000;       // fs
  std::int64_t receive_latency = 25'000'000;     // fs
  std::int64_t completion_latency = 25'000'000;  // fs

  template <class Visitor>
  void visit(Visitor& v) {
    const char* peak =
        "NVIDIA H100 SXM5 data sheet: 1979 TFLOP/s FP8, 989 bf16, 495 TF32 dense, over 132 SMs at 1.83 GHz";
    const char* vector =
        "NVIDIA H100 white paper: 128 FP32 lanes per SM, 2 FLOP each; packed 16-bit at twice that; FP8 is converted "
        "first";
    const char* efficiency =
        "assumption [0.7, 1]: inside one tile; best measured GEMM on H100 SXM reaches 80 % of peak, memory and power "
        "included";
    const char* pipeline =
        "assumption [10 ns, 40 ns]: a share of the 142 ns near L2 hit measured on H100 PCIe (load/store unit, "
        "translation, L1 miss path)";
    v("frequency", frequency, Unit::frequency, Range{1e6, 1e11}, "clock of the core",
      "1.83 GHz: 989.4 TFLOP/s = 1.83 GHz x 512 FMA x 2 x 528 tensor cores (H100 SXM5 data sheet)");
    v("matrix_flops_fp8", matrix_flops_fp8, Range{1, 1 << 24}, "FLOP per cycle of the matrix engine, FP8, dense", peak);
    v("matrix_flops_bf16", matrix_flops_bf16, Range{1, 1 << 24}, "FLOP per cycle of the matrix engine, bf16, dense",
      peak);
    v("matrix_flops_fp32", matrix_flops_fp32, Range{1, 1 << 24}, "FLOP per cycle of the matrix engine, TF32, dense",
      peak);
    v("vector_flops_fp8", vector_flops_fp8, Range{1, 1 << 24}, "FLOP per cycle of the vector units, FP8", vector);
    v("vector_flops_bf16", vector_flops_bf16, Range{1, 1 << 24}, "FLOP per cycle of the vector units, bf16", vector);
    v("vector_flops_fp32", vector_flops_fp32, Range{1, 1 << 24}, "FLOP per cycle of the vector units, FP32", vector);
    v("matrix_efficiency", matrix_efficiency, Range{0.01, 1},
      "fraction of the peak a tile reaches on the matrix engine", efficiency);
    v("vector_efficiency", vector_efficiency, Range{0.01, 1}, "fraction of the peak a tile reaches on the vector units",
      efficiency);
    v("tile_slots", tile_slots, Range{1, 16},
      "tiles of one program active at once: while one computes the next ones load",
      "assumption [2, 4]: double buffering, the usual depth of a software pipeline");
    v("transaction_bytes", transaction_bytes, Range{32, 512},
      "largest transaction, a power of two; at most the interleave granule and the cache's largest request",
      "128 B: 32 lanes x 4 B, one coalesced request (CUDA C++ programming guide)");
    v("issue_bytes_per_cycle", issue_bytes_per_cycle, Range{1, 4096}, "width of the core's port to the network",
      "64 B/clock/SM: NVIDIA A100 white paper (2020), carried over to H100");
    v("max_outstanding", max_outstanding, Range{1, 65536}, "transactions in flight at most",
      "assumption [256, 4096]: 2048 threads; not published");
    v("max_outstanding_bytes", max_outstanding_bytes, Unit::bytes, Range{32, 1 << 28}, "bytes in flight at most",
      "assumption [16 KiB, 64 KiB]: 2048 resident threads with one 16-byte load each");
    v("issue_latency", issue_latency, Unit::time, Range{0, 1e12}, "pipeline from issue to the network", pipeline);
    v("receive_latency", receive_latency, Unit::time, Range{0, 1e12},
      "pipeline from the network to the end of the access", pipeline);
    v("completion_latency", completion_latency, Unit::time, Range{0, 1e12},
      "from the end of a tile to the dispatcher's knowing",
      "assumption [10 ns, 500 ns]: block scheduler hand-over; not published");
  }
};

/// Where the time of one core went. Every interval is counted when its cause is known; together they are the elapsed time.
struct CoreActivity {
  Time computing = 0;     ///< the compute engine works on a tile, from data present to the last clock edge
  Time idle_no_tile = 0;  ///< nothing launched: launch, dependency, imbalance, end of the work
  std::array<Time, kStages> wait_load{};  ///< every tile waits for loads; by the stages of the load that ended the wait
  Time wait_load_open = 0;                ///< as wait_load, but the load has not come back yet (0 at the end of a run)
  Time wait_store = 0;                    ///< every tile waits for its stores

  Time useful = 0;  ///< part of `computing`: FLOP / peak of precision and engine
  std::uint64_t flops = 0;
  std::uint64_t tiles = 0;

  Time sum() const;  ///< of all but `useful`
  void add(const CoreActivity& other);
};

/// Runs tiles. Port 0: the network; port 1: the dispatcher.
///
/// A launch (Phase::request, Op::launch) names program (Transaction::workload), operator (tag) and tile (address); its answer
/// (Phase::response, after completion_latency) says that the tile is done, stores accepted. Up to tile_slots tiles of a program are active;
/// further launches wait in order. A tile loads, computes when everything is there, stores. The compute engine is one: first ready,
/// first served. Accesses become transactions of at most transaction_bytes that cross no multiple of it (so no interleave granule),
/// one an issue interval (its bytes at issue_bytes_per_cycle, whole clocks); programs take turns, within a program the oldest tile goes first.
///
/// Transactions: created at the clock edge at which the core issues them (Stage::issue, which the issue pipeline belongs to), sent
/// to the slice the SliceMap names for this core's partition. Answered at arrival + receive_latency. Stores are posted: the tile goes on at
/// acceptance (response, or retire where there is no response before it), the transaction is freed at retirement.
class Core final : public engine::Heart {
 public:
  enum Port : int { kNetwork, kDispatcher };

  /// `programs` (indexed by Transaction::workload) and `slices` must outlive the core. `terminal` is the core's in the network,
  /// `partition` the cache partition it is near to. Throws std::invalid_argument when transaction_bytes is no power of two >= 32.
  Core(const CoreParams& params, const std::vector<const work::Program*>& programs, const SliceMap& slices,
       std::uint16_t terminal, int partition);

  int ports() const override { return 2; }
  void start() override;
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visit) const override;
  void check_idle(std::vector<std::string>& violations) const override;

  /// What the core adds to the latency of its outlets.
  Time output_pipeline(int port) const override {
    return port == kNetwork ? params_.issue_latency : params_.completion_latency;
  }
  /// Where the time in [0, until) went; `until` no earlier than the last event. sum() == until.
  CoreActivity activity(Time until) const;
  /// Peak FLOP per second of engine and precision.
  double peak_flops(work::Precision precision, bool matrix) const;
  /// nullptr for streams this core has never run.
  const telemetry::StreamStatistics* stream(StreamId id) const { return streams_[id].get(); }

 private:
  enum class State : std::uint8_t { free, loading, ready, computing, storing };
  enum class Condition : std::uint8_t { no_tile, loading, storing, computing };
  struct Slot {
    work::Tile tile;
    work::Cursor cursor;
    std::uint64_t next_address = 0;  // the piece to issue next
    std::uint32_t next_bytes = 0;    // 0: nothing left
    std::uint32_t outstanding = 0;
    std::uint32_t limit = 0;
    std::uint8_t access = 0;  // the one after that of the cursor
    State state = State::free;
    bool dependent = false;  // one access at a time
    bool storing = false;
    Handle launch = kNoHandle;
    std::uint64_t order = 0;  // age
  };
  struct Program {
    const work::Program* program;
    std::vector<Handle> waiting;  // launches without a slot, from `first_waiting`
    std::size_t first_waiting = 0;
  };
  struct Arrival {
    Time time;
    Handle transaction;
    engine::Phase phase;
  };
  static constexpr std::uint32_t kAccepted = 0x8000'0000u;  // in Transaction::tag, besides the slot
  static constexpr std::uint32_t kNoSlot = ~0u;

  void launch(Handle handle, Time t);
  void begin_tile(std::uint32_t slot, Handle handle, Time t);
  bool next_piece(Slot& slot);
  void loaded(std::uint32_t slot, Time t, const Transaction* last);
  void begin_compute(Time t);
  void end_compute(Time t);
  void begin_stores(std::uint32_t slot, Time t);
  void finish(std::uint32_t slot, Time t);
  void answered(Handle handle, engine::Phase phase, Time t);
  void issue(Time t);
  std::uint32_t select() const;
  bool may_issue(const Slot& slot) const {
    return slot.next_bytes != 0 && slot.outstanding < slot.limit && !(slot.dependent && slot.outstanding != 0);
  }
  void update_issue(Time t);
  void update_condition(Time t);
  void update_due();

  CoreParams params_;
  Clock clock_;
  const SliceMap& slices_;
  std::uint16_t terminal_;
  int partition_;
  std::vector<Program> programs_;
  std::vector<Slot> slots_;           // program p has [p * tile_slots, (p + 1) * tile_slots)
  std::vector<std::uint32_t> ready_;  // slots waiting for the compute engine, in order
  std::vector<Arrival> arrivals_;     // ring: answers in the receive pipeline
  std::size_t first_arrival_ = 0;
  std::size_t arrivals_count_ = 0;

  Time due_ = kNever;
  Time issue_at_ = kNever;             // next issue, when something may be issued
  std::uint32_t next_slot_ = kNoSlot;  // planned for it; kNoSlot: choose again, the slots have changed
  Time next_edge_ = 0;                 // the port is taken before
  Time compute_end_ = kNever;
  std::uint32_t computing_ = kNoSlot;
  std::uint32_t turn_ = 0;  // program whose turn it is
  std::uint32_t outstanding_ = 0;
  std::uint64_t outstanding_bytes_ = 0;
  std::uint64_t started_ = 0;
  std::uint32_t active_ = 0, loading_ = 0;  // slots

  Condition condition_ = Condition::no_tile;
  Time condition_since_ = 0;
  CoreActivity activity_;
  std::array<std::array<std::uint64_t, 3>, 2> flops_per_cycle_{};            // [matrix][precision], peak
  std::array<std::array<std::uint64_t, 3>, 2> effective_flops_per_cycle_{};  // times efficiency
  std::array<std::unique_ptr<telemetry::StreamStatistics>, kMaxStreams> streams_;
};

}  // namespace cowosim::compute
