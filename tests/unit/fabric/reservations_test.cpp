#include "telemetry/reservations.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/random.h"

namespace cowosim::telemetry {
namespace {

/// Who holds every single moment: the slow way.
class Calendar {
 public:
  Time reserve(Time ready, Time duration, Holder holder) {
    Time start = ready;
    for (;; ++start) {
      bool fits = true;
      for (Time t = start; t < start + duration && fits; ++t) fits = taken_.count(t) == 0;
      if (fits) break;
    }
    for (Time t = start; t < start + duration; ++t) taken_[t] = holder;
    return start;
  }
  /// Moments in [from, to) held by `holder`; free moments count for nobody.
  Time held(Time from, Time to, Holder holder) const {
    Time sum = 0;
    for (auto i = taken_.lower_bound(from); i != taken_.end() && i->first < to; ++i) sum += i->second == holder;
    return sum;
  }

 private:
  std::map<Time, Holder> taken_;
};

Time total(const Blame& blame, StreamId victim) {
  Time sum = 0;
  for (std::size_t h = 0; h < kHolders; ++h) sum += blame.wait(victim, static_cast<Holder>(h));
  return sum;
}

TEST(Reservations, FirstGapAgainstCalendar) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SplitMix64 random(seed);
    Reservations reservations;
    Calendar calendar;
    Time now = 0;
    for (int i = 0; i < 400; ++i) {
      now += static_cast<Time>(bounded(random.next(), 12));
      const Time ready = now + static_cast<Time>(bounded(random.next(), 40));
      const Time duration = 1 + static_cast<Time>(bounded(random.next(), 9));
      const auto holder = static_cast<Holder>(bounded(random.next(), 3));
      reservations.forget(now);
      Blame blame;
      const Time start = reservations.reserve(ready, duration, holder, 5, blame);
      // Whoever holds a moment of the wait is charged at least for it; all charges together are the wait.
      for (Holder h = 0; h < 3; ++h) EXPECT_GE(blame.wait(5, h), calendar.held(ready, start, h));
      ASSERT_EQ(start, calendar.reserve(ready, duration, holder)) << "seed " << seed << " request " << i;
      EXPECT_EQ(total(blame, 5), start - ready);
    }
  }
}

TEST(Reservations, ChargesExactlyTheHolders) {
  Reservations r;
  Blame blame;
  EXPECT_EQ(r.reserve(100, 10, 1, 1, blame), 100);
  EXPECT_EQ(r.reserve(100, 20, 2, 2, blame), 110);
  EXPECT_EQ(r.reserve(105, 5, 3, 3, blame), 130);
  EXPECT_EQ(blame.wait(2, 1), 10);
  EXPECT_EQ(blame.wait(3, 1), 5);
  EXPECT_EQ(blame.wait(3, 2), 20);
  EXPECT_EQ(blame.wait(1, 1), 0);

  Blame later;
  r.charge(108, 132, 4, later);
  EXPECT_EQ(later.wait(4, 1), 2);
  EXPECT_EQ(later.wait(4, 2), 20);
  EXPECT_EQ(later.wait(4, 3), 2);
}

TEST(Reservations, EveryMomentOfAChargeHasAHolder) {
  Reservations r;
  r.append(10, 20, 1);
  r.append(30, 40, 2);
  Blame blame;
  r.charge(5, 38, 0, blame);
  EXPECT_EQ(blame.wait(0, 1), 25);  // 5 before it, 10 of its own, 10 after it
  EXPECT_EQ(blame.wait(0, 2), 8);
  Blame late;
  r.charge(25, 35, 0, late);  // begins in a gap
  EXPECT_EQ(late.wait(0, 1), 0);
  EXPECT_EQ(late.wait(0, 2), 10);
  Blame none;
  r.charge(12, 12, 0, none);
  EXPECT_EQ(total(none, 0), 0);
}

TEST(Reservations, ForgetsWhatIsOver) {
  Reservations r;
  r.append(0, 10, 0);
  r.append(10, 20, 1);
  r.forget(15);
  EXPECT_EQ(r.end(), 20);
  r.forget(20);
  EXPECT_TRUE(r.empty());
  EXPECT_EQ(r.end(), 0);
}

}  // namespace
}  // namespace cowosim::telemetry
