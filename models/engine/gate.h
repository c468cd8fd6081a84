// Where a component meets what is not in the engine's care: a foreign model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/component.h"

namespace cowosim::engine {

/// What stands outside of a gate. Called between windows, in the thread that drives the engine, never by a component's. What
/// a gate's messages carry as Message::transaction is between the heart inside and the outside: the engine only passes it on.
class Outside {
 public:
  virtual ~Outside() = default;
  /// A message of the heart's; it is here at message.time. Of one gate in the order of sending.
  virtual void leave(const Message& message) = 0;
  /// A message that has been entered will be received in the window that is about to begin: the instant at which it takes
  /// effect on what lies outside of hearts (the bytes of memory). Over all gates in the order of (time, rank, sequence), whatever
  /// order they were entered in. True: hearts were changed, their next events may be due at other times.
  virtual bool effect(const Message& message) {
    static_cast<void>(message);
    return false;
  }
  /// Whether anything is under way in there: it will, or should, come back.
  virtual bool under_way() const { return false; }
  /// Since when the model out there owes its next step; kNever: it owes none. One that has gone silent among busy ones is found by it.
  virtual Time owes_since() const { return kNever; }
  /// For the report of a run that is stuck: who waits here for whom.
  virtual void report_waits(std::vector<Wait>&) const {}
};

/// A port's way out and in. Outward it is an outlet like any other; inward see Engine::enter. A crossing takes `latency` in each
/// direction; it is at least the window, so that what the outside does while a window runs cannot reach that window.
class Gate final : public Outlet {
 public:
  void send(Phase phase, Handle transaction, Time arrival, std::uint16_t count) override;
  Time latency() const override { return latency_; }
  const std::string& name() const { return name_; }

 private:
  friend class Engine;
  Gate(std::string name, Component& inside, int port, Time latency, Outside& outside)
      : name_(std::move(name)),
        inside_(inside),
        outside_(outside),
        latency_(latency),
        port_(static_cast<std::uint16_t>(port)) {}

  std::string name_;
  Component& inside_;
  Outside& outside_;
  Time latency_;
  std::vector<Message> leaving_;
  std::uint32_t rank_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint16_t port_;
  bool open_ = false;
};

}  // namespace cowosim::engine
