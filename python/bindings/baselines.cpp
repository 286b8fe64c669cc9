// What modules of the library were like when their import was done, to tell later what the program
// has put into them. builtins.exec, _imp.exec_builtin and _imp.exec_dynamic get an epilogue by
// their method tables, as in interposed.cpp.
#include <string_view>

#include "engine/frame/activation.hpp"
#include "engine/object/sources.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/interposed.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

namespace {

PyObject *baselines = nullptr; // name → copy of the namespace; owned here, for good
PyObject *classes = nullptr;   // [(class, plain values that its import left it with)]; so too
std::string library;           // the folder of the standard library, with a slash
unsigned long own_imports = 0; // how many modules of the program's have begun to be imported

bool is_installed(std::string_view file) {
    return file.find("/site-packages/") != file.npos || file.find("/dist-packages/") != file.npos;
}

bool is_library(std::string_view file) {
    return file.starts_with(library) || file.starts_with("<frozen ") || is_installed(file);
}

bool is_plain(PyObject *value) {
    return value == Py_None || PyLong_CheckExact(value) || PyBool_Check(value) ||
           PyFloat_CheckExact(value) || PyUnicode_CheckExact(value) || PyBytes_CheckExact(value);
}

// Numbers and texts that are attributes of a class, but no __name__.
Ref plain_values(PyTypeObject *kind) {
    Ref found = Ref::checked(PyDict_New());
    PyObject *name = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(kind->tp_dict, &at, &name, &value);) {
        if (!is_plain(value) || !PyUnicode_CheckExact(name) || text(name).starts_with("__"))
            continue;
        if (PyDict_SetItem(found.get(), name, value) < 0) throw PythonError{};
    }
    return found;
}

// Of the classes that a module has made itself.
void note_classes(PyObject *name, PyObject *namespace_) {
    PyObject *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(namespace_, &at, nullptr, &value);) {
        if (!PyType_Check(value)) continue;
        auto *kind = reinterpret_cast<PyTypeObject *>(value);
        if (!PyType_HasFeature(kind, Py_TPFLAGS_HEAPTYPE) || kind->tp_dict == nullptr) continue;
        PyObject *home = PyDict_GetItemString(kind->tp_dict, "__module__");
        if (home == nullptr || !PyUnicode_Check(home) || text(home) != text(name)) continue;
        Ref values = plain_values(kind);
        Ref row = Ref::checked(PyTuple_Pack(2, value, values.get()));
        if (PyList_Append(classes, row.get()) < 0) throw PythonError{};
    }
}

// The first import counts, and is told: what a reload does not undo is the program's.
bool note(PyObject *name, PyObject *dict) {
    PyObject *module = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
    if (module == nullptr || !PyModule_Check(module) || PyModule_GetDict(module) != dict)
        return false;
    if (PyDict_Contains(baselines, name) != 0) return false;
    Ref copy = Ref::checked(PyDict_Copy(dict));
    if (PyDict_SetItem(baselines, name, copy.get()) < 0) throw PythonError{};
    note_classes(name, copy.get());
    return true;
}

bool is_within(PyObject *name, std::string_view package) {
    const std::string full = text(name);
    return full.starts_with(package) &&
           (full.size() == package.size() || full[package.size()] == '.');
}

// What a package has put into modules of its own that were imported before is no program's doing.
void note_again(std::string_view package) {
    PyObject *name = nullptr, *module = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(baselines, &at, &name, nullptr);) {
        if (!is_within(name, package)) continue;
        module = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
        if (module == nullptr || !PyModule_Check(module)) continue;
        Ref copy = Ref::checked(PyDict_Copy(PyModule_GetDict(module)));
        if (PyDict_SetItem(baselines, name, copy.get()) < 0) throw PythonError{};
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(classes); ++i) {
        PyObject *row = PyList_GET_ITEM(classes, i);
        auto *kind = reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(row, 0));
        PyObject *home = PyDict_GetItemString(kind->tp_dict, "__module__");
        if (home == nullptr || !PyUnicode_Check(home) || !is_within(home, package)) continue;
        Ref values = plain_values(kind);
        PyDict_Clear(PyTuple_GET_ITEM(row, 1));
        if (PyDict_Update(PyTuple_GET_ITEM(row, 1), values.get()) < 0) throw PythonError{};
    }
}

// Is the package that holds this module still being imported?
bool is_in_the_making(std::string_view module) {
    const std::string top(module.substr(0, module.find('.')));
    PyObject *package = PyDict_GetItemString(PyImport_GetModuleDict(), top.c_str());
    if (package == nullptr || top == module) return false;
    Ref spec = Ref::steal(PyObject_GetAttrString(package, "__spec__"));
    Ref making = spec ? Ref::steal(PyObject_GetAttrString(spec.get(), "_initializing")) : Ref();
    PyErr_Clear(); // the program's own package, or a spec of its making
    return making && PyObject_IsTrue(making.get()) == 1;
}

// The import is done; not to know what it left is no reason to fail it.
template <typename Noting> PyObject *then(PyObject *result, Noting noting) {
    if (result == nullptr || baselines == nullptr) return result;
    try {
        noting();
    } catch (const PythonError &) {
    }
    PyErr_Clear();
    return result;
}

using WithKeywords = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
WithKeywords original_exec = nullptr;

// exec(code, namespace), where that is the import of a module. Without a destructor: a thread may
// end inside of exec.
struct Import {
    PyObject *namespace_ = nullptr; // the caller's; null: it is none
    std::string_view file;
    unsigned long own_before = own_imports;

    Import(PyObject *const *arguments, Py_ssize_t count) {
        if (baselines == nullptr || count < 2 || !PyCode_Check(arguments[0]) ||
            !PyDict_CheckExact(arguments[1]))
            return;
        PyObject *module = nullptr, *name = PyDict_GetItemString(arguments[1], "__name__");
        if (name != nullptr && PyUnicode_CheckExact(name))
            module = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
        if (module != nullptr && PyModule_Check(module) &&
            PyModule_GetDict(module) == arguments[1]) {
            PyObject *path = reinterpret_cast<PyCodeObject *>(arguments[0])->co_filename;
            Py_ssize_t size = 0;
            if (const char *bytes = PyUnicode_AsUTF8AndSize(path, &size)) {
                namespace_ = arguments[1];
                file = {bytes, static_cast<std::size_t>(size)};
                own_imports += !is_library(file) && !file.starts_with("<");
            }
        }
        PyErr_Clear(); // it will not be known what the import leaves
    }
};

PyObject *note_exec(PyObject *result, const Import &import) {
    return then(result, [&] {
        PyObject *name = import.namespace_ == nullptr
                             ? nullptr
                             : PyDict_GetItemString(import.namespace_, "__name__");
        if (name == nullptr || !PyUnicode_CheckExact(name)) return;
        const std::string module = text(name);
        const bool first = is_library(import.file) && note(name, import.namespace_);
        if (first && is_installed(import.file) && own_imports == import.own_before &&
            !is_in_the_making(module))
            note_again(module);
        if (module == "linecache") object::linecache_is_imported();
    });
}

PyObject *exec(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const Import import(arguments, count);
    return note_exec(original_exec(self, arguments, count, names), import);
}

// Before 3.11 it takes no keywords.
using Plain = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);
Plain original_plain_exec = nullptr;

PyObject *plain_exec(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    const Import import(arguments, count);
    return note_exec(original_plain_exec(self, arguments, count), import);
}

template <typename Function> Function interpose_exec(int flags, Function ours) {
    return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(
        interpose("builtins", "exec", flags,
                  reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(ours)))));
}

template <int which> struct ExecNative {
    static inline PyCFunction original = nullptr;
    static PyObject *call(PyObject *self, PyObject *module) {
        return then(original(self, module), [&] {
            if (!PyModule_Check(module)) return;
            Ref name = Ref::checked(PyModule_GetNameObject(module));
            if (text(name.get()) == "_heapq") frame::install_resumable_heaps();
            if (text(name.get()) == "_bisect") frame::install_resumable_bisection();
            note(name.get(), PyModule_GetDict(module));
        });
    }
    static void install(const char *name) { original = interpose("_imp", name, METH_O, call); }
};

// watch_imports(folder of the standard library) -> {name: namespace as it was}
PyObject *watch_imports(PyObject *, PyObject *folder) {
    return entry([&] {
        if (baselines != nullptr) return Ref::share(baselines);
        object::imports_are_watched();
        library = text(folder) + "/";
        classes = Ref::checked(PyList_New(0)).release();
        baselines = Ref::checked(PyDict_New()).release();
        Ref modules = Ref::checked(PyDict_Copy(PyImport_GetModuleDict()));
        PyObject *name = nullptr, *module = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(modules.get(), &at, &name, &module);)
            if (PyUnicode_Check(name) && PyModule_Check(module) && text(name) != "__main__")
                note(name, PyModule_GetDict(module));
        original_exec = interpose_exec(METH_FASTCALL | METH_KEYWORDS, exec);
        original_plain_exec = interpose_exec(METH_FASTCALL, plain_exec);
        ExecNative<0>::install("exec_builtin");
        ExecNative<1>::install("exec_dynamic");
        return Ref::share(baselines);
    });
}

// changes(namespace, before) -> ({name: value} that are new or other objects, [names that are
// gone])
PyObject *changes(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *now = nullptr, *before = nullptr;
        if (!PyArg_ParseTuple(arguments, "O!O!:changes", &PyDict_Type, &now, &PyDict_Type, &before))
            throw PythonError{};
        Ref changed = Ref::checked(PyDict_New());
        Ref gone = Ref::checked(PyList_New(0));
        PyObject *name = nullptr, *value = nullptr;
        Py_ssize_t same = 0;
        for (Py_ssize_t at = 0; PyDict_Next(now, &at, &name, &value);) {
            PyObject *then = PyDict_GetItemWithError(before, name);
            if (then == nullptr && PyErr_Occurred()) throw PythonError{};
            same += then != nullptr;
            if (then != value && PyDict_SetItem(changed.get(), name, value) < 0)
                throw PythonError{};
        }
        if (same != PyDict_GET_SIZE(before))
            for (Py_ssize_t at = 0; PyDict_Next(before, &at, &name, &value);)
                if (PyDict_Contains(now, name) == 0 && PyList_Append(gone.get(), name) < 0)
                    throw PythonError{};
        return Ref::checked(PyTuple_Pack(2, changed.get(), gone.get()));
    });
}

// Whether a plain value of the class is another one now, or was none.
bool has_changed(PyObject *now, PyObject *before) {
    PyObject *name = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(now, &at, &name, &value);) {
        PyObject *then = PyDict_GetItemWithError(before, name);
        if (then == nullptr && PyErr_Occurred()) throw PythonError{};
        if (then == value) continue;
        if (then == nullptr || Py_TYPE(then) != Py_TYPE(value)) return true;
        const int same = PyObject_RichCompareBool(then, value, Py_EQ);
        if (same < 0) throw PythonError{};
        if (same == 0) return true;
    }
    return false;
}

// changed_classes() -> [(class, {name: value})], all plain values of each with a changed one
PyObject *changed_classes(PyObject *, PyObject *) {
    return entry([&] {
        Ref changed = Ref::checked(PyList_New(0));
        for (Py_ssize_t i = 0; classes != nullptr && i < PyList_GET_SIZE(classes); ++i) {
            PyObject *kind = PyTuple_GET_ITEM(PyList_GET_ITEM(classes, i), 0);
            PyObject *before = PyTuple_GET_ITEM(PyList_GET_ITEM(classes, i), 1);
            Ref now = plain_values(reinterpret_cast<PyTypeObject *>(kind));
            if (!has_changed(now.get(), before)) continue;
            Ref row = Ref::checked(PyTuple_Pack(2, kind, now.get()));
            if (PyList_Append(changed.get(), row.get()) < 0) throw PythonError{};
        }
        return changed;
    });
}

PyMethodDef methods[] = {
    {"watch_imports", watch_imports, METH_O,
     "watch_imports(library_folder)\n--\n\nNamespaces of modules as their imports left them."},
    {"changes", changes, METH_VARARGS, "changes(namespace, before)\n--\n\nWhat has been changed."},
    {"changed_classes", changed_classes, METH_NOARGS,
     "changed_classes()\n--\n\nClasses with a plain value that is not what their import left."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void add_baselines(PyObject *module) {
    if (PyModule_AddFunctions(module, methods) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
