/* Part of before_py311.h: how a signal meets the eval loop before CPython 3.11. */
#ifndef ELSEWHERE_STOP_BEFORE_PY311_H
#define ELSEWHERE_STOP_BEFORE_PY311_H

static bool stopped; /* in the call of elw_stop_at_next's `reached` */
int elw_own_tracing(PyThreadState *thread) { return stopped ? 1 : 0; }

static int (*when_reached)(void);
static Py_tracefunc theirs; /* the program's trace function, which gets its events meanwhile */
static PyFrameObject *watched[8]; /* whose f_trace_opcodes is ours */
static int on_event(PyObject *, PyFrameObject *, int, PyObject *);

static bool is_watched(PyFrameObject *frame) {
    for (int i = 0; i < 8; i++)
        if (watched[i] == frame) return true;
    return false;
}

static void watch(PyFrameObject *frame) {
    for (int i = 0; i < 8 && frame != NULL && !frame->f_trace_opcodes; i++)
        if (watched[i] == NULL) {
            watched[i] = (PyFrameObject *)new_ref((PyObject *)frame);
            frame->f_trace_opcodes = 1;
        }
}

void elw_cancel_stop(PyThreadState *thread) {
    for (int i = 0; i < 8; i++) {
        if (watched[i] != NULL) watched[i]->f_trace_opcodes = 0;
        Py_CLEAR(watched[i]);
    }
    if (thread->c_tracefunc == on_event) set_trace(thread, theirs);
    theirs = NULL;
}

/* Looks for the next instruction: of this frame, of one that is entered, or of the one outside. */
static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument) {
    PyThreadState *thread = PyThreadState_Get();
    if (what == PyTrace_OPCODE) {
        const bool ours = is_watched(frame);
        const Py_tracefunc tracer = theirs;
        elw_cancel_stop(thread);
        stopped = true;
        const int result = when_reached();
        stopped = false;
        if (result != 0 || ours || tracer == NULL) return result;
        return tracer(self, frame, what, argument);
    }
    const int result = theirs != NULL ? theirs(self, frame, what, argument) : 0;
    if (what == PyTrace_CALL) watch(frame);
    if (what == PyTrace_RETURN) watch(frame->f_back);
    return result;
}

void elw_stop_at_next(PyThreadState *thread, int (*reached)(void)) {
    elw_cancel_stop(thread); /* the program may have set another trace function meanwhile */
    if (thread->tracing > 0 || thread->frame == NULL) return;
    when_reached = reached;
    watch(thread->frame);
    theirs = thread->c_tracefunc;
    set_trace(thread, on_event);
}

#endif
