#include "work/tile.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <vector>

#include "core/random.h"

namespace cowosim::work {
namespace {

struct Piece {
  std::uint64_t address;
  std::uint32_t bytes;
  bool operator==(const Piece& other) const { return address == other.address && bytes == other.bytes; }
};
std::ostream& operator<<(std::ostream& out, const Piece& piece) { return out << piece.address << "+" << piece.bytes; }

std::vector<Piece> pieces(const Access& access, std::uint32_t granule) {
  Cursor cursor(access, granule);
  std::vector<Piece> all;
  Piece piece{};
  while (cursor.next(piece.address, piece.bytes)) all.push_back(piece);
  EXPECT_FALSE(cursor.next(piece.address, piece.bytes)) << "the end stays the end";
  return all;
}

Access rows(std::uint64_t base, std::uint64_t row_bytes, std::uint64_t count, std::uint64_t pitch) {
  Access access;
  access.base = base;
  access.row_bytes = row_bytes;
  access.rows = count;
  access.pitch = pitch;
  return access;
}

TEST(Cursor, CutsAtGranules) {
  EXPECT_EQ(pieces(rows(0, 1024, 1, 1024), 256), (std::vector<Piece>{{0, 256}, {256, 256}, {512, 256}, {768, 256}}));
}

TEST(Cursor, AlignsToWholeAtoms) {
  EXPECT_EQ(pieces(rows(100, 8, 1, 8), 64), (std::vector<Piece>{{96, 32}}));
  EXPECT_EQ(pieces(rows(120, 16, 1, 16), 64), (std::vector<Piece>{{96, 32}, {128, 32}}));
  EXPECT_EQ(pieces(rows(250, 20, 1, 20), 256), (std::vector<Piece>{{224, 32}, {256, 32}}));
}

TEST(Cursor, WalksStridedRows) {
  EXPECT_EQ(pieces(rows(4096, 96, 3, 512), 64),
            (std::vector<Piece>{{4096, 64}, {4160, 32}, {4608, 64}, {4672, 32}, {5120, 64}, {5184, 32}}));
}

TEST(Cursor, JoinsRowsThatTouch) {
  // 100 rows of 8 bytes are one row of 800: 25 atoms, not 100.
  std::uint64_t bytes = 0;
  for (const Piece& piece : pieces(rows(0, 8, 100, 8), 256)) bytes += piece.bytes;
  EXPECT_EQ(bytes, 800u);
}

TEST(Cursor, EmptyAccessHasNoPieces) {
  EXPECT_TRUE(pieces(rows(0, 0, 5, 0), 64).empty());
  EXPECT_TRUE(pieces(rows(0, 64, 0, 64), 64).empty());
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  EXPECT_FALSE(Cursor().next(address, bytes));
}

TEST(Cursor, RandomBlocksAreTheirIndexsDraw) {
  Access access = rows(1 << 20, 64, 1000, 0);
  access.pattern = Pattern::random;
  access.footprint = 64 * 777;
  access.seed = 42;
  access.first = 5;
  const std::vector<Piece> all = pieces(access, 64);
  ASSERT_EQ(all.size(), 1000u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].address, (1u << 20) + 64 * bounded(mix(42, 5 + i), 777));
    EXPECT_EQ(all[i].bytes, 64u);
  }
  // A tile that begins later continues the same sequence.
  access.first = 105;
  EXPECT_EQ(pieces(access, 64)[0], all[100]);
}

TEST(Cursor, ChaseVisitsEveryBlockOnceALap) {
  for (const std::uint64_t blocks : {1u, 2u, 3u, 64u, 1000u, 4097u}) {
    Access access = rows(0, 128, 2 * blocks, 0);
    access.pattern = Pattern::chase;
    access.footprint = 128 * blocks;
    access.seed = 9;
    const std::vector<Piece> all = pieces(access, 128);
    ASSERT_EQ(all.size(), 2 * blocks);
    std::set<std::uint64_t> seen;
    for (std::size_t i = 0; i < blocks; ++i) {
      seen.insert(all[i].address);
      EXPECT_EQ(all[i], all[i + blocks]) << "the second lap is the first";
      EXPECT_LT(all[i].address, 128 * blocks);
    }
    EXPECT_EQ(seen.size(), blocks);
  }
}

TEST(Cursor, RejectsWhatItCannotCut) {
  EXPECT_THROW(Cursor(rows(0, 64, 1, 64), 16), std::invalid_argument);
  EXPECT_THROW(Cursor(rows(0, 64, 1, 64), 96), std::invalid_argument);
  Access access = rows(0, 64, 1, 64);
  access.pattern = Pattern::random;
  access.footprint = 63;
  EXPECT_THROW(Cursor(access, 64), std::invalid_argument);
}

TEST(Permutation, IsABijectionAndDependsOnTheSeed) {
  std::size_t different = 0;
  const Permutation a(1000, 1);
  const Permutation b(1000, 2);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    seen.insert(a(i));
    different += a(i) != b(i);
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_LT(*seen.rbegin(), 1000u);
  EXPECT_GT(different, 900u);
  EXPECT_THROW(Permutation(0, 1), std::invalid_argument);
}

TEST(Permutation, NeighboursLieFarApart) {
  // A uniformly random order of n has a mean distance of n / 3 between neighbours.
  constexpr std::uint64_t kN = 100'000;
  const Permutation order(kN, 3);
  double sum = 0;
  for (std::uint64_t i = 1; i < kN; ++i) {
    const std::uint64_t a = order(i - 1);
    const std::uint64_t b = order(i);
    sum += static_cast<double>(a < b ? b - a : a - b);
  }
  EXPECT_NEAR(sum / kN / kN, 1.0 / 3, 0.01);
}

}  // namespace
}  // namespace cowosim::work
