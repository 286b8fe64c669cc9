// A gateway over ssh of which the way is begun before the modules that make it are imported.
#include "python/bindings/head_start.hpp"

#include <fcntl.h>

#include "core/gateway/worker_blob.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

namespace {

// with_head_start(spec, call): call(), in which the first gateway to `spec` takes a way that has
// been begun.
PyObject *with_head_start(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *spec = nullptr, *call = nullptr;
        if (!PyArg_ParseTuple(arguments, "OO:with_head_start", &spec, &call)) throw PythonError{};
        transport::HeadStart way;
        begin_way(way, spec);
        return Ref::checked(PyObject_CallNoArgs(call));
    });
}

PyMethodDef methods[] = {{"with_head_start", with_head_start, METH_VARARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

} // namespace

void begin_way(transport::HeadStart &way, PyObject *spec, const std::string &python) {
    for (int number = 0; number < 3; ++number)
        if (::fcntl(number, F_GETFD) < 0) return; // nothing new may get its number
    if (!PyUnicode_Check(spec)) return;
    try {
        transport::XSpec parsed(text(spec));
        if (!python.empty() && !parsed.has("python")) parsed.set("python", python);
        way.begin(parsed, {std::string(worker_stage0())},
                  {.has_terminal = transport::terminal_is_here()});
    } catch (const Error &) {
        return;
    } catch (const PythonError &) {
        PyErr_Clear();
    }
}

void add_head_start(PyObject *module) {
    if (PyModule_AddFunctions(module, methods) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
