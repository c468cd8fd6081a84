// What a creator of transactions knows about one stream: how many, how long, and in which stage.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/transaction.h"
#include "telemetry/histogram.h"

namespace cowosim::telemetry {

struct StreamStatistics {
  std::uint64_t transactions = 0;
  std::uint64_t bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;  ///< all that bring data: collective operations, too
  Time first_created = kNever;
  Time last_response = 0;
  Histogram latency;  ///< creation to response
  std::array<Histogram, kStages>
      stages;  ///< per stage, only transactions that spent time there; their sums add up to latency.sum()

  /// One transaction answered at `t`; its record is closed there (the current stage ends at `t`).
  void record(Transaction& transaction, Time t) {
    transaction.stages.enter(transaction.stages.current(), t);
    ++transactions;
    ++(carries_data(transaction.op, true) ? writes : reads);
    bytes += transaction.bytes;
    first_created = std::min(first_created, transaction.created);
    last_response = std::max(last_response, t);
    latency.add(t - transaction.created);
    for (std::uint64_t visited = transaction.stages.visited(); visited != 0; visited &= visited - 1) {
      const int stage = __builtin_ctzll(visited);
      stages[static_cast<std::size_t>(stage)].add(transaction.stages[static_cast<Stage>(stage)]);
    }
  }
  void merge(const StreamStatistics& other);
};

}  // namespace cowosim::telemetry
