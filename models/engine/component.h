// The unit that advances, its inbox, and the connections between units.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "engine/heart.h"

namespace cowosim::engine {

class Component;

/// One direction between two components. Within a window it has one writer, the sending component; the engine moves what was
/// written to the receiver's inbox when the window is over. Nothing reaches a window that has begun: arrival >= its end.
class Connection {
 public:
  /// `name` is the receiving port's hierarchical name; `lookahead` > 0 is the least time from sending to arrival.
  Connection(std::string name, Component& from, Component& to, int to_port, Time lookahead);

  /// Called by the sender's thread only. Throws std::logic_error when the arrival would lie in a window that has begun.
  void append(Phase phase, Handle transaction, Time arrival, std::uint16_t count);

  const std::string& name() const { return name_; }
  Time lookahead() const { return lookahead_; }
  const Component& from() const { return from_; }
  const Component& to() const { return to_; }

 private:
  friend class Engine;
  std::string name_;
  Component& from_;
  Component& to_;
  Time lookahead_;
  std::vector<Message> outbox_;
  std::uint32_t rank_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint16_t to_port_;
};

/// A heart in the engine's care.
class Component {
 public:
  Component(std::string name, Heart& heart) : name_(std::move(name)), heart_(heart) {}

  const std::string& name() const { return name_; }
  Heart& heart() { return heart_; }
  const Heart& heart() const { return heart_; }

  /// Handles everything before `until`: arrivals in order of (time, rank, sequence), own work between them.
  void run(Time until);

 private:
  friend class Connection;
  friend class Engine;
  friend class Gate;
  void deliver(const std::vector<Message>& messages);

  std::string name_;
  Heart& heart_;
  std::uint32_t index_ = 0;
  std::vector<Message> inbox_;        // unordered; taken out and sorted when their window comes
  std::vector<Message> batch_;        // the window's arrivals, in order
  std::vector<Connection*> written_;  // own outboxes that are not empty
  Time earliest_arrival_ = kNever;    // in inbox_
  Time window_end_ = 0;               // no message of this component may arrive before it
};

}  // namespace cowosim::engine
