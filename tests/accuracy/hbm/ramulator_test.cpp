// The channel against Ramulator 2.1: every stream of the table, and three streams request by request and command by
// command.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "accuracy/hbm/reference_streams.h"
#include "hbm/checker/protocol_checker.h"

namespace cowosim::accuracy {
namespace {

constexpr double kBandwidth = 0.01;
constexpr double kLatency = 0.02;  ///< mean
constexpr double kTail = 0.05;     ///< p99
constexpr double kUnloadedShare =
    0.95;  ///< lat_total counts up to this share of the saturated bandwidth, lat_mc beyond

using Row = std::map<std::string, std::string>;

std::vector<Row> table(const std::string& name) {
  std::ifstream in(std::string(COWOSIM_SOURCE_DIR) + "/tests/accuracy/hbm/reference/" + name);
  EXPECT_TRUE(in) << name;
  std::vector<std::string> header;
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    if (header.empty()) {
      header = cells;
      continue;
    }
    Row row;
    for (std::size_t i = 0; i < header.size(); ++i) row[header[i]] = cells[i];
    rows.push_back(row);
  }
  return rows;
}

StreamSpec spec_of(const Row& row) {
  StreamSpec spec;
  spec.pattern = row.at("pattern");
  spec.mix = row.at("mix")[0];
  spec.mode = row.at("mode");
  spec.load = std::stoi(row.at("load_pct"));
  spec.requests = std::stoull(row.at("n_requests"));
  return spec;
}

/// Mean and 99th percentile in ns.
struct Latency {
  double mean = 0, p99 = 0;
};

struct Measured {
  double bandwidth;           ///< GB/s
  Latency total, controller;  ///< of reads, from arrival and from acceptance
};

Latency latency_of(std::vector<hbm::Half> latencies, Time half_period) {
  if (latencies.empty()) return {};
  const auto sum = std::accumulate(latencies.begin(), latencies.end(), hbm::Half{0});
  const auto p99 = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() * 99 / 100);
  std::nth_element(latencies.begin(), p99, latencies.end());
  const double half = to_ns(half_period);
  return {half * static_cast<double>(sum) / static_cast<double>(latencies.size()), half * static_cast<double>(*p99)};
}

/// Ramulator completes a read one tick of its clock after the end of its data: half a CK on HBM3, a CK on HBM2, whose
/// commands know no falling edges. Here it is a return latency, so that the next request of `one` waits for it too.
Time tick_of(const hbm::HbmParams& params) {
  const hbm::Timing t = hbm::resolve(*hbm::find_generation(params.generation), params.data_rate, 4, 16);
  return t.edge(t.row_step);
}

Measured measure(const StreamSpec& spec, hbm::HbmParams params) {
  params.controller.return_latency = tick_of(params);
  const MemoryMap map = hbm::make_memory_map(params);
  hbm::Channel channel(params, map);
  ZeroLatencySource source(channel, map, spec);
  const Time end = source.run();
  std::vector<std::string> broken;
  channel.check_idle(broken);
  EXPECT_TRUE(broken.empty());
  EXPECT_EQ(source.completed, spec.requests);
  EXPECT_EQ(source.pools().live(), 0u);
  EXPECT_EQ(channel.loss(0, end).total(), end);
  std::vector<hbm::Half> total, controller;
  for (const Life& life : source.lives) {
    if (life.write) continue;
    total.push_back(life.done - life.arrival);
    controller.push_back(life.done - life.accepted);
  }
  const Time half = channel.timing().half_period;
  return {32.0 * static_cast<double>(spec.requests) / to_ns(end), latency_of(total, half),
          latency_of(controller, half)};
}

/// A set of streams against ours: the worst errors, as shares, and what is outside the tolerances.
struct Comparison {
  double bandwidth = 0, latency = 0, mix = 0, p99 = 0;
  std::size_t streams = 0;
  std::vector<std::string> outside;

  void add(double ours, double reference, double tolerance, double& worst, const std::string& what) {
    const double error = std::abs(ours / reference - 1);
    worst = std::max(worst, error);
    if (error > tolerance)
      outside.push_back(what + ": " + std::to_string(ours) + " against " + std::to_string(reference));
  }
};

/// `config`: the rows of that controller; none: all.
Comparison compare(const std::string& name, const hbm::HbmParams& params, const std::string& config = {}) {
  std::vector<Row> rows = table(name);
  if (!config.empty())
    rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const Row& row) { return row.at("config") != config; }),
               rows.end());
  std::map<std::string, double> saturated;  // per cent of peak
  for (const Row& row : rows)
    if (row.at("mode") == "sat") saturated[row.at("pattern") + row.at("mix")] = std::stod(row.at("pct_peak"));
  Comparison c;
  for (const Row& row : rows) {
    ++c.streams;
    const auto reference = [&](const char* column) { return std::stod(row.at(column)); };
    const StreamSpec spec = spec_of(row);
    const Measured m = measure(spec, params);
    const std::string what = spec.pattern + " " + spec.mix + " " + spec.mode + " " + std::to_string(spec.load);
    const bool mixed = spec.mix == 'm';
    c.add(m.bandwidth, reference("bw_GBps"), kBandwidth, mixed ? c.mix : c.bandwidth, what + ", bandwidth");
    if (spec.mix == 'w') continue;
    const bool below =
        spec.mode == "one" || (spec.mode == "rate" && spec.load <= kUnloadedShare * saturated[spec.pattern + spec.mix]);
    const double mean = below ? m.total.mean : m.controller.mean;
    c.add(mean, reference(below ? "lat_total_mean_ns" : "lat_mc_mean_ns"), kLatency, mixed ? c.mix : c.latency,
          what + ", mean");
    if (below) c.add(m.total.p99, reference("lat_total_p99_ns"), kTail, c.p99, what + ", p99");
  }
  std::printf("%s %s, worst error: %.3f %% bandwidth, %.3f %% mean latency; mixes %.3f %%; p99 %.3f %%\n", name.c_str(),
              config.c_str(), 100 * c.bandwidth, 100 * c.latency, 100 * c.mix, 100 * c.p99);
  return c;
}

void expect_agreement(const Comparison& c, std::size_t streams) {
  EXPECT_EQ(c.streams, streams);
  for (const std::string& what : c.outside) ADD_FAILURE() << what;
}

TEST(Ramulator, EveryStreamOfHbm3) { expect_agreement(compare("ramulator2_hbm3.csv", reference_params()), 48); }
TEST(Ramulator, EveryStreamOfHbm2) {
  expect_agreement(compare("ramulator2_hbm2_reads.csv", hbm2_reference_params()), 32);
}

/// Other controllers of Ramulator on the same HBM3.
Comparison variant(const char* config, const hbm::HbmParams& params) {
  return compare("ramulator2_hbm3_variants.csv", params, config);
}

TEST(Ramulator, ItsPlainFrFcfs) { expect_agreement(variant("FRFCFS-q32-REFab", reference_params()), 12); }

TEST(Ramulator, NoRefresh) {
  hbm::HbmParams params = reference_params();
  params.controller.refresh = "none";
  expect_agreement(variant("RowHit-q32-noREF", params), 12);
}

TEST(Ramulator, StrictPerBankRefresh) {
  hbm::HbmParams params = reference_params();
  params.controller.refresh = "per_bank";
  expect_agreement(variant("RowHit-q32-REFpb", params), 12);
}

TEST(Ramulator, DeepQueues) {
  hbm::HbmParams params = reference_params();
  params.controller.read_queue_entries = 128;
  params.controller.write_queue_entries = 64;
  expect_agreement(variant("RowHit-q128/64-REFab", params), 12);
}

/// Negative control: the tolerances tell another refresh and other queues apart.
TEST(Ramulator, AnotherControllerIsOutside) {
  EXPECT_FALSE(variant("RowHit-q32-REFpb", reference_params()).outside.empty());
  EXPECT_FALSE(variant("RowHit-q32-noREF", reference_params()).outside.empty());
  EXPECT_FALSE(variant("RowHit-q128/64-REFab", reference_params()).outside.empty());
}

class PerRequest : public testing::TestWithParam<const char*> {};

TEST_P(PerRequest, AcceptanceAndCompletionAreExact) {
  const std::string name = GetParam();
  StreamSpec spec;
  std::string mix;
  std::stringstream(
      std::string(name).replace(name.find('_'), 1, " ").replace(name.find('_', name.find('_') + 1), 1, " ")) >>
      spec.pattern >> mix >> spec.mode;
  const std::size_t cut = spec.mode.find('_');
  spec.load = std::stoi(spec.mode.substr(cut + 1));
  spec.mode.resize(cut);
  spec.mix = mix[0];
  spec.requests = 5000;
  const hbm::HbmParams params = reference_params();
  const MemoryMap map = hbm::make_memory_map(params);
  hbm::Channel channel(params, map);
  ZeroLatencySource source(channel, map, spec);
  source.run();
  const hbm::Timing& t = channel.timing();
  std::size_t rows = 0;
  for (const Row& row : table("per_request_" + name + ".csv")) {
    const Life& life = source.lives[std::stoull(row.at("id"))];
    ASSERT_EQ(life.write, row.at("rw") == "W") << row.at("id");
    ASSERT_EQ(static_cast<double>(life.accepted), 2 * std::stod(row.at("accept_ck"))) << row.at("id");
    const double done =
        2 * std::stod(row.at("done_ck")) - 1 + (life.write ? static_cast<double>(t.write_latency + t.burst) : 0);
    ASSERT_EQ(static_cast<double>(life.done), done) << row.at("id");
    ++rows;
  }
  EXPECT_EQ(rows, 5000u);
}

INSTANTIATE_TEST_SUITE_P(Ramulator, PerRequest, testing::Values("rand_m_sat_0", "rand_r_rate_20", "seqbg_r_sat_0"));

TEST(Ramulator, CommandsAreExact) {
  StreamSpec spec;
  spec.pattern = "rand";
  spec.mode = "rate";
  spec.load = 20;
  spec.requests = 2000;
  const hbm::HbmParams params = reference_params();
  const MemoryMap map = hbm::make_memory_map(params);
  hbm::Channel channel(params, map);
  ZeroLatencySource source(channel, map, spec);
  hbm::CommandList trace;
  channel.trace_commands(&trace);
  source.run();
  std::size_t i = 0;
  for (const Row& row : table("commands_rand_r_rate_20.csv")) {
    if (row.at("PseudoChannel") != "0") continue;  // the idle one's refreshes
    if (i == 3900) break;                          // the reference has more requests than this stream
    const hbm::CommandRecord& ours = trace.commands[i++];
    ASSERT_EQ(row.at("command"), hbm::name_of(ours.command)) << i;
    ASSERT_EQ(std::stoll(row.at("clock")) - 1, ours.time / channel.timing().half_period) << i;
    ASSERT_EQ(std::stoi(row.at("BankGroup")), ours.bank_group) << i;
    ASSERT_EQ(std::stoi(row.at("Bank")), ours.bank) << i;
  }
  EXPECT_EQ(i, 3900u);
}

hbm::Command command_of(const std::string& name) {
  for (std::size_t c = 0; c < hbm::kCommands; ++c)
    if (name == hbm::name_of(static_cast<hbm::Command>(c))) return static_cast<hbm::Command>(c);
  ADD_FAILURE() << name;
  return hbm::Command::activate;
}

/// The protocol checker's rules and Ramulator's constraints are two readings of one standard: neither finds fault with the
/// other's stream, and the checker finds a command of it that is moved by half a clock, or a row that is not the open one.
TEST(Ramulator, ItsCommandsKeepTheProtocol) {
  const std::vector<Row> rows = table("commands_rand_r_rate_20.csv");
  ASSERT_EQ(rows.size(), 4000u);
  hbm::HbmParams params = reference_params();
  params.pseudo_channels = 2;
  const auto violations = [&](std::size_t planted, Time moved, int other_row) {
    hbm::ProtocolChecker checker(params, "channel");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Row& row = rows[i];
      const auto field = [&](const char* name) { return std::stoi(row.at(name)); };
      hbm::CommandRecord c;
      c.command = command_of(row.at("command"));
      c.time = (field("clock") - 1) * checker.rules().half_period;  // counted from 1, in half CK
      c.pseudo_channel = static_cast<std::uint8_t>(field("PseudoChannel"));
      c.sid = static_cast<std::int16_t>(field("Sid"));
      c.bank_group = static_cast<std::int16_t>(field("BankGroup"));
      c.bank = static_cast<std::int16_t>(field("Bank"));
      c.row = field("Row");
      if (c.command == hbm::Command::read) c.column = field("Column");
      if (i == planted) {
        c.time += moved * checker.rules().half_period;
        c.row += other_row;
      }
      checker.check(c);
    }
    EXPECT_EQ(checker.commands(), rows.size());
    std::vector<std::string> found;
    for (const hbm::Violation& v : checker.violations()) found.push_back(v.rule);
    return found;
  };
  EXPECT_EQ(violations(0, 0, 0), std::vector<std::string>());
  std::size_t read = 2000;
  while (rows[read].at("command") != "RD") ++read;
  EXPECT_EQ(violations(read, -1, 0), std::vector<std::string>{"edge: RD on a falling edge"});
  EXPECT_EQ(violations(read, 0, 1), std::vector<std::string>{"RD of another row than the open one"});
}

}  // namespace
}  // namespace cowosim::accuracy
