// The channel against Ramulator 2.1: every stream of the table, and three streams request by request and command by
// command.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
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

struct Measured {
  double bandwidth, latency_total, latency_controller;
};

Measured measure(const StreamSpec& spec) {
  const hbm::HbmParams params = reference_params();
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
  std::int64_t total = 0;
  std::int64_t controller = 0;
  std::int64_t reads = 0;
  for (const Life& life : source.lives) {
    if (life.write) continue;
    total += life.done - life.arrival;
    controller += life.done - life.accepted;
    ++reads;
  }
  const double half = to_ns(channel.timing().half_period);
  const auto mean = [&](std::int64_t sum) {
    return reads == 0 ? 0.0 : half * static_cast<double>(sum) / static_cast<double>(reads);
  };
  return {32.0 * static_cast<double>(spec.requests) / to_ns(end), mean(total), mean(controller)};
}

TEST(Ramulator, EveryStreamOfTheTable) {
  const std::vector<Row> rows = table("ramulator2_hbm3.csv");
  ASSERT_EQ(rows.size(), 48u);
  std::map<std::string, double> saturated;  // per cent of peak
  for (const Row& row : rows)
    if (row.at("mode") == "sat") saturated[row.at("pattern") + row.at("mix")] = std::stod(row.at("pct_peak"));
  double worst_read_bandwidth = 0, worst_read_latency = 0, worst_mix = 0;
  for (const Row& row : rows) {
    const StreamSpec spec = spec_of(row);
    const Measured m = measure(spec);
    const std::string what = spec.pattern + " " + spec.mix + " " + spec.mode + " " + std::to_string(spec.load);
    const bool mixed = spec.mix == 'm';
    const double bandwidth = std::abs(m.bandwidth / std::stod(row.at("bw_GBps")) - 1);
    EXPECT_LE(bandwidth, mixed ? kMix : kReadBandwidth) << what;
    double& worst_bandwidth = mixed ? worst_mix : worst_read_bandwidth;
    worst_bandwidth = std::max(worst_bandwidth, bandwidth);
    if (spec.mix == 'w') continue;
    const bool below =
        spec.mode == "one" || (spec.mode == "rate" && spec.load <= kUnloadedShare * saturated[spec.pattern + spec.mix]);
    const double reference = std::stod(row.at(below ? "lat_total_mean_ns" : "lat_mc_mean_ns"));
    const double latency = std::abs((below ? m.latency_total : m.latency_controller) / reference - 1);
    EXPECT_LE(latency, mixed ? kMix : kReadLatency) << what;
    double& worst_latency = mixed ? worst_mix : worst_read_latency;
    worst_latency = std::max(worst_latency, latency);
  }
  std::printf("worst error: reads %.3f %% bandwidth, %.3f %% mean latency; mixes %.3f %%\n", 100 * worst_read_bandwidth,
              100 * worst_read_latency, 100 * worst_mix);
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
