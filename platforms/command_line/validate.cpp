#include "platforms/command_line/options.h"
namespace cowosim::platforms::command_line { int validate(const Arguments&) { throw UsageError("not yet"); } }
