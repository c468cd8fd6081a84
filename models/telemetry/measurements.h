// Per-request measurements of RTL, silicon or another simulator: a CSV file, and the map that says how to read it.
//
// The file: a header line with the names of the columns, then a request per line; .gz and .zst by ending. Blank lines and
// lines that begin with '#' are skipped; fields may be surrounded by blanks and stand in double quotes; lines may end with
// \r\n. Columns the map does not name are passed over.
//
// Times are counts of `time` (decimal, any fraction), resolved to the nearest femtosecond.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/memory_map.h"
#include "core/parameter.h"
#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::telemetry {

/// A time that was not measured.
inline constexpr Time kNotMeasured = std::numeric_limits<Time>::min();

struct MeasuredRequest {
  int line = 0;        ///< of the file
  std::string id;      ///< as it stands there; empty: none
  std::string master;  ///< who asked; empty: not said
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  Op op = Op::read;
  Time issue = kNotMeasured;
  Time accepted = kNotMeasured;  ///< by the memory controller
  Time done = kNotMeasured;
};

/// Names of the file's columns; empty: there is none.
struct MeasurementColumns {
  std::string issue, accepted, done, op, address;
  std::string stack, channel, pseudo_channel, sid, bank_group, bank, row, column;
  std::string id, master, bytes, beats, log2_size;

  template <class Visitor>
  void visit(Visitor& v) {
    const auto name = [&](const char* key, std::string& of_file, const char* doc) {
      v(key, of_file, std::string("column: ") + doc, "the file");
    };
    name("issue", issue, "when the request was made");
    name("accepted", accepted, "when the memory controller took it");
    name("done", done, "when it was answered; an empty field: it never was");
    name("op", op, "reads or writes, as `op` spells them");
    name("address", address, "decimal or 0x...");
    name("stack", stack, "place instead of an address: HBM stack");
    name("channel", channel, "place instead of an address: channel of the stack");
    name("pseudo_channel", pseudo_channel, "place instead of an address: pseudo-channel");
    name("sid", sid, "place instead of an address: stack ID");
    name("bank_group", bank_group, "place instead of an address: bank group");
    name("bank", bank, "place instead of an address: bank of the bank group");
    name("row", row, "place instead of an address: row");
    name("column", column, "place instead of an address: column, in accesses of 32 bytes");
    name("id", id, "identity of the request, any text");
    name("master", master, "who asked, any text");
    name("bytes", bytes, "length in bytes");
    name("beats", beats, "length in beats minus one (AXI AxLEN); needs log2_size");
    name("log2_size", log2_size, "bytes of a beat as a power of two (AXI AxSIZE, CHI Size)");
  }
};

/// What a count of time is. One of period, frequency and unit.
struct MeasurementTime {
  Time period = 0;
  double frequency = 0;
  std::string unit = "none";
  std::string origin = "zero";
  Time shift = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("period", period, Unit::time, Range{0, 1e12}, "of the clock that times are counted in", "the file");
    v("frequency", frequency, Unit::frequency, Range{0, 1e13}, "of the clock that times are counted in", "the file");
    v("unit", unit, std::vector<std::string>{"none", "fs", "ps", "ns", "us", "ms", "s"}, "that times are given in",
      "the file");
    v("origin", origin, std::vector<std::string>{"zero", "first"},
      "zero: times are those of the simulation; first: the first time of the file is time 0", "the file");
    v("shift", shift, Unit::time, Range{-9e18, 9e18}, "added to every time (which decides where refreshes fall)",
      "the file");
  }
};

struct MeasurementOps {
  std::vector<std::string> read = {"R", "RD", "READ", "AR", "0"};
  std::vector<std::string> write = {"W", "WR", "WRITE", "AW", "1"};
  std::string only = "none";

  template <class Visitor>
  void visit(Visitor& v) {
    v("read", read, "how column op spells reads, in any case", "the file");
    v("write", write, "how column op spells writes, in any case", "the file");
    v("only", only, std::vector<std::string>{"none", "read", "write"}, "what all requests are, without a column op",
      "the file");
  }
};

struct MeasurementAddress {
  std::int64_t offset = 0;
  std::string radix = "auto";

  template <class Visitor>
  void visit(Visitor& v) {
    v("offset", offset, Range{-9.2e18, 9.2e18},
      "where the memory begins in the address space of the file: subtracted from every address", "the file");
    v("radix", radix, std::vector<std::string>{"auto", "hex"}, "auto: decimal, or hexadecimal with 0x; hex: always",
      "the file");
  }
};

/// What the file's `done` means.
struct MeasurementDone {
  std::string write = "data";
  Time read_delay = 0;
  Time write_delay = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("write", write, std::vector<std::string>{"data", "acceptance", "command"},
      "what ends a write: the end of its data in the DRAM; its acceptance by the controller (a posted response); its "
      "column command",
      "the file");
    v("read_delay", read_delay, Unit::time, Range{-1e12, 1e12},
      "how much later than the response to a read the file says done", "the file");
    v("write_delay", write_delay, Unit::time, Range{-1e12, 1e12},
      "how much later than the end of a write the file says done", "the file");
  }
};

/// How the requests are given to the simulation.
struct MeasurementReplay {
  std::string issue = "at_time";
  std::string latency = "auto";
  std::int64_t max_outstanding = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("issue", issue, std::vector<std::string>{"at_time", "as_soon_as_possible"},
      "at_time: each at its time of issue; as_soon_as_possible: in order, whenever there is room, for references that "
      "were saturated",
      "experiment");
    v("latency", latency, std::vector<std::string>{"auto", "issue", "accepted"},
      "what latencies count from; auto: acceptance for as_soon_as_possible where it was measured, else issue",
      "experiment");
    v("max_outstanding", max_outstanding, Range{0, 1 << 20},
      "requests of a master that wait for their response at once; 0: unbounded", "experiment");
  }
};

/// Only rows whose field in `column` is one of `values`.
struct MeasurementFilter {
  std::string column;
  std::vector<std::string> values;

  template <class Visitor>
  void visit(Visitor& v) {
    v("column", column, "name of a column of the file", "the file");
    v("values", values, "rows with another text there are left out", "the file");
  }
};

/// When the error counts as a divergence that lasts.
struct DivergenceParams {
  Time band = 0;
  int requests = 32;

  template <class Visitor>
  void visit(Visitor& v) {
    v("band", band, Unit::time, Range{0, 1e12}, "errors up to this are agreement; 0: one clock (CK)", "experiment");
    v("requests", requests, Range{1, 1000000}, "consecutive requests outside the band that make a divergence",
      "experiment");
  }
};

/// A map file.
struct MeasurementMap {
  MeasurementColumns columns;
  MeasurementTime time;
  MeasurementOps op;
  MeasurementAddress address;
  std::int64_t bytes = 32;
  std::string separator = "comma";
  std::vector<MeasurementFilter> filters;
  MeasurementDone done;
  MeasurementReplay replay;
  DivergenceParams divergence;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("columns", columns, "names of the columns");
    v.group("time", time, "what a count of time is: one of period, frequency and unit");
    v.group("op", op, "reads and writes");
    v.group("address", address, "addresses");
    v("bytes", bytes, Unit::bytes, Range{1, 1 << 20}, "length of requests, where no column says it", "the file");
    v("separator", separator, std::vector<std::string>{"comma", "semicolon", "tab", "blank"}, "between fields",
      "the file");
    v.list("filters", filters, "which rows count");
    v.group("done", done, "what done means");
    v.group("replay", replay, "how the requests are given to the simulation");
    v.group("divergence", divergence, "what counts as a divergence that lasts");
  }

  /// The requests lie in columns of the DRAM instead of at addresses.
  bool by_location() const { return columns.address.empty(); }
  bool from_acceptance() const {
    return replay.latency == "accepted" ||
           (replay.latency == "auto" && replay.issue == "as_soon_as_possible" && !columns.accepted.empty());
  }
  /// How exact its times are: the clock's period, or nothing where they are given in a unit.
  Time resolution() const;
  /// What does not go together.
  std::vector<ParameterProblem> problems() const;
};

struct Measurements {
  std::vector<MeasuredRequest> requests;  ///< in the order of the file
  std::uint64_t filtered = 0;             ///< rows left out by filters
};

/// Rows that are wrong are all told, up to this many.
inline constexpr std::size_t kMaxMeasurementErrors = 20;

/// Throws ConfigError (core/error.h) with file:line:column: no such file, no such column, malformed fields, addresses and
/// places outside of `map`, times before 0 or in the wrong order, requests without a time of issue where they are needed.
Measurements read_measurements(const std::string& file, const MeasurementMap& how, const MemoryMap& map);

}  // namespace cowosim::telemetry
