#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/cpython/frame_abi.h"
#include "engine/cpython/ref.hpp"

// What a captured Python stack is, in our words: logical, version-free, made of references. The
// object layer turns it into bytes and back; nothing here knows how.
namespace elsewhere::frame {

// What a slot of a frame's value stack is there for.
enum class Role : std::uint8_t {
    temporary,          // an operand waiting for the rest of its expression
    null,               // the empty slot of the calling convention
    callable,           // what the in-flight CALL calls
    argument,           // an operand of the in-flight instruction
    iterator,           // of a for loop, or the receiver of a yield from / await
    exit_method,        // the bound __exit__ of an open with block
    previous_exception, // the exception handled outside an active handler
    active_exception,   // the exception that an active handler handles
    last_instruction,   // where that exception was raised (an int)
    number,             // a bare number (an int here): how far the iterable below it has come
};

struct Slot {
    Role role = Role::temporary;
    std::uint32_t origin = 0; // index of the instruction that pushed it, in code units
    Ref value;                // null for Role::null
};

// How a frame goes on once the frame inside it has returned (or, for the innermost, at once).
enum class Delivery : std::uint8_t {
    resume = 0,    // nothing is owed: execute `instruction` next (innermost frame only)
    result = 1,    // `instruction` is a call: replace its operands by the result, go on after it
    iterate = 2,   // `instruction` is FOR_ITER over the generator inside: push, or leave the loop
    send = 3,      // `instruction` is SEND to the generator inside: push, or leave the delegation
    construct = 4, // `instruction` calls a class, __init__ is inside: deliver the instance
    reexecute = 5, // run `instruction` again; the frame inside is met on the way
    destroy = 9,   // the frame inside is a __del__: what dies follows it, then go on after it
    // The frame inside is the trace function, told that a line begins at `instruction`, which is
    // next; then the same for a callback of sys.monitoring, and for other events.
    traced = 6,
    told_line = 7,
    told_instruction = 8,
    traced_opcode = 10,
    traced_start = 11, // of a call: `instruction` is its RESUME, before 3.11 the first one
    traced_resume = 12,
    traced_return = 13, // `instruction` is going to return the top of the stack
    traced_raise = 14,  // `instruction` has failed
    told_start = 15,
    told_resume = 16,
    told_return = 17,
    told_raise = 18,
    // `instruction` has come to its result, and the frame inside is the __del__ of what dies then:
    // in a variable of the function that it has called, or an operand. Others are dropped behind
    // it.
    leave = 19,
};

// The frame inside is the __del__ of what dies.
constexpr bool is_death(Delivery delivery) {
    return delivery == Delivery::destroy || delivery == Delivery::leave;
}

// The frame inside is a tracer's.
constexpr bool is_of_tracer(Delivery delivery) {
    return delivery >= Delivery::traced && !is_death(delivery);
}

// A builtin in the middle of its work (engine/frame/activation.hpp): all it needs to go on.
struct SavedCall {
    std::string name;
    std::uint32_t phase = 0;
    std::int64_t number = 0;
    double real = 0;
    double rest = 0;
    std::vector<Ref> slots; // some null
};

// One frame of a Python stack. All references are owned.
struct FrameRecord {
    Ref code;      // code object
    Ref function;  // function object the frame executes (also for module and class bodies)
    Ref globals;   // dict
    Ref builtins;  // dict
    Ref locals;    // mapping of a module or class body, else null
    Ref generator; // generator, coroutine or async generator that owns the frame, else null
    Ref frame; // the frame object, where the program has one (traceback, sys._getframe), or null
    std::uint32_t instruction = 0; // in code units from the start of the code
    std::uint32_t line = 0;        // 1-based source line of `instruction`, 0 where unknown
    Delivery delivery = Delivery::resume;
    Ref constructed;            // the instance under construction, or (traced_raise, told_raise)
                                // type, exception and traceback; destroy: what dies, and what is
                                // dropped behind it; leave: the result stands between them
    std::vector<Ref> variables; // locals, cells, free variables in code order; null where unbound
    std::vector<Slot> stack;    // value stack, bottom first
    std::vector<SavedCall>
        calls; // Delivery::reexecute: the builtins on the way to the frame inside
    std::vector<ElwBlock> blocks; // of `try` and `with`, outermost first; before 3.11 only
};

// The Python stack of one thread, outermost frame first.
struct StackRecord {
    std::vector<FrameRecord> frames;
    Ref handled_exception; // of the non-generator part (elw_handled_exception), or null
};

enum class GeneratorState : std::uint8_t {
    created = 0,
    suspended = 1,
    executing = 2,
    finished = 3
};

// A generator, coroutine or async generator anywhere in the object graph. `frame` is filled in
// for created and suspended ones; an executing one has its frame in the StackRecord.
struct GeneratorRecord {
    GeneratorState state = GeneratorState::finished;
    Ref name;
    Ref qualname;
    Ref code;              // null when finished on a Python that forgets it
    Ref handled_exception; // the exception being handled inside, or null
    Ref origin; // of a coroutine where it was created, of an async generator its finalizer, or null
    std::uint8_t flags = 0; // of an async generator: opaque here, kept as they are
    FrameRecord frame;
};

// ---- capture (frame/capture.cpp) ---------------------------------------------------------------

// Reads a generator-like object. Throws Error{refused} for one that cannot be captured.
GeneratorRecord capture_generator(PyObject *generator);

// ---- rebuild (frame/rebuild.cpp) ---------------------------------------------------------------

// A fresh generator-like object (state created, variables unbound) for `code`; the shell that
// fill_generator completes. Throws PythonError.
Ref generator_shell(PyObject *code, PyObject *globals);

// Gives the shell its contents. `record` is consumed.
void fill_generator(PyObject *generator, GeneratorRecord &&record);

// An empty frame object for `code`, in two uses.
// - A frame that is on no stack any more (of a kept traceback): complete it by fill_frame.
// - A frame of the StackRecord whose frame object the program has (FrameRecord::frame): put the
//   shell into FrameRecord::frame of the thawed record; run_stack makes it the live frame's own.
// So whatever refers to a frame object (tracebacks) can be rebuilt at once. Throws PythonError.
Ref frame_shell(PyObject *code, PyObject *globals, PyObject *locals);

// Gives the shell of a dead frame its function, variables and line. `record` is consumed.
void fill_frame(PyObject *frame, FrameRecord &&record);

// Reads a frame object, dead or alive: identity, instruction, variables; no value stack.
FrameRecord capture_frame_object(PyObject *frame);

} // namespace elsewhere::frame
