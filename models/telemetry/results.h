// Everything a run has to say, as plain data in base units: femtoseconds, bytes, counts, bytes per second, FLOP.
//
// The package fills a Results when a run ends, the writers (writers.h, summary.h, report.h) turn it into files and derive
// what follows from it (rates, shares, fractions). A section that does not apply is an empty optional and is then absent
// from every file, not zero. Nothing here is normalised: parts that must add up to a whole are counted independently, and
// broken_invariants() says where they do not.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/time.h"
#include "core/transaction.h"
#include "telemetry/blame.h"
#include "telemetry/energy.h"
#include "telemetry/gap.h"
#include "telemetry/hbm_errors.h"
#include "telemetry/histogram.h"
#include "telemetry/loss.h"
#include "telemetry/stream_statistics.h"

namespace cowosim::telemetry {

enum class Status : std::uint8_t { completed, time_limit, wall_limit, interrupted, deadlock };
/// As written in run.json and results.json.
const char* name_of(Status status);
/// Neither the workload's end nor the asked-for simulated time was reached: results are partial and marked as such.
constexpr bool is_partial(Status status) { return status != Status::completed && status != Status::time_limit; }

struct RunInfo {
  std::string version;
  std::string git_hash;
  std::string systemc_version;
  std::string command_line;
  std::string platform;  ///< name, e.g. "h100_sxm5"
  std::string workload;  ///< name, or several as "a + b"
  std::string host;
  std::string started;  ///< ISO 8601 with zone
  std::uint64_t seed = 0;
  Status status = Status::completed;
  std::string exit_reason;  ///< one sentence, e.g. "the workload is done", "SIGINT"
  int exit_code = 0;
  int threads = 1;
  Time window = 0;     ///< W used
  Time simulated = 0;  ///< where the simulation ended
  double host_seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t peak_resident_bytes = 0;  ///< 0: unknown
  /// DRAM commands the protocol checker has seen; empty: it was off.
  std::optional<std::uint64_t> checked_commands;
};

struct LatencySummary {
  std::uint64_t count = 0;
  __int128 sum = 0;
  Time min = 0;
  Time p50 = 0;
  Time p90 = 0;
  Time p99 = 0;
  Time p999 = 0;
  Time max = 0;

  double mean() const { return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count); }  ///< fs
};
LatencySummary summarise(const Histogram& histogram);

struct StageSummary {
  __int128 sum = 0;  ///< over all transactions; the sums of all stages are exactly LatencySummary::sum
  Time p99 = 0;      ///< over all transactions, those that spent no time here included
};

struct StreamResult {
  std::string name;
  std::uint64_t transactions = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t bytes = 0;
  Time interval = 0;  ///< the bandwidth is bytes / interval; by summarise(): first creation to last response
  LatencySummary latency;
  std::array<StageSummary, kStages> stages{};
};
StreamResult summarise(const std::string& name, const StreamStatistics& statistics);

// ---- HBM -----------------------------------------------------------------------------------------------------------

/// Counters of a pseudo-channel, channel, stack or of all HBM. Times are data-bus time, summed over pseudo-channels.
struct HbmCounters {
  std::uint64_t reads = 0;   ///< column commands
  std::uint64_t writes = 0;  ///< column commands
  std::uint64_t activates = 0;
  std::uint64_t precharges = 0;
  std::uint64_t refreshes = 0;            ///< REFab and REFpb
  std::uint64_t bank_refreshes = 0;       ///< REFpb
  std::uint64_t refresh_managements = 0;  ///< RFMab and RFMpb
  std::uint64_t row_hits = 0;             ///< column commands that needed no activate
  std::uint64_t row_misses = 0;           ///< the others; hit rate = hits / (hits + misses)
  std::uint64_t bytes = 0;                ///< over the data bus
  double peak_bytes_per_second = 0;
  Time bus_time = 0;                    ///< interval x pseudo-channels
  Time data_time = 0;                   ///< data on the bus
  std::array<Time, kHbmLosses> loss{};  ///< with data_time they add up to bus_time
  std::optional<double> energy_pj;
  std::optional<HbmErrors> errors;  ///< where there can be any

  void add(const HbmCounters& other);
  Time operator[](HbmLoss l) const { return loss[static_cast<std::size_t>(l)]; }
  Time& operator[](HbmLoss l) { return loss[static_cast<std::size_t>(l)]; }
};

struct HbmChannelResult {
  std::string name;
  HbmCounters counters;
  std::optional<LatencySummary> latency;
};
struct HbmStackResult {
  std::string name;
  HbmCounters counters;
  std::optional<LatencySummary> latency;
  std::vector<HbmChannelResult> channels;
};
struct HbmResult {
  Time interval = 0;  ///< what the rates are over
  HbmCounters counters;
  LatencySummary latency;  ///< reads, from acceptance (leaving the door) to the end of data
  std::vector<HbmStackResult> stacks;
  /// Data-bus time by stream name, where it is known; adds up to counters.data_time.
  std::vector<std::pair<std::string, Time>> data_time_by_stream;
  /// By stack and by stream; the stacks' energy_pj and the whole's are its sums.
  std::optional<EnergyBalance> energy;

  /// Stacks from their channels, the total from its stacks (counters only; their energies from `energy`).
  void roll_up();
};

// ---- Fabric --------------------------------------------------------------------------------------------------------

/// What the networks' hearts distinguish. At packet precision buffers are unbounded, so that a waiting packet blocks nobody.
enum class FabricPrecision : std::uint8_t { packet, flit };
/// As written in results.json.
const char* name_of(FabricPrecision precision);

/// A link that lost lanes and goes on with the others.
struct LaneLoss {
  Time after = 0;                    ///< since the interval's beginning, in [0, interval]
  double peak_bytes_per_second = 0;  ///< from then on
};
/// One direction of a link.
struct LinkResult {
  std::string name;
  std::string kind;  ///< groups links in the summary: "noc", "phy", "d2d", "fabric", ...
  std::uint64_t bytes = 0;
  double peak_bytes_per_second = 0;  ///< with all its lanes
  Time busy = 0;                     ///< carrying something
  /// Wanted and not got, summed over all that waited: packets, at flit precision VCs with a flit to send. Several wait at
  /// once, so it may exceed the interval.
  Time wait = 0;
  std::uint64_t replays = 0;
  std::optional<std::uint64_t> packets{};
  std::optional<std::uint64_t> flits{};
  std::optional<std::array<Time, kLinkStalls>> stalls{};  ///< by reason; they add up to `wait`
  std::optional<double> energy_pj{};
  std::optional<LaneLoss> lane_loss{};

  double capacity(Time interval) const;     ///< bytes it could have carried, with the lanes it had
  double utilization(Time interval) const;  ///< bytes / capacity
  double waiting(Time interval) const;      ///< packets or VCs that waited at once, on average
  /// Fraction of the interval in which something wanted the link and did not get it, from above: min(1, waiting). It is
  /// exact where never two wait at once.
  double stall_fraction(Time interval) const;
};
/// Buffers are those of all inputs together; occupancies in flits.
struct RouterResult {
  std::string name;
  std::uint64_t flits = 0;  ///< through its switch
  Time period = 0;          ///< of its clock
  std::uint64_t buffer_slots = 0;
  double mean_occupancy = 0;  ///< over the interval
  std::uint64_t peak_occupancy = 0;
};
/// Network clock cycles.
struct CycleSummary {
  std::uint64_t count = 0;
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;
};
/// `period`: of the network's clock, above 0.
CycleSummary summarise_cycles(const Histogram& histogram, Time period);
struct FabricResult {
  Time interval = 0;
  FabricPrecision precision = FabricPrecision::packet;
  std::uint64_t packets = 0;
  std::uint64_t flits = 0;                             ///< 0 at packet precision
  std::optional<std::uint64_t> measured_packets;       ///< those latency_cycles is of, where it is not of all (warm-up)
  std::optional<double> offered_flits_per_node_cycle;  ///< created by the sources in the measured cycles
  std::optional<double> accepted_flits_per_node_cycle;  ///< delivered in the same cycles
  std::optional<CycleSummary> latency_cycles;           ///< creation to last flit out
  std::optional<double> hops_mean;                      ///< routers passed
  std::optional<double> energy_pj;                      ///< the links' sum
  std::vector<LinkResult> links;
  std::vector<RouterResult> routers;

  /// The energy from the links; empty where no link has one.
  void roll_up();
};

// ---- Compute -------------------------------------------------------------------------------------------------------

/// Times summed over cores.
struct CoreCounters {
  double flops = 0;
  double peak_flops_per_second = 0;      ///< of all cores, at the precision mostly used
  Time core_time = 0;                    ///< interval x cores
  Time useful_time = 0;                  ///< FLOP / peak of the precision used
  std::array<Time, kCoreLosses> loss{};  ///< with useful_time they add up to core_time

  void add(const CoreCounters& other);
  Time operator[](CoreLoss l) const { return loss[static_cast<std::size_t>(l)]; }
  Time& operator[](CoreLoss l) { return loss[static_cast<std::size_t>(l)]; }
};
/// Cache slices of a die together.
struct CacheResult {
  std::uint64_t bytes = 0;  ///< answered to requesters, hits and misses
  double peak_bytes_per_second = 0;
  std::uint64_t hits = 0;  ///< sectors
  std::uint64_t misses = 0;
};
struct DieResult {
  std::string name;
  CoreCounters cores;
  std::optional<CacheResult> l2;
};
struct ComputeResult {
  Time interval = 0;
  CoreCounters cores;
  std::vector<DieResult> dies;

  /// The total from the dies.
  void roll_up();
};

// ---- Workload ------------------------------------------------------------------------------------------------------

struct OperatorResult {
  std::string name;
  std::string kind;
  Time start = 0;
  Time end = 0;
  std::uint64_t flops = 0;
  std::uint64_t bytes = 0;
  std::string bound_by;  ///< "hbm", "compute", "latency", ...
  std::uint32_t repeats = 1;
};
/// The part of [begin, end) in which no operator ran: launch overheads and other pauses between operators.
Time between_operators(const std::vector<OperatorResult>& operators, Time begin, Time end);

struct Extrapolation {
  std::uint64_t layers_simulated = 0;
  std::uint64_t layers = 0;
  Time simulated = 0;  ///< time of the part that was simulated
};
/// The workload whose time is explained (with several: the first that is not background).
struct WorkloadResult {
  std::string name;                ///< kind, e.g. "llama3_70b_decode"
  std::string stream;              ///< name of its stream
  std::string model;               ///< empty for synthetic ones
  std::string phase;               ///< "decode", "prefill", "kernel", "memory"
  Time measured = 0;               ///< of the whole step, extrapolated where that is so
  std::uint64_t tokens = 0;        ///< of a step over all users; 0: the workload makes no tokens
  std::uint64_t users = 1;         ///< sequences in the batch
  std::uint64_t weight_bytes = 0;  ///< of the whole step
  std::uint64_t kv_bytes = 0;      ///< of the whole step
  std::optional<Extrapolation> extrapolated;
  std::optional<FloorGap> gap;  ///< of the whole step; gap->measured is `measured`
  std::vector<OperatorResult> operators;

  /// Decode: a step is a token for every user. Prefill: a step is many tokens of each.
  double time_per_token() const {  // fs
    return tokens == 0 ? 0.0 : static_cast<double>(measured) * static_cast<double>(users) / static_cast<double>(tokens);
  }
};

struct CapacityResult {
  std::uint64_t bytes = 0;
  std::vector<std::pair<std::string, std::uint64_t>> used;  ///< "weights", "kv", "activations", ...
};

/// A foreign model, as its bridge has counted it.
struct ForeignResult {
  std::string name;
  bool initiator = false;
  // Of an initiator
  std::uint64_t requests = 0;
  std::uint64_t register_accesses = 0;  ///< some of them
  std::uint64_t loosely_timed = 0;      ///< accesses beside them that were not simulated
  // Of a target
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t bytes = 0;
};

struct BlameRow {
  std::string resource;        ///< hierarchical name
  std::string resource_class;  ///< groups resources in the summary: "hbm bank", "hbm data bus", "phy link", "noc", "l2"
  std::string victim;          ///< stream
  std::string aggressor;       ///< stream, "self", "refresh", "timing"
  Time wait = 0;               ///< summed over the victim's transactions
};

struct Bottleneck {
  std::string bound_by;
  std::string explanation;                              ///< a sentence
  std::vector<std::pair<std::string, double>> ranking;  ///< resource, share in [0, 1], largest first
};

struct Results {
  RunInfo run;
  std::uint64_t transactions = 0;
  std::uint64_t atoms = 0;
  std::uint64_t bytes = 0;
  std::uint64_t completion_hash = 0;
  StreamResult all;  ///< every transaction of every stream
  std::vector<StreamResult> streams;
  std::optional<HbmResult> hbm;
  std::optional<FabricResult> fabric;
  std::optional<ComputeResult> compute;
  std::optional<WorkloadResult> workload;
  std::optional<CapacityResult> capacity;
  std::vector<ForeignResult> foreign;
  std::vector<BlameRow> blame;
  std::optional<Bottleneck> bottleneck;
};

/// The rows of one resource with wait > 0. `streams[id]` is the name of stream id; a stream that waited for itself reads "self".
void append_blame(std::vector<BlameRow>& rows, const std::string& resource, const std::string& resource_class,
                  const Blame& blame, const std::vector<std::string>& streams);

/// Ranks memory bandwidth, caches, links and cores by how much of their peak was used, says in a sentence which of them (or
/// the latency between them) sets the time. A network that accepts less than it is offered while no link is near its peak is
/// bound by what most of the waiting for its most wanted link is: "<kind>_no_credit", ... Needs the other sections filled.
Bottleneck find_bottleneck(const Results& results);

struct Tolerances {
  double unexplained = 0.01;    ///< of the measured time: largest |unexplained| part of the floor gap
  double peak_rounding = 1e-6;  ///< achieved may exceed peak by this fraction (peaks are doubles, times are integers)
  double sum_rounding = 1e-9;   ///< of a sum of doubles: terms may have been added in another order
};
/// Every rule the numbers break, in words; empty when all is well (exit code 3 otherwise). Sums of parts are compared exactly.
std::vector<std::string> broken_invariants(const Results& results, const Tolerances& tolerances = {});

}  // namespace cowosim::telemetry
