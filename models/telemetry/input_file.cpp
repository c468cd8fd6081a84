#include "telemetry/input_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/error.h"

namespace cowosim::telemetry {

namespace {

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

struct InputFile::Stream {
  boost::iostreams::filtering_istreambuf filters;
  std::ifstream file;
};

InputFile::InputFile(const std::string& file, const std::string& what)
    : stream_(std::make_unique<Stream>()), file_(file), what_(what) {
  stream_->file.open(file, std::ios::binary);
  // A directory opens and then cannot be read.
  if (!stream_->file || (stream_->file.peek(), stream_->file.bad()))
    throw ConfigError(Diagnostic{file, 0, 0, "", fmt::format("cannot read the {}: {}", what, std::strerror(errno))});
  stream_->file.clear();
  if (ends_with(file, ".gz")) {
    stream_->filters.push(boost::iostreams::gzip_decompressor());
  } else if (ends_with(file, ".zst")) {
    stream_->filters.push(boost::iostreams::zstd_decompressor());
  }
  stream_->filters.push(stream_->file);
}

InputFile::~InputFile() = default;

std::size_t InputFile::read(char* buffer, std::size_t size, int line) {
  try {
    const std::streamsize count = stream_->filters.sgetn(buffer, static_cast<std::streamsize>(size));
    return static_cast<std::size_t>(std::max<std::streamsize>(count, 0));
  } catch (const std::ios_base::failure& failure) {  // gzip_error and zstd_error are failures
    throw ConfigError(Diagnostic{
        file_, line, 1, "",
        fmt::format("cannot decompress the {} ({}); it must be what its ending says", what_, failure.what())});
  }
}

}  // namespace cowosim::telemetry
