/* What the frame layer asks of CPython about the lines that tracers are told; see frame_abi.h. */
#ifndef ELSEWHERE_LINE_ABI_H
#define ELSEWHERE_LINE_ABI_H

#include "engine/cpython/frame_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a frame has the line that its tracer was told last (f_lineno): that, else -1. */
int elw_told_line(ElwFrame *frame);
void elw_set_told_line(ElwFrame *frame, int line);
/* Does an eval loop have to be traced to learn in which line it is? */
bool elw_learns_line(void);
/* An exception that came from index `from` has come to a handler, whose line tracers are told: only
 * because the eval loop, entered anew, has not learned the line of `from`? */
bool elw_tells_only_now(ElwFrame *frame, int from);
/* The eval loop takes its thread for traced, or not any more; nobody is told. */
void elw_pretend_traced(PyThreadState *thread, bool on);

#ifdef __cplusplus
}
#endif

#endif
