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

constexpr double kReadBandwidth = 0.01;
constexpr double kReadLatency = 0.02;
constexpr double kMix = 0.03;
constexpr double kTail = 0.05;  ///< p99
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

/// Worst error of a table, as shares.
struct Worst {
  double read_bandwidth = 0, read_latency = 0, mix = 0, p99 = 0;
};

void expect_within(double ours, double reference, double tolerance, double& worst, const std::string& what) {
  const double error = std::abs(ours / reference - 1);
  EXPECT_LE(error, tolerance) << what << ": " << ours << " against " << reference;
  worst = std::max(worst, error);
}

void compare(const std::string& name, std::size_t streams, const hbm::HbmParams& params) {
  const std::vector<Row> rows = table(name);
  ASSERT_EQ(rows.size(), streams);
  std::map<std::string, double> saturated;  // per cent of peak
  for (const Row& row : rows)
    if (row.at("mode") == "sat") saturated[row.at("pattern") + row.at("mix")] = std::stod(row.at("pct_peak"));
  Worst worst;
  for (const Row& row : rows) {
    const auto reference = [&](const char* column) { return std::stod(row.at(column)); };
    const StreamSpec spec = spec_of(row);
    const Measured m = measure(spec, params);
    const std::string what = spec.pattern + " " + spec.mix + " " + spec.mode + " " + std::to_string(spec.load);
    const bool mixed = spec.mix == 'm';
    expect_within(m.bandwidth, reference("bw_GBps"), mixed ? kMix : kReadBandwidth,
                  mixed ? worst.mix : worst.read_bandwidth, what + ", bandwidth");
    if (spec.mix == 'w') continue;
    const bool below =
        spec.mode == "one" || (spec.mode == "rate" && spec.load <= kUnloadedShare * saturated[spec.pattern + spec.mix]);
    const double mean = below ? m.total.mean : m.controller.mean;
    expect_within(mean, reference(below ? "lat_total_mean_ns" : "lat_mc_mean_ns"), mixed ? kMix : kReadLatency,
                  mixed ? worst.mix : worst.read_latency, what + ", mean");
    if (below) expect_within(m.total.p99, reference("lat_total_p99_ns"), kTail, worst.p99, what + ", p99");
  }
  std::printf("%s, worst error: reads %.3f %% bandwidth, %.3f %% mean latency; mixes %.3f %%; p99 %.3f %%\n",
              name.c_str(), 100 * worst.read_bandwidth, 100 * worst.read_latency, 100 * worst.mix, 100 * worst.p99);
}

TEST(Ramulator, EveryStreamOfHbm3) { compare("ramulator2_hbm3.csv", 48, reference_params()); }
TEST(Ramulator, EveryStreamOfHbm2) { compare("ramulator2_hbm2_reads.csv", 32, hbm2_reference_params()); }

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
