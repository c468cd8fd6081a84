#include "fabric/flit/allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"

namespace cowosim::fabric {
namespace {

using Pair = std::pair<int, int>;      // row, column
using Requests = std::map<Pair, int>;  // urgency
using Matches = std::set<Pair>;

/// Whom an arbiter prefers: candidates from first to last.
class Order {
 public:
  Order(int count, bool from_the_last) : order_(static_cast<std::size_t>(count)) {
    std::iota(order_.begin(), order_.end(), 0);
    if (from_the_last) std::reverse(order_.begin(), order_.end());
  }
  /// Of (candidate, urgency) the most urgent, the first of these in order; -1 of none.
  int choose(const std::map<int, int>& candidates) const {
    int best = -1;
    for (const int who : order_) {
      const auto found = candidates.find(who);
      if (found != candidates.end() && (best == -1 || found->second < candidates.at(best))) best = who;
    }
    return best;
  }
  /// Round robin: the one behind it is first from now on.
  void step_past(int who) {
    std::rotate(order_.begin(), std::find(order_.begin(), order_.end(), who) + 1, order_.end());
  }
  /// Least recently served: this one is last.
  void to_the_end(int who) {
    order_.erase(std::find(order_.begin(), order_.end(), who));
    order_.push_back(who);
  }

 private:
  std::vector<int> order_;
};

/// An allocator as the papers draw it: arbiters are lists, requests a matrix.
class Reference {
 public:
  Reference(Allocators::Kind kind, int iterations, int rows, int columns)
      : kind_(kind),
        iterations_(iterations),
        rows_(static_cast<std::size_t>(rows), Order(columns, kind == Allocators::Kind::matrix)),
        columns_(static_cast<std::size_t>(columns), Order(rows, kind == Allocators::Kind::matrix)) {}

  Matches allocate(const Requests& requests) {
    return kind_ == Allocators::Kind::islip ? islip(requests) : rows_first(requests);
  }

 private:
  Matches islip(Requests requests) {
    Matches all;
    for (int iteration = 0; iteration < iterations_; ++iteration) {
      std::map<int, std::map<int, int>> asked;  // column -> rows
      for (const auto& [pair, urgency] : requests) asked[pair.second][pair.first] = urgency;
      std::map<int, std::map<int, int>> granted;  // row -> columns
      for (const auto& [column, rows] : asked) {
        const int row = columns_[static_cast<std::size_t>(column)].choose(rows);
        granted[row][column] = rows.at(row);
      }
      for (const auto& [row, columns] : granted) {
        const int column = rows_[static_cast<std::size_t>(row)].choose(columns);
        all.insert({row, column});
        if (iteration == 0) {
          rows_[static_cast<std::size_t>(row)].step_past(column);
          columns_[static_cast<std::size_t>(column)].step_past(row);
        }
        for (auto it = requests.begin(); it != requests.end();) {
          it = it->first.first == row || it->first.second == column ? requests.erase(it) : std::next(it);
        }
      }
    }
    return all;
  }

  Matches rows_first(const Requests& requests) {
    std::map<int, std::map<int, int>> asking;  // row -> columns
    for (const auto& [pair, urgency] : requests) asking[pair.first][pair.second] = urgency;
    std::map<int, std::map<int, int>> chosen;  // column -> rows
    for (const auto& [row, columns] : asking) {
      const int column = rows_[static_cast<std::size_t>(row)].choose(columns);
      chosen[column][row] = columns.at(column);
    }
    Matches all;
    for (const auto& [column, rows] : chosen) {
      const int row = columns_[static_cast<std::size_t>(column)].choose(rows);
      all.insert({row, column});
      Order& of_row = rows_[static_cast<std::size_t>(row)];
      Order& of_column = columns_[static_cast<std::size_t>(column)];
      if (kind_ == Allocators::Kind::matrix) {
        of_row.to_the_end(column);
        of_column.to_the_end(row);
      } else {
        of_row.step_past(column);
        of_column.step_past(row);
      }
    }
    return all;
  }

  Allocators::Kind kind_;
  int iterations_;
  std::vector<Order> rows_, columns_;
};

Matches as_set(const std::vector<Allocators::Match>& matches) {
  Matches all;
  for (const Allocators::Match& m : matches) EXPECT_TRUE(all.insert({m.row, m.column}).second);
  return all;
}

Requests random_requests(SplitMix64& random, int rows, int columns, int urgencies) {
  const std::uint64_t density = 1 + bounded(random.next(), 16);
  Requests requests;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      if (bounded(random.next(), 16) >= density) continue;
      requests[{row, column}] = static_cast<int>(bounded(random.next(), static_cast<std::uint64_t>(urgencies)));
    }
  }
  return requests;
}

/// `alike` as the heart says it: then urgencies are not looked at.
std::vector<Allocators::Match> run(Allocators& allocators, std::uint32_t which, const Requests& requests, bool alike) {
  allocators.begin(which, alike);
  for (const auto& [pair, urgency] : requests) {
    const auto row = static_cast<std::uint32_t>(pair.first);
    const auto column = static_cast<std::uint32_t>(pair.second);
    allocators.request(row, column, 1, static_cast<std::uint16_t>(urgency));
    // A port whose VCs ask for the same output asks twice, the less urgent one does not matter.
    if ((row + column) % 3 == 0) allocators.request(row, column, 1, static_cast<std::uint16_t>(urgency + column % 2));
  }
  EXPECT_EQ(allocators.any(), !requests.empty());
  if (!allocators.any()) return {};
  return allocators.allocate();
}

struct Size {
  int rows, columns;
};
const std::vector<Size> kSizes = {{1, 1}, {5, 5}, {2, 9}, {9, 2}, {40, 40}, {64, 64}, {65, 5}, {5, 65}};

TEST(Allocators, MatchAsTheReferenceDoes) {
  using Kind = Allocators::Kind;
  struct Case {
    Kind kind;
    int iterations;
  };
  for (const Case c : {Case{Kind::islip, 1}, Case{Kind::islip, 2}, Case{Kind::islip, 4}, Case{Kind::round_robin, 1},
                       Case{Kind::matrix, 1}}) {
    for (const int urgencies : {1, 3}) {
      // All in one, taking turns: they must not touch each other.
      Allocators allocators(c.kind, c.iterations);
      std::vector<Reference> references;
      for (const Size size : kSizes) {
        EXPECT_EQ(allocators.add(size.rows, size.columns), references.size());
        references.emplace_back(c.kind, c.iterations, size.rows, size.columns);
      }
      SplitMix64 random(
          mix(static_cast<std::uint64_t>(c.kind), static_cast<std::uint64_t>(c.iterations * 8 + urgencies)));
      for (int round = 0; round < 400; ++round) {
        const auto which = static_cast<std::size_t>(bounded(random.next(), kSizes.size()));
        const Requests requests = random_requests(random, kSizes[which].rows, kSizes[which].columns, urgencies);
        const Matches matches = as_set(run(allocators, static_cast<std::uint32_t>(which), requests, urgencies == 1));
        ASSERT_EQ(matches, references[which].allocate(requests))
            << "kind " << static_cast<int>(c.kind) << ", " << c.iterations << " iterations, round " << round;
      }
    }
  }
}

TEST(Allocators, MasksMakeTheSameMatchesInTheSameOrder) {
  Allocators masked(Allocators::Kind::islip, 1);
  Allocators general(Allocators::Kind::islip, 1);
  for (const Size size : kSizes) {
    masked.add(size.rows, size.columns);
    general.add(size.rows, size.columns);
  }
  SplitMix64 random(11);
  for (int round = 0; round < 1000; ++round) {
    const auto which = static_cast<std::uint32_t>(bounded(random.next(), kSizes.size()));
    const Requests requests = random_requests(random, kSizes[which].rows, kSizes[which].columns, 1);
    // Some of them with the other path on both sides: the arbiters' state is one.
    const bool alike = bounded(random.next(), 4) != 0;
    const std::vector<Allocators::Match> one = run(masked, which, requests, alike);
    const std::vector<Allocators::Match> other = run(general, which, requests, false);
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      ASSERT_EQ(one[i].row, other[i].row) << round;
      ASSERT_EQ(one[i].column, other[i].column) << round;
    }
  }
}

TEST(Allocators, MoreIterationsFindWhatOneMisses) {
  // Both columns grant row 0, which takes one of them: the other goes to row 1 in the second iteration.
  const Requests requests = {{{0, 0}, 0}, {{0, 1}, 0}, {{1, 0}, 0}, {{1, 1}, 0}};
  for (const int iterations : {1, 2}) {
    Allocators allocators(Allocators::Kind::islip, iterations);
    allocators.add(2, 2);
    EXPECT_EQ(run(allocators, 0, requests, true).size(), static_cast<std::size_t>(iterations));
  }
}

TEST(Allocators, ArbitersServeInTurn) {
  for (const char* const name : {"islip", "round_robin", "matrix"}) {
    Allocators allocators(Allocators::kind_of(name), 1);
    allocators.add(4, 1);
    std::vector<int> served(4, 0);
    for (int round = 0; round < 12; ++round) {
      const Matches matches = as_set(run(allocators, 0, {{{0, 0}, 0}, {{1, 0}, 0}, {{2, 0}, 0}, {{3, 0}, 0}}, true));
      ASSERT_EQ(matches.size(), 1u);
      ++served[static_cast<std::size_t>(matches.begin()->first)];
    }
    EXPECT_EQ(served, std::vector<int>(4, 3)) << name;
  }
}

TEST(Allocators, MatrixRemembersWhoWasServedLongestAgo) {
  // Round robin only knows who was served last.
  for (const char* const name : {"matrix", "round_robin"}) {
    Allocators allocators(Allocators::kind_of(name), 1);
    allocators.add(4, 1);
    for (const int alone : {1, 0, 3, 2}) run(allocators, 0, {{{alone, 0}, 0}}, true);
    const Matches all = as_set(run(allocators, 0, {{{0, 0}, 0}, {{1, 0}, 0}, {{2, 0}, 0}, {{3, 0}, 0}}, true));
    EXPECT_EQ(all.begin()->first, std::string(name) == "matrix" ? 1 : 3) << name;
  }
}

TEST(Allocators, UrgentRequestsGoFirst) {
  for (const char* const name : {"islip", "round_robin", "matrix"}) {
    Allocators allocators(Allocators::kind_of(name), 1);
    allocators.add(3, 2);
    for (int round = 0; round < 6; ++round) {
      const Requests requests = {{{0, 0}, 5}, {{1, 0}, 5}, {{2, 0}, 4}};
      EXPECT_EQ(as_set(run(allocators, 0, requests, false)), (Matches{{2, 0}})) << name;
    }
    // At a row, too.
    for (int round = 0; round < 4; ++round) {
      EXPECT_EQ(as_set(run(allocators, 0, {{{0, 0}, 1}, {{0, 1}, 0}}, false)), (Matches{{0, 1}})) << name;
    }
  }
}

}  // namespace
}  // namespace cowosim::fabric
