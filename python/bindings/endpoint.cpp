// _elsewhere.Endpoint: the base of Gateway here and Worker there.
#include "python/bindings/endpoint.hpp"

#include "engine/cpython/imported_module.hpp"
#include "python/bindings/python_values.hpp"

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
        const Inside here;
        const WithoutGil free;
        delete self->endpoint;
    }
    Py_XDECREF(self->carrier);
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

// wait_over(timeout): whether the link is over, after `timeout` seconds at the latest.
PyObject *wait_over(PyObject *object, PyObject *timeout) {
    return entry([&] {
        const Deadline deadline = deadline_in(timeout);
        Endpoint &gateway = opened(as_endpoint(object));
        const Wait wait = persistently(
            [&] { return gateway.use([&](Link &link) { return link.wait_over(deadline); }); });
        return Ref::share(wait == Wait::timed_out ? Py_False : Py_True);
    });
}

// status(timeout): what the worker says of itself, a dict.
PyObject *status(PyObject *object, PyObject *timeout) {
    return entry([&] {
        const Deadline deadline = deadline_in(timeout);
        EndpointObject *self = as_endpoint(object);
        Endpoint &gateway = opened(self);
        auto came = persistently(
            [&] { return gateway.use([&](Link &link) { return link.status(deadline); }); });
        if (came.wait == Wait::done) return load_message(self, came.message);
        if (came.wait == Wait::timed_out) raise_timeout("the worker did not say how it is in time");
        throw Error(ErrorKind::disconnected,
                    "the connection to " + gateway.place() + " is over: it has no status");
    });
}

// set_strings(channel id or 0, py2str_as_py3str, py3str_as_py2str)
PyObject *set_strings(PyObject *object, PyObject *arguments) {
    return entry([&] {
        unsigned id = 0;
        mux::StringRules rules;
        int to_py3 = 0, to_py2 = 0;
        if (!PyArg_ParseTuple(arguments, "Ipp:set_strings", &id, &to_py3, &to_py2))
            throw PythonError{};
        rules.py2str_as_py3str = to_py3 != 0;
        rules.py3str_as_py2str = to_py2 != 0;
        Endpoint &gateway = opened(as_endpoint(object));
        {
            const WithoutGil free;
            (void)gateway.use([&](Link &link) { return link.set_strings(id, rules); });
        }
        return none();
    });
}

// The id of a watched channel for which something has come, or which has ended; None at the end of
// the link, when all have been named.
PyObject *next_ready(PyObject *object, PyObject *) {
    return entry([&] {
        Endpoint &gateway = opened(as_endpoint(object));
        const auto ready =
            persistently([&] { return gateway.use([](Link &link) { return link.next_ready(); }); });
        if (ready.wait != Wait::done) return none();
        return Ref::checked(PyLong_FromUnsignedLong(ready.id));
    });
}

std::uint32_t id_in(PyObject *number) {
    const unsigned long id = PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred()) throw PythonError{};
    return static_cast<std::uint32_t>(id);
}

// take(channel id): (item,) if one waits; True if none does and none will; else None.
PyObject *take(PyObject *object, PyObject *number) {
    return entry([&] {
        const std::uint32_t id = id_in(number);
        EndpointObject *self = as_endpoint(object);
        auto came = opened(self).use([&](Link &link) { return link.take(id); });
        if (came.wait == Wait::closed) return Ref::share(Py_True);
        if (came.wait != Wait::done) return none();
        Ref item = load_message(self, came.message);
        return Ref::checked(PyTuple_Pack(1, item.get()));
    });
}

// forget(channel id): the error_of() it, which is gone for good.
PyObject *forget(PyObject *object, PyObject *number) {
    return entry([&] {
        const std::uint32_t id = id_in(number);
        Ref error = error_of(as_endpoint(object), id);
        opened(as_endpoint(object)).use([&](Link &link) {
            link.forget(id);
            return 0;
        });
        return error;
    });
}

// close_channel(channel id, error text or None)
PyObject *close_channel(PyObject *object, PyObject *arguments) {
    return entry([&] {
        unsigned id = 0;
        PyObject *error = nullptr;
        if (!PyArg_ParseTuple(arguments, "IO:close_channel", &id, &error)) throw PythonError{};
        close_channel_of(as_endpoint(object), id, error);
        return none();
    });
}

PyMethodDef methods[] = {
    {"_open_channel", open_channel, METH_NOARGS, nullptr},
    {"_why_over", why_over, METH_NOARGS, nullptr},
    {"_wait_over", wait_over, METH_O, nullptr},
    {"_status", status, METH_O, nullptr},
    {"_set_strings", set_strings, METH_VARARGS, nullptr},
    {"_next_ready", next_ready, METH_NOARGS, nullptr},
    {"_take", take, METH_O, nullptr},
    {"_close_channel", close_channel, METH_VARARGS, nullptr},
    {"_forget_channel", forget, METH_O, nullptr},
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

Ref error_of(EndpointObject *self, std::uint32_t id) {
    const auto error = opened(self).use([&](Link &link) { return link.error(id); });
    if (!error || error->bytes.empty()) return none();
    return load(error->bytes.span(), error->extended);
}

void close_channel_of(EndpointObject *self, std::uint32_t id, PyObject *error) {
    Dumped text;
    if (error != Py_None) text = dump(error);
    try {
        Endpoint &endpoint = opened(self);
        const WithoutGil free;
        endpoint.use([&](Link &link) {
            const bool open = link.state(id).known && !link.state(id).closed;
            if (open) (void)link.close(id, wire::Payload(text.payload.joined()));
            return 0;
        });
    } catch (const Error &over) {
        if (over.kind() != ErrorKind::disconnected) throw;
    }
}

void raise(PyObject *exception) {
    Ref error = Ref::checked(exception);
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.get())), error.get());
    throw PythonError{};
}

void raise_timeout(const char *what) {
    Ref errors = Ref::checked(imported_module("elsewhere.errors"));
    raise(PyObject_CallMethod(errors.get(), "Timeout", "s", what));
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
    // A worker has loaded this file once without a name; its program may import elsewhere.
    if (endpoint_type == nullptr)
        endpoint_type = reinterpret_cast<PyTypeObject *>(
            Ref::checked(PyType_FromModuleAndSpec(module, &spec, nullptr)).release());
    if (PyModule_AddType(module, endpoint_type) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
