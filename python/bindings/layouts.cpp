// Reading and writing CPython's private structs by the tables of object_abi.h: what the reducers of
// elsewhere._keep are made of. A struct's state is a tuple: a bit mask of the object fields that
// are NULL, then one value per field.
#include "python/bindings/layouts.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "engine/cpython/imported_module.hpp"
#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

namespace {

std::size_t field_count(const ElwLayout &row) {
    std::size_t count = 0;
    while (count < elw_max_fields && row.fields[count].kind != elw_end) count++;
    return count;
}

template <typename T> T &at(PyObject *object, std::size_t offset) {
    return *reinterpret_cast<T *>(reinterpret_cast<char *>(object) + offset);
}

bool is_object(ElwKind kind) {
    return kind == elw_object || kind == elw_required || kind == elw_untold ||
           kind == elw_scratch || kind == elw_sparse;
}

bool is_number(ElwKind kind) { return kind >= elw_ssize && kind <= elw_offset; }

long long read_number(PyObject *object, const ElwField &field) {
    switch (field.kind) {
    case elw_ssize: return at<Py_ssize_t>(object, field.offset);
    case elw_long: return at<long>(object, field.offset);
    case elw_int: return at<int>(object, field.offset);
    case elw_char: return at<char>(object, field.offset);
    case elw_offset: return at<off_t>(object, field.offset);
    default: throw Error(ErrorKind::internal, std::string("not a number: ") + field.name);
    }
}

void write_number(PyObject *object, const ElwField &field, PyObject *value) {
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred()) throw PythonError{};
    switch (field.kind) {
    case elw_ssize: at<Py_ssize_t>(object, field.offset) = static_cast<Py_ssize_t>(number); break;
    case elw_long: at<long>(object, field.offset) = static_cast<long>(number); break;
    case elw_int: at<int>(object, field.offset) = static_cast<int>(number); break;
    case elw_char: at<char>(object, field.offset) = static_cast<char>(number); break;
    case elw_offset: at<off_t>(object, field.offset) = static_cast<off_t>(number); break;
    default: throw Error(ErrorKind::internal, std::string("not a number: ") + field.name);
    }
}

// The new reference goes in before the old one goes: the drop may run any code.
void write_object(PyObject *object, std::size_t offset, Ref value) {
    Ref old = Ref::steal(std::exchange(at<PyObject *>(object, offset), value.release()));
}

Ref number(long long value) { return Ref::checked(PyLong_FromLongLong(value)); }

Py_ssize_t length_of_indices(PyObject *object, const ElwLayout &row, const ElwField &field) {
    const ElwField &related = row.fields[field.related];
    if (is_number(related.kind)) return static_cast<Py_ssize_t>(read_number(object, related));
    PyObject *tuple = at<PyObject *>(object, related.offset);
    return tuple == nullptr ? 0 : PyTuple_Size(tuple);
}

// ---- probing: nothing is used that was not seen to be as described
// -------------------------------

int collect_referent(PyObject *referent, void *list) {
    static_cast<std::vector<PyObject *> *>(list)->push_back(referent);
    return 0;
}

std::vector<PyObject *> objects_in(PyObject *object, const ElwLayout &row) {
    std::vector<PyObject *> found;
    for (std::size_t i = 0; i < field_count(row); i++) {
        const ElwField &field = row.fields[i];
        if (is_object(field.kind) && field.kind != elw_untold) {
            if (PyObject *value = at<PyObject *>(object, field.offset)) found.push_back(value);
        } else if (field.kind == elw_objects) {
            long long used = read_number(object, row.fields[i - 1]);
            for (long long j = 0; j < used; j++)
                found.push_back((&at<PyObject *>(object, field.offset))[j]);
        }
    }
    return found;
}

std::string difference_of(PyObject *probe, const ElwLayout &row) {
    PyTypeObject *type = Py_TYPE(probe);
    if (static_cast<std::size_t>(type->tp_basicsize) != row.size)
        return "its size is " + std::to_string(type->tp_basicsize) + ", not " +
               std::to_string(row.size);
    for (std::size_t i = 0; i < field_count(row); i++) {
        const ElwField &field = row.fields[i];
        if (is_number(field.kind) && std::strcmp(field.name, "hash") != 0 &&
            read_number(probe, field) != field.probe)
            return std::string("its ") + field.name + " is not where expected";
    }
    for (std::size_t i = 0; i < field_count(row); i++)
        if (row.fields[i].kind == elw_untold &&
            !PyUnicode_CheckExact(at<PyObject *>(probe, row.fields[i].offset)))
            return std::string("its ") + row.fields[i].name + " is not where expected";
    if (type->tp_traverse == nullptr) return {};
    std::vector<PyObject *> visited;
    type->tp_traverse(probe, collect_referent, &visited);
    std::vector<PyObject *> described = objects_in(probe, row);
    if (row.whole) {
        if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
            described.push_back(reinterpret_cast<PyObject *>(type));
        std::sort(visited.begin(), visited.end());
        std::sort(described.begin(), described.end());
        if (visited != described) return "its references are not those expected";
    } else {
        for (PyObject *object : described)
            if (std::find(visited.begin(), visited.end(), object) == visited.end())
                return "a reference is not where expected";
    }
    return {};
}

// An event loop takes note of every async generator that begins: not of those of the probes.
class WithoutHooks {
  public:
    WithoutHooks()
        : thread_(PyThreadState_Get()),
          first_(std::exchange(thread_->async_gen_firstiter, nullptr)),
          finalizer_(std::exchange(thread_->async_gen_finalizer, nullptr)) {}
    ~WithoutHooks() {
        thread_->async_gen_firstiter = first_;
        thread_->async_gen_finalizer = finalizer_;
    }
    WithoutHooks(const WithoutHooks &) = delete;
    WithoutHooks &operator=(const WithoutHooks &) = delete;

  private:
    PyThreadState *thread_;
    PyObject *first_;
    PyObject *finalizer_;
};

Ref make_probe(const ElwLayout &row) {
    const WithoutHooks quiet;
    Ref names = Ref::checked(PyDict_New());
    const auto add = [&](const char *module_name) {
        if (module_name == nullptr) return;
        Ref module = Ref::checked(imported_module(module_name));
        if (PyDict_Update(names.get(), PyModule_GetDict(module.get())) < 0) throw PythonError{};
    };
    add("builtins");
    add(row.imported);
    Ref probe = Ref::steal(PyRun_String(row.probe, Py_eval_input, names.get(), names.get()));
    if (!probe && PyErr_ExceptionMatches(PyExc_NameError)) {
        PyErr_Clear(); // it is made of these, which take a millisecond to import
        for (const char *module_name : {"itertools", "collections"}) add(module_name);
        probe = Ref::steal(PyRun_String(row.probe, Py_eval_input, names.get(), names.get()));
    }
    if (!probe) throw PythonError{};
    if (std::strcmp(row.name, "functools._lru_list_elem") == 0) {
        // A link of the cache's list: reached through the cache, as nothing else refers to it.
        const Layout &cached = layout_named("functools._lru_cache_wrapper");
        Ref values =
            Ref::checked(PyMapping_Values(field<PyObject *>(probe.get(), cached, "cache")));
        return Ref::checked(PySequence_GetItem(values.get(), 0));
    }
    return probe;
}

Layout bind(const ElwLayout &row) {
    Layout layout;
    layout.row = &row;
    try {
        layout.probe = make_probe(row).release();
        layout.type = Py_TYPE(layout.probe);
        Py_INCREF(layout.type);
        // Before 3.10 some types are made ready only when they are first looked into.
        if (PyType_Ready(layout.type) < 0) throw PythonError{};
        layout.failure = difference_of(layout.probe, row);
    } catch (const PythonError &) {
        Ref type, value, traceback;
        PyObject *raw_type = nullptr, *raw_value = nullptr, *raw_traceback = nullptr;
        PyErr_Fetch(&raw_type, &raw_value, &raw_traceback);
        type = Ref::steal(raw_type), value = Ref::steal(raw_value);
        traceback = Ref::steal(raw_traceback);
        Ref text = Ref::steal(PyObject_Str(value ? value.get() : Py_None));
        const char *why = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
        layout.failure = std::string("no example of it could be made: ") + (why ? why : "?");
        PyErr_Clear();
    }
    return layout;
}

// Bound on first use and kept: most programs have two or three of these types.
Layout &bound(const ElwLayout &row) {
    static std::map<const ElwLayout *, Layout> layouts;
    auto found = layouts.find(&row);
    if (found == layouts.end()) found = layouts.emplace(&row, bind(row)).first;
    return found->second;
}

const Layout &usable(const Layout &layout) {
    if (!layout.failure.empty())
        throw Error(ErrorKind::unsupported,
                    std::string("objects of type ") + layout.row->name +
                        " are laid out differently in this Python: " + layout.failure,
                    "report this Python's exact version");
    return layout;
}

} // namespace

const Layout &layout_named(const std::string &name) {
    for (const ElwLayout *row = elw_layouts(); row->name != nullptr; row++)
        if (name == row->name) return usable(bound(*row));
    throw Error(ErrorKind::unsupported, "this Python has no type " + name,
                "resume on the Python version that made the snapshot");
}

namespace {

const char *without_module(const char *name) {
    const char *dot = std::strrchr(name, '.');
    return dot == nullptr ? name : dot + 1;
}

// A row for the type itself, or one that describes the part of the struct it inherits.
const Layout *layout_for(PyTypeObject *type, bool inherited) {
    for (const ElwLayout *row = elw_layouts(); row->name != nullptr; row++) {
        // A probe imports modules: only for a name that can be this type's.
        if (std::strcmp(without_module(row->name), without_module(type->tp_name)) != 0) continue;
        const Layout &layout = bound(*row);
        if (layout.type == type && !(inherited && row->whole)) return &usable(layout);
    }
    return nullptr;
}

} // namespace

const Layout &layout_of(PyObject *object) {
    static std::map<PyTypeObject *, const Layout *> known;
    PyTypeObject *own = Py_TYPE(object);
    auto found = known.find(own);
    if (found != known.end()) return *found->second;
    for (PyTypeObject *type = own; type != nullptr; type = type->tp_base) {
        if (const Layout *layout = layout_for(type, type != own)) {
            // A program's own classes may go and their addresses be used again.
            if (type == own) known.emplace(type, layout);
            return *layout;
        }
    }
    throw Error(ErrorKind::usage, std::string("no layout for ") + own->tp_name);
}

char *field_of(PyObject *object, const Layout &layout, const char *name) {
    for (std::size_t i = 0; i < field_count(*layout.row); i++)
        if (std::strcmp(layout.row->fields[i].name, name) == 0)
            return reinterpret_cast<char *>(object) + layout.row->fields[i].offset;
    throw Error(ErrorKind::internal, std::string(layout.row->name) + " has no field " + name);
}

namespace {

// ---- one struct as a whole ----------------------------------------------------------------------

// (the indices of the NULL items, the items with None for those)
Ref read_sparse(PyObject *tuple) {
    Py_ssize_t length = tuple == nullptr ? 0 : PyTuple_Size(tuple);
    Ref holes = Ref::checked(PyList_New(0));
    Ref items = Ref::checked(PyTuple_New(length));
    for (Py_ssize_t i = 0; i < length; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        if (item == nullptr && PyList_Append(holes.get(), number(i).get()) < 0) throw PythonError{};
        PyTuple_SET_ITEM(items.get(), i, Ref::share(item ? item : Py_None).release());
    }
    return Ref::checked(PyTuple_Pack(2, holes.get(), items.get()));
}

Ref make_sparse(PyObject *value) {
    PyObject *holes = nullptr, *items = nullptr;
    if (!PyArg_ParseTuple(value, "O!O!", &PyList_Type, &holes, &PyTuple_Type, &items))
        throw PythonError{};
    Py_ssize_t length = PyTuple_GET_SIZE(items);
    Ref tuple = Ref::checked(PyTuple_New(length));
    for (Py_ssize_t i = 0; i < length; i++) {
        Ref index = number(i);
        int hole = PySequence_Contains(holes, index.get());
        if (hole < 0) throw PythonError{};
        if (!hole)
            PyTuple_SET_ITEM(tuple.get(), i, Ref::share(PyTuple_GET_ITEM(items, i)).release());
    }
    return tuple;
}

Ref read_field(PyObject *object, const ElwLayout &row, const ElwField &field) {
    if (is_number(field.kind)) return number(read_number(object, field));
    PyObject *value = is_object(field.kind) ? at<PyObject *>(object, field.offset) : nullptr;
    switch (field.kind) {
    case elw_object:
    case elw_required:
    case elw_untold: return Ref::share(value == nullptr ? Py_None : value);
    case elw_scratch: return number(value == nullptr ? 0 : PyTuple_Size(value));
    case elw_sparse: return read_sparse(value);
    case elw_objects: {
        Py_ssize_t used = static_cast<Py_ssize_t>(read_number(object, *(&field - 1)));
        Ref tuple = Ref::checked(PyTuple_New(used));
        for (Py_ssize_t i = 0; i < used; i++)
            PyTuple_SET_ITEM(tuple.get(), i,
                             Ref::share((&at<PyObject *>(object, field.offset))[i]).release());
        return tuple;
    }
    case elw_indices: {
        const Py_ssize_t *indices = at<Py_ssize_t *>(object, field.offset);
        Py_ssize_t length = indices == nullptr ? 0 : length_of_indices(object, row, field);
        Ref tuple = Ref::checked(PyTuple_New(length));
        for (Py_ssize_t i = 0; i < length; i++)
            PyTuple_SET_ITEM(tuple.get(), i, number(indices[i]).release());
        return tuple;
    }
    case elw_backlink: {
        PyObject *owner = at<PyObject *>(object, row.fields[0].offset);
        return number(at<PyObject *>(owner, field.offset) == object);
    }
    default: return none();
    }
}

Ref layout_read(PyObject *object) {
    const Layout &layout = layout_of(object);
    const ElwLayout &row = *layout.row;
    std::size_t count = field_count(row);
    Ref state = Ref::checked(PyTuple_New(static_cast<Py_ssize_t>(count) + 1));
    long long absent = 0;
    for (std::size_t i = 0; i < count; i++) {
        const ElwField &field = row.fields[i];
        if (is_object(field.kind) && at<PyObject *>(object, field.offset) == nullptr)
            absent |= 1LL << i;
        PyTuple_SET_ITEM(state.get(), static_cast<Py_ssize_t>(i) + 1,
                         read_field(object, row, field).release());
    }
    PyTuple_SET_ITEM(state.get(), 0, number(absent).release());
    return state;
}

// An object without contents: safe to traverse and to drop, of no use before layout_fill.
Ref layout_shell(PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);
    if (text == nullptr) throw PythonError{};
    const Layout &layout = layout_named(text);
    if (!layout.row->whole) throw Error(ErrorKind::usage, std::string(text) + " is not made so");
    Ref shell = Ref::checked(layout.type->tp_alloc(layout.type, 0));
    for (std::size_t i = 0; i < field_count(*layout.row); i++)
        if (layout.row->fields[i].kind == elw_required || layout.row->fields[i].kind == elw_untold)
            write_object(shell.get(), layout.row->fields[i].offset, none());
    return shell;
}

void fill_indices(PyObject *object, const ElwLayout &row, const ElwField &field, PyObject *value) {
    Py_ssize_t length = PyTuple_Size(value);
    if (length < 0) throw PythonError{};
    if (length != length_of_indices(object, row, field))
        throw Error(ErrorKind::damaged, std::string(row.name) + ": indices of another length");
    auto *indices = static_cast<Py_ssize_t *>(PyMem_Malloc((length + 1) * sizeof(Py_ssize_t)));
    if (indices == nullptr) throw std::bad_alloc();
    PyMem_Free(std::exchange(at<Py_ssize_t *>(object, field.offset), indices));
    std::fill_n(indices, length, 0);
    for (Py_ssize_t i = 0; i < length; i++) {
        indices[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(value, i));
        if (indices[i] == -1 && PyErr_Occurred()) throw PythonError{};
    }
}

void fill_field(PyObject *object, const Layout &layout, const ElwField &field, PyObject *value,
                bool absent) {
    if (is_number(field.kind)) return write_number(object, field, value);
    switch (field.kind) {
    case elw_object:
    case elw_required:
    case elw_untold: return write_object(object, field.offset, absent ? Ref() : Ref::share(value));
    case elw_sparse: return write_object(object, field.offset, absent ? Ref() : make_sparse(value));
    case elw_scratch: {
        if (absent) return write_object(object, field.offset, Ref());
        Py_ssize_t width = PyLong_AsSsize_t(value);
        if (width == -1 && PyErr_Occurred()) throw PythonError{};
        Ref tuple = Ref::checked(PyTuple_New(width));
        for (Py_ssize_t i = 0; i < width; i++) PyTuple_SET_ITEM(tuple.get(), i, none().release());
        return write_object(object, field.offset, std::move(tuple));
    }
    case elw_objects: {
        Py_ssize_t used = static_cast<Py_ssize_t>(read_number(object, *(&field - 1)));
        if (PyTuple_Size(value) != used)
            throw Error(ErrorKind::damaged, std::string(layout.row->name) + ": wrong count");
        for (Py_ssize_t i = 0; i < used; i++)
            (&at<PyObject *>(object, field.offset))[i] =
                Ref::share(PyTuple_GET_ITEM(value, i)).release();
        return;
    }
    case elw_indices: return fill_indices(object, *layout.row, field, value);
    case elw_constant:
        at<void *>(object, field.offset) = at<void *>(layout.probe, field.offset);
        return;
    case elw_backlink:
        if (PyObject_IsTrue(value))
            at<PyObject *>(at<PyObject *>(object, layout.row->fields[0].offset), field.offset) =
                object;
        return;
    default: return;
    }
}

// The counterpart of layout_read, for an object made by layout_shell.
Ref layout_fill(PyObject *object, PyObject *state) {
    const Layout &layout = layout_of(object);
    std::size_t count = field_count(*layout.row);
    if (!layout.row->whole || !PyTuple_Check(state) ||
        PyTuple_GET_SIZE(state) != static_cast<Py_ssize_t>(count) + 1)
        throw Error(ErrorKind::damaged, std::string(layout.row->name) + ": not its state",
                    "resume on the Python version that made the snapshot");
    long long absent = PyLong_AsLongLong(PyTuple_GET_ITEM(state, 0));
    if (absent == -1 && PyErr_Occurred()) throw PythonError{};
    for (std::size_t i = 0; i < count; i++)
        fill_field(object, layout, layout.row->fields[i],
                   PyTuple_GET_ITEM(state, static_cast<Py_ssize_t>(i) + 1), absent >> i & 1);
    return none();
}

// ---- single fields ------------------------------------------------------------------------------

const ElwField &field_named(const Layout &layout, PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);
    if (text == nullptr) throw PythonError{};
    for (std::size_t i = 0; i < field_count(*layout.row); i++)
        if (std::strcmp(layout.row->fields[i].name, text) == 0) return layout.row->fields[i];
    throw Error(ErrorKind::usage, std::string(layout.row->name) + " has no field " + text);
}

// layout_get(object, name, absent): the value of a field, `absent` for NULL.
Ref layout_get(PyObject *object, PyObject *name, PyObject *absent) {
    const Layout &layout = layout_of(object);
    const ElwField &field = field_named(layout, name);
    if (is_object(field.kind) && at<PyObject *>(object, field.offset) == nullptr)
        return Ref::share(absent);
    return read_field(object, *layout.row, field);
}

Ref layout_set(PyObject *object, PyObject *name, PyObject *value) {
    const Layout &layout = layout_of(object);
    fill_field(object, layout, field_named(layout, name), value, false);
    return none();
}

// No object of these types is there before its module is.
bool can_exist(const ElwLayout &row) {
    const auto imported = [](const char *module) {
        return PyDict_GetItemString(PyImport_GetModuleDict(), module) != nullptr;
    };
    if (std::strncmp(row.name, "itertools.", 10) == 0) return imported("itertools");
    if (std::strstr(row.probe, "OrderedDict") != nullptr)
        return imported("collections") || imported("_collections");
    return true;
}

// {name: (type, None or why it cannot be used)} of the layouts that need `module` (None: those
// that need no import).
Ref layout_types(PyObject *module) {
    const char *wanted = module == Py_None ? nullptr : PyUnicode_AsUTF8(module);
    if (wanted == nullptr && PyErr_Occurred()) throw PythonError{};
    Ref types = Ref::checked(PyDict_New());
    for (const ElwLayout *row = elw_layouts(); row->name != nullptr; row++) {
        bool same = wanted == nullptr ? row->imported == nullptr
                                      : row->imported && std::strcmp(row->imported, wanted) == 0;
        if (!same || !can_exist(*row)) continue;
        const Layout &layout = bound(*row);
        if (layout.type == nullptr) continue; // the walk refuses a type that nobody answers for
        Ref value = Ref::checked(Py_BuildValue(
            "Oz", layout.type, layout.failure.empty() ? nullptr : layout.failure.c_str()));
        if (PyDict_SetItemString(types.get(), row->name, value.get()) < 0) throw PythonError{};
    }
    return types;
}

PyObject *arguments(PyObject *const *given, Py_ssize_t count, Py_ssize_t wanted) {
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "%zd arguments wanted, got %zd", wanted, count);
        throw PythonError{};
    }
    return given[0];
}

#define ELSEWHERE_FUNCTION(name, wanted, call)                                                     \
    PyObject *name##_entry(PyObject *, PyObject *const *args, Py_ssize_t count) {                  \
        return entry([&] {                                                                         \
            arguments(args, count, wanted);                                                        \
            return call;                                                                           \
        });                                                                                        \
    }

ELSEWHERE_FUNCTION(layout_types, 1, layout_types(args[0]))
ELSEWHERE_FUNCTION(layout_shell, 1, layout_shell(args[0]))
ELSEWHERE_FUNCTION(layout_read, 1, layout_read(args[0]))
ELSEWHERE_FUNCTION(layout_fill, 2, layout_fill(args[0], args[1]))
ELSEWHERE_FUNCTION(layout_get, 3, layout_get(args[0], args[1], args[2]))
ELSEWHERE_FUNCTION(layout_set, 3, layout_set(args[0], args[1], args[2]))

template <typename Function> PyCFunction method(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"layout_types", method(layout_types_entry), METH_FASTCALL, "Known types by name."},
    {"layout_shell", method(layout_shell_entry), METH_FASTCALL, "An empty object of a layout."},
    {"layout_read", method(layout_read_entry), METH_FASTCALL, "An object's state."},
    {"layout_fill", method(layout_fill_entry), METH_FASTCALL, "Gives a shell its state."},
    {"layout_get", method(layout_get_entry), METH_FASTCALL, "One field."},
    {"layout_set", method(layout_set_entry), METH_FASTCALL, "Changes one field."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void add_layouts(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
    add_layout_parts(module);
    add_layout_matches(module);
}

} // namespace elsewhere::bindings
