// What the program's own functions change while objects are made: a constructor that `__reduce__`
// names counts its instances, or lists them, as it did when they were made first. The second look
// finds what such code has changed after it was there, and puts it right.
#include <map>

#include "engine/cpython/imported_module.hpp"
#include "engine/object/thaw.hpp"
#include "engine/object/types.hpp"
#include "engine/snapshot/operands.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

bool is_python(PyObject *attribute) {
    return attribute != nullptr &&
           (PyFunction_Check(attribute) || Py_IS_TYPE(attribute, &PyStaticMethod_Type));
}

// Those that keep what they are given and nothing else, and are filled by what reduce says of them.
std::vector<Ref> collection_types() {
    std::vector<Ref> types;
    Ref module = Ref::checked(imported_module("collections"));
    for (const char *name : {"deque", "defaultdict", "OrderedDict"})
        types.push_back(Ref::checked(PyObject_GetAttrString(module.get(), name)));
    return types;
}

} // namespace

// ---- the first look: has the program been asked anything? --------------------------------------

bool Thaw::is_own_type(PyTypeObject *type) const {
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i)
        if (own_.count(PyTuple_GET_ITEM(mro, i)) != 0) return true;
    return false;
}

void Thaw::note_call(PyObject *callable, PyObject *first) {
    if (asked_program_ || own_.empty()) return;
    if (PyMethod_Check(callable)) callable = PyMethod_GET_FUNCTION(callable);
    if (PyFunction_Check(callable) && own_.count(PyFunction_GET_GLOBALS(callable)) != 0) {
        asked_program_ = true;
        return;
    }
    // Either it is a class, or copyreg.__newobj__ and the like are given one.
    for (PyObject *each : {callable, first}) {
        if (each == nullptr || !PyType_Check(each)) continue;
        auto *type = reinterpret_cast<PyTypeObject *>(each);
        if (is_own_type(type) &&
            (is_python(found(type, "__init__")) || is_python(found(type, "__new__")) ||
             is_python(found(Py_TYPE(type), "__call__"))))
            asked_program_ = true;
    }
}

void Thaw::note_change(PyObject *object, const char *method) {
    if (asked_program_ || own_.empty() || !is_own_type(Py_TYPE(object))) return;
    if (is_python(found(Py_TYPE(object), method))) asked_program_ = true;
}

// ---- the second look ---------------------------------------------------------------------------

// Is this what the reference stands for?
bool Thaw::is_still(PyObject *object, Reference reference) const {
    if (!is_small_int(reference)) {
        const std::uint64_t id = reference >> 1;
        return id < objects_.size() && objects_[id] == object;
    }
    if (object == nullptr || !PyLong_CheckExact(object)) return false;
    int overflow = 0;
    return PyLong_AsLongLongAndOverflow(object, &overflow) == small_int(reference) && overflow == 0;
}

void Thaw::list_again(PyObject *list) {
    const Reader there = in_;
    const std::size_t n = in_.count();
    bool same = PyList_GET_SIZE(list) == static_cast<Py_ssize_t>(n);
    for (std::size_t i = 0; i < n; ++i) {
        const Reference item = in_.varint();
        same = same && is_still(PyList_GET_ITEM(list, static_cast<Py_ssize_t>(i)), item);
    }
    if (same) return;
    in_ = there;
    items_into(list);
}

void Thaw::dict_again(PyObject *dict) {
    const Reader there = in_;
    const std::size_t n = in_.count(2);
    bool same = PyDict_GET_SIZE(dict) == static_cast<Py_ssize_t>(n);
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t at = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const Reference wanted_key = in_.varint(), wanted = in_.varint();
        same = same && PyDict_Next(dict, &at, &key, &value) != 0 && is_still(key, wanted_key) &&
               is_still(value, wanted);
    }
    if (same) return;
    in_ = there;
    PyDict_Clear(dict);
    pairs_into(dict);
}

// Nobody changes a set and leaves both of these as they were, but by taking as many as he gives.
void Thaw::set_again() {
    const Reader there = in_;
    const auto *set = reinterpret_cast<PySetObject *>(known());
    in_.varint(); // the mask
    const std::size_t n = in_.count(10);
    std::size_t members = 0;
    for (std::size_t i = 0; i < n; ++i) {
        members += in_.varint() == to_reference(id_null) ? 0 : 1;
        in_.varint();
        in_.u64();
    }
    if (static_cast<std::size_t>(set->used) == members) return;
    in_ = there;
    on_set_fill();
}

void Thaw::cell_again() {
    PyObject *cell = known();
    const Reference wanted = in_.varint();
    if (is_still(PyCell_GET(cell), wanted)) return;
    if (PyCell_Set(cell, object(wanted).get()) < 0) throw PythonError{};
}

// Of a module: the names that have their values.
void Thaw::names_again() {
    PyObject *dict = known();
    for (std::size_t left = in_.count(2); left > 0; --left) {
        Ref name = need();
        const Reference wanted = in_.varint();
        if (wanted == to_reference(id_null) || own_.count(dict) == 0) continue;
        PyObject *value = PyDict_GetItemWithError(dict, name.get());
        if (is_still(value, wanted)) continue;
        if (PyDict_SetItem(dict, name.get(), object(wanted).get()) < 0) throw PythonError{};
    }
}

void Thaw::class_again() {
    PyTypeObject *type = known_type();
    in_.text(); // the qualified name
    in_.varint();
    for (std::size_t left = in_.count(2); left > 0; --left) {
        Ref name = need();
        const Reference wanted = in_.varint();
        PyObject *value = PyDict_GetItemWithError(type->tp_dict, name.get());
        if (wanted == to_reference(id_null) || value == nullptr || is_still(value, wanted))
            continue;
        if (PyDict_SetItem(type->tp_dict, name.get(), object(wanted).get()) < 0)
            throw PythonError{};
        PyType_Modified(type);
    }
    for (std::size_t left = in_.count(); left > 0; --left) in_.varint(); // what is registered
}

// Attributes, in the dict or in slots.
void Thaw::attributes_again(PyObject *object) {
    const bool own = is_own_type(Py_TYPE(object));
    for (std::size_t left = in_.count(2); left > 0; --left) {
        PyObject *name = known();
        const Reference wanted = in_.varint();
        if (!own) continue;
        PyObject *in_class = _PyType_Lookup(Py_TYPE(object), name);
        const bool is_slot = in_class != nullptr && Py_IS_TYPE(in_class, &PyMemberDescr_Type);
        if (in_class != nullptr && !is_slot && Py_TYPE(in_class)->tp_descr_set != nullptr) continue;
        Ref value = Ref::steal(PyObject_GenericGetAttr(object, name));
        if (!value) PyErr_Clear(); // it has been deleted
        if (is_still(value.get(), wanted)) continue;
        if (PyObject_GenericSetAttr(object, name, this->object(wanted).get()) < 0)
            throw PythonError{};
    }
}

// `filled_by`: the operands of what has filled it.
void Thaw::collection_again(PyObject *collection, std::span<const Reader> filled_by) {
    const bool pairs = PyDict_Check(collection);
    Ref items = pairs ? Ref::checked(PyObject_CallMethod(collection, "items", nullptr))
                      : Ref::share(collection);
    items = Ref::checked(PySequence_List(items.get()));
    Py_ssize_t at = 0;
    bool same = true;
    for (Reader in : filled_by)
        for (std::size_t left = in.count(pairs ? 2 : 1); left > 0; --left, ++at) {
            PyObject *item =
                at < PyList_GET_SIZE(items.get()) ? PyList_GET_ITEM(items.get(), at) : nullptr;
            same = same && item != nullptr;
            if (pairs)
                same = same && is_still(PyTuple_GET_ITEM(item, 0), in.varint()) &&
                       is_still(PyTuple_GET_ITEM(item, 1), in.varint());
            else
                same = same && is_still(item, in.varint());
            if (!same) break;
        }
    if (same && at == PyList_GET_SIZE(items.get())) return;
    (void)Ref::checked(PyObject_CallMethod(collection, "clear", nullptr));
    for (const Reader &in : filled_by) {
        in_ = in;
        fill(collection, pairs);
    }
}

void Thaw::look_again() {
    const std::vector<Ref> types = collection_types();
    std::map<std::uint64_t, std::vector<Reader>> collections; // by id: what has filled it
    in_ = start_;
    for (std::uint64_t id = id_first;;) {
        const Op op{in_.u8()};
        const Layout &layout = layout_of(op);
        PyObject *made = layout.made == 0 ? nullptr : objects_[id];
        if (is_passed_over(op, id)) {
            skip(in_, layout.operands);
            id += layout.made;
            continue;
        }
        switch (op) {
        case Op::end: {
            const Reader end = in_;
            for (const auto &[which, filled_by] : collections)
                collection_again(objects_[which], filled_by);
            in_ = end;
            return;
        }
        case Op::list: list_again(made); break;
        case Op::list_fill: list_again(known()); break;
        case Op::dict: dict_again(made); break;
        case Op::dict_fill: dict_again(known()); break;
        case Op::set_fill: set_again(); break;
        case Op::cell_fill: cell_again(); break;
        case Op::module_outline: names_again(); break;
        case Op::call:
            for (const Ref &type : types)
                if (reinterpret_cast<PyObject *>(Py_TYPE(made)) == type.get()) collections[id];
            skip(in_, layout.operands);
            break;
        case Op::extend:
        case Op::update: {
            const Reader there = in_;
            const auto collection = collections.find(in_.varint() >> 1);
            if (collection != collections.end()) collection->second.push_back(in_);
            in_ = there;
            if (op == Op::update)
                names_again();
            else
                skip(in_, layout.operands);
            break;
        }
        case Op::class_fill: class_again(); break;
        case Op::instance:
            in_.varint(); // its class
            attributes_again(made);
            attributes_again(made);
            break;
        case Op::instance_fill:
            made = known();
            attributes_again(made);
            attributes_again(made);
            break;
        default: skip(in_, layout.operands);
        }
        id += layout.made;
    }
}

} // namespace elsewhere::object
