#include "platforms/config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/units.h"

namespace cowosim::platforms::config {

namespace {

/// "null" or "~" as a whole word at the beginning of `text`.
bool begins_with_null(std::string_view text) {
  for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
    if (text.substr(0, word.size()) != word) continue;
    return text.size() == word.size() ||
           std::string_view(" \t\r\n,]}#").find(text[word.size()]) != std::string_view::npos;
  }
  return false;
}

/// Builds a Value from the parser's events, which carry the position of every node, and refuses what strict files do
/// not hold.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, Origin base, Diagnostics& diagnostics)
      : base_(std::move(base)), diagnostics_(diagnostics) {
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines_.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  const Value& root() const { return root_; }
  const Origin& start() const { return start_; }
  Origin origin(const YAML::Mark& mark) const {
    Origin at = base_;
    const int line = std::max(mark.line, 0);
    at.column = std::max(mark.column, 0) + (line == 0 ? base_.column : 1);
    at.line = base_.line + line;
    return at;
  }

  /// What is usually behind a syntax error.
  std::string hint(const YAML::Mark& mark, const std::string& message) const {
    const auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    if (line < lines_.size()) {
      const std::size_t indent = std::min(lines_[line].find_first_not_of(" \t"), lines_[line].size());
      if (lines_[line].substr(0, indent).find('\t') != std::string_view::npos)
        return "; tabs cannot indent, use spaces";
    }
    if (message.find("illegal map value") != std::string::npos)
      return "; check the indentation, and quote texts that hold ': '";
    if (message.find("end of map not found") != std::string::npos) return "; check the indentation";
    if (message.find("unknown token") != std::string::npos) return "; quote texts that begin with a special character";
    return "";
  }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = origin(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Value value;
    value.origin = origin(mark);
    if (expects_key()) {
      bad_key(value.origin, "a key is missing before ':'");
      return;
    }
    // The parser reports a missing value at whatever comes next; a spelled-out null it reports at itself.
    const auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    const auto column = static_cast<std::size_t>(std::max(mark.column, 0));
    const bool spelled =
        line < lines_.size() && column < lines_[line].size() && begins_with_null(lines_[line].substr(column));
    const Origin* key =
        !frames_.empty() && frames_.back().value.kind == Value::Kind::map ? &frames_.back().key_origin : nullptr;
    value.removes = spelled && (key == nullptr || value.origin.line == key->line || value.origin.column > key->column);
    if (key != nullptr && !value.removes) value.origin = *key;
    take(std::move(value));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(mark, "aliases ('*name') are not accepted; write the value out, or share it between files with 'extends:'");
    if (expects_key()) {
      frames_.back().has_key = true;
      frames_.back().skip = true;
    } else {
      Value value;
      value.origin = origin(mark);
      take(std::move(value));
    }
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (tag == "!" && is_open_quote(mark)) throw YAML::ParserException(mark, "the quote opened here is never closed");
    if (!expects_key()) {
      take(Value::scalar(text, origin(mark), tag == "!"));
      return;
    }
    Frame& frame = frames_.back();
    frame.has_key = true;
    frame.key = text;
    frame.key_origin = origin(mark);
    frame.skip = false;
    if (text == "<<" && tag != "!") {
      report(mark,
             "merge keys ('<<') are not accepted; write the values out, or share them between files with 'extends:'");
      frame.skip = true;
    } else if (text.empty()) {
      report(mark, "an empty key; expected a name");
      frame.skip = true;
    } else if (const auto [seen, fresh] = frame.seen.emplace(text, frame.key_origin.line); !fresh) {
      diagnostics_.add(frame.key_origin, path(text),
                       fmt::format("is given twice, first in line {}; keep one", seen->second));
      frame.skip = true;
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open(mark, Value::list(origin(mark)));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open(mark, Value::map(origin(mark)));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Value value;
    bool is_key = false;   ///< a collection in the place of a key: read and dropped
    bool has_key = false;  ///< a key has been read, its value has not
    bool skip = false;     ///< the value of this key is dropped
    std::string key;
    Origin key_origin;
    std::unordered_map<std::string, int> seen;  ///< key -> line
  };

  bool expects_key() const {
    return !frames_.empty() && frames_.back().value.kind == Value::Kind::map && !frames_.back().has_key;
  }

  std::string path(const std::string& last) const {
    std::string out;
    for (std::size_t i = 0; i + 1 < frames_.size(); ++i) {
      const Frame& frame = frames_[i];
      const std::string segment =
          frame.value.kind == Value::Kind::map ? frame.key : std::to_string(frame.value.items.size());
      out += segment + ".";
    }
    return out + last;
  }
  std::string path() const {
    if (frames_.empty()) return "";
    const Frame& frame = frames_.back();
    if (frame.value.kind == Value::Kind::list) return path(std::to_string(frame.value.items.size()));
    if (frame.has_key) return path(frame.key);
    const std::string inner = path("");
    return inner.substr(0, inner.empty() ? 0 : inner.size() - 1);
  }

  /// The parser takes a quoted text that the end of the file cuts off; this does not.
  bool is_open_quote(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    const auto column = static_cast<std::size_t>(std::max(mark.column, 0));
    if (line >= lines_.size() || column >= lines_[line].size()) return false;
    const char quote_sign = lines_[line][column];
    if (quote_sign != '"' && quote_sign != '\'') return false;
    const char* at = lines_[line].data() + column + 1;
    const char* const end = lines_.back().data() + lines_.back().size();
    for (; at < end; ++at) {
      const bool escapes = quote_sign == '"' ? *at == '\\' : *at == '\'' && at + 1 < end && at[1] == '\'';
      if (escapes) {
        ++at;
      } else if (*at == quote_sign) {
        return false;
      }
    }
    return true;
  }

  void report(const YAML::Mark& mark, const std::string& message) { diagnostics_.add(origin(mark), path(), message); }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      report(mark,
             "anchors ('&name') are not accepted; write the value out, or share it between files with 'extends:'");
    }
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") report(mark, "tags ('!name') are not accepted; leave it out");
  }
  void bad_key(const Origin& at, const std::string& message) {
    diagnostics_.add(at, path(), message);
    frames_.back().has_key = true;
    frames_.back().skip = true;
  }

  void open(const YAML::Mark& mark, Value value) {
    if (frames_.size() >= static_cast<std::size_t>(kMaxDepth)) {
      throw YAML::ParserException(mark, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    const bool is_key = expects_key();
    if (is_key) {
      diagnostics_.add(origin(mark), path(), fmt::format("{} cannot be a key; expected a name", name_of(value.kind)));
    }
    Frame frame;
    frame.value = std::move(value);
    frame.is_key = is_key;
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.is_key) {
      frames_.back().has_key = true;
      frames_.back().skip = true;
    } else {
      take(std::move(frame.value));
    }
  }

  void take(Value value) {
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.kind == Value::Kind::list) {
      frame.value.items.push_back(std::move(value));
      return;
    }
    frame.has_key = false;
    if (!frame.skip) frame.value.members.push_back({std::move(frame.key), frame.key_origin, std::move(value)});
    frame.skip = false;
  }

  Origin base_;   ///< of the first character
  Origin start_;  ///< of the document
  Diagnostics& diagnostics_;
  std::vector<std::string_view> lines_;
  std::vector<Frame> frames_;
  Value root_;
};

/// Length of the UTF-8 character at the beginning of `text`, 0 if it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : (first & 0xF0) == 0xE0         ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool outside = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

/// Reports the first byte that does not belong into a text file.
bool is_text(std::string_view text, const Origin& base, Diagnostics& diagnostics) {
  Origin at = base;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    const std::size_t length = utf8_length(text);
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
    if (length == 0 || control) {
      diagnostics.add(at, "",
                      fmt::format("byte 0x{:02x} is {}; expected YAML in UTF-8", byte,
                                  control ? "a control character" : "not valid UTF-8"));
      return false;
    }
    if (byte == '\n') {
      ++at.line;
      at.column = 1;
    } else {
      at.column += static_cast<int>(length);
    }
    text.remove_prefix(length);
  }
  return true;
}

/// The single document in `text`, or nothing (with diagnostics).
bool parse(std::string_view text, const Origin& base, Diagnostics& diagnostics, Value& root) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (!is_text(text, base, diagnostics)) return false;
  Diagnostics found;  // dropped if the text turns out not to be YAML: they would be consequences
  Builder builder(text, base, found);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      root = Value();
      return true;
    }
    root = builder.root();
    Diagnostics ignored;
    Builder second("", base, ignored);
    if (parser.HandleNextDocument(second)) {
      diagnostics.add(second.start(), "", "holds more than one YAML document; expected one");
      return false;
    }
  } catch (const YAML::Exception& e) {
    diagnostics.add(builder.origin(e.mark), "",
                    fmt::format("not valid YAML: {}{}", e.msg, builder.hint(e.mark, e.msg)));
    return false;
  } catch (const std::exception& e) {
    diagnostics.add(base, "", fmt::format("not valid YAML: {}", e.what()));
    return false;
  }
  for (const Diagnostic& d : found.list()) diagnostics.add(d);
  return true;
}

bool is_plain_number(std::string_view text) {
  std::string ignored;
  return parse_number(text, Unit::none, ignored).has_value() || parse_integer(text, Unit::none, ignored).has_value();
}

bool is_boolean(std::string_view text) { return text == "true" || text == "false"; }

/// Whether YAML 1.1 or 1.2 might take the word for something else than a string.
bool is_word_of_yaml(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* reserved :
       {"true", "false", "null", "~", "yes", "no", "on", "off", ".inf", "-.inf", "+.inf", ".nan"}) {
    if (word == reserved) return true;
  }
  return false;
}

bool is_safe(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (!alnum(text.front()) && std::string_view("_/.+-").find(text.front()) == std::string_view::npos) return false;
  if (text.front() == '-' && (text.size() == 1 || !alnum(text[1]))) return false;
  if (text.substr(0, 3) == "...") return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return alnum(c) || std::string_view("_/.+-* %()=<>").find(c) != std::string_view::npos;
  });
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string yaml_scalar(const Value& value) {
  if (!value.quoted && (is_plain_number(value.text) || is_boolean(value.text))) return value.text;
  if (is_safe(value.text) && !is_word_of_yaml(value.text) && !is_plain_number(value.text)) return value.text;
  return in_quotes(value.text);
}

class YamlWriter {
 public:
  explicit YamlWriter(bool origins) : origins_(origins) {}

  void map(const Value& value, int indent) {
    for (const Member& member : value.members) {
      pad(indent);
      out_ += yaml_scalar(Value::scalar(member.name, {}, true)) + ":";
      content(member.value, indent + 2);
    }
  }

  const std::string& text() const { return out_; }

 private:
  static bool is_flow(const Value& value) {
    return std::all_of(value.items.begin(), value.items.end(),
                       [](const Value& v) { return v.kind == Value::Kind::scalar; });
  }
  void pad(int indent) { out_.append(static_cast<std::size_t>(indent), ' '); }
  void finish_line(const Value& value) {
    if (origins_) {
      std::string origin = to_string(value.origin);
      for (char& c : origin) c = static_cast<unsigned char>(c) < 0x20 ? '?' : c;
      out_ += "  # " + origin;
    }
    out_ += '\n';
  }
  /// What follows a key.
  void content(const Value& value, int indent) {
    switch (value.kind) {
      case Value::Kind::null:
        out_ += " null";
        finish_line(value);
        break;
      case Value::Kind::scalar:
        out_ += " " + yaml_scalar(value);
        finish_line(value);
        break;
      case Value::Kind::list:
        if (is_flow(value)) {
          out_ += " [";
          for (std::size_t i = 0; i < value.items.size(); ++i)
            out_ += (i > 0 ? ", " : "") + yaml_scalar(value.items[i]);
          out_ += "]";
          finish_line(value);
        } else {
          out_ += '\n';
          for (const Value& item : value.items) {
            pad(indent);
            out_ += "-";
            content(item, indent + 2);
          }
        }
        break;
      case Value::Kind::map:
        if (value.members.empty()) {
          out_ += " {}\n";
        } else {
          out_ += '\n';
          map(value, indent);
        }
        break;
    }
  }

  bool origins_;
  std::string out_;
};

nlohmann::ordered_json json(const Value& value) {
  using Json = nlohmann::ordered_json;
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::scalar: {
      if (value.quoted) return value.text;
      if (is_boolean(value.text)) return value.text == "true";
      std::string ignored;
      if (const auto integer = parse_integer(value.text, Unit::none, ignored)) return *integer;
      if (const auto number = parse_number(value.text, Unit::none, ignored)) return *number;
      return value.text;
    }
    case Value::Kind::list: {
      Json out = Json::array();
      for (const Value& item : value.items) out.push_back(json(item));
      return out;
    }
    case Value::Kind::map: {
      Json out = Json::object();
      for (const Member& member : value.members) out[member.name] = json(member.value);
      return out;
    }
  }
  return nullptr;
}

}  // namespace

Value parse_yaml(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  const Origin begin{file, 1, 1};
  Value root;
  if (text.size() > kMaxFileBytes) {
    diagnostics.add(begin, "",
                    fmt::format("is larger than {}, the largest configuration file accepted",
                                format_quantity(static_cast<std::int64_t>(kMaxFileBytes), Unit::bytes)));
  } else if (parse(text, begin, diagnostics, root)) {
    if (root.kind == Value::Kind::map) return root;
    if (root.kind == Value::Kind::null) {
      diagnostics.add(begin, "", "is empty; expected 'name: value' lines");
    } else {
      diagnostics.add(root.origin, "",
                      fmt::format("holds {} as a whole; expected 'name: value' lines", name_of(root.kind)));
    }
  }
  return Value();
}

Value read_yaml(const std::filesystem::path& file, Diagnostics& diagnostics) {
  const std::string name = file.string();
  std::error_code code;
  const auto status = std::filesystem::status(file, code);
  std::string problem;
  std::string text;
  if (!std::filesystem::exists(status)) {
    problem = "no such file";
  } else if (std::filesystem::is_directory(status)) {
    problem = "is a directory; expected a YAML file";
  } else {
    std::ifstream stream(file, std::ios::binary);
    // One byte more than allowed is enough to know, even of a file that has no end.
    text.resize(kMaxFileBytes + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
    if (stream.bad() || (text.empty() && !stream.eof())) problem = "cannot be read";
  }
  if (!problem.empty()) {
    diagnostics.add(Origin{name, 0, 0}, "", problem);
    return Value();
  }
  return parse_yaml(text, name, diagnostics);
}

Value parse_flow(std::string_view text, const Origin& origin, Diagnostics& diagnostics) {
  Value root;
  root.origin = origin;
  parse(text, origin, diagnostics, root);
  return root;
}

std::string to_yaml(const Value& value, bool origins) {
  YamlWriter writer(origins);
  writer.map(value, 0);
  return writer.text().empty() ? "{}\n" : writer.text();
}

std::string to_json(const Value& value) {
  return json(value).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cowosim::platforms::config
