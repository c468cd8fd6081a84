// Hearts of foreign models in a small world: an engine, a memory or a requester made of chalk, and a foreign model that is a
// list of calls.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bridge/foreign_initiator.h"
#include "bridge/foreign_target.h"
#include "engine/engine.h"

namespace cowosim::bridge::test {

constexpr Time kNs = kNanosecond;

/// Straight into a connection, as sockets are in real packages.
class Wire final : public engine::Outlet {
 public:
  explicit Wire(engine::Connection& connection) : connection_(connection) {}
  void send(engine::Phase phase, Handle transaction, Time arrival, std::uint16_t count) override {
    connection_.append(phase, transaction, arrival, count);
  }
  Time latency() const override { return 0; }

 private:
  engine::Connection& connection_;
};

constexpr Time kWire = 10 * kNs;  // the lookahead of every connection; hearts' pipelines are at least that

/// Doors of `ports` channels. A request is taken out of its door after `service` (one at a time), which gives its credit back, and
/// answered `access` after it came; writes are accepted when they are taken out and retire at the end of `access`.
class ChalkMemory final : public engine::Heart {
 public:
  struct Seen {
    Time arrival;
    int port;
    std::uint64_t address;
    std::uint32_t bytes;
    Op op;
  };
  explicit ChalkMemory(int ports) : busy(static_cast<std::size_t>(ports), 0), ports_(ports) {}
  int ports() const override { return ports_; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override {
    Transaction& tx = transaction(message.transaction);
    tx.stages.enter(Stage::queue, message.time);
    seen.push_back({message.time, message.port, tx.address, tx.bytes, tx.op});
    EXPECT_EQ(tx.fetch_address, tx.address);
    EXPECT_EQ(tx.fetch_bytes, tx.bytes);
    Time& free = busy[message.port];
    const Time taken = free = std::max(free, message.time) + service;
    tx.stages.enter(Stage::data, taken);
    const Time end = message.time + access(tx);
    if (gives_credits) send(message.port, engine::Phase::credit, kNoHandle, taken + kWire);
    if (tx.op == Op::read || !posted) {
      send(message.port, tx.op == Op::read ? engine::Phase::response : engine::Phase::retire, message.transaction,
           std::max(end, taken) + kWire);
    } else {
      send(message.port, engine::Phase::response, message.transaction, taken + kWire);
      send(message.port, engine::Phase::retire, message.transaction, std::max(end, taken) + kWire);
    }
  }
  std::vector<Seen> seen;
  std::vector<Time> busy;
  Time service = kNs;
  std::function<Time(const Transaction&)> access = [](const Transaction&) { return 30 * kNs; };
  bool posted = true;
  bool gives_credits = true;

 private:
  int ports_;
};

/// One call of a foreign initiator.
struct Call {
  Time called;
  int socket;
  Op op;
  std::uint64_t address;
  std::uint32_t bytes;
  ForeignInitiator::Target target = ForeignInitiator::Target::memory;
};

/// A foreign initiator, its heart and a memory.
struct InitiatorBench final : engine::Outside {
  InitiatorBench(const ForeignParams& params_, InitiatorContext context, int ports = 1, engine::Options options = {})
      : params(params_), engine(options), heart(params, context), memory(ports) {
    engine::Component& in = engine.add("foreign", heart);
    engine::Component& out = engine.add("memory", memory);
    for (int i = 0; i < ports; ++i) {
      const std::string number = std::to_string(100 + i);
      lay("memory.in_" + number, in, out, i, heart, params.sockets + i);
      lay("foreign.in_" + number, out, in, params.sockets + i, memory, i);
    }
    for (int i = 0; i < params.sockets; ++i) {
      gates.push_back(&engine.open("foreign.socket_" + std::to_string(i), in, i, params.crossing_latency, *this, true));
      heart.bind(i, *gates.back());
    }
    memory.gives_credits = context.credits >= 0;
    engine.elaborate();
  }
  void lay(const std::string& name, engine::Component& from, engine::Component& to, int to_port, engine::Heart& heart_,
           int port) {
    wires.push_back(std::make_unique<Wire>(engine.connect(name, from, to, to_port, kWire)));
    heart_.bind(port, *wires.back());
  }

  struct Done {
    Call call;
    Time delivered = kNever;
  };
  void leave(const engine::Message& message) override { arriving.emplace(message.time, message); }

  /// Makes all calls, takes `hold` to acknowledge each response, and closes.
  void run(std::vector<Call> calls) {
    std::stable_sort(calls.begin(), calls.end(), [](const Call& a, const Call& b) { return a.called < b.called; });
    std::size_t next = 0;
    while (engine.status() == engine::Status::running) {
      const Time call = next < calls.size() ? calls[next].called : kNever;
      const Time answer = arriving.empty() ? kNever : arriving.begin()->first;
      const Time outside = std::min(call, answer);
      if (!engine.waits_for_outside() && engine.next_due() <= outside) {
        engine.run_window();
      } else if (outside == kNever) {
        if (engine.outside_owes()) break;  // stuck: the test will see
        for (engine::Gate* gate : gates) engine.close(*gate);
        engine.run_window();
      } else if (answer <= call) {
        deliver();
      } else {
        make(calls[next++]);
      }
    }
  }
  void make(const Call& call) {
    const std::uint32_t number = heart.open(call.socket, call.op, call.address, call.bytes, call.called, call.target);
    if (open.size() <= number) open.resize(number + 1);
    open[number] = done.size();
    done.push_back({call, kNever});
    engine.enter(*gates[static_cast<std::size_t>(call.socket)], engine::Phase::request, number,
                 call.called + params.crossing_latency);
  }
  void deliver() {
    const engine::Message message = arriving.begin()->second;
    arriving.erase(arriving.begin());
    const Time t = message.time;
    done[open[message.transaction]].delivered = t;
    heart.delivered(message.transaction, t);
    engine.enter(*gates[message.port], engine::Phase::retire, message.transaction, t + params.crossing_latency);
  }
  std::vector<Time> latencies() const {
    std::vector<Time> all;
    for (const Done& one : done)
      all.push_back(one.delivered == kNever ? kNever : (one.delivered - one.call.called) / kNs);
    return all;
  }
  std::vector<Time> arrivals() const {
    std::vector<Time> all;
    for (const auto& seen : memory.seen) all.push_back(seen.arrival / kNs);
    return all;
  }
  void expect_idle() const {
    EXPECT_EQ(engine.status(), engine::Status::completed) << engine.reason();
    EXPECT_THAT(engine.violations(), testing::IsEmpty());
    const telemetry::StreamStatistics& stream = heart.stream();
    __int128 sum = 0;
    for (const telemetry::Histogram& stage : stream.stages) sum += stage.sum();
    EXPECT_TRUE(sum == stream.latency.sum()) << "stages add up";
  }

  ForeignParams params;
  engine::Engine engine;
  ForeignInitiator heart;
  ChalkMemory memory;
  std::vector<std::unique_ptr<Wire>> wires;
  std::vector<engine::Gate*> gates;
  std::multimap<Time, engine::Message> arriving;
  std::vector<Done> done;
  std::vector<std::size_t> open;
};

}  // namespace cowosim::bridge::test
