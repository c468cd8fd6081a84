#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace cowosim {

namespace {

/// Keeps a diagnostic on its line, whatever the user's file held.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += c == '\n' ? std::string("\\n") : c == '\t' ? std::string("\\t") : fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string position(const std::string& file, int line, int column) {
  std::string out = printable(file);
  if (line > 0) out += fmt::format(":{}:{}", line, std::max(column, 1));
  return out;
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return "'" + printable(std::string(text)) + "'";
  std::size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside a UTF-8 character
  return "'" + printable(std::string(text.substr(0, cut))) + "...'";
}

std::string to_string(const Origin& origin) {
  return origin.is_default() ? "default" : position(origin.file, origin.line, origin.column);
}

std::string to_string(const Diagnostic& diagnostic) {
  std::string out = position(diagnostic.file, diagnostic.line, diagnostic.column);
  if (!out.empty()) out += ": ";
  out += "error: ";
  if (!diagnostic.path.empty()) out += printable(diagnostic.path) + ": ";
  return out + printable(diagnostic.message);
}

ConfigError::ConfigError(std::vector<Diagnostic> diagnostics) : diagnostics_(std::move(diagnostics)) {
  std::vector<std::string> files;
  for (const Diagnostic& d : diagnostics_) {
    if (std::find(files.begin(), files.end(), d.file) == files.end()) files.push_back(d.file);
  }
  const auto rank = [&](const Diagnostic& d) { return std::find(files.begin(), files.end(), d.file) - files.begin(); };
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& a, const Diagnostic& b) {
    if (a.file != b.file) return rank(a) < rank(b);
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  for (const Diagnostic& d : diagnostics_) {
    if (!text_.empty()) text_ += '\n';
    text_ += to_string(d);
  }
}

ConfigError::ConfigError(Diagnostic diagnostic) : ConfigError(std::vector<Diagnostic>{std::move(diagnostic)}) {}

void Diagnostics::add(const Origin& origin, std::string path, std::string message) {
  add(Diagnostic{origin.file, origin.line, origin.column, std::move(path), std::move(message)});
}

void Diagnostics::throw_if_any() const {
  if (!list_.empty()) throw ConfigError(list_);
}

}  // namespace cowosim
