// The extension module _elsewhere, and the part of it that a worker needs: the link to the
// controller.
#include "python/bindings/entry.hpp"

namespace {

int exec_module(PyObject *module) {
    using namespace elsewhere::bindings;
    PyObject *ok = entry([&] {
        add_errors(module);
        add_settling(module);
        add_endpoint(module);
        add_channel(module);
        add_values(module);
        add_worker(module);
        add_zygote(module);
        add_relay(module);
        add_rest(module);
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void *>(exec_module)}, {0, nullptr}};

PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "elsewhere._elsewhere",
    .m_doc = "Native half of elsewhere.",
    .m_size = 0,
    .m_methods = nullptr,
    .m_slots = slots,
    .m_traverse = nullptr,
    .m_clear = nullptr,
    .m_free = nullptr,
};

} // namespace

PyMODINIT_FUNC PyInit__elsewhere(void) { return PyModuleDef_Init(&definition); }
