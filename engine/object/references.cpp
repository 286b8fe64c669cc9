// Objects that are views of others: weak references, mapping proxies, dict views, super, slices.
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// What a C object holds, by its own traverse function.
std::vector<PyObject *> held_by(PyObject *object) {
    std::vector<PyObject *> held;
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if (traverse == nullptr) return held;
    traverse(
        object,
        [](PyObject *inner, void *to) {
            static_cast<std::vector<PyObject *> *>(to)->push_back(inner);
            return 0;
        },
        &held);
    return held;
}

void add(Visit &visit, PyObject *value, const char *label) {
    visit.parts->push_back({Ref::share(value), label});
}

// ---- weak references: written at the end, when it is known whether the referent is kept --------

Ref referent_of(PyObject *reference) {
    PyObject *object = reinterpret_cast<PyWeakReference *>(reference)->wr_object;
    // Being destroyed counts as dead.
    return object == Py_None || Py_REFCNT(object) <= 0 ? Ref() : Ref::share(object);
}

PyObject *weak_next(Walk &walk, Visit &visit) {
    PyObject *reference = visit.object.get();
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        visit.parts->push_back({Ref::share(reinterpret_cast<PyObject *>(Py_TYPE(reference))), ""});
        add(visit, reinterpret_cast<PyWeakReference *>(reference)->wr_callback, ".__callback__");
        const Kind &kind = walk.kind(Py_TYPE(reference));
        for (const Kind::Slot &slot : kind.slots) {
            Ref value = Ref::steal(Py_TYPE(slot.descriptor.get())
                                       ->tp_descr_get(slot.descriptor.get(), reference, nullptr));
            if (!value) {
                PyErr_Clear(); // an unset slot
                continue;
            }
            const std::string name = text(slot.name.get());
            visit.parts->push_back({slot.name.copy(), "." + name});
            visit.parts->push_back({std::move(value), "." + name});
        }
        visit.unresolved = true;
    }
    return next_part(walk, visit);
}

void weak_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    Reference referent = to_reference(id_null);
    if (Ref object = referent_of(visit.object.get())) {
        if (const Memo::Entry *entry = walk.memo().find(object.get()))
            referent = to_reference(entry->id);
        else if (!now_named(walk, object.get(), referent))
            referent = to_reference(id_null);
    }
    walk.make(visit, Op::weak_reference);
    walk.out().varint(refs[0]);
    walk.out().varint(referent);
    const bool dead = referent == to_reference(id_null);
    const bool hashed = reinterpret_cast<PyWeakReference *>(visit.object.get())->hash != -1;
    walk.out().varint(dead ? to_reference(hashed ? id_true : id_null) : refs[1]);
    if (refs.size() > 2) {
        walk.op(Op::instance_fill);
        walk.ref(visit);
        walk.out().varint(0);
        walk.pairs(refs.subspan(2));
    }
}

// ---- made again by a call ----------------------------------------------------------------------

void call_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.make(visit, Op::call);
    walk.out().varint(refs[0]);
    walk.refs(refs.subspan(1));
}

PyObject *proxy_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        PyObject *mapping = nullptr;
        for (PyObject *held : held_by(visit.object.get())) mapping = held;
        if (mapping == nullptr) throw walk.refusal("what it is a view of cannot be found");
        // The dict of a class is reached through the class alone.
        if (Ref type = walk.names().class_of_dict(mapping)) {
            visit.flags = 1;
            add(visit, type.get(), ".__class__");
        } else {
            add(visit, reinterpret_cast<PyObject *>(&PyDictProxy_Type), "");
            add(visit, mapping, ".__mapping__");
        }
    }
    return next_part(walk, visit);
}
void proxy_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.flags == 0) return call_finish(walk, visit, refs);
    walk.make(visit, Op::attribute);
    walk.out().varint(refs[0]);
    walk.out().text("__dict__");
}

PyObject *view_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        PyObject *dict = nullptr;
        for (PyObject *held : held_by(visit.object.get())) dict = held;
        PyTypeObject *holder = dict == nullptr ? nullptr : Py_TYPE(dict);
        while (holder != nullptr && (holder->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0)
            holder = holder->tp_base;
        const bool frozen = holder != nullptr && std::string_view(holder->tp_name) == "frozendict";
        if (holder == nullptr || !(frozen || PyDict_Check(dict)))
            throw walk.refusal("what it is a view of cannot be found");
        PyTypeObject *type = Py_TYPE(visit.object.get());
        const char *name = type == &PyDictKeys_Type     ? "keys"
                           : type == &PyDictValues_Type ? "values"
                                                        : "items";
        Ref method = Ref::checked(PyObject_GetAttrString(
            reinterpret_cast<PyObject *>(frozen ? holder : &PyDict_Type), name));
        visit.parts->push_back({std::move(method), ""});
        add(visit, dict, ".mapping");
    }
    return next_part(walk, visit);
}

PyObject *super_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        add(visit, reinterpret_cast<PyObject *>(&PySuper_Type), "");
        Ref type = Ref::checked(PyObject_GetAttrString(visit.object.get(), "__thisclass__"));
        Ref self = Ref::checked(PyObject_GetAttrString(visit.object.get(), "__self__"));
        add(visit, type.get(), ".__thisclass__");
        if (self.get() != Py_None) add(visit, self.get(), ".__self__");
    }
    return next_part(walk, visit);
}

PyObject *slice_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        PySliceObject *slice = reinterpret_cast<PySliceObject *>(visit.object.get());
        add(visit, reinterpret_cast<PyObject *>(&PySlice_Type), "");
        add(visit, slice->start, ".start");
        add(visit, slice->stop, ".stop");
        add(visit, slice->step, ".step");
    }
    return next_part(walk, visit);
}

} // namespace

const Family weak_reference_family{weak_next, weak_finish, nullptr, nullptr};
const Family proxy_family{proxy_next, proxy_finish, nullptr, nullptr};
const Family view_family{view_next, call_finish, nullptr, nullptr};
const Family super_family{super_next, call_finish, nullptr, nullptr};
const Family slice_family{slice_next, call_finish, nullptr, nullptr};

} // namespace elsewhere::object
