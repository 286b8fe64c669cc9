// Functions, code, bound methods, and the descriptors of classes.
#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

void add(Visit &visit, Ref value, const char *label) {
    visit.parts->push_back({std::move(value), label});
}

// An attribute that some Pythons lack: null where it is missing.
Ref attribute(PyObject *object, const char *name) {
    Ref value = Ref::steal(PyObject_GetAttrString(object, name));
    if (!value) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw PythonError{};
        PyErr_Clear();
    }
    return value;
}

// Of the library, but hidden by a decorator: the same function after a resume, as it may be a key.
void hidden_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.make(visit, Op::attribute);
    walk.out().varint(refs[0]);
    walk.out().text(text(visit.extra.get()));
}
const Family hidden_family{next_part, hidden_finish, nullptr, nullptr};

// Parts: the code; globals unless those of a module; name, qualname, module, doc, defaults,
// kwdefaults, closure, annotations, dict, type parameters, what evaluates the annotations. The
// globals are not waited for: a module refers to its functions.
PyObject *function_next(Walk &walk, Visit &visit) {
    PyFunctionObject *f = reinterpret_cast<PyFunctionObject *>(visit.object.get());
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        if (Names::Hidden hidden = walk.names().hidden(visit.object.get())) {
            visit.family = &hidden_family;
            visit.extra = Ref::checked(PyUnicode_FromString(hidden.attribute.c_str()));
            add(visit, std::move(hidden.holder), "");
            return next_part(walk, visit);
        }
        add(visit, Ref::share(f->func_code), ".__code__");
        // A module follows in its own time; a namespace made for a few functions is needed now.
        const bool of_module = walk.names().module_of_dict(f->func_globals) != nullptr;
        add(visit, of_module ? Ref() : Ref::share(f->func_globals), ".__globals__");
        add(visit, Ref::share(f->func_name), ".__name__");
        add(visit, Ref::share(f->func_qualname), ".__qualname__");
        add(visit, Ref::share(f->func_module), ".__module__");
        add(visit, Ref::share(f->func_doc), ".__doc__");
        add(visit, Ref::share(f->func_defaults), ".__defaults__");
        add(visit, Ref::share(f->func_kwdefaults), ".__kwdefaults__");
        add(visit, Ref::share(f->func_closure), ".__closure__");
        add(visit, Ref::share(elw_function_annotations(visit.object.get())), ".__annotations__");
        add(visit, Ref::share(f->func_dict), ".__dict__");
        add(visit, attribute(visit.object.get(), "__type_params__"), ".__type_params__");
        add(visit, Ref::share(elw_function_annotate(visit.object.get())), ".__annotate__");
    }
    if (visit.at == 1 && visit.id == 0) {
        const Reference code = walk.so_far(visit)[0];
        const Reference globals = globals_reference(walk, f->func_globals, false);
        walk.make(visit, Op::function);
        walk.out().varint(code);
        walk.out().varint(globals);
        visit.flags = walk.unfilled().erase(f->func_globals) != 0 ? 1 : 0;
    }
    PyObject *part = next_part(walk, visit);
    if (visit.at == 2 && visit.flags == 1) walk.force();
    return part;
}
void function_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.op(Op::function_fill);
    walk.ref(visit);
    walk.refs(refs.subspan(2));
}
void function_shell(Walk &walk, Visit &visit) {
    if (visit.id == 0) throw walk.refusal("its code contains it");
}

PyObject *code_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        PyObject *code = visit.object.get();
        walk.source_of(code);
        walk.note_names(code);
        visit.parts = std::make_unique<std::vector<Part>>();
        for (const char *const *name = elw_code_fields; *name != nullptr; ++name)
            add(visit, Ref::checked(PyObject_GetAttrString(code, *name)), "");
    }
    return next_part(walk, visit);
}
void code_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.make(visit, Op::code);
    walk.refs(refs);
}

PyObject *method_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        add(visit, Ref::share(PyMethod_GET_FUNCTION(visit.object.get())), ".__func__");
        add(visit, Ref::share(PyMethod_GET_SELF(visit.object.get())), ".__self__");
    }
    return next_part(walk, visit);
}
void method_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.make(visit, Op::method);
    walk.out().varint(refs[0]);
    walk.out().varint(refs[1]);
}

// A method of a builtin object, or one of a slot: getattr on the object again.
PyObject *builtin_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        Ref self = attribute(visit.object.get(), "__self__");
        if (self && self.get() == Py_None && PyCFunction_Check(visit.object.get()) &&
            PyCFunction_GET_SELF(visit.object.get()) == nullptr)
            self = walk.names().class_of_static(visit.object.get());
        if (!self || PyModule_Check(self.get()))
            throw walk.refusal("a C function that its module does not know by name");
        visit.parts = std::make_unique<std::vector<Part>>();
        visit.extra = Ref::checked(PyObject_GetAttrString(visit.object.get(), "__name__"));
        // A C task's own callback is no attribute of the task.
        const std::string name = text(visit.extra.get());
        if (name == "TaskWakeupMethWrapper" || name == "task_wakeup") {
            Ref keep = Ref::checked(imported_module("elsewhere._keep.tasks"));
            add(visit, Ref::checked(PyObject_GetAttrString(keep.get(), "wakeup_of")), "");
            visit.split = 1;
        }
        add(visit, std::move(self), ".__self__");
    }
    return next_part(walk, visit);
}
void builtin_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.split != 0) {
        walk.make(visit, Op::call);
        walk.out().varint(refs[0]);
        walk.refs(refs.subspan(1));
        return;
    }
    walk.make(visit, Op::attribute);
    walk.out().varint(refs[0]);
    walk.out().text(text(visit.extra.get()));
}

// A descriptor that its class made: slots' members, __dict__, C methods.
PyObject *descriptor_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        add(visit, Ref::share(reinterpret_cast<PyObject *>(PyDescr_TYPE(visit.object.get()))),
            ".__objclass__");
        visit.extra = Ref::share(PyDescr_NAME(visit.object.get()));
    }
    return next_part(walk, visit);
}
void descriptor_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.make(visit, Op::descriptor);
    walk.out().varint(refs[0]);
    walk.out().text(text(visit.extra.get()));
}

} // namespace

void give_function_so_far(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    std::vector<Reference> there(refs.begin(), refs.end());
    for (Reference &each : there)
        if (Walk::is_unresolved(each)) each = to_reference(id_null);
    function_finish(walk, visit, there);
}

const Family function_family{function_next, function_finish, function_shell, nullptr};
const Family code_family{code_next, code_finish, nullptr, nullptr};
const Family method_family{method_next, method_finish, nullptr, nullptr};
const Family builtin_family{builtin_next, builtin_finish, nullptr, nullptr};
const Family descriptor_family{descriptor_next, descriptor_finish, nullptr, nullptr};

namespace {

void hash_bytes(std::uint64_t &hash, const void *data, std::size_t size) { // FNV-1a
    for (std::size_t i = 0; i < size; ++i)
        hash = (hash ^ static_cast<const std::uint8_t *>(data)[i]) * 0x100000001B3u;
    hash = (hash ^ size) * 0x100000001B3u;
}

} // namespace

// Of what decides whether a frame can go on in this code: instructions, tables, names.
std::uint64_t code_hash(PyObject *code) {
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (const char *const *name = elw_code_tables; *name != nullptr; ++name) {
        Ref bytes = Ref::checked(PyObject_GetAttrString(code, *name));
        hash_bytes(hash, PyBytes_AS_STRING(bytes.get()),
                   static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
    }
    for (const char *name :
         {"co_names", "co_varnames", "co_freevars", "co_cellvars", "co_consts"}) {
        Ref names = Ref::checked(PyObject_GetAttrString(code, name));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
            PyObject *item = PyTuple_GET_ITEM(names.get(), i);
            if (PyUnicode_Check(item)) {
                const std::string name = text(item);
                hash_bytes(hash, name.data(), name.size());
            } else if (PyCode_Check(item)) {
                const std::uint64_t inner = code_hash(item);
                hash_bytes(hash, &inner, sizeof inner);
            } else if (PyLong_CheckExact(item) || PyFloat_CheckExact(item)) {
                const std::string name = text(Ref::checked(PyObject_Repr(item)).get());
                hash_bytes(hash, name.data(), name.size());
            }
        }
    }
    return hash;
}

} // namespace elsewhere::object
