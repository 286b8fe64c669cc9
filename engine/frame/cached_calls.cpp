#include "engine/frame/cached_calls.hpp"

#include <algorithm>
#include <string_view>

#include "engine/frame/iterator_fields.hpp"
#include "engine/frame/special_methods.hpp"

namespace elsewhere::frame {

namespace {

constexpr const char *type_name = "functools._lru_cache_wrapper";
constexpr const char *saved_name = "cached call";

// Neither its hash nor a comparison with another one runs Python code.
bool is_key_in_c(PyObject *object) {
    if (hashes_in_c(object)) return true;
    const PyTypeObject *type = Py_TYPE(object);
    return type->tp_hash == PyBaseObject_Type.tp_hash &&
           type->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

// The key that the cache makes of positional arguments. Null: an exception is set.
Ref key_of(const std::vector<PyObject *> &arguments) {
    if (arguments.size() == 1 &&
        (PyUnicode_CheckExact(arguments[0]) || PyLong_CheckExact(arguments[0])))
        return Ref::share(arguments[0]);
    Ref key = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(arguments.size())));
    for (std::size_t i = 0; key && i < arguments.size(); ++i)
        PyTuple_SET_ITEM(key.get(), static_cast<Py_ssize_t>(i), Py_NewRef(arguments[i]));
    return key;
}

// Is the result of a call with these keyword arguments there by now? The key is a tuple of the
// positional ones, an object that nobody else has, and names and values in turn.
bool knows(PyObject *cache, const std::vector<PyObject *> &arguments, PyObject *names) {
    const auto count = static_cast<Py_ssize_t>(arguments.size());
    const Py_ssize_t positional = count - PyTuple_GET_SIZE(names);
    const auto is_key = [&](PyObject *key) {
        if (!PyTuple_CheckExact(key) ||
            PyTuple_GET_SIZE(key) != positional + 1 + 2 * PyTuple_GET_SIZE(names) ||
            !Py_IS_TYPE(PyTuple_GET_ITEM(key, positional), &PyBaseObject_Type))
            return false;
        for (Py_ssize_t i = 0; i < count; ++i) {
            const Py_ssize_t value = i < positional ? i : positional + 2 + 2 * (i - positional);
            PyObject *const each = PyTuple_GET_ITEM(key, value);
            if (!is_key_in_c(each) ||
                PyObject_RichCompareBool(each, arguments[static_cast<std::size_t>(i)], Py_EQ) != 1)
                return false;
            if (i >= positional && PyUnicode_Compare(PyTuple_GET_ITEM(key, value - 1),
                                                     PyTuple_GET_ITEM(names, i - positional)) != 0)
                return false;
        }
        return true;
    };
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(cache, &at, &key, &value);)
        if (is_key(key)) return true;
    return false;
}

} // namespace

bool is_cached_function(PyObject *callable) {
    return std::string_view(Py_TYPE(callable)->tp_name) == type_name;
}

Verdict through_cache(const CallOperands &call, const Inner &inner) {
    PyTypeObject *type = Py_TYPE(call.callable);
    const ElwField *function = field_of(type_name, type, "function");
    const ElwField *cache = field_of(type_name, type, "cache");
    const ElwField *typed = field_of(type_name, type, "typed");
    if (function == nullptr || cache == nullptr || typed == nullptr || !call.known() ||
        field_at<int>(call.callable, typed->offset) != 0)
        return no("a cached function");
    std::vector<PyObject *> arguments;
    for (int i = 0; i < call.count; ++i) {
        arguments.push_back(call.argument(i));
        if (arguments.back() == nullptr || !is_key_in_c(arguments.back()))
            return no("a cached function whose key is compared by Python code");
    }
    const Verdict inside = called_again({field_at(call.callable, function->offset), nullptr,
                                         arguments.data(), call.count, call.names},
                                        inner);
    if (!inside.ok) return inside;
    if (inside.counted != nullptr) return no("a cached function around a cached function");
    if (inside.declined[0] != nullptr) return no("a cached function around a comparison");
    if (inside.looked_up[0] != nullptr) return no("a cached function around a lookup");
    PyObject *const results = field_at(call.callable, cache->offset);
    bool known = true;
    if (call.names != nullptr) {
        known = knows(results, arguments, call.names);
    } else if (const Ref key = key_of(arguments)) {
        known = PyDict_GetItemWithError(results, key.get()) != nullptr;
    }
    if (PyErr_Occurred()) PyErr_Clear();
    if (known) return no("a cached function whose result is there by now");
    Verdict verdict = yes(Delivery::reexecute);
    verdict.counted = call.callable;
    return verdict;
}

SavedCall save_cached_call(PyObject *callable) {
    SavedCall call;
    call.name = saved_name;
    call.slots.push_back(Ref::share(callable));
    return call;
}

void take_back_miss(std::vector<SavedCall> &calls) {
    const auto found = std::find_if(calls.begin(), calls.end(),
                                    [](const SavedCall &each) { return each.name == saved_name; });
    if (found == calls.end()) return;
    const SavedCall call = std::move(*found);
    calls.erase(found);
    if (call.slots.empty() || !call.slots[0] || !is_cached_function(call.slots[0].get())) return;
    PyObject *callable = call.slots[0].get();
    const ElwField *misses = field_of(type_name, Py_TYPE(callable), "misses");
    if (misses != nullptr) --field_at<Py_ssize_t>(callable, misses->offset);
}

} // namespace elsewhere::frame
