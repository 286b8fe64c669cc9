// _elsewhere.Endpoint: the base of Gateway here and Worker there.
#include "python/bindings/endpoint.hpp"

namespace elsewhere::bindings {

using gateway::Deadline;
using gateway::Endpoint;
using gateway::Link;
using gateway::Wait;

PyTypeObject *endpoint_type = nullptr; // owned by the module

namespace {

void dealloc_endpoint(PyObject *object) {
    EndpointObject *self = as_endpoint(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->endpoint != nullptr) {
        const WithoutGil free;
        delete self->endpoint;
    }
    type->tp_free(object);
    Py_DECREF(type);
}

// The link's own channel number, for a new channel.
PyObject *open_channel(PyObject *object, PyObject *) {
    return entry([&] {
        const std::uint32_t id =
            opened(as_endpoint(object)).use([](Link &link) { return link.open(); });
        return Ref::checked(PyLong_FromUnsignedLong(id));
    });
}

// Why the link is over, as a str; None while it is not.
PyObject *why_over(PyObject *object, PyObject *) {
    return entry([&] {
        EndpointObject *self = as_endpoint(object);
        try {
            const auto error = opened(self).use([](Link &link) { return link.over(); });
            if (!error) return none();
            return Ref::checked(PyUnicode_FromString(error->what()));
        } catch (const Error &error) {
            return Ref::checked(PyUnicode_FromString(error.what()));
        }
    });
}

PyMethodDef methods[] = {
    {"_open_channel", open_channel, METH_NOARGS, nullptr},
    {"_why_over", why_over, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, slot(PyType_GenericNew)},
    {Py_tp_dealloc, slot(dealloc_endpoint)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"elsewhere._elsewhere.Endpoint", sizeof(EndpointObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

} // namespace

gateway::Endpoint &opened(EndpointObject *self) {
    if (self->endpoint == nullptr) throw Error(ErrorKind::usage, "this gateway was never opened");
    return *self->endpoint;
}

Deadline deadline_in(PyObject *seconds) {
    if (seconds == nullptr || seconds == Py_None) return {};
    const double count = PyFloat_AsDouble(seconds);
    if (count == -1 && PyErr_Occurred()) throw PythonError{};
    // A century is for ever, and does not overflow.
    const std::chrono::duration<double> span(std::clamp(count, 0.0, 3e9));
    return gateway::Clock::now() + std::chrono::duration_cast<gateway::Clock::duration>(span);
}

// Returns when the bytes are written. Whatever is thrown: the other end has not got them whole.
void finish_sending(Endpoint &endpoint, const gateway::Sent &sent) {
    Wait wait = sent.wait;
    if (wait == Wait::interrupted) {
        run_signal_handlers();
        wait = persistently(
            [&] { return endpoint.use([&](Link &link) { return link.wait_out(sent.ticket); }); });
    }
    if (wait == Wait::done) return;
    // Why, the other end may have said before it went.
    const Deadline soon = gateway::Clock::now() + std::chrono::seconds(1);
    persistently([&] { return endpoint.use([&](Link &link) { return link.wait_over(soon); }); });
    const auto over = endpoint.use([](Link &link) { return link.over(); });
    throw Error(ErrorKind::disconnected,
                "the connection to " + endpoint.place() + " was lost" +
                    (over ? std::string(": ") + over->what() : ""),
                "`elsewhere doctor` tries the way there");
}

void add_endpoint(PyObject *module) {
    endpoint_type = reinterpret_cast<PyTypeObject *>(
        Ref::checked(PyType_FromModuleAndSpec(module, &spec, nullptr)).release());
    if (PyModule_AddType(module, endpoint_type) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
