// The streams of the reference measurements, bit-exact, and a zero-latency source around one channel that offers them.
//
// One pseudo-channel; 32-byte accesses. splitmix64 seeded 1 + p for addresses, (1 + p) ^ 0xABCDEF for arrivals.
//   rand    one draw, cut into column, bank group, bank, SID, row
//   seqbg   request i cut into bank group, column, bank, SID, row (least significant first)
//   seqco   request i cut into column, bank group, bank, SID, row
//   rnd256  a random block of 8 accesses, in the order of seqbg
// then one draw per request for its direction. `sat`: offered as soon as there is room; `rate L`: slots of 2 CK, taken
// with L per cent; `one`: one outstanding, the next one 64 CK after completion.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "core/random.h"
#include "engine/heart.h"
#include "engine/pool.h"
#include "hbm/channel.h"

namespace cowosim::accuracy {

struct StreamSpec {
  std::string pattern = "seqbg";  ///< rand, seqbg, seqco, rnd256
  char mix = 'r';                 ///< r, w, m (2:1)
  std::string mode = "sat";       ///< sat, rate, one
  int load = 0;                   ///< per cent, mode rate
  std::uint64_t requests = 100000;
  std::uint64_t seed = 1;  ///< 1 + p
};

struct Request {
  Location location;
  bool write;
};

class StreamGenerator {
 public:
  StreamGenerator(const StreamSpec& spec, const MemoryGeometry& geometry)
      : spec_(spec), g_(geometry), random_(spec.seed) {}

  Request next() {
    Request request{};
    const std::uint64_t i = i_++;
    if (spec_.pattern == "rand") {
      std::uint64_t v = random_.next();
      request.location.column = static_cast<std::uint32_t>(cut(v, g_.columns));
      request.location.bank_group = static_cast<std::uint8_t>(cut(v, g_.bank_groups));
      request.location.bank = static_cast<std::uint8_t>(cut(v, g_.banks));
      request.location.sid = static_cast<std::uint8_t>(cut(v, g_.sids));
      request.location.row = static_cast<std::uint32_t>(cut(v, g_.rows));
    } else if (spec_.pattern == "seqco") {
      std::uint64_t v = i;
      request.location.column = static_cast<std::uint32_t>(cut(v, g_.columns));
      request.location.bank_group = static_cast<std::uint8_t>(cut(v, g_.bank_groups));
      rest(v, request.location);
    } else {
      std::uint64_t v = i;
      if (spec_.pattern == "rnd256") {
        const std::uint64_t total =
            static_cast<std::uint64_t>(g_.columns) * g_.bank_groups * g_.banks * g_.sids * g_.rows;
        if (i % 8 == 0) block_ = random_.next() % (total / 8);
        v = 8 * block_ + i % 8;
      }
      request.location.bank_group = static_cast<std::uint8_t>(cut(v, g_.bank_groups));
      request.location.column = static_cast<std::uint32_t>(cut(v, g_.columns));
      rest(v, request.location);
    }
    const std::uint64_t w = random_.next();
    request.write = spec_.mix == 'w' || (spec_.mix == 'm' && w % 3 == 2);
    return request;
  }

 private:
  static std::uint64_t cut(std::uint64_t& v, int n) {
    const std::uint64_t part = v % static_cast<std::uint64_t>(n);
    v /= static_cast<std::uint64_t>(n);
    return part;
  }
  void rest(std::uint64_t v, Location& location) const {
    location.bank = static_cast<std::uint8_t>(cut(v, g_.banks));
    location.sid = static_cast<std::uint8_t>(cut(v, g_.sids));
    location.row = static_cast<std::uint32_t>(cut(v, g_.rows));
  }

  StreamSpec spec_;
  MemoryGeometry g_;
  SplitMix64 random_;
  std::uint64_t i_ = 0;
  std::uint64_t block_ = 0;
};

/// One request's life, in halves of a CK.
struct Life {
  hbm::Half arrival = 0, accepted = 0, done = 0;
  bool write = false;
};

/// A source wired to a channel's door without latency. `slice` > 0: the channel is advanced in steps of at most
/// `slice` too.
class ZeroLatencySource final : public engine::Outlet {
 public:
  ZeroLatencySource(hbm::Channel& channel, const MemoryMap& map, const StreamSpec& spec, bool keep_lives = true)
      : channel_(channel),
        map_(map),
        spec_(spec),
        generator_(spec, map.geometry()),
        arrivals_(spec.seed ^ 0xABCDEF),
        pool_(pools_.add("source")),
        keep_(keep_lives) {
    channel_.set_name("channel");
    channel_.set_pools(pools_);
    channel_.bind(0, *this);
    half_ = channel_.timing().half_period;
    credits_ = channel_.door_entries();
    if (keep_) lives.reserve(spec.requests);
  }

  void send(engine::Phase phase, Handle handle, Time arrival, std::uint16_t count) override {
    switch (phase) {
      case engine::Phase::credit:
        credits_ += count;
        if (keep_) lives[accepted_].accepted = arrival / half_;
        ++accepted_;
        credit_time_ = arrival;
        return;
      case engine::Phase::response:
        if (pools_[handle].op == Op::read) complete(handle, arrival);
        return;
      case engine::Phase::retire:
        complete(handle, arrival);
        return;
      default:
        return;
    }
  }
  Time latency() const override { return 0; }

  /// Runs until everything is done; returns the time of the last completion.
  Time run(Time slice = 0) {
    draw();
    Time sliced = 0;
    while (true) {
      const Time offer = offer_time();
      const Time due = channel_.due();
      const Time t = std::min(offer, due);
      if (t == kNever) break;
      for (; slice > 0 && sliced + slice < t; sliced += slice) channel_.advance(sliced + slice);
      if (offer <= due) {
        offer_next(offer);
      } else {
        channel_.advance(t + 1);
      }
    }
    channel_.advance(last_done + 1);
    return last_done;
  }

  engine::Pools& pools() { return pools_; }

  std::vector<Life> lives;
  Time last_done = 0;
  std::uint64_t hash = 0;  ///< sum of mix(identity, completion)
  std::uint64_t completed = 0;

 private:
  Time offer_time() const {
    if (sent_ == spec_.requests || credits_ == 0) return kNever;
    if (spec_.mode == "one" && completed != sent_) return kNever;
    return std::max(next_arrival_, credit_time_);
  }
  void draw() {
    if (spec_.mode != "rate") return;
    const std::uint64_t threshold =
        spec_.load >= 100 ? 0 : static_cast<std::uint64_t>((static_cast<unsigned __int128>(spec_.load) << 64) / 100);
    while (true) {
      const std::uint64_t v = arrivals_.next();
      const std::int64_t slot = slot_++;
      if (spec_.load >= 100 || v < threshold) {
        next_arrival_ = slot * 4 * half_;
        return;
      }
    }
  }
  void offer_next(Time t) {
    const Request request = generator_.next();
    const Handle handle = pool_.create();
    Transaction& transaction = pool_.at(handle);
    transaction.address = transaction.fetch_address = map_.encode(request.location);
    transaction.bytes = transaction.fetch_bytes = kAtomBytes;
    transaction.op = request.write ? Op::write : Op::read;
    transaction.created = t;
    transaction.tag = static_cast<std::uint32_t>(sent_);
    transaction.stages.start(Stage::issue, t);
    if (keep_) {
      lives.emplace_back();
      lives.back().arrival = (spec_.mode == "sat" ? t : next_arrival_) / half_;
      lives.back().write = request.write;
    }
    ++sent_;
    --credits_;
    draw();
    engine::Message message;
    message.time = t;
    message.transaction = handle;
    message.phase = engine::Phase::request;
    channel_.receive(message);
  }
  void complete(Handle handle, Time t) {
    const Transaction& transaction = pools_[handle];
    if (keep_) lives[transaction.tag].done = t / half_;
    if (t > last_done) last_done = t;
    hash += mix(transaction.identity, static_cast<std::uint64_t>(t));
    ++completed;
    if (spec_.mode == "one") next_arrival_ = t + 128 * half_;
    pool_.release(handle);
  }

  hbm::Channel& channel_;
  const MemoryMap& map_;
  StreamSpec spec_;
  StreamGenerator generator_;
  SplitMix64 arrivals_;
  engine::Pools pools_;
  engine::Pool& pool_;
  bool keep_;
  Time half_;
  int credits_;
  Time credit_time_ = 0;
  Time next_arrival_ = 0;
  std::int64_t slot_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t accepted_ = 0;
};

/// The channel of the reference measurements: one pseudo-channel of HBM3 at 6.4 Gb/s, no hashes.
inline hbm::HbmParams reference_params() {
  hbm::HbmParams params;
  params.stacks = params.channels = params.pseudo_channels = 1;
  params.channel_hash = params.bank_hash = false;
  return params;
}
/// The same of HBM2 at 2.0 Gb/s.
inline hbm::HbmParams hbm2_reference_params() {
  hbm::HbmParams params = reference_params();
  params.generation = "hbm2";
  params.data_rate = 2.0e9;
  params.rows = 32768;
  return params;
}

}  // namespace cowosim::accuracy
