#include "engine/frame/bound_methods.hpp"

#include <algorithm>

#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/ref.hpp"

namespace elsewhere::frame {

bool BoundMethods::run(PyObject *self, const Inner &inner) {
    if (self == nullptr || inner.first != self || inner.code == nullptr ||
        inner.generator != nullptr)
        return false;
    // A class that is being called has been overwritten by nobody.
    if (PyType_Check(self) &&
        PyUnicode_CompareWithASCIIString(elw_qualname(inner.code), "__new__") == 0)
        return false;
    if (bound_.empty()) collect();
    const auto found = bound_.find(self);
    if (found == bound_.end() || found->second.to_c) return false;
    const std::vector<PyCodeObject *> &codes = found->second.codes;
    return std::find(codes.begin(), codes.end(), inner.code) != codes.end();
}

void BoundMethods::collect() {
    Ref collector = Ref::checked(imported_module("gc"));
    Ref objects = Ref::checked(PyObject_CallMethod(collector.get(), "get_objects", nullptr));
    Ref functools = Ref::checked(imported_module("_functools"));
    Ref partial = Ref::checked(PyObject_GetAttrString(functools.get(), "partial"));
    auto *type = reinterpret_cast<PyTypeObject *>(partial.get());
    Ref arguments_of = Ref::checked(PyObject_GetAttrString(partial.get(), "args"));
    Ref function_of = Ref::checked(PyObject_GetAttrString(partial.get(), "func"));
    // By the descriptor: a class derived from it may have a __getattribute__.
    const auto read = [](const Ref &descriptor, PyObject *object) {
        PyTypeObject *kind = Py_TYPE(descriptor.get());
        return Ref::checked(kind->tp_descr_get(descriptor.get(), object, nullptr));
    };
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(objects.get()); ++i) {
        PyObject *object = PyList_GET_ITEM(objects.get(), i);
        if (PyMethod_Check(object)) {
            add(PyMethod_GET_SELF(object), PyMethod_GET_FUNCTION(object));
        } else if (PyObject_TypeCheck(object, type)) {
            Ref arguments = read(arguments_of, object);
            if (PyTuple_GET_SIZE(arguments.get()) > 0)
                add(PyTuple_GET_ITEM(arguments.get(), 0), read(function_of, object).get());
        }
    }
}

void BoundMethods::add(PyObject *self, PyObject *function) {
    Bound &bound = bound_[self];
    if (PyFunction_Check(function))
        bound.codes.push_back(reinterpret_cast<PyCodeObject *>(PyFunction_GET_CODE(function)));
    else
        bound.to_c = true;
}

} // namespace elsewhere::frame
