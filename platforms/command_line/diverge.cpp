#include "platforms/command_line/options.h"
namespace cowosim::platforms::command_line { int diverge(const Arguments&) { throw UsageError("not yet"); } }
