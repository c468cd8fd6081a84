// Point-to-point link of several channels: the HBM PHY and its interposer wires.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parameter.h"
#include "engine/heart.h"
#include "telemetry/blame.h"
#include "telemetry/reservations.h"

namespace cowosim::fabric {

/// Defaults: HBM3 at 5.23 Gb/s (H100 SXM5), both PHYs and the interposer between them.
struct LinkParams {
  std::int64_t latency_down = 10'000'000;   // fs
  std::int64_t latency_up = 10'000'000;     // fs
  std::int64_t bandwidth = 41'875'000'000;  // bytes per second, a channel, each direction
  double energy_per_bit = 0.5;              // pJ

  template <class Visitor>
  void visit(Visitor& v) {
    v("latency_down", latency_down, Unit::time, Range{1, 1e12}, "from the die to the memory: PHY, wires, PHY",
      "assumption [4 ns, 20 ns]: DFI write path and serialiser of an HBM PHY; not published for H100");
    v("latency_up", latency_up, Unit::time, Range{1, 1e12}, "from the memory to the die: PHY, wires, PHY",
      "assumption [4 ns, 20 ns]: DFI read path, receive FIFO and clock crossing of an HBM PHY; not published for H100");
    v("bandwidth", bandwidth, Unit::bandwidth, Range{1e6, 1e14}, "of one channel, in each direction",
      "64 data pins x 5.23 Gb/s: JEDEC JESD238 (HBM3) channel width; pin rate from 3.35 TB/s over 5120 pins (H100 SXM5 "
      "data sheet)");
    v("energy_per_bit", energy_per_bit, Unit::energy_bit, Range{0, 1000}, "energy of a data bit through the link",
      "assumption [0.3 pJ/bit, 1 pJ/bit]: published HBM2E and HBM3 interface (PHY and wire) efficiencies");
  }
};

/// `channels` lanes side by side, each with its own data path a direction. A message stands for its last byte: it leaves at
/// max(now, end of the data before it on that path + its own data time) + latency. So a lone message takes exactly the latency, and
/// data never pass faster than the bandwidth. Write data go down, read data come up (Transaction::fetch_bytes); headers, credits,
/// acceptances and retirements are carried beside the data, at the latency alone.
///
/// Ports: 2i is the upstream side of channel i (cache slice), 2i + 1 its downstream side (memory). Own events: none.
class Link final : public engine::Heart {
 public:
  /// `stage` is entered at arrival, in both directions. Throws std::invalid_argument for channels < 1.
  Link(const LinkParams& params, int channels, Stage stage = Stage::phy);

  int ports() const override { return 2 * channels_; }
  Time due() const override { return kNever; }
  void advance(Time) override {}
  void receive(const engine::Message& message) override;
  void statistics(StatVisitor& visit) const override;

  /// What the link adds to the latency of its outlet at `port`.
  Time output_pipeline(int port) const override { return port % 2 == 0 ? params_.latency_up : params_.latency_down; }

  struct Counters {
    std::uint64_t messages = 0;  ///< without credits
    std::uint64_t bytes = 0;
    Time busy = 0;
    Time wait = 0;
  };
  enum Direction : std::uint8_t { kDown, kUp };
  const Counters& counters(int channel, Direction direction) const { return paths_[2 * channel + direction].counters; }
  std::int64_t bandwidth() const { return params_.bandwidth; }
  double energy() const;  ///< pJ, of all data so far
  const telemetry::Blame& blame() const { return blame_; }

 private:
  struct Path {
    telemetry::Reservations reservations;
    Counters counters;
  };
  /// The largest transaction (design: an interleave granule is at most 512 bytes): how far back data may have begun.
  static constexpr std::uint32_t kLargest = 512;

  LinkParams params_;
  int channels_;
  Stage stage_;
  Time largest_duration_;
  std::uint32_t known_bytes_ = 0;  // durations repeat: the last one computed
  Time known_duration_ = 0;
  std::vector<Path> paths_;
  telemetry::Blame blame_;
};

}  // namespace cowosim::fabric
