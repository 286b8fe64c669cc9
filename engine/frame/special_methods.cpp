#include "engine/frame/special_methods.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/cpython/object_abi.h"
#include "engine/frame/awaitables.hpp"

namespace elsewhere::frame {

bool runs(PyObject *callable, const Inner &inner) {
    return callable != nullptr && PyFunction_Check(callable) &&
           PyFunction_GET_CODE(callable) == reinterpret_cast<PyObject *>(inner.code);
}

PyObject *lookup(PyTypeObject *type, const char *name) {
    Ref key = Ref::steal(PyUnicode_InternFromString(name));
    if (!key) {
        PyErr_Clear();
        return nullptr;
    }
    return _PyType_Lookup(type, key.get());
}

bool is_python(PyTypeObject *type, const char *name) {
    PyObject *found = lookup(type, name);
    return found != nullptr && PyFunction_Check(found);
}

bool is_method_of(PyObject *self, const Inner &inner, Names names) {
    if (self == nullptr || inner.first != self) return false;
    for (const char *name : names)
        if (runs(lookup(Py_TYPE(self), name), inner)) return true;
    return false;
}

namespace {

// Asking a class or a function for its annotations runs what evaluates them, once.
bool annotates(PyObject *owner, PyObject *name, const Inner &inner) {
    if (PyUnicode_CompareWithASCIIString(name, "__annotations__") != 0) return false;
    const bool plain = PyFunction_Check(owner) ||
                       (PyType_Check(owner) &&
                        _PyType_Lookup(Py_TYPE(owner), name) == _PyType_Lookup(&PyType_Type, name));
    Ref annotate = Ref::steal(plain ? PyObject_GetAttrString(owner, "__annotate__") : nullptr);
    if (!annotate) PyErr_Clear();
    return runs(annotate.get(), inner);
}

// From 3.12 on the bound of a type parameter and the value of `type X = …` are evaluated when they
// are first asked for, by a function that the parameter or alias refers to.
bool evaluates(PyObject *owner, PyObject *name, const Inner &inner) {
    static constexpr std::array types = {"typing.TypeAliasType", "typing.TypeVar",
                                         "typing.TypeVarTuple", "typing.ParamSpec"};
    static constexpr std::array names = {"__value__", "__bound__", "__constraints__",
                                         "__default__"};
    const std::string_view type(Py_TYPE(owner)->tp_name);
    if (std::find(types.begin(), types.end(), type) == types.end() ||
        std::none_of(names.begin(), names.end(), [&](const char *each) {
            return PyUnicode_CompareWithASCIIString(name, each) == 0;
        }))
        return false;
    for (int which = 0;; ++which) {
        PyObject *referred = referent(owner, which);
        if (referred == nullptr) return false;
        if (runs(referred, inner)) return true;
    }
}

// Does the object itself have it by now, ahead of what its class says?
bool has_itself(PyObject *owner, PyObject *name) {
    if (PyType_Check(owner) || !elw_instances_have_dict(Py_TYPE(owner))) return false;
    Ref dict = Ref::steal(PyObject_GenericGetDict(owner, nullptr));
    if (!dict) PyErr_Clear(); // an object whose type hides it
    return dict && PyDict_GetItem(dict.get(), name) != nullptr;
}

bool is_data_descriptor(PyObject *descriptor) {
    return Py_TYPE(descriptor)->tp_descr_set != nullptr;
}

} // namespace

bool is_bound_method_of(PyObject *self, PyObject *name, const Inner &inner) {
    if (self == nullptr || inner.first != self || inner.generator != nullptr) return false;
    // super() may have led past the first of that name.
    PyObject *mro = Py_TYPE(self)->tp_mro;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i) {
        auto *base = reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(mro, i));
        if (runs(PyDict_GetItemWithError(elw_type_dict(base), name), inner)) return true;
    }
    if (!PyType_Check(self)) return false;
    PyObject *found = _PyType_Lookup(reinterpret_cast<PyTypeObject *>(self), name);
    if (found == nullptr || !Py_IS_TYPE(found, &PyClassMethod_Type)) return false;
    Ref function = Ref::steal(PyObject_GetAttrString(found, "__func__"));
    if (!function) PyErr_Clear(); // a broken one
    return runs(function.get(), inner);
}

bool gets_attribute(PyObject *owner, PyObject *name, const Inner &inner) {
    PyTypeObject *type = Py_TYPE(owner);
    if (inner.first == owner && runs(lookup(type, "__getattribute__"), inner)) return true;
    if (is_python(type, "__getattribute__")) return false; // it would run first
    if (annotates(owner, name, inner) || evaluates(owner, name, inner)) return true;
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor == nullptr && PyType_Check(owner))
        descriptor = _PyType_Lookup(reinterpret_cast<PyTypeObject *>(owner), name);
    if (descriptor == nullptr)
        return is_method_of(owner, inner, {"__getattr__"}) && !has_itself(owner, name);
    if (Py_IS_TYPE(descriptor, &PyProperty_Type)) {
        Ref getter = Ref::steal(PyObject_GetAttrString(descriptor, "fget"));
        if (!getter) PyErr_Clear();
        return inner.first == owner && runs(getter.get(), inner);
    }
    return is_method_of(descriptor, inner, {"__get__"}) &&
           (is_data_descriptor(descriptor) || !has_itself(owner, name));
}

bool got_attribute(PyObject *owner, PyObject *name, const Inner &inner) {
    PyTypeObject *type = Py_TYPE(owner);
    if (is_python(type, "__getattribute__")) return false;
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor == nullptr)
        return is_method_of(owner, inner, {"__getattr__"}) && has_itself(owner, name);
    return is_method_of(descriptor, inner, {"__get__"}) && !is_data_descriptor(descriptor) &&
           lookup(type, "__getattr__") == nullptr && has_itself(owner, name);
}

bool sets_attribute(PyObject *owner, PyObject *name, const Inner &inner, bool remove) {
    PyTypeObject *type = Py_TYPE(owner);
    const char *hook = remove ? "__delattr__" : "__setattr__";
    if (is_python(type, hook)) return is_method_of(owner, inner, {hook});
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor == nullptr) return false;
    if (Py_IS_TYPE(descriptor, &PyProperty_Type)) {
        Ref setter = Ref::steal(PyObject_GetAttrString(descriptor, remove ? "fdel" : "fset"));
        if (!setter) PyErr_Clear();
        return inner.first == owner && runs(setter.get(), inner);
    }
    return is_method_of(descriptor, inner, {remove ? "__delete__" : "__set__"});
}

namespace {

struct Operator {
    const char *forward;
    const char *reflected;
    const char *in_place;
};

// In the order of CPython's NB_* numbers (Include/opcode.h); in-place forms start at 13.
const std::array<Operator, 13> operators = {{
    {"__add__", "__radd__", "__iadd__"},
    {"__and__", "__rand__", "__iand__"},
    {"__floordiv__", "__rfloordiv__", "__ifloordiv__"},
    {"__lshift__", "__rlshift__", "__ilshift__"},
    {"__matmul__", "__rmatmul__", "__imatmul__"},
    {"__mul__", "__rmul__", "__imul__"},
    {"__mod__", "__rmod__", "__imod__"},
    {"__or__", "__ror__", "__ior__"},
    {"__pow__", "__rpow__", "__ipow__"},
    {"__rshift__", "__rrshift__", "__irshift__"},
    {"__sub__", "__rsub__", "__isub__"},
    {"__truediv__", "__rtruediv__", "__itruediv__"},
    {"__xor__", "__rxor__", "__ixor__"},
}};

// Would evaluating `left op right` enter the inner frame first? A comparison asks the right operand
// first whenever its type is a subtype, an operator only where it overrides.
bool operates(PyObject *left, PyObject *right, const Inner &inner, const char *forward,
              const char *reflected, bool comparison) {
    PyTypeObject *l = Py_TYPE(left);
    PyTypeObject *r = Py_TYPE(right);
    const bool right_first = l != r && PyType_IsSubtype(r, l) && is_python(r, reflected) &&
                             (comparison || lookup(r, reflected) != lookup(l, reflected));
    if (is_method_of(left, inner, {forward})) return !right_first;
    if (!is_method_of(right, inner, {reflected})) return false;
    return right_first || !is_python(l, forward);
}

} // namespace

Verdict through_binary(int number, PyObject *left, PyObject *right, const Inner &inner) {
    const bool in_place = number >= 13;
    const Operator &op = operators[static_cast<std::size_t>(number % 13)];
    // `list += generator` is list.extend: each item is in its place before the next is asked for.
    if (in_place && number % 13 == 0 && PyList_CheckExact(left) && inner.generator != nullptr)
        return reexecute_if(passes_on_to(right, inner.generator), "+=");
    if (inner.first != left && inner.first != right) return no("an operator");
    if (in_place && is_python(Py_TYPE(left), op.in_place))
        return reexecute_if(is_method_of(left, inner, {op.in_place}), op.in_place);
    return reexecute_if(operates(left, right, inner, op.forward, op.reflected, false), op.forward);
}

Verdict through_compare(int oparg, PyObject *left, PyObject *right, const Inner &inner) {
    return through_comparison(elw_comparison(oparg), left, right, inner);
}

namespace {

constexpr std::array comparisons = {"__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"};

} // namespace

bool compares_by(PyObject *self, int which, const Inner &inner) {
    if (inner.first != self) return false;
    // object.__ne__ inverts a Python __eq__.
    if (which == Py_NE && !is_python(Py_TYPE(self), "__ne__"))
        return is_method_of(self, inner, {"__eq__"});
    return is_method_of(self, inner, {comparisons[static_cast<std::size_t>(which)]});
}

Verdict through_comparison(int which, PyObject *left, PyObject *right, const Inner &inner) {
    static constexpr std::array<std::size_t, 6> swapped = {4, 5, 2, 3, 0, 1};
    if (which < 0 || (inner.first != left && inner.first != right)) return no("a comparison");
    const auto at = static_cast<std::size_t>(which);
    // object.__ne__ inverts a Python __eq__: that runs inside, and re-execution completes it.
    if (which == 3 && !is_python(Py_TYPE(left), "__ne__") && is_method_of(left, inner, {"__eq__"}))
        return reexecute_if(Py_TYPE(left) == Py_TYPE(right) ||
                                !PyType_IsSubtype(Py_TYPE(right), Py_TYPE(left)),
                            "!=");
    const char *const forward = comparisons[at], *const reflected = comparisons[swapped[at]];
    const Verdict verdict =
        reexecute_if(operates(left, right, inner, forward, reflected, true), forward);
    if (verdict.ok || left == right) return verdict;
    // The other one was asked before, and has left it to this one.
    const bool is_left = inner.first == left;
    if (!is_method_of(inner.first, inner, {is_left ? forward : reflected}) ||
        !is_python(Py_TYPE(is_left ? right : left), is_left ? reflected : forward))
        return verdict;
    Verdict second = yes(Delivery::reexecute);
    second.declined = {is_left ? right : left, inner.first};
    second.declined_which = is_left ? static_cast<int>(swapped[at]) : which;
    return second;
}

bool misses(PyObject *dict, PyObject *key, const Inner &inner, bool found) {
    if (!is_method_of(dict, inner, {"__missing__"}) || !hashes_in_c(key)) return false;
    return PyDict_Check(dict) && (PyDict_GetItem(dict, key) != nullptr) == found;
}

bool hashes_in_c(PyObject *key) {
    if (key == nullptr) return false;
    if (PyTuple_CheckExact(key)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i)
            if (!hashes_in_c(PyTuple_GET_ITEM(key, i))) return false;
        return true;
    }
    return key == Py_None || PyUnicode_CheckExact(key) || PyLong_CheckExact(key) ||
           PyBool_Check(key) || PyFloat_CheckExact(key) || PyBytes_CheckExact(key);
}

} // namespace elsewhere::frame
