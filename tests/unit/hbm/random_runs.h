// Random channels and random requests for them, each a function of its seed.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "core/random.h"
#include "hbm/hbm_params.h"

namespace cowosim::hbm {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  /// In [low, high].
  int of(int low, int high) {
    return low + static_cast<int>(bounded(random_.next(), static_cast<std::uint64_t>(high - low + 1)));
  }
  bool chance(int percent) { return of(1, 100) <= percent; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[of(0, static_cast<int>(values.size()) - 1)];
  }

 private:
  SplitMix64 random_;
};

/// Any organisation and generation; `controller` stays as it is.
inline HbmParams random_device(Dice& dice) {
  HbmParams p;
  const Generation& g = generations()[static_cast<std::size_t>(dice.of(0, static_cast<int>(generations().size()) - 1))];
  p.generation = g.name;
  p.data_rate = g.grades[static_cast<std::size_t>(dice.of(0, static_cast<int>(g.grades.size()) - 1))].data_rate;
  p.stacks = p.channels = 1;
  p.pseudo_channels = dice.of(1, 2);
  p.sids = dice.pick({1, 1, 2, 3, 4});
  p.bank_groups = g.bank_groups;
  p.banks = g.banks;
  p.rows = dice.pick({8192, 16384});
  p.columns = g.columns;
  p.channel_hash = false;
  p.bank_hash = dice.chance(30) && p.sids != 3;
  using Map = std::vector<std::string>;
  p.address_map = dice.pick({Map{"row", "sid", "bank", "column", "pseudo_channel", "bank_group", "offset"},
                             Map{"row", "sid", "bank", "bank_group", "pseudo_channel", "column", "offset"},
                             Map{"row", "pseudo_channel", "sid", "bank", "column", "bank_group", "offset"},
                             Map{"row", "column", "sid", "bank", "bank_group", "pseudo_channel", "offset"}});
  return p;
}

inline void randomize_controller(Dice& dice, HbmParams& p) {
  ControllerParams& c = p.controller;
  c.read_queue_entries = dice.pick({16, 17, 32, 64});
  c.write_queue_entries = dice.pick({16, 24, 32, 64});
  c.queues = dice.pick({"split", "shared"});
  const int low = dice.of(0, 100);
  c.write_low_watermark = low / 100.0;
  c.write_high_watermark = dice.of(low, 100) / 100.0;
  c.drain = dice.pick({"watermarks", "watermarks", "in_order"});
  c.scheduler = dice.pick({"fr_fcfs", "fr_fcfs", "fr_fcfs_cap", "fcfs"});
  c.hit_cap = dice.of(1, 8);
  c.priority_age_limit = dice.of(0, 500) * kNanosecond;
  c.page_policy = dice.pick({"open", "closed", "timeout", "adaptive"});
  c.page_timeout = dice.of(0, 300) * kNanosecond;
  c.refresh = dice.pick({"all_bank", "per_bank"});
  c.refresh_policy = dice.pick({"strict", "hidden"});
  c.refresh_postpone = dice.of(0, 8);
  c.refresh_pull_in = dice.of(0, 8);
  c.refresh_stagger = dice.chance(30);
  c.refresh_management = find_generation(p.generation)->refresh_management && dice.chance(50);
  c.raaimt = dice.of(4, 40);
  c.raammt = c.raaimt + dice.of(1, 100);
  c.door_entries = dice.pick({1, 3, 16, 64});
  c.credit_batch = dice.pick({1, 1, 4, 100});
  c.front_latency = dice.chance(50) ? 0 : dice.of(1, 20000) * kPicosecond;
  c.return_latency = dice.chance(50) ? 0 : dice.of(1, 20000) * kPicosecond;
  p.temperature = dice.pick({50, 85, 90, 100});
  p.ecc.mode = dice.pick({"none", "on_die", "sideband"});
  p.ecc.bit_error_rate = dice.chance(50) ? 0 : dice.pick({1e-4, 1e-3});
  p.ecc.latency = dice.of(0, 5) * kNanosecond;
  p.ecc.replays = dice.of(0, 3);
}

/// One request of a random stream.
struct RandomRequest {
  Time gap;  ///< behind the one before
  Op op;
  std::uint64_t address;
  std::uint32_t bytes;
  StreamId stream;
};

/// Phases of bursts, hot banks, hot rows, sequences and anything, with pauses of many tREFI between some of them.
class RandomRequests {
 public:
  RandomRequests(Dice& dice, const MemoryMap& map, Time refresh_interval, int streams)
      : dice_(dice), map_(map), g_(map.geometry()), refresh_interval_(refresh_interval), streams_(streams) {}

  RandomRequest next() {
    if (left_-- == 0) new_phase();
    RandomRequest r{};
    const bool pause = left_ == 0 && dice_.chance(20);
    r.gap = pause ? dice_.of(1, 12000) * (refresh_interval_ / 1000) : dice_.of(0, spacing_) * kPicosecond;
    r.op = dice_.chance(writes_) ? Op::write : Op::read;
    r.stream = static_cast<StreamId>(dice_.of(0, streams_ - 1));
    const int accesses = largest_ > 1 && dice_.chance(50) ? dice_.of(1, largest_) : 1;
    r.bytes = static_cast<std::uint32_t>(accesses) * 32;
    if (dice_.chance(10)) r.bytes -= static_cast<std::uint32_t>(dice_.of(0, 31));
    r.address = kind_ == kSequence ? sequence_ : map_.encode(place()) & ~std::uint64_t{31};
    sequence_ += static_cast<std::uint64_t>(accesses) * 32;
    return r;
  }

 private:
  enum Kind { kSequence, kHotRow, kHotBank, kAnything, kKinds };

  void new_phase() {
    left_ = dice_.of(1, 80);
    kind_ = dice_.of(0, kKinds - 1);
    spacing_ = dice_.pick({0, 0, 2000, 20000, 200000});
    writes_ = dice_.pick({0, 20, 50, 100});
    largest_ = dice_.pick({1, 4, 16});
    hot_ = anywhere();
    sequence_ = map_.encode(hot_) & ~std::uint64_t{511};
  }
  Location anywhere() {
    Location l;
    l.pseudo_channel = static_cast<std::uint8_t>(dice_.of(0, g_.pseudo_channels - 1));
    l.sid = static_cast<std::uint8_t>(dice_.of(0, g_.sids - 1));
    l.bank_group = static_cast<std::uint8_t>(dice_.of(0, g_.bank_groups - 1));
    l.bank = static_cast<std::uint8_t>(dice_.of(0, g_.banks - 1));
    l.row = static_cast<std::uint32_t>(dice_.of(0, g_.rows - 3));  // what follows is inside too
    l.column = static_cast<std::uint32_t>(dice_.of(0, g_.columns - 1));
    return l;
  }
  Location place() {
    if (kind_ == kAnything) return anywhere();
    Location l = hot_;
    l.column = static_cast<std::uint32_t>(dice_.of(0, g_.columns - 1));
    if (kind_ == kHotBank) l.row = static_cast<std::uint32_t>(dice_.of(0, 2));
    if (dice_.chance(20)) l.pseudo_channel = static_cast<std::uint8_t>(dice_.of(0, g_.pseudo_channels - 1));
    return l;
  }

  Dice& dice_;
  const MemoryMap& map_;
  const MemoryGeometry& g_;
  Time refresh_interval_;
  int streams_;
  int left_ = 0, kind_ = kAnything, spacing_ = 0, writes_ = 0, largest_ = 1;
  Location hot_;
  std::uint64_t sequence_ = 0;
};

/// What a failing seed was about.
inline std::string describe(const HbmParams& p) {
  const ControllerParams& c = p.controller;
  const auto n = [](auto x) { return std::to_string(x); };
  return p.generation + " " + n(p.data_rate / 1e9) + " sids " + n(p.sids) + " pcs " + n(p.pseudo_channels) + " " +
         c.scheduler + " cap " + n(c.hit_cap) + " " + c.page_policy + " " + n(c.page_timeout / kNanosecond) + " " +
         c.refresh + " " + c.refresh_policy + " -" + n(c.refresh_postpone) + " +" + n(c.refresh_pull_in) + " " +
         c.queues + " r" + n(c.read_queue_entries) + " w" + n(c.write_queue_entries) + " marks " +
         n(c.write_low_watermark) + " " + n(c.write_high_watermark) + " " + c.drain + " rfm " +
         n(c.refresh_management) + " " + n(c.raaimt) + "/" + n(c.raammt) + " ecc " + p.ecc.mode + " " +
         n(p.ecc.bit_error_rate * 1e6) + "e-6 x" + n(p.ecc.replays) + " door " + n(c.door_entries) + " batch " +
         n(c.credit_batch) + " " + n(p.temperature) + " C";
}

}  // namespace cowosim::hbm
