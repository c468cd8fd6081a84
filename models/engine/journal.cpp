#include "engine/journal.h"

#include <numeric>

namespace cowosim::engine {

std::uint64_t Journal::hash() const { return std::accumulate(hashes_.begin(), hashes_.end(), std::uint64_t{0}); }

std::uint64_t Journal::count() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

void Journal::select_epoch(Time t) {
  index_ = static_cast<std::size_t>(t / epoch_);
  epoch_begin_ = static_cast<Time>(index_) * epoch_;
  epoch_end_ = epoch_begin_ + epoch_;
  if (hashes_.size() <= index_) {
    hashes_.resize(index_ + 1, 0);
    counts_.resize(index_ + 1, 0);
  }
}

void Journal::keep(const Transaction& transaction, Time t) {
  events_.push_back({t, transaction.identity, transaction.number, transaction.address, transaction.bytes,
                     transaction.op, transaction.stream});
}

}  // namespace cowosim::engine
