/* The answers of frame_abi.h for CPython 3.11. */
#include "engine/cpython/frame_abi.h"

#include "internal/pycore_code.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_opcode.h"
#include "internal/pycore_pystate.h"
#include "internal/pycore_runtime.h"
#include "opcode.h"

#define ELW_TUPLE_CALL PRECALL_NO_KW_TUPLE_1
#include "engine/cpython/after_py309.h"
#include "engine/cpython/taker.h"

#include <stddef.h>

#if PY_VERSION_HEX < 0x030B0000 || PY_VERSION_HEX >= 0x030C0000
#error "py311.c is for CPython 3.11"
#endif
#ifdef Py_GIL_DISABLED
#error "free-threaded builds need their own file"
#endif

_Static_assert(sizeof(_Py_CODEUNIT) == 2, "a code unit is two bytes");
_Static_assert(sizeof(ElwSlot) == sizeof(PyObject *), "a slot is a pointer");
_Static_assert(offsetof(_PyInterpreterFrame, localsplus) % sizeof(void *) == 0, "slots aligned");

const ElwFacts elw_facts = {
    .drops_first_operand_first = true,
    .minor = 11,
    .boot_levels = 6,
    .null_below_callable = true,
    .with_keeps_manager = false,
    .send_pops_value = true,
    .saves_depth_in_c = false,
    .exit_has_self = false,
    .iterator_pairs = false,
    .exit_depth = 4,
    .breaks_before_events = true,
    .signals_hold_start = true,
};

extern PyObject *_PyEval_EvalFrameDefault(PyThreadState *, _PyInterpreterFrame *, int);

const char *elw_self_test(void) {
    if ((Py_Version >> 16) != 0x030B) return "built for CPython 3.11, running on another version";
    PyThreadState *thread = PyThreadState_Get();
    PyFrameObject *object = PyThreadState_GetFrame(thread);
    if (object == NULL) return NULL;
    ElwFrame *frame = elw_innermost(thread);
    const bool same = frame != NULL && object->f_frame == frame &&
                      elw_in_flight(frame) * 2 == PyFrame_GetLasti(object);
    Py_DECREF(object);
    return same ? NULL : "the interpreter's frames are laid out in an unknown way";
}

/* ---- code ---- */

static _Py_CODEUNIT *first_unit(PyCodeObject *code) { return _PyCode_CODE(code); }

ElwOp elw_op(int opcode, int oparg) {
    (void)oparg;
    switch (opcode) {
    case CALL: return ELW_OP_CALL;
    case CALL_FUNCTION_EX: return ELW_OP_CALL_UNPACKED;
    case PRECALL: return ELW_OP_PRECALL;
    case KW_NAMES: return ELW_OP_KEYWORD_NAMES;
    case FOR_ITER: return ELW_OP_FOR_ITER;
    case SEND: return ELW_OP_SEND;
    case RESUME: return ELW_OP_RESUME;
    case JUMP_BACKWARD:
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE: return ELW_OP_JUMP_BACKWARD;
    case BINARY_OP: return ELW_OP_BINARY;
    case COMPARE_OP: return ELW_OP_COMPARE;
    case CONTAINS_OP: return ELW_OP_CONTAINS;
    case UNARY_NEGATIVE:
    case UNARY_POSITIVE:
    case UNARY_INVERT: return ELW_OP_UNARY;
    case UNARY_NOT:
    case JUMP_IF_TRUE_OR_POP:
    case JUMP_IF_FALSE_OR_POP:
    case POP_JUMP_FORWARD_IF_TRUE:
    case POP_JUMP_FORWARD_IF_FALSE: return ELW_OP_TRUTH;
    case BINARY_SUBSCR: return ELW_OP_SUBSCRIPT;
    case STORE_SUBSCR: return ELW_OP_STORE_SUBSCRIPT;
    case DELETE_SUBSCR: return ELW_OP_DELETE_SUBSCRIPT;
    case LOAD_ATTR:
    case LOAD_METHOD: return ELW_OP_LOAD_ATTRIBUTE;
    case STORE_ATTR: return ELW_OP_STORE_ATTRIBUTE;
    case DELETE_ATTR: return ELW_OP_DELETE_ATTRIBUTE;
    case UNPACK_SEQUENCE: return ELW_OP_UNPACK;
    case UNPACK_EX: return ELW_OP_UNPACK_REST;
    case LIST_EXTEND:
    case SET_UPDATE: return ELW_OP_EXTEND;
    case GET_ITER: return ELW_OP_GET_ITER;
    case GET_AWAITABLE: return ELW_OP_GET_AWAITABLE;
    case BEFORE_WITH: return ELW_OP_BEFORE_WITH;
    case WITH_EXCEPT_START: return ELW_OP_WITH_EXCEPT;
    case FORMAT_VALUE: return ELW_OP_FORMAT;
    case IMPORT_NAME: return ELW_OP_IMPORT;
    case YIELD_VALUE: return ELW_OP_YIELD;
    case POP_TOP: return ELW_OP_POP;
    case STORE_FAST:
    case STORE_DEREF: return ELW_OP_STORE;
    case DELETE_FAST:
    case DELETE_DEREF: return ELW_OP_DELETE;
    case STORE_NAME:
    case STORE_GLOBAL: return ELW_OP_STORE_NAME;
    case DELETE_NAME:
    case DELETE_GLOBAL: return ELW_OP_DELETE_NAME;
    case RETURN_VALUE: return ELW_OP_RETURN;
    case RAISE_VARARGS: return ELW_OP_RAISE;
    case LOAD_NAME:
    case LOAD_GLOBAL: return ELW_OP_LOAD_NAME;
    default: return ELW_OP_OTHER;
    }
}

ElwRole elw_stack_role(int opcode) {
    switch (opcode) {
    case GET_ITER:
    case GET_AITER:
    case GET_YIELD_FROM_ITER:
    case GET_AWAITABLE: return ELW_ROLE_ITERATOR;
    case BEFORE_WITH:
    case BEFORE_ASYNC_WITH: return ELW_ROLE_EXIT;
    case PUSH_EXC_INFO: return ELW_ROLE_PREVIOUS_EXCEPTION;
    default: return ELW_ROLE_TEMPORARY;
    }
}

int elw_caches(int opcode) {
    switch (opcode) {
    case BINARY_SUBSCR: return INLINE_CACHE_ENTRIES_BINARY_SUBSCR;
    case STORE_SUBSCR: return INLINE_CACHE_ENTRIES_STORE_SUBSCR;
    case UNPACK_SEQUENCE: return INLINE_CACHE_ENTRIES_UNPACK_SEQUENCE;
    case STORE_ATTR: return INLINE_CACHE_ENTRIES_STORE_ATTR;
    case LOAD_ATTR: return INLINE_CACHE_ENTRIES_LOAD_ATTR;
    case LOAD_METHOD: return INLINE_CACHE_ENTRIES_LOAD_METHOD;
    case COMPARE_OP: return INLINE_CACHE_ENTRIES_COMPARE_OP;
    case LOAD_GLOBAL: return INLINE_CACHE_ENTRIES_LOAD_GLOBAL;
    case BINARY_OP: return INLINE_CACHE_ENTRIES_BINARY_OP;
    case PRECALL: return INLINE_CACHE_ENTRIES_PRECALL;
    case CALL: return INLINE_CACHE_ENTRIES_CALL;
    default: return 0;
    }
}

int elw_stack_effect(int opcode, int oparg, int jump) {
    switch (opcode) {
    case PRECALL: return 0; /* the compiler books the arguments here, CALL pops them */
    case CALL: return -oparg - 1;
    case FOR_ITER: return jump ? -1 : 1;
    case SEND: return jump ? -1 : 0;
    default: return PyCompile_OpcodeStackEffectWithJump(opcode, oparg, jump);
    }
}

int elw_jump_target(int opcode, int oparg, int next) {
    switch (opcode) {
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE: return next - oparg;
    case JUMP_FORWARD:
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
    case POP_JUMP_FORWARD_IF_FALSE:
    case POP_JUMP_FORWARD_IF_TRUE:
    case POP_JUMP_FORWARD_IF_NONE:
    case POP_JUMP_FORWARD_IF_NOT_NONE:
    case FOR_ITER:
    case SEND: return next + oparg;
    default: return -1;
    }
}

bool elw_ends_block(int opcode) {
    switch (opcode) {
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case JUMP_FORWARD:
    case RETURN_VALUE:
    case RAISE_VARARGS:
    case RERAISE: return true;
    default: return false;
    }
}

int elw_opcode_extended_arg(void) { return EXTENDED_ARG; }
/* The None that starts a generator lies on its stack from the start. */
int elw_first_depth(PyCodeObject *code) {
    return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) ? 1 : 0;
}
PyObject *elw_bytecode(PyCodeObject *code) { return PyCode_GetCode(code); }

void elw_despecialise(PyCodeObject *code, int index) {
    PyObject *plain = PyCode_GetCode(code);
    if (plain == NULL) {
        PyErr_Clear();
        return;
    }
    const _Py_CODEUNIT unit = ((const _Py_CODEUNIT *)PyBytes_AS_STRING(plain))[index];
    first_unit(code)[index] =
        _Py_MAKECODEUNIT(_Py_OPCODE(unit), _Py_OPARG(first_unit(code)[index]));
    Py_DECREF(plain);
}

bool elw_may_rebind_first(PyCodeObject *code, int opcode, int oparg) {
    (void)code;
    if (opcode == STORE_DEREF || opcode == DELETE_DEREF) return oparg == 0;
    return (opcode == STORE_FAST || opcode == DELETE_FAST) && oparg == 0;
}

bool elw_makes_tuple(int opcode, int oparg) {
    (void)oparg;
    return opcode == LIST_TO_TUPLE;
}

int elw_callable_slots(int opcode) {
    (void)opcode;
    return 2;
}

int elw_operator(int opcode, int oparg) {
    (void)opcode;
    return oparg;
}

int elw_name_index(int opcode, int oparg) {
    (void)opcode;
    return oparg;
}

int elw_comparison(int oparg) { return oparg; }

/* A body that is no function: module, class, exec. Only a class body is called as one. */
bool elw_is_class_body(PyCodeObject *code) {
    return (code->co_flags & (CO_OPTIMIZED | CO_NEWLOCALS)) == 0;
}

int elw_variable_count(PyCodeObject *code) { return code->co_nlocalsplus; }
PyObject *elw_qualname(PyCodeObject *code) { return code->co_qualname; }
PyObject *elw_exception_table(PyCodeObject *code) { return code->co_exceptiontable; }

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
                                       "co_qualname",
                                       "co_firstlineno",
                                       "co_linetable",
                                       "co_exceptiontable",
                                       "co_freevars",
                                       "co_cellvars",
                                       NULL};
const char *const elw_code_tables[] = {"co_code", "co_linetable", "co_exceptiontable", NULL};

/* ---- reading frames ---- */

static ElwFrame *complete(ElwFrame *frame) {
    while (frame != NULL && _PyFrame_IsIncomplete(frame)) frame = frame->previous;
    return frame;
}

ElwFrame *elw_innermost(PyThreadState *thread) { return complete(thread->cframe->current_frame); }

ElwFrame *elw_outer(ElwFrame *frame, ElwEntry *entry, PyObject **instance) {
    ElwFrame *outer = frame->previous;
    *instance = NULL;
    *entry = frame->is_entry || complete(outer) != outer ? ELW_ENTERED_FROM_C : ELW_ENTERED_INLINE;
    return complete(outer);
}

PyCodeObject *elw_code(ElwFrame *frame) { return frame->f_code; }
PyObject *elw_function(ElwFrame *frame) { return (PyObject *)frame->f_func; }
PyObject *elw_globals(ElwFrame *frame) { return frame->f_globals; }
PyObject *elw_builtins(ElwFrame *frame) { return frame->f_builtins; }
PyObject *elw_locals(ElwFrame *frame) { return frame->f_locals; }

PyObject *elw_generator(ElwFrame *frame) {
    if (frame->owner != FRAME_OWNED_BY_GENERATOR) return NULL;
    return (PyObject *)((char *)frame - offsetof(PyGenObject, gi_iframe));
}

PyFrameObject *elw_frame_object(ElwFrame *frame) { return frame->frame_obj; }
int elw_in_flight(ElwFrame *frame) { return (int)(frame->prev_instr - first_unit(frame->f_code)); }
int elw_next(ElwFrame *frame) { return elw_in_flight(frame) + 1; }

int elw_saved_depth(ElwFrame *frame) {
    return frame->stacktop < 0 ? -1 : frame->stacktop - frame->f_code->co_nlocalsplus;
}

PyObject *elw_argument(ElwFrame *frame, int n) {
    PyObject *object = frame->localsplus[n];
    const bool cell =
        (_PyLocals_GetKind(elw_code(frame)->co_localspluskinds, n) & CO_FAST_CELL) != 0;
    return cell && object != NULL && PyCell_Check(object) ? PyCell_GET(object) : object;
}

int elw_blocks(ElwFrame *frame, ElwBlock blocks[elw_max_blocks]) { return 0; }
ElwSlot *elw_variables(ElwFrame *frame) { return (ElwSlot *)frame->localsplus; }
ElwSlot *elw_stack(ElwFrame *frame) {
    return (ElwSlot *)frame->localsplus + frame->f_code->co_nlocalsplus;
}
PyObject *elw_get(ElwSlot slot) { return (PyObject *)slot.bits; }
bool elw_get_number(ElwSlot slot, intptr_t *number) { return false; }

static int taker_opcode(ElwFrame *frame, const _Py_CODEUNIT *unit) { return _Py_OPCODE(*unit); }
static int oparg_of(const _Py_CODEUNIT *unit) { return _Py_OPARG(*unit); }

ElwFrame *elw_taker(int *most) {
    ElwFrame *frame = _PyRuntimeState_GetThreadState(&_PyRuntime)->cframe->current_frame;
    return frame == NULL ? NULL : taker_at(frame, frame->prev_instr, most);
}

/* The eval loop has its cframe in a variable. */
const void *elw_loop_of(PyThreadState *thread, ElwFrame *frame) {
    for (const _PyCFrame *loop = thread->cframe; loop != NULL; loop = loop->previous)
        for (const ElwFrame *at = loop->current_frame; at != NULL; at = at->previous) {
            if (at == frame) return loop;
            if (at->is_entry) break;
        }
    return NULL;
}
const void *elw_loop_function(void) { return NULL; }

/* ---- writing frames ---- */

PyObject *elw_take(ElwSlot *slot) {
    PyObject *object = (PyObject *)slot->bits;
    slot->bits = 0;
    return object;
}
ElwSlot elw_slot(PyObject *object) { return (ElwSlot){(uintptr_t)object}; }
ElwSlot elw_number_slot(intptr_t number) { return (ElwSlot){0}; /* not before 3.15 */ }

void elw_set_function(ElwFrame *frame, PyObject *function) {
    PyObject *old = (PyObject *)frame->f_func;
    frame->f_func = (PyFunctionObject *)Py_NewRef(function);
    frame->f_globals = ((PyFunctionObject *)function)->func_globals;
    frame->f_builtins = ((PyFunctionObject *)function)->func_builtins;
    Py_XDECREF(old);
}

void elw_set_builtins(ElwFrame *frame, PyObject *builtins) {} /* the function's */
void elw_set_blocks(ElwFrame *frame, const ElwBlock *blocks, int count) {}

void elw_set_locals(ElwFrame *frame, PyObject *locals) {
    PyObject *old = frame->f_locals;
    frame->f_locals = Py_XNewRef(locals);
    Py_XDECREF(old);
}

void elw_set_next(ElwFrame *frame, int index) {
    frame->prev_instr = first_unit(frame->f_code) + index - 1;
}

void elw_set_in_flight(ElwFrame *frame, int index, int behind) {
    (void)index;
    frame->prev_instr = first_unit(frame->f_code) + behind - 1; /* its last cache entry */
}

void elw_set_depth(ElwFrame *frame, int depth) {
    frame->stacktop = depth < 0 ? -1 : frame->f_code->co_nlocalsplus + depth;
}

void elw_link(PyThreadState *thread, ElwFrame *frame) {
    frame->previous = thread->cframe->current_frame;
    frame->is_entry = true;
    thread->cframe->current_frame = frame;
    thread->recursion_remaining--;
}

void elw_unlink(PyThreadState *thread, ElwFrame *frame) {
    thread->cframe->current_frame = frame->previous;
    thread->recursion_remaining++;
}

ElwFrame *elw_hide(PyThreadState *thread) {
    ElwFrame *hidden = thread->cframe->current_frame;
    thread->cframe->current_frame = NULL;
    return hidden;
}

void elw_unhide(PyThreadState *thread, ElwFrame *hidden) { thread->cframe->current_frame = hidden; }

PyObject *elw_handled_exception(PyThreadState *thread) {
    return Py_XNewRef(thread->exc_state.exc_value);
}

void elw_set_handled_exception(PyThreadState *thread, PyObject *exception) {
    Py_XSETREF(thread->exc_state.exc_value, exception);
}

void elw_lend_recursion(PyThreadState *thread, int python, int c) {
    thread->recursion_remaining += python != 0 ? python : c; /* one counter for both */
}

void elw_lend_c_stack(PyThreadState *thread, intptr_t bytes) {} /* levels are counted */

int elw_own_tracing(PyThreadState *thread) { return 0; }
bool elw_has_tools(PyThreadState *thread) { return false; }
ElwTold elw_told(PyThreadState *thread) { return ELW_TOLD_OTHER; }
void elw_set_told(PyThreadState *thread, ElwTold told) {}
PyObject *elw_only_callback(PyThreadState *thread, ElwTold told) { return NULL; }
void elw_enter_tracing(PyThreadState *thread) { PyThreadState_EnterTracing(thread); }
void elw_leave_tracing(PyThreadState *thread) { PyThreadState_LeaveTracing(thread); }

/* Another hook may be there already (a debugger's, a compiler's); it gets its place back. */
static _PyFrameEvalFunction found_eval;

void elw_set_eval(PyThreadState *thread, ElwEval eval) {
    if (eval != NULL) found_eval = _PyInterpreterState_GetEvalFrameFunc(thread->interp);
    _PyInterpreterState_SetEvalFrameFunc(thread->interp, eval != NULL ? eval : found_eval);
}

PyObject *elw_eval(PyThreadState *thread, ElwFrame *frame, int throwing) {
    return _PyEval_EvalFrameDefault(thread, frame, throwing);
}

/* ---- finalizers ---- */

void elw_set_finalized(PyObject *object) { _PyGC_SET_FINALIZED(object); }
bool elw_destroys_later(PyThreadState *thread) { return thread->trash_delete_later != NULL; }
void elw_report_failed(PyObject *finalizer) { PyErr_WriteUnraisable(finalizer); }

/* ---- generators ---- */

bool elw_is_generator(PyObject *object) {
    return PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object);
}

ElwGenState elw_generator_state(PyObject *generator) {
    const int state = ((PyGenObject *)generator)->gi_frame_state;
    if (state == FRAME_CREATED) return ELW_GEN_CREATED;
    if (state == FRAME_SUSPENDED) return ELW_GEN_SUSPENDED;
    return state == FRAME_EXECUTING ? ELW_GEN_EXECUTING : ELW_GEN_FINISHED;
}

void elw_set_generator_state(PyObject *generator, ElwGenState state) {
    ((PyGenObject *)generator)->gi_frame_state =
        (int8_t)(state == ELW_GEN_CREATED     ? FRAME_CREATED
                 : state == ELW_GEN_SUSPENDED ? FRAME_SUSPENDED
                                              : FRAME_EXECUTING);
}

ElwFrame *elw_generator_frame(PyObject *generator) {
    return (ElwFrame *)((PyGenObject *)generator)->gi_iframe;
}

PyCodeObject *elw_generator_code(PyObject *generator) {
    return ((PyGenObject *)generator)->gi_code;
}

PyObject *elw_generator_handled(PyObject *generator) {
    return Py_XNewRef(((PyGenObject *)generator)->gi_exc_state.exc_value);
}

void elw_set_generator_handled(PyObject *generator, PyObject *exception) {
    Py_XSETREF(((PyGenObject *)generator)->gi_exc_state.exc_value, exception);
}

PyObject **elw_generator_name(PyObject *generator) { return &((PyGenObject *)generator)->gi_name; }
PyObject **elw_generator_qualname(PyObject *generator) {
    return &((PyGenObject *)generator)->gi_qualname;
}

PyObject **elw_generator_origin(PyObject *generator) {
    return &((PyAsyncGenObject *)generator)->ag_origin_or_finalizer;
}

int elw_async_generator_flags(PyObject *generator) {
    PyAsyncGenObject *g = (PyAsyncGenObject *)generator;
    return (g->ag_hooks_inited ? 1 : 0) | (g->ag_closed ? 2 : 0) | (g->ag_running_async ? 4 : 0);
}

void elw_set_async_generator_flags(PyObject *generator, int flags) {
    PyAsyncGenObject *g = (PyAsyncGenObject *)generator;
    g->ag_hooks_inited = (flags & 1) != 0;
    g->ag_closed = (flags & 2) != 0;
    g->ag_running_async = (flags & 4) != 0;
}

/* ---- frame objects ---- */

ElwFrame *elw_frame_of(PyFrameObject *object) { return object->f_frame; }
bool elw_frame_is_dead(PyFrameObject *object) {
    return object->f_frame->owner == FRAME_OWNED_BY_FRAME_OBJECT;
}

ElwFrame *elw_adopt_frame_object(ElwFrame *frame, PyFrameObject *object) {
    ElwFrame *own = (ElwFrame *)object->_f_frame_data;
    PyFrameObject *old = frame->frame_obj;
    object->f_frame = frame;
    frame->frame_obj = object;
    Py_XDECREF(old);
    Py_CLEAR(own->f_func);
    Py_CLEAR(own->f_locals);
    Py_CLEAR(own->f_code);
    return frame;
}

/* ---- signals ---- */

/* The eval loop clears the request before it calls the handlers (ceval.c: handle_signals);
 * PyErr_CheckSignals does not. */
bool elw_signal_between_instructions(void) {
    return _Py_atomic_load_relaxed(&_PyRuntime.ceval.signals_pending) == 0;
}

void elw_stop_at_next(PyThreadState *thread, int (*reached)(void)) {} /* not needed */
void elw_cancel_stop(PyThreadState *thread) {}
int elw_stopped_at(ElwFrame *frame) { return -1; }
