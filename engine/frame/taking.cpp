#include "engine/frame/taking.hpp"

#include <algorithm>
#include <memory>
#include <string_view>

#include "engine/frame/special_methods.hpp"

namespace elsewhere::frame {

namespace {

constexpr const char *saved_name = "taking";
enum { iterator_slot = 0, given_slot = 1, items_slot = 2 };

// Of all threads together, under the GIL: a frame belongs to one. Never destroyed: at the end of
// the process Python is gone before it.
std::vector<std::unique_ptr<Taking>> &takings() {
    static auto &all = *new std::vector<std::unique_ptr<Taking>>;
    return all;
}
bool to_be_resumed = false; // some Taking is

Taking *find(const ElwFrame *frame) {
    for (const std::unique_ptr<Taking> &each : takings())
        if (each->frame == frame) return each.get();
    return nullptr;
}

// Drops it, which may run any code.
void forget(const Taking *taking) {
    auto &all = takings();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto &each) { return each.get() == taking; });
    if (found == all.end()) return;
    const std::unique_ptr<Taking> dropped = std::move(*found);
    *found = std::move(all.back());
    all.pop_back();
}

// The maps of code that unpacks iterators, with the code objects: few, and asked for often. Null:
// no room for another, or no memory.
const CodeMap *map_of(PyCodeObject *code) {
    constexpr std::size_t most = 512;
    static auto &maps = *new std::unordered_map<PyCodeObject *, std::unique_ptr<CodeMap>>;
    const auto found = maps.find(code);
    if (found != maps.end()) return found->second.get();
    if (maps.size() >= most) return nullptr;
    try {
        auto map = std::make_unique<CodeMap>(code);
        Py_INCREF(code);
        return maps.emplace(code, std::move(map)).first->second.get();
    } catch (const PythonError &) {
        PyErr_Clear();
        return nullptr;
    }
}

// Where an instruction takes items from, and what it is.
struct Given {
    PyObject *object = nullptr;
    const Instruction *instruction = nullptr;
    bool alive = true; // else nothing but its address may be looked at
};

// Up to 3.13, while f(*x) runs f, the place of x has what may be gone by then. While these run, no
// C code asks a fresh generator for its items from the same frame; of a class, none asks for the
// iterator of one that happens to be where x was.
bool place_is_alive(PyObject *callable) {
    if (elw_facts.saves_depth_in_c) return true; // it has the tuple
    if (callable == nullptr) return false;
    if (PyMethod_Check(callable)) callable = PyMethod_GET_FUNCTION(callable);
    if (PyFunction_Check(callable)) return true;
    return PyCFunction_Check(callable) &&
           std::string_view(reinterpret_cast<PyCFunctionObject *>(callable)->m_ml->ml_name) ==
               "print";
}
bool is_class(PyObject *callable) {
    return callable != nullptr && PyType_Check(callable) &&
           PyType_HasFeature(reinterpret_cast<PyTypeObject *>(callable), Py_TPFLAGS_HEAPTYPE);
}

Given given_to(ElwFrame *frame) {
    PyCodeObject *code = elw_code(frame);
    const CodeMap *map = map_of(code);
    if (map == nullptr) return {};
    int at = map->start(elw_in_flight(frame));
    if (at >= 0 && map->at(at).op == ELW_OP_PRECALL) at = map->at(at).next;
    if (at < 0 || map->at(at).depth < 1) return {};
    const Instruction &instruction = map->at(at);
    const ElwSlot *stack = elw_stack(frame);
    bool alive = true;
    if (instruction.op == ELW_OP_CALL) {
        const CallOperands call = call_operands(code, *map, at, stack);
        if (call.callable != reinterpret_cast<PyObject *>(&PyTuple_Type) || call.count != 1 ||
            call.names != nullptr)
            return {};
    } else if (instruction.op == ELW_OP_CALL_UNPACKED) {
        const CallOperands call = call_operands(code, *map, at, stack);
        alive = place_is_alive(call.callable);
        if (!alive && !is_class(call.callable)) return {};
    } else if (instruction.op != ELW_OP_UNPACK && instruction.op != ELW_OP_UNPACK_REST) {
        return {};
    }
    return {elw_get(stack[place_of_given(*map, at)]), &instruction, alive};
}

void start(ElwFrame *frame, PyObject *iterator, const Given &given) {
    if (Taking *old = find(frame)) forget(old);
    auto fresh = std::make_unique<Taking>();
    fresh->frame = frame;
    fresh->instruction = elw_in_flight(frame);
    fresh->iterator = iterator;
    fresh->given = given.object;
    takings().push_back(std::move(fresh));
}

// C asks for the iterator of `iterator`, which is itself.
void asked_for_iterator(ElwFrame *frame, PyObject *iterator) {
    Taking *known = find(frame);
    if (known != nullptr && known->asking) return; // an iterator that asks others
    const Given given = given_to(frame);
    if (known != nullptr && known->iterator == iterator &&
        known->instruction == elw_in_flight(frame)) {
        if (std::exchange(known->resumed, false)) return;
        if (given.instruction != nullptr && given.instruction->op == ELW_OP_UNPACK_REST &&
            known->at == static_cast<std::size_t>(given.instruction->oparg & 255) &&
            !std::exchange(known->listing, true))
            return; // the first ones are there, and the rest becomes a list
    }
    if (given.object == iterator) start(frame, iterator, given);
}

// The first item of a fresh generator, which may be the __iter__ of what the instruction has got.
void asked_fresh(ElwFrame *frame, PyObject *generator) {
    const Given given = given_to(frame);
    if (given.object == nullptr || !given.alive) return;
    PyObject *method = lookup(Py_TYPE(given.object), "__iter__");
    PyCodeObject *code = elw_generator_code(generator);
    if (method != nullptr && PyFunction_Check(method) &&
        PyFunction_GET_CODE(method) == reinterpret_cast<PyObject *>(code) &&
        (code->co_flags & CO_GENERATOR) != 0)
        start(frame, generator, given);
}

PyObject *iterator_itself(PyObject *self) {
    int most = 0;
    ElwFrame *frame = elw_taker(&most);
    if (frame != nullptr) [[unlikely]]
        asked_for_iterator(frame, self);
    return Py_NewRef(self);
}

PyObject *note(ElwFrame *frame, int most, PyObject *iterator, iternextfunc next) {
    Taking *taking = find(frame);
    if (taking != nullptr && taking->asking) return next(iterator);
    if (PyGen_CheckExact(iterator) && elw_generator_state(iterator) == ELW_GEN_CREATED &&
        (taking == nullptr || taking->iterator != iterator || taking->given != iterator)) {
        if (taking != nullptr) forget(taking); // of an earlier time
        asked_fresh(frame, iterator);
        taking = find(frame);
    }
    if (taking == nullptr || taking->iterator != iterator ||
        taking->instruction != elw_in_flight(frame))
        return next(iterator);
    if (taking->at < taking->items.size()) return taking->items[taking->at++].copy().release();
    taking->asking = true;
    PyObject *item = next(iterator);
    taking->asking = false;
    ++taking->at;
    if (item == nullptr || taking->at == static_cast<std::size_t>(most))
        forget(taking);
    else
        taking->items.push_back(Ref::share(item));
    return item;
}

iternextfunc generator_next = nullptr;
PyObject *next_of_generator(PyObject *self) { return taken(self, generator_next); }

} // namespace

PyObject *taken(PyObject *iterator, iternextfunc next) {
    int most = 0;
    ElwFrame *frame = elw_taker(&most);
    if (frame == nullptr) [[likely]]
        return next(iterator);
    return note(frame, most, iterator, next);
}

bool iterates_itself(PyTypeObject *type) {
    return type->tp_iter == PyObject_SelfIter || type->tp_iter == iterator_itself;
}

void watch_taking() {
    if (generator_next != nullptr) return;
    generator_next = PyGen_Type.tp_iternext;
    PyGen_Type.tp_iternext = next_of_generator;
    for (PyTypeObject *type : {&PyGen_Type, &PyMap_Type, &PyFilter_Type})
        if (type->tp_iter == PyObject_SelfIter) type->tp_iter = iterator_itself;
}

const Taking *taking_of(ElwFrame *frame) {
    const Taking *taking = find(frame);
    return taking != nullptr && taking->asking ? taking : nullptr;
}

int place_of_given(const CodeMap &map, int at) {
    const Instruction &instruction = map.at(at);
    if (instruction.op != ELW_OP_CALL_UNPACKED) return instruction.depth - 1;
    return instruction.depth + elw_stack_effect(instruction.opcode, instruction.oparg, 0) - 1 +
           elw_callable_slots(instruction.opcode);
}

SavedCall save_taking(const Taking &taking, bool by_tuple) {
    SavedCall call;
    Ref items = Ref::checked(PyList_New(0));
    for (const Ref &item : taking.items)
        if (PyList_Append(items.get(), item.get()) < 0) throw PythonError{};
    // After the resume tuple(x) is a call like any other (resumable_builtins.cpp).
    call.name = by_tuple ? "tuple" : saved_name;
    call.phase = 1;
    call.slots.push_back(Ref::share(taking.iterator));
    call.slots.push_back(by_tuple ? std::move(items) : Ref::share(taking.given));
    if (!by_tuple) call.slots.push_back(std::move(items));
    return call;
}

void take_again(ElwFrame *frame, int at, std::vector<SavedCall> &calls) {
    if (calls.empty() || calls.front().name != saved_name) return;
    SavedCall call = std::move(calls.front());
    calls.erase(calls.begin());
    if (call.slots.size() <= items_slot || !call.slots[items_slot] ||
        !PyList_Check(call.slots[items_slot].get()))
        return; // whoever waits for it will say so
    if (Taking *old = find(frame)) forget(old);
    auto fresh = std::make_unique<Taking>();
    fresh->frame = frame;
    fresh->instruction = at;
    fresh->iterator = call.slots[iterator_slot].get(); // its place on the stack keeps it
    fresh->given = call.slots[given_slot].get();
    fresh->kept = std::move(call.slots[given_slot]);
    fresh->resumed = true;
    PyObject *items = call.slots[items_slot].get();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); ++i)
        fresh->items.push_back(Ref::share(PyList_GET_ITEM(items, i)));
    takings().push_back(std::move(fresh));
    to_be_resumed = true;
}

bool taken_again() {
    if (!std::exchange(to_be_resumed, false)) return true;
    return std::all_of(takings().begin(), takings().end(), [](const auto &each) {
        return !each->resumed && each->at == each->items.size();
    });
}

} // namespace elsewhere::frame
