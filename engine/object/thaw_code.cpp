// Modules, names, functions and classes made again.
#include "engine/cpython/eval_hook.hpp"
#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"
#include "engine/object/thaw.hpp"

namespace elsewhere::object {

using namespace snapshot;

// ---- modules and names -------------------------------------------------------------------------

void Thaw::on_module_named() {
    const std::string name = words();
    Ref module = Ref::steal(imported_module(name.c_str()));
    if (!module) {
        const std::string why = take_python_error();
        throw Error(ErrorKind::unsupported, "the module " + name + " cannot be imported: " + why,
                    "install what the program uses where it is to go on");
    }
    add(std::move(module));
}

void Thaw::on_module_dict() {
    PyObject *module = known();
    if (!PyModule_Check(module)) damaged("a module that is none");
    add(Ref::share(PyModule_GetDict(module)));
}

void Thaw::on_named() {
    PyObject *module = known();
    const std::string name = words();
    const auto unwrap = static_cast<Unwrap>(in_.varint() & 3);
    Ref object = found_by_name(module, name, unwrap);
    if (!object) {
        const char *holder = PyModule_Check(module) ? PyModule_GetName(module) : "its module";
        throw Error(ErrorKind::unsupported,
                    std::string(holder == nullptr ? "a module" : holder) + " has no " + name +
                        " here, which the program uses",
                    "install the version that the program was started with");
    }
    add(std::move(object));
}

void Thaw::on_module() {
    const std::string name = words();
    const bool listed = in_.varint() != 0;
    PyObject *modules = PyImport_GetModuleDict();
    Ref module;
    if (listed && name == "__main__" && !selection_) {
        module = Ref::share(PyImport_AddModule("__main__"));
    } else {
        module = Ref::checked(PyModule_New(name.c_str()));
        // Beside one of that name an object alone has its module to itself.
        const bool taken = selection_ && PyDict_GetItemString(modules, name.c_str()) != nullptr;
        if (listed && !taken && PyDict_SetItemString(modules, name.c_str(), module.get()) < 0)
            throw PythonError{};
    }
    PyObject *dict = PyModule_GetDict(module.get());
    PyDict_Clear(dict);
    add(std::move(module));
    add(Ref::share(dict));
    own_.insert(dict);
}

void Thaw::on_module_outline() {
    PyObject *dict = known();
    if (!PyDict_Check(dict)) damaged("a namespace that is none");
    for (std::size_t left = in_.count(2); left > 0; --left) {
        Ref name = need(), value = get();
        if (!value && PyDict_SetDefault(dict, name.get(), Py_None) == nullptr) throw PythonError{};
        if (value && PyDict_SetItem(dict, name.get(), value.get()) < 0) throw PythonError{};
    }
}

void Thaw::on_stream() {
    const std::string name = words();
    const std::uint64_t depth = in_.varint();
    Ref stream = Ref::share(PySys_GetObject(name.c_str()));
    if (!stream) stream = Ref::share(Py_None);
    for (std::uint64_t i = 0; i < depth && stream.get() != Py_None; ++i)
        stream = Ref::checked(PyObject_GetAttrString(stream.get(), i == 0 ? "buffer" : "raw"));
    add(std::move(stream));
}

// ---- functions ---------------------------------------------------------------------------------

void Thaw::on_code() {
    Ref fields = tuple();
    add(Ref::checked(
        PyObject_Call(reinterpret_cast<PyObject *>(&PyCode_Type), fields.get(), nullptr)));
}

void Thaw::on_code_of() {
    PyObject *function = known();
    const std::uint64_t hash = in_.u64();
    Ref code = Ref::checked(PyObject_GetAttrString(function, "__code__"));
    if (!PyCode_Check(code.get())) damaged("a function without code");
    if (code_hash(code.get()) != hash) {
        PyCodeObject *c = reinterpret_cast<PyCodeObject *>(code.get());
        throw Error(ErrorKind::unsupported,
                    text(elw_qualname(c)) + " of " + text(c->co_filename) +
                        " is not the code that the program was running",
                    "install the version that the program was started with");
    }
    add(std::move(code));
}

void Thaw::on_function() {
    PyObject *code = known();
    PyObject *globals = known();
    if (!PyCode_Check(code) || !PyDict_Check(globals)) damaged("a function of nothing");
    own_.insert(globals);
    if (PyObject *here = selection_ ? selection_->here(objects_.size()) : nullptr) {
        if (code_hash(code) == code_hash(PyFunction_GET_CODE(here))) return add(Ref::share(here));
        selection_->forget(objects_.size());
    }
    add(Ref::checked(PyFunction_New(code, globals)));
}

void Thaw::on_function_fill() {
    PyObject *function = known();
    Ref fields = Ref::checked(PyTuple_New(11));
    if (in_.count() != 11 || !PyFunction_Check(function)) damaged("a function that is none");
    PyObject *values[11];
    for (int i = 0; i < 11; ++i) {
        values[i] = take();
        PyTuple_SET_ITEM(fields.get(), i, Py_NewRef(values[i] == nullptr ? Py_None : values[i]));
        Py_XDECREF(values[i]);
    }
    auto set = [&](const char *name, PyObject *value) {
        if (PyObject_SetAttrString(function, name, value) < 0) throw PythonError{};
    };
    set("__name__", values[0]);
    set("__qualname__", values[1]);
    set("__module__", values[2] == nullptr ? Py_None : values[2]);
    set("__doc__", values[3] == nullptr ? Py_None : values[3]);
    if (values[4] != nullptr) set("__defaults__", values[4]);
    if (values[5] != nullptr) set("__kwdefaults__", values[5]);
    if (values[6] != nullptr && PyFunction_SetClosure(function, values[6]) < 0) throw PythonError{};
    if (elw_set_function_annotations(function, values[7], values[10]) < 0) throw PythonError{};
    if (values[8] != nullptr) set("__dict__", values[8]);
    // Absent on Pythons that have no type parameters.
    if (values[9] != nullptr && PyTuple_GET_SIZE(values[9]) > 0) set("__type_params__", values[9]);
}

void Thaw::on_method() {
    PyObject *function = known();
    Ref self = need();
    add(Ref::checked(PyMethod_New(function, self.get())));
}

void Thaw::on_attribute() {
    Ref self = need();
    add(Ref::checked(PyObject_GetAttr(self.get(), unicode().get())));
}

void Thaw::on_descriptor() {
    PyTypeObject *type = known_type();
    Ref name = unicode();
    PyObject *descriptor = PyDict_GetItemWithError(elw_type_dict(type), name.get());
    Ref plain; // what object only seems to own comes with any class
    if (descriptor == nullptr && type == &PyBaseObject_Type) {
        plain = Ref::checked(
            PyObject_CallFunction(reinterpret_cast<PyObject *>(&PyType_Type), "s(){}", "plain"));
        PyObject *dict = elw_type_dict(reinterpret_cast<PyTypeObject *>(plain.get()));
        descriptor = PyDict_GetItemWithError(dict, name.get());
    }
    if (descriptor == nullptr)
        throw Error(ErrorKind::unsupported,
                    std::string(type->tp_name) + " has no " + text(name.get()) + " here");
    add(Ref::share(descriptor));
}

// ---- classes -----------------------------------------------------------------------------------

void Thaw::on_class_shell() {
    PyTypeObject *meta = known_type();
    Ref name = unicode();
    Ref bases = tuple();
    const bool has_slots = in_.varint() != 0;
    Ref slots = tuple();
    Ref dict = Ref::checked(PyDict_New());
    if (has_slots && PyDict_SetItemString(dict.get(), "__slots__", slots.get()) < 0)
        throw PythonError{};
    Ref arguments = Ref::checked(PyTuple_Pack(3, name.get(), bases.get(), dict.get()));
    if (!PyType_IsSubtype(meta, &PyType_Type)) damaged("a metaclass that is none");
    add(cpython::new_class_quietly(meta, arguments.get()));
    own_.insert(objects_.back());
}

namespace {

// Names for which type.__setattr__ does more than store: it sets a C slot, or a flag.
bool is_dunder(PyObject *name) {
    const Py_ssize_t n = PyUnicode_GET_LENGTH(name);
    return n > 4 && PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_' &&
           PyUnicode_READ_CHAR(name, n - 1) == '_' && PyUnicode_READ_CHAR(name, n - 2) == '_';
}

void set_in_class(PyTypeObject *type, PyObject *name, PyObject *value) {
    if (is_dunder(name)) {
        // What type or the metaclass keeps under this name has a setter of its own, which does
        // something else; but for the flag of abstract classes the dict is all there is.
        PyObject *descriptor = _PyType_Lookup(Py_TYPE(type), name);
        const bool has_setter =
            descriptor != nullptr && Py_TYPE(descriptor)->tp_descr_set != nullptr;
        if (!has_setter || PyUnicode_CompareWithASCIIString(name, "__abstractmethods__") == 0) {
            if (PyType_Type.tp_setattro(reinterpret_cast<PyObject *>(type), name, value) < 0)
                throw PythonError{};
            return;
        }
    }
    if (PyDict_SetItem(type->tp_dict, name, value) < 0) throw PythonError{};
}

Ref make_abstract(PyObject *type) {
    Ref abc_module = Ref::checked(imported_module("_abc"));
    (void)Ref::checked(PyObject_CallMethod(abc_module.get(), "_abc_init", "(O)", type));
    return abc_module;
}

} // namespace

// For what makes its instances, until it is filled.
void Thaw::on_class_part() {
    PyTypeObject *type = known_type();
    PyObject *object = reinterpret_cast<PyObject *>(type);
    const bool abc = in_.varint() != 0;
    for (std::size_t left = in_.count(2); left > 0; --left) {
        Ref name = need(), value = need();
        if (!PyUnicode_Check(name.get())) damaged("an attribute without a name");
        set_in_class(type, name.get(), value.get());
    }
    if (abc && PyDict_GetItemString(type->tp_dict, "_abc_impl") == nullptr)
        (void)make_abstract(object);
    PyType_Modified(type);
}

void Thaw::on_class_fill() {
    PyTypeObject *type = known_type();
    PyObject *object = reinterpret_cast<PyObject *>(type);
    Ref qualname = unicode();
    const bool abc = in_.varint() != 0;
    Ref key = Ref::checked(PyUnicode_InternFromString("__qualname__"));
    if (PyType_Type.tp_setattro(object, key.get(), qualname.get()) < 0) throw PythonError{};
    Ref abc_module;
    if (abc) abc_module = make_abstract(object);
    const std::size_t n = in_.count(2);
    Ref ordered = Ref::checked(PyDict_New());
    for (std::size_t i = 0; i < n; ++i) {
        Ref name = need();
        Ref value = get();
        if (!PyUnicode_Check(name.get())) damaged("an attribute without a name");
        if (value) set_in_class(type, name.get(), value.get());
        PyObject *stored = PyDict_GetItemWithError(type->tp_dict, name.get());
        if (stored == nullptr) damaged("a class without what it is made with");
        if (PyDict_SetItem(ordered.get(), name.get(), stored) < 0) throw PythonError{};
        // Its messages have the name, which nobody can ask it for.
        if (Py_IS_TYPE(stored, &PyProperty_Type) && // before 3.10 a property has none
            PyObject_HasAttrString(stored, "__set_name__") == 1)
            (void)Ref::checked(
                PyObject_CallMethod(stored, "__set_name__", "OO", object, name.get()));
    }
    // The order of definition is seen by many: dataclasses, Enum, documentation.
    PyDict_Clear(type->tp_dict);
    if (PyDict_Update(type->tp_dict, ordered.get()) < 0) throw PythonError{};
    PyType_Modified(type);
    const std::size_t registered = in_.count();
    for (std::size_t i = 0; i < registered; ++i) {
        Ref other = need();
        Ref done = Ref::checked(
            PyObject_CallMethod(abc_module.get(), "_abc_register", "OO", object, other.get()));
    }
}

} // namespace elsewhere::object
