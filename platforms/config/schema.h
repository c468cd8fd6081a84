// JSON Schema (draft 2020-12) of a configuration file, for editors: made from the parameters' descriptions, so it
// cannot disagree with the reader.
#pragma once

#include <string>

#include "core/parameter_visitor.h"

namespace cowosim::platforms::config {

/// `extends`: whether the file may begin with `extends: NAME_OR_FILE`. Unknown keys are refused (additionalProperties:
/// false).
std::string json_schema(const Description& description, const std::string& title, bool extends);

}  // namespace cowosim::platforms::config
