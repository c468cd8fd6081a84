#include "traffic/trace_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/random.h"

namespace cowosim::traffic {
namespace {

using ::testing::ElementsAre;

constexpr const char* kHeader = "time_ns,op,address,bytes\n";
constexpr const char* kFullHeader = "time_ns,op,address,bytes,stream,id,depends_on,think_ns\n";

class TraceFile : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("cowosim_trace_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& text, const std::string& name = "t.csv") {
    const std::string path = (directory_ / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static TraceOptions options_for(const std::string& file) {
    TraceOptions options;
    options.file = file;
    return options;
  }
  template <class Compressor>
  std::string write_compressed(const std::string& text, const std::string& name) {
    const std::string path = (directory_ / name).string();
    boost::iostreams::filtering_ostream out;
    out.push(Compressor());
    std::ofstream file(path, std::ios::binary);
    out.push(file);
    out << text;
    out.reset();
    return path;
  }
  static std::vector<Request> read_all(TraceReader& reader) {
    std::vector<Request> requests;
    Request request;
    while (reader.next(request)) requests.push_back(request);
    return requests;
  }
  std::vector<Request> read(const std::string& text) {
    TraceReader reader(options_for(write(text)));
    return read_all(reader);
  }
  /// All errors of a trace, as "line:column: path: message".
  std::vector<std::string> errors(const std::string& text, std::uint64_t capacity = 1 << 20) {
    std::vector<std::string> list;
    try {
      TraceOptions options;
      options.file = write(text);
      options.capacity = capacity;
      options.stream_name = "trace";
      TraceReader reader(options);
      reader.validate_all();
    } catch (const ConfigError& error) {
      for (const Diagnostic& d : error.diagnostics()) {
        EXPECT_EQ(std::filesystem::path(d.file).filename(), "t.csv");
        list.push_back(std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.path + ": " + d.message);
      }
    }
    return list;
  }
  std::filesystem::path directory_;
};

TEST_F(TraceFile, ReadsEveryColumnInAnyOrder) {
  const std::vector<Request> requests = read(
      "# made by hand\n"
      "id,bytes,op,time_ns,address,think_ns,stream,depends_on\r\n"
      "7,64,R,1.5,0x100,,,\r\n"
      "\n"
      "# a comment\n"
      " 8 , 32 ,w, , 4096 , 2.25 , dma , 7 \n"
      ",1,r,2,0,,dma,\n");
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].id, 7u);
  EXPECT_EQ(requests[0].bytes, 64u);
  EXPECT_EQ(requests[0].op, Op::read);
  EXPECT_EQ(requests[0].time, 1'500'000);
  EXPECT_EQ(requests[0].address, 256u);
  EXPECT_EQ(requests[0].stream, 0);
  EXPECT_EQ(requests[0].depends_on, kNoId);
  EXPECT_EQ(requests[1].op, Op::write);
  EXPECT_EQ(requests[1].time, kAsSoonAsPossible);
  EXPECT_EQ(requests[1].address, 4096u);
  EXPECT_EQ(requests[1].think, 2'250'000);
  EXPECT_EQ(requests[1].depends_on, 7u);
  EXPECT_EQ(requests[1].stream, 1);
  EXPECT_EQ(requests[2].id, kNoId);
  EXPECT_EQ(requests[2].stream, 1);
}

TEST_F(TraceFile, TimesAreExact) {
  const std::vector<Request> requests =
      read(std::string(kHeader) +
           "0.000001,R,0,1\n0.0000014,R,0,1\n0.00000149,R,0,1\n0.0000015,R,0,1\n0.00000249999,R,0,1\n0.0000025,R,0,"
           "1\n12.000000,R,0,1\n8999999999999.999999,R,0,1\n");
  std::vector<Time> times;
  for (const Request& request : requests) times.push_back(request.time);
  EXPECT_THAT(times, ElementsAre(1, 1, 1, 2, 2, 3, 12'000'000, 8'999'999'999'999'999'999));
}

TEST_F(TraceFile, NumbersOfEveryLengthAreExact) {
  std::string text = kHeader;
  std::vector<std::uint64_t> addresses;
  std::uint64_t value = 0;
  for (int digits = 1; digits <= 19; ++digits) {
    value = value * 10 + static_cast<std::uint64_t>(digits % 10);
    std::ostringstream lines;
    lines << ",R," << value << ",1\n,R,0x" << std::hex << value << ",1\n,R,0X" << std::uppercase << value << ",1\n";
    text += lines.str();
    addresses.insert(addresses.end(), 3, value);
  }
  text += ",R,18446744073709551614,1\n,R,0xFFFFFFFFFFFFFFFE,1\n,R,0x000000000000000000000000000001,1\n";
  addresses.insert(addresses.end(), {18446744073709551614u, 18446744073709551614u, 1});
  const std::vector<Request> requests = read(text);
  ASSERT_EQ(requests.size(), addresses.size());
  for (std::size_t i = 0; i < addresses.size(); ++i) EXPECT_EQ(requests[i].address, addresses[i]);

  text = kHeader;
  std::vector<Time> times;
  Time whole = 0;
  for (int digits = 1; digits <= 12; ++digits) {
    whole = whole * 10 + digits % 10;
    Time femtoseconds = 0;
    std::string decimals;
    for (Time scale = 100'000; scale != 0; scale /= 10) {
      femtoseconds += 7 * scale;
      decimals += '7';
      text += std::to_string(whole) + "." + decimals + ",R,0,1\n";
      times.push_back(whole * kNanosecond + femtoseconds);
    }
  }
  const std::vector<Request> timed = read(text);
  ASSERT_EQ(timed.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i) EXPECT_EQ(timed[i].time, times[i]);
}

TEST_F(TraceFile, StreamsGetIdsInOrderOfAppearance) {
  TraceOptions options;
  options.file = write("time_ns,op,address,bytes,stream\n0,R,0,1,b\n0,R,0,1,a\n0,R,0,1,main\n0,R,0,1,\n0,R,0,1,b\n");
  options.first_stream = 3;
  options.stream_name = "main";
  TraceReader reader(options);
  std::vector<int> ids;
  for (const Request& request : read_all(reader)) ids.push_back(request.stream);
  EXPECT_THAT(ids, ElementsAre(4, 5, 3, 3, 4));
  EXPECT_THAT(reader.streams(), ElementsAre("main", "b", "a"));
}

TEST_F(TraceFile, CompressedTracesReadTheSame) {
  std::string text = kHeader;
  for (int i = 0; i < 30'000; ++i)
    text += std::to_string(i) + ".25,R," + std::to_string(i * 64) + ",64\n";  // several chunks
  TraceReader plain(options_for(write(text)));
  TraceReader gzip(options_for(write_compressed<boost::iostreams::gzip_compressor>(text, "t.csv.gz")));
  TraceReader zstd(options_for(write_compressed<boost::iostreams::zstd_compressor>(text, "t.csv.zst")));
  const std::vector<Request> expected = read_all(plain);
  EXPECT_EQ(expected.size(), 30'000u);
  EXPECT_EQ(plain.bytes(), 30'000u * 64);
  EXPECT_EQ(plain.last_time(), 29'999'250'000);
  for (TraceReader* reader : {&gzip, &zstd}) {
    const std::vector<Request> requests = read_all(*reader);
    ASSERT_EQ(requests.size(), expected.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      ASSERT_EQ(requests[i].time, expected[i].time);
      ASSERT_EQ(requests[i].address, expected[i].address);
    }
  }
}

TEST_F(TraceFile, TheLastLineNeedsNoEnd) { EXPECT_EQ(read(std::string(kHeader) + "0,R,0,64").size(), 1u); }

TEST_F(TraceFile, AGoodTraceHasNoErrors) {
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,1,,\n,W,0xFFFC0,64,x,2,1,5\n"), ElementsAre());
}

TEST_F(TraceFile, EveryErrorHasItsPlaceAndItsRemedy) {
  EXPECT_THAT(errors(std::string(kHeader) + "1x,R,0,64\n"),
              ElementsAre("2:2: time_ns: unexpected `x` behind the value"));
  EXPECT_THAT(
      errors(std::string(kHeader) + "-1,R,0,64\n"),
      ElementsAre("2:1: time_ns: `-1` is not a time: decimal nanoseconds from 0 to 9e12 such as 12.5, or empty"));
  EXPECT_THAT(
      errors(std::string(kHeader) + "9000000000001,R,0,64\n"),
      ElementsAre(
          "2:1: time_ns: `9000000000001` is not a time: decimal nanoseconds from 0 to 9e12 such as 12.5, or empty"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,X,0,64\n"), ElementsAre("2:3: op: unknown operation `X`: R or W"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,READ,0,64\n"), ElementsAre("2:3: op: unknown operation `READ`: R or W"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,,0,64\n"), ElementsAre("2:3: op: unknown operation ``: R or W"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,R,zz,64\n"),
              ElementsAre("2:5: address: `zz` is not an address: decimal or 0x... below 2^64"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,R,0x1FFFFFFFFFFFFFFFF,64\n"),
              ElementsAre("2:5: address: `0x1FFFFFFFFFFFFFFFF` is not an address: decimal or 0x... below 2^64"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,R,0,0\n"),
              ElementsAre("2:7: bytes: `0` is not a number of bytes: 1 to 1048576"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,R,0,-4\n"),
              ElementsAre("2:7: bytes: `-4` is not a number of bytes: 1 to 1048576"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,R,0\n"), ElementsAre("2:6: : 3 fields, but the header names 4"));
  EXPECT_THAT(errors(std::string(kHeader) + "0,R,0,64,1\n"),
              ElementsAre("2:9: : more fields than the 4 the header names"));
  EXPECT_THAT(errors(std::string(kHeader) + "5,R,0,64\n4.5,R,0,64\n"),
              ElementsAre("3:1: time_ns: 4.5 ns is before the 5 ns of an earlier line; times must not decrease"));
  EXPECT_THAT(
      errors(std::string(kHeader) + "5,R,0xFFFFF,1\n6,R,0xFFFFF,2\n"),
      ElementsAre("3:5: address: 2 bytes at 0xfffff lie outside memory, which ends at 0x100000 (1048576 bytes)"));
  EXPECT_THAT(
      errors(std::string(kHeader) + "5,R,0xFFFFFFFFFFFFFFFF,2\n"),
      ElementsAre(
          "2:5: address: 2 bytes at 0xffffffffffffffff lie outside memory, which ends at 0x100000 (1048576 bytes)"));
}

TEST_F(TraceFile, ErrorsOfDependencies) {
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,1,9,\n"),
              ElementsAre("2:13: depends_on: no line before this one has id 9 and none after it either; depends_on is "
                          "the id of an earlier line"));
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,1,2,\n0,R,0,64,,2,,\n"),
              ElementsAre("2:13: depends_on: no line before this one has id 2: line 3 has it, later; a request can "
                          "only depend on an earlier one"));
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,1,1,\n"),
              ElementsAre("2:13: depends_on: no line before this one has id 1; a request cannot depend on itself"));
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,1,,\n0,R,0,64,,1,,\n"),
              ElementsAre("3:11: id: id 1 is there twice; ids are unique"));
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,1,,5\n"),
              ElementsAre("2:14: think_ns: think_ns without depends_on: it is the time after that request's response"));
  EXPECT_THAT(
      errors(std::string(kFullHeader) + "0,R,0,64,,1,,\n0,R,0,64,,2,1,1000001\n"),
      ElementsAre("3:15: think_ns: `1000001` is not a think time: decimal nanoseconds from 0 to 1000000, or empty"));
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,,x,,\n"),
              ElementsAre("2:11: id: `x` is not an id: an unsigned integer below 2^64 - 1, or empty"));
  EXPECT_THAT(errors(std::string(kFullHeader) + "0,R,0,64,a/b,,,\n"),
              ElementsAre("2:10: stream: `a/b` is not a stream's name: letters, digits, _ and -"));
}

TEST_F(TraceFile, TheShortcutForPlainLinesChangesNothing) {
  // The same lines with the columns in another order are read the long way.
  SplitMix64 draw(5);
  std::string plain = kHeader;
  std::string moved = "op,time_ns,address,bytes\n";
  std::uint64_t picoseconds = 0;
  for (int i = 0; i < 40'000; ++i) {
    picoseconds += draw.next() % 5000;
    const std::string time = draw.next() % 4 == 0 ? ""
                                                  : std::to_string(picoseconds / 1000) + "." +
                                                        std::to_string(1000 + picoseconds % 1000).substr(1);
    const std::string op = draw.next() % 2 == 0 ? "R" : draw.next() % 4 == 0 ? " w" : "W";
    std::string address = std::to_string(draw.next() % 1'000'000);
    if (draw.next() % 2 == 0) address = "0x" + address;
    const std::string rest =
        "," + address + "," + std::to_string(1 + draw.next() % 500) + (draw.next() % 8 == 0 ? "\r\n" : "\n");
    plain += time + "," + op + rest;
    moved += op + "," + time + rest;
  }
  TraceReader a(options_for(write(plain, "a.csv")));
  TraceReader b(options_for(write(moved, "b.csv")));
  const std::vector<Request> x = read_all(a);
  const std::vector<Request> y = read_all(b);
  ASSERT_EQ(x.size(), 40'000u);
  ASSERT_EQ(y.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(x[i].time, y[i].time);
    ASSERT_EQ(x[i].address, y[i].address);
    ASSERT_EQ(x[i].bytes, y[i].bytes);
    ASSERT_EQ(x[i].op, y[i].op);
  }
  EXPECT_EQ(a.bytes(), b.bytes());
}

TEST_F(TraceFile, IdsInAnyOrderAreRemembered) {
  std::string text = kFullHeader;
  for (int i = 0; i < 100; ++i) text += ",R,0,64,," + std::to_string(i * 37 % 100) + ",,\n";
  for (int i = 0; i < 100; ++i) text += ",R,0,64,,," + std::to_string(i) + ",\n";
  EXPECT_THAT(errors(text), ElementsAre());
  EXPECT_EQ(errors(text + ",R,0,64,,50,,\n").size(), 1u);
}

TEST_F(TraceFile, TooManyStreams) {
  std::string text = "time_ns,op,address,bytes,stream\n";
  for (int i = 0; i < 16; ++i) text += "0,R,0,64,s" + std::to_string(i) + "\n";
  EXPECT_THAT(errors(text), ElementsAre("17:10: stream: `s15` is one stream too many: a run has at most 16"));
}

TEST_F(TraceFile, ErrorsOfTheHeader) {
  const std::string help = "the header is `time_ns,op,address,bytes` and optionally `stream,id,depends_on,think_ns`";
  EXPECT_THAT(errors(""), ElementsAre("1:1: : the trace is empty; " + help));
  EXPECT_THAT(errors("0,R,0,64\n"), ElementsAre("1:1: : the header is missing; " + help));
  EXPECT_THAT(errors("time_ns,op,address\n"), ElementsAre("1:1: : column `bytes` is missing; " + help));
  EXPECT_THAT(errors("time_ns,op,adress,bytes\n"),
              ElementsAre("1:1: : column `address` is missing; " + help,
                          "1:12: : unknown column `adress`: " + help + "; did you mean 'address'?"));
  EXPECT_THAT(errors("time_ns,op,address,bytes,op\n"), ElementsAre("1:26: : column `op` is there twice"));
  EXPECT_THAT(errors("time_ns,op,address,bytes,depends_on\n"),
              ElementsAre("1:1: : column `depends_on` needs a column `id`: it names the id of an earlier line"));
  EXPECT_THAT(
      errors("time_ns,op,address,bytes,think_ns\n"),
      ElementsAre("1:1: : column `think_ns` needs a column `depends_on`: it is the time after that one's response"));
  EXPECT_THAT(errors(kHeader), ElementsAre("1:1: : the trace has a header but no requests"));
}

TEST_F(TraceFile, AllErrorsAtOnceButNotEndlessly) {
  std::string text = kHeader;
  text += "0,R,0,64\n0,X,0,64\n0,R,0,64\n0,R,y,64\n";
  EXPECT_EQ(errors(text).size(), 2u);
  for (int i = 0; i < 100; ++i) text += "0,X,0,64\n";
  EXPECT_EQ(errors(text).size(), TraceReader::kMaxErrors);
}

TEST_F(TraceFile, NextStopsAtTheFirstError) {
  TraceReader reader(options_for(write(std::string(kHeader) + "0,R,0,64\n0,X,0,64\n")));
  Request request;
  EXPECT_TRUE(reader.next(request));
  EXPECT_THROW(reader.next(request), ConfigError);
}

TEST_F(TraceFile, MissingAndMislabelledFiles) {
  const auto message = [](const std::string& file) -> std::string {
    try {
      TraceReader reader(options_for(file));
      reader.validate_all();
    } catch (const ConfigError& error) {
      return error.diagnostics().at(0).message;
    }
    return "";
  };
  EXPECT_EQ(message((directory_ / "none.csv").string()), "cannot read the trace: No such file or directory");
  EXPECT_EQ(message(directory_.string()), "cannot read the trace: Is a directory");
  EXPECT_THAT(message(write(std::string(kHeader) + "0,R,0,64\n", "plain.gz")),
              ::testing::StartsWith("cannot decompress the trace ("));
  EXPECT_THAT(message(write(std::string(kHeader) + "0,R,0,64\n", "plain.zst")),
              ::testing::StartsWith("cannot decompress the trace ("));
}

TEST_F(TraceFile, BinaryRubbishIsAnError) {
  std::string rubbish;
  for (int i = 0; i < 4000; ++i) rubbish += static_cast<char>(i * 131 + 7);
  EXPECT_FALSE(errors(rubbish).empty());
  EXPECT_FALSE(errors(std::string(3'000'000, 'a')).empty());
}

}  // namespace
}  // namespace cowosim::traffic
