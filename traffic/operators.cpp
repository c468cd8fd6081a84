#include "traffic/operators.h"

#include <algorithm>
#include <stdexcept>

#include "core/random.h"

namespace cowosim::traffic {

using work::Access;
using work::Pattern;
using work::Tile;

namespace {

constexpr std::uint32_t kAccumulatorBytes = 4;  // fp32

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

void add_load(Tile& tile, const Access& access) { tile.loads.at(tile.load_count++) = access; }
void add_store(Tile& tile, const Access& access) { tile.stores.at(tile.store_count++) = access; }

Access linear(std::uint64_t base, std::uint64_t bytes) {
  Access access;
  access.base = base;
  access.row_bytes = bytes;
  access.rows = 1;
  access.pitch = bytes;
  return access;
}

Access strided(std::uint64_t base, std::uint64_t row_bytes, std::uint64_t rows, std::uint64_t pitch) {
  Access access;
  access.base = base;
  access.row_bytes = row_bytes;
  access.rows = rows;
  access.pitch = pitch;
  return access;
}

}  // namespace

work::Precision precision_of(std::uint32_t element_bytes) {
  return element_bytes == 1 ? work::Precision::fp8 : element_bytes == 2 ? work::Precision::bf16 : work::Precision::fp32;
}

// --- GEMM ---

GemmTiling choose_tiling(const GemmShape& shape) {
  GemmTiling tiling;
  tiling.tile_m = std::min<std::uint64_t>(shape.m, 128);
  const std::uint64_t tile_n = shape.m <= 16 ? 16 : shape.m <= 64 ? 64 : 128;
  tiling.tile_n = std::min(shape.n, tile_n);
  // K panels of equal length, whole atoms, about kTileBytes of what dominates: the weights where there are few rows.
  const std::uint64_t per_k =
      tiling.tile_n * shape.b.element_bytes + (shape.m <= 16 ? 0 : tiling.tile_m * shape.a.element_bytes);
  const std::uint64_t longest = std::max<std::uint64_t>(kTileBytes / per_k, 1);
  const std::uint64_t panels = ceil_div(shape.k, longest);
  constexpr std::uint64_t kStep = 64;  // elements: whole atoms of any precision
  const std::uint64_t length = ceil_div(shape.k, panels);
  tiling.tile_k = std::min(shape.k, ceil_div(length, kStep) * kStep);
  return tiling;
}

Gemm::Gemm(std::string name, const GemmShape& shape, GemmTiling tiling)
    : Operator(std::move(name), "gemm"), shape_(shape), tiling_(tiling) {
  if (shape.m == 0 || shape.n == 0 || shape.k == 0) throw std::invalid_argument("a GEMM without elements");
  const GemmTiling chosen = choose_tiling(shape);
  const auto fix = [](std::uint64_t& value, std::uint64_t fallback, std::uint64_t limit) {
    if (value == 0) value = fallback;
    value = std::min(value, limit);
  };
  fix(tiling_.tile_m, chosen.tile_m, shape.m);
  fix(tiling_.tile_n, chosen.tile_n, shape.n);
  fix(tiling_.tile_k, chosen.tile_k, shape.k);
  outputs_m_ = ceil_div(shape.m, tiling_.tile_m);
  outputs_n_ = ceil_div(shape.n, tiling_.tile_n);
  panels_ = ceil_div(shape.k, tiling_.tile_k);
  fix(tiling_.group_m, 1, outputs_m_);
  fix(tiling_.group_n, 1, outputs_n_);
  const std::uint64_t stores = shape.accumulate_in_memory ? panels_ : 1;
  flops = 2 * shape.m * shape.n * shape.k;
  bytes = shape.a.element_bytes * shape.m * shape.k * outputs_n_ +
          shape.b.element_bytes * shape.k * shape.n * outputs_m_ + shape.c.element_bytes * shape.m * shape.n * stores;
  if (shape.weights) weight_bytes = shape.b.element_bytes * shape.k * shape.n;
}

Tile Gemm::tile(std::uint64_t index) const {
  // Groups in raster order, N outermost; the last row and column of groups may be smaller.
  const std::uint64_t column_tiles = tiling_.group_n * outputs_m_ * panels_;  // of a full column of groups
  const std::uint64_t group_column = index / column_tiles;
  index -= group_column * column_tiles;
  const std::uint64_t first_n = group_column * tiling_.group_n;
  const std::uint64_t width = std::min(tiling_.group_n, outputs_n_ - first_n);
  const std::uint64_t group_tiles = tiling_.group_m * width * panels_;
  const std::uint64_t group_row = index / group_tiles;
  index -= group_row * group_tiles;
  const std::uint64_t first_m = group_row * tiling_.group_m;
  const std::uint64_t height = std::min(tiling_.group_m, outputs_m_ - first_m);
  const std::uint64_t panel = index / (height * width);
  index -= panel * (height * width);

  const std::uint64_t m0 = (first_m + index % height) * tiling_.tile_m;
  const std::uint64_t n0 = (first_n + index / height) * tiling_.tile_n;
  const std::uint64_t k0 = panel * tiling_.tile_k;
  const std::uint64_t tm = std::min(tiling_.tile_m, shape_.m - m0);
  const std::uint64_t tn = std::min(tiling_.tile_n, shape_.n - n0);
  const std::uint64_t tk = std::min(tiling_.tile_k, shape_.k - k0);
  const std::uint64_t ea = shape_.a.element_bytes;
  const std::uint64_t eb = shape_.b.element_bytes;
  const std::uint64_t ec = shape_.c.element_bytes;

  Tile tile;
  tile.flops = 2 * tm * tn * tk;
  tile.precision = precision_of(shape_.b.element_bytes);
  add_load(tile, strided(shape_.b.base + (n0 * shape_.k + k0) * eb, tk * eb, tn, shape_.k * eb));
  add_load(tile, strided(shape_.a.base + (m0 * shape_.k + k0) * ea, tk * ea, tm, shape_.k * ea));
  if (shape_.accumulate_in_memory || panel + 1 == panels_) {
    add_store(tile, strided(shape_.c.base + (m0 * shape_.n + n0) * ec, tn * ec, tm, shape_.n * ec));
  }
  return tile;
}

// --- attention ---

namespace {

std::uint64_t split_length(const AttentionShape& shape, std::uint64_t split) {
  constexpr std::uint64_t kSplitBytes = 128 * 1024;
  if (split == 0) split = std::max<std::uint64_t>(kSplitBytes / (2 * shape.head_dim * shape.kv.element_bytes), 1);
  return std::min(split, shape.context);
}

std::uint64_t group_of(const AttentionShape& shape) { return shape.query_heads / shape.kv_heads; }

/// Address of K (which = 0) or V (1) of a sequence, head and position.
std::uint64_t cache_address(const AttentionShape& shape, std::uint64_t sequence, std::uint64_t which,
                            std::uint64_t head, std::uint64_t position) {
  const std::uint64_t row = ((sequence * 2 + which) * shape.kv_heads + head) * shape.kv_capacity + position;
  return shape.kv.base + row * shape.head_dim * shape.kv.element_bytes;
}

void check(const AttentionShape& shape) {
  if (shape.context == 0 || shape.kv_heads == 0 || shape.query_heads % shape.kv_heads != 0 ||
      shape.context > shape.kv_capacity) {
    throw std::invalid_argument("attention: kv_heads divides query_heads, 0 < context <= kv_capacity");
  }
}

}  // namespace

std::uint64_t attention_splits(const AttentionShape& shape, std::uint64_t split) {
  return ceil_div(shape.context, split_length(shape, split));
}

AttentionDecode::AttentionDecode(std::string name, const AttentionShape& shape, std::uint64_t split)
    : Operator(std::move(name), "attention"),
      shape_(shape),
      split_(split_length(shape, split)),
      splits_(attention_splits(shape, split)) {
  check(shape);
  const std::uint64_t row = shape.head_dim * shape.kv.element_bytes;
  kv_read_bytes = shape.batch * shape.kv_heads * shape.context * 2 * row;
  const std::uint64_t q = shape.batch * shape.query_heads * shape.head_dim;
  flops = 4 * q * shape.context;
  bytes = kv_read_bytes + q * shape.q.element_bytes * splits_ +
          (splits_ == 1 ? q * shape.out.element_bytes
                        : shape.batch * shape.query_heads * splits_ * (shape.head_dim + 1) * kAccumulatorBytes);
}

Tile AttentionDecode::tile(std::uint64_t index) const {
  // Heads innermost: neighbours in the launch order read different heads at the same position.
  const std::uint64_t head = index % shape_.kv_heads;
  const std::uint64_t split = index / shape_.kv_heads % splits_;
  const std::uint64_t sequence = index / shape_.kv_heads / splits_;
  const std::uint64_t group = group_of(shape_);
  const std::uint64_t first = split * split_;
  const std::uint64_t keys = std::min(split_, shape_.context - first);
  const std::uint64_t kv_bytes_of_tile = keys * shape_.head_dim * shape_.kv.element_bytes;
  const std::uint64_t q0 = (sequence * shape_.query_heads + head * group) * shape_.head_dim;
  Tile tile;
  tile.flops = 4 * group * shape_.head_dim * keys;
  tile.precision = precision_of(shape_.kv.element_bytes);
  add_load(tile, linear(shape_.q.base + q0 * shape_.q.element_bytes, group * shape_.head_dim * shape_.q.element_bytes));
  add_load(tile, linear(cache_address(shape_, sequence, 0, head, first), kv_bytes_of_tile));
  add_load(tile, linear(cache_address(shape_, sequence, 1, head, first), kv_bytes_of_tile));
  if (splits_ == 1) {
    add_store(tile, linear(shape_.out.base + q0 * shape_.out.element_bytes,
                           group * shape_.head_dim * shape_.out.element_bytes));
  } else {
    const std::uint64_t partial = group * (shape_.head_dim + 1) * kAccumulatorBytes;
    const std::uint64_t place =
        (sequence * shape_.kv_heads + head) * splits_ + split;  // what one combine reads is contiguous
    add_store(tile, linear(shape_.partial.base + place * partial, partial));
  }
  return tile;
}

AttentionCombine::AttentionCombine(std::string name, const AttentionShape& shape, std::uint64_t splits)
    : Operator(std::move(name), "attention"), shape_(shape), splits_(splits) {
  check(shape);
  const std::uint64_t outputs = shape.batch * shape.query_heads;
  flops = 2 * outputs * splits * shape.head_dim;  // scale and add
  bytes =
      outputs * splits * (shape.head_dim + 1) * kAccumulatorBytes + outputs * shape.head_dim * shape.out.element_bytes;
}

Tile AttentionCombine::tile(std::uint64_t index) const {
  const std::uint64_t group = group_of(shape_);
  const std::uint64_t partial = group * (shape_.head_dim + 1) * kAccumulatorBytes;
  Tile tile;
  tile.flops = 2 * group * splits_ * shape_.head_dim;
  tile.precision = work::Precision::fp32;
  tile.matrix = false;
  add_load(tile, linear(shape_.partial.base + index * splits_ * partial, splits_ * partial));
  const std::uint64_t out = group * shape_.head_dim * shape_.out.element_bytes;
  add_store(tile, linear(shape_.out.base + index * out, out));
  return tile;
}

AttentionPrefill::AttentionPrefill(std::string name, const AttentionShape& shape, std::uint64_t block_q,
                                   std::uint64_t block_k)
    : Operator(std::move(name), "attention"),
      shape_(shape),
      block_q_(std::min(block_q, shape.queries)),
      block_k_(std::min(block_k, shape.context)),
      query_blocks_(ceil_div(shape.queries, block_q_)) {
  check(shape);
  if (shape.queries != shape.context) throw std::invalid_argument("prefill attention: one query per key");
  tiles_per_head_ = 0;
  std::uint64_t kv_rows = 0;       // per query head
  std::uint64_t row_products = 0;  // query rows x keys visited
  for (std::uint64_t i = 0; i < query_blocks_; ++i) {
    first_tile_.push_back(tiles_per_head_);
    tiles_per_head_ += key_blocks(i);
    const std::uint64_t keys = std::min(shape.context, key_blocks(i) * block_k_);
    const std::uint64_t rows = std::min(block_q_, shape.queries - i * block_q_);
    kv_rows += keys;
    row_products += rows * keys;
  }
  const std::uint64_t heads = shape.batch * shape.query_heads;
  flops = 4 * heads * shape.head_dim * row_products;
  kv_read_bytes = shape.batch * shape.kv_heads * shape.context * 2 * shape.head_dim * shape.kv.element_bytes;
  bytes = heads * shape.head_dim *
          (2 * kv_rows * shape.kv.element_bytes + shape.queries * (shape.q.element_bytes + shape.out.element_bytes));
}

std::uint64_t AttentionPrefill::key_blocks(std::uint64_t query_block) const {
  return ceil_div(std::min(shape_.context, (query_block + 1) * block_q_), block_k_);
}

Tile AttentionPrefill::tile(std::uint64_t index) const {
  // The query heads of a group walk together, so that they share K and V in the cache.
  const std::uint64_t group = group_of(shape_);
  const std::uint64_t in_group = index % group;
  index /= group;
  const std::uint64_t step = index % tiles_per_head_;
  index /= tiles_per_head_;
  const std::uint64_t kv_head = index % shape_.kv_heads;
  const std::uint64_t sequence = index / shape_.kv_heads;
  const std::uint64_t query_block =
      static_cast<std::uint64_t>(std::upper_bound(first_tile_.begin(), first_tile_.end(), step) - first_tile_.begin()) -
      1;
  const std::uint64_t key_block = step - first_tile_[query_block];
  const std::uint64_t q0 = query_block * block_q_;
  const std::uint64_t k0 = key_block * block_k_;
  const std::uint64_t rows = std::min(block_q_, shape_.queries - q0);
  const std::uint64_t keys = std::min(block_k_, shape_.context - k0);
  const std::uint64_t head = kv_head * group + in_group;
  const auto rows_of = [&](const Operand& operand) {
    const std::uint64_t row = shape_.head_dim * operand.element_bytes;
    return strided(operand.base + ((sequence * shape_.queries + q0) * shape_.query_heads + head) * row, row, rows,
                   shape_.query_heads * row);
  };
  const std::uint64_t kv_bytes_of_tile = keys * shape_.head_dim * shape_.kv.element_bytes;
  Tile tile;
  tile.flops = 4 * shape_.head_dim * rows * keys;
  tile.precision = precision_of(shape_.kv.element_bytes);
  add_load(tile, linear(cache_address(shape_, sequence, 0, kv_head, k0), kv_bytes_of_tile));
  add_load(tile, linear(cache_address(shape_, sequence, 1, kv_head, k0), kv_bytes_of_tile));
  if (key_block == 0) add_load(tile, rows_of(shape_.q));
  if (key_block + 1 == key_blocks(query_block)) add_store(tile, rows_of(shape_.out));
  return tile;
}

// --- norm, rotary, SwiGLU, embedding ---

Norm::Norm(std::string name, const NormShape& shape) : Operator(std::move(name), "norm"), shape_(shape) {
  if (shape.rows == 0 || shape.width == 0 || shape.rows_per_tile == 0)
    throw std::invalid_argument("a norm without elements");
  if (shape.row_step != 1 && shape.rows_per_tile != 1)
    throw std::invalid_argument("a norm over every n-th row has one row per tile");
  flops = 6 * shape.rows * shape.width;
  weight_bytes = shape.width * shape.gain.element_bytes;
  bytes = shape.rows * shape.width *
              (shape.delta.element_bytes + 2 * shape.residual.element_bytes + shape.out.element_bytes) +
          tiles() * weight_bytes;
}

Tile Norm::tile(std::uint64_t index) const {
  const std::uint64_t first = index * shape_.rows_per_tile * shape_.width;
  const std::uint64_t elements =
      std::min(shape_.rows_per_tile, shape_.rows - index * shape_.rows_per_tile) * shape_.width;
  const auto part = [&](const Operand& operand, std::uint64_t step) {
    return linear(operand.base + first * step * operand.element_bytes, elements * operand.element_bytes);
  };
  Tile tile;
  tile.flops = 6 * elements;
  tile.precision = work::Precision::fp32;
  tile.matrix = false;
  add_load(tile, part(shape_.delta, shape_.row_step));
  add_load(tile, part(shape_.residual, shape_.row_step));
  add_load(tile, linear(shape_.gain.base, shape_.width * shape_.gain.element_bytes));
  add_store(tile, part(shape_.residual, shape_.row_step));
  add_store(tile, part(shape_.out, 1));
  return tile;
}

RotaryAppend::RotaryAppend(std::string name, const RotaryShape& shape)
    : Operator(std::move(name), "elementwise"), shape_(shape) {
  const AttentionShape& a = shape.attention;
  if (shape.position + a.queries > a.kv_capacity)
    throw std::invalid_argument("rotary: the cache has no room for the new tokens");
  const std::uint64_t tokens = a.batch * a.queries;
  flops = 3 * tokens * (a.query_heads + a.kv_heads) * a.head_dim;
  kv_write_bytes = tokens * 2 * a.kv_heads * a.head_dim * a.kv.element_bytes;
  bytes = tokens * a.head_dim *
              ((a.query_heads + 2 * a.kv_heads) * shape.qkv.element_bytes + a.query_heads * a.q.element_bytes) +
          kv_write_bytes;
}

Tile RotaryAppend::tile(std::uint64_t index) const {
  const AttentionShape& a = shape_.attention;
  const std::uint64_t head = index % a.kv_heads;
  const std::uint64_t token = index / a.kv_heads;  // over all sequences
  const std::uint64_t sequence = token / a.queries;
  const std::uint64_t position = shape_.position + token % a.queries;
  const std::uint64_t group = group_of(a);
  const std::uint64_t e = shape_.qkv.element_bytes;
  const std::uint64_t row = shape_.qkv.base + token * (a.query_heads + 2 * a.kv_heads) * a.head_dim * e;
  const std::uint64_t kv_row = a.head_dim * a.kv.element_bytes;
  Tile tile;
  tile.flops = 3 * (group + 1) * a.head_dim;
  tile.precision = work::Precision::fp32;
  tile.matrix = false;
  add_load(tile, linear(row + head * group * a.head_dim * e, group * a.head_dim * e));
  // K and V of this head: two rows, kv_heads apart.
  add_load(tile,
           strided(row + (a.query_heads + head) * a.head_dim * e, a.head_dim * e, 2, a.kv_heads * a.head_dim * e));
  add_store(tile, linear(a.q.base + (token * a.query_heads + head * group) * a.head_dim * a.q.element_bytes,
                         group * a.head_dim * a.q.element_bytes));
  add_store(tile, linear(cache_address(a, sequence, 0, head, position), kv_row));
  add_store(tile, linear(cache_address(a, sequence, 1, head, position), kv_row));
  return tile;
}

Swiglu::Swiglu(std::string name, const SwigluShape& shape) : Operator(std::move(name), "elementwise"), shape_(shape) {
  if (shape.rows == 0 || shape.width == 0 || shape.tile_width == 0)
    throw std::invalid_argument("a SwiGLU without elements");
  flops = 5 * shape.rows * shape.width;
  bytes = shape.rows * shape.width * (2 * shape.in.element_bytes + shape.out.element_bytes);
}

std::uint64_t Swiglu::tiles() const { return shape_.rows * ceil_div(shape_.width, shape_.tile_width); }

Tile Swiglu::tile(std::uint64_t index) const {
  const std::uint64_t per_row = ceil_div(shape_.width, shape_.tile_width);
  const std::uint64_t row = index / per_row;
  const std::uint64_t first = index % per_row * shape_.tile_width;
  const std::uint64_t width = std::min(shape_.tile_width, shape_.width - first);
  const std::uint64_t e = shape_.in.element_bytes;
  Tile tile;
  tile.flops = 5 * width;
  tile.precision = work::Precision::fp32;
  tile.matrix = false;
  add_load(tile, strided(shape_.in.base + (row * 2 * shape_.width + first) * e, width * e, 2, shape_.width * e));
  add_store(tile, linear(shape_.out.base + (row * shape_.width + first) * shape_.out.element_bytes,
                         width * shape_.out.element_bytes));
  return tile;
}

Embedding::Embedding(std::string name, const EmbeddingShape& shape) : Operator(std::move(name), "copy"), shape_(shape) {
  if (shape.rows == 0 || shape.width == 0 || shape.vocabulary == 0)
    throw std::invalid_argument("an embedding without elements");
  weight_bytes = shape.rows * shape.width * shape.table.element_bytes;
  bytes = weight_bytes + shape.rows * shape.width * shape.out.element_bytes;
}

Tile Embedding::tile(std::uint64_t index) const {
  const std::uint64_t token = bounded(mix(shape_.seed, index), shape_.vocabulary);
  const std::uint64_t row = shape_.width * shape_.table.element_bytes;
  const std::uint64_t out = shape_.width * shape_.out.element_bytes;
  Tile tile;
  tile.precision = work::Precision::fp32;
  tile.matrix = false;
  add_load(tile, linear(shape_.table.base + token * row, row));
  add_store(tile, linear(shape_.out.base + index * out, out));
  return tile;
}

// --- transfers ---

Transfer::Transfer(std::string name, const TransferShape& shape)
    : Operator(std::move(name), "transfer"),
      shape_(shape),
      piece_(shape.load && shape.store ? kProbeTileBytes / 2 : kProbeTileBytes),
      skipped_((shape.load ? shape.source : shape.destination) % piece_) {
  if ((shape.load || shape.store) && shape.bytes == 0) throw std::invalid_argument("a transfer without bytes");
  bytes = shape.bytes * ((shape.load ? 1 : 0) + (shape.store ? 1 : 0));
}

std::uint64_t Transfer::tiles() const { return bytes == 0 ? 1 : ceil_div(skipped_ + shape_.bytes, piece_); }

Tile Transfer::tile(std::uint64_t index) const {
  Tile tile;
  tile.matrix = false;
  if (bytes == 0) return tile;
  const std::uint64_t begin = index == 0 ? 0 : index * piece_ - skipped_;
  const std::uint64_t end = std::min(shape_.bytes, (index + 1) * piece_ - skipped_);
  if (shape_.load) add_load(tile, linear(shape_.source + begin, end - begin));
  if (shape_.store) add_store(tile, linear(shape_.destination + begin, end - begin));
  return tile;
}

// --- probes ---

StreamProbe::StreamProbe(std::string name, const StreamParams& params, std::uint64_t base, std::uint64_t tile_bytes,
                         bool measured)
    : Operator(std::move(name), "probe"),
      params_(params),
      base_(base),
      array_(params.array_bytes()),
      measured_(measured) {
  if (array_ == 0) throw std::invalid_argument("stream: the footprint holds no request");
  const std::uint64_t arrays = static_cast<std::uint64_t>(params.arrays());
  chunk_ = std::max<std::uint64_t>(tile_bytes / arrays / 4096 * 4096, 4096);
  bytes = array_ * arrays;
  flops = array_ / 8 * static_cast<std::uint64_t>(params.flops_per_element());  // doubles, as STREAM has them
}

std::uint64_t StreamProbe::tiles() const { return ceil_div(array_, chunk_); }

Tile StreamProbe::tile(std::uint64_t index) const {
  const std::uint64_t first = index * chunk_;
  const std::uint64_t length = std::min(chunk_, array_ - first);
  Tile tile;
  tile.measured = measured_;
  tile.matrix = false;
  tile.precision = work::Precision::fp32;
  tile.flops = ((first + length) / 8 - first / 8) * static_cast<std::uint64_t>(params_.flops_per_element());
  std::uint64_t base = base_ + first;
  for (int i = 0; i < params_.arrays_read(); ++i, base += array_) add_load(tile, linear(base, length));
  for (int i = 0; i < params_.arrays_written(); ++i, base += array_) add_store(tile, linear(base, length));
  return tile;
}

RandomAccessProbe::RandomAccessProbe(std::string name, const RandomAccessParams& params, std::uint64_t base,
                                     std::uint64_t seed, std::uint64_t accesses)
    : Operator(std::move(name), "probe"),
      params_(params),
      base_(base),
      seed_(seed),
      accesses_(accesses),
      read_share_(read_threshold(params.read_fraction)) {
  if (params.footprint < params.bytes) throw std::invalid_argument("random_access: the footprint holds no block");
  bytes = static_cast<std::uint64_t>(params.count) * static_cast<std::uint64_t>(params.bytes);
  if (params.rate != 0) {
    const auto tile_bytes = static_cast<__int128>(accesses) * params.bytes;
    interval = static_cast<Time>(std::min<__int128>(tile_bytes * kSecond / params.rate, 1000 * kSecond));
  }
}

std::uint64_t RandomAccessProbe::tiles() const {
  return ceil_div(static_cast<std::uint64_t>(params_.count), accesses_);
}

std::uint64_t RandomAccessProbe::reads_before(std::uint64_t access) const {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(access) * read_share_) >> 63);
}

Tile RandomAccessProbe::tile(std::uint64_t index) const {
  const std::uint64_t first = index * accesses_;
  const std::uint64_t last = std::min(first + accesses_, static_cast<std::uint64_t>(params_.count));
  const std::uint64_t reads = reads_before(last) - reads_before(first);
  Access access;
  access.base = base_;
  access.row_bytes = static_cast<std::uint64_t>(params_.bytes);
  access.pattern = Pattern::random;
  access.footprint = static_cast<std::uint64_t>(params_.footprint);
  access.seed = seed_;
  Tile tile;
  tile.matrix = false;
  access.rows = reads;
  access.first = first;
  if (reads != 0) add_load(tile, access);
  access.rows = last - first - reads;
  access.first = first + reads;
  if (access.rows != 0) add_store(tile, access);
  return tile;
}

LoadProbe::LoadProbe(std::string name, const LoadParams& params, std::uint64_t base, std::uint64_t seed)
    : Operator(std::move(name), "probe"),
      params_(params),
      base_(base),
      accesses_per_tile_(static_cast<std::uint64_t>(std::max<std::int64_t>(
          std::min<std::int64_t>(kProbeTileBytes, params.accesses.footprint) / params.accesses.bytes, 1))),
      accesses_(this->name(), params.accesses, base, seed, accesses_per_tile_) {
  bytes = accesses_.bytes;
  interval = accesses_.interval;
}

Tile LoadProbe::tile(std::uint64_t index) const {
  Tile tile = accesses_.tile(index);
  if (!params_.sequential()) return tile;
  const auto block = static_cast<std::uint64_t>(params_.accesses.bytes);
  const std::uint64_t pieces = static_cast<std::uint64_t>(params_.accesses.footprint) / block / accesses_per_tile_;
  std::uint64_t at = base_ + index % pieces * accesses_per_tile_ * block;
  const auto lay = [&](Access& access) {
    access = linear(at, access.bytes());
    at += access.bytes();
  };
  if (tile.load_count != 0) lay(tile.loads[0]);
  if (tile.store_count != 0) lay(tile.stores[0]);
  return tile;
}

PointerChaseProbe::PointerChaseProbe(std::string name, const PointerChaseParams& params, std::uint64_t base,
                                     std::uint64_t seed)
    : Operator(std::move(name), "probe"), params_(params), base_(base), seed_(seed) {
  if (params.footprint < params.bytes) throw std::invalid_argument("pointer_chase: the footprint holds no block");
  bytes = static_cast<std::uint64_t>(params.count) * static_cast<std::uint64_t>(params.bytes);
}

Tile PointerChaseProbe::tile(std::uint64_t) const {
  Access access;
  access.base = base_;
  access.row_bytes = static_cast<std::uint64_t>(params_.bytes);
  access.rows = static_cast<std::uint64_t>(params_.count);
  access.pattern = Pattern::chase;
  access.footprint = static_cast<std::uint64_t>(params_.footprint);
  access.seed = seed_;
  Tile tile;
  tile.matrix = false;
  tile.max_outstanding = 1;
  add_load(tile, access);
  return tile;
}

}  // namespace cowosim::traffic
