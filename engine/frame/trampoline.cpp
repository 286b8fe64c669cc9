#include "engine/frame/trampoline.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/frame/awaitables.hpp"
#include "engine/frame/bound_methods.hpp"
#include "engine/frame/cached_calls.hpp"
#include "engine/frame/closing.hpp"
#include "engine/frame/lookups.hpp"
#include "engine/frame/membership.hpp"
#include "engine/frame/special_methods.hpp"

namespace elsewhere::frame {

namespace {

PyObject *unwrap_static(PyObject *object) {
    if (object == nullptr || !PyObject_TypeCheck(object, &PyStaticMethod_Type)) return object;
    Ref function = Ref::steal(PyObject_GetAttrString(object, "__func__"));
    if (!function) PyErr_Clear();
    return function.get(); // kept alive by the staticmethod
}

bool never_reassigns_first(PyCodeObject *code) {
    CodeMap map(code);
    Ref bytes = Ref::checked(elw_bytecode(code));
    const int units = static_cast<int>(PyBytes_GET_SIZE(bytes.get()) / 2);
    for (int i = 0; i < units; ++i) {
        if (map.start(i) != i || map.at(i).depth < 0) continue;
        if (elw_may_rebind_first(code, map.at(i).opcode, map.at(i).oparg)) return false;
    }
    return true;
}

// type(...) as C does it: __new__, then __init__ of what came out. `direct`: type.__call__ itself
// was called, whatever the metaclass makes of a call.
Verdict through_type(PyObject *callable, const Inner &inner, bool direct) {
    auto *type = reinterpret_cast<PyTypeObject *>(callable);
    if (inner.first == callable && runs(unwrap_static(lookup(type, "__new__")), inner))
        return yes(Delivery::reexecute);
    if (inner.first == callable && runs(lookup(Py_TYPE(callable), "__call__"), inner))
        return yes(Delivery::result);
    const bool plain = direct || Py_TYPE(callable)->tp_call == PyType_Type.tp_call;
    if (plain && inner.first != nullptr && PyType_IsSubtype(Py_TYPE(inner.first), type) &&
        runs(lookup(Py_TYPE(inner.first), "__init__"), inner)) {
        if (!never_reassigns_first(inner.code)) return no("__init__ rebinds its first argument");
        Verdict verdict = yes(Delivery::construct);
        verdict.constructed = inner.first;
        return verdict;
    }
    return no("the construction of a " + std::string(type->tp_name));
}

struct Builtin {
    const char *name;
    // Of its first argument, any of which is the first Python code that it runs.
    std::array<const char *, 3> methods;
};

// Builtins that run one special method of their first argument before anything else happens.
const std::array builtins = {
    Builtin{"len", {"__len__"}},         Builtin{"repr", {"__repr__"}},
    Builtin{"ascii", {"__repr__"}},      Builtin{"hash", {"__hash__"}},
    Builtin{"abs", {"__abs__"}},         Builtin{"iter", {"__iter__"}},
    Builtin{"next", {"__next__"}},       Builtin{"format", {"__format__", "__str__", "__repr__"}},
    Builtin{"round", {"__round__"}},     Builtin{"bin", {"__index__"}},
    Builtin{"hex", {"__index__"}},       Builtin{"oct", {"__index__"}},
    Builtin{"dir", {"__dir__"}},         Builtin{"setattr", {"__setattr__"}},
    Builtin{"delattr", {"__delattr__"}}, Builtin{"print", {"__str__", "__repr__"}},
};

bool is_builtins(PyObject *self) {
    if (self == nullptr || !PyModule_Check(self)) return false;
    const char *name = PyModule_GetName(self);
    if (name == nullptr) PyErr_Clear();
    return name != nullptr && std::string_view(name) == "builtins";
}

// Is what a builtin fills (its object, or the first of its arguments) of a type of C's, which does
// so item by item and keeps nothing else?
bool fills_in_place(const CallOperands &call, PyObject *self) {
    PyObject *filled = self != nullptr && !PyModule_Check(self) ? self : call.argument(0);
    if (PyList_Check(filled) || PySet_Check(filled)) return true;
    const std::string_view type(Py_TYPE(filled)->tp_name);
    return PyDict_CheckExact(filled) || type == "collections.deque" || type == "_csv.writer" ||
           type == "_io.TextIOWrapper" || type == "_io.BufferedWriter" || type == "_io.StringIO" ||
           type == "collections.Counter" || type == "Counter";
}

// Of a call of something that calls its first argument with the others: that call.
CallOperands behind(const CallOperands &call) {
    CallOperands inside = call;
    inside.callable = call.argument(0);
    if (inside.objects != nullptr) ++inside.objects;
    if (inside.arguments != nullptr) ++inside.arguments;
    --inside.count;
    return inside;
}

// Methods of dicts and sets that look their first argument up before anything else.
Verdict through_method(const char *name, PyObject *owner, const CallOperands &call,
                       const Inner &inner) {
    static constexpr std::array lookups = {"get",     "pop",    "setdefault",   "add",
                                           "discard", "remove", "__contains__", "__getitem__"};
    const bool is_lookup =
        std::find(lookups.begin(), lookups.end(), std::string_view(name)) != lookups.end();
    // Of an unbound method the first argument is the dict or set.
    const int key = call.count > 0 && call.argument(0) == owner ? 1 : 0;
    return through_lookup(owner, is_lookup && call.count > key ? call.argument(key) : nullptr,
                          inner, name);
}

Verdict through_builtin(const char *name, PyObject *self, const CallOperands &call,
                        const Inner &inner) {
    const std::string_view is(name);
    PyObject *first = call.count > 0 ? call.argument(0) : nullptr;
    if (is == "run" && self != nullptr && PyContext_CheckExact(self) && call.count > 0 &&
        call.names == nullptr)
        return called_again(behind(call), inner);
    if ((is == "TaskWakeupMethWrapper" || is == "task_wakeup") && first != nullptr)
        return reexecute_if(wakes_task(self, first, inner), "a task of asyncio");
    // self is the bound object, else the first argument stands for it (unbound method form).
    PyObject *owner = self != nullptr && !PyModule_Check(self) ? self : first;
    if (inner.generator != nullptr) {
        const bool resumes =
            is == "next" || is == "send" || is == "throw" || is == "close" || is == "__next__";
        // These put each item into its place before they ask for the next one.
        const bool fills =
            call.count > 0 && (is == "extend" || is == "extendleft" || is == "update" ||
                               is == "writelines" || is == "writerows" || is == "_count_elements");
        PyObject *source = call.count > 0 ? call.argument(call.count - 1) : nullptr;
        const int operands = self != nullptr && !PyModule_Check(self) ? 1 : 2;
        if (fills && call.count == operands && fills_in_place(call, self))
            return reexecute_if(passes_on_to(source, inner.generator), name);
        return reexecute_if((resumes && passes_on_to(owner, inner.generator)) ||
                                (is == "close" && closes_down_to(owner, inner.generator)),
                            name);
    }
    if (!is_builtins(self)) return through_method(name, owner, call, inner);
    if (is == "exec" || is == "eval")
        return reexecute_if(
            first != nullptr &&
                (first == reinterpret_cast<PyObject *>(inner.code) ||
                 ((PyUnicode_Check(first) || PyBytes_Check(first)) && inner.first == nullptr)),
            name);
    if ((is == "getattr" || is == "hasattr") && call.count >= 2)
        return reexecute_if(gets_attribute(first, call.argument(1), inner), name);
    // print writes as it goes: only of a single object nothing has been written yet.
    if (is == "print" && call.positional() != 1) return no("print holds the stack in C");
    for (const Builtin &builtin : builtins)
        if (is == builtin.name)
            return reexecute_if(std::any_of(builtin.methods.begin(), builtin.methods.end(),
                                            [&](const char *method) {
                                                return method != nullptr &&
                                                       is_method_of(first, inner, {method});
                                            }),
                                name);
    return no(std::string(name) + " holds the stack in C");
}

// str(x), int(x), list(x) …: the conversion's special method is what runs first.
Verdict through_conversion(PyTypeObject *type, const CallOperands &call, const Inner &inner) {
    PyObject *first = call.count == 1 && call.names == nullptr ? call.argument(0) : nullptr;
    if (type == &PyUnicode_Type) {
        if (first != nullptr && is_python(Py_TYPE(first), "__str__"))
            return reexecute_if(is_method_of(first, inner, {"__str__"}), "str");
        return reexecute_if(is_method_of(first, inner, {"__repr__"}), "str");
    }
    if (type == &PyBool_Type)
        return reexecute_if(is_method_of(first, inner, {"__bool__", "__len__"}), "bool");
    if (type == &PyLong_Type)
        return reexecute_if(is_method_of(first, inner, {"__int__", "__index__"}), "int");
    if (type == &PyFloat_Type)
        return reexecute_if(is_method_of(first, inner, {"__float__", "__index__"}), "float");
    if (type == &PyList_Type || type == &PyTuple_Type || type == &PySet_Type)
        return reexecute_if(is_method_of(first, inner, {"__iter__"}), type->tp_name);
    return no(std::string(type->tp_name) + " holds the stack in C");
}

bool is_partial(PyObject *object) {
    return std::string_view(Py_TYPE(object)->tp_name) == "functools.partial";
}

// type.__call__(cls, …) and super().__call__(…) in a metaclass: the class, else null.
PyObject *called_as_type(const CallOperands &call) {
    const std::string_view kind(Py_TYPE(call.callable)->tp_name);
    if (kind == "method-wrapper") {
        Ref owner = Ref::steal(PyObject_GetAttrString(call.callable, "__self__"));
        if (!owner) PyErr_Clear();
        PyObject *self = owner.get(); // the wrapper keeps it
        Ref name = Ref::steal(PyObject_GetAttrString(call.callable, "__name__"));
        if (!name || PyUnicode_CompareWithASCIIString(name.get(), "__call__") != 0) return nullptr;
        return self != nullptr && PyType_Check(self) ? self : nullptr;
    }
    if (kind != "wrapper_descriptor" || !call.known() || call.count < 1) return nullptr;
    if (call.callable != lookup(&PyType_Type, "__call__")) return nullptr;
    return PyType_Check(call.argument(0)) ? call.argument(0) : nullptr;
}

// A with block that ends well calls its bound __exit__ with three Nones, and method_vectorcall puts
// self into the callable's place while that runs. A method hands its result through.
bool is_exit_in_use(const CallOperands &call, const Inner &inner) {
    if (!call.known() || call.count != 3) return false;
    for (int i = 0; i < 3; ++i)
        if (call.argument(i) != Py_None) return false;
    return is_method_of(call.callable, inner, {"__exit__"});
}

// f(*operands): the instruction makes a tuple of them that lies nowhere on the stack, so it cannot
// be executed again.
Verdict construction(PyObject *type, const CallOperands &call, const Inner &inner, bool direct) {
    Verdict verdict = through_type(type, inner, direct);
    if (!call.known() && verdict.delivery == Delivery::reexecute)
        return no("a construction with * arguments");
    return verdict;
}

// Does calling this object run that builtin?
bool is_builtin(PyObject *callable, const void *builtin) {
    if (callable == builtin) return true; // a type
    if (PyCFunction_Check(callable))
        return reinterpret_cast<PyCFunctionObject *>(callable)->m_ml == builtin;
    return Py_IS_TYPE(callable, &PyMethodDescr_Type) &&
           reinterpret_cast<PyMethodDescrObject *>(callable)->d_method == builtin;
}

Verdict through_call(const CallOperands &call, const Inner &inner) {
    PyObject *callable = call.callable;
    if (callable == nullptr) return no("a call");
    if (inner.builtin != nullptr && is_builtin(callable, inner.builtin))
        return call.known() ? yes(Delivery::reexecute) : no("a call with *");
    if (inner.generator == nullptr) {
        if (is_exit_in_use(call, inner)) return yes(Delivery::result);
        if (runs(callable, inner)) return yes(Delivery::result);
        if (PyMethod_Check(callable) && runs(PyMethod_GET_FUNCTION(callable), inner))
            return yes(Delivery::result);
        if (is_method_of(callable, inner, {"__call__"})) return yes(Delivery::result);
        if (is_partial(callable)) {
            Ref function = Ref::steal(PyObject_GetAttrString(callable, "func"));
            if (!function) PyErr_Clear();
            PyObject *plain = function.get();
            if (plain != nullptr && PyMethod_Check(plain)) plain = PyMethod_GET_FUNCTION(plain);
            if (runs(plain, inner)) return yes(Delivery::result);
        }
        if (is_cached_function(callable)) return through_cache(call, inner);
        if (PyType_Check(callable)) {
            auto *type = reinterpret_cast<PyTypeObject *>(callable);
            if (call.known() && !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE))
                return through_conversion(type, call, inner);
            return construction(callable, call, inner, false);
        }
    }
    if (inner.generator == nullptr)
        if (PyObject *type = called_as_type(call)) return construction(type, call, inner, true);
    if (!call.known()) return no(describe_callable(callable) + " called with *");
    if (is_asyncio(callable, "TaskStepMethWrapper")) {
        Ref task = Ref::steal(PyObject_GetAttrString(callable, "__self__"));
        if (!task) PyErr_Clear();
        return reexecute_if(steps_task(task.get(), inner), "a task of asyncio");
    }
    if (PyObject *task = call.count == 1 ? task_woken_by(callable) : nullptr)
        return reexecute_if(wakes_task(task, call.argument(0), inner), "a task of asyncio");
    if (PyCFunction_Check(callable)) {
        auto *function = reinterpret_cast<PyCFunctionObject *>(callable);
        return through_builtin(function->m_ml->ml_name, function->m_self, call, inner);
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        auto *descriptor = reinterpret_cast<PyMethodDescrObject *>(callable);
        return through_builtin(descriptor->d_method->ml_name, nullptr, call, inner);
    }
    if (inner.generator != nullptr &&
        std::string_view(Py_TYPE(callable)->tp_name) == "method-wrapper") {
        Ref self = Ref::steal(PyObject_GetAttrString(callable, "__self__"));
        if (!self) PyErr_Clear();
        return reexecute_if(passes_on_to(self.get(), inner.generator), "a method wrapper");
    }
    return no(describe_callable(callable) + " holds the stack in C");
}

} // namespace

Verdict called_again(const CallOperands &call, const Inner &inner) {
    Verdict verdict = through_call(call, inner);
    if (!verdict.ok) return verdict;
    if (verdict.delivery == Delivery::construct)
        return no("the construction of a " + std::string(Py_TYPE(verdict.constructed)->tp_name) +
                  " in C");
    verdict.delivery = Delivery::reexecute;
    return verdict;
}

Inner inner_of(ElwFrame *frame) {
    Inner inner;
    inner.code = elw_code(frame);
    inner.function = elw_function(frame);
    inner.generator = elw_generator(frame);
    if (inner.generator == nullptr && inner.code->co_argcount > 0) {
        inner.first = elw_argument(frame, 0);
        if (inner.code->co_argcount > 1) inner.second = elw_argument(frame, 1);
    }
    return inner;
}

std::string describe_callable(PyObject *callable) {
    if (callable == nullptr) return "a C function";
    Ref name = Ref::steal(PyObject_GetAttrString(callable, "__qualname__"));
    if (!name || !PyUnicode_Check(name.get())) {
        PyErr_Clear();
        return std::string("a ") + Py_TYPE(callable)->tp_name;
    }
    const char *text = PyUnicode_AsUTF8(name.get());
    if (text == nullptr) {
        PyErr_Clear();
        return Py_TYPE(callable)->tp_name;
    }
    return text;
}

namespace {

// Is the entry at `index` an argument tuple that f(*arguments) uses as it is? Of anything else it
// makes one that lies nowhere, and the entry may be dangling. So the entry is looked into only if
// it is known: just made by the instruction for it, or the value of a variable too.
bool is_given_tuple(PyCodeObject *code, const CodeMap &map, int at, int index,
                    const ElwSlot *stack) {
    PyObject *const given = elw_get(stack[index]);
    if (given == nullptr) return false;
    static PyObject *const nothing = PyTuple_New(0); // there is one
    if (given == nothing) return true;
    // From 3.14 on a NULL is pushed in between.
    for (int steps = 0, first = map.reexecute_from(at); steps < 2 && first > 0; ++steps) {
        if (map.is_jump_target(first)) break;
        first = map.start(first - 1);
        const Instruction &before = map.at(first);
        if (before.depth != index + 1) break;
        if (elw_makes_tuple(before.opcode, before.oparg)) return true;
    }
    for (const ElwSlot *variable = stack - elw_variable_count(code); variable != stack; ++variable)
        if (elw_get(*variable) == given) return PyTuple_CheckExact(given);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i)
        if (PyTuple_GET_ITEM(code->co_consts, i) == given) return PyTuple_CheckExact(given);
    return false;
}

} // namespace

CallOperands call_operands(PyCodeObject *code, const CodeMap &map, int at, const ElwSlot *stack) {
    CallOperands call;
    const Instruction &instruction = map.at(at);
    const int depth = instruction.depth;
    if (instruction.op == ELW_OP_CALL_UNPACKED) {
        const int base = depth + elw_stack_effect(instruction.opcode, instruction.oparg, 0) - 1;
        if (base < 0) return call;
        const int first = base + elw_callable_slots(instruction.opcode); // the arguments
        const bool null_below =
            elw_facts.null_below_callable && elw_callable_slots(instruction.opcode) == 2;
        call.callable = elw_get(stack[base + (null_below ? 1 : 0)]);
        const bool keywords = depth > first + 1 && elw_get(stack[first + 1]) != nullptr;
        call.kept = is_given_tuple(code, map, at, first, stack);
        if (!keywords && call.kept) {
            auto *tuple = reinterpret_cast<PyTupleObject *>(elw_get(stack[first]));
            call.objects = tuple->ob_item;
            call.count = static_cast<int>(PyTuple_GET_SIZE(tuple));
        }
        return call;
    }
    if (instruction.op != ELW_OP_CALL && instruction.op != ELW_OP_CALL_KEYWORDS) return call;
    const int names = instruction.op == ELW_OP_CALL_KEYWORDS ? 1 : 0;
    const int base = depth - elw_callable_slots(instruction.opcode) - instruction.oparg - names;
    if (base < 0) return call;
    PyObject *const lower = elw_get(stack[base]);
    if (elw_callable_slots(instruction.opcode) == 1) {
        call.callable = lower;
        call.arguments = stack + base + 1;
        call.count = instruction.oparg;
    } else {
        PyObject *const upper = elw_get(stack[base + 1]);
        PyObject *const self =
            elw_facts.null_below_callable ? (lower != nullptr ? upper : nullptr) : upper;
        call.callable = elw_facts.null_below_callable ? (lower != nullptr ? lower : upper) : lower;
        call.arguments = stack + base + (self != nullptr ? 1 : 2);
        call.count = instruction.oparg + (self != nullptr ? 1 : 0);
    }
    const Instruction &first = map.at(map.reexecute_from(at));
    if (names != 0)
        call.names = elw_get(stack[depth - 1]);
    else if (first.op == ELW_OP_KEYWORD_NAMES)
        call.names = PyTuple_GET_ITEM(code->co_consts, first.oparg);
    return call;
}

// The name by which the entry `depth` of the stack before `at` was loaded as an attribute, or "".
// While a bound method runs, its self may stand there; so may the first argument of a partial,
// whose result is not always handed through: hence the name has to lead to the inner frame.
PyObject *attribute_at(PyCodeObject *code, const CodeMap &map, int at, std::ptrdiff_t depth) {
    const std::vector<int> &origins = map.origins(at);
    static PyObject *const none = PyUnicode_InternFromString("");
    if (depth < 0 || static_cast<std::size_t>(depth) >= origins.size()) return none;
    const Instruction &origin = map.at(origins[static_cast<std::size_t>(depth)]);
    const int index = elw_name_index(origin.opcode, origin.oparg);
    if (origin.op != ELW_OP_LOAD_ATTRIBUTE || index >= PyTuple_GET_SIZE(code->co_names))
        return none;
    return PyTuple_GET_ITEM(code->co_names, index);
}

Verdict through_c(PyCodeObject *code, const CodeMap &map, int at, const ElwSlot *stack,
                  const Inner &inner, BoundMethods &bound) {
    const Instruction &instruction = map.at(at);
    const int depth = instruction.depth;
    auto from_top = [&](int n) { return depth >= n ? elw_get(stack[depth - n]) : nullptr; };
    PyObject *top = from_top(1);
    PyObject *second = from_top(2);
    switch (instruction.op) {
    case ELW_OP_CALL:
    case ELW_OP_CALL_KEYWORDS:
    case ELW_OP_CALL_UNPACKED: {
        const CallOperands call = call_operands(code, map, at, stack);
        const bool may_be_self = elw_facts.self_in_callable_slot && call.arguments != nullptr;
        if (may_be_self &&
            is_bound_method_of(call.callable,
                               attribute_at(code, map, at, call.arguments - 1 - stack), inner))
            return yes(Delivery::result);
        Verdict verdict = through_call(call, inner);
        if (!verdict.ok && may_be_self && bound.run(call.callable, inner))
            return yes(Delivery::result);
        return verdict;
    }
    case ELW_OP_FOR_ITER: {
        PyObject *iterator = elw_facts.iterator_pairs ? second : top;
        return reexecute_if(inner.generator != nullptr
                                ? passes_on_to(iterator, inner.generator)
                                : is_method_of(iterator, inner, {"__next__"}),
                            "the iterator of a for loop");
    }
    case ELW_OP_SEND: {
        PyObject *receiver = elw_facts.iterator_pairs ? from_top(3) : second;
        return reexecute_if(inner.generator != nullptr
                                ? passes_on_to(receiver, inner.generator)
                                : is_method_of(receiver, inner, {"__next__"}),
                            "the awaitable of an await or yield from");
    }
    case ELW_OP_BINARY:
        if (top == nullptr || second == nullptr) break;
        return through_binary(elw_operator(instruction.opcode, instruction.oparg), second, top,
                              inner);
    case ELW_OP_COMPARE:
        if (top == nullptr || second == nullptr) break;
        if (compares_sequences(second, top, inner)) return yes(Delivery::reexecute);
        return through_compare(instruction.oparg, second, top, inner);
    case ELW_OP_CONTAINS:
        if (inner.generator != nullptr)
            return reexecute_if(passes_on_to(top, inner.generator), "in");
        if (is_method_of(top, inner, {"__contains__"}) || searches(top, second, inner))
            return yes(Delivery::reexecute);
        return through_lookup(top, second, inner, "in", "__contains__");
    case ELW_OP_EXTEND:
        return reexecute_if(inner.generator != nullptr && passes_on_to(top, inner.generator),
                            "a starred expression");
    case ELW_OP_UNARY:
        return reexecute_if(is_method_of(top, inner, {"__neg__", "__pos__", "__invert__"}),
                            "a unary operator");
    case ELW_OP_TRUTH:
        return reexecute_if(is_method_of(top, inner, {"__bool__", "__len__"}), "a truth value");
    case ELW_OP_SUBSCRIPT:
        if (misses(second, top, inner, true)) return yes(Delivery::result);
        if (is_method_of(second, inner, {"__getitem__"}) || misses(second, top, inner, false))
            return yes(Delivery::reexecute);
        return through_lookup(second, top, inner, "a subscript", "__getitem__");
    case ELW_OP_STORE_SUBSCRIPT:
        if (is_method_of(second, inner, {"__setitem__"})) return yes(Delivery::reexecute);
        return through_lookup(second, top, inner, "an item assignment", "__setitem__");
    case ELW_OP_DELETE_SUBSCRIPT:
        if (is_method_of(second, inner, {"__delitem__"})) return yes(Delivery::reexecute);
        return through_lookup(second, top, inner, "an item deletion", "__delitem__");
    case ELW_OP_LOAD_ATTRIBUTE:
    case ELW_OP_STORE_ATTRIBUTE:
    case ELW_OP_DELETE_ATTRIBUTE: {
        const int index = elw_name_index(instruction.opcode, instruction.oparg);
        // Without any parameter it is no finalizer and no callback: these are given something.
        const bool invited =
            inner.first != nullptr || (inner.code != nullptr && inner.code->co_argcount == 0 &&
                                       (inner.code->co_flags & CO_VARARGS) == 0);
        if (top == nullptr || index >= PyTuple_GET_SIZE(code->co_names) || !invited) break;
        PyObject *name = PyTuple_GET_ITEM(code->co_names, index);
        // What has just been put where it will be found the next time is handed through.
        if (instruction.op == ELW_OP_LOAD_ATTRIBUTE && got_attribute(top, name, inner) &&
            elw_stack_effect(instruction.opcode, instruction.oparg, 0) == 0)
            return yes(Delivery::result);
        if (instruction.op == ELW_OP_LOAD_ATTRIBUTE)
            return reexecute_if(gets_attribute(top, name, inner), "an attribute lookup");
        return reexecute_if(
            sets_attribute(top, name, inner, instruction.op == ELW_OP_DELETE_ATTRIBUTE),
            "an attribute assignment");
    }
    case ELW_OP_GET_ITER: return reexecute_if(is_method_of(top, inner, {"__iter__"}), "iter");
    case ELW_OP_GET_AWAITABLE:
        return reexecute_if(is_method_of(top, inner, {"__await__"}), "await");
    case ELW_OP_BEFORE_WITH:
        // 3.11 has put __exit__ in the manager's place; only the result is missing.
        if (!elw_facts.with_keeps_manager) {
            if (top != nullptr && PyMethod_Check(top) &&
                is_method_of(PyMethod_GET_SELF(top), inner, {"__enter__"}))
                return yes(Delivery::result);
            return no("__enter__ of a C type");
        }
        return reexecute_if(is_method_of(top, inner, {"__enter__"}), "__enter__");
    case ELW_OP_WITH_EXCEPT: {
        PyObject *exit = from_top(elw_facts.exit_depth);
        if (elw_facts.exit_has_self && exit != nullptr && runs(exit, inner))
            return yes(Delivery::result);
        if (exit != nullptr && PyMethod_Check(exit) && runs(PyMethod_GET_FUNCTION(exit), inner))
            return yes(Delivery::result);
        return no("__exit__ of a C type");
    }
    case ELW_OP_FORMAT:
        return reexecute_if(is_method_of(top, inner, {"__format__", "__str__", "__repr__"}) ||
                                is_method_of(second, inner, {"__format__"}),
                            "a format expression");
    case ELW_OP_IMPORT: return no("an import in progress");
    default: break;
    }
    return no("an operation of the interpreter");
}

} // namespace elsewhere::frame
