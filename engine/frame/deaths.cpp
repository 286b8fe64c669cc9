#include "engine/frame/deaths.hpp"

#include <algorithm>

#include "engine/frame/c_calls.hpp"
#include "engine/frame/special_methods.hpp"
#include "engine/frame/tracing.hpp"

namespace elsewhere::frame {

namespace {

using Calls = std::vector<std::uintptr_t>;

struct Sample {
    int opcode;
    Calls calls;
    bool value_taken; // of an assignment: what is assigned is no more on the stack
};

// Each `kind()` dies in another instruction, often enough for the interpreter to specialise it.
// `value` is what takes its place.
constexpr const char *experiment = R"(
class Plain:
    def __del__(self):
        note()

class Closing(Plain):
    def __del__(self):
        __class__
        note()

class Given:
    def __del__(self, note=note):
        note()

class Holder:
    pass

class Slotted:
    __slots__ = ("a",)

def run(kind):
    global g
    c = 0
    def cell():
        return c
    holder, other, slotted, table, row = Holder(), Holder(), Slotted(), {}, [0]
    other.__dict__
    made, mixed = Holder(), Holder()
    made.__dict__, mixed.__dict__ = {}, {1: 1}
    for turn in range(40):
        kind()
        x = kind()
        x = turn
        other.b = 0
        x = kind()
        x = 0
        holder.b = 0
        x = y = kind()
        x, y = 0, 0
        x = kind()
        x, y = 0, 0
        x = kind()
        del x
        c = kind()
        c = 0
        c = kind()
        del c
        g = kind()
        g = value
        g = kind()
        del g
        for owner in holder, other, made, mixed:
            owner.a = kind()
            owner.a = value
            owner.a = kind()
            del owner.a
        holder.a = kind()
        holder.a = value
        del holder.a
        slotted.a = kind()
        slotted.a = value
        slotted.a = kind()
        del slotted.a
        for key in "a", kind:
            table[key] = kind()
            table[key] = value
            table[key] = kind()
            del table[key]
        row[0] = kind()
        row[0] = value
        row[0] = kind()
        del row[0]
        row[:] = kind(), 0
        del row[0]

def once(kind):
    class Fresh:
        pass
    slotted, table, row = Slotted(), {}, [0]
    for holder in Fresh(), Fresh(), Holder():
        holder.a = kind()
        holder.a = value
        holder.a = 0
    for holder in Fresh(), Holder():
        holder.a = kind()
        del holder.a
    slotted.a = kind()
    slotted.a = value
    del slotted.a
    table["a"] = kind()
    table["a"] = value
    del table["a"]
    row[0] = kind()
    row[0] = value
    row[0] = 0

for kind in Plain, Closing, Given:
    run(kind)
    once(kind)
    for turn in range(3):
        n = kind()
        n = value
        n = kind()
        del n
    class Body:
        n = kind()
        n = value
        n = kind()
        del n
)";

class Experiment {
  public:
    const std::vector<Sample> &samples() {
        if (!done_) run();
        return samples_;
    }

  private:
    void run();
    static PyObject *note(PyObject *self, PyObject *);
    void take(PyThreadState *thread);

    bool done_ = false;
    Ref value_;
    Py_ssize_t references_ = 0; // to the value, while nobody has stored it
    CodeMaps *maps_ = nullptr;
    std::vector<Sample> samples_;
};

Experiment the_experiment;

bool takes_place(ElwOp op) {
    return op == ELW_OP_STORE_NAME || op == ELW_OP_STORE_ATTRIBUTE || op == ELW_OP_STORE_SUBSCRIPT;
}

int depth_behind(const Instruction &instruction) {
    return instruction.depth + elw_stack_effect(instruction.opcode, instruction.oparg, 0);
}

PyObject *Experiment::note(PyObject *, PyObject *) {
    the_experiment.take(PyThreadState_Get());
    return Py_NewRef(Py_None);
}

void Experiment::take(PyThreadState *thread) {
    ElwEntry entry = ELW_ENTERED_FROM_C;
    PyObject *instance = nullptr;
    ElwFrame *inner = elw_innermost(thread);
    ElwFrame *outer = inner == nullptr ? nullptr : elw_outer(inner, &entry, &instance);
    if (maps_ == nullptr || outer == nullptr || entry != ELW_ENTERED_FROM_C) return;
    const CodeMap &map = maps_->of(elw_code(outer));
    const int at = map.start(elw_in_flight(outer));
    const std::optional<Calls> calls = c_calls_between(thread, outer, inner, 0);
    if (at < 0 || !calls) return;
    const Instruction &instruction = map.at(at);
    Sample sample{instruction.opcode, *calls, false};
    if (takes_place(instruction.op) &&
        elw_get(elw_stack(outer)[depth_behind(instruction)]) == value_.get())
        sample.value_taken = Py_REFCNT(value_.get()) == references_ + 1;
    const bool known = std::any_of(samples_.begin(), samples_.end(), [&](const Sample &each) {
        return each.opcode == sample.opcode && each.calls == sample.calls &&
               each.value_taken == sample.value_taken;
    });
    if (!known) samples_.push_back(std::move(sample));
}

void Experiment::run() {
    const Untraced untraced;
    done_ = true;
    static PyMethodDef method = {"note", note, METH_NOARGS, nullptr};
    const int collecting = PyGC_Disable(); // would run finalizers of the program's
    CodeMaps maps;
    maps_ = &maps;
    Ref code = Ref::steal(Py_CompileString(experiment, "<elsewhere>", Py_file_input));
    Ref names = Ref::steal(PyDict_New());
    Ref function = Ref::steal(PyCFunction_New(&method, nullptr));
    value_ =
        Ref::steal(PyObject_CallObject(reinterpret_cast<PyObject *>(&PyBaseObject_Type), nullptr));
    Ref name = Ref::steal(PyUnicode_FromString("elsewhere"));
    const bool ready =
        code && names && function && value_ && name &&
        PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins()) == 0 &&
        PyDict_SetItemString(names.get(), "__name__", name.get()) == 0 &&
        PyDict_SetItemString(names.get(), "note", function.get()) == 0 &&
        PyDict_SetItemString(names.get(), "value", value_.get()) == 0;
    if (ready) {
        references_ = Py_REFCNT(value_.get());
        Ref result = Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()));
        PyDict_Clear(names.get());
    }
    PyErr_Clear(); // without samples, deaths are refused
    maps_ = nullptr;
    value_ = Ref();
    if (collecting) PyGC_Enable();
}

// An instruction that does nothing else may stand in many places of the eval loop.
bool cannot_fail(ElwOp op) { return op >= ELW_OP_POP && op < ELW_OP_DELETE; }

bool alike(const Calls &some, const Calls &others) {
    return some.size() == others.size() && std::equal(some.begin(), some.end() - 1, others.begin());
}

// Is one of the places of the frame, variables and those of its stack below `depth`, the object's?
// They may hold what is gone: they are only compared.
bool holds(ElwFrame *frame, int depth, const PyObject *object) {
    const ElwSlot *end = elw_stack(frame) + depth;
    for (const ElwSlot *slot = elw_variables(frame); slot != end; ++slot)
        if (elw_get(*slot) == object) return true;
    return false;
}

// Of a deletion or assignment of an item: does the container drop one object, and nothing after it?
bool is_single_item(PyObject *container, PyObject *key) {
    if (container == nullptr || key == nullptr) return false;
    return PyDict_CheckExact(container) || (PyList_CheckExact(container) && PyLong_CheckExact(key));
}

} // namespace

Death death_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at,
               ElwFrame *inner_frame, const Inner &inner, std::size_t inside) {
    const Instruction &instruction = map.at(at);
    if (instruction.op < ELW_OP_POP && instruction.op != ELW_OP_STORE_ATTRIBUTE &&
        instruction.op != ELW_OP_DELETE_ATTRIBUTE && instruction.op != ELW_OP_STORE_SUBSCRIPT &&
        instruction.op != ELW_OP_DELETE_SUBSCRIPT)
        return {};
    if (inner.generator != nullptr || !is_method_of(inner.first, inner, {"__del__"}) ||
        !PyObject_IS_GC(inner.first) || PyObject_GC_IsFinalized(inner.first) != 0)
        return {};
    const int behind = depth_behind(instruction);
    const int saved = elw_saved_depth(outer);
    ElwSlot *stack = elw_stack(outer);
    Death death{inner.first, behind, -1, -1};
    // What is on the stack is not looked into before it is known what happens.
    const std::optional<Calls> calls = c_calls_between(thread, outer, inner_frame, inside);
    if (!calls) return {};
    const Sample *sample = nullptr;
    for (const Sample &each : the_experiment.samples())
        if (each.opcode == instruction.opcode &&
            (each.calls == *calls || (cannot_fail(instruction.op) && alike(each.calls, *calls)))) {
            // Taken in one case and not in another?
            if (sample != nullptr && sample->value_taken != each.value_taken) return {};
            sample = &each;
        }
    if (sample == nullptr) return {};
    // An exception drops what is on the stack, or in variables: there it would be.
    const bool moves = cannot_fail(instruction.op);
    const int below = instruction.op == ELW_OP_STORE_TWO ? behind : instruction.depth - 1;
    if (holds(outer, moves ? below : instruction.depth, death.object)) return {};
    const auto variable = [&](int n) { return elw_get(elw_variables(outer)[n]); };
    switch (instruction.op) {
    case ELW_OP_POP:
        if (elw_get(stack[instruction.depth - 1]) != death.object) return {};
        break;
    case ELW_OP_STORE: break;
    case ELW_OP_STORE_LOAD:
        death.kept = instruction.depth - 1;
        death.loaded = instruction.oparg & 15;
        if (variable(death.loaded) == nullptr) return {};
        break;
    case ELW_OP_STORE_TWO: {
        // Has the other one been stored as well? If it is there already, that comes to the same.
        const bool both = variable(instruction.oparg & 15) == elw_get(stack[behind]);
        death.kept = both ? behind : behind + 1;
        break;
    }
    default:
        death.kept = instruction.depth;
        if (sample->value_taken) death.taken = behind;
        // Whoever has dropped the operands already was made for one item.
        if ((instruction.op == ELW_OP_STORE_SUBSCRIPT ||
             instruction.op == ELW_OP_DELETE_SUBSCRIPT) &&
            (!elw_facts.saves_depth_in_c || saved == instruction.depth) &&
            !is_single_item(elw_get(stack[instruction.depth - 2]),
                            elw_get(stack[instruction.depth - 1])))
            return {};
        break;
    }
    if (elw_facts.saves_depth_in_c) {
        const int pushed = death.loaded >= 0 ? 1 : 0;
        if (saved < behind - pushed || saved > instruction.depth) return {};
        death.kept = saved;
        death.taken = -1;
    }
    return death;
}

bool is_called_finalizer(PyCodeObject *code, const CodeMap &map, int at, const ElwSlot *stack,
                         const Inner &inner) {
    const CallOperands call = call_operands(code, map, at, stack);
    if (call.callable == nullptr || inner.first == nullptr) return false;
    if (call.callable == inner.first && call.arguments != nullptr) // self, of a bound method
        return PyUnicode_CompareWithASCIIString(
                   attribute_at(code, map, at, call.arguments - 1 - stack), "__del__") == 0;
    return PyFunction_Check(call.callable) && runs(call.callable, inner) && call.known() &&
           call.count > 0 && call.argument(0) == inner.first;
}

void end_of_death(PyThreadState *thread, ElwFrame *frame, Ref object, PyObject *result) {
    elw_link(thread, frame);
    if (result == nullptr) elw_report_failed(lookup(Py_TYPE(object.get()), "__del__"));
    Py_XDECREF(result);
    elw_set_finalized(object.get());
    object = Ref();
    elw_unlink(thread, frame);
}

} // namespace elsewhere::frame
