#include "engine/frame/containers.hpp"

#include <algorithm>

#include "engine/cpython/object_abi.h"

namespace elsewhere::frame {

namespace {

// Does the instance consist of its attributes, and nothing that any of its classes adds?
bool is_plain_instance(PyObject *object) {
    for (PyTypeObject *type = Py_TYPE(object); type != &PyBaseObject_Type; type = type->tp_base)
        if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || type->tp_itemsize != 0 ||
            type->tp_dealloc != Py_TYPE(object)->tp_dealloc ||
            Py_SIZE(reinterpret_cast<PyObject *>(type)) != 0)
            return false;
    return true;
}

bool is_of(Kind kind, PyObject *container) {
    switch (kind) {
    case Kind::list: return PyList_CheckExact(container);
    case Kind::tuple: return PyTuple_CheckExact(container);
    case Kind::dict: return PyDict_CheckExact(container);
    case Kind::values:
    case Kind::owner: return is_plain_instance(container);
    default: return false;
    }
}

// What a dict drops together with the last of its values, in this order: of each the key first.
std::vector<PyObject *> with_keys(PyObject *dict, const std::vector<PyObject *> &values) {
    std::vector<PyObject *> all;
    Py_ssize_t at = 0;
    PyObject *key = nullptr, *value = nullptr;
    std::size_t left = 0;
    while (PyDict_Next(dict, &at, &key, &value)) ++left;
    at = 0;
    while (PyDict_Next(dict, &at, &key, &value))
        if (left-- <= values.size()) {
            all.push_back(key);
            all.push_back(value);
        }
    return all;
}

} // namespace

Order order_of(Order known, int before, int place) {
    Order now = Order::none;
    if (before < 0 && place < 0) now = Order::cleared;
    if (before >= 0 && place >= 0) now = place > before ? Order::forward : Order::backward;
    return known == Order::unknown || known == now ? now : Order::none;
}

Kind kind_of(PyObject *container) {
    for (const Kind kind : {Kind::list, Kind::tuple, Kind::dict})
        if (is_of(kind, container)) return kind;
    if (!is_plain_instance(container)) return Kind::none;
    Py_ssize_t count = 0;
    return elw_values(container, &count) != nullptr ? Kind::values : Kind::owner;
}

std::vector<PyObject *> contents(Kind kind, PyObject *container, PyObject **values) {
    std::vector<PyObject *> places;
    Py_ssize_t count = 0, at = 0;
    PyObject *key = nullptr, *value = nullptr;
    if (kind == Kind::dict || kind == Kind::values)
        if (PyObject **own = elw_values(container, &count)) values = own;
    if (values != nullptr) return {values, values + count};
    switch (kind) {
    case Kind::list:
        for (; at < PyList_GET_SIZE(container); ++at)
            places.push_back(PyList_GET_ITEM(container, at));
        break;
    case Kind::tuple:
        for (; at < PyTuple_GET_SIZE(container); ++at)
            places.push_back(PyTuple_GET_ITEM(container, at));
        break;
    case Kind::dict:
        while (PyDict_Next(container, &at, &key, &value)) places.push_back(value);
        break;
    default: break;
    }
    return places;
}

std::optional<std::vector<PyObject *>> behind_in(const std::vector<PyObject *> &places, Order order,
                                                 const PyObject *object) {
    std::vector<PyObject *> behind;
    const auto first = std::find(places.begin(), places.end(), object);
    switch (order) {
    case Order::cleared: // those that have been dropped are in no place
        if (first != places.end()) return std::nullopt;
        behind = places;
        break;
    case Order::forward: // it dies with the last of those that are its own
        if (first == places.end()) return std::nullopt;
        behind.assign(std::find(places.rbegin(), places.rend(), object).base(), places.end());
        break;
    case Order::backward:
        if (first == places.end()) return std::nullopt;
        behind.assign(std::make_reverse_iterator(first), places.rend());
        break;
    default: return std::nullopt;
    }
    std::erase(behind, nullptr);
    return behind;
}

std::optional<std::vector<PyObject *>> dropped_behind(const Container &known, CCalls calls,
                                                      PyObject *object, PyObject *&container) {
    container = static_cast<PyObject *>(agreed(calls, known.itself));
    if (container == nullptr || Py_REFCNT(container) != 0 || !is_of(known.kind, container))
        return std::nullopt;
    const bool owner = known.kind == Kind::owner;
    PyObject *holder = owner ? static_cast<PyObject *>(agreed(calls, known.holder)) : container;
    if (holder == nullptr || (owner && (!PyDict_CheckExact(holder) || Py_REFCNT(holder) != 0)))
        return std::nullopt;
    const Kind kind = owner ? Kind::dict : known.kind;
    PyObject **values = nullptr;
    Py_ssize_t count = 0;
    if (kind == Kind::values && elw_values(container, &count) == nullptr) {
        values = static_cast<PyObject **>(agreed(calls, known.holder));
        if (values == nullptr) return std::nullopt;
    }
    std::optional<std::vector<PyObject *>> behind =
        behind_in(contents(kind, holder, values), known.order, object);
    if (!behind) return std::nullopt;
    Py_ssize_t shared = 0;
    if (kind == Kind::dict && elw_values(holder, &shared) == nullptr) {
        if (known.order != Order::forward) return std::nullopt;
        behind = with_keys(holder, *behind);
    }
    if (known.kind == Kind::values || owner)
        behind->push_back(reinterpret_cast<PyObject *>(Py_TYPE(container)));
    return behind;
}

} // namespace elsewhere::frame
