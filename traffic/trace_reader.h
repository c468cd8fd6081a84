// Traces in CSV, plain or compressed (.gz, .zst by ending), read in chunks: memory does not grow with the file.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "telemetry/input_file.h"
#include "traffic/request_stream.h"

namespace cowosim::traffic {

struct TraceOptions {
  std::string file;
  std::uint64_t capacity = ~std::uint64_t{0};  ///< bytes of memory: accesses lie in [0, capacity)
  StreamId first_stream = 0;  ///< stream of rows that name none; names get the ids after it, in order of appearance
  std::string stream_name;    ///< name of first_stream: rows that use it get its id
};

/// Header `time_ns,op,address,bytes` and, in any order after or between them, `stream,id,depends_on,think_ns`. Blank lines
/// and lines that begin with '#' are skipped; fields may be surrounded by blanks; lines may end with \r\n.
///   time_ns     decimal, non-decreasing, or empty; digits beyond a femtosecond are rounded half up
///   op          R or W (also r, w)
///   address     decimal or 0x...
///   bytes       1 .. 1048576
///   stream      name, or empty
///   id          unsigned integer, unique, or empty
///   depends_on  id of an earlier line, or empty
///   think_ns    decimal, 0 .. 1e6, or empty; only with depends_on
/// Everything else is an error with file:line:column and what would be right.
class TraceReader final : public RequestStream {
 public:
  static constexpr std::uint32_t kMaxBytes = 1u << 20;

  /// Opens the file and reads its header. Throws ConfigError (no such file, not compressed as its ending says, no or a bad header).
  explicit TraceReader(TraceOptions options);
  ~TraceReader() override;

  /// The next line. Throws ConfigError at the first malformed one, and at the end of a trace without requests.
  bool next(Request& request) override;
  bool has_dependencies() const override { return column_of_[kDependsOn] >= 0; }

  /// Whether the header has a `stream` column.
  bool names_streams() const { return column_of_[kStream] >= 0; }

  /// Reads to the end and reports all errors at once (the first kMaxErrors). For a reader from which nothing was read.
  void validate_all();
  static constexpr std::size_t kMaxErrors = 20;

  /// Names of the streams seen so far: [0] is options.stream_name, [i] has id first_stream + i.
  const std::vector<std::string>& streams() const { return streams_; }
  std::uint64_t requests() const { return requests_; }
  /// Of the request read last.
  int line() const { return line_number_; }
  /// Sum of the requests' bytes, and the time of the last timed one.
  std::uint64_t bytes() const { return bytes_; }
  Time last_time() const { return last_time_ < 0 ? 0 : last_time_; }

 private:
  enum Column : int { kTime, kOp, kAddress, kBytes, kStream, kId, kDependsOn, kThink, kColumns };

  bool fill();                                      // more bytes behind end_; false at the end of the file
  bool line(const char*& begin, const char*& end);  // the next line, without its end
  void read_header();
  enum class Outcome : std::uint8_t { request, error, end };
  Outcome read_line(Request& request);
  // A line in the plain form `1.5,R,0x40,64`, straight from the buffer. False for anything else, good or bad, which is then left to
  // read_line: what is accepted and what is said about errors does not depend on this shortcut.
  bool read_plain(Request& request);
  bool next_line(Request& request);
  // The hot part only notes what is wrong and where; words are found by `describe`.
  bool parse(const char* begin, const char* end, Request& request);
  enum class Reason : std::uint8_t {
    none,
    malformed,
    trailing,
    too_few_fields,
    too_many_fields,
    outside_memory,
    unsorted,
    unknown_dependency,
    think_alone,
    duplicate_id,
    too_many_streams
  };
  struct Failure {
    const char* where = nullptr;
    Column column = kColumns;
    Reason reason = Reason::none;
  };
  bool fail(const char* where, Column column, Reason reason) {
    failure_ = {where, column, reason};
    return false;
  }
  Diagnostic describe(const char* begin, const char* end, const Request& request);
  Diagnostic at(const char* line_begin, const char* where, Column column, std::string message) const;
  Diagnostic no_requests() const;
  std::string unknown_dependency(std::uint64_t id) const;
  std::size_t stream_index(const char* begin, const char* end);  // streams_.size(): new
  bool add_stream(const char* begin, const char* end);
  bool knows(std::uint64_t id) const;
  bool remember(std::uint64_t id);  // false: seen before

  TraceOptions options_;
  telemetry::InputFile input_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool input_ended_ = false;

  int line_number_ = 0;
  const char* line_begin_ = nullptr;
  const char* line_end_ = nullptr;
  Failure failure_;
  std::vector<Column> columns_;  // in the order of the file
  bool plain_ = false;  // they are the four mandatory ones in the usual order, and memory is no smaller than kMaxBytes
  int column_of_[kColumns];  // -1: absent
  Time last_time_ = kAsSoonAsPossible;
  std::uint64_t requests_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<std::string> streams_;
  std::size_t last_stream_ = 0;
  // Ids seen: those in ascending order as ranges, the others one by one.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> id_ranges_;
  std::unordered_set<std::uint64_t> other_ids_;
};

}  // namespace cowosim::traffic
