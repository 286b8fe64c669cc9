// _elsewhere.Worker: the far end of a gateway, where worker/native.py has loaded this module.
#include "python/bindings/endpoint.hpp"

#include <cstring>

namespace elsewhere::bindings {

namespace {

using gateway::Endpoint;
using gateway::Link;
using gateway::Wait;

// Worker(source, sink, sent, received, unread): goes on where worker/link.py has stopped.
int init_worker(PyObject *object, PyObject *arguments, PyObject *) {
    PyObject *ok = entry([&] {
        int source = -1, sink = -1;
        unsigned sent = 0, received = 0;
        Py_buffer unread;
        if (!PyArg_ParseTuple(arguments, "iiIIy*:Worker", &source, &sink, &sent, &received,
                              &unread))
            throw PythonError{};
        EndpointObject *self = as_endpoint(object);
        try {
            if (self->endpoint != nullptr) throw Error(ErrorKind::usage, "it is open already");
            auto link = std::make_unique<Link>(
                Fd(source), Fd(sink), mux::Side::worker, mux::Before{sent, received},
                std::span(static_cast<const std::uint8_t *>(unread.buf),
                          static_cast<std::size_t>(unread.len)));
            self->endpoint = new Endpoint("the controller", std::move(link));
            self->plain = true;
        } catch (...) {
            PyBuffer_Release(&unread);
            throw;
        }
        PyBuffer_Release(&unread);
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

// next_request(first) -> (channel, what was to be executed), ("status", None), or ("end", None);
// None: a signal was handled, or wake_first() called.
PyObject *next_request(PyObject *object, PyObject *first) {
    return entry([&] {
        const bool is_first = first == Py_True;
        Endpoint &endpoint = opened(as_endpoint(object));
        const gateway::Requested came = [&] {
            const WithoutGil free;
            return endpoint.use([&](Link &link) { return link.next_request({}, is_first); });
        }();
        if (came.wait == Wait::interrupted) {
            run_signal_handlers();
            return none();
        }
        if (came.wait == Wait::closed || came.request.kind == wire::Kind::terminate)
            return Ref::checked(Py_BuildValue("(sO)", "end", Py_None));
        if (came.request.kind == wire::Kind::status)
            return Ref::checked(Py_BuildValue("(sO)", "status", Py_None));
        const ChannelsOf channels(as_endpoint(object));
        const mux::Message &message = came.request.message;
        Ref task = load(message.bytes.span(), message.extended, false, true, &channels);
        return Ref::checked(Py_BuildValue("(IO)", came.request.channel, task.get()));
    });
}

// Calls what(Link &) without the GIL.
template <class What> PyObject *with_link(PyObject *object, What what) {
    return entry([&] {
        Endpoint &endpoint = opened(as_endpoint(object));
        {
            const WithoutGil free;
            endpoint.use([&](Link &link) {
                (void)what(link);
                return 0;
            });
        }
        return none();
    });
}

PyObject *wake_first(PyObject *object, PyObject *) {
    return with_link(object, [](Link &link) {
        link.wake_first();
        return 0;
    });
}

PyObject *answer_status(PyObject *object, PyObject *status) {
    return entry([&] {
        wire::Buffer bytes = dump(status).payload.joined();
        return Ref::checked(with_link(object, [&](Link &link) {
            return link.answer_status(wire::Payload(std::move(bytes)));
        }));
    });
}

// The worker's last word.
PyObject *say_exit(PyObject *object, PyObject *code) {
    return entry([&] {
        wire::Buffer bytes = dump(code).payload.joined();
        return Ref::checked(with_link(object, [&](Link &link) {
            // A controller that is gone reads no more.
            const auto soon = gateway::Clock::now() + std::chrono::seconds(5);
            const Wait wait = link.exit_with(0, wire::Payload(std::move(bytes)), soon).wait;
            link.end(Error(ErrorKind::disconnected, "this worker has ended"));
            return wait;
        }));
    });
}

PyObject *give_up(PyObject *object, PyObject *why) {
    return entry([&] {
        wire::Buffer bytes = dump(why).payload.joined();
        return Ref::checked(with_link(object, [&](Link &link) {
            const auto soon = gateway::Clock::now() + std::chrono::seconds(5);
            return link.give_up(wire::Payload(std::move(bytes)), soon);
        }));
    });
}

PyObject *ended(PyObject *object, PyObject *) {
    return entry([&] {
        const bool is = opened(as_endpoint(object)).use([](Link &link) { return link.ending(); });
        return Ref::share(is ? Py_True : Py_False);
    });
}

PyObject *received(PyObject *object, PyObject *) {
    return entry([&] {
        const auto count =
            opened(as_endpoint(object)).use([](Link &link) { return link.received(); });
        return Ref::checked(PyLong_FromUnsignedLong(count));
    });
}

// The link is lost, though nothing has said so.
PyObject *end(PyObject *object, PyObject *) {
    return with_link(object, [](Link &link) {
        link.end(Error(ErrorKind::disconnected, "the connection was lost"));
        return 0;
    });
}

// Whether the controller has broken the protocol.
PyObject *failed(PyObject *object, PyObject *) {
    return entry([&] {
        const auto why = opened(as_endpoint(object)).use([](Link &link) { return link.over(); });
        return Ref::share(why && why->kind() == ErrorKind::protocol ? Py_True : Py_False);
    });
}

// compiled(source, name) -> code: as compile() does it, without the types of `ast`, which that
// makes first of all.
PyObject *compiled(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *source = nullptr, *name = nullptr;
        if (!PyArg_ParseTuple(arguments, "UU:_compiled", &source, &name)) throw PythonError{};
        Py_ssize_t size = 0;
        const char *text = PyUnicode_AsUTF8AndSize(source, &size);
        if (text == nullptr) throw PythonError{};
        if (std::strlen(text) == static_cast<std::size_t>(size)) {
            PyCompilerFlags flags = _PyCompilerFlags_INIT;
            flags.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
            return Ref::checked(Py_CompileStringObject(text, name, Py_file_input, &flags, -1));
        }
        // The error that it is differs by version.
        Ref of_python = Ref::checked(PyMapping_GetItemString(PyEval_GetBuiltins(), "compile"));
        return Ref::checked(
            PyObject_CallFunction(of_python.get(), "OOsiO", source, name, "exec", 0, Py_True));
    });
}

PyMethodDef methods[] = {
    {"_compiled", compiled, METH_VARARGS | METH_STATIC, nullptr},
    {"_next_request", next_request, METH_O, nullptr},
    {"_wake_first", wake_first, METH_NOARGS, nullptr},
    {"_answer_status", answer_status, METH_O, nullptr},
    {"_say_exit", say_exit, METH_O, nullptr},
    {"_give_up", give_up, METH_O, nullptr},
    {"_ended", ended, METH_NOARGS, nullptr},
    {"_received", received, METH_NOARGS, nullptr},
    {"_end", end, METH_NOARGS, nullptr},
    {"_failed", failed, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_init, slot(init_worker)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"elsewhere._elsewhere.Worker", sizeof(EndpointObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

} // namespace

void add_worker(PyObject *module) {
    // A bare class will not do before 3.10.
    Ref bases = Ref::checked(PyTuple_Pack(1, endpoint_type));
    Ref type = Ref::checked(PyType_FromModuleAndSpec(module, &spec, bases.get()));
    if (PyModule_AddType(module, reinterpret_cast<PyTypeObject *>(type.get())) < 0)
        throw PythonError{};
}

} // namespace elsewhere::bindings
