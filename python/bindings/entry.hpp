#pragma once

#include <exception>
#include <new>

#include "core/base/error.hpp"
#include "engine/cpython/ref.hpp"
#include "engine/object/image.hpp"
#include "python/bindings/settling.hpp"

namespace elsewhere::bindings {

// Sets the Python exception of elsewhere.errors that stands for `error`.
void set_error(const Error &error) noexcept;

// Every C slot runs its body in here: no C++ exception passes into the interpreter. `body`
// returns a Ref; a failure becomes a Python exception and NULL.
template <typename Body> PyObject *entry(Body &&body) noexcept {
    const Inside here;
    try {
        Ref result = body();
        return result.release();
    } catch (const PythonError &) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_SystemError, "elsewhere: an error without an exception");
    } catch (const Error &error) {
        set_error(error);
    } catch (const std::bad_alloc &) {
        PyErr_NoMemory();
    } catch (const std::exception &error) {
        set_error(Error(ErrorKind::internal, error.what()));
    }
    return nullptr;
}

inline Ref none() { return Ref::share(Py_None); }

// A list of (path, reason, hint).
Ref rows_of(const std::vector<object::Problem> &problems);

// Each binding file adds what it offers to the module; throws PythonError.
void add_baselines(PyObject *module);
void add_channel(PyObject *module);
void add_endpoint(PyObject *module);
void add_errors(PyObject *module);
void add_objects(PyObject *module);
void add_gateway(PyObject *module);
void add_handover(PyObject *module);
void add_head_start(PyObject *module);
void add_layouts(PyObject *module);
void add_moving(PyObject *module);
void add_relay(PyObject *module);
void add_rest(PyObject *module); // whole.cpp or link.cpp
void add_state(PyObject *module);
void add_values(PyObject *module);
void add_worker(PyObject *module);
void add_zygote(PyObject *module);

} // namespace elsewhere::bindings
