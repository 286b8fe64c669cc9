// What _elsewhere has and _link has not.
#include <string_view>

#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

// In a worker, which loads it under a name of its own for the sake of its link, it leaves Python as
// it is and tests nothing: no program is suspended by that module.
void add_rest(PyObject *module) {
    add_gateway(module);
    const char *loaded_as = PyModule_GetName(module);
    if (loaded_as == nullptr) throw PythonError{};
    if (loaded_as != std::string_view("elsewhere._elsewhere")) return;
    add_baselines(module);
    add_objects(module);
    add_layouts(module);
    add_moving(module);
    add_handover(module);
    add_head_start(module);
    add_state(module);
}

} // namespace elsewhere::bindings
