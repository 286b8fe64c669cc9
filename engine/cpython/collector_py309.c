/* What 3.10 has of its own: also for the link, which has nothing else of the version layer. */
#include "Python.h"

#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_pystate.h"

static int switch_collector(int enabled) {
    struct _gc_runtime_state *collector = &PyInterpreterState_Get()->gc;
    const int before = collector->enabled;
    collector->enabled = enabled;
    return before;
}

int PyGC_Enable(void) { return switch_collector(1); }
int PyGC_Disable(void) { return switch_collector(0); }
