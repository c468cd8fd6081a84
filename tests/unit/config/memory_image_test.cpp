#include "platforms/config/memory_image.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "unit/config/support.h"

namespace cowosim::platforms::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kPage = SparseMemory::kPageBytes;
constexpr std::uint64_t kCapacity = 64 * kPage;

/// A list as a platform file has it: entry i in line i + 1.
Value list_of(const std::vector<std::string>& entries) {
  Value list = Value::list({"p.yaml", 1, 1});
  for (const std::string& entry : entries)
    list.items.push_back(Value::scalar(entry, {"p.yaml", static_cast<int>(list.items.size()) + 1, 5}));
  return list;
}

std::vector<std::string> load(const std::vector<std::string>& entries, SparseMemory& memory) {
  Diagnostics diagnostics;
  load_memory_images(list_of(entries), "memory.load", memory, diagnostics);
  return lines_of(diagnostics);
}

/// What comes of loading into a memory of its own.
std::vector<std::string> errors(const std::vector<std::string>& entries) {
  SparseMemory memory(kCapacity);
  return load(entries, memory);
}

std::string text_at(const SparseMemory& memory, std::uint64_t address, std::size_t length) {
  std::string text(length, '?');
  memory.read(address, reinterpret_cast<unsigned char*>(text.data()), length);
  return text;
}

/// Little-endian bytes.
std::string bytes_of(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

struct Segment {
  std::uint32_t type = 1;  // PT_LOAD
  std::uint64_t address = 0;
  std::string bytes;
  std::uint64_t zeros = 0;       // behind the bytes, in memory only
  std::int64_t memory_less = 0;  // bytes of the file that memory lacks: malformed
};
constexpr std::uint32_t kNote = 4;

/// A program of these segments: header, table, then the bytes in order. Virtual addresses are others than physical ones.
std::string elf(int bits, const std::vector<Segment>& segments) {
  const bool wide = bits == 64;
  const int word = wide ? 8 : 4;
  const std::size_t header = wide ? 64 : 52, entry = wide ? 56 : 32;
  std::string out = std::string("\x7f") + "ELF" + (wide ? '\2' : '\1') + "\1\1" + std::string(9, '\0');
  out += bytes_of(2, 2) + bytes_of(wide ? 243 : 3, 2) + bytes_of(1, 4);        // executable, machine, version
  out += bytes_of(0x1000, word) + bytes_of(header, word) + bytes_of(0, word);  // entry, segments, sections
  out += bytes_of(0, 4) + bytes_of(header, 2) + bytes_of(entry, 2);            // flags, sizes
  out += bytes_of(segments.size(), 2) + bytes_of(0, 2) + bytes_of(0, 2) + bytes_of(0, 2);
  std::uint64_t offset = header + entry * segments.size();
  for (const Segment& s : segments) {
    const std::uint64_t in_memory = s.bytes.size() + s.zeros - static_cast<std::uint64_t>(s.memory_less);
    out += bytes_of(s.type, 4) + (wide ? bytes_of(5, 4) : "") + bytes_of(offset, word);
    out += bytes_of(s.address + 0x40000000, word) + bytes_of(s.address, word);
    out +=
        bytes_of(s.bytes.size(), word) + bytes_of(in_memory, word) + (wide ? "" : bytes_of(5, 4)) + bytes_of(4, word);
    offset += s.bytes.size();
  }
  for (const Segment& s : segments) out += s.bytes;
  return out;
}

std::string record(unsigned type, unsigned address, const std::string& data) {
  std::string bytes =
      bytes_of(data.size(), 1) + bytes_of(address >> 8, 1) + bytes_of(address, 1) + bytes_of(type, 1) + data;
  unsigned sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  bytes += static_cast<char>(0x100 - (sum & 0xff));
  std::string line = ":";
  for (const char c : bytes) line += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return line + "\n";
}
std::string upper(unsigned type, unsigned value) {
  return record(type, 0, {static_cast<char>(value >> 8), static_cast<char>(value)});
}
const std::string kEnd = ":00000001FF\n";

TEST(MemoryImage, EntriesAreAFileAndPerhapsAnAddress) {
  const auto parsed = [](const std::string& entry) -> std::string {
    std::string error;
    const auto image = parse_memory_image(entry, error);
    if (!image) return error;
    return image->address ? fmt::format("{} at {}", image->file, *image->address) : image->file;
  };
  EXPECT_EQ(parsed("a.elf"), "a.elf");
  EXPECT_EQ(parsed("a.bin@0"), "a.bin at 0");
  EXPECT_EQ(parsed("a.bin@4096"), "a.bin at 4096");
  EXPECT_EQ(parsed("a.bin@0x1F"), "a.bin at 31");
  EXPECT_EQ(parsed("a.bin@1GiB"), "a.bin at 1073741824");
  EXPECT_EQ(parsed("a@b.bin@2KiB"), "a@b.bin at 2048");
  EXPECT_EQ(parsed("me@here/a.elf"), "me@here/a.elf") << "a folder's @";
  EXPECT_EQ(parsed("@0"), "'@0' names no file; expected FILE or FILE@ADDRESS");
  EXPECT_EQ(parsed(""), "'' names no file; expected FILE or FILE@ADDRESS");
  const std::string expected =
      " is not an address; expected FILE@ADDRESS with a decimal number, 0x... or a unit, such as 1GiB";
  for (const std::string bad :
       {"", "x", "0x", "0xg", "-1", "-1GiB", "1.5", "1GHz", "0.5B", "0x8000000000000000", "9EiB"})
    EXPECT_EQ(parsed("a.bin@" + bad), "'" + bad + "'" + expected);
}

TEST(MemoryImage, FilesAreFoundInTheDirectoriesInOrderAndNamedAbsolutely) {
  const TemporaryDirectory first, second;
  const std::string both = first.write("both.bin", "1");
  second.write("both.bin", "2");
  const std::string one = second.write("folder/one.elf", "3");
  std::vector<std::string> entries{"both.bin@1KiB", "folder/one.elf", one + "@0", "none.bin@0", "bad@x"};
  std::vector<std::string> problems;
  for (const ParameterProblem& problem : resolve_memory_images(entries, {first.path(), second.path()}))
    problems.push_back(problem.parameter + ": " + problem.message);
  EXPECT_THAT(problems,
              ElementsAre("load.3: 'none.bin' does not exist; expected a file in the working directory or those of -I",
                          "load.4: 'x' is not an address; expected FILE@ADDRESS with a decimal number, 0x... or a "
                          "unit, such as 1GiB"));
  EXPECT_THAT(entries, ElementsAre(both + "@1KiB", one, one + "@0", "none.bin@0", "bad@x"));
}

TEST(MemoryImage, RawBytesLieWhereTheEntrySays) {
  const TemporaryDirectory directory;
  std::string text;
  for (std::uint64_t i = 0; i < 3 * kPage; ++i) text += static_cast<char>(mix(1, i));
  SparseMemory memory(kCapacity);
  ASSERT_THAT(load({directory.write("a.bin", text) + "@0x12345"}, memory), IsEmpty());
  EXPECT_EQ(text_at(memory, 0x12345, text.size()), text);
  EXPECT_EQ(text_at(memory, 0x12344, 1) + text_at(memory, 0x12345 + text.size(), 1), std::string(2, '\0'));
  EXPECT_EQ(memory.pages(), 4u);
}

TEST(MemoryImage, ZerosTakeNoMemoryButReplaceWhatIsThere) {
  const TemporaryDirectory directory;
  std::string text(20 * kPage, '\0');
  text[5 * kPage + 3] = 'x';
  const std::string entry = directory.write("a.bin", text) + "@0";
  SparseMemory memory(kCapacity);
  ASSERT_THAT(load({entry}, memory), IsEmpty());
  EXPECT_EQ(memory.pages(), 1u);
  EXPECT_EQ(text_at(memory, 0, text.size()), text);

  SparseMemory filled(kCapacity,
                      [](std::uint64_t, unsigned char* bytes, std::uint64_t n) { std::fill_n(bytes, n, 'f'); });
  const std::string program = directory.write("a", elf(64, {{1, 0x200000, "code", 10 * kPage, 0}}));
  ASSERT_THAT(load({entry, program}, filled), IsEmpty());
  EXPECT_EQ(text_at(filled, 0, text.size() + 1), text + "f");
  EXPECT_EQ(text_at(filled, 0x200000 - 1, 10 * kPage + 6), "fcode" + std::string(10 * kPage, '\0') + "f");
}

TEST(MemoryImage, SegmentsLieAtTheirPhysicalAddresses) {
  const TemporaryDirectory directory;
  for (const int bits : {32, 64}) {
    const std::string file = directory.write("program", elf(bits, {{kNote, 0x9000, "a note", 0, 0},
                                                                   {1, 0x1000, "code", 0, 0},
                                                                   {1, 0x2ffff, "data", 100, 0},
                                                                   {1, 0, "", 0, 0}}));
    for (const std::uint64_t offset : {0, 0x30000}) {
      SparseMemory memory(kCapacity);
      ASSERT_THAT(load({offset == 0 ? file : file + "@0x30000"}, memory), IsEmpty());
      EXPECT_EQ(text_at(memory, offset + 0x1000, 5), std::string("code\0", 5)) << bits;
      EXPECT_EQ(text_at(memory, offset + 0x2ffff, 5), std::string("data\0", 5)) << bits;
      EXPECT_EQ(text_at(memory, offset + 0x9000, 6), std::string(6, '\0')) << "notes are not loaded";
      EXPECT_EQ(memory.pages(), 3u);
    }
  }
}

TEST(MemoryImage, SegmentsOfAProgramMayShareAddressesAndBytesWinOverZeros) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("a", elf(64, {{1, 0x1008, "data", 0, 0}, {1, 0x1000, "code", 20, 0}}));
  SparseMemory memory(kCapacity);
  ASSERT_THAT(load({file}, memory), IsEmpty());
  EXPECT_EQ(text_at(memory, 0x1000, 12), std::string("code\0\0\0\0data", 12));
}

TEST(MemoryImage, MalformedProgramsAreNamed) {
  const TemporaryDirectory directory;
  const auto error_of = [&](const std::string& text, const std::string& suffix = "") {
    const std::string file = directory.write("a", text);
    const auto all = errors({file + suffix});
    EXPECT_THAT(all, SizeIs(1));
    const std::string start = "p.yaml:1:5: error: memory.load.0: " + file + ": ";
    EXPECT_EQ(all.front().substr(0, start.size()), start);
    return all.front().substr(std::min(start.size(), all.front().size()));
  };
  for (const int bits : {32, 64}) {
    const std::string good = elf(bits, {{1, 0x1000, "code", 0, 0}, {1, 0x2000, "data", 0, 0}});
    const std::size_t table = bits == 64 ? 64 : 52;
    // Wherever it is cut off, that is said; all of it is fine.
    for (std::size_t length = 4; length < good.size(); ++length) {
      const std::string error = error_of(good.substr(0, length));
      EXPECT_THAT(error, ::testing::AnyOf(::testing::HasSubstr("cut off"), ::testing::HasSubstr("malformed")))
          << length;
    }
    EXPECT_THAT(errors({directory.write("a", good)}), IsEmpty());
    EXPECT_THAT(error_of(good.substr(0, table + 5)),
                ::testing::StartsWith("the file is cut off: it ends inside the table"));
    EXPECT_EQ(error_of(good.substr(0, good.size() - 1)),
              fmt::format("the file is cut off: segment 1 has 4 bytes from {} on, but the file {} bytes",
                          good.size() - 4, good.size() - 1));
  }
  std::string big = elf(64, {{1, 0x1000, "code", 0, 0}});
  big[5] = 2;
  EXPECT_EQ(error_of(big), "is not little endian; expected a little-endian ELF file");
  EXPECT_EQ(error_of(elf(64, {{kNote, 0x1000, "note", 0, 0}})),
            "has no segment to load; expected a linked program (object files have none)");
  EXPECT_EQ(error_of(elf(64, {{1, 0x1000, "code", 0, 1}})), "segment 0 has 4 bytes in the file, but 3 in memory");
  EXPECT_EQ(error_of(elf(64, {{1, 0x1000, "code", 0, 0}, {1, 1ull << 40, "data", 0, 0}})),
            "segment 1: 4 bytes at 0x10000000000 lie outside memory, which ends at 0x400000 (4194304 bytes)");
  EXPECT_EQ(error_of(elf(64, {{1, 0x3ffffc, "code", 1, 0}})),
            "segment 0: 5 bytes at 0x3ffffc lie outside memory, which ends at 0x400000 (4194304 bytes)");
  EXPECT_EQ(
      error_of(elf(64, {{1, 0x1000, "code", ~0ull - 7, 0}})),
      "segment 0: 18446744073709551612 bytes at 0x1000 lie outside memory, which ends at 0x400000 (4194304 bytes)");
  EXPECT_EQ(error_of(elf(64, {{1, ~0ull - 10, "code", 0, 0}}), "@4KiB"),
            "segment 0: 0xfffffffffffffff5 + 0x1000 lies outside memory, which ends at 0x400000 (4194304 bytes)");
}

TEST(MemoryImage, RecordsLieWhereTheOnesBeforeThemSay) {
  const TemporaryDirectory directory;
  std::string text = record(0, 0x10, "a");                       // no base yet
  text += upper(4, 0x0002) + record(0, 0xfffe, "bcd");           // 0x2fffe, on into the next 64 KiB
  text += upper(2, 0x1000) + record(0, 0xfffe, "efg");           // 0x1fffe, back to the segment's start
  text += record(3, 0, "abcd") + "\r\n" + record(5, 0, "abcd");  // start addresses, an empty line
  text += upper(4, 0xffff) + record(0, 0xffff, "hi");            // back from the end of 4 GiB to 0
  SparseMemory memory((std::uint64_t{1} << 32) + kPage);
  ASSERT_THAT(load({directory.write("a.hex", text + kEnd)}, memory), IsEmpty());
  EXPECT_EQ(text_at(memory, 0x10, 1), "a");
  EXPECT_EQ(text_at(memory, 0x2fffe, 3), "bcd");
  EXPECT_EQ(text_at(memory, 0x1fffe, 2) + text_at(memory, 0x10000, 1), "efg");
  EXPECT_EQ(text_at(memory, 0xffffffff, 1) + text_at(memory, 0, 1), "hi");

  std::string lower = record(0, 0xabcd, "\xab\xcd") + kEnd;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  lower.pop_back();  // the last line may have no end
  SparseMemory other(kCapacity);
  ASSERT_THAT(load({directory.write("a.ihex", lower) + "@0x10000"}, other), IsEmpty());
  EXPECT_EQ(text_at(other, 0x1abcd, 2), "\xab\xcd");
}

TEST(MemoryImage, RandomRecordsHoldWhatAMapOfBytesHolds) {
  const TemporaryDirectory directory;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SplitMix64 random(seed);
    const auto below = [&](std::uint64_t bound) {
      const std::uint64_t draw = random.next();
      return bounded(draw, bound);
    };
    std::map<std::uint64_t, char> model;
    std::string text;
    std::uint64_t base = 0;
    for (int i = 0; i < 400; ++i) {
      if (below(20) == 0) {
        const bool segment = below(2) == 0;
        const auto value = static_cast<unsigned>(segment ? below(0x3000) : below(0x3f));
        base = segment ? value << 4 : value << 16;
        text += upper(segment ? 2 : 4, value);
      }
      const std::uint64_t length = below(256);
      const std::uint64_t at = below(0x10000 - length + 1) & 0xffff;
      std::string data;
      bool twice = at + length > 0x10000;
      for (std::uint64_t b = 0; b < length; ++b) {
        data += static_cast<char>(below(256));
        twice = twice || model.count(base + at + b) > 0;
      }
      if (twice) continue;
      for (std::uint64_t b = 0; b < length; ++b) model[base + at + b] = data[b];
      text += record(0, static_cast<unsigned>(at), data);
    }
    SparseMemory memory(kCapacity);
    ASSERT_THAT(load({directory.write("a.hex", text + kEnd)}, memory), IsEmpty()) << "seed " << seed;
    std::string expected(kCapacity, '\0');
    for (const auto& [address, byte] : model) expected[address] = byte;
    ASSERT_GT(model.size(), 10000u);
    ASSERT_TRUE(text_at(memory, 0, kCapacity) == expected) << "seed " << seed;
  }
}

TEST(MemoryImage, MalformedRecordsAreErrorsInTheirLine) {
  const TemporaryDirectory directory;
  const std::string first = record(0, 0, "ab");
  const std::map<std::string, std::string> cases = {
      {first, "2:1: error: the file is cut off: it has no end record (:00000001FF)"},
      {first + kEnd + first, "3:1: error: there is something behind the end record (type 01)"},
      {first + "00000001FF\n", "2:1: error: '0' begins no record; expected ':'"},
      {":0000000zFF\n", "1:9: error: 'z' is not a hexadecimal digit"},
      {first + ":0000", "2:6: error: the record is cut off: 5 characters, at least 11"},
      {":020000006162\n", "1:2: error: a record of 2 data bytes has 15 characters, this one 13"},
      {":00000001FF0\n", "1:2: error: a record of 0 data bytes has 11 characters, this one 12"},
      {":0200000061623A\n", "1:14: error: the checksum is 3A, but that of the record is 3B"},
      {first + record(6, 0, ""), "2:8: error: there is no record type 06; expected 00 to 05"},
      {record(1, 0, "a"), "1:2: error: a record of type 01 has 0 data bytes, this one 1"},
      {record(4, 0, "abcd"), "1:2: error: a record of type 04 has 2 data bytes, this one 4"},
      {record(5, 0, "ab"), "1:2: error: a record of type 05 has 4 data bytes, this one 2"},
      {upper(4, 0x40) + record(0, 0x10, "ab"),
       "2:4: error: 2 bytes at 0x400010 lie outside memory, which ends at 0x400000 (4194304 bytes)"},
      {first + record(0, 1, "ab") + kEnd, "2:4: error: the file has bytes for 0x1 to 0x1 twice"},
      {first + std::string(1000000, '0'),
       "2:524: error: the line is longer than any record; is this an Intel HEX file?"}};
  for (const auto& [text, message] : cases) {
    const std::string file = directory.write("a.hex", text);
    EXPECT_THAT(errors({file}), ElementsAre(file + ":" + message));
  }
  const std::string file = directory.write("a.hex", first + kEnd);
  EXPECT_THAT(
      errors({file + "@1TiB"}),
      ElementsAre(file +
                  ":1:4: error: 2 bytes at 0x10000000000 lie outside memory, which ends at 0x400000 (4194304 bytes)"));
  EXPECT_THAT(errors({directory.write("a.hex", record(0, 0, std::string(255, 'x')) + kEnd)}), IsEmpty())
      << "the longest";
}

TEST(MemoryImage, OverlapsNameBothEntries) {
  const TemporaryDirectory directory;
  const std::string raw = directory.write("a.bin", std::string(0x100, 'a'));
  const std::string hex = directory.write("b.hex", record(0, 0x10fe, "bcde") + kEnd);
  const std::string program = directory.write("c", elf(32, {{1, 0x1200, "code", 0x100, 0}}));
  EXPECT_THAT(
      errors({raw + "@0x1000", raw + "@0x10ff"}),
      ElementsAre(fmt::format("p.yaml:2:5: error: memory.load.1: {0}: '{0}@0x1000' and '{0}@0x10ff' overlap: both "
                              "have bytes for 0x10ff to 0x10ff",
                              raw)));
  EXPECT_THAT(errors({raw + "@0x1000", hex}),
              ElementsAre(fmt::format(
                  "{1}:1:4: error: '{0}@0x1000' and '{1}' overlap: both have bytes for 0x10fe to 0x10ff", raw, hex)));
  EXPECT_THAT(
      errors({program, raw + "@0x1280"}),
      ElementsAre(fmt::format("p.yaml:2:5: error: memory.load.1: {0}: '{1}' and '{0}@0x1280' overlap: both have "
                              "bytes for 0x1280 to 0x1303",
                              raw, program)));
  // Side by side they do not overlap, in whatever order.
  EXPECT_THAT(errors({raw + "@0x1304", program, raw + "@0x1100", raw + "@0x1000"}), IsEmpty());
}

TEST(MemoryImage, EveryEntryWithAnErrorIsReported) {
  const TemporaryDirectory directory;
  const std::string raw = directory.write("a.bin", "abc");
  const std::string empty = directory.write("empty", "");
  const std::string folder = directory.path().string();
  EXPECT_THAT(
      errors({raw, empty + "@0", folder + "@0", raw + "@0x3ffffe", raw + "@0", "gone@0"}),
      ElementsAre("p.yaml:1:5: error: memory.load.0: " + raw +
                      ": is neither ELF nor Intel HEX (.hex, .ihex), and raw binary needs an address: FILE@ADDRESS",
                  "p.yaml:2:5: error: memory.load.1: " + empty + ": is empty; there is nothing to load",
                  "p.yaml:3:5: error: memory.load.2: " + folder + ": is no regular file",
                  "p.yaml:4:5: error: memory.load.3: " + raw +
                      ": 3 bytes at 0x3ffffe lie outside memory, which ends at 0x400000 (4194304 bytes)",
                  "p.yaml:6:5: error: memory.load.5: gone: is no regular file"));
}

}  // namespace
}  // namespace cowosim::platforms::config
