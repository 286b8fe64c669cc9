// zip, and those of itertools whose items a function has a say in.
#include "engine/cpython/imported_module.hpp"
#include "engine/frame/activation.hpp"
#include "engine/frame/iterator_fields.hpp"

namespace elsewhere::frame {

namespace {

// zip keeps the items that it has so far in the tuple that it is about to give.
struct Zip {
    static inline std::size_t sources = 0;
    static inline std::size_t result = 0;
    static inline const ElwField *strict = nullptr; // from 3.10 on
    static inline iternextfunc original = nullptr;
    static constexpr Py_ssize_t most = 8; // as many as an Activation has slots

    static bool is_usual(PyObject *self) {
        PyObject *all = field_at(self, sources);
        const Py_ssize_t count = all != nullptr ? PyTuple_GET_SIZE(all) : 0;
        if (count == 0 || count > most ||
            (strict != nullptr && field_at<int>(self, strict->offset) != 0))
            return false;
        for (Py_ssize_t i = 0; i < count; ++i)
            if (!gives_passively(PyTuple_GET_ITEM(all, i))) return true;
        return false; // nothing that could be left in the middle
    }

    // It gives the same tuple again as long as nobody else has it.
    static Ref tuple_to_fill(PyObject *self, Py_ssize_t count) {
        PyObject *own = field_at(self, result);
        if (own == nullptr || Py_REFCNT(own) != 1 || !PyTuple_CheckExact(own) ||
            PyTuple_GET_SIZE(own) != count)
            return Ref::steal(PyTuple_New(count));
        return Ref::share(own);
    }

    static void put(PyObject *tuple, Py_ssize_t i, PyObject *item) {
        PyObject *old = PyTuple_GET_ITEM(tuple, i);
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(item));
        Py_XDECREF(old);
    }

    static PyObject *next(PyObject *self) {
        if (!is_usual(self)) return original(self);
        PyObject *all = field_at(self, sources);
        const Py_ssize_t count = PyTuple_GET_SIZE(all);
        Activation a("zip", &PyZip_Type, self);
        a.phase = 1;
        Ref given = tuple_to_fill(self, count);
        if (!given) return nullptr;
        for (Py_ssize_t i = 0; i < a.number; ++i)
            put(given.get(), i, a.slots[static_cast<std::size_t>(i)].get());
        for (; a.number < count; ++a.number) {
            PyObject *source = PyTuple_GET_ITEM(all, a.number);
            a.begin(Step::next, source);
            Ref item = Ref::steal(Py_TYPE(source)->tp_iternext(source));
            a.end();
            if (!item) return nullptr;
            put(given.get(), a.number, item.get());
            a.slots[static_cast<std::size_t>(a.number)] = std::move(item);
        }
        // The collector may have let go of it while its items were plain.
        if (!PyObject_GC_IsTracked(given.get())) PyObject_GC_Track(given.get());
        return given.release();
    }

    static void install() {
        const ElwField *from = field_of("zip", &PyZip_Type, "sources");
        const ElwField *into = field_of("zip", &PyZip_Type, "result");
        if (original != nullptr || from == nullptr || into == nullptr) return;
        sources = from->offset;
        result = into->offset;
        strict = field_of("zip", &PyZip_Type, "strict");
        original = PyZip_Type.tp_iternext;
        PyZip_Type.tp_iternext = next;
    }
};

PyTypeObject *type_of_itertools(const char *name) {
    const Ref module = Ref::checked(imported_module("itertools"));
    const Ref type = Ref::checked(PyObject_GetAttrString(module.get(), name));
    return PyType_Check(type.get()) ? reinterpret_cast<PyTypeObject *>(type.get()) : nullptr;
}

// takewhile (`taking`) and dropwhile: the flag says that the function is not asked any more.
template <bool taking> struct While {
    static inline Fields fields;
    static inline std::size_t flag = 0;
    static inline iternextfunc original = nullptr;
    static inline PyTypeObject *type = nullptr;
    static constexpr const char *name = taking ? "itertools.takewhile" : "itertools.dropwhile";
    enum { item = 0, verdict = 1 };

    static PyObject *next(PyObject *self) {
        PyObject *function = Fields::at(self, fields.function);
        PyObject *source = Fields::at(self, fields.source);
        long &done = field_at<long>(self, flag);
        if (function == nullptr || source == nullptr || done != 0 ||
            (!may_run_python(function) && gives_passively(source)))
            return original(self);
        Activation a(name, type, self);
        int phase = a.phase == 0 ? 1 : a.phase;
        for (;; phase = 1) {
            if (phase == 1) {
                a.phase = 1;
                a.begin(Step::next, source);
                a.slots[item] = Ref::steal(Py_TYPE(source)->tp_iternext(source));
                a.end();
                if (!a.slots[item]) return nullptr;
                phase = 2;
            }
            if (phase == 2) {
                a.phase = 2;
                PyObject *value = a.slots[item].get();
                a.slots[verdict] = a.call(function, &value, 1);
                if (!a.slots[verdict]) return nullptr;
            }
            a.phase = 3;
            const int truth = a.truth(a.slots[verdict].get());
            a.slots[verdict] = Ref();
            if (truth < 0) return nullptr;
            if (truth == 0) done = 1;
            if (taking) return truth != 0 ? a.slots[item].release() : nullptr;
            if (truth == 0) return a.slots[item].release();
            a.slots[item] = Ref();
        }
    }

    static void install() {
        if (original != nullptr) return;
        type = type_of_itertools(taking ? "takewhile" : "dropwhile");
        if (type == nullptr || !fields.find(name, type, "source")) return;
        const ElwField *found = field_of(name, type, "flag");
        if (found == nullptr) return;
        flag = found->offset;
        original = type->tp_iternext;
        type->tp_iternext = next;
    }
};

struct Starmap {
    static inline Fields fields;
    static inline iternextfunc original = nullptr;
    static inline PyTypeObject *type = nullptr;
    enum { arguments = 0 };

    static PyObject *next(PyObject *self) {
        PyObject *function = Fields::at(self, fields.function);
        PyObject *source = Fields::at(self, fields.source);
        if (function == nullptr || source == nullptr ||
            (!may_run_python(function) && gives_passively(source)))
            return original(self);
        Activation a("itertools.starmap", type, self);
        if (a.phase == 0) a.phase = 1;
        if (a.phase == 1) {
            a.begin(Step::next, source);
            Ref item = Ref::steal(Py_TYPE(source)->tp_iternext(source));
            a.end();
            if (!item) return nullptr;
            a.slots[arguments] = PyTuple_CheckExact(item.get())
                                     ? std::move(item)
                                     : Ref::steal(PySequence_Tuple(item.get()));
            if (!a.slots[arguments]) return nullptr;
            a.phase = 2;
        }
        auto *tuple = reinterpret_cast<PyTupleObject *>(a.slots[arguments].get());
        return a.call(function, tuple->ob_item, PyTuple_GET_SIZE(a.slots[arguments].get()))
            .release();
    }

    static void install() {
        if (original != nullptr) return;
        type = type_of_itertools("starmap");
        if (type == nullptr || !fields.find("itertools.starmap", type, "source")) return;
        original = type->tp_iternext;
        type->tp_iternext = next;
    }
};

} // namespace

void install_resumable_itertools() {
    Zip::install();
    While<true>::install();
    While<false>::install();
    Starmap::install();
}

} // namespace elsewhere::frame
