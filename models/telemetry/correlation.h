// Our requests against somebody's measurements of the same requests: errors by class, bandwidth over time, where the two
// part, and which stage of the memory is suspected.
//
// Errors are our latency - the reference's; a clock is the CK of the memory. Everything is counted on matched pairs that
// have both latencies; what has not is counted apart.
//
// Classes say what a request met in *our* memory, from its DRAM commands:
//   hit         its row was open and had been used; it needed a column command only
//   closed      its bank was closed: ACT first (or it waited for the ACT of an older request for the same row)
//   conflict    another row was open: PRE and ACT first
//   refresh     a refresh of its bank began before it was served and had not ended when it was accepted
//   turnaround  first column command after the data bus changed its direction
//   forwarded   answered from, or merged into, a write that was waiting
//   elsewhere   no DRAM access of its own (a cache)
// Refresh goes before turnaround, turnaround before the state of the row.
//
// Suspicion rests on *undelayed* requests: those that met nothing in our memory but what their class is named after, so
// that their error is that of a stage and not of a queue. The offset of a class is the median of their errors, where at
// least kLeastSupport of them and half of all agree within a clock. Then, for reads and writes apart,
//   fixed pipeline = offset(hit), activation = offset(closed) - offset(hit), precharge = offset(conflict) -
//   offset(closed), turnaround and refresh = what is left of theirs.
// Conventions of this tool, not of a standard.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "telemetry/measurements.h"
#include "telemetry/traces.h"

namespace cowosim::telemetry {

enum class RequestClass : std::uint8_t { hit, closed, conflict, refresh, turnaround, forwarded, elsewhere };
inline constexpr std::size_t kRequestClasses = 7;
constexpr const char* name_of(RequestClass c) {
  constexpr const char* names[kRequestClasses] = {"hit",        "closed",    "conflict", "refresh",
                                                  "turnaround", "forwarded", "elsewhere"};
  return names[static_cast<std::size_t>(c)];
}

// ---- what a transaction met in the DRAM ----
struct DramLife {
  Time accepted = kNotMeasured;                ///< its first access
  Time column = kNotMeasured;                  ///< its last column command
  RequestClass row = RequestClass::elsewhere;  ///< hit, closed, conflict; forwarded
  RequestClass what = RequestClass::elsewhere;
  bool undelayed = false;
};
/// By the identity of the transaction.
using DramLives = std::unordered_map<std::uint64_t, DramLife>;

struct DramTimes {
  Time clock = kNanosecond;  ///< CK
  Time refresh_all = 0;      ///< from REFab (RFMab) until its banks may be used again
  Time refresh_bank = 0;     ///< from REFpb (RFMpb)
};
/// `commands` and `accesses` of the same channels, in the same order, from the beginning of a run. Column commands belong to
/// the oldest access of that place and direction; one that is repeated (ECC) counts once.
DramLives dram_lives(const std::vector<ChannelCommands>& commands, const std::vector<ChannelAccesses>& accesses,
                     const DramTimes& times);

// ---- comparison ----
struct SimulatedRequest {
  std::string id;
  std::string master;
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  Op op = Op::read;
  Time begin = kNotMeasured;  ///< what its latency counts from
  Time done = kNotMeasured;
  DramLife dram;
};

/// A request that both sides have.
struct MatchedRequest {
  std::size_t ours;
  std::size_t reference;
  Time our_latency;
  Time reference_latency;
  Time error() const { return our_latency - reference_latency; }
};

struct ErrorStatistics {
  std::uint64_t count = 0;
  double mean = 0;       ///< all in femtoseconds
  double magnitude = 0;  ///< mean of the absolute errors
  Time p50 = 0;          ///< nearest rank
  Time p95 = 0;          ///< of the absolute errors
  Time worst = 0;        ///< largest by magnitude, with its sign
  double our_mean = 0;   ///< latencies
  double reference_mean = 0;
  double relative() const { return reference_mean == 0 ? 0 : mean / reference_mean; }
};
ErrorStatistics statistics_of(const std::vector<MatchedRequest>& pairs);

/// What a class contributes to the suspicion.
struct ClassResult {
  RequestClass what = RequestClass::elsewhere;
  Op op = Op::read;
  ErrorStatistics errors;
  std::uint64_t undelayed = 0;
  std::uint64_t agreeing = 0;    ///< of those, within a clock of their median
  std::optional<double> offset;  ///< median of the undelayed ones, where they agree
};

struct BandwidthPoint {
  Time begin;
  Time end;
  std::uint64_t our_bytes = 0;
  std::uint64_t reference_bytes = 0;
};

struct Divergence {
  std::size_t pair;          ///< index in Correlation::pairs
  Time error;                ///< there
  std::uint64_t length = 0;  ///< consecutive requests outside of the band from there on
};

struct Suspect {
  std::string stage;      ///< "activation"
  std::string parameter;  ///< "tRCDRD"
  double amount = 0;      ///< ours - the reference's, femtoseconds
  std::uint64_t support = 0;
  std::string because;
};

struct CorrelationOptions {
  Time clock = kNanosecond;  ///< CK
  Time resolution = 0;       ///< of the reference's times
  DivergenceParams divergence;
  int points = 60;  ///< of the bandwidth over time
};

struct Correlation {
  Time clock = kNanosecond;
  std::vector<MatchedRequest> pairs;  ///< both latencies known, in the order of the reference's begin
  /// Matched, but without a latency on our side or the other: indices in both.
  std::vector<std::pair<std::size_t, std::size_t>> unanswered;
  std::uint64_t unanswered_ours = 0;
  std::uint64_t unanswered_reference = 0;
  std::vector<std::size_t> unmatched_ours;
  std::vector<std::size_t> unmatched_reference;
  ErrorStatistics all;
  std::array<ErrorStatistics, kRequestClasses> by_class;
  std::vector<ClassResult> classes;  ///< by class and direction, those that occur
  std::vector<BandwidthPoint> bandwidth;
  double our_bandwidth = 0;  ///< bytes per second, from the first begin to the last done
  double reference_bandwidth = 0;
  Time band = 0;
  int band_requests = 0;
  std::optional<Divergence> divergence;
  std::vector<Suspect> suspects;  ///< of stages, the largest amount first; then throughput
  std::string verdict;            ///< in a sentence or two
};

/// Matches by (master, id) where all requests of both sides have an id and none of a side has another's; else by (master,
/// id, address, op), the k-th of one side with the k-th of the other: both are in the order of issue. `from_acceptance`:
/// the reference's latencies count from acceptance.
Correlation correlate(const std::vector<SimulatedRequest>& ours, const std::vector<MeasuredRequest>& reference,
                      bool from_acceptance, const CorrelationOptions& options);

// ---- as files and text ----
/// What the comparison was of, for headings.
struct CorrelationTitle {
  std::string platform;
  std::string reference;  ///< file
  std::string map;
};
std::string correlation_text(const Correlation& correlation, const CorrelationTitle& title);
/// Schema "cowosim-correlation/1"; doc/guide/correlate.md describes it.
std::string correlation_json(const Correlation& correlation, const CorrelationTitle& title);
/// A row per matched request, then the unmatched ones.
std::string correlation_csv(const Correlation& correlation, const std::vector<SimulatedRequest>& ours,
                            const std::vector<MeasuredRequest>& reference);
std::string correlation_html(const Correlation& correlation, const CorrelationTitle& title);

}  // namespace cowosim::telemetry
