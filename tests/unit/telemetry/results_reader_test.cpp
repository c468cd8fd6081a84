#include "telemetry/results_reader.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "telemetry/summary.h"
#include "telemetry/writers.h"

namespace cowosim::telemetry {
namespace {

Results sample(Time stretch) {
  Results results;
  StreamStatistics statistics;
  for (int i = 0; i < 4; ++i) {
    Transaction transaction;
    transaction.created = i * kMicrosecond;
    transaction.bytes = 64;
    transaction.stages.start(Stage::issue, transaction.created);
    transaction.stages.enter(Stage::queue, transaction.created + 25 * kNanosecond);
    statistics.record(transaction, transaction.created + (100 + i) * kNanosecond + stretch);
  }
  results.streams.push_back(summarise("decode", statistics));
  results.all = results.streams.front();
  results.run.simulated = 10 * kMicrosecond;
  WorkloadResult workload;
  workload.name = "llama3_70b_decode";
  workload.stream = "decode";
  workload.phase = "decode";
  workload.tokens = 1;
  workload.measured = 5 * kMicrosecond + stretch;
  workload.gap = explain_gap(workload.measured, {{"weights", 4 * kMicrosecond}}, {{"refresh", 900 * kNanosecond}});
  results.workload = workload;
  results.blame.push_back({"hbm_stack_0", "hbm", "decode", "refresh", 77 * kNanosecond});
  return results;
}

TEST(ResultsReader, ReadsBackWhatAComparisonNeeds) {
  const Results alone = sample(0);
  const Results contended = sample(500 * kNanosecond);
  const Results again = read_results(results_json(alone), "alone");
  EXPECT_EQ(comparison(again, contended, "decode"), comparison(alone, contended, "decode"));
  EXPECT_NE(comparison(again, contended, "decode"), comparison(alone, alone, "decode"));
}

TEST(ResultsReader, RefusesWhatIsNoResult) {
  EXPECT_THROW(read_results("{", "x"), ConfigError);
  EXPECT_THROW(read_results("{}", "x"), ConfigError);
  EXPECT_THROW(read_results("{\"schema\": \"cowosim-results/1\"}", "x"), ConfigError);
}

}  // namespace
}  // namespace cowosim::telemetry
