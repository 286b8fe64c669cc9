// Ints that id() has told the program: those of objects that are kept are their addresses in the
// process that goes on, so that tables by address find them.
#include "engine/frame/told_addresses.hpp"
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

PyObject *object_at(PyObject *address) {
    return static_cast<PyObject *>(PyLong_AsVoidPtr(address));
}

// What is there, if it is known by now: met by the walk, or known by name.
bool is_known(Walk &walk, PyObject *there, Reference &object) {
    if (const Memo::Entry *entry = walk.memo().find(there)) {
        object = to_reference(entry->id);
        return entry->id != 0;
    }
    bool lives = walk.names().has(there);
    for (PyObject *one : {Py_None, Py_True, Py_False, Py_Ellipsis, Py_NotImplemented})
        lives = lives || there == one;
    return lives && walk.now(there, object);
}

// Not before the end of the walk: what is at the address may be met until then.
PyObject *address_next(Walk &, Visit &visit) {
    visit.unresolved = true;
    return nullptr;
}

void address_finish(Walk &walk, Visit &visit, std::span<const Reference>) {
    Reference object;
    if (!is_known(walk, object_at(visit.object.get()), object)) { // an int like any other
        now_int(walk, visit.object.get(), object);
        return;
    }
    walk.make(visit, Op::address);
    walk.out().varint(object);
}

} // namespace

const Family address_family{address_next, address_finish, nullptr, nullptr};

// Below 4 GiB, where interpreters without a random place have their heap, numbers are too often
// numbers.
bool is_told_address(long long value) {
    constexpr long long lowest = 1LL << 32, alignment = 8;
    return value >= lowest && value % alignment == 0 &&
           frame::is_told(static_cast<std::uintptr_t>(value));
}

bool now_address(Walk &walk, PyObject *address, Reference &reference) {
    Reference object;
    if (!is_known(walk, object_at(address), object)) return false;
    reference = to_reference(walk.make(address, Op::address));
    walk.out().varint(object);
    return true;
}

bool waits_for_object(Walk &walk, const Visit &visit) {
    PyObject *object = nullptr;
    if (visit.family == &address_family)
        object = object_at(visit.object.get());
    else if (visit.family == &weak_reference_family)
        object = reinterpret_cast<PyWeakReference *>(visit.object.get())->wr_object;
    const Memo::Entry *entry = object == nullptr ? nullptr : walk.memo().find(object);
    return entry != nullptr && entry->id == 0;
}

} // namespace elsewhere::object
