// What this plug-in has: the names that `type` in a platform file may say.
#include "my_memory.h"
#include "my_npu.h"

namespace plugin = cowosim::plugin;

static const plugin::TypeOf<MyNpu, NpuParams> npu("my_npu", plugin::Role::initiator,
                                                  "writes a footprint and reads it back, in lanes");
static const plugin::TypeOf<MyMemory, MemoryParams> memory("my_memory", plugin::Role::target,
                                                           "memory of constant latency");

COWOSIM_PLUGIN(&npu, &memory)
