// Frame records read again, generators and frame objects made from them.
#include <bit>

#include "engine/object/thaw.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

template <typename Enum> Enum checked(std::uint64_t value, Enum last) {
    if (value > static_cast<std::uint64_t>(last))
        throw Error(ErrorKind::damaged, "the objects are damaged: an unknown kind of slot");
    return static_cast<Enum>(value);
}

} // namespace

frame::FrameRecord Thaw::read_frame(Reader &in) {
    frame::FrameRecord record;
    record.instruction = static_cast<std::uint32_t>(in.varint());
    record.line = static_cast<std::uint32_t>(in.varint());
    record.delivery = checked(in.varint(), frame::Delivery::leave);
    for (Ref *part : {&record.code, &record.globals, &record.generator, &record.frame,
                      &record.function, &record.builtins, &record.locals, &record.constructed})
        *part = object(in.varint());
    const std::size_t variables = in.count();
    for (std::size_t i = 0; i < variables; ++i) record.variables.push_back(object(in.varint()));
    const std::size_t depth = in.count(3);
    for (std::size_t i = 0; i < depth; ++i) {
        frame::Slot slot;
        slot.role = checked(in.varint(), frame::Role::number);
        slot.origin = static_cast<std::uint32_t>(in.varint());
        slot.value = object(in.varint());
        record.stack.push_back(std::move(slot));
    }
    for (std::size_t calls = in.count(27); calls > 0; --calls) {
        frame::SavedCall call;
        call.name = in.text();
        call.phase = static_cast<std::uint32_t>(in.varint());
        call.number = static_cast<std::int64_t>(in.u64());
        call.real = std::bit_cast<double>(in.u64());
        call.rest = std::bit_cast<double>(in.u64());
        for (std::size_t slots = in.count(); slots > 0; --slots)
            call.slots.push_back(object(in.varint()));
        record.calls.push_back(std::move(call));
    }
    const std::size_t blocks = in.count(3);
    for (std::size_t i = 0; i < blocks; ++i) {
        ElwBlock block{};
        block.handling = in.varint() != 0;
        block.target = static_cast<int>(in.varint()) - 1;
        block.level = static_cast<int>(in.varint());
        if (block.level < 0 || static_cast<std::size_t>(block.level) > depth)
            damaged("a block outside of its frame");
        record.blocks.push_back(block);
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
    record.flags = static_cast<std::uint8_t>(in_.varint());
    if (in_.count() != 4) damaged("a generator of another shape");
    record.name = need();
    record.qualname = need();
    record.handled_exception = get();
    record.origin = get();
    record.frame = read_frame(in_);
    record.code = record.frame.code.copy();
    frame::fill_generator(generator, std::move(record));
}

void Thaw::on_frame() {
    PyObject *code = known();
    PyObject *globals = known();
    Ref locals = get();
    in_.varint(); // told by the frame itself, whose record refers to this object
    if (!PyCode_Check(code) || !PyDict_Check(globals)) damaged("a frame without code");
    add(frame::frame_shell(code, globals, locals.get()));
}

void Thaw::on_frame_fill() {
    PyObject *frame = known();
    if (!PyFrame_Check(frame)) damaged("a frame that is none");
    frame::fill_frame(frame, read_frame(in_));
}

} // namespace elsewhere::object
