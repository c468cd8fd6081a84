#include "traffic/patterns.h"

#include <algorithm>
#include <stdexcept>

#include "core/random.h"

namespace cowosim::traffic {

namespace {
std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }
}  // namespace

StreamPattern::StreamPattern(const StreamParams& params, std::uint64_t base, StreamId stream)
    : base_(base),
      array_(params.array_bytes()),
      bytes_(static_cast<std::uint32_t>(params.bytes)),
      reads_(params.arrays_read()),
      arrays_touched_(params.arrays()),
      stream_(stream) {
  if (array_ == 0) throw std::invalid_argument("stream: the footprint holds no request");
}

bool StreamPattern::next(Request& request) {
  if (offset_ == array_) return false;
  request = Request{};
  request.address = base_ + unsigned_of(array_index_) * array_ + offset_;
  request.bytes = bytes_;
  request.op = array_index_ < reads_ ? Op::read : Op::write;
  request.stream = stream_;
  if (++array_index_ == arrays_touched_) {
    array_index_ = 0;
    offset_ += bytes_;
  }
  return true;
}

RandomAccessPattern::RandomAccessPattern(const RandomAccessParams& params, std::uint64_t base, StreamId stream,
                                         std::uint64_t seed)
    : base_(base),
      blocks_(unsigned_of(params.footprint / params.bytes)),
      count_(unsigned_of(params.count)),
      read_threshold_(read_threshold(params.read_fraction)),
      address_seed_(mix(seed, 1)),
      op_seed_(mix(seed, 2)),
      time_seed_(mix(seed, 3)),
      rate_(params.rate),
      bytes_(static_cast<std::uint32_t>(params.bytes)),
      stream_(stream) {
  if (blocks_ == 0) throw std::invalid_argument("random_access: the footprint holds no block");
}

std::uint64_t read_threshold(double read_fraction) {
  constexpr double kOne = 9223372036854775808.0;  // 2^63: exact
  return static_cast<std::uint64_t>(std::clamp(read_fraction, 0.0, 1.0) * kOne);
}

bool RandomAccessPattern::next(Request& request) {
  if (index_ == count_) return false;
  request = Request{};
  request.address = base_ + bounded(mix(address_seed_, index_), blocks_) * bytes_;
  request.bytes = bytes_;
  request.op = (mix(op_seed_, index_) >> 1) < read_threshold_ ? Op::read : Op::write;
  request.stream = stream_;
  if (rate_ != 0) {
    // Interval i begins after i requests' worth of bytes; one product, so that no rounding adds up.
    const auto begins = [&](std::uint64_t i) {
      return static_cast<Time>(static_cast<__int128>(i) * bytes_ * kSecond / rate_);
    };
    const Time from = begins(index_);
    request.time = from + static_cast<Time>(bounded(mix(time_seed_, index_),
                                                    unsigned_of(std::max<Time>(begins(index_ + 1) - from, 1))));
  }
  ++index_;
  return true;
}

LoadParams LoadedLatencyParams::load_at(std::int64_t peak) const {
  LoadParams params;
  params.pattern = pattern;
  params.accesses.footprint = load_footprint;
  params.accesses.bytes = load_bytes;
  params.accesses.read_fraction = read_fraction;
  params.accesses.count = std::int64_t{1} << 40;  // more than any run sees
  const double offered = load * static_cast<double>(peak);
  params.accesses.rate = load == 1 ? 0 : std::max<std::int64_t>(static_cast<std::int64_t>(offered), 1);
  return params;
}

LoadPattern::LoadPattern(const LoadParams& params, std::uint64_t base, StreamId stream, std::uint64_t seed)
    : accesses_(params.accesses, base, stream, seed),
      begin_(base),
      end_(base + unsigned_of(params.accesses.footprint / params.accesses.bytes * params.accesses.bytes)),
      at_(base),
      sequential_(params.sequential()) {}

bool LoadPattern::next(Request& request) {
  if (!accesses_.next(request)) return false;
  if (sequential_) {
    request.address = at_;
    at_ += request.bytes;
    if (at_ == end_) at_ = begin_;
  }
  return true;
}

PointerChasePattern::PointerChasePattern(const PointerChaseParams& params, std::uint64_t base, StreamId stream,
                                         std::uint64_t seed)
    : base_(base),
      count_(unsigned_of(params.count)),
      bytes_(static_cast<std::uint32_t>(params.bytes)),
      stream_(stream) {
  const std::uint64_t blocks = unsigned_of(params.footprint / params.bytes);
  if (blocks == 0) throw std::invalid_argument("pointer_chase: the footprint holds no block");
  order_ = work::Permutation(blocks, seed);
}

bool PointerChasePattern::next(Request& request) {
  if (index_ == count_) return false;
  request = Request{};
  request.address = base_ + order_(place_) * bytes_;
  request.bytes = bytes_;
  request.stream = stream_;
  request.id = index_;
  if (index_ != 0) request.depends_on = index_ - 1;
  if (++place_ == order_.size()) place_ = 0;
  ++index_;
  return true;
}

}  // namespace cowosim::traffic
