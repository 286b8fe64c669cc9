// x in list, list.index, count and remove, list == list and the like; the same of tuples.
#include <algorithm>

#include "engine/frame/consuming.hpp"
#include "engine/frame/membership.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

enum Slot { one_item = 0, other_item = 1 };
enum Phase { equal_items = 1, last_items = 2 };

// What these slots of the types show to a capture.
const char comparing = 'c';
const char searching = 's';

// A list or tuple whose first item is of Python's making; what comes later is left to C.
bool begins_with_python(PyObject *object) {
    if (PyList_CheckExact(object))
        return PyList_GET_SIZE(object) > 0 && is_of_python(PyList_GET_ITEM(object, 0));
    return PyTuple_CheckExact(object) && PyTuple_GET_SIZE(object) > 0 &&
           is_of_python(PyTuple_GET_ITEM(object, 0));
}

bool may_run_python(PyObject *one, PyObject *other) {
    return one != other && (is_of_python(one) || is_of_python(other) || begins_with_python(one) ||
                            begins_with_python(other));
}

template <bool list> struct Sequence {
    static inline richcmpfunc compare_in_c = nullptr;

    static PyTypeObject &type() { return list ? PyList_Type : PyTuple_Type; }
    static bool is(PyObject *object) { return list ? PyList_Check(object) : PyTuple_Check(object); }
    static Py_ssize_t size(PyObject *of) { return Py_SIZE(of); }
    static PyObject *at(PyObject *of, Py_ssize_t i) {
        return list ? PyList_GET_ITEM(of, i) : PyTuple_GET_ITEM(of, i);
    }

    // ---- comparisons ----

    static PyObject *compare(PyObject *one, PyObject *other, int which) {
        if (!is(one) || !is(other)) return compare_in_c(one, other, which);
        if (call_is_resumed()) return compare_on(one, other, which, 0);
        if (differ_in_size(one, other, which)) return compare_in_c(one, other, which);
        Py_ssize_t i = 0;
        for (; i < size(one) && i < size(other); ++i) {
            if (at(one, i) == at(other, i)) continue;
            const Ref x = Ref::share(at(one, i)), y = Ref::share(at(other, i));
            if (may_run_python(x.get(), y.get())) return compare_on(one, other, which, i);
            const int same = PyObject_RichCompareBool(x.get(), y.get(), Py_EQ);
            if (same < 0) return nullptr;
            if (same == 0) break;
        }
        // As CPython does, which looks again at what is different.
        if (i >= size(one) || i >= size(other)) {
            Py_RETURN_RICHCOMPARE(size(one), size(other), which);
        }
        if (which == Py_EQ) Py_RETURN_FALSE;
        if (which == Py_NE) Py_RETURN_TRUE;
        const Ref x = Ref::share(at(one, i)), y = Ref::share(at(other, i));
        return PyObject_RichCompare(x.get(), y.get(), which);
    }

    static bool differ_in_size(PyObject *one, PyObject *other, int which) {
        return list && size(one) != size(other) && (which == Py_EQ || which == Py_NE);
    }

    // Does not recurse but through Python code or PyObject_RichCompare, which count.
    // From this item on.
    static PyObject *compare_on(PyObject *one, PyObject *other, int which, Py_ssize_t from) {
        Activation a(list ? "a comparison of lists" : "a comparison of tuples", &comparing);
        a.works_on(one, other);
        if (a.phase == 0) {
            if (differ_in_size(one, other, which)) return compare_in_c(one, other, which);
            a.number = from;
            a.phase = equal_items;
        }
        while (a.phase == equal_items) {
            if (!a.slots[one_item]) { // else a comparison that goes on
                if (a.number >= size(one) || a.number >= size(other)) {
                    Py_RETURN_RICHCOMPARE(size(one), size(other), which);
                }
                take(a, one, other);
            }
            const int same = ask(a, a.slots[one_item].get(), a.slots[other_item].get());
            if (same < 0) return nullptr;
            a.slots[one_item] = Ref();
            if (same != 0) {
                ++a.number;
                continue;
            }
            // As CPython does, which looks again.
            if (a.number >= size(one) || a.number >= size(other)) {
                Py_RETURN_RICHCOMPARE(size(one), size(other), which);
            }
            if (which == Py_EQ) Py_RETURN_FALSE;
            if (which == Py_NE) Py_RETURN_TRUE;
            take(a, one, other);
            a.phase = last_items;
        }
        return a.rich(a.slots[one_item].get(), a.slots[other_item].get(), which).release();
    }

    static void take(Activation &a, PyObject *one, PyObject *other) {
        a.slots[one_item] = Ref::share(at(one, static_cast<Py_ssize_t>(a.number)));
        a.slots[other_item] = Ref::share(at(other, static_cast<Py_ssize_t>(a.number)));
    }

    // Between objects of C's nothing is announced.
    static int ask(Activation &a, PyObject *one, PyObject *other) {
        return may_run_python(one, other) ? a.compare(one, other, Py_EQ)
                                          : PyObject_RichCompareBool(one, other, Py_EQ);
    }

    // ---- searches ----

    enum Found : Py_ssize_t { nowhere = -1, failed = -2, python_next = -3 };

    // The index of the next item that is equal, from a.number on.
    static Py_ssize_t next_equal(Activation &a, PyObject *sequence, PyObject *item) {
        for (;; ++a.number) {
            if (!a.slots[one_item]) {
                if (a.number >= size(sequence)) return nowhere;
                a.slots[one_item] = Ref::share(at(sequence, static_cast<Py_ssize_t>(a.number)));
            }
            const int same = ask(a, a.slots[one_item].get(), item);
            if (same < 0) return failed;
            a.slots[one_item] = Ref();
            if (same != 0) return static_cast<Py_ssize_t>(a.number);
        }
    }

    static void begin(Activation &a, PyObject *sequence, PyObject *item, Py_ssize_t from) {
        a.works_on(sequence, item);
        if (a.phase == 0) a.number = from;
        a.phase = equal_items;
    }

    // The same as long as no Python code may run: then python_next.
    static Py_ssize_t next_in_c(PyObject *sequence, PyObject *item, Py_ssize_t &i) {
        if (call_is_resumed()) return python_next;
        for (; i < size(sequence); ++i) {
            const Ref each = Ref::share(at(sequence, i));
            if (may_run_python(each.get(), item)) return python_next;
            const int same = PyObject_RichCompareBool(each.get(), item, Py_EQ);
            if (same != 0) return same < 0 ? static_cast<Py_ssize_t>(failed) : i;
        }
        return nowhere;
    }

    static Py_ssize_t find(const char *name, const void *identity, PyObject *sequence,
                           PyObject *item) {
        Py_ssize_t i = 0;
        const Py_ssize_t found = next_in_c(sequence, item, i);
        if (found != python_next) return found;
        Activation a(name, identity);
        begin(a, sequence, item, i);
        return next_equal(a, sequence, item);
    }

    static int contains(PyObject *sequence, PyObject *item) {
        const Py_ssize_t found = find("in", &searching, sequence, item);
        return found == failed ? -1 : found >= 0 ? 1 : 0;
    }

    // What an empty one answers: that the item is not there.
    static Ref empty() { return Ref::steal(list ? PyList_New(0) : PyTuple_New(0)); }

    struct Index {
        static constexpr const char *name = list ? "list.index" : "tuple.index";
        static inline PyMethodDef *definition = nullptr;
        static inline PyCFunction original = nullptr;
        using Call = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);
        static PyObject *call(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
            if (count != 1) return original_of<Call>(original)(self, arguments, count);
            const Py_ssize_t found = find(name, definition, self, arguments[0]);
            if (found >= 0) return PyLong_FromSsize_t(found);
            const Ref nothing = found == nowhere ? empty() : Ref();
            return nothing ? original_of<Call>(original)(nothing.get(), arguments, count) : nullptr;
        }
    };

    struct Count {
        static constexpr const char *name = list ? "list.count" : "tuple.count";
        static inline PyMethodDef *definition = nullptr;
        static inline PyCFunction original = nullptr;
        static PyObject *call(PyObject *self, PyObject *item) {
            Py_ssize_t i = 0, found = next_in_c(self, item, i), times = 0;
            for (; found >= 0; found = next_in_c(self, item, ++i)) ++times;
            if (found == failed) return nullptr;
            if (found == nowhere) return PyLong_FromSsize_t(times);
            Activation a(name, definition);
            if (a.phase == 0) a.real = static_cast<double>(times);
            begin(a, self, item, i);
            for (;;) {
                found = next_equal(a, self, item);
                if (found == failed) return nullptr;
                if (found == nowhere) return PyLong_FromDouble(a.real);
                a.real += 1;
                ++a.number;
            }
        }
    };

    struct Remove {
        static constexpr const char *name = "list.remove";
        static inline PyMethodDef *definition = nullptr;
        static inline PyCFunction original = nullptr;
        static PyObject *call(PyObject *self, PyObject *item) {
            const Py_ssize_t found = find(name, definition, self, item);
            if (found >= 0) {
                if (PyList_SetSlice(self, found, found + 1, nullptr) < 0) return nullptr;
                Py_RETURN_NONE;
            }
            const Ref nothing = found == nowhere ? empty() : Ref();
            return nothing ? original(nothing.get(), item) : nullptr;
        }
    };

    template <typename Method> static void install_method(const char *method, int flags) {
        Method::definition = definition_of("builtins", type().tp_name, method);
        Method::original = interpose(Method::definition, flags, erase(Method::call));
    }

    // To those that have inherited from it before: sys.int_info. They would be taken for types with
    // a comparison of their own, where another interpreter makes their namespaces.
    static void hand_down(PyTypeObject *from) {
        PyObject *types = reinterpret_cast<PyObject *>(&PyType_Type);
        const Ref below = Ref::checked(PyObject_CallMethod(types, "__subclasses__", "O", from));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(below.get()); ++i) {
            auto *type = reinterpret_cast<PyTypeObject *>(PyList_GET_ITEM(below.get(), i));
            if (type->tp_richcompare == compare_in_c) type->tp_richcompare = compare;
            hand_down(type);
        }
    }

    static void install() {
        if (compare_in_c != nullptr) return;
        compare_in_c = type().tp_richcompare;
        type().tp_richcompare = compare;
        hand_down(&type());
        type().tp_as_sequence->sq_contains = contains;
        install_method<Index>("index", METH_FASTCALL);
        install_method<Count>("count", METH_O);
        if constexpr (list) install_method<Remove>("remove", METH_O);
    }
};

} // namespace

void install_resumable_membership() {
    Sequence<true>::install();
    Sequence<false>::install();
}

bool compares_sequences(PyObject *left, PyObject *right, const Inner &inner) {
    return inner.builtin == &comparing && inner.first == left && inner.second == right;
}

bool searches(PyObject *sequence, PyObject *item, const Inner &inner) {
    return inner.builtin == &searching && inner.first == sequence && inner.second == item;
}

} // namespace elsewhere::frame
