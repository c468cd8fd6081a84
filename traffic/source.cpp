#include "traffic/source.h"

#include <algorithm>
#include <stdexcept>

namespace cowosim::traffic {

Source::Source(const SourceParams& params, std::unique_ptr<RequestStream> stream, std::int64_t credits)
    : params_(params),
      stream_(std::move(stream)),
      bounded_credits_(credits >= 0),
      initial_credits_(credits >= 0 ? credits : kUnboundedCredits),
      credits_(1, initial_credits_),
      free_requests_(params.max_outstanding) {
  for (auto& stream_statistics : streams_) stream_statistics = std::make_unique<telemetry::StreamStatistics>();
  if (params.granule < kAtomBytes || (params.granule & (params.granule - 1)) != 0) {
    throw std::invalid_argument("a source's granule is a power of two, at least one atom");
  }
}

void Source::start() {
  pool_ = &own_pool();
  wire_ = latency(0);
  tracks_ids_ = stream_->has_dependencies();
  fetch();
  update(0);
}

void Source::fetch() {
  if (!stream_->next(head_)) {
    exhausted_ = true;
    return;
  }
  head_started_ = false;
  look_at(head_.address & ~std::uint64_t{kAtomBytes - 1});
  end_ = (head_.address + head_.bytes + kAtomBytes - 1) & ~std::uint64_t{kAtomBytes - 1};
}

inline void Source::update(Time now) {
  due_ = kNever;
  if (exhausted_ || credits_[door_] == 0) return;
  Time earliest = std::max(now, next_issue_);
  if (!head_started_) {
    if (head_.depends_on != kNoId) {
      const Time answered = ids_.answered(head_.depends_on);
      if (answered == kNever) return;
      head_ready_ = answered + head_.think;
      earliest = std::max(earliest, head_ready_);
    }
    if (params_.max_outstanding != 0 && free_requests_ == 0) {
      if (thinking_.empty()) return;
      earliest = std::max(earliest, thinking_.front());
    }
    earliest = std::max(earliest, head_.time);
  }
  due_ = earliest;
}

bool Source::leaders_finished() const {
  return std::all_of(leaders_.begin(), leaders_.end(), [](const Source* leader) { return leader->finished(); });
}

std::uint32_t Source::take_slot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

std::uint32_t Source::slot_of_head(bool named) {
  const std::uint64_t granule = static_cast<std::uint64_t>(params_.granule);
  const std::uint32_t index = take_slot();
  Slot& slot = slots_[index];
  slot.id = named ? head_.id : kNoId;
  slot.pieces = static_cast<std::uint32_t>((end_ - 1) / granule - at_ / granule + 1);
  if (named) ids_.insert(head_.id);
  return index;
}

inline void Source::issue_piece(Time now) {
  const std::uint64_t granule = static_cast<std::uint64_t>(params_.granule);
  const std::uint64_t piece_end = std::min((at_ | (granule - 1)) + 1, end_);
  if (!head_started_) {
    head_started_ = true;
    ++requests_;
    if (params_.max_outstanding != 0) {
      for (; !thinking_.empty() && thinking_.front() <= now; thinking_.pop_front()) ++free_requests_;
      --free_requests_;
    }
    if (head_.time == kAsSoonAsPossible) {
      head_created_ = now;
    } else if (head_.depends_on == kNoId) {
      head_created_ = head_.time;
    } else {
      head_created_ = std::max({head_.time, head_ready_, head_since_});
    }
    const bool named = tracks_ids_ && head_.id != kNoId;
    head_slot_ = named || piece_end != end_ ? slot_of_head(named) : kNoSlot;
  }
  const auto [handle, piece] = pool_->fresh();
  piece.address = piece.fetch_address = at_;
  piece.bytes = piece.fetch_bytes = static_cast<std::uint32_t>(piece_end - at_);
  piece.op = head_.op;
  piece.stream = head_.stream;
  piece.tag = head_slot_;
  piece.created = head_created_;
  piece.stages.start(Stage::issue, head_created_);
  bytes_issued_ += piece.bytes;
  if (router_ != nullptr) {
    piece.source = terminal_;
    piece.destination = piece.via = router_->destination(at_);
  }
  const std::uint32_t door = door_;
  --credits_[door];
  next_issue_ = now + params_.issue_interval;
  if (piece_end == end_) {
    fetch();
    head_since_ = now;
  } else {
    look_at(piece_end);
  }
  due_ = kNever;  // until the message has left: what it causes at once is received before the next one is considered
  send(static_cast<int>(door), engine::Phase::request, handle, now + wire_);
  update(now);
}

void Source::advance(Time until) {
  while (due_ < until) {
    if (!leaders_.empty() && !head_started_ && leaders_finished()) {
      exhausted_ = true;
      due_ = kNever;
      return;
    }
    issue_piece(due_);
  }
}

inline void Source::respond(Transaction& answered, Time now) {
  streams_[answered.stream]->record(answered, now);
  const std::uint32_t index = answered.tag;
  if (index == kNoSlot || answer_slot(index, now)) answer_request(now);
}

bool Source::answer_slot(std::uint32_t index, Time now) {
  Slot& slot = slots_[index];
  if (--slot.pieces != 0) return false;
  if (slot.id != kNoId) {
    ids_.forget(now);
    ids_.answer(slot.id, now);
  }
  free_slots_.push_back(index);
  return true;
}

void Source::answer_request(Time now) {
  ++requests_answered_;
  if (params_.max_outstanding == 0) return;
  if (params_.think_time == 0) {
    ++free_requests_;
  } else {
    thinking_.push_back(now + params_.think_time);
  }
}

inline void Source::retire(Handle handle, const Transaction& retired, Time now) {
  journal().add(retired, now);
  bytes_retired_ += retired.bytes;
  pool_->release(handle);
}

void Source::receive(const engine::Message& message) {
  switch (message.phase) {
    case engine::Phase::credit:
      credits_[message.port] += message.count;
      break;
    case engine::Phase::response:
    case engine::Phase::retire: {
      Transaction& piece = pool_->at(message.transaction);
      if ((piece.tag & kAnswered) == 0) respond(piece, message.time);
      if (message.phase == engine::Phase::retire || piece.op == Op::read) {
        retire(message.transaction, piece, message.time);
      } else {
        piece.tag |= kAnswered;
      }
      break;
    }
    case engine::Phase::request:
      throw std::logic_error(name() + ": a source received a request");
  }
  if (due_ == kNever && credits_[door_] != 0) update(message.time);
}

void Source::report_waits(std::vector<engine::Wait>& waits) const {
  if (live() != 0) waits.push_back({name(), "the memory system", std::to_string(live()) + " transactions not retired"});
  if (exhausted_ || due_ != kNever) return;
  if (credits_[door_] == 0) {
    waits.push_back({name(), "its receiver", "no credit: the receiver's door is full"});
  } else if (head_.depends_on != kNoId && ids_.answered(head_.depends_on) == kNever) {
    waits.push_back({name(), "request " + std::to_string(head_.depends_on), "the next request depends on it"});
  } else {
    waits.push_back(
        {name(), "a response", "all " + std::to_string(params_.max_outstanding) + " outstanding requests are in use"});
  }
}

void Source::statistics(StatVisitor& visitor) const {
  visitor("requests", "count", static_cast<double>(requests_));
  visitor("requests_answered", "count", static_cast<double>(requests_answered_));
  visitor("transactions_issued", "count", static_cast<double>(pool_ == nullptr ? 0 : pool_->created()));
  visitor("transactions_retired", "count", static_cast<double>(journal().count()));
  visitor("bytes_issued", "B", static_cast<double>(bytes_issued_));
  visitor("bytes_retired", "B", static_cast<double>(bytes_retired_));
}

void Source::check_idle(std::vector<std::string>& broken) const {
  const auto differ = [&](const char* what, std::uint64_t is, std::uint64_t should) {
    if (is != should)
      broken.push_back(name() + ": " + what + ": " + std::to_string(is) + " instead of " + std::to_string(should));
  };
  if (!exhausted_) broken.push_back(name() + ": not all requests were issued");
  differ("transactions retired", journal().count(), pool_ == nullptr ? 0 : pool_->created());
  differ("bytes retired", bytes_retired_, bytes_issued_);
  differ("requests answered", requests_answered_, requests_);
  differ("transactions in the pool", live(), 0);
  differ("request slots in use", slots_.size() - free_slots_.size(), 0);
  for (const std::int64_t credits : credits_) {
    if (bounded_credits_)
      differ("credits", static_cast<std::uint64_t>(credits), static_cast<std::uint64_t>(initial_credits_));
  }
}

}  // namespace cowosim::traffic
