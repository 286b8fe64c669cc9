#include "engine/frame/restore.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include "core/base/error.hpp"
#include "engine/cpython/frame_abi.h"
#include "engine/cpython/line_abi.h"
#include "engine/frame/activation.hpp"
#include "engine/frame/c_stack.hpp"
#include "engine/frame/cached_calls.hpp"
#include "engine/frame/code_map.hpp"
#include "engine/frame/compiled_texts.hpp"
#include "engine/frame/deaths.hpp"
#include "engine/frame/declining.hpp"
#include "engine/frame/lookups.hpp"
#include "engine/frame/patch.hpp"
#include "engine/frame/taking.hpp"
#include "engine/frame/telling.hpp"
#include "engine/frame/tracing.hpp"

namespace elsewhere::frame {

namespace {

// C levels that one re-executed instruction may cost beyond what it cost when it ran first
// (then the eval loop may have entered a generator without C).
constexpr int lent_c_levels = 8;

[[noreturn]] void diverged(const char *why, const FrameRecord &record) {
    const char *name = "?";
    const char *file = "?";
    if (record.code) {
        auto *code = reinterpret_cast<PyCodeObject *>(record.code.get());
        name = PyUnicode_AsUTF8(elw_qualname(code));
        file = PyUnicode_AsUTF8(code->co_filename);
    }
    std::fprintf(stderr,
                 "error: the stack could not be rebuilt at %s (%s:%u): %s\n"
                 "hint: the snapshot is unharmed; please report this\n",
                 name != nullptr ? name : "?", file != nullptr ? file : "?", record.line, why);
    std::fflush(stderr);
    _exit(70);
}

// Frames that wait in Restore::evaluate, each with the one it entered.
std::vector<Link> links;

// Every frame of the caller is out of sight while this lives.
class Hidden {
  public:
    Hidden() : thread_(PyThreadState_Get()), frames_(elw_hide(thread_)) {
        elw_lend_recursion(thread_, elw_facts.boot_levels, elw_facts.boot_levels);
    }
    ~Hidden() {
        elw_lend_recursion(thread_, -elw_facts.boot_levels, -elw_facts.boot_levels);
        elw_unhide(thread_, frames_);
    }
    Hidden(const Hidden &) = delete;
    Hidden &operator=(const Hidden &) = delete;

  private:
    PyThreadState *thread_;
    ElwFrame *frames_;
};

// Where a with block is a block in the frame, it opens between __enter__ and its result.
void open_with(ElwFrame *frame, const Instruction &instruction, int depth) {
    ElwBlock blocks[elw_max_blocks + 1];
    const int count = elw_blocks(frame, blocks);
    const int handler = elw_jump_target(instruction.opcode, instruction.oparg, instruction.next);
    blocks[count] = {false, handler, depth};
    elw_set_blocks(frame, blocks, count + 1);
}

// The operands of an instruction above `consumed` entries, which it has kept until now. What drops
// them may run the program's code.
void drop_operands(PyThreadState *thread, ElwFrame *frame, ElwOp op, int consumed) {
    const int depth = elw_saved_depth(frame);
    if (depth <= consumed) return;
    std::vector<Ref> operands;
    for (int i = consumed; i < depth; ++i)
        operands.push_back(Ref::steal(elw_take(&elw_stack(frame)[i])));
    elw_set_depth(frame, consumed);
    const bool in_order =
        elw_facts.drops_first_operand_first ||
        (elw_facts.has_block_stack && op != ELW_OP_CALL && op != ELW_OP_CALL_KEYWORDS);
    if (!in_order) std::reverse(operands.begin(), operands.end());
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    elw_link(thread, frame);
    for (Ref &operand : operands) operand = Ref();
    elw_unlink(thread, frame);
    PyErr_Restore(type, value, traceback);
}

// Of an instruction that stores two values and has stored one.
void store_second(PyThreadState *thread, ElwFrame *frame, const Instruction &stores) {
    const int depth = elw_saved_depth(frame);
    if (depth <= stores.depth + elw_stack_effect(stores.opcode, stores.oparg, 0)) return;
    ElwSlot &variable = elw_variables(frame)[stores.oparg & 15];
    Ref old = Ref::steal(elw_take(&variable));
    variable = elw_slot(elw_take(&elw_stack(frame)[depth - 1]));
    elw_set_depth(frame, depth - 1);
    elw_link(thread, frame);
    old = Ref();
    elw_unlink(thread, frame);
}

// The generator that SEND hands over to, on top of which is what is sent; null for anything else.
PyObject *receiver_of(ElwFrame *frame, const Instruction &instruction) {
    if (instruction.op != ELW_OP_SEND) return nullptr;
    const int place = elw_saved_depth(frame) - (elw_facts.iterator_pairs ? 3 : 2);
    PyObject *receiver = place < 0 ? nullptr : elw_get(elw_stack(frame)[place]);
    return receiver != nullptr && elw_is_generator(receiver) ? receiver : nullptr;
}

// The instruction at which the innermost frame goes on, if tracers know of it already; else -1.
int told(const FrameRecord &record, const CodeMap &map) {
    const int at = static_cast<int>(record.instruction);
    if (record.delivery == Delivery::reexecute) return map.reexecute_from(at);
    const bool jump = elw_facts.breaks_before_events && map.at(at).op == ELW_OP_JUMP_BACKWARD;
    return jump || elw_facts.stops_by_trace ? at : -1;
}

// Is what comes behind such an instruction where a program may be left between two?
bool answers_signals_behind(ElwOp op) {
    return op == ELW_OP_RESUME || op == ELW_OP_CALL || op == ELW_OP_CALL_KEYWORDS ||
           op == ELW_OP_CALL_UNPACKED;
}

// What it has executed before that, where the eval loop would have to know; else -1.
int executed_before(const FrameRecord &record, const CodeMap &map) {
    const int at = static_cast<int>(record.instruction);
    if (record.delivery != Delivery::resume || at == 0) return -1;
    const ElwOp op = map.at(at).op;
    if (op == ELW_OP_RESUME || op == ELW_OP_JUMP_BACKWARD) return -1;
    const int before = map.start(at - 1);
    if (!elw_facts.looks_back || answers_signals_behind(map.at(before).op)) return before;
    const int jump = map.jump_back_to(at);
    return jump >= 0 ? jump : before;
}

// The frame as it is while its tracer is told.
Left about_to_be_told(ElwFrame *frame, FrameRecord &record) {
    Left left;
    left.delivery = record.delivery;
    left.at = static_cast<int>(record.instruction);
    if (is_ahead_of_start(record.delivery)) elw_set_next(frame, 0);
    if (event_of(record.delivery) == ELW_TOLD_RAISE) {
        left.raised = std::move(record.constructed);
        if (!left.raised || !PyTuple_CheckExact(left.raised.get()) ||
            PyTuple_GET_SIZE(left.raised.get()) != 3 ||
            !PyTraceBack_Check(PyTuple_GET_ITEM(left.raised.get(), 2)))
            diverged("an exception that is none", record);
        // What comes out of a call is raised at the end of that.
        auto *newest =
            reinterpret_cast<PyTracebackObject *>(PyTuple_GET_ITEM(left.raised.get(), 2));
        elw_set_in_flight(frame, left.at, newest->tb_lasti / 2 + 1);
    }
    left.in_flight = elw_in_flight(frame);
    return left;
}

class Restore {
  public:
    Restore(StackRecord &&stack, Ref top_result, const std::function<void()> &on_live)
        : thread_(PyThreadState_Get()), stack_(std::move(stack)),
          top_result_(std::move(top_result)), on_live_(on_live) {}

    Ref run();

  private:
    static PyObject *hook(PyThreadState *thread, ElwFrame *frame, int throwing);
    PyObject *evaluate(ElwFrame *frame, int throwing);
    PyObject *go_on(ElwFrame *frame, FrameRecord &record);
    PyObject *send(ElwFrame *frame, int at, PyObject *receiver);
    PyObject *deliver(ElwFrame *frame, FrameRecord &record, PyObject *result);
    PyObject *enter_next();

    static Restore *current_;
    PyThreadState *thread_;
    StackRecord stack_;
    Ref top_result_;
    const std::function<void()> &on_live_;
    std::size_t next_ = 0;
    bool in_tracer_ = false;
    ElwTold told_ = ELW_TOLD_OTHER; // the tracer
    CodeMaps maps_;
};

Restore *Restore::current_ = nullptr;

Ref Restore::run() {
    if (stack_.frames.empty()) throw Error(ErrorKind::damaged, "a program without a stack");
    install_resumable_heaps(); // where no import was watched
    install_resumable_bisection();
    const CStack room(thread_, stack_.frames.size());
    const Hidden hidden;
    Ref handled = Ref::steal(elw_handled_exception(thread_));
    elw_set_handled_exception(thread_, stack_.handled_exception.release());
    current_ = this;
    elw_set_eval(thread_, hook);
    PyObject *result = enter_next();
    elw_set_handled_exception(thread_, handled.release());
    return Ref::steal(result);
}

PyObject *Restore::hook(PyThreadState *thread, ElwFrame *frame, int throwing) {
    Restore *self = current_;
    if (self == nullptr || thread != self->thread_) return elw_eval(thread, frame, throwing);
    return self->evaluate(frame, throwing);
}

// Enters the next recorded frame as CPython would: a fresh frame for its code, which the hook
// then overwrites.
PyObject *Restore::enter_next() {
    FrameRecord &record = stack_.frames[next_];
    auto *code = reinterpret_cast<PyCodeObject *>(record.code.get());
    if (record.generator) diverged("a generator without the call that runs it", record);
    const std::vector<PyObject *> dummies(static_cast<std::size_t>(code->co_argcount), Py_None);
    Ref keywords;
    if (code->co_kwonlyargcount > 0) {
        keywords = Ref::steal(PyDict_New());
        Ref names = Ref::steal(PyObject_GetAttrString(record.code.get(), "co_varnames"));
        if (!keywords || !names) return nullptr;
        for (int i = 0; i < code->co_kwonlyargcount; ++i)
            if (PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(names.get(), code->co_argcount + i),
                               Py_None) < 0)
                return nullptr;
    }
    const Ref cells = dummy_closure(code);
    const Ref own = record.code.copy(); // the record is emptied meanwhile
    const Ref globals = record.globals.copy();
    const Ref locals = record.locals.copy();
    return enter_code(own.get(), globals.get(), locals.get(), dummies.data(), code->co_argcount,
                      keywords.get(), cells.get());
}

PyObject *Restore::evaluate(ElwFrame *frame, int throwing) {
    const bool entered = !links.empty() && links.back().inner == nullptr;
    elw_pretend_traced(thread_, false);
    forget_code_for_text();
    FrameRecord &record = stack_.frames[next_];
    PyObject *code = reinterpret_cast<PyObject *>(elw_code(frame));
    if (code != record.code.get() && PyObject_RichCompareBool(code, record.code.get(), Py_EQ) != 1)
        diverged("other code runs first", record);
    if (!calls_resumed() || !taken_again() || !hash_answered() || !has_declined())
        diverged("a builtin does not go on", record);
    const bool innermost = ++next_ == stack_.frames.size();
    // generator.throw() runs again: the generator has long got the exception.
    if (throwing) PyErr_Clear();

    const int at = static_cast<int>(record.instruction);
    const Delivery delivery = record.delivery;
    FrameRecord rest; // what outlives the patch
    rest.code = record.code.copy();
    rest.instruction = record.instruction;
    rest.line = record.line;
    rest.delivery = delivery;
    rest.constructed = std::move(record.constructed);
    rest.calls = std::move(record.calls);
    PyObject *const object = record.frame.get();
    Ref own;
    try {
        ElwFrame *fresh = std::exchange(frame, patch_frame(frame, std::move(record)));
        if (fresh != frame) own = Ref::steal(object); // else the interpreter keeps it
    } catch (const Error &error) {
        diverged(error.what(), rest);
    }
    record = FrameRecord(); // what it has, the frame has: here it would live as long as the program
    if (entered) links.back().inner = frame;
    const CodeMap &map = maps_.of(elw_code(frame));
    if (map.start(at) != at) diverged("an instruction that is not one", rest);
    elw_set_in_flight(frame, at, is_of_tracer(delivery) ? at + 1 : map.at(at).next);

    if (innermost) return go_on(frame, rest);
    if (delivery == Delivery::reexecute) return go_on(frame, rest);
    Left left;
    if (is_of_tracer(delivery)) {
        in_tracer_ = true;
        told_ = event_of(delivery);
        left = about_to_be_told(frame, rest);
    }
    elw_link(thread_, frame);
    links.push_back({frame, nullptr, delivery, rest.constructed.get()});
    PyObject *result = enter_next();
    links.pop_back();
    elw_unlink(thread_, frame);
    if (is_of_tracer(delivery))
        return go_on_behind_tracer(thread_, frame, maps_.of(elw_code(frame)), std::move(left),
                                   result);
    return deliver(frame, rest, result);
}

// Lets a patched frame run: the innermost one, or one that executes its instruction again.
PyObject *Restore::go_on(ElwFrame *frame, FrameRecord &record) {
    const int at = static_cast<int>(record.instruction);
    const bool innermost = next_ == stack_.frames.size();
    const CodeMap &map = maps_.of(elw_code(frame));
    PyObject *receiver = nullptr;
    if (record.delivery == Delivery::reexecute && !innermost && record.calls.empty())
        receiver = receiver_of(frame, map.at(at));
    if (receiver != nullptr && receiver != stack_.frames[next_].generator.get()) receiver = nullptr;
    if (receiver != nullptr && elw_facts.throw_is_event) return send(frame, at, receiver);
    // Meanwhile its instruction is in flight: a frame that is still to begin would be out of sight.
    if (innermost) {
        current_ = nullptr;
        elw_set_eval(thread_, nullptr);
        elw_link(thread_, frame);
        on_live_(); // may run Python code
        if (in_tracer_) {
            elw_enter_tracing(thread_);
            elw_set_told(thread_, told_);
        }
        elw_unlink(thread_, frame);
    }
    if (record.delivery == Delivery::resume) {
        // A jump that is still to be made takes its prefixes along.
        const bool jump = map.at(at).op == ELW_OP_JUMP_BACKWARD;
        elw_set_next(frame, jump ? map.reexecute_from(at) : at);
    } else if (record.delivery == Delivery::reexecute) {
        elw_despecialise(elw_code(frame), at);
    }
    if (record.delivery == Delivery::result) {
        FrameRecord top;
        top.instruction = record.instruction;
        top.delivery = Delivery::result;
        return deliver(frame, top, top_result_.release());
    }
    if (record.delivery == Delivery::reexecute) {
        elw_set_next(frame, map.reexecute_from(at));
        take_back_miss(record.calls);
        answer_hash(record.calls);
        decline(record.calls);
        if (!innermost && !stack_.frames[next_].generator)
            run_for_text(stack_.frames[next_].code.get());
        take_again(frame, at, record.calls);
        resume_calls(frame, map.reexecute_from(at), map.at(at).next, std::move(record.calls));
    }
    elw_lend_recursion(thread_, 0, innermost ? 0 : lent_c_levels);
    GoOn how;
    if (innermost) {
        how.told = told(record, map);
        if (how.told >= 0) how.event = ELW_TOLD_LINE;
        how.from = executed_before(record, map);
    }
    // The tracers come later. On 3.10 and 3.11 SEND looks ahead whether its thread is traced: else
    // the end of the generator will be no event. evaluate() ends that.
    const bool looks = elw_learns_line() && record.delivery == Delivery::reexecute && !innermost;
    const bool pretends = receiver != nullptr || looks;
    if (pretends) elw_pretend_traced(thread_, true);
    PyObject *result =
        pretends ? elw_eval(thread_, frame, 0) : go_on_traced(thread_, frame, 0, std::move(how));
    elw_lend_recursion(thread_, 0, innermost ? 0 : -lent_c_levels);
    return result;
}

// As SEND does from 3.12 on: the eval loop enters a generator itself, whose end is no StopIteration
// then. Entered through C, which it is while the eval loop has a hook, it would be an event.
PyObject *Restore::send(ElwFrame *frame, int at, PyObject *receiver) {
    const Instruction &instruction = maps_.of(elw_code(frame)).at(at);
    const int depth = elw_saved_depth(frame) - 1;
    const Ref sent = Ref::steal(elw_take(&elw_stack(frame)[depth]));
    elw_set_depth(frame, depth);
    elw_link(thread_, frame);
    links.push_back({frame, nullptr, Delivery::reexecute, nullptr});
    elw_lend_recursion(thread_, 0, lent_c_levels);
    PyObject *result = PyObject_CallMethod(receiver, "send", "O", sent.get());
    elw_lend_recursion(thread_, 0, -lent_c_levels);
    links.pop_back();
    elw_unlink(thread_, frame);
    int next = instruction.next;
    if (result == nullptr) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return go_on_traced(thread_, frame, 1);
        PyObject *type = nullptr, *end = nullptr, *traceback = nullptr;
        PyErr_Fetch(&type, &end, &traceback);
        PyErr_NormalizeException(&type, &end, &traceback);
        const Ref owned[] = {Ref::steal(type), Ref::steal(end), Ref::steal(traceback)};
        result = Ref::share(reinterpret_cast<PyStopIterationObject *>(end)->value).release();
        next = maps_.of(elw_code(frame)).target(at);
    }
    elw_stack(frame)[depth] = elw_slot(result);
    elw_set_depth(frame, depth + 1);
    elw_set_next(frame, next);
    GoOn how;
    how.from = at;
    return go_on_traced(thread_, frame, 0, std::move(how));
}

// Completes the call in flight with what the frame inside returned (null: it raised).
PyObject *Restore::deliver(ElwFrame *frame, FrameRecord &record, PyObject *result) {
    const int at = static_cast<int>(record.instruction);
    if (is_death(record.delivery)) {
        if (!is_death(record.constructed, record.delivery)) diverged("a death of nothing", record);
        result =
            end_of_death(thread_, frame, record.delivery, std::move(record.constructed), result)
                .release();
    }
    if (record.delivery == Delivery::destroy) {
        const Instruction &instruction = maps_.of(elw_code(frame)).at(at);
        if (instruction.op == ELW_OP_STORE_TWO) store_second(thread_, frame, instruction);
        drop_operands(thread_, frame, instruction.op,
                      instruction.depth +
                          elw_stack_effect(instruction.opcode, instruction.oparg, 0));
        elw_set_next(frame, instruction.next);
        GoOn how;
        how.from = at;
        return go_on_traced(thread_, frame, 0, std::move(how));
    }
    if (record.delivery == Delivery::construct) {
        if (result != nullptr && result != Py_None) {
            PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'",
                         Py_TYPE(result)->tp_name);
            Py_CLEAR(result);
        }
        // Of a failed call the instance is dropped like any operand.
        if (result != nullptr) Py_SETREF(result, record.constructed.release());
        record.constructed = Ref();
    }
    const Instruction &instruction = maps_.of(elw_code(frame)).at(at);
    const bool calls = instruction.op == ELW_OP_CALL || instruction.op == ELW_OP_CALL_KEYWORDS ||
                       instruction.op == ELW_OP_CALL_UNPACKED;
    const int behind =
        instruction.depth + elw_stack_effect(instruction.opcode, instruction.oparg, 0);
    if (calls) drop_operands(thread_, frame, instruction.op, behind - 1);
    if (result != nullptr) {
        const int depth = elw_saved_depth(frame);
        if (elw_facts.has_block_stack && instruction.op == ELW_OP_BEFORE_WITH)
            open_with(frame, instruction, depth);
        elw_stack(frame)[depth] = elw_slot(result);
        elw_set_depth(frame, depth + 1);
    }
    if (result == nullptr) return go_on_traced(thread_, frame, 1);
    elw_set_next(frame, maps_.of(elw_code(frame)).at(at).next);
    GoOn how;
    how.from = at;
    return go_on_traced(thread_, frame, 0, std::move(how));
}

} // namespace

Ref run_stack(StackRecord &&stack, Ref top_result, const std::function<void()> &on_live) {
    return Restore(std::move(stack), std::move(top_result), on_live).run();
}

[[gnu::noinline]] PyObject *enter_code(PyObject *code, PyObject *globals, PyObject *locals,
                                       PyObject *const *arguments, int count, PyObject *keywords,
                                       PyObject *cells) {
    PyObject *result = PyEval_EvalCodeEx(code, globals, locals, arguments, count, nullptr, 0,
                                         nullptr, 0, keywords, cells);
    asm volatile("" ::: "memory"); // it waits for what happens then
    return result;
}

std::optional<Link> linked(const ElwFrame *outer, const ElwFrame *inner) {
    for (const Link &link : links)
        if (link.outer == outer && link.inner == inner) return link;
    return std::nullopt;
}

const Link *last_linked(const ElwFrame *outer) {
    if (links.empty() || links.back().outer != outer || links.back().inner == nullptr)
        return nullptr;
    return &links.back();
}

Ref run_hidden(PyObject *code, PyObject *globals) {
    const Hidden hidden;
    return Ref::steal(PyEval_EvalCode(code, globals, globals));
}

Ref call_hidden(PyObject *const *call, Py_ssize_t count) {
    const Hidden hidden;
    return Ref::steal(
        PyObject_Vectorcall(call[0], call + 1, static_cast<std::size_t>(count) - 1, nullptr));
}

} // namespace elsewhere::frame
