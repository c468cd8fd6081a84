#include "fabric/flit/time_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "core/random.h"

namespace cowosim::fabric {
namespace {

using Wheel = TimeWheel<int>;
using Cycle = Wheel::Cycle;

std::vector<int> taken(Wheel& wheel, Cycle now) {
  std::vector<int> events;
  wheel.take(now, [&](int event) { events.push_back(event); });
  return events;
}

TEST(TimeWheel, EmptyHasNoFirst) {
  Wheel wheel;
  wheel.set_span(4);
  EXPECT_EQ(wheel.first(0), Wheel::kNone);
  EXPECT_EQ(wheel.first(1'000'000), Wheel::kNone);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_TRUE(taken(wheel, 7).empty());
}

TEST(TimeWheel, EventsOfACycleComeInTheOrderTheyWereAdded) {
  // The same cycle from far away, from nearby and from far away again.
  for (const Cycle far : {20, 100, 5000, 1'000'000}) {
    Wheel wheel;
    wheel.set_span(4);
    wheel.add(far, 0, 1);
    wheel.add(far, 0, 2);
    wheel.add(far - 1, 0, 3);
    wheel.add(far, far - 3, 4);  // near now, but 1 and 2 have not come near yet
    EXPECT_EQ(wheel.first(0), far - 1);
    EXPECT_EQ(taken(wheel, far - 1), std::vector<int>{3});
    wheel.add(far, far - 1, 5);
    EXPECT_EQ(wheel.size(), 4u);
    EXPECT_EQ(wheel.first(far), far);
    EXPECT_EQ(taken(wheel, far), (std::vector<int>{1, 2, 4, 5}));
    EXPECT_EQ(wheel.first(far + 1), Wheel::kNone);
  }
}

TEST(TimeWheel, EventsMayBeAddedWhileACycleIsTaken) {
  Wheel wheel;
  wheel.set_span(4);
  wheel.add(3, 0, 10);
  int seen = 0;
  for (Cycle now = wheel.first(0); now != Wheel::kNone && seen < 40; now = wheel.first(now + 1)) {
    wheel.take(now, [&](int event) {
      ++seen;
      wheel.add(now + 1 + event % 17, now, event + 1);
    });
  }
  EXPECT_EQ(seen, 40);
  EXPECT_EQ(wheel.size(), 1u);
}

TEST(TimeWheel, AgreesWithASortedList) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SplitMix64 random(mix(seed, 3));
    const Cycle span = static_cast<Cycle>(bounded(random.next(), seed % 3 == 0 ? 6000 : 100));
    Wheel wheel;
    wheel.set_span(span);
    std::multimap<Cycle, int> sorted;  // equal keys stay in order of insertion
    Cycle now = 0;                     // the next cycle to be taken
    int number = 0;
    for (int step = 0; step < 3000; ++step) {
      for (std::uint64_t n = bounded(random.next(), 4); n > 0; --n) {
        const bool far = bounded(random.next(), 10) == 0;
        const Cycle ahead =
            static_cast<Cycle>(bounded(random.next(), far ? 20'000 : static_cast<std::uint64_t>(span) + 1));
        // Whoever adds from outside may know an earlier cycle only.
        const Cycle known = std::max<Cycle>(0, now - static_cast<Cycle>(bounded(random.next(), 3)));
        wheel.add(now + ahead, known, number);
        sorted.emplace(now + ahead, number++);
      }
      ASSERT_EQ(wheel.size(), sorted.size());
      const Cycle first = wheel.first(now);
      ASSERT_EQ(first, sorted.empty() ? Wheel::kNone : sorted.begin()->first) << "seed " << seed << " step " << step;
      if (first == Wheel::kNone) continue;
      // Straight to the event, or not all the way.
      now += static_cast<Cycle>(bounded(random.next(), static_cast<std::uint64_t>(first - now) + 1));
      if (bounded(random.next(), 2) == 0) now = first;
      std::vector<int> expected;
      const auto [begin, end] = sorted.equal_range(now);
      for (auto it = begin; it != end; ++it) expected.push_back(it->second);
      sorted.erase(begin, end);
      ASSERT_EQ(taken(wheel, now), expected) << "seed " << seed << " step " << step;
      ++now;
    }
  }
}

}  // namespace
}  // namespace cowosim::fabric
