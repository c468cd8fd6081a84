// A file to read from front to back, plain or compressed (.gz, .zst by ending).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace cowosim::telemetry {

class InputFile {
 public:
  /// `what` is for messages: "trace". Throws ConfigError (core/error.h) if the file cannot be read.
  InputFile(const std::string& file, const std::string& what);
  ~InputFile();

  /// The next bytes, at most `size`; 0: the end. Throws ConfigError at `line` for what is not compressed as its ending says.
  std::size_t read(char* buffer, std::size_t size, int line);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::string file_;
  std::string what_;
};

}  // namespace cowosim::telemetry
