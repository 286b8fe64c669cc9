/* What the frame layer asks of CPython, in our words. One file per minor version answers
 * (py311.c, py312.c, …); nothing above this header includes CPython's internal headers.
 *
 * Instructions are counted in code units (2 bytes) from the start of the code object.
 * A "frame" is an interpreter frame (_PyInterpreterFrame; before 3.11 it is the frame object
 * itself). All functions need the GIL.
 */
#ifndef ELSEWHERE_FRAME_ABI_H
#define ELSEWHERE_FRAME_ABI_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h> /* PyFrame_Type, before 3.11 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _PyInterpreterFrame ElwFrame;

/* One place of a frame for a variable or an entry of the value stack; its bits belong to the
 * version layer. It holds an object, nothing, or (some versions) a bare number. */
typedef struct {
    uintptr_t bits;
} ElwSlot;

/* How a frame came to run inside the one outside it. */
typedef enum {
    ELW_ENTERED_FROM_C = 0, /* C code stands between them, or nothing is outside */
    ELW_ENTERED_INLINE = 1, /* the eval loop pushed it: the outer operands are consumed */
    ELW_ENTERED_INIT = 2    /* the eval loop pushed it as __init__ of a fresh instance */
} ElwEntry;

/* What an instruction does, as far as capture and restore care. */
typedef enum {
    ELW_OP_OTHER = 0,
    ELW_OP_CALL,          /* callable and null/self below oparg arguments */
    ELW_OP_CALL_KEYWORDS, /* the same with a tuple of names on top */
    ELW_OP_CALL_UNPACKED, /* f(*args, **kwargs) */
    ELW_OP_PRECALL,       /* 3.11: first half of CALL */
    ELW_OP_KEYWORD_NAMES, /* 3.11, 3.12: names for the next CALL */
    ELW_OP_FOR_ITER,
    ELW_OP_SEND,
    ELW_OP_RESUME,
    ELW_OP_JUMP_BACKWARD, /* any backward jump that looks at the eval breaker */
    ELW_OP_BINARY,
    ELW_OP_COMPARE,
    ELW_OP_CONTAINS,
    ELW_OP_UNARY, /* -x ~x */
    ELW_OP_TRUTH, /* takes the truth of the top of the stack */
    ELW_OP_SUBSCRIPT,
    ELW_OP_STORE_SUBSCRIPT,
    ELW_OP_DELETE_SUBSCRIPT,
    ELW_OP_LOAD_ATTRIBUTE, /* also the method form */
    ELW_OP_STORE_ATTRIBUTE,
    ELW_OP_DELETE_ATTRIBUTE,
    ELW_OP_UNPACK,      /* a, b = x: the items of the top into oparg places */
    ELW_OP_UNPACK_REST, /* a, *b = x: oparg & 255 of them first */
    ELW_OP_EXTEND,      /* a list or set on the stack by the items of the top: [*a], {*a}, f(*a) */
    ELW_OP_GET_ITER,
    ELW_OP_GET_AWAITABLE,
    ELW_OP_BEFORE_WITH,
    ELW_OP_WITH_EXCEPT,
    ELW_OP_FORMAT,
    ELW_OP_IMPORT,
    ELW_OP_YIELD,
    ELW_OP_POP,        /* drops the top of the stack */
    ELW_OP_STORE,      /* to a variable: a local or a cell */
    ELW_OP_STORE_LOAD, /* to one local (oparg >> 4), then pushes another (oparg & 15) */
    ELW_OP_STORE_TWO,  /* to one local, then to another */
    ELW_OP_DELETE,     /* a variable */
    ELW_OP_STORE_NAME, /* in the namespace of a module or class */
    ELW_OP_DELETE_NAME,
    ELW_OP_RETURN,
    ELW_OP_RAISE,
    ELW_OP_LOAD_NAME /* takes nothing from the stack, and may fail */
} ElwOp;

/* What tracers are being told of. */
typedef enum {
    ELW_TOLD_OTHER = 0, /* nothing, or another event */
    ELW_TOLD_LINE,
    ELW_TOLD_INSTRUCTION,
    ELW_TOLD_START,
    ELW_TOLD_RESUME,
    ELW_TOLD_RETURN,
    ELW_TOLD_RAISE
} ElwTold;

/* Facts that differ between versions and matter above. */
typedef struct {
    int minor;                /* 11, 12, … */
    int boot_levels;          /* recursion levels that the boot file's call of us takes */
    bool null_below_callable; /* CALL: (null|self below) callable, else callable (null|self) */
    bool with_keeps_manager;  /* __enter__ runs with the manager still on the stack */
    bool send_pops_value;     /* SEND over C code has popped the value */
    bool saves_depth_in_c;    /* the depth is saved while C code runs, too: operands included */
    bool exit_has_self;       /* a with block keeps __exit__ and its self (or NULL), two entries */
    bool iterator_pairs; /* an iterator on the stack is two entries: itself or the sequence, and
                          * NULL or the number of the next item */
    bool self_in_callable_slot; /* while a bound method runs: method_vectorcall puts it there */
    bool yields_before_send;    /* a delegating generator waits ahead of its SEND */
    bool cells_apart;           /* a parameter that is a cell has a second place, with the cells */
    bool has_block_stack;       /* `try` and `with` keep blocks in the frame (elw_blocks) */
    bool stops_by_trace;        /* elw_stop_at_next is how a signal meets the eval loop */
    bool call_on_entry;         /* a frame that the eval loop enters is a "call" to tracers */
    bool breaks_before_events;  /* RESUME and jumps handle signals before they tell tracers */
    bool drops_first_operand_first; /* after a call through C */
    bool signals_hold_start;        /* a traced RESUME handles signals until there are none */
    bool throw_is_event; /* an exception into a frame that the eval loop enters is PY_THROW */
    bool forgets_line;   /* entered anew, the eval loop does not know where it came from */
    bool looks_back;     /* entered anew, it takes it that it came from the instruction in front */
    int exit_depth;      /* where WITH_EXCEPT_START finds __exit__, 1 being the top */
} ElwFacts;
extern const ElwFacts elw_facts;

/* What the entry that an instruction pushes is there for. */
typedef enum {
    ELW_ROLE_TEMPORARY = 0,
    ELW_ROLE_ITERATOR,
    ELW_ROLE_EXIT,
    ELW_ROLE_PREVIOUS_EXCEPTION
} ElwRole;

/* An entry of a frame's block stack (ElwFacts.has_block_stack). */
typedef struct {
    bool handling; /* an active handler; else a handler waits for an exception */
    int target;    /* of a waiting handler: its index; of an active one: where it was raised */
    int level;     /* entries of the value stack below it */
} ElwBlock;
enum { elw_max_blocks = 20 };

/* NULL, or why this interpreter cannot be served (wrong layout, missing symbol). */
const char *elw_self_test(void);

/* ---- code ------------------------------------------------------------------------------- */

ElwOp elw_op(int opcode, int oparg);
ElwRole elw_stack_role(int opcode);
int elw_caches(int opcode); /* inline cache units after it */
/* Stack effect; `jump` is 1 for the taken branch, 0 for falling through. */
int elw_stack_effect(int opcode, int oparg, int jump);
/* Target of a jump at `next` (the index behind the instruction and its caches), or -1. */
int elw_jump_target(int opcode, int oparg, int next);
bool elw_ends_block(int opcode);                   /* never falls through */
PyObject *elw_exception_table(PyCodeObject *code); /* bytes, borrowed; NULL: there is none */
int elw_opcode_extended_arg(void);
int elw_first_depth(PyCodeObject *code); /* static stack depth at index 0 */
/* The code's instructions as compiled: bytes object, new reference. */
PyObject *elw_bytecode(PyCodeObject *code);
/* Makes the one instruction at `index` the unspecialised form of itself. */
void elw_despecialise(PyCodeObject *code, int index);
/* May this instruction of `code` bind or unbind its first argument? */
bool elw_may_rebind_first(PyCodeObject *code, int opcode, int oparg);
/* Places of CALL below its arguments: 2 with one for null or self, 1 for the callable alone. */
int elw_callable_slots(int opcode);
/* Does this instruction make the argument tuple of f(a, *b)? */
bool elw_makes_tuple(int opcode, int oparg);
int elw_operator(int opcode, int oparg);   /* of BINARY: CPython's NB_ number */
int elw_name_index(int opcode, int oparg); /* of an attribute instruction */
int elw_comparison(int oparg);             /* of COMPARE: Py_LT … Py_GE */
bool elw_is_class_body(PyCodeObject *code);
int elw_variable_count(PyCodeObject *code); /* locals, cells and free variables */
PyObject *elw_qualname(PyCodeObject *code); /* borrowed; the plain name where there is no other */
/* Attributes of a code object, each ending with NULL: in the order of types.CodeType's parameters,
 * and those that hold instructions and tables as bytes. */
extern const char *const elw_code_fields[];
extern const char *const elw_code_tables[];

/* ---- reading frames --------------------------------------------------------------------- */

ElwFrame *elw_innermost(PyThreadState *thread); /* Python frames only; may be NULL */
/* The Python frame outside `frame` or NULL; *entry says how `frame` was entered; *instance gets
 * the object under construction for ELW_ENTERED_INIT (borrowed). */
ElwFrame *elw_outer(ElwFrame *frame, ElwEntry *entry, PyObject **instance);
PyCodeObject *elw_code(ElwFrame *frame); /* borrowed, as all that follow */
PyObject *elw_function(ElwFrame *frame);
PyObject *elw_globals(ElwFrame *frame);
PyObject *elw_builtins(ElwFrame *frame);
PyObject *elw_locals(ElwFrame *frame);            /* NULL in function bodies */
PyObject *elw_generator(ElwFrame *frame);         /* its owner, or NULL */
PyFrameObject *elw_frame_object(ElwFrame *frame); /* the one it has, or NULL */
int elw_in_flight(ElwFrame *frame); /* instruction last started, or a cache entry of it */
int elw_next(ElwFrame *frame);      /* of a suspended generator: what it executes next */
/* Entries on the value stack, -1 while not saved. With saves_depth_in_c it is always saved. */
int elw_saved_depth(ElwFrame *frame);
/* The n-th argument, if it is still bound: borrowed, or NULL. For n < co_argcount. */
PyObject *elw_argument(ElwFrame *frame, int n);
int elw_blocks(ElwFrame *frame, ElwBlock blocks[elw_max_blocks]); /* how many; outermost first */
ElwSlot *elw_variables(ElwFrame *frame);
ElwSlot *elw_stack(ElwFrame *frame);                 /* bottom of the value stack */
PyObject *elw_get(ElwSlot slot);                     /* NULL if it holds no object */
bool elw_get_number(ElwSlot slot, intptr_t *number); /* false if it holds none */

/* The innermost frame of this thread if its instruction takes item after item from an iterator into
 * places where C alone can look: a, b = x; f(*x); tuple(x) where that has become an instruction.
 * Else NULL, also where that cannot be told. *most: how many items it asks for, 0: all. This is
 * asked for each item that a generator gives to C. */
ElwFrame *elw_taker(int *most);

/* An address within what the eval loop that runs `frame` has on the C stack, or NULL. Where each
 * frame has an eval loop of its own there is elw_loop_function instead, else that is NULL. */
const void *elw_loop_of(PyThreadState *thread, ElwFrame *frame);
const void *elw_loop_function(void);

/* ---- writing frames --------------------------------------------------------------------- */

PyObject *elw_take(ElwSlot *slot);  /* empties it; a reference of the caller's own, or NULL */
ElwSlot elw_slot(PyObject *object); /* to be written; steals the reference, NULL is nothing */
ElwSlot elw_number_slot(intptr_t number);

void elw_set_function(ElwFrame *frame, PyObject *function); /* with its globals and builtins */
/* The builtins alone, where a frame knows of no function. */
void elw_set_builtins(ElwFrame *frame, PyObject *builtins);
void elw_set_locals(ElwFrame *frame, PyObject *locals); /* may be NULL */
void elw_set_blocks(ElwFrame *frame, const ElwBlock *blocks, int count);
void elw_set_next(ElwFrame *frame, int index);
/* As while the call at `index` runs; `behind` is the index of the instruction after it. */
void elw_set_in_flight(ElwFrame *frame, int index, int behind);
void elw_set_depth(ElwFrame *frame, int depth);
/* Makes `frame` the running frame while what is inside it runs, and undoes that. */
void elw_link(PyThreadState *thread, ElwFrame *frame);
void elw_unlink(PyThreadState *thread, ElwFrame *frame);
/* Hides every frame: what runs next has no frame outside it. Returns what elw_unhide needs. */
ElwFrame *elw_hide(PyThreadState *thread);
void elw_unhide(PyThreadState *thread, ElwFrame *hidden);
/* The exception being handled, of the non-generator stack: a new reference, or NULL. Before 3.11
 * it is a tuple (type, exception, traceback) where these are not the exception's own any more. */
PyObject *elw_handled_exception(PyThreadState *thread);
void elw_set_handled_exception(PyThreadState *thread, PyObject *exception); /* steals */
/* Raises (or lowers, if negative) how much deeper Python and C may recurse. */
void elw_lend_recursion(PyThreadState *thread, int python, int c);
/* The thread's C stack may be that many bytes larger (smaller, if negative) than at its start. */
void elw_lend_c_stack(PyThreadState *thread, intptr_t bytes);
/* Of thread->tracing: the levels that are elw_stop_at_next at work. */
int elw_own_tracing(PyThreadState *thread);
bool elw_has_tools(PyThreadState *thread); /* of sys.monitoring, in use */
/* Of the innermost callback of sys.monitoring that is at work; before 3.12 there is none. */
ElwTold elw_told(PyThreadState *thread);
void elw_set_told(PyThreadState *thread, ElwTold told);
/* The only function that is told of these events: borrowed. NULL if there are several, sys.settrace
 * among them. */
PyObject *elw_only_callback(PyThreadState *thread, ElwTold told);
/* Between them nothing that the thread executes is an event for a trace function or the like. */
void elw_enter_tracing(PyThreadState *thread);
void elw_leave_tracing(PyThreadState *thread);

typedef PyObject *(*ElwEval)(PyThreadState *, ElwFrame *, int throwing);
void elw_set_eval(PyThreadState *thread, ElwEval eval); /* NULL: the interpreter's own */
PyObject *elw_eval(PyThreadState *thread, ElwFrame *frame, int throwing);

/* ---- finalizers -------------------------------------------------------------------------- */

/* As after its __del__: that is not called again. Of an object that the collector knows. */
void elw_set_finalized(PyObject *object);
/* Does C still have objects to destroy that were too deep within others? */
bool elw_destroys_later(PyThreadState *thread);
/* Tells sys.unraisablehook of the exception that is set, as where an object's __del__ raises. */
void elw_report_failed(PyObject *finalizer);

/* ---- generators ------------------------------------------------------------------------- */

typedef enum {
    ELW_GEN_CREATED,
    ELW_GEN_SUSPENDED,
    ELW_GEN_EXECUTING,
    ELW_GEN_FINISHED
} ElwGenState;
bool elw_is_generator(PyObject *object); /* generator, coroutine or async generator, exactly */
ElwGenState elw_generator_state(PyObject *generator);
/* After the frame has been filled: the state, which may depend on what is executed next. */
void elw_set_generator_state(PyObject *generator, ElwGenState state);
ElwFrame *elw_generator_frame(PyObject *generator);    /* not for a finished one */
PyCodeObject *elw_generator_code(PyObject *generator); /* borrowed; NULL if forgotten */
/* The exception it is handling, as elw_handled_exception. */
PyObject *elw_generator_handled(PyObject *generator);
void elw_set_generator_handled(PyObject *generator, PyObject *exception); /* steals */
PyObject **elw_generator_name(PyObject *generator);
PyObject **elw_generator_qualname(PyObject *generator);
/* Where a coroutine was created, if that is tracked; what finalizes an async generator. */
PyObject **elw_generator_origin(PyObject *generator); /* not of a plain generator */
int elw_async_generator_flags(PyObject *generator); /* hooks_inited | closed << 1 | running << 2 */
void elw_set_async_generator_flags(PyObject *generator, int flags);

/* ---- frame objects ---------------------------------------------------------------------- */

ElwFrame *elw_frame_of(PyFrameObject *object); /* live, or the copy that a dead one keeps */
bool elw_frame_is_dead(PyFrameObject *object); /* owns its data: on no stack, in no generator */
/* Makes `object` (a dead one, empty) the frame object of `frame`. Steals the reference. Returns the
 * frame to go on with: where a frame is its frame object, that is `object`, which has got all that
 * `frame` had; whoever runs it keeps a reference to it. */
ElwFrame *elw_adopt_frame_object(ElwFrame *frame, PyFrameObject *object);

/* ---- signals ---------------------------------------------------------------------------- */

/* In a signal handler called by CPython: true between two instructions of the eval loop, false
 * inside C code that looked for signals (PyErr_CheckSignals). A further signal that arrives in
 * the same instant can make it say false for true; C code that runs the handlers as the eval loop
 * does (Py_MakePendingCalls, or Python code within a handler) makes it say true for false. */
bool elw_signal_between_instructions(void);

/* ElwFacts.stops_by_trace: where jumps may go two ways and handlers are entered, what the eval loop
 * executes next is not told by the instruction before. So `reached` is called, once, when this
 * thread is about to execute an instruction: elw_stopped_at() of the innermost frame, whose stack
 * depth is saved. It returns 0, or -1 with an exception that the program then gets. A trace
 * function of the program's gets its events all the same. Does nothing while one is at work. */
void elw_stop_at_next(PyThreadState *thread, int (*reached)(void));
void elw_cancel_stop(PyThreadState *thread); /* undoes it, if there is something to undo */
int elw_stopped_at(ElwFrame *frame);

#ifdef __cplusplus
}
#endif
#endif
