// Which kind an object is.
#include "engine/object/types.hpp"

#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"

namespace elsewhere::object {

PyObject *found(PyTypeObject *type, const char *name) {
    Ref key = Ref::checked(PyUnicode_InternFromString(name));
    return _PyType_Lookup(type, key.get());
}

namespace {

bool inherits_from_object(PyTypeObject *type, const char *name) {
    return found(type, name) == found(&PyBaseObject_Type, name);
}

// The nearest base that C made: what the layout of an instance begins with.
PyTypeObject *builtin_base(PyTypeObject *type) {
    while (made_by_python(type)) type = type->tp_base;
    return type;
}

// Classes of Python's own library, in Python, whose reduce would have an object made anew of less
// than it has, or of what does not make it: a Fraction of what only is registered as a number, the
// scope of an IPv6Address, the attributes of a Counter, or one that is just being made. Their
// attributes, slots and items are all there is.
bool is_told_by_slots(PyObject *reduce) {
    if (!PyFunction_Check(reduce)) return false;
    PyObject *module = PyFunction_GET_MODULE(reduce);
    if (module == nullptr || !PyUnicode_Check(module)) return false;
    for (const char *name : {"fractions", "ipaddress", "collections"})
        if (PyUnicode_CompareWithASCIIString(module, name) == 0) return true;
    return false;
}

// Everything reduce would say about it is attributes and slots; that of sets says their members,
// too, which the walk reads with their places.
bool plain_reduce(PyTypeObject *type, PyTypeObject *base) {
    const bool set = base == &PySet_Type || base == &PyFrozenSet_Type;
    for (const char *name : {"__reduce_ex__", "__reduce__", "__getstate__"}) {
        PyObject *how = found(type, name);
        if (!inherits_from_object(type, name) && !(set && how == found(base, name)) &&
            !is_told_by_slots(how))
            return false;
    }
    for (const char *name : {"__getnewargs_ex__", "__setstate__"})
        if (found(type, name) != nullptr) return false;
    // That of tuple, int, … gives the contents, which the walk reads by itself.
    return found(type, "__getnewargs__") == found(base, "__getnewargs__");
}

// Slots, or a __dict__, of a class whose way to be pickled is of a base that hands out a state of
// its own making, and may know nothing of them: sympy's Wild has lost what it excludes, and its
// `__new__` hands out one that others have. Attributes and slots are all there is.
bool outgrows_its_state(PyTypeObject *type, PyTypeObject *base) {
    if (base != &PyBaseObject_Type || inherits_from_object(type, "__getstate__")) return false;
    if (!inherits_from_object(type, "__reduce__")) return false;
    for (PyTypeObject *each = type; each != base; each = each->tp_base) {
        for (const char *name : {"__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__",
                                 "__getnewargs_ex__"})
            if (PyDict_GetItemString(each->tp_dict, name) != nullptr) return false;
        if (Py_SIZE(each) != 0 ||
            (elw_instances_have_dict(each) && !elw_instances_have_dict(each->tp_base)))
            return true;
    }
    return false;
}

// Builtin bases whose contents the walk can read and write.
bool readable_base(PyTypeObject *base) {
    static PyTypeObject *const bases[] = {
        &PyList_Type,         &PyDict_Type,        &PyTuple_Type,     &PySet_Type,
        &PyFrozenSet_Type,    &PyLong_Type,        &PyUnicode_Type,   &PyFloat_Type,
        &PyComplex_Type,      &PyBytes_Type,       &PyByteArray_Type, &PyProperty_Type,
        &PyStaticMethod_Type, &PyClassMethod_Type, &PyBaseObject_Type};
    for (PyTypeObject *each : bases)
        if (each == base) return true;
    return false;
}

// enum.Enum, or null.
PyObject *enum_of(PyTypeObject *type) {
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "enum");
    if (module == nullptr || !PyModule_Check(module)) return nullptr;
    PyObject *base = PyDict_GetItemString(PyModule_GetDict(module), "Enum");
    const bool is = base != nullptr && PyType_Check(base) &&
                    PyType_IsSubtype(type, reinterpret_cast<PyTypeObject *>(base)) != 0;
    return is ? base : nullptr;
}

} // namespace

Types::Types() {
    Ref copyreg = Ref::checked(imported_module("copyreg"));
    dispatch_table_ = Ref::checked(PyObject_GetAttrString(copyreg.get(), "dispatch_table"));
    Ref keep = Ref::steal(imported_module("elsewhere._keep"));
    if (keep) {
        reducers_ = Ref::checked(PyObject_GetAttrString(keep.get(), "reducers"));
    } else {
        if (!PyErr_ExceptionMatches(PyExc_ImportError)) throw PythonError{};
        PyErr_Clear(); // without the package there are no reducers of ours
    }
    auto leaf = [&](PyTypeObject &type, decltype(Kind::now) now) {
        kinds_[&type].now = now;
        kinds_[&type].nameable = false;
    };
    leaf(PyUnicode_Type, now_string);
    leaf(PyBytes_Type, now_bytes);
    leaf(PyLong_Type, now_int);
    leaf(PyFloat_Type, now_float);
    leaf(PyComplex_Type, now_complex);
    leaf(PyBool_Type, now_singleton);
    leaf(PyEllipsis_Type, now_singleton);
    leaf(*Py_TYPE(Py_NotImplemented), now_singleton);
    leaf(PyByteArray_Type, now_byte_array);
    leaf(PyPickleBuffer_Type, now_buffer);
    leaf(PyModule_Type, now_module);
    kinds_[&PyModule_Type].family = &module_family;
    auto visited = [&](PyTypeObject &type, const Family &family, bool nameable = false) {
        kinds_[&type].family = &family;
        kinds_[&type].nameable = nameable;
    };
    visited(PyList_Type, list_family, true);
    visited(PyTuple_Type, tuple_family);
    visited(PyDict_Type, dict_family);
    kinds_[&PyDict_Type].now = now_dict;
    visited(PySet_Type, set_family, true);
    visited(PyFrozenSet_Type, frozenset_family);
    visited(PyCell_Type, cell_family);
    visited(PyFunction_Type, function_family, true);
    visited(PyCode_Type, code_family);
    visited(PyMethod_Type, method_family, true);
    visited(PyCFunction_Type, builtin_family, true);
    visited(PyCMethod_Type, builtin_family, true);
    Ref wrapper = Ref::checked(PyObject_GetAttrString(Py_None, "__str__"));
    visited(*Py_TYPE(wrapper.get()), builtin_family);
    visited(PyMethodDescr_Type, descriptor_family);
    visited(PyClassMethodDescr_Type, descriptor_family);
    visited(PyMemberDescr_Type, descriptor_family);
    visited(PyGetSetDescr_Type, descriptor_family);
    visited(PyWrapperDescr_Type, descriptor_family);
    visited(PyDictProxy_Type, proxy_family, true);
    visited(PyDictKeys_Type, view_family);
    visited(PyDictValues_Type, view_family);
    visited(PyDictItems_Type, view_family);
    visited(PySuper_Type, super_family);
    visited(PySlice_Type, slice_family);
    visited(PyTraceBack_Type, traceback_family);
    visited(PyFrame_Type, frame_family);
    visited(PyGen_Type, generator_family);
    visited(PyCoro_Type, generator_family);
    visited(PyAsyncGen_Type, generator_family);
}

const Kind &Types::find(PyTypeObject *type) {
    const auto known = kinds_.find(type);
    if (known != kinds_.end()) return known->second;
    Kind kind = classify(type);
    kept_.push_back(Ref::share(reinterpret_cast<PyObject *>(type)));
    return kinds_.emplace(type, std::move(kind)).first->second;
}

Kind Types::classify(PyTypeObject *type) {
    // Some of CPython's own types are never made ready; they have no MRO yet.
    if (type->tp_mro == nullptr && PyType_Ready(type) < 0) throw PythonError{};
    Kind kind;
    PyObject *as_object = reinterpret_cast<PyObject *>(type);
    if (PyType_IsSubtype(type, &PyModule_Type)) {
        kind.now = now_module;
        kind.family = &module_family;
        return kind;
    }
    if (PyType_IsSubtype(type, &PyType_Type)) {
        kind.family = &class_family;
        return kind;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        PyTypeObject *holder = reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(type->tp_mro, i));
        if (!made_by_python(holder)) continue;
        PyObject *name = nullptr, *value = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(holder->tp_dict, &at, &name, &value);)
            if (Py_TYPE(value) == &PyMemberDescr_Type && PyDescr_TYPE(value) == holder)
                kind.slots.push_back({Ref::share(name), Ref::share(value)});
    }
    kind.base = builtin_base(type);
    PyObject *enumeration = enum_of(type);
    kind.is_enum = enumeration != nullptr;
    if (reducers_)
        if (PyObject *reducer = PyObject_GetItem(reducers_.get(), as_object)) {
            kind.reducer = Ref::steal(reducer);
            kind.family = &reduce_family;
            return kind;
        }
    PyErr_Clear(); // not among the reducers
    PyObject *dispatched = PyDict_GetItemWithError(dispatch_table_.get(), as_object);
    if (dispatched == nullptr && PyErr_Occurred()) throw PythonError{};
    if (PyType_IsSubtype(type, reinterpret_cast<PyTypeObject *>(PyExc_BaseException)))
        kind.family = &exception_family;
    else if (PyType_IsSubtype(type, &_PyWeakref_RefType) || type == &_PyWeakref_ProxyType ||
             type == &_PyWeakref_CallableProxyType)
        kind.family = &weak_reference_family;
    else if (dispatched != nullptr) {
        kind.reducer = Ref::share(dispatched);
        kind.family = &reduce_family;
    } else if (readable_base(kind.base) && (plain_reduce(type, kind.base) || kind.is_enum ||
                                            outgrows_its_state(type, kind.base)))
        kind.family =
            kind.base == &PyBaseObject_Type ? &plain_instance_family : &based_instance_family;
    else {
        kind.family = &reduce_family;
        if (kind.is_enum && reducers_)
            kind.member_reducer = Ref::checked(PyObject_GetItem(reducers_.get(), enumeration));
    }
    return kind;
}

bool write_now(Walk &walk, PyObject *object, Reference &reference) {
    const Kind &kind = walk.kind(Py_TYPE(object));
    if (kind.now != nullptr && kind.now(walk, object, reference)) return true;
    return kind.nameable && Py_REFCNT(object) > 1 && now_named(walk, object, reference);
}

const Family &family_of(Walk &walk, PyObject *object) {
    if (PyLong_CheckExact(object)) return address_family; // all others are written at once
    const Kind &kind = walk.kind(Py_TYPE(object));
    if (kind.family == nullptr) throw walk.refusal("a " + type_name(object) + " cannot be kept");
    if (PyDict_CheckExact(object) && Py_REFCNT(object) > 1 && is_class_namespace(walk, object))
        return namespace_family;
    // A member of an enumeration known by name is asked for, never made anew.
    if (kind.is_enum && walk.names().find(reinterpret_cast<PyObject *>(Py_TYPE(object))))
        return reduce_family;
    return *kind.family;
}

} // namespace elsewhere::object
