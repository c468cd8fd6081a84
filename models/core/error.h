// Errors in what a user wrote. They are collected and reported all at once, one per line, as compilers do:
//   file:line:column: error: path: what, and what would be right
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cowosim {

/// Where a value was written. Without a file it is nobody's: a default.
/// A command line option is `--set` (line: its how-manieth occurrence, from 1; column: of the value in its argument).
struct Origin {
  std::string file;
  int line = 0;    ///< from 1; 0: the file as a whole
  int column = 0;  ///< from 1

  bool is_default() const { return file.empty(); }
};
/// "file:line:column", "file" where there is no line, "default".
std::string to_string(const Origin& origin);

/// 'text', for messages: control characters escaped, cut after 60 bytes.
std::string quote(std::string_view text);

struct Diagnostic {
  std::string file;
  int line = 0;
  int column = 0;
  std::string path;     ///< dotted path of the parameter; may be empty
  std::string message;  ///< what is wrong, and what would be right
};
/// One line without its end: "file:line:column: error: path: message"; parts that are unknown are left out.
std::string to_string(const Diagnostic& diagnostic);

/// Thrown once everything has been read: carries every diagnostic, ordered by file (in order of first appearance) and
/// position.
class ConfigError : public std::exception {
 public:
  explicit ConfigError(std::vector<Diagnostic> diagnostics);
  explicit ConfigError(Diagnostic diagnostic);
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  /// All diagnostics, one per line, without a trailing newline.
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::vector<Diagnostic> diagnostics_;
  std::string text_;
};

/// Collects errors while reading goes on.
class Diagnostics {
 public:
  void add(Diagnostic diagnostic) { list_.push_back(std::move(diagnostic)); }
  void add(const Origin& origin, std::string path, std::string message);
  bool empty() const { return list_.empty(); }
  const std::vector<Diagnostic>& list() const { return list_; }
  /// Throws ConfigError with everything collected so far, if there is anything.
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> list_;
};

}  // namespace cowosim
