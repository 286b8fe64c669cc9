#include "engine/frame/comparisons.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/frame/awaitables.hpp"
#include "engine/frame/special_methods.hpp"

namespace elsewhere::frame {

namespace {

struct StandIn {
    PyObject_HEAD PyObject *key; // borrowed, as the owner
    Comparisons *owner;
};

PyObject *compare(PyObject *v, PyObject *w, int which) {
    if (which != Py_LT || Py_TYPE(v) != Py_TYPE(w)) Py_RETURN_NOTIMPLEMENTED;
    auto *left = reinterpret_cast<StandIn *>(v);
    const int less = left->owner->less(left->key, reinterpret_cast<StandIn *>(w)->key);
    return less < 0 ? nullptr : PyBool_FromLong(less);
}

PyTypeObject *stand_in_type() {
    static PyTypeObject *const type = [] {
        static std::array slots = {
            PyType_Slot{Py_tp_richcompare, reinterpret_cast<void *>(compare)},
            PyType_Slot{0, nullptr}};
        static PyType_Spec spec = {"elsewhere._key", sizeof(StandIn), 0, Py_TPFLAGS_DEFAULT,
                                   slots.data()};
        return reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    }();
    return type;
}

// Looks a type up once for a row of objects of it.
class Types {
  public:
    bool in_c(PyObject *object, int depth) {
        PyTypeObject *type = Py_TYPE(object);
        if (type == &PyLong_Type || type == &PyUnicode_Type || type == &PyFloat_Type ||
            type == &PyBytes_Type || type == &PyBool_Type)
            return true;
        if (type == &PyTuple_Type || type == &PyList_Type)
            return depth > 0 && all(object, depth - 1);
        if (type == last_) return last_in_c_;
        last_ = type;
        last_in_c_ = !is_cmp_key(object) && !is_python(type, "__lt__") &&
                     !is_python(type, "__gt__") && !is_python(type, "__eq__") &&
                     !PyTuple_Check(object) && !PyList_Check(object);
        return last_in_c_;
    }
    bool all(PyObject *items, int depth) {
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); ++i)
            if (!in_c(PySequence_Fast_GET_ITEM(items, i), depth)) return false;
        return true;
    }

  private:
    PyTypeObject *last_ = nullptr;
    bool last_in_c_ = false;
};

} // namespace

bool compare_in_c(PyObject *items) {
    constexpr int depth = 4;
    return Types().all(items, depth);
}

bool is_cmp_key(PyObject *object) {
    return std::string_view(Py_TYPE(object)->tp_name) == "functools.KeyWrapper";
}

Verdict through_cmp_key(PyObject *left, PyObject *right, const Inner &inner) {
    PyObject *function = referent(left, 0);
    PyObject *const both[] = {referent(left, 1), referent(right, 1)};
    if (!is_cmp_key(right) || function == nullptr || both[0] == nullptr || both[1] == nullptr)
        return no("a comparison");
    return called_again({function, nullptr, both, 2, nullptr}, inner);
}

// How list.sort compares: tuples item by item, objects of one type by their own method first.
Comparisons::Comparisons(Activation &a, PyObject *keys, std::size_t outcomes, int phase)
    : a_(a), keys_(keys), outcomes_(outcomes), phase_(phase),
      stage_(static_cast<Stage>(a.phase >> 2 & 3)), item_(a.phase >> 4) {
    const Py_ssize_t count = PyList_GET_SIZE(keys);
    if (count == 0) return;
    auto filled = [](PyObject *key) {
        return PyTuple_CheckExact(key) && PyTuple_GET_SIZE(key) > 0;
    };
    auto type_at = [&](Py_ssize_t i) {
        PyObject *key = PyList_GET_ITEM(keys, i);
        return Py_TYPE(in_tuples_ ? PyTuple_GET_ITEM(key, 0) : key);
    };
    in_tuples_ = filled(PyList_GET_ITEM(keys, 0));
    PyTypeObject *const type = type_at(0);
    bool all_same = true;
    for (Py_ssize_t i = 0; i < count && (all_same || in_tuples_); ++i) {
        if (in_tuples_ && !filled(PyList_GET_ITEM(keys, i))) {
            in_tuples_ = all_same = false;
            break;
        }
        all_same = all_same && type_at(i) == type;
    }
    if (all_same && !(in_tuples_ && type == &PyTuple_Type)) same_ = type->tp_richcompare;
}

Ref Comparisons::stand_ins() {
    PyTypeObject *type = stand_in_type();
    Ref list = Ref::steal(type != nullptr ? PyList_New(PyList_GET_SIZE(keys_)) : nullptr);
    if (!list) return list;
    if (!a_.slots[outcomes_])
        a_.slots[outcomes_] = Ref::steal(PyByteArray_FromStringAndSize("", 0));
    if (!a_.slots[outcomes_]) return {};
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys_); ++i) {
        PyObject *made = type->tp_alloc(type, 0);
        if (made == nullptr) return {};
        auto *stand_in = reinterpret_cast<StandIn *>(made);
        stand_in->key = PyList_GET_ITEM(keys_, i);
        stand_in->owner = this;
        PyList_SET_ITEM(list.get(), i, made);
    }
    return list;
}

int Comparisons::less(PyObject *v, PyObject *w) {
    if (told_ < a_.number) {
        const char *bits = PyByteArray_AS_STRING(a_.slots[outcomes_].get());
        const auto bit = told_++;
        return bits[bit / 8] >> (bit % 8) & 1;
    }
    const int outcome = ask(v, w);
    if (outcome < 0 || !note(outcome != 0)) return -1;
    return outcome;
}

bool Comparisons::note(bool outcome) {
    PyObject *bits = a_.slots[outcomes_].get();
    const auto place = static_cast<Py_ssize_t>(a_.number / 8);
    if (place == PyByteArray_GET_SIZE(bits)) {
        if (PyByteArray_Resize(bits, place + 1) < 0) return false;
        PyByteArray_AS_STRING(bits)[place] = 0;
    }
    const auto bit = static_cast<unsigned>(outcome) << (a_.number % 8);
    char &byte = PyByteArray_AS_STRING(bits)[place];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | bit);
    told_ = ++a_.number;
    return true;
}

void Comparisons::at(Stage stage, Py_ssize_t item) {
    a_.phase = phase_ | stage << 2 | static_cast<int>(item) << 4;
}

int Comparisons::ask(PyObject *v, PyObject *w) {
    Stage stage = std::exchange(stage_, begin);
    Py_ssize_t item = std::exchange(item_, 0);
    if (in_tuples_) {
        const Py_ssize_t both = std::min(PyTuple_GET_SIZE(v), PyTuple_GET_SIZE(w));
        for (; stage <= equal && item < both; ++item) {
            at(equal, item);
            const int same =
                a_.compare(PyTuple_GET_ITEM(v, item), PyTuple_GET_ITEM(w, item), Py_EQ);
            if (same < 0) return -1;
            if (same == 0) break;
        }
        if (item >= both) return PyTuple_GET_SIZE(v) < PyTuple_GET_SIZE(w) ? 1 : 0;
        v = PyTuple_GET_ITEM(v, item);
        w = PyTuple_GET_ITEM(w, item);
    }
    if (stage != rich && item == 0 && same_ != nullptr && Py_TYPE(v)->tp_richcompare == same_) {
        at(method, item);
        const Ref result = a_.compare_by(v, w, Py_LT);
        if (!result) return -1;
        if (result.get() != Py_NotImplemented) return PyObject_IsTrue(result.get());
    }
    at(rich, item);
    return a_.compare(v, w, Py_LT);
}

} // namespace elsewhere::frame
