// Multicast and reduction inside a network: units at its routers that copy and combine, and the plan of who talks to whom.
//
// Where: attached to a router like a terminal, as the aggregation nodes of SHARP are to switches (Graham et al., COMHPC 2016) and the
// reduction and multicast engines to NVSwitch (NVIDIA, third-generation NVSwitch, developer blog 2022; Klenk et al., ISCA 2020). Routers
// know nothing of it: every packet has one source and one destination.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "engine/heart.h"
#include "fabric/collective/collective_tree.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric {

struct CollectiveParams {
  int terminals = 8;
  int operations = 32;
  std::int64_t slot_bytes = 4096;
  int latency_cycles = 8;
  int bytes_per_cycle = 256;

  template <class Visitor>
  void visit(Visitor& v) {
    v("terminals", terminals, Range{1, 64},
      "ports of a unit at its router, at most: its neighbours in a tree are spread over them",
      "assumption [1, 16]: one for each link and member of a mesh router, so that every link can keep the unit busy: "
      "SHARP's streaming aggregation reaches 95 % of the links' rate (Graham et al., ISC 2020)");
    v("operations", operations, Range{1, 4096},
      "operations of a group that a unit holds at once, multicasts and reductions each: as many a source may have "
      "under "
      "way",
      "assumption [4, 256]: operations x data must cover the way through the tree and back");
    v("slot_bytes", slot_bytes, Unit::bytes, Range{32, 1 << 20}, "data of an operation that a unit can hold",
      "assumption [256, 16384]: a few packets of the network");
    v("latency_cycles", latency_cycles, Range{0, 10'000},
      "cycles from the last byte that is needed to the first that goes on, besides the passage of the data",
      "assumption [4, 40]: lookup, buffer and a floating-point adder of 3 to 6 stages; not published for any product");
    v("bytes_per_cycle", bytes_per_cycle, Range{1, 65536},
      "that a unit copies or combines, of all that arrives with data",
      "assumption [32, 512]: what its terminals deliver in flits of 32 bytes");
  }
};

/// The other side of an exchange, seen from a unit.
struct CollectivePeer {
  static constexpr int kNone = -1;
  int terminal = kNone;
  int port = 0;  ///< of the unit: it is reached from there, and sends to the terminal that is wired to it
  std::string name;
};

/// What a unit has to do with one group.
struct CollectivePart {
  int group = 0;  ///< Transaction::group
  std::string name;
  CollectivePeer parent;                 ///< terminal kNone at the root of the tree
  std::vector<CollectivePeer> children;  ///< other units
  std::vector<CollectivePeer> members;   ///< at the unit's own router
  int root = CollectivePeer::kNone;  ///< terminal of the group's root, if it has one and this is the root of the tree
};

/// Where units are and what each has to do.
struct CollectivePlan {
  struct Unit {
    int router = 0;
    std::string name;                   ///< "unit_<router>"
    std::vector<int> terminals;         ///< of the network: wired to the unit's ports 0, 1, ...
    Time period = 0;                    ///< of its clock: the router's
    std::vector<CollectivePart> parts;  ///< by group
  };
  std::vector<Unit> units;            ///< by router
  std::vector<CollectiveTree> trees;  ///< by group
  /// [group][i]: the terminal that member i of the group sends its operations to.
  std::vector<std::vector<int>> doors;
};

/// Plans a unit for every router on a group's tree and appends its terminals to the topology: "unit_<router>", and for further ones
/// "unit_<router>.1", ..., each a flit wide and a cycle long, in and out. A unit's neighbours in a tree (parent, children, members, in this
/// order) get its ports in turn. Groups are numbered as they are given. Throws std::invalid_argument as collective_tree() does.
CollectivePlan plan_collectives(Topology& topology, const std::vector<CollectiveGroup>& groups,
                                const CollectiveParams& params, int flit_bytes);

/// One unit. Transactions: Op::multicast, reduce and all_reduce with `group`, `address` = number of the operation, `source` = the
/// sender's terminal, `destination` = its door, and fetch_bytes of data, at most slot_bytes, all contributions alike.
///
/// - multicast, from the group's root: goes down the tree in copies, one over each of its links and one to each other member, which answers
///   with a retirement; the answers are collected up the tree, and the root's own transaction retires when all members have the data.
/// - reduce, from every member: a unit combines what its members and the units below it send into one contribution to the unit above. At the
///   root of the tree the sum goes to the group's root, which answers with a retirement; this retires all contributions down the tree.
/// - all_reduce, from every member: up as reduce; the sum is the response to the contributions, down the tree.
///
/// So each link of the tree carries the data of an operation once (all_reduce: once each way), and one header the other way.
/// Copies, partial sums and the sum for the root are transactions of the unit's own.
///
/// Sources number the multicasts of a group from 0, and so all members its reductions (reduce and all_reduce alike), and begin one
/// only when all that are `operations` and more before it have been answered to them. Then a unit never runs out of slots: whoever
/// contributes to operation n has the answer to operation n - operations, it came through this unit, and it freed its slot before. So
/// it takes whatever comes at once, nothing in the network waits for a slot, and there is no circle to wait in. What breaks the rule
/// is an error. A member must take copies at once in the same way, whatever else it waits for.
///
/// Time: what brings data passes in order of arrival, ceil(bytes / bytes_per_cycle) cycles each; what it causes goes on
/// latency_cycles later, with all of its data (store and forward). Headers take the latency only. Stage::fabric, waiting for other members
/// included. No events of its own: due() is kNever.
class CollectiveUnit final : public engine::Heart {
 public:
  CollectiveUnit(const CollectiveParams& params, const CollectivePlan::Unit& plan);

  void start() override { pool_ = &own_pool(); }
  int ports() const override { return static_cast<int>(plan_.terminals.size()); }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  /// Throws std::logic_error for what breaks the rule above or comes from the wrong sender.
  void receive(const engine::Message& message) override;
  Time output_pipeline(int) const override { return latency_; }
  void report_waits(std::vector<engine::Wait>& waits) const override;
  void statistics(StatVisitor& visit) const override;
  void check_idle(std::vector<std::string>& violations) const override;

 private:
  /// An operation under way.
  struct Slot {
    std::uint64_t number = 0;
    Handle incoming = kNoHandle;  // multicast: what came,
    std::uint16_t port = 0;       // and where
    std::uint32_t bytes = 0;
    std::uint32_t missing = 0;  // answers to copies, or contributions
    Op op = Op::multicast;
    bool busy = false;
    Time arrived = 0;  // sum over contributions
  };
  /// A contributor: child or member.
  struct Peer {
    std::uint16_t terminal;
    std::uint16_t port;
  };
  struct Part {
    const CollectivePart* plan = nullptr;
    std::vector<Peer> peers;                   // children, then members
    std::vector<std::uint32_t> by_terminal;    // indices of peers, by terminal
    std::vector<Slot> multicasts, reductions;  // operation n in slot n mod operations
    std::vector<Handle> contributions;         // [slot of reductions][peer]
  };

  Part& part_of(const Transaction& tx);
  std::size_t peer_of(const Part& part, const Transaction& tx) const;
  Slot& slot_of(std::vector<Slot>& slots, const Part& part, const Transaction& tx);
  void open(Slot& slot, const Transaction& tx, std::size_t missing);
  void close(Slot& slot);
  Time pass(std::uint32_t bytes, Time now);
  void spread(Part& part, const engine::Message& message, const Transaction& tx);
  void gather(Part& part, const engine::Message& message, const Transaction& tx);
  void receive_answer(const engine::Message& message);
  void answer_all(Part& part, Slot& slot, engine::Phase phase, Time at);
  void answer(int port, engine::Phase phase, Handle handle, Time at);
  void send_own(const Slot& slot, const Part& part, std::uint16_t port, int terminal, StreamId stream, Time now,
                Time at);
  [[noreturn]] void broken(const Part& part, const Transaction& tx, const std::string& what) const;

  CollectiveParams params_;
  CollectivePlan::Unit plan_;
  Time latency_;
  engine::Pool* pool_ = nullptr;
  std::vector<Part> parts_;
  std::vector<std::uint32_t> part_of_group_;
  Time free_at_ = 0;  // data pass one after the other

  std::uint64_t multicasts_ = 0;
  std::uint64_t reductions_ = 0;
  std::uint64_t accepted_ = 0;  // multicasts and contributions
  std::uint64_t answered_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  Time busy_ = 0;
  Time waiting_data_ = 0;     // for data before them
  Time waiting_members_ = 0;  // of contributions, for the last one
  std::uint32_t in_use_ = 0;  // slots
  std::uint32_t peak_in_use_ = 0;
};

}  // namespace cowosim::fabric
