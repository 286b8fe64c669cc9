// Modules by name and by value, their dicts, and whatever else is known by a name.
#include <array>
#include <iterator>
#include <utility>

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
    walk.aside(module);
    walk.later(module, named.empty() ? "<module>" : named);
    return to_reference(id);
}

Reference dict_reference(Walk &walk, const Visit &visit) {
    return walk.reference(PyModule_GetDict(visit.object.get()));
}

// Each entry is written as soon as it is known: functions that run meanwhile may need it.
void give_entry(Walk &walk, const Visit &visit, std::span<const Reference> pair) {
    walk.op(Op::update);
    walk.out().varint(dict_reference(walk, visit));
    walk.pairs(pair);
}

bool is_leaf(PyObject *value) {
    return value == Py_None || PyBool_Check(value) || PyLong_CheckExact(value) ||
           PyFloat_CheckExact(value) || PyUnicode_CheckExact(value) || PyBytes_CheckExact(value);
}

// All names, in their order, with what is no more than a number, a text and the like.
void outline(Walk &walk, Visit &visit) {
    PyObject *module = visit.object.get();
    Ref copy = Ref::checked(PyDict_Copy(PyModule_GetDict(module))); // the walk may import
    std::vector<Reference> names;
    std::array<std::vector<Part>, 4> ranked;
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(copy.get(), &at, &key, &value);) {
        if (!walk.keeps_name(key)) continue;
        Reference reference = to_reference(id_null);
        const bool named = PyUnicode_CheckExact(key);
        // Whatever stands there becomes the builtins of functions that are made.
        const bool builtins = named && PyUnicode_CompareWithASCIIString(key, "__builtins__") == 0;
        const bool known = named && (is_leaf(value) || builtins) && walk.now(value, reference);
        if (named && (known || !builtins)) {
            names.push_back(walk.reference(key));
            names.push_back(known ? reference : to_reference(id_null));
        }
        if (known) continue;
        const Rank rank = named ? rank_of(walk, value) : Rank::other;
        auto &parts = ranked[static_cast<std::size_t>(rank)];
        parts.push_back({Ref::share(key), ""});
        parts.push_back({Ref::share(value), "." + text(key)});
    }
    walk.op(Op::module_outline);
    walk.out().varint(dict_reference(walk, visit));
    walk.pairs(names);
    visit.parts = std::make_unique<std::vector<Part>>();
    for (const Rank rank : {Rank::function, Rank::plain, Rank::of_library}) {
        auto &parts = ranked[static_cast<std::size_t>(rank)];
        std::move(parts.begin(), parts.end(), std::back_inserter(*visit.parts));
    }
    auto &others = ranked[static_cast<std::size_t>(Rank::other)];
    for (std::size_t i = 0; i < others.size(); i += 2) {
        PyObject *name = others[i].value.get(), *container = others[i + 1].value.get();
        if (!is_container(container) || !PyUnicode_CheckExact(name)) continue;
        walk.shell_ahead(container);
        Reference shell;
        if (!walk.now(container, shell)) continue; // it is being made
        const std::array pair = {walk.reference(name), shell};
        give_entry(walk, visit, pair);
    }
    walk.left(module) = std::move(others);
}

PyObject *names_next(Walk &walk, Visit &visit) {
    if (!visit.parts) outline(walk, visit);
    if (visit.at >= 2 && visit.at % 2 == 0) {
        const auto done = walk.last(2);
        const auto at = static_cast<std::size_t>(visit.at);
        if (Walk::is_unresolved(done[1])) {
            auto &left = walk.left(visit.object.get());
            left.push_back({(*visit.parts)[at - 2].value.copy(), ""});
            left.push_back({(*visit.parts)[at - 1].value.copy(), (*visit.parts)[at - 1].label});
        } else {
            give_entry(walk, visit, done);
        }
        visit.unresolved = false;
    }
    return next_part(walk, visit);
}

void entry_finish(Walk &walk, Visit &entry, std::span<const Reference> pair) {
    give_entry(walk, entry, pair);
}

// What had to wait is given as soon as it is there: others that have to wait may use it.
void put_off_entry(Walk &walk, Visit &visit, std::span<const Reference> pair) {
    Visit entry;
    entry.family = &module_entry_family;
    entry.object = visit.object.copy();
    entry.id = visit.id;
    walk.put_off(std::move(entry), pair);
    visit.unresolved = false;
}

PyObject *module_next(Walk &walk, Visit &visit) {
    if (!visit.parts)
        visit.parts =
            std::make_unique<std::vector<Part>>(std::exchange(walk.left(visit.object.get()), {}));
    if (visit.at >= 2 && visit.at % 2 == 0) {
        const auto done = walk.last(2);
        if (Walk::is_unresolved(done[0]) || Walk::is_unresolved(done[1]))
            put_off_entry(walk, visit, done);
        else
            give_entry(walk, visit, done);
    }
    PyObject *child = next_part(walk, visit);
    if (child != nullptr && walk.is_shell_ahead(child)) walk.force();
    return child;
}

void given_already(Walk &, Visit &, std::span<const Reference>) {}
void module_again(Walk &, Visit &) {} // it always has its shell

} // namespace

const Family module_family{module_next, given_already, module_again, nullptr};
const Family module_names_family{names_next, given_already, module_again, nullptr};
const Family module_entry_family{nullptr, entry_finish, module_again, nullptr};

// The entry that is being visited, and what was met ahead of its turn.
void give_names_so_far(Walk &walk, Visit &visit, Reference inside) {
    if (!visit.parts) return;
    auto &parts = *visit.parts;
    auto give = [&](std::size_t value, Reference reference) {
        parts[value - 1].label = "given";
        const std::array pair = {walk.reference(parts[value - 1].value.get()), reference};
        give_entry(walk, visit, pair);
    };
    const auto at = static_cast<std::size_t>(visit.at);
    if (at >= 2 && at % 2 == 0 && inside != to_reference(id_null) && !Walk::is_unresolved(inside) &&
        parts[at - 2].label.empty())
        give(at - 1, inside);
    if (!visit.aside) return;
    for (std::size_t i = at + 1; i < parts.size(); i += 2) {
        PyObject *value = parts[i].value.get();
        const bool called = PyFunction_Check(value) || PyType_Check(value) || PyModule_Check(value);
        if (!called || !parts[i - 1].label.empty()) continue;
        const Memo::Entry *entry = walk.memo().find(value);
        if (entry != nullptr && entry->id != 0) give(i, to_reference(entry->id));
    }
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
    if (names.owner(object) == Names::Owner::extension)
        throw walk.refusal("the module " + text(name) + " was made by an extension",
                           "let go of it: it is there again when the extension is imported");
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
    if (walk.names().module_of_dict(dict) == nullptr) walk.note_globals(dict);
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
