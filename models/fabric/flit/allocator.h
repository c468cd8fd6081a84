// Who gets what: matches rows (inputs) with columns (outputs), one each, fairly over time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace cowosim::fabric {

/// Allocators of one kind, one a router; rows and columns of all of them stand behind each other. The choice at every row and
/// column is an arbiter's: the most urgent request, among equals the next after the one served last (round robin), or the one
/// served longest ago (matrix; at first the last one goes first).
class Allocators {
 public:
  enum class Kind : std::uint8_t {
    islip,  ///< columns choose a row, rows choose among their columns; arbiters step on only over what was taken in the first iteration
    round_robin,  ///< rows choose a column, columns choose among those rows; arbiters step on over what was taken
    matrix        ///< likewise, with matrix arbiters
  };
  /// Of a name in RouterParams::allocators().
  static Kind kind_of(const std::string& name) {
    return name == "islip" ? Kind::islip : name == "matrix" ? Kind::matrix : Kind::round_robin;
  }

  struct Match {
    std::uint16_t row;
    std::uint16_t column;
  };

  Allocators(Kind kind, int iterations) : kind_(kind), iterations_(kind == Kind::islip ? iterations : 1) {}

  /// One more allocator; returns its number.
  std::uint32_t add(int rows, int columns);

  /// An allocation: begin, requests (the same one may come twice), allocate if there are any(). `alike`: all are equally urgent.
  void begin(std::uint32_t allocator, bool alike) {
    at_ = &places_[allocator];
    masked_ = alike && at_->masks;
    columns_ = 0;
    contested_ = 0;
    rows_ = 0;
    requests_.clear();
  }
  /// `row` asks for the columns first_column + i of all bits i of `columns` (not 0). Lower `urgency` goes first.
  void request(std::uint32_t row, std::uint32_t first_column, std::uint32_t columns, std::uint16_t urgency) {
    if (!masked_) {
      for (; columns != 0; columns &= columns - 1) {
        const std::uint32_t column = first_column + static_cast<std::uint32_t>(__builtin_ctz(columns));
        requests_.push_back({static_cast<std::uint16_t>(row), static_cast<std::uint16_t>(column), urgency});
      }
      return;
    }
    // Mostly nobody competes: the first one's request stays aside until somebody does.
    if (rows_ != 0 && columns_ != 0) place(std::exchange(columns_, 0), first_);
    const std::uint64_t asked = std::uint64_t{columns} << first_column;
    if (rows_ == 0) {
      first_ = row;
      columns_ = asked;
    } else {
      place(asked, row);
    }
    rows_ |= std::uint64_t{1} << row;
  }
  bool any() const { return rows_ != 0 || !requests_.empty(); }
  /// The matches, valid until the next call.
  const std::vector<Match>& allocate();

 private:
  struct Request {
    std::uint16_t row;
    std::uint16_t column;
    std::uint16_t urgency;
  };
  struct Place {
    bool masks;                             // islip in one iteration, at most 64 rows and columns: all in bit masks
    std::uint32_t rows, columns;            // how many
    std::uint32_t first_row, first_column;  // into row_next_, column_next_
    std::size_t first_stamp;                // into row_stamps_, column_stamps_
  };
  using Key = std::uint64_t;  // the lowest one is chosen
  static constexpr Key kNobody = std::numeric_limits<Key>::max();
  struct Best {
    Key key = kNobody;
    std::uint16_t who = 0;
  };

  Key row_key(const Place& at, const Request& r) const;
  Key column_key(const Place& at, const Request& r) const;
  void served(const Place& at, Match m);
  void place(std::uint64_t columns, std::uint32_t row) {
    contested_ |= columns;
    for (; columns != 0; columns &= columns - 1)
      column_mask_[static_cast<unsigned>(__builtin_ctzll(columns))] |= std::uint64_t{1} << row;
  }
  void columns_first_masked(const Place& at);
  void columns_first(const Place& at);
  void rows_first(const Place& at);

  Kind kind_;
  int iterations_;
  std::vector<Place> places_;
  std::vector<std::uint16_t> row_next_, column_next_;      // round robin: whom each arbiter prefers
  std::vector<std::uint64_t> row_stamps_, column_stamps_;  // matrix: when each candidate was served last, by arbiter
  std::uint64_t services_ = 0;

  // Of the allocation that has begun.
  const Place* at_ = nullptr;
  bool masked_ = false;
  std::uint64_t rows_ = 0;       // that ask
  std::uint32_t first_ = 0;      // the first of them
  std::uint64_t columns_ = 0;    // that it asks for, while it is alone
  std::uint64_t contested_ = 0;  // that are in column_mask_
  std::vector<Request> requests_;
  std::vector<Best> row_best_, column_best_;
  std::vector<std::uint8_t> row_taken_, column_taken_;
  std::array<std::uint64_t, 64> column_mask_{},
      row_mask_{};  // scratch: rows that ask for a column, columns granted to a row
  std::vector<Match> matches_;
};

}  // namespace cowosim::fabric
