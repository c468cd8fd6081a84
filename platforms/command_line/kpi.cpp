#include "platforms/command_line/kpi.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/units.h"
#include "platforms/command_line/options.h"

namespace cowosim::platforms::command_line {

namespace {

using Json = nlohmann::ordered_json;

/// The value at a dotted path; nullptr where there is none.
const Json* at(const Json& root, const std::string& path) {
  const Json* node = &root;
  std::istringstream segments(path);
  for (std::string segment; std::getline(segments, segment, '.');) {
    if (node->is_object() && node->contains(segment)) {
      node = &node->at(segment);
    } else if (node->is_array() && !segment.empty() && segment.find_first_not_of("0123456789") == std::string::npos &&
               segment.size() < 9 && std::stoul(segment) < node->size()) {
      node = &node->at(std::stoul(segment));
    } else {
      return nullptr;
    }
  }
  return node;
}

}  // namespace

Kpi::Kpi(const std::string& expression) : expression_(expression) {
  const std::size_t begin = expression.find_first_of("<>=!");
  const std::size_t end = begin == std::string::npos ? begin : expression.find_first_not_of("<>=!", begin);
  const auto trimmed = [](std::string text) {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::string error = "no comparison";
  if (end != std::string::npos) {
    path_ = trimmed(expression.substr(0, begin));
    op_ = expression.substr(begin, end - begin);
    const auto bound = parse_number(trimmed(expression.substr(end)), Unit::none, error);
    const std::vector<std::string> ops = {"<", "<=", ">", ">=", "==", "!="};
    if (bound && !path_.empty() && std::find(ops.begin(), ops.end(), op_) != ops.end()) {
      bound_ = *bound;
      return;
    }
  }
  throw UsageError("--kpi: '" + expression + "' is not PATH OP NUMBER, such as 'hbm.utilization >= 0.88'");
}

Kpi::Outcome Kpi::check(const std::string& results) const {
  Outcome outcome;
  outcome.expression = expression_;
  const Json json = Json::parse(results);
  const Json* node = at(json, path_);
  if (node == nullptr || !node->is_number()) return outcome;
  outcome.found = true;
  outcome.value = node->get<double>();
  outcome.passed = op_ == "<"    ? outcome.value < bound_
                   : op_ == "<=" ? outcome.value <= bound_
                   : op_ == ">"  ? outcome.value > bound_
                   : op_ == ">=" ? outcome.value >= bound_
                   : op_ == "==" ? outcome.value == bound_
                                 : outcome.value != bound_;
  return outcome;
}

std::string kpi_json(const std::vector<Kpi::Outcome>& outcomes) {
  Json json = Json::array();
  for (const Kpi::Outcome& o : outcomes) {
    json.push_back({{"kpi", o.expression}, {"value", o.found ? Json(o.value) : Json()}, {"passed", o.passed}});
  }
  return json.dump(2) + "\n";
}

}  // namespace cowosim::platforms::command_line
