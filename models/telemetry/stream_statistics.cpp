#include "telemetry/stream_statistics.h"

#include <algorithm>

namespace cowosim::telemetry {

void StreamStatistics::merge(const StreamStatistics& other) {
  transactions += other.transactions;
  reads += other.reads;
  writes += other.writes;
  bytes += other.bytes;
  first_created = std::min(first_created, other.first_created);
  last_response = std::max(last_response, other.last_response);
  latency.merge(other.latency);
  for (std::size_t s = 0; s < kStages; ++s) stages[s].merge(other.stages[s]);
}

}  // namespace cowosim::telemetry
