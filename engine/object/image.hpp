#pragma once

#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/cpython/ref.hpp"
#include "engine/frame/record.hpp"
#include "engine/object/stream.hpp"

// The object graph of a program as bytes, and back.
namespace elsewhere::object {

// All of a program that is kept: its stack, and the `state` dict that elsewhere._state.capture()
// made (interpreter settings; under "modules" the program's own modules by name). `last` is null or
// an object whose reducer changes something: it is asked when everything else has been kept.
struct Program {
    frame::StackRecord stack;
    Ref state;
    Ref last;
};

// The two sections of a snapshot file that hold a program (spec/snapshot.md).
struct Image {
    Bytes frames;
    Stream objects;
};

// Walks everything reachable from `program`, preserving identity. Calls reducers (user code
// included); changes nothing. Throws Error{refused} naming the object's path, or PythonError.
Image freeze(const Program &program);

// Rebuilds the graph. Executes what the snapshot says, so only ever called on a trusted one.
// Throws Error{damaged | unsupported | refused | io} or PythonError.
Program thaw(Span frames, Span objects);

// The same for one object alone (elsewhere.freeze / elsewhere.thaw).
Bytes freeze_object(PyObject *object);
Ref thaw_object(Span bytes, bool same_process);

// Something that cannot be kept, and what leads to it.
struct Problem {
    std::string path;
    std::string reason;
    std::string hint;
};

// All such things in a program, or in the graph of an object.
std::vector<Problem> problems_of(const Program &program);
std::vector<Problem> problems_of(PyObject *object);

// Where what is kept by name comes from, beside site-packages; each with a slash at its end.
std::vector<std::string> library_folders();

// Is it a module without a file that holds types of its own written in C, or what cffi makes, and
// nothing else? Cython's extensions make one, for the types that they share; others have a library
// of cffi's built in.
bool made_by_extension(PyObject *module);

} // namespace elsewhere::object
