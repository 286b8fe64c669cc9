#include "engine/frame/closing.hpp"

#include <string_view>

#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

// Of all threads together, under the GIL.
struct Closing {
    PyObject *generator; // borrowed from who called close()
    Closing *outer;
};
Closing *closings = nullptr;

template <int which> struct Close {
    static inline PyCFunction original = nullptr;
    static PyObject *close(PyObject *self, PyObject *arguments) {
        Closing here{self, closings};
        closings = &here;
        PyObject *result = original(self, arguments);
        Closing **place = &closings;
        while (*place != &here) place = &(*place)->outer; // another thread's may be on top
        *place = here.outer;
        return result;
    }
    static void install(PyTypeObject &type) {
        if (original != nullptr) return;
        for (PyMethodDef *method = type.tp_methods; method->ml_name != nullptr; ++method)
            if (std::string_view(method->ml_name) == "close")
                original = interpose(method, METH_NOARGS, close);
    }
};

// The generator that `generator`, which is marked as running, has handed over to; borrowed.
PyObject *delegate_of(PyObject *generator) {
    if (elw_generator_state(generator) != ELW_GEN_EXECUTING) return nullptr;
    ElwFrame *frame = elw_generator_frame(generator);
    const int depth = elw_saved_depth(frame);
    const CodeMap map(elw_code(frame));
    const int at = map.start(elw_in_flight(frame));
    const int receiver = depth - (elw_facts.iterator_pairs ? 2 : 1);
    if (at < 0 || receiver < 0 || delegating_send(map, at) < 0) return nullptr;
    PyObject *delegate = elw_get(elw_stack(frame)[receiver]);
    return delegate != nullptr && elw_is_generator(delegate) &&
                   elw_generator_state(delegate) == ELW_GEN_EXECUTING
               ? delegate
               : nullptr;
}

bool is_being_closed(PyObject *generator) {
    for (const Closing *each = closings; each != nullptr; each = each->outer)
        if (each->generator == generator) return true;
    return false;
}

} // namespace

void watch_closing() {
    Close<0>::install(PyGen_Type);
    Close<1>::install(PyCoro_Type);
}

int delegating_send(const CodeMap &map, int at) {
    if (elw_facts.yields_before_send) {
        const int next = map.at(at).next;
        return map.start(next) == next && map.at(next).op == ELW_OP_SEND ? next : -1;
    }
    if (map.at(at).op == ELW_OP_RESUME && at > 0) at = map.start(at - 1);
    if (map.at(at).op != ELW_OP_YIELD || at == 0) return -1;
    const int before = map.start(at - 1);
    return map.at(before).op == ELW_OP_SEND ? before : -1;
}

bool closes_down_to(PyObject *outer, PyObject *generator) {
    if (outer == nullptr || generator == nullptr || !is_being_closed(outer)) return false;
    for (PyObject *at = delegate_of(outer); at != nullptr; at = delegate_of(at))
        if (at == generator) return true;
    return false;
}

bool throws_into(const CallOperands &call, PyObject *generator) {
    if (generator == nullptr || call.callable == nullptr || !call.known()) return false;
    const PyMethodDef *method = nullptr;
    PyObject *self = nullptr;
    if (PyCFunction_Check(call.callable)) {
        method = reinterpret_cast<PyCFunctionObject *>(call.callable)->m_ml;
        self = reinterpret_cast<PyCFunctionObject *>(call.callable)->m_self;
    } else if (Py_IS_TYPE(call.callable, &PyMethodDescr_Type) && call.count > 0) {
        method = reinterpret_cast<PyMethodDescrObject *>(call.callable)->d_method;
        self = call.argument(0);
    }
    return self == generator && std::string_view(method->ml_name) == "throw";
}

bool is_passed_through(PyObject *generator) { return delegate_of(generator) != nullptr; }

} // namespace elsewhere::frame
