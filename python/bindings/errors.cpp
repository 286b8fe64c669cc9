// C++ errors as the Python classes of elsewhere.errors.
#include "engine/cpython/imported_module.hpp"
#include "engine/object/walk.hpp"
#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

namespace {

const char *class_name(ErrorKind kind) noexcept {
    switch (kind) {
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code)                           \
    case ErrorKind::name:                                                                          \
        return #python_class;
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
    }
    return "InternalError";
}

} // namespace

void set_error(const Error &error) noexcept {
    Ref errors = Ref::steal(imported_module("elsewhere.errors"));
    if (!errors) return;
    Ref type = Ref::steal(PyObject_GetAttrString(errors.get(), class_name(error.kind())));
    if (!type) return;
    Ref value =
        Ref::steal(PyObject_CallFunction(type.get(), "ss", error.what(), error.hint().c_str()));
    if (!value) return;
    if (const auto *refused = dynamic_cast<const object::RefusedFor *>(&error))
        PyException_SetCause(value.get(), Ref::share(refused->cause.get()).release());
    PyErr_SetObject(type.get(), value.get());
}

// The table itself, from which elsewhere.errors makes its classes:
// (kind, class name, name of the builtin base, exit code) per row.
void add_errors(PyObject *module) {
    Ref rows = Ref::checked(Py_BuildValue("("
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code) "(sssi)"
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
                                          ")"
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code)                           \
    , #name, #python_class, #python_base, exit_code
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
                                          ));
    if (PyModule_AddObjectRef(module, "error_kinds", rows.get()) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
