#include "hbm/checker/command_trace.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace cowosim::hbm {
namespace {

const std::string kHeader = "time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column\n";

class CommandTraceTest : public testing::Test {
 protected:
  ~CommandTraceTest() override { std::remove(file_.c_str()); }

  CommandTrace& open(const std::string& text) {
    std::ofstream(file_) << text;
    trace_ = std::make_unique<CommandTrace>(file_, 2, 16);
    return *trace_;
  }
  /// The message of the error that reading `text` ends with, without the file's name.
  std::string error(const std::string& text) {
    try {
      CommandTrace& trace = open(text);
      for (TracedCommand command; trace.next(command);) {
      }
    } catch (const ConfigError& e) {
      return std::string(e.what()).substr(file_.size());
    }
    return "";
  }
  std::string of_line(const std::string& line) { return error(kHeader + line + "\n"); }

  const std::string file_ = testing::TempDir() + "cowosim_command_trace_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
  std::unique_ptr<CommandTrace> trace_;
};

TEST_F(CommandTraceTest, EveryField) {
  CommandTrace& trace =
      open("# a remark\n" + kHeader +
           "12.3125,1,15,1,ACT,3,2,1,77,\n\n 13 ,0,2,0, REFab ,-1,,-1,-1,\r\n7.5,0,0,0,RD,0,0,0,5,31");
  TracedCommand c;
  ASSERT_TRUE(trace.next(c));
  EXPECT_EQ(c.line, 3);
  EXPECT_EQ(c.stack, 1);
  EXPECT_EQ(c.channel, 15);
  EXPECT_EQ(c.record.time, 12312500);
  EXPECT_EQ(c.record.pseudo_channel, 1);
  EXPECT_EQ(c.record.command, Command::activate);
  EXPECT_EQ(c.record.sid, 3);
  EXPECT_EQ(c.record.bank_group, 2);
  EXPECT_EQ(c.record.bank, 1);
  EXPECT_EQ(c.record.row, 77);
  EXPECT_EQ(c.record.column, -1);
  ASSERT_TRUE(trace.next(c));
  EXPECT_EQ(c.line, 5);
  EXPECT_EQ(c.record.command, Command::refresh_all);
  EXPECT_EQ(c.record.sid, -1);
  EXPECT_EQ(c.record.bank, -1);
  ASSERT_TRUE(trace.next(c));
  EXPECT_EQ(c.record.column, 31);
  EXPECT_FALSE(trace.next(c));
  EXPECT_FALSE(trace.next(c));
}

TEST_F(CommandTraceTest, EveryCommand) {
  for (std::size_t i = 0; i < kCommands; ++i) {
    TracedCommand c;
    ASSERT_TRUE(open(kHeader + "1,0,0,0," + name_of(static_cast<Command>(i)) + ",,,,,\n").next(c));
    EXPECT_EQ(c.record.command, static_cast<Command>(i));
  }
}

TEST_F(CommandTraceTest, TimesAreRoundedToAFemtosecond) {
  const auto time = [&](const std::string& text) {
    TracedCommand c;
    EXPECT_TRUE(open(kHeader + text + ",0,0,0,PREab,,,,,\n").next(c));
    return c.record.time;
  };
  EXPECT_EQ(time("0"), 0);
  EXPECT_EQ(time("0.3824091"), 382409);
  EXPECT_EQ(time("0.38240950000"), 382410);
  EXPECT_EQ(time("1.9999999"), 2000000);
  EXPECT_EQ(time("9000000000000"), 9'000'000'000'000 * kNanosecond);
}

TEST_F(CommandTraceTest, ErrorsNameLineAndColumn) {
  EXPECT_EQ(of_line("x,0,0,0,RD,0,0,0,5,31"),
            ":2:1: error: time_ns: 'x' is not a time: decimal nanoseconds from 0 to 9e12");
  for (const char* time : {"", "-1", "1.", "1.2.3", "1e3", "9000000000001", "1.0000000x", ".5"})
    EXPECT_NE(of_line(std::string(time) + ",0,0,0,RD,0,0,0,5,31").find(":2:1: error: time_ns: "), std::string::npos)
        << time;
  EXPECT_EQ(of_line("1,2,0,0,RD,0,0,0,5,31"), ":2:3: error: stack: '2' is not a number from 0 to 1");
  EXPECT_EQ(of_line("1,0,16,0,RD,0,0,0,5,31"), ":2:5: error: channel: '16' is not a number from 0 to 15");
  EXPECT_EQ(of_line("1,0,0,,RD,0,0,0,5,31"), ":2:7: error: pseudo_channel: '' is not a number from 0 to 255");
  EXPECT_EQ(of_line("1,0,0,0,ACTT,0,0,0,5,"),
            ":2:9: error: command: there is no command 'ACTT'; did you mean 'ACT'? (there are ACT, PREpb, PREab, RD, "
            "WR, REFab, REFpb, RFMab, RFMpb)");
  EXPECT_EQ(of_line("1,0,0,0,RD,0,0,a,5,31"), ":2:16: error: bank: 'a' is not a number from 0 to 32767, -1 or empty");
  EXPECT_EQ(of_line("1,0,0,0,RD,0,0,0,-2,31"),
            ":2:18: error: row: '-2' is not a number from 0 to 2147483647, -1 or empty");
  EXPECT_EQ(of_line("1,0,0,0,RD,0,0,0,5"), ":2:1: error: 9 fields, there must be 10");
  EXPECT_EQ(of_line("1,0,0,0,RD,0,0,0,5,31,7"), ":2:23: error: more than the 10 fields of the header");
  EXPECT_EQ(of_line(std::string(100000, '1')), ":2:1: error: the line is longer than 4 KiB; is this a trace?");
  EXPECT_EQ(error(""),
            ":1:1: error: the command trace is empty; its header is " + kHeader.substr(0, kHeader.size() - 1));
  EXPECT_EQ(error("a,b\n"), ":1:1: error: the header is 'a,b', it must be " + kHeader.substr(0, kHeader.size() - 1));
}

TEST_F(CommandTraceTest, ReadingGoesOnBehindAnError) {
  CommandTrace& trace = open(kHeader + "x,0,0,0,RD,0,0,0,5,31\n1,0,0,0,RD,0,0,0,5,31\n");
  TracedCommand c;
  EXPECT_THROW(trace.next(c), ConfigError);
  ASSERT_TRUE(trace.next(c));
  EXPECT_EQ(c.line, 3);
}

TEST_F(CommandTraceTest, LongTracesAreReadInPieces) {
  std::string text = kHeader;
  constexpr int kLines = 20000;
  for (int i = 0; i < kLines; ++i) text += std::to_string(i) + ",0,3,1,WR,0,1,2," + std::to_string(i) + ",4\n";
  CommandTrace& trace = open(text);
  TracedCommand c;
  for (int i = 0; i < kLines; ++i) {
    ASSERT_TRUE(trace.next(c));
    ASSERT_EQ(c.record.row, i);
    ASSERT_EQ(c.line, i + 2);
  }
  EXPECT_FALSE(trace.next(c));
}

TEST_F(CommandTraceTest, FilesThatCannotBeRead) {
  EXPECT_THROW(CommandTrace("no/such/file.csv", 1, 1), ConfigError);
  const std::string zipped = file_ + ".gz";
  std::ofstream(zipped) << kHeader;
  EXPECT_THROW(CommandTrace(zipped, 1, 1), ConfigError);
  std::remove(zipped.c_str());
}

}  // namespace
}  // namespace cowosim::hbm
