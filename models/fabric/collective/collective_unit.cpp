#include "fabric/collective/collective_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "fabric/topology/topologies.h"

namespace cowosim::fabric {

using engine::Phase;

namespace {

constexpr std::uint32_t kNoPart = ~std::uint32_t{0};

std::size_t size(int n) { return static_cast<std::size_t>(n); }

}  // namespace

CollectivePlan plan_collectives(Topology& topology, const std::vector<CollectiveGroup>& groups,
                                const CollectiveParams& params, int flit_bytes) {
  CollectivePlan plan;
  const Ports ports(topology);
  std::vector<std::size_t> neighbours(topology.routers.size(), 0);  // in a tree, at most
  for (const CollectiveGroup& group : groups) {
    const CollectiveTree& tree = plan.trees.emplace_back(collective_tree(topology, ports, group));
    for (const CollectiveTree::Node& node : tree.nodes) {
      const std::size_t here =
          (node.parent == CollectiveTree::kNone ? 0u : 1u) + node.children.size() + node.members.size();
      neighbours[size(node.router)] = std::max(neighbours[size(node.router)], here);
    }
  }
  std::vector<std::size_t> unit_of(topology.routers.size(), 0);
  for (std::size_t r = 0; r < topology.routers.size(); ++r) {
    if (neighbours[r] == 0) continue;
    unit_of[r] = plan.units.size();
    CollectivePlan::Unit& unit = plan.units.emplace_back();
    unit.router = static_cast<int>(r);
    unit.name = "unit_" + topology.routers[r].name;
    unit.period = topology.domains[size(topology.routers[r].domain)].period;
    const Channel channel = clocked_channel(8 * flit_bytes, unit.period);
    for (std::size_t i = 0; i < std::min(neighbours[r], size(params.terminals)); ++i) {
      unit.terminals.push_back(static_cast<int>(topology.terminals.size()));
      topology.terminals.push_back(
          {i == 0 ? unit.name : fmt::format("{}.{}", unit.name, i), unit.router, channel, channel});
    }
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const CollectiveGroup& group = groups[g];
    const CollectiveTree& tree = plan.trees[g];
    std::vector<int>& doors = plan.doors.emplace_back(group.members.size());
    const auto unit_at = [&](int node) -> CollectivePlan::Unit& {
      return plan.units[unit_of[size(tree.nodes[size(node)].router)]];
    };
    // The terminal of a node's unit that its i-th neighbour talks to.
    const auto port_for = [&](int node, std::size_t i) { return static_cast<int>(i % unit_at(node).terminals.size()); };
    const auto door_for = [&](int node, std::size_t i) { return unit_at(node).terminals[size(port_for(node, i))]; };
    for (std::size_t n = 0; n < tree.nodes.size(); ++n) {
      const CollectiveTree::Node& node = tree.nodes[n];
      const int here = static_cast<int>(n);
      CollectivePart& part = unit_at(here).parts.emplace_back();
      part.group = static_cast<int>(g);
      part.name = group.name;
      std::size_t i = 0;
      if (node.parent != CollectiveTree::kNone) {
        const CollectiveTree::Node& parent = tree.nodes[size(node.parent)];
        const auto place = static_cast<std::size_t>(std::find(parent.children.begin(), parent.children.end(), here) -
                                                    parent.children.begin()) +
                           (parent.parent == CollectiveTree::kNone ? 0 : 1);
        part.parent = {door_for(node.parent, place), port_for(here, i++), unit_at(node.parent).name};
      } else {
        part.root = group.root;
      }
      for (const int child : node.children)  // its parent is its first neighbour
        part.children.push_back({door_for(child, 0), port_for(here, i++), unit_at(child).name});
      for (const int member : node.members) {
        const auto place = std::find(group.members.begin(), group.members.end(), member) - group.members.begin();
        doors[static_cast<std::size_t>(place)] = door_for(here, i);
        part.members.push_back({member, port_for(here, i++), topology.terminals[size(member)].name});
      }
    }
  }
  return plan;
}

CollectiveUnit::CollectiveUnit(const CollectiveParams& params, const CollectivePlan::Unit& plan)
    : params_(params), plan_(plan), latency_(params.latency_cycles * plan.period) {
  const std::size_t operations = size(params.operations);
  for (const CollectivePart& from : plan_.parts) {
    part_of_group_.resize(std::max(part_of_group_.size(), size(from.group) + 1), kNoPart);
    part_of_group_[size(from.group)] = static_cast<std::uint32_t>(parts_.size());
    Part& part = parts_.emplace_back();
    part.plan = &from;
    for (const auto* peers : {&from.children, &from.members}) {
      for (const CollectivePeer& peer : *peers) {
        part.by_terminal.push_back(static_cast<std::uint32_t>(part.peers.size()));
        part.peers.push_back({static_cast<std::uint16_t>(peer.terminal), static_cast<std::uint16_t>(peer.port)});
      }
    }
    std::sort(part.by_terminal.begin(), part.by_terminal.end(),
              [&](std::uint32_t a, std::uint32_t b) { return part.peers[a].terminal < part.peers[b].terminal; });
    part.multicasts.resize(operations);
    part.reductions.resize(operations);
    part.contributions.assign(operations * part.peers.size(), kNoHandle);
  }
}

void CollectiveUnit::broken(const Part& part, const Transaction& tx, const std::string& what) const {
  throw std::logic_error(fmt::format("{}: {} {} of group '{}' from terminal {}: {}", name(), name_of(tx.op), tx.address,
                                     part.plan->name, tx.source, what));
}

CollectiveUnit::Part& CollectiveUnit::part_of(const Transaction& tx) {
  if (tx.group >= part_of_group_.size() || part_of_group_[tx.group] == kNoPart)
    throw std::logic_error(
        fmt::format("{}: {} of group {}, which has nothing to do here", name(), name_of(tx.op), tx.group));
  return parts_[part_of_group_[tx.group]];
}

/// Which contributor sent it.
std::size_t CollectiveUnit::peer_of(const Part& part, const Transaction& tx) const {
  const auto found = std::lower_bound(
      part.by_terminal.begin(), part.by_terminal.end(), tx.source,
      [&](std::uint32_t index, std::uint16_t terminal) { return part.peers[index].terminal < terminal; });
  if (found == part.by_terminal.end() || part.peers[*found].terminal != tx.source)
    broken(part, tx, "it is neither a member here nor a unit below");
  return *found;
}

/// The slot of its operation: free, or in use for it.
CollectiveUnit::Slot& CollectiveUnit::slot_of(std::vector<Slot>& slots, const Part& part, const Transaction& tx) {
  Slot& slot = slots[tx.address % slots.size()];
  if (slot.busy && slot.number != tx.address) {
    broken(
        part, tx,
        fmt::format("it came before operation {} had ended: a source may have at most {} operations of a group under "
                    "way (operations)",
                    slot.number, params_.operations));
  }
  if (tx.fetch_bytes > params_.slot_bytes) {
    broken(part, tx,
           fmt::format("{} bytes are more than a slot holds, {} (slot_bytes)", tx.fetch_bytes, params_.slot_bytes));
  }
  return slot;
}

void CollectiveUnit::open(Slot& slot, const Transaction& tx, std::size_t missing) {
  slot = {tx.address, kNoHandle, 0, tx.fetch_bytes, static_cast<std::uint32_t>(missing), tx.op, true, 0};
  peak_in_use_ = std::max(peak_in_use_, ++in_use_);
}

void CollectiveUnit::close(Slot& slot) {
  slot.busy = false;
  --in_use_;
}

/// Data pass one after the other; returns when what they cause goes on.
Time CollectiveUnit::pass(std::uint32_t bytes, Time now) {
  const auto width = static_cast<std::uint32_t>(params_.bytes_per_cycle);
  const Time length = static_cast<Time>((bytes + width - 1) / width) * plan_.period;
  const Time start = std::max(now, free_at_);
  waiting_data_ += start - now;
  busy_ += length;
  bytes_in_ += bytes;
  free_at_ = start + length;
  return free_at_ + latency_;
}

void CollectiveUnit::receive(const engine::Message& message) {
  if (message.phase != Phase::request) return receive_answer(message);
  Transaction& tx = transaction(message.transaction);
  Part& part = part_of(tx);
  tx.stages.enter(Stage::fabric, message.time);
  ++accepted_;
  switch (tx.op) {
    case Op::multicast:
      return spread(part, message, tx);
    case Op::reduce:
    case Op::all_reduce:
      return gather(part, message, tx);
    default:
      broken(part, tx, "it is no collective operation");
  }
}

void CollectiveUnit::spread(Part& part, const engine::Message& message, const Transaction& tx) {
  const CollectivePart& plan = *part.plan;
  const bool at_root = plan.parent.terminal == CollectivePeer::kNone;
  if (tx.source != (at_root ? plan.root : plan.parent.terminal))
    broken(part, tx, at_root ? "only the group's root may multicast" : "it does not come from the unit above");
  Slot& slot = slot_of(part.multicasts, part, tx);
  if (slot.busy) broken(part, tx, "it came twice");
  open(slot, tx, part.peers.size() - (at_root ? 1 : 0));
  slot.incoming = message.transaction;
  slot.port = message.port;
  const Time at = pass(tx.fetch_bytes, message.time);
  ++multicasts_;
  if (slot.missing == 0) {  // the root is alone
    close(slot);
    return answer(message.port, Phase::retire, message.transaction, at);
  }
  for (const Peer& peer : part.peers)
    if (!at_root || peer.terminal != plan.root)
      send_own(slot, part, peer.port, peer.terminal, tx.stream, message.time, at);
}

void CollectiveUnit::gather(Part& part, const engine::Message& message, const Transaction& tx) {
  const CollectivePart& plan = *part.plan;
  const std::size_t peer = peer_of(part, tx);
  Slot& slot = slot_of(part.reductions, part, tx);
  if (!slot.busy) open(slot, tx, part.peers.size());
  if (slot.op != tx.op) broken(part, tx, fmt::format("others call it {}", name_of(slot.op)));
  if (slot.bytes != tx.fetch_bytes)
    broken(part, tx, fmt::format("it brings {} bytes, others {}", tx.fetch_bytes, slot.bytes));
  const auto first = static_cast<std::size_t>(&slot - part.reductions.data()) * part.peers.size();
  if (part.contributions[first + peer] != kNoHandle) broken(part, tx, "it came twice");
  part.contributions[first + peer] = message.transaction;
  slot.arrived += message.time;
  const Time at = pass(tx.fetch_bytes, message.time);
  if (--slot.missing > 0) return;

  waiting_members_ += static_cast<Time>(part.peers.size()) * message.time - slot.arrived;
  ++reductions_;
  if (plan.parent.terminal != CollectivePeer::kNone) {
    send_own(slot, part, static_cast<std::uint16_t>(plan.parent.port), plan.parent.terminal, tx.stream, message.time,
             at);
  } else if (slot.op == Op::all_reduce) {
    answer_all(part, slot, Phase::response, at);
  } else if (plan.root != CollectivePeer::kNone) {
    const auto root =
        std::lower_bound(part.by_terminal.begin(), part.by_terminal.end(), plan.root,
                         [&](std::uint32_t index, int terminal) { return part.peers[index].terminal < terminal; });
    send_own(slot, part, part.peers[*root].port, plan.root, tx.stream, message.time, at);
  } else {
    broken(part, tx, "the group has no root to reduce to");
  }
}

/// A copy has been delivered everywhere below, or the sum has come to where it belongs.
void CollectiveUnit::receive_answer(const engine::Message& message) {
  Transaction& tx = pool_->at(message.transaction);
  Part& part = parts_[part_of_group_[tx.group]];
  if (message.phase != (tx.op == Op::all_reduce ? Phase::response : Phase::retire))
    broken(part, tx, "it is answered in the wrong phase");
  std::vector<Slot>& slots = tx.op == Op::multicast ? part.multicasts : part.reductions;
  Slot& slot = slots[tx.address % slots.size()];
  const Time at = tx.op == Op::all_reduce ? pass(tx.fetch_bytes, message.time) : message.time + latency_;
  journal().add(tx, message.time);
  const Op op = tx.op;
  pool_->release(message.transaction);
  if (op == Op::multicast) {
    if (--slot.missing > 0) return;
    close(slot);
    answer(slot.port, Phase::retire, slot.incoming, at);
  } else {
    answer_all(part, slot, op == Op::all_reduce ? Phase::response : Phase::retire, at);
  }
}

/// Frees the slot and answers all contributions, the farthest first.
void CollectiveUnit::answer_all(Part& part, Slot& slot, Phase phase, Time at) {
  const auto first = static_cast<std::size_t>(&slot - part.reductions.data()) * part.peers.size();
  close(slot);
  for (std::size_t p = 0; p < part.peers.size(); ++p) {
    const Handle handle = part.contributions[first + p];
    part.contributions[first + p] = kNoHandle;
    if (phase == Phase::response) bytes_out_ += slot.bytes;
    answer(part.peers[p].port, phase, handle, at);
  }
}

void CollectiveUnit::answer(int port, Phase phase, Handle handle, Time at) {
  Transaction& tx = transaction(handle);
  tx.destination = tx.source;
  services().add(tx, at);
  ++answered_;
  send(port, phase, handle, at + latency(port));
}

/// A copy or a (partial) sum of the unit's own: made `now`, goes on at `at`.
void CollectiveUnit::send_own(const Slot& slot, const Part& part, std::uint16_t port, int terminal, StreamId stream,
                              Time now, Time at) {
  const auto [handle, own] = pool_->fresh();
  own.op = slot.op;
  own.address = own.fetch_address = slot.number;
  own.bytes = own.fetch_bytes = slot.bytes;
  own.stream = stream;
  own.group = static_cast<std::uint16_t>(part.plan->group);
  own.source = static_cast<std::uint16_t>(plan_.terminals[port]);
  own.destination = static_cast<std::uint16_t>(terminal);
  own.created = now;
  own.stages.start(Stage::fabric, now);
  bytes_out_ += slot.bytes;
  send(port, Phase::request, handle, at + latency(port));
}

void CollectiveUnit::report_waits(std::vector<engine::Wait>& waits) const {
  for (const Part& part : parts_) {
    const auto peer_name = [&](std::size_t p) {
      const auto& children = part.plan->children;
      return p < children.size() ? children[p].name : part.plan->members[p - children.size()].name;
    };
    for (const Slot& slot : part.multicasts) {
      if (slot.busy)
        waits.push_back(
            {name(), "units and members below",
             fmt::format("multicast {} of group '{}' is with all but {}", slot.number, part.plan->name, slot.missing)});
    }
    for (std::size_t s = 0; s < part.reductions.size(); ++s) {
      const Slot& slot = part.reductions[s];
      if (!slot.busy) continue;
      const std::string what = fmt::format("{} {} of group '{}'", name_of(slot.op), slot.number, part.plan->name);
      if (slot.missing == 0) {
        const bool at_root = part.plan->parent.terminal == CollectivePeer::kNone;
        waits.push_back({name(), at_root ? "the group's root" : part.plan->parent.name, what + " has no answer yet"});
        continue;
      }
      for (std::size_t p = 0; p < part.peers.size(); ++p)
        if (part.contributions[s * part.peers.size() + p] == kNoHandle)
          waits.push_back({name(), peer_name(p), what + " lacks its contribution"});
    }
  }
}

void CollectiveUnit::statistics(StatVisitor& visit) const {
  visit("multicasts", "count", static_cast<double>(multicasts_));
  visit("reductions", "count", static_cast<double>(reductions_));
  visit("accepted", "count", static_cast<double>(accepted_));
  visit("bytes_in", "B", static_cast<double>(bytes_in_));
  visit("bytes_out", "B", static_cast<double>(bytes_out_));
  visit("busy", "ns", to_ns(busy_));
  visit("waiting_data", "ns", to_ns(waiting_data_));
  visit("waiting_members", "ns", to_ns(waiting_members_));
  visit("peak_slots", "count", static_cast<double>(peak_in_use_));
}

void CollectiveUnit::check_idle(std::vector<std::string>& violations) const {
  if (in_use_ > 0) violations.push_back(fmt::format("{}: {} operations have not ended", name(), in_use_));
  if (accepted_ != answered_)
    violations.push_back(fmt::format("{}: {} operations came, {} were answered", name(), accepted_, answered_));
  if (pool_ != nullptr && pool_->live() > 0)
    violations.push_back(fmt::format("{}: {} of its own transactions have not been answered", name(), pool_->live()));
}

}  // namespace cowosim::fabric
