#include "engine/frame/activation.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "engine/cpython/frame_abi.h"
#include "engine/frame/awaitables.hpp"
#include "engine/frame/comparisons.hpp"
#include "engine/frame/membership.hpp"
#include "engine/frame/special_methods.hpp"

namespace elsewhere::frame {

namespace {

// How a phase is saved: with whose method a comparison is asking.
constexpr unsigned asked_shift = 28;
constexpr std::uint32_t phase_bits = (1u << asked_shift) - 1;

thread_local Activation *innermost = nullptr;

// Set by one frame just before it executes its instruction again, used up before anything else
// runs.
struct Resumption {
    ElwFrame *frame = nullptr;
    int begin = 0; // the units of that instruction
    int end = 0;
    std::vector<SavedCall> calls;
    std::size_t next = 0;
};
Resumption resumption;

bool is_resumed(ElwFrame *caller) {
    if (resumption.frame == nullptr || resumption.frame != caller) return false;
    const int at = elw_in_flight(caller);
    return at >= resumption.begin && at < resumption.end;
}

} // namespace

Activation::Activation(const char *name, const void *identity, PyObject *iterator)
    : name_(name), identity_(identity), iterator_(iterator),
      caller_(elw_innermost(PyThreadState_Get())), outer_(innermost) {
    innermost = this;
    if (!is_resumed(caller_)) return;
    SavedCall &saved = resumption.calls[resumption.next];
    if (saved.name != name) return; // whoever waits for it will say so
    for (std::size_t i = 0; i < slots.size() && i < saved.slots.size(); ++i)
        slots[i] = std::move(saved.slots[i]);
    number = saved.number;
    real = saved.real;
    rest = saved.rest;
    phase = static_cast<int>(saved.phase & phase_bits);
    asked_ = static_cast<Asked>(saved.phase >> asked_shift & 3);
    if (++resumption.next == resumption.calls.size()) resumption = Resumption{};
}

Activation::~Activation() { innermost = outer_; }

void Activation::begin(Step step, PyObject *subject, PyObject *const *arguments, int count,
                       int which) {
    subject_ = subject;
    arguments_ = arguments;
    count_ = count;
    which_ = which;
    step_ = step;
}

Ref Activation::next(std::size_t from) {
    begin(Step::next, slots[from].get());
    Ref item = Ref::steal(Py_TYPE(subject_)->tp_iternext(subject_));
    end();
    if (!item && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_StopIteration)) PyErr_Clear();
    return item;
}

bool Activation::iterate(std::size_t into, PyObject *iterable) {
    begin(Step::iterate, iterable);
    slots[into] = Ref::steal(PyObject_GetIter(iterable));
    end();
    return static_cast<bool>(slots[into]);
}

int Activation::truth(PyObject *of) {
    begin(Step::truth, of);
    const int result = PyObject_IsTrue(of);
    end();
    return result;
}

Ref Activation::call(PyObject *callable, PyObject *const *arguments, Py_ssize_t count) {
    begin(Step::call, callable, arguments, static_cast<int>(count));
    Ref result = Ref::steal(
        PyObject_Vectorcall(callable, arguments, static_cast<std::size_t>(count), nullptr));
    end();
    return result;
}

Ref Activation::compare_by(PyObject *of, PyObject *with, int which) {
    const richcmpfunc method = Py_TYPE(of)->tp_richcompare;
    if (method == nullptr) return Ref::share(Py_NotImplemented);
    begin(Step::compare, of, &with, 1, which);
    Ref result = Ref::steal(method(of, with, which));
    end();
    return result;
}

int Activation::compare(PyObject *left, PyObject *right, int which) {
    if (left == right && (which == Py_EQ || which == Py_NE)) return which == Py_EQ ? 1 : 0;
    const Ref result = rich(left, right, which);
    return result ? PyObject_IsTrue(result.get()) : -1;
}

Ref Activation::rich(PyObject *left, PyObject *right, int which) {
    static constexpr int swapped[] = {Py_GT, Py_GE, Py_EQ, Py_NE, Py_LT, Py_LE};
    static constexpr const char *signs[] = {"<", "<=", "==", "!=", ">", ">="};
    PyTypeObject *const l = Py_TYPE(left), *const r = Py_TYPE(right);
    const bool right_first = l != r && PyType_IsSubtype(r, l) != 0 && r->tp_richcompare != nullptr;
    const Asked begun = std::exchange(asked_, subclass);
    Ref result = Ref::share(Py_NotImplemented);
    for (Asked each : {subclass, left_one, right_one}) {
        if (each < begun || (each == subclass && !right_first) ||
            (each == right_one && right_first))
            continue;
        asked_ = each;
        result = each == left_one ? compare_by(left, right, which)
                                  : compare_by(right, left, swapped[which]);
        if (!result || result.get() != Py_NotImplemented) break;
    }
    asked_ = subclass;
    if (!result || result.get() != Py_NotImplemented) return result;
    if (which == Py_EQ || which == Py_NE)
        return Ref::steal(PyBool_FromLong((left == right) == (which == Py_EQ)));
    PyErr_Format(PyExc_TypeError, "'%s' not supported between instances of '%.100s' and '%.100s'",
                 signs[which], l->tp_name, r->tp_name);
    return {};
}

Ref Activation::add(PyObject *left, PyObject *right) {
    begin(Step::add, left, &right, 1);
    Ref result = Ref::steal(PyNumber_Add(left, right));
    end();
    return result;
}

Activations::Activations(ElwFrame *caller) {
    for (Activation *each = innermost; each != nullptr; each = each->outer_)
        if (each->caller_ == caller) found_.push_back(each);
    std::reverse(found_.begin(), found_.end());
}

Inner Activations::as_inner(const Activation &activation) {
    Inner inner;
    inner.builtin = activation.identity_;
    inner.generator = activation.iterator_;
    inner.first = activation.first_;
    inner.second = activation.second_;
    return inner;
}

Verdict Activations::leads_to(const Activation &activation, const Inner &inner) {
    PyObject *subject = activation.subject_;
    switch (activation.step_) {
    case Step::none: break;
    case Step::next:
        return reexecute_if(inner.generator != nullptr ? passes_on_to(subject, inner.generator)
                                                       : is_method_of(subject, inner, {"__next__"}),
                            activation.name_);
    case Step::iterate:
        return reexecute_if(is_method_of(subject, inner, {"__iter__"}), activation.name_);
    case Step::truth:
        return reexecute_if(is_method_of(subject, inner, {"__bool__", "__len__"}),
                            activation.name_);
    case Step::call:
        return called_again({subject, nullptr, activation.arguments_, activation.count_, nullptr},
                            inner);
    case Step::compare:
        if (compares_sequences(subject, activation.arguments_[0], inner))
            return yes(Delivery::reexecute);
        if (is_cmp_key(subject)) return through_cmp_key(subject, activation.arguments_[0], inner);
        return reexecute_if(compares_by(subject, activation.which_, inner), activation.name_);
    case Step::add: return through_binary(0, subject, activation.arguments_[0], inner);
    case Step::body: return reexecute_if(runs(subject, inner), "a class statement");
    }
    return no(std::string(activation.name_) + " is not at a place where it can be left");
}

Verdict Activations::lead_to(const Inner &inner) const {
    Verdict verdict;
    for (std::size_t i = 0; i < found_.size(); ++i) {
        verdict = leads_to(*found_[i], i + 1 < found_.size() ? as_inner(*found_[i + 1]) : inner);
        if (!verdict.ok) return verdict;
    }
    return verdict;
}

std::vector<SavedCall> Activations::save() const {
    std::vector<SavedCall> calls;
    for (const Activation *each : found_) {
        SavedCall call;
        call.name = each->name_;
        call.phase = static_cast<std::uint32_t>(each->phase) |
                     static_cast<std::uint32_t>(each->asked_) << asked_shift;
        call.number = each->number;
        call.real = each->real;
        call.rest = each->rest;
        for (const Ref &slot : each->slots) call.slots.push_back(slot.copy());
        calls.push_back(std::move(call));
    }
    return calls;
}

void resume_calls(ElwFrame *frame, int begin, int end, std::vector<SavedCall> &&calls) {
    resumption = Resumption{};
    if (!calls.empty()) resumption = {frame, begin, end, std::move(calls), 0};
}

bool call_is_resumed() {
    return resumption.frame != nullptr && is_resumed(elw_innermost(PyThreadState_Get()));
}

bool calls_resumed() { return resumption.frame == nullptr; }

} // namespace elsewhere::frame
