#include "engine/cpython/adopted_bytes.hpp"

#include <string_view>

// Exported by CPython from 3.7 on, and declared in an internal header: the name of the allocators
// that are in use, null if they are none of its own, or others stand between.
extern "C" __attribute__((weak)) const char *_PyMem_GetCurrentAllocatorName(void); // NOLINT

namespace elsewhere {

bool is_malloced(std::size_t size) noexcept {
    constexpr std::size_t longest_of_pymalloc = 512;
    if (size <= longest_of_pymalloc || _PyMem_GetCurrentAllocatorName == nullptr) return false;
    const char *name = _PyMem_GetCurrentAllocatorName();
    if (name == nullptr) return false;
    return std::string_view(name) == "pymalloc" || std::string_view(name) == "malloc";
}

Ref adopt_bytes(void *block, std::size_t size) noexcept {
    auto *bytes = static_cast<PyBytesObject *>(block);
    PyObject_InitVar(reinterpret_cast<PyVarObject *>(bytes), &PyBytes_Type,
                     static_cast<Py_ssize_t>(size));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" // from 3.11 on
    bytes->ob_shash = -1;
#pragma GCC diagnostic pop
    bytes->ob_sval[size] = 0;
    return Ref::steal(reinterpret_cast<PyObject *>(bytes));
}

} // namespace elsewhere
