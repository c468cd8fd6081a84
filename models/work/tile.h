// What compute and traffic both speak: a tile is the unit of work of a core; an operator is many tiles; a program is a
// sequence of operators. Immutable while a window runs, so any thread may read it; only an open program grows, between windows.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/transaction.h"
#include "work/permutation.h"

namespace cowosim::work {

enum class Pattern : std::uint8_t {
  linear,  ///< `rows` rows of `row_bytes`, `pitch` apart, in order
  random,  ///< `rows` blocks of `row_bytes`; block i is number bounded(mix(seed, first + i), footprint / row_bytes)
  chase  ///< as random, but block i is number permutation((first + i) mod n): one cycle through the whole footprint, every
         ///< block once a lap; each access only after the one before has been answered
};

/// One piece of memory a tile loads or stores.
struct Access {
  std::uint64_t base = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t pitch = 0;
  Pattern pattern = Pattern::linear;
  std::uint64_t footprint = 0;
  std::uint64_t seed = 0;
  std::uint64_t first = 0;  ///< index of this tile's first block in the random or chased sequence

  std::uint64_t bytes() const { return rows * row_bytes; }
};

enum class Precision : std::uint8_t { fp8, bf16, fp32 };

/// Load everything, compute, store everything.
struct Tile {
  static constexpr std::size_t kMaxAccesses = 4;
  std::array<Access, kMaxAccesses> loads{};
  std::array<Access, kMaxAccesses> stores{};
  std::uint8_t load_count = 0;
  std::uint8_t store_count = 0;
  std::uint32_t max_outstanding = 0;  ///< transactions of this tile in flight at most; 0: the core's own limit
  std::uint64_t flops = 0;
  Precision precision = Precision::bf16;
  bool matrix = true;    ///< on the matrix engine; else on the vector units
  bool measured = true;  ///< false: warm-up, its transactions do not enter the stream's statistics
};

/// Splits an access into transactions: pieces that cross no multiple of `granule` and lie on whole atoms. Rows that touch
/// (pitch == row_bytes) are one row. Does not allocate.
class Cursor {
 public:
  Cursor() = default;
  /// `granule`: a power of two, at least one atom. Throws std::invalid_argument otherwise, and for a random or chased access
  /// whose footprint holds no block.
  Cursor(const Access& access, std::uint32_t granule);
  /// The next piece, address aligned down and size rounded up to whole atoms; false at the end.
  bool next(std::uint64_t& address, std::uint32_t& bytes) {
    if (at_ >= end_ && !start_row()) return false;
    const std::uint64_t begin = at_ & ~std::uint64_t{kAtomBytes - 1};
    const std::uint64_t boundary = (begin | (granule_ - 1)) + 1;
    at_ = boundary < end_ ? boundary : end_;
    address = begin;
    bytes = static_cast<std::uint32_t>((at_ - begin + kAtomBytes - 1) & ~std::uint64_t{kAtomBytes - 1});
    return true;
  }

 private:
  bool start_row();
  Access access_;
  Permutation permutation_;
  std::uint64_t row_ = 0;  // the next one to start
  std::uint64_t at_ = 0;   // first byte not yet asked for
  std::uint64_t end_ = 0;  // of the current row
  std::uint64_t granule_ = kAtomBytes;
};

/// All tiles of one step of the workload. They may run in any order and in parallel; the next operator starts when all are done.
class Operator {
 public:
  virtual ~Operator() = default;
  const std::string& name() const { return name_; }
  /// "gemm", "attention", "norm", "elementwise", "copy", "probe", "transfer"
  const std::string& kind() const { return kind_; }
  virtual std::uint64_t tiles() const = 0;
  virtual Tile tile(std::uint64_t index) const = 0;
  std::uint64_t flops = 0;           ///< of all tiles
  std::uint64_t weight_bytes = 0;    ///< distinct weights, each counted once however many tiles load it
  std::uint64_t kv_read_bytes = 0;   ///< distinct KV cache entries read
  std::uint64_t kv_write_bytes = 0;  ///< KV cache entries appended
  std::uint64_t bytes = 0;           ///< of all tiles, loads and stores, as the cores ask for them (reloads included)
  std::uint32_t repeats = 1;         ///< how often the real workload runs what is simulated once here (extrapolation)
  int layer = -1;                    ///< which layer of the model this is; -1: none
  Time interval = 0;                 ///< offered pace: tile i is not launched before the first launch + i x interval
  std::uint64_t kv_bytes() const { return kv_read_bytes + kv_write_bytes; }

 protected:
  Operator(std::string name, std::string kind) : name_(std::move(name)), kind_(std::move(kind)) {}

 private:
  std::string name_;
  std::string kind_;
};

/// One workload, as a named stream.
struct Program {
  std::string name;      ///< stream name
  std::string workload;  ///< kind of workload, e.g. "llama3_70b_decode"
  StreamId stream = 0;
  std::vector<std::unique_ptr<Operator>> operators;
  bool background = false;  ///< starts over when done and ends with the last program that is not background
  bool open = false;        ///< a host appends operators while the run goes on; not background. May begin empty
  int first_core = 0;       ///< its tiles run on `cores` cores from this one on
  int cores = 0;            ///< 0: all the rest

  // Of a model's phase; empty or 0 otherwise.
  std::string model;
  std::string phase;          ///< "decode", "prefill"
  std::uint64_t tokens = 0;   ///< produced (decode) or processed (prefill) by one pass through the operators
  std::uint64_t batch = 0;    ///< sequences
  std::uint64_t context = 0;  ///< tokens in the KV cache of each sequence before the step
  std::uint32_t layers = 0;   ///< of the model
  std::uint32_t layers_simulated = 0;

  // Over all operators, each times its repeats: what the whole model does.
  std::uint64_t flops() const { return sum(&Operator::flops); }
  std::uint64_t bytes() const { return sum(&Operator::bytes); }
  std::uint64_t weight_bytes() const { return sum(&Operator::weight_bytes); }
  std::uint64_t kv_read_bytes() const { return sum(&Operator::kv_read_bytes); }
  std::uint64_t kv_write_bytes() const { return sum(&Operator::kv_write_bytes); }
  bool extrapolated() const { return layers_simulated < layers; }

 private:
  std::uint64_t sum(std::uint64_t Operator::*what) const {
    std::uint64_t total = 0;
    for (const auto& op : operators) total += (*op).*what * op->repeats;
    return total;
  }
};

}  // namespace cowosim::work
