#include "platforms/command_line/options.h"
namespace cowosim::platforms::command_line { int list(const Arguments&) { throw UsageError("not yet"); } }
