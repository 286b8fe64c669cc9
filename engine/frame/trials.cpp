#include "engine/frame/trials.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>

#include "engine/cpython/object_abi.h"
#include "engine/cpython/ref.hpp"
#include "engine/frame/code_map.hpp"
#include "engine/frame/restore.hpp"
#include "engine/frame/tracing.hpp"
#include "engine/frame/trial_program.hpp"

namespace elsewhere::frame {

namespace {

// Calls of Python functions are none of C's.
const bool is_inline = elw_loop_function() == nullptr;

class Experiment {
  public:
    explicit Experiment(Trials &trials) : trials_(trials) { current_ = this; }
    ~Experiment() { current_ = nullptr; }
    Experiment(const Experiment &) = delete;
    Experiment &operator=(const Experiment &) = delete;

    void run();

  private:
    static PyObject *note(PyObject *self, PyObject *);
    static PyObject *leaving(PyObject *self, PyObject *deaths);
    static PyObject *destroying(PyObject *self, PyObject *both);
    static PyObject *yielding(PyObject *self, PyObject *value);
    static PyObject *entering(PyObject *self, PyObject *both);
    void take(PyThreadState *thread);
    void take_leave(const Instruction &instruction, CCalls calls, PyObject *object);
    void take_container(const Instruction &instruction, CCalls calls, PyObject *object);
    void take_yield(const Instruction &instruction, CCalls calls, PyObject *object);
    bool run_in(PyObject *names);

    static Experiment *current_;
    Trials &trials_;
    CodeMaps maps_;
    Ref value_;
    Py_ssize_t references_ = 0;     // to the value, while nobody has stored it
    ElwFrame *leaving_ = nullptr;   // the frame whose variables die next
    long deaths_ = 0;               // how many of them still
    int place_ = -1;                // of the last of them
    PyObject *container_ = nullptr; // what it is that dies, where it is no frame
    PyObject *dict_ = nullptr;      // and its dict
    Kind kind_ = Kind::none;
    PyObject **values_ = nullptr; // of an instance that keeps them in itself
    bool entered_ = false;        // the frame, by us
    PyObject *yielded_ = nullptr; // what the instruction has come to, whose operand dies next
};

Experiment *Experiment::current_ = nullptr;

bool takes_place(ElwOp op) {
    return op == ELW_OP_STORE_NAME || op == ELW_OP_STORE_ATTRIBUTE || op == ELW_OP_STORE_SUBSCRIPT;
}

PyObject *Experiment::note(PyObject *, PyObject *) {
    if (current_ != nullptr) current_->take(PyThreadState_Get());
    return Py_NewRef(Py_None);
}

PyObject *Experiment::leaving(PyObject *, PyObject *deaths) {
    if (current_ != nullptr) {
        current_->leaving_ = elw_innermost(PyThreadState_Get());
        current_->container_ = nullptr;
        current_->deaths_ = PyLong_AsLong(deaths);
    }
    return Py_NewRef(Py_None);
}

PyObject *Experiment::destroying(PyObject *, PyObject *both) {
    if (current_ != nullptr) {
        current_->container_ = PyTuple_GET_ITEM(both, 0);
        current_->dict_ = PyTuple_GET_ITEM(both, 1);
        current_->kind_ = current_->dict_ != Py_None ? Kind::owner : kind_of(current_->container_);
        Py_ssize_t count = 0;
        current_->values_ =
            current_->kind_ == Kind::values ? elw_values(current_->container_, &count) : nullptr;
        current_->deaths_ = 3;
    }
    return Py_NewRef(Py_None);
}

PyObject *Experiment::yielding(PyObject *, PyObject *value) {
    if (current_ != nullptr) current_->yielded_ = value;
    return Py_NewRef(Py_None);
}

PyObject *Experiment::entering(PyObject *, PyObject *both) {
    PyObject *function = PyTuple_GET_ITEM(both, 0);
    PyObject *kind = PyTuple_GET_ITEM(both, 1);
    if (current_ != nullptr) current_->entered_ = true;
    PyObject *result = enter_code(PyFunction_GET_CODE(function), PyFunction_GET_GLOBALS(function),
                                  nullptr, &kind, 1, nullptr, nullptr);
    if (current_ != nullptr) current_->entered_ = false;
    return result;
}

void Experiment::take(PyThreadState *thread) {
    ElwEntry entry = ELW_ENTERED_FROM_C;
    PyObject *instance = nullptr;
    ElwFrame *inner = elw_innermost(thread);
    ElwFrame *outer = inner == nullptr ? nullptr : elw_outer(inner, &entry, &instance);
    if (outer == nullptr || entry != ELW_ENTERED_FROM_C) return;
    const CodeMap &map = maps_.of(elw_code(outer));
    int at = map.start(elw_in_flight(outer));
    if (at >= 0 && map.at(at).op == ELW_OP_PRECALL) at = map.at(at).next;
    const auto *enter = reinterpret_cast<const void *>(&enter_code);
    std::optional<std::vector<CCall>> calls = entered_ ? c_calls_up_to(thread, enter, inner, 0)
                                                       : c_calls_between(thread, outer, inner, 0);
    if (at < 0 || !calls) return;
    const Instruction &instruction = map.at(at);
    if (deaths_ > 0 && container_ != nullptr)
        return take_container(instruction, *calls, elw_argument(inner, 0));
    if (deaths_ > 0) return take_leave(instruction, *calls, elw_argument(inner, 0));
    if (yielded_ != nullptr) return take_yield(instruction, *calls, elw_argument(inner, 0));
    const std::size_t own = length_of_death(*calls, elw_argument(inner, 0));
    if (own == 0) return;
    Addresses addresses = addresses_of(*calls);
    Addresses death(addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(own));
    if (std::find(trials_.deaths.begin(), trials_.deaths.end(), death) == trials_.deaths.end())
        trials_.deaths.push_back(std::move(death));
    addresses.erase(addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(own));
    Drop drop{instruction.opcode, std::move(addresses), false};
    if (takes_place(instruction.op) &&
        elw_get(elw_stack(outer)[depth_behind(instruction)]) == value_.get())
        drop.value_taken = Py_REFCNT(value_.get()) == references_ + 1;
    const bool known =
        std::any_of(trials_.drops.begin(), trials_.drops.end(), [&](const Drop &each) {
            return each.opcode == drop.opcode && each.calls == drop.calls &&
                   each.value_taken == drop.value_taken;
        });
    if (!known) trials_.drops.push_back(std::move(drop));
}

// What is needed of them is in all of these places, and in others by chance.
void keep_common(std::vector<Place> &known, const std::vector<Place> &places) {
    std::erase_if(known, [&](const Place &each) {
        return std::find(places.begin(), places.end(), each) == places.end();
    });
}

void Experiment::take_yield(const Instruction &instruction, CCalls calls, PyObject *object) {
    PyObject *value = std::exchange(yielded_, nullptr);
    const std::size_t own = length_of_death(calls, object);
    if (own == 0) return;
    calls = calls.subspan(own);
    Yield yield{instruction.opcode, shape_of(calls), places_of(calls, value)};
    for (Yield &each : trials_.yields)
        if (each.opcode == yield.opcode && each.shape == yield.shape)
            return keep_common(each.value, yield.value);
    trials_.yields.push_back(std::move(yield));
}

void Experiment::take_leave(const Instruction &instruction, CCalls calls, PyObject *object) {
    const int place = place_in(leaving_, object);
    if (deaths_-- == 1) trials_.variables = order_of(trials_.variables, place_, place);
    place_ = place;
    const std::size_t own = length_of_death(calls, object);
    ElwEntry entry = ELW_ENTERED_FROM_C;
    PyObject *instance = nullptr;
    elw_outer(leaving_, &entry, &instance);
    if (own == 0 || (is_inline && entry == ELW_ENTERED_FROM_C && !entered_)) return;
    calls = calls.subspan(own);
    const int opcode = entered_ ? entered_by_us : is_inline ? 0 : instruction.opcode;
    Leave leave{opcode, shape_of(calls), places_of(calls, leaving_)};
    for (Leave &each : trials_.leaves)
        if (each.opcode == leave.opcode && each.shape == leave.shape)
            return keep_common(each.frame, leave.frame);
    trials_.leaves.push_back(std::move(leave));
}

void Experiment::take_container(const Instruction &instruction, CCalls calls, PyObject *object) {
    const bool owner = kind_ == Kind::owner;
    const bool first = deaths_-- == 3;
    if (kind_ == Kind::none || (owner && dict_ == Py_None)) return; // it has made a dict
    const std::vector<PyObject *> places =
        contents(owner ? Kind::dict : kind_, owner ? dict_ : container_, values_);
    const auto found = std::find(places.begin(), places.end(), object);
    const int place = found == places.end() ? -1 : static_cast<int>(found - places.begin());
    const int before = std::exchange(place_, place);
    const std::size_t own = length_of_death(calls, object);
    if (own == 0) return;
    calls = calls.subspan(own);
    // What is known to drop a single object drops the container here.
    std::size_t end = 0;
    const Addresses all = addresses_of(calls);
    for (const Drop &each : trials_.drops)
        if (each.opcode == instruction.opcode && each.calls.size() < all.size() &&
            std::equal(each.calls.rbegin(), each.calls.rend(), all.rbegin()))
            end = all.size() - each.calls.size();
    if (end == 0) return;
    calls = calls.first(end);
    Container container{kind_, shape_of(calls), places_of(calls, container_), {}, Order::unknown};
    if (owner) container.holder = places_of(calls, dict_);
    if (values_ != nullptr) container.holder = places_of(calls, values_);
    auto known = std::find_if(
        trials_.containers.begin(), trials_.containers.end(),
        [&](const Container &each) { return each.kind == kind_ && each.shape == container.shape; });
    if (known == trials_.containers.end()) {
        trials_.containers.push_back(std::move(container));
        known = trials_.containers.end() - 1;
    } else {
        keep_common(known->itself, container.itself);
        keep_common(known->holder, container.holder);
    }
    if (first) return;
    known->order = order_of(known->order, before, place);
    // Is what comes behind it seen, and no more?
    const auto behind = behind_in(places, known->order, object);
    if (!behind || behind->size() != static_cast<std::size_t>(deaths_)) known->order = Order::none;
}

bool Experiment::run_in(PyObject *names) {
    static PyMethodDef noting = {"note", note, METH_NOARGS, nullptr};
    static PyMethodDef saying = {"leaving", leaving, METH_O, nullptr};
    static PyMethodDef going = {"entering", entering, METH_VARARGS, nullptr};
    static PyMethodDef giving = {"yielding", yielding, METH_O, nullptr};
    static PyMethodDef telling = {"destroying", destroying, METH_VARARGS, nullptr};
    auto *object = reinterpret_cast<PyObject *>(&PyBaseObject_Type);
    Ref code = Ref::steal(Py_CompileString(experiment, "<elsewhere>", Py_file_input));
    Ref noted = Ref::steal(PyCFunction_New(&noting, nullptr));
    Ref said = Ref::steal(PyCFunction_New(&saying, nullptr));
    Ref told = Ref::steal(PyCFunction_New(&telling, nullptr));
    Ref gone = Ref::steal(PyCFunction_New(&going, nullptr));
    Ref given = Ref::steal(PyCFunction_New(&giving, nullptr));
    value_ = Ref::steal(PyObject_CallObject(object, nullptr));
    Ref name = Ref::steal(PyUnicode_FromString("elsewhere"));
    const bool ready = code && noted && said && told && given && gone && value_ && name &&
                       PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0 &&
                       PyDict_SetItemString(names, "__name__", name.get()) == 0 &&
                       PyDict_SetItemString(names, "note", noted.get()) == 0 &&
                       PyDict_SetItemString(names, "leaving", said.get()) == 0 &&
                       PyDict_SetItemString(names, "destroying", told.get()) == 0 &&
                       PyDict_SetItemString(names, "entering", gone.get()) == 0 &&
                       PyDict_SetItemString(names, "yielding", given.get()) == 0 &&
                       PyDict_SetItemString(names, "new", object) == 0 &&
                       PyDict_SetItemString(names, "inline", is_inline ? Py_True : Py_False) == 0 &&
                       PyDict_SetItemString(names, "value", value_.get()) == 0;
    if (!ready) return false;
    references_ = Py_REFCNT(value_.get());
    return static_cast<bool>(Ref::steal(PyEval_EvalCode(code.get(), names, names)));
}

void Experiment::run() {
    const Untraced untraced;
    const int collecting = PyGC_Disable(); // would run finalizers of the program's
    Ref names = Ref::steal(PyDict_New());
    const bool done = names && run_in(names.get());
    if (!done) PyErr_Clear(); // of a trial: what it has not come to is refused
    if (names) PyDict_Clear(names.get());
    value_ = Ref();
    if (collecting) PyGC_Enable();
}

// Handlers of signals, and whatever else waits for the main thread, would be called in between, and
// what they raise would be lost. Another thread is left alone by them, as it is by trace functions.
bool in_another_thread(void (*work)()) {
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
    std::optional<std::thread> thread;
    try {
        thread.emplace([work] {
            const PyGILState_STATE state = PyGILState_Ensure();
            work();
            PyGILState_Release(state);
        });
    } catch (const std::system_error &) {
        thread.reset(); // there is no room for one
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!thread) return false;
    PyThreadState *own = PyEval_SaveThread();
    thread->join();
    PyEval_RestoreThread(own);
    return true;
}

Trials the_trials;

} // namespace

int depth_behind(const Instruction &instruction) {
    return instruction.depth + elw_stack_effect(instruction.opcode, instruction.oparg, 0);
}

bool cannot_fail(ElwOp op) { return op >= ELW_OP_POP && op < ELW_OP_DELETE; }

std::size_t length_of_death(CCalls calls, PyObject *object) {
    const auto destroys = reinterpret_cast<std::uintptr_t>(Py_TYPE(object)->tp_dealloc);
    for (std::size_t i = 0; i + 1 < calls.size(); ++i)
        if (calls[i].function == destroys) return i + 1;
    return 0;
}

int place_in(ElwFrame *frame, const PyObject *object) {
    const int count = elw_variable_count(elw_code(frame));
    for (int i = 0; i < count; ++i)
        if (elw_get(elw_variables(frame)[i]) == object) return i;
    return -1;
}

const Trials &trials() {
    static bool done = false;
    if (!done) done = in_another_thread([] { Experiment(the_trials).run(); });
    return the_trials;
}

} // namespace elsewhere::frame
