// Reads a command trace: what `cowosim run --trace commands` writes, and what others convert theirs to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "hbm/command.h"
#include "telemetry/input_file.h"

namespace cowosim::hbm {

struct TracedCommand {
  int line = 0;
  int stack = 0;
  int channel = 0;  ///< of the stack
  CommandRecord record;
};

/// Header `time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column`, then a command per line; .gz and
/// .zst by ending. Blank lines and lines that begin with '#' are skipped, fields may be surrounded by blanks.
///   time_ns         decimal, 0 to 9e12; digits beyond a femtosecond are rounded half up
///   stack, channel  below `stacks`, `channels`
///   pseudo_channel  0 to 255
///   command         ACT, PREpb, PREab, RD, WR, REFab, REFpb, RFMab, RFMpb
///   the others      0 to 32767 (row, column: 2147483647); empty or -1 where the command has none
/// Whether a command makes sense where it is (ranges, order) is not judged here.
class CommandTrace {
 public:
  /// Throws ConfigError: no such file, not compressed as its ending says, no or another header.
  CommandTrace(const std::string& file, int stacks, int channels);

  /// The next command; false at the end. Throws ConfigError with file:line:column at a malformed line, after which the
  /// next call goes on with the line behind it.
  bool next(TracedCommand& command);

 private:
  bool line(std::string_view& text);
  void read_header();
  [[noreturn]] void fail(std::string_view where, const char* field, const std::string& message) const;
  std::string_view field(std::string_view& rest, int index);
  Time time(std::string_view text) const;
  int number(std::string_view text, const char* name, int least, int most) const;

  std::string file_;
  telemetry::InputFile input_;
  int stacks_, channels_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  ///< of what has not been read
  std::size_t end_ = 0;
  int line_number_ = 0;
  std::string_view line_;
};

}  // namespace cowosim::hbm
