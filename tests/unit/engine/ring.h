// A small world for engine tests: hearts that pass tokens around and keep their own diary.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "engine/engine.h"

namespace cowosim::engine::test {

/// Outlet straight into a connection, as sockets are in real packages.
class DirectOutlet final : public Outlet {
 public:
  explicit DirectOutlet(Connection& connection) : connection_(connection) {}
  void send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) override {
    connection_.append(phase, transaction, arrival, count);
  }
  Time latency() const override { return connection_.lookahead(); }

 private:
  Connection& connection_;
};

/// Port 0: towards the next node; port 1: from the previous one. Creates `tokens` transactions at random times; each travels
/// `hops` nodes, waiting a random time at each, and comes home as a response to be retired.
class Node final : public Heart {
 public:
  Node(std::uint64_t seed, int tokens, int hops)
      : random_(seed), hops_(static_cast<std::uint32_t>(hops)), tokens_(tokens) {
    if (tokens_ > 0) next_ = static_cast<Time>(bounded(random_.next(), 50)) * kNanosecond;
  }
  int ports() const override { return 2; }
  void start() override {
    if (next_ != kNever) own_pool();
  }
  Time due() const override { return next_; }
  void advance(Time until) override {
    while (next_ < until) {
      const Time now = next_;
      const Handle handle = own_pool().create();
      transaction(handle).created = now;
      transaction(handle).tag = hops_;
      send(0, Phase::request, handle, now + latency(0));
      const std::uint64_t gap = bounded(random_.next(), 40);
      next_ = --tokens_ > 0 ? now + static_cast<Time>(gap) * kNanosecond : kNever;
    }
  }
  void receive(const Message& message) override {
    Transaction& token = transaction(message.transaction);
    journal().add(token, message.time);
    if (swallow && --*swallow < 0) return;
    if (--token.tag == 0) {
      ++arrived;
      pools().owner(message.transaction).release(message.transaction);
      return;
    }
    const Time pause = static_cast<Time>(mix(token.identity, token.tag) % 30) * kNanosecond;
    send(0, Phase::request, message.transaction, message.time + pause + latency(0));
  }
  void report_waits(std::vector<Wait>& waits) const override {
    if (swallow && *swallow < 0) waits.push_back({name(), "a token it has swallowed", "planted"});
  }

  int arrived = 0;
  std::unique_ptr<int> swallow;  ///< negative control: after this many tokens it keeps them

 private:
  SplitMix64 random_;
  Time next_ = kNever;
  std::uint32_t hops_;
  int tokens_;
};

/// `size` nodes in a ring, node i with link latency 5 + i % 7 ns. Single-threaded pools: only node 0 releases its own tokens
/// (hops is a multiple of the size).
struct Ring {
  Ring(Options options, int size, int tokens, int rounds, bool reversed = false) : engine(options) {
    for (int i = 0; i < size; ++i)
      nodes.push_back(std::make_unique<Node>(17 + static_cast<std::uint64_t>(i), tokens, rounds * size));
    std::vector<Component*> components(static_cast<std::size_t>(size));
    for (int k = 0; k < size; ++k) {
      const int i = reversed ? size - 1 - k : k;
      components[static_cast<std::size_t>(i)] =
          &engine.add("node_" + std::to_string(i), *nodes[static_cast<std::size_t>(i)]);
    }
    for (int k = 0; k < size; ++k) {
      const int i = reversed ? size - 1 - k : k;
      const int next = (i + 1) % size;
      Connection& connection =
          engine.connect("node_" + std::to_string(next) + ".in", *components[static_cast<std::size_t>(i)],
                         *components[static_cast<std::size_t>(next)], 1, (5 + i % 7) * kNanosecond);
      outlets.push_back(std::make_unique<DirectOutlet>(connection));
      nodes[static_cast<std::size_t>(i)]->bind(0, *outlets.back());
    }
    engine.elaborate();
  }
  Status run() {
    while (engine.status() == Status::running) engine.run_window();
    return engine.status();
  }

  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<DirectOutlet>> outlets;
  Engine engine;
};

}  // namespace cowosim::engine::test
