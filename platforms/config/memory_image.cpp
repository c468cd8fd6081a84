#include "platforms/config/memory_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "core/units.h"

namespace cowosim::platforms::config {

namespace fs = std::filesystem;

namespace {

bool is_regular(const fs::path& file) {
  std::error_code code;
  return fs::is_regular_file(file, code);
}

/// Which addresses already have their bytes, and whose they are. Extents do not overlap.
class Extents {
 public:
  struct Extent {
    std::uint64_t first;
    std::uint64_t last;
    std::size_t image;
  };

  /// One that holds bytes of first to last: another image's if there is one. `last` >= `first`.
  std::optional<Extent> find(std::uint64_t first, std::uint64_t last, std::size_t image) const {
    std::optional<Extent> own;
    for (auto it = begin_of(first); it != extents_.end() && it->first <= last; ++it) {
      const Extent extent{it->first, it->second.last, it->second.image};
      if (extent.image != image) return extent;
      own = extent;
    }
    return own;
  }

  /// No other image may hold any of it.
  void insert(std::uint64_t first, std::uint64_t last, std::size_t image) {
    auto it = begin_of(first);
    // What goes on where the one before ends is one with it: HEX files have a record for every few bytes.
    if (it != extents_.begin()) {
      const auto before = std::prev(it);
      if (before->second.image == image && before->second.last + 1 == first) it = before;
    }
    while (it != extents_.end() && it->first <= last) {
      first = std::min(first, it->first);
      last = std::max(last, it->second.last);
      it = extents_.erase(it);
    }
    extents_.emplace(first, Rest{last, image});
  }

 private:
  struct Rest {
    std::uint64_t last;
    std::size_t image;
  };
  /// The first extent that ends at `address` or behind it.
  std::map<std::uint64_t, Rest>::const_iterator begin_of(std::uint64_t address) const {
    auto it = extents_.upper_bound(address);
    return it != extents_.begin() && std::prev(it)->second.last >= address ? std::prev(it) : it;
  }
  std::map<std::uint64_t, Rest> extents_;  // by first
};

/// Loads one entry; the first error in it ends it as ConfigError.
class Loader {
 public:
  Loader(SparseMemory& memory, Extents& extents, const std::vector<std::string>& entries, std::size_t index,
         Origin origin, std::string path)
      : memory_(memory),
        extents_(extents),
        entries_(entries),
        index_(index),
        origin_(std::move(origin)),
        path_(std::move(path)) {}

  void load() {
    std::string error;
    const auto image = parse_memory_image(entries_[index_], error);
    if (!image) fail(error);
    name_ = image->file;
    offset_ = image->address.value_or(0);
    if (!is_regular(name_)) fail(fmt::format("{}: is no regular file", name_));
    file_.open(name_, std::ios::binary);
    if (!file_) fail(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
    std::error_code code;
    size_ = fs::file_size(name_, code);
    if (code) fail(fmt::format("{}: cannot be read: {}", name_, code.message()));
    if (size_ == 0) fail(fmt::format("{}: is empty; there is nothing to load", name_));

    std::array<char, SELFMAG> magic{};
    file_.read(magic.data(), magic.size());
    const bool elf = file_.gcount() == SELFMAG && std::equal(magic.begin(), magic.end(), ELFMAG);
    file_.clear();
    const std::string ending = fs::path(name_).extension().string();
    if (elf) {
      load_elf();
    } else if (ending == ".hex" || ending == ".ihex") {
      file_.seekg(0);
      load_hex();
    } else {
      if (!image->address)
        fail(fmt::format(
            "{}: is neither ELF nor Intel HEX (.hex, .ihex), and raw binary needs an address: FILE@ADDRESS", name_));
      claim(offset_, size_, "");
      copy(0, size_, offset_);
    }
  }

 private:
  [[noreturn]] void fail(std::string message) const {
    throw ConfigError(Diagnostic{origin_.file, origin_.line, origin_.column, path_, std::move(message)});
  }
  [[noreturn]] void fail_in_line(int column, std::string message) const {
    throw ConfigError(Diagnostic{name_, line_, column, "", std::move(message)});
  }

  /// Checks that the bytes are inside memory and nobody else's, and makes them this image's. `what` is part of messages, or empty.
  void claim(std::uint64_t address, std::uint64_t length, const std::string& what) {
    const auto bad = [&](const std::string& message) {
      if (line_ > 0) fail_in_line(kAddressColumn, message);
      fail(fmt::format("{}: {}{}", name_, what, message));
    };
    if (!memory_.contains(address, length)) bad(memory_.describe_outside(address, length));
    const std::uint64_t last = address + (length - 1);
    if (const auto taken = extents_.find(address, last, index_)) {
      const std::uint64_t from = std::max(address, taken->first), to = std::min(last, taken->last);
      if (taken->image != index_)
        bad(fmt::format("'{}' and '{}' overlap: both have bytes for {:#x} to {:#x}", entries_[taken->image],
                        entries_[index_], from, to));
      // Segments of a program may share physical addresses (zeros behind one of them, usually); records may not.
      if (line_ > 0) bad(fmt::format("the file has bytes for {:#x} to {:#x} twice", from, to));
    }
    extents_.insert(address, last, index_);
  }

  /// Bytes of the file into memory, page by page, so that zeros need none.
  void copy(std::uint64_t from, std::uint64_t length, std::uint64_t address) {
    buffer_.resize(SparseMemory::kPageBytes);
    file_.seekg(static_cast<std::streamoff>(from));
    while (length > 0) {
      const std::uint64_t part = std::min(length, SparseMemory::kPageBytes - address % SparseMemory::kPageBytes);
      file_.read(buffer_.data(), static_cast<std::streamsize>(part));
      if (static_cast<std::uint64_t>(file_.gcount()) != part)
        fail(fmt::format("{}: cannot be read: it ended {} bytes early", name_,
                         length - static_cast<std::uint64_t>(file_.gcount())));
      memory_.write(address, reinterpret_cast<const unsigned char*>(buffer_.data()), part);
      address += part;
      length -= part;
    }
  }

  void load_elf();
  void load_hex();
  void load_record(const char* text, int length);

  static constexpr int kAddressColumn = 4;

  SparseMemory& memory_;
  Extents& extents_;
  const std::vector<std::string>& entries_;
  const std::size_t index_;
  const Origin origin_;  // of the entry
  const std::string path_;
  std::string name_;
  std::uint64_t offset_ = 0;
  std::ifstream file_;
  std::uint64_t size_ = 0;
  std::vector<char> buffer_;
  // Of a HEX file
  int line_ = 0;
  bool ended_ = false;
  bool segmented_ = false;
  std::uint64_t base_ = 0;
};

void Loader::load_elf() {
  struct Descriptor {
    int number;
    ~Descriptor() {
      if (number >= 0) close(number);
    }
  };
  const auto broken = [&](const std::string& what) { fail(fmt::format("{}: {}", name_, what)); };
  elf_version(EV_CURRENT);
  const Descriptor descriptor{open(name_.c_str(), O_RDONLY | O_CLOEXEC)};
  if (descriptor.number < 0) broken(fmt::format("cannot be read: {}", std::strerror(errno)));
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(elf_begin(descriptor.number, ELF_C_READ, nullptr), elf_end);
  GElf_Ehdr header;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr)
    broken(fmt::format("the ELF header is cut off or malformed ({})", elf_errmsg(-1)));
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) broken("is not little endian; expected a little-endian ELF file");
  std::size_t count = 0;
  if (elf_getphdrnum(elf.get(), &count) != 0)
    broken(fmt::format("the table of segments is cut off or malformed ({})", elf_errmsg(-1)));
  // libelf leaves out what lies behind the end of the file without a word.
  if (header.e_phnum != PN_XNUM && count != header.e_phnum)
    broken(fmt::format("the file is cut off: it ends inside the table of its {} segments", header.e_phnum));

  struct Segment {
    std::uint64_t address, from, bytes;
  };
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr)
      broken(fmt::format("segment {} is malformed ({})", i, elf_errmsg(-1)));
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
    if (segment.p_filesz > segment.p_memsz)
      broken(
          fmt::format("segment {} has {} bytes in the file, but {} in memory", i, segment.p_filesz, segment.p_memsz));
    if (segment.p_offset > size_ || segment.p_filesz > size_ - segment.p_offset)
      broken(fmt::format("the file is cut off: segment {} has {} bytes from {} on, but the file {} bytes", i,
                         segment.p_filesz, segment.p_offset, size_));
    const std::uint64_t address = segment.p_paddr + offset_;
    if (address < offset_)
      broken(fmt::format("segment {}: {:#x} + {:#x} lies outside memory, which ends at {:#x} ({} bytes)", i,
                         segment.p_paddr, offset_, memory_.capacity(), memory_.capacity()));
    claim(address, segment.p_memsz, fmt::format("segment {}: ", i));
    memory_.clear(address + segment.p_filesz, segment.p_memsz - segment.p_filesz);
    segments.push_back({address, segment.p_offset, segment.p_filesz});
  }
  if (segments.empty()) broken("has no segment to load; expected a linked program (object files have none)");
  // Bytes of one segment win over the zeros of another.
  for (const Segment& segment : segments) copy(segment.from, segment.bytes, segment.address);
}

void Loader::load_hex() {
  // ':', count, address, type, 255 bytes, checksum; room for the ends of lines, too.
  std::array<char, 1 + 2 * (1 + 2 + 1 + 255 + 1) + 3> text;
  for (line_ = 1;; ++line_) {
    file_.getline(text.data(), text.size());
    auto length = static_cast<int>(file_.gcount());
    if (file_.bad()) fail(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
    if (file_.fail() && !file_.eof())
      fail_in_line(length + 1, "the line is longer than any record; is this an Intel HEX file?");
    const bool last = file_.eof();
    if (!last) --length;  // the end of the line was counted
    if (length > 0 && text[static_cast<std::size_t>(length - 1)] == '\r') --length;
    if (length > 0) load_record(text.data(), length);
    if (last) break;
  }
  if (!ended_) fail_in_line(1, "the file is cut off: it has no end record (:00000001FF)");
  line_ = 0;
}

void Loader::load_record(const char* text, int length) {
  if (ended_) fail_in_line(1, "there is something behind the end record (type 01)");
  if (text[0] != ':') fail_in_line(1, fmt::format("{} begins no record; expected ':'", quote({text, 1})));
  std::array<unsigned char, 262> bytes{};
  for (int i = 1; i < length; ++i) {
    const auto digit = static_cast<unsigned char>(text[i]);
    const bool decimal = digit >= '0' && digit <= '9';
    const unsigned char letter = digit | 0x20;
    if (!decimal && (letter < 'a' || letter > 'f'))
      fail_in_line(i + 1, fmt::format("{} is not a hexadecimal digit", quote({text + i, 1})));
    const auto value = static_cast<unsigned char>(decimal ? digit - '0' : letter - 'a' + 10);
    unsigned char& byte = bytes[static_cast<std::size_t>((i - 1) / 2)];
    byte = static_cast<unsigned char>(byte << 4 | value);
  }
  constexpr int kShortest = 11;
  const unsigned count = bytes[0];
  const int expected = kShortest + 2 * static_cast<int>(count);
  if (length < kShortest)
    fail_in_line(length + 1, fmt::format("the record is cut off: {} characters, at least {}", length, kShortest));
  if (length != expected)
    fail_in_line(2, fmt::format("a record of {} data bytes has {} characters, this one {}", count, expected, length));
  unsigned sum = 0;
  for (unsigned i = 0; i < count + 4; ++i) sum += bytes[i];
  const unsigned checksum = (0u - sum) & 0xff;
  if (bytes[count + 4] != checksum)
    fail_in_line(length - 1,
                 fmt::format("the checksum is {:02X}, but that of the record is {:02X}", bytes[count + 4], checksum));

  const unsigned type = bytes[3];
  const std::uint64_t at = static_cast<std::uint64_t>(bytes[1]) << 8 | bytes[2];
  constexpr std::array<int, 6> kCounts = {-1, 0, 2, 4, 2, 4};
  if (type >= kCounts.size()) fail_in_line(8, fmt::format("there is no record type {:02X}; expected 00 to 05", type));
  if (kCounts[type] >= 0 && static_cast<int>(count) != kCounts[type])
    fail_in_line(2, fmt::format("a record of type {:02X} has {} data bytes, this one {}", type, kCounts[type], count));
  const unsigned char* data = bytes.data() + 4;
  if (type == 1) {
    ended_ = true;
  } else if (type == 2 || type == 4) {
    segmented_ = type == 2;
    base_ = (static_cast<std::uint64_t>(data[0]) << 8 | data[1]) << (segmented_ ? 4 : 16);
  } else if (type == 0) {
    // Addresses wrap at the end of a segment, or of the 4 GiB there are.
    const std::uint64_t wraps_at = segmented_ ? base_ + 0x10000 : std::uint64_t{1} << 32;
    const std::uint64_t straight = std::min<std::uint64_t>(count, wraps_at - (base_ + at));
    const auto put = [&](std::uint64_t address, const unsigned char* from, std::uint64_t bytes_here) {
      if (bytes_here == 0) return;
      claim(address + offset_, bytes_here, "");
      memory_.write(address + offset_, from, bytes_here);
    };
    put(base_ + at, data, straight);
    put(segmented_ ? base_ : 0, data + straight, count - straight);
  }
}

}  // namespace

std::optional<MemoryImage> parse_memory_image(const std::string& entry, std::string& error) {
  MemoryImage image;
  std::size_t split = entry.rfind('@');
  if (split != std::string::npos && entry.find('/', split) != std::string::npos)
    split = std::string::npos;  // a folder's
  image.file = entry.substr(0, split);
  if (image.file.empty()) {
    error = fmt::format("{} names no file; expected FILE or FILE@ADDRESS", quote(entry));
    return std::nullopt;
  }
  if (split == std::string::npos) return image;
  const std::string text = entry.substr(split + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool plain =
      text.compare(0, 2, "0x") == 0 || text.compare(0, 2, "0X") == 0 || std::all_of(text.begin(), text.end(), is_digit);
  std::string unused;
  const auto address = parse_integer(text, plain ? Unit::none : Unit::bytes, unused);
  if (!address || *address < 0) {
    error =
        fmt::format("{} is not an address; expected FILE@ADDRESS with a decimal number, 0x... or a unit, such as 1GiB",
                    quote(text));
    return std::nullopt;
  }
  image.address = static_cast<std::uint64_t>(*address);
  return image;
}

std::vector<ParameterProblem> resolve_memory_images(std::vector<std::string>& entries,
                                                    const std::vector<fs::path>& directories) {
  std::vector<ParameterProblem> problems;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::string& entry = entries[i];
    std::string error;
    const auto image = parse_memory_image(entry, error);
    if (!image) {
      problems.push_back({fmt::format("load.{}", i), error});
      continue;
    }
    std::vector<fs::path> places{image->file};
    if (!fs::path(image->file).is_absolute()) {
      for (const fs::path& directory : directories) places.push_back(directory / image->file);
    }
    std::error_code code;
    const auto found =
        std::find_if(places.begin(), places.end(), [&](const fs::path& place) { return fs::exists(place, code); });
    if (found == places.end()) {
      problems.push_back({fmt::format("load.{}", i), fmt::format("{} does not exist; expected a file in the working "
                                                                 "directory or those of -I",
                                                                 quote(image->file))});
      continue;
    }
    entry = fs::absolute(*found).string() + entry.substr(image->file.size());
  }
  return problems;
}

void load_memory_images(const Value& entries, const std::string& path, SparseMemory& memory, Diagnostics& diagnostics) {
  Extents extents;
  std::vector<std::string> texts;
  for (const Value& item : entries.items) texts.push_back(item.text);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    try {
      Loader(memory, extents, texts, i, entries.items[i].origin, fmt::format("{}.{}", path, i)).load();
    } catch (const ConfigError& error) {
      for (const Diagnostic& diagnostic : error.diagnostics()) diagnostics.add(diagnostic);
    }
  }
}

}  // namespace cowosim::platforms::config
