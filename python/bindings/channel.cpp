// _elsewhere.Channel: values to and from the other end, whichever end this is.
#include "python/bindings/endpoint.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

using gateway::Deadline;
using gateway::Endpoint;
using gateway::Link;
using gateway::Wait;

namespace {

PyTypeObject *channel_type = nullptr;

struct ChannelObject {
    PyObject_HEAD EndpointObject *owner; // strong
    std::uint32_t id;
};

ChannelObject *as_channel(PyObject *object) { return reinterpret_cast<ChannelObject *>(object); }

Ref load_message(EndpointObject *self, const mux::Message &message) {
    return load(message.bytes.span(), message.extended, self->python2,
                message.strings.py2str_as_py3str, codec_of(self));
}

int init_channel(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        PyObject *gateway = nullptr;
        unsigned id = 0;
        if (!PyArg_ParseTuple(arguments, "O!I:Channel", endpoint_type, &gateway, &id))
            throw PythonError{};
        ChannelObject *self = as_channel(object);
        if (self->owner != nullptr) throw Error(ErrorKind::usage, "this channel exists already");
        (void)opened(as_endpoint(gateway));
        self->owner = as_endpoint(Ref::share(gateway).release());
        self->id = id;
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

void dealloc_channel(PyObject *object) {
    ChannelObject *self = as_channel(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->owner != nullptr && self->owner->endpoint != nullptr) {
        const WithoutGil free;
        try {
            self->owner->endpoint->use([&](Link &link) {
                const mux::ChannelState state = link.state(self->id);
                if (state.known && !state.closed) (void)link.close(self->id);
                link.forget(self->id);
                return 0;
            });
        } catch (const Error &) {
            // the link is over: the channel with it
        }
    }
    Py_XDECREF(reinterpret_cast<PyObject *>(self->owner));
    type->tp_free(object);
    Py_DECREF(type);
}

Endpoint &endpoint_of(ChannelObject *self) {
    if (self->owner == nullptr) throw Error(ErrorKind::usage, "this channel was never opened");
    return opened(self->owner);
}

[[noreturn]] void raise(PyObject *exception) { // steals
    Ref error = Ref::checked(exception);
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.get())), error.get());
    throw PythonError{};
}

// No more will come: RemoteError, EOFError, or a lost link's own.
[[noreturn]] void raise_end(ChannelObject *self) {
    std::optional<mux::Message> remote;
    std::optional<Error> over;
    try {
        endpoint_of(self).use([&](Link &link) {
            remote = link.error(self->id);
            over = link.over();
            return 0;
        });
    } catch (const Error &error) {
        over = error;
    }
    Ref module = Ref::checked(PyImport_ImportModule("elsewhere._gateway.channel"));
    if (remote && !remote->bytes.empty()) {
        Ref text = load(remote->bytes.span(), remote->extended);
        raise(PyObject_CallMethod(module.get(), "RemoteError", "O", text.get()));
    }
    raise(PyObject_CallMethod(module.get(), "_end_of", "Os", self,
                              over ? over->what() : static_cast<const char *>("")));
}

PyObject *send(PyObject *object, PyObject *item) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        Endpoint &gateway = endpoint_of(self);
        Dumped made = dump(item, codec_of(self->owner));
        gateway::Sent sent{};
        try {
            const WithoutGil free;
            sent = gateway.use(
                [&](Link &link) { return link.send(self->id, std::move(made.payload)); });
        } catch (const Error &error) {
            if (error.kind() != ErrorKind::usage) throw;
            Ref shown = Ref::checked(PyObject_Repr(object));
            PyErr_Format(PyExc_OSError, "cannot send to %U: %s", shown.get(), error.what());
            throw PythonError{};
        }
        finish_sending(gateway, sent);
        return none();
    });
}

[[noreturn]] void raise_timeout(const char *what) {
    Ref errors = Ref::checked(PyImport_ImportModule("elsewhere.errors"));
    raise(PyObject_CallMethod(errors.get(), "Timeout", "s", what));
}

PyObject *receive(PyObject *object, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
        if (count + named > 1 || (named == 1 && PyUnicode_CompareWithASCIIString(
                                                    PyTuple_GET_ITEM(names, 0), "timeout") != 0)) {
            PyErr_SetString(PyExc_TypeError, "receive() takes one argument, timeout");
            throw PythonError{};
        }
        const Deadline deadline = deadline_in(count + named == 1 ? arguments[0] : nullptr);
        Endpoint &gateway = endpoint_of(self);
        gateway::Received came{};
        try {
            came = persistently([&] {
                return gateway.use([&](Link &link) { return link.receive(self->id, deadline); });
            });
        } catch (const Error &error) {
            if (error.kind() != ErrorKind::disconnected) throw;
            raise_end(self);
        }
        if (came.wait == Wait::done) return load_message(self->owner, came.message);
        if (came.wait == Wait::timed_out) raise_timeout("no item came in time");
        raise_end(self);
    });
}

PyObject *wait_closed(PyObject *object, PyObject *timeout) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        const Deadline deadline = deadline_in(timeout);
        Endpoint &gateway = endpoint_of(self);
        const Wait wait = persistently([&] {
            return gateway.use([&](Link &link) { return link.wait_closed(self->id, deadline); });
        });
        if (wait == Wait::timed_out) raise_timeout("the channel was not closed in time");
        return none();
    });
}

// None, or the text of the error with which the other end closed.
PyObject *remote_error(PyObject *object, PyObject *) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        const auto error = endpoint_of(self).use([&](Link &link) { return link.error(self->id); });
        if (!error || error->bytes.empty()) return none();
        return load(error->bytes.span(), error->extended);
    });
}

// close(error text or None)
PyObject *close_channel(PyObject *object, PyObject *error) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        Dumped text;
        if (error != Py_None) text = dump(error);
        try {
            const WithoutGil free;
            endpoint_of(self).use([&](Link &link) {
                const bool open = link.state(self->id).known && !link.state(self->id).closed;
                if (open) (void)link.close(self->id, wire::Payload(text.payload.joined()));
                return 0;
            });
        } catch (const Error &over) {
            if (over.kind() != ErrorKind::disconnected) throw;
        }
        return none();
    });
}

// (readable, finished, closed)
PyObject *channel_state(PyObject *object, PyObject *) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        mux::ChannelState state{.finished = true, .closed = true};
        try {
            state = endpoint_of(self).use([&](Link &link) { return link.state(self->id); });
        } catch (const Error &) {
        }
        return Ref::checked(Py_BuildValue("NNN", PyBool_FromLong(state.readable),
                                          PyBool_FromLong(state.finished),
                                          PyBool_FromLong(state.closed)));
    });
}

PyObject *channel_id(PyObject *object, void *) {
    return entry([&] { return Ref::checked(PyLong_FromUnsignedLong(as_channel(object)->id)); });
}
PyObject *channel_gateway(PyObject *object, void *) {
    return entry([&] {
        EndpointObject *gateway = as_channel(object)->owner;
        return gateway == nullptr ? none() : Ref::share(reinterpret_cast<PyObject *>(gateway));
    });
}

PyMethodDef channel_methods[] = {
    {"send", send, METH_O,
     "send(item)\n--\n\nSend a value of exact builtin types, or a channel of this gateway.\n\n"
     "Raises elsewhere.DumpError for other types; OSError if the channel is closed or the\n"
     "connection lost."},
    {"receive", reinterpret_cast<PyCFunction>(slot(receive)), METH_FASTCALL | METH_KEYWORDS,
     "receive(timeout=None)\n--\n\nThe next item that the other end sent.\n\n"
     "Raises EOFError when there will be none (again and again), elsewhere.RemoteError if an\n"
     "exception ended the code there, elsewhere.TimeoutError after `timeout` seconds."},
    {"_wait_closed", wait_closed, METH_O, nullptr},
    {"_remote_error", remote_error, METH_NOARGS, nullptr},
    {"_close", close_channel, METH_O, nullptr},
    {"_state", channel_state, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef channel_properties[] = {
    {"id", channel_id, nullptr, "The channel's number on its gateway.", nullptr},
    {"gateway", channel_gateway, nullptr, "The gateway that it belongs to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot channel_slots[] = {
    {Py_tp_init, slot(init_channel)},       {Py_tp_new, slot(PyType_GenericNew)},
    {Py_tp_dealloc, slot(dealloc_channel)}, {Py_tp_methods, channel_methods},
    {Py_tp_getset, channel_properties},     {0, nullptr},
};
PyType_Spec channel_spec = {"elsewhere._elsewhere.Channel", sizeof(ChannelObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, channel_slots};

} // namespace

ChannelCodec codec_of(EndpointObject *self) {
    return {[self](PyObject *object) -> std::optional<std::uint32_t> {
                if (!PyObject_TypeCheck(object, channel_type)) return std::nullopt;
                if (as_channel(object)->owner != self)
                    throw Error(ErrorKind::usage, "a channel can be sent over its own gateway only",
                                "forward its items instead");
                return as_channel(object)->id;
            },
            [self](std::uint32_t id) {
                return Ref::steal(
                    PyObject_CallMethod(reinterpret_cast<PyObject *>(self), "_channel", "I", id));
            }};
}

void add_channel(PyObject *module) {
    channel_type = reinterpret_cast<PyTypeObject *>(
        Ref::checked(PyType_FromModuleAndSpec(module, &channel_spec, nullptr)).release());
    if (PyModule_AddType(module, channel_type) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
