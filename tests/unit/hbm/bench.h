// A channel on a bench: requests at given edges, everything that comes back and every command kept and checked.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "accuracy/hbm/reference_streams.h"
#include "hbm/channel.h"
#include "hbm/checker/protocol_checker.h"

namespace cowosim::hbm {

class Bench final : public engine::Outlet, public CommandSink {
 public:
  struct Sent {
    Handle handle;
    Time response = -1, retire = -1;
    int responses = 0, retires = 0;
  };

  explicit Bench(const HbmParams& params, int streams = 1) : Bench(params, ChannelContext{streams, 0, {}}) {}
  Bench(const HbmParams& params, const ChannelContext& context)
      : map(make_memory_map(params)),
        channel(params, map, context),
        checker(params, "channel"),
        pool_(pools.add("bench")) {
    channel.set_name("channel");
    channel.set_pools(pools);
    channel.bind(0, *this);
    channel.trace_commands(this);
  }
  ~Bench() override {
    for (const Violation& violation : checker.violations()) EXPECT_TRUE(!keeps_protocol) << violation.text;
  }

  Location at(int bank_group, int bank, int row, int column = 0, int sid = 0, int pseudo_channel = 0) const {
    Location l;
    l.bank_group = static_cast<std::uint8_t>(bank_group);
    l.bank = static_cast<std::uint8_t>(bank);
    l.row = static_cast<std::uint32_t>(row);
    l.column = static_cast<std::uint32_t>(column);
    l.sid = static_cast<std::uint8_t>(sid);
    l.pseudo_channel = static_cast<std::uint8_t>(pseudo_channel);
    return l;
  }

  std::size_t request(Half h, Op op, const Location& l, std::uint32_t bytes = 32, StreamId stream = 0) {
    return request_at(channel.timing().edge(h), op, map.encode(l), bytes, stream);
  }
  std::size_t request_at(Time t, Op op, std::uint64_t address, std::uint32_t bytes, StreamId stream = 0) {
    channel.advance(t);
    const Handle handle = pool_.create();
    Transaction& x = pools[handle];
    x.address = x.fetch_address = address;
    x.bytes = x.fetch_bytes = bytes;
    x.op = op;
    x.stream = stream;
    x.created = t;
    x.tag = static_cast<std::uint32_t>(sent.size());
    x.stages.start(Stage::issue, t);
    sent.push_back({handle});
    engine::Message m;
    m.time = t;
    m.transaction = handle;
    m.phase = engine::Phase::request;
    channel.receive(m);
    return sent.size() - 1;
  }
  std::size_t read(Half h, const Location& l) { return request(h, Op::read, l); }
  std::size_t write(Half h, const Location& l) { return request(h, Op::write, l); }

  /// Until nothing is left to do.
  void drain() {
    while (channel.due() != kNever) channel.advance(channel.due() + 1);
  }
  void release() {
    for (const Sent& s : sent) pool_.release(s.handle);
    sent.clear();
  }

  void send(engine::Phase phase, Handle handle, Time arrival, std::uint16_t count) override {
    if (phase == engine::Phase::credit) {
      credits += count;
      credited.insert(credited.end(), count, arrival);
      accepted.push_back(arrival / channel.timing().half_period);
    } else {
      Sent& s = sent[pools[handle].tag];
      (phase == engine::Phase::response ? s.response : s.retire) = arrival;
      ++(phase == engine::Phase::response ? s.responses : s.retires);
    }
  }
  Time latency() const override { return 0; }
  void command(const CommandRecord& record) override {
    commands.push_back(record);
    checker.check(record);
  }

  /// Transactions in the door.
  int at_door() const { return static_cast<int>(sent.size()) - credits; }
  std::vector<std::string> broken() const {
    std::vector<std::string> all;
    channel.check_idle(all);
    return all;
  }

  /// Edge of the n-th (from 0) command of a kind; -1 if there is none.
  Half edge_of(Command command, int n = 0) const {
    for (const CommandRecord& r : commands)
      if (r.command == command && n-- == 0) return r.time / channel.timing().half_period;
    return -1;
  }
  Half latency_of(std::size_t i) const {
    return (sent[i].response - pools_at(i).created) / channel.timing().half_period;
  }
  const Transaction& pools_at(std::size_t i) const { return const_cast<engine::Pools&>(pools)[sent[i].handle]; }

  engine::Pools pools;
  MemoryMap map;
  Channel channel;
  ProtocolChecker checker;
  bool keeps_protocol = true;  ///< to be switched off by tests that break it on purpose
  std::vector<CommandRecord> commands;
  std::vector<Sent> sent;
  std::vector<Half> accepted;
  std::vector<Time> credited;  ///< when each credit arrived
  int credits = 0;

 private:
  engine::Pool& pool_;
};

inline HbmParams no_refresh() {
  HbmParams p = accuracy::reference_params();
  p.controller.refresh = "none";
  return p;
}

}  // namespace cowosim::hbm
