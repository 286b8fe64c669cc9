// list, tuple, dict, set, frozenset, cell: the exact types.
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

std::string index_label(const Visit &visit) { return "[" + std::to_string(visit.at - 1) + "]"; }

PyObject *list_next(Walk &, Visit &visit) {
    PyObject *list = visit.object.get();
    if (visit.at >= PyList_GET_SIZE(list)) return nullptr;
    return PyList_GET_ITEM(list, visit.at++);
}
void list_shell(Walk &walk, Visit &visit) { walk.make(visit, Op::list_shell); }
void list_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.id != 0) {
        walk.op(Op::list_fill);
        walk.ref(visit);
    } else {
        walk.make(visit, Op::list);
    }
    walk.refs(refs);
}

PyObject *tuple_next(Walk &, Visit &visit) {
    PyObject *tuple = visit.object.get();
    if (visit.at >= PyTuple_GET_SIZE(tuple)) return nullptr;
    return PyTuple_GET_ITEM(tuple, visit.at++);
}
void tuple_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.make(visit, Op::tuple);
    walk.refs(refs);
}

// Must its contents be there before its hash is asked for?
bool hash_needs_whole(PyObject *key) {
    PyTypeObject *type = Py_TYPE(key);
    return type != &PyUnicode_Type && type != &PyLong_Type &&
           type->tp_hash != PyBaseObject_Type.tp_hash;
}

PyObject *dict_next(Walk &walk, Visit &visit) {
    PyObject *dict = visit.object.get();
    PyObject *key = nullptr, *value = nullptr;
    if (visit.pending != nullptr && (visit.flags & 1) != 0) {
        // The key was given; its value is at the place before.
        visit.flags &= ~1u;
        visit.key_given = false;
        return visit.value;
    }
    if (!PyDict_Next(dict, &visit.at, &key, &value)) {
        if (visit.count != PyDict_GET_SIZE(dict) && visit.pending != nullptr)
            throw walk.refusal("the dict was changed while it was read",
                               "keep __reduce__ and __getstate__ free of side effects");
        return nullptr;
    }
    if (visit.pending == nullptr) visit.count = PyDict_GET_SIZE(dict);
    visit.pending = key;
    visit.value = value;
    visit.flags |= 1;
    // Writing the key may run user code, which may drop the value.
    if (!PyUnicode_CheckExact(key) && !PyLong_CheckExact(key)) visit.extra = Ref::share(value);
    visit.key_given = hash_needs_whole(key);
    return key;
}
void dict_shell(Walk &walk, Visit &visit) { walk.make(visit, Op::dict_shell); }
void dict_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.id != 0) {
        walk.op(Op::dict_fill);
        walk.ref(visit);
    } else {
        walk.make(visit, Op::dict);
    }
    walk.pairs(refs);
}
std::string dict_label(const Visit &visit) { return key_label(visit.pending); }

// The entries with their places in the table, so that iteration stays what it was.
PyObject *set_next(Walk &, Visit &visit) {
    PySetObject *set = reinterpret_cast<PySetObject *>(visit.object.get());
    while (visit.at <= set->mask) {
        PyObject *key = set->table[visit.at++].key;
        // A deleted entry has a key that is no member; its hash is -1.
        if (key == nullptr || set->table[visit.at - 1].hash == -1) continue;
        visit.key_given = hash_needs_whole(key);
        return key;
    }
    return nullptr;
}
void set_shell(Walk &walk, Visit &visit) { walk.make(visit, Op::set_shell); }
void set_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.id == 0) visit.family->shell(walk, visit);
    write_set_entries(walk, visit, refs);
}
std::string set_label(const Visit &) { return "{…}"; }

// An empty one is made by a call: before 3.10 there is a single one.
bool is_empty_set(const Visit &visit) { return PySet_GET_SIZE(visit.object.get()) == 0; }
PyObject *frozenset_next(Walk &walk, Visit &visit) {
    if (!is_empty_set(visit)) return set_next(walk, visit);
    return visit.at++ == 0 ? reinterpret_cast<PyObject *>(&PyFrozenSet_Type) : nullptr;
}
void frozenset_shell(Walk &walk, Visit &visit) { walk.make(visit, Op::frozenset_shell); }
void frozenset_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (!is_empty_set(visit)) return set_finish(walk, visit, refs);
    walk.make(visit, Op::call);
    walk.out().varint(refs[0]);
    walk.refs({});
}

PyObject *cell_next(Walk &, Visit &visit) {
    if (visit.at++ != 0) return nullptr;
    PyObject *value = PyCell_GET(visit.object.get());
    return value == nullptr ? Walk::null_child() : value;
}
void cell_shell(Walk &walk, Visit &visit) { walk.make(visit, Op::cell); }
void cell_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    if (visit.id == 0) cell_shell(walk, visit);
    walk.op(Op::cell_fill);
    walk.ref(visit);
    walk.out().varint(refs[0]);
}
std::string cell_label(const Visit &) { return ".cell_contents"; }

} // namespace

void give_dict_so_far(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(visit.object.get(), &at, &key, &value);)
        if (hash_needs_whole(key)) return;
    std::vector<Reference> there;
    for (std::size_t i = 0; i < refs.size(); i += 2)
        if (!Walk::is_unresolved(refs[i]) && !Walk::is_unresolved(refs[i + 1]))
            there.insert(there.end(), {refs[i], refs[i + 1]});
    walk.op(Op::update);
    walk.ref(visit);
    walk.pairs(there);
}

const Family list_family{list_next, list_finish, list_shell, index_label};
const Family tuple_family{tuple_next, tuple_finish, nullptr, index_label};
const Family dict_family{dict_next, dict_finish, dict_shell, dict_label};
const Family set_family{set_next, set_finish, set_shell, set_label};
const Family frozenset_family{frozenset_next, frozenset_finish, frozenset_shell, set_label};
const Family cell_family{cell_next, cell_finish, cell_shell, cell_label};

void write_set_entries(Walk &walk, const Visit &visit, std::span<const Reference> refs) {
    PySetObject *set = reinterpret_cast<PySetObject *>(visit.object.get());
    walk.op(Op::set_fill);
    walk.ref(visit);
    Writer &out = walk.out();
    out.varint(static_cast<std::uint64_t>(set->mask));
    // Places of deleted members count: without them a search would stop too early.
    const auto deleted = static_cast<std::size_t>(set->fill - set->used);
    out.varint(refs.size() + deleted);
    std::size_t i = 0;
    for (Py_ssize_t slot = 0; slot <= set->mask; ++slot) {
        const setentry &entry = set->table[slot];
        if (entry.key == nullptr) continue;
        if (entry.hash != -1 && i == refs.size()) break;
        out.varint(entry.hash == -1 ? to_reference(id_null) : refs[i++]);
        out.varint(static_cast<std::uint64_t>(slot));
        out.u64(static_cast<std::uint64_t>(entry.hash));
    }
    if (i != refs.size() || set->used != static_cast<Py_ssize_t>(i))
        throw walk.refusal("the set was changed while it was read",
                           "keep __reduce__ and __getstate__ free of side effects");
}

std::string key_label(PyObject *key) {
    if (key == nullptr) return {};
    if (PyUnicode_CheckExact(key)) return "['" + text(key) + "']";
    if (PyLong_CheckExact(key)) {
        Ref digits = Ref::checked(PyObject_Str(key));
        return "[" + text(digits.get()) + "]";
    }
    return "[<" + type_name(key) + ">]";
}

PyObject *next_part(Walk &, Visit &visit) {
    if (static_cast<std::size_t>(visit.at) >= visit.parts->size()) return nullptr;
    PyObject *value = (*visit.parts)[static_cast<std::size_t>(visit.at++)].value.get();
    return value == nullptr ? Walk::null_child() : value;
}

} // namespace elsewhere::object
