#include "fabric/link.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::fabric {

using engine::Phase;

Link::Link(const LinkParams& params, int channels, Stage stage)
    : params_(params),
      channels_(channels),
      stage_(stage),
      largest_duration_(transfer_time(kLargest, params.bandwidth)) {
  if (channels < 1) throw std::invalid_argument("link: at least one channel");
  paths_.resize(static_cast<std::size_t>(2 * channels));
}

void Link::receive(const engine::Message& message) {
  const bool down = message.port % 2 == 0;
  const int out = message.port ^ 1;
  const Time pipeline = (down ? params_.latency_down : params_.latency_up) + latency(out);
  Time leaves = message.time;
  if (message.phase != Phase::credit) {
    Transaction& tx = transaction(message.transaction);
    // A retirement follows an answer: the transaction's record is its creator's again.
    if (message.phase != Phase::retire) tx.stages.enter(stage_, message.time);
    Path& path = paths_[static_cast<std::size_t>((message.port & ~1) + (down ? kDown : kUp))];
    ++path.counters.messages;
    const bool data = message.phase == (down ? Phase::request : Phase::response) && carries_data(tx.op, down);
    if (data) {
      if (tx.fetch_bytes != known_bytes_) {
        known_bytes_ = tx.fetch_bytes;
        known_duration_ = transfer_time(known_bytes_, params_.bandwidth);
      }
      // The last byte is here now, so the data began to pass a data time ago if they could.
      const Time horizon = message.time - largest_duration_;
      const Time ready = std::max(message.time - known_duration_, horizon);
      path.reservations.forget(horizon);
      const Time start = path.reservations.empty() ? ready : std::max(ready, path.reservations.end());
      path.reservations.charge(ready, start, tx.stream, blame_);
      path.reservations.append(start, start + known_duration_, tx.stream);
      leaves = start + known_duration_;
      path.counters.bytes += known_bytes_;
      path.counters.busy += known_duration_;
      path.counters.wait += start - ready;
    }
    journal().add(tx, leaves);
  }
  send(out, message.phase, message.transaction, leaves + pipeline, message.count);
}

double Link::energy() const {
  std::uint64_t bytes = 0;
  for (const Path& path : paths_) bytes += path.counters.bytes;
  return 8.0 * static_cast<double>(bytes) * params_.energy_per_bit;
}

void Link::statistics(StatVisitor& visit) const {
  Counters sums[2];
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Counters& sum = sums[i % 2];
    sum.messages += paths_[i].counters.messages;
    sum.bytes += paths_[i].counters.bytes;
    sum.busy += paths_[i].counters.busy;
    sum.wait += paths_[i].counters.wait;
  }
  visit("down_messages", "count", static_cast<double>(sums[kDown].messages));
  visit("down_bytes", "B", static_cast<double>(sums[kDown].bytes));
  visit("down_busy", "ns", to_ns(sums[kDown].busy));
  visit("down_wait", "ns", to_ns(sums[kDown].wait));
  visit("up_messages", "count", static_cast<double>(sums[kUp].messages));
  visit("up_bytes", "B", static_cast<double>(sums[kUp].bytes));
  visit("up_busy", "ns", to_ns(sums[kUp].busy));
  visit("up_wait", "ns", to_ns(sums[kUp].wait));
  visit("energy", "pJ", energy());
}

}  // namespace cowosim::fabric
