#include "fabric/flit/allocator.h"

#include <utility>

namespace cowosim::fabric {

namespace {
/// Steps from `next` to `who`, around `count`.
std::uint32_t distance(std::uint32_t who, std::uint32_t next, std::uint32_t count) {
  return who >= next ? who - next : who + count - next;
}
constexpr unsigned kUrgencyShift = 48;  // above every distance and stamp
}  // namespace

std::uint32_t Allocators::add(int rows, int columns) {
  Place at{};
  at.masks = kind_ == Kind::islip && iterations_ == 1 && rows <= 64 && columns <= 64;
  at.rows = static_cast<std::uint32_t>(rows);
  at.columns = static_cast<std::uint32_t>(columns);
  at.first_row = static_cast<std::uint32_t>(row_next_.size());
  at.first_column = static_cast<std::uint32_t>(column_next_.size());
  row_next_.resize(row_next_.size() + at.rows);
  column_next_.resize(column_next_.size() + at.columns);
  if (kind_ == Kind::matrix) {
    at.first_stamp = row_stamps_.size();
    row_stamps_.resize(row_stamps_.size() + std::size_t{at.rows} * at.columns);
    column_stamps_.resize(row_stamps_.size());
  }
  row_best_.resize(std::max(row_best_.size(), std::size_t{at.rows}));
  column_best_.resize(std::max(column_best_.size(), std::size_t{at.columns}));
  row_taken_.resize(row_best_.size());
  column_taken_.resize(column_best_.size());
  places_.push_back(at);
  return static_cast<std::uint32_t>(places_.size() - 1);
}

inline Allocators::Key Allocators::row_key(const Place& at, const Request& r) const {
  const Key urgency = Key{r.urgency} << kUrgencyShift;
  if (kind_ != Kind::matrix) return urgency | distance(r.column, row_next_[at.first_row + r.row], at.columns);
  const std::uint64_t stamp = row_stamps_[at.first_stamp + std::size_t{r.row} * at.columns + r.column];
  return urgency | (stamp == 0 ? at.columns - 1u - r.column : at.columns + stamp);
}

inline Allocators::Key Allocators::column_key(const Place& at, const Request& r) const {
  const Key urgency = Key{r.urgency} << kUrgencyShift;
  if (kind_ != Kind::matrix) return urgency | distance(r.row, column_next_[at.first_column + r.column], at.rows);
  const std::uint64_t stamp = column_stamps_[at.first_stamp + std::size_t{r.column} * at.rows + r.row];
  return urgency | (stamp == 0 ? at.rows - 1u - r.row : at.rows + stamp);
}

inline void Allocators::served(const Place& at, Match m) {
  if (kind_ == Kind::matrix) {
    ++services_;
    row_stamps_[at.first_stamp + std::size_t{m.row} * at.columns + m.column] = services_;
    column_stamps_[at.first_stamp + std::size_t{m.column} * at.rows + m.row] = services_;
  } else {
    row_next_[at.first_row + m.row] = static_cast<std::uint16_t>(m.column + 1u == at.columns ? 0 : m.column + 1);
    column_next_[at.first_column + m.column] = static_cast<std::uint16_t>(m.row + 1u == at.rows ? 0 : m.row + 1);
  }
}

const std::vector<Allocators::Match>& Allocators::allocate() {
  matches_.clear();
  if (masked_) {
    columns_first_masked(*at_);
  } else if (kind_ == Kind::islip) {
    columns_first(*at_);
  } else {
    rows_first(*at_);
  }
  return matches_;
}

/// columns_first with one iteration, by bit masks.
void Allocators::columns_first_masked(const Place& at) {
  const auto next_of = [](std::uint64_t mask, unsigned next) {
    const std::uint64_t behind = mask >> next << next;
    return static_cast<unsigned>(__builtin_ctzll(behind != 0 ? behind : mask));
  };
  if (columns_ != 0) {  // nobody competes
    const unsigned column = next_of(columns_, row_next_[at.first_row + first_]);
    matches_.push_back({static_cast<std::uint16_t>(first_), static_cast<std::uint16_t>(column)});
    served(at, matches_.back());
    return;
  }
  std::uint64_t granted = 0;  // rows
  for (; contested_ != 0; contested_ &= contested_ - 1) {
    const auto column = static_cast<unsigned>(__builtin_ctzll(contested_));
    const unsigned row = next_of(std::exchange(column_mask_[column], 0), column_next_[at.first_column + column]);
    row_mask_[row] |= std::uint64_t{1} << column;
    granted |= std::uint64_t{1} << row;
  }
  for (; granted != 0; granted &= granted - 1) {
    const auto row = static_cast<unsigned>(__builtin_ctzll(granted));
    const unsigned column = next_of(std::exchange(row_mask_[row], 0), row_next_[at.first_row + row]);
    const Match match{static_cast<std::uint16_t>(row), static_cast<std::uint16_t>(column)};
    matches_.push_back(match);
    served(at, match);
  }
}

void Allocators::columns_first(const Place& at) {
  const Request* const begin = requests_.data();
  const Request* const end = begin + requests_.size();
  const auto open = [&](const Request& r) { return row_taken_[r.row] == 0 && column_taken_[r.column] == 0; };
  for (int iteration = 0; iteration < iterations_; ++iteration) {
    for (const Request* r = begin; r != end; ++r) {
      if (!open(*r)) continue;
      Best& best = column_best_[r->column];
      const Key key = column_key(at, *r);
      if (key < best.key) best = {key, r->row};
    }
    for (const Request* r = begin; r != end; ++r) {
      if (!open(*r) || column_best_[r->column].who != r->row) continue;
      Best& best = row_best_[r->row];
      const Key key = row_key(at, *r);
      if (key < best.key) best = {key, r->column};
    }
    const std::size_t before = matches_.size();
    for (const Request* r = begin; r != end; ++r) {
      column_best_[r->column].key = kNobody;
      Best& best = row_best_[r->row];
      if (best.key == kNobody) continue;
      matches_.push_back({r->row, best.who});
      best.key = kNobody;
    }
    for (std::size_t i = before; i < matches_.size(); ++i) {
      row_taken_[matches_[i].row] = 1;
      column_taken_[matches_[i].column] = 1;
      if (iteration == 0) served(at, matches_[i]);
    }
    if (matches_.size() == before) break;
  }
  for (const Match& m : matches_) row_taken_[m.row] = column_taken_[m.column] = 0;
}

void Allocators::rows_first(const Place& at) {
  const Request* const begin = requests_.data();
  const Request* const end = begin + requests_.size();
  for (const Request* r = begin; r != end; ++r) {
    Best& best = row_best_[r->row];
    const Key key = row_key(at, *r);
    if (key < best.key) best = {key, r->column};
  }
  for (const Request* r = begin; r != end; ++r) {
    if (row_best_[r->row].who != r->column) continue;
    Best& best = column_best_[r->column];
    const Key key = column_key(at, *r);
    if (key < best.key) best = {key, r->row};
  }
  for (const Request* r = begin; r != end; ++r) {
    row_best_[r->row].key = kNobody;
    Best& best = column_best_[r->column];
    if (best.key == kNobody) continue;
    matches_.push_back({best.who, r->column});
    best.key = kNobody;
  }
  for (const Match& m : matches_) served(at, m);
}

}  // namespace cowosim::fabric
