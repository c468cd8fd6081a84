// Where a source's requests come from: a trace or a pattern.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::traffic {

/// No time given: as soon as the source may issue.
inline constexpr Time kAsSoonAsPossible = -1;
/// No id given, or no dependency.
inline constexpr std::uint64_t kNoId = ~std::uint64_t{0};

/// What a program asks of memory. One request becomes one transaction or, across interleave granules, several.
struct Request {
  Time time = kAsSoonAsPossible;  ///< not before; never less than the request's before it that has one
  std::uint64_t address = 0;      ///< of the first byte, any alignment
  std::uint32_t bytes = 0;        ///< > 0
  Op op = Op::read;               ///< read or write
  StreamId stream = 0;
  std::uint64_t id = kNoId;          ///< its name for requests that depend on it; unique
  std::uint64_t depends_on = kNoId;  ///< id of an earlier request whose response it waits for
  Time think = 0;                    ///< then this long; 0..kMaxThink
};

/// Longest think time behind a dependency: how long a source remembers that a request has been answered.
inline constexpr Time kMaxThink = kMillisecond;

/// A finite sequence of requests, in the order in which they are issued.
class RequestStream {
 public:
  virtual ~RequestStream() = default;
  /// The next request; false at the end. A trace throws ConfigError where it is malformed.
  virtual bool next(Request& request) = 0;
  /// Whether any request may depend on another: only then a source remembers ids.
  virtual bool has_dependencies() const { return false; }
};

/// Requests that somebody has at hand, all on one stream.
class RequestList final : public RequestStream {
 public:
  RequestList(std::shared_ptr<const std::vector<Request>> requests, StreamId stream)
      : requests_(std::move(requests)), stream_(stream) {}
  bool next(Request& request) override {
    if (next_ == requests_->size()) return false;
    request = (*requests_)[next_++];
    request.stream = stream_;
    return true;
  }
  bool has_dependencies() const override {
    return std::any_of(requests_->begin(), requests_->end(), [](const Request& r) { return r.depends_on != kNoId; });
  }

 private:
  std::shared_ptr<const std::vector<Request>> requests_;
  StreamId stream_;
  std::size_t next_ = 0;
};

}  // namespace cowosim::traffic
