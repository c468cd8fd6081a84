#include "telemetry/results_reader.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "telemetry/writers.h"

namespace cowosim::telemetry {

namespace {

using Json = nlohmann::json;

Time time_of(const Json& ns) { return static_cast<Time>(std::llround(ns.get<double>() * 1e6)); }

std::vector<GapTerm> terms_of(const Json& list) {
  std::vector<GapTerm> terms;
  for (const Json& term : list) terms.push_back({term.at("term").get<std::string>(), time_of(term.at("ns"))});
  return terms;
}

StreamResult stream_of(const std::string& name, const Json& json) {
  StreamResult stream;
  stream.name = name;
  stream.transactions = json.at("transactions").get<std::uint64_t>();
  stream.bytes = json.at("bytes").get<std::uint64_t>();
  stream.interval = time_of(json.at("interval_ns"));
  const Json& latency = json.at("latency_ns");
  stream.latency.count = latency.at("count").get<std::uint64_t>();
  const auto sum_of = [&](const Json& mean) {
    return static_cast<__int128>(std::llround(mean.get<double>() * 1e6 * static_cast<double>(stream.latency.count)));
  };
  if (stream.latency.count == 0) return stream;
  stream.latency.sum = sum_of(latency.at("mean"));
  for (std::size_t s = 0; s < kStages; ++s) {
    const auto stage = latency.at("stages").find(name_of(static_cast<Stage>(s)));
    if (stage != latency.at("stages").end()) stream.stages[s].sum = sum_of(stage->at("mean"));
  }
  return stream;
}

WorkloadResult workload_of(const Json& json) {
  WorkloadResult workload;
  workload.name = json.at("name").get<std::string>();
  workload.stream = json.at("stream").get<std::string>();
  workload.model = json.value("model", "");
  workload.phase = json.value("phase", "");
  workload.measured = time_of(json.at("measured_ns"));
  workload.tokens = json.value("tokens", std::uint64_t{0});
  workload.users = json.value("users", std::uint64_t{1});
  if (json.contains("floor_gap")) {
    FloorGap gap;
    gap.measured = workload.measured;
    gap.floor = time_of(json.at("floor_ns"));
    gap.floor_terms = terms_of(json.at("floor"));
    for (GapTerm& term : terms_of(json.at("floor_gap"))) {
      if (term.term == "unexplained") {
        gap.unexplained = term.time;
      } else {
        gap.terms.push_back(std::move(term));
      }
    }
    workload.gap = std::move(gap);
  }
  return workload;
}

}  // namespace

Results read_results(const std::string& text, const std::string& name) {
  const auto fail = [&](const std::string& what) { return ConfigError(Diagnostic{name, 0, 0, "", what}); };
  try {
    const Json json = Json::parse(text);
    if (json.value("schema", "") != kResultsSchema) throw fail(std::string("no results of schema ") + kResultsSchema);
    Results results;
    results.run.platform = json.value("platform", "");
    results.run.simulated = time_of(json.at("simulated_ns"));
    for (const auto& [stream, value] : json.at("streams").items()) results.streams.push_back(stream_of(stream, value));
    if (json.contains("workload")) results.workload = workload_of(json.at("workload"));
    for (const Json& row : json.value("blame", Json::array())) {
      results.blame.push_back({row.at("resource").get<std::string>(), row.at("class").get<std::string>(),
                               row.at("victim").get<std::string>(), row.at("aggressor").get<std::string>(),
                               time_of(row.at("wait_ns"))});
    }
    return results;
  } catch (const Json::exception& error) {
    throw fail(std::string("not the results of a run: ") + error.what());
  }
}

}  // namespace cowosim::telemetry
