// A class statement: builtins.__build_class__ as CPython does it, with its state in an Activation,
// so that the body and the metaclass can be left whatever Python code made the namespace.
#include "engine/cpython/frame_abi.h"
#include "engine/frame/activation.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

using Fast = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyMethodDef *definition = nullptr;
Fast original = nullptr;

enum { metaclass = 0, bases = 1, keywords = 2, names_space = 3, cell = 4, given_bases = 5 };

// The class keywords, and the metaclass taken out of them. False with an exception set.
bool read_keywords(Activation &a, PyObject *const *values, PyObject *names) {
    a.slots[keywords] = Ref::steal(PyDict_New());
    if (!a.slots[keywords]) return false;
    for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_CompareWithASCIIString(name, "metaclass") == 0)
            a.slots[metaclass] = Ref::share(values[i]);
        else if (PyDict_SetItem(a.slots[keywords].get(), name, values[i]) < 0)
            return false;
    }
    return true;
}

bool choose_metaclass(Activation &a) {
    if (!a.slots[metaclass]) {
        PyObject *all = a.slots[bases].get();
        PyTypeObject *type =
            PyTuple_GET_SIZE(all) == 0 ? &PyType_Type : Py_TYPE(PyTuple_GET_ITEM(all, 0));
        a.slots[metaclass] = Ref::share(reinterpret_cast<PyObject *>(type));
    }
    if (!PyType_Check(a.slots[metaclass].get())) return true;
    // The most derived of the metaclasses of all bases.
    auto *winner = reinterpret_cast<PyTypeObject *>(a.slots[metaclass].get());
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a.slots[bases].get()); ++i) {
        PyTypeObject *other = Py_TYPE(PyTuple_GET_ITEM(a.slots[bases].get(), i));
        if (PyType_IsSubtype(winner, other)) continue;
        if (!PyType_IsSubtype(other, winner)) {
            PyErr_SetString(PyExc_TypeError,
                            "metaclass conflict: the metaclass of a derived class must be a "
                            "(non-strict) subclass of the metaclasses of all its bases");
            return false;
        }
        winner = other;
    }
    a.slots[metaclass] = Ref::share(reinterpret_cast<PyObject *>(winner));
    return true;
}

// Bases that are no types may name others in their place: rare, and left to CPython.
bool all_types(PyObject *const *objects, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; ++i)
        if (!PyType_Check(objects[i])) return false;
    return true;
}

Ref call_with_keywords(Activation &a, PyObject *callable, std::initializer_list<PyObject *> given,
                       Py_ssize_t count) {
    PyObject *const *arguments = given.begin();
    a.begin(Step::call, callable, arguments, static_cast<int>(count));
    Ref result = Ref::steal(PyObject_VectorcallDict(
        callable, arguments, static_cast<std::size_t>(count), a.slots[keywords].get()));
    a.end();
    return result;
}

// The namespace that the body fills. False with an exception set.
bool prepare(Activation &a, PyObject *name) {
    PyObject *meta = a.slots[metaclass].get();
    Ref method = Ref::steal(PyObject_GetAttrString(meta, "__prepare__"));
    if (!method) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
        PyErr_Clear();
        a.slots[names_space] = Ref::steal(PyDict_New());
    } else {
        a.slots[names_space] = call_with_keywords(a, method.get(), {name, a.slots[bases].get()}, 2);
    }
    if (!a.slots[names_space]) return false;
    if (PyMapping_Check(a.slots[names_space].get())) return true;
    PyErr_Format(PyExc_TypeError, "%.200s.__prepare__() must return a mapping, not %.200s",
                 PyType_Check(meta) ? reinterpret_cast<PyTypeObject *>(meta)->tp_name
                                    : "<metaclass>",
                 Py_TYPE(a.slots[names_space].get())->tp_name);
    return false;
}

PyObject *build(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    if (count < 2 || !PyFunction_Check(arguments[0]) || !PyUnicode_Check(arguments[1]) ||
        !all_types(arguments + 2, count - 2))
        return original(self, arguments, count, names);
    Activation a("__build_class__", definition);
    PyObject *function = arguments[0];
    PyObject *name = arguments[1];
    if (a.phase == 0) {
        a.slots[bases] = Ref::steal(PyTuple_New(count - 2));
        if (!a.slots[bases]) return nullptr;
        for (Py_ssize_t i = 2; i < count; ++i)
            PyTuple_SET_ITEM(a.slots[bases].get(), i - 2, Py_NewRef(arguments[i]));
        if (!read_keywords(a, arguments + count, names) || !choose_metaclass(a) ||
            !prepare(a, name))
            return nullptr;
        a.phase = 1;
    }
    if (a.phase == 1) {
        a.begin(Step::body, function);
        PyObject *code = PyFunction_GET_CODE(function);
        a.slots[cell] = Ref::steal(PyEval_EvalCodeEx(
            code, PyFunction_GET_GLOBALS(function), a.slots[names_space].get(), nullptr, 0, nullptr,
            0, nullptr, 0, nullptr, PyFunction_GET_CLOSURE(function)));
        a.end();
        if (!a.slots[cell]) return nullptr;
        a.phase = 2;
    }
    Ref made = call_with_keywords(a, a.slots[metaclass].get(),
                                  {name, a.slots[bases].get(), a.slots[names_space].get()}, 3);
    if (!made || !PyType_Check(made.get()) || !PyCell_Check(a.slots[cell].get()))
        return made.release();
    PyObject *held = PyCell_GET(a.slots[cell].get());
    if (held == made.get()) return made.release();
    if (held == nullptr)
        PyErr_Format(PyExc_RuntimeError,
                     "__class__ not set defining %.200R as %.200R. Was __classcell__ propagated to "
                     "type.__new__?",
                     name, made.get());
    else
        PyErr_Format(PyExc_TypeError, "__class__ set to %.200R defining %.200R as %.200R", held,
                     name, made.get());
    return nullptr;
}

} // namespace

void install_class_statement() {
    definition = definition_of("builtins", nullptr, "__build_class__");
    PyCFunction found = interpose(definition, METH_FASTCALL | METH_KEYWORDS, erase(build));
    if (found != nullptr) original = original_of<Fast>(found);
}

} // namespace elsewhere::frame
