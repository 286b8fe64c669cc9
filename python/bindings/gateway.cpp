// _elsewhere.Gateway and _elsewhere.Channel: what elsewhere/_gateway builds its classes on.
#include "core/gateway/gateway.hpp"

#include "python/bindings/entry.hpp"
#include "python/bindings/python_values.hpp"
#include "python/bindings/values.hpp"

namespace elsewhere::bindings {

namespace {

using gateway::Deadline;
using gateway::Gateway;
using gateway::Link;
using gateway::Wait;

PyTypeObject *gateway_type = nullptr; // owned by the module
PyTypeObject *channel_type = nullptr;

// Lets other threads run Python meanwhile.
class WithoutGil {
  public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() { PyEval_RestoreThread(state_); }
    WithoutGil(const WithoutGil &) = delete;
    WithoutGil &operator=(const WithoutGil &) = delete;

  private:
    PyThreadState *state_;
};

void run_signal_handlers() {
    if (PyErr_CheckSignals() < 0) throw PythonError{};
}

// Calls attempt() without the GIL until it was not interrupted by a signal; its result.
template <class Attempt> auto persistently(Attempt attempt) {
    for (;;) {
        auto result = [&] {
            const WithoutGil free;
            return attempt();
        }();
        if constexpr (std::is_same_v<decltype(result), Wait>) {
            if (result != Wait::interrupted) return result;
        } else {
            if (result.wait != Wait::interrupted) return result;
        }
        run_signal_handlers();
    }
}

Deadline deadline_in(PyObject *seconds) {
    if (seconds == nullptr || seconds == Py_None) return {};
    const double count = PyFloat_AsDouble(seconds);
    if (count == -1 && PyErr_Occurred()) throw PythonError{};
    // A century is for ever, and does not overflow.
    const std::chrono::duration<double> span(std::clamp(count, 0.0, 3e9));
    return gateway::Clock::now() + std::chrono::duration_cast<gateway::Clock::duration>(span);
}

struct GatewayObject {
    PyObject_HEAD Gateway *gateway;
    bool python2;
};

struct ChannelObject {
    PyObject_HEAD GatewayObject *gateway; // strong
    std::uint32_t id;
};

GatewayObject *as_gateway(PyObject *object) { return reinterpret_cast<GatewayObject *>(object); }
ChannelObject *as_channel(PyObject *object) { return reinterpret_cast<ChannelObject *>(object); }

Gateway &opened(GatewayObject *self) {
    if (self->gateway == nullptr) throw Error(ErrorKind::usage, "this gateway was never opened");
    return *self->gateway;
}

ChannelCodec codec_of(GatewayObject *self) {
    return {[self](PyObject *object) -> std::optional<std::uint32_t> {
                if (!PyObject_TypeCheck(object, channel_type)) return std::nullopt;
                if (as_channel(object)->gateway != self)
                    throw Error(ErrorKind::usage, "a channel can be sent over its own gateway only",
                                "forward its items instead");
                return as_channel(object)->id;
            },
            [self](std::uint32_t id) {
                return Ref::steal(
                    PyObject_CallMethod(reinterpret_cast<PyObject *>(self), "_channel", "I", id));
            }};
}

Ref load_message(GatewayObject *self, const mux::Message &message) {
    return load(message.bytes.span(), message.extended, self->python2,
                message.strings.py2str_as_py3str, codec_of(self));
}

// ---- Gateway ----

// Returns when the bytes are written. Whatever is thrown: the other end has not got them whole.
void finish_sending(Gateway &gateway, const gateway::Sent &sent) {
    Wait wait = sent.wait;
    if (wait == Wait::interrupted) {
        run_signal_handlers();
        wait = persistently(
            [&] { return gateway.use([&](Link &link) { return link.wait_out(sent.ticket); }); });
    }
    if (wait == Wait::done) return;
    // Why, the other end may have said before it went.
    const Deadline soon = gateway::Clock::now() + std::chrono::seconds(1);
    persistently([&] { return gateway.use([&](Link &link) { return link.wait_over(soon); }); });
    const auto over = gateway.use([](Link &link) { return link.over(); });
    throw Error(ErrorKind::disconnected,
                "the connection to " + gateway.place() + " was lost" +
                    (over ? std::string(": ") + over->what() : ""),
                "`elsewhere doctor` tries the way there");
}

int init_gateway(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        const char *spec = nullptr, *python = nullptr, *magic = nullptr;
        Py_ssize_t magic_size = 0;
        PyObject *hello = nullptr;
        if (!PyArg_ParseTuple(arguments, "ssz#O:Gateway", &spec, &python, &magic, &magic_size,
                              &hello))
            throw PythonError{};
        GatewayObject *self = as_gateway(object);
        if (self->gateway != nullptr) throw Error(ErrorKind::usage, "this gateway is open already");
        const transport::XSpec parsed((std::string(spec)));
        transport::validate(parsed);
        gateway::Settings settings;
        settings.origin = {python, transport::terminal_is_here()};
        if (magic != nullptr && magic_size == 4) {
            settings.magic.emplace();
            std::copy(magic, magic + 4, settings.magic->begin());
        }
        Dumped greeting = dump(hello);
        settings.hello = wire::Payload(greeting.payload.joined());
        settings.interrupted = [] {
            const PyGILState_STATE state = PyGILState_Ensure();
            const bool stop = PyErr_CheckSignals() < 0;
            PyGILState_Release(state);
            if (stop) throw PythonError{};
        };
        {
            const WithoutGil free;
            self->gateway = new Gateway(parsed, std::move(settings));
        }
        Ref facts = load(self->gateway->hello().bytes.span(), self->gateway->hello().extended);
        if (!PyDict_Check(facts.get()))
            throw Error(ErrorKind::protocol, "the worker's hello is no dict");
        PyObject *version = PyDict_GetItemString(facts.get(), "python");
        self->python2 = version != nullptr && PyTuple_Check(version) &&
                        PyTuple_GET_SIZE(version) > 0 &&
                        PyLong_AsLong(PyTuple_GET_ITEM(version, 0)) == 2;
        PyErr_Clear();
        if (PyObject_SetAttrString(object, "facts", facts.get()) < 0) throw PythonError{};
        Ref place = Ref::checked(PyUnicode_FromString(self->gateway->place().c_str()));
        if (PyObject_SetAttrString(object, "host", place.get()) < 0) throw PythonError{};
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

void dealloc_gateway(PyObject *object) {
    GatewayObject *self = as_gateway(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->gateway != nullptr) {
        const WithoutGil free;
        delete self->gateway;
    }
    type->tp_free(object);
    Py_DECREF(type);
}

// The link's own channel number, for a new channel.
PyObject *open_channel(PyObject *object, PyObject *) {
    return entry([&] {
        const std::uint32_t id =
            opened(as_gateway(object)).use([](Link &link) { return link.open(); });
        return Ref::checked(PyLong_FromUnsignedLong(id));
    });
}

// execute(channel id, (source, file name, function, kwargs))
PyObject *execute(PyObject *object, PyObject *arguments) {
    return entry([&] {
        unsigned id = 0;
        PyObject *what = nullptr;
        if (!PyArg_ParseTuple(arguments, "IO:execute", &id, &what)) throw PythonError{};
        GatewayObject *self = as_gateway(object);
        Gateway &gateway = opened(self);
        Dumped made = dump(what, codec_of(self));
        auto sent = [&] {
            const WithoutGil free;
            return gateway.use([&](Link &link) { return link.exec(id, std::move(made.payload)); });
        }();
        finish_sending(gateway, sent);
        return none();
    });
}

PyObject *close_gateway(PyObject *object, PyObject *timeout) {
    return entry([&] {
        const double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1 && PyErr_Occurred()) throw PythonError{};
        GatewayObject *self = as_gateway(object);
        if (self->gateway != nullptr) {
            const WithoutGil free;
            self->gateway->close(std::chrono::milliseconds(static_cast<long>(seconds * 1000)));
        }
        return none();
    });
}

// Why the link is over, as a str; None while it is not.
PyObject *why_over(PyObject *object, PyObject *) {
    return entry([&] {
        GatewayObject *self = as_gateway(object);
        try {
            const auto error = opened(self).use([](Link &link) { return link.over(); });
            if (!error) return none();
            return Ref::checked(PyUnicode_FromString(error->what()));
        } catch (const Error &error) {
            return Ref::checked(PyUnicode_FromString(error.what()));
        }
    });
}

PyObject *gateway_pid(PyObject *object, void *) {
    return entry([&] { return Ref::checked(PyLong_FromLong(opened(as_gateway(object)).pid())); });
}

PyMethodDef gateway_methods[] = {
    {"_open_channel", open_channel, METH_NOARGS, nullptr},
    {"_execute_on", execute, METH_VARARGS, nullptr},
    {"_close", close_gateway, METH_O, nullptr},
    {"_why_over", why_over, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef gateway_properties[] = {
    {"_pid", gateway_pid, nullptr, "The process here: ssh, or the worker itself.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <class T> void *slot(T *function) { return reinterpret_cast<void *>(function); }

PyType_Slot gateway_slots[] = {
    {Py_tp_init, slot(init_gateway)},       {Py_tp_new, slot(PyType_GenericNew)},
    {Py_tp_dealloc, slot(dealloc_gateway)}, {Py_tp_methods, gateway_methods},
    {Py_tp_getset, gateway_properties},     {0, nullptr},
};
PyType_Spec gateway_spec = {"elsewhere._elsewhere.Gateway", sizeof(GatewayObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, gateway_slots};

// ---- Channel ----

int init_channel(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        PyObject *gateway = nullptr;
        unsigned id = 0;
        if (!PyArg_ParseTuple(arguments, "O!I:Channel", gateway_type, &gateway, &id))
            throw PythonError{};
        ChannelObject *self = as_channel(object);
        if (self->gateway != nullptr) throw Error(ErrorKind::usage, "this channel exists already");
        (void)opened(as_gateway(gateway));
        self->gateway = as_gateway(Ref::share(gateway).release());
        self->id = id;
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

void dealloc_channel(PyObject *object) {
    ChannelObject *self = as_channel(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->gateway != nullptr && self->gateway->gateway != nullptr) {
        const WithoutGil free;
        try {
            self->gateway->gateway->use([&](Link &link) {
                const mux::ChannelState state = link.state(self->id);
                if (state.known && !state.closed) (void)link.close(self->id);
                link.forget(self->id);
                return 0;
            });
        } catch (const Error &) {
            // the link is over: the channel with it
        }
    }
    Py_XDECREF(reinterpret_cast<PyObject *>(self->gateway));
    type->tp_free(object);
    Py_DECREF(type);
}

Gateway &gateway_of(ChannelObject *self) {
    if (self->gateway == nullptr) throw Error(ErrorKind::usage, "this channel was never opened");
    return opened(self->gateway);
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
        gateway_of(self).use([&](Link &link) {
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
        Gateway &gateway = gateway_of(self);
        Dumped made = dump(item, codec_of(self->gateway));
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
        Gateway &gateway = gateway_of(self);
        gateway::Received came{};
        try {
            came = persistently([&] {
                return gateway.use([&](Link &link) { return link.receive(self->id, deadline); });
            });
        } catch (const Error &error) {
            if (error.kind() != ErrorKind::disconnected) throw;
            raise_end(self);
        }
        if (came.wait == Wait::done) return load_message(self->gateway, came.message);
        if (came.wait == Wait::timed_out) raise_timeout("no item came in time");
        raise_end(self);
    });
}

PyObject *wait_closed(PyObject *object, PyObject *timeout) {
    return entry([&] {
        ChannelObject *self = as_channel(object);
        const Deadline deadline = deadline_in(timeout);
        Gateway &gateway = gateway_of(self);
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
        const auto error = gateway_of(self).use([&](Link &link) { return link.error(self->id); });
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
            gateway_of(self).use([&](Link &link) {
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
            state = gateway_of(self).use([&](Link &link) { return link.state(self->id); });
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
        GatewayObject *gateway = as_channel(object)->gateway;
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

void add_gateway(PyObject *module) {
    gateway_type = reinterpret_cast<PyTypeObject *>(
        Ref::checked(PyType_FromModuleAndSpec(module, &gateway_spec, nullptr)).release());
    channel_type = reinterpret_cast<PyTypeObject *>(
        Ref::checked(PyType_FromModuleAndSpec(module, &channel_spec, nullptr)).release());
    if (PyModule_AddType(module, gateway_type) < 0 || PyModule_AddType(module, channel_type) < 0)
        throw PythonError{};
}

} // namespace elsewhere::bindings
