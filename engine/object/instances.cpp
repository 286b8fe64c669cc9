// Instances of Python classes: attributes and slots, natively. No user code runs.
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// The instance's dict (new reference), or null if it has none.
Ref dict_of(PyObject *object) {
    if (!elw_instances_have_dict(Py_TYPE(object))) return {};
    return Ref::checked(PyObject_GenericGetDict(object, nullptr));
}

// A slot's value (new reference); null if it is unset.
Ref slot_value(const Kind::Slot &slot, PyObject *object) {
    PyObject *descriptor = slot.descriptor.get();
    Ref value = Ref::steal(
        Py_TYPE(descriptor)
            ->tp_descr_get(descriptor, object, reinterpret_cast<PyObject *>(Py_TYPE(object))));
    if (!value) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw PythonError{};
        PyErr_Clear();
    }
    return value;
}

enum Stage : unsigned { stage_class, stage_keys, stage_value, stage_slots, stage_end };

// Class, then key and value of each attribute, then name and value of each slot that is set.
PyObject *plain_next(Walk &walk, Visit &visit) {
    PyObject *object = visit.object.get();
    switch (visit.flags) {
    case stage_class:
        visit.flags = stage_keys;
        visit.extra = dict_of(object);
        if (visit.extra && Py_REFCNT(visit.extra.get()) > 2) {
            // Somebody else holds the dict: it is an object of its own.
            visit.parts = std::make_unique<std::vector<Part>>();
            visit.parts->push_back({std::move(visit.extra), ".__dict__"});
            visit.flags = stage_slots;
            visit.count = -1;
        }
        return reinterpret_cast<PyObject *>(Py_TYPE(object));
    case stage_value: visit.flags = stage_keys; return visit.value;
    case stage_keys:
        if (visit.extra &&
            PyDict_Next(visit.extra.get(), &visit.at, &visit.pending, &visit.value)) {
            visit.flags = stage_value;
            return visit.pending;
        }
        if (visit.extra && visit.count == 0) visit.count = PyDict_GET_SIZE(visit.extra.get());
        visit.flags = stage_slots;
        [[fallthrough]];
    case stage_slots: {
        visit.flags = stage_end;
        visit.at = 0;
        const Kind &kind = walk.kind(Py_TYPE(object));
        if (!visit.parts && kind.slots.empty()) return nullptr;
        if (!visit.parts) visit.parts = std::make_unique<std::vector<Part>>();
        for (const Kind::Slot &slot : kind.slots)
            if (Ref value = slot_value(slot, object)) {
                std::string name = text(slot.name.get());
                visit.parts->push_back({slot.name.copy(), "." + name});
                visit.parts->push_back({std::move(value), "." + name});
            }
        return next_part(walk, visit);
    }
    default: return visit.parts ? next_part(walk, visit) : nullptr;
    }
}

void plain_shell(Walk &walk, Visit &visit) {
    Reference type;
    if (!walk.now(reinterpret_cast<PyObject *>(Py_TYPE(visit.object.get())), type))
        throw walk.refusal("its class contains it before the class itself can be made");
    walk.make(visit, Op::instance_shell);
    walk.out().varint(type);
    walk.out().varint(0);
}

void fill_plain(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    const std::size_t slots = visit.parts ? visit.parts->size() : 0;
    if (visit.count < 0 && visit.id == 0) plain_shell(walk, visit);
    if (visit.id != 0) {
        walk.op(Op::instance_fill);
        walk.ref(visit);
    } else {
        walk.make(visit, Op::instance);
        walk.out().varint(refs[0]);
    }
    if (visit.count < 0) {
        walk.out().varint(0);
        walk.pairs(refs.subspan(2));
        walk.op(Op::instance_dict);
        walk.ref(visit);
        walk.out().varint(refs[1]);
        return;
    }
    walk.pairs(refs.subspan(1, refs.size() - 1 - slots));
    walk.pairs(refs.last(slots));
}

} // namespace

void give_instance_so_far(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    // With a dict that is an object of its own, that has them.
    if (visit.id == 0 || visit.count < 0) return;
    const std::size_t slots = visit.parts ? visit.parts->size() : 0;
    auto there = [&](std::span<const Reference> pairs) {
        std::vector<Reference> so_far(pairs.begin(), pairs.end());
        for (Reference &each : so_far)
            if (Walk::is_unresolved(each)) each = to_reference(id_none);
        walk.pairs(so_far);
    };
    walk.op(Op::instance_fill);
    walk.ref(visit);
    there(refs.subspan(1, refs.size() - 1 - slots));
    there(refs.last(slots));
}

namespace {

void plain_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    fill_plain(walk, visit, refs);
    keep_finalized(walk, visit);
}

std::string plain_label(const Visit &visit) {
    if (visit.flags == stage_keys || visit.flags == stage_value)
        return visit.pending != nullptr ? "." + text(visit.pending) : std::string();
    if (visit.parts && visit.at > 0)
        return (*visit.parts)[static_cast<std::size_t>(visit.at) - 1].label;
    return ".__class__";
}

// ---- subclasses of builtin types ---------------------------------------------------------------

bool is(const Kind &kind, PyTypeObject &type) { return PyType_IsSubtype(kind.base, &type) != 0; }

// A plain int, str, … with the value of an instance of a subclass.
Ref plain_value(PyTypeObject *base, PyObject *object) {
    if (base == &PyLong_Type)
        return Ref::checked(_PyLong_Copy(reinterpret_cast<PyLongObject *>(object)));
    if (base == &PyUnicode_Type) return Ref::checked(PyUnicode_FromObject(object));
    if (base == &PyFloat_Type) return Ref::checked(PyFloat_FromDouble(PyFloat_AS_DOUBLE(object)));
    if (base == &PyComplex_Type)
        return Ref::checked(PyComplex_FromCComplex(PyComplex_AsCComplex(object)));
    if (base == &PyBytes_Type)
        return Ref::checked(
            PyBytes_FromStringAndSize(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object)));
    return Ref::checked(
        PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(object), PyByteArray_GET_SIZE(object)));
}

// Parts: class; what the base is made of (`split` counts both); list items, dict items, set
// entries or __init__ arguments (`count` of them); the dict, if any; names and values of slots.
void gather(Walk &walk, Visit &visit) {
    PyObject *object = visit.object.get();
    const Kind &kind = walk.kind(Py_TYPE(object));
    visit.parts = std::make_unique<std::vector<Part>>();
    auto &parts = *visit.parts;
    auto add = [&](Ref value, std::string label) {
        parts.push_back({std::move(value), std::move(label)});
    };
    add(Ref::share(reinterpret_cast<PyObject *>(Py_TYPE(object))), ".__class__");
    if (is(kind, PyTuple_Type)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
            add(Ref::share(PyTuple_GET_ITEM(object, i)), "[" + std::to_string(i) + "]");
    } else if (is(kind, PyLong_Type) || is(kind, PyUnicode_Type) || is(kind, PyFloat_Type) ||
               is(kind, PyComplex_Type) || is(kind, PyBytes_Type) || is(kind, PyByteArray_Type)) {
        add(plain_value(kind.base, object), "");
    }
    visit.split = static_cast<std::uint32_t>(parts.size());
    if (is(kind, PyList_Type)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object); ++i)
            add(Ref::share(PyList_GET_ITEM(object, i)), "[" + std::to_string(i) + "]");
    } else if (is(kind, PyDict_Type)) {
        PyObject *key = nullptr, *value = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(object, &at, &key, &value);) {
            add(Ref::share(key), "[key]");
            add(Ref::share(value), key_label(key));
        }
    } else if (is(kind, PySet_Type) || is(kind, PyFrozenSet_Type)) {
        PySetObject *set = reinterpret_cast<PySetObject *>(object);
        for (Py_ssize_t slot = 0; slot <= set->mask; ++slot)
            if (set->table[slot].key != nullptr && set->table[slot].hash != -1)
                add(Ref::share(set->table[slot].key), "{…}");
    } else if (is(kind, PyProperty_Type)) {
        Ref getter;
        for (const char *name : {"fget", "fset", "fdel", "__doc__"}) {
            Ref value = Ref::checked(PyObject_GetAttrString(object, name));
            if (std::string_view(name) == "fget") getter = value.copy();
            if (std::string_view(name) == "__doc__" && getter.get() != Py_None) {
                Ref doc = Ref::steal(PyObject_GetAttrString(getter.get(), "__doc__"));
                if (!doc) PyErr_Clear(); // a getter without a docstring
                // Taken from the getter: so it will be again.
                if (doc.get() == value.get()) value = Ref::share(Py_None);
            }
            add(std::move(value), std::string(".") + name);
        }
    } else if (is(kind, PyStaticMethod_Type) || is(kind, PyClassMethod_Type)) {
        add(Ref::checked(PyObject_GetAttrString(object, "__func__")), ".__func__");
    }
    visit.count = static_cast<Py_ssize_t>(parts.size() - visit.split);
    if (Ref dict = dict_of(object);
        dict && (PyDict_GET_SIZE(dict.get()) > 0 || Py_REFCNT(dict.get()) > 2)) {
        add(std::move(dict), ".__dict__");
        visit.flags = 1;
    }
    for (const Kind::Slot &slot : kind.slots)
        if (Ref value = slot_value(slot, object)) {
            add(slot.name.copy(), "." + text(slot.name.get()));
            add(std::move(value), "." + text(slot.name.get()));
        }
}

void based_make(Walk &walk, Visit &visit, std::span<const Reference> made_of) {
    walk.make(visit, Op::instance_shell);
    walk.out().varint(made_of[0]);
    walk.refs(made_of.subspan(1));
}

PyObject *based_next(Walk &walk, Visit &visit) {
    if (!visit.parts) gather(walk, visit);
    if (visit.at == static_cast<Py_ssize_t>(visit.split) && visit.id == 0 && !visit.unresolved)
        based_make(walk, visit, walk.so_far(visit).first(visit.split));
    return next_part(walk, visit);
}

// Met inside its own class (a member of an enumeration): its value is needed ahead of its turn.
void based_shell(Walk &walk, Visit &visit) {
    std::vector<Reference> made_of(visit.split);
    for (std::size_t i = 0; i < made_of.size(); ++i)
        if (!walk.now((*visit.parts)[i].value.get(), made_of[i]))
            throw walk.refusal("it is made from something that contains it");
    based_make(walk, visit, made_of);
}

void based_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.id == 0) based_make(walk, visit, refs.first(visit.split));
    const Kind &kind = walk.kind(Py_TYPE(visit.object.get()));
    const auto contents = refs.subspan(visit.split, static_cast<std::size_t>(visit.count));
    std::size_t at = visit.split + contents.size();
    if (is(kind, PyList_Type)) {
        walk.op(Op::list_fill);
        walk.ref(visit);
        walk.refs(contents);
    } else if (is(kind, PyDict_Type)) {
        walk.op(Op::dict_fill);
        walk.ref(visit);
        walk.pairs(contents);
    } else if (is(kind, PySet_Type) || is(kind, PyFrozenSet_Type)) {
        write_set_entries(walk, visit, contents);
    } else if (!contents.empty()) {
        walk.op(Op::init);
        walk.ref(visit);
        walk.refs(contents);
    }
    if (visit.flags == 1) {
        walk.op(Op::instance_dict);
        walk.ref(visit);
        walk.out().varint(refs[at++]);
    }
    if (at < refs.size()) {
        walk.op(Op::instance_fill);
        walk.ref(visit);
        walk.out().varint(0);
        walk.pairs(refs.subspan(at));
    }
    keep_finalized(walk, visit);
}

} // namespace

void keep_finalized(Walk &walk, const Visit &visit) {
    PyObject *object = visit.object.get();
    if (Py_TYPE(object)->tp_finalize == nullptr || !PyObject_GC_IsFinalized(object)) return;
    walk.op(Op::finalized);
    walk.ref(visit);
}

const Family plain_instance_family{plain_next, plain_finish, plain_shell, plain_label};
const Family based_instance_family{based_next, based_finish, based_shell, nullptr};

} // namespace elsewhere::object
