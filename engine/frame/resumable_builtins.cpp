// sum, any, all, min, max, reduce: as CPython does them, with their state in an Activation.
// Whatever is not usual (wrong arguments above all) is left to CPython's own.
#include <cmath>
#include <optional>
#include <string_view>

#include "engine/cpython/frame_abi.h"
#include "engine/cpython/imported_module.hpp"
#include "engine/frame/consuming.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

// A list or tuple that looks like plain numbers: nothing that CPython does with it is ours.
bool is_plain_numbers(PyObject *iterable) {
    if (call_is_resumed()) return false;
    if (Py_IS_TYPE(iterable, &PyRange_Type)) return true;
    if (!PyList_CheckExact(iterable) && !PyTuple_CheckExact(iterable)) return false;
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(iterable);
    if (size == 0) return true;
    auto plain = [](PyObject *each) { return PyLong_CheckExact(each) || PyFloat_CheckExact(each); };
    return plain(PySequence_Fast_GET_ITEM(iterable, 0)) &&
           plain(PySequence_Fast_GET_ITEM(iterable, size - 1));
}

// ---- sum ----------------------------------------------------------------------------------------

enum { iterator_slot = 0 };

struct Sum {
    enum Mode { ints = 0, floats = 1, objects = 2, complexes = 3 };
    enum { total = 1, item = 2, imaginary = 3, imaginary_rest = 4 };
    Activation &a;

    // From 3.14 on complex numbers are added in the same way, and ints to floats as well.
    static bool compensates_all() { return elw_facts.minor >= 14; }

    // Neumaier's compensated sum.
    static void compensate(double &real, double &rest, double x) {
        const double t = real + x;
        rest += std::fabs(real) >= std::fabs(x) ? (real - t) + x : (x - t) + real;
        real = t;
    }
    static double whole(double real, double rest) {
        return rest != 0 && std::isfinite(rest) ? real + rest : real;
    }
    double floating() const { return whole(a.real, a.rest); }

    double get(std::size_t slot) const { return PyFloat_AsDouble(a.slots[slot].get()); }
    bool set(std::size_t slot, double value) {
        a.slots[slot] = Ref::steal(PyFloat_FromDouble(value));
        return static_cast<bool>(a.slots[slot]);
    }

    // False with an exception set, too.
    bool add_imaginary(double x) {
        double real = get(imaginary);
        double rest = get(imaginary_rest);
        compensate(real, rest, x);
        return set(imaginary, real) && set(imaginary_rest, rest);
    }

    // The total that the C numbers stand for.
    PyObject *as_number(Mode mode) const {
        if (mode == ints) return PyLong_FromLongLong(a.number);
        if (mode == floats) return PyFloat_FromDouble(floating());
        return PyComplex_FromDoubles(floating(), whole(get(imaginary), get(imaginary_rest)));
    }

    bool add_to_floats(Mode mode, PyObject *number) {
        if (mode == complexes && PyComplex_CheckExact(number)) {
            const Py_complex z = PyComplex_AsCComplex(number);
            compensate(a.real, a.rest, z.real);
            return add_imaginary(z.imag);
        }
        if (PyLong_Check(number)) {
            const double value = PyLong_AsDouble(number);
            if (value == -1.0 && PyErr_Occurred()) return false;
            compensate(a.real, a.rest, value);
            return true;
        }
        if (mode == complexes ? !PyFloat_Check(number) : !PyFloat_CheckExact(number)) return false;
        compensate(a.real, a.rest, PyFloat_AS_DOUBLE(number));
        return true;
    }

    // Adds a number to the C number that stands for the total. False: it is not that simple, or an
    // exception is set.
    bool add_plainly(Mode mode, PyObject *number) {
        if (mode == objects) return false;
        if (mode != ints && compensates_all()) return add_to_floats(mode, number);
        if (mode == floats && PyFloat_CheckExact(number)) {
            const double x = PyFloat_AS_DOUBLE(number);
            if (elw_facts.minor >= 12)
                compensate(a.real, a.rest, x);
            else
                a.real += x;
            return true;
        }
        if (mode == ints ? !PyLong_CheckExact(number) && !PyBool_Check(number)
                         : !PyLong_Check(number))
            return false;
        int overflow = 0;
        const long value = PyLong_AsLongAndOverflow(number, &overflow);
        if (overflow != 0) return false;
        if (mode == floats) {
            a.real += static_cast<double>(value);
            return true;
        }
        std::int64_t sum = 0;
        if (__builtin_add_overflow(a.number, static_cast<std::int64_t>(value), &sum)) return false;
        a.number = sum;
        return true;
    }

    PyObject *run() {
        Mode mode = static_cast<Mode>(a.phase >> 2);
        bool adding = (a.phase & 3) == 2;
        for (;;) {
            if (!adding) {
                a.phase = mode << 2 | 1;
                a.slots[item] = a.next(iterator_slot);
                if (!a.slots[item]) {
                    if (PyErr_Occurred()) return nullptr;
                    return mode == objects ? a.slots[total].release() : as_number(mode);
                }
                if (add_plainly(mode, a.slots[item].get())) continue;
                if (PyErr_Occurred()) return nullptr;
                if (mode != objects) a.slots[total] = Ref::steal(as_number(mode));
                if (!a.slots[total]) return nullptr;
            }
            adding = false;
            a.phase = mode << 2 | 2;
            a.slots[total] = a.add(a.slots[total].get(), a.slots[item].get());
            if (!a.slots[total]) return nullptr;
            a.slots[item] = Ref();
            if (!begin_numbers(mode)) return nullptr;
        }
    }

    // How a total that is an object goes on: the modes follow each other, and none comes twice.
    bool begin_numbers(Mode &mode) {
        PyObject *value = a.slots[total].get();
        const bool was_ints = mode == ints;
        const bool was_floats = mode == floats;
        mode = objects;
        if (was_ints && PyFloat_CheckExact(value)) {
            mode = floats;
            a.real = PyFloat_AS_DOUBLE(value);
            a.rest = 0;
        } else if ((was_ints || was_floats) && compensates_all() && PyComplex_CheckExact(value)) {
            mode = complexes;
            const Py_complex z = PyComplex_AsCComplex(value);
            a.real = z.real;
            a.rest = 0;
            return set(imaginary, z.imag) && set(imaginary_rest, 0);
        }
        return true;
    }

    PyObject *begin(PyObject *iterable, PyObject *start) {
        if (!a.iterate(iterator_slot, iterable)) return nullptr;
        Mode mode = objects;
        int overflow = 0;
        if (start == nullptr || PyLong_CheckExact(start)) {
            a.number = start == nullptr ? 0 : PyLong_AsLongAndOverflow(start, &overflow);
            if (overflow == 0) mode = ints;
        }
        a.slots[total] = start == nullptr ? Ref::steal(PyLong_FromLong(0)) : Ref::share(start);
        if (start != nullptr && (PyFloat_CheckExact(start) || PyComplex_CheckExact(start))) {
            mode = ints;
            if (!begin_numbers(mode)) return nullptr;
        }
        a.phase = mode << 2 | 1;
        return run();
    }
};

PyMethodDef *sum_definition = nullptr;
Fast original_sum = nullptr;
PyObject *sum(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    const bool starts = named == 1 && count == 1 &&
                        PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "start") == 0;
    PyObject *start = count == 2 || starts ? arguments[1] : nullptr;
    const bool usual = (named == 0 && (count == 1 || count == 2)) || starts;
    if (!usual || is_plain_numbers(arguments[0]) ||
        (start != nullptr &&
         (PyUnicode_Check(start) || PyBytes_Check(start) || PyByteArray_Check(start))))
        return original_sum(self, arguments, count, names);
    Activation a("sum", sum_definition);
    Sum sum{a};
    return a.phase == 0 ? sum.begin(arguments[0], start) : sum.run();
}

// ---- any, all -----------------------------------------------------------------------------------

template <bool wanted> struct Quantifier {
    static inline PyMethodDef *definition = nullptr;
    static PyObject *call(PyObject *, PyObject *iterable) {
        Activation a(wanted ? "any" : "all", definition);
        enum { item = 1 };
        if (a.phase == 0 && !a.iterate(iterator_slot, iterable)) return nullptr;
        bool testing = a.phase == 2;
        for (;;) {
            if (!testing) {
                a.phase = 1;
                a.slots[item] = a.next(iterator_slot);
                if (!a.slots[item]) return PyErr_Occurred() ? nullptr : PyBool_FromLong(!wanted);
            }
            testing = false;
            a.phase = 2;
            const int truth = a.truth(a.slots[item].get());
            a.slots[item] = Ref();
            if (truth < 0) return nullptr;
            if ((truth != 0) == wanted) return PyBool_FromLong(wanted);
        }
    }
};

// ---- min, max -----------------------------------------------------------------------------------

template <int which> struct Extreme {
    static constexpr const char *name = which == Py_GT ? "max" : "min";
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;
    enum { best = 1, best_value = 2, item = 3, value = 4, key = 5, fallback = 6 };

    // Null without an exception: nothing there, and nothing given for that case.
    static PyObject *run(Activation &a) {
        int phase = a.phase;
        for (;;) {
            if (phase == 1) {
                a.phase = 1;
                a.slots[item] = a.next(iterator_slot);
                if (!a.slots[item]) {
                    if (PyErr_Occurred()) return nullptr;
                    return a.slots[best] ? a.slots[best].release() : a.slots[fallback].release();
                }
                phase = 2;
            }
            if (phase == 2) {
                a.phase = 2;
                PyObject *of = a.slots[item].get();
                a.slots[value] =
                    a.slots[key] ? a.call(a.slots[key].get(), &of, 1) : a.slots[item].copy();
                if (!a.slots[value]) return nullptr;
            }
            a.phase = 3;
            phase = 1;
            const int better = !a.slots[best_value] ? 1
                                                    : a.compare(a.slots[value].get(),
                                                                a.slots[best_value].get(), which);
            if (better < 0) return nullptr;
            if (better > 0) {
                a.slots[best_value] = std::move(a.slots[value]);
                a.slots[best] = std::move(a.slots[item]);
            } else {
                a.slots[value] = Ref();
                a.slots[item] = Ref();
            }
        }
    }

    struct Given {
        PyObject *of = nullptr;
        PyObject *key = nullptr;
        PyObject *fallback = nullptr;
    };

    static bool take(Given &given, PyObject *name, PyObject *value) {
        if (PyUnicode_CompareWithASCIIString(name, "key") == 0)
            given.key = value == Py_None ? nullptr : value;
        else if (PyUnicode_CompareWithASCIIString(name, "default") == 0)
            given.fallback = value;
        else
            return false;
        return true;
    }

    // Null without an exception: CPython's own is to say what is wrong.
    static PyObject *work(const Given &given) {
        Activation a(name, definition);
        if (a.phase == 0) {
            if (!a.iterate(iterator_slot, given.of)) return nullptr;
            a.slots[key] = Ref::share(given.key);
            a.slots[fallback] = Ref::share(given.fallback);
            a.phase = 1;
        }
        return run(a);
    }

    static PyObject *empty(PyObject *self) {
        Ref nothing = Ref::steal(PyTuple_New(0));
        if (!nothing) return nullptr;
        if ((definition->ml_flags & METH_FASTCALL) != 0) {
            PyObject *one = nothing.get();
            return original_of<Fast>(original)(self, &one, 1, nullptr);
        }
        Ref arguments = Ref::steal(PyTuple_Pack(1, nothing.get()));
        if (!arguments) return nullptr;
        return original_of<PyCFunctionWithKeywords>(original)(self, arguments.get(), nullptr);
    }

    static PyObject *fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                          PyObject *names) {
        Given given;
        const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
        bool usual = count >= 1;
        for (Py_ssize_t i = 0; i < named; ++i)
            usual = usual && take(given, PyTuple_GET_ITEM(names, i), arguments[count + i]);
        if (!usual || (count > 1 && given.fallback != nullptr) ||
            (given.key == nullptr && count == 1 && is_plain_numbers(arguments[0])))
            return original_of<Fast>(original)(self, arguments, count, names);
        Ref several;
        given.of = arguments[0];
        if (count > 1) {
            several = Ref::steal(PyTuple_New(count));
            if (!several) return nullptr;
            for (Py_ssize_t i = 0; i < count; ++i)
                PyTuple_SET_ITEM(several.get(), i, Py_NewRef(arguments[i]));
            given.of = several.get();
        }
        PyObject *result = work(given);
        return result != nullptr || PyErr_Occurred() ? result : empty(self);
    }

    static PyObject *plain(PyObject *self, PyObject *arguments, PyObject *keywords) {
        Given given;
        const Py_ssize_t count = PyTuple_GET_SIZE(arguments);
        bool usual = count >= 1;
        PyObject *name_of = nullptr, *value_of = nullptr;
        for (Py_ssize_t at = 0;
             keywords != nullptr && PyDict_Next(keywords, &at, &name_of, &value_of);)
            usual = usual && take(given, name_of, value_of);
        if (!usual || (count > 1 && given.fallback != nullptr) ||
            (given.key == nullptr && count == 1 &&
             is_plain_numbers(PyTuple_GET_ITEM(arguments, 0))))
            return original_of<PyCFunctionWithKeywords>(original)(self, arguments, keywords);
        given.of = count > 1 ? arguments : PyTuple_GET_ITEM(arguments, 0);
        PyObject *result = work(given);
        return result != nullptr || PyErr_Occurred() ? result : empty(self);
    }

    static void install() {
        definition = definition_of("builtins", nullptr, name);
        original = interpose(definition, METH_FASTCALL | METH_KEYWORDS, erase(fast));
        if (original == nullptr)
            original = interpose(definition, METH_VARARGS | METH_KEYWORDS, erase(plain));
    }
};

// ---- functools.reduce ---------------------------------------------------------------------------

struct Reduce {
    enum { function = 1, result = 2, item = 3 };
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;

    static bool is_usual(PyObject *function_given, PyObject *iterable) {
        return !runs_no_python(function_given) && Py_TYPE(iterable)->tp_iter != nullptr;
    }

    // The error as this Python words it.
    static PyObject *nothing_to_reduce(PyObject *function_given) {
        Ref module = Ref::checked(imported_module("_functools"));
        Ref nothing = Ref::checked(PyTuple_New(0));
        Ref arguments = Ref::checked(PyTuple_Pack(2, function_given, nothing.get()));
        if (definition->ml_flags & METH_FASTCALL)
            return original_of<Fast>(original)(module.get(), &PyTuple_GET_ITEM(arguments.get(), 0),
                                               2, nullptr);
        return original(module.get(), arguments.get());
    }

    static PyObject *run(PyObject *function_given, PyObject *iterable, PyObject *initial) {
        Activation a("reduce", definition);
        if (a.phase == 0) {
            if (!a.iterate(iterator_slot, iterable)) return nullptr;
            a.slots[function] = Ref::share(function_given);
            a.slots[result] = Ref::share(initial);
            a.phase = 1;
        }
        bool calling = a.phase == 2;
        for (;;) {
            if (!calling) {
                a.phase = 1;
                a.slots[item] = a.next(iterator_slot);
                if (!a.slots[item]) break;
                if (!a.slots[result]) {
                    a.slots[result] = std::move(a.slots[item]);
                    continue;
                }
            }
            calling = false;
            a.phase = 2;
            PyObject *const both[] = {a.slots[result].get(), a.slots[item].get()};
            Ref made = a.call(a.slots[function].get(), both, 2);
            if (!made) return nullptr;
            a.slots[result] = std::move(made);
            a.slots[item] = Ref();
        }
        if (PyErr_Occurred()) return nullptr;
        if (a.slots[result]) return a.slots[result].release();
        return nothing_to_reduce(a.slots[function].get());
    }

    // Up to 3.13.
    static PyObject *plain(PyObject *self, PyObject *arguments) {
        const Py_ssize_t count = PyTuple_GET_SIZE(arguments);
        if (count < 2 || count > 3 ||
            !is_usual(PyTuple_GET_ITEM(arguments, 0), PyTuple_GET_ITEM(arguments, 1)))
            return original(self, arguments);
        return run(PyTuple_GET_ITEM(arguments, 0), PyTuple_GET_ITEM(arguments, 1),
                   count == 3 ? PyTuple_GET_ITEM(arguments, 2) : nullptr);
    }

    // Since 3.14, where `initial` may be named.
    static PyObject *fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                          PyObject *names) {
        const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
        const bool usual =
            (named == 0 && (count == 2 || count == 3)) ||
            (named == 1 && count == 2 &&
             PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "initial") == 0);
        if (!usual || !is_usual(arguments[0], arguments[1]))
            return original_of<Fast>(original)(self, arguments, count, names);
        return run(arguments[0], arguments[1], count + named == 3 ? arguments[2] : nullptr);
    }

    static void install() {
        definition = definition_of("_functools", nullptr, "reduce");
        original = interpose(definition, METH_VARARGS, erase(plain));
        if (original == nullptr)
            original = interpose(definition, METH_FASTCALL | METH_KEYWORDS, erase(fast));
    }
};

} // namespace

void install_resumable_builtins() {
    constexpr int fast = METH_FASTCALL | METH_KEYWORDS;
    if (!install_resumable_sorting()) return; // installed before, or a Python that speaks otherwise
    sum_definition = definition_of("builtins", nullptr, "sum");
    original_sum = original_of<Fast>(interpose(sum_definition, fast, erase(sum)));
    Quantifier<true>::definition = definition_of("builtins", nullptr, "any");
    interpose(Quantifier<true>::definition, METH_O, Quantifier<true>::call);
    Quantifier<false>::definition = definition_of("builtins", nullptr, "all");
    interpose(Quantifier<false>::definition, METH_O, Quantifier<false>::call);
    Extreme<Py_LT>::install();
    Extreme<Py_GT>::install();
    Reduce::install();
    install_resumable_collectors();
    install_resumable_substitution();
}

} // namespace elsewhere::frame
