// _elsewhere.Gateway: what elsewhere/_gateway builds its class on.
#include "core/gateway/gateway.hpp"

#include "core/gateway/hello.hpp"
#include "core/gateway/worker_blob.hpp"
#include "core/relay/tunnel.hpp"
#include "core/wire/value.hpp"

#include "python/bindings/endpoint.hpp"

namespace elsewhere::bindings {

namespace {

using gateway::Gateway;
using gateway::Link;

Gateway &gateway_of(PyObject *object) {
    return static_cast<Gateway &>(opened(as_endpoint(object)));
}

// command_for(spec, python, dialer or None): the words that would be started where `python` runs,
// and whether they may want to ask somebody at a terminal.
PyObject *command_for(PyObject *, PyObject *arguments) {
    return entry([&] {
        const char *spec = nullptr, *python = nullptr, *dialer = nullptr;
        if (!PyArg_ParseTuple(arguments, "ssz:command_for", &spec, &python, &dialer))
            throw PythonError{};
        const transport::XSpec parsed((std::string(spec)));
        transport::validate(parsed);
        transport::Origin origin = {.python = python};
        if (dialer != nullptr) origin.dialer = {python, "-I", "-S", "-c", dialer};
        const transport::Command command =
            transport::command_for(parsed, {std::string(worker_stage0())}, origin);
        Ref words = Ref::checked(PyList_New(0));
        for (const std::string &word : command.argv) {
            Ref text = Ref::checked(PyUnicode_DecodeFSDefault(word.c_str()));
            if (PyList_Append(words.get(), text.get()) < 0) throw PythonError{};
        }
        const bool asks = command.keyboard == transport::Keyboard::prompts;
        return Ref::checked(Py_BuildValue("(Oi)", words.get(), static_cast<int>(asks)));
    });
}

// hello_for(spec, id): what is to be said to its worker, a dict.
PyObject *hello_for(PyObject *, PyObject *arguments) {
    return entry([&] {
        const char *spec = nullptr, *id = nullptr;
        if (!PyArg_ParseTuple(arguments, "ss:hello_for", &spec, &id)) throw PythonError{};
        const transport::XSpec parsed((std::string(spec)));
        const auto hello = gateway::hello_for(parsed, id);
        const wire::Payload value = wire::encode(hello);
        return load(value.joined().span(), value.extended());
    });
}

// The worker's text, compressed by zlib.
PyObject *worker_text(PyObject *, PyObject *) {
    return entry([&] {
        const auto text = worker_source();
        return Ref::checked(PyBytes_FromStringAndSize(reinterpret_cast<const char *>(text.data()),
                                                      static_cast<Py_ssize_t>(text.size())));
    });
}

// The GIL, for a callback of the core in a thread that has let go of it.
class WithGil {
  public:
    WithGil() : state_(PyGILState_Ensure()) {}
    ~WithGil() { PyGILState_Release(state_); }
    WithGil(const WithGil &) = delete;
    WithGil &operator=(const WithGil &) = delete;

  private:
    PyGILState_STATE state_;
};

// greet(facts or None) gives the hello and, if an engine is offered, what gives the bytes of it.
// For None it may give None.
std::optional<gateway::Settings::Greeting> greeting_of(const mux::Message *hello, PyObject *greet) {
    const WithGil gil;
    Ref facts = hello == nullptr ? none() : load(hello->bytes.span(), hello->extended);
    Ref answer = Ref::checked(PyObject_CallFunctionObjArgs(greet, facts.get(), nullptr));
    if (answer.get() == Py_None && hello == nullptr) return std::nullopt;
    PyObject *ours = nullptr, *engine = nullptr;
    if (!PyArg_ParseTuple(answer.get(), "OO:greet", &ours, &engine)) throw PythonError{};
    gateway::Settings::Greeting greeting;
    greeting.hello = wire::Payload(dump(ours).payload.joined());
    if (engine == Py_None) return greeting;
    // Destroyed without the GIL.
    const std::shared_ptr<PyObject> kept(Ref::share(engine).release(), [](PyObject *object) {
        const WithGil inside;
        Py_DECREF(object);
    });
    greeting.engine = [kept] {
        const WithGil inside;
        Ref bytes = Ref::checked(PyObject_CallFunctionObjArgs(kept.get(), nullptr));
        char *data = nullptr;
        Py_ssize_t size = 0;
        if (PyBytes_AsStringAndSize(bytes.get(), &data, &size) < 0) throw PythonError{};
        return std::string(data, static_cast<std::size_t>(size));
    };
    return greeting;
}

// The spec and what starts it from here.
struct Start {
    transport::XSpec spec;
    gateway::Settings settings;
};
Start start_of(const char *spec, const char *python, std::string_view magic, const char *dialer,
               const char *engine) {
    Start start = {transport::XSpec(spec), {}};
    transport::validate(start.spec);
    start.settings.origin = {python, transport::terminal_is_here()};
    if (dialer != nullptr) start.settings.origin.dialer = {python, "-I", "-S", "-c", dialer};
    if (magic.size() == 4) {
        start.settings.magic.emplace();
        std::ranges::copy(magic, start.settings.magic->begin());
    }
    if (engine == nullptr) return start;
    start.settings.warm.emplace();
    start.settings.warm->engine = engine;
    // Here, where no other thread of Python's changes it.
    for (char **entry = environ; entry != nullptr && *entry != nullptr; ++entry)
        start.settings.warm->environment.append(*entry).push_back('\0');
    return start;
}

int init_gateway(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        const char *spec = nullptr, *python = nullptr, *magic = nullptr, *dialer = nullptr;
        const char *engine = nullptr;
        unsigned long long occasion = 0;
        Py_ssize_t magic_size = 0;
        PyObject *greet = nullptr, *carrier = nullptr, *meanwhile = nullptr;
        if (!PyArg_ParseTuple(arguments, "ssz#OzOOzK:Gateway", &spec, &python, &magic, &magic_size,
                              &greet, &dialer, &carrier, &meanwhile, &engine, &occasion))
            throw PythonError{};
        EndpointObject *self = as_endpoint(object);
        if (self->endpoint != nullptr)
            throw Error(ErrorKind::usage, "this gateway is open already");
        auto [parsed, settings] =
            start_of(spec, python, {magic, static_cast<std::size_t>(magic_size)}, dialer, engine);
        if (settings.warm) settings.warm->occasion = occasion;
        settings.greet = [&](const mux::Message *hello) { return greeting_of(hello, greet); };
        settings.meanwhile = [&] {
            const WithGil gil;
            (void)Ref::checked(PyObject_CallFunctionObjArgs(meanwhile, nullptr));
        };
        settings.interrupted = [] {
            const WithGil gil;
            run_signal_handlers();
        };
        if (PyTuple_Check(carrier)) { // fds of a worker in this process
            int in = -1, out = -1;
            if (!PyArg_ParseTuple(carrier, "ii", &in, &out)) throw PythonError{};
            settings.carried = {.in = Fd(in), .out = Fd(out), .errors = {}, .status = {}};
            settings.boots = false;
        } else if (carrier != Py_None) {
            const ChannelParts over = parts_of(carrier);
            auto tunnel = std::make_shared<relay::Tunnel>(opened(over.owner), over.id);
            settings.carried = tunnel->take_ends();
            settings.direct = [tunnel] { return tunnel->goes_direct() ? tunnel : nullptr; };
            settings.carrier = std::move(tunnel);
            self->carrier = Ref::share(carrier).release();
        }
        {
            const WithoutGil free;
            self->endpoint = new Gateway(parsed, std::move(settings));
        }
        const mux::Message &hello_there = gateway_of(object).hello();
        Ref facts = load(hello_there.bytes.span(), hello_there.extended);
        if (!PyDict_Check(facts.get()))
            throw Error(ErrorKind::protocol, "the worker's hello is no dict");
        PyObject *version = PyDict_GetItemString(facts.get(), "python");
        self->python2 = version != nullptr && PyTuple_Check(version) &&
                        PyTuple_GET_SIZE(version) > 0 &&
                        PyLong_AsLong(PyTuple_GET_ITEM(version, 0)) == 2;
        PyErr_Clear();
        if (PyObject_SetAttrString(object, "facts", facts.get()) < 0) throw PythonError{};
        Ref why = Ref::checked(PyUnicode_FromString(gateway_of(object).why_pure().c_str()));
        if (PyObject_SetAttrString(object, "why_pure", why.get()) < 0) throw PythonError{};
        Ref place = Ref::checked(PyUnicode_FromString(self->endpoint->place().c_str()));
        if (PyObject_SetAttrString(object, "host", place.get()) < 0) throw PythonError{};
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

// prestart(spec, python, magic or None, engine, stays) -> "", or why there is no zygote.
PyObject *prestart(PyObject *, PyObject *arguments) {
    return entry([&] {
        const char *spec = nullptr, *python = nullptr, *magic = nullptr, *engine = nullptr;
        Py_ssize_t magic_size = 0;
        int stays = 0;
        if (!PyArg_ParseTuple(arguments, "ssz#sp:prestart", &spec, &python, &magic, &magic_size,
                              &engine, &stays))
            throw PythonError{};
        const Start start =
            start_of(spec, python, {magic, static_cast<std::size_t>(magic_size)}, nullptr, engine);
        const std::string why = [&] {
            const WithoutGil free;
            return gateway::prestart(start.spec, start.settings, stays != 0);
        }();
        return Ref::checked(PyUnicode_FromString(why.c_str()));
    });
}

// execute(channel id, (source, file name, function, kwargs))
PyObject *execute(PyObject *object, PyObject *arguments) {
    return entry([&] {
        unsigned id = 0;
        PyObject *what = nullptr;
        if (!PyArg_ParseTuple(arguments, "IO:execute", &id, &what)) throw PythonError{};
        gateway::Endpoint &endpoint = opened(as_endpoint(object));
        const ChannelsOf channels(as_endpoint(object));
        Dumped made = dump(what, &channels);
        auto sent = [&] {
            const WithoutGil free;
            return endpoint.use([&](Link &link) { return link.exec(id, std::move(made.payload)); });
        }();
        finish_sending(endpoint, sent);
        return none();
    });
}

PyObject *close_gateway(PyObject *object, PyObject *timeout) {
    return entry([&] {
        const double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1 && PyErr_Occurred()) throw PythonError{};
        if (as_endpoint(object)->endpoint != nullptr) {
            const WithoutGil free;
            gateway_of(object).close(std::chrono::milliseconds(static_cast<long>(seconds * 1000)));
        }
        return none();
    });
}

// Asks the worker to end, and does not wait for it.
PyObject *ask_to_end(PyObject *object, PyObject *) {
    return entry([&] {
        gateway::Endpoint &endpoint = opened(as_endpoint(object));
        const WithoutGil free;
        (void)endpoint.use([](Link &link) { return link.terminate(gateway::Clock::now()); });
        return none();
    });
}

// take_errors(): a descriptor with what the process here says on stderr; -1 if that has ended.
PyObject *take_errors(PyObject *object, PyObject *) {
    return entry([&] {
        Gateway &gateway = gateway_of(object);
        Fd errors = [&] {
            const WithoutGil free;
            return gateway.take_errors();
        }();
        return Ref::checked(PyLong_FromLong(errors.release()));
    });
}

PyObject *gateway_pid(PyObject *object, void *) {
    return entry([&] { return Ref::checked(PyLong_FromLong(gateway_of(object).pid())); });
}

PyMethodDef gateway_methods[] = {
    {"_execute_on", execute, METH_VARARGS, nullptr},
    {"_close", close_gateway, METH_O, nullptr},
    {"_ask_to_end", ask_to_end, METH_NOARGS, nullptr},
    {"_take_errors", take_errors, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyObject *gateway_is_warm(PyObject *object, void *) {
    return entry([&] { return Ref::share(gateway_of(object).is_warm() ? Py_True : Py_False); });
}

PyGetSetDef gateway_properties[] = {
    {"is_warm", gateway_is_warm, nullptr,
     "Whether its interpreter was forked from one that was kept for that.", nullptr},
    {"_pid", gateway_pid, nullptr, "The process here: ssh, or the worker itself.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot gateway_slots[] = {
    {Py_tp_init, slot(init_gateway)},
    {Py_tp_methods, gateway_methods},
    {Py_tp_getset, gateway_properties},
    {0, nullptr},
};
PyType_Spec gateway_spec = {"elsewhere._elsewhere.Gateway", sizeof(EndpointObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, gateway_slots};

// is_spec_key(name): whether a spec may have it.
PyObject *is_spec_key(PyObject *, PyObject *name) {
    return entry([&] {
        const char *key = PyUnicode_AsUTF8(name);
        if (key == nullptr) throw PythonError{};
        return Ref::share(transport::is_known_key(key) ? Py_True : Py_False);
    });
}

PyMethodDef functions[] = {{"is_spec_key", is_spec_key, METH_O, nullptr},
                           {nullptr, nullptr, 0, nullptr}};

} // namespace

void add_gateway(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
    Ref bases =
        Ref::checked(PyTuple_Pack(1, endpoint_type)); // a bare class will not do before 3.10
    Ref type = Ref::checked(PyType_FromModuleAndSpec(module, &gateway_spec, bases.get()));
    if (PyModule_AddType(module, reinterpret_cast<PyTypeObject *>(type.get())) < 0)
        throw PythonError{};
    static PyMethodDef functions[] = {{"command_for", command_for, METH_VARARGS, nullptr},
                                      {"hello_for", hello_for, METH_VARARGS, nullptr},
                                      {"prestart", prestart, METH_VARARGS, nullptr},
                                      {"worker_source", worker_text, METH_NOARGS, nullptr},
                                      {nullptr, nullptr, 0, nullptr}};
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
