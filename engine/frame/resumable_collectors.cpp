// What takes all items first: list, tuple, set, frozenset, dict, deque, bytes, join. The items are
// put where an Activation has them, and become what they are to become when all are there.
#include "engine/cpython/frame_abi.h"
#include "engine/cpython/imported_module.hpp"
#include "engine/frame/consuming.hpp"
#include "engine/frame/method_tables.hpp"
#include "engine/frame/taking.hpp"

namespace elsewhere::frame {

namespace {

enum { iterator_slot = 0, container = 1 };
using Vectorcall = PyObject *(*)(PyObject *, PyObject *const *, std::size_t, PyObject *);

// ---- list, tuple, set, frozenset ----------------------------------------------------------------

template <int which> struct Collector {
    static inline Vectorcall original = nullptr;
    static inline PyTypeObject *type = nullptr;

    static PyObject *fresh() {
        if (type == &PyList_Type || type == &PyTuple_Type) return PyList_New(0);
        return type == &PyFrozenSet_Type ? PyFrozenSet_New(nullptr) : PySet_New(nullptr);
    }
    // A list asks how many items to expect, and up to 3.13 so does a tuple.
    static bool asks_for_length() {
        return type == &PyList_Type || (type == &PyTuple_Type && elw_facts.minor <= 13);
    }

    static PyObject *call(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                          PyObject *names) {
        if (callable != reinterpret_cast<PyObject *>(type) || PyVectorcall_NARGS(flags) != 1 ||
            (names != nullptr && PyTuple_GET_SIZE(names) != 0) || is_passive(arguments[0]) ||
            Py_TYPE(arguments[0])->tp_iter == nullptr)
            return original(callable, arguments, flags, names);
        Activation a(type->tp_name, type);
        if (a.phase == 0) {
            a.slots[container] = Ref::steal(fresh());
            if (!a.slots[container]) return nullptr;
            const bool begun = asks_for_length() ? begin_list(a, iterator_slot, arguments[0])
                                                 : a.iterate(iterator_slot, arguments[0]);
            if (!begun) return nullptr;
            a.phase = 1;
        } else if (type == &PyFrozenSet_Type && PySet_GET_SIZE(a.slots[container].get()) == 0) {
            // Before 3.10 an empty one that was kept is the one that all share.
            a.slots[container] = Ref::steal(PyFrozenSet_New(nullptr));
            if (!a.slots[container]) return nullptr;
        }
        if (!take_all(a, iterator_slot, container)) return nullptr;
        if (type == &PyTuple_Type) return PyList_AsTuple(a.slots[container].get());
        return a.slots[container].release();
    }

    static void install(PyTypeObject &of) {
        type = &of;
        if (of.tp_vectorcall == nullptr || of.tp_vectorcall == call) return;
        original = of.tp_vectorcall;
        of.tp_vectorcall = call;
    }
};

// ---- dict, deque: filled in place by their own methods ------------------------------------------

// Python's objects may have a `keys` that makes them a mapping; these do not.
bool gives_pairs(PyObject *iterable) {
    return PyGen_CheckExact(iterable) || Py_IS_TYPE(iterable, &PyMap_Type) ||
           Py_IS_TYPE(iterable, &PyFilter_Type) || Py_IS_TYPE(iterable, &PyZip_Type) ||
           Py_IS_TYPE(iterable, &PyEnum_Type);
}

bool fill(Activation &a, const char *method) {
    a.begin(Step::next, a.slots[iterator_slot].get());
    const Ref done = Ref::steal(
        PyObject_CallMethod(a.slots[container].get(), method, "O", a.slots[iterator_slot].get()));
    a.end();
    return static_cast<bool>(done);
}

Vectorcall original_dict = nullptr;
PyObject *make_dict(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                    PyObject *names) {
    if (callable != reinterpret_cast<PyObject *>(&PyDict_Type) || PyVectorcall_NARGS(flags) != 1 ||
        (names != nullptr && PyTuple_GET_SIZE(names) != 0) || !gives_pairs(arguments[0]))
        return original_dict(callable, arguments, flags, names);
    Activation a("dict", &PyDict_Type);
    if (a.phase == 0) {
        a.slots[container] = Ref::steal(PyDict_New());
        a.slots[iterator_slot] = Ref::share(arguments[0]); // which is its own iterator
        if (!a.slots[container]) return nullptr;
        a.phase = 1;
    }
    return fill(a, "update") ? a.slots[container].release() : nullptr;
}

// What calls a type without a vectorcall of its own.
PyObject *by_tp_call(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                     PyObject *names) {
    const Py_ssize_t count = PyVectorcall_NARGS(flags);
    const Ref positional = Ref::steal(PyTuple_New(count));
    if (!positional) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(arguments[i]));
    Ref named;
    if (names != nullptr && PyTuple_GET_SIZE(names) > 0) {
        named = Ref::steal(PyDict_New());
        if (!named) return nullptr;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i)
            if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(names, i), arguments[count + i]) < 0)
                return nullptr;
    }
    return PyType_Type.tp_call(callable, positional.get(), named.get());
}

struct Deque {
    static inline PyTypeObject *type = nullptr;
    static inline Vectorcall original = nullptr; // up to 3.12 it has none

    static PyObject *plain(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                           PyObject *names) {
        if (original != nullptr) return original(callable, arguments, flags, names);
        return by_tp_call(callable, arguments, flags, names);
    }

    static PyObject *call(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                          PyObject *names) {
        const Py_ssize_t count = PyVectorcall_NARGS(flags);
        const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
        const bool by_name =
            named == 1 && count == 1 &&
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "maxlen") == 0;
        const bool usual = by_name || (named == 0 && (count == 1 || count == 2));
        if (callable != reinterpret_cast<PyObject *>(type) || !usual || is_passive(arguments[0]) ||
            Py_TYPE(arguments[0])->tp_iter == nullptr || Py_IS_TYPE(arguments[0], type))
            return plain(callable, arguments, flags, names);
        Activation a("deque", type);
        if (a.phase == 0) {
            const Ref nothing = Ref::steal(PyTuple_New(0));
            if (!nothing) return nullptr;
            PyObject *const empty[] = {nothing.get(), count + named == 2 ? arguments[1] : Py_None};
            a.slots[container] = Ref::steal(plain(callable, empty, 2, nullptr));
            if (!a.slots[container] || !a.iterate(iterator_slot, arguments[0])) return nullptr;
            a.phase = 1;
        }
        if (iterates_itself(Py_TYPE(a.slots[iterator_slot].get())))
            return fill(a, "extend") ? a.slots[container].release() : nullptr;
        for (;;) { // asking it for an iterator once more would run its __iter__
            const Ref item = a.next(iterator_slot);
            if (!item) return PyErr_Occurred() ? nullptr : a.slots[container].release();
            if (!Ref::steal(
                    PyObject_CallMethod(a.slots[container].get(), "append", "O", item.get())))
                return nullptr;
        }
    }

    static void install() {
        if (type != nullptr) return;
        const Ref module = Ref::checked(imported_module("_collections"));
        const Ref found = Ref::checked(PyObject_GetAttrString(module.get(), "deque"));
        type = reinterpret_cast<PyTypeObject *>(found.get()); // its module keeps it
        original = type->tp_vectorcall;
        type->tp_vectorcall = call;
    }
};

// ---- bytes: an item becomes a byte before the next one is asked for -----------------------------

struct Bytes {
    static inline Vectorcall original = nullptr; // up to 3.15 it has none

    static PyObject *plain(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                           PyObject *names) {
        if (original != nullptr) return original(callable, arguments, flags, names);
        return by_tp_call(callable, arguments, flags, names);
    }

    static bool makes_bytes_itself(PyObject *given) {
        const PyNumberMethods *number = Py_TYPE(given)->tp_as_number;
        static PyObject *const method = PyUnicode_InternFromString("__bytes__");
        return PyUnicode_Check(given) || PyObject_CheckBuffer(given) != 0 ||
               (number != nullptr && number->nb_index != nullptr) ||
               _PyType_Lookup(Py_TYPE(given), method) != nullptr;
    }

    static PyObject *call(PyObject *callable, PyObject *const *arguments, std::size_t flags,
                          PyObject *names) {
        if (callable != reinterpret_cast<PyObject *>(&PyBytes_Type) ||
            PyVectorcall_NARGS(flags) != 1 || (names != nullptr && PyTuple_GET_SIZE(names) != 0) ||
            is_passive(arguments[0]) || Py_TYPE(arguments[0])->tp_iter == nullptr ||
            makes_bytes_itself(arguments[0]))
            return plain(callable, arguments, flags, names);
        Activation a("bytes", &PyBytes_Type);
        if (a.phase == 0) {
            a.slots[container] = Ref::steal(PyByteArray_FromStringAndSize(nullptr, 0));
            if (!a.slots[container] || !begin_list(a, iterator_slot, arguments[0])) return nullptr;
            a.phase = 1;
        }
        PyObject *made = a.slots[container].get();
        for (;;) {
            const Ref item = a.next(iterator_slot);
            if (!item && PyErr_Occurred()) return nullptr;
            if (!item) break;
            const Py_ssize_t value = PyNumber_AsSsize_t(item.get(), nullptr);
            if (value == -1 && PyErr_Occurred()) return nullptr;
            if (value < 0 || value > 255) {
                PyErr_SetString(PyExc_ValueError, "bytes must be in range(0, 256)");
                return nullptr;
            }
            const Py_ssize_t size = PyByteArray_GET_SIZE(made);
            if (PyByteArray_Resize(made, size + 1) < 0) return nullptr;
            PyByteArray_AS_STRING(made)[size] = static_cast<char>(value);
        }
        return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(made), PyByteArray_GET_SIZE(made));
    }

    static void install() {
        if (PyBytes_Type.tp_vectorcall == call) return;
        original = PyBytes_Type.tp_vectorcall;
        PyBytes_Type.tp_vectorcall = call;
    }
};

// ---- str.join, bytes.join, bytearray.join -------------------------------------------------------

template <int which> struct Join {
    static inline const char *name = nullptr;
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;
    static PyObject *call(PyObject *self, PyObject *iterable) {
        if (is_passive(iterable) || Py_TYPE(iterable)->tp_iter == nullptr)
            return original(self, iterable);
        Activation a(name, definition);
        if (a.phase == 0) {
            a.slots[container] = Ref::steal(PyList_New(0));
            if (!a.slots[container]) return nullptr;
            if (!begin_list(a, iterator_slot, iterable)) {
                if (a.slots[iterator_slot] || !PyErr_ExceptionMatches(PyExc_TypeError))
                    return nullptr;
                PyErr_SetString(PyExc_TypeError, "can only join an iterable");
                return nullptr;
            }
            a.phase = 1;
        }
        if (!take_all(a, iterator_slot, container)) return nullptr;
        return original(self, a.slots[container].get());
    }
    static void install(const char *type, const char *as) {
        name = as;
        definition = definition_of("builtins", type, "join");
        original = interpose(definition, METH_O, call);
    }
};

} // namespace

void install_resumable_collectors() {
    Collector<0>::install(PyList_Type);
    Collector<1>::install(PySet_Type);
    Collector<2>::install(PyFrozenSet_Type);
    Collector<3>::install(PyTuple_Type);
    original_dict = PyDict_Type.tp_vectorcall;
    if (original_dict != nullptr) PyDict_Type.tp_vectorcall = make_dict;
    Deque::install();
    Bytes::install();
    Join<0>::install("str", "str.join");
    Join<1>::install("bytes", "bytes.join");
    Join<2>::install("bytearray", "bytearray.join");
}

} // namespace elsewhere::frame
