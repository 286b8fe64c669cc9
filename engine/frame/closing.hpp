#pragma once

#include "engine/cpython/frame_abi.h"
#include "engine/frame/code_map.hpp"
#include "engine/frame/trampoline.hpp"

// generator.close() that comes to a generator which has handed over to another one (`yield from`,
// await) closes that one first, and throw() throws into that one. Meanwhile the outer one is marked
// as running, though no frame of its is: it stands where it stood.
namespace elsewhere::frame {

// Notes from now on which generators and coroutines are being closed.
void watch_closing();

// Of a generator that stands at the yield of a delegation: its SEND, or -1.
[[nodiscard]] int delegating_send(const CodeMap &map, int at);

// Is `generator`, handed over to by `outer` and maybe others in between, being closed by a close()
// of `outer`?
[[nodiscard]] bool closes_down_to(PyObject *outer, PyObject *generator);

// Does this call throw into `generator`?
[[nodiscard]] bool throws_into(const CallOperands &call, PyObject *generator);

// Does a close() or throw() pass through this generator, which is marked as running?
[[nodiscard]] bool is_passed_through(PyObject *generator);

} // namespace elsewhere::frame
