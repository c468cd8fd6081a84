#include "engine/coupling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/random.h"
#include "engine/inbox.h"

namespace cowosim::engine {
namespace {

Message arriving(Time time, Handle mark) {
  Message message;
  message.time = time;
  message.transaction = mark;
  return message;
}

TEST(Inbox, GivesInOrderOfArrivalThenOfAdding) {
  // Against a list that is sorted each time. Times are few, so that many are equal; the inbox empties and grows on its way.
  for (const std::uint64_t spread : {1u, 3u, 40u}) {
    Inbox inbox;
    std::vector<std::pair<Time, Handle>> expected;
    SplitMix64 random(spread);
    Time now = 0;
    Handle mark = 0;
    for (int i = 0; i < 20000; ++i) {
      const bool growing = i / 500 % 2 == 0;
      if (bounded(random.next(), 5) < (growing ? 3u : 2u)) {
        const Time time = now + static_cast<Time>(bounded(random.next(), spread));
        Message* const room = inbox.append(time);
        if (room != nullptr) {
          *room = arriving(time, mark);
        } else {
          inbox.add(arriving(time, mark));
        }
        expected.emplace_back(time, mark++);
        std::stable_sort(expected.begin(), expected.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
      } else if (!expected.empty()) {
        ASSERT_EQ(inbox.first(), expected.front().first);
        const Message message = inbox.take();
        ASSERT_EQ(message.time, expected.front().first);
        ASSERT_EQ(message.transaction, expected.front().second);
        now = message.time;
        expected.erase(expected.begin());
      }
      ASSERT_EQ(inbox.first(), expected.empty() ? kNever : expected.front().first);
    }
  }
}

/// Sends at t, is answered at t, and must see arrivals before its own events of the same instant.
class Player final : public Heart {
 public:
  explicit Player(Time first) : next_(first) {}
  int ports() const override { return 1; }
  Time due() const override { return next_; }
  void advance(Time until) override {
    while (next_ < until) {
      diary.push_back({'s', next_});
      send(0, Phase::credit, kNoHandle, next_);
      next_ = next_ < 30 ? next_ + 10 : kNever;
    }
  }
  void receive(const Message& message) override { diary.push_back({'r', message.time}); }
  std::vector<std::pair<char, Time>> diary;

 private:
  Time next_;
};

TEST(Coupling, DeliversWithinTheInstantAndBeforeOwnEvents) {
  Player a(10), b(20);
  Coupling coupling;
  coupling.add("a", a);
  coupling.add("b", b);
  coupling.wire(a, 0, b, 0);
  coupling.advance(25);
  coupling.advance(100);
  using E = std::pair<char, Time>;
  EXPECT_THAT(b.diary, testing::ElementsAre(E{'r', 10}, E{'r', 20}, E{'s', 20}, E{'r', 30}, E{'s', 30}));
  EXPECT_THAT(a.diary, testing::ElementsAre(E{'s', 10}, E{'s', 20}, E{'r', 20}, E{'s', 30}, E{'r', 30}));
}

/// Does as it is told, and everything that happens is written into a common diary.
class Actor final : public Heart {
 public:
  struct Entry {
    Time time;
    int actor;
    char what;  // a: acts, s: has sent, r: receives
    bool operator==(const Entry& o) const { return time == o.time && actor == o.actor && what == o.what; }
  };
  using Diary = std::vector<Entry>;

  Actor(int number, Diary& diary, std::vector<Time> acts) : number_(number), diary_(diary), acts_(std::move(acts)) {}
  int ports() const override { return 32; }
  Time due() const override { return acts_.empty() ? kNever : acts_.front(); }
  void advance(Time until) override {
    while (due() < until) act();
  }
  void advance_from(Time, const Time& until) override {
    const Time asked = until;
    do {
      advance(due() + 1);
    } while (runs_on && due() < (heedless ? asked : until));
  }
  bool reacts(Phase phase) const override { return phase != Phase::response; }
  void receive(const Message& message) override {
    diary_.push_back({message.time, number_, 'r'});
    if (on_receive) on_receive(message);
  }
  void send_to(int port, Time arrival) {
    send(port, Phase::credit, kNoHandle, arrival);
    diary_.push_back({arrival, number_, 's'});
  }
  void note_to(int port, Time arrival) { send(port, Phase::response, kNoHandle, arrival); }
  std::function<void(Time)> on_act;
  std::function<void(const Message&)> on_receive;
  bool runs_on = false;
  bool heedless = false;  // of an `until` that comes closer

 private:
  void act() {
    const Time now = due();
    acts_.erase(acts_.begin());
    diary_.push_back({now, number_, 'a'});
    if (on_act) on_act(now);
  }

  int number_;
  Diary& diary_;
  std::vector<Time> acts_;
};
std::ostream& operator<<(std::ostream& out, const Actor::Entry& e) { return out << e.time << " " << e.actor << e.what; }

using testing::ElementsAre;
using E = Actor::Entry;

TEST(Coupling, WhatIsSentForNowArrivesBeforeSendReturnsUnlessTheReceiverIsBusy) {
  Actor::Diary diary;
  Actor a(0, diary, {10}), b(1, diary, {});
  Coupling coupling;
  coupling.add("a", a);
  coupling.add("b", b);
  coupling.wire(a, 0, b, 0);
  a.on_act = [&](Time now) { a.send_to(0, now), a.send_to(0, now + 5); };
  b.on_receive = [&](const Message& m) { b.send_to(0, m.time); };  // at 10 from within a's own send: a is busy
  EXPECT_EQ(coupling.due(), 10);
  coupling.advance(11);
  EXPECT_THAT(diary,
              ElementsAre(E{10, 0, 'a'}, E{10, 1, 'r'}, E{10, 1, 's'}, E{10, 0, 's'}, E{15, 0, 's'}, E{10, 0, 'r'}));
  EXPECT_EQ(coupling.due(), 15);
  diary.clear();
  coupling.advance(kNever);
  EXPECT_THAT(diary, ElementsAre(E{15, 1, 'r'}, E{15, 0, 'r'}, E{15, 1, 's'}));
  EXPECT_EQ(coupling.due(), kNever);
}

TEST(Coupling, EverythingArrivesBeforeAnyoneActs) {
  // Arrivals at 20 at both ends were sent before; a, the first one added, has an event of its own then.
  Actor::Diary diary;
  Actor a(0, diary, {10, 20}), b(1, diary, {10, 20});
  Coupling coupling;
  coupling.add("a", a);
  coupling.add("b", b);
  coupling.wire(a, 0, b, 0);
  a.on_act = [&](Time now) { now == 10 ? a.send_to(0, 20) : void(); };
  b.on_act = [&](Time now) { now == 10 ? b.send_to(0, 20) : void(); };
  coupling.advance(15);
  diary.clear();
  coupling.advance(30);
  EXPECT_THAT(diary, ElementsAre(E{20, 0, 'r'}, E{20, 1, 'r'}, E{20, 0, 'a'}, E{20, 1, 'a'}));
}

TEST(Coupling, AQueuedMessageIsNotOvertaken) {
  // What a sends to c for 20 at 20 comes behind what b had sent there for 20.
  Actor::Diary diary;
  std::vector<std::uint16_t> ports;
  Actor a(0, diary, {20}), b(1, diary, {10}), c(2, diary, {}), d(3, diary, {10});
  Coupling coupling;
  coupling.add("a", a), coupling.add("b", b), coupling.add("c", c), coupling.add("d", d);
  coupling.wire(a, 0, c, 0);
  coupling.wire(b, 0, c, 1);
  coupling.wire(d, 0, a, 1);
  d.on_act = [&](Time) { d.send_to(0, 20); };
  b.on_act = [&](Time) { b.send_to(0, 20); };
  a.on_receive = [&](const Message& m) { a.send_to(0, m.time); };  // a's arrival comes first: it was added first
  c.on_receive = [&](const Message& m) { ports.push_back(m.port); };
  coupling.advance(100);
  EXPECT_THAT(ports, ElementsAre(1, 0));
}

/// A ring with chords of `members`, wired both ways; each event sends to someone for now or for later.
Actor::Diary random_play(int members, Time step, bool run_on = false, bool heedless = false) {
  Actor::Diary diary;
  SplitMix64 random(static_cast<std::uint64_t>(members));
  std::vector<std::unique_ptr<Actor>> actors;
  Coupling coupling;
  for (int i = 0; i < members; ++i) {
    std::vector<Time> acts;
    for (int n = 0; n < 200; ++n) acts.push_back(static_cast<Time>(bounded(random.next(), 500)));
    std::sort(acts.begin(), acts.end());
    actors.push_back(std::make_unique<Actor>(i, diary, acts));
    actors.back()->runs_on = run_on, actors.back()->heedless = heedless;
    coupling.add("a" + std::to_string(i), *actors.back());
  }
  for (int i = 0; i < members; ++i) coupling.wire(*actors[i], 0, *actors[(i + 1) % members], 1);
  for (int i = 0; i < members; ++i) coupling.wire(*actors[i], 2, *actors[(i + members / 2) % members], 3);
  const auto sends = [](Actor& actor, SplitMix64& own, Time now) {
    const std::uint64_t draw = own.next();
    if (draw % 2 == 0) actor.send_to(static_cast<int>(draw / 2 % 4), now + static_cast<Time>(draw / 8 % 4));
  };
  for (auto& actor : actors) {
    Actor* const it = actor.get();
    const auto own = std::make_shared<SplitMix64>(random.next());
    it->on_act = [=](Time now) { sends(*it, *own, now); };
    it->on_receive = [=](const Message& m) { sends(*it, *own, m.time); };
  }
  for (Time t = step; t <= 1000; t += step) coupling.advance(t);
  coupling.advance(2000);
  EXPECT_EQ(coupling.due(), kNever);
  return diary;
}

TEST(Coupling, KeepsTheOrderAmongMany) {
  for (const int members : {2, 3, 4, 5, 17, 33}) {
    SCOPED_TRACE(members);
    const Actor::Diary diary = random_play(members, 2000);
    Actor::Diary happened;  // without the entries about sending
    std::copy_if(diary.begin(), diary.end(), std::back_inserter(happened), [](const E& e) { return e.what != 's'; });
    const auto count = [&](const Actor::Diary& of, char what) {
      return std::count_if(of.begin(), of.end(), [&](const E& e) { return e.what == what; });
    };
    EXPECT_EQ(count(diary, 's'), count(diary, 'r'));  // nothing is lost
    EXPECT_EQ(count(diary, 'a'), 200 * members);
    EXPECT_TRUE(
        std::is_sorted(happened.begin(), happened.end(), [](const E& x, const E& y) { return x.time < y.time; }));
    // Within an instant nobody acts before someone added earlier who could: all events were known from the start.
    for (std::size_t i = 1; i < happened.size(); ++i) {
      for (std::size_t j = i; j-- > 0 && happened[j].time == happened[i].time;) {
        if (happened[i].what == 'a' && happened[j].what == 'a') {
          ASSERT_LE(happened[j].actor, happened[i].actor);
        }
      }
    }
  }
}

TEST(Coupling, DoesNotDependOnHowFarItIsAdvancedAtOnce) {
  for (const int members : {2, 5, 17}) {
    const Actor::Diary whole = random_play(members, 2000);
    EXPECT_EQ(random_play(members, 1), whole);
    EXPECT_EQ(random_play(members, 7), whole);
  }
}

/// What each actor did and received, one after the other.
Actor::Diary lives(Actor::Diary diary) {
  diary.erase(std::remove_if(diary.begin(), diary.end(), [](const E& e) { return e.what == 's'; }), diary.end());
  std::stable_sort(diary.begin(), diary.end(), [](const E& x, const E& y) { return x.actor < y.actor; });
  return diary;
}

TEST(Coupling, MembersThatRunOnLiveTheSameLives) {
  for (const int members : {1, 2, 3, 5, 17}) {
    SCOPED_TRACE(members);
    const Actor::Diary expected = lives(random_play(members, 2000));
    EXPECT_EQ(lives(random_play(members, 2000, true)), expected);
    EXPECT_EQ(lives(random_play(members, 7, true)), expected);
  }
  // The control: who does not heed what its messages cause lives another life.
  EXPECT_NE(lives(random_play(3, 2000, true, true)), lives(random_play(3, 2000)));
}

TEST(Coupling, AMemberRunsOnUntilSomebodyReacts) {
  Actor::Diary diary;
  Actor a(0, diary, {10, 20, 30, 40, 50}), b(1, diary, {});
  Coupling coupling;
  coupling.add("a", a);
  coupling.add("b", b);
  coupling.wire(a, 0, b, 0);
  a.runs_on = true;
  a.on_act = [&](Time now) {
    if (now == 10) a.note_to(0, 15), a.note_to(0, 45);
    if (now == 20) a.send_to(0, 35);
  };
  coupling.advance(41);
  // What is only counted at 15 does not stop a, but is there when 41 is settled; what arrives at 35 stops it.
  EXPECT_THAT(diary, ElementsAre(E{10, 0, 'a'}, E{20, 0, 'a'}, E{35, 0, 's'}, E{30, 0, 'a'}, E{35, 1, 'r'},
                                 E{40, 0, 'a'}, E{15, 1, 'r'}));
  EXPECT_EQ(coupling.due(), 45);  // the other one is on its way
  diary.clear();
  coupling.advance(kNever);
  EXPECT_THAT(diary, ElementsAre(E{50, 0, 'a'}, E{45, 1, 'r'}));
}

TEST(Coupling, HasNoPortsToReceiveAt) {
  Coupling coupling;
  coupling.set_name("coupling");
  EXPECT_THROW(coupling.receive(Message{}), std::logic_error);
}

}  // namespace
}  // namespace cowosim::engine
