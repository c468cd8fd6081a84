// A source of requests without a core: for traces anywhere, and for patterns straight into a memory controller's door.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/memory_map.h"
#include "core/parameter.h"
#include "core/router.h"
#include "engine/heart.h"
#include "telemetry/stream_statistics.h"
#include "traffic/id_table.h"
#include "traffic/request_stream.h"

namespace cowosim::traffic {

struct SourceParams {
  std::int64_t max_outstanding = 0;  // requests; 0: unbounded
  Time think_time = 0;
  Time issue_interval = 0;
  std::int64_t granule = 256;

  template <class Visitor>
  void visit(Visitor& v) {
    v("max_outstanding", max_outstanding, Range{0, 1 << 20},
      "requests that wait for their response at once; 0: as many as the machine takes", "experiment");
    v("think_time", think_time, Unit::time, Range{0, 1e12},
      "time between a response and the request that takes its place (with max_outstanding 1: dependent accesses)",
      "experiment");
    v("issue_interval", issue_interval, Unit::time, Range{0, 1e12},
      "least time between two transactions leaving the source; 0: none",
      "assumption [0, 10 ns]: an ideal source, so that what limits is the memory system");
    v("granule", granule, Unit::bytes, Range{32, 4096}, "a transaction crosses no multiple of this (power of two)",
      "assumption [64, 512]: interleave granule of the memory map");
  }
};

/// One port (0), or one for each memory channel: requests leave, responses, retirements and credits arrive.
///
/// Requests are issued in the stream's order. One without a time is created when it can be issued; one with a time at
/// that time, and if it depends on another, not before that one's response + think and not before the request ahead of it has left.
/// From creation until the message reaches the receiver the time is Stage::issue: waiting behind earlier requests, for an
/// outstanding slot, for a credit. A transaction takes one credit of the receiver's door. Requests are cut at granules
/// and aligned outwards to whole atoms; all pieces are created when their request is, take one outstanding slot together and
/// free it with their last response.
///
/// A write's response is its acceptance; it is retired later (a retirement without a response stands for both).
/// Statistics count transactions and record them at their response.
class Source final : public engine::Heart {
 public:
  /// `credits`: entries of the receiver's door; -1: unbounded. Throws std::invalid_argument for a granule that is no power of two.
  Source(const SourceParams& params, std::unique_ptr<RequestStream> stream, std::int64_t credits);

  /// On a network: who asks for an address where, and the source's own terminal. Without it requests go straight to memory.
  void set_router(const Router& router, std::uint16_t terminal) { router_ = &router, terminal_ = terminal; }

  /// Makes this a background source: once all of `leaders` have finished it begins no further request, whatever its stream holds.
  /// They must outlive it and lie in the same component.
  void end_with(const std::vector<Source*>& leaders) {
    leaders_.assign(leaders.begin(), leaders.end());
    for (Source* leader : leaders) leader->leads_ = true;
  }

  /// A port for each channel of the package, each with a door of its own; `map` tells which one a piece goes to. A piece waits for
  /// its door, and everything behind it as well.
  void set_doors(const MemoryMap& map) {
    map_ = &map;
    credits_.assign(map.channels(), initial_credits_);
  }

  /// Fetches the first request; call once name and pools are set. The pool is made here.
  void start() override;

  int ports() const override { return static_cast<int>(credits_.size()); }
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  bool reacts(engine::Phase phase) const override {
    const bool answer = phase == engine::Phase::response || phase == engine::Phase::retire;
    return !answer || leads_ || tracks_ids_ || params_.max_outstanding != 0;
  }
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  /// Everything issued, answered and retired.
  bool finished() const { return exhausted_ && live() == 0; }
  std::uint64_t requests() const { return requests_; }
  const telemetry::StreamStatistics& stream(StreamId id) const { return *streams_[id]; }

 private:
  static constexpr std::int64_t kUnboundedCredits = std::int64_t{1} << 62;
  static constexpr std::uint32_t kNoSlot = 0x7FFF'FFFF;
  static constexpr std::uint32_t kAnswered = 0x8000'0000;  // in a transaction's tag, over the slot

  /// A request whose pieces must be counted or whose id may be asked for.
  struct Slot {
    std::uint64_t id = kNoId;
    std::uint32_t pieces = 0;  // not answered yet, the unissued ones included
  };

  void fetch();
  void look_at(std::uint64_t piece) {
    at_ = piece;
    if (map_ != nullptr) door_ = map_->channel_of(piece);
  }
  bool leaders_finished() const;
  void issue_piece(Time now);
  /// When the head's next piece can leave, given that everything up to `now` is known; kNever while it waits for an arrival.
  void update(Time now);
  void respond(Transaction& transaction, Time now);
  /// One of the slot's pieces; true: the last one, and with it the request.
  bool answer_slot(std::uint32_t index, Time now);
  void retire(Handle handle, const Transaction& transaction, Time now);
  std::uint64_t live() const { return pool_ == nullptr ? 0 : pool_->live(); }  // transactions not retired
  void answer_request(Time now);
  std::uint32_t take_slot();
  [[gnu::noinline]] std::uint32_t slot_of_head(bool named);  // with all its pieces open

  SourceParams params_;
  std::unique_ptr<RequestStream> stream_;
  std::vector<const Source*> leaders_;
  const Router* router_ = nullptr;
  std::uint16_t terminal_ = 0;
  engine::Pool* pool_ = nullptr;
  Time wire_ = 0;  // latency of its ports
  bool bounded_credits_;
  bool tracks_ids_ = false;
  bool leads_ = false;                 // others end when this one has finished
  std::int64_t initial_credits_;       // of each door
  std::vector<std::int64_t> credits_;  // by port
  const MemoryMap* map_ = nullptr;     // several doors

  // The head: the request being issued.
  Request head_;
  std::uint64_t at_ = 0;  // its next piece
  std::uint64_t end_ = 0;
  std::uint32_t door_ = 0;  // where that goes
  Time head_since_ = 0;     // when the request ahead of it had left
  Time head_ready_ = 0;     // its dependency's response + think
  Time head_created_ = 0;
  std::uint32_t head_slot_ = kNoSlot;
  bool head_started_ = false;  // its first piece has left
  bool exhausted_ = false;

  Time due_ = kNever;
  Time next_issue_ = 0;         // by issue_interval
  std::int64_t free_requests_;  // outstanding slots free now
  std::deque<Time> thinking_;   // when further ones become free, ascending

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  IdTable ids_;

  std::uint64_t requests_ = 0;
  std::uint64_t requests_answered_ = 0;
  std::uint64_t bytes_issued_ = 0;
  std::uint64_t bytes_retired_ = 0;
  std::array<std::unique_ptr<telemetry::StreamStatistics>, kMaxStreams>
      streams_;  // large: an index into pointers is quicker
};

}  // namespace cowosim::traffic
