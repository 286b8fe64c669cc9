#include "engine/object/image.hpp"

#include "engine/object/families.hpp"
#include "engine/object/frames.hpp"
#include "engine/object/thaw.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

std::string label(std::size_t index, const frame::FrameRecord &record) {
    return "frame " + std::to_string(index) + " (" + place_of(record) + ")";
}

// From a file, and not made while the program ran, by a library that compiles what it calls.
bool is_imported(PyObject *code) {
    const std::string file = text(reinterpret_cast<PyCodeObject *>(code)->co_filename);
    return !file.starts_with('<') || file.starts_with("<frozen ");
}

// Code of a function that is known by name is asked for, and checked to be the same.
void root_code(Walk &walk, const frame::FrameRecord &record, const std::string &label) {
    Reference reference;
    PyObject *function = record.function.get();
    if (function != nullptr && PyFunction_Check(function)) {
        walk.root(function, label + " function");
        if (PyFunction_GET_CODE(function) == record.code.get() && is_imported(record.code.get()) &&
            (walk.names().find(function) || walk.names().hidden(function)) &&
            walk.memo().find(record.code.get()) == nullptr) {
            const Reference by = walk.reference(function);
            reference = to_reference(walk.make(record.code.get(), Op::code_of));
            walk.out().varint(by);
            walk.out().u64(code_hash(record.code.get()));
            walk.memo().add(record.code.get(), static_cast<std::uint32_t>(reference >> 1), 0);
        }
    }
    walk.root(record.code.get(), label + " code");
}

void root_frame(Walk &walk, const frame::FrameRecord &record, const std::string &label) {
    root_code(walk, record, label);
    walk.root(record.globals.get(), label + " globals");
    if (record.generator) walk.root(record.generator.get(), label + " generator");
    std::vector<Part> parts;
    add_parts(parts, record, label);
    for (const Part &part : parts)
        if (part.value) walk.root(part.value.get(), part.label);
}

// state["patches"]["changed"] is {module: {attribute, …}} of what a fresh import has otherwise.
void forget_patches(Walk &walk, PyObject *state) {
    PyObject *attributes = state;
    for (const char *key : {"patches", "changed"}) {
        if (attributes == nullptr || !PyDict_Check(attributes)) return;
        attributes = PyDict_GetItemString(attributes, key);
    }
    if (attributes == nullptr || !PyDict_Check(attributes)) return;
    walk.names().forget(attributes);
}

void walk_program(Walk &walk, const Program &program) {
    forget_patches(walk, program.state.get());
    walk.root(program.state.get(), "state");
    for (std::size_t i = 0; i < program.stack.frames.size(); ++i) {
        const frame::FrameRecord &record = program.stack.frames[i];
        root_frame(walk, record, label(i, record));
    }
    if (program.stack.handled_exception)
        walk.root(program.stack.handled_exception.get(), "the exception being handled");
}

void write_stack_frame(Walk &walk, Writer &out, const frame::FrameRecord &record) {
    PyCodeObject *code = reinterpret_cast<PyCodeObject *>(record.code.get());
    out.text(text(elw_qualname(code)));
    out.text(text(code->co_filename));
    const std::vector<Ref> names = variable_names(record.code.get());
    out.varint(names.size());
    for (const Ref &name : names) out.text(text(name.get()));
    FrameLinks links;
    links.code = walk.reference(record.code.get());
    links.globals = walk.reference(record.globals.get());
    links.generator = walk.reference(record.generator.get());
    // Only where something in the graph holds the frame object.
    if (record.frame)
        if (const Memo::Entry *entry = walk.memo().find(record.frame.get()))
            links.frame = to_reference(entry->id);
    std::vector<Part> parts;
    add_parts(parts, record, "");
    std::vector<Reference> references;
    for (const Part &part : parts) references.push_back(walk.reference(part.value.get()));
    write_frame(out, record, links, references);
}

} // namespace

std::vector<Span> Stream::pieces() const {
    std::vector<Span> all;
    std::size_t done = 0;
    for (const Outside &one : outside) {
        all.emplace_back(own.data() + done, one.at - done);
        all.emplace_back(reinterpret_cast<const std::uint8_t *>(PyBytes_AS_STRING(one.bytes.get())),
                         static_cast<std::size_t>(PyBytes_GET_SIZE(one.bytes.get())));
        done = one.at;
    }
    all.emplace_back(own.data() + done, own.size() - done);
    return all;
}

Image freeze(const Program &program) {
    Walk walk(&program.stack);
    // Referred to twice, they get an id to be asked by: before 3.11 the exception may be a tuple
    // made for us.
    const Ref handled = program.stack.handled_exception.copy(), state = program.state.copy();
    walk_program(walk, program);
    walk.finish(program.last.get());
    Writer frames;
    frames.varint(object_stream_version);
    frames.varint(program.stack.frames.size());
    for (const frame::FrameRecord &record : program.stack.frames)
        write_stack_frame(walk, frames, record);
    frames.varint(walk.reference(program.stack.handled_exception.get()));
    frames.varint(walk.reference(program.state.get()));
    return {std::move(frames.bytes()), walk.take()};
}

namespace {

Program thaw_with(Thaw &thaw, Span frames) {
    thaw.run();
    Reader in(frames.data(), frames.size());
    if (in.varint() != object_stream_version)
        throw Error(ErrorKind::unsupported, "the frames are written in another version's format",
                    "use the version of elsewhere that wrote them");
    Program program;
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count; ++i) {
        in.text();
        in.text();
        for (std::size_t names = in.count(); names > 0; --names) in.text();
        program.stack.frames.push_back(thaw.read_frame(in));
    }
    program.stack.handled_exception = thaw.object(in.varint());
    program.state = thaw.object(in.varint());
    return program;
}

} // namespace

Program thaw(Span frames, Span objects) {
    Thaw thaw(objects);
    try {
        return thaw_with(thaw, frames);
    } catch (...) {
        thaw.forsake();
        throw;
    }
}

std::vector<Problem> problems_of(const Program &program) {
    std::vector<Problem> problems;
    Walk walk(&program.stack);
    walk.collect(problems);
    walk_program(walk, program);
    return problems;
}

namespace {

// What is in the way of an object alone: of the modules of its functions only what these name.
// Which names that are shows as they are walked; `attempt` is given a set of them, again and again
// until it has all that the walk has noted.
template <class Attempt> auto with_names(Attempt attempt) {
    for (Ref names = Ref::checked(PySet_New(nullptr));;) {
        Walk walk;
        walk.keep_only(names.get());
        auto result = attempt(walk);
        PyObject *noted = walk.noted_names();
        if (noted == nullptr) return result;
        const Py_ssize_t known = PySet_GET_SIZE(names.get());
        (void)Ref::checked(PyObject_CallMethod(names.get(), "update", "(O)", noted));
        if (PySet_GET_SIZE(names.get()) == known) return result;
    }
}

std::vector<Problem> problems_of(Walk &walk, PyObject *object) {
    std::vector<Problem> problems;
    walk.collect(problems);
    walk.root(object, "object");
    return problems;
}

Bytes freeze_object(Walk &walk, PyObject *object) {
    walk.root(object, "object");
    walk.finish();
    const Reference reference = walk.reference(object);
    walk.out().varint(reference);
    const Stream stream = walk.take();
    Bytes whole;
    for (const Span piece : stream.pieces()) whole.insert(whole.end(), piece.begin(), piece.end());
    return whole;
}

} // namespace

std::vector<Problem> problems_of(PyObject *object) {
    Walk walk;
    std::vector<Problem> problems = problems_of(walk, object);
    if (problems.empty()) return problems;
    return with_names([&](Walk &again) { return problems_of(again, object); });
}

Bytes freeze_object(PyObject *object) {
    Ref asked_for = Ref::share(object); // more than one reference: it gets an id to be asked by
    try {
        Walk walk;
        return freeze_object(walk, object);
    } catch (const Error &error) {
        if (error.kind() != ErrorKind::refused) throw;
    }
    // What is in the way may be of no use to the object.
    return with_names([&](Walk &walk) { return freeze_object(walk, object); });
}

Ref thaw_object(Span bytes, bool same_process) {
    Thaw thaw(bytes, std::make_unique<Selection>(bytes, same_process));
    return thaw.run_for_object();
}

} // namespace elsewhere::object
