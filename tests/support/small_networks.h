// Topologies for tests, without bandwidths and places: all that routes need.
#pragma once

#include <string>

#include "core/random.h"
#include "fabric/topology/topology.h"

namespace cowosim::fabric::test {

/// `count` routers r0, r1, ... without links; terminal t<i> at router i for the first `terminals` of them.
inline Topology routers(int count, int terminals) {
  Topology t;
  t.kinds = {"link"};
  for (int i = 0; i < count; ++i) t.routers.push_back({"r" + std::to_string(i)});
  for (int i = 0; i < terminals; ++i) {
    Topology::Terminal terminal;
    terminal.name = "t" + std::to_string(i);
    terminal.router = i;
    t.terminals.push_back(terminal);
  }
  return t;
}

/// A pair of links; `weight` is that of the one from `a`, the other has 1.
inline void connect(Topology& t, int a, int b, int weight = 1) {
  const int first = static_cast<int>(t.links.size());
  for (const bool back : {false, true}) {
    Topology::Link link;
    link.from = back ? b : a;
    link.to = back ? a : b;
    link.name = "r" + std::to_string(link.from) + "_r" + std::to_string(link.to);
    link.reverse = back ? first : first + 1;
    if (!back) link.weight = weight;
    t.links.push_back(link);
  }
}

inline Topology grid(int columns, int rows, bool wraps) {
  Topology t = routers(columns * rows, columns * rows);
  t.grid = {columns, rows, wraps};
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const int here = x + columns * y;
      if (x + 1 < columns) connect(t, here, here + 1);
      if (y + 1 < rows) connect(t, here, here + columns);
      if (wraps && columns > 1 && x + 1 == columns) connect(t, here, columns * y);
      if (wraps && rows > 1 && y + 1 == rows) connect(t, here, x);
    }
  }
  return t;
}

/// Not described as a grid.
inline Topology ring(int count) {
  Topology t = routers(count, count);
  for (int i = 0; i < count; ++i) connect(t, i, (i + 1) % count);
  return t;
}

/// 2 to 13 routers: a tree and up to as many links again, some of them parallel; terminals at some routers, several at some.
inline Topology random_network(std::uint64_t seed) {
  SplitMix64 random(mix(seed, 1));
  const auto draw = [&](int bound) {
    return static_cast<int>(bounded(random.next(), static_cast<std::uint64_t>(bound)));
  };
  const int count = 2 + draw(12);
  Topology t = routers(count, 0);
  for (int i = 1; i < count; ++i) {
    const int other = draw(i);
    connect(t, i, other, 1 + draw(3));
  }
  for (int extra = draw(count); extra > 0; --extra) {
    const int a = draw(count);
    const int b = draw(count);
    if (a != b) connect(t, a, b, 1 + draw(3));
  }
  const int terminals = 2 + draw(count);
  for (int i = 0; i < terminals; ++i) {
    Topology::Terminal terminal;
    terminal.name = "t" + std::to_string(i);
    terminal.router = draw(count);
    t.terminals.push_back(terminal);
  }
  return t;
}

}  // namespace cowosim::fabric::test
