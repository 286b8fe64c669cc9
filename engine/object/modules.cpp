// Modules by name and by value, their dicts, and whatever else is known by a name.
#include <array>

#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// The shell takes two ids: the module's and its dict's.
Reference module_shell(Walk &walk, PyObject *module) {
    PyObject *dict = PyModule_GetDict(module);
    const char *name = PyModule_GetName(module);
    std::string named = name == nullptr ? "" : name;
    PyErr_Clear(); // a module without a name is legal
    Ref key = Ref::checked(PyUnicode_FromString(named.c_str()));
    const bool listed = PyDict_GetItem(PyImport_GetModuleDict(), key.get()) == module;
    walk.op(Op::module);
    walk.out().text(named);
    walk.out().varint(listed ? 1 : 0);
    const std::uint32_t id = walk.reserve();
    walk.memo().add(module, id, 0);
    walk.memo().add(dict, walk.reserve(), 0);
    walk.later(module, named.empty() ? "<module>" : named);
    return to_reference(id);
}

// Name and value of each entry, from a copy: the walk may import.
PyObject *module_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        visit.parts = std::make_unique<std::vector<Part>>();
        PyObject *dict = PyModule_GetDict(visit.object.get());
        PyObject *key = nullptr, *value = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);) {
            visit.parts->push_back({Ref::share(key), ""});
            visit.parts->push_back({Ref::share(value), "." + text(key)});
        }
        visit.extra = Ref::share(dict);
    }
    // Each entry is written as soon as it is known: functions that run meanwhile may need it.
    if (visit.at >= 2 && visit.at % 2 == 0) {
        const auto done = walk.last(2);
        if (walk.is_unresolved(done[1])) {
            visit.flags = 1;
        } else {
            walk.op(Op::dict_fill);
            walk.out().varint(walk.reference(visit.extra.get()));
            walk.pairs(done);
        }
    }
    return next_part(walk, visit);
}

// For the entries that had to wait.
void module_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.flags == 0) return;
    walk.op(Op::dict_fill);
    walk.out().varint(walk.reference(visit.extra.get()));
    walk.pairs(refs);
}

void module_again(Walk &, Visit &) {} // it always has its shell

} // namespace

const Family module_family{module_next, module_finish, module_again, nullptr};

void give_entry_so_far(Walk &walk, Visit &visit, Reference value) {
    const auto at = static_cast<std::size_t>(visit.at);
    if (at == visit.given || at % 2 != 0) return;
    visit.given = at;
    const std::array pair = {walk.reference((*visit.parts)[at - 2].value.get()), value};
    walk.op(Op::dict_fill);
    walk.out().varint(walk.reference(visit.extra.get()));
    walk.pairs(pair);
}

namespace {

bool by_name(Walk &walk, PyObject *object, const Names::Name &name, Reference &reference) {
    Reference module;
    if (!walk.now(name.module, module)) return false;
    reference = to_reference(walk.make(object, Op::named));
    walk.out().varint(module);
    walk.out().text(name.qualname);
    walk.out().varint(static_cast<std::uint64_t>(name.unwrap));
    return true;
}

} // namespace

bool now_module(Walk &walk, PyObject *object, Reference &reference) {
    Names &names = walk.names();
    if (const Names::Name name = names.unlisted_module(object)) {
        if (!by_name(walk, object, name, reference)) return false;
        walk.memo().add(object, static_cast<std::uint32_t>(reference >> 1), 0);
        return true;
    }
    if (names.own(object)) {
        reference = module_shell(walk, object);
        return true;
    }
    PyObject *name = names.name_of(object);
    if (name == nullptr || !PyUnicode_Check(name)) throw walk.refusal("a module without a name");
    reference = to_reference(walk.make(object, Op::module_named, 0));
    walk.out().text(text(name));
    walk.memo().add(object, static_cast<std::uint32_t>(reference >> 1), 0);
    return true;
}

bool now_named(Walk &walk, PyObject *object, Reference &reference) {
    const Names::Stream stream = walk.names().stream(object);
    if (stream.name != nullptr) {
        reference = to_reference(walk.make(object, Op::stream));
        walk.out().text(stream.name);
        walk.out().varint(stream.depth);
        return true;
    }
    const Names::Name name = walk.names().find(object);
    return name && by_name(walk, object, name, reference);
}

bool now_dict(Walk &walk, PyObject *object, Reference &reference) {
    if (Py_REFCNT(object) == 1) return false;
    PyObject *module = walk.names().module_of_dict(object);
    if (module == nullptr) return now_named(walk, object, reference);
    Reference holder;
    walk.now(module, holder);
    if (const Memo::Entry *entry = walk.memo().find(object)) { // by value: made with its module
        reference = to_reference(entry->id);
        return true;
    }
    reference = to_reference(walk.make(object, Op::module_dict));
    walk.out().varint(holder);
    return true;
}

Reference globals_reference(Walk &walk, PyObject *dict, bool later) {
    Reference reference;
    if (walk.now(dict, reference)) return reference;
    if (const Memo::Entry *entry = walk.memo().find(dict); entry != nullptr)
        return walk.shell_of_open(dict);
    const std::uint32_t id = walk.make(dict, Op::dict_shell, 0);
    walk.memo().add(dict, id, 0);
    if (later)
        walk.later(dict, walk.path() + ".__globals__");
    else
        walk.unfilled().insert(dict);
    return to_reference(id);
}

} // namespace elsewhere::object
