// Synthetic request streams: STREAM kernels, random access, pointer chase.
#pragma once

#include <cstdint>
#include <string>

#include "core/parameter.h"
#include "traffic/request_stream.h"
#include "work/permutation.h"

namespace cowosim::traffic {

/// STREAM (McCalpin 1995) by kind: read (a), write (a), copy (b = a), scale (b = q a), add (c = a + b), triad (c = a + q b).
struct StreamParams {
  std::string kind = "read";
  std::int64_t footprint = 256 << 20;
  std::int64_t bytes = 256;

  template <class Visitor>
  void visit(Visitor& v) {
    v("kind", kind, std::vector<std::string>{"read", "write", "copy", "scale", "add", "triad"},
      "kernel: how many arrays are read and written", "STREAM, McCalpin 1995");
    v("footprint", footprint, Unit::bytes, Range{4096, 1e13},
      "bytes of all arrays together; each is passed through once", "experiment");
    v("bytes", bytes, Unit::bytes, Range{32, 4096}, "bytes of one request where no core makes them (power of two)",
      "assumption [32, 512]: one interleave granule");
  }
  int arrays() const { return kind == "read" || kind == "write" ? 1 : kind == "copy" || kind == "scale" ? 2 : 3; }
  int arrays_read() const { return kind == "write" ? 0 : arrays() == 3 ? 2 : 1; }
  int arrays_written() const { return kind == "read" ? 0 : 1; }
  /// Floating-point operations per element of the longest array: scale and add 1, triad 2 (McCalpin), others 0.
  int flops_per_element() const { return kind == "triad" ? 2 : kind == "scale" || kind == "add" ? 1 : 0; }
  /// Bytes of one array: an equal share of the footprint, rounded down to whole requests.
  std::uint64_t array_bytes() const { return static_cast<std::uint64_t>(footprint / arrays() / bytes * bytes); }
};

struct RandomAccessParams {
  std::int64_t footprint = 256 << 20;
  double read_fraction = 1.0;
  std::int64_t bytes = 64;
  std::int64_t rate = 0;
  std::int64_t count = 1'000'000;

  template <class Visitor>
  void visit(Visitor& v) {
    v("footprint", footprint, Unit::bytes, Range{64, 1e13}, "memory from which blocks are drawn, uniformly",
      "experiment");
    v("read_fraction", read_fraction, Range{0, 1}, "probability that a request is a read", "experiment");
    v("bytes", bytes, Unit::bytes, Range{32, 4096}, "size and alignment of a block (power of two)", "experiment");
    v("rate", rate, Unit::bandwidth, Range{0, 1e14},
      "offered load: request i arrives at a uniform random moment of the i-th interval (on cores: tiles of 256 "
      "requests "
      "are launched at equal intervals); 0: as fast as the machine takes them",
      "experiment");
    v("count", count, Range{1, 1e12}, "requests", "experiment");
  }
};

struct PointerChaseParams {
  std::int64_t footprint = 256 << 20;
  std::int64_t bytes = 64;
  std::int64_t count = 20'000;
  std::string warm = "auto";

  template <class Visitor>
  void visit(Visitor& v) {
    v("footprint", footprint, Unit::bytes, Range{64, 1e13},
      "memory that is walked: one random cycle through all its blocks", "experiment");
    v("bytes", bytes, Unit::bytes, Range{32, 4096}, "size of a block (power of two); one access reads it whole",
      "experiment");
    v("count", count, Range{1, 1e12}, "dependent reads", "experiment");
    v("warm", warm, std::vector<std::string>{"auto", "yes", "no"},
      "the chasing core reads the whole footprint before (caches), outside the statistics; auto: up to 64 MiB",
      "experiment");
  }
  bool warms() const { return warm == "yes" || (warm == "auto" && footprint <= 64 << 20); }
};

/// The traffic that loads the memory beside a measurement: random accesses, or the same one block after the other.
struct LoadParams {
  RandomAccessParams accesses;
  std::string pattern = "sequential";

  template <class Visitor>
  void visit(Visitor& v) {
    accesses.visit(v);
    v("pattern", pattern, std::vector<std::string>{"sequential", "random"},
      "sequential: block by block, from the first again after the last; random: blocks are drawn", "experiment");
  }
  bool sequential() const { return pattern == "sequential"; }
};

/// A pointer chase under load. Both footprints together fit into one pseudo-channel of 256 MiB, and the load's is more than caches keep.
struct LoadedLatencyParams {
  PointerChaseParams chase = of_chase();
  double load = 0.5;
  double read_fraction = 1.0;
  std::string pattern = "sequential";
  std::int64_t load_footprint = 128 << 20;
  std::int64_t load_bytes = 256;

  template <class Visitor>
  void visit(Visitor& v) {
    chase.visit(v);
    v("load", load, Range{0, 1},
      "offered by the load, as a fraction of the HBM's peak bandwidth; 0: none; 1: as fast as the machine takes it",
      "experiment");
    v("read_fraction", read_fraction, Range{0, 1}, "share of reads in the load", "experiment");
    v("pattern", pattern, std::vector<std::string>{"sequential", "random"},
      "of the load: block by block through its footprint, or blocks drawn from it", "experiment");
    v("load_footprint", load_footprint, Unit::bytes, Range{4096, 1e13},
      "memory of the load, apart from the chase's; passed through again and again", "experiment");
    v("load_bytes", load_bytes, Unit::bytes, Range{32, 4096}, "size and alignment of the load's blocks (power of two)",
      "assumption [32, 512]: one interleave granule");
  }
  /// The load at `peak` bytes per second; without an end.
  LoadParams load_at(std::int64_t peak) const;

 private:
  static PointerChaseParams of_chase() {
    PointerChaseParams chase;
    chase.footprint = 128 << 20;
    chase.count = 1000;
    return chase;
  }
};

class StreamPattern final : public RequestStream {
 public:
  /// Arrays lie one behind the other from `base`. Throws std::invalid_argument if an array holds no request.
  StreamPattern(const StreamParams& params, std::uint64_t base, StreamId stream);
  bool next(Request& request) override;

 private:
  std::uint64_t base_;
  std::uint64_t array_;
  std::uint64_t offset_ = 0;
  std::uint32_t bytes_;
  int reads_;
  int arrays_touched_;
  int array_index_ = 0;
  StreamId stream_;
};

/// read_fraction as a 63-bit integer: a draw of 63 bits below it is a read.
std::uint64_t read_threshold(double read_fraction);

class RandomAccessPattern final : public RequestStream {
 public:
  RandomAccessPattern(const RandomAccessParams& params, std::uint64_t base, StreamId stream, std::uint64_t seed);
  bool next(Request& request) override;

 private:
  std::uint64_t base_;
  std::uint64_t blocks_;
  std::uint64_t count_;
  std::uint64_t index_ = 0;
  std::uint64_t read_threshold_;
  std::uint64_t address_seed_;
  std::uint64_t op_seed_;
  std::uint64_t time_seed_;
  std::int64_t rate_;
  std::uint32_t bytes_;
  StreamId stream_;
};

/// The load as requests: those of a RandomAccessPattern, in place of a drawn address the next one where it is sequential.
class LoadPattern final : public RequestStream {
 public:
  LoadPattern(const LoadParams& params, std::uint64_t base, StreamId stream, std::uint64_t seed);
  bool next(Request& request) override;

 private:
  RandomAccessPattern accesses_;
  std::uint64_t begin_;
  std::uint64_t end_;
  std::uint64_t at_;
  bool sequential_;
};

/// Each read depends on the one before it.
class PointerChasePattern final : public RequestStream {
 public:
  PointerChasePattern(const PointerChaseParams& params, std::uint64_t base, StreamId stream, std::uint64_t seed);
  bool next(Request& request) override;
  bool has_dependencies() const override { return true; }

 private:
  work::Permutation order_;
  std::uint64_t base_;
  std::uint64_t count_;
  std::uint64_t index_ = 0;
  std::uint64_t place_ = 0;
  std::uint32_t bytes_;
  StreamId stream_;
};

}  // namespace cowosim::traffic
