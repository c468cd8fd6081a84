#include "traffic/node_patterns.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "core/error.h"
#include "core/nearest.h"
#include "telemetry/input_file.h"

namespace cowosim::traffic {

namespace {

using Nodes = std::vector<std::uint16_t>;

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Empty, or what is wrong with a node's number.
std::string complaint(std::string_view text, int nodes, std::uint64_t& node) {
  const std::optional<std::uint64_t> value = number_in(text);
  const std::string right = fmt::format("nodes are 0 to {}", nodes - 1);
  if (!value) return fmt::format("{} is not the number of a node; {}", quote(text), right);
  if (*value >= static_cast<std::uint64_t>(nodes)) return fmt::format("there is no node {}; {}", text, right);
  node = *value;
  return "";
}

bool is_power_of_two(int n) { return n > 0 && (n & (n - 1)) == 0; }

Nodes default_hotspots(const NodeShape& shape) {
  const int rows = shape.nodes / shape.columns;
  const int hot_rows = std::min(rows, std::max(2, rows / 2));
  Nodes nodes;
  for (int i = 0; i < hot_rows; ++i) {
    const int gaps = std::max(hot_rows - 1, 1);
    const int row = (2 * i * (rows - 1) + gaps) / (2 * gaps);  // the nearest to i (rows - 1) / gaps
    nodes.push_back(static_cast<std::uint16_t>(row * shape.columns));
    if (shape.columns > 1) nodes.push_back(static_cast<std::uint16_t>((row + 1) * shape.columns - 1));
  }
  return nodes;
}

std::uint32_t permuted(const std::string& pattern, const NodeShape& shape, std::uint32_t source) {
  const auto nodes = static_cast<std::uint32_t>(shape.nodes);
  const auto bits = static_cast<std::uint32_t>(__builtin_ctz(nodes));
  if (pattern == "bitcomp") return nodes - 1 - source;
  if (pattern == "bitrev") {
    std::uint32_t reversed = 0;
    for (std::uint32_t b = 0; b < bits; ++b) reversed |= (source >> b & 1) << (bits - 1 - b);
    return reversed;
  }
  if (pattern == "shuffle") return (2 * source | (2 * source >> bits)) & (nodes - 1);
  const auto columns = static_cast<std::uint32_t>(shape.columns);
  const std::uint32_t rows = nodes / columns;
  const std::uint32_t x = source % columns;
  const std::uint32_t y = source / columns;
  if (pattern == "transpose") return y + columns * x;
  if (pattern == "neighbor") return (x + 1) % columns + columns * ((y + 1) % rows);
  return (x + (columns + 1) / 2 - 1) % columns + columns * ((y + (rows + 1) / 2 - 1) % rows);  // tornado
}

class PermutationReader {
 public:
  PermutationReader(const std::string& file, int nodes)
      : file_(file),
        nodes_(nodes),
        targets_(static_cast<std::size_t>(nodes)),
        from_(targets_.size(), 0),
        to_(targets_.size(), 0) {}

  Nodes read() {
    const std::string text = contents();
    for (std::string_view rest = text; !rest.empty() && errors_ < kMaxErrors;) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      ++line_;
      read_line(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (errors_ == 0) expect_all();
    diagnostics_.throw_if_any();
    return std::move(targets_);
  }

 private:
  static constexpr int kMaxErrors = 20;
  static constexpr std::size_t kLargest = 16 << 20;
  struct Field {
    std::string_view text;
    int column;
  };

  std::string contents() {
    telemetry::InputFile input(file_, "permutation");
    std::string text;
    for (std::size_t size = 0;; text.resize(size)) {
      text.resize(size + 64 * 1024);
      const std::size_t count = input.read(text.data() + size, text.size() - size, 1);
      size += count;
      if (count == 0) {
        text.resize(size);
        return text;
      }
      if (size > kLargest)
        throw ConfigError(Diagnostic{file_, 0, 0, "", "the file is larger than 16 MiB; is this a permutation?"});
    }
  }

  void fail(int column, const char* path, std::string message) {
    diagnostics_.add(Diagnostic{file_, line_, column, path, std::move(message)});
    ++errors_;
  }

  void read_line(std::string_view line) {
    line = line.substr(0, line.find('#'));
    std::vector<Field> fields;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos;) {
      const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
      fields.push_back({line.substr(at, end - at), static_cast<int>(at) + 1});
      at = end;
    }
    if (fields.empty()) return;
    if (fields.size() > 2)
      return fail(fields[2].column, "", "a line has `source destination`, or the destination alone");
    if (width_ == 0) {
      width_ = fields.size();
      first_line_ = line_;
    }
    if (fields.size() != width_) {
      return fail(
          fields[0].column, "",
          fmt::format("{} here, but {} in line {}; all lines have one form",
                      fields.size() == 1 ? "one number" : "two numbers", width_ == 1 ? "one" : "two", first_line_));
    }
    std::uint64_t source = next_source_++;
    if (width_ == 1 && source >= targets_.size()) {
      return fail(
          fields[0].column, "",
          fmt::format("a destination for node {}, and {}", source, complaint(std::to_string(source), nodes_, source)));
    }
    std::uint64_t destination = 0;
    if (width_ == 2 && !node_in(fields[0], "source", source)) return;
    if (!node_in(fields.back(), "destination", destination)) return;
    if (from_[source] != 0) {
      return fail(fields[0].column, "source",
                  fmt::format("node {} is already a source in line {}; each node is one once", source, from_[source]));
    }
    if (to_[destination] != 0) {
      return fail(fields.back().column, "destination",
                  fmt::format("node {} is already a destination in line {}; in a permutation each node is one once",
                              destination, to_[destination]));
    }
    from_[source] = to_[destination] = line_;
    targets_[source] = static_cast<std::uint16_t>(destination);
  }

  bool node_in(const Field& field, const char* path, std::uint64_t& node) {
    std::string wrong = complaint(field.text, nodes_, node);
    if (wrong.empty()) return true;
    fail(field.column, path, std::move(wrong));
    return false;
  }

  void expect_all() {
    std::vector<std::string> missing;
    for (std::size_t node = 0; node < from_.size(); ++node) {
      if (from_[node] == 0) missing.push_back(std::to_string(node));
    }
    line_ = 0;
    if (!missing.empty())
      fail(0, "", fmt::format("no destination for node {}; each of the {} nodes has one", enumerate(missing), nodes_));
  }

  std::string file_;
  int nodes_;
  Nodes targets_;
  std::vector<int> from_;  // the line in which a node is a source; 0: none so far
  std::vector<int> to_;
  std::uint64_t next_source_ = 0;  // where lines do not name it
  std::size_t width_ = 0;          // numbers in a line; 0: none was read
  int first_line_ = 0;
  int line_ = 0;
  int errors_ = 0;
  Diagnostics diagnostics_;
};

}  // namespace

std::vector<ParameterProblem> problems(const DestinationParams& params, const NodeShape& shape) {
  const std::string& pattern = params.pattern;
  const bool grid = shape.columns > 0;
  std::vector<ParameterProblem> found;
  const auto need = [&](bool met, const std::string& what) {
    if (!met) found.push_back({"pattern", fmt::format("'{}' needs {}", pattern, what)});
  };
  if (pattern == "bitcomp" || pattern == "bitrev" || pattern == "shuffle") {
    need(is_power_of_two(shape.nodes), fmt::format("a power of two of nodes, and there are {}", shape.nodes));
  } else if (pattern == "tornado" || pattern == "neighbor") {
    need(grid, "a grid, and this fabric is none");
  } else if (pattern == "transpose") {
    need(grid, "a square grid, and this fabric is none");
    if (grid) {
      const int rows = shape.nodes / shape.columns;
      need(rows == shape.columns,
           fmt::format("a square grid, and there are {} columns and {} rows", shape.columns, rows));
    }
  } else if (pattern == "hotspot") {
    std::vector<std::uint64_t> seen;
    for (const std::string& text : params.hotspots) {
      std::uint64_t node = 0;
      const std::string wrong = complaint(text, shape.nodes, node);
      if (!wrong.empty()) {
        found.push_back({"hotspots", wrong});
      } else if (std::find(seen.begin(), seen.end(), node) != seen.end()) {
        found.push_back({"hotspots", fmt::format("node {} is named twice; hot nodes get equal shares", node)});
      } else {
        seen.push_back(node);
      }
    }
    if (params.hotspots.empty() && !grid)
      found.push_back({"hotspots", "name the hot nodes: this fabric is no grid, so there are no usual ones"});
  } else if (pattern == "permutation") {
    if (params.permutation_file.empty())
      found.push_back({"permutation_file", "a permutation needs a file: --set workload.permutation_file=FILE"});
  } else if (pattern != "uniform") {
    found.push_back({"pattern", fmt::format("there is no pattern '{}'{}; there are {}", pattern,
                                            did_you_mean(pattern, DestinationParams::names()),
                                            enumerate(DestinationParams::names()))});
  }
  return found;
}

std::vector<std::uint16_t> read_permutation(const std::string& file, int nodes) {
  return PermutationReader(file, nodes).read();
}

NodePattern::NodePattern(const DestinationParams& params, const NodeShape& shape)
    : drawn_(params.pattern == "uniform" || params.pattern == "hotspot") {
  if (shape.nodes < 1 || shape.nodes > 65534) throw std::invalid_argument("a pattern needs 1 to 65534 nodes");
  if (shape.columns < 0 || (shape.columns > 0 && shape.nodes % shape.columns != 0))
    throw std::invalid_argument("a pattern's grid has whole rows");
  for (const ParameterProblem& problem : problems(params, shape))
    throw std::invalid_argument(problem.parameter + ": " + problem.message);
  const auto nodes = static_cast<std::size_t>(shape.nodes);
  if (params.pattern == "permutation") {
    targets_ = read_permutation(params.permutation_file, shape.nodes);
  } else if (params.pattern == "hotspot") {
    for (const std::string& text : params.hotspots) targets_.push_back(static_cast<std::uint16_t>(*number_in(text)));
    if (targets_.empty()) targets_ = default_hotspots(shape);
  } else if (params.pattern == "uniform") {
    targets_.resize(nodes);
    std::iota(targets_.begin(), targets_.end(), std::uint16_t{0});
  } else {
    for (std::uint32_t source = 0; source < nodes; ++source)
      targets_.push_back(static_cast<std::uint16_t>(permuted(params.pattern, shape, source)));
  }
}

}  // namespace cowosim::traffic
