#include "traffic/operators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "core/random.h"

namespace cowosim::traffic {
namespace {

/// What all tiles of an operator add up to, counted from the tiles alone.
struct Totals {
  std::uint64_t flops = 0;
  std::uint64_t loaded = 0;
  std::uint64_t stored = 0;
  std::uint64_t largest = 0;
  std::map<std::uint64_t, std::uint64_t> reads;  // by base of the region the access begins in
  std::map<std::uint64_t, std::uint64_t> writes;
  std::map<std::uint64_t, std::set<std::uint64_t>> touched;  // distinct bytes
};

constexpr std::uint64_t kRegion = std::uint64_t{1} << 40;

Totals count(const work::Operator& op, bool touch = true) {
  Totals totals;
  for (std::uint64_t i = 0; i < op.tiles(); ++i) {
    const work::Tile tile = op.tile(i);
    totals.flops += tile.flops;
    std::uint64_t in_tile = 0;
    const auto add = [&](const work::Access& access, std::map<std::uint64_t, std::uint64_t>& by_region,
                         std::uint64_t& sum) {
      EXPECT_GT(access.bytes(), 0u);
      const std::uint64_t region = access.base / kRegion;
      by_region[region] += access.bytes();
      sum += access.bytes();
      in_tile += access.bytes();
      if (!touch) return;
      for (std::uint64_t r = 0; r < access.rows; ++r) {
        for (std::uint64_t b = 0; b < access.row_bytes; ++b)
          totals.touched[region].insert(access.base % kRegion + r * access.pitch + b);
      }
    };
    for (int a = 0; a < tile.load_count; ++a)
      add(tile.loads.at(static_cast<std::size_t>(a)), totals.reads, totals.loaded);
    for (int a = 0; a < tile.store_count; ++a)
      add(tile.stores.at(static_cast<std::size_t>(a)), totals.writes, totals.stored);
    totals.largest = std::max(totals.largest, in_tile);
  }
  EXPECT_EQ(totals.flops, op.flops) << op.name();
  EXPECT_EQ(totals.loaded + totals.stored, op.bytes) << op.name();
  return totals;
}

Operand region(std::uint64_t index, std::uint32_t element_bytes) { return {index * kRegion, element_bytes}; }

GemmShape gemm_shape(std::uint64_t m, std::uint64_t n, std::uint64_t k) {
  GemmShape shape;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  shape.a = region(1, 2);
  shape.b = region(2, 1);
  shape.c = region(3, 4);
  return shape;
}

TEST(Gemm, RaggedShapesAreExact) {
  // 300 x 257 x 190 with 64 x 48 x 32: no dimension is a multiple of its tile.
  GemmTiling tiling;
  tiling.tile_m = 64;
  tiling.tile_n = 48;
  tiling.tile_k = 32;
  tiling.group_m = 2;
  tiling.group_n = 4;
  const GemmShape shape = gemm_shape(300, 257, 190);
  const Gemm gemm("g", shape, tiling);
  const Totals totals = count(gemm);
  EXPECT_EQ(gemm.tiles(), 5u * 6 * 6);
  EXPECT_EQ(gemm.flops, 2u * 300 * 257 * 190);
  EXPECT_EQ(totals.reads.at(1), 2u * 300 * 190 * 6) << "A: ceil(N / Tn) times";
  EXPECT_EQ(totals.reads.at(2), 1u * 257 * 190 * 5) << "B: ceil(M / Tm) times";
  EXPECT_EQ(totals.writes.at(3), 4u * 300 * 257) << "C: once";
  EXPECT_EQ(totals.touched.at(1).size(), 2u * 300 * 190);
  EXPECT_EQ(totals.touched.at(2).size(), gemm.weight_bytes);
  EXPECT_EQ(totals.touched.at(3).size(), 4u * 300 * 257);
  EXPECT_EQ(*totals.touched.at(2).rbegin(), 1u * 257 * 190 - 1) << "nothing outside";
}

TEST(Gemm, AccumulationInMemoryStoresEveryPanel) {
  GemmShape shape = gemm_shape(3, 100, 300);
  shape.accumulate_in_memory = true;
  GemmTiling tiling;
  tiling.tile_n = 32;
  tiling.tile_k = 64;
  const Totals totals = count(Gemm("g", shape, tiling));
  EXPECT_EQ(totals.writes.at(3), 4u * 3 * 100 * 5);
  EXPECT_EQ(totals.reads.at(2), 100u * 300);
}

TEST(Gemm, ChosenTilesAreBoundedAndMany) {
  // The GEMMs of a Llama-3-70B decode step in FP8, batch 1.
  for (const auto& [n, k] : {std::pair<std::uint64_t, std::uint64_t>{10240, 8192},
                             {8192, 8192},
                             {57344, 8192},
                             {8192, 28672},
                             {128256, 8192}}) {
    GemmShape shape = gemm_shape(1, n, k);
    shape.accumulate_in_memory = true;
    const Gemm gemm("g", shape);
    const Totals totals = count(gemm, false);
    EXPECT_EQ(totals.reads.at(2), n * k) << "weights are streamed once";
    EXPECT_LE(totals.largest, 73u * 1024) << "weights, their activations, 16 partial sums";
    EXPECT_GE(gemm.tiles(), 1000u);
    EXPECT_LT(static_cast<double>(gemm.bytes) / static_cast<double>(n * k), 1.13)
        << "two bytes of activation for each of 16 rows of weights, partial sums";
  }
  const Gemm square("g", gemm_shape(1024, 1024, 1024));
  EXPECT_LE(count(square, false).largest, 72u * 1024 + 128 * 128 * 4);
}

TEST(Gemm, RandomShapesAreExact) {
  SplitMix64 draw(11);
  for (int i = 0; i < 60; ++i) {
    const auto one_to = [&](std::uint64_t limit) { return 1 + bounded(draw.next(), limit); };
    GemmShape shape = gemm_shape(one_to(40), one_to(70), one_to(90));
    shape.accumulate_in_memory = draw.next() % 2 == 0;
    GemmTiling tiling;
    tiling.tile_m = bounded(draw.next(), 50);
    tiling.tile_n = bounded(draw.next(), 30);
    tiling.tile_k = bounded(draw.next(), 40);
    tiling.group_m = one_to(4);
    tiling.group_n = one_to(4);
    const Gemm gemm("g", shape, tiling);
    const Totals totals = count(gemm);
    ASSERT_EQ(totals.touched.at(1).size(), 2 * shape.m * shape.k);
    ASSERT_EQ(totals.touched.at(2).size(), shape.n * shape.k);
    ASSERT_EQ(totals.touched.at(3).size(), 4 * shape.m * shape.n);
  }
}

TEST(Gemm, CoresThatTakeTilesInOrderShareOperands) {
  // One wave of group_m x group_n = 128 output tiles at one K panel reads its A and B panels once each, if the cache merges.
  GemmShape shape = gemm_shape(4096, 4096, 4096);
  shape.a = region(1, 2);
  shape.b = region(2, 2);
  shape.c = region(3, 2);
  GemmTiling tiling;
  tiling.tile_m = tiling.tile_n = 128;
  tiling.tile_k = 64;
  const Gemm gemm("g", shape, tiling);
  std::set<std::uint64_t> a;
  std::set<std::uint64_t> b;
  for (std::uint64_t i = 0; i < 128; ++i) {
    b.insert(gemm.tile(i).loads[0].base);
    a.insert(gemm.tile(i).loads[1].base);
  }
  EXPECT_EQ(a.size(), 8u);
  EXPECT_EQ(b.size(), 16u);
  // Compulsory and merged traffic of the whole kernel: the 8 x 16 row of the wave table, 201.3 MB.
  std::uint64_t merged = 0;
  for (std::uint64_t wave = 0; wave < gemm.tiles() / 128; ++wave) {
    std::map<std::uint64_t, std::uint64_t> distinct;
    for (std::uint64_t i = 0; i < 128; ++i) {
      const work::Tile tile = gemm.tile(wave * 128 + i);
      for (int l = 0; l < 2; ++l)
        distinct[tile.loads.at(static_cast<std::size_t>(l)).base] = tile.loads.at(static_cast<std::size_t>(l)).bytes();
    }
    for (const auto& [base, bytes] : distinct) merged += bytes;
  }
  EXPECT_NEAR(static_cast<double>(merged) / 1e6, 201.3, 0.1);
}

AttentionShape attention_shape(std::uint64_t batch, std::uint64_t queries, std::uint64_t context) {
  AttentionShape shape;
  shape.batch = batch;
  shape.queries = queries;
  shape.context = context;
  shape.query_heads = 8;
  shape.kv_heads = 2;
  shape.head_dim = 16;
  shape.kv_capacity = context + 3;
  shape.q = region(1, 2);
  shape.kv = region(2, 2);
  shape.out = region(3, 2);
  shape.partial = region(4, 4);
  return shape;
}

TEST(Attention, DecodeReadsTheCacheOnce) {
  const AttentionShape shape = attention_shape(3, 1, 100);
  const AttentionDecode decode("a", shape, 32);
  const Totals totals = count(decode);
  EXPECT_EQ(decode.splits(), 4u);
  EXPECT_EQ(decode.kv_read_bytes, 3u * 2 * 2 * 16 * 2 * 100) << "batch 2 nkv d e L";
  EXPECT_EQ(totals.reads.at(2), decode.kv_read_bytes);
  EXPECT_EQ(totals.touched.at(2).size(), decode.kv_read_bytes);
  EXPECT_EQ(decode.flops, 4u * 3 * 8 * 16 * 100);
  EXPECT_EQ(totals.writes.at(4), 3u * 8 * 4 * (16 + 1) * 4) << "batch nq splits (d + 1) 4";
  EXPECT_EQ(totals.touched.at(4).size(), totals.writes.at(4));

  const AttentionCombine combine("c", shape, decode.splits());
  const Totals combined = count(combine);
  EXPECT_EQ(combined.reads.at(4), totals.writes.at(4)) << "what was written is read, once";
  EXPECT_EQ(combined.touched.at(4), totals.touched.at(4));
  EXPECT_EQ(combined.writes.at(3), 3u * 8 * 16 * 2);
}

TEST(Attention, OneSplitWritesTheOutput) {
  const AttentionDecode decode("a", attention_shape(2, 1, 10));
  const Totals totals = count(decode);
  EXPECT_EQ(decode.splits(), 1u);
  EXPECT_EQ(totals.writes.count(4), 0u);
  EXPECT_EQ(totals.touched.at(3).size(), 2u * 8 * 16 * 2);
}

TEST(Attention, PrefillFollowsTheCausalFormula) {
  for (const auto& [s, br, bc] : {std::array<std::uint64_t, 3>{64, 16, 16}, {100, 16, 32}, {77, 32, 20}, {5, 8, 8}}) {
    AttentionShape shape = attention_shape(2, s, s);
    const AttentionPrefill prefill("a", shape, br, bc);
    const Totals totals = count(prefill);
    std::uint64_t keys = 0;
    for (std::uint64_t i = 0; i * br < s; ++i) {
      const std::uint64_t diagonal = std::min(s, (i + 1) * br);
      keys += std::min(s, (diagonal + bc - 1) / bc * bc);
    }
    EXPECT_EQ(totals.reads.at(2), 2u * 8 * 2 * 16 * keys * 2) << "batch nq 2 d keys e";
    EXPECT_EQ(totals.touched.at(2).size(), prefill.kv_read_bytes);
    EXPECT_EQ(totals.reads.at(1), 2u * 8 * s * 16 * 2);
    EXPECT_EQ(totals.touched.at(1).size(), totals.reads.at(1)) << "every query once";
    EXPECT_EQ(totals.touched.at(3).size(), totals.writes.at(3));
    EXPECT_EQ(totals.writes.at(3), 2u * 8 * s * 16 * 2);
  }
  // Br = Bc, Br | S: K and V are read (S / Br + 1) / 2 times.
  const AttentionPrefill even("a", attention_shape(1, 64, 64), 16, 16);
  EXPECT_EQ(count(even).reads.at(2), 8u * 2 * 16 * 2 * 64 * (64 / 16 + 1) / 2);
}

TEST(Attention, RejectsImpossibleShapes) {
  AttentionShape shape = attention_shape(1, 1, 10);
  shape.kv_heads = 3;
  EXPECT_THROW(AttentionDecode("a", shape), std::invalid_argument);
  shape = attention_shape(1, 1, 10);
  shape.kv_capacity = 9;
  EXPECT_THROW(AttentionDecode("a", shape), std::invalid_argument);
  EXPECT_THROW(AttentionPrefill("a", attention_shape(1, 5, 10)), std::invalid_argument);
}

TEST(RotaryAppend, WritesTheNewTokensIntoTheCache) {
  RotaryShape shape;
  shape.attention = attention_shape(3, 2, 7);
  shape.qkv = region(5, 4);
  shape.position = 8;
  const RotaryAppend rotary("r", shape);
  const Totals totals = count(rotary);
  EXPECT_EQ(rotary.kv_write_bytes, 3u * 2 * 2 * 2 * 16 * 2);
  EXPECT_EQ(totals.writes.at(2), rotary.kv_write_bytes);
  EXPECT_EQ(totals.touched.at(2).size(), rotary.kv_write_bytes);
  EXPECT_EQ(totals.touched.at(5).size(), 3u * 2 * (8 + 4) * 16 * 4) << "all of Q, K and V is read";
  EXPECT_EQ(totals.touched.at(1).size(), 3u * 2 * 8 * 16 * 2);
  // The cache row of sequence 0, K, head 0, position 8.
  EXPECT_EQ(*totals.touched.at(2).begin(), 8u * 16 * 2);
  shape.position = 9;
  EXPECT_THROW(RotaryAppend("r", shape), std::invalid_argument);
}

TEST(Norm, ReadsTwoWritesTwoPlusGains) {
  NormShape shape;
  shape.rows = 5;
  shape.width = 100;
  shape.delta = region(1, 4);
  shape.residual = region(2, 2);
  shape.gain = region(3, 1);
  shape.out = region(4, 2);
  shape.rows_per_tile = 2;
  const Norm norm("n", shape);
  const Totals totals = count(norm);
  EXPECT_EQ(norm.tiles(), 3u);
  EXPECT_EQ(norm.bytes, 5u * 100 * (4 + 2 + 2 + 2) + 3 * 100);
  EXPECT_EQ(totals.touched.at(3).size(), norm.weight_bytes);
  shape.rows_per_tile = 1;
  shape.row_step = 7;
  const Totals last = count(Norm("n", shape));
  EXPECT_EQ(*last.touched.at(1).rbegin(), 4u * 100 * (4 * 7 + 1) - 1);
  shape.rows_per_tile = 2;
  EXPECT_THROW(Norm("n", shape), std::invalid_argument);
}

TEST(Swiglu, ReadsGateAndUp) {
  SwigluShape shape;
  shape.rows = 3;
  shape.width = 1000;
  shape.in = region(1, 4);
  shape.out = region(2, 2);
  shape.tile_width = 300;
  const Swiglu swiglu("s", shape);
  const Totals totals = count(swiglu);
  EXPECT_EQ(swiglu.tiles(), 12u);
  EXPECT_EQ(totals.touched.at(1).size(), 3u * 2000 * 4);
  EXPECT_EQ(totals.touched.at(2).size(), 3u * 1000 * 2);
}

TEST(Embedding, ReadsOneRowPerToken) {
  EmbeddingShape shape;
  shape.rows = 4;
  shape.width = 128;
  shape.vocabulary = 1000;
  shape.table = region(1, 1);
  shape.out = region(2, 4);
  const Embedding embedding("e", shape);
  const Totals totals = count(embedding);
  EXPECT_EQ(embedding.weight_bytes, 4u * 128);
  EXPECT_EQ(totals.writes.at(2), 4u * 128 * 4);
  EXPECT_LT(*totals.touched.at(1).rbegin(), 1000u * 128);
}

TEST(Transfer, TouchesEveryByteOnceAndCutsAtWholePieces) {
  for (const auto& [load, store] : {std::pair{true, true}, {true, false}, {false, true}}) {
    TransferShape shape;
    shape.load = load;
    shape.store = store;
    shape.source = kRegion + 12345;
    shape.destination = 2 * kRegion + 777;
    for (const std::uint64_t bytes : {1u, 4000u, 20039u, 20423u, 20424u, 100'000u}) {
      shape.bytes = bytes;
      const Transfer transfer("t", shape);
      const Totals totals = count(transfer);
      EXPECT_EQ(totals.loaded, load ? bytes : 0);
      EXPECT_EQ(totals.stored, store ? bytes : 0);
      EXPECT_LE(totals.largest, kProbeTileBytes);
      if (load) {
        EXPECT_EQ(totals.touched.at(1).size(), bytes);
      }
      if (store) {
        EXPECT_EQ(totals.touched.at(2).size(), bytes);
        EXPECT_EQ(*totals.touched.at(2).begin(), 777u);
      }
      const std::uint64_t piece = load && store ? kProbeTileBytes / 2 : kProbeTileBytes;
      for (std::uint64_t i = 1; i < transfer.tiles(); ++i) {
        const work::Tile tile = transfer.tile(i);
        EXPECT_EQ((load ? tile.loads[0] : tile.stores[0]).base % piece, 0u);
        if (load && store) {
          EXPECT_EQ(tile.loads[0].base - shape.source, tile.stores[0].base - shape.destination);
        }
      }
    }
  }
}

TEST(Transfer, OfNothingIsOneEmptyTile) {
  const Transfer nothing("nop", {});
  EXPECT_EQ(nothing.tiles(), 1u);
  EXPECT_EQ(nothing.bytes, 0u);
  EXPECT_EQ(nothing.tile(0).load_count + nothing.tile(0).store_count, 0);
  TransferShape no_bytes;
  no_bytes.load = true;
  EXPECT_THROW(Transfer("t", no_bytes), std::invalid_argument);
}

TEST(Probes, StreamTouchesEveryByteOnce) {
  for (const char* kind : {"read", "write", "copy", "scale", "add", "triad"}) {
    StreamParams params;
    params.kind = kind;
    params.footprint = 100'000;
    const StreamProbe probe("s", params, 0, 16 * 1024);
    const Totals totals = count(probe);
    EXPECT_EQ(probe.bytes, params.array_bytes() * static_cast<std::uint64_t>(params.arrays()));
    EXPECT_EQ(totals.touched.at(0).size(), probe.bytes);
    EXPECT_EQ(totals.loaded, params.array_bytes() * static_cast<std::uint64_t>(params.arrays_read()));
  }
}

TEST(Probes, RandomAccessKeepsTheReadFraction) {
  RandomAccessParams params;
  params.footprint = 1 << 20;
  params.read_fraction = 0.7;
  params.count = 10'001;
  const RandomAccessProbe probe("r", params, 0, 3);
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < probe.tiles(); ++i) {
    const work::Tile tile = probe.tile(i);
    for (int a = 0; a < tile.load_count; ++a) {
      EXPECT_EQ(tile.loads[0].first, next);
      next += tile.loads[0].rows;
      reads += tile.loads[0].rows;
    }
    for (int a = 0; a < tile.store_count; ++a) {
      EXPECT_EQ(tile.stores[0].first, next);
      next += tile.stores[0].rows;
      writes += tile.stores[0].rows;
    }
  }
  EXPECT_EQ(reads + writes, 10'001u);
  EXPECT_EQ(probe.bytes, 10'001u * 64);
  EXPECT_EQ(reads, 7000u);
}

TEST(Probes, ARateIsAnIntervalBetweenTiles) {
  RandomAccessParams params;
  EXPECT_EQ(RandomAccessProbe("r", params, 0, 1).interval, 0) << "as fast as the cores take them";
  params.rate = 64'000'000'000;
  EXPECT_EQ(RandomAccessProbe("r", params, 0, 1).interval, 256 * kNanosecond);
}

TEST(Probes, ALoadReadsAndWritesItsPiecesInOrder) {
  LoadParams params;
  params.accesses.footprint = 100 << 10;  // three tiles and a rest that is left alone
  params.accesses.bytes = 256;
  params.accesses.read_fraction = 0.75;
  params.accesses.rate = 32'768'000'000;
  params.accesses.count = std::int64_t{1} << 40;
  const LoadProbe probe("load", params, 4096, 3);
  EXPECT_EQ(probe.interval, kMicrosecond);
  EXPECT_GT(probe.tiles(), std::uint64_t{1} << 32);
  for (const std::uint64_t i : {0, 1, 2, 3, 1'000'000'000}) {
    const work::Tile tile = probe.tile(i);
    ASSERT_EQ(tile.load_count, 1);
    ASSERT_EQ(tile.store_count, 1);
    EXPECT_EQ(tile.loads[0].base, 4096 + i % 3 * 32768);
    EXPECT_EQ(tile.loads[0].bytes(), 3u * 8192);
    EXPECT_EQ(tile.stores[0].base, tile.loads[0].base + tile.loads[0].bytes());
    EXPECT_EQ(tile.stores[0].bytes(), 8192u);
    EXPECT_EQ(tile.loads[0].pattern, work::Pattern::linear);
  }
  params.pattern = "random";
  EXPECT_EQ(LoadProbe("load", params, 4096, 3).tile(0).loads[0].pattern, work::Pattern::random);
  params.accesses.read_fraction = 1;
  params.accesses.footprint = 4096;  // less than a tile
  params.pattern = "sequential";
  const LoadProbe small("load", params, 0, 3);
  EXPECT_EQ(small.tile(5).loads[0].base, 0u);
  EXPECT_EQ(small.tile(5).loads[0].bytes(), 4096u);
  EXPECT_EQ(small.tile(5).store_count, 0);
}

TEST(Probes, PointerChaseIsOneDependentTile) {
  PointerChaseParams params;
  params.count = 77;
  const PointerChaseProbe probe("p", params, 4096, 1);
  ASSERT_EQ(probe.tiles(), 1u);
  const work::Tile tile = probe.tile(0);
  EXPECT_EQ(tile.max_outstanding, 1u);
  EXPECT_EQ(tile.loads[0].pattern, work::Pattern::chase);
  EXPECT_EQ(tile.loads[0].rows, 77u);
}

}  // namespace
}  // namespace cowosim::traffic
