// Files that are put into memory before a run: the entries of memory.load.
//
//   FILE@ADDRESS  raw binary, its first byte at ADDRESS
//   FILE          ELF, 32 or 64 bits, little endian: bytes of its loadable segments at their physical addresses, zeros
//                 behind them up to the segment's size in memory
//                 (System V Application Binary Interface, chapters 4 and 5: Object Files, Program Loading)
//   FILE          Intel HEX, record types 00 to 05; start addresses (03, 05) have nobody to start here
//                 (Intel, Hexadecimal Object File Format Specification, revision A, 1988)
//   FILE@OFFSET   of the last two: added to every address of the file
//
// What a file is, its content says (ELF), then its name (.hex, .ihex: Intel HEX); anything else is raw. An address is
// decimal, 0x... or has a unit (1GiB). Two bytes for one address, of two entries or of one HEX file, are an error.
// Files are read piece by piece, and zeros take no memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/parameter.h"
#include "core/sparse_memory.h"
#include "platforms/config/value.h"

namespace cowosim::platforms::config {

struct MemoryImage {
  std::string file;
  std::optional<std::uint64_t> address;
};
/// An entry of memory.load. Without a value, `error` says what is wrong and what would be right.
std::optional<MemoryImage> parse_memory_image(const std::string& entry, std::string& error);

/// Finds the files, in the working directory, then in `directories`, and writes them absolutely into the entries. Problems are of
/// "load.<index>".
std::vector<ParameterProblem> resolve_memory_images(std::vector<std::string>& entries,
                                                    const std::vector<std::filesystem::path>& directories);

/// Loads every entry of a resolved list. Errors are reported where the entry was written (`path` is the list's), those inside a HEX file in
/// its line; after one, memory holds nothing to rely on.
void load_memory_images(const Value& entries, const std::string& path, SparseMemory& memory, Diagnostics& diagnostics);

}  // namespace cowosim::platforms::config
