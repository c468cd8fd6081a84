// Random reads and writes against a scoreboard: every read returns the last write ordered before it, whatever lies between. The
// tests of this file make a million accesses together.
#include <numeric>

#include "support/foreign_models.h"
#include "support/user_memory.h"

namespace {

using namespace cowosim;
using namespace cowosim::test;

/// What memory should hold from `first` on.
struct Board {
  Board(std::uint64_t first_, std::size_t size) : first(first_), bytes(size, 0) {}
  std::uint64_t first;
  std::vector<unsigned char> bytes;
  std::uint64_t checked = 0;  // bytes compared
  std::uint64_t wrong = 0;
  std::string first_wrong;
};

/// Random requests into [first, first + size): 1 to `largest` bytes at any alignment, half of them writes, a third with byte enables.
struct Mix {
  explicit Mix(std::uint64_t seed, unsigned largest_ = 96) : random(seed), largest(largest_) {}
  void draw(AtRequest& request, std::uint64_t first, std::uint64_t size) {
    const auto length = static_cast<unsigned>(1 + bounded(random.next(), std::min<std::uint64_t>(largest, size)));
    const std::uint64_t offset = bounded(random.next(), size - length + 1);
    const bool read = bounded(random.next(), 2) == 0;
    request.payload.set_command(read ? tlm::TLM_READ_COMMAND : tlm::TLM_WRITE_COMMAND);
    request.payload.set_address(first + offset);
    request.data.resize(length);
    for (unsigned char& byte : request.data) byte = static_cast<unsigned char>(random.next());
    request.enables.clear();
    if (bounded(random.next(), 3) != 0) return;
    request.enables.resize(1 + bounded(random.next(), length));
    for (unsigned char& enable : request.enables) enable = (random.next() & 1) != 0 ? 0xff : 0;
  }
  SplitMix64 random;
  unsigned largest;
};

bool enabled(const AtRequest& request, std::size_t i) {
  return request.enables.empty() || request.enables[i % request.enables.size()] != 0;
}
/// The request is ordered now: what a write leaves behind, what a read must bring.
void order(Board& board, AtRequest& request) {
  unsigned char* const kept = &board.bytes[request.payload.get_address() - board.first];
  if (!request.payload.is_read()) {
    for (std::size_t i = 0; i < request.data.size(); ++i)
      if (enabled(request, i)) kept[i] = request.data[i];
    return;
  }
  request.expected = request.data;  // disabled bytes do not change
  for (std::size_t i = 0; i < request.data.size(); ++i)
    if (enabled(request, i)) request.expected[i] = kept[i];
}
void compare(Board& board, AtRequest& request) {
  EXPECT_EQ(request.payload.get_response_status(), tlm::TLM_OK_RESPONSE);
  if (!request.payload.is_read()) return;
  board.checked += request.data.size();
  if (request.data == request.expected) return;
  if (++board.wrong == 1)
    board.first_wrong = "a read of " + std::to_string(request.data.size()) + " bytes at " +
                        std::to_string(request.payload.get_address()) + ", sent at " + request.sent.to_string();
}
void expect_good(const Board& board, std::uint64_t least) {
  EXPECT_EQ(board.wrong, 0u) << "the first: " << board.first_wrong;
  EXPECT_GT(board.checked, least) << "bytes";
}
void expect_memory(Package& package, const Board& board) {
  std::vector<unsigned char> held(board.bytes.size());
  package.memory()->read(board.first, held.data(), held.size());
  EXPECT_TRUE(held == board.bytes) << "what memory holds in the end";
}

const char* const kReference = "extends: reference/hbm3_6400\nmemory: {data: sparse}\n";
const char* const kGpu = "extends: h100_sxm5\nmemory: {data: sparse}\n";
/// One error in some hundred reads, half of them read again.
const std::vector<std::string> kErrors = {"hbm.ecc.mode=sideband", "hbm.ecc.bit_error_rate=1e-4",
                                          "hbm.ecc.latency=3ns"};

void blocking(const std::string& text, int count, std::uint64_t size, const std::vector<std::string>& settings = {}) {
  Package package("package_0", platform(text, settings));
  Board board(4096, size);
  Thread thread("thread", [&](Thread& self) {
    Mix mix(7);
    AtRequest request;
    for (int i = 0; i < count; ++i) {
      mix.draw(request, board.first, size);
      order(board, request);
      const auto length = static_cast<unsigned>(request.data.size());
      request.payload.set_response_status(self.access(request.payload.get_command(), request.payload.get_address(),
                                                      request.data.data(), length, {}, request.enables));
      compare(board, request);
    }
  });
  thread.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  expect_good(board, static_cast<std::uint64_t>(count) * 15);
  expect_memory(package, board);
}
TEST(ForeignData, BlockingAtTheDoors) {
  blocking(std::string(kReference) + "foreign: {cpu: {at: hbm}}\n", 150'000, 4096);
}
TEST(ForeignData, BlockingOverCaches) { blocking(std::string(kGpu) + "foreign: {cpu: {at: die_0}}\n", 100'000, 16384); }
TEST(ForeignData, BlockingWithErrorsThatAreReadAgain) {
  blocking(std::string(kReference) + "foreign: {cpu: {at: hbm}}\n", 30'000, 4096, kErrors);
}

TEST(ForeignData, AUsersMemoryHoldsTheSame) {
  Package package("package_0", platform(std::string(kReference) + "foreign: {cpu: {at: hbm}, dram: {role: target, "
                                                                  "in_place_of: hbm_stack_0}}\n"));
  UserMemory memory("memory", ns(70));
  package.initiator_socket("dram").bind(memory.socket);
  Board board(4096, 4096);
  Mix mix(5);
  int made = 0;
  AtInitiator cpu(
      "cpu", {},
      [&](AtRequest& request) {
        if (made++ == 20'000) return false;
        mix.draw(request, board.first, board.bytes.size());
        order(board, request);
        return true;
      },
      [&](AtRequest& request) { compare(board, request); });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  expect_good(board, 100'000);
  expect_memory(package, board);
  std::vector<unsigned char> held(board.bytes.size());
  Payload payload;
  payload.set_read();
  payload.set_address(board.first);
  payload.set_data_ptr(held.data());
  payload.set_data_length(static_cast<unsigned>(held.size()));
  package.initiator_socket("dram")->transport_dbg(payload);
  EXPECT_TRUE(held == board.bytes) << "what the user's memory holds: there is no cache before it";
}

void non_blocking(const std::string& text, std::uint64_t count, std::uint64_t size, const AtInitiator::Style& style,
                  const std::vector<std::string>& settings = {}, bool replays = false) {
  Package package("package_0", platform(text, settings));
  Board board(4096, size);
  Mix mix(11, 200);
  std::uint64_t made = 0;
  AtInitiator cpu(
      "cpu", style,
      [&](AtRequest& request) {
        if (made++ == count) return false;
        mix.draw(request, board.first, size);
        order(board, request);
        return true;
      },
      [&](AtRequest& request) { compare(board, request); });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  expect_good(board, count * 25);
  expect_memory(package, board);
  EXPECT_GT(cpu.most_outstanding, style.outstanding / 2);
  if (!replays) return;
  EXPECT_GT(package.results().hbm->counters.errors.value().replayed, 10u) << "reads have been replayed";
}
AtInitiator::Style many(std::size_t outstanding, AtInitiator::Ending ending) {
  AtInitiator::Style style;
  style.outstanding = outstanding;
  style.ending = ending;
  return style;
}
TEST(ForeignData, ManyOutstandingAtTheDoors) {
  non_blocking(std::string(kReference) + "foreign: {cpu: {at: hbm}}\n", 200'000, 2048,
               many(64, AtInitiator::Ending::completed), kErrors, true);
}
TEST(ForeignData, ManyOutstandingOverCaches) {
  non_blocking(std::string(kGpu) + "foreign: {cpu: {at: die_0, max_outstanding: 256}}\n", 200'000, 8192,
               many(300, AtInitiator::Ending::later));
}
TEST(ForeignData, ManyOutstandingOverCachesThatMiss) {
  // Far more than the caches hold, and errors: reads are replayed behind them.
  non_blocking(std::string(kGpu) + "foreign: {cpu: {at: die_0, max_outstanding: 256}}\n", 60'000, 48u << 20,
               many(200, AtInitiator::Ending::updated), kErrors, true);
}
TEST(ForeignData, ManyOutstandingInPlaceOfADie) {
  non_blocking(std::string(kGpu) + "foreign: {cpu: {in_place_of: die_0, max_outstanding: 256}}\n", 100'000, 65536,
               many(200, AtInitiator::Ending::completed), kErrors, true);
}

/// Initiators in rounds: in each one every initiator has a slice of memory to itself, a different one each round, so that it
/// reads what others have written; and a part where all only read.
void rounds(const std::string& text, int initiators, int count, const std::vector<std::string>& settings = {}) {
  Package package("package_0", platform(text, settings));
  constexpr std::uint64_t kSlice = 3000;  // no multiple of anything
  Board board(1 << 20, kSlice * static_cast<unsigned>(initiators));
  constexpr int kPerRound = 40;
  int waiting = 0, active = initiators;
  sc_core::sc_event all_here;
  const auto meet = [&] {
    if (++waiting == active) {
      waiting = 0;
      all_here.notify(sc_core::SC_ZERO_TIME);
    }
    sc_core::wait(all_here);
  };
  std::vector<std::unique_ptr<AtInitiator>> all;
  std::vector<std::unique_ptr<Mix>> mixes;
  for (int k = 0; k < initiators; ++k) {
    mixes.push_back(std::make_unique<Mix>(100 + static_cast<unsigned>(k), 150));
    all.push_back(std::make_unique<AtInitiator>(
        ("initiator_" + std::to_string(k)).c_str(), many(32, static_cast<AtInitiator::Ending>(k % 3)),
        [&, k, made = 0](AtRequest& request) mutable {
          if (made == count) {
            all[static_cast<std::size_t>(k)]->drain();
            meet();
            return false;
          }
          if (made % kPerRound == 0) {
            all[static_cast<std::size_t>(k)]->drain();
            meet();
          }
          const auto slice = static_cast<std::uint64_t>((k + made / kPerRound) % initiators);
          ++made;
          mixes[static_cast<std::size_t>(k)]->draw(request, board.first + slice * kSlice, kSlice);
          order(board, request);
          return true;
        },
        [&](AtRequest& request) { compare(board, request); }));
    all.back()->socket.bind(package.target_socket("cpu_" + std::to_string(k / 2), k % 2));
  }
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  expect_good(board, static_cast<std::uint64_t>(initiators * count) * 15);
  expect_memory(package, board);
}
TEST(ForeignData, InitiatorsInRoundsAtTheDoors) {
  rounds(std::string(kReference) + "foreign: {cpu_0: {at: hbm, sockets: 2}, cpu_1: {at: hbm, sockets: 2}}\n", 4, 25'000,
         kErrors);
}
TEST(ForeignData, InitiatorsInRoundsOverCaches) {
  rounds(std::string(kGpu) + "foreign: {cpu_0: {at: die_0, sockets: 2}, cpu_1: {at: off_package, sockets: 2}}\n", 4,
         25'000);
}

TEST(ForeignData, InitiatorsThatAccessTheSameBytesAreOrderedByTime) {
  // Two write the same word at different times; who called later wins, on whatever socket, whichever entered the package first.
  Package package("package_0", platform(std::string(kReference) +
                                        "foreign: {a: {at: hbm, crossing_latency: 90ns}, b: {at: hbm}}\n"));
  std::vector<std::unique_ptr<Thread>> threads;
  for (const char* const name : {"a", "b"}) {
    const bool first = name[0] == 'a';
    threads.push_back(std::make_unique<Thread>(name, [first](Thread& self) {
      for (unsigned i = 0; i < 50; ++i) {
        std::uint32_t value = first ? 1 : 2;
        wait(ns(1000.0 * (i + 1)) - sc_core::sc_time_stamp() + ns(first ? 0 : i));
        self.write(64 * i, reinterpret_cast<unsigned char*>(&value), 4);
      }
    }));
    threads.back()->socket.bind(package.target_socket(name));
  }
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  // a's takes effect 90 ns after its call, b's 50 ns after: from a distance of 41 ns on b is the later one. At 40 they meet, and
  // the first name goes first.
  for (unsigned i = 0; i < 50; ++i) {
    std::uint32_t value = 0;
    package.memory()->read(64 * i, reinterpret_cast<unsigned char*>(&value), 4);
    EXPECT_EQ(value, i >= 40 ? 2u : 1u) << i;
  }
}

TEST(ForeignData, AScoreboardSeesABitThatFlips) {  // negative control
  Package package("package_0", platform(std::string(kReference) + "foreign: {cpu: {at: hbm}}\n"));
  Board board(4096, 256);
  Mix mix(3);
  int made = 0;
  AtInitiator cpu(
      "cpu", {},
      [&](AtRequest& request) {
        if (made++ == 300) return false;
        if (made == 150) {
          unsigned char byte = 0;
          package.memory()->read(4200, &byte, 1);
          byte ^= 1;
          package.memory()->write(4200, &byte, 1);
        }
        mix.draw(request, board.first, board.bytes.size());
        order(board, request);
        return true;
      },
      [&](AtRequest& request) { compare(board, request); });
  cpu.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start();
  package.stop();
  expect_clean(package);
  EXPECT_GT(board.wrong, 0u);
  EXPECT_FALSE(board.first_wrong.empty());
}

}  // namespace
