#include "python/bindings/values.hpp"

#include "core/wire/values.hpp"
#include "engine/cpython/adopted_bytes.hpp"
#include "engine/cpython/imported_module.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

namespace {

using wire::Container;

std::span<const std::uint8_t> span_of(const char *data, Py_ssize_t size) {
    return {reinterpret_cast<const std::uint8_t *>(data), static_cast<std::size_t>(size)};
}

class Dumper {
  public:
    explicit Dumper(const ChannelCodec *channels) : channels_(channels) {}

    Dumped all(PyObject *object) {
        value(object, 0);
        return {writer_.finish(), std::move(kept_)};
    }

  private:
    // Where the walk stands, for messages: a chain on the C stack.
    struct Place {
        const Place *outer = nullptr;
        PyObject *key = nullptr; // of a dict
        Py_ssize_t index = 0;
    };

    void value(PyObject *object, unsigned depth, const Place *place = nullptr) {
        PyTypeObject *type = Py_TYPE(object);
        if (type == &PyUnicode_Type) return text(object);
        if (type == &PyLong_Type) return integer(object);
        if (type == &PyBytes_Type) {
            const auto bytes = span_of(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
            if (bytes.size() >= wire::ValueWriter::long_bytes) kept_.push_back(Ref::share(object));
            return writer_.bytes(bytes);
        }
        if (object == Py_None) return writer_.none();
        if (type == &PyBool_Type) return writer_.boolean(object == Py_True);
        if (type == &PyFloat_Type) return writer_.real(PyFloat_AS_DOUBLE(object));
        if (type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type ||
            type == &PySet_Type || type == &PyFrozenSet_Type) {
            if (depth == wire::deepest) refuse("a value is nested too deeply, or contains itself");
            return container(object, depth, place);
        }
        if (type == &PyComplex_Type) {
            const Py_complex number = PyComplex_AsCComplex(object);
            return writer_.complex(number.real, number.imag);
        }
        if (channels_ != nullptr)
            if (const auto id = channels_->id_of(object)) return writer_.channel(*id);
        if (channels_ != nullptr && channels_->takes_buffers() && PyObject_CheckBuffer(object)) {
            kept_.push_back(Ref::checked(PyBytes_FromObject(object)));
            PyObject *bytes = kept_.back().get();
            return writer_.bytes(span_of(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)));
        }
        refuse("can't serialize an object of type " + std::string(type->tp_name) + path(place));
    }

    void container(PyObject *object, unsigned depth, const Place *place) {
        Place here{place};
        if (PyDict_CheckExact(object)) {
            // Nothing on the way runs Python code, so the dict stays as it is.
            writer_.begin_dict();
            PyObject *key = nullptr, *item = nullptr;
            for (Py_ssize_t at = 0; PyDict_Next(object, &at, &key, &item);) {
                here.key = key;
                value(key, depth + 1, &here);
                value(item, depth + 1, &here);
            }
            return writer_.end_dict();
        }
        if (PyTuple_CheckExact(object) || PyList_CheckExact(object)) {
            const bool tuple = PyTuple_CheckExact(object);
            const Py_ssize_t size = Py_SIZE(object);
            writer_.begin(tuple ? Container::tuple : Container::list,
                          static_cast<std::uint32_t>(size));
            for (here.index = 0; here.index < size; ++here.index)
                value(tuple ? PyTuple_GET_ITEM(object, here.index)
                            : PyList_GET_ITEM(object, here.index),
                      depth + 1, &here);
            return;
        }
        writer_.begin(PySet_Check(object) ? Container::set : Container::frozen_set,
                      static_cast<std::uint32_t>(PySet_GET_SIZE(object)));
        Ref iterator = Ref::checked(PyObject_GetIter(object));
        while (Ref item = Ref::steal(PyIter_Next(iterator.get()))) {
            value(item.get(), depth + 1, &here);
            kept_.push_back(std::move(item));
        }
        if (PyErr_Occurred()) throw PythonError{};
    }

    void text(PyObject *object) {
        Py_ssize_t size = 0;
        if (const char *utf8 = PyUnicode_AsUTF8AndSize(object, &size)) {
            if (static_cast<std::size_t>(size) >= wire::ValueWriter::long_bytes)
                kept_.push_back(Ref::share(object));
            return writer_.text(span_of(utf8, size));
        }
        PyErr_Clear(); // a lone surrogate
        Ref bytes = Ref::checked(PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass"));
        writer_.text(span_of(PyBytes_AS_STRING(bytes.get()), PyBytes_GET_SIZE(bytes.get())));
        kept_.push_back(std::move(bytes));
    }

    void integer(PyObject *object) {
        int overflow = 0;
        const long long small = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow == 0) return writer_.integer(small);
        Ref magnitude = Ref::checked(PyNumber_Absolute(object));
        Ref bits = Ref::checked(PyObject_CallMethod(object, "bit_length", nullptr));
        const long count = PyLong_AsLong(bits.get());
        if (count < 0) throw PythonError{};
        Ref bytes = Ref::checked(
            PyObject_CallMethod(magnitude.get(), "to_bytes", "ls", count / 8 + 1, "little"));
        writer_.big(overflow < 0,
                    span_of(PyBytes_AS_STRING(bytes.get()), PyBytes_GET_SIZE(bytes.get())));
    }

    [[noreturn]] void refuse(const std::string &why) const {
        Ref error;
        if (channels_ != nullptr) {
            error = channels_->cannot_send(why);
        } else {
            Ref errors = Ref::checked(imported_module("elsewhere.errors"));
            error = Ref::steal(PyObject_CallMethod(errors.get(), "DumpError", "s", why.c_str()));
        }
        if (!error) throw PythonError{};
        PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.get())), error.get());
        throw PythonError{};
    }

    static std::string path(const Place *place) {
        if (place == nullptr) return "";
        std::vector<const Place *> steps;
        for (; place != nullptr && steps.size() < 40; place = place->outer) steps.push_back(place);
        std::string all = " at ";
        for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
            Ref key = (*step)->key != nullptr ? Ref::steal(PyObject_Repr((*step)->key))
                                              : Ref::steal(PyLong_FromSsize_t((*step)->index));
            Ref shown = key ? Ref::steal(PyObject_Str(key.get())) : Ref();
            PyErr_Clear();
            all += "[" + (shown ? bindings::text(shown.get()) : "?") + "]";
        }
        return all;
    }

    const ChannelCodec *channels_;
    wire::ValueWriter writer_;
    std::vector<Ref> kept_;
};

// Values become Python objects as they are read. A null Ref: Python's exception is set, or the
// decoder has its own reason.
struct Builder {
    using Value = Ref;
    const ChannelCodec *channels;
    bool bytes_are_text; // of a Python 2

    Ref failure() { return {}; }
    bool ok(const Ref &value) { return static_cast<bool>(value); }
    std::string why() { return "it cannot be made here"; }

    Ref none() { return Ref::share(Py_None); }
    Ref boolean(bool v) { return Ref::share(v ? Py_True : Py_False); }
    Ref integer(std::int64_t v) { return Ref::steal(PyLong_FromLongLong(v)); }
    Ref real(double v) { return Ref::steal(PyFloat_FromDouble(v)); }
    Ref complex(double real, double imaginary) {
        return Ref::steal(PyComplex_FromDoubles(real, imaginary));
    }
    Ref bytes(std::span<const std::uint8_t> v) {
        if (!bytes_are_text) return new_bytes(v.data(), v.size());
        return Ref::steal(PyUnicode_DecodeLatin1(reinterpret_cast<const char *>(v.data()),
                                                 static_cast<Py_ssize_t>(v.size()), nullptr));
    }
    Ref text(std::span<const std::uint8_t> v) {
        return Ref::steal(PyUnicode_DecodeUTF8(reinterpret_cast<const char *>(v.data()),
                                               static_cast<Py_ssize_t>(v.size()), "surrogatepass"));
    }
    Ref channel(std::uint32_t id) { return channels != nullptr ? channels->channel_of(id) : Ref(); }
    Ref big(bool negative, std::span<const std::uint8_t> magnitude) {
        Ref bytes =
            Ref::steal(PyBytes_FromStringAndSize(reinterpret_cast<const char *>(magnitude.data()),
                                                 static_cast<Py_ssize_t>(magnitude.size())));
        if (!bytes) return {};
        Ref value = Ref::steal(PyObject_CallMethod(reinterpret_cast<PyObject *>(&PyLong_Type),
                                                   "from_bytes", "Os", bytes.get(), "little"));
        if (!value || !negative) return value;
        return Ref::steal(PyNumber_Negative(value.get()));
    }
    Ref share(const Ref &value) { return Ref::share(value.get()); }

    template <Container kind> Ref begin(std::uint32_t count) {
        if constexpr (kind == Container::tuple) return Ref::steal(PyTuple_New(count));
        if constexpr (kind == Container::list) return Ref::steal(PyList_New(count));
        if constexpr (kind == Container::set) return Ref::steal(PySet_New(nullptr));
        return Ref::steal(PyFrozenSet_New(nullptr));
    }
    template <Container kind> bool add(Ref &to, std::uint32_t index, Ref &&item) {
        if constexpr (kind == Container::tuple) {
            PyTuple_SET_ITEM(to.get(), index, item.release());
            return true;
        }
        if constexpr (kind == Container::list) {
            PyList_SET_ITEM(to.get(), index, item.release());
            return true;
        }
        return PySet_Add(to.get(), item.get()) == 0;
    }
    Ref begin_dict() { return Ref::steal(PyDict_New()); }
    bool add_pair(Ref &to, Ref &&key, Ref &&value) {
        return PyDict_SetItem(to.get(), key.get(), value.get()) == 0;
    }
};

// The cyclic collector would look at half-made values again and again.
class NoCollection {
  public:
    NoCollection() : on_(PyGC_Disable() == 1) {}
    ~NoCollection() {
        if (on_) PyGC_Enable();
    }
    NoCollection(const NoCollection &) = delete;
    NoCollection &operator=(const NoCollection &) = delete;

  private:
    bool on_;
};

PyObject *dumps(PyObject *, PyObject *object) {
    return entry([&] {
        const Dumped made = dump(object);
        const wire::Buffer all = made.payload.joined();
        return Ref::checked(PyBytes_FromStringAndSize(reinterpret_cast<const char *>(all.data()),
                                                      static_cast<Py_ssize_t>(all.size())));
    });
}

PyObject *loads(PyObject *, PyObject *arguments) {
    return entry([&] {
        Py_buffer bytes;
        int from_python2 = 0;
        if (!PyArg_ParseTuple(arguments, "y*|p:loads", &bytes, &from_python2)) throw PythonError{};
        struct Release {
            Py_buffer &buffer;
            ~Release() { PyBuffer_Release(&buffer); }
        } const release{bytes};
        return load(span_of(static_cast<const char *>(bytes.buf), bytes.len), true, from_python2);
    });
}

PyMethodDef methods[] = {
    {"dumps", dumps, METH_O,
     "dumps(value)\n--\n\n"
     "The bytes of a value of exact builtin types (spec/values.md).\n\n"
     "Raises elsewhere.DumpError, naming type and place of what cannot be sent."},
    {"loads", loads, METH_VARARGS,
     "loads(data, from_python2=False)\n--\n\n"
     "The value that bytes stand for. Safe on bytes of anyone.\n\n"
     "Raises elsewhere.errors.ProtocolError for anything else."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

Dumped dump(PyObject *object, const ChannelCodec *channels) { return Dumper(channels).all(object); }

Ref take_bytes(wire::Buffer &message) {
    constexpr std::size_t head = 5, worth_it = 16 * 1024;
    static_assert(wire::Buffer::front + head == bytes_offset);
    const auto contents = wire::bytes_alone(message.span(), false);
    if (!contents || contents->size() < worth_it || !is_malloced(contents->size())) return {};
    // What is not used of the block would be kept with the object.
    if (message.capacity() - message.size() > message.size() / 16) return {};
    const std::size_t size = contents->size();
    return adopt_bytes(message.release(), size);
}

Ref load(std::span<const std::uint8_t> bytes, bool extended, bool from_python2,
         bool py2str_as_py3str, const ChannelCodec *channels) {
    const NoCollection quiet;
    Builder builder{channels, from_python2 && py2str_as_py3str};
    auto made = wire::decode(bytes, extended, builder);
    if (made.ok()) return std::move(made).value();
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_MemoryError)) throw PythonError{};
    PyErr_Clear(); // a bad UTF-8, an unhashable key: the other end's fault
    throw made.error();
}

void add_values(PyObject *module) {
    if (PyModule_AddFunctions(module, methods) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
