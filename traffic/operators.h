// Operators: steps of a workload, cut into tiles by formulas with exact byte and FLOP counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traffic/patterns.h"
#include "work/tile.h"

namespace cowosim::traffic {

/// Storage of one operand.
struct Operand {
  std::uint64_t base = 0;
  std::uint32_t element_bytes = 2;
};

/// Precision of the matrix engine for weights of that size: 1 byte fp8, 2 bf16, else fp32.
work::Precision precision_of(std::uint32_t element_bytes);

/// How an output-stationary GEMM is cut. Counts are elements; 0 means: chosen by `choose_tiling`.
struct GemmTiling {
  std::uint64_t tile_m = 0;
  std::uint64_t tile_n = 0;
  std::uint64_t tile_k = 0;
  std::uint64_t group_m = 8;  ///< tiles of one wave: group_m x group_n output tiles walk along K together
  std::uint64_t group_n = 16;
};

/// C[M,N] = A[M,K] x B[N,K]^T; A and C row-major, B (the weights) stored [N][K] as checkpoints are.
struct GemmShape {
  std::uint64_t m = 1;
  std::uint64_t n = 1;
  std::uint64_t k = 1;
  Operand a;
  Operand b;
  Operand c;
  bool weights = true;  ///< B is weights (counted as such)
  /// true: every K panel adds its partial sums to C where it lies (red.add in the cache; C is fp32 then), panels run on any core
  /// in parallel. false: the sum stays in the core until the last panel, which stores C.
  bool accumulate_in_memory = false;
};

/// Tiles with about kTileBytes of operands. Few rows (decode) are bound by the weights: tall in N, so that A is
/// loaded seldom, and cut along K. Many rows: 128 x 128 outputs.
GemmTiling choose_tiling(const GemmShape& shape);
inline constexpr std::uint64_t kTileBytes = 64 * 1024;

/// Tile = one K panel of one output tile. Order: groups of group_m x group_n output tiles, along M first; within a group panel by panel,
/// in it the output tiles: cores that take tiles in order walk along K in step and share operands in the cache.
/// bytes = eA M K ceil(N/Tn) + eB K N ceil(M/Tm) + eC M N (x ceil(K/Tk) if accumulated in memory); flops = 2 M N K.
class Gemm final : public work::Operator {
 public:
  Gemm(std::string name, const GemmShape& shape, GemmTiling tiling = {});
  std::uint64_t tiles() const override { return panels_ * outputs_m_ * outputs_n_; }
  work::Tile tile(std::uint64_t index) const override;
  const GemmTiling& tiling() const { return tiling_; }

 private:
  GemmShape shape_;
  GemmTiling tiling_;
  std::uint64_t outputs_m_;
  std::uint64_t outputs_n_;
  std::uint64_t panels_;
};

/// Attention of one layer over a KV cache. Cache layout per layer and sequence: [K, V][kv head][capacity tokens][head_dim]:
/// what one head reads of one sequence is contiguous (HND).
struct AttentionShape {
  std::uint64_t batch = 1;    ///< sequences
  std::uint64_t queries = 1;  ///< query tokens per sequence: 1 in decode, the prompt in prefill
  std::uint64_t context = 0;  ///< keys per sequence; in prefill equal to `queries` and causal
  std::uint64_t query_heads = 1;
  std::uint64_t kv_heads = 1;
  std::uint64_t head_dim = 128;
  std::uint64_t kv_capacity = 0;  ///< tokens the cache has room for, per sequence
  Operand q;                      ///< [batch x queries][query heads][head_dim]
  Operand kv;                     ///< base of this layer's cache
  Operand out;                    ///< as q
  Operand partial;                ///< decode with more than one split: fp32 [tile][group x (head_dim + 1)]
};

/// Decode, flash-decoding: tile = (sequence, kv head, split of the keys); the query heads of a group share one pass over K and V.
/// flops = 4 nq d per sequence and key. With one split the output is written, else partial sums, for AttentionCombine.
class AttentionDecode final : public work::Operator {
 public:
  /// `split`: keys per tile; 0: about 32 KiB of K and V.
  AttentionDecode(std::string name, const AttentionShape& shape, std::uint64_t split = 0);
  std::uint64_t tiles() const override { return shape_.batch * shape_.kv_heads * splits_; }
  work::Tile tile(std::uint64_t index) const override;
  std::uint64_t splits() const { return splits_; }

 private:
  AttentionShape shape_;
  std::uint64_t split_;
  std::uint64_t splits_;
};
/// Number of splits AttentionDecode makes; what `partial` must hold is batch x query_heads x splits x (head_dim + 1) x 4 bytes.
std::uint64_t attention_splits(const AttentionShape& shape, std::uint64_t split = 0);

/// Adds the partial sums of all splits: tile = (sequence, kv head).
class AttentionCombine final : public work::Operator {
 public:
  AttentionCombine(std::string name, const AttentionShape& shape, std::uint64_t splits);
  std::uint64_t tiles() const override { return shape_.batch * shape_.kv_heads; }
  work::Tile tile(std::uint64_t index) const override;

 private:
  AttentionShape shape_;
  std::uint64_t splits_;
};

/// Prefill, FlashAttention-2 with a causal mask: query blocks of `block_q` rows, K and V in blocks of `block_k` keys up to the diagonal.
/// Tile = (sequence, query head, query block, key block); the first loads Q, the last stores the output.
/// K+V elements read per query head: 2 d sum_i min(S, ceil(min(S, (i+1) Br) / Bc) Bc); flops = 4 d per query row and key of the blocks visited.
class AttentionPrefill final : public work::Operator {
 public:
  AttentionPrefill(std::string name, const AttentionShape& shape, std::uint64_t block_q = 128,
                   std::uint64_t block_k = 128);
  std::uint64_t tiles() const override { return shape_.batch * shape_.query_heads * tiles_per_head_; }
  work::Tile tile(std::uint64_t index) const override;

 private:
  std::uint64_t key_blocks(std::uint64_t query_block) const;
  AttentionShape shape_;
  std::uint64_t block_q_;
  std::uint64_t block_k_;
  std::uint64_t query_blocks_;
  std::vector<std::uint64_t> first_tile_;  // of each query block, within a head
  std::uint64_t tiles_per_head_;
};

/// RMSNorm fused with the residual: x = residual + delta is written back, norm(x) x gain to `out`. Tile = rows_per_tile rows.
/// bytes = T h (2 reads + 2 writes) + h gains per tile; flops = 6 T h (add, square, sum, scale, gain, and the root amortised).
struct NormShape {
  std::uint64_t rows = 1;
  std::uint64_t width = 1;
  Operand delta;     ///< output of the GEMM before
  Operand residual;  ///< read and written
  Operand gain;
  Operand out;
  std::uint64_t rows_per_tile = 1;
  std::uint64_t row_step =
      1;  ///< row r of delta and residual is row r x row_step of the buffer; then rows_per_tile is 1
};
class Norm final : public work::Operator {
 public:
  Norm(std::string name, const NormShape& shape);
  std::uint64_t tiles() const override { return (shape_.rows + shape_.rows_per_tile - 1) / shape_.rows_per_tile; }
  work::Tile tile(std::uint64_t index) const override;

 private:
  NormShape shape_;
};

/// Rotary embedding of Q and K, append of K and V to the cache. Tile = (token, kv head with its query heads).
/// `qkv` rows: [query heads | kv heads (K) | kv heads (V)] x head_dim. flops = 3 per element of Q and K (two products, one sum).
struct RotaryShape {
  AttentionShape attention;
  Operand qkv;
  std::uint64_t position = 0;  ///< cache position of the first of `queries` tokens
};
class RotaryAppend final : public work::Operator {
 public:
  RotaryAppend(std::string name, const RotaryShape& shape);
  std::uint64_t tiles() const override {
    return shape_.attention.batch * shape_.attention.queries * shape_.attention.kv_heads;
  }
  work::Tile tile(std::uint64_t index) const override;

 private:
  RotaryShape shape_;
};

/// SwiGLU: out = silu(gate) x up; rows of `in` are [gate | up], 2 f wide. flops = 5 per output (exp, add, divide, two products).
struct SwigluShape {
  std::uint64_t rows = 1;
  std::uint64_t width = 1;  ///< f
  Operand in;
  Operand out;
  std::uint64_t tile_width = 1024;
};
class Swiglu final : public work::Operator {
 public:
  Swiglu(std::string name, const SwigluShape& shape);
  std::uint64_t tiles() const override;
  work::Tile tile(std::uint64_t index) const override;

 private:
  SwigluShape shape_;
};

/// Rows of the input embedding table, one per token, drawn by `seed`; written as the first layer's delta.
struct EmbeddingShape {
  std::uint64_t rows = 1;  ///< tokens
  std::uint64_t width = 1;
  std::uint64_t vocabulary = 1;
  Operand table;
  Operand out;
  std::uint64_t seed = 0;
};
class Embedding final : public work::Operator {
 public:
  Embedding(std::string name, const EmbeddingShape& shape);
  std::uint64_t tiles() const override { return shape_.rows; }
  work::Tile tile(std::uint64_t index) const override;

 private:
  EmbeddingShape shape_;
};

/// Bytes of a tile of memory probes and transfers: enough for a core to have as much in flight as it can.
inline constexpr std::uint64_t kProbeTileBytes = 32 * 1024;

/// Contiguous memory read, written, or both (a copy). Neither: one empty tile.
struct TransferShape {
  bool load = false;
  bool store = false;
  std::uint64_t source = 0;       ///< of the load
  std::uint64_t destination = 0;  ///< of the store
  std::uint64_t bytes = 0;        ///< of each
};

/// Tile = the same piece of source and destination; pieces end at whole multiples of their size in what is loaded (without a load: stored).
class Transfer final : public work::Operator {
 public:
  Transfer(std::string name, const TransferShape& shape);
  std::uint64_t tiles() const override;
  work::Tile tile(std::uint64_t index) const override;

 private:
  TransferShape shape_;
  std::uint64_t piece_;
  std::uint64_t skipped_;  // of the first piece: what lies before the first byte
};

/// STREAM on cores: tile = the same chunk of every array.
class StreamProbe final : public work::Operator {
 public:
  StreamProbe(std::string name, const StreamParams& params, std::uint64_t base,
              std::uint64_t tile_bytes = kProbeTileBytes, bool measured = true);
  std::uint64_t tiles() const override;
  work::Tile tile(std::uint64_t index) const override;

 private:
  StreamParams params_;
  std::uint64_t base_;
  std::uint64_t array_;
  std::uint64_t chunk_;  // of one array
  bool measured_;
};

/// Random reads and writes on cores: tile = `accesses` blocks; the share of reads of every tile is read_fraction, rounded so that the total is.
/// With a rate tiles are paced so that their bytes are offered at it.
class RandomAccessProbe final : public work::Operator {
 public:
  RandomAccessProbe(std::string name, const RandomAccessParams& params, std::uint64_t base, std::uint64_t seed,
                    std::uint64_t accesses = 256);
  std::uint64_t tiles() const override;
  work::Tile tile(std::uint64_t index) const override;

 private:
  std::uint64_t reads_before(std::uint64_t access) const;
  RandomAccessParams params_;
  std::uint64_t base_;
  std::uint64_t seed_;
  std::uint64_t accesses_;
  std::uint64_t read_share_;  // of 2^32
};

/// The load on cores, without an end: tiles of kProbeTileBytes, reads first, then writes, as RandomAccessProbe draws them;
/// where it is sequential tile i has the i-th piece of the footprint, which whole tiles pass through again and again. Paced by the rate.
class LoadProbe final : public work::Operator {
 public:
  LoadProbe(std::string name, const LoadParams& params, std::uint64_t base, std::uint64_t seed);
  std::uint64_t tiles() const override { return accesses_.tiles(); }
  work::Tile tile(std::uint64_t index) const override;

 private:
  LoadParams params_;
  std::uint64_t base_;
  std::uint64_t accesses_per_tile_;
  RandomAccessProbe accesses_;
};

/// One tile on one core: `count` dependent reads.
class PointerChaseProbe final : public work::Operator {
 public:
  PointerChaseProbe(std::string name, const PointerChaseParams& params, std::uint64_t base, std::uint64_t seed);
  std::uint64_t tiles() const override { return 1; }
  work::Tile tile(std::uint64_t index) const override;

 private:
  PointerChaseParams params_;
  std::uint64_t base_;
  std::uint64_t seed_;
};

}  // namespace cowosim::traffic
