/* The answers of frame_abi.h for CPython 3.10, with those of before_py311.h. */
#include "engine/cpython/frame_abi.h"

#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_pystate.h"
#include "internal/pycore_runtime.h"

#if PY_VERSION_HEX < 0x030A0000 || PY_VERSION_HEX >= 0x030B0000
#error "py310.c is for CPython 3.10"
#endif

enum { jump_unit = 1 };
#include "engine/cpython/after_py309.h"
#include "engine/cpython/before_py311.h"

const ElwFacts elw_facts = {
    .minor = 10,
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

static int instruction_of(const PyFrameObject *frame) { return frame->f_lasti; }
static int saved_depth(const PyFrameObject *frame) { return frame->f_stackdepth; }

static void set_trace(PyThreadState *thread, Py_tracefunc trace) {
    thread->c_tracefunc = trace;
    thread->cframe->use_tracing = trace != NULL || thread->c_profilefunc != NULL;
}

const char *elw_self_test(void) {
    if (strncmp(Py_GetVersion(), "3.10.", 5) != 0)
        return "built for CPython 3.10, running on another version";
    return test_layout();
}

/* ---- code ---- */

/* The None that starts a generator lies on its stack when it starts. */
int elw_first_depth(PyCodeObject *code) {
    return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) ? 1 : 0;
}
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
                                       "co_linetable",
                                       "co_freevars",
                                       "co_cellvars",
                                       NULL};
const char *const elw_code_tables[] = {"co_code", "co_linetable", NULL};

void elw_set_function(ElwFrame *frame, PyObject *function) {
    elw_set_builtins(frame, ((PyFunctionObject *)function)->func_builtins);
}

void elw_set_next(ElwFrame *frame, int index) { in(frame)->f_lasti = index - 1; }

void elw_set_in_flight(ElwFrame *frame, int index, int behind) {
    (void)behind;
    in(frame)->f_lasti = index;
}

void elw_set_depth(ElwFrame *frame, int depth) { in(frame)->f_stackdepth = depth; }

void elw_link(PyThreadState *thread, ElwFrame *frame) {
    in(frame)->f_state = FRAME_EXECUTING;
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
    const PyFrameObject *frame = ((PyGenObject *)generator)->gi_frame;
    if (frame == NULL || frame->f_state > FRAME_EXECUTING) return ELW_GEN_FINISHED;
    if (frame->f_state == FRAME_CREATED) return ELW_GEN_CREATED;
    return frame->f_state == FRAME_EXECUTING ? ELW_GEN_EXECUTING : ELW_GEN_SUSPENDED;
}

void elw_set_generator_state(PyObject *generator, ElwGenState state) {
    PyFrameObject *frame = ((PyGenObject *)generator)->gi_frame;
    frame->f_state = state == ELW_GEN_CREATED     ? FRAME_CREATED
                     : state == ELW_GEN_SUSPENDED ? FRAME_SUSPENDED
                                                  : FRAME_EXECUTING;
    /* send() takes a value only where some instruction has been executed. */
    if (state != ELW_GEN_CREATED && frame->f_lasti < 0) frame->f_lasti = 0;
}

/* ---- frame objects ---- */

bool elw_frame_is_dead(PyFrameObject *object) {
    return object->f_gen == NULL && object->f_state != FRAME_EXECUTING;
}
