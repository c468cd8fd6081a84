// summary.txt: the answer of a run in words and a few tables.
#pragma once

#include <string>

#include "telemetry/results.h"

namespace cowosim::telemetry {

/// At most 60 lines of at most 110 characters (beyond a user's own names): how long, against which floor, where the time went
/// (terms that add up exactly as printed), how much of each peak was used, latency by stage, who waited for whom, what bounds it.
std::string summary(const Results& results);

/// What the other streams of `contended` cost the stream `victim`, against `alone`: slowdown, term by term and stage by stage,
/// and for whom it waited at which resource.
std::string comparison(const Results& alone, const Results& contended, const std::string& victim);

/// The first sentence of the summary: what was measured.
std::string headline(const Results& results);

}  // namespace cowosim::telemetry
