// One description per parameter. A parameter struct `x_params` has one member template
//
//   template <class Visitor> void visit(Visitor& v) {
//     v("read_queue_entries", read_queue_entries, {1, 4096}, "entries of the read queue", "assumption [16, 128]: ...");
//     v("frequency", frequency, Unit::frequency, {1e6, 1e11}, "clock", "data sheet ...");
//     v("page_policy", page_policy, {"open", "closed"}, "what happens to a row after its last access", "...");
//     v.group("timing", timing, "timing constraints");
//   }
//
// and everything else (validation, --set, list parameters, schema, reference pages) is a visitor, derived from
// core/parameter_visitor.h. No second list anywhere.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace cowosim {

/// Physical dimension of a parameter; in files such a value always carries its unit ("48ns", "6.4Gb/s").
/// The member that holds it is an integer or a double in the base unit named here.
enum class Unit : std::uint8_t {
  none,        ///< plain number: count, index, ratio
  time,        ///< std::int64_t, femtoseconds (cowosim::Time)
  frequency,   ///< double, hertz
  bytes,       ///< std::int64_t, bytes
  bandwidth,   ///< std::int64_t, bytes per second
  data_rate,   ///< double, bits per second (of one pin)
  flops,       ///< double, floating-point operations per second
  energy,      ///< double, picojoule
  energy_bit,  ///< double, picojoule per bit
  length,      ///< double, millimetres
  power        ///< double, watts
};

/// Inclusive range of a number, in the member's base unit.
struct Range {
  double min;
  double max;
};

/// Everything known about one parameter besides its value.
struct ParameterInfo {
  std::string path;  ///< full dotted path, e.g. "hbm.controller.read_queue_entries"
  std::string type;  ///< "integer", "number", "boolean", "string", "choice", "list"
  Unit unit = Unit::none;
  Range range{0, 0};
  std::vector<std::string> choices;
  std::string default_value;  ///< as it would be written in a file
  std::string doc;
  std::string source;  ///< standard and clause, data sheet, paper, or "assumption [interval]: why"
};

/// What is wrong with parameters that do not go together, and with which one: its path below the section it was found in.
struct ParameterProblem {
  std::string parameter;
  std::string message;
};

}  // namespace cowosim
