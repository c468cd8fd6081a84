#include "traffic/id_table.h"

#include <utility>

namespace cowosim::traffic {

void IdTable::erase(std::uint64_t id) {
  std::size_t hole = home(id);
  while (entries_[hole].id != id) {
    if (entries_[hole].id == kNoId) return;
    hole = after(hole);
  }
  // Close the hole: whoever sits behind it and could not sit nearer to its home moves up (Knuth, vol. 3, 6.4, algorithm R).
  for (std::size_t i = after(hole); entries_[i].id != kNoId; i = after(i)) {
    const std::size_t distance_from_home = (i - home(entries_[i].id)) & (entries_.size() - 1);
    const std::size_t distance_from_hole = (i - hole) & (entries_.size() - 1);
    if (distance_from_home >= distance_from_hole) {
      entries_[hole] = entries_[i];
      hole = i;
    }
  }
  entries_[hole] = Entry{};
  --size_;
}

void IdTable::grow() {
  std::vector<Entry> old(2 * entries_.size());
  std::swap(old, entries_);
  for (const Entry& entry : old) {
    if (entry.id != kNoId) place(entry);
  }
}

}  // namespace cowosim::traffic
