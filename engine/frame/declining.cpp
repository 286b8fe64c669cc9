#include "engine/frame/declining.hpp"

#include <algorithm>

namespace elsewhere::frame {

namespace {

constexpr const char *saved_name = "declined";

struct Answer {
    Ref self;
    Ref other;
    int which = 0;
    richcmpfunc original = nullptr;
};
Answer answer;

void take_back() {
    Py_TYPE(answer.self.get())->tp_richcompare = answer.original;
    answer = Answer{};
}

PyObject *compare(PyObject *self, PyObject *other, int which) {
    if (self != answer.self.get() || other != answer.other.get() || which != answer.which)
        return answer.original(self, other, which);
    take_back();
    Py_RETURN_NOTIMPLEMENTED;
}

} // namespace

SavedCall save_declined(const Verdict &verdict) {
    SavedCall call;
    call.name = saved_name;
    call.number = verdict.declined_which;
    for (PyObject *each : verdict.declined) call.slots.push_back(Ref::share(each));
    return call;
}

void decline(std::vector<SavedCall> &calls) {
    const auto found = std::find_if(calls.begin(), calls.end(),
                                    [](const SavedCall &each) { return each.name == saved_name; });
    if (found == calls.end()) return;
    SavedCall call = std::move(*found);
    calls.erase(found);
    if (call.slots.size() < 2 || !call.slots[0] || !call.slots[1]) return; // other code runs: told
    if (!PyType_HasFeature(Py_TYPE(call.slots[0].get()), Py_TPFLAGS_HEAPTYPE)) return;
    if (answer.self) take_back(); // of one that was never asked
    answer.self = std::move(call.slots[0]);
    answer.other = std::move(call.slots[1]);
    answer.which = static_cast<int>(call.number);
    PyTypeObject *type = Py_TYPE(answer.self.get());
    answer.original = type->tp_richcompare;
    type->tp_richcompare = compare;
}

bool has_declined() {
    if (!answer.self) return true;
    take_back();
    return false;
}

} // namespace elsewhere::frame
