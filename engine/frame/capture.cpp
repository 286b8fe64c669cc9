#include "engine/frame/capture.hpp"

#include <string_view>
#include <tuple>

#include "engine/cpython/frame_abi.h"
#include "engine/cpython/imported_module.hpp"
#include "engine/frame/activation.hpp"
#include "engine/frame/awaitables.hpp"
#include "engine/frame/bound_methods.hpp"
#include "engine/frame/cached_calls.hpp"
#include "engine/frame/closing.hpp"
#include "engine/frame/code_map.hpp"
#include "engine/frame/deaths.hpp"
#include "engine/frame/declining.hpp"
#include "engine/frame/finalizers.hpp"
#include "engine/frame/lookups.hpp"
#include "engine/frame/patch.hpp"
#include "engine/frame/restore.hpp"
#include "engine/frame/special_methods.hpp"
#include "engine/frame/taking.hpp"
#include "engine/frame/telling.hpp"
#include "engine/frame/tracing.hpp"
#include "engine/frame/trampoline.hpp"

namespace elsewhere::frame {

namespace {

std::string text_of(PyObject *text) {
    const char *utf8 = text != nullptr && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : nullptr;
    if (utf8 == nullptr) {
        PyErr_Clear();
        return "?";
    }
    return utf8;
}

std::uint32_t line_of(PyCodeObject *code, int instruction) {
    const int line = PyCode_Addr2Line(code, instruction * 2);
    return line < 0 ? 0 : static_cast<std::uint32_t>(line);
}

Error refusal(PyCodeObject *code, int instruction, const std::string &reason,
              std::string hint = {}) {
    if (hint.empty()) hint = "suspend at another moment, or call it outside of C code";
    return Error(ErrorKind::refused,
                 "cannot leave " + text_of(elw_qualname(code)) + " (" + text_of(code->co_filename) +
                     ":" + std::to_string(line_of(code, instruction)) + "): " + reason,
                 std::move(hint));
}

bool is_signal_handler(const Inner &inner) {
    Ref module = Ref::steal(imported_module("_signal"));
    Ref handler = Ref::steal(
        module ? PyObject_CallMethod(module.get(), "getsignal", "O", inner.first) : nullptr);
    if (!handler) PyErr_Clear(); // not the number of a signal
    return handler && (handler.get() == inner.function || PyMethod_Check(handler.get()));
}

bool is_collector_callback(const Inner &inner) {
    Ref module = Ref::steal(imported_module("gc"));
    Ref callbacks =
        Ref::steal(module ? PyObject_GetAttrString(module.get(), "callbacks") : nullptr);
    if (!callbacks || !PyList_Check(callbacks.get())) {
        PyErr_Clear();
        return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callbacks.get()); ++i)
        if (PyList_GET_ITEM(callbacks.get(), i) == inner.function) return true;
    return false;
}

// Code that CPython runs at a moment of its own choosing: nothing about the outer frame's operands
// can be relied on, so these are recognised by the inner frame alone.
const char *uninvited(const Inner &inner) {
    if (inner.code == nullptr) return nullptr;
    if (PyUnicode_CompareWithASCIIString(inner.code->co_name, "__del__") == 0)
        return "a finalizer (__del__) is running";
    if (inner.first != nullptr && PyWeakref_Check(inner.first))
        return "a weakref callback is running";
    if (inner.second != nullptr && PyWeakref_Check(inner.second)) // self comes first in a method
        return "a weakref callback is running";
    if (inner.code->co_argcount == 2 && inner.first != nullptr) {
        // A signal handler is called with (number, frame), a collector's callback with (phase,
        // info).
        if (PyLong_CheckExact(inner.first) && is_signal_handler(inner))
            return "a signal handler is running";
        if (PyUnicode_CheckExact(inner.first) && is_collector_callback(inner))
            return "a garbage collection callback is running";
    }
    return nullptr;
}

// What is to be said after the resume by the instruction, and by the last builtin on the way.
Verdict both(const Verdict &first, Verdict last) {
    if (!last.ok) return last;
    if ((first.counted != nullptr && last.counted != nullptr) ||
        (first.looked_up[0] != nullptr && last.looked_up[0] != nullptr) ||
        (first.declined[0] != nullptr && last.declined[0] != nullptr))
        return no("a lookup within a lookup");
    if (first.counted != nullptr) last.counted = first.counted;
    if (first.looked_up[0] != nullptr) last.looked_up = first.looked_up;
    if (first.declined[0] == nullptr) return last;
    last.declined = first.declined;
    last.declined_which = first.declined_which;
    return last;
}

// The import system holds locks that no object of the program owns.
bool is_import_system(PyCodeObject *code) {
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    if (file == nullptr) PyErr_Clear();
    return file != nullptr && std::string_view(file).starts_with("<frozen importlib._bootstrap");
}

class Capture {
  public:
    explicit Capture(const CaptureRequest &request)
        : request_(request), thread_(PyThreadState_Get()) {}

    Result<StackRecord> run();

  private:
    Result<FrameRecord> innermost(ElwFrame *frame);
    Result<FrameRecord> enclosing(ElwFrame *frame, ElwFrame *inner, ElwEntry entry,
                                  PyObject *instance);
    bool take_death(FrameRecord &record, ElwFrame *frame, const CodeMap &map, int at,
                    ElwFrame *inner_frame, const Inner &inner);
    bool take_leave(FrameRecord &record, ElwFrame *frame, const CodeMap &map, int at,
                    ElwFrame *inner_frame, const Inner &inner);
    FrameRecord identity(ElwFrame *frame, int instruction);
    void take_stack(FrameRecord &record, ElwFrame *frame, const CodeMap &map, int at, int depth,
                    int but = -1);

    const CaptureRequest &request_;
    PyThreadState *thread_;
    CodeMaps maps_;
    BoundMethods bound_;
    std::size_t passed_ = 0; // frames inside of the one that is being left
    // Of the one that enclosing() has taken last:
    bool passes_throw_ = false; // throw() has come through it
    bool throws_ = false;       // it throws into the generator inside
};

Role role_of(const CodeMap &map, int origin, Role held) {
    if (held != Role::temporary) return held;
    if (origin < 0 || map.start(origin) != origin) return Role::temporary;
    switch (elw_stack_role(map.at(origin).opcode)) {
    case ELW_ROLE_ITERATOR: return Role::iterator;
    case ELW_ROLE_EXIT: return Role::exit_method;
    case ELW_ROLE_PREVIOUS_EXCEPTION: return Role::previous_exception;
    default: return Role::temporary;
    }
}

FrameRecord Capture::identity(ElwFrame *frame, int instruction) {
    FrameRecord record = read_frame(frame);
    record.instruction = static_cast<std::uint32_t>(instruction);
    return record;
}

// The `depth` lowest entries of the value stack, as they are before instruction `at`; but that one
// is not the frame's any more.
void Capture::take_stack(FrameRecord &record, ElwFrame *frame, const CodeMap &map, int at,
                         int depth, int but) {
    const ElwSlot *stack = elw_stack(frame);
    const std::vector<int> &origins = map.origins(at);
    record.stack.reserve(static_cast<std::size_t>(depth));
    for (int i = 0; i < depth; ++i) {
        Slot slot;
        const auto known = static_cast<std::size_t>(i) < origins.size();
        const int origin = known ? origins[static_cast<std::size_t>(i)] : at;
        slot.origin = static_cast<std::uint32_t>(origin);
        if (i == but)
            slot.role = Role::null;
        else
            std::tie(slot.role, slot.value) = read_slot(stack[i]);
        slot.role = role_of(map, origin, slot.role);
        record.stack.push_back(std::move(slot));
    }
}

Result<FrameRecord> Capture::innermost(ElwFrame *frame) {
    PyCodeObject *code = elw_code(frame);
    const CodeMap &map = maps_.of(code);
    const int at = map.start(elw_in_flight(frame));
    if (is_import_system(code)) return refusal(code, at, "an import in progress");
    if (request_.moment == Moment::between && elw_facts.stops_by_trace) {
        const int next = elw_stopped_at(frame);
        const int depth = elw_saved_depth(frame);
        if (map.start(next) != next || depth < 0)
            return refusal(code, at, "an instruction that cannot be split");
        FrameRecord record = identity(frame, next);
        record.delivery = Delivery::resume;
        take_stack(record, frame, map, next, depth);
        return record;
    }
    if (at < 0) return refusal(code, 0, "it has not started yet");
    const Instruction &instruction = map.at(at);
    if (request_.moment == Moment::between) {
        int next = -1;
        if (elw_facts.breaks_before_events &&
            (instruction.op == ELW_OP_RESUME || instruction.op == ELW_OP_JUMP_BACKWARD) &&
            elw_stack_effect(instruction.opcode, instruction.oparg, 1) == 0)
            next = at;
        else if (instruction.op == ELW_OP_JUMP_BACKWARD)
            next = map.target(at);
        else if (instruction.op == ELW_OP_PRECALL)
            next = map.at(instruction.next).next;
        else if (instruction.op == ELW_OP_RESUME || instruction.op == ELW_OP_CALL ||
                 instruction.op == ELW_OP_CALL_KEYWORDS || instruction.op == ELW_OP_CALL_UNPACKED)
            next = instruction.next;
        const int depth = next < 0 || map.start(next) < 0 ? -1 : map.at(next).depth;
        if (depth < 0 || (elw_facts.saves_depth_in_c && elw_saved_depth(frame) != depth))
            return refusal(code, at, "an instruction that cannot be split");
        FrameRecord record = identity(frame, next);
        record.delivery = Delivery::resume;
        take_stack(record, frame, map, next, depth);
        return record;
    }

    // 3.11 calls some builtins from PRECALL; the CALL behind it is what counts.
    const int call_at = instruction.op == ELW_OP_PRECALL ? instruction.next : at;
    const Instruction &call = map.at(call_at);
    if (call.depth < 0) return refusal(code, at, "an instruction that cannot be reached");
    const CallOperands operands = call_operands(code, map, call_at, elw_stack(frame));
    if (operands.callable == nullptr || operands.callable != request_.callable)
        return refusal(code, at, "the call goes through other C code");
    FrameRecord record = identity(frame, call_at);
    if (request_.moment == Moment::blocked) {
        record.delivery = Delivery::reexecute;
        take_stack(record, frame, map, call_at, call.depth);
        if (request_.timeout_index >= 0) {
            if (operands.arguments == nullptr || request_.timeout_index >= operands.count)
                return refusal(code, at, "a wait whose timeout is not a plain argument");
            const auto slot = operands.arguments - elw_stack(frame) + request_.timeout_index;
            record.stack[static_cast<std::size_t>(slot)].value = request_.timeout.copy();
        }
        return record;
    }
    record.delivery = Delivery::result;
    take_stack(record, frame, map, call_at,
               call.depth + elw_stack_effect(call.opcode, call.oparg, 0) - 1);
    return record;
}

// Where the inner frame is the __del__ of what the outer one's instruction has dropped.
bool Capture::take_death(FrameRecord &record, ElwFrame *frame, const CodeMap &map, int at,
                         ElwFrame *inner_frame, const Inner &inner) {
    Death death = death_of(thread_, frame, map, at, inner_frame, inner, passed_);
    if (!death.dying) return false;
    record.delivery = Delivery::destroy;
    record.constructed = std::move(death.dying);
    take_stack(record, frame, map, at, death.kept, death.taken);
    if (death.loaded < 0) return true;
    Slot loaded;
    loaded.origin = static_cast<std::uint32_t>(at);
    loaded.value = Ref::share(elw_get(elw_variables(frame)[death.loaded]));
    record.stack.push_back(std::move(loaded));
    return true;
}

// Where the inner frame is the __del__ of what was in a variable of a function that has returned.
bool Capture::take_leave(FrameRecord &record, ElwFrame *frame, const CodeMap &map, int at,
                         ElwFrame *inner_frame, const Inner &inner) {
    if (std::optional<Again> again = dying_again(thread_, frame, inner_frame, inner, passed_)) {
        record.delivery = again->delivery;
        record.constructed = std::move(again->dying);
        take_stack(record, frame, map, at, elw_saved_depth(frame));
        return true;
    }
    const Instruction &call = map.at(at);
    const int saved = elw_saved_depth(frame);
    const int consumed = call.depth + elw_stack_effect(call.opcode, call.oparg, 0) - 1;
    int kept = consumed;
    Ref dying = yield_of(thread_, frame, map, at, inner_frame, inner, passed_);
    if (!dying) {
        // Before 3.11, and where our own restore has entered the function, the operands are where
        // they were.
        if (saved < 0 && elw_facts.has_block_stack)
            kept = call.depth;
        else if (last_linked(frame) != nullptr)
            kept = saved;
        else if (saved != consumed)
            return false;
        dying = leave_of(thread_, frame, map, at, maps_, inner_frame, inner, passed_);
    }
    if (!dying) return false;
    record.delivery = Delivery::leave;
    record.constructed = std::move(dying);
    take_stack(record, frame, map, at, kept);
    return true;
}

Result<FrameRecord> Capture::enclosing(ElwFrame *frame, ElwFrame *inner_frame, ElwEntry entry,
                                       PyObject *instance) {
    PyCodeObject *code = elw_code(frame);
    const CodeMap &map = maps_.of(code);
    passes_throw_ = throws_ = false;
    const std::optional<Link> link = linked(frame, inner_frame);
    if (entry == ELW_ENTERED_FROM_C || link) {
        Telling telling = telling_of(thread_, frame, inner_frame, map);
        if (telling.delivery != Delivery::resume) {
            FrameRecord record = identity(frame, telling.at);
            record.delivery = telling.delivery;
            record.constructed = std::move(telling.raised);
            take_stack(record, frame, map, telling.at, telling.depth);
            return record;
        }
    }
    int at = map.start(elw_in_flight(frame));
    if (at < 0) return refusal(code, 0, "it has not started yet");
    if (map.at(at).op == ELW_OP_PRECALL) at = map.at(at).next;
    int saved = elw_saved_depth(frame);
    const Inner inner = inner_of(inner_frame);
    // generator.throw() has come down a `yield from` or await: the delegating SEND goes on.
    const int delegation = delegating_send(map, at);
    const int receiver = saved - (elw_facts.iterator_pairs ? 2 : 1);
    const bool delegates_throw = receiver >= 0 && delegation >= 0 && inner.generator != nullptr &&
                                 elw_get(elw_stack(frame)[receiver]) == inner.generator;
    if (delegates_throw) at = delegation;
    passes_throw_ = delegates_throw;
    const Instruction &instruction = map.at(at);
    if (instruction.depth < 0) return refusal(code, at, "an instruction that cannot be reached");
    // What is left on the stack once the instruction has consumed its operands.
    const int consumed =
        instruction.depth + elw_stack_effect(instruction.opcode, instruction.oparg, 0) - 1;
    if (is_import_system(code)) return refusal(code, at, "an import in progress");
    FrameRecord record = identity(frame, at);
    if (entry == ELW_ENTERED_FROM_C && link && is_death(link->delivery)) {
        record.delivery = link->delivery; // as our own restore leaves it
        record.constructed = Ref::share(link->constructed);
        take_stack(record, frame, map, at, saved);
        return record;
    }
    if (entry == ELW_ENTERED_FROM_C && !link &&
        (take_death(record, frame, map, at, inner_frame, inner) ||
         take_leave(record, frame, map, at, inner_frame, inner)))
        return record;
    // An instruction that takes items has them, or its operand, in places that are not counted.
    const Taking *const taking = entry == ELW_ENTERED_FROM_C ? taking_of(frame) : nullptr;
    if (taking != nullptr) saved = -1;
    // With its operands still on the stack, C code is at work on them. (That generator.throw() is
    // such code does not show: it links the generator without running it.)
    if (elw_facts.saves_depth_in_c && saved == instruction.depth && !delegates_throw && !link &&
        (entry == ELW_ENTERED_FROM_C || saved != consumed))
        saved = -1;
    // A frame that C entered while its outer one has nothing in flight: RETURN is dropping the
    // frame of a callee, and a finalizer or a weakref callback runs.
    if (entry == ELW_ENTERED_FROM_C && saved >= 0 && !link && !delegates_throw)
        return refusal(code, at, "a finalizer or callback is running");
    if (entry == ELW_ENTERED_INIT) {
        record.delivery = Delivery::construct;
        record.constructed = Ref::share(instance);
        if (saved != consumed) return refusal(code, at, "an unknown construction");
        take_stack(record, frame, map, at, saved);
    } else if (saved >= 0 && inner.generator != nullptr &&
               (instruction.op == ELW_OP_FOR_ITER || instruction.op == ELW_OP_SEND)) {
        // The loop has handed over to the generator; SEND has also passed on the value.
        record.delivery = Delivery::reexecute;
        take_stack(record, frame, map, at, saved);
    } else if (saved >= 0 && link && link->delivery == Delivery::construct) {
        // As our own restore leaves it.
        record.delivery = Delivery::construct;
        record.constructed = Ref::share(link->constructed);
        take_stack(record, frame, map, at, saved);
    } else if (saved >= 0 && (saved == consumed || (link && link->delivery == Delivery::result))) {
        record.delivery = Delivery::result;
        take_stack(record, frame, map, at, saved);
    } else if (saved >= 0) {
        return refusal(code, at, "an unknown state of the value stack");
    } else {
        const bool called = is_called_finalizer(code, map, at, elw_stack(frame), inner);
        const char *reason = called ? nullptr : uninvited(inner);
        if (reason != nullptr) return refusal(code, at, reason);
        const Activations calls(frame);
        const Inner first = calls.empty() ? inner : calls.first();
        Verdict verdict;
        if (taking == nullptr)
            verdict = through_c(code, map, at, elw_stack(frame), first, bound_);
        else if (first.generator == taking->iterator)
            verdict = yes(Delivery::reexecute);
        else
            verdict.reason = "an iterator that asks another one for its items";
        if (verdict.ok && !calls.empty()) verdict = both(verdict, calls.lead_to(inner));
        if (!verdict.ok) return refusal(code, at, verdict.reason);
        const CallOperands operands = call_operands(code, map, at, elw_stack(frame));
        throws_ = calls.empty() &&
                  (throws_into(operands, inner.generator) || throws_into_task(operands, inner));
        record.calls = calls.save();
        record.delivery = verdict.delivery;
        record.constructed = Ref::share(verdict.constructed);
        // What a call through C was given lives until it is done, whatever the callee does with it.
        const bool is_call = instruction.op == ELW_OP_CALL ||
                             instruction.op == ELW_OP_CALL_KEYWORDS ||
                             (instruction.op == ELW_OP_CALL_UNPACKED &&
                              call_operands(code, map, at, elw_stack(frame)).kept);
        const bool keeps_operands = verdict.delivery == Delivery::reexecute || is_call;
        const bool drops_value = instruction.op == ELW_OP_SEND; // put back as None below
        take_stack(record, frame, map, at,
                   keeps_operands ? instruction.depth - (drops_value ? 1 : 0) : consumed);
        if (verdict.counted != nullptr)
            record.calls.insert(record.calls.begin(), save_cached_call(verdict.counted));
        if (verdict.looked_up[0] != nullptr)
            record.calls.insert(record.calls.begin(), save_lookup(verdict));
        if (verdict.declined[0] != nullptr)
            record.calls.insert(record.calls.begin(), save_declined(verdict));
        if (taking != nullptr) {
            const bool by_tuple = instruction.op == ELW_OP_CALL;
            record.calls.insert(record.calls.begin(), save_taking(*taking, by_tuple));
            if (!by_tuple)
                record.stack[static_cast<std::size_t>(place_of_given(map, at))].value =
                    Ref::share(taking->iterator);
        }
    }
    if (record.delivery == Delivery::reexecute && instruction.op == ELW_OP_SEND) {
        Slot none;
        none.origin = record.instruction;
        none.role = Role::argument;
        none.value = Ref::share(Py_None);
        record.stack.push_back(std::move(none));
    }
    return record;
}

Result<StackRecord> Capture::run() {
    StackRecord stack;
    if (finalizing())
        return Error(ErrorKind::refused, "a generator is being finalized",
                     "suspend at another moment");
    ElwFrame *frame = elw_innermost(thread_);
    if (frame == nullptr)
        return Error(ErrorKind::refused, "no Python code is running in this thread");
    elw_cancel_stop(thread_);
    const int tracers = tracers_running(thread_);
    if (tracers > 1)
        return refusal(elw_code(frame), elw_in_flight(frame),
                       "a trace function, a profiler or a monitoring callback is running");
    if (tracers_know())
        return refusal(elw_code(frame), elw_in_flight(frame),
                       "a trace function is about to be told");
    if (std::optional<Error> unkept = unkept_tracer(thread_)) return *unkept;
    Result<FrameRecord> record = innermost(frame);
    if (!record) return record.error();
    int told = 0;
    int passing = 0; // of the frames, the outermost ones that throw() has come through
    std::vector<FrameRecord> frames;
    frames.push_back(std::move(record).value());
    for (;;) {
        ElwEntry entry = ELW_ENTERED_FROM_C;
        PyObject *instance = nullptr;
        ElwFrame *outer = elw_outer(frame, &entry, &instance);
        if (outer == nullptr) {
            if (const char *reason = uninvited(inner_of(frame)))
                return refusal(elw_code(frame), 0, reason);
            // Before 3.11, throw() through a `yield from` leaves the caller out.
            if (elw_generator(frame) != nullptr)
                return refusal(elw_code(frame), 0, "throw() is passing through a generator");
            break;
        }
        record = enclosing(outer, frame, entry, instance);
        if (!record) return record.error();
        if (is_of_tracer(record.value().delivery)) ++told;
        // These stand as they stood; called again, throw() goes through them once more.
        if (throws_) frames.erase(frames.end() - passing, frames.end());
        passing = passes_throw_ ? passing + 1 : 0;
        frames.push_back(std::move(record).value());
        frame = outer;
        ++passed_;
    }
    if (tracers != told)
        return refusal(elw_code(elw_innermost(thread_)), elw_in_flight(elw_innermost(thread_)),
                       "a trace function, a profiler or a monitoring callback is running");
    stack.frames.reserve(frames.size());
    for (auto it = frames.rbegin(); it != frames.rend(); ++it)
        stack.frames.push_back(std::move(*it));
    stack.handled_exception = Ref::steal(elw_handled_exception(thread_));
    return stack;
}

} // namespace

Result<StackRecord> capture_stack(const CaptureRequest &request) { return Capture(request).run(); }

bool may_be_inside_call() {
    ElwFrame *frame = elw_innermost(PyThreadState_Get());
    if (frame == nullptr) return true;
    const CodeMap map(elw_code(frame));
    int at = map.start(elw_in_flight(frame));
    if (at < 0) return true;
    if (map.at(at).op == ELW_OP_PRECALL) at = map.at(at).next;
    const Instruction &call = map.at(at);
    if (call.op != ELW_OP_CALL && call.op != ELW_OP_CALL_KEYWORDS &&
        call.op != ELW_OP_CALL_UNPACKED)
        return false;
    const int place = call.depth + elw_stack_effect(call.opcode, call.oparg, 0) - 1;
    if (call.depth < 0 || place < 0) return true;
    if (elw_facts.saves_depth_in_c) return elw_saved_depth(frame) != place + 1;
    PyObject *result = elw_get(elw_stack(frame)[place]);
    return result == nullptr || (PyCallable_Check(result) != 0 && !PyFunction_Check(result));
}

BlockedCall blocked_call() {
    BlockedCall call;
    ElwFrame *frame = elw_innermost(PyThreadState_Get());
    if (frame == nullptr) return call;
    const CodeMap map(elw_code(frame));
    int at = map.start(elw_in_flight(frame));
    if (at < 0) return call;
    if (map.at(at).op == ELW_OP_PRECALL) at = map.at(at).next;
    const Instruction &instruction = map.at(at);
    if (instruction.op != ELW_OP_CALL || instruction.depth < 0) return call;
    const CallOperands operands = call_operands(elw_code(frame), map, at, elw_stack(frame));
    if (operands.callable == nullptr || operands.names != nullptr) return call;
    call.callable = operands.callable;
    for (int i = 0; i < operands.count; ++i) call.arguments.push_back(operands.argument(i));
    return call;
}

} // namespace elsewhere::frame
