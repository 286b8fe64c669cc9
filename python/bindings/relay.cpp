// _elsewhere.Relay: the far end of a relay, in a worker (elsewhere/_gateway/via.py).
#include "core/relay/relay.hpp"

#include "python/bindings/endpoint.hpp"

namespace elsewhere::bindings {

namespace {

struct RelayObject {
    PyObject_HEAD relay::Relay *relay;
    PyObject *channel; // keeps the gateway that it goes over
};

RelayObject *as_relay(PyObject *object) { return reinterpret_cast<RelayObject *>(object); }

// Relay(channel, words, asks): raises OSError if they cannot be started. `asks`: command_for().
int init_relay(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        PyObject *channel = nullptr, *words = nullptr;
        int asks = 0;
        if (!PyArg_ParseTuple(arguments, "OO!p:Relay", &channel, &PyList_Type, &words, &asks))
            throw PythonError{};
        transport::Words argv;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(words); ++i) {
            Ref word = Ref::checked(PyUnicode_EncodeFSDefault(PyList_GET_ITEM(words, i)));
            argv.emplace_back(PyBytes_AS_STRING(word.get()));
        }
        const ChannelParts over = parts_of(channel);
        RelayObject *self = as_relay(object);
        if (self->relay != nullptr) throw Error(ErrorKind::usage, "it has been started");
        try {
            self->relay = new relay::Relay(opened(over.owner), over.id, argv,
                                           asks != 0 ? transport::Keyboard::absent
                                                     : transport::Keyboard::none);
        } catch (const Error &error) {
            PyErr_SetString(PyExc_OSError, error.what());
            throw PythonError{};
        }
        self->channel = Ref::share(channel).release();
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

PyObject *is_over(PyObject *object, PyObject *) {
    const relay::Relay *relay = as_relay(object)->relay;
    return PyBool_FromLong(relay == nullptr || relay->over());
}

void drop_relay(PyObject *object) {
    RelayObject *self = as_relay(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->relay != nullptr) {
        const WithoutGil free;
        delete self->relay;
    }
    Py_XDECREF(self->channel);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"over", is_over, METH_NOARGS, "Whether the program has ended, and that has been told."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_init, slot(init_relay)},
    {Py_tp_dealloc, slot(drop_relay)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"elsewhere._elsewhere.Relay", sizeof(RelayObject), 0, Py_TPFLAGS_DEFAULT,
                    slots};

} // namespace

void add_relay(PyObject *module) {
    Ref type = Ref::checked(PyType_FromSpec(&spec));
    if (PyModule_AddType(module, reinterpret_cast<PyTypeObject *>(type.get())) < 0)
        throw PythonError{};
}

} // namespace elsewhere::bindings
