/* What CPython 3.9 and 3.10 have in common; included by py309.c and py310.c alone.
 *
 * A frame is its frame object, every call of Python code goes through C, `try` and `with` keep
 * blocks in the frame, and a handled exception is three objects. While a frame runs, its stack
 * depth is not saved, but what its instruction works on lies in the stack until the instruction is
 * done.
 *
 * The file that includes this says in what the two differ:
 *   instruction_of(frame)  the index behind f_lasti, -1 if there is none
 *   saved_depth(frame)     entries on the value stack, -1 while not saved
 *   set_trace(thread, f)   makes f the trace function, NULL for none
 *   jump_unit              what a jump's argument counts in: code units, or bytes
 */
#ifndef ELSEWHERE_ENGINE_CPYTHON_BEFORE_PY311_H
#define ELSEWHERE_ENGINE_CPYTHON_BEFORE_PY311_H

#include "engine/cpython/frame_abi.h"

#include "opcode.h"

#include <string.h>

_Static_assert(sizeof(_Py_CODEUNIT) == 2, "a code unit is two bytes");
_Static_assert(sizeof(ElwSlot) == sizeof(PyObject *), "a slot is a pointer");
_Static_assert(elw_max_blocks == CO_MAXBLOCKS, "a block stack fits");

extern PyObject *_PyEval_EvalFrameDefault(PyThreadState *, PyFrameObject *, int);

static PyFrameObject *in(ElwFrame *frame) { return (PyFrameObject *)frame; }
static ElwFrame *out(PyFrameObject *frame) { return (ElwFrame *)frame; }

static PyObject *new_ref(PyObject *object) {
    Py_XINCREF(object);
    return object;
}

static PyFrameObject *outside_of_throw(PyFrameObject *frame);
static void watch_throws(void);

static int instruction_of(const PyFrameObject *frame);
static int saved_depth(const PyFrameObject *frame);
static void set_trace(PyThreadState *thread, Py_tracefunc trace);

static const char *test_layout(void) {
    PyThreadState *thread = PyThreadState_Get();
    PyFrameObject *object = PyThreadState_GetFrame(thread);
    if (object == NULL) return NULL;
    PyObject *last = PyObject_GetAttrString((PyObject *)object, "f_lasti");
    const bool same = elw_innermost(thread) == out(object) && last != NULL &&
                      instruction_of(object) * 2 == PyLong_AsLong(last);
    Py_XDECREF(last);
    Py_DECREF(object);
    PyErr_Clear();
    if (!same) return "the interpreter's frames are laid out in an unknown way";
    watch_throws();
    return NULL;
}

/* ---- code ---- */

static const _Py_CODEUNIT *first_unit(PyCodeObject *code) {
    return (const _Py_CODEUNIT *)PyBytes_AS_STRING(code->co_code);
}

ElwOp elw_op(int opcode, int oparg) {
    (void)oparg;
    switch (opcode) {
    case CALL_FUNCTION:
    case CALL_METHOD: return ELW_OP_CALL;
    case CALL_FUNCTION_KW: return ELW_OP_CALL_KEYWORDS;
    case CALL_FUNCTION_EX: return ELW_OP_CALL_UNPACKED;
    case FOR_ITER: return ELW_OP_FOR_ITER;
    case YIELD_FROM: return ELW_OP_SEND;
    case COMPARE_OP: return ELW_OP_COMPARE;
    case CONTAINS_OP: return ELW_OP_CONTAINS;
    case UNARY_NEGATIVE:
    case UNARY_POSITIVE:
    case UNARY_INVERT: return ELW_OP_UNARY;
    case UNARY_NOT:
    case JUMP_IF_TRUE_OR_POP:
    case JUMP_IF_FALSE_OR_POP:
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_FALSE: return ELW_OP_TRUTH;
    case BINARY_SUBSCR: return ELW_OP_SUBSCRIPT;
    case STORE_SUBSCR: return ELW_OP_STORE_SUBSCRIPT;
    case DELETE_SUBSCR: return ELW_OP_DELETE_SUBSCRIPT;
    case LOAD_ATTR:
    case LOAD_METHOD: return ELW_OP_LOAD_ATTRIBUTE;
    case STORE_ATTR: return ELW_OP_STORE_ATTRIBUTE;
    case DELETE_ATTR: return ELW_OP_DELETE_ATTRIBUTE;
    case GET_ITER: return ELW_OP_GET_ITER;
    case GET_AWAITABLE: return ELW_OP_GET_AWAITABLE;
    case SETUP_WITH: return ELW_OP_BEFORE_WITH;
    case WITH_EXCEPT_START: return ELW_OP_WITH_EXCEPT;
    case UNPACK_SEQUENCE: return ELW_OP_UNPACK;
    case UNPACK_EX: return ELW_OP_UNPACK_REST;
    case LIST_EXTEND:
    case SET_UPDATE: return ELW_OP_EXTEND;
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
    default: return elw_operator(opcode, 0) >= 0 ? ELW_OP_BINARY : ELW_OP_OTHER;
    }
}

/* The numbers that later versions give the operators of their one instruction; in place 13 more. */
int elw_operator(int opcode, int oparg) {
    (void)oparg;
    switch (opcode) {
    case BINARY_ADD: return 0;
    case BINARY_AND: return 1;
    case BINARY_FLOOR_DIVIDE: return 2;
    case BINARY_LSHIFT: return 3;
    case BINARY_MATRIX_MULTIPLY: return 4;
    case BINARY_MULTIPLY: return 5;
    case BINARY_MODULO: return 6;
    case BINARY_OR: return 7;
    case BINARY_POWER: return 8;
    case BINARY_RSHIFT: return 9;
    case BINARY_SUBTRACT: return 10;
    case BINARY_TRUE_DIVIDE: return 11;
    case BINARY_XOR: return 12;
    case INPLACE_ADD: return 13;
    case INPLACE_AND: return 14;
    case INPLACE_FLOOR_DIVIDE: return 15;
    case INPLACE_LSHIFT: return 16;
    case INPLACE_MATRIX_MULTIPLY: return 17;
    case INPLACE_MULTIPLY: return 18;
    case INPLACE_MODULO: return 19;
    case INPLACE_OR: return 20;
    case INPLACE_POWER: return 21;
    case INPLACE_RSHIFT: return 22;
    case INPLACE_SUBTRACT: return 23;
    case INPLACE_TRUE_DIVIDE: return 24;
    case INPLACE_XOR: return 25;
    default: return -1;
    }
}

ElwRole elw_stack_role(int opcode) {
    switch (opcode) {
    case GET_ITER:
    case GET_AITER:
    case GET_YIELD_FROM_ITER:
    case GET_AWAITABLE: return ELW_ROLE_ITERATOR;
    case SETUP_WITH:
    case BEFORE_ASYNC_WITH: return ELW_ROLE_EXIT;
    default: return ELW_ROLE_TEMPORARY;
    }
}

int elw_caches(int opcode) {
    (void)opcode;
    return 0;
}

int elw_stack_effect(int opcode, int oparg, int jump) {
    return PyCompile_OpcodeStackEffectWithJump(opcode, oparg, jump);
}

/* A block's handler is reached as a jump is, and the stack effect of that jump is its depth. */
int elw_jump_target(int opcode, int oparg, int next) {
    switch (opcode) {
    case JUMP_ABSOLUTE:
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
    case JUMP_IF_NOT_EXC_MATCH:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_TRUE: return oparg / jump_unit;
    case JUMP_FORWARD:
    case FOR_ITER:
    case SETUP_FINALLY:
    case SETUP_WITH:
    case SETUP_ASYNC_WITH: return next + oparg / jump_unit;
    default: return -1;
    }
}

bool elw_ends_block(int opcode) {
    switch (opcode) {
    case JUMP_ABSOLUTE:
    case JUMP_FORWARD:
    case RETURN_VALUE:
    case RAISE_VARARGS:
    case RERAISE: return true;
    default: return false;
    }
}

PyObject *elw_exception_table(PyCodeObject *code) {
    (void)code;
    return NULL;
}

int elw_opcode_extended_arg(void) { return EXTENDED_ARG; }
PyObject *elw_bytecode(PyCodeObject *code) { return new_ref(code->co_code); }

void elw_despecialise(PyCodeObject *code, int index) {} /* never specialised */

bool elw_may_rebind_first(PyCodeObject *code, int opcode, int oparg) {
    if (opcode == STORE_DEREF || opcode == DELETE_DEREF)
        return code->co_cell2arg != NULL && oparg < PyTuple_GET_SIZE(code->co_cellvars) &&
               code->co_cell2arg[oparg] == 0;
    return (opcode == STORE_FAST || opcode == DELETE_FAST) && oparg == 0;
}

bool elw_makes_tuple(int opcode, int oparg) {
    (void)oparg;
    return opcode == LIST_TO_TUPLE;
}

int elw_callable_slots(int opcode) { return opcode == CALL_METHOD ? 2 : 1; }

int elw_name_index(int opcode, int oparg) {
    (void)opcode;
    return oparg;
}

int elw_comparison(int oparg) { return oparg; }

/* A body that is no function: module, class, exec. Only a class body is called as one. */
bool elw_is_class_body(PyCodeObject *code) {
    return (code->co_flags & (CO_OPTIMIZED | CO_NEWLOCALS)) == 0;
}

int elw_variable_count(PyCodeObject *code) {
    return code->co_nlocals + (int)PyTuple_GET_SIZE(code->co_cellvars) +
           (int)PyTuple_GET_SIZE(code->co_freevars);
}

PyObject *elw_qualname(PyCodeObject *code) { return code->co_name; }

/* ---- reading frames ---- */

ElwFrame *elw_innermost(PyThreadState *thread) { return out(thread->frame); }

ElwFrame *elw_outer(ElwFrame *frame, ElwEntry *entry, PyObject **instance) {
    *instance = NULL;
    *entry = ELW_ENTERED_FROM_C;
    PyFrameObject *outer = in(frame)->f_back;
    if (outer == NULL && in(frame)->f_gen != NULL) outer = outside_of_throw(in(frame));
    return out(outer);
}

PyCodeObject *elw_code(ElwFrame *frame) { return in(frame)->f_code; }
PyObject *elw_function(ElwFrame *frame) {
    (void)frame;
    return NULL; /* not known to the frame */
}
PyObject *elw_globals(ElwFrame *frame) { return in(frame)->f_globals; }
PyObject *elw_builtins(ElwFrame *frame) { return in(frame)->f_builtins; }
PyObject *elw_locals(ElwFrame *frame) { return in(frame)->f_locals; }
PyObject *elw_generator(ElwFrame *frame) { return in(frame)->f_gen; }

/* A generator's frame is found through it. Of another one, C holds a reference while it runs, and
 * so does the frame inside it; with more than these, somebody may have it. */
PyFrameObject *elw_frame_object(ElwFrame *frame) {
    PyFrameObject *object = in(frame);
    if (object->f_gen != NULL) return NULL;
    const Py_ssize_t own = object == PyThreadState_Get()->frame ? 1 : 2;
    return Py_REFCNT(object) > own ? object : NULL;
}

/* The index is that of the first EXTENDED_ARG, where there is one. */
int elw_in_flight(ElwFrame *frame) {
    PyCodeObject *code = in(frame)->f_code;
    const int units = (int)(PyBytes_GET_SIZE(code->co_code) / 2);
    int index = instruction_of(in(frame));
    while (index >= 0 && index + 1 < units && _Py_OPCODE(first_unit(code)[index]) == EXTENDED_ARG)
        index++;
    return index;
}
int elw_next(ElwFrame *frame) { return instruction_of(in(frame)) + 1; }
int elw_stopped_at(ElwFrame *frame) { return instruction_of(in(frame)); }
int elw_saved_depth(ElwFrame *frame) { return saved_depth(in(frame)); }

/* The place of an argument that is a cell is empty: its value is in the cell. */
PyObject *elw_argument(ElwFrame *frame, int n) {
    PyCodeObject *code = in(frame)->f_code;
    PyObject *object = in(frame)->f_localsplus[n];
    if (object != NULL || code->co_cell2arg == NULL) return object;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_cellvars); i++)
        if (code->co_cell2arg[i] == n) {
            PyObject *cell = in(frame)->f_localsplus[code->co_nlocals + i];
            return cell != NULL && PyCell_Check(cell) ? PyCell_GET(cell) : NULL;
        }
    return NULL;
}

/* Of the two kinds of blocks, only EXCEPT_HANDLER is no instruction. */
int elw_blocks(ElwFrame *frame, ElwBlock blocks[elw_max_blocks]) {
    const int count = in(frame)->f_iblock;
    for (int i = 0; i < count; i++) {
        const PyTryBlock *block = &in(frame)->f_blockstack[i];
        blocks[i] =
            (ElwBlock){block->b_type == EXCEPT_HANDLER,
                       block->b_handler < 0 ? -1 : block->b_handler / jump_unit, block->b_level};
    }
    return count;
}

void elw_set_blocks(ElwFrame *frame, const ElwBlock *blocks, int count) {
    PyFrameObject *object = in(frame);
    for (int i = 0; i < count; i++)
        object->f_blockstack[i] =
            (PyTryBlock){blocks[i].handling ? EXCEPT_HANDLER : SETUP_FINALLY,
                         blocks[i].target < 0 ? -1 : blocks[i].target * jump_unit, blocks[i].level};
    object->f_iblock = count;
}

ElwSlot *elw_variables(ElwFrame *frame) { return (ElwSlot *)in(frame)->f_localsplus; }
ElwSlot *elw_stack(ElwFrame *frame) { return (ElwSlot *)in(frame)->f_valuestack; }
PyObject *elw_get(ElwSlot slot) { return (PyObject *)slot.bits; }
bool elw_get_number(ElwSlot slot, intptr_t *number) { return false; }

/* Up to 3.10, tuple(x) is a call like any other. */
ElwFrame *elw_taker(int *most) {
    PyFrameObject *frame = _PyRuntimeState_GetThreadState(&_PyRuntime)->frame;
    const int at = frame == NULL ? -1 : instruction_of(frame);
    if (at < 0) return NULL;
    const _Py_CODEUNIT unit = first_unit(frame->f_code)[at];
    switch (_Py_OPCODE(unit)) {
    case UNPACK_SEQUENCE: *most = _Py_OPARG(unit) + 1; return out(frame);
    case EXTENDED_ARG: { /* the prefix of one of these; of more than 255 it is not told */
        const _Py_CODEUNIT next = first_unit(frame->f_code)[at + 1];
        *most = 0;
        return _Py_OPCODE(next) == UNPACK_EX ? out(frame) : NULL;
    }
    case UNPACK_EX:
    case CALL_FUNCTION_EX: *most = 0; return out(frame);
    default: return NULL;
    }
}

/* Every frame has an eval loop of its own. */
const void *elw_loop_of(PyThreadState *thread, ElwFrame *frame) { return NULL; }
const void *elw_loop_function(void) { return (const void *)_PyEval_EvalFrameDefault; }

/* ---- finalizers: see also py309.c and py310.c ---- */

bool elw_destroys_later(PyThreadState *thread) { return thread->trash_delete_later != NULL; }

/* ---- writing frames ---- */

PyObject *elw_take(ElwSlot *slot) {
    PyObject *object = (PyObject *)slot->bits;
    slot->bits = 0;
    return object;
}
ElwSlot elw_slot(PyObject *object) { return (ElwSlot){(uintptr_t)object}; }
ElwSlot elw_number_slot(intptr_t number) { return (ElwSlot){0}; /* not before 3.15 */ }

void elw_set_builtins(ElwFrame *frame, PyObject *builtins) {
    PyObject *old = in(frame)->f_builtins;
    in(frame)->f_builtins = new_ref(builtins);
    Py_XDECREF(old);
}

void elw_set_locals(ElwFrame *frame, PyObject *locals) {
    PyObject *old = in(frame)->f_locals;
    in(frame)->f_locals = new_ref(locals);
    Py_XDECREF(old);
}

ElwFrame *elw_hide(PyThreadState *thread) {
    PyFrameObject *hidden = thread->frame;
    thread->frame = NULL;
    return out(hidden);
}

void elw_unhide(PyThreadState *thread, ElwFrame *hidden) { thread->frame = in(hidden); }

/* One object for the three: the exception, where type and traceback are its own. */
static PyObject *handled(const _PyErr_StackItem *item) {
    PyObject *value = item->exc_value;
    if (item->exc_type == NULL || item->exc_type == Py_None) return NULL;
    if (value != NULL && PyExceptionInstance_Check(value) &&
        item->exc_type == (PyObject *)Py_TYPE(value)) {
        PyObject *traceback = PyException_GetTraceback(value);
        const bool own = traceback == (item->exc_traceback == Py_None ? NULL : item->exc_traceback);
        Py_XDECREF(traceback);
        if (own) return new_ref(value);
    }
    return PyTuple_Pack(3, item->exc_type, value ? value : Py_None,
                        item->exc_traceback ? item->exc_traceback : Py_None);
}

static void set_handled(_PyErr_StackItem *item, PyObject *exception) {
    _PyErr_StackItem old = *item;
    item->exc_type = item->exc_value = item->exc_traceback = NULL;
    if (exception != NULL && PyTuple_CheckExact(exception) && PyTuple_GET_SIZE(exception) == 3) {
        item->exc_type = new_ref(PyTuple_GET_ITEM(exception, 0));
        item->exc_value = new_ref(PyTuple_GET_ITEM(exception, 1));
        item->exc_traceback = new_ref(PyTuple_GET_ITEM(exception, 2));
        Py_DECREF(exception);
    } else if (exception != NULL) {
        item->exc_type = new_ref((PyObject *)Py_TYPE(exception));
        item->exc_value = exception;
        item->exc_traceback = PyException_GetTraceback(exception);
        if (item->exc_traceback == NULL) item->exc_traceback = new_ref(Py_None);
    }
    Py_XDECREF(old.exc_type);
    Py_XDECREF(old.exc_value);
    Py_XDECREF(old.exc_traceback);
}

PyObject *elw_handled_exception(PyThreadState *thread) { return handled(&thread->exc_state); }

void elw_set_handled_exception(PyThreadState *thread, PyObject *exception) {
    set_handled(&thread->exc_state, exception);
}

void elw_lend_recursion(PyThreadState *thread, int python, int c) {
    thread->recursion_depth -= python != 0 ? python : c; /* one counter for both */
}

/* Nothing but the recursion limit guards the C stack. */
void elw_lend_c_stack(PyThreadState *thread, intptr_t bytes) {}

bool elw_has_tools(PyThreadState *thread) { return false; }
ElwTold elw_told(PyThreadState *thread) { return ELW_TOLD_OTHER; }
void elw_set_told(PyThreadState *thread, ElwTold told) {}
PyObject *elw_only_callback(PyThreadState *thread, ElwTold told) { return NULL; }
void elw_enter_tracing(PyThreadState *thread) { thread->tracing++; }
void elw_leave_tracing(PyThreadState *thread) { thread->tracing--; }

/* Another hook may be there already (a debugger's, a compiler's); it gets its place back. */
static _PyFrameEvalFunction found_eval;

void elw_set_eval(PyThreadState *thread, ElwEval eval) {
    if (eval != NULL) found_eval = _PyInterpreterState_GetEvalFrameFunc(thread->interp);
    _PyInterpreterState_SetEvalFrameFunc(
        thread->interp, eval != NULL ? (_PyFrameEvalFunction)(void (*)(void))eval : found_eval);
}

PyObject *elw_eval(PyThreadState *thread, ElwFrame *frame, int throwing) {
    return _PyEval_EvalFrameDefault(thread, in(frame), throwing);
}

/* ---- generators ---- */

/* throw() leaves the frames of the generators that it passes through unlinked: what is outside of
 * the first of them is noted here, while it runs. */
typedef struct Throw {
    PyObject *generator;
    PyFrameObject *caller;
    struct Throw *outer;
} Throw;
static Throw *throws; /* under the GIL; of all threads, so that each has to look for its own */
static PyCFunction original_throw[2];

static PyObject *noted_throw(int which, PyObject *self, PyObject *arguments) {
    Throw here = {self, PyThreadState_Get()->frame, throws};
    throws = &here;
    PyObject *result = original_throw[which](self, arguments);
    Throw **place = &throws;
    while (*place != &here) place = &(*place)->outer; /* another thread's may be on top */
    *place = here.outer;
    return result;
}
static PyObject *generator_throw(PyObject *self, PyObject *a) { return noted_throw(0, self, a); }
static PyObject *coroutine_throw(PyObject *self, PyObject *a) { return noted_throw(1, self, a); }

static void watch_throws(void) {
    PyTypeObject *types[] = {&PyGen_Type, &PyCoro_Type};
    const PyCFunction ours[] = {generator_throw, coroutine_throw};
    for (int i = 0; i < 2; i++)
        for (PyMethodDef *method = types[i]->tp_methods; method->ml_name != NULL; method++)
            if (strcmp(method->ml_name, "throw") == 0 && method->ml_flags == METH_VARARGS &&
                method->ml_meth != ours[i]) {
                original_throw[i] = method->ml_meth;
                method->ml_meth = ours[i];
            }
}

/* What `generator` has handed over to by `yield from` or await, if it is a generator; borrowed. */
static PyObject *delegate_of(PyObject *generator) {
    PyFrameObject *frame = ((PyGenObject *)generator)->gi_frame;
    if (frame == NULL || frame->f_lasti < 0 || saved_depth(frame) <= 0) return NULL;
    const Py_ssize_t next = instruction_of(frame) + 1;
    if (next >= PyBytes_GET_SIZE(frame->f_code->co_code) / 2 ||
        _Py_OPCODE(first_unit(frame->f_code)[next]) != YIELD_FROM)
        return NULL;
    PyObject *delegate = frame->f_valuestack[saved_depth(frame) - 1];
    return delegate != NULL && elw_is_generator(delegate) ? delegate : NULL;
}

/* The frame outside of one that a throw() passes through. */
static PyFrameObject *outside_of_throw(PyFrameObject *frame) {
    for (const Throw *at = throws; at != NULL; at = at->outer) {
        PyFrameObject *outside = at->caller;
        for (PyObject *g = at->generator; g != NULL; g = delegate_of(g)) {
            if (g == frame->f_gen) return outside;
            outside = ((PyGenObject *)g)->gi_frame;
        }
    }
    return NULL;
}

bool elw_is_generator(PyObject *object) {
    return PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object);
}

ElwFrame *elw_generator_frame(PyObject *generator) {
    return out(((PyGenObject *)generator)->gi_frame);
}

PyCodeObject *elw_generator_code(PyObject *generator) {
    return (PyCodeObject *)((PyGenObject *)generator)->gi_code;
}

PyObject *elw_generator_handled(PyObject *generator) {
    return handled(&((PyGenObject *)generator)->gi_exc_state);
}

void elw_set_generator_handled(PyObject *generator, PyObject *exception) {
    set_handled(&((PyGenObject *)generator)->gi_exc_state, exception);
}

PyObject **elw_generator_name(PyObject *generator) { return &((PyGenObject *)generator)->gi_name; }
PyObject **elw_generator_qualname(PyObject *generator) {
    return &((PyGenObject *)generator)->gi_qualname;
}

PyObject **elw_generator_origin(PyObject *generator) {
    if (PyCoro_CheckExact(generator)) return &((PyCoroObject *)generator)->cr_origin;
    return &((PyAsyncGenObject *)generator)->ag_finalizer;
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

ElwFrame *elw_frame_of(PyFrameObject *object) { return out(object); }

/* Whatever refers to `object` must find the running frame there, so it takes over. The fresh frame
 * stays behind empty, for the C code that made it. */
ElwFrame *elw_adopt_frame_object(ElwFrame *frame, PyFrameObject *object) {
    PyFrameObject *fresh = in(frame);
    const int variables = elw_variable_count(fresh->f_code);
    for (int i = 0; i < variables; i++) {
        PyObject *old = object->f_localsplus[i];
        object->f_localsplus[i] = fresh->f_localsplus[i];
        fresh->f_localsplus[i] = NULL;
        Py_XDECREF(old);
    }
    const int depth = saved_depth(fresh);
    for (int i = 0; i < depth; i++) object->f_valuestack[i] = fresh->f_valuestack[i];
    elw_set_depth(out(object), depth);
    elw_set_depth(frame, 0);
    Py_XSETREF(object->f_back, (PyFrameObject *)new_ref((PyObject *)fresh->f_back));
    Py_XSETREF(object->f_builtins, new_ref(fresh->f_builtins));
    Py_XSETREF(object->f_locals, new_ref(fresh->f_locals));
    object->f_lasti = fresh->f_lasti;
    object->f_iblock = fresh->f_iblock;
    for (int i = 0; i < fresh->f_iblock; i++) object->f_blockstack[i] = fresh->f_blockstack[i];
    return out(object); /* the reference goes to whoever runs it */
}

/* ---- signals ---- */

/* The eval loop clears the request before it calls the handlers (ceval.c: handle_signals);
 * PyErr_CheckSignals does so too: this version does not tell them apart, and needs not. */
bool elw_signal_between_instructions(void) { return false; }

#include "engine/cpython/stop_before_py311.h"

#endif
