#include "engine/object/thaw.hpp"

#include "engine/frame/told_addresses.hpp"
#include "engine/object/sources.hpp"
#include "engine/snapshot/operands.hpp"

namespace elsewhere::object {

using namespace snapshot;

Thaw::Thaw(Span stream, std::unique_ptr<Selection> selection)
    : in_(stream.data(), stream.size()), start_(in_), no_arguments_(Ref::checked(PyTuple_New(0))),
      selection_(std::move(selection)), gc_was_enabled_(PyGC_Disable() != 0) {
    if (in_.varint() != object_stream_version)
        throw Error(ErrorKind::unsupported, "the objects are written in another version's format",
                    "use the version of elsewhere that wrote them");
    start_ = in_;
    objects_.assign(id_first, nullptr);
    objects_[id_none] = Py_NewRef(Py_None);
    objects_[id_true] = Py_NewRef(Py_True);
    objects_[id_false] = Py_NewRef(Py_False);
    objects_[id_ellipsis] = Py_NewRef(Py_Ellipsis);
    objects_[id_not_implemented] = Py_NewRef(Py_NotImplemented);
    objects_[id_main_thread] = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    if (objects_[id_main_thread] == nullptr) throw PythonError{};
}

Thaw::~Thaw() {
    if (forsaken_) return;
    std::vector<PyObject *> objects = std::move(objects_);
    for (PyObject *object : objects) Py_XDECREF(object);
    if (gc_was_enabled_) PyGC_Enable();
}

void Thaw::run() {
    for (;;) {
        const auto op = static_cast<Op>(in_.u8());
        if (is_passed_over(op, objects_.size())) {
            const Layout &layout = layout_of(op);
            for (unsigned left = layout.made; left > 0; --left)
                objects_.push_back(Py_XNewRef(selection_->here(objects_.size())));
            skip(in_, layout.operands);
            continue;
        }
        switch (op) {
#define ELSEWHERE_OP(name, number, made, operands)                                                 \
    case Op::name:                                                                                 \
        on_##name();                                                                               \
        break;
#include "engine/snapshot/object_ops.def"
#undef ELSEWHERE_OP
        default: damaged("an unknown operation");
        }
        if (op == Op::end) break;
    }
    if (asked_program_) look_again();
}

bool Thaw::is_passed_over(Op op, std::uint64_t id) {
    if (!selection_ || op == Op::end) return false;
    const Layout &layout = layout_of(op);
    if (layout.made == 0) {
        if (layout.operands.front() != 'r') return false;
        const Reader there = in_;
        id = in_.varint() >> 1;
        in_ = there;
        if (id < id_first) return false;
    }
    // Whether a function is the same is asked of its code.
    const bool made_here = selection_->here(id) != nullptr && op != Op::function;
    return !selection_->needs(id) || made_here;
}

Ref Thaw::run_for_object() {
    run();
    return need();
}

void Thaw::on_end() {}

void Thaw::damaged(const char *what) const {
    throw Error(ErrorKind::damaged,
                std::string("the objects are damaged: ") + what + " before byte " +
                    std::to_string(in_.offset()),
                "use another snapshot");
}

PyObject *Thaw::take(Reference reference) {
    if (is_small_int(reference)) {
        PyObject *number = PyLong_FromLongLong(small_int(reference));
        if (number == nullptr) throw PythonError{};
        return number;
    }
    const std::uint64_t id = reference >> 1;
    if (id >= objects_.size()) damaged("a reference to what is not there yet");
    return Py_XNewRef(objects_[id]);
}

Ref Thaw::need() {
    Ref object = get();
    if (!object) damaged("a missing object");
    return object;
}

PyObject *Thaw::known() {
    const Reference reference = in_.varint();
    const std::uint64_t id = reference >> 1;
    if (is_small_int(reference) || id >= objects_.size() || objects_[id] == nullptr)
        damaged("a reference to what is not there");
    return objects_[id];
}

PyTypeObject *Thaw::known_type() {
    PyObject *type = known();
    if (!PyType_Check(type)) damaged("a class that is none");
    return reinterpret_cast<PyTypeObject *>(type);
}

Ref Thaw::unicode() {
    const std::string_view text = in_.text();
    return Ref::checked(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogatepass"));
}

Ref Thaw::tuple() {
    const std::size_t n = in_.count();
    Ref tuple = Ref::checked(PyTuple_New(static_cast<Py_ssize_t>(n)));
    for (std::size_t i = 0; i < n; ++i) {
        PyObject *item = take();
        if (item == nullptr) damaged("a missing object");
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), item);
    }
    return tuple;
}

void Thaw::add(Ref object) {
    if (!object) throw PythonError{};
    objects_.push_back(object.get());
    (void)object.release();
}

// ---- leaves ------------------------------------------------------------------------------------

void Thaw::on_string() { add(unicode()); }
void Thaw::on_interned() {
    PyObject *text = unicode().release();
    PyUnicode_InternInPlace(&text);
    add(Ref::steal(text));
}
void Thaw::on_bytes() {
    const std::string_view data = in_.text();
    add(Ref::checked(new_bytes(data.data(), data.size()).release()));
}
void Thaw::on_byte_array() {
    const std::string_view data = in_.text();
    add(Ref::checked(
        PyByteArray_FromStringAndSize(data.data(), static_cast<Py_ssize_t>(data.size()))));
}
void Thaw::on_big_int() { add(Ref::checked(PyLong_FromString(words().c_str(), nullptr, 16))); }
void Thaw::on_shared_int() {
    const Reference number = in_.varint();
    if (!is_small_int(number)) damaged("an int that is none");
    add(Ref::steal(take(number)));
}
void Thaw::on_address() {
    PyObject *object = known();
    frame::tell_address(reinterpret_cast<std::uintptr_t>(object));
    add(Ref::steal(PyLong_FromVoidPtr(object)));
}
void Thaw::on_real() { add(Ref::checked(PyFloat_FromDouble(in_.f64()))); }
void Thaw::on_complex() {
    const double real = in_.f64();
    add(Ref::checked(PyComplex_FromDoubles(real, in_.f64())));
}

void Thaw::on_source() {
    Ref name = unicode(), source = unicode();
    if (!selection_ || read_source(name.get()).empty()) keep_source(name.get(), source.get());
}

// ---- containers --------------------------------------------------------------------------------

void Thaw::on_tuple() { add(tuple()); }

void Thaw::on_list() {
    const std::size_t n = in_.count();
    Ref list = Ref::checked(PyList_New(static_cast<Py_ssize_t>(n)));
    for (std::size_t i = 0; i < n; ++i) {
        PyObject *item = take();
        if (item == nullptr) damaged("a missing object");
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
    }
    add(std::move(list));
}
void Thaw::on_list_shell() { add(Ref::checked(PyList_New(0))); }
void Thaw::on_list_fill() {
    PyObject *list = known();
    if (!PyList_Check(list)) damaged("a list that is none");
    items_into(list);
}
void Thaw::items_into(PyObject *list) {
    // What made its items may have put some there itself.
    if (PyList_SetSlice(list, 0, PyList_GET_SIZE(list), nullptr) < 0) throw PythonError{};
    const std::size_t n = in_.count();
    for (std::size_t i = 0; i < n; ++i) {
        Ref item = need();
        if (PyList_Append(list, item.get()) < 0) throw PythonError{};
    }
}

void Thaw::on_cell() { add(Ref::checked(PyCell_New(nullptr))); }
void Thaw::on_cell_fill() {
    PyObject *cell = known();
    if (!PyCell_Check(cell)) damaged("a cell that is none");
    Ref value = get();
    if (PyCell_Set(cell, value.get()) < 0) throw PythonError{};
}

} // namespace elsewhere::object
