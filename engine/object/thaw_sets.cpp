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
    Py_hash_t now; // the hash that the key has in this process
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

// Where CPython looks for a free place for a member that is in no table yet (set_insert_clean).
class Places {
  public:
    explicit Places(std::size_t size) : taken_(size) {}

    std::size_t take(Py_hash_t hash) {
        constexpr std::size_t linear_probes = 9;
        const std::size_t mask = taken_.size() - 1;
        std::size_t perturb = static_cast<std::size_t>(hash);
        std::size_t at = perturb & mask;
        while (true) {
            const std::size_t last = at + linear_probes <= mask ? at + linear_probes : at;
            for (std::size_t place = at; place <= last; ++place)
                if (!taken_[place]) {
                    taken_[place] = true;
                    return place;
                }
            perturb >>= 5;
            at = (at * 5 + 1 + perturb) & mask;
        }
    }

  private:
    std::vector<bool> taken_;
};

// By the hashes of this process. The members are known to be different: nobody is asked.
void move_apart(std::vector<Member> &members, std::size_t size) {
    std::erase_if(members, [](const Member &member) { return !member.key; });
    Places places(size);
    for (Member &member : members) {
        member.hash = member.now;
        member.slot = places.take(member.hash);
    }
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
// else its members get new places, in the order in which they were iterated. Of one that has no
// hash any more CPython, too, remembers the one it had.
void Thaw::on_set_fill() {
    PyObject *object = known();
    if (!PyAnySet_Check(object)) damaged("a set that is none");
    PySetObject *set = reinterpret_cast<PySetObject *>(object);
    const std::uint64_t mask = in_.varint();
    const std::size_t n = in_.count(10);
    if ((mask & (mask + 1)) != 0 || mask + 1 < PySet_MINSIZE || n > mask ||
        mask > (std::uint64_t{1} << 40))
        damaged("a set of an impossible size");
    // What made its members may have put some there itself.
    if (set->fill != 0 && (!PySet_Check(object) || PySet_Clear(object) < 0))
        damaged("a set that is filled twice");
    std::vector<Member> members;
    members.reserve(n);
    bool same = true;
    for (std::size_t i = 0; i < n; ++i) {
        Ref key = get();
        const std::uint64_t slot = in_.varint();
        const Py_hash_t hash = static_cast<Py_hash_t>(in_.u64());
        if (slot > mask || (i > 0 && slot <= members.back().slot)) damaged("a set in disorder");
        Py_hash_t now = hash;
        if (key && is_dead_reference(key.get())) {
            reinterpret_cast<PyWeakReference *>(key.get())->hash = hash;
        } else if (key) {
            now = PyObject_Hash(key.get());
            if (now == -1) {
                if (!PyErr_ExceptionMatches(PyExc_Exception)) throw PythonError{};
                PyErr_Clear();
                now = hash;
            }
            if (now != hash) same = false;
        }
        members.push_back({std::move(key), slot, hash, now});
    }
    const auto size = static_cast<std::size_t>(mask) + 1;
    if (!same) move_apart(members, size);
    lay_out(set, members, size);
}

} // namespace elsewhere::object
