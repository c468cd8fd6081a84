#include "telemetry/stream_statistics.h"

#include <algorithm>

namespace cowosim::telemetry {

void StreamStatistics::record(Transaction& transaction, Time t) {
  transaction.stages.enter(transaction.stages.current(), t);
  ++transactions;
  ++(transaction.op == Op::write ? writes : reads);
  bytes += transaction.bytes;
  first_created = std::min(first_created, transaction.created);
  last_response = std::max(last_response, t);
  latency.add(t - transaction.created);
  for (unsigned visited = transaction.stages.visited(); visited != 0; visited &= visited - 1) {
    const auto s = static_cast<std::size_t>(__builtin_ctz(visited));
    const Time spent = transaction.stages[static_cast<Stage>(s)];
    if (spent == 0) continue;
    stages[s].add(spent);
    stage_sums[s] += spent;
  }
}

void StreamStatistics::merge(const StreamStatistics& other) {
  transactions += other.transactions;
  reads += other.reads;
  writes += other.writes;
  bytes += other.bytes;
  first_created = std::min(first_created, other.first_created);
  last_response = std::max(last_response, other.last_response);
  latency.merge(other.latency);
  for (std::size_t s = 0; s < kStages; ++s) {
    stages[s].merge(other.stages[s]);
    stage_sums[s] += other.stage_sums[s];
  }
}

}  // namespace cowosim::telemetry
