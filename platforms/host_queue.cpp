#include "platforms/host_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "traffic/operators.h"

namespace cowosim::platforms {

using host::Descriptor;
using host::Error;
using host::Opcode;

namespace {

const char* name_of(Opcode opcode) {
  constexpr const char* names[] = {"", "nop", "copy", "gemm", "load", "fill"};
  return names[static_cast<std::size_t>(opcode)];
}

/// Bytes of a matrix; dimensions are 32 bits, so this fits.
unsigned __int128 matrix_bytes(std::uint64_t rows, std::uint64_t columns, std::uint64_t element_bytes) {
  return static_cast<unsigned __int128>(rows) * columns * element_bytes;
}
std::uint64_t clamp(unsigned __int128 bytes) {
  const std::uint64_t most = ~std::uint64_t{0};
  return bytes > most ? most : static_cast<std::uint64_t>(bytes);
}

traffic::GemmShape gemm_of(const Descriptor& d) {
  traffic::GemmShape shape;
  shape.m = d.m;
  shape.n = d.n;
  shape.k = d.k;
  shape.a = {d.source, d.element_bytes};
  shape.b = {d.second, d.element_bytes};
  shape.c = {d.destination, d.element_bytes};
  return shape;
}

traffic::TransferShape transfer_of(const Descriptor& d) {
  const auto opcode = static_cast<Opcode>(d.opcode);
  traffic::TransferShape shape;
  shape.load = opcode == Opcode::copy || opcode == Opcode::load;
  shape.store = opcode == Opcode::copy || opcode == Opcode::fill;
  shape.source = d.source;
  shape.destination = d.destination;
  shape.bytes = d.bytes;
  return shape;
}

/// Functional bytes go through a buffer of this size; a multiple of a pattern's 8 bytes.
constexpr std::uint64_t kBuffer = 64 * 1024;

}  // namespace

HostQueue::HostQueue(const RegisterParams& params, const AddressMap& map, SparseMemory* memory, work::Program& program,
                     traffic::Dispatcher& dispatcher, std::size_t index)
    : params_(params), map_(map), memory_(memory), program_(program), dispatcher_(dispatcher), index_(index) {
  if (!program.open) throw std::invalid_argument("program " + program.name + " of a host is open");
}

std::uint64_t HostQueue::read(std::uint64_t offset) const {
  switch (offset) {
    case host::ring_base:
      return base_;
    case host::ring_entries:
      return entries_;
    case host::tail:
      return tail_;
    case host::head:
      return head_;
    case host::status:
      return (enabled() ? host::kEnabled : 0) | (active() ? host::kBusy : 0) |
             (error_ != Error::none ? host::kFailed : 0);
    case host::error:
      return static_cast<std::uint64_t>(error_);
    case host::error_descriptor:
      return error_descriptor_;
    case host::errors:
      return errors_;
    case host::kernels_launched:
      return launched_;
    case host::kernels_ended:
      return ended_;
    default:
      return 0;
  }
}

bool HostQueue::write(std::uint64_t offset, std::uint64_t value, Time t) {
  settle(t);
  switch (offset) {
    case host::ring_base:
      if (value % host::kDescriptorBytes != 0) {
        return refuse(Error::ring_base, tail_,
                      fmt::format("ring_base: 0x{:x} is no multiple of {}", value, host::kDescriptorBytes));
      }
      return set_ring(base_, value);
    case host::ring_entries:
      if (value == 0 || value > static_cast<std::uint64_t>(params_.ring_entries)) {
        return refuse(Error::ring_entries, tail_,
                      fmt::format("ring_entries: {} is out of range; expected 1 to {} (registers.ring_entries)", value,
                                  params_.ring_entries));
      }
      return set_ring(entries_, value);
    case host::tail:
      return doorbell(value, t);
    case host::error:
      error_ = Error::none;
      error_descriptor_ = 0;
      return true;
    default:
      reason_ = fmt::format("register 0x{:x} is read-only", offset);
      return false;
  }
}

bool HostQueue::refuse(Error error, std::uint64_t what, std::string reason) {
  ++errors_;
  if (error_ == Error::none) {
    error_ = error;
    error_descriptor_ = what;
  }
  reason_ = std::move(reason);
  return false;
}

/// A new ring counts from zero.
bool HostQueue::set_ring(std::uint64_t& member, std::uint64_t value) {
  if (active()) {
    return refuse(Error::ring_busy, tail_,
                  fmt::format("the ring is in use: {} of {} descriptors are finished", head_, tail_));
  }
  member = value;
  head_ = tail_ = 0;
  return true;
}

std::string HostQueue::outside(std::uint64_t address, std::uint64_t bytes) const {
  if (bytes - 1 > ~address) return fmt::format("{} bytes at 0x{:x} end beyond 2^64", bytes, address);
  // Regions of memory that touch are one piece here.
  while (bytes > 0) {
    const AddressRegion* region = map_.find(address);
    if (region == nullptr) return map_.describe_hole(address);
    if (region->kind != AddressRegion::Kind::memory)
      return fmt::format("0x{:x} lies in {}, which is no memory", address, region->name);
    const std::uint64_t piece = std::min(bytes - 1, region->last() - address) + 1;
    address += piece;
    bytes -= piece;
  }
  return "";
}

bool HostQueue::doorbell(std::uint64_t tail, Time t) {
  settle(t);
  if (!enabled()) {
    return refuse(Error::no_data, tail,
                  "doorbell: descriptors are read from memory, and memory.data is none; set it to sparse");
  }
  if (entries_ == 0) return refuse(Error::ring_entries, tail, "doorbell: there is no ring; write ring_entries first");
  if (tail < tail_)
    return refuse(Error::tail_backwards, tail, fmt::format("doorbell: tail goes back from {} to {}", tail_, tail));
  if (tail - head_ > entries_) {
    return refuse(Error::tail_overflow, tail,
                  fmt::format("doorbell: tail {} is more than {} entries ahead of head {}", tail, entries_, head_));
  }
  if (const std::string hole = outside(base_, entries_ * host::kDescriptorBytes); !hole.empty())
    return refuse(Error::ring_address, tail, "doorbell: the ring does not lie in memory: " + hole);

  for (; tail_ != tail; ++tail_) {
    std::array<unsigned char, host::kDescriptorBytes> bytes{};
    memory_->read(base_ + tail_ % entries_ * host::kDescriptorBytes, bytes.data(), bytes.size());
    const Descriptor descriptor = host::unpack(bytes.data());
    std::string words;
    const Error problem = problem_of(descriptor, words);
    if (problem != Error::none) {
      refuse(problem, tail_, fmt::format("descriptor {}: {}", tail_, words));
      pending_.push_back({kSkipped, descriptor});
      continue;
    }
    launch(descriptor, t);
  }
  settle(t);  // skipped ones that nothing is in front of
  return true;
}

Error HostQueue::problem_of(const Descriptor& d, std::string& words) const {
  const auto bad = [&](Error error, std::string what) {
    words = std::move(what);
    return error;
  };
  const auto opcode = static_cast<Opcode>(d.opcode);
  if (opcode < Opcode::nop || opcode > Opcode::fill)
    return bad(Error::opcode, fmt::format("opcode {} does not exist; there are 1 to 5", d.opcode));
  if ((d.flags & ~host::kNotify) != 0)
    return bad(Error::opcode, fmt::format("flags 0x{:x}: only bit 0 (notify) exists", d.flags));

  if (opcode == Opcode::gemm) {
    const Error error = problem_of_gemm(d, words);
    if (error != Error::none) return error;
  } else if (opcode != Opcode::nop) {
    if (d.bytes == 0) return bad(Error::length, "a transfer of 0 bytes");
    const traffic::TransferShape shape = transfer_of(d);
    if (shape.load) {
      if (const std::string hole = outside(d.source, d.bytes); !hole.empty())
        return bad(Error::source, "source: " + hole);
    }
    if (shape.store) {
      if (const std::string hole = outside(d.destination, d.bytes); !hole.empty())
        return bad(Error::destination, "destination: " + hole);
    }
    if (opcode == Opcode::copy && d.source < d.destination + d.bytes && d.destination < d.source + d.bytes)
      return bad(Error::overlap,
                 fmt::format("{} bytes from 0x{:x} to 0x{:x} overlap", d.bytes, d.source, d.destination));
  }
  if ((d.flags & host::kNotify) != 0) {
    if (d.completion_address % 8 != 0)
      return bad(Error::completion, fmt::format("completion address 0x{:x} is no multiple of 8", d.completion_address));
    if (const std::string hole = outside(d.completion_address, 8); !hole.empty())
      return bad(Error::completion, "completion address: " + hole);
  }
  return Error::none;
}

Error HostQueue::problem_of_gemm(const Descriptor& d, std::string& words) const {
  if (d.m == 0 || d.n == 0 || d.k == 0) {
    words = fmt::format("a GEMM of {} x {} x {} elements", d.m, d.n, d.k);
    return Error::dimensions;
  }
  if (d.element_bytes != 1 && d.element_bytes != 2 && d.element_bytes != 4) {
    words = fmt::format("{} bytes per element; there are 1, 2 and 4", d.element_bytes);
    return Error::element_bytes;
  }
  constexpr std::uint64_t kMost = ~std::uint64_t{0} >> 2;  // of m n k
  if (static_cast<std::uint64_t>(d.m) * d.n > kMost / d.k) {
    words = fmt::format("a GEMM of {} x {} x {} has too many FLOP to count", d.m, d.n, d.k);
    return Error::dimensions;
  }
  const struct {
    Error error;
    const char* name;
    std::uint64_t address;
    unsigned __int128 bytes;
  } operands[] = {{Error::source, "A", d.source, matrix_bytes(d.m, d.k, d.element_bytes)},
                  {Error::second, "B", d.second, matrix_bytes(d.n, d.k, d.element_bytes)},
                  {Error::destination, "C", d.destination, matrix_bytes(d.m, d.n, d.element_bytes)}};
  for (const auto& operand : operands) {
    if (const std::string hole = outside(operand.address, clamp(operand.bytes)); !hole.empty()) {
      words = fmt::format("{}: {}", operand.name, hole);
      return operand.error;
    }
  }
  return Error::none;
}

void HostQueue::launch(const Descriptor& descriptor, Time t) {
  const auto opcode = static_cast<Opcode>(descriptor.opcode);
  std::string name = fmt::format("{}_{}", name_of(opcode), launched_);
  const std::size_t op = program_.operators.size();
  if (opcode == Opcode::gemm) {
    program_.operators.push_back(std::make_unique<traffic::Gemm>(std::move(name), gemm_of(descriptor)));
  } else {
    program_.operators.push_back(std::make_unique<traffic::Transfer>(std::move(name), transfer_of(descriptor)));
  }
  dispatcher_.appended(index_, t + params_.fetch_latency);
  pending_.push_back({op, descriptor});
  ++launched_;
}

void HostQueue::settle(Time t) {
  while (!pending_.empty()) {
    const Pending& first = pending_.front();
    if (first.op != kSkipped) {
      if (dispatcher_.operators(index_)[first.op].end > t) return;
      complete(first.descriptor);
      ++ended_;
    }
    ++head_;
    pending_.pop_front();
  }
}

void HostQueue::complete(const Descriptor& d) {
  const auto opcode = static_cast<Opcode>(d.opcode);
  if (opcode == Opcode::copy || opcode == Opcode::fill) {
    std::vector<unsigned char> buffer(std::min(d.bytes, kBuffer));
    for (std::uint64_t i = 0; opcode == Opcode::fill && i < buffer.size(); ++i)
      buffer[i] = static_cast<unsigned char>(d.second >> (8 * (i % 8)));
    for (std::uint64_t done = 0; done < d.bytes; done += buffer.size()) {
      const std::uint64_t piece = std::min<std::uint64_t>(d.bytes - done, buffer.size());
      if (opcode == Opcode::copy) memory_->read(d.source + done, buffer.data(), piece);
      memory_->write(d.destination + done, buffer.data(), piece);
    }
  }
  if ((d.flags & host::kNotify) == 0) return;
  std::array<unsigned char, 8> value{};
  host::store_little_endian(d.completion_value, value.data(), 8);
  memory_->write(d.completion_address, value.data(), value.size());
}

}  // namespace cowosim::platforms
