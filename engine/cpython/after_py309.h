/* What is only so on 3.9, where a frame has a line of its own, and an eval loop that of its
 * instruction; included by py310.c and its younger ones. */
#ifndef ELSEWHERE_ENGINE_CPYTHON_AFTER_PY309_H
#define ELSEWHERE_ENGINE_CPYTHON_AFTER_PY309_H

#include "engine/cpython/line_abi.h"

bool elw_learns_line(void) { return false; }
int elw_told_line(ElwFrame *frame) { return -1; }
void elw_set_told_line(ElwFrame *frame, int line) {}
bool elw_tells_only_now(ElwFrame *frame, int from) { return false; }

static int nobody(PyObject *self, PyFrameObject *frame, int what, PyObject *value) { return 0; }

void elw_pretend_traced(PyThreadState *thread, bool on) {
    if (on || thread->c_tracefunc == nobody) thread->c_tracefunc = on ? nobody : NULL;
}

#endif
