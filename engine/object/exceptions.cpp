// Exceptions, with what pickle loses: cause, context, traceback, and the fields of their class.
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"

#include <structmember.h> // PyMemberDef, before 3.12

namespace elsewhere::object {

using namespace snapshot;

namespace {

bool is_group(PyObject *object) {
    PyTypeObject *group = elw_exception_group();
    return group != nullptr && PyType_IsSubtype(Py_TYPE(object), group) != 0;
}

// Fields that the C classes of its base hold, e.g. errno; null where unset.
void fields_of(PyObject *object, std::vector<Part> &parts) {
    for (PyTypeObject *type = Py_TYPE(object); type != nullptr; type = type->tp_base) {
        if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 || type->tp_members == nullptr) continue;
        if (type == reinterpret_cast<PyTypeObject *>(PyExc_BaseException)) break;
        for (const PyMemberDef *member = type->tp_members; member->name != nullptr; ++member) {
            if ((member->flags & 1 /* read only */) != 0) continue;
            Ref value = Ref::steal(PyObject_GetAttrString(object, member->name));
            if (!value) {
                PyErr_Clear(); // an unset field
                continue;
            }
            if (value.get() == Py_None) continue;
            parts.push_back({Ref::checked(PyUnicode_InternFromString(member->name)), ""});
            parts.push_back({std::move(value), std::string(".") + member->name});
        }
    }
}

// Parts: class; what a group is made of; args, cause, context, suppress, traceback, dict; names
// and values of fields.
void gather(Visit &visit) {
    PyObject *object = visit.object.get();
    PyBaseExceptionObject *e = reinterpret_cast<PyBaseExceptionObject *>(object);
    visit.parts = std::make_unique<std::vector<Part>>();
    auto &parts = *visit.parts;
    auto add = [&](PyObject *value, const char *label) {
        parts.push_back({Ref::share(value), label});
    };
    add(reinterpret_cast<PyObject *>(Py_TYPE(object)), ".__class__");
    if (is_group(object)) {
        add(Ref::checked(PyObject_GetAttrString(object, "message")).get(), ".message");
        add(Ref::checked(PyObject_GetAttrString(object, "exceptions")).get(), ".exceptions");
    }
    visit.split = static_cast<std::uint32_t>(parts.size());
    add(e->args, ".args");
    add(e->cause, ".__cause__");
    add(e->context, ".__context__");
    add(e->suppress_context ? Py_True : Py_False, "");
    add(e->traceback, ".__traceback__");
    add(e->dict, ".__dict__");
    fields_of(object, parts);
}

void exception_make(Walk &walk, Visit &visit) {
    const auto made_of = walk.so_far(visit).first(visit.split);
    walk.make(visit, Op::instance_shell);
    walk.out().varint(made_of[0]);
    walk.refs(made_of.subspan(1));
}

PyObject *exception_next(Walk &walk, Visit &visit) {
    if (!visit.parts) gather(visit);
    if (visit.at == static_cast<Py_ssize_t>(visit.split) && visit.id == 0)
        exception_make(walk, visit);
    return next_part(walk, visit);
}

void exception_shell(Walk &walk, Visit &) {
    throw walk.refusal("an exception that is made from one that contains it");
}

void exception_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.op(Op::exception_fill);
    walk.ref(visit);
    for (Reference r : refs.subspan(visit.split, 6)) walk.out().varint(r);
    walk.pairs(refs.subspan(visit.split + 6));
}

void traceback_make(Walk &walk, Visit &visit, std::span<const Reference> made_of) {
    walk.make(visit, Op::traceback);
    for (Reference r : made_of) walk.out().varint(r);
}

// A traceback is made of its frame; the next one follows, so that long ones need no depth.
PyObject *traceback_next(Walk &walk, Visit &visit) {
    PyTracebackObject *trace = reinterpret_cast<PyTracebackObject *>(visit.object.get());
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        auto number = [](long n) { return Ref::checked(PyLong_FromLong(n)); };
        visit.parts->push_back(
            {Ref::share(reinterpret_cast<PyObject *>(trace->tb_frame)), ".tb_frame"});
        visit.parts->push_back({number(trace->tb_lasti), ""});
        // tb_lineno may still be unset: the attribute works it out.
        visit.parts->push_back(
            {Ref::checked(PyObject_GetAttrString(visit.object.get(), "tb_lineno")), ""});
        visit.parts->push_back(
            {Ref::share(reinterpret_cast<PyObject *>(trace->tb_next)), ".tb_next"});
    }
    // A frame that holds its own traceback is still being walked: then this waits for the end.
    if (visit.at == 3 && visit.id == 0 && !visit.unresolved)
        traceback_make(walk, visit, walk.so_far(visit));
    return next_part(walk, visit);
}

void traceback_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.id == 0) traceback_make(walk, visit, refs.first(3));
    if (refs[3] == to_reference(id_null)) return;
    walk.op(Op::traceback_fill);
    walk.ref(visit);
    walk.out().varint(refs[3]);
}

} // namespace

const Family exception_family{exception_next, exception_finish, exception_shell, nullptr};
const Family traceback_family{traceback_next, traceback_finish, nullptr, nullptr};

} // namespace elsewhere::object
