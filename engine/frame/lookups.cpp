#include "engine/frame/lookups.hpp"

#include <algorithm>
#include <optional>

#include "engine/cpython/object_abi.h"
#include "engine/frame/membership.hpp"
#include "engine/frame/special_methods.hpp"

namespace elsewhere::frame {

namespace {

constexpr const char *saved_name = "lookup";
enum { container_slot = 0, key_slot = 1, there_slot = 2 };

// Sets, and dicts whose method is that of dict.
bool looks_up_in_c(PyObject *container, const char *method) {
    if (container == nullptr) return false;
    if (PyAnySet_CheckExact(container)) return true;
    return PyDict_Check(container) && (method == nullptr || lookup(Py_TYPE(container), method) ==
                                                                lookup(&PyDict_Type, method));
}

// Calls see(key, hash) for each key or member; the strings of a dict of strings are left out.
template <typename See> void each_key(PyObject *container, See see) {
    PyObject *key = nullptr;
    Py_hash_t hash = 0;
    if (PyDict_Check(container)) {
        for (Py_ssize_t at = 0; elw_dict_next(container, &at, &key, &hash);) see(key, hash);
        return;
    }
    auto *set = reinterpret_cast<PySetObject *>(container);
    for (Py_ssize_t i = 0; i <= set->mask; ++i)
        if (set->table[i].key != nullptr && set->table[i].hash != -1)
            see(set->table[i].key, set->table[i].hash);
}

// The hash that `container` has of `there`, if no other key has it, too.
std::optional<Py_hash_t> hash_alone(PyObject *container, PyObject *there) {
    std::optional<Py_hash_t> found;
    each_key(container, [&](PyObject *key, Py_hash_t hash) {
        if (key == there) found = hash;
    });
    int count = 0;
    each_key(container, [&](PyObject *, Py_hash_t hash) { count += found && hash == *found; });
    return count == 1 ? found : std::nullopt;
}

// ---- the answer ---------------------------------------------------------------------------------

struct Answer {
    Ref key;
    Py_hash_t hash = 0;
    hashfunc original = nullptr;
};
Answer answer;

void take_back() {
    Py_TYPE(answer.key.get())->tp_hash = answer.original;
    answer = Answer{};
}

Py_hash_t hash_known(PyObject *self) {
    if (self != answer.key.get()) return answer.original(self);
    const Py_hash_t hash = answer.hash;
    take_back();
    return hash;
}

} // namespace

Verdict through_lookup(PyObject *container, PyObject *key, const Inner &inner, const char *what,
                       const char *method) {
    const Verdict refused = no(std::string(what) + " is calling Python from C");
    if (is_method_of(key, inner, {"__hash__"}))
        return looks_up_in_c(container, method) ? yes(Delivery::reexecute) : refused;
    if (key == nullptr || inner.generator != nullptr) return refused;
    PyObject *there = inner.first == key    ? inner.second
                      : inner.second == key ? inner.first
                                            : nullptr;
    if (there == nullptr || there == key || !looks_up_in_c(container, method)) return refused;
    const bool answers = PyType_HasFeature(Py_TYPE(key), Py_TPFLAGS_HEAPTYPE) != 0;
    const bool tuples = PyTuple_CheckExact(key) && compares_sequences(there, key, inner);
    if (!answers && !tuples && !hashes_in_c(key)) return refused;
    Verdict verdict =
        tuples ? yes(Delivery::reexecute) : through_comparison(Py_EQ, there, key, inner);
    if (!verdict.ok) return refused;
    if (!hash_alone(container, there)) return no("keys with the same hash are being compared");
    if (answers || tuples) verdict.looked_up = {container, key, there};
    return verdict;
}

SavedCall save_lookup(const Verdict &verdict) {
    SavedCall call;
    call.name = saved_name;
    for (PyObject *each : verdict.looked_up) call.slots.push_back(Ref::share(each));
    return call;
}

void answer_hash(std::vector<SavedCall> &calls) {
    const auto found = std::find_if(calls.begin(), calls.end(),
                                    [](const SavedCall &each) { return each.name == saved_name; });
    if (found == calls.end()) return;
    SavedCall call = std::move(*found);
    calls.erase(found);
    for (std::size_t slot : {container_slot, key_slot, there_slot})
        if (call.slots.size() <= slot || !call.slots[slot]) return; // the hash runs: told then
    PyObject *container = call.slots[container_slot].get();
    if (!PyDict_Check(container) && !PyAnySet_Check(container)) return;
    const auto hash = hash_alone(container, call.slots[there_slot].get());
    if (!hash) return;
    if (answer.key) take_back(); // of one that was never asked for
    answer.key = std::move(call.slots[key_slot]);
    answer.hash = *hash;
    PyTypeObject *type = Py_TYPE(answer.key.get());
    answer.original = type->tp_hash;
    type->tp_hash = hash_known;
}

bool hash_answered() {
    if (!answer.key) return true;
    take_back();
    return false;
}

} // namespace elsewhere::frame
