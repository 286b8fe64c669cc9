// sorted, list.sort: the keys are made here, one by one, and CPython's own sort gets them ready.
#include "engine/frame/consuming.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

Fast original_sort = nullptr;

// Gives list.sort the keys that were made before, one by one.
PyObject *next_key(PyObject *keys, PyObject *) { return PyIter_Next(keys); }
PyMethodDef next_key_method = {"next_key", next_key, METH_O, nullptr};

struct Sorting {
    enum { source = 0, items = 1, keys = 2, key = 3, reverse = 4, list = 5 };
    Activation &a;

    // The keys of slots[items], in slots[keys].
    bool make_keys() {
        PyObject *all = a.slots[items].get();
        while (PyList_GET_SIZE(a.slots[keys].get()) < PyList_GET_SIZE(all)) {
            PyObject *item = PyList_GET_ITEM(all, PyList_GET_SIZE(a.slots[keys].get()));
            Ref made = a.call(a.slots[key].get(), &item, 1);
            if (!made || PyList_Append(a.slots[keys].get(), made.get()) < 0) return false;
        }
        return true;
    }

    bool sort(PyObject *what) {
        static PyObject *const names =
            PyTuple_Pack(2, Ref::checked(PyUnicode_FromString("key")).get(),
                         Ref::checked(PyUnicode_FromString("reverse")).get());
        Ref iterator = Ref::steal(PyObject_GetIter(a.slots[keys].get()));
        Ref function =
            Ref::steal(iterator ? PyCFunction_New(&next_key_method, iterator.get()) : nullptr);
        if (!function || names == nullptr) return false;
        PyObject *const arguments[] = {function.get(), a.slots[reverse].get()};
        return static_cast<bool>(Ref::steal(original_sort(what, arguments, 0, names)));
    }
};

struct SortArguments {
    PyObject *key = nullptr;
    PyObject *reverse = Py_False;
    bool usual = true;
    SortArguments(PyObject *const *values, PyObject *names) {
        for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
            PyObject *name = PyTuple_GET_ITEM(names, i);
            if (PyUnicode_CompareWithASCIIString(name, "key") == 0)
                key = values[i] == Py_None ? nullptr : values[i];
            else if (PyUnicode_CompareWithASCIIString(name, "reverse") == 0)
                reverse = values[i];
            else
                usual = false;
        }
        usual = usual && PyBool_Check(reverse);
    }
    [[nodiscard]] bool calls_python() const { return key != nullptr && !runs_no_python(key); }
};

PyMethodDef *sorted_definition = nullptr;
Fast original_sorted = nullptr;
PyObject *sorted(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const SortArguments given(arguments + count, names);
    if (count != 1 || !given.usual || Py_TYPE(arguments[0])->tp_iter == nullptr ||
        (is_passive(arguments[0]) && !given.calls_python()))
        return original_sorted(self, arguments, count, names);
    Activation a("sorted", sorted_definition);
    Sorting sorting{a};
    if (a.phase == 0) {
        a.slots[Sorting::items] = Ref::steal(PyList_New(0));
        a.slots[Sorting::keys] = Ref::steal(PyList_New(0));
        a.slots[Sorting::key] = Ref::share(given.key);
        a.slots[Sorting::reverse] = Ref::share(given.reverse);
        if (!a.slots[Sorting::items] || !a.slots[Sorting::keys] ||
            !begin_list(a, Sorting::source, arguments[0]))
            return nullptr;
        a.phase = 1;
    }
    if (a.phase == 1 && !take_all(a, Sorting::source, Sorting::items)) return nullptr;
    a.phase = 2;
    a.slots[Sorting::source] = Ref();
    PyObject *items = a.slots[Sorting::items].get();
    if (!given.calls_python()) {
        // The key is C, or there is none: nothing more can be left in the middle.
        if (!Ref::steal(original_sort(items, arguments + count, 0, names))) return nullptr;
        return a.slots[Sorting::items].release();
    }
    if (!sorting.make_keys() || !sorting.sort(items)) return nullptr;
    return a.slots[Sorting::items].release();
}

// In place: meanwhile the list is empty for everybody else, and must stay so.
PyMethodDef *sort_definition = nullptr;
PyObject *sort(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const SortArguments given(arguments + count, names);
    if (count != 0 || !given.usual || !given.calls_python() || !PyList_Check(self))
        return original_sort(self, arguments, count, names);
    Activation a("list.sort", sort_definition);
    Sorting sorting{a};
    const Py_ssize_t everything = PY_SSIZE_T_MAX;
    if (a.phase == 0) {
        a.slots[Sorting::items] = Ref::steal(PyList_GetSlice(self, 0, everything));
        a.slots[Sorting::keys] = Ref::steal(PyList_New(0));
        a.slots[Sorting::key] = Ref::share(given.key);
        a.slots[Sorting::reverse] = Ref::share(given.reverse);
        if (!a.slots[Sorting::items] || !a.slots[Sorting::keys] ||
            PyList_SetSlice(self, 0, everything, nullptr) < 0)
            return nullptr;
        a.phase = 1;
    }
    const bool made = sorting.make_keys();
    Ref error_type, error_value, error_traceback;
    if (!made) {
        PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
        PyErr_Fetch(&type, &value, &traceback);
        error_type = Ref::steal(type);
        error_value = Ref::steal(value);
        error_traceback = Ref::steal(traceback);
    }
    const bool modified = PyList_GET_SIZE(self) != 0;
    if (PyList_SetSlice(self, 0, everything, a.slots[Sorting::items].get()) < 0) return nullptr;
    if (!made) {
        PyErr_Restore(error_type.release(), error_value.release(), error_traceback.release());
        return nullptr;
    }
    if (!sorting.sort(self)) return nullptr;
    if (modified) {
        PyErr_SetString(PyExc_ValueError, "list modified during sort");
        return nullptr;
    }
    Py_RETURN_NONE;
}

} // namespace

bool install_resumable_sorting() {
    constexpr int fast = METH_FASTCALL | METH_KEYWORDS;
    sort_definition = definition_of("builtins", "list", "sort");
    PyCFunction found = interpose(sort_definition, fast, erase(sort));
    if (found == nullptr) return false;
    original_sort = original_of<Fast>(found);
    sorted_definition = definition_of("builtins", nullptr, "sorted");
    original_sorted = original_of<Fast>(interpose(sorted_definition, fast, erase(sorted)));
    return true;
}

} // namespace elsewhere::frame
