#pragma once

#include <string_view>

#include "engine/frame/trampoline.hpp"

// Objects between an await and the generator that it runs in the end. No user code runs in here.
namespace elsewhere::frame {

// What a C object refers to, by the order in which its type tells it, types left out; null if there
// is less.
[[nodiscard]] PyObject *referent(PyObject *object, int which);

// Does sending to `awaitable` run `generator`, and no other Python code before it? The objects that
// asend, athrow, aclose, anext and a coroutine's __await__ give pass on what they are sent.
[[nodiscard]] bool passes_on_to(PyObject *awaitable, PyObject *generator);

// An object of exactly that type of the C half of asyncio.
[[nodiscard]] bool is_asyncio(PyObject *object, std::string_view name);

// A step of a C task that runs `inner`, the task's coroutine: what the event loop calls.
[[nodiscard]] bool steps_task(PyObject *task, const Inner &inner);

// The same for the callback of a task that is given the future it has waited for.
[[nodiscard]] bool wakes_task(PyObject *task, PyObject *future, const Inner &inner);

// Before 3.10 that callback is an object of its own: borrowed, the task; null if it is another one.
[[nodiscard]] PyObject *task_woken_by(PyObject *callable);

// Does this Context.run(callback, future) throw into a task's coroutine what became of the future?
[[nodiscard]] bool throws_into_task(const CallOperands &run, const Inner &inner);

} // namespace elsewhere::frame
