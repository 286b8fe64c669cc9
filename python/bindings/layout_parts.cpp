// State that lies in more than one struct: a set's table, the links of a cached function, the
// read-ahead of a buffered file, the position of a dict iterator or of a walk through a tree,
// atexit.
#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "python/bindings/entry.hpp"
#include "python/bindings/layouts.hpp"

// Only on Pythons that have such types at all.
#ifdef Py_TPFLAGS_MANAGED_DICT
#define ELW_MANAGED_DICT Py_TPFLAGS_MANAGED_DICT
#else
#define ELW_MANAGED_DICT 0
#endif

namespace elsewhere::bindings {

namespace {

// ---- a reference in a struct without a layout: told by what it refers to -----------------------

// Lets the one place of `object` that refers to `old` refer to `replacement`, NotImplemented: to
// nothing. Throws Error{unsupported} unless there is exactly one.
Ref swap_reference(PyObject *object, PyObject *old, PyObject *replacement) {
    PyObject **found = nullptr;
    const auto size = static_cast<std::size_t>(Py_TYPE(object)->tp_basicsize);
    for (std::size_t at = sizeof(PyObject); at + sizeof(PyObject *) <= size;
         at += sizeof(PyObject *)) {
        auto **place = reinterpret_cast<PyObject **>(reinterpret_cast<char *>(object) + at);
        if (*place != old) continue;
        if (found != nullptr)
            throw Error(ErrorKind::unsupported, "a " + std::string(Py_TYPE(object)->tp_name) +
                                                    " refers to an object twice");
        found = place;
    }
    if (found == nullptr)
        throw Error(ErrorKind::unsupported, "a " + std::string(Py_TYPE(object)->tp_name) +
                                                " does not refer to an object that it must have");
    *found = replacement == Py_NotImplemented ? nullptr : Py_NewRef(replacement);
    Py_DECREF(old);
    return Ref::share(Py_None);
}

// The attributes of an object whose type hides its __dict__ (subclasses of asyncio's C types).
Ref attributes_of(PyObject *object) {
    if (_PyObject_GetDictPtr(object) == nullptr &&
        !PyType_HasFeature(Py_TYPE(object), ELW_MANAGED_DICT))
        return Ref::checked(PyDict_New());
    Ref dict = Ref::checked(PyObject_GenericGetDict(object, nullptr));
    return Ref::checked(PyDict_Copy(dict.get()));
}

// ---- contexts
// ------------------------------------------------------------------------------------

// The context that this thread was in before any Context.run that is going on; None if no context
// was ever needed. A context refers to the one it was entered from before anything else.
Ref outermost_context() {
    PyObject *context = PyThreadState_Get()->context;
    if (context == nullptr) return none();
    for (;;) {
        PyObject *outer = nullptr;
        Py_TYPE(context)->tp_traverse(
            context,
            [](PyObject *referent, void *place) {
                *static_cast<PyObject **>(place) = referent;
                return 1;
            },
            &outer);
        if (outer == nullptr || !PyContext_CheckExact(outer)) return Ref::share(context);
        context = outer;
    }
}

// ---- dict iterators: a position is an index into the table of entries, deleted ones included. A
// rebuilt dict has none deleted, so what is kept is the number of live entries before it. --------

Ref entries_before(PyObject *dict, PyObject *position) {
    Py_ssize_t limit = PyLong_AsSsize_t(position);
    if (limit == -1 && PyErr_Occurred()) throw PythonError{};
    Py_ssize_t live = 0, next = 0;
    PyObject *key = nullptr, *value = nullptr;
    while (PyDict_Next(dict, &next, &key, &value) && next - 1 < limit) live++;
    return Ref::checked(PyLong_FromSsize_t(live));
}

// The index of the live entry with `ordinal` entries before it. A dict that is not filled yet
// (it holds its own iterator) will have no deleted entries: there the two numbers are the same.
Ref entry_position(PyObject *dict, PyObject *ordinal) {
    Py_ssize_t wanted = PyLong_AsSsize_t(ordinal);
    if (wanted == -1 && PyErr_Occurred()) throw PythonError{};
    Py_ssize_t live = 0, next = 0;
    PyObject *key = nullptr, *value = nullptr;
    while (PyDict_Next(dict, &next, &key, &value))
        if (live++ == wanted) return Ref::checked(PyLong_FromSsize_t(next - 1));
    // Behind the last one: entries added later are met.
    return Ref::checked(PyLong_FromSsize_t(live == 0 ? wanted : next + (wanted - live)));
}

// ---- sets ---------------------------------------------------------------------------------------

// The elements from a table position on, in table order.
Ref elements_from(PyObject *set, PyObject *position) {
    if (!PyAnySet_Check(set)) throw Error(ErrorKind::usage, "not a set");
    Py_ssize_t from = PyLong_AsSsize_t(position);
    if (from == -1 && PyErr_Occurred()) throw PythonError{};
    auto *table = reinterpret_cast<PySetObject *>(set);
    Ref list = Ref::checked(PyList_New(0));
    for (Py_ssize_t i = std::max<Py_ssize_t>(from, 0); i <= table->mask; i++) {
        const setentry &slot = table->table[i];
        // A dummy has hash -1, which no element has.
        if (slot.key == nullptr || slot.hash == -1) continue;
        if (PyList_Append(list.get(), slot.key) < 0) throw PythonError{};
    }
    return list;
}

// A set to be iterated only: its table holds the elements of the list in the list's order, not
// where their hashes would put them.
Ref set_in_order(PyObject *list) {
    if (!PyList_Check(list)) throw Error(ErrorKind::usage, "not a list");
    Ref set = Ref::checked(PySet_New(nullptr));
    auto *object = reinterpret_cast<PySetObject *>(set.get());
    Py_ssize_t count = PyList_GET_SIZE(list);
    Py_ssize_t slots = PySet_MINSIZE;
    while (slots < count) slots *= 2;
    if (slots > PySet_MINSIZE) {
        auto *table = static_cast<setentry *>(PyMem_Calloc(slots, sizeof(setentry)));
        if (table == nullptr) throw std::bad_alloc();
        object->table = table;
        object->mask = slots - 1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        object->table[i] = {Ref::share(PyList_GET_ITEM(list, i)).release(), i};
    object->fill = object->used = count;
    return set;
}

// ---- functools.lru_cache ------------------------------------------------------------------------

// (key, result) of a bounded cache, least recently used first.
Ref cache_links(PyObject *cached) {
    const Layout &layout = layout_of(cached);
    const Layout &link_layout = layout_named("functools._lru_list_elem");
    Ref list = Ref::checked(PyList_New(0));
    // The root of the ring is the first part of the cached function itself.
    for (PyObject *link = field<PyObject *>(cached, layout, "root.next"); link != cached;
         link = field<PyObject *>(link, link_layout, "next")) {
        Ref pair = Ref::checked(PyTuple_Pack(2, field<PyObject *>(link, link_layout, "key"),
                                             field<PyObject *>(link, link_layout, "result")));
        if (PyList_Append(list.get(), pair.get()) < 0) throw PythonError{};
    }
    return list;
}

// Adds a result as the most recently used one.
Ref add_cache_link(PyObject *cached, PyObject *key, PyObject *result) {
    const Layout &layout = layout_of(cached);
    const Layout &link_layout = layout_named("functools._lru_list_elem");
    Py_hash_t hash = PyObject_Hash(key);
    if (hash == -1) throw PythonError{};
    Ref link = Ref::checked(PyObject_Init(
        static_cast<PyObject *>(PyObject_Calloc(1, link_layout.row->size)), link_layout.type));
    PyObject *raw = link.get();
    field<Py_hash_t>(raw, link_layout, "hash") = hash;
    field<PyObject *>(raw, link_layout, "key") = Ref::share(key).release();
    field<PyObject *>(raw, link_layout, "result") = Ref::share(result).release();
    PyObject *cache = field<PyObject *>(cached, layout, "cache");
    if (PyDict_SetItem(cache, key, raw) < 0) throw PythonError{};
    PyObject *last = field<PyObject *>(cached, layout, "root.previous");
    auto next_of = [&](PyObject *object) -> PyObject *& {
        return object == cached ? field<PyObject *>(cached, layout, "root.next")
                                : field<PyObject *>(object, link_layout, "next");
    };
    next_of(last) = raw;
    field<PyObject *>(raw, link_layout, "previous") = last;
    field<PyObject *>(raw, link_layout, "next") = cached;
    field<PyObject *>(cached, layout, "root.previous") = raw;
    static_cast<void>(link.release()); // the ring owns it
    return none();
}

// ---- buffered files -----------------------------------------------------------------------------

// What was read from the raw file and not yet given to the program.
Ref read_ahead(PyObject *buffered) {
    const Layout &layout = layout_of(buffered);
    off_t position = field<off_t>(buffered, layout, "position");
    off_t end = field<off_t>(buffered, layout, "read_end");
    const char *buffer = field<char *>(buffered, layout, "buffer");
    Py_ssize_t length = buffer != nullptr && end > position ? end - position : 0;
    return Ref::checked(PyBytes_FromStringAndSize(length ? buffer + position : nullptr, length));
}

// For a fresh buffered file whose raw file stands behind the bytes given.
Ref set_read_ahead(PyObject *buffered, PyObject *bytes) {
    const Layout &layout = layout_of(buffered);
    if (!PyBytes_Check(bytes)) throw Error(ErrorKind::usage, "not bytes");
    Py_ssize_t length = PyBytes_GET_SIZE(bytes);
    char *buffer = field<char *>(buffered, layout, "buffer");
    if (buffer == nullptr || length > field<Py_ssize_t>(buffered, layout, "buffer_size"))
        throw Error(ErrorKind::damaged, "more read ahead than the file's buffer holds");
    if (length == 0) return none();
    std::memcpy(buffer, PyBytes_AS_STRING(bytes), length);
    field<off_t>(buffered, layout, "position") = 0;
    field<off_t>(buffered, layout, "raw_position") = length;
    field<off_t>(buffered, layout, "read_end") = length;
    return none();
}

// Where a memoryview begins in what its object exports: bytes.
Ref view_offset(PyObject *object) {
    if (!PyMemoryView_Check(object)) throw Error(ErrorKind::usage, "not a memoryview");
    const Py_buffer *view = PyMemoryView_GET_BUFFER(object);
    Py_buffer whole;
    if (PyObject_GetBuffer(PyMemoryView_GET_BASE(object), &whole, PyBUF_FULL_RO) < 0)
        throw PythonError{};
    const auto offset = static_cast<const char *>(view->buf) - static_cast<const char *>(whole.buf);
    PyBuffer_Release(&whole);
    return Ref::checked(PyLong_FromSsize_t(offset));
}

// An element that Element.iter() is in the midst of, and which of its children comes next.
struct TreeStep {
    PyObject *element;
    Py_ssize_t next;
};

// Of Element.iter(): [(element, number of its next child)] from the outermost on.
Ref tree_path(PyObject *walk) {
    const Layout &layout = layout_of(walk);
    const TreeStep *steps = field<TreeStep *>(walk, layout, "path");
    Ref list = Ref::checked(PyList_New(0));
    for (Py_ssize_t i = 0; i < field<Py_ssize_t>(walk, layout, "depth"); ++i) {
        Ref step = Ref::checked(Py_BuildValue("(On)", steps[i].element, steps[i].next));
        if (PyList_Append(list.get(), step.get()) < 0) throw PythonError{};
    }
    return list;
}

// The same for one that has not begun.
Ref set_tree_path(PyObject *walk, PyObject *list) {
    const Layout &layout = layout_of(walk);
    if (!PyList_Check(list)) throw Error(ErrorKind::usage, "not a list");
    if (field<Py_ssize_t>(walk, layout, "depth") != 0)
        throw Error(ErrorKind::usage, "this iteration has begun");
    const Py_ssize_t depth = PyList_GET_SIZE(list), room = std::max<Py_ssize_t>(depth, 8);
    auto *steps =
        static_cast<TreeStep *>(PyMem_Calloc(static_cast<std::size_t>(room), sizeof(TreeStep)));
    if (steps == nullptr) throw std::bad_alloc();
    PyMem_Free(std::exchange(field<TreeStep *>(walk, layout, "path"), steps));
    field<Py_ssize_t>(walk, layout, "room") = room;
    for (Py_ssize_t i = 0; i < depth; ++i) {
        PyObject *element = nullptr;
        Py_ssize_t next = 0;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "On", &element, &next)) throw PythonError{};
        steps[i] = {Ref::share(element).release(), next};
        field<Py_ssize_t>(walk, layout, "depth") = i + 1;
    }
    return none();
}

Ref self_test() {
    const char *failure = elw_objects_self_test();
    if (failure == nullptr) return none();
    return Ref::checked(PyUnicode_FromString(failure));
}

#define ELSEWHERE_CALL(name, wanted, call)                                                         \
    PyObject *name##_entry(PyObject *, PyObject *const *args, Py_ssize_t count) {                  \
        return entry([&] {                                                                         \
            if (count != wanted) {                                                                 \
                PyErr_SetString(PyExc_TypeError, #name ": " #wanted " arguments wanted");          \
                throw PythonError{};                                                               \
            }                                                                                      \
            static_cast<void>(args);                                                               \
            return call;                                                                           \
        });                                                                                        \
    }

ELSEWHERE_CALL(swap_reference, 3, swap_reference(args[0], args[1], args[2]))
ELSEWHERE_CALL(attributes_of, 1, attributes_of(args[0]))
ELSEWHERE_CALL(outermost_context, 0, outermost_context())
ELSEWHERE_CALL(entries_before, 2, entries_before(args[0], args[1]))
ELSEWHERE_CALL(entry_position, 2, entry_position(args[0], args[1]))
ELSEWHERE_CALL(elements_from, 2, elements_from(args[0], args[1]))
ELSEWHERE_CALL(set_in_order, 1, set_in_order(args[0]))
ELSEWHERE_CALL(cache_links, 1, cache_links(args[0]))
ELSEWHERE_CALL(add_cache_link, 3, add_cache_link(args[0], args[1], args[2]))
ELSEWHERE_CALL(read_ahead, 1, read_ahead(args[0]))
ELSEWHERE_CALL(set_read_ahead, 2, set_read_ahead(args[0], args[1]))
ELSEWHERE_CALL(view_offset, 1, view_offset(args[0]))
ELSEWHERE_CALL(tree_path, 1, tree_path(args[0]))
ELSEWHERE_CALL(set_tree_path, 2, set_tree_path(args[0], args[1]))
ELSEWHERE_CALL(atexit_callbacks, 0, Ref::checked(elw_atexit_callbacks()))
ELSEWHERE_CALL(self_test, 0, self_test())

template <typename Function> PyCFunction method(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"layout_swap_reference", method(swap_reference_entry), METH_FASTCALL,
     "(object, old, replacement): the one place that refers to old"},
    {"layout_attributes", method(attributes_of_entry), METH_FASTCALL, "A copy of its __dict__."},
    {"layout_outermost_context", method(outermost_context_entry), METH_FASTCALL, "()"},
    {"layout_entries_before", method(entries_before_entry), METH_FASTCALL, "(dict, position)"},
    {"layout_entry_position", method(entry_position_entry), METH_FASTCALL, "(dict, ordinal)"},
    {"layout_elements_from", method(elements_from_entry), METH_FASTCALL, "(set, position)"},
    {"layout_set_in_order", method(set_in_order_entry), METH_FASTCALL, "(list)"},
    {"layout_cache_links", method(cache_links_entry), METH_FASTCALL, "(cached function)"},
    {"layout_add_cache_link", method(add_cache_link_entry), METH_FASTCALL,
     "(cached function, key, result)"},
    {"layout_read_ahead", method(read_ahead_entry), METH_FASTCALL, "(buffered file)"},
    {"layout_set_read_ahead", method(set_read_ahead_entry), METH_FASTCALL,
     "(buffered file, bytes)"},
    {"layout_view_offset", method(view_offset_entry), METH_FASTCALL, "(memoryview): in bytes"},
    {"layout_tree_path", method(tree_path_entry), METH_FASTCALL, "(what Element.iter() gives)"},
    {"layout_set_tree_path", method(set_tree_path_entry), METH_FASTCALL,
     "(what Element.iter() gives, [(element, number of its next child)])"},
    {"layout_atexit_callbacks", method(atexit_callbacks_entry), METH_FASTCALL, "()"},
    {"layout_self_test", method(self_test_entry), METH_FASTCALL, "() -> None or what is wrong"},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void add_layout_parts(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
