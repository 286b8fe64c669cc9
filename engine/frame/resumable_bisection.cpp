// bisect: which half is left, and the key that has been made for its middle.
#include <array>

#include "engine/cpython/frame_abi.h"
#include "engine/frame/consuming.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

struct Given {
    PyObject *list = nullptr;
    PyObject *item = nullptr;
    Py_ssize_t low = 0;
    Py_ssize_t high = -1; // -1: to the end
    PyObject *key = nullptr;
    bool usual = true;

    Given(PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
        static constexpr std::array known = {"a", "x", "lo", "hi", "key"};
        std::array<PyObject *, known.size()> values{};
        usual = count <= 4;
        for (Py_ssize_t i = 0; usual && i < count; ++i)
            values[static_cast<std::size_t>(i)] = arguments[i];
        for (Py_ssize_t i = 0; usual && names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
            std::size_t which = 0;
            while (which < known.size() &&
                   PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), known[which]) != 0)
                ++which;
            usual = which < known.size() && values[which] == nullptr;
            if (usual) values[which] = arguments[count + i];
        }
        list = values[0];
        item = values[1];
        key = values[4] == Py_None ? nullptr : values[4];
        usual = usual && list != nullptr && item != nullptr && PyList_CheckExact(list) &&
                PyList_GET_SIZE(list) < 0x7ffffff0 && (key == nullptr || elw_facts.minor >= 10) &&
                number(values[2], 0, low) && number(values[3], -1, high);
    }

    // A plain int that is not negative, or none.
    static bool number(PyObject *value, Py_ssize_t otherwise, Py_ssize_t &into) {
        into = otherwise;
        if (value == nullptr || (value == Py_None && otherwise < 0)) return true;
        if (!PyLong_CheckExact(value)) return false;
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        into = static_cast<Py_ssize_t>(number);
        return overflow == 0 && number >= 0 && number < 0x7ffffff0;
    }

    [[nodiscard]] bool runs_python() const {
        return (key != nullptr && !runs_no_python(key)) || is_of_python(item) ||
               (PyList_GET_SIZE(list) > 0 && is_of_python(PyList_GET_ITEM(list, 0)));
    }
};

template <bool right, bool inserts> struct Bisection {
    static constexpr const char *name = inserts ? (right ? "insort_right" : "insort_left")
                                                : (right ? "bisect_right" : "bisect_left");
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;
    enum { item_key = 1, value = 2, middle_item = 3 };
    enum { key_of_item = 1, key_of_middle = 2, by_method = 3, comparing = 4 };

    // Do objects of one type ask their own method first, as they do from 3.12 on, and once more by
    // the whole rule if that says NotImplemented?
    static bool method_first() { return elw_facts.minor >= 12; }

    // Where it belongs, or -1 with an exception set. a.number is the half that is left.
    static Py_ssize_t search(Activation &a, const Given &given) {
        if (a.phase == 0) {
            a.slots[item_key] = Ref::share(given.item);
            a.phase = key_of_item;
        }
        if (a.phase == key_of_item) {
            if (inserts && given.key != nullptr) {
                PyObject *of = given.item;
                a.slots[item_key] = a.call(given.key, &of, 1);
                if (!a.slots[item_key]) return -1;
            }
            const Py_ssize_t high = given.high < 0 ? PyList_GET_SIZE(given.list) : given.high;
            a.number = high << 32 | given.low;
            a.phase = key_of_middle;
        }
        for (;;) {
            const Py_ssize_t low = a.number & 0xffffffff, high = a.number >> 32;
            if (low >= high) return low;
            const Py_ssize_t middle = (low + high) / 2;
            if (a.phase == key_of_middle && !take_middle(a, given, middle)) return -1;
            const int less = compare(a);
            if (less < 0) return -1;
            const bool before = right ? less != 0 : less == 0;
            a.number = before ? middle << 32 | low : high << 32 | (middle + 1);
            a.phase = key_of_middle;
        }
    }

    static bool take_middle(Activation &a, const Given &given, Py_ssize_t middle) {
        if (!a.slots[middle_item]) { // else its key is being made, wherever it is by now
            if (middle >= PyList_GET_SIZE(given.list)) {
                PyErr_SetString(PyExc_IndexError, "list index out of range");
                return false;
            }
            a.slots[middle_item] = Ref::share(PyList_GET_ITEM(given.list, middle));
        }
        const Ref of = a.slots[middle_item].copy();
        PyObject *argument = of.get();
        a.slots[value] = given.key == nullptr ? of.copy() : a.call(given.key, &argument, 1);
        a.slots[middle_item] = Ref();
        if (!a.slots[value]) return false;
        a.phase = method_first() && !never_first(a) ? by_method : comparing;
        return true;
    }
    static bool never_first(const Activation &a) {
        return a.rest != 0 || Py_TYPE(a.slots[value].get()) != Py_TYPE(a.slots[item_key].get());
    }

    static int compare(Activation &a) {
        PyObject *one = a.slots[right ? item_key : value].get();
        PyObject *other = a.slots[right ? value : item_key].get();
        if (a.phase == by_method) {
            const Ref result = a.compare_by(one, other, Py_LT);
            if (!result) return -1;
            if (result.get() != Py_NotImplemented) return PyObject_IsTrue(result.get());
            a.rest = 1; // and the next ones are not asked so either
            a.phase = comparing;
        }
        return a.compare(one, other, Py_LT);
    }

    static PyObject *call(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                          PyObject *names) {
        const Given given(arguments, count, names);
        if (!given.usual || (!call_is_resumed() && !given.runs_python()))
            return original_of<Fast>(original)(self, arguments, count, names);
        Activation a(name, definition);
        const Py_ssize_t found = search(a, given);
        if (found < 0) return nullptr;
        if (!inserts) return PyLong_FromSsize_t(found);
        if (PyList_Insert(given.list, found, given.item) < 0) return nullptr;
        Py_RETURN_NONE;
    }

    static void install() {
        definition = definition_of("_bisect", nullptr, name);
        original = interpose(definition, METH_FASTCALL | METH_KEYWORDS, erase(call));
    }
};

} // namespace

void install_resumable_bisection() {
    if (PyDict_GetItemString(PyImport_GetModuleDict(), "_bisect") == nullptr ||
        Bisection<true, true>::definition != nullptr)
        return;
    Bisection<true, false>::install();
    Bisection<false, false>::install();
    Bisection<true, true>::install();
    Bisection<false, true>::install();
}

} // namespace elsewhere::frame
