#include "fabric/die_to_die/die_to_die.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

#include "core/parameter_visitor.h"
#include "core/units.h"
#include "fabric/link.h"

namespace cowosim::fabric {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kGigabyte = 1'000'000'000;

DieToDieParams ucie(const char* standard, double data_rate, int width) {
  DieToDieParams p(standard);
  p.data_rate = data_rate;
  p.width = width;
  p.take_defaults();
  return p;
}
DieToDieParams advanced(double data_rate = 32e9, int width = 64) { return ucie("ucie_advanced", data_rate, width); }
DieToDieParams standard(double data_rate = 32e9) { return ucie("ucie_standard", data_rate, 16); }

/// Writes into parameters what a file would hold.
class Writer final : public ParameterVisitor {
 public:
  explicit Writer(std::map<std::string, std::string> values) : values_(std::move(values)) {}

 protected:
  void value(const Field& field, const Reference& reference) override {
    const auto given = values_.find(field.name);
    if (given == values_.end()) return;
    std::string error;
    if (auto* const* i = std::get_if<int*>(&reference)) **i = std::stoi(given->second);
    if (auto* const* i = std::get_if<std::int64_t*>(&reference))
      **i = parse_integer(given->second, field.unit, error).value();
    if (auto* const* d = std::get_if<double*>(&reference)) **d = parse_number(given->second, field.unit, error).value();
    if (auto* const* s = std::get_if<std::string*>(&reference)) **s = given->second;
  }
  void begin_group(const std::string&, const std::string&) override {}
  std::vector<std::string> begin_entries(const std::string&, const std::vector<std::string>& present,
                                         const std::string&) override {
    return present;
  }
  void begin_entry(const std::string&) override {}
  std::size_t begin_list(const std::string&, std::size_t present, bool&, const std::string&) override {
    return present;
  }
  void begin_item(std::size_t) override {}
  void end() override {}

 private:
  std::map<std::string, std::string> values_;
};

DieToDieParams from_file(std::map<std::string, std::string> values, DieToDieParams p = DieToDieParams()) {
  Writer writer(std::move(values));
  p.visit(static_cast<ParameterVisitor&>(writer));
  return p;
}

// ----------------------------------------------------------------------------------------------------------- bandwidth

TEST(DieToDie, RawBandwidthOfUcieModules) {
  for (const auto& [gigatransfers, x16, x64] : {std::tuple{4, 8, 32}, {16, 32, 128}, {32, 64, 256}, {64, 128, 512}}) {
    EXPECT_EQ(raw_bandwidth(standard(gigatransfers * 1e9)), x16 * kGigabyte);
    EXPECT_EQ(raw_bandwidth(advanced(gigatransfers * 1e9)), x64 * kGigabyte);
    EXPECT_EQ(raw_bandwidth(advanced(gigatransfers * 1e9, 32)), x64 * kGigabyte / 2);
  }
  DieToDieParams four = standard();
  four.modules = 4;
  EXPECT_EQ(raw_bandwidth(four), 256 * kGigabyte);
}

TEST(DieToDie, EfficiencyOfFormats) {
  EXPECT_EQ(efficiency(*find_flit_format("raw")), 1);
  EXPECT_NEAR(efficiency(*find_flit_format("flit_68")), 0.941, 0.0005);
  EXPECT_NEAR(efficiency(*find_flit_format("flit_256")), 0.922, 0.0005);
  EXPECT_NEAR(efficiency(*find_flit_format("flit_256_latency_optimised")), 0.922, 0.0005);
  DieToDieParams p = advanced();
  p.format = "flit_68";
  EXPECT_EQ(payload_bandwidth(p), 256 * kGigabyte * 64 / 68);
  p.format = "flit_256";
  EXPECT_EQ(payload_bandwidth(p), 236 * kGigabyte);
  EXPECT_EQ(channel_of(p, 32).bandwidth, 236 * kGigabyte);
}

TEST(DieToDie, BridgesCarryWhatIsPublished) {
  EXPECT_EQ(channel_of(DieToDieParams("nv_hbi"), 64).bandwidth, 5'000 * kGigabyte);
  EXPECT_EQ(channel_of(DieToDieParams("infinity_fabric"), 64).bandwidth, 1'500 * kGigabyte);
}

TEST(DieToDie, TheHbmPhyHasTheNumbersOfTheLink) {
  const LinkParams link;
  const DieToDieParams p("hbm_phy");
  const Channel channel = channel_of(p, 32);
  EXPECT_EQ(channel.bandwidth, p.modules * link.bandwidth);
  EXPECT_EQ(channel.latency, link.latency_down);
  EXPECT_EQ(channel.latency, link.latency_up);
  EXPECT_EQ(channel.energy_per_bit, link.energy_per_bit);
}

// ------------------------------------------------------------------------------------------------------------- latency

TEST(DieToDie, LatencyIsTheSumOfItsParts) {
  DieToDieParams p = advanced();  // 256 B in 1 ns
  p.length = 2;
  p.crossing_latency = 500 * kPicosecond;
  p.format = "flit_256";
  const Time wire = flight_time(2, 55, 0.2, 3.9);
  const Time check = kNanosecond - transfer_time(32, 236 * kGigabyte);
  EXPECT_EQ(check_latency(p, 32), check);
  EXPECT_EQ(one_way_latency(p, 32), 2500 * kPicosecond + wire + check);
  EXPECT_EQ(channel_of(p, 32).latency, one_way_latency(p, 32));
  // Half a flit is checked in half the time, and without CRC nothing waits.
  p.format = "flit_256_latency_optimised";
  EXPECT_EQ(check_latency(p, 32), check - kNanosecond / 2);
  p.format = "raw";
  EXPECT_EQ(check_latency(p, 32), 0);
  EXPECT_EQ(one_way_latency(p, 32), 2500 * kPicosecond + wire);
  // A flit of the network that is longer than a flit of the link has all its checks but the last behind it.
  p.format = "flit_68";
  EXPECT_EQ(check_latency(p, 4096), 0);
}

TEST(DieToDie, AReplayTakesARoundTrip) {
  DieToDieParams p = advanced();
  const Time flit = transfer_time(32, payload_bandwidth(p));
  EXPECT_EQ(replay_latency(p, 32), 2 * one_way_latency(p, 32) + flit);
  EXPECT_EQ(channel_of(p, 32).replay_latency, replay_latency(p, 32));
  const Time near = replay_latency(p, 32);
  p.length = 2;
  EXPECT_EQ(replay_latency(p, 32) - near, 2 * (flight_time(2, 55, 0.2, 3.9) - flight_time(1, 55, 0.2, 3.9)));
  EXPECT_EQ(replay_latency(DieToDieParams("hbm_phy"), 32), 0);
}

// -------------------------------------------------------------------------------------------------------------- errors

TEST(DieToDie, ErrorRatesOfUcie) {
  for (const double rate : {4e9, 8e9}) EXPECT_EQ(advanced(rate).bit_error_rate, 1e-27);
  for (const double rate : {12e9, 16e9, 24e9, 32e9, 48e9}) EXPECT_EQ(standard(rate).bit_error_rate, 1e-15);
  EXPECT_EQ(advanced(64e9).bit_error_rate, 1e-12);
}

TEST(DieToDie, ProbabilityOfACorruptedFlit) {
  EXPECT_NEAR(corrupted_probability(1e-15, 2048), 2.048e-12, 1e-20);  // 1 - (1 - 1e-15)^2048 in doubles is not
  EXPECT_NEAR(corrupted_probability(1e-27, 2048), 2.048e-24, 1e-32);
  EXPECT_NEAR(corrupted_probability(0.5, 3), 0.875, 1e-15);
  EXPECT_NEAR(corrupted_probability(1e-3, 100), 1 - std::pow(0.999, 100), 1e-14);
  EXPECT_EQ(corrupted_probability(0, 2048), 0);
  EXPECT_EQ(corrupted_probability(1e-6, 0), 0);
}

TEST(DieToDie, OneRetryInMinutesAtTheStandardsErrorRates) {
  const DieToDieParams p = advanced(64e9);
  const double flits = static_cast<double>(raw_bandwidth(p)) / 256;
  EXPECT_DOUBLE_EQ(flits, 2e9);
  EXPECT_NEAR(1 / (flits * corrupted_probability(1e-15, 2048)), 245, 2);
  EXPECT_NEAR(1 / (flits * corrupted_probability(1e-12, 2048)), 0.24, 0.01);
}

TEST(DieToDie, ErrorsAndEnergyOfTheFramingCountWithThePayload) {
  DieToDieParams p = advanced();
  p.bit_error_rate = 1e-6;
  const Channel channel = channel_of(p, 236);
  // A flit of the link is 256 bytes for the 236 of the network's.
  EXPECT_NEAR(corrupted_probability(channel.bit_error_rate, 236 * 8), corrupted_probability(1e-6, 256 * 8), 1e-15);
  EXPECT_NEAR(channel.energy_per_bit * 236, p.energy_per_bit * 256, 1e-12);
}

TEST(DieToDie, WithoutCrcNothingIsReplayed) {
  DieToDieParams p = advanced(8e9);
  p.format = "raw";
  EXPECT_THAT(problems(p), IsEmpty());
  EXPECT_EQ(channel_of(p, 32).bit_error_rate, 0);
  p.format = "flit_68";
  EXPECT_GT(channel_of(p, 32).bit_error_rate, 0);
}

// --------------------------------------------------------------------------------------------------------- lanes lost

TEST(DieToDie, SpareLanesComeFirst) {
  EXPECT_EQ(advanced(32e9, 64).spare_lanes, 4);
  EXPECT_EQ(advanced(32e9, 32).spare_lanes, 2);
  EXPECT_EQ(standard().spare_lanes, 0);
  DieToDieParams p = advanced();
  p.lost_at = kMicrosecond;
  p.lanes_lost = 4;
  EXPECT_EQ(lanes_left(p), 64);
  EXPECT_EQ(channel_of(p, 32).degraded_at, kNever);
  p.lanes_lost = 5;
  EXPECT_EQ(lanes_left(p), 63);
  const Channel channel = channel_of(p, 32);
  EXPECT_EQ(channel.degraded_at, kMicrosecond);
  EXPECT_EQ(channel.degraded_bandwidth, 236 * kGigabyte * 63 / 64);
  EXPECT_EQ(channel.bandwidth, 236 * kGigabyte);
}

TEST(DieToDie, AModuleWithoutSpareLanesGetsNarrower) {
  DieToDieParams p = standard();
  p.lanes_lost = 1;
  EXPECT_EQ(lanes_left(p), 15);
  p.degrade = "half";
  EXPECT_EQ(lanes_left(p), 8);
  EXPECT_EQ(channel_of(p, 32).degraded_bandwidth, 59 * kGigabyte / 2);
  p.lanes_lost = 8;
  EXPECT_EQ(lanes_left(p), 8);
  p.lanes_lost = 9;
  EXPECT_EQ(lanes_left(p), 0);
  EXPECT_EQ(problems(p).at(0).parameter, "lanes_lost");
  p.modules = 2;  // the other one is whole
  EXPECT_EQ(lanes_left(p), 16);
  EXPECT_THAT(problems(p), IsEmpty());
  EXPECT_EQ(channel_of(p, 32).degraded_bandwidth, 59 * kGigabyte);
}

// ------------------------------------------------------------------------------------------------ energy and shoreline

TEST(DieToDie, EnergyOfUcie) {
  for (const double rate : {4e9, 16e9}) {
    EXPECT_EQ(standard(rate).energy_per_bit, 0.5);
    EXPECT_EQ(advanced(rate).energy_per_bit, 0.25);
  }
  for (const double rate : {24e9, 32e9, 64e9}) {
    EXPECT_EQ(standard(rate).energy_per_bit, 0.6);
    EXPECT_EQ(advanced(rate).energy_per_bit, 0.3);
  }
}

TEST(DieToDie, ShorelineGivesTheDensityAtEveryRate) {
  EXPECT_NEAR(shoreline_mm(advanced()), 0.389, 0.0005);
  EXPECT_NEAR(shoreline_mm(standard()), 0.571, 0.0005);
  const auto density = [](const DieToDieParams& p) {  // both directions
    return 2 * static_cast<double>(raw_bandwidth(p)) / kGigabyte / shoreline_mm(p);
  };
  EXPECT_NEAR(density(advanced(32e9)), 1317, 1e-6);
  EXPECT_NEAR(density(standard(32e9)), 224, 1e-6);
  EXPECT_NEAR(density(advanced(4e9)), 165, 0.5);  // the lower ends of the specification's table
  EXPECT_NEAR(density(standard(4e9)), 28, 1e-6);
  DieToDieParams four = standard();
  four.modules = 4;
  EXPECT_NEAR(density(four), 224, 1e-6);
  EXPECT_NEAR(density(DieToDieParams("nv_hbi")), 1317, 1e-6);
}

// ---------------------------------------------------------------------------------------------------------- parameters

TEST(DieToDie, DefaultsFollowWhatTheyHangOn) {
  const DieToDieParams p = from_file({{"standard", "ucie_standard"}, {"data_rate", "16Gb/s"}});
  EXPECT_EQ(p.width, 16);
  EXPECT_EQ(p.wire, "substrate");
  EXPECT_EQ(p.energy_per_bit, 0.5);
  EXPECT_EQ(p.spare_lanes, 0);
  EXPECT_NEAR(p.shoreline, 0.571, 0.0005);
  EXPECT_THAT(problems(p), IsEmpty());
  EXPECT_EQ(from_file({{"width", "32"}}).spare_lanes, 2);
  EXPECT_EQ(from_file({{"data_rate", "64Gb/s"}}).bit_error_rate, 1e-12);
  EXPECT_EQ(from_file({{"wire", "wide"}}).resistance, 5.5);
  const DieToDieParams half = from_file({{"standard", "nv_hbi"}, {"bandwidth", "2.5TB/s"}});
  EXPECT_DOUBLE_EQ(half.shoreline * 2, DieToDieParams("nv_hbi").shoreline);
}

TEST(DieToDie, WhatIsWrittenWinsOverDefaults) {
  const DieToDieParams p = from_file({{"standard", "ucie_standard"},
                                      {"data_rate", "64Gb/s"},
                                      {"bit_error_rate", "1e-6"},
                                      {"energy_per_bit", "1pJ/bit"},
                                      {"latency", "3ns"},
                                      {"wire", "wide"},
                                      {"resistance", "7"}});
  EXPECT_EQ(p.bit_error_rate, 1e-6);
  EXPECT_EQ(p.energy_per_bit, 1);
  EXPECT_EQ(p.latency, 3 * kNanosecond);
  EXPECT_EQ(p.resistance, 7);
  // Being visited again changes nothing, nor does reading back what was written.
  DieToDieParams again = from_file({}, p);
  EXPECT_EQ(again.bit_error_rate, 1e-6);
  EXPECT_EQ(again.resistance, 7);
  again = from_file({{"standard", "ucie_standard"}, {"data_rate", "64Gb/s"}}, p);
  EXPECT_EQ(again.energy_per_bit, 1);
}

TEST(DieToDie, ANameSurvivesItsStandard) {
  DieToDieParams p;
  p.name = "bridge";
  EXPECT_EQ(from_file({{"standard", "nv_hbi"}}, p).name, "bridge");
}

TEST(DieToDie, ParametersAreDescribed) {
  for (const ParameterInfo& info : describe(DieToDieParams())) EXPECT_FALSE(info.source.empty()) << info.path;
}

TEST(DieToDie, EveryStandardCanBeBuilt) {
  for (const std::string& name : die_to_die_standards()) {
    DieToDieParams p(name);
    if (name == "generic") p.bandwidth = 100 * kGigabyte;
    EXPECT_THAT(problems(p), IsEmpty()) << name;
    const Channel channel = channel_of(p, 32);
    EXPECT_GT(channel.bandwidth, 0) << name;
    EXPECT_GE(channel.latency, 0) << name;
    EXPECT_EQ(channel.degraded_at, kNever) << name;
  }
}

TEST(DieToDie, AGenericLinkIsWhatIsGiven) {
  const DieToDieParams p = from_file({{"standard", "generic"}, {"bandwidth", "1TB/s"}, {"latency", "4ns"}});
  const Channel channel = channel_of(p, 64);
  EXPECT_EQ(channel.bandwidth, 1000 * kGigabyte);
  EXPECT_EQ(channel.latency, 4 * kNanosecond);
  EXPECT_EQ(channel.energy_per_bit, 0);
  EXPECT_EQ(channel.bit_error_rate, 0);
  EXPECT_EQ(shoreline_mm(p), 0);
  const DieToDieParams lanes = from_file({{"standard", "generic"}, {"data_rate", "10Gb/s"}, {"width", "80"}});
  EXPECT_EQ(channel_of(lanes, 64).bandwidth, 100 * kGigabyte);
}

// ------------------------------------------------------------------------------------------------------------ problems

/// The only problem's "parameter: message".
std::string problem_of(std::map<std::string, std::string> values) {
  const auto found = problems(from_file(std::move(values)));
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? "" : found[0].parameter + ": " + found[0].message;
}

TEST(DieToDie, ImpossibleUcieLinksSayWhatWouldBeRight) {
  EXPECT_THAT(problem_of({{"data_rate", "20Gb/s"}}),
              AllOf(HasSubstr("data_rate: 20Gb/s is no data rate of UCIe"), HasSubstr("16Gb/s, 24Gb/s")));
  EXPECT_THAT(problem_of({{"standard", "ucie_standard"}, {"width", "64"}}),
              HasSubstr("width: a module of ucie_standard has 16 lanes, not 64"));
  EXPECT_THAT(problem_of({{"width", "16"}}), HasSubstr("width: a module of ucie_advanced has 32, 64 lanes, not 16"));
  EXPECT_THAT(problem_of({{"modules", "3"}}), HasSubstr("modules: a UCIe link has 1, 2 or 4 modules, not 3"));
  EXPECT_THAT(problem_of({{"length", "5mm"}}),
              HasSubstr("length: ucie_advanced reaches 2mm, not 5mm; ucie_standard reaches 25mm"));
  EXPECT_THAT(problem_of({{"standard", "ucie_standard"}, {"length", "26mm"}}),
              HasSubstr("length: ucie_standard reaches 25mm, not 26mm"));
  EXPECT_THAT(problem_of({{"bandwidth", "1TB/s"}}), HasSubstr("bandwidth: of UCIe follows from"));
}

TEST(DieToDie, ErrorsNeedACrc) {
  EXPECT_THAT(problem_of({{"format", "raw"}}), HasSubstr("format: UCIe needs CRC and retry above 8Gb/s, and raw has no "
                                                         "CRC to find errors with; take flit_68"));
  EXPECT_THAT(problem_of({{"format", "raw"}, {"bit_error_rate", "0"}}), HasSubstr("format: UCIe needs CRC and retry"));
  EXPECT_THAT(problem_of({{"format", "raw"}, {"data_rate", "8Gb/s"}, {"bit_error_rate", "1e-9"}}),
              HasSubstr("bit_error_rate: 1e-09 needs retry"));
  EXPECT_THAT(problem_of({{"standard", "nv_hbi"}, {"bit_error_rate", "1e-12"}}), HasSubstr("bit_error_rate: 1e-12"));
  EXPECT_THAT(problems(from_file({{"standard", "nv_hbi"}, {"bit_error_rate", "1e-12"}, {"format", "flit_256"}})),
              IsEmpty());
}

TEST(DieToDie, LinksOutOfThisWorldAreProblems) {
  EXPECT_THAT(problem_of({{"standard", "generic"}}), HasSubstr("bandwidth: generic needs bandwidth, or data_rate"));
  EXPECT_THAT(problem_of({{"standard", "nv_hbi"}, {"data_rate", "32Gb/s"}}),
              HasSubstr("bandwidth: data_rate (32Gb/s) says it already"));
  EXPECT_THAT(problem_of({{"standard", "generic"}, {"bandwidth", "1kB/s"}}), HasSubstr("makes a link of 1000 B/s"));
  EXPECT_THAT(problem_of({{"standard", "generic"}, {"data_rate", "1Tb/s"}, {"width", "1048576"}}),
              HasSubstr("data_rate: makes a link of"));
  EXPECT_THAT(problem_of({{"lanes_lost", "68"}}), HasSubstr("lanes_lost: 68 lanes lost leave nothing: a module has 64 "
                                                            "and 4 spare ones, degrade is proportional"));
  EXPECT_THAT(problem_of({{"lanes_lost", "69"}, {"modules", "2"}}), HasSubstr("lanes_lost: 69"));
}

TEST(DieToDie, UnknownNamesAreProblems) {
  EXPECT_THAT(problem_of({{"standard", "ucie_advnaced"}}), HasSubstr("standard: there is no 'ucie_advnaced'; did you"));
  EXPECT_THAT(problem_of({{"format", "flit_265"}}), HasSubstr("format: there is no 'flit_265'; did you mean"));
  EXPECT_THAT(problem_of({{"wire", "whide"}}), HasSubstr("wire: there is no 'whide'; did you mean 'wide'"));
  EXPECT_THAT(problem_of({{"degrade", "hal"}}), HasSubstr("degrade: there is no 'hal'"));
  EXPECT_THROW(channel_of(from_file({{"wire", "whide"}}), 32), std::invalid_argument);
}

}  // namespace
}  // namespace cowosim::fabric
