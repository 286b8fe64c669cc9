// Classes and modules by value are given what they have in an order of use to code that runs
// meanwhile: what __reduce__ names, __setstate__, __hash__ of keys.
#include <algorithm>

#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// Leads it to nothing but numbers, texts, functions, classes and modules? `budget`: items looked
// at.
bool is_plain(PyObject *value, int depth, Py_ssize_t &budget) {
    PyTypeObject *type = Py_TYPE(value);
    if (value == Py_None || value == Py_Ellipsis || value == Py_NotImplemented ||
        type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type ||
        type == &PyBool_Type || type == &PyBytes_Type || type == &PyComplex_Type ||
        type == &PyMemberDescr_Type || type == &PyGetSetDescr_Type || PyFunction_Check(value) ||
        PyCFunction_Check(value) || PyType_Check(value) || PyModule_Check(value))
        return true;
    auto all = [&](PyObject *const *items, Py_ssize_t count) {
        for (Py_ssize_t i = 0; i < count; ++i)
            if (--budget < 0 || !is_plain(items[i], depth - 1, budget)) return false;
        return true;
    };
    if (depth == 0) return false;
    if (type == &PyTuple_Type || type == &PyList_Type)
        return all(PySequence_Fast_ITEMS(value), PySequence_Fast_GET_SIZE(value));
    PyObject *key = nullptr, *item = nullptr;
    if (type == &PyDict_Type) {
        for (Py_ssize_t at = 0; PyDict_Next(value, &at, &key, &item);)
            if (!all(&key, 1) || !all(&item, 1)) return false;
        return true;
    }
    if (type != &PySet_Type && type != &PyFrozenSet_Type) return false;
    const auto *set = reinterpret_cast<PySetObject *>(value);
    for (Py_ssize_t slot = 0; slot <= set->mask; ++slot)
        if ((key = set->table[slot].key) != nullptr && set->table[slot].hash != -1 && !all(&key, 1))
            return false;
    return true;
}

} // namespace

bool is_container(PyObject *value) {
    return PyDict_CheckExact(value) || PyList_CheckExact(value) || Py_IS_TYPE(value, &PySet_Type);
}

Rank rank_of(Walk &walk, PyObject *value) {
    PyTypeObject *type = Py_TYPE(value);
    if (PyFunction_Check(value) || type == &PyStaticMethod_Type || type == &PyClassMethod_Type ||
        type == &PyProperty_Type)
        return Rank::function;
    Py_ssize_t budget = 100'000;
    if (is_plain(value, 4, budget)) return Rank::plain;
    const bool holds_others = is_container(value) || type == &PyTuple_Type ||
                              type == &PyFrozenSet_Type || type->tp_iternext != nullptr;
    return !holds_others && walk.names().find(reinterpret_cast<PyObject *>(type)) ? Rank::of_library
                                                                                  : Rank::other;
}

bool Walk::keeps_name(PyObject *name) const {
    if (kept_names_ == nullptr || !PyUnicode_Check(name)) return true;
    const int kept = PySet_Contains(kept_names_, name);
    if (kept < 0) throw PythonError{};
    return kept != 0 || text(name).starts_with("__");
}

void Walk::note_names(PyObject *code) {
    if (kept_names_ == nullptr) return;
    if (!noted_names_) noted_names_ = Ref::checked(PySet_New(nullptr));
    Ref names = Ref::checked(PyObject_GetAttrString(code, "co_names"));
    (void)Ref::checked(PyObject_CallMethod(noted_names_.get(), "update", "(O)", names.get()));
}

bool Walk::is_in_globals() {
    for (auto at = globals_.begin(); at != globals_.end(); at = globals_.erase(at)) {
        const Memo::Entry *entry = memo_.find(*at);
        if (unfilled_.count(*at) != 0 || entry == nullptr || settle(entry->mark) != 0) return true;
    }
    return false;
}

bool Walk::is_unprepared(PyObject *type) const {
    if (unfilled_.count(type) != 0) return true;
    for (const Namespace &each : namespaces_) {
        const Visit &visit = visits_[each.place];
        if (visit.object.get() != type || visit.family != &class_family) continue;
        return !visit.parts || static_cast<std::size_t>(visit.at) <= others_of(visit);
    }
    return false;
}

bool Walk::is_aside_of(std::size_t place) const {
    return std::any_of(namespaces_.begin(), namespaces_.end(), [&](const Namespace &each) {
        return each.place > place && visits_[each.place].aside;
    });
}

void Walk::shell_ahead(PyObject *container) {
    Reference reference;
    if (now(container, reference) || memo_.find(container) != nullptr) return;
    const Op shell = PyDict_CheckExact(container)   ? Op::dict_shell
                     : PyList_CheckExact(container) ? Op::list_shell
                                                    : Op::set_shell;
    const std::uint32_t id = make(container, shell);
    memo_.add(container, id, 0);
    shells_.insert(container);
}

void Walk::give_open_namespaces() {
    for (const Namespace &each : namespaces_) {
        if (each.place + 1 == visits_.size()) break;
        Visit &visit = visits_[each.place];
        const Visit &inside = visits_[each.place + 1];
        const std::span<const Reference> refs(references_.data() + visit.base,
                                              inside.base - visit.base);
        Reference met = to_reference(id_null);
        if (inside.aside) {
            // What has led to that module is complete; its turn is over with the next one's.
            if (static_cast<Py_ssize_t>(refs.size()) == visit.at && !refs.empty())
                met = refs.back();
        } else if (inside.id != 0 && inside.object.get() != visit.shown) {
            visit.shown = inside.object.get();
            met = to_reference(inside.id);
        }
        if (visit.family == &class_family)
            give_class_so_far(*this, visit, refs, met);
        else
            give_names_so_far(*this, visit, met);
    }
}

} // namespace elsewhere::object
