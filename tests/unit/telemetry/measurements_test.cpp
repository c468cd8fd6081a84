// A measurement file and its map: what is read, and the position and words of what is wrong.
#include "telemetry/measurements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace cowosim::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// One pseudo-channel of 4 x 4 banks, 16384 rows of 32 accesses.
const MemoryMap& memory() {
  static const MemoryMap map = [] {
    MemoryMapOptions options;
    options.channel_hash = options.bank_hash = false;
    return MemoryMap(MemoryGeometry(), options);
  }();
  return map;
}

class MeasurementFile : public testing::Test {
 protected:
  MeasurementFile() {
    how_.columns.issue = "issue";
    how_.columns.done = "done";
    how_.columns.op = "op";
    how_.columns.address = "address";
    how_.time.period = 625'000;
    file_ = (std::filesystem::temp_directory_path() /
             ("cowosim-measurements-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
              ".csv"))
                .string();
  }
  ~MeasurementFile() override { std::remove(file_.c_str()); }

  Measurements read(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    EXPECT_TRUE(how_.problems().empty());
    return read_measurements(file_, how_, memory());
  }
  /// Without the name of the file.
  std::vector<std::string> errors(const std::string& text) {
    try {
      read(text);
    } catch (const ConfigError& error) {
      std::vector<std::string> told;
      for (const Diagnostic& d : error.diagnostics()) told.push_back(to_string(d).substr(d.file.size()));
      return told;
    }
    return {};
  }

  MeasurementMap how_;
  std::string file_;
};

constexpr const char* kHeader = "issue,done,op,address\n";

TEST_F(MeasurementFile, TimesAreCountsOfTheClockToTheFemtosecond) {
  const auto all = read(std::string(kHeader) + "16,70.5,R,0x40\n\n# a remark\r\n 18.0 ,\"75.5\", wr ,64\r\n").requests;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].issue, 10'000'000);
  EXPECT_EQ(all[0].done, 44'062'500);
  EXPECT_EQ(all[0].address, 64u);
  EXPECT_EQ(all[0].bytes, 32u);
  EXPECT_EQ(all[0].line, 2);
  EXPECT_EQ(all[1].line, 5);
  EXPECT_EQ(all[1].op, Op::write);
  EXPECT_EQ(all[1].address, 64u);
  EXPECT_EQ(all[1].done, 47'187'500);
}

TEST_F(MeasurementFile, FrequenciesAreNotRoundedToAPeriod) {
  how_.time.period = 0;
  how_.time.frequency = 1.2e9;  // 833333.3 fs
  EXPECT_EQ(read(std::string(kHeader) + "3000000,6000000,R,0\n").requests[0].issue, 2'500'000'000'000);
}

TEST_F(MeasurementFile, UnitsOriginAndShift) {
  how_.time.period = 0;
  how_.time.unit = "ns";
  how_.time.origin = "first";
  how_.time.shift = 5 * kNanosecond;
  const auto all = read(std::string(kHeader) + "1000.5,1040,R,0\n1000.25,1030,R,32\n").requests;
  EXPECT_EQ(all[0].issue, 5'250'000);
  EXPECT_EQ(all[1].issue, 5'000'000);
  EXPECT_EQ(all[1].done, 34'750'000);
}

TEST_F(MeasurementFile, AnAxiDump) {
  how_.columns = {};
  how_.columns.issue = "t_ar";
  how_.columns.done = "t_r";
  how_.columns.address = "ARADDR";
  how_.columns.beats = "ARLEN";
  how_.columns.log2_size = "ARSIZE";
  how_.columns.id = "ARID";
  how_.columns.master = "port";
  how_.op.only = "read";
  how_.address.offset = 0x80000000;
  how_.address.radix = "hex";
  how_.separator = "semicolon";
  how_.filters = {{"kind", {"AR", "ar"}}};
  const auto result =
      read("kind;t_ar;t_r;ARADDR;ARLEN;ARSIZE;ARID;port\nAR;1;2;80000100;3;5;7;gpu\nAW;1;2;80000100;3;5;7;gpu\n");
  ASSERT_EQ(result.requests.size(), 1u);
  EXPECT_EQ(result.filtered, 1u);
  const MeasuredRequest& r = result.requests[0];
  EXPECT_EQ(r.address, 0x100u);
  EXPECT_EQ(r.bytes, 128u);
  EXPECT_EQ(r.id, "7");
  EXPECT_EQ(r.master, "gpu");
}

TEST_F(MeasurementFile, PlacesInsteadOfAddresses) {
  how_.columns.address = "";
  how_.columns.bank_group = "bg";
  how_.columns.bank = "ba";
  how_.columns.row = "row";
  how_.columns.column = "col";
  const auto all = read("issue,done,op,bg,ba,row,col\n0,1,R,2,3,6442,30\n").requests;
  const Location at = memory().decode(all[0].address);
  EXPECT_EQ(at.bank_group, 2);
  EXPECT_EQ(at.bank, 3);
  EXPECT_EQ(at.row, 6442u);
  EXPECT_EQ(at.column, 30u);
  EXPECT_EQ(at.offset, 0u);
  EXPECT_THAT(errors("issue,done,op,bg,ba,row,col\n0,1,R,4,3,6442,30\n"),
              ElementsAre(":2:7: error: bank_group: '4' is not a number from 0 to 3, decimal or 0x..."));
}

TEST_F(MeasurementFile, WhatWasNotMeasured) {
  how_.columns.accepted = "accepted";
  const auto all = read("issue,done,op,address,accepted\n4,,R,0,\n").requests;
  EXPECT_EQ(all[0].done, kNotMeasured);
  EXPECT_EQ(all[0].accepted, kNotMeasured);
  EXPECT_THAT(errors("issue,done,op,address,accepted\n,5,R,0,\n"),
              ElementsAre(HasSubstr(":2:1: error: issue: no time of issue")));
  how_.replay.issue = "as_soon_as_possible";
  EXPECT_EQ(read("issue,done,op,address,accepted\n,5,R,0,1\n").requests[0].issue, kNotMeasured);
}

TEST_F(MeasurementFile, EveryBadRowIsToldWithItsPlace) {
  const auto told = errors(std::string(kHeader) +
                           "x,2,R,0\n1,2,Q,0\n1,2,R,zero\n1,2,R\n5,2,R,0\n1,2,R,0x10000000\n-1,2,R,0\n1,2,R,0\n");
  ASSERT_EQ(told.size(), 7u);
  EXPECT_EQ(told[0], ":2:1: error: issue: 'x' is not a time: a decimal number such as 12.5, at most 2.5 hours");
  EXPECT_THAT(told[1], HasSubstr(":3:5: error: op: 'Q' is neither a read (R, RD, READ, AR, 0) nor a write"));
  EXPECT_THAT(told[2], HasSubstr(":4:7: error: address: 'zero' is not a number"));
  EXPECT_EQ(told[3], ":5:1: error: 3 fields, but the header names 4");
  EXPECT_EQ(told[4], ":6:3: error: done: 2 is before the issue (5) of this request");
  EXPECT_THAT(told[5],
              HasSubstr(":7:7: error: address: 32 bytes at 0x10000000 (less the offset: 0x10000000) lie outside"));
  EXPECT_THAT(told[6], HasSubstr(":8:1: error: issue: -0.625 ns is before time 0"));
}

TEST_F(MeasurementFile, ErrorsAreBounded) {
  std::string text = kHeader;
  for (int i = 0; i < 1000; ++i) text += "x,2,R,0\n";
  EXPECT_EQ(errors(text).size(), kMaxMeasurementErrors);
}

TEST_F(MeasurementFile, ColumnsMustBeThere) {
  EXPECT_THAT(errors("isue,done,op,address\n0,1,R,0\n"),
              ElementsAre(HasSubstr(":1:1: error: columns.issue: there is no column 'issue'; did you mean 'isue'?")));
  EXPECT_THAT(errors("issue,issue,done,op,address\n"), ElementsAre(HasSubstr("column 'issue' is there twice")));
  EXPECT_THAT(errors(""), ElementsAre(HasSubstr(":1:1: error: the file is empty")));
  EXPECT_THAT(errors(kHeader), ElementsAre(HasSubstr("the file has a header but no requests")));
  how_.filters = {{"op", {"W"}}};
  EXPECT_THAT(errors(std::string(kHeader) + "0,1,R,0\n"), ElementsAre(HasSubstr("no row is left by the filters")));
}

TEST(MeasurementMap, WhatDoesNotGoTogether) {
  const auto problems = [](auto change) {
    MeasurementMap map;
    map.columns.issue = "a";
    map.columns.done = "b";
    map.columns.op = "c";
    map.columns.address = "d";
    map.time.period = 1;
    change(map);
    std::vector<std::string> paths;
    for (const ParameterProblem& problem : map.problems()) paths.push_back(problem.parameter);
    return paths;
  };
  EXPECT_THAT(problems([](auto&) {}), ElementsAre());
  EXPECT_THAT(problems([](auto& m) { m.time.period = 0; }), ElementsAre("time"));
  EXPECT_THAT(problems([](auto& m) { m.time.unit = "ns"; }), ElementsAre("time"));
  EXPECT_THAT(problems([](auto& m) { m.columns.done = ""; }), ElementsAre("columns.done"));
  EXPECT_THAT(problems([](auto& m) { m.columns.issue = ""; }), ElementsAre("columns.issue", "replay.latency"));
  EXPECT_THAT(problems([](auto& m) { m.columns.op = ""; }), ElementsAre("columns.op"));
  EXPECT_THAT(problems([](auto& m) { m.op.only = "read"; }), ElementsAre("columns.op"));
  EXPECT_THAT(problems([](auto& m) { m.columns.row = "row"; }), ElementsAre("columns.address"));
  EXPECT_THAT(problems([](auto& m) { m.columns.address = ""; }), ElementsAre("columns.address"));
  EXPECT_THAT(problems([](auto& m) { m.columns.beats = "l"; }), ElementsAre("columns.beats"));
  EXPECT_THAT(problems([](auto& m) { m.replay.latency = "accepted"; }), ElementsAre("replay.latency"));
  EXPECT_THAT(problems([](auto& m) { m.op.write = {"r"}; }), ElementsAre("op.write"));
  EXPECT_THAT(problems([](auto& m) { m.filters = {{}}; }), ElementsAre("filters.0.column", "filters.0.values"));
}

TEST_F(MeasurementFile, TimesThatNoSimulationReachesAreErrorsAndDoNotWrap) {
  how_.time = {};
  how_.time.unit = "s";
  how_.time.shift = 9000 * kSecond;
  EXPECT_THAT(errors("issue,done,op,address\n9000,9000,R,0\n"),
              ElementsAre(":2:1: error: issue: '9000' is more than 2.5 hours from time 0, with time.shift of the map"));
  EXPECT_EQ(read("issue,done,op,address\n0,0,R,0\n").requests[0].issue, 9000 * kSecond) << "the negative control";
  how_.time.shift = -9000 * kSecond;
  EXPECT_THAT(errors("issue,done,op,address\n-9000,9000,R,0\n"), ElementsAre(HasSubstr("2.5 hours from time 0")));
  how_.time.origin = "first";
  how_.time.shift = 0;
  EXPECT_THAT(errors("issue,done,op,address\n-9000,-8999,R,0\n9000,9000,R,0\n"),
              ElementsAre(":3:1: error: issue: '9000' is more than 2.5 hours from another time of the file, with "
                          "time.shift of the map"));
  how_.time.shift = 9000 * kSecond;
  EXPECT_EQ(read("issue,done,op,address\n-9000,-9000,R,0\n").requests[0].done, 9000 * kSecond);
}

}  // namespace
}  // namespace cowosim::telemetry
