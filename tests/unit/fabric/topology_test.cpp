#include "fabric/topology/topology.h"

#include <gmock/gmock.h>

#include <functional>

#include "fabric/topology/topologies.h"

namespace cowosim::fabric {
namespace {

using testing::HasSubstr;

TEST(Ports, LinksInOrderThenTerminals) {
  // a - b twice, b - c; two terminals at b, one at c, none at a.
  Topology t;
  t.kinds = {"wire"};
  t.routers = {{"a"}, {"b"}, {"c"}};
  const Channel channel = clocked_channel(256, kNanosecond);
  t.links = {{"a_b", 0, 1, 2, 0, channel}, {"b_c", 1, 2, 3, 0, channel},   {"b_a", 1, 0, 0, 0, channel},
             {"c_b", 2, 1, 1, 0, channel}, {"b_a_2", 1, 0, 5, 0, channel}, {"a_b_2", 0, 1, 4, 0, channel}};
  t.terminals = {{"t0", 1, channel, channel}, {"t1", 2, channel, channel}, {"t2", 1, channel, channel}};
  ASSERT_TRUE(problems(t).empty());

  const Ports ports(t);
  EXPECT_EQ(ports.total(), 9);
  EXPECT_EQ(ports.count(0), 2);
  EXPECT_EQ(ports.count(1), 5);
  EXPECT_EQ(ports.count(2), 2);
  EXPECT_EQ(ports.first(1), 2);
  const Ports::Port& to_c = ports.at(1, 0);
  EXPECT_EQ(to_c.link_out, 1);
  EXPECT_EQ(to_c.link_in, 3);
  EXPECT_EQ(to_c.neighbour, 2);
  EXPECT_EQ(to_c.terminal, Ports::kNone);
  EXPECT_EQ(ports.at(1, 1).link_out, 2);
  EXPECT_EQ(ports.at(1, 2).link_out, 4);
  EXPECT_EQ(ports.at(1, 3).terminal, 0);
  EXPECT_EQ(ports.at(1, 3).link_out, Ports::kNone);
  EXPECT_EQ(ports.at(1, 3).link_in, Ports::kNone);
  EXPECT_EQ(ports.at(1, 3).neighbour, Ports::kNone);
  EXPECT_EQ(ports.at(1, 4).terminal, 2);
  for (int l = 0; l < 6; ++l) {
    const Topology::Link& link = t.links[static_cast<std::size_t>(l)];
    EXPECT_EQ(ports.at(link.from, ports.of_link_out(l)).link_out, l);
    EXPECT_EQ(ports.at(link.to, ports.of_link_in(l)).link_in, l);
  }
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(ports.at(t.terminals[static_cast<std::size_t>(n)].router, ports.of_terminal(n)).terminal, n);
  }
}

/// A ring of four, two clocks, with one fault planted.
std::vector<ParameterProblem> with(const std::function<void(Topology&)>& fault) {
  Topology t = ring(4, reference_parts(32));
  t.domains.push_back({"slow", 2 * kNanosecond});
  t.routers[3].domain = 1;
  fault(t);
  return problems(t);
}

TEST(TopologyProblems, NoneInWhatIsRight) {
  EXPECT_TRUE(with([](Topology&) {}).empty());
}

TEST(TopologyProblems, EachIsFoundAndNamesItsElement) {
  struct Case {
    std::function<void(Topology&)> fault;
    const char* where;
    const char* what;
  };
  const std::vector<Case> cases = {
      {[](Topology& t) { t.domains[1].period = 0; }, "clocks.slow", "period"},
      {[](Topology& t) { t.domains[1].name = "clock"; }, "clocks.clock", "more than once"},
      {[](Topology& t) { t.routers[2].domain = 2; }, "routers.router_2", "clock domain"},
      {[](Topology& t) { t.routers[2].name = "router_1"; }, "routers.router_1", "more than once"},
      {[](Topology& t) { t.terminals[1].router = 4; }, "terminals.terminal_1", "at no router"},
      {[](Topology& t) { t.terminals[1].router = -1; }, "terminals.terminal_1", "at no router"},
      {[](Topology& t) { t.terminals[1].in.bandwidth = 0; }, "terminals.terminal_1", "bandwidth"},
      {[](Topology& t) { t.terminals[1].out.latency = -1; }, "terminals.terminal_1", "latency"},
      {[](Topology& t) { t.terminals.clear(); }, "terminals", "at least one"},
      {[](Topology& t) {
         t.terminals.clear();
         for (int i = 0; i < 65535; ++i)
           t.terminals.push_back({"t" + std::to_string(i), 0, t.links[0].channel, t.links[0].channel});
       },
       "terminals", "at most 65534"},
      {[](Topology& t) { t.links[0].channel.bandwidth = -1; }, "links.router_0_router_1", "bandwidth"},
      {[](Topology& t) { t.links[0].channel.latency = -1; }, "links.router_0_router_1", "latency"},
      {[](Topology& t) { t.links[0].channel.bit_error_rate = 1; }, "links.router_0_router_1", "bit error rate"},
      {[](Topology& t) { t.links[0].channel.replay_latency = -1; }, "links.router_0_router_1", "replays"},
      {[](Topology& t) { t.links[0].channel.degraded_at = kNanosecond; }, "links.router_0_router_1", "lanes"},
      {[](Topology& t) { t.links[0].weight = -1; }, "links.router_0_router_1", "weight"},
      {[](Topology& t) { t.links[0].kind = 1; }, "links.router_0_router_1", "kind"},
      {[](Topology& t) { t.links[0].name = t.links[1].name; }, "links.router_0_router_3", "more than once"},
      {[](Topology& t) { t.grid.columns = 3; }, "routers", "not 3 x 1"},
  };
  for (const Case& c : cases) {
    const std::vector<ParameterProblem> found = with(c.fault);
    ASSERT_EQ(found.size(), 1u) << c.where << " " << c.what;
    EXPECT_EQ(found[0].parameter, c.where);
    EXPECT_THAT(found[0].message, HasSubstr(c.what));
  }
}

TEST(TopologyProblems, LinksThatLeadNowhere) {
  // The partners of what is broken are without a partner, too.
  const auto broken = with([](Topology& t) { t.links[0].to = 9; });
  ASSERT_EQ(broken.size(), 2u);
  EXPECT_EQ(broken[0].parameter, "links.router_0_router_1");
  EXPECT_EQ(broken[1].parameter, "links.router_1_router_0");
  const auto to_itself = with([](Topology& t) { t.links[0].to = 0; });
  ASSERT_EQ(to_itself.size(), 2u);
  EXPECT_THAT(to_itself[0].message, HasSubstr("to itself"));
  const auto one_way = with([](Topology& t) { t.links.pop_back(); });
  ASSERT_EQ(one_way.size(), 1u);
  EXPECT_EQ(one_way[0].parameter, "links.router_2_router_3");
  EXPECT_THAT(one_way[0].message, HasSubstr("one-way: a partner from 'router_3' to 'router_2'"));
}

TEST(TopologyProblems, RoutersApart) {
  Topology t = ring(4, reference_parts(32));
  for (const char* name : {"left", "right"}) t.routers.push_back({name});
  t.grid = {};
  const auto found = problems(t);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].parameter, "routers.left");
  EXPECT_THAT(found[0].message, HasSubstr("disconnected: no links lead from 'router_0' to left, right"));
}

TEST(TopologyProblems, AllAtOnce) {
  EXPECT_EQ(problems(Topology()).size(), 2u);
  const auto found = with([](Topology& t) {
    t.links[0].channel.bandwidth = 0;
    t.terminals[2].router = 7;
    t.domains[0].period = -1;
  });
  EXPECT_EQ(found.size(), 3u);
}

}  // namespace
}  // namespace cowosim::fabric
