// Sets, with the layout of their tables: the order of iteration is part of what a program sees.
#include <utility>

#include "engine/object/thaw.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

struct Member {
    Ref key; // null: the place of a deleted member
    std::uint64_t slot;
    Py_hash_t hash;
};

// What CPython writes in the place of a deleted member.
PyObject *deleted_mark() {
    Ref set = Ref::checked(PySet_New(nullptr));
    if (PySet_Add(set.get(), Py_None) < 0 || PySet_Discard(set.get(), Py_None) < 0)
        throw PythonError{};
    const PySetObject *probe = reinterpret_cast<PySetObject *>(set.get());
    for (Py_ssize_t i = 0; i <= probe->mask; ++i)
        if (probe->table[i].key != nullptr) return probe->table[i].key;
    throw Error(ErrorKind::internal, "this Python marks deleted members of sets in another way");
}

void lay_out(PySetObject *set, std::vector<Member> &members, std::size_t size) {
    PyObject *mark = nullptr;
    for (const Member &member : members)
        if (!member.key && mark == nullptr) mark = deleted_mark();
    setentry *table = set->smalltable;
    if (size > PySet_MINSIZE) {
        table = static_cast<setentry *>(PyMem_Calloc(size, sizeof(setentry)));
        if (table == nullptr) throw std::bad_alloc();
    }
    Py_ssize_t used = 0;
    for (Member &member : members) {
        const bool there = static_cast<bool>(member.key);
        used += there ? 1 : 0;
        table[member.slot] = {there ? member.key.release() : mark, member.hash};
    }
    set->table = table;
    set->mask = static_cast<Py_ssize_t>(size - 1);
    set->fill = static_cast<Py_ssize_t>(members.size());
    set->used = used;
    set->finger = 0;
}

// A frozenset cannot be added to: a set is, and its table moves over.
void add_again(PySetObject *set, std::vector<Member> &members) {
    Ref fresh = Ref::checked(PySet_New(nullptr));
    for (Member &member : members)
        if (member.key && PySet_Add(fresh.get(), member.key.get()) < 0) throw PythonError{};
    PySetObject *from = reinterpret_cast<PySetObject *>(fresh.get());
    const bool small = from->table == from->smalltable;
    std::memcpy(set->smalltable, from->smalltable, sizeof set->smalltable);
    set->table = small ? set->smalltable : from->table;
    set->mask = from->mask;
    set->fill = from->fill;
    set->used = from->used;
    std::memset(from->smalltable, 0, sizeof from->smalltable);
    from->table = from->smalltable;
    from->mask = PySet_MINSIZE - 1;
    from->fill = from->used = 0;
}

} // namespace

void Thaw::on_set_shell() { add(Ref::checked(PySet_New(nullptr))); }

// Before 3.10 there is a single empty one, which must not be filled: this one had a member.
void Thaw::on_frozenset_shell() {
    Ref one = Ref::checked(PyTuple_Pack(1, Py_None));
    Ref made = Ref::checked(PyFrozenSet_New(one.get()));
    PySetObject *set = reinterpret_cast<PySetObject *>(made.get());
    for (Py_ssize_t slot = 0; slot <= set->mask; ++slot)
        Py_XDECREF(std::exchange(set->table[slot], setentry{}).key);
    set->fill = set->used = 0;
    set->hash = -1;
    add(std::move(made));
}

// With unchanged hashes the table is laid out as it was, so that iteration goes the same way;
// else its members are added in the order in which they were iterated.
void Thaw::on_set_fill() {
    PyObject *object = known();
    if (!PyAnySet_Check(object)) damaged("a set that is none");
    PySetObject *set = reinterpret_cast<PySetObject *>(object);
    const std::uint64_t mask = in_.varint();
    const std::size_t n = in_.count(10);
    if ((mask & (mask + 1)) != 0 || mask + 1 < PySet_MINSIZE || n > mask ||
        mask > (std::uint64_t{1} << 40))
        damaged("a set of an impossible size");
    if (set->fill != 0) damaged("a set that is filled twice");
    std::vector<Member> members;
    members.reserve(n);
    bool same = true;
    for (std::size_t i = 0; i < n; ++i) {
        Ref key = get();
        const std::uint64_t slot = in_.varint();
        const Py_hash_t hash = static_cast<Py_hash_t>(in_.u64());
        if (slot > mask || (i > 0 && slot <= members.back().slot)) damaged("a set in disorder");
        if (key) {
            const Py_hash_t now = PyObject_Hash(key.get());
            if (now == -1 && PyErr_Occurred()) throw PythonError{};
            if (now != hash) same = false;
        }
        members.push_back({std::move(key), slot, hash});
    }
    if (same)
        lay_out(set, members, static_cast<std::size_t>(mask) + 1);
    else
        add_again(set, members);
}

} // namespace elsewhere::object
