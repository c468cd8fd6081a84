// One heart on the bench: messages in by hand, everything it sends is recorded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/heart.h"

namespace cowosim::test {

class HeartBench {
 public:
  struct Sent {
    int port;
    engine::Phase phase;
    Handle transaction;
    Time arrival;
    std::uint16_t count;
  };

  explicit HeartBench(engine::Heart& heart, Time latency = 0, const std::string& name = "heart") : heart_(heart) {
    heart.set_name(name);
    heart.set_pools(pools);
    creator_ = &pools.add("bench");
    for (int port = 0; port < heart.ports(); ++port) {
      outlets_.push_back(std::make_unique<Recorder>(*this, port, latency));
      heart.bind(port, *outlets_.back());
    }
    heart.start();
  }

  /// A transaction of the bench's own, created at `t`.
  Handle make(Op op, std::uint64_t address, std::uint32_t bytes, Time t, StreamId stream = 0) {
    const Handle handle = creator_->create();
    Transaction& tx = pools[handle];
    tx.op = op;
    tx.address = tx.fetch_address = address;
    tx.bytes = tx.fetch_bytes = bytes;
    tx.stream = stream;
    tx.created = t;
    tx.stages.start(Stage::issue, t);
    return handle;
  }
  void release(Handle handle) { creator_->release(handle); }
  void release_all() {
    for (const Sent& s : sent) {
      if (s.transaction != kNoHandle && &pools.owner(s.transaction) == creator_ && s.phase != engine::Phase::request) {
        creator_->release(s.transaction);
      }
    }
  }

  void deliver(int port, engine::Phase phase, Handle handle, Time t, std::uint16_t count = 1) {
    if (heart_.due() < t) heart_.advance(t);
    engine::Message message;
    message.time = t;
    message.transaction = handle;
    message.port = static_cast<std::uint16_t>(port);
    message.count = count;
    message.phase = phase;
    heart_.receive(message);
  }

  std::vector<std::string> violations() const {
    std::vector<std::string> found;
    heart_.check_idle(found);
    return found;
  }

  engine::Pools pools;
  std::vector<Sent> sent;

 private:
  class Recorder final : public engine::Outlet {
   public:
    Recorder(HeartBench& bench, int port, Time latency) : bench_(bench), port_(port), latency_(latency) {}
    void send(engine::Phase phase, Handle transaction, Time arrival, std::uint16_t count) override {
      bench_.sent.push_back({port_, phase, transaction, arrival, count});
    }
    Time latency() const override { return latency_; }

   private:
    HeartBench& bench_;
    int port_;
    Time latency_;
  };

  engine::Heart& heart_;
  engine::Pool* creator_ = nullptr;
  std::vector<std::unique_ptr<Recorder>> outlets_;
};

/// Statistics by name.
class StatValues final : public StatVisitor {
 public:
  explicit StatValues(const engine::Heart& heart) { heart.statistics(*this); }
  void operator()(const char* name, const char*, double value) override { values_.emplace_back(name, value); }
  double operator[](const std::string& name) const {
    for (const auto& [key, value] : values_) {
      if (key == name) return value;
    }
    return -1;
  }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

}  // namespace cowosim::test
