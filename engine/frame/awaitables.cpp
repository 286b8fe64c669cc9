#include "engine/frame/awaitables.hpp"

#include <algorithm>
#include <array>

#include "engine/frame/iterator_fields.hpp"

namespace elsewhere::frame {

PyObject *referent(PyObject *object, int which) {
    struct Search {
        int left;
        PyObject *found;
    } search{which, nullptr};
    const traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if (traverse == nullptr) return nullptr;
    traverse(
        object,
        [](PyObject *each, void *place) {
            auto *search = static_cast<Search *>(place);
            if (PyType_Check(each)) return 0; // a heap type's objects refer to it
            if (search->left-- > 0) return 0;
            search->found = each;
            return 1; // no further
        },
        &search);
    return search.found;
}

namespace {

// Types of C whose objects, when they are sent to or asked for the next item, send to or ask
// another object before anything else, and keep nothing in C while that runs.
struct Transparent {
    std::string_view type;
    int source; // which of the objects that it refers to
};
// An iterator of two sources or of a function is such only while it asks the first source: `map`
// and `filter` say by an Activation when it is not.
constexpr std::array transparent = {
    Transparent{"async_generator_asend", 0},
    Transparent{"async_generator_athrow", 0},
    Transparent{"coroutine_wrapper", 0},
    Transparent{"anext_awaitable", 0},
    Transparent{"enumerate", 0},
    Transparent{"itertools.islice", 0},
    Transparent{"itertools.chain", 1}, // else its first one: where it gets the next source
};

// Others that keep nothing while they ask their source for its next item (while they call their
// function they do): what that is, their layouts tell.
constexpr std::array asking_source = {"itertools.accumulate", "itertools.cycle",
                                      "itertools.groupby"};

PyObject *source_of(PyObject *object) {
    const std::string_view type(Py_TYPE(object)->tp_name);
    const auto *found = std::find(asking_source.begin(), asking_source.end(), type);
    if (found == asking_source.end()) return nullptr;
    const ElwField *field = field_of(*found, Py_TYPE(object), "source");
    return field != nullptr ? field_at(object, field->offset) : nullptr;
}

} // namespace

bool passes_on_to(PyObject *awaitable, PyObject *generator) {
    for (int links = 0; awaitable != nullptr && links < 16; ++links) {
        if (awaitable == generator) return true;
        const std::string_view type(Py_TYPE(awaitable)->tp_name);
        const auto *found = std::find_if(transparent.begin(), transparent.end(),
                                         [&](const auto &each) { return each.type == type; });
        if (found == transparent.end()) {
            awaitable = source_of(awaitable);
            continue;
        }
        PyObject *source = referent(awaitable, found->source);
        awaitable = source != nullptr ? source : referent(awaitable, 0);
    }
    return false;
}

bool is_asyncio(PyObject *object, std::string_view name) {
    const std::string_view type(Py_TYPE(object)->tp_name);
    return type == name || (type.starts_with("_asyncio.") && type.substr(9) == name);
}

bool steps_task(PyObject *task, const Inner &inner) {
    if (task == nullptr || inner.generator == nullptr || !is_asyncio(task, "Task")) return false;
    Ref coroutine = Ref::steal(PyObject_CallMethod(task, "get_coro", nullptr));
    if (!coroutine) PyErr_Clear();
    return passes_on_to(coroutine.get(), inner.generator);
}

bool wakes_task(PyObject *task, PyObject *future, const Inner &inner) {
    return (is_asyncio(future, "Future") || is_asyncio(future, "Task")) && steps_task(task, inner);
}

PyObject *task_woken_by(PyObject *callable) {
    return is_asyncio(callable, "TaskWakeupMethWrapper") ? referent(callable, 0) : nullptr;
}

bool throws_into_task(const CallOperands &run, const Inner &inner) {
    if (!run.known() || run.names != nullptr || run.count != 2) return false;
    PyObject *callback = run.argument(0), *future = run.argument(1);
    PyObject *task =
        PyCFunction_Check(callback) ? PyCFunction_GET_SELF(callback) : task_woken_by(callback);
    if (!wakes_task(task, future, inner)) return false;
    Ref cancelled = Ref::steal(PyObject_CallMethod(future, "cancelled", nullptr));
    Ref failure = Ref::steal(PyObject_GetAttrString(future, "_exception"));
    if (!cancelled || !failure) PyErr_Clear();
    return cancelled.get() == Py_True || (failure && failure.get() != Py_None);
}

} // namespace elsewhere::frame
