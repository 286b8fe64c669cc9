#include "engine/object/names.hpp"
#include <cctype>

#include <algorithm>
#include <string_view>

#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"
#include "engine/object/image.hpp"

namespace elsewhere::object {

using snapshot::Unwrap;

namespace {

std::string_view text_of(PyObject *object) {
    Py_ssize_t size = 0;
    if (object == nullptr || !PyUnicode_Check(object)) return {};
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (text == nullptr) {
        PyErr_Clear(); // a name with lone surrogates is no name of ours
        return {};
    }
    return {text, static_cast<std::size_t>(size)};
}

// An attribute by its raw dict entry: no descriptor and no __getattr__ runs.
PyObject *raw(PyObject *holder, const char *name) {
    Ref key = Ref::checked(PyUnicode_InternFromString(name));
    if (PyModule_Check(holder)) return PyDict_GetItemWithError(PyModule_GetDict(holder), key.get());
    if (PyType_Check(holder))
        return _PyType_Lookup(reinterpret_cast<PyTypeObject *>(holder), key.get());
    return nullptr;
}

// The same of a module that may be one in front of another, which it asks for what it has not
// itself: cryptography's, some of whose names are deprecated.
Ref of_module(PyObject *module, const char *name) {
    Ref value = Ref::share(raw(module, name));
    if (value || !PyModule_Check(module) || PyModule_CheckExact(module)) return value;
    value = Ref::steal(PyObject_GetAttrString(module, name));
    if (!value) PyErr_Clear(); // neither has it
    return value;
}

// These say little about who owns them and are equal wherever they are made.
bool trivial(PyObject *object) {
    return object == Py_None || PyBool_Check(object) || PyLong_CheckExact(object) ||
           PyFloat_CheckExact(object) || PyUnicode_CheckExact(object) ||
           PyBytes_CheckExact(object) || PyTuple_CheckExact(object) || PyModule_Check(object) ||
           PyCode_Check(object) || PyFrame_Check(object) || PyTraceBack_Check(object) ||
           PyExceptionInstance_Check(object) || object == Py_Ellipsis ||
           object == Py_NotImplemented;
}

// A constant that is no word, so that equal strings are different objects.
bool is_mark_of(PyObject *name, PyObject *value) {
    if (!PyUnicode_CheckExact(value) || PyUnicode_CHECK_INTERNED(value)) return false;
    const std::string_view text = text_of(name);
    return !text.empty() && std::isupper(static_cast<unsigned char>(text.front())) != 0;
}

// What stands for a name that 3.15 imports when it is first used.
bool is_lazy_import(PyObject *object) {
    const PyTypeObject *type = Py_TYPE(object);
    return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 &&
           std::string_view(type->tp_name) == "lazy_import";
}

constexpr std::string_view monitoring_name = "sys.monitoring";

// Attributes of sys that a program finds there, and whose contents are not its own.
bool every_sys_has(std::string_view name, PyObject *value) {
    static constexpr std::string_view names[] = {"argv",
                                                 "flags",
                                                 "float_info",
                                                 "hash_info",
                                                 "implementation",
                                                 "int_info",
                                                 "meta_path",
                                                 "modules",
                                                 "monitoring",
                                                 "orig_argv",
                                                 "path",
                                                 "path_hooks",
                                                 "path_importer_cache",
                                                 "thread_info",
                                                 "version_info",
                                                 "warnoptions",
                                                 "_xoptions"};
    if (PyCFunction_Check(value)) return true;
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// What functools.wraps and lru_cache set, or the slot of an object that has a function in one
// (typing's special forms).
Names::Hidden behind(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (type->tp_getattro == PyObject_GenericGetAttr) {
        Ref inner = Ref::steal(PyObject_GetAttrString(object, "__wrapped__"));
        if (inner) return {{}, std::move(inner), "__wrapped__"};
        PyErr_Clear();
    }
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i) {
        auto *each = reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(mro, i));
        PyObject *dict = (each->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 ? each->tp_dict : nullptr;
        PyObject *name = nullptr, *slot = nullptr;
        for (Py_ssize_t at = 0; dict != nullptr && PyDict_Next(dict, &at, &name, &slot);) {
            if (!Py_IS_TYPE(slot, &PyMemberDescr_Type)) continue;
            Ref inner = Ref::steal(
                Py_TYPE(slot)->tp_descr_get(slot, object, reinterpret_cast<PyObject *>(type)));
            if (!inner) PyErr_Clear(); // an empty slot
            if (inner && PyFunction_Check(inner.get()))
                return {{}, std::move(inner), std::string(text_of(name))};
        }
    }
    return {};
}

} // namespace

Ref found_by_name(PyObject *module, const std::string &qualname, Unwrap unwrap) {
    Ref object = look_up(module, qualname, unwrap);
    const bool made_when_asked = !object && unwrap == Unwrap::nothing;
    // Whether a module has the thing already depends on what has been imported before it.
    if (made_when_asked || (object && is_lazy_import(object.get()))) {
        object = Ref::steal(PyObject_GetAttrString(module, qualname.c_str()));
        if (!object) PyErr_Clear(); // told by the caller, in our words
    }
    return object;
}

Ref look_up(PyObject *module, const std::string &qualname, Unwrap unwrap) {
    Ref at = Ref::share(module);
    std::size_t from = 0;
    while (from <= qualname.size()) {
        const std::size_t dot = std::min(qualname.find('.', from), qualname.size());
        Ref next = of_module(at.get(), qualname.substr(from, dot - from).c_str());
        if (!next) {
            if (PyErr_Occurred()) throw PythonError{};
            return {};
        }
        at = std::move(next);
        from = dot + 1;
    }
    static const char *const attributes[] = {nullptr, "__func__", "fget", "fset"};
    if (unwrap != Unwrap::nothing) {
        PyTypeObject *type = Py_TYPE(at.get());
        if (type != &PyStaticMethod_Type && type != &PyClassMethod_Type && type != &PyProperty_Type)
            return {};
        Ref inner = Ref::steal(
            PyObject_GetAttrString(at.get(), attributes[static_cast<unsigned>(unwrap) & 3]));
        if (!inner) PyErr_Clear(); // the property has no __func__: simply not found
        return inner;
    }
    return at;
}

// As sysconfig's schemes have them; it takes 2 ms to import.
std::vector<std::string> library_folders() {
    std::vector<std::string> folders;
    const auto add = [&](std::string folder) {
        if (std::find(folders.begin(), folders.end(), folder) == folders.end())
            folders.push_back(std::move(folder));
    };
    const auto folder_of = [](const char *name) -> std::string {
        PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), name);
        if (module == nullptr) return {};
        const std::string_view file = text_of(raw(module, "__file__"));
        return std::string(file.substr(0, file.rfind('/') + 1));
    };
    if (std::string library = folder_of("os"); library.size() > 1) { // /usr/lib/python3.12/
        add(library);
        const std::size_t at = library.rfind('/', library.size() - 2);
        const std::string name = library.substr(at == library.npos ? 0 : at);
        const std::string_view kind = text_of(PySys_GetObject("platlibdir")); // lib or lib64
        for (const char *root : {"prefix", "exec_prefix", "base_prefix", "base_exec_prefix"})
            if (const std::string_view prefix = text_of(PySys_GetObject(root)); !prefix.empty())
                add(std::string(prefix) + "/" + std::string(kind) + name);
    }
    if (std::string us = folder_of("elsewhere"); !us.empty()) add(std::move(us));
    return folders;
}

Names::Names() {
    // It has the names of what the interpreter itself is made of: generator, method, frame, …
    (void)Ref::checked(imported_module("types"));
    modules_ = Ref::share(PyImport_GetModuleDict());
    foreign_roots_ = library_folders();

    for (const char *name : {"stdin", "stdout", "stderr"}) {
        static const char *const originals[] = {"__stdin__", "__stdout__", "__stderr__"};
        const char *original = originals[name[3] == 'i' ? 0 : name[3] == 'o' ? 1 : 2];
        for (const char *role : {original, name}) {
            PyObject *stream = PySys_GetObject(role);
            if (stream == nullptr || stream == Py_None) continue;
            // A stream that the program put there is its own object.
            if (role == name && stream != PySys_GetObject(original)) continue;
            Ref layer = Ref::share(stream);
            for (unsigned depth = 0; depth < 3; ++depth) {
                streams_.emplace(layer.get(), Stream{original, depth});
                Ref below =
                    Ref::steal(PyObject_GetAttrString(layer.get(), depth == 0 ? "buffer" : "raw"));
                kept_.push_back(std::move(layer));
                if (!below) {
                    PyErr_Clear(); // not every stream has layers
                    break;
                }
                layer = std::move(below);
            }
        }
    }

    Ref modules = Ref::checked(PyDict_Values(modules_.get()));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(modules.get()); ++i) {
        PyObject *module = PyList_GET_ITEM(modules.get(), i);
        if (!PyModule_Check(module)) continue;
        kept_.push_back(Ref::share(module));
        dicts_.emplace(PyModule_GetDict(module), module);
    }
    index_libraries();
}

bool Names::own_file(PyObject *path) const {
    const std::string_view file = text_of(path);
    if (file.empty() || file.front() == '<') return false;
    if (file.find("/site-packages/") != file.npos || file.find("/dist-packages/") != file.npos)
        return false;
    for (const std::string &root : foreign_roots_)
        if (file.substr(0, root.size()) == root) return false;
    return true;
}

PyObject *Names::name_of(PyObject *module) const {
    PyObject *name = raw(module, "__name__");
    if (name != nullptr && PyDict_GetItem(modules_.get(), name) == module) return name;
    PyObject *spec = raw(module, "__spec__");
    if (spec == nullptr || spec == Py_None) return name;
    Ref imported = Ref::steal(PyObject_GetAttrString(spec, "name"));
    if (!imported) PyErr_Clear(); // a spec of the program's making
    const bool listed = imported && PyUnicode_Check(imported.get()) &&
                        PyDict_GetItem(modules_.get(), imported.get()) == module;
    return listed ? imported.get() : name; // the spec keeps it
}

bool made_by_extension(PyObject *module) {
    for (const char *name : {"__file__", "__path__", "__spec__"})
        if (PyObject *value = raw(module, name); value != nullptr && value != Py_None) return false;
    const std::string start = std::string(text_of(raw(module, "__name__"))) + ".";
    bool of_c = false;
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(PyModule_GetDict(module), &at, &key, &value);) {
        if (text_of(key).substr(0, 2) == "__") continue;
        if (std::string_view(Py_TYPE(value)->tp_name).substr(0, 14) == "_cffi_backend.") {
            of_c = true;
            continue;
        }
        auto *type = reinterpret_cast<PyTypeObject *>(value);
        if (!PyType_Check(value)) return false;
        // A class statement names no module there.
        if (std::string_view(type->tp_name).substr(0, start.size()) != start) return false;
        of_c = of_c || !made_by_python(type);
    }
    return of_c;
}

Names::Owner Names::owner(PyObject *module) {
    const auto known = owners_.find(module);
    if (known != owners_.end()) return known->second;
    bool own = false, of_extension = false;
    PyObject *name = name_of(module);
    if (text_of(name) == "__main__") {
        own = true;
    } else if (name == nullptr || PyDict_GetItem(modules_.get(), name) != module) {
        own = true; // made by the program
    } else if (Ref file = of_module(module, "__file__"); file && file.get() != Py_None) {
        own = own_file(file.get());
    } else if (PyObject *path = raw(module, "__path__")) { // a namespace package
        Ref first = Ref::steal(PySequence_GetItem(path, 0));
        if (!first) PyErr_Clear(); // an empty path: nobody's files
        own = first && own_file(first.get());
    } else if (PyObject *spec = raw(module, "__spec__"); spec == nullptr || spec == Py_None) {
        of_extension = made_by_extension(module);
        own = !of_extension; // neither built in nor from a file: made by the program
    }
    const Owner owner = own ? Owner::program : of_extension ? Owner::extension : Owner::library;
    owners_.emplace(module, owner);
    return owner;
}

PyObject *Names::module_of_dict(PyObject *dict) const {
    const auto found = dicts_.find(dict);
    return found == dicts_.end() ? nullptr : found->second;
}

PyObject *Names::foreign(PyObject *name) {
    if (name == nullptr || !PyUnicode_Check(name)) return nullptr;
    PyObject *module = PyDict_GetItemWithError(modules_.get(), name);
    if (module == nullptr || !PyModule_Check(module)) return nullptr;
    return owner(module) == Owner::library ? module : nullptr;
}

bool Names::kept_by_value(PyObject *object) {
    PyObject *maker = PyFunction_Check(object) || PyType_Check(object)
                          ? object
                          : reinterpret_cast<PyObject *>(Py_TYPE(object));
    if (PyType_Check(maker) && !made_by_python(reinterpret_cast<PyTypeObject *>(maker)))
        return false;
    PyObject *module = nullptr;
    if (PyFunction_Check(maker))
        module = PyFunction_GET_MODULE(maker);
    else
        module = raw(maker, "__module__");
    return module == nullptr || foreign(module) == nullptr;
}

void Names::forget(PyObject *changed) {
    changed_ = Ref::share(changed);
    index_.clear();
    index_libraries();
}

// A dict or set of names that do not count, or null.
PyObject *Names::changed_in(PyObject *module) const {
    PyObject *name = changed_ ? name_of(module) : nullptr;
    return name == nullptr ? nullptr : PyDict_GetItem(changed_.get(), name);
}

void Names::index_libraries() {
    Ref modules = Ref::checked(PyDict_Values(modules_.get()));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(modules.get()); ++i) {
        PyObject *module = PyList_GET_ITEM(modules.get(), i);
        if (PyModule_Check(module) && owner(module) == Owner::library) index(module);
    }
}

void Names::index(PyObject *module) {
    PyObject *dict = PyModule_GetDict(module);
    PyObject *changed = changed_in(module);
    const std::string_view name = text_of(raw(module, "__name__"));
    const bool sys = name == "sys", builtins = name == "builtins";
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);) {
        if (!PyUnicode_Check(key)) continue;
        const bool mark = is_mark_of(key, value) && !sys && !builtins;
        if ((trivial(value) && !mark) || streams_.count(value) != 0) continue;
        if (is_lazy_import(value)) continue; // its name stands for what it becomes
        if (changed != nullptr && PySequence_Contains(changed, key) == 1) continue;
        const std::string_view text = text_of(key);
        // The program may have put anything there; only what every interpreter has is asked for.
        if (builtins && !PyCFunction_Check(value) && !PyType_Check(value)) continue;
        if (sys && !every_sys_has(text, value)) continue;
        if (text == "__builtins__" || text == "__path__" || text == "__annotations__" ||
            text == "__warningregistry__")
            continue;
        if (mark) marks_.insert(value);
        index_.try_emplace(value, Entry{module, key});
    }
}

// The one module that is an attribute of another and not in sys.modules.
Names::Name Names::unlisted_module(PyObject *module) {
    const bool is_monitoring = text_of(raw(module, "__name__")) == monitoring_name &&
                               PySys_GetObject("monitoring") == module;
    if (!is_monitoring) return {};
    return {foreign(Ref::checked(PyUnicode_FromString("sys")).get()), "monitoring",
            Unwrap::nothing};
}

Names::Name Names::own_name(PyObject *object) {
    Ref module_name, qualname;
    if (PyFunction_Check(object)) {
        module_name = Ref::share(PyFunction_GET_MODULE(object));
        qualname = Ref::share(reinterpret_cast<PyFunctionObject *>(object)->func_qualname);
    } else if (PyType_Check(object)) {
        PyTypeObject *type = reinterpret_cast<PyTypeObject *>(object);
        module_name = Ref::steal(PyType_Type.tp_getattro(
            object, Ref::checked(PyUnicode_InternFromString("__module__")).get()));
        if (!module_name) PyErr_Clear(); // a class without a module has no name to go by
        qualname = Ref::checked(elw_type_qualname(type));
    } else if (PyCFunction_Check(object)) {
        PyCFunctionObject *function = reinterpret_cast<PyCFunctionObject *>(object);
        if (function->m_module != nullptr && PyUnicode_Check(function->m_module))
            module_name = Ref::share(function->m_module);
        qualname = Ref::checked(PyUnicode_FromString(function->m_ml->ml_name));
    }
    PyObject *module = foreign(module_name.get());
    std::string within;
    if (module == nullptr && text_of(module_name.get()) == monitoring_name) {
        module = foreign(Ref::checked(PyUnicode_FromString("sys")).get());
        within = "monitoring.";
    }
    if (module == nullptr || !qualname) return {};
    const std::string name = within + std::string(text_of(qualname.get()));
    if (name.empty() || name.find('<') != name.npos) return {};
    if (PyObject *changed = changed_in(module)) {
        Ref first = Ref::checked(PyUnicode_FromString(name.substr(0, name.find('.')).c_str()));
        if (PySequence_Contains(changed, first.get()) == 1) return {};
    }
    return {module, name, Unwrap::nothing};
}

Names::Name Names::by_own_name(PyObject *object) {
    const Name own = own_name(object);
    if (!own) return {};
    for (Unwrap unwrap : {Unwrap::nothing, Unwrap::function, Unwrap::getter, Unwrap::setter}) {
        if (look_up(own.module, own.qualname, unwrap).get() == object)
            return {own.module, own.qualname, unwrap};
        if (!PyFunction_Check(object)) break;
    }
    return {};
}

Names::Hidden Names::hidden(PyObject *function) {
    const Name place = own_name(function);
    Ref at = place ? look_up(place.module, place.qualname, Unwrap::nothing) : Ref();
    for (int depth = 0; at && depth < 20; ++depth) {
        if (PyFunction_Check(at.get())) {
            // One that the program has put there may have that name, too.
            PyObject *module = module_of_dict(PyFunction_GET_GLOBALS(at.get()));
            if (module == nullptr || own(module)) return {};
        }
        Hidden next = behind(at.get());
        if (next.inner.get() == function) {
            next.holder = std::move(at);
            return next;
        }
        at = std::move(next.inner);
    }
    return {};
}

Names::Name Names::find(PyObject *object) {
    if (Name name = by_own_name(object)) return name;
    auto found = index_.find(object);
    if (found == index_.end() && PyType_Check(object) && !types_indexed_ &&
        (reinterpret_cast<PyTypeObject *>(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) {
        // The interpreter's own types that builtins does not have; few programs need them.
        types_indexed_ = true;
        for (const char *holder : {"types", "elsewhere._keep"}) {
            Ref types = Ref::checked(imported_module(holder));
            index(types.get());
            kept_.push_back(std::move(types));
        }
        found = index_.find(object);
    }
    if (found == index_.end() || kept_by_value(object)) return {};
    return {found->second.module, std::string(text_of(found->second.name)), Unwrap::nothing};
}

bool Names::has(PyObject *address) const {
    const auto found = index_.find(address);
    return found != index_.end() &&
           PyDict_GetItem(PyModule_GetDict(found->second.module), found->second.name) == address;
}

Ref Names::class_of_dict(PyObject *dict) {
    if (class_dicts_.empty()) {
        std::vector<Ref> todo;
        todo.push_back(Ref::share(reinterpret_cast<PyObject *>(&PyBaseObject_Type)));
        Ref name = Ref::checked(PyUnicode_InternFromString("__subclasses__"));
        Ref subclasses = Ref::share(_PyType_Lookup(&PyType_Type, name.get()));
        while (!todo.empty()) {
            Ref type = std::move(todo.back());
            todo.pop_back();
            PyObject *namespace_ = elw_type_dict(reinterpret_cast<PyTypeObject *>(type.get()));
            if (!class_dicts_.emplace(namespace_, type.get()).second) continue;
            Ref below = Ref::checked(PyObject_CallOneArg(subclasses.get(), type.get()));
            for (Py_ssize_t i = 0; i < PyList_GET_SIZE(below.get()); ++i)
                todo.push_back(Ref::share(PyList_GET_ITEM(below.get(), i)));
            kept_.push_back(std::move(type));
        }
    }
    const auto found = class_dicts_.find(dict);
    return found == class_dicts_.end() ? Ref() : Ref::share(found->second);
}

Ref Names::class_of_static(PyObject *function) {
    (void)class_of_dict(nullptr); // all classes are known then
    const char *name = reinterpret_cast<PyCFunctionObject *>(function)->m_ml->ml_name;
    Ref key = Ref::checked(PyUnicode_InternFromString(name));
    for (const auto &[namespace_, type] : class_dicts_) {
        PyObject *found = namespace_ == nullptr ? nullptr : PyDict_GetItem(namespace_, key.get());
        if (found == nullptr || !Py_IS_TYPE(found, &PyStaticMethod_Type)) continue;
        Ref inner = Ref::checked(PyObject_GetAttrString(found, "__func__"));
        if (inner.get() == function) return Ref::share(type);
    }
    return {};
}

Names::Stream Names::stream(PyObject *object) const {
    const auto found = streams_.find(object);
    return found == streams_.end() ? Stream{} : found->second;
}

} // namespace elsewhere::object
