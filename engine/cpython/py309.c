/* The answers of frame_abi.h for CPython 3.9, with those of before_py311.h. */
#include "engine/cpython/frame_abi.h"
#include "engine/cpython/line_abi.h"

#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_pystate.h"
#include "internal/pycore_runtime.h"

#if PY_VERSION_HEX < 0x03090000 || PY_VERSION_HEX >= 0x030A0000
#error "py309.c is for CPython 3.9"
#endif

enum { jump_unit = 2 };
#include "engine/cpython/before_py311.h"

const ElwFacts elw_facts = {
    .minor = 9,
    .boot_levels = 6,
    .null_below_callable = true,
    .with_keeps_manager = false,
    .send_pops_value = true,
    .self_in_callable_slot = true,
    .yields_before_send = true,
    .cells_apart = true,
    .has_block_stack = true,
    .stops_by_trace = true,
    .call_on_entry = true,
    .exit_depth = 7,
};

static int instruction_of(const PyFrameObject *frame) {
    return frame->f_lasti < 0 ? -1 : frame->f_lasti / 2;
}
static int saved_depth(const PyFrameObject *frame) {
    return frame->f_stacktop == NULL ? -1 : (int)(frame->f_stacktop - frame->f_valuestack);
}

static void set_trace(PyThreadState *thread, Py_tracefunc trace) {
    thread->interp->ceval.tracing_possible += (trace != NULL) - (thread->c_tracefunc != NULL);
    thread->c_tracefunc = trace;
    thread->use_tracing = trace != NULL || thread->c_profilefunc != NULL;
}

static int nobody(PyObject *self, PyFrameObject *frame, int what, PyObject *value) { return 0; }

void elw_pretend_traced(PyThreadState *thread, bool on) {
    if (on)
        set_trace(thread, nobody);
    else if (thread->c_tracefunc == nobody)
        set_trace(thread, NULL);
}

const char *elw_self_test(void) {
    if (strncmp(Py_GetVersion(), "3.9.", 4) != 0)
        return "built for CPython 3.9, running on another version";
    return test_layout();
}

/* ---- code ---- */

int elw_first_depth(PyCodeObject *code) { return 0; } /* nothing is sent to a fresh generator */

const char *const elw_code_fields[] = {"co_argcount",
                                       "co_posonlyargcount",
                                       "co_kwonlyargcount",
                                       "co_nlocals",
                                       "co_stacksize",
                                       "co_flags",
                                       "co_code",
                                       "co_consts",
                                       "co_names",
                                       "co_varnames",
                                       "co_filename",
                                       "co_name",
                                       "co_firstlineno",
                                       "co_lnotab",
                                       "co_freevars",
                                       "co_cellvars",
                                       NULL};
const char *const elw_code_tables[] = {"co_code", "co_lnotab", NULL};

void elw_set_function(ElwFrame *frame, PyObject *function) {} /* no frame had one */

/* What tracers that ask are told; of a frame that has a tracer, the line that it was told last. */
static void set_line(PyFrameObject *frame) {
    if (frame->f_trace != NULL) return;
    frame->f_lineno = frame->f_lasti < 0 ? frame->f_code->co_firstlineno
                                         : PyCode_Addr2Line(frame->f_code, frame->f_lasti);
}

bool elw_learns_line(void) { return true; }
int elw_told_line(ElwFrame *frame) { return in(frame)->f_lineno; }
void elw_set_told_line(ElwFrame *frame, int line) { in(frame)->f_lineno = line; }

/* The line of a handler is told in any case, but for an exception of the first line, or of an
 * instruction that begins one, and but for a loop that does not know (ceval.c: exception_unwind).
 */
bool elw_tells_only_now(ElwFrame *frame, int from) {
    PyCodeObject *code = in(frame)->f_code;
    while (from > 0 && _Py_OPCODE(first_unit(code)[from - 1]) == EXTENDED_ARG) from--;
    PyAddrPair left, reached;
    _PyCode_CheckLineNumber(code, 2 * from, &left);
    _PyCode_CheckLineNumber(code, in(frame)->f_lasti, &reached);
    return (left.ap_lower == 0 || left.ap_lower == 2 * from) &&
           in(frame)->f_lasti != reached.ap_lower && in(frame)->f_lasti > 2 * from;
}

void elw_set_next(ElwFrame *frame, int index) {
    in(frame)->f_lasti = index == 0 ? -1 : 2 * (index - 1);
    set_line(in(frame));
}

void elw_set_in_flight(ElwFrame *frame, int index, int behind) {
    (void)behind;
    in(frame)->f_lasti = 2 * index;
    set_line(in(frame));
}

void elw_set_depth(ElwFrame *frame, int depth) {
    in(frame)->f_stacktop = depth < 0 ? NULL : in(frame)->f_valuestack + depth;
}

void elw_link(PyThreadState *thread, ElwFrame *frame) {
    in(frame)->f_executing = 1;
    thread->frame = in(frame);
    thread->recursion_depth++;
}

void elw_unlink(PyThreadState *thread, ElwFrame *frame) {
    thread->frame = in(frame)->f_back;
    thread->recursion_depth--;
}

/* ---- finalizers ---- */

void elw_set_finalized(PyObject *object) { _PyGC_SET_FINALIZED(object); }
void elw_report_failed(PyObject *finalizer) { PyErr_WriteUnraisable(finalizer); }

/* ---- generators ---- */

ElwGenState elw_generator_state(PyObject *generator) {
    const PyGenObject *g = (PyGenObject *)generator;
    if (g->gi_frame == NULL) return ELW_GEN_FINISHED;
    if (g->gi_running) return ELW_GEN_EXECUTING;
    if (g->gi_frame->f_stacktop == NULL) return ELW_GEN_FINISHED;
    return g->gi_frame->f_lasti < 0 ? ELW_GEN_CREATED : ELW_GEN_SUSPENDED;
}

void elw_set_generator_state(PyObject *generator, ElwGenState state) {
    PyFrameObject *frame = ((PyGenObject *)generator)->gi_frame;
    ((PyGenObject *)generator)->gi_running = state == ELW_GEN_EXECUTING;
    /* send() takes a value only where some instruction has been executed. */
    if (state != ELW_GEN_CREATED && frame->f_lasti < 0) frame->f_lasti = 0;
}

/* ---- frame objects ---- */

bool elw_frame_is_dead(PyFrameObject *object) {
    return object->f_gen == NULL && !object->f_executing;
}
