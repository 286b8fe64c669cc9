// sorted, list.sort: the keys are made here, one by one, and CPython's own sort gets them ready, or
// stand-ins for them where comparing them runs Python code.
#include "engine/frame/comparisons.hpp"
#include "engine/frame/consuming.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

Fast original_sort = nullptr;

// Gives list.sort the keys that were made before, one by one.
PyObject *next_key(PyObject *keys, PyObject *) { return PyIter_Next(keys); }
PyMethodDef next_key_method = {"next_key", next_key, METH_O, nullptr};

struct Sorting {
    enum { source = 0, items = 1, keys = 2, key = 3, reverse = 4, changed = 5, outcomes = 6 };
    enum { making_keys = 2, sorting = 3 }; // phases; the latter in its low bits
    Activation &a;

    [[nodiscard]] bool is_sorting() const { return (a.phase & 3) == sorting; }

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

    // The list `what` has the items in their first order.
    bool sort(PyObject *what) {
        if (!is_sorting()) a.phase = sorting;
        PyObject *all = a.slots[keys].get();
        if (compare_in_c(all)) return sort_by(what, all);
        Comparisons comparisons(a, all, outcomes, sorting);
        const Ref stand_ins = comparisons.stand_ins();
        return stand_ins && sort_by(what, stand_ins.get());
    }

  private:
    bool sort_by(PyObject *what, PyObject *keys_of_items) {
        static PyObject *const names =
            PyTuple_Pack(2, Ref::checked(PyUnicode_FromString("key")).get(),
                         Ref::checked(PyUnicode_FromString("reverse")).get());
        Ref iterator = Ref::steal(PyObject_GetIter(keys_of_items));
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
    // Nothing that sorting these does is Python's, as far as can be told.
    [[nodiscard]] bool stays_in_c(PyObject *list_or_tuple) const {
        return key == nullptr ? compare_in_c(list_or_tuple) : !calls_python();
    }
};

// Sorted without anything that could be left in the middle.
bool is_plain(PyObject *iterable, const SortArguments &given) {
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable))
        return given.stays_in_c(iterable);
    const bool plain_items = PyUnicode_CheckExact(iterable) || PyBytes_CheckExact(iterable) ||
                             PyByteArray_CheckExact(iterable) ||
                             Py_IS_TYPE(iterable, &PyRange_Type);
    return is_passive(iterable) && (given.key == nullptr ? plain_items : !given.calls_python());
}

PyMethodDef *sorted_definition = nullptr;
Fast original_sorted = nullptr;
PyObject *sorted(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const SortArguments given(arguments + count, names);
    if (count != 1 || !given.usual || Py_TYPE(arguments[0])->tp_iter == nullptr)
        return original_sorted(self, arguments, count, names);
    Activation a("sorted", sorted_definition);
    if (a.phase == 0 &&
        is_plain(arguments[0], given)) // what has begun goes on, plain by now or not
        return original_sorted(self, arguments, count, names);
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
    if (!sorting.is_sorting()) a.phase = Sorting::making_keys;
    a.slots[Sorting::source] = Ref();
    PyObject *items = a.slots[Sorting::items].get();
    if (given.key != nullptr && !given.calls_python()) {
        // The key is C: nothing more can be left in the middle.
        if (!Ref::steal(original_sort(items, arguments + count, 0, names))) return nullptr;
        return a.slots[Sorting::items].release();
    }
    if (given.key == nullptr)
        a.slots[Sorting::keys] = a.slots[Sorting::items].copy();
    else if (!sorting.is_sorting() && !sorting.make_keys())
        return nullptr;
    Ref list = Ref::steal(PyList_GetSlice(items, 0, PyList_GET_SIZE(items)));
    return list && sorting.sort(list.get()) ? list.release() : nullptr;
}

// In place: meanwhile the list is empty for everybody else, and must stay so.
PyMethodDef *sort_definition = nullptr;
PyObject *sort(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const SortArguments given(arguments + count, names);
    if (count != 0 || !given.usual || !PyList_Check(self))
        return original_sort(self, arguments, count, names);
    Activation a("list.sort", sort_definition);
    if (a.phase == 0 && given.stays_in_c(self)) // what has begun goes on: the list is empty by now
        return original_sort(self, arguments, count, names);
    Sorting sorting{a};
    const Py_ssize_t everything = PY_SSIZE_T_MAX;
    const bool goes_on = sorting.is_sorting();
    if (a.phase == 0) {
        a.slots[Sorting::items] = Ref::steal(PyList_GetSlice(self, 0, everything));
        a.slots[Sorting::keys] = Ref::steal(PyList_New(0));
        a.slots[Sorting::key] = Ref::share(given.key);
        a.slots[Sorting::reverse] = Ref::share(given.reverse);
        a.slots[Sorting::changed] = Ref::share(Py_False);
        if (!a.slots[Sorting::items] || !a.slots[Sorting::keys]) return nullptr;
        if (given.key == nullptr)
            a.slots[Sorting::keys] = a.slots[Sorting::items].copy();
        else if (PyList_SetSlice(self, 0, everything, nullptr) < 0)
            return nullptr;
        a.phase = 1;
    }
    const bool made = given.key == nullptr || goes_on || sorting.make_keys();
    Ref error_type, error_value, error_traceback;
    if (!made) {
        PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
        PyErr_Fetch(&type, &value, &traceback);
        error_type = Ref::steal(type);
        error_value = Ref::steal(value);
        error_traceback = Ref::steal(traceback);
    }
    if (given.key != nullptr || goes_on) {
        if (PyList_GET_SIZE(self) != 0) a.slots[Sorting::changed] = Ref::share(Py_True);
        if (PyList_SetSlice(self, 0, everything, a.slots[Sorting::items].get()) < 0) return nullptr;
    }
    if (!made) {
        PyErr_Restore(error_type.release(), error_value.release(), error_traceback.release());
        return nullptr;
    }
    if (!sorting.sort(self)) return nullptr;
    if (a.slots[Sorting::changed].get() == Py_True) {
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
