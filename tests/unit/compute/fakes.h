// The rest of a die for tests of cores and slices: a network of fixed latency, a memory of fixed service time, a dispatcher,
// and programs made of given tiles. Everything through ports, as in a package.
#pragma once

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "core/memory_map.h"
#include "engine/heart.h"
#include "work/tile.h"

namespace cowosim::test {

/// `stacks` x `channels` channels, 1 MiB each.
inline MemoryMap small_map(int stacks, int channels, std::int64_t granule = 256) {
  MemoryGeometry g;
  g.stacks = stacks;
  g.channels = channels;
  g.rows = 64;
  MemoryMapOptions o;
  o.granule = granule;
  return MemoryMap(g, o);
}

/// Every message takes `latency` to the terminal it names.
class FakeNetwork final : public engine::Heart {
 public:
  FakeNetwork(int terminals, Time latency) : terminals_(terminals), latency_(latency) {}
  int ports() const override { return terminals_; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& m) override {
    Transaction& tx = transaction(m.transaction);
    const bool request = m.phase == engine::Phase::request;
    tx.stages.enter(request ? Stage::noc : Stage::return_path, m.time);
    ++messages;
    send(tx.destination, m.phase, m.transaction, m.time + latency_, m.count);
  }
  std::uint64_t messages = 0;

 private:
  int terminals_;
  Time latency_;
};

/// One channel: a door of `entries`, each request served `service` after the one before, data `latency` after its service.
class FakeMemory final : public engine::Heart {
 public:
  FakeMemory(int entries, Time service, Time latency) : entries_(entries), service_(service), latency_(latency) {}
  int ports() const override { return 1; }
  Time due() const override { return queue_.empty() ? kNever : std::max(free_, queue_.front().second); }
  void advance(Time until) override {
    while (due() < until) {
      const Time t = due();
      const Handle handle = queue_.front().first;
      queue_.pop_front();
      free_ = t + service_;
      Transaction& tx = transaction(handle);
      tx.stages.enter(Stage::bank, t);
      tx.stages.enter(Stage::data, t + latency_ / 2);
      send(0, engine::Phase::credit, kNoHandle, t);
      if (tx.op == Op::write) {
        written_bytes += tx.fetch_bytes;
        send(0, engine::Phase::response, handle, t);
        send(0, engine::Phase::retire, handle, t + latency_);
      } else {
        read_bytes += tx.fetch_bytes;
        send(0, engine::Phase::response, handle, t + latency_);
      }
    }
  }
  void receive(const engine::Message& m) override {
    transaction(m.transaction).stages.enter(Stage::queue, m.time);
    queue_.emplace_back(m.transaction, m.time);
    if (static_cast<int>(queue_.size()) > entries_) ++overflows;
  }
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  int overflows = 0;

 private:
  int entries_;
  Time service_;
  Time latency_;
  Time free_ = 0;
  std::deque<std::pair<Handle, Time>> queue_;
};

class TileList final : public work::Operator {
 public:
  explicit TileList(std::vector<work::Tile> tiles) : Operator("tiles", "probe"), tiles_(std::move(tiles)) {}
  std::uint64_t tiles() const override { return tiles_.size(); }
  work::Tile tile(std::uint64_t index) const override { return tiles_[index]; }

 private:
  std::vector<work::Tile> tiles_;
};

inline std::unique_ptr<work::Program> program_of(StreamId stream, std::vector<work::Tile> tiles) {
  auto program = std::make_unique<work::Program>();
  program->name = "program_" + std::to_string(stream);
  program->workload = "test";
  program->stream = stream;
  program->operators.push_back(std::make_unique<TileList>(std::move(tiles)));
  return program;
}

inline work::Access rows(std::uint64_t base, std::uint64_t bytes) {
  work::Access a;
  a.base = base;
  a.row_bytes = bytes;
  a.rows = 1;
  a.pitch = bytes;
  return a;
}

/// Launches the given tiles (program, tile) at time zero, tile i on core i % cores.
class Dispatcher final : public engine::Heart {
 public:
  Dispatcher(int cores, std::vector<std::pair<int, std::uint64_t>> tiles) : cores_(cores), tiles_(std::move(tiles)) {}
  void start() override { own_pool(); }
  int ports() const override { return cores_; }
  Time due() const override { return launched_ ? kNever : 0; }
  void advance(Time until) override {
    if (launched_ || until <= 0) return;
    launched_ = true;
    for (std::size_t i = 0; i < tiles_.size(); ++i) {
      const Handle handle = own_pool().create();
      Transaction& tx = transaction(handle);
      tx.op = Op::launch;
      tx.workload = static_cast<std::uint8_t>(tiles_[i].first);
      tx.address = tiles_[i].second;
      send(static_cast<int>(i) % cores_, engine::Phase::request, handle, 0);
    }
  }
  void receive(const engine::Message& m) override {
    own_pool().release(m.transaction);
    ++done;
    last = m.time;
  }
  std::size_t done = 0;
  Time last = 0;

 private:
  int cores_;
  std::vector<std::pair<int, std::uint64_t>> tiles_;
  bool launched_ = false;
};

}  // namespace cowosim::test
