// _elsewhere.Channel: values to and from the other end, whichever end this is.
#include <unistd.h>

#include <cerrno>

#include "core/wire/values.hpp"
#include "python/bindings/endpoint.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

using gateway::Deadline;
using gateway::Endpoint;
using gateway::Link;
using gateway::Wait;

namespace {

PyTypeObject *channel_type = nullptr;

constexpr auto patience = std::chrono::milliseconds(500);

struct ChannelObject {
    PyObject_HEAD EndpointObject *owner; // strong
    std::uint32_t id;
    bool called;      // by a callback, with what comes
    bool watched;     // and that is still so: the callback outlives this
    bool error_taken; // the error that came with CLOSE
};

ChannelObject *as_channel(PyObject *object) { return reinterpret_cast<ChannelObject *>(object); }

// entry(), for what the programs at both ends call.
template <typename Body> PyObject *channel_entry(PyObject *object, Body &&body) noexcept {
    return entry([&] {
        try {
            return body();
        } catch (const Error &error) {
            const EndpointObject *owner = as_channel(object)->owner;
            if (owner == nullptr || !owner->plain) throw;
            PyErr_SetString(PyExc_OSError, error.what());
            throw PythonError{};
        }
    });
}

int init_channel(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        PyObject *gateway = nullptr;
        unsigned id = 0;
        if (!PyArg_ParseTuple(arguments, "O!I:Channel", endpoint_type, &gateway, &id))
            throw PythonError{};
        ChannelObject *self = as_channel(object);
        if (self->owner != nullptr) throw Error(ErrorKind::usage, "this channel exists already");
        opened(as_endpoint(gateway)).use([&](Link &link) {
            link.accept(id); // it may have come as a value, and nothing over it yet
            return 0;
        });
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
        const Inside here;
        const WithoutGil free;
        try {
            self->owner->endpoint->use([&](Link &link) {
                const mux::ChannelState state = link.state(self->id);
                if (self->watched) {
                    (void)link.last(self->id, gateway::Clock::now() + patience);
                    return 0;
                }
                // What is freed does not wait for an end that does not read.
                if (state.known && !state.closed)
                    (void)link.close(self->id, {}, gateway::Clock::now() + patience);
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

// No more will come: why, or EOFError.
[[noreturn]] void raise_end(ChannelObject *self) {
    PyObject *channel = reinterpret_cast<PyObject *>(self);
    Ref error = Ref::checked(PyObject_CallMethod(channel, "_getremoteerror", nullptr));
    if (error.get() != Py_None) raise(error.release());
    PyErr_Format(PyExc_EOFError, "%R is closed", channel);
    throw PythonError{};
}

PyObject *send(PyObject *object, PyObject *item) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        Endpoint &gateway = endpoint_of(self);
        const ChannelsOf channels(self->owner);
        Dumped made = dump(item, &channels);
        gateway::Sent sent{};
        try {
            const WithoutGil free;
            sent = gateway.use(
                [&](Link &link) { return link.send(self->id, std::move(made.payload)); });
        } catch (const Error &error) {
            if (error.kind() != ErrorKind::usage) throw;
            Ref shown = Ref::checked(PyObject_Repr(object));
            PyErr_Format(PyExc_OSError, "cannot send to %U", shown.get());
            throw PythonError{};
        }
        finish_sending(gateway, sent);
        return none();
    });
}

// `form`: has a place for the seconds.
[[noreturn]] void raise_timeout(PyObject *channel, const char *form, PyObject *seconds) {
    Ref text = Ref::checked(PyUnicode_FromFormat(form, seconds));
    raise(PyObject_CallMethod(channel, "TimeoutError", "O", text.get()));
}

gateway::Received next_of(ChannelObject *self, Deadline deadline) {
    Endpoint &gateway = endpoint_of(self);
    if (self->called) {
        PyErr_SetString(PyExc_OSError, "cannot receive(), channel has receiver callback");
        throw PythonError{};
    }
    try {
        return persistently([&] {
            return gateway.use([&](Link &link) { return link.receive(self->id, deadline); });
        });
    } catch (const Error &error) {
        if (error.kind() != ErrorKind::disconnected) throw;
        raise_end(self);
    }
}

PyObject *receive(PyObject *object, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
        if (count + named > 1 || (named == 1 && PyUnicode_CompareWithASCIIString(
                                                    PyTuple_GET_ITEM(names, 0), "timeout") != 0)) {
            PyErr_SetString(PyExc_TypeError, "receive() takes one argument, timeout");
            throw PythonError{};
        }
        const Deadline deadline = deadline_in(count + named == 1 ? arguments[0] : nullptr);
        gateway::Received came = next_of(self, deadline);
        if (came.wait == Wait::done) return load_message(self->owner, came.message);
        if (came.wait == Wait::timed_out)
            raise_timeout(object, "no item after %R seconds", arguments[0]);
        raise_end(self);
    });
}

// receive_to(descriptor): the next item, which is bytes, goes to an open file; how many those are.
PyObject *receive_to(PyObject *object, PyObject *descriptor) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        const int file = PyObject_AsFileDescriptor(descriptor);
        if (file < 0) throw PythonError{};
        gateway::Received came = next_of(self, {});
        if (came.wait != Wait::done) raise_end(self);
        const auto bytes = wire::bytes_alone(came.message.bytes.span(), came.message.extended);
        if (!bytes) throw Error(ErrorKind::protocol, "what came is not bytes");
        int error = 0;
        {
            const WithoutGil free;
            for (auto left = *bytes; !left.empty() && error == 0;) {
                const ssize_t n = ::write(file, left.data(), left.size());
                if (n > 0) left = left.subspan(static_cast<std::size_t>(n));
                if (n <= 0 && errno != EINTR) error = errno;
            }
        }
        errno = error;
        if (error != 0) PyErr_SetFromErrno(PyExc_OSError);
        if (error != 0) throw PythonError{};
        return Ref::checked(PyLong_FromSize_t(bytes->size()));
    });
}

PyObject *wait_closed(PyObject *object, PyObject *timeout) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        const Deadline deadline = deadline_in(timeout);
        Endpoint &gateway = endpoint_of(self);
        const Wait wait = persistently([&] {
            return gateway.use([&](Link &link) { return link.wait_closed(self->id, deadline); });
        });
        if (wait == Wait::timed_out) raise_timeout(object, "Timeout after %R seconds", timeout);
        return none();
    });
}

// The text of the error with which the other end has closed, once; then None.
PyObject *take_error(PyObject *object, PyObject *) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        if (self->owner == nullptr || self->error_taken) return none();
        Ref error = error_of(self->owner, self->id);
        self->error_taken = error.get() != Py_None;
        return error;
    });
}

// What comes is for a callback from now on: next_ready() names the channel. unwatch(): that has
// ended, and the channel goes with its object.
PyObject *watch(PyObject *object, PyObject *) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        self->called = self->watched = true;
        endpoint_of(self).use([&](Link &link) {
            link.watch(self->id);
            return 0;
        });
        return none();
    });
}
// next_ready() names the channel too when something has come, and nothing else changes.
PyObject *notify(PyObject *object, PyObject *) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        endpoint_of(self).use([&](Link &link) {
            link.watch(self->id);
            return 0;
        });
        return none();
    });
}
PyObject *unwatch(PyObject *object, PyObject *) {
    as_channel(object)->watched = false;
    Py_RETURN_NONE;
}

// close(error text or None)
PyObject *close_channel(PyObject *object, PyObject *error) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        (void)endpoint_of(self);
        close_channel_of(self->owner, self->id, error);
        return none();
    });
}

PyObject *limit(PyObject *object, PyObject *bytes) {
    return channel_entry(object, [&] {
        const long long size = PyLong_AsLongLong(bytes);
        if (size == -1 && PyErr_Occurred()) throw PythonError{};
        if (size < 0) {
            PyErr_SetString(PyExc_ValueError, "a limit is not negative");
            throw PythonError{};
        }
        ChannelObject *self = as_channel(object);
        Endpoint &gateway = endpoint_of(self);
        const WithoutGil free;
        (void)gateway.use(
            [&](Link &link) { return link.limit(self->id, static_cast<std::uint64_t>(size)); });
        return none();
    });
}

// (readable, finished, closed, parted)
PyObject *channel_state(PyObject *object, PyObject *) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        mux::ChannelState state{.finished = true, .closed = true};
        try {
            state = endpoint_of(self).use([&](Link &link) { return link.state(self->id); });
        } catch (const Error &) {
        }
        return Ref::checked(
            Py_BuildValue("NNNN", PyBool_FromLong(state.readable), PyBool_FromLong(state.finished),
                          PyBool_FromLong(state.closed), PyBool_FromLong(state.parted)));
    });
}

// The process behind the channel has ended.
PyObject *say_exit(PyObject *object, PyObject *status) {
    return channel_entry(object, [&] {
        ChannelObject *self = as_channel(object);
        Dumped made = dump(status);
        Endpoint &endpoint = endpoint_of(self);
        const gateway::Sent sent = [&] {
            const WithoutGil free;
            return endpoint.use([&](Link &link) {
                return link.exit_with(self->id, wire::Payload(made.payload.joined()));
            });
        }();
        finish_sending(endpoint, sent);
        return none();
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
    {"limit", limit, METH_O,
     "limit(bytes)\n--\n\nFrom now on the other end's send() waits while `bytes` of what it has "
     "sent here\n"
     "were not received; 0: as before. Without one, what nobody receives waits in a file.\n\n"
     "Raises ValueError for a negative number."},
    {"_receive_to", receive_to, METH_O, nullptr},
    {"_wait_closed", wait_closed, METH_O, nullptr},
    {"_take_error", take_error, METH_NOARGS, nullptr},
    {"_watch", watch, METH_NOARGS, nullptr},
    {"_unwatch", unwatch, METH_NOARGS, nullptr},
    {"_notify", notify, METH_NOARGS, nullptr},
    {"_close", close_channel, METH_O, nullptr},
    {"_state", channel_state, METH_NOARGS, nullptr},
    {"_say_exit", say_exit, METH_O, nullptr},
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

Ref load_message(EndpointObject *owner, mux::Message &message) {
    if (!owner->python2 || !message.strings.py2str_as_py3str)
        if (Ref bytes = take_bytes(message.bytes)) return bytes;
    const ChannelsOf channels(owner);
    return load(message.bytes.span(), message.extended, owner->python2,
                message.strings.py2str_as_py3str, &channels);
}

std::optional<std::uint32_t> ChannelsOf::id_of(PyObject *object) const {
    if (!PyObject_TypeCheck(object, channel_type)) return std::nullopt;
    if (as_channel(object)->owner != owner_)
        throw Error(ErrorKind::usage, "a channel can be sent over its own gateway only",
                    "forward its items instead");
    return as_channel(object)->id;
}

Ref ChannelsOf::channel_of(std::uint32_t id) const {
    return Ref::steal(PyObject_CallMethod(as_object(owner_), "_channel", "I", id));
}

Ref ChannelsOf::cannot_send(const std::string &why) const {
    return Ref::steal(PyObject_CallMethod(as_object(owner_), "_cannot_send", "s", why.c_str()));
}

ChannelParts parts_of(PyObject *channel) {
    if (!PyObject_TypeCheck(channel, channel_type) || as_channel(channel)->owner == nullptr)
        throw Error(ErrorKind::usage, "this is no channel of a gateway");
    return {as_channel(channel)->owner, as_channel(channel)->id};
}

void add_channel(PyObject *module) {
    if (channel_type == nullptr) // see add_endpoint
        channel_type = reinterpret_cast<PyTypeObject *>(
            Ref::checked(PyType_FromModuleAndSpec(module, &channel_spec, nullptr)).release());
    if (PyModule_AddType(module, channel_type) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
