// A miniature of the engine for two hearts and more: wires with a latency, windows, arrivals before own events.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/heart.h"

namespace cowosim::test {

class Loop {
 public:
  /// Joins port `port_a` of `a` and port `port_b` of `b`.
  void connect(engine::Heart& a, int port_a, engine::Heart& b, int port_b, Time latency) {
    add_wire(a, port_a, b, port_b, latency);
    add_wire(b, port_b, a, port_a, latency);
  }
  void add(engine::Heart& heart) { hearts_.push_back({&heart, {}}); }

  /// Windows of `window` (at most the least latency) until nothing is due and nothing in flight, or exactly to `stop`.
  void run(Time window, Time stop = kNever) {
    for (Time from = 0;;) {
      const Time next = earliest();
      if (next == kNever || next >= stop) return;
      from = std::max(from, next / window * window);
      const Time until = std::min(from + window, stop);
      for (Node& node : hearts_) {
        std::sort(node.inbox.begin(), node.inbox.end(), before);
        std::size_t done = 0;
        for (; done < node.inbox.size() && node.inbox[done].time < until; ++done) {
          const engine::Message message = node.inbox[done];
          node.heart->advance(message.time);
          node.heart->receive(message);
        }
        node.inbox.erase(node.inbox.begin(), node.inbox.begin() + static_cast<std::ptrdiff_t>(done));
        node.heart->advance(until);
      }
      from = until;
    }
  }

  /// Event by event, for wires without latency.
  void run_coupled() {
    for (Time now = earliest(); now != kNever; now = earliest()) {
      bool delivered = true;
      while (delivered) {
        delivered = false;
        for (Node& node : hearts_) {
          std::sort(node.inbox.begin(), node.inbox.end(), before);
          while (!node.inbox.empty() && node.inbox.front().time == now) {
            const engine::Message message = node.inbox.front();
            node.inbox.erase(node.inbox.begin());
            node.heart->receive(message);
            delivered = true;
          }
        }
      }
      for (Node& node : hearts_) node.heart->advance(now + 1);
    }
  }

 private:
  struct Node {
    engine::Heart* heart;
    std::vector<engine::Message> inbox;
  };
  struct Wire final : engine::Outlet {
    void send(engine::Phase phase, Handle transaction, Time arrival, std::uint16_t count) override {
      engine::Message message;
      message.time = arrival;
      message.rank = rank;
      message.sequence = sequence++;
      message.transaction = transaction;
      message.port = static_cast<std::uint16_t>(port);
      message.count = count;
      message.phase = phase;
      loop->hearts_[node].inbox.push_back(message);
    }
    Time latency() const override { return wire_latency; }
    Loop* loop = nullptr;
    std::size_t node = 0;
    int port = 0;
    Time wire_latency = 0;
    std::uint32_t rank = 0;
    std::uint32_t sequence = 0;
  };
  static bool before(const engine::Message& a, const engine::Message& b) {
    return a.time != b.time ? a.time < b.time : a.rank != b.rank ? a.rank < b.rank : a.sequence < b.sequence;
  }
  void add_wire(engine::Heart& from, int from_port, engine::Heart& to, int to_port, Time latency) {
    auto wire = std::make_unique<Wire>();
    wire->loop = this;
    wire->node = static_cast<std::size_t>(
        std::find_if(hearts_.begin(), hearts_.end(), [&](const Node& node) { return node.heart == &to; }) -
        hearts_.begin());
    wire->port = to_port;
    wire->wire_latency = latency;
    wire->rank = static_cast<std::uint32_t>(wires_.size());
    from.bind(from_port, *wire);
    wires_.push_back(std::move(wire));
  }
  Time earliest() const {
    Time next = kNever;
    for (const Node& node : hearts_) {
      next = std::min(next, node.heart->due());
      for (const engine::Message& message : node.inbox) next = std::min(next, message.time);
    }
    return next;
  }

  std::vector<Node> hearts_;
  std::vector<std::unique_ptr<Wire>> wires_;
};

/// A memory with a door: serves one request at a time, `service` each, answers `access` after service began. Writes are accepted
/// when service begins and retire when it ends.
class FakeMemory final : public engine::Heart {
 public:
  struct Seen {
    Time arrival;
    std::uint64_t address;
    std::uint32_t bytes;
    Op op;
    Time created;
    Time issue;  // time in Stage::issue
  };
  FakeMemory(Time service, Time access) : service_(service), access_(access) {}
  int ports() const override { return 1; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override {
    Transaction& request = transaction(message.transaction);
    const Time arrival = message.time;
    request.stages.enter(Stage::queue, arrival);
    seen.push_back(
        {arrival, request.address, request.bytes, request.op, request.created, request.stages[Stage::issue]});
    if (swallow) return;
    const Time start = std::max(arrival, busy_);
    busy_ = start + service_;
    request.stages.enter(Stage::data, start);
    const bool write = request.op == Op::write;
    send(0, engine::Phase::credit, kNoHandle, start + latency(0), 1);
    if (!write) {
      send(0, engine::Phase::response, message.transaction, start + access_ + latency(0));
    } else if (retire_only) {
      send(0, engine::Phase::retire, message.transaction, busy_ + latency(0));
    } else {
      send(0, engine::Phase::response, message.transaction, start + latency(0));
      send(0, engine::Phase::retire, message.transaction, busy_ + latency(0));
    }
  }
  std::vector<Seen> seen;
  bool swallow = false;
  bool retire_only = false;

 private:
  Time service_;
  Time access_;
  Time busy_ = 0;
};

/// A core that holds tiles and answers each `duration(tile)` after it began; one at a time, in order.
class FakeCore final : public engine::Heart {
 public:
  struct Seen {
    Time arrival;
    std::uint64_t tile;
    std::uint32_t op;
    int program;
    StreamId stream;
  };
  explicit FakeCore(std::function<Time(std::uint64_t)> duration) : duration_(std::move(duration)) {}
  int ports() const override { return 1; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override {
    const Transaction& tile = transaction(message.transaction);
    seen.push_back({message.time, tile.address, tile.tag, tile.workload, tile.stream});
    EXPECT_EQ(tile.op, Op::launch);
    if (swallow) return;
    const Time start = std::max(message.time, busy_);
    busy_ = start + duration_(tile.address);
    while (!ends_.empty() && ends_.front() <= message.time) ends_.pop_front();
    ends_.push_back(busy_);
    most_held = std::max(most_held, ends_.size());
    send(0, engine::Phase::response, message.transaction, busy_ + latency(0));
  }
  std::vector<Seen> seen;
  std::size_t most_held = 0;
  bool swallow = false;

 private:
  std::function<Time(std::uint64_t)> duration_;
  std::deque<Time> ends_;
  Time busy_ = 0;
};

inline std::vector<std::string> broken_rules(const engine::Heart& heart) {
  std::vector<std::string> broken;
  heart.check_idle(broken);
  return broken;
}

}  // namespace cowosim::test
