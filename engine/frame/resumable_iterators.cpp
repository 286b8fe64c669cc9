// map and filter, whose items are made by a function: the values that it was called with are kept
// while it runs. (While they ask their source for its next item they keep nothing.)
#include "engine/frame/activation.hpp"
#include "engine/frame/iterator_fields.hpp"
#include "engine/frame/taking.hpp"

namespace elsewhere::frame {

namespace {

struct Map {
    static inline Fields fields;
    static inline iternextfunc original = nullptr;
    static inline const ElwField *strict = nullptr; // map(…, strict=True): from 3.14 on
    static bool is_strict(PyObject *self) {
        return strict != nullptr &&
               *(reinterpret_cast<int *>(reinterpret_cast<char *>(self) + strict->offset)) != 0;
    }
    static PyObject *next(PyObject *self) {
        PyObject *function = Fields::at(self, fields.function);
        PyObject *sources = Fields::at(self, fields.source);
        const Py_ssize_t count = sources != nullptr ? PyTuple_GET_SIZE(sources) : 0;
        if (function == nullptr || count == 0 || count > 6 || is_strict(self) ||
            (count == 1 && !may_run_python(function) &&
             gives_passively(PyTuple_GET_ITEM(sources, 0))))
            return original(self);
        return taken(self, made);
    }
    static PyObject *made(PyObject *self) {
        PyObject *function = Fields::at(self, fields.function);
        PyObject *sources = Fields::at(self, fields.source);
        const Py_ssize_t count = PyTuple_GET_SIZE(sources);
        Activation a("map", &PyMap_Type, self);
        if (a.phase == 0) a.phase = 1;
        if (a.phase == 1) {
            // a.number: how many values are there already.
            for (; a.number < count; ++a.number) {
                PyObject *source = PyTuple_GET_ITEM(sources, a.number);
                a.begin(Step::next, source);
                PyObject *value = Py_TYPE(source)->tp_iternext(source);
                a.end();
                if (value == nullptr) return nullptr;
                a.slots[static_cast<std::size_t>(a.number)] = Ref::steal(value);
            }
            a.phase = 2;
        }
        PyObject *values[6];
        for (Py_ssize_t i = 0; i < count; ++i)
            values[i] = a.slots[static_cast<std::size_t>(i)].get();
        return a.call(function, values, count).release();
    }
};

template <bool wanted> struct Filter {
    static inline Fields fields;
    static inline iternextfunc original = nullptr;
    static inline PyTypeObject *type = nullptr;
    enum { item = 0, verdict = 1 };
    static PyObject *next(PyObject *self) {
        PyObject *function = Fields::at(self, fields.function);
        PyObject *source = Fields::at(self, fields.source);
        if (function == nullptr || source == nullptr ||
            (!may_run_python(function) && gives_passively(source)))
            return original(self);
        return taken(self, made);
    }
    static PyObject *made(PyObject *self) {
        PyObject *function = Fields::at(self, fields.function);
        PyObject *source = Fields::at(self, fields.source);
        Activation a(wanted ? "filter" : "filterfalse", type, self);
        int phase = a.phase == 0 ? 1 : a.phase;
        for (;;) {
            if (phase == 1) {
                a.phase = 1;
                a.begin(Step::next, source);
                a.slots[item] = Ref::steal(Py_TYPE(source)->tp_iternext(source));
                a.end();
                if (!a.slots[item]) return nullptr;
                const bool itself =
                    function == Py_None || function == reinterpret_cast<PyObject *>(&PyBool_Type);
                phase = itself ? 3 : 2;
                if (itself) a.slots[verdict] = a.slots[item].copy();
            }
            if (phase == 2) {
                a.phase = 2;
                PyObject *value = a.slots[item].get();
                a.slots[verdict] = a.call(function, &value, 1);
                if (!a.slots[verdict]) return nullptr;
            }
            a.phase = 3;
            phase = 1;
            const int truth = a.truth(a.slots[verdict].get());
            a.slots[verdict] = Ref();
            if (truth < 0) return nullptr;
            if ((truth != 0) == wanted) return a.slots[item].release();
            a.slots[item] = Ref();
        }
    }
    static void install(const char *name, PyTypeObject &of) {
        if (original != nullptr || !fields.find(name, &of, "source")) return;
        type = &of;
        original = of.tp_iternext;
        of.tp_iternext = next;
    }
};

} // namespace

void install_resumable_iterators() {
    if (Map::original == nullptr && Map::fields.find("map", &PyMap_Type, "sources")) {
        Map::original = PyMap_Type.tp_iternext;
        Map::strict = field_of("map", &PyMap_Type, "strict");
        PyMap_Type.tp_iternext = Map::next;
    }
    Filter<true>::install("filter", PyFilter_Type);
    install_resumable_itertools();
}

} // namespace elsewhere::frame
