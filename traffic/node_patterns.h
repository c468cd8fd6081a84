// Who sends to whom in a network: destination patterns over numbered nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "core/random.h"

namespace cowosim::traffic {

struct DestinationParams {
  std::string pattern = "uniform";
  std::vector<std::string> hotspots;
  std::string permutation_file;

  template <class Visitor>
  void visit(Visitor& v) {
    v("pattern", pattern, names(), "which node a packet goes to", "Dally and Towles, 2004, chapter 3.2; BookSim2");
    v("hotspots", hotspots,
      "with pattern: hotspot, the nodes that all packets go to, equally; none: on both vertical edges of the grid in "
      "every "
      "second row, evenly spread from the first to the last",
      "assumption: where memory controllers sit; 4 x 4: 0 3 12 15; 8 x 8: 0 7 16 23 40 47 56 63");
    v("permutation_file", permutation_file,
      "with pattern: permutation, a line for each node, `source destination` or the destination alone, also .gz or "
      ".zst",
      "experiment");
  }
  static const std::vector<std::string>& names() {
    static const std::vector<std::string> all = {"uniform", "transpose", "bitcomp", "bitrev",     "shuffle",
                                                 "tornado", "neighbor",  "hotspot", "permutation"};
    return all;
  }
};

/// Nodes are 0 to nodes-1; in a grid node = x + columns * y.
struct NodeShape {
  int nodes = 0;    ///< 1..65534
  int columns = 0;  ///< 0: not a grid; else it divides nodes
};

/// Patterns that a shape does not have, hot nodes that it does not have, a permutation without a file.
std::vector<ParameterProblem> problems(const DestinationParams& params, const NodeShape& shape);

/// Lines `source destination`, or `destination` alone for node 0, 1, ...; the first line decides. Blank lines and what follows a '#' are
/// skipped. Each of the nodes 0 to nodes-1 is once a source and once a destination. Throws ConfigError with up to 20 errors, each with
/// file:line:column. Returns the destinations by source.
std::vector<std::uint16_t> read_permutation(const std::string& file, int nodes);

/// Destinations by pattern, on node s of n = 2^b, or at (x, y) of columns x rows:
///   uniform      any node, itself included, drawn
///   transpose    (y, x)                           columns = rows
///   bitcomp      n - 1 - s: all bits inverted     n a power of two, as for the next two
///   bitrev       bits in reverse order
///   shuffle      bits rotated left by one
///   tornado      x + ceil(columns / 2) - 1 mod columns, y likewise
///   neighbor     x + 1 mod columns, y likewise
///   hotspot      one of the hot nodes, drawn
///   permutation  as the file says
class NodePattern {
 public:
  /// Reads the permutation file, if any. Throws std::invalid_argument for what problems() reports, ConfigError for the file.
  NodePattern(const DestinationParams& params, const NodeShape& shape);

  /// `draw`: 64 random bits.
  std::uint32_t destination(std::uint32_t source, std::uint64_t draw) const {
    return targets_[drawn_ ? bounded(draw, targets_.size()) : source];
  }

 private:
  std::vector<std::uint16_t> targets_;  // by source, or those that are drawn from
  bool drawn_;
};

}  // namespace cowosim::traffic
