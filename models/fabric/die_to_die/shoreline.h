// Dies as rectangles on the package, and whether what their edges must hold fits: PHYs stand in one row along the
// edge.
//
// Lengths in mm; x grows to the east, y to the north.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.h"

namespace cowosim::fabric {

enum class Edge : std::uint8_t { north, east, south, west };
inline constexpr std::size_t kEdges = 4;
const std::vector<std::string>& edge_names();

/// Where a die lies. Entry of the platform file's section fabric.dies.
struct DieOutline {
  std::string name;
  double x = 0;
  double y = 0;
  double width = 26;
  double height = 33;

  double length_of(Edge edge) const { return edge == Edge::north || edge == Edge::south ? width : height; }

  template <class Visitor>
  void visit(Visitor& v) {
    const char* reticle = "assumption (0 mm, 33 mm]: the reticle, 26 mm x 33 mm, which no die exceeds";
    v("x", x, Unit::length, Range{-1000, 1000}, "of the south-west corner on the package", "the package's floor plan");
    v("y", y, Unit::length, Range{-1000, 1000}, "of the south-west corner on the package", "the package's floor plan");
    v("width", width, Unit::length, Range{0.01, 1000}, "from west to east: length of the north and south edge",
      reticle);
    v("height", height, Unit::length, Range{0.01, 1000}, "from south to north: length of the east and west edge",
      reticle);
  }
};

inline constexpr double kLengthRounding = 1e-9;  ///< mm: sums of doubles, far below any dimension of a die

/// One end of a link, or an HBM PHY: what takes room on an edge.
struct EdgeUse {
  std::string user;        ///< path of its entry below the section `fabric`: "links.bridge", "phys.hbm_0"
  std::string die;         ///< name of a DieOutline
  std::string edge;        ///< north, east, south or west; "": the one that faces `towards`
  std::string towards;     ///< name of the DieOutline at the other end; used where `edge` is ""
  double millimetres = 0;  ///< of the edge, see shoreline_mm()
};

/// How two dies lie to each other.
struct Facing {
  bool faces = false;  ///< false: they overlap or lie diagonally, no edge of one sees one of the other
  Edge from = Edge::north;
  Edge to = Edge::south;
  double distance = 0;  ///< between the dies, along the axes; 0 where they overlap: a link is at least as long
};
Facing facing(const DieOutline& from, const DieOutline& to);

/// Everything that does not fit, with paths below the section `fabric`: a use that names no die or no edge, or
/// whose dies do not face each other (its user), an edge that holds more than its length (dies.<die>: how many mm each
/// use needs, how many there are).
std::vector<ParameterProblem> shoreline_problems(const std::vector<DieOutline>& dies, const std::vector<EdgeUse>& uses);

}  // namespace cowosim::fabric
