#include "platforms/command_line/options.h"
namespace cowosim::platforms::command_line { int show(const Arguments&) { throw UsageError("not yet"); } }
