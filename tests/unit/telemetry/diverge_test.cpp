#include "telemetry/diverge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "core/error.h"

namespace cowosim::telemetry {
namespace {

using ::testing::ElementsAre;

HashTable table() {
  const Time e = 10 * kMicrosecond;
  return {{"core_0", HashKind::retire, 0, 0, e, 5, 0x1111},
          {"hbm_0", HashKind::serve, 0, 0, e, 7, 0x2222},
          {"core_0", HashKind::retire, 1, e, 2 * e, 3, 0xffffffffffffffffull},
          {"hbm_0", HashKind::serve, 1, e, 2 * e, 4, 0x4444},
          {"core_0", HashKind::retire, 2, 2 * e, 2 * e + 500, 1, 0x5555},
          {"hbm_0", HashKind::serve, 2, 2 * e, 2 * e + 500, 1, 0x6666}};
}

HashTable read(const std::string& text) {
  std::istringstream in(text);
  return read_hashes(in, "hashes.csv");
}

TEST(Hashes, AreWrittenInOrderAndReadBack) {
  HashTable shuffled = table();
  std::swap(shuffled[0], shuffled[5]);
  std::swap(shuffled[1], shuffled[2]);
  const std::string text = hashes_csv(shuffled);
  EXPECT_EQ(text,
            "component,kind,epoch,begin_ns,end_ns,events,hash\n"
            "core_0,retire,0,0,10000,5,0000000000001111\n"
            "hbm_0,serve,0,0,10000,7,0000000000002222\n"
            "core_0,retire,1,10000,20000,3,ffffffffffffffff\n"
            "hbm_0,serve,1,10000,20000,4,0000000000004444\n"
            "core_0,retire,2,20000,20000.0005,1,0000000000005555\n"
            "hbm_0,serve,2,20000,20000.0005,1,0000000000006666\n");
  EXPECT_EQ(hashes_csv(read(text)), text);
}

TEST(Hashes, CompletionIsTheSumOfRetirements) {
  EXPECT_EQ(completion_hash(table()), 0x1111 + 0xffffffffffffffffull + 0x5555);
  EXPECT_EQ(completion_hash({}), 0u);
}

TEST(Hashes, MalformedFilesAreErrorsWithTheirLine) {
  const std::string header = "component,kind,epoch,begin_ns,end_ns,events,hash\n";
  const auto error_of = [](const std::string& text) {
    try {
      read(text);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(
      error_of(""),
      "hashes.csv:1:1: error: is empty; the first line must be 'component,kind,epoch,begin_ns,end_ns,events,hash'");
  EXPECT_EQ(
      error_of("a,b\n"),
      "hashes.csv:1:1: error: the first line is 'a,b', it must be 'component,kind,epoch,begin_ns,end_ns,events,hash'");
  EXPECT_EQ(error_of(header + "a,retire,0,0,1,1\n"), "hashes.csv:2:1: error: 6 fields, there must be 7");
  EXPECT_EQ(error_of(header + "a,retire,0,0,1,1,00000000000000ab\na,other,0,0,1,1,00000000000000ab\n"),
            "hashes.csv:3:1: error: kind 'other' is neither retire nor serve");
  EXPECT_EQ(error_of(header + "a,serve,0,0,1,1,ab\n"), "hashes.csv:2:1: error: hash 'ab' has not 16 digits");
  EXPECT_EQ(error_of(header + "a,serve,0,0,1,1,000000000000000g\n"),
            "hashes.csv:2:1: error: '000000000000000g' is not a hexadecimal number");
  EXPECT_EQ(error_of(header + "a,serve,x,0,1,1,0000000000000000\n"), "hashes.csv:2:1: error: 'x' is not a number");
  EXPECT_EQ(error_of(header + "a,serve,0,1e3,1,1,0000000000000000\n"),
            "hashes.csv:2:1: error: '1e3' is not a time in ns");
}

TEST(DivergeEpochs, IdenticalRunsDoNotDiffer) {
  EXPECT_FALSE(first_difference(table(), table()).has_value());
  EXPECT_FALSE(first_difference(HashTable{}, HashTable{}).has_value());
  HashTable reversed = table();
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_FALSE(first_difference(table(), reversed).has_value());
}

TEST(DivergeEpochs, OneChangedDigitIsFoundInItsEpoch) {
  HashTable other = table();
  other[3].hash ^= 1;  // hbm_0, epoch 1
  other[5].hash ^= 1;  // and later
  const auto difference = first_difference(table(), other);
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->epoch, 1u);
  EXPECT_EQ(difference->begin, 10 * kMicrosecond);
  EXPECT_EQ(difference->end, 20 * kMicrosecond);
  ASSERT_EQ(difference->components.size(), 1u);
  EXPECT_EQ(difference->components[0].component, "hbm_0");
  EXPECT_EQ(difference->components[0].a->hash, 0x4444u);
  EXPECT_EQ(difference->components[0].b->hash, 0x4445u);
  EXPECT_EQ(describe(*difference, "A", "B"),
            "first difference in epoch 1 [10000 ns, 20000 ns): 1 component\n"
            "  hbm_0 (serve)\n"
            "    A: 4 events, hash 0000000000004444\n"
            "    B: 4 events, hash 0000000000004445\n");
}

TEST(DivergeEpochs, AllComponentsOfTheEpochAreNamed) {
  HashTable other = table();
  for (HashRow& row : other)
    if (row.epoch >= 1) row.events += 1;
  const auto difference = first_difference(table(), other);
  ASSERT_TRUE(difference.has_value());
  std::vector<std::string> names;
  for (const ComponentDifference& c : difference->components) names.push_back(c.component);
  EXPECT_THAT(names, ElementsAre("core_0", "hbm_0"));
}

TEST(DivergeEpochs, MissingAndExtraRowsAreDifferences) {
  HashTable shorter = table();
  shorter.pop_back();
  for (const bool swapped : {false, true}) {
    const auto difference = swapped ? first_difference(shorter, table()) : first_difference(table(), shorter);
    ASSERT_TRUE(difference.has_value());
    EXPECT_EQ(difference->epoch, 2u);
    ASSERT_EQ(difference->components.size(), 1u);
    EXPECT_EQ(difference->components[0].a.has_value(), !swapped);
    EXPECT_EQ(difference->components[0].b.has_value(), swapped);
  }
}

TEST(DivergeEpochs, AnEmptyEpochEqualsAMissingRow) {
  HashTable longer = table();
  longer.push_back({"idle", HashKind::serve, 0, 0, 10 * kMicrosecond, 0, 0});
  EXPECT_FALSE(first_difference(table(), longer).has_value());
}

TEST(DivergeEpochs, DifferentEpochLengthsCannotBeCompared) {
  HashTable other = table();
  for (HashRow& row : other) row.begin /= 2;
  EXPECT_THROW(first_difference(table(), other), std::invalid_argument);
}

std::vector<ComponentEvents> components() {
  return {{"hbm_0", {{30, 0xaa, 0, 0x1000, 64, Op::read, 0}, {20, 0xbb, 1, 0x2000, 32, Op::write, 1}}},
          {"core_0",
           {{50, 0xaa, 0, 0x1000, 64, Op::read, 0},
            {50, 0xcc, 2, 0, 0, Op::launch, 7},
            {20, 0xbb, 1, 0x2000, 32, Op::write, 1}}}};
}

TransactionTable transactions(const std::function<void(TransactionTable&)>& change = {}) {
  std::ostringstream out;
  write_transactions(out, components(), {"decode", "prefill"});
  std::istringstream in(out.str());
  TransactionTable result = read_transactions(in, "transactions.csv");
  if (change) change(result);
  return result;
}

TEST(Transactions, AreMergedByTimeComponentAndSequence) {
  std::ostringstream out;
  write_transactions(out, components(), {"decode", "prefill"});
  EXPECT_EQ(out.str(),
            "time_ns,component,identity,number,op,address,bytes,stream\n"
            "0.00002,core_0,00000000000000bb,1,W,0x2000,32,prefill\n"
            "0.00002,hbm_0,00000000000000bb,1,W,0x2000,32,prefill\n"
            "0.00003,hbm_0,00000000000000aa,0,R,0x1000,64,decode\n"
            "0.00005,core_0,00000000000000aa,0,R,0x1000,64,decode\n"
            "0.00005,core_0,00000000000000cc,2,L,0x0,0,7\n");
}

TEST(Transactions, EveryOperationIsWrittenAndReadBack) {
  std::vector<ComponentEvents> events{{"unit", {}}};
  for (std::size_t op = 0; op < kOps; ++op)
    events[0].events.push_back({static_cast<Time>(op), 0xaa, op, 0, 32, static_cast<Op>(op), 0});
  std::ostringstream out;
  write_transactions(out, events, {"main"});
  std::istringstream in(out.str());
  const TransactionTable read = read_transactions(in, "transactions.csv");
  ASSERT_EQ(read.size(), kOps);
  for (std::size_t op = 0; op < kOps; ++op) EXPECT_EQ(read[op].op, static_cast<Op>(op)) << name_of(read[op].op);
}

TEST(Transactions, MalformedFilesAreErrors) {
  std::istringstream in("time_ns,component,identity,number,op,address,bytes,stream\n1,a,00,0,X,0x0,64,s\n");
  try {
    read_transactions(in, "t.csv");
    FAIL() << "nothing thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "t.csv:2:1: error: op 'X' is none of R, W, L, MC, RD, AR");
  }
}

TEST(DivergeTransactions, IdenticalTracesDoNotDiffer) {
  EXPECT_FALSE(first_difference(transactions(), transactions()).has_value());
  EXPECT_FALSE(first_difference(TransactionTable{}, TransactionTable{}).has_value());
}

TEST(DivergeTransactions, TheFirstLateOneIsNamedWithItsSource) {
  const TransactionTable other = transactions([](TransactionTable& t) {
    t[2].time += 5;  // hbm_0 serves 0xaa late
    t[3].time += 9;  // so core_0 gets it late
  });
  const auto difference = first_difference(transactions(), other, {"core_0"});
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->component, "hbm_0");
  EXPECT_EQ(difference->source, "core_0");
  EXPECT_EQ(difference->number, 0u);
  EXPECT_EQ(difference->address, 0x1000u);
  EXPECT_EQ(difference->time, 30);
  EXPECT_EQ(difference->a->time, 30);
  EXPECT_EQ(difference->b->time, 35);
  EXPECT_EQ(describe(*difference, "A", "B"),
            "first differing transaction: transaction 0 of core_0, address 0x1000, at hbm_0\n"
            "  A: 0.00003 ns, read 64 bytes at 0x1000, stream decode\n"
            "  B: 0.000035 ns, read 64 bytes at 0x1000, stream decode\n"
            "  B is 0.000005 ns later\n");
}

TEST(DivergeTransactions, EqualTimesAreOrderedByComponent) {
  const TransactionTable other = transactions([](TransactionTable& t) {
    t[0].time += 1;
    t[1].time += 1;
  });
  EXPECT_EQ(first_difference(transactions(), other)->component, "core_0");
}

TEST(DivergeTransactions, MissingAndExtraRowsAreFound) {
  const TransactionTable shorter = transactions([](TransactionTable& t) { t.erase(t.begin() + 2); });
  const auto missing = first_difference(transactions(), shorter);
  ASSERT_TRUE(missing.has_value());
  EXPECT_TRUE(missing->a.has_value());
  EXPECT_FALSE(missing->b.has_value());
  const auto extra = first_difference(shorter, transactions());
  ASSERT_TRUE(extra.has_value());
  EXPECT_FALSE(extra->a.has_value());
  EXPECT_EQ(extra->component, "hbm_0");
  EXPECT_EQ(
      describe(*extra, "A", "B"),
      "first differing transaction: transaction 00000000000000aa (number 0 of its source), address 0x1000, at hbm_0\n"
      "  A: not there\n"
      "  B: 0.00003 ns, read 64 bytes at 0x1000, stream decode\n");
}

TEST(DivergeTransactions, AnythingButTimeCountsToo) {
  const TransactionTable other = transactions([](TransactionTable& t) { t[4].bytes = 32; });
  const auto difference = first_difference(transactions(), other);
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->identity, 0xccu);
}

TEST(Diverge, SourcesAreTheCreators) { EXPECT_THAT(sources_of(table()), ElementsAre("core_0")); }

TEST(Commands, AreMergedByTimeStackAndChannel) {
  std::ostringstream out;
  write_commands(out, {{1, 0, {{5, "ACT", 0, 0, 1, 2, 77, -1}, {5, "PRE", 1, 0, 3, 1, -1, -1}}},
                       {0, 3, {{5, "RD", 1, 0, 1, 2, 77, 9}, {2, "REFab", 0, -1, -1, -1, -1, -1}}}});
  EXPECT_EQ(out.str(),
            "time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column\n"
            "0.000002,0,3,0,REFab,,,,,\n"
            "0.000005,0,3,1,RD,0,1,2,77,9\n"
            "0.000005,1,0,0,ACT,0,1,2,77,\n"
            "0.000005,1,0,1,PRE,0,3,1,,\n");
}

}  // namespace
}  // namespace cowosim::telemetry
