// What a creator of transactions knows about one stream: how many, how long, and in which stage.
#pragma once

#include <array>
#include <cstdint>

#include "core/transaction.h"
#include "telemetry/histogram.h"

namespace cowosim::telemetry {

struct StreamStatistics {
  std::uint64_t transactions = 0;
  std::uint64_t bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  Time first_created = kNever;
  Time last_response = 0;
  Histogram latency;                           ///< creation to response
  std::array<Histogram, kStages> stages;       ///< per stage, only transactions that spent time there
  std::array<__int128, kStages> stage_sums{};  ///< exact; their sum is latency.sum()

  /// One transaction answered at `t`; its record is closed there (the current stage ends at `t`).
  void record(Transaction& transaction, Time t);
  void merge(const StreamStatistics& other);
};

}  // namespace cowosim::telemetry
