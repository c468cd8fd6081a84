// Reads back what a comparison needs from a results.json.
#pragma once

#include <string>

#include "telemetry/results.h"

namespace cowosim::telemetry {

/// Streams (with latency and stages), workload (with its gap), blame and the whole run's time of a results.json; the other sections
/// stay empty. `name` is for messages. Throws ConfigError when the text is not a cowosim-results/1.
Results read_results(const std::string& text, const std::string& name);

}  // namespace cowosim::telemetry
