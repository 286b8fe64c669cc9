#include "engine/frame/deaths.hpp"

#include <algorithm>

#include "engine/frame/c_calls.hpp"
#include "engine/frame/restore.hpp"
#include "engine/frame/special_methods.hpp"
#include "engine/frame/trials.hpp"

namespace elsewhere::frame {

namespace {

bool alike(const Addresses &some, const Addresses &others) {
    return some.size() == others.size() && std::equal(some.begin(), some.end() - 1, others.begin());
}

// C has called it as a __del__.
bool is_unfinished_finalizer(const Inner &inner) {
    return inner.generator == nullptr && is_method_of(inner.first, inner, {"__del__"}) &&
           PyObject_IS_GC(inner.first) && PyObject_GC_IsFinalized(inner.first) == 0;
}

// What dies, as far as C's containers are at work on it.
struct Dying {
    std::vector<CCall> all;           // the calls between the two frames
    CCalls calls;                     // those that wait behind it; empty: nothing is known
    PyObject *outermost = nullptr;    // the object, or the container that it has died with
    std::vector<PyObject *> behind{}; // what is dropped then, in this order
};

// Leaves the container behind whose calls come next: false if there is none.
bool leave_container(Dying &dying, bool &unknown) {
    const Container *found = nullptr;
    std::size_t length = 0;
    for (const Container &each : trials().containers) {
        const std::size_t size = each.shape.size() / 2;
        if (size > length && size < dying.calls.size() &&
            shape_of(dying.calls.first(size)) == each.shape) {
            found = &each;
            length = size;
        }
    }
    if (found == nullptr) return false;
    PyObject *container = nullptr;
    const std::optional<std::vector<PyObject *>> behind =
        dropped_behind(*found, dying.calls.first(length), dying.outermost, container);
    unknown = !behind;
    if (unknown) return false;
    dying.behind.insert(dying.behind.end(), behind->begin(), behind->end());
    dying.outermost = container;
    dying.calls = dying.calls.subspan(length);
    return true;
}

// What `inner` is the __del__ of, and whatever else dies with it for certain. `calls`: those that
// wait for it.
Dying dying_of(PyThreadState *thread, const Inner &inner, std::optional<std::vector<CCall>> calls) {
    if (!calls) return {};
    Dying dying{std::move(*calls), {}, inner.first};
    const std::size_t own = length_of_death(dying.all, inner.first);
    const auto &deaths = trials().deaths;
    if (std::find(deaths.begin(), deaths.end(), addresses_of(CCalls(dying.all).first(own))) ==
        deaths.end())
        return {};
    dying.calls = CCalls(dying.all).subspan(own);
    bool unknown = false;
    while (leave_container(dying, unknown)) {
    }
    if (unknown || (dying.outermost != inner.first && elw_destroys_later(thread))) return {};
    return dying;
}

Dying dying_between(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner_frame,
                    const Inner &inner, std::size_t inside) {
    if (!is_unfinished_finalizer(inner)) return {};
    return dying_of(thread, inner, c_calls_between(thread, outer, inner_frame, inside));
}

// (object, value, what is dropped behind it …); without the value where there is none.
Ref tuple_of(PyObject *object, PyObject *value, const std::vector<PyObject *> &behind) {
    std::vector<PyObject *> all{object};
    if (value != nullptr) all.push_back(value);
    all.insert(all.end(), behind.begin(), behind.end());
    Ref tuple = Ref::checked(PyTuple_New(static_cast<Py_ssize_t>(all.size())));
    for (std::size_t i = 0; i < all.size(); ++i)
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), Py_NewRef(all[i]));
    return tuple;
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
    // What is on the stack is not looked into before it is known what happens.
    const Dying dying = dying_between(thread, outer, inner_frame, inner, inside);
    if (dying.calls.empty()) return {};
    const Addresses calls = addresses_of(dying.calls);
    const int behind = depth_behind(instruction);
    const int saved = elw_saved_depth(outer);
    ElwSlot *stack = elw_stack(outer);
    Death death;
    death.kept = behind;
    const Drop *sample = nullptr;
    for (const Drop &each : trials().drops)
        if (each.opcode == instruction.opcode &&
            (each.calls == calls || (cannot_fail(instruction.op) && alike(each.calls, calls)))) {
            // Taken in one case and not in another?
            if (sample != nullptr && sample->value_taken != each.value_taken) return {};
            sample = &each;
        }
    if (sample == nullptr) return {};
    // An exception drops what is on the stack, or in variables: there it would be.
    const bool moves = cannot_fail(instruction.op);
    const int below = instruction.op == ELW_OP_STORE_TWO ? behind : instruction.depth - 1;
    if (holds(outer, moves ? below : instruction.depth, dying.outermost)) return {};
    const auto variable = [&](int n) { return elw_get(elw_variables(outer)[n]); };
    switch (instruction.op) {
    case ELW_OP_POP:
        if (elw_get(stack[instruction.depth - 1]) != dying.outermost) return {};
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
    death.dying = tuple_of(inner.first, nullptr, dying.behind);
    return death;
}

namespace {

// What the frame, which is over, has returned: C holds it, and the place on the stack that it was
// taken from still shows it. Null: that cannot be told.
PyObject *returned_by(ElwFrame *frame, const CodeMap &map) {
    const int at = map.start(elw_in_flight(frame));
    if (at < 0 || map.at(at).op != ELW_OP_RETURN) return nullptr;
    if (map.at(at).depth == 1) return elw_get(elw_stack(frame)[0]);
    if (map.at(at).depth != 0) return nullptr;
    Ref constants = Ref::steal(
        PyObject_GetAttrString(reinterpret_cast<PyObject *>(elw_code(frame)), "co_consts"));
    if (!constants) PyErr_Clear();
    const bool there = constants && map.at(at).oparg < PyTuple_GET_SIZE(constants.get());
    return there ? PyTuple_GET_ITEM(constants.get(), map.at(at).oparg) : nullptr;
}

// What the frame drops once `object` is gone, in this order.
std::optional<std::vector<PyObject *>> dropped_by(ElwFrame *frame, const PyObject *object) {
    std::vector<PyObject *> variables;
    for (int i = 0; i < elw_variable_count(elw_code(frame)); ++i)
        variables.push_back(elw_get(elw_variables(frame)[i]));
    std::optional<std::vector<PyObject *>> behind =
        behind_in(variables, trials().variables, object);
    if (!behind) return std::nullopt;
    if (elw_facts.has_block_stack) {
        behind->push_back(elw_builtins(frame));
        behind->push_back(elw_globals(frame));
    }
    behind->push_back(elw_locals(frame));
    behind->push_back(elw_function(frame));
    behind->push_back(reinterpret_cast<PyObject *>(elw_code(frame)));
    std::erase(*behind, nullptr);
    return behind;
}

} // namespace

Ref leave_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at, CodeMaps &maps,
             ElwFrame *inner_frame, const Inner &inner, std::size_t inside) {
    const bool is_inline = elw_loop_function() == nullptr;
    const ElwOp op = map.at(at).op;
    // Before 3.11 a traced frame may fail as it returns, and drops a trace function of its own.
    const bool traced = thread->c_tracefunc != nullptr || thread->c_profilefunc != nullptr;
    if (!is_inline && ((op != ELW_OP_CALL && op != ELW_OP_CALL_KEYWORDS) || traced)) return {};
    if (!is_unfinished_finalizer(inner)) return {};
    if (op == ELW_OP_FOR_ITER || op == ELW_OP_SEND) return {};
    // A frame that we have rebuilt has an eval loop of its own.
    const Link *link = last_linked(outer);
    if (link != nullptr && link->delivery != Delivery::result &&
        link->delivery != Delivery::construct)
        return {};
    ElwFrame *loop = link != nullptr ? link->inner : outer;
    int opcode = is_inline ? 0 : map.at(at).opcode;
    Dying dying = dying_between(thread, loop, inner_frame, inner, inside);
    if (dying.calls.empty() && link != nullptr) { // it is over, and so is its eval loop
        opcode = entered_by_us;
        const auto *enter = reinterpret_cast<const void *>(&enter_code);
        dying = dying_of(thread, inner, c_calls_up_to(thread, enter, inner_frame, inside));
    }
    if (dying.calls.empty()) return {};
    const Addresses shape = shape_of(dying.calls);
    const auto &leaves = trials().leaves;
    const auto leave = std::find_if(leaves.begin(), leaves.end(), [&](const Leave &each) {
        return each.opcode == opcode && each.shape == shape;
    });
    if (leave == leaves.end()) return {};
    auto *frame = static_cast<ElwFrame *>(agreed(dying.calls, leave->frame));
    if (frame == nullptr || elw_generator(frame) != nullptr) return {};
    ElwEntry entry = ELW_ENTERED_FROM_C;
    PyObject *instance = nullptr;
    ElwFrame *caller = elw_outer(frame, &entry, &instance);
    if (link != nullptr) {
        if (frame != loop) return {};
        if (link->delivery == Delivery::construct) instance = link->constructed;
    } else if (caller != outer || (is_inline && entry == ELW_ENTERED_FROM_C)) {
        return {};
    } else if (!is_inline) { // C hands nothing but the function's own result on
        PyObject *called = call_operands(elw_code(outer), map, at, elw_stack(outer)).callable;
        if (called == nullptr || !PyFunction_Check(called) ||
            PyFunction_GET_CODE(called) != reinterpret_cast<PyObject *>(elw_code(frame)))
            return {};
    }
    PyObject *value = returned_by(frame, maps.of(elw_code(frame)));
    if (value == nullptr || value == inner.first) return {};
    if (instance != nullptr) {
        if (value != Py_None) return {};
        value = instance;
    }
    const std::optional<std::vector<PyObject *>> behind = dropped_by(frame, dying.outermost);
    if (!behind) return {};
    dying.behind.insert(dying.behind.end(), behind->begin(), behind->end());
    return tuple_of(inner.first, value, dying.behind);
}

Ref yield_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at,
             ElwFrame *inner_frame, const Inner &inner, std::size_t inside) {
    const Instruction &instruction = map.at(at);
    const bool calls = instruction.op == ELW_OP_CALL || instruction.op == ELW_OP_CALL_KEYWORDS;
    const bool in_c = calls && elw_loop_function() != nullptr;
    const int effect = elw_stack_effect(instruction.opcode, instruction.oparg, 0);
    if (!in_c && (instruction.op != ELW_OP_LOAD_ATTRIBUTE || effect != 0)) return {};
    Dying dying = dying_between(thread, outer, inner_frame, inner, inside);
    if (dying.calls.empty()) return {};
    const Addresses shape = shape_of(dying.calls);
    const auto &yields = trials().yields;
    const auto yield = std::find_if(yields.begin(), yields.end(), [&](const Yield &each) {
        return each.opcode == instruction.opcode && each.shape == shape;
    });
    if (yield == yields.end()) return {};
    auto *value = static_cast<PyObject *>(agreed(dying.calls, yield->value));
    if (value == nullptr) return {};
    // Of the operands of a call, those that were pushed first are dropped last.
    const ElwSlot *stack = elw_stack(outer);
    int place = instruction.depth - 1;
    const int first = instruction.depth + effect - 1;
    while (place >= first && elw_get(stack[place]) != dying.outermost) --place;
    if (place < first) return {};
    while (--place >= first)
        if (PyObject *operand = elw_get(stack[place])) dying.behind.push_back(operand);
    return tuple_of(inner.first, value, dying.behind);
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

namespace {

// What is left of a death after a resume: the rest is let go, one after the other.
struct Dropping {
    const ElwFrame *frame;
    Delivery delivery;
    PyObject *now; // only compared
    PyObject *value;
    const std::vector<Ref> *all;
    std::size_t next;
};
std::vector<Dropping> droppings;

// No type is looked into while an exception is set.
void report_failed(PyObject *dying) {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *finalizer = lookup(Py_TYPE(dying), "__del__");
    PyErr_Restore(type, value, traceback);
    elw_report_failed(finalizer);
}

// A function of its own, to be found among the C calls.
[[gnu::noinline]] void let_go(Ref &object) {
    object = Ref();
    asm volatile("" ::: "memory"); // it waits for what happens then
}

} // namespace

bool is_death(const Ref &dying, Delivery delivery) {
    const Py_ssize_t least = delivery == Delivery::leave ? 2 : 1;
    return dying && PyTuple_CheckExact(dying.get()) && PyTuple_GET_SIZE(dying.get()) >= least;
}

Ref end_of_death(PyThreadState *thread, ElwFrame *frame, Delivery delivery, Ref dying,
                 PyObject *result) {
    std::vector<Ref> all;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(dying.get()); ++i)
        all.push_back(Ref::share(PyTuple_GET_ITEM(dying.get(), i)));
    dying = Ref();
    Ref value;
    if (delivery == Delivery::leave) value = std::move(all[1]);
    elw_link(thread, frame);
    if (result == nullptr) report_failed(all[0].get());
    Py_XDECREF(result);
    elw_set_finalized(all[0].get());
    for (std::size_t i = 0; i < all.size(); ++i) {
        droppings.push_back({frame, delivery, all[i].get(), value.get(), &all, i + 1});
        let_go(all[i]);
        droppings.pop_back();
    }
    elw_unlink(thread, frame);
    return value;
}

std::optional<Again> dying_again(PyThreadState *thread, const ElwFrame *frame,
                                 ElwFrame *inner_frame, const Inner &inner, std::size_t inside) {
    if (droppings.empty() || !is_unfinished_finalizer(inner)) return std::nullopt;
    const Dropping &last = droppings.back();
    if (last.frame != frame) return std::nullopt;
    const auto *function = reinterpret_cast<const void *>(&let_go);
    Dying dying = dying_of(thread, inner, c_calls_up_to(thread, function, inner_frame, inside));
    const bool directly =
        dying.calls.size() == 1 ||
        (dying.calls.size() == 2 &&
         dying.calls[0].function == reinterpret_cast<std::uintptr_t>(&_Py_Dealloc));
    if (!directly || dying.outermost != last.now) return std::nullopt;
    for (std::size_t i = last.next; i < last.all->size(); ++i)
        if ((*last.all)[i]) dying.behind.push_back((*last.all)[i].get());
    return Again{last.delivery, tuple_of(inner.first, last.value, dying.behind)};
}

} // namespace elsewhere::frame
