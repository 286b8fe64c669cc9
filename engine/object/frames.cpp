// Frames in the graph: generators, and the frame objects that tracebacks hold.
#include "engine/object/frames.hpp"

#include <bit>

#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

std::vector<Ref> variable_names(PyObject *code) {
    std::vector<Ref> names;
    for (const char *attribute : {"co_varnames", "co_cellvars", "co_freevars"}) {
        Ref tuple = Ref::checked(PyObject_GetAttrString(code, attribute));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.get()); ++i) {
            PyObject *name = PyTuple_GET_ITEM(tuple.get(), i);
            // A parameter that is also a cell has one place, among the parameters (from 3.11 on).
            bool there = false;
            if (attribute[3] == 'c' && !elw_facts.cells_apart)
                for (const Ref &other : names)
                    there = there || PyUnicode_Compare(other.get(), name) == 0;
            if (!there) names.push_back(Ref::share(name));
        }
    }
    return names;
}

std::string place_of(const frame::FrameRecord &record) {
    PyCodeObject *code = reinterpret_cast<PyCodeObject *>(record.code.get());
    const std::string file = text(code->co_filename);
    return text(elw_qualname(code)) + ", " + file.substr(file.rfind('/') + 1) + ":" +
           std::to_string(record.line);
}

void add_parts(std::vector<Part> &parts, const frame::FrameRecord &record,
               const std::string &label) {
    auto add = [&](const Ref &value, const std::string &name) {
        parts.push_back({value.copy(), label + name});
    };
    add(record.function, " function");
    add(record.builtins, " builtins");
    add(record.locals, " locals");
    add(record.constructed,
        frame::is_death(record.delivery) ? " object that dies" : " instance under construction");
    const std::vector<Ref> names = variable_names(record.code.get());
    for (std::size_t i = 0; i < record.variables.size(); ++i)
        add(record.variables[i],
            i < names.size() ? " variable '" + text(names[i].get()) + "'" : " variable");
    for (const frame::Slot &slot : record.stack) add(slot.value, " value in use");
    for (const frame::SavedCall &call : record.calls)
        for (const Ref &slot : call.slots) add(slot, " value in " + call.name);
}

void write_frame(Writer &out, const frame::FrameRecord &record, const FrameLinks &links,
                 std::span<const Reference> parts) {
    out.varint(record.instruction);
    out.varint(record.line);
    out.varint(static_cast<std::uint64_t>(record.delivery));
    for (Reference r : {links.code, links.globals, links.generator, links.frame}) out.varint(r);
    for (Reference r : parts.first(4)) out.varint(r);
    out.varint(record.variables.size());
    for (Reference r : parts.subspan(4, record.variables.size())) out.varint(r);
    out.varint(record.stack.size());
    for (std::size_t i = 0; i < record.stack.size(); ++i) {
        out.varint(static_cast<std::uint64_t>(record.stack[i].role));
        out.varint(record.stack[i].origin);
        out.varint(parts[4 + record.variables.size() + i]);
    }
    std::size_t at = 4 + record.variables.size() + record.stack.size();
    out.varint(record.calls.size());
    for (const frame::SavedCall &call : record.calls) {
        out.text(call.name);
        out.varint(call.phase);
        out.u64(static_cast<std::uint64_t>(call.number));
        out.u64(std::bit_cast<std::uint64_t>(call.real));
        out.u64(std::bit_cast<std::uint64_t>(call.rest));
        out.varint(call.slots.size());
        for (Reference r : parts.subspan(at, call.slots.size())) out.varint(r);
        at += call.slots.size();
    }
    out.varint(record.blocks.size());
    for (const ElwBlock &block : record.blocks) {
        out.varint(block.handling ? 1 : 0);
        out.varint(static_cast<std::uint64_t>(block.target + 1));
        out.varint(static_cast<std::uint64_t>(block.level));
    }
}

namespace {

// ---- generators --------------------------------------------------------------------------------

// An executing one has its frame in the stack: code and globals come from there.
const frame::FrameRecord *frame_in_stack(Walk &walk, PyObject *generator) {
    if (walk.stack() == nullptr) return nullptr;
    for (const frame::FrameRecord &record : walk.stack()->frames)
        if (record.generator.get() == generator) return &record;
    return nullptr;
}

void gather_generator(Walk &walk, Visit &visit) {
    PyObject *generator = visit.object.get();
    try {
        visit.record =
            std::make_unique<frame::GeneratorRecord>(frame::capture_generator(generator));
    } catch (const Error &error) {
        throw walk.refusal(error.message(), error.hint());
    }
    frame::GeneratorRecord &record = *visit.record;
    const bool runs = elw_generator_state(generator) == ELW_GEN_EXECUTING;
    const frame::FrameRecord *running = runs ? frame_in_stack(walk, generator) : nullptr;
    if (running != nullptr) { // also where throw() passes through it
        record.state = frame::GeneratorState::executing;
        record.frame = frame::FrameRecord();
    }
    if (record.state == frame::GeneratorState::executing) {
        if (running == nullptr)
            throw walk.refusal("it is running", "keep it while it is suspended at a yield");
        record.code = running->code.copy();
        record.frame.globals = running->globals.copy();
    }
    if (!record.code) throw walk.refusal("a generator without code", "drop it: it has finished");
    if (!record.frame.code) record.frame.code = record.code.copy();
    visit.parts = std::make_unique<std::vector<Part>>();
    auto &parts = *visit.parts;
    parts.push_back({record.code.copy(), ".gi_code"});
    parts.push_back({record.name.copy(), ""});
    parts.push_back({record.qualname.copy(), ""});
    parts.push_back({record.handled_exception.copy(), " handled exception"});
    parts.push_back({record.origin.copy(), " origin or finalizer"});
    add_parts(parts, record.frame, "");
}

PyObject *generator_next(Walk &walk, Visit &visit) {
    if (!visit.parts) gather_generator(walk, visit);
    if (visit.at == 1 && visit.id == 0) {
        const Reference code = walk.so_far(visit)[0];
        const Ref &globals = visit.record->frame.globals;
        const Reference in =
            globals ? globals_reference(walk, globals.get()) : to_reference(id_null);
        walk.make(visit, Op::generator);
        walk.out().varint(code);
        walk.out().varint(in);
    }
    return next_part(walk, visit);
}

void generator_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    const frame::FrameRecord &record = visit.record->frame;
    FrameLinks links;
    links.code = refs[0];
    if (record.globals) links.globals = globals_reference(walk, record.globals.get());
    links.generator = to_reference(visit.id);
    walk.op(Op::generator_fill);
    walk.ref(visit);
    walk.out().varint(static_cast<std::uint64_t>(visit.record->state));
    walk.out().varint(visit.record->flags);
    walk.refs(refs.subspan(1, 4));
    write_frame(walk.out(), record, links, refs.subspan(5));
    keep_finalized(walk, visit);
}

void generator_shell(Walk &walk, Visit &visit) {
    if (visit.id == 0) throw walk.refusal("a generator whose code contains it");
}

// ---- frame objects -----------------------------------------------------------------------------

enum Where : unsigned { on_stack = 1, of_generator = 2, dead = 3 };

void gather_frame(Walk &walk, Visit &visit) {
    PyObject *object = visit.object.get();
    visit.parts = std::make_unique<std::vector<Part>>();
    visit.record = std::make_unique<frame::GeneratorRecord>();
    frame::FrameRecord &record = visit.record->frame;
    if (walk.stack() != nullptr)
        for (std::size_t i = 0; i < walk.stack()->frames.size(); ++i) {
            const frame::FrameRecord &on = walk.stack()->frames[i];
            if (on.frame.get() != object) continue;
            visit.flags = on_stack;
            visit.count = static_cast<Py_ssize_t>(i) + 1;
            record.code = on.code.copy();
            record.globals = on.globals.copy();
            record.locals = on.locals.copy();
            visit.parts->push_back({on.code.copy(), ".f_code"});
            return;
        }
    try {
        record = frame::capture_frame_object(object);
    } catch (const Error &error) {
        throw walk.refusal(error.message(), error.hint());
    }
    if (record.generator) {
        visit.flags = of_generator;
        visit.parts->push_back({record.generator.copy(), ""});
        return;
    }
    visit.flags = dead;
    record.stack.clear();
    record.blocks.clear();
    visit.parts->push_back({record.code.copy(), ".f_code"});
    add_parts(*visit.parts, record, " frame (" + place_of(record) + ")");
}

void frame_make(Walk &walk, Visit &visit, Reference code) {
    const frame::FrameRecord &record = visit.record->frame;
    const Reference globals = globals_reference(walk, record.globals.get());
    Reference locals = to_reference(id_null);
    if (record.locals && PyDict_CheckExact(record.locals.get()))
        locals = globals_reference(walk, record.locals.get());
    walk.make(visit, Op::frame);
    walk.out().varint(code);
    walk.out().varint(globals);
    walk.out().varint(locals);
    walk.out().varint(static_cast<std::uint64_t>(visit.count));
}

PyObject *frame_next(Walk &walk, Visit &visit) {
    if (!visit.parts) gather_frame(walk, visit);
    if (visit.at == 1 && visit.id == 0 && visit.flags != of_generator)
        frame_make(walk, visit, walk.so_far(visit)[0]);
    return next_part(walk, visit);
}

const char *frame_attribute(PyObject *generator) {
    if (PyGen_CheckExact(generator)) return "gi_frame";
    return PyCoro_CheckExact(generator) ? "cr_frame" : "ag_frame";
}

void frame_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    const frame::FrameRecord &record = visit.record->frame;
    if (visit.flags == of_generator) {
        // Made again when asked for, so only once the generator has its frame.
        walk.make(visit, Op::attribute);
        walk.out().varint(refs[0]);
        walk.out().text(frame_attribute(record.generator.get()));
        return;
    }
    if (visit.flags == on_stack) return;
    FrameLinks links;
    links.code = refs[0];
    links.globals = globals_reference(walk, record.globals.get());
    walk.op(Op::frame_fill);
    walk.ref(visit);
    write_frame(walk.out(), record, links, refs.subspan(1));
}

} // namespace

const Family generator_family{generator_next, generator_finish, generator_shell, nullptr};
const Family frame_family{frame_next, frame_finish, nullptr, nullptr};

} // namespace elsewhere::object
