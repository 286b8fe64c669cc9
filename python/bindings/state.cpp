// _elsewhere.State: a program that was read, for those who send or keep it. Large bytes objects are
// not copied: they go from where they are.
#include "python/bindings/state.hpp"

#include <memory>
#include <utility>

#include "python/bindings/endpoint.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

using gateway::Link;

namespace {

PyTypeObject *state_type = nullptr; // owned by the module

struct StateObject {
    PyObject_HEAD Departure *taken;
};

StateObject *as_state(PyObject *object) { return reinterpret_cast<StateObject *>(object); }

void dealloc_state(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    delete as_state(object)->taken;
    type->tp_free(object);
    Py_DECREF(type);
}

const Departure &taken_by(PyObject *object) {
    if (as_state(object)->taken == nullptr) throw Error(ErrorKind::usage, "this is no state");
    return *as_state(object)->taken;
}

// Gathers what is short into messages of a size that is worth its way.
class Messages {
  public:
    explicit Messages(PyObject *channel) : over_(parts_of(channel)) {}

    void add(Span bytes) {
        if (bytes.size() >= wire::ValueWriter::long_bytes) {
            flush();
            send(bytes);
            return;
        }
        gathered_.append(bytes);
        if (gathered_.size() >= enough) flush();
    }
    void flush() {
        if (gathered_.empty()) return;
        send(gathered_.span());
        gathered_.clear();
    }

  private:
    static constexpr std::size_t enough = 1 << 18;

    // Returns when it is written: until then it is where it was.
    void send(Span bytes) {
        wire::ValueWriter value;
        value.bytes(bytes);
        gateway::Endpoint &endpoint = opened(over_.owner);
        gateway::Sent sent{};
        try {
            const WithoutGil free;
            sent = endpoint.use([&](Link &link) { return link.send(over_.id, value.finish()); });
        } catch (const Error &error) {
            if (error.kind() != ErrorKind::usage) throw;
            // The other end has closed it.
            throw Error(ErrorKind::disconnected, error.message(), error.hint());
        }
        finish_sending(endpoint, sent);
    }

    ChannelParts over_;
    wire::Buffer gathered_;
};

// send(channel): as messages of bytes.
PyObject *send_state(PyObject *object, PyObject *channel) {
    return entry([&] {
        const Departure &taken = taken_by(object);
        Messages messages(channel);
        snapshot::write([&](Span bytes) { messages.add(bytes); }, taken.header, taken.parts());
        messages.flush();
        return none();
    });
}

// write(descriptor): into an open file, as it is in a snapshot.
PyObject *write_state(PyObject *object, PyObject *descriptor) {
    return entry([&] {
        const Departure &taken = taken_by(object);
        const int file = PyObject_AsFileDescriptor(descriptor);
        if (file < 0) throw PythonError{};
        snapshot::write(file, taken.header, taken.parts());
        return none();
    });
}

// keep(path): as a snapshot, whose folder is there.
PyObject *keep_state(PyObject *object, PyObject *path) {
    return entry([&] {
        const Departure &taken = taken_by(object);
        snapshot::write(text(path), taken.header, taken.parts());
        return none();
    });
}

PyMethodDef methods[] = {
    {"send", send_state, METH_O, nullptr},
    {"write", write_state, METH_O, nullptr},
    {"keep", keep_state, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, slot(PyType_GenericNew)},
    {Py_tp_dealloc, slot(dealloc_state)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"elsewhere._elsewhere.State", sizeof(StateObject), 0, Py_TPFLAGS_DEFAULT,
                    slots};

} // namespace

Ref state_of(Departure &&taken) {
    Ref made = Ref::checked(PyType_GenericNew(state_type, nullptr, nullptr));
    as_state(made.get())->taken = std::make_unique<Departure>(std::move(taken)).release();
    return made;
}

void add_state(PyObject *module) {
    if (state_type == nullptr) // see add_endpoint
        state_type = reinterpret_cast<PyTypeObject *>(
            Ref::checked(PyType_FromModuleAndSpec(module, &spec, nullptr)).release());
    if (PyModule_AddType(module, state_type) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
