// Traces and hashes as tables: what a run leaves behind to be compared event by event.
//
// hashes.csv        component,kind,epoch,begin_ns,end_ns,events,hash
// transactions.csv  time_ns,component,identity,number,op,address,bytes,stream
// commands.csv      time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column
//
// Times are exact; hashes and identities are 16 hexadecimal digits; rows of events are ordered by (time, component, sequence),
// whatever the threads did.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "core/memory_map.h"
#include "core/time.h"
#include "core/transaction.h"

namespace cowosim::telemetry {

// ---- hashes ----
enum class HashKind : std::uint8_t {
  retire,  ///< of a creator, over the retirements of its transactions: the completion hash is the sum of these
  serve    ///< of any other component, over the transactions it has finished with
};
struct HashRow {
  std::string component;
  HashKind kind = HashKind::serve;
  std::uint64_t epoch = 0;
  Time begin = 0;
  Time end = 0;
  std::uint64_t events = 0;
  std::uint64_t hash = 0;
};
using HashTable = std::vector<HashRow>;

/// Sum mod 2^64 of the retire rows.
std::uint64_t completion_hash(const HashTable& table);
/// Ordered by (epoch, component, kind), whatever the order of `table`.
std::string hashes_csv(const HashTable& table);
/// `name` is for error messages. Throws ConfigError (core/error.h) with file and line.
HashTable read_hashes(std::istream& in, const std::string& name);

// ---- transactions ----
struct TransactionEvent {
  Time time = 0;
  std::uint64_t identity = 0;
  std::uint64_t number = 0;
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  Op op = Op::read;
  StreamId stream = 0;
};
/// The events of one component, in the order in which it recorded them (that order is the sequence).
struct ComponentEvents {
  std::string component;
  std::vector<TransactionEvent> events;
};
/// `streams[id]` is the name of stream id.
void write_transactions(std::ostream& out, const std::vector<ComponentEvents>& components,
                        const std::vector<std::string>& streams);

struct TransactionRecord {
  Time time = 0;
  std::string component;
  std::uint64_t identity = 0;
  std::uint64_t number = 0;
  Op op = Op::read;
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::string stream;
};
using TransactionTable = std::vector<TransactionRecord>;
TransactionTable read_transactions(std::istream& in, const std::string& name);

// ---- DRAM commands ----
struct CommandEvent {
  Time time = 0;
  std::string_view command;  ///< static lifetime: "ACT", "RD", ...
  int pseudo_channel = 0;    ///< what a command does not address is -1 and written as an empty field
  int sid = -1;
  int bank_group = -1;
  int bank = -1;
  std::int64_t row = -1;
  std::int64_t column = -1;
};
struct ChannelCommands {
  int stack = 0;
  int channel = 0;
  std::vector<CommandEvent> events;
};
void write_commands(std::ostream& out, const std::vector<ChannelCommands>& channels);

/// 32 bytes of a transaction that a memory controller has taken into its queues.
struct AccessEvent {
  Time time = 0;
  std::uint64_t identity = 0;  ///< of the transaction
  Op op = Op::read;
  bool queued = true;  ///< false: a write that waits in the queue answers or takes it, without a command
  Location where;
};
struct ChannelAccesses {
  int stack = 0;
  int channel = 0;
  std::vector<AccessEvent> events;  ///< in the order of acceptance
};

}  // namespace cowosim::telemetry
