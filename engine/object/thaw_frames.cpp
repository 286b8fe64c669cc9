// Frame records read again, generators and frame objects made from them.
#include "engine/object/thaw.hpp"

// Exported by every Python, declared only by some of the public headers.
extern "C" PyFrameObject *PyFrame_New(PyThreadState *, PyCodeObject *, PyObject *globals,
                                      PyObject *locals);

namespace elsewhere::object {

using namespace snapshot;

namespace {

template <typename Enum> Enum checked(std::uint64_t value, Enum last) {
    if (value > static_cast<std::uint64_t>(last))
        throw Error(ErrorKind::damaged, "the objects are damaged: an unknown kind of slot");
    return static_cast<Enum>(value);
}

} // namespace

frame::FrameRecord Thaw::frame(Reader &in) {
    frame::FrameRecord record;
    record.instruction = static_cast<std::uint32_t>(in.varint());
    record.line = static_cast<std::uint32_t>(in.varint());
    record.delivery = checked(in.varint(), frame::Delivery::reexecute);
    for (Ref *part : {&record.code, &record.globals, &record.generator, &record.frame,
                      &record.function, &record.builtins, &record.locals, &record.constructed})
        *part = object(in.varint());
    const std::size_t variables = in.count();
    for (std::size_t i = 0; i < variables; ++i) record.variables.push_back(object(in.varint()));
    const std::size_t depth = in.count(3);
    for (std::size_t i = 0; i < depth; ++i) {
        frame::Slot slot;
        slot.role = checked(in.varint(), frame::Role::last_instruction);
        slot.origin = static_cast<std::uint32_t>(in.varint());
        slot.value = object(in.varint());
        record.stack.push_back(std::move(slot));
    }
    return record;
}

void Thaw::on_generator() {
    PyObject *code = known();
    Ref globals = get();
    if (!globals) globals = Ref::checked(PyDict_New()); // finished: nothing will be looked up
    if (!PyCode_Check(code)) damaged("a generator without code");
    add(frame::generator_shell(code, globals.get()));
}

void Thaw::on_generator_fill() {
    PyObject *generator = known();
    frame::GeneratorRecord record;
    record.state = checked(in_.varint(), frame::GeneratorState::finished);
    if (in_.count() != 3) damaged("a generator of another shape");
    record.name = get();
    record.qualname = get();
    record.handled_exception = get();
    record.frame = frame(in_);
    record.code = record.frame.code.copy();
    // An executing one gets its frame when the stack is restored.
    if (record.state == frame::GeneratorState::executing) return;
    frame::fill_generator(generator, std::move(record));
}

void Thaw::on_dead_frame() {
    const frame::FrameRecord record = frame(in_);
    if (!record.code || !PyCode_Check(record.code.get())) damaged("a frame without code");
    add(frame::dead_frame(record));
}

// A frame object of its own for now; restoring the stack makes it that of the running frame.
void Thaw::on_stack_frame() {
    PyObject *code = known();
    PyObject *globals = known();
    const std::uint64_t index = in_.varint();
    if (!PyCode_Check(code) || !PyDict_Check(globals)) damaged("a frame without code");
    PyFrameObject *made = PyFrame_New(PyThreadState_Get(), reinterpret_cast<PyCodeObject *>(code),
                                      globals, nullptr);
    Ref frame = Ref::checked(reinterpret_cast<PyObject *>(made));
    stack_frames_.emplace_back(static_cast<std::size_t>(index), frame.copy());
    add(std::move(frame));
}

} // namespace elsewhere::object
