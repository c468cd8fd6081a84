// Collective operations of all terminals of a network, one after the other: broadcast, reduce, all-reduce inside the network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "engine/heart.h"
#include "telemetry/stream_statistics.h"

namespace cowosim::traffic {

struct CollectiveTrafficParams {
  std::string kind = "all_reduce";
  std::int64_t bytes = 1 << 20;
  std::int64_t chunk = 1024;
  std::int64_t operations = 1;
  std::int64_t outstanding = 0;
  std::int64_t root = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("kind", kind, std::vector<std::string>{"broadcast", "reduce", "all_reduce"},
      "broadcast: the root's data to all; reduce: everybody's data combined, to the root; all_reduce: to all",
      "experiment");
    v("bytes", bytes, Unit::bytes, Range{1, 1e12}, "data of an operation: what each member sends, or gets, or both",
      "experiment");
    v("chunk", chunk, Unit::bytes, Range{32, 1 << 20}, "data of one packet",
      "assumption [256, 4096]: packets long against their header, short against the data");
    v("operations", operations, Range{1, 1e6}, "how many, one after the other", "experiment");
    v("outstanding", outstanding, Range{0, 4096},
      "chunks that a member has under way at once; 0: as many as the network's units hold", "experiment");
    v("root", root, Range{0, 65533}, "of a broadcast or reduce: number of the member", "experiment");
  }
  bool broadcasts() const { return kind == "broadcast"; }
  bool all_reduces() const { return kind == "all_reduce"; }
};

/// What the machine is, besides the workload's parameters.
struct CollectiveContext {
  struct Member {
    std::uint16_t terminal = 0;  ///< of the network
    std::uint16_t door = 0;      ///< the terminal its operations go to
  };
  int nodes = 0;  ///< terminals of the network that a workload may use
  std::vector<Member> members;
  std::uint16_t group = 0;        ///< that they are
  std::int64_t operations = 1;    ///< of a group that units hold at once
  std::int64_t slot_bytes = 256;  ///< that a unit holds of each
  StreamId stream = 0;
};

/// What in the parameters does not go together with that fabric: paths below the workload.
std::vector<ParameterProblem> problems(const CollectiveTrafficParams& params, const CollectiveContext& context);

/// One heart for all members. Port n is wired to terminal n of a network, which takes everything at once.
///
/// An operation begins at all members at one moment, when the one before has ended everywhere; the first one at 0. It is cut into chunks
/// (the last one holds the rest), each an operation of the network's units: Op::multicast from the root, or Op::reduce or Op::all_reduce from
/// every member, numbered through from the first chunk of the first operation. A member sends a chunk once all that are `outstanding` and
/// more before it have ended for it. What is delivered to a member it takes at once and answers with a retirement.
///
/// An operation is delivered when every member that is to get data has all of it, and has ended when in addition all senders
/// know. Chunks are created when they are sent; their latency lasts until the sender knows they have ended.
class CollectiveTraffic final : public engine::Heart {
 public:
  /// Throws std::invalid_argument for the first of problems(), and for members at no node.
  CollectiveTraffic(const CollectiveTrafficParams& params, const CollectiveContext& context);

  void start() override { pool_ = &own_pool(); }
  int ports() const override { return context_.nodes; }
  Time due() const override { return due_; }
  void advance(Time until) override;
  void receive(const engine::Message& message) override;
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visitor) const override;
  void check_idle(std::vector<std::string>& broken) const override;

  struct Operation {
    Time start = 0;
    Time delivered = 0;
    Time end = 0;
  };
  /// Those that have ended.
  const std::vector<Operation>& operations() const { return ended_; }
  bool finished() const { return static_cast<std::int64_t>(ended_.size()) == params_.operations; }
  const CollectiveTrafficParams& params() const { return params_; }
  StreamId stream_id() const { return context_.stream; }
  const telemetry::StreamStatistics& stream() const { return stream_; }
  /// Means over operations(), 0 without any; from their start.
  Time mean_time() const { return mean(&Operation::end); }
  Time mean_delivery_time() const { return mean(&Operation::delivered); }
  /// Bytes of an operation by its mean time, bytes per second: "algorithm bandwidth" of NVIDIA's nccl-tests.
  double algorithm_bandwidth() const;

 private:
  struct Sender {
    std::uint32_t member = 0;
    std::uint64_t next = 0;    // chunk
    std::uint64_t oldest = 0;  // that has not ended
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void begin_operation(Time now);
  void send_chunks(std::uint32_t sender, Time now);
  void take(const engine::Message& message);
  void finish_chunk(const engine::Message& message);
  void deliver(Time now) {
    ++delivered_;
    present_.delivered = now;
  }
  std::uint8_t& has_ended(std::uint32_t sender, std::uint64_t chunk) {
    return marks_[sender * window_ + chunk % window_];
  }
  std::uint64_t receivers() const {
    return params_.all_reduces() ? context_.members.size() : params_.broadcasts() ? context_.members.size() - 1 : 1;
  }
  Time mean(Time Operation::*what) const;

  CollectiveTrafficParams params_;
  CollectiveContext context_;
  Op op_;
  std::uint64_t window_;
  std::uint64_t chunks_;  // of an operation
  std::uint32_t last_bytes_;
  engine::Pool* pool_ = nullptr;
  Time due_ = 0;

  std::vector<Sender> senders_;
  std::vector<std::uint32_t> sender_of_;  // by terminal
  std::vector<std::uint8_t> marks_;       // [sender][chunk mod window]
  std::uint64_t begun_ = 0;               // operations
  std::uint64_t left_ = 0;                // chunks of senders that have not ended
  Operation present_;
  std::vector<Operation> ended_;

  std::uint64_t delivered_ = 0;  // chunks, to members
  std::uint64_t bytes_created_ = 0;
  std::uint64_t bytes_ended_ = 0;
  telemetry::StreamStatistics stream_;
};

}  // namespace cowosim::traffic
