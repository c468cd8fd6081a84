// report.html: one self-contained page, no scripts, nothing fetched.
#pragma once

#include <string>

#include "telemetry/results.h"

namespace cowosim::telemetry {

std::string report_html(const Results& results);

}  // namespace cowosim::telemetry
