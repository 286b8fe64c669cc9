// The extension module _elsewhere: the native half of the Python package.
#include <string_view>

#include "python/bindings/entry.hpp"

namespace {

constexpr std::string_view name = "elsewhere._elsewhere";

// In a worker, which loads it under a name of its own for the sake of its link, it leaves Python as
// it is and tests nothing: no program is suspended by that module.
int exec_module(PyObject *module) {
    using namespace elsewhere::bindings;
    PyObject *ok = entry([&] {
        add_errors(module);
        add_settling(module);
        add_gateway(module);
        add_values(module);
        add_worker(module);
        add_zygote(module);
        add_relay(module);
        const char *loaded_as = PyModule_GetName(module);
        if (loaded_as == nullptr) throw elsewhere::PythonError{};
        if (loaded_as != name) return none();
        add_baselines(module);
        add_objects(module);
        add_layouts(module);
        add_moving(module);
        add_handover(module);
        add_head_start(module);
        add_state(module);
        return none();
    });
    Py_XDECREF(ok);
    return ok == nullptr ? -1 : 0;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void *>(exec_module)}, {0, nullptr}};

PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = name.data(),
    .m_doc = "Native half of elsewhere: frames, objects and snapshots.",
    .m_size = 0,
    .m_methods = nullptr,
    .m_slots = slots,
    .m_traverse = nullptr,
    .m_clear = nullptr,
    .m_free = nullptr,
};

} // namespace

PyMODINIT_FUNC PyInit__elsewhere(void) { return PyModuleDef_Init(&definition); }
